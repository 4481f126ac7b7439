"""When projects start: the owner's date against the forecast of first feed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reesupply.engine.pipeline import decimal_year
from reesupply.errors import ReesupplyError, nearest
from reesupply.plots.columns import column, legend_below
from reesupply.plots.style import (
    DASH,
    FAINT,
    GRID,
    INK,
    KEY,
    OUTSIDE,
    PUBLISHED,
    SMALL,
    chart_style,
    check_top,
    headline,
    new_axes,
    plain,
    short,
    tonnes,
)
from reesupply.result import weighted_quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from reesupply.distributions import Distribution
    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

GROUPS = {
    "mine": "Mines, t oxide/yr in concentrate",
    "refinery": "Refineries, t separated oxide/yr",
    "recycler": "Recyclers, t oxide/yr",
}
LEVELS = (0.1, 0.5, 0.9)
RUNNING = ("operating", "certain")
#: Columns beside the Axes, points: left edge of the first, right edges of the others.
STATUS, CHANCE, NAMEPLATE = 7.0, 93.0, 128.0


@dataclass(frozen=True, slots=True)
class Row:
    """One project, with the forecast of its first feed given that it comes by the last year."""

    kind: str
    name: str
    status: str
    route: str
    announced: float
    chance: float
    nameplate: float
    first: tuple[float, float, float] | None

    @property
    def expected(self) -> float:
        """Nameplate that is expected to operate."""
        return self.nameplate * self.chance if self.chance > 0.0 else 0.0

    @property
    def runs(self) -> bool:
        """Whether it runs, or is certain to on its date."""
        return self.route in RUNNING


def draw(result: Result, kinds: Sequence[str], top: int, ax: Axes | None) -> Axes:
    """Draw the pipeline; see `Plots.pipeline`."""
    chosen = _checked_kinds(kinds)
    rows = _shown(_rows(result, chosen), check_top(top))
    places, headers = _places(rows)
    last = result.plan.years[-1]
    with chart_style():
        ax = new_axes(ax, height=max(2.6, 1.5 + 0.165 * (len(rows) + len(headers))))
        _intervals(ax, rows, places)
        _axes(ax, result, rows, places)
        _headers(ax, headers)
        _columns(ax, rows, places, last)
        legend_below(ax, 3)
        notes = [
            f"Bars: first feed given that it comes by the end of {last}.",
            f"At the right: status, probability of operating by the end of {last}, nameplate.",
        ]
        headline(ax, result, "First feed of projects outside China", notes)
    return ax


def _checked_kinds(kinds: Any) -> tuple[str, ...]:
    found = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in found:
        if kind not in GROUPS:
            msg = f"kinds: found {kind!r}; {nearest(str(kind), GROUPS)}"
            raise ReesupplyError(msg)
    return tuple(dict.fromkeys(found))


def _rows(result: Result, kinds: tuple[str, ...]) -> list[Row]:
    """Return projects outside China, group by group, by the owner's date."""
    first = result._draws("first_feed")
    routes = {row.id: row.route for row in result.plan.scenario.rows("stages")}
    leaders = {row.id: row for row in result.plan.scenario.rows("projects")}
    names = result.plan.projects
    found = []
    for row in leaders.values():
        if row.bloc == "china" or row.part_of is not None or row.kind not in kinds:
            continue
        leader = row
        while leader.decided_with is not None:
            leader = leaders[leader.decided_with]
        chance, band = _first_feed(first[names.index(row.id)], result)
        found.append(
            Row(
                row.kind,
                row.name,
                row.status,
                routes[leader.status],
                _middle(row.start),
                chance,
                _nameplate(row, result.plan.elements),
                band,
            )
        )
    return sorted(found, key=lambda row: (kinds.index(row.kind), row.announced, row.name))


def _first_feed(
    dates: FloatArray, result: Result
) -> tuple[float, tuple[float, float, float] | None]:
    """Return the probability of first feed by the last year, and P10, P50, P90 given that."""
    starts = dates < result.plan.years[-1] + 1.0
    if result.weights is None:
        chance, inside = float(starts.mean()), None
    else:
        chance = float(result.weights[starts].sum())
        inside = result.weights[starts] / chance if chance > 0.0 else None
    if chance <= 0.0:
        return 0.0, None
    low, middle, high = (float(weighted_quantile(dates[starts], q, inside)) for q in LEVELS)
    return chance, (low, middle, high)


def _middle(cell: float | Distribution | None) -> float:
    if cell is None:
        return 0.0
    return float(cell) if isinstance(cell, float | int) else cell.median


def _nameplate(row: Any, elements: Iterable[str]) -> float:
    if row.kind != "mine":
        return math.inf if row.capacity is None else _middle(row.capacity)
    own = [_middle(getattr(row, name.lower(), None)) for name in elements]
    return _middle(row.heavy) + sum(own)


