"""Statistics over draws, with weights, and the tables made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.joint import tolerances

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.result.core import Result

    FloatArray = npt.NDArray[np.float64]

#: Probabilities of a summary.
LEVELS = (0.05, 0.5, 0.95)
#: The same with the quartiles, for bands.
BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)


def weighted_quantile(x: FloatArray, q: float, weights: FloatArray | None = None) -> FloatArray:
    """
    Quantile over the last axis.

    Parameters
    ----------
    x : ndarray, shape (..., draw)
        Values.
    q : float
        Probability.
    weights : ndarray, shape (draw,), optional
        Non-negative, sum 1. Without them the quantile is interpolated between order statistics,
        with them it is the smallest value whose cumulative weight reaches `q`.

    Returns
    -------
    ndarray, shape (...)
    """
    if weights is None:
        return np.asarray(np.quantile(x, q, axis=-1))
    return np.asarray(np.quantile(x, q, axis=-1, weights=weights, method="inverted_cdf"))


def weighted_mean(x: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """
    Mean over the last axis.

    Parameters
    ----------
    x : ndarray, shape (..., draw)
        Values.
    weights : ndarray, shape (draw,), optional
        Non-negative, sum 1.

    Returns
    -------
    ndarray, shape (...)
    """
    return np.asarray(x.mean(axis=-1) if weights is None else x @ weights)


def share_below(x: FloatArray, value: float, weights: FloatArray | None = None) -> float:
    """
    Share of draws below a value; equal ones count half, so that a bound on which many sit is none.

    Parameters
    ----------
    x : ndarray, shape (draw,)
        Values.
    value : float
        NaN gives NaN.
    weights : ndarray, shape (draw,), optional
        Non-negative, sum 1.

    Returns
    -------
    float
        0 to 1.
    """
    if np.isnan(value):
        return np.nan
    return float(weighted_mean((x < value) + 0.5 * (x == value), weights))


def weighted_tail_mean(x: FloatArray, q: float, weights: FloatArray | None = None) -> FloatArray:
    """
    Mean of the lowest draws over the last axis.

    Parameters
    ----------
    x : ndarray, shape (..., draw)
        Values.
    q : float
        Share of the draws, or of their weight, above 0.
    weights : ndarray, shape (draw,), optional
        Non-negative, sum 1.

    Returns
    -------
    ndarray, shape (...)
        The draw at the border counts with the part of its weight that is below.
    """
    if weights is None:
        weights = np.ones(x.shape[-1])
    order = np.argsort(x, axis=-1)
    below = np.cumsum(weights[order], axis=-1)
    part = np.diff(np.minimum(below, q * weights.sum()), axis=-1, prepend=0.0)
    lowest = np.take_along_axis(x, order, axis=-1)
    return np.asarray(np.vecdot(part, lowest) / part.sum(axis=-1))


def weighted_covariance(x: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """
    Covariance of rows over draws.

    Parameters
    ----------
    x : ndarray, shape (row, draw)
        Values.
    weights : ndarray, shape (draw,), optional
        Non-negative, sum 1.

    Returns
    -------
    ndarray, shape (row, row)
        As in `weighted_moments`, divided by one less than the number of draws.
    """
    if weights is None:
        weights = np.full(x.shape[-1], 1.0 / x.shape[-1])
    off = x - weighted_mean(x, weights)[:, np.newaxis]
    left = 1.0 - float((weights**2).sum())
    found = (off * weights) @ off.T
    found = (found + found.T) / 2.0
    return np.asarray(found / left if left > 1e-15 else np.zeros_like(found))


def weighted_moments(x: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Mean and standard deviation over the last axis.

    Parameters
    ----------
    x : ndarray, shape (..., draw)
        Values.
    weights : ndarray, shape (draw,)
        Non-negative, sum 1.

    Returns
    -------
    mean, sd : ndarray, shape (...)
        With uniform weights as without: the squares are divided by one less than their number.
    """
    mean = weighted_mean(x, weights)
    variance = weighted_mean((x - mean[..., np.newaxis]) ** 2, weights)
    left = 1.0 - float((weights**2).sum())
    return mean, np.sqrt(variance / left) if left > 0.0 else np.zeros_like(variance)


def summary_table(result: Result) -> pd.DataFrame:
    """Build `Result.summary`."""
    import pandas as pd

    whole = result.all_elements
    columns: dict[str, Any] = {}
    for name, bloc in (("balance", None), ("demand", "world"), ("refined_supply", "world")):
        columns[f"{name} mean"] = result.mean(name, element=whole, bloc=bloc)
    if "balance" in result.arrays or result.has_histogram("balance"):
        for q in LEVELS:
            columns[f"balance P{100 * q:.0f}"] = result.quantile("balance", q, element=whole)
        columns["P(deficit)"] = _deficit(result, whole)
    frame = pd.DataFrame({k: np.asarray(v) for k, v in columns.items()}, index=result.plan.years)
    frame.index.name = "year"
    return frame


def _deficit(result: Result, element: str) -> Any:
    """Probability of a deficit by year; exact where it was counted or can be."""
    if result.joint is None or (result.weights is not None and "demand" not in result.arrays):
        # a gap of rounding size, here of a thousand tonnes, is no deficit
        rounding = 1e3 * tolerances(result.dtype)[0]
        return result.probability("balance", below=-rounding, element=element)
    return result.deficit_probability(element=element)
