"""Checks of the links between rows of a scenario; each failure is one sentence with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NoReturn

from reesupply.distributions import Discrete, Distribution
from reesupply.distributions.base import written
from reesupply.errors import ScenarioError, nearest
from reesupply.scenario.cells import practical_range

if TYPE_CHECKING:
    from reesupply.scenario.scenario import Scenario

#: Reserved name in feeds: sold to whoever has free capacity in the bloc.
MERCHANT = "merchant"
#: Reserved end use: parameters that hold for all.
ALL = "all"

#: Parameters of demand and recycling that are shares.
SHARES = (
    *("pm_share", "yield", "making_share", "use_share", "collection", "collection_ceiling"),
    *("dismantling", "processing", "new_scrap_recovery"),
)
LEAST_YIELD = 0.01

_YEAR = re.compile(r"[0-9]{4}")


def check_scenario(scenario: Scenario) -> None:
    """
    Check everything that one row alone cannot show.

    Parameters
    ----------
    scenario : Scenario
        With every row valid by itself.

    Raises
    ------
    ScenarioError
        At the first fault.
    """
    for check in (
        _settings,
        _projects,
        _parts,
        _plants,
        _stages,
        _ramps,
        _demand,
        _growth,
        _outlooks,
        _bounds,
        _anchors,
        _events,
        _loadings,
        _knobs,
    ):
        check(scenario)


def _fail(scenario: Scenario, table: str, key: tuple[str, ...], column: str, text: str) -> NoReturn:
    where = scenario.origins.get((table, key), f"{table}.{'.'.join(key)}")
    msg = f"{where}, column {column}: {text}"
    raise ScenarioError(msg)


def _known(
    scenario: Scenario,
    table: str,
    key: tuple[str, ...],
    column: str,
    found: str,
    *,
    among: Iterable[str],
) -> None:
    valid = list(among)
    if found not in valid:
        _fail(
            scenario,
            table,
            key,
            column,
            f"found {written(found)}, which is unknown; {nearest(found, valid)}",
        )


def _settings(scenario: Scenario) -> None:
    for name in ("first_year", "last_year"):
        text = scenario.setting(name)
        # four decimal digits: int() fails on others such as a superscript
        if not (_YEAR.fullmatch(text) and 1990 <= int(text) <= 2100):
            found = f"found {written(text)}, allowed: 1990 to 2100"
            _fail(scenario, "settings", (name,), "value", found)
    if len(scenario.years) < 2:
        text = f"found {scenario.setting('last_year')}, allowed is a year after first_year"
        _fail(scenario, "settings", ("last_year",), "value", text)
    try:
        date.fromisoformat(scenario.data_date)
    except ValueError:
        text = f"found {written(scenario.data_date)}, allowed is a date such as 2026-05-31"
        _fail(scenario, "settings", ("data_date",), "value", text)


def _projects(scenario: Scenario) -> None:
    rows = {row.id: row for row in scenario.rows("projects")}
    refineries = [name for name, row in rows.items() if row.kind == "refinery"]
    ramps = [row.id for row in scenario.rows("ramps")]
    for row in rows.values():
        if row.feeds and row.kind == "refinery":
            text = f"found {';'.join(row.feeds)}, allowed on mines and recyclers only"
            _fail(scenario, "projects", (row.id,), "feeds", text)
        for feed in row.feeds:
            if feed in rows and feed not in refineries:
                text = f"found {feed!r}, a {rows[feed].kind}, allowed is a refinery or {MERCHANT!r}"
                _fail(scenario, "projects", (row.id,), "feeds", text)
            _known(scenario, "projects", (row.id,), "feeds", feed, among=[MERCHANT, *refineries])
        _known(scenario, "projects", (row.id,), "ramp", row.ramp, among=ramps)
        if row.decided_with is not None:
            _known(scenario, "projects", (row.id,), "decided_with", row.decided_with, among=rows)
            _no_cycle(scenario, rows, row.id)


def _no_cycle(scenario: Scenario, rows: dict[str, Any], first: str) -> None:
    chain = [first]
    while (leader := rows[chain[-1]].decided_with) is not None:
        if leader in chain:
            text = f"found a cycle, {' -> '.join([*chain, leader])}; the chain must end"
            _fail(scenario, "projects", (first,), "decided_with", text)
        if leader not in rows:
            return  # said for that row itself
        chain.append(leader)


def _parts(scenario: Scenario) -> None:
    parts = [row for row in scenario.rows("projects") if row.part_of is not None]
    blank = [row for row in parts if row.heavy is None]
    for row in parts:
        _known(scenario, "projects", (row.id,), "part_of", row.part_of, among=["captive"])
        if row.kind != "mine" or row.status not in ("operating", "certain"):
            text = "a part of a measured total is an operating mine"
            _fail(scenario, "projects", (row.id,), "part_of", text)
        if row.pads_renewed is not None and row.pad_life is None:
            text = "a share of renewed pads needs the life of a pad (pad_life)"
            _fail(scenario, "projects", (row.id,), "pads_renewed", text)
    for row in scenario.rows("projects"):
        for column in ("growth", "pad_life", "pads_renewed"):
            if row.part_of is None and getattr(row, column) is not None:
                text = "only a part of a measured total (part_of) has it"
                _fail(scenario, "projects", (row.id,), column, text)
    if len(blank) != 1:
        names = ", ".join(row.id for row in blank) or "none"
        rule = "exactly one part of 'captive' has a blank heavy, the residual"
        msg = f"projects, column heavy: {rule}; found {names}"
        raise ScenarioError(msg)


def _plants(scenario: Scenario) -> None:
    elements = [name.lower() for name in scenario.elements]
    for row in scenario.rows("projects"):
        if row.part_of is not None:
            continue
        by_element = [name for name in elements if getattr(row, name, None) is not None]
        if row.kind == "mine":
            if (row.heavy is None) == (not by_element):
                text = f"a mine gives either heavy or its elements ({', '.join(elements)})"
                _fail(scenario, "projects", (row.id,), "heavy", text)
            if row.heavy is not None and row.dy_share is None:
                _fail(
                    scenario, "projects", (row.id,), "dy_share", "required beside heavy, but blank"
                )
        elif row.kind == "refinery" and row.recovery is None:
            _fail(
                scenario, "projects", (row.id,), "recovery", "a refinery needs it, but it is blank"
            )
        elif row.kind == "recycler" and row.capacity is None:
            _fail(
                scenario, "projects", (row.id,), "capacity", "a recycler needs it, but it is blank"
            )


def _stages(scenario: Scenario) -> None:
    stages = {row.id: row for row in scenario.rows("stages")}
    needs = {
        "slip": ("slip",),
        "hazard": ("decision_hazard", "abandon_hazard", "minimum_wait", "schedule"),
    }
    for row in stages.values():
        for column in needs.get(row.route, ()):
            if getattr(row, column) is None:
                _fail(
                    scenario,
                    "stages",
                    (row.id,),
                    column,
                    f"route {row.route} needs it, but it is blank",
                )
    for row in scenario.rows("projects"):
        _known(scenario, "projects", (row.id,), "status", row.status, among=stages)
        if stages[row.status].route == "hazard" and row.construction is None:
            text = f"required for status {row.status}, but blank"
            _fail(scenario, "projects", (row.id,), "construction", text)


def _ramps(scenario: Scenario) -> None:
    classes = [row.id for row in scenario.rows("ramp_classes")]
    for row in scenario.rows("ramps"):
        for name in row.classes:
            _known(scenario, "ramps", (row.id,), "classes", name, among=classes)
        if row.kind == "classes":
            weights = [_number(text) for text in row.weights]
            if len(weights) != len(row.classes) or not abs(sum(weights) - 1.0) < 1e-9:
                text = f"found {';'.join(row.weights)}, allowed is one weight per class, sum 1"
                _fail(scenario, "ramps", (row.id,), "weights", text)
    linear = {row.id for row in scenario.rows("ramps") if row.kind == "linear"}
    for row in scenario.rows("projects"):
        if row.ramp in linear and row.ramp_years is None:
            _fail(
                scenario,
                "projects",
                (row.id,),
                "ramp_years",
                "a linear ramp needs it, but it is blank",
            )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if 0.0 <= value <= 1.0 else float("nan")


def _demand(scenario: Scenario) -> None:
    end_uses = [row.id for row in scenario.rows("end_uses")]
    series = {row.series for row in scenario.rows("history")}
    for table in ("trajectories", "recycling"):
        for key, row in scenario.tables[table].items():
            found: str = row.end_use  # type: ignore[attr-defined]
            _known(scenario, table, key, "end_use", found, among=[*end_uses, ALL])
    lifetimes = [row.end_use for row in scenario.rows("lifetimes")]
    for name in lifetimes:
        _known(scenario, "lifetimes", (name,), "end_use", name, among=end_uses)
    for row in scenario.rows("end_uses"):
        if row.id not in lifetimes:
            text = f"the table lifetimes has no row {row.id!r}"
            _fail(scenario, "end_uses", (row.id,), "id", text)
        if row.activity_history is not None:
            found = row.activity_history
            _known(scenario, "end_uses", (row.id,), "activity_history", found, among=series)


def _growth(scenario: Scenario) -> None:
    """Count what is not known of growth once: in the table growth, or as a range."""
    magnets = [row.id for row in scenario.rows("end_uses") if row.kind == "magnet"]
    series = {row.series for row in scenario.rows("history")}
    erring = {}
    for row in scenario.rows("growth"):
        key = (row.end_use,)
        _known(scenario, "growth", key, "end_use", row.end_use, among=magnets)
        _known(scenario, "growth", key, "series", row.series, among=series)
        if row.volatility != 0.0:
            erring[row.end_use] = row
            _full_market(scenario, row)
    trajectories: Any = scenario.tables["trajectories"]
    for key, row in trajectories.items():
        one = erring.get(row.end_use)
        if one is None or row.parameter != "activity" or row.year <= one.since:
            continue
        if isinstance(row.value, Distribution) and not isinstance(row.value, Discrete):
            text = (
                f"found {row.value} beside the error of growth.{row.end_use}, allowed is a number "
                f"or discrete(...), or a volatility of 0: what is not known of growth counts once"
            )
            _fail(scenario, "trajectories", key, "value", text)


def _full_market(scenario: Scenario, row: Any) -> None:
    """Refuse a market that is full below an outlook of it."""
    if row.ceiling is None:
        return
    lowest = practical_range(row.ceiling)[0]
    for one in scenario.rows("trajectories"):
        if one.end_use == row.end_use and one.parameter == "activity":
            highest = practical_range(one.value)[1]
            if not highest < lowest:
                outlook = f"{highest:g}, the outlook of {one.year}"
                text = f"found {written(row.ceiling)}, allowed is above {outlook}"
                _fail(scenario, "growth", (row.end_use,), "ceiling", text)


def _bounds(scenario: Scenario) -> None:
    """Shares are at most 1, and a yield is not nothing."""
    for table in ("trajectories", "recycling"):
        rows: Any = scenario.tables[table]
        for key, row in rows.items():
            low, high = practical_range(row.value)
            share = row.parameter in SHARES or row.parameter.endswith("_fraction")
            if (share or row.parameter.startswith("split_")) and not high <= 1.0:
                text = f"found {written(row.value)}, allowed is a share from 0 to 1"
                _fail(scenario, table, key, "value", text)
            if row.parameter == "yield" and not low >= LEAST_YIELD:
                text = f"found {written(row.value)}, allowed is {LEAST_YIELD:g} to 1"
                _fail(scenario, table, key, "value", text)
    for row in scenario.rows("end_uses"):
        if row.stored and (row.process_loss or row.kind == "magnet"):
            text = "what is bought to be kept is given as oxide and leaves no process scrap"
            _fail(scenario, "end_uses", (row.id,), "stored", text)


def _anchors(scenario: Scenario) -> None:
    """Check what is the same in all draws: numbers, and a past before the base year."""
    rows = {row.id: row for row in scenario.rows("anchors")}
    base = scenario.years[0]
    limits = {
        "persistence": (0.0, 1.0),
        "growth-before-2010": (-0.5, 2.0),
        "stock-history-start": (1900.0, base - 1.0),
    }
    for name, (low, high) in limits.items():
        value = rows[name].value
        if isinstance(value, Distribution) or not low <= value <= high:
            text = f"found {written(value)}, allowed is a number from {low:g} to {high:g}"
            _fail(scenario, "anchors", (name,), "value", text)


def _outlooks(scenario: Scenario) -> None:
    """Let a draw follow one of several outlooks through all years: their weights stay."""
    first: dict[tuple[str, ...], Any] = {}
    trajectories: Any = scenario.tables["trajectories"]
    for key, row in trajectories.items():
        if not isinstance(row.value, Discrete):
            continue
        one = first.setdefault(key[:3], row)
        if _weights(row.value) != _weights(one.value):
            text = (
                f"found {row.value}, allowed are the weights of {one.year} in rising order of the "
                f"values, {one.value}: a draw follows one outlook through the years"
            )
            _fail(scenario, "trajectories", key, "value", text)


def _weights(value: Discrete) -> list[float]:
    """Probabilities in rising order of the values."""
    return [p for _, p in sorted(zip(value.values, value.probabilities, strict=True))]


def _events(scenario: Scenario) -> None:
    names = [f"projects.{row.id}" for row in scenario.rows("projects")]
    parts = [f"projects.{row.id}" for row in scenario.rows("projects") if row.part_of]
    for table, valid in (("events", names), ("disruptions", parts)):
        for row in scenario.rows(table):
            _known(scenario, table, (row.id,), "target", row.target, among=valid)


def _loadings(scenario: Scenario) -> None:
    for row in scenario.rows("factors"):
        if row.loading == 0.0:
            _fail(
                scenario,
                "factors",
                (row.factor, row.input),
                "loading",
                "found 0; leave the row out",
            )


def _knobs(scenario: Scenario) -> None:
    knobs = [row.id for row in scenario.rows("knobs")]
    for row in scenario.rows("knob_inputs"):
        key = (row.knob, row.input)
        _known(scenario, "knob_inputs", key, "knob", row.knob, among=knobs)
        if row.weight == 0.0:
            _fail(scenario, "knob_inputs", key, "weight", "found 0; leave the row out")


def matching_loadings(loadings: Iterable[Any], name: str) -> dict[str, float]:
    """Return factor to loading for an input; the last row that matches its name counts."""
    return {row.factor: row.loading for row in loadings if fnmatchcase(name, row.input)}


Check = Callable[["Scenario"], None]
