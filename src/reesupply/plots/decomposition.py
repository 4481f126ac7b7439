"""From the deficit of one scenario to that of another, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reesupply.analysis.decompose.decomposition import CENTRAL, PARTS
from reesupply.plots.columns import column, head
from reesupply.plots.style import (
    FAINT,
    FAN,
    GRID,
    INK,
    KEY,
    RECYCLED,
    SECTORS,
    chart_style,
    headline_text,
    new_axes,
    plain,
    tonnes,
)
from reesupply.plots.waterfall import signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from reesupply.analysis.decompose import Decomposition

MORE, LESS = SECTORS["auto"][1], RECYCLED[1]
#: So many parts are named below a step, those of at least so many tonnes.
NAMED, LEAST = 3, 0.5
#: Height of a row in inches, and of what is above and below the rows.
ROW, AROUND = 0.46, 1.45
_BACKED = {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0}


@dataclass(frozen=True, slots=True)
class Step:
    """One row: where its bar starts, what it adds, its range over orders, its largest parts."""

    name: str
    start: float
    adds: float
    low: float
    high: float
    about: str
    whole: bool


def draw(
    found: Decomposition, year: int | None, since: int | None, reading: str | None, ax: Axes | None
) -> Axes:
    """Draw the steps; see `Decomposition.plot`."""
    steps = _steps(found, year, since, reading)
    last = found.first.years[-1] if year is None else year
    when = str(last) if since is None else f"change from {since} to {last}"
    with chart_style():
        ax = new_axes(ax, height=AROUND + ROW * len(steps))
        _bars(ax, steps)
        _rows(ax, steps)
        _numbers(ax, steps)
        one, other = found.names
        headline_text(
            ax,
            f"From {one} to {other}: deficit of {_pair(found)} oxide, {when}",
            _notes(found, reading),
        )
    return ax


def _pair(found: Decomposition) -> str:
    return "+".join(found.first.elements[i] for i in found.first.heavy)


def _steps(
    found: Decomposition, year: int | None, since: int | None, reading: str | None
) -> list[Step]:
    table = found.steps(year, since=since, reading=reading).to_dict(orient="index")
    steps: list[Step] = []
    for place, (name, row) in enumerate(table.items()):
        whole = place in (0, len(table) - 1)
        start = 0.0 if whole else steps[-1].start + steps[-1].adds
        parts = sorted(((row[part], part) for part in PARTS), key=lambda pair: -abs(pair[0]))
        named = [f"{part} {signed(x)}" for x, part in parts[:NAMED] if abs(x) >= LEAST]
        about = "" if whole else ", ".join(named)
        steps.append(Step(str(name), start, row["adds"], row["least"], row["most"], about, whole))
    return steps


def _bars(ax: Axes, steps: Sequence[Step]) -> None:
    for place, step in enumerate(steps):
        colour = FAN[2] if step.whole else (MORE if step.adds > 0.0 else LESS)
        ax.barh(-place, step.adds, left=step.start, height=0.4, color=colour, label=step.name)
        if place + 1 < len(steps):
            end = step.start + step.adds
            ax.vlines(end, -place - 0.8, -place - 0.2, color=FAINT, linewidth=0.8)
    inner = [(place, step) for place, step in enumerate(steps) if not step.whole]
    ax.errorbar(
        [step.start + step.adds for _, step in inner],
        [-place for place, _ in inner],
        xerr=[
            [step.adds - step.low for _, step in inner],
            [step.high - step.adds for _, step in inner],
        ],
        fmt="none",
        ecolor=INK,
        elinewidth=1.0,
        capsize=3.0,
        label="over orders of switching",
    )
    ax.axvline(0.0, color=INK, linewidth=0.9, zorder=1)


def _rows(ax: Axes, steps: Sequence[Step]) -> None:
    """Name each step above its bar, and beside the name what it acts through."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks([])
    for place, step in enumerate(steps):
        name = ax.annotate(
            step.name,
            xy=(0.0, 0.36 - place),
            xycoords=ax.get_yaxis_transform(),
            xytext=(2.0, 0.0),
            textcoords="offset points",
            va="center",
            fontsize=8.0,
            fontweight="bold",
            parse_math=False,
            bbox=_BACKED,
        )
        ax.annotate(
            step.about,
            xy=(1.0, 0.5),
            xycoords=name,
            xytext=(5.0, 0.0),
            textcoords="offset points",
            va="center",
            fontsize=KEY,
            color=FAINT,
            parse_math=False,
            bbox=_BACKED if step.about else None,
        )
    ax.set_ylim(0.35 - len(steps), 0.65)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_xlabel("t oxide/yr; a surplus is negative", fontsize=8.5)
    ax.grid(axis="x", color=GRID, linewidth=0.6)


def _numbers(ax: Axes, steps: Sequence[Step]) -> None:
    """Write what a step adds, and its range, at the right."""
    places = [-place for place in range(len(steps))]
    adds = [tonnes(step.adds) if step.whole else signed(step.adds) for step in steps]
    ranges = [
        ""
        if step.whole or step.high - step.low < LEAST
        else f"{signed(step.low)} to {signed(step.high)}"
        for step in steps
    ]
    for name, texts, offset, colour in (
        ("t", adds, 36.0, INK),
        ("by order", ranges, 116.0, FAINT),
    ):
        head(ax, name, offset, "bottom")
        column(ax, places, texts, offset, colour)


def _notes(found: Decomposition, reading: str | None) -> list[str]:
    central = reading == CENTRAL or not found.draws
    kind = (
        "Deterministic, each input at its median" if central else f"Means of {found.draws:,} draws"
    )
    return [
        "Bars: mean over all orders of switching the blocks, which add up; lines: least and most "
        "in any order.",
        "Orange adds to the deficit, green takes it away. Grey: the parts of the balance it acts "
        "through.",
        f"{kind} \N{MIDDLE DOT} {found.standing} \N{MIDDLE DOT} data of "
        f"{found.first.scenario.data_date}",
    ]
