"""The Monte Carlo contract: draws by name and number, the same bits however they are computed."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from threadpoolctl import threadpool_info, threadpool_limits

import reesupply as rs
from reesupply.engine import pools
from reesupply.engine.blas import OneBlasThread, _blas, _set_threads
from reesupply.engine.clock import STAGES
from reesupply.engine.histograms import Histograms
from reesupply.engine.variables import DATA, VARIABLES
from reesupply.sampling import LANE
from strategies import Changes, scenario_changes, scenario_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

EVERYTHING = (*VARIABLES, "inputs", "claims", "first_feed")
DESIGNS = ("random", "lhs", "sobol")


def inputs_of(result: rs.Result) -> dict[str, FloatArray]:
    """Draws of the inputs by name."""
    return dict(zip(result.input_names, result.arrays["inputs"], strict=True))


@lru_cache(maxsize=8)
def baseline_inputs(design: str = "random", draws: int = 64) -> dict[str, FloatArray]:
    """Inputs of the baseline at seed 1."""
    return inputs_of(rs.simulate(draws=draws, rng=1, design=design, keep=("inputs",), workers=1))


def assert_same_bits(one: rs.Result, other: rs.Result, draws: int | None = None) -> None:
    """Every kept array is bit-identical, and every moment where all draws are compared."""
    assert one.arrays.keys() == other.arrays.keys()
    assert one.input_names == other.input_names
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array[..., :draws], other.arrays[name][..., :draws], name)
    if draws is None:
        assert one.moments.count == other.moments.count
        for name in VARIABLES:
            for kind in ("sums", "squares"):
                a, b = (getattr(r.moments, kind)[name] for r in (one, other))
                np.testing.assert_array_equal(a, b, name)


def assert_others_same(
    found: dict[str, FloatArray], design: str = "random", apart: Iterable[str] = ()
) -> int:
    """Every input but those `apart` is as in the baseline; return how many were compared."""
    before = baseline_inputs(design)
    common = (before.keys() & found.keys()) - set(apart)
    for name in common:
        np.testing.assert_array_equal(found[name], before[name], name)
    return len(common)


# --------------------------------------------------------------------------- point 1: by name


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    ("changes", "apart"),
    [
        ({"projects.browns-range.heavy": "pert(200, 300, 400)"}, ["projects.browns-range.heavy"]),
        ({"projects.lofdal.dy": 90.0}, []),
        ({"anchors.scrap-2024.value": "uniform(800, 900)"}, []),
        ({"projects.nolans.status": "certain"}, []),
        ({"projects.kvanefjeld.status": "operating", "projects.kvanefjeld.start": 2020}, []),
        ({"settings.last_year.value": "2040"}, []),
        ({"settings.last_year.value": "2028"}, []),
        ({"disruptions.myanmar-border.first_year": 2025}, []),
        ({"trajectories.hybrids.activity.world.2035.value": "pert(10, 20, 30)"}, []),
    ],
)
def test_unrelated_inputs_stay(design: str, changes: dict[str, Any], apart: list[str]) -> None:
    """After a change every other input is bit-identical, whatever the design."""
    scenario = rs.load_scenario().replace(changes)
    result = rs.simulate(scenario, draws=64, rng=1, design=design, keep=("inputs",), workers=1)
    assert assert_others_same(inputs_of(result), design, apart) > 300


def _mine(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "country": "somewhere",
        "bloc": "ex_china",
        "kind": "mine",
        "status": "feasibility",
        "start": "uniform(2028, 2030)",
        "construction": 2,
        "heavy": "pert(1, 2, 3)",
        "dy_share": "uniform(0.8, 0.9)",
        "feeds": "merchant",
        "ramp": "concentrator",
        "source": "assumption",
    }


@pytest.mark.parametrize("number", [1, 2, 5])
def test_new_rows_leave_the_rest(number: int) -> None:
    """Adding projects, with inputs that follow factors too, leaves all draws as they were."""
    rows = {f"projects.{letter}-new": _mine(letter) for letter in "azbyc"[:number]}
    result = rs.simulate(
        rs.load_scenario().replace(rows), draws=64, rng=1, keep=("inputs",), workers=1
    )
    found = inputs_of(result)
    new = {name.split(".")[1] for name in found.keys() - baseline_inputs().keys()}
    assert new == {path.removeprefix("projects.") for path in rows}
    assert assert_others_same(found) == len(baseline_inputs())


def test_new_factor_leaves_the_rest() -> None:
    """A new factor changes the input that follows it, and no other."""
    name = "projects.browns-range.heavy"
    row = {"loading": 0.5, "source": "assumption"}
    scenario = rs.load_scenario().replace({f"factors.another.{name}": row})
    found = inputs_of(rs.simulate(scenario, draws=64, rng=1, keep=("inputs",), workers=1))
    assert (found[name] != baseline_inputs()[name]).all()
    assert assert_others_same(found, apart=[name]) == len(baseline_inputs()) - 1


def test_mixing_does_not_depend_on_the_number_of_inputs() -> None:
    """One input that follows one of many factors has the bits that it has among others."""
    scenario = rs.load_scenario()
    rows = {f"factors.f{i}.projects.browns-range.heavy": _loading() for i in range(15)}
    alone = rs.Scenario(scenario.title, {**scenario.tables, "factors": {}}).replace(rows)
    among = scenario.replace(rows)
    a, b = (inputs_of(rs.simulate(s, draws=LANE, rng=1, keep=("inputs",))) for s in (alone, among))
    name = "projects.browns-range.heavy"
    np.testing.assert_array_equal(a[name], b[name])
    assert (a[name] != baseline_inputs(draws=LANE)[name]).all()


def _loading() -> dict[str, Any]:
    return {"loading": 0.25, "source": "assumption"}


def test_order_of_rows_is_of_no_account() -> None:
    """Projects in another order have the same draws, and the same world balance to rounding."""
    scenario = rs.load_scenario()
    turned = {
        name: dict(list(rows.items())[::-1])
        if name in ("projects", "end_uses", "anchors")
        else rows
        for name, rows in scenario.tables.items()
    }
    other = rs.Scenario("reversed", turned)
    keep = ("inputs", "balance")
    a, b = (rs.simulate(s, draws=64, rng=1, keep=keep, workers=1) for s in (scenario, other))
    one, two = inputs_of(a), inputs_of(b)
    assert one.keys() == two.keys()
    for name, draws in one.items():
        np.testing.assert_array_equal(draws, two[name], name)
    np.testing.assert_allclose(a.arrays["balance"], b.arrays["balance"], rtol=1e-9, atol=1e-8)


@settings(max_examples=8)
@given(changes=scenario_changes())
def test_inputs_of_random_scenarios(changes: Changes) -> None:
    """
    In any scenario an input whose cell and factors are untouched has the baseline's draws.

    Values are compared where the cell is unchanged; a quantile and a factor never change.
    """
    scenario = scenario_of(changes)
    found = inputs_of(rs.simulate(scenario, draws=64, rng=1, keep=("inputs",), workers=1))
    # a stage or ramp gives some inputs of a project: those of a touched row may differ
    touched = {".".join(path.split(".")[:2]) for path in scenario.changes}
    apart = [
        name
        for name in found
        if ".".join(name.split(".")[:2]) in touched or _single_touched(scenario, name)
    ]
    assert assert_others_same(found, apart=apart) > 100


def _single_touched(scenario: rs.Scenario, name: str) -> bool:
    return any(path.startswith(name) for path in scenario.changes)


# ------------------------------------------------------------------------ prefix, lanes, workers


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("draws", [100, 1100])
def test_prefix(design: str, draws: int) -> None:
    """The draws of a run are the first of one with twice as many, also within a lane."""
    keep = (*DATA, "inputs", "claims")
    few, many = (rs.simulate(draws=n, rng=3, design=design, keep=keep) for n in (draws, 2 * draws))
    assert few.arrays["balance"].shape[-1] == draws
    assert_same_bits(few, many, draws)


@pytest.mark.parametrize("design", DESIGNS)
def test_workers(design: str) -> None:
    """One, two or three threads give the same bits of every array and moment."""
    keep = EVERYTHING if design == "random" else ("balance", "inputs")
    runs = [
        rs.simulate(draws=2 * LANE + 17, rng=5, design=design, workers=workers, keep=keep)
        for workers in ((1, 2, 3) if design == "random" else (1, 3))
    ]
    assert set(runs[0].arrays) == set(keep)
    for other in runs[1:]:
        assert_same_bits(runs[0], other)


def test_processes() -> None:
    """Spawned worker processes give the same bits as this one."""
    keep = ("balance", "inputs", "claims", "project.output")
    here = rs.simulate(draws=LANE + 5, rng=5, workers=1, keep=keep)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        there = rs.simulate(draws=LANE + 5, rng=5, executor=pool, keep=keep)
    assert_same_bits(here, there)


def test_executor() -> None:
    """Any executor runs the lanes, and stays the caller's: it is open afterwards."""
    with ThreadPoolExecutor(2) as pool:
        there = rs.simulate(draws=LANE + 3, rng=5, executor=pool, keep=("balance",))
        assert pool.submit(int, "3").result() == 3
    here = rs.simulate(draws=LANE + 3, rng=5, workers=1, keep=("balance",))
    assert_same_bits(here, there)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_units(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """How lanes are put together into units is of no account, be they nodes of the tree or not."""
    draws, keep = 10 * LANE + 9, ("balance", "inputs")
    before = rs.simulate(draws=draws, rng=5, workers=1, keep=keep)

    def lanes(first: int, left: int, width: int, most: int) -> int:
        del first, width, most
        return min(size, left)

    monkeypatch.setattr(pools, "unit_lanes", lanes)
    after = rs.simulate(draws=draws, rng=5, workers=2, keep=keep)
    assert_same_bits(before, after)
    np.testing.assert_array_equal(before.histograms.counts, after.histograms.counts)


@pytest.mark.parametrize("lanes", [range(1), range(2), range(7), range(33), range(24, 1000)])
@pytest.mark.parametrize("width", [1, 2, 64])
@pytest.mark.parametrize("most", [0, 1, 8, 100])
def test_units_are_nodes_of_the_tree(lanes: range, width: int, most: int) -> None:
    """A unit is a power of two, begins at a multiple of it, and is no longer than was asked for."""
    first = lanes.start
    while first < lanes.stop:
        size = pools.unit_lanes(first, lanes.stop - first, width, most)
        assert size & (size - 1) == 0
        assert 1 <= size <= max(most, 1)
        assert first % size == 0
        first += size
    assert first == lanes.stop


def test_failure_in_a_worker_reaches_the_caller() -> None:
    """What goes wrong in a lane is raised, whoever ran it."""
    scenario = rs.load_scenario().replace({"anchors.stock-change-2024.value": 9000})
    for workers in (1, 2):
        with pytest.raises(rs.ReesupplyError, match="the base year contradicts itself"):
            rs.simulate(scenario, draws=3 * LANE, rng=1, workers=workers)


# ------------------------------------------------------------------------------------- seeds


def same_draws(one: rs.Result, other: rs.Result) -> bool:
    """Whether two runs drew the same."""
    return bool((one.arrays["balance"] == other.arrays["balance"]).all())


def run(rng: Any) -> rs.Result:
    """A small run."""
    return rs.simulate(draws=8, rng=rng, keep=("balance",), workers=1)


def test_rng_forms() -> None:
    """An int or a SeedSequence repeats, a Generator goes on, None is new; entropy repeats each."""
    first = run(9)
    assert first.entropy == 9
    sequence = np.random.SeedSequence(9)
    again = [run(np.int64(9)), run(sequence), run(sequence), run(first.entropy)]
    assert all(same_draws(first, other) for other in again)
    assert sequence.n_children_spawned == 0
    generator = np.random.default_rng(9)
    twin = copy.deepcopy(generator)
    one, two = run(generator), run(generator)
    assert not same_draws(one, two)
    assert same_draws(one, run(one.entropy))
    assert same_draws(two, run(two.entropy))
    assert (twin.bytes(16), twin.bytes(16)) == tuple(
        r.entropy.to_bytes(16, "little") for r in (one, two)
    )
    assert generator.bit_generator.state == twin.bit_generator.state
    fresh = run(None)
    assert fresh.entropy != run(None).entropy
    assert same_draws(fresh, run(fresh.entropy))


def test_global_state_is_untouched() -> None:
    """The global generator of numpy is neither read nor moved."""
    np.random.seed(1)  # noqa: NPY002
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    one = run(4)
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert same_draws(one, run(4))


def test_designs_share_no_draws() -> None:
    """Another design has other draws, save for Sobol's inputs without a dimension."""
    runs = {d: baseline_inputs(d) for d in DESIGNS}
    dimensions = rs.compile().dimensions
    for name in runs["random"]:
        if name.startswith("factors."):
            assert (runs["random"][name] != runs["lhs"][name]).all()
            same = (runs["random"][name] == runs["sobol"][name]).all()
            assert same == (name not in dimensions)


# ----------------------------------------------------------------------------------- plans


def test_plan_pickles() -> None:
    """A plan that went through pickle gives the same bits."""
    plan = rs.compile()
    copied = pickle.loads(pickle.dumps(plan))
    assert copied.hash == plan.hash
    a, b = (rs.simulate(p, draws=100, rng=2, workers=1, keep=EVERYTHING) for p in (plan, copied))
    assert_same_bits(a, b)


def test_plan_is_thread_safe() -> None:
    """Runs at the same time in several threads are as each alone."""
    plan = rs.compile()
    alone = [rs.simulate(plan, draws=2 * LANE, rng=s, workers=1, keep=("balance",)) for s in (1, 2)]
    together: dict[int, rs.Result] = {}

    def work(seed: int) -> None:
        together[seed] = rs.simulate(plan, draws=2 * LANE, rng=seed, workers=2, keep=("balance",))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, one in zip((1, 2), alone, strict=True):
        assert_same_bits(one, together[seed])


def test_plans_are_kept_by_hash() -> None:
    """The same content compiles once; other content, title or record of changes does not mix."""
    scenario = rs.load_scenario()
    plan = rs.compile(scenario)
    assert rs.compile("baseline") is plan
    assert rs.compile(plan) is plan
    other = scenario.replace({"projects.nolans.dy": 26})
    assert rs.compile(other) is not plan
    assert rs.compile(scenario.replace({"projects.nolans.dy": 26})) is rs.compile(other)
    back = other.replace({"projects.nolans.dy": 25})
    result = rs.simulate(back, draws=1, rng=1)
    assert result.provenance["changes"] == list(back.changes)
    assert rs.simulate("baseline", draws=1, rng=1).provenance["changes"] == []


def test_blas_threads_are_restored() -> None:
    """However many workers limited BLAS at the same time, it has its threads back afterwards."""

    def threads() -> list[int]:
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        for workers in (1, 2, 3, 2):
            rs.simulate(draws=3 * LANE, rng=1, workers=workers, keep=())
            assert threads() == before
        limit = OneBlasThread()  # entered by two workers, whichever leaves first
        with limit:
            with limit:
                assert set(threads()) == {1}
            assert set(threads()) == {1}
        assert threads() == before


def test_blas_threads_are_restored_by_another_thread() -> None:
    """The worker that lifts the limit is not the one that set it, which is alive."""

    def threads() -> set[int]:
        return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}

    limit = OneBlasThread()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        before = [(library, library.num_threads) for library in _blas()]
        for library in _blas():
            _set_threads(library, 2)
        first.submit(limit.__enter__).result()
        second.submit(limit.__enter__).result()
        assert threads() == {1}
        first.submit(limit.__exit__).result()
        assert threads() == {1}
        second.submit(limit.__exit__).result()
        assert threads() == {2}
        for library, number in before:
            _set_threads(library, number)


