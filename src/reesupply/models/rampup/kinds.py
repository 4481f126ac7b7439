"""The kinds of ramp-up curve, each described by the same two columns: months, shape or rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from reesupply.models.rampup.alternatives import (
    gompertz_integral,
    gompertz_ramp,
    logistic_integral,
    logistic_ramp,
)
from reesupply.models.rampup.curves import weibull_ramp, weibull_ramp_integral

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Curve = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """
    One kind of curve at plateau 1, as functions of its two positive parameters `tau` and `beta`.

    Every curve is 0 up to first feed, never falls, and ends at 1.

    Parameters
    ----------
    share : callable
        ``(months, tau, beta)`` to the share of nameplate that many months after first feed.
    integral : callable
        ``(months, tau, beta)`` to the cumulative output in months of nameplate.
    end : callable
        ``(missing, tau, beta)`` to the months at which only `missing` lacks to the plateau.
    """

    share: Curve
    integral: Curve
    end: Callable[[float, FloatArray, FloatArray], FloatArray]


def _weibull_end(missing: float, tau: FloatArray, beta: FloatArray) -> FloatArray:
    """Solve exp(-(t/tau)^beta) = missing."""
    return np.asarray(tau * (-np.log(missing)) ** (1.0 / beta))


def _logistic_end(missing: float, tau: FloatArray, beta: FloatArray) -> FloatArray:
    """Solve [1 - L(t)] / [1 - L(0)] = missing, midpoint tau and rate beta."""
    at_start = special.expit(beta * tau)  # 1 - L(0)
    return np.asarray(tau + np.log(1.0 / (missing * at_start) - 1.0) / beta)


def _gompertz_end(missing: float, tau: FloatArray, beta: FloatArray) -> FloatArray:
    """Solve [1 - G(t)] / [1 - G(0)] = missing, rate 1/tau and lag beta."""
    return np.asarray(tau * (np.log(beta) - np.log(-np.log1p(missing * np.expm1(-beta)))))


def _logistic_share(months: FloatArray, tau: FloatArray, beta: FloatArray) -> FloatArray:
    return logistic_ramp(months, beta, tau)


def _logistic_integral(months: FloatArray, tau: FloatArray, beta: FloatArray) -> FloatArray:
    return logistic_integral(months, beta, tau, np.ones(()))


def _gompertz_share(months: FloatArray, tau: FloatArray, beta: FloatArray) -> FloatArray:
    return gompertz_ramp(months, 1.0 / tau, beta)


def _gompertz_integral(months: FloatArray, tau: FloatArray, beta: FloatArray) -> FloatArray:
    return gompertz_integral(months, 1.0 / tau, beta, np.ones(()))


KINDS: Mapping[str, Kind] = {
    "weibull": Kind(weibull_ramp, weibull_ramp_integral, _weibull_end),
    "logistic": Kind(_logistic_share, _logistic_integral, _logistic_end),
    "gompertz": Kind(_gompertz_share, _gompertz_integral, _gompertz_end),
}
