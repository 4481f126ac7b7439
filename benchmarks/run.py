"""
Time and memory of `simulate()`, beside what numpy needs for the random numbers alone.

    python3 run.py benchmark              (about ten minutes on two cores)
    python3 run.py benchmark --quick      (two minutes; stops at 100,000 draws)

What is measured, and how to read it, is in the README beside this file.
"""

# Each measured process loads only what it measures, hence imports inside functions.
# ruff: noqa: PLC0415

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SIZES = (10_000, 100_000, 1_000_000)
QUICK = 100_000
WORKERS = (1, 2)
REPEATS = 3
RESULTS = Path(__file__).resolve().parent / "results"

#: Draws of the warm small call, and how many calls one process times.
SMALL_DRAWS, SMALL_CALLS = 1_000, 20
#: A floor shorter than this is repeated and averaged, since the clock would be most of it.
FLOOR_SECONDS = 0.5

Sample = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Run:
    """
    One size of `simulate("baseline", keep=(), rng=1)`, in medians over the repetitions.

    Attributes
    ----------
    draws, workers, repeats, inputs : int
        What was run, how often, and how many uncertain inputs the scenario has.
    wall_s, wall_low_s, wall_high_s : float
        Elapsed seconds of the call in a fresh process: median, shortest, longest.
    load_s : float
        Part of `wall_s` before the first draw: reading, checking and compiling the scenario.
    cpu_s : float
        Processor seconds of the call, all threads together.
    draws_per_s : float
        Draws by elapsed second, the loading included.
    peak_mib : float or None
        Peak resident memory during the call above that after the import; None where the system
        does not tell.
    floor_s, floor_cpu_s : float
        Elapsed and processor seconds for the uniform numbers alone.
    ratio, ratio_low, ratio_high : float
        Elapsed time of the call by that of the floor measured right after it.
    cpu_ratio : float
        The same of the processor times.
    """

    draws: int
    workers: int
    repeats: int
    inputs: int
    wall_s: float
    wall_low_s: float
    wall_high_s: float
    load_s: float
    cpu_s: float
    draws_per_s: float
    peak_mib: float | None
    floor_s: float
    floor_cpu_s: float
    ratio: float
    ratio_low: float
    ratio_high: float
    cpu_ratio: float


@dataclasses.dataclass(frozen=True)
class Ratio:
    """
    A short measurement beside its yardstick, in medians over the repetitions.

    Attributes
    ----------
    what, beside : str
        What was timed, and what it is compared with.
    seconds, beside_seconds : float
        Elapsed seconds of each.
    ratio, ratio_low, ratio_high : float
        Median, smallest and largest ratio of the pairs.
    """

    what: str
    beside: str
    seconds: float
    beside_seconds: float
    ratio: float
    ratio_low: float
    ratio_high: float


# -- in the measured process -----------------------------------------------------------------


def call(draws: int, workers: int) -> Sample:
    """Time one call of `simulate` after the import, in a process that has done nothing else."""
    import reesupply as rs

    simulate = rs.simulate  # loads the engine
    before = resident()
    wall, cpu = time.perf_counter(), time.process_time()
    result = simulate("baseline", draws=draws, keep=(), rng=1, workers=workers)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    found = {"wall": wall, "cpu": cpu, "load": wall - result.seconds}
    found["inputs"] = len(result.plan.inputs.names)
    if before is not None and (after := resident(peak=True)) is not None:
        found["peak"] = after - before
    return found


def floor(draws: int, workers: int, inputs: int) -> Sample:
    """
    Time numpy making as many uniform numbers as the model has inputs times draws.

    Parameters
    ----------
    draws, workers, inputs : int
        As in the call it is compared with.

    Returns
    -------
    dict
        Elapsed and processor seconds. Each thread has one PCG64DXSM generator that fills one array
        again and again, 1,024 draws of all inputs at a time, which is the quickest way there is.
    """
    import numpy as np

    lanes = -(-draws // 1_024)

    def fill(worker: int) -> None:
        uniforms = np.random.Generator(np.random.PCG64DXSM(worker)).random
        block = np.empty((inputs, 1_024))
        for _ in range(worker, lanes, workers):
            uniforms(out=block)

    passes, wall, cpu = 0, time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(workers) as threads:
        while passes == 0 or time.perf_counter() - wall < FLOOR_SECONDS:
            list(threads.map(fill, range(workers)))
            passes += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall / passes, "cpu": cpu / passes}


def small() -> Sample:
    """Time `simulate(plan, draws=1000)` when all is loaded, as a larger model would call it."""
    import reesupply as rs

    plan = rs.compile("baseline")
    seconds = []
    for seed in range(SMALL_CALLS + 3):
        started = time.perf_counter()
        rs.simulate(plan, draws=SMALL_DRAWS, rng=seed)
        seconds.append(time.perf_counter() - started)
    return {"wall": median(seconds[3:]), "inputs": len(plan.inputs.names)}


def import_numpy() -> Sample:
    """Time ``import numpy``."""
    started = time.perf_counter()
    import numpy as np

    del np
    return {"wall": time.perf_counter() - started}


