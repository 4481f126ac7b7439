"""Run the cases and set them beside what was published."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from reesupply.analysis.validation import chances, growth, runs, stocks, weights
from reesupply.analysis.validation.given import Found, inputs_of
from reesupply.errors import ReesupplyError, nearest
from reesupply.scenario.loading import open_csv
from reesupply.scenario.reference import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from reesupply.analysis.validation.given import Inputs, Numbers

REPRODUCED, DIFFERS = "reproduced", "differs"
#: Verdicts on numbers whose inputs are all at hand.
JUDGED = (REPRODUCED, DIFFERS)
#: Monte Carlo standard errors that a number may be away beyond its tolerance.
ERRORS = 3.0
#: Share by which a number that differs may change before the table has to say so.
CHANGE = 0.005

#: What computes the numbers of each case; the other cases of the table cannot be computed.
CASES: dict[str, Callable[[Inputs], Numbers]] = {
    "alonso-growth": growth.compounded,
    "adamas-2014-demand": growth.compounded,
    "growth-spread": growth.spreads,
    "growth-predictive": growth.predicted,
    "mcnulty-classes": growth.ramp_classes,
    "refinery-class": growth.refinery_class,
    "lamp-fit": growth.shares_after,
    "lamp-ramp": growth.ramped,
    "molycorp-ramp": growth.ramped,
    "mp-ramp": growth.ramped,
    "decision-hazards": growth.decisions,
    "claims-identity": growth.identity,
    "odym-inflow-driven": stocks.odym_inflow_driven,
    "odym-stock-driven": stocks.odym_stock_driven,
    "odym-initial-stock": stocks.odym_initial_stock,
    "flodym-timing": stocks.flodym_timing,
    "timing-rules": stocks.timing_rules,
    "weibull-lifetimes": stocks.weibull_from_spread,
    "mines-terbium": stocks.mines_terbium,
    "oxide-factors": chances.oxide,
    "pert-range": chances.pert,
    "lognormal-start-up": chances.lognormal_time,
    "jeffreys-share": chances.jeffreys,
    "quantile-error": chances.quantile_errors,
    "ishigami": chances.ishigami,
    "sobol-g": chances.sobol_g,
    "normal-shift": weights.normal_shift,
    "three-claims": weights.three_claims,
    "announced-schedule": runs.announced,
    "risked-schedule": runs.risked,
    "bottom-up-demand": runs.bottom_up,
    "bottom-up-range": runs.bottom_up_range,
    "dysprosium-world": runs.flow_analyses,
    "dysprosium-china": runs.flow_analyses,
    "terbium-china": runs.flow_analyses,
    "zhou-clean-technology": runs.clean_technology,
}


def validation(cases: Sequence[str] | None = None) -> pd.DataFrame:
    """
    Compare the library with published numbers.

    Parameters
    ----------
    cases : sequence of str, optional
        Ids of cases of the table `validation`; all by default, which takes some ten seconds.

    Returns
    -------
    pandas.DataFrame
        Index (case, quantity); what it is, kind, part, inputs, expected, unit, found (not a number
        where it cannot be computed), Monte Carlo error of found, largest allowed miss, the verdict
        that the table states and whether the numbers bear it out, source and note.

    Raises
    ------
    ReesupplyError
        If a case is unknown, or there is none.

    Notes
    -----
    A number counts as reproduced within its tolerance, which comes from the source (its printed
    digits, or the accuracy it claims), and three Monte Carlo standard errors. A number that differs
    is held to the value that the table states: a change is noticed in either direction. Where only
    part of the inputs is public our own number may stand beside the published one, and is not
    judged.
    """
    import pandas as pd

    rows = _rows()
    known = tuple(dict.fromkeys(row.case for row in rows))
    if cases is not None and not len(cases):
        msg = "validation: found no case, allowed are one or more, or None for all"
        raise ReesupplyError(msg)
    for case in () if cases is None else cases:
        if case not in known:
            msg = f"validation: found {case!r}; {nearest(case, known)}"
            raise ReesupplyError(msg)
    records = [_record(row) for row in rows if cases is None or row.case in cases]
    return pd.DataFrame(records).set_index(["case", "quantity"])


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """
    Count numbers by kind and verdict.

    Parameters
    ----------
    table : pandas.DataFrame
        From `validation`.

    Returns
    -------
    pandas.DataFrame
        Index kind, columns verdicts.
    """
    import pandas as pd

    return pd.crosstab(table["kind"], table["verdict"])


def allowed(row: Validation, error: float) -> float:
    """
    Return how far a number may be from the published one.

    Parameters
    ----------
    row : Validation
        With a tolerance.
    error : float
        Monte Carlo standard error.

    Returns
    -------
    float
        In the unit of the row; not a number without a tolerance.
    """
    if row.tolerance is None:
        return float("nan")
    scale = abs(row.expected) if row.relative else 1.0
    return row.tolerance * scale + ERRORS * error


def borne_out(row: Validation, found: Found | None) -> bool:
    """
    Whether the computed number agrees with the verdict of the table.

    Parameters
    ----------
    row : Validation
        Of the table.
    found : Found, optional
        None where nothing computes it.

    Returns
    -------
    bool
    """
    if found is None:
        return row.verdict not in (*JUDGED, "set") and row.found is None
    near = abs(found.value - row.expected) <= allowed(row, found.error)
    if row.verdict in (REPRODUCED, "set"):
        return near
    stated = float("nan") if row.found is None else row.found
    same = abs(found.value - stated) <= CHANGE * abs(stated) + ERRORS * found.error
    return same and not (row.verdict == DIFFERS and near)


def _rows() -> list[Validation]:
    return [
        Validation.model_validate({name: cell for name, cell in row.items() if cell})
        for row in open_csv("validation")
    ]


@cache
def _computed(case: str) -> Numbers:
    return CASES[case](inputs_of(case)) if case in CASES else {}


def _record(row: Validation) -> dict[str, Any]:
    found = _computed(row.case).get(row.quantity)
    value, error = found or (float("nan"), 0.0)
    return {
        "case": row.case,
        "quantity": row.quantity,
        "what": row.what,
        "kind": row.kind,
        "part": row.part,
        "inputs": row.inputs,
        "expected": row.expected,
        "unit": row.unit,
        "found": value,
        "error": error,
        "allowed": allowed(row, error),
        "verdict": row.verdict,
        "borne_out": borne_out(row, found),
        "source": ";".join(row.source),
        "note": row.note,
    }
