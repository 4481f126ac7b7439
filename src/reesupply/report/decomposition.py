"""What lies between two scenarios, in words and plain tables."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from reesupply.analysis.decompose.decomposition import CENTRAL, MEAN, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reesupply.analysis.decompose import Decomposition

#: How a reading is called in a sentence.
READINGS = {MEAN: "mean of the draws", CENTRAL: "each input at its median"}
_WIDTH = 98
#: Less than this is not printed as a tonne.
_NO_TONNE = 0.5


def decomposition_text(found: Decomposition, year: int | None = None) -> str:
    """
    Say what lies between the deficits of two scenarios, by assumption and by part of the balance.

    Parameters
    ----------
    found : Decomposition
        All sets of blocks, run.
    year : int, optional
        By default the last of the run.

    Returns
    -------
    str
        Plain text of at most 100 columns.
    """
    last = found.first.years[-1] if year is None else year
    parts = [
        "\n".join(_head(found)),
        "\n".join(wrap(sentence(found, last), _WIDTH)),
        "\n".join(wrap(accounts(found, last), _WIDTH)),
        _section("Which assumptions (t of deficit)", _assumptions(found, last)),
        _section("Through which part of the balance (t of deficit)", _through(found, last)),
        _section(f"Where the tonnes of {last} lie (t oxide/yr)", _where(found, last)),
    ]
    return "\n\n".join(parts) + "\n"


def sentence(found: Decomposition, year: int | None = None, reading: str | None = None) -> str:
    """
    Say in one sentence what lies between the two deficits, the largest block first.

    Parameters
    ----------
    found : Decomposition
        All sets of blocks, run.
    year : int, optional
        By default the last of the run.
    reading : {"mean", "central"}, optional
        As in `Decomposition.steps`.

    Returns
    -------
    str
    """
    last = found.first.years[-1] if year is None else year
    table = found.steps(year, reading=reading)
    one, other = found.names
    blocks: list[Any] = table.iloc[1:-1].reset_index().to_dict(orient="records")
    blocks.sort(key=lambda row: -abs(row["adds"]))
    listed = "; ".join(
        f"{row['adds']:+z,.0f} t from {row['step']}"
        + (f" ({row['least']:+z,.0f} to {row['most']:+z,.0f} by order)" if _wide(row) else "")
        for row in blocks
        if max(abs(row["least"]), abs(row["most"])) >= _NO_TONNE
    )
    first, second = float(table["adds"].iloc[0]), float(table["adds"].iloc[-1])
    kind = READINGS[found.readings[0] if reading is None else reading]
    return (
        f"The deficit of {last} is {first:z,.0f} t in {one} and {second:z,.0f} t in {other} "
        f"({kind}; a surplus is negative). Between them lie {second - first:+z,.0f} t: "
        f"{listed or 'nothing'}."
    )


def accounts(found: Decomposition, year: int | None = None, reading: str | None = None) -> str:
    """
    Say in one sentence where the tonnes between the two deficits lie, the largest part first.

    Parameters
    ----------
    found : Decomposition
        All sets of blocks, run.
    year : int, optional
        By default the last of the run.
    reading : {"mean", "central"}, optional
        As in `Decomposition.steps`.

    Returns
    -------
    str
    """
    rows: list[Any] = found.parts(year, reading=reading).reset_index().to_dict(orient="records")
    rows.sort(key=lambda row: -abs(row["adds"]))
    listed = "; ".join(
        f"{row['adds']:+z,.0f} t from {_label(row)}"
        for row in rows
        if abs(row["adds"]) >= _NO_TONNE
    )
    whole = sum(row["adds"] for row in rows)
    return f"In the books of the two these {whole:+z,.0f} t are: {listed or 'nothing'}."


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['part']}, {row['what']}" if row["what"] else str(row["part"])


def _wide(row: Mapping[str, Any]) -> bool:
    """Whether the order of switching matters by a tonne."""
    return bool(row["most"] - row["least"] >= 1.0)


def _head(found: Decomposition) -> list[str]:
    plans, (one, other) = (found.first, found.second), found.names
    heavy = "+".join(found.first.elements[i] for i in found.first.heavy)
    drawn = f"{found.draws:,} draws each, seed {found.entropy}" if found.draws else "nothing drawn"
    lines = [f"{heavy} balance: from {one} to {other}"]
    for name, plan in zip(found.names, plans, strict=True):
        lines += wrap(f"{name}: {plan.title}; scenario {plan.hash[:12]}", _WIDTH)
    lines += wrap(
        f"{1 << len(found.blocks)} runs, one for each set of {len(found.blocks)} blocks of "
        f"assumptions, {drawn}, data of {found.first.scenario.data_date}. "
        f"{found.standing[0].upper()}{found.standing[1:]}.",
        _WIDTH,
    )
    return lines


def _assumptions(found: Decomposition, year: int) -> list[str]:
    """Each block in the base year, in the year, between them, and by order of switching."""
    base = found.first.years[0]
    table: list[Any] = found.steps(year).reset_index().to_dict(orient="records")
    early = found.steps(base)["adds"].to_numpy()
    central = found.steps(year, reading=CENTRAL)["adds"].to_numpy()
    names = (str(base), str(year), "change", "least", "most", "at median")
    lines = [" " * 40 + "".join(f"{name:>9}" for name in names[:-1]) + f"{names[-1]:>11}"]
    for place, row in enumerate(table):
        block = 0 < place < len(table) - 1
        order = (row["least"], row["most"]) if block else ("", "")
        cells = (early[place], row["adds"], row["adds"] - early[place], *order)
        written = "".join(_cell(x, sign=block) for x in cells)
        lines.append(f"  {row['step']:<38}{written}{_cell(central[place], 11, sign=block)}")
    lines += wrap(
        "Of the two scenarios the deficit itself, of each block what it adds: the mean over all "
        "orders of switching, and the least and the most that it adds in any. Steps sum to the "
        f"difference. at median: the same for {year} in deterministic runs, each input at its "
        "median.",
        _WIDTH,
    )
    return lines


def _through(found: Decomposition, year: int) -> list[str]:
    """Each block by part of the balance."""
    table = found.steps(year)[list(PARTS)]
    names = ("demand", "captive", "other mines", "new scrap", "end of life")
    lines = [f"  {year:<38}" + "".join(f"{name:>12}" for name in names)]
    for name, row in zip(table.index, table.to_numpy(), strict=True):
        lines.append(f"  {name:<38}" + "".join(_cell(x, 12) for x in row))
    lines.append("Less supply counts as more deficit. captive: Chinese and captive mines.")
    return lines


def _where(found: Decomposition, year: int) -> list[str]:
    """Demand and supply of both, and what each adds."""
    names = [name if len(name) <= 14 else f"{name[:13]}." for name in found.names]
    lines = [" " * 44 + "".join(f"{name:>15}" for name in names) + f"{'adds':>12}"]
    rows: list[Any] = found.parts(year).reset_index().to_dict(orient="records")
    for row in rows:
        both = "".join(_cell(row[name], 15, sign=False) for name in found.names)
        lines.append(f"  {_label(row):<42}{both}{_cell(row['adds'], 12)}")
    lines += wrap(
        "adds: what the part adds to the deficit. A level of the base year is carried on by the "
        "growth since, so that a part's level and growth share its difference by the logarithmic "
        "mean, without a residual.",
        _WIDTH,
    )
    return lines


def _cell(value: float | str, width: int = 9, *, sign: bool = True) -> str:
    if isinstance(value, str):
        return " " * width
    return f"{value:>+z{width},.0f}" if sign else f"{value:>z{width},.0f}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])
