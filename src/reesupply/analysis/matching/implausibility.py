"""Implausibility of knobs, the cheapest turn of them, and shares of their space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]
    Means = Callable[[FloatArray], FloatArray]

#: How exactly targets are met by a search, in discrepancies.
_EXACT = 1e-6


def implausibility(
    means: FloatArray, variances: FloatArray, targets: FloatArray, sds: FloatArray
) -> FloatArray:
    r"""
    Distance of means from targets in standard deviations.

    Parameters
    ----------
    means, variances : ndarray, shape (claim, point)
        Mean of each claim and variance of its error.
    targets, sds : ndarray, shape (claim,)
        Published values and standard deviations of the discrepancy.

    Returns
    -------
    ndarray, shape (claim, point)
        :math:`I = |\mathrm{E} f - z| / \sqrt{\operatorname{Var}_\text{emulator} + V}`.

    Notes
    -----
    Vernon, Goldstein and Bower (2010), https://doi.org/10.1214/10-BA524. That I is below 3 for 95 %
    of any unimodal error is Pukelsheim's rule (1994), https://doi.org/10.2307/2684253.
    """
    off = np.abs(means - targets[:, np.newaxis])
    return np.asarray(off / np.sqrt(variances + sds[:, np.newaxis] ** 2))


def share(inside: BoolArray) -> tuple[float, float]:
    """
    Return the share of points inside a region and its binomial standard error.

    Of none inside the error is that of half a point, so that an empty region is not sure to be one.
    """
    number = inside.size
    found = inside.sum() / number
    within = min(max(found, 0.5 / number), 1.0 - 0.5 / number)
    return float(found), float(np.sqrt(within * (1.0 - within) / number))


def cheapest(
    means: Means,
    targets: FloatArray,
    sds: FloatArray,
    start: FloatArray,
    reach: float,
    cutoff: float = 0.0,
) -> FloatArray | None:
    r"""
    Find the knobs turned least that bring all claims near their targets.

    Parameters
    ----------
    means : callable
        Knobs (knob,) to means (claim,).
    targets, sds : ndarray, shape (claim,)
        Published values and standard deviations of the discrepancy.
    start : ndarray, shape (knob,)
        Where the search begins.
    reach : float
        Largest turn of a knob.
    cutoff : float
        Discrepancies by which a claim may be missed; 0 meets the targets.

    Returns
    -------
    ndarray, shape (knob,), or None
        Minimum of :math:`\sum m^2 / 2`; None where none within reach was found.
    """
    from scipy import optimize

    def miss(m: FloatArray) -> FloatArray:
        return np.asarray((means(m) - targets) / sds)

    constraints: Any = {"type": "eq", "fun": miss}
    if cutoff > 0.0:
        constraints = [
            {"type": "ineq", "fun": lambda m: cutoff - miss(m)},
            {"type": "ineq", "fun": lambda m: cutoff + miss(m)},
        ]
    # its stubs know no constraints of functions of arrays
    minimize: Any = optimize.minimize
    found = minimize(
        lambda m: 0.5 * float(m @ m),
        np.clip(start, -reach, reach),
        jac=lambda m: m,
        method="SLSQP",
        bounds=optimize.Bounds(-reach, reach),
        constraints=constraints,
        options={"maxiter": 500, "ftol": 1e-10},
    )
    met = np.abs(miss(found.x)).max() <= cutoff + 1e3 * _EXACT
    return np.asarray(found.x) if met else None
