"""The page on performance: the text with its numbers, from what the parts found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks import answers, curve, executors, run, scaling, single, stocks, streamed, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: Files of the page, in the folder of the documentation.
PAGE, NUMBERS = "performance.md", "_static/performance.json"
MEMORY, LONG, JOB = (f"_static/performance-{name}.svg" for name in ("memory", "long", "job"))
LANE = 1_024
#: Share of its cores that a run has on a machine without other work.
ALONE = 0.95
#: Which command runs a part alone.
COMMANDS = {
    "baseline": "python3 run.py benchmark",
    "profile": "python3 run.py performance --parts profile",
    "memory": "python benchmarks/curve.py",
    "long": "python benchmarks/curve.py --draws 100000000 --processes",
    "scaling": "python benchmarks/scaling.py",
    "executors": "python benchmarks/executors.py",
    "limit": "python benchmarks/limit/run.py",
    "stocks": "python benchmarks/stocks.py",
    "streamed": "python benchmarks/streamed.py",
    "single": "python benchmarks/single.py",
    "kernels": "pytest benchmarks/kernels.py --benchmark-timer=time.process_time",
}


def text(content: Mapping[str, Any]) -> str:
    """
    Return the page.

    Parameters
    ----------
    content : mapping
        "machine": what the numbers depend on. "parts": by name a mapping with "date", "took",
        "size" and "found".

    Returns
    -------
    str
        Markdown. A part that was not run has no section, and its targets say so.
    """
    parts = content["parts"]
    found = {name: part["found"] for name, part in parts.items()}
    sections = [_head(content), _short(found), _asked(parts)]
    sections += [section(found[name]) for name, section in SECTIONS.items() if name in found]
    return "\n\n".join([*sections, _repeat(content)]) + "\n"


def write(content: Mapping[str, Any], folder: Path) -> None:
    """
    Write the page, its plots, and the numbers that both are made of.

    Parameters
    ----------
    content : mapping
        As for `text`.
    folder : Path
        Of the documentation, or another.
    """
    from benchmarks import pictures  # noqa: PLC0415 -- matplotlib, where there is a picture

    (folder / NUMBERS).parent.mkdir(parents=True, exist_ok=True)
    (folder / NUMBERS).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(text(content), encoding="utf-8")
    parts = content["parts"]
    for part, picture in (("memory", MEMORY), ("long", LONG)):
        if part in parts:
            pictures.memory(parts[part]["found"], targets.MEMORY_MIB, folder / picture)
    if "limit" in parts:
        pictures.reference_job(parts["limit"]["found"]["timings"], folder / JOB)


# -- the beginning ----------------------------------------------------------------------------


def _head(content: Mapping[str, Any]) -> str:
    machine, parts = content["machine"], content["parts"]
    dates = sorted({part["date"] for part in parts.values()})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    lines = [
        "# Performance",
        "",
        "How long a run takes, how much memory it needs, how both grow, and what was asked of them "
        "and is not reached. One command measures all of it and writes this page, its tables and "
        "its plots ([how to repeat it](#how-to-repeat-it)); no number here is typed by hand.",
        "",
        f"Measured on {when}: {machine['system']}, {machine['cores']} cores, {machine['python']}, "
        f"numpy {machine['numpy']}, reesupply {machine['reesupply']}. Ratios are what to read on "
        "another machine.",
    ]
    tried = [name for name, part in parts.items() if part["size"] == "tiny"]
    rough = [name for name, part in parts.items() if part["size"] == "quick"]
    for names, words in (
        (tried, "Only tried out with a few draws, so that their numbers say little"),
        (rough, "Rough numbers, from fewer draws and repetitions than a full run has"),
    ):
        if names:
            lines += ["", ":::{warning}", f"{words}: {', '.join(names)}.", ":::"]
    return "\n".join(lines)


def _short(found: Mapping[str, Any]) -> str:
    """Answer the questions that a user has, ratios first."""
    lines = [answer(found[part]) for part, answer in answers.ANSWERS if part in found]
    return "\n".join(["## In short", "", *(f"- {line}" for line in lines)])


def _asked(parts: Mapping[str, Any]) -> str:
    return "\n\n".join(
        [
            "## What was asked, and what was found",
            "These were the targets. " + targets.sentence(parts),
            targets.table(parts),
        ]
    )


# -- sections ---------------------------------------------------------------------------------


def _profile(found: Any) -> str:
    long, small = found["long"], found["small"]
    stages = {
        **{name: (long["stages"][name], small["stages"][name]) for name in long["stages"]},
        "outside the lanes": tuple(
            each["wall"] - sum(each["stages"].values()) for each in (long, small)
        ),
    }
    rows = [
        (
            name,
            f"{most / long['wall']:.1%}",
            f"{most / long['draws'] * 1e6:.2f}",
            f"{one / small['wall']:.1%}",
            f"{1e3 * one:.2f}",
        )
        for name, (most, one) in sorted(stages.items(), key=lambda item: -item[1][0])
    ]
    head = ("stage", "share", "µs a draw", "share of a small call", "ms of it")
    return "\n\n".join(
        [
            "## Where the time goes",
            f"`simulate(profile=True)` on one thread: {long['draws']:,} draws with statistics "
            f"only, and a warm call of {small['draws']:,} draws that keeps them.",
            run.markdown(head, rows),
            *answers.why_missed(found),
        ]
    )


def _baseline(found: Any) -> str:
    runs = [run.Run(**each) for each in found["runs"]]
    ratios = [run.Ratio(**each) for each in found["ratios"]]
    return "\n\n".join(
        [
            "## Time and memory by draws",
            "The whole call in a fresh process, beside the floor: the time numpy needs for the "
            "uniform numbers alone. Medians, and the range in brackets.",
            run.run_table(runs),
            run.ratio_table(ratios),
        ]
    )


def _curve(found: Any) -> str:
    return "\n\n".join(
        [
            "## Memory of a long run",
            _figure(
                MEMORY,
                "Two curves against draws done: resident memory, and processor time a draw.",
                f"A run of {found['draws']:,} draws with `keep=()` on "
                f"{answers.threads(found['workers'])}. Above: resident memory of the process over "
                "what it had after the import, looked at about once a second; the first point is "
                "the compiled scenario. Below: processor time of a draw between such looks.",
            ),
            curve.table(found),
        ]
    )


def _long(found: Any) -> str:
    _, _, elapsed, cpu = found["points"][-1]
    share = cpu / elapsed / found["workers"]
    lines = [
        "## Memory of a very long run",
        _figure(
            LONG,
            "Two curves against draws done: resident memory, and processor time a draw.",
            f"A run of {found['draws']:,} draws with `keep=()` on {found['workers']} processes. "
            "Above: resident memory of the largest process over what this one had after the "
            "import. Below: processor time of a draw, of all processes.",
        ),
    ]
    if share < ALONE:
        lines.append(
            f"Other programs ran on the machine meanwhile: the processes had {share:.0%} of the "
            "time of their cores, so processor time is what to read."
        )
    return "\n\n".join([*lines, curve.table(found)])


def _scaling(found: Any) -> str:
    return "\n\n".join(
        [
            "## How it grows",
            "Copies of the baseline's projects or end uses under other names; one thread, "
            "processor time.",
            scaling.table([scaling.Growth(**each) for each in found]),
        ]
    )


def _executors(found: Any) -> str:
    samples = {
        what: [executors.Sample(**each) for each in own] for what, own in found["samples"].items()
    }
    return "\n\n".join(
        [
            "## Threads and processes",
            f"The same run on {found['workers']} threads and on as many processes, in turns. "
            f"{{doc}}`/how-to/cluster` says what travels, and "
            "what it means for many machines.",
            executors.table(samples, found["draws"]),
        ]
    )


def _limit(found: Any) -> str:
    from benchmarks.limit import run as limit  # noqa: PLC0415 -- loads what it measures

    made_by = found["compiler"] or "there was no C compiler"
    largest = max(found["differences"].items(), key=lambda item: item[1])
    return "\n\n".join(
        [
            "## Beside C and other packages",
            "One written job (`benchmarks/limit/README.md`): 80 inputs, 30 projects, 10 end uses, "
            "16 years, recycling and histograms. First the values of all ways are compared, then "
            "they are timed in turns. The largest difference from whole-array numpy is "
            f"{largest[1]:.0e} of a standard deviation ({largest[0]}). C: {made_by}. "
            f"{found['packages']}.",
            _figure(
                JOB,
                "Bars: time of a draw of the reference job by way, on a logarithmic axis.",
                "Elapsed time of a draw of the reference job, by that of C on two threads (of "
                "reesupply where there is no C). The axis is logarithmic.",
            ),
            limit.table([limit.Timing(**each) for each in found["timings"]]),
            "Where the time of reesupply goes in this job, one thread:",
            limit.profile_table(found["stages"]),
            *answers.why_above_c(found),
        ]
    )


def _stocks(found: Any) -> str:
    return "\n\n".join(
        [
            "## The stock model",
            "Outflows over 36 years, with one uncertain lifetime and one inflow series in each "
            "draw.",
            stocks.table([stocks.Timing(**each) for each in found]),
        ]
    )


def _streamed(found: Any) -> str:
    return "\n\n".join(
        [
            "## Statistics without draws",
            "What a run gathers with `keep=()`, beside the model: first all together, then parts "
            "by themselves; *read* and *sort* are for comparison.",
            streamed.table(found),
        ]
    )


def _single(found: Any) -> str:
    return "\n\n".join(
        [
            "## Single precision",
            '`simulate(dtype="float32")` on one thread, in turns with double precision: long runs '
            "with statistics only, a warm call of 1,000 draws that keeps them, the arrays of a "
            "lane, and what a draw keeps where nothing else is asked for. What is lost is the "
            "largest entry of `result.rounding()`. Inputs, dates "
            "and statistics are in double precision either way.",
            single.table([single.Precision(**each) for each in found]),
        ]
    )


def _kernels(found: Any) -> str:
    whole = next(each["ms"] for each in found if each["what"] == "one lane of the baseline")
    rows = [
        (
            each["what"],
            f"{each['ms'] / whole:.1%}",
            f"{each['ms']:.3f} ({each['low']:.3f} to {each['high']:.3f})",
            f"{each['ms'] / LANE * 1e3:.2f}",
        )
        for each in sorted(found, key=lambda each: -each["ms"])
    ]
    head = ("kernel", "by the lane", "CPU ms (quartiles)", "µs a draw")
    return "\n\n".join(
        [
            "## Kernels",
            "Each alone on what one lane of the baseline gives it, 1,024 draws; the largest call "
            "where a lane makes several. The random numbers and the statistics come on top of the "
            "lane.",
            run.markdown(head, rows),
        ]
    )


SECTIONS: dict[str, Callable[[Any], str]] = {
    "profile": _profile,
    "baseline": _baseline,
    "memory": _curve,
    "long": _long,
    "scaling": _scaling,
    "executors": _executors,
    "limit": _limit,
    "stocks": _stocks,
    "streamed": _streamed,
    "single": _single,
    "kernels": _kernels,
}


def _figure(path: str, alt: str, caption: str) -> str:
    return f":::{{figure}} {path}\n:alt: {alt}\n\n{caption}\n:::"


_COMMANDS = """\
```text
python3 run.py performance                 # the numbers go to benchmarks/results/
python3 run.py performance --size quick    # fewer draws and repetitions
python3 run.py performance --write         # and this page is written anew
```"""


def _repeat(content: Mapping[str, Any]) -> str:
    parts = content["parts"]
    rows = [
        (name, f"`{COMMANDS[name]}`", part["size"], part["date"], f"{part['took'] / 60.0:,.1f}")
        for name, part in parts.items()
    ]
    words = "; ".join(f"{name}: {value}" for name, value in content["machine"].items())
    return "\n\n".join(
        [
            "## How to repeat it",
            _COMMANDS,
            "`--parts` and `--without` choose, `--curve-draws` sets how long memory is watched, "
            "`--repeats` how often is measured. "
            "With `--write` parts that were not run keep their numbers if they are of the same "
            "machine and versions. The command for one part alone:",
            run.markdown(("part", "command", "size", "date", "minutes"), rows),
            f"Machine: {words}.",
            f"All numbers: [performance.json]({NUMBERS}).",
        ]
    )
