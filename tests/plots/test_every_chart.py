"""What holds for every chart: it says what it shows, can be read, and leaves the caller alone."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import reesupply as rs
from charts import chart, shown_texts, texts, whole
from reesupply.analysis.bottleneck import KEEP as BOTTLENECK
from reesupply.analysis.bridge import KEEP as CAUSES
from reesupply.engine.variables import DATA
from reesupply.plots import save

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

KEEP = (
    *DATA,
    *BOTTLENECK,
    *CAUSES,
    *("inputs", "claims", "first_feed", "project.separated", "end_use.retired", "end_use.stock"),
)
#: What a chart shows beside title and provenance: its unit, and where.
CHARTS = {
    "balance": ["t oxide/yr"],
    "supply": ["t oxide/yr"],
    "demand": ["t oxide/yr"],
    "end_uses": ["t oxide/yr", "Dy+Tb oxide", "2024", "2035"],
    "waterfall": ["t oxide/yr", "Dy+Tb oxide", "2024", "2035"],
    "stocks": ["t oxide/yr", "Dy+Tb oxide", "2024", "2035"],
    "sankey": ["t oxide/yr", "Dy+Tb oxide", "2024", "Means over draws"],
    "claims": ["t oxide/yr"],
    "pipeline": ["outside China", "first feed", "t/yr"],
    "bottleneck": ["outside China", "t oxide/yr in concentrate"],
    "sensitivity": ["balance 2035 Dy+Tb", "share of variance, %", "not seen"],
}
#: Charts with other choices, which must be as readable.
CHOICES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in CHARTS),
    *((name, {"element": "Tb"}) for name in ("end_uses", "waterfall", "stocks")),
    *(("sankey", {"year": y, "element": e}) for y, e in ((2035, "Dy+Tb"), (2030, "Dy"))),
    *(("sankey", {"year": y, "element": "Tb"}) for y in (2024, 2035)),
    ("pipeline", {"kinds": ("mine", "refinery", "recycler"), "top": 100}),
    ("pipeline", {"kinds": ("recycler",), "top": 1}),
    ("sensitivity", {"by": "input"}),
    ("sensitivity", {"by": "input", "year": 2030, "element": "Tb", "top": 5}),
    ("sensitivity", {"of": "cru-mines-29.global-gross", "by": "input"}),
]


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that keeps what charts of weighted results need."""
    return rs.simulate(draws=1024, rng=1, keep=dict.fromkeys(KEEP))


@pytest.fixture(scope="module")
def conditioned(result: rs.Result) -> rs.Result:
    """The same draws, the later ones weighing more."""
    raw = np.arange(1.0, result.draws + 1.0)
    other = copy.copy(result)
    other.weights = raw / raw.sum()
    return other


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_what_it_shows(result: rs.Result, name: str) -> None:
    """Title, unit, draws, data date, and that it is fitted to no claim."""
    ax = chart(result, name)

    assert ax.get_title()
    for part in CHARTS[name]:
        assert any(part in text for text in texts(ax)), part
    assert any(
        "fitted to no claim" in text and "1,024 draws" in text and "2026-05-31" in text
        for text in texts(ax)
    )


@pytest.mark.parametrize("name", CHARTS)
def test_a_result_with_weights_is_labelled(conditioned: rs.Result, name: str) -> None:
    """Nobody takes a conditioned chart for an untuned one."""
    ax = chart(conditioned, name)

    assert "conditioned" in ax.get_title()
    assert not any("fitted to no claim" in text for text in texts(ax))


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_draws_where_it_is_told(result: rs.Result, name: str) -> None:
    """Given Axes are used, pyplot learns of no figure, and no global setting changes."""
    before = dict(mpl.rcParams)
    figure = Figure(figsize=(8, 6), layout="constrained")
    ax = figure.subplots()

    assert chart(result, name, ax=ax) is ax
    assert figure.axes == [ax]
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(("name", "options"), CHOICES)
@pytest.mark.parametrize("weighted", [False, True])
def test_nothing_is_cut_off_and_no_label_overlaps(
    result: rs.Result, conditioned: rs.Result, name: str, options: dict[str, Any], weighted: bool
) -> None:
    """Every text lies inside the figure and clear of every other text."""
    assert_readable(chart(conditioned if weighted else result, name, **options))


