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
    feed: FloatArray, capacity: FloatArray, recovery: FloatArray, network: Network
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

    Returns
    -------
    Refined
        ``feed`` summed to any year equals ``taken`` summed to it plus ``stock`` at its end.
    """
    # no limit is a number beyond any feed, so that shares of it stay finite
    limit = 1e9 * (1.0 + feed.sum(axis=(0, 1)))
    capacity = np.minimum(capacity, limit)
    taken, separated = np.empty_like(feed), np.empty_like(feed)
    stock, abroad = np.empty_like(feed), np.empty_like(feed)
    throughput = np.empty_like(capacity)
    held = np.zeros_like(feed[:, 0])
    for year in range(feed.shape[1]):
        step = _Year(held + feed[:, year], capacity[:, year].copy(), recovery, network)
        step.serve_contracts()
        step.pool()
        step.send_abroad()
        taken[:, year] = held + feed[:, year] - step.left
        separated[:, year], abroad[:, year] = step.separated, step.abroad
        throughput[:, year] = step.used
        held = step.left
        stock[:, year] = held
    return Refined(taken, separated, throughput, stock, abroad)


class _Year:
    """The allocation of one year, step by step; arrays (mine, draw) and (refinery, draw)."""

    def __init__(
        self, offered: FloatArray, free: FloatArray, recovery: FloatArray, network: Network
    ) -> None:
        self.left, self.free = offered, free
        self.separated = np.zeros_like(offered)
        self.abroad = np.zeros_like(offered)
        # counted: capacity less what is free would lose its digits where there is no limit
        self.used = np.zeros_like(free)
        self._recovery, self._network = recovery, network

    def serve_contracts(self) -> None:
        """Each refinery takes from its mines pro rata, rank by rank of contract."""
        refineries = np.arange(self.free.shape[0])
        for contract in self._network.contracts:
            # one row per refinery: 1 for the mines that it has under contract at this rank
            member = (contract == refineries[:, np.newaxis]).astype(np.float64)
            offered = member @ self.left
            filled = np.minimum(self.free, offered)
            moved = self.left * (member.T @ _ratio(filled, offered))
            self._credit(moved * (member.T @ self._recovery), member)
            self.free -= filled
            self.used += filled
            self.left = self.left - moved

    def pool(self) -> None:
        """Share what is left with the free capacity of the bloc."""
        network = self._network
        for bloc in np.unique(network.mine_bloc):
            mines, plants = network.mine_bloc == bloc, network.refinery_bloc == bloc
            feed, free = self.left[mines].sum(axis=0), self.free[plants].sum(axis=0)
            total = np.minimum(free, feed)
            moved = self.left[mines] * _ratio(total, feed)
            filled = self.free[plants] * _ratio(total, free)
            recovery = _ratio((filled * self._recovery[plants]).sum(axis=0), filled.sum(axis=0))
            self.separated[mines] += moved * recovery
            self.left[mines] -= moved
            self.free[plants] -= filled
            self.used[plants] += filled

    def send_abroad(self) -> None:
        """Send what may leave to the destination."""
        network = self._network
        moved = np.where(network.may_leave[:, np.newaxis], self.left, 0.0)
        moved[network.mine_bloc == network.refinery_bloc[network.destination]] = 0.0
        offered = moved.sum(axis=0)
        filled = np.minimum(self.free[network.destination], offered)  # less than offered if shut
        moved *= _ratio(filled, offered)
        oxide = moved * self._recovery[network.destination]
        self.separated += oxide
        self.abroad += oxide
        self.free[network.destination] -= filled
        self.used[network.destination] += filled
        self.left = self.left - moved

    def _credit(self, oxide: FloatArray, member: FloatArray) -> None:
        self.separated += oxide
        network = self._network
        plant_bloc = member.T @ network.refinery_bloc.astype(np.float64)
        crosses = (plant_bloc != network.mine_bloc) & (member.sum(axis=0) > 0.0)
        self.abroad[crosses] += oxide[crosses]


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)
