"""The folder of a reproduction: whole, readable, repeatable, and never half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from matplotlib import image
from matplotlib import pyplot as plt

import reesupply as rs
from reesupply.plots import Plots
from reesupply.report import folder as report_folder
from reesupply.scenario.serial import from_json

if TYPE_CHECKING:
    import os

TABLES = (
    "claims",
    "joint",
    "outlook",
    "first_deficit_year",
    "bridge",
    "supply_by_country",
    "switches",
    "groups",
    "inputs",
)
CHARTS = ("balance", "supply", "demand", "claims")
FILES = {
    *(f"{name}.csv" for name in TABLES),
    *(f"{name}.{suffix}" for name in CHARTS for suffix in ("png", "svg")),
    *("claims.json", "report.txt", "scenario.json", "provenance.json"),
}


@pytest.fixture(scope="module")
def found() -> rs.Reproduction:
    """A small reproduction of a scenario of one's own."""
    scenario = rs.load_scenario().replace({"projects.lofdal.dy": 77.5})
    return rs.reproduce(scenario, draws=512, rng=1)


@pytest.fixture(scope="module")
def written(found: rs.Reproduction, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder it was written to, parents and all."""
    folder = tmp_path_factory.mktemp("report") / "deep" / "reproduction"
    found.write(folder)
    return folder


@pytest.fixture
def one_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where charts are of no account one is enough."""
    monkeypatch.setattr(report_folder, "_CHARTS", ("balance",))


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): each.read_bytes() for each in files}


# --------------------------------------------------------------------------------- content


def test_all_files_are_there(written: Path) -> None:
    """Tables, charts, text, scenario and provenance, none empty, and nothing else beside."""
    files = content(written)
    assert files.keys() == FILES
    assert all(files.values())
    assert [each.name for each in written.parent.iterdir()] == [written.name]


@pytest.mark.parametrize("name", TABLES)
def test_tables_read_back(found: rs.Reproduction, written: Path, name: str) -> None:
    """A CSV file has the numbers of the table to the last digit."""
    table = getattr(found, name)
    levels = list(range(table.index.nlevels))
    back = pd.read_csv(written / f"{name}.csv", index_col=levels, keep_default_na=False)
    assert list(back.columns) == [str(column) for column in table.columns]
    assert [str(label) for label in back.index] == [str(label) for label in table.index]
    for column, own in zip(back.columns, table.columns, strict=True):
        if table[own].dtype == float:
            values = pd.to_numeric(back[column])
            pd.testing.assert_series_equal(
                values, table[own], check_index=False, check_names=False, rtol=0, atol=0
            )


