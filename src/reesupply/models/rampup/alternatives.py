"""Two other shapes for comparison, logistic and Gompertz, pinned to 0 at first feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from reesupply.models.rampup.curves import positive, yearly_average

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["gompertz_ramp", "gompertz_ramp_average", "logistic_ramp", "logistic_ramp_average"]

_SMALL_LAG = 1e-3


def logistic_ramp(
    months: npt.ArrayLike, rate: npt.ArrayLike, midpoint: npt.ArrayLike, plateau: npt.ArrayLike = 1
) -> FloatArray:
    r"""
    Share of nameplate a given time after first feed, logistic curve pinned at the start.

    The plain curve :math:`L(t) = 1/(1 + e^{-k(t - t_{50})})` is positive at first feed; it is
    shifted and stretched to start at 0 and still reach the plateau.

    Parameters
    ----------
    months : array_like
        Time since first feed [months]; all arguments broadcast.
    rate : array_like
        k, positive [1/month].
    midpoint : array_like
        Inflection of the plain curve, zero or positive [months after first feed].
    plateau : array_like
        Share of nameplate reached in the end.

    Returns
    -------
    ndarray
        :math:`U [L(t) - L(0)] / [1 - L(0)]`, and 0 where `months` is not positive.

    Raises
    ------
    ReesupplyError
        If `rate` or `midpoint` is out of range.
    """
    k, middle = positive("rate", rate), positive("midpoint", midpoint, zero=True)
    elapsed = np.maximum(np.asarray(months, dtype=np.float64), 0.0)
    start = special.expit(-k * middle)
    share = (special.expit(k * (elapsed - middle)) - start) / (1.0 - start)
    return np.asarray(np.multiply(plateau, share), dtype=np.float64)


def logistic_ramp_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    midpoint: npt.ArrayLike,
    plateau: npt.ArrayLike = 1.0,
) -> FloatArray:
    """
    Average share of nameplate in each calendar year, pinned logistic curve, exact.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years.
    rate, midpoint, plateau : array_like
        As in `logistic_ramp`; they broadcast with `first_feed`.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        Average share of nameplate.

    Raises
    ------
    ReesupplyError
        If a parameter is out of range, or `years` has more than one axis.
    """
    k, middle = positive("rate", rate), positive("midpoint", midpoint, zero=True)
    return yearly_average(first_feed, years, logistic_integral, (k, middle, plateau))


def logistic_integral(
    months: FloatArray, rate: FloatArray, midpoint: FloatArray, plateau: FloatArray
) -> FloatArray:
    """Cumulative output in months of nameplate of the pinned logistic curve."""
    elapsed = np.maximum(months, 0.0)
    start = special.expit(-rate * midpoint)
    area = np.logaddexp(0.0, rate * (elapsed - midpoint)) - np.logaddexp(0.0, -rate * midpoint)
    return np.asarray(plateau * (area / rate - start * elapsed) / (1.0 - start))


def gompertz_ramp(
    months: npt.ArrayLike, rate: npt.ArrayLike, lag: npt.ArrayLike, plateau: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""
    Share of nameplate a given time after first feed, Gompertz curve pinned at the start.

    Parameters
    ----------
    months : array_like
        Time since first feed [months]; all arguments broadcast.
    rate : array_like
        k, positive [1/month].
    lag : array_like
        b, positive; the plain curve :math:`G(t) = e^{-b e^{-kt}}` starts at :math:`e^{-b}`.
    plateau : array_like
        Share of nameplate reached in the end.

    Returns
    -------
    ndarray
        :math:`U [G(t) - G(0)] / [1 - G(0)]`, and 0 where `months` is not positive.

    Raises
    ------
    ReesupplyError
        If `rate` or `lag` is not positive and finite.
    """
    k, b = positive("rate", rate), positive("lag", lag)
    elapsed = np.maximum(np.asarray(months, dtype=np.float64), 0.0)
    # G(t) - G(0) as a product, which keeps all digits when b is small
    share = np.exp(-b * np.exp(-k * elapsed)) * np.expm1(b * np.expm1(-k * elapsed)) / np.expm1(-b)
    return np.asarray(np.multiply(plateau, share), dtype=np.float64)


def gompertz_ramp_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    lag: npt.ArrayLike,
    plateau: npt.ArrayLike = 1.0,
) -> FloatArray:
    r"""
    Average share of nameplate in each calendar year, pinned Gompertz curve, exact.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years.
    rate, lag, plateau : array_like
        As in `gompertz_ramp`; they broadcast with `first_feed`.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        From :math:`\int_0^t e^{-b e^{-ku}} du = [E_1(b e^{-kt}) - E_1(b)] / k`.

    Raises
    ------
    ReesupplyError
        If a parameter is not positive and finite, or `years` has more than one axis.
    """
    k, b = positive("rate", rate), positive("lag", lag)
    return yearly_average(first_feed, years, gompertz_integral, (k, b, plateau))


def gompertz_integral(
    months: FloatArray, rate: FloatArray, lag: FloatArray, plateau: FloatArray
) -> FloatArray:
    """Cumulative output in months of nameplate of the pinned Gompertz curve."""
    elapsed = np.maximum(months, 0.0)
    b = np.maximum(lag, _SMALL_LAG)
    log_x = np.log(b) - rate * elapsed
    # E1(x) = -gamma - ln x + x - ..., exact to the last bit below e^-40, and free of underflow
    first = np.where(
        log_x < -40.0, -np.euler_gamma - log_x, special.exp1(np.exp(np.maximum(log_x, -40.0)))
    )
    area = (first - special.exp1(b)) / rate
    output = (area - np.exp(-b) * elapsed) / -np.expm1(-b)
    # that difference loses its digits as b falls, so a small lag has the series of E1 instead
    low = np.minimum(lag, _SMALL_LAG)
    lost = (_ein(low) - _ein(low * np.exp(-rate * elapsed))) / -np.expm1(-low) / rate
    return np.asarray(plateau * np.where(lag < _SMALL_LAG, elapsed - lost, output))


def _ein(x: FloatArray) -> FloatArray:
    """E1(x) + gamma + ln x, to the last bit for x up to 1e-3."""
    return np.asarray(x * (1.0 - x * (1.0 / 4.0 - x * (1.0 / 18.0 - x / 96.0))))
