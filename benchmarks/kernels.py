"""
The hot kernels of a lane, each alone, on the arrays that the baseline gives them.

    pip install -e ".[test,bench]"
    pytest benchmarks/kernels.py --benchmark-timer=time.process_time

What a kernel gets is caught while one lane of the baseline runs, so shapes and values are those of
a run. How to compare two commits is in the README beside this file. The default test run does not
time anything: it only calls each kernel once.
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import reesupply as rs
from reesupply.engine import goods, inputs, recycling
from reesupply.engine.histograms import Histograms
from reesupply.engine.joint import Joint
from reesupply.engine.network import NetworkPlan
from reesupply.engine.paths import Paths
from reesupply.engine.quantiles import Quantiles
from reesupply.engine.ramps import Ramps
from reesupply.engine.statistics import CLAIMS, measure, with_sums
from reesupply.engine.streamed import Streamed
from reesupply.engine.variables import VARIABLES
from reesupply.engine.workspace import Workspace
from reesupply.models.stocks import Weibull, leaving_share, outflow
from reesupply.sampling import LANE, Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from reesupply.engine.plan import Plan

    Call = Callable[[], object]

#: Kernels that are caught: where their callers find them, and by which name.
CAUGHT: dict[str, tuple[Any, str]] = {
    "normal numbers of all inputs": (inputs, "_normals"),
    "quantile functions of all cells": (Quantiles, "__call__"),
    "paths along anchor years": (Paths, "run"),
    "ramp averages": (Ramps, "run"),
    "refine": (NetworkPlan, "refine"),
    "Weibull shares of all end uses": (goods, "surviving_share"),
    "goods in use": (goods.GoodsPlan, "run"),
    "sums over end uses by place": (recycling, "by_place"),
}
#: Years of goods in `outflow of one good`: those of a forecast and of the past that still matters.
GOODS_YEARS = 36


@dataclasses.dataclass(frozen=True)
class Lane:
    """One lane of the baseline after its run, and the largest call of each kernel within it."""

    plan: Plan
    uniforms: npt.NDArray[np.float64]
    arrays: Workspace
    caught: dict[str, Call]


def one_lane() -> Lane:
    """Run a lane and catch what the kernels are given."""
    plan = rs.compile("baseline")
    sampler = Sampler(1, plan.inputs.names)
    uniforms = sampler.lane(0, np.empty((len(plan.inputs.names), LANE)))
    calls: dict[str, tuple[int, Call]] = {}
    with ExitStack() as stack:
        for what, (owner, name) in CAUGHT.items():
            watch = _watching(getattr(owner, name), what, calls)
            stack.enter_context(patch.object(owner, name, watch))
        arrays = plan.run_lane(uniforms)
    return Lane(plan, uniforms, arrays, {what: call for what, (_, call) in calls.items()})


def _watching(
    kernel: Callable[..., Any], what: str, calls: dict[str, tuple[int, Call]]
) -> Callable[..., Any]:
    """Return a kernel that remembers the call with most numbers, as they were before it."""

    @wraps(kernel)
    def watched(*given: Any, **named: Any) -> Any:
        numbers = sum(x.size for x in (*given, *named.values()) if isinstance(x, np.ndarray))
        if what not in calls or numbers > calls[what][0]:
            own = [x.copy() if isinstance(x, np.ndarray) else x for x in given]
            calls[what] = numbers, partial(kernel, *own, **named)
        return kernel(*given, **named)

    return watched


# -- kernels that are put together here -------------------------------------------------------


def one_outflow(lane: Lane) -> Call:
    """Outflow of a good with a lifetime drawn in each draw: the public kernel."""
    rng = np.random.default_rng(1)
    life = Weibull(rng.uniform(10.0, 20.0, LANE), rng.uniform(2.0, 5.0, LANE))
    inflow = rng.uniform(1.0, 2.0, (GOODS_YEARS, lane.uniforms.shape[1]))
    return lambda: outflow(inflow, life)


def one_kernel(lane: Lane) -> Call:
    """Share that leaves by age, of a good with a lifetime drawn in each draw."""
    rng = np.random.default_rng(1)
    draws = lane.uniforms.shape[1]
    life = Weibull(rng.uniform(10.0, 20.0, draws), rng.uniform(2.0, 5.0, draws))
    return lambda: leaving_share(life, GOODS_YEARS)


def _cells(lane: Lane) -> dict[str, npt.NDArray[np.float64]]:
    """Return every variable and the claims as (cell, draw), sums over the heavy pair included."""
    wholes = {n: with_sums(n, lane.arrays[n], lane.plan.heavy) for n in (*VARIABLES, CLAIMS)}
    return {name: whole.reshape(-1, LANE) for name, whole in wholes.items()}


def moments(lane: Lane) -> Call:
    """Sum every cell and its square."""
    cells, ones = _cells(lane), np.ones(LANE)
    pieces = Streamed(lane.plan, lane.plan.layout).pieces
    return lambda: [measure(each, ones, pieces[name]) for name, each in cells.items()]


def histograms(lane: Lane) -> Call:
    """Count the cells that have a histogram."""
    layout, lanes = lane.plan.layout, count()
    picked = np.empty((layout.low.size, LANE))
    for name, cells in _cells(lane).items():
        layout.pick(name, cells, picked)
    gathered = Histograms(layout)
    return lambda: gathered.add_lane(next(lanes), picked)


def joint(lane: Lane) -> Call:
    """Deficits over the years, and claims with each other."""
    gathered, lanes, ones = Joint.of_plan(lane.plan), count(), np.ones(LANE)
    balance = with_sums("balance", lane.arrays["balance"], lane.plan.heavy)
    demand = with_sums("demand", lane.arrays["demand"], lane.plan.heavy)[-1]
    claims = lane.arrays[CLAIMS]
    return lambda: gathered.add_lane(next(lanes), balance, demand, claims, ones)


def statistics(lane: Lane) -> Call:
    """Return all that a lane is asked for, in the way of a run."""
    streamed, lanes = Streamed(lane.plan, lane.plan.layout), count()
    return lambda: streamed.add_lane(next(lanes), lane.arrays, LANE)


def whole_lane(lane: Lane) -> Call:
    """Run the chain of models on one lane of 1,024 draws, its random numbers given."""
    workspace = Workspace()
    return lambda: lane.plan.run_lane(lane.uniforms, workspace=workspace)


def sampled(design: Any) -> Callable[[Lane], Call]:
    """Uniform numbers of a lane by a design, every time of another lane."""

    def made(lane: Lane) -> Call:
        sampler = Sampler(1, lane.plan.inputs.names, design, lane.plan.dimensions)
        lanes, out = count(), np.empty_like(lane.uniforms)
        return lambda: sampler.lane(next(lanes), out)

    return made


MADE: dict[str, Callable[[Lane], Call]] = {
    "leaving shares of one good": one_kernel,
    "outflow of one good": one_outflow,
    "moments of all cells": moments,
    "histograms": histograms,
    "deficits and claims": joint,
    "all statistics of a lane": statistics,
    "uniform numbers, design random": sampled("random"),
    "uniform numbers, design lhs": sampled("lhs"),
    "uniform numbers, design sobol": sampled("sobol"),
    "one lane of the baseline": whole_lane,
}
NAMES = (*CAUGHT, *MADE)


@contextmanager
def kernel(lane: Lane, name: str) -> Iterator[Call]:
    """Give the call of a kernel by name, with one BLAS thread as in a run."""
    with threadpool_limits(1, "blas"):
        yield lane.caught[name] if name in CAUGHT else MADE[name](lane)


@pytest.fixture(scope="module")
def lane() -> Lane:
    """Return the lane whose arrays all kernels share."""
    return one_lane()


@pytest.mark.parametrize("name", NAMES)
def test_kernel(benchmark: Any, lane: Lane, name: str) -> None:
    """Time one kernel on a lane of 1,024 draws."""
    with kernel(lane, name) as call:
        benchmark(call)
