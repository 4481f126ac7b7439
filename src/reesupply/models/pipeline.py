r"""
When a project starts, if it ever does.

A project that is not decided faces two hazards a year, an investment decision :math:`h_F` and
abandonment :math:`h_A`: with E exponential of mean 1 the first of the two comes
:math:`E / (h_F + h_A)` years after the earliest possible decision, and it is the decision with
probability :math:`h_F / (h_F + h_A)`. One draw so decides success and date together; a separate
coin for success and a separate delay would count the risk twice.

Dates are decimal years; "never" is infinity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["first_feed_after_decision", "first_feed_slipped"]


def first_feed_slipped(
    start: npt.ArrayLike, slip: npt.ArrayLike, works: npt.ArrayLike, data_date: float
) -> FloatArray:
    """
    First feed of a plant that is being built or commissioned.

    Parameters
    ----------
    start : array_like
        Owner's date of first feed [decimal year].
    slip : array_like
        Years after it.
    works : array_like
        1 where the plant will work, 0 where it fails.
    data_date : float
        Nothing that has not started by then starts earlier [decimal year].

    Returns
    -------
    ndarray
        ``max(data_date, start + slip)``, infinity where it fails.
    """
    date = np.maximum(np.add(start, slip), data_date)
    return np.where(np.asarray(works) > 0.5, date, np.inf)


def first_feed_after_decision(
    start: npt.ArrayLike,
    construction: npt.ArrayLike,
    wait: npt.ArrayLike,
    taken: npt.ArrayLike,
    schedule: npt.ArrayLike,
    works: npt.ArrayLike,
    *,
    hazard: npt.ArrayLike,
    minimum_wait: npt.ArrayLike,
    data_date: float,
) -> FloatArray:
    r"""
    First feed of a project that still needs its investment decision.

    Parameters
    ----------
    start : array_like
        Owner's date of first feed [decimal year].
    construction : array_like
        Planned years of construction; at most the time from the data date to `start` counts.
    wait : array_like
        Standard exponential draw E.
    taken : array_like
        1 where the decision is taken, 0 where the project is abandoned.
    schedule : array_like
        Built over planned construction time.
    works : array_like
        1 where the built plant works.
    hazard : array_like
        :math:`h_F + h_A` [1/year].
    minimum_wait : array_like
        Least years from the data date to the decision.
    data_date : float
        Decimal year.

    Returns
    -------
    ndarray
        :math:`\max(start - C, v + w) + E/(h_F + h_A) + C S`, infinity where it never starts.
    """
    build = np.minimum(construction, np.maximum(np.subtract(start, data_date), 0.0))
    earliest = np.maximum(np.subtract(start, build), np.add(data_date, minimum_wait))
    decision = earliest + np.divide(wait, hazard)
    starts = (np.asarray(taken) > 0.5) & (np.asarray(works) > 0.5)
    return np.where(starts, decision + build * np.asarray(schedule), np.inf)
