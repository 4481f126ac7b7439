"""Charts of a result: balance, supply, demand, chain, stocks, claims, pipeline, sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.plots.saving import save

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from reesupply.result import Result

__all__ = ["Plots", "save"]


class Plots:
    """
    Charts of a result, each on one matplotlib Axes.

    Reached as ``result.plot``. A chart draws on the Axes it is given, or on a figure of its own,
    and changes no global setting of matplotlib. Keys stand outside the Axes, so a figure of the
    caller is best made with ``layout="constrained"``. A figure of its own is known to pyplot, so
    that a notebook shows it; a program that makes many closes them with
    ``matplotlib.pyplot.close``. Every chart names its scenario, number of draws and data date; a
    result with weights is labelled as conditioned. Names and published values are those of the
    scenario.

    Parameters
    ----------
    result : Result
        What is drawn.

    Examples
    --------
    >>> import reesupply as rs
    >>> from reesupply.plots import save
    >>> result = rs.simulate(draws=1_000, rng=1)
    >>> save(result.plot.balance(), "balance.svg")  # doctest: +SKIP
    """

    def __init__(self, result: Result) -> None:
        self.result = result

    def __repr__(self) -> str:
        names = "balance, supply, demand, end_uses, waterfall, stocks, sankey, claims, pipeline"
        return f"<Plots of {self.result!r}: {names}, bottleneck, sensitivity>"

    def balance(
        self, element: str | None = None, claims: bool = True, ax: Axes | None = None
    ) -> Axes:
        """
        Fan chart of the world balance; a deficit is negative.

        Parameters
        ----------
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        claims : bool
            Mark the published deficits of the same elements, as the targets give them.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Bands P5-P95 and P25-P75 and the median, t oxide/yr, with their values in the last
            year.

        Raises
        ------
        ReesupplyError
            If the element is unknown.
        """
        from reesupply.plots.balance import draw

        return draw(self.result, element, claims=claims, ax=ax)

    def supply(self, top: int = 12, element: str | None = None, ax: Axes | None = None) -> Axes:
        """
        World supply by source as stacked means, against gross demand.

        From below: feed that China controls, mines outside China, recycled new scrap, recycled end
        of life. The layers are means, because quantiles of the parts do not add up to a quantile
        of the sum; deficits are read from `balance`, which subtracts draw by draw.

        Parameters
        ----------
        top : int
            How many mines outside China, the largest in the last year, are shown apart.
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Layers, and median and P5-P95 of gross demand, t oxide/yr; the key gives the values of
            the last year.

        Raises
        ------
        ReesupplyError
            If `top` or the element is unknown or the draws of demand were not kept.
        """
        from reesupply.plots.stacks import draw_supply

        return draw_supply(self.result, top, element, ax)

    def demand(self, top: int = 10, element: str | None = None, ax: Axes | None = None) -> Axes:
        """
        World gross demand by end use as stacked means, against supply.

        Parameters
        ----------
        top : int
            How many end uses, the largest in the last year, are shown apart.
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Layers, the largest at the bottom, and median and P5-P95 of supply, recycled oxide
            included, t oxide/yr; the key gives the values of the last year.

        Raises
        ------
        ReesupplyError
            If `top` or the element is unknown or the draws of supply were not kept.
        """
        from reesupply.plots.stacks import draw_demand

        return draw_demand(self.result, top, element, ax)

    def end_uses(
        self,
        year: int | None = None,
        element: str | None = None,
        top: int = 14,
        ax: Axes | None = None,
    ) -> Axes:
        """
        World gross demand of each end use with its uncertainty, in the base year and a later one.

        Parameters
        ----------
        year : int, optional
            The later year; by default the last of the run. The base year is shown alone.
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        top : int
            How many end uses, those with the largest median in the later year, are shown apart;
            the others are added in each draw.
        ax : Axes, optional
            Where to draw; by default on a new figure, as tall as its rows need.

        Returns
        -------
        Axes
            One row per end use, the largest first, t oxide/yr: for each year the median as a dot,
            P25-P75 as a bar and P5-P95 as a line. At the right the medians, and P5-P95 of the
            later year. End uses without demand in both years are left out.

        Raises
        ------
        ReesupplyError
            If the year, element or `top` is unknown, or the draws of "end_use.demand" were not
            kept.
        """
        from reesupply.plots.demand import draw

        return draw(self.result, year, element, top, ax)

    def waterfall(self, element: str | None = None, ax: Axes | None = None) -> Axes:
        """
        Gross demand of the first year to that of the last: volume, mass, element fraction, yield.

        Parameters
        ----------
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Means as bars and P5-P95 of each step as whiskers, t oxide/yr; below each bar the end
            uses that contribute most. `reesupply.analysis.bridge.demand_bridge` says what the
            causes are and gives the numbers.

        Raises
        ------
        ReesupplyError
            If the element is unknown or draws were not kept; `reesupply.analysis.bridge.KEEP`
            names those needed.
        """
        from reesupply.plots.waterfall import draw

        return draw(self.result, element, ax)

    def stocks(self, element: str | None = None, ax: Axes | None = None) -> Axes:
        """
        Oxide in goods in use, and what enters use, leaves it and is recovered of that.

        Parameters
        ----------
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Bands P5-P95 and P25-P75 and the median of the stock, t oxide. A panel below, which
            belongs to the Axes, shows the flows as means, t oxide/yr, with P5-P95 of what leaves
            and is recovered. Recovered is what came back as oxide in the year, of goods that left
            use up to the delay of recycling before.

        Raises
        ------
        ReesupplyError
            If the element is unknown; if the draws of "in_use_stock", "retired" or
            "recycled_end_of_life" were not kept; or, under weights, those of "end_use.contained".
        """
        from reesupply.plots.stocks import draw

        return draw(self.result, element, ax)

    def sankey(
        self, year: int | None = None, element: str | None = None, ax: Axes | None = None
    ) -> Axes:
        """
        One year of the chain as ribbons, from mines and scrap to goods and what leaves use.

        From the left: what is supplied; what makers buy; the process scrap and the goods they make
        of it; goods that leave use or stay; what becomes of those that leave. Demand is drawn as
        three bars, its gross, net and primary basis, and recycled oxide ends at the first bar that
        still counts it.

        Parameters
        ----------
        year : int, optional
            A year of the run; by default the base year.
        element : str, optional
            An element, or the sum "Dy+Tb"; by default the sum of all elements.
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Ribbons to scale with their tonnes, in means over draws, t oxide/yr. A surplus or
            deficit is the mean balance. `reesupply.plots.chain.chain` gives the numbers.

        Raises
        ------
        ReesupplyError
            If the year or element is unknown, or a result with weights has not kept the draws.
        """
        from reesupply.plots.sankey import draw

        return draw(self.result, year, element, ax)

    def claims(self, unit: str = "t oxide/yr", ax: Axes | None = None) -> Axes:
        """
        Show published claims against the forecast, one row for each reading.

        Parameters
        ----------
        unit : str
            Which claims: those in "t oxide/yr", "t oxide" (sums over years) or "1" (shares).
        ax : Axes, optional
            Where to draw; by default on a new figure, as tall as its rows need.

        Returns
        -------
        Axes
            P5-P95 as a bar with its median, and the published value as a diamond.

        Raises
        ------
        ReesupplyError
            If no claim has the unit.
        """
        from reesupply.plots.claims import draw

        return draw(self.result, unit, ax)

    def pipeline(
        self,
        kinds: Sequence[str] = ("mine", "refinery"),
        top: int = 25,
        ax: Axes | None = None,
    ) -> Axes:
        """
        Show when projects outside China start: the owner's date against the forecast.

        Parameters
        ----------
        kinds : sequence of str
            "mine", "refinery", "recycler": each kind is a group, in the order given.
        top : int
            How many projects are shown, of all kinds together: the largest by nameplate times the
            probability that they operate by the last year.
        ax : Axes, optional
            Where to draw; by default on a new figure, as tall as its rows need.

        Returns
        -------
        Axes
            One row per project, by the owner's date of first feed: that date as a diamond, and
            P10-P90 of first feed as a bar with its median, given that it comes by the end of the
            last year; a project that runs, or is certain, is a point. At the right the status, the
            probability of operating by the end of the last year, and the median nameplate: oxide
            in concentrate of a mine, separated oxide of a plant, t/yr.

        Raises
        ------
        ReesupplyError
            If a kind or `top` is unknown, no project is left, or the draws of "first_feed" were
            not kept.
        """
        from reesupply.plots.pipeline import draw

        return draw(self.result, kinds, top, ax)

    def bottleneck(self, ax: Axes | None = None) -> Axes:
        """
        Show feed against separation capacity outside China, and which of them limits.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        Axes
            Median and P10-P90 of the feed on offer, of capacity in terms of feed, and the median
            of what is processed, t of oxide in concentrate a year; below the years the
            probability that feed limits and that separation limits, as
            `reesupply.analysis.bottleneck.bottleneck` defines them.

        Raises
        ------
        ReesupplyError
            If draws were not kept; `reesupply.analysis.bottleneck.KEEP` names those needed.
        """
        from reesupply.plots.bottleneck import draw

        return draw(self.result, ax)

    def sensitivity(
        self,
        of: str = "balance",
        year: int | None = None,
        element: str | None = None,
        by: str = "group",
        top: int = 14,
        ax: Axes | None = None,
    ) -> Axes:
        """
        Show what moves an output: shares of groups of inputs, or a tornado of single ones.

        Parameters
        ----------
        of, year, element, by
            As in `reesupply.sensitivity`, which gives the numbers.
        top : int
            How many rows are shown, the most important ones.
        ax : Axes, optional
            Where to draw; by default on a new figure, as tall as its rows need.

        Returns
        -------
        Axes
            Bars with their 95 % intervals.

        Raises
        ------
        ReesupplyError
            If draws were not kept, or a name or argument is unknown.
        """
        from reesupply.plots.sensitivity import draw

        return draw(self.result, of, year, element, by, top, ax)
