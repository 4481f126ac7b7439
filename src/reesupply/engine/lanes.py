"""Run a range of lanes and bring back what was asked for; the unit of work of any executor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

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
    with _ONE_BLAS_THREAD, workspace_of(plan, kernels, np.dtype(job.dtype)) as workspace:
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


class _OneBlasThread:
    """
    One BLAS thread per worker, since more would fight over the cores, and other bits.

    The limit is the process's, so the first worker sets it and the last one lifts it; a limit per
    worker would be lifted under the others, and restored to another's limit.
    """

    def __init__(self) -> None:
        self._lock, self._workers = Lock(), 0
        self._before: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._workers == 0:
                self._before = [(each, each.num_threads) for each in _blas()]
                for library, _ in self._before:
                    _set_threads(library, 1)
            self._workers += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._workers -= 1
            if self._workers == 0:
                for library, number in self._before:
                    _set_threads(library, number)


_ONE_BLAS_THREAD = _OneBlasThread()


def _set_threads(library: Any, number: int) -> None:
    # recent versions of threadpoolctl pass over what a thread sets while another one that did is
    # alive, but whoever lifts the limit is seldom the worker that set it
    getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


@lru_cache(maxsize=1)
def _blas() -> tuple[Any, ...]:
    """Return the controllers of the BLAS libraries of the process."""
    from threadpoolctl import ThreadpoolController

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
