r"""
`decompose`: the deficits of two scenarios, and the tonnes between them by block of assumptions.

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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.bridge import lmdi
from reesupply.analysis.central import central_run
from reesupply.analysis.decompose.blocks import Block, blocks_of
from reesupply.analysis.sensitivity.emulator import shapley
from reesupply.analysis.tables import CAPTIVE_MINES, OTHER_MINES, captive_rows, heavy_mean
from reesupply.engine.plan import compile_scenario
from reesupply.engine.progress import reporter
from reesupply.engine.simulate import compile, simulate
from reesupply.engine.variables import DATA
from reesupply.errors import ReesupplyError, nearest
from reesupply.sampling import entropy_of
from reesupply.scenario.mixture import mixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from reesupply.engine.plan import Plan
    from reesupply.engine.progress import Progress
    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

#: Draws of each of the runs, one for every set of blocks.
DRAWS = 1_024
#: Readings of a run: mean of the draws, and the deterministic run with each input at its median.
MEAN, CENTRAL = "mean", "central"
#: What a deficit is made of; supply counts negative.
PARTS = ("demand", CAPTIVE_MINES, OTHER_MINES, "new scrap", "end of life")
#: Parts that divide into a level of the base year and growth since.
_GROWING = ("demand", CAPTIVE_MINES)
#: With all of it kept a run needs no edges of histograms, which would take longer than the run.
_KEEP = (*DATA, "claims")


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
        return self.steps().to_html(float_format="{:,.0f}".format, na_rep="")

    @property
    def readings(self) -> tuple[str, ...]:
        """Readings that there are, the one that tables take by default first."""
        return tuple(self.values)

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
            frame["error"] = drawn.std(axis=0) / np.sqrt(self.draws)
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
        first, last = (
            self.steps(year, reading=reading)["adds"] for year in (years[0], years[-1])
        )
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
        if isinstance(order, str) or sorted(order) != sorted(names):
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
        from reesupply.report.steps import decomposition_text

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
        from reesupply.plots.steps import draw

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
        if year is None:
            return len(years) - 1
        if year not in years:
            msg = f"year: found {year!r}, allowed is {years[0]} to {years[-1]}"
            raise ReesupplyError(msg)
        return years.index(year)

    @staticmethod
    def _at(values: FloatArray, year: int, since: int | None) -> FloatArray:
        """Values (..., year) of a year, or the change since another."""
        now = values[..., year]
        return now if since is None else now - values[..., since]


def decompose(
    first: Scenario | Plan | str | Path = "baseline",
    second: Scenario | Plan | str | Path = "cru-reading",
    *,
    blocks: Mapping[str, Sequence[str]] | None = None,
    draws: int = DRAWS,
    rng: Any = 2035,
    workers: int | None = None,
    progress: Progress = False,
) -> Decomposition:
    """
    Divide what lies between the deficits of two scenarios among blocks of assumptions.

    Parameters
    ----------
    first, second : Scenario, str, Path or Plan
        As in :func:`reesupply.simulate`; of the same years and elements.
    blocks : mapping of str to sequence of str, optional
        What is switched together: paths of cells, as `Scenario.replace` takes them, by the name
        of the block; ``*`` stands for anything. Cells that no block names are the block "the
        rest". By default the level of the base year, its stocks, demand, the course of Chinese
        supply, mines and plants outside China, recycling
        (`reesupply.analysis.decompose.standard_patterns`).
    draws : int
        Draws of each run; 0 makes deterministic runs only, with each input at its median, which
        take a twentieth of the time.
    rng, workers
        As in :func:`reesupply.simulate`. All runs have the same draws, in hypercubes.
    progress : bool or callable
        As in :func:`reesupply.simulate`, over all runs.

    Returns
    -------
    Decomposition
        Its ``steps()`` sum to the difference exactly, ``text()`` says it in words and ``plot()``
        draws it.

    Raises
    ------
    ReesupplyError
        If the scenarios have other years or elements, do not differ, or some blocks of the second
        cannot go with the rest of the first.

    Notes
    -----
    All ``2 ** k`` sets of k blocks are run, so that no order of switching is preferred; the first
    and the last are the two scenarios as they are.

    Examples
    --------
    >>> import reesupply as rs
    >>> found = rs.decompose("baseline", "slips", draws=0)
    >>> steps = found.steps()["adds"]
    >>> bool(abs(steps.iloc[:-1].sum() - steps.iloc[-1]) < 1e-6)
    True
    """
    plans = (compile(first), compile(second))
    _check_alike(*plans)
    own = blocks_of(plans[0].scenario, plans[1].scenario, blocks)
    if not own:
        msg = "decompose: found two scenarios that do not differ, allowed are two that do"
        raise ReesupplyError(msg)
    size = _draws(draws)
    seed = entropy_of(rng)
    central, mean, deficits = [], [], []
    with reporter(progress, (1 << len(own)) * max(size, 1)) as report:
        for place in range(1 << len(own)):
            plan = _plan(plans, own, place)
            try:
                central.append(_central_parts(plan))
                if size:
                    result = simulate(
                        plan, draws=size, rng=seed, design="lhs", workers=workers, keep=_KEEP
                    )
                    mean.append(_mean_parts(result))
                    deficits.append(-result.values("balance", element=result.all_elements))
            except ReesupplyError as error:
                raise _of_set(own, place, error) from None
            report((place + 1) * max(size, 1))
    values = {MEAN: np.stack(mean)} if size else {}
    values[CENTRAL] = np.stack(central)
    none = np.empty((1 << len(own), len(plans[0].years), 0))
    return Decomposition(
        first=plans[0],
        second=plans[1],
        names=_names((first, second), plans),
        blocks=own,
        draws=size,
        entropy=seed,
        values=values,
        deficits=np.stack(deficits) if size else none,
    )


def _check_alike(first: Plan, second: Plan) -> None:
    for what in ("years", "elements"):
        one, other = getattr(first, what), getattr(second, what)
        if one != other:
            ends = [f"{each[0]} to {each[-1]}" for each in (one, other)]
            msg = f"decompose: found {what} {ends[0]} and {ends[1]}, allowed are the same"
            raise ReesupplyError(msg)


def _draws(draws: Any) -> int:
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 0:
        msg = f"draws: found {draws!r}, allowed is an integer from 0"
        raise ReesupplyError(msg)
    return int(draws)


def _names(given: tuple[Any, Any], plans: tuple[Plan, Plan]) -> tuple[str, str]:
    """Return the names or files that were given, else the titles."""
    names = [
        Path(str(one)).stem if isinstance(one, str | Path) else plan.title
        for one, plan in zip(given, plans, strict=True)
    ]
    if names[0] == names[1]:
        names = [f"{name} ({plan.hash[:6]})" for name, plan in zip(names, plans, strict=True)]
    return names[0], names[1]


def _plan(plans: tuple[Plan, Plan], blocks: Sequence[Block], place: int) -> Plan:
    """Compile the first scenario with a set of blocks of the second."""
    if place in (0, (1 << len(blocks)) - 1):
        return plans[place > 0]
    taken = [one for k, block in enumerate(blocks) if place >> k & 1 for one in block.differences]
    try:
        # not compile(): these plans are used once and need no hash
        return compile_scenario(mixed(plans[0].scenario, plans[1].scenario, taken))
    except ReesupplyError as error:
        raise _of_set(blocks, place, error) from None


def _of_set(blocks: Sequence[Block], place: int, error: ReesupplyError) -> ReesupplyError:
    names = [repr(block.name) for k, block in enumerate(blocks) if place >> k & 1]
    msg = (
        f"decompose: {' and '.join(names) or 'nothing'} of the second scenario cannot go with the "
        f"rest of the first, put into one block what belongs together: {error}"
    )
    return ReesupplyError(msg)


def _mean_parts(result: Result) -> FloatArray:
    whole = result.all_elements
    demand, new, old = (
        np.asarray(result.mean(name, element=whole, bloc="world"))
        for name in ("demand", "recycled_new_scrap", "recycled_end_of_life")
    )
    return _parts(result.plan, demand, heavy_mean(result, "project.separated"), new, old)


def _central_parts(plan: Plan) -> FloatArray:
    run, heavy = central_run(plan), list(plan.heavy)
    demand, new, old = (
        run[name][:, heavy].sum(axis=(0, 1))
        for name in ("demand", "recycled_new_scrap", "recycled_end_of_life")
    )
    return _parts(plan, demand, run["project.separated"][:, heavy].sum(axis=1), new, old)


def _parts(
    plan: Plan, demand: FloatArray, separated: FloatArray, new: FloatArray, old: FloatArray
) -> FloatArray:
    """Stack what a deficit is made of, (part, year)."""
    captive = captive_rows(plan)
    return np.stack(
        [demand, -separated[captive].sum(axis=0), -separated[~captive].sum(axis=0), -new, -old]
    )


def _marginal(values: FloatArray, number: int) -> FloatArray:
    """Return what each block adds to every set without it, (block, 2 ** (number - 1))."""
    sets = np.arange(values.size)
    without = [sets[(sets >> one & 1) == 0] for one in range(number)]
    return np.stack([values[at | 1 << one] - values[at] for one, at in enumerate(without)])
