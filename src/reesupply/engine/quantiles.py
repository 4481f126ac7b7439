"""
Quantile functions of all cells at once: standard normal numbers in, values out.

Cells of one kind are computed together, a few rows at a time, so that numpy is called a few dozen
times for hundreds of cells and what it works on stays in the processor's cache.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from reesupply.distributions import (
    Bernoulli,
    Discrete,
    Distribution,
    LogNormal,
    Normal,
    QuantileTable,
    Uniform,
)
from reesupply.distributions.table import Z_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.engine.kernels import Kernels

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

#: Rows of 1,024 draws at a time.
_ROWS = 16


class Quantiles:
    """
    Quantile functions of a list of cells.

    Parameters
    ----------
    distributions : sequence of Distribution
        One per cell.
    """

    def __init__(self, distributions: Sequence[Distribution]) -> None:
        groups: dict[type[_Group], list[int]] = {}
        for cell, one in enumerate(distributions):
            groups.setdefault(_kind(one), []).append(cell)
        self._groups = [kind([distributions[i] for i in at]) for kind, at in groups.items()]
        self._cells = [np.array(at, dtype=np.intp) for at in groups.values()]

    def __call__(
        self, z: FloatArray, out: FloatArray | None = None, kernels: Kernels | None = None
    ) -> FloatArray:
        """
        Return the values at standard normal numbers.

        Parameters
        ----------
        z : ndarray, shape (cell, draw)
            Standard normal numbers.
        out : ndarray, shape of `z`, optional
            Where the result is written; it may be `z` itself.
        kernels : Kernels, optional
            Functions to do it with.

        Returns
        -------
        ndarray, shape of `z`
        """
        values = np.empty_like(z) if out is None else out
        other: dict[type, Any] = {}
        if kernels is not None:
            other = {Tables: kernels.read_tables, Steps: kernels.read_steps}
        for group, cells in zip(self._groups, self._cells, strict=True):
            read = partial(other.get(type(group), type(group).__call__), group)
            for start in range(0, cells.size, _ROWS):
                rows = slice(start, start + _ROWS)
                values[cells[rows]] = read(z[cells[rows]], rows)
        return values


class _Group(Protocol):
    """Cells of one kind; `z` is overwritten."""

    def __init__(self, cells: list[Any]) -> None: ...

    def __call__(self, z: FloatArray, rows: slice) -> FloatArray: ...


class _Normals:
    """Normal cells: a line in z."""

    def __init__(self, cells: list[Normal]) -> None:
        self._mean, self._sd = _column(c.mean for c in cells), _column(c.sd for c in cells)

    def __call__(self, z: FloatArray, rows: slice) -> FloatArray:
        z *= self._sd[rows]
        z += self._mean[rows]
        return z


class _LogNormals:
    """Log-normal cells: the exponential of a line in z."""

    def __init__(self, cells: list[LogNormal]) -> None:
        self._median = _column(c.median for c in cells)
        self._sigma = _column(c.sigma for c in cells)

    def __call__(self, z: FloatArray, rows: slice) -> FloatArray:
        z *= self._sigma[rows]
        np.exp(z, out=z)
        z *= self._median[rows]
        return z


class _Uniforms:
    """Uniform cells, from whichever end is nearer: the tails keep their digits."""

    def __init__(self, cells: list[Uniform]) -> None:
        self._low, self._high = _column(c.low for c in cells), _column(c.high for c in cells)

    def __call__(self, z: FloatArray, rows: slice) -> FloatArray:
        from scipy.special import ndtr

        lower = z <= 0.0
        np.abs(z, out=z)
        np.negative(z, out=z)
        ndtr(z, out=z)
        low, high = self._low[rows], self._high[rows]
        z *= high - low
        return np.where(lower, low + z, high - z)


class Steps:
    """Cells with few values: which of them, by the edges in z between them."""

    def __init__(self, cells: list[Bernoulli | Discrete]) -> None:
        self.cells = [_steps(c) for c in cells]

    def __call__(self, z: FloatArray, rows: slice) -> FloatArray:
        """Return the values of some rows; `z`, (cell, draw), is overwritten."""
        for own, (edges, values) in zip(z, self.cells[rows], strict=True):
            values.take(edges.searchsorted(own, side="left"), out=own)
        return z


class Tables:
    """Cells of all other kinds, read from the tables of `QuantileTable` laid end to end."""

    def __init__(self, cells: list[Distribution]) -> None:
        tables = [_table(c) for c in cells]
        sizes = np.array([table.values.size for table in tables])
        self.first = (np.cumsum(sizes) - sizes)[:, np.newaxis]
        self.last = _column(sizes - 1)
        self.per_z = self.last / (2.0 * Z_MAX)
        self.values = np.concatenate([table.values for table in tables])
        self.steps = np.concatenate([table.steps for table in tables])
        self.top = _column(table.values[-1] for table in tables)

    def __call__(self, z: FloatArray, rows: slice) -> FloatArray:
        """Return the values of some rows; `z`, (cell, draw), is overwritten."""
        z += Z_MAX
        z *= self.per_z[rows]
        np.maximum(z, 0.0, out=z)
        np.minimum(z, self.last[rows], out=z)
        node = z.astype(np.intp)
        z -= node
        node += self.first[rows]
        # inside the table already: mode="clip" only spares numpy a second check
        z *= self.steps.take(node, mode="clip")
        z += self.values.take(node, mode="clip")
        return np.minimum(z, self.top[rows], out=z)  # a rounding error stays in the support


def _kind(distribution: Distribution) -> type[_Group]:
    match distribution:
        case Bernoulli() | Discrete():
            return Steps
        case Normal():
            return _Normals
        case LogNormal():
            return _LogNormals
        case Uniform():
            return _Uniforms
    return Tables


def _column(numbers: Any) -> FloatArray:
    return np.array(list(numbers), dtype=np.float64)[:, np.newaxis]


@lru_cache(maxsize=512)
def _steps(distribution: Bernoulli | Discrete) -> tuple[FloatArray, FloatArray]:
    """Edges in z and values between them, of a distribution with few values."""
    from scipy.special import ndtri

    given = (0.0, 1.0) if isinstance(distribution, Bernoulli) else distribution.values
    values = np.array(sorted(given))
    return ndtri(distribution.cdf(values[:-1])), values


@lru_cache(maxsize=1024)
def _table(distribution: Distribution) -> QuantileTable:
    """Return its table, kept: most of a changed scenario is as it was."""
    return QuantileTable(distribution)
