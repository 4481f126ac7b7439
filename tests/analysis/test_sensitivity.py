"""Measures of sensitivity against functions whose indices are known, and against SALib."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from reesupply.analysis.drivers import mid_ranks
from reesupply.analysis.sensitivity import information
from reesupply.analysis.sensitivity.correlations import partial, spearman
from reesupply.analysis.sensitivity.emulator import Emulator, shapley
from reesupply.analysis.sensitivity.sample import Sample
from reesupply.analysis.sensitivity.slices import first_order, output_steps, pawn, tornado
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DRAWS = 16_384
A, B = 7.0, 0.1
#: The Sobol G function: the smaller, the more an input matters.
G = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0])


def ishigami(draws: int = DRAWS, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    """Inputs and output of Ishigami's function."""
    x = np.random.default_rng(seed).uniform(-np.pi, np.pi, (3, draws))
    return x, np.sin(x[0]) + A * np.sin(x[1]) ** 2 + B * x[2] ** 4 * np.sin(x[0])


def ishigami_indices() -> tuple[FloatArray, FloatArray, FloatArray]:
    """First order, total and Shapley; Ishigami and Homma (1990)."""
    one = 0.5 * (1.0 + B * np.pi**4 / 5.0) ** 2
    both = B**2 * np.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    two = A**2 / 8.0
    parts = np.array([one, two, 0.0, both]) / (one + two + both)
    first, pair = parts[:3], parts[3] * np.array([1.0, 0.0, 1.0])
    return first, first + pair, first + pair / 2.0


def g_function(draws: int = DRAWS, seed: int = 2) -> tuple[FloatArray, FloatArray]:
    """Inputs and output of the Sobol G function."""
    x = np.random.default_rng(seed).random((G.size, draws))
    each = (np.abs(4.0 * x - 2.0) + G[:, np.newaxis]) / (1.0 + G[:, np.newaxis])
    return x, each.prod(axis=0)


def g_indices() -> tuple[FloatArray, FloatArray, FloatArray]:
    """First order, total and Shapley, whose products of variances are shared equally."""
    one = 1.0 / (3.0 * (1.0 + G) ** 2)
    variance = np.prod(1.0 + one) - 1.0
    fair = np.zeros(G.size)
    for count in range(1, G.size + 1):
        for chosen in combinations(range(G.size), count):
            fair[list(chosen)] += np.prod(one[list(chosen)]) / count
    total = one * np.prod(1.0 + one) / (1.0 + one)
    return one / variance, total / variance, fair / variance


def all_sets(number: int) -> list[frozenset[int]]:
    """Every set of inputs, in the order of `shapley`."""
    return [frozenset(k for k in range(number) if place >> k & 1) for place in range(2**number)]


def emulator_of(sample: Sample) -> Emulator:
    """An emulator of all inputs."""
    rows = range(len(sample.ranks))
    return Emulator(sample, rows, rows)


CASES: list[Any] = [
    pytest.param(ishigami, ishigami_indices, id="ishigami"),
    pytest.param(g_function, g_indices, id="sobol-g"),
]


# ------------------------------------------------------------------------ against known values


@pytest.mark.parametrize(("function", "indices"), CASES)
def test_first_order_is_the_analytic_one(function: Any, indices: Any) -> None:
    """Bins of given draws find the first-order index; the interval is as wide as its error."""
    sample, (known, _, _) = Sample(*function()), indices()
    for ranks, expected in zip(sample.ranks, known, strict=True):
        found = sample.estimate(first_order(sample, ranks))
        assert found.value == pytest.approx(expected, abs=0.015)
        assert 0.003 < found.high - found.low < 0.03


