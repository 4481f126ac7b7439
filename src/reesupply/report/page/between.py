"""From our scenario to a consultancy's: which assumptions put the tonnes between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.report.page.charts import figure
from reesupply.report.page.parts import Column, Heading, Words, fixed, table, tonnes

if TYPE_CHECKING:
    from reesupply.analysis.decompose import Decomposition
    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Part, Table

signed = fixed(0, sign=True)


def between_parts(evidence: Evidence) -> list[Part]:
    """
    Show the waterfall from this scenario to the other.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    list of Part
    """
    found = evidence.between
    if isinstance(found, str):
        return [Words(f"No way to another scenario: {found}.", note=True)]
    first, second = found.names
    steps = found.steps()["adds"]
    blocks = steps.iloc[1:-1]
    largest = str(blocks.abs().idxmax())
    return [
        Heading("scenarios", f"From {first} to {second}"),
        figure(
            "figure-between",
            lambda ax: found.plot(ax=ax),
            alt=(
                f"Waterfall from the deficit of {tonnes(steps.iloc[0])} t in {first} to "
                f"{tonnes(steps.iloc[-1])} t in {second}; the largest step is {largest} with "
                f"{signed(blocks[largest])} t. The numbers are in the table below."
            ),
            caption=(
                f"From {first} to {second}, the deficit of {evidence.last}: what each block of "
                "assumptions adds, as the mean over all orders of switching them."
            ),
        ),
        _steps(found),
        _books(found),
        Words(
            "Positive adds to the deficit. Least and most are over the orders of switching: where "
            "they are far apart, what a block adds hangs on the others. A level of the base year "
            "is carried on by the growth since, and the two share their part's difference by the "
            "logarithmic mean.",
            note=True,
        ),
    ]


def _steps(found: Decomposition) -> Table:
    frame = found.over_time().join(found.steps()[["least", "most", "error"]])
    years = list(frame.columns[:2])
    columns = {
        "step": Column("Assumptions"),
        **{year: Column(year, signed) for year in years},
        "change": Column("Change", signed),
        "least": Column(f"Least {years[1]}", signed),
        "most": Column(f"Most {years[1]}", signed),
        "error": Column("Monte Carlo error", fixed(0)),
    }
    marked = [number in (0, len(frame) - 1) for number in range(len(frame))]
    caption = f"Deficit from {found.names[0]} to {found.names[1]} (t oxide/yr)"
    return table("between", caption, frame, columns, marked=marked)


def _books(found: Decomposition) -> Table:
    frame = found.parts().reset_index()
    frame["name"] = [", ".join(filter(None, pair)) for pair in found.parts().index]
    columns = {
        "name": Column("Part of the balance"),
        **{name: Column(name, tonnes) for name in found.names},
        "adds": Column("Adds to the deficit", signed),
    }
    caption = f"Where these tonnes lie in {found.first.years[-1]} (t oxide/yr)"
    return table("books", caption, frame, columns)
