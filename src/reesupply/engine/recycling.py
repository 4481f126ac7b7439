"""Compile and run what closes the loop: base year, scrap and recycled oxide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.goods import GoodsPlan, InUse, compile_goods
from reesupply.engine.inputs import Cells, InputBuilder
from reesupply.engine.network import BLOCS
from reesupply.engine.paths import Key, Paths, compile_paths
from reesupply.errors import ReesupplyError, ScenarioError, nearest
from reesupply.models.demand import base_year_factor, by_place
from reesupply.models.recycling import delayed, end_of_life, logistic_rise, new_scrap
from reesupply.scenario.cells import practical_range
from reesupply.scenario.checks import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from reesupply.engine.demand import Demanded, DemandPlan
    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    Drawn = Mapping[Key, FloatArray]  # paths of a lane

CHINA, ABROAD = BLOCS.index("china"), BLOCS.index("ex_china")
#: Each pass takes nine tenths of what is left of the error of the base year.
MOST_PASSES, UNLIMITED = 60, 1e30


@dataclass(frozen=True, slots=True)
class RecyclingPlan:
    """Scrap and recycling of a scenario."""

    demand: DemandPlan
    goods: GoodsPlan
    _paths: Paths
    _anchors: Cells  # stock change, end of life, scale of history
    _pair: tuple[int, ...]

    def run(
        self, values: FloatArray, capacity: FloatArray, supply_shares: FloatArray, out: Workspace
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
        out : Workspace
            Holds refined_supply; gets demand, recycling and the variables by end use.

        Raises
        ------
        ReesupplyError
            If supply less stock change leaves no demand in the base year.
        """
        change, recovered, scale = self._anchors.fill(values)
        demanded = self.demand.run(values, out)
        paths = self._paths.run(values, out)
        pair = list(self._pair)
        weight = demanded.gross[:, pair, 0].sum(axis=1)
        in_use = self.goods.run(values, demanded.contained, weight, scale, out)
        # all below is per unit of the base-year factor, until `_write`
        scrap = self._process_scrap(demanded, in_use, paths)
        old = self._end_of_life(demanded, in_use, paths)
        measured, wanted = _base_year(
            old.recoverable[..., 0, :], recovered, capacity[CHINA, 0], pair
        )
        scaled = ~self.demand.stored
        bottom_up = demanded.gross[scaled].sum(axis=0)[:, 0]
        fixed = demanded.gross[~scaled].sum(axis=0)[:, 0]
        factor = _closing_factor(
            partial(
                base_year_factor,
                bottom_up,
                scrap.recovered.sum(axis=0)[:, 0],
                fixed,
                end_of_life=measured,
                end_of_life_limit=old.limit[CHINA, :, 0],
                stock_change=change * supply_shares,
            ),
            out["refined_supply"].sum(axis=0)[:, 0],
            partial(_with_plants, wanted, old.limit[ABROAD, :, 0], capacity[ABROAD, 0], pair),
        )
        factor[bottom_up <= 0.0] = 1.0  # an element that nobody is said to need
        _check_positive(factor)
        adjustment = measured / np.maximum(old.recoverable[CHINA, :, 0] * factor, 1e-9)
        whole = factor[:, np.newaxis]
        out["base_year_factor"], out["bottom_up_demand"] = factor, bottom_up + fixed
        out["recycled_new_scrap"] = scrap.recovered * whole
        out["recycled_end_of_life"] = end_of_life(
            old.recoverable * whole, old.limit * whole, capacity, adjustment[:, np.newaxis], pair
        )
        out["lost_new_scrap"] = scrap.ready * whole - out["recycled_new_scrap"]
        out["lost_end_of_life"] = old.ready * whole - out["recycled_end_of_life"]
        out["scrap_stock"] = (scrap.waiting + old.waiting) * whole
        self._write(demanded, in_use, np.where(scaled[:, np.newaxis, np.newaxis], factor, 1.0), out)

    def _write(self, demanded: Demanded, in_use: InUse, factor: FloatArray, out: Workspace) -> None:
        """Scale demand and goods in use, in place, by the factor of each end use and element."""
        by_use = factor[:, :, np.newaxis]
        for flow in (demanded.gross, demanded.contained, in_use.retired, in_use.stock):
            np.multiply(flow, by_use, out=flow)
        out["end_use.retired"] = in_use.retired[:, :, 1:]
        out["end_use.making_outside"] = demanded.making_outside
        out["end_use.use_outside"] = demanded.use_outside
        out["demand"] = by_place(demanded.gross, demanded.making_outside)
        out["use_demand"] = by_place(demanded.gross, demanded.use_outside)
        out["retired"] = by_place(out["end_use.retired"], demanded.use_outside)
        out["in_use_stock"] = in_use.stock.sum(axis=0)

    def _process_scrap(self, demanded: Demanded, in_use: InUse, paths: Drawn) -> _ProcessScrap:
        """Scrap of magnet making."""
        lossy = _rows(self.demand.process_loss)
        gross, outside = demanded.gross[lossy], demanded.making_outside[lossy]
        before = gross[:, :, :1] * in_use.last_year[lossy][:, np.newaxis, np.newaxis]
        bought = np.concatenate(
            [by_place(before, outside[:, :1]), by_place(gross, outside)], axis=2
        )
        arising = bought * _lead(1.0 - demanded.yield_)
        recovery = np.stack([paths[ALL, "new_scrap_recovery", name] for name in BLOCS])
        delay = _delay(paths)
        ready = delayed(arising, delay)
        waiting = arising[:, :, 1:].sum(axis=0) * delay
        return _ProcessScrap(new_scrap(ready, recovery), ready, waiting)

    def _end_of_life(self, demanded: Demanded, in_use: InUse, paths: Drawn) -> _EndOfLife:
        """Goods that left use, by bloc: how much is ready, and could be recovered."""
        processing = paths[ALL, "processing", "world"]
        yield_ = processing * paths[ALL, "dismantling", "world"]
        delay = _delay(paths)
        outside = _lead(demanded.use_outside)
        retired = in_use.retired
        left = np.zeros((len(BLOCS), *retired.shape[1:]), dtype=retired.dtype)
        now, before = np.zeros((2, len(BLOCS), *demanded.contained.shape[1:]), dtype=retired.dtype)
        for bloc, name in enumerate(BLOCS):
            share = 1.0 - outside if bloc == CHINA else outside
            np.einsum("ueyd,uyd->eyd", retired, share, out=left[bloc])
            # collected in the year of recovery, of what left use in that year and the one before
            collection = self._collections(name, paths)
            collected = share[:, 1:] * collection
            np.einsum("ueyd,uyd->eyd", retired[:, :, 1:], collected, out=now[bloc])
            np.multiply(share[:, :-1], collection, out=collected)
            np.einsum("ueyd,uyd->eyd", retired[:, :, :-1], collected, out=before[bloc])
        recoverable = now * (1.0 - delay) + before * delay
        ready = delayed(left, delay)
        waiting = retired[:, :, 1:].sum(axis=0) * delay
        return _EndOfLife(recoverable * yield_, ready * processing, ready, waiting)

    def _collections(self, bloc: str, paths: Drawn) -> FloatArray:
        """Return the collected share of every end use, (end_use, year, draw); 0 of the others."""
        nothing = np.zeros_like(paths[ALL, "processing", "world"])
        return np.stack(
            [
                nothing
                if (name, "collection", bloc) not in paths
                else self._rise(name, bloc, paths)
                for name in self.demand.ids
            ]
        )

    def _rise(self, end_use: str, bloc: str, paths: Drawn) -> FloatArray:
        """Return the collected share, (year, draw): along its anchors, or rising to a ceiling."""
        path = paths[end_use, "collection", bloc]
        ceiling = paths.get((end_use, "collection_ceiling", bloc))
        if ceiling is None:
            return path
        years = np.array(self.demand.years)
        rate = paths[ALL, "collection_growth", bloc]
        return logistic_rise(path[0], ceiling[0], rate[0], years - years[0])


