"""Kernels for blocks of draws: the numbers of the plain functions, in arrays made beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from reesupply import distributions
from reesupply.distributions.normal_lines import MAX_ERROR, normal_quantile
from reesupply.errors import ReesupplyError
from reesupply.models.compound import compound
from reesupply.models.rampup import RampTable
from reesupply.models.rampup.rows import RampRows
from reesupply.models.stocks import Weibull, leaving_share, outflow
from reesupply.models.stocks.folded import outflow_matrix


def normals(uniform: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Call `normal_quantile` with arrays to work in."""
    place, work = np.empty(uniform.shape, np.intp), np.empty_like(uniform)
    return normal_quantile(uniform, np.empty_like(uniform), place=place, work=work, scale=scale)


def test_normal_numbers_are_as_close_as_promised() -> None:
    """Over the whole unit interval, densest where a line is worst, and exact at the ends."""
    middle = np.linspace(2.0**-7, 1.0 - 2.0**-7, 400_001)
    worst = 2.0**-7 + np.linspace(0.0, 2.0**-12, 10_001)
    ends = np.concatenate([2.0 ** -np.arange(8.0, 55.0), 1.0 - 2.0 ** -np.arange(8.0, 54.0)])

    for uniform in (middle, worst, 1.0 - worst):
        error = np.abs(normals(uniform) - ndtri(uniform)).max()
        assert error <= MAX_ERROR
    assert (normals(ends) == ndtri(ends)).all()
    assert np.abs(normals(worst) - ndtri(worst)).max() > 0.1 * MAX_ERROR
    np.testing.assert_allclose(normals(middle, 60.0), 60.0 * normals(middle), atol=1e-12)


def test_no_module_hides_the_notation() -> None:
    """A module named as a function of its package would take its place once it is imported."""
    assert str(distributions.normal(0.0, 1.0)) == "normal(0, 1)"


@given(years=st.integers(1, 20), seed=st.integers(0, 99))
def test_growth_in_stretches_is_the_recurrence(years: int, seed: int) -> None:
    """Year by year, for any number of years."""
    rng = np.random.default_rng(seed)
    first, factor = rng.random((3, 5)), rng.uniform(0.8, 1.2, (3, 5))
    expected = first * factor ** np.arange(years)[:, np.newaxis, np.newaxis]

    found = compound(first, factor.copy(), np.empty((years, 3, 5)))

    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_the_folded_past_is_the_convolution_over_all_years() -> None:
    """One product gives what the whole history gives, for several end uses."""
    life = Weibull.from_mean(np.array([[6.0], [15.0]]), np.array([[1.8], [3.0]]))
    leaving = leaving_share(life, 36)[..., 0]
    past = np.exp(-0.1 * np.arange(1, 21)) * np.array([[1.0], [0.5]])
    inflow = np.random.default_rng(1).random((2, 16, 7))
    every = np.concatenate([past[:, ::-1, np.newaxis] * inflow[:, :1], inflow], axis=1)

    found = outflow_matrix(leaving, past, 16) @ inflow

    for use in range(2):
        np.testing.assert_allclose(found[use], outflow(every[use], leaving[use])[20:], rtol=1e-12)
    with pytest.raises(ReesupplyError, match="must cover 37 years; got 36"):
        outflow_matrix(leaving, np.ones((2, 21)), 16)


def test_rows_of_ramps_are_the_table_added_up() -> None:
    """Plants of all classes, before, within and after the years, and never."""
    table = RampTable((4.88, 10.4, 40.0), (0.93, 1.16, 0.95))
    rng = np.random.default_rng(3)
    klass = np.array([0, 0, 1, 2])
    nameplate, years = rng.random((2, 4)) * 100.0, np.arange(2024, 2040)
    first, plateau = rng.uniform(2020.0, 2042.0, (4, 64)), rng.random((4, 64))
    first[0, 0], first[1, 1], first[2, 2] = np.inf, 2030.0, 2040.0
    rows = RampRows(table, klass, nameplate, years, earliest=2019.5, draws=64)
    share = table.average(first, klass[:, np.newaxis], plateau, years)
    expected = np.einsum("ep,ptn->ent", nameplate, share)

    found = rows.total(first.copy(), plateau)

    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-11 * nameplate.sum())
    assert (rows.total(np.full((4, 64), 2041.0), plateau) == 0.0).all()
    np.testing.assert_array_equal(rows.total(first.copy(), plateau), found)


def test_rows_of_ramps_refuse_an_unknown_class() -> None:
    """It is named before any memory is taken."""
    with pytest.raises(ReesupplyError, match="klass must be 0 to 0; got 0 to 1"):
        RampRows(
            RampTable((5.0,), (1.0,)), np.array([0, 1]), np.ones((1, 2)), [2030],
            earliest=2029.0, draws=8,
        )  # fmt: skip
