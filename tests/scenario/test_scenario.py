"""Scenario: change, immutability, hash and frames."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reesupply import distributions
from reesupply.errors import ScenarioError
from reesupply.scenario import Scenario, load_scenario
from reesupply.scenario.tables import TABLES, columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping

START = "projects.browns-range.start"
NEW_MINE = {
    "name": "My new mine",
    "country": "Tanzania",
    "bloc": "ex_china",
    "kind": "mine",
    "status": "feasibility",
    "start": 2030.5,
    "construction": 2,
    "heavy": "pert(40, 50, 60)",
    "dy_share": 0.85,
    "feeds": ["merchant"],
}
OUTAGE = {
    "kind": "outage",
    "target": "projects.lofdal",
    "start": 2031,
    "years": 1,
    "probability": 0.5,
}


@pytest.fixture
def baseline() -> Scenario:
    """Return the shipped baseline."""
    return load_scenario()


def cell(scenario: Scenario, table: str, key: str, column: str) -> Any:
    """Return a cell as a frame shows it."""
    return scenario.to_frame(table).loc[key, column]


# -- change --------------------------------------------------------------------------------------


def test_a_cell_is_replaced(baseline: Scenario) -> None:
    """By the text of a distribution."""
    changed = baseline.replace({START: "pert(2030, 2031, 2034)"})

    assert cell(changed, "projects", "browns-range", "start") == "pert(2030, 2031, 2034)"
    assert changed.changes == (START,)


@pytest.mark.parametrize(
    "value", [2031.5, 2031, "2031.5", distributions.pert(2030, 2031, 2034), " pert(2030,2031,2034)"]
)
def test_a_cell_takes_numbers_text_and_distributions(baseline: Scenario, value: object) -> None:
    """Whatever says the same, in Python or in the notation."""
    changed = baseline.replace({START: value})

    assert str(cell(changed, "projects", "browns-range", "start")) in (
        *("2031.5", "2031.0", "pert(2030, 2031, 2034)"),
    )


def test_several_cells_change_at_once(baseline: Scenario) -> None:
    """In the order given, and a row by a mapping."""
    changed = baseline.replace(
        {
            START: 2031.5,
            "projects.lofdal": {"dy": 100, "tb": "pert(10, 15, 20)"},
            "anchors.availability.value": 0.9,
        }
    )

    assert changed.changes == (
        *(START, "projects.lofdal.dy", "projects.lofdal.tb", "anchors.availability.value"),
    )
    assert cell(changed, "projects", "lofdal", "tb") == "pert(10, 15, 20)"


def test_changes_add_up_and_name_each_cell_once(baseline: Scenario) -> None:
    """A second change of the same cell is no second entry."""
    changed = baseline.replace({START: 2031}).replace({START: 2032, "projects.lofdal.dy": 1})

    assert changed.changes == (START, "projects.lofdal.dy")


def test_a_star_stands_for_every_row(baseline: Scenario) -> None:
    """Every project becomes certain."""
    changed = baseline.replace({"projects.*.status": "certain"})

    assert set(changed.to_frame("projects")["status"]) == {"certain"}
    assert len(changed.changes) == len(baseline.rows("projects"))


def test_a_star_stands_for_one_key_of_several(baseline: Scenario) -> None:
    """One parameter of all end uses, one year."""
    changed = baseline.replace({"trajectories.*.activity.world.2030.confidence": "low"})

    touched = {path.split(".")[1] for path in changed.changes}
    assert "ev-cars" in touched
    assert all(path.endswith(".activity.world.2030.confidence") for path in changed.changes)
    assert len(touched) == len(changed.changes) > 1


def test_a_new_row_gives_every_required_field(baseline: Scenario) -> None:
    """As a mapping under its key."""
    changed = baseline.replace({"projects.my-new-mine": NEW_MINE, "events.shut": OUTAGE})

    assert cell(changed, "projects", "my-new-mine", "heavy") == "pert(40, 50, 60)"
    assert "projects.my-new-mine.heavy" in changed.changes
    assert [event.id for event in changed.rows("events")] == ["shut"]


def test_none_blanks_a_cell(baseline: Scenario) -> None:
    """Here the limit of a plant."""
    changed = baseline.replace({"projects.mp-heavy.capacity": None})

    assert changed.tables["projects"]["mp-heavy",].capacity is None  # type: ignore[attr-defined]


def test_none_cannot_blank_what_a_row_needs(baseline: Scenario) -> None:
    """A start is required."""
    with pytest.raises(ScenarioError, match="browns-range, column start: required, but blank"):
        baseline.replace({START: None})


def test_a_key_with_dots_is_found(baseline: Scenario) -> None:
    """The last key of a table may contain them."""
    factor, name = next(iter(baseline.tables["factors"]))

    changed = baseline.replace({f"factors.{factor}.{name}.loading": 0.1})

    assert changed.tables["factors"][factor, name].loading == 0.1  # type: ignore[attr-defined]


def test_a_setting_may_be_a_number(baseline: Scenario) -> None:
    """A year is written without quotes by most."""
    assert baseline.replace({"settings.last_year.value": 2040}).years[-1] == 2040


def test_an_element_is_data(baseline: Scenario) -> None:
    """Its column of projects comes with it, in one change."""
    changed = baseline.replace(
        {
            "projects.lofdal.nd": 250,
            "elements.Nd": {"name": "neodymium", "oxide": "Nd2O3", "oxide_per_metal": 1.16638},
        }
    )

    assert changed.elements == ("Dy", "Tb", "Nd")
    assert cell(changed, "projects", "lofdal", "nd") == 250


def test_columns_of_elements_are_cells_like_others(baseline: Scenario) -> None:
    """They hold distributions and have bounds."""
    changed = baseline.replace({"projects.lofdal.dy": "pert(100, 119, 130)"})
    row: Any = changed.tables["projects"]["lofdal",]

    assert row.dy == distributions.pert(100, 119, 130)
    assert row.tb == 17.8
    with pytest.raises(ScenarioError, match="column dy: found -5, allowed is 0 to 1,000,000 t"):
        baseline.replace({"projects.lofdal.dy": -5})


FAULTS: list[tuple[Mapping[Any, Any], str]] = [
    ({"project.lofdal.dy": 1}, r"there is no table 'project'; did you mean 'projects'\?"),
    ({"projects.lofdahl.dy": 1}, r"projects has no row 'lofdahl'; did you mean 'lofdal'\?"),
    ({"projects.lofdal.strat": 1}, r"lofdal, column strat: no such column; .*'start'\?"),
    ({"projects.*.strat": 1}, r"column strat: no such column; did you mean 'start'\?"),
    ({"events.*.years": 1}, r"events has no row '\*'"),
    ({"trajectories.ev-cars.activity.world.203.value": 1}, r"did you mean 'ev-cars\.activity"),
    ({"projects.lofdal.id": "x"}, r"projects\.lofdal, column id: a key cannot be changed"),
    ({"projects.*.id": "x"}, r"column id: a key cannot be changed"),
    ({"projects.lofdal": 1}, r"found the path 'projects\.lofdal', allowed is projects\.id\.column"),
    ({"projects": {}}, r"found the path 'projects', allowed is projects\.id\.column"),
    ({"": 1}, r"there is no table ''; allowed: settings"),
    ({3: 1}, r"found the path 3, allowed is text"),
    ({"projects.lofdal": {3: 1}}, r"column 3: no such column"),
    ({"projects.lofdahl": {"dy": 1}}, r"lofdahl, column name, .*did you mean 'lofdal'\?"),
    ({"projects.My Mine": NEW_MINE}, r"column id: found 'My Mine', allowed is an id"),
    ({"projects.lofdal.feeds": ["carina"]}, r"column feeds: found 'carina', a mine, allowed is"),
    ({"projects.lofdal.decided_with": "lofdal"}, r"found a cycle, lofdal -> lofdal"),
    ({"projects.lofdal.ramp": "fast"}, r"column ramp: found 'fast', which is unknown; allowed: "),
    ({"projects.lofdal.dy": float("nan")}, r"column dy: nan: .* must be a finite number"),
    ({"projects.lofdal.dy": True}, r"column dy: found True; only a flag is true or false"),
    ({"settings.last_year.value": 2024}, r"last_year, column value: .*a year after first_year"),
    ({"settings.data_date.value": "May"}, r"data_date, column value: .*such as 2026-05-31"),
    ({"settings.last_yaer.value": 2030}, r"settings has no row 'last_yaer'; .*'last_year'\?"),
]


@pytest.mark.parametrize(("changes", "expected"), FAULTS)
def test_a_bad_change_gets_one_sentence(
    baseline: Scenario, changes: Mapping[Any, Any], expected: str
) -> None:
    """With the place, what was found and the nearest valid name."""
    with pytest.raises(ScenarioError, match=expected) as error:
        baseline.replace(changes)

    assert str(error.value).isprintable()


def test_changes_are_a_mapping(baseline: Scenario) -> None:
    """Anything else is said at once."""
    with pytest.raises(ScenarioError, match="allowed is a mapping of paths to values"):
        baseline.replace([START])  # type: ignore[arg-type]


# -- immutability ----------------------------------------------------------------------------------


def test_the_original_stays_as_it_was(baseline: Scenario) -> None:
    """Tables, changes and hash."""
    before = baseline.hash, baseline.changes, baseline.to_frame("projects")

    baseline.replace({"projects.*.status": "certain", "projects.my-new-mine": NEW_MINE})

    assert (baseline.hash, baseline.changes) == before[:2]
    assert baseline.to_frame("projects").equals(before[2])


def test_rows_and_scenarios_are_frozen(baseline: Scenario) -> None:
    """A cell is changed by replace() only."""
    row: Any = baseline.tables["projects"]["lofdal",]

    with pytest.raises(AttributeError):
        baseline.title = "mine"  # type: ignore[misc]
    for column in ("start", "dy"):
        with pytest.raises(ValidationError):
            setattr(row, column, 1.0)


# -- hash ------------------------------------------------------------------------------------------


def test_any_cell_changes_the_hash(baseline: Scenario) -> None:
    """The last cell of every table, its note included."""
    hashes = {baseline.hash}
    tables = [name for name in TABLES if baseline.tables[name]]
    for table in tables:
        key = ".".join(list(baseline.tables[table])[-1])
        hashes.add(baseline.replace({f"{table}.{key}.note": "another note"}).hash)

    assert len(hashes) == len(tables) + 1
    assert baseline.replace({START: 2028.501}).hash not in hashes


def test_the_hash_is_of_the_content(baseline: Scenario) -> None:
    """The same content by another way, in another notation or under another title is the same."""
    there = baseline.replace({START: "pert(2030, 2031, 2034)"})
    spaced = baseline.replace({START: "pert( 2030.0,2031 , 2034 )"})
    back = there.replace({START: 2028.5})

    assert there.hash == spaced.hash != baseline.hash
    assert back.hash == baseline.hash
    assert re.fullmatch("[0-9a-f]{64}", baseline.hash)


def test_a_scenario_can_be_a_key(baseline: Scenario) -> None:
    """Of a dictionary or a set; equal ones are one."""
    there = baseline.replace({START: "pert(2030, 2031, 2034)"})
    same = baseline.replace({START: "pert( 2030.0,2031 , 2034 )"})

    assert there == same
    assert len({baseline, there, same}) == 2


def test_the_hash_survives_pickling(baseline: Scenario) -> None:
    """A worker process sees the same scenario, whether the hash was asked for before or not."""
    changed = baseline.replace({START: "pert(2030, 2031, 2034)"})
    before = pickle.loads(pickle.dumps(changed))

    assert before.hash == changed.hash
    assert pickle.loads(pickle.dumps(changed)).hash == changed.hash
    assert before.changes == changed.changes
    assert before.tables == changed.tables


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_hash_is_the_same_in_every_process(baseline: Scenario, seed: str) -> None:
    """It does not depend on the order of sets."""
    changes = {START: "pert(2030, 2031, 2034)", "projects.*.status": "certain"}
    code = (
        "from reesupply.scenario import load_scenario;"
        f"print(load_scenario().hash, load_scenario().replace({changes!r}).hash)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", code]

    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)

    assert done.stdout.split() == [baseline.hash, baseline.replace(changes).hash]


# -- frames ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_a_table_becomes_a_frame(baseline: Scenario, table: str) -> None:
    """The key columns are the index, every other column is there."""
    spec = TABLES[table]

    frame = baseline.to_frame(table)

    assert tuple(frame.index.names) == spec.keys
    assert len(frame) == len(baseline.rows(table))
    assert set(columns_of(spec)) - set(spec.keys) <= set(frame.columns)
    assert frame.index.is_unique


def test_a_frame_holds_text_for_uncertain_cells(baseline: Scenario) -> None:
    """And numbers for the others; elements have their columns."""
    frame = baseline.to_frame("projects")

    assert frame.index.name == "id"
    assert frame.loc["browns-range", "heavy"] == "pert(286, 400, 440)"
    assert frame.loc["lofdal", "dy"] == 119
    assert str(frame.loc["browns-range", "source"]).startswith("rex-browns-range-2025;")


def test_an_unknown_table_gets_the_nearest_name(baseline: Scenario) -> None:
    """From to_frame() and rows() alike."""
    with pytest.raises(ScenarioError, match="'project'; did you mean 'projects'"):
        baseline.to_frame("project")
    with pytest.raises(ScenarioError, match="'end uses'; did you mean 'end_uses'"):
        baseline.rows("end uses")


def test_a_scenario_shows_itself(baseline: Scenario) -> None:
    """Size, years, date and hash in one line."""
    shown = repr(baseline)

    assert f"{len(baseline.rows('projects'))} projects" in shown
    assert baseline.data_date in shown
    assert baseline.hash[:12] in shown


# -- random changes --------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["pert(1, 2, 3)", "lognormal(1, 10)", "normal(0, 1e-300)", "lofdal", "merchant"]
    ),
)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(0, 3),
        st.floats(),
        st.floats(0, 1),
        texts,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(texts, st.integers()), inner, max_size=2),
        st.tuples(inner, inner),
    ),
    max_leaves=3,
)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Draw a path of a cell or a row that mostly exists."""
    table = draw(st.sampled_from(sorted(TABLES)))
    keys = sorted(load_scenario().tables[table]) or [("shut",)]
    parts = [table, *draw(st.sampled_from(keys)), draw(st.sampled_from(columns_of(TABLES[table])))]
    if draw(st.integers(0, 4)) == 0:
        parts[draw(st.integers(0, len(parts) - 1))] = draw(st.one_of(texts, st.just("*")))
    return ".".join(parts[: draw(st.sampled_from([len(parts), len(parts), len(parts) - 1]))])


