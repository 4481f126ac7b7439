"""Streamed statistics: the same bits in any grouping of lanes, the numbers of numpy."""

from __future__ import annotations

import pickle
from copy import deepcopy
from functools import lru_cache
from math import fsum
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import reesupply as rs
from reesupply.engine.lanesums import LaneSums
from reesupply.engine.statistics import CLAIMS, KINDS, Moments, live_pieces, measure, with_sums
from reesupply.engine.streamed import Streamed
from reesupply.sampling import LANE, Sampler

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]

LANES = 7
CUT = 300  # draws of the last lane
FINITE = st.floats(-1e12, 1e12)


@lru_cache(maxsize=1)
def plan() -> Plan:
    """The baseline."""
    return rs.compile()


@lru_cache(maxsize=1)
def lanes() -> list[dict[str, FloatArray]]:
    """What the models say of some lanes."""
    names = plan().inputs.names
    sampler = Sampler(3, names, "random", plan().dimensions)
    return [plan().run_lane(sampler.lane(n, np.empty((len(names), LANE)))) for n in range(LANES)]


def draws_of(lane: int) -> int:
    """The last lane is cut."""
    return CUT if lane == LANES - 1 else LANE


def weights_of(lane: int) -> FloatArray:
    """Weights about one, as a tilt gives them; of each lane by itself."""
    pull = lanes()[lane][CLAIMS][0, : draws_of(lane)] / 2000.0
    return np.exp(pull - 0.5)


def streamed(some: list[int], *, weighted: bool) -> Streamed:
    """Statistics of some lanes."""
    found = Streamed(plan(), plan().layout, weighted=weighted)
    for lane in some:
        weights = weights_of(lane) if weighted else None
        found.add_lane(lane, lanes()[lane], draws_of(lane), weights)
    return found


@lru_cache(maxsize=2)
def alone(weighted: bool) -> list[Streamed]:
    """Statistics of each lane by itself."""
    return [streamed([lane], weighted=weighted) for lane in range(LANES)]


def bits(found: Streamed) -> dict[str, Any]:
    """Every number of it."""
    numbers = {f"moments {k}": v for k, v in found.moments.sums.items()}
    numbers |= {f"squares {k}": v for k, v in found.moments.squares.items()}
    numbers |= found.joint.total | found.histograms.beyond.total()
    for name in ("counts", "lowest", "highest", "at_lowest", "at_highest", "atoms"):
        numbers[name] = getattr(found.histograms, name)
    return numbers


def assert_same(one: Streamed, other: Streamed) -> None:
    """Bit for bit."""
    assert one.moments.count == other.moments.count
    mine, theirs = bits(one), bits(other)
    for name, number in mine.items():
        np.testing.assert_array_equal(number, theirs[name], err_msg=name)


# ------------------------------------------------------------------------------ sums of lanes


@given(
    values=hnp.arrays(np.float64, (11, 2), elements=FINITE),
    order=st.permutations(range(11)),
    cuts=st.sets(st.integers(1, 10)),
    nested=st.booleans(),
)
def test_sums_do_not_depend_on_grouping(
    values: FloatArray, order: list[int], cuts: set[int], nested: bool
) -> None:
    """Lanes in any order, in groups that are added one by one or group into group."""

    def summed(some: Any) -> LaneSums:
        found = LaneSums({"x": (2,)})
        for lane in some:
            found.add_lane(lane, {"x": values[lane]})
        return found

    whole = summed(range(11)).total()["x"]
    groups = [summed(some) for some in np.split(np.array(order), sorted(cuts))]
    while len(groups) > 1:
        last = groups.pop()
        groups[-1 if nested else 0].add(last)
    np.testing.assert_array_equal(groups[0].total()["x"], whole)
    exact = [fsum(column) for column in values.T]
    np.testing.assert_allclose(whole, exact, rtol=0, atol=1e-15 * np.abs(values).sum() + 1e-300)


