"""The shipped scenarios say what their titles say, and the baseline is plausible."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

import reesupply as rs

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

KEEP = (
    *("demand", "balance", "base_year_factor", "claims", "inputs"),
    *("project.output", "project.capacity", "project.separated", "end_use.demand"),
)


@lru_cache(maxsize=8)
def run(name: str, draws: int = 2048) -> rs.Result:
    """One run of a shipped scenario for all tests here."""
    return rs.simulate(name, draws=draws, rng=1, keep=KEEP)


def rows_of(result: rs.Result, **wanted: str) -> list[str]:
    """Ids of the project rows with these columns, rows inside the captive total left out."""
    return [
        row.id
        for row in result.plan.scenario.rows("projects")
        if row.part_of is None
        and all(getattr(row, column) == value for column, value in wanted.items())
    ]


def places(result: rs.Result, **wanted: str) -> list[int]:
    """Their places on the project axis."""
    return [result.plan.projects.index(name) for name in rows_of(result, **wanted)]


# ------------------------------------------------------------------------------ all of them


def test_what_is_shipped() -> None:
    """The scenarios that the documents name are there, the baseline first."""
    names = rs.list_scenarios()
    assert names[0] == "baseline"
    assert {"announced", "cru-reading", "slips"} <= set(names)
    titles = [rs.load_scenario(name).title for name in names]
    assert all(titles)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", rs.list_scenarios())
def test_it_runs(name: str) -> None:
    """Every shipped scenario compiles and gives finite numbers."""
    result = run(name)
    for key, array in result.arrays.items():
        if key != "project.capacity":  # NaN is "no limit known"
            assert np.isfinite(array).all(), key
    assert (result.arrays["demand"] >= 0.0).all()


# -------------------------------------------------------------------------------- announced


@pytest.mark.parametrize(("year", "tonnes"), [(2030, 1534.0), (2035, 3418.0)])
def test_announced_feed(year: int, tonnes: float) -> None:
    """The count of announced feed outside China, mines and recyclers, within 3 %."""
    result = run("announced")
    project = result.project.sel(year=year)
    mines = rows_of(result, kind="mine", bloc="ex_china")
    recyclers = rows_of(result, kind="recycler", bloc="ex_china")
    dug = project["output_mean"].sel(project=mines).sum()
    recycled = project["capacity_mean"].sel(project=recyclers).sum()
    assert float(dug + recycled) == pytest.approx(tonnes, rel=0.03)


def test_announced_has_no_spread() -> None:
    """No risk: every project outside China gives the same tonnes in every draw and year."""
    result = run("announced")
    mines = places(result, kind="mine", bloc="ex_china")
    recyclers = places(result, kind="recycler", bloc="ex_china")
    dug = result.arrays["project.output"][mines].sum(axis=1)  # only Dy against Tb is uncertain
    for tonnes in (dug, result.arrays["project.capacity"][recyclers]):
        assert (np.ptp(tonnes, axis=-1) <= 1e-9 * (1.0 + tonnes.max())).all()


def test_announced_changes_supply_only() -> None:
    """Demand and captive supply are those of the baseline in every draw, but for a rounding."""
    announced, baseline = run("announced"), run("baseline")
    captive = [
        announced.plan.projects.index(row.id)
        for row in announced.plan.scenario.rows("projects")
        if row.part_of is not None
    ]
    for name, at in (("project.separated", captive), ("demand", slice(None))):
        a, b = announced.arrays[name][at], baseline.arrays[name][at]
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-9)


# ------------------------------------------------------------------------------------ slips


def test_slips_uses_no_hazards() -> None:
    """Slips in place of decision hazards, never both: no project waits for a decision."""
    names = run("slips").plan.inputs.names
    assert not [name for name in names if name.endswith((".wait", ".outcome", ".schedule"))]
    assert any(name.endswith(".slip") for name in names)
    routes = {row.id: row.route for row in rs.load_scenario("slips").rows("stages")}
    assert "hazard" not in routes.values()
    used = {row.status for row in rs.load_scenario("slips").rows("projects")}
    assert used - {"certain"} <= routes.keys()


def test_baseline_uses_hazards() -> None:
    """The baseline is the other way round for stages before construction."""
    scenario = rs.load_scenario()
    routes = {row.id: row.route for row in scenario.rows("stages")}
    early = ("feasibility", "prefeasibility", "scoping", "resource")
    assert len({routes[stage] for stage in early}) == 1
    assert routes["feasibility"] != "slip"
    names = run("baseline").plan.inputs.names
    rows = {row.id: row for row in scenario.rows("projects")}
    for name in names:
        if name.startswith("projects.") and name.endswith(".slip"):
            assert rows[name.split(".")[1]].status not in early, name


# ------------------------------------------------------------------------------ cru-reading


def test_cru_reading() -> None:
    """It is named as a reading; demand of the base year is 1,100 t, the deficit a finite number."""
    result = run("cru-reading")
    assert "reading of CRU" in result.plan.title
    demand = result.values("demand", year=2024, element="Dy+Tb", bloc="world")
    np.testing.assert_allclose(demand, 1100.0, rtol=1e-9)
    deficit = -result.values("balance", year=2035, element="Dy+Tb")
    assert np.isfinite(deficit).all()
    assert (deficit > 0.0).all()


def test_cru_reading_starts_balanced() -> None:
    """Existing supply equals demand in the base year, and no scrap is on either side."""
    result = run("cru-reading")
    balance = result.values("balance", year=2024, element="Dy+Tb")
    np.testing.assert_allclose(balance, 0.0, atol=1e-9)
    for name in ("recycled_new_scrap", "recycled_end_of_life"):
        assert result.mean(name, year=2024, element="Dy+Tb", bloc="world") == 0.0


# --------------------------------------------------------------------------------- baseline


@pytest.mark.parametrize(("year", "tonnes"), [(2030, 279.0), (2035, 876.0)])
def test_risked_supply_outside_china(year: int, tonnes: float) -> None:
    """An independent risking of the same pipeline lies within a factor of two; not a fit."""
    supply = run("baseline").mean("mine_supply", year=year, element="Dy+Tb", bloc="ex_china")
    assert isinstance(supply, float)
    assert 0.5 * tonnes < supply < 2.0 * tonnes


@pytest.mark.parametrize("year", [2030, 2035])
def test_risk_takes_away(year: int) -> None:
    """Risked over announced supply is a share well below one at five years and after."""
    risked, announced = (
        run(name).mean("mine_supply", year=year, element="Dy+Tb", bloc="ex_china")
        for name in ("baseline", "announced")
    )
    assert 0.1 < float(risked) / float(announced) < 0.6


def test_bottom_up_demand_without_scaling() -> None:
    """
    Bottom-up demand of 2035 by judged ranges, before it is scaled, is that of its own notes.

    P10 and P90 within 11 % of 3,640 and 7,010 t, though the draws here start from a wider 2024.
    """
    result = run("judged-ranges", 4096)
    demand, factor = result.arrays["end_use.demand"], result.arrays["base_year_factor"]
    scaled = np.array([not row.stored for row in result.plan.scenario.rows("end_uses")])
    by = np.where(scaled[:, None, None, None], factor[:, None], 1.0)
    last = (demand / by).sum(axis=(0, 1))[-1]
    np.testing.assert_allclose(np.quantile(last, [0.1, 0.9]), [3640.0, 7010.0], rtol=0.11)


def captive_of(result: rs.Result) -> FloatArray:
    """Captive supply by part, (part, year, draw)."""
    rows = {row.id: row for row in result.plan.scenario.rows("projects")}
    at = [i for i, name in enumerate(result.plan.projects) if rows[name].part_of is not None]
    return np.asarray(result.arrays["project.separated"][at].sum(axis=1))


def test_an_outage_of_myanmar() -> None:
    """A shut border lowers captive supply in its year, by no more than Myanmar's share."""
    event = {
        "kind": "outage",
        "target": "projects.myanmar-kachin",
        "start": 2027,
        "years": 1,
        "probability": 1.0,
        "remaining": 0.0,
        "source": "assumption",
    }
    scenario = rs.load_scenario().replace({"events.myanmar-shut": event})
    shut = rs.simulate(scenario, draws=512, rng=1, keep=("project.separated", "demand"))
    free = rs.simulate(draws=512, rng=1, keep=("project.separated", "demand"))
    place = free.plan.projects.index("myanmar-kachin")
    myanmar = free.arrays["project.separated"][place].sum(axis=0)
    lost = captive_of(free).sum(axis=0) - captive_of(shut).sum(axis=0)
    year = free.plan.years.index(2027)
    assert (lost[year] > 0.0).all()
    assert (lost[year] <= myanmar[year] * (1.0 + 1e-12)).all()
    others = [y for y in range(len(free.plan.years)) if y != year]
    np.testing.assert_array_equal(lost[others], 0.0)
    np.testing.assert_array_equal(shut.arrays["demand"], free.arrays["demand"])


def test_a_later_mine_leaves_demand_alone() -> None:
    """Browns Range slips: demand is bit-identical in every draw, supply outside China is not."""
    scenario = rs.load_scenario().replace({"projects.browns-range.start": "pert(2030, 2031, 2034)"})
    keep = ("demand", "use_demand", "end_use.demand", "mine_supply")
    slipped, plain = (rs.simulate(s, draws=512, rng=1, keep=keep) for s in (scenario, "baseline"))
    for name in keep[:3]:
        np.testing.assert_array_equal(slipped.arrays[name], plain.arrays[name], name)
    assert not np.array_equal(slipped.arrays["mine_supply"][1], plain.arrays["mine_supply"][1])
