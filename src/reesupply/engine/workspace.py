"""Arrays of a lane, allocated once per thread and written again in every lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Workspace"]


class Workspace(dict[str, "FloatArray"]):
    """
    Variables of a lane by name.

    A fresh array of some megabytes costs more than the arithmetic on it, because the system must
    find and clear its pages; so the large ones are kept from lane to lane.
    """

    def room(self, name: str, *shape: int) -> FloatArray:
        """
        Return the array of a variable, to be written.

        Parameters
        ----------
        name : str
            Its name.
        *shape : int
            Its shape.

        Returns
        -------
        ndarray
            Zeros the first time, later what the lane before left: who does not write all of it
            must leave the same part of it alone in every lane.
        """
        found = self.get(name)
        if found is None or found.shape != shape:
            found = self[name] = np.zeros(shape)
        return found
