r"""
Weibull survival year by year, for many draws: two exponentials a year and draw.

The mean of S over a year is taken from S and its first four derivatives at both ends,

.. math::

   \int_0^1 f = \sum_{j=0}^{4} c_j \left[f^{(j)}(0) + (-1)^j f^{(j)}(1)\right] + R

with c = 1/2, 1/9, 1/72, 1/1008, 1/30240 and :math:`|R| \le 10^{-10} \max|f^{(10)}|` (two-point
Hermite quadrature). The derivatives are polynomials in the hazard times S, so they cost no further
exponential. Survival of age a changes over L/k years: from L/k = 1.9 on the remainder is below
1e-9, for a shorter one the year is cut into 2, 4 or 8 parts. The first two parts, where a^k is not
smooth, have the power series of the integral.

Every operation is elementwise in draws, so that a draw's bits do not depend on its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from reesupply.models.stocks.sums import KERNEL_BLOCK, SUM_BLOCK

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["weibull_at_ages", "weibull_over_years"]

_SMOOTH = 1.9  # L/k [parts of a year] from which on the remainder is small
_SERIES_UP_TO = 0.4  # z = (a/L)^k at the end of the second part
_SERIES_TERMS = 9  # then the first term left out is below 1e-9/(9k + 1)
_PARTS = (1, 2, 4, 8)


def weibull_at_ages(scale: FloatArray, shape: FloatArray, ages: FloatArray) -> FloatArray:
    """Survival at positive or zero ages; (draw,), (draw,) and (age,) give (age, draw)."""
    share = np.empty((ages.size, scale.size), dtype=scale.dtype)
    for start in range(0, scale.size, SUM_BLOCK):
        draws = slice(start, start + SUM_BLOCK)
        some = share[:, draws]
        _log_hazard(scale[draws], shape[draws], ages, out=some)
        np.exp(some, out=some)
        np.negative(some, out=some)
        np.exp(some, out=some)
    return share


def weibull_over_years(scale: FloatArray, shape: FloatArray, n_years: int) -> FloatArray:
    """
    Mean survival over each year, to 1e-9 of the inflow.

    Parameters
    ----------
    scale, shape : ndarray, shape (draw,)
        L [years] and k.
    n_years : int
        Number of years from age 0.

    Returns
    -------
    ndarray, shape (year, draw)
        Share in use, before rounding noise is taken off.
    """
    parts = np.zeros(scale.shape, dtype=np.intp)  # 0: closed form
    with np.errstate(over="ignore"):
        for count in reversed(_PARTS):
            smooth = scale * count >= _SMOOTH * shape
            parts[smooth & ((2.0 / (scale * count)) ** shape <= _SERIES_UP_TO)] = count
    share = np.empty((n_years, scale.size), dtype=scale.dtype)
    whole = parts == 1
    if 2 * np.count_nonzero(whole) > whole.size:
        # all at once, and the few others again: picking out the many would take longer
        with np.errstate(over="ignore", invalid="ignore"):
            _smooth_years(scale, shape, share)
        parts[whole] = -1
    for count in np.unique(parts):
        if count < 0:
            continue
        some = np.flatnonzero(parts == count)
        if count == 0:
            share[:, some] = _closed_form(scale[some], shape[some], n_years)
            continue
        # a year is the mean of its parts, each a year of a lifetime `count` times as long
        fine = np.empty((n_years * count, some.size), dtype=scale.dtype)
        _smooth_years(scale[some] * float(count), shape[some], fine)
        for part in range(1, count):
            fine[::count] += fine[part::count]
        share[:, some] = fine[::count] / count
    return share


def _closed_form(scale: FloatArray, shape: FloatArray, n_years: int) -> FloatArray:
    """Differences of the incomplete gamma function, for lifetimes that end nearly at once."""
    ages = np.arange(n_years + 1.0)[:, np.newaxis]
    with np.errstate(over="ignore", under="ignore"):
        power = (ages / scale) ** shape
    mean = scale * special.gamma(1.0 + 1.0 / shape)
    return np.asarray(np.diff(mean * special.gammainc(1.0 / shape, power), axis=0))


def _smooth_years(scale: FloatArray, shape: FloatArray, share: FloatArray) -> None:
    """Write the shares by two-point Hermite quadrature, those of the first two years by series."""
    age = np.arange(1.0, max(len(share), 2) + 1.0)
    held = age[:2, np.newaxis] * _series(np.exp(_log_hazard(scale, shape, age[:2])), shape)
    held[1] -= held[0]
    share[:2] = held[: len(share)]
    if len(share) < 3:
        return
    c = shape - 1.0
    columns = np.array([1 / age, 1 / (1008 * age**2), 1 / (72 * age), 1 / (30240 * age**3)])
    columns = columns.astype(scale.dtype, copy=False)
    rows = np.array(
        [3 * c, c * (shape - 2), 6 * c, c * (7 * shape - 11), c * (shape - 2) * (shape - 3), c]
    )
    work = np.empty((5, len(age) - 1, min(scale.size, KERNEL_BLOCK)), dtype=scale.dtype)
    for start in range(0, scale.size, KERNEL_BLOCK):
        draws = slice(start, start + KERNEL_BLOCK)
        k = shape[draws]
        block = work[:, :, : k.size]
        _log_hazard(scale[draws], k, age[1:], out=block[0])
        even, odd = _ends(block, k, rows[:, draws], columns[:, 1:, np.newaxis])
        later = share[2:, draws]
        np.subtract(even[:-1], odd[:-1], out=later)
        even += odd
        later += even[1:]


def _ends(
    work: FloatArray, shape: FloatArray, rows: FloatArray, columns: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """
    Return two parts of what S and its derivatives at an age add to the years beside it.

    Their difference goes to the year that begins then, their sum to the one that ends.
    With w = k (a/L)^k and c = k - 1 the derivatives times a^n/S are -w, w(w - c),
    -w(w(w - 3c) + c(k - 2)) and w(w(w(w - 6c) + c(7k - 11)) - c(k - 2)(k - 3)). Everything is in
    place: `work` begins with ln (a/L)^k and is used up.
    """
    survival, w, flow, odd, even = work
    np.exp(survival, out=survival)  # (a/L)^k
    np.multiply(survival, shape, out=w)
    np.negative(survival, out=survival)
    np.exp(survival, out=survival)
    np.multiply(survival, w, out=flow)
    flow *= columns[0]

    np.subtract(w, rows[0], out=odd)
    odd *= w
    odd += rows[1]
    odd *= columns[1]
    odd += 1.0 / 9.0
    odd *= flow

    np.subtract(w, rows[2], out=even)
    even *= w
    even += rows[3]
    even *= w
    even -= rows[4]
    even *= columns[3]
    w -= rows[5]
    w *= columns[2]
    even += w
    even *= flow
    survival *= 0.5
    even += survival
    return even, odd


def _series(power: FloatArray, shape: FloatArray) -> FloatArray:
    r"""Mean of S up to an age, :math:`\sum_j (-z)^j / (j!\,(jk + 1))` with z = (a/L)^k."""
    terms = np.arange(float(_SERIES_TERMS))[:, np.newaxis]
    signed = (-1.0) ** terms / special.gamma(terms + 1.0)
    signed, terms = (each.astype(shape.dtype, copy=False) for each in (signed, terms))
    coefficients = terms * shape
    coefficients += 1.0
    np.divide(signed, coefficients, out=coefficients)
    total: FloatArray = power * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        total += coefficient
        total *= power
    total += coefficients[0]
    return total


def _log_hazard(
    scale: FloatArray, shape: FloatArray, ages: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Return k ln(a/L), the logarithm of the cumulative hazard, of shape (age, draw)."""
    with np.errstate(divide="ignore"):  # S(0) = exp(-exp(-inf)) = 1
        log_age = np.log(ages)
    out = np.empty((ages.size, scale.size), dtype=scale.dtype) if out is None else out
    out[...] = log_age[:, np.newaxis]  # copied first: quicker than broadcasting both operands
    out *= shape
    out -= shape * np.log(scale)
    return out
