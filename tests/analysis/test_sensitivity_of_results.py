"""Sensitivity of results: tables of known outputs, groups, weights, designs, bad arguments."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest

import reesupply as rs
from reesupply.analysis.drivers import group_shares, normal_scores, rank_correlations

DRAWS = 2048
#: The doors, whose tables are read cell by cell here.
moved: Any = rs.sensitivity
worth_of: Any = rs.value_of_information
RECYCLING, BASE_YEAR = "recycling", "what the base year was"
MANY = [row.end_use for row in rs.load_scenario("baseline").rows("lifetimes")][:12]
BY_GROUP = ["shapley", "first", "total", "total at most"]
BY_INPUT = [
    *("first", "total", "total at most", "pawn", "spearman", "partial"),
    *("low", "high", "swing"),
]


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run with what the tables need."""
    return rs.simulate(draws=DRAWS, rng=1, keep=("inputs", "balance", "claims", "demand"))


@pytest.fixture(scope="module")
def made(result: rs.Result) -> Any:
    """An output made of one input of two groups each, and what it is made of."""
    names = ("recycling.ev-cars.collection.china", "anchors.stock-change-2024.value")
    rows = [result.input_names.index(name) for name in names]
    scores = normal_scores(result.arrays["inputs"][rows])
    return names, 2.0 * scores[0] + scores[1]


def test_an_output_made_of_two_groups(result: rs.Result, made: Any) -> None:
    """Four fifths and one fifth come back, by group and by input, nothing is left."""
    names, output = made
    table = moved(result, output)
    assert list(table.index.names) == ["group", "measure"]
    shares = table["value"].unstack()
    for measure in ("first", "shapley", "total"):
        assert shares.loc[RECYCLING, measure] == pytest.approx(0.8, abs=0.02)
        assert shares.loc[BASE_YEAR, measure] == pytest.approx(0.2, abs=0.02)
    assert table.loc[("not explained", "shapley"), "value"] == pytest.approx(0.0, abs=1e-6)
    assert shares["shapley"].sum() == pytest.approx(1.0, abs=1e-9)
    inputs = moved(result, output, by="input")
    assert inputs.index.get_level_values("input")[0] == names[0]
    assert inputs.loc[(names[0], "first"), "value"] == pytest.approx(0.8, abs=0.03)
    assert inputs.loc[(names[1], "total"), "value"] == pytest.approx(0.2, abs=0.02)
    assert inputs.loc[(names[1], "swing"), "value"] > 2.0
    assert inputs.loc[(names[0], "first"), "group"] == RECYCLING


def test_tables_are_tidy(result: rs.Result) -> None:
    """One row for each name and measure, an interval around each value, most important first."""
    groups = moved(result, "balance", year=2035)
    inputs = moved(result, "balance", year=2035, by="input")
    assert list(groups.columns) == ["value", "low", "high"]
    assert list(inputs.columns) == ["value", "low", "high", "group"]
    assert list(groups.index.get_level_values(1)[:4]) == BY_GROUP
    assert set(inputs.index.get_level_values(1)) == set(BY_INPUT)
    assert groups.index.is_unique
    assert inputs.index.is_unique
    assert set(inputs.index.get_level_values(0)) == {*result.input_names, "dummy"}
    assert groups["value"].xs("shapley", level=1).iloc[:-1].is_monotonic_decreasing
    assert inputs["value"].xs("first", level=1).is_monotonic_decreasing
    known = inputs.dropna()
    assert (known["low"] <= known["value"]).all()
    assert (known["value"] <= known["high"]).all()
    assert groups.attrs["of"] == "balance 2035 Dy+Tb"
    assert groups.attrs["draws"] == groups.attrs["effective draws"] == DRAWS
    assert 0.8 < groups.attrs["R2 adjusted"] < 1.0
    assert groups.attrs["R2 out of sample"] < groups.attrs["R2 adjusted"]
    # named factors act through their inputs
    factor = inputs.loc["factors.thrifting-change"]
    assert "total" not in factor.index
    assert (factor["group"] == "named factor").all()
    assert inputs.loc[("dummy", "first"), "value"] < 0.03


