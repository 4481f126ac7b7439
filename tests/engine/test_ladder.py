"""A distribution as a line of steps, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reesupply.engine.ladder import Ladder

#: Four draws spread over 0 to 2, none over 2 to 3, two from 3 to 4; three draws of exactly 1.
LADDER = Ladder.of(
    np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 0.0, 2.0]), [(1.0, 3.0)]
)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (0.0, 0.0),
        (1.0, 0.5),
        (2.0, 1.0),
        (4.9, 1.0),
        (5.0, 1.0),
        (6.0, 1.5),
        (8.0, 3.5),
        (9.0, 4.0),
    ],
)
def test_quantile(wanted: float, value: float) -> None:
    """Three of nine draws are 1."""
    assert LADDER.quantile(wanted) == value


@pytest.mark.parametrize(
    ("value", "below", "upto"),
    [
        (-1.0, 0.0, 0.0),
        (0.5, 1.0, 1.0),
        (1.0, 2.0, 5.0),
        (2.5, 7.0, 7.0),
        (4.0, 9.0, 9.0),
        (5, 9, 9),
    ],
)
def test_count(value: float, below: float, upto: float) -> None:
    """Draws below a value, and up to it."""
    assert LADDER.count(value) == below
    assert LADDER.count(value, inclusive=True) == upto


@pytest.mark.parametrize(
    ("wanted", "total"), [(1.0, 0.25), (2.0, 1.0), (4.0, 3.0), (7.0, 7.0), (9.0, 14.0)]
)
def test_lowest(wanted: float, total: float) -> None:
    """Sums of the lowest draws: two about 0.5, three of 1, two about 1.5, two about 3.5."""
    assert LADDER.lowest(wanted) == pytest.approx(total)


def test_all_draws_at_one_value() -> None:
    """A constant, as an atom alone."""
    found = Ladder.of(np.zeros(3), np.zeros(2), [(0.0, 5.0)])
    assert [found.quantile(wanted) for wanted in (0.0, 2.0, 5.0)] == [0.0, 0.0, 0.0]
    assert (found.count(0.0), found.count(0.0, inclusive=True)) == (0.0, 5.0)
    assert found.lowest(3.0) == 0.0
