"""Published claims beside the untuned forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.result import LEVELS, weighted_quantile

if TYPE_CHECKING:
    import pandas as pd

    from reesupply.result import Result


def claims_table(result: Result) -> pd.DataFrame:
    """
    Set every claim, in each of its readings, beside what the model says untuned.

    Parameters
    ----------
    result : Result
        A run that kept its claims.

    Returns
    -------
    pandas.DataFrame
        Index claim and reading; who said what, the value, our P5, P50 and P95, the percentile at
        which the value falls in our distribution, and whether the reading was the preferred one.

    Raises
    ------
    ReesupplyError
        If the draws of the claims were not kept.
    """
    import pandas as pd

    targets = {f"{row.claim}.{row.reading}": row for row in result.plan.scenario.rows("targets")}
    rows = []
    for claim in result.plan.claims:
        row, draws = targets[claim.name], result.values(claim.name)
        low, middle, high = (float(weighted_quantile(draws, q, result.weights)) for q in LEVELS)
        rows.append(
            {
                "claim": row.claim,
                "reading": row.reading,
                "preferred": row.preferred,
                "publisher": row.publisher,
                "said": row.title,
                "year": row.year,
                "value": row.value,
                "unit": row.unit,
                "P5": low,
                "P50": middle,
                "P95": high,
                "percentile": percentile(result, claim.name, row.value),
            }
        )
    return pd.DataFrame(rows).set_index(["claim", "reading"])


def percentile(result: Result, name: str, value: float) -> float:
    """
    Where a value falls in the distribution of a claim.

    Parameters
    ----------
    result : Result
        A run that kept its claims.
    name : str
        Claim and reading.
    value : float
        In the unit of the claim.

    Returns
    -------
    float
        Percentile, 0 to 100; draws equal to the value count half, so that a bound that most draws
        sit on does not look like a surprise.
    """
    draws = result.values(name)
    share = (draws < value) + 0.5 * (draws == value)
    weights = np.full(draws.size, 1.0 / draws.size) if result.weights is None else result.weights
    return float(100.0 * (share @ weights))