def test_it_agrees_with_the_drivers_of_a_reproduction(result: rs.Result) -> None:
    """One output, one set of inputs: correlations are the same, shares of lines are near."""
    output = result.values("balance", year=2035, element="Dy+Tb")
    own = moved(result, "balance", by="input", resamples=0)["value"].xs("spearman", level=1)
    known = rank_correlations(result, output)["correlation"]
    np.testing.assert_allclose(own[known.index], known, atol=1e-9)
    first = moved(result, "balance", resamples=0)["value"].xs("first", level=1)
    lines = group_shares(result, output)["share"]
    np.testing.assert_allclose(first[lines.index], lines, atol=0.03)


@pytest.mark.parametrize(
    ("of", "where"),
    [
        ("balance", {}),
        ("balance", {"year": 2030, "element": "Tb"}),
        ("demand", {"bloc": "china"}),
        ("cru-deficit-2035.annual", {}),
    ],
)
def test_outputs_by_name(result: rs.Result, of: str, where: dict[str, Any]) -> None:
    """A name and its labels are the draws that `values` gives, by default of the last year."""
    usual: dict[str, Any] = {} if "." in of else {"year": 2035, "element": "Dy+Tb"}
    draws = result.values(of, **{**usual, **where})
    by_name = moved(result, of, **where, resamples=0)
    pd.testing.assert_frame_equal(by_name, moved(result, draws, resamples=0))


def test_groups_of_ones_own(result: rs.Result, made: Any) -> None:
    """Patterns name groups, the first that matches counts, and the rest is other."""
    patterns = {r"recycling\.ev-cars": "cars", r"recycling\.": "recycling", "anchors": "base"}
    table = moved(result, made[1], groups=patterns)
    assert set(table.index.get_level_values(0)) == {
        *("cars", "recycling", "base", "other", "not explained")
    }
    # a factor of collection lets the others share what cars alone would explain
    shares = table["value"].unstack()
    assert shares.loc["cars", "first"] == pytest.approx(0.8, abs=0.02)
    assert shares.loc["recycling", "total"] == pytest.approx(0.0, abs=0.01)
    assert shares["shapley"][["cars", "recycling"]].sum() == pytest.approx(0.8, abs=0.02)


def test_weights_count(result: rs.Result, made: Any) -> None:
    """Equal weights change nothing; draws without weight do not count."""
    equal, half = copy.copy(result), copy.copy(result)
    equal.weights = np.full(DRAWS, 1.0 / DRAWS)
    first = np.arange(DRAWS) % 2 == 0
    half.weights = first / first.sum()
    plain = moved(result, made[1])
    np.testing.assert_allclose(moved(equal, made[1]), plain, atol=1e-9)
    noise = np.random.default_rng(1).standard_normal(DRAWS)
    found = moved(half, np.where(first, made[1], 50.0 * noise))
    assert found.attrs["effective draws"] == pytest.approx(DRAWS / 2)
    assert found.loc[(RECYCLING, "shapley"), "value"] == pytest.approx(0.8, abs=0.03)
    worth = worth_of(half, np.where(first, made[1], 50.0 * noise), above=0.0)
    assert worth.loc["everything", "value"] == pytest.approx(5**0.5 * 0.39894, rel=0.05)


def test_designs_are_resampled_by_their_independent_parts() -> None:
    """Hypercubes know a mean far better than independent draws do, and the interval says so."""
    width = {}
    for design in ("random", "lhs"):
        run = rs.simulate(
            draws=16_384, rng=3, design=design, keep=("inputs.lifetimes.elevators.mean",)
        )
        table = worth_of(
            run, normal_scores(run.arrays["inputs"])[0], above=0.1, by="input", resamples=100
        )
        width[design] = float(table.loc["everything", "high"] - table.loc["everything", "low"])
    assert 0.0 < width["lhs"] < 0.3 * width["random"]


def test_one_scrambling_has_no_interval() -> None:
    """A Sobol run of one lane is one block, of which there is no scatter."""
    run = rs.simulate(draws=1024, rng=3, design="sobol", keep=("inputs.lifetimes.elevators.mean",))
    table = worth_of(run, run.arrays["inputs"][0], above=20.0, by="input")
    assert table["value"].notna().all()
    assert table["low"].isna().all()


