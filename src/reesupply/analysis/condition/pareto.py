"""
How heavy the tail of weights is: the shape of a generalised Pareto distribution fitted to it.

References
----------
A. Vehtari, D. Simpson, A. Gelman, Y. Yao and J. Gabry, J. Mach. Learn. Res. 25(72) (2024) 1-58
(size of the tail, prior of the shape, limits). J. Zhang and M. A. Stephens, Technometrics 51 (2009)
316-325 (the fit).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

_FEWEST = 5


def pareto_shape(weights: FloatArray) -> float:
    """
    Estimate the shape k of the tail of weights.

    Parameters
    ----------
    weights : ndarray, shape (draw,)
        Non-negative.

    Returns
    -------
    float
        Moments of the weights up to about 1/k exist; above `largest_shape` an average under them is
        not to be trusted. NaN where there is no tail to fit: fewer than five different weights
        above the rest, as under targets on quantiles alone.

    Notes
    -----
    The tail is the largest min(n/5, 3 sqrt(n)) weights less the next smaller one, and k is drawn
    towards 0.5 as ten further weights would do. Source: Vehtari et al. 2024, sections 3 and 6.
    """
    draws = weights.size
    size = int(min(draws / 5.0, 3.0 * np.sqrt(draws)))
    if size < _FEWEST or size >= draws:
        return float("nan")
    ordered = np.sort(weights)
    cut = ordered[-size - 1]
    beyond = ordered[-size:] - cut
    rounding = 1e-12 * ordered[-1]
    beyond = beyond[beyond > rounding]
    # a few values that many draws share are bounded and have no tail
    if np.count_nonzero(np.diff(beyond) > rounding) < _FEWEST - 1:
        return float("nan")
    shape = _shape(beyond / beyond[-1])
    return float((beyond.size * shape + 10.0 * 0.5) / (beyond.size + 10.0))


def largest_shape(draws: int) -> float:
    """
    Return the largest k at which averages under weights can be trusted.

    Parameters
    ----------
    draws : int
        How many weights there are.

    Returns
    -------
    float
        min(1 - 1/log10(n), 0.7); 0.7 from 2,155 draws on. Source: Vehtari et al. 2024, eq. 12.
    """
    return float(min(1.0 - 1.0 / np.log10(max(draws, 11)), 0.7))


def _shape(x: FloatArray) -> float:
    """Shape by the mean of Zhang and Stephens' profile posterior; ascending excesses over 0."""
    n = x.size
    number = 30 + int(np.sqrt(n))
    grid = 1.0 - np.sqrt(number / (np.arange(1, number + 1) - 0.5))
    grid = grid / (3.0 * x[int(n / 4 + 0.5) - 1]) + 1.0 / x[-1]
    shapes = np.log1p(-grid[:, np.newaxis] * x).mean(axis=1)
    likelihood = n * (np.log(-grid / shapes) - shapes - 1.0)
    share = np.exp(likelihood - likelihood.max())
    return float(np.log1p(-(grid @ share) / share.sum() * x).mean())
