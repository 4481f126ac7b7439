r"""
How a new mine or plant climbs from first feed to its plateau.

Every curve is a share of nameplate as a function of the time since first feed,
is exactly 0 before it, and comes with its exact average over calendar years: a
ramp that is read off at year ends overstates the first year by half.

Time since first feed is in months, dates are decimal years, and arrays have
draws last with years just before them: ``(..., year, draw)``.

References
----------
.. [1] McNulty T., "Developing innovative technology", Mining Engineering 50(10),
   1998: four classes of start-up curve.
.. [2] Mackey P. J. and Nesset J. E., "The impact of commissioning and start-up
   performance on a mining/metallurgical project", CMP Proceedings, 2003.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "RampTable",
    "calendar_year_average",
    "gompertz_ramp",
    "gompertz_ramp_average",
    "linear_ramp_average",
    "logistic_ramp",
    "logistic_ramp_average",
    "weibull_ramp",
    "weibull_ramp_integral",
]

MONTHS = 12.0
_TABLE_ERROR = 1e-5  # largest error of a yearly average read from a RampTable, share of plateau
_TAIL_ERROR = 1e-6  # what is still missing from the plateau where the table ends
_MAX_CELLS = 2**22  # 32 MiB


def _positive(name: str, value: npt.ArrayLike, *, zero: bool = False) -> FloatArray:
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
    scale, shape = _positive("tau", tau), _positive("beta", beta)
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
    scale, shape = _positive("tau", tau), _positive("beta", beta)
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
    return _yearly(first_feed, years, weibull_ramp_integral, (tau, beta, plateau))


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
    length = MONTHS * _positive("ramp_years", ramp_years, zero=True)
    return _yearly(first_feed, years, _linear_integral, (length,))


def _linear_integral(months: FloatArray, length: FloatArray) -> FloatArray:
    """Cumulative output in months of nameplate of a linear ramp; a length of 0 is a step."""
    elapsed = np.maximum(months, 0.0)
    climbing = np.minimum(elapsed, length)
    divisor = np.where(length > 0.0, length, 1.0)
    return np.asarray(0.5 * climbing * (climbing / divisor) + (elapsed - climbing))


def logistic_ramp(
    months: npt.ArrayLike, rate: npt.ArrayLike, midpoint: npt.ArrayLike, plateau: npt.ArrayLike = 1
) -> FloatArray:
    r"""
    Share of nameplate a given time after first feed, logistic curve pinned at the start.

    The plain curve :math:`L(t) = 1/(1 + e^{-k(t - t_{50})})` is positive at first feed; it is
    shifted and stretched to start at 0 and still reach the plateau.

    Parameters
    ----------
    months : array_like
        Time since first feed [months]; all arguments broadcast.
    rate : array_like
        k, positive [1/month].
    midpoint : array_like
        Inflection of the plain curve, zero or positive [months after first feed].
    plateau : array_like
        Share of nameplate reached in the end.

    Returns
    -------
    ndarray
        :math:`U [L(t) - L(0)] / [1 - L(0)]`, and 0 where `months` is not positive.

    Raises
    ------
    ReesupplyError
        If `rate` or `midpoint` is out of range.
    """
    k, middle = _positive("rate", rate), _positive("midpoint", midpoint, zero=True)
    elapsed = np.maximum(np.asarray(months, dtype=np.float64), 0.0)
    start = special.expit(-k * middle)
    share = (special.expit(k * (elapsed - middle)) - start) / (1.0 - start)
    return np.asarray(np.multiply(plateau, share), dtype=np.float64)


def logistic_ramp_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    midpoint: npt.ArrayLike,
    plateau: npt.ArrayLike = 1.0,
) -> FloatArray:
    """
    Average share of nameplate in each calendar year, pinned logistic curve, exact.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years.
    rate, midpoint, plateau : array_like
        As in `logistic_ramp`; they broadcast with `first_feed`.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        Average share of nameplate.

    Raises
    ------
    ReesupplyError
        If a parameter is out of range, or `years` has more than one axis.
    """
    k, middle = _positive("rate", rate), _positive("midpoint", midpoint, zero=True)
    return _yearly(first_feed, years, _logistic_integral, (k, middle, plateau))


def _logistic_integral(
    months: FloatArray, rate: FloatArray, midpoint: FloatArray, plateau: FloatArray
) -> FloatArray:
    """Cumulative output in months of nameplate of the pinned logistic curve."""
    elapsed = np.maximum(months, 0.0)
    start = special.expit(-rate * midpoint)
    area = np.logaddexp(0.0, rate * (elapsed - midpoint)) - np.logaddexp(0.0, -rate * midpoint)
    return np.asarray(plateau * (area / rate - start * elapsed) / (1.0 - start))


def gompertz_ramp(
    months: npt.ArrayLike, rate: npt.ArrayLike, lag: npt.ArrayLike, plateau: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""
    Share of nameplate a given time after first feed, Gompertz curve pinned at the start.

    Parameters
    ----------
    months : array_like
        Time since first feed [months]; all arguments broadcast.
    rate : array_like
        k, positive [1/month].
    lag : array_like
        b, positive; the plain curve :math:`G(t) = e^{-b e^{-kt}}` starts at :math:`e^{-b}`.
    plateau : array_like
        Share of nameplate reached in the end.

    Returns
    -------
    ndarray
        :math:`U [G(t) - G(0)] / [1 - G(0)]`, and 0 where `months` is not positive.

    Raises
    ------
    ReesupplyError
        If `rate` or `lag` is not positive and finite.
    """
    k, b = _positive("rate", rate), _positive("lag", lag)
    elapsed = np.maximum(np.asarray(months, dtype=np.float64), 0.0)
    share = (np.exp(-b * np.exp(-k * elapsed)) - np.exp(-b)) / -np.expm1(-b)
    return np.asarray(np.multiply(plateau, share), dtype=np.float64)


