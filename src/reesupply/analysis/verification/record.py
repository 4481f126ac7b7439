"""
What was on record at a vintage, and what came after it.

A vintage is the end of a year. Known are the statistics of the years before it, since those of a
year come out in the next one, and the forecasts that were issued until then. The tables hold the
past as it is known today: a value that was restated since is not the one that a forecaster had.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reesupply.analysis.verification.quantities import Quantity

    Row = Mapping[str, str]

__all__ = ["Outlook", "Record", "Value"]


class Value(NamedTuple):
    """A yearly value, and whether it was observed or reconstructed."""

    value: float
    observed: bool


class Outlook(NamedTuple):
    """A published forecast in the unit of its quantity; `issued` is a year."""

    publisher: str
    issued: int
    year: int
    value: float


@dataclass(frozen=True)
class Record:
    """
    Statistics and published forecasts, all or as far as known at a vintage.

    Attributes
    ----------
    statistics : tuple of mapping of str to str
        Rows with the columns series, period, value and kind of the table history.
    forecasts : tuple of mapping of str to str
        Rows of the table forecasts that name a series.
    """

    statistics: tuple[Row, ...]
    forecasts: tuple[Row, ...]

    @classmethod
    def shipped(cls) -> Record:
        """
        Return all that is on record today.

        Returns
        -------
        Record
            The tables ``history``, ``early_history`` and ``forecasts``.
        """
        early = [{**row, "kind": "observed"} for row in open_csv("early_history")]
        history = [row for row in open_csv("history") if row["kind"] != "forecast-scenario"]
        said = [row for row in open_csv("forecasts") if row["series"]]
        return cls((*early, *history), tuple(said))

    def until(self, vintage: int) -> Record:
        """
        Return what was known at the end of a year.

        Parameters
        ----------
        vintage : int
            That year.

        Returns
        -------
        Record
            Statistics of the years before it, and forecasts issued in it or before.
        """
        known = tuple(row for row in self.statistics if _last_year(row["period"]) < vintage)
        said = tuple(row for row in self.forecasts if int(row["issued"][:4]) <= vintage)
        return replace(self, statistics=known, forecasts=said)

    def values(self, quantity: Quantity) -> dict[int, Value]:
        """
        Return the yearly values of a quantity.

        Parameters
        ----------
        quantity : Quantity
            Which.

        Returns
        -------
        dict of int to Value
            By year, in order.
        """
        found: dict[int, Value] = {}
        for name in quantity.series:
            found = self.series(name) | found
        if quantity.less:
            whole, *parts = (self.series(name) for name in quantity.less)
            for year in set(whole).intersection(*parts) - set(found):
                rest = [part[year] for part in parts]
                left = whole[year].value - sum(part.value for part in rest)
                observed = all(part.observed for part in (whole[year], *rest))
                found[year] = Value(left, observed)
        return dict(sorted(found.items()))

    def series(self, name: str) -> dict[int, Value]:
        """
        Return the yearly values of one series.

        Parameters
        ----------
        name : str
            Of the table history.

        Returns
        -------
        dict of int to Value
            By year, in order; empty where nothing is on record.
        """
        rows = [r for r in self.statistics if r["series"] == name and r["value"]]
        rows = [r for r in rows if len(r["period"]) == 4]
        found = {int(r["period"]): Value(float(r["value"]), r["kind"] == "observed") for r in rows}
        return dict(sorted(found.items()))

    def outlooks(self, quantity: Quantity) -> list[Outlook]:
        """
        Return the published forecasts of a quantity, in its unit.

        Parameters
        ----------
        quantity : Quantity
            Which.

        Returns
        -------
        list of Outlook
            A forecast of growth since a year whose value is not on record is left out.
        """
        values, found = self.values(quantity), []
        for row in self.forecasts:
            if row["series"] not in quantity.series or not row["value"]:
                continue
            value, year = float(row["value"]), int(row["target_year"])
            if row["form"] == "level":
                kilo = row["unit"].startswith("kt") and not quantity.unit.startswith("kt")
                level = 1e3 * value if kilo else value
            elif int(row["since"]) in values:
                base = values[int(row["since"])].value
                level = _grown(base, row["form"], value, year - int(row["since"]))
            else:
                continue
            found.append(Outlook(row["publisher"], int(row["issued"][:4]), year, level))
        return found


def _grown(base: float, form: str, value: float, years: int) -> float:
    """Return a level from the one it grows from."""
    if form == "growth":
        return base * float((1.0 + value / 100.0) ** years)
    return base + value if form == "rise" else base * value


def _last_year(period: str) -> int:
    """Return the last year that a period touches: 2012, 2012-05, 2010-2014."""
    return max(int(part) for part in period.split("-") if len(part) == 4)
