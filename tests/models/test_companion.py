"""Companion supply: the basket, the share of an element in it, and the answer to its price."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.companion import (
    basket_share,
    basket_value,
    by_product,
    own_price_elasticity,
    supply_response,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

POSITIVE = st.floats(1e-3, 1.0)
PRICES = st.floats(0.1, 5e3)
SHARES = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-6, 1.0))
RATIOS = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-3, 50.0))
ELASTICITIES = st.floats(0.0, 2.0)

# Assays and prices of the round order of real ones, for the arithmetic only:
# Ce+La, NdPr, Dy, Tb; USD/kg.
DECK = np.array([1.0, 60.0, 260.0, 1000.0])
BASTNAESITE = np.array([0.80, 0.16, 0.0008, 0.0002])
CLAY = np.array([0.35, 0.25, 0.035, 0.006])


def vectors(elements: st.SearchStrategy[float], size: int = 5) -> st.SearchStrategy[FloatArray]:
    """Draw one number for each element."""
    return hnp.arrays(np.float64, size, elements=elements)


# ------------------------------------------------------------------------------------ the basket


def test_a_basket_by_hand() -> None:
    """
    0.80 x 1 + 0.16 x 60 + 0.0008 x 260 + 0.0002 x 1000 = 10.808 USD/kg at full recovery, half of it
    at half; the last two are 0.408, that is 3.8 %.
    """
    by_element, total = basket_value(BASTNAESITE, DECK)
    np.testing.assert_allclose(by_element, [800.0, 9600.0, 208.0, 200.0], rtol=1e-14)
    assert total == pytest.approx(10_808.0, rel=1e-14)
    assert basket_value(BASTNAESITE, DECK, 0.5)[1] == pytest.approx(5_404.0, rel=1e-14)
    assert basket_share(by_element, (2, 3)) == pytest.approx(408.0 / 10_808.0, rel=1e-14)


def test_rock_barely_sees_the_heavy_price_and_clay_does() -> None:
    """Shares in the ranges of the judgement: 2-6 % and 40-60 %."""
    rock, clay = (basket_share(basket_value(a, DECK)[0], (2, 3)) for a in (BASTNAESITE, CLAY))
    assert 0.02 < rock < 0.06
    assert 0.40 < clay < 0.60


def test_a_light_mine_stays_open_without_a_heavy_price() -> None:
    """At a price of zero the basket is worth more than 96 % of before and output hardly falls."""
    for_nothing = np.where(np.arange(4) >= 2, 0.0, DECK)
    before, after = (basket_value(BASTNAESITE, p)[1] for p in (DECK, for_nothing))
    assert after > 0.96 * before
    share = basket_share(basket_value(BASTNAESITE, DECK)[0], (2, 3))
    left = supply_response(1.0, 0.0, 0.7, share)
    assert left == pytest.approx((after / before) ** 0.7, rel=1e-13)
    assert left > 0.97


@given(assay=vectors(POSITIVE), prices=vectors(PRICES), recovery=vectors(POSITIVE))
def test_shares_sum_to_one(assay: FloatArray, prices: FloatArray, recovery: FloatArray) -> None:
    """One by one and all together; a group is the sum of its members, whatever the order."""
    by_element, total = basket_value(assay, prices, recovery)
    shares = np.array([basket_share(by_element, e) for e in range(5)])
    assert shares.sum() == pytest.approx(1.0, rel=1e-13)
    assert total == pytest.approx(by_element.sum(), rel=1e-14)
    assert basket_share(by_element, range(5)) == pytest.approx(1.0, rel=1e-13)
    assert basket_share(by_element, (4, 1)) == pytest.approx(shares[1] + shares[4], rel=1e-12)
    assert basket_share(by_element, (1, 4, 4)) == basket_share(by_element, (4, 1))
    assert (shares >= 0.0).all()
    assert (shares <= 1.0).all()


def test_a_basket_worth_nothing_has_no_shares() -> None:
    """Zero and not NaN, draw by draw."""
    share = basket_share(np.array([[0.0, 1.0], [0.0, 3.0]]), 1)
    np.testing.assert_array_equal(share, [0.0, 0.75])


def test_draws_are_the_last_axis() -> None:
    """One assay and recoveries per draw give what each draw gives alone."""
    rng = np.random.default_rng(7)
    prices, recovery = rng.uniform(1.0, 900.0, (4, 6)), rng.uniform(0.5, 1.0, (4, 6))
    by_element, total = basket_value(CLAY[:, np.newaxis], prices, recovery)
    share = basket_share(by_element, (2, 3))
    assert by_element.shape == (4, 6)
    assert total.shape == share.shape == (6,)
    for draw in range(6):
        alone, whole = basket_value(CLAY, prices[:, draw], recovery[:, draw])
        np.testing.assert_array_equal(by_element[:, draw], alone)
        assert total[draw] == pytest.approx(whole, rel=1e-14)
        assert share[draw] == pytest.approx(basket_share(alone, (2, 3)), rel=1e-14)


# --------------------------------------------------------------------------- the answer to a price


@given(
    assay=vectors(POSITIVE),
    prices=vectors(PRICES),
    element=st.integers(0, 4),
    eta=ELASTICITIES,
)
def test_the_elasticity_is_the_finite_difference_of_the_basket(
    assay: FloatArray, prices: FloatArray, element: int, eta: float
) -> None:
    """Of ln Q with Q = B^eta, over ln p: the basket is valued anew at p (1 + h) and p (1 - h)."""
    h = 1e-5
    logs = []
    for sign in (1.0, -1.0):
        moved = prices.copy()
        moved[element] *= 1.0 + sign * h
        logs.append(eta * np.log(basket_value(assay, moved, 0.9)[1]))
    slope = (logs[0] - logs[1]) / (np.log1p(h) - np.log1p(-h))
    share = basket_share(basket_value(assay, prices, 0.9)[0], element)
    assert own_price_elasticity(eta, share) == pytest.approx(slope, abs=1e-8)


@given(assay=vectors(POSITIVE), prices=vectors(PRICES), element=st.integers(0, 4), ratio=RATIOS)
def test_a_finite_change_is_that_of_the_basket(
    assay: FloatArray, prices: FloatArray, element: int, ratio: float
) -> None:
    """Output to the power of the basket's elasticity, the basket valued anew at the new price."""
    by_element, before = basket_value(assay, prices)
    moved = np.where(np.arange(5) == element, ratio * prices, prices)
    after = basket_value(assay, moved)[1]
    found = supply_response(120.0, ratio, 0.6, basket_share(by_element, element))
    # the part that a price of zero takes away may be nearly all, and its digits go with it
    assert found == pytest.approx(120.0 * (after / before) ** 0.6, rel=1e-9)


