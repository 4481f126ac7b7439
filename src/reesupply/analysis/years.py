"""Years as an argument: a list of them, and the place of one in a run."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Sequence


def whole_years(name: str, years: Any) -> list[int]:
    """
    Return years from a list, array or index, in its order.

    Parameters
    ----------
    name : str
        Of the argument.
    years : iterable of int
        What was given.

    Returns
    -------
    list of int

    Raises
    ------
    ReesupplyError
        If it is no list of whole numbers.
    """
    try:
        return [operator.index(year) for year in years]
    except TypeError:
        msg = f"{name}: found {years!r}, allowed is a list of whole years"
        raise ReesupplyError(msg) from None


def place_of(year: Any, years: Sequence[int]) -> int:
    """
    Return the place of a year of a run.

    Parameters
    ----------
    year : int
        One of them.
    years : sequence of int
        Years of the run.

    Returns
    -------
    int

    Raises
    ------
    ReesupplyError
        If it is not there.
    """
    if year not in years:
        msg = f"year: found {year!r}, allowed is {years[0]} to {years[-1]}"
        raise ReesupplyError(msg)
    return years.index(year)
