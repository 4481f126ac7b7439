"""
Supply that China controls without a published pipeline.

The total of the base year is measured (badly); its parts are known worse, and their estimates add
to more than the total. So the total is drawn and the parts are shares of it: what the documented
parts leave is the residual, and where they exceed the total they are scaled down together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["grown", "pads_left", "parts_of_total", "replace_shortfall", "two_state"]


def parts_of_total(total: FloatArray, documented: FloatArray) -> FloatArray:
    """
    Split a measured total into its documented parts and a residual.

    Parameters
    ----------
    total : ndarray, shape (draw,)
        Measured total [t/yr].
    documented : ndarray, shape (part, draw)
        Independent estimates of the documented parts [t/yr].

    Returns
    -------
    ndarray, shape (part + 1, draw)
        Parts, the residual last; their sum is `total` in every draw.
    """
    known = documented.sum(axis=0)
    scale = np.minimum(1.0, total / np.maximum(known, 1e-30))
    parts = np.empty((documented.shape[0] + 1, documented.shape[1]), dtype=total.dtype)
    np.multiply(documented, scale, out=parts[:-1])
    parts[-1] = np.maximum(total - known, 0.0)
    return parts


def grown(base: FloatArray, growth: FloatArray, years_after: npt.ArrayLike) -> FloatArray:
    """
    Levels that grow at one rate per draw.

    Parameters
    ----------
    base : ndarray, shape (part, draw)
        Levels of the base year.
    growth : ndarray, shape (draw,) or (part, draw)
        Rate of growth [1/yr]; the same in all years.
    years_after : array_like, shape (year,)
        Years after the base year.

    Returns
    -------
    ndarray, shape (part, year, draw)
    """
    rate = 1.0 + growth[..., np.newaxis, :]
    factor = rate ** np.asarray(years_after, dtype=growth.dtype)[:, np.newaxis]
    return base[:, np.newaxis, :] * factor


def pads_left(
    life: npt.ArrayLike, renewed: npt.ArrayLike, years_after: npt.ArrayLike
) -> FloatArray:
    """
    Output of short-lived clay pads over that of the base year.

    Pads of one size and life, opened evenly until the base year: each year 1/life of them is worked
    out. From then on `renewed` pads are opened for each one that was. After one life no old pad is
    left, and the new ones hold the level.

    Parameters
    ----------
    life : array_like, shape (draw,)
        Years that a pad gives, above 0.
    renewed : array_like, shape (draw,)
        Pads opened per pad worked out; 1 keeps the level.
    years_after : array_like, shape (year,)
        Years after the base year.

    Returns
    -------
    ndarray, shape (year, draw)
        ``1 - (1 - renewed) * min(t / life, 1)``.
    """
    age = np.asarray(years_after, dtype=np.float64)[:, np.newaxis] / np.asarray(life)
    left: FloatArray = 1.0 - (1.0 - np.asarray(renewed)) * np.minimum(age, 1.0)
    return left


def two_state(shock: FloatArray, shuts: npt.ArrayLike, stays_shut: npt.ArrayLike) -> FloatArray:
    """
    Whether a border is shut, as a Markov chain that starts open.

    Parameters
    ----------
    shock : ndarray, shape (year, draw)
        Uniform numbers, one per year and draw.
    shuts : array_like
        Probability that it shuts in a year when it was open.
    stays_shut : array_like
        Probability that it stays shut.

    Returns
    -------
    ndarray, shape (year, draw)
        1 where it is shut.
    """
    shut = np.zeros_like(shock)
    state = np.zeros(shock.shape[-1])
    for year, uniform in enumerate(shock):
        state = np.where(uniform < np.where(state > 0.0, stays_shut, shuts), 1.0, 0.0)
        shut[year] = state
    return shut


def replace_shortfall(
    supply: FloatArray, part: int, lost: FloatArray, replaced: npt.ArrayLike
) -> FloatArray:
    """
    Take a shortfall from one part and let the other parts make up for some of it.

    Parameters
    ----------
    supply : ndarray, shape (part, year, draw)
        Undisturbed supply [t/yr].
    part : int
        The part that is disturbed.
    lost : ndarray, shape (year, draw)
        Share of its supply that is lost.
    replaced : array_like
        Share of the shortfall that the others replace within the year, pro rata.

    Returns
    -------
    ndarray, shape of `supply`
        A new array; the total falls by ``shortfall * (1 - replaced)``. Without other parts nothing
        is replaced.
    """
    shortfall = supply[part] * lost
    # summed without the part: total less part has no digits left where the others are small
    others = np.delete(supply, part, axis=0).sum(axis=0)
    share = np.divide(supply, others, out=np.zeros_like(supply), where=others > 0.0)
    result: FloatArray = supply + share * (shortfall * np.asarray(replaced))
    result[part] = supply[part] - shortfall
    return result
