"""The report in words: its lines fit, its numbers are those of the tables."""

from __future__ import annotations

import copy
import re
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import reesupply as rs
from reesupply.engine.variables import DATA
from reesupply.report.page import headline
from reesupply.report.text import claims_lines, joint_lines, low_confidence_share, verdicts

SECTIONS = (
    "Published claims beside the untuned forecast",
    "Where they disagree",
    "The outlooks of today jointly",
    "What moves the deficit of the last year",
    "What changes the sign (deficit of the last year, t)",
    "What is asked first (medians, t oxide/yr; a deficit is negative)",
    "First year with a deficit above 2 % of demand",
    "From the first to the last balance (means, t oxide/yr)",
    "Supply by country of ore (means, t oxide/yr)",
    "What this rests on",
)


@pytest.fixture(scope="module")
def found() -> rs.Reproduction:
    """A small reproduction that kept what it would need under weights."""
    keep = (*DATA, "inputs", "claims", "end_use.demand", "project.separated")
    return rs.Reproduction(rs.simulate(draws=1024, rng=1, keep=keep))


@pytest.fixture(scope="module")
def text(found: rs.Reproduction) -> str:
    """Its text."""
    return found.text()


def section(text: str, title: str) -> list[str]:
    """Lines below a title, up to the next empty line."""
    lines = text.split("\n")
    first = lines.index(title) + 2
    return lines[first : lines.index("", first)]


def with_claims(found: rs.Reproduction, claims: Any) -> rs.Reproduction:
    """The same reproduction with another table of claims."""
    other = rs.Reproduction(found.result)
    other.__dict__["claims"] = claims
    return other


def made_up(percentile: float, *others: float) -> pd.DataFrame:
    """One claim whose preferred reading falls at a percentile, with other readings."""
    rows = [
        {
            "claim": "someone-2035",
            "reading": f"reading-{number}",
            "preferred": number == 0,
            "publisher": "Someone",
            "said": "1,000 t",
            "year": 2035,
            "value": 1000.0,
            "unit": "t oxide/yr",
            "P5": 1.0,
            "P50": 2.0,
            "P95": 3.0,
            "percentile": at,
            "z": 1.5,
        }
        for number, at in enumerate((percentile, *others))
    ]
    return pd.DataFrame(rows).set_index(["claim", "reading"])


# --------------------------------------------------------------------------------- layout


@pytest.mark.parametrize("name", rs.list_scenarios())
def test_lines_fit(name: str) -> None:
    """At most 100 columns, no blanks at the end of a line, no zero with a minus sign, no nan."""
    text = rs.reproduce(name, draws=512, rng=1).text()
    assert text.endswith("\n")
    for line in text.split("\n"):
        assert len(line) <= 100, line
        assert not re.search(r"-0(?![\d.,])|\bnan\b|\binf\b", line), line


def test_sections(text: str) -> None:
    """Every section is there once, in order, and none is empty."""
    lines = text.split("\n")
    at = [lines.index(title) for title in SECTIONS]
    assert at == sorted(at)
    for title in SECTIONS:
        assert lines.count(title) == 1
        assert lines[lines.index(title) + 1] == "-" * len(title)
        assert section(text, title)


def test_it_says_what_it_is(found: rs.Reproduction, text: str) -> None:
    """Title, draws, seed, date of the data and hash stand above everything."""
    head = text.split("\n\n", maxsplit=1)[0]
    result = found.result
    for each in (
        "Dy+Tb balance to 2035",
        result.plan.title,
        "1,024 draws",
        f"seed {result.entropy}",
        result.plan.scenario.data_date,
        result.plan.hash[:12],
        "Fitted to no claim.",
    ):
        assert each in head


