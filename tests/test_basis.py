"""Demand and supply on three bases and at two places: one balance, in every draw."""

from __future__ import annotations

import copy
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings

import reesupply as rs
from reesupply.engine.variables import DATA, END_USE
from strategies import Changes, scenario_changes, scenario_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    FloatArray = npt.NDArray[np.float64]

BASES, PLACES = ("gross", "net", "primary"), ("making", "use")
KEEP = (*DATA, *(f"end_use.{name}" for name in END_USE))


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run of the baseline that keeps what demand is made of."""
    return rs.simulate(draws=512, rng=1, keep=KEEP)


def views(result: rs.Result) -> dict[tuple[str, str], xr.Dataset]:
    """All six combinations of basis and place."""
    return {each: result.basis(*each) for each in product(BASES, PLACES)}


def close(found: Any, expected: Any, scale: Any) -> None:
    """Equal within 1e-9 of a scale; NaN fails."""
    error = np.abs(np.asarray(found) - np.asarray(expected))
    assert (error <= 1e-9 * np.asarray(scale) + 1e-9).all(), error.max()


def world(result: rs.Result, name: str) -> FloatArray:
    """Sum over blocs, (element, year, draw)."""
    return np.asarray(result.arrays[name].sum(axis=0))


@settings(max_examples=10)
@given(changes=scenario_changes())
def test_one_balance(changes: Changes) -> None:
    """On every basis and at both places the balance is the same, and so is demand of the world."""
    result = rs.simulate(scenario_of(changes), draws=32, rng=1, keep=KEEP, workers=1)
    scale = world(result, "demand") + world(result, "refined_supply")
    found = views(result)
    for (basis, _), view in found.items():
        close(view["balance"], result.arrays["balance"], scale)
        close((view["supply"] - view["demand"]).sum("bloc"), result.arrays["balance"], scale)
        other = found[basis, "making"]
        close(view["demand"].sum("bloc"), other["demand"].sum("bloc"), scale)
        close(view["supply"], other["supply"], scale)


def test_each_basis_counts_what_it_says(result: rs.Result) -> None:
    """Supply of each basis, bloc by bloc: mines, then end of life, then new scrap."""
    arrays = result.arrays
    new, old = arrays["recycled_new_scrap"], arrays["recycled_end_of_life"]
    supply = {"primary": arrays["refined_supply"], "net": arrays["refined_supply"] + old}
    supply["gross"] = supply["net"] + new
    for (basis, _), view in views(result).items():
        close(view["supply"], supply[basis], supply["gross"])


def test_gross_demand_from_end_uses(result: rs.Result) -> None:
    """Each end use is bought and used where its shares say."""
    bought = result.arrays["end_use.demand"]
    for place in PLACES:
        outside = result.arrays[f"end_use.{place}_outside"][:, np.newaxis]
        built = np.array([(bought * share).sum(axis=0) for share in (1.0 - outside, outside)])
        close(result.basis("gross", place)["demand"], built, built.sum(axis=0))


def test_primary_demand_from_cohorts(result: rs.Result) -> None:
    """
    Primary demand is what stocks gain and what is lost, whatever was recycled in between.

    Goods in use are followed cohort by cohort and scrap on its way has a stock; neither knows of a
    basis. The first year has no stock before it.
    """
    arrays = result.arrays
    gained = np.diff(arrays["in_use_stock"] + arrays["scrap_stock"], axis=1)
    lost = (world(result, "lost_new_scrap") + world(result, "lost_end_of_life"))[:, 1:]
    scale = arrays["in_use_stock"][:, 1:]
    for place in PLACES:
        primary = result.basis("primary", place)["demand"].sum("bloc")
        close(primary[:, 1:], gained + lost, scale)


def test_net_demand_from_end_uses_and_cohorts(result: rs.Result) -> None:
    """Net demand is contained oxide, and process scrap that is lost or under way."""
    arrays = result.arrays
    contained = arrays["end_use.contained"].sum(axis=0)
    old = world(result, "retired") - world(result, "recycled_end_of_life")
    old -= world(result, "lost_end_of_life")  # under way from goods, the rest of it from making
    under_way = np.diff(arrays["scrap_stock"], axis=1) - old[:, 1:]
    built = (contained + world(result, "lost_new_scrap"))[:, 1:] + under_way
    for place in PLACES:
        net = result.basis("net", place)["demand"].sum("bloc")
        close(net[:, 1:], built, contained[:, 1:])


def test_by_use_new_scrap_is_shared(result: rs.Result) -> None:
    """By use each bloc's net demand is the same share of its gross demand."""
    gross = result.basis("gross", "use")["demand"].values
    new = world(result, "recycled_new_scrap")
    kept = 1.0 - new / gross.sum(axis=0)
    close(result.basis("net", "use")["demand"], gross * kept, gross)
    primary = gross * kept - result.arrays["recycled_end_of_life"]
    close(result.basis("primary", "use")["demand"], primary, gross)


