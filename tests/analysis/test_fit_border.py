"""Myanmar's border as a two-state process: the record, the posteriors, and what was judged."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import beta as scipy_beta

from reesupply.analysis.fit import BorderFit, border_record, fit_border
from reesupply.analysis.fit.border import border_sensitivity, border_within_years
from reesupply.distributions import Beta, parse, pert
from reesupply.errors import ReesupplyError
from reesupply.models.captive import two_state
from reesupply.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

WRONG: Any = "same-sources"
FLOOR = 311.0 * 12.0 / 41_700.0


def history() -> pd.DataFrame:
    """Return the shipped table."""
    with (files("reesupply") / "data" / "history.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype={"period": str})


def years_of(ratios: npt.ArrayLike, first: int = 2018) -> pd.DataFrame:
    """Return a record with these ratios."""
    values = np.asarray(ratios, dtype=np.float64)
    return pd.DataFrame({"ratio": values}, index=first + np.arange(values.size))


def chain(shocks: FloatArray, shuts: float, stays: float, ratio: float = 0.4) -> BorderFit:
    """Fit a border simulated by the model of the engine, after a first open year."""
    shut = two_state(shocks[:, np.newaxis], shuts, stays)[:, 0]
    ratios = np.concatenate([[1.0], np.where(shut > 0.0, ratio, 1.0)])
    return fit_border(years_of(ratios), floor=FLOOR)


# ------------------------------------------------------------------------------------- the record


def test_the_record_by_hand() -> None:
    """
    Like with like: customs of 2019, 2020 and 2023 to 2025 over the highest of customs so far, USGS
    of 2018, 2021 and 2022 over 30,000 t, its figure for 2020 (100,000 less 70,000).
    """
    record = border_record()
    output = [19_000, 28_900, 35_539, 26_000, 12_000, 41_700, 35_000, 34_000]
    level = [19_000, 28_900, 35_539, 30_000, 30_000, 41_700, 41_700, 41_700]
    assert list(record.index) == list(range(2018, 2026))
    assert list(record["output"]) == output
    assert list(record["level"]) == level
    assert list(record["source"]) == ["usgs", *["customs"] * 2, *["usgs"] * 2, *["customs"] * 3]
    np.testing.assert_allclose(record["ratio"], np.divide(output, level), rtol=1e-14)
    assert list(record.index[record["state"] == "shut"]) == [2022]


def test_the_level_over_all_sources_calls_2021_shut() -> None:
    """26,000 t of USGS over 35,539 t of customs are 0.73, over 30,000 t of its own 0.87."""
    record = border_record(level="any-source")
    np.testing.assert_allclose(record["level"].loc[2020:2022], 35_539.0)
    assert list(record.index[record["state"] == "shut"]) == [2021, 2022]
    assert (
        list(border_record(threshold=0.4).index[border_record(threshold=0.4)["state"] == "shut"])
        == []
    )


def test_no_ratio_is_above_one_and_a_first_figure_is_the_level() -> None:
    """A running maximum holds the year itself."""
    for level in ("same-source", "any-source"):
        record = border_record(level=level)
        assert (record["ratio"] <= 1.0).all()
        assert record["ratio"].loc[2018] == record["ratio"].loc[2019] == 1.0


def test_parts_of_years() -> None:
    """
    35,000 less 31,000 t came in the last quarter of 2024, 38 % of a quarter of 41,700 t; with the
    nine months of 2025 twelve months stay below the threshold that neither calendar year crosses.
    """
    parts = border_within_years()
    assert parts["ratio"].loc["October to December 2024"] == pytest.approx(4_000.0 / 10_425.0)
    assert parts["ratio"].loc["February 2025"] == pytest.approx(FLOOR)
    assert parts["ratio"].loc["October 2024 to September 2025"] == pytest.approx(
        29_550.0 / 41_700.0
    )
    assert parts["ratio"].loc["October 2024 to September 2025"] < 0.75
    assert (border_record()["ratio"].loc[2024:2025] > 0.75).all()
    assert parts["output"].loc["January to April 2025"] == pytest.approx(21_925.6 - 9_076.4)
    nine = parts["output"].filter(like="January to September")
    assert nine.iloc[1] / nine.iloc[0] == pytest.approx(1.0 - 0.18, abs=0.005)


def test_a_year_without_a_figure_is_an_error() -> None:
    """The record is a chain of steps: no year may be missing."""
    table = history()
    cut = table[~((table["series"] == "myanmar-treo-usgs") & (table["period"] == "2022"))]
    with pytest.raises(ReesupplyError, match="no output of Myanmar is given for 2022"):
        border_record(cut)


# ---------------------------------------------------------------------------------- the posteriors


def test_steps_and_posteriors_by_hand() -> None:
    """
    Open, open, open, open, shut, open, open, open: six steps begin open and one of them shuts, one
    begins shut and does not stay. Jeffreys: Beta(1.5, 5.5) and Beta(0.5, 1.5), means 3/14 and 1/4.
    """
    fit = fit_border()
    assert fit.steps == (6, 1, 1, 0)
    assert fit.shuts == Beta(1.5, 5.5)
    assert fit.stays_shut == Beta(0.5, 1.5)
    assert fit.shuts.mean == pytest.approx(3.0 / 14.0, rel=1e-14)
    assert fit.stays_shut.mean == pytest.approx(0.25, rel=1e-14)
    assert fit.floor == pytest.approx(FLOOR)


@pytest.mark.parametrize(
    ("states", "steps"),
    [
        ("oooo", (3, 0, 0, 0)),
        ("osss", (1, 1, 2, 2)),
        ("soso", (1, 1, 2, 0)),
        ("ossosso", (2, 2, 4, 2)),
        ("o", (0, 0, 0, 0)),
    ],
)
def test_steps_of_other_records(states: str, steps: tuple[int, int, int, int]) -> None:
    """The posterior mean is (k + 1/2) / (n + 1): the first year counts as no step."""
    fit = fit_border(years_of([0.5 if state == "s" else 1.0 for state in states]))
    from_open, shut, from_shut, stayed = steps
    assert fit.steps == steps
    assert fit.shuts.mean == pytest.approx((shut + 0.5) / (from_open + 1.0), rel=1e-14)
    assert fit.stays_shut.mean == pytest.approx((stayed + 0.5) / (from_shut + 1.0), rel=1e-14)


def test_the_ratio_of_the_next_shut_year_against_quadrature() -> None:
    """Mean and variance of the PERT whose mode is uniform before the ratio 0.4 has been seen."""
    fit = fit_border()
    x = (0.4 - FLOOR) / (0.75 - FLOOR)

    def moment(power: int) -> float:
        def of_mode(m: float) -> float:
            shape = scipy_beta(1.0 + 4.0 * m, 5.0 - 4.0 * m)
            return float(shape.pdf(x) * (shape.moment(power) if power else 1.0))

        return float(quad(of_mode, 0.0, 1.0)[0])

    mean, square = (moment(k) / moment(0) for k in (1, 2))
    width = 0.75 - FLOOR
    assert fit.shut_ratio[0] == pytest.approx(FLOOR + width * mean, rel=1e-6)
    assert fit.shut_ratio[1] == pytest.approx(width * math.sqrt(square - mean**2), rel=1e-6)


def test_without_a_shut_year_the_prior_speaks() -> None:
    """Mode uniform: x has mean 1/2 and variance 1/28 - var/7 + var, var = (4/6)^2 / 12 = 1/27."""
    fit = fit_border(years_of([1.0, 1.0]))
    width, var = 0.75 - FLOOR, 1.0 / 27.0
    assert fit.shut_ratio[0] == pytest.approx(FLOOR + 0.5 * width, rel=1e-6)
    assert fit.shut_ratio[1] == pytest.approx(width * math.sqrt((0.25 - var) / 7.0 + var), rel=1e-6)


def test_the_cell_has_the_moments_of_the_fit() -> None:
    """
    Share of an open year: ratio of a shut year over 0.932, the mean of the open ones; to three
    digits of the shapes. About 2 % of it lie outside the bounds.
    """
    fit = fit_border()
    record = border_record()
    is_open = record["state"] == "open"
    assert fit.open_ratio == pytest.approx(record["ratio"][is_open].mean(), rel=1e-14)
    mean, sd = (value / fit.open_ratio for value in fit.shut_ratio)
    a, b = fit.remaining.a, fit.remaining.b
    assert a / (a + b) == pytest.approx(mean, rel=2e-3)
    assert math.sqrt(a * b / (a + b + 1.0)) / (a + b) == pytest.approx(sd, rel=2e-3)
    low, high = fit.remaining.cdf([FLOOR / fit.open_ratio, 0.75 / fit.open_ratio])
    assert 0.0 < low < 0.02
    assert 0.0 < 1.0 - high < 0.02


# ---------------------------------------------------------------------------------------- recovery


@pytest.mark.parametrize(("shuts", "stays"), [(0.15, 0.3), (0.3, 0.6), (0.5, 0.1)])
def test_a_long_chain_gives_its_parameters_back(shuts: float, stays: float) -> None:
    """Within three posterior standard deviations after 4,000 years."""
    fit = chain(np.random.default_rng(2035).random(4_000), shuts, stays)
    for shape, true in ((fit.shuts, shuts), (fit.stays_shut, stays)):
        sd = math.sqrt(shape.mean * (1.0 - shape.mean) / (shape.a + shape.b + 1.0))
        assert abs(shape.mean - true) < 3.0 * sd
    p, q = fit.shuts.mean, fit.stays_shut.mean
    assert fit.long_run[0] == pytest.approx(p / (1.0 + p - q), rel=2e-3)
    assert fit.long_run[1] == pytest.approx(fit.long_run[0] * (1.0 - fit.remaining.mean))


def test_short_records_cover_what_they_were_drawn_from() -> None:
    """
    Chances drawn from the prior, eight years each: the 90 % interval holds the chance in 90 % of
    600 records, within three standard errors, though a record has but a few steps.
    """
    rng, n = np.random.default_rng(8), 600
    inside = np.zeros((n, 2))
    for i, true in enumerate(rng.beta(0.5, 0.5, (n, 2))):
        fit = chain(rng.random(7), float(true[0]), float(true[1]))
        for j, shape in enumerate((fit.shuts, fit.stays_shut)):
            inside[i, j] = shape.ppf(0.05) <= true[j] <= shape.ppf(0.95)
    error = math.sqrt(0.9 * 0.1 / n)
    assert (np.abs(inside.mean(axis=0) - 0.9) < 3.0 * error).all()


def test_many_shut_years_give_their_ratio_back() -> None:
    """2,000 ratios of a PERT: its mean and standard deviation, within three standard errors."""
    shape, n = pert(FLOOR, 0.5, 0.75), 2_000
    ratios = shape.ppf(np.random.default_rng(1).random(n))
    fit = fit_border(years_of(np.concatenate([[1.0], ratios])))
    mean = shape.mean
    sd = math.sqrt((mean - FLOOR) * (0.75 - mean) / 7.0)
    assert abs(fit.shut_ratio[0] - mean) < 3.0 * sd / math.sqrt(n)
    assert fit.shut_ratio[1] == pytest.approx(sd, rel=0.02)


# ---------------------------------------------------------------------------- what the reader gets


def test_the_cells_parse_and_are_a_scenario() -> None:
    """The text is that of the distributions, and a scenario takes it."""
    fit = fit_border()
    cells = fit.proposed()
    assert cells == {"shuts": "beta(1.5, 5.5)", "stays_shut": "beta(0.5, 1.5)"} | {
        "remaining": str(fit.remaining)
    }
    for name, text in cells.items():
        assert parse(text) == getattr(fit, name)
    changes = {f"disruptions.myanmar-border.{name}": text for name, text in cells.items()}
    row = load_scenario().replace(changes).rows("disruptions")[0]
    assert {name: str(getattr(row, name)) for name in cells} == cells


def test_the_summary_has_the_figures() -> None:
    """Means and 90 % intervals of the posteriors, and how much there was to count."""
    fit = fit_border()
    table = fit.summary()
    assert table["data"].loc["shuts"] == "1 of 6 steps from open"
    assert table["data"].loc["stays_shut"] == "0 of 1 steps from shut"
    assert table["data"].loc["remaining"] == "shut 0.40; open 0.932 on average"
    for name in ("shuts", "stays_shut", "remaining"):
        shape = getattr(fit, name)
        assert table["mean"].loc[name] == pytest.approx(shape.mean)
        assert shape.cdf(table["P5"].loc[name]) == pytest.approx(0.05)
        assert shape.cdf(table["P95"].loc[name]) == pytest.approx(0.95)
    assert "none" in fit_border(years_of([1.0, 1.0])).summary()["data"].loc["remaining"]
    assert str(fit.remaining) in repr(fit)


def test_years_shut_against_simulation() -> None:
    """Mean of p / (1 + p - q) over 200,000 draws of both chances, three standard errors."""
    fit, n = fit_border(), 200_000
    rng = np.random.default_rng(5)
    p, q = rng.beta(1.5, 5.5, n), rng.beta(0.5, 1.5, n)
    share = p / (1.0 + p - q)
    assert abs(fit.long_run[0] - share.mean()) < 3.0 * share.std() / math.sqrt(n) + 1e-4


def test_what_the_threshold_and_the_level_decide() -> None:
    """
    One shut year as long as the threshold lies between 0.40 and 0.82 of the same source; the chain
    depends on it strongly, the output lost in the long run (10 to 20 %) does not.
    """
    table = border_sensitivity()
    own = table.xs("same-source", level="level")
    assert list(own["shut_years"].loc[[0.45, 0.65, 0.75]]) == ["2022"] * 3
    assert own["shut_years"].loc[0.82] == "2022 2025"
    assert own["shut_years"].loc[0.9] == "2021 2022 2024 2025"
    assert table.loc[("any-source", 0.75), "shut_years"] == "2021 2022"
    assert table.loc[("any-source", 0.75), "stays_shut"] == pytest.approx(0.5)
    default = fit_border().summary()["mean"]
    np.testing.assert_allclose(
        table.loc[("same-source", 0.75), list(default.index)].astype(float), default, rtol=1e-12
    )
    assert table["shuts"].max() > 2.0 * table["shuts"].min()
    assert table["lost"].between(0.10, 0.20).all()


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: border_record(level=WRONG), "there is no level 'same-sources'; did you mean"),
        (lambda: fit_border(threshold=0.0), "threshold must lie above 0"),
        (lambda: fit_border(threshold=1.1), "threshold must lie above 0"),
        (lambda: fit_border(threshold=math.nan), "threshold must lie above 0"),
        (lambda: fit_border(threshold=0.05), "floor must lie from 0 to below"),
        (lambda: fit_border(floor=-0.1), "floor must lie from 0 to below"),
        (lambda: fit_border(floor=math.nan), "floor must lie from 0 to below"),
        (lambda: fit_border(pd.DataFrame({"share": [1.0]})), "there is no column ratio"),
        (lambda: fit_border(years_of([1.0, 0.5]).set_axis([2018, 2020])), "consecutive years"),
        (lambda: fit_border(years_of([1.0, 0.05])), "ratio of 2019 must be above the floor"),
        (lambda: fit_border(years_of([math.nan, 1.0])), "ratio of 2018 must be above the floor"),
        (lambda: fit_border(years_of([0.5, 0.6])), "no year reaches the threshold"),
        (lambda: fit_border(years_of([])), "no year reaches the threshold"),
    ],
)
def test_impossible_requests_say_why(call: Callable[[], object], words: str) -> None:
    """One sentence each."""
    with pytest.raises(ReesupplyError, match=words):
        call()


def test_the_shipped_process_is_the_output_of_the_fit() -> None:
    """The cells of the table disruptions are what the record and its prior give."""
    row = load_scenario().rows("disruptions")[0]

    for column, text in fit_border().proposed().items():
        assert getattr(row, str(column)) == parse(str(text)), column
