"""The ramp-up curves: exact averages, the look-up table, and what must always hold."""

from __future__ import annotations

import pickle
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reesupply.errors import ReesupplyError
from reesupply.models.rampup import (
    RampTable,
    calendar_year_average,
    creep_average,
    gompertz_ramp,
    gompertz_ramp_average,
    linear_ramp_average,
    logistic_ramp,
    logistic_ramp_average,
    weibull_ramp,
    weibull_ramp_integral,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

# McNulty's classes 1 to 4 and the observed rare-earth refinery R: tau [months], beta, plateau,
# and the means of the first years after first feed
CLASSES = {
    "1": (4.88, 0.93, 1.00, [0.63, 0.96, 0.99]),
    "2": (7.38, 0.95, 0.93, [0.48, 0.83, 0.91]),
    "3": (10.2, 0.95, 0.85, [0.36, 0.69, 0.80]),
    "4": (10.4, 1.16, 0.56, [0.21, 0.47, 0.54]),
    "R": (40.0, 0.95, 0.95, [0.14, 0.35, 0.50, 0.62, 0.70]),
}
TAU = np.array([c[0] for c in CLASSES.values()])
BETA = np.array([c[1] for c in CLASSES.values()])
TABLE = RampTable(tuple(TAU), tuple(BETA))
YEARS = np.arange(2024, 2036)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)


def quadrature(curve: Callable[[FloatArray], FloatArray], begin: float, end: float) -> float:
    """Integrate by Gauss-Legendre in t = s**4, which removes the singular slope at 0."""
    low, high = max(begin, 0.0) ** 0.25, max(end, 0.0) ** 0.25
    s = 0.5 * (high - low) * NODES + 0.5 * (high + low)
    return float(0.5 * (high - low) * np.sum(WEIGHTS * 4.0 * s**3 * curve(s**4)))


@pytest.mark.parametrize("name", CLASSES)
def test_class_table(name: str) -> None:
    """Means of the first years of each class, read from its published curve to 2 points."""
    tau, beta, plateau, means = CLASSES[name]
    years = 2030 + np.arange(len(means))
    average = calendar_year_average(2030.0, years, tau, beta, plateau)
    np.testing.assert_allclose(average, means, atol=0.02)
    table = TABLE.average(
        np.full((1, 3), 2030.0), np.full((1, 3), list(CLASSES).index(name)), plateau, years
    )
    np.testing.assert_allclose(table[0, :, 1], means, atol=0.02)


def test_mixture_of_first_of_its_kind_refineries() -> None:
    """Class weights 0/.05/.25/.30/.40 give 0.40/0.57/0.64/0.69 of nameplate after 1 to 4 years."""
    plateau = np.array([c[2] for c in CLASSES.values()])
    months = np.array([[12.0], [24.0], [36.0], [48.0]])
    mixture = weibull_ramp(months, TAU, BETA, plateau) @ np.array([0.0, 0.05, 0.25, 0.30, 0.40])
    np.testing.assert_allclose(mixture, [0.40, 0.57, 0.64, 0.69], atol=0.02)


@settings(deadline=None, max_examples=60)
@given(
    tau=st.floats(1.0, 80.0),
    beta=st.floats(0.5, 3.0),
    months=st.floats(0.01, 300.0),
    plateau=st.floats(0.1, 1.0),
)
def test_integral_is_that_of_the_curve(
    tau: float, beta: float, months: float, plateau: float
) -> None:
    """H(t) is the integral of the curve from first feed, by quadrature."""
    expected = quadrature(lambda t: weibull_ramp(t, tau, beta, plateau), 0.0, months)
    got = weibull_ramp_integral(months, tau, beta, plateau)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10)


