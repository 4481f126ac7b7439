"""
The hottest loops again, compiled by numba: an option, never needed.

A function here stands for the numpy function that its docstring names, has its parameters and
gives its numbers to 1e-12. It is here because it makes its step at least 1.5 times as fast, in the
baseline or in the reference job of the benchmarks; the how-to has the figures. Nothing imports this
package but `reesupply.engine.kernels`, when it is asked to.
"""

from __future__ import annotations

from reesupply.compiled.histograms import count
from reesupply.compiled.inputs import normal_quantile, read_steps, read_tables
from reesupply.compiled.ramps import ramp_average, ramp_total
from reesupply.compiled.refining import refine

__all__ = [
    "count",
    "normal_quantile",
    "ramp_average",
    "ramp_total",
    "read_steps",
    "read_tables",
    "refine",
]
