"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reesupply as rs
from reesupply import cli
from reesupply.cli import main
from reesupply.report import folder as report_folder
from reesupply.report.page import render
from reesupply.report.page.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD = sorted((Path(__file__).parent / "data" / "bad").glob("*.toml"))
#: Files there that are no fault by themselves.
FINE = {"empty", "cycle-of-bases-b"}


@pytest.fixture(autouse=True)
def _one_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts have tests of their own; here one is enough."""
    monkeypatch.setattr(report_folder, "_CHARTS", ("balance",))


def shell(*arguments: str, pipe: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a person does, its output buffered as in a plain shell."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    command: Sequence[str] = [sys.executable, "-m", "reesupply", *arguments]
    if pipe:
        quoted = " ".join(f"'{each}'" for each in command)
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("there is no bash")
        command = [bash, "-c", f"{quoted} | {pipe}; exit ${{PIPESTATUS[0]}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def assert_sentence(text: str) -> None:
    """One line on standard error that begins with the name of the program."""
    assert text.startswith("reesupply: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    assert len(text) < 500


# -------------------------------------------------------------------- scenarios and schema


def test_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    """Name and title of each, as lines or as JSON."""
    assert main(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(rs.list_scenarios())
    assert main(["scenarios", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(rs.list_scenarios())
    for row in rows:
        scenario = rs.load_scenario(row["name"])
        assert (row["title"], row["hash"]) == (scenario.title, scenario.hash)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_schema(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A JSON Schema, however it is printed."""
    assert main(["schema", *options]) == 0
    assert "$schema" in json.loads(capsys.readouterr().out)


