"""A fast normal quantile function for blocks of draws."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IndexArray = npt.NDArray[np.intp]

__all__ = ["MAX_ERROR", "lines", "normal_quantile"]

MAX_ERROR = 3e-6
"""Largest error of `normal_quantile`, in standard deviations."""

# A line in each of 16,384 cells of the uniform number (256 KiB, which stays in a second-level
# cache). The curve is steep at both ends, so the 1/64 of all draws there are solved exactly.
_CELLS = 2**14
_TAIL = _CELLS // 128


def normal_quantile(
    uniform: FloatArray,
    out: FloatArray,
    *,
    place: IndexArray,
    work: FloatArray,
    scale: float = 1.0,
) -> FloatArray:
    """
    Turn uniform into normal numbers, in a third of the time of `scipy.special.ndtri`.

    Parameters
    ----------
    uniform : ndarray
        Numbers in the open interval (0, 1), contiguous.
    out : ndarray, shape of `uniform`
        Where the result is written; not `uniform` itself.
    place, work : ndarray, shape of `uniform`
        Integers and floats to work in, overwritten.
    scale : float
        Factor on the result, at no cost.

    Returns
    -------
    ndarray
        `out`, standard normal numbers times `scale`: before that, never further than 3e-6 from
        the exact number, and exact beyond 2.42 on both sides.

    Examples
    --------
    >>> u = np.array([0.001, 0.5, 0.9])
    >>> z = normal_quantile(u, np.empty(3), place=np.empty(3, np.intp), work=np.empty(3))
    >>> z.round(4) + 0.0
    array([-3.0902,  0.    ,  1.2816])
    """
    from scipy.special import ndtri

    at_zero, slope = lines(scale)
    np.multiply(uniform, float(_CELLS), out=place, casting="unsafe")  # the cast cuts off
    # "clip" spares numpy a buffer; the index is inside already
    slope.take(place, out=work, mode="clip")
    at_zero.take(place, out=out, mode="clip")
    work *= uniform
    out += work
    ends = np.flatnonzero(np.isnan(out))
    out.put(ends, ndtri(uniform.take(ends)) * scale)
    return out


@lru_cache(maxsize=8)
def lines(scale: float) -> tuple[FloatArray, FloatArray]:
    """
    Return the lines that `normal_quantile` reads.

    Parameters
    ----------
    scale : float
        Factor on them.

    Returns
    -------
    at_zero, slope : ndarray, shape (16384,)
        Value at zero and slope of the line of each cell; NaN marks the cells of the ends.
    """
    from scipy.special import ndtri

    edges = np.linspace(0.0, 1.0, _CELLS + 1)
    nodes = ndtri(edges)
    with np.errstate(invalid="ignore"):  # the outermost are infinite, and replaced
        slope = np.diff(nodes) * _CELLS
        at_zero = nodes[:-1] - slope * edges[:-1]
        # a chord lies on one side of the curve: moved by half its error, it has half of it
        middle = edges[:-1] + 0.5 / _CELLS
        at_zero += 0.5 * (ndtri(middle) - (at_zero + slope * middle))
    at_zero[:_TAIL] = at_zero[-_TAIL:] = np.nan
    return at_zero * scale, slope * scale