def test_value_of_information(result: rs.Result, made: Any) -> None:
    """Of a known output; above and below are mirror images; nothing is worth more than all."""
    names, output = made
    above = worth_of(result, output, above=0.0)
    assert above.index[0] == "everything"
    assert above["value"].is_monotonic_decreasing
    assert above.loc["everything", "value"] == pytest.approx(5**0.5 * 0.39894, rel=0.05)
    assert above.loc[RECYCLING, "value"] == pytest.approx(2.0 * 0.39894, rel=0.07)
    assert above.loc[BASE_YEAR, "value"] == pytest.approx(1.0 * 0.39894, rel=0.15)
    np.testing.assert_allclose(above["share"], above["value"] / above["value"].iloc[0])
    below = worth_of(result, -output, below=0.0)
    np.testing.assert_allclose(below.loc[above.index, "value"], above["value"], atol=0.02)
    inputs = worth_of(result, output, above=0.0, by="input")
    assert inputs.index[1] == names[0]
    assert inputs.loc["dummy", "value"] < 0.03
    # a coin is called wrong every other time, and with an input known where signs differ
    calls = worth_of(result, output, above=0.0, loss="call")
    assert calls.loc["everything", "value"] == pytest.approx(0.5, abs=0.03)
    right = 0.5 - np.arccos(0.8**0.5) / np.pi
    assert calls.loc[RECYCLING, "value"] == pytest.approx(right, abs=0.04)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "groups"}, "did you mean 'group'"),
        ({"of": "balanse"}, "did you mean 'balance'"),
        ({"of": np.zeros(3)}, r"shape \(3,\), allowed is \(2048,\)"),
        ({"year": 2050}, "2050"),
        ({"resamples": -1}, "resamples: found -1"),
        ({"seed": 1.5}, "seed: found 1.5"),
        ({"groups": {"(": "x"}}, "regular expression"),
        ({"groups": {rf"lifetimes\.{end}": end for end in MANY}}, "at most 10"),
        ({"of": "project.output"}, "were not kept"),
    ],
)
def test_bad_arguments(result: rs.Result, options: dict[str, Any], message: str) -> None:
    """One sentence: where, what was found, what is allowed."""
    with pytest.raises(rs.ReesupplyError, match=message):
        moved(result, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give one threshold"),
        ({"above": 1.0, "below": 0.0}, "give one threshold"),
        ({"above": 1.0, "loss": "ton"}, "loss: found 'ton'"),
        ({"above": 1.0, "loss": "call", "false_alarm": 0.0}, "false_alarm: found 0.0"),
    ],
)
def test_bad_decisions(result: rs.Result, options: dict[str, Any], message: str) -> None:
    """A decision has one threshold and a known loss."""
    with pytest.raises(rs.ReesupplyError, match=message):
        worth_of(result, **options)


def test_inputs_that_were_not_kept() -> None:
    """Without the draws of the inputs there is one sentence that says so."""
    run = rs.simulate(draws=64, rng=1, keep=("balance",))
    with pytest.raises(rs.ReesupplyError, match="inputs were not kept"):
        moved(run)
    with pytest.raises(rs.ReesupplyError, match="inputs were not kept"):
        worth_of(run, below=0.0)


@pytest.mark.parametrize("draws", [8, 64, 512])
def test_too_few_draws_for_so_many_inputs(draws: int) -> None:
    """The fit has no more inputs than draws allow, and shares stay within sense or are none."""
    run = rs.simulate(draws=draws, rng=1)
    table = moved(run)
    assert table.attrs["inputs of the emulator"] <= draws / 4
    known = table["value"].dropna()
    assert known.between(-0.6, 1.6).all()
    partial = moved(run, by="input", resamples=0)["value"].xs("partial", level=1)
    assert partial.isna().all()


def test_weights_that_leave_few_draws(result: rs.Result) -> None:
    """A strong tilt is worth few draws: the fit shrinks to them instead of inventing shares."""
    tilted = copy.copy(result)
    deficit = -result.values("balance", year=2035, element="Dy+Tb")
    raw = np.exp(deficit / deficit.std())
    tilted.weights = raw / raw.sum()
    table = moved(tilted)
    assert table.attrs["effective draws"] < DRAWS / 4
    assert table.attrs["inputs of the emulator"] <= DRAWS / 16
    assert table["value"].between(-0.25, 1.25).all()
