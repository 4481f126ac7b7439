"""`simulate` and `compile`: the two doors to the engine."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np

from reesupply.engine.clock import STAGES
from reesupply.engine.interrupts import interrupts_between
from reesupply.engine.kernels import kernels_of
from reesupply.engine.lanes import Job, Part
from reesupply.engine.layout import NO_LAYOUT
from reesupply.engine.plan import Plan, compile_scenario
from reesupply.engine.pools import pool_of
from reesupply.engine.precision import Precision, headline_rows
from reesupply.engine.progress import reporter
from reesupply.engine.statistics import CLAIMS
from reesupply.engine.streamed import Streamed
from reesupply.engine.variables import DATA, VARIABLES
from reesupply.errors import ReesupplyError, ReesupplyWarning, nearest
from reesupply.result import Result
from reesupply.result.precision import looks, verdict
from reesupply.sampling import LANE, check_design, entropy_of
from reesupply.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy.typing as npt

    from reesupply.engine.progress import Progress

    FloatArray = npt.NDArray[np.float64]

#: Kept draws above this many bytes need to be asked for by name.
MEMORY_LIMIT = 2 * 2**30
_PLANS: OrderedDict[tuple[str, str, tuple[str, ...]], Plan] = OrderedDict()
_PLANS_KEPT = 4
_LOCK = Lock()


def compile(scenario: Scenario | Plan | str | Path = "baseline") -> Plan:
    """
    Compile a scenario once, to simulate it many times.

    Parameters
    ----------
    scenario : Scenario, str, Path or Plan
        A scenario, the name of a shipped one, the path of a scenario file, or a plan.

    Returns
    -------
    Plan
        Immutable, picklable and thread-safe; the last few are kept by the hash of their scenario.

    Raises
    ------
    ScenarioError
        If the scenario is wrong; the text says where and what is allowed.
    """
    if isinstance(scenario, Plan):
        return scenario
    if isinstance(scenario, str | Path):
        scenario = load_scenario(scenario)
    found: Any = scenario
    if not isinstance(found, Scenario):
        msg = f"scenario: found {scenario!r}, allowed is a Scenario, a Plan, a name or a path"
        raise ReesupplyError(msg)
    # beside the content, what a result says of its scenario
    key = (scenario.hash, scenario.title, scenario.changes)
    with _LOCK:
        if key in _PLANS:
            _PLANS.move_to_end(key)
            return _PLANS[key]
    plan = compile_scenario(scenario)
    with _LOCK:
        _PLANS[key] = plan
        while len(_PLANS) > _PLANS_KEPT:
            _PLANS.popitem(last=False)
    return plan


def simulate(
    scenario: Scenario | Plan | str | Path = "baseline",
    *,
    draws: int = 16_384,
    rng: Any = None,
    design: str = "random",
    workers: int | None = None,
    executor: Executor | None = None,
    keep: Iterable[str] | None = None,
    progress: Progress = False,
    profile: bool = False,
    on_interrupt: str = "raise",
    until: Precision | None = None,
    kernels: str = "numpy",
    dtype: npt.DTypeLike = "float64",
) -> Result:
    """
    Simulate the balance of a scenario.

    Parameters
    ----------
    scenario : Scenario, str, Path or Plan
        A scenario, the name of a shipped one, the path of a scenario file, or a plan.
    draws : int
        Number of Monte Carlo draws; with `until` those before the first look.
    rng : None, int, numpy.random.SeedSequence or numpy.random.Generator
        None takes fresh entropy; a SeedSequence is read, never spawned; a Generator gives 128 bits
        once. It is stored as ``result.entropy``, and ``rng=result.entropy`` repeats the run.
    design : {"random", "lhs", "sobol"}
        How the uniform numbers are laid out.
    workers : int, optional
        Threads in this process, one per core when None; with an executor, how many workers it
        has where it does not say so itself. The result does not depend on it. Threads wait for
        each other in part; for millions of draws a pool of processes as `executor` is quicker.
    executor : concurrent.futures.Executor, optional
        Runs the lanes in place of threads: a process pool, loky, Dask's
        ``client.get_executor()``, mpi4py's ``MPIPoolExecutor``.
    keep : iterable of str, optional
        What keeps its draws: variable names, "inputs", "inputs.<name>", "claims",
        "project.output", "end_use.demand"... None keeps ``result.data``, inputs and claims;
        ``()`` keeps statistics only. With `until` None is ``()``, as nobody knows how many draws
        there will be.
    progress : bool or callable
        True shows a bar, with draws by second and the time that is left, in a terminal or
        notebook; a callable gets (done, total) draws about once a second. With `until` the total
        is its cap.
    profile : bool
        Whether ``result.profile`` says how many seconds each stage took, summed over workers.
    on_interrupt : {"raise", "return"}
        What Ctrl-C does: "return" gives the draws that are complete, always the first ones, as
        a run of so many would.
    until : Precision, optional
        Go on in whole lanes, doubling the number of draws, until P5, P50 and P95 of the outputs
        it names are known as asked for, or its cap is reached; ``result.stopped`` says which. The
        result is that of a run of so many draws.
    kernels : {"numpy", "numba"}
        What does the hottest work. "numba" needs the extra ``compiled``, takes half a minute the
        first time on a machine, and gives the same numbers to 1e-12.
    dtype : {"float64", "float32"}
        Precision of the models and of kept draws. "float32" needs half the memory; inputs, dates
        and statistics stay in float64, and ``result.rounding()`` says what it costs.

    Returns
    -------
    Result
        Masses in t of oxide per year.

    Warns
    -----
    ReesupplyWarning
        If the run was interrupted and has fewer draws than asked for.

    Raises
    ------
    ScenarioError
        If the scenario is wrong.
    ReesupplyError
        If an argument is out of range, or the kept draws would exceed 2 GiB unasked.

    Notes
    -----
    Draw j of input X depends on (seed, X, j) alone: other rows, more draws, other workers leave it
    as it is. The unit of work is a lane of 1,024 draws, always computed in full.

    Examples
    --------
    >>> import reesupply as rs
    >>> result = rs.simulate(draws=1_000, rng=1)
    >>> result.quantile("balance", 0.5, year=2024, element="Dy+Tb") > 0
    True
    """
    plan = compile(scenario)
    draws = _positive("draws", draws)
    goals = looks(plan, until, draws)
    precision = _dtype(dtype)
    kept = () if until is not None and keep is None else keep
    names, rows = _kept(plan, kept, goals[-1], precision.itemsize)
    streamed = [name for name in (*DATA, CLAIMS) if name not in names]
    # the layout takes a few lanes to make, which a small run that keeps its draws would notice
    layout = plan.layout.only(streamed) if streamed else NO_LAYOUT
    grouped = () if check_design(design) == "random" else tuple(map(int, headline_rows(layout)))
    kernels_of(kernels)  # says now what is wrong with the word
    made = (names, rows, layout, grouped, kernels, precision.name)
    job = Job(entropy_of(rng), check_design(design), goals[-1], *made)
    if on_interrupt not in ("raise", "return"):
        msg = f"on_interrupt: found {on_interrupt!r}; {nearest(on_interrupt, ('raise', 'return'))}"
        raise ReesupplyError(msg)
    width = None if workers is None else _positive("workers", workers)
    started = time.perf_counter()
    collector = _Collector(plan, job)
    with (
        pool_of(executor, width, plan, job) as pool,
        reporter(progress, goals[-1]) as report,
        interrupts_between() as whole,
    ):
        try:
            for goal in goals:
                collector.aim(goal)
                for part in pool.parts(range(collector.done // LANE, -(-goal // LANE))):
                    with whole():
                        collector.add(part)
                    report(collector.done)
                if until is not None and collector.is_known(until):
                    break
        except KeyboardInterrupt:
            if on_interrupt == "raise" or not collector.done:
                raise
            collector.stopped = "interrupted"
    if collector.done < goal:
        msg = f"interrupted: {collector.done:,} of {goal:,} draws are complete"
        warn(msg, ReesupplyWarning, stacklevel=2)
    result = collector.result(time.perf_counter() - started, profile=profile)
    result.traffic = pool.traffic
    return result


class _Collector:
    """Puts the parts of a run together, in the order of their lanes."""

    def __init__(self, plan: Plan, job: Job) -> None:
        self._plan, self._job = plan, job
        self._arrays: dict[str, FloatArray] = {}
        self._streamed = Streamed(plan, job.layout, grouped=job.grouped)
        self._seconds = dict.fromkeys(STAGES, 0.0)
        self._goal = self.done = 0
        self.stopped: str | None = None

    def aim(self, goal: int) -> None:
        """Make room for kept draws up to a number of draws."""
        self._goal = goal
        for name, old in self._arrays.items():
            self._arrays[name] = np.empty((*old.shape[:-1], goal), dtype=old.dtype)
            self._arrays[name][..., : self.done] = old

    def add(self, part: Part) -> None:
        for name, piece in part.arrays.items():
            if name not in self._arrays:
                self._arrays[name] = np.empty((*piece.shape[:-1], self._goal), dtype=piece.dtype)
            self._arrays[name][..., part.first : part.first + piece.shape[-1]] = piece
        self._streamed.add(part.streamed)
        self.done = self._streamed.moments.count
        for stage, seconds in part.seconds.items():
            self._seconds[stage] += seconds

    def is_known(self, until: Precision) -> bool:
        """Whether the run ends here; if so, say why."""
        result = self.result(0.0, profile=False)
        self.stopped = verdict(result, until, last=self.done == self._job.draws)
        return self.stopped is not None

    def result(self, seconds: float, *, profile: bool) -> Result:
        return Result(
            plan=self._plan,
            draws=self.done,
            entropy=self._job.entropy,
            design=self._job.design,
            seconds=seconds,
            input_names=tuple(self._plan.inputs.names[row] for row in self._job.input_rows),
            arrays=self._kept(),
            moments=self._streamed.moments,
            histograms=self._streamed.histograms,
            joint=self._streamed.joint,
            groups=self._streamed.groups,
            stopped=self.stopped,
            profile=self._seconds if profile else None,
            dtype=self._job.dtype,
        )

    def _kept(self) -> dict[str, FloatArray]:
        """Return draws that are complete; those of a whole run are not copied."""
        if self.done == self._goal:
            return self._arrays
        return {name: np.ascontiguousarray(x[..., : self.done]) for name, x in self._arrays.items()}


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        msg = f"{name}: found {value!r}, allowed is an integer from 1"
        raise ReesupplyError(msg)
    return int(value)


def _dtype(given: Any) -> np.dtype[np.floating[Any]]:
    names = ("float64", "float32")
    try:
        found = np.dtype("float64" if given is None else given)
    except (TypeError, ValueError, SyntaxError):  # numpy parses some texts as Python
        found = np.dtype(object)
    if found.name not in names:
        msg = f"dtype: found {given!r}, allowed is {' or '.join(map(repr, names))}"
        raise ReesupplyError(msg)
    return found


def _kept(
    plan: Plan, keep: Any, draws: int, bytes_each: int = 8
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the names of what keeps its draws, and the rows of the inputs that do."""
    if isinstance(keep, str):
        msg = f"keep: found the text {keep!r}, allowed is several names such as ({keep!r},)"
        raise ReesupplyError(msg)
    if keep is not None and not isinstance(keep, Iterable):
        msg = f"keep: found {keep!r}, allowed is None or several names such as ('balance',)"
        raise ReesupplyError(msg)
    asked = [*DATA, "inputs", "claims"] if keep is None else [str(name) for name in keep]
    inputs = plan.inputs.names
    known = [*VARIABLES, "inputs", "claims", "first_feed"]
    names: dict[str, None] = {}
    rows: set[int] = set()
    for name in asked:
        if name == "inputs":
            rows.update(range(len(inputs)))
        elif name.startswith("inputs.") and name.removeprefix("inputs.") in inputs:
            rows.add(inputs.index(name.removeprefix("inputs.")))
        elif name in known:
            names[name] = None
            continue
        else:
            valid = [*known, *(f"inputs.{each}" for each in inputs)]
            msg = f"keep: found {name!r}; {nearest(name, valid)}"
            raise ReesupplyError(msg)
        names["inputs"] = None
    if keep is None:
        _check_memory(plan, tuple(names), len(rows), draws, bytes_each)
    return tuple(names), tuple(sorted(rows))


def _check_memory(
    plan: Plan, names: Sequence[str], inputs: int, draws: int, bytes_each: int
) -> None:
    numbers = 0
    for name in names:
        if name in VARIABLES:
            numbers += int(np.prod([len(plan.labels(dim)) for dim in VARIABLES[name].dims]))
    size = (bytes_each * numbers + 8 * (inputs + len(plan.claims))) * draws
    if size > MEMORY_LIMIT:
        msg = (
            f"draws: {draws:,} would keep {size / 2**30:.1f} GiB of draws, allowed without asking "
            'is 2 GiB; say what to keep, for example keep=("balance",) or keep=() for statistics'
        )
        raise ReesupplyError(msg)
