"""A reproduction in words and plain tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reesupply.analysis.claims import current_claims
from reesupply.analysis.tables import heavy_mean

if TYPE_CHECKING:
    import pandas as pd

    from reesupply.analysis.reproduction import Reproduction
    from reesupply.result import Result

#: A claim between these percentiles is one that the untuned forecast does not contradict.
WITHIN = (5.0, 95.0)


def reproduction_text(found: Reproduction) -> str:
    """
    Say what was found, where the claims disagree, and what the answer rests on.

    Parameters
    ----------
    found : Reproduction
        A run beside the published claims.

    Returns
    -------
    str
        Plain text of at most 100 columns.
    """
    kind = "untuned" if found.result.weights is None else "conditioned"
    if found.result.plan.scenario.turned_knobs:
        kind = f"inputs shifted by knobs, {kind}"
    parts = [
        _head(found),
        _section(f"Published claims beside the {kind} forecast", claims_lines(found.claims)),
        _section("Where they disagree", verdicts(found)),
        _section("The outlooks of today jointly", joint_lines(found)),
        _section("What moves the deficit of the last year", _drivers(found)),
        _section("What changes the sign (deficit of the last year, t)", _switches(found.switches)),
        _section(
            "What is asked first (medians, t oxide/yr; a deficit is negative)", _outlook(found)
        ),
        _section("First year with a deficit above 2 % of demand", _first_year(found)),
        _section("From the first to the last balance (means, t oxide/yr)", _bridge(found.bridge)),
        _section("Supply by country of ore (means, t oxide/yr)", _countries(found)),
        _section("What this rests on", _basis(found)),
    ]
    return "\n\n".join(parts) + "\n"


def claims_lines(claims: pd.DataFrame) -> list[str]:
    """
    Write the table of claims.

    Parameters
    ----------
    claims : pandas.DataFrame
        `Reproduction.claims`.

    Returns
    -------
    list of str
        One line per claim and one per reading; the preferred reading is marked ``*``.
    """
    lines = [f"{'':38}{'claim':>9}{'our P5':>10}{'P50':>9}{'P95':>9}{'z':>8}   claim falls at"]
    for _, group in claims.groupby(level="claim", sort=False):
        first = group.iloc[0]
        lines += _wrap(f"{first['publisher']}: {first['said']}")
        for row in group.reset_index().to_dict(orient="records"):
            mark = "*" if row["preferred"] else " "
            numbers = [_number(row[c], row["unit"]) for c in ("value", "P5", "P50", "P95")]
            cells = f"{numbers[0]:>9}{numbers[1]:>10}{numbers[2]:>9}{numbers[3]:>9}"
            where = f"{_score(row['z']):>8}   {percentile_text(row['percentile'])}"
            lines.append(f"  {mark} {row['reading']:<34}{cells}{where}")
    lines += _wrap(
        "* the reading fixed before the run. z: how many of our standard deviations the claim lies "
        "above our mean; - where we have no spread."
    )
    return lines


def joint_lines(found: Reproduction) -> list[str]:
    """
    Say how far the outlooks of today lie from the forecast, each alone, given others, jointly.

    Parameters
    ----------
    found : Reproduction
        A run beside the published claims.

    Returns
    -------
    list of str
        A table, and sentences that say what it means.
    """
    joint = found.joint
    apart = [name for name in current_claims(found.result.plan.scenario) if name not in joint.index]
    left_out = _wrap(
        f"Left out, as the same in all draws or settled by the others: {', '.join(apart)}."
    )
    if joint.empty:
        return left_out if apart else ["There are none about years after the data date."]
    lines = [f"{'':34}{'z':>8}{'given others':>16}{'falls at':>14}{'given others':>16}"]
    for name, row in joint.drop(index="jointly").iterrows():
        cells = f"{_score(row['z']):>8}{_score(row['z given others']):>16}"
        places = (row["percentile"], row["percentile given others"])
        cells += "".join(
            f"{percentile_text(x) if x >= 0.0 else '?':>{width}}"
            for x, width in zip(places, (14, 16), strict=True)
        )
        lines.append(f"  {name!s:<32}{cells}")
    whole: Any = joint.loc["jointly"]
    squared, number = float(whole["distance2"]), int(whole["df"])
    nearer = whole["percentile of draws"]
    among = f"{nearer:.1f} % of our draws lie nearer to our mean" if nearer >= 0.0 else "?"
    lines += _wrap(
        f"Jointly their squared distance D2 from our mean (Mahalanobis) is {squared:.1f}; our own "
        f"draws have {number} on average. {among} ({whole['chi2 percentile']:.1f} % if all were "
        f"normal). Jointly the claims are {_verdict(float(nearer))}."
    )
    lines += _wrap(_agreed(found))
    lines += _wrap(
        "given others: by straight lines what is left of z once the other claims are known; at the "
        "right where the claim falls in draws weighed so that their means are what the others "
        "published (? where too few draws would be left). Each in its preferred reading."
    )
    return lines + left_out if apart else lines


def _agreed(found: Reproduction) -> str:
    """Say what it costs to believe all outlooks at once."""
    if found.agreed is None or found.agreed.calibration is None:
        return (
            "Weights that make all of them true in the mean do not exist, or leave too few draws."
        )
    done, draws = found.agreed.calibration, found.result.draws
    left = done.effective_draws
    return (
        "To believe all of them, to the errors of the table discrepancies, takes weights "
        f"{done.divergence:.2f} nats from even ones, which leave {left:,.0f} effective draws of "
        f"{draws:,} ({left / draws:.1%})."
    )


def _verdict(nearer: float) -> str:
    """Judge a joint distance as `verdicts` judges one claim."""
    if not nearer >= 0.0:
        return "not judged"
    return "at odds with our forecast" if nearer > WITHIN[1] else "not contradicted"


def _score(z: float) -> str:
    return f"{z:+z.2f}" if abs(z) >= 0.0 else "-"


def verdicts(found: Reproduction) -> list[str]:
    """
    Say for each claim, in its preferred reading, whether the untuned forecast contradicts it.

    Parameters
    ----------
    found : Reproduction
        A run beside the published claims.

    Returns
    -------
    list of str
        One sentence per claim.
    """
    lines = []
    claims = found.claims
    for claim, group in claims.groupby(level="claim", sort=False):
        own = group[group["preferred"]]
        row = (own if len(own) else group).iloc[0]
        value, middle = _number(row["value"], row["unit"]), _number(row["P50"], row["unit"])
        unit = f" {row['unit']}" if row["unit"] != "1" else ""
        where = percentile_text(row["percentile"])
        if WITHIN[0] <= row["percentile"] <= WITHIN[1]:
            verdict = f"not contradicted: {value}{unit} falls at {where}, our median is {middle}"
        else:
            side = "above" if row["percentile"] > WITHIN[1] else "below"
            verdict = f"disagrees: {value}{unit} lies {side} our P5-P95 ({where}, median {middle})"
        others = group[~group["preferred"]]
        agree = others["percentile"].between(*WITHIN).sum()
        if len(others):
            verdict += f"; other readings within P5-P95: {agree} of {len(others)}"
        lines += _wrap(f"{claim}: {verdict}.")
    return lines


def _fitted(result: Result) -> str:
    if result.conditioning is not None:
        return f"Conditioned on {result.conditioning.text}."
    if result.weights is not None:
        return "Conditioned: draws are weighted."
    return f"{result.plan.scenario.standing.capitalize()}."


def _head(found: Reproduction) -> str:
    result = found.result
    last, whole = result.plan.years[-1], result.all_elements
    low, middle, high = (
        -result.quantile("balance", q, year=last, element=whole) for q in (0.95, 0.5, 0.05)
    )
    chance = result.probability("balance", below=0.0, year=last, element=whole)
    lines = [
        *_wrap(f"{whole} balance to {last}: {result.plan.title}"),
        *_wrap(
            f"{result.draws:,} draws, seed {result.entropy}, "
            f"data of {result.plan.scenario.data_date}, "
            f"scenario {result.plan.hash[:12]}. {_fitted(result)}"
        ),
        "",
        *_wrap(
            f"Deficit of {last}, t oxide: P5 {low:z,.0f}, P50 {middle:z,.0f}, P95 {high:z,.0f} "
            f"(negative: surplus); probability of a deficit {chance:.0%}."
        ),
        *_wrap(_apart(found)),
    ]
    return "\n".join(lines)


def _apart(found: Reproduction) -> str:
    """Say what the sum of the elements hides."""
    result = found.result
    last = result.plan.years[-1]
    each = [
        f"{name} {-result.quantile('balance', 0.5, year=last, element=name):z,.0f} t (deficit in "
        f"{result.probability('balance', below=0.0, year=last, element=name):.0%} of draws)"
        for name in result.plan.elements
    ]
    return f"Apart, at the median: {', '.join(each)}."


def _drivers(found: Reproduction) -> list[str]:
    groups, inputs = found.groups, found.inputs
    lines = [
        f"  {format(share, '.0%') if share >= 0.0 else '?':>5}  {name}"
        for name, share in groups["share"].items()
    ]
    if groups["share"].isna().any():
        lines.append("?: too few draws for so many inputs.")
    top = inputs[inputs["group"] != "named factor"].iloc[0]
    factor = inputs[inputs["group"] == "named factor"].iloc[:1]
    lines += _wrap(
        f"The single input that moves it most is {top.name} (rank correlation "
        f"{top['correlation']:+.2f})"
        + (
            f", of the named factors {factor.index[0]} ({factor['correlation'].iloc[0]:+.2f})."
            if len(factor)
            else "."
        )
    )
    lines.append(
        "Shares of variance by straight lines in the group's inputs; shared factors overlap."
    )
    return lines


def _switches(table: pd.DataFrame) -> list[str]:
    lines = [f"{'':49}{'':14}{'P5':>8}{'P50':>8}{'P95':>8}   P(deficit)"]
    for row in table.reset_index().to_dict(orient="records"):
        cells = "".join(f"{row[c]:>z8,.0f}" for c in ("P5", "P50", "P95"))
        lines.append(f"{row['what']:<49}{row['case']:<14}{cells}   {row['P(deficit)']:.0%}")
    return lines


def _outlook(found: Reproduction) -> list[str]:
    table, elements = found.outlook, found.result.plan.elements
    names = {
        "demand": "demand",
        "balance": "balance",
        **{f"balance {e}": e for e in elements},
        "balance / demand": "% dem.",
        "ex-China balance, final use": "exCN use",
        "ex-China balance, magnet plants": "exCN mag",
        "surplus stock, weeks": "stock wk",
        "concentrate stock": "conc.",
        "P(deficit)": "P(def)",
    }
    lines = ["year" + "".join(f"{short:>9}" for short in names.values())]
    for year, row in table.iterrows():
        cells = [
            f"{row[name]:>z9.0%}"
            if name in ("balance / demand", "P(deficit)")
            else f"{row[name]:>z9,.0f}"
            for name in names
        ]
        lines.append(f"{year}" + "".join(cells))
    lines += _wrap(
        "exCN use, exCN mag: oxide separated and recycled outside China less what goods used "
        "there, or magnet plants there, need. stock wk: past surpluses in weeks of demand. conc.: "
        "concentrate that nobody could process. Both stocks are beside the balance, not in it."
    )
    return lines


def _first_year(found: Reproduction) -> list[str]:
    shares = found.first_deficit_year["probability"]
    return _wrap(", ".join(f"{year} {share:.0%}" for year, share in shares.items()))


def _bridge(table: pd.DataFrame) -> list[str]:
    return [
        f"  {step:<28}{row['change']:>+z9,.0f}   -> {row['running']:>+z9,.0f}"
        for step, row in table.iterrows()
    ]


def _countries(found: Reproduction) -> list[str]:
    table = found.supply_by_country
    shown, rest = table.iloc[:10], table.iloc[10:].sum()
    lines = [f"  {'':26}" + "".join(f"{year:>9}" for year in table.columns)]
    lines += [
        f"  {name:<26}" + "".join(f"{value:>z9,.0f}" for value in row)
        for name, row in zip(shown.index, shown.to_numpy(), strict=True)
    ]
    lines.append(f"  {'all others':<26}" + "".join(f"{value:>z9,.0f}" for value in rest))
    return lines


def _basis(found: Reproduction) -> list[str]:
    result = found.result
    last, whole = result.plan.years[-1], result.all_elements
    scales = ", ".join(
        f"{name} {middle:.2f}"
        for name, middle in zip(result.plan.elements, _factors(result), strict=True)
    )
    weak = low_confidence_share(found)
    supply = result.mean("mine_supply", year=last, element=whole, bloc="ex_china")
    return _wrap(
        f"{weak:.0%} of the {supply:z,.0f} t from mines outside China in {last} comes from rows of "
        f"low confidence. Bottom-up demand is scaled to supply less stock change of the base year "
        f"by (medians) {scales}. Basis gross; the deficit is the same on the net and primary "
        f"basis. Known projects without a published tonnage are left out: see the table left_out."
    )


def low_confidence_share(found: Reproduction) -> float:
    """
    Share of last-year supply from mines outside China that rests on rows of low confidence.

    Parameters
    ----------
    found : Reproduction
        A run.

    Returns
    -------
    float
        In means, 0 to 1.
    """
    plan = found.result.plan
    last = heavy_mean(found.result, "project.separated")[:, -1]
    rows = {row.id: row for row in plan.scenario.rows("projects")}
    outside = [
        (rows[n].confidence, t)
        for n, t in zip(plan.projects, last, strict=True)
        if _outside(rows[n])
    ]
    total = sum(tonnes for _, tonnes in outside)
    return sum(t for confidence, t in outside if confidence == "low") / total if total else 0.0


def _outside(row: Any) -> bool:
    return bool(row.kind == "mine" and row.bloc != "china")


def _factors(result: Result) -> list[float]:
    """Median factor of the base year by element."""
    names = result.plan.elements
    return [float(result.quantile("base_year_factor", 0.5, element=name)) for name in names]


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _number(value: float, unit: str) -> str:
    return f"{value:z.1%}" if unit == "1" else f"{value:z,.0f}"


def percentile_text(value: float) -> str:
    """Write the percentile (0 to 100) at which a claim falls, for example "P97.3"."""
    if value < 0.1:
        return "below P0.1"
    if value > 99.9:
        return "above P99.9"
    return f"P{value:.1f}"


def _wrap(text: str, width: int = 98) -> list[str]:
    from textwrap import wrap

    return wrap(text, width)
