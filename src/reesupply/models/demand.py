r"""
Demand for oxide, by end use, place and year.

Oxide in finished goods is activity x share with such magnets x magnet mass x element fraction x
oxide per metal; what makers buy is that over the yield of magnet making. Growth and thrifting are
counted once: they are what the parameters do between their anchor years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "along_anchors",
    "anchor_weights",
    "base_year_factor",
    "by_place",
    "magnet_oxide",
    "place_shares",
    "residual_index",
]


def along_anchors(
    values: FloatArray, anchor_years: npt.ArrayLike, years: npt.ArrayLike
) -> FloatArray:
    """
    Interpolate linearly between anchor years, constant before the first and after the last.

    Parameters
    ----------
    values : ndarray, shape (anchor, draw)
        Values at the anchor years.
    anchor_years : array_like, shape (anchor,)
        Ascending.
    years : array_like, shape (year,)
        Where values are wanted.

    Returns
    -------
    ndarray, shape (year, draw)
    """
    return np.asarray(np.matmul(anchor_weights(anchor_years, years), values))


def anchor_weights(anchor_years: npt.ArrayLike, years: npt.ArrayLike) -> FloatArray:
    """
    Weights of anchor years in each year, for many paths that have the same anchors.

    Parameters
    ----------
    anchor_years, years : array_like
        As in `along_anchors`.

    Returns
    -------
    ndarray, shape (year, anchor)
        At most two of a row are not 0; each row sums to 1.
    """
    anchors = np.asarray(anchor_years, dtype=np.float64)
    wanted = np.asarray(years, dtype=np.float64)
    place = np.interp(wanted, anchors, np.arange(anchors.size))
    low = np.minimum(place.astype(np.intp), anchors.size - 1)
    weights = np.zeros((wanted.size, anchors.size))
    row = np.arange(wanted.size)
    weights[row, low] = 1.0 - (place - low)
    weights[row, np.minimum(low + 1, anchors.size - 1)] += place - low
    return weights


def magnet_oxide(magnets: FloatArray, fraction: FloatArray, oxide_per_metal: float) -> FloatArray:
    """
    Oxide contained in magnets.

    Parameters
    ----------
    magnets : ndarray, shape (..., year, draw)
        Finished magnets [t/yr].
    fraction : ndarray, shape (..., year, draw)
        Metal of the element per magnet [kg/kg].
    oxide_per_metal : float
        Oxide per metal [kg/kg].

    Returns
    -------
    ndarray, shape (..., year, draw)
        [t oxide/yr].
    """
    return magnets * fraction * oxide_per_metal


def base_year_factor(
    bottom_up: FloatArray,
    new_scrap: FloatArray,
    fixed: FloatArray,
    supply: FloatArray,
    end_of_life: FloatArray,
    end_of_life_limit: FloatArray,
    stock_change: FloatArray,
) -> FloatArray:
    r"""
    Factor on the bottom-up rows that makes base-year supply less demand the drawn stock change.

    Supply and demand of the base year are two views of one chain. Gross demand is
    :math:`f B + D_0`, new scrap is :math:`f N`, end of life is :math:`\min(E, f L)`, so

    .. math:: S + f N + \min(E, f L) - f B - D_0 = \Delta

    has one solution per draw and element as long as :math:`N + L < B`.

    Parameters
    ----------
    bottom_up : ndarray
        B, unscaled gross demand of the scaled end uses [t].
    new_scrap : ndarray
        N, recovered new scrap that it leaves [t].
    fixed : ndarray
        D_0, demand of end uses that are not scaled [t].
    supply : ndarray
        S, supply from mines [t].
    end_of_life : ndarray
        E, recovered from end of life as measured [t].
    end_of_life_limit : ndarray
        L, the most that could be recovered per unit of f [t].
    stock_change : ndarray
        Stocks built in the base year [t].

    Returns
    -------
    ndarray
        f; not positive where the inputs contradict each other, NaN where nothing is needed.
    """
    need = supply - fixed - stock_change
    measured = _over(need + end_of_life, bottom_up - new_scrap)
    limited = _over(need, bottom_up - new_scrap - end_of_life_limit)
    return np.where(end_of_life > end_of_life_limit * measured, limited, measured)


def residual_index(total: FloatArray, own: FloatArray, weight: FloatArray) -> FloatArray:
    r"""
    Past demand of the end uses without a series of their own: what the total leaves.

    Parameters
    ----------
    total : ndarray, shape (year,)
        T, all demand of a past year over that of the base year.
    own : ndarray, shape (end_use, year)
        I, the same of the end uses that have a series; NaN for the others.
    weight : ndarray, shape (end_use, draw)
        w, demand in the base year, in any unit.

    Returns
    -------
    ndarray, shape (year, draw)
        :math:`\max\big(0, (T \sum_u w_u - \sum_s w_s I_s) / \sum_r w_r\big)` with s the end uses
        that have a series and r the others, so that together they add up to the total; 0 where
        the others need nothing.
    """
    has = np.isfinite(own).all(axis=1)
    rest = weight[~has].sum(axis=0)
    total, own = (each.astype(weight.dtype, copy=False) for each in (total, own))
    left = total[:, np.newaxis] * weight.sum(axis=0)
    for index, size in zip(own[has], weight[has], strict=True):
        left -= index[:, np.newaxis] * size
    found = np.divide(left, rest, out=np.zeros_like(left), where=rest > 0.0)
    return np.asarray(np.maximum(found, 0.0, out=found))


def _over(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Divide; NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole != 0.0)


def place_shares(total: FloatArray, ratio: FloatArray, weight: FloatArray) -> FloatArray:
    r"""
    Share of each group of goods outside China, so that all together have a given share.

    Parameters
    ----------
    total : ndarray, shape (year, draw)
        S, share of all goods outside China.
    ratio : ndarray, shape (end_use, year, draw)
        r, how much more of these goods is outside than of all; 1 where nothing is known.
    weight : ndarray, shape (end_use, year, draw)
        w, tonnes by which the goods count.

    Returns
    -------
    ndarray, shape (end_use, year, draw)
        :math:`s_i = \min(1, S\, r_i \sum_j w_j / \sum_j r_j w_j)`; what the limit cuts off goes to
        the others in proportion to their part in China, so that together they have S of all.
    """
    counted = (ratio * weight).sum(axis=0)
    whole = weight.sum(axis=0)
    mean = np.divide(counted, whole, out=np.ones_like(whole), where=whole > 0.0)
    level = np.divide(total, mean, out=np.zeros_like(total), where=mean > 0.0)
    share = np.minimum(ratio * level, 1.0)
    short = total * whole - (share * weight).sum(axis=0)
    room = ((1.0 - share) * weight).sum(axis=0)
    more = np.divide(short, room, out=np.zeros_like(room), where=(room > 0.0) & (short > 0.0))
    share += (1.0 - share) * np.minimum(more, 1.0)
    return np.asarray(share)


def by_place(amount: FloatArray, outside: FloatArray) -> FloatArray:
    """
    Split amounts by end use between China and the rest.

    Parameters
    ----------
    amount : ndarray, shape (end_use, element, year, draw)
        World amounts.
    outside : ndarray, shape (end_use, year, draw)
        Share outside China.

    Returns
    -------
    ndarray, shape (2, element, year, draw)
        Sum over end uses, China first; the two sum to all of `amount`.
    """
    result = np.zeros((2, *amount.shape[1:]), dtype=amount.dtype)
    np.einsum("ueyd,uyd->eyd", amount, 1.0 - outside, out=result[0])
    np.einsum("ueyd,uyd->eyd", amount, outside, out=result[1])
    return result
