"""
All benchmarks, one after the other, and one page of tables and plots.

    python3 run.py performance                  (half an hour on two free cores)
    python3 run.py performance --size quick     (some minutes; a rougher page)
    python3 run.py performance --write          (and the page goes to docs/performance.md)

Each part runs in a process of its own; numbers and page are written after each, so that a run that
is stopped loses one part. `--parts` and `--without` choose. The README says what they measure.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the modules beside this file, wherever it is run from

from benchmarks import page  # noqa: E402
from benchmarks.parts import ON_REQUEST, PARTS, SIZES, Sizes  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"


def machine() -> dict[str, str]:
    """Return what the numbers depend on: system, cores, vector instructions, versions; no name."""
    import numpy as np  # noqa: PLC0415

    settings: Any = np.show_config(mode="dicts")
    vector = settings.get("SIMD Extensions", {})
    found = [*vector.get("baseline", []), *vector.get("found", [])]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cores),
        "vector instructions found by numpy": " ".join(found) or "not told",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in ("numpy", "scipy", "reesupply")},
    }


def measured(part: str, sizes: Sizes) -> Any:
    """
    Run a part in a fresh process.

    Parameters
    ----------
    part : str
        One of `PARTS`.
    sizes : Sizes
        How much of everything.

    Returns
    -------
    object
        What it found.

    Raises
    ------
    RuntimeError
        If it failed; its own message has gone to stderr.
    """
    command = [sys.executable, __file__, "--measure", part, json.dumps(dataclasses.asdict(sizes))]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        msg = f"{part}: stopped with status {done.returncode}"
        raise RuntimeError(msg)
    return json.loads(done.stdout)


def run(
    parts: Sequence[str],
    size: str,
    sizes: Sizes,
    found: dict[str, Any],
    write: Callable[[dict[str, Any]], object],
) -> list[str]:
    """
    Run parts in turn, and write all that is known after each.

    Parameters
    ----------
    parts : sequence of str
        Names.
    size : str
        One of `SIZES`, for the reader.
    sizes : Sizes
        How much of everything.
    found : dict
        What is known: "machine", and "parts" by name, which is added to.
    write : callable
        Takes `found`.

    Returns
    -------
    list of str
        Parts that failed.
    """
    failed = []
    for part in parts:
        started = datetime.now(UTC)
        print(f"{part} ...", file=sys.stderr, flush=True)
        try:
            numbers = measured(part, sizes)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            failed.append(part)
            continue
        seconds = (datetime.now(UTC) - started).total_seconds()
        found["parts"][part] = {
            "date": f"{started:%Y-%m-%d}",
            "took": round(seconds, 1),
            "size": size,
            "found": numbers,
        }
        write(found)
        print(f"{part}: {seconds:,.0f} s", file=sys.stderr, flush=True)
    return failed


def earlier(path: Path, here: dict[str, str]) -> dict[str, Any]:
    """Return the parts of a page that is there, if they are of this machine and these versions."""
    if not path.exists():
        return {}
    there = json.loads(path.read_text(encoding="utf-8"))
    if there["machine"] != here:
        print(
            "The page is of another machine or version, so all of it is replaced.", file=sys.stderr
        )
        return {}
    parts: dict[str, Any] = there["parts"]
    return parts


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    usual = [part for part in PARTS if part not in ON_REQUEST]
    rare = f"only these; {', '.join(ON_REQUEST)} where it is named, as it takes hours"
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=usual, help=rare)
    parser.add_argument("--without", nargs="+", choices=PARTS, default=[], help="all but these")
    parser.add_argument("--size", choices=SIZES, default="full", help="how much of everything")
    parser.add_argument("--curve-draws", type=int, help="draws of the run whose memory is watched")
    parser.add_argument("--long-draws", type=int, help="draws of the part long")
    parser.add_argument("--repeats", type=int, help="repetitions of most parts")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the page and its plots into the documentation; parts not run stay as they were",
    )
    parser.add_argument(
        "--render",
        action="store_true",
        help="measure nothing: write the page of the documentation anew from its numbers",
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for name in ("curve_draws", "long_draws", "repeats"):
        given = getattr(options, name)
        if given is not None and given < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if not set(options.parts) - set(options.without):
        parser.error("--without leaves no part to run")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the parts, write the numbers and the page; or, in a measured process, run one part.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process when None.

    Returns
    -------
    int
        1 if a part failed.
    """
    options = options_of(arguments)
    if options.measure:
        part, given = options.measure
        with redirect_stdout(sys.stderr):  # what a part says is for people
            numbers = PARTS[part](Sizes.of_text(given))
        print(json.dumps(numbers))
        return 0
    if options.render:
        page.write(json.loads((options.docs / page.NUMBERS).read_text("utf-8")), options.docs)
        return 0
    sizes = SIZES[options.size]
    given = {name: getattr(options, name) for name in ("curve_draws", "long_draws", "repeats")}
    sizes = dataclasses.replace(sizes, **{k: n for k, n in given.items() if n is not None})
    here = machine()
    parts = [part for part in PARTS if part in options.parts and part not in options.without]
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    folder = options.docs if options.write else options.out / f"all-{date}"
    kept = earlier(folder / page.NUMBERS, here) if options.write else {}
    found = {"machine": here, "parts": kept}
    failed = run(parts, options.size, sizes, found, lambda known: page.write(known, folder))
    print(f"The page: {folder / page.PAGE}")
    if failed:
        print(f"Not measured: {', '.join(failed)}; the reason is above.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
