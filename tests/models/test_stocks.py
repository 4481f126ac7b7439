"""Stocks in use: published cases, identities, and what must hold for any input."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from reesupply.errors import ReesupplyError
from reesupply.models.stocks import (
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
    leaving_share,
    mass_balance_error,
    outflow,
    stock_driven,
    surviving_share,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    InflowAt = Literal["uniform", "start", "middle", "end"]

DATA = Path(__file__).parents[1] / "data" / "stocks"
RULES: tuple[InflowAt, ...] = ("uniform", "start", "middle", "end")
LIFETIMES: tuple[Lifetime, ...] = (
    Weibull(13.0, 2.5),
    Weibull.from_cv(12.0, 0.3),
    Weibull(15.0, 0.8),
    LogNormal(20.0, 8.0),
    LogNormal(0.7, 0.4),
    Normal(9.0, 4.0),
    Normal(9.0, 4.0, kind="folded"),
    Gamma(12.0, 5.0),
    Gamma(5.0, 6.0),
    Fixed(5.0),
    Fixed(2.4),
)


def table(name: str) -> dict[str, FloatArray]:
    """Read a case: one array per numeric column, empty cells as NaN."""
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        key: np.array([float(row[key] or "nan") for row in rows])
        for key in rows[0]
        if key != "inflow_at"
    }


def rules(name: str) -> list[str]:
    """Read the timing rule of each row of a case."""
    with (DATA / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [row["inflow_at"] for row in csv.DictReader(file)]


ODYM_NORMAL = Normal(5.0, 1.5, kind="untruncated")

# ---------------------------------------------------------------------------- published cases


@pytest.mark.parametrize(
    ("name", "lifetime", "digits"),
    [
        ("fixed5", Fixed(5.0), 1e-12),
        ("normal_5_1.5", ODYM_NORMAL, 6e-9),
        ("weibull_1.2_1", Weibull(1.0, 1.2), 6e-10),
    ],
)
def test_odym_inflow_driven(name: str, lifetime: Lifetime, digits: float) -> None:
    """Stock and outflow of ODYM's own cases, to the digits they print."""
    case = table(f"odym_inflow_driven_{name}")
    stock, out = inflow_driven(case["inflow"], lifetime, inflow_at="end")
    np.testing.assert_allclose(stock, case["stock_end"], rtol=digits, atol=digits)
    np.testing.assert_allclose(out, case["outflow"], rtol=digits, atol=digits)
    np.testing.assert_allclose(
        np.diff(stock, prepend=0.0), case["stock_change"], rtol=digits, atol=digits
    )


@pytest.mark.parametrize(
    ("name", "lifetime", "digits"),
    [("normal_5_1.5", ODYM_NORMAL, 6e-9), ("weibull_1.2_1", Weibull(1.0, 1.2), 6e-10)],
)
def test_odym_cohort_tables(name: str, lifetime: Lifetime, digits: float) -> None:
    """Every cell of ODYM's cohort tables, and their sums."""
    case = table(f"odym_cohort_table_{name}")
    inflow = np.arange(1.0, 11.0)
    stock, out = cohort_table(inflow, lifetime, inflow_at="end")
    cell = case["cohort"].astype(int), case["year"].astype(int)
    np.testing.assert_allclose(stock[cell], case["stock"], rtol=digits, atol=digits)
    np.testing.assert_allclose(out[cell], case["outflow"], rtol=digits, atol=digits)
    assert (np.tril(stock, -1) == 0.0).all()
    assert (np.tril(out, -1) == 0.0).all()
    for part, total in zip(
        (stock, out), inflow_driven(inflow, lifetime, inflow_at="end"), strict=True
    ):
        np.testing.assert_allclose(part.sum(axis=0), total, rtol=1e-13, atol=1e-15)


def test_odym_stock_driven() -> None:
    """A stock that falls faster than lifetimes allow, without a floor and with the floor at 0."""
    case, life = table("odym_stock_driven_normal_8_3"), Normal(8.0, 3.0, kind="untruncated")
    for floor, name in ((None, "plain"), (0.0, "floor0")):
        inflow, out, stock = stock_driven(case["stock_given"], life, inflow_at="end", floor=floor)
        np.testing.assert_allclose(inflow, case[f"inflow_{name}"], atol=1e-11)
        np.testing.assert_allclose(out, case[f"outflow_{name}"], atol=1e-11)
        np.testing.assert_allclose(stock, case["stock_given"], atol=1e-11)
        check_mass_balance(inflow, out, stock)


