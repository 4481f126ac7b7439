"""What a run found: labels at the edge, bare arrays inside."""

from reesupply.result.core import Result
from reesupply.result.statistics import BANDS, LEVELS, weighted_quantile

__all__ = ["BANDS", "LEVELS", "Result", "weighted_quantile"]
