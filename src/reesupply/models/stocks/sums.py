"""Sums over cohorts, in blocks of draws that stay in the processor's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["blocks", "convolve", "year_axis"]

#: Draws at a time, so that what is worked on stays in a cache of 2 MiB; no bit depends on it.
KERNEL_BLOCK, SUM_BLOCK = 512, 2048
#: Blocks are padded to it, so that no draw is summed by another loop than its neighbour.
_MULTIPLE = 8


def blocks(shape: tuple[int, ...], size: int) -> Iterator[slice]:
    """Slices of the draws of an array (..., year, draw), fewer at a time where items come first."""
    items = int(np.prod(shape[:-2], dtype=np.int64))
    size = max(size // max(items, 1), _MULTIPLE)
    for start in range(0, shape[-1], size):
        yield slice(start, min(start + size, shape[-1]))


def year_axis(share: FloatArray) -> int:
    """Years are the only axis of a plain kernel, otherwise the one before draws."""
    return 0 if share.ndim == 1 else -2


def convolve(
    series: FloatArray, kernel: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """
    Sum over cohorts of series[cohort] times kernel[year - cohort].

    Parameters
    ----------
    series : ndarray, shape (..., year, draw)
        What comes in.
    kernel : ndarray, shape (lag,) or (..., lag, draw)
        Weights by lag, at least as many as years.
    out : ndarray, shape of the result, optional
        Where to write the sums.

    Returns
    -------
    ndarray, shape (..., year, draw)
        Sums; the bits of a draw do not depend on the other draws if the kernel has draws.

    Raises
    ------
    ReesupplyError
        If the kernel is too short.
    """
    n = series.shape[-2]
    if kernel.shape[year_axis(kernel)] < n:
        msg = f"a lag kernel must cover {n} years; got {kernel.shape[year_axis(kernel)]}."
        raise ReesupplyError(msg)
    if kernel.ndim == 1:
        lag = np.subtract.outer(np.arange(n), np.arange(n))
        return np.matmul(np.where(lag >= 0, kernel[np.abs(lag)], 0.0), series, out=out)
    kernel = kernel[..., :n, :]
    shape = np.broadcast_shapes(series.shape, kernel.shape)
    total = np.empty(shape) if out is None else out
    series, kernel = np.broadcast_to(series, shape), np.broadcast_to(kernel, shape)
    for item in np.ndindex(shape[:-2]):
        for start in range(0, shape[-1], SUM_BLOCK):
            draws = slice(start, start + SUM_BLOCK)
            _sum_block(series[item][:, draws], kernel[item][:, draws], total[item][:, draws])
    return total


def _sum_block(series: FloatArray, kernel: FloatArray, total: FloatArray) -> None:
    """
    One item and up to `SUM_BLOCK` draws.

    A year's sum is one call that multiplies and adds without keeping the products: half the memory
    traffic of a product and a sum. It is quickest on contiguous rows.
    """
    came, share = _packed(series), _packed(kernel)
    # a row of the result is contiguous even where the array is not
    direct = total.shape == came.shape and total.strides[-1] == total.itemsize
    sums = total if direct else np.empty(came.shape)
    for year in range(len(came)):
        np.einsum("cd,cd->d", came[: year + 1], share[year::-1], out=sums[year])
    if not direct:
        total[...] = sums[:, : total.shape[1]]


def _packed(array: FloatArray) -> FloatArray:
    """Return contiguous rows whose length is a multiple of `_MULTIPLE`, zeros at their ends."""
    years, draws = array.shape
    if draws % _MULTIPLE == 0 and array.flags.c_contiguous:
        return array
    packed = np.empty((years, -(-draws // _MULTIPLE) * _MULTIPLE))
    packed[:, :draws], packed[:, draws:] = array, 0.0
    return packed
