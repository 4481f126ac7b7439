"""Compile and call the fused kernel `limit.c`."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.limit import job as j
from reesupply.distributions.table import Z_MAX
from reesupply.engine.layout import BINS, COLUMNS, TAIL_BINS
from reesupply.models.stocks.folded import outflow_matrix

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.histograms import Histograms

    FloatArray = npt.NDArray[np.float64]

SOURCE = Path(__file__).with_name("limit.c")
FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512")
#: Draws that the kernel takes at a time, and ages before the first year for which it has a ramp.
MULTIPLE, YEARS_BEFORE = 32, 8

_POINTERS = (
    *("tables", "ramps", "start", "nameplate", "klass", "magnets", "fraction", "outflow"),
    *("low", "per_width"),
)
_SIZES = ("nodes", "phases", "window", "years_before", "bins")
_NUMBERS = ("per_z", "z_max", "regime_loading", "market_loading", "recovery")


class _CJob(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in _SIZES),
        *((name, ctypes.c_double) for name in _NUMBERS),
    )


class _CFound(ctypes.Structure):
    _fields_ = (
        ("counts", ctypes.c_void_p),
        ("lowest", ctypes.c_void_p),
        ("highest", ctypes.c_void_p),
    )


class NoCompilerError(Exception):
    """There is no C compiler, or it does not take the source; the text says why."""


def compiler() -> list[str]:
    """Return the command of the C compiler: that of the variable CC, otherwise cc."""
    command = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if sys.platform == "win32" or shutil.which(command[0]) is None:
        msg = f"no C compiler: {command[0]!r} was not found; set CC to one of gcc or clang"
        raise NoCompilerError(msg)
    return command


def compiler_version() -> str:
    """Return the first line of what the compiler says about itself."""
    done = subprocess.run([*compiler(), "--version"], check=False, capture_output=True, text=True)
    return done.stdout.splitlines()[0] if done.stdout else "unknown compiler"


def build(folder: Path, *, plain: bool = False) -> Path:
    """Compile the kernel into a folder; without the flag for wide vectors if it is unknown."""
    code, target = folder / "limit.o", folder / "limit.so"
    # linked by itself: with -ffast-math it would switch off subnormal numbers in all of Python
    link = [*compiler(), "-shared", "-o", str(target), str(code), "-lm", "-lpthread"]
    for flags in (FLAGS, FLAGS[:-1]):
        what = ["-std=gnu11", "-fPIC", *flags, *["-DPLAIN"] * plain]
        compile_ = [*compiler(), *what, "-c", "-o", str(code), str(SOURCE)]
        for call in (compile_, link):
            done = subprocess.run(call, check=False, capture_output=True, text=True)
            if done.returncode:
                break
        else:
            return target
    msg = f"the C compiler refused {SOURCE.name}: {done.stderr.strip()[-500:]}"
    raise NoCompilerError(msg)


class CKernel:
    """
    The reference job in C.

    Parameters
    ----------
    job : Job
        Its arrays are laid out as the kernel wants them.
    plain : bool
        With plain loops only, and none that are written in vectors.

    Raises
    ------
    NoCompilerError
        If there is no compiler that takes it.
    """

    def __init__(self, job: j.Job, *, plain: bool = False) -> None:
        self._job = job
        with tempfile.TemporaryDirectory() as folder:
            self._library = ctypes.CDLL(str(build(Path(folder), plain=plain)))
        arrays, self._sizes = _arrays(job)
        # the structure holds addresses only
        self._arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        self._c = _CJob(
            *(self._arrays[name].ctypes.data for name in _POINTERS),
            *(self._sizes[name] for name in _SIZES),
            (job.nodes.shape[1] - 1) / (2.0 * Z_MAX),
            Z_MAX,
            j.REGIME_LOADING,
            j.MARKET_LOADING,
            j.NEW_SCRAP_RECOVERY,
        )

    def balance(self, uniforms: FloatArray) -> FloatArray:
        """Return the 48 cells of uniform numbers (80, draw), draws a multiple of 32."""
        draws = uniforms.shape[1]
        if draws % MULTIPLE:
            msg = f"draws: found {draws}, allowed are multiples of {MULTIPLE}"
            raise ValueError(msg)
        given, found = np.ascontiguousarray(uniforms), np.empty((j.CELLS, draws))
        self._library.cells_of(
            ctypes.byref(self._c),
            ctypes.c_void_p(given.ctypes.data),
            ctypes.c_void_p(found.ctypes.data),
            ctypes.c_int64(draws),
        )
        return found

    def run(self, draws: int, seed: int, threads: int = 1) -> Histograms:
        """Draw, compute and count; draws a multiple of 32 times the threads."""
        counts = np.zeros((threads, j.CELLS, BINS + 2), dtype=np.int64)
        lowest = np.full((threads, j.CELLS), np.inf)
        highest = -lowest
        parts = zip(counts, lowest, highest, strict=True)
        found = (_CFound * threads)(*(_CFound(*(a.ctypes.data for a in one)) for one in parts))
        failed = self._library.run(
            ctypes.byref(self._c),
            found,
            ctypes.c_int64(draws),
            ctypes.c_int64(threads),
            ctypes.c_uint64(seed),
        )
        if failed:
            msg = f"no {threads} threads could be started"
            raise RuntimeError(msg)
        total = self._job.histograms()
        total.draws = draws
        total.counts = np.zeros((j.CELLS, COLUMNS), dtype=np.int64)
        # what lies beyond the even bins is not counted further by the kernel
        total.counts[:, TAIL_BINS - 1 : TAIL_BINS + BINS + 1] = counts.sum(axis=0)
        total.lowest, total.highest = lowest.min(axis=0), highest.max(axis=0)
        return total


def _arrays(job: j.Job) -> tuple[dict[str, npt.NDArray[np.generic]], dict[str, int]]:
    """Return the arrays of the job in the order of the kernel, and their sizes."""
    nodes = job.nodes
    steps = np.diff(nodes, axis=1, append=nodes[:, -1:])
    by_use = outflow_matrix(job.leaving, job.past, j.YEARS)
    ramps = _windows(job)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "tables": np.stack([nodes, steps], axis=-1),
        "ramps": ramps,
        "start": job.start - j.FIRST_YEAR,
        "nameplate": job.nameplate,
        "klass": job.klass.astype(np.int64),
        "magnets": job.magnets,
        "fraction": job.fraction.swapaxes(1, 2),
        "outflow": np.einsum("uts,eus->etsu", by_use, job.fraction),
        "low": job.low,
        "per_width": 1.0 / job.width,
    }
    sizes = {
        "nodes": nodes.shape[1],
        "phases": ramps.shape[1],
        "window": ramps.shape[2],
        "years_before": YEARS_BEFORE,
        "bins": BINS,
    }
    return arrays, sizes


def _windows(job: j.Job) -> FloatArray:
    """
    Average share of nameplate by class, part of the year in which a plant starts, and age.

    A row begins with zeros for the years before the start, so that the shares of the 16 calendar
    years are 16 neighbours in it, wherever the start is.
    """
    per_year = 12 * job.ramps.cells_per_month
    ages = np.arange(-YEARS_BEFORE - j.YEARS, YEARS_BEFORE + j.YEARS)
    classes = np.arange(len(job.ramps.tau))[:, np.newaxis]
    phase = np.broadcast_to(np.arange(per_year + 1) / per_year, (classes.size, per_year + 1))
    return job.ramps.average(phase, classes, 1.0, ages).swapaxes(1, 2)