def test_odym_initial_stock() -> None:
    """Stock-driven from an initial stock by cohort; the years before are explained too."""
    case = table("odym_initial_stock_normal_5_1.5")
    initial, future = case["initial_stock_by_cohort"][:4], case["future_stock_given"][4:]
    past = inflow_from_final_stock(initial, ODYM_NORMAL, inflow_at="end")
    np.testing.assert_allclose(past, case["inflow"][:4], rtol=1e-8)
    stock, out = inflow_driven(past, ODYM_NORMAL, inflow_at="end")
    np.testing.assert_allclose(stock, case["stock_end"][:4], rtol=1e-8)
    np.testing.assert_allclose(out, case["outflow"][:4], rtol=1e-8)
    inflow, out, stock = stock_driven(future, ODYM_NORMAL, inflow_at="end", initial_stock=initial)
    np.testing.assert_allclose(inflow, case["inflow"][4:], rtol=1e-8)
    np.testing.assert_allclose(stock, case["stock_end"][4:], rtol=1e-8)
    np.testing.assert_allclose(out, case["outflow"][4:], rtol=1e-8)
    check_mass_balance(inflow, out, stock, opening_stock=initial.sum())


def test_odym_inflow_from_final_stock() -> None:
    """The inflow history that explains a final stock by cohort."""
    case = table("odym_inflow_from_final_stock")
    for life, name in ((ODYM_NORMAL, "normal_5_1_5"), (Weibull(1.0, 1.2), "weibull_1_2_1")):
        inflow = inflow_from_final_stock(case["final_stock"], life, inflow_at="end")
        np.testing.assert_allclose(inflow, case[f"inflow_{name}"], rtol=1e-8, atol=1e-8)
        stock, _ = cohort_table(inflow, life, inflow_at="end")
        np.testing.assert_allclose(stock[:, -1], case["final_stock"], rtol=1e-12)


@pytest.mark.parametrize(
    ("lifetime", "expected"),
    [
        (LogNormal(20.0, 20.0), 5.8693165260386),
        (Normal(20.0, 20.0, kind="folded"), 6.50049047900083),
    ],
)
def test_odym_lognormal_and_folded_normal(lifetime: Lifetime, expected: float) -> None:
    """ODYM's single values of year 60, which its authors computed in a spreadsheet."""
    inflow = np.zeros(100)
    inflow[:20] = [1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 5, 6, 7, 1, 2, 4, 5, 6, 7, 3]
    stock, _ = inflow_driven(inflow, lifetime, inflow_at="end")
    assert stock[60] == pytest.approx(expected, rel=1e-9)


def test_lognormal_with_mean_other_than_sd() -> None:
    """Mean 30, sd 10 holds 30.5 years of inflow, and mean 20, sd 8 has 0.615 left in year 60."""
    assert surviving_share(LogNormal(30.0, 10.0), 200, inflow_at="end").sum() == pytest.approx(30.5)
    inflow = np.zeros(100)
    inflow[:20] = [1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 5, 6, 7, 1, 2, 4, 5, 6, 7, 3]
    stock, _ = inflow_driven(inflow, LogNormal(20.0, 8.0), inflow_at="end")
    assert stock[60] == pytest.approx(0.615, abs=5e-4)


def test_flodym_timing_rules() -> None:
    """Stationary stock by rule; flodym's quadrature over the year is our exact uniform inflow."""
    name = "flodym_quadrature_lognormal_constant_inflow"
    case, rule = table(name), rules(name)
    for k, expected in enumerate(case["stock_after_200_years"]):
        life = LogNormal(case["lifetime_mean"][k], case["lifetime_std"][k])
        stock, _ = inflow_driven(np.ones(200), life, inflow_at=_rule(rule[k] or "uniform"))
        assert stock[-1] == pytest.approx(expected, abs=case["tolerance"][k])


def _rule(name: str) -> InflowAt:
    return next(rule for rule in RULES if rule == name)


