"""What changes the sign: each row is the deficit in its part of the draws."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.analysis.switches import switches

SCOPE = "scope of the 2024 survey"
COURSE = "course of Chinese and captive supply"


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run of the baseline with all that is kept by default."""
    return rs.simulate(draws=2048, rng=1)


@pytest.fixture(scope="module")
def table(result: rs.Result) -> Any:
    """Its table."""
    return switches(result)


def deficit_of(result: rs.Result) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Deficit of the last year in each draw."""
    return -result.values("balance", year=2035, element="Dy+Tb").reshape(result.draws)


def test_all_draws(result: rs.Result, table: Any) -> None:
    """The first row is the whole run."""
    row, deficit = table.iloc[0], deficit_of(result)
    assert table.index[0] == ("all draws", "")
    assert row["share"] == 1.0
    np.testing.assert_allclose(row[["P5", "P50", "P95"]], np.quantile(deficit, [0.05, 0.5, 0.95]))
    assert row["P(deficit)"] == pytest.approx((deficit > 0.0).mean())


@pytest.mark.parametrize("what", [SCOPE, COURSE])
def test_shares_of_exclusive_cases_sum_to_one(table: Any, what: str) -> None:
    """Each draw is in one case, and the chances of a deficit average to that of the whole."""
    cases = table.loc[what]
    assert cases["share"].sum() == pytest.approx(1.0, abs=1e-12)
    whole = table.iloc[0]["P(deficit)"]
    assert cases["share"] @ cases["P(deficit)"] == pytest.approx(whole, abs=1e-12)


def test_fifths(table: Any) -> None:
    """The lowest and the highest fifth are a fifth of the draws each."""
    fifths = table[table.index.get_level_values("case").str.endswith("fifth")]
    assert len(fifths) >= 2
    np.testing.assert_allclose(fifths["share"], 0.2, atol=0.001)


@pytest.mark.parametrize(
    ("what", "case", "name", "value"),
    [
        (SCOPE, "ore only", "anchors.survey-is-ore-only.value", 1.0),
        (SCOPE, "ore and scrap", "anchors.survey-is-ore-only.value", 0.0),
        (COURSE, "falls 3 %/yr", "anchors.captive-growth.value", -0.03),
        (COURSE, "flat", "anchors.captive-growth.value", 0.0),
        (COURSE, "grows 2.5 %/yr", "anchors.captive-growth.value", 0.025),
    ],
)
def test_a_case_is_a_part_of_the_draws(
    result: rs.Result, table: Any, what: str, case: str, name: str, value: float
) -> None:
    """Quantiles and chance are numpy's over the draws in which the input has the value."""
    chosen = result.values(name) == value
    deficit, row = deficit_of(result)[chosen], table.loc[(what, case)]
    assert row["share"] == pytest.approx(chosen.mean())
    np.testing.assert_allclose(
        row[["P5", "P50", "P95"]].to_numpy(dtype=np.float64),
        np.quantile(deficit, [0.05, 0.5, 0.95]),
    )
    assert row["P(deficit)"] == pytest.approx((deficit > 0.0).mean())


def test_the_fifths_of_mine_supply(result: rs.Result, table: Any) -> None:
    """A fifth of an output is chosen as a fifth of an input is."""
    supply = result.values("mine_supply", year=2035, element="Dy+Tb", bloc="ex_china")
    what = "mines outside China in the last year"
    for case, chosen in (
        ("lowest fifth", supply <= np.quantile(supply, 0.2)),
        ("highest fifth", supply >= np.quantile(supply, 0.8)),
    ):
        expected = np.median(deficit_of(result)[chosen])
        assert table.loc[(what, case), "P50"] == pytest.approx(expected)


def test_directions(table: Any) -> None:
    """More supply lowers the deficit, more need raises it."""
    middle: Any = table["P50"]
    assert (
        middle[COURSE, "falls 3 %/yr"] > middle[COURSE, "flat"] > middle[COURSE, "grows 2.5 %/yr"]
    )
    for what, sign in (
        ("mines outside China in the last year", -1.0),
        ("Dy and Tb per magnet by the last year", 1.0),
        ("Dy per electric car by the last year", 1.0),
    ):
        assert sign * (middle[what, "highest fifth"] - middle[what, "lowest fifth"]) > 0.0


def test_weights(result: rs.Result) -> None:
    """A draw of weight 2 counts as two equal draws."""
    counts = np.random.default_rng(2).integers(0, 3, result.draws)
    other = copy.copy(result)
    other.weights = counts / counts.sum()
    row: Any = switches(other).loc[(SCOPE, "ore only")]
    chosen = np.repeat(result.values("anchors.survey-is-ore-only.value") == 1.0, counts)
    deficit = np.repeat(deficit_of(result), counts)[chosen]
    assert row["share"] == pytest.approx(chosen.mean())
    assert row["P(deficit)"] == pytest.approx((deficit > 0.0).mean())
    assert row["P50"] == pytest.approx(np.median(deficit), abs=5.0)


def test_a_case_without_weight_is_left_out(result: rs.Result) -> None:
    """Where all weight lies on one case the other is not shown, and nothing is divided by zero."""
    ore_only = result.values("anchors.survey-is-ore-only.value")
    other = copy.copy(result)
    other.weights = ore_only / ore_only.sum()
    table: Any = switches(other)
    assert list(table.loc[SCOPE].index) == ["ore only"]
    assert np.isfinite(table.to_numpy()).all()


def test_what_the_scenario_fixes_is_left_out() -> None:
    """A number in place of a distribution is no switch."""
    scenario = rs.load_scenario().replace({"anchors.survey-is-ore-only.value": 1})
    table: Any = switches(rs.simulate(scenario, draws=256, rng=1))
    assert SCOPE not in table.index
    assert COURSE in table.index


@pytest.mark.parametrize("keep", [(), ("balance", "mine_supply", "recycled_end_of_life")])
def test_draws_that_were_not_kept(keep: tuple[str, ...]) -> None:
    """A table that cannot be made is one sentence, not a table with rows missing."""
    with pytest.raises(rs.ReesupplyError):
        switches(rs.simulate(draws=16, rng=1, keep=keep))
