"""
Stocks in use: what of the goods sold in one year comes back in which later year.

Small parts, useful without the rest of the library: `base` (what a lifetime is), `lifetimes`
(survival curves), `quadrature` (their means by year, for many draws), `kernels` (the share of an
inflow that leaves after so many years), `sums` (over cohorts), `steps` (steps of any length,
lifetimes by cohort, longer lives of goods in use), `cohorts` (inflow-driven and stock-driven
models) and `balance` (does the mass close).

Arrays have draws last with years just before them: ``(..., year, draw)``; a series without draws
may be one-dimensional. Flows are masses per step, stocks are at the end of the step.
"""

from reesupply.models.stocks.balance import check_mass_balance, mass_balance_error
from reesupply.models.stocks.base import Lifetime
from reesupply.models.stocks.cohorts import (
    cohort_table,
    inflow_driven,
    inflow_from_final_stock,
    stock_driven,
)
from reesupply.models.stocks.kernels import leaving_share, outflow, surviving_share
from reesupply.models.stocks.lifetimes import Fixed, Gamma, LogNormal, Normal, Weibull
from reesupply.models.stocks.steps import Extension

__all__ = [
    "Extension",
    "Fixed",
    "Gamma",
    "Lifetime",
    "LogNormal",
    "Normal",
    "Weibull",
    "check_mass_balance",
    "cohort_table",
    "inflow_driven",
    "inflow_from_final_stock",
    "leaving_share",
    "mass_balance_error",
    "outflow",
    "stock_driven",
    "surviving_share",
]
