r"""
The deficits of two scenarios, and the tonnes between them by block of assumptions.

The cells in which two scenarios differ are put into blocks, and every set of blocks is run: the
blocks of the set as in the second scenario, the others as in the first. With :math:`v(S)` the
deficit of the set S, block i adds :math:`v(S \cup i) - v(S)` when it is switched after S. That
depends on S: half as much demand saves fewer tonnes where demand hardly grows. So each block is
given the mean over all orders of switching (the value of Shapley 1953, "A value for n-person
games"), beside the least and the most that it adds in any order. The means sum to the whole
difference in every order and without a residual, as steps of one order would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.bridge import lmdi
from reesupply.analysis.sensitivity.emulator import shapley
from reesupply.analysis.tables import CAPTIVE_MINES, OTHER_MINES
from reesupply.analysis.years import place_of
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from reesupply.analysis.decompose.blocks import Block
    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]

#: Readings of a run: mean of the draws, and the deterministic run with each input at its median.
MEAN, CENTRAL = "mean", "central"
#: What a deficit is made of; supply counts negative.
PARTS = ("demand", CAPTIVE_MINES, OTHER_MINES, "new scrap", "end of life")
#: Parts that divide into a level of the base year and growth since.
_GROWING = ("demand", CAPTIVE_MINES)


@dataclass(frozen=True, eq=False)
class Decomposition:
    """
    The way from one scenario to another, all sets of blocks run on the same draws.

    Masses are t of oxide of the heavy pair a year, signs those of a deficit: what makes it larger
    is positive, a surplus is a negative deficit.

    Attributes
    ----------
    first, second : Plan
        The two scenarios.
    names : tuple of str
        How they are called in tables.
    blocks : tuple of Block
        What is switched together, in the order of the tables.
    draws : int
        Of each run; 0 where only deterministic runs were made.
    entropy : int
        Seed of all runs.
    values : mapping of str to ndarray, shape (set, part, year)
        By reading ("mean", "central") the deficit of each set of blocks by `PARTS`. Bit k of the
        place of a set says whether block k is as in the second scenario.
    deficits : ndarray, shape (set, year, draw)
        The same draw by draw, parts added.
    """

    first: Plan
    second: Plan
    names: tuple[str, str]
    blocks: tuple[Block, ...]
    draws: int
    entropy: int
    values: Mapping[str, FloatArray]
    deficits: FloatArray

    def __repr__(self) -> str:
        runs = 1 << len(self.blocks)
        kind = f"{self.draws:,} draws each" if self.draws else "deterministic"
        return f"<Decomposition: {self.names[0]} to {self.names[1]}, {runs} runs, {kind}>"

    def _repr_html_(self) -> str:
        table = self.steps()[["adds", "least", "most", "running"]]
        return table.to_html(float_format="{:z,.0f}".format)

    @property
    def readings(self) -> tuple[str, ...]:
        """Readings that there are, the one that tables take by default first."""
        return tuple(self.values)

    @property
    def standing(self) -> str:
        """Whether they may be read as forecasts: `Scenario.standing`, of each if unlike."""
        one, other = (plan.scenario.standing for plan in (self.first, self.second))
        return one if one == other else f"{self.names[0]} {one}, {self.names[1]} {other}"

    def steps(
        self, year: int | None = None, *, since: int | None = None, reading: str | None = None
    ) -> pd.DataFrame:
        """
        Return the waterfall: the first deficit, what each block adds, the second deficit.

        Parameters
        ----------
        year : int, optional
            By default the last of the run.
        since : int, optional
            Of the change from this year to `year`; by default of the year itself.
        reading : {"mean", "central"}, optional
            Mean of the draws, or the deterministic run; by default the mean where there are draws.

        Returns
        -------
        pandas.DataFrame
            Index step, the two scenarios first and last. ``adds`` (of a scenario: its deficit),
            the mean over all orders of switching; ``least`` and ``most`` over orders; ``error``,
            the Monte Carlo standard error of ``adds`` as of independent draws, of which
            hypercubes have less, NaN in the central reading; ``running``; and ``adds`` by part of
            the balance. Steps sum to the difference, parts to ``adds``, both to rounding.

        Raises
        ------
        ReesupplyError
            If a year or the reading is unknown.
        """
        import pandas as pd

        at, before = self._place(year), None if since is None else self._place(since)
        parts = self._at(self._of(reading), at, before)  # (set, part)
        whole, number = parts.sum(axis=1), len(self.blocks)
        by_part = np.stack([parts[0], *shapley(parts.T, number).T, parts[-1]])
        added = _marginal(whole, number)
        frame = pd.DataFrame({"adds": by_part.sum(axis=1)}, index=self._index())
        frame["least"] = [whole[0], *added.min(axis=1), whole[-1]]
        frame["most"] = [whole[0], *added.max(axis=1), whole[-1]]
        frame["error"] = np.nan
        if self._reading(reading) == MEAN:
            own = self._at(self.deficits.swapaxes(1, 2), at, before).T  # (draw, set)
            drawn = np.column_stack([own[:, 0], shapley(own, number), own[:, -1]])
            if self.draws > 1:  # one draw has no scatter
                frame["error"] = drawn.std(axis=0, ddof=1) / np.sqrt(self.draws)
        frame["running"] = [*np.cumsum(frame["adds"].to_numpy()[:-1]), whole[-1]]
        frame[list(PARTS)] = by_part
        return frame

    def over_time(self, reading: str | None = None) -> pd.DataFrame:
        """
        Return what each block adds to the deficit of the first year, of the last, and between.

        Parameters
        ----------
        reading : {"mean", "central"}, optional
            As in `steps`.

        Returns
        -------
        pandas.DataFrame
            Index step; one column for the base year, one for the last, and their difference.
        """
        import pandas as pd

        years = self.first.years
        first, last = (self.steps(year, reading=reading)["adds"] for year in (years[0], years[-1]))
        return pd.DataFrame({str(years[0]): first, str(years[-1]): last, "change": last - first})

    def along(
        self,
        order: Sequence[str],
        year: int | None = None,
        *,
        since: int | None = None,
        reading: str | None = None,
    ) -> pd.DataFrame:
        """
        Return what each block adds in one order of switching.

        Parameters
        ----------
        order : sequence of str
            Names of all blocks.
        year, since, reading
            As in `steps`.

        Returns
        -------
        pandas.DataFrame
            Index step in that order; adds, running.

        Raises
        ------
        ReesupplyError
            If the order does not name each block once.
        """
        import pandas as pd

        names = [block.name for block in self.blocks]
        if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(names):
            msg = f"order: found {order!r}, allowed is each block once: {', '.join(names)}"
            raise ReesupplyError(msg)
        before = None if since is None else self._place(since)
        whole = self._at(self._of(reading), self._place(year), before).sum(axis=1)
        places = np.cumsum([0, *(1 << names.index(name) for name in order)])
        running = whole[places]
        frame = pd.DataFrame(
            {"adds": [running[0], *np.diff(running), running[-1]]},
            index=pd.Index([self.names[0], *order, self.names[1]], name="step"),
        )
        frame["running"] = [*running, running[-1]]
        return frame

    def parts(self, year: int | None = None, *, reading: str | None = None) -> pd.DataFrame:
        """
        Return where the tonnes lie: demand and supply of the two scenarios, and what each adds.

        Parameters
        ----------
        year : int, optional
            By default the last of the run.
        reading : {"mean", "central"}, optional
            As in `steps`.

        Returns
        -------
        pandas.DataFrame
            Index part and what; the tonnes of the part in the first and in the second scenario,
            and what the part adds to the deficit. Demand and Chinese and captive mines are
            divided into the level of the base year and the growth since by the logarithmic mean
            (`reesupply.analysis.bridge`), which leaves no residual and knows no order. The column
            ``adds`` sums to the difference of the deficits.
        """
        import pandas as pd

        at, (first, second) = self._place(year), self._of(reading)[[0, -1]]
        rows: list[tuple[str, str, float, float, float]] = []
        for number, name in enumerate(PARTS):
            sign = 1.0 if name == "demand" else -1.0
            one, other = sign * first[number, [0, at]], sign * second[number, [0, at]]
            if name not in _GROWING:
                rows.append((name, "", one[1], other[1], sign * (other[1] - one[1])))
                continue
            level, growth = sign * lmdi(one, other)
            rows.append((name, f"level of {self.first.years[0]}", one[0], other[0], level))
            rows.append((name, f"growth to {self.first.years[at]}", one[1], other[1], growth))
        columns = ["part", "what", *self.names, "adds"]
        return pd.DataFrame(rows, columns=columns).set_index(["part", "what"])

    def text(self, year: int | None = None) -> str:
        """
        Say in words and tables what lies between the two deficits.

        Parameters
        ----------
        year : int, optional
            By default the last of the run.

        Returns
        -------
        str
            Plain text of at most 100 columns.
        """
        from reesupply.report.decomposition import decomposition_text

        return decomposition_text(self, year)

    def plot(
        self,
        year: int | None = None,
        *,
        since: int | None = None,
        reading: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """
        Draw the waterfall of `steps`.

        Parameters
        ----------
        year, since, reading
            As in `steps`.
        ax : Axes, optional
            Where to draw; by default on a new figure, as tall as its rows need.

        Returns
        -------
        Axes
            One row per step: bars are means over orders of switching, lines the range over
            orders; at the right both in tonnes, below each name the largest parts.
        """
        from reesupply.plots.decomposition import draw

        return draw(self, year, since, reading, ax)

    # -- inside ----------------------------------------------------------------------------

    def _index(self) -> pd.Index[str]:
        import pandas as pd

        names = [block.name for block in self.blocks]
        return pd.Index([self.names[0], *names, self.names[1]], name="step")

    def _reading(self, reading: str | None) -> str:
        if reading is None:
            return self.readings[0]
        if reading not in self.values:
            msg = f"reading: found {reading!r}; {nearest(str(reading), self.readings)}"
            raise ReesupplyError(msg)
        return reading

    def _of(self, reading: str | None) -> FloatArray:
        return self.values[self._reading(reading)]

    def _place(self, year: int | None) -> int:
        years = self.first.years
        return len(years) - 1 if year is None else place_of(year, years)

    @staticmethod
    def _at(values: FloatArray, year: int, since: int | None) -> FloatArray:
        """Values (..., year) of a year, or the change since another."""
        now = values[..., year]
        return now if since is None else now - values[..., since]


def _marginal(values: FloatArray, number: int) -> FloatArray:
    """Return what each block adds to every set without it, (block, 2 ** (number - 1))."""
    sets = np.arange(values.size)
    without = [sets[(sets >> one & 1) == 0] for one in range(number)]
    return np.stack([values[at | 1 << one] - values[at] for one, at in enumerate(without)])
