"""Delays estimated from promised and actual dates, with censoring, prior and predictive."""

from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from reesupply.analysis.fit import (
    DelayFit,
    Prior,
    StudyStage,
    delays,
    delivered_by,
    delivered_share,
    fit_lognormal,
    fit_schedule,
    fit_slip,
    historic_regime,
    left_out,
    parameter_table,
    schedule_factors,
    shipped_prior,
    slips,
    stage_mix,
    study_stages,
)
from reesupply.analysis.fit.lognormal import ONLY_PRIOR, Likelihood
from reesupply.analysis.fit.predictive import mixture_moments
from reesupply.analysis.fit.priors import prior_number
from reesupply.distributions import Distribution, LogNormal, Truncated, parse
from reesupply.errors import ReesupplyError
from reesupply.models.pipeline import (
    decided,
    delay_under,
    first_feed_after_decision,
    succeeds,
)
from reesupply.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

CASES = pd.DataFrame({"factor": [1.0, 1.6, 1.67, 2.9], "censored": False})
REFINERY = shipped_prior("schedule-first-of-kind")


def sample(
    rng: np.random.Generator, size: int, median: float, sigma: float
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Draw times of which about a third are cut by the end of watching."""
    times = median * np.exp(sigma * rng.standard_normal(size))
    ends = rng.uniform(0.8 * median, 3.0 * median, size)
    return np.minimum(times, ends), times > ends


def record(**columns: Any) -> pd.DataFrame:
    """Return one row of a record of delays, changed where asked."""
    row = {
        "project": "a",
        "plant_type": "refinery",
        "stage_when_announced": "construction",
        "promised_from": 2010.0,
        "announced_start": 2012.0,
        "actual_start": 2014.0,
        "outcome": "started",
        "known_at": 2026.4,
        "confidence": "high",
    }
    return pd.DataFrame([{**row, **columns}], index=pd.Index(["one"], name="id"))


def posterior_sample(fit: DelayFit, size: int = 400_000) -> FloatArray:
    """Draw parameters, then a delay each, and drop what the limits forbid."""
    rng = np.random.default_rng(8)
    centre = [fit.estimate.log_median, fit.estimate.log_sigma]
    drawn = rng.multivariate_normal(centre, fit.estimate.covariance, size)
    times = np.exp(drawn[:, 0] + np.exp(drawn[:, 1]) * rng.standard_normal(size))
    low, high = fit.limits
    return np.asarray(times[(times >= low) & (times <= high)])


def figures(distribution: Distribution) -> FloatArray:
    """Return mean, sd and P90."""
    values = distribution.ppf((np.arange(100_000) + 0.5) / 100_000)
    return np.array([values.mean(), values.std(), float(distribution.ppf(0.9))])


# ---------------------------------------------------------------- estimation


def test_known_parameters_come_back_from_censored_samples() -> None:
    """The mean over repetitions is within 3 standard errors of the truth (bias is O(1/n))."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        estimate = fit_lognormal(*sample(rng, 400, 1.5, 0.4), None)
        found.append((estimate.log_median, estimate.log_sigma))
    error = np.std(found, axis=0, ddof=1) / math.sqrt(len(found))

    assert np.all(np.abs(np.mean(found, axis=0) - np.log([1.5, 0.4])) < 3.0 * error)


def test_the_covariance_is_that_of_repeated_samples() -> None:
    """The standard errors are honest: within 15 % over 200 repetitions."""
    rng = np.random.default_rng(2)
    fits = [fit_lognormal(*sample(rng, 200, 1.5, 0.4), None) for _ in range(200)]
    spread = np.std([(f.log_median, f.log_sigma) for f in fits], axis=0, ddof=1)
    stated = np.mean([np.sqrt(np.diag(f.covariance)) for f in fits], axis=0)

    np.testing.assert_allclose(spread, stated, rtol=0.15)


def test_without_censoring_it_is_mean_and_sd_of_the_logarithms() -> None:
    """The closed form of maximum likelihood, divisor n."""
    fit = fit_schedule(CASES)
    logs = np.log(CASES["factor"].to_numpy())

    assert math.log(fit.median) == pytest.approx(logs.mean(), abs=1e-9)
    assert fit.sigma == pytest.approx(logs.std(), rel=1e-8)
    variances = np.diag(fit.covariance.to_numpy())
    np.testing.assert_allclose(variances, [fit.sigma**2 / 4, 1 / 8], rtol=1e-6)


def test_the_four_cases_of_the_methods() -> None:
    """Geometric mean 1.67, sd of logarithms 0.44 with divisor n - 1."""
    logs = np.log(CASES["factor"].to_numpy())

    assert fit_schedule(CASES).median == pytest.approx(1.67, abs=0.005)
    assert logs.std(ddof=1) == pytest.approx(0.44, abs=0.005)


@pytest.mark.parametrize("sd", [0.15, 0.20, 0.25])
def test_the_prior_updated_by_the_four_cases(sd: float) -> None:
    """The notes have 1.49-1.55 with sigma known; it is estimated here, which gives 0.01 more."""
    fit = fit_schedule(CASES, prior=Prior(1.40, 0.40, sd))

    assert 1.485 < fit.median < 1.565
    assert math.hypot(fit.sigma, math.sqrt(fit.estimate.covariance[0, 0])) == pytest.approx(
        0.42, abs=0.01
    )


def test_with_sigma_given_it_is_the_conjugate_normal() -> None:
    """Precisions add up: the closed form of the notes."""
    prior = Prior(1.40, 0.42, 0.2, 1e-4)
    fit = fit_schedule(CASES, prior=prior)
    own, data = 1 / 0.2**2, 4 / 0.42**2
    mean = np.log(CASES["factor"].to_numpy()).mean()

    middle = (own * math.log(1.40) + data * mean) / (own + data)
    assert fit.estimate.log_median == pytest.approx(middle, abs=1e-5)
    assert fit.estimate.covariance[0, 0] == pytest.approx(1 / (own + data), rel=1e-4)


def test_ignoring_the_censoring_is_biased_low() -> None:
    """A lower bound read as an outcome shortens the delay, and so does leaving it out."""
    rng = np.random.default_rng(3)
    times, cut = sample(rng, 2000, 1.5, 0.5)

    right = fit_lognormal(times, cut, None).log_median
    read_as_outcome = fit_lognormal(times, np.zeros(times.size, bool), None).log_median
    left_aside = fit_lognormal(times[~cut], cut[~cut], None).log_median

    assert right == pytest.approx(math.log(1.5), abs=0.05)
    assert read_as_outcome < right - 0.05
    assert left_aside < right - 0.05


def test_score_and_hessian_are_derivatives() -> None:
    """Against finite differences, with censoring and prior."""
    rng = np.random.default_rng(4)
    times, cut = sample(rng, 12, 1.5, 0.5)
    likelihood = Likelihood(np.log(times), cut, Prior(1.4, 0.4))
    place = np.array([0.2, -0.7])

    gradient = approx_fprime(place, likelihood.value, 1e-7)
    second = approx_fprime(place, likelihood.score, 1e-7)
    np.testing.assert_allclose(likelihood.score(place), gradient, rtol=1e-4)
    np.testing.assert_allclose(likelihood.hessian(place), second, rtol=1e-4)


def test_a_certain_prior_decides_and_a_vague_one_is_silent() -> None:
    """The two limits of the standard deviation of the prior."""
    alone = fit_schedule(CASES)
    certain = fit_schedule(CASES, prior=Prior(1.2, 0.3, 1e-5, 1e-5))
    vague = fit_schedule(CASES, prior=Prior(1.2, 0.3, 1e6, 1e6))
    flat = fit_schedule(CASES, prior=Prior(1.2, 0.3, math.inf, math.inf))

    assert (certain.median, certain.sigma) == pytest.approx((1.2, 0.3), rel=1e-4)
    for fit in (vague, flat):
        assert (fit.median, fit.sigma) == pytest.approx((alone.median, alone.sigma), rel=1e-6)


def test_the_normal_approximation_holds_for_the_record() -> None:
    """The exact posterior on a grid has the same centre and spread as mode and curvature."""
    fit = fit_schedule(prior=REFINERY)
    likelihood = Likelihood(np.log(fit.times), fit.censored, REFINERY)
    grids = (np.linspace(-0.6, 1.8, 121), np.linspace(-2.5, 1.0, 121))
    logs = np.array([[likelihood.value((a, b)) for b in grids[1]] for a in grids[0]])
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    for axis, (grid, mode) in enumerate(
        zip(grids, (fit.estimate.log_median, fit.estimate.log_sigma), strict=True)
    ):
        share = weight.sum(axis=1 - axis)
        mean = float(share @ grid)
        sd = math.sqrt(float(share @ (grid - mean) ** 2))
        assert mean == pytest.approx(mode, abs=0.2 * sd)
        assert sd == pytest.approx(math.sqrt(fit.estimate.covariance[axis, axis]), rel=0.05)


def test_bounds_alone_fall_back_to_the_prior() -> None:
    """And the fit says so."""
    bounds = pd.DataFrame({"factor": [2.0, 3.0], "censored": True})
    fit = fit_schedule(bounds, prior=REFINERY)

    assert (fit.median, fit.sigma) == pytest.approx((1.4, 0.4))
    assert fit.note == ONLY_PRIOR
    assert fit.kaplan_meier().empty


@pytest.mark.parametrize(
    ("times", "cut", "prior", "words"),
    [
        ([2.0, 3.0], [True, True], None, "no observed start among 2 promises"),
        ([], [], None, "there are none"),
        ([2.0], [True], Prior(1.4, 0.4, math.inf), "give a prior"),
        ([2.0], [False], None, "one observed start cannot give a spread"),
        ([2.0, 0.0], [False, False], None, "above 0"),
        ([2.0, math.nan], [False, False], None, "above 0"),
        ([2.0, 3.0], [False], None, "2 times and 1 marks"),
    ],
)
def test_what_cannot_be_fitted_says_why(
    times: list[float], cut: list[bool], prior: Prior | None, words: str
) -> None:
    """One sentence each."""
    with pytest.raises(ReesupplyError, match=words):
        fit_lognormal(times, np.array(cut, dtype=bool), prior)


@pytest.mark.parametrize("name", ["median", "sigma", "sd_log_median", "sd_log_sigma"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_a_prior_is_checked(name: str, value: float) -> None:
    """NaN included."""
    numbers = {"median": 1.4, "sigma": 0.4, name: value}
    with pytest.raises(ReesupplyError, match=name):
        Prior(**numbers)


def test_wrong_requests_name_what_is_allowed() -> None:
    """Stage, columns, cut-off date, level, row of the priors."""
    stage: Any = "studies"
    with pytest.raises(ReesupplyError, match="did you mean 'study'"):
        fit_schedule(stage=stage)
    with pytest.raises(ReesupplyError, match="allowed: construction"):
        fit_slip(stage)
    with pytest.raises(ReesupplyError, match="no column factor"):
        fit_schedule(CASES[["censored"]])
    with pytest.raises(ReesupplyError, match="cut data of your own"):
        fit_schedule(CASES, known_by=2012.0)
    with pytest.raises(ReesupplyError, match="level"):
        delivered_share(1.0)
    with pytest.raises(ReesupplyError, match="did you mean 'slip-construction'"):
        shipped_prior("slip-constructions")
    with pytest.raises(ReesupplyError, match="allowed is a lognormal"):
        shipped_prior("slip-high")


# ---------------------------------------------------------------- predictive


@pytest.mark.parametrize(
    "fit",
    [
        fit_schedule(prior=REFINERY),
        fit_schedule(CASES, prior=REFINERY),
        fit_schedule(stage="study", prior=shipped_prior("schedule-ordinary")),
        fit_slip(prior=shipped_prior("slip-construction")),
        fit_schedule(),
    ],
    ids=["refineries", "four cases", "study", "slip", "data only"],
)
def test_the_predictive_is_the_simulation_over_the_parameters(fit: DelayFit) -> None:
    """Mean, sd and P90 within 3 %, and its text parses back."""
    drawn = posterior_sample(fit)
    expected = np.array([drawn.mean(), drawn.std(), np.quantile(drawn, 0.9)])

    np.testing.assert_allclose(figures(fit.predictive()), expected, rtol=0.03)
    assert parse(str(fit.predictive())) == fit.predictive()


def test_the_predictive_carries_the_uncertainty_of_the_parameters() -> None:
    """s^2 is sigma^2 + var(log median) to first order, so wider than sigma alone."""
    fit = fit_schedule(CASES, prior=REFINERY)
    predictive = fit.predictive()
    assert isinstance(predictive, Truncated)
    assert isinstance(predictive.base, LogNormal)

    first_order = math.hypot(fit.sigma, math.sqrt(fit.estimate.covariance[0, 0]))
    assert fit.sigma < first_order < predictive.base.sigma < 1.1 * first_order
    assert predictive.support == (0.85, 8.0)


def test_certain_parameters_leave_the_lognormal_itself() -> None:
    """No uncertainty, nothing added."""
    fit = fit_schedule(CASES, prior=Prior(1.3, 0.4, 1e-5, 1e-5))

    assert str(fit.predictive()) == "truncate(lognormal(1.3, 0.4), 0.85, 8)"


def test_moments_of_the_mixture_in_closed_form() -> None:
    """Known sigma and limits far away: a lognormal with added variances."""
    covariance = np.diag([0.04, 1e-12])
    mean, sd = mixture_moments(np.array([0.3, math.log(0.4)]), covariance, (0.0, 1e9))
    square = 0.4**2 + 0.04

    assert mean == pytest.approx(math.exp(0.3 + square / 2), rel=1e-9)
    assert sd == pytest.approx(mean * math.sqrt(math.expm1(square)), rel=1e-8)


def test_parameters_without_any_bound_are_refused() -> None:
    """Moments that no lognormal within the limits has."""
    wild = fit_schedule(
        pd.DataFrame({"factor": [7.9], "censored": [True]}), prior=Prior(8.0, 9.0, 20.0, 5.0)
    )
    with pytest.raises(ReesupplyError, match="give a prior"):
        wild.predictive()


# ---------------------------------------------------------------- the record


def test_a_factor_is_time_needed_over_time_promised() -> None:
    """Started: an outcome. Pending: a bound at the date up to which it was watched."""
    started = schedule_factors(record()).loc["one"]
    pending = schedule_factors(record(actual_start=math.nan, outcome="pending")).loc["one"]

    assert (started["factor"], started["censored"]) == (pytest.approx(2.0), False)
    assert (pending["factor"], pending["censored"]) == (pytest.approx(16.4 / 2), True)


def test_the_factors_on_record() -> None:
    """LAMP 2.9, Mountain Pass 1.6, Serra Verde 1.05; a newer date of Eneabba is no outcome."""
    table = schedule_factors()
    built = table[(table["stage_class"] == "construction") & (table["plant_type"] != "add-on")]

    expected = {
        "lamp-promise-2010": (2.925, False),
        "iluka-eneabba-2022": (1.280, True),
        "src-saskatoon-2020": (3.167, True),
        "mp-stage-2": (1.625, False),
        "serra-verde": (1.050, False),
        "ucore-louisiana": (1.0, True),
    }
    assert set(built.index) == set(expected)
    for name, (factor, censored) in expected.items():
        assert built.loc[name, "factor"] == pytest.approx(factor, abs=0.002)
        assert built.loc[name, "censored"] == censored
    study = table[table["stage_class"] == "study"]
    assert study["censored"].all()


def test_every_promise_is_used_once_or_has_a_reason() -> None:
    """For factors and for slips."""
    names = set(delays().index)
    for used, unused in (
        (schedule_factors(), left_out()),
        (slips(), left_out(measure="slip")),
    ):
        assert set(used.index).isdisjoint(unused.index)
        assert set(used.index) | set(unused.index) == names
        assert (unused["reason"] != "").all()
        add_on = used["plant_type"] == "add-on"
        assert not pd.MultiIndex.from_arrays(
            [used["project"], used["stage_class"], add_on]
        ).has_duplicates


def test_why_promises_are_left_out() -> None:
    """Unknown date, later promise, no delay at all, full rate."""
    reasons = left_out()["reason"]

    expected = {
        "solvay-la-rochelle": "date of the promise unknown",
        "tanbreez": "date of the promise unknown",
        "lamp-promise-2011": "a later promise",
        "molycorp-phoenix": "failed",
        "lynas-seadrift": "cancelled",
        "kvanefjeld": "blocked",
        "lamp-ramp-phase-1": "a date for the full rate",
    }
    for name, start in expected.items():
        assert str(reasons[name]).startswith(start)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"announced_start": math.nan}, "no start was promised"),
        ({"announced_start": 2009.0}, "not in order"),
        ({"actual_start": 2009.0}, "not in order"),
    ],
)
def test_useless_dates_are_left_out(columns: dict[str, float], reason: str) -> None:
    """They say so."""
    assert schedule_factors(record(**columns)).empty
    assert reason in str(left_out(record(**columns)).loc["one", "reason"])


