"""
Scores of forecasts against what came.

All are in the unit of the outcome, and lower is better. A forecast is an ensemble of equally likely
draws; a single draw is a point forecast. Tests compare every one with its closed form, where it has
one, and with the package ``scoringrules``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["PINBALL", "crps", "diebold_mariano", "interval_score", "jeffreys", "pinball", "pit"]

#: Levels whose pinball losses are averaged.
PINBALL = tuple(round(0.05 * k, 2) for k in range(1, 20))


def crps(draws: npt.ArrayLike, outcome: float) -> float:
    r"""
    Continuous ranked probability score of an ensemble; of a single draw, the absolute error.

    Parameters
    ----------
    draws : array_like, shape (draw,)
        The ensemble, equally weighted.
    outcome : float
        What happened, in the same unit.

    Returns
    -------
    float
        :math:`\frac1m \sum |x_i - y| - \frac1{m^2} \sum (2i - m - 1)\, x_{(i)}`, in that unit;
        lower is better (Gneiting and Raftery 2007, JASA 102).
    """
    x = np.sort(np.asarray(draws, dtype=np.float64))
    rank = 2.0 * np.arange(1, x.size + 1) - x.size - 1.0
    return float(np.abs(x - outcome).mean() - rank @ x / x.size**2)


def pinball(draws: npt.ArrayLike, outcome: float, levels: Sequence[float] = PINBALL) -> float:
    r"""
    Mean pinball loss of the quantiles of an ensemble.

    Parameters
    ----------
    draws : array_like, shape (draw,)
        The ensemble, equally weighted.
    outcome : float
        What happened.
    levels : sequence of float
        Between 0 and 1.

    Returns
    -------
    float
        Mean over levels :math:`\alpha` of :math:`(1\{y \le q_\alpha\} - \alpha)(q_\alpha - y)`;
        over all levels it would be half the CRPS.
    """
    alpha = np.asarray(levels, dtype=np.float64)
    gap = np.quantile(np.asarray(draws, dtype=np.float64), alpha) - outcome
    return float(np.mean(((gap >= 0.0) - alpha) * gap))


def interval_score(draws: npt.ArrayLike, outcome: float, share: float = 0.9) -> float:
    r"""
    Winkler's score of the central interval of an ensemble.

    Parameters
    ----------
    draws : array_like, shape (draw,)
        The ensemble, equally weighted.
    outcome : float
        What happened.
    share : float
        Probability of the interval, such as 0.9 for P5 to P95.

    Returns
    -------
    float
        Its width, and :math:`2 / (1 - \text{share})` times the distance of an outcome beyond it.

    Raises
    ------
    ReesupplyError
        If the share is not between 0 and 1.
    """
    if not 0.0 < share < 1.0:
        msg = f"share: found {share!r}, allowed is a probability between 0 and 1"
        raise ReesupplyError(msg)
    tail = 0.5 * (1.0 - share)
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [tail, 1.0 - tail])
    return float(high - low + (max(low - outcome, 0.0) + max(outcome - high, 0.0)) / tail)


def pit(draws: npt.ArrayLike, outcome: float, at: float = 0.5) -> float:
    """
    Probability integral transform: the level of the outcome in an ensemble.

    Parameters
    ----------
    draws : array_like, shape (draw,)
        The ensemble, equally weighted.
    outcome : float
        What happened.
    at : float
        From 0 to 1: how much of the draws that equal the outcome count as below it. A uniform
        random number makes the transform of a calibrated forecast with atoms uniform.

    Returns
    -------
    float
        From 0 to 1.
    """
    x = np.asarray(draws, dtype=np.float64)
    return float(np.mean(x < outcome) + at * np.mean(x == outcome))


def jeffreys(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    r"""
    Interval of a share, from Jeffreys' prior.

    Parameters
    ----------
    hits, trials : int
        Number of successes, and of independent trials.
    level : float
        Of the interval, between 0 and 1.

    Returns
    -------
    low, high : float
        Equal-tailed, of :math:`\mathrm{Beta}(k + 1/2, n - k + 1/2)`.

    Raises
    ------
    ReesupplyError
        If the level is not between 0 and 1, or there are fewer trials than hits.
    """
    from scipy.special import betaincinv

    if not 0.0 < level < 1.0:
        msg = f"level must lie between 0 and 1; got {level!r}"
        raise ReesupplyError(msg)
    if not 0 <= hits <= trials:
        msg = f"hits must lie between 0 and the number of trials, {trials}; got {hits}"
        raise ReesupplyError(msg)
    a, b = hits + 0.5, trials - hits + 0.5
    low, high = (float(betaincinv(a, b, 0.5 + 0.5 * sign * level)) for sign in (-1.0, 1.0))
    return low, high


def diebold_mariano(difference: npt.ArrayLike, horizon: int) -> tuple[float, float]:
    r"""
    Test whether two forecasters have the same expected score.

    Parameters
    ----------
    difference : array_like, shape (origin,)
        Score of the one less that of the other, of forecasts made at successive equal steps.
    horizon : int
        Steps ahead; errors of forecasts h steps ahead overlap over h - 1 steps.

    Returns
    -------
    statistic, p_value : float
        Negative where the first is better; two-sided. Not a number where the estimated variance is
        not positive, which a truncated sum of autocovariances can be.

    Raises
    ------
    ReesupplyError
        If the horizon is not from 1 to less than the number of differences.

    Notes
    -----
    Diebold and Mariano 1995, with the correction and Student's t of Harvey, Leybourne and Newbold
    (1997, https://doi.org/10.1016/S0169-2070(96)00719-4):
    :math:`\bar d \big/ \sqrt{(\gamma_0 + 2 \sum_{k<h} \gamma_k) / n}` times
    :math:`\sqrt{(n + 1 - 2h + h(h-1)/n) / n}`, on n - 1 degrees of freedom.
    """
    from scipy.special import stdtr

    d = np.asarray(difference, dtype=np.float64)
    n = d.size
    if not 1 <= horizon < n:
        msg = f"horizon: found {horizon!r}, allowed is a whole number from 1 to {n - 1}"
        raise ReesupplyError(msg)
    centred = d - d.mean()
    gamma = [float(centred[k:] @ centred[: n - k]) / n for k in range(horizon)]
    variance = (gamma[0] + 2.0 * sum(gamma[1:])) / n
    if not variance > 0.0:
        return float("nan"), float("nan")
    correction = (n + 1.0 - 2.0 * horizon + horizon * (horizon - 1.0) / n) / n
    statistic = float(d.mean() / np.sqrt(variance) * np.sqrt(correction))
    return statistic, float(2.0 * stdtr(n - 1, -abs(statistic)))
