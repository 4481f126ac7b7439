"""`Result`: labels, statistics with and without weights, tables, provenance."""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr

import reesupply as rs
from reesupply.engine.variables import DATA, END_USE, PROJECT, VARIABLES
from reesupply.result import LEVELS, weighted_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

KEEP = (*VARIABLES, "inputs", "claims", "first_feed")
DRAWS = 1500


@lru_cache(maxsize=1)
def result() -> rs.Result:
    """A run of the baseline with all draws."""
    return rs.simulate(draws=DRAWS, rng=1, keep=KEEP)


def reweighted(weights: FloatArray) -> rs.Result:
    """The same run under weights."""
    one = result()
    return rs.Result(
        plan=one.plan,
        draws=one.draws,
        entropy=one.entropy,
        design=one.design,
        seconds=one.seconds,
        input_names=one.input_names,
        arrays=one.arrays,
        moments=one.moments,
        weights=weights,
    )


# --------------------------------------------------------------------------------------- labels


def test_axes() -> None:
    """Axes come in the order (bloc | project | end_use, element, year, draw), contiguous."""
    order = ["bloc", "project", "end_use", "element", "year", "draw"]
    for dataset in (result().data, result().project, result().end_use):
        for name, variable in dataset.data_vars.items():
            dims = list(variable.dims)
            assert dims == [d for d in order if d in dims], name
            assert variable.values.flags.c_contiguous
            assert variable.dtype == np.float64
    data = result().data
    assert list(data) == list(DATA)
    assert data["demand"].dims == ("bloc", "element", "year", "draw")
    assert data["balance"].dims == ("element", "year", "draw")
    assert data["bloc"].values.tolist() == ["china", "ex_china"]
    assert data["element"].values.tolist() == ["Dy", "Tb"]
    assert data["year"].values.tolist() == list(range(2024, 2036))
    assert data["draw"].values.tolist() == list(range(DRAWS))


def test_units_everywhere() -> None:
    """Every variable of every dataset says its units and what it is."""
    one = result()
    bases = [one.basis(basis) for basis in ("gross", "net", "primary")]
    for dataset in (one.data, one.project, one.end_use, one.claims, one.inputs, *bases):
        for name, variable in dataset.data_vars.items():
            assert variable.attrs["units"], name
            assert variable.attrs["long_name"], name
    assert one.data["demand"].attrs["units"] == "t oxide/yr"
    assert one.data["surplus_stock"].attrs["units"] == "t oxide"
    assert one.inputs["anchors.stock-change-2024.value"].attrs["units"] == "t oxide/yr"
    mean = one.mean("demand")
    assert isinstance(mean, xr.DataArray)
    assert mean.attrs == one.data["demand"].attrs
    assert one.data.attrs["scenario_hash"] == one.plan.hash


def test_details_by_project_and_end_use() -> None:
    """Mean and sd of every detail, and its draws where kept."""
    for dataset, names in ((result().project, PROJECT), (result().end_use, END_USE)):
        for name in names:
            assert {name, f"{name}_mean", f"{name}_sd"} <= set(dataset.data_vars)
            found = dataset[name].mean("draw", skipna=False)
            np.testing.assert_allclose(
                found, dataset[f"{name}_mean"], rtol=1e-12, atol=1e-9, equal_nan=True
            )
    assert set(result().project["project"].values) == {
        row.id for row in rs.load_scenario().rows("projects")
    }


# ----------------------------------------------------------------------------------- statistics


def draws_of(name: str, **labels: Any) -> FloatArray:
    """Draws by labels, sums included, by xarray."""
    array = result().data[name]
    for dim, label in labels.items():
        whole = label in ("Dy+Tb", "world")
        array = array.sum(dim) if whole else array.sel({dim: label})
    return np.asarray(array.values)


CELLS: list[tuple[str, dict[str, Any]]] = [
    ("balance", {"year": 2035, "element": "Dy+Tb"}),
    ("balance", {"year": 2030, "element": "Tb"}),
    ("demand", {"year": 2035, "element": "Dy+Tb", "bloc": "world"}),
    ("demand", {"year": 2026, "element": "Dy", "bloc": "ex_china"}),
    ("mine_supply", {"year": 2035, "element": "Dy+Tb", "bloc": "ex_china"}),
    ("recycled_new_scrap", {"year": 2030, "element": "Dy", "bloc": "world"}),
    ("concentrate_stock", {"year": 2035, "element": "Dy+Tb"}),
]


