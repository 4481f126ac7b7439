r"""
The regime that repeats the class of 2012 to 2014.

A project in a study stage with hazards :math:`h_F, h_A`, least wait :math:`w`, chance :math:`p` to
work, construction time :math:`C` and schedule factor :math:`S` operates, under the regime
:math:`m`, within :math:`T` years of the data date with probability

.. math::

    \frac{m h_F}{m h_F + h_A} \; \frac{m p}{m p + 1 - p} \;
    E_S\!\left[1 - e^{-(m h_F + h_A) \max(T - w_m - C S_m,\, 0)}\right]

with :math:`w_m = w / \max(m, 1)` and :math:`S_m = 1 + (S - 1)/m` (a factor below 1 is divided by
:math:`\max(m, 1)`), as in `reesupply.models.pipeline`. The first two factors are exact, the
expectation is a sum over the quantiles of :math:`S`.

Simpler than a run: the owner's date is taken to leave the decision free after the least wait, every
project needs the median construction time of the table ``projects``, and the schedule factor is
that of its stage, never that of a first-of-kind refinery. The stage mix of the index of 2012 to
2014 is not known; that of the study-stage rows of the table ``projects`` stands in for it.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.fit.report import delivered_share
from reesupply.distributions import Distribution, parse
from reesupply.errors import ReesupplyError, nearest
from reesupply.models.pipeline import delay_under
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["StudyStage", "delivered_by", "historic_regime", "stage_mix", "study_stages"]

#: End of 2014, the last year of the index, to the end of 2025.
HISTORIC_YEARS = 11.0
_NODES = 4001
_LOG_LIMIT = math.log(1e9)


@dataclass(frozen=True)
class StudyStage:
    """
    What may happen to a project that still needs its investment decision.

    Attributes
    ----------
    decide, abandon : float
        Hazards [1/year].
    minimum_wait : float
        Least years to the decision.
    schedule : Distribution or float
        Built over planned construction time.
    works : float
        Chance that the built plant works.
    construction : float
        Planned years of construction.
    """

    decide: float
    abandon: float
    minimum_wait: float
    schedule: Distribution | float
    works: float
    construction: float

    def delivered(self, years: float, regime: float) -> float:
        """
        Return the chance to operate within some years.

        Parameters
        ----------
        years : float
            From the data date.
        regime : float
            Factor m, from 0.

        Returns
        -------
        float
        """
        if regime == 0.0:
            return 0.0
        hazard = regime * self.decide + self.abandon
        odds = regime * self.works
        levels = (np.arange(_NODES) + 0.5) / _NODES
        if isinstance(self.schedule, Distribution):
            factors = self.schedule.ppf(levels)
        else:
            factors = np.full(1, self.schedule)
        with np.errstate(over="ignore"):  # the delays of a regime near 0 are without end
            build = self.construction * (1.0 + delay_under(factors - 1.0, regime))
        wait = delay_under(self.minimum_wait, max(regime, 1.0))
        in_time = -np.expm1(-hazard * np.maximum(years - wait - build, 0.0)).mean()
        taken = regime * self.decide / hazard if self.decide > 0.0 else 0.0
        works = odds / (odds + 1.0 - self.works) if self.works > 0.0 else 0.0
        return float(taken * works * in_time)


def study_stages() -> dict[str, StudyStage]:
    """
    Return the stages of the table ``stages`` that still need a decision.

    Returns
    -------
    dict
        By id. Construction is the median of the study-stage rows of the table ``projects``.
    """
    rows = {row["id"]: row for row in open_csv("stages") if row["route"] == "hazard"}
    times = [parse(p["construction"]) for p in open_csv("projects") if p["status"] in rows]
    middles = [t.median if isinstance(t, Distribution) else t for t in times]
    construction = median(middles)
    return {
        name: StudyStage(
            decide=float(row["decision_hazard"]),
            abandon=float(row["abandon_hazard"]),
            minimum_wait=float(row["minimum_wait"]),
            schedule=parse(row["schedule"]),
            works=float(row["works"]),
            construction=construction,
        )
        for name, row in rows.items()
    }


def stage_mix() -> dict[str, float]:
    """
    Return the shares of the stages among the study-stage rows of the table ``projects``.

    Returns
    -------
    dict
        Stage to share; they add up to 1. An integrated plant counts as its two rows.
    """
    names = {row["id"] for row in open_csv("stages") if row["route"] == "hazard"}
    count = Counter(row["status"] for row in open_csv("projects") if row["status"] in names)
    return {name: n / count.total() for name, n in count.items()}


def delivered_by(
    years: float,
    regime: float = 1.0,
    stages: Mapping[str, StudyStage] | None = None,
    mix: Mapping[str, float] | None = None,
) -> float:
    """
    Share of the projects in a study stage that operate within some years of the data date.

    Parameters
    ----------
    years : float
        From the data date.
    regime : float
        Factor m of `reesupply.models.pipeline`, finite and at least 0.
    stages : mapping, optional
        Name to `StudyStage`; `study_stages` when None.
    mix : mapping, optional
        Stage to weight, scaled to add up to 1; `stage_mix` when None.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ReesupplyError
        If years or regime are not finite or below 0, or the mix is no mix of these stages.
    """
    for name, value in (("years", years), ("regime", regime)):
        if not 0.0 <= value < math.inf:
            msg = f"{name} must be finite and at least 0; got {value!r}"
            raise ReesupplyError(msg)
    known = study_stages() if stages is None else stages
    weights = stage_mix() if mix is None else mix
    for name, weight in weights.items():
        if name not in known:
            msg = f"mix: there is no stage {name!r}; {nearest(name, known)}"
            raise ReesupplyError(msg)
        if not 0.0 <= weight < math.inf:
            msg = f"mix: the weight of {name} must be finite and at least 0; got {weight!r}"
            raise ReesupplyError(msg)
    whole = sum(weights.values())
    if not whole > 0.0:
        msg = "mix: at least one weight must be above 0"
        raise ReesupplyError(msg)
    return sum(w * known[name].delivered(years, regime) for name, w in weights.items()) / whole


def historic_regime(
    share: float | None = None,
    years: float = HISTORIC_YEARS,
    stages: Mapping[str, StudyStage] | None = None,
    mix: Mapping[str, float] | None = None,
) -> float:
    """
    Regime under which the pipeline delivers as much as the index of 2012 to 2014 did.

    Parameters
    ----------
    share : float, optional
        Of the projects, between 0 and 1. None is the index with pilot plants, 3 of 51.
    years : float
        Within which they came.
    stages, mix : mapping, optional
        As in `delivered_by`.

    Returns
    -------
    float

    Raises
    ------
    ReesupplyError
        If the share is not between 0 and 1, or no regime delivers it in these years.

    Notes
    -----
    The record has three deliveries and its stage mix is not known, so the second digit of the
    result carries nothing.
    """
    from scipy.optimize import brentq

    if share is None:
        index = delivered_share()
        share = float((index["delivered"] / index["listed"])["with-pilot"])
    if not 0.0 < share < 1.0:
        msg = f"share must lie between 0 and 1; got {share!r}"
        raise ReesupplyError(msg)
    known = study_stages() if stages is None else stages
    weights = stage_mix() if mix is None else mix
    target = share

    def miss(log_regime: float) -> float:
        return delivered_by(years, math.exp(log_regime), known, weights) - target

    most = miss(_LOG_LIMIT) + target
    if not most > target:
        msg = f"no regime delivers {target:.3g} within {years:g} years: the most is {most:.3g}"
        raise ReesupplyError(msg)
    return math.exp(float(brentq(miss, -_LOG_LIMIT, _LOG_LIMIT, xtol=1e-10)))
