"""The reference job in other packages, each in the way that it recommends."""

# Each package is optional, hence imports inside functions.
# ruff: noqa: PLC0415

from __future__ import annotations

import dataclasses
import importlib.util
import logging
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from benchmarks.limit import job as j
from reesupply.models.stocks.folded import outflow_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Peer:
    """
    A package that does the job.

    Attributes
    ----------
    name, module : str
        How it is called in the table, and what is imported.
    draws : int
        How many are timed.
    run : callable
        Takes the model and the number of draws, returns the cells (draw, 48), or of a part.
    lacks : str
        What it does not do.
    """

    name: str
    module: str
    draws: int
    run: Callable[[OneDraw, int], FloatArray]
    lacks: str

    @property
    def installed(self) -> bool:
        """Whether the package can be imported."""
        return importlib.util.find_spec(self.module) is not None


class OneDraw:
    """
    The job for one draw, with numpy inside: what a package that calls a function per draw calls.

    Parameters
    ----------
    job : Job
        The reference job.
    """

    def __init__(self, job: j.Job) -> None:
        self.job = job
        by_use = outflow_matrix(job.leaving, job.past, j.YEARS)
        matrix = np.einsum("uts,eus->etus", by_use, job.fraction)
        self._recycling = matrix.reshape(j.ELEMENTS, j.YEARS, -1)
        self._since = np.arange(j.YEARS)

    def __call__(self, uniforms: FloatArray) -> FloatArray:
        """Return the 48 cells of 80 uniform numbers."""
        z = ndtri(uniforms)
        for rows, factor, loading in (
            (j.DELAY, j.REGIME, j.REGIME_LOADING),
            (j.GROWTH, j.MARKET, j.MARKET_LOADING),
        ):
            z[rows] = np.sqrt(1.0 - loading**2) * z[rows] + loading * z[factor]
        return self.chain(self.job.quantiles(z[j.FACTORS :, np.newaxis])[:, 0])

    def chain(self, values: FloatArray) -> FloatArray:
        """Return the 48 cells of the values of the 78 inputs that are not factors."""
        job, since = self.job, self._since
        x = np.concatenate([np.zeros(j.FACTORS), values])
        first = (job.start + x[j.DELAY])[:, np.newaxis]
        plateau = x[j.PLATEAU, np.newaxis]
        share = job.ramps.average(first, job.klass[:, np.newaxis], plateau, job.years)[..., 0]
        old = x[j.SUPPLY] * x[j.SUPPLY_GROWTH] ** since
        lead = x[j.SUPPLY_SHARE]
        mines = job.nameplate @ share + np.outer([lead, 1.0 - lead], old)
        magnets = x[j.LEVEL] * job.magnets[:, np.newaxis] * x[j.GROWTH, np.newaxis] ** since
        demand = (job.fraction * magnets).sum(axis=1)
        retired = self._recycling @ magnets.reshape(-1)
        loss = x[j.LOSS]
        collected = x[j.COLLECTION] + (x[j.COLLECTION_END] - x[j.COLLECTION]) * since / 15.0
        back = retired * collected * x[j.PROCESSING] * (1.0 - loss)
        found = mines + back - demand * (1.0 - loss * j.NEW_SCRAP_RECOVERY)
        return np.concatenate([found, found.sum(axis=0, keepdims=True)]).reshape(-1)


def by_loop(model: OneDraw, draws: int) -> FloatArray:
    """Call the function in a plain loop: a floor for all that call a function per draw."""
    rng = np.random.default_rng(1)
    return np.array([model(rng.random(j.INPUTS)) for _ in range(draws)])


def by_ema(model: OneDraw, draws: int) -> FloatArray:
    """EMA workbench: a Model with uncertainties, its default Latin hypercube, sequential."""
    from ema_workbench import ArrayOutcome, Model, RealParameter, SequentialEvaluator

    names = [f"u{i}" for i in range(j.INPUTS)]

    def function(**given: float) -> dict[str, FloatArray]:
        return {"balance": model(np.array([given[name] for name in names]))}

    logging.getLogger("EMA").setLevel(logging.ERROR)
    job = Model("reference", function=function)
    job.uncertainties = [RealParameter(name, 1e-9, 1.0 - 1e-9) for name in names]
    job.outcomes = [ArrayOutcome("balance", shape=(j.CELLS,), dtype=float)]
    with SequentialEvaluator(job) as evaluator:
        _, outcomes = evaluator.perform_experiments(draws)
    return np.asarray(outcomes["balance"])


