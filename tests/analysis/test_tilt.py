"""Weights of least relative entropy: closed forms, optimality, and the tail of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog, minimize
from scipy.special import ndtri

from reesupply.analysis.condition import divergence, largest_shape, pareto_shape, tilt
from reesupply.analysis.condition.tilt import TOLERANCE

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

MEAN = np.array([1455.0, 0.63, 0.75])
SD = np.array([1400.0, 0.2, 0.08])
CORRELATION = np.array([[1.0, -0.5, 0.4], [-0.5, 1.0, -0.6], [0.4, -0.6, 1.0]])
COVARIANCE = CORRELATION * np.outer(SD, SD)
TARGET = np.array([2920.0, 0.29, 0.91])


def nodes() -> tuple[FloatArray, FloatArray]:
    """Normal numbers as quadrature: exact to 1e-12 for tilts of this size, weights as prior."""
    x, w = np.polynomial.hermite_e.hermegauss(40)
    grid = np.stack([a.ravel() for a in np.meshgrid(x, x, x)])
    weights = np.einsum("i,j,k->ijk", w, w, w).ravel()
    draws = MEAN[:, np.newaxis] + np.linalg.cholesky(COVARIANCE) @ grid
    return draws, weights / weights.sum()


def moments(draws: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance."""
    mean = draws @ weights
    off = draws - mean[:, np.newaxis]
    return mean, (off * weights) @ off.T


# ------------------------------------------------------------------------------- normal claims


@pytest.mark.parametrize("some", [[0], [1], [0, 2], [0, 1, 2]])
def test_hard_targets_on_normal_claims(some: list[int]) -> None:
    """
    A normal claim stays normal with its covariance; others move by regression on it.

    KL = D^2/2, and 1/ESS = sum w^2/b = exp(D^2), with D Mahalanobis' distance.
    """
    draws, prior = nodes()
    found = tilt(draws[some], TARGET[some], prior=prior)

    gap = TARGET[some] - MEAN[some]
    inverse = np.linalg.inv(COVARIANCE[np.ix_(some, some)])
    mean, covariance = moments(draws, found.weights)
    expected = MEAN + COVARIANCE[:, some] @ inverse @ gap
    np.testing.assert_allclose(mean / SD, expected / SD, rtol=1e-9)
    np.testing.assert_allclose(covariance / np.outer(SD, SD), CORRELATION, atol=1e-8)
    np.testing.assert_allclose(found.multipliers * SD[some], inverse @ gap * SD[some], rtol=1e-8)
    squared = gap @ inverse @ gap
    assert divergence(found.weights, prior) == pytest.approx(squared / 2.0, rel=1e-8)
    assert (found.weights**2 / prior).sum() == pytest.approx(np.exp(squared), rel=1e-6)
    assert found.miss <= TOLERANCE


def test_soft_targets_are_the_conjugate_update_of_the_mean() -> None:
    """The mean is mu + Sigma (Sigma + V)^-1 (t - mu), as of normal data; the spread stays."""
    draws, prior = nodes()
    errors = np.array([600.0, 0.06, 0.04])
    found = tilt(draws, TARGET, errors, prior)

    mean, covariance = moments(draws, found.weights)
    gain = COVARIANCE @ np.linalg.inv(COVARIANCE + np.diag(errors**2))
    np.testing.assert_allclose(mean, MEAN + gain @ (TARGET - MEAN), rtol=1e-8)
    np.testing.assert_allclose(covariance / np.outer(SD, SD), CORRELATION, atol=1e-8)
    np.testing.assert_allclose(mean, TARGET - errors**2 * found.multipliers, rtol=1e-8)


def test_published_example_of_a_soft_target() -> None:
    """One claim, by hand: N(0, 2^2), target 3 with error 1, gives 3 * 4/5."""
    x, w = np.polynomial.hermite_e.hermegauss(60)
    found = tilt(2.0 * x[np.newaxis], np.array([3.0]), np.array([1.0]), w / w.sum())
    assert 2.0 * x @ found.weights == pytest.approx(2.4, rel=1e-10)


@pytest.mark.parametrize(
    ("shift", "left"), [(0.0, 1.0), (0.5, 0.779), (1.0, 0.368), (1.5, 0.105), (2.0, 0.018)]
)
def test_effective_share_of_normal_draws(shift: float, left: float) -> None:
    """
    exp(-D^2) of equal draws is left.

    Squared weights of a shift by two are centred at four, where few of any draws are: hence the
    tolerance.
    """
    draws = ndtri((np.arange(2**18) + 0.5) / 2**18)[np.newaxis]
    weights = tilt(draws, np.array([shift])).weights
    assert left == pytest.approx(np.exp(-(shift**2)), abs=5e-4)
    assert 1.0 / (weights**2).sum() / draws.size == pytest.approx(left, abs=0.006)


