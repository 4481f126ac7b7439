"""Lifetimes that differ by cohort, and goods in use that are made to last longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reesupply.errors import ReesupplyError
from reesupply.models.stocks import (
    Extension,
    Fixed,
    Gamma,
    Lifetime,
    LogNormal,
    Normal,
    Weibull,
    check_mass_balance,
    cohort_table,
    inflow_driven,
    inflow_from_final_stock,
    stock_driven,
    surviving_share,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    InflowAt = Literal["uniform", "start", "middle", "end"]

RULES: tuple[InflowAt, ...] = ("uniform", "start", "middle", "end")
ANY_RULE = st.sampled_from(RULES)
ANY_LIFETIME = st.one_of(
    st.builds(Weibull, st.floats(1.0, 40.0), st.floats(0.8, 6.0)),
    st.builds(LogNormal, st.floats(1.0, 40.0), st.floats(0.5, 20.0)),
    st.builds(Gamma, st.floats(1.0, 40.0), st.floats(0.5, 20.0)),
    st.builds(Normal, st.floats(1.0, 40.0), st.floats(0.5, 20.0)),
    st.builds(Fixed, st.floats(1.0, 40.0)),
)
EDGES = st.lists(st.floats(0.2, 8.0), min_size=2, max_size=10).map(
    lambda steps: np.concatenate([[2000.0], 2000.0 + np.cumsum(steps)])
)
INFLOW = np.random.default_rng(3).uniform(1.0, 5.0, (12, 4))


def mixed_lifetimes(n: int) -> list[Lifetime]:
    """One lifetime by cohort: numbers, draws, and several families."""
    scale = np.linspace(6.0, 14.0, 4)
    kinds: list[Lifetime] = [Weibull(9.0, 2.5), Weibull(scale, 3.0), Fixed(4.0), LogNormal(8, 3)]
    return [kinds[i % 4] for i in range(n)]


# ------------------------------------------------------------------------ lifetimes by cohort


@pytest.mark.parametrize("rule", RULES)
def test_each_cohort_leaves_by_its_own_lifetime(rule: InflowAt) -> None:
    """A row of the table is what its lifetime alone says; rows sum to the totals."""
    lives = mixed_lifetimes(12)
    stock, out = inflow_driven(INFLOW, lives, inflow_at=rule)
    by_cohort = cohort_table(INFLOW, lives, inflow_at=rule)
    for part, total in zip(by_cohort, (stock, out), strict=True):
        np.testing.assert_allclose(part.sum(axis=0), total, rtol=1e-13, atol=1e-14)
    for cohort, life in enumerate(lives):
        share = surviving_share(life, 12 - cohort, inflow_at=rule)
        share = share[:, np.newaxis] if share.ndim == 1 else share
        np.testing.assert_allclose(
            by_cohort[0][cohort, cohort:], share * INFLOW[cohort], rtol=1e-13
        )
    check_mass_balance(INFLOW, out, stock, tolerance=1e-13)


@pytest.mark.parametrize("edges", [None, np.arange(13.0)])
def test_the_same_lifetime_for_all_is_one_lifetime(edges: FloatArray | None) -> None:
    """A sequence of equal lifetimes changes nothing, in any of the models."""
    life, lives = Weibull(9.0, 2.0), [Weibull(9.0, 2.0) for _ in range(12)]
    for one, many in (
        (
            inflow_driven(INFLOW, life, time_edges=edges),
            inflow_driven(INFLOW, lives, time_edges=edges),
        ),
        (
            stock_driven(INFLOW, life, floor=0.0, time_edges=edges),
            stock_driven(INFLOW, lives, floor=0.0, time_edges=edges),
        ),
        (cohort_table(INFLOW, life), cohort_table(INFLOW, lives)),
    ):
        for a, b in zip(one, many, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


def test_a_step_change_of_the_lifetime() -> None:
    """Four cohorts live 2 years and later ones 3: the outflow pauses for one year."""
    lives = [Fixed(2.0)] * 4 + [Fixed(3.0)] * 4
    stock, out = inflow_driven(np.ones(8), lives, inflow_at="end")
    np.testing.assert_array_equal(out, [0, 0, 1, 1, 1, 1, 0, 1])
    np.testing.assert_array_equal(stock, [1, 2, 2, 2, 2, 2, 3, 3])


@pytest.mark.parametrize("floor", [None, 0.0])
def test_stock_driven_with_lifetimes_by_cohort(floor: float | None) -> None:
    """It returns the inflow that an inflow-driven model began with."""
    lives = mixed_lifetimes(12)
    stock, out = inflow_driven(INFLOW, lives)
    back, out_back, reached = stock_driven(stock, lives, floor=floor)
    np.testing.assert_allclose(back, INFLOW, rtol=1e-9)
    np.testing.assert_allclose(out_back, out, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(reached, stock, rtol=1e-12)


@pytest.mark.parametrize("edges", [None, [0.0, 1.0, 3.0, 4.0, 9.0]])
def test_initial_stock_with_lifetimes_by_cohort(edges: list[float] | None) -> None:
    """The lifetimes of the initial cohorts come first, also before steps of unequal length."""
    lives = mixed_lifetimes(9)
    initial = np.array([[0.5], [1.0], [0.0], [2.0], [3.0]]) * np.ones(4)
    stock, out = inflow_driven(INFLOW[:4], lives, initial_stock=initial, time_edges=edges)
    check_mass_balance(INFLOW[:4], out, stock, opening_stock=initial.sum(axis=0), tolerance=1e-13)
    past = inflow_from_final_stock(initial, lives[:5])
    whole = None if edges is None else np.concatenate([np.arange(-5.0, 0.0), edges])
    together = np.concatenate([past, INFLOW[:4]])
    expected = inflow_driven(together, lives, time_edges=whole)
    np.testing.assert_allclose(expected[0][4], initial.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(stock, expected[0][5:], rtol=1e-9)
    np.testing.assert_allclose(out, expected[1][5:], rtol=1e-8)
    back, out_back, _ = stock_driven(stock, lives, initial_stock=initial, time_edges=edges)
    np.testing.assert_allclose(back, INFLOW[:4], rtol=1e-8)
    np.testing.assert_allclose(out_back, out, rtol=1e-8)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), edges=EDGES, rule=ANY_RULE)
def test_lifetimes_by_cohort_on_uneven_steps(
    data: st.DataObject, edges: FloatArray, rule: InflowAt
) -> None:
    """Any lifetimes on any steps: mass closes, nothing is negative, cohorts sum to the totals."""
    n = len(edges) - 1
    lives = data.draw(st.lists(ANY_LIFETIME, min_size=n, max_size=n))
    inflow = np.diff(edges)
    stock, out = inflow_driven(inflow, lives, inflow_at=rule, time_edges=edges)
    check_mass_balance(inflow, out, stock, tolerance=1e-12)
    assert (out >= 0.0).all()
    table, _ = cohort_table(inflow, lives, inflow_at=rule, time_edges=edges)
    np.testing.assert_allclose(table.sum(axis=0), stock, rtol=1e-11, atol=1e-13)


# ------------------------------------------------------------------------------- extension


@settings(deadline=None, max_examples=60)
@given(edges=EDGES, life=ANY_LIFETIME, rule=ANY_RULE, part=st.floats(0.0, 1.0))
def test_factor_one_changes_nothing(
    edges: FloatArray, life: Lifetime, rule: InflowAt, part: float
) -> None:
    """Whenever it begins, also within a step."""
    inflow, at = np.diff(edges), float(edges[0] + part * (edges[-1] - edges[0]))
    at = min(max(at, edges[0]), edges[-1])
    plain = inflow_driven(inflow, life, inflow_at=rule, time_edges=edges)
    same = inflow_driven(
        inflow, life, inflow_at=rule, time_edges=edges, extension=Extension(at, 1.0)
    )
    # a fixed lifetime jumps, so that a rounded age may fall on the other side of it
    if not isinstance(life, Fixed) or rule == "uniform":
        for a, b in zip(plain, same, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("factor", [0.5, 1.5, 3.0])
def test_from_the_beginning_it_scales_the_lifetime(rule: InflowAt, factor: float) -> None:
    """At time 0 a Weibull scale, a lognormal's mean and spread, or a fixed age times the factor."""
    pairs: list[tuple[Lifetime, Lifetime]] = [
        (Weibull(9.0, 2.0), Weibull(9.0 * factor, 2.0)),
        (LogNormal(8.0, 3.0), LogNormal(8.0 * factor, 3.0 * factor)),
        (Gamma(8.0, 3.0), Gamma(8.0 * factor, 3.0 * factor)),
        (Fixed(4.25), Fixed(4.25 * factor)),
    ]
    for life, scaled in pairs:
        extended = inflow_driven(INFLOW, life, inflow_at=rule, extension=Extension(0.0, factor))
        for a, b in zip(extended, inflow_driven(INFLOW, scaled, inflow_at=rule), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("at", [5.0, 5.3])
def test_against_a_sum_over_entries(rule: InflowAt, at: float) -> None:
    """Ten thousand entries a year, each with its age by the clock, give the same stock."""
    life, factor, n = Weibull(6.0, 2.5), 1.7, 12
    stock, _ = inflow_driven(np.ones(n), life, inflow_at=rule, extension=Extension(at, factor))
    points = {"start": 0.0, "middle": 0.5, "end": 1.0}
    fine = (np.arange(10_000) + 0.5) / 10_000
    part = fine if rule == "uniform" else np.array([points[rule]])

    def clock(time: FloatArray | float) -> FloatArray:
        after = np.maximum(np.asarray(time) - at, 0.0)
        return np.asarray(np.minimum(time, at) + after / factor)

    for year in range(n):
        entries = np.arange(year + 1.0)[:, np.newaxis] + part
        expected = life.survival(clock(year + 1.0) - clock(entries)).mean(axis=1).sum()
        assert stock[year] == pytest.approx(expected, rel=3e-8)


def test_remaining_life_is_stretched() -> None:
    """Goods of fixed life 6: two years old when it begins, the other four last eight."""
    inflow = np.zeros(14)
    inflow[0] = 1.0
    longer = Extension(3.0, 2.0)
    stock, out = inflow_driven(inflow, Fixed(6.0), inflow_at="end", extension=longer)
    assert out[10] == 1.0
    assert out.sum() == 1.0
    np.testing.assert_array_equal(stock, [1.0] * 10 + [0.0] * 4)


def test_nothing_changes_before_and_less_leaves_at_once() -> None:
    """The past stays; from then on the outflow is lower; the stock ends factor times as large."""
    life, n = Weibull.from_mean(6.0, 3.0), 90
    plain = inflow_driven(np.ones(n), life)
    longer = inflow_driven(np.ones(n), life, extension=Extension(20.0, 1.5))
    for a, b in zip(plain, longer, strict=True):
        np.testing.assert_allclose(a[:20], b[:20], rtol=1e-9)
    assert longer[1][20] < 0.75 * plain[1][20]
    assert plain[0][-1] == pytest.approx(6.0, rel=1e-9)
    assert longer[0][-1] == pytest.approx(9.0, rel=1e-9)
    assert longer[1][-1] == pytest.approx(1.0, rel=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    edges=EDGES,
    life=ANY_LIFETIME,
    rule=ANY_RULE,
    part=st.floats(0.0, 1.0),
    factors=st.lists(st.floats(0.2, 5.0), min_size=3, max_size=3),
)
def test_extension_closes_the_mass(
    edges: FloatArray, life: Lifetime, rule: InflowAt, part: float, factors: list[float]
) -> None:
    """A factor by draw, on any steps: mass closes, outflows are possible, draws stay apart."""
    at = min(float(edges[0] + part * (edges[-1] - edges[0])), float(edges[-1]))
    inflow = np.diff(edges)
    longer = Extension(at, np.array(factors))
    stock, out = inflow_driven(inflow, life, inflow_at=rule, time_edges=edges, extension=longer)
    assert stock.shape == (len(inflow), 3)
    column = inflow[:, np.newaxis]
    check_mass_balance(column, out, stock, tolerance=1e-11)
    assert (out >= 0.0).all()
    for j, factor in enumerate(factors):
        alone, _ = inflow_driven(
            inflow, life, inflow_at=rule, time_edges=edges, extension=Extension(at, factor)
        )
        assert alone.shape == inflow.shape
        np.testing.assert_allclose(stock[:, j], alone, rtol=1e-12, atol=1e-12)
    table = cohort_table(inflow, life, inflow_at=rule, time_edges=edges, extension=longer)
    for by_cohort, total in zip(table, (stock, out), strict=True):
        np.testing.assert_allclose(by_cohort.sum(axis=0), total, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("edges", [None, np.array([0, 1, 2, 4, 5, 7, 8, 9, 12, 13, 14, 15, 17.0])])
def test_stock_driven_with_extension(rule: InflowAt, edges: FloatArray | None) -> None:
    """Both ways round with lifetimes by cohort, a factor by draw and a stock before."""
    lives = mixed_lifetimes(14)
    longer = Extension(4.5, np.array([1.0, 1.3, 0.8, 2.0]))
    initial = np.array([[2.0], [3.0]])
    stock, out = inflow_driven(
        INFLOW, lives, inflow_at=rule, extension=longer, initial_stock=initial, time_edges=edges
    )
    check_mass_balance(INFLOW, out, stock, opening_stock=5.0)
    back, out_back, _ = stock_driven(
        stock, lives, inflow_at=rule, extension=longer, initial_stock=initial, time_edges=edges
    )
    np.testing.assert_allclose(back, INFLOW, rtol=1e-7)
    np.testing.assert_allclose(out_back, out, rtol=1e-7, atol=1e-8)


def test_a_longer_life_saves_inflow() -> None:
    """To hold a stock of 100 t less is needed at once, and 1/factor of it in the end."""
    life, held = Weibull.from_mean(8.0, 3.0), np.full(150, 100.0)
    needed, _, _ = stock_driven(held, life)
    less, _, _ = stock_driven(held, life, extension=Extension(75.0, 1.25))
    assert needed[-1] == pytest.approx(100.0 / 8.0, rel=1e-6)
    assert less[-1] == pytest.approx(100.0 / 10.0, rel=1e-6)
    assert less[75] < 0.85 * needed[75]


def test_refusals() -> None:
    """Each says what was found and what is allowed."""
    life = Weibull(9.0, 2.0)
    with pytest.raises(ReesupplyError, match="one for each of 3 cohorts; got 2"):
        inflow_driven(np.ones(3), [life, life])
    with pytest.raises(
        ReesupplyError, match="each of 5 cohorts, 2 of them in initial_stock; got 3"
    ):
        stock_driven(np.ones(3), [life] * 3, initial_stock=[1.0, 1.0])
    with pytest.raises(ReesupplyError, match=r"a sequence of them; got 9\.0 at 1"):
        inflow_driven(np.ones(2), [life, 9.0])  # type: ignore[list-item]
    with pytest.raises(ReesupplyError, match=r"a sequence of them; got 9\.0 at 0"):
        inflow_driven(np.ones(2), 9.0)  # type: ignore[arg-type]
    with pytest.raises(ReesupplyError, match="at of an extension must be 0 to 3; got 2030"):
        inflow_driven(np.ones(3), life, extension=Extension(2030.0, 1.2))
    with pytest.raises(ReesupplyError, match="at of an extension must be finite; got nan"):
        Extension(np.nan, 1.2)
    with pytest.raises(ReesupplyError, match=r"factor .* must be positive and finite; got 0\.0"):
        Extension(1.0, np.array([1.0, 0.0]))
    with pytest.raises(ReesupplyError, match="time_edges must be 3 rising numbers"):
        inflow_driven(np.ones(2), life, time_edges=[0.0, 1.0, np.inf])


def test_nan_fails_the_check_with_cohorts_and_extension() -> None:
    """An unknown inflow makes its own draw unknown from then on, and the check refuses it."""
    inflow = INFLOW.copy()
    inflow[4, 1] = np.nan
    longer = Extension(6.0, np.array([1.0, 1.3, 0.8, 2.0]))
    stock, out = inflow_driven(inflow, mixed_lifetimes(12), extension=longer)
    assert np.isfinite(stock[:4]).all()
    assert np.isnan(stock[4:, 1]).all()
    assert np.isfinite(stock[:, [0, 2, 3]]).all()
    with pytest.raises(ReesupplyError, match="in year 4"):
        check_mass_balance(inflow, out, stock)