@pytest.mark.parametrize(("function", "indices"), CASES)
def test_total_is_the_analytic_one(function: Any, indices: Any) -> None:
    """What the emulator sees is a little less, and what it may have missed brings it above."""
    sample, (_, known, _) = Sample(*function()), indices()
    emulator = emulator_of(sample)
    without = emulator.without_each()
    assert emulator.out_of_sample > 0.99
    assert emulator.explained[0] == pytest.approx(emulator.out_of_sample, abs=0.002)
    np.testing.assert_allclose(emulator.explained[0] - without[0], known, atol=0.012)
    assert (1.0 - without[0] > known - 0.008).all()


@pytest.mark.parametrize(("function", "indices"), CASES)
def test_shapley_is_the_analytic_one(function: Any, indices: Any) -> None:
    """Shapley effects share out interactions, and sum to what is explained."""
    sample, (_, _, known) = Sample(*function()), indices()
    emulator = emulator_of(sample)
    closed = emulator.closed(all_sets(known.size))
    found = shapley(closed, known.size)
    np.testing.assert_allclose(found[0], known, atol=0.01)
    np.testing.assert_allclose(found.sum(axis=1), closed[:, -1] - closed[:, 0], atol=1e-10)
    assert found[0].sum() == pytest.approx(emulator.explained[0], abs=1e-10)


def test_without_each_is_the_fit_without_it() -> None:
    """One inverse for all inputs gives what a new fit gives."""
    x, y = ishigami(4096)
    emulator = emulator_of(Sample(x, y, resamples=0))
    rest = [frozenset({0, 1, 2} - {row}) for row in range(3)]
    np.testing.assert_allclose(emulator.without_each(), emulator.closed(rest), atol=1e-8)


@pytest.mark.parametrize("rho", [-0.6, 0.0, 0.8])
def test_dependent_normal_inputs(rho: float) -> None:
    """
    Indices of a line in two correlated normal inputs.

    First order is the squared correlation with the output. Shapley effects: Owen and Prieur (2017),
    https://doi.org/10.1137/16M1097717.
    """
    z = np.random.default_rng(3).standard_normal((2, DRAWS))
    x = np.stack([z[0], rho * z[0] + np.sqrt(1.0 - rho**2) * z[1]])
    slope = np.array([1.0, 2.0])
    variance = slope @ slope + 2.0 * rho * slope.prod()
    sample = Sample(np.exp(x), slope @ x)  # only ranks count
    emulator = emulator_of(sample)
    first = (slope + rho * slope[::-1]) ** 2 / variance
    total = slope**2 * (1.0 - rho**2) / variance
    crossed = slope.prod() * rho + 0.5 * rho**2 * (slope[::-1] ** 2 - slope**2)
    fair = (slope**2 + crossed) / variance
    binned = [first_order(sample, ranks)[0] for ranks in sample.ranks]
    closed = emulator.closed(all_sets(2))
    np.testing.assert_allclose(binned, first, atol=0.015)
    np.testing.assert_allclose(closed[0], [0.0, *first, 1.0], atol=0.015)
    np.testing.assert_allclose(
        emulator.explained[0] - emulator.without_each()[0], total, atol=0.015
    )
    np.testing.assert_allclose(shapley(closed, 2)[0], fair, atol=0.015)
    assert fair.sum() == pytest.approx(1.0)


def test_partial_correlation_of_normal_inputs() -> None:
    """What two correlated inputs tell beside each other, with its known value."""
    z = np.random.default_rng(4).standard_normal((3, DRAWS))
    x = np.stack([z[0], 0.8 * z[0] + 0.6 * z[1]])
    sample = Sample(x, x[0] + z[2])
    found = sample.estimate(partial(sample, [0, 1]))
    own = mid_ranks(sample.output, sample.weights)
    line = np.vstack([np.ones(DRAWS), sample.ranks[1]])
    left = [y - line.T @ np.linalg.lstsq(line.T, y, rcond=None)[0] for y in (sample.ranks[0], own)]
    assert found.value[0] == pytest.approx(np.corrcoef(left)[0, 1], abs=1e-9)
    assert abs(found.value[1]) < 0.04  # ranks of normal numbers are not quite linear
    assert found.low[0] < found.value[0] < found.high[0]


