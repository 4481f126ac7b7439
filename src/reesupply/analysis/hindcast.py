r"""
The past of demand as the model has it, beside what was published of it.

A run holds the past of every end use, since goods that leave use today were sold long ago. The
gross demand of a past year is

.. math::
   D_{u,e,t} = D_{u,e,0}\; \frac{x_{u,t}}{x_{u,0}}\; s^{\tau_t}

with demand of the base year :math:`D_{u,e,0}`, the index :math:`x` of the end use, and the error of
past inflows :math:`s`, full in old years and tapering to none in the base year
(:math:`\tau_t \to 0`). The index is activity times average content of magnets, or reconstructed
total demand for a use without a series of its own; the yield of making and the split of a use
between elements are those of the base year.

So agreement with the reconstruction is in part built in, but not all of it: nothing makes the
uses add up to the total that some of them follow. Other published numbers were not used to build
the past, save the recycled oxide of the base year.

`frozen_intensity` asks another question: what a forecaster would have said who knew how many
magnets would be made, and not how little dysprosium and terbium they would hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reesupply.analysis.past import RECYCLED, Past
from reesupply.analysis.years import whole_years
from reesupply.distributions import Distribution, parse
from reesupply.engine.history import CONTENT, TOTAL
from reesupply.errors import ReesupplyError
from reesupply.result import LEVELS, weighted_quantile
from reesupply.result.statistics import share_below, weighted_mean
from reesupply.scenario.loading import load_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

__all__ = ["KEEP", "demand_hindcast", "frozen_intensity", "hindcast_points"]

#: What a result has to keep for `hindcast_points`; `demand_hindcast` needs all but the recycled.
KEEP = ("end_use.demand", "end_use.contained", "base_year_factor", *RECYCLED, "inputs")
#: World output of magnet alloy, kt.
MAGNETS = "ndfeb-rough-world"
#: Quantiles of the thrifting rate and of its floor in `frozen_intensity`.
RATES, FLOORS = 1000, 20


class _Seen(NamedTuple):
    """A published series: on which bases the model is compared, and in which end uses."""

    series: str
    bases: tuple[str, ...]
    scope: str
    part: bool = False  # of a place within the world: the world cannot be below it
    uses: tuple[str, ...] = ()  # all when empty
    share: bool = False


_CARS = ("ev-cars", "ev-vans-trucks")
_WIND = ("wind-onshore", "wind-offshore")
_BOTH = ("contained", "gross")
_MIX = "use in China against use in the world"
_HEADLINE = "basis, uses and metal or oxide not said"
SEEN = (
    _Seen("mfa-dy-intermediate-world", _BOTH, "before or after the loss of making not said"),
    _Seen("mfa-dy-use-china", _BOTH, "China against the world, which holds it", part=True),
    _Seen("mfa-tb-demand-china", _BOTH, "China against the world, which holds it", part=True),
    _Seen("mfa-dy-into-use-eu", ("contained",), "the EU against the world: a bound", part=True),
    _Seen("dy-use-china-trade-note", ("gross",), "China against the world: a bound", part=True),
    _Seen("mfa-dy-share-ev-china", ("contained",), _MIX, uses=_CARS, share=True),
    _Seen("mfa-dy-share-wind-china", ("contained",), _MIX, uses=_WIND, share=True),
    _Seen(
        "mfa-dy-share-air-conditioning-china",
        ("contained",),
        _MIX,
        uses=("air-conditioning",),
        share=True,
    ),
    _Seen("demand-iluka-total", ("contained",), _HEADLINE),
    _Seen("demand-iluka-ev", ("contained",), _HEADLINE, uses=(*_CARS, "hybrids")),
    _Seen("demand-iluka-wind", ("contained",), _HEADLINE, uses=_WIND),
    _Seen("recycled-oxide-world-dytb", ("recycled",), "recovered shares of the base year"),
)


def demand_hindcast(result: Result, first: int = 2010) -> pd.DataFrame:
    """
    Gross demand of past years as the model has it, beside the reconstructed one.

    Parameters
    ----------
    result : Result
        A run that kept ``end_use.demand`` and its inputs.
    first : int
        First year, from the first cohort to the base year.

    Returns
    -------
    pandas.DataFrame
        Index year, to the base year. Columns (element, what), for each element and their sum:
        mean, P5, P50 and P95 over draws; value, low and high of the reconstruction in the table
        history, not a number where there is none; its percentile, 0 to 1; and inside, whether
        P5-P95 holds the value. Gross demand, t oxide/yr.

    Raises
    ------
    ReesupplyError
        If `first` is no year of the past or draws were not kept.

    Examples
    --------
    >>> import reesupply as rs
    >>> from reesupply.analysis.hindcast import KEEP, demand_hindcast
    >>> table = demand_hindcast(rs.simulate(draws=1_000, rng=1, keep=KEEP))
    >>> bool(table.loc[2012, ("Dy+Tb", "inside")])
    True
    """
    import pandas as pd

    past = Past(result)
    if first not in past.years:
        msg = f"first: found {first!r}, allowed is a year from {past.years[0]} to {past.years[-1]}"
        raise ReesupplyError(msg)
    start = past.years.index(first)
    gross = past.flow("end_use.demand")
    labels = dict.fromkeys([*result.plan.elements, result.all_elements])
    columns: dict[tuple[str, str], Any] = {}
    for label in labels:
        draws = past.element(gross, label)[start:]
        whole = label == result.all_elements
        known = _published(past.scenario, TOTAL if whole else f"demand-gross-world-{label.lower()}")
        rows = [known.get(year) for year in past.years[start:]]
        spread = _spread(draws, result.weights)
        columns |= {(label, name): x for name, x in spread.items()}
        for name in ("value", "low", "high"):
            columns[label, name] = [_number(row, name) for row in rows]
        columns[label, "percentile"] = [
            share_below(x, value, result.weights)
            for x, value in zip(draws, columns[label, "value"], strict=True)
        ]
        columns[label, "inside"] = _inside(spread, columns[label, "value"])
    frame = pd.DataFrame(columns, index=pd.Index(past.years[start:], name="year"))
    frame.columns = frame.columns.set_names(["element", "what"])
    return frame


def hindcast_points(result: Result) -> pd.DataFrame:
    """
    List published observations of the past, each at its percentile in the past of the model.

    Parameters
    ----------
    result : Result
        A run that kept `KEEP`.

    Returns
    -------
    pandas.DataFrame
        Index series, period and basis. A sum over years is compared with the sum over those years
        that the cohorts reach, which ``years`` gives; a mean with their mean; a value in metal
        with metal. Columns element and region of the observation, its unit, value, low and high;
        years; mean, P5, P50 and P95 of the model for the world, in that unit; percentile of the
        value, 0 to 1; part, whether the observation is of a place within the world; agrees,
        whether the value lies in P5-P95 or, of a part, not above P95; scope, what differs; kind,
        source and confidence as in the table history.

        Bases: "gross" is oxide that makers buy, "contained" that in finished goods, and
        "recycled" what came back with the recovered shares of the base year held. An observation
        that does not say its basis has a row for each.

    Raises
    ------
    ReesupplyError
        If draws were not kept.
    """
    import pandas as pd

    past = Past(result)
    rows = []
    for seen in SEEN:
        for row in past.scenario.rows("history"):
            ends = row.period.split("-")
            years = [y for y in past.years if int(ends[0][:4]) <= y <= int(ends[-1][:4])]
            gone = row.period.replace("-", "").isdecimal() and int(ends[-1]) <= past.years[-1]
            if row.series == seen.series and gone and years and row.value is not None:
                rows += [_point(past, seen, basis, row, years) for basis in seen.bases]
    return pd.DataFrame(rows).set_index(["series", "period", "basis"])


def _point(past: Past, seen: _Seen, basis: str, row: Any, years: list[int]) -> dict[str, Any]:
    """Build a row of `hindcast_points`."""
    draws = _compared(past, seen, basis, row, years)
    weights = past.result.weights
    spread = {name: float(x) for name, x in _spread(draws, weights).items()}
    low = -np.inf if seen.part else spread["P5"]
    return {
        "series": row.series,
        "period": row.period,
        "basis": basis,
        "element": row.element,
        "region": row.region,
        "unit": row.unit,
        **{name: _number(row, name) for name in ("value", "low", "high")},
        "years": f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0]),
        **spread,
        "percentile": share_below(draws, row.value, weights),
        "part": seen.part,
        "agrees": bool(low <= row.value <= spread["P95"]),
        "scope": seen.scope,
        "kind": row.kind,
        "source": ";".join(row.source),
        "confidence": row.confidence,
    }


def _compared(past: Past, seen: _Seen, basis: str, row: Any, years: list[int]) -> FloatArray:
    """Return the quantity of the model that answers to an observation, in its unit, (draw,)."""
    plan = past.result.plan
    at = [past.years.index(year) for year in years]
    if basis == "recycled":
        flow = past.recycled()
    else:
        name = "end_use.demand" if basis == "gross" else "end_use.contained"
        uses = np.isin(plan.end_uses, seen.uses or plan.end_uses)
        flow = past.element(past.flow(name, uses), row.element)
        if seen.share:
            return np.asarray(100.0 * (flow / past.element(past.flow(name), row.element))[at[0]])
        if "oxide" not in row.unit and row.element in plan.elements:
            elements = past.scenario.rows("elements")
            flow = flow / elements[plan.elements.index(row.element)].oxide_per_metal
    total = flow[at].sum(axis=0)
    return np.asarray(total if "cumulative" in row.unit else total / len(at))


def frozen_intensity(
    origins: Sequence[int] = (2010, 2015, 2020),
    target: int | None = None,
    *,
    thrifting: str | Distribution = "pert(-6, -3, 0)",
    floor: str | Distribution = "uniform(0.3, 0.4)",
    scenario: Scenario | None = None,
) -> pd.DataFrame:
    """
    Forecast gross demand from the past, with the magnets that came and the content of then.

    Parameters
    ----------
    origins : sequence of int
        Years of the reconstruction from which to look ahead; demand beside magnets stays as then.
    target : int, optional
        Year to forecast; by default the last of the reconstruction.
    thrifting : str or Distribution
        Change of content, %/yr. The default is a judgement made for the future, not fitted.
    floor : str or Distribution
        Share of the content of the origin below which thrifting does not go; judgement.
    scenario : Scenario, optional
        Whose table history is read; by default the baseline.

    Returns
    -------
    pandas.DataFrame
        Index origin. magnets: alloy made in the target year [t/yr]; content: Dy+Tb oxide in alloy
        at the origin [%]; other: demand beside magnets at the origin; reconstructed, low and high:
        the target year as reconstructed; frozen: forecast with the content of the origin; mean,
        P5, P50 and P95: forecast with thrifting; percentile of the reconstructed value in it, 0 to
        1, and inside, whether P5-P95 holds it; frozen_ratio and P50_ratio: forecast over
        reconstructed. All demand in t oxide/yr.

    Raises
    ------
    ReesupplyError
        If an origin or the target is not a year of the reconstruction, or an origin is later.

    Examples
    --------
    >>> from reesupply.analysis.hindcast import frozen_intensity
    >>> round(frozen_intensity([2010]).loc[2010, "frozen_ratio"], 1)
    np.float64(2.1)
    """
    import pandas as pd

    world = load_scenario() if scenario is None else scenario
    total, magnets, content = (_published(world, name) for name in (TOTAL, MAGNETS, CONTENT))
    known = sorted(set(total) & set(magnets) & set(content))
    target = known[-1] if target is None else target
    starts = whole_years("origins", origins)
    for year in (target, *starts):
        if year not in known or year > target:
            allowed = ", ".join(str(y) for y in known if y <= target)
            msg = f"frozen_intensity: found the year {year!r}, allowed is one of {allowed}"
            raise ReesupplyError(msg)
    actual, tonnes = total[target], 1e3 * magnets[target].value
    rows = []
    for origin in starts:
        share = content[origin].value / 100.0
        other = total[origin].value - 1e3 * magnets[origin].value * share
        left = _thrifted(parse(thrifting), parse(floor), target - origin)
        spread = {k: float(v) for k, v in _spread(tonnes * share * left + other, None).items()}
        frozen = tonnes * share + other
        rows.append(
            {
                "magnets": tonnes,
                "content": 100.0 * share,
                "other": other,
                "reconstructed": actual.value,
                "low": _number(actual, "low"),
                "high": _number(actual, "high"),
                "frozen": frozen,
                "frozen_ratio": frozen / actual.value,
                **spread,
                "P50_ratio": spread["P50"] / actual.value,
                "percentile": share_below(tonnes * share * left + other, actual.value, None),
                "inside": bool(spread["P5"] <= actual.value <= spread["P95"]),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(starts, name="origin"))


def _thrifted(rate: float | Distribution, floor: float | Distribution, years: int) -> FloatArray:
    """Content left after some years, over that of the origin, (draw,): a grid of quantiles."""
    rates, floors = (_levels(x, n) for x, n in ((rate, RATES), (floor, FLOORS)))
    left = (1.0 + rates / 100.0) ** years
    # a floor holds content up; it does not raise it above what it was
    return np.maximum.outer(left, np.minimum(floors, 1.0)).ravel() if years else np.ones(1)


def _levels(value: float | Distribution, number: int) -> FloatArray:
    """Quantiles in the middles of equal steps."""
    if not isinstance(value, Distribution):
        return np.array([value])
    return np.asarray(value.ppf((np.arange(number) + 0.5) / number))


def _published(scenario: Scenario, series: str) -> dict[int, Any]:
    """Rows of a series of the table history by year, in order."""
    rows = [row for row in scenario.rows("history") if row.series == series]
    found = {int(row.period): row for row in rows if row.period.isdecimal()}
    return {year: found[year] for year in sorted(found) if found[year].value is not None}


def _number(row: Any, name: str) -> float:
    """Read a cell of a row that may be missing, or blank."""
    value = None if row is None else getattr(row, name)
    return np.nan if value is None else float(value)


def _spread(draws: FloatArray, weights: FloatArray | None) -> dict[str, FloatArray]:
    """Mean and quantiles over the last axis, by name."""
    levels = {f"P{100 * q:.0f}": weighted_quantile(draws, q, weights) for q in LEVELS}
    return {"mean": weighted_mean(draws, weights), **levels}


def _inside(spread: dict[str, FloatArray], values: list[float]) -> list[bool | None]:
    """Whether P5-P95 holds a value; None where there is none."""
    ends = zip(spread["P5"], values, spread["P95"], strict=True)
    return [None if np.isnan(x) else bool(low <= x <= high) for low, x, high in ends]
