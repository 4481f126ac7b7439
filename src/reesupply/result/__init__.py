"""What a run found: labels at the edge, bare arrays inside."""

from reesupply.result.core import Result
from reesupply.result.statistics import LEVELS, weighted_quantile

__all__ = ["LEVELS", "Result", "weighted_quantile"]
