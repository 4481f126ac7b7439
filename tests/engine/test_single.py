"""Single precision: the numbers of double precision to about 1e-6, in half the memory."""

from __future__ import annotations

import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings

import reesupply as rs
from reesupply.analysis import tables
from reesupply.engine.statistics import CLAIMS
from reesupply.engine.variables import DATA, VARIABLES
from reesupply.engine.workspace import Workspace
from reesupply.sampling import LANE, Sampler
from strategies import Changes, scenario_changes, scenario_of

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = (*VARIABLES, "inputs", "claims", "first_feed")
HEAVY: dict[str, Any] = {"element": "Dy+Tb", "year": 2035}
SEVERAL = 4 * LANE


@pytest.fixture(scope="module")
def double() -> rs.Result:
    """Run in double precision."""
    return rs.simulate(draws=SEVERAL, rng=1, keep=EVERYTHING)


@pytest.fixture(scope="module")
def single() -> rs.Result:
    """Run the same draws in single precision."""
    return rs.simulate(draws=SEVERAL, rng=1, keep=EVERYTHING, dtype="float32")


def test_inputs_and_dates_stay_double(double: rs.Result, single: rs.Result) -> None:
    """The same bits; all that the models make of them has the precision asked for."""
    for name in ("inputs", "first_feed"):
        np.testing.assert_array_equal(single.arrays[name], double.arrays[name])
    for name in VARIABLES:
        assert single.arrays[name].dtype == np.float32, name
        assert double.arrays[name].dtype == np.float64, name
    assert single.dtype == single.provenance["dtype"] == "float32"


def test_every_number_is_near(double: rs.Result, single: rs.Result) -> None:
    """Within 1e-5 of the largest number that the cell has in any draw."""
    for name in VARIABLES:
        exact, found = double.arrays[name], single.arrays[name]
        np.testing.assert_array_equal(np.isnan(found), np.isnan(exact), name)
        scale = np.nanmax(np.abs(exact), axis=-1, keepdims=True, initial=1e-3)
        assert not (np.abs(found - exact) > 1e-5 * scale).any(), name


@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
def test_headlines_are_near(double: rs.Result, single: rs.Result, q: float) -> None:
    """Within 1e-5 of the range from P5 to P95, kept or counted."""
    width = np.ptp([double.quantile("balance", each, **HEAVY) for each in (0.05, 0.95)])
    exact = double.quantile("balance", q, **HEAVY)
    assert single.quantile("balance", q, **HEAVY) == pytest.approx(exact, abs=1e-5 * width)

    counted = rs.simulate(draws=SEVERAL, rng=1, keep=(), dtype="float32")
    exact = rs.simulate(draws=SEVERAL, rng=1, keep=()).quantile("balance", q, **HEAVY)
    assert counted.quantile("balance", q, **HEAVY) == pytest.approx(exact, abs=1e-5 * width)


def test_statistics_do_not_depend_on_what_is_kept(single: rs.Result) -> None:
    """Sums are in double precision either way."""
    few = rs.simulate(draws=SEVERAL, rng=1, keep=(), dtype="float32")
    for name in VARIABLES:
        for kind in ("sums", "squares"):
            a, b = (getattr(run.moments, kind)[name] for run in (few, single))
            assert a.dtype == np.float64
            np.testing.assert_array_equal(a, b, name)
    mean = np.mean(single.values("balance", **HEAVY), dtype=np.float64)
    assert few.mean("balance", **HEAVY) == pytest.approx(mean, rel=1e-12)


def test_values_that_many_draws_share_are_counted_as_one() -> None:
    """What plants limit, and stocks of nothing: the ranks that they have in double precision."""
    run: dict[str, Any] = {"draws": SEVERAL, "rng": 1, "keep": ()}
    double, single = (rs.simulate(dtype=each, **run) for each in ("float64", "float32"))
    shared = single.histograms.atoms
    assert shared[single.histograms.layout.atom_values != 0.0].max() > SEVERAL / 10
    np.testing.assert_array_equal(shared, double.histograms.atoms)
    layout = double.histograms.layout
    for row, value in zip(layout.atom_rows, layout.atom_values, strict=True):
        for inclusive in (False, True):
            exact, found = (
                each.histograms.probability_below(np.array([row]), value, inclusive=inclusive)
                for each in (double, single)
            )
            np.testing.assert_allclose(found, exact, atol=1.0 / SEVERAL)


