r"""
What a run says if somebody else's view of a claim were right.

Conditioning gives the draws weights, those nearest to the ones they had (of least relative
entropy), under which the mean or a quantile of claims is as published. The centre moves
and, of a normal claim, the spread stays: a claim of an expectation is not an observation of the
future, which would narrow it.

Under a target at D standard deviations (Mahalanobis' distance of the targets jointly) a normal
claim costs :math:`D^2 / 2` nats and leaves a share :math:`\exp(-D^2)` of the draws, the effective
ones.
"""

from reesupply.analysis.condition.calibration import METHODS, calibrate
from reesupply.analysis.condition.conditioning import (
    LEAST,
    Conditioning,
    condition,
    conditioned,
    divergence,
    effective_draws,
    leave_one_out,
)
from reesupply.analysis.condition.pareto import largest_shape, pareto_shape
from reesupply.analysis.condition.targets import Target
from reesupply.analysis.condition.tilt import Tilt, tilt

__all__ = [
    "LEAST",
    "METHODS",
    "Conditioning",
    "Target",
    "Tilt",
    "calibrate",
    "condition",
    "conditioned",
    "divergence",
    "effective_draws",
    "largest_shape",
    "leave_one_out",
    "pareto_shape",
    "tilt",
]