def _delay(paths: Drawn) -> FloatArray:
    """Years from scrap to oxide, (draw,)."""
    path = paths.get((ALL, "delay", "world"))
    return np.zeros_like(paths[ALL, "processing", "world"][0]) if path is None else path[0]


@dataclass(frozen=True, slots=True)
class _ProcessScrap:
    """Process scrap, (bloc, element, year, draw): recovered, out of processing; on its way."""

    recovered: FloatArray
    ready: FloatArray
    waiting: FloatArray  # (element, year, draw), at the end of the year


@dataclass(frozen=True, slots=True)
class _EndOfLife:
    """Goods that left use, (bloc, element, year, draw)."""

    recoverable: FloatArray  # with collection, dismantling and processing
    limit: FloatArray  # with processing alone: all that a perfect collection would give
    ready: FloatArray
    waiting: FloatArray  # (element, year, draw), at the end of the year


def _rows(chosen: npt.NDArray[np.bool_]) -> slice | npt.NDArray[np.intp]:
    """Index of chosen rows; a slice, which copies nothing, where they are together."""
    rows = np.flatnonzero(chosen)
    if rows.size and rows[-1] - rows[0] == rows.size - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _lead(yearly: FloatArray) -> FloatArray:
    """Put the first year before itself: shares of the year before the first are its own."""
    return np.concatenate([yearly[..., :1, :], yearly], axis=-2)


