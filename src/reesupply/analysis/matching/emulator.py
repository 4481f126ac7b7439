"""Means of claims as functions of the knobs, from pairs of draws with and without knobs turned."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: How a mean depends on the polynomial: added to the untuned mean, a factor on it, or a factor on
#: what it leaves to 1.
ADDED, FACTOR, COMPLEMENT = "added", "factor", "complement"
_STEPS, _SMALL = 50, 1e-9


@dataclass(frozen=True, slots=True)
class MeanEmulator:
    r"""
    Mean of a claim given the knobs.

    Attributes
    ----------
    link : {"added", "factor", "complement"}
        With the mean :math:`\mu_0` of the untuned draws, the mean at knobs m is
        :math:`\mu_0 + h(m)`, :math:`\mu_0 e^{h(m)}` or :math:`1 - (1 - \mu_0) e^{h(m)}`, where h
        is a quadratic polynomial.
    base : float
        :math:`\mu_0`, or :math:`1 - \mu_0` for "complement".
    coefficients : ndarray, shape (term,)
        Of h: constant, lines, squares and products.
    covariance : ndarray, shape (term, term)
        Of their errors.
    """

    link: str
    base: float
    coefficients: FloatArray
    covariance: FloatArray

    def mean(self, knobs: FloatArray) -> FloatArray:
        """Return the mean at knobs of shape (point, knob), shape (point,)."""
        return self._value(polynomial(knobs) @ self.coefficients)

    def mean_and_variance(self, knobs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean and the variance of its error, shape (point,) each."""
        x = polynomial(knobs)
        h = x @ self.coefficients
        variance = np.einsum("ij,ij->i", x @ self.covariance, x)
        slope = 1.0 if self.link == ADDED else self.base * np.exp(h)
        return self._value(h), np.asarray(variance * slope**2)

    def _value(self, h: FloatArray) -> FloatArray:
        if self.link == ADDED:
            return np.asarray(self.base + h)
        found = self.base * np.exp(h)
        return np.asarray(1.0 - found if self.link == COMPLEMENT else found)


def fit_mean(
    knobs: FloatArray, turned: FloatArray, untuned: FloatArray, link: str = ADDED
) -> MeanEmulator:
    """
    Fit the mean of a claim.

    Parameters
    ----------
    knobs : ndarray, shape (draw, knob)
        Drawn independently of all else.
    turned, untuned : ndarray, shape (draw,)
        The claim with these knobs, and with none turned on the same draws of all other inputs.
    link : {"added", "factor", "complement"}
        See `MeanEmulator`.

    Returns
    -------
    MeanEmulator

    Raises
    ------
    ReesupplyError
        If there are too few draws, or a factor is asked for of a claim that is negative.

    Notes
    -----
    "added" is least squares of the differences. The other two are Poisson regressions with the
    untuned draw as exposure: their score equations are those of the mean, whatever the
    distribution, and a claim in the denominator has a mean that is far from a polynomial
    (McCullagh and Nelder, Generalized Linear Models, 1989, chapters 6 and 9). Errors are robust
    (White 1980, https://doi.org/10.2307/1912934). Newton's steps on the normal equations take a
    tenth of the time of `statsmodels.GLM`, with which a test compares them.
    """
    x = polynomial(knobs)
    if not len(x) > 4 * x.shape[1]:
        msg = f"found {len(x):,} draws for {x.shape[1]} terms, allowed are more than 4 for each"
        raise ReesupplyError(msg)
    y, exposure = (1.0 - turned, 1.0 - untuned) if link == COMPLEMENT else (turned, untuned)
    if link == ADDED:
        gram = x.T @ x
        found = np.asarray(np.linalg.solve(gram, x.T @ (y - exposure)), dtype=np.float64)
        rest = y - exposure - x @ found
    else:
        if not (y.min() >= 0.0 and exposure.min() >= 0.0 and exposure.sum() > 0.0):
            msg = f"link: found {link!r} of a claim with negative draws, allowed is {ADDED!r}"
            raise ReesupplyError(msg)
        found, gram, rest = _poisson(x, y, exposure)
    half = np.asarray(np.linalg.solve(gram, (x * rest[:, np.newaxis]).T), dtype=np.float64)
    covariance: FloatArray = np.asarray(half @ half.T, dtype=np.float64)
    return MeanEmulator(link, float(exposure.mean()), found, covariance)


def _poisson(
    x: FloatArray, y: FloatArray, exposure: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return coefficients, information and residuals of a Poisson regression."""
    found = np.zeros(x.shape[1])
    found[0] = np.log(max(y.sum(), np.finfo(float).tiny) / exposure.sum())
    for _ in range(_STEPS):
        mean = exposure * np.exp(x @ found)
        gram = (x * mean[:, np.newaxis]).T @ x
        step = np.linalg.solve(gram, x.T @ (y - mean))
        found += step
        if np.abs(step).max() < _SMALL:
            break
    else:
        msg = "the mean of a claim could not be fitted; take more draws or a smaller reach"
        raise ReesupplyError(msg)
    mean = exposure * np.exp(x @ found)
    return found, (x * mean[:, np.newaxis]).T @ x, y - mean


def polynomial(knobs: FloatArray) -> FloatArray:
    """Return constant, lines, squares and products of knobs of shape (point, knob)."""
    columns: Sequence[int] = range(knobs.shape[1])
    pairs = list(combinations_with_replacement(columns, 2))
    first, second = (np.array([pair[i] for pair in pairs], dtype=np.intp) for i in (0, 1))
    return np.hstack([np.ones((len(knobs), 1)), knobs, knobs[:, first] * knobs[:, second]])
