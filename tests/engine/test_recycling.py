"""Recycling and the past in closed form: what comes back of what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.engine.history import compile_past
from reesupply.engine.recycling import _check_positive
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


def test_process_scrap_of_the_year_before() -> None:
    """In the base year a part of the scrap is of the year before, which was as much smaller."""
    delay = {"recycling.all.delay.world.2024.value": 0.5}
    keep: tuple[str, ...] = ("end_use.demand", "end_use.contained", "end_use.making_outside")
    keep += ("recycled_new_scrap", "lost_new_scrap", "base_year_factor", "inputs")
    scenario = rs.load_scenario().replace(delay)
    result = rs.simulate(scenario, draws=64, rng=1, keep=keep)
    bought, contained, outside, new, lost, factor = (result.arrays[name] for name in keep[:-1])
    rows = scenario.rows("end_uses")
    scaled = np.array([[not row.stored] for row in rows])
    weight = (bought[:, :, 0] / factor).sum(axis=1) * scaled
    error = result.values("anchors.history-scale.value")
    last_year = np.stack(compile_past(scenario).index(weight, error))[:, -1]
    arising = (bought - contained)[:, :, 0]
    ready = arising * (0.5 + 0.5 * last_year)[:, np.newaxis]
    share = outside[:, np.newaxis, 0]
    expected = [(ready * (1.0 - share)).sum(axis=0), (ready * share).sum(axis=0)]
    np.testing.assert_allclose((new + lost)[:, :, 0], expected, rtol=1e-9)


#: Plants without limit, and one effort for all goods.
EASY = {
    f"projects.{name}.{column}": value
    for name in (row.id for row in rs.load_scenario().rows("projects") if row.kind == "recycler")
    for column, value in (
        ("capacity", 1e6),
        ("status", "certain"),
        ("start", 2010),
        ("ramp", "none"),
    )
} | {
    "recycling.*.collection.*.*.value": 0.2,
    "recycling.all.dismantling.world.2024.value": 0.5,
    "recycling.all.dismantling.world.2035.value": 0.8,
    "recycling.all.processing.world.2024.value": 0.9,
}


def recovered(changes: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
    """Recovered from the end of life, and all that was ready, (bloc, element, year, draw)."""
    keep = ("recycled_end_of_life", "lost_end_of_life")
    scenario = rs.load_scenario().replace(EASY | changes)
    old, lost = (rs.simulate(scenario, draws=32, rng=1, keep=keep).arrays[name] for name in keep)
    return old, old + lost


def test_what_is_recovered_of_old_goods() -> None:
    """
    Collection x dismantling x processing of what is ready, times the effort of the base year.

    A tenth of it is measured, so neither a perfect collection nor the plants limit anything.
    Collection outside China rises from 0.2 to 0.8 at 0.3 a year.
    """
    ceiling = {"value": 0.8, "unit": "1", "source": "assumption"}
    changes: dict[str, Any] = {"anchors.eol-china-2024.value": 10} | {
        f"recycling.{row.id}.collection_ceiling.ex_china.2024": ceiling
        for row in rs.load_scenario().rows("end_uses")
    }
    rate = {"recycling.all.collection_growth.ex_china.2024.value": 0.3}
    old, ready = recovered(changes | rate)
    found = old / ready
    years = np.arange(12.0)
    dismantled = 0.5 + 0.3 * years / 11.0
    risen = 0.8 / (1.0 + 3.0 * np.exp(-0.3 * years))
    for share, collected in zip(found, (np.full(12, 0.2), risen), strict=True):
        effort = found[0, :, :1] / (0.2 * 0.5 * 0.9)
        expected = effort * (collected * dismantled * 0.9)[:, np.newaxis]
        np.testing.assert_allclose(share, expected, rtol=1e-9)


def test_no_more_comes_back_than_a_perfect_collection_gives() -> None:
    """Where more was measured than left use, all of it is collected and taken apart."""
    in_china = {"trajectories.all.use_share.ex_china.2024.value": 0}
    old, ready = recovered(in_china | {"anchors.eol-china-2024.value": 20_000})
    np.testing.assert_allclose(old[0], 0.9 * ready[0], rtol=1e-9)


def test_plants_limit_what_was_measured() -> None:
    """Plants of 100 t in China: 100 t come back of old goods there, and the base year closes."""
    keep = ("balance", "recycled_end_of_life", "inputs")
    scenario = rs.load_scenario().replace({"projects.china-scrap-recyclers.capacity": 100})
    result = rs.simulate(scenario, draws=64, rng=1, keep=keep)
    back = result.arrays["recycled_end_of_life"][0, :, 0].sum(axis=0)
    np.testing.assert_allclose(back, 100.0, rtol=1e-9)
    change = result.values("anchors.stock-change-2024.value")
    balance = result.values("balance", year=2024, element="Dy+Tb")
    np.testing.assert_allclose(balance, change, atol=1e-6)


def test_measured_tonnes_are_divided_like_what_could_be_recovered() -> None:
    """Of what is ready before scaling, the same share of both elements comes back in China."""
    keep = ("recycled_end_of_life", "lost_end_of_life", "base_year_factor")
    scenario = rs.load_scenario().replace(EASY | {"anchors.eol-china-2024.value": 10})
    run = rs.simulate(scenario, draws=32, rng=1, keep=keep)
    old, lost, factor = (run.arrays[name] for name in keep)
    share = (old / (old + lost))[0, :, 0] * factor
    np.testing.assert_allclose(share[0], share[1], rtol=1e-9)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_factor_that_is_no_factor(bad: float) -> None:
    """Not above zero or not a number: the base year contradicts itself in that draw."""
    with pytest.raises(rs.ReesupplyError, match="no demand in 1 of 2 draws"):
        _check_positive(np.array([[1.0, bad], [1.0, 1.0]]))


def of(series: str) -> dict[int, float]:
    """A series of history by year."""
    return {
        int(r["period"]): float(r["value"]) for r in open_csv("history") if r["series"] == series
    }


def test_the_past_by_hand() -> None:
    """Cars by number and content; what is without a series grows at the assumed rate before it."""
    scenario = rs.load_scenario()
    plan = compile_past(scenario)
    weight = np.array([[float(row.activity_history is None)] for row in scenario.rows("end_uses")])
    index = np.stack(plan.index(weight, np.ones(1)))[..., 0]
    at = {year: place for place, year in enumerate(plan.years.tolist())}
    names = [row.id for row in scenario.rows("end_uses")]
    cars, elevators = (index[names.index(name)] for name in ("ev-cars", "elevators"))
    number, content, total = (
        of(f"{name}")
        for name in ("activity-ev-cars", "dytb-content-of-magnets", "gross-demand-reconstructed")
    )
    assert (plan.years[0], plan.years[-1]) == (1995, 2023)
    for year in (2010, 2016, 2023):
        grown = number[year] / number[2024] * content[year] / content[2024]
        assert cars[at[year]] == pytest.approx(grown, rel=1e-12)
        assert elevators[at[year]] == pytest.approx(total[year] / total[2024], rel=1e-12)
    assert cars[at[2000]] == pytest.approx(cars[at[2010]] / 1.08**10, rel=1e-12)
    assert elevators[at[2000]] == pytest.approx(elevators[at[2010]] / 1.08**10, rel=1e-12)
    between = np.sqrt(total[2010] * total[2012]) / total[2024]
    assert elevators[at[2011]] == pytest.approx(between, rel=1e-12)


def test_the_error_of_the_past_is_full_in_old_years_only() -> None:
    """Twice the past: a factor of 2 until 2010, 2^(1/14) in 2023, for every end use."""
    scenario = rs.load_scenario()
    plan = compile_past(scenario)
    weight = np.array([[100.0 * (not row.stored)] for row in scenario.rows("end_uses")])
    plain, twice = (plan.index(weight, np.array([scale])) for scale in (1.0, 2.0))
    expected = 2.0 ** np.minimum((2024 - plan.years) / 14.0, 1.0)
    np.testing.assert_allclose(twice, plain * expected[:, np.newaxis], rtol=1e-12)


@pytest.mark.parametrize("measured", [305, 1500, 3000])
def test_the_base_year_closes_where_all_is_collected(measured: float) -> None:
    """Plants without limit everywhere: outside China too no more comes back than left use."""
    scenario = rs.load_scenario().replace(EASY | {"anchors.eol-china-2024.value": measured})
    run = rs.simulate(scenario, draws=128, rng=1, keep=("balance", "inputs"))
    balance = run.values("balance", year=2024, element="Dy+Tb")
    change = run.values("anchors.stock-change-2024.value")
    np.testing.assert_allclose(balance, change, atol=1e-8)
