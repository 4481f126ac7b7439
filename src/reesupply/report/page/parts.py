"""What a section is made of: words, tables and figures, without a word of HTML."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

MINUS = "\N{MINUS SIGN}"
#: What stands for a number that is not known.
UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; a `note` is set smaller, below what it explains."""

    text: str
    note: bool = False
    kind: str = field(default="words", init=False)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section: identifier and words."""

    name: str
    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]
    kind: str = field(default="points", init=False)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that stands out, with what it is and what to compare it with."""

    label: str
    value: str
    about: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """Numbers that stand out, side by side."""

    items: tuple[Tile, ...]
    kind: str = field(default="tiles", init=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """
    A chart.

    Attributes
    ----------
    name : str
        Its identifier on the page.
    svg : bytes
        The chart.
    alt : str
        What it shows, for those who do not see it.
    caption : str
        What to look at.
    narrow : bytes
        The same chart for a narrow screen; where there is none, the chart scrolls there.
    """

    name: str
    svg: bytes
    alt: str
    caption: str
    narrow: bytes = b""
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a table.

    Attributes
    ----------
    label : str
        Its header.
    write : function or None
        Writes a number; None leaves text as it is.
    bar : bool
        Whether a number, a share from 0 to 1, has a bar behind it.
    link : str
        Column of the frame with the address that the text leads to.
    detail : str
        Column of the frame with what is set small below the text.
    """

    label: str
    write: Callable[[float], str] | None = None
    bar: bool = False
    link: str = ""
    detail: str = ""

    @property
    def numeric(self) -> bool:
        """Whether it has numbers, which stand at the right."""
        return self.write is not None


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, what its column is sorted by, and what comes with the text."""

    text: str
    key: str
    bar: float | None = None
    link: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of cells; one that is `marked` stands out."""

    cells: tuple[Cell, ...]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table with a caption, whose first column names its rows.

    Attributes
    ----------
    name : str
        Its identifier on the page.
    caption : str
        What it is.
    columns : tuple of Column
        From the left.
    rows : tuple of Row
        From the top.
    folded : str
        If given, the table is folded away under these words, for a reader who looks it up.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    folded: str = ""
    kind: str = field(default="table", init=False)


Part = Heading | Words | Points | Tiles | Figure | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page: identifier, title, and what is in it from the top."""

    name: str
    title: str
    parts: tuple[Part, ...]


def table(
    name: str,
    caption: str,
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    *,
    marked: Sequence[bool] | None = None,
    folded: str = "",
) -> Table:
    """
    Make a table of a frame.

    Parameters
    ----------
    name, caption, folded
        See `Table`.
    frame : pandas.DataFrame
        Its index counts as columns.
    columns : mapping of str to Column
        What is shown, by the name of the frame's column.
    marked : sequence of bool, optional
        Which rows stand out.

    Returns
    -------
    Table
    """
    records = frame.reset_index().to_dict(orient="records")
    stands_out = [False] * len(records) if marked is None else [bool(each) for each in marked]
    rows = tuple(
        Row(tuple(_cell(record, source, column) for source, column in columns.items()), mark)
        for record, mark in zip(records, stands_out, strict=True)
    )
    return Table(name, caption, tuple(columns.values()), rows, folded)


def _cell(record: dict[Any, Any], source: str, column: Column) -> Cell:
    value = record[source]
    if column.write is None:
        text = str(value)
        link, detail = (str(record[c]) if c else "" for c in (column.link, column.detail))
        return Cell(text, text, link=link, detail=detail)
    number = float(value)
    if math.isnan(number):
        return Cell(UNKNOWN, "")
    bar = min(max(number, 0.0), 1.0) if column.bar else None
    # twelve digits: what another order of adding up would change is not shown
    return Cell(column.write(number), f"{number:.12g}", bar)


def fixed(digits: int, *, sign: bool = False, unit: str = "") -> Callable[[float], str]:
    """
    Return a function that writes numbers with so many digits after the point.

    Parameters
    ----------
    digits : int
        After the point.
    sign : bool
        Write a plus too.
    unit : str
        Written behind the number.

    Returns
    -------
    function
        With thousands separators and a true minus sign.
    """
    form = f"{'+' if sign else ''}z,.{digits}f"
    return lambda value: format(value, form).replace("-", MINUS) + unit


def percent(digits: int) -> Callable[[float], str]:
    """Return a function that writes shares in percent with so many digits after the point."""
    write = fixed(digits)
    return lambda value: f"{write(100.0 * value)} %"


tonnes = fixed(0)


def amount(value: float, unit: str) -> str:
    """Write the value of a claim: tonnes whole, a share in percent."""
    return percent(1)(value) if unit == "1" else tonnes(value)
