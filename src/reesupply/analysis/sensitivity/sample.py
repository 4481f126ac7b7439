"""Draws of inputs and an output, in blocks that are resampled for intervals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.drivers import mid_ranks
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

#: Blocks of independent draws, and the fewest draws of one.
BLOCKS, SMALLEST = 64, 8


@dataclass(frozen=True, slots=True)
class Estimate:
    """Values with their 95 % intervals; arrays of one shape."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


class Sample:
    """
    Draws of inputs and of one output with weights, ordered by blocks.

    All measures are functions of sums over draws. The sums are kept by block, and a bootstrap
    draws blocks with replacement: it costs the same for any number of draws, and holds where draws
    of one block depend on each other, as Sobol points do.

    Parameters
    ----------
    inputs : ndarray, shape (input, draw)
        Values; only their ranks count.
    output : ndarray, shape (draw,)
        What is explained.
    weights : ndarray, shape (draw,), optional
        Non-negative.
    blocks : ndarray of int, shape (draw,), optional
        Block of each draw, from 0; by default 64 runs of consecutive draws, which are then taken
        for independent.
    dummy : bool
        Whether random numbers that nothing follows come last as one more input.
    resamples : int
        Number of bootstrap resamples; 0 gives no intervals.
    seed : int
        Of the resamples and the dummy.

    Raises
    ------
    ReesupplyError
        If shapes do not fit or the output has a value that is not finite.
    """

    def __init__(
        self,
        inputs: FloatArray,
        output: FloatArray,
        *,
        weights: FloatArray | None = None,
        blocks: IntArray | None = None,
        dummy: bool = False,
        resamples: int = 200,
        seed: int = 0,
    ) -> None:
        size = output.size
        if inputs.ndim != 2 or inputs.shape[1] != size or output.ndim != 1:
            msg = (
                f"sensitivity: found inputs of shape {inputs.shape} and an output of shape "
                f"{output.shape}, allowed are (input, draw) and (draw,)"
            )
            raise ReesupplyError(msg)
        if not np.isfinite(output).all():
            bad = int((~np.isfinite(output)).sum())
            msg = f"sensitivity: {bad} draws of the output are not finite; choose another output"
            raise ReesupplyError(msg)
        if blocks is None:
            blocks = np.arange(size) * max(min(BLOCKS, size // SMALLEST), 1) // size
        order = np.argsort(blocks, kind="stable")
        edges = np.flatnonzero(np.diff(blocks[order], prepend=-1))
        self.blocks = np.unique(blocks, return_inverse=True)[1][order]
        #: Where each block begins and ends.
        self.slices = [slice(a, b) for a, b in zip(edges, [*edges[1:], size], strict=True)]
        ordered = bool((order[1:] > order[:-1]).all())
        weights = np.full(size, 1.0 / size) if weights is None else weights / weights.sum()
        self.weights = weights[order]
        #: Mean of the output; `output` is what it has beside it.
        self.mean = float(output @ weights)
        self.output = output[order] - self.mean
        #: Weight below each draw and half of that of its ties, shape (input, draw).
        self.ranks = np.empty((len(inputs) + dummy, size))
        for row, values in enumerate(inputs):  # one by one: no second matrix
            self.ranks[row] = mid_ranks(values if ordered else values[order], self.weights)
        if dummy:
            noise = np.random.default_rng([seed, 1]).random(size)
            self.ranks[-1] = mid_ranks(noise, self.weights)
        #: Draws that equal weights would need for the same precision.
        self.size = 1.0 / float(self.weights @ self.weights)
        number = len(self.slices)
        again = np.random.default_rng(seed).multinomial(
            number, np.full(number, 1.0 / number), size=resamples if number > 1 else 0
        )
        #: How often each block counts, shape (1 + resample, block); row 0 is the sample itself.
        self.counts = np.vstack([np.ones((1, number)), again])

    @cached_property
    def scores(self) -> FloatArray:
        """Normal numbers of the ranks, shape (input, draw)."""
        from scipy.special import ndtri

        # a rank is strictly within 0 and 1 where a draw weighs anything
        out = np.clip(self.ranks, 1e-12, 1.0 - 1e-12)
        return np.asarray(ndtri(out, out=out))

    @cached_property
    def halves(self) -> npt.NDArray[np.bool_]:
        """Whether a draw is in the half that fits, shape (draw,); the other half judges."""
        return np.asarray(self.blocks % 2 == 0)

    @cached_property
    def moved(self) -> npt.NDArray[np.bool_]:
        """Which inputs are not the same in all draws."""
        return np.asarray(np.ptp(self.ranks, axis=1) > 0.0)

    def by_block(self, values: FloatArray) -> FloatArray:
        """Add up over the draws of each block: (..., draw) to (block, ...)."""
        return np.stack([values[..., at].sum(axis=-1) for at in self.slices])

    def resampled(self, sums: FloatArray) -> FloatArray:
        """Turn sums by block, shape (block, ...), into those of resamples, (1 + resample, ...)."""
        return np.asarray(np.tensordot(self.counts, sums, axes=1))

    def estimate(self, values: FloatArray) -> Estimate:
        """
        Value and 95 % interval from those of all resamples, shape (1 + resample, ...).

        The interval is the value plus and minus Student's t times the standard deviation of the
        resamples: with as few as 16 blocks their percentiles would be too narrow, and those of a
        distance, which resampling makes larger, would not hold the value.
        """
        from scipy.special import stdtrit

        number = len(self.slices)
        wide = np.full(values.shape[1:], np.nan)
        if len(values) > 2:
            factor = float(stdtrit(number - 1.0, 0.975)) * np.sqrt(number / (number - 1.0))
            wide = factor * values[1:].std(axis=0, ddof=1)
        return Estimate(values[0], values[0] - wide, values[0] + wide)
