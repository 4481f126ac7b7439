"""What the record says, what the prior adds, and the cells that the result would fill."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from math import isnan
from typing import TYPE_CHECKING, Any

from reesupply.analysis.fit.delays import fit_schedule, fit_slip
from reesupply.analysis.fit.priors import prior_number, shipped_prior
from reesupply.analysis.fit.records import delays, left_out, schedule_factors
from reesupply.analysis.scores import jeffreys
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from reesupply.analysis.fit.delays import DelayFit
    from reesupply.analysis.fit.priors import Prior

_STUDY = ("feasibility", "prefeasibility", "scoping", "resource")
_NAMES = ("median", "sigma")
_SENSITIVITY = "sensitivity"
# fewer starts than this change no cell: the spread would be the prior's
_LEAST = 2


def delivered_share(level: float = 0.90) -> pd.DataFrame:
    r"""
    Share of the advanced projects of 2012-2014 that delivered by the end of 2025.

    Parameters
    ----------
    level : float
        Of the interval, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        Index commercial, with-pilot; delivered, listed, and mean, low and high of the Jeffreys
        posterior :math:`\mathrm{Beta}(k + 1/2, n - k + 1/2)`.

    Raises
    ------
    ReesupplyError
        If the level is not between 0 and 1.
    """
    import pandas as pd

    listed = int(prior_number("delivered-listed"))
    rows = {}
    for name in ("commercial", "with-pilot"):
        delivered = int(prior_number(f"delivered-{name}"))
        low, high = jeffreys(delivered, listed, level)
        rows[name] = (delivered, listed, (delivered + 0.5) / (listed + 1.0), low, high)
    columns = ["delivered", "listed", "mean", "low", "high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def parameter_table() -> pd.DataFrame:
    """
    Set data, prior and posterior of every delay side by side.

    Returns
    -------
    pandas.DataFrame
        Index parameter; cells (of the scenario that it would fill, or "sensitivity"), shipped
        (what they hold), observed and pending (numbers of promises), median and sigma of data,
        prior and posterior (NaN where the data alone determine neither), predictive (distribution
        of the next delay, as text), proposed (the same where at least two starts were observed,
        else what is shipped), note.
    """
    import pandas as pd

    kind, record = "schedule-first-of-kind", delays()
    assumed = record["source"].str.split(";").map(lambda ids: "assumption" in ids).astype(bool)
    known, certain = schedule_factors(record), schedule_factors(record[~assumed])
    first = "schedule, first-of-kind refineries"
    study = ", ".join(f"stages.{name}.schedule" for name in _STUDY)
    rows = {
        first: _row(lambda p: fit_schedule(known, prior=p), kind)
        | {"cells": "projects.<refinery>.schedule", "shipped": _shipped("projects", "schedule")},
        f"{first}, without rows that rest on an assumption": _row(
            lambda p: fit_schedule(certain, prior=p), kind
        )
        | {"cells": _SENSITIVITY},
        "schedule, study stages": _row(
            lambda p: fit_schedule(known, prior=p, stage="study"), "schedule-ordinary"
        )
        | {"cells": study, "shipped": _shipped("stages", "schedule")},
        "slip, construction": _slip_row("construction"),
        "slip, commissioning": _slip_row("commissioning"),
        "slip, add-ons": _row(lambda p: fit_slip("add-on", prior=p), "slip-add-on")
        | {"cells": "projects.<add-on>.slip", "shipped": _shipped("projects", "slip")},
    }
    columns = ["cells", "shipped", "observed", "pending"]
    columns += [f"{part}_{name}" for part in ("data", "prior", "posterior") for name in _NAMES]
    frame = pd.DataFrame.from_dict(rows, orient="index").reindex(
        columns=[*columns, "predictive", "proposed", "note"]
    )
    frame.index.name = "parameter"
    frame = frame.fillna({"shipped": "", "note": ""})
    enough = (frame["observed"] >= _LEAST) & (frame["cells"] != _SENSITIVITY)
    frame["proposed"] = frame["predictive"].where(enough, frame["shipped"])
    return frame


def _slip_row(stage: Any) -> dict[str, Any]:
    row = _row(lambda p: fit_slip(stage, prior=p), f"slip-{stage}")
    return row | {"cells": f"stages.{stage}.slip", "shipped": _shipped("stages", "slip", stage)}


def _row(fit: Callable[[Prior | None], DelayFit], name: str) -> dict[str, Any]:
    prior = shipped_prior(name)
    posterior = fit(prior)
    row: dict[str, Any] = {
        "observed": posterior.observed,
        "pending": posterior.pending,
        "prior_median": prior.median,
        "prior_sigma": prior.sigma,
        "posterior_median": posterior.median,
        "posterior_sigma": posterior.sigma,
        "predictive": str(posterior.predictive()),
        "note": posterior.note,
    }
    try:
        data = fit(None)
    except ReesupplyError as error:  # the data alone do not determine it, which is an answer
        return row | {"note": posterior.note or str(error)}
    return row | {"data_median": data.median, "data_sigma": data.sigma}


def _shipped(table: str, column: str, row: str | None = None) -> str:
    """Return what cells hold now; several values are joined."""
    text = (files("reesupply") / "data" / f"{table}.csv").read_bytes().decode()
    rows = csv.DictReader(io.StringIO(text, newline=""))
    found = {r[column]: None for r in rows if r[column] and (row is None or r["id"] == row)}
    return "; ".join(found)


def text() -> str:
    """
    Write fitted parameters, cells, the share delivered, the promises not used, and growth.

    Returns
    -------
    str
        What ``python -m reesupply.analysis.fit`` prints.
    """
    from reesupply.analysis.fit.regime import HISTORIC_YEARS, historic_regime

    table = parameter_table()
    lines = ["Delays: what the data say, what the prior adds (median / sigma)", ""]
    for name, row in table.iterrows():
        lines.append(f"{name}: {row['observed']} observed, {row['pending']} pending")
        for part in ("data", "prior", "posterior"):
            median, sigma = row[f"{part}_median"], row[f"{part}_sigma"]
            lines.append(
                f"  {part:<10} " + ("-" if isnan(median) else f"{median:.2f} / {sigma:.2f}")
            )
        labels = ("predictive", "cells", "shipped", "proposed", "note")
        lines += [f"  {label:<10} {row[label]}" for label in labels if row[label]]
    lines += ["", "Delivered by the end of 2025, of the projects listed in 2013:"]
    lines += [delivered_share().to_string(float_format="{:.3f}".format)]
    regime = f"Regime that delivers the share with pilot plants in {HISTORIC_YEARS:g} years"
    lines += ["", f"{regime}: {historic_regime():.3g}"]
    lines += ["", "Promises not used for the schedule factor:"]
    lines += [f"  {i}: {r}" for i, r in left_out()["reason"].items()]
    lines += ["", "Promises of plants being built not used for the slip:"]
    unused = left_out(measure="slip")["reason"]
    lines += [f"  {i}: {r}" for i, r in unused.items() if not r.startswith("not being built")]
    return "\n".join(lines) + "\n\n" + growth_text()


def growth_text() -> str:
    """
    Write the fitted growth of activities, and how forecasters of them did out of sample.

    Returns
    -------
    str
        Last part of what ``python -m reesupply.analysis.fit`` prints.
    """
    from reesupply.analysis.fit.forecasters import FORECASTERS, compare_forecasters, scores
    from reesupply.analysis.fit.growth_rows import growth_table

    lines = ["Growth of activities: random walk with drift (per year, logit where a ceiling)", ""]
    for use, row in growth_table().iterrows():
        lines.append(f"{use}: {row['values']} values of {row['series']}, from {row['first']}")
        lines.append(f"  {'drift':<10} {row['drift']:.3f} ± {row['drift_se']:.3f}")
        lines.append(f"  {'volatility':<10} {row['sigma']:.3f}")
        labels = ("since", "increments", "shipped", "proposed")
        cells = row.rename({"volatility": "proposed"})
        lines += [f"  {label:<10} {cells[label]}" for label in labels]
    table = scores(compare_forecasters()).reset_index()
    lines += [
        "",
        "Forecasts one to five years on, out of sample: CRPS of the logarithm of activity",
    ]
    lines += ["(lower is better), and share of outcomes within the 90 % interval", ""]
    for _, row in table.iterrows():
        if row["forecaster"] == next(iter(FORECASTERS)):
            lines.append(f"{row['series']}, forecasts: {row['forecasts']}")
        lines.append(f"  {row['forecaster']:<29} {row['crps']:.3f}  {row['inside']:.2f}")
    return "\n".join(lines) + "\n"
