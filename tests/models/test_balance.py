"""The balance: one sum, the same deficit on every basis, and what accumulates of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.balance import balance, surplus_stock

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

SHAPE = (2, 2, 4, 3)  # bloc, element, year, draw
TONNES = st.floats(0.0, 1e4)


def four(n: int = 4) -> st.SearchStrategy[FloatArray]:
    """Draw refined supply, new scrap, end of life and demand in one array."""
    return hnp.arrays(np.float64, (n, *SHAPE), elements=TONNES)


def balances(elements: st.SearchStrategy[float]) -> st.SearchStrategy[FloatArray]:
    """Draw a balance (element, year, draw)."""
    return hnp.arrays(np.float64, SHAPE[1:], elements=elements)


@given(four())
def test_the_balance_is_supply_less_demand(arrays: FloatArray) -> None:
    """Cell by cell, over both blocs."""
    result = balance(*arrays)
    assert result.shape == SHAPE[1:]
    for element, year, draw in np.ndindex(*SHAPE[1:]):
        refined, scrap, back, demand = arrays[:, :, element, year, draw].sum(axis=1)
        expected = refined + scrap + back - demand
        np.testing.assert_allclose(result[element, year, draw], expected, rtol=0.0, atol=1e-9)


def test_a_deficit_is_negative() -> None:
    """2,500 + 300 refined, 600 scrap, 300 back, demand of 4,000 + 500: 800 t are missing."""

    def blocs(china: float, outside: float) -> FloatArray:
        return np.array([china, outside]).reshape(2, 1, 1, 1)

    result = balance(blocs(2500, 300), blocs(600, 0), blocs(250, 50), blocs(4000, 500))
    np.testing.assert_array_equal(result, [[[-800.0]]])


@given(four())
def test_every_basis_has_the_same_deficit(arrays: FloatArray) -> None:
    """
    Gross: all supply against gross demand. Net: mines and end of life against demand less new
    scrap. Primary: mines against demand less all that is recycled.
    """
    refined, scrap, back, demand = arrays
    gross = balance(refined, scrap, back, demand)
    none = np.zeros(SHAPE)
    net = balance(refined, none, back, demand - scrap)
    primary = balance(refined, none, none, demand - scrap - back)
    np.testing.assert_allclose(gross, net, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(gross, primary, rtol=0.0, atol=1e-9)


@given(four(6))
def test_the_basis_is_one_whatever_the_yield(arrays: FloatArray) -> None:
    """
    The same built from end uses: finished goods of two uses, of which one loses a share in making
    and has a share of the loss recovered.
    """
    refined, lossy, lossless, back, loss, recovery = arrays
    loss, recovery = 0.5 * loss / 1e4, recovery / 1e4
    bought = lossy / (1.0 - loss)
    scrap = bought * loss * recovery
    gross = balance(refined, scrap, back, bought + lossless)
    # net of recovered scrap, makers need what is in the goods and what is lost for good
    needed = lossy + bought * loss * (1.0 - recovery) + lossless
    net = balance(refined, np.zeros(SHAPE), back, needed)
    primary = (refined - (needed - back)).sum(axis=0)
    np.testing.assert_allclose(gross, net, rtol=0.0, atol=1e-8)
    np.testing.assert_allclose(gross, primary, rtol=0.0, atol=1e-8)


def test_a_stock_of_surpluses_by_hand() -> None:
    """+100, +50, -200, -10, +30: 100, 150, 0, 0, 30 t in store; no debt is carried on."""
    stock = surplus_stock(np.array([[[100.0], [50.0], [-200.0], [-10.0], [30.0]]]))
    np.testing.assert_array_equal(stock[0, :, 0], [100.0, 150.0, 0.0, 0.0, 30.0])


@given(balances(st.floats(-1e4, 1e4)))
def test_a_stock_is_never_negative(yearly: FloatArray) -> None:
    """
    And it is the cumulative balance less its least value so far, or zero: the reflection of the
    sum at an empty store.
    """
    before = yearly.copy()
    stock = surplus_stock(yearly)
    np.testing.assert_array_equal(yearly, before)
    assert (stock >= 0.0).all()
    total = np.cumsum(yearly, axis=1)
    lowest = np.minimum(np.minimum.accumulate(total, axis=1), 0.0)
    np.testing.assert_allclose(stock, total - lowest, rtol=0.0, atol=1e-9)


@given(balances(TONNES))
def test_without_deficits_a_stock_is_the_sum(yearly: FloatArray) -> None:
    """Cumulative while nothing is missing."""
    np.testing.assert_allclose(surplus_stock(yearly), np.cumsum(yearly, axis=1), rtol=1e-13)


def test_what_is_missing_is_not_called_a_stock() -> None:
    """NaN stays NaN."""
    assert np.isnan(surplus_stock(np.full((1, 2, 1), np.nan))).all()
