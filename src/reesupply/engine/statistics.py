"""Statistics that are gathered lane by lane: mean and standard deviation of every cell."""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.lanesums import LaneSums
from reesupply.engine.variables import BLOC, DATA, ELEMENT, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]

#: Name of the claims among the variables.
CLAIMS = "claims"
#: Kinds of project that a variable by project is about.
KINDS = {
    "project.output": ("mine",),
    "project.separated": ("mine",),
    "project.capacity": ("refinery", "recycler"),
    "project.throughput": ("refinery",),
}
#: Rows that are summed together: they stay in the cache between their sum and that of squares.
_ROWS = 32


def has_sums(name: str) -> bool:
    """Whether a variable has sums over blocs and elements; ratios do not add."""
    return name in DATA and DATA[name].units != "1"


def with_sums(
    name: str, array: FloatArray, heavy: Sequence[int], room: FloatArray | None = None
) -> FloatArray:
    """
    Append the sum over blocs and over elements to the axes of a variable of `result.data`.

    Parameters
    ----------
    name : str
        Name of the variable.
    array : ndarray, shape (..., draw)
        Its draws.
    heavy : sequence of int
        Elements of the heavy pair.
    room : ndarray, shape (number,), optional
        Memory for the result, at least as large.

    Returns
    -------
    ndarray
        One entry more on the bloc axis (world) and on the element axis (heavy pair), summed in
        each draw; ratios, which do not add, keep their shape. In double precision.
    """
    sums = has_sums(name)
    if not sums and array.dtype == np.float64:
        return array
    dims = DATA[name].dims if sums else ()
    shape = [*array.shape[:-1]]
    for axis, dim in enumerate(dims):
        shape[axis] += dim in (BLOC, ELEMENT)
    shape.append(array.shape[-1])
    whole = np.empty(shape) if room is None else room[: prod(shape)].reshape(shape)
    filled = [slice(n) for n in array.shape]
    whole[tuple(filled)] = array
    for axis, dim in enumerate(dims):
        if dim in (BLOC, ELEMENT):
            filled[axis] = slice(None)
            ahead = np.moveaxis(whole[tuple(filled)], axis, 0)
            first, *rest = range(array.shape[axis]) if dim == BLOC else heavy
            np.copyto(ahead[-1], ahead[first])
            for index in rest:
                ahead[-1] += ahead[index]
    return whole


