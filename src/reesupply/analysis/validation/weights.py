"""Cases of conditioning, with the toy of three claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.condition import Tilt, divergence, effective_draws, tilt
from reesupply.analysis.validation.given import Found, exact, one
from reesupply.result.statistics import weighted_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.analysis.validation.given import Inputs, Numbers

    FloatArray = npt.NDArray[np.float64]

_LEVELS = (0.05, 0.5, 0.95)


def normal_shift(inputs: Inputs) -> Numbers:
    """Share of draws that is left when a normal mean is moved, by Gauss-Hermite quadrature."""
    nodes, prior = np.polynomial.hermite_e.hermegauss(60)
    prior = prior / prior.sum()
    left = []
    for shift in inputs["shift"]:
        w = tilt(nodes[np.newaxis], np.array([shift]), prior=prior).weights
        left.append(1.0 / float((w**2 / prior).sum()))
    return exact([f"share-{place}" for place in range(1, len(left) + 1)], left)


def three_claims(inputs: Inputs) -> Numbers:
    """
    Condition the toy of three claims in all its ways, several times over.

    A deficit D, the share T2 of need that mines outside China meet, and the share T3 that China
    supplies: D is the sum of a constant, a normal and a lognormal part of one normal number, T2
    lognormal and 1 - T3 lognormal, their normal numbers correlated.
    """
    runs, draws = int(one(inputs, "runs")), int(one(inputs, "draws"))
    each = [_toy_run(_toy_draws(inputs, draws, seed), inputs) for seed in range(runs)]
    found: Numbers = {}
    for name in each[0]:
        values = np.array([run[name] for run in each])
        # the published number is one more run
        error = float(values.std(ddof=1)) * np.sqrt(1.0 + 1.0 / runs)
        found[name] = Found(float(values.mean()), error)
    return found


def _toy_draws(inputs: Inputs, draws: int, seed: int) -> FloatArray:
    r12, r13, r23 = inputs["correlation"]
    matrix = np.array([[1.0, r12, r13], [r12, 1.0, r23], [r13, r23, 1.0]])
    z = np.linalg.cholesky(matrix) @ np.random.default_rng(seed).standard_normal((3, draws))
    constant, normal, lognormal, sigma = inputs["deficit"]
    deficit = constant + normal * z[0] + lognormal * np.exp(sigma * z[0])

    def share(name: str, score: FloatArray) -> FloatArray:
        mean, sd = inputs[name]
        return np.asarray(mean * np.exp(sd * score - 0.5 * sd**2))

    return np.stack([deficit, share("mined", z[1]), 1.0 - share("not_chinese", -z[2])])


def _toy_run(draws: FloatArray, inputs: Inputs) -> dict[str, float]:
    targets, errors = inputs["target"], inputs["tolerance"]
    below = (draws[:1] <= targets[0]).astype(np.float64)
    equal = np.full(draws.shape[1], 1.0 / draws.shape[1])
    off = targets - draws.mean(axis=1)
    found = {"d2": float(off @ np.linalg.solve(np.cov(draws), off))}
    ways = {
        "none": Tilt(equal, np.zeros(0), 0.0),
        "deficit": tilt(draws[:1], targets[:1]),
        "hard": tilt(draws, targets),
        "soft": tilt(draws, targets, errors),
        "median": tilt(below, np.array([0.5])),
    }
    for way, tilted in ways.items():
        w = tilted.weights
        names = ("mean-d", "mean-t2", "mean-t3")
        found |= {f"{way}-{n}": float(x) for n, x in zip(names, draws @ w, strict=True)}
        for level in _LEVELS:
            quantile = weighted_quantile(draws[0], level, w)
            found[f"{way}-p{100 * level:.0f}"] = float(quantile)
        found[f"{way}-ess"] = effective_draws(w) / w.size
        found[f"{way}-kl"] = divergence(w, None)
        found[f"{way}-largest"] = float(w.max()) * w.size
    return found