@pytest.mark.parametrize(("name", "labels"), CELLS)
def test_one_cell(name: str, labels: dict[str, Any]) -> None:
    """One cell gives a float: mean, quantile and probability are numpy's on the draws."""
    draws, one = draws_of(name, **labels), result()
    mean = one.mean(name, **labels)
    assert isinstance(mean, float)
    assert mean == pytest.approx(draws.mean(), rel=1e-12)
    for q in (0, 0.05, 0.5, 0.95, 1):
        found = one.quantile(name, q, **labels)
        assert isinstance(found, float)
        assert found == pytest.approx(np.quantile(draws, q), rel=1e-12)
    low, high = np.quantile(draws, [0.2, 0.7])
    below, above = (one.probability(name, **{side: low}, **labels) for side in ("below", "above"))
    assert below == (draws < low).mean()
    assert above == (draws > low).mean()
    between = one.probability(name, above=low, below=high, **labels)
    assert isinstance(between, float)
    assert between == ((draws > low) & (draws < high)).mean()
    np.testing.assert_allclose(one.values(name, **labels), draws, rtol=1e-12, atol=1e-9)


def test_arrays_with_labels() -> None:
    """What is not chosen stays an axis; sums are made in each draw and stand last."""
    one = result()
    quantile = one.quantile("demand", 0.9)
    assert isinstance(quantile, xr.DataArray)
    assert quantile.dims == ("bloc", "element", "year")
    assert quantile["bloc"].values.tolist() == ["china", "ex_china", "world"]
    assert quantile["element"].values.tolist() == ["Dy", "Tb", "Dy+Tb"]
    assert quantile.name == "demand"
    for bloc in ("china", "world"):
        for element in ("Tb", "Dy+Tb"):
            draws = draws_of("demand", bloc=bloc, element=element)
            np.testing.assert_allclose(
                quantile.sel(bloc=bloc, element=element),
                np.quantile(draws, 0.9, axis=-1),
                rtol=1e-12,
            )
    by_year = one.probability("balance", below=0, element="Dy+Tb")
    assert isinstance(by_year, xr.DataArray)
    assert by_year.dims == ("year",)
    mean = one.mean("demand", year=2030)
    assert isinstance(mean, xr.DataArray)
    assert mean.dims == ("bloc", "element")
    # a quantile of a sum is no sum of quantiles
    parts = quantile.sel(bloc=["china", "ex_china"]).sum("bloc")
    assert (abs(parts - quantile.sel(bloc="world")) > 1e-6).any()
    output = one.mean("project.output", year=2035, element="Dy")
    assert isinstance(output, xr.DataArray)
    assert output.dims == ("project",)


def test_claims_and_inputs_by_name() -> None:
    """Claims and inputs take the same statistics; they have no year to choose."""
    one = result()
    for name, draws in (
        ("cru-deficit-2035.annual", one.claims["cru-deficit-2035.annual"].values),
        ("projects.browns-range.heavy", one.inputs["projects.browns-range.heavy"].values),
    ):
        assert one.mean(name) == pytest.approx(draws.mean(), rel=1e-12)
        assert one.quantile(name, 0.25) == pytest.approx(np.quantile(draws, 0.25), rel=1e-12)
        assert one.probability(name, above=300) == (draws > 300).mean()
        with pytest.raises(rs.ReesupplyError, match="has no axis 'year'; its axes are draws only"):
            one.mean(name, year=2030)
    deficit = -draws_of("balance", year=2035, element="Dy+Tb")
    np.testing.assert_allclose(one.values("cru-deficit-2035.annual"), deficit, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("balanse", {}, "did you mean 'balance'?"),
        ("cru-deficit-2035.anual", {}, "did you mean 'cru-deficit-2035.annual'?"),
        ("balance", {"element": "dy"}, "element: found 'dy'; allowed: Dy, Tb, Dy+Tb"),
        ("balance", {"element": "Nd"}, "allowed: Dy, Tb, Dy+Tb"),
        ("demand", {"bloc": "ex-china"}, "did you mean 'ex_china'?"),
        ("demand", {"bloc": "world "}, "did you mean 'world'?"),
        ("balance", {"year": 2036}, "year: found 2036, allowed is an integer from 2024 to 2035"),
        ("balance", {"year": "2035"}, "year: found '2035'"),
        ("balance", {"bloc": "world"}, "balance has no axis 'bloc'; its axes are element, year"),
        ("balance", {"year": [2030, 2035]}, "year: found [2030, 2035]"),
        ("balance", {"year": np.array([2030, 2035])}, "year: found array([2030, 2035])"),
        (["balance", "demand"], {}, "result: found ['balance', 'demand'], which is no variable"),
        (None, {}, "result: found None, which is no variable"),
    ],
)
def test_unknown_names(name: Any, arguments: dict[str, Any], text: str) -> None:
    """An unknown name or label is one sentence with the nearest, for every statistic."""
    one = result()
    for ask in (
        lambda: one.mean(name, **arguments),
        lambda: one.quantile(name, 0.5, **arguments),
        lambda: one.probability(name, below=0, **arguments),
        lambda: one.values(name, **arguments),
    ):
        with pytest.raises(rs.ReesupplyError) as error:
            ask()
        assert text in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan"), "0.5", None, [0.1, 0.9], 50])
