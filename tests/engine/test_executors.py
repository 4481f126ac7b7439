"""
Beyond threads: real executors give the bits of one thread, and little travels.

Those that are not installed are skipped with a reason; the extra `cluster` has all but MPI itself.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reesupply as rs
from reesupply.engine import wire
from reesupply.engine.lanes import run_lanes
from reesupply.engine.pools import _workers_of
from reesupply.engine.simulate import _Collector
from reesupply.engine.variables import VARIABLES
from reesupply.engine.wire import Traffic, Unit, packed, packed_part, run_unit, unpacked_part
from reesupply.sampling import LANE

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWS = 4 * LANE + 5
KEEP = ("balance", "inputs")


def fingerprint(result: rs.Result) -> str:
    """Hash of every bit that a run found: kept draws and all that is streamed."""
    found = hashlib.sha256(str((result.draws, result.moments.count, *result.arrays)).encode())
    for array in result.arrays.values():
        found.update(array.tobytes())
    for name in VARIABLES:
        found.update(result.moments.sums[name].tobytes())
        found.update(result.moments.squares[name].tobytes())
    histograms = result.histograms
    for name in ("counts", "lowest", "highest", "at_lowest", "at_highest", "atoms"):
        found.update(getattr(histograms, name).tobytes())
    assert result.joint is not None
    assert result.groups is not None
    for sums in result.joint.total.values():
        found.update(np.asarray(sums).tobytes())
    found.update(result.groups.counts.tobytes())
    return found.hexdigest()


def run(executor: Executor | None = None, **more: Any) -> rs.Result:
    """Return the run that all are compared with, in one thread unless an executor is given."""
    arguments: dict[str, Any] = {"draws": DRAWS, "rng": 5, "keep": KEEP, **more}
    return rs.simulate(executor=executor, workers=None if executor else 1, **arguments)


def check(executor: Executor, *, workers: int = 2) -> None:
    """
    Compare a real executor with one thread, and look at what travelled.

    Later runs have other seeds and designs, keep nothing, and find the plan at the workers.
    """
    assert _workers_of(executor) == workers
    other: dict[str, Any] = {"draws": 2 * LANE + 1, "rng": 6, "design": "lhs", "keep": ()}
    first, second = run(executor), run(executor, **other)
    third = run(executor, **{**other, "design": "sobol"})
    assert fingerprint(first) == fingerprint(run())
    assert fingerprint(second) == fingerprint(run(**other))
    assert fingerprint(third) == fingerprint(run(**{**other, "design": "sobol"}))
    for result in (first, second, third):
        assert result.traffic is not None
        assert result.traffic.units > workers
        assert result.traffic.received > 0
    plan = len(packed(rs.compile(), _job())[0].content)
    assert first.traffic is not None
    assert first.traffic.plans >= workers
    assert first.traffic.sent >= first.traffic.plans * plan
    assert second.traffic is not None
    assert second.traffic.sent <= second.traffic.plans * plan + 100_000
    assert executor.submit(int, "3").result() == 3


def _job(**more: Any) -> Any:
    """Return the job of a run, as `simulate` makes it."""
    found = {}

    class Stop(Executor):
        def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
            del named
            assert function is run_unit
            unit = Unit(*pickle.loads(arguments[0]))
            found["job"] = wire._opened(unit.contents[unit.job])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Stop(), **more)
    return found["job"]


# ------------------------------------------------------------------------------ real executors


def test_spawned_processes() -> None:
    """The standard library's pool of processes that share nothing."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        check(pool)
        wrong = rs.load_scenario().replace({"anchors.stock-change-2024.value": 9000})
        with pytest.raises(rs.ReesupplyError, match="the base year contradicts itself"):
            run(pool, scenario=wrong)
        assert pool.submit(int, "3").result() == 3


def test_loky() -> None:
    """The pool of joblib."""
    loky = pytest.importorskip("loky", reason="loky is not installed (extra cluster)")
    pool = loky.get_reusable_executor(max_workers=2, timeout=60)
    try:
        check(pool)
    finally:
        pool.shutdown(wait=True)


@pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")
def test_dask() -> None:
    """Dask distributed with two worker processes and its scheduler in this one."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (extra cluster)")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(processes=True, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        check(client.get_executor())


MPI_PROGRAM = """
import sys
from pathlib import Path

sys.path.insert(0, {folder!r})

if __name__ == "__main__":
    from mpi4py.futures import MPIPoolExecutor
    from test_executors import check

    with MPIPoolExecutor() as pool:
        check(pool)
        Path({done!r}).write_text(str(pool.num_workers))
"""


def test_mpi(tmp_path: Path) -> None:
    """Three ranks under mpiexec: one that simulates, two that work."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed (extra cluster)")
    beside = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    mpiexec = beside or shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("there is no mpiexec: install an MPI, such as the wheel mpich or openmpi-bin")
    loads = subprocess.run(
        [sys.executable, "-c", "from mpi4py import MPI"], check=False, capture_output=True
    )
    if loads.returncode:
        pytest.skip(f"mpi4py finds no MPI: {loads.stderr.decode().strip().splitlines()[-1]}")
    done, program = tmp_path / "done", tmp_path / "program.py"
    program.write_text(MPI_PROGRAM.format(folder=str(Path(__file__).parent), done=str(done)))
    # Open MPI refuses root, and more ranks than cores, unless it is told
    told = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    command = [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", str(program)]
    found = subprocess.run(
        command,
        check=False,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    assert done.read_text() == "2"


# ------------------------------------------------------------------------------- what travels


class Recorder(Executor):
    """Runs tasks here at once, and keeps what went to them; `before` each it may forget things."""

    def __init__(self, workers: int, before: Callable[[int], object] = lambda _: None) -> None:
        self._max_workers, self._before = workers, before
        self.sent: list[bytes] = []
        self.returned: list[bytes | tuple[str, ...]] = []

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """Run a task."""
        self._before(len(self.sent))
        self.sent.append(arguments[0])
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **named))
        self.returned.append(future.result())
        return future


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    """Let this process begin as a worker that was sent nothing."""
    wire._STORE.clear()