@given(changes=st.dictionaries(paths(), values, min_size=1, max_size=3))
def test_no_change_raises_anything_else(changes: dict[str, object]) -> None:
    """Whatever is given: a valid scenario, or a ScenarioError of one line."""
    try:
        changed = load_scenario().replace(changes)
    except ScenarioError as error:
        text = str(error)
    else:
        text = changed.hash

    assert text.isprintable()


@given(value=st.one_of(st.floats(), st.integers(), texts))
def test_what_a_cell_accepts_lies_within_its_bounds(value: object) -> None:
    """A tonnage is never negative, infinite or not a number."""
    try:
        changed = load_scenario().replace({"projects.lofdal.dy": value})
    except ScenarioError:
        return
    found: Any = getattr(changed.tables["projects"]["lofdal",], "dy", 0.0)

    low, high = (found, found) if isinstance(found, float) else found.ppf([1e-9, 1 - 1e-9])
    assert 0.0 <= low <= high <= 1e6


OUTLOOK = "trajectories.ev-cars.activity.world"


def test_the_last_year_seen_may_have_a_range() -> None:
    """Errors of growth begin after it; a range a year later is refused."""
    base = load_scenario()
    base.replace({f"{OUTLOOK}.2025.value": "uniform(20, 21)"})
    base.replace({"growth.ev-cars.since": 2030, f"{OUTLOOK}.2030.value": "uniform(30, 40)"})
    with pytest.raises(ScenarioError, match="what is not known of growth counts once"):
        base.replace({"growth.ev-cars.since": 2024, f"{OUTLOOK}.2025.value": "uniform(20, 21)"})