def test_the_first_promise_counts_whatever_the_order_of_rows() -> None:
    """One project counts once in each stage class."""
    later = record(promised_from=2011.0, announced_start=2013.0).rename(index={"one": "later"})
    study = record(promised_from=2005.0, stage_when_announced="feasibility")
    table = pd.concat([later, record(), study.rename(index={"one": "study"})])

    assert list(schedule_factors(table).index) == ["one", "study"]


def test_the_plant_that_was_on_time_shortens_the_fit() -> None:
    """Serra Verde kept its date; leaving it out is the row of the table that says so."""
    rest = fit_schedule(schedule_factors(delays().drop(index="serra-verde")), prior=REFINERY)
    table = parameter_table()
    row = table.loc["schedule, first-of-kind refineries, without rows that rest on an assumption"]

    assert fit_schedule(prior=REFINERY).median < 0.95 * rest.median
    assert row["posterior_median"] == pytest.approx(rest.median, rel=1e-9)
    assert (row["observed"], row["pending"]) == (2, 3)
    assert row["proposed"] == "", "a sensitivity fills no cell"


@pytest.mark.parametrize("lead", [0.7, 1.0, 3.2])
def test_when_serra_verde_was_promised_hardly_matters(lead: float) -> None:
    """The assumed two years ahead, against the range of the known promises."""
    changed = delays()
    assumed = changed["announced_start"] - lead
    changed["promised_from"] = changed["promised_from"].mask(
        changed.index == "serra-verde", assumed
    )
    other = fit_schedule(schedule_factors(changed), prior=REFINERY)

    assert other.median == pytest.approx(fit_schedule(prior=REFINERY).median, rel=0.02)
    assert other.sigma == pytest.approx(fit_schedule(prior=REFINERY).sigma, rel=0.03)


