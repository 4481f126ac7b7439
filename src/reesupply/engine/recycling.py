"""Compile and run what closes the loop: base year, goods in use, scrap and recycled oxide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.demand import Demanded, DemandPlan, compile_paths, parameter
from reesupply.engine.history import past_inflow_index
from reesupply.engine.inputs import Cells, InputBuilder
from reesupply.engine.network import BLOCS
from reesupply.errors import ReesupplyError, ScenarioError
from reesupply.models.demand import base_year_factor, by_place
from reesupply.models.recycling import end_of_life, new_scrap
from reesupply.models.stocks import Weibull, leaving_share
from reesupply.scenario.checks import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.demand import _Path
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    Arrays = dict[str, FloatArray]

CHINA = BLOCS.index("china")


@dataclass(frozen=True, slots=True)
class RecyclingPlan:
    """Goods in use and the recycling of a scenario."""

    demand: DemandPlan
    _paths: Mapping[tuple[str, str, str], _Path]
    _leaving: FloatArray  # (end_use, year, inflow year): share of the inflow that leaves
    _leaving_past: FloatArray  # (end_use, year, past year), past index included
    _taper: FloatArray  # (past year,)
    _anchors: Cells  # stock change, end of life, scale of history
    _pair: tuple[int, ...]

    def run(
        self, values: FloatArray, capacity: FloatArray, supply_shares: FloatArray, out: Arrays
    ) -> None:
        """
        Write demand, scaled to the base year, and what comes back of it.

        Parameters
        ----------
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        capacity : ndarray, shape (bloc, year, draw)
            Capacity of the recyclers [t/yr].
        supply_shares : ndarray, shape (element, draw)
            Shares by which the stock change is divided between the elements.
        out : dict of str to ndarray
            Holds refined_supply; gets demand, recycling and the variables by end use.

        Raises
        ------
        ReesupplyError
            If supply less stock change leaves no demand in the base year.
        """
        change, recovered, scale = self._anchors.fill(values)
        demanded = self.demand.run(values)
        retired = self._retired(demanded.contained, scale)  # per unit of the base-year factor
        recoverable, limit = self._recoverable(retired, demanded.use_outside, values)
        pair = list(self._pair)
        measured, abroad = _base_year(recoverable[..., 0, :], recovered, capacity[:, 0], pair)
        scrap = self._new_scrap(demanded, values)
        scaled = self.demand.scaled
        bottom_up = demanded.gross[scaled].sum(axis=0)[:, 0]
        factor = base_year_factor(
            bottom_up,
            scrap.sum(axis=0)[:, 0],
            demanded.gross[~scaled].sum(axis=0)[:, 0],
            out["refined_supply"].sum(axis=0)[:, 0] + abroad,
            measured,
            limit[CHINA, :, 0],
            change * supply_shares,
        )
        factor[bottom_up <= 0.0] = 1.0  # an element that nobody is said to need
        _check_positive(factor)
        by_use = np.where(scaled[:, np.newaxis, np.newaxis], factor, 1.0)[:, :, np.newaxis]
        whole = factor[:, np.newaxis]
        adjustment = measured / np.maximum(recoverable[CHINA, :, 0] * factor, 1e-9)
        out["base_year_factor"] = factor
        out["end_use.demand"] = demanded.gross * by_use
        out["end_use.contained"] = demanded.contained * by_use
        out["end_use.retired"] = retired * by_use
        total = out["end_use.demand"].sum(axis=0)
        out["demand"] = by_place(total, demanded.making_outside)
        out["use_demand"] = by_place(total, demanded.use_outside)
        out["recycled_new_scrap"] = scrap * whole
        out["recycled_end_of_life"] = end_of_life(
            recoverable * whole, limit * whole, capacity, adjustment[:, np.newaxis], pair
        )

    def _retired(self, contained: FloatArray, scale: FloatArray) -> FloatArray:
        """Oxide in goods leaving use, shape of `contained`; the past follows the base year."""
        future: FloatArray = np.matmul(self._leaving[:, np.newaxis], contained)
        past = np.matmul(self._leaving_past, scale ** self._taper[:, np.newaxis])
        future += past[:, np.newaxis] * contained[:, :, :1]
        future[~self.demand.scaled] = 0.0  # a store, not goods in use
        return future

    def _recoverable(
        self, retired: FloatArray, outside: FloatArray, values: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Recovered end of life and its limit, each (bloc, element, year, draw)."""
        processing = self._paths[ALL, "processing", "world"].run(values)
        yield_ = processing * self._paths[ALL, "dismantling", "world"].run(values)
        shape = (len(BLOCS), *retired.shape[1:])
        recoverable, limit = np.zeros(shape), np.empty(shape)
        share = by_place(np.ones_like(outside), outside)
        for bloc, name in enumerate(BLOCS):
            for use, end_use in enumerate(self.demand.ids):
                collection = self._paths.get((end_use, "collection", name))
                if collection is not None:
                    recoverable[bloc] += retired[use] * collection.run(values)
            recoverable[bloc] *= share[bloc] * yield_
            np.multiply(retired.sum(axis=0), share[bloc] * processing, out=limit[bloc])
        return recoverable, limit

    def _new_scrap(self, demanded: Demanded, values: FloatArray) -> FloatArray:
        """Recovered process scrap of the unscaled rows, (bloc, element, year, draw)."""
        lossy = demanded.gross[self.demand.process_loss & self.demand.scaled].sum(axis=0)
        recovery = np.stack(
            [self._paths[ALL, "new_scrap_recovery", name].run(values) for name in BLOCS]
        )
        return new_scrap(by_place(lossy, demanded.making_outside), demanded.yield_, recovery)


