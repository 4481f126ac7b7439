"""A distribution between two bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reesupply.distributions.base import Distribution, checked_number, written

if TYPE_CHECKING:
    from reesupply.distributions.base import FloatArray

MIN_MASS = 1e-300
"""Least probability that a truncation must keep; below, floats lose its digits."""

MAX_DEPTH = 8
"""How many truncations may stand inside one another; the parser recurses once for each."""


@dataclass(frozen=True, slots=True)
class Truncated(Distribution):
    """
    The part of a continuous distribution between two bounds, scaled up to probability 1.

    Parameters
    ----------
    base : Distribution
        What is truncated.
    low, high : float
        Bounds, in order, with some probability of `base` between them.

    Notes
    -----
    The quantile is F^-1(F(low) + u (F(high) - F(low))), in the upper tail with 1 - F for F: one
    number in, one number out, and nothing is rejected.
    """

    notation: ClassVar[str] = "truncate"
    base: Distribution
    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = checked_number(getattr(self, name), name, str(self))
            object.__setattr__(self, name, value)
        self._check()

    def __str__(self) -> str:
        return f"truncate({self.base}, {written(self.low)}, {written(self.high)})"

    @property
    def mean(self) -> float:
        """Expected value, by the trapezoidal rule over 4,801 standard normal numbers."""
        z = np.linspace(-12.0, 12.0, 4801)
        weight = np.exp(-0.5 * z * z)
        return float(np.sum(weight * self.from_normal(z)) / np.sum(weight))

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        low, high = self.base.support
        return max(low, self.low), min(high, self.high)

    def _check(self) -> None:
        base = written(self.base)
        rule = f"only a distribution can be truncated; got {base}"
        self._require(isinstance(self.base, Distribution), rule)
        rule = f"only a continuous distribution can be truncated; got {base}"
        self._require(not self.base.is_discrete, rule)
        rule = f"at most {MAX_DEPTH} truncations may stand inside one another; got more"
        self._require(_depth(self) <= MAX_DEPTH, rule)
        self._require_order("low", "high")
        between = f"{base} has none from {written(self.low)} to {written(self.high)}"
        rule = f"the bounds must keep some probability; {between}"
        self._require(self._kept()[2] > MIN_MASS, rule)

    def _kept(self) -> tuple[float, float, float]:
        """Probability of the base below the bounds, above them, and between them."""
        start, end = self.base.support
        if start == end and self.low <= start <= self.high:
            return 0.0, 0.0, 1.0
        bounds = np.array([self.low, self.high])
        (below, below_high), (above_low, above) = self.base._below_above(bounds)
        # the difference of the two smaller numbers: near 1 the digits are gone
        if below > 0.5:
            return float(below), float(above), float(above_low - above)
        if above > 0.5:
            return float(below), float(above), float(below_high - below)
        return float(below), float(above), float(1.0 - below - above)

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        cut_below, cut_above, kept = self._kept()
        return self.base._quantile(cut_below + below * kept, cut_above + above * kept)

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        cut_below, cut_above, kept = self._kept()
        below, above = self.base._below_above(x)
        # from the tail of the base that is exact here; the other one follows
        left = np.clip((below - cut_below) / kept, 0.0, 1.0)
        right = np.clip((above - cut_above) / kept, 0.0, 1.0)
        is_left = below <= above
        left, right = np.where(is_left, left, 1.0 - right), np.where(is_left, 1.0 - left, right)
        # at and beyond a bound exactly 0 and 1, whatever the rounding of their difference
        ends = [x <= self.low, x >= self.high]
        return np.select(ends, [0.0, 1.0], left), np.select(ends, [1.0, 0.0], right)

    def _mode_within(self, low: float, high: float) -> float:
        return self.base._mode_within(low, high)


def _depth(distribution: Distribution) -> int:
    depth = 0
    while isinstance(distribution, Truncated):
        depth, distribution = depth + 1, distribution.base
    return depth
