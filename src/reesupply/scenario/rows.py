"""Read one row of a table; what is wrong is said in one sentence with its place."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reesupply.distributions.base import written
from reesupply.errors import ScenarioError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reesupply.scenario.tables import Row, TableSpec

_QUOTED = re.compile(r"'([^']*)'")


def on_one_line(name: object) -> str:
    """
    Write a name that a file gives so that it cannot break the sentence of an error.

    Parameters
    ----------
    name : object
        A key, a column or a path, whatever characters it has.

    Returns
    -------
    str
        Unprintable characters as escapes, and at most 80 characters.
    """
    text = str(name)[:81]
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return line if len(line) <= 80 else f"{line[:77]}..."


def read_row(
    spec: TableSpec, columns: Mapping[str, Any], where: str, more: Collection[str] = ()
) -> Row:
    """
    Validate the columns of one row.

    Parameters
    ----------
    spec : TableSpec
        The table.
    columns : mapping
        Column name to text, number or flag; blank means not given.
    where : str
        Place that an error names, for example ``"projects.csv row 12 (browns-range)"``.
    more : collection of str
        Columns that the table takes beside those of its model: the elements of the balance.

    Returns
    -------
    Row

    Raises
    ------
    ScenarioError
        With the place, what was found and what is allowed.
    """
    known = {*spec.row.model_fields, *more}
    for name in columns:
        if name not in known:
            hint = nearest(str(name), sorted(known))
            msg = f"{where}, column {on_one_line(name)}: no such column; {hint}"
            raise ScenarioError(msg)
        field = spec.row.model_fields.get(name)
        if isinstance(columns[name], bool) and (field is None or field.annotation is not bool):
            msg = f"{where}, column {name}: found {columns[name]}; only a flag is true or false"
            raise ScenarioError(msg)
    # a date of TOML is the text that a table has
    plain = {n: v.isoformat() if isinstance(v, date) else v for n, v in columns.items()}
    given = {name: value for name, value in plain.items() if not _is_blank(value)}
    try:
        return spec.row.model_validate(given)
    except ValidationError as error:
        raise ScenarioError(_sentence(error, where)) from None
    except RecursionError:
        msg = f"{where}: found a thousand levels of nesting, allowed is one cell in each column"
        raise ScenarioError(msg) from None


def _is_blank(value: object) -> bool:
    # only a text is compared: an array or pandas.NA compared with "" has no truth value
    return value is None or (isinstance(value, str) and value == "")


def _sentence(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    column = first["loc"][0] if first["loc"] else "row"
    found = first.get("input")
    match first["type"]:
        case "missing":
            text = "required, but blank"
        case "literal_error":
            names = _QUOTED.findall(first["ctx"]["expected"])
            hint = nearest(str(found), names)
            text = f"found {written(found)}; {hint}"
            if hint.startswith("did"):
                text += f" (allowed: {', '.join(names)})"
        case "value_error":
            text = str(first["ctx"]["error"])
        case "tuple_type":
            text = f"found {written(found)}; allowed is a list of texts, or one joined by ';'"
        case _:
            rule = first["msg"].replace("Input should be", "allowed is").partition(", unable")[0]
            text = f"found {written(found)}; {rule[0].lower()}{rule[1:]}"
    return f"{where}, column {column}: {text}"
