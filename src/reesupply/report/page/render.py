"""From evidence to one HTML file that needs nothing else."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.errors import ReesupplyError
from reesupply.plots.saving import write_whole
from reesupply.report.page.evidence import Evidence
from reesupply.report.page.sections import SECTIONS

if TYPE_CHECKING:
    from reesupply.analysis.reproduction import Reproduction

#: Seconds since 1970 that stand for now, as reproducible builds set it.
EPOCH = "SOURCE_DATE_EPOCH"


def write_page(found: Reproduction, path: str | Path, day: str | date | None = None) -> Path:
    """
    Write the page of a reproduction; see `Reproduction.report`.

    Parameters
    ----------
    found : Reproduction
        An untuned run.
    path : str or Path
        An earlier file stays whole until the new one is.
    day : str or date, optional
        As in `page_date`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ReesupplyError
        If the run has weights, the day is none or the file cannot be written.
    """
    target = check_page(path)
    content = page_of(Evidence(found, page_date(day))).encode()
    try:
        write_whole(target, content)
    except OSError as error:
        raise _unwritable(path, error) from None
    return target


def check_page(path: str | Path) -> Path:
    """
    Check that a page can be written to a place, for example before a long run.

    Parameters
    ----------
    path : str or Path
        Its folder is made if it does not exist.

    Returns
    -------
    Path
        Links followed, so that the file that they lead to is replaced.

    Raises
    ------
    ReesupplyError
        If it is a folder or no HTML file by its name, or its folder cannot be made or written to.
    """
    target = Path(path).resolve()
    if target.is_dir():
        msg = f"{path}: found a folder, allowed is the name of a file such as report.html"
        raise ReesupplyError(msg)
    if target.suffix.lower() not in (".html", ".htm"):
        msg = f"{path}: found the suffix {target.suffix!r}, allowed is .html"
        raise ReesupplyError(msg)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        probe = target.with_name(f".{target.name}.{uuid4().hex}.part")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(path, error) from None
    return target


def page_date(day: str | date | None = None) -> str:
    """
    Return the date that a page states.

    Parameters
    ----------
    day : str or date, optional
        For example "2026-05-31". Without it the environment variable SOURCE_DATE_EPOCH counts, and
        without that today, in UTC.

    Returns
    -------
    str
        ISO 8601.

    Raises
    ------
    ReesupplyError
        If it is no date.

    Examples
    --------
    >>> page_date("2026-05-31")
    '2026-05-31'
    """
    if day is not None:
        try:
            return (day if isinstance(day, date) else date.fromisoformat(day)).isoformat()
        except ValueError:
            msg = f"date: found {day!r}, allowed is a date such as 2026-05-31"
            raise ReesupplyError(msg) from None
    seconds = os.environ.get(EPOCH, "")
    if not seconds:
        return datetime.now(UTC).date().isoformat()
    try:
        return datetime.fromtimestamp(int(seconds), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        msg = f"{EPOCH}: found {seconds!r}, allowed are whole seconds since 1970"
        raise ReesupplyError(msg) from None


def page_of(evidence: Evidence) -> str:
    """
    Return the page as HTML.

    Parameters
    ----------
    evidence : Evidence
        What it is about.

    Returns
    -------
    str
        Equal bytes for equal evidence.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reesupply.report.page", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"data_uri": _data_uri, "together": _kept_together}
    script, style = _asset("page.js"), _asset("page.css")
    result = evidence.result
    said = result.provenance
    years = result.plan.years
    elements = " and ".join(row.name for row in result.plan.scenario.rows("elements"))
    with ONE_BLAS_THREAD:  # the same bits on any number of cores
        sections = [section(evidence) for section in SECTIONS]
    return environment.get_template("page.html.jinja").render(
        title=f"{elements} to {years[-1]}: the balance beside the published claims".capitalize(),
        scenario=said["scenario"],
        version=said["versions"]["reesupply"],
        date=evidence.date,
        draws=said["draws"],
        seed=said["entropy"],
        data_date=said["data_date"],
        hash=said["scenario_hash"],
        sections=sections,
        provenance=said,
        style=style,
        script=script,
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )


def _asset(name: str) -> str:
    return (files("reesupply.report.page") / "assets" / name).read_text(encoding="utf-8")


def _kept_together(text: str) -> str:
    """Keep a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=(%|t|nats)\b|%)", "\N{NO-BREAK SPACE}", text)


def _data_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + b64encode(svg).decode()


def _unwritable(path: str | Path, error: OSError) -> ReesupplyError:
    return ReesupplyError(f"{path}: cannot be written ({error.strerror or error})")
