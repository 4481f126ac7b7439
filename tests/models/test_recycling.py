"""Scrap and goods at the end of life: limits that cannot be passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.recycling import delayed, end_of_life, logistic_rise, new_scrap

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

SHAPE = (2, 2, 3, 2)  # bloc, element, year, draw
TONNES = st.one_of(st.just(0.0), st.floats(1e-6, 1e5))
SHARES = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-6, 1.0))


def arrays(
    shape: tuple[int, ...], elements: st.SearchStrategy[float] = TONNES
) -> st.SearchStrategy[FloatArray]:
    """Draw an array of floats."""
    return hnp.arrays(np.float64, shape, elements=elements)


# ----------------------------------------------------------------------------------- new scrap


@given(scrap=arrays(SHAPE), recovery=arrays((2, 3, 2), SHARES))
def test_new_scrap_is_the_recovered_share(scrap: FloatArray, recovery: FloatArray) -> None:
    """Scrap x recovery, cell by cell, never more than the scrap."""
    back = new_scrap(scrap, recovery)
    for bloc, element, year, draw in np.ndindex(*SHAPE):
        expected = scrap[bloc, element, year, draw] * recovery[bloc, year, draw]
        np.testing.assert_allclose(back[bloc, element, year, draw], expected, rtol=1e-13)
    assert (back <= scrap).all()


@given(arising=arrays((2, 5, 3)), delay=arrays((3,), SHARES))
def test_a_delay_keeps_the_mass(arising: FloatArray, delay: FloatArray) -> None:
    """What goes in comes out or is under way; no delay is no change, a year moves it by one."""
    out = delayed(arising, delay)
    under_way = arising * delay
    change = np.diff(under_way, axis=1)
    np.testing.assert_allclose(arising[:, 1:], out + change, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(delayed(arising, np.zeros(3)), arising[:, 1:])
    np.testing.assert_array_equal(delayed(arising, np.ones(3)), arising[:, :-1])


@given(
    level=arrays((4,), SHARES),
    ceiling=arrays((4,), SHARES),
    rate=arrays((4,), st.floats(0.0, 2.0)),
)
def test_collection_rises_to_its_ceiling(
    level: FloatArray, ceiling: FloatArray, rate: FloatArray
) -> None:
    """It starts at the level, never falls, stays below the ceiling and gets there."""
    share = logistic_rise(level, ceiling, rate, np.arange(12))
    np.testing.assert_allclose(share[0], level, rtol=1e-12)
    assert (np.diff(share, axis=0) >= -1e-12).all()
    top = np.where(level > 0.0, np.maximum(level, ceiling), 0.0)
    assert (share <= top * (1.0 + 1e-12)).all()
    late = logistic_rise(level, ceiling, np.full(4, 1.0), [200.0])[0]
    np.testing.assert_allclose(late, top, rtol=1e-9)


def test_logistic_by_hand() -> None:
    """From 0.1 to 0.5 at 0.2 a year: half the ceiling after ln(4)/0.2 = 6.93 years."""
    args = (np.array([0.1]), np.array([0.5]), np.array([0.2]))
    np.testing.assert_allclose(logistic_rise(*args, [np.log(4.0) / 0.2]), [[0.25]], rtol=1e-12)


# --------------------------------------------------------------------------------- end of life


@st.composite
def returns(draw: st.DrawFn) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw what a perfect collection would give, a share of it, and capacity."""
    limit = draw(arrays(SHAPE))
    capacity = draw(arrays((2, 3, 2), st.one_of(TONNES, st.just(np.inf))))
    return limit * draw(arrays(SHAPE, SHARES)), limit, capacity


@given(returns(), arrays((2, 3, 2), st.floats(0.0, 50.0)))
def test_recycling_within_all_limits(
    case: tuple[FloatArray, FloatArray, FloatArray], adjustment: FloatArray
) -> None:
    """No more than wanted, than a perfect collection, or, over elements, than the plants can."""
    recoverable, limit, capacity = case
    back = end_of_life(recoverable, limit, capacity, adjustment)
    assert (back >= 0.0).all()
    assert (back <= limit * (1.0 + 1e-12)).all()
    assert (back <= recoverable * adjustment * (1.0 + 1e-12)).all()
    assert (back.sum(axis=1) <= capacity * (1.0 + 1e-12)).all()


@given(returns())
def test_one_limit_binds(case: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    """Either all that is wanted comes back or the plants are full, and elements share alike."""
    recoverable, limit, capacity = case
    back, wanted = end_of_life(recoverable, limit, capacity), recoverable.sum(axis=1)
    expected = np.minimum(wanted, capacity)
    np.testing.assert_allclose(back.sum(axis=1), expected, rtol=1e-12, atol=0.0)
    np.testing.assert_allclose(
        back * wanted[:, np.newaxis], recoverable * expected[:, np.newaxis], rtol=1e-12, atol=0.0
    )


@given(returns())
def test_without_plants_nothing_and_without_limit_all(
    case: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    """Zero capacity gives zero, infinite capacity all that is wanted, to the bit."""
    recoverable, limit, capacity = case
    assert (end_of_life(recoverable, limit, np.zeros_like(capacity)) == 0.0).all()
    back = end_of_life(recoverable, limit, np.full_like(capacity, np.inf))
    np.testing.assert_array_equal(back, recoverable)


@given(returns(), arrays((2, 3, 2), st.floats(0.0, 1e4)))
def test_more_plants_never_recycle_less(
    case: tuple[FloatArray, FloatArray, FloatArray], more: FloatArray
) -> None:
    """Recycled oxide does not fall in capacity."""
    recoverable, limit, capacity = case
    before = end_of_life(recoverable, limit, capacity)
    after = end_of_life(recoverable, limit, capacity + more)
    assert (after >= before * (1.0 - 1e-12)).all()


def test_end_of_life_by_hand() -> None:
    """
    90 and 40 t doubled for the measured base year, but at most 150 and 80 t: 150 + 80 = 230 t.
    Plants of 115 t halve both.
    """
    recoverable = np.array([90.0, 40.0]).reshape(1, 2, 1, 1)
    limit = np.array([150.0, 80.0]).reshape(1, 2, 1, 1)
    for capacity, expected in ((500.0, [150.0, 80.0]), (115.0, [75.0, 40.0])):
        back = end_of_life(recoverable, limit, np.full((1, 1, 1), capacity), 2.0)
        np.testing.assert_allclose(back.ravel(), expected, rtol=1e-14)


def test_a_capacity_that_is_no_number_is_not_no_limit() -> None:
    """NaN in, NaN out."""
    tonnes = np.full((1, 2, 1, 1), 10.0)
    assert np.isnan(end_of_life(tonnes, tonnes, np.full((1, 1, 1), np.nan))).all()
