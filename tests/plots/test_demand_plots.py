"""Charts of demand and of goods in use: what they draw, and that it can be read."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import reesupply as rs
from reesupply.analysis.bridge import ALL_USES, STEPS, demand_bridge
from reesupply.analysis.bridge import KEEP as CAUSES_KEEP
from reesupply.plots import save
from reesupply.plots.style import tonnes
from reesupply.plots.waterfall import signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEEP = (*CAUSES_KEEP, "in_use_stock", "retired", "recycled_end_of_life")
CHARTS = ("end_uses", "waterfall", "stocks")
OPTIONS = [(name, element) for name in CHARTS for element in (None, "Tb")]


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that keeps what charts of weighted results need."""
    return rs.simulate(draws=1024, rng=1, keep=KEEP)


@pytest.fixture(scope="module")
def conditioned(result: rs.Result) -> rs.Result:
    """The same draws, those with much demand weighing more."""
    demand = result.arrays["end_use.demand"][:, :, -1].sum(axis=(0, 1))
    other = copy.copy(result)
    other.weights = demand**3 / (demand**3).sum()
    return other


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def chart(result: rs.Result, name: str, **options: Any) -> Axes:
    """Draw the chart of that name."""
    axes = getattr(result.plot, name)(**options)
    assert isinstance(axes, Axes)
    return axes


def whole(ax: Axes) -> Figure:
    """The figure of the Axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def panels(ax: Axes) -> list[Axes]:
    """The Axes and the panels that belong to it."""
    return [ax, *cast("list[Axes]", ax.child_axes)]


def all_texts(ax: Axes) -> list[Text]:
    """Every text of the figure that says anything and is shown; of ticks those within limits."""
    found = cast("list[Text]", whole(ax).findobj(Text))
    ticks: set[Text] = set()
    shown: set[Text] = set()
    for each in panels(ax):
        for axis, (low, high) in ((each.xaxis, each.get_xlim()), (each.yaxis, each.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                ticks |= {tick.label1, tick.label2}
                if min(low, high) <= tick.get_loc() <= max(low, high):
                    shown |= {tick.label1, tick.label2}
    return [
        each
        for each in found
        if each.get_text().strip() and each.get_visible() and (each not in ticks or each in shown)
    ]


def texts(ax: Axes) -> list[str]:
    """What every text of the figure says."""
    return [found.get_text() for found in all_texts(ax)]


def quantile(result: rs.Result, draws: Any, q: float) -> Any:
    """Quantile of draws, with the weights of the result."""
    if result.weights is None:
        return np.quantile(draws, q, axis=-1)
    found = np.quantile(draws, q, axis=-1, weights=result.weights, method="inverted_cdf")
    return np.asarray(found)[()]


def mean(result: rs.Result, draws: Any) -> Any:
    """Mean of draws, with the weights of the result."""
    return draws.mean(axis=-1) if result.weights is None else draws @ result.weights


# ------------------------------------------------------------------------------ every chart


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_what_it_shows(result: rs.Result, name: str) -> None:
    """Title, unit, draws, data date, and that it is fitted to no claim."""
    ax = chart(result, name)
    unit = ax.get_xlabel() if name == "end_uses" else panels(ax)[-1].get_ylabel()

    assert unit == "t oxide/yr"
    assert "Dy+Tb oxide" in ax.get_title()
    assert "2024" in ax.get_title()
    assert "2035" in ax.get_title()
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
def test_no_global_setting_changes(result: rs.Result, name: str) -> None:
    """A chart leaves the style of the caller alone."""
    before = dict(mpl.rcParams)

    chart(result, name)

    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_draws_where_it_is_told(result: rs.Result, name: str) -> None:
    """Given Axes are used, and pyplot learns of no figure."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    ax = figure.subplots()

    assert chart(result, name, ax=ax) is ax
    assert figure.axes == [ax]
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("name", "element"), OPTIONS)
def test_nothing_is_cut_off_and_no_label_overlaps(
    result: rs.Result, name: str, element: str | None
) -> None:
    """Every text lies inside the figure and clear of every other text."""
    ax = chart(result, name, element=element)
    figure = whole(ax)
    figure.draw_without_rendering()
    frame = figure.bbox.padded(1.0)
    shown = [(found.get_text(), found.get_window_extent()) for found in all_texts(ax)]

    for number, (text, box) in enumerate(shown):
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1, text
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1, text
        for other, place in shown[number + 1 :]:
            assert not box.padded(-1.0).overlaps(place.padded(-1.0)), (text, other)


@pytest.mark.parametrize("name", CHARTS)
def test_equal_charts_give_equal_files(result: rs.Result, name: str, tmp_path: Path) -> None:
    """An SVG has the same bytes every time, drawn again or made again."""
    ax = chart(result, name)
    first = save(ax, tmp_path / "a.svg").read_bytes()

    assert save(whole(ax), tmp_path / "a.svg").read_bytes() == first
    assert save(chart(result, name), tmp_path / "b.svg").read_bytes() == first


