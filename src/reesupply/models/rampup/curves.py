"""
The Weibull-type curve and the straight line, and how a curve is averaged over calendar years.

A calendar year is averaged exactly, from the curve's integral over the months since first feed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "calendar_year_average",
    "creep_average",
    "linear_ramp_average",
    "weibull_ramp",
    "weibull_ramp_integral",
]

MONTHS = 12.0  # of a year


def weibull_ramp(
    months: npt.ArrayLike, tau: npt.ArrayLike, beta: npt.ArrayLike, plateau: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""
    Share of nameplate a given time after first feed, Weibull-type curve.

    Parameters
    ----------
    months : array_like
        Time since first feed [months]; all arguments broadcast.
    tau : array_like
        Time scale, positive [months].
    beta : array_like
        Shape, positive; above 1 the curve is S-shaped.
    plateau : array_like
        Share of nameplate reached in the end.

    Returns
    -------
    ndarray
        :math:`U (1 - e^{-(t/\tau)^\beta})`, and 0 where `months` is not positive.

    Raises
    ------
    ReesupplyError
        If `tau` or `beta` is not positive and finite.
    """
    scale, shape = positive("tau", tau), positive("beta", beta)
    elapsed = np.maximum(np.asarray(months, dtype=np.float64), 0.0)
    with np.errstate(over="ignore"):  # an infinite exponent is a ramp that is over
        share = -np.expm1(-((elapsed / scale) ** shape))
    return np.asarray(np.multiply(plateau, share), dtype=np.float64)


