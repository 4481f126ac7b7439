"""Quantiles without kept draws: the same numbers in any grouping, near those of the draws."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import reesupply as rs
from reesupply.engine.histograms import Histograms
from reesupply.engine.layout import BINS, Layout
from reesupply.engine.statistics import with_sums
from reesupply.engine.variables import DATA
from reesupply.sampling import LANE

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DRAWS = 40 * LANE
#: Error of rank that is allowed: eight draws of so many.
RANK = 2e-4
WHOLE = "Dy+Tb"


def histograms(cells: int) -> Histograms:
    """Empty ones with edges from 0 to 1."""
    rows = {"claims": np.arange(cells)}
    return Histograms(Layout(rows, np.zeros(cells), np.full(cells, 1.0 / BINS)))


def filled(lanes: list[FloatArray]) -> Histograms:
    """One for all lanes."""
    found = histograms(len(lanes[0]))
    for number, lane in enumerate(lanes):
        found.add_lane(number, lane)
    return found


@lru_cache(maxsize=1)
def runs() -> tuple[rs.Result, rs.Result]:
    """The same run with its draws, and without."""
    plan = rs.compile()
    return rs.simulate(plan, draws=DRAWS, rng=4), rs.simulate(plan, draws=DRAWS, rng=4, keep=())


# ------------------------------------------------------------------------------------ alone


def rounded(value: float) -> float:
    """No nearer to an edge than rounding, which may put a draw into the bin beside."""
    return round(value, 6)


VALUES = st.one_of(st.sampled_from((0.0, 1.0, -3.0, 5.0)), st.floats(-2.0, 3.0).map(rounded))


@given(
    cells=hnp.arrays(np.float64, (2, 60), elements=VALUES),
    order=st.permutations(range(6)),
    cut=st.integers(1, 5),
)
def test_any_grouping_gives_the_same_bits(cells: FloatArray, order: list[int], cut: int) -> None:
    """Lanes in another order and in groups: counts, extremes, quantiles and probabilities."""
    lanes = np.split(cells, 6, axis=1)
    whole = filled(lanes)
    parts = [filled([lanes[i] for i in some]) for some in (order[:cut], order[cut:])]
    merged = histograms(2)
    for part in parts:
        merged.add(part)
    rows = np.arange(2)
    for name in ("counts", "lowest", "highest", "at_lowest", "at_highest"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(merged, name))
    for q in (0.0, 0.05, 0.5, 0.95, 1.0):
        np.testing.assert_array_equal(whole.quantile(rows, q), merged.quantile(rows, q))
    assert (whole.counts.sum(axis=1) == 60).all()


@given(values=hnp.arrays(np.float64, (1, 200), elements=VALUES), q=st.floats(0.001, 0.999))
def test_a_quantile_is_within_a_bin_of_the_draws(values: FloatArray, q: float) -> None:
    """Between the edges it is off by a bin at most, and never beyond the extremes."""
    found = filled([values]).quantile(np.array([0]), q)[0]
    exact = float(np.quantile(values, q, method="inverted_cdf"))
    assert values.min() <= found <= values.max()
    if 0.0 <= exact < 1.0:
        assert abs(found - exact) <= 1.0 / BINS + 1e-12


@given(
    values=hnp.arrays(np.float64, (1, 200), elements=VALUES),
    bound=st.floats(-4.0, 6.0).map(rounded),
)
def test_a_probability_counts_whole_bins(values: FloatArray, bound: float) -> None:
    """Between the shares below and above the bin of the bound; at the extremes exact."""
    found = filled([values]).probability_below(np.array([0]), bound)[0]
    if bound <= values.min():
        assert found == 0.0
    elif bound > values.max():
        assert found == 1.0
    elif 0.0 <= bound < 1.0:
        left = np.floor(bound * BINS) / BINS
        low, high = (values < left).mean(), (values < left + 1.0 / BINS).mean()
        assert low - 1e-12 <= found <= high + 1e-12


def test_what_many_draws_share_is_exact() -> None:
    """Half of the draws are exactly 1: the median of the upper half is 1, not nearly 1."""
    values = np.concatenate([np.linspace(0.2, 0.999, 500), np.ones(500)])[np.newaxis]
    found = filled([values])
    row = np.array([0])
    assert found.quantile(row, 0.75)[0] == 1.0
    assert found.probability_below(row, 1.0)[0] == pytest.approx(0.5)


# -------------------------------------------------------------------------------- in a run


@pytest.mark.parametrize("year", [2024, 2026, 2035])
@pytest.mark.parametrize("element", ["Dy", "Tb", WHOLE])
def test_ranks_of_the_balance(year: int, element: str) -> None:
    """A streamed quantile of 40,960 draws has the rank asked for to 2e-4, ten draws."""
    kept, streamed = runs()
    draws = kept.values("balance", year=year, element=element)
    for q in (0.01, 0.05, 0.5, 0.95, 0.99):
        value = streamed.quantile("balance", q, year=year, element=element)
        assert abs((draws < value).mean() - q) < 2e-4, q
    chance = streamed.probability("balance", below=0.0, year=year, element=element)
    assert chance == pytest.approx((draws < 0.0).mean(), abs=2e-4)


def test_ranks_of_claims() -> None:
    """Shares that are exactly 0 or 1 in many draws too."""
    kept, streamed = runs()
    for claim in kept.plan.claims:
        draws = kept.values(claim.name)
        for q in (0.05, 0.5, 0.95):
            value = streamed.quantile(claim.name, q)
            below, upto = (draws < value).mean(), (draws <= value).mean()
            assert below - 2e-4 <= q <= upto + 2e-4, (claim.name, q)


def test_tables_without_draws() -> None:
    """Summary and precision have the same rows, and nearly the same numbers."""
    kept, streamed = runs()
    for table in ("summary", "precision"):
        one, other = (getattr(run, table)() for run in (kept, streamed))
        assert list(one.index) == list(other.index)
        assert list(one.columns) == list(other.columns)
    change = (kept.summary() - streamed.summary()).abs()
    assert (change["balance P50"] < 2.0).all()
    assert (change["P(deficit)"] < 2e-4).all()


def test_other_variables_at_milestones() -> None:
    """The first year, 2030 and the last; any other year says what is there."""
    kept, streamed = runs()
    for year in (2024, 2030, 2035):
        one, other = (
            run.quantile("mine_supply", 0.5, year=year, element=WHOLE, bloc="ex_china")
            for run in (kept, streamed)
        )
        assert other == pytest.approx(one, abs=1.0)
    with pytest.raises(rs.ReesupplyError, match="of the years 2024, 2030, 2035 only"):
        streamed.quantile("demand", 0.5, year=2031)
    with pytest.raises(rs.ReesupplyError, match="not kept"):
        streamed.quantile("end_use.demand", 0.5)


def test_workers_do_not_matter() -> None:
    """Counts are the same with one worker and two, and what is kept needs no counts."""
    one, two = (
        rs.simulate(draws=9 * LANE + 3, rng=2, workers=workers, keep=("balance",))
        for workers in (1, 2)
    )
    np.testing.assert_array_equal(one.histograms.counts, two.histograms.counts)
    assert (one.histograms.counts.sum(axis=1) == 9 * LANE + 3).all()
    assert "balance" not in one.histograms.layout.rows
    assert rs.simulate(draws=8, rng=2).histograms.counts.size == 0


def test_edges_do_not_depend_on_the_run() -> None:
    """Another seed, another number of draws: the same bins."""
    one, other = (rs.simulate(draws=d, rng=r, keep=()) for d, r in ((8, 1), (2000, 2)))
    for name in ("low", "width"):
        np.testing.assert_array_equal(
            getattr(one.histograms.layout, name), getattr(other.histograms.layout, name)
        )


def test_histograms_survive_a_file(tmp_path: Path) -> None:
    """Quantiles of a result that was read are those of the one that was written."""
    run = rs.simulate(draws=3000, rng=1, keep=("demand",))
    run.to_netcdf(tmp_path / "run.nc")
    read = rs.read_result(tmp_path / "run.nc")
    for q in (0.05, 0.5):
        one, other = (each.quantile("balance", q, year=2035, element=WHOLE) for each in (run, read))
        assert one == other
    assert read.summary().equals(run.summary())


@pytest.mark.parametrize("name", [*DATA, "claims"])
def test_ranks_of_all_that_has_a_histogram(name: str) -> None:
    """Smooth, lumpy and constant cells of every variable, far into the tails; 40,960 draws."""
    kept, streamed = runs()
    histograms = streamed.histograms
    if name not in histograms.layout.rows:
        return
    draws = with_sums(name, kept.arrays[name], kept.plan.heavy)
    rows = histograms.layout.rows[name]
    cells, chosen = draws[rows >= 0], rows[rows >= 0]
    for q in (0.001, 0.05, 0.31, 0.5, 0.69, 0.95, 0.999):
        values = histograms.quantile(chosen, q)[:, np.newaxis]
        near = 1e-12 * np.maximum(np.abs(values), 1.0)  # equal but for rounding
        below, upto = (cells < values - near).mean(axis=1), (cells <= values + near).mean(axis=1)
        error = np.maximum(np.maximum(below - q, q - upto), 0.0)
        assert error.max() <= RANK, (q, int(error.argmax()))


def test_workers_and_executors_change_no_bit() -> None:
    """Sums too, whoever added which lanes."""
    plan = rs.compile()
    one, two = (rs.simulate(plan, draws=21 * LANE + 5, rng=3, workers=w, keep=()) for w in (1, 2))
    with ThreadPoolExecutor(3) as pool:
        three = rs.simulate(plan, draws=21 * LANE + 5, rng=3, executor=pool, keep=())
    for other in (two, three):
        for kind in ("sums", "squares"):
            mine, theirs = getattr(one.moments, kind), getattr(other.moments, kind)
            for name, array in mine.items():
                np.testing.assert_array_equal(array, theirs[name], err_msg=name)
        assert one.joint is not None
        assert other.joint is not None
        for name, array in one.joint.total.items():
            np.testing.assert_array_equal(array, other.joint.total[name], err_msg=name)
