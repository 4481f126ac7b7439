"""Uniform numbers to normal ones, and these to values of cells."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from reesupply.distributions.normal_lines import lines
from reesupply.distributions.table import Z_MAX

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.quantiles import Steps, Tables

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["normal_quantile", "read_steps", "read_tables"]


def normal_quantile(
    uniform: FloatArray,
    out: FloatArray,
    *,
    place: IntArray,
    work: FloatArray,
    scale: float = 1.0,
) -> FloatArray:
    """Stand for `reesupply.distributions.normal_lines.normal_quantile`."""
    from scipy.special import ndtri

    del work
    found = _by_lines(uniform, _pairs(scale), out, place)
    ends = place.reshape(-1)[:found]
    out.put(ends, ndtri(uniform.take(ends)) * scale)
    return out


@lru_cache(maxsize=8)
def _pairs(scale: float) -> FloatArray:
    """Value at zero and slope side by side: one place in memory for each number, and one for 1."""
    return np.append(np.stack(lines(scale), axis=1), [[np.nan, 0.0]], axis=0)


@njit(nogil=True, cache=True)
def _by_lines(uniform: Any, pairs: Any, out: Any, ends: Any) -> Any:
    """Read the lines, write where there is none, and return how many these are."""
    u, z, at = uniform.reshape(-1), out.reshape(-1), ends.reshape(-1)
    per_uniform, flat = float(len(pairs) - 1), pairs.reshape(-1)
    for i in range(len(u)):
        # an index without sign: numba need not ask whether it counts from the end
        cell = np.uint64(2) * np.uint64(np.int64(u[i] * per_uniform))
        z[i] = flat[cell] + flat[cell + np.uint64(1)] * u[i]
    found = 0
    for i in range(len(z)):
        at[found] = i
        found += np.isnan(z[i])
    return found


def read_tables(tables: Tables, z: FloatArray, rows: slice) -> FloatArray:
    """Stand for `reesupply.engine.quantiles.Tables.__call__`."""
    first, last, per_z, top = (
        each[rows, 0] for each in (tables.first, tables.last, tables.per_z, tables.top)
    )
    _read(z, first, last, per_z, top, tables.values, tables.steps)
    return z


@njit(nogil=True, cache=True)
def _read(z: Any, first: Any, last: Any, per_z: Any, top: Any, values: Any, steps: Any) -> None:
    for row in range(len(z)):
        own = z[row]
        for d in range(len(own)):
            place = min(max((own[d] + Z_MAX) * per_z[row], 0.0), last[row])
            node = np.int64(place) if not np.isnan(place) else 0  # NaN stays in the fraction
            at = np.uint64(first[row] + node)
            own[d] = min((place - node) * steps[at] + values[at], top[row])


def read_steps(cells: Steps, z: FloatArray, rows: slice) -> FloatArray:
    """Stand for `reesupply.engine.quantiles.Steps.__call__`."""
    for own, (edges, values) in zip(z, cells.cells[rows], strict=True):
        _step(own, edges, values)
    return z


@njit(nogil=True, cache=True)
def _step(z: Any, edges: Any, values: Any) -> None:
    """Count the edges below, which is quicker than a search as long as they are few."""
    for d in range(len(z)):
        below = 0
        for edge in range(len(edges)):
            below += not z[d] <= edges[edge]
        z[d] = values[below]