def test_spearman_is_that_of_scipy() -> None:
    """Ties included, with scipy as the judge."""
    x, y = ishigami(2048)
    x[1] = np.round(x[1])
    sample = Sample(x, y)
    expected = [spearmanr(row, y).statistic for row in x]
    np.testing.assert_allclose(spearman(sample)[0], expected, atol=1e-12)


def test_tornado_of_a_line_and_of_a_yes() -> None:
    """Normal numbers between P5 and P15 have a known mean; both answers of a coin have theirs."""
    rng = np.random.default_rng(5)
    x = np.stack([rng.standard_normal(DRAWS), rng.random(DRAWS) < 0.3, rng.random(DRAWS) < 0.02])
    y = 2.0 * x[0] + 3.0 * x[1] + x[2]
    sample = Sample(x, y)
    ends = np.asarray(norm.pdf(norm.ppf([0.05, 0.15])))
    middle = (ends[0] - ends[1]) / 0.1
    line, coin, rare = (sample.estimate(tornado(sample, ranks)) for ranks in sample.ranks)
    np.testing.assert_allclose(line.value, [2.0 * middle, -2.0 * middle, -4.0 * middle], atol=0.15)
    assert coin.value[2] == pytest.approx(3.0, abs=0.15)
    assert rare.value[2] == 0.0  # its P5 and its P95 are no


# ----------------------------------------------------------------------------------- SALib


def test_salib_agrees() -> None:
    """First order beside delta and RBD-FAST of SALib, PAWN beside its PAWN, on the same draws."""
    reason = "SALib, of the extra 'test', is not installed"
    analyze = pytest.importorskip("SALib.analyze", reason=reason)
    for module in ("delta", "pawn", "rbd_fast"):
        pytest.importorskip(f"SALib.analyze.{module}", reason=reason)
    x, y = g_function(8192)
    problem = {"num_vars": len(x), "names": list("abcdef"), "bounds": [[0.0, 1.0]] * len(x)}
    sample = Sample(x, y, resamples=0)
    own = np.array([first_order(sample, ranks)[0] for ranks in sample.ranks])
    rbd = analyze.rbd_fast.analyze(problem, x.T, y, seed=1, num_resamples=2)
    delta = analyze.delta.analyze(problem, x.T, y, seed=1, num_resamples=2, method="sobol")
    np.testing.assert_allclose(own, rbd["S1"], atol=0.02)
    np.testing.assert_allclose(own, delta["S1"], atol=0.025)  # its own has no correction
    steps = output_steps(sample)
    distance = [pawn(sample, ranks, steps)[0] for ranks in sample.ranks]
    theirs = analyze.pawn.analyze(problem, x.T, y, S=10, seed=1)
    np.testing.assert_allclose(distance, theirs["median"], atol=0.012)


def test_salib_total_from_its_own_design() -> None:
    """The total index from given draws is that of SALib from a design made for it."""
    reason = "SALib, of the extra 'test', is not installed"
    design = pytest.importorskip("SALib.sample.sobol", reason=reason)
    sobol = pytest.importorskip("SALib.analyze.sobol", reason=reason)
    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[-np.pi, np.pi]] * 3}
    points = design.sample(problem, 4096, calc_second_order=False, seed=1).T
    values = np.sin(points[0]) * (1.0 + B * points[2] ** 4) + A * np.sin(points[1]) ** 2
    theirs = sobol.analyze(problem, values, calc_second_order=False, seed=1)["ST"]
    emulator = emulator_of(Sample(*ishigami(), resamples=0))
    own = emulator.explained[0] - emulator.without_each()[0]
    np.testing.assert_allclose(own, theirs, atol=0.015)


# ------------------------------------------------------------------- noise, weights, intervals


