"""The shipped data package: every table is walked, and its description is up to date."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reesupply import units
from reesupply.distributions import Distribution, LogNormal, Normal, parse
from reesupply.errors import ScenarioError
from reesupply.scenario import load_scenario, package
from reesupply.scenario.cells import ID_PATTERN
from reesupply.scenario.loading import data_folder
from reesupply.scenario.package import (
    ALL_TABLES,
    DISTRIBUTIONS,
    NOTATION,
    data_dictionary,
    data_package,
    main,
    records,
    table_columns,
    write_data_package,
)
from reesupply.scenario.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
DATA = Path(str(data_folder()))
ASSUMPTION = "assumption"
BACKGROUND = "background"  # a source that was read and gave no number says so in its note
SOURCE_COLUMNS = ("source", "correction_source")
WITHOUT_SOURCE = {"sources", "dimensions"}

END_USES = {
    *("ev-cars", "ev-vans-trucks", "hybrids", "auto-other", "wind-onshore", "wind-offshore"),
    *("two-wheelers", "industry-robots", "humanoids", "elevators", "air-conditioning"),
    *("consumer-electronics", "other-magnets", "defence", "non-magnet"),
}
# What the documentation promises by name.
NAMED_PROJECTS = {
    *("china-quota-mines", "china-undocumented", "china-separation", "china-scrap-recyclers"),
    *("myanmar-kachin", "laos-clay", "malaysia-clay"),
    *("mt-weld-heavy", "lynas-gebeng-heavy", "lynas-gebeng-heavy-2"),
    *("iluka-eneabba", "eneabba-stockpile", "wimmera", "browns-range"),
    *("mountain-pass-seg", "mp-heavy", "mp-apple-recycling"),
    *("white-mesa-phase-1", "white-mesa-phase-2", "donald-phase-1", "toliara-bahia"),
    *("carina", "penco", "aclara-louisiana", "serra-verde-1", "serra-verde-2"),
    *("strange-lake-mine", "strange-lake-refinery", "brook-mine", "brook-refinery"),
    *("caremag-lacq", "caremag-recycling", "src-saskatoon", "lofdal"),
    *("dubbo-mine", "dubbo-refinery"),
}


def split(text: str) -> list[str]:
    """Split ids that are joined by semicolons."""
    return [part.strip() for part in text.split(";") if part.strip()]


def walk(*columns: str) -> Iterable[tuple[str, str, dict[str, str]]]:
    """Yield place, column and row of every table that has one of the columns."""
    for table in ALL_TABLES:
        for number, row in enumerate(records(table), 2):
            for column in columns:
                if column in row:
                    yield f"{table}.csv row {number}", column, row


def test_every_file_is_described() -> None:
    """No table lies in the folder without its row model."""
    assert {path.stem for path in DATA.glob("*.csv")} == set(ALL_TABLES)


def test_every_table_says_where_its_rows_come_from() -> None:
    """The sources themselves and the list of dimensions need none."""
    without = {name for name in ALL_TABLES if "source" not in table_columns(name)}

    assert without == WITHOUT_SOURCE


def test_every_row_has_a_source() -> None:
    """A source or the word assumption."""
    orphans = [place for place, column, row in walk("source") if not split(row[column])]

    assert orphans == []


def test_every_source_is_known() -> None:
    """Its id stands in sources.csv."""
    known = {ASSUMPTION, *(row["id"] for row in records("sources"))}

    unknown = [
        f"{place}, column {column}: {name}"
        for place, column, row in walk(*SOURCE_COLUMNS)
        for name in split(row[column])
        if name not in known
    ]

    assert unknown == []


def test_every_assumption_gives_its_reason_and_confidence() -> None:
    """So that a reader can disagree with it."""
    bare = [
        place
        for place, column, row in walk("source")
        if ASSUMPTION in split(row[column]) and not (row["note"] and row["confidence"])
    ]

    assert bare == []


def test_every_source_is_used_or_says_that_it_is_background() -> None:
    """A list of sources that nothing rests on would look better than it is."""
    used = {name for _, column, row in walk(*SOURCE_COLUMNS) for name in split(row[column])}

    idle = [
        row["id"]
        for row in records("sources")
        if row["id"] not in used and BACKGROUND not in row["note"]
    ]

    assert idle == []


@pytest.mark.parametrize("table", ALL_TABLES)
def test_keys_are_unique(table: str) -> None:
    """A key stands once."""
    keys = ALL_TABLES[table].keys
    counts = Counter(tuple(row[key] for key in keys) for row in records(table))

    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("table", ALL_TABLES)
def test_the_columns_of_a_table_are_those_of_its_model(table: str) -> None:
    """No column lacks a meaning, and no lever is missing: the dictionary is whole."""
    spec = ALL_TABLES[table]
    header = table_columns(table)

    given = {
        name
        for name, field in spec.row.model_fields.items()
        if field.is_required() or table in TABLES
    }

    assert given <= set(header)
    assert all(column.meaning for column in header.values())


@pytest.mark.parametrize("table", sorted(set(ALL_TABLES) - {"settings", "elements"}))
def test_ids_are_plain(table: str) -> None:
    """Lower case, digits and hyphens: a path of a scenario needs no quotes."""
    columns = [c for c in table_columns(table).values() if c.schema.get("pattern") == ID_PATTERN]
    cells = [row[c.name] for c in columns for row in records(table)]

    assert [cell for cell in cells if cell and not re.fullmatch("[a-z0-9-]+", cell)] == []


@pytest.mark.parametrize("table", ALL_TABLES)
def test_every_row_fits_its_model(table: str) -> None:
    """The tables that no scenario loads are validated too."""
    for row in records(table):
        ALL_TABLES[table].row.model_validate({k: v for k, v in row.items() if v})


@pytest.mark.parametrize("table", ALL_TABLES)
def test_uncertain_cells_round_trip(table: str) -> None:
    """What a cell says and what it is read as are the same, and the description knows its form."""
    columns = [column.name for column in table_columns(table).values() if column.bounds]

    for text in (row[name] for row in records(table) for name in columns if row[name]):
        value = parse(text)
        assert parse(str(value)) == value
        assert re.fullmatch(NOTATION, text)


def test_some_cells_are_uncertain() -> None:
    """The check above looks at something: half of the projects have an uncertain tonnage."""
    rows = load_scenario().rows("projects")

    assert sum(isinstance(row.heavy, Distribution) for row in rows) > len(rows) / 3


def test_the_package_knows_the_names_of_the_distributions() -> None:
    """The parser lists the same when it meets another."""
    with pytest.raises(ScenarioError) as error:
        parse("zipf(1)")

    assert f"allowed: {', '.join(DISTRIBUTIONS)}" in str(error.value)


def test_oxide_factors_are_those_of_the_atomic_weights() -> None:
    """One constant, held as data and as code."""
    for row in load_scenario().rows("elements"):
        assert row.oxide_per_metal == pytest.approx(units.oxide_per_metal(row.id), abs=5e-6)


def test_the_vintage_is_given() -> None:
    """And is the version of the package."""
    scenario = load_scenario()

    assert re.fullmatch(r"\d{4}\.\d{2}(\.\d+)?", scenario.setting("vintage"))
    assert data_package()["version"] == scenario.setting("vintage")
    assert data_package()["created"].startswith(scenario.data_date)


def test_all_end_uses_are_there() -> None:
    """The fifteen of the demand research and the stocks of states."""
    assert {row.id for row in load_scenario().rows("end_uses")} == {*END_USES, "state-stockpiling"}
    assert len(END_USES) == 15


def test_all_named_projects_are_there() -> None:
    """And at least thirty supply sources."""
    projects = {row.id for row in load_scenario().rows("projects")}

    assert projects >= NAMED_PROJECTS
    assert len(projects) > 30
    assert projects.isdisjoint(row["id"] for row in records("left_out"))


def typical(value: float | Distribution | None) -> float:
    """Return the median of a cell, 0 where it is blank."""
    return value.median if isinstance(value, Distribution) else float(value or 0.0)


def tonnage(row: Any) -> float:
    """Return the tonnes a year of a project."""
    if row.kind != "mine":
        return typical(row.capacity)
    return typical(row.heavy) + sum(typical(v) for v in (row.model_extra or {}).values())


def totals(rows: list[Any]) -> list[str]:
    """Return the rows that are within 2 % of all others together."""
    tonnes = {row.id: tonnage(row) for row in rows}
    whole = sum(tonnes.values())
    return [name for name, mass in tonnes.items() if mass and abs(whole - 2 * mass) <= 0.02 * mass]


@pytest.mark.parametrize("group", ["country", "bloc", "owner"])
def test_no_project_is_the_total_of_others(group: str) -> None:
    """Totals are history; a total among its parts would be counted twice."""

    def key(row: Any) -> tuple[str, str]:
        return row.kind, getattr(row, group)

    rows = sorted(load_scenario().rows("projects"), key=key)

    for _, found in groupby(rows, key):
        members = list(found)
        assert len(members) < 3 or totals(members) == []


def test_a_total_would_be_found() -> None:
    """The check above does see one."""
    rows = [row for row in load_scenario().rows("projects") if row.country == "Brazil"]
    mines = [row for row in rows if row.kind == "mine"]
    total = mines[0].model_copy(update={"id": "brazil", "heavy": sum(map(tonnage, mines))})

    assert totals([*mines, total]) == ["brazil"]


def test_no_project_is_called_a_total() -> None:
    """Nor a world, nor all of anything."""
    pattern = re.compile(r"\b(totals?|world|sum of|altogether)\b", re.IGNORECASE)
    rows = load_scenario().rows("projects")

    assert [row.id for row in rows if pattern.search(f"{row.id} {row.name}")] == []


def test_parts_of_the_captive_total_are_smaller_than_it() -> None:
    """The measured total stands in anchors, its parts in projects."""
    scenario = load_scenario()
    total = typical(scenario.tables["anchors"]["refined-2024-if-with-scrap",].value)  # type: ignore[attr-defined]

    parts = [tonnage(row) for row in scenario.rows("projects") if row.part_of]

    assert 0 < max(parts) < total


def test_corrected_claims_keep_both_sources() -> None:
    """The page that was wrong and the page that says so."""
    incomplete = [
        row["id"]
        for row in records("press_claims")
        if row["status"] in ("partly", "wrong")
        and not (row["correction"] and split(row["source"]) and split(row["correction_source"]))
    ]

    assert incomplete == []


def test_links_between_other_tables_hold() -> None:
    """What a table that no scenario loads calls a status is one."""
    statuses = {row["id"] for row in records("stages")}

    assert {row["stage_when_announced"] for row in records("delays")} <= statuses


def test_forecasts_and_early_values_belong_to_a_series() -> None:
    """What a hindcast scores has a series in the same unit; what grows says since when."""
    units: dict[str, set[str]] = {}
    first: dict[str, str] = {}
    for row in records("history"):
        units.setdefault(row["series"], set()).add(row["unit"])
        if row["period"].isdecimal():
            first.setdefault(row["series"], row["period"])

    for row in records("early_history"):
        assert units[row["series"]] == {row["unit"]}
        assert row["period"] < first[row["series"]]
    for row in records("forecasts"):
        assert (row["series"] == "") == (row["form"] == ""), row["id"]
        assert (row["since"] == "") == (row["form"] in ("", "level")), row["id"]
        if row["series"]:
            assert row["series"] in units, row["id"]


# -- the description -----------------------------------------------------------------------------


def test_generated_files_are_up_to_date() -> None:
    """After a change of a table: python -m reesupply.scenario.package."""
    described = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))

    assert described == data_package()
    if (ROOT / "docs").is_dir():
        assert (ROOT / "docs" / "data.md").read_text(encoding="utf-8") == data_dictionary()
        assert main(["--check"]) == 0


def test_the_description_is_written_the_same_every_time(tmp_path: Path) -> None:
    """Byte for byte."""
    first = write_data_package(tmp_path).read_bytes()

    assert write_data_package(tmp_path).read_bytes() == first
    assert first == (DATA / "datapackage.json").read_bytes().replace(b"\r\n", b"\n")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a copy of what the generator reads and writes, and let it work there."""
    shutil.copytree(DATA, tmp_path / "src" / "reesupply" / "data")
    (tmp_path / "docs").mkdir()
    (tmp_path / "pyproject.toml").touch()
    there = tmp_path / "src" / "reesupply"
    monkeypatch.setattr(package, "__file__", str(there / "scenario" / "package.py"))
    monkeypatch.setattr(package, "data_folder", lambda: there / "data")
    return tmp_path


