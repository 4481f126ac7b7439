"""The reference job as one first writes it in numpy: whole arrays, one operation after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from benchmarks.limit import job as j
from reesupply.distributions.table import Z_MAX
from reesupply.models.rampup import weibull_ramp_integral

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: Points of the curve of each class: cumulative output, every 1/32 month.
CURVE = np.arange(0, 12 * 40 * 32 + 1) / 32.0


class FullNumpy:
    """
    All draws at once, draws last.

    Parameters
    ----------
    job : Job
        The reference job.
    """

    def __init__(self, job: j.Job) -> None:
        self.job = job
        self.nodes = np.linspace(-Z_MAX, Z_MAX, job.nodes.shape[1])
        classes = zip(j.TAU, j.BETA, strict=True)
        self.curves = [weibull_ramp_integral(CURVE, *one) for one in classes]

    def inputs(self, uniforms: FloatArray) -> FloatArray:
        """Return the values of the 78 inputs that have a distribution, (input, draw)."""
        z = ndtri(uniforms)
        z[j.DELAY] = _mixed(z[j.DELAY], z[j.REGIME], j.REGIME_LOADING)
        z[j.GROWTH] = _mixed(z[j.GROWTH], z[j.MARKET], j.MARKET_LOADING)
        rows = zip(z[j.FACTORS :], self.job.nodes, strict=True)
        values = [np.interp(own, self.nodes, table) for own, table in rows]
        return np.array([*z[: j.FACTORS], *values])

    def mines(self, x: FloatArray) -> FloatArray:
        """Return the output of all mines, (element, year, draw)."""
        job = self.job
        total = np.zeros((j.ELEMENTS, j.YEARS, x.shape[1]))
        for p in range(j.PROJECTS):
            first = job.start[p] + x[j.DELAY][p]
            for t, year in enumerate(job.years):
                curve = self.curves[job.klass[p]]
                made = np.interp(12.0 * (year + 1 - first), CURVE, curve)
                made -= np.interp(12.0 * (year - first), CURVE, curve)
                total[:, t] += job.nameplate[:, p, np.newaxis] * x[j.PLATEAU][p] * made / 12.0
        share = np.array([x[j.SUPPLY_SHARE], 1.0 - x[j.SUPPLY_SHARE]])
        since = np.arange(j.YEARS)[:, np.newaxis]
        total += share[:, np.newaxis] * x[j.SUPPLY] * x[j.SUPPLY_GROWTH] ** since
        return total

    def balance(self, uniforms: FloatArray) -> FloatArray:
        """Return the 48 cells of all draws, (cell, draw)."""
        job = self.job
        x = self.inputs(uniforms)
        since = np.arange(j.YEARS)[:, np.newaxis]
        magnets = x[j.LEVEL] * job.magnets[:, np.newaxis, np.newaxis]
        magnets = magnets * x[j.GROWTH][:, np.newaxis] ** since
        demand = np.einsum("eut,utn->etn", job.fraction, magnets)
        retired = np.zeros_like(demand)
        for e in range(j.ELEMENTS):
            bought = job.fraction[e, :, :, np.newaxis] * magnets
            for t in range(j.YEARS):
                for s in range(t + 1):
                    retired[e, t] += (job.leaving[:, t - s, np.newaxis] * bought[:, s]).sum(axis=0)
                old = (job.past * job.leaving[:, t + 1 : t + 1 + j.PAST]).sum(axis=1)
                retired[e, t] += (old[:, np.newaxis] * bought[:, 0]).sum(axis=0)
        collected = x[j.COLLECTION] + (x[j.COLLECTION_END] - x[j.COLLECTION]) * since / 15.0
        end_of_life = retired * (1.0 - x[j.LOSS]) * collected * x[j.PROCESSING]
        new_scrap = demand * x[j.LOSS] * j.NEW_SCRAP_RECOVERY
        found = self.mines(x) + new_scrap + end_of_life - demand
        return np.concatenate([found, found.sum(axis=0, keepdims=True)]).reshape(j.CELLS, -1)

    def run(self, draws: int, seed: int) -> FloatArray:
        """Draw, compute, and return five quantiles of each cell."""
        uniforms = np.random.default_rng(seed).random((j.INPUTS, draws))
        return np.quantile(self.balance(uniforms), (0.05, 0.25, 0.5, 0.75, 0.95), axis=1)


def _mixed(own: FloatArray, factor: FloatArray, loading: float) -> FloatArray:
    """Mix a factor into standard normal numbers."""
    return np.asarray(np.sqrt(1.0 - loading**2) * own + loading * factor)
