"""Read one row of a table; what is wrong is said in one sentence with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from reesupply.errors import ScenarioError, nearest
from reesupply.scenario.tables import Row, TableSpec

_QUOTED = re.compile(r"'([^']*)'")


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
            msg = f"{where}, column {name}: no such column; {nearest(str(name), sorted(known))}"
            raise ScenarioError(msg)
    given = {name: value for name, value in columns.items() if value is not None and value != ""}
    try:
        return spec.row.model_validate(given)
    except ValidationError as error:
        raise ScenarioError(_sentence(error, where)) from None


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
            text = f"found {found!r}; {hint}"
            if hint.startswith("did"):
                text += f" (allowed: {', '.join(names)})"
        case "value_error":
            text = str(first["ctx"]["error"])
        case _:
            text = f"found {found!r}; {first['msg'][0].lower()}{first['msg'][1:]}"
    return f"{where}, column {column}: {text}"
