"""
The stock model with an uncertain lifetime in every draw, beside flodym and plain numpy.

    python benchmarks/stocks.py              (a minute; 100,000 draws)
    pip install -e ".[bench]"                (flodym; without it that line is left out)

36 years, one Weibull lifetime and one inflow series in each draw, outflows wanted. All in one
process, in turns, so that a busy moment of the machine does not hit one alone; the values are
compared before anything is timed. What is measured, and how to read it, is in the README.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import platform
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.models.stocks import Weibull, leaving_share, outflow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

YEARS = 36
DRAWS, REPEATS = 100_000, 7
#: Draws a call of those who are quicker with few, and how many draws of flodym are timed.
PER_CALL, FLODYM_DRAWS = 1_000, 5_000
GOODS_DRAWS, GOODS_YEARS = 1_024, 41


@dataclasses.dataclass(frozen=True)
class Case:
    """Inputs of the job, time-major as reesupply has them and draw-major as numpy users do."""

    scale: FloatArray
    shape: FloatArray
    inflow: FloatArray  # (year, draw)
    inflow_by_draw: FloatArray  # (draw, year)

    @property
    def draws(self) -> int:
        """Number of draws."""
        return self.scale.size

    def part(self, start: int, stop: int) -> Case:
        """Return some draws only."""
        rows = self.inflow_by_draw[start:stop]
        return Case(
            self.scale[start:stop], self.shape[start:stop], np.ascontiguousarray(rows.T), rows
        )


@dataclasses.dataclass(frozen=True)
class Timing:
    """
    One way of doing the job.

    Attributes
    ----------
    what : str
        Who and how.
    draws : int
        Draws of a repetition.
    us, us_low, us_high : float
        Processor microseconds a draw: median, smallest, largest.
    difference : float or None
        Largest difference of an outflow from the reference, as a share of the draw's largest
        outflow; None where it is another job.
    """

    what: str
    draws: int
    us: float
    us_low: float
    us_high: float
    difference: float | None


def make_case(draws: int, seed: int = 1) -> Case:
    """Draw lifetimes of 10 to 20 years and inflows that grow unevenly."""
    rng = np.random.default_rng(seed)
    growth = np.exp(np.cumsum(rng.normal(0.05, 0.1, (draws, YEARS)), axis=1))
    scale, shape = rng.uniform(10.0, 20.0, draws), rng.uniform(2.0, 5.0, draws)
    return Case(scale, shape, np.ascontiguousarray(growth.T), growth)


# -- the ways ------------------------------------------------------------------------------


def by_reesupply(case: Case) -> FloatArray:
    """One call, whatever the number of draws."""
    return outflow(case.inflow, Weibull(case.scale, case.shape), inflow_at="end")


def by_reesupply_uniform(case: Case) -> FloatArray:
    """Do the same with inflow spread evenly over the year, which nobody else here does exactly."""
    return outflow(case.inflow, Weibull(case.scale, case.shape))


def by_numpy(case: Case) -> FloatArray:
    """Do what one writes first: a row for each draw, a loop over lags; (draw, year)."""
    with np.errstate(divide="ignore"):
        log_age = np.log(np.arange(YEARS))
    power = np.exp(case.shape[:, np.newaxis] * (log_age - np.log(case.scale)[:, np.newaxis]))
    leaving = -np.diff(np.exp(-power), axis=1, prepend=1.0)
    total = leaving[:, :1] * case.inflow_by_draw
    for lag in range(1, YEARS):
        total[:, lag:] += leaving[:, lag : lag + 1] * case.inflow_by_draw[:, :-lag]
    return np.asarray(total)


def by_exponentials(case: Case) -> FloatArray:
    """Take only the two exponentials of each draw and each of 35 ages, in cache."""
    work = np.full((YEARS - 1, 512), -0.5)
    out = np.empty_like(work)
    for _ in range(-(-case.draws // 512)):
        np.exp(work, out=out)
        np.exp(work, out=out)
    return out


def by_flodym(case: Case) -> FloatArray:
    """Use flodym's quickest way with uncertain lifetimes: draws as a dimension."""
    import flodym as fd  # noqa: PLC0415 -- optional

    dims = fd.DimensionSet(
        dim_list=[
            fd.Dimension(name="time", letter="t", items=list(range(YEARS)), dtype=int),
            fd.Dimension(name="draw", letter="n", items=list(range(case.draws)), dtype=int),
        ]
    )
    of_draw = dims.get_subset(("n",))
    life = fd.WeibullLifetime(
        dims=dims,
        time_letter="t",
        inflow_at="end",
        weibull_shape=fd.FlodymArray(dims=of_draw, values=case.shape),
        weibull_scale=fd.FlodymArray(dims=of_draw, values=case.scale),
    )
    use: Any = fd.InflowDrivenDSM(dims=dims, lifetime_model=life, time_letter="t")
    use.inflow.values[...] = case.inflow
    use.compute()
    return np.asarray(use.outflow.values, dtype=np.float64)


