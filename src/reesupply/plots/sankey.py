"""One year of the chain as ribbons: a Sankey-like chart in means over draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reesupply.plots.chain import Flow, Node, chain
from reesupply.plots.numbers import checked_element
from reesupply.plots.style import INK, KEY, chart_style, headline, new_axes, short, tonnes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reesupply.result import Result

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
NOTES = (
    "Means over draws, t oxide/yr, to scale; a surplus or deficit is that of the means. The three "
    "dark bars are one demand: gross, net of recovered new scrap, and primary, net of both.",
)


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
    own = ax is None
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
        figure = ax.get_figure(root=True)
        if own and figure is not None:  # else labels would move it a little in every drawing
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
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
        _text(ax, place.right, place.middle, f"{amount}  {short(node.label, 34)}", "left")


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
