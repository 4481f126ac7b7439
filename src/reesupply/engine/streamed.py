"""Everything that is gathered of a run without keeping its draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.histograms import Histograms, count
from reesupply.engine.joint import Joint
from reesupply.engine.precision import Groups
from reesupply.engine.statistics import CLAIMS, Moments, measure, with_sums
from reesupply.engine.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from reesupply.engine.histograms import Counter
    from reesupply.engine.layout import Layout
    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]


class Streamed:
    """
    Moments, histograms and joint statistics of the lanes that were added.

    Lanes and other objects like this can be added in any order and grouping: the bits are the same.

    Parameters
    ----------
    plan : Plan
        Compiled scenario.
    layout : Layout
        What has a histogram.
    grouped : sequence of int
        Which histograms are also counted by group of lanes.
    weighted : bool
        Whether draws have weights; these should be about 1 in the mean.

    Attributes
    ----------
    pieces : dict of str to list of slice
        How the cells of each variable are measured; see `live_pieces`.
    moments : Moments
        Mean and standard deviation of every variable and claim.
    histograms : Histograms
        Quantiles and probabilities of the cells of the layout.
    joint : Joint
        Deficits over the years, and claims with each other.
    groups : Groups
        Counts by group of lanes.
    """

    def __init__(
        self, plan: Plan, layout: Layout, *, grouped: Sequence[int] = (), weighted: bool = False
    ) -> None:
        self._heavy, self._shapes, self.pieces = plan.heavy, plan.shapes, plan.pieces
        self.moments = Moments(self._shapes)
        self.histograms = Histograms(layout, weighted=weighted)
        self.joint = Joint.of_plan(plan)
        self.groups = Groups(layout, np.array(grouped, dtype=np.int64))

    def add_lane(
        self,
        lane: int,
        arrays: Mapping[str, FloatArray],
        draws: int,
        weights: FloatArray | None = None,
        counter: Counter = count,
    ) -> None:
        """
        Add a lane.

        Parameters
        ----------
        lane : int
            Its number; each lane is added once.
        arrays : mapping of str to ndarray
            What `Plan.run_lane` returns.
        draws : int
            How many of its draws count; the first ones.
        weights : ndarray, shape (draws,), optional
            Non-negative; 1 each where there are none.
        counter : callable
            Counts in histograms; see `Kernels`.
        """
        ones = np.ones(draws) if weights is None else weights
        layout = self.histograms.layout
        picked = np.empty((layout.low.size, draws))
        # memory for one variable at a time, which stays in the cache
        largest = max(int(np.prod(self._shapes[name])) for name in VARIABLES)
        room = np.empty(largest * arrays["balance"].shape[-1])
        measured = {}
        for name in (*VARIABLES, CLAIMS):
            whole = with_sums(name, arrays[name], self._heavy, room)
            cells = whole.reshape(-1, whole.shape[-1])[:, :draws]
            measured[name] = measure(cells, ones, self.pieces[name])
            layout.pick(name, cells, picked)
        dtype = arrays["balance"].dtype
        if dtype == np.float32:
            layout.snap(picked)
        self.moments.add_lane(lane, ones, measured)
        self.histograms.add_lane(lane, picked, weights, counter)
        self.groups.add_lane(lane, picked)
        balance = with_sums("balance", arrays["balance"], self._heavy)[..., :draws]
        demand = with_sums("demand", arrays["demand"], self._heavy, room)[-1, ..., :draws]
        self.joint.add_lane(lane, balance, demand, arrays[CLAIMS][:, :draws], ones, dtype)

    def add(self, other: Streamed) -> None:
        """Add other lanes; the order does not matter."""
        self.moments.add(other.moments)
        self.histograms.add(other.histograms)
        self.joint.add(other.joint)
        self.groups.add(other.groups)
