"""Counting of draws in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from reesupply.engine.layout import BINS, to_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["count"]


def count(
    cells: FloatArray,
    low: FloatArray,
    scale: FloatArray,
    base: FloatArray,
    counts: npt.NDArray[np.integer],
    units: IntArray | None = None,
) -> tuple[IntArray, FloatArray]:
    """Stand for `reesupply.engine.histograms.count`."""
    flat, draws = counts.reshape(-1), cells.shape[1]
    amount = np.ones(1, dtype=counts.dtype) if units is None else units
    beyond = _within(cells, low, scale, base, amount, flat)
    outside, at = np.empty(beyond, dtype=np.int64), np.empty(beyond)
    if not beyond:
        return outside, at
    _elsewhere(cells, low, scale, outside, at)
    _, far = to_columns(at)
    row, draw = np.divmod(outside, draws)
    at += base[row]
    np.add.at(flat, at.astype(np.int64), amount[0] if units is None else units[draw])
    return outside, far


@njit(nogil=True, cache=True)
def _within(cells: Any, low: Any, scale: Any, base: Any, amount: Any, flat: Any) -> Any:
    """Count what lies in the even bins, and return how many draws do not."""
    beyond, step = 0, 1 if len(amount) > 1 else 0
    for row in range(len(cells)):
        own = cells[row]
        for d in range(len(own)):
            at = (own[d] - low[row]) * scale[row]
            if at >= 0.0 and at < BINS:
                flat[np.uint64(np.int64(at + base[row]))] += amount[d * step]
            else:
                beyond += 1
    return beyond


@njit(nogil=True, cache=True)
def _elsewhere(cells: Any, low: Any, scale: Any, outside: Any, far: Any) -> None:
    """Write which draws lie beyond the even bins, and their distance from the lowest edge."""
    found, draws = 0, cells.shape[1]
    for row in range(len(cells)):
        for d in range(draws):
            at = (cells[row, d] - low[row]) * scale[row]
            if not (at >= 0.0 and at < BINS):
                outside[found], far[found] = row * draws + d, at
                found += 1
