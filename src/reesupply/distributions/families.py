"""The families of continuous distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reesupply.distributions.base import Distribution, written

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.distributions.base import FloatArray

MAX_SIGMA = 10.0
"""Largest sigma of a lognormal; there P5 and P95 are 14 powers of ten apart."""

MIN_SHAPE, MAX_SHAPE = 0.05, 1e6
"""Shapes of a beta: below, it is two constants; above, its spread is under a thousandth."""

# In the classes below `= field()` gives no default. It is needed where a field replaces a property
# of the base class, which a dataclass would otherwise take for the field's default value.


@dataclass(frozen=True, slots=True)
class Uniform(Distribution):
    """
    Equal density from `low` to `high`; a constant if they are equal.

    Parameters
    ----------
    low, high : float
        Bounds, in order.
    """

    notation: ClassVar[str] = "uniform"
    low: float
    high: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return 0.5 * (self.low + self.high)

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.low, self.high

    def _check(self) -> None:
        self._require_order("low", "high")

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        width = self.high - self.low
        return np.where(below <= above, self.low + below * width, self.high - above * width)

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        inside = np.clip(x, self.low, self.high)
        width = self.high - self.low
        return (inside - self.low) / width, (self.high - inside) / width

    def _mode_within(self, low: float, high: float) -> float:
        return 0.5 * (low + high)


@dataclass(frozen=True, slots=True)
class Triangular(Distribution):
    """
    Density rising in a line from `low` to `mode` and falling in a line to `high`.

    Parameters
    ----------
    low, mode, high : float
        Smallest, most probable and largest value, in order; a constant if all are equal.
    """

    notation: ClassVar[str] = "triangular"
    low: float
    mode: float = field()
    high: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return (self.low + self.mode + self.high) / 3.0

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.low, self.high

    def _check(self) -> None:
        self._require_order("low", "mode", "high")

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        width = self.high - self.low
        rising, falling = (self.mode - self.low) / width, (self.high - self.mode) / width
        left = self.low + width * np.sqrt(rising * below)
        right = self.high - width * np.sqrt(falling * above)
        return np.where(below <= rising, left, right)

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        width = self.high - self.low
        inside = np.clip(x, self.low, self.high)
        # a side of no width is never chosen below, and 1.0 keeps its division harmless
        rising, falling = self.mode - self.low or 1.0, self.high - self.mode or 1.0
        left = (inside - self.low) / width * ((inside - self.low) / rising)
        right = (self.high - inside) / width * ((self.high - inside) / falling)
        is_left = (inside < self.mode) | (inside == self.low)
        return np.where(is_left, left, 1.0 - right), np.where(is_left, 1.0 - left, right)


def _beta_inverse(a: float, b: float, below: FloatArray, above: FloatArray) -> FloatArray:
    """Quantile of a beta on [0, 1], solved from whichever tail is the smaller."""
    from scipy.special import betainccinv, betaincinv

    # `where=` solves once for each number; np.where would solve twice, and this is the slow part
    lower = np.asarray(below <= above)
    share = np.full(np.shape(below), np.nan)
    betaincinv(a, b, below, out=share, where=lower)
    betainccinv(a, b, above, out=share, where=~lower)
    return share


def _beta_tails(a: float, b: float, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Probabilities of a beta on [0, 1] below and above a share, which is first put inside."""
    from scipy.special import betainc, betaincc

    inside = np.clip(share, 0.0, 1.0)
    return betainc(a, b, inside), betaincc(a, b, inside)


@dataclass(frozen=True, slots=True)
class Pert(Distribution):
    """
    Smooth density from `low` over its peak at `mode` to `high`: a scaled beta.

    Parameters
    ----------
    low, mode, high : float
        Smallest, most probable and largest value, in order; a constant if all are equal.

    Notes
    -----
    Beta(1 + 4 (mode - low) / width, 1 + 4 (high - mode) / width) over the width from low to high,
    whose mean is (low + 4 mode + high) / 6 [1]_.

    References
    ----------
    .. [1] Malcolm D. G., Roseboom J. H., Clark C. E. and Fazar W., "Application of a technique for
       research and development program evaluation", Operations Research, 7 (5), 646-669, 1959,
       doi:10.1287/opre.7.5.646.
    """

    notation: ClassVar[str] = "pert"
    low: float
    mode: float = field()
    high: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return (self.low + 4.0 * self.mode + self.high) / 6.0

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return self.low, self.high

    @property
    def shapes(self) -> tuple[float, float]:
        """Shapes a and b of the beta; 3 and 3 for a constant."""
        width = self.high - self.low
        if width == 0.0:
            return 3.0, 3.0
        return 1.0 + 4.0 * (self.mode - self.low) / width, 1.0 + 4.0 * (
            self.high - self.mode
        ) / width

    def _check(self) -> None:
        self._require_order("low", "mode", "high")

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        return self.low + (self.high - self.low) * _beta_inverse(*self.shapes, below, above)

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _beta_tails(*self.shapes, (x - self.low) / (self.high - self.low))


