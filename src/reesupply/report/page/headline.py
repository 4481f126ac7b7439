"""The top of the page: what was found, in words, and what it rests on in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from reesupply.analysis.sensitivity.door import REST
from reesupply.engine.joint import TOLERANCE
from reesupply.report.page.charts import gap
from reesupply.report.page.evidence import outcome
from reesupply.report.page.names import claim_words, row_names, shift_words
from reesupply.report.page.parts import Points, Section, Tile, Tiles, Words, fixed, percent, tonnes
from reesupply.report.page.scores import held, lost
from reesupply.report.text import WITHIN, percentile_text

if TYPE_CHECKING:
    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Part

whole = percent(0)


def headline(evidence: Evidence) -> Section:
    """
    Say what was found.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    parts: list[Part] = [Words(_answer(evidence)), Tiles(tuple(_tiles(evidence)))]
    said = (_elements, _claims, _jointly, _belief, _shift, _between, _drivers, _record)
    sentences = [text for each in said for text in each(evidence)]
    return Section("headline", "What was found", (*parts, Points(tuple(sentences))))


def _answer(evidence: Evidence) -> str:
    result, found = evidence.result, evidence.outcome
    return (
        f"In {evidence.last} the world supply of {result.all_elements} oxide falls short of "
        f"demand in {whole(found.chance)} of {result.draws:,} simulated futures. The median is "
        f"{gap(found.middle)}; nine in ten futures lie between {gap(found.low)} and "
        f"{gap(found.high)}. {_standing(evidence)}"
    )


def _standing(evidence: Evidence) -> str:
    if evidence.result.plan.scenario.turned_knobs:
        return "Its inputs are shifted by knobs: what one would have to believe, and no forecast."
    return "Nothing was fitted to a published claim."


def _tiles(evidence: Evidence) -> list[Tile]:
    result, last, claim, found = evidence.result, evidence.last, evidence.deficit, evidence.outcome
    once = result.deficit_probability(year="any", element=result.all_elements, tolerance=TOLERANCE)
    tiles = [
        Tile(
            f"Balance {last}, median",
            f"{tonnes(found.middle)} t",
            f"P5 {tonnes(found.low)} t, P95 {tonnes(found.high)} t; negative is a deficit",
        ),
        Tile(
            f"Chance of a deficit, {last}",
            whole(found.chance),
            f"above {whole(TOLERANCE)} of demand in some year to {last}: {whole(float(once))}",
        ),
    ]
    if claim is not None:
        row = evidence.row(claim)
        z = "" if pd.isna(row["z"]) else f", z = {fixed(2, sign=True)(row['z'])}"
        tiles.append(
            Tile(
                claim_words(claim),
                percentile_text(row["percentile"]),
                f"where the claim falls in this forecast{z}",
            )
        )
        tiles += _cost(evidence)
    return tiles


def _cost(evidence: Evidence) -> list[Tile]:
    label = f"To believe {evidence.beliefs[0].claims[0].publisher}"
    done = evidence.beliefs[0].conditioning
    if done is None:
        return [Tile(label, "refused", "too far from the draws: see below")]
    share = percent(1)(done.effective_draws / done.weights.size)
    return [
        Tile(label, f"{fixed(1)(done.divergence)} nats", f"{share} of the draws stay effective")
    ]


def _elements(evidence: Evidence) -> list[str]:
    result = evidence.result
    if len(result.plan.elements) < 2:
        return []
    each = [
        f"{name}, {gap(own.middle)} at the median and a deficit in {whole(own.chance)}"
        for name in result.plan.elements
        for own in [outcome(result, name)]
    ]
    return [f"The sum hides two markets. In {evidence.last}: {'; '.join(each)} of futures."]


def _claims(evidence: Evidence) -> list[str]:
    said = []
    for claim in evidence.claims:
        row = evidence.row(claim)
        inside = WITHIN[0] <= row["percentile"] <= WITHIN[1]
        verdict = "does not contradict it" if inside else "disagrees"
        year = "" if str(claim.year) in claim.said else f", {claim.year}"
        said.append(
            f"{claim.publisher}{year}: \N{LEFT DOUBLE QUOTATION MARK}{claim.said}"
            f"\N{RIGHT DOUBLE QUOTATION MARK} falls at {percentile_text(row['percentile'])} of "
            f"this forecast, which {verdict}."
        )
    return said


def _jointly(evidence: Evidence) -> list[str]:
    found = evidence.found.joint
    if len(found) < 3:
        return []
    share = whole(float(found["percentile of draws"].loc["jointly"]) / 100.0)
    return [
        f"Taken together these {len(found) - 1} claims are farther from the centre of the "
        f"forecast than {share} of its own draws."
    ]


def _belief(evidence: Evidence) -> list[str]:
    done = evidence.beliefs[0].conditioning if evidence.beliefs else None
    if done is None:
        return []
    names = row_names(evidence.result.plan.scenario)
    top = shift_words(str(done.shifts.index[0]), float(done.shifts["shift"].iloc[0]), names)
    left = percent(1)(done.effective_draws / done.weights.size)
    return [
        f"To make {evidence.beliefs[0].label} the mean of the forecast costs "
        f"{fixed(2)(done.divergence)} nats and leaves {left} of the draws effective. What has to "
        f"move most is {top}."
    ]


def _drivers(evidence: Evidence) -> list[str]:
    found = evidence.groups
    if isinstance(found, str):
        return []
    share = found["value"].xs("shapley", level="measure").drop(REST).dropna()
    top = [f"{name} ({whole(float(x))})" for name, x in share.iloc[:3].items()]
    if not top:
        return []
    return [
        f"The uncertainty of {evidence.last} comes mostly from {', '.join(top)}, in shares of its "
        "variance."
    ]


def _shift(evidence: Evidence) -> list[str]:
    found = evidence.shift
    if isinstance(found, str):
        return []
    groups = found.groups["share"]
    largest = max((abs(shift) for shift in found.shifts.values()), default=0.0)
    verdict = "meets" if found.met else "does not meet"
    return [
        f"The least shift of our inputs that {verdict} {len(found.problem.claims)} claims moves "
        f"{len(found.shifts)} of them, none by more than {fixed(2)(largest)} standard deviations, "
        f"and costs {fixed(1)(found.nats)} nats, {whole(groups.iloc[0])} of them in "
        f"{groups.index[0]}."
    ]


def _between(evidence: Evidence) -> list[str]:
    found = evidence.between
    if isinstance(found, str):
        return []
    steps = found.steps()["adds"]
    blocks = steps.iloc[1:-1]
    top = blocks.loc[blocks.abs().sort_values(ascending=False).index[:2]]
    said = " and ".join(f"{fixed(0, sign=True)(x)} t from {name}" for name, x in top.items())
    return [
        f"From {gap(-steps.iloc[0])} in {found.names[0]} to {gap(-steps.iloc[-1])} in "
        f"{found.names[1]} (in {evidence.last}), what adds most to the deficit or takes most from "
        f"it is {said}."
    ]


def _record(evidence: Evidence) -> list[str]:
    inside, total = held(evidence)
    worse = lost(evidence)
    said = f", and lost to a simpler or a published forecast in {', '.join(worse)}" if worse else ""
    return [
        "How good such forecasts were: made again from past years with what was known then, the "
        f"model held {inside} of {total} outcomes between its P5 and P95{said}."
    ]
