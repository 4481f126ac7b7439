"""Where the oxide of one year comes from and goes: a Sankey-like chart in means over draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.plots.numbers import checked_element, largest, means_by_row
from reesupply.plots.style import (
    CHINA,
    INK,
    KEY,
    OUTSIDE,
    PUBLISHED,
    RECYCLED,
    SECTOR_REST,
    SECTORS,
    chart_style,
    headline,
    new_axes,
    tonnes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from reesupply.result import Result

    Mean = Callable[..., float]

#: How many magnet uses are shown apart; flows below these tonnes and share of demand are not.
TOP, SMALLEST = 8, (0.5, 1e-3)
#: Left edges of the columns and widths of nodes, shares of the width of the Axes.
COLUMNS = (0.150, 0.222, 0.300, 0.452, 0.735, 0.814, 0.882)
THIN, BAR = 0.010, 0.024
#: Shares of the height: between nodes, room for one line and for two lines of text.
GAP, LINE, LINES = 0.016, 0.031, 0.060
WIDE = ("goods", "retired", "in use")
#: Height of a letter of upright text inside a bar.
LETTER = 0.0118
#: Bars of demand from the right: basis, what it takes off, colour.
BASES = (
    ("gross", "", "#7177AB"),
    ("net", "new scrap", "#4A4F85"),
    ("primary", "end of life", "#2B2F5E"),
)
#: How many bars recycled oxide passes before the one that still counts it.
STEPS = {"end of life": 1, "new scrap": 2}
MINED, GOODS, STOCK = "#7D6B66", "#4A5A66", "#8496A3"
LOST, NON_MAGNET = "#B9B4AA", "#A99C80"
NOTES = (
    "Means over draws, t oxide/yr, to scale; a surplus or deficit is that of the means. The three "
    "dark bars are one demand: gross, net of recovered new scrap, and primary, net of both.",
)


@dataclass(frozen=True, slots=True)
class Node:
    """
    A place of the chain: how flows call it, what the chart calls it, and where it stands.

    Columns are 0 supply, 1 oxide from mines, 2 demand, 3 uses and process scrap, 4 goods and what
    becomes of process scrap, 5 goods that leave use or stay, 6 what becomes of those that leave.
    """

    name: str
    label: str
    column: int
    colour: str


@dataclass(frozen=True, slots=True)
class Flow:
    """Tonnes of oxide a year from one node to another, by name."""

    source: str
    target: str
    value: float
    colour: str


# Column by column from the top, but for the uses; "earlier" is what comes out of a stock.
FIXED = (
    Node("new scrap", "Recycled new scrap", 0, RECYCLED[0]),
    Node("end of life", "Recycled end of life", 0, RECYCLED[1]),
    Node("outside", "Mines outside China", 0, OUTSIDE[1]),
    Node("china", "Feed that China controls", 0, CHINA[1]),
    Node("deficit", "Deficit", 0, PUBLISHED),
    Node("mined", "oxide from mines", 1, MINED),
    Node("demand", "Bought by makers", 2, INK),
    Node("surplus", "Surplus", 2, STOCK),
    Node("process scrap", "Process scrap", 3, STOCK),
    Node("process stock, earlier", "Earlier scrap", 3, STOCK),
    Node("process back", "recovered, back to supply", 4, RECYCLED[0]),
    Node("process lost", "lost", 4, LOST),
    Node("process stock", "on its way", 4, STOCK),
    Node("goods", "in finished goods", 4, GOODS),
    Node("in use, earlier", "From stock in use", 4, GOODS),
    Node("retired", "retired", 5, STOCK),
    Node("old stock, earlier", "Earlier scrap", 5, STOCK),
    Node("in use", "added to stock in use", 5, GOODS),
    Node("old back", "recovered,\nback to supply", 6, RECYCLED[1]),
    Node("old lost", "lost", 6, LOST),
    Node("old stock", "on its way", 6, STOCK),
)


def chain(
    result: Result, year: int | None = None, element: str | None = None
) -> tuple[list[Node], list[Flow]]:
    """
    Nodes and flows of one year, in means over draws.

    Parameters
    ----------
    result : Result
        Where it has weights the draws of what is shown must have been kept.
    year : int, optional
        By default the base year.
    element : str, optional
        An element or the sum "Dy+Tb"; by default the sum of all elements.

    Returns
    -------
    list of Node, list of Flow
        Nodes with a flow, column by column from the top. Flows in equal flows out but for the ends
        of the chain, and for flows below half a tonne or a thousandth of demand, left out.

    Raises
    ------
    ReesupplyError
        If the year or element is unknown or draws that weights need were not kept.
    """
    element, years = checked_element(result, element), result.plan.years
    year = years[0] if year is None else year
    if year not in years:
        msg = f"year: found {year!r}, allowed is {years[0]} to {years[-1]}"
        raise ReesupplyError(msg)

    def mean(name: str, bloc: str | None = "world") -> float:
        return float(np.asarray(result.mean(name, year=year, element=element, bloc=bloc)))

    at = years.index(year)
    rows = means_by_row(result, "end_use", "contained", element)
    contained = {name: float(row[at]) for name, row in rows.items()}
    chart = _Builder(min(SMALLEST[0], SMALLEST[1] * mean("demand")))
    _supply(chart, mean)
    _scrap(chart, mean, sum(contained.values()))
    _in_use(chart, mean, _uses(chart, result, contained))
    used = {end for flow in chart.flows for end in (flow.source, flow.target)}
    return [node for node in chart.nodes.values() if node.name in used], chart.flows


class _Builder:
    """Collects nodes in their order, and flows above the smallest."""

    def __init__(self, smallest: float) -> None:
        self.smallest = smallest
        self.nodes = {node.name: node for node in FIXED}
        self.flows: list[Flow] = []

    def flow(self, source: str, target: str, value: float, colour: str) -> None:
        if value > self.smallest:
            self.flows.append(Flow(source, target, value, colour))

    def split(self, source: str, ends: dict[str, float], change: float, stock: str) -> None:
        """Divide what arises between ends and a stock; what a stock gives goes to the first end."""
        drawn = max(-change, 0.0)
        for name, value in ends.items():
            given = min(drawn, value)
            self.flow(source, name, value - given, self.nodes[name].colour)
            self.flow(f"{stock}, earlier", name, given, STOCK)
            drawn -= given
        self.flow(source, stock, change, STOCK)


def _supply(chart: _Builder, mean: Mean) -> None:
    """From sources to makers; what they do not buy is oxide from mines, as on every basis."""
    balance = mean("balance", None)
    abroad, china = mean("mine_supply", "ex_china"), mean("mine_supply", "china")
    chart.flow("outside", "mined", abroad, OUTSIDE[1])
    chart.flow("china", "mined", china, CHINA[1])
    chart.flow("deficit", "demand", -balance, PUBLISHED)
    unsold = min(max(balance, 0.0), abroad + china)
    chart.flow("mined", "surplus", unsold, STOCK)
    sold = 1.0 - unsold / (abroad + china) if unsold else 1.0
    chart.flow("mined", "demand", abroad * sold, OUTSIDE[1])
    chart.flow("mined", "demand", china * sold, CHINA[1])
    left = balance - unsold  # more than mines gave: then recycled oxide is not bought
    for name in ("end of life", "new scrap"):
        value, colour = mean(f"recycled_{name.replace(' ', '_')}"), chart.nodes[name].colour
        unsold = min(max(left, 0.0), value)
        chart.flow(name, "demand", value - unsold, colour)
        chart.flow(name, "surplus", unsold, STOCK)
        left -= unsold


def _uses(chart: _Builder, result: Result, contained: dict[str, float]) -> float:
    """From makers to uses, and to goods in use; return what enters those."""
    rows = {row.id: row for row in result.plan.scenario.rows("end_uses")}
    apart = [n for n in contained if not (rows[n].process_loss and rows[n].scaled)]
    magnets = {n: np.array([x]) for n, x in contained.items() if n not in apart}
    shown, rest = largest(magnets, TOP)
    shown.sort(key=lambda name: list(SECTORS).index(rows[name].sector))  # stable: then by size
    shades = {sector: cycle(colours) for sector, colours in SECTORS.items()}
    uses = [(rows[n].name, [n], next(shades[rows[n].sector])) for n in shown]
    uses.append((f"Smaller uses ({len(rest)})", rest, SECTOR_REST))
    uses += [(rows[n].name, [n], NON_MAGNET) for n in apart]
    entering = 0.0
    for label, names, colour in uses:
        value, name = sum(contained[n] for n in names), f"use: {label}"
        chart.nodes[name] = Node(name, label, 3, colour)
        chart.flow("demand", name, value, colour)
        if all(rows[n].scaled for n in names):  # otherwise a store, not goods in use
            chart.flow(name, "goods", value, colour)
            entering += value
    return entering


def _scrap(chart: _Builder, mean: Mean, contained: float) -> None:
    """From makers to process scrap, and what becomes of it."""
    back, lost = mean("recycled_new_scrap"), mean("lost_new_scrap")
    scrap = mean("demand") - contained
    ends = {"process back": back, "process lost": lost}
    chart.flow("demand", "process scrap", scrap, STOCK)
    chart.split("process scrap", ends, scrap - back - lost, "process stock")


def _in_use(chart: _Builder, mean: Mean, entering: float) -> None:
    """From goods that enter use to those that leave it, and what becomes of them."""
    back, lost, retired = mean("recycled_end_of_life"), mean("lost_end_of_life"), mean("retired")
    chart.split("goods", {"retired": retired}, entering - retired, "in use")
    chart.split("retired", {"old back": back, "old lost": lost}, retired - back - lost, "old stock")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node stands, top and height in tonnes, and how wide it is."""

    node: Node
    top: float
    height: float
    left: float
    width: float

    @property
    def middle(self) -> float:
        return self.top + self.height / 2.0

    @property
    def right(self) -> float:
        return self.left + self.width


