"""What changes the sign: the deficit in the parts of the draws where one thing goes one way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.result import LEVELS, weighted_quantile

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

#: Inputs with few values: name, and what each value means.
_CASES = {
    "anchors.survey-is-ore-only.value": (
        "scope of the 2024 survey",
        {0.0: "ore and scrap", 1.0: "ore only"},
    ),
    "anchors.captive-growth.value": (
        "course of Chinese and captive supply",
        {-0.03: "falls 3 %/yr", 0.0: "flat", 0.025: "grows 2.5 %/yr"},
    ),
}
#: Inputs whose lowest and highest fifth are compared.
_FIFTHS = {
    "factors.thrifting-change": "Dy and Tb per magnet by the last year",
    "factors.demand-change": "volumes of goods by the last year",
    "growth.activity-ev-cars.drift": "growth of electric car sales, beside the outlook",
    "trajectories.ev-cars.dy_fraction.world.change": "Dy per electric car by the last year",
}


def switches(result: Result) -> pd.DataFrame:
    """
    Deficit of the last year where one thing goes one way.

    Parameters
    ----------
    result : Result
        A run that kept ``result.data`` and its inputs.

    Returns
    -------
    pandas.DataFrame
        Index what and case; share of the draws, P5, P50 and P95 of the deficit of the last year
        [t oxide/yr], and the probability of a deficit. Things that the scenario fixes are left out.

    Raises
    ------
    ReesupplyError
        If draws were not kept.
    """
    import pandas as pd

    last, whole = result.plan.years[-1], result.all_elements
    deficit = -result.values("balance", year=last, element=whole)
    rows = [("all draws", "", np.ones(deficit.size, dtype=np.bool_))]
    for name, (label, cases) in _CASES.items():
        if (draws := _input(result, name)) is not None:
            rows += [(label, text, np.isclose(draws, value)) for value, text in cases.items()]
    series = {label: _input(result, name) for name, label in _FIFTHS.items()}
    series["mines outside China in the last year"] = result.values(
        "mine_supply", year=last, element=whole, bloc="ex_china"
    )
    series["recycled from end of life in the last year"] = result.values(
        "recycled_end_of_life", year=last, element=whole, bloc="world"
    )
    for label, draws in series.items():
        if draws is not None and np.ptp(draws) > 0.0:
            low, high = (weighted_quantile(draws, q, result.weights) for q in (0.2, 0.8))
            rows += [(label, "lowest fifth", draws <= low), (label, "highest fifth", draws >= high)]
    table = [
        (label, case, *_conditional(deficit, chosen, result.weights))
        for label, case, chosen in rows
        if _share(chosen, result.weights) > 0.0
    ]
    names = ["what", "case", "share", *(f"P{100 * q:.0f}" for q in LEVELS), "P(deficit)"]
    return pd.DataFrame(table, columns=names).set_index(["what", "case"])


def _input(result: Result, name: str) -> FloatArray | None:
    """Draws of an input; None where the scenario holds a number."""
    return result.values(name) if name in result.plan.inputs.names else None


def _share(chosen: npt.NDArray[np.bool_], weights: FloatArray | None) -> float:
    return float(chosen.mean() if weights is None else weights[chosen].sum())


def _conditional(
    deficit: FloatArray, chosen: npt.NDArray[np.bool_], weights: FloatArray | None
) -> tuple[float, ...]:
    share = _share(chosen, weights)
    inside = None if weights is None else weights[chosen] / share
    quantiles = (float(weighted_quantile(deficit[chosen], q, inside)) for q in LEVELS)
    return (share, *quantiles, _share(chosen & (deficit > 0.0), weights) / share)
