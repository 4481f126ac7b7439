"""Growth and volatility of activities: the fit, its coverage, its rivals, and the table growth."""

from __future__ import annotations

import math
import runpy
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from scipy.stats import t as student

from reesupply.analysis.fit import (
    GrowthFit,
    compare_forecasters,
    fit_growth,
    growth_table,
    scores,
    shipped_growth,
    usable_history,
    write_growth,
)
from reesupply.analysis.fit.activities import from_line, to_line
from reesupply.analysis.fit.forecasters import FORECASTERS, LEAST_BEHIND, forecast, simulate_paths
from reesupply.analysis.fit.growth import walk_with_drift
from reesupply.analysis.fit.growth_rows import FITTED, compared_series
from reesupply.analysis.fit.report import growth_text
from reesupply.distributions import LogNormal, Truncated, parse
from reesupply.errors import ReesupplyError
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

INCREMENTS, AHEAD, SERIES = 11, 10, 4_000


def by_year(values: npt.ArrayLike, first: int = 2010) -> dict[int, float]:
    """Return values of successive years."""
    return {first + i: float(v) for i, v in enumerate(np.asarray(values, dtype=np.float64))}


def closed_form(values: dict[int, float], ceiling: float | None = None) -> tuple[float, ...]:
    """Mean increment, its standard error and s; increments over gaps weigh by their length."""
    known = {year: value for year, value in values.items() if not math.isnan(value)}
    gaps, steps = np.diff(list(known)), np.diff(to_line(list(known.values()), ceiling))
    drift = steps.sum() / gaps.sum()
    s = math.sqrt(float(((steps - drift * gaps) ** 2 / gaps).sum()) / (gaps.size - 1))
    return float(drift), s / math.sqrt(gaps.sum()), s


def estimates(fit: GrowthFit) -> tuple[float, ...]:
    """Return the same of a fit."""
    return fit.drift, fit.drift_se, fit.sigma


# ------------------------------------------------------------------------------------------ the fit


@given(
    st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=25).filter(lambda d: np.std(d) > 1e-3),
    st.floats(1e-3, 1e3),
    st.sampled_from([None, 1.5, 20.0]),
)
def test_a_complete_series_gives_the_closed_form(
    steps: list[float], first: float, times: float | None
) -> None:
    """s^2 = sum (d - mean d)^2/(m - 1), drift = mean d, standard error = s/sqrt(m)."""
    values = by_year(first * np.exp(np.concatenate([[0.0], np.cumsum(steps)])))
    ceiling = None if times is None else times * max(values.values())
    fit = fit_growth(values, ceiling=ceiling)
    np.testing.assert_allclose(estimates(fit), closed_form(values, ceiling), rtol=1e-6, atol=1e-9)
    assert fit.span == len(steps)
    assert fit.degrees_of_freedom == len(steps) - 1


@given(st.lists(st.booleans(), min_size=10, max_size=20), st.integers(0, 2**32 - 1))
def test_gaps_are_bridged(gone: list[bool], seed: int) -> None:
    """An increment over k years counts once, with k times the variance."""
    gone[0] = gone[3] = gone[4] = gone[7] = gone[-1] = False
    walk = np.exp(np.cumsum(np.random.default_rng(seed).normal(0.1, 0.2, len(gone))))
    values = by_year(np.where(gone, np.nan, walk))
    fit = fit_growth(values)
    np.testing.assert_allclose(estimates(fit), closed_form(values), rtol=1e-6, atol=1e-9)
    assert fit.span == len(gone) - 1
    assert fit.degrees_of_freedom == len(gone) - sum(gone) - 2
    without = {year: value for year, value in values.items() if not math.isnan(value)}
    assert fit_growth(without) == fit


