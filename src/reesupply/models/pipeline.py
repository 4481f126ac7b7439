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

__all__ = [
    "decided",
    "delay_under",
    "first_feed_after_decision",
    "first_feed_slipped",
    "succeeds",
]


def decided(
    outcome: npt.ArrayLike,
    decide: npt.ArrayLike,
    abandon: npt.ArrayLike,
    regime: npt.ArrayLike = 1.0,
) -> tuple[FloatArray, FloatArray]:
    r"""
    Whether the investment decision comes before abandonment, and how fast either comes.

    Parameters
    ----------
    outcome : array_like
        Uniform number; a higher one is better.
    decide, abandon : array_like
        :math:`h_F` and :math:`h_A` [1/year].
    regime : array_like
        Factor m on :math:`h_F`, hence on the odds of a decision: 0 is a world that builds nothing,
        infinity one that builds all.

    Returns
    -------
    taken : ndarray
        1 with probability :math:`m h_F / (m h_F + h_A)`, else 0.
    hazard : ndarray
        :math:`m h_F + h_A` [1/year].
    """
    against = np.asarray(abandon, dtype=np.float64)
    hazard = np.asarray(np.multiply(regime, decide) + against, dtype=np.float64)
    return np.where(np.asarray(outcome) * hazard >= against, 1.0, 0.0), hazard


def succeeds(
    outcome: npt.ArrayLike, probability: npt.ArrayLike, regime: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""
    Whether a plant that is built works.

    Parameters
    ----------
    outcome : array_like
        Uniform number; a higher one is better.
    probability : array_like
        Chance p that it works.
    regime : array_like
        Factor m on the odds :math:`p / (1 - p)`.

    Returns
    -------
    ndarray
        1 with probability :math:`m p / (m p + 1 - p)`, else 0.
    """
    odds = np.multiply(regime, probability)
    failing = 1.0 - np.asarray(probability, dtype=np.float64)
    return np.where(np.asarray(outcome) * (odds + failing) >= failing, 1.0, 0.0)


def delay_under(delay: npt.ArrayLike, regime: npt.ArrayLike) -> FloatArray:
    """
    Scale a delay: a kinder regime shortens it, an infinitely kind one knows none.

    Parameters
    ----------
    delay : array_like
        Years, or a schedule factor less one; negative where things are early.
    regime : array_like
        Factor m.

    Returns
    -------
    ndarray
        ``delay / m``; earliness does not grow in a harsh regime.
    """
    years = np.asarray(delay, dtype=np.float64)
    return np.asarray(years / np.where(years > 0.0, regime, np.maximum(regime, 1.0)))


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
