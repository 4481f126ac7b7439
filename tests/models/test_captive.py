"""Captive supply: shares of a total, growth, a border that shuts, and who makes up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.captive import (
    grown,
    pads_left,
    parts_of_total,
    replace_shortfall,
    two_state,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

TONNES = st.one_of(st.just(0.0), st.floats(1e-6, 1e5))
SHARES = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-6, 1.0))


def arrays(
    shape: int | tuple[int, ...], elements: st.SearchStrategy[float] = TONNES
) -> st.SearchStrategy[FloatArray]:
    """Draw an array of floats."""
    return hnp.arrays(np.float64, shape, elements=elements)


# ---------------------------------------------------------------------------- parts of a total


def test_documented_parts_within_and_beyond_the_total() -> None:
    """
    1,700 + 600 t of 2,830 leave 530; of 1,150 t they get half each and leave nothing
    (corrections A1: the documented rows add to more than the measured total).
    """
    documented = np.array([[1700.0, 1700.0], [600.0, 600.0]])
    parts = parts_of_total(np.array([2830.0, 1150.0]), documented)
    np.testing.assert_allclose(parts, [[1700.0, 850.0], [600.0, 300.0], [530.0, 0.0]], rtol=1e-14)


@given(total=arrays(3), documented=arrays((4, 3)))
def test_the_parts_are_the_total_in_every_draw(total: FloatArray, documented: FloatArray) -> None:
    """Their sum is the total, none is negative, and the documented ones keep their proportions."""
    parts = parts_of_total(total, documented)
    np.testing.assert_allclose(parts.sum(axis=0), total, rtol=1e-13, atol=0.0)
    assert (parts >= 0.0).all()
    known = documented.sum(axis=0)
    np.testing.assert_allclose(
        parts[:-1] * known, documented * parts[:-1].sum(axis=0), rtol=1e-12, atol=1e-300
    )
    assert (parts[:-1] <= documented).all()


@given(total=arrays(3), documented=arrays((2, 3)))
def test_a_part_is_cut_only_where_they_exceed_the_total(
    total: FloatArray, documented: FloatArray
) -> None:
    """A residual and a cut exclude each other."""
    parts = parts_of_total(total, documented)
    exceeds = documented.sum(axis=0) > total
    assert (parts[-1][exceeds] == 0.0).all()
    np.testing.assert_array_equal(parts[:-1][:, ~exceeds], documented[:, ~exceeds])


def test_no_documented_part_leaves_all_to_the_residual() -> None:
    """Also where a part exists but is zero."""
    total = np.array([3.0, 0.0])
    np.testing.assert_array_equal(parts_of_total(total, np.zeros((1, 2)))[-1], total)
    np.testing.assert_array_equal(parts_of_total(total, np.zeros((0, 2))), [total])


# ---------------------------------------------------------------------------------------- pads


@given(life=st.floats(1.0, 8.0), renewed=st.floats(0.0, 1.5))
def test_pads_are_those_of_a_ledger_of_single_pads(life: float, renewed: float) -> None:
    """A thousand pads opened evenly before the base year, and new ones as they are worked out."""
    years = np.arange(12.0)
    opened = np.arange(-life, 12.0, 0.004)  # 250 a year, from one life before it
    weight = np.where(opened < 0.0, 1.0, renewed)
    age = years[:, np.newaxis] - opened
    giving = (weight * ((age >= 0.0) & (age < life))).sum(axis=1) / (250.0 * life)

    assert pads_left([life], [renewed], years)[:, 0] == pytest.approx(giving, abs=0.02)


# -------------------------------------------------------------------------------------- growth


@given(base=arrays((2, 3)), growth=arrays(3, st.floats(-0.2, 0.2)))
def test_growth_is_compound_at_one_rate_per_draw(base: FloatArray, growth: FloatArray) -> None:
    """Year by year the level times 1 + g, from the base year's level."""
    level = grown(base, growth, np.arange(12))
    assert level.shape == (2, 12, 3)
    expected = base.copy()
    for year in range(12):
        np.testing.assert_allclose(level[:, year], expected, rtol=1e-13, atol=0.0)
        expected = expected * (1.0 + growth)


def test_flat_decline_and_growth_to_2035() -> None:
    """2,830 t at 0, -3 and +2.5 % a year are 2,830, 2,024 and 3,713 t after 11 years."""
    level = grown(np.full((1, 3), 2830.0), np.array([0.0, -0.03, 0.025]), [0, 11])
    np.testing.assert_allclose(level[0, 1], [2830.0, 2024.30, 3713.21], atol=0.01)


@given(total=arrays(2, st.floats(1.0, 1e4)), documented=arrays((3, 2)), growth=arrays(2, SHARES))
def test_the_parts_stay_the_total_while_they_grow(
    total: FloatArray, documented: FloatArray, growth: FloatArray
) -> None:
    """One rate for all parts: their sum grows at that rate."""
    level = grown(parts_of_total(total, documented), growth, np.arange(5)).sum(axis=0)
    expected = grown(total[np.newaxis], growth, np.arange(5))[0]
    np.testing.assert_allclose(level, expected, rtol=1e-12, atol=0.0)


# ------------------------------------------------------------------------------ a shut border