def gompertz_ramp_average(
    first_feed: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    lag: npt.ArrayLike,
    plateau: npt.ArrayLike = 1.0,
) -> FloatArray:
    r"""
    Average share of nameplate in each calendar year, pinned Gompertz curve, exact.

    Parameters
    ----------
    first_feed : array_like, shape (...,) or (..., draw)
        Date of first feed, decimal years.
    years : array_like, shape (year,)
        Calendar years.
    rate, lag, plateau : array_like
        As in `gompertz_ramp`; they broadcast with `first_feed`.

    Returns
    -------
    ndarray, shape (..., year, draw), or (year,) if no argument has a draw axis
        From :math:`\int_0^t e^{-b e^{-ku}} du = [E_1(b e^{-kt}) - E_1(b)] / k`.

    Raises
    ------
    ReesupplyError
        If a parameter is not positive and finite, or `years` has more than one axis.
    """
    k, b = _positive("rate", rate), _positive("lag", lag)
    return _yearly(first_feed, years, _gompertz_integral, (k, b, plateau))


def _gompertz_integral(
    months: FloatArray, rate: FloatArray, lag: FloatArray, plateau: FloatArray
) -> FloatArray:
    """Cumulative output in months of nameplate of the pinned Gompertz curve."""
    elapsed = np.maximum(months, 0.0)
    log_x = np.log(lag) - rate * elapsed
    # E1(x) = -gamma - ln x + x - ..., exact to the last bit below e^-40, and free of underflow
    first = np.where(
        log_x < -40.0, -np.euler_gamma - log_x, special.exp1(np.exp(np.maximum(log_x, -40.0)))
    )
    area = (first - special.exp1(lag)) / rate
    return np.asarray(plateau * (area - np.exp(-lag) * elapsed) / -np.expm1(-lag))