def test_weights_of_outlooks_go_by_rising_values() -> None:
    """However they are written: the low one stays the low one; other parameters have their own."""
    base = load_scenario()
    first = {f"{OUTLOOK}.2030.value": "discrete(30: 0.2, 40: 0.8)"}
    base.replace(first | {f"{OUTLOOK}.2035.value": "discrete(60: 0.8, 50: 0.2)"})
    with pytest.raises(ScenarioError, match="follows one outlook"):
        base.replace(first | {f"{OUTLOOK}.2035.value": "discrete(60: 0.2, 50: 0.8)"})
    base.replace({"trajectories.ev-cars.pm_share.world.2035.value": "discrete(0.8: 0.5, 1: 0.5)"})


# -- odd values from Python ----------------------------------------------------------------------


@pytest.mark.parametrize("value", [pd.NA, pd.Series([2030.0]), np.array([2030.0, 2031.0])])
@pytest.mark.parametrize("column", ["start", "name"])
def test_a_value_without_a_truth_value(baseline: Scenario, column: str, value: Any) -> None:
    """What cannot be compared with a blank is refused in one sentence, as any other value."""
    with pytest.raises(ScenarioError, match=f"browns-range, column {column}: ") as error:
        baseline.replace({f"projects.browns-range.{column}": value})
    assert "\n" not in str(error.value)