def _layout(nodes: list[Node], flows: list[Flow]) -> tuple[dict[str, _Place], float]:
    """Return the place of each node and the height of all; room for text is a share of it."""
    size = {}
    for name in (node.name for node in nodes):
        out = sum(flow.value for flow in flows if flow.source == name)
        size[name] = max(out, sum(flow.value for flow in flows if flow.target == name))
    extent = sum(size[node.name] for node in nodes if node.column == 0)
    for _ in range(8):  # more text needs more room, by less each time
        places = _stacked(nodes, flows, size, extent)
        low = min(place.top for place in places)
        extent = max(place.top + place.height for place in places) - low
    return {p.node.name: replace(p, top=p.top - low) for p in places}, extent


def _stacked(
    nodes: list[Node], flows: list[Flow], size: dict[str, float], extent: float
) -> list[_Place]:
    """Stack each column from the top, and move it so that its ribbons run level on average."""
    found: dict[str, _Place] = {}
    for column, left in enumerate(COLUMNS):
        top, here = 0.0, []
        for node in nodes:
            if node.column == column:
                height = size[node.name]
                slot = max(height, (LINES if column in (0, 6) else LINE) * extent)
                width = 3 * BAR if node.name == "demand" else BAR if node.name in WIDE else THIN
                here.append(_Place(node, top + (slot - height) / 2.0, height, left, width))
                top += slot + GAP * extent
        pull = [
            (flow.value, found[flow.source].middle - place.middle)
            for place in here
            for flow in flows
            if flow.target == place.node.name and flow.source in found
        ]
        shift = sum(w * d for w, d in pull) / sum(w for w, _ in pull) if pull else 0.0
        found |= {p.node.name: replace(p, top=p.top + shift) for p in here}
    return list(found.values())