def test_an_interrupted_run_leaves_the_executor_usable() -> None:
    """A progress callable that raises stops the run; tasks under way are not waited for in vain."""

    def stop(done: int, total: int) -> None:
        del done, total
        raise KeyboardInterrupt

    pool: Executor
    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(KeyboardInterrupt):
            rs.simulate(draws=20 * LANE, rng=1, executor=pool, keep=(), progress=stop)
        assert pool.submit(int, "3").result() == 3


def test_an_interrupted_run_returns_what_is_complete() -> None:
    """When asked to: the first draws, in all respects those of a run of so many."""

    def stop(done: int, total: int) -> None:
        del total
        if done >= 8 * LANE:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="8,192 of 40,960 draws are complete"):
        part = rs.simulate(
            draws=40 * LANE,
            rng=1,
            keep=("balance",),
            workers=1,
            progress=stop,
            on_interrupt="return",
        )
    whole = rs.simulate(draws=8 * LANE, rng=1, keep=("balance",), workers=2)
    assert part.draws == 8 * LANE
    np.testing.assert_array_equal(part.arrays["balance"], whole.arrays["balance"])
    np.testing.assert_array_equal(part.histograms.counts, whole.histograms.counts)
    np.testing.assert_array_equal(part.moments.mean("demand"), whole.moments.mean("demand"))
    with pytest.raises(rs.ReesupplyError, match="on_interrupt: found 'retrun'; did you mean"):
        rs.simulate(draws=8, on_interrupt="retrun")
    with pytest.raises(rs.ReesupplyError, match="on_interrupt: found None; allowed: raise"):
        rs.simulate(draws=8, on_interrupt=None)  # type: ignore[arg-type]


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT as a terminal has it; a shell starts what is to run in the background without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_while_a_part_is_being_added_waits_for_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The part is added whole, then the run stops; the handler from before is back afterwards."""
    before = signal.getsignal(signal.SIGINT)
    add = Histograms.add

    def interrupted(self: Histograms, other: Histograms) -> None:
        signal.raise_signal(signal.SIGINT)
        add(self, other)

    plan = rs.compile()
    monkeypatch.setattr(Histograms, "add", interrupted)
    with pytest.warns(rs.ReesupplyWarning, match="interrupted: "):
        part = rs.simulate(plan, draws=200 * LANE, rng=1, workers=2, keep=(), on_interrupt="return")
    assert 0 < part.draws < 200 * LANE
    assert part.moments.count == part.draws
    with pytest.raises(KeyboardInterrupt):
        rs.simulate(plan, draws=LANE, rng=1, keep=())
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.setattr(Histograms, "add", add)
    whole = rs.simulate(plan, draws=part.draws, rng=1, keep=())
    np.testing.assert_array_equal(part.histograms.counts, whole.histograms.counts)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send SIGINT to one process")
def test_ctrl_c_stops_within_a_second_or_so() -> None:
    """A real SIGINT in a process of its own: it returns what is complete, long before the end."""
    code = (
        "import signal, warnings, reesupply as rs\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "warnings.simplefilter('ignore')\n"
        "plan = rs.compile()\n"
        "rs.simulate(plan, draws=64, rng=1, keep=())\n"
        "def tell(done, total):\n"
        "    print(done, flush=True)\n"
        "r = rs.simulate(plan, draws=10**8, rng=1, keep=(), progress=tell, on_interrupt='return')\n"
        "print('returned', r.draws, r.moments.count, flush=True)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert int(first) > 0
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()  # nothing where it has ended; a run that did not stop would go on
    word, draws, count = rest.splitlines()[-1].split()
    assert word == "returned"
    assert draws == count
    assert 0 < int(draws) < 10**7
    assert process.returncode == 0


def test_profile_says_where_the_time_goes() -> None:
    """Every stage takes time, together not more than the workers had; none without asking."""
    assert rs.simulate(draws=8, rng=1).profile is None
    run = rs.simulate(draws=4 * LANE, rng=1, workers=1, profile=True)
    assert run.profile is not None
    assert tuple(run.profile) == STAGES
    assert all(seconds > 0.0 for seconds in run.profile.values())
    assert sum(run.profile.values()) <= run.seconds
