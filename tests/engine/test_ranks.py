"""Rank error of streamed quantiles: at most 1e-4, for smooth outputs and for lumpy ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest

from reesupply.engine.histograms import Histograms
from reesupply.engine.layout import COLUMNS, layout_from
from reesupply.sampling import LANE

FloatArray = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], FloatArray]

LANES = 400
LEVELS = (0.001, 0.01, 0.05, 0.2, 0.31, 0.5, 0.69, 0.8, 0.95, 0.99, 0.999)


def lumps(rng: np.random.Generator, n: int) -> FloatArray:
    """A mine that may not open: 0, or one of two sizes, equal but for rounding."""
    size = np.array([0.0, 0.1, 0.3])[np.searchsorted([0.3, 0.7], rng.random(n))]
    return np.asarray(size * (1.0 + 1e-16 * rng.integers(0, 9, n)))


OUTPUTS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(-300.0, 900.0, n),
    "skewed": lambda rng, n: rng.lognormal(0.0, 0.8, n),
    "heavy tails": lambda rng, n: rng.standard_t(3.0, n),
    "two peaks": lambda rng, n: rng.normal(0.0, 1.0, n) + 9.0 * (rng.random(n) < 0.4),
    "bernoulli": lambda rng, n: (rng.random(n) < 0.3).astype(np.float64),
    "rare": lambda rng, n: (rng.random(n) < 0.004).astype(np.float64),
    "lumps": lumps,
    "a share that is clipped": lambda rng, n: np.clip(rng.normal(0.5, 0.4, n), 0.0, 1.0),
    "an atom inside": lambda rng, n: np.where(rng.random(n) < 0.25, 0.7, rng.normal(0.0, 1.0, n)),
    "two atoms in a bin": lambda rng, n: np.where(
        rng.random(n) < 0.5, rng.normal(0.0, 1.0, n), 0.1 + 1e-5 * (rng.random(n) < 0.6)
    ),
    "constant": lambda rng, n: np.full(n, 0.1 + 0.0 * rng.random(n)),
}


@lru_cache(maxsize=1)
def filled() -> tuple[FloatArray, Histograms]:
    """Draws of each output, and their histograms on edges from a pilot of other draws."""
    pilot, run = np.random.default_rng(1), np.random.default_rng(2)
    before = np.array([draw(pilot, 4 * LANE) for draw in OUTPUTS.values()])
    draws = np.array([draw(run, LANES * LANE) for draw in OUTPUTS.values()])
    found = Histograms(layout_from({"claims": np.arange(len(draws))}, before))
    for lane in range(LANES):
        found.add_lane(lane, draws[:, lane * LANE : (lane + 1) * LANE])
    return draws, found


@pytest.mark.parametrize("name", OUTPUTS)
def test_rank_of_a_quantile(name: str) -> None:
    """Of 409,600 draws the share below and up to a quantile encloses its level to 1e-4."""
    draws, histograms = filled()
    row = list(OUTPUTS).index(name)
    for q in LEVELS:
        value = histograms.quantile(np.array([row]), q)[0]
        near = 1e-14 * max(abs(value), 1.0)  # equal but for rounding
        below = (draws[row] < value - near).mean()
        upto = (draws[row] <= value + near).mean()
        assert below - 1e-4 <= q <= upto + 1e-4, q


@pytest.mark.parametrize("name", OUTPUTS)
def test_probability_of_a_value(name: str) -> None:
    """Below a value and up to it, at values that draws have and between them."""
    draws, histograms = filled()
    row = list(OUTPUTS).index(name)
    at = np.array([row])
    exact = draws[row]
    for value in (*np.quantile(exact, LEVELS), 0.0, 0.5, 1.0):
        near = 1e-14 * max(abs(value), 1.0)
        below, upto = (exact < value - near).mean(), (exact <= value + near).mean()
        found = histograms.probability_below(at, value)[0]
        with_equal = histograms.probability_below(at, value, inclusive=True)[0]
        # where draws are equal but for rounding, the value may stand before them or behind
        assert below - 1e-4 <= found <= max(upto, below) + 1e-4
        assert below - 1e-4 <= with_equal <= upto + 1e-4
        if near < np.abs(exact - value)[exact != value].min(initial=np.inf):
            assert found == pytest.approx(below, abs=1e-4)
            assert with_equal == pytest.approx(upto, abs=1e-4)


@pytest.mark.parametrize("name", OUTPUTS)
def test_mean_of_a_tail(name: str) -> None:
    """Mean of the lowest draws, to a twentieth of a bin; that of all of them too."""
    draws, histograms = filled()
    row = list(OUTPUTS).index(name)
    lowest = np.sort(draws[row])
    for q in (0.01, 0.05, 0.5, 1.0):
        exact = lowest[: round(q * lowest.size)].mean()
        found = histograms.tail_mean(np.array([row]), q)[0]
        assert abs(found - exact) <= histograms.layout.width[row] / 20.0, q


def test_what_lies_beyond_the_edges_has_its_sum() -> None:
    """A tail that no pilot saw counts in full in the mean of the tail."""
    pilot = np.random.default_rng(1).normal(size=(1, 4 * LANE))
    found = Histograms(layout_from({"claims": np.arange(1)}, pilot))
    draws = np.random.default_rng(2).normal(size=LANE)
    draws[:10] = -(10.0 ** np.arange(10))
    found.add_lane(0, draws[np.newaxis])
    exact = np.sort(draws)[:512].mean()
    assert found.tail_mean(np.array([0]), 0.5)[0] == pytest.approx(exact, rel=1e-6)


def test_counts_grow_wider_before_they_overflow() -> None:
    """65,536 draws of one value do not fit into 16 bits."""
    found = Histograms(layout_from({"claims": np.arange(1)}, np.zeros((1, 8))))
    for lane in range(65):
        found.add_lane(lane, np.zeros((1, LANE)))
    assert found.counts.max() == 65 * LANE
    other = Histograms(found.layout)
    other.add(found)
    other.add(found)
    assert other.counts.sum() == 130 * LANE
    assert found.counts.shape == (1, COLUMNS)
