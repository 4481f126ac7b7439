"""Which inputs move the answer: known answers come back, and no input is forgotten."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import norm, rankdata, spearmanr

import reesupply as rs
from reesupply.analysis.drivers import (
    CAPTIVE,
    GROUPS,
    OUTSIDE,
    group_of,
    group_shares,
    normal_scores,
    rank_correlations,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DRAWS = 2048
RECYCLING = "recycling"
BASE_YEAR = "what the base year was"


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that kept its inputs only."""
    return rs.simulate(draws=DRAWS, rng=1, keep=("inputs",))


def noise(seed: int = 0) -> FloatArray:
    """Normal numbers that no input knows."""
    return np.random.default_rng(seed).standard_normal(DRAWS)


def scores_of(result: rs.Result, group: str) -> FloatArray:
    """Normal scores of the inputs of a group, shape (input, draw)."""
    at = [row for row, name in enumerate(result.input_names) if group_of(name) == group]
    return normal_scores(result.arrays["inputs"][at])


def weigh(result: rs.Result, counts: npt.NDArray[np.int_]) -> rs.Result:
    """The same draws, weighted by whole numbers."""
    other = copy.copy(result)
    other.weights = counts / counts.sum()
    return other


# --------------------------------------------------------------------------------- groups


@pytest.mark.parametrize("name", rs.list_scenarios())
def test_every_input_has_a_group(name: str) -> None:
    """An input of a shipped scenario is a named factor or belongs to a group."""
    for each in rs.compile(name).inputs.names:
        assert group_of(each) or each.startswith("factors."), f"{each} belongs to no group"
        assert not (group_of(each) and each.startswith("factors.")), each


def test_every_group_has_inputs() -> None:
    """A pattern that matches nothing has lost its inputs to a new name."""
    found = {group_of(name) for name in rs.compile().inputs.names}
    assert set(GROUPS.values()) <= found


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("anchors.survey-is-ore-only.value", BASE_YEAR),
        ("anchors.captive-growth.value", CAPTIVE),
        ("disruptions.myanmar-border.shock.2030", CAPTIVE),
        ("projects.china-quota-mines.heavy", CAPTIVE),
        ("projects.browns-range.outcome", "mines and plants outside China"),
        ("trajectories.ev-cars.activity.world.change", "volumes of goods"),
        ("growth.activity-ev-cars.shock.2030", "volumes of goods"),
        ("trajectories.wind-onshore.magnet_mass_semi.world.change", "magnets per good"),
        ("lifetimes.elevators.mean", RECYCLING),
        ("trajectories.ev-cars.dy_fraction.world", "Dy and Tb per magnet"),
        ("anchors.eol-china-2024.value", RECYCLING),
        ("factors.thrifting-change", ""),
        ("something.else", ""),
    ],
)
def test_group_of(name: str, group: str) -> None:
    """Names with a known group; what China controls is not outside China."""
    assert group_of(name, frozenset({"projects.china-quota-mines"})) == group


def test_an_outage_belongs_to_the_bloc_of_its_project() -> None:
    """When a Chinese supplier is shut is Chinese supply, as is the supplier itself."""
    shut = {"kind": "outage", "start": "uniform(2027, 2030)", "years": 1, "probability": 0.5}
    scenario = rs.load_scenario().replace(
        {
            f"events.{name}-shut": {**shut, "target": f"projects.{name}", "source": "assumption"}
            for name in ("myanmar-kachin", "browns-range")
        }
    )
    result = rs.simulate(scenario, draws=64, rng=1, keep=("inputs",))

    groups = rank_correlations(result, noise()[:64])["group"]

    assert groups["events.myanmar-kachin-shut.start"] == CAPTIVE
    assert groups["events.browns-range-shut.start"] == OUTSIDE


def test_projects_of_the_chinese_bloc_are_not_outside_china(result: rs.Result) -> None:
    """The shares of captive supply are counted with it, whatever table they stand in."""
    rows = {row.id: row for row in result.plan.scenario.rows("projects")}
    groups = rank_correlations(result, noise())["group"]
    for name in result.input_names:
        if name.startswith("projects."):
            inside = rows[name.split(".")[1]].bloc == "china"
            assert (groups[name] == CAPTIVE) == inside, name


# --------------------------------------------------------------------------------- shares


@pytest.mark.parametrize("group", [RECYCLING, BASE_YEAR, "magnets per good"])
def test_a_linear_function_of_one_group(result: rs.Result, group: str) -> None:
    """An output made of one group's inputs is that group's, and hardly anyone else's."""
    scores = scores_of(result, group)
    output = np.linspace(1.0, 2.0, len(scores)) @ scores
    shares = group_shares(result, output)["share"]
    assert shares.index[0] == group
    assert shares[group] == pytest.approx(1.0, abs=1e-9)
    # groups that share a named factor share a little; independent ones have noise only
    assert (shares.drop(group) < 0.06).all()


def test_half_of_it_noise(result: rs.Result) -> None:
    """Where noise is as large as the group's part, the group explains a half."""
    signal = scores_of(result, RECYCLING)[0]
    shares = group_shares(result, signal / signal.std() + noise())["share"]
    assert shares[RECYCLING] == pytest.approx(0.5, abs=0.03)


def test_noise_is_nobodys(result: rs.Result) -> None:
    """A share is adjusted for the number of inputs: noise is explained by none."""
    shares = group_shares(result, noise(3))["share"]
    assert (shares >= 0.0).all()
    assert (shares < 0.03).all()