def weibull_ramp_integral(
    months: npt.ArrayLike, tau: npt.ArrayLike, beta: npt.ArrayLike, plateau: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""
    Cumulative output since first feed, in months of nameplate output.

    Parameters
    ----------
    months : array_like
        Time since first feed [months]; all arguments broadcast.
    tau, beta, plateau : array_like
        As in `weibull_ramp`.

    Returns
    -------
    ndarray
        :math:`H(t) = U [t - \tau \Gamma(1 + 1/\beta) P(1/\beta, (t/\tau)^\beta)]` with the
        regularised lower incomplete gamma function P, and 0 where `months` is not positive.

    Raises
    ------
    ReesupplyError
        If `tau` or `beta` is not positive and finite.
    """
    scale, shape = positive("tau", tau), positive("beta", beta)
    elapsed = np.maximum(np.asarray(months, dtype=np.float64), 0.0)
    with np.errstate(over="ignore"):
        power = (elapsed / scale) ** shape
    lost = scale * special.gamma(1.0 + 1.0 / shape) * special.gammainc(1.0 / shape, power)
    return np.asarray(np.multiply(plateau, elapsed - lost), dtype=np.float64)


def calendar_year_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    tau: npt.ArrayLike,
    beta: npt.ArrayLike,
    plateau: npt.ArrayLike = 1.0,
) -> FloatArray:
    r"""
    Average share of nameplate in each calendar year, Weibull-type curve.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years; year 2030 runs from 2030.0 to 2031.0.
    tau, beta, plateau : array_like
        As in `weibull_ramp`; they broadcast with `first_feed`.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        :math:`[H(t_1) - H(t_0)] / 12`, exact.

    Raises
    ------
    ReesupplyError
        If `tau` or `beta` is not positive and finite, or `years` has more than one axis.

    Examples
    --------
    A plant of McNulty's class 1 that starts with the year:

    >>> calendar_year_average(2030.0, [2029, 2030, 2031, 2032], 4.88, 0.93).round(2)
    array([0.  , 0.63, 0.96, 0.99])
    """
    return yearly_average(first_feed, years, weibull_ramp_integral, (tau, beta, plateau))


def linear_ramp_average(
    first_feed: npt.ArrayLike, years: npt.ArrayLike, ramp_years: npt.ArrayLike
) -> FloatArray:
    """
    Average share of nameplate in each calendar year, straight line from 0 to 1.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years.
    ramp_years : array_like
        Time from first feed to full output [years]; 0 is a step. Broadcasts with `first_feed`.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        Exact averages.

    Raises
    ------
    ReesupplyError
        If `ramp_years` is negative or not finite, or `years` has more than one axis.

    Examples
    --------
    >>> linear_ramp_average(2030.5, [2029, 2030, 2031, 2032, 2033], 2.0)
    array([0.    , 0.0625, 0.5   , 0.9375, 1.    ])
    """
    length = MONTHS * positive("ramp_years", ramp_years, zero=True)
    return yearly_average(first_feed, years, _linear_integral, (length,))


def creep_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    after: npt.ArrayLike,
    plateau: npt.ArrayLike,
) -> FloatArray:
    r"""
    Average share of nameplate that later debottlenecking adds in each calendar year.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years.
    rate : array_like
        Share of nameplate gained per year, positive; broadcasts with `first_feed`.
    after : array_like
        Months after first feed at which it sets in.
    plateau : array_like
        Share of nameplate that the ramp-up itself reaches; the gain ends at nameplate.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        Yearly average of :math:`\min(1 - U, c (t - t_c)_+)`, exact.

    Raises
    ------
    ReesupplyError
        If `rate` is not positive, or `years` has more than one axis.

    Examples
    --------
    A plant stuck at 0.56 of nameplate gains 3 points a year from its fourth year on:

    >>> creep_average(2030.0, [2032, 2033, 2034], 0.03, 36.0, 0.56).round(3)
    array([0.   , 0.015, 0.045])
    """
    slope = positive("rate", rate)
    room = np.asarray(1.0 - np.asarray(plateau, dtype=np.float64))
    begin = np.add(first_feed, np.asarray(after, dtype=np.float64) / MONTHS)
    gain = linear_ramp_average(begin, years, np.maximum(room, 0.0) / slope)
    if gain.ndim > 1 and room.ndim > 0:
        room = room[..., np.newaxis, :]
    return np.asarray(gain * np.maximum(room, 0.0))


def _linear_integral(months: FloatArray, length: FloatArray) -> FloatArray:
    """Cumulative output in months of nameplate of a linear ramp; a length of 0 is a step."""
    elapsed = np.maximum(months, 0.0)
    climbing = np.minimum(elapsed, length)
    divisor = np.where(length > 0.0, length, 1.0)
    return np.asarray(0.5 * climbing * (climbing / divisor) + (elapsed - climbing))


def positive(name: str, value: npt.ArrayLike, *, zero: bool = False) -> FloatArray:
    """Return `value` as floats, or say which element is not a positive finite number."""
    array = np.asarray(value, dtype=np.float64)
    good = np.isfinite(array) & ((array >= 0.0) if zero else (array > 0.0))
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        place = f" at index {where}" if where else ""
        rule = "zero or positive" if zero else "positive"
        msg = f"{name} must be {rule} and finite; got {array[where]}{place}."
        raise ReesupplyError(msg)
    return array


def yearly_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    integral: Callable[..., FloatArray],
    parameters: tuple[npt.ArrayLike, ...],
) -> FloatArray:
    """
    Average a curve over calendar years from its integral over months since first feed.

    All arguments but `years` broadcast to (..., draw); the result has a year axis before draws.
    """
    calendar = np.asarray(years, dtype=np.float64)
    if calendar.ndim != 1:
        msg = f"years must have one axis; got shape {calendar.shape}."
        raise ReesupplyError(msg)
    values = [np.asarray(v, dtype=np.float64) for v in (first_feed, *parameters)]
    if any(v.ndim for v in values):
        values = [v if v.ndim == 0 else v[..., np.newaxis, :] for v in values]
        calendar = calendar[:, np.newaxis]
    start, *rest = values
    elapsed = MONTHS * (calendar - start)
    return np.asarray((integral(elapsed + MONTHS, *rest) - integral(elapsed, *rest)) / MONTHS)
