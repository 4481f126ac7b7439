r"""
The record of promised dates as survival data.

A promise made at :math:`P` to start at :math:`A` has the schedule factor :math:`(S - P)/(A - P)`
once the plant has started at :math:`S`. Of a plant that has not started only a lower bound is
known, :math:`(T - P)/(A - P)`, where :math:`T` is the date up to which it was watched: a newer
promise is not an outcome, however often it is printed as one.

What is left out, each with its reason in `left_out`: promises whose own date is unknown, later
promises of a project within one stage class (they are not independent of the first), dates for the
full rate (the ramp-up models that), and projects that failed or were cancelled (they belong to the
probability of working, not to the delay of what works).
"""

from __future__ import annotations

import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["factor", "slip"]

#: Stage at the time of the promise -> the class within which a project counts once.
STAGE_CLASS = {
    "commissioning": "construction",
    "construction": "construction",
    "feasibility": "study",
    "prefeasibility": "study",
    "scoping": "study",
    "resource": "study",
}
#: Promises of the full rate, not of first feed; the table has no column that says so.
FULL_RATE = ("lamp-ramp-phase-1",)

_NEEDED = (
    *("project", "plant_type", "stage_when_announced", "promised_from", "announced_start"),
    *("actual_start", "outcome", "known_at", "confidence"),
)
_COLUMNS = [
    *("project", "plant_type", "stage", "stage_class", "promised_from", "announced_start"),
    *("until", "factor", "slip", "censored", "outcome", "confidence", "reason"),
]
_ENDED = ("failed", "cancelled", "blocked")


