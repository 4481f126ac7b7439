"""The back-test of a pipeline: fan, announced schedule, flat line, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.backtest import CAVEAT, LEVELS, OUTCOMES, published
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from reesupply.analysis.backtest import BackTest


def draw(run: BackTest, ax: Axes | None) -> Axes:
    """Draw a back-test; see `BackTest.plot`."""
    from matplotlib import pyplot as plt

    ax = plt.subplots(figsize=(8.0, 5.0), layout="constrained")[1] if ax is None else ax
    p5, p25, p50, p75, p95 = np.quantile(run.output, LEVELS, axis=1) / 1e3
    ax.fill_between(run.years, p5, p95, color="#D6D8E6", lw=0, label="P5 to P95")
    ax.fill_between(run.years, p25, p75, color="#A6AACB", lw=0, label="P25 to P75")
    ax.plot(run.years, p50, color="#2B2F5E", lw=2, label=f"median, {run.parameters} parameters")
    ax.plot(run.years, run.announced / 1e3, color="#D55E00", ls="--", label="as announced")
    ax.axhline(run.flat / 1e3, color="#666666", ls=":", label="flat: last known level")
    _plot_outcome(ax, run.years, "all mines", "#222222", 6)
    _plot_outcome(ax, run.years, "without Myanmar", "#FFFFFF", 4)
    for year in run.years:
        for name, value in published(run.vintage, year).items():
            ax.plot([year], value / 1e3, "*", c="#9A4400", ms=11, label=f"{name}, {year}")
    title = f"Rare earths mined outside China, as foreseen in {run.vintage:g}\n"
    ax.set_title(title + CAVEAT[run.parameters], loc="left", fontsize=11)
    ax.set(ylabel="kt REO a year", ylim=(0, None), xticks=run.years)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    return ax


def _plot_outcome(ax: Axes, years: Sequence[int], reading: str, face: str, size: float) -> None:
    """Draw marks, with bars from the low to the high end where the series has them."""
    rows = [row for row in open_csv("history") if row["series"] == OUTCOMES[reading]]
    rows = [row for row in rows if int(row["period"]) in years]
    ends = [[float(r[c] or r["value"]) / 1e3 for r in rows] for c in ("value", "low", "high")]
    at, (value, low, high) = [int(row["period"]) for row in rows], np.array(ends)
    ax.errorbar(at, value, [value - low, high - value], fmt="none", ecolor="#222222", elinewidth=1)
    ax.plot(at, value, "ko", mfc=face, ms=size, label=f"outcome, {reading}")
