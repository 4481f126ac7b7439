"""Who runs the lanes, and how many at a time: this process, its threads or any executor."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from reesupply.engine.lanes import Job, Part, run_lanes
from reesupply.engine.wire import Traffic, Unit, packed, run_unit, unpacked_part
from reesupply.errors import ReesupplyError
from reesupply.sampling import LANE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reesupply.engine.plan import Plan

__all__ = ["Pool", "pool_of", "unit_lanes"]

#: What a unit is to take: in a thread an interrupt loses no more, and a report comes after each.
UNIT_SECONDS = 1.0
#: The same for an executor; and for each of its workers, since one process unpacks and adds what
#: all of them bring back, which takes it less than half of this for each unit.
SENT_SECONDS, SECONDS_PER_WORKER = 4.0, 0.1
#: Lanes of a unit while it is not known how long one takes; bytes of kept draws in a unit.
FIRST_LANES, UNIT_BYTES = 8, 64 * 2**20
#: Plans and jobs that went to the workers of an executor, by hash.
_KNOWN: WeakKeyDictionary[Executor, set[str]] = WeakKeyDictionary()


def unit_lanes(first: int, left: int, width: int, most: int) -> int:
    """
    Return how many lanes the next unit has.

    Parameters
    ----------
    first, left : int
        Its first lane, and how many lanes are to be run.
    width, most : int
        Number of workers; lanes that a unit should not exceed.

    Returns
    -------
    int
        A power of two that divides `first`, so that the unit is one node of the tree of sums. It
        gets smaller towards the end, where workers would wait for the last unit.
    """
    share = left if width == 1 else left // (2 * width)
    size = 1 << (max(1, min(most, share)).bit_length() - 1)
    return min(size, first & -first) if first else size


class Pool:
    """
    Runs lanes in units, in this process alone.

    Parameters
    ----------
    plan : Plan
        Compiled scenario.
    job : Job
        What every lane of the run has in common.

    Attributes
    ----------
    width, ahead : int
        Workers, and units that are under way at a time.
    seconds : float
        What a unit is to take.
    traffic : Traffic or None
        Bytes that went to other processes and came back.
    """

    def __init__(self, plan: Plan, job: Job, width: int = 1, seconds: float = UNIT_SECONDS) -> None:
        self._plan, self._job = plan, job
        self.width, self.seconds = width, seconds
        self.ahead = 2 * width if width > 1 else 1
        self.traffic: Traffic | None = None
        self._waiting: deque[Any] = deque()
        self._most = FIRST_LANES

    def parts(self, lanes: range) -> Iterator[Part]:
        """Yield the parts of consecutive lanes, in their order."""
        first = lanes.start
        while first < lanes.stop or self._waiting:
            while first < lanes.stop and len(self._waiting) < self.ahead:
                size = unit_lanes(first, lanes.stop - first, self.width, self._most)
                self._waiting.append(self._begin(range(first, first + size)))
                first += size
            part = self._end(self._waiting.popleft())
            self._measure(part)
            yield part

    def _measure(self, part: Part) -> None:
        """Let further units take the time, and keep the draws, that they are meant to."""
        each = max(sum(part.seconds.values()) / part.lanes, 1e-6)
        size = sum(array.nbytes for array in part.arrays.values()) / part.lanes
        self._most = int(min(self.seconds / each, UNIT_BYTES / max(size, 1.0)))

    def _begin(self, lanes: range) -> Any:
        return lanes

    def _end(self, begun: Any) -> Part:
        return run_lanes(self._plan, self._job, begun)

    def close(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()


class _Threads(Pool):
    """Runs units in threads of this process, which share its plan."""

    def __init__(self, plan: Plan, job: Job, executor: Executor, width: int) -> None:
        super().__init__(plan, job, width)
        self._executor, self._stop = executor, Event()

    def _begin(self, lanes: range) -> Any:
        return self._executor.submit(run_lanes, self._plan, self._job, lanes, self._stop)

    def _end(self, begun: Any) -> Part:
        part: Part = begun.result()
        return part

    def close(self) -> None:
        self._stop.set()
        for future in self._waiting:
            future.cancel()


@dataclass
class _Sent:
    """A unit that was sent, and what will come back."""

    lanes: range
    reply: Future[bytes | tuple[str, ...]]


class _Executor(Pool):
    """Sends units to any executor; processes that do not know the plan get it once."""

    def __init__(self, plan: Plan, job: Job, executor: Executor, width: int) -> None:
        super().__init__(plan, job, width, max(SENT_SECONDS, SECONDS_PER_WORKER * width))
        self._executor, self.ahead = executor, 2 * width
        self.traffic = Traffic()
        self._parcels = packed(plan, job)
        known = _KNOWN.setdefault(executor, set())
        self._new = tuple(parcel.key for parcel in self._parcels if parcel.key not in known)
        known.update(self._new)
        self._unsent = width

    def _begin(self, lanes: range) -> Any:
        # as many units as there are workers bring what is new; who gets none of them asks for it
        along = self._new if self._unsent > 0 else ()
        self._unsent -= 1
        return _Sent(lanes, self._send(lanes, along))

    def _send(self, lanes: range, along: tuple[str, ...]) -> Future[bytes | tuple[str, ...]]:
        plan, job = self._parcels
        contents = {parcel.key: parcel.content for parcel in self._parcels if parcel.key in along}
        unit = Unit(plan.key, job.key, lanes.start, lanes.stop, contents).packed()
        assert self.traffic is not None
        self.traffic.sent += len(unit)
        self.traffic.plans += plan.key in along
        return self._executor.submit(run_unit, unit)

    def _end(self, begun: Any) -> Part:
        while True:
            under_way = [begun, *self._waiting]
            for sent in under_way:
                self._answer(sent)
            if begun.reply.done():
                break
            pending = [sent.reply for sent in under_way if not sent.reply.done()]
            wait(pending, return_when=FIRST_COMPLETED)
        data = begun.reply.result()
        assert self.traffic is not None
        self.traffic.units += 1
        self.traffic.received += len(data)
        return unpacked_part(data, self._job)

    def _answer(self, sent: _Sent) -> None:
        """Send a unit again, with what its worker was never sent."""
        if sent.reply.done() and sent.reply.exception() is None:
            missing = sent.reply.result()
            if isinstance(missing, tuple):
                sent.reply = self._send(sent.lanes, missing)

    def close(self) -> None:
        for sent in self._waiting:
            sent.reply.cancel()


@contextmanager
def pool_of(executor: Executor | None, workers: int | None, plan: Plan, job: Job) -> Iterator[Pool]:
    """
    Open what runs the lanes of a run; an executor stays the caller's.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None
        None takes threads of this process.
    workers : int or None
        How many; None is one per core, or as many as the executor says it has.
    plan : Plan
        Compiled scenario.
    job : Job
        What every lane of the run has in common.

    Yields
    ------
    Pool

    Raises
    ------
    ReesupplyError
        If the executor is none.
    """
    pool: Pool
    if executor is not None:
        if not callable(getattr(executor, "submit", None)):
            msg = f"executor: found {executor!r}, allowed is a concurrent.futures.Executor"
            raise ReesupplyError(msg)
        kind = _Threads if isinstance(executor, ThreadPoolExecutor) else _Executor
        pool = kind(plan, job, executor, workers or _workers_of(executor))
        try:
            yield pool
        finally:
            pool.close()
        return
    width = min(workers or _cores(), -(-job.draws // LANE))
    if width == 1:
        yield Pool(plan, job)
        return
    with ThreadPoolExecutor(width) as threads:
        pool = _Threads(plan, job, threads, width)
        try:
            yield pool
        finally:
            pool.close()


def _workers_of(executor: Executor) -> int:
    """Return how many workers an executor says it has; it need not, so each kind is asked."""
    for name in ("num_workers", "_max_workers"):  # mpi4py; the standard library and loky
        found = getattr(executor, name, None)
        if isinstance(found, int) and found > 0:
            return found
    threads = getattr(getattr(executor, "_client", None), "nthreads", None)
    if callable(threads):  # Dask
        return max(1, sum(int(each) for each in threads().values()))
    return os.cpu_count() or 1


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
