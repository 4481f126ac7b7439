"""What it is worth to know an input, or a group of them, before a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.sensitivity.emulator import Emulator, solve
from reesupply.analysis.sensitivity.slices import bins

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.analysis.sensitivity.sample import Sample

    FloatArray = npt.NDArray[np.float64]

TONNES, CALL = "tonnes", "call"


def net_benefit(over: FloatArray, loss: str, false_alarm: float) -> FloatArray:
    """
    Benefit of acting over not acting, in every draw.

    Parameters
    ----------
    over : ndarray, shape (draw,)
        By how much the threshold is passed.
    loss : {"tonnes", "call"}
        "tonnes": a wrong decision costs as much as the output is on the other side of the
        threshold. "call": a deficit that was missed costs 1, a false alarm `false_alarm`.
    false_alarm : float
        Of "call" only.

    Returns
    -------
    ndarray, shape (draw,)
        Acting is right where it is positive.
    """
    return over if loss == TONNES else np.where(over > 0.0, 1.0, -false_alarm)


def perfect(sample: Sample, benefit: FloatArray) -> FloatArray:
    """Value of knowing everything, shape (1 + resample,): E max(0, B) - max(0, E B)."""
    return _gain(sample, benefit, benefit > 0.0)


def of_input(sample: Sample, benefit: FloatArray, ranks: FloatArray) -> FloatArray:
    """
    Value of knowing one input, from the mean benefit in bins of it.

    Parameters
    ----------
    sample : Sample
        The draws.
    benefit : ndarray, shape (draw,)
        Net benefit of acting.
    ranks : ndarray, shape (draw,)
        Ranks of the input.

    Returns
    -------
    ndarray, shape (1 + resample,)
        What the rule found on one half of the draws gains on the other; on average no more than
        the true value.
    """
    number = max(round(sample.size ** (1.0 / 3.0)), 2)
    place = bins(ranks, number)
    act = np.zeros(benefit.size, dtype=np.bool_)
    for half in (sample.halves, ~sample.halves):
        found = np.bincount(place, sample.weights * benefit * half, number)
        act |= (found > 0.0)[place] & ~half
    return _gain(sample, benefit, act)


def of_group(emulator: Emulator, benefit: FloatArray, members: Sequence[int]) -> FloatArray:
    """
    Value of knowing a group of inputs, from a regression of the benefit on them.

    Parameters
    ----------
    emulator : Emulator
        Fitted to the benefit.
    benefit : ndarray, shape (draw,)
        Net benefit of acting.
    members : sequence of int
        Rows of the inputs.

    Returns
    -------
    ndarray, shape (1 + resample,)
        As `of_input`; not a number where half of the draws are too few for so many columns.
    """
    sample, known = emulator.sample, frozenset(members)
    columns = [c for c, owner in enumerate(emulator.owners) if owner <= known]
    # few draws have no second half
    if 0.5 * sample.size <= len(columns) + 2 or sample.halves.all():
        return np.full(len(sample.counts), np.nan)
    betas = [_shrunk(half, columns, sample.size) for half in (emulator.fitting, emulator.judging)]
    act = np.zeros(benefit.size, dtype=np.bool_)
    for _, at in emulator.pieces():
        beta = betas[1 if sample.halves[at.start] else 0]
        act[at] = beta @ emulator.columns(at)[columns] + sample.mean > 0.0
    return _gain(sample, benefit, act)


def _shrunk(
    moments: tuple[FloatArray, FloatArray, float], columns: list[int], size: float
) -> FloatArray:
    """Fit to one half, its slopes times adjusted over plain R squared: noise would decide else."""
    gram, cross, square = moments
    gram, cross = gram[np.ix_(columns, columns)], cross[columns]
    beta = solve(gram, cross)
    mean = cross[0] / gram[0, 0]
    spread = square - mean * cross[0]
    share = (beta @ cross - mean * cross[0]) / spread if spread > 0.0 else 0.0
    half = 0.5 * size
    sure = 1.0 - (1.0 - share) * (half - 1.0) / (half - len(columns))
    beta *= max(sure, 0.0) / share if share > 0.0 else 0.0
    # the line still passes through the mean
    beta[0] += mean - gram[0] @ beta / gram[0, 0]
    return beta


def _gain(sample: Sample, benefit: FloatArray, act: npt.NDArray[np.bool_]) -> FloatArray:
    w = sample.weights
    sums = sample.resampled(sample.by_block(np.stack([w, w * benefit, w * benefit * act])))
    # the decision of today is that of all draws; a resample only weighs what it costs
    today = sums[:, 1] * (sums[0, 1] > 0.0)
    return np.asarray((sums[:, 2] - today) / sums[:, 0])
