"""
Single precision beside double: processor time, bytes, and what is lost.

    python benchmarks/single.py              (half a minute; --lanes, --repeats)

Long runs and kept draws of the baseline on one thread, in turns. Bytes are those of arrays,
counted; what is lost is the largest entry of `result.rounding()`.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

import reesupply as rs
from reesupply.sampling import LANE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reesupply.engine.plan import Plan

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # wherever it is run from

from benchmarks.run import SMALL_DRAWS, markdown

LANES, REPEATS = 16, 5
DTYPES = ("float64", "float32")


@dataclasses.dataclass(frozen=True)
class Precision:
    """
    What a run in one precision takes.

    Attributes
    ----------
    dtype : str
        Of the models.
    us : list of float
        Processor time of a draw in a long run, one number for each repetition [µs].
    warm_ms : list of float
        Processor time of a warm call of 1,000 draws that keeps them [ms].
    lane_mib, kept_kib : float
        Arrays of a lane [MiB], and what a draw keeps where nothing else is asked for [KiB].
    lost : float
        Root mean square difference from double precision over the standard deviation of a cell,
        the largest of all.
    """

    dtype: str
    us: list[float]
    warm_ms: list[float]
    lane_mib: float
    kept_kib: float
    lost: float


def measure(lanes: int = LANES, repeats: int = REPEATS) -> list[Precision]:
    """
    Measure both precisions in turns.

    Parameters
    ----------
    lanes, repeats : int
        Lanes of a long run, and how often it is run.

    Returns
    -------
    list of Precision
    """
    plan = rs.compile("baseline")
    taken: dict[str, list[float]] = {dtype: [] for dtype in DTYPES}
    warm: dict[str, list[float]] = {dtype: [] for dtype in DTYPES}
    for _ in range(repeats + 1):
        for dtype in DTYPES:
            long = _seconds(plan, lanes * LANE, (), dtype)
            taken[dtype].append(1e6 * long / (lanes * LANE))
            warm[dtype].append(1e3 * _seconds(plan, SMALL_DRAWS, None, dtype))
    found = []
    for dtype, each in taken.items():
        kept = rs.simulate(plan, draws=LANE, rng=1, workers=1, dtype=dtype)
        size = sum(array.nbytes for array in kept.arrays.values())
        found.append(
            Precision(
                dtype,
                each[1:],  # the first finds memory, and makes the layout of the histograms
                warm[dtype][1:],
                _lane_bytes(plan, dtype) / 2**20,
                size / LANE / 2**10,
                float(kept.rounding()["share_of_sd"].max()),
            )
        )
    return found


def _seconds(plan: Plan, draws: int, keep: tuple[str, ...] | None, dtype: str) -> float:
    started = time.process_time()
    rs.simulate(plan, draws=draws, rng=1, keep=keep, workers=1, dtype=dtype)
    return time.process_time() - started


def _lane_bytes(plan: Plan, dtype: str) -> int:
    """Count the bytes of the arrays that a lane leaves, each memory once."""
    from reesupply.engine.workspace import workspace_of  # noqa: PLC0415

    uniforms = np.full((len(plan.inputs.names), LANE), 0.5)
    with workspace_of(plan, dtype=np.dtype(dtype)) as workspace:
        owners = {}
        for array in plan.run_lane(uniforms, workspace=workspace).values():
            owner = array
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            owners[id(owner)] = owner
        return sum(owner.nbytes for owner in owners.values())


def table(found: Sequence[Precision]) -> str:
    """Set both in a table."""
    base = found[0]
    rows = []
    for each in found:
        ratios = [a / b for a, b in zip(each.us, base.us, strict=True)]
        rows.append(
            (
                f"`{each.dtype}`",
                f"{median(each.us):.1f}",
                f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                f"{median(each.warm_ms):.0f}",
                f"{each.lane_mib:.0f}",
                f"{each.kept_kib:.1f}",
                f"{each.lost:.0e}" if each.lost else "",
            )
        )
    head = (
        *("dtype", "µs CPU a draw", "by double (range)", "ms of a warm call"),
        *("MiB a lane", "KiB a kept draw", "lost, by sd"),
    )
    return markdown(head, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--lanes", type=int, default=LANES)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args(arguments)
    if min(options.lanes, options.repeats) < 1:
        parser.error("--lanes and --repeats must be at least 1")
    print(table(measure(options.lanes, options.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
