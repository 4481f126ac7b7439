"""Elements beyond the heavy pair: more rows of data, the same code."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import reesupply as rs
from reesupply.engine.variables import DATA

#: Gadolinium and holmium in captive supply, in one mine, and in two end uses.
MORE = {
    "elements.Gd": {
        "name": "gadolinium",
        "oxide": "Gd2O3",
        "oxide_per_metal": 1.1526,
        "captive_ratio": 1.18,
    },
    "elements.Ho": {
        "name": "holmium",
        "oxide": "Ho2O3",
        "oxide_per_metal": 1.1455,
        "captive_ratio": "pert(0.15, 0.17, 0.2)",
    },
    "trajectories.two-wheelers.gd_fraction.world.2024": {
        "value": "pert(0.02, 0.035, 0.05)",
        "unit": "1",
    },
    "trajectories.other-magnets.ho_fraction.world.2024": {
        "value": "pert(0.001, 0.004, 0.01)",
        "unit": "1",
    },
    "projects.nolans": {"gd": 60.0},
}
DRAWS = 1_500


@cache
def two() -> rs.Result:
    """The baseline."""
    return rs.simulate(draws=DRAWS, rng=1)


@cache
def four() -> rs.Result:
    """The baseline with gadolinium and holmium."""
    return rs.simulate(rs.load_scenario().replace(MORE), draws=DRAWS, rng=1)


@pytest.mark.parametrize("name", DATA)
def test_the_pair_does_not_notice(name: str) -> None:
    """Dy and Tb have the same bits with two elements or four: further ones ride along."""
    axis = DATA[name].dims.index("element")

    pair = four().arrays[name].take([0, 1], axis=axis)

    assert np.array_equal(two().arrays[name], pair)


def test_sums_and_claims_are_of_the_pair() -> None:
    """The label Dy+Tb, and every published claim, mean the pair whatever else is in the run."""
    assert four().all_elements == "Dy+Tb"
    assert four().summary().equals(two().summary())
    assert np.array_equal(four().arrays["claims"], two().arrays["claims"])


@pytest.mark.parametrize("element", ["Gd", "Ho"])
def test_a_further_element_balances(element: str) -> None:
    """Its supply less demand is its balance, and its base year closes on its stock change."""
    result = four()
    world = {
        name: result.values(name, element=element, bloc="world")
        for name in ("refined_supply", "recycled_new_scrap", "recycled_end_of_life", "demand")
    }
    gap = sum(world.values()) - 2.0 * world["demand"]
    balance = result.values("balance", element=element)

    assert np.allclose(balance, gap, rtol=1e-9, atol=1e-9)
    ratio = 1.18 if element == "Gd" else result.values("elements.Ho.captive_ratio")
    change = ratio * result.values("anchors.stock-change-2024.value")
    assert np.allclose(balance[0], change, rtol=1e-6)


def test_a_mine_carries_its_element() -> None:
    """Nolans' gadolinium reaches the market with its Dy and Tb, and only then."""
    result = rs.simulate(
        rs.load_scenario().replace(MORE), draws=256, rng=1, keep=("project.separated",)
    )
    mine = result.project["separated"].sel(project="nolans")

    assert np.allclose(mine.sel(element="Gd"), 60.0 / 25.0 * mine.sel(element="Dy"))
    assert float(mine.sel(element="Gd").max()) > 0.0


def test_an_element_that_nobody_needs_is_all_surplus() -> None:
    """Without a demand row the factor is 1 and the balance is the supply."""
    alone = {k: v for k, v in MORE.items() if k == "elements.Gd"}
    result = rs.simulate(rs.load_scenario().replace(alone), draws=256, rng=1)

    supply = result.values("refined_supply", element="Gd", bloc="world")

    assert np.array_equal(result.values("balance", element="Gd"), supply)


def test_an_element_has_its_own_recovery() -> None:
    """Refineries lose a little more of one element; mines' feed and captive supply stay as is."""
    changed = rs.load_scenario().replace({"elements.Tb.recovery_factor": 0.9})
    keep = ("project.separated", "project.output")
    a, b = (rs.simulate(s, draws=256, rng=1, keep=keep) for s in (rs.load_scenario(), changed))
    mine, part = (a.plan.projects.index(n) for n in ("mt-weld-heavy", "china-quota-mines"))
    before, after = (run.arrays["project.separated"] for run in (a, b))

    assert np.array_equal(a.arrays["project.output"], b.arrays["project.output"])
    assert np.allclose(after[mine, 1], 0.9 * before[mine, 1])
    assert np.array_equal(after[mine, 0], before[mine, 0])
    assert np.array_equal(after[part], before[part])


def test_laos_is_a_lever_of_its_own() -> None:
    """A part of the captive total may grow beside it, and the other parts do not notice."""
    calm = rs.load_scenario().replace({"disruptions.myanmar-border.shuts": 0})
    changed = calm.replace({"projects.laos-clay.growth": 0.1})
    a, b = (
        rs.simulate(s, draws=256, rng=1, keep=("project.output",)).arrays["project.output"]
        for s in (calm, changed)
    )
    names = rs.compile(calm).projects
    laos, malaysia = names.index("laos-clay"), names.index("malaysia-clay")
    rate = a[laos, 0, 1] / a[laos, 0, 0]

    assert np.allclose(b[laos, 0, 5], a[laos, 0, 0] * (rate + 0.1) ** 5)
    assert np.array_equal(a[malaysia], b[malaysia])


def test_clay_pads_run_out_unless_they_are_renewed() -> None:
    """Half of the pads renewed: down to half within one life, in a straight line, then flat."""
    calm = (
        rs.load_scenario()
        .replace({"disruptions.myanmar-border.shuts": 0, "anchors.captive-growth.value": 0})
        .replace({"anchors.captive-growth-error.value": 0})
    )
    pads = {"projects.laos-clay.pad_life": 4, "projects.laos-clay.pads_renewed": 0.5}
    kept = {"projects.laos-clay.pad_life": 4}
    a, b, c = (
        rs.simulate(s, draws=256, rng=1, keep=("project.output",)).arrays["project.output"]
        for s in (calm, calm.replace(pads), calm.replace(kept))
    )
    laos = rs.compile(calm).projects.index("laos-clay")
    left = [1.0, 0.875, 0.75, 0.625, *[0.5] * 8]

    assert np.allclose(b[laos, 0], a[laos, 0] * np.array(left)[:, np.newaxis])
    assert np.array_equal(np.delete(a, laos, axis=0), np.delete(b, laos, axis=0))
    assert np.array_equal(a, c)
