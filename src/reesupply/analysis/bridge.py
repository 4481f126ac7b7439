r"""
Why gross demand changes between two years: volume, magnet mass, element fraction and yield.

Gross demand of an end use is a chain of amounts, each of which is the one before times a factor:

.. math::
   D = A \cdot \frac{M}{A} \cdot \frac{C}{M} \cdot \frac{D}{C}

with activity A (cars, GW of turbines, robots a year), finished magnets M, oxide C contained in
finished goods and oxide D bought by makers. In each draw, end use and element the change of D is
divided among the factors by the logarithmic mean Divisia index (LMDI-I; Ang 2005, Energy Policy
33, 867-871):

.. math::
   \Delta D_f = L(D_1, D_0) \, \ln \frac{f_1}{f_0}, \qquad
   L(a, b) = \frac{a - b}{\ln a - \ln b}, \qquad L(a, a) = a

The parts add up to the change without a residual, do not depend on an order of the causes, and may
be added over elements and end uses. Where a factor is zero in one of the years the whole change is
its doing, as for a product that was not sold before: the limit of the formula (Ang and Liu 2007,
Energy Policy 35, 238-246).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.years import place_of
from reesupply.errors import ReesupplyError, nearest
from reesupply.result import weighted_quantile
from reesupply.result.statistics import LEVELS, weighted_mean

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

#: What a result has to keep for `demand_bridge`: the links of the chain.
KEEP = ("end_use.activity", "end_use.magnets", "end_use.contained", "end_use.demand")
#: Why demand changes, in the order of the chain.
CAUSES = ("volume", "mass_per_unit", "element_fraction", "yield")
#: Rows of the table for each end use.
STEPS = ("before", *CAUSES, "after")
#: Label of the sum over end uses.
ALL_USES = "all"


@dataclass(frozen=True, slots=True)
class Parts:
    """
    Change of gross demand between two years, draw by draw.

    Attributes
    ----------
    end_uses : tuple of str
        Labels of the axis end_use.
    before, after : ndarray, shape (end_use, draw)
        Gross demand of the two years [t oxide/yr].
    causes : ndarray, shape (cause, end_use, draw)
        What each of `CAUSES` adds [t oxide/yr]; their sum is the change.
    """

    end_uses: tuple[str, ...]
    before: FloatArray
    after: FloatArray
    causes: FloatArray


def demand_bridge(
    result: Result,
    first: int | None = None,
    last: int | None = None,
    element: str | None = None,
) -> pd.DataFrame:
    """
    Gross demand from one year to another, by end use and cause.

    Parameters
    ----------
    result : Result
        A run that kept `KEEP`.
    first, last : int, optional
        Years of the run; by default its first and its last.
    element : str, optional
        An element, or the sum "Dy+Tb"; by default the sum of the heavy pair.

    Returns
    -------
    pandas.DataFrame
        Index end_use and step, columns mean, P5, P50 and P95 over draws, t oxide/yr. End use "all"
        is the sum made in each draw. Step "before" is demand in the first year and "after" in the
        last; between them is what each cause adds:

        - ``volume``: activity, such as cars sold, turbines built or robots made. Where a table
          gives activity as magnet mass, all change of that mass. Where it gives oxide, all change
          of the oxide in finished goods;
        - ``mass_per_unit``: finished magnets per unit of activity, so the mass of a motor or
          generator and the share of units that have one;
        - ``element_fraction``: oxide of the element per magnet; thrifting is negative;
        - ``yield``: oxide bought per oxide in finished goods; less process scrap is negative.

        Means add up, ``before`` and causes to ``after`` and end uses to "all"; quantiles do not.

    Raises
    ------
    ReesupplyError
        If a year or the element is unknown or draws were not kept.

    Notes
    -----
    The factor that scales demand to the base year is the same in both years of a draw, so it is
    part of no cause.

    Examples
    --------
    >>> import reesupply as rs
    >>> from reesupply.analysis.bridge import KEEP, demand_bridge
    >>> table = demand_bridge(rs.simulate(draws=1_000, rng=1, keep=KEEP))
    >>> bool(table.loc[("all", "yield"), "mean"] < 0)
    True
    """
    import pandas as pd

    found = parts(result, first, last, element)
    steps = np.stack([found.before, *found.causes, found.after])
    whole = np.concatenate([steps.sum(axis=1, keepdims=True), steps], axis=1)
    columns: dict[str, Any] = {"mean": weighted_mean(whole, result.weights)}
    for q in LEVELS:
        columns[f"P{100 * q:.0f}"] = weighted_quantile(whole, q, result.weights)
    index = pd.MultiIndex.from_product(
        [[ALL_USES, *found.end_uses], STEPS], names=["end_use", "step"]
    )
    return pd.DataFrame({name: values.T.ravel() for name, values in columns.items()}, index=index)


def parts(
    result: Result,
    first: int | None = None,
    last: int | None = None,
    element: str | None = None,
) -> Parts:
    """
    Divide the change of gross demand among its causes, draw by draw.

    Parameters
    ----------
    result, first, last, element
        As in `demand_bridge`.

    Returns
    -------
    Parts

    Raises
    ------
    ReesupplyError
        If a year or the element is unknown or draws were not kept.
    """
    years = result.plan.years
    chosen = [
        place_of(years[default] if year is None else year, years)
        for year, default in ((first, 0), (last, -1))
    ]
    elements = _elements(result, element)
    missing = [name for name in KEEP if name not in result.arrays]
    if missing:
        msg = f"the draws of {missing[0]!r} were not kept; simulate with keep={KEEP!r}"
        raise ReesupplyError(msg)
    before, after = (_chain(result, elements, year) for year in chosen)
    ends = tuple(str(label) for label in result.plan.labels("end_use"))
    return Parts(
        ends,
        before[-1].sum(axis=1),
        after[-1].sum(axis=1),
        lmdi(before, after).sum(axis=2),
    )


def _chain(result: Result, elements: list[int], year: int) -> FloatArray:
    """Links of a year, (link, end_use, element, draw): activity, magnets, contained, demand."""
    activity, magnets = (result.arrays[name][:, np.newaxis, year] for name in KEEP[:2])
    contained, demand = (result.arrays[name][:, elements, year] for name in KEEP[2:])
    kinds = [row.kind for row in result.plan.scenario.rows("end_uses")]
    given = np.array([kind == "oxide" for kind in kinds])[:, np.newaxis, np.newaxis]
    # oxide that is given has no magnets: what is contained stands for its volume
    return np.stack(
        [
            np.where(given, contained, activity),
            np.where(given, contained, magnets),
            contained,
            demand,
        ]
    )


def lmdi(before: FloatArray, after: FloatArray) -> FloatArray:
    r"""
    Divide the change of the end of a chain among its links.

    The first factor is the first link; each other factor is a link over the one before it.

    Parameters
    ----------
    before, after : ndarray, shape (link, ...)
        The links :math:`c_1 \ldots c_n` at both ends; not negative, and 0 after a link of 0.

    Returns
    -------
    ndarray, shape (link, ...)
        What the factor of each link adds to the last link; their sum is its change.

    Examples
    --------
    Twice the cars, with half of the magnet mass: the causes cancel.

    >>> import numpy as np
    >>> lmdi(np.array([10.0, 20.0]), np.array([20.0, 20.0])).round(2).tolist()
    [13.86, -13.86]
    """
    zero = (before == 0.0) | (after == 0.0)
    log = np.log(np.where(zero, 1.0, after)) - np.log(np.where(zero, 1.0, before))
    effect = np.diff(log, axis=0, prepend=0.0) * log_mean(after[-1], before[-1])
    # all links from the first zero on are zero in that year, so the first has the whole change
    first = zero & (np.cumsum(zero, axis=0) == 1)
    return np.where(zero.any(axis=0), np.where(first, after[-1] - before[-1], 0.0), effect)


def log_mean(a: FloatArray, b: FloatArray) -> FloatArray:
    r"""
    Logarithmic mean, :math:`(a - b) / (\ln a - \ln b)`.

    Parameters
    ----------
    a, b : ndarray
        Not negative, of one shape.

    Returns
    -------
    ndarray
        Between the two; a where they are equal, 0 where one of them is 0.
    """
    given = (a > 0.0) & (b > 0.0)
    low, high = np.minimum(a, b), np.maximum(a, b)
    gap = high - low
    low = np.where(given, low, 1.0)
    # log1p, since the logarithm of a ratio near 1 has lost its digits
    log = np.log1p(gap / low)
    equal = gap <= 0.0
    mean = gap / np.where(equal, 1.0, np.where(given, log, 1.0))
    return np.where(given, np.where(equal, high, mean), 0.0)


def _elements(result: Result, element: str | None) -> list[int]:
    """Return the places of the elements that are added."""
    whole, names = result.all_elements, result.plan.elements
    if element is None or element == whole:
        return list(result.plan.heavy)
    if element not in names:
        msg = f"element: found {element!r}; {nearest(str(element), (*names, whole))}"
        raise ReesupplyError(msg)
    return [names.index(element)]