def test_what_cannot_be_drawn_is_one_sentence(result: rs.Result) -> None:
    """An unknown name or what was not kept is refused before a figure is made."""
    bare = rs.simulate(draws=64, rng=1, keep=())
    calls: list[tuple[rs.Result, str, dict[str, Any], str]] = [
        (result, "end_uses", {"year": 2050}, "year: found 2050, allowed is 2024 to 2035"),
        (result, "end_uses", {"top": -1}, "top: found -1"),
        *((result, name, {"element": "Nd"}, "element: found 'Nd'") for name in CHARTS),
        (bare, "end_uses", {}, r"end_use\.demand.*keep="),
        (bare, "waterfall", {}, r"end_use\.activity.*keep=.*end_use\.magnets"),
        (bare, "stocks", {}, r"in_use_stock.*keep="),
    ]
    for source, name, options, words in calls:
        with pytest.raises(rs.ReesupplyError, match=words):
            chart(source, name, **options)
    assert plt.get_fignums() == []


# ------------------------------------------------------------------------------ end uses


def rows(ax: Axes) -> list[str]:
    """Names of the rows from the top."""
    return [label.get_text() for label in ax.get_yticklabels()]


def bars(ax: Axes) -> list[tuple[float, ...]]:
    """Height, left and right end of each bar, thin ones and thick ones in turn."""
    paths = [np.asarray(path.vertices) for each in ax.collections for path in each.get_paths()]
    return [(float(p[0, 1]), float(p[0, 0]), float(p[1, 0])) for p in paths]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("year", "element"), [(None, None), (2030, "Tb")])
def test_rows_show_quantiles(
    result: rs.Result,
    conditioned: rs.Result,
    weighted: bool,
    year: int | None,
    element: str | None,
) -> None:
    """Dots, bars, lines and printed values are quantiles of the draws, largest first."""
    source = conditioned if weighted else result
    ax = chart(source, "end_uses", year=year, element=element, top=100)
    demand = source.arrays["end_use.demand"]
    demand = demand.sum(axis=1) if element is None else demand[:, source.plan.elements.index("Tb")]
    later = demand[:, source.plan.years.index(year or 2035)]
    middle = {
        row.name: quantile(source, one, 0.5)
        for row, one in zip(source.plan.scenario.rows("end_uses"), later, strict=True)
        if one.any()
    }

    assert rows(ax) == sorted(middle, key=lambda name: -middle[name])
    dots = [
        float(np.asarray(line.get_xdata())[0])
        for line in ax.get_lines()
        if line.get_marker() == "o" and np.asarray(line.get_ydata())[0] % 1.0 < 0.5
    ]
    np.testing.assert_allclose(dots, sorted(middle.values(), reverse=True))
    names = [row.name for row in source.plan.scenario.rows("end_uses")]
    first = later[names.index(rows(ax)[0])]
    found = [(left, right) for height, left, right in bars(ax) if 0.0 < height < 0.5]
    wanted = [
        tuple(quantile(source, first, q) for q in pair) for pair in ((0.05, 0.95), (0.25, 0.75))
    ]
    np.testing.assert_allclose(found, wanted)
    written = "–".join(tonnes(value) for value in wanted[0])  # noqa: RUF001
    assert written in texts(ax)
    assert tonnes(quantile(source, first, 0.5)) in texts(ax)


def test_small_end_uses_are_added_in_each_draw(result: rs.Result) -> None:
    """The row of the rest is the quantile of a sum; all rows together are all end uses."""
    ax = chart(result, "end_uses", top=3)
    later = result.arrays["end_use.demand"].sum(axis=1)[:, -1]
    rest = later[np.argsort(-np.median(later, axis=-1))[3:]].sum(axis=0)
    dots = [float(np.asarray(line.get_xdata())[0]) for line in ax.get_lines()]

    assert rows(ax)[3].startswith("Smaller end uses (")
    assert any(np.isclose(dot, np.median(rest)) for dot in dots)
    together = f"{tonnes(np.median(later.sum(axis=0)))} t in 2035"
    assert any(together in text for text in texts(ax))


def test_a_rest_of_one_is_named(result: rs.Result) -> None:
    """One small end use is shown with its name."""
    everything = rows(chart(result, "end_uses", top=100))

    assert rows(chart(result, "end_uses", top=len(everything) - 1)) == everything


def test_the_base_year_is_shown_alone(result: rs.Result) -> None:
    """Asked for the base year there is one dot in a row."""
    ax = chart(result, "end_uses", year=2024)
    heights = [float(np.asarray(line.get_ydata())[0]) for line in ax.get_lines()]
    dots = [height for height in heights if height % 1.0 == 0.0]

    assert ax.get_title().endswith("2024")
    assert dots == list(range(len(rows(ax))))
    assert "Humanoid robots" not in rows(ax)


# ------------------------------------------------------------------------------ waterfall


