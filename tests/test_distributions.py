"""Distributions: quantiles against scipy.stats, properties, errors, the parser and the tables."""

from __future__ import annotations

import math
import pickle
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import ndtr, ndtri

from reesupply import distributions as rd
from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

U = np.concatenate([10.0 ** np.arange(-15, -2), np.linspace(0.01, 0.99, 99), [1 - 1e-3, 1 - 1e-9]])
TINY, HUGE = 1e-12, 1 - 1e-12

numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))
shapes = st.floats(0.05, 200.0)
# spreads that are not lost in the rounding of the numbers around them
gaps = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@st.composite
def three_points(draw: st.DrawFn) -> tuple[float, float, float]:
    """Low, mode and high in order, on every side of zero."""
    low = draw(st.floats(-1e4, 1e4))
    mode = low + draw(gaps)
    return low, mode, mode + draw(st.floats(1e-3, 1e4))


untruncated = st.one_of(
    st.builds(lambda p: rd.uniform(p[0], p[2]), three_points()),
    st.builds(lambda p: rd.triangular(*p), three_points()),
    st.builds(lambda p: rd.pert(*p), three_points()),
    st.builds(rd.normal, st.floats(-1e4, 1e4), st.floats(1e-2, 1e4)),
    st.builds(rd.lognormal, st.floats(1e-3, 1e4), st.floats(1e-3, 3.0)),
    st.builds(rd.beta, shapes, shapes),
)


@st.composite
def truncations(draw: st.DrawFn) -> rd.Distribution:
    """Build truncations that keep at least a tenth of the probability."""
    base = draw(untruncated)
    left, right = sorted((draw(st.floats(0.0, 0.4)), draw(st.floats(0.5, 1.0))))
    low, high = base.ppf([max(left, 1e-9), min(right, 1 - 1e-9)])
    return rd.truncate(base, float(low), float(high))


@st.composite
def discretes(draw: st.DrawFn) -> rd.Distribution:
    """Values with probabilities in tenths and less, some of them zero."""
    values = draw(st.lists(numbers, min_size=1, max_size=6, unique=True))
    weights = draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    weights[0] += 1
    return rd.discrete(values, [w / sum(weights) for w in weights])


continuous = st.one_of(untruncated, truncations())
finite = st.one_of(st.builds(rd.bernoulli, st.floats(0, 1)), discretes())
anything = st.one_of(continuous, finite)
uniforms = st.lists(st.floats(1e-9, 1 - 1e-9), min_size=1, max_size=20).map(sorted)

EXAMPLES: list[tuple[rd.Distribution, str]] = [
    (rd.uniform(1, 2.5), "uniform(1, 2.5)"),
    (rd.triangular(0, 0, 3), "triangular(0, 0, 3)"),
    (rd.pert(1, 2, 4), "pert(1, 2, 4)"),
    (rd.normal(0, 0.015), "normal(0, 0.015)"),
    (rd.lognormal(1e-7, 0.5), "lognormal(1e-07, 0.5)"),
    (rd.beta(2, 5), "beta(2, 5)"),
    (rd.bernoulli(0.8), "bernoulli(0.8)"),
    (rd.discrete({0: 0.5, -0.03: 0.25, 0.025: 0.25}), "discrete(0: 0.5, -0.03: 0.25, 0.025: 0.25)"),
    (
        rd.truncate(rd.normal(0, 0.015), -0.045, 0.045),
        "truncate(normal(0, 0.015), -0.045, 0.045)",
    ),
    (
        rd.truncate(rd.truncate(rd.pert(-1, 0, 1e15), -0.5, 9), 0, 8),
        "truncate(truncate(pert(-1, 0, 1000000000000000), -0.5, 9), 0, 8)",
    ),
]
BY_FAMILY = pytest.mark.parametrize(
    ("distribution", "text"),
    EXAMPLES,
    ids=[type(d).__name__ for d, _ in EXAMPLES[:-1]] + ["Nested"],
)

