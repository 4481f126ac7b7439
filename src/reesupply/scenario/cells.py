"""
Types of the cells of a table.

A cell that may be uncertain holds a number or a distribution. Its bounds are checked on the
values it can practically take, from one draw in 10^9 to the other, so that ``normal(5, 3)`` is
refused for a tonnage and ``normal(500, 30)`` is not.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from reesupply.distributions import Distribution, parse
from reesupply.distributions.base import written

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue

#: Chance on each side that is left out when the range of a cell is checked.
TAIL = 1e-9

Value = float | Distribution

ID_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"
_ID = re.compile(ID_PATTERN[1:-1])


def practical_range(value: Value) -> tuple[float, float]:
    """
    Lowest and highest value that a cell takes, save for one draw in 10^9 on each side.

    Parameters
    ----------
    value : float or Distribution
        A parsed cell.

    Returns
    -------
    tuple of float
        Low and high, in the unit of the cell.
    """
    if not isinstance(value, Distribution):
        return value, value
    low, high = value.ppf([TAIL, 1.0 - TAIL])
    return float(low), float(high)


def notation(value: Value) -> float | str:
    """Write a cell as it stands in a file: a number, or the text of a distribution."""
    return str(value) if isinstance(value, Distribution) else value


@dataclass(frozen=True)
class Bounded:
    """A number or distribution between `low` and `high`, which `words` say to a reader."""

    low: float
    high: float
    words: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(notation)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "description": f"number or distribution, {self.words}",
            "anyOf": [
                {"type": "number", "minimum": self.low, "maximum": self.high},
                {"type": "string"},
            ],
        }

    def _read(self, text: Any) -> Value:
        value = parse(text)
        low, high = practical_range(value)
        # written so that NaN fails
        if not (self.low <= low and high <= self.high):
            found = f"{value} ({low:.4g} to {high:.4g})" if low != high else f"{value:g}"
            msg = f"found {found}, allowed is {self.words}"
            raise ValueError(msg)
        return value


#: Any finite number.
Number = Annotated[Value, Bounded(-1e12, 1e12, "a finite number up to 1e12")]
#: Tonnes of oxide, or tonnes per year.
Tonnes = Annotated[Value, Bounded(0.0, 1e6, "0 to 1,000,000 t")]
#: A share or probability.
Share = Annotated[Value, Bounded(0.0, 1.0, "a share from 0 to 1")]
#: A calendar date as decimal year.
Date = Annotated[Value, Bounded(1900.0, 2200.0, "a decimal year from 1900 to 2200")]
#: A duration in years or months.
Duration = Annotated[Value, Bounded(0.0, 1000.0, "0 to 1,000")]
#: A life in years; something that divides by it stays finite.
Life = Annotated[Value, Bounded(0.1, 1000.0, "0.1 to 1,000 years")]
#: Shape of a Weibull lifetime.
Shape = Annotated[Value, Bounded(0.2, 50.0, "0.2 to 50")]
#: Standard deviation of yearly growth, in logarithms or log odds.
Volatility = Annotated[Value, Bounded(0.0, 2.0, "0 to 2")]
#: How far a knob is turned, in standard deviations.
Shift = Annotated[Value, Bounded(-6.0, 6.0, "-6 to 6 standard deviations")]
#: A quantity that cannot be negative.
NonNegative = Annotated[Value, Bounded(0.0, 1e12, "0 to 1e12")]


def _check_id(value: str) -> str:
    if not _ID.fullmatch(value):
        msg = f"found {value!r}, allowed is an id of [a-z0-9-]+ such as 'browns-range'"
        raise ValueError(msg)
    return value


Id = Annotated[
    str,
    AfterValidator(_check_id),
    WithJsonSchema({"type": "string", "pattern": ID_PATTERN}),
]


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    if isinstance(value, Set):  # its order, and with it a result, would differ from run to run
        msg = f"found {written(value)}; allowed is a list of texts, whose order counts"
        raise ValueError(msg)
    return value


#: Several ids, joined by ";" in a table or given as a list in TOML.
Ids = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    PlainSerializer(";".join),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]


def _flag(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