def test_by_making_each_bloc_keeps_its_gap(result: rs.Result) -> None:
    """By making supply less demand of a bloc is one number; by use it moves with the new scrap."""
    found = {key: view["supply"] - view["demand"] for key, view in views(result).items()}
    new = result.arrays["recycled_new_scrap"]
    use = result.arrays["use_demand"]
    scale = use.sum(axis=0)
    moved = new - new.sum(axis=0) * use / scale
    for basis in ("net", "primary"):
        close(found[basis, "making"], found["gross", "making"], scale)
        close(found["gross", "use"] - found[basis, "use"], moved, scale)
    assert np.abs(moved).max() > 1.0


def test_labels(result: rs.Result) -> None:
    """A view says its basis, place, units and axes; making is the place if none is given."""
    view = result.basis("net", place="use")
    assert view.attrs["basis"] == "net"
    assert view.attrs["place"] == "use"
    assert view["demand"].dims == view["supply"].dims == ("bloc", "element", "year", "draw")
    assert view["balance"].dims == ("element", "year", "draw")
    for name, variable in view.data_vars.items():
        assert variable.attrs["units"] == "t oxide/yr"
        assert variable.attrs["long_name"] == f"{name}, net basis, by place of use"
    assert result.basis("net").attrs["place"] == "making"
    assert result.basis("net").equals(result.basis("net", "making"))


def test_weights_are_not_applied(result: rs.Result) -> None:
    """A view has draws; who takes a mean of them brings the weights."""
    raw = np.arange(1.0, result.draws + 1.0)
    weighted = copy.copy(result)
    weighted.weights = raw / raw.sum()
    for basis, place in product(BASES, PLACES):
        assert weighted.basis(basis, place).equals(result.basis(basis, place))
    np.testing.assert_array_equal(weighted.weights, raw / raw.sum())


def test_no_demand_has_no_share(result: rs.Result) -> None:
    """Where nothing is used there is no scrap to share, and no division by nothing."""
    bare = copy.copy(result)
    bare.__dict__.pop("data", None)
    names = ("demand", "use_demand", "recycled_new_scrap", "recycled_end_of_life")
    bare.arrays = result.arrays | {name: np.zeros_like(result.arrays[name]) for name in names}
    for basis in BASES:
        assert (bare.basis(basis, "use")["demand"].values == 0.0).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("primry",), "^basis: found 'primry'; did you mean 'primary'"),
        (("all",), "^basis: found 'all'; allowed: gross, net, primary"),
        ((["net"],), "^basis: found "),
        (("net", "uses"), "^place: found 'uses'; did you mean 'use'"),
        (("net", "world"), "^place: found 'world'; allowed: making, use"),
        (("contained",), r"no basis; see result\.end_use\[\"contained\"\]"),
    ],
)
def test_what_is_no_basis(result: rs.Result, arguments: Any, text: str) -> None:
    """An unknown basis or place is one sentence; contained oxide is elsewhere."""
    with pytest.raises(rs.ReesupplyError, match=text) as error:
        result.basis(*arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("place", "needed"), [("making", "demand"), ("use", "use_demand")])
def test_draws_have_to_be_kept(place: str, needed: str) -> None:
    """What was not kept is named, and with it all that has to be kept."""
    supply = ("refined_supply", "recycled_new_scrap", "recycled_end_of_life")
    bare = rs.simulate(draws=16, rng=1, keep=supply)
    with pytest.raises(rs.ReesupplyError, match=f"draws of '{needed}' were not kept"):
        bare.basis("net", place)
    assert rs.simulate(draws=16, rng=1, keep=(needed, *supply)).basis("net", place).sizes["draw"]
