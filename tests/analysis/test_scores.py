"""Scores of forecasts: closed forms, definitions, a kept library, and what makes them proper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm, ttest_1samp
from statsmodels.api import OLS

from reesupply.analysis.scores import (
    PINBALL,
    crps,
    diebold_mariano,
    interval_score,
    jeffreys,
    pinball,
    pit,
)
from reesupply.errors import ReesupplyError

scoringrules = pytest.importorskip("scoringrules")

NUMBERS = st.floats(-1e6, 1e6)

# -- ranked probability ---------------------------------------------------------------------------


def pairwise(x: np.ndarray, y: float) -> float:
    """The definition: mean distance to the outcome, less half that of two draws."""
    return float(np.abs(x - y).mean() - 0.5 * np.abs(x[:, np.newaxis] - x).mean())


@given(st.lists(NUMBERS, min_size=1, max_size=40), NUMBERS)
def test_the_sorted_formula_is_the_pairwise_one(draws: list[float], outcome: float) -> None:
    """Whatever the order, ties and sign."""
    expected = pairwise(np.array(draws), outcome)

    assert crps(draws, outcome) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("outcome", [-3.0, 0.0, 0.4, 2.5])
def test_crps_of_a_gaussian(outcome: float) -> None:
    """Closed form, on evenly spaced quantiles of mean 10 and sd 2."""
    x = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    phi, cdf = norm.pdf(outcome), norm.cdf(outcome)
    closed = outcome * (2.0 * cdf - 1.0) + 2.0 * phi - 1.0 / np.sqrt(np.pi)

    assert crps(10.0 + 2.0 * x, 10.0 + 2.0 * outcome) == pytest.approx(2.0 * closed, abs=1e-3)


def test_crps_of_a_uniform() -> None:
    """Closed form: on [0, 1] and y within, y^2 - y + 1/3."""
    x = (np.arange(10_000) + 0.5) / 10_000

    assert crps(x, 0.3) == pytest.approx(0.3**2 - 0.3 + 1.0 / 3.0, abs=1e-6)


def test_crps_of_a_point_is_its_error() -> None:
    """So a point forecast and an ensemble are compared in one unit."""
    assert crps([6.0], 24.0) == 18.0
    assert crps(np.full(9, 6.0), 24.0) == pytest.approx(18.0)


def test_crps_of_a_kept_library() -> None:
    """Our sorted formula is that of scoringrules."""
    x = np.random.default_rng(3).gamma(2.0, size=500)
    other = scoringrules.crps_ensemble(1.7, x)

    assert crps(x, 1.7) == pytest.approx(float(other), rel=1e-6)


def test_the_score_is_proper() -> None:
    """The true distribution scores best on average, against one too wide and one shifted."""
    rng = np.random.default_rng(5)
    x, outcomes = rng.normal(size=1000), rng.normal(size=2000)
    mean = [np.mean([crps(f, y) for y in outcomes]) for f in (x, 2.0 * x, x + 0.5)]

    assert mean[0] < min(mean[1:])


# -- pinball and interval -------------------------------------------------------------------------


@given(st.lists(NUMBERS, min_size=2, max_size=40), NUMBERS)
def test_pinball_of_a_kept_library(draws: list[float], outcome: float) -> None:
    """The mean of its quantile scores."""
    quantiles = np.quantile(draws, PINBALL)
    other = [
        float(scoringrules.quantile_score(outcome, q, a))
        for q, a in zip(quantiles, PINBALL, strict=True)
    ]

    assert pinball(draws, outcome) == pytest.approx(np.mean(other), rel=1e-9, abs=1e-6)


def test_pinball_over_all_levels_is_half_the_crps() -> None:
    """Of a smooth distribution; the sum runs over the middles of equal steps."""
    x = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    levels = ((np.arange(2_000) + 0.5) / 2_000).tolist()

    assert 2.0 * pinball(x, 0.7, levels) == pytest.approx(crps(x, 0.7), abs=1e-4)


@given(st.lists(NUMBERS, min_size=2, max_size=40), NUMBERS, st.floats(0.1, 0.98))
def test_interval_score_of_a_kept_library(draws: list[float], outcome: float, share: float) -> None:
    """Winkler's score of the same two quantiles."""
    tail = 0.5 * (1.0 - share)
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    other = scoringrules.interval_score(outcome, low, high, 1.0 - share)

    assert interval_score(draws, outcome, share) == pytest.approx(float(other), rel=1e-6, abs=1e-5)


def test_interval_score_by_hand() -> None:
    """P5 to P95 of 0 to 100 is 5 to 95: width, and 20 times the distance beyond it."""
    draws = np.arange(101.0)

    assert interval_score(draws, 50.0) == pytest.approx(90.0)
    assert interval_score(draws, 97.0) == pytest.approx(90.0 + 20.0 * 2.0)
    assert interval_score(draws, 2.0) == pytest.approx(90.0 + 20.0 * 3.0)


