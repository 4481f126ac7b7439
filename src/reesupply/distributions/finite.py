"""Distributions over a few values, each with a probability of its own."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reesupply.distributions.base import Distribution, checked_number, written
from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    from reesupply.distributions.base import FloatArray


@dataclass(frozen=True, slots=True)
class Bernoulli(Distribution):
    """
    One with probability `p`, otherwise zero; a higher `u` means success.

    Parameters
    ----------
    p : float
        Probability of one, within [0, 1].
    """

    notation: ClassVar[str] = "bernoulli"
    p: float

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.p

    @property
    def mode(self) -> float:
        """Most probable value; 0 for an even chance."""
        return 1.0 if self.p > 0.5 else 0.0

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value."""
        return float(self.p == 1.0), float(self.p > 0.0)

    @property
    def is_discrete(self) -> bool:
        """Whether single values have probabilities: always."""
        return True

    def _check(self) -> None:
        self._require_between("p", 0.0, 1.0)

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:  # noqa: ARG002
        return np.where(np.isnan(below), np.nan, np.where(below > 1.0 - self.p, 1.0, 0.0))

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        below = np.where(x >= 1.0, 1.0, np.where(x >= 0.0, 1.0 - self.p, 0.0))
        below = np.where(np.isnan(x), np.nan, below)
        return below, 1.0 - below


@dataclass(frozen=True, slots=True)
class Discrete(Distribution):
    """
    A few values, each with its probability.

    Parameters
    ----------
    values : tuple of float
        The values, each once, in any order.
    probabilities : tuple of float
        Their probabilities, with a sum of 1 (to 1e-9).
    """

    notation: ClassVar[str] = "discrete"
    values: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.values) != len(self.probabilities):
            counts = f"{len(self.values)} values and {len(self.probabilities)} probabilities"
            msg = f"discrete: each value must have one probability; got {counts}."
            raise ScenarioError(msg)
        for name, each in (("values", "each value"), ("probabilities", "each probability")):
            numbers = tuple(checked_number(x, each, str(self)) for x in getattr(self, name))
            object.__setattr__(self, name, numbers)
        self._check()

    def __str__(self) -> str:
        pairs = zip(self.values, self.probabilities, strict=False)
        return f"discrete({', '.join(f'{written(v)}: {written(p)}' for v, p in pairs)})"

    @property
    def mean(self) -> float:
        """Expected value."""
        total = math.fsum(self.probabilities)
        pairs = zip(self.values, self.probabilities, strict=True)
        return math.fsum(v * p for v, p in pairs) / total

    @property
    def mode(self) -> float:
        """Most probable value, the smallest of several."""
        pairs = zip(self.values, self.probabilities, strict=True)
        return min(pairs, key=lambda pair: (-pair[1], pair[0]))[0]

    @property
    def support(self) -> tuple[float, float]:
        """Smallest and largest value that has a probability above 0."""
        values, _ = self._ascending()
        return float(values[0]), float(values[-1])

    @property
    def is_discrete(self) -> bool:
        """Whether single values have probabilities: always."""
        return True

    def _check(self) -> None:
        self._require(
            bool(self.values), "at least one 'value: probability' must be given; got none"
        )
        repeated = sorted(v for v, count in Counter(self.values).items() if count > 1)
        got = ", ".join(map(written, repeated[:3]))
        self._require(not repeated, f"each value must be given once; got more than one {got}")
        for p in self.probabilities:
            rule = f"each probability must lie in [0, 1]; got {written(p)}"
            self._require(0.0 <= p <= 1.0, rule)
        total = math.fsum(self.probabilities)
        rule = f"the probabilities must have a sum of 1; got {written(round(total, 12))}"
        self._require(abs(total - 1.0) <= 1e-9, rule)

    def _ascending(self) -> tuple[FloatArray, FloatArray]:
        """Return the possible values in ascending order and their cumulative probabilities."""
        pairs = sorted(p for p in zip(self.values, self.probabilities, strict=True) if p[1] > 0.0)
        values = np.array([v for v, _ in pairs])
        cumulative = np.cumsum([p for _, p in pairs])
        return values, cumulative / cumulative[-1]  # ends at exactly 1, so that any u finds a value

    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:  # noqa: ARG002
        values, cumulative = self._ascending()
        place = np.minimum(np.searchsorted(cumulative, below), values.size - 1)
        return np.where(np.isnan(below), np.nan, values[place])

    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, cumulative = self._ascending()
        reached = np.concatenate([[0.0], cumulative])[np.searchsorted(values, x, side="right")]
        below = np.where(np.isnan(x), np.nan, reached)
        return below, 1.0 - below
