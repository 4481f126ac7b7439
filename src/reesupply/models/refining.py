"""
From concentrate to separated oxide: who separates which mine's feed, year by year.

In each year a mine offers what it dug and what nobody took before. Refineries under contract come
first, in the mine's order of contract, each dividing what it can take in proportion to what its
mines offer. What is left is pooled over the bloc and shared in proportion to feed and to free
capacity. Concentrate that may leave then goes to China, to a plant that has no limit unless an
outage sets one. What nobody takes is a stock of the mine, offered again next year.

Feed is measured as oxide in concentrate, all elements together; a feed keeps its element ratio.
Recovery is applied here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["Network", "Refined", "refine"]

#: A whole below it has no part that counts.
_NOTHING = 1e-30


@dataclass(frozen=True, slots=True)
class Network:
    """
    Who may deliver to whom.

    Attributes
    ----------
    contracts : tuple of ndarray, each shape (mine,)
        By rank of contract: index of the refinery, or -1 where a mine has no contract of the rank.
    mine_bloc, refinery_bloc : ndarray of int
        Bloc of each mine and refinery; pools are formed within a bloc.
    may_leave : ndarray of bool, shape (mine,)
        Whether what is left may go to `destination`.
    destination : int
        Index of the refinery, in China, that takes what may leave, up to its capacity.
    """

    contracts: tuple[IntArray, ...]
    mine_bloc: IntArray
    refinery_bloc: IntArray
    may_leave: BoolArray
    destination: int


@dataclass(frozen=True, slots=True)
class Refined:
    """
    What became of the feed.

    Attributes
    ----------
    taken : ndarray, shape (mine, year, draw)
        Oxide in concentrate that was processed [t/yr].
    separated : ndarray, shape (mine, year, draw)
        Separated oxide traced to the mine [t/yr].
    throughput : ndarray, shape (refinery, year, draw)
        Oxide in concentrate that each refinery processed [t/yr].
    stock : ndarray, shape (mine, year, draw)
        Concentrate that nobody took, at the end of the year [t of oxide in it].
    abroad : ndarray, shape (mine, year, draw)
        Separated oxide of a mine that was separated outside its own bloc [t/yr].
    """

    taken: FloatArray
    separated: FloatArray
    throughput: FloatArray
    stock: FloatArray
    abroad: FloatArray


def refine(
    feed: FloatArray,
    capacity: FloatArray,
    recovery: FloatArray,
    network: Network,
    *,
    out: Refined | None = None,
) -> Refined:
    """
    Allocate feed to refineries, year after year.

    Parameters
    ----------
    feed : ndarray, shape (mine, year, draw)
        Oxide in concentrate dug in the year [t/yr].
    capacity : ndarray, shape (refinery, year, draw)
        Feed that a refinery can take [t/yr of oxide in concentrate]; infinity is no limit.
    recovery : ndarray, shape (refinery, draw)
        Separated oxide per oxide in feed.
    network : Network
        Contracts and blocs.
    out : Refined, optional
        Of the same shapes; its arrays are written again.

    Returns
    -------
    Refined
        ``feed`` summed to any year equals ``taken`` summed to it plus ``stock`` at its end.
    """
    # no limit is a number beyond any feed, so that shares of it stay finite
    limit = 1e9 * (1.0 + feed.sum(axis=(0, 1)))
    free = np.minimum(capacity, limit)
    routes = _routes(network, recovery)
    if out is None:
        taken, separated, stock, abroad = (np.empty_like(feed) for _ in range(4))
        out = Refined(taken, separated, np.empty_like(free), stock, abroad)
    for added_to in (out.separated, out.throughput, out.abroad):
        added_to[...] = 0.0
    held = np.zeros_like(feed[:, 0])
    for year in range(feed.shape[1]):
        offered = held + feed[:, year]
        left = out.stock[:, year]
        left[...] = offered
        step = _Year(
            left,
            free[:, year],
            out.separated[:, year],
            out.abroad[:, year],
            out.throughput[:, year],
            recovery,
        )
        for route in routes:
            step.serve(route)
        for bloc in np.unique(network.mine_bloc):
            step.pool(np.flatnonzero(network.mine_bloc == bloc), network.refinery_bloc == bloc)
        step.send_abroad(network)
        np.subtract(offered, left, out=out.taken[:, year])
        held = left
    return out


@dataclass(frozen=True, slots=True)
class _Route:
    """The contracts of one rank."""

    mines: IntArray  # those that have one
    plants: IntArray  # those that are in one
    plant_of: IntArray  # of each mine, its place in `plants`
    member: FloatArray  # (plant, mine): 1 where the plant has the mine under contract
    recovery: FloatArray  # (mine, draw), of the plant of each mine
    crosses: IntArray  # places in `mines` of those whose plant is in another bloc


def _routes(network: Network, recovery: FloatArray) -> list[_Route]:
    routes = []
    for contract in network.contracts:
        mines = np.flatnonzero(contract >= 0)
        if not mines.size:
            continue
        to = contract[mines]
        plants, plant_of = np.unique(to, return_inverse=True)
        member = (to == plants[:, np.newaxis]).astype(recovery.dtype)
        crosses = np.flatnonzero(network.refinery_bloc[to] != network.mine_bloc[mines])
        routes.append(_Route(mines, plants, plant_of, member, recovery[to], crosses))
    return routes


@dataclass(frozen=True, slots=True)
class _Year:
    """The allocation of one year, step by step and in place; (mine, draw) and (refinery, draw)."""

    left: FloatArray
    free: FloatArray
    separated: FloatArray
    abroad: FloatArray
    # counted: capacity less what is free would lose its digits where there is no limit
    used: FloatArray
    recovery: FloatArray

    def serve(self, route: _Route) -> None:
        """Each refinery takes from its mines pro rata."""
        left, free = self.left[route.mines], self.free[route.plants]
        offered = route.member @ left
        filled = np.minimum(free, offered)
        moved = _ratio(filled, offered)[route.plant_of]
        moved *= left
        left -= moved
        self.left[route.mines] = left
        self.free[route.plants] = free - filled
        self.used[route.plants] += filled
        moved *= route.recovery
        self.separated[route.mines] += moved
        self.abroad[route.mines[route.crosses]] += moved[route.crosses]

    def pool(self, mines: IntArray, plants: BoolArray) -> None:
        """Share what is left with the free capacity of the bloc."""
        left, free = self.left[mines], self.free[plants]
        feed, room = left.sum(axis=0), free.sum(axis=0)
        total = np.minimum(room, feed)
        filled = free * _ratio(total, room)
        moved = left * _ratio(total, feed)
        self.left[mines] = left - moved
        self.free[plants] = free - filled
        self.used[plants] += filled
        moved *= _ratio((filled * self.recovery[plants]).sum(axis=0), filled.sum(axis=0))
        self.separated[mines] += moved

    def send_abroad(self, network: Network) -> None:
        """Send what may leave to the destination, which may be shut."""
        to = network.destination
        mines = np.flatnonzero(network.may_leave & (network.mine_bloc != network.refinery_bloc[to]))
        left = self.left[mines]
        offered = left.sum(axis=0)
        filled = np.minimum(self.free[to], offered)
        moved = left * _ratio(filled, offered)
        self.left[mines] = left - moved
        self.free[to] -= filled
        self.used[to] += filled
        moved *= self.recovery[to]
        self.separated[mines] += moved
        self.abroad[mines] += moved


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide a part by its whole; 0 of nothing."""
    return np.asarray(part / np.maximum(whole, _NOTHING))
