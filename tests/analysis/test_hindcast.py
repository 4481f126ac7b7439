"""The past of demand: base year, constant past, mass in use, weights, and hand numbers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.analysis.hindcast import (
    KEEP,
    SEEN,
    demand_hindcast,
    frozen_intensity,
    hindcast_points,
)
from reesupply.analysis.past import Past
from reesupply.models.stocks import Weibull, surviving_share
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

GOODS = ("end_use.retired", "end_use.stock", "use_demand", "demand")
WHOLE = "Dy+Tb"
SPREAD = ["mean", "P5", "P50", "P95"]
STILL = {
    "history.gross-demand-reconstructed.*.value": 3150,
    "end_uses.*.activity_history": None,
    "anchors.history-scale.value": 1,
    "anchors.growth-before-2010.value": 0,
}


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """The baseline."""
    return rs.simulate(draws=1024, rng=1, keep=(*KEEP, *GOODS))


@pytest.fixture(scope="module")
def still() -> rs.Result:
    """A world in which nothing ever changed before the base year."""
    scenario = rs.load_scenario().replace(STILL)
    return rs.simulate(scenario, draws=256, rng=1, keep=KEEP)


def weighted(result: rs.Result, weights: FloatArray) -> rs.Result:
    """The same run under weights."""
    other = copy.copy(result)
    other.weights = weights
    return other


def table(name: str) -> list[dict[str, str]]:
    """A shipped table as text."""
    return list(open_csv(name))


def of(series: str) -> dict[int, float]:
    """A series of history by year."""
    rows = [row for row in table("history") if row["series"] == series]
    return {int(row["period"]): float(row["value"]) for row in rows}


# -- by year -------------------------------------------------------------------------------------


def test_the_base_year_is_the_run(result: rs.Result) -> None:
    """There the index is 1 and history has no error, so the line is demand of the run."""
    last: Any = demand_hindcast(result).loc[2024]
    for element in ("Dy", "Tb", WHOLE):
        draws = result.values("demand", year=2024, element=element, bloc="world")
        expected = [draws.mean(), *np.quantile(draws, [0.05, 0.5, 0.95])]
        np.testing.assert_allclose(last[element][SPREAD].astype(float), expected, rtol=1e-12)


def test_a_constant_history_gives_a_constant_past(still: rs.Result) -> None:
    """Every year from the first cohort on is the base year."""
    found: Any = demand_hindcast(still, first=1995)
    for element in ("Dy", "Tb", WHOLE):
        block = found[element][SPREAD].to_numpy(dtype=float)
        np.testing.assert_allclose(block, np.broadcast_to(block[-1], block.shape), rtol=1e-12)
    assert found[WHOLE, "value"].dropna().eq(3150).all()


def test_elements_add_up_in_the_mean(result: rs.Result) -> None:
    """Quantiles do not; the order of the years is that of the table."""
    found: Any = demand_hindcast(result, first=2000)
    parts = found["Dy", "mean"] + found["Tb", "mean"]
    np.testing.assert_allclose(parts, found[WHOLE, "mean"], rtol=1e-12)
    assert list(found.index) == list(range(2000, 2025))


def test_goods_in_use_come_from_this_past(result: rs.Result) -> None:
    """What the past inflows still hold is the stock of the run, and what leaves is its outflow."""
    past, plan = Past(result), result.plan
    for place, use in enumerate(plan.end_uses):
        only = np.arange(len(plan.end_uses)) == place
        inflow = past.flow("end_use.contained", only)
        names = [f"lifetimes.{use}.{what}" for what in ("mean", "shape")]
        if names[0] not in result.input_names:
            assert use == "state-stockpiling"
            assert not inflow.any()
            continue
        life = Weibull.from_mean(*(result.values(name) for name in names))
        left = surviving_share(life, len(past.years))
        held = np.einsum("etd,td->ed", inflow, left[::-1])
        np.testing.assert_allclose(held, result.arrays["end_use.stock"][place, :, 0], rtol=1e-8)


def test_outflow_of_the_past_ends_in_that_of_the_run(result: rs.Result) -> None:
    """By the same lifetimes, over the uses of which something is collected."""
    uses = [
        use not in {"defence", "non-magnet", "state-stockpiling"} for use in result.plan.end_uses
    ]
    expected = result.arrays["end_use.retired"][uses][:, :, 0].sum(axis=(0, 1))
    np.testing.assert_allclose(Past(result)._retired()[-1], expected, rtol=1e-8)


def test_recycled_oxide_of_the_base_year_is_the_run(result: rs.Result, still: rs.Result) -> None:
    """And if nothing ever changed, process scrap gave the same each year."""
    flows = [
        sum(
            run.values(name, year=2024, element=WHOLE, bloc="world")
            for name in ("recycled_new_scrap", "recycled_end_of_life")
        )
        for run in (result, still)
    ]
    np.testing.assert_allclose(Past(result).recycled()[-1], flows[0], rtol=1e-12)
    found = Past(still).recycled()
    assert (found <= flows[1] * (1 + 1e-12)).all()  # goods leave later than they enter
    assert (np.diff(found, axis=0) >= -1e-9).all()


# -- by observation --------------------------------------------------------------------------------


def test_observations_are_rows_of_the_data(result: rs.Result) -> None:
    """Value, unit, kind and source unchanged; no outlook among them, and all sources known."""
    found: Any = hindcast_points(result)
    rows = {(row["series"], row["period"]): row for row in table("history")}
    sources = {row["id"] for row in table("sources")} | {"assumption"}
    assert {seen.series for seen in SEEN} == set(found.index.get_level_values("series"))
    assert found.index.is_unique
    for (series, period, _), row in found.iterrows():
        given = rows[series, period]
        assert row["value"] == float(given["value"])
        assert [row["unit"], row["kind"], row["source"]] == [
            given[k] for k in ("unit", "kind", "source")
        ]
        assert row["kind"] in {"observed", "reconstructed"}
        assert set(row["source"].split(";")) <= sources


def test_percentiles_and_agreement(result: rs.Result) -> None:
    """A whole agrees within P5-P95; a part of the world is only bounded from above."""
    for found in (hindcast_points(result), demand_hindcast(result)[WHOLE].dropna()):
        assert found["percentile"].between(0.0, 1.0).all()
        assert (found["P5"] <= found["P50"]).all()
        assert (found["P50"] <= found["P95"]).all()
    points: Any = hindcast_points(result)
    below, above = points["value"] >= points["P5"], points["value"] <= points["P95"]
    np.testing.assert_array_equal(points["agrees"], above & (below | points["part"]))
    yearly: Any = demand_hindcast(result)[WHOLE].dropna()
    np.testing.assert_array_equal(
        yearly["inside"].astype(bool), yearly["percentile"].between(0.05, 0.95)
    )


def test_sums_means_metal_and_shares_by_hand(still: rs.Result) -> None:
    """In a world that never changed each is the base year times a number."""
    found: Any = hindcast_points(still)["mean"]
    uses, metal = list(still.plan.end_uses), {"Dy": 1.14768, "Tb": 1.17617}
    base = {
        basis: still.arrays[f"end_use.{name}"][..., 0, :].mean(axis=-1)
        for basis, name in (("gross", "demand"), ("contained", "contained"))
    }
    for basis, by_use in base.items():
        dy, tb = by_use.sum(axis=0)
        expected = {
            ("mfa-dy-intermediate-world", "1988-2021"): 27 * dy / metal["Dy"],  # from 1995
            ("mfa-dy-use-china", "2000-2019"): 20 * dy / metal["Dy"],
            ("mfa-tb-demand-china", "2011-2020"): tb / metal["Tb"],
        }
        for key, value in expected.items():
            assert found[(*key, basis)] == pytest.approx(value, rel=1e-10)
    held = still.arrays["end_use.contained"][:, 0, 0]
    share = 100.0 * held[uses.index("air-conditioning")] / held.sum(axis=0)
    air = ("mfa-dy-share-air-conditioning-china", "2019", "contained")
    assert found[air] == pytest.approx(share.mean(), rel=1e-10)
    total = base["contained"].sum()
    assert found["demand-iluka-total", "2023", "contained"] == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("function", [demand_hindcast, hindcast_points])
def test_weights_are_respected(result: rs.Result, function: Any) -> None:
    """Uniform weights change no mean; all weight on a draw leaves that draw."""
    whole = (slice(None), (WHOLE, "mean")) if function is demand_hindcast else (slice(None), "mean")
    uniform = weighted(result, np.full(result.draws, 1.0 / result.draws))
    np.testing.assert_allclose(
        function(uniform).loc[whole], function(result).loc[whole], rtol=1e-12
    )
    one = np.zeros(result.draws)
    one[7] = 1.0
    found: Any = function(weighted(result, one))
    found = found[WHOLE].dropna() if function is demand_hindcast else found
    np.testing.assert_allclose(found["P5"], found["P95"], rtol=1e-12)
    np.testing.assert_allclose(found["mean"], found["P50"], rtol=1e-12)
    assert set(found["percentile"]) <= {0.0, 0.5, 1.0}


# -- frozen intensity ----------------------------------------------------------------------------


def test_frozen_content_by_hand() -> None:
    """Alloy of 2024 at the content of the origin, and other demand of the origin."""
    total, alloy, content = (
        of(name)
        for name in ("gross-demand-reconstructed", "ndfeb-rough-world", "dytb-content-of-magnets")
    )
    found: Any = frozen_intensity()
    for year, row in found.iterrows():
        expected = total[year] + 10.0 * content[year] * (alloy[2024] - alloy[year])
        assert row["frozen"] == pytest.approx(expected, rel=1e-12)
        assert row["frozen_ratio"] == pytest.approx(expected / total[2024], rel=1e-12)
    # 2,140 t of 85 kt at 2.1 %; 295 kt in 2024
    assert found.loc[2010, "frozen"] == pytest.approx(2140 + 0.021 * 210_000)
    assert found.loc[2010, "frozen_ratio"] > 2.0


def test_thrifting_by_hand() -> None:
    """A constant rate compounds; a floor stops it; none at all is frozen."""
    rate: Any = frozen_intensity([2010], thrifting="-3", floor="0").loc[2010]
    alloy = rate["frozen"] - rate["other"]
    assert rate["P50"] == pytest.approx(alloy * 0.97**14 + rate["other"], rel=1e-12)
    assert rate["P5"] == rate["P95"]
    floored: Any = frozen_intensity([2010], thrifting="-50", floor="0.35").loc[2010]
    assert floored["P50"] == pytest.approx(0.35 * alloy + rate["other"], rel=1e-12)
    none: Any = frozen_intensity([2010], thrifting="0").loc[2010]
    np.testing.assert_allclose(none[SPREAD].astype(float), none["frozen"], rtol=1e-12)


def test_a_forecast_for_the_same_year_is_the_reconstruction() -> None:
    """Nothing is left to err."""
    row: Any = frozen_intensity([2015], target=2015).loc[2015]
    np.testing.assert_allclose(row[["frozen", *SPREAD]].astype(float), 2380.0, rtol=1e-12)
    assert row["inside"]


def test_thrifting_lies_between_frozen_and_the_floor() -> None:
    """Of every origin; the median of the default is that of PERT(-6, -3, 0), -3 %/yr."""
    found: Any = frozen_intensity()
    assert (found["P95"] < found["frozen"]).all()
    alloy = found["frozen"] - found["other"]
    left = 0.97 ** (2024 - found.index.to_numpy(dtype=float))
    np.testing.assert_allclose(found["P50"], alloy * left + found["other"], rtol=1e-3)
    assert found["percentile"].between(0.0, 1.0).all()


# -- errors --------------------------------------------------------------------------------------


def test_what_is_wrong_is_said(result: rs.Result) -> None:
    """Years that are no past, unknown years, and draws that were not kept."""
    with pytest.raises(rs.ReesupplyError, match="first: found 1980, allowed is a year from 1995"):
        demand_hindcast(result, first=1980)
    with pytest.raises(rs.ReesupplyError, match=r"found the year 2011, allowed is one of 2010, "):
        frozen_intensity([2011])
    with pytest.raises(rs.ReesupplyError, match="found the year 2020, allowed is"):
        frozen_intensity([2020], target=2015)
    bare = rs.simulate(draws=64, rng=1, keep=("balance",))
    for function in (demand_hindcast, hindcast_points):
        with pytest.raises(rs.ReesupplyError, match=r"draws of 'end_use\.\w+' were not kept"):
            function(bare)


def test_percentiles_by_counting(result: rs.Result) -> None:
    """Share of draws below the value; of a draw itself, half of it."""
    found: Any = demand_hindcast(result)
    draws = Past(result).element(Past(result).flow("end_use.demand"), WHOLE)
    for year, total in of("gross-demand-reconstructed").items():
        at = Past(result).years.index(year)
        assert found.loc[year, (WHOLE, "percentile")] == np.mean(draws[at] < total)
    same: Any = frozen_intensity([2015], target=2015).loc[2015]
    assert same["percentile"] == 0.5


def test_what_was_published_is_beside_its_year(result: rs.Result) -> None:
    """Value, low and high of the reconstruction, for the sum and the elements."""
    found: Any = demand_hindcast(result, first=1995)
    series = {WHOLE: "gross-demand-reconstructed"}
    series |= {element: f"demand-gross-world-{element.lower()}" for element in ("Dy", "Tb")}
    for label, name in series.items():
        rows = {int(r["period"]): r for r in table("history") if r["series"] == name}
        for year, row in found[label].iterrows():
            for column in ("value", "low", "high"):
                text = rows.get(year, {}).get(column, "")
                np.testing.assert_equal(row[column], float(text) if text else np.nan)


def test_recycled_oxide_follows_what_it_comes_from(result: rs.Result) -> None:
    """New scrap what was bought of goods whose making leaves scrap, end of life what left use."""
    past = Past(result)
    lossy = np.array([row.process_loss for row in past.scenario.rows("end_uses")])
    bought = past.element(past.flow("end_use.demand", lossy), WHOLE)
    retired = past._retired()
    new, old = (
        result.values(name, year=2024, element=WHOLE, bloc="world")
        for name in ("recycled_new_scrap", "recycled_end_of_life")
    )
    expected = new * bought / bought[-1] + old * retired / retired[-1]
    np.testing.assert_allclose(past.recycled(), expected, rtol=1e-12)
    assert (np.abs(bought / bought[-1] - retired / retired[-1])[0] > 0.01).all()
    whole = past.element(past.flow("end_use.demand"), WHOLE)
    assert (np.abs(whole / whole[-1] - bought / bought[-1])[:-1] > 1e-4).any()


def test_a_floor_does_not_raise_content() -> None:
    """Above the content of the origin it leaves that."""
    row: Any = frozen_intensity([2010], thrifting="-3", floor="1.5").loc[2010]
    assert row["P50"] == pytest.approx(row["frozen"], rel=1e-12)


def test_a_period_that_has_not_ended_is_no_past() -> None:
    """Neither a sum that reaches beyond the base year nor a later year is compared."""
    row = {"element": "Dy", "region": "China", "value": 1, "unit": "t/yr", "kind": "observed"}
    row |= {"source": "assumption", "confidence": "low"}
    rows = {f"history.mfa-dy-use-china.{period}": row for period in ("2020-2026", "2025")}
    run = rs.simulate(rs.load_scenario().replace(rows), draws=16, rng=1, keep=KEEP)
    periods = set(hindcast_points(run).loc["mfa-dy-use-china"].index.get_level_values("period"))
    assert periods == {
        row["period"] for row in table("history") if row["series"] == "mfa-dy-use-china"
    }
