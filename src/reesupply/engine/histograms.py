"""
Histograms filled lane by lane: quantiles and probabilities of what does not keep its draws.

Counts are integers on edges that depend on the plan alone, so they merge to the same numbers in any
order and grouping. A quantile is interpolated within its bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.statistics import with_sums
from reesupply.engine.variables import DATA, YEAR
from reesupply.sampling import LANE, Sampler

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

CLAIMS = "claims"
#: Variables with a histogram of every year; others have one of the first, the last and this year.
EVERY_YEAR, MILESTONE = ("balance",), 2030
#: Number of bins; from which quantiles of the pilot, and how many such ranges beyond, they reach.
BINS, TAIL, BEYOND = 8192, 0.005, 0.4
#: Seed of the pilot, the same for every run, so that edges never depend on its draws.
PILOT = 0


@dataclass(frozen=True, eq=False)
class Layout:
    """
    Which cells have a histogram, and on which edges.

    Attributes
    ----------
    rows : mapping of str to ndarray of int
        For "claims" and variables: the histogram of each cell, sums over labels included, -1 where
        a cell has none. Shape of the variable without draws.
    low, width : ndarray, shape (histogram,)
        Lowest edge and width of the bins, in the unit of the variable.
    """

    rows: Mapping[str, IntArray]
    low: FloatArray
    width: FloatArray

    def cells(self, summed: Mapping[str, FloatArray]) -> FloatArray:
        """Pick what has a histogram from variables of a lane and their sums: (histogram, draw)."""
        parts = [summed[name][rows >= 0] for name, rows in self.rows.items()]
        return np.concatenate(parts) if parts else np.zeros((0, LANE))

    def only(self, names: Collection[str]) -> Layout:
        """Return the layout of some of its variables."""
        rows: dict[str, IntArray] = {}
        chosen = [np.empty(0, dtype=np.int64)]
        first = 0
        for name, numbers in self.rows.items():
            if name in names:
                old = numbers[numbers >= 0]
                rows[name] = np.full(numbers.shape, -1, dtype=np.int64)
                rows[name][numbers >= 0] = np.arange(first, first + old.size)
                first += old.size
                chosen.append(old)
        every = np.concatenate(chosen)
        return Layout(rows, self.low[every], self.width[every])


#: Nothing has a histogram.
NO_LAYOUT = Layout({}, np.empty(0), np.empty(0))


def layout_of(plan: Plan) -> Layout:
    """
    Lay out the histograms of a plan: of its claims and of all of `result.data` that has years.

    Parameters
    ----------
    plan : Plan
        Compiled scenario; one lane of it, a hypercube that no run uses, gives the edges.

    Returns
    -------
    Layout
    """
    sampler = Sampler(PILOT, plan.inputs.names, "lhs", plan.dimensions)
    lane = plan.run_lane(sampler.lane(0, np.empty((len(plan.inputs.names), LANE))))
    summed = {name: with_sums(name, lane[name], plan.heavy) for name in (*DATA, CLAIMS)}
    rows: dict[str, IntArray] = {}
    first = 0
    for name in summed:
        shape = summed[name].shape[:-1]
        chosen = _chosen(plan, name, shape)
        if not chosen.any():
            continue
        rows[name] = np.full(shape, -1, dtype=np.int64)
        rows[name][chosen] = np.arange(first, first + chosen.sum())
        first += int(chosen.sum())
    cells = Layout(rows, np.empty(0), np.empty(0)).cells(summed)
    low, high = np.quantile(cells, (TAIL, 1.0 - TAIL), axis=-1)
    # a cell that hardly varies in the pilot may do so in a run
    size = np.maximum(high - low, 1e-6 * np.maximum(np.abs(low), 1.0))
    return Layout(rows, low - BEYOND * size, (1.0 + 2.0 * BEYOND) * size / BINS)


def _chosen(plan: Plan, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which cells of a variable have a histogram."""
    if name == CLAIMS or name in EVERY_YEAR:
        return np.ones(shape, dtype=np.bool_)
    dims = DATA[name].dims
    if YEAR not in dims:
        return np.zeros(shape, dtype=np.bool_)
    years = np.isin(plan.years, (plan.years[0], MILESTONE, plan.years[-1]))
    wide = years.reshape([-1 if dim == YEAR else 1 for dim in dims])
    return np.broadcast_to(wide, shape).copy()


