"""
Parameters of the supply chain estimated from what is on record.

Delays: `fit_schedule` and `fit_slip` fit the record of promised dates by survival analysis, and
``predictive()`` of a fit is the text of a scenario cell. ``python -m reesupply.analysis.fit``
prints all of them, data, prior and posterior side by side.

Growth: `fit_growth` fits a random walk with drift to a yearly activity, `growth_table` every row of
the table ``growth``, and `compare_forecasters` scores it and others on what came.

Regime: `historic_regime` is how unkind a world repeats the class of 2012 to 2014.
"""

from __future__ import annotations

from reesupply.analysis.fit.activities import usable_history
from reesupply.analysis.fit.border import BorderFit, border_record, fit_border
from reesupply.analysis.fit.delays import (
    DelayFit,
    ScheduleFit,
    SlipFit,
    fit_schedule,
    fit_slip,
)
from reesupply.analysis.fit.forecasters import compare_forecasters, scores
from reesupply.analysis.fit.growth import GrowthFit, fit_growth
from reesupply.analysis.fit.growth_rows import growth_table, shipped_growth, write_growth
from reesupply.analysis.fit.lognormal import Estimate, fit_lognormal
from reesupply.analysis.fit.priors import Prior, shipped_prior
from reesupply.analysis.fit.records import delays, left_out, schedule_factors, slips
from reesupply.analysis.fit.regime import (
    StudyStage,
    delivered_by,
    historic_regime,
    stage_mix,
    study_stages,
)
from reesupply.analysis.fit.report import delivered_share, parameter_table

__all__ = [
    "BorderFit",
    "DelayFit",
    "Estimate",
    "GrowthFit",
    "Prior",
    "ScheduleFit",
    "SlipFit",
    "StudyStage",
    "border_record",
    "compare_forecasters",
    "delays",
    "delivered_by",
    "delivered_share",
    "fit_border",
    "fit_growth",
    "fit_lognormal",
    "fit_schedule",
    "fit_slip",
    "growth_table",
    "historic_regime",
    "left_out",
    "parameter_table",
    "schedule_factors",
    "scores",
    "shipped_growth",
    "shipped_prior",
    "slips",
    "stage_mix",
    "study_stages",
    "usable_history",
    "write_growth",
]