def draw(result: Result, year: int | None, element: str | None, ax: Axes | None) -> Axes:
    """Draw the chain of one year; see `Plots.sankey`."""
    nodes, flows = chain(result, year, element)
    places, extent = _layout(nodes, flows)
    title = f"{checked_element(result, element)} oxide from source to scrap, "
    title += str(result.plan.years[0] if year is None else year)
    with chart_style():
        ax = new_axes(ax, height=5.8)
        ax.set_axis_off()
        ax.set(xlim=(0.0, 1.0), ylim=(extent, 0.0), xticks=[], yticks=[])
        _ribbons(ax, places, flows)
        for place in places.values():
            if place.node.name == "demand":
                _bases(ax, place, flows)
            else:
                _bar(ax, place.left, place.top, place.width, place.height, place.node.colour)
                _label(ax, place, extent)
        headline(ax, result, title, NOTES)
    return ax


def _ribbons(ax: Axes, places: dict[str, _Place], flows: list[Flow]) -> None:
    """Draw flows; at a node they lie in the order of the nodes they come from or go to."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    leaves = {name: place.top for name, place in places.items()}
    enters = dict(leaves)
    starts, ends = {}, {}
    for number, flow in sorted(enumerate(flows), key=lambda one: places[one[1].target].top):
        starts[number] = leaves[flow.source]
        leaves[flow.source] += flow.value
    for number, flow in sorted(enumerate(flows), key=lambda one: places[one[1].source].top):
        ends[number] = enters[flow.target]
        enters[flow.target] += flow.value
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    for number, flow in enumerate(flows):
        step = STEPS.get(flow.source, 0) if flow.target == "demand" else 0
        x0, x1 = places[flow.source].right, places[flow.target].left + step * BAR
        y0, y1, middle = starts[number], ends[number], (x0 + x1) / 2.0
        upper = [(x0, y0), (middle, y0), (middle, y1), (x1, y1)]
        lower = [(x, y + flow.value) for x, y in reversed(upper)]
        path = Path([*upper, *lower, upper[0]], codes)
        name = f"{flow.source} > {flow.target}"
        ax.add_patch(PathPatch(path, facecolor=flow.colour, alpha=0.5, linewidth=0, label=name))


def _bases(ax: Axes, place: _Place, flows: list[Flow]) -> None:
    """Draw demand as three bars, each without the recycled oxide that its basis takes off."""
    into = {flow.source: flow.value for flow in flows if flow.target == "demand"}
    top, height = place.top, place.height
    for number, (basis, less, colour) in enumerate(BASES):
        top, height = top + into.get(less, 0.0), height - into.get(less, 0.0)
        left = place.left + (2 - number) * BAR
        _bar(ax, left, top, BAR, height, colour)
        _inside(ax, left + BAR / 2.0, top + height / 2.0, f"{basis}  {tonnes(height)} t")
    _text(ax, place.right, place.top, place.node.label, "right", above=True, away=0.0)


def _bar(ax: Axes, left: float, top: float, width: float, height: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((left, top), width, height, facecolor=colour, linewidth=0))


def _label(ax: Axes, place: _Place, extent: float) -> None:
    """Write the name and tonnes of a node: left of sources, inside wide bars, else at the right."""
    node, amount = place.node, f"{tonnes(place.height)} t"
    inside = f"{node.label}  {amount}"
    if node.name in WIDE[:2] and place.height > LETTER * len(inside) * extent:
        _inside(ax, place.left + BAR / 2.0, place.middle, inside)
    elif node.column == 0:
        _text(ax, place.left, place.middle, f"{node.label}\n{amount}", "right")
    elif node.column == 1:
        _inside(ax, place.right + BAR / 2.0, place.middle, inside, INK)
    elif node.column in (2, 5, 6):
        _text(ax, place.right, place.middle, f"{node.label}\n{amount}", "left")
    else:
        _text(ax, place.right, place.middle, f"{amount}  {node.label}", "left")


def _inside(ax: Axes, x: float, y: float, text: str, colour: str = "white") -> None:
    written = ax.text(x, y, text, rotation=90, ha="center", va="center", color=colour)
    written.set(fontsize=KEY, parse_math=False)


def _text(
    ax: Axes, x: float, y: float, text: str, side: str, *, above: bool = False, away: float = 3.0
) -> None:
    written = ax.annotate(
        text,
        xy=(x, y),
        xytext=(away if side == "left" else -away, 3.0 if above else 0.0),
        textcoords="offset points",
        ha=side,
        va="bottom" if above else "center",
    )
    written.set(fontsize=KEY, parse_math=False, linespacing=1.15)
