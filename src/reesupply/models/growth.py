r"""
How far an outlook of sales may be wrong: growth that is not known, and shocks that stay.

Sales follow a path, a judged or published outlook, save for an error that is a random walk with an
uncertain drift. Its size is fitted to the history of the series; `reesupply.analysis.fit` does
that. Errors are in logarithms, or, where a market can be full, in log odds of the share of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["grown", "growth_error"]


def growth_error(
    volatility: FloatArray, drift: FloatArray, shocks: FloatArray, fitted: FloatArray
) -> FloatArray:
    r"""
    Error of an outlook in the years after the last one observed.

    Parameters
    ----------
    volatility : ndarray, shape (draw,)
        :math:`\sigma`, standard deviation of yearly growth.
    drift : ndarray, shape (draw,)
        Standard normal number of the mean growth.
    shocks : ndarray, shape (year, draw)
        Standard normal numbers of the years, the first after the last observed one.
    fitted : ndarray, shape (draw,)
        n, number of yearly increments from which the mean growth was estimated.

    Returns
    -------
    ndarray, shape (year, draw)
        :math:`e_h = \sigma\,(h\,z / \sqrt{n} + \sum_{k \le h} z_k)`, whose standard deviation is
        :math:`\sigma\sqrt{h + h^2/n}`; with :math:`\sigma` drawn from its posterior this is the
        Student predictive of a random walk with drift.
    """
    ahead = np.arange(1, len(shocks) + 1, dtype=shocks.dtype)[:, np.newaxis]
    walk = np.cumsum(shocks, axis=0)
    walk += ahead * (drift / np.sqrt(fitted))
    return np.asarray(volatility * walk)


def grown(path: FloatArray, error: FloatArray, ceiling: FloatArray | None = None) -> FloatArray:
    r"""
    Path of an outlook with its error.

    Parameters
    ----------
    path : ndarray, shape (year, draw)
        Outlook, not negative.
    error : ndarray, shape (year, draw)
        Of `growth_error`.
    ceiling : ndarray, shape (draw,), optional
        Level C at which the market is full; a path that is above it has no error.

    Returns
    -------
    ndarray, shape (year, draw)
        :math:`x e^{e}`, or with a ceiling :math:`C x / (x + (C - x) e^{-e})`.
    """
    if ceiling is None:
        return np.asarray(path * np.exp(error))
    room = np.maximum(ceiling - path, 0.0)
    room *= np.exp(-error)
    room += path
    kept = np.divide(path, room, out=np.zeros_like(room), where=room > 0.0)
    return np.asarray(np.where(path > ceiling, path, ceiling * kept))
