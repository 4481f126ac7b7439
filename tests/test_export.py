"""Files and tables for other programs: what is read back is what was written."""

from __future__ import annotations

import copy
import json
import stat
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr

import reesupply as rs
from reesupply.engine.variables import DATA, VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = (*VARIABLES, "inputs", "claims", "first_feed")


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that keeps every draw there is."""
    return rs.simulate(draws=256, rng=2**100 + 7, design="lhs", keep=EVERYTHING)


@pytest.fixture(scope="module")
def weighted(result: rs.Result) -> rs.Result:
    """The same run with weights."""
    other = copy.copy(result)
    raw = np.arange(1.0, result.draws + 1.0)
    other.weights = raw / raw.sum()
    return other


def round_trip(result: rs.Result, folder: Path) -> rs.Result:
    """Write and read back."""
    path = folder / "run.nc"
    result.to_netcdf(path)
    assert [each.name for each in folder.iterdir()] == ["run.nc"], "nothing is left beside it"
    return rs.read_result(path)


def assert_same(found: rs.Result, expected: rs.Result) -> None:
    """Bit for bit the same result."""
    assert found.plan.hash == expected.plan.hash
    assert found.plan.title == expected.plan.title
    assert found.plan.scenario.changes == expected.plan.scenario.changes
    for name in ("draws", "entropy", "design", "seconds", "input_names"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array, name)
        assert found.arrays[name].dtype == np.float64
    assert found.moments.count == expected.moments.count
    for name in VARIABLES:
        for kind in ("sums", "squares"):
            a, b = (getattr(r.moments, kind)[name] for r in (found, expected))
            np.testing.assert_array_equal(a, b, name)
    if expected.weights is None:
        assert found.weights is None
    else:
        assert found.weights is not None
        np.testing.assert_array_equal(found.weights, expected.weights)


# --------------------------------------------------------------------------------- netCDF


def test_round_trip_of_everything(result: rs.Result, tmp_path: Path) -> None:
    """Draws, moments, seed, design and scenario come back bit for bit."""
    found = round_trip(result, tmp_path)
    assert_same(found, result)
    assert found.summary().equals(result.summary())
    assert repr(found) == repr(result)
    again = rs.simulate(
        found.plan, draws=found.draws, rng=found.entropy, design=found.design, keep=("balance",)
    )
    np.testing.assert_array_equal(again.arrays["balance"], result.arrays["balance"])


def test_round_trip_with_weights(weighted: rs.Result, tmp_path: Path) -> None:
    """Weights come back, and so do the statistics that use them."""
    found = round_trip(weighted, tmp_path)
    assert_same(found, weighted)
    for q in (0.05, 0.5):
        where: Any = {"year": 2035, "element": "Dy+Tb"}
        assert found.quantile("balance", q, **where) == weighted.quantile("balance", q, **where)


@pytest.mark.parametrize(
    "keep",
    [(), ("balance", "claims"), ("inputs.anchors.stock-change-2024.value", "first_feed")],
)
def test_round_trip_of_a_part(keep: tuple[str, ...], tmp_path: Path) -> None:
    """What was not kept is not there afterwards either; statistics always are."""
    result = rs.simulate(draws=40, rng=3, keep=keep)
    found = round_trip(result, tmp_path)
    assert_same(found, result)
    assert found.mean("balance", year=2035, element="Tb") == result.mean(
        "balance", year=2035, element="Tb"
    )


def test_round_trip_of_a_changed_scenario(tmp_path: Path) -> None:
    """A scenario of one's own travels with its result."""
    changes = {"projects.lofdal.dy": 77.5, "settings.last_year.value": "2031"}
    scenario = rs.load_scenario().replace(changes)
    result = rs.simulate(scenario, draws=16, rng=1)
    found = round_trip(result, tmp_path)
    assert_same(found, result)
    frame = found.plan.scenario.to_frame("projects")
    assert frame["dy"]["lofdal"] == 77.5


def test_other_programs_can_read_it(result: rs.Result, tmp_path: Path) -> None:
    """Plain xarray sees named axes, units and where the numbers come from."""
    path = tmp_path / "run.nc"
    result.to_netcdf(path)
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        balance = tree["data"]["balance"]
        assert balance.dims == ("element", "year", "draw")
        assert balance.attrs["units"] == "t oxide/yr"
        assert balance.attrs["long_name"]
        provenance = json.loads(tree.attrs["provenance"])
    assert provenance["scenario_hash"] == result.plan.hash
    assert int(provenance["entropy"]) == result.entropy


