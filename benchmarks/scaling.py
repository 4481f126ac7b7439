"""
How the cost of a draw grows with draws, projects and end uses.

    python benchmarks/scaling.py              (two minutes)

Processor time of one worker, in one process and in turns. Ten times the projects or end uses are
copies of those of the baseline under other names, so all that differs is their number.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import reesupply as rs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LANE = 1024
#: Tables whose rows belong to an end use.
OF_USES = ("end_uses", "trajectories", "lifetimes", "recycling", "growth")


def copied(scenario: rs.Scenario, table: str, column: str, names: Sequence[str], times: int) -> Any:
    """Return the rows of some names under further names, by path."""
    frame = scenario.to_frame(table)
    keys = [level for level in frame.index.names if level is not None]
    rows = frame.reset_index().to_dict("records")
    changes = {}
    for row in rows:
        if row[column] not in names:
            continue
        for copy in range(2, times + 1):
            cells = {k: v for k, v in row.items() if v is not None and v == v}  # noqa: PLR0124
            cells[column] = f"{row[column]}-{copy}"
            path = ".".join([table, *(str(cells.pop(key)) for key in keys)])
            changes[path] = cells
    return changes


def more_projects(times: int) -> rs.Scenario:
    """Return the baseline with copies of every project that is not a part of a measured total."""
    scenario = rs.load_scenario()
    names = [row.id for row in scenario.rows("projects") if row.part_of is None]
    return scenario.replace(copied(scenario, "projects", "id", names, times))


def more_uses(times: int) -> rs.Scenario:
    """Return the baseline with copies of every end use that is not a store."""
    scenario = rs.load_scenario()
    names = [row.id for row in scenario.rows("end_uses") if not row.stored]
    changes: dict[str, Any] = {}
    for table in OF_USES:
        column = "id" if table == "end_uses" else "end_use"
        changes |= copied(scenario, table, column, names, times)
    return scenario.replace(changes)


def cost(plan: Any, lanes: int) -> float:
    """Return processor milliseconds a lane."""
    start = time.process_time()
    rs.simulate(plan, draws=lanes * LANE, rng=1, keep=(), workers=1)
    return (time.process_time() - start) / lanes * 1e3


@dataclasses.dataclass(frozen=True)
class Growth:
    """
    One size of the model.

    Attributes
    ----------
    what : str
        What there is more of.
    inputs, projects, end_uses : int
        How many of each.
    ms : float
        Processor milliseconds a lane, median.
    ratio, ratio_low, ratio_high : float
        By the baseline's of the same turn: median, smallest, largest.
    """

    what: str
    inputs: int
    projects: int
    end_uses: int
    ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


def measure(lanes: int, times: int, repeats: int) -> list[Growth]:
    """
    Measure the baseline, and more draws, projects and end uses, in turns.

    Parameters
    ----------
    lanes : int
        Lanes of 1,024 draws a run.
    times : int
        How many times the rows.
    repeats : int
        How often each.

    Returns
    -------
    list of Growth
        The baseline first.
    """
    cases: list[tuple[str, rs.Scenario, int]] = [
        ("baseline", rs.load_scenario(), lanes),
        (f"{times} times the draws", rs.load_scenario(), lanes * times),
        (f"{times} times the projects", more_projects(times), max(1, lanes // 4)),
        (f"{times} times the end uses", more_uses(times), max(1, lanes // 4)),
    ]
    ways: list[Callable[[], float]] = []
    sizes = []
    for _, scenario, many in cases:
        plan = rs.compile(scenario)
        cost(plan, 1)  # the layout of histograms belongs to the plan
        ways.append(partial(cost, plan, many))
        sizes.append((len(plan.inputs.names), len(plan.projects), len(plan.end_uses)))
    turns = [[way() for way in ways] for _ in range(repeats)]
    found = []
    for index, ((what, _, _), size) in enumerate(zip(cases, sizes, strict=True)):
        ratios = [turn[index] / turn[0] for turn in turns]
        ms = median(turn[index] for turn in turns)
        found.append(Growth(what, *size, ms, median(ratios), min(ratios), max(ratios)))
    return found


def table(found: Sequence[Growth]) -> str:
    """Return a Markdown table."""
    lines = [
        "| what | inputs | projects | end uses | CPU ms a lane | by the baseline's (range) |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    lines += [
        f"| {each.what} | {each.inputs:,} | {each.projects:,} | {each.end_uses:,} | {each.ms:.0f} "
        f"| {each.ratio:.2f} ({each.ratio_low:.2f} to {each.ratio_high:.2f}) |"
        for each in found
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--lanes", type=int, default=16, help="lanes of 1,024 draws a run")
    parser.add_argument("--times", type=int, default=10, help="how many times the rows")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    if min(options.lanes, options.times, options.repeats) < 1:
        parser.error("--lanes, --times and --repeats must be at least 1")
    print(table(measure(options.lanes, options.times, options.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