def test_claims_as_json(found: rs.Reproduction, written: Path) -> None:
    """A list of rows, with the numbers of the table and no value that JSON does not know."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    text = (written / "claims.json").read_text(encoding="utf-8")
    rows = json.loads(text, parse_constant=refuse)
    table = found.claims.reset_index().to_dict(orient="records")
    # a claim without spread has no z
    assert rows == [{k: None if pd.isna(v) else v for k, v in row.items()} for row in table]


def test_provenance(found: rs.Reproduction, written: Path) -> None:
    """What repeats the run: the hash of the scenario, its changes, seed, draws and versions."""
    said = json.loads((written / "provenance.json").read_text(encoding="utf-8"))
    assert said["scenario_hash"] == found.result.plan.hash
    assert said["entropy"] == "1"
    assert said["draws"] == 512
    assert said["design"] == "random"
    assert said["data_date"] == found.result.plan.scenario.data_date
    assert len(said["changes"]) == 1
    assert "lofdal" in said["changes"][0]
    assert said["versions"].keys() >= {"reesupply", "numpy", "scipy"}
    assert all(said["versions"].values())
    assert said["python"]


def test_the_scenario_reads_back(found: rs.Reproduction, written: Path) -> None:
    """The stored scenario is the one that was run, and runs to the same claims."""
    stored = from_json((written / "scenario.json").read_text(encoding="utf-8"))
    assert stored.hash == found.result.plan.hash
    again = rs.reproduce(stored, draws=512, rng=1)
    pd.testing.assert_frame_equal(again.claims, found.claims, check_exact=True)


def test_the_text(found: rs.Reproduction, written: Path) -> None:
    """The report is the text, in UTF-8, with one line end at the end."""
    assert (written / "report.txt").read_text(encoding="utf-8") == found.text()


@pytest.mark.parametrize("name", CHARTS)
def test_charts_can_be_read(written: Path, name: str) -> None:
    """A PNG is a picture that is not blank; an SVG is XML with paths in it."""
    pixels = image.imread(written / f"{name}.png")
    assert pixels.ndim == 3
    assert min(pixels.shape[:2]) > 300
    assert pixels.std() > 0.01
    root = ET.parse(written / f"{name}.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall(".//{http://www.w3.org/2000/svg}path")) > 10


def test_charts_are_closed(found: rs.Reproduction, tmp_path: Path, one_chart: None) -> None:
    """Writing leaves no figure open behind it."""
    del one_chart
    before = plt.get_fignums()
    found.write(tmp_path / "again")
    assert plt.get_fignums() == before


def test_same_seed_same_bytes(found: rs.Reproduction, written: Path, tmp_path: Path) -> None:
    """A second run with the same seed gives the same files, byte by byte."""
    again = rs.reproduce(found.result.plan, draws=512, rng=1, workers=1)
    again.write(tmp_path / "again")
    one, other = content(written), content(tmp_path / "again")
    for name in sorted(FILES):
        if not name.endswith(".png"):  # PNG may name the versions that made it
            assert one[name] == other[name], name


# ------------------------------------------------------------------------------- replacing


@pytest.mark.usefixtures("one_chart")
def test_an_earlier_reproduction_is_replaced(found: rs.Reproduction, tmp_path: Path) -> None:
    """The new content takes the place of the old as a whole."""
    folder = tmp_path / "out"
    folder.mkdir()  # an empty folder may be used
    found.write(folder)
    (folder / "left-over.txt").write_text("of the run before", encoding="utf-8")
    found.write(str(folder))
    assert "left-over.txt" not in content(folder)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("one_chart")
def test_the_folder_one_is_in(
    found: rs.Reproduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name, "." included, means the folder that it names."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    try:
        found.write(".")
    finally:
        monkeypatch.chdir(tmp_path)
    assert "report.txt" in content(tmp_path / "here")
    assert [each.name for each in tmp_path.iterdir()] == ["here"]


@pytest.mark.usefixtures("one_chart")
def test_a_link_stays_a_link(found: rs.Reproduction, tmp_path: Path) -> None:
    """Where the name is a link to a folder, the folder is filled and the link stays."""
    (tmp_path / "disk").mkdir()
    link = tmp_path / "out"
    try:
        link.symlink_to(tmp_path / "disk", target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    found.write(link)
    assert link.is_symlink()
    assert "report.txt" in content(tmp_path / "disk")


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_foreign_is_left_alone(found: rs.Reproduction, tmp_path: Path, kind: str) -> None:
    """A folder of other things, or a file, is refused in one sentence and not touched."""
    target = tmp_path / "mine"
    if kind == "folder":
        target.mkdir()
        (target / "thesis.txt").write_text("years of work", encoding="utf-8")
    else:
        target.write_text("years of work", encoding="utf-8")
    before = content(tmp_path)
    with pytest.raises(rs.ReesupplyError, match="not a reproduction") as error:
        found.write(target)
    assert "\n" not in str(error.value)
    assert content(tmp_path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError, OSError])
def test_an_interrupted_write(
    found: rs.Reproduction,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: type[BaseException],
) -> None:
    """Stopped half-way, an earlier reproduction is whole and no draft is left."""
    monkeypatch.setattr(report_folder, "_CHARTS", ("balance",))
    folder = tmp_path / "out"
    found.write(folder)
    before = content(folder)

    def fail(_: Plots) -> None:
        raise stop

    monkeypatch.setattr(Plots, "balance", fail)
    expected = rs.ReesupplyError if stop is OSError else stop
    with pytest.raises(expected):
        found.write(folder)
    assert content(folder) == before
    with pytest.raises(expected):
        found.write(tmp_path / "new")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("one_chart")
def test_interrupted_while_taking_its_place(
    found: rs.Reproduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the last step fails the earlier reproduction is put back."""
    folder = tmp_path / "out"
    found.write(folder)
    before = content(folder)
    rename = Path.rename

    def fail(self: Path, target: str | os.PathLike[str]) -> Path:
        if Path(target) == folder and self.name.startswith(".out-") and "old" not in self.name:
            message = "no"
            raise OSError(5, message)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(rs.ReesupplyError, match="cannot be written"):
        found.write(folder)
    assert content(folder) == before
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_where_nothing_can_be_written(found: rs.Reproduction, tmp_path: Path) -> None:
    """A file where a folder should be gets one sentence."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(rs.ReesupplyError, match="cannot be") as error:
        found.write(tmp_path / "file" / "out")
    assert "\n" not in str(error.value)
