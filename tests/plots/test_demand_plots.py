"""Charts of demand and of goods in use: what they draw, and that it can be read."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from matplotlib import pyplot as plt

import reesupply as rs
from charts import chart, panels, shown_texts, whole
from reesupply.analysis.bridge import ALL_USES, STEPS, demand_bridge
from reesupply.analysis.bridge import KEEP as CAUSES_KEEP
from reesupply.plots.style import tonnes
from reesupply.plots.waterfall import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def texts(ax: Axes) -> list[str]:
    """What every text of the figure says."""
    return [found.get_text() for found in shown_texts(ax)]


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
    before = plt.get_fignums()
    for source, name, options, words in calls:
        with pytest.raises(rs.ReesupplyError, match=words):
            chart(source, name, **options)
    assert plt.get_fignums() == before


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