@pytest.mark.parametrize("design", ["random", "lhs", "sobol"])
def test_same_bits_however_it_is_run(design: str) -> None:
    """One thread, two, two processes; a prefix is a prefix."""
    run: dict[str, Any] = {"rng": 3, "design": design, "keep": EVERYTHING, "dtype": "float32"}
    one = rs.simulate(draws=3 * LANE, workers=1, **run)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        several = [
            rs.simulate(draws=3 * LANE, workers=2, **run),
            rs.simulate(draws=3 * LANE, executor=pool, **run),
            rs.simulate(draws=LANE + 7, workers=1, **run),
        ]
    for other in several:
        for name in one.arrays:
            expected = one.arrays[name][..., : other.draws]
            np.testing.assert_array_equal(other.arrays[name], expected, name)


def test_it_takes_half_the_memory() -> None:
    """Of the arrays of a lane, without those of the inputs, and of kept draws."""
    plan = rs.compile()
    sampler = Sampler(1, plan.inputs.names)
    uniforms = sampler.lane(0, np.empty((len(plan.inputs.names), LANE)))
    size = {}
    for dtype in ("float64", "float32"):
        workspace = Workspace()
        workspace.dtype = np.dtype(dtype)
        plan.run_lane(uniforms, workspace=workspace)
        sizes = {name: array.nbytes for name, array in workspace.items()}
        same = ("normals", "values", "inputs", "claims", "first_feed")
        size[dtype] = sum(sizes.values()) - sum(sizes[name] for name in same)
    assert size["float32"] == size["float64"] / 2


def test_a_workspace_has_one_precision() -> None:
    """Runs of one plan in turn do not write arrays of the other's precision."""
    plan = rs.compile()
    for dtype in ("float32", "float64", "float32"):
        result = rs.simulate(plan, draws=8, rng=1, dtype=dtype)
        assert result.arrays["balance"].dtype == np.dtype(dtype)


