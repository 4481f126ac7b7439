"""The tables an analyst asks for first, each against the draws it is made of."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings

import reesupply as rs
from reesupply.analysis.tables import bridge, first_deficit_year, outlook, supply_by_country
from reesupply.engine.variables import DATA
from strategies import Changes, scenario_changes, scenario_of

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

KEEP = (*DATA, "inputs", "end_use.demand", "project.separated")
CHINA, OUTSIDE = 0, 1


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run of the baseline that kept what the tables are made of."""
    return rs.simulate(draws=2048, rng=1, keep=KEEP)


@pytest.fixture(scope="module")
def weighted(result: rs.Result) -> rs.Result:
    """The same draws; those with a high deficit in the last year weigh more."""
    other = copy.copy(result)
    raw = np.exp(-result.values("balance", element="Dy+Tb", year=2035) / 2000.0)
    other.weights = raw / raw.sum()
    return other


def small(result: rs.Result, balance: list[list[float]], demand: float = 100.0) -> rs.Result:
    """The run with a balance made by hand, (draw, year) from the base year, all of it Dy."""
    yearly = np.full((len(result.plan.years), len(balance)), 50.0)
    given_years = np.array(balance).T
    yearly[: len(given_years)] = given_years
    other = copy.copy(result)
    other.draws = len(balance)
    arrays = {name: result.arrays[name][..., : len(balance)] * 0.0 for name in DATA}
    arrays["balance"][0] = yearly
    arrays["demand"][CHINA, 0] = demand
    other.arrays = arrays
    other.joint = None  # that of other draws
    return other


# -------------------------------------------------------------------------------- outlook


