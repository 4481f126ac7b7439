"""Measures of one input at a time from slices of it: first order, PAWN, tornado."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.drivers import mid_ranks

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.analysis.sensitivity.sample import Sample

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

#: Slices of an input for PAWN, and steps of the output's rank.
PAWN_SLICES, PAWN_STEPS = 10, 100
#: An input is low between its P5 and P15, and high between its P85 and P95.
LOW, HIGH = (0.05, 0.15), (0.85, 0.95)


def bins(ranks: FloatArray, number: int) -> IntArray:
    """Return the equally probable bin of each draw of an input; equal values share a bin."""
    return np.asarray(np.minimum((ranks * number).astype(np.int64), number - 1))


def bin_number(sample: Sample) -> int:
    """Return the number of bins of a first-order index, the root of the number of draws."""
    return max(int(np.sqrt(sample.size)), 2)


def first_order(sample: Sample, ranks: FloatArray) -> FloatArray:
    """
    First-order index of an input, the share of the output's variance between bins of the input.

    Parameters
    ----------
    sample : Sample
        The draws.
    ranks : ndarray, shape (draw,)
        One row of its ranks.

    Returns
    -------
    ndarray, shape (1 + resample,)
        Corrected for the scatter of the bins' means, so that an input that does nothing has 0 on
        average and may be slightly below.

    Notes
    -----
    With weights w, bins b and p_b their weight, pure noise has the share
    sum_b (sum_(i in b) w_i^2) / p_b between bins; for equal weights it is the number of bins over
    that of draws, and the correction that of Kelley (1935). The partition of given data is that of
    Plischke, Borgonovo and Smith (2013), https://doi.org/10.1016/j.ejor.2012.11.047.
    """
    number, weights, output = bin_number(sample), sample.weights, sample.output
    shape = (len(sample.slices), number)
    cell = sample.blocks * number + bins(ranks, number)

    def table(of: FloatArray) -> FloatArray:
        counted = np.bincount(cell, of, shape[0] * number).astype(np.float64, copy=False)
        return counted.reshape(shape)

    weight = sample.resampled(table(weights))
    squares = (sample.counts**2) @ table(weights**2)
    sums = sample.resampled(table(weights * output))
    total, spread = _total_and_variance(sample)
    filled = weight > 0.0
    inside = np.divide(sums**2, weight, out=np.zeros_like(sums), where=filled).sum(axis=1)
    noise = np.divide(squares, weight, out=np.zeros_like(sums), where=filled).sum(axis=1) / total
    between = inside / total - (sums.sum(axis=1) / total) ** 2
    one = squares.sum(axis=1) / total**2
    share = np.divide(between, spread, out=np.zeros_like(spread), where=spread > 0.0)
    left = np.divide(1.0 - one, 1.0 - noise, out=np.full_like(one, np.nan), where=noise < 1.0)
    return np.asarray(np.where(spread > 0.0, 1.0 - (1.0 - share) * left, 0.0))


def _total_and_variance(sample: Sample) -> tuple[FloatArray, FloatArray]:
    """Weight and variance of the output in every resample."""
    w, y = sample.weights, sample.output
    sums = sample.resampled(sample.by_block(np.stack([w, w * y, w * y * y])))
    total = sums[:, 0]
    return total, sums[:, 2] / total - (sums[:, 1] / total) ** 2


def pawn(sample: Sample, ranks: FloatArray, steps: IntArray) -> FloatArray:
    """
    PAWN index of an input: how far the output's distribution moves when the input is known.

    Parameters
    ----------
    sample : Sample
        The draws.
    ranks : ndarray, shape (draw,)
        One row of its ranks.
    steps : ndarray of int, shape (draw,)
        Rank of the output in 100 steps, from `output_steps`.

    Returns
    -------
    ndarray, shape (1 + resample,)
        Median over ten slices of the input of the Kolmogorov-Smirnov distance between the output
        in the slice and in all draws. It is above 0 for an input that does nothing.

    Notes
    -----
    Pianosi and Wagener (2018), https://doi.org/10.1016/j.envsoft.2018.07.019.
    """
    place = bins(ranks, PAWN_SLICES)
    cells = PAWN_SLICES * PAWN_STEPS
    cell = (sample.blocks * PAWN_SLICES + place) * PAWN_STEPS + steps
    counted = np.bincount(cell, sample.weights, len(sample.slices) * cells)
    mass = sample.counts @ counted.reshape(-1, cells)
    mass = mass.reshape(-1, PAWN_SLICES, PAWN_STEPS)
    whole = mass.sum(axis=1)
    in_slice = mass.sum(axis=2)
    below = np.cumsum(mass, axis=2)
    np.divide(below, in_slice[..., np.newaxis], out=below, where=in_slice[..., np.newaxis] > 0.0)
    below -= (np.cumsum(whole, axis=1) / whole.sum(axis=1, keepdims=True))[:, np.newaxis]
    distance = np.abs(below).max(axis=2)
    distance[in_slice == 0.0] = np.nan  # an input of few values leaves slices empty
    used = ~np.isnan(distance).all(axis=1)
    found = np.full(len(distance), np.nan)
    found[used] = np.nanmedian(distance[used], axis=1)
    return found


def output_steps(sample: Sample) -> IntArray:
    """Return the rank of the output in equally probable steps, shape (draw,)."""
    return bins(mid_ranks(sample.output, sample.weights), PAWN_STEPS)


def tornado(sample: Sample, ranks: FloatArray) -> FloatArray:
    """
    Mean of the output where an input is low, where it is high, and the difference.

    Parameters
    ----------
    sample : Sample
        The draws.
    ranks : ndarray, shape (draw,)
        One row of its ranks.

    Returns
    -------
    ndarray, shape (1 + resample, 3)
        Mean output, less the mean of all draws, for values of the input from P5 to P15 and from P85
        to P95, and high minus low. All draws of a value count that the range touches, so that a
        yes or no has a mean for each.
    """
    w, y = sample.weights, sample.output
    rows = []
    for low, high in (LOW, HIGH):
        inside = (ranks >= low) & (ranks <= high)
        # a value as common as the range may have its rank outside of it
        for level in (low, high):
            inside |= ranks == _covering(ranks, w, level)
        rows += [w * inside, w * inside * y]
    sums = sample.resampled(sample.by_block(np.stack(rows)))
    full = np.where(sums[:, [0, 2]] > 0.0, sums[:, [0, 2]], np.nan)
    ends = sums[:, [1, 3]] / full
    return np.column_stack([ends, ends[:, 1] - ends[:, 0]])


def _covering(ranks: FloatArray, weights: FloatArray, level: float) -> float:
    """Return the rank of the value whose draws cover a level; equal ranks are equal values."""
    below = ranks.max(where=ranks <= level, initial=-np.inf)
    above = ranks.min(where=ranks >= level, initial=np.inf)
    border = below + 0.5 * weights.sum(where=ranks == below)
    return float(below if level <= border or np.isinf(above) else above)
