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

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from reesupply.models.stocks.base import Lifetime

    FloatArray = npt.NDArray[np.float64]

__all__ = ["InflowAt", "leaving_share", "outflow", "surviving_share"]

InflowAt = Literal["uniform", "start", "middle", "end"]
_ENTRY = {"start": 1.0, "middle": 0.5, "end": 0.0}  # part of the own step spent in use


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
    _check_rule(inflow_at)
    if n_years < 1:
        msg = f"n_years must be at least 1; got {n_years}."
        raise ReesupplyError(msg)
    ages, life = np.arange(n_years, dtype=np.float64), lifetime
    if lifetime.has_draws:
        ages, life = ages[:, np.newaxis], lifetime.with_age_axis()
    if inflow_at == "uniform":
        return _as_share(life.yearly_survival(ages), life)
    return _as_share(life.survival(ages + _ENTRY[inflow_at]), life)


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
    share = surviving_share(lifetime, n_years, inflow_at=inflow_at)
    return leaving_from(share, axis=year_axis(share))


def outflow(inflow: npt.ArrayLike, leaving: npt.ArrayLike) -> FloatArray:
    r"""
    Outflow from use, :math:`O_t = \sum_{c \le t} I_c f_{t-c}`.

    Parameters
    ----------
    inflow : array_like, shape (..., year, draw) or (year,)
        Mass entering use per year [t].
    leaving : array_like, shape (lag,) or (..., lag, draw)
        `leaving_share`, for at least as many lags as there are years. With one axis, the sum is
        one matrix product.

    Returns
    -------
    ndarray, shape of `inflow` broadcast with `leaving`
        Mass leaving use per year [t].

    Raises
    ------
    ReesupplyError
        If `leaving` is shorter than `inflow`.
    """
    series, plain = with_draws(inflow, "inflow")
    kernel = np.asarray(leaving, dtype=np.float64)
    return without_draws(convolve(series, kernel), plain and kernel.ndim == 1)


def step_shares(
    lifetime: Lifetime, n: int, inflow_at: InflowAt, time_edges: npt.ArrayLike | None
) -> Callable[[int], FloatArray]:
    """Return a function: step of entry -> surviving share (..., later steps, draw or 1)."""
    _check_rule(inflow_at)
    if time_edges is None:
        kernel = surviving_share(lifetime, n, inflow_at=inflow_at)
        kernel = kernel[:, np.newaxis] if kernel.ndim == 1 else kernel
        return lambda cohort: kernel[..., : n - cohort, :]
    edges = np.asarray(time_edges, dtype=np.float64)
    if edges.shape != (n + 1,) or not (np.diff(edges) > 0.0).all():
        msg = f"time_edges must be {n + 1} rising numbers; got {edges.tolist()}."
        raise ReesupplyError(msg)
    life = lifetime.with_age_axis() if lifetime.has_draws else lifetime

    def shares(cohort: int) -> FloatArray:
        length = edges[cohort + 1] - edges[cohort]
        youngest = (edges[cohort + 1 :] - edges[cohort + 1])[:, np.newaxis]
        if inflow_at == "uniform":
            oldest = life.survival_integral(youngest + length)
            share = (oldest - life.survival_integral(youngest)) / length
        else:
            share = life.survival(youngest + _ENTRY[inflow_at] * length)
        return np.asarray(np.minimum.accumulate(np.clip(share, 0.0, 1.0), axis=-2))

    return shares


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


def convolve(series: FloatArray, kernel: FloatArray) -> FloatArray:
    """Sum over cohorts of series[cohort] times kernel[year - cohort]."""
    n = series.shape[-2]
    if kernel.shape[year_axis(kernel)] < n:
        msg = f"a lag kernel must cover {n} years; got {kernel.shape[year_axis(kernel)]}."
        raise ReesupplyError(msg)
    if kernel.ndim == 1:
        lag = np.subtract.outer(np.arange(n), np.arange(n))
        return np.asarray(np.where(lag >= 0, kernel[np.abs(lag)], 0.0) @ series)
    total = kernel[..., :n, :] * series[..., :1, :]
    part = np.empty_like(total)
    for cohort in range(1, n):
        piece = part[..., cohort:, :]
        np.multiply(kernel[..., : n - cohort, :], series[..., cohort : cohort + 1, :], out=piece)
        total[..., cohort:, :] += piece
    return total


def _check_rule(inflow_at: str) -> None:
    """Raise if the timing rule is unknown."""
    if inflow_at not in get_args(InflowAt):
        hint = nearest(inflow_at, get_args(InflowAt))
        msg = f"inflow_at is {inflow_at!r}; {hint}."
        raise ReesupplyError(msg)


def year_axis(share: FloatArray) -> int:
    """Years are the only axis of a plain kernel, otherwise the one before draws."""
    return 0 if share.ndim == 1 else -2


def _as_share(share: FloatArray, lifetime: Lifetime) -> FloatArray:
    """Take off the rounding noise that would make a share rise or leave [0, 1]."""
    axis = -2 if lifetime.has_draws else 0
    return np.asarray(np.minimum.accumulate(np.clip(share, 0.0, 1.0), axis=axis))


def leaving_from(share: FloatArray, *, axis: int) -> FloatArray:
    """Share that leaves in each step, from the share that survives it."""
    return np.asarray(-np.diff(share, axis=axis, prepend=1.0))