@settings(deadline=None, max_examples=40)
@given(start=st.floats(2020.0, 2036.0), rate=st.floats(0.02, 1.0), place=st.floats(0.1, 30.0))
def test_alternatives_agree_with_quadrature(start: float, rate: float, place: float) -> None:
    """Logistic and Gompertz averages are those of the curves, at fractional dates too."""
    for average, curve, name in (
        (logistic_ramp_average, logistic_ramp, "midpoint"),
        (gompertz_ramp_average, gompertz_ramp, "lag"),
    ):
        got = average(start, YEARS, rate, place, 0.9)
        edges = 12.0 * (np.append(YEARS, YEARS[-1] + 1) - start)
        for k, (t0, t1) in enumerate(pairwise(edges)):
            expected = quadrature(partial(curve, rate=rate, plateau=0.9, **{name: place}), t0, t1)
            assert got[k] == pytest.approx(expected / 12.0, abs=1e-8)


def test_alternatives_begin_at_zero_and_reach_the_plateau() -> None:
    """Pinned curves give nothing up to first feed and the plateau at last, without overflow."""
    for curve in (logistic_ramp, gompertz_ramp):
        assert (curve([-5.0, 0.0], 0.2, 8.0, 0.8) == 0.0).all()
        assert curve(1e6, 0.2, 8.0, 0.8) == pytest.approx(0.8)
    for average in (logistic_ramp_average, gompertz_ramp_average):
        assert average(2000.0, [1999, 9000], 0.5, 8.0, 0.8) == pytest.approx([0.0, 0.8])


@pytest.mark.parametrize(
    ("first_feed", "ramp_years", "expected"),
    [
        (2030.0, 0.0, [0.0, 1.0, 1.0]),
        (2030.25, 0.0, [0.0, 0.75, 1.0]),
        (2030.5, 2.0, [0.0, 0.0625, 0.5]),
        (2029.0, 1.0, [0.5, 1.0, 1.0]),
    ],
)
def test_linear_ramp(first_feed: float, ramp_years: float, expected: list[float]) -> None:
    """Areas under a straight line, by hand; 0 years is a step."""
    average = linear_ramp_average(first_feed, [2029, 2030, 2031], ramp_years)
    np.testing.assert_allclose(average, expected, rtol=1e-13, atol=1e-13)


def test_linear_ramp_broadcasts_over_draws() -> None:
    """One start and one length per draw, step and line together: (year, draw)."""
    average = linear_ramp_average(np.array([2030.0, 2030.0]), [2030, 2031], np.array([0.0, 2.0]))
    np.testing.assert_allclose(average, [[1.0, 0.25], [1.0, 0.75]])


def random_plants(plants: int, draws: int) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray]:
    """Start dates, classes and plateaus far and wide."""
    rng = np.random.default_rng(20260531)
    shape = (plants, draws)
    return rng.uniform(1950, 2045, shape), rng.integers(0, 5, shape), rng.uniform(0.3, 1, shape)


def test_table_agrees_with_the_exact_average() -> None:
    """The table is within the error it promises, 1e-5 of plateau, of the exact formula."""
    start, klass, plateau = random_plants(40, 600)
    got = TABLE.average(start, klass, plateau, YEARS)
    exact = calendar_year_average(start, YEARS, TAU[klass], BETA[klass], plateau)
    assert got.shape == (40, 12, 600)
    assert np.abs(got - exact).max() <= 1e-5
    assert (got <= plateau[:, np.newaxis] * (1 + 1e-12)).all()


def test_table_of_s_shaped_and_steep_classes() -> None:
    """The step adapts: a ramp of half a month and an S-shaped one keep the promised error."""
    table = RampTable((0.5, 15.8), (1.0, 2.06))
    start, klass, _ = random_plants(10, 500)
    got = table.average(start, klass % 2, 1.0, YEARS)
    exact = calendar_year_average(
        start, YEARS, np.array(table.tau)[klass % 2], np.array(table.beta)[klass % 2]
    )
    assert np.abs(got - exact).max() <= 1e-5


def exact_average(
    kind: str, start: npt.ArrayLike, tau: npt.ArrayLike, beta: npt.ArrayLike
) -> FloatArray:
    """The exact yearly average of one kind from the two parameters of the table."""
    if kind == "logistic":
        return logistic_ramp_average(start, YEARS, rate=beta, midpoint=tau)
    if kind == "gompertz":
        return gompertz_ramp_average(start, YEARS, rate=1.0 / np.asarray(tau), lag=beta)
    return calendar_year_average(start, YEARS, tau, beta)


