"""Compile and run supply: captive supply, the pipeline, outages, refining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.captive import CaptivePlan, compile_captive
from reesupply.engine.inputs import Cells
from reesupply.engine.network import (
    BLOCS,
    NetworkPlan,
    OutagePlan,
    compile_network,
    compile_outages,
)
from reesupply.engine.pipeline import PipelinePlan, compile_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.inputs import InputBuilder, Ref
    from reesupply.engine.workspace import Workspace
    from reesupply.models.refining import Refined
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

CHINA = BLOCS.index("china")


@dataclass(frozen=True, slots=True)
class SupplyPlan:
    """
    Supply of a scenario.

    Attributes
    ----------
    projects : tuple of str
        Ids on the project axis: captive parts, mines, refineries, recyclers.
    """

    projects: tuple[str, ...]
    _captive: CaptivePlan
    _pipeline: PipelinePlan
    _network: NetworkPlan
    _outages: OutagePlan
    _recovery_factor: Cells

    def run(self, values: FloatArray, out: Workspace) -> tuple[FloatArray, FloatArray]:
        """
        Write the variables of supply.

        Parameters
        ----------
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        out : Workspace
            Gets mine_supply, refined_supply, concentrate_stock, first_feed and the variables by
            project.

        Returns
        -------
        capacity : ndarray, shape (bloc, year, draw)
            Capacity of the recyclers [t/yr].
        shares : ndarray, shape (element, draw)
            Share of each element in captive supply.
        """
        kept = self._outages.run(values)
        captive, captive_shares = self._captive.run(values, kept)
        first, feed, shares, capacity = self._pipeline.run(values, out)
        self._apply_outages(kept, feed, capacity)
        plants = self._pipeline.n_refineries
        refined = self._network.refine(feed, capacity[:plants], values, out)
        recovered = shares * self._recovery_factor.fill(values)
        self._add_projects(out, captive, captive_shares, feed, refined, shares, recovered)
        self._add_blocs(out, captive.sum(axis=0), captive_shares, refined, recovered)
        out["concentrate_stock"] = _by_element(refined.stock, shares)
        self._add_plants(out, capacity, refined)
        out["first_feed"] = np.concatenate([np.full_like(captive[:, 0], -np.inf), first])
        year_end = self._pipeline.years[:, np.newaxis] + 1.0
        operating = out.room("project.operating", len(self.projects), *feed.shape[1:])
        np.less(out["first_feed"][:, np.newaxis], year_end, out=operating, casting="unsafe")
        return self._network.recycling_capacity(capacity[plants:]), captive_shares

    def _apply_outages(
        self, kept: Mapping[str, FloatArray], feed: FloatArray, capacity: FloatArray
    ) -> None:
        for name, share in kept.items():
            if name in self._captive.ids:
                continue
            index = self._pipeline.ids.index(name)
            plant = index - self._pipeline.n_mines
            if plant < 0:
                feed[index] *= share
            else:
                shut = share == 0.0  # no limit, infinity, times nothing is no number
                capacity[plant] *= np.where(shut, 1.0, share)
                capacity[plant][shut] = 0.0

    def _add_projects(
        self,
        out: Workspace,
        captive: FloatArray,
        captive_shares: FloatArray,
        feed: FloatArray,
        refined: Refined,
        shares: FloatArray,
        recovered: FloatArray,
    ) -> None:
        """Put captive parts and mines on the project axis, by element; other rows stay zero."""
        parts = slice(0, len(captive))
        mines = slice(len(captive), len(captive) + len(feed))
        shape = (len(self.projects), len(captive_shares), *feed.shape[1:])
        dug, separated = (out.room(f"project.{name}", *shape) for name in ("output", "separated"))
        np.multiply(captive[:, np.newaxis], captive_shares[:, np.newaxis], out=dug[parts])
        separated[parts] = dug[parts]
        np.multiply(feed[:, np.newaxis], shares[:, :, np.newaxis], out=dug[mines])
        np.multiply(
            refined.separated[:, np.newaxis], recovered[:, :, np.newaxis], out=separated[mines]
        )

    def _add_blocs(
        self,
        out: Workspace,
        captive: FloatArray,
        captive_shares: FloatArray,
        refined: Refined,
        recovered: FloatArray,
    ) -> None:
        """Sum separated oxide by who controls the mine, and by where it was separated."""
        shape = (len(BLOCS), len(captive_shares), *captive.shape)
        mined, made = out.room("mine_supply", *shape), out.room("refined_supply", *shape)
        for bloc in range(len(BLOCS)):
            own = np.flatnonzero(self._network.network.mine_bloc == bloc)
            mined[bloc] = _by_element(refined.separated[own], recovered[own])
        made[...] = mined
        for bloc, away in enumerate(self._network.leaving):
            abroad = _by_element(refined.abroad[away], recovered[away])
            made[bloc] -= abroad
            made[1 - bloc] += abroad
        own_oxide = captive * captive_shares[:, np.newaxis]
        mined[CHINA] += own_oxide
        made[CHINA] += own_oxide

    def _add_plants(self, out: Workspace, capacity: FloatArray, refined: Refined) -> None:
        """Put refineries and recyclers on the project axis; no known limit is NaN."""
        shape = (len(self.projects), *capacity.shape[1:])
        limit, used = (out.room(f"project.{name}", *shape) for name in ("capacity", "throughput"))
        first = len(self.projects) - len(capacity)
        limit[first:] = capacity
        limit[first:][np.isinf(capacity)] = np.nan
        used[first : first + len(refined.throughput)] = refined.throughput


def _by_element(oxide: FloatArray, shares: FloatArray) -> FloatArray:
    """Sum the oxide of mines, (mine, year, draw), by element: (element, year, draw)."""
    total = np.zeros((shares.shape[1], *oxide.shape[1:]), dtype=oxide.dtype)
    return np.einsum("myd,med->eyd", oxide, shares, out=total)


def compile_supply(scenario: Scenario, builder: InputBuilder) -> SupplyPlan:
    """
    Compile the supply side of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Validated.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    SupplyPlan
    """
    captive = compile_captive(scenario, builder)
    pipeline = compile_pipeline(scenario, builder)
    return SupplyPlan(
        (*captive.ids, *pipeline.ids),
        captive,
        pipeline,
        compile_network(scenario, pipeline, builder),
        compile_outages(scenario, builder),
        Cells([_recovery_factor(row, builder) for row in scenario.rows("elements")]),
    )


def _recovery_factor(row: Any, builder: InputBuilder) -> Ref:
    if row.recovery_factor is None:
        return 1.0
    return builder.cell(f"elements.{row.id}.recovery_factor", row.recovery_factor)
