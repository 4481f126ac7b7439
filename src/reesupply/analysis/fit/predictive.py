"""A delay with uncertain parameters, written as one distribution of the notation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reesupply.distributions import lognormal, truncate
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.distributions import Distribution

    FloatArray = npt.NDArray[np.float64]

_NODES = 41
_LOG_MAX_SIGMA = math.log(10.0)


def partial_moments(
    log_median: npt.ArrayLike, sigma: npt.ArrayLike, limits: tuple[float, float]
) -> FloatArray:
    r"""
    Moments of the part of a lognormal that lies between two limits.

    Parameters
    ----------
    log_median, sigma : array_like
        Of the lognormal.
    limits : tuple of float
        Lower one from 0.

    Returns
    -------
    ndarray, shape (3, ...)
        :math:`E[X^k; a < \ln X < b] = e^{k \mu + k^2 \sigma^2/2}
        [\Phi((b-\mu)/\sigma - k\sigma) - \Phi((a-\mu)/\sigma - k\sigma)]`, k = 0, 1, 2.
    """
    mu, spread = np.asarray(log_median, dtype=np.float64), np.asarray(sigma, dtype=np.float64)
    low, high = limits
    lower = ((math.log(low) if low > 0.0 else -math.inf) - mu) / spread
    upper = (math.log(high) - mu) / spread
    moments = [
        np.exp(k * mu + 0.5 * (k * spread) ** 2) * _between(lower - k * spread, upper - k * spread)
        for k in (0.0, 1.0, 2.0)
    ]
    return np.array(moments)


def _between(low: FloatArray, high: FloatArray) -> FloatArray:
    """Probability of a standard normal number between two others, exact in both tails."""
    from scipy.special import ndtr

    flip = low > 0.0
    first, second = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.asarray(ndtr(second) - ndtr(first), dtype=np.float64)


def mixture_moments(
    centre: FloatArray, covariance: FloatArray, limits: tuple[float, float]
) -> tuple[float, float]:
    """
    Mean and standard deviation, within limits, of a lognormal whose parameters are normal.

    Parameters
    ----------
    centre : ndarray
        Logarithm of the median, logarithm of sigma.
    covariance : ndarray
        Of the two, shape (2, 2).
    limits : tuple of float
        Floor and ceiling; a value beyond them is impossible, whatever the parameters.

    Returns
    -------
    mean, sd : float
        By Gauss-Hermite quadrature over both parameters.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    first, second = np.meshgrid(nodes, nodes, indexing="ij")
    root = np.linalg.cholesky(covariance)
    log_median = centre[0] + root[0, 0] * first
    log_sigma = centre[1] + root[1, 0] * first + root[1, 1] * second
    # beyond ten a sigma is of no use: the clip keeps nodes without weight from overflowing
    sigma = np.exp(np.clip(log_sigma, -12.0, _LOG_MAX_SIGMA))
    moments = partial_moments(log_median, sigma, limits)
    kept, total, square = (moments * np.outer(weights, weights)).sum(axis=(1, 2))
    mean = float(total / kept)
    return mean, math.sqrt(max(float(square / kept) - mean * mean, 0.0))


def matched(
    centre: FloatArray, covariance: FloatArray, limits: tuple[float, float]
) -> Distribution:
    r"""
    One truncated lognormal with mean and standard deviation of the mixture.

    Parameters
    ----------
    centre : ndarray
        Logarithm of the median, logarithm of sigma.
    covariance : ndarray
        Of the two, shape (2, 2).
    limits : tuple of float
        Floor and ceiling.

    Returns
    -------
    Distribution
        ``truncate(lognormal(m, s), low, high)``, m and s to three digits.

    Raises
    ------
    ReesupplyError
        If no truncated lognormal has these moments.

    Notes
    -----
    The search starts at :math:`s^2 = \sigma^2 e^{2 \mathrm{var}(\ln \sigma)} +
    \mathrm{var}(\mu)`, which is the answer without limits up to the kurtosis.
    """
    from scipy.optimize import root

    mean, sd = mixture_moments(centre, covariance, limits)

    def miss(guess: FloatArray) -> FloatArray:
        sigma = math.exp(min(float(guess[1]), _LOG_MAX_SIGMA))
        kept, total, square = partial_moments(guess[0], sigma, limits)
        middle = float(total / kept)
        spread = math.sqrt(max(float(square / kept) - middle * middle, 0.0))
        return np.array([middle / mean - 1.0, spread / sd - 1.0])

    square = math.exp(min(2.0 * (centre[1] + covariance[1, 1]), _LOG_MAX_SIGMA)) + covariance[0, 0]
    start = np.array([centre[0], 0.5 * math.log(square)])
    with np.errstate(all="ignore"):  # where the search runs away, which the next line refuses
        found = root(miss, start, method="hybr", tol=1e-10)
        error = np.abs(miss(found.x))
    if not np.all(error < 1e-6):
        low, high = limits
        msg = (
            f"no lognormal between {low:g} and {high:g} has mean {mean:.3g} and sd {sd:.3g}: "
            "the parameters are too uncertain; give a prior"
        )
        raise ReesupplyError(msg)
    median, sigma = (float(f"{math.exp(value):.3g}") for value in found.x)
    return truncate(lognormal(median, sigma), *limits)
