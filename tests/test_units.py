"""Oxide and metal: factors against published ones, round trips, and the unknown element."""

from __future__ import annotations

import numpy as np
import pytest

from reesupply import units
from reesupply.errors import ScenarioError


@pytest.mark.parametrize(
    ("element", "factor"),
    [("Dy", 1.14768), ("Tb", 1.17617), ("Nd", 1.16638), ("Pr", 1.20816), ("Ce", 1.22837)],
)
def test_oxide_per_metal_is_the_published_factor(element: str, factor: float) -> None:
    """Dy2O3, Tb4O7, Nd2O3, Pr6O11 and CeO2 from standard atomic weights, to five decimals."""
    assert units.oxide_per_metal(element) == pytest.approx(factor, abs=5.1e-6)


def test_one_per_cent_of_a_kilotonne_of_magnets() -> None:
    """1 wt% Dy in 1 kt of magnets is 10 t of metal, 11.48 t of Dy2O3."""
    assert units.metal_to_oxide(10.0, "Dy") == pytest.approx(11.4768, abs=1e-4)


@pytest.mark.parametrize("element", units.ATOMIC_WEIGHTS)
def test_there_and_back_is_the_same_mass(element: str) -> None:
    """Metal to oxide to metal, for every element."""
    masses = np.array([0.0, 1.0, 2920.0])
    oxide = units.metal_to_oxide(masses, element)
    np.testing.assert_allclose(units.oxide_to_metal(oxide, element), masses, rtol=1e-15)
    assert 1.1 < units.oxide_per_metal(element) < 1.6


def test_an_array_is_not_changed() -> None:
    """A conversion returns a new array."""
    masses = np.array([1.0, 2.0])
    units.metal_to_oxide(masses, "Tb")
    np.testing.assert_array_equal(masses, [1.0, 2.0])


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ("dy", r"^'dy' is not an element with a trade oxide; did you mean 'Dy'\?$"),
        ("TB", r"^'TB' is not an element with a trade oxide; did you mean 'Tb'\?$"),
        ("Fe", r"^'Fe' is not an element with a trade oxide; (did you mean|allowed: Sc, Y, La)"),
        ("", r"^'' is not an element with a trade oxide; allowed: Sc, .*Lu$"),
    ],
)
def test_an_unknown_element_names_what_is_allowed(element: str, message: str) -> None:
    """The nearest symbol, or all of them."""
    with pytest.raises(ScenarioError, match=message):
        units.oxide_per_metal(element)


def test_units_of_the_results() -> None:
    """As they stand in the attrs of a result."""
    assert (units.OXIDE, units.OXIDE_PER_YEAR, units.YEAR, units.ONE) == (
        "t oxide",
        "t oxide/yr",
        "year",
        "1",
    )
