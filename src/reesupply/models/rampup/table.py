"""Yearly averages of many plants at once, by table look-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.models.rampup.curves import MONTHS, positive
from reesupply.models.rampup.kinds import KINDS

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.models.rampup.kinds import Kind

    FloatArray = npt.NDArray[np.float64]

__all__ = ["RampTable"]

_TABLE_ERROR = 1e-5  # largest error of a yearly average read from the table, share of plateau
_TAIL_ERROR = 1e-6  # what is still missing from the plateau where the table ends
_MAX_CELLS = 2**22  # 32 MiB
_PLANTS = 8


@dataclass(frozen=True, eq=False)
class RampTable:
    r"""
    Yearly averages of several ramp classes by table look-up.

    With h the cumulative output at plateau 1 (for example `weibull_ramp_integral`), the table holds
    :math:`a_c(t) = [h_c(t + 12) - h_c(t)] / 12` of each class c on a uniform grid of the months t
    from first feed to 1 January (negative in the year of first feed), and interpolates linearly.
    That is the same number as interpolating h at both edges of the year and taking the
    difference, because the step divides the month, at half the look-ups.

    Parameters
    ----------
    tau : tuple of float
        Time of each class, positive [months]; see the table below.
    beta : tuple of float
        Shape or rate of each class, positive; see the table below.
    kinds : tuple of str
        Kind of each class, "weibull", "logistic" or "gompertz"; empty if all are "weibull".

    Attributes
    ----------
    cells_per_month : int
        A power of two, so that a year is a whole number of cells.

    Raises
    ------
    ReesupplyError
        If the tuples are empty or differ in length, a value is not positive, a kind is unknown, or
        a class is so steep that the table would be larger than 32 MiB.

    Notes
    -----
    Both parameters mean something else for each kind, t in months after first feed:

    ========  ======================================  =======================================
    kind      tau [months]                            beta
    ========  ======================================  =======================================
    weibull   time scale                              shape, no unit
    logistic  midpoint, the inflection of plain L(t)  rate k [1/month]
    gompertz  time scale 1/k                          lag b, no unit
    ========  ======================================  =======================================

    - weibull: :math:`1 - e^{-(t/\tau)^\beta}`, ``weibull_ramp(t, tau, beta)``; 0.63 at tau.
    - logistic: :math:`[L(t) - L(0)] / [1 - L(0)]` with :math:`L(t) = 1/(1 + e^{-\beta(t - \tau)})`,
      which is ``logistic_ramp(t, rate=beta, midpoint=tau)``; L climbs from 0.12 to 0.88 between
      2/beta before tau and 2/beta after it.
    - gompertz: :math:`[G(t) - G(0)] / [1 - G(0)]` with :math:`G(t) = e^{-\beta e^{-t/\tau}}`, which
      is ``gompertz_ramp(t, rate=1/tau, lag=beta)``; steepest at tau ln(beta) if beta is above 1,
      else at first feed, and for a small beta the exponential :math:`1 - e^{-t/\tau}`.

    No curve ever falls, so h is convex with slope r(t), and linear interpolation overestimates it
    by at most :math:`\delta\,\Delta r / 4` in a cell of length :math:`\delta` over which r rises by
    :math:`\Delta r`, which is at most :math:`\delta` times the steepest slope of the curve. Both
    edges of a year err to the same side, hence a yearly average errs by at most
    :math:`\max \delta \Delta r / 48`; the step is halved until this is below 1e-5 of plateau.
    The table ends where the slowest class is within 1e-6 of plateau.
    """

    tau: tuple[float, ...]
    beta: tuple[float, ...]
    kinds: tuple[str, ...] = ()
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
        tau, beta = positive("tau", self.tau), positive("beta", self.beta)
        classes = _by_kind(self.kinds, tau.size)
        with np.errstate(over="ignore", divide="ignore"):  # a step, or so long that it is refused
            ends = [kind.end(_TAIL_ERROR, tau[rows], beta[rows]) for kind, rows in classes]
            horizon = max(float(end.max()) for end in ends)
            cells = _cells_per_month(horizon, classes, tau, beta)
            # one cell of zeros before the year of first feed, one full year past the horizon
            first, last = -12 * cells - 1, int(np.ceil(horizon + MONTHS)) * cells
            months = np.arange(first, last + 1) / cells
            value = np.zeros((tau.size, months.size))
            for kind, rows in classes:
                value[rows] += _yearly_from_months(months, kind, *_columns(rows, tau, beta))
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
        calendar, out = self.checked(start, klass, years, out)
        classes = np.broadcast_to(np.asarray(klass), start.shape)
        level = np.broadcast_to(np.asarray(plateau, dtype=out.dtype), start.shape)
        # a few plants at a time, so that what is worked on stays in the processor's cache
        for first in range(0, len(start), _PLANTS) if start.ndim > 1 else (0,):
            some = slice(first, first + _PLANTS) if start.ndim > 1 else slice(None)
            low, cell, fraction = self._cells(start[some], classes[some], calendar)
            high = low + (self._value.shape[1] - 1)
            self._fill(out[some], cell, low=low, high=high, fraction=fraction, level=level[some])
        return out

    @property
    def value(self) -> FloatArray:
        """Average of the year that begins in each cell, (class, cell), read-only."""
        return self._value

    def checked(
        self,
        start: FloatArray,
        klass: npt.NDArray[np.integer],
        years: npt.ArrayLike,
        out: FloatArray | None,
    ) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Return the years, and where the result of `average` goes, or raise as it does."""
        calendar = _consecutive(years)
        shape = (*start.shape[:-1], calendar.size, start.shape[-1])
        if out is not None and out.shape != shape:
            msg = f"out must have shape {shape}; got {out.shape}."
            raise ReesupplyError(msg)
        found, classes = np.asarray(klass), len(self._value)
        if found.size and not (found.min() >= 0 and found.max() < classes):
            msg = f"klass must be 0 to {classes - 1}; got {found.min()} to {found.max()}."
            raise ReesupplyError(msg)
        return calendar, np.empty(shape) if out is None else out

    def _cells(
        self, start: FloatArray, klass: npt.NDArray[np.integer], calendar: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
        """Flat index of each class's first cell, of the cell of the first year, place in it."""
        columns = self._value.shape[1]
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
        value, slope = _in_precision(self, out.dtype)
        at, (result, rise) = np.empty_like(cell), np.empty((2, *cell.shape), dtype=out.dtype)
        fraction = fraction.astype(out.dtype, copy=False)
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


@lru_cache(maxsize=8)  # not on the table: a plan that travels would take it along
def _in_precision(table: RampTable, dtype: np.dtype[Any]) -> tuple[FloatArray, FloatArray]:
    """Return flat values and slopes in the precision of a result."""
    value, slope = (each.astype(dtype, copy=False) for each in (table._value, table._slope))
    return value.reshape(-1), slope.reshape(-1)


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


def _by_kind(kinds: tuple[str, ...], size: int) -> list[tuple[Kind, list[int]]]:
    """Return each kind that occurs with the indices of its classes, or raise if one is unknown."""
    if kinds and len(kinds) != size:
        msg = f"kinds must be empty or have one value per class; got {len(kinds)} and {size}."
        raise ReesupplyError(msg)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(kinds or ("weibull",) * size):
        if name not in KINDS:
            msg = f"kinds: found {name!r}; {nearest(str(name), KINDS)}"
            raise ReesupplyError(msg)
        rows.setdefault(name, []).append(row)
    return [(KINDS[name], each) for name, each in rows.items()]


def _columns(rows: list[int], *parameters: FloatArray) -> list[FloatArray]:
    """Return the parameters of some classes as columns, one row per class."""
    return [each[rows, np.newaxis] for each in parameters]


def _yearly_from_months(
    months: FloatArray, kind: Kind, tau: FloatArray, beta: FloatArray
) -> FloatArray:
    """Average of the year that begins `months` after first feed, at plateau 1."""
    later = kind.integral(months + MONTHS, tau, beta)
    return (later - kind.integral(months, tau, beta)) / MONTHS


def _cells_per_month(
    horizon: float, classes: list[tuple[Kind, list[int]]], tau: FloatArray, beta: FloatArray
) -> int:
    """Return the smallest power of two that keeps the error of a yearly average in bounds."""
    cells = 1
    while (horizon + 2.0 * MONTHS) * cells * tau.size <= _MAX_CELLS:
        months = np.arange(int(horizon * cells) + 2) / cells
        shares = [kind.share(months, *_columns(rows, tau, beta)) for kind, rows in classes]
        # a curve never falls, so its rise between two edges is all the rise within the cell
        steepest = max(float(np.diff(share, axis=1).max()) for share in shares)
        if steepest / cells / (4.0 * MONTHS) <= _TABLE_ERROR:
            return cells
        cells *= 2
    if all(kind is KINDS["weibull"] for kind, _ in classes):
        msg = f"tau must not be so small or so uneven; got {tau.min()} to {tau.max()} months."
    else:
        msg = (
            "no ramp class may be so steep beside one so long; "
            f"got tau {tau.min()} to {tau.max()} and beta {beta.min()} to {beta.max()}."
        )
    raise ReesupplyError(msg)