def test_analytic_weibull_survival() -> None:
    """Survival and the share that leaves, against 20 digits."""
    case = table("analytic_weibull_survival")
    for k, (scale, shape, age) in enumerate(
        zip(case["scale"], case["shape"], case["age"], strict=True)
    ):
        life = Weibull(float(scale), float(shape))
        share = surviving_share(life, 36, inflow_at="end")
        left = leaving_share(life, 36, inflow_at="end")
        assert share[int(age)] == pytest.approx(case["survival"][k], rel=5e-13)
        assert left[int(age)] == pytest.approx(case["left_during_year"][k], rel=5e-12, abs=2e-16)


def test_analytic_weibull_constant_inflow() -> None:
    """Stock, outflow and steady state of a constant inflow, by timing rule, against 18 digits."""
    name = "analytic_weibull_constant_inflow"
    case, rule = table(name), rules(name)
    for k in range(len(rule)):
        life = Weibull(float(case["scale"][k]), float(case["shape"][k]))
        stock, out = inflow_driven(np.ones(36), life, inflow_at=_rule(rule[k]))
        steady = surviving_share(life, 1200, inflow_at=_rule(rule[k])).sum()
        assert stock[-1] == pytest.approx(case["stock_after_36_years_of_inflow_1"][k], rel=1e-13)
        assert out[-1] == pytest.approx(case["outflow_in_year_36"][k], rel=1e-13)
        assert steady == pytest.approx(case["stock_in_steady_state"][k], rel=1e-13)
        assert life.mean == pytest.approx(case["mean_lifetime"][k], rel=1e-14)
        uniform = surviving_share(life, 1200).sum()
        assert uniform == pytest.approx(case["mean_lifetime"][k], rel=1e-13)


def test_odym_recycling_loop() -> None:
    """
    ODYM's tutorial 1, closed by iteration: what leaves use is recovered in part and used again.

    Goods stay half a year and leave in their own, as in the tutorial, which has no stock.
    """
    case, life = table("odym_tutorial1_recycling_loop"), Fixed(0.5)
    used = np.zeros_like(case["inflow_a"])
    for _ in range(700):  # the largest recovery rate is 0.94
        left = outflow(used, life, inflow_at="start")
        used = case["inflow_a"] + case["recovery_rate"] * left
    digits = 6e-12
    np.testing.assert_allclose(used, case["use_b"], rtol=digits)
    np.testing.assert_allclose(left - case["recovery_rate"] * left, case["output_c"], rtol=digits)
    np.testing.assert_allclose(case["recovery_rate"] * left, case["recovered_d"], rtol=digits)


def test_mines_mineral_model_terbium() -> None:
    """
    Terbium recycled to 2050, all six decimals.

    1 % of what retires, Weibull of shape 3.5 and scale 25 years: inferred from the two columns,
    the parameters are not stated there. That model takes the density at whole ages for the share
    leaving, and lets only primary metal return. The share between two middles of a year, which
    closes the mass, comes to 0.7 % of it.
    """
    case = table("mines_mineral_model_dy_tb")
    demand, expected = case["Tb_demand_t"], case["Tb_recycling_t"]
    age, rate, life = np.arange(50.0), 0.01, Weibull(25.0, 3.5)
    density = life.shape / age[1:] * -np.log(life.survival(age[1:])) * life.survival(age[1:])
    recycled = np.zeros(50)
    for _ in range(20):
        recycled = rate * outflow(demand - recycled, np.concatenate([[0.0], density]))
    np.testing.assert_allclose(recycled, expected, rtol=0.0, atol=6e-7)
    closed = rate * outflow(demand - expected, life, inflow_at="middle")
    np.testing.assert_allclose(closed[9:], expected[9:], rtol=0.007)
    assert dict(zip(case["year"], demand, strict=True))[2035.0] == pytest.approx(247.191487)


