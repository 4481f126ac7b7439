"""
Stocks and flows by cohort: inflow-driven, stock-driven, and from a stock known by cohort.

No table of cohort by year is built unless `cohort_table` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.models.stocks.kernels import (
    convolve,
    leaving_from,
    step_shares,
    surviving_share,
    with_draws,
    without_draws,
    year_axis,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from reesupply.models.stocks.base import Lifetime
    from reesupply.models.stocks.kernels import InflowAt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["cohort_table", "inflow_driven", "inflow_from_final_stock", "stock_driven"]


def inflow_driven(
    inflow: npt.ArrayLike,
    lifetime: Lifetime,
    *,
    inflow_at: InflowAt = "uniform",
    initial_stock: npt.ArrayLike | None = None,
    time_edges: npt.ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    """
    Stock and outflow that follow from an inflow.

    Parameters
    ----------
    inflow : array_like, shape (..., year, draw) or (year,)
        Mass entering use per year, or per step of `time_edges` [t].
    lifetime : Lifetime
        One for all cohorts; its parameters are numbers or arrays (..., draw).
    inflow_at : {"uniform", "start", "middle", "end"}
        When within the step the inflow enters use.
    initial_stock : array_like, shape (..., cohort, draw) or (cohort,), optional
        What is in use before the first year, by year of entry, oldest first; the last cohort
        entered in the year just before the first [t].
    time_edges : array_like, shape (year + 1,), optional
        Edges of steps of unequal length, rising [years].

    Returns
    -------
    stock : ndarray, shape (..., year, draw) or (year,)
        Mass in use at the end of each step [t].
    outflow : ndarray, shape (..., year, draw) or (year,)
        Mass leaving use per step [t]. It is summed from what leaves, not from the stock change.

    Raises
    ------
    ReesupplyError
        If shapes or edges do not fit, a cohort of `initial_stock` has outlived its lifetime, or
        both `initial_stock` and `time_edges` are given.

    Examples
    --------
    >>> from reesupply.models.stocks import Fixed
    >>> stock, out = inflow_driven([1.0, 1.0, 1.0, 1.0], Fixed(1.5))
    >>> stock
    array([1. , 1.5, 1.5, 1.5])
    >>> out
    array([0. , 0.5, 1. , 1. ])
    """
    series, plain = with_draws(inflow, "inflow")
    before = _equivalent_inflow(initial_stock, lifetime, inflow_at, time_edges)
    series = _prepend(before, series)
    plain, skip = plain and not lifetime.has_draws, before.shape[-2]
    n = series.shape[-2]
    if time_edges is None:
        share = surviving_share(lifetime, n, inflow_at=inflow_at)
        stock = convolve(series, share)
        out = convolve(series, leaving_from(share, axis=year_axis(share)))
    else:
        stock, out = _accumulate(series, step_shares(lifetime, n, inflow_at, time_edges))
    plain = plain and stock.shape[-1] == 1
    return (
        without_draws(stock[..., skip:, :], plain),
        without_draws(out[..., skip:, :], plain),
    )


def stock_driven(
    stock: npt.ArrayLike,
    lifetime: Lifetime,
    *,
    inflow_at: InflowAt = "uniform",
    floor: float | None = None,
    initial_stock: npt.ArrayLike | None = None,
    time_edges: npt.ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """
    Inflow and outflow that a given stock needs.

    Parameters
    ----------
    stock : array_like, shape (..., year, draw) or (year,)
        Mass in use at the end of each step [t].
    lifetime, inflow_at
        As in `inflow_driven`.
    floor : float, optional
        Smallest inflow per step [t], usually 0. Where the stock falls faster than the lifetime
        allows, the surplus is taken from all cohorts in proportion and added to the outflow.
        Without it the inflow turns negative there.
    initial_stock, time_edges
        As in `inflow_driven`.

    Returns
    -------
    inflow, outflow : ndarray, shape (..., year, draw) or (year,)
        Mass per step [t].
    stock : ndarray, shape (..., year, draw) or (year,)
        The stock reached [t]: the given one, unless that is less than the floor alone leaves.

    Raises
    ------
    ReesupplyError
        As in `inflow_driven`; if `floor` is not a number from 0; or if nothing of an inflow is
        left at the end of its own step, so that no inflow can explain a stock.
    """
    if floor is not None and not (0.0 <= floor < np.inf):
        msg = f"floor must be zero or positive; got {floor}."
        raise ReesupplyError(msg)
    target, plain = with_draws(stock, "stock")
    n = target.shape[-2]
    shares = step_shares(lifetime, n, inflow_at, time_edges)
    before = _equivalent_inflow(initial_stock, lifetime, inflow_at, time_edges)
    held, given = _run_off(before, lifetime, inflow_at, n)
    shape = np.broadcast_shapes(
        target.shape, held.shape, (*shares(0).shape[:-2], n, shares(0).shape[-1])
    )
    # what the cohorts up to now will still hold, and give off, at the end of each step
    held, given = np.broadcast_to(held, shape).copy(), np.broadcast_to(given, shape).copy()
    inflow, reached = np.empty(shape), np.empty(shape)
    for step in range(n):
        share, wanted = shares(step), target[..., step, :]
        first = _first_share(share, step)
        needed = (wanted - held[..., step, :]) / first
        if floor is not None:
            short = needed < floor
            _shrink(held, given, step, np.where(short, wanted - floor * first, np.inf))
            needed = np.where(short, floor, needed)
        inflow[..., step, :] = needed
        held[..., step:, :] += share * needed[..., np.newaxis, :]
        given[..., step:, :] += leaving_from(share, axis=-2) * needed[..., np.newaxis, :]
        reached[..., step, :] = held[..., step, :]
    plain = plain and not lifetime.has_draws and shape[-1] == 1
    return (
        without_draws(inflow, plain),
        without_draws(given, plain),
        without_draws(reached, plain),
    )


def _first_share(share: FloatArray, step: int) -> FloatArray:
    """Share of an inflow left at the end of its own step, or raise if there is none."""
    first: FloatArray = share[..., 0, :]
    if not (first > 0.0).all():
        msg = (
            "lifetime must leave some of an inflow in use at the end of its own step; "
            f"nothing is left of step {step}."
        )
        raise ReesupplyError(msg)
    return first


def _shrink(held: FloatArray, given: FloatArray, step: int, target: FloatArray) -> None:
    """Take what all cohorts hold above `target` from them in proportion, and give it off now."""
    old = held[..., step, :].copy()
    kept = np.ones_like(old)
    np.divide(target, old, out=kept, where=old > 0.0)
    np.clip(kept, 0.0, 1.0, out=kept)
    held[..., step:, :] *= kept[..., np.newaxis, :]
    given[..., step + 1 :, :] *= kept[..., np.newaxis, :]
    given[..., step, :] += (1.0 - kept) * old


def cohort_table(
    inflow: npt.ArrayLike,
    lifetime: Lifetime,
    *,
    inflow_at: InflowAt = "uniform",
    time_edges: npt.ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    """
    Stock and outflow of each cohort: years times years, so for a few draws only.

    Parameters
    ----------
    inflow, lifetime, inflow_at, time_edges
        As in `inflow_driven`.

    Returns
    -------
    stock, outflow : ndarray, shape (..., cohort, year, draw) or (cohort, year)
        By year of entry [t]; the sum over cohorts is what `inflow_driven` returns.

    Raises
    ------
    ReesupplyError
        As in `inflow_driven`.
    """
    series, plain = with_draws(inflow, "inflow")
    n = series.shape[-2]
    shares = step_shares(lifetime, n, inflow_at, time_edges)
    width = np.broadcast_shapes(series[..., 0, :].shape, shares(0)[..., 0, :].shape)
    stock = np.zeros((*width[:-1], n, n, width[-1]))
    out = np.zeros_like(stock)
    for cohort in range(n):
        share, mass = shares(cohort), series[..., cohort : cohort + 1, :]
        stock[..., cohort, cohort:, :] = share * mass
        out[..., cohort, cohort:, :] = leaving_from(share, axis=-2) * mass
    plain = plain and not lifetime.has_draws
    return without_draws(stock, plain), without_draws(out, plain)


def inflow_from_final_stock(
    final_stock: npt.ArrayLike, lifetime: Lifetime, *, inflow_at: InflowAt = "uniform"
) -> FloatArray:
    """
    Past inflow that explains a stock known by year of entry.

    Parameters
    ----------
    final_stock : array_like, shape (..., cohort, draw) or (cohort,)
        Mass in use at the end of the last year, by year of entry, oldest first [t].
    lifetime, inflow_at
        As in `surviving_share`.

    Returns
    -------
    ndarray, shape (..., cohort, draw) or (cohort,)
        Mass that entered use in each year [t].

    Raises
    ------
    ReesupplyError
        If a cohort is in use although its lifetime is over.
    """
    held, plain = with_draws(final_stock, "final_stock")
    share = surviving_share(lifetime, held.shape[-2], inflow_at=inflow_at)
    share = np.flip(share[:, np.newaxis] if share.ndim == 1 else share, axis=-2)
    held, share = np.broadcast_arrays(held, share)
    inflow = np.zeros(held.shape)
    with np.errstate(over="ignore"):
        np.divide(held, share, out=inflow, where=share > 0.0)
    lost = ((share <= 0.0) & (held != 0.0)) | np.isinf(inflow)
    if lost.any():
        cohort = int(np.argwhere(lost)[0, -2])
        age = held.shape[-2] - 1 - cohort
        msg = f"a cohort must not outlive its lifetime; got stock in cohort {cohort} at age {age}."
        raise ReesupplyError(msg)
    return without_draws(inflow, plain and not lifetime.has_draws)


def _accumulate(
    series: FloatArray, shares: Callable[[int], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Stock and outflow by adding one cohort after the other."""
    n = series.shape[-2]
    share = shares(0)
    stock = share * series[..., :1, :]
    out = leaving_from(share, axis=-2) * series[..., :1, :]
    for cohort in range(1, n):
        share, mass = shares(cohort), series[..., cohort : cohort + 1, :]
        stock[..., cohort:, :] += share * mass
        out[..., cohort:, :] += leaving_from(share, axis=-2) * mass
    return stock, out


