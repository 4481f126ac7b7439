"""Pipeline and bottleneck charts show the numbers of the result, in Axes that can be printed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import reesupply as rs
from charts import chart, line
from reesupply.analysis.bottleneck import KEEP, bottleneck, flows
from reesupply.plots.style import tonnes
from reesupply.result import weighted_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHARTS = ("pipeline", "bottleneck")
BARS = ("P10–P90, under construction", "P10–P90, not decided")  # noqa: RUF001


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """A run that keeps what both charts need."""
    return rs.simulate(draws=1024, rng=1, keep=("first_feed", *KEEP))


@pytest.fixture(scope="module")
def conditioned(result: rs.Result) -> rs.Result:
    """The same draws, the later ones weighing more."""
    raw = np.arange(1.0, result.draws + 1.0)
    other = copy.copy(result)
    other.weights = raw / raw.sum()
    return other


def bars(ax: Axes) -> dict[float, tuple[float, float]]:
    """Ends of the bars by their height."""
    paths = [p for each in ax.collections if each.get_label() in BARS for p in each.get_paths()]
    corners = [np.asarray(path.vertices) for path in paths]
    return {float(c[0, 1]): (float(c[0, 0]), float(c[1, 0])) for c in corners}


def names_by_place(ax: Axes) -> dict[float, str]:
    """Names of the rows by their height."""
    labels = [label.get_text() for label in ax.get_yticklabels()]
    return dict(zip(map(float, ax.get_yticks()), labels, strict=True))


def cells(ax: Axes, place: float) -> list[str]:
    """Texts at the right of a row, from the left."""
    found = [t for t in ax.texts if isinstance(t, mpl.text.Annotation) and t.xy == (1.0, place)]
    return [text.get_text() for text in sorted(found, key=lambda text: text.xyann[0])]


# ------------------------------------------------------------------------------- pipeline


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_show_first_feed_of_the_result(
    result: rs.Result, conditioned: rs.Result, weighted: bool
) -> None:
    """Bar, median, owner's date, probability, status and nameplate of every row."""
    source = conditioned if weighted else result
    ax = chart(source, "pipeline")
    rows = {row.name: row for row in source.plan.scenario.rows("projects")}
    dates = source.project["first_feed"]
    ends = bars(ax)
    median, owner = (
        dict(zip(line(ax, label).get_ydata(), line(ax, label).get_xdata(), strict=True))
        for label in ("median", "owner's date")
    )
    running = set(line(ax, "runs, or certain").get_ydata())

    assert len(names_by_place(ax)) == 25
    for place, name in names_by_place(ax).items():
        row = rows[name]
        draws = dates.sel(project=row.id).to_numpy()
        starts = draws < 2036.0
        weights = np.full(draws.size, 1.0 / draws.size) if source.weights is None else None
        weights = source.weights if weights is None else weights
        assert weights is not None
        chance = weights[starts].sum()
        inside = None if source.weights is None else weights[starts] / chance
        low, middle, high = (
            float(weighted_quantile(draws[starts], q, inside)) for q in (0.1, 0.5, 0.9)
        )
        status, percent, nameplate = cells(ax, place)
        assert status == row.status
        assert percent == f"{100 * chance:.0f} %"
        if row.kind == "refinery":
            capacity = row.capacity if isinstance(row.capacity, float) else row.capacity.median
            assert nameplate == tonnes(capacity)
        if place in running:
            assert row.status == "operating"
            assert place not in ends
            continue
        assert ends[place] == (low, high)
        assert median[place] == middle
        assert owner[place] == row.start


def test_rows_are_grouped_and_sorted_by_the_owners_date(result: rs.Result) -> None:
    """Mines, then refineries, each by date; nothing of China."""
    ax = chart(result, "pipeline")
    rows = {row.name: row for row in result.plan.scenario.rows("projects")}
    shown = [rows[name] for _, name in sorted(names_by_place(ax).items(), reverse=True)]

    assert [row.kind for row in shown] == sorted(row.kind for row in shown)
    for kind in ("mine", "refinery"):
        starts = [row.start for row in shown if row.kind == kind]
        assert starts == sorted(starts)
    assert {row.bloc for row in shown} == {"ex_china"}


def test_the_largest_are_shown(result: rs.Result) -> None:
    """One refinery: the one with most nameplate that is expected to run."""
    ax = chart(result, "pipeline", kinds=("refinery",), top=1)

    assert list(names_by_place(ax).values()) == ["Eneabba refinery"]


def test_a_shared_outcome_has_the_colour_of_its_leader() -> None:
    """A stockpile that waits for its refinery is as decided as the refinery."""
    changed = rs.load_scenario("baseline").replace(
        {"projects.eneabba-stockpile.status": "scoping", "projects.browns-range.status": "certain"}
    )
    run = rs.simulate(changed, draws=64, rng=1, keep=("first_feed",))
    ax = chart(run, "pipeline")
    place = {name: place for place, name in names_by_place(ax).items()}
    decided = next(each for each in ax.collections if each.get_label() == BARS[0])
    heights = {float(np.asarray(path.vertices)[0, 1]) for path in decided.get_paths()}

    assert place["Eneabba stockpile and Balranald"] in heights
    assert place["Browns Range (Wolverine)"] in set(line(ax, "runs, or certain").get_ydata())


