"""Hindcasts: nothing newer than the vintage, scores as defined, losses shown, toys calibrated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import reesupply as rs
from reesupply.analysis import backtest
from reesupply.analysis.fit import activities, fit_growth, growth_rows
from reesupply.analysis.fit.activities import to_line
from reesupply.analysis.verification import hindcasts as module
from reesupply.analysis.verification.hindcasts import (
    METHODS,
    MODEL,
    PUBLISHED,
    Hindcast,
    hindcasts,
    outlook_path,
)
from reesupply.analysis.verification.quantities import CONTENT, MAGNETS, QUANTITIES, quantity_named
from reesupply.analysis.verification.record import Outlook, Record, Value
from reesupply.analysis.verification.scoring import (
    ALL,
    LEAST_PAIRS,
    OBSERVED,
    difference_table,
    score_table,
    summary_table,
)
from reesupply.errors import ReesupplyError
from reesupply.report.verification import losses
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DRAWS, SEED = 400, 7
POINTS = (PUBLISHED, "announced schedule", "no change")


@pytest.fixture(scope="module")
def found() -> rs.Verification:
    """The default vintages, few draws."""
    return rs.verify(draws=DRAWS, rng=SEED)


def made_in(vintage: int, known: Record) -> list[Hindcast]:
    """Forecast everything from what is on record."""
    years = range(max(2016, vintage + 1), 2026)
    after = vintage - 3
    return hindcasts(known, vintage, years, after=after, draws=DRAWS, entropy=SEED)[0]


def same(some: Sequence[Hindcast], others: Sequence[Hindcast]) -> bool:
    """Whether two lists hold the same forecasts, bit for bit."""
    heads = [[each[:-1] for each in made] for made in (some, others)]
    return heads[0] == heads[1] and all(
        np.array_equal(a.draws, b.draws) for a, b in zip(some, others, strict=True)
    )


def poisoned(vintage: int, value: Callable[[str], str]) -> Record:
    """The record with statistics from the vintage on, and later forecasts, changed."""
    record = Record.shipped()
    statistics = [
        {**row, "value": value(row["value"])} if int(row["period"][:4]) >= vintage else row
        for row in record.statistics
    ]
    forecasts = [
        {**row, "value": value(row["value"])} if int(row["issued"][:4]) > vintage else row
        for row in record.forecasts
    ]
    return Record(tuple(statistics), tuple(forecasts))


# -- no hindsight ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vintage", "value"),
    [
        (2012, lambda text: str(7.3 * float(text or 1))),
        (2018, lambda text: "nan" if text else ""),
        (2018, lambda text: str(7.3 * float(text or 1))),
    ],
)
def test_nothing_newer_than_the_vintage_is_used(
    vintage: int, value: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes later, not a number or something else, the forecasts are the same bits."""
    before = made_in(vintage, Record.shipped().until(vintage))
    later = poisoned(vintage, value)
    monkeypatch.setattr(Record, "shipped", classmethod(lambda cls: later))  # noqa: ARG005

    run = rs.verify([vintage], draws=DRAWS, rng=SEED)

    assert len(before) > 4
    assert same(run.forecasts, before)


def test_a_look_ahead_would_be_noticed() -> None:
    """The check before can fail: two more years on record change what is forecast from 2018."""
    ahead, later = Record.shipped(), poisoned(2018, lambda text: str(1.7 * float(text or 1)))
    years = range(2021, 2026)
    made = [
        hindcasts(known, 2018, years, after=2015, draws=DRAWS, entropy=SEED)[0]
        for known in (ahead.until(2018), ahead.until(2020), later.until(2020))
    ]

    assert not same(made[0], made[1])
    assert not same(made[1], made[2])