def import_reesupply() -> Sample:
    """Time ``import reesupply``, which loads what it needs on first use."""
    started = time.perf_counter()
    import reesupply

    del reesupply
    return {"wall": time.perf_counter() - started}


def import_engine() -> Sample:
    """Time the import and the loading of all that `simulate` needs, numpy included."""
    started = time.perf_counter()
    import reesupply

    reesupply.simulate  # noqa: B018 - the look-up loads it
    return {"wall": time.perf_counter() - started}


MEASURES: dict[str, Callable[..., Sample]] = {
    each.__name__: each
    for each in (call, floor, small, import_numpy, import_reesupply, import_engine)
}


def resident(*, peak: bool = False, process: int | None = None) -> float | None:
    """
    Return the resident memory of a process in MiB, now or at its peak.

    Parameters
    ----------
    peak : bool
        The most there ever was.
    process : int, optional
        Its number, on Linux; this one when None.

    Returns
    -------
    float or None
        On Linux from the kernel's own account of this program. Elsewhere always the peak, and
        None on Windows.
    """
    status = Path("/proc", "self" if process is None else str(process), "status")
    if status.exists():
        # not getrusage(), whose peak is also that of the process that started this one
        lines = (line.split() for line in status.read_text(encoding="ascii").splitlines())
        fields = {line[0]: line[1] for line in lines if len(line) > 1}
        return float(fields["VmHWM:" if peak else "VmRSS:"]) / 2**10
    if sys.platform == "win32" or process is not None:
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


# -- in the process that compares -------------------------------------------------------------


