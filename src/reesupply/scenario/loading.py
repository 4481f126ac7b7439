"""Load the shipped data package and scenario files."""

from __future__ import annotations

import csv
import io
import tomllib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reesupply.distributions.base import written
from reesupply.errors import ScenarioError, nearest
from reesupply.scenario.checks import check_scenario
from reesupply.scenario.rows import on_one_line, read_row
from reesupply.scenario.scenario import Origins, Scenario
from reesupply.scenario.tables import TABLES, Key, Row, TableSpec, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

BASELINE = "baseline"


def data_folder() -> Traversable:
    """Return the folder of the shipped data package."""
    return files("reesupply") / "data"


def open_csv(name: str) -> csv.DictReader[str]:
    """Return the rows of a table of the shipped data package, as text by column."""
    text = (data_folder() / f"{name}.csv").read_bytes().decode()
    return csv.DictReader(io.StringIO(text, newline=""))


def list_scenarios() -> tuple[str, ...]:
    """
    Return the names of the shipped scenarios.

    Returns
    -------
    tuple of str
        ``"baseline"`` first, the others by name.
    """
    folder = data_folder() / "scenarios"
    files_there = folder.iterdir() if folder.is_dir() else ()
    names = [path.name for path in files_there if path.name.endswith(".toml")]
    return (BASELINE, *sorted(name.removesuffix(".toml") for name in names))


def load_scenario(name_or_path: str | Path = BASELINE) -> Scenario:
    """
    Load a shipped scenario by name, or a scenario file by path.

    Parameters
    ----------
    name_or_path : str or Path
        A name of :func:`list_scenarios`, or the path of a ``.toml`` file.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        One sentence that names file, row and column, what was found and what is allowed.
    """
    try:
        return _load(name_or_path, ())
    except RecursionError:  # tables in tables, or a chain of bases, a thousand deep
        file = on_one_line(Path(str(name_or_path)).name)
        msg = f"{file}: found a thousand levels of nesting, allowed is table, key and column"
        raise ScenarioError(msg) from None


def _load(name_or_path: str | Path, seen: tuple[str, ...]) -> Scenario:
    text = str(name_or_path)
    if text == BASELINE:
        return _baseline()
    path: Traversable = Path(text)
    if not text.endswith(".toml"):
        names = list_scenarios()
        if text not in names:
            msg = (
                f"there is no scenario {written(text)}; {nearest(text, names)} "
                "(a file is named by its path, which ends in .toml)"
            )
            raise ScenarioError(msg)
        path = data_folder() / "scenarios" / f"{text}.toml"
    content = _read_toml(path)
    identity = str(Path(text).resolve()) if isinstance(path, Path) else text
    if identity in seen:
        chain = " -> ".join(Path(name).name for name in (*seen[seen.index(identity) :], identity))
        msg = f"found a cycle, {on_one_line(chain)}; the chain must end at a shipped scenario"
        raise ScenarioError(msg)
    base = content.pop("base", BASELINE)
    title = content.pop("title", path.name.removesuffix(".toml"))
    for name, value in (("base", base), ("title", title)):
        if not isinstance(value, str):
            msg = f"{on_one_line(path.name)}: {name}: found {written(value)}, allowed is a text"
            raise ScenarioError(msg)
    if isinstance(path, Path) and base.endswith(".toml"):
        base = str(path.parent / base)  # beside the file that names it
    file = on_one_line(path.name)
    edits = _edits(content, file)
    try:
        below = _load(base, (*seen, identity))
    except ScenarioError as error:
        msg = f"{file}: base: {error}"
        raise ScenarioError(msg) from None
    return below.edited(edits, origin=file, title=title)


