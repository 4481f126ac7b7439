"""`Plan`: a scenario compiled to arrays, and the chain of models on one lane of draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.claims import Claim, compile_claims
from reesupply.engine.clock import Clock
from reesupply.engine.demand import compile_demand
from reesupply.engine.inputs import InputBuilder, InputPlan
from reesupply.engine.layout import Layout, layout_of
from reesupply.engine.network import BLOCS
from reesupply.engine.recycling import RecyclingPlan, compile_recycling
from reesupply.engine.statistics import live_pieces, shapes_of
from reesupply.engine.supply import SupplyPlan, compile_supply
from reesupply.engine.workspace import Workspace
from reesupply.models.balance import balance, surplus_stock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    scenario : Scenario
        What was compiled.
    years : tuple of int
        Calendar years, the base year first.
    elements, blocs, projects, end_uses : tuple of str
        Labels of the axes.
    """

    scenario: Scenario
    years: tuple[int, ...]
    elements: tuple[str, ...]
    blocs: tuple[str, ...]
    projects: tuple[str, ...]
    end_uses: tuple[str, ...]
    inputs: InputPlan
    claims: tuple[Claim, ...]
    dimensions: Mapping[str, int]
    _supply: SupplyPlan
    _recycling: RecyclingPlan

    def __repr__(self) -> str:
        return (
            f"<Plan of {self.title!r}: {len(self.inputs.names)} uncertain inputs, "
            f"{len(self.projects)} projects, {len(self.end_uses)} end uses, "
            f"{self.years[0]}-{self.years[-1]}, hash {self.hash[:12]}>"
        )

    @property
    def title(self) -> str:
        """Title of the scenario."""
        return self.scenario.title

    @property
    def hash(self) -> str:
        """Hash of the scenario."""
        return self.scenario.hash

    @property
    def heavy(self) -> tuple[int, ...]:
        """Indices of the elements of the heavy pair, over which sums are made."""
        return self.scenario.heavy

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

    @cached_property
    def layout(self) -> Layout:
        """Cells that have a histogram where they do not keep their draws, and its edges."""
        return layout_of(self)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each variable without draws, sums over labels included, and of claims."""
        return shapes_of(self)

    @cached_property
    def pieces(self) -> dict[str, list[slice]]:
        """How the cells of each variable are measured; see `live_pieces`."""
        return live_pieces(self)

    def run_lane(
        self,
        uniforms: FloatArray,
        clock: Clock | None = None,
        workspace: Workspace | None = None,
        inputs: Sequence[int] = (),
    ) -> Workspace:
        """
        Run the chain of models on one lane.

        Parameters
        ----------
        uniforms : ndarray, shape (input, LANE)
            Within the open interval (0, 1).
        clock : Clock, optional
            Gets the time of each stage.
        workspace : Workspace, optional
            Of the lane before in this thread, whose arrays are written again.
        inputs : sequence of int, optional
            Which inputs are wanted.

        Returns
        -------
        Workspace
            Every variable by name, draws last, with "inputs", "claims" and "first_feed".
        """
        lap = Clock().lap if clock is None else clock.lap
        out = Workspace() if workspace is None else workspace
        values, normals = self.inputs.values(uniforms, out)
        rows = np.array(inputs, dtype=np.intp)
        out["inputs"] = self.inputs.reported(out["values"], normals, rows)
        lap("inputs")
        capacity, captive_shares = self._supply.run(values, out)
        lap("supply")
        self._recycling.run(values, capacity, captive_shares, out)
        lap("demand and recycling")
        out["balance"] = balance(
            out["refined_supply"],
            out["recycled_new_scrap"],
            out["recycled_end_of_life"],
            out["demand"],
        )
        out["surplus_stock"] = surplus_stock(out["balance"])
        lap("balance")
        claims = [claim.value(out) for claim in self.claims]
        out["claims"] = np.array(claims, dtype=np.float64).reshape(len(claims), values.shape[1])
        lap("claims")
        return out


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

    builder = InputBuilder(scenario)
    supply = compile_supply(scenario, builder)
    demand = compile_demand(scenario, builder)
    recycling = compile_recycling(scenario, demand, builder)
    return Plan(
        scenario=scenario,
        years=scenario.years,
        elements=scenario.elements,
        blocs=BLOCS,
        projects=supply.projects,
        end_uses=demand.ids,
        inputs=builder.build(),
        claims=compile_claims(scenario),
        dimensions=sobol_dimensions(),
        _supply=supply,
        _recycling=recycling,
    )
