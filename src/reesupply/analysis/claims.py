"""Published claims beside the untuned forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.result import LEVELS, weighted_quantile
from reesupply.result.statistics import share_below, weighted_mean
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

#: Claims of which one is a straight line of the others: correlations left below this share.
_SINGULAR = 1e-10


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
        which the value falls in our distribution, our mean and standard deviation, z (how many of
        these the value is above our mean; NaN where we have no spread), whether the reading
        was the preferred one, and why it is read so.

    Raises
    ------
    ReesupplyError
        If the draws of the claims were not kept.
    """
    import pandas as pd

    targets = {f"{row.claim}.{row.reading}": row for row in result.plan.scenario.rows("targets")}
    mean, covariance = result.claim_moments()
    spread = pd.Series(np.sqrt(np.diag(covariance)), covariance.index)
    rows = []
    for claim in result.plan.claims:
        row, draws = targets[claim.name], result.values(claim.name)
        low, middle, high = (float(weighted_quantile(draws, q, result.weights)) for q in LEVELS)
        own, sd = float(mean[claim.name]), float(spread[claim.name])
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
                "mean": own,
                "sd": sd,
                "z": (row.value - own) / sd if sd > 0.0 else np.nan,
                "why": row.note,
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
    return 100.0 * share_below(result.values(name), value, result.weights)


def current_claims(scenario: Scenario) -> tuple[str, ...]:
    """
    Return the outlooks that are judged jointly, each in its preferred reading.

    Parameters
    ----------
    scenario : Scenario
        Its targets and data date.

    Returns
    -------
    tuple of str
        As "claim.reading": claims about years after the data date that were published in the year
        before it. What was said long ago was said about another world, and what is said of a past
        year is no outlook.
    """
    date = scenario.data_date
    year = int(date[:4])
    since = f"{year - 1}{date[4:]}"
    return tuple(
        f"{row.claim}.{row.reading}"
        for row in scenario.rows("targets")
        if row.preferred
        and year < row.year <= scenario.years[-1]
        # as text, to the precision that the claim gives: a year, a month or a day
        and since[: len(row.published)] <= row.published <= date
    )


def shipped_discrepancies() -> dict[str, float]:
    """
    Return how far apart serious forecasts of a claim lie anyway, as a standard deviation.

    Returns
    -------
    dict of str to float
        The table discrepancies: "claim.reading" to a number in the unit of the claim. Judgement.
    """
    rows = open_csv("discrepancies")
    return {f"{row['claim']}.{row['reading']}": float(row["sd"]) for row in rows}


def current_distance(result: Result) -> pd.DataFrame:
    """
    How far the outlooks of today lie from the forecast, one by one and jointly.

    Parameters
    ----------
    result : Result
        Any run; one that kept the draws of the claims if it has weights.

    Returns
    -------
    pandas.DataFrame
        `joint_distance` of `current_claims`. A claim that is the same in all draws, or that
        follows from those before it, is left out; without any the table is empty.
    """
    import pandas as pd

    given = {claim.name for claim in result.plan.claims}
    covariance = result.claim_moments()[1]
    kept: list[str] = []
    for name in current_claims(result.plan.scenario):
        names = [*kept, name]
        if name in given and _least_eigenvalue(covariance.loc[names, names].to_numpy()) > _SINGULAR:
            kept = names
    if kept:
        return joint_distance(result, kept)
    columns = ["value", "mean", "sd", "z", "z given others", "distance2", "df"]
    return pd.DataFrame(
        columns=[*columns, "chi2 percentile", "percentile of draws"],
        index=pd.Index([], name="claim"),
        dtype=np.float64,
    )


