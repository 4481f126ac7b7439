"""Charts show the statistics of the result, in Axes that can be printed."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

import reesupply as rs
from charts import chart, line, texts
from reesupply.plots import save
from reesupply.plots.style import MINUS, check_top, plain, spread, tonnes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

KEEP = (
    *("demand", "refined_supply", "recycled_new_scrap", "recycled_end_of_life", "balance"),
    *("claims", "project.separated", "end_use.demand"),
)
CHARTS = ("balance", "supply", "demand", "claims")
SUPPLY = ("refined_supply", "recycled_new_scrap", "recycled_end_of_life")


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that keeps what charts of weighted results need."""
    return rs.simulate(draws=1024, rng=1, keep=KEEP)


@pytest.fixture(scope="module")
def conditioned(result: rs.Result) -> rs.Result:
    """The same draws, the later ones weighing more."""
    raw = np.arange(1.0, result.draws + 1.0)
    return rs.Result(
        plan=result.plan,
        draws=result.draws,
        entropy=result.entropy,
        design=result.design,
        seconds=0.0,
        input_names=(),
        arrays=result.arrays,
        moments=result.moments,
        weights=raw / raw.sum(),
    )


def area(ax: Axes, label: str, years: tuple[int, ...]) -> tuple[Any, Any]:
    """Lower and upper edge of a filled band, year by year."""
    found = next(each for each in ax.collections if each.get_label() == label)
    corners = np.asarray(found.get_paths()[0].vertices)
    edges = [np.sort(np.unique(corners[corners[:, 0] == year, 1])) for year in years]
    return np.array([edge[0] for edge in edges]), np.array([edge[-1] for edge in edges])