class Histograms:
    """
    Counts of the cells of a layout.

    Parameters
    ----------
    layout : Layout
        Cells and edges.

    Attributes
    ----------
    counts : ndarray of int, shape (histogram, BINS + 2)
        The first and the last bin hold what lies beyond the edges.
    lowest, highest : ndarray, shape (histogram,)
        Extremes of all draws.
    at_lowest, at_highest : ndarray of int, shape (histogram,)
        How many draws are equal to them, such as shares of exactly 1.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        n = layout.low.size
        self.counts = np.zeros((n, BINS + 2), dtype=np.int64)
        self.lowest, self.highest = np.full(n, np.inf), np.full(n, -np.inf)
        self.at_lowest, self.at_highest = np.zeros((2, n), dtype=np.int64)

    def add_lane(self, cells: FloatArray) -> None:
        """Count the cells of a lane, (histogram, draw)."""
        low, width = self.layout.low[:, np.newaxis], self.layout.width[:, np.newaxis]
        place = np.clip(np.floor((cells - low) / width), -1.0, BINS).astype(np.int64)
        place += np.arange(1, cells.shape[0] * (BINS + 2), BINS + 2)[:, np.newaxis]
        np.add.at(self.counts.reshape(-1), place.reshape(-1), 1)
        low, high = cells.min(axis=-1), cells.max(axis=-1)
        at_low = (cells == low[:, np.newaxis]).sum(axis=-1)
        self._extend(low, at_low, high, (cells == high[:, np.newaxis]).sum(axis=-1))

    def add(self, other: Histograms) -> None:
        """Add the counts of other lanes; the order does not matter."""
        self.counts += other.counts
        self._extend(other.lowest, other.at_lowest, other.highest, other.at_highest)

    def _extend(
        self, low: FloatArray, at_low: IntArray, high: FloatArray, at_high: IntArray
    ) -> None:
        """Take extremes of other draws, and how many of them are equal to these."""
        mine, theirs = self.lowest <= low, low <= self.lowest
        self.at_lowest = self.at_lowest * mine + at_low * theirs
        mine, theirs = self.highest >= high, high >= self.highest
        self.at_highest = self.at_highest * mine + at_high * theirs
        np.minimum(self.lowest, low, out=self.lowest)
        np.maximum(self.highest, high, out=self.highest)

    def quantile(self, rows: IntArray, q: float) -> FloatArray:
        """
        Quantiles, interpolated within a bin.

        Parameters
        ----------
        rows : ndarray of int
            Histograms.
        q : float
            Probability.

        Returns
        -------
        ndarray, shape of `rows`
        """
        flat = rows.reshape(-1)
        counts = self.counts[flat]
        below = np.cumsum(counts, axis=1)
        wanted = q * below[:, -1]
        place = np.minimum((below < wanted[:, np.newaxis]).sum(axis=1), BINS + 1)
        place = np.maximum(place, (counts > 0).argmax(axis=1))
        at = np.arange(flat.size)
        inside = counts[at, place]
        part = (wanted - (below[at, place] - inside)) / np.maximum(inside, 1)
        left, right = self._edges(flat, place)
        found = left + np.clip(part, 0.0, 1.0) * (right - left)
        found = np.where(wanted <= self.at_lowest[flat], self.lowest[flat], found)
        last = below[:, -1] - self.at_highest[flat]
        return np.where(wanted > last, self.highest[flat], found).reshape(rows.shape)

    def probability_below(self, rows: IntArray, value: float) -> FloatArray:
        """
        Share of the draws below a value, interpolated within a bin.

        Parameters
        ----------
        rows : ndarray of int
            Histograms.
        value : float
            In the unit of the variable.

        Returns
        -------
        ndarray, shape of `rows`
        """
        flat = rows.reshape(-1)
        low, width = self.layout.low[flat], self.layout.width[flat]
        place = np.clip(np.floor((value - low) / width), -1.0, BINS).astype(np.int64) + 1
        counts = self.counts[flat]
        before = np.cumsum(counts, axis=1)
        at = np.arange(flat.size)
        inside = counts[at, place]
        left, right = self._edges(flat, place)
        room = right - left
        part = np.divide(value - left, room, out=np.zeros(flat.size), where=room > 0.0)
        found = before[at, place] - inside + np.clip(part, 0.0, 1.0) * inside
        last = before[:, -1] - self.at_highest[flat]
        found = np.clip(found, self.at_lowest[flat], last)
        found = np.where(value <= self.lowest[flat], 0, found)
        found = np.where(value > self.highest[flat], before[:, -1], found)
        return np.asarray(found / before[:, -1]).reshape(rows.shape)

    def _edges(self, rows: IntArray, place: IntArray) -> tuple[FloatArray, FloatArray]:
        """Edges of bins, no wider than the extremes of the draws."""
        low, width = self.layout.low[rows], self.layout.width[rows]
        left = np.where(place == 0, -np.inf, low + (place - 1) * width)
        right = np.where(place == BINS + 1, np.inf, low + place * width)
        return np.maximum(left, self.lowest[rows]), np.minimum(right, self.highest[rows])
