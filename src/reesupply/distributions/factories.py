"""The words of the notation as functions: ``pert(1, 2, 4)`` in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reesupply.distributions.families import Beta, LogNormal, Normal, Pert, Triangular, Uniform
from reesupply.distributions.finite import Bernoulli, Discrete
from reesupply.distributions.truncated import Truncated
from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reesupply.distributions.base import Distribution


def uniform(low: float, high: float) -> Uniform:
    """
    Equal density from `low` to `high`.

    Parameters
    ----------
    low, high : float
        Bounds, in order; a constant if they are equal.

    Returns
    -------
    Uniform
        The distribution.

    Raises
    ------
    ScenarioError
        If a number is not finite, above 1e15 in magnitude, or out of order.

    Examples
    --------
    >>> uniform(0.6, 0.8).mean
    0.7
    """
    return Uniform(low, high)


def triangular(low: float, mode: float, high: float) -> Triangular:
    """
    Density rising in a line from `low` to `mode` and falling in a line to `high`.

    Parameters
    ----------
    low, mode, high : float
        Smallest, most probable and largest value, in order; a constant if all are equal.

    Returns
    -------
    Triangular
        The distribution.

    Raises
    ------
    ScenarioError
        If a number is not finite, above 1e15 in magnitude, or out of order.

    Examples
    --------
    >>> triangular(0, 3, 6).mean
    3.0
    """
    return Triangular(low, mode, high)


def pert(low: float, mode: float, high: float) -> Pert:
    """
    Smooth density from `low` over its peak at `mode` to `high`, a scaled beta.

    Parameters
    ----------
    low, mode, high : float
        Smallest, most probable and largest value, in order; a constant if all are equal.

    Returns
    -------
    Pert
        The distribution.

    Raises
    ------
    ScenarioError
        If a number is not finite, above 1e15 in magnitude, or out of order.

    Examples
    --------
    >>> pert(800, 1500, 3000).ppf([0.1, 0.9]).round()
    array([1120., 2194.])
    """
    return Pert(low, mode, high)


def normal(mean: float, sd: float) -> Normal:
    """
    Build a normal distribution.

    Parameters
    ----------
    mean : float
        Mean, median and mode.
    sd : float
        Standard deviation, not negative; a constant if 0.

    Returns
    -------
    Normal
        The distribution.

    Raises
    ------
    ScenarioError
        If a number is not finite or above 1e15 in magnitude, or `sd` is negative.

    Examples
    --------
    >>> normal(0, 0.015).support
    (-inf, inf)
    """
    return Normal(mean, sd)


def lognormal(median: float, sigma: float) -> LogNormal:
    """
    Positive number whose natural logarithm is normal.

    Parameters
    ----------
    median : float
        Median, above 0.
    sigma : float
        Standard deviation of the natural logarithm, from 0 (a constant) to 10.

    Returns
    -------
    LogNormal
        The distribution.

    Raises
    ------
    ScenarioError
        If a number is not finite, above 1e15 in magnitude, or outside its bounds.

    Examples
    --------
    >>> lognormal(2, 0.5).median
    2.0
    """
    return LogNormal(median, sigma)


def beta(a: float, b: float) -> Beta:
    """
    Share between 0 and 1 with mean ``a / (a + b)``.

    Parameters
    ----------
    a, b : float
        Shapes, from 0.05 to 1e6.

    Returns
    -------
    Beta
        The distribution.

    Raises
    ------
    ScenarioError
        If a shape is not a number or outside its bounds.

    Examples
    --------
    >>> beta(1, 3).mean
    0.25
    """
    return Beta(a, b)


def bernoulli(p: float) -> Bernoulli:
    """
    One with probability `p`, otherwise zero.

    Parameters
    ----------
    p : float
        Probability of one, within [0, 1].

    Returns
    -------
    Bernoulli
        The distribution.

    Raises
    ------
    ScenarioError
        If `p` is not a number within [0, 1].

    Examples
    --------
    >>> bernoulli(0.8).ppf([0.1, 0.3])
    array([0., 1.])
    """
    return Bernoulli(p)


def discrete(
    values: Mapping[float, float] | Sequence[float], probabilities: Sequence[float] | None = None
) -> Discrete:
    """
    Give each of a few values its probability.

    Parameters
    ----------
    values : mapping or sequence of float
        Values to probabilities, or the values alone; each value once, in any order.
    probabilities : sequence of float, optional
        The probabilities, where `values` is a sequence; their sum is 1 (to 1e-9).

    Returns
    -------
    Discrete
        The distribution.

    Raises
    ------
    ScenarioError
        If there is no value, a value is repeated, a number is not finite, or the probabilities
        are outside [0, 1] or do not sum to 1.

    Examples
    --------
    >>> str(discrete({0: 0.5, -0.03: 0.25, 0.025: 0.25}))
    'discrete(0: 0.5, -0.03: 0.25, 0.025: 0.25)'
    >>> discrete([1, 2], [0.5, 0.5]).mean
    1.5
    """
    if isinstance(values, Mapping):
        if probabilities is not None:
            msg = "discrete: values that are a mapping have their probabilities in it; got both."
            raise ScenarioError(msg)
        return Discrete(tuple(values.keys()), tuple(values.values()))
    return Discrete(tuple(values), () if probabilities is None else tuple(probabilities))


def truncate(distribution: Distribution, low: float, high: float) -> Truncated:
    """
    Keep the part of a continuous distribution between two bounds, scaled up to probability 1.

    Parameters
    ----------
    distribution : Distribution
        What is truncated; not a Bernoulli or discrete one.
    low, high : float
        Bounds, in order.

    Returns
    -------
    Truncated
        The distribution.

    Raises
    ------
    ScenarioError
        If a bound is not finite, the bounds are out of order or keep no probability, or
        `distribution` cannot be truncated.

    Examples
    --------
    >>> str(truncate(normal(0, 0.015), -0.045, 0.045))
    'truncate(normal(0, 0.015), -0.045, 0.045)'
    """
    return Truncated(distribution, low, high)