def test_the_estimate_is_the_maximum_of_the_diffuse_likelihood() -> None:
    """
    And the search of statsmodels, started there, stays there, at least by Nelder and Mead: its
    default ends at a variance of 0 on some of these series, which is why nothing is searched for.
    """
    fit = shipped_growth("wind-onshore")
    line = np.full(fit.span + 1, np.nan)
    line[np.array(fit.years) - fit.years[0]] = to_line(fit.values, fit.ceiling)
    best = walk_with_drift(line, fit.sigma**2)
    for factor in (0.95, 1.05):
        assert walk_with_drift(line, factor * fit.sigma**2).llf < best.llf
    searched = best.model.fit(start_params=[fit.sigma**2], method="nm", disp=False)
    assert searched.params[0] == pytest.approx(fit.sigma**2, rel=1e-3)


def test_the_paths_of_the_state_space_model_hold_the_drift_error() -> None:
    """At a known volatility their standard deviation is s sqrt(h + h^2/n)."""
    fit = shipped_growth("ev-cars")
    line = to_line(fit.values, fit.ceiling)
    paths = simulate_paths(
        walk_with_drift(line, fit.sigma**2), AHEAD, 8_000, np.random.default_rng(5)
    )
    horizons = np.arange(1, AHEAD + 1)
    np.testing.assert_allclose(paths.std(axis=1), fit.scale(horizons), rtol=0.03)
    np.testing.assert_allclose(paths.mean(axis=1), line[-1] + fit.drift * horizons, atol=0.03)


def test_the_generator_goes_by_either_name() -> None:
    """Statsmodels 0.14 calls it random_state, 0.15 rng."""

    class Old:
        def simulate(
            self, steps: int, anchor: str, repetitions: int, random_state: Any = None
        ) -> FloatArray:
            assert anchor == "end"
            return np.asarray(random_state.normal(size=(steps, 1, repetitions)))

    class New:
        def simulate(
            self, steps: int, anchor: str, repetitions: int, rng: Any = None, **_: Any
        ) -> FloatArray:
            assert anchor == "end"
            return np.asarray(rng.normal(size=(steps, repetitions)))

    old, new = (simulate_paths(r(), 3, 4, np.random.default_rng(1)) for r in (Old, New))
    assert old.shape == (3, 4)
    np.testing.assert_array_equal(old, new)


def test_a_fit_says_what_it_is() -> None:
    """Its repr fits on a line."""
    fit = shipped_growth("ev-cars")
    assert repr(fit) == (
        "<GrowthFit activity-ev-cars: drift 0.395 ± 0.078, volatility 0.233, 10 values 2016-2025>"
    )


# ------------------------------------------------------------------------------ what goes into it


def test_what_a_fit_uses() -> None:
    """Ranges of at most 5 % either way, and counts without a range; nothing else."""
    cars, wind = usable_history("activity-ev-cars"), usable_history("activity-wind-total")
    assert list(cars) == list(range(2016, 2026))
    assert cars[2025] == 20.7  # a count without a range
    # 2020 has a range of 7 %, 2025 is no count
    assert list(wind) == [*range(2010, 2020), *range(2021, 2025)]
    # 5 % exactly, in figures such as 2.185 to 2.415 around 2.3
    assert list(usable_history("activity-two-wheelers")) == list(range(2012, 2025))
    assert list(usable_history("activity-phev-cars")) == list(range(2018, 2025))
    assert list(usable_history("ndfeb-rough-world")) == [2015, 2016, 2020]
    with pytest.raises(ReesupplyError, match="did you mean 'activity-ev-cars'"):
        usable_history("activity-evcars")


def test_too_few_values() -> None:
    """Four leave a t distribution without a variance; missing ones do not count."""
    values = by_year([1.0, 2.0, math.nan, 3.0, 3.5])
    with pytest.raises(ReesupplyError, match="growth of robots: found 4 yearly values, 5 are need"):
        fit_growth(values, name="robots")
    with pytest.raises(ReesupplyError, match="growth of ndfeb-rough-world: found 3 yearly values"):
        fit_growth("ndfeb-rough-world")


