"""
Which functions do the hottest work: numpy's, or others that give the same numbers.

A lane takes them from its workspace, so that two runs of one process can differ, and a job names
them by a word, which travels to any worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from reesupply.distributions.normal_lines import normal_quantile
from reesupply.engine.histograms import count
from reesupply.engine.quantiles import Steps, Tables
from reesupply.errors import ReesupplyError, nearest
from reesupply.models.rampup import RampTable
from reesupply.models.rampup.rows import RampRows
from reesupply.models.refining import refine

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from reesupply.models.refining import Refined

    FloatArray = npt.NDArray[np.float64]

__all__ = ["KERNELS", "NUMPY", "Kernels", "kernels_of"]

#: What `simulate(kernels=...)` allows.
KERNELS = ("numpy", "numba")


@dataclass(frozen=True, slots=True)
class Kernels:
    """
    Functions that can be exchanged, those of numpy unless another is given.

    Attributes
    ----------
    normal_quantile : callable
        As `reesupply.distributions.normal_lines.normal_quantile`.
    read_tables, read_steps : callable
        As `Tables.__call__` and `Steps.__call__` of `reesupply.engine.quantiles`.
    ramp_average, ramp_total : callable
        As `RampTable.average` and `RampRows.total` of `reesupply.models.rampup`.
    refine : callable
        As `reesupply.models.refining.refine`.
    count : callable
        As `reesupply.engine.histograms.count`.
    """

    normal_quantile: Callable[..., FloatArray] = normal_quantile
    read_tables: Callable[[Tables, FloatArray, slice], FloatArray] = Tables.__call__
    read_steps: Callable[[Steps, FloatArray, slice], FloatArray] = Steps.__call__
    ramp_average: Callable[..., FloatArray] = RampTable.average
    ramp_total: Callable[[RampRows, FloatArray, FloatArray], FloatArray] = RampRows.total
    refine: Callable[..., Refined] = refine
    count: Callable[..., tuple[npt.NDArray[np.int64], FloatArray]] = count


NUMPY = Kernels()


def kernels_of(name: Any) -> Kernels:
    """
    Return the functions that a word stands for.

    Parameters
    ----------
    name : {"numpy", "numba"}
        Which; those of numba are compiled when they are first called, and kept on disk.

    Returns
    -------
    Kernels

    Raises
    ------
    ReesupplyError
        If the word is another, or numba is not installed.
    """
    if name not in KERNELS:
        msg = f"kernels: found {name!r}; {nearest(str(name), KERNELS)}"
        raise ReesupplyError(msg)
    if name == "numpy":
        return NUMPY
    if find_spec("numba") is None:
        msg = (
            "kernels: found 'numba', which is not installed; allowed is 'numpy', or numba after "
            "pip install 'reesupply[compiled]'"
        )
        raise ReesupplyError(msg)
    return _compiled()


@lru_cache(maxsize=1)
def _compiled() -> Kernels:
    from reesupply import compiled

    return Kernels(**{name: getattr(compiled, name) for name in compiled.__all__})
