"""z-scores and the distance of claims jointly: by scipy, by hand, and by the draws."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import chi2

import reesupply as rs
from reesupply.analysis.claims import (
    claims_table,
    current_claims,
    current_distance,
    joint_distance,
)

THREE = ["cru-deficit-2035.annual", "cru-mines-29.global-gross", "benchmark-91-2030.final-use"]


@lru_cache(maxsize=1)
def run() -> rs.Result:
    """A run that kept its claims."""
    return rs.simulate(draws=4096, rng=2, keep=("claims",))


def distances(*arguments: Any) -> Any:
    """The table; Any, as its labels have no static type."""
    return joint_distance(*arguments)


def test_z_scores() -> None:
    """The z of every reading is that of its draws."""
    table: Any = claims_table(run())
    for (claim, reading), row in table.iterrows():
        draws = run().values(f"{claim}.{reading}")
        assert row["mean"] == pytest.approx(draws.mean())
        assert row["sd"] == pytest.approx(draws.std(ddof=1), rel=1e-6, abs=1e-9 * draws.mean())
        if row["sd"] > 0.0:
            assert row["z"] == pytest.approx((row["value"] - draws.mean()) / draws.std(ddof=1))


def test_a_claim_without_spread_has_no_z() -> None:
    """Where all draws agree there is nothing to measure by."""
    one = copy.copy(run())
    one.arrays = {"claims": np.ones_like(run().arrays["claims"])}
    one.weights = np.full(4096, 1.0 / 4096)
    assert claims_table(one)["z"].isna().all()
    with pytest.raises(rs.ReesupplyError, match="the same in all draws"):
        joint_distance(one, THREE)


def test_distance_is_that_of_scipy() -> None:
    """Mahalanobis' distance, its chi-squared percentile, and the one of each claim alone."""
    table = distances(run(), THREE)
    draws = np.stack([run().values(name) for name in THREE])
    values = np.array([2920.0, 0.29, 0.91])
    inverse = np.linalg.inv(np.cov(draws))
    want = mahalanobis(values, draws.mean(axis=1), inverse) ** 2
    last = table.loc["jointly"]
    assert last["distance2"] == pytest.approx(want)
    assert last["df"] == 3
    assert last["chi2 percentile"] == pytest.approx(100.0 * chi2.cdf(want, 3))
    off = draws - draws.mean(axis=1)[:, np.newaxis]
    own = np.einsum("in,ij,jn->n", off, inverse, off)
    assert last["percentile of draws"] == pytest.approx(100.0 * (own < want).mean())
    np.testing.assert_allclose(table["value"].iloc[:3], values)
    np.testing.assert_allclose(table["z"].iloc[:3] ** 2, table["distance2"].iloc[:3])
    np.testing.assert_allclose(
        table["chi2 percentile"].iloc[:3], 100.0 * chi2.cdf(table["distance2"].iloc[:3], 1)
    )


def test_z_given_others_is_the_residual_of_a_regression() -> None:
    """What is left of a claim after lines in the others, in sd of what is left of the draws."""
    table = distances(run(), THREE)
    draws = np.stack([run().values(name) for name in THREE])
    values = np.array([2920.0, 0.29, 0.91])
    for row in range(3):
        rest = [i for i in range(3) if i != row]
        lines = np.vstack([np.ones(4096), draws[rest]]).T
        found = np.linalg.lstsq(lines, draws[row], rcond=None)[0]
        left = draws[row] - lines @ found
        z = (values[row] - np.append(1.0, values[rest]) @ found) / left.std(ddof=1)
        assert table["z given others"].iloc[row] == pytest.approx(z, rel=1e-6)


def test_independent_claims_by_hand() -> None:
    """Without correlation squared distances add up; one claim alone is its z."""
    one = copy.copy(run())
    rows = np.zeros_like(run().arrays["claims"])
    signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1]], dtype=np.float64)
    at = [[c.name for c in run().plan.claims].index(name) for name in THREE[:2]]
    rows[at] = np.tile(signs, 1024) * [[1000.0], [0.1]] + [[920.0], [0.19]]
    one.arrays, one.weights = {"claims": rows}, np.full(4096, 1.0 / 4096)
    table = distances(one, THREE[:2])
    np.testing.assert_allclose(table["z"].iloc[:2], [2.0, 1.0], rtol=1e-3)
    np.testing.assert_allclose(table["z given others"].iloc[:2], [2.0, 1.0], rtol=1e-3)
    assert table.loc["jointly", "distance2"] == pytest.approx(5.0, rel=1e-3)
    alone = distances(one, THREE[:1])
    assert alone.loc["jointly", "distance2"] == pytest.approx(4.0, rel=1e-3)
    # an error of sqrt(3) times the spread halves z
    soft = distances(one, THREE[:1], {THREE[0]: 1000.0 * np.sqrt(3.0)})
    assert soft.loc[THREE[0], "z"] == pytest.approx(1.0, rel=1e-3)
    assert np.isnan(soft.loc["jointly", "percentile of draws"])


