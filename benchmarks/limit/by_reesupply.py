"""The reference job through the library: its streams, tables, models and histograms, in blocks."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from benchmarks.limit import job as j
from reesupply.engine.kernels import NUMPY
from reesupply.engine.quantiles import Quantiles
from reesupply.models.compound import compound
from reesupply.models.rampup.rows import RampRows
from reesupply.models.stocks.folded import outflow_matrix
from reesupply.sampling import LANE, Sampler

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.histograms import Histograms
    from reesupply.engine.kernels import Kernels

    FloatArray = npt.NDArray[np.float64]

#: Inputs that are made together.
GROUPS = (j.DELAY, j.PLATEAU, slice(j.GROWTH.start, j.INPUTS))
#: Lanes of 1,024 draws in a block.
LANES = 4


class Laps:
    """Processor seconds of one thread by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._last = 0.0

    def start(self) -> None:
        """Begin."""
        self._last = time.thread_time()

    def end(self, stage: str) -> None:
        """Book the time since the last call to a stage."""
        now = time.thread_time()
        self.seconds[stage] += now - self._last
        self._last = now


class Block:
    """
    The whole chain on blocks of draws, in arrays that are allocated once; one per thread.

    Parameters
    ----------
    job : Job
        The reference job.
    draws : int
        Size of a block.
    exact : bool
        Normal numbers by `ndtri` and not by lines, to compare values with others.
    kernels : Kernels
        Functions that do the hottest work.
    """

    def __init__(
        self, job: j.Job, draws: int, *, exact: bool = False, kernels: Kernels = NUMPY
    ) -> None:
        self.job, self.draws, self.exact, self._kernels = job, draws, exact, kernels
        self.laps = Laps()
        self._values = np.empty((j.INPUTS, draws))
        # inputs are made some rows at a time, and paths later where they were made, so that what is
        # worked on stays in cache
        rows = 32
        arena = np.empty((j.INPUTS + 3 * rows, draws))
        self.uniforms, made = arena[: j.INPUTS], arena[j.INPUTS :]
        self._z, self._work = made[:rows], made[rows : 2 * rows]
        self._place = made[2 * rows :].view(np.intp)
        self._paths = arena.reshape(j.YEARS, j.USES + 1, draws)  # of end uses and old mines
        self._quantiles = {
            rows.start: Quantiles(job.distributions[rows.start - j.FACTORS : rows.stop - j.FACTORS])
            for rows in GROUPS
        }
        earliest = float(job.start.min()) - 0.25
        self._ramps = RampRows(
            job.ramps, job.klass, job.nameplate, job.years, earliest=earliest, draws=draws
        )
        self._first, self._factor = np.empty((2, j.USES + 1, draws))
        self._cells = np.empty((j.ELEMENTS + 1, j.YEARS, draws))
        self._demand, self._retired = np.empty((2, j.YEARS, j.ELEMENTS, draws))
        self._collected = np.empty((j.YEARS, draws))
        self._fraction = job.fraction.transpose(2, 0, 1).copy()  # (year, element, use)
        self._recycling = _recycling(job)

    def cells(self) -> FloatArray:
        """Return the 48 cells of the draws of `uniforms`, (cell, draw); a work array."""
        self.laps.start()
        x = self._inputs()
        self._mines(x)
        self._demand_and_scrap(x)
        return self._balance(x)

    def _inputs(self) -> FloatArray:
        """Return the values of the inputs, (input, draw)."""
        x = self._values
        factors = x[: j.FACTORS]
        self._normals(slice(0, j.FACTORS), factors)
        for rows in GROUPS:
            count = rows.stop - rows.start
            z = self._z[:count]
            self._normals(rows, z)
            self.laps.end("normal numbers")
            if rows.start == j.DELAY.start:
                self._mix(z, factors[j.REGIME], j.REGIME_LOADING)
            if rows.start == j.GROWTH.start:
                self._mix(z[: j.USES], factors[j.MARKET], j.MARKET_LOADING)
            self.laps.end("factors")
            self._quantiles[rows.start](z, out=x[rows], kernels=self._kernels)
            self.laps.end("quantile tables")
        return x

    def _mix(self, z: FloatArray, factor: FloatArray, loading: float) -> None:
        """Mix a factor into normal numbers."""
        z *= np.sqrt(1.0 - loading**2)
        z += np.multiply(factor, loading, out=self._work[0])

    def _normals(self, rows: slice, out: FloatArray) -> None:
        """Write standard normal numbers."""
        u, count = self.uniforms[rows], len(out)
        if self.exact:
            ndtri(u, out=out)
        else:
            normal_quantile = self._kernels.normal_quantile
            normal_quantile(u, out, place=self._place[:count], work=self._work[:count])

    def _mines(self, x: FloatArray) -> None:
        """Write the output of the projects, (element, year, draw)."""
        first = x[j.DELAY]
        first += self.job.start[:, np.newaxis]
        total = self._kernels.ramp_total(self._ramps, first, x[j.PLATEAU])
        self.laps.end("ramps")
        self._cells[: j.ELEMENTS] = total.swapaxes(1, 2)
        self.laps.end("turning")

    def _demand_and_scrap(self, x: FloatArray) -> None:
        """Write demand and what leaves use, (year, element, draw)."""
        np.multiply(x[j.LEVEL], self.job.magnets[:, np.newaxis], out=self._first[: j.USES])
        self._first[j.USES] = x[j.SUPPLY]
        self._factor[: j.USES] = x[j.GROWTH]
        self._factor[j.USES] = x[j.SUPPLY_GROWTH]
        paths = compound(self._first, self._factor, out=self._paths)
        self.laps.end("growth")
        np.matmul(self._fraction, paths[:, : j.USES], out=self._demand)
        self.laps.end("demand")
        flat = self._retired.reshape(-1, self.draws)
        np.matmul(self._recycling, paths.reshape(-1, self.draws), out=flat)
        self.laps.end("recycling")

    def _balance(self, x: FloatArray) -> FloatArray:
        """Return supply less demand of the elements and of both, (cell, draw)."""
        loss, share = x[j.LOSS], x[j.SUPPLY_SHARE]
        since = np.arange(j.YEARS)[:, np.newaxis] / (j.YEARS - 1.0)
        kept, rise = self._first[:2]
        np.subtract(x[j.COLLECTION_END], x[j.COLLECTION], out=rise)
        np.multiply(rise, since, out=self._collected)
        self._collected += x[j.COLLECTION]
        np.subtract(1.0, loss, out=kept)
        kept *= x[j.PROCESSING]
        self._collected *= kept
        self._retired *= self._collected[:, np.newaxis]
        np.multiply(loss, j.NEW_SCRAP_RECOVERY, out=kept)
        kept -= 1.0
        self._demand *= kept  # less what comes back of it, negative
        self._demand += self._retired
        both = self._cells[: j.ELEMENTS]
        both += self._demand.swapaxes(0, 1)
        old = self._paths[:, j.USES]
        lead = np.multiply(old, share, out=self._collected)
        self._cells[0] += lead
        lead -= old
        self._cells[1] -= lead
        np.add(both[0], both[1], out=self._cells[j.ELEMENTS])
        self.laps.end("balance")
        return self._cells.reshape(j.CELLS, self.draws)


