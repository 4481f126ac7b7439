"""Who separates whose feed: hand examples, linear programmes, and what holds for any network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize

from reesupply.models.refining import Network, Refined, refine

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

CHINA, EX_CHINA, NOWHERE = 0, 1, 2
ARRAYS = ("taken", "separated", "throughput", "stock", "abroad")
#: Tonnes, with many zeros; nothing so small that it has fewer digits.
TONNES = st.one_of(st.just(0.0), st.floats(1e-3, 1e3))


@dataclass(frozen=True)
class Case:
    """What `refine` takes."""

    feed: FloatArray
    capacity: FloatArray
    recovery: FloatArray
    network: Network

    def run(self) -> Refined:
        """Allocate."""
        return refine(self.feed, self.capacity, self.recovery, self.network)

    @property
    def scale(self) -> float:
        """All feed there is, for tolerances."""
        return float(self.feed.sum()) + 1e-3


def integers(values: Sequence[int]) -> IntArray:
    """Array of indices."""
    return np.array(values, dtype=np.intp)


def single(  # one draw, a few mines and plants, China's plant without limit last
    feed: Sequence[Sequence[float]],
    capacity: Sequence[float],
    *,
    contracts: Sequence[Sequence[int]] = (),
    recovery: Sequence[float] | None = None,
    mine_bloc: Sequence[int] | None = None,
    plant_bloc: Sequence[int] | None = None,
    may_leave: Sequence[bool] | None = None,
) -> Case:
    """Case of one draw; everything stands outside China but a plant without limit, added last."""
    mines, years = len(feed), len(feed[0])
    limits = np.repeat(np.array([*capacity, np.inf])[:, np.newaxis, np.newaxis], years, axis=1)
    shares = [1.0] * len(capacity) if recovery is None else recovery
    blocs = [EX_CHINA] * len(capacity) if plant_bloc is None else plant_bloc
    network = Network(
        tuple(integers(rank) for rank in contracts),
        integers([EX_CHINA] * mines if mine_bloc is None else mine_bloc),
        integers([*blocs, CHINA]),
        np.array([False] * mines if may_leave is None else may_leave),
        len(capacity),
    )
    return Case(
        np.array(feed, dtype=np.float64)[:, :, np.newaxis],
        limits,
        np.array([*shares, 0.5])[:, np.newaxis],
        network,
    )


@st.composite
def cases(
    draw: st.DrawFn, *, crossing: bool = True, leaving: bool = True, infinite: bool = True
) -> Case:
    """Draw a network of two blocs; a plant of China, mostly without limit, takes what may leave."""
    mines, plants = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    years, draws = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    bloc = st.sampled_from((CHINA, EX_CHINA))
    plant_bloc = draw(hnp.arrays(np.intp, plants, elements=bloc))
    mine_bloc = draw(hnp.arrays(np.intp, mines, elements=bloc))
    destination = draw(st.integers(0, plants - 1))
    plant_bloc[destination] = CHINA
    contracts = draw(
        st.lists(hnp.arrays(np.intp, mines, elements=st.integers(-1, plants - 1)), max_size=3)
    )
    if not crossing:
        for rank in contracts:
            rank[plant_bloc[rank] != mine_bloc] = -1
    leaves = hnp.arrays(np.bool_, mines)
    limits = st.one_of(TONNES, st.just(np.inf)) if infinite else TONNES
    capacity = draw(hnp.arrays(np.float64, (plants, years, draws), elements=limits))
    if draw(st.booleans()):
        capacity[destination] = np.inf
    return Case(
        draw(hnp.arrays(np.float64, (mines, years, draws), elements=TONNES)),
        capacity,
        draw(hnp.arrays(np.float64, (plants, draws), elements=st.floats(0.5, 1.0))),
        Network(
            tuple(contracts),
            mine_bloc,
            plant_bloc,
            draw(leaves) if leaving else np.zeros(mines, dtype=np.bool_),
            destination,
        ),
    )


def assert_same(done: Refined, expected: Refined, scale: float) -> None:
    """All arrays agree to 1e-11 of all feed."""
    for name in ARRAYS:
        np.testing.assert_allclose(
            getattr(done, name), getattr(expected, name), rtol=1e-11, atol=1e-11 * scale
        )


# ------------------------------------------------------------------------------ hand examples


def test_what_nobody_takes_is_offered_again() -> None:
    """100 t meet a plant of 60 t/yr: 60 t now, 40 t next year with nothing dug; in stock 40, 0."""
    done = single([[100.0, 0.0, 10.0]], [60.0]).run()
    np.testing.assert_allclose(done.taken[0, :, 0], [60.0, 40.0, 10.0], rtol=1e-14)
    np.testing.assert_allclose(done.stock[0, :, 0], [40.0, 0.0, 0.0], rtol=1e-14, atol=0.0)


def test_a_stock_can_take_years() -> None:
    """A stock grows as long as more is dug than separated, mine by mine."""
    done = single([[100.0, 100.0, 0.0], [50.0, 50.0, 0.0]], [60.0]).run()
    np.testing.assert_allclose(done.stock.sum(axis=0)[:, 0], [90.0, 180.0, 120.0], rtol=1e-14)
    np.testing.assert_allclose(done.stock[0, :, 0], [60.0, 120.0, 80.0], rtol=1e-14)


def test_a_plant_divides_its_capacity_pro_rata_among_its_contracts() -> None:
    """60 and 30 t under contract with a plant of 45 t get 30 and 15; a stranger gets nothing."""
    done = single([[60.0], [30.0], [500.0]], [45.0], contracts=[[0, 0, -1]]).run()
    np.testing.assert_allclose(done.taken[:, 0, 0], [30.0, 15.0, 0.0], rtol=1e-14, atol=0.0)
    np.testing.assert_allclose(done.throughput[:, 0, 0], [45.0, 0.0], rtol=1e-14, atol=0.0)


def test_the_second_contract_comes_second() -> None:
    """
    120 t with contracts at plants of 50 and 100 t: 50 at the first and 70 at the second. Where
    the second is the first choice of another mine with 80 t, 20 t are free there.
    """
    done = single([[120.0]], [50.0, 100.0], contracts=[[0], [1]]).run()
    np.testing.assert_allclose(done.throughput[:, 0, 0], [50.0, 70.0, 0.0], rtol=1e-14)
    done = single([[120.0], [80.0]], [50.0, 100.0], contracts=[[0, 1], [1, -1]]).run()
    np.testing.assert_allclose(done.taken[:, 0, 0], [70.0, 80.0], rtol=1e-14)
    np.testing.assert_allclose(done.throughput[:, 0, 0], [50.0, 100.0, 0.0], rtol=1e-14)
    np.testing.assert_allclose(done.stock[:, 0, 0], [50.0, 0.0], rtol=1e-14, atol=1e-12)


def test_contracts_come_before_the_pool() -> None:
    """A large merchant mine gets only what contracts leave free, here 10 of 50 t."""
    done = single([[40.0], [900.0]], [50.0], contracts=[[0, -1]]).run()
    np.testing.assert_allclose(done.taken[:, 0, 0], [40.0, 10.0], rtol=1e-14)


def test_the_pool_is_shared_by_feed_and_by_free_capacity() -> None:
    """
    20 t in plants of 30 and 10 t: 15 and 5 t, at recoveries of 0.9 and 0.7 they give 17 t. When
    there is more feed than capacity, mines of 60 and 20 t get 30 and 10.
    """
    done = single([[20.0]], [30.0, 10.0], recovery=[0.9, 0.7]).run()
    np.testing.assert_allclose(done.throughput[:, 0, 0], [15.0, 5.0, 0.0], rtol=1e-14)
    np.testing.assert_allclose(done.separated[0, 0, 0], 17.0, rtol=1e-14)
    done = single([[60.0], [20.0]], [30.0, 10.0], recovery=[0.9, 0.7]).run()
    np.testing.assert_allclose(done.taken[:, 0, 0], [30.0, 10.0], rtol=1e-14)
    np.testing.assert_allclose(done.separated[:, 0, 0], [25.5, 8.5], rtol=1e-14)


def test_only_what_is_left_leaves_and_only_where_it_may() -> None:
    """Two mines of 60 t, a plant of 80 t: each has 20 t left, and one may send it to China."""
    done = single([[60.0], [60.0]], [80.0], recovery=[0.9], may_leave=[True, False]).run()
    np.testing.assert_allclose(done.taken[:, 0, 0], [60.0, 40.0], rtol=1e-14)
    np.testing.assert_allclose(done.stock[:, 0, 0], [0.0, 20.0], rtol=1e-14)
    np.testing.assert_allclose(done.abroad[:, 0, 0], [10.0, 0.0], rtol=1e-14)  # recovery 0.5
    np.testing.assert_allclose(done.separated[:, 0, 0], [46.0, 36.0], rtol=1e-14)
    np.testing.assert_allclose(done.throughput[:, 0, 0], [80.0, 20.0], rtol=1e-14)


def test_what_may_leave_waits_while_china_is_shut() -> None:
    """
    Of 60 and 30 t that may leave, none does in a year in which the plant in China is shut; with
    45 t free there they share it pro rata; then all of it goes.
    """
    case = single([[60.0, 0.0, 0.0], [30.0, 0.0, 0.0]], [], may_leave=[True, True])
    capacity = np.array([0.0, 45.0, np.inf]).reshape(1, 3, 1)
    done = replace(case, capacity=capacity).run()
    np.testing.assert_allclose(done.throughput[0, :, 0], [0.0, 45.0, 45.0], rtol=1e-14)
    np.testing.assert_allclose(done.stock[0, :, 0], [60.0, 30.0, 0.0], rtol=1e-14, atol=0.0)
    np.testing.assert_allclose(done.stock[1, :, 0], [30.0, 15.0, 0.0], rtol=1e-14, atol=0.0)


def test_a_contract_across_blocs_is_separated_abroad() -> None:
    """A Chinese mine under contract with a plant outside: its oxide is `abroad`, no other is."""
    done = single(
        [[30.0], [30.0]], [100.0], contracts=[[0, 0]], recovery=[0.9], mine_bloc=[CHINA, EX_CHINA]
    ).run()
    np.testing.assert_allclose(done.abroad[:, 0, 0], [27.0, 0.0], rtol=1e-14)
    np.testing.assert_allclose(done.throughput[:, 0, 0], [60.0, 0.0], rtol=1e-14)


def test_chinese_feed_cannot_leave_for_china() -> None:
    """
    The permission to leave means nothing to a mine in China: where the plant that takes what leaves
    has a limit of 50 t after all, it takes 50 of 80 t and the rest waits; nothing is abroad.
    """
    case = single([[80.0]], [10.0], mine_bloc=[CHINA], may_leave=[True])
    capacity = case.capacity.copy()
    capacity[1] = 50.0
    done = replace(case, capacity=capacity).run()
    np.testing.assert_allclose(done.throughput[:, 0, 0], [0.0, 50.0], rtol=1e-14)
    np.testing.assert_allclose([done.stock[0, 0, 0], done.abroad[0, 0, 0]], [30.0, 0.0], rtol=1e-14)


def test_no_limit_is_counted_to_the_last_digit() -> None:
    """
    Of two plants without limit one has 1e-3 t under contract: its throughput is that, though the
    number that stands for "no limit" is 1e12 times larger.
    """
    done = single([[1e-3], [1e3]], [np.inf], contracts=[[0, 1]]).run()
    np.testing.assert_allclose(done.throughput[:, 0, 0], [1e-3, 1e3], rtol=1e-15)


# --------------------------------------------------------------------------- linear programmes


def largest_flow(feed: FloatArray, capacity: FloatArray, allowed: npt.NDArray[np.bool_]) -> float:
    """
    Solve for the most that can be processed in all years, feed waiting as long as it likes.

    `feed` is (mine, year), `capacity` (refinery, year), `allowed` (mine, refinery). Until each year
    a mine cannot have sent more than it dug.
    """
    mines, years = feed.shape
    plants = capacity.shape[0]
    flows = np.arange(mines * plants * years).reshape(mines, plants, years)
    rows, limits = [], []
    for mine in range(mines):
        for year in range(years):
            row = np.zeros(flows.size)
            row[flows[mine, :, : year + 1].ravel()] = 1.0
            rows.append(row)
            limits.append(feed[mine, : year + 1].sum())
    for plant in range(plants):
        for year in range(years):
            row = np.zeros(flows.size)
            row[flows[:, plant, year]] = 1.0
            rows.append(row)
            limits.append(min(capacity[plant, year], feed.sum()))
    upper = np.where(allowed[:, :, np.newaxis], feed.sum(), 0.0) * np.ones(years)
    bounds = [(0.0, float(most)) for most in upper.ravel()]
    found = optimize.linprog(-np.ones(flows.size), np.array(rows), limits, bounds=bounds)
    assert found.fun is not None
    return -float(found.fun)


def within(network: Network) -> npt.NDArray[np.bool_]:
    """Plants that stand in a mine's bloc, (mine, refinery)."""
    allowed: npt.NDArray[np.bool_] = network.mine_bloc[:, np.newaxis] == network.refinery_bloc
    return allowed


