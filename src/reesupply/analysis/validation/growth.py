"""Cases of growth, ramp-up, investment decisions and the balance of a year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.validation.given import Found, exact, one
from reesupply.distributions import Distribution
from reesupply.models.balance import balance
from reesupply.models.growth import grown, growth_error
from reesupply.models.pipeline import decided, first_feed_after_decision
from reesupply.models.rampup import calendar_year_average, weibull_ramp, weibull_ramp_integral
from reesupply.scenario.loading import load_scenario

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.analysis.validation.given import Inputs, Numbers

    FloatArray = npt.NDArray[np.float64]

_DRAWS = 2**17
_GRID = 4096


def compounded(inputs: Inputs) -> Numbers:
    """Level after some years of constant growth, each rate a draw."""
    rates, years = inputs["rate"], int(one(inputs, "years"))
    start = inputs.get("start", np.ones(rates.size))
    # a growth that is known is an error with a drift and no shocks
    error = growth_error(
        np.log1p(rates), np.ones(rates.size), np.zeros((years, rates.size)), np.ones(rates.size)
    )
    level = grown(np.broadcast_to(start, error.shape), error)[-1]
    return exact([f"level-{number}" for number in range(1, rates.size + 1)], level)


def spreads(inputs: Inputs) -> Numbers:
    """Spread of a level whose growth is a random walk, and of one whose mean growth is unknown."""
    years = int(one(inputs, "years"))
    rng = np.random.default_rng(0)
    shocks = rng.standard_normal((years, _DRAWS))
    drift, many = rng.standard_normal(_DRAWS), np.full(_DRAWS, np.inf)
    once, still = np.ones(_DRAWS), np.zeros_like(shocks)
    errors = {
        "walk": growth_error(one(inputs, "walk") * once, 0.0 * drift, shocks, many),
        "rate": growth_error(one(inputs, "rate") * once, drift, still, once),
    }
    found: Numbers = {}
    for name, error in errors.items():
        level = grown(np.ones_like(error), error)
        total = level.sum(axis=0)
        found[f"{name}-last"] = Found(float(level[-1].std() / level[-1].mean()))
        found[f"{name}-total"] = Found(float(total.std() / total.mean()))
        found[f"{name}-together"] = Found(float(np.asarray(np.corrcoef(level[-2:]))[0, 1]))
    return found


def predicted(inputs: Inputs) -> Numbers:
    """Spread of a fitted random walk with drift some years ahead, from unit vectors as draws."""
    years, increments = int(one(inputs, "years")), one(inputs, "increments")
    unit = np.eye(years + 1)
    every = np.ones(years + 1)
    error = growth_error(one(inputs, "volatility") * every, unit[0], unit[1:], increments * every)
    return {"last": Found(float(np.linalg.norm(error[-1])))}


def ramp_classes(inputs: Inputs) -> Numbers:
    """Share of nameplate of the shipped classes, some months after first feed."""
    months = inputs["months"]
    return {
        f"{name}-{month:.0f}": Found(float(share))
        for name, parameters in _classes().items()
        for month, share in zip(months, weibull_ramp(months, *parameters), strict=True)
    }


def refinery_class(inputs: Inputs) -> Numbers:
    """Mean of the first years of the class of observed refineries, which start with a year."""
    years = np.arange(int(one(inputs, "years")))
    share = calendar_year_average(0.0, years, *_classes()["r"])
    return exact([f"year-{year + 1}" for year in years], share)


def _classes() -> dict[str, tuple[float, float, float]]:
    rows = load_scenario().rows("ramp_classes")
    return {
        row.id: (
            float(row.tau),
            float(row.beta),
            row.plateau.mode if isinstance(row.plateau, Distribution) else float(row.plateau),
        )
        for row in rows
    }


def ramped(inputs: Inputs) -> Numbers:
    """Mean share of nameplate of a plant between dates, by a fitted curve."""
    parameters = [one(inputs, name) for name in ("tau", "beta", "plateau")]
    months = 12.0 * (np.stack([inputs["from"], inputs["to"]]) - one(inputs, "first_feed"))
    made = np.diff(weibull_ramp_integral(months, *parameters), axis=0)[0]
    share = made / (months[1] - months[0])
    return exact([f"share-{number}" for number in range(1, share.size + 1)], share)


def shares_after(inputs: Inputs) -> Numbers:
    """Share of nameplate at some months after first feed, by a fitted curve."""
    parameters = [one(inputs, name) for name in ("tau", "beta", "plateau")]
    months = inputs["months"]
    names = [f"month-{month:.0f}" for month in months]
    return exact(names, weibull_ramp(months, *parameters))


def decisions(inputs: Inputs) -> Numbers:
    """Chance that the investment decision has come after some years, from even probabilities."""
    u = (np.arange(_GRID) + 0.5) / _GRID
    found: Numbers = {}
    for place, (decide, abandon) in enumerate(
        zip(inputs["decide"], inputs["abandon"], strict=True), start=1
    ):
        taken, hazard = decided(u, decide, abandon)
        date = first_feed_after_decision(
            *(0.0, 0.0, -np.log(u), 1.0, 1.0, 1.0), hazard=hazard, minimum_wait=0.0, data_date=0.0
        )
        found[f"stage-{place}-ever"] = Found(float(taken.mean()))
        for years in inputs["years"]:
            share = taken.mean() * (date <= years).mean()
            found[f"stage-{place}-{years:.0f}"] = Found(float(share))
    return found


def identity(inputs: Inputs) -> Numbers:
    """Balance of a year whose demand is such that 29 % of a part of it are mined outside China."""
    deficit, share, sectors = (one(inputs, name) for name in ("deficit", "share", "sectors"))
    captive, recycled = one(inputs, "captive"), one(inputs, "recycled")
    demand = (captive + recycled + deficit) / (1.0 - share * sectors)
    outside = share * sectors * demand

    def cells(*blocs: float) -> FloatArray:
        return np.reshape(blocs, (2, 1, 1, 1)).astype(np.float64)

    gap = balance(cells(captive, outside), cells(recycled, 0.0), cells(0.0, 0.0), cells(demand, 0))
    example = share * sectors * one(inputs, "example_demand")
    return {
        "balance": Found(float(gap.item())),
        "mines-global": Found(example),
        "mines-ex-china": Found(example * one(inputs, "outside_share")),
    }