def _recycling(job: j.Job) -> FloatArray:
    """Matrix from magnets (year, use and old mines) to what leaves use (year, element)."""
    by_use = outflow_matrix(job.leaving, job.past, j.YEARS)  # (use, year out, year in)
    matrix = np.zeros((j.YEARS, j.ELEMENTS, j.YEARS, j.USES + 1))
    matrix[..., : j.USES] = np.einsum("uts,eus->tesu", by_use, job.fraction)
    return matrix.reshape(j.YEARS * j.ELEMENTS, -1)


class ByReesupply:
    """
    Monte Carlo runs of the job on threads.

    Parameters
    ----------
    job : Job
        The reference job.
    lanes : int
        Lanes of 1,024 draws in a block.
    kernels : Kernels
        Functions that do the hottest work.
    """

    def __init__(self, job: j.Job, lanes: int = LANES, kernels: Kernels = NUMPY) -> None:
        self.job, self.lanes, self._kernels = job, lanes, kernels

    def run(self, draws: int, seed: int, threads: int = 1) -> tuple[Histograms, dict[str, float]]:
        """
        Return the histograms of the cells, and seconds by stage.

        Parameters
        ----------
        draws : int
            A multiple of the block.
        seed : int
            Of the streams.
        threads : int
            Blocks are divided between them.
        """
        blocks = draws // (self.lanes * LANE)
        cut = [blocks * k // threads for k in range(threads + 1)]
        parts = [range(a, b) for a, b in itertools.pairwise(cut)]
        if threads == 1:
            return self._part(parts[0], seed)
        with ThreadPoolExecutor(threads) as pool:
            done = list(pool.map(lambda part: self._part(part, seed), parts))
        total, seconds = done[0]
        for other, more in done[1:]:
            total.add(other)
            seconds = {name: seconds[name] + more[name] for name in seconds}
        return total, seconds

    def _part(self, blocks: range, seed: int) -> tuple[Histograms, dict[str, float]]:
        size = self.lanes * LANE
        block = Block(self.job, size, kernels=self._kernels)
        found = self.job.histograms()
        sampler = Sampler(seed, self.job.names)
        laps = block.laps
        for number in blocks:
            laps.start()
            for lane in range(self.lanes):
                part = block.uniforms[:, lane * LANE : (lane + 1) * LANE]
                sampler.lane(number * self.lanes + lane, part)
            laps.end("random numbers")
            cells = block.cells()
            laps.start()
            found.add_lane(number, cells, counter=self._kernels.count)
            laps.end("histograms")
        return found, dict(laps.seconds)