@given(cases(crossing=False, leaving=False))
def test_no_other_allocation_processes_more(case: Case) -> None:
    """
    Contracts within the bloc, no way out: until any year as much is processed as a linear
    programme finds that knows all years beforehand (methods, section 4: against `linprog`).
    """
    taken = case.run().taken[..., 0]
    for until in range(1, taken.shape[1] + 1):
        most = largest_flow(
            case.feed[:, :until, 0], case.capacity[:, :until, 0], within(case.network)
        )
        assert abs(taken[:, :until].sum() - most) <= 1e-7 * case.scale


def contracts_only(case: Case) -> Refined:
    """Run a first year with the mines nowhere, so that contracts are all that they have."""
    nowhere = np.full_like(case.network.mine_bloc, NOWHERE)
    leaves = np.zeros_like(case.network.may_leave)
    network = replace(case.network, mine_bloc=nowhere, may_leave=leaves)
    return refine(case.feed[:, :1], case.capacity[:, :1], case.recovery, network)


def rank_by_programme(left: FloatArray, free: FloatArray, contract: IntArray) -> FloatArray:
    """Solve for the shares, equal within a plant, that process most; return the flow by mine."""
    plants = np.arange(free.size)
    offered = np.where(contract == plants[:, np.newaxis], left, 0.0).sum(axis=1)
    limit = np.minimum(free, left.sum())
    found = optimize.linprog(-offered, np.diag(offered), limit, bounds=(0.0, 1.0))
    assert found.x is not None
    shares = np.append(found.x, 0.0)  # the last belongs to -1, no contract
    return np.asarray(left * shares[contract], dtype=np.float64)


