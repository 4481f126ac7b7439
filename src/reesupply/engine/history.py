"""The past of goods in use: yearly indices from observed series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.inputs import in_all_draws
from reesupply.errors import ScenarioError
from reesupply.models.demand import residual_index

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

#: Series of history that end uses without one of their own follow.
TOTAL = "gross-demand-reconstructed"
#: Average content of magnets: the intensity of a use that follows an activity series.
CONTENT = "dytb-content-of-magnets"


def yearly_series(scenario: Scenario, series: str) -> dict[int, float]:
    """
    Return the yearly values of a series of the table history.

    Parameters
    ----------
    scenario : Scenario
        Whose history is read.
    series : str
        Name of the series.

    Returns
    -------
    dict of int to float
        Value by year; periods that are not a year are left out.

    Raises
    ------
    ScenarioError
        If the series has no yearly value.
    """
    found = {
        int(row.period): float(row.value)
        for row in scenario.rows("history")
        if row.series == series and row.period.isdecimal() and row.value is not None
    }
    if not found:
        msg = f"history: the series {series!r} has no yearly value"
        raise ScenarioError(msg)
    return dict(sorted(found.items()))


def filled(
    known: dict[int, float], years: npt.NDArray[np.intp], growth_before: float
) -> FloatArray:
    """
    Fill a series: log-linear between its years, back-cast at a rate before, constant after.

    Parameters
    ----------
    known : dict of int to float
        Positive values by year.
    years : ndarray of int, shape (year,)
        Years wanted.
    growth_before : float
        Growth per year before the first known year.

    Returns
    -------
    ndarray, shape (year,)
    """
    at = np.array(list(known), dtype=np.float64)
    log = np.log(np.maximum(np.array(list(known.values())), 1e-12))
    back = np.minimum(years - at[0], 0.0) * np.log1p(growth_before)
    return np.asarray(np.exp(np.interp(years, at, log) + back))


@dataclass(frozen=True, slots=True)
class PastPlan:
    """
    The past of the end uses: inflow of past years over that of the base year.

    Attributes
    ----------
    years : ndarray of int, shape (past year,)
        From the first cohort to the year before the base year.
    """

    years: npt.NDArray[np.intp]
    _total: FloatArray  # (past year,)
    _own: FloatArray  # (end_use, past year); NaN where an end use has no series of its own
    _taper: FloatArray  # (past year,)

    def index(self, weight: FloatArray, scale: FloatArray) -> list[FloatArray]:
        """
        Return the index of every end use.

        Parameters
        ----------
        weight : ndarray, shape (end_use, draw)
            Demand of the base year [t/yr]; 0 for stores.
        scale : ndarray, shape (draw,)
            Error of the past, full in old years and none in the base year.

        Returns
        -------
        list of ndarray, each shape (past year, draw)
            By end use; those without a series of their own have one array in common.
        """
        taper, series = (each.astype(scale.dtype, copy=False) for each in (self._taper, self._own))
        error = scale ** taper[:, np.newaxis]
        rest = residual_index(self._total, self._own, weight)
        rest *= error
        return [rest if np.isnan(own).any() else own[:, np.newaxis] * error for own in series]


def compile_past(scenario: Scenario) -> PastPlan:
    """
    Compile the past.

    An end use with an activity series follows activity times average content of magnets. Those
    without share what reconstructed total demand leaves.

    Parameters
    ----------
    scenario : Scenario
        Its end uses, history and anchors.

    Returns
    -------
    PastPlan
    """
    anchors = {row.id: row.value for row in scenario.rows("anchors")}
    growth = in_all_draws(anchors["growth-before-2010"])
    base = scenario.years[0]
    years = np.arange(int(in_all_draws(anchors["stock-history-start"])), base + 1)

    def index(name: str, growth: float) -> FloatArray:
        values = filled(yearly_series(scenario, name), years, growth)
        return np.asarray(values / values[-1])

    content = index(CONTENT, 0.0)
    own = [
        np.full(years.size, np.nan)
        if row.activity_history is None
        else index(row.activity_history, growth) * content
        for row in scenario.rows("end_uses")
    ]
    past = years[:-1]
    # error of the past: full until 14 years before the base year
    taper = np.clip((base - past) / 14.0, 0.0, 1.0)
    return PastPlan(past, index(TOTAL, growth)[:-1], np.array(own)[:, :-1], taper)
