"""Scores of hindcasts on what came, one row each, and what they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.scores import (
    crps,
    diebold_mariano,
    interval_score,
    jeffreys,
    pinball,
    pit,
)
from reesupply.analysis.verification.hindcasts import DRIFT, METHODS, MODEL
from reesupply.analysis.verification.quantities import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from reesupply.analysis.verification.hindcasts import Hindcast
    from reesupply.analysis.verification.record import Value

ALL, OBSERVED = "all", "all, outcome observed"
#: Pairs of origin and one horizon below which a test of equal scores says nothing.
LEAST_PAIRS = 20

_PAIR = ["vintage", "quantity", "year"]
_LEVELS = (0.05, 0.5, 0.95)


def score_table(
    made: Sequence[Hindcast], outcomes: Mapping[str, Mapping[int, Value]], entropy: int
) -> pd.DataFrame:
    """
    Score every forecast on every outcome on record.

    Parameters
    ----------
    made : sequence of Hindcast
        The forecasts.
    outcomes : mapping of str to mapping of int to Value
        By quantity and year; years without a value are not scored.
    entropy : int
        Key of the random numbers that part equal values in the transform.

    Returns
    -------
    pandas.DataFrame
        As `Verification.scores`.
    """
    import pandas as pd

    rng = np.random.default_rng([entropy, *b"pit"])
    rows = []
    for each in made:
        for year, draws in zip(each.years, each.draws, strict=True):
            if year in outcomes[each.quantity]:
                came, at = outcomes[each.quantity][year], float(rng.random())
                head = (each.vintage, each.quantity, year, year - each.vintage, each.method)
                rows.append((*head, each.by, *came, *_scored(draws, came.value, at)))
    columns = [*_PAIR, "horizon", "method", "by", "outcome", "observed", "P5", "P50", "P95"]
    columns += ["log_error", "crps", "pinball", "interval", "pit", "inside"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"inside": "boolean", "observed": bool})


def _scored(draws: np.ndarray[Any, Any], outcome: float, at: float) -> tuple[Any, ...]:
    """Score an ensemble, or a point; all but the quantiles on the scale of logarithms."""
    low, middle, high = np.quantile(draws, _LEVELS).tolist()
    logs, came = np.log(draws), float(np.log(outcome))
    error, point = float(np.log(middle / outcome)), draws.size == 1
    proper = (crps(logs, came), pinball(logs, came))
    if point:
        return np.nan, middle, np.nan, error, *proper, np.nan, np.nan, None
    held = bool(low <= outcome <= high)
    return (
        low,
        middle,
        high,
        error,
        *proper,
        interval_score(logs, came),
        pit(draws, outcome, at),
        held,
    )


def summary_table(scores: pd.DataFrame) -> pd.DataFrame:
    """
    Average the scores by quantity and method, on equal pairs where methods are compared.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `Verification.scores`.

    Returns
    -------
    pandas.DataFrame
        As `Verification.summary`.
    """
    import pandas as pd

    counted = scores["quantity"].isin([q.name for q in QUANTITIES if q.counted])
    groups = [(q.name, scores[scores["quantity"] == q.name]) for q in QUANTITIES]
    groups += [(ALL, scores[counted]), (OBSERVED, scores[counted & scores["observed"]])]
    rows = {}
    for name, group in groups:
        for method in METHODS:
            own = group[group["method"] == method]
            if len(own):
                rows[name, method] = _summed(own, group)
    frame = pd.DataFrame.from_dict(rows, orient="index")
    if frame.empty:
        return frame
    frame.index = pd.MultiIndex.from_tuples(frame.index, names=["quantity", "method"])
    return frame.astype(dict.fromkeys(("inside", "intervals", "won", "lost"), "Int64"))


def _summed(own: pd.DataFrame, group: pd.DataFrame) -> dict[str, Any]:
    told = own["inside"].dropna()
    inside, total = int(told.sum()), len(told)
    low, high = jeffreys(inside, total) if total else (np.nan, np.nan)
    model, drift = (beside(own, group[group["method"] == name]) for name in (MODEL, DRIFT))
    rival = own["method"].iloc[0] != MODEL and len(model) > 0
    gap = model["crps"] - model["crps_other"]
    return {
        "pairs": len(own),
        "paths": len(own[["vintage", "quantity"]].drop_duplicates()),
        "log_error": own["log_error"].mean(),
        "crps": own["crps"].mean(),
        "pinball": own["pinball"].mean(),
        "interval": own["interval"].mean(),
        "skill": 1.0 - drift["crps"].mean() / drift["crps_other"].mean() if len(drift) else np.nan,
        "inside": inside if total else None,
        "intervals": total if total else None,
        "coverage": inside / total if total else np.nan,
        "low": low,
        "high": high,
        "crps_same_pairs": model["crps"].mean() if rival else np.nan,
        "model_crps": model["crps_other"].mean() if rival else np.nan,
        "won": int((gap > 0.0).sum()) if rival else None,
        "lost": int((gap < 0.0).sum()) if rival else None,
        "verdict": _verdict(float(gap.mean())) if rival else "",
    }


def _verdict(gap: float) -> str:
    return "model better" if gap > 0.0 else "model worse" if gap < 0.0 else "equal"


def beside(own: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """
    Put scores of one method beside those of another on the same pairs.

    Parameters
    ----------
    own, other : pandas.DataFrame
        Rows of `Verification.scores` of one method each; the other has each pair once.

    Returns
    -------
    pandas.DataFrame
        Rows of the first whose pair the second has, with the column ``crps_other``.
    """
    there = other[[*_PAIR, "crps"]].rename(columns={"crps": "crps_other"})
    return own.merge(there, on=_PAIR, how="inner")


def difference_table(scores: pd.DataFrame) -> pd.DataFrame:
    """
    Test the model against each other method where that is allowed.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `Verification.scores`.

    Returns
    -------
    pandas.DataFrame
        As `Verification.differences`.
    """
    import pandas as pd

    rows = []
    for quantity, group in scores.groupby("quantity", sort=False):
        model = group[group["method"] == MODEL]
        for method in METHODS:
            own = group[group["method"] == method]
            both = beside(model, own.drop_duplicates(_PAIR))
            if method != MODEL and len(both):
                rows.append({"quantity": quantity, "method": method, **_tested(both)})
    columns = ["quantity", "method", "pairs", "horizon", "origins"]
    columns += ["difference", "statistic", "p_value", "note"]
    return pd.DataFrame(rows, columns=columns).set_index(["quantity", "method"])


def _tested(both: pd.DataFrame) -> dict[str, Any]:
    """Test at the horizon with most origins, if they follow each other year by year."""
    counts = both["horizon"].value_counts()
    horizon = int(counts[counts == counts.max()].index.min())
    at = both[both["horizon"] == horizon].sort_values("vintage")
    gap = (at["crps"] - at["crps_other"]).to_numpy()
    found: dict[str, Any] = {
        "pairs": len(both),
        "horizon": horizon,
        "origins": len(at),
        "difference": float((both["crps"] - both["crps_other"]).mean()),
        "statistic": np.nan,
        "p_value": np.nan,
    }
    yearly = bool((np.diff(at["vintage"]) == 1).all())
    if len(at) < LEAST_PAIRS or not yearly:
        apart = "" if yearly else ", and not year by year"
        return found | {"note": f"no test: {len(at)} origins at one horizon{apart}"}
    statistic, p_value = diebold_mariano(gap, horizon)
    return found | {"statistic": statistic, "p_value": p_value, "note": ""}


def published_table() -> pd.DataFrame:
    """
    List every published forecast whose outcome is known.

    Returns
    -------
    pandas.DataFrame
        As `Verification.published`.
    """
    import pandas as pd

    from reesupply.scenario.loading import open_csv

    rows = []
    for row in open_csv("forecasts"):
        if row["value"] and row["outcome"] and row["unit"] == row["outcome_unit"]:
            value, outcome = float(row["value"]), float(row["outcome"])
            texts = {name: row[name] for name in ("publisher", "issued", "quantity", "element")}
            numbers = {"value": value, "outcome": outcome, "unit": row["unit"]}
            error = float(np.log(value / outcome))
            rows.append(
                {"id": row["id"], **texts, "year": int(row["target_year"]), **numbers}
                | {"log_error": error, "verdict": row["verdict"], "confidence": row["confidence"]}
            )
    return pd.DataFrame(rows).set_index("id")