@pytest.mark.parametrize("score", [crps, pinball, interval_score])
def test_every_score_is_proper(score: object) -> None:
    """The true distribution scores best on average: others are wider, narrower or shifted."""
    assert callable(score)
    rng = np.random.default_rng(11)
    x, outcomes = norm.ppf((np.arange(500) + 0.5) / 500), rng.normal(size=3_000)
    forecasts = {"true": x, "wide": 1.6 * x, "narrow": 0.6 * x, "high": x + 0.4}
    mean = {name: np.mean([score(f, y) for y in outcomes]) for name, f in forecasts.items()}

    assert min(mean, key=lambda name: float(mean[name])) == "true"


# -- transform and coverage -----------------------------------------------------------------------


def test_the_transform_of_a_calibrated_forecast_is_uniform() -> None:
    """Also where half of all draws are one value, if ties are parted at random."""
    rng = np.random.default_rng(2)

    def drawn(size: int) -> np.ndarray:
        return np.maximum(rng.normal(size=size), 0.0)

    levels = [pit(drawn(400), float(drawn(1)[0]), float(rng.random())) for _ in range(4_000)]
    counts = np.histogram(levels, bins=10, range=(0.0, 1.0))[0]

    # four standard errors of a count of 400, and the error of ensembles of 400
    assert np.abs(counts - 400).max() < 4.0 * math.sqrt(400 * 0.9) + 10


def test_the_transform_at_ties() -> None:
    """Half of what equals the outcome by default; all and nothing of it at the ends."""
    assert pit([1.0, 2.0, 2.0, 3.0], 2.0) == pytest.approx(0.5)
    assert pit([1.0, 2.0, 2.0, 3.0], 2.0, 0.0) == pytest.approx(0.25)
    assert pit([1.0, 2.0, 2.0, 3.0], 2.0, 1.0) == pytest.approx(0.75)
    assert pit([1.0, 2.0], 5.0) == 1.0


def test_a_calibrated_forecast_covers_what_it_says() -> None:
    """90 % of 4,000 outcomes within P5 to P95, and the interval of the share holds 90 %."""
    rng = np.random.default_rng(4)
    low, high = np.quantile(rng.lognormal(size=100_000), [0.05, 0.95])
    outcomes = rng.lognormal(size=4_000)
    inside = int(((low <= outcomes) & (outcomes <= high)).sum())
    ends = jeffreys(inside, 4_000, 0.999)

    assert inside / 4_000 == pytest.approx(0.9, abs=4.0 * math.sqrt(0.09 / 4_000))
    assert ends[0] < 0.9 < ends[1]


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (3, 10), (22, 22)])
def test_jeffreys_interval(hits: int, trials: int) -> None:
    """Quantiles of Beta(k + 1/2, n - k + 1/2)."""
    expected = beta(hits + 0.5, trials - hits + 0.5).ppf([0.025, 0.975])

    assert jeffreys(hits, trials) == pytest.approx(tuple(expected), rel=1e-9)


def test_what_is_no_share_is_refused() -> None:
    """One sentence each."""
    with pytest.raises(ReesupplyError, match="level must lie between 0 and 1; got 1"):
        jeffreys(1, 2, 1.0)
    with pytest.raises(ReesupplyError, match="hits must lie between 0 and the number of trials"):
        jeffreys(3, 2)


# -- equal scores ---------------------------------------------------------------------------------


def test_one_step_ahead_it_is_the_t_test() -> None:
    """Without overlap the corrected test is Student's, exactly."""
    d = np.random.default_rng(6).normal(0.3, 1.0, 25)
    expected = ttest_1samp(d, 0.0)

    assert diebold_mariano(d, 1) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_overlap_widens_as_statsmodels_says() -> None:
    """Its variance with a uniform kernel of h - 1 lags, times the correction."""
    rng = np.random.default_rng(8)
    d = np.convolve(rng.normal(0.2, 1.0, 42), np.ones(3) / 3.0, mode="valid")
    n, h = d.size, 3
    kernel = {"maxlags": h - 1, "kernel": "uniform", "use_correction": False}
    fit = OLS(d, np.ones(n)).fit(cov_type="HAC", cov_kwds=kernel)
    correction = math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)

    assert diebold_mariano(d, h)[0] == pytest.approx(float(fit.tvalues[0]) * correction, rel=1e-9)


def test_equal_forecasters_are_told_apart_as_often_as_the_level_says() -> None:
    """5 % of 2,000 repetitions of 24 overlapping differences, within four standard errors."""
    rng = np.random.default_rng(9)
    low = 0
    for _ in range(2_000):
        d = np.convolve(rng.normal(size=25), np.ones(2), mode="valid")
        low += diebold_mariano(d, 2)[1] < 0.05

    assert 0.03 < low / 2_000 < 0.07 + 4.0 * math.sqrt(0.05 * 0.95 / 2_000)


def test_where_there_is_no_variance_there_is_no_test() -> None:
    """And a horizon needs more differences than steps."""
    assert all(math.isnan(x) for x in diebold_mariano(np.ones(25), 1))
    with pytest.raises(ReesupplyError, match="horizon: found 3, allowed is a whole number"):
        diebold_mariano(np.arange(3.0), 3)
