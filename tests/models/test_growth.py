"""Errors of growth: a walk with uncertain drift, in logarithms or in log odds of a market."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reesupply.models.growth import grown, growth_error

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DRAWS = 200_000


def drawn_error(sigma: float, years: int, n: float) -> FloatArray:
    """Errors of many draws."""
    rng = np.random.default_rng(1)
    drift, shocks = rng.standard_normal(DRAWS), rng.standard_normal((years, DRAWS))
    return growth_error(np.full(DRAWS, sigma), drift, shocks, np.full(DRAWS, n))


def test_spread_of_a_walk_with_uncertain_drift() -> None:
    """Standard deviation s sqrt(h + h^2/n): 0.298 in year 10 with s = 0.0682 and n = 11."""
    error = drawn_error(0.0682, 10, 11.0)
    ahead = np.arange(1.0, 11.0)
    expected = 0.0682 * np.sqrt(ahead + ahead**2 / 11.0)
    np.testing.assert_allclose(error.std(axis=1), expected, rtol=0.01)
    np.testing.assert_allclose(expected[-1], 0.298, atol=5e-4)


def test_errors_persist() -> None:
    """Consecutive years correlate above 0.9: no independent yearly noise."""
    error = drawn_error(0.1, 10, 11.0)
    assert np.corrcoef(error[8], error[9])[0, 1] > 0.9


def test_error_by_hand() -> None:
    """0.2 x (h x 1.5 / 3 + running sum of 1, -2, 0.5)."""
    found = growth_error(
        np.array([0.2]), np.array([1.5]), np.array([[1.0], [-2.0], [0.5]]), np.array([9.0])
    )
    np.testing.assert_allclose(found[:, 0], [0.3, 0.0, 0.2], atol=1e-15)


@given(
    path=hnp.arrays(np.float64, (3, 4), elements=st.floats(0.0, 200.0)),
    error=hnp.arrays(np.float64, (3, 4), elements=st.floats(-5.0, 5.0)),
    ceiling=hnp.arrays(np.float64, (4,), elements=st.floats(1.0, 100.0)),
)
def test_a_full_market(path: FloatArray, error: FloatArray, ceiling: FloatArray) -> None:
    """Log odds move by the error; the ceiling is never passed; what is full stays as it is."""
    found = grown(path, error, ceiling)
    below = path < ceiling
    assert (found[below] <= np.broadcast_to(ceiling, path.shape)[below]).all()
    np.testing.assert_array_equal(found[~below], path[~below])
    inside = (path > 1e-3) & (path < 0.999 * ceiling)
    odds = [
        np.log(x[inside] / (np.broadcast_to(ceiling, path.shape)[inside] - x[inside]))
        for x in (path, found)
    ]
    np.testing.assert_allclose(odds[1] - odds[0], error[inside], atol=1e-8)
    assert (found[path == 0.0] == 0.0).all()


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(0.0, 200.0)))
def test_no_error_is_no_change(path: FloatArray) -> None:
    """With and without a ceiling; far below a ceiling it does not matter."""
    none = np.zeros_like(path)
    np.testing.assert_array_equal(grown(path, none), path)
    np.testing.assert_allclose(grown(path, none, np.full(4, 100.0)), path, rtol=1e-12, atol=1e-300)
    wide = grown(path, none + 0.3, np.full(4, 1e9))
    np.testing.assert_allclose(wide, grown(path, none + 0.3), rtol=1e-6, atol=1e-300)
