"""Compile and run the captive supply: a measured total, its parts, growth and disruptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.inputs import UNIFORM, Cells, InputBuilder
from reesupply.models.captive import grown, pads_left, parts_of_total, replace_shortfall, two_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

_ANCHORS = (
    "survey-is-ore-only",
    "refined-2024-if-ore-only",
    "refined-2024-if-with-scrap",
    "scrap-2024",
    "captive-dy-share",
    "captive-growth",
    "captive-growth-error",
)


@dataclass(frozen=True, slots=True)
class _Disruption:
    part: int
    cells: Cells  # shuts, stays shut, remaining, replaced
    shocks: Cells  # one per year
    from_year: int


@dataclass(frozen=True, slots=True)
class _Pads:
    part: int
    cells: Cells  # life, renewed


@dataclass(frozen=True, slots=True)
class CaptivePlan:
    """
    Captive supply of a scenario.

    Attributes
    ----------
    ids : tuple of str
        Project ids of the parts, the residual last.
    """

    ids: tuple[str, ...]
    shares: ElementShares
    years_after: FloatArray
    _anchors: Cells
    _ratios: Cells
    _growth: Cells  # of each part, beside that of the total
    _documented: Cells
    _pads: tuple[_Pads, ...]
    _disruptions: tuple[_Disruption, ...]

    def run(
        self, values: FloatArray, kept: Mapping[str, FloatArray]
    ) -> tuple[FloatArray, FloatArray]:
        """
        Return supply by part.

        Parameters
        ----------
        values : ndarray, shape (value, LANE)
            Drawn values of the plan.
        kept : mapping of str to ndarray, shape (year, draw)
            Share of its output that a part keeps in dated outages, by project id.

        Returns
        -------
        supply : ndarray, shape (part, year, draw)
            Separated oxide of the heavy pair [t/yr].
        shares : ndarray, shape (element, draw)
            Tonnes of each element per tonne of it.
        """
        ore_only, high, low, scrap, lead_share, growth, error = self._anchors.fill(values)
        total = np.maximum(np.where(ore_only > 0.5, high, low) - scrap, 0.0)
        parts = parts_of_total(total, self._documented.fill(values))
        supply = grown(parts, growth + error + self._growth.fill(values), self.years_after)
        for pads in self._pads:
            life, renewed = pads.cells.fill(values)
            supply[pads.part] *= pads_left(life, renewed, self.years_after)
        for one in self._disruptions:
            shuts, stays, remaining, replaced = one.cells.fill(values)
            shut = np.zeros((self.years_after.size, values.shape[1]), dtype=values.dtype)
            shut[one.from_year :] = two_state(one.shocks.fill(values), shuts, stays)
            left = (1.0 - shut * (1.0 - remaining)) * kept.get(self.ids[one.part], 1.0)
            supply = replace_shortfall(supply, one.part, 1.0 - left, replaced)
        replaceable = {one.part for one in self._disruptions}
        for part, name in enumerate(self.ids):
            if name in kept and part not in replaceable:
                supply[part] *= kept[name]
        return supply, self.shares.split(lead_share) + self._ratios.fill(values)


@dataclass(frozen=True, slots=True)
class ElementShares:
    """
    How the heavy pair divides into elements.

    Attributes
    ----------
    n : int
        Number of elements.
    lead : int
        Index of the element whose share is given.
    rest : tuple of int
        Indices of the others of the pair, which divide what is left.
    """

    n: int
    lead: int
    rest: tuple[int, ...]

    def split(self, lead_share: FloatArray) -> FloatArray:
        """Shares of the elements, (..., element, draw); 0 for elements outside the pair."""
        shares = np.zeros(
            (*lead_share.shape[:-1], self.n, lead_share.shape[-1]), dtype=lead_share.dtype
        )
        for element in self.rest:
            shares[..., element, :] = (1.0 - lead_share) / len(self.rest)
        shares[..., self.lead, :] = lead_share
        return shares


def element_shares(scenario: Scenario) -> ElementShares:
    """Compile which elements are the heavy pair, and which of them leads."""
    lead = scenario.lead
    rest = tuple(i for i in scenario.heavy if i != lead)
    return ElementShares(len(scenario.elements), lead, rest)


def compile_captive(scenario: Scenario, builder: InputBuilder) -> CaptivePlan:
    """
    Compile the parts of the captive total.

    Parameters
    ----------
    scenario : Scenario
        Its projects with ``part_of`` "captive", its anchors and disruptions.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    CaptivePlan
    """
    rows = [row for row in scenario.rows("projects") if row.part_of == "captive"]
    rows.sort(key=lambda row: row.heavy is None)  # the residual comes last
    ids = tuple(row.id for row in rows)
    years = scenario.years
    documented = [
        builder.cell(f"projects.{row.id}.heavy", row.heavy, "t oxide/yr") for row in rows[:-1]
    ]
    anchors = {row.id: row for row in scenario.rows("anchors")}
    refs = [
        builder.cell(f"anchors.{name}.value", anchors[name].value, anchors[name].unit)
        for name in _ANCHORS
    ]
    growth = [
        0.0 if row.growth is None else builder.cell(f"projects.{row.id}.growth", row.growth, "1/yr")
        for row in rows
    ]
    pads = [
        _compile_pads(part, row, builder)
        for part, row in enumerate(rows)
        if row.pad_life is not None
    ]
    ratios = [
        0.0
        if row.captive_ratio is None
        else builder.cell(f"elements.{row.id}.captive_ratio", row.captive_ratio)
        for row in scenario.rows("elements")
    ]
    return CaptivePlan(
        ids,
        element_shares(scenario),
        np.arange(len(years), dtype=np.float64),
        Cells(refs),
        Cells(ratios),
        Cells(growth),
        Cells(documented),
        tuple(pads),
        tuple(
            _compile_disruption(row, ids, years, builder) for row in scenario.rows("disruptions")
        ),
    )


def _compile_pads(part: int, row: Any, builder: InputBuilder) -> _Pads:
    renewed = 1.0 if row.pads_renewed is None else row.pads_renewed
    life = builder.cell(f"projects.{row.id}.pad_life", row.pad_life, "year")
    return _Pads(part, Cells([life, builder.cell(f"projects.{row.id}.pads_renewed", renewed)]))


def _compile_disruption(
    row: Any, ids: tuple[str, ...], years: tuple[int, ...], builder: InputBuilder
) -> _Disruption:
    name = f"disruptions.{row.id}"
    columns = ("shuts", "stays_shut", "remaining", "replaced")
    cells = [builder.cell(f"{name}.{column}", getattr(row, column)) for column in columns]
    first = max(row.first_year, years[0])
    shocks = [builder.cell(f"{name}.shock.{year}", UNIFORM) for year in years if year >= first]
    part = ids.index(row.target.removeprefix("projects."))
    return _Disruption(part, Cells(cells), Cells(shocks), len(years) - len(shocks))
