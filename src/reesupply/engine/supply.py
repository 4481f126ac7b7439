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
    from reesupply.models.refining import Refined
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    Arrays = dict[str, FloatArray]

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

    def run(self, values: FloatArray, out: Arrays) -> tuple[FloatArray, FloatArray]:
        """
        Write the variables of supply.

        Parameters
        ----------
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        out : dict of str to ndarray
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
        first, feed, shares, capacity = self._pipeline.run(values)
        self._apply_outages(kept, feed, capacity)
        plants = self._pipeline.n_refineries
        refined = self._network.refine(feed, capacity[:plants], values)
        parts = captive[:, np.newaxis] * captive_shares[:, np.newaxis]
        by_element = shares[:, :, np.newaxis]
        recovered = by_element * self._recovery_factor.fill(values)[:, np.newaxis]
        separated = refined.separated[:, np.newaxis] * recovered
        abroad = refined.abroad[:, np.newaxis] * recovered
        self._add_blocs(out, parts.sum(axis=0), separated, abroad)
        out["concentrate_stock"] = (refined.stock[:, np.newaxis] * by_element).sum(axis=0)
        out["project.output"] = self._on_axis(parts, feed[:, np.newaxis] * by_element)
        out["project.separated"] = self._on_axis(parts, separated)
        self._add_plants(out, capacity, refined)
        out["first_feed"] = np.concatenate([np.full_like(captive[:, 0], -np.inf), first])
        year_end = self._pipeline.years[:, np.newaxis] + 1.0
        out["project.operating"] = (out["first_feed"][:, np.newaxis] < year_end).astype(np.float64)
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

    def _add_blocs(
        self, out: Arrays, captive: FloatArray, separated: FloatArray, abroad: FloatArray
    ) -> None:
        """Sum separated oxide by who controls the mine, and by where it was separated."""
        mined, refined = np.zeros((2, len(BLOCS), *captive.shape))
        mined[CHINA] = refined[CHINA] = captive
        for bloc in range(len(BLOCS)):
            own = self._network.network.mine_bloc == bloc
            oxide, away = separated[own].sum(axis=0), abroad[own].sum(axis=0)
            mined[bloc] += oxide
            refined[bloc] += oxide - away
            refined[1 - bloc] += away
        out["mine_supply"], out["refined_supply"] = mined, refined

    def _on_axis(self, parts: FloatArray, mines: FloatArray) -> FloatArray:
        """Put captive parts and mines, (..., element, year, draw), on the project axis."""
        whole = np.zeros((len(self.projects), *mines.shape[1:]))
        whole[: len(parts)] = parts
        whole[len(parts) : len(parts) + len(mines)] = mines
        return whole

    def _add_plants(self, out: Arrays, capacity: FloatArray, refined: Refined) -> None:
        """Put refineries and recyclers on the project axis; no known limit is NaN."""
        limit, used = np.zeros((2, len(self.projects), *capacity.shape[1:]))
        first = len(self.projects) - len(capacity)
        limit[first:] = np.where(np.isfinite(capacity), capacity, np.nan)
        used[first : first + len(refined.throughput)] = refined.throughput
        out["project.capacity"], out["project.throughput"] = limit, used


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