def shapes_of(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Return the shape of each variable without draws, sums over labels included, and of claims."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, variable in VARIABLES.items():
        sums = has_sums(name)
        shapes[name] = tuple(
            len(plan.labels(dim)) + (sums and dim in (BLOC, ELEMENT)) for dim in variable.dims
        )
    return shapes | {CLAIMS: (len(plan.claims),)}


def live_pieces(plan: Plan) -> dict[str, list[slice]]:
    """
    Divide the cells of each variable into pieces that stay in the cache.

    Parameters
    ----------
    plan : Plan
        Compiled scenario.

    Returns
    -------
    dict of str to list of slice
        Pieces of the flat cells of each variable. Those of projects of a kind that a variable is
        not about, such as the capacity of a mine, are always 0 and in no piece.
    """
    kinds = {row.id: row.kind for row in plan.scenario.rows("projects")}
    pieces: dict[str, list[slice]] = {}
    for name, shape in shapes_of(plan).items():
        live = np.ones(shape[:1], dtype=np.bool_)
        if name in KINDS:
            live = np.array([kinds[project] in KINDS[name] for project in plan.projects])
        edges = np.flatnonzero(np.diff(live, prepend=False, append=False)) * prod(shape[1:])
        pieces[name] = [
            slice(at, min(at + _ROWS, stop))
            for start, stop in edges.reshape(-1, 2).tolist()
            for at in range(start, stop, _ROWS)
        ]
    return pieces


def measure(
    cells: FloatArray, weights: FloatArray, pieces: Sequence[slice]
) -> tuple[FloatArray, FloatArray]:
    """
    Sum cells and their squares over draws.

    Parameters
    ----------
    cells : ndarray, shape (cell, draw)
        Draws of a lane.
    weights : ndarray, shape (draw,)
        Weight of each draw; 1 where there are none.
    pieces : sequence of slice
        Cells that can differ from 0; see `live_pieces`.

    Returns
    -------
    sums, squares : ndarray, shape (cell,)
    """
    sums, squares = np.zeros((2, len(cells)))
    equal = bool((weights == 1.0).all())
    for some in pieces:
        rows = cells[some]
        np.matmul(rows, weights, out=sums[some])
        np.vecdot(rows, rows if equal else rows * weights, out=squares[some])
    return sums, squares


class Moments:
    """
    Weight, sum and sum of squares of every cell of every variable and of the claims.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Shape of each variable without draws, sums over labels included.

    Attributes
    ----------
    count : int
        Number of draws.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.count = 0
        named = {f"{kind} {name}": shape for name, shape in shapes.items() for kind in _KINDS}
        self._sums = LaneSums({"weight": (), "weight2": (), **named})

    @classmethod
    def of(
        cls, count: int, sums: Mapping[str, FloatArray], squares: Mapping[str, FloatArray]
    ) -> Moments:
        """Return the moments of draws of equal weight from their sums, as those of a file."""
        found = cls({name: array.shape for name, array in sums.items()})
        measured = {name: (array, squares[name]) for name, array in sums.items()}
        found.add_lane(0, np.ones(1), measured)
        found.count = count
        found._total |= {"weight": np.array(float(count)), "weight2": np.array(float(count))}
        return found

    def add_lane(
        self,
        lane: int,
        weights: FloatArray,
        measured: Mapping[str, tuple[FloatArray, FloatArray]],
    ) -> None:
        """
        Add the moments of a lane.

        Parameters
        ----------
        lane : int
            Its number.
        weights : ndarray, shape (draw,)
            Weight of each draw; 1 where there are none.
        measured : mapping of str to (sums, squares)
            What `measure` found, by variable.
        """
        arrays: dict[str, npt.ArrayLike] = {"weight": weights.sum(), "weight2": weights @ weights}
        for name, found in measured.items():
            arrays |= {f"{kind} {name}": array for kind, array in zip(_KINDS, found, strict=True)}
        self.count += weights.size
        self._sums.add_lane(lane, arrays)
        self.__dict__.pop("_total", None)

    def add(self, other: Moments) -> None:
        """Add the moments of other lanes; the order does not matter."""
        self.count += other.count
        self._sums.add(other._sums)
        self.__dict__.pop("_total", None)

    def __contains__(self, name: str) -> bool:
        return f"sum {name}" in self._total

    @property
    def sums(self) -> dict[str, FloatArray]:
        """Sum over draws of each variable."""
        return self._kind("sum")

    @property
    def squares(self) -> dict[str, FloatArray]:
        """Sum of squares over draws of each variable."""
        return self._kind("square")

    def mean(self, name: str) -> FloatArray:
        """Return the mean of a variable, labels of sums included."""
        return self._total[f"sum {name}"] / self._total["weight"]

    def sd(self, name: str) -> FloatArray:
        """Return the standard deviation over draws, labels of sums included."""
        mean = self.mean(name)
        variance = self._total[f"square {name}"] / self._total["weight"] - mean**2
        # what is left of a constant is rounding, which must not look like a spread
        variance[variance < 1e-12 * mean**2] = 0.0
        return np.sqrt(variance / max(self.freedom, 1e-300))

    @property
    def freedom(self) -> float:
        """Share of the sum of squares that is left beside the mean: 1 - 1/n for equal weights."""
        left = 1.0 - float(self._total["weight2"] / self._total["weight"] ** 2)
        return left if left > 1e-15 else 1.0  # of one draw there is no spread

    @cached_property
    def _total(self) -> dict[str, FloatArray]:
        return self._sums.total()

    def _kind(self, kind: str) -> dict[str, FloatArray]:
        start = f"{kind} "
        return {
            name.removeprefix(start): array
            for name, array in self._total.items()
            if name.startswith(start)
        }


_KINDS = ("sum", "square")