def test_a_table_with_other_columns_is_refused() -> None:
    """So is an unknown stage."""
    with pytest.raises(ReesupplyError, match="no column outcome"):
        schedule_factors(record().drop(columns="outcome"))
    with pytest.raises(ReesupplyError, match="found planned"):
        schedule_factors(record(stage_when_announced="planned"))
    with pytest.raises(ReesupplyError, match="'one' stands there twice"):
        schedule_factors(pd.concat([record(), record()]))


def test_an_empty_record_is_no_error() -> None:
    """It just says nothing: the prior remains."""
    empty = record().iloc[:0]

    assert schedule_factors(empty).empty
    assert fit_schedule(schedule_factors(empty), prior=REFINERY).note == ONLY_PRIOR


# ---------------------------------------------------------------- leave-out by date


def test_nothing_after_the_cut_off_is_known() -> None:
    """Promises and outcomes of later dates do not exist."""
    table = schedule_factors(known_by=2012.0)

    assert (table["promised_from"] <= 2012.0).all()
    assert (table["until"] <= 2012.0).all()
    assert table.loc["lamp-promise-2010", "censored"]
    assert table.loc["lamp-promise-2010", "factor"] == pytest.approx(1.05 / 0.67, rel=1e-3)
    assert "mp-stage-2" in left_out(known_by=2012.0).index