def test_an_input_that_does_nothing_has_no_index() -> None:
    """Bins of noise explain nothing on average, whatever their number, with weights too."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(60):
        weights = rng.exponential(size=1000)
        sample = Sample(rng.random((1, 1000)), rng.random(1000), weights=weights, resamples=0)
        found.append(first_order(sample, sample.ranks[0])[0])
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3.0 * error
    assert 0.0 < error < 0.01


def test_weights_make_another_distribution() -> None:
    """Draws from a wide distribution, weighted to a narrow one, have the indices of that."""
    z = np.random.default_rng(7).standard_normal((2, 4 * DRAWS))
    x = np.stack([2.0 * z[0], z[1]])
    weights = norm.pdf(x[0]) / norm.pdf(x[0], scale=2.0)
    plain = Sample(x, x.sum(axis=0), resamples=0)
    sample = Sample(x, x.sum(axis=0), weights=weights, resamples=0)
    assert first_order(plain, plain.ranks[0])[0] == pytest.approx(0.8, abs=0.015)
    assert first_order(sample, sample.ranks[0])[0] == pytest.approx(0.5, abs=0.02)
    emulator = emulator_of(sample)
    np.testing.assert_allclose(shapley(emulator.closed(all_sets(2)), 2)[0], 0.5, atol=0.02)
    ends = np.asarray(norm.pdf(norm.ppf([0.05, 0.15])))
    swing = 2.0 * (ends[1] - ends[0]) / 0.1
    assert tornado(sample, sample.ranks[0])[0, 2] == pytest.approx(swing, abs=0.1)
    assert spearman(sample)[0, 0] == pytest.approx(6 / np.pi * np.arcsin(0.5**0.5 / 2), abs=0.02)
    flat = information.of_input(sample, sample.output, sample.ranks[0])[0]
    assert flat == pytest.approx(norm.pdf(0.0), abs=0.03)


def test_intervals_hold_the_truth() -> None:
    """In repeated samples 95 % intervals hold the known value about so often."""
    slope = np.array([1.0, 1.0, 0.5])
    known = slope**2 / (slope @ slope + 1.0)
    held, runs = np.zeros(3), 120
    for seed in range(runs):
        z = np.random.default_rng([8, seed]).standard_normal((4, 2048))
        sample = Sample(z[:3], slope @ z[:3] + z[3], seed=seed)
        fair = sample.estimate(shapley(emulator_of(sample).closed(all_sets(3)), 3))
        first = sample.estimate(first_order(sample, sample.ranks[0]))
        rank = sample.estimate(spearman(sample))
        truth = 6.0 / np.pi * np.arcsin(np.sqrt(known[0]) / 2.0)
        held[0] += np.mean((fair.low < known) & (known < fair.high))
        held[1] += first.low < known[0] < first.high
        held[2] += rank.low[0] < truth < rank.high[0]
    assert (held / runs > 0.89).all(), held / runs
    assert (held / runs <= 1.0).all()


def test_seed_repeats_and_blocks_may_come_in_any_order() -> None:
    """Equal seeds give equal intervals, other ones others; the order of blocks changes no value."""
    x, y = ishigami(4096)
    one, same, other = (Sample(x, y, seed=seed) for seed in (1, 1, 2))
    a, b, c = (s.estimate(first_order(s, s.ranks[0])) for s in (one, same, other))
    assert (a.low, a.high) == (b.low, b.high)
    assert a.value == c.value
    assert a.low != c.low
    lanes = Sample(x, y, blocks=np.arange(4096) // 64 % 16)
    assert len(lanes.slices) == 16
    assert first_order(lanes, lanes.ranks[0])[0] == pytest.approx(float(a.value), abs=1e-12)


def test_no_resamples_no_interval() -> None:
    """Without resamples, or with one block, there is a value and no interval."""
    x, y = ishigami(1024)
    for sample in (Sample(x, y, resamples=0), Sample(x, y, blocks=np.zeros(1024, dtype=int))):
        found = sample.estimate(first_order(sample, sample.ranks[0]))
        assert found.value > 0.2
        assert np.isnan(found.low)
        assert np.isnan(found.high)


@pytest.mark.parametrize("draws", [1, 2, 3, 10, 50])
def test_few_draws(draws: int) -> None:
    """Few draws give numbers or none, never a fault."""
    x, y = ishigami(draws)
    sample = Sample(x, y)
    emulator = emulator_of(sample)
    for values in (
        *(first_order(sample, ranks) for ranks in sample.ranks),
        *(pawn(sample, ranks, output_steps(sample)) for ranks in sample.ranks),
        *(tornado(sample, ranks) for ranks in sample.ranks),
        emulator.without_each(),
        partial(sample, [0, 1, 2]),
        spearman(sample),
        information.of_group(emulator, sample.output, [0]),
        information.of_input(sample, sample.output, sample.ranks[0]),
    ):
        assert not np.isinf(values).any()


def test_what_does_not_move() -> None:
    """A constant output has no driver, and a constant input drives nothing."""
    x, y = ishigami(2048)
    x[2] = 1.0
    flat = Sample(x, np.full(2048, 7.0))
    assert first_order(flat, flat.ranks[0])[0] == 0.0
    assert (emulator_of(flat).explained == 0.0).all()
    sample = Sample(x, y)
    emulator = emulator_of(sample)
    assert emulator.lines == [0, 1]
    assert first_order(sample, sample.ranks[2])[0] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(partial(sample, [0, 1, 2])[0, 2])


def test_bad_draws() -> None:
    """One sentence for shapes that do not fit and for values that are not finite."""
    with pytest.raises(ReesupplyError, match=r"shape \(3, 10\)"):
        Sample(np.ones((3, 10)), np.ones(9))
    with pytest.raises(ReesupplyError, match="2 draws of the output are not finite"):
        Sample(np.ones((1, 3)), np.array([np.nan, 1.0, np.inf]))


# ------------------------------------------------------------------------ value of information


def unit_loss(mean: float, sd: float) -> float:
    """E max(0, B) - max(0, E B) of a normal benefit B."""
    gain = mean * norm.cdf(mean / sd) + sd * norm.pdf(mean / sd)
    return float(gain - max(mean, 0.0))


@pytest.mark.parametrize("mean", [-1.0, 0.0, 0.5])
def test_value_of_a_normal_benefit(mean: float) -> None:
    """Of one input, of both and of everything: the closed form."""
    z = np.random.default_rng(9).standard_normal((3, 4 * DRAWS))
    benefit = mean + 1.0 * z[0] + 0.7 * z[1] + 0.5 * z[2]
    sample = Sample(z[:2], benefit)
    emulator = emulator_of(sample)
    everything = sample.estimate(information.perfect(sample, benefit))
    one = sample.estimate(information.of_input(sample, benefit, sample.ranks[0]))
    group = sample.estimate(information.of_group(emulator, benefit, [0]))
    both = sample.estimate(information.of_group(emulator, benefit, [0, 1]))
    for found, sd in ((everything, 1.74**0.5), (one, 1.0), (group, 1.0), (both, 1.49**0.5)):
        assert found.value == pytest.approx(unit_loss(mean, sd), abs=0.015)
        assert found.low - 0.01 < unit_loss(mean, sd) < found.high + 0.01
    assert one.value < both.value < everything.value


def test_noise_is_worth_nothing() -> None:
    """The rule is judged on draws that it was not found on: no value where there is none."""
    z = np.random.default_rng(10).standard_normal((41, 4096))
    sample = Sample(z[1:], z[0])
    assert information.of_group(emulator_of(sample), z[0], range(40))[0] < 0.01
    assert information.of_input(sample, z[0], sample.ranks[0])[0] < 0.01
    assert information.perfect(sample, z[0])[0] == pytest.approx(norm.pdf(0.0), abs=0.03)


def test_losses() -> None:
    """Tonnes count by their size, calls by their kind."""
    over = np.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(information.net_benefit(over, "tonnes", 9.0), over)
    np.testing.assert_array_equal(information.net_benefit(over, "call", 0.5), [-0.5, -0.5, 1.0])
