"""The reference job in numbers; the README beside this file has its equations."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gamma

from reesupply.distributions import pert
from reesupply.distributions.table import Z_MAX, QuantileTable
from reesupply.engine.histograms import Histograms
from reesupply.engine.layout import BINS, Layout
from reesupply.engine.quantiles import Quantiles
from reesupply.models.rampup import RampTable
from reesupply.models.stocks import Weibull, leaving_share

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.distributions.base import Distribution

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

FIRST_YEAR, YEARS, PAST = 2024, 16, 20
PROJECTS, USES, ELEMENTS = 30, 10, 2
CELLS = (ELEMENTS + 1) * YEARS

#: Rows of the 80 inputs: two factors, then what has a distribution.
REGIME, MARKET, FACTORS = 0, 1, 2
DELAY = slice(2, 32)
PLATEAU = slice(32, 62)
GROWTH = slice(62, 72)
SUPPLY, SUPPLY_GROWTH, SUPPLY_SHARE, LEVEL = 72, 73, 74, 75
COLLECTION, COLLECTION_END, PROCESSING, LOSS = 76, 77, 78, 79
INPUTS = 80
REGIME_LOADING, MARKET_LOADING = 0.5, 0.6
NEW_SCRAP_RECOVERY = 0.6

#: McNulty's four classes, Weibull [months, no unit].
TAU, BETA = (4.88, 7.38, 10.2, 10.4), (0.93, 0.95, 0.95, 1.16)


@dataclasses.dataclass(frozen=True)
class Job:
    """
    Parameters that are the same in all draws.

    Attributes
    ----------
    names : tuple of str
        Names of the inputs, in the order of their rows.
    distributions : tuple of Distribution
        Of the inputs after the two factors.
    quantiles : Quantiles
        Their quantile functions, as the engine has them.
    nodes : ndarray, shape (input, node)
        The same as lines between nodes equally spaced in z on [-8.3, 8.3], as many for all.
    start : ndarray, shape (project,)
        Owner's date of first feed [decimal year].
    nameplate : ndarray, shape (element, project)
        [t/yr].
    klass : ndarray of int, shape (project,)
        Class of ramp-up.
    ramps : RampTable
        The classes.
    magnets : ndarray, shape (use,)
        Magnets made in the first year [t].
    fraction : ndarray, shape (element, use, year)
        Oxide bought per tonne of magnets.
    past : ndarray, shape (use, past year)
        Magnets 1, 2, ... years before the first year over those of the first year.
    leaving : ndarray, shape (use, lag)
        Share that leaves use in the k-th year after inflow, 36 lags.
    low, width : ndarray, shape (cell,)
        Lowest edge and width of the bins of the histograms.
    """

    names: tuple[str, ...]
    distributions: tuple[Distribution, ...]
    quantiles: Quantiles
    nodes: FloatArray
    start: FloatArray
    nameplate: FloatArray
    klass: IntArray
    ramps: RampTable
    magnets: FloatArray
    fraction: FloatArray
    past: FloatArray
    leaving: FloatArray
    low: FloatArray
    width: FloatArray

    @property
    def years(self) -> IntArray:
        """Calendar years."""
        return np.arange(FIRST_YEAR, FIRST_YEAR + YEARS)

    def histograms(self) -> Histograms:
        """Return empty histograms of the 48 cells: (element, year), then the sum of both."""
        rows = {"balance": np.arange(CELLS).reshape(ELEMENTS + 1, YEARS)}
        return Histograms(Layout(rows, self.low, self.width))


def perts() -> dict[str, tuple[float, float, float]]:
    """Return lowest, most likely and highest value of each input that is not a factor."""
    found: dict[str, tuple[float, float, float]] = {}
    for p in range(PROJECTS):
        found[f"delay.{p}"] = (-0.25, 0.75 + 0.25 * (p % 4), 4.0 + p % 5)
    for p in range(PROJECTS):
        found[f"plateau.{p}"] = (0.3 + 0.02 * (p % 5), 0.8, 1.0)
    for u in range(USES):
        found[f"growth.{u}"] = (0.94 + 0.01 * (u % 4), 1.04 + 0.01 * (u % 5), 1.16)
    found["supply"] = (2600.0, 3100.0, 3900.0)
    found["supply.growth"] = (0.96, 1.01, 1.05)
    found["supply.share"] = (0.78, 0.84, 0.88)
    found["level"] = (0.85, 1.0, 1.2)
    found["collection"] = (0.01, 0.05, 0.12)
    found["collection.end"] = (0.1, 0.3, 0.6)
    found["processing"] = (0.6, 0.8, 0.95)
    found["loss"] = (0.15, 0.25, 0.35)
    return found


def reference_job() -> Job:
    """Return the reference job; every number of it is made here."""
    given = {name: pert(*three) for name, three in perts().items()}
    p, u, t = np.arange(PROJECTS), np.arange(USES), np.arange(YEARS)
    size = 20.0 + 12.0 * ((7 * p) % 11)
    heavy_share = 0.75 + 0.02 * (p % 8)
    fraction = np.array([0.004 + 0.003 * (u % 6), 0.0006 + 0.0006 * ((u + 2) % 5)])
    thrift = np.array([0.98, 0.985])[:, np.newaxis, np.newaxis] ** t
    mean, shape = (one[:, np.newaxis] for one in lifetimes())
    life = Weibull.from_mean(mean, shape)
    growth = 0.04 + 0.01 * (u % 5)
    spread = np.concatenate([270.0 + 8.0 * t**2, 75.0 + 1.5 * t**2, 310.0 + 9.0 * t**2])
    return Job(
        names=("factors.regime", "factors.market", *given),
        distributions=tuple(given.values()),
        quantiles=Quantiles(tuple(given.values())),
        nodes=_nodes(tuple(given.values())),
        start=np.asarray(2024.5 + 0.3 * p),
        nameplate=np.array([size * heavy_share, size * (1.0 - heavy_share)]),
        klass=p * len(TAU) // PROJECTS,
        ramps=RampTable(TAU, BETA),
        magnets=np.asarray(10_000.0 + 4_000.0 * ((3 * u) % 10)),
        fraction=fraction[:, :, np.newaxis] * thrift,
        past=np.exp(-growth[:, np.newaxis] * np.arange(1, PAST + 1)),
        leaving=leaving_share(life, YEARS + PAST, inflow_at="end")[..., 0],
        low=-5.0 * spread,
        width=10.0 * spread / BINS,
    )


def _nodes(distributions: tuple[Distribution, ...]) -> FloatArray:
    """Return the nodes of their tables; a shorter one gets more nodes on its own lines."""
    tables = [QuantileTable(one) for one in distributions]
    z = np.linspace(-Z_MAX, Z_MAX, max(table.values.size for table in tables))
    return np.array([table(z) for table in tables])


def lifetimes() -> tuple[FloatArray, FloatArray]:
    """Return mean [years] and Weibull shape of the lifetime of each end use."""
    u = np.arange(USES)
    return np.asarray(5.0 + 2.0 * u), np.asarray(1.6 + 0.2 * u)


def scale_of(mean: FloatArray, shape: FloatArray) -> FloatArray:
    """Return the scale of Weibull lifetimes of a mean [years]."""
    return np.asarray(mean / gamma(1.0 + 1.0 / shape))
