r"""
Weights of least relative entropy that give statistics of draws prescribed means.

Given draws with prior weights b, statistics g (one number per draw each) and targets t, the weights
q that solve

.. math:: \min_q \sum_i q_i \ln \frac{q_i}{b_i}
   \quad \text{subject to} \quad \sum_i q_i g_i = t, \; \sum_i q_i = 1

are :math:`q_i \propto b_i \exp(\theta' g_i)`, where :math:`\theta` minimises the convex dual

.. math:: F(\theta) = \ln \sum_i b_i \exp(\theta' (g_i - t)) + \tfrac{1}{2} \theta' V \theta .

V = 0 is a hard target. With V, the covariance of the targets' normal errors, the dual is that of
minimising the relative entropy plus half of the squared miss over V, and
:math:`\sum q_i g_i = t - V \theta`.

The dual has a minimum only where hard targets lie inside the convex hull of the draws.

References
----------
I. Csiszar, Ann. Probab. 3 (1975) 146-158. J. C. Robertson, E. W. Tallman and C. H. Whiteman, J.
Money Credit Bank. 37 (2005) 383-401. A. Meucci, Risk 21(10) (2008) 86-91 (entropy pooling).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: Largest miss of a target, in standard deviations of its statistic, that counts as met.
TOLERANCE = 1e-8
_STEPS, _POLISH = 200, 10
_RIDGE = 1e-10  # far outside the draws the dual is straight, and a step needs a curvature


@dataclass(frozen=True, slots=True)
class Tilt:
    r"""
    Solution of the dual.

    Attributes
    ----------
    weights : ndarray, shape (draw,)
        Non-negative, sum 1.
    multipliers : ndarray, shape (statistic,)
        :math:`\theta`, in one over the unit of each statistic.
    miss : float
        Largest slope of the dual, in standard deviations; above `TOLERANCE` there is no solution.
    """

    weights: FloatArray
    multipliers: FloatArray
    miss: float


def tilt(
    statistics: FloatArray,
    targets: FloatArray,
    errors: FloatArray | None = None,
    prior: FloatArray | None = None,
) -> Tilt:
    """
    Find the weights of least relative entropy.

    Parameters
    ----------
    statistics : ndarray, shape (statistic, draw)
        Finite; in any units, which do not matter.
    targets : ndarray, shape (statistic,)
        Their prescribed means.
    errors : ndarray, shape (statistic,), optional
        Standard deviations of independent normal errors of the targets; 0 or None is hard.
    prior : ndarray, shape (draw,), optional
        Weights to start from, non-negative, sum 1; equal ones by default.

    Returns
    -------
    Tilt
        Its `miss` says whether the targets can be met.

    Examples
    --------
    >>> import numpy as np
    >>> found = tilt(np.array([[0.0, 1.0]]), np.array([0.75]))
    >>> found.weights.round(12)
    array([0.25, 0.75])
    """
    from threadpoolctl import threadpool_limits

    draws = statistics.shape[1]
    base = np.full(draws, 1.0 / draws) if prior is None else prior
    some = base > 0.0
    mean = statistics @ base
    off = statistics - mean[:, np.newaxis]
    sd = np.sqrt(off**2 @ base)
    scale = np.where(sd > 0.0, sd, 1.0)
    dual = _Dual(
        (off / scale[:, np.newaxis])[:, some],
        (targets - mean) / scale,
        np.zeros(len(scale)) if errors is None else (errors / scale) ** 2,
        np.log(base[some]),
    )
    with threadpool_limits(1, "blas"):  # the same bits on any number of cores
        theta = _minimum(dual)
    weights = np.zeros(draws)
    weights[some] = dual.weights(theta)
    return Tilt(weights, theta / scale, float(np.abs(dual.slope(theta)).max(initial=0.0)))


@dataclass(frozen=True, slots=True)
class _Dual:
    """The dual in statistics of mean 0 and standard deviation 1."""

    z: FloatArray
    target: FloatArray
    variance: FloatArray
    log_base: FloatArray

    def value(self, theta: FloatArray) -> float:
        power = self.log_base + theta @ self.z
        top = power.max()  # keeps the exponentials in range
        whole = float(top + np.log(np.exp(power - top).sum()))
        return whole - float(theta @ self.target) + 0.5 * float(theta**2 @ self.variance)

    def lowest(self) -> float:
        """Bound below the dual where there is a solution: no weights cost more than one draw's."""
        soft = self.variance > 0.0
        off = np.abs(self.z[soft] - self.target[soft, np.newaxis]).max(axis=1, initial=0.0)
        return float(self.log_base.min() - 0.5 * (off**2 / self.variance[soft]).sum())

    def slope(self, theta: FloatArray) -> FloatArray:
        return self.z @ self.weights(theta) - self.target + self.variance * theta

    def curvature(self, theta: FloatArray) -> FloatArray:
        weights = self.weights(theta)
        off = self.z - (self.z @ weights)[:, np.newaxis]
        return (off * weights) @ off.T + np.diag(self.variance + _RIDGE)

    def weights(self, theta: FloatArray) -> FloatArray:
        power = self.log_base + theta @ self.z
        found = np.exp(power - power.max())
        return np.asarray(found / found.sum())


def _minimum(dual: _Dual) -> FloatArray:
    """Minimise the dual: a trust region finds the place, Newton's last steps the digits."""
    from scipy.optimize import minimize

    start = np.zeros(len(dual.z))
    lowest = dual.lowest()
    options: Any = {"gtol": 1e-6, "maxiter": _STEPS, "max_trust_radius": 1e9}

    def watch(xk: FloatArray) -> None:
        if dual.value(xk) < lowest:
            raise StopIteration

    found = minimize(
        dual.value,
        start,
        jac=dual.slope,
        hess=dual.curvature,
        method="trust-exact",
        callback=watch,
        options=options,
    )
    theta = np.asarray(found.x)
    for _ in range(_POLISH):
        slope = dual.slope(theta)
        # of statistics that are one in all draws only the sum of multipliers is known
        step = np.linalg.lstsq(dual.curvature(theta), slope, rcond=1e-12)[0]
        if not np.abs(dual.slope(theta - step)).max() < np.abs(slope).max():
            break
        theta = theta - step
    return theta