# two classes each, the second harsher: tau [months] and shape, rate or lag
KINDS = {
    "weibull": ((10.2, 40.0), (0.95, 1.6)),
    "logistic": ((12.0, 0.5), (0.25, 4.0)),
    "gompertz": ((10.0, 1.0), (3.0, 40.0)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_table_of_each_kind(kind: str) -> None:
    """Every kind keeps the promise of 1e-5, gives 0 before first feed, rises, and ends at 1."""
    tau, beta = KINDS[kind]
    table = RampTable(tau, beta, (kind, kind))
    start, klass, _ = random_plants(20, 500)
    klass %= 2
    start[0] = np.round(start[0])
    got = table.average(start, klass, 1.0, YEARS)
    exact = exact_average(kind, start, np.array(tau)[klass], np.array(beta)[klass])
    assert np.abs(got - exact).max() <= 1e-5
    before = YEARS[:, np.newaxis] + 1.0 <= start[:, np.newaxis]
    assert (got[before] == 0.0).all()
    assert (got[~before] > 0.0).all()
    assert (got <= 1.0 + 1e-12).all()
    assert (np.diff(got, axis=1) >= -1e-12).all()
    last = table.average(np.full((1, 2), 1000.0), np.array([[0, 1]]), 1.0, YEARS)
    assert (last >= 1.0 - 1e-6).all()


@settings(deadline=None, max_examples=40)
@given(
    kind=st.sampled_from(("logistic", "gompertz")),
    start=st.floats(1990.0, 2037.0),
    tau=st.floats(0.2, 90.0),
    beta=st.floats(0.03, 10.0),
)
def test_table_of_any_curve(kind: str, start: float, tau: float, beta: float) -> None:
    """Steep or slow, early or late: within 1e-5 of the exact average at any first feed."""
    got = RampTable((tau,), (beta,), (kind,)).average(
        np.array([[start]]), np.zeros((1, 1), dtype=int), 1.0, YEARS
    )
    exact = exact_average(kind, start, tau, beta)
    np.testing.assert_allclose(got[0, :, 0], exact, rtol=0.0, atol=1e-5)


def test_table_of_mixed_kinds() -> None:
    """Classes of all kinds, in any order, share one table and each stays its own curve."""
    kinds = ("logistic", "weibull", "gompertz", "weibull", "logistic")
    tau, beta = np.array([18.0, 4.88, 12.0, 40.0, 2.0]), np.array([0.2, 0.93, 4.0, 0.95, 1.5])
    start, klass, plateau = random_plants(20, 500)
    table = RampTable(tuple(tau), tuple(beta), kinds)
    got = table.average(start, klass, plateau, YEARS)
    level, cell = plateau[:, np.newaxis], np.broadcast_to(klass[:, np.newaxis], got.shape)
    for row, kind in enumerate(kinds):
        exact = exact_average(kind, start, tau[row], beta[row]) * level
        assert np.abs(got - exact)[cell == row].max() <= 1e-5
    again = pickle.loads(pickle.dumps(table)).average(start, klass, plateau, YEARS)
    assert (again == got).all()


def test_table_of_weibull_classes_with_and_without_kinds() -> None:
    """Saying that every class is Weibull changes no bit."""
    named = RampTable(tuple(TAU), tuple(BETA), ("weibull",) * 5)
    start, klass, plateau = random_plants(20, 500)
    assert named.cells_per_month == TABLE.cells_per_month
    got = named.average(start, klass, plateau, YEARS)
    assert got.tobytes() == TABLE.average(start, klass, plateau, YEARS).tobytes()


def test_gompertz_of_a_small_lag_is_exponential() -> None:
    """As b falls to 0 the pinned curve becomes 1 - exp(-kt), with all digits, and is continuous."""
    months = np.array([-3.0, 0.0, 1.0, 8.0, 60.0])
    np.testing.assert_allclose(
        gompertz_ramp(months, 0.1, 1e-14), weibull_ramp(months, 10.0, 1.0), rtol=1e-13
    )
    exponential = calendar_year_average(2025.3, YEARS, 10.0, 1.0)
    for lag in (1e-300, 1e-14):
        average = gompertz_ramp_average(2025.3, YEARS, 0.1, lag)
        np.testing.assert_allclose(average, exponential, rtol=1e-13)
    below, above = (gompertz_ramp_average(2025.3, YEARS, 0.1, 1e-3 * f) for f in (1 - 1e-9, 1.0))
    np.testing.assert_allclose(below, above, atol=1e-11)
    table = RampTable((10.0,), (1e-14,), ("gompertz",))
    got = table.average(np.array([[2025.3]]), np.array([[0]]), 1.0, YEARS)
    np.testing.assert_allclose(got[0, :, 0], exponential, atol=1e-5)


def test_table_sums_to_the_cumulative_output() -> None:
    """Yearly averages add up to H(T)/12, T the time from first feed to the end."""
    start, klass, plateau = random_plants(10, 300)
    start = 2024.0 + (start - 1950.0) / 10.0  # all after the first year
    got = TABLE.average(start, klass, plateau, YEARS).sum(axis=1)
    total = weibull_ramp_integral(12.0 * (2036.0 - start), TAU[klass], BETA[klass], plateau) / 12.0
    np.testing.assert_allclose(got, total, atol=2e-5)


def test_no_output_before_first_feed() -> None:
    """Years that end at or before first feed give exactly 0; a plant that never starts too."""
    start, klass, plateau = random_plants(40, 600)
    start[0] = np.inf
    start[1] = np.round(start[1])
    for got in (
        TABLE.average(start, klass, plateau, YEARS),
        calendar_year_average(np.minimum(start, 1e6), YEARS, TAU[klass], BETA[klass], plateau),
    ):
        before = YEARS[:, np.newaxis] + 1.0 <= start[:, np.newaxis]
        assert (got[before] == 0.0).all()
        assert (got[~before] > 0.0).all()


def test_output_rises_with_the_years_and_falls_with_delay() -> None:
    """Monotone in time; a later first feed never gives more in any year."""
    start, klass, plateau = random_plants(20, 500)
    got = TABLE.average(start, klass, plateau, YEARS)
    assert (np.diff(got, axis=1) >= -1e-12).all()
    assert (TABLE.average(start + 0.37, klass, plateau, YEARS) <= got + 1e-12).all()
    final = calendar_year_average(2030.0, [2600], TAU, BETA, 0.8)
    np.testing.assert_allclose(final, [[0.8] * 5])


def test_result_does_not_depend_on_blocks_or_order() -> None:
    """The same bits whole, by draw, by plant, permuted, or with more years before and after."""
    start, klass, plateau = random_plants(6, 64)
    got = TABLE.average(start, klass, plateau, YEARS)
    parts = [TABLE.average(start[:, j:], klass[:, j:], plateau[:, j:], YEARS) for j in (0, 17)]
    assert (parts[1] == parts[0][..., 17:]).all()
    order = np.random.default_rng(1).permutation(64)
    again = TABLE.average(start[:, order], klass[:, order], plateau[:, order], YEARS)
    assert (again == got[..., order]).all()
    longer = TABLE.average(start, klass, plateau, np.arange(2020, 2051))
    np.testing.assert_allclose(longer[:, 4:16], got, atol=1e-12)
    assert (TABLE.average(start[3:4], klass[3:4], plateau[3:4], YEARS) == got[3:4]).all()


def test_table_is_a_value() -> None:
    """It survives pickling bit by bit, cannot be changed, leaves inputs alone, and fills `out`."""
    start, klass, plateau = random_plants(3, 16)
    copies = start.copy(), klass.copy(), plateau.copy()
    out = np.full((3, 12, 16), np.nan)
    assert TABLE.average(start, klass, plateau, YEARS, out=out) is out
    again = pickle.loads(pickle.dumps(TABLE)).average(start, klass, plateau, YEARS)
    assert (again == out).all()
    for before, after in zip(copies, (start, klass, plateau), strict=True):
        assert (before == after).all()
    with pytest.raises(AttributeError):
        TABLE.tau = (1.0,)  # type: ignore[misc]


def test_nan_stays_nan() -> None:
    """An unknown date gives an unknown output, not a number."""
    got = TABLE.average(np.array([[np.nan, 2030.0]]), np.array([[0, 0]]), 1.0, YEARS)
    assert np.isnan(got[0, :, 0]).all()
    assert np.isfinite(got[0, :, 1]).all()


def test_errors_name_what_is_wrong() -> None:
    """Each refusal says the parameter, the value and where."""
    with pytest.raises(ReesupplyError, match=r"tau must be positive and finite; got -1.0 at.*1"):
        weibull_ramp(1.0, [1.0, -1.0], 1.0)
    with pytest.raises(ReesupplyError, match="ramp_years must be zero or positive"):
        linear_ramp_average(2030.0, YEARS, np.nan)
    with pytest.raises(ReesupplyError, match="one value per class"):
        RampTable((1.0,), ())
    with pytest.raises(ReesupplyError, match="so small or so uneven"):
        RampTable((1e-4, 400.0), (1.0, 0.5))
    with pytest.raises(ReesupplyError, match=r"kinds must be empty or have.*; got 1 and 2\."):
        RampTable((1.0, 2.0), (1.0, 1.0), ("weibull",))
    with pytest.raises(
        ReesupplyError, match=r"^kinds: found 'gompert'; did you mean 'gompertz'\?$"
    ):
        RampTable((1.0, 2.0), (1.0, 1.0), ("weibull", "gompert"))
    with pytest.raises(ReesupplyError, match="no ramp class may be so steep beside one so long"):
        RampTable((5.0, 400.0), (1e5, 3.0), ("logistic", "gompertz"))
    start = np.full((2, 3), 2030.0)
    with pytest.raises(ReesupplyError, match="klass must be 0 to 4; got 0 to 5"):
        TABLE.average(start, np.array([[0], [5]]), 1.0, YEARS)
    with pytest.raises(ReesupplyError, match="consecutive"):
        TABLE.average(start, np.zeros((2, 3), dtype=int), 1.0, [2024, 2026])
    with pytest.raises(ReesupplyError, match="out must have shape"):
        TABLE.average(start, np.zeros((2, 3), dtype=int), 1.0, YEARS, out=np.empty((2, 3)))
    with pytest.raises(ReesupplyError, match="one axis"):
        calendar_year_average(2030.0, 2030, 1.0, 1.0)


@given(st.floats(2024.0, 2034.0), st.floats(0.005, 0.2), st.floats(0.0, 60.0), st.floats(0.0, 1.0))
def test_creep_is_the_average_of_its_curve(
    first_feed: float, rate: float, after: float, plateau: float
) -> None:
    """Later debottlenecking: the yearly average against quadrature, and never above nameplate."""
    years = np.arange(2024, 2045)

    found = creep_average(first_feed, years, rate, after, plateau)

    time = years[:, np.newaxis] + (np.arange(4000) + 0.5) / 4000
    curve = np.clip(rate * (time - first_feed - after / 12.0), 0.0, 1.0 - plateau)
    assert np.allclose(found, curve.mean(axis=1), atol=1e-6)
    assert np.all(found + plateau <= 1.0 + 1e-12)


def test_creep_by_draw() -> None:
    """Draws and plants broadcast as in the ramp; a plant that never starts gains nothing."""
    first_feed = np.array([[2026.0, np.inf], [2030.25, 2026.0]])
    plateau = np.array([[0.56, 0.4], [0.9, 1.0]])

    found = creep_average(first_feed, np.arange(2026, 2036), 0.03, 36.0, plateau)

    assert found.shape == (2, 10, 2)
    assert np.all(found[0, :, 1] == 0.0)
    assert np.all(found[1, :, 1] == 0.0), "at nameplate there is nothing to gain"
    assert np.isclose(found[0, 3, 0], 0.015)
