"""Charts of a verification: the levels of outcomes, who scores better, and fans by vintage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.verification.hindcasts import (
    ANNOUNCED,
    ARIMA,
    DRIFT,
    ETS,
    FIXED,
    MODEL,
    NO_OUTLOOK,
    PUBLISHED,
    SAME,
)
from reesupply.analysis.verification.quantities import QUANTITIES, quantity_named
from reesupply.errors import ReesupplyError, nearest
from reesupply.plots.columns import column, legend_below
from reesupply.plots.style import (
    CHINA,
    DOT,
    FAINT,
    FAN,
    GRID,
    INK,
    OUTSIDE,
    RECYCLED,
    SECTORS,
    SMALL,
    chart_style,
    headline_text,
    new_axes,
    plain,
)
from reesupply.plots.style import (
    PUBLISHED as VERMILION,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from reesupply.analysis.verification import Verification
    from reesupply.analysis.verification.hindcasts import Hindcast

BINS = 10
#: Colour and mark of each rival of the model.
MARKS = {
    NO_OUTLOOK: (FAN[1], "s"),
    FIXED: (SECTORS["auto"][0], "P"),
    PUBLISHED: (VERMILION, "*"),
    ANNOUNCED: (CHINA[1], "X"),
    SAME: (FAINT, "_"),
    DRIFT: (OUTSIDE[0], "o"),
    ETS: (OUTSIDE[2], "D"),
    ARIMA: (RECYCLED[0], "^"),
}
_COLOURS = (OUTSIDE[0], OUTSIDE[2], SECTORS["wind"][1], SECTORS["auto"][1], RECYCLED[0], CHINA[2])


class VerificationPlots:
    """
    Charts of a verification, each on one matplotlib Axes.

    Reached as ``found.plot``.

    Parameters
    ----------
    found : Verification
        What is drawn.
    """

    def __init__(self, found: Verification) -> None:
        self.found = found

    def __repr__(self) -> str:
        return f"<VerificationPlots of {self.found!r}: pit, skill, fan>"

    @property
    def fans(self) -> tuple[str, ...]:
        """Quantities that have a fan: those the model forecast from some vintage."""
        made = {each.quantity for each in self.found.forecasts if each.method == MODEL}
        return tuple(quantity.name for quantity in QUANTITIES if quantity.name in made)

    def pit(self, method: str = MODEL, ax: Axes | None = None) -> Axes:
        """
        Histogram of the levels at which outcomes fell in the forecasts.

        Parameters
        ----------
        method : str
            One with ensembles.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Flat where forecasts are calibrated, a hump where they are too wide, a bowl where they
            are too narrow. Of quantities with two readings only the one that counts.

        Raises
        ------
        ReesupplyError
            If the method has no ensembles here.
        """
        scores = self.found.scores
        counted = [quantity.name for quantity in QUANTITIES if quantity.counted]
        scores = scores[scores["quantity"].isin(counted) & scores["pit"].notna()]
        methods = list(dict.fromkeys(scores["method"]))
        if method not in methods:
            msg = f"method: found {method!r}; {nearest(str(method), methods)}"
            raise ReesupplyError(msg)
        own = scores[scores["method"] == method]
        with chart_style():
            ax = new_axes(ax, 4.4)
            edges = np.linspace(0.0, 1.0, BINS + 1)
            groups = [(n, own[own["quantity"] == n]["pit"].to_numpy()) for n in counted]
            kept = [(name, values) for name, values in groups if values.size]
            ax.hist(
                [values for _, values in kept],
                bins=list(edges),
                stacked=True,
                color=[_COLOURS[counted.index(name)] for name, _ in kept],
                edgecolor="white",
                label=[name for name, _ in kept],
            )
            ax.axhline(len(own) / BINS, color=INK, linewidth=1.1, label="calibrated")
            ax.set(xlim=(0.0, 1.0), xticks=np.linspace(0.0, 1.0, 11))
            ax.set_xlabel("level of the outcome in the forecast", fontsize=8.5)
            ax.set_ylabel("pairs of vintage and year", fontsize=8.5)
            ax.grid(axis="y", color=GRID, linewidth=0.6)
            legend_below(ax, 4)
            paths = len(own[["vintage", "quantity"]].drop_duplicates())
            notes = [
                "A hump: forecasts are too wide. A bowl: too narrow. A slope: biased.",
                f"{len(own)} pairs in {paths} paths; pairs of one path move together.",
            ]
            headline_text(ax, f"Where outcomes fell: {method}", [*notes, _provenance(self.found)])
        return ax

    def skill(self, ax: Axes | None = None) -> Axes:
        """
        Mean score of each method over that of the model, on the pairs that both have.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            One row for each quantity; left of 1 the model is worse.
        """
        summary = self.found.summary
        told = summary[summary["verdict"] != ""]
        names = list(told.index.unique("quantity"))
        with chart_style():
            ax = new_axes(ax, 2.2 + 0.42 * len(names))
            ratio = told["crps_same_pairs"] / told["model_crps"]
            for method, (colour, mark) in MARKS.items():
                if method in told.index.unique("method"):
                    own = ratio.xs(method, level="method")
                    places = [-names.index(name) for name in own.index]
                    edge = colour if mark == "_" else "white"
                    width, size = (2.2, 11.0) if mark == "_" else (0.7, 7.5)
                    look: dict[str, Any] = {"color": colour, "markeredgecolor": edge}
                    look |= {"markeredgewidth": width, "markersize": 11.0 if mark == "*" else size}
                    ax.plot(own, places, mark, label=method, zorder=3, **look)
            self._skill_axes(ax, names, ratio)
            model = summary.xs(MODEL, level="method")
            column(
                ax, -np.arange(len(names)), [str(model.loc[n, "pairs"]) for n in names], 30, FAINT
            )
            notes = [
                "Right of 1 the model scored better, left of 1 worse; on the same pairs, which are "
                "fewer for some.",
                "At the right, pairs of the model.",
            ]
            headline_text(ax, "CRPS over that of the model", [*notes, _provenance(self.found)])
        return ax

    def _skill_axes(self, ax: Axes, names: list[str], ratio: Any) -> None:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        ax.set_xscale("log")
        low, high = 0.8 * min(float(ratio.min()), 0.5), 1.25 * max(float(ratio.max()), 2.0)
        ax.set_xlim(low, high)
        ax.axvspan(low, 1.0, color=CHINA[3], alpha=0.25, linewidth=0, zorder=0)
        ax.axvline(1.0, color=INK, linewidth=1.0, zorder=1)
        ax.set_xticks([x for x in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0) if low <= x <= high])
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_yticks(-np.arange(len(names)), names)
        ax.tick_params(axis="y", length=0, labelsize=SMALL)
        ax.set_ylim(-len(names) + 0.4, 0.6)
        ax.spines["left"].set_visible(False)
        ax.grid(axis="both", color=GRID, linewidth=0.6)
        ax.set_xlabel("mean CRPS over that of the model", fontsize=8.5)
        legend_below(ax, 4)

    def fan(self, quantity: str = "electric cars", ax: Axes | None = None) -> Axes:
        """
        Forecasts of the model from each vintage, what was published then, and what came.

        Parameters
        ----------
        quantity : str
            One that the model forecast.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Medians and P5 to P95 by vintage, on a logarithmic scale.

        Raises
        ------
        ReesupplyError
            If the quantity is unknown, or has no forecast of the model.
        """
        if quantity not in self.fans:
            msg = f"quantity: found {quantity!r}; {nearest(str(quantity), self.fans)}"
            raise ReesupplyError(msg)
        made = [each for each in self.found.forecasts if each.quantity == quantity]
        with chart_style():
            ax = new_axes(ax)
            models = [each for each in made if each.method == MODEL]
            for number, each in enumerate(models):
                _band(ax, each, _COLOURS[number % len(_COLOURS)])
            for each in made:
                if each.method == ANNOUNCED:
                    line: dict[str, Any] = {"color": CHINA[1], "linestyle": "--", "linewidth": 1.2}
                    ax.plot(each.years, each.draws[:, 0], **line, label="announced schedule")
            notes = ["Lines are medians of the model, bands P5 to P95, by vintage."]
            notes += _stars(ax, [each for each in made if each.method == PUBLISHED])
            self._outcomes(ax, quantity, models[0].vintage - 8)
            ax.grid(axis="y", color=GRID, linewidth=0.6)
            legend_below(ax, 4)
            headline_text(ax, f"{quantity}: forecast again", [*notes, _provenance(self.found)])
        return ax

    def _outcomes(self, ax: Axes, quantity: str, first: int) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        values = self.found.outcomes[quantity]
        for observed, face, name in ((True, INK, "observed"), (False, "white", "reconstructed")):
            years = [y for y, v in values.items() if v.observed == observed and y >= first]
            if years:
                shown = [values[year].value for year in years]
                ax.plot(years, shown, "o", mfc=face, mec=INK, ms=5, zorder=6, label=name)
        ax.set_yscale("log")
        ax.set_ylabel(quantity_named(quantity).unit, fontsize=8.5)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
        ax.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: _minor(value)))
        ax.tick_params(axis="y", which="minor", labelsize=6.5, labelcolor=FAINT)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))


def _band(ax: Axes, each: Hindcast, colour: str) -> None:
    low, middle, high = np.quantile(each.draws, [0.05, 0.5, 0.95], axis=1)
    ax.fill_between(each.years, low, high, color=colour, alpha=0.22, linewidth=0)
    ax.plot(each.years, middle, color=colour, linewidth=1.8, label=f"from {each.vintage}")


def _stars(ax: Axes, published: list[Hindcast]) -> list[str]:
    """Mark published points, and name them in a sentence."""
    if not published:
        return []
    points = [(each.years[0], float(each.draws[0, 0]), each) for each in published]
    look: dict[str, Any] = {"color": VERMILION, "markeredgecolor": "white", "markeredgewidth": 0.6}
    years, values = [p[0] for p in points], [p[1] for p in points]
    ax.plot(years, values, "*", markersize=10, zorder=7, label="published", **look)
    said = [f"{each.by} for {year} (vintage {each.vintage})" for year, _, each in points]
    return [f"Published: {', '.join(said)}."]


def _minor(value: float) -> str:
    """Label 2 and 5 of each decade."""
    leading = value / 10.0 ** np.floor(np.log10(value))
    return plain(float(f"{value:.3g}")) if round(leading, 6) in (2.0, 5.0) else ""


def _provenance(found: Verification) -> str:
    parts = (
        f"vintages {', '.join(map(str, found.vintages))}",
        f"outcomes to {found.years[-1]}",
        f"{found.draws:,} draws",
        f"seed {found.entropy}",
    )
    return DOT.join(parts)
