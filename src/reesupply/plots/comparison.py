"""Scenarios on the same draws: what is between them, by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.variables import DATA
from reesupply.plots.style import (
    FAINT,
    FAN,
    KEY,
    OUTSIDE,
    PUBLISHED,
    RECYCLED,
    SECTORS,
    chart_style,
    headline_text,
    new_axes,
    year_axis,
)
from reesupply.result import LEVELS, weighted_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reesupply.analysis.compare import Comparison

#: By scenario; markers tell them apart without colours.
_COLOURS = (FAN[2], PUBLISHED, RECYCLED[0], SECTORS["wind"][0], OUTSIDE[1], SECTORS["auto"][0])
_MARKERS = "osD^v*"
#: Years between two scenarios beside each other.
_ASIDE = 0.16


def draw(
    found: Comparison, name: str, element: str | None, bloc: str | None, ax: Axes | None
) -> Axes:
    """Draw the differences; see `Comparison.plot`."""
    first, *others = found.runs
    years = found.base.plan.years
    with chart_style():
        ax = new_axes(ax)
        year_axis(ax, years, DATA[name].units)
        ax.set_xlim(years[0] - 0.5, years[-1] + 0.5)
        ax.axhline(0.0, color=FAINT, linewidth=0.8)
        for number, label in enumerate(others):
            change = found.difference(label, name, element=element, bloc=bloc)
            low, middle, high = (weighted_quantile(change, q) for q in LEVELS)
            ax.errorbar(
                np.array(years) + _ASIDE * (number - (len(others) - 1) / 2.0),
                middle, (middle - low, high - middle),
                color=_COLOURS[number % len(_COLOURS)], marker=_MARKERS[number % len(_MARKERS)],
                linewidth=1.2, elinewidth=1.0, markersize=5, capsize=2, label=label,
            )  # fmt: skip
        ax.legend(frameon=False, loc="best", fontsize=KEY)
        notes = [
            f"Each less {first}, draw by draw: median and P5 to P95 of {found.base.draws:,} draws "
            "that all have in common."
        ]
        headline_text(ax, f"What is between the scenarios: {name}", notes)
    return ax
