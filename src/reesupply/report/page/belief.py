"""What one would have to believe, what moves the answer, and what it is worth to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reesupply.analysis.sensitivity.door import REST
from reesupply.plots.sensitivity import show
from reesupply.report.page.charts import figure, gap
from reesupply.report.page.evidence import outcome
from reesupply.report.page.names import input_words, row_names
from reesupply.report.page.parts import (
    Column,
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
                "largest": value["largest weight"],
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
    "largest": Column("Largest weight", percent(2)),
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


def drivers(evidence: Evidence) -> Section:
    """
    Say what moves the balance of the last year, and what it is worth to know it.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    parts: list[Part] = [
        Words(
            f"Shares of the variance of the balance of {evidence.last}, by group of inputs "
            "(Shapley effects from a fitted emulator), and single inputs by how far the mean "
            "balance moves between their low and their high end."
        ),
        *_groups(evidence),
        *_inputs(evidence),
        _switches(evidence),
        *_information(evidence),
    ]
    return Section("sensitivity", "What moves the answer, and what is worth knowing", tuple(parts))


def _groups(evidence: Evidence) -> list[Part]:
    found = evidence.groups
    if isinstance(found, str):
        return [Words(f"No shares of groups: {found}.", note=True)]
    shares = found["value"].unstack("measure").drop(index=REST)
    ends = found.xs("shapley", level="measure").drop(index=REST)
    frame = shares.join(ends[["low", "high"]]).loc[ends.index]
    columns = {
        "group": Column("Group of inputs"),
        "shapley": Column("Shapley effect", percent(1), bar=True),
        "low": Column("from", percent(1)),
        "high": Column("to (95 %)", percent(1)),
        "first": Column("Alone", percent(1)),
        "total": Column("Lost without it", percent(1)),
    }
    leading = ", ".join(f"{name} {percent(0)(x)}" for name, x in ends["value"].iloc[:3].items())
    parts: list[Part] = [
        figure(
            "figure-groups",
            lambda ax: show(evidence.result, found, "balance", "group", 14, ax),
            alt=f"Bar chart of shares of variance by group of inputs; the largest: {leading}.",
            caption=f"What the uncertainty of the balance of {evidence.last} comes from.",
        ),
        table("groups", "Shares of variance by group of inputs", frame, columns),
    ]
    fit = found.attrs["R2 out of sample"]
    parts.append(
        Words(f"R\N{SUPERSCRIPT TWO} of the emulator out of sample: {fit:.2f}.", note=True)
    )
    return parts


def _inputs(evidence: Evidence) -> list[Part]:
    found = evidence.inputs
    if isinstance(found, str):
        return [Words(f"No tornado: {found}.", note=True)]
    return [
        figure(
            "figure-tornado",
            lambda ax: show(evidence.result, found, "balance", "input", 14, ax),
            alt=(
                f"Tornado chart of single inputs: mean balance of {evidence.last} beside that of "
                "all draws where the input is low and where it is high."
            ),
            caption="Single inputs and named factors; what comes with an input is in its bar.",
        )
    ]


def _switches(evidence: Evidence) -> Table:
    frame = -evidence.found.switches.rename(columns={"P5": "high", "P50": "middle", "P95": "low"})
    frame[["share", "P(deficit)"]] *= -1.0
    columns = {
        "what": Column("What"),
        "case": Column("Case"),
        "share": Column("Share of draws", percent(0)),
        "low": Column("P5", tonnes),
        "middle": Column("P50", tonnes),
        "high": Column("P95", tonnes),
        "P(deficit)": Column("Chance of a deficit", percent(0), bar=True),
    }
    caption = f"What changes the sign: the balance of {evidence.last} (t oxide/yr) case by case"
    return table("switches", caption, frame, columns)


def _information(evidence: Evidence) -> list[Part]:
    parts: list[Part] = []
    for number, (limit, found) in enumerate(
        zip(evidence.thresholds, evidence.information, strict=True), start=1
    ):
        what = f"a deficit above {tonnes(limit)} t" if limit else "a deficit"
        if isinstance(found, str):
            parts.append(Words(f"No value of information for {what}: {found}.", note=True))
            continue
        frame = found.copy()
        columns = {
            "group": Column("Known beforehand"),
            "value": Column("Saves, t", fixed(1)),
            "low": Column("from", fixed(1)),
            "high": Column("to (95 %)", fixed(1)),
            "share": Column("Share of everything", percent(1), bar=True),
        }
        caption = f"What it is worth to know before deciding whether to act on {what}"
        marked = [name == "everything" for name in frame.index]
        parts.append(table(f"information-{number}", caption, frame, columns, marked=marked))
    parts.append(
        Words(
            f"Act if the deficit of {evidence.last} is above the threshold; a wrong decision costs "
            "the tonnes between the two. The value is the expected cost that knowing a group of "
            "inputs saves, found on one half of the draws and judged on the other, so that it may "
            "come out slightly below 0.",
            note=True,
        )
    )
    return parts
