"""
The shipped tables as a Frictionless data package, and the data dictionary of the documentation.

Both are generated: ``python -m reesupply.scenario.package`` writes them in a checkout, and with
``--check`` only says whether they are up to date.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reesupply.scenario.cells import ID_PATTERN
from reesupply.scenario.loading import data_folder, open_csv
from reesupply.scenario.reference import OTHER_TABLES
from reesupply.scenario.schema import Column, columns, element_column
from reesupply.scenario.tables import TABLES

if TYPE_CHECKING:
    from reesupply.scenario.tables import TableSpec

Json = dict[str, Any]
Records = list[dict[str, str]]

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
COMMAND = "python -m reesupply.scenario.package"
ASSUMPTION = "assumption"
#: Names of the distributions that a cell may hold, as the parser of the notation knows them.
DISTRIBUTIONS = (
    *("uniform", "triangular", "pert", "normal", "lognormal", "beta", "bernoulli"),
    *("discrete", "truncate"),
)
NOTATION = rf"^([-+.0-9eE]+|({'|'.join(DISTRIBUTIONS)})\(.*\))$"
MANY = "; several ids are joined by ';', so it is no foreign key: a test of the package checks them"
LICENCE = {
    "name": "Apache-2.0",
    "title": "Apache License 2.0",
    "path": "https://www.apache.org/licenses/LICENSE-2.0",
}

ALL_TABLES = {**TABLES, **OTHER_TABLES}

# Columns of several parts that are not ids of rows.
_NO_IDS = ("weights", "sectors")

# Columns that name one row of another table.
_LINKS = {
    "projects": {"status": "stages.id", "ramp": "ramps.id", "decided_with": "projects.id"},
    "growth": {"end_use": "end_uses.id", "series": "history.series"},
    "knob_inputs": {"knob": "knobs.id"},
    "lifetimes": {"end_use": "end_uses.id"},
    "end_uses": {"activity_history": "history.series"},
}


def data_package() -> Json:
    """
    Describe the shipped tables as a Frictionless data package, version 2.

    Returns
    -------
    dict
        Content of ``datapackage.json``; it depends on headers and settings, not on rows.
    """
    settings = {row["id"]: row["value"] for row in records("settings")}
    return {
        "$schema": PROFILE,
        "name": "reesupply",
        "title": "Dysprosium and terbium to 2035: supply, demand, recycling and published claims",
        "description": "Every row names its sources or is an assumption with its reason.",
        "version": settings["vintage"],
        "created": f"{settings['data_date']}T00:00:00Z",
        "licenses": [LICENCE],
        "resources": [_resource(name, spec) for name, spec in ALL_TABLES.items()],
    }


def write_data_package(folder: Path) -> Path:
    """
    Write ``datapackage.json``, the same bytes for the same tables.

    Parameters
    ----------
    folder : Path
        Where the tables are.

    Returns
    -------
    Path
        The file written.
    """
    path = folder / "datapackage.json"
    path.write_bytes(_package_text().encode())
    return path


def data_dictionary() -> str:
    """
    Describe every table and column in Markdown.

    Returns
    -------
    str
        Content of ``docs/data.md``.
    """
    settings = {row["id"]: row["value"] for row in records("settings")}
    parts = [_HEAD.format(**settings, command=COMMAND)]
    parts += [_section(name, spec) for name, spec in ALL_TABLES.items()]
    return "\n".join([*parts, _TAIL.format(**settings, command=COMMAND)])


def records(name: str) -> Records:
    """
    Read a shipped table as text.

    Parameters
    ----------
    name : str
        Of the table.

    Returns
    -------
    list of dict
        Column to text, a row each.
    """
    return list(open_csv(name))


def table_columns(name: str) -> dict[str, Column]:
    """
    Return the columns that a shipped table has, in the order of its header.

    Parameters
    ----------
    name : str
        Of the table.

    Returns
    -------
    dict of str to Column
    """
    known = columns(ALL_TABLES[name].row)
    header = open_csv(name).fieldnames or ()
    return {column: known.get(column) or element_column(column) for column in header}


def main(arguments: list[str]) -> int:
    """
    Write the generated files of a checkout, or check them.

    Parameters
    ----------
    arguments : list of str
        Empty, or ``["--check"]``.

    Returns
    -------
    int
        0; 1 where a file is stale, 2 where this is no checkout.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "pyproject.toml").is_file() or not (root / "docs").is_dir():
        sys.stderr.write("the files are generated in a checkout of the source, and this is none\n")
        return 2
    data = Path(str(data_folder()))
    wanted = {data / "datapackage.json": _package_text(), root / "docs/data.md": data_dictionary()}
    stale = [path for path, text in wanted.items() if not _holds(path, text)]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(root)} is out of date: run {COMMAND}\n")
        return 1 if stale else 0
    for path in stale:
        path.write_bytes(wanted[path].encode())
        sys.stdout.write(f"wrote {path.relative_to(root)}\n")
    return 0


def _holds(path: Path, text: str) -> bool:
    # compared as text: a checkout may have other line ends
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _package_text() -> str:
    return json.dumps(data_package(), indent=2, ensure_ascii=False) + "\n"