# ---------------------------------------------------------------------------- analytic values


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (rd.uniform(2, 5), stats.uniform(2, 3)),
        (rd.triangular(1, 2, 5), stats.triang(0.25, 1, 4)),
        (rd.triangular(1, 1, 5), stats.triang(0, 1, 4)),
        (rd.triangular(1, 5, 5), stats.triang(1, 1, 4)),
        (rd.pert(800, 1500, 3000), stats.beta(1 + 28 / 22, 1 + 60 / 22, 800, 2200)),
        (rd.pert(0, 0, 1), stats.beta(1, 5)),
        (rd.normal(3, 2), stats.norm(3, 2)),
        (rd.lognormal(2, 0.7), stats.lognorm(0.7, scale=2)),
        (rd.beta(1.5, 3), stats.beta(1.5, 3)),
        (rd.bernoulli(0.305), stats.bernoulli(0.305)),
        (rd.truncate(rd.normal(1, 2), 0, 4), stats.truncnorm(-0.5, 1.5, 1, 2)),
        (rd.truncate(rd.normal(0, 1), 6, 9), stats.truncnorm(6, 9)),
        (rd.truncate(rd.normal(0, 1), -9, -6), stats.truncnorm(-9, -6)),
    ],
    ids=[
        "uniform",
        "triangular",
        "left",
        "right",
        "pert",
        "skewed",
        "normal",
        "lognormal",
        "beta",
        "bernoulli",
        "truncated",
        "above",
        "below",
    ],
)
def test_quantiles_probabilities_and_moments_are_those_of_scipy(
    ours: rd.Distribution, theirs: Any
) -> None:
    """An independent implementation of each family."""
    np.testing.assert_allclose(ours.ppf(U), theirs.ppf(U), rtol=1e-9, atol=1e-12)
    low, high = theirs.ppf([1e-9, 1 - 1e-9])
    x = np.linspace(low - 0.5, high + 0.5, 101)
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-9, atol=1e-12)
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-9)
    assert ours.median == pytest.approx(theirs.median(), rel=1e-12)
    assert ours.support == pytest.approx(theirs.support())


def test_pert_of_the_worked_example() -> None:
    """pert(800, 1500, 3000): mean (800 + 4 x 1500 + 3000) / 6, P10 to P90 1,120 to 2,194."""
    d = rd.pert(800, 1500, 3000)
    assert d.mean == pytest.approx(1633.3, abs=0.05)
    np.testing.assert_allclose(d.ppf([0.1, 0.9]), [1120, 2194], atol=0.5)


def test_beta_in_closed_form() -> None:
    """Arcsine law sin^2(pi u / 2) for beta(1/2, 1/2); u^(1/a) for beta(a, 1)."""
    np.testing.assert_allclose(rd.beta(0.5, 0.5).ppf(U), np.sin(np.pi * U / 2) ** 2, rtol=1e-9)
    np.testing.assert_allclose(rd.beta(0.05, 1).ppf(U), U**20, rtol=1e-9)


def test_triangular_in_closed_form() -> None:
    """F(mode) = (mode - low) / (high - low)."""
    assert float(rd.triangular(0, 1, 4).cdf(1)) == 0.25
    assert float(rd.triangular(0, 1, 4).ppf(0.25)) == 1.0


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("uniform(1, 4)", 2.5),
        ("triangular(1, 1, 4)", 1.0),
        ("pert(1, 3, 4)", 3.0),
        ("normal(3, 2)", 3.0),
        ("lognormal(1, 1)", math.exp(-1)),
        ("beta(3, 2)", 2 / 3),
        ("beta(1, 1)", 0.5),
        ("beta(1, 2)", 0.0),
        ("beta(0.5, 2)", 0.0),
        ("beta(2, 0.5)", 1.0),
        ("beta(1, 0.5)", 1.0),
        ("beta(0.5, 1)", 0.0),
        ("beta(0.5, 0.5)", 0.0),
        ("beta(0.5, 0.4)", 1.0),
        ("bernoulli(0.5)", 0.0),
        ("bernoulli(0.51)", 1.0),
        ("discrete(5: 0.4, 1: 0.4, 3: 0.2)", 1.0),
        ("truncate(uniform(0, 4), 1, 9)", 2.5),
        ("truncate(normal(0, 1), 1, 2)", 1.0),
        ("truncate(lognormal(1, 1), 0, 0.1)", 0.1),
        ("truncate(beta(0.5, 0.5), 0.2, 0.9)", 0.9),
        ("truncate(truncate(pert(1, 3, 4), 1, 3.5), 1, 2)", 2.0),
    ],
)
def test_mode_is_the_most_probable_value(text: str, mode: float) -> None:
    """Every shape of density, with peaks inside, at the ends and cut off."""
    assert parsed(text).mode == pytest.approx(mode, rel=1e-12)


