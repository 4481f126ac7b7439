"""Conservation: what goes in comes out, on random scenarios, in every draw and year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import gamma, gammainc

import reesupply as rs
from reesupply.engine.history import compile_past
from reesupply.engine.variables import VARIABLES
from strategies import Changes, scenario_changes, scenario_of

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DRAWS = 48
CHINA, OUTSIDE = 0, 1
EXPENSIVE = settings(max_examples=15)


def run(scenario: rs.Scenario, draws: int = DRAWS) -> rs.Result:
    """Run with everything kept; no variable is anything but a finite number."""
    keep = (*VARIABLES, "inputs", "claims")
    result = rs.simulate(scenario, draws=draws, rng=1, keep=keep, workers=1)
    for name, array in result.arrays.items():
        if name != "project.capacity":  # NaN is "no limit known"
            assert np.isfinite(array).all(), name
    return result


def close(found: FloatArray, expected: Any, scale: Any = None, rtol: float = 1e-9) -> None:
    """Equal within `rtol` of the scale of each cell; NaN fails."""
    if scale is None:
        scale = np.maximum(np.abs(found), np.abs(expected))
    error = np.abs(found - expected)
    assert (error <= rtol * scale + 1e-12).all(), f"off by {np.max(error - rtol * scale)}"


def cell(scenario: rs.Scenario, result: rs.Result, path: str) -> Any:
    """A cell in each draw: its input, or its number."""
    if path in result.input_names:
        return result.arrays["inputs"][result.input_names.index(path)]
    table, *key, column = path.split(".")
    return float(getattr(scenario.tables[table][tuple(key)], column))


def parameter(scenario: rs.Scenario, result: rs.Result, path: str) -> Any:
    """A parameter of recycling with one anchor year, in each draw."""
    if path in result.input_names:
        return cell(scenario, result, path)
    return cell(scenario, result, f"{path}.2024.value")


def axis(scenario: rs.Scenario, result: rs.Result, **wanted: Any) -> npt.NDArray[np.bool_]:
    """Places of the project axis whose rows have these columns; `part_of` compares as truth."""
    rows = {row.id: row for row in scenario.rows("projects")}
    return np.array(
        [
            all(
                (getattr(rows[name], column) is not None) == value
                if column == "part_of"
                else getattr(rows[name], column) == value
                for column, value in wanted.items()
            )
            for name in result.plan.projects
        ]
    )


def recoveries(scenario: rs.Scenario, result: rs.Result) -> FloatArray:
    """Recovery of the refineries in each draw, shape (refinery, draw), in the order of the axis."""
    plants = axis(scenario, result, kind="refinery")
    names = np.array(result.plan.projects)[plants]
    return np.array(
        [
            np.broadcast_to(cell(scenario, result, f"projects.{name}.recovery"), DRAWS)
            for name in names
        ]
    )


# ------------------------------------------------------------------------------------- supply


@EXPENSIVE
@given(changes=scenario_changes())
def test_supply(changes: Changes) -> None:
    """Concentrate is processed or stocked; what is separated is traced to mine and plant alike."""
    scenario = scenario_of(changes)
    result = run(scenario)
    arrays = result.arrays
    mines = axis(scenario, result, kind="mine", part_of=False)
    plants = axis(scenario, result, kind="refinery")
    output, separated = arrays["project.output"], arrays["project.separated"]
    throughput = arrays["project.throughput"]

    dug = output[mines].sum(axis=(0, 1)).cumsum(axis=0)
    processed = throughput[plants].sum(axis=0).cumsum(axis=0)
    close(dug, processed + arrays["concentrate_stock"].sum(axis=0))
    for array in (output, separated, throughput, arrays["concentrate_stock"]):
        assert (array >= 0.0).all()
    assert (throughput[~plants] == 0.0).all()
    assert (separated[~axis(scenario, result, kind="mine")] == 0.0).all()

    # oxide is what plants make of what they process, once with recovery, and within capacity
    made = throughput[plants] * recoveries(scenario, result)[:, np.newaxis]
    close(made.sum(axis=0), separated[mines].sum(axis=(0, 1)))
    capacity = arrays["project.capacity"][plants]
    limited = ~np.isnan(capacity)
    limited[np.array(result.plan.projects)[plants] == "china-separation"] = False
    assert (made[limited] <= capacity[limited] * (1.0 + 1e-9) + 1e-9).all()
    cumulative = [x[mines].cumsum(axis=2) for x in (separated, output)]
    assert (cumulative[0] <= cumulative[1] * (1.0 + 1e-9)).all()

    # captive output is separated oxide already; both views have the same world sum
    captive = axis(scenario, result, part_of=True)
    close(separated[captive], output[captive])
    world = separated.sum(axis=0)
    for name in ("mine_supply", "refined_supply"):
        close(arrays[name].sum(axis=0), world)
        assert (arrays[name] >= -1e-9).all()
    for place, bloc in enumerate(result.plan.blocs):
        controlled = axis(scenario, result, bloc=bloc)
        close(arrays["mine_supply"][place], separated[controlled].sum(axis=0))
    # what Chinese concentrate gives outside, or the reverse, is at most what each bloc controls
    moved = arrays["refined_supply"][CHINA] - arrays["mine_supply"][CHINA]
    assert (moved <= arrays["mine_supply"][OUTSIDE] + 1e-9).all()


@EXPENSIVE
@given(changes=scenario_changes())
def test_concentrate_of_each_mine(changes: Changes) -> None:
    """
    Each mine's feed is processed or stocked, element by element, and keeps its element ratio.

    With one recovery everywhere what a mine had processed is its separated oxide over it.
    """
    scenario = scenario_of(changes)
    plants = [row.id for row in scenario.rows("projects") if row.kind == "refinery"]
    scenario = scenario.replace({f"projects.{name}.recovery": 0.8 for name in plants})
    result = run(scenario)
    mines = axis(scenario, result, kind="mine", part_of=False)
    output = result.arrays["project.output"][mines].cumsum(axis=2)
    processed = result.arrays["project.separated"][mines].cumsum(axis=2) / 0.8
    stock = output - processed
    assert (stock >= -1e-9 * output - 1e-9).all()
    close(stock.sum(axis=0), result.arrays["concentrate_stock"], scale=output.sum(axis=0))
    for one, other in ((0, 1), (1, 0)):
        close(processed[:, one] * output[:, other], processed[:, other] * output[:, one])


# --------------------------------------------------------------------------- demand and recycling


@EXPENSIVE
@given(changes=scenario_changes())
def test_demand_and_basis(changes: Changes) -> None:
    """
    Supply less demand is the balance on every basis, rebuilt from end uses besides.

    Oxide bought is what goods contain and what the making loses; of the loss a part comes back.
    So primary demand is contained oxide and unrecovered loss less what comes back of old goods.
    """
    scenario = scenario_of(changes)
    result = run(scenario)
    arrays = result.arrays
    demand, balance = arrays["demand"], arrays["balance"]
    refined = arrays["refined_supply"].sum(axis=0)
    new, old = arrays["recycled_new_scrap"], arrays["recycled_end_of_life"]
    scale = refined + demand.sum(axis=0)
    close(refined + new.sum(axis=0) + old.sum(axis=0) - demand.sum(axis=0), balance, scale)
    for basis in ("gross", "net", "primary"):
        view = result.basis(basis)
        close(view["balance"].values, balance, scale)
        close((view["supply"] - view["demand"]).sum("bloc").values, balance, scale)
    close(result.basis("primary")["supply"].values, arrays["refined_supply"])

    bought, contained = arrays["end_use.demand"], arrays["end_use.contained"]
    for name in ("demand", "use_demand"):
        close(arrays[name].sum(axis=0), bought.sum(axis=0))
        assert (arrays[name] >= 0.0).all()
    lossy = np.array([row.process_loss for row in scenario.rows("end_uses")])
    close(bought[~lossy], contained[~lossy])
    # one yield of the making in a year and draw, whatever is made
    total = [x[lossy].sum(axis=(0, 1)) for x in (contained, bought)]
    yield_ = total[0] / total[1]
    close(contained[lossy], bought[lossy] * yield_)
    scrap = bought - contained
    assert (scrap[~lossy] == 0.0).all()
    # of the scrap by bloc, with its delay, a share comes back and the rest is lost
    outside = arrays["end_use.making_outside"][:, np.newaxis]
    by_bloc = np.array([(scrap * (1.0 - outside)).sum(axis=0), (scrap * outside).sum(axis=0)])
    lost = arrays["lost_new_scrap"]
    delay = parameter(scenario, result, "recycling.all.delay.world")
    ready = (1.0 - delay) * by_bloc[:, :, 1:] + delay * by_bloc[:, :, :-1]
    close((new + lost)[:, :, 1:], ready, scale=bought.sum(axis=0)[:, 1:])
    for place, bloc in enumerate(result.plan.blocs):
        recovery = parameter(scenario, result, f"recycling.all.new_scrap_recovery.{bloc}")
        close(new[place], (new + lost)[place] * recovery, scale=bought.sum(axis=0))
    assert (lost >= -1e-9).all()
    primary = contained.sum(axis=0) + scrap.sum(axis=0) - new.sum(axis=0) - old.sum(axis=0)
    close(refined - primary, balance, scale)
    close(result.basis("primary")["demand"].sum("bloc").values, primary, scale)

    # the stock of surpluses, and nothing drawn from it in the balance
    held = np.zeros_like(balance[:, 0])
    for year in range(balance.shape[1]):
        held = np.maximum(held + balance[:, year], 0.0)
        close(arrays["surplus_stock"][:, year], held)


def leaving(mean: Any, shape: Any, years: int) -> tuple[FloatArray, FloatArray]:
    """
    Share of an inflow, even over its year, in use at the end of year k, and leaving in year k.

    Shape (year, draw). In closed form: the integral of Weibull survival is
    mean x P(1/shape, (x/scale)^shape).
    """
    scale = mean / gamma(1.0 + 1.0 / shape)
    edges = np.arange(years + 1.0)[:, np.newaxis]
    left = np.diff(mean * gammainc(1.0 / shape, (edges / scale) ** shape), axis=0)
    return left, -np.diff(left, prepend=1.0, axis=0)


@EXPENSIVE
@given(changes=scenario_changes())
def test_goods_in_use(changes: Changes) -> None:
    """
    Stock change is inflow less outflow, cohort by cohort; what is recycled has left use.

    Cohorts are built anew: new ones from `end_use.contained`, past ones from the index of history
    with its error. What leaves, summed over them, is `end_use.retired`.
    """
    scenario = scenario_of(changes)
    result = run(scenario)
    arrays = result.arrays
    inflow, outflow = arrays["end_use.contained"], arrays["end_use.retired"]
    first, n = result.plan.years[0], len(result.plan.years)
    start = int(cell(scenario, result, "anchors.stock-history-start.value"))
    error = np.broadcast_to(cell(scenario, result, "anchors.history-scale.value"), DRAWS)
    scaled = np.array([[not row.stored] for row in scenario.rows("end_uses")])
    bottom_up = arrays["end_use.demand"][:, :, 0] / arrays["base_year_factor"]
    index = np.stack(compile_past(scenario).index(bottom_up.sum(axis=1) * scaled, error))
    assert (index >= 0.0).all()
    stores = {row.id for row in scenario.rows("end_uses") if row.stored}
    for use, name in enumerate(result.plan.end_uses):
        if name in stores:  # state stocks are held, not used
            assert (outflow[use] == 0.0).all()
            close(arrays["end_use.stock"][use], inflow[use].cumsum(axis=1))
            continue
        mean, shape = (
            np.broadcast_to(cell(scenario, result, f"lifetimes.{name}.{column}"), DRAWS)
            for column in ("mean", "shape")
        )
        in_use, leaves = leaving(mean, shape, first - start + n)
        cohorts = np.concatenate(
            [inflow[use][:, :1] * index[use], inflow[use]], axis=1
        )  # (element, cohort, draw)
        stock, out = np.zeros_like(cohorts), np.zeros_like(cohorts)
        for cohort in range(cohorts.shape[1]):
            k = cohorts.shape[1] - cohort
            entered = cohorts[:, cohort, np.newaxis]
            stock[:, cohort:] += entered * in_use[:k]
            out[:, cohort:] += entered * leaves[:k]
        close(outflow[use], out[:, -n:], scale=stock[:, -n:] + out[:, -n:])
        close(arrays["end_use.stock"][use], stock[:, -n:], scale=stock[:, -n:] + out[:, -n:])
        change = stock[:, -n:] - stock[:, -n - 1 : -1]
        close(change, inflow[use] - outflow[use], scale=stock[:, -n:] + inflow[use])
        ever = cohorts[:, :-n].sum(axis=1)[:, np.newaxis] + inflow[use].cumsum(axis=1)
        assert (outflow[use].cumsum(axis=1) <= ever * (1.0 + 1e-9)).all()
    retired = outflow.sum(axis=0)
    old = arrays["recycled_end_of_life"]
    assert (old >= 0.0).all()
    assert (old.sum(axis=0) <= retired * (1.0 + 1e-9)).all()
    # what left use in a bloc is recovered there, lost, or on its way
    outside = arrays["end_use.use_outside"][:, np.newaxis]
    by_bloc = np.array([(outflow * (1.0 - outside)).sum(axis=0), (outflow * outside).sum(axis=0)])
    close(arrays["retired"], by_bloc, scale=retired)
    delay = parameter(scenario, result, "recycling.all.delay.world")
    ready = (1.0 - delay) * by_bloc[:, :, 1:] + delay * by_bloc[:, :, :-1]
    close((old + arrays["lost_end_of_life"])[:, :, 1:], ready, scale=retired[:, 1:])
    assert (arrays["lost_end_of_life"] >= -1e-9).all()
    for place, bloc in enumerate(result.plan.blocs):
        plants = axis(scenario, result, kind="recycler", bloc=bloc)
        capacity = arrays["project.capacity"][plants].sum(axis=0)
        assert (old[place].sum(axis=0) <= capacity * (1.0 + 1e-9) + 1e-9).all()


@EXPENSIVE
@given(changes=scenario_changes())
def test_no_element_is_lost_sight_of(changes: Changes) -> None:
    """What makers buy is held in goods and scrap, recovered, or lost, in every draw and year."""
    arrays = run(scenario_of(changes)).arrays
    bought = arrays["demand"].sum(axis=0)
    held = arrays["in_use_stock"] + arrays["scrap_stock"]
    recovered = (arrays["recycled_new_scrap"] + arrays["recycled_end_of_life"]).sum(axis=0)
    lost = (arrays["lost_new_scrap"] + arrays["lost_end_of_life"]).sum(axis=0)
    after = (recovered + lost)[:, 1:]
    close(bought[:, 1:], np.diff(held, axis=1) + after, scale=(bought + held)[:, 1:])


# --------------------------------------------------------------------------------- base year


@EXPENSIVE
@given(changes=scenario_changes())
def test_base_year(changes: Changes) -> None:
    """
    Supply of the base year is as measured, and the factor on demand meets the stock change.

    Captive parts sum to the measured total less scrap, the total chosen by the scope of the survey.
    """
    scenario = scenario_of(changes)
    result = run(scenario)
    ore_only, high, low, scrap, dy, change = (
        np.broadcast_to(cell(scenario, result, f"anchors.{name}.value"), DRAWS)
        for name in (
            "survey-is-ore-only",
            "refined-2024-if-ore-only",
            "refined-2024-if-with-scrap",
            "scrap-2024",
            "captive-dy-share",
            "stock-change-2024",
        )
    )
    parts = result.arrays["project.output"][axis(scenario, result, part_of=True)][:, :, 0]
    close(parts.sum(axis=(0, 1)), np.where(ore_only == 1.0, high, low) - scrap)
    close(parts[:, 0], parts.sum(axis=1) * dy)
    assert (parts >= 0.0).all()
    assert (result.arrays["base_year_factor"] > 0.0).all()
    demand = result.values("demand", year=2024, element="Dy+Tb", bloc="world")
    close(result.values("balance", year=2024, element="Dy+Tb"), change, scale=demand)


def test_base_year_of_the_baseline() -> None:
    """The balance of the base year is the drawn stock change, in every draw."""
    result = rs.simulate(draws=2000, rng=3, keep=("balance", "inputs", "base_year_factor"))
    change = result.values("anchors.stock-change-2024.value")
    balance = result.values("balance", year=2024, element="Dy+Tb")
    close(balance, change, scale=np.abs(change), rtol=1e-6)
    assert (result.arrays["base_year_factor"] > 0.0).all()
    parts = result.values("balance", year=2024, element="Dy") + result.values(
        "balance", year=2024, element="Tb"
    )
    np.testing.assert_array_equal(balance, parts)


def test_contradictory_base_year() -> None:
    """More stocks than supply leave no demand: one sentence that names both anchors."""
    scenario = rs.load_scenario().replace({"anchors.stock-change-2024.value": 5000})
    with pytest.raises(rs.ReesupplyError) as error:
        rs.simulate(scenario, draws=8, rng=1)
    text = str(error.value)
    assert "\n" not in text
    assert "anchors.refined-2024" in text
    assert "anchors.stock-change-2024" in text


def test_plants_without_limit_that_stand_still() -> None:
    """A blank capacity is no limit: before first feed and in an outage it is nothing, never NaN."""
    scenario = rs.load_scenario().replace(
        {
            "projects.iluka-eneabba.capacity": None,
            "events.halt": {
                "kind": "outage",
                "target": "projects.iluka-eneabba",
                "start": 2031,
                "years": 1,
                "probability": 1,
                "source": "assumption",
            },
        }
    )
    result = run(scenario)
    place = result.plan.projects.index("iluka-eneabba")
    throughput = result.arrays["project.throughput"][place]
    years = np.array(result.plan.years)
    assert (throughput[years == 2031] == 0.0).all()
    assert (throughput[years < 2026] == 0.0).all()
    assert (throughput[years == 2035] > 0.0).any()
