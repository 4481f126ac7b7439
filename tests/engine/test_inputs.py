"""Inputs: marginals, factors, persistence, and what is an input at all."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import kstest, spearmanr

import reesupply as rs
from reesupply.distributions import Bernoulli, Discrete, parse

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

N = 16_384


@lru_cache(maxsize=1)
def sample() -> tuple[rs.Scenario, dict[str, FloatArray], rs.Result]:
    """The baseline, its inputs by name, and the run."""
    scenario = rs.load_scenario()
    keep = ("inputs", "demand", "end_use.demand", "end_use.contained")
    result = rs.simulate(scenario, draws=N, rng=11, keep=keep)
    return scenario, dict(zip(result.input_names, result.arrays["inputs"], strict=True)), result


def cell(scenario: rs.Scenario, path: str) -> Any:
    """The cell at "table.key.column"."""
    table, *key, column = path.split(".")
    return getattr(scenario.tables[table][tuple(key)], column)


@pytest.mark.parametrize(
    "path",
    [
        "projects.browns-range.heavy",
        "projects.china-separation.recovery",
        "projects.lofdal.schedule",
        "projects.serra-verde-2.heavy",
        "anchors.stock-change-2024.value",
        "anchors.captive-growth-error.value",
        "anchors.history-scale.value",
        "disruptions.myanmar-border.replaced",
    ],
)
def test_marginal_of_a_cell(path: str) -> None:
    """An input that is a cell follows the distribution of the cell."""
    scenario, inputs, _ = sample()
    value = cell(scenario, path)
    if value is None:  # a blank takes its stage's
        status = cell(scenario, f"{path.rpartition('.')[0]}.status")
        value = getattr(scenario.tables["stages"][(status,)], path.rpartition(".")[2])
    assert kstest(inputs[path], value.cdf).pvalue > 1e-3


def test_every_other_marginal() -> None:
    """Quantiles of paths are uniform, factors standard normal; none of them all is far off."""
    _, inputs, result = sample()
    units = dict(zip(result.plan.inputs.names, result.plan.inputs.units, strict=True))
    assert set(units) == set(inputs)
    quantiles = [n for n in inputs if n.startswith(("trajectories.", "recycling."))]
    several = [n for n in quantiles if inputs[n].min() > 0.0 and inputs[n].max() < 1.0]
    p_of = [kstest(inputs[n], "uniform").pvalue for n in several if f"{n}.change" in inputs]
    p_of += [kstest(inputs[n], "norm").pvalue for n in inputs if n.startswith("factors.")]
    assert len(p_of) > 40
    assert min(p_of) > 1e-3 / len(p_of)


@pytest.mark.parametrize(
    "path", ["anchors.survey-is-ore-only.value", "anchors.captive-growth.value"]
)
def test_frequencies_of_cells(path: str) -> None:
    """Values of bernoulli and discrete cells come as often as the cell says, within 4 SE."""
    scenario, inputs, _ = sample()
    value = cell(scenario, path)
    assert isinstance(value, Bernoulli | Discrete)
    found, counts = np.unique(inputs[path], return_counts=True)
    for number, count in zip(found, counts, strict=True):
        p = float(value.cdf(number) - value.cdf(np.nextafter(number, -np.inf)))
        assert abs(count / N - p) < 4.0 * np.sqrt(p * (1.0 - p) / N)
        assert p > 0.0


def test_frequencies_of_projects() -> None:
    """Decisions, successes and ramp classes are as frequent as the tables say, within 4.5 SE."""
    scenario, inputs, _ = sample()
    stages, ramps = scenario.tables["stages"], scenario.tables["ramps"]
    classes = [row.id for row in scenario.rows("ramp_classes")]
    seen = 0
    for row in scenario.rows("projects"):
        name, stage = f"projects.{row.id}", stages[(row.status,)]
        expected = []
        if f"{name}.outcome" in inputs:
            against = stage.abandon_hazard  # type: ignore[attr-defined]
            p = stage.decision_hazard / (stage.decision_hazard + against)  # type: ignore[attr-defined]
            share = (inputs[f"{name}.outcome"] >= 1.0 - p).mean()
            assert abs(share - p) <= 4.5 * np.sqrt(p * (1.0 - p) / N), name
            seen += 1
        if f"{name}.class" in inputs:
            ramp: Any = ramps[(row.ramp,)]
            weights = zip(ramp.classes, map(float, ramp.weights), strict=True)
            expected += [("class", float(classes.index(c)), w) for c, w in weights]
        for what, number, p in expected:
            share = (inputs[f"{name}.{what}"] == number).mean()
            assert abs(share - p) <= 4.5 * np.sqrt(p * (1.0 - p) / N), (name, what)
            seen += 1
    assert seen > 150


def loadings(scenario: rs.Scenario, name: str) -> dict[str, float]:
    """Loadings of an input as the table factors states them."""
    return {
        row.factor: row.loading for row in scenario.rows("factors") if fnmatchcase(name, row.input)
    }


def normals(scenario: rs.Scenario, inputs: dict[str, FloatArray], name: str) -> FloatArray:
    """Standard normal number of an input, from its quantile or by the distribution of its cell."""
    if name.startswith(("trajectories.", "recycling.")):  # several years: a quantile
        table, *key = name.removesuffix(".change").split(".")
        rows = [row for row in scenario.tables[table] if list(row[:3]) == key]
        if len(rows) > 1:
            return np.asarray(ndtri(inputs[name]))
        name = f"{name}.{rows[0][3]}.value"
        return np.asarray(ndtri(cell(scenario, name).cdf(inputs[name.rsplit(".", 2)[0]])))
    if name.startswith("factors.") or re.fullmatch(r"growth\..*\.(drift|shock\.\d+)", name):
        return inputs[name]
    if name.endswith(".wait"):
        return np.asarray(ndtri(inputs[name]))
    return np.asarray(ndtri(cell(scenario, name).cdf(inputs[name])))


CORRELATED = (
    "factors.demand",
    "factors.policy-support",
    "factors.thrifting",
    "growth.activity-ev-cars.shock.2030",
    "growth.activity-wind-total.shock.2030",
    "trajectories.hybrids.activity.world",
    "trajectories.ev-vans-trucks.activity.world",
    "trajectories.ev-cars.dy_fraction.world",
    "trajectories.ev-cars.tb_fraction.world",
    "trajectories.wind-onshore.dy_fraction.world",
    "trajectories.ev-cars.magnet_mass.world",
    "trajectories.hybrids.pm_share.world",
    "growth.activity-ev-cars.drift",
    "trajectories.ev-cars.dy_fraction.world.change",
    "projects.browns-range.wait",
    "projects.carina.wait",
    "recycling.ev-cars.collection.ex_china",
    "anchors.stock-change-2024.value",
)


def test_factor_correlations() -> None:
    """Pairs correlate by their loadings, rho = sum of products, within 4 SE (normal scale)."""
    scenario, inputs, _ = sample()
    z = [normals(scenario, inputs, name) for name in CORRELATED]
    found = np.asarray(np.corrcoef(z))
    compared = 0
    for i, one in enumerate(CORRELATED):
        for j, other in enumerate(CORRELATED[:i]):
            a, b = (
                {n.removeprefix("factors."): 1.0}
                if n.startswith("factors.")
                else loadings(scenario, n)
                for n in (one, other)
            )
            rho = sum(a[f] * b[f] for f in a.keys() & b.keys())
            assert abs(found[i, j] - rho) < 4.0 * (1.0 - rho**2) / np.sqrt(N), (one, other)
            compared += rho != 0.0
    assert compared > 15


def test_stated_correlations() -> None:
    """The correlations that the table of factors states, EV volume with Dy per car -0.3 first."""
    scenario, inputs, _ = sample()

    def rho(one: str, other: str) -> float:
        a, b = (normals(scenario, inputs, f"trajectories.{name}.world") for name in (one, other))
        return float(np.corrcoef(a, b)[0, 1])

    assert rho("hybrids.activity", "other-magnets.activity") == pytest.approx(0.3, abs=0.04)
    assert rho("ev-cars.dy_fraction", "wind-onshore.dy_fraction") == pytest.approx(0.6, abs=0.04)
    assert rho("wind-onshore.dy_fraction", "wind-onshore.tb_fraction") == pytest.approx(
        0.5, abs=0.04
    )
    assert rho("hybrids.activity", "two-wheelers.activity") == pytest.approx(0.3, abs=0.04)


def test_volume_of_cars_runs_against_their_loading() -> None:
    """
    EV sales of 2035 against Dy per magnet of 2035, as they come out: about -0.3.

    Sales are read from the tonnes with everything else per car held fixed, loading from the ratio
    of the tonnes with and without its range, draw by draw.
    """
    fixed = {
        f"trajectories.ev-cars.{name}.world.{year}.value": 1.0
        for name in ("pm_share", "magnet_mass")
        for year in (2024, 2035)
    }
    loading = {f"trajectories.ev-cars.dy_fraction.world.{y}.value": 0.01 for y in (2024, 2035)}
    base = rs.load_scenario()
    tonnes = []
    for changes in (fixed | loading, fixed):
        keep = ("end_use.contained", "base_year_factor")
        run = rs.simulate(base.replace(changes), draws=8192, rng=5, keep=keep)
        place = run.plan.end_uses.index("ev-cars")
        tonnes.append(
            run.arrays["end_use.contained"][place, 0, -1] / run.arrays["base_year_factor"][0]
        )
    rho = float(spearmanr(tonnes[0], tonnes[1] / tonnes[0]).statistic)
    assert -0.4 < rho < -0.2


def test_persistence() -> None:
    """
    The quantile in the last year keeps what the anchor persistence says of that in the base year.

    Read from what came out, not from the inputs: yield is contained over bought, and the share of
    making is demand outside over world demand.
    """
    scenario, inputs, result = sample()
    persistence = cell(scenario, "anchors.persistence.value")
    bought = result.arrays["end_use.demand"][0].sum(axis=0)
    yield_ = result.arrays["end_use.contained"][0].sum(axis=0) / bought
    world = result.arrays["demand"].sum(axis=(0, 1))
    making = result.arrays["demand"][1].sum(axis=0) / world
    for values, path in ((yield_, "all.yield.world"), (making, "all.making_share.ex_china")):
        first = parse(cell(scenario, f"trajectories.{path}.2024.value"))
        last = parse(cell(scenario, f"trajectories.{path}.2035.value"))
        assert not isinstance(first, float)
        assert not isinstance(last, float)
        quantiles = first.cdf(values[0]), last.cdf(values[-1])
        assert all(kstest(q, "uniform").pvalue > 1e-3 for q in quantiles)
        z = [ndtri(np.clip(q, 1e-12, 1 - 1e-12)) for q in quantiles]
        rho = float(np.asarray(np.corrcoef(z))[0, 1])
        assert abs(rho - persistence) < 4.0 * (1.0 - persistence**2) / np.sqrt(N)
        # the input is the quantile of the base year, the change that of what is new
        np.testing.assert_allclose(quantiles[0], inputs[f"trajectories.{path}"], atol=1e-3)
        change = ndtri(inputs[f"trajectories.{path}.change"])
        rebuilt = persistence * z[0] + np.sqrt(1.0 - persistence**2) * change
        assert np.corrcoef(rebuilt, z[1])[0, 1] > 0.9999


def test_full_persistence_has_no_change() -> None:
    """At persistence 1 one quantile serves all years; change is left where today is a number."""
    scenario = rs.load_scenario().replace({"anchors.persistence.value": 1})
    changes = [n for n in rs.compile(scenario).inputs.names if n.endswith(".change")]
    for name in changes:
        path = name.removesuffix(".change")
        assert isinstance(cell(scenario, f"{path}.2024.value"), float)
    assert "trajectories.wind-onshore.activity.world.change" in changes
    assert "trajectories.hybrids.activity.world.change" not in changes


def test_loadings_above_one() -> None:
    """Squared loadings that sum above 1 are one sentence that names input and sum."""
    row = {"loading": 0.95, "source": "assumption"}
    scenario = rs.load_scenario().replace({"factors.new.projects.browns-range.outcome": row})
    with pytest.raises(rs.ScenarioError) as error:
        rs.compile(scenario)
    text = str(error.value)
    assert "\n" not in text
    assert "projects.browns-range.outcome" in text
    assert "1.1" in text
    assert "allowed is at most 1" in text


def test_the_last_loading_that_matches_counts() -> None:
    """A loading of one input overrides that of a pattern."""
    path, name = "factors.demand", "trajectories.hybrids.activity.world"
    row = {"loading": 1.0, "source": "assumption"}
    scenario = rs.load_scenario().replace({f"{path}.{name}": row})
    keep = ("inputs.factors.demand", f"inputs.{name}")
    result = rs.simulate(scenario, draws=64, rng=1, keep=keep)
    factor, quantile = result.arrays["inputs"]
    np.testing.assert_allclose(ndtri(quantile), factor, atol=1e-9)


@pytest.mark.parametrize("loading", [0.5, -0.5])
def test_projects_follow_demand_with_the_sign_that_a_scenario_gives(loading: float) -> None:
    """Nothing in the baseline, which is ex ante: no price runs from demand to a project."""
    row = {"loading": loading, "source": "assumption"}
    changed = rs.load_scenario().replace({"factors.demand.projects.*.outcome": row})
    keep = ("inputs.factors.demand", "project.operating")
    correlation = []
    for scenario in (rs.load_scenario(), changed):
        result = rs.simulate(scenario, draws=4_096, rng=1, keep=keep)
        running = result.arrays["project.operating"][:, -1].sum(axis=0)
        correlation.append(np.corrcoef(result.inputs["factors.demand"], running)[0, 1])

    assert abs(correlation[0]) < 0.1
    assert np.sign(loading) * correlation[1] > 0.2


def test_numbers_cost_no_input() -> None:
    """No plain number is an input; a number in place of a distribution removes it, and back."""
    scenario = rs.load_scenario()
    names = set(rs.compile(scenario).inputs.names)
    assert not {"projects.nolans.dy", "projects.lynas-gebeng-heavy.capacity"} & names
    assert "anchors.scrap-2024.value" not in names
    for path in (
        "projects.browns-range.heavy",
        "anchors.stock-change-2024.value",
        "disruptions.myanmar-border.replaced",
    ):
        fixed = set(rs.compile(scenario.replace({path: 0.5})).inputs.names)
        assert names - fixed == {path}
        assert fixed <= names
    added = rs.compile(scenario.replace({"projects.nolans.dy": "uniform(20, 30)"})).inputs.names
    assert set(added) - names == {"projects.nolans.dy"}


def test_a_certain_row_has_no_fate() -> None:
    """Status certain draws no outcome, wait, schedule or success."""
    scenario = rs.load_scenario().replace({"projects.browns-range.status": "certain"})
    names = rs.compile(scenario).inputs.names
    left = {n.rpartition(".")[2] for n in names if n.startswith("projects.browns-range.")}
    assert left == {"heavy", "class", "plateau"}


def test_integrated_plants_share_their_fate() -> None:
    """A row decided with another has no outcome, wait or success of its own."""
    scenario, inputs, _ = sample()
    followers = [row.id for row in scenario.rows("projects") if row.decided_with]
    assert followers
    for name in followers:
        own = {f"projects.{name}.{what}" for what in ("outcome", "wait", "works", "slip")}
        assert not own & set(inputs)


def made_outside(cells: dict[int, Any], persistence: float) -> FloatArray:
    """Share of making outside China to 2040, (year, draw), with other anchors."""
    path = "trajectories.all.making_share.ex_china"
    changes: dict[str, Any] = {f"{path}.{year}.value": x for year, x in cells.items()}
    if 2040 in cells:
        row = {"value": changes.pop(f"{path}.2040.value"), "unit": "1", "source": "assumption"}
        changes[f"{path}.2040"] = row
    changes["anchors.persistence.value"] = persistence
    changes["settings.last_year.value"] = "2040"
    scenario = rs.load_scenario().replace(changes)
    run = rs.simulate(scenario, draws=4096, rng=2, keep=("end_use.making_outside",))
    return np.asarray(run.arrays["end_use.making_outside"][0])


def test_where_today_is_a_number_later_years_have_one_quantile() -> None:
    """Ranges of 2030 and 2035 around a known today: the same draw is high in both."""
    cells = {2024: 0.3, 2030: "uniform(0.2, 0.4)", 2035: "uniform(0.4, 0.8)"}
    found = made_outside(cells, 0.0)
    np.testing.assert_allclose(found[11], 2.0 * found[6], rtol=1e-9)
    assert np.ptp(found[6]) > 0.19


def test_nothing_is_left_of_today_after_long() -> None:
    """At persistence 0 nothing after 11 years, and after 16 not the reverse of today."""
    ranges = dict.fromkeys((2024, 2030, 2035, 2040), "uniform(0.2, 0.4)")
    found = made_outside(ranges, 0.0)
    for year in (11, 16):
        assert abs(np.corrcoef(found[0], found[year])[0, 1]) < 4.0 / 64.0
