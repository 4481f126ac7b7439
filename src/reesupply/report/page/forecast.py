"""The forecast beside the published claims, year by year, and step by step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from reesupply.engine.joint import TOLERANCE
from reesupply.plots.bridge import draw as bridge_chart
from reesupply.report.page.between import between_parts
from reesupply.report.page.charts import figure, gap
from reesupply.report.page.parts import (
    Column,
    Points,
    Section,
    Words,
    amount,
    fixed,
    percent,
    table,
    tonnes,
)
from reesupply.report.text import percentile_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Figure, Part, Table


def claims(evidence: Evidence) -> Section:
    """
    Set every published claim beside the forecast, in each of its readings and jointly.

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
            "Each claim is read in every way its words allow. The reading in bold was fixed "
            "before the run. The percentile says where the published value falls among our own "
            "draws: near P50 we agree, below P5 or above P95 we do not. z is its distance from "
            "our mean in standard deviations."
        ),
        *_claims_tables(evidence),
        Words(
            "Mean if believed: our mean under weights that bring it to the outlooks of today, all "
            "at once and as near as such outlooks are to each other; a dash where too few draws "
            "would carry them. Why a reading is the preferred one:",
            note=True,
        ),
        Points(tuple(_reasons(evidence))),
        *_joint(evidence),
        *_claims_figures(evidence),
    ]
    turned = evidence.result.plan.scenario.turned_knobs
    kind = "a run whose inputs are shifted" if turned else "the untuned forecast"
    return Section("claims", f"Published claims beside {kind}", tuple(parts))


def _claims_tables(evidence: Evidence) -> list[Table]:
    """One table for each unit, so that a column can be sorted."""
    found = evidence.found.claims
    tables = []
    for unit, group in found.groupby("unit", sort=False):
        frame = group.reset_index()
        frame["reading"] = [
            f"{text.replace('-', ' ')}{' (preferred)' if own else ''}"
            for text, own in zip(frame["reading"], frame["preferred"], strict=True)
        ]
        frame["said"] = [
            f"{publisher}: {said}"
            for publisher, said in zip(frame["publisher"], frame["said"], strict=True)
        ]
        write = _writer(str(unit))
        columns = {
            "said": Column("Claim"),
            "reading": Column("Reading"),
            "year": Column("Year", lambda year: f"{year:.0f}"),
            "value": Column("Published", write),
            "P5": Column("P5", write),
            "P50": Column("P50", write),
            "P95": Column("P95", write),
            "percentile": Column("Claim falls at", percentile_text),
            "z": Column("z", fixed(2, sign=True)),
            "conditioned": Column("Mean if believed", write),
        }
        kind = "shares" if unit == "1" else str(unit)
        name = "claims-" + "-".join(kind.replace("/", " ").split())
        caption = f"Published claims in {kind}" if unit != "1" else "Published claims, shares"
        tables.append(table(name, caption, frame, columns, marked=list(frame["preferred"])))
    return tables


def _reasons(evidence: Evidence) -> list[str]:
    """Say of each claim with several readings why one was preferred."""
    found = evidence.found.claims.reset_index()
    several = found["claim"].duplicated(keep=False) & found["preferred"]
    said = [
        f"{row['publisher']}, {row['year']}, {row['reading'].replace('-', ' ')}: {row['why']}"
        for row in found[several].to_dict(orient="records")
    ]
    return list(dict.fromkeys(said))  # both ends of one range have one reason


def _writer(unit: str) -> Callable[[float], str]:
    return lambda value: amount(value, unit)


def _joint(evidence: Evidence) -> list[Part]:
    found = evidence.found.joint
    if found.empty:
        return []
    names = {claim.name: f"{claim.publisher}: {claim.said}" for claim in evidence.claims}
    frame = found.rename(index=names)
    share = ("chi2 percentile", "percentile of draws")
    frame[[*share]] /= 100.0
    columns = {
        "claim": Column("Claim"),
        "z": Column("z", fixed(2, sign=True)),
        "z given others": Column("z given the others", fixed(2, sign=True)),
        "percentile given others": Column("Falls at, given the others", percentile_text),
        "distance2": Column("Distance squared", fixed(2)),
        "df": Column("Degrees of freedom", fixed(0)),
        "chi2 percentile": Column("Nearer, if normal", percent(1)),
        "percentile of draws": Column("Nearer, of our draws", percent(1)),
    }
    marked = [name == "jointly" for name in frame.index]
    return [
        table(
            "joint", "How far the claims are, one by one and jointly", frame, columns, marked=marked
        ),
        Words(
            "Distance squared is z squared of one claim, and Mahalanobis' distance of all of them "
            "jointly, which counts what they have in common once. The last two columns say which "
            "share of futures lies nearer to the centre of the forecast than the claims do.",
            note=True,
        ),
    ]


