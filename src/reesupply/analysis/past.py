"""The past of a run: what its cohorts of goods in use say of the years before the base year."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reesupply.distributions import Distribution
from reesupply.engine.history import PastPlan, compile_past
from reesupply.errors import ReesupplyError
from reesupply.models.stocks import Weibull, leaving_share, outflow

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.result import Result
    from reesupply.scenario import Scenario
    from reesupply.scenario.cells import Value

    FloatArray = npt.NDArray[np.float64]

#: Recycled oxide by where it comes from.
RECYCLED = ("recycled_new_scrap", "recycled_end_of_life")


@dataclass(frozen=True, eq=False)
class Past:
    """
    The past of a run, on its own axis of years.

    Attributes
    ----------
    result : Result
        A run that kept the variables asked for, and its inputs where they are drawn.
    years : tuple of int
        From the first cohort to the base year.
    index : ndarray, shape (end_use, year, draw)
        Inflow over that of the base year, error of history included; 1 in the base year.
    """

    result: Result

    @property
    def scenario(self) -> Scenario:
        """Scenario of the run."""
        return self.result.plan.scenario

    @cached_property
    def _plan(self) -> PastPlan:
        return compile_past(self.scenario)

    @cached_property
    def years(self) -> tuple[int, ...]:
        """From the first cohort to the base year."""
        return (*self._plan.years.tolist(), self.result.plan.years[0])

    @cached_property
    def index(self) -> FloatArray:
        """Inflow over that of the base year, (end_use, year, draw)."""
        for name in ("end_use.demand", "base_year_factor"):
            self._check_kept(name)
        arrays, pair = self.result.arrays, list(self.result.plan.heavy)
        bottom_up = arrays["end_use.demand"][:, pair, 0] / arrays["base_year_factor"][pair]
        weight = np.where(self._scaled[:, np.newaxis], bottom_up.sum(axis=1), 0.0)
        scale = self._drawn("anchors.history-scale.value", self._anchor("history-scale"))
        index = np.stack(self._plan.index(weight, scale))
        return np.concatenate([index, np.ones_like(index[:, :1])], axis=1)

    def flow(self, name: str, uses: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """
        Sum a flow over end uses, year by year of the past.

        Parameters
        ----------
        name : str
            "end_use.demand" or "end_use.contained".
        uses : ndarray of bool, shape (end_use,), optional
            Which end uses; all when None. Stores have no past.

        Returns
        -------
        ndarray, shape (element, year, draw)
            [t oxide/yr]

        Raises
        ------
        ReesupplyError
            If the draws were not kept.
        """
        self._check_kept(name)
        chosen = self._scaled if uses is None else self._scaled & uses
        base = self.result.arrays[name][chosen, :, 0]
        return np.asarray(np.einsum("ued,utd->etd", base, self.index[chosen]))

    def element(self, flow: FloatArray, label: str) -> FloatArray:
        """
        Take an element of a flow, or the sum over the pair.

        Parameters
        ----------
        flow : ndarray, shape (element, year, draw)
            Of `flow`.
        label : str
            An element, or "Dy+Tb".

        Returns
        -------
        ndarray, shape (year, draw)
        """
        plan = self.result.plan
        if label == self.result.all_elements:
            return np.asarray(flow[list(plan.heavy)].sum(axis=0))
        return np.asarray(flow[plan.elements.index(label)])

    def recycled(self) -> FloatArray:
        """
        Oxide of the pair that came back, with the recovered shares of the base year.

        Process scrap follows purchases; the end of life follows what left use by the drawn
        lifetimes, of those uses from which anything is collected.

        Returns
        -------
        ndarray, shape (year, draw)
            [t oxide/yr]

        Raises
        ------
        ReesupplyError
            If the draws were not kept.
        """
        whole, base = self.result.all_elements, self.years[-1]
        makes_scrap = np.array([row.process_loss for row in self.scenario.rows("end_uses")])
        bought = self.element(self.flow("end_use.demand", makes_scrap), whole)
        retired = self._retired()
        new, old = (
            self.result.values(name, element=whole, bloc="world", year=base) for name in RECYCLED
        )
        return np.asarray(new * _over_last(bought) + old * _over_last(retired))

    def _retired(self) -> FloatArray:
        """Oxide of the pair that leaves use where something is collected, (year, draw)."""
        rows = self.scenario.rows("recycling")
        collected = {r.end_use for r in rows if r.parameter == "collection" and r.value != 0.0}
        lives = {row.end_use: row for row in self.scenario.rows("lifetimes")}
        total = np.zeros(self.index.shape[1:])
        for place, use in enumerate(self.result.plan.end_uses):
            if use not in collected or not self._scaled[place]:
                continue
            life = lives[use]
            mean, shape = (
                self._drawn(f"lifetimes.{use}.{name}", value)
                for name, value in (("mean", life.mean), ("shape", life.shape))
            )
            only = np.arange(len(self._scaled)) == place
            inflow = self.element(self.flow("end_use.contained", only), self.result.all_elements)
            total += outflow(inflow, leaving_share(Weibull.from_mean(mean, shape), len(self.years)))
        return total

    @cached_property
    def _scaled(self) -> npt.NDArray[np.bool_]:
        return np.array([not row.stored for row in self.scenario.rows("end_uses")])

    def _check_kept(self, name: str) -> None:
        if name not in self.result.arrays:
            msg = f"the draws of {name!r} were not kept; simulate with keep=({name!r}, 'inputs')"
            raise ReesupplyError(msg)

    def _anchor(self, name: str) -> Value:
        value: Value = next(row.value for row in self.scenario.rows("anchors") if row.id == name)
        return value

    def _drawn(self, name: str, value: Value) -> FloatArray:
        """Return an input in all draws, (draw,)."""
        if isinstance(value, Distribution):
            return self.result.values(name)
        return np.full(self.result.draws, float(value))


def _over_last(flow: FloatArray) -> FloatArray:
    """Return a flow (year, draw) over that of its last year; 0 where that is none."""
    return np.asarray(np.divide(flow, flow[-1], out=np.zeros_like(flow), where=flow[-1] > 0.0))