def test_decompose(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What lies between two scenarios, in words or as JSON, and as a chart."""
    chart = tmp_path / "steps.svg"
    options = ["baseline", "slips", "--draws", "0", "--quiet"]
    assert main(["decompose", *options, "--plot", str(chart)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Dy+Tb balance: from baseline to slips")
    assert chart.stat().st_size > 1000
    assert main(["decompose", *options, "--year", "2030", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [rows[0]["step"], rows[-1]["step"]] == ["baseline", "slips"]
    assert sum(row["adds"] for row in rows[:-1]) == pytest.approx(rows[-1]["adds"], abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        ["baseline", "baseline", "--draws", "0"],
        ["baseline", "slip", "--draws", "0"],
        ["baseline", "slips", "--draws", "-1"],
        ["baseline", "slips", "--draws", "0", "--year", "1"],
    ],
)
def test_decompose_says_what_is_wrong(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, and the exit status of bad input."""
    assert main(["decompose", *options, "--quiet"]) == cli.BAD_INPUT
    assert_sentence(capsys.readouterr().err)


def test_validate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A good file is said to be good, with what it changes."""
    path = tmp_path / "view.toml"
    path.write_text(
        'title = "my view"\n[projects.browns-range]\nstart = "pert(2030, 2031, 2034)"\n',
        encoding="utf-8",
    )
    assert main(["validate", str(path)]) == 0
    assert "valid" in capsys.readouterr().out
    assert main(["validate", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["title"] == "my view"
    assert found["hash"] == rs.load_scenario(path).hash
    assert len(found["changes"]) == 1


# ----------------------------------------------------------------------------- bad input


def test_there_are_broken_files() -> None:
    """The test below has something to test."""
    assert len(BAD) > 20


@pytest.mark.parametrize("path", [p for p in BAD if p.stem not in FINE], ids=lambda p: p.stem)
def test_a_broken_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and one sentence that names the file."""
    assert main(["validate", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert_sentence(captured.err)
    assert path.name in captured.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["validate", "baselin"], "did you mean 'baseline'"),
        (["validate", "nowhere.toml"], "nowhere.toml"),
        (["simulate", "anounced", "--quiet"], "did you mean 'announced'"),
        (["simulate", "--draws", "0", "--quiet"], "draws: found 0"),
        (["simulate", "--draws", "-5", "--quiet"], "draws: found -5"),
        (["simulate", "--draws", "100000000", "--quiet"], "2 GiB"),
        (["simulate", "--design", "sobel", "--quiet"], "did you mean 'sobol'"),
        (["simulate", "--seed", "-1", "--quiet"], "rng: found -1"),
        (["simulate", "--workers", "0", "--quiet"], "workers: found 0"),
        (["reproduce", "--draws", "0", "--quiet"], "draws: found 0"),
        (["reproduce", "cru", "--quiet"], "cru"),
    ],
)
def test_a_bad_argument(
    arguments: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit status 2 and one sentence that says what was found; nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert_sentence(captured.err)
    assert text in captured.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [[], ["simulat"], ["simulate", "--draws", "many"], ["validate"], ["--no-such"]]
)
def test_a_command_that_is_none(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What argparse refuses has status 2 too, and shows how it is used."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: reesupply" in capsys.readouterr().err


# ------------------------------------------------------------------------------- simulate


def test_simulate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A table by year, a file that reads back, and nothing on standard error when quiet."""
    path = tmp_path / "run.nc"
    arguments = ["simulate", "--draws", "64", "--seed", "5", "--quiet", "--out", str(path)]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for year in range(2024, 2036):
        assert re.search(rf"^{year}\s", captured.out, re.MULTILINE)
    assert rs.read_result(path).summary().equals(rs.simulate(draws=64, rng=5).summary())


def test_simulate_until(capsys: pytest.CaptureFixture[str]) -> None:
    """The run goes on until it is precise enough, and says why it stopped."""
    arguments = ["simulate", "--draws", "1024", "--seed", "1", "--until", "0.05", "--quiet"]
    assert main(arguments) == 0
    result = rs.simulate(draws=1024, rng=1, until=rs.Precision(0.05))
    assert f"Stopped: {result.stopped}" in capsys.readouterr().out
    assert main([*arguments[:-2], "2", "--quiet"]) == 2
    assert "share: found 2.0" in capsys.readouterr().err


def test_simulate_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object: what repeats the run, and the table; the bar is on standard error."""
    assert main(["simulate", "slips", "--draws", "64", "--seed", "5", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert "draw" in captured.err
    assert found["provenance"]["entropy"] == "5"
    assert found["provenance"]["scenario_hash"] == rs.load_scenario("slips").hash
    expected = rs.simulate("slips", draws=64, rng=5).summary()
    assert [row["year"] for row in found["summary"]] == list(expected.index)
    assert [row["balance P50"] for row in found["summary"]] == list(expected["balance P50"])


@pytest.mark.parametrize("out", ["nowhere/run.nc", "."])
def test_simulate_to_nowhere(out: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that cannot be written is bad input, not a traceback."""
    arguments = ["simulate", "--draws", "8", "--quiet", "--out", str(tmp_path / out)]
    assert main(arguments) == 2
    assert_sentence(capsys.readouterr().err)


# ------------------------------------------------------------------------------ reproduce


def test_reproduce(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The text on standard output, the folder beside it, and silence on standard error."""
    out = tmp_path / "reproduction"
    assert main(["reproduce", "--draws", "1024", "--out", str(out), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith((out / "report.txt").read_text(encoding="utf-8"))
    assert str(out) in captured.out
    assert "1,024 draws, seed 2035" in captured.out
    assert (out / "balance.png").is_file()


def test_reproduce_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The claims as JSON, the same as in the folder; the bar on standard error only."""
    out = tmp_path / "reproduction"
    assert main(["reproduce", "--draws", "64", "--seed", "4", "--out", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    assert "draw" in captured.err
    printed: list[dict[str, Any]] = json.loads(captured.out)
    stored = json.loads((out / "claims.json").read_text(encoding="utf-8"))
    assert [row["reading"] for row in printed] == [row["reading"] for row in stored]
    for one, other in zip(printed, stored, strict=True):
        assert one["P50"] == pytest.approx(other["P50"], rel=1e-9, abs=1e-9)


def test_reproduce_refuses_before_it_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of other things is refused at once, not after a long run, and left as it was."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("reesupply.analysis.reproduction.simulate", never)
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert main(["reproduce", "--quiet", "--out", str(tmp_path)]) == 2
    assert_sentence(capsys.readouterr().err)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


# --------------------------------------------------------------------------------- report


@pytest.fixture
def one_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has tests of its own; here its last section is enough."""
    monkeypatch.setattr(render, "SECTIONS", SECTIONS[-1:])


@pytest.mark.usefixtures("one_section")
def test_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A page that names scenario, seed and the command that repeats it, and its own date."""
    out = tmp_path / "pages" / "page.html"
    options = ["--draws", "64", "--date", "2026-05-31", "--out", str(out), "--quiet"]
    assert main(["report", "slips", *options]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == f"The page is {out}\n"
    page = out.read_text(encoding="utf-8")
    assert rs.load_scenario("slips").hash in page
    assert "reesupply report slips --draws 64 --seed 2035" in page
    assert "2026-05-31" in page


@pytest.mark.usefixtures("one_section")
def test_report_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Where the page is and what it rests on, as JSON."""
    out = tmp_path / "page.html"
    assert main(["report", "--draws", "64", "--seed", "4", "--out", str(out), "--json"]) == 0
    captured = capsys.readouterr()
    assert "a minute or two" in captured.err
    found = json.loads(captured.out)
    assert found["page"] == str(out)
    assert found["provenance"]["entropy"] == "4"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--out", "."], "found a folder"),
        (["--out", "page.pdf"], "allowed is .html"),
        (["--date", "yesterday"], "date: found 'yesterday'"),
    ],
)
def test_report_refuses_before_it_runs(
    options: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be written is said at once, not after a long run."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reesupply.analysis.reproduction.simulate", never)
    assert main(["report", "--quiet", *options]) == 2
    captured = capsys.readouterr()
    assert_sentence(captured.err)
    assert text in captured.err
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------- the process as a whole


def test_version_and_help() -> None:
    """`python -m reesupply` is the command."""
    version = shell("--version")
    assert version.returncode == 0
    assert version.stdout == f"reesupply {rs.__version__}\n"
    usage = shell("--help")
    assert usage.returncode == 0
    commands = "reproduce report simulate decompose verify validate schema scenarios"
    for command in commands.split():
        assert command in usage.stdout
    assert usage.stderr == version.stderr == ""


def test_a_broken_file_from_a_shell() -> None:
    """The status and the sentence are those of the process too."""
    done = shell("simulate", str(BAD[0]))
    assert done.returncode == 2
    assert done.stdout == ""
    assert_sentence(done.stderr)


@pytest.mark.parametrize("pipe", ["head -n 1", "true"])
def test_a_reader_that_leaves(pipe: str) -> None:
    """`| head` is no error: no traceback, no complaint at exit, status 0."""
    done = shell("scenarios", pipe=pipe)
    assert done.stderr == ""
    assert done.returncode == 0
    done = shell("schema", pipe=pipe)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("command", ["scenarios", "schema"])
def test_a_full_disk(command: str) -> None:
    """Output that cannot be written is one sentence, and no complaint at exit."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reesupply", command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == cli.BAD_INPUT
    assert_sentence(done.stderr)
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("closed", "arguments"),
    [("1", ["scenarios"]), ("2", ["simulate", "--draws", "8", "--seed", "1"])],
)
def test_a_closed_stream(closed: str, arguments: list[str]) -> None:
    """Without standard output or error, as under pythonw, there is less to read and no fault."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    quoted = " ".join(f"'{each}'" for each in [sys.executable, "-m", "reesupply", *arguments])
    command = [bash, "-c", f"{quoted} {closed}>&-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("2035" in done.stdout) is (closed == "2")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_terminal_without_the_letters(tmp_path: Path, options: list[str]) -> None:
    """A title that the terminal cannot show is written with escapes, not a traceback."""
    path = tmp_path / "view.toml"
    path.write_text('title = "\N{GREEK CAPITAL LETTER DELTA} Tb"\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "reesupply", "validate", str(path), *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u0394 Tb" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["simulate", "--out", "nowhere/run.nc"], "reesupply.engine.simulate.simulate"),
        (["simulate", "--out", "."], "reesupply.engine.simulate.simulate"),
        (["decompose", "--plot", "nowhere/a.png"], "reesupply.analysis.decompose.decompose"),
        (["decompose", "--plot", "a.pdf"], "reesupply.analysis.decompose.decompose"),
        (["reproduce", "--out", "file/folder"], "reesupply.analysis.reproduction.reproduce"),
        (["verify", "--out", "file/folder"], "reesupply.analysis.verification.verify"),
    ],
)
def test_what_cannot_be_written_is_said_at_once(
    arguments: list[str],
    where: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the run, so that no run is lost to a slip of the pen."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(where, never)
    assert main(arguments) == cli.BAD_INPUT
    assert_sentence(capsys.readouterr().err)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_interrupted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ctrl-C has the status that shells expect, one sentence, and leaves no folder."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reesupply.analysis.reproduction.simulate", interrupt)
    out = tmp_path / "reproduction"
    assert main(["reproduce", "--quiet", "--out", str(out)]) == 130
    assert_sentence(capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_a_fault_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is a traceback: only bad input is turned into a sentence."""

    def fail(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_scenarios", fail)
    with pytest.raises(ZeroDivisionError):
        main(["scenarios"])
