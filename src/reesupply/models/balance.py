"""Supply less demand, and what accumulates of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["balance", "surplus_stock"]


def balance(
    refined: FloatArray, new_scrap: FloatArray, end_of_life: FloatArray, demand: FloatArray
) -> FloatArray:
    """
    World balance; a deficit is negative.

    Parameters
    ----------
    refined, new_scrap, end_of_life, demand : ndarray, shape (bloc, element, year, draw)
        [t oxide/yr], demand gross.

    Returns
    -------
    ndarray, shape (element, year, draw)
        [t oxide/yr].
    """
    supply: FloatArray = refined.sum(axis=0) + new_scrap.sum(axis=0) + end_of_life.sum(axis=0)
    result: FloatArray = supply - demand.sum(axis=0)
    return result


def surplus_stock(balance: FloatArray) -> FloatArray:
    """
    Stock of past surpluses less later deficits, never below zero.

    It is reported beside the balance; nothing is drawn from it in the balance.

    Parameters
    ----------
    balance : ndarray, shape (element, year, draw)
        [t oxide/yr].

    Returns
    -------
    ndarray, shape (element, year, draw)
        At the end of each year, from an empty store before the first [t oxide].
    """
    stock = np.empty_like(balance)
    held = np.zeros_like(balance[:, 0])
    for year in range(balance.shape[1]):
        held = np.maximum(held + balance[:, year], 0.0)
        stock[:, year] = held
    return stock