def test_mines_mineral_model_dysprosium() -> None:
    """
    Dysprosium recycled cannot come from one lifetime: only the demand is for comparison.

    Its demand is a sum over technologies with lifetimes of their own, which the file does not
    split, and some of it is negative. The shares leaving that would explain it are negative too.
    """
    case = table("mines_mineral_model_dy_tb")
    demand, recycled = case["Dy_demand_t"], case["Dy_recycling_t"]
    assert dict(zip(case["year"], demand, strict=True))[2035.0] == pytest.approx(1937.696956)
    assert (recycled < 0.0).sum() == 6
    leaving = np.zeros(50)
    for year in range(50):
        explained = outflow(demand[: year + 1], leaving[: year + 1])[-1]
        leaving[year] = (recycled[year] - explained) / demand[0]
    np.testing.assert_allclose(outflow(demand[:20], leaving[:20]), recycled[:20], atol=1e-9)
    assert leaving[:20].min() < -0.2  # of the inflow, where a lifetime has 0 or more


# -------------------------------------------------------------------------------- identities


def test_steady_state_by_timing_rule() -> None:
    """Mean 12 years, shape 3: 12.000 exactly, 12.000, 12.500 and 11.500 years of inflow in use."""
    life = Weibull.from_mean(12.0, 3.0)
    held = [surviving_share(life, 100, inflow_at=rule).sum() for rule in RULES]
    assert held[0] == pytest.approx(12.0, rel=1e-14)
    np.testing.assert_allclose(held, [12.0, 11.5, 12.0, 12.5], atol=5e-6)


def test_growing_inflow_by_timing_rule() -> None:
    """At 20 % growth a year the rules give 0.999, 0.912 and 1.094 of the exact outflow."""
    inflow = 1.2 ** np.arange(150.0)
    life = Weibull.from_mean(12.0, 3.0)
    out = {r: outflow(inflow, leaving_share(life, 150, inflow_at=r))[-1] for r in RULES}
    ratio = [out[r] / out["uniform"] for r in ("middle", "end", "start")]
    np.testing.assert_allclose(ratio, [0.999, 0.912, 1.094], atol=6e-4)


def test_weibull_from_coefficient_of_variation() -> None:
    """Shape and scale of four usual lifetimes, to the digits known; sd/mean is what was asked."""
    for mean, cv, shape, scale in (
        (15.0, 0.25, 4.54, 16.43),
        (12.0, 0.30, 3.71, 13.29),
        (20.0, 0.20, 5.80, 21.60),
        (5.0, 0.35, 3.13, 5.59),
    ):
        life = Weibull.from_cv(mean, cv)
        assert life.shape == pytest.approx(shape, abs=0.005)
        assert life.scale == pytest.approx(scale, abs=0.005)
    spread = np.geomspace(0.01, 5.0, 50)
    many = Weibull.from_cv(np.full(50, 7.0), spread)
    np.testing.assert_allclose(many.mean, 7.0, rtol=1e-13)
    first, second = special.gamma(1.0 + 1.0 / many.shape), special.gamma(1.0 + 2.0 / many.shape)
    np.testing.assert_allclose(np.sqrt(second / first**2 - 1.0), spread, rtol=1e-10)


