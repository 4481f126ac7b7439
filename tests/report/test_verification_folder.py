"""A verification in words and as a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from matplotlib import pyplot as plt

import reesupply as rs
from reesupply.cli import main
from reesupply.errors import ReesupplyError
from reesupply.report import verification as report

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("scores", "summary", "differences", "published", "basis")


@pytest.fixture(scope="module")
def found() -> rs.Verification:
    """One vintage is enough here."""
    return rs.verify([2018], [2020, 2024], draws=300, rng=7)


def test_the_folder_is_whole(found: rs.Verification, tmp_path: Path) -> None:
    """Tables read back, charts in two forms, the text, and what repeats the run."""
    folder = tmp_path / "deep" / "verification"
    found.write(folder)
    names = {path.name for path in folder.iterdir()}
    charts = {"pit", "skill", *(f"fan-{n}" for n in ("electric-cars", "dy-tb-demand"))}

    assert {f"{name}.csv" for name in TABLES} | {"report.txt", "verification.json"} <= names
    assert {f"{name}.{suffix}" for name in charts for suffix in ("png", "svg")} <= names
    assert (folder / "report.txt").read_text(encoding="utf-8") == found.text().rstrip("\n") + "\n"
    scores = pd.read_csv(folder / "scores.csv")
    assert scores["crps"].to_numpy() == pytest.approx(found.scores["crps"].to_numpy())
    assert json.loads((folder / "verification.json").read_text()) == found.provenance
    assert [path.name for path in folder.parent.iterdir()] == ["verification"]


def test_only_a_folder_of_its_own_is_replaced(found: rs.Verification, tmp_path: Path) -> None:
    """Not that of a reproduction, nor anything else."""
    (tmp_path / "provenance.json").write_text("{}")

    with pytest.raises(ReesupplyError, match="not a verification; name another folder"):
        found.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["provenance.json"]


def test_the_text_has_its_parts(found: rs.Verification) -> None:
    """Scores, losses, coverage, published forecasts, gaps, and how to read them."""
    text = found.text()

    for part in ("Mean scores", "Where the model loses", "Coverage of P5 to P95", "How to read"):
        assert part in text
    assert "Kingsnorth 2012: supply outside China, 2016" in text
    assert "mines outside China, 2018 (model, announced schedule): no data" in text
    assert "0 of " in text


def test_the_command(
    found: rs.Verification,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It prints text or JSON, and writes the folder; charts have tests of their own."""
    monkeypatch.setattr(report, "_keep", lambda axes, path: plt.close(axes.figure))  # noqa: ARG005
    command = ["verify", "--vintages", "2018", "--draws", "100", "--out", str(tmp_path / "v")]

    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.startswith("How good such forecasts are: vintages 2018")
    assert said.rstrip().endswith(str(tmp_path / "v"))
    monkeypatch.setattr("reesupply.analysis.verification.verify", lambda *_, **__: found)
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["verdict"] for row in rows} >= {"model better", "model worse"}
    assert (tmp_path / "v" / "verification.json").is_file()


def test_the_command_checks_the_folder_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the run, in one sentence."""
    (tmp_path / "mine.txt").write_text("x")

    assert main(["verify", "--out", str(tmp_path)]) == 2
    assert "not a verification" in capsys.readouterr().err
