"""Scenario files: what loads, and the one sentence that each fault gets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reesupply.engine.plan import compile_scenario
from reesupply.errors import ScenarioError
from reesupply.scenario import Scenario, list_scenarios, load_scenario
from reesupply.scenario.tables import TABLES, columns_of

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = Path(__file__).parents[1] / "data" / "bad"

EXAMPLE = """
base = "baseline"
title = "Browns Range slips, Myanmar shuts for a year"

[projects.browns-range]
start = "pert(2030, 2031, 2034)"

[projects.my-new-mine]
name = "My new mine"
country = "Tanzania"
bloc = "ex_china"
kind = "mine"
status = "feasibility"
start = 2030.5
construction = 2
heavy = "pert(40, 50, 60)"
dy_share = 0.85
feeds = ["iluka-eneabba", "merchant"]
source = "assumption"
confidence = "low"
note = "a guess"

[[events]]
id = "myanmar-shut"
kind = "outage"
target = "projects.myanmar-kachin"
start = 2027
years = 1
probability = 1.0
"""

CELL = r"must be a finite number from -1e15 to 1e15"
# Fault, and what its sentence says after the name of the file: place, found, allowed.
FAULTS = {
    "unknown-field": r"projects\.browns-range, column strat: .*did you mean 'start'\?",
    "negative-tonnage": r"projects\.browns-range, column heavy: found -400, .*0 to 1,000,000 t",
    "negative-element": r"projects\.lofdal, column dy: found pert\(-5, .*0 to 1,000,000 t",
    "low-above-high": r"projects\.browns-range, column heavy: pert\(440, .*low must not exceed",
    "unknown-project": r"projects\.browns-rnge, column name, .*did you mean 'browns-range'\?",
    "incomplete-mine": r"projects\.my-new-mine, column country, bloc, kind, .*start: required",
    "unknown-refinery": r"projects\.browns-range, column feeds: .*'iluka-eneaba'.*'iluka-enea",
    "feed-to-a-mine": r"projects\.browns-range, column feeds: found 'carina', a mine, allowed is",
    "feed-from-a-refinery": r"projects\.mp-heavy, column feeds: found iluka.*mines and recyclers",
    "cycle-of-decisions": r"column decided_with: .*browns-range -> lofdal -> browns-range",
    "pads-without-a-life": r"projects\.laos-clay, column pads_renewed: .*needs the life of a pad",
    "pads-of-a-refinery": r"projects\.iluka-eneabba, column pad_life: .*only a part of a measured",
    "cycle-of-bases-a": r"base: .*bases-a\.toml -> .*bases-b\.toml -> .*bases-a\.toml; .*must end",
    "unknown-base": r"base: there is no scenario 'baselin'; did you mean 'baseline'\?",
    "base-is-a-number": r"base: found 3, allowed is a text",
    "malformed": r"malformed TOML: expected '\]' .*at line 1, column 23",
    "nan": rf"projects\.browns-range, column heavy: .*{CELL}; got nan",
    "infinite": r"targets\.adamas-dy-2030\.annual, column value: found inf; allowed is a finite",
    "huge-number": rf"projects\.browns-range, column heavy: .*{CELL}; got 1e\+300",
    "huge-integer": rf"projects\.browns-range, column heavy: .*{CELL}; got a number beyond",
    "huge-integer-for-a-year": r"trajectories\..*\.2030, column year: .*less than or equal to 2100",
    "code": r"projects\.browns-range, column start: .*__import__.*neither a number.*pert",
    "text-for-a-number": r"ramp_classes\.r, column tau: found 'long'; allowed is a valid",
    "range-beside-growth-error": (
        r"trajectories\.ev-cars\.activity\.world\.2035, column value: found pert\(40, 54, 68\) "
        r"beside the error of growth\.ev-cars, .* counts once"
    ),
    "outlooks-of-other-weights": (
        r"trajectories\.ev-cars\.activity\.world\.2035, column value: found discrete\(40: 0\.5, "
        r"60: 0\.5\), allowed are the weights of 2030 .* one outlook through the years"
    ),
    "share-above-one-of-demand": (
        r"trajectories\.ev-cars\.pm_share\.world\.2024, column value: found 3.*allowed is a share"
    ),
    "yield-of-nothing": (r"column value: found 0.*allowed is 0\.01 to 1"),
    "ceiling-below-the-outlook": (
        r"growth\.ev-cars, column ceiling: found 40.*allowed is above 44\.1, the outlook of 2030"
    ),
    "past-after-the-base-year": (
        r"anchors\.stock-history-start, column value: found 2030.*allowed is a number from 1900 to "
        r"2023"
    ),
    "drawn-persistence": (
        r"anchors\.persistence, column value: found .*uniform\(0, 1\).*allowed is a number"
    ),
    "stored-with-scrap": (r"end_uses\.elevators, column stored: what is bought to be kept"),
    "growth-of-oxide": r"growth\.defence, column end_use: found 'defence', which is unknown",
    "flag-for-a-number": r"events\.shut, column probability: found True; only a flag",
    "number-for-a-flag": r"projects\.browns-range, column may_leave: found 3\.7; .*boolean",
    "unknown-status": r"projects\.browns-range, column status: found 'feasable'; .*'feasibility'\?",
    "probability-above-one": r"events\.shut, column probability: found 1\.2; .*or equal to 1$",
    "share-above-one": r"column dy_share: found normal\(0\.9, 0\.1\) .*a share from 0 to 1",
    "unknown-table": r"there is no table 'project'; did you mean 'projects'\?",
    "value-for-a-table": r"projects: found 3, allowed is a table \[projects\.id\]",
    "value-for-a-row": r"projects\.browns-range: found 2031\.5, allowed is a table",
    "event-without-target": r"events\.shut, column target: required in a new row, but blank",
    "event-without-id": r"\[\[events\]\] number 1, column id: required, but blank",
    "event-at-unknown-target": r"events\.shut, column target: .*did you mean 'projects\.lofdal'\?",
    "event-twice": r"\[\[events\]\] number 2, column id: found shut twice, allowed is once",
    "unknown-end-use": r"trajectories\.ev-carts\..*column end_use: .*did you mean 'ev-cars'\?",
    "wildcard-without-match": r"trajectories\.\*\.actvity\.world\.2030: no row of the table",
    "bad-id": r"events\.Shut it\\nall, column id: found .*allowed is an id of \[a-z0-9-\]\+",
    "key-changed": r"projects\.lofdal, column id: a key cannot be changed",
    "bad-year": r"settings\.last_year, column value: found 'soon', allowed: 1990 to 2100",
    "not-utf8": r"found bytes that are not UTF-8, allowed is TOML in UTF-8",
}
# Files that load: one is fine, one half of a pair, one is refused when it is compiled.
LOADED = {"empty", "cycle-of-bases-b", "squared-loadings"}


def sentence(error: pytest.ExceptionInfo[ScenarioError]) -> str:
    """Return the text of an error after checking that it is one sentence for a person."""
    text = str(error.value)
    assert error.type is ScenarioError
    assert text.isprintable(), "a sentence stands on one line"
    assert len(text) < 500
    assert "pydantic" not in text
    return text


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a scenario file and return its path."""

    def make(text: str | bytes, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make


def test_the_baseline_comes_first() -> None:
    """It is always there, and the others follow by name."""
    names = list_scenarios()

    assert names[0] == "baseline"
    assert list(names[1:]) == sorted(names[1:])


@pytest.mark.parametrize("name", list_scenarios())
def test_every_shipped_scenario_loads(name: str) -> None:
    """By its name, and with a title."""
    scenario = load_scenario(name)

    assert isinstance(scenario, Scenario)
    assert scenario.title


def test_the_baseline_is_the_default() -> None:
    """It differs from itself in nothing."""
    assert load_scenario().hash == load_scenario("baseline").hash
    assert load_scenario().changes == ()


def test_the_documented_example_loads(write: Callable[..., Path]) -> None:
    """A changed cell, a new mine and an event, as the design shows them."""
    base = load_scenario()

    scenario = load_scenario(write(EXAMPLE))

    assert scenario.title == "Browns Range slips, Myanmar shuts for a year"
    rows = scenario.tables["projects"]
    assert scenario.to_frame("projects").loc["browns-range", "start"] == "pert(2030, 2031, 2034)"
    assert rows["my-new-mine",].feeds == ("iluka-eneabba", "merchant")  # type: ignore[attr-defined]
    assert len(rows) == len(base.tables["projects"]) + 1
    assert [event.id for event in scenario.rows("events")] == ["myanmar-shut"]
    assert "projects.browns-range.start" in scenario.changes
    assert scenario.hash != base.hash


def test_a_path_may_be_text_or_path(write: Callable[..., Path]) -> None:
    """Both name the same file."""
    path = write(EXAMPLE)

    assert load_scenario(str(path)).hash == load_scenario(path).hash


def test_a_base_stands_beside_the_file_that_names_it(write: Callable[..., Path]) -> None:
    """A file moves together with its base, whatever the working directory."""
    write("[projects.lofdal]\ndy = 100\n", "views/base.toml")
    path = write('base = "base.toml"\n[projects.lofdal]\ntb = 10\n', "views/mine.toml")

    row = load_scenario(path).to_frame("projects").loc["lofdal"]

    assert (row["dy"], row["tb"]) == (100, 10)
    assert load_scenario(path).changes == ("projects.lofdal.dy", "projects.lofdal.tb")


def test_a_fault_of_the_base_names_both_files(write: Callable[..., Path]) -> None:
    """The reader learns which file leads to which."""
    write("[projects.lofdal]\ndy = -1\n", "base.toml")
    path = write('base = "base.toml"\n')

    with pytest.raises(ScenarioError, match=r"^mine\.toml: base: base\.toml: projects") as error:
        load_scenario(path)

    sentence(error)


def test_an_empty_file_is_the_baseline_under_another_name() -> None:
    """Nothing differs; the title is the name of the file."""
    scenario = load_scenario(BAD / "empty.toml")

    assert scenario.title == "empty"
    assert scenario.hash == load_scenario().hash


def test_a_byte_order_mark_is_ignored(write: Callable[..., Path]) -> None:
    """Some editors write one."""
    scenario = load_scenario(write(b'\xef\xbb\xbftitle = "With a mark"\n'))

    assert scenario.title == "With a mark"


def test_dates_and_years_as_toml_has_them(write: Callable[..., Path]) -> None:
    """A date needs no quotes, and a year may have a point."""
    text = """
[settings.data_date]
value = 2026-03-01
[[trajectories]]
end_use = "ev-cars"
parameter = "activity"
bloc = "world"
year = 2025.0
value = 21.0
"""
    scenario = load_scenario(write(text))

    assert scenario.data_date == "2026-03-01"
    row: Any = scenario.tables["trajectories"]["ev-cars", "activity", "world", "2025"]
    assert (row.year, row.value) == (2025, 21.0)


def test_rows_as_a_list_and_as_tables_are_the_same(write: Callable[..., Path]) -> None:
    """[[events]] with an id, or [events.id]."""
    columns = (
        'kind = "outage"\ntarget = "projects.lofdal"\nstart = 2030\nyears = 1\nprobability = 1\n'
    )

    listed = load_scenario(write(f'[[events]]\nid = "shut"\n{columns}', "listed.toml"))
    nested = load_scenario(write(f"[events.shut]\n{columns}", "nested.toml"))

    assert listed.hash == nested.hash


def test_an_element_and_its_tonnage_come_in_one_file(write: Callable[..., Path]) -> None:
    """Another element is data; the order of the tables does not matter."""
    text = """
[projects.lofdal]
nd = "pert(200, 300, 400)"
[elements.Nd]
name = "neodymium"
oxide = "Nd2O3"
oxide_per_metal = 1.16638
"""
    scenario = load_scenario(write(text))

    assert scenario.elements == ("Dy", "Tb", "Nd")
    assert scenario.to_frame("projects").loc["lofdal", "nd"] == "pert(200, 300, 400)"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gets_one_sentence(fault: str) -> None:
    """With the file, the row and the column, what was found and what is allowed."""
    with pytest.raises(ScenarioError) as error:
        load_scenario(BAD / f"{fault}.toml")

    assert re.match(rf"{fault}\.toml: .*{FAULTS[fault]}", sentence(error))


def test_every_bad_file_is_expected_to_be_bad() -> None:
    """A new file needs a new expectation."""
    assert {path.stem for path in BAD.glob("*.toml")} == {*FAULTS, *LOADED}


def test_loadings_that_are_too_large_are_refused_when_compiled() -> None:
    """An input cannot follow its factors by more than all of its variance."""
    scenario = load_scenario(BAD / "squared-loadings.toml")

    with pytest.raises(
        ScenarioError, match=r"squares .*anchors\.captive-growth.*at most 1"
    ) as error:
        compile_scenario(scenario)

    sentence(error)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """With and without the ending of a scenario file."""
    folder = tmp_path / "folder.toml"
    folder.mkdir()

    with pytest.raises(ScenarioError, match=r"folder\.toml: cannot be read") as error:
        load_scenario(folder)
    sentence(error)
    with pytest.raises(ScenarioError, match="there is no scenario"):
        load_scenario(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With the scenarios that do exist."""
    with pytest.raises(ScenarioError, match=r"none\.toml: there is no such file; .*baseline"):
        load_scenario(tmp_path / "none.toml")


def test_an_unknown_name_gets_the_nearest() -> None:
    """And says how a file is named."""
    with pytest.raises(
        ScenarioError, match=r"'basline'; did you mean 'baseline'\?.*\.toml"
    ) as error:
        load_scenario("basline")

    sentence(error)


@pytest.mark.parametrize(
    "text",
    [
        f"[settings.last_year]\nvalue = {'9' * 5000}\n",
        "a = " + "[" * 100_000,
        "a." * 3_000 + "b = 1",
        "projects.lofdal.start." + "a." * 3_000 + "b = 1",
        'base = "a\\u0000b.toml"\n',
        f'base = "{"x" * 300}.toml"\n',
        '[settings.last_year]\nvalue = "\u00b2\u00b2\u00b2\u00b2"\n',
        "\x00",
    ],
    ids=["digits", "nesting", "dots", "depth", "nul in a path", "long path", "superscript", "nul"],
)
def test_extremes_of_toml_are_refused(write: Callable[..., Path], text: str) -> None:
    """What makes a parser or the system stumble is a bad file like any other."""
    with pytest.raises(ScenarioError, match=r"^mine\.toml: ") as error:
        load_scenario(write(text))

    sentence(error)


# -- random files ------------------------------------------------------------------------------

SPICE = ["pert(1, 2, 3)", "lognormal(1, 10)", "beta(1e-9, 1)", "nan", "", "*", "a\nb", "1e999"]
KNOWN = ["outage", "projects.lofdal", "merchant", "mine", "operating", "captive", "lofdal", "china"]
texts = st.one_of(st.sampled_from(SPICE), st.sampled_from(KNOWN), st.text(max_size=8))
scalars = st.one_of(st.integers(), st.integers(0, 3), st.floats(), st.floats(0, 1), texts)
values = st.recursive(
    st.one_of(scalars, st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=3,
)


rarely = st.integers(0, 9).map(lambda number: number == 0)


@st.composite
def contents(draw: st.DrawFn) -> dict[str, object]:
    """Draw a file that is nearly right: rows and columns that exist, with any value, and a slip."""
    tables = load_scenario().tables
    content: dict[str, object] = draw(st.dictionaries(texts, values)) if draw(rarely) else {}
    for name in draw(st.lists(st.sampled_from(sorted(TABLES)), max_size=2, unique=True)):
        spec = TABLES[name]
        key = list(draw(st.sampled_from(sorted(tables[name]) or [("shut",)])))
        if draw(rarely):
            key[draw(st.integers(0, len(key) - 1))] = draw(texts)
        names = texts if draw(rarely) else st.sampled_from(columns_of(spec))
        row: dict[str, object] = draw(st.dictionaries(names, values, max_size=2))
        if draw(rarely):
            content[name] = [{**dict(zip(spec.keys, key, strict=True)), **row}]
            continue
        for part in reversed(key):
            row = {part: row}
        content[name] = row
    return content


def toml(value: object) -> str:
    """Write a value as TOML; a table stands inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower()


def complaint(path: Path) -> str | None:
    """Return the text of the ScenarioError of a file; None where it loads."""
    try:
        load_scenario(path)
    except ScenarioError as error:
        return str(error)
    return None


@given(content=contents())
def test_no_file_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]
) -> None:
    """Whatever stands in a file, the only exception is a ScenarioError of one line."""
    path = tmp_path_factory.mktemp("random", numbered=True) / "random.toml"
    path.write_text(
        "\n".join(f"{toml(name)} = {toml(body)}" for name, body in content.items()),
        encoding="utf-8",
        errors="replace",
    )

    found = complaint(path)
    assert found is None or (found.isprintable() and found.startswith(path.name))


@given(content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_no_bytes_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Nor does a file that is no TOML at all."""
    path = tmp_path_factory.mktemp("random", numbered=True) / "random.toml"
    path.write_bytes(content)

    found = complaint(path)
    assert found is None or (found.isprintable() and found.startswith(path.name))