def by_monaco(model: OneDraw, draws: int) -> FloatArray:
    """Monaco: a Sim with preprocess, run and postprocess, scipy's distributions, one process."""
    import monaco
    from scipy.stats import beta

    names = model.job.names[j.FACTORS :]

    def preprocess(case: Any) -> tuple[FloatArray]:
        return (np.array([case.invals[name].val for name in names]),)

    def run(values: FloatArray) -> tuple[FloatArray]:
        return (model.chain(values),)

    def postprocess(case: Any, balance: FloatArray) -> None:
        case.addOutVal("balance", balance)

    functions = {"preprocess": preprocess, "run": run, "postprocess": postprocess}
    with tempfile.TemporaryDirectory() as folder:
        sim = monaco.Sim(
            name="reference", ndraws=draws, fcns=functions, firstcaseismedian=False, seed=1,
            singlethreaded=True, samplemethod=monaco.SampleMethod.SOBOL_RANDOM, verbose=False,
            debug=False, savecasedata=False, savesimdata=False, resultsdir=folder,
        )  # fmt: skip
        for name, (low, mode, high) in zip(names, j.perts().values(), strict=True):
            a, b = 1.0 + 4.0 * (mode - low) / (high - low), 1.0 + 4.0 * (high - mode) / (high - low)
            sim.addInVar(name, beta, {"a": a, "b": b, "loc": low, "scale": high - low})
        sim.runSim()
    return np.array(list(sim.outvars["balance"].vals))


def by_squigglepy(model: OneDraw, draws: int) -> FloatArray:
    """Squigglepy: `sample` of a function that draws its inputs with `~`."""
    import squigglepy as sq

    given = [sq.pert(*one) for one in j.perts().values()]

    def function() -> FloatArray:
        return model.chain(np.array([~one for one in given]))

    return np.array(sq.sample(function, n=draws))


def by_flodym(model: OneDraw, draws: int) -> FloatArray:
    """Flodym: the stock model with draws as a dimension, 100 draws a call, on 36 years."""
    return np.concatenate([flodym_call(model, seed, 100) for seed in range(max(draws // 100, 1))])


def flodym_call(model: OneDraw, seed: int, draws: int) -> FloatArray:
    """Return what leaves use of both elements in the 16 years, (draw, 32)."""
    import flodym as fd

    job = model.job
    magnets = some_magnets(job, seed, draws)
    old = job.past[:, ::-1, np.newaxis] * magnets[:, :1]
    inflow = np.concatenate([old, magnets], axis=1)  # (use, 36 years, draw)
    early = np.repeat(job.fraction[:, :, :1], j.PAST, axis=2)
    fraction = np.concatenate([early, job.fraction], axis=2)

    def dimension(name: str, letter: str, count: int) -> Any:
        return fd.Dimension(name=name, letter=letter, items=list(range(count)), dtype=int)

    dims = fd.DimensionSet(
        dim_list=[
            dimension("time", "t", j.YEARS + j.PAST),
            dimension("element", "e", j.ELEMENTS),
            dimension("use", "u", j.USES),
            dimension("draw", "n", draws),
        ]
    )
    of_use = dims.get_subset(("u",))
    mean, shape = j.lifetimes()
    life = fd.WeibullLifetime(
        dims=dims,
        time_letter="t",
        inflow_at="end",
        weibull_shape=fd.FlodymArray(dims=of_use, values=shape),
        weibull_scale=fd.FlodymArray(dims=of_use, values=j.scale_of(mean, shape)),
    )
    use: Any = fd.InflowDrivenDSM(dims=dims, lifetime_model=life, time_letter="t")
    use.inflow.values[...] = np.einsum("eut,utn->teun", fraction, inflow)
    use.compute()
    left = np.asarray(use.outflow.values).sum(axis=2)[j.PAST :]
    return np.asarray(left.reshape(j.YEARS * j.ELEMENTS, draws).T)


def some_magnets(job: j.Job, seed: int, draws: int) -> FloatArray:
    """Return magnets by use, year and draw, for the stock part alone."""
    growth = np.random.default_rng(seed).uniform(0.98, 1.1, (j.USES, 1, draws))
    since = np.arange(j.YEARS)[:, np.newaxis]
    return np.asarray(job.magnets[:, np.newaxis, np.newaxis] * growth**since)


def quiet() -> None:
    """Let no peer write warnings into the table."""
    warnings.simplefilter("ignore")


PEERS = (
    Peer("a plain loop over draws, numpy inside", "numpy", 3_000, by_loop,
         "no streams by name, threads or streaming"),
    Peer("EMA workbench, SequentialEvaluator", "ema_workbench", 500, by_ema,
         "one call a draw; all draws kept; uniform inputs only, so the tables are ours"),
    Peer("monaco, one process, sobol_random", "monaco", 300, by_monaco,
         "one call and objects a draw; all draws kept; no factors"),
    Peer("squigglepy, sample(fn)", "squigglepy", 200, by_squigglepy,
         "one call a draw; one global stream; all draws kept; no factors"),
    Peer("flodym, draws as a dimension", "flodym", 200, by_flodym,
         "the stock part alone: compare with growth and recycling"),
)  # fmt: skip
