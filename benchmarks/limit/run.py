"""
The reference job in C, through reesupply, in plain numpy and in other packages, side by side.

    python benchmarks/limit/run.py             (some minutes; --quick for one)
    pip install -e ".[bench,compiled]"         (the other packages; without them they are left out)

The values of all ways are compared before anything is timed; then they are timed in turns, so
that a busy moment of the machine does not hit one alone. The README beside this file has the job.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import platform
import sys
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from reesupply.engine.kernels import KERNELS, Kernels, kernels_of
from reesupply.errors import ReesupplyError
from reesupply.sampling import LANE, Sampler

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the modules beside this file, wherever it is run from

from benchmarks.limit import job as j  # noqa: E402
from benchmarks.limit.by_reesupply import Block, ByReesupply  # noqa: E402
from benchmarks.limit.c_kernel import (  # noqa: E402
    FLAGS,
    CKernel,
    NoCompilerError,
    compiler_version,
)
from benchmarks.limit.full_numpy import FullNumpy  # noqa: E402
from benchmarks.limit.peers import PEERS, OneDraw, quiet  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    from matplotlib.figure import Figure

    FloatArray = npt.NDArray[np.float64]

RESULTS = ROOT / "benchmarks" / "results"
#: Draws of a repetition, in units that suit the way; and how often all ways are repeated.
C_DRAWS, OUR_DRAWS, NUMPY_DRAWS = 1_024_000, 409_600, 10_000
REPEATS, THREADS = 7, 2
C, PLAIN_C = "C, fused kernel", "C, plain loops"
OURS, NUMPY = "reesupply, in blocks", "numpy, whole arrays"
COMPILED = "reesupply, numba kernels"
#: Values may differ by so much of the standard deviation of a cell.
SAME, BY_TABLE = 1e-9, 1e-5


@dataclasses.dataclass(frozen=True)
class Way:
    """One way of doing the job: who, on how many threads, how many draws, and the call."""

    name: str
    threads: int
    draws: int
    call: Callable[[], object]
    lacks: str = ""


@dataclasses.dataclass(frozen=True)
class Timing:
    """
    One line of the table: medians over the repetitions.

    Attributes
    ----------
    name, threads, draws, lacks
        As of the `Way`.
    wall_us, cpu_us : float
        Elapsed and processor microseconds a draw.
    wall_by_c, wall_by_c_low, wall_by_c_high : float or None
        Elapsed time by that of C on as many threads as there are, in the same repetition: median,
        smallest, largest; None without C.
    cpu_by_c : float or None
        Processor time by that of C on one thread.
    wall_by_ours : float
        Elapsed time by that of reesupply on as many threads as there are.
    """

    name: str
    threads: int
    draws: int
    lacks: str
    wall_us: float
    cpu_us: float
    wall_by_c: float | None
    wall_by_c_low: float | None
    wall_by_c_high: float | None
    cpu_by_c: float | None
    wall_by_ours: float


def c_kernels(job: j.Job) -> dict[str, CKernel]:
    """Compile the kernel, and its plain loops, by the name of the way; see `CKernel`."""
    return {C: CKernel(job), PLAIN_C: CKernel(job, plain=True)}


def differences(job: j.Job, in_c: Mapping[str, CKernel], draws: int = LANE) -> dict[str, float]:
    """
    Compare the cells of all ways on the same uniform numbers.

    Parameters
    ----------
    job : Job
        The reference job.
    in_c : mapping of str to CKernel
        C kernels by name, if there are any.
    draws : int
        A multiple of 1,024.

    Returns
    -------
    dict of str to float
        Largest difference from whole-array numpy by way, as a share of the cell's standard
        deviation.
    """
    uniforms = np.empty((j.INPUTS, draws))
    sampler = Sampler(2, job.names)
    for lane in range(draws // LANE):
        sampler.lane(lane, uniforms[:, lane * LANE : (lane + 1) * LANE])
    expected = FullNumpy(job).balance(uniforms)
    spread = expected.std(axis=1, keepdims=True)

    def off(found: FloatArray) -> float:
        return float((np.abs(found - expected) / spread[:, : found.shape[1]]).max())

    found = {}
    for word, kernels in available().items():
        for exact in (True, False):
            block = Block(job, draws, exact=exact, kernels=kernels)
            block.uniforms[...] = uniforms
            name = "exact normal numbers" if exact else "normal numbers by lines"
            found[f"reesupply, {name}{'' if word == 'numpy' else ', ' + word}"] = off(block.cells())
    one = OneDraw(job)
    some = np.array([one(column) for column in uniforms[:, :100].T]).T
    found["one draw at a time"] = float((np.abs(some - expected[:, :100]) / spread).max())
    for name, kernel in in_c.items():
        found[name] = off(kernel.balance(uniforms))
    return found


def available() -> dict[str, Kernels]:
    """Return the kernels that are installed, by name."""
    found = {}
    for name in KERNELS:
        with suppress(ReesupplyError):
            found[name] = kernels_of(name)
    return found


def check(found: dict[str, float]) -> None:
    """Raise if the values of a way are not those of the others."""
    for name, difference in found.items():
        allowed = BY_TABLE if "lines" in name else SAME
        if not difference <= allowed:
            msg = f"{name}: differs by {difference:.1e} of a standard deviation from {NUMPY}"
            raise SystemExit(msg)


def ways(job: j.Job, in_c: Mapping[str, CKernel], scale: float) -> list[Way]:
    """Return all ways that can be timed here, and say which cannot."""
    ours = {word: ByReesupply(job, kernels=kernels) for word, kernels in available().items()}
    plain, one = FullNumpy(job), OneDraw(job)
    unit = THREADS * ours["numpy"].lanes * LANE
    draws = max(int(OUR_DRAWS * scale) // unit, 1) * unit
    fast = max(int(C_DRAWS * scale) // 64, 1) * 64
    few = max(int(NUMPY_DRAWS * scale), 100)
    found = []
    for threads in (1, THREADS):
        for name, kernel in in_c.items():
            call = _bound(kernel.run, fast, 1, threads)
            found.append(Way(name, threads, fast, call, "only this job"))
        for word, each in ours.items():
            name = OURS if word == "numpy" else COMPILED
            found.append(Way(name, threads, draws, _bound(each.run, draws, 1, threads)))
    found.append(Way(NUMPY, 1, few, _bound(plain.run, few, 1), "no streaming: 20 kB a draw"))
    for peer in PEERS:
        if peer.installed:
            many = max(int(peer.draws * scale), 10)
            found.append(Way(peer.name, 1, many, _bound(peer.run, one, many), peer.lacks))
        else:
            print(f'{peer.module} is not installed, so it is left out: pip install -e ".[bench]"')
    return found


def _bound(call: Callable[..., object], *given: object) -> Callable[[], object]:
    return lambda: call(*given)


def measure(every: Sequence[Way], repeats: int) -> list[Timing]:
    """Time all ways in turns."""
    wall: dict[int, list[float]] = defaultdict(list)
    cpu: dict[int, list[float]] = defaultdict(list)
    for each in every:
        if each.name in (C, PLAIN_C, OURS, COMPILED):
            each.call()  # tables, threads and libraries are ready
    for _ in range(repeats):
        for number, each in enumerate(every):
            started, used = time.perf_counter(), time.process_time()
            each.call()
            wall[number].append((time.perf_counter() - started) / each.draws * 1e6)
            cpu[number].append((time.process_time() - used) / each.draws * 1e6)
    by_name = {(each.name, each.threads): number for number, each in enumerate(every)}
    c, c_alone = by_name.get((C, THREADS)), by_name.get((C, 1))
    ours = by_name[OURS, THREADS]
    found = []
    for number, each in enumerate(every):
        by_c = [] if c is None else [a / b for a, b in zip(wall[number], wall[c], strict=True)]
        pairs = [] if c_alone is None else zip(cpu[number], cpu[c_alone], strict=True)
        by_ours = [a / b for a, b in zip(wall[number], wall[ours], strict=True)]
        found.append(
            Timing(
                each.name, each.threads, each.draws, each.lacks,
                median(wall[number]), median(cpu[number]),
                median(by_c) if by_c else None, min(by_c, default=None), max(by_c, default=None),
                median(a / b for a, b in pairs) if c_alone is not None else None,
                median(by_ours),
            )
        )  # fmt: skip
    return found


def number(value: float | None) -> str:
    """Write a number with three digits, or as a whole one, and nothing where there is none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1_000.0 else f"{value:.3g}"


