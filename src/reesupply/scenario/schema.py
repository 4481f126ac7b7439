"""
JSON Schema of scenario files, made from the row models, for editors and other programs.

The same columns describe the shipped tables in `reesupply.scenario.package`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from reesupply.scenario.cells import Bounded
from reesupply.scenario.tables import TABLES, Row, TableSpec

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Columns of projects named by an element of the balance, such as dy.
ELEMENT_PATTERN = "^[a-z]{1,2}$"

# What a column means where the row model says no more than its type.
_COMMON = {"id": "identifier of the row", "name": "name to print", "source": "where it comes from"}


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a table.

    Attributes
    ----------
    name : str
        As in the header of the table.
    schema : dict
        JSON Schema of a cell that is not blank.
    meaning : str
        What it is, with the unit where the column has one.
    required : bool
        Whether a row must give it.
    bounds : Bounded or None
        What an uncertain cell may hold; None where no distribution is allowed.
    """

    name: str
    schema: Json
    meaning: str
    required: bool
    bounds: Bounded | None


def columns(row: type[Row]) -> dict[str, Column]:
    """
    Return the columns that a row model declares.

    Parameters
    ----------
    row : type of Row
        The model.

    Returns
    -------
    dict of str to Column
        By name, in the order of the model.
    """
    whole = row.model_json_schema()
    return {
        name: _column(name, row.model_fields[name], schema, name in whole.get("required", ()))
        for name, schema in whole["properties"].items()
    }


def element_column(name: str) -> Column:
    """
    Return the column of projects that holds an element of the balance.

    Parameters
    ----------
    name : str
        The symbol in lower case.

    Returns
    -------
    Column
    """
    more = TABLES["projects"].row.model_json_schema()["additionalProperties"]
    heavy = columns(TABLES["projects"].row)["heavy"]
    symbol = name.capitalize()
    meaning = f"{symbol} in concentrate, t oxide/yr at nameplate, where it is given by element"
    return Column(name, more, meaning, required=False, bounds=heavy.bounds)


def scenario_schema() -> Json:
    """
    Return the JSON Schema (draft 2020-12) of a scenario file, as ``reesupply schema`` prints it.

    A file changes a base, so no column is required. A table is nested by its key columns, where
    ``*`` stands for every row, or a list of rows that give their keys themselves. What one cell
    alone cannot show, such as an unknown refinery in feeds, is checked when the file is loaded.

    Returns
    -------
    dict
        Ready for ``json.dumps``.

    Examples
    --------
    >>> sorted(scenario_schema()["properties"])[:3]
    ['anchors', 'base', 'disruptions']
    """
    tables = {name: _table_schema(name, spec) for name, spec in TABLES.items()}
    base = "name of a shipped scenario, or path of a .toml file beside this one"
    return {
        "$schema": DIALECT,
        "title": "reesupply scenario",
        "description": "A scenario to start from, and what differs.",
        "type": "object",
        "properties": {
            "base": {"type": "string", "default": "baseline", "description": base},
            "title": {"type": "string", "description": "one line that says what it is"},
            **tables,
        },
        "additionalProperties": False,
        "$defs": {name: _row_schema(name, spec) for name, spec in TABLES.items()},
    }


def _column(name: str, field: FieldInfo, raw: Json, required: bool) -> Column:
    schema = {k: _whole(v) for k, v in raw.items() if k not in ("title", "description")}
    optional = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    if {"type": "null"} in schema.get("anyOf", ()):
        del schema["anyOf"]
        only = {k: _whole(v) for k, v in optional[0].items()} if len(optional) == 1 else None
        schema = {**schema, **(only or {"anyOf": optional})}
        schema.pop("description", None)
    if schema.get("default") in (None, "", [], ()):
        schema.pop("default", None)
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value != ""]
    meaning = field.description or _COMMON.get(name, name.replace("_", " "))
    return Column(name, schema, meaning, required, _bounds(field))


def _whole(value: Any) -> Any:
    # versions of pydantic differ in writing a limit as 1 or 1.0
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _bounds(field: FieldInfo) -> Bounded | None:
    marks = [*field.metadata]
    for part in get_args(field.annotation):  # Tonnes | None: the mark is one level down
        marks += getattr(part, "__metadata__", ())
    found = [mark for mark in marks if isinstance(mark, Bounded)]
    return found[0] if found else None


def _described(column: Column) -> Json:
    more = f"; a number or a distribution, {column.bounds.words}" if column.bounds else ""
    return {**column.schema, "description": f"{column.meaning}{more}"}


def _row_schema(name: str, spec: TableSpec) -> Json:
    schema: Json = {
        "description": spec.title,
        "type": "object",
        "properties": {c.name: _described(c) for c in columns(spec.row).values()},
        "additionalProperties": False,
    }
    if name == "projects":
        of_element = _described(element_column("Dy"))
        meaning = "an element of the balance in concentrate, t oxide/yr at nameplate"
        schema["patternProperties"] = {ELEMENT_PATTERN: {**of_element, "description": meaning}}
    return schema


def _table_schema(name: str, spec: TableSpec) -> Json:
    row = {"$ref": f"#/$defs/{name}"}
    known = columns(spec.row)
    nested: Json = row
    for key in reversed(spec.keys):
        nested = {
            "type": "object",
            "description": f"by {key}: {known[key].meaning}; * is every one",
            "propertyNames": {"anyOf": [{"const": "*"}, _key_schema(known[key])]},
            "additionalProperties": nested,
        }
    listed = {"allOf": [row], "required": list(spec.keys)}
    # each keyword counts for its own type only
    return {**nested, "type": ["object", "array"], "description": spec.title, "items": listed}


def _key_schema(column: Column) -> Json:
    if column.schema.get("type") == "integer":  # keys are text in TOML
        return {"pattern": "^[0-9]{4}$"}
    return {key: column.schema[key] for key in ("enum", "pattern") if key in column.schema}
