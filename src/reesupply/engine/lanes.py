"""Run a range of lanes and bring back what was asked for; the unit of work of any executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.engine.clock import Clock
from reesupply.engine.kernels import kernels_of
from reesupply.engine.streamed import Streamed
from reesupply.engine.workspace import workspace_of
from reesupply.sampling import LANE, Design, Sampler

if TYPE_CHECKING:
    from threading import Event

    import numpy.typing as npt

    from reesupply.engine.layout import Layout
    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Job:
    """What every lane of a run has in common."""

    entropy: int
    design: Design
    draws: int
    keep: tuple[str, ...]
    input_rows: tuple[int, ...]
    layout: Layout
    grouped: tuple[int, ...] = ()
    kernels: str = "numpy"
    dtype: str = "float64"


@dataclass(slots=True)
class Part:
    """
    Result of consecutive lanes.

    Attributes
    ----------
    first : int
        Number of the first draw.
    lanes : int
        How many lanes it has.
    arrays : dict of str to ndarray
        Kept draws by name.
    streamed : Streamed
        Statistics of all the lanes.
    seconds : dict of str to float
        Time of each stage.
    """

    first: int
    lanes: int
    arrays: dict[str, FloatArray]
    streamed: Streamed
    seconds: dict[str, float]


def run_lanes(plan: Plan, job: Job, lanes: range, stop: Event | None = None) -> Part:
    """
    Run consecutive lanes of a plan.

    Parameters
    ----------
    plan : Plan
        Compiled scenario.
    job : Job
        Seed, design, number of draws, what keeps its draws, which kernels and precision.
    lanes : range
        Lanes to run, in order.
    stop : Event, optional
        Where it is set, no further lane is begun: the part is then one that nobody wants.

    Returns
    -------
    Part
    """
    clock = Clock()
    sampler = Sampler(job.entropy, plan.inputs.names, job.design, plan.dimensions)
    uniforms = np.empty((len(plan.inputs.names), LANE))
    streamed = Streamed(plan, job.layout, grouped=job.grouped)
    kept: dict[str, list[FloatArray]] = {name: [] for name in job.keep}
    kernels = kernels_of(job.kernels)
    with ONE_BLAS_THREAD, workspace_of(plan, kernels, np.dtype(job.dtype)) as workspace:
        for lane in lanes:
            if stop is not None and stop.is_set():
                break
            clock.start()
            sampler.lane(lane, uniforms)
            clock.lap("random numbers")
            arrays = plan.run_lane(uniforms, clock, workspace, job.input_rows)
            draws = min(LANE, job.draws - lane * LANE)
            streamed.add_lane(lane, arrays, draws, counter=kernels.count)
            clock.lap("statistics")
            for name, pieces in kept.items():
                pieces.append(arrays[name][..., :draws].copy())
            clock.lap("kept draws")
    whole = {name: np.concatenate(pieces, axis=-1) for name, pieces in kept.items() if pieces}
    return Part(lanes.start * LANE, len(lanes), whole, streamed, clock.seconds)
