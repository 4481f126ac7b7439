"""A scenario as one text, so that a result carries what it rests on."""

from __future__ import annotations

import json

from reesupply.errors import ScenarioError
from reesupply.scenario.checks import check_scenario
from reesupply.scenario.rows import read_row
from reesupply.scenario.scenario import Scenario
from reesupply.scenario.tables import TABLES, Key, Row, key_of


def to_json(scenario: Scenario, *, indent: int | None = None) -> str:
    """
    Write a whole scenario, every row of every table.

    Parameters
    ----------
    scenario : Scenario
        What is written.
    indent : int, optional
        As in `json.dumps`.

    Returns
    -------
    str
        JSON with title, hash, changes and tables.
    """
    tables = {name: [row.model_dump() for row in scenario.rows(name)] for name in scenario.tables}
    content = {
        "title": scenario.title,
        "hash": scenario.hash,
        "changes": list(scenario.changes),
        "tables": tables,
    }
    return json.dumps(content, indent=indent, ensure_ascii=False)


def from_json(text: str) -> Scenario:
    """
    Read a scenario that `to_json` wrote.

    Parameters
    ----------
    text : str
        JSON.

    Returns
    -------
    Scenario
        With the same hash.

    Raises
    ------
    ScenarioError
        If the text is damaged or does not belong to this version of the tables.
    """
    try:
        content = json.loads(text)
        stored = content["tables"]
        title, changes, digest = content["title"], tuple(content["changes"]), content["hash"]
        more = [row["id"].lower() for row in stored["elements"]]
        tables: dict[str, dict[Key, Row]] = {}
        for name, spec in TABLES.items():
            extra = more if name == "projects" else []
            rows = [
                read_row(spec, row, f"{name} row {n}", extra)
                for n, row in enumerate(stored[name], 1)
            ]
            tables[name] = {key_of(row, spec): row for row in rows}
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        msg = f"the stored scenario cannot be read: {type(error).__name__} at {error}"
        raise ScenarioError(msg) from None
    scenario = Scenario(title, tables, changes)
    check_scenario(scenario)
    if scenario.hash != digest:
        msg = f"the stored scenario has hash {scenario.hash[:12]}, but says {digest[:12]}"
        raise ScenarioError(msg)
    return scenario
