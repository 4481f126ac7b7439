"""Joint statistics gathered lane by lane: deficits over the years, and claims with each other."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.lanesums import LaneSums

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

#: A gap below this share of demand is rounding of numbers, no gap at all; in single precision.
ROUNDING, ROUNDING_SINGLE = 1e-9, 1e-5
#: A gap below this share of demand is small beside the errors of the data.
TOLERANCE = 0.02


def tolerances(dtype: npt.DTypeLike = np.float64) -> tuple[float, float]:
    """
    Return the shares of demand that a deficit has to exceed, for each of which it is counted.

    Parameters
    ----------
    dtype : dtype_like
        Precision of the models.

    Returns
    -------
    tuple of float
        That of rounding, and 0.02.
    """
    return ROUNDING_SINGLE if np.dtype(dtype) == np.float32 else ROUNDING, TOLERANCE


def in_deficit(balance: FloatArray, demand: FloatArray, tolerance: float) -> BoolArray:
    """
    Whether supply falls short of demand by more than a share of demand.

    Parameters
    ----------
    balance, demand : ndarray of one shape
        Of the world [t oxide/yr].
    tolerance : float
        Share of demand.

    Returns
    -------
    ndarray of bool
    """
    return balance < -tolerance * demand


def in_deficit_by(short: BoolArray) -> BoolArray:
    """
    Whether there was a deficit after the base year, whose stock change is given, up to each year.

    Parameters
    ----------
    short : ndarray of bool, shape (..., year, draw)
        Whether each year has a deficit, the base year first.

    Returns
    -------
    ndarray of bool, shape (..., year - 1, draw)
    """
    return np.logical_or.accumulate(short[..., 1:, :], axis=-2)


class Joint:
    """
    Sums over draws of what cells have in common.

    Counts of draws are integers, hence exact; where draws have weights they are sums of weights.

    Parameters
    ----------
    elements, years, claims : int
        How many; elements with the sum of the heavy pair.

    Attributes
    ----------
    total : dict of str to ndarray
        ``weight``: of all draws. ``deficits``, (tolerance, element, year): of those with a
        deficit. ``depths``, same shape: sum of the deficit over these [t oxide/yr].
        ``deficits_by``, (tolerance, element, year - 1): of those with a deficit after the base
        year, up to each year. ``products``, (claim, claim): sum of the product of two claims.
    """

    def __init__(self, elements: int, years: int, claims: int) -> None:
        cells = (len(tolerances()), elements, years)
        self._sums = LaneSums(
            {
                "weight": (),
                "deficits": cells,
                "depths": cells,
                "deficits_by": (*cells[:2], max(years - 1, 0)),
                "products": (claims, claims),
            }
        )

    @classmethod
    def of_plan(cls, plan: Plan) -> Joint:
        """Return those of a plan, of no draws."""
        return cls(len(plan.elements) + 1, len(plan.years), len(plan.claims))

    @classmethod
    def of(cls, total: Mapping[str, FloatArray]) -> Joint:
        """Return those whose sums are known, as those of a file."""
        found = cls(0, 0, 0)
        found._sums = LaneSums.of(total)
        return found

    def add_lane(
        self,
        lane: int,
        balance: FloatArray,
        demand: FloatArray,
        claims: FloatArray,
        weights: FloatArray,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        """
        Add a lane.

        Parameters
        ----------
        lane : int
            Its number.
        balance, demand : ndarray, shape (element, year, draw)
            Of the world, the sum of the heavy pair last [t oxide/yr].
        claims : ndarray, shape (claim, draw)
            Claims.
        weights : ndarray, shape (draw,)
            Weight of each draw; 1 where there are none.
        dtype : dtype_like
            Precision that they were computed in.
        """
        short = np.stack([in_deficit(balance, demand, each) for each in tolerances(dtype)])
        hits = short.astype(np.float64)
        arrays = {
            "weight": weights.sum(),
            "deficits": hits @ weights,
            "depths": -np.vecdot(hits, balance * weights),
            "deficits_by": in_deficit_by(short).astype(np.float64) @ weights,
            "products": (claims * weights) @ claims.T,
        }
        self._sums.add_lane(lane, arrays)
        self.__dict__.pop("total", None)

    def add(self, other: Joint) -> None:
        """Add other lanes; the order does not matter."""
        self._sums.add(other._sums)
        self.__dict__.pop("total", None)

    @cached_property
    def total(self) -> dict[str, FloatArray]:
        """Sums over all draws by name."""
        return self._sums.total()
