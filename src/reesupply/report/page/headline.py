"""The top of the page: what was found, in words, and what it rests on in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from reesupply.analysis.sensitivity.door import REST
from reesupply.report.page.charts import gap
from reesupply.report.page.evidence import short
from reesupply.report.page.parts import Points, Section, Tile, Tiles, Words, fixed, percent, tonnes
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
    said = (_elements, _claims, _jointly, _belief, _drivers, _record)
    sentences = [text for each in said if (text := each(evidence))]
    return Section("headline", "What was found", (*parts, Points(tuple(sentences))))


def _answer(evidence: Evidence) -> str:
    result, last = evidence.result, evidence.last
    name = result.all_elements
    low, middle, high = (
        result.quantile("balance", q, year=last, element=name) for q in (0.05, 0.5, 0.95)
    )
    chance = result.probability("balance", below=0.0, year=last, element=name)
    return (
        f"In {last} the world supply of {name} oxide falls short of demand in {whole(chance)} of "
        f"{result.draws:,} simulated futures. The median is {gap(middle)}; nine in ten futures "
        f"lie between {gap(low)} and {gap(high)}. Nothing was fitted to a published claim."
    )


def _tiles(evidence: Evidence) -> list[Tile]:
    result, last, claim = evidence.result, evidence.last, evidence.deficit
    name = result.all_elements
    low, middle, high = (
        result.quantile("balance", q, year=last, element=name) for q in (0.05, 0.5, 0.95)
    )
    chance = result.probability("balance", below=0.0, year=last, element=name)
    once = result.deficit_probability(year="any", element=name, tolerance=0.02)
    tiles = [
        Tile(
            f"Balance {last}, median",
            f"{tonnes(middle)} t",
            f"P5 {tonnes(low)} t, P95 {tonnes(high)} t; negative is a deficit",
        ),
        Tile(
            f"Chance of a deficit, {last}",
            whole(chance),
            f"above 2 % of demand in some year to {last}: {whole(float(once))}",
        ),
    ]
    if claim is not None:
        row = evidence.found.claims.loc[tuple(claim.name.split(".", 1))]
        z = "" if pd.isna(row["z"]) else f", z = {fixed(2, sign=True)(row['z'])}"
        tiles.append(
            Tile(
                short(claim),
                percentile_text(row["percentile"]),
                f"where the claim falls in this forecast{z}",
            )
        )
        tiles += _cost(evidence)
    return tiles


def _cost(evidence: Evidence) -> list[Tile]:
    belief = evidence.beliefs[0]
    done = belief.conditioning
    if done is None:
        return [Tile(f"To believe {belief.claims[0].publisher}", "refused", "see below")]
    share = done.effective_draws / done.weights.size
    return [
        Tile(
            f"To believe {belief.claims[0].publisher}",
            f"{fixed(1)(done.divergence)} nats",
            f"{percent(1)(share)} of the draws carry the claim",
        )
    ]


def _elements(evidence: Evidence) -> str:
    result, last = evidence.result, evidence.last
    if len(result.plan.elements) < 2:
        return ""
    each = [
        f"{name} {gap(result.quantile('balance', 0.5, year=last, element=name))} at the median, "
        "a deficit in "
        + whole(float(result.probability("balance", below=0.0, year=last, element=name)))
        for name in result.plan.elements
    ]
    return f"One by one in {last}: {'; '.join(each)} of futures."


def _claims(evidence: Evidence) -> str:
    table = evidence.found.claims
    said = []
    for claim in evidence.claims:
        row = table.loc[tuple(claim.name.split(".", 1))]
        inside = WITHIN[0] <= row["percentile"] <= WITHIN[1]
        verdict = "within" if inside else "outside"
        said.append(
            f"{short(claim)} falls at {percentile_text(row['percentile'])}, {verdict} P5 to P95"
        )
    return f"Published claims in the reading fixed before the run: {'; '.join(said)}." * bool(said)


def _jointly(evidence: Evidence) -> str:
    found = evidence.distance
    if isinstance(found, str) or len(found) < 3:
        return ""
    row = found.loc["jointly"]
    return (
        f"Taken together these {len(found) - 1} claims are farther from the centre of the "
        f"forecast than {whole(row['percentile of draws'] / 100.0)} of its own draws."
    )


def _belief(evidence: Evidence) -> str:
    if not evidence.beliefs or evidence.beliefs[0].conditioning is None:
        return ""
    belief, done = evidence.beliefs[0], evidence.beliefs[0].conditioning
    top = done.shifts.iloc[0]
    left = done.effective_draws / done.weights.size
    return (
        f"To make {belief.label} the mean of the forecast costs {fixed(2)(done.divergence)} nats "
        f"and leaves {percent(1)(left)} of the draws effective; the input that has to move most "
        f"is {done.shifts.index[0]} ({fixed(2, sign=True)(top['shift'])} standard deviations)."
    )


def _drivers(evidence: Evidence) -> str:
    found = evidence.groups
    if isinstance(found, str):
        return ""
    share = found["value"].xs("shapley", level="measure").drop(REST).dropna()
    if not len(share):
        return ""
    top = [f"{name} ({whole(float(x))})" for name, x in share.iloc[:3].items()]
    return f"What moves the balance of {evidence.last} most, as shares of its variance: " + (
        f"{', '.join(top)}."
    )


def _record(evidence: Evidence) -> str:
    past = evidence.pipeline_of_2012
    inside, total = past.coverage()
    return (
        f"How good such forecasts were: the project pipeline of {past.vintage:.0f}, given only what "
        f"was known then, held {inside} of {total} outcomes of {_years(past.scored)} between its "
        "P5 and P95."
    )


def _years(years: tuple[int, ...]) -> str:
    return " and ".join(map(str, years))
