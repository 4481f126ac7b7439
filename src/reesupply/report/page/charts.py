"""Charts of the library as figures of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.plots.saving import rendered
from reesupply.report.page.parts import Figure, tonnes

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes


def figure(name: str, draw: Callable[[], Axes], alt: str, caption: str) -> Figure:
    """
    Draw a chart and close it.

    Parameters
    ----------
    name : str
        Identifier on the page.
    draw : function
        Draws on a figure of its own and returns its Axes.
    alt, caption : str
        See `Figure`.

    Returns
    -------
    Figure
        As SVG: sharp at any size and on paper.
    """
    from matplotlib import pyplot as plt

    before = set(plt.get_fignums())
    try:
        svg = rendered(draw(), "svg")
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)
    return Figure(name, svg, alt, caption)


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
