"""A reproduction as a folder: tables, charts, words, scenario; and how any folder is written."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reesupply.errors import ReesupplyError
from reesupply.scenario.serial import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from reesupply.analysis.reproduction import Reproduction

#: Marks a folder as one of ours, so that it may be replaced.
STAMP = "provenance.json"
_TABLES = (
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
_CHARTS = ("balance", "supply", "demand", "claims")


def write_reproduction(found: Reproduction, folder: str | Path) -> None:
    """
    Write a reproduction; see `Reproduction.write`.

    Parameters
    ----------
    found : Reproduction
        What is written.
    folder : str or Path
        Made if it does not exist. The new content is built beside it and takes its place in one
        step, so that an interrupted run leaves an earlier one whole.

    Raises
    ------
    ReesupplyError
        If the folder holds something that is not a reproduction, or cannot be written.
    """
    write_folder(folder, lambda draft: _fill(found, draft))


def write_folder(
    folder: str | Path,
    fill: Callable[[Path], None],
    stamp: str = STAMP,
    kind: str = "reproduction",
) -> None:
    """
    Write a folder that is either whole or as it was.

    Parameters
    ----------
    folder : str or Path
        Where; made if it does not exist.
    fill : callable
        Writes everything into the folder it is given, the stamp last.
    stamp, kind : str
        As in `check_target`.

    Raises
    ------
    ReesupplyError
        If the folder holds something else, or cannot be written.
    """
    check_target(folder, stamp, kind)
    target = Path(folder).resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            draft.chmod(0o755)
            fill(draft)
            _take_place(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror or error})"
        raise ReesupplyError(msg) from None


def check_target(folder: str | Path, stamp: str = STAMP, kind: str = "reproduction") -> None:
    """
    Check that a folder may be written, for example before a long run.

    Parameters
    ----------
    folder : str or Path
        It may not exist yet.
    stamp : str
        Name of the file that marks a folder of this kind, so that it may be replaced.
    kind : str
        What the folder holds, for the message.

    Raises
    ------
    ReesupplyError
        If it holds something else, or cannot be read or written.
    """
    target = Path(folder)
    try:
        fit = not target.exists() or (
            target.is_dir() and ((target / stamp).is_file() or not any(target.iterdir()))
        )
    except OSError as error:
        msg = f"{target}: cannot be read ({error.strerror or error})"
        raise ReesupplyError(msg) from None
    if not fit:
        msg = f"{target}: found a file or folder that is not a {kind}; name another folder"
        raise ReesupplyError(msg)
    above = next(each for each in target.resolve().parents if each.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        msg = f"{target}: cannot be written, {above} is no folder that takes new files"
        raise ReesupplyError(msg)


def _take_place(draft: Path, target: Path) -> None:
    if not target.exists():
        draft.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / "content")
        try:
            draft.rename(target)
        except BaseException:
            (old / "content").rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _fill(found: Reproduction, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from reesupply.plots import save

    result = found.result
    for name in _TABLES:
        getattr(found, name).to_csv(folder / f"{name}.csv")
    table = found.claims.reset_index().astype(object)
    claims = table.where(table.notna(), None).to_dict(orient="records")  # JSON has no NaN
    write_text(folder / "claims.json", json.dumps(claims, indent=1, ensure_ascii=False))
    write_text(folder / "report.txt", found.text())
    write_text(folder / "scenario.json", to_json(result.plan.scenario, indent=1))
    for name in _CHARTS:
        axes = getattr(result.plot, name)()
        for suffix in ("png", "svg"):
            save(axes, folder / f"{name}.{suffix}")
        plt.close(axes.figure)
    # last: a folder without it is not complete
    write_text(folder / STAMP, json.dumps(result.provenance, indent=1, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write a text that ends in one line end."""
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
