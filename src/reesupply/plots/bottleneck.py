"""Feed against separation capacity outside China."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reesupply.analysis.bottleneck import BAND, bottleneck, flows
from reesupply.plots.style import (
    DASH,
    INK,
    KEY,
    OUTSIDE,
    SECTORS,
    breadth,
    chart_style,
    headline,
    key,
    new_axes,
    year_axis,
)
from reesupply.result import weighted_quantile

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

FEED = (OUTSIDE[1], OUTSIDE[0])  # band and line
CAPACITY = (SECTORS["auto"][1], SECTORS["auto"][0])
#: The strip below the years: its top and the height of a row, points below the Axes.
STRIP, HEIGHT = -24.0, 13.0
#: Years that have room for a cell in a figure of the usual width.
CELLS = 13
ROWS = (
    ("P(feed)", "P(feed limits)", FEED[1]),
    ("P(separation)", "P(separation limits)", CAPACITY[1]),
)


def draw(result: Result, ax: Axes | None) -> Axes:
    """Draw feed against capacity; see `Plots.bottleneck`."""
    years = result.plan.years
    found = flows(result)
    table = bottleneck(result)
    series = {"capacity": found.capacity, "feed on offer": found.offered}
    bands = {
        name: [weighted_quantile(draws, q, result.weights) for q in BAND]
        for name, draws in series.items()
    }
    processed = weighted_quantile(found.processed, 0.5, result.weights)
    with chart_style():
        ax = new_axes(ax)
        lines = _bands(ax, years, bands)
        (middle,) = ax.plot(
            years,
            processed,
            color=INK,
            linestyle="none",
            marker="o",
            markersize=3.6,
            clip_on=False,
            label="processed, median",
            zorder=5,
        )
        year_axis(ax, years, "t oxide/yr in concentrate")
        ax.set_ylim(bottom=0.0)
        _strip(ax, table)
        names = [str(line.get_label()) for line in (*lines, middle)]
        values = [*(edge[-1] for band in bands.values() for edge in band[::-1]), processed[-1]]
        key(ax, [*lines, middle], names, [float(v) for v in values], f"t in {years[-1]}")
        title = f"Feed and separation capacity outside China, {years[0]}{DASH}{years[-1]}"
        notes = [
            f"{result.all_elements} oxide in concentrate. Capacity: as far as ramped up. "
            "Feed on offer: mined, and left from before.",
            "Feed limits: capacity is idle, no concentrate is left over. "
            "Separation limits: the reverse.",
        ]
        headline(ax, result, title, notes)
    return ax


def _bands(ax: Axes, years: tuple[int, ...], bands: dict[str, list[FloatArray]]) -> list[Artist]:
    """Draw P10, median and P90 of each; return the lines as the key lists them, P90 first."""
    found: list[Artist] = []
    for (name, edges), (shade, colour) in zip(bands.items(), (CAPACITY, FEED), strict=True):
        low, middle, high = edges
        ax.fill_between(years, low, high, color=shade, alpha=0.22, linewidth=0)
        for edge, label in ((high, "P90"), (middle, "median"), (low, "P10")):
            is_median = label == "median"
            found += ax.plot(
                years,
                edge,
                color=colour,
                linewidth=2.0 if is_median else 0.9,
                linestyle="-" if is_median else (0, (4, 2)),
                label=f"{name}, {label}",
            )
    return found


def _strip(ax: Axes, table: pd.DataFrame) -> None:
    """
    Write below the years how probable it is that feed, and that separation, limits.

    Of a long run there is room for every second, third... year, counted from the last.
    """
    step = math.ceil(len(table) / max(1, round(CELLS * breadth(ax))))
    if step > 1:
        table = table.iloc[(len(table) - 1) % step :: step]
        ax.set_xticks(table.index)
    for number, (column, name, colour) in enumerate(ROWS):
        height = STRIP - number * HEIGHT
        ax.annotate(
            name,
            xy=(0.0, 0.0),
            xycoords=ax.transAxes,
            xytext=(-14.0, height),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=KEY,
            color=colour,
            annotation_clip=False,
        )
        for year, chance, nothing in zip(
            table.index, table[column], table["P(neither)"], strict=True
        ):
            text = DASH if nothing == 1.0 else f"{100.0 * chance:.0f} %"
            _cell(ax, float(year), text, height, colour, 0.55 * float(chance))


def _cell(ax: Axes, year: float, text: str, height: float, colour: str, shade: float) -> None:
    from matplotlib.colors import to_rgba

    ax.annotate(
        text,
        xy=(year, 0.0),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0.0, height),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=KEY,
        color=INK,
        annotation_clip=False,
        bbox={
            "boxstyle": "square,pad=0.25",
            "facecolor": to_rgba(colour, shade),
            "linewidth": 0,
        },
    )
