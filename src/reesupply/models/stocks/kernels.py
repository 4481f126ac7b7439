r"""
When a cohort leaves: lag kernels from lifetimes, and sums over cohorts.

A cohort is what entered use in one step. When within the step it entered matters: the same Weibull
lifetime of mean 12 years holds 12.5, 12.0 or 11.5 years of inflow in use, depending on the rule.
Every function therefore says `inflow_at`:

========== ==================================================== ==========================
rule       inflow of a year enters                              share in use, end of year k
========== ==================================================== ==========================
uniform    evenly over the year (exact, the default)            integral of S from k to k+1
start      on 1 January                                         S(k + 1)
middle     on 1 July (flodym's default)                         S(k + 1/2)
end        on 31 December (ODYM: age 0 in its own year)         S(k)
========== ==================================================== ==========================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.models.stocks.base import Lifetime
from reesupply.models.stocks.sums import SUM_BLOCK, blocks, convolve, year_axis

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["InflowAt", "leaving_share", "outflow", "surviving_share"]

InflowAt = Literal["uniform", "start", "middle", "end"]
#: Part of its own step that an inflow spends in use; None where it enters evenly.
ENTRY: dict[str, float | None] = {"uniform": None, "start": 1.0, "middle": 0.5, "end": 0.0}


def surviving_share(
    lifetime: Lifetime, n_years: int, *, inflow_at: InflowAt = "uniform"
) -> FloatArray:
    """
    Share of a year's inflow still in use at the end of the k-th year after it.

    Parameters
    ----------
    lifetime : Lifetime
        Its parameters are numbers or arrays (..., draw).
    n_years : int
        Number of years, the inflow's own year (k = 0) included.
    inflow_at : {"uniform", "start", "middle", "end"}
        When within the year the inflow enters use.

    Returns
    -------
    ndarray, shape (year,), or (..., year, draw) if the lifetime has draws
        Share in [0, 1], never rising.

    Raises
    ------
    ReesupplyError
        If `inflow_at` is unknown or `n_years` is not positive.

    Examples
    --------
    >>> from reesupply.models.stocks import Fixed
    >>> surviving_share(Fixed(2.5), 4)
    array([1. , 1. , 0.5, 0. ])
    >>> surviving_share(Fixed(2.5), 4, inflow_at="end")
    array([1., 1., 1., 0.])
    """
    return _kernel(lifetime, n_years, inflow_at, leaving=False)


def leaving_share(
    lifetime: Lifetime, n_years: int, *, inflow_at: InflowAt = "uniform"
) -> FloatArray:
    """
    Share of a year's inflow that leaves use during the k-th year after it.

    Parameters
    ----------
    lifetime, n_years, inflow_at
        As in `surviving_share`.

    Returns
    -------
    ndarray, shape (year,), or (..., year, draw) if the lifetime has draws
        Differences of `surviving_share`, 1 before the first year: together with what survives the
        last year they sum to 1.

    Raises
    ------
    ReesupplyError
        As in `surviving_share`.
    """
    return _kernel(lifetime, n_years, inflow_at, leaving=True)


def outflow(
    inflow: npt.ArrayLike,
    leaving: npt.ArrayLike | Lifetime,
    *,
    inflow_at: InflowAt = "uniform",
) -> FloatArray:
    r"""
    Outflow from use, :math:`O_t = \sum_{c \le t} I_c f_{t-c}`.

    Parameters
    ----------
    inflow : array_like, shape (..., year, draw) or (year,)
        Mass entering use per year [t].
    leaving : array_like, shape (lag,) or (..., lag, draw), or Lifetime
        `leaving_share`, for at least as many lags as there are years; with one axis, the sum is
        one matrix product. Or the lifetime itself: the shares of a thousand draws at a time are
        then made, used and forgotten, which is the quickest for many draws.
    inflow_at : {"uniform", "start", "middle", "end"}
        When within the year the inflow enters use; only with a lifetime.

    Returns
    -------
    ndarray, shape of `inflow` broadcast with `leaving`
        Mass leaving use per year [t].

    Raises
    ------
    ReesupplyError
        If `leaving` is shorter than `inflow`, or `inflow_at` is unknown.
    """
    series, plain = with_draws(inflow, "inflow")
    if isinstance(leaving, Lifetime):
        total, _ = flows_of(series, leaving, inflow_at, stock=False)
        return without_draws(total, plain and not leaving.has_draws)
    kernel = np.asarray(leaving, dtype=np.float64)
    return without_draws(convolve(series, kernel), plain and kernel.ndim == 1)


def with_draws(series: npt.ArrayLike, name: str) -> tuple[FloatArray, bool]:
    """Give a plain series (year,) a draw axis, and say whether it was plain."""
    array = np.asarray(series, dtype=np.float64)
    if array.ndim == 0 or not array.shape[-2 if array.ndim > 1 else 0]:
        msg = f"{name} must have at least one year; got shape {array.shape}."
        raise ReesupplyError(msg)
    return (array[:, np.newaxis], True) if array.ndim == 1 else (array, False)


def without_draws(array: FloatArray, plain: bool) -> FloatArray:
    """Drop the draw axis that `with_draws` added."""
    return array[..., 0] if plain else array


def flows_of(
    series: FloatArray, lifetime: Lifetime, inflow_at: InflowAt, *, stock: bool
) -> tuple[FloatArray, FloatArray]:
    """Outflow, and the stock if it is asked for (else nothing in it), of one lifetime for all."""
    n = series.shape[-2]
    if not lifetime.has_draws:
        share = surviving_share(lifetime, n, inflow_at=inflow_at)
        held = convolve(series, share) if stock else np.empty(0)
        return convolve(series, leaving_from(share)), held
    shape = np.broadcast_shapes(
        series.shape, (*lifetime.draw_shape[:-1], n, lifetime.draw_shape[-1])
    )
    out, held = np.empty(shape), np.empty(shape if stock else 0)
    for draws in blocks(shape, SUM_BLOCK):
        share = _kernel(lifetime.at_draws(draws), n, inflow_at)
        some = series if series.shape[-1] == 1 else series[..., draws]
        if stock:
            convolve(some, share, out=held[..., draws])
        convolve(some, _leave(share), out=out[..., draws])
    return out, held


def _kernel(
    lifetime: Lifetime, n: int, inflow_at: InflowAt, *, leaving: bool = False
) -> FloatArray:
    """Surviving or leaving share, in blocks of draws that stay in the processor's cache."""
    check_rule(inflow_at)
    if n < 1:
        msg = f"n_years must be at least 1; got {n}."
        raise ReesupplyError(msg)
    entry = ENTRY[inflow_at]
    shape = (*lifetime.draw_shape[:-1], n, *lifetime.draw_shape[-1:])
    whole = lifetime.works_in_blocks or not lifetime.has_draws
    several = [] if whole else list(blocks(shape, SUM_BLOCK))
    if len(several) < 2:
        share = lifetime.surviving(n, entry)
        return _leave(share) if leaving else share
    total = np.empty(shape)
    for draws in several:
        share = lifetime.at_draws(draws).surviving(n, entry)
        total[..., draws] = _leave(share) if leaving else share
    return total


def check_rule(inflow_at: str) -> None:
    """Raise if the timing rule is unknown."""
    if inflow_at not in ENTRY:
        hint = nearest(inflow_at, list(ENTRY))
        msg = f"inflow_at is {inflow_at!r}; {hint}."
        raise ReesupplyError(msg)


def leaving_from(share: FloatArray) -> FloatArray:
    """Share that leaves in each step, from what survives it: (step,) or (..., step, draw)."""
    axis = year_axis(share)
    leaving = np.empty(share.shape, dtype=share.dtype)
    rows, out = np.moveaxis(share, axis, 0), np.moveaxis(leaving, axis, 0)
    np.subtract(1.0, rows[:1], out=out[:1])
    np.subtract(rows[:-1], rows[1:], out=out[1:])
    return leaving


def _leave(share: FloatArray) -> FloatArray:
    """Turn the surviving share into the leaving one, in place: another array is slower to get."""
    rows = np.moveaxis(share, year_axis(share), 0)
    if share.ndim == 1:
        rows[1:] = rows[:-1] - rows[1:]
    else:
        for step in range(len(rows) - 1, 0, -1):
            np.subtract(rows[step - 1], rows[step], out=rows[step])
    rows[:1] = 1.0 - rows[:1]
    return share
