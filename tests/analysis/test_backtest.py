"""The back-test of the pipeline: scores, limits, streams and where its rows come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy.stats import norm

from reesupply.analysis import backtest as module
from reesupply.analysis.backtest import BackTest, Parameters, backtest, foresee
from reesupply.errors import ReesupplyError
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWS = 2048
POINTS = ["announced", "flat", "Kingsnorth"]
COLUMNS = [
    *("P5", "P50", "P95", "outcome", "CRPS", "absolute error"),
    *("P50 / announced", "outcome / announced", "inside", "percentile"),
]


def rows(table: str) -> list[dict[str, str]]:
    """Return a shipped table as text."""
    return list(open_csv(table))


@pytest.fixture(scope="module")
def generic() -> BackTest:
    """Run the default once."""
    return backtest(draws=DRAWS, rng=7)


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [(2016, 2020), (2013,)])
def test_no_risk_is_the_announced_schedule(years: tuple[int, ...]) -> None:
    """The same two models without risk give the owners' dates, in every draw and year."""
    run = backtest(years=years, draws=64, rng=1, parameters="announced")

    np.testing.assert_allclose(run.output, run.announced[:, np.newaxis] * np.ones(64), rtol=1e-12)


def test_risk_only_takes_away(generic: BackTest) -> None:
    """Once all are due, no draw exceeds what was announced, nor falls below what ran already."""
    assert (generic.output[-1] <= generic.announced[-1]).all()
    assert (generic.output >= generic.flat - 1e-9).all()


def test_what_is_announced_in_the_end_is_the_sum_of_nameplates(generic: BackTest) -> None:
    """All dates have passed by 2020."""
    total = sum(float(row["nameplate"]) for row in rows("pipelines"))

    assert generic.announced[-1] == pytest.approx(total)


def first_feed(status: str, draws: int = 200_000, **changes: float) -> np.ndarray:
    """Return first feed of one project of a status, generic parameters."""
    rng = np.random.default_rng(11)
    u = {name: rng.random(draws) for name in ("wait", "schedule")}
    plan = {"start": 2014.5, "construction": 2.0, "nameplate": 1.0, "ramp_years": 1.0} | changes
    project = module._Project(status, "announced", "x", **plan)
    stage = module._risk("generic").stages[status]
    return module._first_feed(project, stage, 2012.1, rng.standard_normal(draws), u)


@pytest.mark.parametrize(
    ("status", "gates"),
    [
        ("construction", 1.0),
        ("feasibility", 9 / 10 * 10 / 12),
        ("prefeasibility", 5 / 6 * 9 / 10 * 10 / 12),
        ("scoping", 1 / 2 * 5 / 6 * 9 / 10 * 10 / 12),
        ("resource", 1 / 2 * 5 / 6 * 9 / 10 * 10 / 12),
    ],
)
def test_as_many_start_as_the_gates_let_through(status: str, gates: float) -> None:
    """The published stage gates, times 0.95 that work; four standard errors."""
    share = np.isfinite(first_feed(status)).mean()

    assert share == pytest.approx(0.95 * gates, abs=4.0 * 0.5 / np.sqrt(200_000) + 1e-4)


def test_construction_is_late_by_the_schedule_factor() -> None:
    """The slip is planned construction times the factor less one: 23 % of it, 71 % are late."""
    late = first_feed("construction") - 2014.5
    late = late[np.isfinite(late)]

    assert late.mean() / 2.0 == pytest.approx(1.18 * np.exp(0.3**2 / 2.0) - 1.0, abs=0.005)
    assert (late > 0.0).mean() == pytest.approx(norm.cdf(np.log(1.18) / 0.3), abs=0.005)


def test_a_project_waits_for_its_decision() -> None:
    """Mean date: earliest decision, mean wait of 1.8 years, construction with its overrun."""
    started = first_feed("feasibility")
    started = started[np.isfinite(started)]
    factor = module._risk("generic").stages["feasibility"].schedule

    assert not isinstance(factor, float)
    expected = 2012.6 + 1.8 + 2.0 * factor.mean
    assert started.mean() == pytest.approx(expected, abs=0.03)


# -- parameters ----------------------------------------------------------------------------------