def test_errors_from_none_to_large() -> None:
    """An error of 0 is a hard target, and one that grows leaves the prior."""
    draws, prior = nodes()
    hard = tilt(draws, TARGET, prior=prior).weights
    np.testing.assert_allclose(tilt(draws, TARGET, 1e-6 * SD, prior).weights, hard, rtol=1e-6)
    np.testing.assert_allclose(tilt(draws, TARGET, 1e6 * SD, prior).weights, prior, rtol=1e-6)


# -------------------------------------------------------------------------------- any claims


def skewed(seed: int, draws: int = 4000, rows: int = 3) -> FloatArray:
    """Draws that are correlated and skewed, one row with a lump."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(rows, draws))
    base += 0.5 * base[0]
    base[-1] = np.maximum(base[-1], -0.5)
    return np.exp(0.4 * base)


@given(seed=st.integers(0, 2**32 - 1), step=st.floats(0.0, 4.0))
def test_targets_are_met_or_cannot_be(seed: int, step: float) -> None:
    """
    Within the hull of the draws the means meet the targets, outside the miss tells it.

    The hull is that of a linear program. KL = theta't - log Z >= 0, as of an exponential tilt.
    """
    draws = skewed(seed, 300)
    way = np.random.default_rng(seed + 1).normal(size=3)
    goal = draws.mean(axis=1) + step * draws.std(axis=1) * way / np.linalg.norm(way)
    found = tilt(draws, goal)
    weights = found.weights
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights.min() >= 0.0
    if not within_hull(draws, goal):
        assert found.miss > TOLERANCE
        return
    assert found.miss <= TOLERANCE
    np.testing.assert_allclose(draws @ weights, goal, rtol=1e-6)
    power = found.multipliers @ draws
    log_z = power.max() + np.log(np.mean(np.exp(power - power.max())))
    spent = found.multipliers @ goal - log_z
    assert divergence(weights, None) == pytest.approx(spent, rel=1e-5, abs=1e-7)


@given(seed=st.integers(0, 2**32 - 1), away=st.floats(0.0, 6.0), sd=st.floats(0.01, 10.0))
def test_soft_targets_can_always_be_met(seed: int, away: float, sd: float) -> None:
    """Wherever they lie the mean is t - V theta, between that of the draws and the target."""
    draws = skewed(seed, 300)[:1]
    goal = draws.mean(axis=1) + away * draws.std(axis=1)
    error = sd * draws.std(axis=1)
    found = tilt(draws, goal, error)
    mean = float(draws[0] @ found.weights)
    assert mean == pytest.approx(float((goal - error**2 * found.multipliers)[0]), rel=1e-6)
    assert draws.mean() - 1e-9 <= mean <= goal[0] + 1e-9


def within_hull(draws: FloatArray, goal: FloatArray) -> bool:
    """Whether some weights meet the targets, by linear programming."""
    equal = np.vstack([draws, np.ones(draws.shape[1])])
    found = linprog(np.zeros(draws.shape[1]), A_eq=equal, b_eq=[*goal, 1.0])
    return bool(found.status == 0)


def test_the_least_entropy_by_another_solver() -> None:
    """A general solver that knows nothing of tilts finds the same weights of twelve draws."""
    draws = skewed(3, 12, 2)
    goal = draws.mean(axis=1) + np.array([0.2, -0.1])
    solve: Any = minimize
    constraints = [
        {"type": "eq", "fun": lambda w: draws @ w - goal},
        {"type": "eq", "fun": lambda w: w.sum() - 1.0},
    ]
    found = solve(
        lambda w: float(np.sum(w * np.log(12.0 * np.maximum(w, 1e-300)))),
        np.full(12, 1 / 12),
        bounds=[(1e-12, 1.0)] * 12,
        constraints=constraints,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(tilt(draws, goal).weights, found.x, atol=1e-5)


def test_a_target_at_the_mean_changes_nothing() -> None:
    """Equal weights stay equal, and given ones stay as given."""
    draws = skewed(1)
    np.testing.assert_allclose(
        tilt(draws, draws.mean(axis=1)).weights, np.full(4000, 1 / 4000), rtol=1e-9
    )
    prior = draws[0] / draws[0].sum()
    np.testing.assert_allclose(tilt(draws, draws @ prior, prior=prior).weights, prior, rtol=1e-9)


def test_units_do_not_matter() -> None:
    """Other scales and origins of the claims, and their order, give the same weights."""
    draws = skewed(2)
    goal, errors = draws.mean(axis=1) * [1.3, 0.9, 1.1], np.array([0.0, 0.1, 0.05])
    want = tilt(draws, goal, errors).weights
    scale, origin = np.array([1e6, -1e-6, 3.0]), np.array([5e6, 2e-6, -40.0])
    moved = tilt(
        draws * scale[:, np.newaxis] + origin[:, np.newaxis],
        goal * scale + origin,
        errors * np.abs(scale),
    )
    np.testing.assert_allclose(moved.weights, want, rtol=1e-7)
    np.testing.assert_allclose(tilt(draws[::-1], goal[::-1], errors[::-1]).weights, want, rtol=1e-9)


def test_a_median_by_hand() -> None:
    """An indicator gives two weights: half on each side."""
    draws = np.arange(10.0)
    found = tilt((draws <= 6.0)[np.newaxis].astype(float), np.array([0.5])).weights
    np.testing.assert_allclose(found, np.repeat([0.5 / 7, 0.5 / 3], [7, 3]), rtol=1e-12)


def test_draws_without_weight_stay_without() -> None:
    """A prior of zero is zero after, whatever its claim says."""
    prior = np.array([0.0, 0.5, 0.5])
    found = tilt(np.array([[1e9, 0.0, 1.0]]), np.array([0.25]), prior=prior).weights
    np.testing.assert_allclose(found, [0.0, 0.75, 0.25], rtol=1e-9)


def test_what_cannot_be_met_is_told() -> None:
    """Outside the hull, though inside the range of each, the miss stays large."""
    x = np.linspace(-1.0, 1.0, 401)
    both = np.stack([x, x + 0.1 * np.sin(9.0 * x)])
    assert within_hull(both, np.array([0.5, 0.5]))
    assert tilt(both, np.array([0.5, 0.5])).miss <= TOLERANCE
    assert not within_hull(both, np.array([0.5, -0.5]))
    found = tilt(both, np.array([0.5, -0.5]))
    assert found.miss > 0.1
    assert np.isfinite(found.weights).all()
    twice = np.stack([x, 3.0 * x])
    assert tilt(twice, np.array([0.5, 1.5])).miss <= TOLERANCE
    assert tilt(twice, np.array([0.5, 1.2])).miss > 0.01


# ----------------------------------------------------------------------------- tail of weights


@pytest.mark.parametrize("draws", [100, 1000, 20_000])
@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0, 2.0, 4.0])
def test_shape_is_that_of_arviz(draws: int, spread: float) -> None:
    """The same k as the library of its authors' colleagues, for light and heavy tails."""
    log_weights = spread * np.random.default_rng(draws).normal(size=draws)
    library: Any = pytest.importorskip("arviz_stats.base")
    want = library.array_stats.psislw(-log_weights)[1]
    assert pareto_shape(np.exp(log_weights)) == pytest.approx(float(want), abs=1e-6)


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_shape_of_pareto_weights(shape: float) -> None:
    """Weights drawn from a Pareto distribution have its k, within twice the error of the fit."""
    n = 2**18
    weights = (1.0 - (np.arange(n) + 0.5) / n) ** -shape
    error = (1.0 + shape) / np.sqrt(3.0 * np.sqrt(n))
    assert pareto_shape(weights) == pytest.approx(shape, abs=2.0 * error)


