"""Allocation of feed to refineries: some draws at a time, from the first year to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from reesupply.models.refining import Network, Refined

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["refine"]

#: Draws at a time; what belongs to them in one year stays in the second-level cache.
_TILE = 512
#: A whole below it has no part that counts.
_NOTHING = 1e-30


def refine(
    feed: FloatArray,
    capacity: FloatArray,
    recovery: FloatArray,
    network: Network,
    *,
    out: Refined | None = None,
) -> Refined:
    """Stand for `reesupply.models.refining.refine`."""
    if out is None:
        taken, separated, stock, abroad = (np.empty(feed.shape) for _ in range(4))
        out = Refined(taken, separated, np.empty(capacity.shape), stock, abroad)
    contracts = np.array(network.contracts, dtype=np.intp)
    _refine(
        np.ascontiguousarray(feed),
        np.ascontiguousarray(capacity),
        np.ascontiguousarray(recovery),
        contracts.reshape(len(network.contracts), len(feed)),
        np.asarray(network.mine_bloc, dtype=np.intp),
        np.asarray(network.refinery_bloc, dtype=np.intp),
        np.asarray(network.may_leave, dtype=np.bool_),
        int(network.destination),
        (out.taken, out.separated, out.stock, out.abroad),
        out.throughput,
    )
    return out


@njit(nogil=True, cache=True)
def _refine(
    feed: Any,
    capacity: Any,
    recovery: Any,
    contracts: Any,
    mine_bloc: Any,
    plant_bloc: Any,
    may_leave: Any,
    to: Any,
    by_mine: Any,
    throughput: Any,
) -> None:
    mines, years, draws = feed.shape
    plants = len(capacity)
    mine, plant, sums = (
        np.empty((3, mines, _TILE)),
        np.empty((3, plants, _TILE)),
        np.empty((4, _TILE)),
    )
    left, made, away = mine[0], mine[1], mine[2]
    free, used, works = plant[0], plant[1], plant[2]
    taken, separated, stock, abroad = by_mine
    leaves = may_leave & (mine_bloc != plant_bloc[to])
    limit = np.empty(_TILE)
    for start in range(0, draws, _TILE):
        n = min(_TILE, draws - start)
        some = slice(start, start + n)
        _limit(feed[:, :, some], limit)
        works[:, :n] = recovery[:, some]
        left[:] = 0.0
        for year in range(years):
            made[:], away[:], used[:] = 0.0, 0.0, 0.0
            _offer(feed[:, year, some], left, taken[:, year, some])
            for r in range(plants):
                room, can = free[r], capacity[r, year, some]
                for d in range(n):
                    room[d] = min(can[d], limit[d])
            for contract in contracts:
                for r in range(plants):
                    takes = contract == r
                    if takes.any():
                        crosses = mine_bloc != plant_bloc[r]
                        _take(
                            n, left, takes, crosses, free[r], used[r], works[r], made, away, sums[0]
                        )
            for bloc in np.unique(mine_bloc):
                _pool(n, left, mine_bloc == bloc, free, used, works, plant_bloc == bloc, made, sums)
            _take(n, left, leaves, leaves, free[to], used[to], works[to], made, away, sums[0])
            for m in range(mines):
                offered, held = taken[m, year, some], left[m]
                for d in range(n):
                    offered[d] -= held[d]
            stock[:, year, some] = left[:, :n]
            separated[:, year, some] = made[:, :n]
            abroad[:, year, some] = away[:, :n]
            throughput[:, year, some] = used[:, :n]


@njit(nogil=True, cache=True)
def _limit(feed: Any, limit: Any) -> None:
    """No limit is a number beyond any feed, so that shares of it stay finite."""
    limit[:] = 0.0
    for m in range(feed.shape[0]):
        for year in range(feed.shape[1]):
            for d in range(feed.shape[2]):
                limit[d] += feed[m, year, d]
    for d in range(len(limit)):
        limit[d] = 1e9 * (1.0 + limit[d])


@njit(nogil=True, cache=True)
def _offer(feed: Any, left: Any, taken: Any) -> None:
    """Add what was dug to what is left; all of it counts as taken until the year is over."""
    for m in range(len(feed)):
        came, held, offered = feed[m], left[m], taken[m]
        for d in range(len(came)):
            held[d] += came[d]
            offered[d] = held[d]


@njit(nogil=True, cache=True)
def _sum(n: Any, every: Any, chosen: Any, total: Any) -> None:
    """Sum some rows."""
    total[:] = 0.0
    for row in range(len(every)):
        if chosen[row]:
            for d in range(n):
                total[d] += every[row, d]


@njit(nogil=True, cache=True)
def _take(
    n: Any,
    left: Any,
    takes: Any,
    crosses: Any,
    free: Any,
    used: Any,
    works: Any,
    made: Any,
    away: Any,
    part: Any,
) -> None:
    """One refinery takes from some mines pro rata."""
    _sum(n, left, takes, part)
    for d in range(n):
        filled = min(free[d], part[d])
        free[d] -= filled
        used[d] += filled
        part[d] = filled / max(part[d], _NOTHING)
    for m in range(len(left)):
        if takes[m]:
            for d in range(n):
                moved = part[d] * left[m, d]
                left[m, d] -= moved
                moved *= works[d]
                made[m, d] += moved
                if crosses[m]:
                    away[m, d] += moved


@njit(nogil=True, cache=True)
def _pool(
    n: Any,
    left: Any,
    mines: Any,
    free: Any,
    used: Any,
    works: Any,
    plants: Any,
    made: Any,
    sums: Any,
) -> None:
    """Share what is left with the free capacity of a bloc."""
    feed, room, filled, share = sums[0], sums[1], sums[2], sums[3]
    _sum(n, left, mines, feed)
    _sum(n, free, plants, room)
    filled[:], share[:] = 0.0, 0.0
    for d in range(n):
        total = min(room[d], feed[d])
        room[d] = total / max(room[d], _NOTHING)
        feed[d] = total / max(feed[d], _NOTHING)
    for r in range(len(free)):
        if plants[r]:
            for d in range(n):
                part = free[r, d] * room[d]
                free[r, d] -= part
                used[r, d] += part
                filled[d] += part
                share[d] += part * works[r, d]
    for d in range(n):
        share[d] /= max(filled[d], _NOTHING)
    for m in range(len(left)):
        if mines[m]:
            for d in range(n):
                moved = left[m, d] * feed[d]
                left[m, d] -= moved
                made[m, d] += moved * share[d]
