"""The plots of the page on performance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.limit.run import Timing, chart
from reesupply.plots.saving import save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["memory", "reference_job"]

BLUE, GREY = "#1F5F9E", "#666666"


def reference_job(timings: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the ways of the reference job as bars."""
    save(chart([Timing(**each) for each in timings]), path)


def memory(found: dict[str, Any], limit: float, path: Path) -> None:
    """
    Draw memory, and processor time a draw, against draws done.

    Parameters
    ----------
    found : dict
        As from `curve.measure`.
    limit : float
        Memory that was asked for [MiB].
    path : Path
        An SVG file. It has its own white ground, as the charts of the library have, so that it
        can be read in a dark theme too.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 -- only here
    from matplotlib.ticker import EngFormatter  # noqa: PLC0415

    points = found["points"]
    draws = [point[0] for point in points]
    figure = Figure(figsize=(8.0, 5.0), layout="constrained", facecolor="white")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(draws, [point[1] for point in points], color=BLUE, marker=".", markersize=3)
    above.axhline(limit, color=GREY, linestyle="--", linewidth=1.0)
    above.annotate(
        f"asked: at most {limit:,.0f} MiB", (draws[-1], limit), (0, 3),
        textcoords="offset points", ha="right", color=GREY,
    )  # fmt: skip
    above.set_ylim(0.0, 1.15 * max(limit, found["peak"]))
    above.set_ylabel("resident memory above\nthe import [MiB]")
    kind = ("process", "es") if found["processes"] else ("thread", "s")
    workers = f"{found['workers']} {kind[0]}{kind[1] * (found['workers'] > 1)}"
    above.set_title(f"A run of {found['draws']:,} draws, statistics only, {workers}", loc="left")
    ends, costs = steps(points)
    below.step(ends, costs, where="pre", color=BLUE)
    below.set_ylim(0.0, 1.15 * max(costs))
    below.set_ylabel("processor time\na draw [µs]")
    below.set_xlabel("draws done")
    below.xaxis.set_major_formatter(EngFormatter())
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def steps(points: Sequence[Sequence[float]], most: int = 40) -> tuple[list[float], list[float]]:
    """
    Return processor microseconds a draw between some points of a run.

    Parameters
    ----------
    points : sequence of (draws, MiB, elapsed s, processor s)
        As from `curve.measure`.
    most : int
        Largest number of steps: short ones would show when units end, and not what a draw costs.

    Returns
    -------
    ends, costs : list of float
        Draws at the end of each step, with the beginning of the first; cost of each, the first
        twice.
    """
    total = points[-1][0]
    ends, costs, last = [points[0][0]], [], points[0]
    for point in points[1:]:
        if point[0] - last[0] >= total / most or (point is points[-1] and point[0] > last[0]):
            costs.append((point[3] - last[3]) / (point[0] - last[0]) * 1e6)
            ends.append(point[0])
            last = point
    return list(ends), [costs[0], *costs]
