"""The parts of a whole run of all benchmarks: each gives plain numbers, ready for JSON."""

# Each part has its own process and loads only what it measures, hence imports inside functions.
# ruff: noqa: PLC0415

from __future__ import annotations

import dataclasses
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
LANE = 1_024


@dataclasses.dataclass(frozen=True)
class Sizes:
    """
    How much of everything.

    Attributes
    ----------
    draws, workers : tuple of int
        Sizes of the whole call, and threads.
    repeats, small_calls : int
        Repetitions of most parts, and of the warm small call.
    curve_draws, long_draws : int
        Draws of the runs whose memory is watched, on threads and on processes.
    lanes : int
        Lanes of 1,024 draws of the profile, the streamed statistics and the growth.
    executor_draws, stock_draws : int
        Draws of a run on an executor, and of the stock model.
    limit : float
        Share of the draws of the reference job.
    seconds : float
        Longest time of one kernel.
    executors : tuple of str
        Which, beside threads.
    """

    draws: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    workers: tuple[int, ...] = (1, 2)
    repeats: int = 3
    small_calls: int = 20
    curve_draws: int = 2_000_000
    long_draws: int = 100_000_000
    lanes: int = 32
    executor_draws: int = 100_000
    stock_draws: int = 100_000
    limit: float = 1.0
    seconds: float = 1.0
    executors: tuple[str, ...] = ("processes", "loky", "dask", "dask-keeping-memory")

    @classmethod
    def of_text(cls, text: str) -> Sizes:
        """Read what `json.dumps(dataclasses.asdict(sizes))` wrote."""
        given: dict[str, Any] = json.loads(text)
        for name, value in given.items():
            given[name] = tuple(value) if isinstance(value, list) else value
        return cls(**given)


SIZES = {
    "full": Sizes(),
    "quick": Sizes(
        draws=(10_000, 100_000), repeats=1, small_calls=10, curve_draws=100_000, lanes=8,
        long_draws=200_000, executor_draws=40_000, stock_draws=20_000, limit=0.1, seconds=0.2,
        executors=("processes",),
    ),
    # to see that all of it works; the numbers say little
    "tiny": Sizes(
        draws=(1_024,), workers=(1, 2), repeats=1, small_calls=1, curve_draws=5_000, lanes=1,
        long_draws=5_000, executor_draws=3_000, stock_draws=300, limit=0.005, seconds=0.002,
        executors=("processes",),
    ),
}  # fmt: skip


def baseline(sizes: Sizes) -> dict[str, Any]:
    """Measure the whole call beside the floor of random numbers, small calls and imports."""
    from benchmarks import run

    runs = run.measure_runs(sizes.draws, sizes.workers, sizes.repeats)
    ratios = run.measure_ratios(sizes.repeats)
    return {
        "runs": [dataclasses.asdict(each) for each in runs],
        "ratios": [dataclasses.asdict(each) for each in ratios],
    }


