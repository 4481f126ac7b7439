"""
Which cells have a histogram, and on which edges.

Edges come from a pilot of the plan with a seed of its own, so they never depend on the draws of a
run. The pilot also finds atoms, values that many draws share, such as a stock of exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.engine.statistics import CLAIMS, with_sums
from reesupply.engine.variables import DATA, YEAR
from reesupply.sampling import LANE, Sampler

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

#: Variables with a histogram of every year; others have one of the first, the last and this year.
EVERY_YEAR, MILESTONE = ("balance",), 2030
#: Number of bins; from which quantiles of the pilot, and how many such ranges beyond, they reach.
BINS, TAIL, BEYOND = 8192, 0.005, 0.4
#: Bins on each side of these, ever wider: as many as this by doubling of the distance.
TAIL_BINS, BY_DOUBLING = 256, 32
#: Columns of the counts of a histogram.
COLUMNS = BINS + 2 * TAIL_BINS
#: Seed of the pilot, the same for every run, and its lanes.
PILOT, PILOT_LANES = 0, 4
#: Draws of the pilot that make a value an atom; most atoms of a cell; how far from an atom a draw
#: is equal to it but for rounding, as a share of a bin.
ATOM, ATOMS, ROUNDING = 3, 64, 5e-5
#: The same for draws in single precision, as a share of the atom: some tens of its roundings.
SINGLE = 2e-6


@dataclass(frozen=True, eq=False)
class Layout:
    """
    Which cells have a histogram, and on which edges.

    Attributes
    ----------
    rows : mapping of str to ndarray of int
        For "claims" and variables: the histogram of each cell, sums over labels included, -1 where
        a cell has none. Shape of the variable without draws.
    low, width : ndarray, shape (histogram,)
        Lowest edge and width of the even bins, in the unit of the variable.
    atom_rows : ndarray of int, shape (atom,)
        Histogram of each value that many draws have, rising.
    atom_values : ndarray, shape (atom,)
        These values.
    """

    rows: Mapping[str, IntArray]
    low: FloatArray
    width: FloatArray
    atom_rows: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    atom_values: FloatArray = field(default_factory=lambda: np.empty(0))

    @cached_property
    def picked(self) -> dict[str, tuple[IntArray, slice]]:
        """By variable the places of its cells that have a histogram, and these histograms."""
        found = {}
        for name, rows in self.rows.items():
            at = np.flatnonzero(rows.reshape(-1) >= 0)
            first = int(rows.reshape(-1)[at[0]])
            found[name] = (at, slice(first, first + at.size))
        return found

    def pick(self, name: str, cells: FloatArray, out: FloatArray) -> None:
        """
        Take what has a histogram from the cells of a variable.

        Parameters
        ----------
        name : str
            Variable.
        cells : ndarray, shape (cell, draw)
            Its cells, sums over labels included.
        out : ndarray, shape (histogram, draw)
            Gets them.
        """
        if name in self.picked:
            at, rows = self.picked[name]
            cells.take(at, axis=0, out=out[rows], mode="clip")  # "raise" would copy first

    def snap(self, cells: FloatArray) -> None:
        """
        Give draws in single precision that are an atom but for rounding its value.

        Parameters
        ----------
        cells : ndarray, shape (histogram, draw)
            What was picked; changed in place.
        """
        for row, value in zip(self.atom_rows.tolist(), self.atom_values.tolist(), strict=True):
            own = cells[row]
            own[np.abs(own - value) <= SINGLE * abs(value)] = value

    def edges(self, row: int) -> FloatArray:
        """Return the edges between the columns of a histogram, rising, shape (COLUMNS - 1,)."""
        tail = BINS * (2.0 ** (np.arange(1, TAIL_BINS) / BY_DOUBLING) - 1.0)
        at = np.concatenate([-tail[::-1], np.arange(BINS + 1.0), BINS + tail])
        return np.asarray(self.low[row] + at * self.width[row])

    def only(self, names: Collection[str]) -> Layout:
        """Return the layout of some of its variables."""
        rows: dict[str, IntArray] = {}
        chosen = [np.empty(0, dtype=np.int64)]
        first = 0
        for name, numbers in self.rows.items():
            if name in names:
                old = numbers[numbers >= 0]
                rows[name] = np.full(numbers.shape, -1, dtype=np.int64)
                rows[name][numbers >= 0] = np.arange(first, first + old.size)
                first += old.size
                chosen.append(old)
        every = np.concatenate(chosen)
        new = np.full(self.low.size, -1, dtype=np.int64)
        new[every] = np.arange(every.size)
        atoms = new[self.atom_rows]
        stay = atoms >= 0
        return Layout(rows, self.low[every], self.width[every], atoms[stay], self.atom_values[stay])


#: Nothing has a histogram.
NO_LAYOUT = Layout({}, np.empty(0), np.empty(0))


def layout_of(plan: Plan) -> Layout:
    """
    Lay out the histograms of a plan: of its claims and of all of `result.data` that has years.

    Parameters
    ----------
    plan : Plan
        Compiled scenario; a few lanes of it, hypercubes that no run uses, give edges and atoms.

    Returns
    -------
    Layout
    """
    rows: dict[str, IntArray] = {}
    pieces: list[FloatArray] = []
    sampler = Sampler(PILOT, plan.inputs.names, "lhs", plan.dimensions)
    uniforms = np.empty((len(plan.inputs.names), LANE))
    # here, since what counts in a layout's bins is one of the kernels of a workspace
    from reesupply.engine.workspace import workspace_of

    with ONE_BLAS_THREAD, workspace_of(plan) as workspace:
        for number in range(PILOT_LANES):
            lane = plan.run_lane(sampler.lane(number, uniforms), workspace=workspace)
            summed = {name: with_sums(name, lane[name], plan.heavy) for name in (*DATA, CLAIMS)}
            rows = rows or _rows(plan, summed)
            pieces.append(np.concatenate([summed[name][at >= 0] for name, at in rows.items()]))
    return layout_from(rows, np.concatenate(pieces, axis=1))


def layout_from(rows: Mapping[str, IntArray], pilot: FloatArray) -> Layout:
    """
    Lay out histograms from draws that are not those of the run.

    Parameters
    ----------
    rows : mapping of str to ndarray of int
        Histogram of each cell of each variable; see `Layout`.
    pilot : ndarray, shape (histogram, draw)
        Draws.

    Returns
    -------
    Layout
    """
    pilot = np.sort(pilot, axis=1)
    low, high = np.quantile(pilot, (TAIL, 1.0 - TAIL), axis=1)
    # a cell that hardly varies in the pilot may do so in a run
    size = np.maximum(high - low, 1e-6 * np.maximum(np.abs(low), 1.0))
    low, width = low - BEYOND * size, (1.0 + 2.0 * BEYOND) * size / BINS
    atoms = [_atoms(draws, ROUNDING * step) for draws, step in zip(pilot, width, strict=True)]
    # an edge beside an atom would part draws that are equal but for rounding
    low += width * [
        _gap((each - start) / step) for each, start, step in zip(atoms, low, width, strict=True)
    ]
    return Layout(
        rows,
        low,
        width,
        np.repeat(np.arange(low.size), [each.size for each in atoms]),
        np.concatenate([np.empty(0), *atoms]),
    )


def _rows(plan: Plan, summed: Mapping[str, FloatArray]) -> dict[str, IntArray]:
    """Give each cell that has a histogram its number."""
    rows: dict[str, IntArray] = {}
    first = 0
    for name, array in summed.items():
        chosen = _chosen(plan, name, array.shape[:-1])
        if chosen.any():
            rows[name] = np.full(chosen.shape, -1, dtype=np.int64)
            rows[name][chosen] = np.arange(first, first + chosen.sum())
            first += int(chosen.sum())
    return rows


def _chosen(plan: Plan, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Which cells of a variable have a histogram."""
    if name == CLAIMS or name in EVERY_YEAR:
        return np.ones(shape, dtype=np.bool_)
    dims = DATA[name].dims
    if YEAR not in dims:
        return np.zeros(shape, dtype=np.bool_)
    years = np.isin(plan.years, (plan.years[0], MILESTONE, plan.years[-1]))
    wide = years.reshape([-1 if dim == YEAR else 1 for dim in dims])
    return np.broadcast_to(wide, shape).copy()