def test_stale_files_are_told_and_renewed(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name, with the command that renews them, and exit code 1."""
    page = checkout / "docs" / "data.md"

    assert main(["--check"]) == 1
    assert "data.md is out of date: run python -m reesupply" in capsys.readouterr().err
    assert main([]) == 0
    assert page.read_text(encoding="utf-8") == data_dictionary()
    assert main(["--check"]) == 0


def test_outside_a_checkout_nothing_is_written(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installed library has no documentation to renew."""
    (checkout / "pyproject.toml").unlink()

    assert main([]) == 2
    assert "in a checkout of the source" in capsys.readouterr().err


def test_every_table_and_column_is_in_the_dictionary() -> None:
    """With its number of rows."""
    sections = data_dictionary().split("\n## ")[1:]
    by_name = {section.partition("\n")[0]: section for section in sections}

    for table in ALL_TABLES:
        assert re.search(rf"^{len(records(table))} rows?\b", by_name[table], re.MULTILINE)
        assert all(f"| `{column}`" in by_name[table] for column in table_columns(table))


def test_the_description_has_what_readers_need() -> None:
    """Types, keys, units and links."""
    package = data_package()
    resources = {resource["name"]: resource["schema"] for resource in package["resources"]}
    fields = {field["name"]: field for field in resources["projects"]["fields"]}

    assert package["$schema"].startswith("https://datapackage.org/profiles/2.")
    assert resources["targets"]["primaryKey"] == ["claim", "reading"]
    assert fields["heavy"]["type"] == "string"
    assert "t oxide/yr" in fields["heavy"]["description"]
    assert "pert(" in fields["heavy"]["description"]
    assert fields["status"]["constraints"]["enum"][0] == "operating"
    assert "no foreign key" in fields["source"]["description"]
    assert fields["source"]["constraints"] == {"required": True}
    links = resources["lifetimes"]["foreignKeys"]
    assert links == [
        {"fields": ["end_use"], "reference": {"resource": "end_uses", "fields": ["id"]}}
    ]


def test_frictionless_accepts_the_package() -> None:
    """The validator of the convention."""
    frictionless = pytest.importorskip("frictionless")

    report = frictionless.validate(str(DATA / "datapackage.json"))

    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "note"])


