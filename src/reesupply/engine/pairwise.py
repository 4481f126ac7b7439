"""
Sums of lanes that have the same bits however the lanes were grouped.

Floating-point sums depend on their order. Here the order is a binary tree on lane numbers: lanes
2k and 2k + 1 are added first, then pairs of such pairs. Any run of lanes is a few nodes of this
tree, whoever summed them, and a node is added to its neighbour only. The rounding error of such a
sum grows with the logarithm of the number of lanes.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Additive", "Node", "Pairwise"]


class Additive(Protocol):
    """What can take up the sum of later lanes."""

    def add(self, other: Any, /) -> None:
        """Add the sum of later lanes to this one."""


T = TypeVar("T", bound=Additive)


class Node(NamedTuple, Generic[T]):
    """Sum of ``lanes`` lanes from ``first`` on: a power of two, and `first` is a multiple of it."""

    first: int
    lanes: int
    value: T


class Pairwise(Generic[T]):
    """
    Sum of consecutive lanes, as the largest nodes that are complete.

    Attributes
    ----------
    nodes : list of Node
        In the order of their lanes, at most two for each power of two.
    """

    def __init__(self, nodes: Iterable[Node[T]] = ()) -> None:
        self.nodes: list[Node[T]] = []
        for node in nodes:
            self.add(node)

    def add(self, node: Node[T]) -> None:
        """Add the node that follows; sums that it completes are made in place."""
        while self.nodes:
            first, lanes, value = self.nodes[-1]
            if lanes != node.lanes or first % (2 * lanes):
                break
            value.add(node.value)
            node = Node(first, 2 * lanes, value)
            self.nodes.pop()
        self.nodes.append(node)

    def total(self) -> T:
        """Return the sum of all lanes; the nodes stay as they are."""
        first, *later = self.nodes
        total = copy.deepcopy(first.value)
        for node in later:
            total.add(node.value)
        return total
