"""Compile and run goods in use: what entered, how long it lasts, what leaves and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.distributions import Distribution
from reesupply.engine.history import PastPlan, compile_past
from reesupply.engine.inputs import Cells
from reesupply.models.stocks import Weibull, leaving_share, outflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.inputs import InputBuilder
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InUse:
    """
    Goods in use of a lane, per unit of the base-year factor.

    Attributes
    ----------
    retired : ndarray, shape (end_use, element, year + 1, draw)
        Oxide in goods leaving use [t/yr], from the year before the first.
    stock : ndarray, shape (end_use, element, year, draw)
        Oxide in goods in use at the end of the year [t].
    last_year : ndarray, shape (end_use, draw)
        Inflow of the year before the first, over that of the first.
    """

    retired: FloatArray
    stock: FloatArray
    last_year: FloatArray


@dataclass(frozen=True, slots=True)
class GoodsPlan:
    """Lifetimes and the past of the end uses of a scenario."""

    _mean: Cells
    _shape: Cells
    _fixed: Mapping[int, FloatArray]  # kernels (year, 1) of lifetimes that are not drawn
    _past: PastPlan
    _stores: npt.NDArray[np.bool_]  # (end_use,): held, not used

    def run(
        self, values: FloatArray, contained: FloatArray, weight: FloatArray, scale: FloatArray
    ) -> InUse:
        """
        Follow the cohorts of a lane.

        Parameters
        ----------
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        contained : ndarray, shape (end_use, element, year, draw)
            Oxide in finished goods [t/yr]; the past follows that of the base year.
        weight : ndarray, shape (end_use, draw)
            Demand of the base year [t/yr].
        scale : ndarray, shape (draw,)
            Error of the past inflows, full in old years.
        """
        uses, elements, years, draws = contained.shape
        retired = np.zeros((uses, elements, years + 1, draws))
        opening = np.zeros((uses, elements, 1, draws))
        index = self._past.index(np.where(self._stores[:, np.newaxis], 0.0, weight), scale)
        mean, shape = self._mean.fill(values), self._shape.fill(values)
        for use in np.flatnonzero(~self._stores).tolist():
            leaving = self._fixed.get(use)
            if leaving is None:
                leaving = self._kernel(mean[use], shape[use], years)
            past, first = index[use], contained[use, :, :1]
            retired[use] = _past_outflow(past, leaving, years + 1) * first
            retired[use, :, 1:] += outflow(contained[use], leaving)
            opening[use] = _past_stock(past, leaving) * first
        stock = contained - retired[:, :, 1:]
        stock[:, :, :1] += opening
        np.cumsum(stock, axis=2, out=stock)
        return InUse(retired, stock, index[:, -1])

    def _kernel(self, mean: FloatArray, shape: FloatArray, years: int) -> FloatArray:
        lags = self._past.years.size + years
        return leaving_share(Weibull.from_mean(mean, shape), lags)


def _past_outflow(past: FloatArray, leaving: FloatArray, years: int) -> FloatArray:
    """Sum what leaves of past inflows (cohort, draw), in their last year and those after."""
    n = len(past)
    return np.array(
        [np.einsum("cd,cd->d", past, leaving[year : year + n][::-1]) for year in range(years)]
    )


def _past_stock(past: FloatArray, leaving: FloatArray) -> FloatArray:
    """Sum what past inflows (cohort, draw) still hold at the end of the last of their years."""
    left = 1.0 - np.cumsum(leaving[: len(past)], axis=0)
    return np.asarray(np.einsum("cd,cd->d", past, left[::-1]))


def compile_goods(scenario: Scenario, builder: InputBuilder) -> GoodsPlan:
    """
    Compile the lifetimes and the past of the end uses.

    Parameters
    ----------
    scenario : Scenario
        Its end uses, lifetimes, history and anchors.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    GoodsPlan
    """
    uses = scenario.rows("end_uses")
    rows = {row.end_use: row for row in scenario.rows("lifetimes")}
    lives = [rows[use.id] for use in uses]
    past = compile_past(scenario)
    lags = past.years.size + len(scenario.years)
    fixed = {
        index: leaving_share(Weibull.from_mean(life.mean, life.shape), lags)
        for index, life in enumerate(lives)
        if not isinstance(life.mean, Distribution) and not isinstance(life.shape, Distribution)
    }
    return GoodsPlan(
        Cells([builder.cell(f"lifetimes.{one.end_use}.mean", one.mean, "yr") for one in lives]),
        Cells([builder.cell(f"lifetimes.{one.end_use}.shape", one.shape) for one in lives]),
        {index: kernel[:, np.newaxis] for index, kernel in fixed.items()},
        past,
        np.array([use.stored for use in uses]),
    )