def test_odd_projects_are_drawn() -> None:
    """A plant without limit, one that never starts, one of long ago, a late date, a small one."""
    changes = {
        "projects.iluka-eneabba.capacity": None,
        "stages.construction.works": 0.0,
        "projects.mt-weld-heavy.start": 1990.0,
        "projects.kvanefjeld.start": 2040.5,
        "projects.mp-heavy.capacity": 0.4,
    }
    scenario = rs.load_scenario("baseline").replace(changes)
    run = rs.simulate(scenario, draws=64, rng=1, keep=("first_feed",))
    ax = chart(run, "pipeline", top=100)
    place = {name: place for place, name in names_by_place(ax).items()}

    assert cells(ax, place["Eneabba refinery"])[1:] == ["0 %", "no limit"]
    assert cells(ax, place["Mountain Pass heavy separation"])[2] == "0.4"
    assert place["Caremag Lacq"] not in bars(ax)
    assert list(line(ax, "earlier").get_ydata()) == [place["Mt Weld heavy stream"]]
    assert ax.get_xlim() == (2024.0, 2041.0)


def test_a_chance_is_never_rounded_to_nothing_or_sure() -> None:
    """One draw of many is less than one percent, not none."""
    base = rs.simulate(draws=1024, rng=1, keep=("first_feed",))
    run = copy.copy(base)
    dates = base.arrays["first_feed"].copy()
    names = base.plan.projects
    dates[names.index("iluka-eneabba")] = np.where(np.arange(1024) == 0, 2030.0, np.inf)
    dates[names.index("caremag-lacq")] = np.where(np.arange(1024) == 0, np.inf, 2030.0)
    run.arrays = {"first_feed": dates}
    ax = chart(run, "pipeline", top=100)
    place = {name: place for place, name in names_by_place(ax).items()}

    assert cells(ax, place["Eneabba refinery"])[1] == "<1 %"
    assert cells(ax, place["Caremag Lacq"])[1] == ">99 %"


# ----------------------------------------------------------------------------- bottleneck


@pytest.mark.parametrize("weighted", [False, True])
def test_lines_are_quantiles_of_the_flows(
    result: rs.Result, conditioned: rs.Result, weighted: bool
) -> None:
    """Feed, capacity and what is processed, weights included; the key gives the last year."""
    source = conditioned if weighted else result
    ax = chart(source, "bottleneck")
    found = flows(source)
    legend = ax.get_legend()
    assert legend is not None
    rows = [text.get_text() for text in legend.get_texts()]
    for name, draws in (
        ("capacity", found.capacity),
        ("feed on offer", found.offered),
        ("processed", found.processed),
    ):
        for label, q in (("P10", 0.1), ("median", 0.5), ("P90", 0.9)):
            if name == "processed" and label != "median":
                continue
            want = weighted_quantile(draws, q, source.weights)
            np.testing.assert_array_equal(line(ax, f"{name}, {label}").get_ydata(), want)
            assert any(
                row.split()[0] == tonnes(want[-1]) and row.endswith(f"{name}, {label}")
                for row in rows
            )


def test_the_strip_gives_the_probabilities(result: rs.Result) -> None:
    """Feed above, separation below, year by year; a dash before there is anything."""
    ax = chart(result, "bottleneck")
    table = bottleneck(result)
    found = [t for t in ax.texts if isinstance(t, mpl.text.Annotation) and t.xy[0] > 2000]
    heights = sorted({text.xyann[1] for text in found}, reverse=True)

    assert len(heights) == 2
    for height, column in zip(heights, ("P(feed)", "P(separation)"), strict=True):
        shown = {int(t.xy[0]): t.get_text() for t in found if t.xyann[1] == height}
        assert shown.pop(2024) == "–"  # noqa: RUF001
        chances = dict(zip(result.plan.years, np.asarray(table[column]), strict=True))
        assert shown == {year: f"{100 * chances[year]:.0f} %" for year in range(2025, 2036)}


def test_a_late_date_is_whole() -> None:
    """The diamond of an owner's date does not lie on the edge, which would cut it."""
    scenario = rs.load_scenario().replace({"projects.serra-verde-1.start": 2044.0})
    ax = chart(rs.simulate(scenario, draws=32, rng=1, keep=("first_feed",)), "pipeline", top=100)
    dates = line(ax, "owner's date").get_xdata()
    low, high = ax.get_xlim()
    assert dates.max() == 2044.0
    assert high - dates.max() > 0.01 * (high - low)


# --------------------------------------------------------------------------------- errors


def test_what_cannot_be_drawn_is_one_sentence(result: rs.Result) -> None:
    """An unknown kind or what was not kept is refused before a figure is made."""
    bare = rs.simulate(draws=64, rng=1, keep=())
    with pytest.raises(rs.ReesupplyError, match=r"'first_feed' were not kept.*keep=\('first_feed"):
        bare.plot.pipeline()
    with pytest.raises(rs.ReesupplyError, match=r"'project.output' were not kept"):
        bare.plot.bottleneck()
    unknown: list[dict[str, Any]] = [{"kinds": ("mines",)}, {"top": -1}, {"top": True}]
    for options in unknown:
        with pytest.raises(rs.ReesupplyError, match="found"):
            chart(result, "pipeline", **options)
    nothing: list[dict[str, Any]] = [{"kinds": ()}, {"top": 0}]
    for options in nothing:
        with pytest.raises(rs.ReesupplyError, match="no project"):
            chart(result, "pipeline", **options)
    assert plt.get_fignums() == []
