"""Deficits, shortfalls and claims of a run: the same with kept draws, without them, and by hand."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.analysis.tables import first_deficit_year
from reesupply.engine.histograms import Histograms
from reesupply.engine.layout import NO_LAYOUT
from reesupply.result import Result

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

WHOLE = "Dy+Tb"
DRAWS = 9_000


@lru_cache(maxsize=1)
def runs() -> tuple[Result, Result]:
    """The same run with its draws, and without."""
    plan = rs.compile()
    return rs.simulate(plan, draws=DRAWS, rng=5), rs.simulate(plan, draws=DRAWS, rng=5, keep=())


@lru_cache(maxsize=1)
def weighted() -> Result:
    """The same draws; those with a deficit in the last year weigh more."""
    kept = runs()[0]
    pull = np.exp(-kept.values("balance", year=2035, element=WHOLE) / 2000.0)
    return Result(
        plan=kept.plan,
        draws=kept.draws,
        entropy=kept.entropy,
        design=kept.design,
        seconds=0.0,
        input_names=kept.input_names,
        arrays=kept.arrays,
        moments=kept.moments,
        histograms=Histograms(NO_LAYOUT),
        joint=kept.joint,
        weights=pull / pull.sum(),
    )


def short(result: Result, tolerance: float) -> npt.NDArray[np.bool_]:
    """Draws with a deficit: (element, year, draw)."""
    gap = -result.values("balance")
    return np.asarray(gap > tolerance * result.values("demand", bloc="world"))


def shares(result: Result) -> FloatArray:
    """Weight of each draw."""
    return np.full(DRAWS, 1.0 / DRAWS) if result.weights is None else result.weights


# --------------------------------------------------------------------------------- deficits


@pytest.mark.parametrize("tolerance", [1e-9, 0.02])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_probability_of_a_deficit(tolerance: float, which: int) -> None:
    """By element and year, by hand; with draws, without, under weights."""
    run = (*runs(), weighted())[which]
    draws = weighted() if which == 2 else runs()[0]
    found: Any = run.deficit_probability(tolerance=tolerance)
    expected = short(draws, tolerance) @ shares(draws)
    np.testing.assert_allclose(found.to_numpy(), expected, rtol=1e-12, atol=1e-15)
    assert found.dims == ("element", "year")
    assert found.attrs == {"units": "1", "long_name": "probability of a deficit"}
    one = run.deficit_probability(year=2031, element="Tb", tolerance=tolerance)
    assert one == found.sel(year=2031, element="Tb")


def test_kept_draws_change_no_number() -> None:
    """What is printed does not depend on what was kept: bit for bit where draws are counted."""
    kept, streamed = runs()
    for tolerance in (0.0, 0.02):
        for ask in ("deficit_probability", "mean_deficit"):
            one, other = (getattr(run, ask)(tolerance=tolerance) for run in (kept, streamed))
            np.testing.assert_array_equal(one, other)
    assert kept.first_deficit_year().equals(streamed.first_deficit_year())
    for one, other in zip(kept.claim_moments(), streamed.claim_moments(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert kept.summary()["P(deficit)"].equals(streamed.summary()["P(deficit)"])


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("element", [None, "Tb"])
def test_first_deficit_year(which: int, element: str | None) -> None:
    """Draw by draw; the base year does not count."""
    run = (*runs(), weighted())[which]
    draws = weighted() if which == 2 else runs()[0]
    each = short(draws, 0.02)[["Dy", "Tb", WHOLE].index(element or WHOLE), 1:]
    first = np.where(each.any(axis=0), each.argmax(axis=0), len(each))
    expected = np.bincount(first, shares(draws), minlength=len(each) + 1)
    table = run.first_deficit_year(element=element)
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(table["cumulative"], expected.cumsum(), rtol=1e-12)
    assert list(table.index) == [*range(2025, 2036), "none"]
    once = run.deficit_probability(year="any", element=element or WHOLE, tolerance=0.02)
    assert once == pytest.approx(1.0 - expected[-1])


def test_first_deficit_year_of_the_tables() -> None:
    """The table of the analysis needs no draws."""
    assert first_deficit_year(runs()[1]).equals(runs()[1].first_deficit_year())


@pytest.mark.parametrize("which", [0, 1, 2])
def test_mean_deficit(which: int) -> None:
    """Over the draws that have one, positive."""
    run = (*runs(), weighted())[which]
    draws = weighted() if which == 2 else runs()[0]
    hit = short(draws, 0.02)[2, 11]
    depth = -draws.values("balance", year=2035, element=WHOLE)
    expected = np.average(depth[hit], weights=shares(draws)[hit])
    found = run.mean_deficit(year=2035, element=WHOLE, tolerance=0.02)
    assert found == pytest.approx(expected, rel=1e-12)


def test_mean_deficit_where_there_is_none() -> None:
    """No deficit, no mean; and no warning."""
    one: Any = rs.simulate(draws=1, rng=1, keep=()).mean_deficit(element=WHOLE)
    chance = rs.simulate(draws=1, rng=1, keep=()).deficit_probability(element=WHOLE)
    np.testing.assert_array_equal(np.isnan(one), np.asarray(chance) == 0.0)


# ----------------------------------------------------------------------- expected shortfall


@pytest.mark.parametrize("level", [0.01, 0.05, 0.5, 1.0])
def test_expected_shortfall(level: float) -> None:
    """Mean of the worst draws; without draws to a tenth of a bin of its histogram."""
    kept, streamed = runs()
    for year in (2024, 2027, 2035):
        worst = np.sort(kept.values("balance", year=year, element=WHOLE))[: round(level * DRAWS)]
        found = kept.expected_shortfall(level, year=year, element=WHOLE)
        assert found == pytest.approx(-worst.mean(), rel=1e-12)
        histograms = streamed.histograms
        row = histograms.layout.rows["balance"][2, year - 2024]
        near = streamed.expected_shortfall(level, year=year, element=WHOLE)
        assert near == pytest.approx(found, abs=0.1 * histograms.layout.width[row])
    every: Any = streamed.expected_shortfall(level)
    assert every.dims == ("element", "year")
    assert every.attrs["units"] == "t oxide/yr"


def test_expected_shortfall_under_weights() -> None:
    """A draw counts twice where it weighs twice; the one at the border in part."""
    run = weighted()
    balance = run.values("balance", year=2035, element=WHOLE)
    order = np.argsort(balance)
    below = np.cumsum(shares(run)[order])
    whole = int(np.searchsorted(below, 0.05))
    inside = shares(run)[order][:whole] @ balance[order][:whole]
    border = (0.05 - below[whole - 1]) * balance[order][whole]
    found = run.expected_shortfall(0.05, year=2035, element=WHOLE)
    assert found == pytest.approx(-(inside + border) / 0.05, rel=1e-9)


# ----------------------------------------------------------------------------------- claims


@pytest.mark.parametrize("which", [0, 1, 2])
def test_claim_moments(which: int) -> None:
    """Mean and covariance are those of numpy; a constant has none."""
    run = (*runs(), weighted())[which]
    draws = (weighted() if which == 2 else runs()[0]).arrays["claims"]
    mean, covariance = run.claim_moments()
    names = [claim.name for claim in run.plan.claims]
    assert list(mean.index) == list(covariance.index) == list(covariance.columns) == names
    np.testing.assert_allclose(mean, draws @ shares(run), rtol=1e-12)
    expected = np.cov(draws, aweights=shares(run))
    scale = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    assert (np.abs(covariance.to_numpy() - expected) <= 1e-9 * scale + 1e-12).all()
    np.testing.assert_array_equal(covariance, covariance.T)
    constant = expected.diagonal() < 1e-20
    assert constant.any()
    assert (covariance.to_numpy()[constant] == 0.0).all()


def test_covariance_measures_distance() -> None:
    """The mean squared Mahalanobis distance of the draws is the number of claims, less rounding."""
    mean, covariance = runs()[1].claim_moments()
    some = [0, 2, 10, 20, 28]
    off = runs()[0].arrays["claims"][some] - mean.to_numpy()[some][:, np.newaxis]
    within = np.linalg.solve(covariance.to_numpy()[np.ix_(some, some)], off)
    assert (off * within).sum(axis=0).mean() == pytest.approx(len(some) * (1.0 - 1.0 / DRAWS))


def test_mean_of_a_claim_without_draws() -> None:
    """It was not there before: a claim that kept no draws has a mean."""
    kept, streamed = runs()
    for claim in kept.plan.claims:
        assert streamed.mean(claim.name) == kept.mean(claim.name)
        expected = kept.values(claim.name).mean()
        assert kept.mean(claim.name) == pytest.approx(expected, rel=1e-12)


def test_what_lies_above_an_atom() -> None:
    """Half of the draws have no surplus in store: the chance of one is not 1."""
    kept, streamed = runs()
    chosen: Any = {"above": 0.0, "year": 2035, "element": WHOLE}
    exact = kept.probability("surplus_stock", **chosen)
    assert 0.1 < float(exact) < 0.9
    assert streamed.probability("surplus_stock", **chosen) == pytest.approx(exact, abs=1e-4)


# ----------------------------------------------------------------------------- files, errors


def test_a_file_keeps_them(tmp_path: Path) -> None:
    """All numbers of a result that was read are those of the one that was written."""
    run = runs()[1]
    run.to_netcdf(tmp_path / "run.nc")
    read = rs.read_result(tmp_path / "run.nc")
    assert read.first_deficit_year().equals(run.first_deficit_year())
    for ask in ("deficit_probability", "mean_deficit", "expected_shortfall"):
        np.testing.assert_array_equal(getattr(read, ask)(), getattr(run, ask)())
    for one, other in zip(read.claim_moments(), run.claim_moments(), strict=True):
        np.testing.assert_array_equal(one, other)
    claim = run.plan.claims[3].name
    assert read.mean(claim) == run.mean(claim)
    assert read.quantile(claim, 0.3) == run.quantile(claim, 0.3)


def test_any_tolerance_with_draws() -> None:
    """Kept draws give every tolerance."""
    kept = runs()[0]
    found = kept.deficit_probability(year=2035, element=WHOLE, tolerance=0.3)
    assert found == pytest.approx(short(kept, 0.3)[2, 11].mean())


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda r: r.deficit_probability(tolerance=0.3), r"0\.3, allowed without them is 0 or 0"),
        (lambda r: r.deficit_probability(tolerance=-0.1), "found -0.1, allowed is a share"),
        (lambda r: r.deficit_probability(year=2050), "year: found 2050"),
        (lambda r: r.deficit_probability(element="Dx"), "element: found 'Dx'"),
        (lambda r: r.first_deficit_year(element="Dx"), "element: found 'Dx'"),
        (lambda r: r.expected_shortfall(0.0), "level: found 0.0, allowed is a share"),
        (lambda r: r.expected_shortfall(year=2050), "year: found 2050"),
    ],
)
def test_errors_say_what_is_allowed(ask: Any, text: str) -> None:
    """One sentence each."""
    with pytest.raises(rs.ReesupplyError, match=text):
        ask(runs()[1])
