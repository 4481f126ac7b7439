"""
Memory and speed while a long run goes on, with statistics only.

    python benchmarks/curve.py --draws 10000000       (twenty minutes on two cores)
    python benchmarks/curve.py --processes            (processes instead of threads)

Resident memory is looked at about once a second, when `simulate` says how far it is; of processes
the largest counts. The README beside this file says how to read it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # wherever it is run from

from benchmarks.executors import processor_seconds
from benchmarks.run import resident

DRAWS, WORKERS = 1_000_000, 2
#: Points that are kept of a long run, evenly spaced.
MOST = 200

#: Draws done, resident MiB above the import, elapsed and processor seconds.
Point = tuple[int, float, float, float]


def measure(
    draws: int = DRAWS, workers: int = WORKERS, *, processes: bool = False
) -> dict[str, Any]:
    """
    Run the baseline with ``keep=()`` and watch it.

    Parameters
    ----------
    draws, workers : int
        Of the run.
    processes : bool
        Workers are processes, not threads.

    Returns
    -------
    dict
        ``draws``, ``workers``, ``processes``; ``points``, the first at 0 draws when the scenario
        is compiled; ``peak``, the most resident memory there ever was, in MiB above that after the
        import; of processes that of the largest.

    Raises
    ------
    RuntimeError
        If the system does not tell the memory of a process.
    """
    import reesupply as rs  # noqa: PLC0415 -- its memory is what the rest is above of

    simulate = rs.simulate  # loads the engine
    before = resident()
    if before is None:
        msg = "memory: this system does not tell how much a process has"
        raise RuntimeError(msg)
    plan = rs.compile("baseline")
    started, used = time.perf_counter(), time.process_time()
    points: list[Point] = []

    def look(done: int, _: int) -> None:
        cpu = time.process_time() - used + (processor_seconds() if processes else 0.0)
        points.append((done, _largest() - before, time.perf_counter() - started, cpu))

    pool = (
        ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
        if processes
        else nullcontext()
    )
    look(0, draws)
    with pool as executor:
        simulate(
            plan, draws=draws, keep=(), rng=1, workers=workers, progress=look, executor=executor
        )
        peak = _largest(peak=True) - before
    return {
        **{"draws": draws, "workers": workers, "processes": processes},
        **{"points": thinned(points), "peak": peak},
    }


def _largest(*, peak: bool = False) -> float:
    """Resident memory of this process or of the largest that it started [MiB]."""
    children = [child.pid for child in multiprocessing.active_children()]
    each = (resident(peak=peak, process=pid) for pid in (None, *children))
    return max(found or 0.0 for found in each)


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most `MOST` points, the first and the last among them."""
    if len(points) <= MOST:
        return list(points)
    last = len(points) - 1
    return [points[round(k * last / (MOST - 1))] for k in range(MOST)]


def halves(points: Sequence[Point]) -> tuple[float, float]:
    """Return the most memory in the first and in the second half of a run, by draws [MiB]."""
    middle = points[-1][0] / 2.0
    first = max(memory for done, memory, _, _ in points if done <= middle)
    return first, max(memory for done, memory, _, _ in points if done >= middle)


def table(found: dict[str, Any]) -> str:
    """Return about ten of the points as a Markdown table."""
    points = found["points"]
    step = max(1, (len(points) - 1) // 9)
    lines = [
        "| draws done | MiB above the import | elapsed s | CPU s |",
        "| --: | --: | --: | --: |",
    ]
    for done, memory, elapsed, cpu in [*points[:-1:step], points[-1]]:
        lines.append(f"| {done:,} | {memory:,.0f} | {elapsed:,.1f} | {cpu:,.1f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--processes", action="store_true", help="workers are processes")
    options = parser.parse_args(arguments)
    if min(options.draws, options.workers) < 1:
        parser.error("--draws and --workers must be at least 1")
    print(table(measure(options.draws, options.workers, processes=options.processes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
