"""
What travels to the workers of an executor and back: little, and the same for every executor.

A unit names the plan and the job by their hash and gives a range of lanes. A process that does not
know them says so, and the unit is sent again with them; from then on it does. Back come the
statistics of the unit's lanes together, and the draws that were asked for.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from reesupply.engine.lanes import Job, Part, run_lanes
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.plan import Plan

__all__ = ["Parcel", "Traffic", "Unit", "packed", "run_unit", "unpacked_part"]

#: Integer arrays from this many numbers on travel as their nonzero numbers.
_LARGE = 1024
#: What this process was sent: the last few plans and jobs, by key.
_STORE: OrderedDict[str, Any] = OrderedDict()
_KEPT = 8
_LOCK = Lock()


class Parcel(NamedTuple):
    """An object as bytes, and the hash of these bytes, by which it is known from then on."""

    key: str
    content: bytes


class Unit(NamedTuple):
    """A range of lanes of a plan and job; `contents` holds those of them that are sent along."""

    plan: str
    job: str
    first: int
    last: int
    contents: Mapping[str, bytes]

    def packed(self) -> bytes:
        """Return it as bytes, which every executor passes on as they are."""
        return pickle.dumps(tuple(self), protocol=5)


@dataclass
class Traffic:
    """
    Bytes that went to the workers of an executor and came back.

    Attributes
    ----------
    units : int
        Units of work whose results came back.
    plans : int
        Units that were sent with the plan; the others name it by its hash.
    sent, received : int
        Bytes of the units, and of their results.
    """

    units: int = 0
    plans: int = 0
    sent: int = 0
    received: int = 0

    @property
    def per_unit(self) -> float:
        """Bytes that came back, by unit."""
        return self.received / max(self.units, 1)


def packed(plan: Plan, job: Job) -> tuple[Parcel, Parcel]:
    """Return a plan and a job as parcels."""
    return _plan_parcel(plan), _parcel(job)


@lru_cache(maxsize=2)
def _plan_parcel(plan: Plan) -> Parcel:
    return _parcel(plan)


def _parcel(content: object) -> Parcel:
    data = zlib.compress(pickle.dumps((_version(), content), protocol=5), 1)
    return Parcel(hashlib.sha256(data).hexdigest(), data)


def run_unit(data: bytes) -> bytes | tuple[str, ...]:
    """
    Run the lanes of a unit, in a worker.

    Parameters
    ----------
    data : bytes
        A packed `Unit`.

    Returns
    -------
    bytes or tuple of str
        The part, see `unpacked_part`; or the keys of what this process was never sent.

    Raises
    ------
    ReesupplyError
        If this process has another version of reesupply than the one that sent the unit.
    """
    unit = Unit(*pickle.loads(data))
    known = {}
    with _LOCK:
        for key in (unit.plan, unit.job):
            if key not in _STORE and key in unit.contents:
                _STORE[key] = _opened(unit.contents[key])
            if key in _STORE:
                _STORE.move_to_end(key)
                known[key] = _STORE[key]
        while len(_STORE) > _KEPT:
            _STORE.popitem(last=False)
    missing = tuple(key for key in (unit.plan, unit.job) if key not in known)
    if missing:
        return missing
    plan, job = known[unit.plan], known[unit.job]
    return packed_part(run_lanes(plan, job, range(unit.first, unit.last)), job)


def _opened(content: bytes) -> Any:
    theirs, found = pickle.loads(zlib.decompress(content))
    if theirs != _version():
        msg = (
            f"executor: found reesupply {_version()} in a worker, allowed is {theirs} as in the "
            "process that calls it"
        )
        raise ReesupplyError(msg)
    return found


def _version() -> str:
    try:
        return version("reesupply")
    except PackageNotFoundError:
        return "unknown"


# -- parts ------------------------------------------------------------------------------------


def packed_part(part: Part, job: Job) -> bytes:
    """Return a part as bytes; what it shares with its job stays out."""
    buffer = io.BytesIO()
    _Pickler(buffer, job).dump(part)
    return buffer.getvalue()


def unpacked_part(data: bytes, job: Job) -> Part:
    """Return the part that a worker packed for the same job."""
    part: Part = _Unpickler(io.BytesIO(data), job).load()
    return part


class _Pickler(pickle.Pickler):
    """Names the layout instead of sending it, and sends counts without their zeros."""

    def __init__(self, buffer: io.BytesIO, job: Job) -> None:
        super().__init__(buffer, protocol=5)
        self._layout = job.layout

    def persistent_id(self, obj: Any) -> str | None:
        return "layout" if obj is self._layout else None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, np.ndarray) and obj.dtype.kind in "iu" and obj.size >= _LARGE:
            return _counts, (obj.shape, obj.dtype.str, *_without_zeros(obj))
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, buffer: io.BytesIO, job: Job) -> None:
        super().__init__(buffer)
        self._layout = job.layout

    def persistent_load(self, name: Any) -> Any:
        del name
        return self._layout


def _without_zeros(counts: npt.NDArray[Any]) -> tuple[str, bytes]:
    """
    Return which numbers are not zero, and these in the smallest type, compressed.

    The bytes of a number are taken apart: the upper ones are nearly always zero.
    """
    flat = counts.reshape(-1)
    there = flat != 0
    found = flat[there]
    small = counts.dtype
    if found.min(initial=0) >= 0:
        small = np.min_scalar_type(int(found.max(initial=0)))
    planes = found.astype(small).view(np.uint8).reshape(-1, small.itemsize).T
    return small.str, zlib.compress(np.packbits(there).tobytes() + planes.tobytes(), 1)


def _counts(shape: tuple[int, ...], kind: str, small: str, data: bytes) -> npt.NDArray[Any]:
    """Return the array that `_without_zeros` took apart."""
    size = int(np.prod(shape))
    content = np.frombuffer(zlib.decompress(data), dtype=np.uint8)
    bits = -(-size // 8)
    there = np.unpackbits(content[:bits], count=size).view(np.bool_)
    planes = content[bits:].reshape(np.dtype(small).itemsize, -1)
    counts = np.zeros(size, dtype=kind)
    counts[there] = np.ascontiguousarray(planes.T).reshape(-1).view(small)
    return counts.reshape(shape)
