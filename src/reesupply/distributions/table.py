"""A fast table in place of a slow quantile function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.distributions.base import Distribution, FloatArray

# Why z and not u: a quantile function is steep in u at both ends (without bound where the density
# falls to zero), so a table in u misses the tails by a tenth of the range; in z it is smooth
# everywhere, equal steps reach both tails alike, and factors deliver z anyway.
Z_MAX = 8.3
"""End of the table on both sides: beyond it no float64 uniform number in (0, 1) ever comes."""

TOLERANCE = 1e-5
"""Largest error that a table may have, as a share of the range."""

_START, _MOST = 513, 131_073
_RANGE_Z = 7.034483825301131
"""The range is taken between ppf(1e-12) and ppf(1 - 1e-12), so that it exists without bounds."""


class QuantileTable:
    """
    Quantile function of a continuous distribution as a function of a standard normal number.

    A line between nodes equally spaced in z on [-8.3, 8.3], constant beyond; as many nodes as keep
    the error within 1e-5 of the range between ppf(1e-12) and ppf(1 - 1e-12) (usually 2,049).

    Parameters
    ----------
    distribution : Distribution
        A continuous one; worth it for Pert, Beta and Truncated, whose exact quantiles are solved.

    Attributes
    ----------
    values : ndarray, shape (nodes,)
        Quantiles at the nodes, ascending, read-only.
    steps : ndarray, shape (nodes,)
        From each node to the next, 0 at the last.

    Raises
    ------
    ScenarioError
        If the distribution is discrete, or too steep for the largest table.

    Examples
    --------
    >>> from reesupply.distributions import pert
    >>> table = QuantileTable(pert(800, 1500, 3000))
    >>> table([-1.2815515655, 0.0, 1.2815515655]).round()
    array([1120., 1602., 2194.])
    """

    __slots__ = ("_per_z", "steps", "values")

    values: FloatArray
    steps: FloatArray

    def __init__(self, distribution: Distribution) -> None:
        if distribution.is_discrete:
            msg = f"{distribution}: a quantile table must be of a continuous distribution."
            raise ScenarioError(msg)
        self.values = _nodes(distribution)
        # a last step of 0 makes the end an ordinary node
        self.steps = np.append(np.diff(self.values), 0.0)
        self._per_z = (self.values.size - 1) / (2.0 * Z_MAX)
        self.values.flags.writeable = self.steps.flags.writeable = False

    def __call__(self, z: npt.ArrayLike, out: FloatArray | None = None) -> FloatArray:
        """
        Quantiles at standard normal numbers.

        Parameters
        ----------
        z : array_like
            Standard normal numbers.
        out : ndarray, shape of `z`, optional
            Where the result is written; it may be `z` itself.

        Returns
        -------
        ndarray, shape of `z`
            Values within the support; NaN where `z` is NaN.
        """
        place = np.array(z, dtype=np.float64)  # a copy, on which all else is done in place
        place += Z_MAX
        place *= self._per_z
        # not np.clip and np.take, whose Python wrappers cost more than the work on a short lane
        np.maximum(place, 0.0, out=place)
        np.minimum(place, self.values.size - 1.0, out=place)
        with np.errstate(invalid="ignore"):  # NaN gets a wrong node and stays NaN by its fraction
            node = place.astype(np.intp)
        place -= node
        # mode="clip" is for the node of NaN; it also spares numpy a buffer
        place *= self.steps.take(node, mode="clip")
        result = np.asarray(self.values.take(node, out=out, mode="clip"))
        result += place
        np.minimum(result, self.values[-1], out=result)  # a rounding error stays in the support
        return result if out is None else out


def _nodes(distribution: Distribution) -> FloatArray:
    """Quantiles at the nodes: doubled until the last doubling moved no middle by the tolerance."""
    low, high = distribution.from_normal([-_RANGE_Z, _RANGE_Z])
    count = _START
    values = distribution.from_normal(np.linspace(-Z_MAX, Z_MAX, count))
    # a range of a few floats, as of pert(2030, 2030.0000000001, ...), cannot be met more closely
    allowed = max(TOLERANCE * (high - low), 4.0 * float(np.spacing(max(abs(low), abs(high)))))
    # without bounds the last nodes lie far outside the range, where nothing is promised
    checked = Z_MAX if np.isfinite(distribution.support).all() else _RANGE_Z
    while count < _MOST:
        z = np.linspace(-Z_MAX, Z_MAX, 2 * count - 1)
        middle = distribution.from_normal(z[1::2])
        missed = np.abs(middle - 0.5 * (values[:-1] + values[1:]))[np.abs(z[1::2]) <= checked]
        count = z.size
        merged = np.empty(count)
        merged[::2], merged[1::2] = values, middle
        values = merged
        # the error is quartered by the doubling itself, which leaves a factor of four in hand
        if missed.max() <= allowed:
            return np.maximum.accumulate(values)  # solvers wobble in the last digit
    msg = f"{distribution}: too steep for a quantile table of {_MOST:,} nodes; widen its spread."
    raise ScenarioError(msg)
