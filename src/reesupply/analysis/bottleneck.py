"""Feed or separation: what limits refining outside China, and what one refinery can reach."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.outage import gone
from reesupply.distributions import (
    Discrete,
    Distribution,
    Normal,
    Pert,
    Triangular,
    Truncated,
    Uniform,
)
from reesupply.engine.simulate import compile, simulate
from reesupply.errors import ReesupplyError, nearest
from reesupply.result import weighted_quantile
from reesupply.result.statistics import weighted_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from reesupply.engine.plan import Plan
    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

OUTSIDE = "ex_china"
#: What a result has to keep for `bottleneck`.
KEEP = (
    *("project.output", "project.capacity", "project.throughput"),
    *("refined_supply", "concentrate_stock"),
)
#: Less than a kilogram a year is nothing left over.
TOLERANCE = 1e-3
_REACHED = ("project.throughput", "project.capacity", "project.operating")
AMOUNTS = ("mined", "opening_stock", "offered", "capacity", "processed", "left", "idle")
CASES = ("feed", "separation", "mismatch", "neither")
BAND = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Flows:
    """
    Mined feed and refineries outside China, draw by draw; each array (year, draw).

    All in oxide contained in concentrate, all elements together.

    Attributes
    ----------
    mined : ndarray
        Dug in the year by mines outside China [t/yr].
    opening_stock : ndarray
        Concentrate that nobody took in the years before [t].
    capacity : ndarray
        Feed that the refineries can take, ramped up as far as they are [t/yr]; infinity where one
        that runs has no known limit.
    processed : ndarray
        Feed that they took [t/yr].
    """

    mined: FloatArray
    opening_stock: FloatArray
    capacity: FloatArray
    processed: FloatArray

    @property
    def offered(self) -> FloatArray:
        """What refineries could take in the year: mined and opening stock."""
        return self.mined + self.opening_stock

    @property
    def left(self) -> FloatArray:
        """Offered, but not processed outside China: it stays as a stock, or leaves for China."""
        return self.offered - self.processed

    @property
    def idle(self) -> FloatArray:
        """Capacity that found no feed."""
        return self.capacity - self.processed

    def case(self, name: str) -> npt.NDArray[np.bool_]:
        """Return in which years and draws one of `CASES` holds; see `bottleneck`."""
        left, idle = self.left > TOLERANCE, self.idle > TOLERANCE
        cases = {
            "feed": idle & ~left,
            "separation": left & ~idle,
            "mismatch": left & idle,
            "neither": ~left & ~idle,
        }
        return cases[name]


def flows(result: Result) -> Flows:
    """
    Collect feed and capacity outside China.

    Parameters
    ----------
    result : Result
        A run that kept `KEEP`.

    Returns
    -------
    Flows

    Raises
    ------
    ReesupplyError
        If draws were not kept.
    """
    rows = _rows(result, "refinery")
    mines, plants = list(_rows(result, "mine")), list(rows)
    mined = result.values("project.output")[mines][:, list(result.plan.heavy)].sum(axis=(0, 1))
    whole = result.all_elements
    stock = result.values("concentrate_stock", element=whole)
    opening = np.concatenate([np.zeros_like(stock[:1]), stock[:-1]])
    processed = result.values("project.throughput")[plants].sum(axis=0)
    oxide = result.values("refined_supply", element=whole, bloc=OUTSIDE)
    limit = result.values("project.capacity")[plants]
    limit = np.where(np.isnan(limit), np.inf, limit)  # no known limit
    total = limit.sum(axis=0)
    idle = np.maximum(total - oxide, 0.0)  # in separated oxide
    recovery = np.array([middle(row.recovery) for row in rows.values()])
    in_feed = (limit / recovery[:, np.newaxis, np.newaxis]).sum(axis=0)
    ratio = np.ones_like(total)
    np.divide(in_feed, total, out=ratio, where=(total > 0.0) & np.isfinite(total))
    return Flows(mined, opening, processed + idle * ratio, processed)


def bottleneck(result: Result) -> pd.DataFrame:
    """
    Say by year whether feed or separation capacity limits refining outside China.

    Parameters
    ----------
    result : Result
        A run that kept `KEEP`.

    Returns
    -------
    pandas.DataFrame
        Index year. Means over the draws in t of oxide in concentrate a year: ``mined`` outside
        China, ``opening_stock`` that nobody took before, ``offered`` (their sum), ``capacity`` in
        terms of feed, ``processed``, ``left`` and ``idle``. Then the probability that

        - ``P(feed)``: capacity stands idle and no concentrate is left over: feed limits;
        - ``P(separation)``: concentrate is left over and no capacity is idle: separation limits.
          Left over is what stays as a stock or leaves for China, also while an older stock shrinks;
        - ``P(mismatch)``: both are left over, which the pool of free feed and free capacity
          prevents except where a contract binds a mine to a refinery in China;
        - ``P(neither)``: nothing is left over, as before the first mine and plant.

        The four add up to 1. ``binds_in_the_mean`` says which of ``offered`` and ``capacity`` has
        the lower mean: "feed", "separation", or "neither" where they are equal.

    Raises
    ------
    ReesupplyError
        If draws were not kept.

    Notes
    -----
    Capacity in terms of feed is what was processed and, on top, the idle capacity for oxide over
    the median recovery of the plants. So it is exact where no capacity is idle, and "idle" itself
    is decided in oxide, with the recovery of the draw. Less than a kilogram a year counts as
    nothing. The stock is that of all mines whose output is no part of a measured total; in the
    shipped scenarios these are the mines outside China. A single plant may be short of feed while
    the whole is not: this is the balance of all plants together, which pool their free feed.
    """
    import pandas as pd

    found = flows(result)
    weights = result.weights
    columns: dict[str, Any] = {
        name: weighted_mean(getattr(found, name), weights) for name in AMOUNTS
    }
    for name in CASES:
        hit = found.case(name).astype(np.float64)
        columns[f"P({name})"] = weighted_mean(hit, weights)
    gap = columns["capacity"] - columns["offered"]
    columns["binds_in_the_mean"] = np.select(
        [gap > TOLERANCE, gap < -TOLERANCE], ["feed", "separation"], "neither"
    )
    return pd.DataFrame(columns, index=pd.Index(result.plan.years, name="year"))


def reachable(
    refinery: str = "iluka-eneabba",
    without: Sequence[str] = ("browns-range",),
    scenario: Scenario | Plan | str | Path = "baseline",
    *,
    late: float = 3.0,
    draws: int = 16_384,
    rng: Any = 2035,
    workers: int | None = None,
) -> pd.DataFrame:
    """
    Ask how much of a refinery can be filled with some mines, without them, and with them late.

    Parameters
    ----------
    refinery : str
        Id of a refinery.
    without : sequence of str
        Ids of the mines.
    scenario : Scenario, str, Path or Plan
        As in :func:`reesupply.simulate`.
    late : float
        Years by which the owners' dates of first feed are moved in the world "late".
    draws, rng, workers
        As in :func:`reesupply.simulate`.

    Returns
    -------
    pandas.DataFrame
        Index world and year: "baseline"; "without", the mines gone; "late", the owners' dates of
        the mines moved; "on_date", the mines sure to start on the owners' dates, with plants that
        share their outcome. Columns: ``mean``, ``P10``, ``P50``, ``P90`` of the oxide in
        concentrate that the refinery processes [t/yr]; ``P(runs)``; where it runs the mean of that,
        ``mean_if_runs``, and of the capacity that it has ramped up to, ``ramped_if_runs``;
        ``nameplate`` (separated oxide [t/yr], median) and ``nameplate_feed`` (over the median
        recovery); ``share_if_runs``, which is ``mean_if_runs`` over ``nameplate_feed``. NaN where
        it never runs or has no limit.

    Raises
    ------
    ReesupplyError
        If there is no such refinery or mine, or the start of a mine is uncertain in a way that
        cannot be moved.

    Notes
    -----
    All worlds have the same draws of every input. Feed of a mine can only add to what any refinery
    processes, since what it takes of contracts and of free capacity is passed on through the pool.
    So in every draw and year "without" is at most "late", and "late" at most "baseline" as long as
    the mine's life and reserves do not end within the run. A mine that still needs its decision
    loses less than `late` years where the earliest decision, not the owner's date, decides.

    Examples
    --------
    >>> from reesupply.analysis.bottleneck import reachable
    >>> table = reachable(draws=1_000)
    >>> bool((table.loc["without", "mean"] <= table.loc["baseline", "mean"]).all())
    True
    """
    import pandas as pd

    plan = compile(scenario)
    mines = (without,) if isinstance(without, str) else tuple(without)
    row = _checked(plan, "refinery", refinery)
    at, entropy, tables = plan.projects.index(refinery), rng, {}
    for world, changed in _worlds(plan, mines, late).items():
        result = simulate(
            changed,
            draws=draws,
            rng=entropy,
            workers=workers,
            keep=_REACHED,
        )
        entropy = result.entropy  # a generator or None gives its number once
        tables[world] = _reached(plan, row, *(result.arrays[name][at] for name in _REACHED))
    return pd.concat(tables, names=["world"])


def _reached(
    plan: Plan, row: Any, used: FloatArray, ramped: FloatArray, runs: FloatArray
) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {"mean": used.mean(axis=-1)}
    for q in BAND:
        columns[f"P{100 * q:.0f}"] = weighted_quantile(used, q)
    chance = runs.mean(axis=-1)
    processed, capacity = np.full((2, chance.size), np.nan)
    np.divide((used * runs).mean(axis=-1), chance, out=processed, where=chance > 0.0)
    np.divide((ramped * runs).mean(axis=-1), chance, out=capacity, where=chance > 0.0)
    nameplate = np.nan if row.capacity is None else middle(row.capacity)
    in_feed = nameplate / middle(row.recovery)
    columns |= {
        "P(runs)": chance,
        "mean_if_runs": processed,
        "ramped_if_runs": capacity / middle(row.recovery),
        "nameplate": nameplate,
        "nameplate_feed": in_feed,
        "share_if_runs": processed / in_feed if in_feed > 0.0 else np.nan,
    }
    return pd.DataFrame(columns, index=pd.Index(plan.years, name="year"))


def _worlds(plan: Plan, mines: Sequence[str], late: float) -> dict[str, Plan]:
    """Compile the scenario with the mines, without them, with them late and on their dates."""
    without: dict[str, Any] = {}
    moved: dict[str, Any] = {}
    sure: dict[str, Any] = {}
    years = plan.years
    for name in mines:
        row = _checked(plan, "mine", name)
        without |= gone(plan.scenario, name, years[0], len(years))
        moved[f"projects.{name}.start"] = later(row.start, late)
        sure[f"projects.{name}"] = {"status": "certain", "decided_with": None}
    changes = {"baseline": {}, "without": without, "late": moved, "on_date": sure}
    return {
        world: compile(plan.scenario.replace(edits)) if edits else plan
        for world, edits in changes.items()
    }


def later(cell: float | Distribution, years: float) -> float | str:
    """
    Move a date, or the distribution of one, by some years.

    Parameters
    ----------
    cell : float or Distribution
        Decimal year.
    years : float
        Added to it.

    Returns
    -------
    float or str
        A number, or the notation of a distribution of the same shape.

    Raises
    ------
    ReesupplyError
        If no distribution of the notation has the same shape at the later place.

    Examples
    --------
    >>> from reesupply.distributions import parse
    >>> later(parse("pert(2030, 2031, 2034)"), 3)
    'pert(2033, 2034, 2037)'
    """
    return str(_moved(cell, years)) if isinstance(cell, Distribution) else float(cell) + years


def _moved(cell: Distribution, years: float) -> Distribution:
    match cell:
        case Uniform() | Triangular() | Pert():
            return type(cell)(*(number + years for number in astuple(cell)))
        case Normal(mean, sd):
            return Normal(mean + years, sd)
        case Discrete(values, probabilities):
            return Discrete(tuple(value + years for value in values), probabilities)
        case Truncated(base, low, high):
            return Truncated(_moved(base, years), low + years, high + years)
    msg = (
        f"reachable: found the start {cell}, which cannot be moved by {years:g} years; allowed "
        "are a number, uniform, triangular, pert, normal, discrete, and truncate of these"
    )
    raise ReesupplyError(msg)


def middle(cell: float | Distribution) -> float:
    """Return the median of a cell of a table."""
    return cell.median if isinstance(cell, Distribution) else float(cell)


def _checked(plan: Plan, kind: str, name: str) -> Any:
    """Return the row of a mine or refinery that is no part of a measured total."""
    rows = {
        row.id: row
        for row in plan.scenario.rows("projects")
        if row.kind == kind and row.part_of is None
    }
    if name not in rows:
        msg = f"reachable: there is no {kind} {name!r}; {nearest(str(name), rows)}"
        raise ReesupplyError(msg)
    return rows[name]


def _rows(result: Result, kind: str) -> dict[int, Any]:
    """Return the mines or refineries outside China by their place on the project axis."""
    rows = {row.id: row for row in result.plan.scenario.rows("projects")}
    return {
        place: rows[name]
        for place, name in enumerate(result.plan.projects)
        if rows[name].kind == kind and rows[name].bloc == OUTSIDE and rows[name].part_of is None
    }