def profile(sizes: Sizes) -> dict[str, Any]:
    """Measure seconds by stage of a long run and of the warm small call, one thread each."""
    import reesupply as rs
    from benchmarks.run import SMALL_DRAWS

    plan = rs.compile("baseline")

    def timed(draws: int, keep: tuple[str, ...] | None) -> dict[str, Any]:
        wall, cpu = time.perf_counter(), time.process_time()
        result = rs.simulate(plan, draws=draws, rng=1, keep=keep, workers=1, profile=True)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"draws": draws, "wall": wall, "cpu": cpu, "stages": result.profile}

    timed(LANE, ())  # tables, the layout of histograms, memory
    long = timed(sizes.lanes * LANE, ())
    timed(SMALL_DRAWS, None)
    calls = [timed(SMALL_DRAWS, None) for _ in range(sizes.small_calls)]
    middle = sorted(calls, key=lambda call: call["cpu"])[len(calls) // 2]
    return {"long": long, "small": middle, "writing": _writing(plan, sizes.small_calls)}


def _writing(plan: Any, repeats: int) -> dict[str, float]:
    """Time the filling of a lane's arrays with a constant: less no model can do that keeps them."""
    import numpy as np

    arrays = plan.run_lane(np.full((len(plan.inputs.names), LANE), 0.5))
    written = [each for each in arrays.values() if each.flags.writeable and each.size]
    seconds = []
    for _ in range(repeats + 1):  # the first is not counted: the system still finds pages
        started = time.process_time()
        for each in written:
            each.fill(1.0)
        seconds.append(time.process_time() - started)
    numbers = sum(each.size for each in written) / LANE
    return {"numbers": numbers, "ms": 1e3 * sorted(seconds[1:])[repeats // 2]}


def memory(sizes: Sizes) -> dict[str, Any]:
    """Watch the memory of a long run."""
    from benchmarks import curve

    return curve.measure(sizes.curve_draws, max(sizes.workers))


def long(sizes: Sizes) -> dict[str, Any]:
    """Watch the memory of a much longer run, on processes."""
    from benchmarks import curve

    return curve.measure(sizes.long_draws, max(sizes.workers), processes=True)


def scaling(sizes: Sizes) -> list[dict[str, Any]]:
    """Measure ten times the draws, the projects and the end uses."""
    from benchmarks import scaling as growth

    return [
        dataclasses.asdict(each)
        for each in growth.measure(max(1, sizes.lanes // 2), 10, sizes.repeats)
    ]


def executors(sizes: Sizes) -> dict[str, Any]:
    """Compare pools of processes with threads."""
    from benchmarks import executors as pools

    found = [
        what
        for what in (pools.THREADS, *sizes.executors)
        if what not in pools.NEEDS or importlib.util.find_spec(pools.NEEDS[what]) is not None
    ]
    workers = max(sizes.workers)
    samples = pools.measure(sizes.executor_draws, sizes.repeats, workers, found)
    return {
        "draws": sizes.executor_draws,
        "workers": workers,
        "samples": {what: [dataclasses.asdict(s) for s in each] for what, each in samples.items()},
    }


def limit(sizes: Sizes) -> dict[str, Any]:
    """Do the reference job in C, through reesupply, in plain numpy and in other packages."""
    from threadpoolctl import threadpool_limits

    from benchmarks.limit import run
    from benchmarks.limit.c_kernel import FLAGS, NoCompilerError, compiler_version
    from benchmarks.limit.job import reference_job
    from benchmarks.limit.peers import quiet

    quiet()
    job, in_c, made_by = reference_job(), {}, None
    try:
        in_c = run.c_kernels(job)
        made_by = f"{compiler_version()}, {' '.join(FLAGS)}"
    except NoCompilerError as error:
        print(f"The C kernel is left out: {error}.", file=sys.stderr)
    with threadpool_limits(1, user_api="blas"):
        differences = run.differences(job, in_c)
        run.check(differences)
        timings = run.measure(run.ways(job, in_c, sizes.limit), 2 * sizes.repeats + 1)
        stages = run.profile(job, int(run.OUR_DRAWS * sizes.limit))
    return {
        "compiler": made_by,
        "packages": run.machine(),
        "differences": differences,
        "timings": [dataclasses.asdict(each) for each in timings],
        "stages": stages,
    }


def stocks(sizes: Sizes) -> list[dict[str, Any]]:
    """Compare the stock model with flodym and plain numpy."""
    from benchmarks import stocks as beside

    found = beside.measure(sizes.stock_draws, 2 * sizes.repeats + 1)
    return [dataclasses.asdict(each) for each in found]


def streamed(sizes: Sizes) -> dict[str, float]:
    """Measure the statistics beside the model."""
    from benchmarks import streamed as statistics

    return statistics.run(sizes.lanes)


def single(sizes: Sizes) -> list[dict[str, Any]]:
    """Compare single precision with double."""
    from benchmarks import single as precision

    found = precision.measure(max(1, sizes.lanes // 2), sizes.repeats)
    return [dataclasses.asdict(each) for each in found]


def kernels(sizes: Sizes) -> list[dict[str, Any]]:
    """Time every kernel on one lane by pytest-benchmark; processor milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "kernels.json"
        command = [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "benchmarks/kernels.py",
            ),
            *("--benchmark-timer=time.process_time", f"--benchmark-max-time={sizes.seconds}"),
            *(f"--benchmark-json={written}", "--benchmark-disable-gc"),
        ]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
        if done.returncode != 0 or not written.exists():
            msg = f"pytest-benchmark stopped with status {done.returncode}: {_last(done)}"
            raise RuntimeError(msg)
        content = json.loads(written.read_text(encoding="utf-8"))
    return [
        {
            "what": each["params"]["name"],
            "ms": 1e3 * each["stats"]["median"],
            "low": 1e3 * each["stats"]["q1"],
            "high": 1e3 * each["stats"]["q3"],
            "rounds": each["stats"]["rounds"],
        }
        for each in content["benchmarks"]
    ]


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that a program printed."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else "it said nothing"


#: Parts in their order: those that users ask for first, the longest last.
PARTS: dict[str, Callable[[Sizes], Any]] = {
    each.__name__: each
    for each in (
        profile, kernels, streamed, single, stocks, scaling, executors, limit, baseline, memory,
        long,
    )
}  # fmt: skip
#: Run only where they are named: an hour or more.
ON_REQUEST = ("long",)