def test_no_other_table_is_a_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it forecasts it reads the pipeline, generic parameters and ceilings, and no record."""
    read: set[str] = set()

    def spied(name: str) -> Any:
        read.add(name)
        return open_csv(name)

    known = Record.shipped().until(2012)
    for place in (module, backtest, growth_rows, activities):
        monkeypatch.setattr(place, "open_csv", spied, raising=False)
    made_in(2012, known)
    made_in(2018, Record.shipped().until(2018))

    assert read == {"pipelines", "generic_stages", "ramps", "ramp_classes", "growth"}


def test_a_vintage_is_the_end_of_a_year() -> None:
    """Statistics of the years before it, and what was issued until then."""
    known = Record.shipped().until(2018)
    years = [int(row["period"][:4]) for row in known.statistics]

    assert max(years) == 2017
    assert not any(row["period"] == "2010-2024" for row in known.statistics)
    assert max(int(row["issued"][:4]) for row in known.forecasts) == 2018
    assert len(known.forecasts) < len(Record.shipped().forecasts)


def test_only_later_years_are_scored(found: rs.Verification) -> None:
    """Each forecast looks ahead from values before its vintage."""
    assert (found.scores["year"] > found.scores["vintage"]).all()
    assert (found.scores["horizon"] == found.scores["year"] - found.scores["vintage"]).all()
    last = found.basis["last"].dropna()
    assert (last.astype(int) < last.index.get_level_values("vintage")).all()


# -- the record -----------------------------------------------------------------------------------


def test_values_by_hand() -> None:
    """A series, the first of two, a difference of three, and values from before the table."""
    record = Record.shipped()
    mines = record.values(quantity_named("mines outside China"))
    wind = record.values(quantity_named("wind additions"))

    assert mines[2011] == Value(6000.0, True)
    assert mines[2018] == Value(51000.0, True)
    assert mines[2023] == Value(376e3 - 255e3 - 43e3, True)
    assert record.values(quantity_named("mines outside China, with Myanmar"))[2018].value == 70e3
    assert (wind[2006].value, wind[2024].value) == (15.2, 117.0)
    assert list(wind) == list(range(2006, 2026))
    assert not record.values(quantity_named("Dy+Tb demand"))[2024].observed


def test_outlooks_by_hand() -> None:
    """A level, one in thousands, a growth, a rise and a multiple; without a base year, nothing."""
    record = Record.shipped()

    def said(name: str, publisher: str, known: Record = record) -> list[Outlook]:
        return [o for o in known.outlooks(quantity_named(name)) if o.publisher == publisher]

    assert said("wind additions", "GWEC")[0] == Outlook("GWEC", 2012, 2016, 60.0)
    assert said("mines outside China", "Kingsnorth") == [Outlook("Kingsnorth", 2012, 2016, 60e3)]
    assert said("magnet alloy", "Roskill")[0].value == pytest.approx(150.0 * 1.045**5)
    assert said("electric cars", "Roskill")[0].value == pytest.approx(0.75 + 3.75)
    assert said("Dy+Tb demand", "Alonso et al.")[0].value == pytest.approx(2140.0 * 6.3)
    assert said("electric cars", "Roskill", record.until(2016)) == []


def test_an_outlook_belongs_to_one_vintage(found: rs.Verification) -> None:
    """A published forecast is scored once, at the first vintage that could have read it."""
    said = [each for each in found.forecasts if each.method == PUBLISHED]
    keys = [(each.quantity, each.by, each.years, float(each.draws[0, 0])) for each in said]

    assert len(keys) == len(set(keys)) > 8
    assert {each.vintage for each in said if each.by == "BNEF"} == {2018}


# -- how forecasts are made -----------------------------------------------------------------------


def test_the_path_goes_through_the_outlooks() -> None:
    """Straight in log odds from the last value, then on with the fitted drift."""
    values = {2010 + i: v for i, v in enumerate([1.0, 1.5, 1.8, 2.9, 3.1, 4.2])}
    fit = fit_growth(values, ceiling=95.0)
    outlooks = [Outlook("a", 2015, 2018, 8.0), Outlook("b", 2015, 2018, 12.0)]
    path = to_line(outlook_path(fit, outlooks, 5), 95.0)
    line = to_line([4.2, 8.0, 12.0], 95.0)
    end = 0.5 * (line[1] + line[2])

    assert path[2] == pytest.approx(end)
    assert path[:2] == pytest.approx(line[0] + np.array([1, 2]) / 3 * (end - line[0]))
    assert np.diff(path)[2:] == pytest.approx(fit.drift)


def test_the_model_follows_outlooks_where_there_are(found: rs.Verification) -> None:
    """Its median is at the published point, and it names who said it; without, it has the drift."""
    made = {(e.vintage, e.quantity, e.method): e for e in found.forecasts}
    cars, alone = (made[2018, "electric cars", name] for name in (MODEL, "model without outlooks"))
    wheels = made[2018, "electric two-wheelers", MODEL]

    assert cars.by == "Roskill, BNEF"
    at = cars.years.index(2025)
    assert np.median(cars.draws[at]) == pytest.approx(11.0, rel=0.25)
    assert np.median(alone.draws[at]) > 2.0 * np.median(cars.draws[at])
    assert wheels.by == ""
    assert (2018, "electric two-wheelers", "model without outlooks") not in made


def test_demand_is_alloy_times_content(found: rs.Verification) -> None:
    """With the content held, and what is beside magnets as it was; the content falls as it did."""
    made = {(e.vintage, e.quantity, e.method): e for e in found.forecasts}
    held = made[2018, "Dy+Tb demand", "content held"]
    at = held.years.index(2024)
    values = {
        name: {y: v.value for y, v in Record.shipped().until(2018).series(name).items()}
        for name in (MAGNETS, CONTENT)
    }
    fits = {name: fit_growth(known) for name, known in values.items()}
    rest = 2320.0 - 10.0 * 150.0 * 1.41
    alloy = (held.draws[at] - rest) / 14.1
    content = (made[2018, "Dy+Tb demand", MODEL].draws[at] - rest) / (10.0 * alloy)

    # medians of 400 draws, from 2016 on
    assert np.median(alloy) == pytest.approx(150.0 * math.exp(8 * fits[MAGNETS].drift), rel=0.15)
    assert np.median(content) == pytest.approx(1.41 * math.exp(8 * fits[CONTENT].drift), rel=0.05)
    assert np.median(content) < 1.2


def test_other_vintages_move_no_draw(found: rs.Verification) -> None:
    """Streams belong to a vintage, a quantity and a method."""
    alone = rs.verify([2020], draws=DRAWS, rng=SEED)
    pick = [e for e in found.forecasts if e.vintage == 2020 and e.method != PUBLISHED]

    assert same([e for e in alone.forecasts if e.method != PUBLISHED], pick)
    assert not same(rs.verify([2020], [2021], draws=DRAWS, rng=8).forecasts, alone.forecasts)


def test_what_cannot_be_forecast_has_a_reason(found: rs.Verification) -> None:
    """Of each quantity and vintage; a pipeline that was not read is no data."""
    made = {(e.vintage, e.quantity, e.method) for e in found.forecasts}

    for key, reason in found.basis["why"].items():
        assert (reason == "") == (key in made), key
    assert found.basis.index.is_unique
    why = found.basis["why"].to_dict()
    for vintage in (2015, 2018, 2020):
        assert why[vintage, "mines outside China", MODEL].startswith("no data")
    assert why[2012, "electric cars", MODEL].endswith("needed: 5")


# -- scores ---------------------------------------------------------------------------------------


def test_scores_are_those_of_the_draws(found: rs.Verification) -> None:
    """Of one forecast, by a kept library; a point has its absolute error."""
    scoringrules = pytest.importorskip("scoringrules")
    each = next(e for e in found.forecasts if e[:3] == (2018, "wind additions", "ARIMA"))
    table: Any = found.scores.set_index(["vintage", "quantity", "method", "year"])
    key = (2018, "wind additions", "ARIMA", 2024)
    row = table.loc[key]
    draws = each.draws[each.years.index(2024)]
    logs = np.log(draws)

    exact = scoringrules.crps_ensemble(math.log(117.0), logs, estimator="nrg")
    assert row["crps"] == pytest.approx(float(exact), rel=1e-9)
    assert row["log_error"] == pytest.approx(math.log(np.median(draws) / 117.0))
    assert row["pit"] == pytest.approx(np.mean(draws < 117.0))
    assert bool(row["inside"]) == bool(row["P5"] <= 117.0 <= row["P95"])
    points = found.scores[found.scores["method"].isin(POINTS)]
    np.testing.assert_allclose(points["crps"], points["log_error"].abs(), rtol=1e-12)
    assert points[["P5", "P95", "interval", "pit", "inside"]].isna().all(axis=None)


def test_the_summary_by_hand(found: rs.Verification) -> None:
    """Skill on the pairs that both have; wins and losses; two pooled groups."""
    scores, table = found.scores, found.summary
    row: Any = table.loc[("wind additions", "ETS")]
    of = {
        name: scores[(scores["quantity"] == "wind additions") & (scores["method"] == name)]
        for name in ("ETS", "drift", MODEL)
    }
    ours, ets = of[MODEL]["crps"].to_numpy(), of["ETS"]["crps"].to_numpy()

    assert row["skill"] == pytest.approx(1.0 - ets.mean() / of["drift"]["crps"].mean())
    assert (row["won"], row["lost"]) == ((ours < ets).sum(), (ours > ets).sum())
    assert row["coverage"] == pytest.approx(of["ETS"]["inside"].mean())
    assert row["low"] < row["coverage"] < row["high"]
    counted = [q.name for q in QUANTITIES if q.counted]
    pooled = scores[scores["quantity"].isin(counted) & (scores["method"] == MODEL)]
    assert table.loc[(ALL, MODEL), "pairs"] == len(pooled)
    assert table.loc[(OBSERVED, MODEL), "pairs"] == pooled["observed"].sum()
    assert set(table.index.get_level_values("method")) == set(METHODS)


def toy(
    spread: float = 1.0, vintages: Sequence[int] = tuple(range(1900, 2000)), rival: float = 1.0
) -> tuple[list[Hindcast], dict[str, dict[int, Value]]]:
    """A world of known law, forecast one year on by the model and by drift of another width."""
    rng = np.random.default_rng(5)
    levels = (np.arange(500) + 0.5) / 500
    normal = np.sort(rng.normal(size=100_000))[(levels * 100_000).astype(int)]
    outcomes = {year + 1: Value(float(np.exp(rng.normal())), True) for year in vintages}
    made = [
        Hindcast(year, "wind additions", name, "", (year + 1,), np.exp(width * normal)[np.newaxis])
        for year in vintages
        for name, width in ((MODEL, spread), ("drift", rival))
    ]
    return made, {"wind additions": outcomes}


def test_a_calibrated_forecaster_is_found_calibrated() -> None:
    """1,000 outcomes of the law that is forecast: coverage of 90 %, levels uniform."""
    scores = score_table(*toy(vintages=range(1000, 2000)), SEED)
    row: Any = summary_table(scores).loc[("wind additions", MODEL)]
    counts = np.histogram(scores.loc[scores["method"] == MODEL, "pit"], 10, (0.0, 1.0))[0]

    assert row["low"] < 0.9 < row["high"]
    assert np.abs(counts - 100).max() < 4.0 * math.sqrt(90.0)


@pytest.mark.parametrize(("spread", "verdict"), [(4.0, "model worse"), (1.0, "model better")])
def test_a_loss_is_said(spread: float, verdict: str) -> None:
    """Where the model is four times too wide the rival wins, and table and words say so."""
    made, outcomes = toy(spread, rival=1.0 if spread > 1.0 else 4.0)
    run = rs.Verification((1900,), (1901,), 500, 1, tuple(made), pd.DataFrame(), outcomes)
    row: Any = run.summary.loc[("wind additions", "drift")]

    assert row["verdict"] == verdict
    assert (row["lost"] > row["won"]) == (verdict == "model worse")
    told = losses(run)
    assert ("drift scores" in " ".join(told)) == (verdict == "model worse")
    assert verdict == "model worse" or told == ["Nowhere in these averages."]


def test_every_loss_of_the_shipped_run_is_in_the_text(found: rs.Verification) -> None:
    """And in the table, whatever they are; lines fit a terminal."""
    text = found.text()
    lost = found.summary[found.summary["verdict"] == "model worse"]

    assert len(lost) > 0
    for quantity, method in lost.index:
        assert f"{quantity}: {method} scores " in text
    assert text.count(" <\n") == len(lost)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(("origins", "tested"), [(LEAST_PAIRS - 1, False), (30, True)])
def test_a_test_of_equal_scores_needs_enough_origins(origins: int, tested: bool) -> None:
    """At one horizon, year by year; fewer get a sentence and no number."""
    scores = score_table(*toy(3.0, vintages=range(1900, 1900 + origins)), SEED)
    row: Any = difference_table(scores).loc[("wind additions", "drift")]

    assert (row["note"] == "") == tested
    assert math.isnan(row["p_value"]) != tested
    assert not tested or (row["statistic"] > 0.0 and row["p_value"] < 0.05)
    apart = score_table(*toy(3.0, vintages=range(1900, 1900 + 2 * origins, 2)), SEED)
    assert "not year by year" in difference_table(apart)["note"].iloc[0]


def test_no_shipped_comparison_is_tested(found: rs.Verification) -> None:
    """Four vintages cannot have twenty origins at a horizon."""
    assert len(found.differences) > 20
    assert found.differences["p_value"].isna().all()
    assert found.differences["note"].str.startswith("no test: ").all()


def test_the_list_of_published_forecasts(found: rs.Verification) -> None:
    """Those whose outcome is in the same unit; the error is the logarithm of their ratio."""
    table = found.published
    row: Any = table.loc["kingsnorth-2012-row-2016"]

    assert row["log_error"] == pytest.approx(math.log(60 / 24))
    assert {"adamas-2014-reo-2020", "smh-2013-dy-2020", "bnef-2018-ev-2025"} <= set(table.index)
    assert "zhou-2017-dy-2030" not in table.index


# -- the public function --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: rs.verify(draws=10),
        lambda: rs.verify([]),
        lambda: rs.verify(2018),  # type: ignore[arg-type]
        lambda: rs.verify([2018], ["2020"]),  # type: ignore[list-item]
        lambda: rs.verify([2018], draws=1e3),  # type: ignore[arg-type]
        lambda: rs.verify([2018], []),
        lambda: rs.verify([2018, 2024], [2019, 2020]),
        lambda: rs.verify([2009], [2016], draws=DRAWS),
        lambda: rs.verify([2018], [2031], draws=DRAWS),
        lambda: quantity_named("wind"),
    ],
)
def test_impossible_requests(wrong: Callable[[], object]) -> None:
    """One sentence each."""
    with pytest.raises(
        ReesupplyError, match=r"(draws|years|vintages): found|verify: |found '.+'; "
    ):
        wrong()


def test_impossible_charts(found: rs.Verification) -> None:
    """One sentence each, too."""
    with pytest.raises(ReesupplyError, match="quantity: found 'electric planes'; did you mean"):
        found.plot.fan("electric planes")
    with pytest.raises(ReesupplyError, match="method: found 'published'; allowed: model"):
        found.plot.pit("published")


def test_it_says_what_it_is(found: rs.Verification) -> None:
    """In one line, as a table, and with what repeats it."""
    assert "vintages 2012, 2015, 2018, 2020, 400 draws" in repr(found)
    assert "<table" in found._repr_html_()
    assert "nan" not in found._repr_html_().lower()
    assert "&lt;na&gt;" not in found._repr_html_().lower()
    kept = found.provenance
    assert (kept["entropy"], kept["draws"]) == ("7", DRAWS)
    assert set(kept["tables"]) >= {"history", "forecasts", "pipelines", "growth"}