def test_a_run_with_shifted_inputs_is_not_said_to_be_untuned() -> None:
    """What one would have to believe is no forecast: text, page and way to it say so."""
    shifted = rs.simulate("cru-consistent", draws=512, rng=1)
    head = rs.Reproduction(shifted).text().split("\n\n", maxsplit=1)[0]
    assert "Inputs shifted by knobs." in head
    assert "Fitted to no claim." not in head

    said = headline._standing(cast("Any", SimpleNamespace(result=shifted)))
    assert "no forecast" in said
    plain = rs.simulate(draws=64, rng=1)
    assert headline._standing(cast("Any", SimpleNamespace(result=plain))).startswith("Nothing")
    way = rs.decompose("baseline", "cru-consistent", blocks={"inputs": ["knob*"]}, draws=64)
    both = "Baseline fitted to no claim, cru-consistent inputs shifted by knobs."
    assert both in " ".join(way.text().split())


def test_few_draws_say_so() -> None:
    """Where there are too few draws for the drivers the text says that, and nothing breaks."""
    for draws in (1, 30):
        text = rs.reproduce(draws=draws, rng=1, workers=1).text()
        assert "too few draws" in text
        assert "nan" not in text


# -------------------------------------------------------------------------------- numbers


def test_the_headline(found: rs.Reproduction, text: str) -> None:
    """The deficit of the head is the negative of the balance; the chance that of the outlook."""
    deficit = -found.result.values("balance", year=2035, element="Dy+Tb")
    low, middle, high = np.quantile(deficit, [0.05, 0.5, 0.95])
    words = " ".join(text.split())
    assert f"P5 {low:,.0f}, P50 {middle:,.0f}, P95 {high:,.0f}" in words
    assert f"probability of a deficit {(deficit > 0.0).mean():.0%}" in words


def test_numbers_of_claims(found: rs.Reproduction, text: str) -> None:
    """Each reading has its line, with value, P5, P50 and P95 of the table."""
    lines = section(text, SECTIONS[0])
    rows = found.claims.reset_index().to_dict(orient="records")
    readings = [line for line in lines if re.match(r"  [* ] [a-z]", line)]
    assert len(readings) == len(rows)
    for line, row in zip(readings, rows, strict=True):
        assert line.split()[0] == ("*" if row["preferred"] else row["reading"])
        shown = "{:.1%}" if row["unit"] == "1" else "{:,.0f}"
        cells = [shown.format(row[name]) for name in ("value", "P5", "P50", "P95")]
        numbers = re.findall(r"(?<=\s)-?[\d,]+(?:\.\d)?%?(?=\s)", line)
        assert numbers == [re.sub(r"^-(0(\.0)?%?)$", r"\1", cell) for cell in cells]
    for row in rows:
        assert f"{row['publisher']}: {row['said']}" in lines


def test_numbers_of_other_sections(found: rs.Reproduction, text: str) -> None:
    """Outlook, switches, bridge and countries show the rounded cells of their tables."""
    last: Any = found.outlook.loc[2035]
    line = next(each for each in section(text, SECTIONS[5]) if each.startswith("2035"))
    assert line.split()[1:5] == [
        f"{last[name]:z,.0f}" for name in ("demand", "balance", "balance Dy", "balance Tb")
    ]
    assert line.split()[-1] == f"{last['P(deficit)']:.0%}"
    scope: Any = found.switches.loc[("scope of the 2024 survey", "ore only")]
    line = next(each for each in section(text, SECTIONS[4]) if "ore only" in each)
    assert line.split()[-3:] == [f"{scope[n]:z,.0f}" for n in ("P50", "P95")] + [
        f"{scope['P(deficit)']:.0%}"
    ]
    lines = section(text, SECTIONS[4])[2:]
    for (what, case), line in zip(found.switches.index[1:], lines, strict=True):
        assert re.match(rf"{re.escape(what)} +{re.escape(case)} +", line), line
    steps = section(text, SECTIONS[7])
    assert len(steps) == len(found.bridge)
    for line, value in zip(steps, found.bridge["running"], strict=True):
        assert line.endswith(f"{value:+z,.0f}")
    china: Any = found.supply_by_country.loc["China"]
    line = next(each for each in section(text, SECTIONS[8]) if each.strip().startswith("China"))
    assert line.split()[1:] == [f"{value:z,.0f}" for value in china]