def _resource(name: str, spec: TableSpec) -> Json:
    schema: Json = {
        "fields": [_field(column) for column in table_columns(name).values()],
        "primaryKey": list(spec.keys),
    }
    if name in _LINKS:
        schema["foreignKeys"] = [_link(name, *link) for link in _LINKS[name].items()]
    return {
        "name": name,
        "type": "table",
        "path": f"{name}.csv",
        "title": spec.title,
        "description": _about(spec),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": schema,
    }


def _link(table: str, column: str, target: str) -> Json:
    other, _, field = target.partition(".")
    reference = {"resource": "" if other == table else other, "fields": [field]}
    return {"fields": [column], "reference": reference}


def _field(column: Column) -> Json:
    kind, schema = field_type(column), column.schema
    limits: Json = {"required": True} if column.required or column.name == "source" else {}
    if column.bounds is not None:
        limits["pattern"] = NOTATION
    else:
        names = ("enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        limits |= {key: schema[key] for key in names if key in schema}
        if "const" in schema:
            limits["enum"] = [schema["const"]]
    field: Json = {"name": column.name, "type": kind, "description": _meaning(column)}
    return {**field, "constraints": limits} if limits else field


def field_type(column: Column) -> str:
    """
    Return the Frictionless type of a column.

    Parameters
    ----------
    column : Column
        Of any table.

    Returns
    -------
    str
        string, number, integer or boolean; a cell that may hold a distribution is a string.
    """
    kind = column.schema.get("type", "string")
    return kind if isinstance(kind, str) else "string"


def _meaning(column: Column) -> str:
    text = column.meaning
    if column.bounds is not None:
        words = f"{column.bounds.words}, or a distribution in the notation pert(low, mode, high)"
        return f"{text}; {words}"
    many = column.schema.get("type") == ["string", "array"]
    return f"{text}{MANY}" if many and column.name not in _NO_IDS else text


def _about(spec: TableSpec) -> str:
    return " ".join((spec.row.__doc__ or spec.title).split())


def _section(name: str, spec: TableSpec) -> str:
    rows = records(name)
    lines = [f"## {name}", "", f"{spec.title}. {_about(spec)}", "", _counts(rows), ""]
    if "parameter" in spec.keys:
        lines += [_parameters(rows), ""]
    lines += ["| column | type | unit or allowed | meaning |", "|---|---|---|---|"]
    for column in table_columns(name).values():
        key = " (key)" if column.name in spec.keys else ""
        cells = (f"`{column.name}`{key}", _kind(column), _allowed(column), column.meaning)
        lines.append("| " + " | ".join(_markdown(cell) for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _counts(rows: Records) -> str:
    number = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    if not rows or "confidence" not in rows[0]:
        return f"{number}."
    counts = Counter(row["confidence"] or "none" for row in rows)
    levels = [level for level in ("high", "medium", "low", "none") if counts[level]]
    shares = ", ".join(f"{level} {counts[level] / len(rows):.0%}" for level in levels)
    assumed = sum(ASSUMPTION in row["source"].split(";") for row in rows)
    alone = sum(row["source"] == ASSUMPTION for row in rows)
    return f"{number}; confidence {shares}; resting on an assumption {assumed}, wholly {alone}."


def _parameters(rows: Records) -> str:
    units: dict[str, dict[str, None]] = {}
    for row in rows:
        units.setdefault(row["parameter"], {})[row["unit"]] = None
    listed = ", ".join(f"`{name}` ({', '.join(found)})" for name, found in units.items())
    return f"Parameters and their units: {listed}."


def _markdown(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def _kind(column: Column) -> str:
    if column.bounds is not None:
        return "number or distribution"
    if isinstance(column.schema.get("type"), list):
        return "parts, joined by ;" if column.name in _NO_IDS else "ids, joined by ;"
    return "id" if column.schema.get("pattern") == ID_PATTERN else field_type(column)


def _allowed(column: Column) -> str:
    schema = column.schema
    if column.bounds is not None:
        return column.bounds.words
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    marks = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    marks["exclusiveMaximum"] = "below"
    limits = [f"{word} {schema[key]:g}" for key, word in marks.items() if key in schema]
    return ", ".join(limits)


_HEAD = """# The data

<!-- Generated by `{command}`: change the tables or the row models instead. -->

The tables that ship with the library, in `src/reesupply/data`. Vintage **{vintage}**: facts as
known on {data_date}. Masses are tonnes of oxide (Dy2O3, Tb4O7) a calendar year unless a column
says otherwise.

An uncertain cell holds a number or a distribution such as `pert(286, 400, 440)`; the notation is
in {{doc}}`how-to/own-scenario`. `source` names rows of the table `sources`, or says `assumption`;
then `note` gives the reason and `confidence` how far to trust it. A blank cell is not known or
does not apply.
"""

_TAIL = """## Vintage

The setting `vintage` ({vintage}) names this issue of the data, and `data_date` ({data_date}) is the
day up to which it knows the world. Both are in `datapackage.json`.

## Change a cell

For a run of your own change nothing here: name the cell in a scenario file or in
`scenario.replace()`, see {{doc}}`how-to/own-scenario`. To improve the data for everybody, edit the
row, name its source in `sources.csv` or write `assumption` with a reason and a confidence, then run

```text
{command}
python3 run.py data
python3 run.py test
```

The first writes `datapackage.json` and this page anew, the second checks the tables against the
description, the third walks all tables and fails on a row without a source.
"""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