def parsed(text: str) -> rd.Distribution:
    """Parse what is known to be a distribution."""
    distribution = rd.parse(text)
    assert isinstance(distribution, rd.Distribution)
    return distribution


@pytest.mark.parametrize(
    "text",
    ["uniform(3, 3)", "triangular(3, 3, 3)", "pert(3, 3, 3)", "normal(3, 0)", "lognormal(3, 0)",
     "discrete(3: 1)", "truncate(normal(3, 0), 3, 4)", "truncate(pert(3, 3, 3), 3, 3)"],
)  # fmt: skip
def test_no_spread_is_a_constant(text: str) -> None:
    """Equal bounds and a spread of 0 give that constant everywhere."""
    d = parsed(text)
    np.testing.assert_array_equal(d.ppf([1e-9, 0.5, 1 - 1e-9]), [3, 3, 3])
    np.testing.assert_array_equal(d.from_normal([-8.0, 0.0, 8.0]), [3, 3, 3])
    np.testing.assert_array_equal(d.cdf([2.999, 3, 4]), [0, 1, 1])
    assert (d.mean, d.mode, d.median, d.support) == (3, 3, 3, (3, 3))
    if not d.is_discrete:
        np.testing.assert_array_equal(rd.QuantileTable(d)([-9.0, 0.0, 9.0]), [3, 3, 3])


def test_bernoulli_succeeds_at_high_u() -> None:
    """One where u > 1 - p, and only possible values in the support."""
    np.testing.assert_array_equal(rd.bernoulli(0.25).ppf([0.01, 0.75, 0.7501]), [0, 0, 1])
    np.testing.assert_array_equal(rd.bernoulli(0).ppf([1e-9, HUGE]), [0, 0])
    np.testing.assert_array_equal(rd.bernoulli(1).ppf([1e-9, HUGE]), [1, 1])
    assert rd.bernoulli(0).support == (0, 0)
    assert rd.bernoulli(1).support == (1, 1)


def test_discrete_ascends_whatever_the_order() -> None:
    """Cumulative in the order of value; zero probability never comes."""
    d = rd.discrete({5: 0.5, 1: 0.2, 3: 0.3, 9: 0.0, -9: 0.0})
    np.testing.assert_array_equal(d.ppf([1e-12, 0.2, 0.21, 0.5, 0.51, HUGE]), [1, 1, 3, 3, 5, 5])
    np.testing.assert_allclose(d.cdf([0, 1, 2, 3, 5, 9]), [0, 0.2, 0.2, 0.5, 1, 1])
    assert d.support == (1.0, 5.0)
    assert d.mean == pytest.approx(3.6)
    assert d == rd.discrete([5, 1, 3, 9, -9], np.array([0.5, 0.2, 0.3, 0, 0]).tolist())


@pytest.mark.parametrize("u", [0.3, np.float64(0.3), [0.3], np.full((2, 3), 0.3)])
@BY_FAMILY
def test_shapes_and_dtype(distribution: rd.Distribution, text: str, u: npt.ArrayLike) -> None:
    """Scalars and arrays in, a float64 array of the same shape out."""
    del text
    for method in (distribution.ppf, distribution.from_normal, distribution.cdf):
        result = method(u)
        assert isinstance(result, np.ndarray)
        assert result.dtype.name == "float64"
        assert result.shape == np.shape(u)


@BY_FAMILY
def test_nan_stays_nan_and_the_argument_unchanged(distribution: rd.Distribution, text: str) -> None:
    """NaN is never turned into a number."""
    del text
    u = np.array([0.2, np.nan, 0.7])
    for method in (distribution.ppf, distribution.from_normal, distribution.cdf):
        np.testing.assert_array_equal(np.isnan(method(u)), [False, True, False])
    np.testing.assert_array_equal(u, [0.2, np.nan, 0.7])


# ---------------------------------------------------------------------------- properties


@given(continuous, uniforms)
def test_probability_of_the_quantile_is_u(d: rd.Distribution, u: list[float]) -> None:
    """cdf(ppf(u)) = u, up to what one rounding of x makes."""
    x = d.ppf(u)
    # one float beside x moves the probability by more where the density has a pole or x is large
    near = d.cdf(np.nextafter(x, np.inf)) - d.cdf(np.nextafter(x, -np.inf))
    size = max(map(abs, (*map(float, d.ppf([TINY, HUGE])), float(np.abs(x).max()))))
    slack = d.cdf(x + 1e-14 * size) - d.cdf(x - 1e-14 * size)
    assert np.all(np.abs(d.cdf(x) - u) <= 1e-9 + near + slack)


