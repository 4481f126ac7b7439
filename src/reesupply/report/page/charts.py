"""Charts of the library as figures of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.plots.saving import rendered
from reesupply.report.page.parts import Figure, tonnes

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as FigureOf


#: Width of a chart for a phone [in]: its small type is then as large there as the page's.
NARROW = 3.7


def figure(
    name: str,
    draw: Callable[[Axes | None], Axes | FigureOf],
    alt: str,
    caption: str,
    *,
    narrow: float | None = None,
) -> Figure:
    """
    Draw a chart and close it.

    Parameters
    ----------
    name : str
        Identifier on the page.
    draw : function
        Draws on the Axes given, or on a figure of its own; returns it.
    alt, caption : str
        See `Figure`.
    narrow : float, optional
        Height of a second drawing for a phone [in]; None where the chart has too many words.

    Returns
    -------
    Figure
        As SVG: sharp at any size and on paper.
    """
    svg = _drawn(draw, None)
    return Figure(name, svg, alt, caption, b"" if narrow is None else _drawn(draw, narrow))


def _drawn(draw: Callable[[Axes | None], Axes | FigureOf], height: float | None) -> bytes:
    from matplotlib import pyplot as plt

    before = set(plt.get_fignums())
    try:
        ax = None
        if height is not None:
            ax = plt.subplots(figsize=(NARROW, height), layout="constrained")[1]
        return rendered(draw(ax), "svg")
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def gap(balance: float) -> str:
    """
    Say a balance in words.

    Parameters
    ----------
    balance : float
        t; negative is a deficit.

    Returns
    -------
    str
        "a deficit of 1,200 t", "a surplus of 30 t" or "a balance of 0 t".
    """
    if round(balance) == 0:
        return "a balance of 0 t"
    return f"a {'deficit' if balance < 0.0 else 'surplus'} of {tonnes(abs(balance))} t"