@pytest.mark.parametrize("element", [None, "Dy", "Tb"])
@pytest.mark.parametrize("weighted", [False, True])
def test_bars_lead_from_year_to_year(
    result: rs.Result, conditioned: rs.Result, element: str | None, weighted: bool
) -> None:
    """Each step starts where the one before ends, and the last ends at demand."""
    source = conditioned if weighted else result
    ax = chart(source, "waterfall", element=element)
    means = demand_bridge(source, element=element)["mean"].to_dict()
    boxes = [cast("Any", patch) for patch in ax.patches]
    ends = [box.get_y() + box.get_height() for box in boxes]

    assert [box.get_y() for box in boxes] == pytest.approx([0.0, *ends[:4], 0.0])
    assert [box.get_height() for box in boxes] == pytest.approx([means[ALL_USES, s] for s in STEPS])
    assert ends[4] == pytest.approx(ends[5])
    for step in STEPS:
        write = tonnes if step in ("before", "after") else signed
        assert write(means[ALL_USES, step]) in texts(ax)


def test_whiskers_are_those_of_the_step(result: rs.Result) -> None:
    """A whisker spans P5 to P95 of its own step, from where the step starts."""
    ax = chart(result, "waterfall")
    table = {name: column.to_dict() for name, column in demand_bridge(result).items()}
    paths = [np.asarray(p.vertices) for each in ax.collections for p in each.get_paths()]
    found = [(float(p[0, 1]), float(p[1, 1])) for p in paths if p[0, 0] == p[1, 0]]
    start, wanted = 0.0, []
    for step in STEPS:
        base = 0.0 if step == "after" else start
        wanted.append(tuple(base + table[q][ALL_USES, step] for q in ("P5", "P95")))
        start += table["mean"][ALL_USES, step]

    np.testing.assert_allclose(found, wanted)


def test_the_largest_parts_are_named(result: rs.Result) -> None:
    """Below the volume stand the end uses that add most to it, with their tonnes."""
    ax = chart(result, "waterfall")
    means = demand_bridge(result)["mean"].to_dict()
    cars = signed(means["ev-cars", "volume"])

    assert any(f"{cars} Battery and" in text for text in texts(ax))


def test_signs_are_written() -> None:
    """A step has its sign, and nothing has none."""
    assert [signed(value) for value in (3.0, -3.0, 0.2)] == ["+3", "−3", "0"]  # noqa: RUF001


# ------------------------------------------------------------------------------ stocks


@pytest.mark.parametrize("element", ["Dy+Tb", "Tb"])
@pytest.mark.parametrize("weighted", [False, True])
def test_stock_and_flows_are_those_of_the_result(
    result: rs.Result, conditioned: rs.Result, element: str, weighted: bool
) -> None:
    """The line is the median stock, and bars are mean flows with their P5-P95."""
    source = conditioned if weighted else result
    ax = chart(source, "stocks", element=element)
    (panel,) = panels(ax)[1:]
    years = source.plan.years
    line = next(each for each in ax.get_lines() if each.get_label() == "median")
    stock = source.values("in_use_stock", element=element)
    np.testing.assert_array_equal(line.get_xdata(), years)
    np.testing.assert_allclose(np.asarray(line.get_ydata()), quantile(source, stock, 0.5))

    heights = [cast("Any", patch).get_height() for patch in panel.patches]
    flows = [
        source.values(name, element=element, bloc="world")
        for name in ("retired", "recycled_end_of_life")
    ]
    np.testing.assert_allclose(heights, np.concatenate([mean(source, one) for one in flows]))
    whiskers = [np.asarray(p.vertices)[:, 1] for c in panel.collections for p in c.get_paths()]
    wanted = [[quantile(source, one, q) for q in (0.05, 0.95)] for one in flows]
    np.testing.assert_allclose(whiskers, np.concatenate([np.transpose(w) for w in wanted]))
    contained = source.arrays["end_use.contained"].sum(axis=0)
    chosen = contained[-1] if element == "Tb" else contained.sum(axis=0)
    assert source.plan.elements[-1] == "Tb"
    np.testing.assert_allclose(np.asarray(panel.get_lines()[0].get_ydata()), mean(source, chosen))


def test_the_panel_has_the_years_of_the_stock(result: rs.Result) -> None:
    """Years of stock and flows stand below one another, after the layout is settled."""
    ax = chart(result, "stocks")
    (panel,) = panels(ax)[1:]
    whole(ax).draw_without_rendering()
    above, below = ax.get_window_extent(), panel.get_window_extent()

    assert panel.get_xlim() == ax.get_xlim()
    assert (below.x0, below.x1) == pytest.approx((above.x0, above.x1))
    assert below.y1 < above.y0
    assert below.height > 100.0


def test_a_default_run_has_its_stocks() -> None:
    """What a run keeps unless told otherwise is enough."""
    ax = chart(rs.simulate(draws=64, rng=1), "stocks")

    assert len(panels(ax)) == 2


def test_a_short_run_can_be_drawn() -> None:
    """Two years are enough, and their labels are those of the run."""
    scenario = rs.load_scenario("baseline").replace({"settings.last_year.value": 2025})
    short = rs.simulate(scenario, draws=64, rng=1, keep=KEEP)
    for name in CHARTS:
        assert "2025" in chart(short, name).get_title()
