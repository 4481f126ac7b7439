"""Which inputs move the answer, from the draws that are there anyway."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

#: What an input belongs to, by its name; the first pattern that matches counts.
GROUPS = {
    r"anchors\.(survey|refined|scrap|stock-change|captive-dy)": "what the base year was",
    r"anchors\.captive|disruptions\.": "growth of Chinese and captive supply",
    r"trajectories\..*\.activity\.": "volumes of goods",
    r"trajectories\..*_fraction\.": "Dy and Tb per magnet",
    r"trajectories\..*\.(magnet_mass|pm_share)\.": "magnets per good",
    r"trajectories\.": "yield of magnet making and other demand",
    r"recycling\.|anchors\.(eol|history)": "recycling",
    r"projects\.|events\.": "mines and plants outside China",
}


def group_of(name: str) -> str:
    """Return the group of an input; "" for a named factor, which acts through its inputs."""
    for pattern, group in GROUPS.items():
        if re.match(pattern, name):
            return group
    return ""


def group_shares(result: Result, output: FloatArray) -> pd.DataFrame:
    """
    Share of the variance of an output that each group of inputs explains by straight lines.

    Parameters
    ----------
    result : Result
        A run that kept its inputs.
    output : ndarray, shape (draw,)
        For example the deficit of 2035.

    Returns
    -------
    pandas.DataFrame
        Index group; inputs (how many), share (adjusted R squared of a regression on the ranks of
        the group's inputs), largest first. Groups that share a factor share variance, so the
        shares need not sum to 1.

    Raises
    ------
    ReesupplyError
        If the draws of the inputs were not kept.
    """
    import pandas as pd
    import statsmodels.api as sm

    members: dict[str, list[int]] = {}
    for row, name in enumerate(result.input_names):
        if group := group_of(name):
            members.setdefault(group, []).append(row)
    draws = result.arrays["inputs"]
    rows = []
    for group, at in members.items():
        ranks = normal_scores(draws[at])
        ranks = ranks[ranks.std(axis=1) > 0.0]
        fit = sm.OLS(output, sm.add_constant(ranks.T)).fit(method="qr")
        rows.append((group, len(at), max(float(fit.rsquared_adj), 0.0)))
    frame = pd.DataFrame(rows, columns=["group", "inputs", "share"]).set_index("group")
    return frame.sort_values("share", ascending=False)


def rank_correlations(result: Result, output: FloatArray) -> pd.DataFrame:
    """
    Spearman rank correlation of an output with every input.

    Parameters
    ----------
    result : Result
        A run that kept its inputs.
    output : ndarray, shape (draw,)
        For example the deficit of 2035.

    Returns
    -------
    pandas.DataFrame
        Index input; correlation and group, strongest first. Inputs that share a factor share
        their correlation.

    Raises
    ------
    ReesupplyError
        If the draws of the inputs were not kept.
    """
    import pandas as pd

    ranks, own = _ranks(result.arrays["inputs"]), _ranks(output)
    ranks -= ranks.mean(axis=1, keepdims=True)
    own -= own.mean()
    scale = np.sqrt((ranks**2).sum(axis=1) * (own**2).sum())
    found = np.divide(ranks @ own, scale, out=np.zeros(len(ranks)), where=scale > 0.0)
    groups = [group_of(name) or "named factor" for name in result.input_names]
    index = pd.Index(result.input_names, name="input")
    frame = pd.DataFrame({"correlation": found, "group": groups}, index=index)
    return frame.sort_values("correlation", key=np.abs, ascending=False)


def normal_scores(x: FloatArray) -> FloatArray:
    """
    Replace values by the normal numbers of their ranks.

    Parameters
    ----------
    x : ndarray, shape (..., draw)
        Values.

    Returns
    -------
    ndarray, shape of `x`
        Ties share a score.
    """
    from scipy.special import ndtri

    return np.asarray(ndtri((_ranks(x) - 0.5) / x.shape[-1]))


def _ranks(x: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(x, axis=-1), dtype=np.float64)
