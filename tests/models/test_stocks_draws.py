"""Uncertain lifetimes at array speed: accuracy, and bits that do not depend on other draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.errors import ReesupplyError
from reesupply.models.stocks import (
    Fixed,
    Gamma,
    Lifetime,
    LogNormal,
    Weibull,
    check_mass_balance,
    inflow_driven,
    leaving_share,
    outflow,
    surviving_share,
)
from reesupply.models.stocks.sums import KERNEL_BLOCK, SUM_BLOCK

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    InflowAt = Literal["uniform", "start", "middle", "end"]

RULES: tuple[InflowAt, ...] = ("uniform", "start", "middle", "end")
YEARS = 41


def case(n: int, seed: int = 8) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scale, shape and inflow of n draws: steep and flat lifetimes, short and long, mixed."""
    rng = np.random.default_rng(seed)
    scale = np.exp(rng.uniform(np.log(0.3), np.log(60.0), n))
    return scale, rng.uniform(0.6, 15.0, n), rng.uniform(0.0, 5.0, (YEARS, n))


def closed_form(scale: float, shape: float) -> FloatArray:
    """Mean survival of each year from the incomplete gamma function, one lifetime at a time."""
    return np.diff(Weibull(scale, shape).survival_integral(np.arange(YEARS + 1.0)))


# -------------------------------------------------------------------------------- accuracy


@settings(deadline=None, max_examples=150)
@given(
    width=hnp.arrays(np.float64, 6, elements=st.floats(0.02, 30.0)),
    shape=hnp.arrays(np.float64, 6, elements=st.floats(0.3, 30.0)),
)
def test_quadrature_agrees_with_the_closed_form(width: FloatArray, shape: FloatArray) -> None:
    """Any Weibull lifetime, from one that ends within a week to one of centuries, to 1e-9."""
    scale = width * shape
    share = surviving_share(Weibull(scale, shape), YEARS)
    for j in range(6):
        expected = closed_form(float(scale[j]), float(shape[j]))
        np.testing.assert_allclose(share[:, j], expected, rtol=0.0, atol=1e-9)


def test_quadrature_of_usual_lifetimes_is_much_better() -> None:
    """Goods of 8 to 25 years: each share in use above a thousandth to 5e-9 of itself."""
    for mean in (8.0, 12.0, 15.0, 25.0):
        for cv in (0.2, 0.3, 0.5):
            life = Weibull.from_cv(np.array([mean]), np.array([cv]))
            share = surviving_share(life, YEARS)[:, 0]
            expected = closed_form(np.asarray(life.scale).item(), np.asarray(life.shape).item())
            large = expected > 1e-3
            np.testing.assert_allclose(share[large], expected[large], rtol=5e-9)
            np.testing.assert_allclose(share, expected, rtol=0.0, atol=1e-10)


def test_edges_of_the_parts_of_a_year() -> None:
    """Where the number of parts changes, both sides agree with the closed form."""
    for width in (0.2375, 0.475, 0.95, 1.9):
        for shape in (1.0, 2.5, 5.0):
            scale = width * shape * np.array([1.0 - 1e-9, 1.0, 1.0 + 1e-9])
            share = surviving_share(Weibull(scale, np.full(3, shape)), YEARS)
            for j in range(3):
                expected = closed_form(float(scale[j]), shape)
                np.testing.assert_allclose(share[:, j], expected, atol=1e-9, rtol=0.0)


@pytest.mark.parametrize("n_years", [1, 2, 3])
@pytest.mark.parametrize("rule", RULES)
def test_few_years(n_years: int, rule: InflowAt) -> None:
    """A kernel of few years is the beginning of a long one, to the bit."""
    scale, shape, _ = case(40)
    long = surviving_share(Weibull(scale, shape), YEARS, inflow_at=rule)
    few = surviving_share(Weibull(scale, shape), n_years, inflow_at=rule)
    assert few.shape == (n_years, 40)
    assert (few == long[:n_years]).all()