def test_countries_add_up(found: rs.Reproduction, text: str) -> None:
    """The countries shown and the others are all of mine supply, but for rounding."""
    rows = [line.split() for line in section(text, SECTIONS[8])[1:]]
    total = sum(float(row[-1].replace(",", "")) for row in rows)
    expected = found.result.mean("mine_supply", year=2035, element="Dy+Tb", bloc="world")
    assert total == pytest.approx(expected, abs=0.5 * len(rows) + 0.5)


def test_first_years_are_all_there(text: str) -> None:
    """Every year after the base year, and none, with shares that make up the whole."""
    words = " ".join(section(text, SECTIONS[6]))
    shares = re.findall(r"(\d{4}|none) (\d+)%", words)
    assert [label for label, _ in shares] == [*(str(y) for y in range(2025, 2036)), "none"]
    assert sum(int(share) for _, share in shares) == pytest.approx(100, abs=6)


def test_low_confidence_share(found: rs.Reproduction, text: str) -> None:
    """The share of last-year supply from low-confidence rows, next to the tonnage it is of."""
    rows = {row.id: row for row in found.result.plan.scenario.rows("projects")}
    low = total = 0.0
    for name, tonnes in zip(
        found.result.plan.projects,
        found.result.arrays["project.separated"][:, :, -1].sum(axis=1).mean(axis=-1),
        strict=True,
    ):
        if rows[name].kind == "mine" and rows[name].bloc == "ex_china":
            total += tonnes
            low += tonnes if rows[name].confidence == "low" else 0.0
    share = low_confidence_share(found)
    assert share == pytest.approx(low / total, rel=1e-9)
    words = " ".join(section(text + "\n", SECTIONS[9]))
    assert words.startswith(f"{share:.0%} of the {total:,.0f} t from mines outside China in 2035")


def test_the_strongest_input_is_named(found: rs.Reproduction, text: str) -> None:
    """The single strongest input is the first of the table that is no named factor."""
    table = found.inputs
    top = table[table["group"] != "named factor"].index[0]
    assert top in " ".join(section(text, SECTIONS[3]))


def test_text_under_weights(found: rs.Reproduction) -> None:
    """Every number of the text uses the weights of the result."""
    result = copy.copy(found.result)
    raw = np.exp(-result.values("balance", year=2035, element="Dy+Tb") / 1000.0)
    result.weights = raw / raw.sum()
    weighted = rs.Reproduction(result)
    words = " ".join(weighted.text().split())
    factor = result.quantile("base_year_factor", 0.5, element="Dy")
    assert f"(medians) Dy {factor:.2f}" in words
    chance = result.probability("balance", below=0.0, year=2035, element="Dy+Tb")
    assert f"probability of a deficit {chance:.0%}" in words
    supply = result.mean("mine_supply", year=2035, element="Dy+Tb", bloc="ex_china")
    assert f"of the {supply:,.0f} t from mines outside China" in words


# -------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("percentile", "words"),
    [
        (50.0, "not contradicted: 1,000 t oxide/yr falls at P50.0, our median is 2"),
        (5.0, "not contradicted"),
        (95.0, "not contradicted"),
        (4.9, "disagrees: 1,000 t oxide/yr lies below our P5-P95 (P4.9, median 2)"),
        (95.1, "disagrees: 1,000 t oxide/yr lies above our P5-P95 (P95.1, median 2)"),
        (0.0, "below our P5-P95 (below P0.1"),
        (100.0, "above our P5-P95 (above P99.9"),
    ],
)
def test_words_of_a_verdict(found: rs.Reproduction, percentile: float, words: str) -> None:
    """Within P5 to P95 a claim is not contradicted, outside it disagrees, and on which side."""
    lines = verdicts(with_claims(found, made_up(percentile)))
    sentence = " ".join(lines)
    assert sentence.startswith("someone-2035: ")
    assert words in sentence
    assert "other readings" not in sentence