def _shown(rows: list[Row], top: int) -> list[Row]:
    """Keep the largest, in the order they have."""
    largest = sorted(range(len(rows)), key=lambda index: (-rows[index].expected, index))[:top]
    if not largest:
        msg = "pipeline: no project outside China is left to show; allowed is a larger top"
        raise ReesupplyError(msg)
    return [rows[index] for index in sorted(largest)]


def _places(rows: Sequence[Row]) -> tuple[list[float], list[tuple[str, float]]]:
    """Return the height of every row, and every header with its height; the first is 0."""
    places: list[float] = []
    headers: list[tuple[str, float]] = []
    line = 0.0
    for index, row in enumerate(rows):
        if index == 0 or rows[index - 1].kind != row.kind:
            headers.append((GROUPS[row.kind], line))
            line -= 1.0
        places.append(line)
        line -= 1.0
    return places, headers


def _intervals(ax: Axes, rows: Sequence[Row], places: Sequence[float]) -> None:
    pairs = list(zip(rows, places, strict=True))
    groups = (
        (True, OUTSIDE[1], f"P10{DASH}P90, under construction"),
        (False, OUTSIDE[5], f"P10{DASH}P90, not decided"),
    )
    for decided, colour, label in groups:
        bars = [
            (row.first, y)
            for row, y in pairs
            if row.first is not None and not row.runs and (row.route == "slip") is decided
        ]
        if bars:
            places_of, lows = [y for _, y in bars], [first[0] for first, _ in bars]
            highs = [first[2] for first, _ in bars]
            ax.hlines(places_of, lows, highs, color=colour, linewidth=5.0, label=label)
    medians = [(row.first[1], y) for row, y in pairs if row.first is not None and not row.runs]
    running = [(row.first[1], y) for row, y in pairs if row.first is not None and row.runs]
    waiting = [(row.announced, y) for row, y in pairs if not row.runs]
    marks = (
        (medians, "|", INK, 9.0, 1.6, "median"),
        (running, "o", OUTSIDE[0], 4.8, 0.8, "runs, or certain"),
        (waiting, "D", PUBLISHED, 4.2, 0.0, "owner's date"),
    )
    for points, marker, colour, size, edge, label in marks:
        if points:
            ax.plot(
                [x for x, _ in points],
                [y for _, y in points],
                marker,
                color=colour,
                markersize=size,
                markeredgewidth=edge,
                label=label,
                zorder=5,
            )


def _axes(ax: Axes, result: Result, rows: Sequence[Row], places: Sequence[float]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    known = decimal_year(result.plan.scenario.data_date)
    ax.axvline(known, color=FAINT, linewidth=0.9, linestyle=(0, (2, 2)), label="data date")
    ax.set_yticks(list(places), [short(row.name) for row in rows])
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.tick_params(axis="y", length=0, labelsize=KEY)
    ax.set_ylim(min(places) - 0.8, 0.7)
    ends = [row.announced for row in rows]
    ends += [date for row in rows if row.first is not None for date in row.first]
    start = math.floor(min(*ends, known) - 0.1)
    start = max(start, result.plan.years[0])
    # a diamond on the edge would be cut in half
    latest = max(*ends, *(row.announced + 0.1 for row in rows if not row.runs))
    ax.set_xlim(start, max(result.plan.years[-1] + 1.0, math.ceil(latest)))
    early = [y for row, y in zip(rows, places, strict=True) if row.announced < start]
    if early:
        ax.plot([start] * len(early), early, "<", color=INK, markersize=5, label="earlier")
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    ax.set_xlabel("first feed (ticks: 1 January)", fontsize=8.5)
    ax.grid(axis="x", color=GRID, linewidth=0.6)


def _headers(ax: Axes, headers: Sequence[tuple[str, float]]) -> None:
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
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0},
        )


def _columns(ax: Axes, rows: Sequence[Row], places: Sequence[float], last: int) -> None:
    """Write status, probability and nameplate of every row at the right."""
    columns = (
        ("status", [row.status for row in rows], STATUS, "left", FAINT),
        (f"by {last}", [_percent(row) for row in rows], CHANCE, "right", INK),
        ("t/yr", [_tonnes(row.nameplate) for row in rows], NAMEPLATE, "right", INK),
    )
    for name, texts, offset, aligned, colour in columns:
        # the names stand in the line of the first header, which has no cells
        column(ax, [0.0], [name], offset, FAINT, aligned)
        column(ax, places, texts, offset, colour, aligned)


def _percent(row: Row) -> str:
    """Write a probability; what is possible is not written as nothing, nor as sure."""
    whole = round(100.0 * row.chance)
    if row.chance > 0.0 and whole == 0:
        return "<1 %"
    if row.chance < 1.0 and whole == 100:
        return ">99 %"
    return f"{whole} %"


def _tonnes(value: float) -> str:
    if not math.isfinite(value):
        return "no limit"
    return plain(round(value, 1)) if value < 1.0 else tonnes(value)
