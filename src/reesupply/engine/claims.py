"""Published claims, each reading a number per draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.network import BLOCS
from reesupply.errors import ScenarioError, nearest

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]
    Arrays = dict[str, FloatArray]

OUTSIDE = BLOCS.index("ex_china")


@dataclass(frozen=True, slots=True)
class Claim:
    """
    One reading of a published claim.

    Attributes
    ----------
    name : str
        Claim and reading, joined by a dot.
    quantity : str
        What is computed; see `Claim.value`.
    year : int
        Index of the year.
    elements, uses : ndarray of int
        Indices of the elements and end uses that count.
    lossy : ndarray of bool
        Which end uses of the scenario leave process scrap.
    outside : bool
        Whether only the need outside China counts.
    need, basis, unit : str
        By use or by making; gross, net, primary or contained; unit of the value.
    """

    name: str
    quantity: str
    year: int
    elements: IntArray
    uses: IntArray
    lossy: npt.NDArray[np.bool_]
    outside: bool
    need: str
    basis: str
    unit: str

    def value(self, arrays: Arrays) -> FloatArray:
        """
        Compute the claim.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Variables of a lane by name.

        Returns
        -------
        ndarray, shape (draw,)
            In `unit`.
        """
        method: FloatArray = getattr(self, f"_{self.quantity}")(arrays)
        return method

    def _deficit(self, arrays: Arrays) -> FloatArray:
        return np.asarray(-arrays["balance"][self.elements, self.year].sum(axis=0))

    def _cumulative_deficit(self, arrays: Arrays) -> FloatArray:
        # after the base year, whose stock change is given
        return np.asarray(-arrays["balance"][self.elements, 1 : self.year + 1].sum(axis=(0, 1)))

    def _demand(self, arrays: Arrays) -> FloatArray:
        return self._needed(arrays)

    def _supply(self, arrays: Arrays) -> FloatArray:
        return self._world(arrays, "refined_supply", *_RECYCLED)

    def _primary_supply(self, arrays: Arrays) -> FloatArray:
        return self._world(arrays, "refined_supply")

    def _mine_share_of_need(self, arrays: Arrays) -> FloatArray:
        return _share(self._at(arrays, "mine_supply", OUTSIDE), self._needed(arrays))

    def _china_share_of_need(self, arrays: Arrays) -> FloatArray:
        names = ("refined_supply", *_RECYCLED)
        made = sum(self._at(arrays, name, OUTSIDE) for name in names)
        return np.clip(1.0 - _share(np.asarray(made), self._needed(arrays)), 0.0, 1.0)

    def _china_share_of_refining(self, arrays: Arrays) -> FloatArray:
        outside = self._at(arrays, "refined_supply", OUTSIDE)
        return 1.0 - _share(outside, self._world(arrays, "refined_supply"))

    def _needed(self, arrays: Arrays) -> FloatArray:
        """Need of the end uses at the place, on the basis."""
        name = "end_use.contained" if self.basis == "contained" else "end_use.demand"
        by_use = arrays[name][:, self.elements, self.year]
        if self.basis in ("net", "primary"):
            by_use = by_use - self._returned(arrays, by_use)
        if self.outside:
            place = "making" if self.need == "making" else "use"
            by_use = by_use * arrays[f"end_use.{place}_outside"][:, np.newaxis, self.year]
        return np.asarray(by_use[self.uses].sum(axis=(0, 1)))

    def _returned(self, arrays: Arrays, bought: FloatArray) -> FloatArray:
        """Return what comes back by use: new scrap to the uses that leave it, the rest to all."""
        back = np.zeros_like(bought)
        lossy = bought[self.lossy]
        scrap, old = (arrays[n][:, self.elements, self.year].sum(axis=0) for n in _RECYCLED)
        back[self.lossy] = lossy * _share(scrap, lossy.sum(axis=0))
        if self.basis == "primary":
            back += bought * _share(old, bought.sum(axis=0))
        return back

    def _at(self, arrays: Arrays, name: str, bloc: int) -> FloatArray:
        return np.asarray(arrays[name][bloc, self.elements, self.year].sum(axis=0))

    def _world(self, arrays: Arrays, *names: str) -> FloatArray:
        return sum(
            (arrays[n][:, self.elements, self.year].sum(axis=(0, 1)) for n in names), np.zeros(1)
        )


_RECYCLED = ("recycled_new_scrap", "recycled_end_of_life")


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0)


def compile_claims(scenario: Scenario) -> tuple[Claim, ...]:
    """
    Compile the targets of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Its targets; those of a year or element outside the run are left out.

    Returns
    -------
    tuple of Claim

    Raises
    ------
    ScenarioError
        If a target names an unknown sector.
    """
    return tuple(
        _compile(scenario, row)
        for row in scenario.rows("targets")
        if row.year in scenario.years and row.element in ("", *scenario.elements)
    )


def _compile(scenario: Scenario, row: Any) -> Claim:
    uses = scenario.rows("end_uses")
    sectors = {use.sector for use in uses}
    for sector in row.sectors:
        if sector not in sectors:
            msg = (
                f"targets.{row.claim}.{row.reading}, column sectors: found {sector!r}; "
                f"{nearest(sector, sorted(sectors))}"
            )
            raise ScenarioError(msg)
    pair = [scenario.elements[i] for i in scenario.heavy]
    elements = [row.element] if row.element else pair
    chosen = [i for i, use in enumerate(uses) if not row.sectors or use.sector in row.sectors]
    return Claim(
        f"{row.claim}.{row.reading}",
        row.quantity,
        scenario.years.index(row.year),
        np.array([scenario.elements.index(e) for e in elements], dtype=np.intp),
        np.array(chosen, dtype=np.intp),
        np.array([use.process_loss for use in uses], dtype=np.bool_),
        row.place == "ex_china",
        row.need,
        row.basis,
        row.unit,
    )
