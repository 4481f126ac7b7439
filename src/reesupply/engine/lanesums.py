"""Sums over lanes whose bits do not depend on which worker added what."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Shapes = Mapping[str, tuple[int, ...]]


class LaneSums:
    """
    Named arrays, summed over lanes two by two.

    A sum of floating-point numbers depends on the order of its terms. Here the numbers of the lanes
    fix it, as the draw of a tournament does: lanes 0 and 1 are added, lanes 2 and 3, then these two
    sums. So partial sums of any lanes, added in any order and grouping, give the same bits, and the
    rounding grows with the logarithm of the number of lanes.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Shape of each array.
    """

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = dict(shapes)
        # (level, index) is the sum of the lanes from index * 2**level, 2**level of them
        self._sums: dict[tuple[int, int], FloatArray] = {}

    @classmethod
    def of(cls, total: Mapping[str, FloatArray]) -> LaneSums:
        """Return sums that are known, as those of a file."""
        found = cls({name: array.shape for name, array in total.items()})
        found.add_lane(0, total)
        return found

    def add_lane(self, lane: int, arrays: Mapping[str, npt.ArrayLike]) -> None:
        """
        Add the arrays of a lane.

        Parameters
        ----------
        lane : int
            Its number; each lane is added once.
        arrays : mapping of str to array
            One per name, of its shape.
        """
        self._insert(0, lane, np.concatenate([np.ravel(arrays[name]) for name in self.shapes]))

    def add(self, other: LaneSums) -> None:
        """Add the sums of other lanes; the order does not matter."""
        for (level, index), values in other._sums.items():
            self._insert(level, index, values)

    def total(self) -> dict[str, FloatArray]:
        """Return the sums over all lanes by name; zeros before the first."""
        by_place = sorted(self._sums.items(), key=lambda item: item[0][1] << item[0][0])
        flat = np.zeros(sum(prod(shape) for shape in self.shapes.values()))
        for _, values in by_place:
            flat += values
        found, first = {}, 0
        for name, shape in self.shapes.items():
            found[name] = flat[first : first + prod(shape)].reshape(shape)
            first += prod(shape)
        return found

    def _insert(self, level: int, index: int, values: FloatArray) -> None:
        while (neighbour := self._sums.pop((level, index ^ 1), None)) is not None:
            values = neighbour + values
            level, index = level + 1, index >> 1
        self._sums[level, index] = values
