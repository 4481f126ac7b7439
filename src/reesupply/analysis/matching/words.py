"""What one would have to believe, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reesupply.analysis.matching.history import HistoryMatch
    from reesupply.analysis.matching.shift import LeastShift

MINUS = "\N{MINUS SIGN}"


def answer(found: LeastShift) -> str:
    """
    Say what a shift of inputs means in tonnes, and what it costs.

    Parameters
    ----------
    found : LeastShift
        Of any scenario.

    Returns
    -------
    str
        Sentences; every number is of its runs.
    """
    first, last = (found.result.plan.years[i] for i in (0, -1))
    if found.met:
        start = f"To agree with {_claims(found)} in the mean, one has to believe, beside our inputs"
    else:
        start = f"No shift was found that meets {_claims(found)}; the nearest one has"
    said = [
        _change(found, flow, year)
        for flow, year in (
            ("need of all goods", first),
            ("need of electric cars and vans", last),
            ("need of wind turbines", last),
            ("need of other goods", last),
            ("mines of China and its neighbours", last),
            ("mines outside China", last),
            ("separated outside China", 2030),
            ("recycled new scrap", last),
            ("recycled old goods", last),
        )
        if (flow, year) in found.tonnes.index
    ]
    largest = max((abs(shift) for shift in found.shifts.values()), default=0.0)
    cost = (
        f"That shifts {len(found.shifts)} inputs, none by more than {largest:.2f} standard "
        f"deviations, and costs {found.nats:.1f} nats, as much as moving a single input by "
        f"{np.sqrt(2.0 * found.nats):.1f} of its standard deviations."
    )
    beyond = [name for name, shift in found.shifts.items() if abs(shift) > 3.0]
    if beyond:
        cost += f" Beyond three of them are {', '.join(beyond)}."
    return f"{start}: {'; '.join(said)}. {cost}"


def region(match: HistoryMatch) -> str:
    """
    Say how much of the knob space is consistent with the claims.

    Parameters
    ----------
    match : HistoryMatch
        Of any scenario.

    Returns
    -------
    str
        An empty region is said to be one.
    """
    share, error = match.volume
    problem = match.problem
    where = (
        f"settings of {len(problem.knobs)} knobs within {match.reach:.3g} standard deviations "
        f"({len(match.points):,} tried)"
    )
    if not share > 0.0:
        return (
            f"None of the {where} is within {match.cutoff:g} discrepancies of all "
            f"{len(problem.claims)} claims: the region is empty, or smaller than "
            f"{3.0 / len(match.points):.1g} of the space."
        )
    pull = match.region["pull"]
    order = pull.abs().sort_values(ascending=False, kind="stable").index[:3]
    pulled = ", ".join(f"{knob} {'up' if pull[knob] > 0.0 else 'down'}" for knob in order)
    return (
        f"Of the {where} {100 * share:.2g} % (+- {100 * error:.1g}) are within {match.cutoff:g} "
        f"discrepancies of all {len(problem.claims)} claims. They pull most on {pulled}."
    )


def _claims(found: LeastShift) -> str:
    names = [
        _number(value, unit)
        for value, unit in zip(found.problem.targets, found.problem.units, strict=True)
    ]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _number(value: float, unit: str) -> str:
    return f"{100 * value:.0f} %" if unit == "1" else f"{value:,.0f} t"


def _change(found: LeastShift, flow: str, year: int) -> str:
    before, now = (float(found.tonnes[name][flow, year]) for name in ("before", "now"))
    tonnes = f"{before:,.0f} to {now:,.0f} t"
    if not before > 0.0:
        return f"{flow} of {year} {tonnes}"
    change = f"{100.0 * (now / before - 1.0):+.0f} %".replace("-", MINUS)
    return f"{flow} of {year} {change} ({tonnes})"
