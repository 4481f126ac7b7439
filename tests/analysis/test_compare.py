"""Scenarios on common draws, and one project taken out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs

if TYPE_CHECKING:
    from reesupply import Comparison, Result

DRAWS = 2_048
LATE = {"projects.browns-range.start": 2033}
MORE = {"anchors.stock-change-2024.value": 900}


@cache
def result(changes: tuple[tuple[str, Any], ...] = (), draws: int = DRAWS, rng: int = 1) -> Result:
    """Return a run of the baseline with changes."""
    scenario = rs.load_scenario("baseline")
    changed = scenario.replace(dict(changes)) if changes else scenario
    return rs.simulate(changed, draws=draws, rng=rng, workers=1)


def both(*changes: dict[str, Any]) -> Comparison:
    """Compare the baseline with changed scenarios."""
    named: dict[str, Any] = {
        f"changed {n}": result(tuple(one.items())) for n, one in enumerate(changes)
    }
    return rs.compare({"baseline": result()} | named)


def test_a_scenario_differs_from_itself_by_nothing() -> None:
    """Common draws are the same draws, so not even rounding is left."""
    pair = rs.compare({"one": "baseline", "other": "baseline"}, draws=1_024, rng=3, workers=1)

    assert not pair.difference("other").any()
    row: Any = pair.table(years=[2035]).loc["other", 2035]
    assert row["difference"] == row["error"] == row["higher"] == 0.0


def test_the_difference_of_the_means_is_the_mean_of_the_differences() -> None:
    """And every cell is what the two runs say by themselves."""
    pair = both(LATE, MORE)
    table: Any = pair.table("refined_supply", years=[2030, 2035], bloc="ex_china")

    for label in ("changed 0", "changed 1"):
        for year in (2030, 2035):
            where: Any = {"year": year, "element": "Dy+Tb", "bloc": "ex_china"}
            before, now = (
                pair.runs[one].mean("refined_supply", **where) for one in ("baseline", label)
            )
            row = table.loc[label, year]
            assert row["mean"] == pytest.approx(now, rel=1e-12)
            assert row["difference"] == pytest.approx(now - before, abs=1e-9)
            assert row["P5"] <= row["P50"] <= row["P95"]
    assert list(table.index.get_level_values("scenario").unique()) == ["changed 0", "changed 1"]


def test_a_late_mine_takes_nothing_away_before_and_something_after() -> None:
    """What differs between the scenarios is the mine alone."""
    pair = both(LATE)
    change = pair.difference("changed 0", "mine_supply", bloc="ex_china")
    years = list(pair.base.plan.years)

    assert change.shape == (len(years), DRAWS)
    assert not change[: years.index(2027)].any()
    assert (change.mean(axis=1)[years.index(2029) : years.index(2032)] < 0.0).all()


def test_common_draws_tell_a_difference_far_better_than_draws_of_their_own() -> None:
    """The error in the table is that of repeated comparisons, and below that of two runs apart."""
    pairs: list[Any] = [
        rs.compare({"a": result(rng=seed), "b": result(tuple(LATE.items()), rng=seed)})
        .table(years=[2035])
        .loc["b", 2035]
        for seed in range(1, 13)
    ]
    found = np.array([row["difference"] for row in pairs])
    error = np.mean([row["error"] for row in pairs])
    apart = found.std(ddof=1)

    # chi-squared of 11: a ratio outside these happens once in 10,000 times
    assert 0.35 < apart / error < 1.95
    assert min(row["worth"] for row in pairs) > 5.0


def test_a_project_taken_out_is_the_same_comparison() -> None:
    """`outage` and `compare` with the event that it stands for agree draw by draw."""
    gone = rs.outage("browns-range", draws=DRAWS, rng=1, workers=1)
    pair = rs.compare({"with": gone.base, "without": gone.without})

    assert np.array_equal(pair.difference("without"), -gone.lost())
    lost: Any = gone.table()
    assert (lost.loc[:2026, "mean"].abs() < 1e-9).all()
    assert lost.loc[2035, "mean"] > 0.0
    assert lost.loc[2035, "P5"] <= lost.loc[2035, "P50"] <= lost.loc[2035, "P95"]
    assert (lost["rise of P(deficit)"] >= -1e-12).all()


def test_one_run_without_the_project_has_none_of_its_ore() -> None:
    """From the year after the base year on its own output is nothing."""
    scenario = rs.load_scenario("baseline")
    event = {
        "kind": "outage",
        "target": "projects.browns-range",
        "start": 2025.0,
        "years": 11.0,
        "probability": 1.0,
    }
    shut = scenario.replace({"events.gone": event})
    run = rs.simulate(shut, draws=1_024, rng=1, keep=("project.output",), workers=1)

    output = run.project["output"].sel(project="browns-range")
    assert float(output.sel(year=slice(2025, 2035)).max()) == 0.0


@pytest.mark.parametrize("project", ["browns-rang", "", "nothing"])
def test_an_unknown_project_is_named(project: str) -> None:
    """With the nearest one."""
    with pytest.raises(rs.ReesupplyError, match="there is no project"):
        rs.outage(project, draws=1_024)


def test_years_of_an_outage_rise() -> None:
    """An end before the start is refused."""
    with pytest.raises(rs.ReesupplyError, match="a first and a later moment"):
        rs.outage("browns-range", years=(2030.0, 2029.0), draws=1_024)


def test_claims_and_inputs_have_no_years() -> None:
    """One row a scenario."""
    table: Any = both(MORE).table("cru-deficit-2035.annual")

    assert list(table.index) == ["changed 0"]
    assert table.loc["changed 0", "difference"] != 0.0


def test_the_chart_shows_every_scenario() -> None:
    """A line each, years on the axis, the unit beside it."""
    pair = both(LATE, MORE)
    ax = pair.plot("mine_supply", bloc="ex_china")

    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["changed 0", "changed 1"]
    assert ax.get_ylabel() == "t oxide/yr"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("baseline", "a list of two or more"),
        (["baseline"], "found 1, allowed are two or more"),
        (["baseline", "baseline"], "found 'baseline' 2 times"),
        ({"a": result, "b": "draws"}, "has draws 1024, allowed is that of 'a', 2048"),
        ({"a": result, "b": "rng"}, "has entropy 2, allowed is that of 'a', 1"),
        ({"a": result, "b": "dtype"}, "has dtype float32, allowed is that of 'a', float64"),
        ({"a": result, "b": "weights"}, "'b' has weights"),
    ],
)
def test_what_cannot_be_compared_is_refused(given: Any, said: str) -> None:
    """In one sentence that says what is allowed."""
    made = {
        "draws": lambda: result(draws=1_024),
        "rng": lambda: result(rng=2),
        "dtype": lambda: rs.simulate(draws=DRAWS, rng=1, workers=1, dtype="float32"),
        "weights": lambda: result().condition(rs.Target("cru-deficit-2035.annual", 200.0)),
    }
    if isinstance(given, dict):
        given = {"a": result(), "b": made[given["b"]]()}
    with pytest.raises(rs.ReesupplyError, match=said):
        rs.compare(given)


def test_wrong_names_are_refused() -> None:
    """Labels of scenarios and names of variables."""
    pair = both(LATE)
    with pytest.raises(rs.ReesupplyError, match="there is no scenario 'changed'"):
        pair.difference("changed")
    with pytest.raises(rs.ReesupplyError, match=r"a variable of result\.data"):
        pair.table("project.output")
    with pytest.raises(rs.ReesupplyError, match="a variable that has years"):
        pair.plot("cru-deficit-2035.annual")
