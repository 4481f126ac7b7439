"""The chart of the chain: flows that add up, ribbons as wide as their tonnes, texts apart."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle

import reesupply as rs
from charts import shown_texts, whole
from reesupply.plots.chain import SMALLEST, Flow, Node, chain
from reesupply.plots.style import tonnes

if TYPE_CHECKING:
    from collections.abc import Callable

KEEP = (
    *("demand", "mine_supply", "refined_supply", "balance"),
    *(
        "recycled_new_scrap",
        "recycled_end_of_life",
        "lost_new_scrap",
        "lost_end_of_life",
        "retired",
        "end_use.contained",
    ),
)
SHOWN = [(2024, "Dy+Tb"), (2035, "Dy+Tb"), (2030, "Dy"), (2024, "Tb"), (2035, "Tb")]
#: At most this many flows of a node are left out as too small.
LEFT_OUT = 3 * SMALLEST[0]


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that keeps what the chart of a weighted result needs."""
    return rs.simulate(draws=1024, rng=1, keep=KEEP)


@pytest.fixture(scope="module")
def conditioned(result: rs.Result) -> rs.Result:
    """The same draws, those with much demand weighing more."""
    demand = result.values("demand", year=2035, element="Dy+Tb", bloc="world")
    other = copy.copy(result)
    other.weights = demand**4 / (demand**4).sum()
    return other


def chart(result: rs.Result, *where: Any, **options: Any) -> Axes:
    """Draw the chart."""
    axes = result.plot.sankey(*where, **options)
    assert isinstance(axes, Axes)
    return axes


def texts(ax: Axes) -> list[str]:
    """What the texts say, on one line."""
    return [each.get_text().replace("\n", " ") for each in shown_texts(ax)]


def sums(flows: list[Flow]) -> tuple[dict[str, float], dict[str, float]]:
    """Tonnes into and out of each node."""
    into: dict[str, float] = {}
    out: dict[str, float] = {}
    for flow in flows:
        out[flow.source] = out.get(flow.source, 0.0) + flow.value
        into[flow.target] = into.get(flow.target, 0.0) + flow.value
    return into, out


def by_name(nodes: list[Node]) -> dict[str, Node]:
    """Nodes by name, each once."""
    assert len({node.name for node in nodes}) == len(nodes)
    return {node.name: node for node in nodes}


@pytest.mark.parametrize(("year", "element"), SHOWN)
@pytest.mark.parametrize("weighted", [False, True])
def test_flows_add_up(
    result: rs.Result, conditioned: rs.Result, year: int, element: str, weighted: bool
) -> None:
    """At every node but the ends of the chain as much leaves as enters."""
    nodes, flows = chain(conditioned if weighted else result, year, element)
    named = by_name(nodes)
    into, out = sums(flows)

    assert {end for flow in flows for end in (flow.source, flow.target)} == set(named)
    assert all(named[flow.source].column < named[flow.target].column for flow in flows)
    assert all(flow.value > 0.0 for flow in flows)
    inner = set(into) & set(out)
    assert {"mined", "demand", "process scrap", "goods", "retired"} <= inner
    for name in inner:
        assert into[name] == pytest.approx(out[name], abs=LEFT_OUT, rel=1e-9), name
    assert {named[name].column for name in set(into) - inner} <= {2, 4, 5, 6}


@pytest.mark.parametrize(("year", "element"), SHOWN)
@pytest.mark.parametrize("weighted", [False, True])
def test_flows_are_the_means(
    result: rs.Result, conditioned: rs.Result, year: int, element: str, weighted: bool
) -> None:
    """Nodes have the means of the result, weights included."""
    source = conditioned if weighted else result
    into, out = sums(chain(source, year, element)[1])

    def mean(name: str, bloc: str = "world") -> float:
        return float(cast("float", source.mean(name, year=year, element=element, bloc=bloc)))

    balance = float(cast("float", source.mean("balance", year=year, element=element)))
    contained = mean("demand") - into["process scrap"]
    for found, expected in (
        (into["demand"], mean("demand")),
        (out.get("china", 0.0), mean("mine_supply", "china")),
        (out.get("outside", 0.0), mean("mine_supply", "ex_china")),
        (out["new scrap"], mean("recycled_new_scrap")),
        (out["end of life"], mean("recycled_end_of_life")),
        (into["process back"], mean("recycled_new_scrap")),
        (into["process lost"], mean("lost_new_scrap")),
        (into["goods"], contained),
        (into["retired"], mean("retired")),
        (into["old back"], mean("recycled_end_of_life")),
        (into["old lost"], mean("lost_end_of_life")),
        (into.get("surplus", 0.0) - out.get("deficit", 0.0), balance),
    ):
        assert found == pytest.approx(expected, abs=LEFT_OUT)
    assert not ("surplus" in into and "deficit" in out)


