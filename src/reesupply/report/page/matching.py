"""What one would have to believe, as a shift of the inputs themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.analysis.matching.words import region
from reesupply.plots.matching import draw_maps, draw_price
from reesupply.report.page.charts import figure
from reesupply.report.page.evidence import attempt
from reesupply.report.page.names import input_words, row_names
from reesupply.report.page.parts import (
    Column,
    Heading,
    Words,
    amount,
    fixed,
    percent,
    table,
    tonnes,
)

if TYPE_CHECKING:
    import pandas as pd

    from reesupply.analysis.matching import HistoryMatch, LeastShift
    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Part

#: Rows of the table of inputs.
TOP = 15


def least_shift_parts(evidence: Evidence) -> list[Part]:
    """
    Show the least shift of inputs that meets the claims.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    list of Part
    """
    found = evidence.shift
    if isinstance(found, str):
        return [Words(f"No least shift of this scenario: {found}.", note=True)]
    names = row_names(found.problem.scenario)
    inputs = found.inputs.head(TOP).reset_index()
    inputs["words"] = [input_words(name, names) for name in inputs["input"]]
    return [
        Heading("shift", "By the least shift of the inputs"),
        Words(
            "Instead of weighing the draws one may shift the inputs, by as little as meets the "
            f"claims, and keep their spreads. {found.text}"
        ),
        figure(
            "figure-shift",
            lambda ax: draw_price(found, ax=ax),
            alt=(
                f"Bar chart of the {TOP} inputs that are shifted farthest, in standard deviations; "
                "the numbers are in the table below."
            ),
            caption="The least shift of inputs under which the claims are the means.",
        ),
        _met(found, evidence),
        table(
            "shift-groups",
            "The shift by group of inputs, dearest first",
            found.groups,
            {
                "group": Column("Group of inputs"),
                "inputs": Column("Inputs shifted", tonnes),
                "nats": Column("Nats", fixed(2)),
                "share": Column("Share of all", percent(1), bar=True),
                "largest": Column("Largest shift, sd", fixed(2, sign=True)),
            },
        ),
        table(
            "shift-inputs",
            f"The {len(inputs)} inputs that are shifted farthest",
            inputs,
            {
                "words": Column("Input", detail="input"),
                "group": Column("Group"),
                "shift": Column("Shift, sd", fixed(2, sign=True)),
                "nats": Column("Nats", fixed(3)),
                "moved": Column("Moved with factors, sd", fixed(2, sign=True)),
            },
        ),
        _ways(found),
        Words(
            "No way to meet the claims costs less than weights on the untuned draws; they leave "
            "few of them, while a scenario has all of its own.",
            note=True,
        ),
    ]


def _met(found: LeastShift, evidence: Evidence) -> Part:
    frame = found.claims.rename(index=_said(evidence)).reset_index()
    for name in ("published", "before", "now", "P5", "P95"):
        frame[name] = _amounts(frame, name, found)
    columns = {
        name: Column(label)
        for name, label in (
            ("claim", "Claim"),
            ("published", "Published"),
            ("before", "Mean before"),
            ("now", "Mean now"),
            ("P5", "P5 now"),
            ("P95", "P95 now"),
        )
    }
    verdict = "are met" if found.met else "are NOT all met"
    return table("shift-claims", f"The claims {verdict} by the shift", frame, columns)


def _said(evidence: Evidence) -> dict[str, str]:
    return {claim.name: f"{claim.publisher}: {claim.said}" for claim in evidence.claims}


def _amounts(frame: pd.DataFrame, name: str, found: LeastShift) -> list[str]:
    units = found.problem.units
    return [amount(value, unit) for value, unit in zip(frame[name], units, strict=True)]


def _ways(found: LeastShift) -> Part:
    unit, frame = found.problem.units[0], attempt(lambda: found.beside_weights)
    if isinstance(frame, str):
        return Words(f"No comparison with weights: {frame.removeprefix('condition: ')}.", note=True)
    columns = {
        "way": Column("Way to meet the claims"),
        "nats": Column("Nats", fixed(2)),
        "effective share": Column("Effective draws", percent(1), bar=True),
        "Pareto k": Column("Pareto k", fixed(2)),
        **{q: Column(q, lambda value: amount(value, unit)) for q in ("P5", "P50", "P95")},
    }
    first = found.problem.claims[0]
    return table("ways", f"What each way costs, and {first} under it", frame, columns)


def region_parts(evidence: Evidence) -> list[Part]:
    """
    Show which settings of a few knobs are consistent with the claims.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    list of Part
    """
    match = evidence.match
    if isinstance(match, str):
        return [Words(f"No history match of this scenario: {match}.", note=True)]
    columns = {
        "claim": Column("Claim"),
        "share": Column("Share of settings left", percent(2), bar=True),
        "error": Column("Error", percent(2)),
        "with no knob turned": Column("Implausibility untuned", fixed(2)),
    }
    return [
        Heading("settings", "Which settings of a few knobs agree"),
        Words(region(match)),
        table(
            "region",
            "What each claim leaves of the space of knobs, and all of them",
            match.volumes.rename(index=_said(evidence)),
            columns,
        ),
        *_knobs(match),
    ]


def _knobs(match: HistoryMatch) -> list[Part]:
    if not match.inside.any():
        return []
    columns = {
        "knob": Column("Knob"),
        "pull": Column("Pull", fixed(2, sign=True)),
        "lowest": Column("Lowest", fixed(2)),
        "P5": Column("P5", fixed(2)),
        "mean": Column("Mean", fixed(2)),
        "P95": Column("P95", fixed(2)),
        "highest": Column("Highest", fixed(2)),
    }
    frame = match.region.sort_values("pull", key=abs, ascending=False, kind="stable")
    return [
        table("knobs", "Where the settings lie that are left, by knob (sd)", frame, columns),
        figure(
            "figure-region",
            lambda _: draw_maps(match),
            alt=(
                "Maps of the least implausibility over pairs of knobs, and of the share of "
                "settings that are not implausible; the table above has their ranges."
            ),
            caption="Implausibility over pairs of the knobs that the claims pull most.",
        ),
    ]
