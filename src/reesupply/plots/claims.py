"""Published claims against the forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reesupply.errors import ReesupplyError, nearest
from reesupply.plots.columns import column, head, legend_below
from reesupply.plots.style import (
    DASH,
    FAN,
    GRID,
    INK,
    PUBLISHED,
    PUBLISHED_TEXT,
    SMALL,
    chart_style,
    headline,
    new_axes,
    plain,
    tonnes,
)
from reesupply.result import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from reesupply.result import Result

SHARE = "1"


@dataclass(frozen=True, slots=True)
class Reading:
    """One row: a claim in one reading, with the forecast of it."""

    header: str
    label: str
    preferred: bool
    published: float
    low: float
    middle: float
    high: float


def draw(result: Result, unit: str, ax: Axes | None) -> Axes:
    """Draw the claims of one unit; see `Plots.claims`."""
    readings = _readings(result, unit)
    places, headers = _places(readings)
    with chart_style():
        rows = len(places) + len(headers)
        ax = new_axes(ax, height=max(2.4, 1.35 + 0.18 * rows))
        _intervals(ax, readings, places)
        _axes(ax, readings, places, unit)
        for text, place in headers:
            ax.annotate(
                text,
                xy=(0.0, place),
                xycoords=ax.get_yaxis_transform(),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL,
                fontweight="bold",
                parse_math=False,
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0},
            )
        _columns(ax, readings, places, unit)
        legend_below(ax, 4)
        kind = "shares" if unit == SHARE else unit
        notes = ["Each claim in every reading of its words."]
        if any(row.label and row.low < 0 for row in readings):
            notes = [f"{notes[0]} A negative deficit is a surplus."]
        headline(ax, result, f"Published claims against the forecast, {kind}", notes)
    return ax


def _readings(result: Result, unit: str) -> list[Reading]:
    units = list(dict.fromkeys(claim.unit for claim in result.plan.claims))
    if unit not in units:
        msg = f"unit: found {unit!r}; {nearest(str(unit), units)}"
        raise ReesupplyError(msg)
    rows = {f"{row.claim}.{row.reading}": row for row in result.plan.scenario.rows("targets")}
    found = []
    for claim in result.plan.claims:
        if claim.unit != unit:
            continue
        row = rows[claim.name]
        header, label = _texts(result.plan.years[claim.year], row)
        low, middle, high = (float(result.quantile(claim.name, q)) for q in LEVELS)
        found.append(Reading(header, label, row.preferred, row.value, low, middle, high))
    return found


def _texts(year: int, row: Any) -> tuple[str, str]:
    """Return the claim in words, with its year, and the reading."""
    words = f"{row.publisher}, {row.published}: {row.title}"
    if str(year) not in row.title:
        words = f"{words}, {year}"
    return words, row.reading.replace("-", " ").replace("china", "China")


def _places(readings: Sequence[Reading]) -> tuple[list[int], list[tuple[str, int]]]:
    """Return the height of every reading, and every header with its height; the first is 0."""
    places: list[int] = []
    headers: list[tuple[str, int]] = []
    line = 0
    for reading in readings:
        if not headers or headers[-1][0] != reading.header:
            headers.append((reading.header, line))
            line -= 1
        places.append(line)
        line -= 1
    return places, headers


def _intervals(ax: Axes, readings: Sequence[Reading], places: Sequence[int]) -> None:
    for preferred, colour, label in (
        (True, FAN[2], f"P5{DASH}P95, preferred reading"),
        (False, FAN[1], f"P5{DASH}P95, other reading"),
    ):
        rows = [(r, y) for r, y in zip(readings, places, strict=True) if r.preferred is preferred]
        if rows:
            ax.hlines(
                [y for _, y in rows],
                [r.low for r, _ in rows],
                [r.high for r, _ in rows],
                color=colour,
                linewidth=4.0,
                label=label,
            )
    ax.plot(
        [row.middle for row in readings],
        places,
        "o",
        color="white",
        markeredgecolor=INK,
        markersize=5,
        zorder=5,
        label="P50",
    )
    ax.plot(
        [row.published for row in readings],
        places,
        "D",
        color=PUBLISHED,
        markersize=5.8,
        zorder=4,
        label="published",
    )


def _axes(ax: Axes, readings: Sequence[Reading], places: Sequence[int], unit: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks(list(places), [row.label for row in readings])
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.set_ylim(min(places) - 0.8, 0.7)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8))
    write = _percent if unit == SHARE else plain
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    ax.set_xlabel("share" if unit == SHARE else unit, fontsize=8.5)
    ax.grid(axis="x", color=GRID, linewidth=0.6)
    if ax.get_xlim()[0] < 0.0:
        ax.axvline(0.0, color=INK, linewidth=0.9, zorder=1)


def _columns(
    ax: Axes,
    readings: Sequence[Reading],
    places: Sequence[int],
    unit: str,
) -> None:
    """Write the published value and the median of every row at the right."""
    share = unit == SHARE
    given = [_percent(r.published) if share else tonnes(r.published) for r in readings]
    found = [f"{100.0 * r.middle:.1f} %" if share else tonnes(r.middle) for r in readings]
    columns = (("published", given, 52, PUBLISHED_TEXT), ("P50", found, 94, INK))
    for name, texts, offset, colour in columns:
        head(ax, name, offset, "bottom")
        column(ax, places, texts, offset, colour)


def _percent(value: float) -> str:
    return f"{plain(round(100.0 * value, 1))} %"
