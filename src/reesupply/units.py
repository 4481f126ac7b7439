"""Units of the results, and the conversion between a metal and its trade oxide."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reesupply.errors import ScenarioError, nearest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Mass = TypeVar("Mass", float, "npt.NDArray[np.float64]")

OXIDE = "t oxide"
OXIDE_PER_YEAR = "t oxide/yr"
YEAR = "year"
ONE = "1"

OXYGEN = 15.999

# Standard atomic weights of 2021, rounded to three decimals: Prohaska T. et al., Pure and Applied
# Chemistry, 94 (5), 573-600, 2022, doi:10.1515/pac-2019-0603.
ATOMIC_WEIGHTS = {
    "Sc": 44.956,
    "Y": 88.906,
    "La": 138.905,
    "Ce": 140.116,
    "Pr": 140.908,
    "Nd": 144.242,
    "Sm": 150.36,
    "Eu": 151.964,
    "Gd": 157.25,
    "Tb": 158.925,
    "Dy": 162.5,
    "Ho": 164.93,
    "Er": 167.259,
    "Tm": 168.934,
    "Yb": 173.045,
    "Lu": 174.967,
}

# Metal and oxygen atoms of the oxides that are traded under another formula than M2O3.
_TRADE_OXIDES = {"Ce": (1, 2), "Pr": (6, 11), "Tb": (4, 7)}


def oxide_per_metal(element: str) -> float:
    """
    Mass of trade oxide that holds one unit of mass of the metal.

    The oxides are Tb4O7, Pr6O11 and CeO2, for all other elements M2O3.

    Parameters
    ----------
    element : str
        Symbol of a rare earth, such as ``"Dy"``.

    Returns
    -------
    float
        Oxide per metal [t/t].

    Raises
    ------
    ScenarioError
        If the element is not a rare earth with an oxide here.

    Examples
    --------
    >>> round(oxide_per_metal("Dy"), 5)
    1.14768
    """
    if element not in ATOMIC_WEIGHTS:
        hint = nearest(str(element).capitalize(), ATOMIC_WEIGHTS, limit=len(ATOMIC_WEIGHTS))
        msg = f"{element!r} is not an element with a trade oxide; {hint}"
        raise ScenarioError(msg)
    atoms, oxygens = _TRADE_OXIDES.get(element, (2, 3))
    return 1.0 + oxygens * OXYGEN / (atoms * ATOMIC_WEIGHTS[element])


def metal_to_oxide(mass: Mass, element: str) -> Mass:
    """
    Convert a mass of metal into the mass of its trade oxide.

    Parameters
    ----------
    mass : float or ndarray
        Metal [t].
    element : str
        Symbol of a rare earth.

    Returns
    -------
    float or ndarray
        Oxide [t].

    Raises
    ------
    ScenarioError
        If the element is unknown.

    Examples
    --------
    >>> round(metal_to_oxide(10.0, "Dy"), 2)
    11.48
    """
    return mass * oxide_per_metal(element)


def oxide_to_metal(mass: Mass, element: str) -> Mass:
    """
    Convert a mass of trade oxide into the mass of the metal in it.

    Parameters
    ----------
    mass : float or ndarray
        Oxide [t].
    element : str
        Symbol of a rare earth.

    Returns
    -------
    float or ndarray
        Metal [t].

    Raises
    ------
    ScenarioError
        If the element is unknown.

    Examples
    --------
    >>> round(oxide_to_metal(1.0, "Tb"), 5)
    0.85022
    """
    return mass / oxide_per_metal(element)
