"""
Which inputs move the answer, from the draws that are there anyway.

Straight lines and correlations, quick enough for every `reproduce`; `reesupply.sensitivity` goes on
from the same groups and ranks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

OUTSIDE = "mines and plants outside China"
CAPTIVE = "Chinese and captive supply"
#: What an input belongs to, by its name; the first pattern that matches counts.
GROUPS = {
    r"anchors\.(survey|refined|scrap|stock-change|captive-dy)": "what the base year was",
    r"anchors\.captive|disruptions\.|elements\..*\.captive_ratio": CAPTIVE,
    r"trajectories\..*\.activity\.|growth\.": "volumes of goods",
    r"trajectories\..*_fraction\.": "Dy and Tb per magnet",
    r"trajectories\..*\.(magnet_mass|pm_share)[a-z_]*\.": "magnets per good",
    r"trajectories\.": "yield of magnet making and other demand",
    r"recycling\.|lifetimes\.|anchors\.(eol|history)": "recycling",
    r"elements\..*\.recovery_factor": OUTSIDE,
    r"projects\.|events\.|anchors\.(regime|availability)": OUTSIDE,
}


def group_of(name: str, chinese: frozenset[str] = frozenset()) -> str:
    """
    Return the group of an input.

    Parameters
    ----------
    name : str
        Name of an input.
    chinese : frozenset of str
        Rows of the Chinese bloc, from `chinese_rows`.

    Returns
    -------
    str
        "" for a named factor, which acts through its inputs.
    """
    if ".".join(name.split(".")[:2]) in chinese:
        return CAPTIVE
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
        the group's inputs), largest first; not a number where there are too few draws for so many
        inputs. Groups that share a factor share variance, so the shares need not sum to 1.

    Raises
    ------
    ReesupplyError
        If the draws of the inputs were not kept.
    """
    import pandas as pd

    draws, chinese = input_draws(result), chinese_rows(result.plan.scenario)
    members: dict[str, list[int]] = {}
    for row, name in enumerate(result.input_names):
        if group := group_of(name, chinese):
            members.setdefault(group, []).append(row)
    with ONE_BLAS_THREAD:
        rows = [
            (group, len(at), _explained(normal_scores(draws[at]), output, result.weights))
            for group, at in members.items()
        ]
    frame = pd.DataFrame(rows, columns=["group", "inputs", "share"]).set_index("group")
    return frame.sort_values("share", ascending=False)


def _explained(scores: FloatArray, output: FloatArray, weights: FloatArray | None) -> float:
    """Return adjusted R squared, at least 0, of lines in scores of shape (input, draw)."""
    scores = scores[np.ptp(scores, axis=1) > 0.0]
    share = _shares(output.size, weights)
    size = 1.0 / float((share**2).sum())
    if size < len(scores) + 2:
        return float("nan")
    if not len(scores) or not np.ptp(output):
        return 0.0
    scores = scores - (scores @ share)[:, np.newaxis]
    own = output - output @ share
    cross = scores @ (share * own)
    # normal equations: scores are of one size, and inputs that always go together only cost rank
    lines, _, rank, _ = np.linalg.lstsq((scores * share) @ scores.T, cross, rcond=1e-10)
    left = (1.0 - lines @ cross / (share @ own**2)) * (size - 1.0) / (size - 1.0 - rank)
    return max(1.0 - float(left), 0.0)


def _shares(size: int, weights: FloatArray | None) -> FloatArray:
    return np.full(size, 1.0 / size) if weights is None else weights


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

    draws, weights = input_draws(result), result.weights
    share = _shares(output.size, weights)
    ranks, own = _ranks(draws, weights), _ranks(output, weights)
    with ONE_BLAS_THREAD:
        ranks -= (ranks @ share)[:, np.newaxis]
        own -= own @ share
        scale = np.sqrt((ranks**2 @ share) * (own**2 @ share))
        found = np.divide(ranks @ (share * own), scale, out=np.zeros(len(ranks)), where=scale > 0.0)
    chinese = chinese_rows(result.plan.scenario)
    groups = [group_of(name, chinese) or "named factor" for name in result.input_names]
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


def input_draws(result: Result) -> FloatArray:
    """
    Return the draws of all kept inputs, shape (input, draw).

    Raises
    ------
    ReesupplyError
        If they were not kept.
    """
    if "inputs" not in result.arrays:
        msg = "the draws of the inputs were not kept; simulate with keep=None or ('inputs', ...)"
        raise ReesupplyError(msg)
    return result.arrays["inputs"]


def chinese_rows(*scenarios: Scenario) -> frozenset[str]:
    """
    Return the projects whose feed the Chinese bloc controls, and their outages.

    Parameters
    ----------
    *scenarios : Scenario
        A row counts that is Chinese in any of them.

    Returns
    -------
    frozenset of str
        As "projects.id" and "events.id".
    """
    rows = [row for one in scenarios for row in one.rows("projects")]
    projects = {f"projects.{row.id}" for row in rows if row.bloc == "china"}
    events = [row for one in scenarios for row in one.rows("events")]
    return frozenset(projects | {f"events.{row.id}" for row in events if row.target in projects})


def mid_ranks(x: FloatArray, weights: FloatArray) -> FloatArray:
    """
    Weight of the draws below each draw, and half of that of its ties.

    Parameters
    ----------
    x : ndarray, shape (draw,)
        Values.
    weights : ndarray, shape (draw,)
        Non-negative, sum 1.

    Returns
    -------
    ndarray, shape (draw,)
        Within 0 and 1.
    """
    order = np.argsort(x)
    ordered = x[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    tied = np.add.reduceat(weights[order], first)
    out = np.empty(x.size)
    out[order] = np.repeat(np.cumsum(tied) - 0.5 * tied, np.diff(np.r_[first, x.size]))
    return out


def _ranks(x: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Rank over the last axis; under weights: the weight below, and half of that of the ties."""
    from scipy.stats import rankdata

    if weights is not None:
        return np.apply_along_axis(mid_ranks, -1, x, weights)
    return np.asarray(rankdata(x, axis=-1), dtype=np.float64)