def measure(what: str, **arguments: int) -> Sample:
    """
    Run one measurement in a fresh process.

    Parameters
    ----------
    what : str
        One of `MEASURES`.
    **arguments : int
        Its arguments.

    Returns
    -------
    dict
        What it found.
    """
    command = [sys.executable, __file__, "--measure", what, json.dumps(arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Sample = json.loads(done.stdout)
    words = " ".join(f"{name}={value:,}" for name, value in arguments.items())
    print(f"{what} {words}: {found['wall']:.4g} s", file=sys.stderr, flush=True)
    return found


def measure_runs(sizes: Sequence[int], workers: Sequence[int], repeats: int) -> list[Run]:
    """
    Measure every size with every number of workers, the repetitions interleaved.

    Parameters
    ----------
    sizes, workers : sequence of int
        Numbers of draws and of threads.
    repeats : int
        How often each is measured.

    Returns
    -------
    list of Run
        One for each size and number of workers.
    """
    cases = [(draws, width) for draws in sizes for width in workers]
    calls: dict[tuple[int, int], list[Sample]] = {case: [] for case in cases}
    floors: dict[tuple[int, int], list[Sample]] = {case: [] for case in cases}
    for _ in range(repeats):
        for draws, width in cases:
            own = measure("call", draws=draws, workers=width)
            inputs = int(own["inputs"])
            calls[draws, width].append(own)
            floors[draws, width].append(measure("floor", draws=draws, workers=width, inputs=inputs))
    return [summed_up(*case, calls[case], floors[case]) for case in cases]


def summed_up(draws: int, workers: int, calls: list[Sample], floors: list[Sample]) -> Run:
    """
    Reduce the repetitions of one case to medians and ranges.

    Parameters
    ----------
    draws, workers : int
        The case.
    calls, floors : list of dict
        Repetitions, in pairs.

    Returns
    -------
    Run
    """
    wall = [each["wall"] for each in calls]
    ratios = [a["wall"] / b["wall"] for a, b in zip(calls, floors, strict=True)]
    peaks = [each["peak"] for each in calls if "peak" in each]
    return Run(
        draws=draws,
        workers=workers,
        repeats=len(calls),
        inputs=int(calls[0]["inputs"]),
        wall_s=median(wall),
        wall_low_s=min(wall),
        wall_high_s=max(wall),
        load_s=median(each["load"] for each in calls),
        cpu_s=median(each["cpu"] for each in calls),
        draws_per_s=draws / median(wall),
        peak_mib=median(peaks) if peaks else None,
        floor_s=median(each["wall"] for each in floors),
        floor_cpu_s=median(each["cpu"] for each in floors),
        ratio=median(ratios),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        cpu_ratio=median(a["cpu"] / b["cpu"] for a, b in zip(calls, floors, strict=True)),
    )


def measure_ratios(repeats: int) -> list[Ratio]:
    """
    Measure the warm small call and the imports, each beside its yardstick.

    Parameters
    ----------
    repeats : int
        How often each pair is measured.

    Returns
    -------
    list of Ratio
    """
    measure("import_engine")  # from here on the files are in the system's cache
    small_calls, small_floors, imports, engines, plain = [], [], [], [], []
    for _ in range(repeats):
        small_calls.append(measure("small"))
        inputs = int(small_calls[-1]["inputs"])
        small_floors.append(measure("floor", draws=SMALL_DRAWS, workers=1, inputs=inputs))
        imports.append(measure("import_reesupply"))
        engines.append(measure("import_engine"))
        plain.append(measure("import_numpy"))
    return [
        compared(
            f"simulate(plan, draws={SMALL_DRAWS}), warm",
            "the uniform numbers of 1,024 draws",
            small_calls,
            small_floors,
        ),
        compared("import reesupply", "import numpy", imports, plain),
        compared("import reesupply; reesupply.simulate", "import numpy", engines, plain),
    ]


def compared(what: str, beside: str, own: list[Sample], other: list[Sample]) -> Ratio:
    """
    Reduce pairs of measurements to medians and the range of their ratios.

    Parameters
    ----------
    what, beside : str
        Names of the two.
    own, other : list of dict
        Repetitions, in pairs.

    Returns
    -------
    Ratio
    """
    ratios = [a["wall"] / b["wall"] for a, b in zip(own, other, strict=True)]
    return Ratio(
        what,
        beside,
        median(each["wall"] for each in own),
        median(each["wall"] for each in other),
        median(ratios),
        min(ratios),
        max(ratios),
    )


# -- what is printed and written --------------------------------------------------------------


def machine() -> dict[str, str]:
    """Return what a reader needs to judge the seconds: system, cores, versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cores),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "reesupply": version("reesupply"),
    }


def run_table(runs: Iterable[Run]) -> str:
    """Write the sizes as a Markdown table."""
    head = (
        "draws",
        "workers",
        "wall s (range)",
        "of it loading",
        "CPU s",
        "draws/s",
        "peak MiB",
        "floor s",
        "wall / floor (range)",
        "CPU / floor",
    )
    rows = [
        (
            f"{run.draws:,}",
            f"{run.workers}",
            f"{run.wall_s:.1f} ({run.wall_low_s:.1f} to {run.wall_high_s:.1f})",
            f"{run.load_s:.1f}",
            f"{run.cpu_s:.1f}",
            f"{run.draws_per_s:,.0f}",
            "-" if run.peak_mib is None else f"{run.peak_mib:,.0f}",
            f"{run.floor_s:.3f}",
            f"{run.ratio:.0f} ({run.ratio_low:.0f} to {run.ratio_high:.0f})",
            f"{run.cpu_ratio:.0f}",
        )
        for run in runs
    ]
    return markdown(head, rows)


def ratio_table(ratios: Iterable[Ratio]) -> str:
    """Write the short measurements as a Markdown table."""
    head = ("what", "ms", "beside", "ms", "ratio (range)")
    rows = [
        (
            each.what,
            f"{1e3 * each.seconds:.1f}",
            each.beside,
            f"{1e3 * each.beside_seconds:.1f}",
            f"{each.ratio:.3g} ({each.ratio_low:.3g} to {each.ratio_high:.3g})",
        )
        for each in ratios
    ]
    return markdown(head, rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose columns are aligned in plain text too; all but text to the right."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    texts = [not column[-1][:1].isdigit() for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(cells, widths, texts, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if text else "-" * (width - 1) + ":"
        for width, text in zip(widths, texts, strict=True)
    ]
    return "\n".join([line(head), line(rule), *(line(row) for row in rows)])


def write(folder: Path, date: str, runs: Sequence[Run], ratios: Sequence[Ratio]) -> None:
    """
    Write the results as JSON, and the sizes as CSV.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    date : str
        Names the files.
    runs, ratios : sequence
        What was measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    runs_as_dicts = [dataclasses.asdict(run) for run in runs]
    content = {
        "date": date,
        "machine": machine(),
        "runs": runs_as_dicts,
        "ratios": [dataclasses.asdict(each) for each in ratios],
    }
    text = json.dumps(content, indent=1) + "\n"
    (folder / f"{date}.json").write_text(text, encoding="utf-8")
    with (folder / f"{date}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in dataclasses.fields(Run)])
        table.writeheader()
        table.writerows(runs_as_dicts)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Measure, print and write; or, in the measured process, run one measurement.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process when None.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(description="Time and memory of simulate().")
    parser.add_argument("--quick", action="store_true", help="stop at 100,000 draws")
    parser.add_argument("--draws", type=int, nargs="+", default=SIZES, help="sizes to run")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="threads")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="repetitions (default: 3)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if min(*options.draws, *options.workers, options.repeats) < 1:
        parser.error("draws, workers and repeats are integers from 1")
    if options.measure:
        name, arguments = options.measure
        print(json.dumps(MEASURES[name](**json.loads(arguments))))
        return 0

    sizes = [draws for draws in options.draws if not options.quick or draws <= QUICK]
    if not sizes:
        parser.error("--quick leaves no size to run")
    left_out = [f"{draws:,}" for draws in options.draws if draws not in sizes]
    runs = measure_runs(sizes, options.workers, options.repeats)
    ratios = measure_ratios(options.repeats)
    date = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    write(options.out, date, runs, ratios)
    words = ", ".join(f"{name} {value}" for name, value in machine().items())
    print(f"{date}; {words}; {runs[0].inputs} uncertain inputs; median of {options.repeats}\n")
    print(run_table(runs), ratio_table(ratios), sep="\n\n")
    if left_out:
        print(f"\nNot measured: {', '.join(left_out)} draws. No estimate is made from the others.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
