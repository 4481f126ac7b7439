"""Charts of a verification: what they show, that it can be read, and that nothing is hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import reesupply as rs
from charts import line, shown_texts, texts, whole
from reesupply.analysis.verification.hindcasts import MODEL
from reesupply.plots import save

if TYPE_CHECKING:
    from pathlib import Path

CHARTS: list[tuple[str, dict[str, Any]]] = [
    ("pit", {}),
    ("pit", {"method": "drift"}),
    ("skill", {}),
    *(("fan", {"quantity": q}) for q in ("electric cars", "Dy+Tb demand", "mines outside China")),
]


@pytest.fixture(scope="module")
def found() -> rs.Verification:
    """Two vintages, few draws."""
    return rs.verify([2012, 2018], draws=300, rng=7)


def chart(found: rs.Verification, name: str, **options: Any) -> Axes:
    """Draw the chart of that name."""
    ax = getattr(found.plot, name)(**options)
    assert isinstance(ax, Axes)
    return ax


@pytest.mark.parametrize(("name", "options"), CHARTS)
def test_a_chart_can_be_read(found: rs.Verification, name: str, options: dict[str, Any]) -> None:
    """It has a title and its provenance; nothing is cut off and no text covers another."""
    ax = chart(found, name, **options)
    figure = whole(ax)
    figure.draw_without_rendering()
    frame = figure.bbox.padded(1.0)
    shown = [(text.get_text(), text.get_window_extent()) for text in shown_texts(ax)]

    assert ax.get_title()
    assert any("vintages 2012, 2018" in text for text in texts(ax))
    assert len(shown) > 10
    for number, (text, box) in enumerate(shown):
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1, text
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1, text
        for other, place in shown[number + 1 :]:
            assert not box.padded(-1.0).overlaps(place.padded(-1.0)), (text, other)


@pytest.mark.parametrize(("name", "options"), CHARTS[2:4])
def test_a_chart_draws_where_it_is_told(
    found: rs.Verification, name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    """Given Axes are used, no global setting changes, and equal charts are equal files."""
    before = dict(mpl.rcParams)
    plt.close("all")
    ax = Figure(figsize=(8, 6), layout="constrained").subplots()

    assert chart(found, name, ax=ax, **options) is ax
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before
    files = [save(chart(found, name, **options), tmp_path / f"{n}.svg") for n in (1, 2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    plt.close("all")


def test_the_chart_of_skill_shows_every_comparison(found: rs.Verification) -> None:
    """Marks stand at the ratio of the summary, those where the model loses left of 1."""
    ax = chart(found, "skill")
    told = found.summary[found.summary["verdict"] != ""]
    marks = [x for each in ax.get_lines()[:-1] for x in np.asarray(each.get_xdata(), dtype=float)]
    low, high = ax.get_xlim()
    plt.close("all")

    assert len(marks) == len(told)
    assert sorted(marks) == pytest.approx(sorted(told["crps_same_pairs"] / told["model_crps"]))
    assert sum(x < 1.0 for x in marks) == (told["verdict"] == "model worse").sum() > 0
    assert low < min(marks) < max(marks) < high


def test_the_histogram_counts_every_pair_once(found: rs.Verification) -> None:
    """Stacked by quantity, to the number of pairs of the model."""
    ax = chart(found, "pit")
    heights = [patch.get_height() for group in ax.containers for patch in group]
    plt.close("all")

    assert sum(heights) == found.summary.loc[("all", MODEL), "pairs"]


def test_the_fan_shows_what_came_and_what_was_said(found: rs.Verification) -> None:
    """Medians by vintage, outcomes as recorded, stars for what was published."""
    ax = chart(found, "fan", quantity="wind additions")
    made = next(e for e in found.forecasts if e[:3] == (2018, "wind additions", MODEL))

    np.testing.assert_allclose(line(ax, "from 2018").get_ydata(), np.median(made.draws, axis=1))
    assert 117.0 in line(ax, "observed").get_ydata()
    assert 94.0 in line(ax, "reconstructed").get_ydata()
    assert list(line(ax, "published").get_ydata()) == [60.0, 75.0]
    assert any("GWEC for 2021 (vintage 2018)" in text.replace("\n", " ") for text in texts(ax))
    plt.close("all")
