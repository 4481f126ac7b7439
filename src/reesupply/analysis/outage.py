"""`outage`: what is lost when one project is gone, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.simulate import compile, simulate
from reesupply.errors import ReesupplyError, nearest
from reesupply.result import LEVELS, weighted_quantile
from reesupply.result.labels import WORLD

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from reesupply.engine.plan import Plan
    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

_KEEP = ("balance", "mine_supply", "refined_supply", "inputs")


@dataclass(frozen=True)
class Outage:
    """
    Two runs on the same draws, with a project and without it.

    Attributes
    ----------
    project : str
        Id of the project that is gone.
    base, without : Result
        The two runs; every other input has the same draws in both.
    """

    project: str
    base: Result
    without: Result

    def lost(self, name: str = "balance", *, bloc: str | None = None) -> FloatArray:
        """
        Return what is lost, draw by draw.

        Parameters
        ----------
        name : str
            "balance", "mine_supply" or "refined_supply".
        bloc : str, optional
            For example "ex_china"; "world" when None. The balance is of the world alone.

        Returns
        -------
        ndarray, shape (year, draw)
            With the project less without it, all elements together [t oxide/yr].

        Raises
        ------
        ReesupplyError
            If the name or the bloc is another.
        """
        place = None if name == "balance" and bloc in (None, WORLD) else bloc or WORLD
        runs = (self.base, self.without)
        a, b = (run.values(name, element=run.all_elements, bloc=place) for run in runs)
        return np.asarray(a - b)

    def table(self) -> pd.DataFrame:
        """
        Return the loss by year.

        Returns
        -------
        pandas.DataFrame
            Mean, P5, P50 and P95 of what the balance loses, the mean loss of separated oxide
            outside China, and how much the probability of a deficit rises. t oxide/yr.
        """
        import pandas as pd

        lost = self.lost()
        columns: dict[str, Any] = {"mean": lost.mean(axis=-1)}
        for q in LEVELS:
            columns[f"P{100 * q:.0f}"] = weighted_quantile(lost, q)
        columns["refined outside China, mean"] = self.lost("refined_supply", bloc="ex_china").mean(
            -1
        )
        whole = self.base.all_elements
        chances = [
            np.asarray(run.probability("balance", below=0.0, element=whole))
            for run in (self.without, self.base)
        ]
        columns["rise of P(deficit)"] = chances[0] - chances[1]
        return pd.DataFrame(columns, index=pd.Index(self.base.plan.years, name="year"))


def outage(
    project: str,
    scenario: Scenario | Plan | str | Path = "baseline",
    *,
    years: tuple[float, float] | None = None,
    draws: int = 16_384,
    rng: Any = 2035,
    workers: int | None = None,
) -> Outage:
    """
    Take one project out and run both worlds on the same draws (N-1).

    Parameters
    ----------
    project : str
        Id of a mine, refinery or recycler.
    scenario : Scenario, str, Path or Plan
        As in :func:`reesupply.simulate`.
    years : tuple of float, optional
        First and last moment of the outage, decimal years. From the year after the base year on
        when None: the base year is measured, and demand is scaled to what it supplied.
    draws, rng, workers
        As in :func:`reesupply.simulate`.

    Returns
    -------
    Outage
        Its ``table()`` gives the loss by year; what others do about it, such as other feed to a
        refinery that has lost its mine, is in it.

    Raises
    ------
    ReesupplyError
        If there is no such project, or `years` are not two rising numbers.

    Examples
    --------
    >>> import reesupply as rs
    >>> gone = rs.outage("browns-range", draws=1_000)
    >>> bool(gone.lost().min() >= -1e-6)
    True
    """
    plan = compile(scenario)
    if project not in plan.projects:
        msg = f"outage: there is no project {project!r}; {nearest(project, plan.projects)}"
        raise ReesupplyError(msg)
    start, end = (plan.years[1], plan.years[-1] + 1) if years is None else _moments(years)
    shut = plan.scenario.replace(gone(plan.scenario, project, start, end - start))
    base = simulate(plan, draws=draws, rng=rng, workers=workers, keep=_KEEP)
    # the seed that was used, since a Generator or None would give another one
    without = simulate(shut, draws=draws, rng=base.entropy, workers=workers, keep=_KEEP)
    return Outage(project, base, without)


def gone(scenario: Scenario, project: str, start: float, years: float) -> dict[str, Any]:
    """
    Return the change of a scenario that takes out a project.

    Parameters
    ----------
    scenario : Scenario
        Its own outages stay, those of the project among them.
    project : str
        Id.
    start, years : float
        First moment, decimal year, and how long.

    Returns
    -------
    dict
        For `Scenario.replace`.
    """
    taken = {row.id for row in scenario.rows("events")}
    name = f"{project}-is-out"
    while name in taken:
        name += "-too"
    event = {
        "kind": "outage",
        "target": f"projects.{project}",
        "start": float(start),
        "years": float(years),
        "probability": 1.0,
    }
    return {f"events.{name}": event}


def _moments(years: Any) -> tuple[float, float]:
    try:
        start, end = map(float, years)
    except (TypeError, ValueError):
        start = end = np.nan
    if not start < end:
        msg = f"outage: years: found {years!r}, allowed is a first and a later moment"
        raise ReesupplyError(msg)
    return start, end
