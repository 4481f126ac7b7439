"""A distribution as a line of steps: what a histogram says of one cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ladder:
    """
    How many draws lie below each value: straight between nodes, upright where draws are equal.

    Attributes
    ----------
    values, below : ndarray, shape (node,)
        Both rise; the last of `below` is the number of draws.
    """

    values: FloatArray
    below: FloatArray

    @classmethod
    def of(
        cls, values: FloatArray, counts: FloatArray, atoms: Iterable[tuple[float, float]]
    ) -> Ladder:
        """
        Build one.

        Parameters
        ----------
        values : ndarray, shape (node,)
            Edges of bins, rising.
        counts : ndarray, shape (node - 1,)
            Draws spread evenly over each bin.
        atoms : iterable of (value, count)
            Beside them, values that many draws have exactly.
        """
        below = np.concatenate([[0.0], np.cumsum(counts)])
        for value, count in atoms:
            at = int(np.searchsorted(values, value, side="right"))
            before = below[-1] if at == len(values) else np.interp(value, values, below)
            after = below[at:] + count
            below = np.concatenate([below[:at], [before, before + count], after])
            values = np.concatenate([values[:at], [value, value], values[at:]])
        return cls(values, below)

    def quantile(self, wanted: float) -> float:
        """Return the smallest value up to which there are as many draws as wanted."""
        at = int(np.searchsorted(self.below, wanted, side="left"))
        if at == 0:
            # where no draw lies there is no value
            return float(self.values[np.searchsorted(self.below, 0.0, side="right") - 1])
        if at == len(self.below):
            return float(self.values[-1])
        part = (wanted - self.below[at - 1]) / (self.below[at] - self.below[at - 1])
        return float(self.values[at - 1] + part * (self.values[at] - self.values[at - 1]))

    def count(self, value: float, *, inclusive: bool = False) -> float:
        """Count the draws below a value, or up to it."""
        at = int(np.searchsorted(self.values, value, side="right" if inclusive else "left"))
        if at == 0:
            return 0.0
        if at == len(self.values):
            return float(self.below[-1])
        part = (value - self.values[at - 1]) / (self.values[at] - self.values[at - 1])
        return float(self.below[at - 1] + part * (self.below[at] - self.below[at - 1]))

    def lowest(self, wanted: float) -> float:
        """Sum as many of the lowest draws as wanted."""
        at = int(np.searchsorted(self.below, wanted, side="left"))
        below = np.append(self.below[:at], wanted)
        values = np.append(self.values[:at], self.quantile(wanted))
        return float(np.diff(below) @ (values[1:] + values[:-1]) / 2.0)
