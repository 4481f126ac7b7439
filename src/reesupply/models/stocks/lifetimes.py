"""Lifetimes of goods: survival curves of the usual families, with integrals in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from scipy import special

from reesupply.errors import ReesupplyError
from reesupply.models.stocks.base import Lifetime, as_share, check_positive, floating
from reesupply.models.stocks.quadrature import weibull_at_ages, weibull_over_years

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Fixed", "Gamma", "LogNormal", "Normal", "Weibull"]


@dataclass(frozen=True, eq=False)
class Weibull(Lifetime):
    r"""
    Weibull lifetime, :math:`S(a) = e^{-(a/L)^k}`.

    Parameters
    ----------
    scale : float or ndarray, shape (..., draw)
        L, positive [years].
    shape : float or ndarray, shape (..., draw)
        k, positive; 1 is exponential.

    Raises
    ------
    ReesupplyError
        If a parameter is not positive and finite.

    Notes
    -----
    :math:`\int_0^a S = L\,\Gamma(1+1/k)\,P(1/k, (a/L)^k)`, P the regularised lower incomplete
    gamma function. `surviving` uses it for single numbers; for arrays of draws it uses a quadrature
    with two exponentials a year, which agrees to 1e-9 of the inflow (`stocks/quadrature.py`).

    Examples
    --------
    >>> life = Weibull.from_mean(12.0, shape=3.0)
    >>> life.survival([0.0, 12.0]).round(3)
    array([1.   , 0.491])
    """

    works_in_blocks: ClassVar[bool] = True
    scale: float | FloatArray
    shape: float | FloatArray

    def __post_init__(self) -> None:
        check_positive(scale=self.scale, shape=self.shape)

    @classmethod
    def from_mean(cls, mean: float | FloatArray, shape: float | FloatArray) -> Self:
        """Return the Weibull lifetime with this mean [years] and shape."""
        check_positive(mean=mean, shape=shape)
        return cls(scale=mean / special.gamma(1.0 + 1.0 / shape), shape=shape)

    @classmethod
    def from_cv(cls, mean: float | FloatArray, cv: float | FloatArray) -> Self:
        """Return the one with this mean [years] and coefficient of variation, 0.01 to 5."""
        check_positive(mean=mean, cv=cv)
        if not (np.min(cv) >= 0.01 and np.max(cv) <= 5.0):
            msg = f"cv must be 0.01 to 5; got {np.min(cv)} to {np.max(cv)}."
            raise ReesupplyError(msg)
        return cls.from_mean(mean, shape=_weibull_shape(np.asarray(cv, dtype=np.float64)))

    @property
    def mean(self) -> FloatArray:
        """Mean lifetime [years]."""
        return np.asarray(self.scale * special.gamma(1.0 + 1.0 / self.shape))

    def survival(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival`."""
        # age^k / L^k by logarithms: one exponential instead of a power
        with np.errstate(divide="ignore", over="ignore"):
            log_age = np.log(np.maximum(np.asarray(age, dtype=np.float64), 0.0))
            return np.asarray(np.exp(-np.exp(self.shape * (log_age - np.log(self.scale)))))

    def survival_integral(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival_integral`."""
        with np.errstate(over="ignore"):
            power = (np.asarray(age, dtype=np.float64) / self.scale) ** self.shape
        return np.asarray(self.mean * special.gammainc(1.0 / self.shape, power))

    def surviving(self, n_years: int, entry: float | None) -> FloatArray:
        """See `Lifetime.surviving`."""
        if not self.has_draws:
            return super().surviving(n_years, entry)
        scale, shape = np.broadcast_arrays(*(floating(v) for v in (self.scale, self.shape)))
        if entry is None:
            rows = weibull_over_years(scale.ravel(), shape.ravel(), n_years)
        else:
            rows = weibull_at_ages(scale.ravel(), shape.ravel(), np.arange(float(n_years)) + entry)
        if scale.ndim > 1:
            rows = np.moveaxis(rows.reshape(n_years, *scale.shape), 0, -2)
        return as_share(rows, axis=-2)


@dataclass(frozen=True, eq=False)
class LogNormal(Lifetime):
    r"""
    Lognormal lifetime, given by the mean and standard deviation of the lifetime itself.

    Parameters
    ----------
    mean_years : float or ndarray, shape (..., draw)
        m, positive [years].
    sd : float or ndarray, shape (..., draw)
        s, positive [years].

    Raises
    ------
    ReesupplyError
        If a parameter is not positive and finite.

    Notes
    -----
    :math:`\sigma^2 = \ln(1 + s^2/m^2)` and :math:`\mu = \ln m - \sigma^2/2`.
    """

    mean_years: float | FloatArray
    sd: float | FloatArray

    def __post_init__(self) -> None:
        check_positive(mean_years=self.mean_years, sd=self.sd)

    @property
    def mean(self) -> FloatArray:
        """Mean lifetime [years]."""
        return np.asarray(self.mean_years, dtype=np.float64)

    def _z(self, age: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the standard normal quantile of an age, and sigma."""
        variance = np.log1p((np.asarray(self.sd) / self.mean_years) ** 2)
        sigma = np.sqrt(variance)
        with np.errstate(divide="ignore"):
            log_age = np.log(np.maximum(np.asarray(age, dtype=np.float64), 0.0))
        return np.asarray((log_age - np.log(self.mean_years)) / sigma + 0.5 * sigma), sigma

    def survival(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival`."""
        z, _ = self._z(age)
        return np.asarray(special.ndtr(-z))

    def survival_integral(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival_integral`."""
        z, sigma = self._z(age)
        over = np.asarray(age, dtype=np.float64) * special.ndtr(-z)
        return np.asarray(self.mean_years * special.ndtr(z - sigma) + over)


@dataclass(frozen=True, eq=False)
class Normal(Lifetime):
    r"""
    Normal lifetime without its negative ages.

    Parameters
    ----------
    centre : float or ndarray, shape (..., draw)
        Mean of the normal curve before it is truncated or folded [years].
    sd : float or ndarray, shape (..., draw)
        Its standard deviation, positive [years].
    kind : {"truncated", "folded", "untruncated"}
        What happens to the mass below age 0: spread over the rest, reflected, or kept, so that
        S(0) < 1 and it leaves in the cohort's own year. The last is only for reproducing
        published cases; its `survival_integral` begins at age 0 too.

    Raises
    ------
    ReesupplyError
        If a parameter is out of range or `kind` is unknown.
    """

    centre: float | FloatArray
    sd: float | FloatArray
    kind: Literal["truncated", "folded", "untruncated"] = "truncated"

    def __post_init__(self) -> None:
        check_positive(centre=self.centre, sd=self.sd)
        if self.kind not in {"truncated", "folded", "untruncated"}:
            msg = f"kind must be truncated, folded or untruncated; got {self.kind!r}."
            raise ReesupplyError(msg)

    @property
    def mean(self) -> FloatArray:
        """Mean lifetime [years], that is the integral of survival over all ages from 0."""
        zero = np.asarray(self.centre) / self.sd
        above = self.centre * special.ndtr(zero) + self.sd * _density(zero)  # E[max(X, 0)]
        return np.asarray(self._fold(above, np.asarray(above - self.centre)))

    def survival(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival`."""
        years = np.asarray(age, dtype=np.float64)
        upper = special.ndtr((self.centre - years) / self.sd)
        lower = special.ndtr((-self.centre - years) / self.sd)
        return np.asarray(self._fold(upper, lower))

    def survival_integral(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival_integral`."""
        years = np.asarray(age, dtype=np.float64)
        upper = self._tail(-np.asarray(self.centre), years)
        lower = self._tail(np.asarray(self.centre), years)
        return np.asarray(self._fold(upper, lower))

    def _fold(self, upper: FloatArray, lower: FloatArray) -> FloatArray:
        """Combine the parts from the curve above `age` and from its mirror image."""
        if self.kind == "folded":
            return upper + lower
        if self.kind == "truncated":
            return np.asarray(upper / special.ndtr(np.asarray(self.centre) / self.sd))
        return upper

    def _tail(self, shift: FloatArray, years: FloatArray) -> FloatArray:
        """Integrate the upper tail probability Q((u + shift)/sd) for u from 0 to `years`."""

        def antiderivative(z: FloatArray) -> FloatArray:
            return np.asarray(z * special.ndtr(-z) - _density(z))

        first, last = np.asarray(shift / self.sd), np.asarray((years + shift) / self.sd)
        return np.asarray(self.sd * (antiderivative(last) - antiderivative(first)))


@dataclass(frozen=True, eq=False)
class Gamma(Lifetime):
    r"""
    Gamma lifetime, given by its mean and standard deviation.

    Parameters
    ----------
    mean_years : float or ndarray, shape (..., draw)
        m, positive [years].
    sd : float or ndarray, shape (..., draw)
        s, positive [years].

    Raises
    ------
    ReesupplyError
        If a parameter is not positive and finite.

    Notes
    -----
    With shape :math:`k = m^2/s^2` and scale :math:`\theta = s^2/m`,
    :math:`\int_0^a S = m\,P(k+1, a/\theta) + a\,Q(k, a/\theta)`.
    """

    mean_years: float | FloatArray
    sd: float | FloatArray

    def __post_init__(self) -> None:
        check_positive(mean_years=self.mean_years, sd=self.sd)

    @property
    def mean(self) -> FloatArray:
        """Mean lifetime [years]."""
        return np.asarray(self.mean_years, dtype=np.float64)

    def _scaled(self, age: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the shape and the age in units of the scale."""
        shape = (np.asarray(self.mean_years) / self.sd) ** 2
        return shape, np.asarray(np.asarray(age, dtype=np.float64) * shape / self.mean_years)

    def survival(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival`."""
        return np.asarray(special.gammaincc(*self._scaled(age)))

    def survival_integral(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival_integral`."""
        shape, scaled = self._scaled(age)
        over = np.asarray(age, dtype=np.float64) * special.gammaincc(shape, scaled)
        return np.asarray(self.mean_years * special.gammainc(shape + 1.0, scaled) + over)


@dataclass(frozen=True, eq=False)
class Fixed(Lifetime):
    """
    Everything leaves at the same age.

    Parameters
    ----------
    years : float or ndarray, shape (..., draw)
        Lifetime, positive [years]; at exactly this age nothing is left.

    Raises
    ------
    ReesupplyError
        If `years` is not positive and finite.
    """

    years: float | FloatArray

    def __post_init__(self) -> None:
        check_positive(years=self.years)

    @property
    def mean(self) -> FloatArray:
        """Mean lifetime [years]."""
        return np.asarray(self.years, dtype=np.float64)

    def survival(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival`."""
        return np.asarray(np.asarray(age, dtype=np.float64) < self.years, dtype=np.float64)

    def survival_integral(self, age: npt.ArrayLike) -> FloatArray:
        """See `Lifetime.survival_integral`."""
        return np.asarray(np.minimum(np.asarray(age, dtype=np.float64), self.years))


def _density(z: FloatArray) -> FloatArray:
    """Return the standard normal density."""
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))


def _weibull_shape(cv: FloatArray) -> FloatArray:
    r"""
    Shape of a Weibull variable from its coefficient of variation, by Newton's method.

    With u = 1/k, :math:`g(u) = \ln\Gamma(1+2u) - 2\ln\Gamma(1+u) = \ln(1 + cv^2)`; the square
    root of g is nearly linear in u, so that a few steps give all digits.
    """
    target = np.sqrt(np.log1p(cv * cv))
    u = np.minimum(cv**1.086, 1.0 + np.log1p(cv))
    for _ in range(12):
        root = np.sqrt(special.gammaln(1.0 + 2.0 * u) - 2.0 * special.gammaln(1.0 + u))
        slope = (special.digamma(1.0 + 2.0 * u) - special.digamma(1.0 + u)) / root
        u = np.maximum(u - (root - target) / slope, 1e-3)
    return np.asarray(1.0 / u)
