"""Fitted growth of the end uses, and the columns of the table ``growth`` that hold it."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reesupply.analysis.fit.activities import last_on_record, usable_history
from reesupply.analysis.fit.growth import GrowthFit, fit_growth
from reesupply.distributions import Distribution, parse
from reesupply.errors import ReesupplyError, nearest
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

#: Columns of the table ``growth`` that the fit writes.
FITTED = ("since", "volatility", "increments")

# parts of the car market share its ceiling; the others have no ceiling of their own on record
_COMPARED = {
    "activity-ev-cars": "ev-cars",
    "activity-bev-cars": "ev-cars",
    "activity-phev-cars": "ev-cars",
    "activity-wind-total": "wind-onshore",
    "activity-two-wheelers": None,
    "activity-industrial-robots": None,
}


def _middle(cell: str) -> float:
    value = parse(cell)
    return value.median if isinstance(value, Distribution) else value


def _rows() -> dict[str, dict[str, str]]:
    return {row["end_use"]: row for row in open_csv("growth")}


def _row(end_use: str) -> dict[str, str]:
    rows = _rows()
    if end_use not in rows:
        msg = f"table growth: there is no row {end_use!r}; {nearest(end_use, rows)}"
        raise ReesupplyError(msg)
    return rows[end_use]


def _ceiling(row: Mapping[str, str]) -> float | None:
    return _middle(row["ceiling"]) if row["ceiling"] else None


def _per_unit(row: Mapping[str, str]) -> float:
    """Activity of an end use per unit of its series, in the base year."""
    year = next(r["value"] for r in open_csv("settings") if r["id"] == "first_year")
    use, values = row["end_use"], usable_history(row["series"])
    for found in open_csv("trajectories"):
        if (found["end_use"], found["parameter"], found["year"]) == (use, "activity", year):
            break
    else:
        msg = f"table growth, row {use}: no activity of {year} is in the table trajectories"
        raise ReesupplyError(msg)
    if int(year) not in values:
        msg = f"table growth, row {use}: the series {row['series']} has no usable value of {year}"
        raise ReesupplyError(msg)
    return _middle(found["value"]) / values[int(year)]


def shipped_growth(end_use: str) -> GrowthFit:
    """
    Fit the series of a row of the table ``growth``.

    Parameters
    ----------
    end_use : str
        Such as ``"ev-cars"``.

    Returns
    -------
    GrowthFit
        Of the series scaled to the activity of the end use in the base year, in the unit of that
        activity, under the median of the row's ceiling.

    Raises
    ------
    ReesupplyError
        If there is no such row, or its series cannot be scaled or fitted.
    """
    row = _row(end_use)
    scale = _per_unit(row)
    values = {year: value * scale for year, value in usable_history(row["series"]).items()}
    return fit_growth(values, ceiling=_ceiling(row), name=row["series"])


def median_ceiling(end_use: str) -> float | None:
    """
    Return the median of the ceiling of a row of the table ``growth``; no value of history is read.

    Parameters
    ----------
    end_use : str
        Such as ``"ev-cars"``.

    Returns
    -------
    float or None
        In the unit of the activity of the end use; None where the row has no ceiling.

    Raises
    ------
    ReesupplyError
        If there is no such row.
    """
    return _ceiling(_row(end_use))


def compared_series() -> dict[str, float | None]:
    """
    Return the series on which forecasters are compared.

    Returns
    -------
    dict of str to float or None
        Series to ceiling in its own unit: of the row of the table ``growth`` that uses it, for
        battery and plug-in cars apart that of both; None where there is no such row.
    """
    rows = _rows()
    found: dict[str, float | None] = {}
    for series, use in _COMPARED.items():
        ceiling = None if use is None else _ceiling(rows[use])
        if use is not None and ceiling is not None:
            ceiling /= _per_unit(rows[use])
        found[series] = ceiling
    return found


def growth_table() -> pd.DataFrame:
    """
    Fit every row of the table ``growth``.

    Returns
    -------
    pandas.DataFrame
        Index end_use; series, first (year of the fit), since (last year on record), values (their
        number), increments (yearly, that they span), ceiling (median, in the unit of the activity,
        or NaN), drift, drift_se and sigma (per year, on the logit or logarithmic scale), volatility
        (cell that the fit gives), shipped (the cell of the table).
    """
    import pandas as pd

    rows = {}
    for use, row in _rows().items():
        fit = shipped_growth(use)
        rows[use] = {
            "series": fit.series,
            "first": fit.years[0],
            "since": last_on_record(fit.series),
            "values": len(fit.values),
            "increments": fit.span,
            "ceiling": fit.ceiling,
            "drift": fit.drift,
            "drift_se": fit.drift_se,
            "sigma": fit.sigma,
            "volatility": str(fit.volatility_cell()),
            "shipped": row["volatility"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("end_use")


def write_growth(path: Path | None = None) -> Path:
    """
    Write the fitted columns of the table ``growth``; the others stay as they are.

    Parameters
    ----------
    path : Path, optional
        File to write; the shipped table when None.

    Returns
    -------
    Path
        The file written.
    """
    shipped = Path(str(files("reesupply") / "data" / "growth.csv"))
    fitted: Any = growth_table()
    rows = list(open_csv("growth"))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {name: fitted.loc[row["end_use"], name] for name in FITTED})
    target = shipped if path is None else path
    target.write_bytes(out.getvalue().encode())
    return target
