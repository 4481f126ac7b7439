"""Cases of goods in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from reesupply.analysis.validation.given import Found, exact, one
from reesupply.models.stocks import (
    Fixed,
    Lifetime,
    LogNormal,
    Normal,
    Weibull,
    inflow_driven,
    inflow_from_final_stock,
    leaving_share,
    outflow,
    stock_driven,
    surviving_share,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reesupply.analysis.validation.given import Inputs, Numbers

    InflowAt = Literal["uniform", "start", "middle", "end"]

_RULES: tuple[InflowAt, ...] = ("uniform", "start", "middle", "end")


def odym_inflow_driven(inputs: Inputs) -> Numbers:
    """Stock and outflow of the last year by lifetime."""
    lives: dict[str, Lifetime] = {
        "fixed": Fixed(one(inputs, "fixed")),
        "normal": _normal(inputs),
        "weibull": Weibull(one(inputs, "weibull_scale"), one(inputs, "weibull_shape")),
    }
    found: Numbers = {}
    for name, life in lives.items():
        stock, out = inflow_driven(inputs["inflow"], life, inflow_at="end")
        found |= exact([f"{name}-stock", f"{name}-outflow"], [stock[-1], out[-1]])
    return found


def odym_stock_driven(inputs: Inputs) -> Numbers:
    """Inflow of a year in which the stock falls faster than lifetimes allow, and with a floor."""
    year = int(one(inputs, "year"))
    plain, _, _ = stock_driven(inputs["stock"], _normal(inputs), inflow_at="end")
    _, gone, _ = stock_driven(inputs["stock"], _normal(inputs), inflow_at="end", floor=0.0)
    return exact(["inflow", "outflow-with-floor"], [plain[year], gone[year]])


def odym_initial_stock(inputs: Inputs) -> Numbers:
    """Inflow that explains a stock by cohort, and the first inflow that a given stock needs."""
    cohorts, life = inputs["cohorts"], _normal(inputs)
    past = inflow_from_final_stock(cohorts, life, inflow_at="end")
    future, _, _ = stock_driven(inputs["future"], life, inflow_at="end", initial_stock=cohorts)
    return exact(["first", "next"], [past[0], future[0]])


def _normal(inputs: Inputs) -> Normal:
    return Normal(one(inputs, "normal_mean"), one(inputs, "normal_sd"), kind="untruncated")


def flodym_timing(inputs: Inputs) -> Numbers:
    """Stock after many years of an inflow of one, by the rule of when in the year it enters."""
    life = LogNormal(one(inputs, "mean"), one(inputs, "sd"))
    ones = np.ones(int(one(inputs, "years")))
    return {rule: Found(inflow_driven(ones, life, inflow_at=rule)[0][-1]) for rule in _RULES}


def timing_rules(inputs: Inputs) -> Numbers:
    """Years of inflow that are in use by rule, and outflow over the exact one at steady growth."""
    life, years = Weibull.from_mean(one(inputs, "mean"), one(inputs, "shape")), 150
    inflow = (1.0 + one(inputs, "growth")) ** np.arange(float(years))
    held = {rule: surviving_share(life, years, inflow_at=rule).sum() for rule in _RULES}
    out = {rule: outflow(inflow, leaving_share(life, years, inflow_at=rule))[-1] for rule in _RULES}
    found = {f"held-{rule}": Found(float(value)) for rule, value in held.items()}
    return found | {
        f"outflow-{rule}": Found(float(out[rule] / out["uniform"])) for rule in _RULES[1:]
    }


def weibull_from_spread(inputs: Inputs) -> Numbers:
    """Shape and scale of a lifetime from its mean and its sd over mean."""
    lives = [
        Weibull.from_cv(float(mean), float(cv))
        for mean, cv in zip(inputs["mean"], inputs["cv"], strict=True)
    ]
    names = [f"{part}-{place}" for place in range(1, len(lives) + 1) for part in ("shape", "scale")]
    return exact(names, np.array([(life.shape, life.scale) for life in lives]))


def mines_terbium(inputs: Inputs) -> Numbers:
    """Terbium recycled in the last year: a share of what retires of goods made of primary metal."""
    demand, rate = inputs["demand"], one(inputs, "rate")
    life, years = Weibull(one(inputs, "scale"), one(inputs, "shape")), inputs["demand"].size
    age = np.arange(1.0, years)
    survival = life.survival(age)
    density = np.concatenate([[0.0], life.shape / age * -np.log(survival) * survival])
    closed = leaving_share(life, years, inflow_at="middle")
    return {
        "as-published": Found(_recycled(lambda made: outflow(made, density), demand, rate)),
        "closing-the-mass": Found(_recycled(lambda made: outflow(made, closed), demand, rate)),
    }


def _recycled(
    retired: Callable[[np.ndarray], np.ndarray], demand: np.ndarray, rate: float
) -> float:
    found = np.zeros(demand.size)
    for _ in range(20):  # what returns is not primary: each round is one more digit and more
        found = rate * retired(demand - found)
    return float(found[-1])
