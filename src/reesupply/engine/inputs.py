"""
From the cells of a scenario to arrays of draws.

Compiling lists every uncertain cell as an input with one uniform number per draw. Running turns
the uniforms of a lane into standard normal numbers, turns the knobs, mixes in the named factors,
and takes quantiles. A cell that is a plain number costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from reesupply.distributions import Distribution, Uniform
from reesupply.engine.knobs import moves_of
from reesupply.engine.quantiles import Quantiles
from reesupply.engine.workspace import DOUBLE
from reesupply.errors import ScenarioError
from reesupply.scenario.checks import matching_loadings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from reesupply.engine.knobs import Move
    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario
    from reesupply.scenario.cells import Value

    FloatArray = npt.NDArray[np.float64]

#: The uniform number itself, for inputs that are not a cell.
UNIFORM = Uniform(0.0, 1.0)
#: Inputs at a time.
_ROWS = 32


@dataclass(frozen=True, slots=True)
class Input:
    """An uncertain input: its name, its loadings on factors, and the values it gives."""

    name: str
    unit: str
    loadings: tuple[tuple[str, float], ...]
    #: Row of the values in which its own value stands; -1: it is reported as its quantile.
    value_row: int


class Cells:
    """A column of cells, some numbers and some drawn; `fill` gives an array (cell, LANE)."""

    def __init__(self, refs: Sequence[float | Drawn]) -> None:
        self._constant = np.array([r if isinstance(r, float | int) else 0.0 for r in refs], float)
        drawn = [(i, r.row) for i, r in enumerate(refs) if isinstance(r, Drawn)]
        self._at = np.array([i for i, _ in drawn], dtype=np.intp)
        self._rows = np.array([row for _, row in drawn], dtype=np.intp)

    def fill(self, values: FloatArray, out: FloatArray | None = None) -> FloatArray:
        """Return the cells of a lane, shape (cell, draw)."""
        if out is None:
            out = np.empty((self._constant.size, values.shape[1]), dtype=values.dtype)
        out[...] = self._constant[:, np.newaxis]
        if self._at.size:
            out[self._at] = values[self._rows]
        return out


@dataclass(frozen=True, slots=True)
class Drawn:
    """Reference to a row of the drawn values."""

    row: int


Ref = float | Drawn


def in_all_draws(value: Value) -> float:
    """Read an anchor that is the same in all draws; the checks of a scenario refuse a range."""
    return float(cast("float", value))


class InputBuilder:
    """Collects the inputs of a scenario while its tables are compiled."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._loadings: tuple[Any, ...] = scenario.rows("factors")
        self._inputs: dict[str, Input] = {}
        self._cells: dict[str, Ref] = {}
        self._distributions: list[Distribution] = []
        self._sources: list[tuple[str, float]] = []

    def cell(self, name: str, value: Value, unit: str = "1") -> Ref:
        """
        Return a reference to a cell; an uncertain one becomes the input `name`.

        Asked for again it is the same cell, as the outcome of an integrated plant.
        """
        if not isinstance(value, Distribution):
            return float(value)
        if name not in self._cells:
            self._cells[name] = self.path(name, [value], unit)[0]
        return self._cells[name]

    def path(
        self,
        name: str,
        values: Sequence[Value],
        unit: str = "1",
        persistence: Sequence[float] | None = None,
        *,
        shared: bool = False,
    ) -> list[Ref]:
        """
        Return references to several cells of one row that are drawn together.

        They share one quantile per draw. With a `persistence` below 1 a cell's standard normal
        number is ``p z + sqrt(1 - p^2) z_change``, where z_change is a second input of the row,
        ``name.change``: what is known of the level today does not settle its future. A `shared`
        path has the quantile of all rows that give its name, each with cells of its own.
        """
        uncertain = [v for v in values if isinstance(v, Distribution)]
        if not uncertain:
            return [float(v) for v in values if not isinstance(v, Distribution)]
        single = len(values) == 1 and not shared
        keep = [1.0] * len(values) if persistence is None or single else persistence
        weights = [p for p, v in zip(keep, values, strict=True) if isinstance(v, Distribution)]
        if max(weights) > 0.0:
            row = len(self._distributions) if single else -1
            self._inputs[name] = Input(name, unit if single else "1", self._loaded(name), row)
        if min(weights) < 1.0:
            change = f"{name}.change"
            self._inputs[change] = Input(change, "1", self._loaded(change), -1)
        return [self._ref(name, value, p) for value, p in zip(values, keep, strict=True)]

    def _ref(self, name: str, value: Value, persistence: float) -> Ref:
        if not isinstance(value, Distribution):
            return float(value)
        self._distributions.append(value)
        self._sources.append((name, persistence))
        return Drawn(len(self._distributions) - 1)

    def build(self) -> InputPlan:
        """Return the plan of all inputs collected; knobs that are drawn are inputs too."""
        for knob in self._scenario.rows("knobs"):
            self.cell(f"knobs.{knob.id}.shift", knob.shift, "sd")
        factors = sorted({factor for i in self._inputs.values() for factor, _ in i.loadings})
        named = tuple(f"factors.{name}" for name in factors)
        return InputPlan(
            named,
            tuple(self._inputs.values()),
            Quantiles(self._distributions),
            tuple(self._sources),
            moves_of(self._scenario, (*named, *self._inputs)),
        )

    def _loaded(self, name: str) -> tuple[tuple[str, float], ...]:
        loadings = matching_loadings(self._loadings, name)
        total = sum(loading**2 for loading in loadings.values())
        if not total <= 1.0:
            msg = (
                f"factors: the squares of the loadings of {name} sum to {total:.3g}, "
                f"allowed is at most 1 ({', '.join(f'{f} {v:g}' for f, v in loadings.items())})"
            )
            raise ScenarioError(msg)
        return tuple(sorted(loadings.items()))


