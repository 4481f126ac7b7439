"""One page for the tests of its structure, of its numbers and in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import reesupply as rs
from reesupply.report.page import Effort, Evidence, page_of

if TYPE_CHECKING:
    from pathlib import Path

#: Claims nearer to the forecast than the published ones, so that few draws can carry all of them.
NEARER = {
    "targets.cru-deficit-2035.annual.value": 500.0,
    "targets.benchmark-91-2030.final-use.value": 0.72,
}
DAY = "2026-01-02"
#: Little beside the run: deterministic ways between scenarios, one vintage of the past.
EFFORT = Effort(between=0, vintages=(2018,), hindcasts=200)


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    """A run of a scenario of one's own, and what its page says."""
    scenario = rs.load_scenario().replace(NEARER)
    return Evidence(rs.reproduce(scenario, draws=2_048, rng=1), DAY, EFFORT)


@pytest.fixture(scope="session")
def html(evidence: Evidence) -> str:
    """Its page."""
    return page_of(evidence)


@pytest.fixture(scope="session")
def page_file(html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its page as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html, encoding="utf-8")
    return path
