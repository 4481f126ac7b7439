"""Growth at a constant rate, in few long steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["compound"]


def compound(first: FloatArray, factor: FloatArray, out: FloatArray) -> FloatArray:
    r"""
    Paths that grow by the same factor each year.

    Parameters
    ----------
    first : ndarray, shape (..., draw)
        Values of the first year.
    factor : ndarray, shape (..., draw)
        Value of a year over that of the year before; overwritten with its powers.
    out : ndarray, shape (year, ..., draw)
        Where the paths are written.

    Returns
    -------
    ndarray
        `out`, :math:`x_t = x_0 g^t`.

    Notes
    -----
    Years are written 1, 1, 2, 4, 8 ... at a time, each stretch being all before it times a power
    of the factor: as few operations as the recurrence, and each is long.

    Examples
    --------
    >>> compound(np.array([2.0]), np.array([3.0]), np.empty((5, 1))).T
    array([[  2.,   6.,  18.,  54., 162.]])
    """
    out[0] = first
    done = 1
    while done < len(out):
        more = min(done, len(out) - done)
        np.multiply(out[:more], factor, out=out[done : done + more])
        done += more
        if done < len(out):
            np.multiply(factor, factor, out=factor)
    return out