class InputPlan:
    """
    Every uncertain input of a plan.

    Attributes
    ----------
    names : tuple of str
        Inputs in the order of the rows of the uniforms: factors first.
    units : tuple of str
        Their units.
    """

    def __init__(
        self,
        factors: tuple[str, ...],
        inputs: tuple[Input, ...],
        quantiles: Quantiles,
        sources: tuple[tuple[str, float], ...],
        moves: tuple[Move, ...] = (),
    ) -> None:
        self._moves = moves
        self.names = (*factors, *(i.name for i in inputs))
        self.units = ("1",) * len(factors) + tuple(i.unit for i in inputs)
        self._quantiles = quantiles
        row_of = {name: row for row, name in enumerate(self.names)}
        # row of the only number that a cell follows, its level unless only change is uncertain
        level = [row_of.get(name, -1) for name, _ in sources]
        change = [row_of.get(f"{name}.change", -1) for name, _ in sources]
        weight = np.array([weight for _, weight in sources])
        self._followed = np.where(weight > 0.0, level, change).astype(np.intp)
        self._both = np.flatnonzero((weight > 0.0) & (weight < 1.0))
        self._change = np.array(change, dtype=np.intp)[self._both]
        self._weight = weight[self._both][:, np.newaxis]
        self._value_row = np.array([-1] * len(factors) + [i.value_row for i in inputs])
        self._factors = len(factors)
        mix = np.zeros((len(inputs), len(factors)))
        for row, one in enumerate(inputs):
            for factor, loading in one.loadings:
                mix[row, factors.index(f"factors.{factor}")] = loading
        self._loaded = len(factors) + np.flatnonzero(mix.any(axis=1))
        self._own = np.sqrt(np.maximum(1.0 - (mix**2).sum(axis=1), 0.0))[:, np.newaxis]
        self._own = self._own[self._loaded - len(factors)]
        # by factor: the rows that follow it, and their loadings
        follow = [np.flatnonzero(column) for column in mix.T]
        self._mixed = tuple(
            (len(factors) + at, mix[at, [factor]][:, np.newaxis])
            for factor, at in enumerate(follow)
        )

    def values(self, uniforms: FloatArray, workspace: Workspace) -> tuple[FloatArray, FloatArray]:
        """
        Turn the uniforms of a lane into values.

        Parameters
        ----------
        uniforms : ndarray, shape (input, LANE)
            Within the open interval (0, 1).
        workspace : Workspace
            Has room for them, and keeps the values in double precision as "values".

        Returns
        -------
        values : ndarray, shape (value, LANE)
            What the cells refer to, in the precision of the workspace.
        normals : ndarray, shape (input, LANE)
            Normal number of each input, knobs and factors mixed in; standard where none is turned.
        """
        z = _normals(uniforms, workspace)
        for move in self._moves:
            move.apply(z)
        # not a matrix product: its bits could depend on how many other inputs there are
        z[self._loaded] *= self._own
        for factor, (rows, loading) in enumerate(self._mixed):
            z[rows] += loading * z[factor]
        own = workspace.room("values", self._followed.size, z.shape[1], dtype=DOUBLE)
        z.take(self._followed, axis=0, out=own, mode="clip")  # "raise" would copy first
        own[self._both] *= self._weight
        own[self._both] += np.sqrt(1.0 - self._weight**2) * z[self._change]
        values = self._quantiles(own, out=own, kernels=workspace.kernels)
        return values.astype(workspace.dtype, copy=False), z

    def reported(
        self, values: FloatArray, normals: FloatArray, rows: npt.NDArray[np.intp]
    ) -> FloatArray:
        """Return what `result.inputs` holds: values, quantiles of paths, factors as they are."""
        from scipy.special import ndtr

        out = normals[rows]
        value_row = self._value_row[rows]
        path = np.flatnonzero((value_row < 0) & (rows >= self._factors))
        out[path] = ndtr(out[path])
        own = np.flatnonzero(value_row >= 0)
        out[own] = values[value_row[own]]
        return out


def _normals(uniforms: FloatArray, workspace: Workspace) -> FloatArray:
    """Return standard normal numbers, some rows at a time, which stay in the cache."""
    z = workspace.room("normals", *uniforms.shape, dtype=DOUBLE)
    work = np.empty((_ROWS, uniforms.shape[1]))
    place = np.empty(work.shape, dtype=np.intp)
    for first in range(0, len(uniforms), _ROWS):
        rows = slice(first, first + _ROWS)
        count = len(z[rows])
        workspace.kernels.normal_quantile(
            uniforms[rows], z[rows], place=place[:count], work=work[:count]
        )
    return z
