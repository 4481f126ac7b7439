"""The tables an analyst asks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.years import place_of, whole_years
from reesupply.engine.joint import in_deficit, tolerances
from reesupply.result import weighted_quantile
from reesupply.result.statistics import weighted_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from reesupply.engine.plan import Plan
    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

CAPTIVE_MINES, OTHER_MINES = "Chinese and captive mines", "other mines"
WEEKS = 365.25 / 7.0
_RECYCLED = ("recycled_new_scrap", "recycled_end_of_life")


def outlook(result: Result) -> pd.DataFrame:
    """
    Balance by year in the ways it is asked for, at the median.

    Parameters
    ----------
    result : Result
        A run that kept ``result.data``.

    Returns
    -------
    pandas.DataFrame
        By year, P50 of: demand, the balance of all elements and of each, the balance as share of
        demand, the balance outside China by final use and for magnet plants, the stock of past
        surpluses in weeks of demand, concentrate that nobody could process; and the probability
        of a deficit.

    Raises
    ------
    ReesupplyError
        If draws were not kept.
    """
    import pandas as pd

    whole = result.all_elements
    demand = result.values("demand", element=whole, bloc="world")
    balance = result.values("balance", element=whole)
    made = result.values("refined_supply", element=whole, bloc="ex_china")
    made = made + sum(result.values(n, element=whole, bloc="ex_china") for n in _RECYCLED)
    series: dict[str, FloatArray] = {"demand": demand, "balance": balance}
    for element in result.plan.elements:
        series[f"balance {element}"] = result.values("balance", element=element)
    series |= {
        "balance / demand": balance / demand,
        "ex-China balance, final use": made - _outside(result, "use_demand"),
        "ex-China balance, magnet plants": made - _outside(result, "demand"),
        "surplus stock, weeks": WEEKS * result.values("surplus_stock", element=whole) / demand,
        "concentrate stock": result.values("concentrate_stock", element=whole),
    }
    middle = {name: weighted_quantile(x, 0.5, result.weights) for name, x in series.items()}
    frame = pd.DataFrame(middle, index=pd.Index(result.plan.years, name="year"))
    short = in_deficit(balance, demand, tolerances(result.dtype)[0])
    frame["P(deficit)"] = weighted_mean(short.astype(np.float64), result.weights)
    return frame


def _outside(result: Result, name: str) -> FloatArray:
    return result.values(name, element=result.all_elements, bloc="ex_china")


def first_deficit_year(result: Result) -> pd.DataFrame:
    """
    Chance that each year is the first with a deficit above 2 % of demand.

    Parameters
    ----------
    result : Result
        Any run; under weights one that kept balance and demand.

    Returns
    -------
    pandas.DataFrame
        Index year, with "none" last; probability and cumulative. The base year, whose stock change
        is given, does not count. See `Result.first_deficit_year`.

    Raises
    ------
    ReesupplyError
        If there are weights and draws were not kept.
    """
    return result.first_deficit_year()


def bridge(result: Result) -> pd.DataFrame:
    """
    Balance of the base year to that of the last, step by step, in means.

    Parameters
    ----------
    result : Result
        Any run; means are always there. Under weights what they are taken of must have been kept.

    Returns
    -------
    pandas.DataFrame
        Index step; change (or level, in the first and last row) and running total [t oxide/yr].
        The steps add up exactly.
    """
    import pandas as pd

    whole, years = result.all_elements, result.plan.years
    steps: list[tuple[str, float]] = [
        (f"balance {years[0]}", _mean(result, "balance", years[0], whole))
    ]
    demand = heavy_mean(result, "end_use.demand")
    for label, uses in _demand_steps(result).items():
        steps.append((f"demand: {label}", -float((demand[uses, -1] - demand[uses, 0]).sum())))
    separated = heavy_mean(result, "project.separated")
    captive = captive_rows(result.plan)
    for label, own in ((CAPTIVE_MINES, captive), (OTHER_MINES, ~captive)):
        supply = separated[own].sum(axis=0)
        steps.append((label, float(supply[-1] - supply[0])))
    for label, name in zip(("new scrap", "end of life"), _RECYCLED, strict=True):
        change = _mean(result, name, years[-1], whole) - _mean(result, name, years[0], whole)
        steps.append((label, change))
    frame = pd.DataFrame(steps, columns=["step", "change"]).set_index("step")
    frame["running"] = frame["change"].cumsum()
    last = _mean(result, "balance", years[-1], whole)
    frame.loc[f"balance {years[-1]}"] = (last, last)
    return frame


def supply_by_country(result: Result, years: Sequence[int] | None = None) -> pd.DataFrame:
    """
    Mean separated oxide by the country the ore comes from.

    Parameters
    ----------
    result : Result
        Any run; means are always there. Under weights what they are taken of must have been kept.
    years : sequence of int, optional
        Base year, 2030 and the last year when None.

    Returns
    -------
    pandas.DataFrame
        Index country, largest in the last year first; one column per year [t oxide/yr].

    Raises
    ------
    ReesupplyError
        If a year is unknown, or there are weights and draws were not kept.
    """
    import pandas as pd

    known = result.plan.years
    chosen = [] if years is None else whole_years("years", years)
    chosen = chosen or list(dict.fromkeys(y for y in (known[0], 2030, known[-1]) if y in known))
    separated = heavy_mean(result, "project.separated")
    at = [place_of(year, known) for year in chosen]
    by_country: dict[str, FloatArray] = {}
    for row, own in zip(_projects(result.plan), separated[:, at], strict=True):
        by_country[row.country] = by_country.get(row.country, 0.0) + own
    largest = sorted(by_country.items(), key=lambda item: -item[1][-1])
    shown = {country: supply for country, supply in largest if supply.any()}
    frame = pd.DataFrame.from_dict(shown, orient="index", columns=pd.Index(chosen, name="year"))
    frame.index.name = "country"
    return frame


def heavy_mean(result: Result, name: str) -> FloatArray:
    """
    Mean of a variable by project or end use, the heavy pair together.

    Parameters
    ----------
    result : Result
        Any run.
    name : str
        For example ``"project.separated"``.

    Returns
    -------
    ndarray, shape (row, year)
    """
    return np.asarray(mean_of(result, name)[:, list(result.plan.heavy)].sum(axis=1))


def mean_of(result: Result, name: str) -> FloatArray:
    """
    Mean of a variable by project or end use.

    Parameters
    ----------
    result : Result
        Any run; under weights one that kept the variable.
    name : str
        For example ``"project.separated"``.

    Returns
    -------
    ndarray, shape (project or end_use, element, year)

    Raises
    ------
    ReesupplyError
        If there are weights and the draws were not kept.
    """
    if result.weights is None:
        return result.moments.mean(name)
    return weighted_mean(result.values(name), result.weights)


def _mean(result: Result, name: str, year: int, element: str) -> float:
    bloc = None if name == "balance" else "world"
    return float(result.mean(name, year=year, element=element, bloc=bloc))


def _demand_steps(result: Result) -> dict[str, list[int]]:
    """Group vehicles and wind by sector; the two largest changes of the rest stand alone."""
    demand = heavy_mean(result, "end_use.demand")
    change = np.abs(demand[:, -1] - demand[:, 0])
    uses = result.plan.scenario.rows("end_uses")
    rest = sorted((i for i, u in enumerate(uses) if u.sector == "other"), key=lambda i: -change[i])
    steps: dict[str, list[int]] = {}
    for index, use in enumerate(uses):
        label = use.id if index in rest[:2] else use.sector
        steps.setdefault(label, []).append(index)
    return steps


def captive_rows(plan: Plan) -> npt.NDArray[np.bool_]:
    """Return which projects are parts of the captive total, in the order of the axis."""
    return np.array([row.part_of is not None for row in _projects(plan)])


def _projects(plan: Plan) -> list[Any]:
    """Return the project rows in the order of the axis."""
    by_id = {row.id: row for row in plan.scenario.rows("projects")}
    return [by_id[name] for name in plan.projects]