def test_a_back_test_does_not_depend_on_later_outcomes() -> None:
    """Other outcomes after the cut-off, the same fit; a failure still to come is no reason."""
    changed = delays()
    late = changed["actual_start"] > 2012.0
    changed.loc[late, "actual_start"] += 3.0
    changed.loc[changed["outcome"] == "pending", "outcome"] = "failed"

    pd.testing.assert_frame_equal(
        schedule_factors(changed, known_by=2012.0), schedule_factors(known_by=2012.0)
    )
    pd.testing.assert_frame_equal(slips(changed, known_by=2012.0), slips(known_by=2012.0))


def test_what_was_known_in_2012_and_later() -> None:
    """In 2012 nothing had started, so the prior; with LAMP in 2013 the median rises."""
    then = fit_schedule(prior=REFINERY, known_by=2012.0)
    after = fit_schedule(prior=REFINERY, known_by=2013.0)

    assert then.note == ONLY_PRIOR
    assert (then.observed, after.observed) == (0, 1)
    assert then.median < after.median < fit_schedule(prior=REFINERY).median


def test_slips_without_a_dated_promise_are_not_back_tested() -> None:
    """That a promise was known is not known; a dated one of the same time is used."""
    assert {"solvay-la-rochelle", "serra-verde"} <= set(slips().index)
    then = slips(known_by=2026.0)
    assert "serra-verde" in then.index
    assert "solvay-la-rochelle" not in then.index
    reasons = left_out(measure="slip", known_by=2026.0)["reason"]
    assert reasons["solvay-la-rochelle"] == "date of the promise unknown"


