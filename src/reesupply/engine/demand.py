"""Compile and run demand by end use, its past, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import Distribution
from reesupply.engine.inputs import Cells, InputBuilder
from reesupply.errors import ScenarioError, nearest
from reesupply.models.demand import along_anchors, magnet_oxide
from reesupply.scenario.checks import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.scenario import Scenario
    from reesupply.scenario.cells import Value

    FloatArray = npt.NDArray[np.float64]


#: Years after the base year at which the anchor persistence holds; not the horizon of a run, so
#: that a longer run has the same years.
PERSISTENCE_YEARS = 11


@dataclass(frozen=True, slots=True)
class _Path:
    """A parameter along its anchor years, at one quantile per draw."""

    cells: Cells
    anchors: tuple[int, ...]
    years: tuple[int, ...]

    def run(self, values: FloatArray) -> FloatArray:
        return along_anchors(self.cells.fill(values), self.anchors, self.years)


@dataclass(frozen=True, slots=True)
class Demanded:
    """
    Demand of a lane before it is scaled to the base year.

    Attributes
    ----------
    contained : ndarray, shape (end_use, element, year, draw)
        Oxide in finished goods [t/yr].
    gross : ndarray, shape (end_use, element, year, draw)
        Oxide bought by makers [t/yr].
    yield_ : ndarray, shape (year, draw)
        Oxide in finished goods per oxide bought, where the making leaves process scrap.
    making_outside, use_outside : ndarray, shape (year, draw)
        Shares outside China of making and of use.
    """

    contained: FloatArray
    gross: FloatArray
    yield_: FloatArray
    making_outside: FloatArray
    use_outside: FloatArray


@dataclass(frozen=True, slots=True)
class DemandPlan:
    """
    End uses of a scenario.

    Attributes
    ----------
    ids : tuple of str
        End uses in the order of the axis.
    """

    ids: tuple[str, ...]
    years: tuple[int, ...]
    process_loss: npt.NDArray[np.bool_]
    scaled: npt.NDArray[np.bool_]
    _paths: Mapping[tuple[str, str], _Path]
    _magnet: tuple[bool, ...]
    _tonnes: tuple[float, ...]
    _elements: tuple[str, ...]
    _oxide_per_metal: tuple[float, ...]

    def run(self, values: FloatArray) -> Demanded:
        """Return unscaled demand of a lane."""
        shape = (len(self.ids), len(self._elements), len(self.years), values.shape[1])
        contained = np.empty(shape)
        for index, name in enumerate(self.ids):
            for element, symbol in enumerate(self._elements):
                if not self._magnet[index]:
                    oxide = self._paths.get((name, f"{symbol.lower()}_oxide"))
                    contained[index, element] = 0.0 if oxide is None else oxide.run(values)
            if self._magnet[index]:
                self._fill_magnets(index, values, contained[index])
        yield_ = self._paths[ALL, "yield"].run(values)
        gross = contained.copy()
        gross[self.process_loss] /= yield_
        return Demanded(
            contained,
            gross,
            yield_,
            self._paths[ALL, "making_share"].run(values),
            self._paths[ALL, "use_share"].run(values),
        )

    def _fill_magnets(self, index: int, values: FloatArray, out: FloatArray) -> None:
        name = self.ids[index]
        magnets = self._paths[name, "activity"].run(values) * self._tonnes[index]
        for parameter in ("pm_share", "magnet_mass"):
            path = self._paths.get((name, parameter))
            if path is not None:
                magnets *= path.run(values)
        for element, symbol in enumerate(self._elements):
            fraction = self._paths.get((name, f"{symbol.lower()}_fraction"))
            if fraction is None:
                out[element] = 0.0
            else:
                out[element] = magnet_oxide(
                    magnets, fraction.run(values), self._oxide_per_metal[element]
                )


def compile_demand(scenario: Scenario, builder: InputBuilder) -> DemandPlan:
    """
    Compile the end uses.

    Parameters
    ----------
    scenario : Scenario
        Its end uses, trajectories and elements.
    builder : InputBuilder
        Collects the inputs.

    Returns
    -------
    DemandPlan

    Raises
    ------
    ScenarioError
        If a parameter that demand needs is missing or unknown.
    """
    rows = scenario.rows("end_uses")
    paths = compile_paths(scenario, "trajectories", builder)
    by_use = {(use, parameter): path for (use, parameter, _), path in paths.items()}
    _check_parameters(scenario, by_use)
    elements = scenario.rows("elements")
    return DemandPlan(
        tuple(row.id for row in rows),
        scenario.years,
        np.array([row.process_loss for row in rows]),
        np.array([row.scaled for row in rows]),
        by_use,
        tuple(row.kind == "magnet" for row in rows),
        tuple(row.tonnes for row in rows),
        tuple(row.id for row in elements),
        tuple(row.oxide_per_metal for row in elements),
    )


def compile_paths(
    scenario: Scenario, table: str, builder: InputBuilder
) -> dict[tuple[str, str, str], _Path]:
    """Compile a table of anchor years into paths by (end use, parameter, bloc)."""
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for row in scenario.rows(table):
        groups.setdefault((row.end_use, row.parameter, row.bloc), []).append(row)
    paths = {}
    for key, rows in groups.items():
        rows.sort(key=lambda row: row.year)
        name = ".".join((table, *key))
        keep = _persistence(scenario, [row.year for row in rows], rows[0].value)
        cells = Cells(builder.path(name, [row.value for row in rows], rows[0].unit, keep))
        paths[key] = _Path(cells, tuple(row.year for row in rows), scenario.years)
    return paths


def _persistence(scenario: Scenario, years: list[int], first: Value) -> list[float]:
    """
    How much of today's quantile each anchor year keeps.

    1 up to the base year, falling linearly to the anchor persistence 11 years later and on, not
    below 0. Where the level of today is a number all that is uncertain is change.
    """
    if not isinstance(first, Distribution):
        return [0.0] * len(years)
    anchors = {row.id: row.value for row in scenario.rows("anchors")}
    loss = (1.0 - parameter(anchors["persistence"])) / PERSISTENCE_YEARS
    return [float(np.clip(1.0 - loss * (y - scenario.years[0]), 0.0, 1.0)) for y in years]


def parameter(value: Value) -> float:
    """Read a parameter that is the same in all draws; a distribution counts with its median."""
    return value.median if isinstance(value, Distribution) else value


def _check_parameters(scenario: Scenario, paths: Mapping[tuple[str, str], _Path]) -> None:
    symbols = [name.lower() for name in scenario.elements]
    magnet = ["activity", "pm_share", "magnet_mass", *(f"{s}_fraction" for s in symbols)]
    oxide = [f"{s}_oxide" for s in symbols]
    allowed = {
        row.id: magnet if row.kind == "magnet" else oxide for row in scenario.rows("end_uses")
    }
    allowed[ALL] = ["yield", "making_share", "use_share"]
    for use, parameter in paths:
        if parameter not in allowed[use]:
            hint = nearest(parameter, allowed[use])
            msg = f"trajectories.{use}: found the parameter {parameter!r}, which is unknown; {hint}"
            raise ScenarioError(msg)
    for use, names in allowed.items():
        needed = names if use == ALL else names[:1] if names is magnet else []
        for parameter in needed:
            if (use, parameter) not in paths:
                msg = f"trajectories.{use}: the parameter {parameter!r} is required, but missing"
                raise ScenarioError(msg)