def _claims_figures(evidence: Evidence) -> list[Figure]:
    units = dict.fromkeys(claim.unit for claim in evidence.result.plan.claims)
    words = {"1": "shares", "t oxide/yr": "tonnes of oxide a year", "t oxide": "tonnes of oxide"}
    found = evidence.found.claims
    return [
        figure(
            f"figure-claims-{number}",
            partial(evidence.result.plot.claims, unit),
            alt=(
                f"Dot chart of {int((found['unit'] == unit).sum())} readings of published claims "
                f"in {words.get(unit, unit)}: P5 to P95 and median of the forecast, and the "
                "published value. The numbers are in the table above."
            ),
            caption=(
                f"Published claims in {words.get(unit, unit)}: a diamond inside its bar is a claim "
                "that the forecast does not contradict."
            ),
        )
        for number, unit in enumerate(units, start=1)
        if (found["unit"] == unit).sum() > 1
    ]


def balance(evidence: Evidence) -> Section:
    """
    Show the balance and the chance of a deficit by year.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    result, whole = evidence.result, evidence.result.all_elements
    years = result.plan.years
    start = float(result.quantile("balance", 0.5, year=years[0], element=whole))
    end = evidence.outcome
    fan = figure(
        "figure-balance",
        lambda ax: result.plot.balance(ax=ax),
        alt=(
            f"Fan chart of the world balance of {whole} oxide. The median goes from "
            f"{gap(start)} in {years[0]} to {gap(end.middle)} in {years[-1]}; P5 to P95 in "
            f"{years[-1]} is from {gap(end.low)} to {gap(end.high)}."
        ),
        caption=(
            "The world balance: half of all futures lie in the dark band, nine in ten in the light "
            "one. Diamonds are what others published."
        ),
        narrow=4.2,
    )
    return Section(
        "balance",
        f"The balance, {years[0]} to {years[-1]}",
        (
            fan,
            _years(evidence),
            Words(
                "First deficit: the chance that this is the first year with a gap above "
                f"{percent(0)(TOLERANCE)} of demand. The stock change of {years[0]} is given, so "
                "that year does not count. The balance is at the reference price: it is the gap "
                "that prices, stocks and substitution would have to close.",
                note=True,
            ),
        ),
    )


def _years(evidence: Evidence) -> Table:
    result, whole = evidence.result, evidence.result.all_elements
    years = list(result.plan.years)
    frame = pd.DataFrame(
        {name: result.quantile("balance", q, element=whole) for name, q in _LEVELS.items()},
        index=pd.Index(years, name="year"),
    )
    frame["any"] = [float(result.deficit_probability(year=y, element=whole)) for y in years]
    frame["large"] = [
        float(result.deficit_probability(year=y, element=whole, tolerance=TOLERANCE)) for y in years
    ]
    first = evidence.found.first_deficit_year["probability"]
    frame["first"] = [float(first.get(year, float("nan"))) for year in years]
    columns = {
        "year": Column("Year", lambda year: f"{year:.0f}"),
        **{name: Column(name, tonnes) for name in _LEVELS},
        "any": Column("Any deficit", percent(1), bar=True),
        "large": Column(f"Above {percent(0)(TOLERANCE)} of demand", percent(1), bar=True),
        "first": Column("First deficit", percent(1), bar=True),
    }
    caption = f"Balance of {whole} (t oxide/yr; negative is a deficit) and chance of a deficit"
    return table("years", caption, frame, columns)


_LEVELS = {"P5": 0.05, "P50": 0.5, "P95": 0.95}


def waterfall(evidence: Evidence) -> Section:
    """
    Go from the balance of the base year to that of the last, step by step.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    result = evidence.result
    first, last = result.plan.years[0], result.plan.years[-1]
    frame = evidence.found.bridge
    steps = frame["change"].iloc[1:-1]
    down, up = str(steps.idxmin()), str(steps.idxmax())
    chart = figure(
        "figure-waterfall",
        lambda ax: bridge_chart(
            result,
            frame,
            f"World balance of {result.all_elements} oxide, {first} to {last}, step by step",
            ["Means, which add up. A step to the left makes the deficit larger."],
            ax,
        ),
        alt=(
            f"Waterfall of the mean balance from {gap(frame['change'].iloc[0])} in {first} to "
            f"{gap(frame['change'].iloc[-1])} in {last}. The largest step down is {down} "
            f"({fixed(0, sign=True)(steps[down])} t), the largest up {up} "
            f"({fixed(0, sign=True)(steps[up])} t)."
        ),
        caption=f"From the balance of {first} to that of {last}, in means, which add up.",
    )
    columns = {
        "step": Column("Step"),
        "change": Column("Change", fixed(0, sign=True)),
        "running": Column("Balance after it", tonnes),
    }
    marked = [number in (0, len(frame) - 1) for number in range(len(frame))]
    caption = f"Steps from {first} to {last} (means, t oxide/yr)"
    return Section(
        "waterfall",
        f"What changes the balance, {first} to {last}",
        (
            chart,
            table("steps", caption, frame, columns, marked=marked),
            *between_parts(evidence),
        ),
    )
