"""`Plan`: a scenario compiled to arrays, and the chain of models on one lane of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.captive import CaptivePlan, compile_captive
from reesupply.engine.claims import Claim, compile_claims
from reesupply.engine.demand import compile_demand
from reesupply.engine.inputs import InputBuilder, InputPlan
from reesupply.engine.network import (
    BLOCS,
    NetworkPlan,
    OutagePlan,
    compile_network,
    compile_outages,
)
from reesupply.engine.pipeline import PipelinePlan, compile_pipeline
from reesupply.engine.recycling import RecyclingPlan, compile_recycling
from reesupply.models.balance import balance, surplus_stock

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plan:
    """
    A scenario compiled to arrays: immutable, picklable, safe to share between threads.

    Make one with :func:`reesupply.compile`; :func:`reesupply.simulate` takes it in place of a
    scenario and then starts at once.

    Attributes
    ----------
    title, hash, data_date : str
        Of the scenario.
    years : tuple of int
        Calendar years, the base year first.
    elements, blocs, projects, end_uses : tuple of str
        Labels of the axes.
    """

    title: str
    hash: str
    data_date: str
    changes: tuple[str, ...]
    years: tuple[int, ...]
    elements: tuple[str, ...]
    blocs: tuple[str, ...]
    projects: tuple[str, ...]
    end_uses: tuple[str, ...]
    inputs: InputPlan
    claims: tuple[Claim, ...]
    dimensions: Mapping[str, int]
    _captive: CaptivePlan
    _pipeline: PipelinePlan
    _network: NetworkPlan
    _outages: OutagePlan
    _recycling: RecyclingPlan
    _mine_bloc: npt.NDArray[np.intp]

    def __repr__(self) -> str:
        return (
            f"<Plan of {self.title!r}: {len(self.inputs.names)} uncertain inputs, "
            f"{len(self.projects)} projects, {len(self.end_uses)} end uses, "
            f"{self.years[0]}-{self.years[-1]}, hash {self.hash[:12]}>"
        )

    def labels(self, dim: str) -> tuple[str, ...] | tuple[int, ...]:
        """Return the labels of an axis: bloc, project, end_use, element or year."""
        labels: dict[str, tuple[str, ...] | tuple[int, ...]] = {
            "bloc": self.blocs,
            "project": self.projects,
            "end_use": self.end_uses,
            "element": self.elements,
            "year": self.years,
        }
        return labels[dim]

    def run_lane(self, uniforms: FloatArray) -> dict[str, FloatArray]:
        """
        Run the chain of models on one lane.

        Parameters
        ----------
        uniforms : ndarray, shape (input, LANE)
            Overwritten.

        Returns
        -------
        dict of str to ndarray
            Every variable by name, draws last, with "inputs", "claims" and "first_feed".
        """
        values, normals = self.inputs.values(uniforms)
        out: dict[str, FloatArray] = {"inputs": self.inputs.reported(values, normals)}
        capacity, captive_shares = self._supply(values, out)
        self._close_loop(values, capacity, captive_shares, out)
        out["balance"] = balance(
            out["refined_supply"],
            out["recycled_new_scrap"],
            out["recycled_end_of_life"],
            out["demand"],
        )
        out["surplus_stock"] = surplus_stock(out["balance"])
        claims = [claim.value(out) for claim in self.claims]
        out["claims"] = np.array(claims).reshape(len(claims), values.shape[1])
        return out

    def _supply(
        self, values: FloatArray, out: dict[str, FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        """Fill in supply by project and bloc; return recycler capacity and captive shares."""
        captive, shares = self._captive.run(values)
        first, output, capacity = self._pipeline.run(values)
        self._apply_outages(values, captive, output, capacity)
        plants = self._pipeline.n_refineries
        feed = output.sum(axis=1)
        done = self._network.refine(feed, capacity[:plants], values)
        ratio = np.divide(
            output, feed[:, np.newaxis], out=np.zeros_like(output), where=feed[:, np.newaxis] > 0
        )
        ratio = _held_ratio(ratio)
        parts = captive[:, np.newaxis] * shares[:, np.newaxis]
        self._project_arrays(
            out, parts, output, done.separated[:, np.newaxis] * ratio, capacity, done.throughput
        )
        out["first_feed"] = np.concatenate(
            [np.full((len(captive), first.shape[1]), -np.inf), first]
        )
        year_end = np.array(self.years)[:, np.newaxis] + 1.0
        out["project.operating"] = (out["first_feed"][:, np.newaxis] < year_end).astype(np.float64)
        china = parts.sum(axis=0)
        mined, refined = np.zeros((2, len(self.blocs), *china.shape))
        mined[0] = refined[0] = china
        for bloc in range(len(self.blocs)):
            own = self._mine_bloc == bloc
            oxide = done.separated[own][:, np.newaxis] * ratio[own]
            away = done.abroad[own][:, np.newaxis] * ratio[own]
            mined[bloc] += oxide.sum(axis=0)
            refined[bloc] += (oxide - away).sum(axis=0)
            refined[1 - bloc] += away.sum(axis=0)
        out["mine_supply"], out["refined_supply"] = mined, refined
        out["concentrate_stock"] = (done.stock[:, np.newaxis] * ratio).sum(axis=0)
        return self._network.recycling_capacity(capacity[plants:], values), shares

    def _apply_outages(
        self, values: FloatArray, captive: FloatArray, output: FloatArray, capacity: FloatArray
    ) -> None:
        for name, kept in self._outages.run(values).items():
            if name in self._captive.ids:
                captive[self._captive.ids.index(name)] *= kept
                continue
            index = self._pipeline.ids.index(name)
            if index < self._pipeline.n_mines:
                output[index] *= kept
            else:
                capacity[index - self._pipeline.n_mines] *= kept

    def _project_arrays(
        self,
        out: dict[str, FloatArray],
        parts: FloatArray,
        output: FloatArray,
        separated: FloatArray,
        capacity: FloatArray,
        throughput: FloatArray,
    ) -> None:
        """Put captive parts, mines, refineries and recyclers on one project axis."""
        mines = slice(len(parts), len(parts) + len(output))
        plants = slice(mines.stop, len(self.projects))
        shape = (len(self.projects), *output.shape[1:])
        for name, own in (("output", output), ("separated", separated)):
            array = np.zeros(shape)
            array[: len(parts)], array[mines] = parts, own
            out[f"project.{name}"] = array
        flat = np.zeros((len(self.projects), *output.shape[2:]))
        flat[plants] = np.where(np.isfinite(capacity), capacity, np.nan)
        out["project.capacity"] = flat
        used = np.zeros_like(flat)
        used[plants.start : plants.start + len(throughput)] = throughput
        out["project.throughput"] = used

    def _close_loop(
        self,
        values: FloatArray,
        capacity: FloatArray,
        captive_shares: FloatArray,
        out: dict[str, FloatArray],
    ) -> None:
        """Fill in demand, goods in use and recycling."""
        done = self._recycling.run(
            self._recycling.demand.run(values),
            out["refined_supply"].sum(axis=0)[:, 0],
            captive_shares,
            capacity,
            values,
        )
        out["base_year_factor"] = done.factor
        out["demand"], out["use_demand"] = done.demand, done.use_demand
        out["recycled_new_scrap"] = done.new_scrap
        out["recycled_end_of_life"] = done.end_of_life
        out["end_use.demand"] = done.gross
        out["end_use.contained"] = done.contained
        out["end_use.retired"] = done.retired


def _held_ratio(ratio: FloatArray) -> FloatArray:
    """Element ratio of each mine's concentrate; a mine that digs nothing keeps its last ratio."""
    idle = ratio.sum(axis=1) == 0.0
    for year in range(1, ratio.shape[2]):
        stuck = idle[:, year][:, np.newaxis]
        ratio[:, :, year] = np.where(stuck, ratio[:, :, year - 1], ratio[:, :, year])
    return ratio


