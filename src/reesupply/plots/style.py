"""What all charts share: colours, type, titles, axes and keys."""

from __future__ import annotations

import textwrap
from contextlib import contextmanager
from numbers import Integral
from typing import TYPE_CHECKING, Any

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.transforms import Transform

    from reesupply.result import Result

# Groups differ in hue and layers of a group in lightness, so that a reader who confuses red and
# green still tells them apart; vermilion is the Okabe-Ito colour and marks what others published.
CHINA = ("#6B1A1A", "#A63A2B", "#D08066", "#E9B9A4", "#94684A", "#C9AD96")
OUTSIDE = ("#0B3C6F", "#3F83BF", "#8FBCE0", "#1F5F9E", "#6BA3D2", "#C3DBEF")
OUTSIDE_REST = "#D6E3F0"
RECYCLED = ("#00755B", "#86CDB4")
SECTORS = {
    "auto": ("#C27803", "#E9A82B", "#F4CB74"),
    "auto-other": ("#F9E3B4",),
    "wind": ("#6A3D7C", "#B58DC4"),
    "other": ("#4A5A66", "#8496A3", "#BAC6CE"),
}
SECTOR_REST = "#D9D3C3"
FAN = ("#D6D8E6", "#A6AACB", "#2B2F5E")
PUBLISHED, PUBLISHED_TEXT = "#D55E00", "#9A4400"
INK, FAINT, GRID = "#222222", "#666666", "#DDDDDD"

