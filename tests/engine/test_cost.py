"""What a run costs: no Python time per draw, and no more a draw in a long run than in a short."""

from __future__ import annotations

import cProfile
import pstats
import time

import numpy as np

import reesupply as rs
from reesupply.sampling import LANE, Sampler


def calls_of(plan: rs.Plan, draws: int) -> int:
    """Count the calls of Python and C functions that the models make for some draws of a lane."""
    uniforms = Sampler(1, plan.inputs.names).lane(0, np.empty((len(plan.inputs.names), LANE)))
    profile = cProfile.Profile()
    profile.runcall(plan.run_lane, uniforms[:, :draws].copy())
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


def test_no_python_time_per_draw() -> None:
    """Eight times the draws are the same calls but for some more blocks."""
    plan = rs.compile()
    calls_of(plan, LANE // 8)
    assert calls_of(plan, LANE) < 1.2 * calls_of(plan, LANE // 8)


def test_a_draw_costs_the_same_in_a_long_run() -> None:
    """Ten times the draws take at most about ten times the processor time."""
    plan = rs.compile()
    rs.simulate(plan, draws=LANE, rng=1, keep=())  # the layout of histograms is made once
    seconds = []
    for lanes in (2, 20):
        start = time.process_time()
        rs.simulate(plan, draws=lanes * LANE, rng=1, keep=(), workers=1)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 15.0 * seconds[0]
