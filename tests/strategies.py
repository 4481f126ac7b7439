"""
Random scenarios: what a user may change, within what is physically admissible.

Every scenario is the shipped baseline with random cells and rows, made by `Scenario.replace`, so
that each is also validated. A base year that contradicts itself (more stocks built than there is
supply) is an error of its own and is kept out by the ranges.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reesupply.scenario import Scenario, load_scenario

Changes = dict[str, Any]

STATUSES = (
    "operating",
    "commissioning",
    "construction",
    "feasibility",
    "prefeasibility",
    "scoping",
    "resource",
    "certain",
)
RAMPS = ("none", "announced", "concentrator", "solvent-extraction", "heavy-add-on")
#: Rows that others may share the outcome of; they never share one themselves.
LEADERS = ("browns-range", "caremag-lacq", "nolans")


@st.composite
def amounts(draw: st.DrawFn, low: float, high: float) -> float | str:
    """A number or a distribution between two bounds, as a cell of a table."""
    numbers = st.floats(low, high).map(lambda x: round(x, 6))
    a, b, c = sorted(draw(st.tuples(numbers, numbers, numbers)))
    kind = draw(st.sampled_from(("number", "uniform", "pert", "triangular", "truncate")))
    if kind == "number" or not a < c:
        return b
    if kind == "truncate":
        sd = (c - a) / 3.0
        return f"truncate(normal({b}, {sd!r}), {a}, {c})"
    return f"uniform({a}, {c})" if kind == "uniform" else f"{kind}({a}, {b}, {c})"


def shares(low: float = 0.0, high: float = 1.0) -> st.SearchStrategy[float | str]:
    """Shares as cells."""
    return amounts(low, high)


def _optional(draw: st.DrawFn, into: Changes, path: str, values: st.SearchStrategy[Any]) -> None:
    if draw(st.booleans()):
        into[path] = draw(values)


@st.composite
def feeds(draw: st.DrawFn, refineries: tuple[str, ...]) -> str:
    """Contracts in order: none, the market, one refinery, or several."""
    chosen = draw(st.lists(st.sampled_from((*refineries, "merchant")), max_size=3, unique=True))
    return ";".join(chosen)


@st.composite
def new_row(draw: st.DrawFn, number: int, kind: str, refineries: tuple[str, ...]) -> Changes:
    """Give a new mine, refinery or recycler."""
    row: Changes = {
        "name": f"New {kind} {number}",
        "country": "somewhere",
        "bloc": draw(st.sampled_from(("china", "ex_china"))),
        "kind": kind,
        "status": draw(st.sampled_from(STATUSES)),
        "start": draw(amounts(2015, 2036)),
        "construction": draw(amounts(0, 5)),
        "ramp": draw(st.sampled_from(RAMPS)),
        "ramp_years": draw(amounts(0, 4)),
        "source": "assumption",
    }
    if kind == "mine":
        row["feeds"] = draw(feeds(refineries))
        row["may_leave"] = draw(st.booleans())
        if draw(st.booleans()):
            row |= {"heavy": draw(amounts(0, 600)), "dy_share": draw(shares())}
        else:
            row |= {"dy": draw(amounts(0, 300)), "tb": draw(amounts(0, 80))}
    else:
        row |= {"capacity": draw(amounts(0, 500)), "recovery": draw(shares(0.3, 1.0))}
    return row


@st.composite
def project_changes(draw: st.DrawFn) -> Changes:
    """Change rows of the pipeline, and add some."""
    rows = [row for row in load_scenario().rows("projects") if row.part_of is None]
    refineries = tuple(row.id for row in rows if row.kind == "refinery")
    changes: Changes = {}
    for number, kind in enumerate(("mine", "mine", "refinery", "recycler")):
        if draw(st.booleans()):
            name = f"new-{number}"
            changes[f"projects.{name}"] = draw(new_row(number, kind, refineries))
            refineries += (name,) if kind == "refinery" else ()
    for row in draw(st.lists(st.sampled_from(rows), max_size=8, unique_by=lambda row: row.id)):
        path = f"projects.{row.id}"
        changes[f"{path}.construction"] = draw(amounts(0, 5))
        _optional(draw, changes, f"{path}.status", st.sampled_from(STATUSES))
        _optional(draw, changes, f"{path}.start", amounts(2018, 2037))
        _optional(draw, changes, f"{path}.life", amounts(0.5, 15))
        if row.id not in LEADERS:
            leader = st.sampled_from((None, *LEADERS))
            _optional(draw, changes, f"{path}.decided_with", leader)
        if row.kind == "mine":
            _optional(draw, changes, f"{path}.feeds", feeds(refineries))
            _optional(draw, changes, f"{path}.may_leave", st.booleans())
            _optional(draw, changes, f"{path}.reserves", st.floats(0, 3000))
            if row.heavy is not None:
                _optional(draw, changes, f"{path}.heavy", amounts(0, 800))
        elif row.id != "china-separation":  # one plant in China has no limit
            _optional(draw, changes, f"{path}.capacity", amounts(0, 900))
            _optional(draw, changes, f"{path}.recovery", shares(0.2, 1.0))
    return changes


@st.composite
def event_changes(draw: st.DrawFn) -> Changes:
    """Outages of any row after the base year, and another course of the disruption."""
    names = [f"projects.{row.id}" for row in load_scenario().rows("projects")]
    changes: Changes = {}
    for number in range(draw(st.integers(0, 2))):
        changes[f"events.outage-{number}"] = {
            "kind": "outage",
            "target": draw(st.sampled_from(names)),
            "start": draw(amounts(2025, 2034)),
            "years": draw(amounts(0, 4)),
            "probability": draw(st.sampled_from((0.0, 0.3, 1.0))),
            "remaining": draw(shares()),
            "source": "assumption",
        }
    for column in ("shuts", "stays_shut", "remaining", "replaced"):
        _optional(draw, changes, f"disruptions.myanmar-border.{column}", shares())
    year = st.integers(2025, 2040)
    _optional(draw, changes, "disruptions.myanmar-border.first_year", year)
    return changes


@st.composite
def captive_changes(draw: st.DrawFn) -> Changes:
    """Another base year of the captive supply, never so low that it contradicts itself."""
    changes: Changes = {}
    for path, values in (
        ("survey-is-ore-only", st.sampled_from((0, 1, "bernoulli(0.2)"))),
        ("refined-2024-if-ore-only", amounts(2900, 4500)),
        ("refined-2024-if-with-scrap", amounts(2700, 3500)),
        ("scrap-2024", amounts(600, 1000)),
        ("captive-dy-share", shares(0.75, 0.9)),
        ("captive-growth", amounts(-0.1, 0.1)),
        ("stock-change-2024", amounts(-300, 700)),
        ("eol-china-2024", amounts(100, 500)),
        ("availability", shares(0.5, 1.0)),
        ("persistence", st.floats(0, 1)),
        ("history-scale", amounts(0.5, 2)),
    ):
        _optional(draw, changes, f"anchors.{path}.value", values)
    for row in load_scenario().rows("projects"):
        if row.part_of is not None and row.heavy is not None:
            _optional(draw, changes, f"projects.{row.id}.heavy", amounts(0, 2500))
    return changes


def _new_ratio(value: float | str) -> Changes:
    return {"value": value, "unit": "1", "source": "assumption"}


@st.composite
def demand_changes(draw: st.DrawFn) -> Changes:
    """Change trajectories of demand, yields, places and recycling."""
    changes: Changes = {}
    for path, values in (
        ("trajectories.all.yield.world.2024.value", shares(0.5, 0.98)),
        ("trajectories.all.yield.world.2035.value", shares(0.5, 1.0)),
        ("trajectories.all.making_share.ex_china.2030.value", shares()),
        ("trajectories.all.use_share.ex_china.2024.value", shares(0.1, 0.7)),
        ("trajectories.ev-cars.activity.world.2030.value", st.floats(5, 79)),
        ("trajectories.ev-cars.use_ratio.ex_china.2030.value", amounts(0, 4)),
        ("trajectories.hybrids.making_ratio.ex_china.2024", amounts(0, 4).map(_new_ratio)),
        ("growth.ev-cars.volatility", amounts(0, 0.6)),
        ("growth.ev-cars.ceiling", amounts(121, 300)),
        ("growth.wind-onshore.ceiling", st.none()),
        ("growth.wind-offshore.since", st.integers(2025, 2036)),
        ("lifetimes.ev-cars.mean", amounts(2, 40)),
        ("lifetimes.two-wheelers.shape", amounts(0.8, 8)),
        ("trajectories.ev-cars.dy_fraction.world.2035.value", shares(0, 0.03)),
        ("trajectories.wind-onshore.magnet_mass_direct.world.2035.value", amounts(0, 900)),
        ("trajectories.wind-offshore.split_direct.world.2035.value", shares()),
        ("trajectories.humanoids.activity.world.2035.value", amounts(0, 50)),
        ("trajectories.state-stockpiling.dy_oxide.world.2024.value", amounts(0, 150)),
        ("recycling.all.new_scrap_recovery.china.2024.value", shares()),
        ("recycling.all.new_scrap_recovery.ex_china.2024.value", shares()),
        ("recycling.all.dismantling.world.2035.value", shares()),
        ("recycling.all.processing.world.2024.value", shares(0.5, 1.0)),
        ("recycling.ev-cars.collection.china.2024.value", shares()),
        ("recycling.ev-cars.collection.ex_china.2024.value", shares()),
        ("recycling.ev-cars.collection_ceiling.ex_china.2024.value", shares()),
        ("recycling.all.collection_growth.ex_china.2024.value", amounts(0, 2)),
        ("recycling.all.delay.world.2024.value", shares()),
    ):
        _optional(draw, changes, path, values)
    return changes


@st.composite
def scenario_changes(draw: st.DrawFn) -> Changes:
    """Changes that make a random valid scenario, one that runs in about a third of a second."""
    changes: Changes = {}
    for part in (project_changes, event_changes, captive_changes, demand_changes):
        changes |= draw(part())
    _optional(draw, changes, "settings.last_year.value", st.sampled_from(("2029", "2038")))
    return changes


def scenario_of(changes: Changes) -> Scenario:
    """The baseline with changes; a test takes these, since hypothesis can show them."""
    return load_scenario().replace(changes)
