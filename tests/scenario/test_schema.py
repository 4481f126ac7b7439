"""The JSON Schema of scenario files, checked with an independent validator."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from reesupply.distributions import Distribution
from reesupply.scenario import load_scenario
from reesupply.scenario.schema import columns, scenario_schema
from reesupply.scenario.tables import TABLES

BAD = Path(__file__).parents[1] / "data" / "bad"

EXAMPLE = """
base = "baseline"
title = "Browns Range slips, Myanmar shuts for a year"

[projects.browns-range]
start = "pert(2030, 2031, 2034)"
dy = 100
feeds = ["iluka-eneabba", "merchant"]
may_leave = true

[projects."*"]
status = "certain"

[trajectories.ev-cars.activity.world.2030]
value = "pert(30, 40, 45)"

[[events]]
id = "myanmar-shut"
kind = "outage"
target = "projects.myanmar-kachin"
start = 2027
years = 1
probability = 1.0
"""
# Faults that one cell shows by itself; the others need the whole scenario.
CELL_FAULTS = (
    *("unknown-field", "negative-tonnage", "unknown-table", "unknown-status", "bad-id"),
    *("value-for-a-table", "value-for-a-row", "text-for-a-number", "number-for-a-flag"),
    *("flag-for-a-number", "probability-above-one", "huge-number", "base-is-a-number"),
    "event-without-id",
)


def faults(content: object) -> list[str]:
    """Return the messages of the validator."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(scenario_schema())
    return [error.message for error in validator.iter_errors(content)]


def test_it_is_a_schema() -> None:
    """Of its own dialect, and JSON through and through."""
    schema = scenario_schema()

    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == {"base", "title", *TABLES}
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_documented_example_is_valid() -> None:
    """Cells, wildcards, nested keys and lists of rows."""
    assert faults(tomllib.loads(EXAMPLE)) == []


@pytest.mark.parametrize("fault", CELL_FAULTS)
def test_a_fault_of_a_cell_is_refused(fault: str) -> None:
    """An editor shows it while the file is written."""
    content = tomllib.loads((BAD / f"{fault}.toml").read_text(encoding="utf-8"))

    assert faults(content) != []


def nested(table: str) -> dict[str, Any]:
    """Return a table of the baseline as a scenario file would write it."""
    keys = TABLES[table].keys
    content: dict[str, Any] = {}
    for key, row in load_scenario().tables[table].items():
        place = content
        for part in key:
            place = place.setdefault(part, {})
        cells = row.model_dump().items()
        place.update({k: v for k, v in cells if k not in keys and v not in (None, "")})
    return content


@pytest.mark.parametrize("table", TABLES)
def test_all_of_the_baseline_is_valid(table: str) -> None:
    """The schema allows what the row models allow."""
    assert faults({table: nested(table)}) == []


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning(table: str) -> None:
    """Which an editor shows, with the unit or the range of an uncertain cell."""
    described = scenario_schema()["$defs"][table]["properties"]

    for name, column in columns(TABLES[table].row).items():
        assert column.meaning
        assert described[name]["description"].startswith(column.meaning)
        assert (column.bounds is not None) == ("distribution" in described[name]["description"])


def test_uncertain_columns_are_those_that_hold_distributions() -> None:
    """No cell of the baseline is uncertain where the schema says it cannot be."""
    for table, rows in load_scenario().tables.items():
        known = columns(TABLES[table].row)
        for row in rows.values():
            found = [name for name, cell in row if isinstance(cell, Distribution)]
            assert all(name not in known or known[name].bounds for name in found)
