"""A verification in words and plain tables, and as a folder."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from reesupply.analysis.verification.hindcasts import ARIMA, DRIFT, METHODS, MODEL, PUBLISHED, SAME
from reesupply.analysis.verification.quantities import QUANTITIES
from reesupply.analysis.verification.scoring import ALL, LEAST_PAIRS, OBSERVED
from reesupply.report.folder import write_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reesupply.analysis.verification import Verification

#: Marks a folder as one of ours, so that it may be replaced.
STAMP = "verification.json"
COUNTED = [quantity.name for quantity in QUANTITIES if quantity.counted]
_TABLES = ("scores", "summary", "differences", "published", "basis")


def verification_text(found: Verification) -> str:
    """
    Say how good the forecasts were, and where simpler ones were better.

    Parameters
    ----------
    found : Verification
        The hindcasts.

    Returns
    -------
    str
        Plain text of at most 100 columns.
    """
    parts = [
        _head(found),
        _section("Mean scores, by quantity and method", _table(found.summary)),
        _section("Where the model loses", losses(found)),
        _section("Coverage of P5 to P95 (nominal 90 %)", _coverage(found.summary)),
        _section("Published forecasts and what came", _published(found.published)),
        _section("What could not be forecast", _missing(found.basis)),
        _section("How to read this", _caveats(found)),
    ]
    return "\n\n".join(parts) + "\n"


def losses(found: Verification) -> list[str]:
    """
    Name every method that has a lower mean score than the model on the same pairs.

    Parameters
    ----------
    found : Verification
        The hindcasts.

    Returns
    -------
    list of str
        One line each, or one that says there is none.
    """
    lines = []
    for row in found.summary.reset_index().to_dict(orient="records"):
        if row["verdict"] == "model worse":
            trials = row["won"] + row["lost"]
            lines += _wrap(
                f"{row['quantity']}: {row['method']} scores {row['crps_same_pairs']:.3f}, the "
                f"model {row['model_crps']:.3f}; it lost {row['lost']} of {trials} pairs."
            )
    return lines or ["Nowhere in these averages."]


def write_verification(found: Verification, folder: str | Path) -> None:
    """
    Write a verification; see `Verification.write`.

    Parameters
    ----------
    found : Verification
        What is written.
    folder : str or Path
        Made if it does not exist.

    Raises
    ------
    ReesupplyError
        If the folder holds something else, or cannot be written.
    """
    write_folder(folder, lambda draft: _fill(found, draft), STAMP, "verification")


def _fill(found: Verification, folder: Path) -> None:
    for name in _TABLES:
        getattr(found, name).to_csv(folder / f"{name}.csv", index=name != "scores")
    write_text(folder / "report.txt", found.text())
    _keep(found.plot.pit(), folder / "pit")
    _keep(found.plot.skill(), folder / "skill")
    for quantity in found.plot.fans:
        name = "".join(c if c.isalnum() else "-" for c in quantity.lower()).replace("--", "-")
        _keep(found.plot.fan(quantity), folder / f"fan-{name}")
    # last: a folder without it is not complete
    write_text(folder / STAMP, json.dumps(found.provenance, indent=1, ensure_ascii=False))


def _keep(axes: Any, path: Path) -> None:
    from matplotlib import pyplot as plt

    from reesupply.plots import save

    for suffix in (".png", ".svg"):
        save(axes, path.with_suffix(suffix))
    plt.close(axes.figure)


def _head(found: Verification) -> str:
    whole: Any = found.summary.loc[(ALL, MODEL)]
    vintages = ", ".join(map(str, found.vintages))
    lines = [
        *_wrap(f"How good such forecasts are: vintages {vintages}, scored to {found.years[-1]}"),
        *_wrap(
            f"{found.draws:,} draws, seed {found.entropy}. The model was scored on "
            f"{whole['pairs']} pairs of vintage and year, in {whole['paths']} paths: the pairs of "
            "a path overlap, so that the paths are about as many as there are independent cases."
        ),
        "",
        *_wrap(
            f"Mean CRPS of the logarithm {whole['crps']:.3f} (0.1 is about 10 %), skill against "
            f"drift {whole['skill']:+.0%}, mean log error {whole['log_error']:+.2f}, "
            f"{whole['inside']} of {whole['intervals']} outcomes within P5 to P95."
        ),
    ]
    return "\n".join(lines)


def _table(summary: pd.DataFrame) -> list[str]:
    lines = [
        f"  {'':24}{'pairs':>6}{'log error':>11}{'CRPS':>8}{'skill':>8}  {'model, same pairs':>18}"
        f"{'won':>5}{'lost':>6}"
    ]
    before = ""
    for row in summary.reset_index().to_dict(orient="records"):
        if row["quantity"] != before:
            before = row["quantity"]
            lines.append(before)
        cells = f"{row['pairs']:>6}{row['log_error']:>+11.2f}{row['crps']:>8.3f}"
        cells += f"{'' if pd.isna(row['skill']) else format(row['skill'], '+.0%'):>8}"
        if row["verdict"]:
            mark = " <" if row["verdict"] == "model worse" else ""
            cells += f"{row['model_crps']:>11.3f}:{row['crps_same_pairs']:>7.3f}"
            cells += f"{row['won']:>6}{row['lost']:>6}{mark}"
        lines.append(f"  {row['method']:<24}{cells}")
    lines.append("<  the model has the worse mean score on the pairs that both have")
    lines += _wrap(f"skill: 1 less the mean score over that of {DRIFT}, on the same pairs")
    return lines


def _coverage(summary: pd.DataFrame) -> list[str]:
    lines = [f"  {'':34}{'model':>21}{'drift':>21}{'ARIMA':>21}"]
    rows = summary[summary["intervals"].notna()].reset_index().to_dict(orient="records")
    told = {(row["quantity"], row["method"]): _share(row) for row in rows}
    for quantity in dict.fromkeys(name for name, _ in told):
        cells = "".join(f"{told.get((quantity, m), ''):>21}" for m in (MODEL, DRIFT, ARIMA))
        lines.append(f"  {quantity:<34}{cells}")
    return lines


def _share(row: Mapping[Any, Any]) -> str:
    return f"{row['inside']}/{row['intervals']} [{row['low']:.0%}, {row['high']:.0%}]"


def _published(table: pd.DataFrame) -> list[str]:
    lines = [f"  {'':60}{'said':>8}{'came':>8}{'log error':>11}"]
    for row in table.to_dict(orient="records"):
        what = f"{row['publisher']} {row['issued'][:4]}: {row['quantity']}, {row['year']}"
        numbers = f"{row['value']:>8g}{row['outcome']:>8g}{row['log_error']:>+11.2f}"
        lines.append(f"  {what[:59]:<60}{numbers}")
    return lines


def _missing(basis: pd.DataFrame) -> list[str]:
    rows = basis[basis["why"] != ""].reset_index()
    rows = rows[(rows["method"] != PUBLISHED) & rows["quantity"].isin(COUNTED)]
    why: dict[tuple[str, int, str], list[str]] = {}
    for row in rows.to_dict(orient="records"):
        why.setdefault((row["quantity"], row["vintage"], row["why"]), []).append(row["method"])
    lines = []
    for (quantity, vintage, reason), methods in why.items():
        lines += _wrap(f"{quantity}, {vintage} ({', '.join(methods)}): {reason}")
    return lines or ["Nothing."]


def _caveats(found: Verification) -> list[str]:
    tested = int(found.differences["p_value"].notna().sum())
    return [
        *_wrap(
            f"Tests of equal scores: {tested} of {len(found.differences)} comparisons have the "
            f"{LEAST_PAIRS} origins at one horizon that a test needs. Read the table of errors."
        ),
        *_wrap(
            "Intervals of coverage take pairs for independent, which they are not: they are too "
            "narrow."
        ),
        *_wrap(
            "The tables hold the past as it is known today, restated. The form of the model, "
            "ceilings and reference values of mining are of today as well. Which outlooks were "
            "found is chance."
        ),
        *_wrap(
            "Magnet alloy and Dy+Tb demand are reconstructed: to forecast them is an exercise, "
            f'not evidence. "{OBSERVED}" leaves them out.'
        ),
        *_wrap(
            f"Methods: {', '.join(METHODS)}. {SAME.capitalize()}, the announced schedule and what "
            "was published are points, whose CRPS is their error."
        ),
    ]


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, 98, subsequent_indent="  ", break_long_words=False)