def test_the_base_year_is_shown_first(result: rs.Result) -> None:
    """Without a year or element: the base year, all elements together."""
    assert chain(result) == chain(result, 2024, "Dy+Tb")
    assert chart(result).get_title() == "Dy+Tb oxide from source to scrap, 2024"


def test_the_three_bars_are_the_bases(result: rs.Result) -> None:
    """Demand is written on each basis, as `Result.basis` has it."""
    ax = chart(result, 2035)
    for basis in ("gross", "net", "primary"):
        demand = result.basis(basis)["demand"].sel(year=2035).sum(["bloc", "element"]).mean()
        assert f"{basis}  {tonnes(float(demand))} t" in texts(ax)


@pytest.mark.parametrize(("year", "element"), SHOWN)
def test_ribbons_are_as_wide_as_their_tonnes(result: rs.Result, year: int, element: str) -> None:
    """Both ends of a ribbon measure its flow, and lie on the bars of its nodes."""
    nodes, flows = chain(result, year, element)
    ax = chart(result, year, element)
    ribbons = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]

    assert [r.get_label() for r in ribbons] == [f"{f.source} > {f.target}" for f in flows]
    for flow, ribbon in zip(flows, ribbons, strict=True):
        corners = np.asarray(ribbon.get_path().vertices)
        assert corners[7, 1] - corners[0, 1] == pytest.approx(flow.value)
        assert corners[4, 1] - corners[3, 1] == pytest.approx(flow.value)
        for x, top, bottom in (
            (corners[0, 0], corners[0, 1], corners[7, 1]),
            (corners[3, 0], corners[3, 1], corners[4, 1]),
        ):
            touching = [
                bar
                for bar in bars
                if min(abs(bar.get_x() - x), abs(bar.get_x() + bar.get_width() - x)) < 1e-9
                and bar.get_y() <= top + LEFT_OUT
                and bar.get_y() + bar.get_height() >= bottom - LEFT_OUT
            ]
            assert touching, flow
    assert len(bars) == len(nodes) + 2  # demand is three


@pytest.mark.parametrize(("year", "element"), SHOWN)
def test_labels_carry_tonnes(result: rs.Result, year: int, element: str) -> None:
    """Every node has its name and its tonnes."""
    nodes, flows = chain(result, year, element)
    into, out = sums(flows)
    found = texts(chart(result, year, element))
    for node in nodes:
        label = node.label.replace("\n", " ")
        amount = f"{tonnes(max(into.get(node.name, 0.0), out.get(node.name, 0.0)))} t"
        if node.name == "demand":
            assert label in found
            assert f"gross  {amount}" in found
        else:
            assert {f"{label} {amount}", f"{label}  {amount}", f"{amount}  {label}"} & set(found)


def test_text_inside_a_bar_fits(result: rs.Result) -> None:
    """Upright white text stays within its bar."""
    for year, element in SHOWN:
        ax = chart(result, year, element)
        whole(ax).draw_without_rendering()
        bars = [p.get_window_extent() for p in ax.patches if isinstance(p, Rectangle)]
        for each in shown_texts(ax):
            if each.get_color() == "white":
                box = each.get_window_extent().padded(-1.0)
                assert any(bar.y0 <= box.y0 and box.y1 <= bar.y1 for bar in bars), each


