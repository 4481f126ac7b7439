"""
Executors of worker processes beside threads, and the bytes that travel.

    pip install -e ".[cluster]"              (Dask and loky; what is missing is left out)
    python benchmarks/executors.py           (a few minutes; --draws, --repeats, --workers)

One plan, ``keep=()``, in turns within one process, so that a busy moment of the machine does not
hit one executor alone; each has run once before it is timed, and the numbers are compared to the
bit. Processor time is that of this process and of all the processes that it started.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import multiprocessing
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

import reesupply as rs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from reesupply.engine.plan import Plan

DRAWS, REPEATS, WORKERS = 100_000, 3, 2
THREADS, PROCESSES, LOKY = "threads", "processes", "loky"
DASK, DASK_KEPT = "dask", "dask-keeping-memory"
#: Dask lets its environment on to what is started later, so it comes last.
ALL = (THREADS, PROCESSES, LOKY, DASK, DASK_KEPT)
NEEDS = {LOKY: "loky", DASK: "distributed", DASK_KEPT: "distributed"}
#: Dask has its workers give memory back at once, and they ask for it again in every lane.
KEEP_MEMORY = {
    f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": 2**30
    for name in ("TRIM", "MMAP")
}


@dataclasses.dataclass(frozen=True)
class Sample:
    """
    One run.

    Attributes
    ----------
    wall, cpu : float
        Elapsed seconds, and processor seconds of all processes.
    here : float
        Processor seconds of the process that calls.
    units, sent, received : int
        Units of work and bytes, 0 for threads.
    """

    wall: float
    cpu: float
    here: float
    units: int
    sent: int
    received: int


def opened(stack: ExitStack, what: str, workers: int) -> Executor | None:
    """Open an executor with so many workers; None stands for threads of this process."""
    if what == PROCESSES:
        context = multiprocessing.get_context("spawn")
        return stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
    if what == LOKY:
        from loky import get_reusable_executor  # noqa: PLC0415

        found = get_reusable_executor(max_workers=workers, timeout=600)
        stack.callback(found.shutdown)
        pool: Executor = found
        return pool
    if what in (DASK, DASK_KEPT):
        import dask  # noqa: PLC0415
        import distributed  # noqa: PLC0415

        options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": ":0"}
        with dask.config.set(KEEP_MEMORY if what == DASK_KEPT else {}):
            cluster = stack.enter_context(distributed.LocalCluster(processes=True, **options))
        client = stack.enter_context(distributed.Client(cluster))
        executor: Executor = client.get_executor()
        return executor
    return None


def processor_seconds() -> float:
    """Return the processor seconds of the processes that this one started."""
    if importlib.util.find_spec("psutil") is None:
        return 0.0
    import psutil  # noqa: PLC0415

    total = 0.0
    for child in psutil.Process().children(recursive=True):
        times = child.cpu_times()
        total += times.user + times.system
    return total


def run(plan: Plan, draws: int, workers: int, executor: Executor | None) -> tuple[Sample, Any]:
    """Time one run; return also the sums that are compared."""
    wall, here, there = time.perf_counter(), time.process_time(), processor_seconds()
    result = rs.simulate(plan, draws=draws, rng=1, keep=(), workers=workers, executor=executor)
    wall, here = time.perf_counter() - wall, time.process_time() - here
    there = processor_seconds() - there
    traffic = result.traffic
    counts = (traffic.units, traffic.sent, traffic.received) if traffic else (0, 0, 0)
    return Sample(wall, here + there, here, *counts), result.moments.sums["balance"]


def measure(
    draws: int, repeats: int, workers: int, executors: Sequence[str]
) -> dict[str, list[Sample]]:
    """
    Measure every executor, the repetitions in turns.

    Parameters
    ----------
    draws, repeats, workers : int
        Draws of a run, runs of each executor, its workers.
    executors : sequence of str
        Of `ALL`, threads first.

    Returns
    -------
    dict of str to list of Sample

    Raises
    ------
    ValueError
        If an executor gives other numbers than threads.
    """
    plan = rs.compile("baseline")
    samples: dict[str, list[Sample]] = {what: [] for what in executors}
    with ExitStack() as stack:
        pools = {}
        for what in executors:
            pools[what] = opened(stack, what, workers)
            run(plan, 8 * 1_024, workers, pools[what])  # loads the workers
        expected = None
        for _ in range(repeats):
            for what, pool in pools.items():
                sample, sums = run(plan, draws, workers, pool)
                samples[what].append(sample)
                expected = sums if expected is None else expected
                if not np.array_equal(sums, expected):
                    msg = f"{what}: found other numbers than {THREADS}"
                    raise ValueError(msg)
                print(f"{what}: {sample.wall:.1f} s", file=sys.stderr, flush=True)
    return samples


def table(samples: dict[str, list[Sample]], draws: int) -> str:
    """Return a Markdown table: ratios to the first line's executor, of each pair, in medians."""
    base = next(iter(samples.values()))
    head = "executor | draws | wall by threads' (range) | CPU by threads' (range) | wall s | CPU s"
    head += " | CPU s here | units | bytes sent | bytes back a unit"
    lines = [f"| {head} |", "| :-- |" + " --: |" * head.count("|")]
    for what, found in samples.items():
        walls = [one.wall / other.wall for one, other in zip(found, base, strict=True)]
        cpus = [one.cpu / other.cpu for one, other in zip(found, base, strict=True)]
        last = found[-1]
        cells = [
            what,
            f"{draws:,}",
            f"{median(walls):.2f} ({min(walls):.2f} to {max(walls):.2f})",
            f"{median(cpus):.2f} ({min(cpus):.2f} to {max(cpus):.2f})",
            f"{median(each.wall for each in found):.1f}",
            f"{median(each.cpu for each in found):.1f}",
            f"{median(each.here for each in found):.2f}",
            f"{last.units:,}" if last.units else "",
            f"{last.sent:,}" if last.units else "",
            f"{last.received // last.units:,}" if last.units else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--executors", nargs="+", choices=ALL[1:], default=ALL)
    options = parser.parse_args(arguments)
    if min(options.draws, options.repeats, options.workers) < 1:
        parser.error("--draws, --repeats and --workers must be at least 1")
    there = [
        what
        for what in ALL
        if what in (THREADS, *options.executors)
        and (what not in NEEDS or importlib.util.find_spec(NEEDS[what]) is not None)
    ]
    names = ["numpy", "reesupply", *dict.fromkeys(NEEDS[what] for what in there if what in NEEDS)]
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"{datetime.now(UTC):%Y-%m-%d}; {machine}, {versions}; {options.workers} workers")
    print(table(measure(options.draws, options.repeats, options.workers, there), options.draws))
    return 0


if __name__ == "__main__":
    sys.exit(main())
