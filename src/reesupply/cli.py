"""The command `reesupply`: reproduce, report, simulate, decompose, verify, validate..."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reesupply import __version__
from reesupply.errors import ReesupplyError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Exit status when the input is wrong.
BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process when None.

    Returns
    -------
    int
        0, or 2 when the input is wrong: one sentence on standard error says why.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # a title may hold what the terminal has no character for; standard error does the same
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = _parser().parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        if sys.stdout is not None:  # a reader that has gone away is noticed here, not at exit
            sys.stdout.flush()
    except ReesupplyError as error:
        print(f"reesupply: {_place(arguments, error)}{error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("reesupply: interrupted; earlier results are as they were", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _say_no_more()
        return 0
    except OSError as error:  # files have sentences of their own; this is standard output
        _say_no_more()
        print(f"reesupply: cannot be written ({error.strerror or error})", file=sys.stderr)
        return BAD_INPUT
    return code


def _say_no_more() -> None:
    """Drop what standard output still holds, which would fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _place(arguments: argparse.Namespace, error: ReesupplyError) -> str:
    """Name the scenario file where the sentence does not: a fault found when it is compiled."""
    file = Path(getattr(arguments, "scenario", "")).name
    told = not isinstance(error, ScenarioError) or file in str(error)
    return "" if told or not file.endswith(".toml") else f"{file}: "


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reesupply",
        description="The open, auditable, probabilistic balance of Dy and Tb to 2035.",
    )
    parser.add_argument("--version", action="version", version=f"reesupply {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    one = _command(commands, "reproduce", _reproduce, "run untuned beside the published claims")
    _run_options(one)
    one.add_argument("--draws", type=int, help="Monte Carlo draws (default: 32,768)")
    one.add_argument("--seed", type=int, default=2035, help="seed (default: 2035)")
    one.add_argument("--out", type=Path, default=Path("reproduction"), help="folder to write")

    one = _command(commands, "report", _report, "write one HTML page of all that was found")
    _run_options(one)
    one.add_argument("--draws", type=int, help="Monte Carlo draws (default: 32,768)")
    one.add_argument("--seed", type=int, default=2035, help="seed (default: 2035)")
    one.add_argument("--out", type=Path, default=Path("report.html"), help="file to write")
    one.add_argument(
        "--date", help="date that the page states (default: SOURCE_DATE_EPOCH, or today)"
    )

    one = _command(commands, "simulate", _simulate, "simulate and print the balance by year")
    _run_options(one)
    one.add_argument(
        "--draws", type=int, default=16_384, help="Monte Carlo draws (default: 16,384)"
    )
    one.add_argument("--seed", type=int, help="seed (default: fresh entropy)")
    one.add_argument("--design", default="random", help="random, lhs or sobol")
    one.add_argument(
        "--until",
        type=float,
        metavar="SHARE",
        help="go on until the balance is known to this share of its range",
    )
    one.add_argument("--out", type=Path, help="netCDF file to write")

    one = _command(
        commands, "decompose", _decompose, "say what lies between the deficits of two scenarios"
    )
    one.add_argument("first", nargs="?", default="baseline", help="a .toml file or a shipped name")
    one.add_argument("second", nargs="?", default="cru-reading", help="the same")
    _how_to_run(one)
    one.add_argument(
        "--draws", type=int, help="draws of each run (default: 1,024); 0: deterministic runs only"
    )
    one.add_argument("--seed", type=int, default=2035, help="seed (default: 2035)")
    one.add_argument("--year", type=int, help="year of the deficit (default: the last)")
    one.add_argument("--plot", type=Path, metavar="FILE", help="chart to write (.png or .svg)")

    one = _command(commands, "verify", _verify, "forecast again from past vintages, and score it")
    one.add_argument(
        "--vintages", type=int, nargs="+", metavar="YEAR", help="default: 2012 2015 2018 2020"
    )
    one.add_argument("--draws", type=int, default=4_096, help="draws a forecast (default: 4,096)")
    one.add_argument("--seed", type=int, default=2035, help="seed (default: 2035)")
    one.add_argument("--out", type=Path, default=Path("verification"), help="folder to write")

    one = _command(commands, "validate", _validate, "check a scenario file")
    one.add_argument("scenario", help="a .toml file, or the name of a shipped scenario")

    one = _command(commands, "schema", _schema, "print the JSON Schema of a scenario file")
    one = _command(commands, "scenarios", _scenarios, "list the shipped scenarios")
    return parser


def _command(commands: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scenario", nargs="?", default="baseline", help="a .toml file or a shipped name"
    )
    _how_to_run(parser)


def _how_to_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=int, help="threads (default: one per core)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def _reproduce(arguments: argparse.Namespace) -> int:
    from reesupply.analysis.reproduction import DRAWS, reproduce
    from reesupply.report.folder import check_target

    check_target(arguments.out)  # now, not after the run
    found = reproduce(
        arguments.scenario,
        draws=DRAWS if arguments.draws is None else arguments.draws,
        rng=arguments.seed,
        workers=arguments.workers,
        progress=not arguments.quiet,
    )
    found.write(arguments.out)
    if arguments.json:
        print(found.claims.reset_index().to_json(orient="records", indent=1))
    else:
        print(found.text())
        print(f"Tables, charts and the scenario are in {arguments.out}")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from reesupply.analysis.reproduction import DRAWS, reproduce
    from reesupply.report.page import check_page, page_date

    check_page(arguments.out)  # now, not after the run
    day = page_date(arguments.date)
    found = reproduce(
        arguments.scenario,
        draws=DRAWS if arguments.draws is None else arguments.draws,
        rng=arguments.seed,
        workers=arguments.workers,
        progress=not arguments.quiet,
    )
    if not arguments.quiet:
        print(
            "What one would have to believe, sensitivity and the past take a minute or two.",
            file=sys.stderr,
        )
    page = found.report(arguments.out, day)
    if arguments.json:
        print(json.dumps({"page": str(page), "provenance": found.result.provenance}, indent=1))
    else:
        print(f"The page is {arguments.out}")
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    from reesupply.engine.precision import Precision
    from reesupply.engine.simulate import simulate
    from reesupply.export import check_file

    if arguments.out is not None:
        check_file(arguments.out)  # now, not after the run
    until = arguments.until
    result = simulate(
        arguments.scenario,
        draws=arguments.draws,
        rng=arguments.seed,
        design=arguments.design,
        until=None if until is None else Precision(until),
        workers=arguments.workers,
        progress=not arguments.quiet,
    )
    if arguments.out is not None:
        result.to_netcdf(arguments.out)
    table = result.summary()
    if arguments.json:
        records = table.reset_index().to_dict(orient="records")
        print(json.dumps({"provenance": result.provenance, "summary": records}, indent=1))
    else:
        print(result)
        if result.stopped is not None:
            print(f"Stopped: {result.stopped}")
        print(table.to_string(float_format=lambda x: f"{x:,.2f}" if abs(x) < 1.0 else f"{x:,.0f}"))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from reesupply.analysis.verification import VINTAGES, verify
    from reesupply.report.folder import check_target
    from reesupply.report.verification import STAMP

    check_target(arguments.out, STAMP, "verification")  # now, not after the run
    found = verify(arguments.vintages or VINTAGES, draws=arguments.draws, rng=arguments.seed)
    found.write(arguments.out)
    if arguments.json:
        print(found.summary.reset_index().to_json(orient="records", indent=1))
    else:
        print(found.text(), end="")
        print(f"\nTables and charts are in {arguments.out}")
    return 0


def _decompose(arguments: argparse.Namespace) -> int:
    from reesupply.analysis.decompose import decompose
    from reesupply.analysis.decompose.door import DRAWS
    from reesupply.plots.saving import check_chart, save

    if arguments.plot is not None:
        check_chart(arguments.plot)  # now, not after the run
    found = decompose(
        arguments.first,
        arguments.second,
        draws=DRAWS if arguments.draws is None else arguments.draws,
        rng=arguments.seed,
        workers=arguments.workers,
        progress=not arguments.quiet,
    )
    if arguments.json:
        table = found.steps(arguments.year)
        print(table.reset_index().to_json(orient="records", indent=1))
    else:
        print(found.text(arguments.year))
    if arguments.plot is not None:  # last: what took long is on the screen by now
        save(found.plot(arguments.year), arguments.plot)
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    from reesupply.engine.simulate import compile

    plan = compile(arguments.scenario)
    found = {
        "title": plan.title,
        "hash": plan.hash,
        "inputs": len(plan.inputs.names),
        "changes": list(plan.scenario.changes),
    }
    if arguments.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{arguments.scenario}: valid; {plan.title!r}, {found['inputs']} uncertain inputs,")
        print(f"{len(plan.scenario.changes)} cells differ from the baseline, hash {plan.hash}")
    return 0


def _schema(arguments: argparse.Namespace) -> int:
    from reesupply.scenario.schema import scenario_schema

    print(json.dumps(scenario_schema(), indent=None if arguments.json else 1))
    return 0


def _scenarios(arguments: argparse.Namespace) -> int:
    from reesupply.scenario import list_scenarios, load_scenario

    found = [(name, load_scenario(name)) for name in list_scenarios()]
    if arguments.json:
        rows = [{"name": n, "title": s.title, "hash": s.hash} for n, s in found]
        print(json.dumps(rows, indent=1))
    else:
        for name, scenario in found:
            print(f"{name:<16}{scenario.title}")
    return 0