def compile_scenario(scenario: Scenario) -> Plan:
    """
    Compile a scenario to arrays.

    Parameters
    ----------
    scenario : Scenario
        Validated.

    Returns
    -------
    Plan

    Raises
    ------
    ScenarioError
        If a table lacks what the models need, or loadings of an input are too large.
    """
    from reesupply.scenario.loading import sobol_dimensions

    builder = InputBuilder(scenario.rows("factors"))
    captive = compile_captive(scenario, builder)
    pipeline = compile_pipeline(scenario, builder)
    network = compile_network(scenario, pipeline, builder)
    outages = compile_outages(scenario, builder)
    demand = compile_demand(scenario, builder)
    recycling = compile_recycling(scenario, demand, builder)
    bloc_of = {row.id: BLOCS.index(row.bloc) for row in scenario.rows("projects")}
    mines = pipeline.ids[: pipeline.n_mines]
    return Plan(
        title=scenario.title,
        hash=scenario.hash,
        data_date=scenario.data_date,
        changes=scenario.changes,
        years=scenario.years,
        elements=scenario.elements,
        blocs=BLOCS,
        projects=(*captive.ids, *pipeline.ids),
        end_uses=demand.ids,
        inputs=builder.build(),
        claims=compile_claims(scenario),
        dimensions=sobol_dimensions(),
        _captive=captive,
        _pipeline=pipeline,
        _network=network,
        _outages=outages,
        _recycling=recycling,
        _mine_bloc=np.array([bloc_of[name] for name in mines], dtype=np.intp),
    )
