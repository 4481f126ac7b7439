"""
How a new mine or plant climbs from first feed to its plateau.

Every curve is a share of nameplate as a function of the time since first feed,
is exactly 0 before it, and comes with its exact average over calendar years: a
ramp that is read off at year ends overstates the first year by half.

Time since first feed is in months, dates are decimal years, and arrays have
draws last with years just before them: ``(..., year, draw)``.

Four small parts: `curves` (Weibull-type curve and straight line), `alternatives` (logistic and
Gompertz), `kinds` (all three by the same two parameters) and `table` (the look-up that an ensemble
of plants uses).

References
----------
.. [1] McNulty T., "Developing innovative technology", Mining Engineering 50(10),
   1998: four classes of start-up curve.
.. [2] Mackey P. J. and Nesset J. E., "The impact of commissioning and start-up
   performance on a mining/metallurgical project", CMP Proceedings, 2003.
"""

from reesupply.models.rampup.alternatives import (
    gompertz_ramp,
    gompertz_ramp_average,
    logistic_ramp,
    logistic_ramp_average,
)
from reesupply.models.rampup.curves import (
    calendar_year_average,
    creep_average,
    linear_ramp_average,
    weibull_ramp,
    weibull_ramp_integral,
)
from reesupply.models.rampup.table import RampTable

__all__ = [
    "RampTable",
    "calendar_year_average",
    "creep_average",
    "gompertz_ramp",
    "gompertz_ramp_average",
    "linear_ramp_average",
    "logistic_ramp",
    "logistic_ramp_average",
    "weibull_ramp",
    "weibull_ramp_integral",
]