def delays() -> pd.DataFrame:
    """
    Return the shipped record of promised dates and what became of them.

    Returns
    -------
    pandas.DataFrame
        Index id; columns as in the table ``delays`` of the documentation, dates as decimal years.
    """
    import pandas as pd

    with (files("reesupply") / "data" / "delays.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, index_col="id")


def schedule_factors(
    table: pd.DataFrame | None = None,
    *,
    known_by: float | None = None,
) -> pd.DataFrame:
    """
    Schedule factors: time needed over time promised, one row per usable promise.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        As `delays`, which it is when None.
    known_by : float, optional
        Only promises made and outcomes known by then, for back-tests [decimal year].

    Returns
    -------
    pandas.DataFrame
        Index id; project, plant_type, stage_class ("construction" or "study"), promised_from,
        announced_start, until (start, or date up to which the plant was watched), factor,
        censored (then the factor is a lower bound), confidence. The first usable promise of each
        project in each stage class.

    Raises
    ------
    ReesupplyError
        If the table lacks a column, or has a stage that is not known.
    """
    return _used(_judge(table, "factor", known_by), "factor")


def slips(table: pd.DataFrame | None = None, *, known_by: float | None = None) -> pd.DataFrame:
    """
    Years after the promised start, of plants that were being built when it was promised.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        As `delays`, which it is when None.
    known_by : float, optional
        Only promises made and outcomes known by then [decimal year]; promises whose own date is
        unknown are then left out.

    Returns
    -------
    pandas.DataFrame
        As `schedule_factors`, with the column slip [years] in place of the factor and stage as
        announced; started plants whatever their slip, pending ones only once they are overdue.

    Raises
    ------
    ReesupplyError
        If the table lacks a column, or has a stage that is not known.
    """
    return _used(_judge(table, "slip", known_by), "slip")


def left_out(
    table: pd.DataFrame | None = None,
    *,
    measure: Measure = "factor",
    known_by: float | None = None,
) -> pd.DataFrame:
    """
    List the promises that `schedule_factors` or `slips` does not use, and why.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        As `delays`, which it is when None.
    measure : {"factor", "slip"}
        Which of the two.
    known_by : float, optional
        As there.

    Returns
    -------
    pandas.DataFrame
        Index id; project, outcome, reason.

    Raises
    ------
    ReesupplyError
        If the table lacks a column, or has a stage that is not known.
    """
    judged = _judge(table, measure, known_by)
    return judged.loc[judged["reason"] != "", ["project", "outcome", "reason"]]


def _used(judged: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    other = "slip" if measure == "factor" else "factor"
    used = judged[judged["reason"] == ""]
    return used.drop(columns=[other, "outcome", "reason"])


def _judge(table: pd.DataFrame | None, measure: Measure, known_by: float | None) -> pd.DataFrame:
    """Return every row with what it says and, where it is not used, the reason."""
    import pandas as pd

    rows = delays() if table is None else table
    _check(rows)
    end = math.inf if known_by is None else known_by
    seen: set[tuple[str, str, bool]] = set()
    out: dict[Any, dict[str, Any]] = {}
    # a promise without a date of its own is made before the date it promises
    order = rows["promised_from"].fillna(rows["announced_start"])
    ordered = rows.assign(order=order).sort_values("order", kind="stable")
    for name, cells in ordered.to_dict("index").items():
        fact = _watched(cells, end)
        reason = _reason(str(name), fact, measure, end)
        key = (str(fact["project"]), str(fact["stage_class"]), fact["plant_type"] == "add-on")
        if not reason and key in seen:
            reason = "a later promise of the same project in the same stage class"
        if not reason:
            seen.add(key)
        out[name] = {**fact, "reason": reason}
    frame = pd.DataFrame(list(out.values()), index=pd.Index(out, name="id"), columns=_COLUMNS)
    return frame.astype({"censored": bool}).reindex(rows.index)


def _check(rows: pd.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in rows.columns]
    if missing:
        msg = f"table of delays: there is no column {', '.join(missing)}"
        raise ReesupplyError(msg)
    if rows.index.has_duplicates:
        twice = rows.index[rows.index.duplicated()][0]
        msg = f"table of delays: the index {twice!r} stands there twice; rows need ids of their own"
        raise ReesupplyError(msg)
    unknown = sorted({str(s) for s in rows["stage_when_announced"]} - set(STAGE_CLASS))
    if unknown:
        allowed = ", ".join(STAGE_CLASS)
        msg = f"table of delays, column stage_when_announced: found {unknown[0]}, allowed {allowed}"
        raise ReesupplyError(msg)


def _watched(cells: dict[Any, Any], end: float) -> dict[str, Any]:
    """State of a promise at the date up to which it was watched."""
    promised, announced = float(cells["promised_from"]), float(cells["announced_start"])
    actual, stage = float(cells["actual_start"]), str(cells["stage_when_announced"])
    last = min(float(cells["known_at"]), end)
    started = actual <= last  # False where it is NaN
    until = actual if started else last
    wait = announced - promised
    # an end that is not known yet at the cut-off date is no outcome: the row is pending till then
    ended = cells["outcome"] in _ENDED and float(cells["known_at"]) <= end
    return {
        "project": cells["project"],
        "plant_type": cells["plant_type"],
        "stage": stage,
        "stage_class": STAGE_CLASS[stage],
        "promised_from": promised,
        "announced_start": announced,
        "until": until,
        "factor": (until - promised) / wait if wait > 0.0 else math.nan,
        "slip": until - announced,
        "censored": not started,
        "outcome": cells["outcome"] if ended else "started" if started else "pending",
        "confidence": cells["confidence"],
    }


def _reason(name: str, fact: dict[str, Any], measure: Measure, end: float) -> str:
    """Say why a row is not used; empty where it is."""
    dated = not math.isnan(fact["promised_from"])
    no_delay = fact["outcome"] in _ENDED
    checks = (
        (dated and fact["promised_from"] > end, "promised after the cut-off date"),
        (no_delay, f"{fact['outcome']}: counts for the probability of working, not as a delay"),
        (name in FULL_RATE, "a date for the full rate, which the ramp-up models"),
        (math.isnan(fact["announced_start"]), "no start was promised"),
        (
            not dated and (measure == "factor" or end < math.inf),
            "date of the promise unknown",
        ),
        (
            measure == "slip" and fact["stage_class"] != "construction",
            "not being built when it was promised",
        ),
        (
            measure == "slip" and fact["censored"] and not fact["slip"] > 0.0,
            "not yet overdue: says nothing about a slip",
        ),
        (
            measure == "factor" and not fact["factor"] > 0.0,
            "promised and announced dates are not in order",
        ),
    )
    return next((reason for applies, reason in checks if applies), "")