@pytest.mark.parametrize("ceiling", [5.0, 6.0])
def test_a_value_above_the_ceiling(ceiling: float) -> None:
    """Above it or at it there is no logit."""
    values = by_year([1.0, 2.0, 3.0, 6.0, 5.0, 4.0])
    rule = rf"^growth of cars in 2013: found 6, allowed is above 0 and below {ceiling:g}$"
    with pytest.raises(ReesupplyError, match=rule):
        fit_growth(values, ceiling=ceiling, name="cars")


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf])
def test_a_value_without_a_logarithm(bad: float) -> None:
    """Zero, negative and infinite activities are refused with their year."""
    values = by_year([1.0, 2.0, 3.0, bad, 5.0, 4.0])
    with pytest.raises(ReesupplyError, match=r"in 2013: found (0|-1|inf), allowed is a"):
        fit_growth(values)


def test_even_growth_has_no_volatility() -> None:
    """Equal increments, of zero too."""
    for values in (2.0 ** np.arange(6), np.full(6, 3.0)):
        with pytest.raises(ReesupplyError, match="the values grow evenly"):
            fit_growth(by_year(values))


# ---------------------------------------------------------------------------------- what it says


@given(st.floats(1e-6, 0.999), st.sampled_from([None, 1.0, 95.0]))
def test_the_scale_can_be_left_and_entered(share: float, ceiling: float | None) -> None:
    """Both transforms have their inverse."""
    value = share * (1.0 if ceiling is None else ceiling)
    assert from_line(to_line(value, ceiling), ceiling) == pytest.approx(value, rel=1e-12)


def test_quantiles_of_drawn_paths_are_those_of_the_formula() -> None:
    """At one, five and ten years, around the drift and around an outlook."""
    fit, levels = shipped_growth("ev-cars"), (0.05, 0.25, 0.5, 0.75, 0.95)
    for path in (None, 40.0):
        outlook = None if path is None else np.full(10, path)
        paths = fit.simulate(10, 60_000, np.random.default_rng(3), outlook)
        assert paths.shape == (10, 60_000)
        assert (paths > 0.0).all()
        assert (paths < 95.0).all()
        drawn = to_line(np.quantile(paths, levels, axis=1), fit.ceiling)
        for h in (1, 5, 10):
            exact = to_line(fit.predictive(h, levels, path), fit.ceiling)
            np.testing.assert_allclose(drawn[:, h - 1], exact, atol=0.02 * math.sqrt(h))


def test_an_outlook_is_the_median_and_a_right_one_ranks_in_the_middle() -> None:
    """And what cannot be on the scale is refused."""
    fit = shipped_growth("ev-cars")
    assert fit.predictive(7, (0.5,), 40.0)[0] == pytest.approx(40.0)
    assert fit.rank(11.0, 11.0, 7) == 0.5
    high = fit.predictive(7, (0.9,), 11.0)[0]
    assert fit.rank(11.0, high, 7) == pytest.approx(0.9)
    with pytest.raises(ReesupplyError, match="found 120, allowed is above 0 and below 95"):
        fit.predictive(7, path=120.0)
    with pytest.raises(ReesupplyError, match="found 0, allowed is above 0"):
        fit.rank(11.0, 0.0, 7)


@pytest.mark.parametrize("values", [5, 8, 12, 30])
def test_the_cell_is_matched_to_the_scaled_inverse_chi(values: int) -> None:
    """Mean and sd of the logarithm, by simulation; the quantiles then differ by a few percent."""
    rng = np.random.default_rng(values)
    fit = fit_growth(by_year(np.exp(np.cumsum(rng.normal(0.1, 0.2, values)))))
    cell = fit.volatility_cell()
    assert isinstance(cell, Truncated)
    assert isinstance(cell.base, LogNormal)
    assert parse(str(cell)) == cell
    nu = values - 2
    logs = np.log(fit.sigma * np.sqrt(nu / chi2(nu).rvs(200_000, random_state=1)))
    assert math.log(cell.base.median) == pytest.approx(logs.mean(), abs=0.01)
    assert cell.base.sigma == pytest.approx(logs.std(), rel=0.01)
    bounds = cell.base.ppf([0.005, 0.995])
    np.testing.assert_allclose([cell.low, cell.high], bounds, rtol=0.02)