def _base_year(
    recoverable: FloatArray, recovered: FloatArray, capacity: FloatArray, pair: list[int]
) -> tuple[FloatArray, FloatArray]:
    """
    End of life of the base year by element: as measured in China, and as wanted outside it.

    The measured tonnes of the pair are divided like what could be recovered, (bloc, element,
    draw), and a further element comes back with the same effort. Outside China the same effort is
    made; it does not depend on the base-year factor, since effort falls as arisings rise.
    """
    share = recoverable[CHINA] / np.maximum(recoverable[CHINA, pair].sum(axis=0), 1e-9)
    measured = share * np.minimum(recovered, capacity)
    effort = measured / np.maximum(recoverable[CHINA], 1e-9)
    return measured, recoverable[ABROAD] * effort


def _with_plants(
    wanted: FloatArray,
    limit: FloatArray,
    capacity: FloatArray,
    pair: list[int],
    factor: FloatArray | float,
) -> FloatArray:
    """End of life outside China: at most a perfect collection, and what the plants there take."""
    found = np.minimum(wanted, limit * factor)
    total = found[pair].sum(axis=0)
    return np.asarray(found * np.minimum(1.0, capacity / np.maximum(total, 1e-9)))


def _closing_factor(
    solve: Callable[..., FloatArray],
    refined: FloatArray,
    abroad: Callable[[FloatArray | float], FloatArray],
) -> FloatArray:
    """
    Factor that closes the base year with what comes back outside China.

    That depends on the factor only where a perfect collection limits it, which is rare, so the
    first pass is nearly always the last.
    """
    back = abroad(UNLIMITED)
    for _ in range(MOST_PASSES):
        factor = solve(supply=refined + back)
        again = abroad(np.where(np.isnan(factor), UNLIMITED, factor))
        if np.allclose(again, back, rtol=max(1e-13, 4.0 * np.finfo(again.dtype).eps), atol=1e-12):
            break
        back = again
    return factor


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
    _check_parameters(scenario, paths.anchors)
    anchors = {row.id: row for row in scenario.rows("anchors")}
    names = ("stock-change-2024", "eol-china-2024", "history-scale")
    cells = [
        builder.cell(f"anchors.{name}.value", anchors[name].value, anchors[name].unit)
        for name in names
    ]
    goods = compile_goods(scenario, builder)
    return RecyclingPlan(demand, goods, paths, Cells(cells), scenario.heavy)


#: Parameters of recycling by where they hold: of one end use or of all, of a bloc or the world.
_OF_A_USE = ("collection", "collection_ceiling")
_OF_ALL = {
    "new_scrap_recovery": BLOCS,
    "collection_growth": BLOCS,
    "dismantling": ("world",),
    "processing": ("world",),
    "delay": ("world",),
}
#: Parameters that hold from the base year on and have no later anchor year.
_CONSTANT = ("collection_ceiling", "collection_growth", "delay")


def _check_parameters(scenario: Scenario, paths: Mapping[Key, tuple[int, ...]]) -> None:
    for use, name, bloc in paths:
        where = f"recycling.{use}.{name}.{bloc}"
        known = tuple(_OF_ALL) if use == ALL else _OF_A_USE
        if name not in known:
            msg = f"{where}: found the parameter {name!r}, which is unknown; {nearest(name, known)}"
            raise ScenarioError(msg)
        places = _OF_ALL[name] if use == ALL else BLOCS
        if bloc not in places:
            msg = f"{where}: found the bloc {bloc!r}, allowed is {' or '.join(places)}"
            raise ScenarioError(msg)
        rising = name == "collection" and (use, "collection_ceiling", bloc) in paths
        if (rising or name in _CONSTANT) and len(paths[use, name, bloc]) > 1:
            years = ", ".join(map(str, paths[use, name, bloc]))
            rule = "beside a ceiling " if rising else ""
            msg = f"{where}: found the anchor years {years}, allowed {rule}is one"
            raise ScenarioError(msg)
    needed = [(ALL, "dismantling", "world"), (ALL, "processing", "world")]
    needed += [(ALL, "new_scrap_recovery", name) for name in BLOCS]
    for use, name, bloc in paths:
        if name == "collection_ceiling":
            needed += [(ALL, "collection_growth", bloc), (use, "collection", bloc)]
    for key in needed:
        if key not in paths:
            msg = f"recycling.{'.'.join(key)}: required, but missing"
            raise ScenarioError(msg)
    for row in scenario.rows("recycling"):
        if row.parameter == "delay" and not practical_range(row.value)[1] <= 1.0:
            where = f"recycling.{row.end_use}.delay.{row.bloc}.{row.year}"
            msg = f"{where}: found {row.value}, allowed is 0 to 1 year"
            raise ScenarioError(msg)
