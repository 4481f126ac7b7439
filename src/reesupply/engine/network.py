"""Compile and run the refining network, outages and the capacity of recyclers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import bernoulli
from reesupply.engine.inputs import Cells, InputBuilder, Ref
from reesupply.errors import ScenarioError
from reesupply.models.refining import Network, Refined
from reesupply.scenario.cells import practical_range
from reesupply.scenario.checks import MERCHANT

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.pipeline import PipelinePlan
    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

#: Blocs of the balance, in the order of the axis.
BLOCS = ("china", "ex_china")


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """
    Refineries and recyclers of a scenario.

    Attributes
    ----------
    network : Network
        Contracts and blocs.
    recycler_bloc : ndarray of int, shape (recycler,)
        Bloc of each recycler.
    """

    network: Network
    recycler_bloc: IntArray
    _recovery: Cells

    @property
    def leaving(self) -> tuple[IntArray, ...]:
        """By bloc, the mines of which some oxide may be separated outside it."""
        network = self.network
        crosses = network.may_leave & (
            network.mine_bloc != network.refinery_bloc[network.destination]
        )
        for contract in network.contracts:
            crosses |= (contract >= 0) & (network.refinery_bloc[contract] != network.mine_bloc)
        return tuple(
            np.flatnonzero(crosses & (network.mine_bloc == bloc)) for bloc in range(len(BLOCS))
        )

    def refine(
        self, feed: FloatArray, capacity: FloatArray, values: FloatArray, workspace: Workspace
    ) -> Refined:
        """
        Allocate the feed of all mines.

        Parameters
        ----------
        feed : ndarray, shape (mine, year, draw)
            Oxide in concentrate, all elements together [t/yr].
        capacity : ndarray, shape (refinery, year, draw)
            Separated oxide that each refinery can make [t/yr].
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        workspace : Workspace
            Has room for the result.

        Returns
        -------
        Refined
        """
        recovery = self._recovery.fill(values)
        limit = np.divide(
            capacity,
            recovery[:, np.newaxis],
            out=np.zeros_like(capacity),
            where=recovery[:, np.newaxis] > 0.0,
        )
        rooms = {
            name: workspace.room(
                f"refined: {name}", *(feed if name != "throughput" else limit).shape
            )
            for name in ("taken", "separated", "throughput", "stock", "abroad")
        }
        return workspace.kernels.refine(feed, limit, recovery, self.network, out=Refined(**rooms))

    def recycling_capacity(self, capacity: FloatArray) -> FloatArray:
        """Sum the capacity of recyclers, (recycler, year, draw), by bloc: (bloc, year, draw)."""
        total = np.zeros((len(BLOCS), *capacity.shape[1:]), dtype=capacity.dtype)
        for bloc in range(len(BLOCS)):
            total[bloc] = capacity[self.recycler_bloc == bloc].sum(axis=0)
        return total


def compile_network(
    scenario: Scenario, pipeline: PipelinePlan, builder: InputBuilder
) -> NetworkPlan:
    """
    Compile who delivers to whom.

    Parameters
    ----------
    scenario : Scenario
        Its projects.
    pipeline : PipelinePlan
        Gives the order of mines and refineries.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    NetworkPlan

    Raises
    ------
    ScenarioError
        If no refinery in China is without limit.
    """
    by_id = {row.id: row for row in scenario.rows("projects")}
    rows = [by_id[name] for name in pipeline.ids]
    mines = rows[: pipeline.n_mines]
    refineries = rows[pipeline.n_mines : pipeline.n_mines + pipeline.n_refineries]
    recyclers = rows[pipeline.n_mines + pipeline.n_refineries :]
    names = [row.id for row in refineries]
    open_ended = [
        i for i, row in enumerate(refineries) if row.bloc == "china" and row.capacity is None
    ]
    if not open_ended:
        msg = (
            "projects: one refinery of bloc china must have a blank capacity, no limit; found none"
        )
        raise ScenarioError(msg)
    contracted = [[names.index(f) for f in row.feeds if f != MERCHANT] for row in mines]
    ranks = max((len(feeds) for feeds in contracted), default=0)
    contracts = tuple(
        np.array([feeds[rank] if rank < len(feeds) else -1 for feeds in contracted], dtype=np.intp)
        for rank in range(ranks)
    )
    network = Network(
        contracts,
        _blocs(mines),
        _blocs(refineries),
        np.array([row.may_leave for row in mines], dtype=np.bool_),
        open_ended[0],
    )
    return NetworkPlan(network, _blocs(recyclers), _recovery(refineries, builder))


def _blocs(rows: list[Any]) -> IntArray:
    return np.array([BLOCS.index(row.bloc) for row in rows], dtype=np.intp)


def _recovery(rows: list[Any], builder: InputBuilder) -> Cells:
    refs: list[Ref] = []
    for row in rows:
        value = 1.0 if row.recovery is None else row.recovery
        if practical_range(value)[1] <= 0.0:
            msg = f"projects.{row.id}, column recovery: found {value}, allowed is above 0"
            raise ScenarioError(msg)
        refs.append(builder.cell(f"projects.{row.id}.recovery", value))
    return Cells(refs)


@dataclass(frozen=True, slots=True)
class OutagePlan:
    """
    Dated outages of projects.

    Attributes
    ----------
    targets : tuple of str
        Project id of each event.
    """

    targets: tuple[str, ...]
    years: FloatArray
    _occurs: Cells
    _start: Cells
    _length: Cells
    _remaining: Cells

    def run(self, values: FloatArray) -> dict[str, FloatArray]:
        """Return the share of its output that each target keeps, (year, draw) by project id."""
        kept: dict[str, FloatArray] = {}
        if not self.targets:
            return kept
        occurs, start = self._occurs.fill(values), self._start.fill(values)
        end = start + self._length.fill(values)
        lost = 1.0 - self._remaining.fill(values)
        year = self.years[:, np.newaxis]
        for event, target in enumerate(self.targets):
            inside = np.minimum(end[event], year + 1.0) - np.maximum(start[event], year)
            share = 1.0 - np.clip(inside, 0.0, 1.0) * occurs[event] * lost[event]
            kept[target] = kept.get(target, 1.0) * share
        return kept


def compile_outages(scenario: Scenario, builder: InputBuilder) -> OutagePlan:
    """Compile the events of kind outage."""
    rows = scenario.rows("events")

    def cells(column: str, unit: str = "1") -> Cells:
        return Cells(
            [builder.cell(f"events.{row.id}.{column}", getattr(row, column), unit) for row in rows]
        )

    occurs = Cells([builder.cell(f"events.{row.id}.occurs", _coin(row)) for row in rows])
    return OutagePlan(
        tuple(row.target.removeprefix("projects.") for row in rows),
        np.array(scenario.years, dtype=np.float64),
        occurs,
        cells("start", "year"),
        cells("years", "year"),
        cells("remaining"),
    )


def _coin(row: Any) -> Any:
    return row.probability if row.probability in (0.0, 1.0) else bernoulli(row.probability)
