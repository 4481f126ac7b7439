"""
How precise a run is to be, and the counts by group of lanes that tell how precise it is.

Lane k belongs to group k % 16. The groups of a Sobol run are its independent scramblings, those of
a run of hypercubes are hypercubes; how much they differ is the error of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.layout import BINS
from reesupply.engine.statistics import CLAIMS
from reesupply.engine.variables import BLOC, DATA, ELEMENT
from reesupply.errors import ReesupplyError
from reesupply.sampling import LANE, SCRAMBLES

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.layout import Layout

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.integer]

__all__ = ["GROUPS", "Groups", "Precision", "headline_rows"]

GROUPS = SCRAMBLES
#: Bins of a group: what they blur is common to all groups, and only their scatter is wanted.
WIDE_BINS = 512


@dataclass(frozen=True, slots=True)
class Precision:
    """
    How precise a run is to be; ``simulate(until=...)`` goes on until it is.

    Attributes
    ----------
    share : float
        Half the width of the 95 % interval of Monte Carlo error that P5, P50 and P95 may have, as
        a share of the range from P5 to P95.
    of : tuple of str
        Of which outputs: variables of ``result.data`` with years, for the world and all elements
        in the first year, 2030 and the last year; names of claims; "claims" for all of them.
    cap : int
        Number of draws at which the run ends in any case.

    Raises
    ------
    ReesupplyError
        If a number is out of range or `of` is a text.

    Notes
    -----
    The run is looked at after its first draws (``draws=``, made up to whole lanes of 1,024) and
    each time their number has doubled, so that stopping depends neither on workers nor on the
    executor, and a run that stopped at n draws is the run with ``draws=n``. The interval is that
    of ``result.precision()``.

    Examples
    --------
    >>> import reesupply as rs
    >>> wanted = rs.Precision(share=0.1, of=("balance", "mine_supply"), cap=4_096)
    >>> result = rs.simulate(draws=1_024, rng=1, until=wanted)
    >>> result.draws <= 4_096
    True
    """

    share: float = 0.01
    of: tuple[str, ...] = ("balance",)
    cap: int = 2**20

    def __post_init__(self) -> None:
        share, of, cap = self._given()
        if not isinstance(share, float | int | np.floating) or not 0.0 < share < 1.0:
            msg = f"share: found {share!r}, allowed is a share of the range, above 0 and below 1"
            raise ReesupplyError(msg)
        several = isinstance(of, Sequence) and not isinstance(of, str)
        if not several or not of or not all(isinstance(name, str) for name in of):
            msg = f"of: found {of!r}, allowed are several names such as ('balance', 'claims')"
            raise ReesupplyError(msg)
        if isinstance(cap, bool) or not isinstance(cap, int | np.integer) or cap < LANE:
            msg = f"cap: found {cap!r}, allowed is an integer from {LANE:,}, the draws of a lane"
            raise ReesupplyError(msg)
        object.__setattr__(self, "of", tuple(of))

    def _given(self) -> tuple[Any, Any, Any]:
        """Return what was given, whatever its type is."""
        return self.share, self.of, self.cap

    def goals(self, first: int) -> tuple[int, ...]:
        """
        Return the numbers of draws at which the run is looked at.

        Parameters
        ----------
        first : int
            Draws before the first look; made up to whole lanes.

        Returns
        -------
        tuple of int
            Whole lanes, doubling; the last is the cap, cut to whole lanes.

        Raises
        ------
        ReesupplyError
            If the cap comes before the first look.
        """
        lanes, last = -(-first // LANE), int(self.cap) // LANE
        if lanes > last:
            msg = (
                f"until: found cap={self.cap:,}, which is below the {lanes * LANE:,} draws of "
                "the first look; give a higher cap or fewer draws"
            )
            raise ReesupplyError(msg)
        found = []
        while lanes < last:
            found.append(lanes * LANE)
            lanes *= 2
        return (*found, last * LANE)


def headline_rows(layout: Layout) -> IntArray:
    """Return the histograms of claims, and of what is summed over blocs and elements."""
    rows: list[IntArray] = [np.empty(0, dtype=np.int64)]
    for name, numbers in layout.rows.items():
        if name == CLAIMS:
            rows.append(numbers)
            continue
        whole = tuple(-1 if d in (BLOC, ELEMENT) else slice(None) for d in DATA[name].dims)
        rows.append(numbers[whole])
    found = np.concatenate([each.reshape(-1) for each in rows])
    return found[found >= 0]


class Groups:
    """
    Counts by group of lanes, in wide bins.

    Parameters
    ----------
    layout : Layout
        Of the histograms of the run.
    rows : ndarray of int
        Which of them are counted by group.

    Attributes
    ----------
    counts : ndarray of int, shape (GROUPS, row, WIDE_BINS + 2)
        The first and the last bin hold what lies beyond the edges.
    """

    def __init__(self, layout: Layout, rows: IntArray) -> None:
        self.rows = rows
        self.low = layout.low[rows]
        self.width = layout.width[rows] * (BINS / WIDE_BINS)
        self.counts = np.zeros((GROUPS, rows.size, WIDE_BINS + 2), dtype=np.int64)

    def add_lane(self, lane: int, cells: FloatArray) -> None:
        """Count the cells of a lane, (histogram of the layout, draw)."""
        place = (cells[self.rows] - self.low[:, np.newaxis]) / self.width[:, np.newaxis]
        bins = np.clip(np.floor(place), -1.0, WIDE_BINS).astype(np.int64)
        bins += np.arange(1, self.rows.size * (WIDE_BINS + 2), WIDE_BINS + 2)[:, np.newaxis]
        found = np.bincount(bins.reshape(-1), minlength=self.rows.size * (WIDE_BINS + 2))
        self.counts[lane % GROUPS] += found.reshape(self.counts.shape[1:])

    def add(self, other: Groups) -> None:
        """Add the counts of other lanes; the order does not matter."""
        self.counts += other.counts

    def shares_below(self, row: int, value: float) -> tuple[FloatArray, FloatArray]:
        """
        Return how many draws each group has, and which share of them lies below a value.

        Parameters
        ----------
        row : int
            Number of a histogram of the layout.
        value : float
            In the unit of the variable.

        Returns
        -------
        sizes, shares : ndarray, shape (group,)
            Of the groups that have draws.
        """
        at = int(np.flatnonzero(self.rows == row)[0])
        counts = self.counts[:, at]
        counts = counts[counts.any(axis=1)]
        place = float(np.clip((value - self.low[at]) / self.width[at], 0.0, WIDE_BINS))
        whole = min(int(place), WIDE_BINS - 1)
        below = counts[:, : whole + 1].sum(axis=1) + (place - whole) * counts[:, whole + 1]
        sizes = counts.sum(axis=1)
        return sizes.astype(np.float64), below / sizes
