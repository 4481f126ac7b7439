"""What moves an output: shares of groups, or a tornado of inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.sensitivity import sensitivity
from reesupply.analysis.sensitivity.door import DUMMY, GROUP, REST
from reesupply.engine.variables import VARIABLES
from reesupply.plots.columns import column, legend_below
from reesupply.plots.style import (
    FAN,
    GRID,
    INK,
    MINUS,
    OUTSIDE,
    SECTOR_REST,
    SECTORS,
    SMALL,
    chart_style,
    check_top,
    headline,
    new_axes,
    plain,
    tonnes,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from reesupply.result import Result

LOW, HIGH = OUTSIDE[1], SECTORS["auto"][0]


def draw(
    result: Result,
    of: str,
    year: int | None,
    element: str | None,
    by: str,
    top: int,
    ax: Axes | None,
) -> Axes:
    """Draw shares of groups or a tornado of inputs; see `Plots.sensitivity`."""
    top = check_top(top)
    return show(result, sensitivity(result, of, year=year, element=element, by=by), of, by, top, ax)


def show(
    result: Result, table: pd.DataFrame, of: str, by: str, top: int, ax: Axes | None = None
) -> Axes:
    """
    Draw a table of `reesupply.sensitivity` that is there already.

    Parameters
    ----------
    result, table
        A run and its table.
    of, by, top, ax
        As in `Plots.sensitivity`.

    Returns
    -------
    Axes
    """
    with chart_style():
        if by == GROUP:
            ax, what, notes = _shares(table, top, ax)
        else:
            ax, what, notes = _tornado(result, table, of, top, ax)
        if result.weights is not None:
            notes.append(
                f"The weights are worth {tonnes(table.attrs['effective draws'])} equal draws."
            )
        headline(ax, result, f"{what} {table.attrs['of']}", notes)
    return ax


def _shares(table: pd.DataFrame, top: int, ax: Axes | None) -> tuple[Axes, str, list[str]]:
    shapley = table.xs("shapley", level="measure")
    groups = [name for name in shapley.index if name != REST][:top]
    names = [*groups, REST]
    values = 100.0 * shapley.loc[names]
    places = -np.arange(len(names))
    ax = new_axes(ax, height=2.0 + 0.3 * len(names))
    colours = [*[FAN[1]] * len(groups), SECTOR_REST]
    ax.barh(places, values["value"], height=0.62, color=colours, label="Shapley effect")
    ax.hlines(
        places, values["low"], values["high"], color=INK, linewidth=1.2, label="95 % interval"
    )
    for measure, mark, label in (("first", "o", "alone"), ("total", "D", "lost without it")):
        one = 100.0 * table["value"].xs(measure, level="measure").loc[groups]
        ax.plot(
            one,
            places[:-1] + (0.14 if mark == "o" else -0.14),
            mark,
            color="white",
            markeredgecolor=INK,
            markersize=4.6,
            zorder=5,
            clip_on=False,
            label=label,
        )
    _rows(ax, names, "share of variance, %")
    ax.set_xlim(left=min(0.0, float(values["low"].min())))
    column(ax, places, [f"{value:.1f} %" for value in values["value"]], 38, INK)
    legend_below(ax, 4)
    fit = table.attrs["R2 out of sample"]
    notes = [
        "Shapley effect: a group's fair part of the variance that all explain together.",
        f"By a fitted emulator, whose R² on draws that it has not seen is {fit:.2f}.",
    ]
    return ax, "What moves", notes


def _tornado(
    result: Result, table: pd.DataFrame, of: str, top: int, ax: Axes | None
) -> tuple[Axes, str, list[str]]:
    names = _leading(table, top)
    places = -np.arange(len(names))
    ax = new_axes(ax, height=2.0 + 0.26 * max(len(names), 1))
    for measure, colour, label, aside in (
        ("low", LOW, "mean where the input is low, P5 to P15", 0.1),
        ("high", HIGH, "mean where it is high, P85 to P95", -0.1),
    ):
        ends = table.xs(measure, level="measure").loc[names]
        ax.barh(places, ends["value"], height=0.62, color=colour, label=label)
        last = "95 % interval" if measure == "high" else "_"
        ax.hlines(places + aside, ends["low"], ends["high"], color=INK, linewidth=1.2, label=last)
    ax.axvline(0.0, color=INK, linewidth=0.9)
    unit = VARIABLES[of].units if of in VARIABLES else _unit(result, of)
    share = unit == "1"
    _rows(ax, names, f"mean beside that of all draws, {'share' if share else unit}")
    swing = table["value"].xs("swing", level="measure").loc[names]
    column(
        ax, places, [f"{v:.3f}".replace("-", MINUS) if share else tonnes(v) for v in swing], 42, INK
    )
    legend_below(ax, 3)
    notes = [
        "Named factors, and inputs by what is lost without them.",
        "What comes with an input through a factor is in its bar: bars do not add up.",
        "At the right, high less low.",
    ]
    return ax, "Tornado of", notes


def _leading(table: pd.DataFrame, top: int) -> list[str]:
    """
    Return the inputs and factors of the largest shares, by their swing.

    What many inputs have in common is their factor's: an input counts with what is lost without
    it, where that is known.
    """
    wide = table["value"].unstack("measure").drop(index=DUMMY)
    share = wide["total"].fillna(wide["first"]).sort_values(ascending=False, kind="stable")
    swing = wide["swing"].loc[share.index[:top]].abs().dropna()
    return list(swing.sort_values(ascending=False, kind="stable").index)


def _unit(result: Result, of: str) -> str:
    units = {claim.name: claim.unit for claim in result.plan.claims}
    return units.get(of, "1")


def _rows(ax: Axes, names: list[str], label: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks(-np.arange(len(names)), [name.removeprefix("trajectories.") for name in names])
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.set_ylim(-len(names) + 0.3, 0.7)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_xlabel(label, fontsize=8.5)
    ax.grid(axis="x", color=GRID, linewidth=0.6)
