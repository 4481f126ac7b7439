"""`Scenario`: everything that a run rests on, validated and immutable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reesupply.distributions.base import written
from reesupply.errors import ScenarioError, nearest
from reesupply.scenario.checks import check_scenario
from reesupply.scenario.rows import on_one_line, read_row
from reesupply.scenario.tables import TABLES, Key, Row, TableSpec, columns_of, key_of

if TYPE_CHECKING:
    import pandas as pd

#: Where each row came from, for the sentence of an error.
Origins = dict[tuple[str, Key], str]


@dataclass(frozen=True, repr=False)
class Scenario:
    """
    A validated, immutable description of supply, demand, recycling and claims.

    Make one with :func:`reesupply.load_scenario` and change it with :meth:`replace`; both check
    every row and every link between rows.

    Attributes
    ----------
    title : str
        One line that says what the scenario is.
    tables : dict
        Table name to rows by key. Treat as read-only.
    changes : tuple of str
        Paths of the cells and rows that were changed since the shipped baseline, in that order.
    """

    title: str
    tables: Mapping[str, Mapping[Key, Row]]
    changes: tuple[str, ...] = ()
    origins: Origins = field(default_factory=dict, compare=False)
    _digests: dict[str, str] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return (
            f"<Scenario {self.title!r}: {len(self.tables['projects'])} projects, "
            f"{len(self.tables['end_uses'])} end uses, {self.years[0]}-{self.years[-1]}, "
            f"data of {self.data_date}, hash {self.hash[:12]}>"
        )

    def __hash__(self) -> int:
        # of what is compared and can be hashed, so that a scenario can be a key; not `hash`, which
        # knows the order of rows
        return hash((self.title, self.changes))

    # -- what it holds ---------------------------------------------------------------------

    def rows(self, table: str) -> tuple[Any, ...]:
        """Return the rows of a table in their order."""
        return tuple(self._table(table).values())

    def setting(self, name: str) -> str:
        """Return the text of a setting."""
        rows = {row.id: row for row in self.rows("settings")}
        if name not in rows:
            msg = f"there is no setting {written(name)}; {nearest(str(name), rows)}"
            raise ScenarioError(msg)
        value: str = rows[name].value
        return value

    @property
    def years(self) -> tuple[int, ...]:
        """Calendar years of the run, the base year first."""
        return tuple(range(int(self.setting("first_year")), int(self.setting("last_year")) + 1))

    @property
    def elements(self) -> tuple[str, ...]:
        """Symbols of the elements of the balance."""
        return tuple(row.id for row in self.rows("elements"))

    @property
    def heavy(self) -> tuple[int, ...]:
        """
        Indices of the elements of the heavy pair, whose sum is the balance that is asked for.

        Totals, capacities and claims are in tonnes of the pair; a further element, one with a
        `captive_ratio`, rides along with it.
        """
        rows = self.rows("elements")
        return tuple(i for i, row in enumerate(rows) if row.captive_ratio is None)

    @property
    def lead(self) -> int:
        """Index of the element whose share `dy_share` gives; the rest of the pair divides it."""
        return self.elements.index("Dy") if "Dy" in self.elements else self.heavy[0]

    @property
    def turned_knobs(self) -> tuple[str, ...]:
        """Ids of the knobs that are turned: the centres of inputs are not those of the tables."""
        return tuple(row.id for row in self.rows("knobs") if row.shift != 0.0)

    @property
    def standing(self) -> str:
        """Whether it may be read as a forecast; every chart and text says it."""
        return "inputs shifted by knobs" if self.turned_knobs else "fitted to no claim"

    @property
    def data_date(self) -> str:
        """ISO date up to which the data know the world."""
        return self.setting("data_date")

    @property
    def hash(self) -> str:
        """Hex digest (SHA-256) of the content of all tables."""
        whole = hashlib.sha256()
        for name in sorted(self.tables):
            if name not in self._digests:
                self._digests[name] = _digest(self.tables[name])
            whole.update(f"{name}:{self._digests[name]}\n".encode())
        return whole.hexdigest()

    def to_frame(self, table: str) -> pd.DataFrame:
        """
        Return a table as a DataFrame.

        Parameters
        ----------
        table : str
            For example ``"projects"``.

        Returns
        -------
        pandas.DataFrame
            One row per row of the table, the key columns as index; an uncertain cell holds its
            text, for example ``"pert(286, 400, 440)"``.
        """
        import pandas as pd

        rows = self.rows(table)
        spec = TABLES[table]
        more = sorted({name for row in rows for name in row.model_extra or ()})
        names = [*columns_of(spec), *more]
        records = [row.model_dump() for row in rows]
        frame = pd.DataFrame.from_records(records, columns=names)
        return frame.set_index(list(spec.keys))

    # -- change ----------------------------------------------------------------------------

    def replace(self, changes: Mapping[str, Any]) -> Scenario:
        """
        Return a new scenario in which some cells or rows differ.

        Parameters
        ----------
        changes : mapping
            ``"table.key.column"`` to a value, with one key for each key column of the table, for
            example ``{"projects.browns-range.start": "pert(2030, 2031, 2034)"}``; ``*`` stands for
            every key. ``None`` blanks a cell. ``"table.key"`` to a mapping changes several cells of
            a row, or adds the row when it is new.

        Returns
        -------
        Scenario
            Validated; this scenario is untouched.

        Raises
        ------
        ScenarioError
            One sentence with the place, what was found, and what is allowed.
        """
        edits = [self._edit(path, value) for path, value in _items(changes)]
        return self.edited(edits, origin="replace", title=self.title)

    def edited(
        self, edits: list[tuple[str, Key, dict[str, Any]]], *, origin: str, title: str
    ) -> Scenario:
        """Apply edits of rows, (table, key, columns) each, and check the whole."""
        tables = {name: dict(rows) for name, rows in self.tables.items()}
        origins = dict(self.origins)
        touched: list[str] = []
        new_elements = [key for name, key, _ in edits if name == "elements"]
        extra = [key[0].lower() for key in (*tables["elements"], *new_elements)]
        for name, pattern, columns in edits:
            spec = TABLES[name]
            keys = _matching(pattern, tables[name])
            if not keys:
                msg = f"{origin}: {_path(name, pattern)}: no row of the table {name} matches"
                raise ScenarioError(msg)
            for key in keys:
                where = f"{origin}: {_path(name, key)}"
                old = tables[name].get(key)
                before = dict(zip(spec.keys, key, strict=True)) if old is None else _given(old)
                merged = {**before, **columns}
                if old is None:
                    _check_complete(spec, merged, where, tables[name])
                row = read_row(spec, merged, where, extra if name == "projects" else ())
                if key_of(row, spec) != key:
                    msg = f"{where}, column {', '.join(spec.keys)}: a key cannot be changed"
                    raise ScenarioError(msg)
                tables[name][key] = row
                origins[name, key] = where
                after = row.model_dump()
                differ = [c for c in columns if old is None or after.get(c) != before.get(c)]
                touched += [f"{name}.{'.'.join(key)}.{column}" for column in differ]
        changes = tuple(dict.fromkeys((*self.changes, *touched)))
        digests = {n: d for n, d in self._digests.items() if n not in {edit[0] for edit in edits}}
        new = Scenario(title, tables, changes, origins, digests)
        check_scenario(new)
        return new

    def _edit(self, path: object, value: Any) -> tuple[str, Key, dict[str, Any]]:
        if not isinstance(path, str):
            msg = f"replace: found the path {written(path)}, allowed is text"
            raise ScenarioError(msg)
        table, _, rest = path.partition(".")
        self._table(table)
        keys = len(TABLES[table].keys)
        if isinstance(value, Mapping):
            key = tuple(rest.split(".", keys - 1))
            columns = dict(value)
        else:
            middle, _, column = rest.rpartition(".")
            key = tuple(middle.split(".", keys - 1))
            columns = {column: value}
            if len(key) == keys and all(key) and not _matching(key, self.tables[table], new=False):
                known = [".".join(k) for k in self.tables[table]]
                hint = nearest(middle, known)
                msg = f"replace: {on_one_line(path)}: {table} has no row {written(middle)}; {hint}"
                raise ScenarioError(msg)
        if len(key) != keys or not all(key):
            form = ".".join([table, *TABLES[table].keys, "column"])
            msg = f"replace: found the path {written(path)}, allowed is {form}"
            raise ScenarioError(msg)
        return table, key, columns

    def _table(self, name: object) -> Mapping[Key, Row]:
        if not isinstance(name, str) or name not in self.tables:
            msg = f"there is no table {written(name)}; {nearest(str(name), self.tables)}"
            raise ScenarioError(msg)
        return self.tables[name]


def _items(changes: object) -> list[tuple[object, Any]]:
    if not isinstance(changes, Mapping):
        msg = f"replace: found {written(changes)}, allowed is a mapping of paths to values"
        raise ScenarioError(msg)
    return list(changes.items())


def _path(table: str, key: Key) -> str:
    return on_one_line(".".join([table, *key]))


def _check_complete(
    spec: TableSpec, columns: Mapping[str, Any], where: str, rows: Mapping[Key, Row]
) -> None:
    """Refuse a new row that lacks required columns; often it is an old one, misspelt."""
    fields = spec.row.model_fields.items()
    missing = [name for name, field in fields if field.is_required() and name not in columns]
    if missing:
        hint = nearest(where.rpartition(": ")[2].partition(".")[2], [".".join(k) for k in rows])
        meant = f"; {hint}" if hint.startswith("did") else ""
        msg = f"{where}, column {', '.join(missing)}: required in a new row, but blank{meant}"
        raise ScenarioError(msg)


def _given(row: Row) -> dict[str, Any]:
    # model_dump writes cells in file notation, so the row is validated anew from text
    return {name: value for name, value in row.model_dump().items() if value is not None}


def _matching(pattern: Key, rows: Mapping[Key, Row], *, new: bool = True) -> list[Key]:
    if "*" not in pattern:
        return [pattern] if new or pattern in rows else []
    return [key for key in rows if all(p in ("*", k) for p, k in zip(pattern, key, strict=True))]


def _digest(rows: Mapping[Key, Row]) -> str:
    text = json.dumps([row.model_dump() for row in rows.values()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
