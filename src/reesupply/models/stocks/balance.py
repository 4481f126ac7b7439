"""Does the mass close: what is left, came in and has not gone out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["check_mass_balance", "mass_balance_error"]


def mass_balance_error(
    inflow: npt.ArrayLike,
    outflow: npt.ArrayLike,
    stock: npt.ArrayLike,
    *,
    opening_stock: npt.ArrayLike = 0.0,
) -> FloatArray:
    r"""
    Mass that appears from nowhere in each step.

    Parameters
    ----------
    inflow, outflow : array_like, shape (..., year, draw) or (year,)
        Mass per step [t].
    stock : array_like, shape (..., year, draw) or (year,)
        Mass at the end of each step [t].
    opening_stock : array_like, shape (..., draw) or ()
        Mass before the first step [t].

    Returns
    -------
    ndarray, shape of the broadcast inputs
        :math:`K_t - K_{t-1} - I_t + O_t` [t]; positive where mass appears, NaN where anything
        is NaN or infinite.

    Raises
    ------
    ReesupplyError
        If the shapes do not fit.
    """
    try:
        came, went, held = np.broadcast_arrays(
            *(np.asarray(a, dtype=np.float64) for a in (inflow, outflow, stock))
        )
    except ValueError:
        shapes = ", ".join(str(np.shape(a)) for a in (inflow, outflow, stock))
        msg = f"inflow, outflow and stock must broadcast; got shapes {shapes}."
        raise ReesupplyError(msg) from None
    axis = _year_axis(held)
    opening = np.asarray(opening_stock, dtype=np.float64)
    opening = np.expand_dims(opening, axis) if opening.ndim else opening
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, which fails the check
        first = np.take(held, [0], axis=axis) - opening
        change = np.concatenate([first, np.diff(held, axis=axis)], axis=axis)
        return np.asarray(change - came + went)


def check_mass_balance(
    inflow: npt.ArrayLike,
    outflow: npt.ArrayLike,
    stock: npt.ArrayLike,
    *,
    opening_stock: npt.ArrayLike = 0.0,
    tolerance: float = 1e-9,
    years: Sequence[int] | None = None,
    name: str = "stock",
) -> None:
    """
    Raise if mass does not close in a step.

    Parameters
    ----------
    inflow, outflow, stock, opening_stock : array_like
        As in `mass_balance_error`.
    tolerance : float
        Allowed error, relative to the largest of inflow, outflow and stock of the same series
        over all years.
    years : sequence of int, optional
        Names of the steps for the message; 0, 1, 2... if not given.
    name : str
        What is being checked, for the message.

    Raises
    ------
    ReesupplyError
        If an error exceeds the tolerance or is not a number; it names the first such year.
    """
    error = np.abs(mass_balance_error(inflow, outflow, stock, opening_stock=opening_stock))
    axis = _year_axis(error)
    largest = [np.abs(np.broadcast_to(a, error.shape)) for a in (inflow, outflow, stock)]
    scale = np.maximum.reduce([np.where(np.isfinite(a), a, 0.0) for a in largest])
    # the scale is finite, so that neither NaN nor infinity is good, in their own years only
    good = error <= tolerance * scale.max(axis=axis, keepdims=True)
    if good.all():
        return
    by_year = np.moveaxis(good, axis, 0)
    step = int(np.flatnonzero(~by_year.reshape(len(by_year), -1).all(axis=1))[0])
    worst = np.moveaxis(error, axis, 0)[step][~by_year[step]].ravel()[0]
    year = step if years is None else years[step]
    msg = (
        f"{name}: stock change must equal inflow less outflow within {tolerance:g}; "
        f"got an error of {worst:g} t in year {year}."
    )
    raise ReesupplyError(msg)


def _year_axis(array: FloatArray) -> int:
    """Years are the last axis of a plain series, otherwise the one before draws."""
    if array.ndim == 0:
        msg = "a stock must have a year axis; got a single number."
        raise ReesupplyError(msg)
    return -1 if array.ndim == 1 else -2
