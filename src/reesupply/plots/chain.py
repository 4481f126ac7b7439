"""Nodes and flows of one year of the chain, from mines and scrap to goods and what leaves use."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.plots.numbers import checked_element, largest, means_by_row
from reesupply.plots.style import CHINA, INK, OUTSIDE, PUBLISHED, RECYCLED, SECTOR_REST, SECTORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reesupply.result import Result

    Mean = Callable[..., float]

#: How many magnet uses are shown apart; flows below these tonnes and share of demand are not.
TOP, SMALLEST = 8, (0.5, 1e-3)
MINED, GOODS, STOCK = "#7D6B66", "#4A5A66", "#8496A3"
LOST, NON_MAGNET = "#B9B4AA", "#A99C80"


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
        An element or the sum "Dy+Tb"; by default the sum of the heavy pair.

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
    apart = [n for n in contained if not rows[n].process_loss]
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
        if not any(rows[n].stored for n in names):  # otherwise a store, not goods in use
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
