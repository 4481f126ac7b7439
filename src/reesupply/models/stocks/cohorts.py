"""
Stocks and flows by cohort: inflow-driven, stock-driven, and from a stock known by cohort.

No table of cohort by year is built unless `cohort_table` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.models.stocks.kernels import (
    flows_of,
    leaving_from,
    with_draws,
    without_draws,
)
from reesupply.models.stocks.steps import Extension, Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.models.stocks.base import Lifetime
    from reesupply.models.stocks.kernels import InflowAt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["cohort_table", "inflow_driven", "inflow_from_final_stock", "stock_driven"]


def inflow_driven(
    inflow: npt.ArrayLike,
    lifetime: Lifetime | Sequence[Lifetime],
    *,
    inflow_at: InflowAt = "uniform",
    initial_stock: npt.ArrayLike | None = None,
    time_edges: npt.ArrayLike | None = None,
    extension: Extension | None = None,
) -> tuple[FloatArray, FloatArray]:
    """
    Stock and outflow that follow from an inflow.

    Parameters
    ----------
    inflow : array_like, shape (..., year, draw) or (year,)
        Mass entering use per year, or per step of `time_edges` [t].
    lifetime : Lifetime or sequence of Lifetime
        One for all cohorts, or one for each: those of `initial_stock` first, then one by step of
        entry. Parameters are numbers or arrays (..., draw).
    inflow_at : {"uniform", "start", "middle", "end"}
        When within the step the inflow enters use.
    initial_stock : array_like, shape (..., cohort, draw) or (cohort,), optional
        What is in use before the first step, by year of entry, oldest first; the last cohort
        entered in the year just before the first step [t].
    time_edges : array_like, shape (year + 1,), optional
        Edges of steps of unequal length, rising [years].
    extension : Extension, optional
        From a moment on, goods in use and all later ones age more slowly.

    Returns
    -------
    stock : ndarray, shape (..., year, draw) or (year,)
        Mass in use at the end of each step [t].
    outflow : ndarray, shape (..., year, draw) or (year,)
        Mass leaving use per step [t]. It is summed from what leaves, not from the stock change.

    Raises
    ------
    ReesupplyError
        If shapes, edges or the number of lifetimes do not fit, the extension begins outside the
        steps, or a cohort of `initial_stock` has outlived its lifetime.

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
    steps = Steps.of(
        lifetime,
        series.shape[-2],
        inflow_at=inflow_at,
        time_edges=time_edges,
        extension=extension,
        past=_cohorts(initial_stock),
    )
    series = _prepend(steps.explain(initial_stock), series)
    if steps.yearly and steps.common:
        out, stock = flows_of(series, steps.lifetimes[0], inflow_at, stock=True)
    else:
        stock, out = _accumulate(series, steps)
    plain = plain and not steps.draw_shape and stock.shape[-1] == 1
    return (
        without_draws(stock[..., steps.past :, :], plain),
        without_draws(out[..., steps.past :, :], plain),
    )


