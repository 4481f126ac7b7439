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
    SIZE,
    chart_style,
    check_top,
    headline,
    key,
    new_axes,
    year_axis,
)
from reesupply.plots.style import RECYCLED as RECYCLED_COLOURS
from reesupply.result import LEVELS

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

MEANS = (
    "Areas are means, because quantiles of parts do not add up; the lines are P95, median and P5 "
    "of {other}."
)
SOURCES = "Red and brown: feed that China controls; blue: mines outside China; green: recycled."
USES = "Orange: road vehicles; purple: wind; grey and beige: all else."


def draw_supply(result: Result, top: int, element: str | None, ax: Axes | None) -> Axes:
    """Draw supply by source against gross demand; see `Plots.supply`."""
    element = checked_element(result, element)
    layers = _supply_layers(result, check_top(top), element)
    band = world_quantiles(result, ("demand",), LEVELS, element)
    title = f"World supply of {element} oxide by source, {{years}}"
    return _draw(result, layers, band, title=title, other="gross demand", note=SOURCES, ax=ax)


def draw_demand(result: Result, top: int, element: str | None, ax: Axes | None) -> Axes:
    """Draw gross demand by end use against supply; see `Plots.demand`."""
    element = checked_element(result, element)
    layers = _demand_layers(result, check_top(top), element)
    band = world_quantiles(result, SUPPLY, LEVELS, element)
    title = f"World gross demand for {element} oxide by end use, {{years}}"
    return _draw(result, layers, band, title=title, other="supply", note=USES, ax=ax)


def _draw(
    result: Result,
    layers: list[Layer],
    band: FloatArray,
    *,
    title: str,
    other: str,
    note: str,
    ax: Axes | None,
) -> Axes:
    years = result.plan.years
    with chart_style():
        ax = new_axes(ax, height=max(SIZE[1], 1.3 + 0.13 * (len(layers) + len(LEVELS))))
        areas = ax.stackplot(
            years,
            [layer.mean for layer in layers],
            colors=[layer.colour for layer in layers],
            labels=[layer.name for layer in layers],
            edgecolor="white",
            linewidth=0.25,
        )
        lines = _band(ax, years, band, other)
        year_axis(ax, years, "t oxide/yr")
        ax.set_ylim(bottom=0.0)
        stack = list(zip(areas, layers, strict=True))[::-1]
        key(
            ax,
            [*lines[::-1], *(area for area, _ in stack)],
            [*(str(line.get_label()) for line in lines[::-1]), *(la.name for _, la in stack)],
            [*(edge[-1] for edge in band[::-1]), *(la.mean[-1] for _, la in stack)],
            f"t oxide in {years[-1]}",
        )
        span = f"{years[0]}{DASH}{years[-1]}"
        headline(ax, result, title.format(years=span), [MEANS.format(other=other), note])
    return ax


def _band(ax: Axes, years: tuple[int, ...], band: FloatArray, other: str) -> list[Line2D]:
    """Draw P5, median and P95 as lines over a light shade."""
    low, middle, high = band
    ax.fill_between(years, low, high, color=INK, alpha=0.10, linewidth=0)
    lines = []
    for edge, name, width in ((low, "P5", 0.9), (middle, "median", 2.0), (high, "P95", 0.9)):
        dashes = "-" if name == "median" else (0, (4, 2))
        lines += ax.plot(
            years,
            edge,
            color=INK,
            linewidth=width,
            linestyle=dashes,
            solid_capstyle="butt",
            label=f"{other}, {name}",
        )
    return lines


def _supply_layers(result: Result, top: int, element: str) -> list[Layer]:
    """From below: feed of China, the largest mines outside, the other ones, recycled oxide."""
    means = means_by_row(result, "project", "separated", element)
    names = {row.id: row.name for row in result.plan.scenario.rows("projects")}
    china = china_fed(result)
    captive = [name for name, row in means.items() if name in china and row.any()]
    outside = {name: row for name, row in means.items() if name not in china}
    shown, rest = largest(outside, top)
    layers = [
        Layer(names[name], means[name], colour)
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


def _demand_layers(result: Result, top: int, element: str) -> list[Layer]:
    """Return end uses, the largest of the last year first, and the rest together."""
    means = means_by_row(result, "end_use", "demand", element)
    rows = {row.id: row for row in result.plan.scenario.rows("end_uses")}
    shades = {sector: cycle(colours) for sector, colours in SECTORS.items()}
    shown, rest = largest(means, top)
    layers = []
    for name in shown:
        colour = next(shades[rows[name].sector])
        layers.append(Layer(rows[name].name, means[name], colour))
    if rest:
        total = np.sum([means[name] for name in rest], axis=0)
        layers.append(Layer(f"Smaller end uses ({len(rest)})", total, SECTOR_REST))
    return layers