@pytest.mark.parametrize(
    ("table", "old", "new", "title"),
    [
        ("projects", ",xenotime,feasibility,", ",xenotime,feasable,", "Constraint Error"),
        ("projects", '"pert(286, 400, 440)"', '"eval(286)"', "Constraint Error"),
        ("lifetimes", "ev-cars,", "ev-carts,", "ForeignKey Error"),
        ("lifetimes", "ev-cars,", "hybrids,", "PrimaryKey Error"),
        ("growth", ",2025,", ",lately,", "Type Error"),
        ("stages", ",assumption,", ",,", "Constraint Error"),
    ],
)
def test_frictionless_finds_a_fault(
    tmp_path: Path, table: str, old: str, new: str, title: str
) -> None:
    """The description is strict enough to be of use."""
    frictionless = pytest.importorskip("frictionless")
    folder = shutil.copytree(DATA, tmp_path / "data")
    text = (folder / f"{table}.csv").read_text(encoding="utf-8")
    assert old in text
    (folder / f"{table}.csv").write_text(text.replace(old, new, 1), encoding="utf-8")

    report = frictionless.validate(str(folder / "datapackage.json"))

    assert title in {found[0] for found in report.flatten(["title"])}


@pytest.mark.parametrize("table", ["trajectories", "growth", "lifetimes", "recycling"])
def test_no_cell_of_demand_is_without_end(table: str) -> None:
    """A normal or lognormal cell is truncated, so that no draw is beyond reason."""
    for row in load_scenario().rows(table):
        for column in type(row).model_fields:
            value = getattr(row, column)
            assert not isinstance(value, Normal | LogNormal), (row, column)
            if isinstance(value, Distribution):
                assert np.isfinite(value.ppf([0.0, 1.0])).all(), (row, column)