def test_steady_state_of_every_draw() -> None:
    """A constant inflow holds inflow times mean lifetime, draw by draw."""
    rng = np.random.default_rng(2)
    mean, shape, inflow = rng.uniform(4, 15, 300), rng.uniform(1.5, 6, 300), rng.uniform(1, 9, 300)
    life = Weibull.from_mean(mean, shape)
    stock, out = inflow_driven(np.tile(inflow, (120, 1)), life)
    np.testing.assert_allclose(stock[-1], inflow * mean, rtol=2e-9)
    np.testing.assert_allclose(out[-1], inflow, rtol=2e-9)


def test_constant_growth_of_every_draw() -> None:
    """Inflow (1 + g)^t: outflow by inflow tends to the kernel's sum discounted by growth."""
    rng = np.random.default_rng(4)
    growth, n = rng.uniform(-0.02, 0.2, 50), 160
    life = Weibull.from_mean(rng.uniform(5, 14, 50), rng.uniform(1.5, 5, 50))
    inflow = (1.0 + growth) ** np.arange(n)[:, np.newaxis]
    out = outflow(inflow, life)
    # exact for an even inflow within the year: integral of the density times the mean of growth
    nodes = np.arange(0.0, 160.0, 0.002) + 0.001
    for j in (0, 17, 49):
        alone = Weibull(float(np.asarray(life.scale)[j]), float(np.asarray(life.shape)[j]))
        held = alone.survival_integral(np.arange(n + 1.0))
        share = np.diff(held)
        leaving = -np.diff(share, prepend=1.0)
        expected = np.sum(leaving * (1.0 + growth[j]) ** -np.arange(n))
        assert out[-1, j] / inflow[-1, j] == pytest.approx(expected, rel=1e-8)
        # continuous growth at the same rate within the year would differ by less than g^2/12
        density = -np.gradient(alone.survival(nodes), nodes)
        smooth = np.sum(density * (1.0 + growth[j]) ** -nodes) * 0.002
        assert expected == pytest.approx(smooth, rel=0.1 * abs(growth[j]) ** 2 + 1e-4)


# ------------------------------------------------------------------------------------ bits


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [1, 2, 7, KERNEL_BLOCK + 1, SUM_BLOCK, SUM_BLOCK + 3])
def test_blocks_change_no_bit(rule: InflowAt, n: int) -> None:
    """Kernel, outflow and stock of a draw are the same alone, in a few, and among thousands."""
    total = 2 * SUM_BLOCK + 77
    scale, shape, inflow = case(total)
    whole = Weibull(scale, shape)
    kernel = leaving_share(whole, YEARS, inflow_at=rule)
    out = outflow(inflow, kernel)
    stock, same = inflow_driven(inflow, whole, inflow_at=rule)
    assert (out == outflow(inflow, whole, inflow_at=rule)).all()
    assert (out == same).all()
    for start in (0, 5, SUM_BLOCK - 2, total - n):
        some = slice(start, start + n)
        life = Weibull(scale[some], shape[some])
        few = leaving_share(life, YEARS, inflow_at=rule)
        assert (few == kernel[:, some]).all()
        assert (outflow(inflow[:, some], few) == out[:, some]).all()
        assert (outflow(inflow[:, some], life, inflow_at=rule) == out[:, some]).all()
        assert (inflow_driven(inflow[:, some], life, inflow_at=rule)[0] == stock[:, some]).all()


def test_memory_layout_changes_no_bit() -> None:
    """Slices, transposed arrays and a broadcast inflow give what contiguous copies give."""
    scale, shape, inflow = case(300)
    life = Weibull(scale, shape)
    out = outflow(inflow, life)
    by_draw = np.ascontiguousarray(inflow.T)
    assert (outflow(by_draw.T, life) == out).all()
    every_other = Weibull(scale[::2], shape[::2])
    assert (outflow(inflow[:, ::2], every_other) == out[:, ::2]).all()
    one = inflow[:, :1]
    assert (outflow(one, life) == outflow(np.tile(one, (1, 300)), life)).all()
    assert (outflow(one[:, 0], life) == outflow(one, life)).all()