# ------------------------------------------------------------------------------------- coverage


def simulated_series() -> tuple[FloatArray, FloatArray]:
    """Increments on record of many short series, and the sum of the ten that follow."""
    rng = np.random.default_rng(2035)
    record = rng.normal(0.1, 0.2, (SERIES, INCREMENTS))
    return record, rng.normal(0.1, 0.2, (SERIES, AHEAD)).sum(axis=1)


def test_coverage_of_a_nominal_90_percent_interval() -> None:
    """
    At 11 increments and 10 years: 0.88 to 0.92 by the t distribution and by the formula of the
    engine with the lognormal cell, where drift and volatility taken as known hold about 0.73.
    """
    record, future = simulated_series()
    drift, s = record.mean(axis=1), record.std(axis=1, ddof=1)
    error = np.abs(future - AHEAD * drift) / s
    example = fit_growth(by_year(np.exp(np.concatenate([[0.0], np.cumsum(record[0])]))))
    unit = GrowthFit("unit", None, example.years, example.values, 0.0, 1.0, 1.0)

    exact = student(INCREMENTS - 1).ppf(0.95) * unit.scale(AHEAD)
    assert 0.88 < np.mean(error < exact) < 0.92

    rng = np.random.default_rng(1)
    sigma = unit.volatility_cell().ppf(rng.uniform(size=100_000))
    walk = rng.standard_normal((AHEAD, sigma.size)).sum(axis=0)
    drawn = sigma * (rng.standard_normal(sigma.size) * AHEAD / math.sqrt(unit.span) + walk)
    assert 0.88 < np.mean(error < np.quantile(np.abs(drawn), 0.9)) < 0.92

    plug_in = 1.6449 * math.sqrt(AHEAD)
    assert 0.70 < np.mean(error < plug_in) < 0.77


def test_the_coverage_above_is_that_of_the_fit() -> None:
    """The many series go by the closed form; some of them through the fit itself."""
    record, future = simulated_series()
    for steps, ahead in zip(record[:25], future[:25], strict=True):
        values = by_year(np.exp(np.concatenate([[0.0], np.cumsum(steps)])))
        fit = fit_growth(values)
        np.testing.assert_allclose((fit.drift, fit.sigma), (steps.mean(), steps.std(ddof=1)))
        low, high = np.log(fit.predictive(AHEAD, (0.05, 0.95)) / fit.values[-1])
        reach = student(INCREMENTS - 1).ppf(0.95) * fit.scale(AHEAD)
        assert (low < ahead < high) == (abs(ahead - AHEAD * steps.mean()) < reach)


# --------------------------------------------------------------------------------------- rivals


@pytest.fixture(scope="module")
def comparison() -> pd.DataFrame:
    """Return the comparison on two series."""
    series = {name: compared_series()[name] for name in ("activity-ev-cars", "activity-wind-total")}
    return compare_forecasters(series, draws=500)