def test_generic_parameters_know_nothing_of_rare_earth_plants() -> None:
    """No class fitted on them, no plateau drawn after them, no source of the record of delays."""
    risk, today = module._risk("generic"), module._risk("today")
    at = [row["id"] for row in rows("ramp_classes")].index("r")
    sources = {name for row in rows("generic_stages") for name in row["source"].split(";")}
    record = {name for row in rows("delays") for name in row["source"].split(";")}

    assert all(w[at] == 0.0 and w.sum() == pytest.approx(1.0) for w in risk.weights.values())
    assert today.weights["solvent-extraction"][at] > 0.0
    assert all(isinstance(plateau, float) for plateau in risk.plateaus)
    assert sources & record == {"assumption"}


def test_the_sets_of_parameters_differ(generic: BackTest) -> None:
    """And a run with today's says on its chart that it has seen the outcome."""
    today = backtest(draws=DRAWS, rng=7, parameters="today")

    assert (np.median(today.output, axis=1) < np.median(generic.output, axis=1)).all()
    assert "have seen these outcomes" in today.plot().get_title(loc="left")


@pytest.mark.parametrize(
    "change",
    [
        lambda: backtest(2011.5),
        lambda: backtest(parameters="tuned"),  # type: ignore[arg-type]
        lambda: backtest(years=()),
        lambda: backtest(years=(2011,)),
        lambda: backtest(years=(2016, 2031)),
        lambda: backtest(draws=0),
        lambda: backtest(rho=1.5),
        lambda: backtest(rho=float("nan")),
    ],
)
def test_impossible_requests(change: Callable[[], BackTest]) -> None:
    """One sentence each."""
    with pytest.raises(ReesupplyError, match=r"vintage|parameters|years|draws: found|rho: found"):
        change()