def stock_driven(
    stock: npt.ArrayLike,
    lifetime: Lifetime | Sequence[Lifetime],
    *,
    inflow_at: InflowAt = "uniform",
    floor: float | None = None,
    initial_stock: npt.ArrayLike | None = None,
    time_edges: npt.ArrayLike | None = None,
    extension: Extension | None = None,
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
    initial_stock, time_edges, extension
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
    steps = Steps.of(
        lifetime,
        n,
        inflow_at=inflow_at,
        time_edges=time_edges,
        extension=extension,
        past=_cohorts(initial_stock),
    )
    before = steps.explain(initial_stock)
    nothing = np.zeros((*before.shape[:-2], n, before.shape[-1]))
    run_off = _accumulate(np.concatenate([before, nothing], axis=-2), steps, steps.past)
    held, given = (flow[..., steps.past :, :] for flow in run_off)
    shape = np.broadcast_shapes(target.shape, held.shape)
    # what the cohorts up to now will still hold, and give off, at the end of each step
    held, given = np.broadcast_to(held, shape).copy(), np.broadcast_to(given, shape).copy()
    inflow, reached = np.empty(shape), np.empty(shape)
    for step in range(n):
        share, wanted = steps.shares(steps.past + step), target[..., step, :]
        first = _first_share(share, step)
        needed = (wanted - held[..., step, :]) / first
        if floor is not None:
            short = needed < floor
            _shrink(held, given, step, np.where(short, wanted - floor * first, np.inf))
            needed = np.where(short, floor, needed)
        inflow[..., step, :] = needed
        held[..., step:, :] += share * needed[..., np.newaxis, :]
        given[..., step:, :] += leaving_from(share) * needed[..., np.newaxis, :]
        reached[..., step, :] = held[..., step, :]
    plain = plain and shape[-1] == 1 and not steps.draw_shape
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
    lifetime: Lifetime | Sequence[Lifetime],
    *,
    inflow_at: InflowAt = "uniform",
    time_edges: npt.ArrayLike | None = None,
    extension: Extension | None = None,
) -> tuple[FloatArray, FloatArray]:
    """
    Stock and outflow of each cohort: years times years, so for a few draws only.

    Parameters
    ----------
    inflow, lifetime, inflow_at, time_edges, extension
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
    steps = Steps.of(lifetime, n, inflow_at=inflow_at, time_edges=time_edges, extension=extension)
    width = np.broadcast_shapes(series[..., 0, :].shape, steps.draw_shape)
    stock = np.zeros((*width[:-1], n, n, width[-1]))
    out = np.zeros_like(stock)
    for cohort in range(n):
        share, mass = steps.shares(cohort), series[..., cohort : cohort + 1, :]
        stock[..., cohort, cohort:, :] = share * mass
        out[..., cohort, cohort:, :] = leaving_from(share) * mass
    plain = plain and not steps.draw_shape
    return without_draws(stock, plain), without_draws(out, plain)


def inflow_from_final_stock(
    final_stock: npt.ArrayLike,
    lifetime: Lifetime | Sequence[Lifetime],
    *,
    inflow_at: InflowAt = "uniform",
) -> FloatArray:
    """
    Past inflow that explains a stock known by year of entry.

    Parameters
    ----------
    final_stock : array_like, shape (..., cohort, draw) or (cohort,)
        Mass in use at the end of the last year, by year of entry, oldest first [t].
    lifetime, inflow_at
        As in `inflow_driven`.

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
    steps = Steps.of(lifetime, 0, inflow_at=inflow_at, past=held.shape[-2])
    return without_draws(steps.explain(held), plain and not steps.draw_shape)


def _accumulate(
    series: FloatArray, steps: Steps, cohorts: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Stock and outflow by adding one cohort after the other, all or the first few."""
    count = series.shape[-2]
    width = np.broadcast_shapes(series[..., 0, :].shape, steps.draw_shape)
    stock = np.zeros((*width[:-1], count, width[-1]))
    out = np.zeros_like(stock)
    for cohort in range(count if cohorts is None else cohorts):
        share, mass = steps.shares(cohort), series[..., cohort : cohort + 1, :]
        stock[..., cohort:, :] += share * mass
        out[..., cohort:, :] += leaving_from(share) * mass
    return stock, out


def _cohorts(initial_stock: npt.ArrayLike | None) -> int:
    """Count the cohorts of an initial stock."""
    if initial_stock is None:
        return 0
    return int(with_draws(initial_stock, "initial_stock")[0].shape[-2])


def _prepend(before: FloatArray, series: FloatArray) -> FloatArray:
    """Put the years before the first in front of a series."""
    if not before.shape[-2]:
        return series
    width = np.broadcast_shapes(before[..., 0, :].shape, series[..., 0, :].shape)
    parts = [
        np.broadcast_to(part, (*width[:-1], part.shape[-2], width[-1])) for part in (before, series)
    ]
    return np.concatenate(parts, axis=-2)
