"""`compare`: scenarios on the same draws, and what is between them draw by draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.years import whole_years
from reesupply.engine.plan import Plan
from reesupply.engine.simulate import compile, simulate
from reesupply.engine.variables import DATA, VARIABLES
from reesupply.errors import ReesupplyError, nearest
from reesupply.result import LEVELS, Result, weighted_quantile
from reesupply.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    FloatArray = npt.NDArray[np.float64]
    Given = Scenario | Plan | Result | str | Path

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    Runs of several scenarios on the same draws.

    An input that two scenarios share has the same draws in both, so what differs between them is
    the scenarios alone, and the error of a difference is far below that of either level.

    Attributes
    ----------
    runs : mapping of str to Result
        By label; the first is the one that the others are compared with.
    """

    runs: Mapping[str, Result]

    def __repr__(self) -> str:
        first, *others = self.runs
        return f"<Comparison of {', '.join(others)} with {first}: {self.base.draws:,} draws>"

    def _repr_html_(self) -> str:
        return self.table().to_html(float_format=lambda x: f"{x:,.4g}")

    @property
    def base(self) -> Result:
        """Run that the others are compared with."""
        return next(iter(self.runs.values()))

    def difference(
        self,
        label: str,
        name: str = "balance",
        *,
        year: int | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> FloatArray:
        """
        Return a run less the first one, draw by draw.

        Parameters
        ----------
        label : str
            Of one of the other runs.
        name : str
            Variable of ``result.data``, claim or input whose draws both kept.
        year, element, bloc
            Select; of elements and blocs the sum where they are not given.

        Returns
        -------
        ndarray, shape (year, draw), or (draw,) where a year is given or there are none

        Raises
        ------
        ReesupplyError
            If a label or name is unknown, or its draws were not kept.
        """
        _, *others = self.runs
        if label not in others:
            msg = f"difference: there is no scenario {label!r}; {nearest(label, others)}"
            raise ReesupplyError(msg)
        chosen = self._chosen(name, year, element, bloc)
        return self.runs[label].values(name, **chosen) - self.base.values(name, **chosen)

    def table(
        self,
        name: str = "balance",
        *,
        years: Sequence[int] | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> pd.DataFrame:
        """
        Return the differences to the first run.

        Parameters
        ----------
        name : str
            Variable, claim or input.
        years : sequence of int, optional
            2030 and the last year when None, or the years there are. No matter of claims.
        element, bloc
            As for `difference`.

        Returns
        -------
        pandas.DataFrame
            Index scenario, and year where there are years. ``mean`` of the scenario;
            ``difference`` of the means and its Monte Carlo ``error``, one standard deviation, for
            designs other than "random" an upper bound; ``P5``, ``P50`` and ``P95`` of the
            difference; the share of draws in which it is ``higher``; ``worth``: how many
            draws of their own one common draw is worth. In the unit of the variable.
        """
        import pandas as pd

        of_years = self._years(name, years)
        rows = {}
        for label, run in list(self.runs.items())[1:]:
            for year in of_years:
                chosen = self._chosen(name, year, element, bloc)
                before, now = (one.values(name, **chosen) for one in (self.base, run))
                rows[label, year] = _row(before, now)
        table = pd.DataFrame.from_dict(rows, orient="index")
        table.index = pd.MultiIndex.from_tuples(rows, names=["scenario", "year"])
        return table if of_years != (None,) else table.droplevel("year")

    def plot(
        self,
        name: str = "balance",
        *,
        element: str | None = None,
        bloc: str | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """
        Draw the differences by year: medians, and P5 to P95.

        Parameters
        ----------
        name : str
            A variable that has years.
        element, bloc
            As for `difference`.
        ax : Axes, optional
            Where to draw; a new figure when None.

        Returns
        -------
        Axes
        """
        from reesupply.plots.comparison import draw

        if self._years(name, None) == (None,):
            msg = f"plot: found {name!r}, allowed is a variable that has years, such as 'balance'"
            raise ReesupplyError(msg)
        return draw(self, name, element, bloc, ax)

    def _chosen(
        self, name: str, year: int | None, element: str | None, bloc: str | None
    ) -> dict[str, Any]:
        """Return what selects a cell: sums where nothing is said."""
        dims = _dims(name)
        found: dict[str, Any] = {"year": year, "element": element, "bloc": bloc}
        if "element" in dims and element is None:
            found["element"] = self.base.all_elements
        if "bloc" in dims and bloc is None:
            found["bloc"] = "world"
        return found

    def _years(self, name: str, years: Sequence[int] | None) -> tuple[int | None, ...]:
        if "year" not in _dims(name):
            return (None,)
        if years is not None:
            return tuple(whole_years("years", years))
        known = self.base.plan.years
        return tuple(dict.fromkeys(year for year in (2030, known[-1]) if year in known))


def compare(
    scenarios: Iterable[Given] | Mapping[str, Given],
    *,
    draws: int = 16_384,
    rng: Any = 2035,
    design: str = "random",
    workers: int | None = None,
    keep: Sequence[str] | None = None,
) -> Comparison:
    """
    Run scenarios on the same draws, to see what is between them.

    Parameters
    ----------
    scenarios : sequence, or mapping by label
        Two or more, each as in :func:`reesupply.simulate`, or a result that is there already. The
        others are compared with the first.
    draws, rng, design, workers
        As in :func:`reesupply.simulate`; of results their own are taken, precision included.
    keep : sequence of str, optional
        As in :func:`reesupply.simulate`: what can be compared.

    Returns
    -------
    Comparison
        Its ``table()`` and ``plot()`` show a variable by year, ``difference()`` its draws.

    Raises
    ------
    ReesupplyError
        If there are fewer than two scenarios, two have one label, or results are not of the same
        draws and years, or have weights.

    Examples
    --------
    >>> import reesupply as rs
    >>> late = rs.load_scenario("baseline").replace({"projects.iluka-eneabba.start": 2030})
    >>> both = rs.compare({"as planned": "baseline", "three years late": late}, draws=2_000)
    >>> table = both.table("refined_supply", years=[2028], bloc="ex_china")
    >>> bool(table.loc[("three years late", 2028), "difference"] < 0)
    True
    """
    named = _labelled(scenarios)
    found = {label: one for label, one in named.items() if isinstance(one, Result)}
    dtype = "float64"
    if found:
        first = next(iter(found.values()))
        draws, rng, design = first.draws, first.entropy, first.design
        dtype = first.dtype
    runs: dict[str, Result] = {}
    for label, one in named.items():
        runs[label] = (
            one
            if isinstance(one, Result)
            else simulate(
                one,
                draws=draws,
                rng=rng,
                design=design,
                workers=workers,
                keep=keep,
                dtype=dtype,
            )
        )
        rng = runs[label].entropy  # that was used: None or a Generator would give another one
    _check_same(runs)
    return Comparison(runs)


def _dims(name: str) -> tuple[str, ...]:
    """Axes of a variable without draws; a claim or an input has none."""
    if name in VARIABLES and name not in DATA:
        msg = f"compare: found {name!r}, allowed is a variable of result.data, a claim or an input"
        raise ReesupplyError(msg)
    return DATA[name].dims if name in DATA else ()


def _labelled(scenarios: Iterable[Given] | Mapping[str, Given]) -> dict[str, Given]:
    if isinstance(scenarios, str | Path | Scenario | Plan | Result) or not isinstance(
        scenarios, Iterable
    ):
        msg = f"scenarios: found {scenarios!r}, allowed is a list of two or more"
        raise ReesupplyError(msg)
    pairs = (
        list(scenarios.items())
        if isinstance(scenarios, Mapping)
        else [(_label(one), one) for one in scenarios]
    )
    labels = [label for label, _ in pairs]
    for label in labels:
        if labels.count(label) > 1:
            msg = (
                f"scenarios: found {label!r} {labels.count(label)} times, allowed is each label "
                'once; give a mapping such as {"mine": scenario}'
            )
            raise ReesupplyError(msg)
    if len(pairs) < 2:
        msg = f"scenarios: found {len(pairs)}, allowed are two or more"
        raise ReesupplyError(msg)
    return dict(pairs)


def _label(one: Given) -> str:
    """Name of a shipped scenario or file, or title."""
    if isinstance(one, str | Path):
        return Path(one).stem
    if isinstance(one, Result):
        return one.plan.title
    return one.title if isinstance(one, Plan) else compile(one).title


def _check_same(runs: Mapping[str, Result]) -> None:
    """Say which results cannot be set against each other draw by draw."""
    (name, base), *others = runs.items()
    for label, run in runs.items():
        if run.weights is not None:
            msg = f"scenarios: {label!r} has weights, allowed is the result before conditioning"
            raise ReesupplyError(msg)
    for label, run in others:
        for what in ("draws", "entropy", "design", "dtype"):
            mine, theirs = getattr(run, what), getattr(base, what)
            if mine != theirs:
                msg = (
                    f"scenarios: {label!r} has {what} {mine}, allowed is that of {name!r}, {theirs}"
                )
                raise ReesupplyError(msg)
        if run.plan.years != base.plan.years:
            years = base.plan.years
            msg = (
                f"scenarios: {label!r} has the years {run.plan.years[0]} to {run.plan.years[-1]}, "
                f"allowed are those of {name!r}, {years[0]} to {years[-1]}"
            )
            raise ReesupplyError(msg)


def _row(before: FloatArray, now: FloatArray) -> dict[str, float]:
    """Describe draws that belong together, (draw,) each."""
    change = now - before
    spread = float(change.var())
    apart = float(before.var() + now.var())
    return {
        "mean": float(now.mean()),
        "difference": float(change.mean()),
        "error": float(np.sqrt(spread / max(change.size - 1, 1))),
        **{f"P{100 * q:.0f}": float(weighted_quantile(change, q)) for q in LEVELS},
        "higher": float((change > 0.0).mean()),
        "worth": apart / spread if spread > 0.0 else np.inf,
    }
