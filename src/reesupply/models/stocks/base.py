"""
What every lifetime can do: survival, its integral, and the check of parameters they share.

Survival S(age) is the only primitive: what leaves in a year is always a difference of survival,
so mass closes by construction. A parameter is a number or an array of shape (..., draw); ages
broadcast against parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar, Self

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

    #: Whether `surviving` goes through many draws in blocks of its own.
    works_in_blocks: ClassVar[bool] = False

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

    def surviving(self, n_years: int, entry: float | None) -> FloatArray:
        """
        Share of a year's inflow in use at the end of its own year and of those after it.

        Parameters
        ----------
        n_years : int
            Number of years, the inflow's own included.
        entry : float or None
            Part of its own year that the inflow spends in use; None for an even inflow.

        Returns
        -------
        ndarray, shape (year,), or (..., year, draw) if a parameter has draws
            Share in [0, 1], never rising; a new array, which the caller may overwrite.
        """
        ages, life = np.arange(n_years, dtype=np.float64), self
        if self.has_draws:
            ages, life = ages[:, np.newaxis], self.with_age_axis()
        share = life.yearly_survival(ages) if entry is None else life.survival(ages + entry)
        return as_share(np.array(share), axis=-2 if self.has_draws else 0)

    @property
    def draw_shape(self) -> tuple[int, ...]:
        """Shape of the parameters together, (..., draw); () without draws."""
        return np.broadcast_shapes(*(v.shape for v in self._arrays().values()))

    @property
    def has_draws(self) -> bool:
        """Whether a parameter is an array with a draw axis."""
        return bool(self._arrays())

    def with_age_axis(self) -> Self:
        """Return the same lifetime, its arrays (..., draw) made (..., 1, draw)."""
        return self._with({name: np.expand_dims(v, -2) for name, v in self._arrays().items()})

    def at_draws(self, draws: slice) -> Self:
        """Return the lifetime of some draws only; arrays with one draw serve all."""
        return self._with(
            {name: v[..., draws] for name, v in self._arrays().items() if v.shape[-1] > 1}
        )

    def _arrays(self) -> dict[str, FloatArray]:
        """Return the parameters that are arrays, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {name: np.asarray(v) for name, v in values.items() if np.ndim(v) > 0}

    def _with(self, arrays: dict[str, FloatArray]) -> Self:
        """Return a copy with other views of the same parameters, which are not checked again."""
        other = object.__new__(type(self))
        for name, value in {**vars(self), **arrays}.items():
            object.__setattr__(other, name, value)
        return other


def as_share(share: FloatArray, *, axis: int) -> FloatArray:
    """Take off, in place, the rounding that would make a share rise on `axis` or leave [0, 1]."""
    rows = np.moveaxis(share, axis, 0)
    np.minimum(rows[:1], 1.0, out=rows[:1])
    for step in range(1, len(rows)):  # quicker than to look whether there is any
        here = slice(step, step + 1)
        np.minimum(rows[here], rows[step - 1 : step], out=rows[here])
    if not (rows[-1:] >= 0.0).all():
        np.maximum(share, 0.0, out=share)
    return share


def floating(value: npt.ArrayLike) -> FloatArray:
    """Return an array of floating-point numbers, in the precision that it has."""
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


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
