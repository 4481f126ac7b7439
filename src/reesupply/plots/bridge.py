"""From one balance to another, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.plots.columns import column
from reesupply.plots.style import (
    FAINT,
    FAN,
    GRID,
    INK,
    RECYCLED,
    SECTORS,
    SMALL,
    chart_style,
    headline,
    new_axes,
    plain,
    tonnes,
)
from reesupply.plots.waterfall import signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from reesupply.result import Result

# beside hue, the sign at the right tells them apart
BETTER, WORSE = RECYCLED[1], SECTORS["auto"][1]


def draw(
    result: Result, table: pd.DataFrame, title: str, notes: Sequence[str], ax: Axes | None = None
) -> Axes:
    """
    Draw a table of steps as a waterfall that goes down the page.

    Parameters
    ----------
    result : Result
        Named below the title.
    table : pandas.DataFrame
        Index step; change, and the running total after it. The first and last row are levels, as
        in `reesupply.analysis.tables.bridge`; t oxide/yr.
    title : str
        One short line.
    notes : sequence of str
        Further sentences.
    ax : Axes, optional
        Where to draw; by default on a new figure, as tall as its rows need.

    Returns
    -------
    Axes
        One row per step; the values stand at the right.
    """
    names = [str(name) for name in table.index]
    change, running = (list(table[name].astype(float)) for name in ("change", "running"))
    whole = [number in (0, len(names) - 1) for number in range(len(names))]
    start = [0.0 if w else r - c for w, r, c in zip(whole, running, change, strict=True)]
    colours = [
        FAN[1] if w else (BETTER if c > 0.0 else WORSE) for w, c in zip(whole, change, strict=True)
    ]
    places = [-float(number) for number in range(len(names))]
    with chart_style():
        ax = new_axes(ax, height=1.5 + 0.28 * len(names))
        ax.barh(places, change, left=start, height=0.66, color=colours)
        for place, level in zip(places[:-1], running, strict=False):
            ax.plot([level, level], [place - 0.33, place - 0.67], color=FAINT, linewidth=0.8)
        _axes(ax, names, places, running)
        texts = [tonnes(c) if w else signed(c) for w, c in zip(whole, change, strict=True)]
        column(ax, places, texts, 42, INK)
        headline(ax, result, title, notes)
    return ax


def _axes(
    ax: Axes, names: Sequence[str], places: Sequence[float], running: Sequence[float]
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.axvline(0.0, color=INK, linewidth=0.9)
    ax.set_yticks(list(places), list(names))
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(places[-1] - 0.6, 0.6)
    low, high = min(0.0, *running), max(0.0, *running)
    room = 0.04 * (high - low or 1.0)
    ax.set_xlim(low - room, high + room)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_xlabel("t oxide/yr", fontsize=8.5)
    ax.grid(axis="x", color=GRID, linewidth=0.6)
