"""`reproduce`: run a scenario untuned and set it beside the published claims."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np

from reesupply.analysis.claims import claims_table, current_distance
from reesupply.analysis.condition import calibrate, leave_one_out
from reesupply.analysis.drivers import group_shares, rank_correlations
from reesupply.analysis.switches import switches
from reesupply.analysis.tables import bridge, first_deficit_year, outlook, supply_by_country
from reesupply.engine.simulate import simulate
from reesupply.errors import ReesupplyError, ReesupplyWarning

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    import pandas as pd

    from reesupply.engine.plan import Plan
    from reesupply.engine.progress import Progress
    from reesupply.result import Result
    from reesupply.scenario import Scenario

#: Draws of a reproduction: the 95 % interval of P5 and P95 is then within 1 % of their distance.
DRAWS = 32_768


@dataclass(frozen=True)
class Reproduction:
    """
    An untuned run beside the published claims.

    Attributes
    ----------
    result : Result
        The run itself.
    """

    result: Result

    def __repr__(self) -> str:
        return f"<Reproduction: {len(self.claims)} readings of claims, {self.result!r}>"

    def _repr_html_(self) -> str:
        return self.claims.to_html(
            float_format=lambda x: f"{x:,.3g}" if abs(x) < 100 else f"{x:,.0f}"
        )

    @cached_property
    def claims(self) -> pd.DataFrame:
        """
        One row per claim and reading: value, our P5, P50, P95, percentile and z of the value.

        ``conditioned`` is our mean under weights that bring it to the outlooks of today, as near
        as such outlooks are to each other; NaN where too few draws would be left; see ``agreed``.
        """
        table = claims_table(self.result)
        agreed = self.agreed
        names = [f"{claim}.{reading}" for claim, reading in table.index]
        means = [np.nan if agreed is None else float(agreed.mean(name)) for name in names]
        table.insert(list(table.columns).index("why"), "conditioned", means)
        return table

    @cached_property
    def agreed(self) -> Result | None:
        """
        The run under the weights of `reesupply.calibrate`: with the outlooks of today.

        What one has to believe to agree, and no forecast; None where too few draws would be left,
        there is no outlook, or the run has weights already.
        """
        if self.result.weights is not None:
            return None
        with catch_warnings():
            simplefilter("ignore", ReesupplyWarning)  # the text says how few draws are left
            try:
                return calibrate(self.result)
            except ReesupplyError:
                return None

    @cached_property
    def joint(self) -> pd.DataFrame:
        """
        How far the outlooks of today lie, one by one, each given the others, and jointly.

        `joint_distance` of `current_claims`, with the percentile of each claim as in ``claims``,
        and given the others: where it falls when the draws have weights that give the others
        their published means, NaN where too few draws would be left for that.
        """
        table, claims = current_distance(self.result), self.claims
        names = [name for name in table.index if name != "jointly"]
        place = list(table.columns).index("distance2")
        for column in ("percentile given others", "percentile"):
            table.insert(place, column, np.nan)
        where = [claims["percentile"].to_dict()[tuple(name.split("."))] for name in names]
        table.loc[names, "percentile"] = where
        if len(names) > 1:
            others = leave_one_out(self.result, names)["percentile"]
            table.loc[names, "percentile given others"] = others.to_numpy()
        return table

    @cached_property
    def outlook(self) -> pd.DataFrame:
        """The balance by year in the ways it is asked for."""
        return outlook(self.result)

    @cached_property
    def first_deficit_year(self) -> pd.DataFrame:
        """Chance of each year to be the first with a deficit above 2 % of demand."""
        return first_deficit_year(self.result)

    @cached_property
    def bridge(self) -> pd.DataFrame:
        """From the balance of the base year to that of the last, in means."""
        return bridge(self.result)

    @cached_property
    def supply_by_country(self) -> pd.DataFrame:
        """Mean separated oxide by country of ore."""
        return supply_by_country(self.result)

    @cached_property
    def switches(self) -> pd.DataFrame:
        """What changes the sign of the last year's balance."""
        return switches(self.result)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Share of the variance of the last year's deficit by group of inputs."""
        return group_shares(self.result, self._deficit)

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """Rank correlation of the last year's deficit with every input."""
        return rank_correlations(self.result, self._deficit)

    @property
    def _deficit(self) -> Any:
        last = self.result.plan.years[-1]
        return -self.result.values("balance", year=last, element=self.result.all_elements)

    def text(self) -> str:
        """
        Say in words and tables what was found.

        Returns
        -------
        str
            Plain text of at most 100 columns.
        """
        from reesupply.report.text import reproduction_text

        return reproduction_text(self)

    def write(self, folder: str | Path) -> None:
        """
        Write tables (CSV, JSON), charts (PNG, SVG), the text and the scenario to a folder.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist; an earlier reproduction in it is replaced only when the new
            one is complete.

        Raises
        ------
        ReesupplyError
            If the folder holds something that is not a reproduction.
        """
        from reesupply.report.folder import write_reproduction

        write_reproduction(self, folder)

    def report(self, path: str | Path, date: str | None = None) -> Path:
        """
        Write one HTML page of all that was found, which needs no network.

        Parameters
        ----------
        path : str or Path
            A file whose name ends in .html; an earlier one stays whole until the new one is.
        date : str, optional
            The date that the page states, for example "2026-05-31"; by default that of the
            environment variable SOURCE_DATE_EPOCH, or today. The page is the same but for it.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ReesupplyError
            If the run is conditioned (the page conditions by itself), the date is none or the
            file cannot be written.
        """
        from reesupply.report.page import write_page

        return write_page(self, path, date)


def reproduce(
    scenario: Scenario | Plan | str | Path = "baseline",
    *,
    draws: int = DRAWS,
    rng: Any = 2035,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Progress = False,
) -> Reproduction:
    """
    Run a scenario untuned and compare it with the published claims.

    Parameters
    ----------
    scenario : Scenario, str, Path or Plan
        A scenario, the name of a shipped one, the path of a scenario file, or a plan.
    draws : int
        Number of Monte Carlo draws.
    rng : None, int, numpy.random.SeedSequence or numpy.random.Generator
        As in :func:`reesupply.simulate`; fixed by default, so that two people see one table.
    workers, executor, progress
        As in :func:`reesupply.simulate`.

    Returns
    -------
    Reproduction
        Its ``claims`` have one row per claim and reading. Nothing is fitted to a claim.

    Raises
    ------
    ScenarioError
        If the scenario is wrong.

    Examples
    --------
    >>> import reesupply as rs
    >>> found = rs.reproduce(draws=1_000)
    >>> found.claims.loc[("cru-deficit-2035", "annual"), "value"]
    np.float64(2920.0)
    """
    result = simulate(
        scenario, draws=draws, rng=rng, workers=workers, executor=executor, progress=progress
    )
    return Reproduction(result)
