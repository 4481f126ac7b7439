"""What the page consists of, from the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.report.page.belief import belief
from reesupply.report.page.drivers import drivers
from reesupply.report.page.forecast import balance, claims, waterfall
from reesupply.report.page.headline import headline
from reesupply.report.page.record import provenance, sources
from reesupply.report.page.scores import verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from reesupply.report.page.evidence import Evidence
    from reesupply.report.page.parts import Section

#: A section is a function of the evidence; one that another chapter adds takes its place here.
SECTIONS: tuple[Callable[[Evidence], Section], ...] = (
    headline,
    claims,
    balance,
    waterfall,
    belief,
    drivers,
    verification,
    sources,
    provenance,
)