def assert_readable(ax: Axes) -> None:
    """Every text lies inside the figure and clear of every other text."""
    figure = whole(ax)
    figure.draw_without_rendering()
    frame = figure.bbox.padded(1.0)
    shown = [(found.get_text(), found.get_window_extent()) for found in shown_texts(ax)]
    assert len(shown) > 10
    for number, (text, box) in enumerate(shown):
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1, text
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1, text
        for other, place in shown[number + 1 :]:
            assert not box.padded(-1.0).overlaps(place.padded(-1.0)), (text, other)


@pytest.mark.parametrize("name", ["pipeline", "sensitivity"])
def test_a_long_title_ends_within_the_figure(result: rs.Result, name: str) -> None:
    """What a run was conditioned on takes lines, which begin right of the names of the rows."""
    said = "mean of cru-deficit-2035.annual = 2,920 +- 600 t oxide/yr and " * 4
    other = copy.copy(result)
    other.plan = replace(result.plan, scenario=replace(result.plan.scenario, title=said))
    ax = chart(other, name)
    assert_readable(ax)
    lines = next(text for text in texts(ax) if "600 t oxide/yr" in text).splitlines()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert max(map(len, lines)) + max(map(len, names)) <= 140  # letters across the figure


LONG = "A name that nobody prints in full, such as one with the owners and the province"


@pytest.fixture(scope="module")
def long_names() -> rs.Result:
    """A run whose largest end use and best mine have names as long as a line."""
    names = {"end_uses.ev-cars.name": LONG, "projects.serra-verde-1.name": LONG}
    scenario = rs.load_scenario().replace(names)
    return rs.simulate(scenario, draws=64, rng=1, keep=dict.fromkeys(KEEP))


@pytest.mark.parametrize("name", ["supply", "demand", "end_uses", "pipeline", "waterfall"])
def test_a_long_name_is_cut(long_names: rs.Result, name: str) -> None:
    """It leaves room for what is drawn."""
    ax = chart(long_names, name)
    assert_readable(ax)
    assert not any(LONG in text for text in texts(ax))
    assert ax.get_window_extent().width > 0.35 * whole(ax).bbox.width


def test_a_long_name_in_the_sankey(long_names: rs.Result) -> None:
    """The name of a use ends before the next column."""
    assert_readable(chart(long_names, "sankey"))


@pytest.mark.parametrize("last", [2025, 2038, 2060])
def test_the_strip_has_room(last: int) -> None:
    """However long the run is, no probability lies on another, and the last year has one."""
    scenario = rs.load_scenario().replace({"settings.last_year.value": last})
    ax = chart(rs.simulate(scenario, draws=32, rng=1, keep=dict.fromkeys(KEEP)), "bottleneck")
    assert_readable(ax)
    cells = [each for each in ax.texts if getattr(each, "xy", (0,))[0] == last]
    assert len(cells) == 2
    assert last in ax.get_xticks()


@pytest.mark.parametrize("name", CHARTS)
def test_equal_charts_give_equal_files(result: rs.Result, name: str, tmp_path: Path) -> None:
    """An SVG has the same bytes every time, and no temporary file stays."""
    ax = chart(result, name)
    first = save(ax, tmp_path / "a.svg").read_bytes()

    assert save(whole(ax), str(tmp_path / "a.svg")).read_bytes() == first
    assert save(chart(result, name), tmp_path / "b.svg").read_bytes() == first
    assert b"<dc:date>" not in first
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.svg", "b.svg"]
