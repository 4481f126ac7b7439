"""Feed or separation: small worlds with a known answer, and what holds in every draw."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.analysis import bottleneck as module
from reesupply.analysis.bottleneck import KEEP, bottleneck, flows, later, reachable
from reesupply.distributions import parse
from reesupply.models.refining import Network, refine

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    FloatArray = npt.NDArray[np.float64]

DRAWS = 1024
CHANCES = ("P(feed)", "P(separation)", "P(mismatch)", "P(neither)")


def outside(kind: str) -> list[str]:
    """Ids of the mines or refineries outside China."""
    rows = rs.load_scenario("baseline").rows("projects")
    return [row.id for row in rows if row.kind == kind and row.bloc == "ex_china"]


def world(
    capacity: float | None, *, recovery: float = 0.8, mine: float = 100.0, **cells: Any
) -> rs.Scenario:
    """One mine and one refinery from 2024 on without any risk; all others are empty."""
    changes: dict[str, Any] = {"anchors.availability.value": 1.0}
    for name in outside("mine"):
        changes[f"projects.{name}"] = {"heavy": 0.0, "dy_share": 0.85, "dy": None, "tb": None}
    changes["projects.browns-range"] = {
        "heavy": mine,
        "dy_share": 0.85,
        "status": "certain",
        "start": 2024.0,
        "ramp": "none",
        "life": None,
        **cells,
    }
    for name in outside("refinery"):
        changes[f"projects.{name}.capacity"] = 0.0
    changes["projects.iluka-eneabba"] = {
        "capacity": capacity,
        "recovery": recovery,
        "status": "certain",
        "start": 2024.0,
        "ramp": "none",
    }
    return rs.load_scenario("baseline").replace(changes)


def run(scenario: rs.Scenario | str, draws: int = 64) -> rs.Result:
    """A run that keeps what is needed."""
    return rs.simulate(scenario, draws=draws, rng=1, keep=KEEP)


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """The baseline."""
    return run("baseline", DRAWS)


@pytest.fixture(scope="module")
def worlds() -> dict[str, FloatArray]:
    """Throughput of every project in each world of `reachable`, draw by draw."""
    plan = rs.compile("baseline")
    found = {}
    for name, each in module._worlds(plan, ("browns-range",), 3.0).items():
        kept = rs.simulate(each, draws=DRAWS, rng=2035, keep=("project.throughput",))
        found[name] = kept.arrays["project.throughput"]
    return found


@pytest.fixture(scope="module")
def reached() -> pd.DataFrame:
    """The answer for Iluka."""
    return reachable(draws=DRAWS)


# ------------------------------------------------------------------------------ known answers


def test_tiny_plants_make_separation_bind() -> None:
    """100 t a year on offer, 8 t of oxide of capacity: 10 t are taken, the rest is a stock."""
    table = bottleneck(run(world(8.0)))

    assert (table["P(separation)"] == 1.0).all()
    assert (table["binds_in_the_mean"] == "separation").all()
    np.testing.assert_allclose(table["capacity"], 10.0)
    np.testing.assert_allclose(table["processed"], 10.0)
    np.testing.assert_allclose(table["idle"], 0.0, atol=1e-9)
    np.testing.assert_allclose(table["opening_stock"], 90.0 * np.arange(len(table)), atol=1e-9)
    np.testing.assert_allclose(table["left"], table["opening_stock"] + 90.0)


def test_huge_plants_make_feed_bind() -> None:
    """100 t a year on offer, 8,000 t of oxide of capacity: all is taken, 9,900 t stand idle."""
    table = bottleneck(run(world(8_000.0)))

    assert (table["P(feed)"] == 1.0).all()
    assert (table["binds_in_the_mean"] == "feed").all()
    np.testing.assert_allclose(table["processed"], 100.0)
    np.testing.assert_allclose(table["capacity"], 10_000.0)
    np.testing.assert_allclose(table["idle"], 9_900.0)


def test_a_plant_without_limit_is_never_short() -> None:
    """No known limit is infinite capacity, not a number that is none."""
    table = bottleneck(run(world(None)))

    assert (table["P(feed)"] == 1.0).all()
    assert np.isinf(table["capacity"]).all()
    np.testing.assert_allclose(table["processed"], 100.0)


def test_an_exact_match_binds_on_neither_side() -> None:
    """80 t of oxide of capacity at a recovery of 0.8 are just what 100 t of feed need."""
    table = bottleneck(run(world(80.0)))

    assert (table["P(neither)"] == 1.0).all()
    assert (table["binds_in_the_mean"] == "neither").all()


def test_without_mines_and_plants_nothing_binds() -> None:
    """Before the first tonne there is nothing to limit."""
    table = bottleneck(run(world(0.0, mine=0.0)))

    assert (table["P(neither)"] == 1.0).all()


def test_what_leaves_for_china_is_left_over() -> None:
    """Separation binds although no stock grows."""
    table = bottleneck(run(world(8.0, may_leave=True)))

    assert (table["P(separation)"] == 1.0).all()
    np.testing.assert_allclose(table["opening_stock"], 0.0, atol=1e-9)
    np.testing.assert_allclose(table["left"], 90.0)


def test_a_contract_with_china_leaves_both_over() -> None:
    """Feed that a contract takes away does not meet the capacity that stands idle."""
    table = bottleneck(run(world(8_000.0, feeds="china-separation", may_leave=True)))

    assert (table["P(mismatch)"] == 1.0).all()
    np.testing.assert_allclose(table["idle"], 10_000.0)


def test_a_draw_is_one_or_the_other() -> None:
    """Uncertain capacity around the feed: the probability is that of its distribution."""
    scenario = world(80.0).replace({"projects.iluka-eneabba.capacity": "uniform(60, 140)"})
    table = bottleneck(run(scenario, 4096))

    # in the first year there is no stock yet: separation binds where capacity is below 80
    assert abs(table["P(separation)"].iloc[0] - 0.25) < 0.03
    np.testing.assert_allclose(table["P(feed)"] + table["P(separation)"], 1.0)


# ----------------------------------------------------------------------------- every draw


def test_flows_close(result: rs.Result) -> None:
    """Nothing is processed that was not offered or that nobody could take."""
    found = flows(result)
    stock = result.values("concentrate_stock", element="Dy+Tb")
    rows = {row.id: row for row in result.plan.scenario.rows("projects")}
    leaves = any(rows[name].may_leave for name in outside("mine"))

    assert leaves  # so what is left is the stock or more
    assert (found.left >= stock - 1e-6).all()
    assert (found.left >= -1e-6).all()
    assert (found.idle >= 0.0).all()
    np.testing.assert_array_equal(found.opening_stock[1:], stock[:-1])
    full = found.case("separation")
    np.testing.assert_allclose(found.capacity[full], found.processed[full], atol=0.01)


def test_the_cases_cover_every_draw_once(result: rs.Result) -> None:
    """The four probabilities add up to 1, and the pool leaves no mismatch."""
    table = bottleneck(result)

    np.testing.assert_allclose(table[list(CHANCES)].sum(axis=1), 1.0)
    assert (table["P(mismatch)"] == 0.0).all()


def test_feed_binds_from_2028(result: rs.Result) -> None:
    """Plants outnumber mines in the baseline; before that, separation is short."""
    table = bottleneck(result)

    assert (table.loc[2028:, "P(feed)"] > 0.75).all()
    assert (table.loc[2028:, "binds_in_the_mean"] == "feed").all()
    assert (table.loc[2025:2026, "binds_in_the_mean"] == "separation").all()


def test_weights_count(result: rs.Result) -> None:
    """A result that gives one draw all weight has the table of that draw."""
    other = copy.copy(result)
    other.weights = np.eye(DRAWS)[7]
    table, found = bottleneck(other), flows(result)

    np.testing.assert_allclose(table["capacity"], found.capacity[:, 7])
    np.testing.assert_array_equal(table["P(feed)"], found.case("feed")[:, 7])


@pytest.mark.parametrize("missing", KEEP)
def test_what_was_not_kept_is_named(missing: str) -> None:
    """The error says what to keep."""
    bare = rs.simulate(draws=8, rng=1, keep=[name for name in KEEP if name != missing])
    with pytest.raises(rs.ReesupplyError, match=f"'{missing}' were not kept"):
        bottleneck(bare)


# ------------------------------------------------------------------------------ reachable


def test_less_feed_is_never_more_for_any_refinery(worlds: dict[str, FloatArray]) -> None:
    """Without the mine at most as much as with it late, and that at most as much as in time."""
    for less, more in (("without", "late"), ("late", "baseline"), ("without", "on_date")):
        assert (worlds[less] <= worlds[more] + 1e-6).all(), (less, more)


@pytest.mark.parametrize("seed", range(100))
def test_the_rule_holds_in_any_network(seed: int) -> None:
    """Random contracts, blocs and capacities: less feed of one mine is never more for a plant."""
    rng = np.random.default_rng(seed)
    mines, plants = rng.integers(1, 5), rng.integers(2, 5)
    plant_bloc = np.array([*rng.integers(0, 2, plants - 1), 0], dtype=np.intp)
    first, second = rng.integers(-1, plants, (2, mines))
    network = Network(
        (first.astype(np.intp), np.where(first == second, -1, second).astype(np.intp)),
        rng.integers(0, 2, mines).astype(np.intp),
        plant_bloc,
        rng.random(mines) < 0.5,
        int(plants) - 1,
    )
    feed = rng.gamma(0.7, 50.0, (mines, 4, 32)) * (rng.random((mines, 4, 32)) < 0.8)
    capacity = rng.gamma(0.7, 80.0, (plants, 4, 32)) * (rng.random((plants, 4, 32)) < 0.8)
    recovery = np.full((plants, 32), 0.9)
    less = feed.copy()
    less[0] *= rng.random((4, 32)) if seed % 2 else 0.0
    more = refine(feed, capacity, recovery, network).throughput

    assert (refine(less, capacity, recovery, network).throughput <= more + 1e-6).all()


def test_the_mine_late_counts_for_something(worlds: dict[str, FloatArray]) -> None:
    """The worlds differ where the mine would have fed, and agree before."""
    at = rs.compile("baseline").projects.index("iluka-eneabba")
    base, gone, late = (worlds[name][at] for name in ("baseline", "without", "late"))

    np.testing.assert_allclose(base[:3], gone[:3], atol=1e-9)
    assert (base[-1] - gone[-1]).mean() > (base[-1] - late[-1]).mean() > 1.0


def test_reachable_is_the_statistics_of_the_worlds(
    worlds: dict[str, FloatArray], reached: pd.DataFrame
) -> None:
    """Mean and P10-P90 of the throughput, world by world."""
    at = rs.compile("baseline").projects.index("iluka-eneabba")

    assert list(dict.fromkeys(reached.index.get_level_values("world"))) == list(worlds)
    for name, throughput in worlds.items():
        rows = reached.loc[name]
        np.testing.assert_allclose(rows["mean"], throughput[at].mean(axis=-1))
        for column, q in (("P10", 0.1), ("P50", 0.5), ("P90", 0.9)):
            np.testing.assert_allclose(rows[column], np.quantile(throughput[at], q, axis=-1))


def test_reachable_knows_the_nameplate(reached: pd.DataFrame) -> None:
    """750 t of oxide, of which no world reaches two thirds where the plant runs."""
    last = reached.xs(2035, level="year")

    assert (reached["nameplate"] == 750.0).all()
    assert (last["nameplate_feed"] > 750.0 / 0.94).all()
    assert (last["mean_if_runs"] <= last["ramped_if_runs"]).all()
    assert (last["share_if_runs"] < 0.75).all()
    np.testing.assert_allclose(last["mean"], last["P(runs)"] * last["mean_if_runs"])


def test_a_known_refinery_is_filled_by_its_mine() -> None:
    """A mine of 100 t from mid-2030: half a year of it, none, and the same three years later."""
    scenario = world(160.0, start=2030.5)
    table = reachable(without=["browns-range"], scenario=scenario, draws=8, rng=1)

    expected = {"baseline": (2030, 50.0), "without": (2030, 0.0), "late": (2033, 50.0)}
    for name, (year, tonnes) in expected.items():
        assert table.loc[(name, year), "mean"] == pytest.approx(tonnes)
        assert table.loc[(name, year - 1), "mean"] == pytest.approx(0.0)
    assert table.loc[("baseline", 2031), "mean"] == pytest.approx(100.0)
    assert table.loc[("baseline", 2031), "share_if_runs"] == pytest.approx(0.5)


def test_a_generator_gives_its_number_once() -> None:
    """All worlds have the same draws whatever the seed is."""
    table = reachable(draws=64, rng=np.random.default_rng(3))
    base, gone = (table.loc[world]["P(runs)"] for world in ("baseline", "without"))

    np.testing.assert_allclose(base, gone)


def test_unknown_names_are_refused() -> None:
    """A mine is no refinery, and a part of a measured total no mine to take away."""
    with pytest.raises(rs.ReesupplyError, match="no refinery 'iluka'"):
        reachable("iluka")
    with pytest.raises(rs.ReesupplyError, match="no refinery 'browns-range'"):
        reachable("browns-range")
    for name in ("iluka-eneabba", "china-quota-mines", "browns"):
        with pytest.raises(rs.ReesupplyError, match=f"no mine '{name}'"):
            reachable(without=[name])


@pytest.mark.parametrize(
    ("cell", "moved"),
    [
        (2028.5, 2031.5),
        ("uniform(2028, 2030)", "uniform(2031, 2033)"),
        ("triangular(2028, 2029, 2031)", "triangular(2031, 2032, 2034)"),
        ("pert(2030, 2031, 2034)", "pert(2033, 2034, 2037)"),
        ("normal(2030, 0.5)", "normal(2033, 0.5)"),
        ("discrete(2030: 0.4, 2032: 0.6)", "discrete(2033: 0.4, 2035: 0.6)"),
        ("truncate(normal(2030, 2), 2029, 2033)", "truncate(normal(2033, 2), 2032, 2036)"),
    ],
)
def test_a_date_is_moved_with_its_shape(cell: float | str, moved: float | str) -> None:
    """Every quantile moves by the same years."""
    before, after = parse(cell), parse(later(parse(cell), 3.0))

    assert after == parse(moved)
    if not isinstance(before, float) and not isinstance(after, float):
        levels = np.linspace(0.05, 0.95, 7)
        np.testing.assert_allclose(after.ppf(levels), before.ppf(levels) + 3.0)


@pytest.mark.parametrize(
    "cell", ["lognormal(2030, 0.001)", "truncate(lognormal(2030, 0.001), 2029, 2031)"]
)
def test_what_cannot_be_moved_is_said(cell: str) -> None:
    """A lognormal has no place; scaled, its spread would change."""
    scenario = rs.load_scenario("baseline").replace({"projects.browns-range.start": cell})
    with pytest.raises(rs.ReesupplyError, match="cannot be moved by 3 years"):
        reachable(scenario=scenario)
