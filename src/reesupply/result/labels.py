"""From bare arrays to labelled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.variables import BLOC, DATA, ELEMENT, VARIABLES, Variable
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt
    import xarray as xr

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]

#: Label of the sum over blocs.
WORLD = "world"

Coords = dict[str, list[Any]]


def all_elements(plan: Plan) -> str:
    """Return the label of the sum over the heavy pair, "Dy+Tb"."""
    return "+".join(plan.elements[index] for index in plan.heavy)


def coords_of(plan: Plan, name: str) -> Coords:
    """Return the labels of each axis of a variable, sums included where it has them."""
    variable = VARIABLES[name]
    coords: Coords = {dim: list(plan.labels(dim)) for dim in variable.dims}
    if name in DATA and variable.units != "1":
        for dim, label in ((BLOC, WORLD), (ELEMENT, all_elements(plan))):
            if dim in coords:
                coords[dim].append(label)
    return coords


def select(
    array: npt.NDArray[Any], coords: Coords, chosen: Mapping[str, Any], name: str
) -> tuple[npt.NDArray[Any], Coords]:
    """
    Take labels along axes.

    Parameters
    ----------
    array : ndarray, shape of `coords`, with or without draws last
        Values.
    coords : dict
        Labels by axis, in order.
    chosen : mapping
        Axis to label; None is not chosen.
    name : str
        Name of the variable, for an error.

    Returns
    -------
    ndarray, dict
        What is left, and its labels.

    Raises
    ------
    ReesupplyError
        If an axis or label does not exist.
    """
    left = dict(coords)
    for dim, label in chosen.items():
        if label is None:
            continue
        if dim not in left:
            msg = f"{name} has no axis {dim!r}; its axes are {', '.join(coords) or 'draws only'}"
            raise ReesupplyError(msg)
        if np.ndim(label) or label not in left[dim]:
            msg = f"{dim}: found {label!r}{_allowed(label, left[dim])}"
            raise ReesupplyError(msg)
        array = np.asarray(array.take(left[dim].index(label), axis=list(left).index(dim)))
        del left[dim]
    return array, left


def _allowed(label: Any, known: Sequence[Any]) -> str:
    """Say which labels an axis has: the nearest name, or the range of years."""
    if all(isinstance(each, int) for each in known):
        return f", allowed is an integer from {known[0]} to {known[-1]}"
    return f"; {nearest(label, known)}"


def labelled(array: FloatArray, coords: Coords, name: str) -> xr.DataArray | float:
    """Give an array its labels; a single number is returned as a float."""
    if array.ndim == 0:
        return float(array)
    import xarray as xr

    return xr.DataArray(
        array, dims=list(coords), coords=coords, name=name, attrs=attrs_of(VARIABLES[name])
    )


def attrs_of(variable: Variable) -> dict[str, str]:
    """Return units and meaning of a variable."""
    return {"units": variable.units, "long_name": variable.long_name}


def dataset(
    plan: Plan,
    variables: Mapping[str, Any],
    draws: int,
    attrs: Mapping[str, str],
) -> xr.Dataset:
    """Make a Dataset of (dims, array, attrs) by name, with the labels of every axis that occurs."""
    import xarray as xr

    dims = dict.fromkeys(dim for entry in variables.values() for dim in entry[0])
    coords: dict[str, Any] = {
        dim: np.arange(draws) if dim == "draw" else list(plan.labels(dim)) for dim in dims
    }
    return xr.Dataset(variables, coords=coords, attrs=dict(attrs))


def scalars(names: Sequence[str], units: Iterable[str], rows: FloatArray) -> dict[str, Any]:
    """Return (dims, array, attrs) of one number per draw by name."""
    return {
        name: (("draw",), row, {"units": unit, "long_name": name})
        for name, unit, row in zip(names, units, rows, strict=True)
    }