@given(cases())
def test_contracts_rank_by_rank_take_the_most_they_can(case: Case) -> None:
    """Each rank by a linear programme in the share that each plant takes of its mines' offers."""
    done = contracts_only(case)
    left, free = case.feed[:, 0, 0].copy(), case.capacity[:, 0, 0].copy()
    for contract in case.network.contracts:
        flow = rank_by_programme(left, free, contract)
        left = left - flow
        for plant in range(free.size):
            free[plant] = max(free[plant] - flow[contract == plant].sum(), 0.0)
    np.testing.assert_allclose(done.stock[:, 0, 0], left, rtol=0.0, atol=1e-6 * case.scale)


@given(cases(leaving=False))
def test_the_pool_takes_the_most_that_contracts_leave(case: Case) -> None:
    """What contracts leave of feed and capacity, by a linear programme over the bloc."""
    before = contracts_only(case)
    free = np.maximum(case.capacity[:, :1, 0] - before.throughput[..., 0], 0.0)
    most = largest_flow(before.stock[..., 0], free, within(case.network))
    taken = case.run().taken[:, 0, 0].sum()
    assert abs(taken - before.taken[..., 0].sum() - most) <= 1e-7 * case.scale


# --------------------------------------------------------------------------- for any network


@given(cases())
def test_no_feed_appears_or_vanishes(case: Case) -> None:
    """Dug until a year = processed until then + in stock, per mine and draw; nothing negative."""
    done = case.run()
    dug, processed = np.cumsum(case.feed, axis=1), np.cumsum(done.taken, axis=1)
    np.testing.assert_allclose(processed + done.stock, dug, rtol=1e-9, atol=1e-12)
    for name in ARRAYS:
        array = getattr(done, name)
        assert np.isfinite(array).all()
        assert (array >= (-1e-12 * case.scale if name == "taken" else 0.0)).all()


