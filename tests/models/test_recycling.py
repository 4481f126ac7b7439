"""Scrap and goods at the end of life: limits that cannot be passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.recycling import end_of_life, new_scrap

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


@given(
    gross=arrays(SHAPE),
    yield_=arrays((3, 2), st.floats(0.3, 1.0)),
    recovery=arrays((2, 3, 2), SHARES),
)
def test_new_scrap_is_the_recovered_loss(
    gross: FloatArray, yield_: FloatArray, recovery: FloatArray
) -> None:
    """
    Gross x (1 - yield) x recovery, cell by cell, never more than the loss of making, so that
    gross = finished goods + loss and gross less new scrap is no less than what is in the goods.
    """
    scrap = new_scrap(gross, yield_, recovery)
    for bloc, element, year, draw in np.ndindex(*SHAPE):
        expected = gross[bloc, element, year, draw] * (1.0 - yield_[year, draw])
        expected *= recovery[bloc, year, draw]
        np.testing.assert_allclose(scrap[bloc, element, year, draw], expected, rtol=1e-13)
    finished, loss = gross * yield_, gross * (1.0 - yield_)
    assert (scrap >= 0.0).all()
    assert (scrap <= loss * (1.0 + 1e-12)).all()
    assert (gross - scrap >= finished * (1.0 - 1e-12)).all()


def test_new_scrap_of_1000_tonnes() -> None:
    """1,000 t at a yield of 0.72 lose 280; with 71 % recovered 198.8 t come back."""
    scrap = new_scrap(np.full((1, 1, 1, 1), 1000.0), np.array([[0.72]]), np.array([[[0.71]]]))
    np.testing.assert_allclose(scrap, 198.8, rtol=1e-12)


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