@pytest.mark.parametrize(("shuts", "stays"), [(0.15, 0.4), (0.3, 0.3), (0.05, 0.9), (0.8, 0.1)])
def test_a_border_is_shut_as_often_as_its_chain_says(shuts: float, stays: float) -> None:
    """
    Starting open, the border is shut in year t with p (1 - (q-p)^t) / (1 + p - q), which tends to
    p / (1 + p - q): within 4 standard errors, draws independent of each other.
    """
    n = 40_000
    shock = np.random.default_rng(2026).random((60, n))
    shut = two_state(shock, shuts, stays)
    for year in (1, 2, 3, 60):
        expected = shuts * (1.0 - (stays - shuts) ** year) / (1.0 + shuts - stays)
        error = np.sqrt(expected * (1.0 - expected) / n)
        assert abs(shut[year - 1].mean() - expected) <= 4.0 * error
    stationary = shuts / (1.0 + shuts - stays)
    error = np.sqrt(stationary * (1.0 - stationary) / n)
    assert abs(shut[-1].mean() - stationary) <= 4.0 * error


@given(
    shock=arrays((6, 3), st.floats(0.0, 1.0, exclude_max=True)),
    shuts=arrays(3, SHARES),
    stays=arrays(3, SHARES),
)
def test_a_border_step_by_step(shock: FloatArray, shuts: FloatArray, stays: FloatArray) -> None:
    """Each year of each draw by the rule itself, from an open border."""
    shut = two_state(shock, shuts, stays)
    for draw in range(3):
        state = False
        for year in range(6):
            state = bool(shock[year, draw] < (stays[draw] if state else shuts[draw]))
            assert shut[year, draw] == float(state)


def test_certain_borders() -> None:
    """Never shuts; shuts at once for good; shuts every other year; the first year starts open."""
    shock = np.full((4, 1), 0.5)
    np.testing.assert_array_equal(two_state(shock, 0.0, 1.0)[:, 0], [0, 0, 0, 0])
    np.testing.assert_array_equal(two_state(shock, 1.0, 1.0)[:, 0], [1, 1, 1, 1])
    np.testing.assert_array_equal(two_state(shock, 1.0, 0.0)[:, 0], [1, 0, 1, 0])


# ------------------------------------------------------------------------------- replacement


def test_a_shortfall_by_hand() -> None:
    """
    Of 1,000 t a fifth is lost, and half of it replaced by parts of 300 and 100 t: 800, 375 and
    125 t, so the total falls by 100.
    """
    supply = np.array([300.0, 1000.0, 100.0])[:, np.newaxis, np.newaxis]
    result = replace_shortfall(supply, 1, np.array([[0.2]]), 0.5)
    np.testing.assert_allclose(result[:, 0, 0], [375.0, 800.0, 125.0], rtol=1e-14)


@given(
    supply=arrays((3, 2, 2)),
    part=st.integers(0, 2),
    lost=arrays((2, 2), SHARES),
    replaced=arrays(2, SHARES),
)
def test_the_total_falls_by_what_is_not_replaced(
    supply: FloatArray, part: int, lost: FloatArray, replaced: FloatArray
) -> None:
    """
    Total falls by shortfall x (1 - replaced), by all of it where there are no other parts; no part
    is negative, the others keep their proportions, and what was given is not changed.
    """
    before = supply.copy()
    result = replace_shortfall(supply, part, lost, replaced)
    np.testing.assert_array_equal(supply, before)
    shortfall = supply[part] * lost
    others, others_after = (np.delete(a, part, axis=0) for a in (supply, result))
    can = others.sum(axis=0) > 0.0
    expected = supply.sum(axis=0) - shortfall * np.where(can, 1.0 - replaced, 1.0)
    np.testing.assert_allclose(result.sum(axis=0), expected, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(result[part], supply[part] * (1.0 - lost), rtol=1e-12, atol=1e-10)
    assert (result >= 0.0).all()
    assert (others_after >= others).all()
    np.testing.assert_allclose(
        others_after * others.sum(axis=0), others * others_after.sum(axis=0), rtol=1e-9, atol=1e-200
    )


@given(supply=arrays((3, 2, 2)), part=st.integers(0, 2), replaced=SHARES)
def test_nothing_lost_nothing_changed(supply: FloatArray, part: int, replaced: float) -> None:
    """To the bit."""
    result = replace_shortfall(supply, part, np.zeros((2, 2)), replaced)
    np.testing.assert_array_equal(result, supply)


def test_small_parts_beside_a_large_one_replace_what_they_should() -> None:
    """
    1e-9 t beside 1e9 t: the total less the part has no digit of it left, yet the part replaces
    its share of the shortfall.
    """
    supply = np.array([1e9, 1e-9])[:, np.newaxis, np.newaxis]
    result = replace_shortfall(supply, 0, np.array([[1e-3]]), 0.5)
    np.testing.assert_allclose(result[:, 0, 0], [0.999e9, 0.5e6], rtol=1e-12)


def test_alone_nothing_is_replaced() -> None:
    """A single part loses what it loses."""
    result = replace_shortfall(np.full((1, 1, 1), 100.0), 0, np.array([[0.4]]), 1.0)
    np.testing.assert_allclose(result, 60.0, rtol=1e-14)