def test_a_set_has_no_order(baseline: Scenario) -> None:
    """Contracts count in their order, which a set gives anew in every process."""
    path = "projects.browns-range.feeds"
    ordered = baseline.replace({path: ["merchant", "dubbo-refinery"]})
    assert cell(ordered, "projects", "browns-range", "feeds") == "merchant;dubbo-refinery"
    for value in ({"merchant", "dubbo-refinery"}, frozenset(["merchant"]), {"merchant": 1}.keys()):
        with pytest.raises(ScenarioError, match=r"feeds: found .*; allowed is a list"):
            baseline.replace({path: value})


@pytest.mark.parametrize("name", ["sources", 5, None, ["projects"]])
def test_no_such_table(baseline: Scenario, name: Any) -> None:
    """The sentence says which tables there are, whatever was asked for."""
    for read in (baseline.to_frame, baseline.rows):
        with pytest.raises(ScenarioError, match=r"no table .*; (allowed: settings|did you)"):
            read(name)


def test_no_such_setting(baseline: Scenario) -> None:
    """A setting that does not exist is said, with the nearest one."""
    with pytest.raises(ScenarioError, match="no setting 'last-year'; did you mean 'last_year'"):
        baseline.setting("last-year")


def test_what_stays_is_no_change(baseline: Scenario) -> None:
    """A cell set to what it holds is not among the changes; a cell that is changed is."""
    same = {START: baseline.tables["projects"][("browns-range",)].model_dump()["start"]}
    assert baseline.replace(same).hash == baseline.hash
    assert baseline.replace(same).changes == ()
    assert baseline.replace({"projects.browns-range.growth": None}).changes == ()
    listed = {
        "projects.browns-range": {"id": "browns-range", "start": 2031, "country": "Australia"}
    }
    assert baseline.replace(listed).changes == (START,)
    assert baseline.replace({"events.one": OUTAGE}).changes[0] == "events.one.kind"