def test_a_monotone_function_is_found_by_its_ranks(result: rs.Result) -> None:
    """The scores do not care for units: the regression sees ranks of inputs, not values."""
    row = result.input_names.index("anchors.stock-change-2024.value")
    output = normal_scores(result.arrays["inputs"][row])
    skewed = copy.copy(result)
    skewed.arrays = {"inputs": result.arrays["inputs"].copy()}
    skewed.arrays["inputs"][row] = np.exp(skewed.arrays["inputs"][row] / 100.0)
    assert group_shares(skewed, output)["share"][BASE_YEAR] == pytest.approx(1.0, abs=1e-9)


def test_counts_of_inputs(result: rs.Result) -> None:
    """Every input that is no factor is counted once."""
    counted = group_shares(result, noise())["inputs"].sum()
    assert counted == sum(not name.startswith("factors.") for name in result.input_names)


def test_a_constant_output_has_no_driver(result: rs.Result) -> None:
    """Nothing moves what does not move; no division by zero."""
    assert (group_shares(result, np.full(DRAWS, 7.0))["share"] == 0.0).all()
    assert (rank_correlations(result, np.full(DRAWS, 7.0))["correlation"] == 0.0).all()


@pytest.mark.parametrize("draws", [1, 2, 10, 100])
def test_few_draws(draws: int) -> None:
    """With fewer draws than inputs a share is not a number, rather than an invention."""
    result = rs.simulate(draws=draws, rng=1, keep=("inputs",))
    shares = group_shares(result, noise()[:draws])
    known = shares["share"].dropna()
    assert ((known >= 0.0) & (known <= 1.0)).all()
    assert (shares.loc[shares["inputs"] > draws + 10, "share"].isna()).all()
    assert np.isfinite(rank_correlations(result, noise()[:draws])["correlation"]).all()


def test_equal_weights_change_nothing(result: rs.Result) -> None:
    """Uniform weights are no weights."""
    output = scores_of(result, RECYCLING)[0] + noise()
    equal = weigh(result, np.ones(DRAWS, dtype=np.int_))
    plain, weighted = group_shares(result, output), group_shares(equal, output)
    np.testing.assert_allclose(weighted["share"], plain["share"], atol=1e-9)
    plain, weighted = rank_correlations(result, output), rank_correlations(equal, output)
    np.testing.assert_allclose(weighted["correlation"], plain["correlation"], atol=1e-9)


def test_draws_without_weight_do_not_count(result: rs.Result) -> None:
    """An output that follows a group only where the weight is zero is not explained by it."""
    signal = scores_of(result, BASE_YEAR)[-1]
    first = np.arange(DRAWS) < DRAWS // 2
    output = np.where(first, signal, noise(4))
    by_first = group_shares(weigh(result, first.astype(np.int_)), output)["share"]
    by_last = group_shares(weigh(result, (~first).astype(np.int_)), output)["share"]
    assert by_first[BASE_YEAR] == pytest.approx(1.0, abs=1e-6)
    assert by_last[BASE_YEAR] < 0.03


# --------------------------------------------------------------------- correlations and ranks


def test_correlations_are_those_of_scipy(result: rs.Result) -> None:
    """Spearman's coefficient of every input, ties included, with scipy as the judge."""
    output = np.round(scores_of(result, RECYCLING)[2] + noise(), 1)  # ties in the output too
    found = rank_correlations(result, output)
    assert sorted(found.index) == sorted(result.input_names)
    for row, name in enumerate(result.input_names):
        expected = spearmanr(result.arrays["inputs"][row], output).statistic
        assert found.loc[name, "correlation"] == pytest.approx(expected, abs=1e-12), name
    size = found["correlation"].abs()
    assert (size.to_numpy()[:-1] >= size.to_numpy()[1:]).all(), "strongest first"
    assert (found.loc[found.index.str.startswith("factors."), "group"] == "named factor").all()


def test_weighted_correlations_are_those_of_repeated_draws(result: rs.Result) -> None:
    """A draw of weight 3 counts as three equal draws."""
    output = scores_of(result, RECYCLING)[2] + noise()
    counts = np.random.default_rng(8).integers(0, 4, DRAWS)
    found = rank_correlations(weigh(result, counts), output)["correlation"]
    for row in (0, 100, -1):
        draws = np.repeat(result.arrays["inputs"][row], counts)
        expected = spearmanr(draws, np.repeat(output, counts)).statistic
        assert found[result.input_names[row]] == pytest.approx(expected, abs=1e-9)


def test_normal_scores() -> None:
    """Scores are normal quantiles of mid-ranks: symmetric, finite, equal for ties."""
    x = np.array([[3.0, 1.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0]])
    scores = normal_scores(x)
    expected = norm.ppf((rankdata(x, axis=-1) - 0.5) / 4.0)
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    assert scores[0, 2] == scores[0, 3]
    np.testing.assert_allclose(scores[1], 0.0, atol=1e-12)
    many = normal_scores(noise())
    assert np.isfinite(many).all()
    assert many.mean() == pytest.approx(0.0, abs=1e-12)
    assert many.std() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("table", [group_shares, rank_correlations])
def test_inputs_that_were_not_kept(table: object) -> None:
    """Without the draws of the inputs there is one sentence that says so."""
    assert callable(table)
    result = rs.simulate(draws=16, rng=1, keep=())
    with pytest.raises(rs.ReesupplyError, match="inputs were not kept"):
        table(result, np.zeros(16))
