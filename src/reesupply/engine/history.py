"""The past of goods in use: yearly indices from observed series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ScenarioError

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


def past_inflow_index(scenario: Scenario, growth_before: float, start: int) -> FloatArray:
    """
    Inflow of past years over that of the base year, by end use.

    An end use with an activity series follows activity times average content of magnets; any other
    follows reconstructed total demand.

    Parameters
    ----------
    scenario : Scenario
        Its end uses and history.
    growth_before : float
        Growth per year before a series begins.
    start : int
        First cohort.

    Returns
    -------
    ndarray, shape (end_use, past year)
        From `start` to the year before the base year.
    """
    base = scenario.years[0]
    years = np.arange(start, base + 1)

    def index(name: str, growth: float) -> FloatArray:
        values = filled(yearly_series(scenario, name), years, growth)
        return np.asarray(values / values[-1])

    total, content = index(TOTAL, growth_before), index(CONTENT, 0.0)
    rows = [
        total
        if row.activity_history is None
        else index(row.activity_history, growth_before) * content
        for row in scenario.rows("end_uses")
    ]
    return np.array(rows)[:, :-1]
