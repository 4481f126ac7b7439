"""
Parameters of the supply chain estimated from what is on record.

Delays: `fit_schedule` and `fit_slip` fit the record of promised dates by survival analysis, and
``predictive()`` of a fit is the text of a scenario cell. ``python -m reesupply.analysis.fit``
prints all of them, data, prior and posterior side by side.
"""

from __future__ import annotations

from reesupply.analysis.fit.delays import (
    DelayFit,
    ScheduleFit,
    SlipFit,
    fit_schedule,
    fit_slip,
)
from reesupply.analysis.fit.lognormal import Estimate, fit_lognormal
from reesupply.analysis.fit.priors import Prior, shipped_prior
from reesupply.analysis.fit.records import delays, left_out, schedule_factors, slips
from reesupply.analysis.fit.report import delivered_share, parameter_table

__all__ = [
    "DelayFit",
    "Estimate",
    "Prior",
    "ScheduleFit",
    "SlipFit",
    "delays",
    "delivered_share",
    "fit_lognormal",
    "fit_schedule",
    "fit_slip",
    "left_out",
    "parameter_table",
    "schedule_factors",
    "shipped_prior",
    "slips",
]