def test_every_origin_is_forecast_by_all_and_sees_no_future(comparison: pd.DataFrame) -> None:
    """Origins, horizons and outcomes by hand; a median equals that of a fit to the past alone."""
    cars = comparison[comparison["series"] == "activity-ev-cars"]
    ours = cars[cars["forecaster"] == next(iter(FORECASTERS))]
    pairs = [(o, h) for o in range(2021, 2025) for h in range(1, 6) if o + h <= 2025]
    assert list(zip(ours["origin"], ours["horizon"], strict=True)) == pairs
    assert list(ours["behind"]) == [o - 2015 for o, _ in pairs]
    assert list(ours["outcome"]) == [usable_history("activity-ev-cars")[o + h] for o, h in pairs]
    assert cars.groupby("forecaster").size().to_dict() == dict.fromkeys(FORECASTERS, len(pairs))
    past = {y: v for y, v in usable_history("activity-ev-cars").items() if y <= 2021}
    median = fit_growth(past, ceiling=compared_series()["activity-ev-cars"]).predictive(4, (0.5,))
    last = ours[(ours["origin"] == 2021) & (ours["horizon"] == 4)]
    assert float(last["median"].iloc[0]) == pytest.approx(median[0], rel=0.08)
    wind = comparison[comparison["series"] == "activity-wind-total"]
    assert 2020 not in set(wind["origin"])  # a gap is no origin and no outcome
    assert 2020 not in set(wind["origin"] + wind["horizon"])
    assert comparison["behind"].min() == LEAST_BEHIND


def test_the_comparison_is_reproducible(comparison: pd.DataFrame) -> None:
    """The same seed, on fewer series too; another seed, other draws."""
    one = {"activity-ev-cars": compared_series()["activity-ev-cars"]}
    again = compare_forecasters(one, draws=500)
    cars = comparison[comparison["series"] == "activity-ev-cars"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, cars)
    other = compare_forecasters(one, draws=500, seed=1)
    assert not np.array_equal(other["crps"], again["crps"])


def test_scores_of_a_forecast(comparison: pd.DataFrame) -> None:
    """Against scoringrules, on the logarithm of the activity."""
    scoringrules = pytest.importorskip("scoringrules")
    name, values = "random walk, plug-in", usable_history("activity-wind-total")
    ceiling = compared_series()["activity-wind-total"]
    known = {year: value for year, value in values.items() if year <= 2018}
    seed = [2035, list(FORECASTERS).index(name), 2018, *b"activity-wind-total"]
    paths = forecast(known, name, ceiling=ceiling, draws=500, rng=np.random.default_rng(seed))
    where = {"series": "activity-wind-total", "forecaster": name, "origin": 2018, "horizon": 5}
    chosen = (comparison[list(where)] == pd.Series(where)).all(axis=1)
    row: Any = comparison[chosen].iloc[0]
    exact = scoringrules.crps_ensemble(math.log(values[2023]), np.log(paths[4]), estimator="nrg")
    assert row["crps"] == pytest.approx(float(exact), rel=1e-9)
    low, high = np.quantile(paths[4], [0.05, 0.95])
    assert bool(row["inside"]) is bool(low <= values[2023] <= high)
    assert row["error"] == pytest.approx(math.log(values[2023] / np.median(paths[4])))


def test_averages_of_scores(comparison: pd.DataFrame) -> None:
    """By series and horizon, and over all forecasts."""
    table: Any = scores(comparison)
    assert list(table.loc["all"].index) == list(FORECASTERS)
    counts = table["forecasts"].unstack(level=0).iloc[0]
    assert counts["all"] == counts["activity-ev-cars"] + counts["activity-wind-total"] == 36
    ets = comparison[comparison["forecaster"] == "ETS, damped trend"]
    row = table.loc[("all", "ETS, damped trend")]
    assert row["crps"] == pytest.approx(ets["crps"].mean())
    assert row["inside"] == pytest.approx(ets["inside"].mean())
    horizons = scores(comparison, "horizon")
    assert list(horizons.index.get_level_values(0).unique()) == [1, 2, 3, 4, 5, "all"]


