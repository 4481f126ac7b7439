"""Compile and run goods in use: what entered, how long it lasts, what leaves and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from reesupply.distributions import Distribution
from reesupply.engine.history import PastPlan, compile_past
from reesupply.engine.inputs import Cells
from reesupply.models.stocks import Weibull, surviving_share
from reesupply.models.stocks.kernels import leaving_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from reesupply.engine.inputs import InputBuilder
    from reesupply.engine.workspace import Workspace
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
    _fixed: Mapping[int, FloatArray]  # surviving shares (year, 1) of lifetimes not drawn
    _past: PastPlan
    _stores: npt.NDArray[np.bool_]  # (end_use,): held, not used

    def run(
        self,
        values: FloatArray,
        contained: FloatArray,
        weight: FloatArray,
        scale: FloatArray,
        out: Workspace,
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
        out : Workspace
            Where goods in use are written.

        Returns
        -------
        InUse
        """
        uses, elements, years, draws = contained.shape
        retired = out.room("retired and the year before", uses, elements, years + 1, draws)
        stock = out.room("end_use.stock", uses, elements, years, draws)
        index = self._past.index(np.where(self._stores[:, np.newaxis], 0.0, weight), scale)
        np.copyto(stock, contained)
        lags = self._past.years.size + years
        for use, share in self._surviving(values, lags):
            past, first = index[use], contained[use, :, :1]
            stock[use, :, 0] += _past_stock(past, share) * first[:, 0]
            _outflow(contained[use], past, leaving_from(share), out=retired[use])
        stock -= retired[:, :, 1:]
        for year in range(1, years):
            stock[:, :, year] += stock[:, :, year - 1]
        return InUse(retired, stock, np.array([past[-1] for past in index]))

    def _surviving(self, values: FloatArray, lags: int) -> Iterator[tuple[int, FloatArray]]:
        """Give the share in use by lag, (lag, draw), of every end use that is not a store."""
        uses = np.flatnonzero(~self._stores)
        drawn = np.array([use for use in uses if use not in self._fixed], dtype=np.intp)
        if drawn.size:  # all at once
            mean, shape = self._mean.fill(values), self._shape.fill(values)
            yield from zip(
                drawn.tolist(),
                surviving_share(Weibull.from_mean(mean[drawn], shape[drawn]), lags),
                strict=True,
            )
        for use in uses.tolist():
            if use in self._fixed:
                yield use, self._fixed[use]


def _outflow(contained: FloatArray, past: FloatArray, leaving: FloatArray, out: FloatArray) -> None:
    """
    Write what leaves in each year, from the year before the first, (element, year + 1, draw).

    Past inflows (cohort, draw) are those of the first year's content, so their sum is the same for
    all elements.
    """
    cohorts = sliding_window_view(leaving, len(past), axis=0)[..., ::-1]  # (year, draw, cohort)
    years = out.shape[1]
    np.multiply(np.einsum("ydc,cd->yd", cohorts[:years], past), contained[:, :1], out=out)
    for year in range(years - 1):
        out[:, year + 1] += np.einsum("ecd,cd->ed", contained[:, : year + 1], leaving[year::-1])


def _past_stock(past: FloatArray, share: FloatArray) -> FloatArray:
    """Sum what past inflows (cohort, draw) still hold at the end of the last of their years."""
    return np.asarray(np.einsum("cd,cd->d", past, share[len(past) - 1 :: -1]))


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
        index: surviving_share(Weibull.from_mean(life.mean, life.shape), lags)
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