def joint_distance(
    result: Result, claims: Sequence[str], errors: Mapping[str, float] | None = None
) -> pd.DataFrame:
    r"""
    How far published claims lie from the forecast, one by one and jointly.

    Parameters
    ----------
    result : Result
        Any run; one that kept the draws of the claims if it has weights.
    claims : sequence of str
        Which, as "claim.reading"; one reading of each.
    errors : mapping of str to float, optional
        Standard deviation of an error of a published value by claim, in its unit; none by default.

    Returns
    -------
    pandas.DataFrame
        Index claim, with "jointly" last. The published value, our mean, sd (of our
        draws and the error together) and z; z given others (what is left of it once the others
        are known, by straight lines); distance squared (of
        one claim z squared, jointly that of Mahalanobis), its degrees of freedom, the percentile
        at which it falls in the chi-squared distribution, which is exact for normal claims without
        errors, and that among the draws themselves, which needs no such assumption; the latter
        is NaN where the draws were not kept or there are errors.

    Raises
    ------
    ReesupplyError
        If there is no claim, one is unknown or named twice, an error is no number from 0, or the
        claims are not independent numbers.

    Notes
    -----
    With mean :math:`\mu` and covariance :math:`\Sigma` of the draws, and V of the errors, the
    squared distance is :math:`(t - \mu)' (\Sigma + V)^{-1} (t - \mu)`.

    Source: Mahalanobis, Proc. Natl. Inst. Sci. India 2 (1936), 49-55.

    Examples
    --------
    >>> import reesupply as rs
    >>> from reesupply.analysis.claims import joint_distance
    >>> result = rs.simulate(draws=2_000, rng=1, keep=("claims",))
    >>> table = joint_distance(result, ["cru-deficit-2035.annual", "cru-mines-29.global-gross"])
    >>> bool(table.loc["jointly", "distance2"] >= table["z"].abs().max() ** 2)
    True
    """
    import pandas as pd

    names = _names(result, claims, errors)
    rows = {f"{row.claim}.{row.reading}": row for row in result.plan.scenario.rows("targets")}
    every, covariances = result.claim_moments()
    mean, spread = every[names].to_numpy(), covariances.loc[names, names].to_numpy()
    noise = np.array([0.0 if errors is None else errors.get(name, 0.0) for name in names])
    whole = spread + np.diag(noise**2)
    sd = np.sqrt(np.diag(whole))
    if not (sd > 0.0).all():
        msg = f"claims: found {names[int(np.argmin(sd))]!r}, which is the same in all draws"
        raise ReesupplyError(msg)
    correlation = whole / np.outer(sd, sd)
    if not _least_eigenvalue(whole) > _SINGULAR:
        near = np.abs(np.triu(correlation, 1))
        first, second = divmod(int(near.argmax()), len(names))
        msg = (
            "claims: found some that follow from the others, allowed are independent ones; most "
            f"alike are {names[first]!r} and {names[second]!r}"
        )
        raise ReesupplyError(msg)
    values = np.array([rows[name].value for name in names])
    z = (values - mean) / sd
    inverse = np.linalg.inv(correlation)
    squared = np.append(z**2, z @ inverse @ z)
    frame = pd.DataFrame(
        {"value": values, "mean": mean, "sd": sd, "z": z}, index=pd.Index(names, name="claim")
    ).reindex([*names, "jointly"])
    frame["z given others"] = np.append(inverse @ z / np.sqrt(np.diag(inverse)), np.nan)
    frame["distance2"] = squared
    frame["df"] = [1] * len(names) + [len(names)]
    frame["chi2 percentile"] = 100.0 * _chi2(frame["df"].to_numpy(), squared)
    frame["percentile of draws"] = np.nan
    if "claims" in result.arrays and not noise.any():
        off = (np.stack([result.values(name) for name in names]) - mean[:, np.newaxis]) / sd[
            :, np.newaxis
        ]
        own = np.vstack([off**2, (off * (inverse @ off)).sum(axis=0)])
        frame["percentile of draws"] = 100.0 * _below(own, squared, result.weights)
    return frame


def _least_eigenvalue(covariance: FloatArray) -> float:
    """Return the least eigenvalue of the correlations, 0 where a spread is none."""
    sd = np.sqrt(np.diag(covariance))
    if not (sd > 0.0).all():
        return 0.0
    return float(np.linalg.eigvalsh(covariance / np.outer(sd, sd))[0])


def _names(result: Result, claims: Sequence[str], errors: Mapping[str, float] | None) -> list[str]:
    known = [claim.name for claim in result.plan.claims]
    if isinstance(claims, str) or not len(claims):
        msg = f"claims: found {claims!r}, allowed are one or more names such as ({known[0]!r},)"
        raise ReesupplyError(msg)
    for place, names in (("claims", claims), ("errors", errors or {})):
        for name in names:
            if name not in known:
                msg = f"{place}: found {name!r}; {nearest(str(name), known)}"
                raise ReesupplyError(msg)
    for name, error in (errors or {}).items():
        if not 0.0 <= error < np.inf:
            msg = f"errors: found {error!r} for {name!r}, allowed is a number from 0"
            raise ReesupplyError(msg)
    if len(set(claims)) < len(claims):
        msg = f"claims: found {list(claims)!r}, allowed is each name once"
        raise ReesupplyError(msg)
    return list(claims)


def _chi2(df: FloatArray, x: FloatArray) -> FloatArray:
    from scipy.special import gammainc

    return np.asarray(gammainc(df / 2.0, x / 2.0))


def _below(draws: FloatArray, values: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Share of the draws of each row below a value."""
    return weighted_mean((draws < values[:, np.newaxis]).astype(np.float64), weights)
