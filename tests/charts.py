"""What the tests of all charts ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from matplotlib.axes import Axes
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    import reesupply as rs


def chart(result: rs.Result, name: str, **options: Any) -> Axes:
    """Draw the chart of that name."""
    axes = getattr(result.plot, name)(**options)
    assert isinstance(axes, Axes)
    return axes


def whole(ax: Axes) -> Figure:
    """The figure of the Axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def every_text(ax: Axes) -> list[Text]:
    """Every text of the figure."""
    return cast("list[Text]", whole(ax).findobj(Text))


def panels(ax: Axes) -> list[Axes]:
    """The Axes and the panels that belong to it."""
    return [ax, *cast("list[Axes]", ax.child_axes)]


def shown_texts(ax: Axes) -> list[Text]:
    """Every text that says anything and is drawn; of the labels of ticks those within limits."""
    ticks: set[Text] = set()
    within: set[Text] = set()
    for each in panels(ax):
        if not each.axison:
            ticks |= {each.xaxis.label, each.yaxis.label}
        for axis, (low, high) in ((each.xaxis, each.get_xlim()), (each.yaxis, each.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                ticks |= {tick.label1, tick.label2}
                if each.axison and min(low, high) <= tick.get_loc() <= max(low, high):
                    within |= {tick.label1, tick.label2}
    return [
        text
        for text in every_text(ax)
        if text.get_text().strip() and text.get_visible() and (text not in ticks or text in within)
    ]


def texts(ax: Axes) -> list[str]:
    """What every text of the figure says."""
    return [found.get_text() for found in every_text(ax)]


def line(ax: Axes, label: str) -> Any:
    """The line with that label."""
    return next(each for each in ax.get_lines() if each.get_label() == label)