def test_sums_added_in_sequence_would_differ() -> None:
    """The order matters to a plain sum, so the test above can fail."""
    terms = [1e16, -1e16, 1.0]
    assert sum(terms) != sum(reversed(terms))


def test_sums_of_many_lanes_take_little_room() -> None:
    """As many arrays as the number of lanes has binary digits, not one per lane."""
    found = LaneSums({"x": (1,)})
    for lane in range(1000):
        found.add_lane(lane, {"x": [float(lane)]})
    assert found.total()["x"] == 499_500.0
    assert len(found._sums) <= 10


# ---------------------------------------------------------------------------- grouping of a run


@settings(max_examples=15, deadline=None)
@given(
    order=st.permutations(range(LANES)),
    cuts=st.sets(st.integers(1, LANES - 1)),
    weighted=st.booleans(),
)
def test_any_grouping_of_lanes_gives_the_same_bits(
    order: list[int], cuts: set[int], weighted: bool
) -> None:
    """All statistics: moments, histograms, deficits, claims; with weights and without."""
    groups = []
    for some in np.split(np.array(order), sorted(cuts)):
        group = deepcopy(alone(weighted)[some[0]])
        for lane in some[1:]:
            group.add(alone(weighted)[lane])
        groups.append(group)
    merged = groups.pop()
    while groups:
        merged.add(groups.pop())
    assert_same(merged, whole(weighted))


@lru_cache(maxsize=2)
def whole(weighted: bool) -> Streamed:
    """All lanes one after another."""
    return streamed(list(range(LANES)), weighted=weighted)


def test_travel_changes_nothing() -> None:
    """What comes back from another process is what was sent."""
    assert_same(pickle.loads(pickle.dumps(whole(False))), whole(False))


def test_bits_do_not_depend_on_memory() -> None:
    """The place of an array in memory, or a cut out of a longer one, changes no bit."""
    cells = lanes()[0]["project.output"].reshape(-1, LANE)
    ones = np.ones(LANE)
    pieces = live_pieces(plan())["project.output"]
    expected = measure(cells, ones, pieces)
    for shift in (1, 3, 7):
        room = np.empty(cells.size + 8)
        moved = room[shift : shift + cells.size].reshape(cells.shape)
        moved[...] = cells
        wide = np.concatenate([cells, cells[:, :shift]], axis=1)[:, :LANE]
        for copy in (moved, wide):
            for one, other in zip(measure(copy, ones, pieces), expected, strict=True):
                np.testing.assert_array_equal(one, other)


# -------------------------------------------------------------------------------- against numpy


