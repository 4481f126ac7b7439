"""What one would have to believe: by weights on the draws, and by a shift of the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reesupply.report.page.charts import figure, gap
from reesupply.report.page.evidence import outcome
from reesupply.report.page.matching import least_shift_parts, region_parts
from reesupply.report.page.names import input_words, row_names
from reesupply.report.page.parts import (
    Column,
    Heading,
    Section,
    Words,
    amount,
    fixed,
    percent,
    table,
    tonnes,
)

if TYPE_CHECKING:
    from reesupply.analysis.condition import Conditioning
    from reesupply.report.page.evidence import Belief, Evidence
    from reesupply.report.page.parts import Figure, Part, Table
    from reesupply.result import Result

#: Rows of a table of inputs.
TOP = 12


def belief(evidence: Evidence) -> Section:
    """
    Say what follows if claims are right.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    title = "What you would have to believe"
    if not evidence.beliefs:
        said = "The scenario has no claim about a later year in a preferred reading."
        return Section("belief", title, (Words(said),))
    held = [(each, each.result) for each in evidence.beliefs if each.result is not None]
    parts: list[Part] = [
        Heading("weights", "By weights on the draws"),
        Words(
            "The draws are weighed anew so that a claim becomes the mean of the forecast, with "
            "weights as near to equal as that allows. Few effective draws, many nats and a heavy "
            "tail say that the claim is far from the inputs: it is then better put into the inputs "
            "than into weights. The inputs that shift say what one would have to believe instead."
        ),
        _costs(evidence),
        *(
            Words(f"Refused: {each.said.removeprefix('condition: ')}.", note=True)
            for each in evidence.beliefs
            if each.result is None
        ),
    ]
    if held:
        parts += [_shifts(each, number) for number, (each, _) in enumerate(_ends(held), start=1)]
        parts.append(_conditioned(evidence, *held[0]))
        if len(held[-1][0].claims) > 1:
            parts += _leave_one_out(held[-1][0])
    parts += least_shift_parts(evidence) + region_parts(evidence)
    return Section("belief", title, tuple(parts))


def _ends(held: list[tuple[Belief, Result]]) -> list[tuple[Belief, Result]]:
    """Return the first and the last, which may be one."""
    return held[:1] if len(held) == 1 else [held[0], held[-1]]


def _costs(evidence: Evidence) -> Table:
    last, rows = evidence.last, []
    for each in evidence.beliefs:
        row: dict[str, Any] = {"belief": each.label, **dict.fromkeys(_COSTS, np.nan)}
        row["verdict"] = each.verdict
        done = each.conditioning
        if each.result is not None and done is not None:
            value = done.diagnostics["value"]
            row |= {
                "draws": value["effective draws"],
                "share": value["effective share"],
                "nats": value["KL divergence"],
                "k": value["Pareto k"],
            }
            found = outcome(each.result, each.result.all_elements)
            row |= dict(zip(("P5", "P50", "P95", "chance"), found, strict=True))
        rows.append(row)
    caption = f"What each belief costs, and the balance of {last} under it (t oxide/yr)"
    columns = {"belief": Column("If this were the mean"), "verdict": Column("Verdict"), **_COSTS}
    return table("costs", caption, pd.DataFrame(rows), columns)


_COSTS = {
    "draws": Column("Effective draws", tonnes),
    "share": Column("Share of all draws", percent(1)),
    "nats": Column("KL, nats", fixed(2)),
    "k": Column("Pareto k", fixed(2)),
    "P5": Column("Balance P5", tonnes),
    "P50": Column("P50", tonnes),
    "P95": Column("P95", tonnes),
    "chance": Column("Chance of a deficit", percent(1)),
}


def _shifts(each: Belief, number: int) -> Table:
    frame = _done(each).shifts.head(TOP).reset_index()
    names = row_names(_done(each).prior.plan.scenario)
    frame["words"] = [input_words(name, names) for name in frame["input"]]
    columns = {
        "words": Column("Input", detail="input"),
        "shift": Column("Shift, sd", fixed(2, sign=True)),
        "error": Column("Error of the shift", fixed(2)),
        "before": Column("Mean before", fixed(3)),
        "now": Column("Mean now", fixed(3)),
        "sd": Column("sd before", fixed(3)),
        "sd ratio": Column("sd now / before", fixed(2)),
    }
    caption = f"The {len(frame)} inputs that shift most to meet {each.label}"
    return table(f"shifts-{number}", caption, frame, columns)


def _done(each: Belief) -> Conditioning:
    if each.conditioning is None:
        raise AssertionError
    return each.conditioning


def _conditioned(evidence: Evidence, each: Belief, result: Result) -> Figure:
    last, whole = evidence.last, evidence.result.all_elements
    before, now = evidence.outcome.middle, outcome(result, whole).middle
    return figure(
        "figure-conditioned",
        lambda ax: result.plot.balance(ax=ax),
        alt=(
            f"Fan chart of the world balance of {whole} oxide if {each.label} were the mean: the "
            f"median of {last} is {gap(now)} instead of {gap(before)}."
        ),
        caption=f"The balance if {each.label} were the mean of the forecast.",
        narrow=4.4,
    )


def _leave_one_out(each: Belief) -> list[Part]:
    frame = _done(each).leave_one_out.reset_index()
    units = [claim.unit for claim in each.claims]
    for name in ("value", "before", "without it", "P5", "P95"):
        frame[name] = [amount(x, unit) for x, unit in zip(frame[name], units, strict=True)]
    frame["target"] = [f"{claim.publisher}: {claim.said}" for claim in each.claims]
    frame["percentile"] /= 100.0
    columns = {
        "target": Column("Claim left out"),
        "value": Column("Published"),
        "before": Column("Our mean"),
        "without it": Column("Mean if the others hold"),
        "P5": Column("P5"),
        "P95": Column("P95"),
        "percentile": Column("Claim falls at", percent(1)),
        "effective draws": Column("Effective draws", tonnes),
        "KL divergence": Column("KL, nats", fixed(2)),
    }
    return [
        table("leave-one-out", "Each claim as the others predict it", frame, columns),
        Words(
            "Where a claim falls near the middle of what the others predict, they are of one mind; "
            "near an end, believing the others makes it harder to believe this one.",
            note=True,
        ),
    ]
