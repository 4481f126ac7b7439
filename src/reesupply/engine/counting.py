"""Count a block of draws into histograms, in arrays that are allocated once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.histograms import BINS

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.histograms import Histograms

    FloatArray = npt.NDArray[np.float64]

__all__ = ["BlockCounter"]


class BlockCounter:
    """
    Adds blocks of draws to histograms.

    Parameters
    ----------
    histograms : Histograms
        Where counts and extremes go; how many draws are equal to an extreme is not counted.
    draws : int
        Size of a block.
    """

    def __init__(self, histograms: Histograms, draws: int) -> None:
        self._histograms = histograms
        low, width = histograms.layout.low[:, np.newaxis], histograms.layout.width[:, np.newaxis]
        first = np.arange(low.size, dtype=np.float64)[:, np.newaxis] * (BINS + 2)
        self._per_unit = 1.0 / width
        self._shift = first + 1.0 - low / width
        self._first, self._last = first, first + (BINS + 1.0)
        self._place = np.empty((low.size, draws), dtype=np.intp)
        self._extreme = np.empty((2, low.size))

    def add(self, cells: FloatArray) -> None:
        """
        Count the cells of a block.

        Parameters
        ----------
        cells : ndarray, shape (histogram, draw)
            Overwritten.
        """
        found = self._histograms
        lowest, highest = self._extreme
        np.minimum(found.lowest, cells.min(axis=1, out=lowest), out=found.lowest)
        np.maximum(found.highest, cells.max(axis=1, out=highest), out=found.highest)
        cells *= self._per_unit
        cells += self._shift
        np.maximum(cells, self._first, out=cells)
        np.minimum(cells, self._last, out=cells)
        np.copyto(self._place, cells, casting="unsafe")
        np.add.at(found.counts.reshape(-1), self._place.reshape(-1), 1)