def test_probabilities_of_quantiles(q: Any) -> None:
    """A quantile takes one probability."""
    with pytest.raises(
        rs.ReesupplyError, match=r"^q: found .*allowed is a probability from 0 to 1"
    ):
        result().quantile("balance", q)


def test_probability_needs_a_bound() -> None:
    """Neither bound is an error that says what a deficit is."""
    with pytest.raises(rs.ReesupplyError, match="for a deficit below=0"):
        result().probability("balance")


@lru_cache(maxsize=1)
def counted() -> rs.Result:
    """A run that keeps nothing."""
    return rs.simulate(draws=64, rng=1, keep=())


@pytest.mark.parametrize("run", [result, counted])
@pytest.mark.parametrize("bound", [float("nan"), "0", [0.0, 1.0], np.zeros(2), True])
@pytest.mark.parametrize("side", ["below", "above"])
def test_bounds_are_numbers(run: Callable[[], rs.Result], side: str, bound: Any) -> None:
    """NaN was certain without draws and impossible with them; a text was a traceback of numpy."""
    with pytest.raises(rs.ReesupplyError, match=rf"^{side}: found .*, allowed is a number$"):
        run().probability("balance", **{side: bound})


def test_claims_are_asked_for_by_name() -> None:
    """All of them at once are no quantity, kept or not."""
    for run in (result, counted):
        with pytest.raises(rs.ReesupplyError, match="found 'claims', which is no variable, claim"):
            run().quantile("claims", 0.5)


def test_labels_may_be_those_of_an_array() -> None:
    """A coordinate of `result.data` selects as its number does."""
    for year in result().data["year"][-2:]:
        assert result().mean("balance", year=year, element="Dy") == result().mean(
            "balance", year=int(year), element="Dy"
        )


# -------------------------------------------------------------------------------------- weights


def test_uniform_weights_change_nothing() -> None:
    """Under uniform weights means and probabilities are the same to 1e-12, quantiles to a draw."""
    one, same = result(), reweighted(np.full(DRAWS, 1.0 / DRAWS))
    for name in (*DATA, "cru-deficit-2035.annual", "factors.demand"):
        a, b = one.mean(name), same.mean(name)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-9)
    for name, labels in CELLS:
        draws = np.sort(draws_of(name, **labels))
        bound = float(draws[300])
        expected = one.probability(name, below=bound, **labels)
        assert same.probability(name, below=bound, **labels) == pytest.approx(expected, abs=1e-12)
        # the smallest value whose weight reaches q, against interpolation between two draws
        for q in (0.05, 0.5, 0.95):
            found = same.quantile(name, q, **labels)
            place = int((draws < one.quantile(name, q, **labels)).sum())
            assert draws[max(place - 2, 0)] - 1e-9 <= found <= draws[place + 1] + 1e-9
    for dataset, weighted in ((one.project, same.project), (one.end_use, same.end_use)):
        assert set(dataset) == set(weighted)
        for detail in dataset:
            if str(detail).endswith(("_mean", "_sd")):
                np.testing.assert_allclose(dataset[detail], weighted[detail], rtol=1e-6, atol=1e-5)


