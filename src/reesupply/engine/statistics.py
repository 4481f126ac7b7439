"""Statistics that are gathered lane by lane: mean and standard deviation of every cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.variables import BLOC, DATA, ELEMENT, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


def with_sums(name: str, array: FloatArray, heavy: Sequence[int]) -> FloatArray:
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

    Returns
    -------
    ndarray
        One entry more on the bloc axis (world) and on the element axis (heavy pair), summed in
        each draw; ratios, which do not add, keep their shape.
    """
    if name not in DATA or DATA[name].units == "1":
        return array
    variable = DATA[name]
    for axis, dim in enumerate(variable.dims):
        if dim in (BLOC, ELEMENT):
            parts = array if dim == BLOC else array.take(heavy, axis=axis)
            array = np.concatenate([array, parts.sum(axis=axis, keepdims=True)], axis=axis)
    return array


@dataclass(slots=True)
class Moments:
    """
    Count, sum and sum of squares of every cell of every variable.

    Lanes are added in their order, so the bits do not depend on who computed which lane.
    """

    count: int
    sums: dict[str, FloatArray]
    squares: dict[str, FloatArray]

    @classmethod
    def of_lane(cls, summed: dict[str, FloatArray], draws: int) -> Moments:
        """Return the moments of the first `draws` draws of the variables of a lane with sums."""
        sums, squares = {}, {}
        for name in VARIABLES:
            cut = summed[name][..., :draws]
            sums[name] = cut.sum(axis=-1)
            squares[name] = np.einsum("...d,...d->...", cut, cut)
        return cls(draws, sums, squares)

    def add(self, other: Moments) -> None:
        """Add the moments of a later lane."""
        self.count += other.count
        for name in self.sums:
            self.sums[name] += other.sums[name]
            self.squares[name] += other.squares[name]

    def mean(self, name: str) -> FloatArray:
        """Return the mean of a variable, labels of sums included."""
        return self.sums[name] / self.count

    def sd(self, name: str) -> FloatArray:
        """Return the standard deviation over draws, labels of sums included."""
        mean = self.mean(name)
        variance = self.squares[name] / self.count - mean**2
        # what is left of a constant is rounding, which must not look like a spread
        variance[variance < 1e-12 * mean**2] = 0.0
        return np.sqrt(variance * (self.count / max(self.count - 1, 1)))
