"""What moves the answer, and what it is worth to know it before one decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.analysis.sensitivity.door import REST
from reesupply.plots.sensitivity import show
from reesupply.report.page.charts import figure
from reesupply.report.page.parts import Column, Section, Words, fixed, percent, table, tonnes

if TYPE_CHECKING:
    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Part, Table


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
