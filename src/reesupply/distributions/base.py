"""What every distribution can do, and the checks they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, ClassVar, TypeGuard

import numpy as np

from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

LIMIT = 1e15
"""Largest magnitude of a number in a scenario: far above any tonnage, so beyond it is a mistake."""


def is_number(value: object) -> TypeGuard[float]:
    """
    Tell whether something is a real number; a bool is not.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool
        True for Python's and numpy's integers and floats, NaN and infinities among them.
    """
    return not isinstance(value, bool) and isinstance(value, Real)


def written(value: object) -> str:
    """
    Write a number in its shortest form, anything else as a short `repr`.

    Parameters
    ----------
    value : object
        What is to be shown, in the notation or in an error.

    Returns
    -------
    str
        ``1`` for 1.0 and ``0.25`` for 0.25: text that parses back to the same float.
    """
    if is_number(value):
        try:
            return repr(float(value)).removesuffix(".0")
        except OverflowError:  # an int with hundreds of digits, which nobody wants to read
            return "a number beyond any float"
    text = str(value) if isinstance(value, Distribution) else repr(value)
    text = " ".join(text.splitlines())  # a table of pandas has lines
    return text if len(text) <= 80 else f"{text[:77]}..."


def checked_number(value: object, name: str, where: str) -> float:
    """
    Return `value` as a float, or say why it cannot stand in a scenario.

    Parameters
    ----------
    value : object
        What was given; a bool is not a number here.
    name : str
        What the number is called in the notation.
    where : str
        The notation in which it stands.

    Returns
    -------
    float
        Finite and at most 1e15 in magnitude; never negative zero.

    Raises
    ------
    ScenarioError
        If it is anything else.
    """
    # `not abs(...) <= LIMIT` and not `abs(...) > LIMIT`, so that NaN is refused
    if not is_number(value) or not abs(value) <= LIMIT:
        msg = f"{where}: {name} must be a finite number from -1e15 to 1e15; got {written(value)}."
        raise ScenarioError(msg)
    return float(value) + 0.0  # adding zero turns -0.0 into 0.0: one value, one notation


@dataclass(frozen=True, slots=True)
class Distribution(ABC):
    """
    An uncertain number: immutable, hashable, picklable, and equal to what its `str` parses to.

    Build one with the functions of `reesupply.distributions` (`pert`, `truncate`, ...) or with
    `reesupply.distributions.parse`.

    Notes
    -----
    A family gives `_inverse` and `_tails`. Both take or give the two tails together, because a
    probability within 1e-16 of one can only be told apart by its distance from one.
    """

    notation: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = checked_number(getattr(self, field.name), field.name, str(self))
            object.__setattr__(self, field.name, value)
        self._check()

    def __str__(self) -> str:
        numbers = (written(getattr(self, field.name)) for field in fields(self))
        return f"{self.notation}({', '.join(numbers)})"

    def ppf(self, u: npt.ArrayLike) -> FloatArray:
        """
        Quantile function: the value below which the share `u` of the probability lies.

        Parameters
        ----------
        u : array_like
            Probabilities in the open interval (0, 1); not checked.

        Returns
        -------
        ndarray, shape of `u`
            Values within `support`, rising with `u` up to rounding; NaN where `u` is NaN.
        """
        below = np.asarray(u, dtype=np.float64)
        return self._quantile(below, 1.0 - below)

    def from_normal(self, z: npt.ArrayLike) -> FloatArray:
        """
        Turn standard normal numbers into values of this distribution: ``ppf(Phi(z))``.

        Parameters
        ----------
        z : array_like
            Standard normal numbers.

        Returns
        -------
        ndarray, shape of `z`
            As `ppf`, and exact in the upper tail, where ``Phi(z)`` itself rounds to 1.
        """
        from scipy.special import ndtr

        normal = np.asarray(z, dtype=np.float64)
        return self._quantile(np.asarray(ndtr(normal)), np.asarray(ndtr(-normal)))

    def cdf(self, x: npt.ArrayLike) -> FloatArray:
        """
        Probability of a value of at most `x`.

        Parameters
        ----------
        x : array_like
            Values.

        Returns
        -------
        ndarray, shape of `x`
            Probabilities within [0, 1]; NaN where `x` is NaN.
        """
        return self._below_above(np.asarray(x, dtype=np.float64))[0]

    @property
    @abstractmethod
    def mean(self) -> float:
        """Expected value."""

    @property
    def mode(self) -> float:
        """Most probable value; the smallest of several, the middle where all are equal."""
        return self._mode_within(*self.support)

    @property
    def median(self) -> float:
        """Value at probability one half, ``ppf(0.5)``."""
        return float(self.ppf(0.5))

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Smallest and largest possible value, infinite where there is none."""

    @property
    def is_discrete(self) -> bool:
        """Whether single values have probabilities; a constant written as a range has not."""
        return False

    @abstractmethod
    def _check(self) -> None:
        """Raise a ScenarioError if the parameters do not fit together."""

    @abstractmethod
    def _inverse(self, below: FloatArray, above: FloatArray) -> FloatArray:
        """Quantile with probability `below` under it and `above` over it; never of a constant."""

    @abstractmethod
    def _tails(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Probabilities below and above `x`, each exact where it is small; never of a constant."""

    def _mode_within(self, low: float, high: float) -> float:
        """Most probable value between two bounds, for a density with one peak at `mode`."""
        return min(max(self.mode, low), high)

    def _quantile(self, below: FloatArray, above: FloatArray) -> FloatArray:
        low, high = self.support
        if low == high:
            return np.where(np.isnan(below), np.nan, low)
        # the clip takes off the last rounding error, so that a share never exceeds 1
        return np.asarray(np.clip(self._inverse(below, above), low, high), dtype=np.float64)

    def _below_above(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, high = self.support
        if low == high:
            below = np.where(np.isnan(x), np.nan, np.where(x >= low, 1.0, 0.0))
            return below, 1.0 - below
        below, above = self._tails(x)
        return np.asarray(below, dtype=np.float64), np.asarray(above, dtype=np.float64)

    def _require(self, fulfilled: bool, rule: str) -> None:
        if not fulfilled:
            msg = f"{self}: {rule}."
            raise ScenarioError(msg)

    def _require_order(self, *names: str) -> None:
        for first, second in pairwise(names):
            a, b = getattr(self, first), getattr(self, second)
            got = f"got {first} {written(a)} and {second} {written(b)}"
            self._require(a <= b, f"{first} must not exceed {second}; {got}")

    def _require_between(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        rule = f"{name} must lie in [{written(low)}, {written(high)}]; got {written(value)}"
        self._require(low <= value <= high, rule)