def _base_year(
    recoverable: FloatArray, recovered: FloatArray, capacity: FloatArray, pair: list[int]
) -> tuple[FloatArray, FloatArray]:
    """
    End of life of the base year by element: as measured in China, and outside it.

    The measured tonnes of the pair are divided like what could be recovered, (bloc, element,
    draw), and a further element comes back with the same effort. Outside
    China the same collection effort is made, as far as there are plants; neither depends on the
    base-year factor, since the effort falls as arisings rise.
    """
    share = recoverable[CHINA] / np.maximum(recoverable[CHINA, pair].sum(axis=0), 1e-9)
    measured = share * np.minimum(recovered, capacity[CHINA])
    effort = measured / np.maximum(recoverable[CHINA], 1e-9)
    abroad = recoverable.sum(axis=0) - recoverable[CHINA]
    wanted = abroad * effort
    limit = capacity.sum(axis=0) - capacity[CHINA]
    total = wanted[pair].sum(axis=0)
    return measured, wanted * np.minimum(1.0, limit / np.maximum(total, 1e-9))


def _check_positive(factor: FloatArray) -> None:
    bad = ~(factor > 0.0)
    if bad.any():
        msg = (
            "the base year contradicts itself: supply less stock change leaves no demand in "
            f"{bad.any(axis=0).sum()} of {factor.shape[-1]} draws; raise anchors.refined-2024-* or "
            "lower anchors.stock-change-2024"
        )
        raise ReesupplyError(msg)


def compile_recycling(
    scenario: Scenario, demand: DemandPlan, builder: InputBuilder
) -> RecyclingPlan:
    """
    Compile lifetimes, the past, and recycling.

    Parameters
    ----------
    scenario : Scenario
        Its lifetimes, history, recycling and anchors.
    demand : DemandPlan
        Gives the order of the end uses.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    RecyclingPlan

    Raises
    ------
    ScenarioError
        If a parameter of recycling is missing.
    """
    paths = compile_paths(scenario, "recycling", builder)
    for needed, bloc in (
        ("dismantling", "world"),
        ("processing", "world"),
        *(("new_scrap_recovery", name) for name in BLOCS),
    ):
        if (ALL, needed, bloc) not in paths:
            msg = f"recycling.{ALL}.{needed}.{bloc}: required, but missing"
            raise ScenarioError(msg)
    anchors = {row.id: row for row in scenario.rows("anchors")}
    names = ("stock-change-2024", "eol-china-2024", "history-scale")
    cells = [
        builder.cell(f"anchors.{name}.value", anchors[name].value, anchors[name].unit)
        for name in names
    ]
    start = int(parameter(anchors["stock-history-start"].value))
    index = past_inflow_index(scenario, parameter(anchors["growth-before-2010"].value), start)
    leaving, leaving_past = _kernels(scenario, start)
    return RecyclingPlan(
        demand,
        paths,
        leaving,
        leaving_past * index[:, np.newaxis],
        _taper(np.arange(start, scenario.years[0]), scenario.years[0]),
        Cells(cells),
        scenario.heavy,
    )


def _kernels(scenario: Scenario, start: int) -> tuple[FloatArray, FloatArray]:
    """Share of an inflow that leaves, by end use, year and year of inflow: new and past goods."""
    lifetimes = {row.end_use: row for row in scenario.rows("lifetimes")}
    years = np.array(scenario.years)
    cohorts = np.arange(start, years[-1] + 1)
    lag = years[:, np.newaxis] - cohorts
    kernels = []
    for row in scenario.rows("end_uses"):
        life = lifetimes[row.id]
        share = leaving_share(Weibull.from_mean(life.mean, life.shape), cohorts.size)
        kernels.append(np.where(lag >= 0, share[np.maximum(lag, 0)], 0.0))
    both = np.array(kernels)
    past = years[0] - start
    return np.ascontiguousarray(both[:, :, past:]), np.ascontiguousarray(both[:, :, :past])


def _taper(past: npt.NDArray[np.intp], base: int) -> FloatArray:
    """Exponent of the error of history: 1 until 14 years before the base year, 0 in it."""
    return np.clip((base - past) / 14.0, 0.0, 1.0)
