"""Rank correlations of an output with every input, alone and given the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.drivers import mid_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.analysis.sensitivity.sample import Sample

    FloatArray = npt.NDArray[np.float64]


def spearman(sample: Sample) -> FloatArray:
    """
    Spearman's rank correlation of the output with every input.

    Parameters
    ----------
    sample : Sample
        The draws.

    Returns
    -------
    ndarray, shape (1 + resample, input)
        The ranks are those of the sample in all resamples. 0 for an input that does not vary.
    """
    own = mid_ranks(sample.output, sample.weights) - 0.5
    pairs = []
    for at in sample.slices:
        x, y, w = sample.ranks[:, at] - 0.5, own[at], sample.weights[at]
        ones = np.ones(len(x))
        pairs.append(
            [w.sum() * ones, x @ w, x**2 @ w, (w @ y) * ones, (w @ y**2) * ones, x @ (w * y)]
        )
    weight, x, xx, y, yy, xy = sample.resampled(np.array(pairs)).transpose(1, 0, 2)
    x, y = x / weight, y / weight
    scale = np.sqrt(np.maximum(xx / weight - x**2, 0.0) * np.maximum(yy / weight - y**2, 0.0))
    out = np.zeros_like(scale)
    return np.asarray(np.divide(xy / weight - x * y, scale, out=out, where=scale > 1e-12))


def partial(sample: Sample, inputs: Sequence[int]) -> FloatArray:
    """
    Partial rank correlation of the output with each of some inputs, given the others.

    Parameters
    ----------
    sample : Sample
        The draws.
    inputs : sequence of int
        Rows of the inputs that are known together.

    Returns
    -------
    ndarray, shape (1 + resample, input)
        Not a number where there are too few draws for so many inputs.

    Notes
    -----
    With P the inverse of the correlation matrix of the ranks, X P is what each input has that the
    others do not tell. What the output has beside them is its residual in all inputs plus that
    input's own part. Resamples weigh these residuals anew. Iman and Conover (1979),
    https://doi.org/10.1080/00401706.1979.10489820.
    """
    rows = np.array([row for row in inputs if sample.moved[row]], dtype=np.intp)
    out = np.full((len(sample.counts), len(inputs)), np.nan)
    if not len(rows) or sample.size < 2.0 * len(rows) + 3.0 or not np.ptp(sample.output):
        return out
    w = sample.weights
    own = mid_ranks(sample.output, w) - 0.5
    matrix, cross = np.zeros((len(rows), len(rows))), np.zeros(len(rows))
    for at in sample.slices:
        x = sample.ranks[rows, at] - 0.5
        root = x * np.sqrt(w[at])
        matrix += root @ root.T
        cross += x @ (w[at] * own[at])
    scale = np.sqrt(np.diag(matrix))
    inverse = np.linalg.pinv(matrix / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    inverse /= np.outer(scale, scale)
    beta, alone = inverse @ cross, inverse / np.diag(inverse)
    sums = np.zeros((len(sample.slices), 3, len(rows)))
    for block, at in enumerate(sample.slices):
        x = sample.ranks[rows, at] - 0.5
        left = alone.T @ x
        rest = (own[at] - beta @ x) + beta[:, np.newaxis] * left
        sums[block] = [(left**2) @ w[at], (rest**2) @ w[at], (left * rest) @ w[at]]
    xx, yy, xy = sample.resampled(sums).transpose(1, 0, 2)
    found = np.divide(xy, np.sqrt(xx * yy), out=np.full_like(xy, np.nan), where=xx * yy > 0.0)
    out[:, [place for place, row in enumerate(inputs) if sample.moved[row]]] = found
    return out
