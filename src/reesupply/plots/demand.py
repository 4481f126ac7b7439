"""Demand by end use in two years, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.plots.columns import column, head, legend_below
from reesupply.plots.numbers import checked_element
from reesupply.plots.style import (
    DASH,
    FAINT,
    GRID,
    INK,
    SECTOR_REST,
    SECTORS,
    chart_style,
    check_top,
    headline,
    new_axes,
    plain,
    short,
    tonnes,
)
from reesupply.result import BANDS, weighted_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

DEMAND = "end_use.demand"
#: Colours of a sector, of the earlier and the later year.
SHADES = {
    "auto": (SECTORS["auto"][2], SECTORS["auto"][0]),
    "auto-other": (SECTORS["auto"][2], SECTORS["auto"][0]),
    "wind": (SECTORS["wind"][1], SECTORS["wind"][0]),
    "other": (SECTORS["other"][2], SECTORS["other"][0]),
}
REST = (SECTOR_REST, "#958966")
#: Half of the distance between the two years of a row, which has a height of 1.
APART = 0.19
COLOURS = "Orange: road vehicles; purple: wind; grey: all else{rest}."


@dataclass(frozen=True, slots=True)
class Row:
    """One end use: its quantiles, shape (year, level), and its shades."""

    name: str
    quantiles: FloatArray
    shades: tuple[str, str]


def draw(result: Result, year: int | None, element: str | None, top: int, ax: Axes | None) -> Axes:
    """Draw demand by end use; see `Plots.end_uses`."""
    element = checked_element(result, element)
    years = _years(result, year)
    rows, whole = _rows(result, element, years, check_top(top))
    with chart_style():
        ax = new_axes(ax, height=1.55 + 0.3 * max(len(rows), 2))
        for number in range(len(years)):
            _dots(ax, rows, number, alone=len(years) == 1)
        _axes(ax, rows)
        _columns(ax, rows, years)
        _legend(ax, years)
        rest = "; beige: smaller ones together" if rows and rows[-1].shades == REST else ""
        span = " and ".join(map(str, years))
        title = f"Gross demand for {element} oxide by end use, {span}"
        headline(ax, result, title, [_together(whole, years), COLOURS.format(rest=rest)])
    return ax


def _years(result: Result, year: int | None) -> tuple[int, ...]:
    """Return the base year and the year shown, which may be the same."""
    known = result.plan.years
    year = known[-1] if year is None else year
    if year not in known:
        msg = f"year: found {year!r}, allowed is {known[0]} to {known[-1]}"
        raise ReesupplyError(msg)
    return tuple(dict.fromkeys((known[0], year)))


def _rows(
    result: Result, element: str, years: Sequence[int], top: int
) -> tuple[list[Row], FloatArray]:
    """Return end uses by the median of the later year, the small ones together, and the sum."""
    draws = result.values(DEMAND)[:, :, [result.plan.years.index(year) for year in years]]
    if element == result.all_elements:
        draws = draws[:, list(result.plan.heavy)].sum(axis=1)
    else:
        draws = draws[:, result.plan.elements.index(element)]
    whole = _quantiles(result, draws.sum(axis=0))
    uses = result.plan.scenario.rows("end_uses")
    rows = [
        (Row(use.name, _quantiles(result, one), SHADES[use.sector]), one)
        for use, one in zip(uses, draws, strict=True)
        if one.any()
    ]
    rows.sort(key=lambda pair: -pair[0].quantiles[-1, BANDS.index(0.5)])
    if len(rows) == top + 1:  # a rest of one says less than its name
        top += 1
    shown, rest = [row for row, _ in rows[:top]], rows[top:]
    if rest:
        small = np.sum([one for _, one in rest], axis=0)
        name = f"Smaller end uses ({len(rest)})"
        shown.append(Row(name, _quantiles(result, small), REST))
    return shown, whole


def _quantiles(result: Result, draws: FloatArray) -> FloatArray:
    """Quantiles of (year, draw), shape (year, level)."""
    return np.stack([weighted_quantile(draws, q, result.weights) for q in BANDS], axis=-1)


def _dots(ax: Axes, rows: Sequence[Row], number: int, *, alone: bool) -> None:
    """Draw P5-P95 as a line, P25-P75 as a bar and the median as a dot, of one of the years."""
    shift = 0.0 if alone else (2 * number - 1) * APART
    shade = 1 if alone else number
    for place, row in enumerate(rows):
        low, lower, middle, upper, high = row.quantiles[number]
        if high <= 0.0:  # not sold yet
            continue
        colour, height = row.shades[shade], place + shift
        ax.hlines(height, low, high, color=colour, linewidth=1.5)
        ax.hlines(height, lower, upper, color=colour, linewidth=5.5)
        ax.plot(
            [middle],
            [height],
            "o",
            color="white",
            markeredgecolor=INK if shade else FAINT,
            markersize=4.2,
            zorder=5,
            clip_on=False,
        )


def _axes(ax: Axes, rows: Sequence[Row]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks(range(len(rows)), [short(row.name) for row in rows])
    ax.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    ax.set_ylim(len(rows) - 0.4, -1.0)
    ax.set_xlim(left=0.0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_xlabel("t oxide/yr", fontsize=8.5)
    ax.grid(axis="x", color=GRID, linewidth=0.6)
    for place in range(len(rows) - 1):
        ax.axhline(place + 0.5, color=GRID, linewidth=0.4, zorder=0)


def _columns(ax: Axes, rows: Sequence[Row], years: Sequence[int]) -> None:
    """Write the medians, and the range of the later year, at the right."""
    columns = [
        (f"P50 {year}", [tonnes(row.quantiles[number, 2]) for row in rows], INK)
        for number, year in enumerate(years)
    ]
    ranges = [
        f"{tonnes(row.quantiles[-1, 0])}{DASH}{tonnes(row.quantiles[-1, -1])}" for row in rows
    ]
    columns.append((f"P5{DASH}P95 {years[-1]}", ranges, FAINT))
    right = 0.0
    for (name, texts, colour), width in zip(columns, (*(46, 46)[: len(years)], 66), strict=True):
        right += width
        head(ax, name, right, "top")
        column(ax, range(len(rows)), texts, right, colour)


def _legend(ax: Axes, years: Sequence[int]) -> None:
    from matplotlib.lines import Line2D

    shades = SHADES["other"][-len(years) :]
    handles = [
        Line2D([], [], color=shade, linewidth=5.5, label=str(year))
        for shade, year in zip(shades, years, strict=True)
    ]
    handles += [
        Line2D([], [], color="white", marker="o", markeredgecolor=INK, markersize=4.2),
        Line2D([], [], color=INK, linewidth=5.5),
        Line2D([], [], color=INK, linewidth=1.5),
    ]
    names = [*map(str, years), "P50", f"P25{DASH}P75", f"P5{DASH}P95"]
    legend_below(ax, len(names), handles, names)


def _together(whole: FloatArray, years: Sequence[int]) -> str:
    """Say what all end uses together need."""
    texts = [
        f"{tonnes(row[2])} t in {year} ({tonnes(row[0])}{DASH}{tonnes(row[-1])})"
        for row, year in zip(whole, years, strict=True)
    ]
    return f"All end uses together, median and P5{DASH}P95: {', '.join(texts)}."