def _read_toml(path: Traversable) -> dict[str, Any]:
    file = on_one_line(path.name)
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        shipped = ", ".join(list_scenarios())
        msg = f"{on_one_line(path)}: there is no such file; scenarios shipped: {shipped}"
    except OSError as error:  # a folder, no permission, a name that the system refuses
        msg = f"{file}: cannot be read ({error.strerror}), allowed is a TOML file"
    except UnicodeDecodeError:
        msg = f"{file}: found bytes that are not UTF-8, allowed is TOML in UTF-8"
    except (ValueError, RecursionError) as error:  # with numbers too long and nesting too deep
        text = str(error)
        msg = f"{file}: found malformed TOML: {text[:1].lower()}{on_one_line(text[1:])}"
    raise ScenarioError(msg) from None


def _edits(content: Mapping[str, Any], file: str) -> list[tuple[str, Key, dict[str, Any]]]:
    edits: list[tuple[str, Key, dict[str, Any]]] = []
    for name, body in content.items():
        if name not in TABLES:
            hint = nearest(name, ["base", "title", *TABLES])
            msg = f"{file}: there is no table {written(name)}; {hint}"
            raise ScenarioError(msg)
        if isinstance(body, list):
            edits += _listed_rows(name, body, file)
        else:
            edits += _nested_rows(name, body, file, ())
    return edits


def _listed_rows(name: str, body: list[Any], file: str) -> list[tuple[str, Key, dict[str, Any]]]:
    columns = TABLES[name].keys
    rows: dict[Key, dict[str, Any]] = {}
    for number, row in enumerate(body, 1):
        where = f"{file}: [[{name}]] number {number}"
        missing = [n for n in columns if not isinstance(row, dict) or n not in row]
        if missing:
            msg = f"{where}, column {missing[0]}: required, but blank"
            raise ScenarioError(msg)
        key = tuple(_key_text(row[column]) for column in columns)
        if key in rows:
            found = on_one_line(".".join(key))
            msg = f"{where}, column {', '.join(columns)}: found {found} twice, allowed is once"
            raise ScenarioError(msg)
        rows[key] = row
    return [(name, key, row) for key, row in rows.items()]


def _key_text(value: Any) -> str:
    """Write a value of a key as tables do: a year given as 2030.0 is 2030."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value)


def _nested_rows(
    name: str, body: Any, file: str, key: Key
) -> list[tuple[str, Key, dict[str, Any]]]:
    keys = TABLES[name].keys
    if not isinstance(body, dict):
        here = on_one_line(".".join([name, *key]))
        form = ".".join([name, *keys])
        msg = f"{file}: {here}: found {written(body)}, allowed is a table [{form}] with columns"
        raise ScenarioError(msg)
    if len(key) == len(keys):
        return [(name, key, body)]
    return [
        edit
        for part, inner in body.items()
        for edit in _nested_rows(name, inner, file, (*key, part))
    ]


@lru_cache(maxsize=1)
def _baseline() -> Scenario:
    tables: dict[str, dict[Key, Row]] = {}
    origins: Origins = {}
    for name, spec in TABLES.items():
        elements = [key[0].lower() for key in tables.get("elements", ())]
        more = elements if name == "projects" else []
        tables[name] = _read_csv(name, spec, origins, more)
    scenario = Scenario("Our untuned best view", tables, (), origins)
    check_scenario(scenario)
    return scenario


def _read_csv(name: str, spec: TableSpec, origins: Origins, more: list[str]) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    reader = open_csv(name)
    for record in reader:
        label = ".".join(record.get(key) or "?" for key in spec.keys)
        where = f"{name}.csv row {reader.line_num} ({label})"
        row = read_row(spec, record, where, more)
        key = key_of(row, spec)
        if key in rows:
            msg = f"{where}: the row stands twice; a key may stand once"
            raise ScenarioError(msg)
        rows[key] = row
        origins[name, key] = where
    return rows


@lru_cache(maxsize=1)
def sobol_dimensions() -> Mapping[str, int]:
    """Return the Sobol dimension of each input that has one; the table only ever grows."""
    return {row["input"]: int(row["dimension"]) for row in open_csv("dimensions")}
