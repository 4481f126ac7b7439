"""
What one would have to believe to agree with published claims.

`history_match` finds which settings of a few knobs are consistent with the claims, `least_shift`
the least shift of all inputs that meets them. ``python -m reesupply.analysis.matching`` writes the
latter as the shipped scenario ``cru-consistent``, and `read_shift` reads it. Neither is a forecast.
"""

from reesupply.analysis.matching.history import HistoryMatch, history_match
from reesupply.analysis.matching.shift import LeastShift, least_shift, read_shift

__all__ = ["HistoryMatch", "LeastShift", "history_match", "least_shift", "read_shift"]
