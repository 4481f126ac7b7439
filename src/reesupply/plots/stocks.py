"""Oxide in goods in use, and what enters and leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.plots.numbers import (
    checked_element,
    means_by_row,
    world_mean,
    world_quantiles,
)
from reesupply.plots.style import (
    DASH,
    FAN,
    INK,
    RECYCLED,
    beside,
    chart_style,
    headline,
    key,
    new_axes,
    year_axis,
)
from reesupply.result import BANDS

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

ENTERING, LEAVING, RECOVERED = "#8496A3", "#D9CDB8", RECYCLED[0]
#: The panel of flows: its height and its distance from the stock [points].
HEIGHT, GAP = 108.0, 20.0
#: How far left of the ticks both panels have the name of their axis [points].
LEFT = 42.0


def draw(result: Result, element: str | None, ax: Axes | None) -> Axes:
    """Draw stock and flows; see `Plots.stocks`."""
    element = checked_element(result, element)
    years = result.plan.years
    stock = [np.asarray(result.quantile("in_use_stock", level, element=element)) for level in BANDS]
    entering = np.sum(list(means_by_row(result, "end_use", "contained", element).values()), axis=0)
    flows = {
        "leaving use": _flow(result, "retired", element),
        "recovered": _flow(result, "recycled_end_of_life", element),
    }
    with chart_style():
        ax = new_axes(ax, height=5.8)
        _stock(ax, years, stock)
        _flows(ax, years, entering, flows)
        title = f"{element} oxide in goods in use, {years[0]}{DASH}{years[-1]}"
        headline(ax, result, title, _notes(years, flows))
    return ax


def _flow(result: Result, name: str, element: str) -> FloatArray:
    """Mean, P5 and P95 of a world total, shape (3, year)."""
    band = world_quantiles(result, (name,), (BANDS[0], BANDS[-1]), element)
    return np.stack([world_mean(result, name, element), *band])


def _notes(years: tuple[int, ...], flows: dict[str, FloatArray]) -> list[str]:
    leaving, recovered = (float(flow[0, -1]) for flow in flows.values())
    notes = [
        "Above: stock at the end of the year. Below: flows of the year, means; whiskers from P5 to "
        "P95."
    ]
    if leaving > 0.0:
        share = f"{100.0 * recovered / leaving:.0f} %"
        notes.append(
            f"Recovered: oxide made of goods that left use; {share} of what leaves it in "
            f"{years[-1]}, mean by mean."
        )
    return notes


def _stock(ax: Axes, years: tuple[int, ...], stock: list[FloatArray]) -> None:
    outer, inner, line = FAN
    wide = ax.fill_between(
        years, stock[0], stock[4], color=outer, linewidth=0, label=f"P5{DASH}P95"
    )
    narrow = ax.fill_between(
        years, stock[1], stock[3], color=inner, linewidth=0, label=f"P25{DASH}P75"
    )
    (middle,) = ax.plot(years, stock[2], color=line, linewidth=2.0, label="median")
    year_axis(ax, years, "t oxide in use")
    ax.set_xlim(years[0] - 0.5, years[-1] + 0.5)
    ax.set_ylim(bottom=0.0)
    ax.tick_params(axis="x", labelbottom=False)
    ax.yaxis.set_label_coords(0.0, 0.5, transform=beside(ax, -LEFT, 0.0))
    artists: list[Artist] = [wide, narrow, middle, narrow, wide]
    names = ["P95", "P75", "median", "P25", "P5"]
    key(
        ax,
        artists,
        names,
        [float(edge[-1]) for edge in stock[::-1]],
        f"t oxide in use, end of {years[-1]}",
    )


def _flows(
    ax: Axes, years: tuple[int, ...], entering: FloatArray, flows: dict[str, FloatArray]
) -> None:
    """Draw the panel of flows below the stock, as a part of its Axes."""
    panel = new_axes(_panel(ax))
    places = np.array(years)
    artists: list[Any] = panel.plot(
        places, entering, "-o", color=ENTERING, markersize=3.2, linewidth=1.4, label="entering use"
    )
    for (name, (mean, low, high)), colour, shift in zip(
        flows.items(), (LEAVING, RECOVERED), (-0.2, 0.2), strict=True
    ):
        artists.append(panel.bar(places + shift, mean, width=0.36, color=colour, label=name))
        panel.vlines(places + shift, low, high, color=INK, linewidth=0.8)
    year_axis(panel, years, "t oxide/yr")
    panel.set_xlim(ax.get_xlim())
    panel.set_ylim(bottom=0.0)
    panel.yaxis.set_label_coords(0.0, 0.5, transform=beside(panel, -LEFT, 0.0))
    values = [float(entering[-1]), *(float(flow[0, -1]) for flow in flows.values())]
    names = ["entering use", *flows]
    key(panel, artists, names, values, f"t oxide in {years[-1]}, means")


def _panel(ax: Axes) -> Axes:
    """Return Axes below the given ones, of a height in points, so that the layout settles."""
    from matplotlib.transforms import (
        Affine2D,
        BboxTransformTo,
        ScaledTranslation,
        blended_transform_factory,
    )

    figure = ax.get_figure(root=True)
    if figure is None:
        raise AssertionError
    points = Affine2D().scale(1.0 / 72.0) + figure.dpi_scale_trans
    below = points + ScaledTranslation(0.0, 0.0, BboxTransformTo(ax.bbox))
    place = blended_transform_factory(ax.transAxes, below)
    return ax.inset_axes((0.0, -GAP - HEIGHT, 1.0, HEIGHT), transform=place)
