"""
Oxide that comes back: process scrap of magnet making, and goods at the end of life.

New scrap is the loss of magnet making times what is recovered of it. End of life is what leaves
use, through collection, dismantling and processing, limited by the plants that recycle it. A
recycler is never supply by itself. Scrap becomes oxide with a delay; what is on its way is a stock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["delayed", "end_of_life", "logistic_rise", "new_scrap"]


def logistic_rise(
    level: FloatArray, ceiling: FloatArray, rate: FloatArray, elapsed: npt.ArrayLike
) -> FloatArray:
    r"""
    Let a share rise from today's level to a ceiling.

    Parameters
    ----------
    level : ndarray, shape (draw,)
        :math:`c_0`, share in the base year.
    ceiling : ndarray, shape (draw,)
        m, share in the end; a ceiling below the level is the level.
    rate : ndarray, shape (draw,)
        k, growth rate while the share is small [1/yr].
    elapsed : array_like, shape (year,)
        Years since the base year.

    Returns
    -------
    ndarray, shape (year, draw)
        :math:`m / (1 + (m/c_0 - 1) e^{-k t})`, the logistic curve through the level.
    """
    years = np.asarray(elapsed, dtype=level.dtype)[:, np.newaxis]
    top = np.maximum(ceiling, level)
    gap = np.divide(top - level, level, out=np.zeros_like(top), where=level > 0.0)
    return np.asarray(np.where(level > 0.0, top / (1.0 + gap * np.exp(-rate * years)), 0.0))


def delayed(arising: FloatArray, delay: FloatArray) -> FloatArray:
    r"""
    Flow that comes out of processing a while after it went in.

    Parameters
    ----------
    arising : ndarray, shape (..., year + 1, draw)
        :math:`A_t`, what goes in [t/yr], from the year before the first.
    delay : ndarray, shape (draw,)
        d, from 0 to 1 year.

    Returns
    -------
    ndarray, shape (..., year, draw)
        :math:`(1 - d) A_t + d A_{t-1}`; :math:`d A_t` is under way at the end of year t.
    """
    return np.asarray(arising[..., 1:, :] * (1.0 - delay) + arising[..., :-1, :] * delay)


def new_scrap(scrap: FloatArray, recovery: FloatArray) -> FloatArray:
    """
    Oxide recovered from process scrap.

    Parameters
    ----------
    scrap : ndarray, shape (bloc, element, year, draw)
        Oxide in process scrap, as it comes out of processing [t/yr].
    recovery : ndarray, shape (bloc, year, draw)
        Share of the process scrap that becomes oxide again.

    Returns
    -------
    ndarray, shape (bloc, element, year, draw)
        [t oxide/yr]; the rest is lost.
    """
    return scrap * recovery[:, np.newaxis]


def end_of_life(
    recoverable: FloatArray,
    limit: FloatArray,
    capacity: FloatArray,
    adjustment: npt.ArrayLike = 1.0,
    counted: Sequence[int] | None = None,
) -> FloatArray:
    """
    Oxide recovered from goods at the end of life.

    Parameters
    ----------
    recoverable : ndarray, shape (bloc, element, year, draw)
        What leaves use times collection, dismantling and processing [t/yr].
    limit : ndarray, shape (bloc, element, year, draw)
        What leaves use times processing: all that a perfect collection would give [t/yr].
    capacity : ndarray, shape (bloc, year, draw)
        Capacity of the recyclers, all elements together [t/yr].
    adjustment : array_like, broadcastable to (element, year, draw)
        Factor on `recoverable` that meets the measured base year.
    counted : sequence of int, optional
        Elements in whose tonnes the capacity is given; all when None. The others ride along.

    Returns
    -------
    ndarray, shape (bloc, element, year, draw)
        [t oxide/yr], at most `limit` and in sum over the counted elements at most `capacity`.
    """
    wanted = np.minimum(recoverable * np.asarray(adjustment), limit)
    total = (wanted if counted is None else wanted[:, list(counted)]).sum(axis=1)
    # not "total > capacity": a capacity that is not a number must not pass as no limit
    share = np.divide(capacity, total, out=np.ones_like(total), where=~(total <= capacity))
    recovered: FloatArray = wanted * share[:, np.newaxis]
    return recovered