def test_a_point_mass_is_that_draw() -> None:
    """All weight on one draw: every statistic is that draw, with no spread."""
    weights = np.zeros(DRAWS)
    weights[17] = 1.0
    one = reweighted(weights)
    for name, labels in CELLS:
        draw = draws_of(name, **labels)[17]
        assert one.mean(name, **labels) == pytest.approx(draw, rel=1e-12)
        for q in (0.05, 0.5, 0.95):
            assert one.quantile(name, q, **labels) == pytest.approx(draw, rel=1e-12)
        assert one.probability(name, above=draw + 1.0, **labels) == 0.0
        assert one.probability(name, above=draw - 1.0, **labels) == 1.0
    table = one.summary()
    np.testing.assert_allclose(
        table["balance mean"], draws_of("balance", element="Dy+Tb")[:, 17], rtol=1e-12, atol=1e-9
    )
    detail = one.project
    np.testing.assert_allclose(
        detail["output_mean"], detail["output"].isel(draw=17), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(detail["output_sd"], 0.0, atol=1e-9)


def test_weighted_statistics_need_draws() -> None:
    """With weights a mean comes from draws; what was not kept is refused or left out."""
    bare = rs.simulate(draws=8, rng=1, keep=("balance",))
    weighted = rs.Result(
        plan=bare.plan,
        draws=8,
        entropy=1,
        design="random",
        seconds=0.0,
        input_names=(),
        arrays=bare.arrays,
        moments=bare.moments,
        weights=np.full(8, 1 / 8),
    )
    assert isinstance(weighted.mean("balance", year=2030, element="Dy"), float)
    with pytest.raises(rs.ReesupplyError, match="draws of 'demand' were not kept"):
        weighted.mean("demand")
    assert not [name for name in weighted.project if str(name).endswith("_mean")]


def test_weighted_quantile() -> None:
    """The smallest value whose cumulative weight reaches q; zero weights never count."""
    x = np.array([[3.0, 1.0, 2.0, 9.0], [30.0, 10.0, 20.0, 90.0]])
    weights = np.array([0.25, 0.25, 0.5, 0.0])
    for q, expected in ((0.2, 1.0), (0.3, 2.0), (0.74, 2.0), (0.8, 3.0), (1.0, 3.0)):
        np.testing.assert_array_equal(weighted_quantile(x, q, weights), [expected, 10 * expected])


# --------------------------------------------------------------------------------------- tables


def test_summary() -> None:
    """Year by year: means, P5, P50, P95 of the balance, and the chance of a deficit."""
    table = result().summary()
    assert table.index.tolist() == list(range(2024, 2036))
    assert table.index.name == "year"
    balance = draws_of("balance", element="Dy+Tb")
    np.testing.assert_allclose(table["balance mean"], balance.mean(axis=-1), rtol=1e-12)
    np.testing.assert_allclose(table["P(deficit)"], (balance < 0).mean(axis=-1), rtol=1e-12)
    for q in LEVELS:
        np.testing.assert_allclose(
            table[f"balance P{100 * q:.0f}"], np.quantile(balance, q, axis=-1), rtol=1e-12
        )
    demand = draws_of("demand", element="Dy+Tb", bloc="world")
    np.testing.assert_allclose(table["demand mean"], demand.mean(axis=-1), rtol=1e-12)
    assert np.isfinite(table.to_numpy()).all()


def test_precision_shrinks() -> None:
    """
    Half widths cover the error of a quantile and shrink like one over the root of the draws.

    Sixteen times the draws give a quarter of the width; the widths of a few draws are noisy, so
    the median over all rows is compared.
    """
    keep = ("balance", "claims")
    few, many = (rs.simulate(draws=n, rng=4, keep=keep).precision() for n in (1024, 16 * 1024))
    assert few.index.names == ["quantity", "statistic"]
    assert ("balance 2035", "P50") in few.index
    assert ("cru-deficit-2035.annual", "P95") in few.index
    assert np.isfinite(few.to_numpy()).all()
    assert (few["half_width"] >= 0).all()
    wide = many["half_width"] > 0
    ratio = few["half_width"][wide] / many["half_width"][wide]
    assert 3.3 < ratio.median() < 4.8
    # two runs differ by about what the narrower one's widths and the wider one's say
    off = abs(few["value"] - many["value"])[wide] / few["half_width"][wide]
    assert (off < 3.0).all()
    assert off.median() < 1.0
    shares = many["share_of_range"]
    assert (shares[shares > 0] < 0.1).all()


def test_repr() -> None:
    """A result says what it is, in text and in a notebook."""
    one = result()
    text = repr(one)
    assert "1,500 draws (random), 2024-2035" in text
    assert one.plan.hash[:12] in text
    assert "2026-05-31" in text
    html = one._repr_html_()
    assert "<table" in html
    assert "&lt;Result of" in html


def test_provenance() -> None:
    """What repeats a run: hash, changes, seed, design, draws and versions."""
    scenario = rs.load_scenario().replace({"projects.nolans.dy": 30})
    one = rs.simulate(scenario, draws=5, rng=2**100, design="lhs")
    found = one.provenance
    assert found["scenario_hash"] == scenario.hash != rs.load_scenario().hash
    assert found["changes"] == ["projects.nolans.dy"]
    assert (found["entropy"], found["design"], found["draws"]) == (str(2**100), "lhs", 5)
    assert found["data_date"] == "2026-05-31"
    assert set(found["versions"]) == {"reesupply", "numpy", "scipy"}
    again = rs.simulate(
        scenario, draws=found["draws"], rng=int(found["entropy"]), design=found["design"]
    )
    np.testing.assert_array_equal(again.arrays["balance"], one.arrays["balance"])


def test_result_pickles() -> None:
    """A result that went through pickle gives the same numbers."""
    one = rs.simulate(draws=20, rng=1)
    copied = pickle.loads(pickle.dumps(one))
    assert repr(copied) == repr(one)
    assert copied.data.identical(one.data)
    assert copied.summary().equals(one.summary())