def test_a_new_file_has_the_mode_of_new_files(result: rs.Result, tmp_path: Path) -> None:
    """The file is as readable as any other, though it is made under another name first."""
    path, plain = tmp_path / "run.nc", tmp_path / "plain"
    rs.simulate(draws=8, rng=1, keep=()).to_netcdf(path)
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert result.draws == 256


def test_a_failed_write_leaves_the_old_file(
    result: rs.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If writing stops half-way the earlier file is whole and nothing else is left."""
    path = tmp_path / "run.nc"
    old = rs.simulate(draws=8, rng=1, keep=("balance",))
    old.to_netcdf(path)
    before = path.read_bytes()

    def stop(_: object, draft: Path, **options: object) -> None:
        assert options
        draft.write_bytes(b"half of it")
        message = "no space"
        raise OSError(28, message)

    monkeypatch.setattr(xr.DataTree, "to_netcdf", stop)
    with pytest.raises(rs.ReesupplyError, match=r"run\.nc: cannot be written \(no space\)"):
        result.to_netcdf(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["run.nc"]


def test_a_new_file_replaces_the_old(result: rs.Result, tmp_path: Path) -> None:
    """Writing twice to one name keeps the second."""
    rs.simulate(draws=8, rng=1, keep=()).to_netcdf(tmp_path / "run.nc")
    assert_same(round_trip(result, tmp_path), result)


@pytest.mark.parametrize("where", ["nowhere/run.nc", "."])
def test_where_nothing_can_be_written(where: str, tmp_path: Path) -> None:
    """A folder that does not exist, or one in place of a file, gets one sentence."""
    result = rs.simulate(draws=8, rng=1, keep=())
    with pytest.raises(rs.ReesupplyError) as error:
        result.to_netcdf(tmp_path / where)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def _foreign(path: Path) -> None:
    xr.Dataset({"x": ("draw", np.arange(3.0))}).to_netcdf(path, engine="h5netcdf")


def _truncated(path: Path) -> None:
    rs.simulate(draws=8, rng=1, keep=()).to_netcdf(path)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.unlink(missing_ok=True),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not at all netCDF\n" * 100),
        lambda path: path.mkdir(),
        _foreign,
        _truncated,
    ],
    ids=["missing", "empty", "garbage", "folder", "foreign", "truncated"],
)
def test_what_is_no_result(make: Any, tmp_path: Path) -> None:
    """A file that is none of ours is refused in one sentence that names it."""
    path = tmp_path / "other.nc"
    make(path)
    with pytest.raises(rs.ReesupplyError) as error:
        rs.read_result(path)
    text = str(error.value)
    assert "other.nc" in text
    assert "\n" not in text


# ---------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("name", list(VARIABLES))
def test_to_frame(result: rs.Result, name: str) -> None:
    """One row per cell; each statistic is that of `mean` and `quantile`."""
    frame = result.to_frame(name)
    dims = list(VARIABLES[name].dims)
    assert list(frame.columns) == [*dims, "mean", "sd", "P5", "P50", "P95", "unit"]
    assert not frame.duplicated(dims).any()
    assert (frame["unit"] == VARIABLES[name].units).all()
    for column, found in (
        ("mean", result.mean(name)),
        ("P5", result.quantile(name, 0.05)),
        ("P95", result.quantile(name, 0.95)),
    ):
        assert isinstance(found, xr.DataArray)
        at = {dim: xr.DataArray(frame[dim].to_numpy(), dims="row") for dim in dims}
        np.testing.assert_array_equal(frame[column], found.sel(at).to_numpy())


def test_to_frame_has_the_sums(result: rs.Result) -> None:
    """Sums over elements and blocs are rows of their own."""
    frame: Any = result.to_frame("demand").set_index(["bloc", "element", "year"])
    parts = sum(
        frame.loc[(bloc, element, 2030), "mean"]
        for bloc in ("china", "ex_china")
        for element in ("Dy", "Tb")
    )
    assert frame.loc[("world", "Dy+Tb", 2030), "mean"] == pytest.approx(parts)


def test_to_frame_without_draws() -> None:
    """Mean and sd need no draws; quantiles are left out, not invented."""
    frame = rs.simulate(draws=8, rng=1, keep=()).to_frame("balance")
    assert list(frame.columns) == ["element", "year", "mean", "sd", "unit"]


@pytest.mark.parametrize("weights", [False, True])
def test_to_frame_spread(result: rs.Result, weighted: rs.Result, weights: bool) -> None:
    """The sd belongs to the mean beside it: with weights both are weighted."""
    given = weighted if weights else result
    row: Any = given.to_frame("balance").set_index(["element", "year"]).loc[("Dy+Tb", 2035)]
    draws = given.values("balance", element="Dy+Tb", year=2035)
    share = np.full(draws.size, 1.0 / draws.size) if given.weights is None else given.weights
    mean = share @ draws
    sd = np.sqrt(share @ (draws - mean) ** 2 / (1.0 - (share**2).sum()))
    assert row["mean"] == pytest.approx(mean)
    assert row["sd"] == pytest.approx(sd, rel=1e-9)


@pytest.mark.parametrize("name", ["balanse", "cru-deficit-2035.annual", "factors.demand"])
def test_to_frame_of_what_is_no_variable(result: rs.Result, name: str) -> None:
    """One sentence says what can be taken."""
    with pytest.raises(rs.ReesupplyError, match=name):
        result.to_frame(name)


def test_to_iamc(result: rs.Result) -> None:
    """The five columns and the years, each series once, without a hole."""
    table = result.to_iamc()
    keys = ["Model", "Scenario", "Region", "Variable", "Unit"]
    assert list(table.columns) == [*keys, *result.plan.years]
    assert all(isinstance(year, int) for year in table.columns[5:])
    assert not table.duplicated(keys).any()
    assert not table.duplicated(["Region", "Variable"]).any()
    assert not table.isna().to_numpy().any()
    assert set(table["Model"]) == {"reesupply"}
    assert set(table["Scenario"]) == {result.plan.title}
    assert set(table["Region"]) == {"World", "China", "World outside China"}


def test_iamc_totals(result: rs.Result) -> None:
    """Regions and elements add up in means; the balance is supply less demand."""
    table: Any = result.to_iamc().set_index(["Region", "Variable"])[list(result.plan.years)]

    def series(region: str, element: str, variable: str) -> Any:
        name = f"Heavy Rare Earths|{element}|{variable}|Mean"
        return table.loc[(region, name)].to_numpy(dtype=np.float64)

    for variable in ("Demand|Gross", "Supply|Mines", "Supply|Refined", "Supply|Recycled|New Scrap"):
        for element in ("Dy", "Tb", "Dy+Tb"):
            regions = sum(series(r, element, variable) for r in ("China", "World outside China"))
            np.testing.assert_allclose(series("World", element, variable), regions, rtol=1e-9)
        elements = sum(series("World", e, variable) for e in ("Dy", "Tb"))
        np.testing.assert_allclose(series("World", "Dy+Tb", variable), elements, rtol=1e-9)
    supply = sum(
        series("World", "Dy+Tb", f"Supply|{part}")
        for part in ("Refined", "Recycled|New Scrap", "Recycled|End of Life")
    )
    demand = series("World", "Dy+Tb", "Demand|Gross")
    balance = series("World", "Dy+Tb", "Balance")
    np.testing.assert_allclose(balance, supply - demand, rtol=1e-9, atol=1e-9)


def test_iamc_values(result: rs.Result) -> None:
    """A cell is the statistic that its name says; every series of the balance is there."""
    table: Any = result.to_iamc().set_index(["Region", "Variable"])
    name = "Heavy Rare Earths|Tb|Demand|Gross|P95"
    expected = result.quantile("demand", 0.95, year=2031, element="Tb", bloc="ex_china")
    assert table.loc[("World outside China", name), 2031] == expected
    assert table.loc[("World outside China", name), "Unit"] == "t oxide/yr"
    yearly = [name for name, variable in DATA.items() if "year" in variable.dims]
    assert table.index.get_level_values("Variable").str.endswith("|Dy+Tb").sum() == 0
    assert len({v.rsplit("|", 1)[0] for v in table.index.get_level_values(1)}) == 3 * len(yearly)


def test_iamc_without_draws() -> None:
    """Without draws there are means only."""
    table = rs.simulate(draws=8, rng=1, keep=()).to_iamc()
    assert table["Variable"].str.endswith("|Mean").all()
