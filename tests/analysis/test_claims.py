"""Claims beside the forecast: every number of the table is that of the draws."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.analysis.claims import claims_table, percentile


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that kept its claims only."""
    return rs.simulate(draws=2048, rng=1, keep=("claims",))


@pytest.fixture(scope="module")
def table(result: rs.Result) -> Any:
    """The table of that run."""
    return claims_table(result)


@pytest.fixture
def made_up(result: rs.Result) -> rs.Result:
    """The same run with draws 1, 2, 2, 3 of every claim."""
    other = copy.copy(result)
    other.draws = 4
    other.arrays = {"claims": np.tile([1.0, 2.0, 2.0, 3.0], (len(result.plan.claims), 1))}
    return other


def test_numbers_are_those_of_the_draws(result: rs.Result, table: Any) -> None:
    """P5, P50, P95 are numpy's quantiles, and the percentile is the share of draws below."""
    draws = dict(zip([c.name for c in result.plan.claims], result.arrays["claims"], strict=True))
    for (claim, reading), row in table.iterrows():
        own = draws[f"{claim}.{reading}"]
        found = row[["P5", "P50", "P95"]].to_numpy(dtype=np.float64)
        np.testing.assert_allclose(found, np.quantile(own, [0.05, 0.5, 0.95]), rtol=1e-12)
        expected = 100.0 * (np.mean(own < row["value"]) + 0.5 * np.mean(own == row["value"]))
        assert row["percentile"] == pytest.approx(expected, abs=1e-9)
        assert row["P5"] <= row["P50"] <= row["P95"]
        assert 0.0 <= row["percentile"] <= 100.0


def test_every_target_appears_once(result: rs.Result, table: Any) -> None:
    """The rows are the targets of the scenario, with their values and words unchanged."""
    targets = result.plan.scenario.rows("targets")
    assert list(table.index) == [(row.claim, row.reading) for row in targets]
    assert table.index.is_unique
    for row in targets:
        found = table.loc[(row.claim, row.reading)]
        assert found["value"] == row.value
        assert found["unit"] == row.unit
        assert found["year"] == row.year
        assert found["publisher"] == row.publisher
        assert found["said"] == row.title
        assert found["preferred"] == row.preferred


def test_the_claims_of_the_issue_are_there(table: Any) -> None:
    """The published figures that the project is about, as published."""
    for claim, value in (
        ("cru-deficit-2035", 2920.0),
        ("cru-mines-29", 0.29),
        ("benchmark-91-2030", 0.91),
        ("benchmark-99-2024", 0.99),
        ("iluka-demand-2033-low", 1900.0),
        ("iluka-demand-2033-high", 5100.0),
    ):
        assert (table.loc[claim]["value"] == value).all(), claim
        assert len(table.loc[claim]) > 1, f"{claim}: every reading has its row"


def test_one_reading_is_preferred(table: Any) -> None:
    """Exactly one reading of each claim was fixed before the run."""
    assert (table.groupby(level="claim")["preferred"].sum() == 1).all()


def test_readings_of_one_claim_differ(table: Any) -> None:
    """Two readings that always agree would be one reading."""
    columns = ["P5", "P50", "P95"]
    for claim, rows in table.groupby(level="claim"):
        assert not rows.duplicated(columns).any(), claim


def test_the_deficit_of_dy_is_dy_only() -> None:
    """A claim for one element is computed of that element, one of none of all."""
    result = rs.simulate(draws=64, rng=1)
    for claim, element, year in (
        ("adamas-dy-2030.annual", "Dy", 2030),
        ("cru-deficit-2035.annual", "Dy+Tb", 2035),
    ):
        balance = result.values("balance", element=element, year=year)
        np.testing.assert_allclose(result.values(claim), -balance, rtol=1e-9, atol=1e-9)
    yearly = -result.values("balance", element="Dy+Tb")
    cumulative = result.values("cru-deficit-2035.cumulative")
    np.testing.assert_allclose(cumulative, yearly[1:].sum(axis=0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0.0), (1.0, 12.5), (1.5, 25.0), (2.0, 50.0), (3.0, 87.5), (9.0, 100.0)],
)
def test_ties_count_half(made_up: rs.Result, value: float, expected: float) -> None:
    """Draws equal to the value count half: of 1, 2, 2, 3 the value 2 is at 50."""
    assert percentile(made_up, made_up.plan.claims[0].name, value) == pytest.approx(expected)


def test_ties_count_half_of_their_weight(made_up: rs.Result) -> None:
    """Under weights a tie counts half of its weight."""
    made_up.weights = np.array([0.1, 0.2, 0.3, 0.4])
    name = made_up.plan.claims[0].name
    assert percentile(made_up, name, 2.0) == pytest.approx(100.0 * (0.1 + 0.25))


def test_weights_are_those_of_repeated_draws(result: rs.Result) -> None:
    """A draw of weight 3 counts as three equal draws, in quantiles and percentile alike."""
    counts = np.random.default_rng(5).integers(0, 4, result.draws)
    weighted = copy.copy(result)
    weighted.weights = counts / counts.sum()
    table: Any = claims_table(weighted)
    for claim, row in zip(result.plan.claims, table.to_dict(orient="records"), strict=True):
        many = np.repeat(result.values(claim.name), counts)
        low, middle, high = np.quantile(many, [0.05, 0.5, 0.95], method="inverted_cdf")
        assert row["percentile"] == pytest.approx(
            100.0 * (np.mean(many < row["value"]) + 0.5 * np.mean(many == row["value"]))
        )
        # where a cumulative weight meets the level, rounding may take the next draw
        spread = np.sort(many)
        for found, expected in ((row["P5"], low), (row["P50"], middle), (row["P95"], high)):
            at = np.searchsorted(spread, expected)
            near = spread[max(at - 1, 0)], spread[min(at + 4, many.size - 1)]
            assert near[0] <= found <= near[1]


def test_claims_that_were_not_kept() -> None:
    """Without the draws of the claims there is one sentence that says what to keep."""
    with pytest.raises(rs.ReesupplyError, match="claim"):
        claims_table(rs.simulate(draws=16, rng=1, keep=()))