def goods_kernels(case: Case) -> FloatArray:
    """Do what a lane of the engine does for one good: the kernel from mean and shape."""
    life = Weibull.from_mean(case.scale[:GOODS_DRAWS], case.shape[:GOODS_DRAWS])
    return leaving_share(life, GOODS_YEARS, inflow_at="uniform")


# -- measuring -----------------------------------------------------------------------------


def in_calls(way: Callable[[Case], FloatArray], parts: list[Case]) -> None:
    """Go through the draws in several calls."""
    for part in parts:
        way(part)


def difference(found: FloatArray, expected: FloatArray) -> float:
    """Return the largest difference of (year, draw) arrays by the draw's largest, NaN if any is."""
    return float((np.abs(found - expected) / np.abs(expected).max(axis=0)).max())


def measure(
    draws: int = DRAWS, repeats: int = REPEATS, flodym_draws: int = FLODYM_DRAWS
) -> list[Timing]:
    """Compare the values of all ways, then time them in turns."""
    case = make_case(draws)
    some = [case.part(i, i + PER_CALL) for i in range(0, draws, PER_CALL)]
    small = case.part(0, min(GOODS_DRAWS, draws))
    reference = by_numpy(case).T
    ours = difference(by_reesupply(case), reference)
    cut = difference(np.concatenate([by_numpy(part) for part in some]).T, reference)
    calls = f"{PER_CALL:,} draws a call"
    ways: list[tuple[str, int, Callable[[], object], float | None]] = [
        ("the exponentials alone, 2 x 35 a draw", draws, lambda: by_exponentials(case), None),
        ("reesupply, one call", draws, lambda: by_reesupply(case), ours),
        ("reesupply, inflow_at='uniform'", draws, lambda: by_reesupply_uniform(case), None),
        ("reesupply, kernel of a good, 41 years", small.draws, lambda: goods_kernels(small), None),
        (f"numpy draw by draw, {calls}", draws, lambda: in_calls(by_numpy, some), cut),
        ("numpy draw by draw, one call", draws, lambda: by_numpy(case), None),
    ]
    if importlib.util.find_spec("flodym") is None:
        print('flodym is not installed, so it is left out: pip install -e ".[bench]"')
    else:
        few = some[: max(flodym_draws // PER_CALL, 1)]
        count = sum(part.draws for part in few)
        found = np.concatenate([by_flodym(part) for part in few], axis=1)
        theirs = difference(found, reference[:, :count])
        ways.append((f"flodym, {calls}", count, lambda: in_calls(by_flodym, few), theirs))
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats):
        for (_, count, way, _), taken in zip(ways, seconds, strict=True):
            times = max(1, min(draws, 20_000) // count)  # a short one several times
            start = time.process_time()
            for _ in range(times):
                way()
            taken.append((time.process_time() - start) / (times * count) * 1e6)
    return [
        Timing(what, count, median(us), min(us), max(us), off)
        for (what, count, _, off), us in zip(ways, seconds, strict=True)
    ]


def table(timings: Sequence[Timing]) -> str:
    """Return the timings as a Markdown table, with ratios to reesupply's one call."""
    ours = next(t for t in timings if t.what == "reesupply, one call")
    lines = [
        "| way | draws | µs CPU a draw (range) | by reesupply's | largest difference |",
        "| :-- | --: | --: | --: | --: |",
    ]
    for each in timings:
        off = "" if each.difference is None else f"{each.difference:.0e}"
        lines.append(
            f"| {each.what} | {each.draws:,} | {each.us:.3g} ({each.us_low:.3g} to "
            f"{each.us_high:.3g}) | {each.us / ours.us:.2g} | {off} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args(arguments)
    if options.draws < 1 or options.repeats < 1:
        parser.error("--draws and --repeats must be at least 1")
    packages = [f"{name} {version(name)}" for name in ("numpy", "reesupply")]
    if importlib.util.find_spec("flodym") is not None:
        packages.append(f"flodym {version('flodym')}")
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}; {machine}, {', '.join(packages)}; {YEARS} years")
    print(table(measure(options.draws, options.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