# ---------------------------------------------------------------- slips and tables


def test_slips_of_plants_being_built() -> None:
    """Three started late, two are overdue; add-ons are apart and keep their dates."""
    fit = fit_slip(prior=shipped_prior("slip-construction"))
    add_ons = slips()[slips()["plant_type"] == "add-on"]

    assert (fit.observed, fit.pending) == (3, 2)
    assert sorted(fit.times[~fit.censored]) == pytest.approx([0.10, 1.25, 1.29])
    assert abs(add_ons["slip"].mean()) < 0.1
    assert fit_slip("commissioning", prior=shipped_prior("slip-commissioning")).note == ONLY_PRIOR
    assert fit_slip("add-on", prior=shipped_prior("slip-add-on")).median < 0.3


def test_kaplan_meier_of_the_record() -> None:
    """By hand: at 1.05 five are at risk, at 1.625 three, at 2.925 two."""
    curve = fit_schedule().kaplan_meier()

    assert list(curve.index) == pytest.approx([1.05, 1.625, 2.925], abs=0.001)
    assert list(curve["at_risk"]) == [5, 3, 2]
    assert list(curve["survival"]) == pytest.approx([4 / 5, 8 / 15, 4 / 15])


def test_the_summary_has_parameters_and_predictive() -> None:
    """The intervals hold the estimates."""
    summary = fit_schedule(prior=REFINERY).summary()
    parameters = summary.loc[["median", "sigma"]]

    assert (parameters["P5"] < parameters["estimate"]).all()
    assert (parameters["estimate"] < parameters["P95"]).all()
    levels = summary.loc[[f"predictive P{level}" for level in (10, 50, 90)], "estimate"]
    assert levels.is_monotonic_increasing


