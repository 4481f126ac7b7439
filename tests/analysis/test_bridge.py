"""The causes of demand: known answers of the index, and sums that hold in every draw."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reesupply as rs
from reesupply.analysis.bridge import (
    ALL_USES,
    CAUSES,
    KEEP,
    STEPS,
    demand_bridge,
    lmdi,
    log_mean,
    parts,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: A factor of nothing, or one that is no denormal number.
FACTOR = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))
CHAINS = st.lists(st.tuples(FACTOR, FACTOR), min_size=1, max_size=5)


@pytest.fixture(scope="module")
def result() -> rs.Result:
    """The baseline."""
    return rs.simulate(draws=512, rng=1, keep=KEEP)


@pytest.fixture(scope="module")
def conditioned(result: rs.Result) -> rs.Result:
    """The same draws, those with much demand weighing more."""
    demand = result.arrays["end_use.demand"][:, :, -1].sum(axis=(0, 1))
    other = copy.copy(result)
    other.weights = demand**3 / (demand**3).sum()
    return other


def changed(**cells: Any) -> rs.Result:
    """A short run of a changed baseline."""
    scenario = rs.load_scenario("baseline").replace(
        {path.replace("__", "."): value for path, value in cells.items()}
    )
    return rs.simulate(scenario, draws=64, rng=1, keep=KEEP)


def chain(*factors: float) -> FloatArray:
    """Links of a chain of factors."""
    return np.cumprod(np.array(factors))


def frozen(result: rs.Result) -> rs.Result:
    """The same run, where every year is the first."""
    other = copy.copy(result)
    other.arrays = {
        name: np.repeat(array[..., :1, :], array.shape[-2], axis=-2)
        for name, array in result.arrays.items()
    }
    return other


# ------------------------------------------------------------------------------ the index


def test_a_worked_example() -> None:
    """
    From 2 x 3 x 5 = 30 to 4 x 3 x 4 = 48, by hand.

    L = 18 / ln 1.6 = 38.2976; ln 2 = 0.693147, ln 1 = 0, ln 0.8 = -0.223144.
    """
    found = lmdi(chain(2.0, 3.0, 5.0), chain(4.0, 3.0, 4.0))

    np.testing.assert_allclose(found, [26.5459, 0.0, -8.5459], atol=1e-4)
    assert found.sum() == pytest.approx(18.0, abs=1e-12)


@given(factors=CHAINS)
def test_nothing_is_left_over(factors: list[tuple[float, float]]) -> None:
    """The parts add up to the change, zeros or not."""
    before, after = (chain(*column) for column in zip(*factors, strict=True))
    found = lmdi(before, after)

    assert np.isfinite(found).all()
    scale = max(before[-1], after[-1])
    np.testing.assert_allclose(found.sum(), after[-1] - before[-1], atol=1e-10 * scale)


@given(factors=CHAINS)
def test_back_is_the_reverse_of_forth(factors: list[tuple[float, float]]) -> None:
    """The index does not depend on which year is the base."""
    before, after = (chain(*column) for column in zip(*factors, strict=True))

    np.testing.assert_allclose(lmdi(before, after), -lmdi(after, before), rtol=1e-9)


@given(factors=st.lists(FACTOR, min_size=1, max_size=5))
def test_no_change_has_no_cause(factors: list[float]) -> None:
    """Equal years give exact zeros."""
    assert not lmdi(chain(*factors), chain(*factors)).any()


@given(factors=st.lists(st.tuples(*2 * [st.floats(1e-3, 1e3)]), min_size=2, max_size=5))
def test_a_cause_has_the_sign_of_its_factor(factors: list[tuple[float, float]]) -> None:
    """A factor that rises adds, one that falls takes away."""
    before, after = (chain(*column) for column in zip(*factors, strict=True))
    for part, (one, other) in zip(lmdi(before, after), factors, strict=True):
        if abs(np.log(other / one)) > 1e-9:
            assert np.sign(part) == np.sign(other - one)


def test_the_whole_change_is_that_of_a_zero() -> None:
    """What was not sold before came with its volume; the first zero of a chain counts."""
    new = lmdi(chain(0.0, 2.0, 0.1), chain(3.0, 4.0, 0.2))
    gone = lmdi(chain(3.0, 4.0, 0.2), chain(5.0, 4.0, 0.0))
    both = lmdi(chain(0.0, 2.0, 0.1), chain(3.0, 4.0, 0.0))
    swapped = lmdi(chain(2.0, 0.0, 1.0), chain(3.0, 4.0, 1.0))

    np.testing.assert_allclose(new, [2.4, 0.0, 0.0])
    np.testing.assert_allclose(gone, [0.0, 0.0, -2.4])
    np.testing.assert_array_equal(both, [0.0, 0.0, 0.0])
    np.testing.assert_allclose(swapped, [0.0, 12.0, 0.0])


def test_a_small_change_keeps_its_digits() -> None:
    """Two causes that almost cancel are not lost in the rounding of a logarithm."""
    before = chain(10.0, 10.0)
    after = chain(20.0, 5.0 * (1.0 + 1e-14))
    found = lmdi(before, after)

    np.testing.assert_allclose(found, [100 * np.log(2), -100 * np.log(2)], rtol=1e-9)
    assert found.sum() == pytest.approx(after[-1] - before[-1], abs=1e-9)


@given(a=st.floats(1e-9, 1e9), b=st.floats(1e-9, 1e9))
def test_the_logarithmic_mean_lies_between(a: float, b: float) -> None:
    """It is symmetric, and between the geometric and the arithmetic mean."""
    x, y = np.array(a), np.array(b)
    mean = float(log_mean(x, y))

    assert mean == pytest.approx(float(log_mean(y, x)), rel=1e-12)
    assert np.sqrt(a * b) * (1 - 1e-9) <= mean <= (a + b) / 2 * (1 + 1e-9)
    assert log_mean(x, x) == a
    assert log_mean(x, np.zeros(())) == 0.0


# ------------------------------------------------------------------------------ of a run


@pytest.mark.parametrize("element", [None, "Dy", "Tb"])
@pytest.mark.parametrize(("first", "last"), [(None, None), (2024, 2030), (2031, 2027)])
def test_causes_add_up_in_every_draw(
    result: rs.Result, element: str | None, first: int | None, last: int | None
) -> None:
    """Before and all causes are after, by end use; both are demand of the run."""
    found = parts(result, first, last, element)
    years, demand = result.plan.years, result.arrays["end_use.demand"]
    chosen = (
        demand.sum(axis=1) if element is None else demand[:, result.plan.elements.index(element)]
    )

    gap = found.before + found.causes.sum(axis=0) - found.after
    assert np.abs(gap).max() < 1e-9
    assert found.causes.shape == (len(CAUSES), *found.before.shape)
    for end, year in ((found.before, first or years[0]), (found.after, last or years[-1])):
        np.testing.assert_allclose(end, chosen[:, years.index(year)], rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_means_of_the_table_add_up(
    result: rs.Result, conditioned: rs.Result, weighted: bool
) -> None:
    """Causes add up to the change, and end uses to all of them, weights included."""
    source = conditioned if weighted else result
    table = demand_bridge(source)
    means = table["mean"].unstack("step")[list(STEPS)]
    demand = source.arrays["end_use.demand"][:, :, -1].sum(axis=(0, 1))
    want = demand.mean() if source.weights is None else demand @ source.weights

    np.testing.assert_allclose(means["before"] + means[list(CAUSES)].sum(axis=1), means["after"])
    np.testing.assert_allclose(means.drop(ALL_USES).sum(), means.loc[ALL_USES])
    assert means.loc[ALL_USES, "after"] == pytest.approx(want)
    assert list(table.columns) == ["mean", "P5", "P50", "P95"]
    assert (table["P5"] <= table["P50"]).all()
    assert (table["P50"] <= table["P95"]).all()
    assert set(table.index.get_level_values("end_use")) == {
        ALL_USES,
        *source.plan.labels("end_use"),
    }


def test_quantiles_are_those_of_the_sum(result: rs.Result) -> None:
    """The row of all end uses is added in each draw before quantiles are taken."""
    yield_ = parts(result).causes[CAUSES.index("yield")].sum(axis=0)
    table = demand_bridge(result)
    row = [table[name].to_dict()[ALL_USES, "yield"] for name in ("P5", "P95")]

    np.testing.assert_allclose(row, np.quantile(yield_, [0.05, 0.95]))


def test_elements_add_up(result: rs.Result) -> None:
    """Both elements together are one and the other, cause by cause."""
    both, dy, tb = (parts(result, element=name).causes for name in (None, "Dy", "Tb"))

    np.testing.assert_allclose(both, dy + tb, atol=1e-9)
    np.testing.assert_array_equal(both, parts(result, element="Dy+Tb").causes)


def test_a_world_that_stands_still_has_no_causes(result: rs.Result) -> None:
    """Where every year is the first all causes are exact zeros."""
    found = parts(frozen(result))

    assert not found.causes.any()
    np.testing.assert_array_equal(found.before, found.after)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("end_use.demand", "yield"),
        ("end_use.contained", "element_fraction"),
        ("end_use.magnets", "mass_per_unit"),
        ("end_use.activity", "volume"),
    ],
)
def test_each_link_is_its_cause(result: rs.Result, name: str, cause: str) -> None:
    """If a link and all that follow it double in the last year its cause alone adds demand."""
    still = frozen(result)
    for link in KEEP[KEEP.index(name) :]:
        still.arrays[link] = still.arrays[link].copy()
        still.arrays[link][..., -1, :] *= 2.0
    found = parts(still)
    magnet = [row.kind == "magnet" for row in result.plan.scenario.rows("end_uses")]
    causes = dict(zip(CAUSES, found.causes[:, magnet], strict=True))

    np.testing.assert_allclose(causes.pop(cause), found.before[magnet], rtol=1e-12)
    for other in causes.values():
        np.testing.assert_allclose(other, 0.0, atol=1e-9)


def test_a_better_yield_takes_demand_away() -> None:
    """Less process scrap is less demand; end uses without process scrap have no such part."""
    found = parts(
        changed(
            **{
                "trajectories__all__yield__world__2024__value": 0.6,
                "trajectories__all__yield__world__2035__value": 0.9,
            }
        )
    )
    yield_ = dict(zip(found.end_uses, found.causes[CAUSES.index("yield")], strict=True))

    assert (yield_["ev-cars"] < 0.0).all()
    assert (yield_["defence"] < 0.0).all()
    assert not yield_["non-magnet"].any()


def test_what_is_new_is_volume(result: rs.Result) -> None:
    """No humanoid is made in the base year, so its magnets come with its volume."""
    found = parts(result)
    at = found.end_uses.index("humanoids")
    volume, *others = found.causes[:, at]

    assert not found.before[at].any()
    np.testing.assert_array_equal(volume, found.after[at])
    assert not np.any(others)


def test_oxide_that_is_given_is_volume(result: rs.Result) -> None:
    """An end use in tonnes of oxide has no magnets: what is contained is its volume."""
    found = parts(result)
    for name in ("defence", "non-magnet"):
        at = found.end_uses.index(name)
        causes = dict(zip(CAUSES, found.causes[:, at], strict=True))
        assert not causes["mass_per_unit"].any()
        assert not causes["element_fraction"].any()
        assert causes["volume"].any()


def test_what_cannot_be_answered_is_one_sentence(result: rs.Result) -> None:
    """Unknown labels and draws that were not kept are named."""
    bare = rs.simulate(draws=64, rng=1, keep=KEEP[2:])

    with pytest.raises(rs.ReesupplyError, match=r"year: found 2050, allowed is 2024 to 2035"):
        demand_bridge(result, last=2050)
    with pytest.raises(rs.ReesupplyError, match=r"element: found 'Nd'"):
        demand_bridge(result, element="Nd")
    with pytest.raises(rs.ReesupplyError, match=r"'end_use.activity' were not kept.*magnets"):
        demand_bridge(bare)


def test_quantiles_have_the_weights() -> None:
    """All weight on a draw leaves that draw, in every column."""
    run = rs.simulate(draws=64, rng=1, keep=KEEP)
    one = copy.copy(run)
    one.weights = np.zeros(64)
    one.weights[7] = 1.0
    found = parts(run).causes[CAUSES.index("volume")].sum(axis=0)[7]
    table: Any = demand_bridge(one)
    row = table.loc[("all", "volume")].to_numpy(dtype=float)
    np.testing.assert_allclose(row, found, rtol=1e-12)


def test_further_elements_ride_along() -> None:
    """The sum that is asked for by default is that of the pair, with four elements too."""
    gd = {
        "elements.Gd": {
            "name": "gadolinium",
            "oxide": "Gd2O3",
            "oxide_per_metal": 1.1526,
            "captive_ratio": 1.18,
        },
        "trajectories.two-wheelers.gd_fraction.world.2024": {"value": 0.035, "unit": "1"},
    }
    run = rs.simulate(rs.load_scenario().replace(gd), draws=16, rng=1, keep=KEEP)
    dy, tb = (parts(run, element=name).after for name in ("Dy", "Tb"))
    np.testing.assert_allclose(parts(run).after, dy + tb, rtol=1e-12)