def drawn(name: str) -> FloatArray:
    """All draws of a variable or of the claims, sums included."""
    return np.concatenate(
        [with_sums(name, lane[name], plan().heavy)[..., : draws_of(n)] for n, lane in
         enumerate(lanes())], axis=-1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["balance", "demand", "project.output", "base_year_factor", CLAIMS]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_those_of_numpy(name: str, weighted: bool) -> None:
    """Mean and standard deviation of the draws, with weights and without."""
    draws, moments = drawn(name), whole(weighted).moments
    w = np.concatenate([weights_of(n) for n in range(LANES)]) if weighted else None
    mean = np.average(draws, axis=-1, weights=w)
    square = np.average((draws - mean[..., np.newaxis]) ** 2, axis=-1, weights=w)
    share = np.full(draws.shape[-1], 1.0 / draws.shape[-1]) if w is None else w / w.sum()
    sd = np.sqrt(square / (1.0 - (share**2).sum()))
    np.testing.assert_allclose(moments.mean(name), mean, rtol=1e-12, atol=1e-12)
    scale = np.abs(mean).max()
    np.testing.assert_allclose(moments.sd(name), sd, rtol=1e-8, atol=2e-6 * scale)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_not_measured_is_zero(name: str) -> None:
    """The capacity of a mine, the output of a refinery; and no piece is without a number."""
    for lane in lanes():
        left = lane[name].reshape(-1, LANE).copy()
        for piece in live_pieces(plan())[name]:
            assert left[piece].size
            left[piece] = 0.0
        assert left.any() == 0


def test_pieces_cover_all_cells() -> None:
    """Each cell of what has no kinds is in one piece."""
    for name, array in lanes()[0].items():
        if name in live_pieces(plan()) and name not in KINDS:
            cells = with_sums(name, array, plan().heavy)[..., 0].size
            covered = np.concatenate([np.arange(cells)[s] for s in live_pieces(plan())[name]])
            np.testing.assert_array_equal(covered, np.arange(cells))


def test_sd_of_constants_and_of_one_draw() -> None:
    """A constant has no spread, and neither has a single draw."""
    for draws in (1, 100):
        found = Moments({"x": (2,)})
        ones = np.ones(draws)
        found.add_lane(0, ones, {"x": measure(np.full((2, draws), 0.1), ones, [slice(2)])})
        np.testing.assert_array_equal(found.sd("x"), 0.0)


def test_weighted_counts() -> None:
    """Weighted quantiles and probabilities are those of numpy, to the weight of one draw."""
    w = np.concatenate([weights_of(n) for n in range(LANES)])
    draws, histograms = drawn("balance")[2], whole(True).histograms
    rows = histograms.layout.rows["balance"][2]
    share = w / w.sum()
    for value in (-500.0, 0.0, 400.0):
        exact = (draws < value) @ share
        found = histograms.probability_below(rows, value)
        np.testing.assert_allclose(found, exact, atol=share.max())
    for q in (0.05, 0.5, 0.95):
        found = histograms.quantile(rows, q)
        rank = (draws < found[:, np.newaxis]) @ share
        np.testing.assert_allclose(rank, q, atol=share.max())
    total = histograms.counts.sum(axis=1) * 2.0**-24
    np.testing.assert_allclose(total, w.sum(), rtol=1e-7)


def test_weights_of_one_are_no_weights() -> None:
    """The same quantiles, deficits and means."""
    one = Streamed(plan(), plan().layout, weighted=True)
    one.add_lane(0, lanes()[0], LANE, np.ones(LANE))
    none = alone(False)[0]
    rows = np.arange(5)
    for q in (0.05, 0.5):
        same = one.histograms.quantile(rows, q), none.histograms.quantile(rows, q)
        np.testing.assert_allclose(*same, rtol=1e-12)
    for name, total in one.joint.total.items():
        np.testing.assert_array_equal(total, none.joint.total[name])
    np.testing.assert_array_equal(one.moments.mean("demand"), none.moments.mean("demand"))


@pytest.mark.parametrize("weighted", [False, True])
def test_joint_sums_are_those_of_numpy(weighted: bool) -> None:
    """Deficits, their depth, the first of them and products of claims, draw by draw."""
    w = np.concatenate([weights_of(n) if weighted else np.ones(draws_of(n)) for n in range(LANES)])
    balance, demand, claims = drawn("balance"), drawn("demand")[-1], drawn(CLAIMS)
    total = whole(weighted).joint.total
    assert total["weight"] == pytest.approx(w.sum(), rel=1e-12)
    np.testing.assert_allclose(total["products"], (claims * w) @ claims.T, rtol=1e-11)
    for at, tolerance in enumerate((1e-9, 0.02)):
        short = -balance > tolerance * demand
        np.testing.assert_allclose(total["deficits"][at], short @ w, rtol=1e-12)
        np.testing.assert_allclose(total["depths"][at], (short * -balance) @ w, rtol=1e-11)
        for year in range(1, short.shape[1]):
            once = short[:, 1 : year + 1].any(axis=1)
            np.testing.assert_allclose(total["deficits_by"][at, :, year - 1], once @ w, rtol=1e-12)
