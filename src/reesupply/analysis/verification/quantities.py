"""What is forecast again from past vintages, and where its values stand."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["CONTENT", "MAGNETS", "QUANTITIES", "Quantity", "quantity_named"]

#: Parts of the demand for Dy and Tb: alloy made [kt/yr], and Dy+Tb oxide in it [%].
MAGNETS, CONTENT = "ndfeb-rough-world", "dytb-content-of-magnets"


class Quantity(NamedTuple):
    """
    A quantity with yearly values.

    Attributes
    ----------
    name : str
        As tables and charts call it.
    unit : str
        Of its values.
    series : tuple of str
        Series of the table history; where several have a year, the first counts.
    model : {"growth", "content", "pipeline"}
        Which part of the model forecasts it.
    ceilings : tuple of str
        Rows of the table growth whose ceilings add up to that of the quantity; empty for none.
    less : tuple of str
        Series of which the first less all others stands for years without a value of their own.
    counted : bool
        Whether it counts where quantities are taken together; another reading of one that counts
        does not.
    """

    name: str
    unit: str
    series: tuple[str, ...]
    model: Literal["growth", "content", "pipeline"]
    ceilings: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    counted: bool = True


_USGS = "mine-output-usgs"
_BEFORE = (f"{_USGS}-ex-china", "output-ex-china-kingsnorth")

_WIND = ("wind-onshore", "wind-offshore")

QUANTITIES = (
    Quantity("electric cars", "million vehicles", ("activity-ev-cars",), "growth", ("ev-cars",)),
    Quantity("wind additions", "GW", ("activity-wind-total",), "growth", _WIND),
    Quantity("electric two-wheelers", "million vehicles", ("activity-two-wheelers",), "growth"),
    Quantity("magnet alloy", "kt", (MAGNETS,), "growth"),
    Quantity("Dy+Tb demand", "t oxide/yr", ("gross-demand-reconstructed",), "content"),
    # USGS counted no Myanmar before 2018, and nobody had announced it
    Quantity(
        "mines outside China",
        "t REO/yr",
        (f"{_USGS}-ex-china-without-myanmar", *_BEFORE),
        "pipeline",
        less=(f"{_USGS}-world", f"{_USGS}-china", f"{_USGS}-myanmar"),
    ),
    Quantity(
        "mines outside China, with Myanmar",
        "t REO/yr",
        _BEFORE,
        "pipeline",
        less=(f"{_USGS}-world", f"{_USGS}-china"),
        counted=False,
    ),
)


def quantity_named(name: str) -> Quantity:
    """
    Return the quantity of that name.

    Parameters
    ----------
    name : str
        Such as ``"wind additions"``.

    Returns
    -------
    Quantity

    Raises
    ------
    ReesupplyError
        If there is none.
    """
    from reesupply.errors import ReesupplyError, nearest

    for quantity in QUANTITIES:
        if quantity.name == name:
            return quantity
    names = [quantity.name for quantity in QUANTITIES]
    msg = f"quantity: found {name!r}; {nearest(str(name), names)}"
    raise ReesupplyError(msg)