@given(cases())
def test_no_plant_takes_more_than_it_can(case: Case) -> None:
    """Throughput within capacity."""
    assert (case.run().throughput <= case.capacity * (1.0 + 1e-12)).all()


@given(cases())
def test_mines_and_plants_count_the_same_tonnes(case: Case) -> None:
    """Sum over plants of throughput = sum over mines taken; times recovery it is the oxide."""
    done = case.run()
    near = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-12 * case.scale)
    near(done.throughput.sum(axis=0), done.taken.sum(axis=0))
    oxide = (done.throughput * case.recovery[:, np.newaxis]).sum(axis=0)
    near(done.separated.sum(axis=0), oxide)


@given(cases())
def test_recovery_of_every_mine_is_one_of_the_plants(case: Case) -> None:
    """Separated over taken lies between the least and the best recovery; abroad is part of it."""
    done = case.run()
    slack = 1e-11 * case.scale
    assert (done.separated >= done.taken * case.recovery.min(axis=0) - slack).all()
    assert (done.separated <= done.taken * case.recovery.max(axis=0) + slack).all()
    assert (done.abroad <= done.separated + slack).all()


@given(cases(), st.data())
def test_more_capacity_never_strands_feed(case: Case, data: st.DataObject) -> None:
    """More capacity anywhere: no mine has more in stock, so none has processed less until then."""
    shape = case.capacity.shape
    more = case.capacity + data.draw(hnp.arrays(np.float64, shape, elements=TONNES))
    before, after = case.run(), replace(case, capacity=more).run()
    assert (after.stock <= before.stock + 1e-10 * case.scale).all()
    total = np.cumsum(after.taken - before.taken, axis=1)
    assert (total >= -1e-10 * case.scale).all()


