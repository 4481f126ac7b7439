"""
Histograms filled lane by lane: quantiles and probabilities of what does not keep its draws.

Counts are integers on edges that depend on the plan alone, so they merge to the same numbers in any
order and grouping. A quantile is interpolated within its bin. Values that many draws share are
counted beside the bins, since a line through a bin would spread them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.ladder import Ladder
from reesupply.engine.lanesums import LaneSums
from reesupply.engine.layout import BINS, COLUMNS, ROUNDING, TAIL_BINS, to_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from reesupply.engine.layout import Layout

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    Counter = Callable[..., tuple[IntArray, FloatArray]]

#: A weight is counted in whole multiples of this.
WEIGHT_UNIT = 2.0**-24
#: Histograms whose places are found together: they stay in the cache.
_ROWS = 32


def count(
    cells: FloatArray,
    low: FloatArray,
    scale: FloatArray,
    base: FloatArray,
    counts: npt.NDArray[np.integer],
    units: IntArray | None = None,
) -> tuple[IntArray, FloatArray]:
    """
    Count each draw in its bin.

    Parameters
    ----------
    cells : ndarray, shape (histogram, draw)
        Draws of a lane.
    low, scale, base : ndarray, shape (histogram,)
        Lowest even edge, bins per unit, and place of the first even bin in the flat counts.
    counts : ndarray of int, shape (histogram, COLUMNS)
        Is added to.
    units : ndarray of int, shape (draw,), optional
        What each draw counts; 1 where there are none.

    Returns
    -------
    outside : ndarray of int
        Which draws, in the flat cells, lie beyond the even bins.
    beyond : ndarray
        How far, in bins; below them it is negative.
    """
    flat, draws = counts.reshape(-1), cells.shape[1]
    low, scale, base = (each[:, np.newaxis] for each in (low, scale, base))
    one = counts.dtype.type(1)
    outside, beyond = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    place, number = np.empty((_ROWS, draws)), np.empty((_ROWS, draws), dtype=np.int64)
    for first in range(0, len(cells), _ROWS):
        some = slice(first, first + _ROWS)
        rows = cells[some]
        at, index = place[: len(rows)], number[: len(rows)]
        np.subtract(rows, low[some], out=at)
        at *= scale[some]
        there, far = to_columns(at)
        outside.append(there + first * draws)
        beyond.append(far)
        at += base[some]
        np.copyto(index, at, casting="unsafe")
        np.add.at(flat, index.reshape(-1), one if units is None else np.tile(units, len(rows)))
    return np.concatenate(outside), np.concatenate(beyond)


class Histograms:
    """
    Counts of the cells of a layout.

    Parameters
    ----------
    layout : Layout
        Cells and edges.
    weighted : bool
        Whether draws have weights. These are counted in whole multiples of 2**-24, so they should
        be about 1 in the mean: their sums are then exact to 1e-7 and merge as counts do.

    Attributes
    ----------
    draws : int
        How many were counted.
    counts : ndarray of int, shape (histogram, COLUMNS)
        Draws in each bin, atoms included; see `Layout.edges`. The first and the last bin hold all
        that lies beyond the edges.
    lowest, highest : ndarray, shape (histogram,)
        Extremes of all draws.
    at_lowest, at_highest : ndarray of int, shape (histogram,)
        How many draws are equal to them, such as shares of exactly 1.
    atoms : ndarray of int, shape (atom,)
        How many draws have each value that many have.
    """

    def __init__(self, layout: Layout, *, weighted: bool = False) -> None:
        self.layout, self.weighted, self.draws = layout, weighted, 0
        n = layout.low.size
        # narrow while they can be, since counting waits for memory
        self.counts = np.zeros((n, COLUMNS), dtype=np.int64 if weighted else np.uint16)
        self.lowest, self.highest = np.full(n, np.inf), np.full(n, -np.inf)
        self.at_lowest, self.at_highest = np.zeros((2, n), dtype=np.int64)
        self.atoms = np.zeros(layout.atom_rows.size, dtype=np.int64)
        self.beyond = LaneSums({"low": (n,), "high": (n,)})

    def add_lane(
        self,
        lane: int,
        cells: FloatArray,
        weights: FloatArray | None = None,
        counter: Counter = count,
    ) -> None:
        """
        Count the draws of a lane.

        Parameters
        ----------
        lane : int
            Its number; each lane is added once.
        cells : ndarray, shape (histogram, draw)
            Its draws.
        weights : ndarray, shape (draw,), optional
            Non-negative, for histograms that are weighted.
        counter : callable
            `count`, or what stands for it.
        """
        draws = cells.shape[1]
        units = None
        if self.weighted:
            shares = np.ones(draws) if weights is None else weights
            units = np.rint(shares / WEIGHT_UNIT).astype(np.int64)
        self._widen(self.draws + draws)
        self.draws += draws
        low, high = cells.min(axis=1), cells.max(axis=1)
        self.beyond.add_lane(lane, self._count(cells, units, counter))
        self._extend(
            low,
            _at(cells, low, low <= self.lowest, units),
            high,
            _at(cells, high, high >= self.highest, units),
        )
        layout, reach = self.layout, ROUNDING * self.layout.width
        for first in range(0, layout.atom_rows.size, _ROWS):
            some = slice(first, first + _ROWS)
            rows = layout.atom_rows[some]
            off = np.abs(cells[rows] - layout.atom_values[some, np.newaxis])
            self.atoms[some] += _count_hits(off <= reach[rows, np.newaxis], units)

    def add(self, other: Histograms) -> None:
        """Add the counts of other lanes; the order does not matter."""
        self._widen(self.draws + other.draws)
        self.draws += other.draws
        self.counts += other.counts
        self.atoms += other.atoms
        self._extend(other.lowest, other.at_lowest, other.highest, other.at_highest)
        self.beyond.add(other.beyond)

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
        return self._each(rows, lambda _, ladder: ladder.quantile(q * ladder.below[-1]))

    def probability_below(
        self, rows: IntArray, value: float, *, inclusive: bool = False
    ) -> FloatArray:
        """
        Share of the draws below a value, interpolated within a bin.

        Parameters
        ----------
        rows : ndarray of int
            Histograms.
        value : float
            In the unit of the variable.
        inclusive : bool
            Whether draws of this value count, too.

        Returns
        -------
        ndarray, shape of `rows`
        """
        return self._each(
            rows,
            lambda _, ladder: ladder.count(value, inclusive=inclusive) / ladder.below[-1],
        )

    def tail_mean(self, rows: IntArray, q: float) -> FloatArray:
        """
        Mean of the lowest draws.

        Parameters
        ----------
        rows : ndarray of int
            Histograms.
        q : float
            Share of the draws, above 0.

        Returns
        -------
        ndarray, shape of `rows`
            Draws within a bin count as spread evenly; what lies beyond the edges has its own sum.
        """
        beyond = self.beyond.total()
        units = 1.0 / WEIGHT_UNIT if self.weighted else 1.0

        def mean(row: int, ladder: Ladder) -> float:
            wanted = q * ladder.below[-1]
            found = ladder.lowest(wanted)
            low, high = self.layout.low[row], self.layout.low[row] + BINS * self.layout.width[row]
            first, last = (
                float(side.sum())
                for side in (self.counts[row, :TAIL_BINS], self.counts[row, -TAIL_BINS:])
            )
            if wanted >= first > 0.0:
                found += first * low + units * beyond["low"][row] - ladder.lowest(first)
            if wanted >= ladder.below[-1] and last > 0.0:
                ours = ladder.lowest(wanted) - ladder.lowest(wanted - last)
                found += last * high + units * beyond["high"][row] - ours
            return float(found / wanted)

        return self._each(rows, mean)

    def _each(self, rows: IntArray, statistic: Callable[[int, Ladder], float]) -> FloatArray:
        """Statistic of each of some histograms."""
        found = [statistic(row, self._ladder(row)) for row in rows.reshape(-1).tolist()]
        return np.array(found).reshape(rows.shape)

    def _ladder(self, row: int) -> Ladder:
        """Draws of a histogram below each value."""
        low, high = self.lowest[row], self.highest[row]
        edges = self.layout.edges(row)
        counts = self.counts[row].astype(np.float64)
        steps: list[tuple[float, float]] = []
        first, last = np.searchsorted(self.layout.atom_rows, (row, row + 1))
        reach = ROUNDING * self.layout.width[row]
        for value, count in zip(
            self.layout.atom_values[first:last], self.atoms[first:last], strict=True
        ):
            if count:
                steps.append((min(max(value, low), high), float(count)))
        for value, count in ((low, self.at_lowest[row]), (high, self.at_highest[row])):
            if all(abs(value - other) > 2.0 * reach for other, _ in steps):
                steps.append((value, float(count)))
        low_edge, scale, base = (each[row] for each in self._scale())
        for value, count in steps:
            place = np.array([(value - low_edge) * scale])
            to_columns(place)
            counts[int(place[0] + base) - row * COLUMNS] -= count  # from where it was counted
        values = np.concatenate([[low], np.clip(edges, low, high), [high]])
        return Ladder.of(values, np.maximum(counts, 0.0), steps)

    def _count(
        self, cells: FloatArray, units: IntArray | None, counter: Counter
    ) -> dict[str, FloatArray]:
        """Count each draw in its bin; return the sums of what lies beyond the even bins."""
        outside, far = counter(cells, *self._scale(), self.counts, units)
        row, draw = np.divmod(outside, cells.shape[1])
        if units is not None:
            far = far * (units[draw] * WEIGHT_UNIT)
        sides = {"low": np.minimum(far, 0.0), "high": np.maximum(far, 0.0)}
        return {
            side: self.layout.width * np.bincount(row, amount, minlength=len(cells))
            for side, amount in sides.items()
        }

    def _scale(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Lowest even edge, bins per unit, and place of the first even bin of each histogram."""
        base = np.arange(TAIL_BINS, self.counts.size, COLUMNS, dtype=np.float64)
        return self.layout.low, 1.0 / self.layout.width, base

    def _widen(self, draws: int) -> None:
        """Make room for the counts of so many draws."""
        for wide in (np.uint16, np.uint32, np.int64):
            if self.weighted or draws <= np.iinfo(wide).max:
                break
        if np.iinfo(wide).max > np.iinfo(self.counts.dtype).max and not self.weighted:
            self.counts = self.counts.astype(wide)

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


def _at(
    cells: FloatArray,
    values: FloatArray,
    asked: npt.NDArray[np.bool_],
    units: IntArray | None,
) -> IntArray:
    """Count the draws that are equal to a value, where it is asked for."""
    found = np.zeros(len(cells), dtype=np.int64)
    rows = np.flatnonzero(asked)
    found[rows] = _count_hits(cells[rows] == values[rows, np.newaxis], units)
    return found


def _count_hits(hits: npt.NDArray[np.bool_], units: IntArray | None) -> IntArray:
    """Count over draws, or add up their weights."""
    return np.asarray(np.count_nonzero(hits, axis=1) if units is None else hits @ units)
