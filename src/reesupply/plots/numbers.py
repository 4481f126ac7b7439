"""The statistics that charts show, taken from a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.result import weighted_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

WORLD = "world"
RECYCLED = ("recycled_new_scrap", "recycled_end_of_life")
SUPPLY = ("refined_supply", *RECYCLED)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a stack: its name, its mean in every year, and its colour."""

    name: str
    mean: FloatArray
    colour: str


def checked_element(result: Result, element: str | None) -> str:
    """Return the element or sum that is shown, or refuse an unknown one."""
    allowed = (*result.plan.elements, result.all_elements)
    if element is None:
        return result.all_elements
    if element not in allowed:
        msg = f"element: found {element!r}; {nearest(str(element), allowed)}"
        raise ReesupplyError(msg)
    return element


def world_quantiles(
    result: Result, names: Sequence[str], levels: Sequence[float], element: str
) -> FloatArray:
    """
    Quantiles of a world total, the variables added in each draw.

    Parameters
    ----------
    result : Result
        The draws of the variables must have been kept.
    names : sequence of str
        Variables that are added.
    levels : sequence of float
        Probabilities.
    element : str
        An element or the sum.

    Returns
    -------
    ndarray, shape (level, year)
    """
    draws = [result.values(name, element=element, bloc=WORLD) for name in names]
    total = np.sum(draws, axis=0)
    return np.array([weighted_quantile(total, level, result.weights) for level in levels])


def world_mean(result: Result, name: str, element: str) -> FloatArray:
    """Mean of a world total in every year, shape (year,)."""
    return np.asarray(result.mean(name, element=element, bloc=WORLD), dtype=np.float64)


def means_by_row(result: Result, kind: str, name: str, element: str) -> dict[str, FloatArray]:
    """
    Mean of a variable by project or end use.

    Parameters
    ----------
    result : Result
        Where it has weights the draws of the variable must have been kept.
    kind : {"project", "end_use"}
        Axis.
    name : str
        For example ``"separated"``.
    element : str
        An element or the sum.

    Returns
    -------
    dict of str to ndarray, shape (year,)
        By id.
    """
    array = np.asarray(result.mean(f"{kind}.{name}"), dtype=np.float64)
    if element == result.all_elements:
        array = array[:, list(result.plan.heavy)].sum(axis=1)
    else:
        array = array[:, result.plan.elements.index(element)]
    return {str(label): row for label, row in zip(result.plan.labels(kind), array, strict=True)}


def largest(rows: dict[str, FloatArray], top: int) -> tuple[list[str], list[str]]:
    """Split ids with any tonnage into the largest of the last year, descending, and the rest."""
    found = sorted(
        (name for name, row in rows.items() if row.any()), key=lambda name: -rows[name][-1]
    )
    if len(found) == top + 1:  # a rest of one says less than its name
        top += 1
    return found[:top], found[top:]


def china_fed(result: Result) -> set[str]:
    """Return ids of the mines whose feed China controls."""
    rows = result.plan.scenario.rows("projects")
    return {row.id for row in rows if row.bloc == "china"}
