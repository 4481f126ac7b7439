"""Demand of the engine: outlooks, growth that counts once, technologies, places, lifetimes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

KEEP = ("end_use.contained", "base_year_factor")
YEARS = range(2024, 2036)
#: Of the electric cars all is fixed but their number: contained tonnes are sales x a constant.
PLAIN = {
    f"trajectories.ev-cars.{name}.world.{year}.value": value
    for name, value in (("pm_share", 1), ("magnet_mass", 1), ("dy_fraction", 0.01))
    for year in (2024, 2035)
}
CALM = {"growth.*.volatility": 0}
ROW = {"value": 0.5, "unit": "1", "source": "assumption"}


def contained(changes: dict[str, Any], use: str = "ev-cars", draws: int = 2048) -> FloatArray:
    """Unscaled Dy in goods of an end use, (year, draw)."""
    run = rs.simulate(rs.load_scenario().replace(changes), draws=draws, rng=3, keep=KEEP)
    place = run.plan.end_uses.index(use)
    factor = run.arrays["base_year_factor"][0]
    return np.asarray(run.arrays["end_use.contained"][place, 0] / factor)


def alike(use: str) -> dict[str, Any]:
    """Everything per unit of an end use fixed."""
    rows = rs.load_scenario().rows("trajectories")
    return {
        f"trajectories.{use}.{row.parameter}.{row.bloc}.{row.year}.value": 0.5
        for row in rows
        if row.end_use == use and row.parameter != "activity" and row.bloc == "world"
    }


def sales(changes: dict[str, Any], draws: int = 2048) -> FloatArray:
    """Millions of electric cars, (year, draw)."""
    tonnes = 1000.0 * 0.01 * float(rs.load_scenario().rows("elements")[0].oxide_per_metal)
    return contained(PLAIN | changes, draws=draws) / tonnes


# -------------------------------------------------------------------------------- counted once


def test_a_draw_follows_one_outlook() -> None:
    """Without errors 2030 and 2035 are of one outlook, as often as its weight; 2025 is as seen."""
    found = sales(CALM, draws=8192)
    np.testing.assert_allclose(found[1], 20.7, rtol=1e-9)
    outlooks = {(31.0, 40.0): 0.15, (39.0, 53.0): 0.3, (40.0, 56.5): 0.35, (44.1, 67.5): 0.2}
    seen = 0
    for (at_2030, at_2035), weight in outlooks.items():
        one = np.isclose(found[6], at_2030) & np.isclose(found[11], at_2035)
        assert abs(one.mean() - weight) < 4.0 * np.sqrt(weight * (1.0 - weight) / 8192)
        seen += int(one.sum())
    assert seen == 8192


def test_one_outlook_holds_for_all_of_a_series() -> None:
    """Slow cars come with slow vans, and APS with APS; wind at sea follows wind on land."""
    uses = ("ev-cars", "ev-vans-trucks", "wind-onshore", "wind-offshore")
    cars, vans, land, sea = (contained(CALM | alike(use), use)[-1] for use in uses)
    for extreme in (np.min, np.max):
        one, other = (np.isclose(x, extreme(x)) for x in (cars, vans))
        assert 0.1 < one.mean() < 0.25
        np.testing.assert_array_equal(one, other)
    one, other = (np.unique(x.round(6), return_inverse=True)[1] for x in (land, sea))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "alone", [("ev-vans-trucks",), ("ev-cars",), ("ev-cars", "ev-vans-trucks")]
)
def test_a_series_shares_its_quantile_and_no_value(alone: tuple[str, ...]) -> None:
    """A number in 2030, outlooks in 2035 alone: cars have outlooks of cars, vans those of vans."""
    numbers = {f"trajectories.{use}.activity.world.2030.value": 4.0 for use in alone}
    keep = ("end_use.activity", "inputs")
    scenario = rs.load_scenario().replace(CALM | numbers)
    run = rs.simulate(scenario, draws=2048, rng=3, keep=keep)
    for use, expected in (
        ("ev-cars", [40.0, 53.0, 56.5, 67.5]),
        ("ev-vans-trucks", [4.0, 6.83, 10.1]),
    ):
        found = run.arrays["end_use.activity"][run.plan.end_uses.index(use), -1]
        np.testing.assert_allclose(np.unique(found.round(6)), expected, rtol=1e-9)
    quantile = run.values("growth.activity-ev-cars.outlook")
    assert 0.0 < quantile.min() < 0.01
    assert 0.99 < quantile.max() < 1.0


def test_spread_of_sales_is_that_of_one_error() -> None:
    """
    Log odds of sales over a fixed outlook spread as s sqrt(h + h^2/n), no more: growth once.

    With a fixed volatility of 0.2, 9 increments and a market of 95 million.
    """
    fixed = {f"trajectories.ev-cars.activity.world.{year}.value": 40.0 for year in (2030, 2035)}
    changes = {"growth.ev-cars.volatility": 0.2, "growth.ev-cars.ceiling": 95}
    found = sales(fixed | changes, draws=16_384)
    path = sales(fixed | CALM, draws=1)
    log_odds = np.log(found / (95.0 - found)) - np.log(path / (95.0 - path))
    assert np.abs(log_odds[:2]).max() < 1e-9
    ahead = np.arange(1.0, 11.0)
    expected = 0.2 * np.sqrt(ahead + ahead**2 / 9.0)
    np.testing.assert_allclose(log_odds[2:].std(axis=1), expected, rtol=0.03)
    assert np.abs(log_odds[2:].mean(axis=1)).max() < 4.0 * expected[-1] / 128.0


def test_thrifting_is_what_the_fractions_do() -> None:
    """With fractions held at those of today nothing else thrifts: tonnes follow sales alone."""
    held = {f"trajectories.ev-cars.dy_fraction.world.{year}.value": 0.02 for year in (2024, 2035)}
    once, twice = contained(PLAIN | CALM), contained(PLAIN | CALM | held)
    np.testing.assert_allclose(twice, 2.0 * once, rtol=1e-12)


def test_goods_of_one_series_err_alike() -> None:
    """With one volatility and no ceiling, wind at sea and on land deviates by the same factor."""
    alike = {
        f"growth.wind-{place}.{column}": value
        for place in ("onshore", "offshore")
        for column, value in (("volatility", 0.1), ("ceiling", None))
    }
    factors = []
    for use in ("wind-onshore", "wind-offshore"):
        error, calm = (contained(changes, use, 256) for changes in (alike, CALM))
        factors.append(error / calm)
    np.testing.assert_allclose(factors[0], factors[1], rtol=1e-9)
    assert factors[0][-1].std() > 0.1


def test_a_shock_is_an_input_with_its_year() -> None:
    """Every year after the last observed one has its own, whatever the horizon."""
    base = rs.load_scenario()
    short, long = (
        set(rs.compile(base.replace({"settings.last_year.value": year})).inputs.names)
        for year in ("2030", "2040")
    )
    names = {f"growth.activity-ev-cars.shock.{year}" for year in range(2026, 2031)}
    assert names <= short
    assert {name for name in long - short if name.startswith("growth.")} == {
        f"growth.{series}.shock.{year}"
        for series in ("activity-ev-cars", "activity-wind-total")
        for year in range(2031, 2041)
    }
    calm = rs.compile(base.replace(CALM)).inputs.names
    left = {name for name in calm if name.startswith("growth.")}
    assert left == {f"growth.activity-{one}.outlook" for one in ("ev-cars", "wind-total")}


# ------------------------------------------------------------------------ technologies and places


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("wind-onshore.magnet_mass.world.2024", "for all and by technology, allowed is one"),
        ("wind-onshore.split_geared.world.2024", "one magnet_mass for each technology and a split"),
        ("wind-onshore.split_semi.world.2024", "a split for all of them but one"),
        ("wind-onshore.pm_shared.world.2024", "'pm_shared', which is unknown"),
        ("defence.split_direct.world.2024", "'split_direct', which is unknown"),
        ("ev-cars.use_ratio.china.2024", "found the bloc 'china', allowed is 'ex_china'"),
        ("ev-cars.activity.china.2024", "found the bloc 'china', allowed is 'world'"),
    ],
)
def test_parameters_that_do_not_fit(path: str, message: str) -> None:
    """A technology has a mass, and all but one a split; a parameter has its bloc."""
    with pytest.raises(rs.ScenarioError, match=message):
        rs.compile(rs.load_scenario().replace({f"trajectories.{path}": ROW | {"value": 1}}))


def test_a_path_has_one_unit() -> None:
    """A number of cars between millions of them is refused."""
    row = ROW | {"value": 45e6, "unit": "1/yr"}
    message = r"2032: found the unit '1/yr', allowed is 'million/yr'"
    scenario = rs.load_scenario().replace(
        {"trajectories.ev-cars.activity.world.2032": row, "growth.ev-cars.ceiling": None}
    )
    with pytest.raises(rs.ScenarioError, match=message):
        rs.compile(scenario)


def test_magnets_of_wind_are_the_sum_over_drivetrains() -> None:
    """100 GW, half with magnets, a fifth of these at 600 and the rest at 100 t/GW: 10,000 t."""
    changes = {
        f"trajectories.wind-onshore.{name}.world.{year}.value": value
        for name, value in (
            ("pm_share", 0.5),
            ("split_direct", 0.2),
            ("magnet_mass_direct", 600),
            ("magnet_mass_semi", 100),
            ("dy_fraction", 0.01),
        )
        for year in (2024, 2035)
    } | {f"trajectories.wind-onshore.activity.world.{y}.value": 100 for y in (2024, 2025)}
    found = contained(changes, "wind-onshore", 16)
    np.testing.assert_allclose(found[0], 114.768, rtol=1e-6)


def test_places_by_end_use() -> None:
    """Cars are used outside China as their ratio says, and all goods together as the share says."""
    keep = ("end_use.demand", "end_use.use_outside", "end_use.making_outside", "use_demand")
    base = rs.load_scenario().replace({"trajectories.all.use_share.ex_china.2024.value": 0.38})
    run = rs.simulate(base, draws=64, rng=1, keep=keep)
    share = run.arrays["end_use.use_outside"]
    cars, robots = (run.plan.end_uses.index(name) for name in ("ev-cars", "industry-robots"))
    np.testing.assert_allclose(share[cars, 0] / share[robots, 0], 0.93, rtol=1e-9)
    np.testing.assert_allclose(share[cars, 6:] / share[robots, 6:], 1.24, rtol=1e-9)
    world = run.arrays["use_demand"].sum(axis=1)
    # base-year scaling differs by element, so the share of the sum moves by a little
    np.testing.assert_allclose(world[1] / world.sum(axis=0), 0.38, atol=0.01)
    assert (np.ptp(run.arrays["end_use.making_outside"], axis=0) == 0.0).all()


# ---------------------------------------------------------------------------------- recycling


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"recycling.all.delay.world.2024.value": "uniform(0, 2)"},
            r"recycling\.all\.delay\.world\.2024: found uniform\(0, 2\), allowed is 0 to 1 year",
        ),
        (
            {"recycling.all.dealy.world.2024": ROW},
            r"recycling\.all\.dealy\.world: found the parameter 'dealy', .*did you mean 'delay'",
        ),
        (
            {"recycling.ev-cars.delay.world.2024": ROW},
            r"recycling\.ev-cars\.delay\.world: found the parameter 'delay', which is unknown",
        ),
        (
            {"recycling.all.delay.ex_china.2024": ROW},
            r"recycling\.all\.delay\.ex_china: found the bloc 'ex_china', allowed is world",
        ),
        (
            {"recycling.ev-cars.collection.ex_china.2035": ROW},
            r"found the anchor years 2024, 2035, allowed beside a ceiling is one",
        ),
        (
            {
                "recycling.elevators.collection_ceiling.china.2024": {
                    "value": 0.5,
                    "unit": "1",
                    "source": "assumption",
                }
            },
            r"recycling\.all\.collection_growth\.china: required, but missing",
        ),
    ],
)
def test_recycling_says_what_it_needs(changes: dict[str, Any], message: str) -> None:
    """One sentence with the place."""
    with pytest.raises(rs.ScenarioError, match=message):
        rs.compile(rs.load_scenario().replace(changes))


def test_collection_matters_where_plants_are_not_full() -> None:
    """With a large plant outside China a higher ceiling brings more back, in every draw."""
    plant = {
        "projects.mp-apple-recycling.capacity": 5000,
        "projects.mp-apple-recycling.status": "certain",
    }
    ceiling = "recycling.*.collection_ceiling.ex_china.2024.value"
    low, high = (
        rs.simulate(
            rs.load_scenario().replace(plant | {ceiling: value}),
            draws=256,
            rng=1,
            keep=("recycled_end_of_life",),
        ).arrays["recycled_end_of_life"][1, :, -1]
        for value in (0.3, 0.9)
    )
    assert (high > 1.05 * low).all()


def test_longer_lives_bring_less_back() -> None:
    """Twice the lifetime of every good: more in use, less retired, in every draw."""
    base = rs.load_scenario()
    longer = {
        f"lifetimes.{row.end_use}.mean": 2.0 * row.mean.median
        for row in base.rows("lifetimes")
        if not isinstance(row.mean, float)
    }
    shorter = {path: mean / 2.0 for path, mean in longer.items()}
    keep = ("retired", "in_use_stock", "base_year_factor")
    now, later = (
        rs.simulate(base.replace(changes), draws=128, rng=1, keep=keep)
        for changes in (shorter, longer)
    )
    factor = [run.arrays["base_year_factor"][:, np.newaxis] for run in (now, later)]
    retired = [
        run.arrays["retired"].sum(axis=0) / f for run, f in zip((now, later), factor, strict=True)
    ]
    stock = [run.arrays["in_use_stock"] / f for run, f in zip((now, later), factor, strict=True)]
    assert (retired[1] < retired[0]).all()
    assert (stock[1] > stock[0]).all()


def test_unscaled_total_is_reported() -> None:
    """What the rows add up to before scaling, and the factor, give the demand of the base year."""
    run = rs.simulate(draws=256, rng=1, keep=("demand", "bottom_up_demand", "base_year_factor"))
    rebuilt = run.arrays["bottom_up_demand"] * run.arrays["base_year_factor"]
    np.testing.assert_allclose(run.arrays["demand"].sum(axis=0)[:, 0], rebuilt, rtol=1e-12)


def test_an_error_that_began_before_the_run() -> None:
    """Last seen in 2020: 2024 errs by four years of it, 2035 by fifteen."""
    path = "trajectories.ev-cars.activity.world"
    fixed = {f"{path}.{year}.value": 40.0 for year in (2024, 2025, 2030, 2035)}
    errors = {"volatility": 0.1, "ceiling": None, "since": 2020}
    changes = fixed | {f"growth.ev-cars.{name}": value for name, value in errors.items()}
    error = np.log(sales(changes, draws=16_384) / 40.0)
    ahead = np.arange(4.0, 16.0)
    expected = 0.1 * np.sqrt(ahead + ahead**2 / 9.0)
    np.testing.assert_allclose(error.std(axis=1), expected, rtol=0.03)


def test_an_error_after_the_run_costs_no_input() -> None:
    """Where the last year of the run has been seen, no error of growth is drawn."""
    changes: dict[str, Any] = {"settings.last_year.value": "2029", "growth.*.since": 2029}
    scenario = rs.load_scenario().replace(CALM | {"growth.ev-cars.volatility": 0.2} | changes)
    names = [name for name in rs.compile(scenario).inputs.names if name.startswith("growth.")]
    assert all(name.endswith(".outlook") for name in names)


def test_activity_and_magnets_are_those_of_the_tonnes() -> None:
    """Cars in millions and their magnets in tonnes, error of growth included; none of oxide."""
    names = ("end_use.activity", "end_use.magnets")
    scenario = rs.load_scenario().replace(PLAIN)
    run = rs.simulate(scenario, draws=256, rng=3, keep=names)
    activity, magnets = (run.arrays[name] for name in names)
    cars = run.plan.end_uses.index("ev-cars")
    np.testing.assert_allclose(activity[cars], sales({}, draws=256), rtol=1e-9)
    np.testing.assert_allclose(magnets[cars], 1000.0 * activity[cars], rtol=1e-12)
    assert activity[cars, -1].std() > 1.0
    for use in ("defence", "non-magnet", "state-stockpiling"):
        place = run.plan.end_uses.index(use)
        assert not activity[place].any()
        assert not magnets[place].any()


@pytest.mark.parametrize("place", ["use", "making"])
def test_places_by_end_use_weigh_what_makers_buy(place: str) -> None:
    """Before scaling, shares weighted by oxide bought are the share of all goods, every year."""
    row = {"unit": "1", "source": "assumption"}
    changes: dict[str, Any] = {
        f"trajectories.all.{place}_share.ex_china.{year}.value": 0.3
        for year in ((2024,) if place == "use" else (2024, 2030, 2035))
    }
    for year, ratio in ((2024, 0.7), (2035, 1.4)):
        path = f"trajectories.non-magnet.{place}_ratio.ex_china.{year}"
        changes[path] = row | {"value": ratio}
    keep = ("end_use.demand", f"end_use.{place}_outside", "base_year_factor")
    run = rs.simulate(rs.load_scenario().replace(changes), draws=64, rng=1, keep=keep)
    bought, share, factor = (run.arrays[name] for name in keep)
    weight = (bought / factor[:, np.newaxis]).sum(axis=1)
    np.testing.assert_allclose((weight * share).sum(axis=0) / weight.sum(axis=0), 0.3, rtol=1e-9)


def test_unscaled_total_holds_stores() -> None:
    """What a state buys is in the total before scaling, and is not scaled."""
    change = {"trajectories.state-stockpiling.dy_oxide.world.2024.value": 200}
    keep = ("end_use.demand", "bottom_up_demand", "base_year_factor")
    run = rs.simulate(rs.load_scenario().replace(change), draws=64, rng=1, keep=keep)
    bought, total, factor = (run.arrays[name] for name in keep)
    store = run.plan.end_uses.index("state-stockpiling")
    np.testing.assert_allclose(bought[store, 0, 0], 200.0, rtol=1e-12)
    scaled = np.delete(bought, store, axis=0)[:, :, 0].sum(axis=0)
    np.testing.assert_allclose(total, scaled / factor + bought[store, :, 0], rtol=1e-12)


@pytest.mark.parametrize("column", ["mean", "shape"])
def test_a_lifetime_that_is_a_number_is_that_lifetime(column: str) -> None:
    """Its kernel is made once; it is that of a range with no width, as near as makes no matter."""
    shares = []
    for cell in (3.0, "uniform(2.999999, 3.000001)"):
        changes: dict[str, Any] = {
            "anchors.history-scale.value": 1,
            "lifetimes.ev-cars.mean": 12.0,
        }
        changes |= {"lifetimes.ev-cars.shape": 2.0, f"lifetimes.ev-cars.{column}": cell}
        keep = ("end_use.retired", "end_use.contained")
        run = rs.simulate(rs.load_scenario().replace(changes), draws=8, rng=1, keep=keep)
        cars = run.plan.end_uses.index("ev-cars")
        retired, contained = (run.arrays[name][cars, :, 0] for name in keep)
        shares.append(retired / contained)
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-5)
