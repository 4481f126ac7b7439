"""What one would have to believe: maps of implausibility, and what a shift of inputs costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.plots.style import (
    FAINT,
    FAN,
    GRID,
    PUBLISHED,
    SMALL,
    chart_style,
    headline,
    new_axes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from reesupply.analysis.matching import HistoryMatch, LeastShift

    FloatArray = npt.NDArray[np.float64]

_BINS, _KNOBS = 12, 5


def draw_maps(match: HistoryMatch, knobs: Sequence[str] | None = None) -> Figure:
    """
    Map the implausibility over pairs of knobs, the others anywhere.

    Parameters
    ----------
    match : HistoryMatch
        Of any scenario.
    knobs : sequence of str, optional
        Two or more; by default the five that the region pulls most.

    Returns
    -------
    matplotlib.figure.Figure
        Below the diagonal the least implausibility of a point; above it the share of the points
        that are not implausible, and on it that share over one knob.

    Raises
    ------
    ReesupplyError
        If there are not two knobs, or one is unknown.
    """
    from matplotlib import pyplot as plt

    names = list(_strongest(match) if knobs is None else knobs)
    if len(names) < 2 or len(set(names)) < len(names):
        msg = f"knobs: found {names!r}, allowed are two or more, each once"
        raise ReesupplyError(msg)
    for name in names:
        match.problem.place(name)
    count = len(names)
    densest = max(
        float(np.nanmax(match.pair(x, y, _BINS)[1])) for x in names for y in names if x != y
    )
    with chart_style():
        figure, axes = plt.subplots(
            count, count, figsize=(9.0, 8.6), layout="constrained", squeeze=False
        )
        below: Any = None
        above: Any = None
        for row, y in enumerate(names):
            for column, x in enumerate(names):
                ax = axes[row, column]
                if row == column:
                    _alone(ax, match, x)
                else:
                    least, density = match.pair(x, y, _BINS)
                    if row > column:
                        below = _map(ax, match, least, "viridis_r", (0.0, 2.0 * match.cutoff))
                    else:
                        above = _map(ax, match, density, "Blues", (0.0, densest or 1.0))
                _ticks(ax, row == count - 1, column == 0 and row > 0)
                if row == count - 1:
                    ax.set_xlabel(x, fontsize=8)
                if column == 0:
                    ax.set_ylabel(y, fontsize=8)
        foot: dict[str, Any] = {"location": "bottom", "shrink": 0.7, "aspect": 40, "pad": 0.01}
        figure.colorbar(below, ax=axes, label="below: least implausibility", **foot)
        figure.colorbar(above, ax=axes, label="above: share not implausible", **foot)
        figure.suptitle(_said(match), x=0.01, ha="left", fontsize=9)
    return figure


def draw_price(found: LeastShift, top: int = 15, ax: Axes | None = None) -> Axes:
    """
    Show which inputs a shift moves, how far and at what price.

    Parameters
    ----------
    found : LeastShift
        Of any scenario.
    top : int
        Inputs shown, those moved farthest.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
    """
    table = found.inputs.head(top)[::-1]
    with chart_style():
        height = 1.6 + 0.26 * len(table)
        if ax is None:
            from matplotlib import pyplot as plt

            # names of inputs are long
            _, ax = plt.subplots(figsize=(10.0, height), layout="constrained")
        ax = new_axes(ax)
        ax.barh(np.arange(len(table)), table["shift"], height=0.7, color=FAN[1])
        ax.set_yticks(np.arange(len(table)), list(table.index), fontsize=8)
        for place, (shift, nats) in enumerate(zip(table["shift"], table["nats"], strict=True)):
            ax.annotate(
                f"{nats:.2f}",
                (shift, place),
                (4 if shift > 0.0 else -4, 0),
                textcoords="offset points",
                ha="left" if shift > 0.0 else "right",
                va="center",
                fontsize=SMALL,
                color=FAINT,
            )
        ax.axvline(0.0, color=FAINT, linewidth=0.8)
        ax.margins(x=0.12)
        ax.grid(axis="x", color=GRID, linewidth=0.6)
        ax.set_xlabel("shift of its own normal number, standard deviations", fontsize=8.5)
        rest = len(found.shifts) - len(table)
        notes = [
            f"{found.nats:.1f} nats in all, those of each input beside its bar; "
            f"{rest} more inputs move less.",
            "Not a forecast: what one would have to believe.",
        ]
        headline(ax, found.result, "Inputs shifted to meet the claims", notes)
    return ax


def _strongest(match: HistoryMatch) -> list[str]:
    """Return the knobs that matter most: by the region, or where it is empty by the emulators."""
    pull = match.region["pull"].abs()
    if pull.isna().any():
        zero = np.zeros(len(match.problem.knobs))
        ends = match.means(zero)[:, np.newaxis] - np.stack(
            [match.means(one) for one in np.eye(len(zero))], axis=1
        )
        pull[:] = np.linalg.norm(ends / match.problem.sds[:, np.newaxis], axis=0)
    return list(pull.sort_values(ascending=False, kind="stable").index[:_KNOBS])


def _map(
    ax: Axes, match: HistoryMatch, values: FloatArray, colours: str, limits: tuple[float, float]
) -> Any:
    r = match.reach
    drawn = ax.imshow(
        values, origin="lower", extent=(-r, r, -r, r), cmap=colours, vmin=limits[0], vmax=limits[1]
    )
    ax.plot(0.0, 0.0, "+", color=PUBLISHED, markersize=7)
    return drawn


def _alone(ax: Axes, match: HistoryMatch, knob: str) -> None:
    x = match.points[:, match.problem.place(knob)]
    edges = np.linspace(-match.reach, match.reach, _BINS + 1)
    held, tried = (np.histogram(v, edges)[0] for v in (x[match.inside], x))
    ax.stairs(held / np.maximum(tried, 1), edges, fill=True, color=FAN[1])
    ax.axvline(0.0, color=PUBLISHED, linewidth=0.8)
    ax.set_xlim(-match.reach, match.reach)
    ax.set_ylim(0.0)
    ax.set_box_aspect(1.0)


def _ticks(ax: Axes, below: bool, left: bool) -> None:
    ax.tick_params(labelsize=7, labelbottom=below, labelleft=left, length=2)
    ax.set_xticks([-2, 0, 2])
    if left:
        ax.set_yticks([-2, 0, 2])
    else:
        ax.set_yticks([])


def _said(match: HistoryMatch) -> str:
    import textwrap

    from reesupply.analysis.matching.words import region

    run = match.untuned
    lines = textwrap.wrap(region(match), 118)
    lines.append(
        f"Knobs in standard deviations; + is our view, with no knob turned. {run.draws:,} draws."
    )
    return "\n".join(lines)
