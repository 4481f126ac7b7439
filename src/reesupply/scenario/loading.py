"""Load the shipped data package and scenario files."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from reesupply.errors import ScenarioError, nearest
from reesupply.scenario.checks import check_scenario
from reesupply.scenario.rows import read_row
from reesupply.scenario.scenario import Origins, Scenario
from reesupply.scenario.tables import TABLES, Key, Row, TableSpec, key_of

BASELINE = "baseline"


def data_folder() -> Traversable:
    """Return the folder of the shipped data package."""
    return files("reesupply") / "data"


def list_scenarios() -> tuple[str, ...]:
    """
    Return the names of the shipped scenarios.

    Returns
    -------
    tuple of str
        ``"baseline"`` first, the others by name.
    """
    names = [
        path.name.removesuffix(".toml")
        for path in (data_folder() / "scenarios").iterdir()
        if path.name.endswith(".toml")
    ]
    return (BASELINE, *sorted(names))


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
    return _load(name_or_path, ())


def _load(name_or_path: str | Path, seen: tuple[str, ...]) -> Scenario:
    text = str(name_or_path)
    if text == BASELINE:
        return _baseline()
    path: Traversable = Path(text)
    if not text.endswith(".toml"):
        names = list_scenarios()
        if text not in names:
            msg = (
                f"there is no scenario {text!r}; {nearest(text, names)} "
                "A scenario file is named by its path, which ends in .toml."
            )
            raise ScenarioError(msg)
        path = data_folder() / "scenarios" / f"{text}.toml"
    identity = str(Path(text).resolve()) if isinstance(path, Path) else text
    if identity in seen:
        msg = f"{path.name}: base: the scenario is based on itself, through {' -> '.join(seen)}"
        raise ScenarioError(msg)
    content = _read_toml(path)
    base = content.pop("base", BASELINE)
    title = content.pop("title", path.name.removesuffix(".toml"))
    for name, value in (("base", base), ("title", title)):
        if not isinstance(value, str):
            msg = f"{path.name}: {name}: found {value!r}, allowed is a text"
            raise ScenarioError(msg)
    if isinstance(path, Path) and base.endswith(".toml"):
        base = str(path.parent / base)  # beside the file that names it
    return _load(base, (*seen, identity)).edited(
        _edits(content, path.name), origin=path.name, title=title
    )


def _read_toml(path: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        msg = f"{path}: there is no such file; scenarios shipped: {', '.join(list_scenarios())}"
    except UnicodeDecodeError:
        msg = f"{path.name}: found bytes that are not UTF-8, allowed is TOML in UTF-8"
    except tomllib.TOMLDecodeError as error:
        msg = f"{path.name}: found malformed TOML: {str(error)[0].lower()}{str(error)[1:]}"
    raise ScenarioError(msg) from None


def _edits(content: Mapping[str, Any], file: str) -> list[tuple[str, Key, dict[str, Any]]]:
    edits: list[tuple[str, Key, dict[str, Any]]] = []
    for name, body in content.items():
        if name not in TABLES:
            msg = f"{file}: there is no table {name!r}; {nearest(name, ['base', 'title', *TABLES])}"
            raise ScenarioError(msg)
        if isinstance(body, list):
            edits += [_listed_row(name, row, file, n) for n, row in enumerate(body, 1)]
        else:
            edits += _nested_rows(name, body, file, ())
    return edits


def _listed_row(name: str, row: Any, file: str, number: int) -> tuple[str, Key, dict[str, Any]]:
    keys = TABLES[name].keys
    if not isinstance(row, dict) or any(key not in row for key in keys):
        msg = f"{file}: [[{name}]] number {number}: each needs {', '.join(keys)}"
        raise ScenarioError(msg)
    return name, tuple(str(row[key]) for key in keys), dict(row)


def _nested_rows(
    name: str, body: Any, file: str, key: Key
) -> list[tuple[str, Key, dict[str, Any]]]:
    keys = TABLES[name].keys
    if not isinstance(body, dict):
        here = ".".join([name, *key])
        form = ".".join([name, *keys])
        msg = f"{file}: {here}: found {body!r}, allowed is a table [{form}] with columns"
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
    with (data_folder() / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
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
    with (data_folder() / "dimensions.csv").open(encoding="utf-8", newline="") as stream:
        return {row["input"]: int(row["dimension"]) for row in csv.DictReader(stream)}
