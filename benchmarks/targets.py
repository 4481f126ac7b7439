"""What was asked of the library's speed, beside what was found."""

from __future__ import annotations

import dataclasses
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.run import markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Parts = Mapping[str, Any]

#: How long a run of a hundred million draws may take, in seconds.
LONG_RUN, LONG_RUN_SECONDS = 100_000_000, 900.0
#: Names in the limit benchmark.
C_WAY, PLAIN_C = "C, fused kernel", "C, plain loops"
OURS, COMPILED = "reesupply, in blocks", "reesupply, numba kernels"
WHOLE = "numpy, whole arrays"


def number(value: float) -> str:
    """Write a number with three digits, or as a whole one."""
    return f"{value:,.0f}" if abs(value) >= 1_000.0 else f"{value:.3g}"


@dataclasses.dataclass(frozen=True)
class Target:
    """
    One thing that was asked.

    Attributes
    ----------
    part : str
        Which part measures it.
    what : str
        In words.
    asked : float
        The number, in the unit.
    unit : str
        Written after the number.
    find : callable
        Takes what the part found, and returns the number, or None where it has none.
    at_least : bool
        Whether more is better.
    """

    part: str
    what: str
    asked: float
    unit: str
    find: Callable[[Any], float | None]
    at_least: bool = False

    def missed(self, found: float) -> float:
        """Return how many times too much, or too little, it is; at most 1 where it is reached."""
        return self.asked / found if self.at_least else found / self.asked

    def row(self, parts: Parts) -> tuple[str, str, str, str]:
        """Return what was asked, the number asked, the number found, and the verdict."""
        asked = f"{'at least' if self.at_least else 'at most'} {number(self.asked)}{self.unit}"
        found = self.find(parts[self.part]["found"]) if self.part in parts else None
        if found is None:
            return self.what, asked, "-", "not measured"
        missed = self.missed(found)
        # written so that NaN is no success
        verdict = "reached" if missed <= 1.0 else f"**missed**, by a factor of {number(missed)}"
        return self.what, asked, f"{number(found)}{self.unit}", verdict


def way(found: Any, name: str, threads: int) -> dict[str, Any] | None:
    """Return a line of the limit benchmark, the first whose name begins so."""
    for each in found["timings"]:
        if each["name"].startswith(name) and each["threads"] == threads:
            line: dict[str, Any] = each
            return line
    return None


def _limit(name: str, threads: int, column: str) -> Callable[[Any], float | None]:
    def find(found: Any) -> float | None:
        line = way(found, name, threads)
        return None if line is None or line[column] is None else float(line[column])

    return find


def _threads(found: Any) -> float | None:
    one, two = way(found, OURS, 1), way(found, OURS, 2)
    return one["wall_us"] / two["wall_us"] if one and two else None


def _flodym(found: Any) -> float | None:
    ours = next(each["us"] for each in found if each["what"] == "reesupply, one call")
    return next((each["us"] / ours for each in found if each["what"].startswith("flodym")), None)


def _import(found: Any) -> float | None:
    return _ratio(found["ratios"], "import reesupply")


def _rows(what: str) -> Callable[[Any], float | None]:
    return lambda found: _ratio(found, what)


def _ratio(lines: Sequence[dict[str, Any]], ending: str) -> float | None:
    """Return the ratio of the first line whose name ends so."""
    return next((float(each["ratio"]) for each in lines if each["what"].endswith(ending)), None)


def _dask(found: Any) -> float | None:
    samples = found["samples"]
    if "dask-keeping-memory" not in samples:
        return None
    pairs = zip(samples["dask-keeping-memory"], samples["threads"], strict=True)
    ratio = float(median(dask["wall"] / threads["wall"] for dask, threads in pairs))
    return 100.0 * (ratio - 1.0)


def long_run(found: Any) -> float:
    """Return processor seconds of each worker for a hundred million draws, as the watched run."""
    done, _, _, used = found["points"][-1]
    return float(used / found["workers"] / done * LONG_RUN)


#: A warm call may take so many milliseconds, and a run so much memory [MiB].
WARM_MS, MEMORY_MIB = 10.0, 200.0
#: The reference job on two threads may take so many times the time of C.
BY_C = 2.0

TARGETS = (
    Target(
        "limit", "the reference job on 2 threads, by the time of C", BY_C, "",
        _limit(OURS, 2, "wall_by_c"),
    ),
    Target(
        "limit", "whole-array numpy on the reference job, by reesupply's time", 12.0, "",
        _limit(WHOLE, 1, "wall_by_ours"), at_least=True,
    ),
    Target(
        "limit", "the reference job, how much quicker 2 threads are than 1", 1.7, " times",
        _threads, at_least=True,
    ),
    Target(
        "limit", "EMA workbench on the reference job, by reesupply's time", 200.0, "",
        _limit("EMA", 1, "wall_by_ours"), at_least=True,
    ),
    Target(
        "limit", "monaco on the reference job, by reesupply's time", 250.0, "",
        _limit("monaco", 1, "wall_by_ours"), at_least=True,
    ),
    Target(
        "limit", "squigglepy on the reference job, by reesupply's time", 1_000.0, "",
        _limit("squigglepy", 1, "wall_by_ours"), at_least=True,
    ),
    Target(
        "stocks", "flodym on the stock model, by reesupply's time", 20.0, "", _flodym, at_least=True
    ),
    Target(
        "profile", "a warm call of 1,000 draws on one thread", WARM_MS, " ms",
        lambda found: 1e3 * found["small"]["cpu"],
    ),
    Target(
        "long", "100,000,000 draws on 2 processes, processor time of each",
        LONG_RUN_SECONDS / 60.0, " min", lambda found: long_run(found) / 60.0,
    ),
    Target(
        "memory", "most memory above the import, statistics only, 2 threads", MEMORY_MIB, " MiB",
        lambda found: found["peak"],
    ),
    Target(
        "long", "most memory of a process above the import, statistics only", MEMORY_MIB, " MiB",
        lambda found: found["peak"],
    ),
    Target("scaling", "a draw with 10 times the projects", 10.0, " times", _rows("projects")),
    Target("scaling", "a draw with 10 times the end uses", 10.0, " times", _rows("end uses")),
    Target("baseline", "`import reesupply`, by `import numpy`", 1.3, "", _import),
    Target(
        "streamed", "statistics, by the time of the model", 33.3, " %",
        lambda found: 100.0 * found["statistics"] / found["model"],
    ),
    Target(
        "executors",
        "Dask with 2 processes that keep their memory, time above 2 threads (asked at 10^7 draws)",
        15.0, " %", _dask,
    ),
)  # fmt: skip


def table(parts: Parts) -> str:
    """Return all targets as a Markdown table."""
    rows = [target.row(parts) for target in TARGETS]
    return markdown(("what", "asked", "found", "verdict"), rows)


def sentence(parts: Parts) -> str:
    """Say how many are reached, and name those that are not."""
    verdicts = {target.what: target.row(parts)[3] for target in TARGETS}
    known = {what: verdict for what, verdict in verdicts.items() if verdict != "not measured"}
    missed = [what for what, verdict in known.items() if verdict != "reached"]
    text = f"{len(known) - len(missed)} of {len(known)} are reached."
    if missed:
        text += f" Not reached: {'; '.join(missed)}."
    if len(known) < len(verdicts):
        text += f" Not measured: {len(verdicts) - len(known)}."
    return text
