"""
What every lifetime can do: survival, its integral, and the check of parameters they share.

Survival S(age) is the only primitive: what leaves in a year is always a difference of survival,
so mass closes by construction. A parameter is a number or an array of shape (..., draw); ages
broadcast against parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Lifetime"]

_FINE_NODES, _FINE_WEIGHTS = (0.5 * a for a in np.polynomial.legendre.leggauss(96))


class Lifetime(ABC):
    """
    Base of all lifetimes; a new one needs `survival` and `mean`, and is a frozen dataclass.

    `survival_integral` has a numerical default, good to about 1e-9 for smooth curves.
    """

    @property
    @abstractmethod
    def mean(self) -> FloatArray:
        """Mean lifetime [years]."""

    @abstractmethod
    def survival(self, age: npt.ArrayLike) -> FloatArray:
        """
        Share still in use at an age.

        Parameters
        ----------
        age : array_like
            Time since entry into use, zero or positive [years]; broadcasts with the parameters.

        Returns
        -------
        ndarray
            S(age), in [0, 1] and never rising.
        """

    def survival_integral(self, age: npt.ArrayLike) -> FloatArray:
        r"""
        Mean time in use up to an age.

        Parameters
        ----------
        age : array_like
            Time since entry into use, zero or positive [years]; broadcasts with the parameters.

        Returns
        -------
        ndarray
            :math:`\int_0^{age} S(u) du` [years]; it tends to the mean lifetime.
        """
        upper = np.asarray(age, dtype=np.float64)
        total: FloatArray = np.zeros_like(upper)
        for node, weight in zip(_FINE_NODES + 0.5, _FINE_WEIGHTS, strict=True):
            total = total + weight * self.survival(upper * node)
        return np.asarray(upper * total)

    def yearly_survival(self, age: npt.ArrayLike) -> FloatArray:
        """
        Mean survival over the year that begins at an age.

        Parameters
        ----------
        age : array_like
            Age at the beginning of the year [years]; broadcasts with the parameters.

        Returns
        -------
        ndarray
            Share in [0, 1], the difference of `survival_integral` a year apart.
        """
        start = np.asarray(age, dtype=np.float64)
        return np.asarray(self.survival_integral(start + 1.0) - self.survival_integral(start))

    @property
    def has_draws(self) -> bool:
        """Whether a parameter is an array with a draw axis."""
        return any(np.ndim(getattr(self, f.name)) > 0 for f in fields(self))  # type: ignore[arg-type]

    def with_age_axis(self) -> Self:
        """Return the same lifetime, its arrays (..., draw) made (..., 1, draw)."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        wide = {name: np.expand_dims(v, -2) for name, v in values.items() if np.ndim(v) > 0}
        return replace(self, **wide)  # type: ignore[type-var]


def check_positive(**parameters: float | FloatArray) -> None:
    """Raise for the first parameter with an element that is not positive and finite."""
    for name, value in parameters.items():
        array = np.asarray(value, dtype=np.float64)
        good = np.isfinite(array) & (array > 0.0)
        if not good.all():
            where = tuple(int(i) for i in np.argwhere(~good)[0])
            place = f" at index {where}" if where else ""
            msg = f"{name} of a lifetime must be positive and finite; got {array[where]}{place}."
            raise ReesupplyError(msg)