def test_a_verdict_counts_other_readings(found: rs.Reproduction) -> None:
    """The preferred reading decides; the others are counted beside it."""
    sentence = " ".join(verdicts(with_claims(found, made_up(99.0, 50.0, 96.0, 5.0))))
    assert "disagrees" in sentence
    assert "other readings within P5-P95: 2 of 3" in sentence


def test_every_claim_has_a_verdict(found: rs.Reproduction, text: str) -> None:
    """One verdict per claim, and it agrees with the percentile in the table."""
    words = " ".join(section(text, SECTIONS[1]))
    preferred = found.claims[found.claims["preferred"]].reset_index()
    for row in preferred.to_dict(orient="records"):
        inside = 5.0 <= row["percentile"] <= 95.0
        assert f"{row['claim']}: {'not contradicted' if inside else 'disagrees'}" in words


def test_lines_of_a_share() -> None:
    """Shares are printed as per cent, tonnes as whole numbers."""
    claims = made_up(50.0).assign(unit="1", value=0.29, P5=0.1, P50=-0.0001, P95=0.5)
    line = claims_lines(claims)[2]
    assert re.findall(r"-?[\d.]+%", line) == ["29.0%", "10.0%", "0.0%", "50.0%"]
    assert line.startswith("  * reading-0")


# -------------------------------------------------------------------------------- jointly


def test_lines_of_a_score() -> None:
    """How many standard deviations a claim is off, and a dash where there is no spread."""
    line = claims_lines(made_up(50.0))[2]
    assert line.split()[-2:] == ["+1.50", "P50.0"]
    line = claims_lines(made_up(50.0).assign(z=np.nan))[2]
    assert line.split()[-2:] == ["-", "P50.0"]


def test_numbers_of_the_joint_distance(found: rs.Reproduction, text: str) -> None:
    """Each outlook has its line; the sentence has D2 and both percentiles of the table."""
    joint: Any = found.joint
    lines = section(text, "The outlooks of today jointly")
    names = [name for name in joint.index if name != "jointly"]
    assert len(names) >= 2
    for name in names:
        line = next(each for each in lines if each.split()[0] == name)
        z, given = joint.loc[name, "z"], joint.loc[name, "z given others"]
        assert line.split()[1:3] == [f"{z:+.2f}", f"{given:+.2f}"]
        assert line.split()[3] == f"P{joint.loc[name, 'percentile']:.1f}"
    words, whole = " ".join(lines), joint.loc["jointly"]
    assert f"is {whole['distance2']:.1f}; our own draws have {len(names)} on average" in words
    assert f"{whole['percentile of draws']:.1f} % of our draws" in words
    assert f"{whole['chi2 percentile']:.1f} % if all were normal" in words
    assert "Left out" not in words


def test_what_cannot_be_judged_is_named() -> None:
    """Outlooks without a spread of ours are left out by name; with one draw all of them are."""
    alone = rs.Reproduction(rs.simulate(draws=1, rng=1))
    words = " ".join(joint_lines(alone))
    assert words.startswith("Left out")
    assert "cru-deficit-2035.annual" in words
    assert alone.joint.empty
    early = rs.load_scenario().replace({"settings.last_year.value": "2026"})
    none = rs.Reproduction(rs.simulate(early, draws=64, rng=1))
    assert joint_lines(none) == ["There are none about years after the data date."]


@pytest.mark.parametrize(
    ("nearer", "words"), [(95.0, "not contradicted"), (95.1, "at odds"), (np.nan, "not judged")]
)
def test_the_joint_verdict(found: rs.Reproduction, nearer: float, words: str) -> None:
    """As for one claim, beyond 95 of 100 draws they are at odds with the forecast."""
    other = rs.Reproduction(found.result)
    joint = found.joint.copy()
    joint.loc["jointly", "percentile of draws"] = nearer
    other.__dict__["joint"] = joint
    assert words in " ".join(joint_lines(other))