def test_weights_without_a_tail() -> None:
    """Equal weights, two values, and too few draws have no k."""
    assert np.isnan(pareto_shape(np.full(1000, 1e-3)))
    assert np.isnan(pareto_shape(np.repeat([0.1, 0.9], [900, 100])))
    assert np.isnan(pareto_shape(np.repeat([0.1, 0.2, 0.5, 0.9], [900, 50, 40, 10])))
    assert np.isnan(pareto_shape(np.arange(12.0)))


def test_limit_of_the_shape() -> None:
    """1 - 1/log10(n) up to 0.7, as published: 0.5 at 100, 0.667 at 1,000, 0.7 from 2,155 on."""
    assert largest_shape(100) == pytest.approx(0.5)
    assert largest_shape(1000) == pytest.approx(2.0 / 3.0)
    assert largest_shape(2154) < 0.7 == largest_shape(2155) == largest_shape(10**6)


def test_median_of_a_normal_claim() -> None:
    """Closed form of a median target m: KL = -ln(4 F (1 - F))/2 with F the prior share below."""
    draws = ndtri((np.arange(2**16) + 0.5) / 2**16)
    share = float((draws <= 1.0).mean())
    found = tilt((draws <= 1.0)[np.newaxis].astype(float), np.array([0.5])).weights
    assert divergence(found, None) == pytest.approx(-np.log(4.0 * share * (1.0 - share)) / 2.0)
    cumulative = np.cumsum(found)
    at = brentq(lambda x: np.interp(x, draws, cumulative) - 0.5, 0.0, 2.0)
    assert at == pytest.approx(1.0, abs=1e-3)
