"""Cases of distributions, of Monte Carlo error and of sensitivity indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply import distributions, units
from reesupply.analysis.sensitivity.emulator import Emulator
from reesupply.analysis.sensitivity.sample import Sample
from reesupply.analysis.sensitivity.slices import first_order
from reesupply.analysis.validation.given import Found, exact, one
from reesupply.result.precision import half_width, step_of_independent

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from reesupply.analysis.validation.given import Inputs, Numbers

    FloatArray = npt.NDArray[np.float64]

_DRAWS = 2**14


def oxide(inputs: Inputs) -> Numbers:
    """Metal in a tonne of trade oxide."""
    mass = one(inputs, "oxide")
    return {name.lower(): Found(units.oxide_to_metal(mass, name)) for name in ("Dy", "Tb")}


def pert(inputs: Inputs) -> Numbers:
    """Mean, P10 and P90 of an expert's range."""
    found = distributions.pert(*(one(inputs, name) for name in ("low", "mode", "high")))
    low, high = found.ppf([0.1, 0.9])
    return exact(["mean", "p10", "p90", "width"], [found.mean, low, high, high - low])


def lognormal_time(inputs: Inputs) -> Numbers:
    """Chances of a lognormal time to design, and its mean."""
    time = distributions.lognormal(one(inputs, "median"), one(inputs, "sigma"))
    early, by_then = time.cdf(inputs["months"])
    return exact(["early", "late", "mean"], [early, 1.0 - by_then, time.mean])


def jeffreys(inputs: Inputs) -> Numbers:
    """Posterior of a share under Jeffreys' prior, from successes among trials."""
    found: Numbers = {}
    for hits, trials in zip(inputs["hits"], inputs["trials"], strict=True):
        posterior = distributions.beta(hits + 0.5, trials - hits + 0.5)
        names = [f"{hits:.0f}-{what}" for what in ("mean", "p5", "p95")]
        found |= exact(names, [posterior.mean, *posterior.ppf([0.05, 0.95])])
    return found


def quantile_errors(inputs: Inputs) -> Numbers:
    """Half width of the interval of a quantile of normal draws, over the range P5 to P95."""
    normal = distributions.normal(0.0, 1.0)
    whole = float(normal.ppf(0.95) - normal.ppf(0.05))

    def share(q: float, draws: float) -> float:
        step = step_of_independent(q, draws)
        return half_width(lambda p: float(normal.ppf(p)), q, step) / whole

    inner = [share(0.05, draws) for draws in inputs["draws_p5"]]
    outer = [share(0.01, draws) for draws in inputs["draws_p1"]]
    names = [f"p5-{place}" for place in range(1, len(inner) + 1)]
    names += [f"p1-{place}" for place in range(1, len(outer) + 1)]
    return exact(names, inner + outer)


def ishigami(inputs: Inputs) -> Numbers:
    """First-order and total indices of Ishigami's function from given draws."""
    a, b = one(inputs, "a"), one(inputs, "b")
    x = np.random.default_rng(1).uniform(-np.pi, np.pi, (3, _DRAWS))
    return _indices(x, np.sin(x[0]) + a * np.sin(x[1]) ** 2 + b * x[2] ** 4 * np.sin(x[0]))


def sobol_g(inputs: Inputs) -> Numbers:
    """First-order and total indices of the Sobol G function from given draws."""
    a = inputs["a"][:, np.newaxis]
    x = np.random.default_rng(2).random((len(a), _DRAWS))
    return _indices(x, ((np.abs(4.0 * x - 2.0) + a) / (1.0 + a)).prod(axis=0))


def _indices(x: FloatArray, y: FloatArray) -> Numbers:
    sample = Sample(x, y, resamples=0)
    first = np.array([first_order(sample, ranks)[0] for ranks in sample.ranks])
    order = list(np.argsort(-first, kind="stable"))
    emulator = Emulator(sample, range(len(x)), order)
    total = emulator.explained[0] - emulator.without_each()[0]
    measures: dict[str, Callable[[int], float]] = {
        "first": lambda row: float(first[row]),
        "total": lambda row: float(total[emulator.lines.index(row)]),
    }
    return {
        f"{name}-{row + 1}": Found(of(row))
        for name, of in measures.items()
        for row in range(len(x))
    }
