"""Inputs of the cases, and what a case returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Inputs = Mapping[str, FloatArray]
    Numbers = dict[str, "Found"]


class Found(NamedTuple):
    """
    A number of the library beside a published one.

    Attributes
    ----------
    value : float
        In the unit of the case.
    error : float
        Monte Carlo standard error of the difference from the published number; 0 where nothing is
        drawn.
    """

    value: float
    error: float = 0.0


def inputs_of(case: str) -> dict[str, FloatArray]:
    """
    Return the published inputs of a case.

    Parameters
    ----------
    case : str
        Id.

    Returns
    -------
    dict of str to ndarray
        By name, in the order of the table `validation_inputs`; empty where a case has none.
    """
    found: dict[str, list[float]] = {}
    for row in open_csv("validation_inputs"):
        if row["case"] == case:
            found.setdefault(row["name"], []).append(float(row["value"]))
    return {name: np.array(values) for name, values in found.items()}


def one(inputs: Inputs, name: str) -> float:
    """Return an input that has one value."""
    (value,) = inputs[name]
    return float(value)


def exact(names: list[str], values: npt.ArrayLike) -> Numbers:
    """Name numbers that have no error."""
    return {
        name: Found(float(value))
        for name, value in zip(names, np.asarray(values).ravel(), strict=True)
    }
