"""Sums over lanes as a tree: the same bits in any grouping, and less rounding than in a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reesupply.engine.pairwise import Node, Pairwise


@dataclass
class Number:
    """A float that takes up another."""

    value: float

    def add(self, other: Number) -> None:
        """Add in floating point."""
        self.value += other.value


def numbers(count: int) -> list[float]:
    """Return numbers of very different sizes, whose sum depends on the order."""
    rng = np.random.default_rng(count)
    return [float(x) for x in rng.normal(size=count) * 10.0 ** rng.integers(-8, 8, count)]


def tree(values: list[float], first: int, last: int) -> Pairwise[Number]:
    """Sum lanes ``first`` to ``last - 1``."""
    return Pairwise(Node(lane, 1, Number(values[lane])) for lane in range(first, last))


@given(st.data())
def test_any_grouping_has_the_same_bits(data: st.DataObject) -> None:
    """Wherever a run is cut into units, and units into units, the total is the same number."""
    count = data.draw(st.integers(1, 200))
    cuts = data.draw(st.sets(st.integers(1, count), max_size=12))
    values = numbers(count)
    edges = [0, *sorted(cuts - {count}), count]
    together: Pairwise[Number] = Pairwise()
    for first, last in pairwise(edges):
        for node in tree(values, first, last).nodes:
            together.add(node)
    alone = tree(values, 0, count)
    assert together.total().value == alone.total().value
    assert [node[:2] for node in together.nodes] == [node[:2] for node in alone.nodes]


def test_the_order_would_matter() -> None:
    """The numbers of these tests tell orders apart, or the test above would show nothing."""
    values = numbers(100)
    assert sum(values) != tree(values, 0, 100).total().value


@pytest.mark.parametrize(
    ("first", "last", "count"), [(0, 64, 1), (64, 96, 1), (0, 7, 3), (1, 8, 3)]
)
def test_an_aligned_unit_is_one_node(first: int, last: int, count: int) -> None:
    """So one sum travels for a unit of any length, and few for any other range."""
    nodes = tree(numbers(100), first, last).nodes
    assert len(nodes) == count
    assert sum(node.lanes for node in nodes) == last - first
    assert all(node.first % node.lanes == 0 for node in nodes)


def test_the_total_leaves_the_nodes() -> None:
    """It can be asked for while lanes still come."""
    values = numbers(13)
    found = tree(values, 0, 11)
    for _ in range(3):
        before = found.total().value
    assert before == tree(values, 0, 11).total().value
    for lane in (11, 12):
        found.add(Node(lane, 1, Number(values[lane])))
    assert found.total().value == tree(values, 0, 13).total().value


def test_rounding_grows_slowly() -> None:
    """A sum of 100,000 equal parts is nearer to the exact one than a sum one after another."""
    values = [0.1] * 100_000
    exact = math.fsum(values)
    assert abs(tree(values, 0, len(values)).total().value - exact) <= 1e-11
    running = 0.0
    for value in values:
        running += value
    assert abs(running - exact) > 1e-9