@pytest.mark.parametrize(
    "life",
    [
        Weibull(np.linspace(5.0, 20.0, 30).reshape(3, 10), 2.5),
        LogNormal(np.linspace(5.0, 20.0, 10), np.array([[3.0], [4.0], [5.0]])),
        Gamma(np.full((3, 1), 9.0), np.linspace(2.0, 5.0, 10)),
        Fixed(np.linspace(2.0, 20.0, 30).reshape(3, 10)),
    ],
    ids=lambda life: type(life).__name__,
)
@pytest.mark.parametrize("rule", RULES)
def test_items_and_draws(life: Lifetime, rule: InflowAt) -> None:
    """Items before draws, and parameters of which only some have draws: a row is an item alone."""
    assert life.draw_shape == (3, 10)
    inflow = case(10)[2]
    kernel = leaving_share(life, YEARS, inflow_at=rule)
    assert kernel.shape == (3, YEARS, 10)
    out = outflow(inflow, life, inflow_at=rule)
    assert (out == outflow(inflow, kernel)).all()
    stock, same = inflow_driven(inflow, life, inflow_at=rule)
    assert (out == same).all()
    check_mass_balance(inflow, out, stock, tolerance=1e-12)
    for item in range(3):
        fields = {k: np.broadcast_to(v, (3, 10))[item] for k, v in vars(life).items()}
        alone = type(life)(**fields)
        assert (surviving_share(alone, YEARS, inflow_at=rule)[..., 0, :] <= 1.0).all()
        assert (outflow(inflow, alone, inflow_at=rule) == out[item]).all()


def test_leaving_and_surviving_add_up() -> None:
    """What left up to a year and what is in use are the whole inflow; nothing is negative."""
    scale, shape, _ = case(500)
    for rule in RULES:
        share = surviving_share(Weibull(scale, shape), YEARS, inflow_at=rule)
        left = leaving_share(Weibull(scale, shape), YEARS, inflow_at=rule)
        assert (left >= 0.0).all()
        np.testing.assert_allclose(left.cumsum(axis=0) + share, 1.0, rtol=1e-14)


@settings(deadline=None, max_examples=60)
@given(
    parameters=hnp.arrays(np.float64, (2, 9), elements=st.floats(0.5, 40.0)),
    # nothing between 0 and 1 mg: numbers near 1e-310 have too few bits for a relative tolerance
    inflow=hnp.arrays(np.float64, (12, 9), elements=st.just(0.0) | st.floats(1e-9, 1e6)),
    rule=st.sampled_from(RULES),
)
def test_mass_closes_in_each_draw(
    parameters: FloatArray, inflow: FloatArray, rule: InflowAt
) -> None:
    """Whatever is drawn, inflow is outflow and stock, and no flow is negative."""
    stock, out = inflow_driven(inflow, Weibull(*parameters), inflow_at=rule)
    check_mass_balance(inflow, out, stock, tolerance=1e-12)
    assert (stock >= 0.0).all()
    assert (out >= 0.0).all()


def test_unknown_draw_stays_alone_and_fails() -> None:
    """NaN in one draw of a block leaves the others' bits alone, and does not pass the check."""
    scale, shape, inflow = case(20)
    life = Weibull(scale, shape)
    good, _ = inflow_driven(inflow, life)
    inflow[9, 11] = np.nan
    stock, out = inflow_driven(inflow, life)
    others = np.arange(20) != 11
    assert (stock[:, others] == good[:, others]).all()
    assert (stock[:9, 11] == good[:9, 11]).all()
    assert np.isnan(stock[9:, 11]).all()
    with pytest.raises(ReesupplyError, match="got an error of nan t in year 9"):
        check_mass_balance(inflow, out, stock)


def test_outflow_of_a_lifetime_without_draws() -> None:
    """A lifetime of plain numbers, and the rule's name is checked."""
    life = Fixed(2.0)
    np.testing.assert_array_equal(outflow([1.0, 0, 0, 0], life, inflow_at="end"), [0, 0, 1, 0])
    with pytest.raises(ReesupplyError, match="did you mean 'end'"):
        outflow(np.ones(3), life, inflow_at="ends")  # type: ignore[arg-type]
