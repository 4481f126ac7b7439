"""Outflow as one matrix product, a known past folded into the first year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["outflow_matrix"]


def outflow_matrix(leaving: FloatArray, past: FloatArray, n_years: int) -> FloatArray:
    r"""
    Matrix that turns inflows of the years of a forecast into outflows.

    Parameters
    ----------
    leaving : ndarray, shape (..., lag)
        :math:`f_k`, share that leaves in the k-th year after inflow, see `leaving_share`.
    past : ndarray, shape (..., past year)
        :math:`h_j`, inflow j years before the first year over the inflow of the first year,
        j = 1, 2, ...; the same in all draws.
    n_years : int
        Years of the forecast.

    Returns
    -------
    ndarray, shape (..., year, year)
        M with outflow = M @ inflow: :math:`M_{ts} = f_{t-s}` for s from 1 to t, and
        :math:`M_{t0} = f_t + \sum_j h_j f_{t+j}`, since the past is proportional to the first year.

    Raises
    ------
    ReesupplyError
        If `leaving` does not reach from the oldest past year to the last year.

    Examples
    --------
    >>> outflow_matrix(np.array([0.0, 0.5, 0.3, 0.2]), np.array([0.5]), 3)
    array([[0.25, 0.  , 0.  ],
           [0.65, 0.  , 0.  ],
           [0.4 , 0.5 , 0.  ]])
    """
    lags = n_years + past.shape[-1]
    if leaving.shape[-1] < lags:
        msg = f"leaving must cover {lags} years; got {leaving.shape[-1]}."
        raise ReesupplyError(msg)
    lag = np.subtract.outer(np.arange(n_years), np.arange(n_years))
    matrix = np.where(lag >= 0, leaving[..., np.maximum(lag, 0)], 0.0)
    for year in range(n_years):
        old = leaving[..., year + 1 : year + 1 + past.shape[-1]]
        matrix[..., year, 0] += (past * old).sum(axis=-1)
    return matrix
