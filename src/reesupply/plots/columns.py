"""Columns of numbers at the right of a chart of rows, and a key below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reesupply.plots.style import FAINT, KEY, SMALL, beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

__all__ = ["column", "head", "legend_below"]


def column(
    ax: Axes,
    places: Iterable[float],
    texts: Iterable[str],
    offset: float,
    colour: str,
    aligned: str = "right",
) -> None:
    """
    Write a text beside every row.

    Parameters
    ----------
    ax : Axes
        With one row at each of `places` on its y axis.
    places : iterable of float
        Where the rows are.
    texts : iterable of str
        One for each.
    offset : float
        From the right edge of the Axes [points].
    colour : str
        Of the text.
    aligned : {"left", "right"}
        Which end of a text is at the offset.
    """
    for place, text in zip(places, texts, strict=True):
        _write(ax, text, place, ax.get_yaxis_transform(), offset, colour, aligned, "center")


def head(ax: Axes, text: str, offset: float, side: str) -> None:
    """Write the name of a column at the top edge of the Axes; `side` is "top" or "bottom"."""
    _write(ax, text, 1.0, ax.transAxes, offset, FAINT, "right", side)


def _write(
    ax: Axes,
    text: str,
    height: float,
    coords: Any,
    offset: float,
    colour: str,
    aligned: str,
    side: str,
) -> None:
    ax.annotate(
        text,
        xy=(1.0, height),
        xycoords=coords,
        xytext=(offset, 0),
        textcoords="offset points",
        ha=aligned,
        va=side,
        fontsize=KEY,
        color=colour,
        annotation_clip=False,
    )


def legend_below(
    ax: Axes, columns: int, handles: Sequence[Any] = (), names: Sequence[str] = ()
) -> None:
    """Put the key below the label of the x axis; by default of what is labelled in the Axes."""
    given = {"handles": handles, "labels": names} if handles else {}
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=beside(ax, 0.0, -34.0),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.5,
        borderaxespad=0.0,
        **given,
    )
