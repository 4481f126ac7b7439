"""Compile and run the pipeline: when each project starts, and what it can do in each year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.captive import ElementShares, element_shares
from reesupply.engine.inputs import UNIFORM, Cells, InputBuilder, Ref
from reesupply.engine.ramps import Ramps, compile_ramps
from reesupply.models.pipeline import (
    decided,
    delay_under,
    first_feed_after_decision,
    first_feed_slipped,
    succeeds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]


def decimal_year(text: str) -> float:
    """Turn an ISO date into a decimal year."""
    day = date.fromisoformat(text)
    start, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return day.year + (day - start).days / (end - start).days


@dataclass(frozen=True, slots=True)
class _Group:
    """Projects that take one route from the data date to first feed."""

    at: IntArray
    columns: dict[str, Cells]

    def fill(self, values: FloatArray) -> dict[str, FloatArray]:
        return {name: cells.fill(values) for name, cells in self.columns.items()}


@dataclass(frozen=True, slots=True)
class Timing:
    """Date of first feed of every project of the pipeline."""

    data_date: float
    n: int
    regime: Cells
    fixed: _Group
    slipping: _Group
    undecided: _Group

    def run(self, values: FloatArray) -> FloatArray:
        """Return the date of first feed, shape (project, draw); infinity is never."""
        first = np.empty((self.n, values.shape[1]))
        first[self.fixed.at] = self.fixed.fill(values)["start"]
        regime = self.regime.fill(values)
        if self.slipping.at.size:
            first[self.slipping.at] = self._slipped(self.slipping.fill(values), regime)
        if self.undecided.at.size:
            first[self.undecided.at] = self._undecided(self.undecided.fill(values), regime)
        return first

    def _slipped(self, columns: dict[str, FloatArray], regime: FloatArray) -> FloatArray:
        works = succeeds(columns["works"], columns["chance"], regime)
        slip = delay_under(columns["slip"], regime)
        return first_feed_slipped(columns["start"], slip, works, self.data_date)

    def _undecided(self, columns: dict[str, FloatArray], regime: FloatArray) -> FloatArray:
        taken, hazard = decided(columns["outcome"], columns["decide"], columns["abandon"], regime)
        return first_feed_after_decision(
            columns["start"],
            columns["construction"],
            -np.log1p(-columns["wait"]),
            taken,
            1.0 + delay_under(columns["schedule"] - 1.0, regime),
            succeeds(columns["works"], columns["chance"], regime),
            hazard=hazard,
            minimum_wait=delay_under(columns["minimum_wait"], np.maximum(regime, 1.0)),
            data_date=self.data_date,
        )


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """
    Mines, refineries and recyclers that are not parts of a measured total.

    Attributes
    ----------
    ids : tuple of str
        Mines first, then refineries, then recyclers.
    n_mines, n_refineries : int
        How many of the first two.
    """

    ids: tuple[str, ...]
    n_mines: int
    n_refineries: int
    years: IntArray
    timing: Timing
    ramps: Ramps
    _shares: ElementShares
    _heavy: Cells
    _lead_share: Cells
    _own: tuple[Cells, ...]
    _capacity: Cells
    _availability: Cells
    _available: IntArray
    _life: Cells
    _mortal: IntArray
    _reserves: FloatArray

    def run(
        self, values: FloatArray, workspace: Workspace
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """
        Return dates, mine output and plant capacity.

        Parameters
        ----------
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        workspace : Workspace
            Has room for what is large.

        Returns
        -------
        first : ndarray, shape (project, draw)
            Date of first feed, infinity where it never comes.
        feed : ndarray, shape (mine, year, draw)
            Oxide of the heavy pair in concentrate [t/yr].
        shares : ndarray, shape (mine, element, draw)
            Tonnes of each element per tonne of it, the same in all years.
        capacity : ndarray, shape (plant, year, draw)
            Separated oxide that refineries and recyclers can make [t/yr].
        """
        # a year in single precision is known to an hour, which can be the wrong side of New Year
        first = self.timing.run(workspace["values"])
        available = np.ones(first.shape, dtype=values.dtype)
        available[self._available] = self._availability.fill(values)
        ramped = self.ramps.run(first, values, available, workspace)
        if self._mortal.size:
            end = first[self._mortal] + self._life.fill(values)
            left = end[:, np.newaxis] - self.years[:, np.newaxis]
            ramped[self._mortal] *= np.clip(left, 0.0, 1.0)
        content = self._content(values)
        nameplate = content[:, self._pair].sum(axis=1)
        feed = ramped[: self.n_mines]
        feed *= nameplate[:, np.newaxis]
        self._deplete(feed)
        whole = nameplate[:, np.newaxis]
        shares = np.divide(content, whole, out=np.zeros_like(content), where=whole > 0.0)
        plants = ramped[self.n_mines :]
        nothing = np.zeros_like(plants)  # also of a plant without limit, which is infinity
        capacity = self._capacity.fill(values)[:, np.newaxis]
        capacity = np.multiply(capacity, plants, out=nothing, where=plants > 0.0)
        return first, feed, shares, capacity

    @property
    def _pair(self) -> list[int]:
        return sorted((self._shares.lead, *self._shares.rest))

    def _content(self, values: FloatArray) -> FloatArray:
        """Oxide in concentrate at nameplate, shape (mine, element, draw)."""
        heavy, lead_share = self._heavy.fill(values), self._lead_share.fill(values)
        content = np.stack([cells.fill(values) for cells in self._own], axis=1)
        content += heavy[:, np.newaxis] * self._shares.split(lead_share)
        return content

    def _deplete(self, feed: FloatArray) -> None:
        """Stop a mine when its reserves are dug."""
        for mine in np.flatnonzero(np.isfinite(self._reserves)):
            dug = np.minimum(np.cumsum(feed[mine], axis=0), self._reserves[mine])
            feed[mine] = np.diff(dug, axis=0, prepend=0.0)


def compile_pipeline(scenario: Scenario, builder: InputBuilder) -> PipelinePlan:
    """
    Compile every project that is not a part of a measured total.

    Parameters
    ----------
    scenario : Scenario
        Its projects, stages and ramps.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    PipelinePlan
    """
    rows = [row for row in scenario.rows("projects") if row.part_of is None]
    kinds = ("mine", "refinery", "recycler")
    rows.sort(key=lambda row: kinds.index(row.kind))
    mines = [row for row in rows if row.kind == "mine"]
    plants = rows[len(mines) :]
    cell = _Namer(builder)
    outside = [i for i, row in enumerate(rows) if row.bloc != "china"]
    mortal = [i for i, row in enumerate(rows) if row.life is not None]
    return PipelinePlan(
        ids=tuple(row.id for row in rows),
        n_mines=len(mines),
        n_refineries=sum(row.kind == "refinery" for row in rows),
        years=np.array(scenario.years, dtype=np.intp),
        timing=_compile_timing(scenario, rows, cell),
        ramps=compile_ramps(scenario, rows, builder),
        _shares=element_shares(scenario),
        _heavy=Cells([cell(row, "heavy", 0.0, "t oxide/yr") for row in mines]),
        _lead_share=Cells([cell(row, "dy_share", 0.0) for row in mines]),
        _own=tuple(
            Cells([cell(row, name.lower(), 0.0, "t oxide/yr") for row in mines])
            for name in scenario.elements
        ),
        _capacity=Cells([cell(row, "capacity", np.inf, "t oxide/yr") for row in plants]),
        _availability=Cells([cell.anchor(scenario, "availability")]),
        _available=np.array(outside, dtype=np.intp),
        _life=Cells([cell(rows[i], "life", 0.0, "year") for i in mortal]),
        _mortal=np.array(mortal, dtype=np.intp),
        _reserves=np.array([np.inf if row.reserves is None else row.reserves for row in mines]),
    )


class _Namer:
    """Turns a cell of a project row into a reference; the input is named by its path."""

    def __init__(self, builder: InputBuilder) -> None:
        self._builder = builder

    def __call__(self, row: Any, column: str, blank: float, unit: str = "1") -> Ref:
        value = getattr(row, column, None)
        if value is None:
            return blank
        return self._builder.cell(f"projects.{row.id}.{column}", value, unit)

    def anchor(self, scenario: Scenario, name: str) -> Ref:
        """Return an anchor of the scenario."""
        row = {row.id: row for row in scenario.rows("anchors")}[name]
        return self._builder.cell(f"anchors.{name}.value", row.value, row.unit)

    def shared(self, row: Any, what: str, value: Any, unit: str = "1") -> Ref:
        """Return an input that belongs to the row, though its distribution stands elsewhere."""
        return self._builder.cell(f"projects.{row.id}.{what}", value, unit)


def _compile_timing(scenario: Scenario, rows: Sequence[Any], cell: _Namer) -> Timing:
    stages = {row.id: row for row in scenario.rows("stages")}
    by_id = {row.id: row for row in scenario.rows("projects")}
    fixed: list[int] = []
    groups: dict[str, tuple[list[int], dict[str, list[Ref]]]] = {
        "slip": ([], {}),
        "hazard": ([], {}),
    }
    for index, row in enumerate(rows):
        leader = row
        while leader.decided_with is not None:  # an integrated plant shares one outcome
            leader = by_id[leader.decided_with]
        stage = stages[leader.status]
        if stage.route in ("operating", "certain"):
            fixed.append(index)
            continue
        at, columns = groups[stage.route]
        at.append(index)
        refs = (_slip if stage.route == "slip" else _hazard)(row, leader, stage, cell)
        for name, ref in refs.items():
            columns.setdefault(name, []).append(ref)
    starts = [cell(rows[index], "start", 0.0, "year") for index in fixed]
    return Timing(
        decimal_year(scenario.data_date),
        len(rows),
        Cells([cell.anchor(scenario, "regime")]),
        _Group(np.array(fixed, dtype=np.intp), {"start": Cells(starts)}),
        _group(groups["slip"]),
        _group(groups["hazard"]),
    )


def _group(group: tuple[list[int], dict[str, list[Ref]]]) -> _Group:
    at, columns = group
    return _Group(
        np.array(at, dtype=np.intp), {name: Cells(refs) for name, refs in columns.items()}
    )


def _slip(row: Any, leader: Any, stage: Any, cell: _Namer) -> dict[str, Ref]:
    slip = stage.slip if leader.slip is None else leader.slip
    return {
        "start": cell(row, "start", 0.0, "year"),
        "slip": cell.shared(leader, "slip", slip, "year"),
        "works": cell.shared(leader, "works", UNIFORM),
        "chance": stage.works,
    }


def _hazard(row: Any, leader: Any, stage: Any, cell: _Namer) -> dict[str, Ref]:
    schedule = stage.schedule if row.schedule is None else row.schedule
    return {
        "start": cell(row, "start", 0.0, "year"),
        "construction": cell(row, "construction", 0.0, "year"),
        "wait": cell.shared(leader, "wait", UNIFORM),
        "outcome": cell.shared(leader, "outcome", UNIFORM),
        "schedule": cell.shared(row, "schedule", schedule),
        "works": cell.shared(leader, "works", UNIFORM),
        "chance": stage.works,
        "decide": stage.decision_hazard,
        "abandon": stage.abandon_hazard,
        "minimum_wait": stage.minimum_wait,
    }
