"""Arrays of a lane, allocated once per thread and written again in every lane."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from reesupply.engine.kernels import NUMPY

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from reesupply.engine.kernels import Kernels
    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]

__all__ = ["DOUBLE", "Workspace", "workspace_of"]

DOUBLE = np.dtype(np.float64)


class Workspace(dict[str, "FloatArray"]):
    """
    Variables of a lane by name.

    A fresh array of some megabytes costs more than the arithmetic on it, because the system must
    find and clear its pages; so the large ones are kept from lane to lane.

    Attributes
    ----------
    kernels : Kernels
        Functions that the lane is run with.
    dtype : dtype
        Precision of the models; dates and inputs are in double precision always.
    """

    kernels: Kernels = NUMPY
    dtype: np.dtype[np.floating[Any]] = DOUBLE

    def room(
        self, name: str, *shape: int, dtype: np.dtype[np.floating[Any]] | None = None
    ) -> FloatArray:
        """
        Return the array of a variable, to be written.

        Parameters
        ----------
        name : str
            Its name.
        *shape : int
            Its shape.
        dtype : dtype, optional
            That of the workspace unless another is given.

        Returns
        -------
        ndarray
            Zeros the first time, later what the lane before left: who does not write all of it
            must leave the same part of it alone in every lane.
        """
        found = self.get(name)
        if found is None or found.shape != shape:
            found = self[name] = np.zeros(shape, dtype=dtype or self.dtype)
        return found


#: Workspaces that nobody writes, of the plan that was run last: memory for one plan, not for many.
_SPARE: WeakKeyDictionary[Plan, list[Workspace]] = WeakKeyDictionary()
_LOCK = Lock()


@contextmanager
def workspace_of(
    plan: Plan, kernels: Kernels = NUMPY, dtype: np.dtype[np.floating[Any]] = DOUBLE
) -> Iterator[Workspace]:
    """
    Lend a workspace for some lanes of a plan; later lanes get it again, also in another run.

    Parameters
    ----------
    plan : Plan
        Compiled scenario; another plan leaves other parts of its arrays alone.
    kernels : Kernels
        Functions that the lanes are run with.
    dtype : dtype
        Precision of the models.

    Yields
    ------
    Workspace
        Of the caller alone.
    """
    with _LOCK:
        for other in [other for other in _SPARE if other is not plan]:
            del _SPARE[other]
        spare = _SPARE.setdefault(plan, [])
        spare[:] = [other for other in spare if other.dtype == dtype]
        workspace = spare.pop() if spare else Workspace()
    workspace.kernels, workspace.dtype = kernels, dtype
    try:
        yield workspace
    finally:
        with _LOCK:
            spare.append(workspace)
