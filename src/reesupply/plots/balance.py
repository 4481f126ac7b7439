"""Fan chart of the world balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.plots.numbers import checked_element
from reesupply.plots.style import (
    DASH,
    FAINT,
    FAN,
    INK,
    KEY,
    PUBLISHED,
    PUBLISHED_TEXT,
    SMALL,
    chart_style,
    headline,
    new_axes,
    spread,
    tonnes,
    year_axis,
)
from reesupply.result import BANDS

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

NAMES = ("P5", "P25", "median", "P75", "P95")


def draw(result: Result, element: str | None, *, claims: bool, ax: Axes | None) -> Axes:
    """Draw the fan; see `Plots.balance`."""
    element = checked_element(result, element)
    years = result.plan.years
    fan = [np.asarray(result.quantile("balance", q, element=element)) for q in BANDS]
    risk = result.probability("balance", below=0.0, year=years[-1], element=element)
    with chart_style():
        ax = new_axes(ax)
        _bands(ax, years, fan)
        year_axis(ax, years, "t oxide/yr")
        published = _published(result, element) if claims else []
        for row in published:
            ax.plot(
                [row.year],
                [-row.value],
                "D",
                color=PUBLISHED,
                markersize=6,
                clip_on=False,
                zorder=5,
                label=row.publisher,
            )
        ax.margins(y=0.09)
        _sides(ax)
        for row in published:
            _label_claim(ax, result, row, element)
        _end_labels(ax, [float(line[-1]) for line in fan])
        title = f"World balance of {element} oxide, {years[0]}{DASH}{years[-1]}"
        note = (
            "Supply from mines and recycling less gross demand at the reference price; "
            f"P(deficit in {years[-1]}) = {100 * float(risk):.0f} %"
        )
        headline(ax, result, title, [note])
    return ax


def _bands(ax: Axes, years: tuple[int, ...], fan: list[FloatArray]) -> None:
    outer, inner, line = FAN
    ax.fill_between(years, fan[0], fan[4], color=outer, linewidth=0, label=f"P5{DASH}P95")
    ax.fill_between(years, fan[1], fan[3], color=inner, linewidth=0, label=f"P25{DASH}P75")
    ax.plot(years, fan[2], color=line, linewidth=2.0, label="median")
    ax.axhline(0.0, color=INK, linewidth=0.9)


def _published(result: Result, element: str) -> list[Any]:
    """Return published deficits of the element, or of all elements, in a year of the run."""
    wanted = "" if element == result.all_elements else element
    return [
        row
        for row in result.plan.scenario.rows("targets")
        if row.quantity == "deficit" and row.element == wanted and row.year in result.plan.years
    ]


def _label_claim(ax: Axes, result: Result, row: Any, element: str) -> None:
    years = result.plan.years
    deeper = result.probability("balance", below=-row.value, year=row.year, element=element)
    left = row.year > (years[0] + years[-1]) / 2.0
    share = f"{100 * float(deeper):.1f} % of draws lie" if deeper else "no draw lies"
    claim = f"{row.publisher}, {row.published}: {tonnes(-row.value)} t in {row.year}"
    ax.annotate(
        f"{claim}\n{share} below",
        xy=(row.year, -row.value),
        xytext=(-9 if left else 9, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=SMALL,
        color=PUBLISHED_TEXT,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
        zorder=4,
    )


def _sides(ax: Axes) -> None:
    """Name the two sides of zero in the corners that a fan leaves free."""
    for text, height, side in (("surplus", 0.98, "top"), ("deficit", 0.02, "bottom")):
        ax.text(
            0.012,
            height,
            text,
            transform=ax.transAxes,
            va=side,
            fontsize=8,
            color=FAINT,
            style="italic",
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0},
        )


def _end_labels(ax: Axes, ends: list[float]) -> None:
    """Write the values of the last year beside the lines."""
    low, high = ax.get_ylim()
    figure = ax.get_figure(root=True)
    height = 0.7 * ax.get_position().height * (5.0 if figure is None else figure.get_figheight())
    gap = (high - low) * 1.35 * KEY / 72.0 / height
    for name, value, place in zip(NAMES, ends, spread(ends, gap), strict=True):
        ax.annotate(
            f"{name}  {tonnes(value)}",
            xy=(1.0, place),
            xycoords=ax.get_yaxis_transform(),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=KEY + 0.5,
            color=FAN[2] if name == "median" else FAINT,
            fontweight="bold" if name == "median" else "normal",
            annotation_clip=False,
        )
