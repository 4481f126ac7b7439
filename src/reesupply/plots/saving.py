"""Writing a chart to a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What the identifiers inside an SVG are made from; fixed, so that equal charts give equal files.
SALT = "reesupply"
DPI = 150


def save(chart: Axes | Figure, path: str | Path) -> Path:
    """
    Write a chart to a PNG or SVG file; an earlier file stays whole until the new one is.

    Parameters
    ----------
    chart : Axes or Figure
        The whole figure is written.
    path : str or Path
        Ends in .png (150 dots per inch) or .svg (equal charts give equal bytes).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ReesupplyError
        If the suffix is neither .png nor .svg, or the file cannot be written.
    """
    target = check_chart(path)
    content = rendered(chart, target.suffix.lower().removeprefix("."))
    try:
        write_whole(target, content)
    except OSError as error:
        msg = f"{target}: cannot be written ({error.strerror or error})"
        raise ReesupplyError(msg) from None
    return target


def write_whole(target: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that an earlier one stays whole."""
    part = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def check_chart(path: str | Path) -> Path:
    """
    Check that a chart may be written to a place, for example before a long run.

    Parameters
    ----------
    path : str or Path
        As in `save`.

    Returns
    -------
    Path

    Raises
    ------
    ReesupplyError
        If the suffix is neither .png nor .svg, or there is no such folder.
    """
    target = Path(path)
    if target.suffix.lower() not in (".png", ".svg"):
        msg = f"save: found the suffix {target.suffix!r}, allowed are .png and .svg"
        raise ReesupplyError(msg)
    if not target.parent.is_dir():
        msg = f"{target}: cannot be written, {target.parent} is no folder"
        raise ReesupplyError(msg)
    return target


def rendered(chart: Axes | Figure, form: str) -> bytes:
    """
    Return a chart as the bytes of a file.

    Parameters
    ----------
    chart : Axes or Figure
        The whole figure is taken.
    form : {"png", "svg"}
        150 dots per inch, or equal bytes for equal charts.

    Returns
    -------
    bytes

    Raises
    ------
    ReesupplyError
        If the Axes belong to no figure.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    figure = chart if isinstance(chart, Figure) else chart.get_figure(root=True)
    if figure is None:
        msg = "save: the Axes were removed from their figure, allowed are Axes of a figure"
        raise ReesupplyError(msg)
    metadata = {"Date": None} if form == "svg" else {}
    buffer = BytesIO()
    with style.context(["default", {"svg.hashsalt": SALT, "svg.fonttype": "path"}]):
        figure.savefig(buffer, format=form, dpi=DPI, metadata=metadata)
    return buffer.getvalue()