@pytest.mark.parametrize("element", ["Dy+Tb", "Dy", "Tb"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_fan_shows_quantiles(
    result: rs.Result, conditioned: rs.Result, element: str, weighted: bool
) -> None:
    """Bands and median are the quantiles of the result, weights included."""
    source = conditioned if weighted else result
    ax = chart(source, "balance", element=element)
    years = source.plan.years

    def quantile(q: float) -> Any:
        return np.asarray(source.quantile("balance", q, element=element))

    np.testing.assert_array_equal(line(ax, "median").get_xdata(), years)
    np.testing.assert_array_equal(line(ax, "median").get_ydata(), quantile(0.5))
    for label, low, high in (("P5–P95", 0.05, 0.95), ("P25–P75", 0.25, 0.75)):  # noqa: RUF001
        lower, upper = area(ax, label, years)
        np.testing.assert_array_equal(lower, quantile(low))
        np.testing.assert_array_equal(upper, quantile(high))
    assert f"P5  {tonnes(quantile(0.05)[-1])}" in texts(ax)


def test_the_fan_marks_the_published_deficit(result: rs.Result) -> None:
    """The claim of CRU is a point, and its label says how far out it lies."""
    ax = chart(result, "balance")
    point = line(ax, "CRU")
    below = result.probability("balance", below=-2920.0, year=2035, element="Dy+Tb")

    assert (point.get_xdata()[0], point.get_ydata()[0]) == (2035, -2920.0)
    assert any("CRU, 2025-11: −2,920 t in 2035" in text for text in texts(ax))  # noqa: RUF001
    assert any(f"{100 * float(below):.1f} % of draws" in text for text in texts(ax))


def test_a_claim_is_shown_for_its_element_only(result: rs.Result) -> None:
    """A deficit of dysprosium is not compared with a balance of both."""
    assert "Adamas" in {each.get_label() for each in chart(result, "balance", element="Dy").lines}
    for options in ({"element": "Tb"}, {"claims": False}):
        labels = {each.get_label() for each in chart(result, "balance", **options).lines}
        assert not labels & {"CRU", "Adamas"}


def test_the_published_value_is_that_of_the_scenario() -> None:
    """A scenario that reads a claim otherwise is shown with its own reading."""
    path = "targets.cru-deficit-2035.annual.value"
    scenario = rs.load_scenario("baseline").replace({path: 1_500})
    result = rs.simulate(scenario, draws=64, rng=1, keep=("balance",))

    assert line(chart(result, "balance"), "CRU").get_ydata()[0] == -1_500.0


@pytest.mark.parametrize("element", ["Dy+Tb", "Tb"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("top", [0, 5, 12, 100])
def test_supply_layers_add_up_to_mean_supply(
    result: rs.Result, conditioned: rs.Result, element: str, weighted: bool, top: int
) -> None:
    """However many mines are shown apart, the top of the stack is mean supply."""
    source = conditioned if weighted else result
    ax = chart(source, "supply", element=element, top=top)
    _, total = area(ax, "Recycled end of life", source.plan.years)
    want = sum(np.asarray(source.mean(name, element=element, bloc="world")) for name in SUPPLY)

    np.testing.assert_allclose(total, want, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("top", [0, 5, 10, 100])
def test_demand_layers_add_up_to_mean_demand(
    result: rs.Result, conditioned: rs.Result, weighted: bool, top: int
) -> None:
    """However many end uses are shown apart, the top of the stack is mean demand."""
    source = conditioned if weighted else result
    ax = chart(source, "demand", top=top)
    last = [each for each in ax.collections if not str(each.get_label()).startswith("_")][-1]
    _, total = area(ax, str(last.get_label()), source.plan.years)
    want = np.asarray(source.mean("demand", element="Dy+Tb", bloc="world"))

    np.testing.assert_allclose(total, want, rtol=1e-9, atol=0.0)


def test_layers_are_the_means_by_row(result: rs.Result) -> None:
    """The height of a layer is the mean of its project."""
    ax = chart(result, "supply")
    low, high = area(ax, "Myanmar, Kachin and Shan ionic clay", result.plan.years)
    want = result.project["separated_mean"].sel(project="myanmar-kachin").sum("element")

    np.testing.assert_allclose(high - low, want, rtol=1e-9)


def test_supply_is_stacked_in_groups(result: rs.Result) -> None:
    """Feed of China below, then the largest mines outside, descending, the rest, recycled oxide."""
    ax = chart(result, "supply", top=4)
    years = result.plan.years
    labels = [str(each.get_label()) for each in ax.collections]
    stack = [label for label in labels if not label.startswith("_")]
    heights = {label: np.diff(area(ax, label, years), axis=0)[0, -1] for label in stack}

    assert stack[0] == "Chinese mines under quota"
    assert stack[-2:] == ["Recycled new scrap", "Recycled end of life"]
    assert stack[-3].startswith("Other mines outside China")
    mines = [heights[label] for label in stack[-7:-3]]
    assert mines == sorted(mines, reverse=True)
    assert stack[-8] == "Undocumented ore and other feed in China"


def test_lines_over_the_stacks_are_quantiles(result: rs.Result) -> None:
    """The other side of the balance is drawn as P5, median and P95."""
    supply = np.sum([result.values(n, element="Dy+Tb", bloc="world") for n in SUPPLY], axis=0)
    demand = result.values("demand", element="Dy+Tb", bloc="world")
    for name, other, draws in (("supply", "gross demand", demand), ("demand", "supply", supply)):
        ax = chart(result, name)
        for label, q in (("P5", 0.05), ("median", 0.5), ("P95", 0.95)):
            drawn = line(ax, f"{other}, {label}").get_ydata()
            np.testing.assert_allclose(drawn, np.quantile(draws, q, axis=-1), rtol=1e-12)


def test_the_key_gives_the_last_year(result: rs.Result) -> None:
    """The key is a table of the last year."""
    legend = chart(result, "demand").get_legend()
    assert legend is not None
    rows = [text.get_text() for text in legend.get_texts()]
    cars = float(result.end_use["demand_mean"].sel(end_use="ev-cars", year=2035).sum())
    median = float(np.asarray(line(chart(result, "demand"), "supply, median").get_ydata())[-1])

    assert f"{tonnes(cars)}  Battery and plug-in cars" in rows
    assert f"{tonnes(median)}  supply, median" in rows
    assert legend.get_title().get_text() == "t oxide in 2035"


@pytest.mark.parametrize("unit", ["t oxide/yr", "t oxide", "1"])
@pytest.mark.parametrize("weighted", [False, True])
def test_claims_show_every_reading(
    result: rs.Result, conditioned: rs.Result, unit: str, weighted: bool
) -> None:
    """One bar, one median and one published value for each reading."""
    source = conditioned if weighted else result
    ax = chart(source, "claims", unit=unit)
    names = [claim.name for claim in source.plan.claims if claim.unit == unit]
    targets = rs.load_scenario("baseline").to_frame("targets")
    given = [targets["value"].to_dict()[tuple(name.split("."))] for name in names]
    paths = [path for each in ax.collections for path in each.get_paths()]
    bars = sorted(tuple(np.asarray(path.vertices)[:, 0]) for path in paths)
    ends = sorted(tuple(source.quantile(name, q) for q in (0.05, 0.95)) for name in names)

    np.testing.assert_array_equal(line(ax, "published").get_xdata(), given)
    np.testing.assert_array_equal(
        line(ax, "P50").get_xdata(), [source.quantile(name, 0.5) for name in names]
    )
    np.testing.assert_array_equal(bars, ends)
    assert len(ax.get_yticklabels()) == len(names)


def test_what_cannot_be_drawn_is_one_sentence(result: rs.Result) -> None:
    """An unknown name or what was not kept is refused before a figure is made."""
    bare = rs.simulate(draws=64, rng=1, keep=())
    calls: tuple[Callable[[], object], ...] = (
        lambda: result.plot.balance("Nd"),
        lambda: result.plot.supply(element="dy"),
        lambda: result.plot.supply(top=-1),
        lambda: result.plot.demand(top=True),
        lambda: result.plot.demand(top=2.5),  # type: ignore[arg-type]
        lambda: result.plot.claims("t"),
        bare.plot.supply,
        bare.plot.demand,
    )
    for call in calls:
        with pytest.raises(rs.ReesupplyError, match=r"found|kept"):
            call()
    assert plt.get_fignums() == []
    # balance and claims have histograms
    assert chart(bare, "claims").get_title()
    assert line(chart(bare, "balance"), "median").get_ydata()[-1] == pytest.approx(
        bare.quantile("balance", 0.5, year=2035, element="Dy+Tb")
    )


def test_png_has_150_dots_per_inch(result: rs.Result, tmp_path: Path) -> None:
    """Eight by five inches are 1,200 by 750 dots."""
    content = save(result.plot.balance(), tmp_path / "chart.PNG").read_bytes()

    assert content.startswith(b"\x89PNG")
    assert [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)] == [1200, 750]


def test_a_failed_save_leaves_the_earlier_file(
    result: rs.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails at the last moment costs nothing."""
    ax, path = result.plot.balance(), tmp_path / "chart.png"
    path.write_text("earlier")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", fail)
        with pytest.raises(rs.ReesupplyError, match=r"chart\.png: cannot be written"):
            save(ax, path)
    with pytest.raises(rs.ReesupplyError, match=r"'.pdf', allowed are .png and .svg"):
        save(ax, tmp_path / "chart.pdf")
    with pytest.raises(rs.ReesupplyError, match="nowhere is no folder"):
        save(ax, tmp_path / "nowhere" / "chart.png")

    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [
        ("chart.png", "earlier")
    ]


def test_numbers_are_written_for_people() -> None:
    """Thousands separators, a true minus sign, no minus zero."""
    assert [tonnes(value) for value in (-2920.4, -0.2, 1e6)] == [f"{MINUS}2,920", "0", "1,000,000"]
    assert [plain(value) for value in (-1500.0, 0.0, 0.1 + 0.2)] == [f"{MINUS}1,500", "0", "0.3"]


def test_labels_are_moved_apart() -> None:
    """Labels that would overlap are spread about their mean place."""
    assert spread([0.0, 10.0], 1.0) == [0.0, 10.0]
    assert spread([5.0, 5.0, 5.0], 2.0) == [3.0, 5.0, 7.0]
    places = spread([0.0, 0.5, 1.6, 1.7, 9.0], 1.0)
    assert all(b - a >= 1.0 - 1e-12 for a, b in pairwise(places))


def test_the_import_is_light() -> None:
    """Matplotlib is loaded by the first chart."""
    code = "import sys, reesupply.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "False"


def test_top_is_a_whole_number_of_any_kind() -> None:
    """One of numpy counts as one of Python; a flag and half a row do not."""
    assert check_top(np.int64(3)) == 3
    for wrong in (True, 1.5, -1, "3", None):
        with pytest.raises(rs.ReesupplyError, match="top: found"):
            check_top(wrong)