@given(finite, uniforms)
def test_a_discrete_quantile_is_the_first_value_that_reaches_u(
    d: rd.Distribution, u: list[float]
) -> None:
    """F(x) >= u, and F just below x is not above u."""
    x = d.ppf(u)
    assert np.all(d.cdf(x) >= np.array(u) - 1e-12)
    assert np.all(d.cdf(np.nextafter(x, -np.inf)) <= np.array(u) + 1e-12)


@given(anything, uniforms)
def test_quantiles_rise_and_stay_inside(d: rd.Distribution, u: list[float]) -> None:
    """In the support, in order of u; so are the mean and the mode."""
    x = d.ppf(u)
    low, high = d.support
    assert np.all((x >= low) & (x <= high))
    rounding = 0.0 if d.is_discrete else 1e-13 * float(np.abs(x).max())
    assert np.all(np.diff(x) >= -rounding)
    assert low <= d.mode <= high
    assert low <= d.mean <= high


@given(anything)
def test_text_parses_back_to_an_equal_object(d: rd.Distribution) -> None:
    """parse(str(d)) == d."""
    again = rd.parse(str(d))
    assert again == d
    assert hash(again) == hash(d)
    assert str(again) == str(d)


@given(anything)
def test_pickle_gives_an_equal_object(d: rd.Distribution) -> None:
    """As sent to a worker process."""
    assert pickle.loads(pickle.dumps(d)) == d


@settings(max_examples=60)
@given(continuous)
def test_mean_is_the_integral_of_the_quantile(d: rd.Distribution) -> None:
    """E[X] is the integral of ppf over u, here by Simpson over z."""
    z = np.linspace(-12, 12, 24_001)
    weighted = d.from_normal(z) * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    scale = float(np.abs(d.from_normal([-3.0, 3.0])).max())
    assert d.mean == pytest.approx(integrate.simpson(weighted, x=z), rel=1e-6, abs=1e-6 * scale)


@given(finite)
def test_mean_of_a_discrete_one(d: rd.Distribution) -> None:
    """The mean of equally spaced quantiles."""
    x = d.ppf((np.arange(20_000) + 0.5) / 20_000)
    low, high = d.support
    assert d.mean == pytest.approx(float(x.mean()), abs=1e-3 * (high - low) + 1e-12 * abs(high))


@given(continuous, st.floats(-6, 6))
def test_normal_numbers_give_the_same_quantiles(d: rd.Distribution, z: float) -> None:
    """from_normal(z) = ppf(Phi(z))."""
    low, high = d.ppf([TINY, HUGE])
    size = max(abs(low), abs(high))
    # Phi(6) = 1 - 1e-9 in floats has lost seven digits, which a steep tail shows
    assert float(d.from_normal(z)) == pytest.approx(float(d.ppf(ndtr(z))), abs=1e-7 * size)


@given(truncations())
def test_a_truncated_one_is_the_base_between_its_bounds(d: rd.Truncated) -> None:
    """(F(x) - F(low)) / (F(high) - F(low))."""
    x = np.linspace(*d.support, 12)[1:-1]
    below, at, top = (d.base.cdf(v) for v in (d.low, x, d.high))
    np.testing.assert_allclose(d.cdf(x), (at - below) / (top - below), atol=1e-9)
    np.testing.assert_array_equal(d.cdf([d.low - 1, d.high + 1]), [0, 1])


def test_truncation_is_exact_far_out_in_both_tails() -> None:
    """P(Z > 30) is 5e-198: beyond it a normal falls like exp(-30 x), P50 at ln(2) / 30."""
    up = rd.truncate(rd.normal(0, 1), 30, 40)
    down = rd.truncate(rd.normal(0, 1), -40, -30)
    assert up.median == pytest.approx(30 + math.log(2) / 30, abs=1e-4)
    np.testing.assert_allclose(up.ppf([0.1, 0.9]), -down.ppf([0.9, 0.1]), rtol=1e-13)
    assert np.all(np.diff(up.from_normal(np.linspace(-8, 8, 400))) >= 0)