@given(cases(), st.data())
def test_more_feed_never_lowers_what_is_processed(case: Case, data: st.DataObject) -> None:
    """More feed of any mine: no less is processed in all until any year (methods, section 4)."""
    shape = case.feed.shape
    more = case.feed + data.draw(hnp.arrays(np.float64, shape, elements=TONNES))
    before, after = case.run(), replace(case, feed=more).run()
    total = np.cumsum((after.taken - before.taken).sum(axis=0), axis=0)
    assert (total >= -1e-10 * (1e-3 + more.sum())).all()


@given(cases())
def test_only_the_left_over_leaves(case: Case) -> None:
    """
    The permission to leave changes nothing of a first year but what would have been stock: that,
    of the mines with permission, and no more, goes to the plant without limit.
    """
    network = case.network
    kept = replace(network, may_leave=np.zeros_like(network.may_leave))
    capacity = case.capacity.copy()
    capacity[network.destination] = np.inf
    case = replace(case, capacity=capacity)
    stays, leaves = replace(case, network=kept).run(), case.run()
    moved = np.where(network.may_leave[:, np.newaxis], stays.stock[:, 0], 0.0)
    near = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11 * case.scale)
    near(leaves.stock[:, 0], stays.stock[:, 0] - moved)
    near(leaves.abroad[:, 0], stays.abroad[:, 0] + moved * case.recovery[network.destination])
    extra = leaves.throughput[:, 0] - stays.throughput[:, 0]
    near(extra[network.destination], moved.sum(axis=0))
    near(np.delete(extra, network.destination, axis=0), 0.0)


@given(cases(crossing=False))
def test_without_permission_or_contract_nothing_leaves(case: Case) -> None:
    """`abroad` is zero for mines that may not leave and have no contract in another bloc."""
    done = case.run()
    assert (done.abroad[~case.network.may_leave] == 0.0).all()
    assert (done.abroad[case.network.mine_bloc == CHINA] == 0.0).all()


@given(cases(), st.data())
def test_the_order_of_mines_does_not_matter(case: Case, data: st.DataObject) -> None:
    """Permuted mines, permuted result."""
    order = integers(data.draw(st.permutations(range(case.feed.shape[0]))))
    old = case.network
    network = replace(
        old,
        contracts=tuple(rank[order] for rank in old.contracts),
        mine_bloc=old.mine_bloc[order],
        may_leave=old.may_leave[order],
    )
    done, expected = replace(case, feed=case.feed[order], network=network).run(), case.run()
    wanted = {name: getattr(expected, name)[order] for name in ARRAYS if name != "throughput"}
    assert_same(done, replace(expected, **wanted), case.scale)