def test_the_share_delivered() -> None:
    """Jeffreys posterior of 1 and 3 of 51, as in the notes."""
    table = delivered_share()

    assert list(table.loc["commercial"]) == pytest.approx([1, 51, 0.029, 0.003, 0.074], abs=5e-4)
    assert list(table.loc["with-pilot"]) == pytest.approx([3, 51, 0.067, 0.022, 0.132], abs=5e-4)


def test_the_shipped_priors() -> None:
    """Mean 1.52 and P90 2.34 for first-of-kind refineries; the slip of a build of 3 years."""
    assert math.exp(math.log(1.4) + 0.5 * 0.4**2) == pytest.approx(1.52, abs=0.005)
    assert (REFINERY.median, REFINERY.sigma, REFINERY.sd_log_median) == (1.4, 0.4, 0.2)
    slip = shipped_prior("slip-construction")
    high = slip.median * math.exp(1.2816 * slip.sigma)
    assert slip.median == pytest.approx(3 * 0.4)
    assert high == pytest.approx(3 * 1.34, rel=0.06)
    assert prior_number("schedule-low") == 0.85


def test_the_table_of_parameters() -> None:
    """The posterior lies between data and prior; without two starts a cell stays as it is."""
    table = parameter_table()
    both = table[table["data_median"].notna()]

    low = both[["data_median", "prior_median"]].min(axis=1)
    high = both[["data_median", "prior_median"]].max(axis=1)
    assert ((low <= both["posterior_median"]) & (both["posterior_median"] <= high)).all()
    for row in table.itertuples():
        parse(str(row.predictive))
    few = table[table["observed"] < 2]
    assert (few["proposed"] == few["shipped"]).all()
    assert (few["note"] != "").all()