def _yearly(
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


@dataclass(frozen=True, eq=False)
class RampTable:
    r"""
    Yearly averages of several Weibull ramp classes by table look-up.

    With h the cumulative output at plateau 1 (`weibull_ramp_integral`), the table holds
    :math:`a_c(t) = [h_c(t + 12) - h_c(t)] / 12` of each class c on a uniform grid of the months t
    from first feed to 1 January (negative in the year of first feed), and interpolates linearly.
    That is the same number as interpolating h at both edges of the year and taking the
    difference, because the step divides the month, at half the look-ups.

    Parameters
    ----------
    tau : tuple of float
        Time scale of each class, positive [months].
    beta : tuple of float
        Shape of each class, positive.

    Attributes
    ----------
    cells_per_month : int
        A power of two, so that a year is a whole number of cells.

    Raises
    ------
    ReesupplyError
        If the tuples are empty or differ in length, a value is not positive, or a class is so
        steep that the table would be larger than 32 MiB.

    Notes
    -----
    h is convex with slope r(t), so linear interpolation overestimates it by at most
    :math:`\delta\,\Delta r / 4` in a cell of length :math:`\delta` over which r rises by
    :math:`\Delta r`. Both edges of a year err to the same side, hence a yearly average errs by at
    most :math:`\max \delta \Delta r / 48`; the step is halved until this is below 1e-5 of plateau.
    The table ends where the slowest class is within 1e-6 of plateau.
    """

    tau: tuple[float, ...]
    beta: tuple[float, ...]
    cells_per_month: int = field(init=False)
    _value: FloatArray = field(init=False, repr=False)
    _slope: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.tau or len(self.tau) != len(self.beta):
            msg = (
                "tau and beta must have one value per class; "
                f"got {len(self.tau)} and {len(self.beta)}."
            )
            raise ReesupplyError(msg)
        tau, beta = _positive("tau", self.tau), _positive("beta", self.beta)
        horizon = float((tau * (-np.log(_TAIL_ERROR)) ** (1.0 / beta)).max())
        cells = _cells_per_month(horizon, tau, beta)
        # one cell of zeros before the year of first feed, one full year past the horizon
        first, last = -12 * cells - 1, int(np.ceil(horizon + MONTHS)) * cells
        months = np.arange(first, last + 1) / cells
        start = np.zeros((tau.size, 1))
        value = _yearly_from_months(months, tau[:, np.newaxis], beta[:, np.newaxis]) + start
        slope = np.diff(value, axis=1, append=value[:, -1:])
        object.__setattr__(self, "cells_per_month", cells)
        object.__setattr__(self, "_value", _frozen(value))
        object.__setattr__(self, "_slope", _frozen(slope))

    def average(
        self,
        first_feed: FloatArray,
        klass: npt.NDArray[np.integer],
        plateau: npt.ArrayLike,
        years: npt.ArrayLike,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """
        Average share of nameplate of every plant in each calendar year.

        Parameters
        ----------
        first_feed : ndarray, shape (plant, draw)
            Date of first feed, decimal years; infinity is a plant that never starts.
        klass : ndarray of int, shape (plant, draw) or broadcastable to it
            Index of the ramp class.
        plateau : array_like, shape (plant, draw) or broadcastable to it
            Share of nameplate reached in the end.
        years : array_like of int, shape (year,)
            Consecutive calendar years.
        out : ndarray, shape (plant, year, draw), optional
            Where the result is written.

        Returns
        -------
        ndarray, shape (plant, year, draw)
            Average share of nameplate, exactly 0 before first feed, NaN where `first_feed` is NaN.

        Raises
        ------
        ReesupplyError
            If `years` are not consecutive, `klass` is outside the table, or `out` has the wrong
            shape.

        Examples
        --------
        >>> table = RampTable(tau=(4.88, 40.0), beta=(0.93, 0.95))
        >>> first_feed = np.array([[2030.0, 2031.5]])
        >>> table.average(first_feed, np.array([[0, 1]]), 1.0, [2030, 2031]).round(2)
        array([[[0.63, 0.  ],
                [0.96, 0.04]]])
        """
        start = np.asarray(first_feed, dtype=np.float64)
        calendar = _consecutive(years)
        shape = (*start.shape[:-1], calendar.size, start.shape[-1])
        if out is None:
            out = np.empty(shape)
        elif out.shape != shape:
            msg = f"out must have shape {shape}; got {out.shape}."
            raise ReesupplyError(msg)
        low, cell, fraction = self._cells(start, np.asarray(klass), calendar)
        high = low + (self._value.shape[1] - 1)
        level = np.broadcast_to(np.asarray(plateau, dtype=np.float64), start.shape)
        self._fill(out, cell, low=low, high=high, fraction=fraction, level=level)
        return out

    def _cells(
        self, start: FloatArray, klass: npt.NDArray[np.integer], calendar: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
        """Flat index of each class's first cell, of the cell of the first year, place in it."""
        classes, columns = self._value.shape
        if klass.size and not (klass.min() >= 0 and klass.max() < classes):
            msg = f"klass must be 0 to {classes - 1}; got {klass.min()} to {klass.max()}."
            raise ReesupplyError(msg)
        year = 12 * self.cells_per_month
        # position in the table on 1 January of the first year; far outside is as good as the edge
        position = (calendar[0] - start) * float(year) + (year + 1)
        np.clip(position, -float(year) * calendar.size, float(columns), out=position)
        whole = np.floor(position)
        fraction = position - whole
        with np.errstate(invalid="ignore"):  # NaN stays in the fraction, any cell will do
            cell = whole.astype(np.intp)
        low = np.broadcast_to(klass.astype(np.intp) * columns, start.shape)
        return low, cell + low, fraction

    def _fill(
        self,
        out: FloatArray,
        cell: npt.NDArray[np.intp],
        *,
        low: npt.NDArray[np.intp],
        high: npt.NDArray[np.intp],
        fraction: FloatArray,
        level: FloatArray,
    ) -> None:
        """Write one year after the other: a year is a whole number of cells further on."""
        value, slope = self._value.reshape(-1), self._slope.reshape(-1)
        at, result, rise = np.empty_like(cell), np.empty(cell.shape), np.empty(cell.shape)
        for year in range(out.shape[-2]):
            np.maximum(cell, low, out=at)
            np.minimum(at, high, out=at)
            # the index is inside the table already; "clip" only spares numpy a second check
            slope.take(at, out=rise, mode="clip")
            value.take(at, out=result, mode="clip")
            rise *= fraction
            result += rise
            np.multiply(result, level, out=out[..., year, :])
            cell += 12 * self.cells_per_month


def _frozen(array: FloatArray) -> FloatArray:
    """Return the array, contiguous and read-only."""
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array


def _consecutive(years: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the years as integers, or raise if one is missing."""
    calendar = np.asarray(years)
    if calendar.ndim != 1 or not calendar.size or not (np.diff(calendar) == 1).all():
        msg = f"years must be consecutive; got {calendar.tolist()}."
        raise ReesupplyError(msg)
    return calendar.astype(np.int64)


def _yearly_from_months(months: FloatArray, tau: FloatArray, beta: FloatArray) -> FloatArray:
    """Average of the year that begins `months` after first feed, at plateau 1."""
    later = weibull_ramp_integral(months + MONTHS, tau, beta)
    return (later - weibull_ramp_integral(months, tau, beta)) / MONTHS


def _cells_per_month(horizon: float, tau: FloatArray, beta: FloatArray) -> int:
    """Return the smallest power of two that keeps the error of a yearly average in bounds."""
    cells = 1
    while (horizon + 2.0 * MONTHS) * cells * tau.size <= _MAX_CELLS:
        months = np.arange(int(horizon * cells) + 2) / cells
        share = weibull_ramp(months, tau[:, np.newaxis], beta[:, np.newaxis])
        steepest = float(np.diff(share, axis=1).max())
        if steepest / cells / (4.0 * MONTHS) <= _TABLE_ERROR:
            return cells
        cells *= 2
    msg = f"tau must not be so small or so uneven; got {tau.min()} to {tau.max()} months."
    raise ReesupplyError(msg)
