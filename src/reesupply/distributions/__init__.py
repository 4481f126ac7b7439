"""
The notation ``pert(1, 2, 4)`` for uncertain numbers, and its quantile functions.

The same words build a distribution in Python (`pert`, `truncate`, ...) and in the text of a
scenario cell (`parse`). A distribution draws nothing itself: `Distribution.ppf` turns a uniform
number into a value, `Distribution.from_normal` a standard normal one, and `QuantileTable` does the
latter quickly where the exact quantile is slow.

Examples
--------
>>> from reesupply import distributions
>>> tonnes = distributions.pert(800, 1500, 3000)
>>> round(tonnes.mean, 1)
1633.3
>>> str(tonnes)
'pert(800, 1500, 3000)'
>>> distributions.parse("pert(800, 1500, 3000)") == tonnes
True
"""

from __future__ import annotations

from reesupply.distributions.base import Distribution
from reesupply.distributions.factories import (
    bernoulli,
    beta,
    discrete,
    lognormal,
    normal,
    pert,
    triangular,
    truncate,
    uniform,
)
from reesupply.distributions.families import Beta, LogNormal, Normal, Pert, Triangular, Uniform
from reesupply.distributions.finite import Bernoulli, Discrete
from reesupply.distributions.notation import parse
from reesupply.distributions.table import QuantileTable
from reesupply.distributions.truncated import Truncated

__all__ = [
    "Bernoulli",
    "Beta",
    "Discrete",
    "Distribution",
    "LogNormal",
    "Normal",
    "Pert",
    "QuantileTable",
    "Triangular",
    "Truncated",
    "Uniform",
    "bernoulli",
    "beta",
    "discrete",
    "lognormal",
    "normal",
    "parse",
    "pert",
    "triangular",
    "truncate",
    "uniform",
]