def test_the_shipped_parameters_are_the_output_of_the_fit() -> None:
    """Every cell that the table names; where fewer than two started, it is the prior's."""
    table = parameter_table()
    cells = table[table["cells"] != "sensitivity"]

    assert len(cells) == 5
    assert (cells["shipped"] != "").all()
    assert cells["shipped"].tolist() == cells["proposed"].tolist()
    fitted, few = cells[cells["observed"] >= 2], cells[cells["observed"] < 2]
    assert fitted["shipped"].tolist() == fitted["predictive"].tolist()
    for row in few.itertuples():
        shipped = parse(str(row.shipped))
        base = shipped.base if isinstance(shipped, Truncated) else shipped
        assert isinstance(base, LogNormal)
        assert (base.median, base.sigma) == (row.prior_median, row.prior_sigma)


def test_the_command_prints_the_parameters() -> None:
    """With the cells they would fill."""
    command = [sys.executable, "-m", "reesupply.analysis.fit"]

    done = subprocess.run(command, check=True, capture_output=True, text=True)

    assert "stages.construction.slip" in done.stdout
    assert "projects.<refinery>.schedule" in done.stdout
    assert "lynas-seadrift: cancelled" in done.stdout
    assert f"in 11 years: {historic_regime():.3g}\n" in done.stdout


# ---------------------------------------------------------------- regime


def simulated(years: float, regime: float, size: int) -> FloatArray:
    """Draw projects of the default mix through the model; 1 where they operate in time."""
    rng = np.random.default_rng(11)
    v = 2026.4
    stages, mix = study_stages(), stage_mix()
    out = []
    for name, count in zip(mix, rng.multinomial(size, list(mix.values())), strict=True):
        stage = stages[name]
        assert isinstance(stage.schedule, Distribution)
        outcome, built, u = rng.uniform(size=(3, count))
        taken, hazard = decided(outcome, stage.decide, stage.abandon, regime)
        first = first_feed_after_decision(
            v + stage.construction,
            stage.construction,
            rng.standard_exponential(count),
            taken,
            1.0 + delay_under(stage.schedule.ppf(u) - 1.0, regime),
            succeeds(built, stage.works, regime),
            hazard=hazard,
            minimum_wait=delay_under(stage.minimum_wait, max(regime, 1.0)),
            data_date=v,
        )
        out.append(first <= v + years)
    return np.concatenate(out).astype(np.float64)


@pytest.mark.parametrize("years", [3.0, 11.0])
@pytest.mark.parametrize("regime", [0.25, 1.0, 4.0])
def test_the_share_delivered_is_that_of_the_model(years: float, regime: float) -> None:
    """Closed form against Monte Carlo, within 4 standard errors."""
    drawn = simulated(years, regime, 400_000)
    share = delivered_by(years, regime)

    assert 0.0 < share < 1.0
    error = math.sqrt(share * (1.0 - share) / drawn.size)
    assert abs(drawn.mean() - share) < 4.0 * error


def test_the_share_delivered_by_hand() -> None:
    """One stage with a certain schedule: decided, works, and in time."""
    stage = StudyStage(0.2, 0.1, 1.0, 1.5, 0.8, 2.0)
    decided_in_time = (1.0 - math.exp(-0.3 * (6.0 - 1.0 - 3.0))) * 2 / 3
    assert delivered_by(6.0, 1.0, {"one": stage}, {"one": 7.0}) == pytest.approx(
        0.8 * decided_in_time
    )
    late = 6.0 - 0.5 - 2.0 * 1.25
    twice = 0.4 / 0.5 * 1.6 / 1.8 * (1.0 - math.exp(-0.5 * late))
    assert delivered_by(6.0, 2.0, {"one": stage}, {"one": 1.0}) == pytest.approx(twice)
    half = 0.5 * (1.0 - math.exp(-0.2 * (6.0 - 1.0 - 2.0 * 2.0))) * 0.4 / 0.6
    assert delivered_by(6.0, 0.5, {"one": stage}, {"one": 1.0}) == pytest.approx(half)
    assert delivered_by(4.0, 1.0, {"one": stage}, {"one": 1.0}) == 0.0


