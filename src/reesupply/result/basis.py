r"""
Demand and supply on three bases and at two places, with one balance.

With demand D by place, oxide R from mined feed, recovered new scrap N and end of life E, each by
bloc b, and :math:`n_b` the new scrap that is taken off demand in bloc b:

=========  ==========================  ========================
basis      demand                      supply
=========  ==========================  ========================
gross      :math:`D_b`                 :math:`R_b + N_b + E_b`
net        :math:`D_b - n_b`           :math:`R_b + E_b`
primary    :math:`D_b - n_b - E_b`     :math:`R_b`
=========  ==========================  ========================

By place of making D is ``demand`` and :math:`n_b = N_b`. By place of use D is ``use_demand`` and
:math:`n_b = \sum_c N_c \, D_b / \sum_c D_c`: process scrap arises where goods are made, so what is
saved by it is shared by those who use them. Supply stands where the oxide is made, in both. As
:math:`\sum_b n_b = \sum_b N_b`, the sum over blocs of supply less demand is the same six times. By
place of making that of each bloc is the same three times; by place of use it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.engine.variables import BLOC, DATA
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    import xarray as xr

    from reesupply.result.core import Result

RECYCLED = ("recycled_new_scrap", "recycled_end_of_life")
#: What each basis takes off demand and leaves out of supply.
BASES: dict[str, tuple[str, ...]] = {"gross": (), "net": RECYCLED[:1], "primary": RECYCLED}
#: Variable of demand by place.
PLACES = {"making": "demand", "use": "use_demand"}


def on_basis(result: Result, basis: str, place: str) -> xr.Dataset:
    """
    Build `Result.basis`.

    Parameters
    ----------
    result : Result
        The draws of demand by the place, of supply and of what is recycled must have been kept.
    basis : {"gross", "net", "primary"}
        What of the recycled oxide is taken off demand.
    place : {"making", "use"}
        Where demand is.

    Returns
    -------
    Dataset
        demand and supply (bloc, element, year, draw), balance (element, year, draw); t oxide/yr.

    Raises
    ------
    ReesupplyError
        If the basis or place is unknown or draws were not kept.
    """
    _check(basis, place)
    import xarray as xr

    names = (PLACES[place], "refined_supply", *RECYCLED)
    for name in names:
        if name not in result.arrays:
            msg = f"the draws of {name!r} were not kept; simulate with keep={names!r}"
            raise ReesupplyError(msg)
    data = result.data
    demand, supply = data[names[0]], data["refined_supply"]
    share = _use_share(demand) if place == "use" and BASES[basis] else None
    for name in RECYCLED:
        back = data[name]
        if name not in BASES[basis]:
            supply = supply + back
        elif name == RECYCLED[0] and share is not None:
            demand = demand - back.sum(BLOC) * share
        else:
            demand = demand - back
    found = xr.Dataset({"demand": demand, "supply": supply})
    found["balance"] = (supply - demand).sum(BLOC)
    for name in ("demand", "supply", "balance"):
        long_name = f"{name}, {basis} basis, by place of {place}"
        found[name].attrs = {"units": DATA["balance"].units, "long_name": long_name}
    found.attrs.update(basis=basis, place=place)
    return found


def _use_share(demand: xr.DataArray) -> xr.DataArray:
    """Share of each bloc in demand; where there is none there is no scrap either, so any does."""
    total = demand.sum(BLOC)
    return (demand / total.where(total > 0.0, 1.0)).transpose(*demand.dims)


def _check(basis: str, place: str) -> None:
    if basis == "contained":
        msg = (
            "basis: found 'contained', which is a reported quantity and no basis; "
            'see result.end_use["contained"] of a run that keeps "end_use.contained", '
            'or the mean, result.end_use["contained_mean"]'
        )
        raise ReesupplyError(msg)
    for kind, found, allowed in (("basis", basis, BASES), ("place", place, PLACES)):
        if found not in tuple(allowed):  # a list has no hash
            msg = f"{kind}: found {found!r}; {nearest(str(found), allowed)}"
            raise ReesupplyError(msg)