@pytest.mark.parametrize("life", LIFETIMES, ids=str)
def test_integral_of_survival(life: Lifetime) -> None:
    """The closed form is the integral of survival, starts at 0 and tends to the mean."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    jumps = [float(life.years)] if isinstance(life, Fixed) else []
    for age in (0.3, 1.0, 7.5, 26.0):
        cuts = sorted({0.0, age, *np.geomspace(1e-3, age, 30), *(j for j in jumps if j < age)})
        area = sum(
            0.5 * (b - a) * np.sum(weights * life.survival(0.5 * (b - a) * nodes + 0.5 * (a + b)))
            for a, b in pairwise(cuts)
        )
        assert life.survival_integral(age) == pytest.approx(area, rel=1e-9, abs=1e-9)
    assert life.survival_integral(0.0) == pytest.approx(0.0, abs=1e-14)
    assert life.survival_integral(3000.0) == pytest.approx(float(life.mean), rel=1e-9)


def test_numerical_default_of_a_new_lifetime() -> None:
    """A lifetime that only states survival gets its integral by quadrature, to 1e-9."""

    class Plain(Weibull):
        survival_integral = Lifetime.survival_integral

    for age in (0.5, 3.0, 20.0, 60.0):
        expected = Weibull(13.0, 2.5).survival_integral(age)
        assert Plain(13.0, 2.5).survival_integral(age) == pytest.approx(float(expected), abs=1e-9)
    share = surviving_share(Plain(13.0, 2.5), 60)
    np.testing.assert_allclose(share, surviving_share(Weibull(13.0, 2.5), 60), atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("life", LIFETIMES, ids=str)
def test_shares(life: Lifetime, rule: InflowAt) -> None:
    """Survival never rises and stays in [0, 1]; what leaves and what is left sum to 1."""
    share, left = (f(life, 40, inflow_at=rule) for f in (surviving_share, leaving_share))
    assert (np.diff(share) <= 0.0).all()
    assert ((share >= 0.0) & (share <= 1.0)).all()
    assert (left >= 0.0).all()
    assert left.sum() + share[-1] == pytest.approx(1.0, rel=1e-14)


def random_inflow(*shape: int) -> FloatArray:
    """A positive inflow with draws that differ."""
    return np.random.default_rng(7).lognormal(3.0, 0.8, shape)


def draws_of(kind: str, n: int) -> Lifetime:
    """One lifetime per draw."""
    rng = np.random.default_rng(3)
    mean, cv = rng.uniform(4.0, 25.0, n), rng.uniform(0.2, 0.9, n)
    made: dict[str, Lifetime] = {
        "weibull": Weibull.from_cv(mean, cv),
        "steep weibull": Weibull(mean, 40.0 * cv),
        "lognormal": LogNormal(mean, mean * cv),
        "normal": Normal(mean, mean * cv),
        "gamma": Gamma(mean, mean * cv),
        "fixed": Fixed(mean),
        "one scale": Weibull(12.0, 1.0 + 4.0 * cv),
    }
    return made[kind]


def one_draw(life: Lifetime, j: int) -> Lifetime:
    """Return the lifetime of draw j as plain numbers."""
    values = {k: v if np.ndim(v) == 0 else float(v[j]) for k, v in vars(life).items()}
    return type(life)(**values)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "kind", ["weibull", "steep weibull", "lognormal", "normal", "gamma", "fixed", "one scale"]
)
def test_lifetimes_per_draw(kind: str, rule: InflowAt) -> None:
    """A lifetime per draw gives each draw what it gets alone (quadrature agrees to 1e-12)."""
    life, inflow = draws_of(kind, 9), random_inflow(2, 36, 9)
    stock, out = inflow_driven(inflow, life, inflow_at=rule)
    assert stock.shape == out.shape == (2, 36, 9)
    check_mass_balance(inflow, out, stock)
    for j in range(9):
        alone = inflow_driven(inflow[..., j : j + 1], one_draw(life, j), inflow_at=rule)
        np.testing.assert_allclose(stock[..., j : j + 1], alone[0], rtol=1e-10)
        np.testing.assert_allclose(out[..., j : j + 1], alone[1], rtol=1e-9, atol=1e-9)


def test_lifetimes_by_item_and_draw() -> None:
    """Leading axes broadcast: lifetimes (item, draw) with one inflow (year, draw)."""
    scale = np.array([[8.0, 9.0, 10.0], [15.0, 16.0, 17.0]])
    inflow = random_inflow(20, 3)
    stock, _ = inflow_driven(inflow, Weibull(scale, 2.0))
    assert stock.shape == (2, 20, 3)
    np.testing.assert_allclose(stock[1], inflow_driven(inflow, Weibull(scale[1], 2.0))[0])
    plain, _ = inflow_driven(inflow[:, 0], Weibull(scale[0], 2.0))
    assert plain.shape == (20, 3)


def test_draws_permuted() -> None:
    """Draws do not know of each other: permuted in, permuted out, to the bit."""
    order = np.random.default_rng(5).permutation(64)
    rng = np.random.default_rng(6)
    scale, shape = rng.uniform(2.0, 20.0, 64), rng.uniform(1.0, 12.0, 64)
    inflow = random_inflow(30, 64)
    given_ = inflow_driven(inflow, Weibull(scale, shape))
    again = inflow_driven(inflow[:, order], Weibull(scale[order], shape[order]))
    for a, b in zip(given_, again, strict=True):
        assert (a[:, order] == b).all()


# -------------------------------------------------------------- properties for any input

# nothing between 0 and 1 mg: numbers near 1e-310 have too few bits for a relative tolerance
MASS = st.one_of(st.just(0.0), st.floats(1e-9, 1e6))
INFLOWS = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 25), st.integers(1, 4)), elements=MASS, fill=MASS
)
ANY_LIFETIME = st.one_of(
    st.builds(Weibull, st.floats(0.5, 40.0), st.floats(0.6, 8.0)),
    st.builds(LogNormal, st.floats(0.5, 40.0), st.floats(0.5, 20.0)),
    st.builds(Gamma, st.floats(0.5, 40.0), st.floats(0.5, 20.0)),
    st.builds(
        Normal,
        st.floats(0.5, 40.0),
        st.floats(0.5, 20.0),
        st.sampled_from(["truncated", "folded", "untruncated"]),
    ),
    st.builds(Fixed, st.floats(0.5, 40.0)),
)


@settings(deadline=None, max_examples=80)
@given(inflow=INFLOWS, life=ANY_LIFETIME, rule=st.sampled_from(RULES))
def test_mass_closes(inflow: FloatArray, life: Lifetime, rule: InflowAt) -> None:
    """Stock change is inflow less outflow each year, and nothing is negative."""
    stock, out = inflow_driven(inflow, life, inflow_at=rule)
    check_mass_balance(inflow, out, stock, tolerance=1e-12)
    assert (stock >= 0.0).all()
    assert (out >= 0.0).all()
    np.testing.assert_allclose(inflow.sum(axis=0), out.sum(axis=0) + stock[-1], rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    inflow=INFLOWS,
    scale=st.floats(3.0, 30.0),
    shape=st.floats(1.0, 6.0),
    rule=st.sampled_from(RULES),
    floor=st.sampled_from([None, 0.0]),
)
def test_stock_driven_returns_the_inflow(
    inflow: FloatArray, scale: float, shape: float, rule: InflowAt, floor: float | None
) -> None:
    """Inflow-driven, then stock-driven from the result, gives the inflow and outflow back."""
    life = Weibull(scale, shape)
    stock, out = inflow_driven(inflow, life, inflow_at=rule)
    back, out_back, reached = stock_driven(stock, life, inflow_at=rule, floor=floor)
    size = max(float(inflow.max()), 1e-300)
    np.testing.assert_allclose(back, inflow, atol=1e-8 * size)
    np.testing.assert_allclose(out_back, out, atol=1e-8 * size)
    np.testing.assert_allclose(reached, stock, atol=1e-9 * size)


@settings(deadline=None, max_examples=60)
@given(stock=INFLOWS, life=ANY_LIFETIME, initial=st.lists(MASS, max_size=3))
def test_floor_keeps_flows_positive(
    stock: FloatArray, life: Lifetime, initial: list[float]
) -> None:
    """With the floor at 0 any stock is reached, flows are not negative, and mass closes."""
    try:
        before = np.array(initial) if initial else None
        inflow, out, reached = stock_driven(stock, life, floor=0.0, initial_stock=before)
    except ReesupplyError as error:  # a cohort older than a fixed lifetime
        assert "outlive" in str(error)  # noqa: PT017
        return
    size = max(float(stock.max()), sum(initial), 1e-300)
    np.testing.assert_allclose(reached, stock, rtol=1e-9, atol=1e-12 * size)
    assert (inflow >= 0.0).all()
    assert (out >= 0.0).all()
    check_mass_balance(inflow, out, reached, opening_stock=sum(initial), tolerance=1e-9)


@settings(deadline=None, max_examples=40)
@given(inflow=INFLOWS, life=ANY_LIFETIME, factor=st.floats(0.0, 100.0))
def test_linear(inflow: FloatArray, life: Lifetime, factor: float) -> None:
    """Twice the inflow is twice the outflow, and inflows add."""
    kernel = leaving_share(life, len(inflow))
    other = inflow[::-1]
    together = outflow(inflow + factor * other, kernel)
    apart = outflow(inflow, kernel) + factor * outflow(other, kernel)
    np.testing.assert_allclose(together, apart, rtol=1e-11, atol=1e-6)


EDGES = st.lists(st.floats(0.2, 12.0), min_size=1, max_size=12).map(
    lambda steps: np.concatenate([[2000.0], 2000.0 + np.cumsum(steps)])
)


@settings(deadline=None, max_examples=60)
@given(edges=EDGES, life=ANY_LIFETIME, rule=st.sampled_from(RULES))
def test_uneven_steps_close_the_mass(edges: FloatArray, life: Lifetime, rule: InflowAt) -> None:
    """Steps of any length: outflows are possible ones, mass closes, cohorts sum to the totals."""
    inflow = np.diff(edges)[:, np.newaxis] * [1.0, 3.0]  # one and three tonnes a year
    stock, out = inflow_driven(inflow, life, inflow_at=rule, time_edges=edges)
    check_mass_balance(inflow, out, stock, tolerance=1e-12)
    assert (out >= 0.0).all()
    assert (out.cumsum(axis=0) <= inflow.cumsum(axis=0) * (1 + 1e-12)).all()
    by_cohort = cohort_table(inflow, life, inflow_at=rule, time_edges=edges)
    for part, total in zip(by_cohort, (stock, out), strict=True):
        np.testing.assert_allclose(part.sum(axis=-3), total, rtol=1e-11, atol=1e-12)


def test_uneven_steps_add_up_to_yearly_ones() -> None:
    """A constant inflow: stock and outflow on coarse steps are the sums of yearly steps."""
    life = LogNormal(5.0, 2.0)
    edges = np.array([2000, 2001, 2002, 2003, 2004, 2005, 2010, 2015, 2020, 2030, 2040.0])
    stock, out = inflow_driven(np.diff(edges), life, time_edges=edges)
    yearly_stock, yearly_out = inflow_driven(np.ones(40), life)
    ends = edges[1:].astype(int) - 2001
    np.testing.assert_allclose(stock, yearly_stock[ends], rtol=1e-12)
    cumulative = np.diff(np.cumsum(yearly_out)[ends], prepend=0.0)
    np.testing.assert_allclose(out, cumulative, rtol=1e-11, atol=1e-13)
    assert (out / np.diff(edges) <= 1.0 + 1e-12).all()  # never more than comes in


@pytest.mark.parametrize("rule", RULES)
def test_even_edges_are_yearly_steps(rule: InflowAt) -> None:
    """Edges a year apart give what no edges give, per draw too, and both ways round."""
    inflow, edges = random_inflow(15, 4), np.arange(2020.0, 2036.0)
    for life in (Weibull(9.0, 2.0), draws_of("weibull", 4), draws_of("fixed", 4)):
        plain = inflow_driven(inflow, life, inflow_at=rule)
        stepped = inflow_driven(inflow, life, inflow_at=rule, time_edges=edges)
        for a, b in zip(plain, stepped, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-9)
        back, out, _ = stock_driven(plain[0], life, inflow_at=rule, time_edges=edges)
        np.testing.assert_allclose(back, inflow, rtol=1e-8)
        np.testing.assert_allclose(out, plain[1], rtol=1e-7, atol=1e-7)


def test_initial_stock_runs_off() -> None:
    """Stock by cohort leaves like the inflow that explains it, in both kinds of model."""
    life, inflow = draws_of("weibull", 5), random_inflow(25, 5)
    stock, out = inflow_driven(inflow, life)
    by_cohort, _ = cohort_table(inflow[:10], life)
    initial = by_cohort[:, -1]
    later = inflow_driven(inflow[10:], life, initial_stock=initial)
    np.testing.assert_allclose(later[0], stock[10:], rtol=1e-10)
    np.testing.assert_allclose(later[1], out[10:], rtol=1e-9)
    back, out_back, _ = stock_driven(stock[10:], life, initial_stock=initial)
    np.testing.assert_allclose(back, inflow[10:], rtol=1e-8)
    np.testing.assert_allclose(out_back, out[10:], rtol=1e-8)
    check_mass_balance(back, out_back, stock[10:], opening_stock=initial.sum(axis=0))


def test_inputs_are_left_alone() -> None:
    """No function writes into what it is given."""
    inflow, initial = random_inflow(10, 3), random_inflow(4, 3)
    before = inflow.copy(), initial.copy()
    inflow_driven(inflow, Weibull(9.0, 2.0), initial_stock=initial)
    stock_driven(inflow, Weibull(9.0, 2.0), floor=0.0, initial_stock=initial)
    cohort_table(inflow, Weibull(9.0, 2.0))
    assert (inflow == before[0]).all()
    assert (initial == before[1]).all()


# ------------------------------------------------------------------------------ the checks


@pytest.mark.parametrize("which", ["inflow", "outflow", "stock"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 5.0])
def test_bad_mass_cannot_pass(which: str, bad: float) -> None:
    """NaN, infinity or a slip in any array is refused, with the year and the name."""
    inflow = random_inflow(2, 10, 4)
    stock, out = inflow_driven(inflow, Weibull(6.0, 2.0))
    check_mass_balance(inflow, out, stock)
    {"inflow": inflow, "outflow": out, "stock": stock}[which][1, 4, 2] += bad
    years = list(range(2024, 2034))
    year = "2028" if np.isfinite(bad) else r"20\d\d"
    with pytest.raises(ReesupplyError, match=f"turbines.*year {year}"):
        check_mass_balance(inflow, out, stock, years=years, name="turbines")


def test_mass_balance_error_has_the_sign_of_what_appears() -> None:
    """One tonne too much in stock is +1 t then and -1 t the year after."""
    stock, out = inflow_driven(np.ones(5), Fixed(2.0))
    stock[2] += 1.0
    error = mass_balance_error(np.ones(5), out, stock)
    np.testing.assert_allclose(error, [0.0, 0.0, 1.0, -1.0, 0.0], atol=1e-15)
    check_mass_balance(0.0, 0.0, np.zeros(3))
    opened = mass_balance_error([1.0], [0.5], [2.5], opening_stock=2.0)
    np.testing.assert_allclose(opened, [0.0], atol=1e-15)


def test_nan_inflow_stays_in_its_draw() -> None:
    """An unknown inflow makes its own draw unknown from then on, and is not lost."""
    inflow = random_inflow(8, 3)
    inflow[3, 1] = np.nan
    for life in (Weibull(9.0, 2.0), draws_of("weibull", 3)):
        stock, out = inflow_driven(inflow, life)
        assert np.isnan(stock[3:, 1]).all()
        assert np.isfinite(stock[:, [0, 2]]).all()
        with pytest.raises(ReesupplyError):
            check_mass_balance(inflow, out, stock)


def test_errors_name_what_is_wrong() -> None:
    """Each refusal says what was found and what is allowed."""
    life = Weibull(9.0, 2.0)
    with pytest.raises(ReesupplyError, match=r"did you mean 'middle'"):
        surviving_share(life, 5, inflow_at="midle")  # type: ignore[arg-type]
    with pytest.raises(ReesupplyError, match="n_years must be at least 1; got 0"):
        surviving_share(life, 0)
    with pytest.raises(ReesupplyError, match=r"scale of a lifetime .* got -1.0 at index \(1,\)"):
        Weibull(np.array([1.0, -1.0]), 2.0)
    with pytest.raises(ReesupplyError, match=r"cv must be 0\.01 to 5"):
        Weibull.from_cv(10.0, 9.0)
    with pytest.raises(ReesupplyError, match="kind must be truncated"):
        Normal(10.0, 2.0, kind="cut")  # type: ignore[arg-type]
    with pytest.raises(ReesupplyError, match="must cover 6 years; got 5"):
        outflow(np.ones(6), leaving_share(life, 5))
    with pytest.raises(ReesupplyError, match="at least one year"):
        inflow_driven(1.0, life)
    with pytest.raises(ReesupplyError, match="time_edges must be 4 rising numbers"):
        inflow_driven(np.ones(3), life, time_edges=[0.0, 1.0, 1.0, 2.0])
    with pytest.raises(ReesupplyError, match="cohort 0 at age 3"):
        inflow_from_final_stock([1.0, 1.0, 1.0, 1.0], Fixed(2.0))
    with pytest.raises(ReesupplyError, match="floor must be zero or positive; got nan"):
        stock_driven(np.ones(3), life, floor=np.nan)
    with pytest.raises(ReesupplyError, match="nothing is left of step 0"):
        stock_driven(np.ones(3), Fixed(0.5), inflow_at="start")
    with pytest.raises(ReesupplyError, match="must broadcast"):
        mass_balance_error(np.ones(3), np.ones(4), np.ones(3))
    with pytest.raises(ReesupplyError, match="year axis"):
        mass_balance_error(1.0, 1.0, 1.0)
