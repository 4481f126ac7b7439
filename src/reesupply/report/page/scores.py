"""How good forecasts of this kind were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.analysis.verification.hindcasts import MODEL
from reesupply.analysis.verification.scoring import ALL, OBSERVED
from reesupply.report.page.charts import figure
from reesupply.report.page.parts import Column, Section, Words, fixed, percent, table, tonnes

if TYPE_CHECKING:
    import pandas as pd

    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Figure, Table

_TOGETHER = (ALL, OBSERVED)
_COLUMNS = {
    "quantity": Column("Of"),
    "method": Column("Forecast"),
    "pairs": Column("Scored", tonnes),
    "log_error": Column("Bias, log", fixed(2, sign=True)),
    "crps": Column("CRPS, log", fixed(3)),
    "model_crps": Column("Model, same pairs", fixed(3)),
    "skill": Column("Skill over drift", fixed(2, sign=True)),
    "inside": Column("Within P5 to P95", tonnes),
    "coverage": Column("Coverage", percent(0)),
    "verdict": Column("Verdict"),
}


def verification(evidence: Evidence) -> Section:
    """
    Show the scores of forecasts made again from past vintages, those that the model loses too.

    Parameters
    ----------
    evidence : Evidence
        What the page is about.

    Returns
    -------
    Section
    """
    found = evidence.record
    vintages = ", ".join(map(str, found.vintages))
    frame = found.summary.reset_index()
    together = frame["quantity"].isin(_TOGETHER)
    return Section(
        "verification",
        "How good such forecasts were",
        (
            Words(
                f"Forecasts made again from the ends of {vintages} with what was known then, "
                f"scored on what came to {found.years[-1]}, beside what was published and simpler "
                "ones. A deficit has no record of its own, so the parts of the model are scored. "
                "CRPS is on the scale of logarithms, where 0.1 is about 10 %; the smaller, the "
                "better. Where the verdict is that the model was worse, it was."
            ),
            *_figures(evidence),
            _table("scores", "All quantities together", frame[together]),
            _table("scores-by-quantity", "Quantity by quantity", frame[~together]),
            Words(
                "Scored are pairs of a vintage and a year; those of one vintage and quantity move "
                "together, so they are worth fewer. Skill is 1 less the CRPS over that of the "
                "drift on the same pairs. A point forecast has no interval.",
                note=True,
            ),
        ),
    )


def _table(name: str, caption: str, rows: pd.DataFrame) -> Table:
    frame = rows.copy()
    for column in ("inside", "coverage", "skill", "model_crps"):
        frame[column] = frame[column].astype(float)
    return table(
        name,
        f"{caption}: scores of forecasts from past vintages",
        frame.set_index("quantity"),
        _COLUMNS,
        marked=list(frame["method"] == MODEL),
    )


def _figures(evidence: Evidence) -> list[Figure]:
    found = evidence.record
    return [
        figure(
            "figure-skill",
            lambda ax: found.plot.skill(ax=ax),
            alt=(
                "Dot chart of the CRPS of simpler and published forecasts over that of the model, "
                "by quantity; the numbers are in the tables below."
            ),
            caption="Who was better: scores beside those of the model.",
        ),
        figure(
            "figure-pit",
            lambda ax: found.plot.pit(ax=ax),
            alt=(
                "Histogram of the levels at which outcomes fell in the forecasts of the model; "
                "flat if its ranges were as wide as they should be."
            ),
            caption="Where outcomes fell in the ranges that the model gave.",
        ),
    ]


def held(evidence: Evidence) -> tuple[int, int]:
    """Count the outcomes within P5 to P95 of the model, and all."""
    model = evidence.record.summary.xs(MODEL, level="method")
    return int(model["inside"].loc[ALL]), int(model["intervals"].loc[ALL])


def lost(evidence: Evidence) -> list[str]:
    """Return the quantities of which another forecast was better than the model."""
    summary = evidence.record.summary.reset_index()
    worse = summary[(summary["verdict"] == "model worse") & ~summary["quantity"].isin(_TOGETHER)]
    return list(dict.fromkeys(worse["quantity"]))