TITLE, SMALL, KEY = 11.0, 7.5, 7.0
SIZE = (8.0, 5.0)
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
DOT = " \N{MIDDLE DOT} "
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Draw a chart in our style; global settings are as before after it."""
    import matplotlib as mpl
    from matplotlib import style

    with style.context(["default", _STYLE]):
        yield
        interactive = mpl.is_interactive()
    # the first figure of a notebook switches interactive mode on, and it has to stay on
    mpl.interactive(interactive)


def new_axes(ax: Axes | None, height: float = SIZE[1]) -> Axes:
    """
    Return the given Axes, or those of a new figure; call it inside `chart_style`.

    Parameters
    ----------
    ax : Axes or None
        What the caller asked for.
    height : float
        Inches, of a new figure.

    Returns
    -------
    Axes
        With light spines and small grey tick labels.
    """
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(SIZE[0], height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color="#AAAAAA", linewidth=0.8)
    ax.tick_params(labelsize=8, color="#AAAAAA", labelcolor=FAINT, labelfontfamily="DejaVu Sans")
    ax.set_axisbelow(True)
    return ax


def breadth(ax: Axes) -> float:
    """Return how wide the figure of the Axes is, as a share of the usual width, at most 1."""
    figure = ax.get_figure(root=True)
    return 1.0 if figure is None else min(1.0, figure.get_figwidth() / SIZE[0])


def year_axis(ax: Axes, years: Sequence[int], unit: str) -> None:
    """Label the years below and tonnes with thousands separators at the left."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if len(years) > 1:
        ax.set_xlim(years[0], years[-1])
    ax.xaxis.set_major_locator(MaxNLocator(nbins=max(3, round(12 * breadth(ax))), integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.set_ylabel(unit, fontsize=8.5)
    ax.grid(axis="y", color=GRID, linewidth=0.6)


def plain(value: float) -> str:
    """Write a number with thousands separators, a true minus sign and no superfluous digit."""
    return f"{value:,.10g}".replace("-", MINUS)


def tonnes(value: float) -> str:
    """Write whole tonnes with thousands separators."""
    return f"{round(value):,}".replace("-", MINUS)


def headline(ax: Axes, result: Result, title: str, notes: Sequence[str]) -> None:
    """
    Put the title above the Axes, and below it what the reader has to know.

    Parameters
    ----------
    ax : Axes
        Where.
    result : Result
        Its scenario, draws and data date are named.
    title : str
        One short line; "conditioned" is added where the result has weights.
    notes : sequence of str
        Further sentences.
    """
    full = title if result.weights is None else f"{title}, conditioned"
    headline_text(ax, full, [*notes, provenance(result)])


def headline_text(ax: Axes, title: str, notes: Sequence[str]) -> None:
    """
    Put a title above the Axes, and sentences below it.

    Parameters
    ----------
    ax : Axes
        Where.
    title : str
        One short line.
    notes : sequence of str
        Each begins a line.
    """
    share = breadth(ax)
    wide = round(min(112, 140 - _row_names(ax)) * share)
    text = "\n".join(line for note in notes for line in textwrap.wrap(note, wide))
    space = 6.0
    below = ax.annotate(
        text,
        xy=(0.0, 1.0),
        xycoords="axes fraction",
        xytext=(0.0, space),
        textcoords="offset points",
        va="bottom",
        fontsize=SMALL,
        color=FAINT,
        linespacing=1.3,
    )
    below.set_parse_math(False)
    pad = space + (text.count("\n") + 1) * SMALL * 1.35 + 5.0
    if share < 1.0:
        title = textwrap.fill(title, round(68 * share))
    # the middle title, moved to the left: then get_title() and set_title() work as usual
    ax.set_title(
        title, x=0.0, ha="left", pad=pad, fontsize=TITLE, fontweight="bold", parse_math=False
    )


def _row_names(ax: Axes) -> int:
    """Return the letters of the longest name of a row; the title begins at the right of it."""
    from matplotlib.ticker import FixedLocator

    if not isinstance(ax.yaxis.get_major_locator(), FixedLocator):
        return 0
    return max((len(label.get_text()) for label in ax.get_yticklabels()), default=0)


def short(name: str, most: int = 46) -> str:
    """Cut a name of the scenario that would leave no room for what is drawn."""
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def provenance(result: Result) -> str:
    """Say which scenario, whether it was fitted, how many draws, which data."""
    plan = result.plan
    fitted, draws = plan.scenario.standing, f"{result.draws:,} draws"
    if result.conditioning is not None:
        fitted = f"conditioned on {result.conditioning.text}"
        draws = f"{draws}, {result.conditioning.effective_draws:,.0f} of them effective"
    elif result.weights is not None:
        fitted = "conditioned: draws are weighted"
    parts = (plan.title, fitted, draws, f"data of {plan.scenario.data_date}")
    return DOT.join(parts)


def key(
    ax: Axes,
    artists: Sequence[Artist],
    names: Sequence[str],
    values: Sequence[float],
    title: str,
) -> Legend:
    """
    Put a key at the right of the Axes that reads like a table: colour, value, name.

    Parameters
    ----------
    ax : Axes
        Where; nothing inside is covered.
    artists, names, values : sequence
        Row by row from the top.
    title : str
        What the values are.

    Returns
    -------
    Legend
    """
    written = [tonnes(value) for value in values]
    width = max(map(len, written), default=0)
    labels = [
        f"{_pad(text, width)}  {short(name)}" for text, name in zip(written, names, strict=True)
    ]
    legend = ax.legend(
        artists,
        labels,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=beside(ax, 6.0, 4.0),
        borderaxespad=0.0,
        frameon=False,
        fontsize=KEY,
        title=title,
        title_fontsize=KEY,
        alignment="left",
        handlelength=1.3,
        handletextpad=0.5,
        labelspacing=0.32,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    legend.get_title().set_color(FAINT)
    return legend


def beside(ax: Axes, right: float, up: float) -> Transform:
    """
    Return the coordinates of the Axes, moved by points.

    A place that is a fraction of the width would move the edge that the layout fits, so that a
    second drawing would differ from the first.
    """
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    if figure is None:
        raise AssertionError
    return ax.transAxes + ScaledTranslation(right / 72.0, up / 72.0, figure.dpi_scale_trans)


def _pad(text: str, width: int) -> str:
    """Pad at the left with spaces as wide as the digits and commas they stand for."""
    pattern = "0,000,000,000"[-width:] if width else ""
    blank = pattern[: width - len(text)].replace("0", "\N{FIGURE SPACE}")
    return blank.replace(",", "\N{PUNCTUATION SPACE}") + text


def check_top(top: Any) -> int:
    """Return how many rows are shown apart, or refuse what is no such number."""
    if isinstance(top, bool) or not isinstance(top, Integral) or top < 0:
        msg = f"top: found {top!r}, allowed is a whole number from 0"
        raise ReesupplyError(msg)
    return int(top)


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """
    Move labels apart so that no two are nearer than a gap, each as little as possible.

    Parameters
    ----------
    positions : sequence of float
        Wanted places, ascending.
    gap : float
        Smallest distance.

    Returns
    -------
    list of float
        Ascending; a run of labels that would overlap is centred on the mean of its wanted places.
    """
    runs: list[list[float]] = []
    for position in positions:
        runs.append([position])
        while len(runs) > 1 and _edge(runs[-1], gap, -1) - _edge(runs[-2], gap, 1) < gap:
            last = runs.pop()
            runs[-1] += last
    return [
        sum(run) / len(run) + (number - (len(run) - 1) / 2.0) * gap
        for run in runs
        for number in range(len(run))
    ]


def _edge(run: Sequence[float], gap: float, side: int) -> float:
    return sum(run) / len(run) + side * (len(run) - 1) / 2.0 * gap