def test_forecasters_are_what_they_are_called() -> None:
    """On a long even walk all but the damped trend agree on the median; the first fans widest."""
    walk = np.exp(np.cumsum(np.random.default_rng(7).normal(0.1, 0.2, 40)))
    drawn = {
        name: np.log(forecast(by_year(walk), name, draws=2_000, rng=np.random.default_rng(1))[4])
        for name in FORECASTERS
    }
    fit = fit_growth(by_year(walk))
    middle = math.log(walk[-1]) + 5.0 * fit.drift
    for name in [*list(FORECASTERS)[:2], "ARIMA(0,1,0), drift"]:
        assert float(np.median(drawn[name])) == pytest.approx(middle, abs=0.05)
    ours, plug_in = (drawn[name].std() for name in list(FORECASTERS)[:2])
    assert plug_in == pytest.approx(fit.sigma * math.sqrt(5.0), rel=0.05)
    assert ours > 1.03 * plug_in
    ml = math.sqrt(38.0 / 39.0)  # maximum likelihood divides by the number of increments
    assert drawn["ARIMA(0,1,0), drift"].std() == pytest.approx(ml * plug_in, rel=0.06)
    with pytest.raises(ReesupplyError, match="there is no forecaster 'ETS'; "):
        forecast(by_year(walk), "ETS", rng=np.random.default_rng(1))


# ----------------------------------------------------------------------------------- the table


def test_shipped_columns_are_those_of_the_fit() -> None:
    """Rewrite them by ``python -m reesupply.analysis.fit --write``."""
    table = growth_table()
    for row in open_csv("growth"):
        fitted = {name: str(table.loc[row["end_use"], name]) for name in FITTED}
        assert {name: row[name] for name in FITTED} == fitted, row["end_use"]


def test_the_table_by_hand() -> None:
    """Scaled to 17.5 and 0.8 million, 109 and 8 GW of 2024, under the median of the ceiling."""
    table = growth_table()
    cars, wind = usable_history("activity-ev-cars"), usable_history("activity-wind-total")
    by_hand = {
        "ev-cars": (cars, 1.0, 95.0),
        "ev-vans-trucks": (cars, 0.8 / 17.5, 15.0),
        "wind-onshore": (wind, 109.0 / 117.0, 500.0),
        "wind-offshore": (wind, 8.0 / 117.0, 150.0),
    }
    assert list(table.index) == list(by_hand)
    for use, (values, scale, ceiling) in by_hand.items():
        scaled = {year: scale * value for year, value in values.items()}
        exact = closed_form(scaled, ceiling)
        found = table.loc[use, ["drift", "drift_se", "sigma"]].astype(float)
        np.testing.assert_allclose(found, exact, rtol=1e-6)
    assert list(table["since"]) == [2025, 2025, 2025, 2025]  # wind of 2025 is a nowcast
    assert list(table["increments"]) == [9, 9, 14, 14]
    with pytest.raises(ReesupplyError, match="table growth: there is no row 'ev-car'; did you"):
        shipped_growth("ev-car")


def test_writing_the_table_changes_nothing(tmp_path: Path) -> None:
    """The shipped file, byte for byte."""
    path = write_growth(tmp_path / "growth.csv")
    assert path.read_bytes() == (files("reesupply") / "data" / "growth.csv").read_bytes()


def test_the_command_writes_only_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --write it prints."""
    monkeypatch.setattr("reesupply.analysis.fit.growth_rows.write_growth", lambda: "written")
    monkeypatch.setattr("reesupply.analysis.fit.report.text", lambda: "printed\n")
    for arguments, said in (([], "printed\n"), (["--write"], "written\n")):
        monkeypatch.setattr(sys, "argv", ["fit", *arguments])
        runpy.run_module("reesupply.analysis.fit", run_name="__main__")
        assert capsys.readouterr().out == said


def test_the_report_has_every_fit_and_every_forecaster() -> None:
    """And the cells of the table."""
    text = growth_text()
    for row in open_csv("growth"):
        assert f"{row['end_use']}: " in text
        assert row["volatility"] in text
    for name in FORECASTERS:
        assert text.count(f"  {name} ") == len(compared_series()) + 1
