"""Demand: anchor years, a row of the bottom-up table by hand, and the base year that closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.demand import (
    along_anchors,
    base_year_factor,
    by_place,
    magnet_oxide,
    place_shares,
    residual_index,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

YEARS = np.arange(2024, 2036)
VALUES = st.floats(-1e4, 1e4)


@st.composite
def anchors(draw: st.DrawFn) -> tuple[FloatArray, list[int]]:
    """Draw anchor years in order and values (anchor, draw)."""
    years = draw(st.lists(st.integers(2018, 2042), min_size=1, max_size=5, unique=True).map(sorted))
    return draw(hnp.arrays(np.float64, (len(years), 3), elements=VALUES)), years


# ------------------------------------------------------------------------------- anchor years


@given(anchors())
def test_between_anchors_as_numpy_interpolates(case: tuple[FloatArray, list[int]]) -> None:
    """Every draw against `numpy.interp`, which is constant outside as well."""
    values, years = case
    path = along_anchors(values, years, YEARS)
    assert path.shape == (12, 3)
    for draw in range(3):
        expected = np.interp(YEARS, years, values[:, draw])
        np.testing.assert_allclose(path[:, draw], expected, rtol=1e-12, atol=1e-9)


@given(anchors())
def test_anchor_years_keep_their_values(case: tuple[FloatArray, list[int]]) -> None:
    """To the bit; before the first and after the last the value of that anchor."""
    values, years = case
    np.testing.assert_array_equal(along_anchors(values, years, years), values)
    outside = along_anchors(values, years, [1990, years[0] - 1, years[-1] + 1, 2099])
    np.testing.assert_array_equal(outside, values[[0, 0, -1, -1]])


@given(anchors())
def test_a_path_stays_between_its_anchors(case: tuple[FloatArray, list[int]]) -> None:
    """No value below the least anchor or above the greatest."""
    values, years = case
    path = along_anchors(values, years, YEARS)
    assert (path >= values.min(axis=0) - 1e-9).all()
    assert (path <= values.max(axis=0) + 1e-9).all()


def test_thrifting_of_ev_magnets_by_hand() -> None:
    """0.90 % Dy in 2024 and 0.65 % in 2035: 0.775 % half-way (2029.5)."""
    path = along_anchors(np.array([[0.0090], [0.0065]]), [2024, 2035], [2024, 2029.5, 2035])
    np.testing.assert_allclose(path[:, 0], [0.0090, 0.00775, 0.0065], rtol=1e-14)


# --------------------------------------------------------------------------------- the oxide


@pytest.mark.parametrize(
    ("fraction", "oxide_per_metal", "oxide"), [(0.0090, 1.14768, 301.0), (0.0040, 1.17617, 137.0)]
)
def test_oxide_in_the_ev_magnets_of_2024(
    fraction: float, oxide_per_metal: float, oxide: float
) -> None:
    """
    17.5 million cars, 90 % of them with 1.85 kg of magnets (29.1 kt) of 0.9 % Dy and 0.40 % Tb:
    301 t of Dy2O3 and 137 t of Tb4O7, the first row of the bottom-up table.
    """
    magnets = np.array([[17.5e6 * 0.90 * 1.85 / 1000.0]])
    np.testing.assert_allclose(magnets, 29_137.5, rtol=1e-12)
    found = magnet_oxide(magnets, np.array([[fraction]]), oxide_per_metal)
    np.testing.assert_allclose(found, oxide, atol=0.5)
    np.testing.assert_allclose(found, 29_137.5 * fraction * oxide_per_metal, rtol=1e-14)


# ------------------------------------------------------------------------------ the base year


@st.composite
def base_years(draw: st.DrawFn) -> tuple[FloatArray, ...]:
    """Draw B, N, D0, S, E, L, stock change with N + L < B, in both branches and near the kink."""

    def array(low: float, high: float) -> FloatArray:
        return draw(hnp.arrays(np.float64, (2, 3), elements=st.floats(low, high)))

    bottom_up = array(50.0, 5000.0)
    new_scrap = bottom_up * array(0.0, 0.6)
    limit = bottom_up * array(0.0, 0.35)
    return (
        bottom_up,
        new_scrap,
        array(0.0, 500.0),
        array(0.0, 5000.0),
        array(0.0, 800.0),
        limit,
        array(-500.0, 900.0),
    )


def residual(case: tuple[FloatArray, ...], factor: FloatArray) -> FloatArray:
    """Supply less demand less stock change, by the definition."""
    bottom_up, new_scrap, fixed, supply, measured, limit, change = case
    recycled = factor * new_scrap + np.minimum(measured, factor * limit)
    return supply + recycled - factor * bottom_up - fixed - change


@given(base_years())
def test_the_base_year_closes(case: tuple[FloatArray, ...]) -> None:
    """S + fN + min(E, fL) - fB - D0 is the stock change to 1e-9 t of thousands (corrections A5)."""
    factor = base_year_factor(*case)
    assert (np.abs(residual(case, factor)) <= 1e-9 * (1.0 + np.abs(factor))).all()


@given(base_years())
def test_the_factor_is_positive_where_there_is_demand_left(case: tuple[FloatArray, ...]) -> None:
    """Where supply less fixed demand less stock change is above zero, and only there."""
    _, _, fixed, supply, measured, _, change = case
    factor = base_year_factor(*case)
    need = supply - fixed - change
    clear = np.abs(need) > 1e-6
    np.testing.assert_array_equal((factor > 0.0)[clear], (need > 0.0)[clear])
    assert np.isfinite(factor).all()
    assert np.isfinite(measured).all()


@given(base_years(), st.floats(0.1, 1000.0))
def test_more_supply_more_demand(case: tuple[FloatArray, ...], more: float) -> None:
    """The factor rises with supply, through the kink."""
    bottom_up, new_scrap, fixed, supply, measured, limit, change = case
    before = base_year_factor(*case)
    after = base_year_factor(bottom_up, new_scrap, fixed, supply + more, measured, limit, change)
    assert (after > before).all()


@given(base_years(), st.floats(0.1, 10.0))
def test_halved_rows_double_their_factor(case: tuple[FloatArray, ...], unit: float) -> None:
    """Bottom-up rows in another unit: the same demand, so the factor takes the unit up."""
    bottom_up, new_scrap, fixed, supply, measured, limit, change = case
    scaled = base_year_factor(
        bottom_up * unit, new_scrap * unit, fixed, supply, measured, limit * unit, change
    )
    np.testing.assert_allclose(scaled * unit, base_year_factor(*case), rtol=1e-9, atol=1e-12)


def test_both_branches_by_hand() -> None:
    """
    B = 1,000, N = 200, L = 100, D0 = 50, S = 950, stock change 100, so need is 800. Measured
    end of life 40 t: f = 840/800 = 1.05, and 105 t could come back. Measured 300 t: more than
    could, so f = 800/700 and 114 t come back.
    """
    one = np.ones(2)
    measured = np.array([40.0, 300.0])
    factor = base_year_factor(
        1000.0 * one, 200.0 * one, 50.0 * one, 950.0 * one, measured, 100.0 * one, 100.0 * one
    )
    np.testing.assert_allclose(factor, [1.05, 8.0 / 7.0], rtol=1e-14)


# ------------------------------------------------------------------------------------- places


@given(
    amount=hnp.arrays(np.float64, (3, 2, 3, 4), elements=st.floats(0.0, 1e5)),
    outside=hnp.arrays(np.float64, (3, 3, 4), elements=st.floats(0.0, 1.0)),
)
def test_two_places_are_the_world(amount: FloatArray, outside: FloatArray) -> None:
    """China first; the sum is the amount, neither is negative, the share is the one asked for."""
    places = by_place(amount, outside)
    assert places.shape == (2, 2, 3, 4)
    np.testing.assert_allclose(places.sum(axis=0), amount.sum(axis=0), rtol=1e-12, atol=1e-300)
    expected = (amount * outside[:, np.newaxis]).sum(axis=0)
    np.testing.assert_allclose(places[1], expected, rtol=1e-12, atol=1e-300)
    assert (places >= 0.0).all()


def test_all_in_china_or_nothing() -> None:
    """Shares of 0 and 1 leave exact zeros."""
    places = by_place(np.array([[[[7.0, 7.0]]]]), np.array([[[0.0, 1.0]]]))
    np.testing.assert_array_equal(places, [[[[7.0, 0.0]]], [[[0.0, 7.0]]]])


RATIOS = hnp.arrays(np.float64, (3, 2, 4), elements=st.floats(0.1, 3.0))


@given(
    total=hnp.arrays(np.float64, (2, 4), elements=st.floats(0.0, 1.0)),
    ratio=RATIOS,
    weight=hnp.arrays(np.float64, (3, 2, 4), elements=st.floats(1.0, 1e4)),
)
def test_shares_of_goods_make_the_share_of_all(
    total: FloatArray, ratio: FloatArray, weight: FloatArray
) -> None:
    """Weighted by tonnes they are the total, and stand to one another as their ratios."""
    shares = place_shares(total, ratio, weight)
    assert (shares <= 1.0 + 1e-12).all()
    mean = (shares * weight).sum(axis=0) / weight.sum(axis=0)
    np.testing.assert_allclose(mean, total, rtol=1e-9, atol=1e-12)
    wanted = ratio * total * weight.sum(axis=0) / (ratio * weight).sum(axis=0)
    free = (wanted <= 1.0).all(axis=0)
    np.testing.assert_allclose(shares[:, free], wanted[:, free], rtol=1e-9, atol=1e-12)


def test_what_the_limit_cuts_off_goes_to_the_others() -> None:
    """Two goods of 50 t, one with 9 times the share of the other: 1 and 0.2 for 0.6 together."""
    ratio = np.array([[[9.0]], [[1.0]]])
    shares = place_shares(np.full((1, 1), 0.6), ratio, np.full((2, 1, 1), 50.0))
    np.testing.assert_allclose(shares.ravel(), [1.0, 0.2], rtol=1e-12)


def test_goods_nobody_needs_have_the_share_of_all() -> None:
    """No tonnes at all: the ratios alone."""
    shares = place_shares(np.full((1, 1), 0.3), np.full((2, 1, 1), 1.0), np.zeros((2, 1, 1)))
    np.testing.assert_array_equal(shares, np.full((2, 1, 1), 0.3))


# -------------------------------------------------------------------------------------- the past


@given(
    total=hnp.arrays(np.float64, (4,), elements=st.floats(0.3, 1.5)),
    own=hnp.arrays(np.float64, (2, 4), elements=st.floats(0.0, 0.5)),
    weight=hnp.arrays(np.float64, (5, 3), elements=st.floats(1.0, 1e3)),
)
def test_the_past_adds_up_to_its_total(
    total: FloatArray, own: FloatArray, weight: FloatArray
) -> None:
    """End uses with a series and those that share the rest are the total, where any is left."""
    series = np.full((5, 4), np.nan)
    series[[1, 3]] = own
    rest = residual_index(total, series, weight)
    assert (rest >= 0.0).all()
    index = np.where(np.isnan(series)[:, :, np.newaxis], rest, series[:, :, np.newaxis])
    found = (index * weight[:, np.newaxis]).sum(axis=0)
    expected = total[:, np.newaxis] * weight.sum(axis=0)
    np.testing.assert_allclose(found[rest > 0.0], expected[rest > 0.0], rtol=1e-10)
    assert (found >= expected * (1.0 - 1e-10)).all()


def test_residual_by_hand() -> None:
    """40 of 100 t grew from a tenth, all from 0.6: the others bought (60 - 4) / 60 of today."""
    own = np.array([[0.1], [np.nan]])
    found = residual_index(np.array([0.6]), own, np.array([[40.0], [60.0]]))
    np.testing.assert_allclose(found, [[56.0 / 60.0]], rtol=1e-14)
    nothing = residual_index(np.array([0.6]), own, np.array([[40.0], [0.0]]))
    np.testing.assert_array_equal(nothing, [[0.0]])


def test_the_past_is_not_below_nothing() -> None:
    """90 of 100 t as many as today where all were half: nothing is left for the others."""
    own = np.array([[1.0], [np.nan]])
    found = residual_index(np.array([0.5]), own, np.array([[90.0], [10.0]]))
    np.testing.assert_array_equal(found, [[0.0]])