def _normal_inverse(below: FloatArray, above: FloatArray) -> FloatArray:
    """Quantile of the standard normal, from whichever tail is the smaller."""
    from scipy.special import ndtri

    lower = ndtri(np.minimum(below, above))
    return np.where(below <= above, lower, -lower)


def _normal_tails(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.special import ndtr

    return ndtr(z), ndtr(-z)


@dataclass(frozen=True, slots=True)
class Normal(Distribution):
    """
    Normal distribution.

    Parameters
    ----------
    mean : float
        Mean, median and mode.
    sd : float
        Standard deviation, not negative; a constant if 0.
    """

    notation: ClassVar[str] = "normal"
    mean: float = field()
    sd: float

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value: infinite, unless the sd is 0."""
        return (self.mean, self.mean) if self.sd == 0.0 else (-math.inf, math.inf)

    def from_normal(self, z: npt.ArrayLike) -> FloatArray:
        """Turn standard normal numbers into values; see `Distribution.from_normal`."""
        return np.asarray(self.mean + self.sd * np.asarray(z, dtype=np.float64))

    def _check(self) -> None:
        self._require(self.sd >= 0.0, f"sd must not be negative; got {written(self.sd)}")

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        return self.mean + self.sd * _normal_inverse(below, above)

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _normal_tails((x - self.mean) / self.sd)

    def _mode_within(self, low: float, high: float) -> float:
        return min(max(self.mean, low), high)


@dataclass(frozen=True, slots=True)
class LogNormal(Distribution):
    """
    Positive number whose natural logarithm is normal.

    Parameters
    ----------
    median : float
        Median, above 0.
    sigma : float
        Standard deviation of the natural logarithm, from 0 (a constant) to 10.
    """

    notation: ClassVar[str] = "lognormal"
    median: float = field()
    sigma: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.median * math.exp(0.5 * self.sigma**2)

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value: 0 and infinity, unless sigma is 0."""
        return (self.median, self.median) if self.sigma == 0.0 else (0.0, math.inf)

    def from_normal(self, z: npt.ArrayLike) -> FloatArray:
        """Turn standard normal numbers into values; see `Distribution.from_normal`."""
        return np.asarray(self.median * np.exp(self.sigma * np.asarray(z, dtype=np.float64)))

    def _check(self) -> None:
        self._require(self.median > 0.0, f"median must be above 0; got {written(self.median)}")
        self._require_between("sigma", 0.0, MAX_SIGMA)

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        return self.median * np.exp(self.sigma * _normal_inverse(below, above))

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(divide="ignore"):  # log(0) = -inf has probability 0, as wanted
            return _normal_tails(np.log(np.maximum(x, 0.0) / self.median) / self.sigma)

    def _mode_within(self, low: float, high: float) -> float:
        return min(max(self.median * math.exp(-(self.sigma**2)), low), high)


@dataclass(frozen=True, slots=True)
class Beta(Distribution):
    """
    Share between 0 and 1 with density proportional to x^(a - 1) (1 - x)^(b - 1).

    Parameters
    ----------
    a, b : float
        Shapes, from 0.05 to 1e6; the mean is a / (a + b).
    """

    notation: ClassVar[str] = "beta"
    a: float
    b: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.a / (self.a + self.b)

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value, 0 and 1."""
        return 0.0, 1.0

    def _check(self) -> None:
        self._require_between("a", MIN_SHAPE, MAX_SHAPE)
        self._require_between("b", MIN_SHAPE, MAX_SHAPE)

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        return _beta_inverse(self.a, self.b, below, above)

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _beta_tails(self.a, self.b, x)

    def _mode_within(self, low: float, high: float) -> float:
        rise, fall = self.a - 1.0, self.b - 1.0
        if rise == 0.0 and fall == 0.0:
            return 0.5 * (low + high)
        if rise >= 0.0 and fall >= 0.0:
            return min(max(rise / (rise + fall), low), high)
        if rise < 0.0 and fall < 0.0:  # highest at both ends
            return low if self._log_density(low) >= self._log_density(high) else high
        return low if rise < 0.0 else high

    def _log_density(self, x: float) -> float:
        """Logarithm of the density up to a constant; at a pole the stronger pole is the larger."""
        # poles are looked at from one small distance, where their strengths differ
        inside = min(max(x, 2.0**-53), 1.0 - 2.0**-53)
        return (self.a - 1.0) * math.log(inside) + (self.b - 1.0) * math.log1p(-inside)
