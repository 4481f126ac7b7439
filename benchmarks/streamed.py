"""
Processor time of the streamed statistics, lane by lane, beside that of the model.

    python benchmarks/streamed.py            (ten seconds; 32 lanes of the baseline)

Each lane is computed by the model and then gathered, so the statistics find its memory as in a run.
Medians over the lanes of processor time, which other programs on the machine disturb less than the
clock; the ratios are what to read. What is measured, and how to read it, is in the README.
"""

from __future__ import annotations

import argparse
import dataclasses
import pickle
import sys
import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

import reesupply as rs
from reesupply.engine.histograms import Histograms
from reesupply.engine.joint import Joint
from reesupply.engine.statistics import CLAIMS, measure, with_sums
from reesupply.engine.streamed import Streamed
from reesupply.engine.variables import VARIABLES
from reesupply.sampling import LANE, Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LANES = 32
#: Lanes of a unit of work.
UNIT = 8


@dataclasses.dataclass
class Clock:
    """Processor seconds by name, one number for each time."""

    seconds: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is inside."""
        started = time.process_time()
        yield
        self.seconds.setdefault(name, []).append(time.process_time() - started)


def run(lanes: int = LANES) -> dict[str, float]:
    """
    Time the parts of a lane.

    Parameters
    ----------
    lanes : int
        How many, each of 1,024 draws of the baseline.

    Returns
    -------
    dict of str to float
        Median milliseconds by lane: ``model``; ``statistics``, all together right after it; then
        parts by themselves: ``moments``, ``histograms``, ``joint``; and for comparison ``read``,
        the largest number of every variable, and ``sort``, the draws that have a histogram in
        order. ``kib``: the statistics of a unit of eight lanes, in KiB of memory.
    """
    plan, clock = rs.compile("baseline"), Clock()
    streamed, unit = Streamed(plan, plan.layout), Streamed(plan, plan.layout)
    histograms, joint = Histograms(plan.layout), Joint.of_plan(plan)
    sampler = Sampler(1, plan.inputs.names, "random", plan.dimensions)
    uniforms = np.empty((len(plan.inputs.names), LANE))
    ones, picked = np.ones(LANE), np.empty((plan.layout.low.size, LANE))
    with threadpool_limits(1, "blas"):
        for lane in range(lanes):
            with clock("model"):
                arrays = plan.run_lane(sampler.lane(lane, uniforms))
            with clock("statistics"):
                streamed.add_lane(lane, arrays, LANE)
            if lane < UNIT:
                unit.add_lane(lane, arrays, LANE)
            sums = {n: with_sums(n, arrays[n], plan.heavy) for n in (*VARIABLES, CLAIMS)}
            flat = {name: whole.reshape(-1, LANE) for name, whole in sums.items()}
            for name, cells in flat.items():
                plan.layout.pick(name, cells, picked)
            with clock("moments"):
                for name, cells in flat.items():
                    measure(cells, ones, streamed.pieces[name])
            with clock("histograms"):
                histograms.add_lane(lane, picked)
            with clock("joint"):
                joint.add_lane(lane, sums["balance"], sums["demand"][-1], arrays[CLAIMS], ones)
            with clock("read"):
                for cells in flat.values():
                    cells.max()
            with clock("sort"):
                np.sort(picked, axis=1)
    milliseconds = {name: 1e3 * median(each) for name, each in clock.seconds.items()}
    return milliseconds | {"kib": len(pickle.dumps(unit)) / 1024.0}


def table(found: dict[str, float]) -> str:
    """Set the result of `run` in a table."""
    lines = [
        "| what | CPU ms a lane | us a draw | share of the model |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {ms:.2f} | {1e3 * ms / LANE:.2f} | {ms / found['model']:.1%} |"
        for name, ms in found.items()
        if name != "kib"
    ]
    lines.append(f"\nStatistics of {UNIT} lanes together take {found['kib']:,.0f} KiB of memory.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description="Time of the streamed statistics.")
    parser.add_argument("--lanes", type=int, default=LANES)
    lanes: int = parser.parse_args(arguments).lanes
    if lanes < 1:
        parser.error(f"--lanes: found {lanes}, allowed is an integer from 1")
    print(table(run(lanes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
