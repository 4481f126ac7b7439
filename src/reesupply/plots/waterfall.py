"""Gross demand of the base year to that of the last, cause by cause."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reesupply.analysis.bridge import ALL_USES, STEPS, demand_bridge
from reesupply.plots.numbers import checked_element
from reesupply.plots.style import (
    DASH,
    FAINT,
    FAN,
    GRID,
    INK,
    KEY,
    MINUS,
    RECYCLED,
    SECTORS,
    chart_style,
    headline,
    new_axes,
    plain,
    short,
    tonnes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from reesupply.result import Result

MORE, LESS = SECTORS["auto"][1], RECYCLED[1]
NAMES = {
    "volume": ("Volume", "units made"),
    "mass_per_unit": ("Mass per unit", "magnets, motor share"),
    "element_fraction": ("Element fraction", "oxide per magnet"),
    "yield": ("Yield", "of magnet making"),
}
#: So many end uses are named below a bar, in lines of so many letters.
NAMED, LETTERS = 3, 20
NOTES = (
    "Bars are means, which add up; whiskers are P5 and P95 of each step alone, which do not.",
    "Orange adds demand, green takes it away. Listed: the largest parts by end use, in means.",
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it starts, its mean, and what its whisker spans, from where it starts."""

    name: str
    about: str
    start: float
    mean: float
    low: float
    high: float
    uses: tuple[tuple[str, float], ...]
    whole: bool

    @property
    def top(self) -> float:
        """Highest point of bar and whisker."""
        return self.start + max(self.mean, self.high, 0.0)

    @property
    def end(self) -> float:
        """Level that the next bar starts from."""
        return self.start + self.mean


def draw(result: Result, element: str | None, ax: Axes | None) -> Axes:
    """Draw the waterfall of demand; see `Plots.waterfall`."""
    element = checked_element(result, element)
    years = result.plan.years
    bars = _bars(result, demand_bridge(result, element=element))
    with chart_style():
        ax = new_axes(ax, height=5.6)
        _columns(ax, bars)
        _axes(ax, bars)
        for place, bar in enumerate(bars):
            _values(ax, place, bar)
            _below(ax, place, bar)
        title = f"World gross demand for {element} oxide, {years[0]} to {years[-1]}, by cause"
        headline(ax, result, title, NOTES)
    return ax


def _bars(result: Result, table: pd.DataFrame) -> list[Bar]:
    years = result.plan.years
    titles = {
        "before": (f"Demand {years[0]}", "base year"),
        **NAMES,
        "after": (f"Demand {years[-1]}", "last year"),
    }
    names = {row.id: short(row.name) for row in result.plan.scenario.rows("end_uses")}
    columns = [table[column].to_dict() for column in ("mean", "P5", "P95")]
    bars: list[Bar] = []
    for step in STEPS:
        mean, low, high = (float(column[ALL_USES, step]) for column in columns)
        by_use = [(name, float(columns[0][use, step])) for use, name in names.items()]
        by_use.sort(key=lambda pair: -abs(pair[1]))
        uses = tuple(pair for pair in by_use[:NAMED] if abs(pair[1]) >= 0.5)
        whole = step in ("before", "after")
        start = 0.0 if whole else bars[-1].end
        bars.append(Bar(*titles[step], start, mean, low, high, uses, whole))
    return bars


def _columns(ax: Axes, bars: Sequence[Bar]) -> None:
    """Draw the bars, their whiskers, and the levels that join them."""
    for place, bar in enumerate(bars):
        colour = FAN[1] if bar.whole else (MORE if bar.mean > 0.0 else LESS)
        ax.bar(place, bar.mean, bottom=bar.start, width=0.62, color=colour, label=bar.name)
    places = list(range(len(bars)))
    middle = [bar.end for bar in bars]
    ax.errorbar(
        places,
        middle,
        yerr=[
            [bar.mean - bar.low for bar in bars],
            [bar.high - bar.mean for bar in bars],
        ],
        fmt="none",
        ecolor=INK,
        elinewidth=1.0,
        capsize=3.0,
        label=f"P5{DASH}P95",
    )
    for place, level in zip(places[:-1], middle, strict=False):
        ax.hlines(level, place + 0.31, place + 0.69, color=FAINT, linewidth=0.8)


def _axes(ax: Axes, bars: Sequence[Bar]) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.set_xticks([])
    ax.set_xlim(-0.5, len(bars) - 0.5)
    lowest = min(0.0, *(bar.start + min(bar.low, bar.mean) for bar in bars))
    highest = max(bar.top for bar in bars)
    ax.set_ylim(1.1 * lowest, 1.12 * highest)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_ylabel("t oxide/yr", fontsize=8.5)
    ax.grid(axis="y", color=GRID, linewidth=0.6)


def _values(ax: Axes, place: int, bar: Bar) -> None:
    """Write the mean and the range above bar and whisker."""
    write = tonnes if bar.whole else signed
    for text, up, size, colour, weight in (
        (write(bar.mean), 13.0, 9.0, INK, "bold"),
        (f"{write(bar.low)} to {write(bar.high)}", 4.0, KEY, FAINT, "normal"),
    ):
        ax.annotate(
            text,
            xy=(place, bar.top),
            xytext=(0.0, up),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=size,
            color=colour,
            fontweight=weight,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0},
            annotation_clip=False,
        )


def _below(ax: Axes, place: int, bar: Bar) -> None:
    """Write below a bar what it is, and which end uses contribute most."""
    write = tonnes if bar.whole else signed
    lines = [
        line
        for name, value in bar.uses
        for line in textwrap.wrap(
            f"{write(value)} {name}", LETTERS, subsequent_indent="  ", break_on_hyphens=False
        )
    ]
    for text, down, size, colour, weight in (
        (bar.name, 14.0, 8.5, INK, "bold"),
        (bar.about, 25.0, KEY, FAINT, "normal"),
        ("\n".join(lines), 34.0, KEY, INK, "normal"),
    ):
        is_list = size == KEY and colour == INK
        ax.annotate(
            text,
            xy=(place - 0.45 if is_list else place, 0.0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(0.0, -down),
            textcoords="offset points",
            ha="left" if is_list else "center",
            va="top" if is_list else "baseline",
            fontsize=size,
            color=colour,
            fontweight=weight,
            linespacing=1.3,
            parse_math=False,
            annotation_clip=False,
        )


def signed(value: float) -> str:
    """Write whole tonnes with their sign."""
    text = tonnes(value)
    return text if text.startswith(MINUS) or text == "0" else f"+{text}"
