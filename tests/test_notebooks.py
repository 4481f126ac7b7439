"""Every notebook runs from a fresh kernel and is stored without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.skipif(not NOTEBOOKS, reason="there are no notebooks here")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_stored_without_outputs(path: Path) -> None:
    """Outputs in version control hide what changed."""
    cells = nbformat.read(path, as_version=4).cells

    kept = [n for n, cell in enumerate(cells) if cell.get("outputs") or cell.get("execution_count")]

    assert kept == [], f"clear the outputs of cells {kept} of {path.name}"


@pytest.mark.filterwarnings("default")  # the warnings of the kernel's own machinery are not ours
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path) -> None:
    """
    A reader who runs all cells meets no error; files go to the folder the notebook runs in.

    The documentation takes what ran from the folder REESUPPLY_EXECUTED, where one is named.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )

    client.execute()
    folder = os.environ.get("REESUPPLY_EXECUTED")
    if folder:
        nbformat.write(notebook, Path(folder, path.name))