def test_the_upper_tail_does_not_collapse() -> None:
    """Phi(8.2) is one float below 1 and Phi(8.3) is 1, yet the quantiles go on."""
    for d in (rd.normal(0, 1), rd.truncate(rd.normal(0, 1), -20, 20)):
        np.testing.assert_allclose(d.from_normal([8.2, 8.3]), [8.2, 8.3], rtol=1e-12)
    top = 1 - rd.beta(3, 1).from_normal([8.0, 8.1])
    np.testing.assert_allclose(top, ndtr([-8.0, -8.1]) / 3, atol=2e-16)


# ---------------------------------------------------------------------------- notation


@BY_FAMILY
def test_canonical_notation(distribution: rd.Distribution, text: str) -> None:
    """Shortest numbers; blanks make no difference when read."""
    assert str(distribution) == text
    assert rd.parse(text) == distribution
    assert rd.parse(distribution) is distribution
    spaced = re.sub(r"([(),:])", " \\1\n\t", text)
    assert rd.parse(spaced) == distribution
    assert rd.parse(text.replace(" ", "")) == distribution


@pytest.mark.parametrize(
    ("cell", "number"),
    [("12", 12.0), (" -0.5 ", -0.5), ("1e3", 1000.0), ("+.5E-1", 0.05), ("2.", 2.0), (3, 3.0),
     (0.25, 0.25), (np.int64(4), 4.0), (np.float32(0.5), 0.5), ("-0", 0.0)],
)  # fmt: skip
def test_a_number_is_a_float(cell: object, number: float) -> None:
    """Text, Python's and numpy's numbers; never negative zero."""
    result = rd.parse(cell)
    assert isinstance(result, float)
    assert result == number
    assert math.copysign(1.0, result) == math.copysign(1.0, number)


NAMES = "uniform, triangular, pert, normal, lognormal, beta, bernoulli, discrete, truncate"
ALLOWED = f"allowed: {NAMES}"
COMMAS = "pert takes (low, mode, high), with commas between them"
CLOSED = "pert takes (low, mode, high) and then a closing bracket"
PLAIN = "must be a plain finite number such as 12, -0.5 or 1e3"
NEITHER = "is neither a number nor a distribution"
FIRST = "a distribution such as normal(0, 1) must stand first in truncate"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("__import__('os')", f"'__import__' {NEITHER}; {ALLOWED}."),
        ("lambda: 1", f"'lambda: 1': 'lambda' {NEITHER}; allowed: "),
        ("prt(1, 2, 4)", f"'prt(1, 2, 4)': 'prt' {NEITHER}; did you mean 'pert'?"),
        ("Normal(0, 1)", "did you mean 'normal'?"),
        ("nan", f"'nan': 'nan' {NEITHER}; {ALLOWED}."),
        ("", f"'': a number or one of {NAMES} must stand here; found the end of the text."),
        ("(1)", "must stand here; found '('."),
        ("\u2212 5", "must stand here; found '\u2212'."),
        ("\u0665", "must stand here; found '\u0665'."),
        ("pert", "'pert': '(' must follow pert; found the end of the text."),
        ("pert[1, 2, 4]", "'(' must follow pert; found '['."),
        ("pert()", f"low {PLAIN}; found ')'."),
        ("pert(1,2)", f"'pert(1,2)': {COMMAS}; found ')'."),
        ("pert(1,2,nan)", f"'pert(1,2,nan)': high {PLAIN}; found 'nan'."),
        ("pert(low=1, mode=2, high=3)", f"low {PLAIN}; found 'low'."),
        ("pert(1, 2, 4, 5)", f"{CLOSED}; found ','."),
        ("pert(1, 2, 4", f"{CLOSED}; found the end of the text."),
        ("pert(1, 2, 4))", "nothing may follow a complete number or distribution; found ')'."),
        ("pert(1, 2, 4) t", "nothing may follow a complete number or distribution; found 't'."),
        ("1_000", "nothing may follow a complete number or distribution; found '_000'."),
        ("1 000", "nothing may follow a complete number or distribution; found '000'."),
        ("1e400", "the cell must be a finite number from -1e15 to 1e15; got inf."),
        ("pert(1, 2, 1e16)", "high must be a finite number from -1e15 to 1e15; got 1e+16."),
        ("pert(3, 2, 4)", "pert(3, 2, 4): low must not exceed mode; got low 3 and mode 2."),
        ("discrete()", "each value must be a plain finite number"),
        ("discrete(1)", "':' must follow each value of discrete(value: probability, ...);"),
        ("discrete(1: 1,)", "each value must be a plain finite number"),
        ("discrete(1: 1; 2: 0)", "')' must follow the last probability"),
        ("truncate(3, 1, 2)", f"{FIRST}; found '3'."),
        ("truncate(normal(0, 1), 1)", "truncate takes (distribution, low, high), with commas"),
        ("truncate(normal(0, 1) 1, 2)", "truncate takes (distribution, low, high), with commas"),
        ("truncate(prt(1, 2, 3), 1, 2)", "did you mean 'pert'?"),
        ("truncate(" * 100_000, "at most 8 truncations may stand inside one another; found"),
        (True, "a cell must hold a number or a distribution such as 'pert(1, 2, 4)'; got True."),
        (None, "a cell must hold a number or a distribution such as 'pert(1, 2, 4)'; got None."),
        ([1, 2], "got [1, 2]."),
        (math.nan, "a cell must be a finite number from -1e15 to 1e15; got nan."),
        (10**400, "got a number beyond any float."),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_is_not_notation_is_one_clear_sentence(cell: object, message: str) -> None:
    """Found, allowed, and the nearest name."""
    with pytest.raises(ScenarioError, match=re.escape(message)) as caught:
        rd.parse(cell)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


