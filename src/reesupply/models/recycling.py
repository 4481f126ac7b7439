"""
Oxide that comes back: process scrap of magnet making, and goods at the end of life.

New scrap is the loss of magnet making times what is recovered of it. End of life is what leaves
use, through collection, dismantling and processing, limited by the plants that recycle it. A
recycler is never supply by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["end_of_life", "new_scrap"]


def new_scrap(gross: FloatArray, yield_: FloatArray, recovery: FloatArray) -> FloatArray:
    """
    Oxide recovered from process scrap.

    Parameters
    ----------
    gross : ndarray, shape (bloc, element, year, draw)
        Oxide bought for uses that leave process scrap [t/yr].
    yield_ : ndarray, shape (year, draw)
        Oxide in finished goods per oxide bought.
    recovery : ndarray, shape (bloc, year, draw)
        Share of the process scrap that becomes oxide again.

    Returns
    -------
    ndarray, shape (bloc, element, year, draw)
        [t oxide/yr].
    """
    return gross * ((1.0 - yield_) * recovery)[:, np.newaxis]


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
