"""Scenarios between two others: where these differ, and some of the cells of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reesupply.scenario.checks import check_scenario
from reesupply.scenario.rows import read_row
from reesupply.scenario.scenario import Scenario
from reesupply.scenario.tables import TABLES, Key, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

#: Columns that say where a number comes from, and tables that no number of a run rests on.
_WORDS = ("source", "confidence", "note")
_APART = ("targets",)
#: Stands for all columns of a row that one of the two does not have.
WHOLE_ROW = "*"


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that two scenarios fill differently, or a row that one of them lacks."""

    table: str
    key: Key
    column: str

    @property
    def path(self) -> str:
        """As `Scenario.replace` names it; a row ends in ``.*``."""
        return ".".join([self.table, *self.key, self.column])


def differences(first: Scenario, second: Scenario) -> tuple[Difference, ...]:
    """
    Return where two scenarios differ in what a run rests on.

    Parameters
    ----------
    first, second : Scenario
        Any two.

    Returns
    -------
    tuple of Difference
        In the order of the tables; published claims and the words of a row (source, confidence,
        note) do not count.
    """
    found: list[Difference] = []
    for table, rows in first.tables.items():
        others = second.tables[table]
        if table in _APART or rows is others:
            continue
        for key in dict.fromkeys([*rows, *others]):
            one, other = rows.get(key), others.get(key)
            if one is None or other is None:
                found.append(Difference(table, key, WHOLE_ROW))
            elif one is not other:
                found += [Difference(table, key, name) for name in _columns(one, other)]
    return tuple(found)


def mixed(first: Scenario, second: Scenario, taken: Collection[Difference]) -> Scenario:
    """
    Return the first scenario with some of the differences taken from the second.

    Parameters
    ----------
    first, second : Scenario
        The two.
    taken : collection of Difference
        Of those of `differences`.

    Returns
    -------
    Scenario
        Validated as any other.

    Raises
    ------
    ScenarioError
        If what is taken does not go with what stays.
    """
    tables: dict[str, Mapping[Key, Row]] = dict(first.tables)
    origins = dict(first.origins)
    by_row: dict[tuple[str, Key], list[str]] = {}
    for one in taken:
        by_row.setdefault((one.table, one.key), []).append(one.column)
    for name in {one.table for one in taken}:
        rows = dict(first.tables[name])
        # new rows in the order of the second
        for key in dict.fromkeys([*rows, *second.tables[name]]):
            columns = by_row.get((name, key))
            if columns is None:
                continue
            new = second.tables[name].get(key)
            if new is None:
                del rows[key]
                continue
            where = second.origins.get((name, key), f"{name}.{'.'.join(key)}")
            extra = [row.lower() for (row,) in tables["elements"]] if name == "projects" else []
            rows[key] = _row(name, rows.get(key), new, columns, where, extra)
            origins[name, key] = where
        tables[name] = rows
    changes = tuple(dict.fromkeys((*first.changes, *(one.path for one in taken))))
    title = f"{first.title}; {len(taken)} differences taken from: {second.title}"
    made = Scenario(title, tables, changes, origins)
    check_scenario(made)
    return made


def _columns(one: Row, other: Row) -> list[str]:
    """Columns in which two rows differ."""
    a, b = one.model_dump(), other.model_dump()
    return [name for name in {**a, **b} if name not in _WORDS and a.get(name) != b.get(name)]


def _row(
    table: str, old: Row | None, new: Row, columns: list[str], where: str, extra: list[str]
) -> Row:
    """Return a row with some columns of the new one; the new one itself where these are all."""
    if old is None or set(columns) >= set(_columns(old, new)):
        return new
    # model_dump writes cells in file notation, so the row is validated anew from text
    values: dict[str, Any] = old.model_dump()
    values.update({name: new.model_dump().get(name) for name in columns})
    return read_row(TABLES[table], values, where, extra)