@given(cases(), st.data())
def test_the_order_of_plants_does_not_matter(case: Case, data: st.DataObject) -> None:
    """Permuted refineries, permuted throughput and the same for every mine."""
    order = integers(data.draw(st.permutations(range(case.capacity.shape[0]))))
    place = np.append(np.argsort(order), -1)  # the last entry keeps -1, no contract
    old = case.network
    network = replace(
        old,
        contracts=tuple(place[rank] for rank in old.contracts),
        refinery_bloc=old.refinery_bloc[order],
        destination=int(place[old.destination]),
    )
    done = refine(case.feed, case.capacity[order], case.recovery[order], network)
    expected = case.run()
    assert_same(done, replace(expected, throughput=expected.throughput[order]), case.scale)


@given(cases(), st.data())
def test_draws_do_not_know_each_other(case: Case, data: st.DataObject) -> None:
    """Draws permuted and repeated, the same result per draw."""
    n = case.feed.shape[2]
    order = integers(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4)))
    done = refine(
        case.feed[..., order], case.capacity[..., order], case.recovery[:, order], case.network
    )
    expected = case.run()
    wanted = {name: getattr(expected, name)[..., order] for name in ARRAYS}
    assert_same(done, Refined(**wanted), case.scale)


@given(cases(infinite=False), st.floats(1e-3, 1e3))
def test_tonnes_or_kilotonnes(case: Case, factor: float) -> None:
    """Feed and capacity in another unit, the result in that unit."""
    capacity = np.minimum(case.capacity, 1e5)
    done = refine(case.feed * factor, capacity * factor, case.recovery, case.network)
    expected = replace(case, capacity=capacity).run()
    wanted = {name: getattr(expected, name) * factor for name in ARRAYS}
    assert_same(done, Refined(**wanted), case.scale * factor)


@given(cases())
def test_without_limits_nothing_waits(case: Case) -> None:
    """Infinite capacity in both blocs: all feed is taken in its year."""
    capacity = np.full_like(case.capacity, np.inf)
    plants = np.concatenate([capacity, capacity[:1]])  # one more, outside, so that both have one
    recovery = np.concatenate([case.recovery, case.recovery[:1]])
    blocs = np.append(case.network.refinery_bloc, EX_CHINA)
    done = refine(case.feed, plants, recovery, replace(case.network, refinery_bloc=blocs))
    np.testing.assert_allclose(done.taken, case.feed, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(done.stock, 0.0, atol=1e-12 * case.scale)


@given(cases())
def test_nothing_comes_of_nothing(case: Case) -> None:
    """No feed: zeros. No capacity and no way out: all that was dug is in stock."""
    done = refine(np.zeros_like(case.feed), case.capacity, case.recovery, case.network)
    for name in ARRAYS:
        assert (getattr(done, name) == 0.0).all()
    network = replace(case.network, may_leave=np.zeros_like(case.network.may_leave))
    done = refine(case.feed, np.zeros_like(case.capacity), case.recovery, network)
    np.testing.assert_allclose(done.stock, np.cumsum(case.feed, axis=1), rtol=1e-14)
    assert (done.separated == 0.0).all()
    assert (done.throughput == 0.0).all()


@given(cases())
def test_the_arguments_are_not_changed(case: Case) -> None:
    """Feed, capacity and recovery are as they were."""
    given_ = [array.copy() for array in (case.feed, case.capacity, case.recovery)]
    case.run()
    for before, after in zip(given_, (case.feed, case.capacity, case.recovery), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("what", ["feed", "capacity", "recovery"])
@pytest.mark.parametrize("contracts", [(), ((0, 0),)])
def test_what_is_not_a_number_is_not_hidden(
    what: str, contracts: tuple[tuple[int, ...], ...]
) -> None:
    """NaN in an argument is NaN in the separated oxide, not zero and not "no limit"."""
    case = single([[30.0], [40.0]], [50.0], contracts=contracts)
    array = getattr(case, what).copy()
    array[0] = np.nan
    done = replace(case, **{what: array}).run()
    assert np.isnan(done.separated).any()
    assert np.isnan(done.throughput[0]).all() or what == "recovery"