def test_a_deficit_is_a_source_and_a_surplus_an_end(result: rs.Result) -> None:
    """A short year has a deficit beside the sources, a long one oxide that nobody bought."""
    for shift in (-600.0, 600.0):
        moved = copy.copy(result)
        moved.weights = np.full(result.draws, 1.0 / result.draws)
        moved.arrays = dict(result.arrays)
        moved.arrays["balance"] = result.arrays["balance"] + shift / 2.0  # each element
        moved.arrays["demand"] = result.arrays["demand"] - shift / 4.0  # each bloc
        into, out = sums(chain(moved)[1])
        balance = float(cast("float", moved.mean("balance", year=2024, element="Dy+Tb")))
        assert into.get("surplus", 0.0) == pytest.approx(max(balance, 0.0), abs=LEFT_OUT)
        assert out.get("deficit", 0.0) == pytest.approx(max(-balance, 0.0), abs=LEFT_OUT)
        assert into["demand"] == pytest.approx(out["demand"], abs=LEFT_OUT)


def test_what_leaves_a_stock_is_a_source(result: rs.Result) -> None:
    """Where more leaves use than enters it, or more is recycled than arises, a stock gives it."""
    moved = copy.copy(result)
    moved.weights = np.full(result.draws, 1.0 / result.draws)
    moved.arrays = dict(result.arrays)
    moved.arrays["retired"] = result.arrays["retired"] * 4.0
    moved.arrays["lost_end_of_life"] = result.arrays["lost_end_of_life"] * 8.0
    moved.arrays["lost_new_scrap"] = result.arrays["lost_new_scrap"] * 1.5
    _, flows = chain(moved)
    into, out = sums(flows)
    for name in ("in use, earlier", "old stock, earlier", "process stock, earlier"):
        assert out[name] > 100.0 * SMALLEST[0]
    for name in set(into) & set(out):
        assert into[name] == pytest.approx(out[name], abs=LEFT_OUT), name
    chart(moved)


def test_a_store_is_no_stock_in_use() -> None:
    """What a state buys ends there and does not enter use."""
    change = {"trajectories.state-stockpiling.dy_oxide.world.2024.value": 200.0}
    scenario = rs.load_scenario().replace(change)
    nodes, flows = chain(rs.simulate(scenario, draws=64, rng=1, keep=()))
    into, out = sums(flows)
    (store,) = [node.name for node in nodes if node.label == "State stockpiling"]
    assert into[store] == pytest.approx(200.0)
    assert store not in out
    assert into["goods"] == pytest.approx(out["goods"], abs=LEFT_OUT)


def test_what_cannot_be_drawn_is_one_sentence(result: rs.Result) -> None:
    """An unknown year or element, or draws not kept, is refused before a figure is made."""
    bare = rs.simulate(draws=64, rng=1, keep=())
    bare.plot.sankey()  # means need no draws
    plt.close("all")
    bare.weights = np.full(64, 1.0 / 64.0)
    refused: list[tuple[Callable[[], Axes], str]] = [
        (lambda: result.plot.sankey(2023), "^year: found 2023, allowed is 2024 to 2035"),
        (lambda: result.plot.sankey(element="Nd"), "^element: found 'Nd'"),
        (bare.plot.sankey, "not kept"),
    ]
    for call, text in refused:
        with pytest.raises(rs.ReesupplyError, match=text):
            call()
    assert plt.get_fignums() == []


def test_flows_above_half_a_tonne_are_shown() -> None:
    """2 t for a state are a flow, less than a thousandth of demand as they are; 0.3 t are none."""
    for bought, shown in ((2.0, True), (0.3, False)):
        change = {"trajectories.state-stockpiling.dy_oxide.world.2024.value": bought}
        run = rs.simulate(rs.load_scenario().replace(change), draws=64, rng=1, keep=())
        nodes, _ = chain(run)
        assert ("State stockpiling" in {node.label for node in nodes}) is shown


def test_a_surplus_above_what_mines_gave_is_of_old_goods_first(result: rs.Result) -> None:
    """10 t more than oxide from mines: nobody buys that, nor 10 t recycled of old goods."""
    moved = copy.copy(result)
    moved.weights = np.full(result.draws, 1.0 / result.draws)
    balance = result.arrays["mine_supply"].sum(axis=0) + 5.0  # each element
    moved.arrays = result.arrays | {"balance": balance}
    flows = {(flow.source, flow.target): flow.value for flow in chain(moved)[1]}
    assert flows["end of life", "surplus"] == pytest.approx(10.0)
    assert ("new scrap", "surplus") not in flows