def test_normal_draws_have_chi_squared_percentiles() -> None:
    """Of normal claims the two percentiles agree, whatever the correlation."""
    one = copy.copy(run())
    raw = np.random.default_rng(3).normal(size=(3, 100_000))
    rows = np.zeros((len(run().plan.claims), 100_000))
    at = [[c.name for c in run().plan.claims].index(name) for name in THREE]
    lower = np.array([[1.0, 0, 0], [0.8, 0.6, 0], [-0.3, 0.2, 0.9]])
    rows[at] = lower @ raw + [[2919.0], [-0.5], [1.6]]
    one.arrays, one.weights, one.draws = {"claims": rows}, np.full(100_000, 1e-5), 100_000
    table = distances(one, THREE)
    np.testing.assert_allclose(table["chi2 percentile"], table["percentile of draws"], atol=0.6)


def test_the_same_without_draws() -> None:
    """Moments are gathered in every run; only the percentile among draws needs them."""
    bare = distances(rs.simulate(draws=4096, rng=2, keep=()), THREE)
    kept = distances(run(), THREE)
    assert bare["percentile of draws"].isna().all()
    columns = ["value", "mean", "sd", "z", "distance2", "chi2 percentile"]
    np.testing.assert_allclose(bare[columns], kept[columns], rtol=1e-6)


@pytest.mark.parametrize(
    ("claims", "errors", "words"),
    [
        ([], None, r"found \[\], allowed are one or more names"),
        (THREE[0], None, "found 'cru-deficit-2035.annual', allowed are one or more"),
        (["cru-deficit-2035.anual"], None, "did you mean 'cru-deficit-2035.annual'"),
        ([THREE[0], THREE[0]], None, "each name once"),
        (THREE, {"cru-mines": 1.0}, "errors: found 'cru-mines'"),
        (THREE, {THREE[0]: -1.0}, "errors: found -1.0"),
        (THREE, {THREE[0]: float("nan")}, "errors: found nan"),
        (
            ["iluka-demand-2033-low.gross", THREE[0], "iluka-demand-2033-high.gross"],
            None,
            "most alike are 'iluka-demand-2033-low.gross' and 'iluka-demand-2033-high.gross'",
        ),
    ],
)
def test_refusals(claims: Any, errors: Any, words: str) -> None:
    """One sentence for each."""
    with pytest.raises(rs.ReesupplyError, match=words):
        joint_distance(run(), claims, errors)


# ------------------------------------------------------------------------ outlooks of today


def test_outlooks_of_today() -> None:
    """Preferred readings of claims about later years that are not older than a year."""
    scenario = rs.load_scenario()
    assert list(current_claims(scenario)) == THREE
    targets = {f"{row.claim}.{row.reading}": row for row in scenario.rows("targets")}
    for name, row in targets.items():
        year, month = (int(part) for part in row.published.split("-")[:2])
        recent = (2025, 5) <= (year, month) <= (2026, 5)
        assert (name in THREE) == (row.preferred and row.year > 2026 and recent), name


@pytest.mark.parametrize(
    ("published", "there"),
    [("2026", True), ("2025", True), ("2025-05", True), ("2025-05-30", False), ("2026-06", False)],
)
def test_the_date_of_an_outlook(published: str, there: bool) -> None:
    """To the precision that it has, within the year before the data date, 2026-05-31."""
    path = "targets.adamas-dy-2030.annual.published"
    scenario = rs.load_scenario().replace({path: published})
    assert ("adamas-dy-2030.annual" in current_claims(scenario)) == there


def test_the_distance_of_the_outlooks_of_today() -> None:
    """The joint distance of them; one that follows from the others is left out."""
    pd.testing.assert_frame_equal(current_distance(run()), joint_distance(run(), THREE))
    twice = copy.copy(run())
    draws = run().arrays["claims"].copy()
    names = [claim.name for claim in run().plan.claims]
    draws[names.index(THREE[1])] = 2.0 * draws[names.index(THREE[0])] + 1.0
    draws[names.index(THREE[2])] = 0.5
    twice.arrays = {"claims": draws}
    twice.weights = np.full(4096, 1.0 / 4096)
    assert list(current_distance(twice).index) == [THREE[0], "jointly"]
    twice.arrays = {"claims": np.ones_like(draws)}
    assert current_distance(twice).empty
    assert list(current_distance(twice).columns) == list(joint_distance(run(), THREE).columns)