@given(base=st.floats(0.0, 1e4), low=RATIOS, high=RATIOS, eta=ELASTICITIES, share=SHARES)
def test_supply_rises_with_the_price(
    base: float, low: float, high: float, eta: float, share: float
) -> None:
    """It never falls with the price, and is nowhere negative or NaN; unchanged at the old price."""
    low, high = sorted((low, high))
    few, many = (supply_response(base, ratio, eta, share) for ratio in (low, high))
    assert 0.0 <= few <= many * (1.0 + 1e-14)
    assert supply_response(base, 1.0, eta, share) == pytest.approx(base, rel=1e-14)


@given(ratio=RATIOS, eta=ELASTICITIES, small=SHARES, large=SHARES)
def test_the_answer_grows_with_the_share(
    ratio: float, eta: float, small: float, large: float
) -> None:
    """Further from the base, on the same side; between no answer and the full elasticity."""
    small, large = sorted((small, large))
    little, much = (np.log(supply_response(1.0, ratio or 1e-3, eta, s)) for s in (small, large))
    side = np.sign(np.log(ratio or 1e-3))
    assert side * little <= side * much + 1e-12
    full = eta * np.log(ratio or 1e-3)
    assert side * little >= -1e-12
    assert side * much <= side * full + 1e-12


def test_no_share_and_the_whole_basket() -> None:
    """Nothing, and a constant elasticity; a price of zero then stops the mine."""
    ratios = np.array([0.0, 0.5, 1.0, 4.0])
    np.testing.assert_array_equal(supply_response(10.0, ratios, 0.5, 0.0), np.full(4, 10.0))
    np.testing.assert_allclose(
        supply_response(10.0, ratios, 0.5, 1.0), 10.0 * ratios**0.5, rtol=1e-15
    )


def test_the_price_of_2025_on_rock_and_clay() -> None:
    """Three times the price at a basket elasticity of 0.5: 3.8 % of value give +3.7 % of output."""
    rock, clay = (supply_response(100.0, 3.0, 0.5, s) for s in (0.038, 0.5))
    assert rock == pytest.approx(100.0 * 1.076**0.5, rel=1e-14)
    assert clay == pytest.approx(100.0 * 2.0**0.5, rel=1e-14)


# ------------------------------------------------------------------------------------ by-products


def test_a_by_product_follows_its_host() -> None:
    """48,380 t of monazite at 0.3 % hold 145 t; two thirds captured are 97 t."""
    assert by_product(48_380.0, 0.003, 2.0 / 3.0) == pytest.approx(96.76, rel=1e-12)


@given(host=st.floats(0.0, 1e6), content=st.floats(0.0, 0.1), capture=SHARES)
def test_a_by_product_is_bounded_by_its_content(
    host: float, content: float, capture: float
) -> None:
    """In proportion to the host, and never more than there is in it."""
    won = by_product(host, content, capture)
    assert 0.0 <= won <= host * content
    assert by_product(2.0 * host, content, capture) == pytest.approx(2.0 * won, rel=1e-14)