def _equivalent_inflow(
    initial_stock: npt.ArrayLike | None,
    lifetime: Lifetime,
    inflow_at: InflowAt,
    time_edges: npt.ArrayLike | None,
) -> FloatArray:
    """Past inflow (..., cohort, draw) that explains the initial stock; it may have no cohorts."""
    if initial_stock is None:
        return np.zeros((0, 1))
    if time_edges is not None:
        msg = "initial_stock must come with yearly steps; got time_edges too."
        raise ReesupplyError(msg)
    held, _ = with_draws(initial_stock, "initial_stock")
    return inflow_from_final_stock(held, lifetime, inflow_at=inflow_at)


def _prepend(before: FloatArray, series: FloatArray) -> FloatArray:
    """Put the years before the first in front of a series."""
    if not before.shape[-2]:
        return series
    width = np.broadcast_shapes(before[..., 0, :].shape, series[..., 0, :].shape)
    parts = [
        np.broadcast_to(part, (*width[:-1], part.shape[-2], width[-1])) for part in (before, series)
    ]
    return np.concatenate(parts, axis=-2)


def _run_off(
    before: FloatArray, lifetime: Lifetime, inflow_at: InflowAt, n: int
) -> tuple[FloatArray, FloatArray]:
    """Stock and outflow in the next n years of what entered before."""
    past = before.shape[-2]
    if not past:
        return np.zeros((n, 1)), np.zeros((n, 1))
    nothing = np.zeros((*before.shape[:-2], n, before.shape[-1]))
    series = np.concatenate([before, nothing], axis=-2)
    share = surviving_share(lifetime, past + n, inflow_at=inflow_at)
    stock = convolve(series, share)
    out = convolve(series, leaving_from(share, axis=year_axis(share)))
    return stock[..., past:, :], out[..., past:, :]
