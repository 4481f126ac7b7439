"""All that is needed to check the page and to repeat it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pandas as pd

from reesupply.report.page.names import shipped_name
from reesupply.report.page.parts import Column, Section, Words, fixed, percent, table
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Part, Table
    from reesupply.result import Result

#: What else has a part in the numbers or the charts, beside the versions of `Result.provenance`.
PACKAGES = ("pandas", "xarray", "statsmodels", "matplotlib", "jinja2")
#: Draws from which the error of P5 and P95 is known.
LEAST = 200


def sources(evidence: Evidence) -> Section:
    """
    Say where the numbers come from and under which licence they may be used.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    scenario = evidence.result.plan.scenario
    shipped = {row["id"]: row for row in open_csv("sources")}
    cited, others = (
        sorted({n for t in tables for row in scenario.rows(t) for n in row.source} & shipped.keys())
        for tables in (["targets"], [t for t in scenario.tables if t != "targets"])
    )
    others = [name for name in others if name not in cited]
    return Section(
        "sources",
        "Sources and licence",
        (
            Words(
                "Every input has a source or is marked as an assumption with its reason. The "
                "published figures belong to those named; the program and its tables are under the "
                "Apache License 2.0. This page may be copied and quoted with its date and the hash "
                "of its scenario."
            ),
            _sources(
                "sources-claims", "Sources of the published claims", [shipped[n] for n in cited]
            ),
            _sources(
                "sources-others",
                "Sources of the other inputs",
                [shipped[n] for n in others],
                f"Sources of the other inputs: {len(others)}",
            ),
        ),
    )


def _sources(name: str, caption: str, rows: Sequence[dict[str, str]], folded: str = "") -> Table:
    frame = pd.DataFrame(rows, columns=["id", "title", "publisher", "date", "url"])
    columns = {
        "id": Column("Name in the tables"),
        "title": Column("Title", link="url"),
        "publisher": Column("Publisher"),
        "date": Column("Date"),
    }
    return table(name, caption, frame.set_index("id"), columns, folded=folded)


def provenance(evidence: Evidence) -> Section:
    """
    List what is needed to repeat the run.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    result = evidence.result
    said = result.provenance
    versions = {**said["versions"], **{name: version(name) for name in PACKAGES}}
    facts = {
        "Scenario": said["scenario"],
        "Scenario hash (SHA-256)": said["scenario_hash"],
        "Issue of the data": said["vintage"],
        "Data as of": said["data_date"],
        "Cells changed from the baseline": f"{len(said['changes']):,}",
        "Uncertain inputs": f"{len(result.plan.inputs.names):,}",
        "Draws": f"{said['draws']:,}",
        "Seed": said["entropy"],
        "Design": said["design"],
        "Fitted to": "no claim",
        "Python": said["python"],
        **{f"Version of {name}": number for name, number in versions.items()},
        "Runs between scenarios, draws each": f"{evidence.effort.between:,}",
        "Forecasts of the past, draws each": f"{evidence.effort.hindcasts:,}",
        "Seed of the forecasts of the past": str(evidence.effort.seed),
        "Page written": evidence.date,
        "Repeat it": command(result),
    }
    frame = pd.DataFrame(list(facts.items()), columns=["what", "value"])
    columns = {"what": Column("What"), "value": Column("Value")}
    parts: list[Part] = [
        Words(
            "Two people with the same scenario hash, seed, number of draws and versions get the "
            "same numbers, and the same page but for its date."
        ),
        table(
            "facts",
            "What this page rests on",
            frame,
            columns,
        ),
        *_precision(result),
    ]
    if said["changes"]:
        changes = pd.DataFrame({"change": [str(each) for each in said["changes"]]})
        parts.append(
            table("changes", "What differs from the baseline", changes, {"change": Column("Cell")})
        )
    return Section("provenance", "Provenance", tuple(parts))


def _precision(result: Result) -> list[Part]:
    """Say how far the random draws move the headline numbers."""
    if result.draws < LEAST:
        return [Words(f"Fewer than {LEAST:,} draws: their own error is not known.", note=True)]
    frame = result.precision(of=["balance"]).reset_index()
    columns = {
        "quantity": Column("Quantity"),
        "statistic": Column("Statistic"),
        "value": Column("Value, t", fixed(1)),
        "half_width": Column("95 % error, t", fixed(1)),
        "share_of_range": Column("Share of P5 to P95", percent(2)),
    }
    caption = "Monte Carlo error: how far another seed would move the balance"
    return [table("precision", caption, frame, columns)]


def command(result: Result) -> str:
    """
    Write the command that repeats a page.

    Parameters
    ----------
    result : Result
        Its run.

    Returns
    -------
    str
        For the command line, or for Python where the run has a design that the former has not.
    """
    name = shipped_name(result.plan.hash)
    if result.design == "random":
        given = name or "SCENARIO.toml"
        return f"reesupply report {given} --draws {result.draws} --seed {result.entropy}"
    given = f'"{name}"' if name else "scenario"
    run = f'{given}, draws={result.draws}, rng={result.entropy}, design="{result.design}"'
    return f"rs.Reproduction(rs.simulate({run})).report(path)"