words = st.sampled_from(
    ["pert", "truncate", "discrete", "normal", "bernoulli", "(", ")", ",", ":", " ", "1", "0.5",
     "-2", "1e3", "nan", "1e999", "_", ".", "e", "exit()", "__import__('os').abort()", "\x00"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(words, max_size=14).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a ScenarioError, and nothing is evaluated."""
    try:
        result = rd.parse(text)
    except ScenarioError:
        return
    assert isinstance(result, (float, rd.Distribution))
    assert rd.parse(str(result)) == result


@given(anything, st.data())
def test_a_damaged_cell_is_read_or_refused(d: rd.Distribution, data: st.DataObject) -> None:
    """One character replaced by up to two others."""
    text = str(d)
    place = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:place] + data.draw(st.text(max_size=2)) + text[place + 1 :]
    try:
        rd.parse(damaged)
    except ScenarioError as error:
        assert str(error)  # noqa: PT017


# ---------------------------------------------------------------------------- validation


def nested(levels: int) -> rd.Distribution:
    """Build truncations inside one another."""
    distribution: rd.Distribution = rd.normal(0, 1)
    for _ in range(levels):
        distribution = rd.truncate(distribution, -1, 1)
    return distribution


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: rd.uniform(2, 1), "uniform(2, 1): low must not exceed high; got low 2 and high 1."),
    (lambda: rd.triangular(1, 3, 2), "mode must not exceed high; got mode 3 and high 2."),
    (lambda: rd.pert(3, 2, 4), "pert(3, 2, 4): low must not exceed mode; got low 3 and mode 2."),
    (lambda: rd.Pert(3, 2, 4), "pert(3, 2, 4): low must not exceed mode; got low 3 and mode 2."),
    (lambda: rd.pert(1, math.nan, 4), "pert(1, nan, 4): mode must be a finite number from"),
    (lambda: rd.pert(1, 2, math.inf), "high must be a finite number from -1e15 to 1e15; got inf."),
    (lambda: rd.uniform(-1e16, 1), "low must be a finite number from -1e15 to 1e15; got -1e+16."),
    (lambda: rd.uniform(0, 10**400), "high must be a finite number from -1e15 to 1e15; got a num"),
    (lambda: rd.uniform(False, 1), "low must be a finite number from -1e15 to 1e15; got False."),
    (lambda: rd.uniform("0", 1), "low must be a finite number from -1e15 to 1e15; got '0'."),  # type: ignore[arg-type]
    (lambda: rd.normal(0, -1), "normal(0, -1): sd must not be negative; got -1."),
    (lambda: rd.lognormal(1, -0.1), "lognormal(1, -0.1): sigma must lie in [0, 10]; got -0.1."),
    (lambda: rd.lognormal(1, 11), "lognormal(1, 11): sigma must lie in [0, 10]; got 11."),
    (lambda: rd.lognormal(0, 1), "lognormal(0, 1): median must be above 0; got 0."),
    (lambda: rd.beta(0, 1), "beta(0, 1): a must lie in [0.05, 1000000]; got 0."),
    (lambda: rd.beta(1, 1e7), "beta(1, 10000000): b must lie in [0.05, 1000000]; got 10000000."),
    (lambda: rd.bernoulli(1.2), "bernoulli(1.2): p must lie in [0, 1]; got 1.2."),
    (lambda: rd.bernoulli(-0.1), "bernoulli(-0.1): p must lie in [0, 1]; got -0.1."),
    (lambda: rd.discrete({}), "discrete(): at least one 'value: probability' must be given"),
    (lambda: rd.discrete([1]), "must have one probability; got 1 values and 0 probabilities."),
    (lambda: rd.discrete({1: 1}, [1]), "discrete: values that are a mapping have their prob"),
    (lambda: rd.discrete({1: math.nan}), "discrete(1: nan): each probability must be a finite"),
    (lambda: rd.discrete({math.inf: 1}), "discrete(inf: 1): each value must be a finite number"),
    (lambda: rd.discrete({1: 1.5, 2: -0.5}), "each probability must lie in [0, 1]; got 1.5."),
    (lambda: rd.discrete({1: 0.5, 2: 0.4}), "must have a sum of 1; got 0.9."),
    (lambda: rd.discrete({1: 0.5, 2: 0.5 + 2e-9}), "must have a sum of 1; got 1.000000002."),
    (lambda: rd.discrete([1, 1], [0.5, 0.5]), "each value must be given once; got more than one 1"),
    (lambda: rd.truncate(rd.normal(0, 1), 2, 1), "low must not exceed high; got low 2 and high 1."),
    (lambda: rd.truncate(rd.normal(0, 1), 1, 1), "the bounds must keep some probability; normal("),
    (lambda: rd.truncate(rd.pert(1, 2, 4), 4, 9), "pert(1, 2, 4) has none from 4 to 9."),
    (lambda: rd.truncate(rd.normal(0, 1), 50, 60), "normal(0, 1) has none from 50 to 60."),
    (lambda: rd.truncate(rd.normal(3, 0), 4, 5), "normal(3, 0) has none from 4 to 5."),
    (lambda: rd.truncate(rd.normal(0, 1), -math.inf, 0), "low must be a finite number from"),
    (lambda: rd.truncate(rd.bernoulli(0.5), 0, 1), "only a continuous distribution can be trunc"),
    (lambda: rd.truncate(rd.discrete({1: 1}), 0, 1), "can be truncated; got discrete(1: 1)."),
    (lambda: rd.truncate(5, 0, 1), "only a distribution can be truncated; got 5."),  # type: ignore[arg-type]
    (lambda: nested(9), "at most 8 truncations may stand inside one another; got more."),
    (lambda: rd.QuantileTable(rd.bernoulli(0.5)), "bernoulli(0.5): a quantile table must be of a"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "message"), BAD, ids=[message[:50] for _, message in BAD])
def test_bad_parameters_are_one_clear_sentence(build: Callable[[], object], message: str) -> None:
    """Found and allowed, for each rule."""
    with pytest.raises(ScenarioError, match=re.escape(message)) as caught:
        build()
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_eight_nested_truncations_are_read() -> None:
    """What can be built can be written and read."""
    assert rd.parse(str(nested(8))) == nested(8)


def test_distributions_are_immutable() -> None:
    """They are hashed and shared between threads."""
    with pytest.raises(AttributeError):
        rd.pert(1, 2, 4).low = 0.0  # type: ignore[misc]


def test_importing_loads_no_scipy() -> None:
    """So that `import reesupply` stays light."""
    code = "import sys, reesupply.distributions; print([m for m in sys.modules if 'scipy' in m])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# ---------------------------------------------------------------------------- tables

TABLED = [
    "pert(0, 0, 1)", "pert(0, 1, 1)", "pert(0, 0.001, 1000)", "pert(800, 1500, 3000)",
    "pert(2030, 2031, 2034)", "pert(-1, -0.999, 1e6)", "beta(0.05, 0.05)", "beta(0.05, 1000000)",
    "beta(1000000, 0.05)", "beta(0.05, 1)", "beta(0.5, 0.5)", "beta(1000000, 1000000)",
    "beta(0.1, 20)", "beta(20, 0.1)", "beta(3, 90)", "triangular(0, 0, 1)", "triangular(0, 1, 5)",
    "uniform(0, 1)", "normal(5, 2)", "lognormal(1, 1)", "lognormal(3, 10)",
    "truncate(normal(0, 1), -3, 3)", "truncate(normal(0, 1), 5, 10)",
    "truncate(normal(0, 1), -40, -35)", "truncate(normal(0, 1), 0, 1e9)",
    "truncate(lognormal(1, 10), 0, 1e15)", "truncate(lognormal(1, 2), 0.001, 1000)",
    "truncate(beta(0.05, 0.05), 1e-12, 0.999)", "truncate(pert(1, 2, 3), 2.999, 5)",
    "truncate(truncate(pert(0, 1, 9), 1, 8), 2, 7)", "truncate(triangular(0, 0.001, 1), 0, 2)",
]  # fmt: skip


def table_error(d: rd.Distribution, table: rd.QuantileTable, points: int) -> float:
    """Largest error as a share of the range; without bounds only inside the range."""
    low, high = d.from_normal(ndtri(1e-12) * np.array([1.0, -1.0]))
    z = np.linspace(-8.3, 8.3, points)
    if not np.isfinite(d.support).all():
        z = z[np.abs(z) <= 7.034]
    return float(np.abs(table(z) - d.from_normal(z)).max() / (high - low))


@pytest.mark.parametrize("text", TABLED)
def test_a_table_is_within_its_tolerance(text: str) -> None:
    """Within 1e-5 of the range, ascending, and inside the support."""
    d = parsed(text)
    table = rd.QuantileTable(d)
    assert table_error(d, table, 40_009) <= 1e-5
    low, high = d.support
    assert np.all(np.diff(table.values) >= 0.0)
    values = table(np.random.default_rng(1).standard_normal(10_000))
    assert np.all((values >= low) & (values <= high))


@settings(max_examples=40, deadline=None)
@given(continuous)
def test_any_table_is_within_its_tolerance(d: rd.Distribution) -> None:
    """The same for random shapes."""
    assert table_error(d, rd.QuantileTable(d), 4_001) <= 1e-5


def test_a_usual_table_is_small() -> None:
    """Small tables stay in the cache of a processor core."""
    assert rd.QuantileTable(rd.pert(2030, 2031, 2034)).values.size <= 2049


def test_a_table_fills_the_array_it_is_given() -> None:
    """With and without `out`, which may be the argument."""
    table = rd.QuantileTable(rd.pert(1, 2, 4))
    z = np.random.default_rng(2).standard_normal((3, 100))
    expected, before = table(z), z.copy()
    out = np.empty_like(z)
    assert table(z, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(z, before)
    assert table(z, out=z) is z
    np.testing.assert_array_equal(z, expected)


def test_a_table_beyond_its_ends_and_at_nan() -> None:
    """Constant beyond the ends; NaN stays NaN."""
    table = rd.QuantileTable(rd.pert(1, 2, 4))
    np.testing.assert_array_equal(
        table([-np.inf, -9, 9, np.inf, np.nan]),
        [table.values[0], table.values[0], table.values[-1], table.values[-1], np.nan],
    )
    assert table(0.0).shape == ()


def test_a_table_does_not_depend_on_the_blocks() -> None:
    """The same bits however the draws are cut."""
    table = rd.QuantileTable(rd.truncate(rd.lognormal(1, 1), 0, 9))
    z = np.random.default_rng(3).standard_normal(1000)
    parts = np.concatenate([table(part) for part in np.split(z, [1, 8, 333])])
    np.testing.assert_array_equal(parts, table(z))


def test_a_table_can_be_pickled() -> None:
    """The same bits after the way to a worker process."""
    table = rd.QuantileTable(rd.beta(2, 5))
    again = pickle.loads(pickle.dumps(table))
    z = np.linspace(-9, 9, 99)
    np.testing.assert_array_equal(again(z), table(z))


def test_a_table_that_would_be_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a table that misses its tolerance."""
    monkeypatch.setattr("reesupply.distributions.table._MOST", 1025)
    with pytest.raises(ScenarioError, match=r"^beta\(0.05, 0.05\): too steep for a quantile table"):
        rd.QuantileTable(rd.beta(0.05, 0.05))