def test_the_plan_travels_once() -> None:
    """Each worker gets it with its first unit; then a unit is its hash and two numbers."""
    here = Recorder(2)
    first = run(here)
    sizes = [len(data) for data in here.sent]
    assert min(sizes[:2]) > 100_000
    assert len(sizes) > 4
    assert max(sizes[2:]) < 300
    assert first.traffic is not None
    assert first.traffic == Traffic(
        units=len(sizes), plans=2, sent=sum(sizes), received=sum(map(len, here.returned))
    )
    assert first.traffic.per_unit == first.traffic.received / len(sizes)
    second = run(here, rng=6).traffic
    assert second is not None
    assert second.plans == 0
    assert second.sent < 50_000
    assert run().traffic is None


def test_who_lacks_the_plan_asks_for_it() -> None:
    """A process that forgot, or came later, answers with what it misses; the unit is sent again."""
    forgetful = Recorder(1, before=lambda task: wire._STORE.clear() if task % 2 == 1 else None)
    result = run(forgetful)
    asked = [found for found in forgetful.returned if isinstance(found, tuple)]
    assert asked
    assert all(len(keys) == 2 for keys in asked)
    assert fingerprint(result) == fingerprint(run())
    assert result.traffic is not None
    assert result.traffic.units == len(forgetful.sent) - len(asked)
    assert result.traffic.plans == 1 + len(asked)


def test_statistics_of_a_unit_are_small() -> None:
    """A unit without kept draws brings back under 1.2 MB, whatever its lanes."""
    job = _job(keep=())
    sizes = []
    for lanes in (1, 4):
        part = run_lanes(rs.compile(), job, range(lanes))
        sizes.append(len(packed_part(part, job)))
        assert len(pickle.dumps(part)) > 4 * sizes[-1]
    assert sizes[1] < 2.5 * sizes[0]
    assert sizes[1] < 1_200_000


def test_a_part_comes_back_as_it_was() -> None:
    """Every number of a part, to the bit, and the layout of the caller."""
    plan, job = rs.compile(), _job(keep=("balance",))
    part = run_lanes(plan, job, range(3))
    back = unpacked_part(packed_part(part, job), job)
    assert back.streamed.histograms.layout is job.layout
    assert back.seconds == part.seconds
    one, other = _Collector(plan, job), _Collector(plan, job)
    one.aim(job.draws)
    other.aim(job.draws)
    one.add(part)
    other.add(back)
    assert one.done == 3 * LANE
    assert fingerprint(one.result(0.0, profile=False)) == fingerprint(
        other.result(0.0, profile=False)
    )


@given(
    kind=st.sampled_from(["i8", "i4", "u2", "u8"]),
    most=st.sampled_from([0, 1, 200, 255, 256, 60_000, 2**31 - 1, 2**62]),
    negative=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_counts_come_back_as_they_were(kind: str, most: int, negative: bool, seed: int) -> None:
    """Zeros are left out and types made smaller, and all is found again."""
    rng = np.random.default_rng(seed)
    top = min(most, np.iinfo(kind).max)
    counts = rng.integers(0, top, (7, 11, 13), endpoint=True).astype(kind)
    counts[rng.random(counts.shape) < 0.6] = 0
    if negative and kind.startswith("i"):
        counts[3, 4] = -5
    back = wire._counts(counts.shape, counts.dtype.str, *wire._without_zeros(counts))
    assert back.dtype == counts.dtype
    np.testing.assert_array_equal(back, counts)


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other versions have other models: a worker says so in place of other numbers."""
    plan, job = packed(rs.compile(), _job())
    unit = Unit(plan.key, job.key, 0, 1, dict([plan, job]))
    monkeypatch.setattr(wire, "_version", lambda: "0.0.9")
    with pytest.raises(rs.ReesupplyError) as error:
        run_unit(unit.packed())
    assert str(error.value).startswith("executor: found reesupply 0.0.9 in a worker, allowed is ")
    assert "\n" not in str(error.value)


def test_an_interrupted_run_keeps_the_first_lanes_and_the_pool() -> None:
    """What is complete comes back when asked for, and the executor can be used again."""

    def stop(done: int, total: int) -> None:
        del total
        if done >= 2 * LANE:
            raise KeyboardInterrupt

    here = Recorder(2)
    with pytest.warns(rs.ReesupplyWarning, match="interrupted: "):
        part = run(here, draws=20 * LANE, progress=stop, on_interrupt="return")
    assert 2 * LANE <= part.draws < 20 * LANE
    assert fingerprint(part) == fingerprint(run(draws=part.draws))
    assert fingerprint(run(here)) == fingerprint(run())


def test_few_units_are_under_way() -> None:
    """Two for each worker, so that what comes back never piles up."""
    here, begun = Recorder(3), []
    run(here, draws=20 * LANE, keep=(), progress=lambda *_: begun.append(len(here.sent)))
    assert begun[0] == 6
    assert all(sent <= done + 6 for done, sent in enumerate(begun))
    assert len(here.sent) == len(begun)


def test_the_number_of_workers_is_asked_for() -> None:
    """Executors say it each in their own way; who says nothing is taken to have this machine."""

    class Silent(Executor):
        """Says nothing."""

    assert _workers_of(Recorder(7)) == 7
    assert _workers_of(Silent()) == os.cpu_count()
