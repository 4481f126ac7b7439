"""Compile and run ramp-ups: the share of nameplate of every project in every year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import discrete
from reesupply.engine.inputs import Cells, InputBuilder, Ref
from reesupply.models.rampup import RampTable, creep_average, linear_ramp_average
from reesupply.models.rampup.curves import MONTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ramps:
    """Share of nameplate of every project in every year."""

    years: IntArray
    n: int
    table: RampTable
    by_class: IntArray
    klass: Cells
    plateau_of_class: Cells
    creeping: tuple[tuple[int, float, float], ...]  # class, share gained a year, months after
    linear: IntArray
    ramp_years: Cells

    def run(
        self, first: FloatArray, values: FloatArray, level: FloatArray, workspace: Workspace
    ) -> FloatArray:
        """Return yearly averages times `level`, (project, draw), as (project, year, draw)."""
        years, draws = self.years.size, first.shape[1]
        share = workspace.room("ramped", self.n, years, draws)
        if self.by_class.size:
            klass = self.klass.fill(values).astype(np.intp)
            per_class = self.plateau_of_class.fill(values)
            per_class = per_class.reshape(self.by_class.size, -1, first.shape[1])
            plateau = np.take_along_axis(per_class, klass[:, np.newaxis], axis=1)[:, 0]
            starts, kept = first[self.by_class], level[self.by_class]
            own = workspace.room("ramped by class", self.by_class.size, years, draws)
            average = workspace.kernels.ramp_average
            average(self.table, starts, klass, plateau * kept, self.years, out=own)
            for index, rate, after in self.creeping:
                # few plants are of the class, and fewer live to see it
                begins = starts + after / MONTHS < self.years[-1] + 1.0
                plant, draw = np.nonzero(begins & (klass == index))
                gain = creep_average(
                    starts[plant, draw], self.years, rate, after, plateau[plant, draw]
                )
                own[plant, :, draw] += gain.T * kept[plant, draw, np.newaxis]
            share[self.by_class] = own
        if self.linear.size:
            ramp_years = self.ramp_years.fill(values)
            own = linear_ramp_average(first[self.linear], self.years, ramp_years)
            share[self.linear] = own * level[self.linear, np.newaxis]
        return share


def compile_ramps(scenario: Scenario, rows: Sequence[Any], builder: InputBuilder) -> Ramps:
    """Compile the ramp-ups of some projects, in their order."""
    classes = scenario.rows("ramp_classes")
    index_of = {row.id: index for index, row in enumerate(classes)}
    ramps = {row.id: row for row in scenario.rows("ramps")}
    by_class: list[int] = []
    klass: list[Ref] = []
    plateau: list[Ref] = []
    linear: list[int] = []
    ramp_years: list[Ref] = []
    for index, row in enumerate(rows):
        ramp = ramps[row.ramp]
        name = f"projects.{row.id}"
        if ramp.kind == "classes":
            by_class.append(index)
            weights = {
                float(index_of[c]): float(w)
                for c, w in zip(ramp.classes, ramp.weights, strict=True)
                if float(w) > 0.0
            }
            klass.append(builder.cell(f"{name}.class", discrete(weights)))
            levels = [c.plateau for c in classes]
            plateau += builder.path(f"{name}.plateau", levels)
        else:
            linear.append(index)
            years = 0.0 if ramp.kind == "none" else row.ramp_years
            ramp_years.append(builder.cell(f"{name}.ramp_years", years, "year"))
    return Ramps(
        np.array(scenario.years, dtype=np.intp),
        len(rows),
        RampTable(
            tuple(c.tau for c in classes),
            tuple(c.beta for c in classes),
            tuple(c.kind for c in classes),
        ),
        np.array(by_class, dtype=np.intp),
        Cells(klass),
        Cells(plateau),
        tuple((n, c.creep, c.creep_after) for n, c in enumerate(classes) if c.creep > 0.0),
        np.array(linear, dtype=np.intp),
        Cells(ramp_years),
    )