@settings(max_examples=10)
@given(scenario_changes())
def test_random_scenarios(changes: Changes) -> None:
    """No overflow, and whatever is lost is beyond the fifth digit of the world's tonnes."""
    scenario = scenario_of(changes)
    run: dict[str, Any] = {"draws": 48, "rng": 1, "workers": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        single = rs.simulate(scenario, dtype="float32", **run)
    double = rs.simulate(scenario, **run)
    for name in DATA:
        exact, found = double.arrays[name], single.arrays[name]
        scale = np.abs(exact).max() + np.abs(double.arrays["demand"]).max()
        assert (np.abs(found - exact) <= 2e-5 * scale).all(), name


@pytest.mark.parametrize("keep", [None, ()])
def test_rounding_is_no_deficit(keep: Any) -> None:
    """A base year that closes on no stock change has none, whatever the last digits are."""
    scenario = rs.load_scenario().replace({"anchors.stock-change-2024.value": 0})
    result = rs.simulate(scenario, draws=LANE, rng=1, dtype="float32", keep=keep)
    assert result.moments.sd("balance")[-1, 0] > 0.0, "there is rounding"
    assert result.deficit_probability(year=2024, element="Dy+Tb") == 0.0
    assert np.isnan(result.mean_deficit(year=2024, element="Dy+Tb"))
    assert result.summary()["P(deficit)"][2024] == 0.0
    if keep is None:
        assert tables.outlook(result)["P(deficit)"][2024] == 0.0
        result.joint = None  # as of an old file
        assert result.summary()["P(deficit)"][2024] == 0.0
        result.weights = np.full(LANE, 1.0 / LANE)
        assert result.deficit_probability(year=2024, element="Dy+Tb") == 0.0


# --------------------------------------------------------------------------- what is said of it


def test_rounding_is_the_difference_of_the_first_lane(double: rs.Result, single: rs.Result) -> None:
    """Each column computed again from the draws of two runs."""
    table = single.rounding()
    assert list(table.index) == [*DATA, *(claim.name for claim in single.plan.claims)]
    assert table.loc["balance", "unit"] == "t oxide/yr"
    first = {"bloc": None, "element": None, "year": None}
    a, b = (run.values("balance", **first)[..., :LANE] for run in (double, single))
    assert table.loc["balance", "largest"] == pytest.approx(np.abs(b - a).max(), rel=1e-9)
    share = np.sqrt(((b - a) ** 2).mean(axis=-1)) / a.std(axis=-1)
    assert table.loc["balance", "share_of_sd"] == pytest.approx(share.max(), rel=1e-6)
    claims = np.abs(single.arrays[CLAIMS] - double.arrays[CLAIMS])[:, :LANE].max(axis=1)
    found = table["largest"].to_numpy()[len(DATA) :]
    np.testing.assert_allclose(found, claims, rtol=1e-9, atol=1e-15)


def test_rounding_is_small_and_not_nothing(double: rs.Result, single: rs.Result) -> None:
    """About a millionth of what the draws scatter; zero in double precision."""
    share = single.rounding()["share_of_sd"]
    assert (share < 1e-5).all()
    assert share["balance"] > 1e-8
    assert (double.rounding()[["largest", "share_of_sd"]] == 0.0).all(axis=None)


def test_what_does_not_vary_has_no_share() -> None:
    """One draw, or a base year that closes on nothing: no division by a spread of zero."""
    closed = rs.load_scenario().replace({"anchors.stock-change-2024.value": 0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = rs.simulate(draws=1, rng=1, dtype="float32").rounding()
        several = rs.simulate(closed, draws=64, rng=1, dtype="float32").rounding()
        nothing = rs.simulate(draws=1, rng=1).rounding()
    assert one["largest"]["balance"] > 0.0
    assert np.isnan(one["share_of_sd"]["balance"])
    assert (several["share_of_sd"] < 1e-5).all()
    assert (nothing[["largest", "share_of_sd"]] == 0.0).all(axis=None)


def test_the_file_keeps_it(single: rs.Result, tmp_path: Path) -> None:
    """Draws in single precision come back as they were, and so does what is said of them."""
    single.to_netcdf(tmp_path / "single.nc")
    found = rs.read_result(tmp_path / "single.nc")
    assert found.dtype == "float32"
    np.testing.assert_array_equal(found.arrays["balance"], single.arrays["balance"])
    assert found.arrays["balance"].dtype == np.float32
    assert found.quantile("balance", 0.5, **HEAVY) == single.quantile("balance", 0.5, **HEAVY)


def test_weights_keep_it(single: rs.Result) -> None:
    """A conditioned result has the precision of its run."""
    claim = single.plan.claims[0].name
    target = float(single.quantile(claim, 0.5))
    found = single.condition(rs.Target(claim, target))
    assert found.dtype == found.provenance["dtype"] == "float32"


@pytest.mark.parametrize("dtype", ["float16", int, "double precision", [1], ","])
def test_other_types_are_refused(dtype: Any) -> None:
    """One sentence, with what is allowed."""
    with pytest.raises(rs.ReesupplyError, match=r"dtype: found .*, allowed is 'float64' or"):
        rs.simulate(draws=1, dtype=dtype)


def test_compiled_kernels_know_it(single: rs.Result) -> None:
    """The same numbers but for rounding in another order."""
    pytest.importorskip("numba", reason="the extra compiled is not installed")
    found = rs.simulate(draws=64, rng=1, keep=EVERYTHING, dtype="float32", kernels="numba")
    for name in DATA:
        exact = single.arrays[name][..., :64]
        scale = np.abs(exact).max(axis=-1, keepdims=True) + 1e-3
        assert (np.abs(found.arrays[name] - exact) <= 1e-5 * scale).all(), name