def to_columns(at: FloatArray) -> tuple[IntArray, FloatArray]:
    """
    Turn distances from the lowest edge into columns.

    Parameters
    ----------
    at : ndarray
        Distance in bins; becomes a number whose integer part is the column less `TAIL_BINS`.

    Returns
    -------
    outside : ndarray of int
        Where in the flat array something lies beyond the even bins.
    beyond : ndarray
        How far, in bins; below them it is negative.
    """
    flat = at.reshape(-1)
    outside = np.flatnonzero((flat < 0.0) | (flat >= BINS))
    far = flat[outside]
    low = far < 0.0
    beyond = np.where(low, far, far - BINS)
    step = np.floor(BY_DOUBLING * np.log2(1.0 + np.abs(beyond) / BINS))
    step = np.minimum(step, TAIL_BINS - 1.0)
    flat[outside] = np.where(low, -1.0 - step, BINS + step)
    return outside, beyond


def _atoms(draws: FloatArray, reach: float) -> FloatArray:
    """Values that several draws, which are sorted, have but for rounding; the commonest ones."""
    near = draws[ATOM - 1 :] - draws[: 1 - ATOM] <= reach
    if not near.any():
        return np.empty(0)
    steps = np.diff(near.astype(np.int8), prepend=0, append=0)
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) + ATOM - 2
    common = np.sort(np.argsort(first - last, kind="stable")[:ATOMS])
    values = (draws[first] + draws[last])[common] / 2.0
    # one that is hardly apart from another would share its draws
    return np.asarray(values[np.diff(values, prepend=-np.inf) > 3.0 * reach])


def _gap(places: FloatArray) -> float:
    """Middle of the widest gap between atoms, whose places are in bins; how far edges move."""
    if not places.size:
        return 0.0
    parts = np.sort(places % 1.0)
    gaps = np.diff(parts, append=parts[0] + 1.0)
    widest = int(gaps.argmax())
    return float((parts[widest] + gaps[widest] / 2.0) % 1.0)