def test_the_limits_of_the_regime() -> None:
    """An infinitely kind world delivers all that it has time to build, a hopeless one nothing."""
    construction = study_stages()["feasibility"].construction

    assert delivered_by(construction + 0.1, 1e12) == pytest.approx(1.0, abs=1e-9)
    assert delivered_by(construction - 0.1, 1e12) < 1e-9
    assert delivered_by(11.0, 0.0) == 0.0
    assert delivered_by(1e6, 1e-12) < 1e-9
    assert delivered_by(0.0, 1.0) == 0.0


def test_without_an_end_the_share_is_that_of_the_odds() -> None:
    """After a very long time only the decision and the works count."""
    stages, mix = study_stages(), stage_mix()
    for m in (0.3, 1.0, 3.0):
        expected = sum(
            weight
            * (m * s.decide / (m * s.decide + s.abandon))
            * (m * s.works / (m * s.works + 1.0 - s.works))
            for s, weight in ((stages[name], weight) for name, weight in mix.items())
        )
        assert delivered_by(1e4, m) == pytest.approx(expected, rel=1e-9)


def test_the_default_mix_is_that_of_the_projects() -> None:
    """Shares of stages, those of a scenario's own rows; a mix is a weighted mean."""
    rows = load_scenario().rows("projects")
    statuses = [row.status for row in rows if row.status in study_stages()]

    assert set(study_stages()) == {"feasibility", "prefeasibility", "scoping", "resource"}
    for name, share in stage_mix().items():
        assert share == pytest.approx(statuses.count(name) / len(statuses))
    parts = sum(share * delivered_by(11.0, mix={name: 1.0}) for name, share in stage_mix().items())
    assert delivered_by(11.0) == pytest.approx(parts)


def test_the_historic_regime_delivers_what_was_delivered() -> None:
    """Round trip, by default with 3 of 51 and in 11 years, and harsher for 1 of 51."""
    assert delivered_by(11.0, historic_regime()) == pytest.approx(3 / 51, rel=1e-8)
    for share, years in ((1 / 51, 11.0), (0.3, 8.0), (0.9, 20.0)):
        regime = historic_regime(share, years)
        assert delivered_by(years, regime) == pytest.approx(share, rel=1e-8)
    assert historic_regime(1 / 51) < historic_regime() < 1.0
    for m in (0.1, 1.0, 7.0):
        assert historic_regime(delivered_by(11.0, m)) == pytest.approx(m, rel=1e-8)


def test_the_shipped_historic_scenario_is_the_historic_regime() -> None:
    """To three digits."""
    path = files("reesupply") / "data" / "scenarios" / "historic.toml"
    content = tomllib.loads(path.read_text(encoding="utf-8"))

    assert content["anchors"]["regime"]["value"] == float(f"{historic_regime():.3g}")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: delivered_by(-1.0), "years must be finite"),
        (lambda: delivered_by(11.0, math.nan), "regime must be finite"),
        (lambda: delivered_by(11.0, math.inf), "regime must be finite"),
        (lambda: delivered_by(11.0, mix={"feasability": 1.0}), "did you mean 'feasibility'"),
        (lambda: delivered_by(11.0, mix={"feasibility": -1.0}), "weight of feasibility"),
        (lambda: delivered_by(11.0, mix={"feasibility": 0.0}), "at least one weight"),
        (lambda: delivered_by(11.0, mix={}), "at least one weight"),
        (lambda: historic_regime(0.0), "share must lie between"),
        (lambda: historic_regime(1.0), "share must lie between"),
        (lambda: historic_regime(0.5, 1.0), "no regime delivers 0.5 within 1 years"),
    ],
)
def test_impossible_regimes_say_why(call: Callable[[], float], words: str) -> None:
    """One sentence each."""
    with pytest.raises(ReesupplyError, match=words):
        call()