def test_outlook_is_the_median_of_the_draws(result: rs.Result) -> None:
    """Each column is numpy's median over draws of what its name says."""
    table, draws = outlook(result), result.arrays
    demand = draws["demand"].sum(axis=(0, 1))
    balance = draws["balance"].sum(axis=0)
    made = sum(
        draws[name][OUTSIDE].sum(axis=0)
        for name in ("refined_supply", "recycled_new_scrap", "recycled_end_of_life")
    )
    stock = draws["surplus_stock"].sum(axis=0)
    expected = {
        "demand": demand,
        "balance": balance,
        "balance Dy": draws["balance"][0],
        "balance Tb": draws["balance"][1],
        "balance / demand": balance / demand,
        "ex-China balance, final use": made - draws["use_demand"][OUTSIDE].sum(axis=0),
        "ex-China balance, magnet plants": made - draws["demand"][OUTSIDE].sum(axis=0),
        "surplus stock, weeks": stock / demand * 365.25 / 7.0,
        "concentrate stock": draws["concentrate_stock"].sum(axis=0),
    }
    assert list(table.columns) == [*expected, "P(deficit)"]
    assert list(table.index) == list(range(2024, 2036))
    for name, x in expected.items():
        np.testing.assert_allclose(table[name], np.median(x, axis=-1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(table["P(deficit)"], (balance < 0.0).mean(axis=-1), rtol=1e-9)


def test_outlook_uses_weights(result: rs.Result, weighted: rs.Result) -> None:
    """More weight on high deficits lowers the median balance and raises the chance of a deficit."""
    plain, found = outlook(result).loc[2035], outlook(weighted).loc[2035]
    assert found["balance"] < plain["balance"]
    assert weighted.weights is not None
    deficit = weighted.values("balance", element="Dy+Tb", year=2035) < 0.0
    assert found["P(deficit)"] == pytest.approx(weighted.weights @ deficit)


def test_rounding_is_no_deficit(result: rs.Result) -> None:
    """Supply equal to demand up to rounding of numbers is no deficit."""
    table: Any = outlook(small(result, [[-1e-13, -1.0], [1e-13, 1.0]]))
    assert table["P(deficit)"].loc[2024] == 0.0
    assert table["P(deficit)"].loc[2025] == 0.5


# --------------------------------------------------------------------- first year of deficit


def test_first_deficit_year_by_hand(result: rs.Result) -> None:
    """Of demand of 100: a gap of 2 is none, 3 is one; later gaps and the base year do not count."""
    table: Any = first_deficit_year(
        small(
            result,
            [
                [-50.0, 1.0, -3.0, -9.0],  # 2026, whatever the base year was
                [0.0, -3.0, 5.0, -3.0],  # 2025
                [0.0, -2.0, -1.9, 0.0],  # never: not above 2 %
                [0.0, 0.0, -2.1, 0.0],  # 2026
            ],
        )
    )
    chance = table["probability"]
    assert list(table.index) == [*range(2025, 2036), "none"]
    assert chance.loc[2025] == 0.25
    assert chance.loc[2026] == 0.5
    assert chance.loc["none"] == 0.25
    assert chance.sum() == pytest.approx(1.0, abs=1e-12)
    assert table["cumulative"].loc[2026] == 0.75
    assert table["cumulative"].iloc[-1] == pytest.approx(1.0, abs=1e-12)


def test_first_deficit_year_sums_to_one(result: rs.Result, weighted: rs.Result) -> None:
    """Each draw is counted in one year, with or without weights."""
    for each in (result, weighted):
        table: Any = first_deficit_year(each)
        assert table["probability"].sum() == pytest.approx(1.0, abs=1e-12)
        assert (table["probability"] >= 0.0).all()
        np.testing.assert_allclose(table["cumulative"], table["probability"].cumsum())


def test_first_deficit_year_draw_by_draw(result: rs.Result) -> None:
    """The same by a plain loop over draws."""
    balance = result.arrays["balance"].sum(axis=0)
    demand = result.arrays["demand"].sum(axis=(0, 1))
    counts = dict.fromkeys([*range(2025, 2036), "none"], 0)
    for draw in range(result.draws):
        years = [
            year
            for year in range(2025, 2036)
            if -balance[year - 2024, draw] > 0.02 * demand[year - 2024, draw]
        ]
        counts[years[0] if years else "none"] += 1
    found = first_deficit_year(result)["probability"] * result.draws
    np.testing.assert_allclose(found, list(counts.values()), atol=1e-9)


# --------------------------------------------------------------------------------- bridge


def assert_adds_up(table: Any) -> None:
    """Level, steps and level: the running total ends at the last balance."""
    steps = table["change"].to_numpy()
    assert np.isfinite(steps).all()
    scale = np.abs(steps).max() + 1.0
    assert abs(steps[:-1].sum() - steps[-1]) <= 1e-9 * scale
    assert abs(table["running"].iloc[-2] - table["running"].iloc[-1]) <= 1e-9 * scale


@pytest.mark.parametrize("name", rs.list_scenarios())
def test_bridge_adds_up(name: str) -> None:
    """From the first balance to the last in every shipped scenario, without any draw kept."""
    result = rs.simulate(name, draws=256, rng=1, keep=())
    table: Any = bridge(result)
    assert_adds_up(table)
    for row, year in ((0, 2024), (-1, 2035)):
        balance = result.mean("balance", year=year, element="Dy+Tb")
        assert table.index[row] == f"balance {year}"
        assert table["change"].iloc[row] == pytest.approx(balance, rel=1e-12)


@settings(max_examples=8)
@given(changes=scenario_changes())
def test_bridge_adds_up_on_random_scenarios(changes: Changes) -> None:
    """The steps leave nothing out whatever the scenario changes."""
    scenario = scenario_of(changes)
    assert_adds_up(bridge(rs.simulate(scenario, draws=32, rng=1, keep=(), workers=1)))


def test_steps_of_the_bridge(result: rs.Result) -> None:
    """Each step is a difference of means of the draws, with its sign."""
    table, draws = bridge(result)["change"], result.arrays
    for name, step in (
        ("recycled_new_scrap", "new scrap"),
        ("recycled_end_of_life", "end of life"),
    ):
        yearly = draws[name].sum(axis=(0, 1)).mean(axis=-1)
        assert table[step] == pytest.approx(yearly[-1] - yearly[0], rel=1e-9)
    demand = draws["demand"].sum(axis=(0, 1)).mean(axis=-1)
    by_sector = table[table.index.str.startswith("demand: ")].sum()
    assert by_sector == pytest.approx(-(demand[-1] - demand[0]), rel=1e-9)
    mined = draws["refined_supply"].sum(axis=(0, 1)).mean(axis=-1)
    by_mines = table[["Chinese and captive mines", "other mines"]].sum()
    assert by_mines == pytest.approx(mined[-1] - mined[0], rel=1e-9)


def test_bridge_under_weights(result: rs.Result, weighted: rs.Result) -> None:
    """Levels and steps use the same weights, so that they still add up."""
    table: Any = bridge(weighted)
    assert_adds_up(table)
    assert table["change"].iloc[-1] < bridge(result)["change"].iloc[-1] - 100.0
    bare = copy.copy(weighted)
    bare.arrays = {name: array for name, array in weighted.arrays.items() if name in DATA}
    with pytest.raises(rs.ReesupplyError, match=r"end_use\.demand.*not kept"):
        bridge(bare)


# ------------------------------------------------------------------------------- countries


@pytest.mark.parametrize("name", rs.list_scenarios())
def test_countries_sum_to_mine_supply(name: str) -> None:
    """Every tonne that mines supply comes from some country."""
    result = rs.simulate(name, draws=256, rng=1, keep=())
    table: Any = supply_by_country(result)
    assert list(table.columns) == [2024, 2030, 2035]
    for year in table.columns:
        total = result.mean("mine_supply", year=year, element="Dy+Tb", bloc="world")
        assert table[year].sum() == pytest.approx(total, rel=1e-9)
    assert (table.to_numpy() >= 0.0).all()
    assert (table.to_numpy() > 0.0).any(axis=1).all(), "a country without supply is not shown"
    last = table[2035].to_numpy()
    assert (last[:-1] >= last[1:]).all(), "largest first"


def test_a_country_is_the_sum_of_its_rows(result: rs.Result) -> None:
    """Australia is what its mines give, year by year."""
    years = [2027, 2033]
    table: Any = supply_by_country(result, years)
    assert list(table.columns) == years
    rows = result.plan.scenario.rows("projects")
    own = [row.id for row in rows if row.country == "Australia"]
    means = result.project["separated_mean"].sel(project=own, year=years)
    np.testing.assert_allclose(table.loc["Australia"], means.sum(["project", "element"]))


def test_countries_under_weights(weighted: rs.Result) -> None:
    """Under weights the sum is that of the weighted mine supply."""
    table: Any = supply_by_country(weighted)
    for year in table.columns:
        total = weighted.mean("mine_supply", year=year, element="Dy+Tb", bloc="world")
        assert table[year].sum() == pytest.approx(total, rel=1e-9)
