"""Yearly activities on record, and the scale on which they are fitted."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: Largest half-width of a stated range, as a share of the value, that a fit uses.
MOST_HALF_WIDTH = 0.05


@lru_cache(maxsize=1)
def _usable() -> dict[str, dict[int, float]]:
    """Yearly values good enough for a fit, by series and year."""
    found: dict[str, dict[int, float]] = {}
    for row in open_csv("history"):
        period, kind, text = row["period"], row["kind"], row["value"]
        if kind == "forecast-scenario" or not text or not _is_year(period):
            continue
        value = float(text)
        if row["low"] and row["high"]:
            half_width = (float(row["high"]) - float(row["low"])) / 2.0
            # a range of exactly 5 % was rounded on its way into the table
            good = half_width <= MOST_HALF_WIDTH * abs(value) * (1.0 + 1e-9)
        else:
            good = kind == "observed"
        if good:
            found.setdefault(row["series"], {})[int(period)] = value
    return found


def usable_history(series: str) -> dict[int, float]:
    """
    Return the yearly values of a series of the table ``history`` that a fit uses.

    Parameters
    ----------
    series : str
        Its name, such as ``"activity-ev-cars"``.

    Returns
    -------
    dict of int to float
        Year to value, in the unit of the series, in order. Used are values whose stated range has a
        half-width of at most 5 % of the value, and observed values without a stated range.

    Raises
    ------
    ReesupplyError
        If no value of the series is used.
    """
    known = _usable()
    if series not in known:
        msg = f"table history: no yearly value of {series!r} can be used; {nearest(series, known)}"
        raise ReesupplyError(msg)
    return dict(sorted(known[series].items()))


def last_on_record(series: str) -> int:
    """
    Return the last year of a series of the table ``history`` that is no outlook.

    Parameters
    ----------
    series : str
        Its name.

    Returns
    -------
    int
        Year observed or nowcast, also where its value is too rough for a fit; later years are not
        known, and an error of growth begins with them.

    Raises
    ------
    ReesupplyError
        If the series has no such year.
    """
    years = [
        int(row["period"])
        for row in open_csv("history")
        if row["series"] == series
        and row["kind"] != "forecast-scenario"
        and row["value"]
        and _is_year(row["period"])
    ]
    if not years:
        msg = f"table history: the series {series!r} has no yearly value on record"
        raise ReesupplyError(msg)
    return max(years)


def _is_year(period: str) -> bool:
    return len(period) == 4 and period.isdigit()


def to_line(values: npt.ArrayLike, ceiling: float | None) -> FloatArray:
    """
    Turn activities into numbers without bounds.

    Parameters
    ----------
    values : array_like
        Above 0, and below the ceiling.
    ceiling : float or None
        In the same unit.

    Returns
    -------
    ndarray, shape of `values`
        Logarithm, or logit of the share of the ceiling.
    """
    x = np.asarray(values, dtype=np.float64)
    return np.log(x) if ceiling is None else np.log(x) - np.log(ceiling - x)


def from_line(numbers: npt.ArrayLike, ceiling: float | None) -> FloatArray:
    """
    Turn numbers of `to_line` back into activities.

    Parameters
    ----------
    numbers : array_like
        Any.
    ceiling : float or None
        In the unit of the activity.

    Returns
    -------
    ndarray, shape of `numbers`
        Activities.
    """
    y = np.asarray(numbers, dtype=np.float64)
    return np.exp(y) if ceiling is None else ceiling / (1.0 + np.exp(-y))


def check_activity(series: str, year: int | None, value: float, ceiling: float | None) -> None:
    """
    Refuse an activity that has no transform.

    Parameters
    ----------
    series : str
        What the message names.
    year : int or None
        The same.
    value : float
        The activity.
    ceiling : float or None
        In the same unit.

    Raises
    ------
    ReesupplyError
        If the value is not finite, not above 0 or not below the ceiling.
    """
    top = math.inf if ceiling is None else ceiling
    if not 0.0 < value < top:
        where = series if year is None else f"{series} in {year}"
        allowed = "a finite value above 0" if ceiling is None else f"above 0 and below {top:g}"
        msg = f"growth of {where}: found {value:g}, allowed is {allowed}"
        raise ReesupplyError(msg)
