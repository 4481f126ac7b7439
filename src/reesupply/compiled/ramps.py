"""Yearly averages of ramps, and the output of many plants together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.models.rampup import RampTable
    from reesupply.models.rampup.rows import RampRows

    FloatArray = npt.NDArray[np.float64]

__all__ = ["ramp_average", "ramp_total"]


def ramp_average(
    table: RampTable,
    first_feed: FloatArray,
    klass: npt.NDArray[np.integer],
    plateau: npt.ArrayLike,
    years: npt.ArrayLike,
    out: FloatArray | None = None,
) -> FloatArray:
    """Stand for `reesupply.models.rampup.RampTable.average`."""
    start = np.asarray(first_feed, dtype=np.float64)
    if start.ndim != 2:
        return table.average(first_feed, klass, plateau, years, out)
    calendar, result = table.checked(start, klass, years, out)
    classes = np.ascontiguousarray(np.broadcast_to(klass, start.shape), dtype=np.intp)
    level = np.ascontiguousarray(np.broadcast_to(plateau, start.shape), dtype=np.float64)
    per_year = 12 * table.cells_per_month
    _average(start, classes, level, int(calendar[0]), per_year, table.value, result)
    return result


@njit(nogil=True, cache=True)
def _average(
    start: Any, klass: Any, level: Any, first_year: Any, per_year: Any, value: Any, out: Any
) -> None:
    plants, draws = start.shape
    years, last = out.shape[1], value.shape[1] - 1
    flat = value.reshape(-1)
    cell, fraction = np.empty(draws, np.int64), np.empty(draws)
    for p in range(plants):
        for d in range(draws):
            # position in the table on 1 January of the first year; far outside is as the edge
            place = (first_year - start[p, d]) * float(per_year) + (per_year + 1)
            place = min(max(place, -float(per_year) * years), last + 1.0)
            cell[d] = np.int64(np.floor(place)) if not np.isnan(place) else 0
            fraction[d] = place - cell[d]  # NaN stays here
        for y in range(years):
            for d in range(draws):
                at = min(max(cell[d], 0), last)
                low = klass[p, d] * (last + 1)
                share = flat[np.uint64(low + at)]
                rise = flat[np.uint64(low + min(at + 1, last))] - share
                out[p, y, d] = (share + rise * fraction[d]) * level[p, d]
                cell[d] += per_year


def ramp_total(rows: RampRows, first_feed: FloatArray, plateau: FloatArray) -> FloatArray:
    """Stand for `reesupply.models.rampup.rows.RampRows.total`."""
    out = np.empty(rows.shape)
    _total(
        first_feed, plateau, rows.rows, rows.offset[:, 0], rows.nameplate[:, :, 0, 0],
        rows.per_year, rows.first, rows.last, out,
    )  # fmt: skip
    return out


@njit(nogil=True, cache=True)
def _total(
    first_feed: Any,
    plateau: Any,
    rows: Any,
    offset: Any,
    nameplate: Any,
    per_year: Any,
    first: Any,
    last: Any,
    out: Any,
) -> None:
    plants, draws = first_feed.shape
    elements, _, years = out.shape
    total, made = np.empty((elements, years)), np.empty(years)
    for d in range(draws):
        total[:] = 0.0
        for p in range(plants):
            place = min(max(first_feed[p, d] * per_year - first, 0.0), last)
            cell = np.int64(place) if not np.isnan(place) else 0
            fraction, level = place - cell, plateau[p, d]
            now, after = rows[offset[p] + cell], rows[offset[p] + cell + 1]
            for y in range(years):
                made[y] = level * (now[y] + fraction * (after[y] - now[y]))
            for e in range(elements):
                size = nameplate[p, e]
                for y in range(years):
                    total[e, y] += size * made[y]
        for e in range(elements):
            for y in range(years):
                out[e, d, y] = total[e, y]