def test_a_forecast_reads_no_outcome(generic: BackTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what came nor the record of delays, nor what was judged with them in view."""
    read = []

    def spied(name: str) -> list[dict[str, str]]:
        read.append(name)
        return rows(name)

    monkeypatch.setattr(module, "open_csv", spied)
    run = foresee(2012.1, 2020, draws=DRAWS, rng=7)

    assert set(read) == {"pipelines", "generic_stages", "ramps", "ramp_classes"}
    assert np.array_equal(run.output, generic.output)
    assert run.scored == ()


# -- streams -------------------------------------------------------------------------------------


def test_a_seed_repeats_the_run(generic: BackTest) -> None:
    """As does the entropy of a run without one; another seed differs."""
    fresh = backtest(draws=100)

    assert np.array_equal(backtest(draws=DRAWS, rng=7).output, generic.output)
    assert np.array_equal(backtest(draws=100, rng=fresh.entropy).output, fresh.output)
    assert not np.array_equal(backtest(draws=DRAWS, rng=8).output, generic.output)


@pytest.mark.parametrize("draws", [1, 100, 1500])
def test_fewer_draws_are_the_first_of_more(generic: BackTest, draws: int) -> None:
    """A draw depends on its number, not on how many there are."""
    assert np.array_equal(backtest(draws=draws, rng=7).output, generic.output[:, :draws])


def test_leaving_a_project_out_moves_no_other(
    generic: BackTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The difference is that project alone: from nothing to its nameplate, often nothing."""
    all_rows = module._pipeline(2012.1)
    fewer = [project for project in all_rows if project.leader != "kvanefjeld"]
    monkeypatch.setattr(module, "_pipeline", lambda vintage: fewer)  # noqa: ARG005

    alone = generic.output - backtest(draws=DRAWS, rng=7).output

    assert alone.min() > -1e-6
    assert alone.max() < 43_700
    assert (alone[-1] < 1e-6).mean() > 0.6


@pytest.mark.parametrize("parameters", ["generic", "today"])
def test_correlation_widens_the_range(parameters: Parameters) -> None:
    """One factor moves all projects; the mean stays."""
    free, tied = (
        backtest(draws=8192, rng=3, parameters=parameters, rho=rho).output[-1] for rho in (0, 0.6)
    )

    assert tied.std() > 1.1 * free.std()
    assert tied.mean() == pytest.approx(free.mean(), rel=0.03)


def test_phases_of_a_plant_share_their_outcome() -> None:
    """Two rows of one plant never part: both work or neither."""
    leaders = {row["id"]: row["decided_with"] for row in rows("pipelines") if row["decided_with"]}

    assert leaders == {"mountain-pass-2": "mountain-pass-1", "mt-weld-2": "mt-weld-1"}


# -- what it shows -------------------------------------------------------------------------------


def test_the_table_of_scores(generic: BackTest) -> None:
    """Every forecast on every reading; inside or outside is told, whichever it is."""
    table = generic.table()
    model = table.xs("model, generic", level="forecast")
    points = table.drop(index="model, generic", level="forecast")

    assert list(table.columns) == COLUMNS
    assert table.index.names == ["year", "reading", "forecast"]
    assert table.index.is_unique
    assert set(table.loc[2016].index.get_level_values("forecast")) == {"model, generic", *POINTS}
    assert set(table.loc[2020].index.get_level_values("forecast")) == {
        "model, generic",
        *POINTS[:2],
    }
    assert len(model) == 4
    assert model["inside"].isin([True, False]).all()
    assert ((model["outcome"] >= model["P5"]) & (model["outcome"] <= model["P95"])).tolist() == (
        model["inside"].tolist()
    )
    assert model["percentile"].between(0.0, 1.0).all()
    assert (points["CRPS"] == points["absolute error"]).all()
    assert points[["P5", "P95", "inside", "percentile"]].isna().all(axis=None)
    assert (model["CRPS"] < model["absolute error"]).all()


def test_coverage_counts_each_outcome_once(generic: BackTest) -> None:
    """In 2016 both readings are one number."""
    inside, scored = generic.coverage()

    assert scored == 3
    assert 0 <= inside <= scored


def test_the_chart(generic: BackTest) -> None:
    """Fan, announced schedule, flat line, both outcomes and the published forecast."""
    _, axes = plt.subplots()
    drawn = generic.plot(axes)
    _, labels = drawn.get_legend_handles_labels()
    plt.close("all")

    assert drawn is axes
    assert {"as announced", "flat: last known level", "Kingsnorth, 2016"} <= set(labels)
    assert {"outcome, all mines", "outcome, without Myanmar", "P5 to P95"} <= set(labels)
    assert "not fitted on these outcomes" in drawn.get_title(loc="left")


# -- where the rows come from --------------------------------------------------------------------


@pytest.mark.parametrize("table", ["pipelines", "generic_stages"])
def test_every_row_has_a_source(table: str) -> None:
    """A known one; an assumption says why, and all say how sure they are."""
    known = {"assumption", *(row["id"] for row in rows("sources"))}

    for row in rows(table):
        named = row["source"].split(";")
        assert row["source"], row["id"]
        assert set(named) <= known, row["id"]
        assert row["confidence"] in ("high", "medium", "low"), row["id"]
        assert row["note"] or "assumption" not in named, row["id"]


@pytest.mark.parametrize("series", module.OUTCOMES.values())
def test_every_outcome_has_a_source(series: str) -> None:
    """What was remembered is called reconstructed, never observed."""
    known = {"assumption", *(row["id"] for row in rows("sources"))}
    found = [row for row in rows("history") if row["series"] == series]

    assert {row["period"] for row in found} >= {"2016", "2020"}
    for row in found:
        named = set(row["source"].split(";"))
        assert named <= known
        assert ("assumption" in named) == (row["kind"] == "reconstructed")
        assert float(row["low"] or row["value"]) <= float(row["value"])
        assert float(row["high"] or row["value"]) >= float(row["value"])


def test_the_pipeline_is_without_hindsight() -> None:
    """Known statuses and ramps; what is not running starts after the vintage."""
    pipeline = rows("pipelines")
    stages = {row["id"] for row in rows("generic_stages")} & {row["id"] for row in rows("stages")}
    ids = [row["id"] for row in pipeline]

    assert len(set(ids)) == len(ids)
    assert {row["status"] for row in pipeline} <= stages
    assert {row["ramp"] for row in pipeline} <= {row["id"] for row in rows("ramps")}
    assert {row["decided_with"] for row in pipeline} <= {"", *ids}
    for row in pipeline:
        running = row["status"] == "operating"
        assert running == (float(row["start"]) < float(row["vintage"])), row["id"]
        assert running or float(row["construction"]) > 0.0, row["id"]


def test_the_flat_line_is_the_last_level_known(generic: BackTest) -> None:
    """6,000 t in 2011, as the forecaster of the day said."""
    level = {row["series"]: row["value"] for row in rows("history") if row["period"] == "2011"}

    assert generic.flat == float(level["output-ex-china-kingsnorth"])


def test_less_without_myanmar() -> None:
    """The second reading is never above the first."""
    for year in range(2016, 2021):
        outcome = module._outcomes(year)
        assert outcome["without Myanmar"] <= outcome["all mines"]