def table(timings: Sequence[Timing]) -> str:
    """Return the timings as a Markdown table, ratios first."""
    lines = [
        "| way | threads | wall by C's (range) | CPU by C's | wall by reesupply's "
        "| µs wall | µs CPU | draws | lacks |",
        "| :-- | --: | --: | --: | --: | --: | --: | --: | :-- |",
    ]
    for t in timings:
        by_c, cpu_by_c = "", ""
        if t.wall_by_c is not None and t.cpu_by_c is not None:
            by_c = number(t.wall_by_c)
            by_c += f" ({number(t.wall_by_c_low)} to {number(t.wall_by_c_high)})"
            cpu_by_c = number(t.cpu_by_c)
        lines.append(
            f"| {t.name} | {t.threads} | {by_c} | {cpu_by_c} | {number(t.wall_by_ours)} | "
            f"{number(t.wall_us)} | {number(t.cpu_us)} | {t.draws:,} | {t.lacks} |"
        )
    return "\n".join(lines)


def profile(job: j.Job, draws: int) -> dict[str, dict[str, float]]:
    """Return processor microseconds a draw of reesupply's stages, on one thread, by kernels."""
    found = {}
    for word, kernels in available().items():
        ours = ByReesupply(job, kernels=kernels)
        block = ours.lanes * LANE
        draws = max(draws // block, 1) * block
        _, seconds = ours.run(draws, 1)
        found[word] = {stage: each / draws * 1e6 for stage, each in seconds.items()}
    return found


def profile_table(by_word: Mapping[str, Mapping[str, float]]) -> str:
    """Return the stages as a Markdown table, numpy's largest first."""
    lines = [
        f"| stage | {' | share | '.join(f'{word}: µs CPU a draw' for word in by_word)} | share |"
    ]
    lines.append("| :-- |" + " --: | --: |" * len(by_word))
    for stage in sorted(by_word["numpy"], key=lambda name: -by_word["numpy"][name]):
        cells = [
            f"{stages[stage]:.3f} | {stages[stage] / sum(stages.values()):.0%}"
            for stages in by_word.values()
        ]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what the numbers depend on; no host name."""
    packages = ["numpy", "scipy", "reesupply", *(p.module for p in PEERS if p.installed)]
    found = [f"{name} {version(name)}" for name in dict.fromkeys(packages)]
    system = f"{platform.system()} {platform.machine()}, {platform.python_implementation()}"
    return f"{system} {platform.python_version()}; {', '.join(found)}"


def chart(timings: Sequence[Timing]) -> Figure:
    """Draw the ratios as bars on a logarithmic axis."""
    from matplotlib.figure import Figure  # noqa: PLC0415 -- only here

    figure = Figure(figsize=(8.0, 0.4 * len(timings) + 1.2), layout="constrained")
    axes = figure.subplots()
    with_c = timings[0].wall_by_c is not None
    ratios = [t.wall_by_c if t.wall_by_c is not None else t.wall_by_ours for t in timings]
    names = [f"{t.name} ({t.threads} thread{'s' * (t.threads > 1)})" for t in timings]
    bars = axes.barh(names, ratios, color=["#4477aa" if OURS in n else "#bbbbbb" for n in names])
    axes.bar_label(bars, labels=[number(r) for r in ratios], padding=3)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    other = "C" if with_c else "reesupply"
    axes.set_xlabel(f"elapsed time of a draw, by that of {other} on {THREADS} threads")
    axes.set_title("The reference job, one draw", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, time, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer draws of all")
    parser.add_argument("--quick", action="store_true", help="3 repetitions, a fifth of the draws")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written")
    options = parser.parse_args(arguments)
    if options.quick:
        options.repeats, options.scale = 3, 0.2
    if options.repeats < 1 or not options.scale > 0.0:
        parser.error("--repeats and --scale must be above 0")
    quiet()
    job = j.reference_job()
    in_c, made_by = {}, "no C"
    try:
        in_c = c_kernels(job)
        made_by = f"{compiler_version()}, {' '.join(FLAGS)}"
    except NoCompilerError as error:
        print(f"The C kernel is left out: {error}.")
    with threadpool_limits(1, user_api="blas"):
        off = differences(job, in_c)
        check(off)
        timings = measure(ways(job, in_c, options.scale), options.repeats)
        stages = profile(job, int(OUR_DRAWS * options.scale))
    same = "; ".join(f"{name} {difference:.0e}" for name, difference in off.items())
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    text = "\n\n".join(
        [
            f"{date}; {machine()}; {made_by}; medians of {options.repeats}",
            f"Largest difference from {NUMPY}, in standard deviations: {same}.",
            table(timings), profile_table(stages),
        ]
    )  # fmt: skip
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / f"limit-{date}"
    stem.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    rows = [dataclasses.asdict(each) for each in timings]
    stem.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if importlib.util.find_spec("matplotlib") is not None:
        chart(timings).savefig(stem.with_suffix(".svg"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
