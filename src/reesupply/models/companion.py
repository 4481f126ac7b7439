r"""
Companion supply: how much of a metal follows its own price when a basket of metals pays the mine.

A rare-earth mine sells all its elements together. A tonne of its concentrate holds the mass
:math:`w_e` of the oxide of element :math:`e`, of which :math:`r_e` is recovered and sold at
:math:`p_e`, so that the operator sees the basket

.. math:: B = \sum_e w_e r_e p_e, \qquad s_e = w_e r_e p_e / B, \qquad \sum_e s_e = 1.

Output that answers the basket with the elasticity :math:`\eta_B` answers the price of one element
only through its share, for :math:`\partial \ln B / \partial \ln p_e = s_e`:

.. math:: \eta_e = \eta_B s_e.

Where the share is small, supply of the element is practically fixed, whatever its price; a metal
that is won from another industry's stream follows that host's output altogether.

The measure of this dependence is the companionality of Nassar, Graedel and Harper [1]_, who find
the rare earths to be companions nearly everywhere. Two to six per cent of the basket of a
bastnaesite or monazite mine and 40 to 60 per cent of that of an ionic clay being heavy rare earths
is a judgement, to be replaced by the share that follows from an assay and a set of prices.

References
----------
.. [1] Nassar N. T., Graedel T. E. and Harper E. M., "By-product metals are technologically
   essential but have problematic supply", Science Advances, 1 (3), e1400180, 2015,
   doi:10.1126/sciadv.1400180.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "basket_share",
    "basket_value",
    "by_product",
    "own_price_elasticity",
    "supply_response",
]

KG_PER_TONNE = 1000.0


def basket_value(
    assay: npt.ArrayLike, prices: npt.ArrayLike, recovery: npt.ArrayLike = 1.0
) -> tuple[FloatArray, FloatArray]:
    r"""
    Value of a tonne of concentrate, by element and in total.

    Parameters
    ----------
    assay : array_like, shape (element, ...)
        Oxide of each element in the concentrate [t/t].
    prices : array_like, shape (element, ...)
        Prices of the separated oxides [USD/kg].
    recovery : array_like, shape (element, ...)
        Share of the contained oxide that is sold, from 0 to 1; one number for all of them or one
        for each.

    Returns
    -------
    by_element : ndarray, shape (element, ...)
        :math:`w_e r_e p_e` [USD/t].
    total : ndarray, shape (...)
        Their sum, the basket :math:`B` [USD/t].
    """
    by_element = (
        np.asarray(assay, dtype=np.float64)
        * np.asarray(recovery, dtype=np.float64)
        * (KG_PER_TONNE * np.asarray(prices, dtype=np.float64))
    )
    return by_element, np.asarray(by_element.sum(axis=0))


def basket_share(by_element: npt.ArrayLike, elements: int | Sequence[int]) -> FloatArray:
    r"""
    Share of one element, or of several together, in the value of the basket.

    Parameters
    ----------
    by_element : array_like, shape (element, ...)
        Values of `basket_value`, or any numbers in proportion to them.
    elements : int or sequence of int
        Places of the elements on the first axis, each counted once.

    Returns
    -------
    ndarray, shape (...)
        :math:`s = \sum_{e} w_e r_e p_e / B`, from 0 to 1; 0 where the basket is worth nothing.
    """
    values = np.asarray(by_element, dtype=np.float64)
    total = np.asarray(values.sum(axis=0))
    chosen = np.asarray(values[np.unique(np.atleast_1d(elements))].sum(axis=0))
    share: FloatArray = np.divide(chosen, total, out=np.zeros_like(total), where=total > 0.0)
    return np.minimum(share, 1.0)  # sums of other order may differ in the last digit


def own_price_elasticity(basket_elasticity: npt.ArrayLike, share: npt.ArrayLike) -> FloatArray:
    r"""
    Elasticity of the supply of an element with respect to its own price.

    Parameters
    ----------
    basket_elasticity : array_like
        Elasticity of the mine's output to the value of its basket, :math:`\eta_B`.
    share : array_like
        Share of the element in the basket, :math:`s`.

    Returns
    -------
    ndarray
        :math:`\eta = \eta_B s`: exact for a small change, and for a finite one the slope at its
        start; `supply_response` follows the share along the way.
    """
    return np.asarray(
        np.asarray(basket_elasticity, dtype=np.float64) * np.asarray(share, dtype=np.float64)
    )


def supply_response(
    base: npt.ArrayLike,
    price_ratio: npt.ArrayLike,
    basket_elasticity: npt.ArrayLike,
    share: npt.ArrayLike,
) -> FloatArray:
    r"""
    Supply after a change of one price, all other prices being equal.

    Parameters
    ----------
    base : array_like
        Supply at the old price [t/yr].
    price_ratio : array_like
        New over old price, not negative.
    basket_elasticity : array_like
        Elasticity of output to the value of the basket, :math:`\eta_B`, not negative.
    share : array_like
        Share of the element, or of elements whose prices move together, in the basket at the old
        prices, :math:`s`, from 0 to 1.

    Returns
    -------
    ndarray
        :math:`Q = Q_0 (B/B_0)^{\eta_B}` with :math:`B/B_0 = 1 + s (p/p_0 - 1)` [t/yr].

    Notes
    -----
    At :math:`p = 0` there remains :math:`Q_0 (1 - s)^{\eta_B}`: a mine of light rare earths goes
    on without the heavy ones. Only a mine that sells nothing else, s = 1, answers with the full
    elasticity, :math:`Q_0 (p/p_0)^{\eta_B}`.
    """
    s = np.asarray(share, dtype=np.float64)
    # and not 1 + s (ratio - 1), which can fall a digit below zero
    basket = (1.0 - s) + s * np.asarray(price_ratio, dtype=np.float64)
    eta = np.asarray(basket_elasticity, dtype=np.float64)
    return np.asarray(np.asarray(base, dtype=np.float64) * basket**eta)


def by_product(
    host_output: npt.ArrayLike, content: npt.ArrayLike, capture: npt.ArrayLike
) -> FloatArray:
    r"""
    Supply from the stream of another product, such as monazite from mineral sands.

    Parameters
    ----------
    host_output : array_like
        Output of the host, which follows the host's own market [t/yr].
    content : array_like
        Oxide of the element per tonne of the host's output [t/t].
    capture : array_like
        Share of it that is won, from 0 to 1: the only part that the price of the element moves.

    Returns
    -------
    ndarray
        :math:`Q = Q_{host} c k` [t/yr], never more than the content however high the price.
    """
    return np.asarray(
        np.asarray(host_output, dtype=np.float64)
        * np.asarray(content, dtype=np.float64)
        * np.asarray(capture, dtype=np.float64)
    )
