"""What a user wants to know first, in sentences, from what the parts found."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import curve, targets

if TYPE_CHECKING:
    from collections.abc import Callable

LANE = 1_024
#: Threads that the targets are for.
THREADS = 2


def threads(count: int) -> str:
    """Write a number of threads."""
    return f"{count} thread{'s' * (count > 1)}"


def _long_enough(found: Any) -> str:
    runs = found["runs"]
    most = max(each["draws"] for each in runs)
    parts = []
    for draws in sorted({min(each["draws"] for each in runs), most}):
        own = sorted((e for e in runs if e["draws"] == draws), key=lambda e: e["workers"])
        times = " and ".join(f"{e['wall_s']:,.3g} s on {threads(e['workers'])}" for e in own)
        parts.append(f"{draws:,} draws take {times}")
    widest = {e["workers"]: e for e in runs if e["draws"] == most}
    one, last = (widest[count] for count in (min(widest), max(widest)))
    by_threads = (
        f" {threads(last['workers'])} do {last['draws_per_s'] / one['draws_per_s']:.2g} times the "
        f"draws of {threads(one['workers'])}."
        if last is not one
        else ""
    )
    return (
        f"**How long?** {one['cpu_ratio']:.0f} times the processor time that numpy needs for the "
        f"{one['inputs']} random numbers of a draw alone: {'; '.join(parts)}, in a fresh process, "
        f"with {last['load_s']:.2g} s to read and compile the scenario. That is up to "
        f"{last['draws_per_s']:,.0f} draws a second.{by_threads}"
    )


def _warm(found: Any) -> str:
    small, long = found["small"], found["long"]
    lane = long["cpu"] / long["draws"] * LANE
    return (
        f"**A small call?** A warm `simulate(plan, draws={small['draws']})`, which keeps its "
        f"draws, takes {small['cpu'] / lane:.2g} times as long as a lane of a long run: "
        f"{1e3 * small['cpu']:.3g} ms beside {1e3 * lane:.3g} ms of processor time on one thread. "
        "A call of fewer draws costs the same, as a lane of 1,024 is always computed whole."
    )


def _memory(found: Any) -> str:
    first, second = curve.halves(found["points"])
    return (
        f"**How much memory?** With `keep=()` at most {found['peak']:,.0f} MiB above the import in "
        f"a run of {found['draws']:,} draws on {threads(found['workers'])}; at most {first:,.0f} "
        f"in its first half and {second:,.0f} in its second."
    )


def _long(found: Any) -> str:
    return (
        f"**And a very long run?** {found['draws']:,} draws on {found['workers']} processes: at "
        f"most {found['peak']:,.0f} MiB above the import in each, and "
        f"{found['points'][-1][3] / found['draws'] * 1e6:.3g} µs of processor time a draw."
    )


def _growth(found: Any) -> str:
    _, *more = found
    text = ", ".join(f"{each['ratio']:.3g} times with {each['what']}" for each in more)
    return f"**How does it grow?** A draw costs {text}."


def _width(found: Any) -> str:
    samples = found["samples"]
    base = samples["threads"]
    ratios = {
        what: median(a["wall"] / b["wall"] for a, b in zip(own, base, strict=True))
        for what, own in samples.items()
        if what != "threads"
    }
    text = ", ".join(f"{ratio:.2f} times with {what}" for what, ratio in ratios.items())
    return (
        f"**Threads or processes?** Beside {found['workers']} threads a run of {found['draws']:,} "
        f"draws on as many processes takes {text}; the numbers are the same to the bit."
    )


def _single(found: Any) -> str:
    double, half = found
    ratios = [a / b for a, b in zip(half["us"], double["us"], strict=True)]
    return (
        f'**Single precision?** `dtype="{half["dtype"]}"` takes {median(ratios):.2f} times the '
        f"processor time and {half['lane_mib'] / double['lane_mib']:.2f} times the memory of a "
        f"lane; what it loses is {half['lost']:.0e} of a standard deviation at most."
    )


def _beside(found: Any) -> str:
    ours = targets.way(found, targets.OURS, 2)
    whole = targets.way(found, targets.WHOLE, 1)
    assert ours is not None
    assert whole is not None
    c = "" if ours["wall_by_c"] is None else f"{ours['wall_by_c']:.3g} times the time of C, and "
    others = [
        f"{targets.number(each['wall_by_ours'])} times with {each['name'].split(',')[0]}"
        for each in found["timings"]
        if each["name"].startswith(("EMA", "monaco", "squigglepy"))
    ]
    rest = f"; {', '.join(others)}" if others else ""
    return (
        "**Beside C and other packages?** On a written reference job reesupply's pieces take, on "
        f"two threads, {c}whole arrays of numpy take {whole['wall_by_ours']:.3g} times "
        f"theirs{rest}. A draw takes {ours['wall_us']:.3g} µs."
    )


def _dearest(found: Any) -> str:
    last = sorted((e for e in found if "lane" not in e["what"]), key=lambda e: -e["ms"])[:3]
    text = ", ".join(f"{each['what']} {each['ms']:.2g} ms" for each in last)
    return f"**What does a kernel cost?** The dearest three on a lane of 1,024 draws: {text}."


ANSWERS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("baseline", _long_enough),
    ("memory", _memory),
    ("long", _long),
    ("profile", _warm),
    ("scaling", _growth),
    ("executors", _width),
    ("single", _single),
    ("limit", _beside),
    ("kernels", _dearest),
)


def why_missed(found: Any) -> list[str]:
    """Say, stage by stage, why a call or a long run takes longer than was asked; or nothing."""
    long, small = found["long"], found["small"]
    said = []
    took, (name, share) = 1e3 * small["cpu"], _largest(small)
    if took > targets.WARM_MS:
        said.append(
            f"A warm call in {targets.WARM_MS:.0f} ms would need every stage to be "
            f"{took / targets.WARM_MS:.2g} times as quick: without the largest, {name}, it would "
            f"still take {took * (1.0 - share):.0f} ms of processor time. A draw has "
            f"{found['writing']['numbers']:,.0f} numbers that later stages or statistics read; to "
            f"fill the arrays of a lane with a constant takes {found['writing']['ms']:.3g} ms."
        )
    allowed = targets.LONG_RUN_SECONDS / targets.LONG_RUN * 1e6
    cost, (name, share) = long["cpu"] / long["draws"] * 1e6, _largest(long)
    if cost > THREADS * allowed:
        said.append(
            f"{targets.LONG_RUN:,} draws in {targets.LONG_RUN_SECONDS / 60.0:.0f} minutes leave "
            f"{allowed:.2g} µs for each, which on {threads(THREADS)} without any loss are "
            f"{THREADS * allowed:.2g} µs of processor time. A draw takes {cost:.3g}, of which "
            f"{name} {cost * share:.3g}."
        )
    return said


def _largest(run: Any) -> tuple[str, float]:
    """Return the stage that takes most, and its share of the elapsed time of a run."""
    name, seconds = max(run["stages"].items(), key=lambda item: item[1])
    return name, seconds / run["wall"]


def why_above_c(found: Any) -> list[str]:
    """Say which stages keep the reference job above the time that was asked; or nothing."""
    ours, c = targets.way(found, targets.OURS, 1), targets.way(found, targets.C_WAY, 1)
    if ours is None or c is None or ours["cpu_us"] <= targets.BY_C * c["cpu_us"]:
        return []
    stages = sorted(found["stages"]["numpy"].items(), key=lambda item: -item[1])
    few = " and ".join(name for name, _ in stages[:2])
    said = [
        f"C does a draw in {c['cpu_us']:.3g} µs of processor time, so {targets.BY_C:.2g} times "
        f"that is {targets.BY_C * c['cpu_us']:.3g}. The two largest stages here, {few}, take "
        f"{sum(us for _, us in stages[:2]):.3g}, the others {sum(us for _, us in stages[2:]):.3g}."
    ]
    by_plain = {
        name: way["wall_us"] / plain["wall_us"]
        for name in (targets.OURS, targets.COMPILED)
        if (way := targets.way(found, name, THREADS))
        and (plain := targets.way(found, targets.PLAIN_C, THREADS))
    }
    if by_plain:
        times = ", ".join(f"{name}, {ratio:.2g} times" for name, ratio in by_plain.items())
        said.append(
            "This C is written in vectors by hand where a compiler does not find them. Beside "
            f"plain loops in C, with the same flags, a draw takes on two threads: {times}."
        )
    return said
