"""Stacked areas of supply by source and of demand by end use."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from reesupply.plots.numbers import (
    RECYCLED,
    SUPPLY,
    Layer,
    checked_element,
    china_fed,
    largest,
    means_by_row,
    world_mean,
    world_quantiles,
)
from reesupply.plots.style import (
    CHINA,
    DASH,
    INK,
    OUTSIDE,
    OUTSIDE_REST,
    SECTOR_REST,
    SECTORS,
    chart_style,
    check_top,
    headline,
    key,
    new_axes,
    year_axis,
)
from reesupply.plots.style import RECYCLED as RECYCLED_COLOURS

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

LEVELS = (0.05, 0.5, 0.95)
NOTE = (
    "Areas are means, since quantiles of parts do not add up; the line and band are the "
    "median and P5-P95 of {other}. Deficits are read from the balance chart, draw by draw."
)


def draw_supply(
    result: Result, scenario: Scenario, top: int, element: str | None, ax: Axes | None
) -> Axes:
    """Draw supply by source against gross demand; see `Plots.supply`."""
    element = checked_element(result, element)
    layers = _supply_layers(result, scenario, check_top(top), element)
    band = world_quantiles(result, ("demand",), LEVELS, element)
    title = f"World supply of {element} oxide by source, {{years}}"
    return _draw(result, layers, band, title=title, other="gross demand", ax=ax)


def draw_demand(
    result: Result, scenario: Scenario, top: int, element: str | None, ax: Axes | None
) -> Axes:
    """Draw gross demand by end use against supply; see `Plots.demand`."""
    element = checked_element(result, element)
    layers = _demand_layers(result, scenario, check_top(top), element)
    band = world_quantiles(result, SUPPLY, LEVELS, element)
    title = f"World gross demand for {element} oxide by end use, {{years}}"
    return _draw(result, layers, band, title=title, other="supply", ax=ax)


def _draw(
    result: Result,
    layers: list[Layer],
    band: FloatArray,
    *,
    title: str,
    other: str,
    ax: Axes | None,
) -> Axes:
    years = result.plan.years
    with chart_style():
        ax = new_axes(ax)
        areas = ax.stackplot(
            years,
            [layer.mean for layer in layers],
            colors=[layer.colour for layer in layers],
            labels=[layer.name for layer in layers],
            edgecolor="white",
            linewidth=0.25,
        )
        low, middle, high = band
        shade = ax.fill_between(years, low, high, color=INK, alpha=0.10, linewidth=0)
        edges = [
            ax.plot(years, edge, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))[0]
            for edge in (low, high)
        ]
        line = ax.plot(years, middle, color=INK, linewidth=2.0, label=f"{other}, median")[0]
        year_axis(ax, years, "t oxide/yr")
        ax.set_ylim(bottom=0.0)
        names = [f"{other}, median", f"{other}, P5 and P95", *(la.name for la in layers[::-1])]
        values = [middle[-1], None, *(layer.mean[-1] for layer in layers[::-1])]
        key(
            ax,
            [line, (shade, edges[0]), *areas[::-1]],  # type: ignore[list-item]
            names,
            values,
            f"t oxide in {years[-1]}",
        )
        span = f"{years[0]}{DASH}{years[-1]}"
        headline(ax, result, title.format(years=span), [NOTE.format(other=other)])
    return ax


def _supply_layers(result: Result, scenario: Scenario, top: int, element: str) -> list[Layer]:
    """From below: feed of China, the largest mines outside, the other ones, recycled oxide."""
    means = means_by_row(result, "project", "separated", element)
    names = {row.id: row.name for row in scenario.rows("projects")}
    china = china_fed(scenario)
    captive = [name for name, row in means.items() if name in china and row.any()]
    outside = {name: row for name, row in means.items() if name not in china}
    shown, rest = largest(outside, top)
    layers = [
        Layer(names.get(name, name), means[name], colour)
        for ids, colours in ((captive, CHINA), (shown, OUTSIDE))
        for name, colour in zip(ids, cycle(colours), strict=False)
    ]
    if rest:
        total = np.sum([means[name] for name in rest], axis=0)
        layers.append(Layer(f"Other mines outside China ({len(rest)})", total, OUTSIDE_REST))
    labels = ("Recycled new scrap", "Recycled end of life")
    for name, label, colour in zip(RECYCLED, labels, RECYCLED_COLOURS, strict=True):
        layers.append(Layer(label, world_mean(result, name, element), colour))
    return layers


def _demand_layers(result: Result, scenario: Scenario, top: int, element: str) -> list[Layer]:
    """Return end uses, the largest of the last year first, and the rest together."""
    means = means_by_row(result, "end_use", "demand", element)
    rows = {row.id: row for row in scenario.rows("end_uses")}
    shades = {sector: cycle(colours) for sector, colours in SECTORS.items()}
    shown, rest = largest(means, top)
    layers = []
    for name in shown:
        row = rows.get(name)
        colour = next(shades["other" if row is None else row.sector])
        layers.append(Layer(name if row is None else row.name, means[name], colour))
    if rest:
        total = np.sum([means[name] for name in rest], axis=0)
        layers.append(Layer(f"Smaller end uses ({len(rest)})", total, SECTOR_REST))
    return layers
