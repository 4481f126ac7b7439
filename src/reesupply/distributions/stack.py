"""Quantile tables of many distributions, read together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.distributions.table import TOLERANCE, Z_MAX
from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.distributions.base import Distribution, FloatArray

    IndexArray = npt.NDArray[np.intp]

__all__ = ["Z_MOST", "QuantileTables"]

Z_MOST = 12.0
"""Two normal numbers of at most 8.3, mixed with squares that sum to 1, give at most 11.8."""

_START, _MOST = 1025, 16_385
_RANGE = (-7.034483825301131, 7.034483825301131)  # ppf(1e-12) and ppf(1 - 1e-12)


class QuantileTables:
    """
    Quantile functions of several continuous distributions on the same nodes.

    As `QuantileTable`, lines between nodes equally spaced in z on [-8.3, 8.3], but all the tables
    stand in one array, so that one gather reads the values of all inputs and a block of draws.

    Parameters
    ----------
    distributions : sequence of Distribution
        Continuous ones.

    Attributes
    ----------
    values : ndarray, shape (distribution, node)
        Quantiles at the nodes, ascending, read-only.
    per_z : float
        Nodes per unit of z.

    Raises
    ------
    ScenarioError
        If one is discrete, or needs more than 16,385 nodes for an error of 1e-5 of its range.

    Examples
    --------
    >>> from reesupply.distributions import pert
    >>> tables = QuantileTables([pert(0, 1, 4), pert(800, 1500, 3000)])
    >>> tables(np.zeros((2, 1)))[:, 0].round(2).tolist()
    [1.26, 1601.97]
    """

    __slots__ = ("_at_zero", "_first", "_slope", "per_z", "values")

    values: FloatArray
    per_z: float

    def __init__(self, distributions: Sequence[Distribution]) -> None:
        for each in distributions:
            if each.is_discrete:
                msg = f"{each}: a quantile table must be of a continuous distribution."
                raise ScenarioError(msg)
        self.values = _common_nodes(distributions)
        self.values.flags.writeable = False
        count = self.values.shape[1]
        self.per_z = (count - 1) / (2.0 * Z_MAX)
        # so many equal nodes at both ends that a mix of factors is still inside
        more = int(np.ceil((Z_MOST - Z_MAX) * self.per_z)) + 1
        nodes = np.pad(self.values, ((0, 0), (more, more)), mode="edge")
        # with the value that its line has at place 0 of all tables, a look-up needs no fraction
        slope = np.diff(nodes, axis=1, append=nodes[:, -1:])
        place = np.arange(nodes.size, dtype=np.float64).reshape(nodes.shape)
        self._slope = slope.reshape(-1)
        self._at_zero = (nodes - slope * place).reshape(-1)
        self._first = place[:, :1] + (more + Z_MAX * self.per_z)

    def __call__(self, z: FloatArray) -> FloatArray:
        """
        Quantiles at standard normal numbers.

        Parameters
        ----------
        z : ndarray, shape (distribution, draw)
            Within -12 and 12; anything else, NaN included, gives the value of another place.

        Returns
        -------
        ndarray, shape (distribution, draw)
            Constant beyond -8.3 and 8.3.
        """
        out, place = np.empty_like(z), np.empty(z.shape, dtype=np.intp)
        return self.at_places(z * self.per_z, slice(None), out, place=place)

    def at_places(
        self, z: FloatArray, rows: slice, out: FloatArray, *, place: IndexArray
    ) -> FloatArray:
        """
        Quantiles of some of the distributions at standard normal numbers times `per_z`.

        Parameters
        ----------
        z : ndarray, shape (row, draw)
            Normal numbers counted in nodes; overwritten.
        rows : slice
            Which distributions.
        out : ndarray, shape of `z`
            Where the result is written; not `z`.
        place : ndarray of int, shape of `z`
            Integers to work in.

        Returns
        -------
        ndarray
            `out`.
        """
        z += self._first[rows]
        np.copyto(place, z, casting="unsafe")  # cuts off
        # "clip" spares numpy a buffer
        self._slope.take(place, out=out, mode="clip")
        out *= z
        self._at_zero.take(place, out=z, mode="clip")
        out += z
        return out


def _common_nodes(distributions: Sequence[Distribution]) -> FloatArray:
    """Quantiles at as many nodes as keep the error of all within 1e-5 of the range."""
    low, high = np.array([each.from_normal(_RANGE) for each in distributions]).T
    count = _START
    while count <= _MOST:
        z = np.linspace(-Z_MAX, Z_MAX, 2 * count - 1)
        fine = np.array([each.from_normal(z) for each in distributions])
        missed = np.abs(fine[:, 1::2] - 0.5 * (fine[:, :-2:2] + fine[:, 2::2]))
        inside = np.abs(z[1::2]) <= _RANGE[1]
        good = missed[:, inside].max(axis=1) <= TOLERANCE * (high - low)
        if good.all():
            return np.ascontiguousarray(np.maximum.accumulate(fine[:, ::2], axis=1))
        count = 2 * count - 1
    worst = distributions[int(np.argmin(good))]
    msg = f"{worst}: too steep for a quantile table of {_MOST:,} nodes; widen its spread."
    raise ScenarioError(msg)
