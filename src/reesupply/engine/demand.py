"""Compile and run demand by end use, its past, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import Discrete, Distribution, Normal
from reesupply.engine.inputs import Cells, InputBuilder, in_all_draws
from reesupply.errors import ScenarioError, nearest
from reesupply.models.demand import along_anchors, magnet_oxide, place_shares
from reesupply.models.growth import grown, growth_error
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
#: Parameters whose product is the magnet mass per unit of activity; with a suffix such as
#: "_direct" those of one technology.
PER_UNIT = ("pm_share", "magnet_mass")


@dataclass(frozen=True, slots=True)
class _Path:
    """A parameter along its anchor years, at one quantile per draw."""

    cells: Cells
    anchors: tuple[int, ...]
    years: tuple[int, ...]

    def run(self, values: FloatArray) -> FloatArray:
        return along_anchors(self.cells.fill(values), self.anchors, self.years)


@dataclass(frozen=True, slots=True)
class _Growth:
    """Error of the outlook of an end use, from the year after the last observed one."""

    volatility: Cells
    fitted: float
    drift: Cells
    shocks: Cells
    ceiling: Cells | None
    from_year: int  # index of the first year in error; negative if before the run

    def run(self, path: FloatArray, values: FloatArray) -> FloatArray:
        error = growth_error(
            self.volatility.fill(values)[0],
            self.drift.fill(values)[0],
            self.shocks.fill(values),
            np.array(self.fitted),
        )
        first = max(self.from_year, 0)
        ceiling = None if self.ceiling is None else self.ceiling.fill(values)[0]
        path[first:] = grown(path[first:], error[first - self.from_year :], ceiling)
        return path


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
    making_outside, use_outside : ndarray, shape (end_use, year, draw)
        Shares outside China of making and of use.
    activity, magnets : ndarray, shape (end_use, year, draw)
        Activity in the unit of the end use, and finished magnets [t/yr]; 0 where oxide is given.
    """

    contained: FloatArray
    gross: FloatArray
    yield_: FloatArray
    making_outside: FloatArray
    use_outside: FloatArray
    activity: FloatArray
    magnets: FloatArray


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
    _growth: Mapping[str, _Growth]
    _magnet: tuple[bool, ...]
    _tonnes: tuple[float, ...]
    _elements: tuple[str, ...]
    _oxide_per_metal: tuple[float, ...]
    _pair: tuple[int, ...]

    def run(self, values: FloatArray) -> Demanded:
        """Return unscaled demand of a lane."""
        shape = (len(self.ids), len(self._elements), len(self.years), values.shape[1])
        contained = np.empty(shape)
        activity, magnets = np.zeros((2, shape[0], *shape[2:]))
        for index, name in enumerate(self.ids):
            if self._magnet[index]:
                activity[index] = self._activity(name, values)
                per_unit = self._magnets_per_unit(name, values) * self._tonnes[index]
                np.multiply(activity[index], per_unit, out=magnets[index])
            for element, symbol in enumerate(self._elements):
                contained[index, element] = self._oxide(index, element, symbol, magnets, values)
        yield_ = self._paths[ALL, "yield"].run(values)
        gross = contained.copy()
        gross[self.process_loss] /= yield_
        weight = gross[:, list(self._pair)].sum(axis=1)
        return Demanded(
            contained,
            gross,
            yield_,
            self._outside("making", weight, values),
            self._outside("use", weight, values),
            activity,
            magnets,
        )

    def _activity(self, name: str, values: FloatArray) -> FloatArray:
        path = self._paths[name, "activity"].run(values)
        return self._growth[name].run(path, values) if name in self._growth else path

    def _oxide(
        self, index: int, element: int, symbol: str, magnets: FloatArray, values: FloatArray
    ) -> FloatArray | float:
        """Oxide of an element in goods, from their magnets or as given."""
        magnet = self._magnet[index]
        parameter = f"{symbol.lower()}_fraction" if magnet else f"{symbol.lower()}_oxide"
        path = self._paths.get((self.ids[index], parameter))
        if path is None:
            return 0.0
        if not magnet:
            return path.run(values)
        return magnet_oxide(magnets[index], path.run(values), self._oxide_per_metal[element])

    def _magnets_per_unit(self, name: str, values: FloatArray) -> FloatArray | float:
        """Share with such magnets times their mass, summed over technologies; 1 if not given."""
        total: FloatArray | float = 0.0
        kinds = [kind for use, parameter in self._paths if use == name for kind in _kind(parameter)]
        for kind in dict.fromkeys(kinds):
            part: FloatArray | float = 1.0
            for parameter in PER_UNIT:
                path = self._paths.get((name, parameter + kind))
                if path is not None:
                    part = part * path.run(values)
            total = total + part
        return total if kinds else 1.0

    def _outside(self, place: str, weight: FloatArray, values: FloatArray) -> FloatArray:
        """Share outside China of making or use, by end use."""
        total = self._paths[ALL, f"{place}_share"].run(values)
        ratios = {
            index: path
            for index, name in enumerate(self.ids)
            if (path := self._paths.get((name, f"{place}_ratio"))) is not None
        }
        if not ratios:
            return np.broadcast_to(total, weight.shape)
        ratio = np.ones_like(weight)
        for index, path in ratios.items():
            ratio[index] = path.run(values)
        return place_shares(total, ratio, weight)


def _kind(parameter: str) -> list[str]:
    """Suffix of the technology that a parameter per unit is of, "" for all; none otherwise."""
    return [parameter[len(p) :] for p in PER_UNIT if f"{parameter}_".startswith(f"{p}_")]


def compile_demand(scenario: Scenario, builder: InputBuilder) -> DemandPlan:
    """
    Compile the end uses.

    Parameters
    ----------
    scenario : Scenario
        Its end uses, trajectories, growth errors and elements.
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
    growth = {row.end_use: _compile_growth(scenario, row, builder) for row in _erring(scenario)}
    return DemandPlan(
        tuple(row.id for row in rows),
        scenario.years,
        np.array([row.process_loss for row in rows]),
        np.array([row.scaled for row in rows]),
        by_use,
        growth,
        tuple(row.kind == "magnet" for row in rows),
        tuple(row.tonnes for row in rows),
        tuple(row.id for row in elements),
        tuple(row.oxide_per_metal for row in elements),
        scenario.heavy,
    )


def _erring(scenario: Scenario) -> list[Any]:
    """Rows of growth whose error matters in the years of the run."""
    last = scenario.years[-1]
    return [row for row in scenario.rows("growth") if row.volatility != 0.0 and row.since < last]


def _compile_growth(scenario: Scenario, row: Any, builder: InputBuilder) -> _Growth:
    """Compile a row of growth; rows that follow one series err alike."""
    first, last = scenario.years[0], scenario.years[-1]
    shock = f"growth.{row.series}.shock"
    normal = Normal(0.0, 1.0)
    ceiling = f"growth.{row.end_use}.ceiling"
    return _Growth(
        Cells([builder.cell(f"growth.{row.end_use}.volatility", row.volatility, "1/yr")]),
        row.years,
        Cells([builder.cell(f"growth.{row.series}.drift", normal)]),
        Cells([builder.cell(f"{shock}.{year}", normal) for year in range(row.since + 1, last + 1)]),
        None if row.ceiling is None else Cells([builder.cell(ceiling, row.ceiling)]),
        row.since + 1 - first,
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
        keep = _persistence(scenario, [row.year for row in rows], [row.value for row in rows])
        cells = Cells(builder.path(name, [row.value for row in rows], rows[0].unit, keep))
        paths[key] = _Path(cells, tuple(row.year for row in rows), scenario.years)
    return paths


def _persistence(scenario: Scenario, years: list[int], values: list[Value]) -> list[float]:
    """
    How much of today's quantile each anchor year keeps.

    1 up to the base year, falling linearly to the anchor persistence 11 years later and on, not
    below 0. Where the level of today is a number all that is uncertain is change, and which of
    several outlooks comes true does not depend on the level of today.
    """
    base = scenario.years[0]
    if not isinstance(values[0], Distribution):
        return [0.0] * len(years)
    anchors = {row.id: row.value for row in scenario.rows("anchors")}
    loss = (1.0 - in_all_draws(anchors["persistence"])) / PERSISTENCE_YEARS
    return [
        0.0
        if isinstance(value, Discrete) and year > base
        else float(np.clip(1.0 - loss * (year - base), 0.0, 1.0))
        for year, value in zip(years, values, strict=True)
    ]


def _check_parameters(scenario: Scenario, paths: Mapping[tuple[str, str], _Path]) -> None:
    symbols = [name.lower() for name in scenario.elements]
    places = ["making_ratio", "use_ratio"]
    magnet = ["activity", *PER_UNIT, *(f"{s}_fraction" for s in symbols), *places]
    oxide = [*(f"{s}_oxide" for s in symbols), *places]
    allowed = {
        row.id: magnet if row.kind == "magnet" else oxide for row in scenario.rows("end_uses")
    }
    allowed[ALL] = ["yield", "making_share", "use_share"]
    for use, parameter in paths:
        kind = _kind(parameter)
        plain = parameter.removesuffix(kind[0]) if kind else parameter
        if plain not in allowed[use]:
            hint = nearest(parameter, allowed[use])
            msg = f"trajectories.{use}: found the parameter {parameter!r}, which is unknown; {hint}"
            raise ScenarioError(msg)
    for use, names in allowed.items():
        needed = names if use == ALL else names[:1] if names is magnet else []
        for parameter in needed:
            if (use, parameter) not in paths:
                msg = f"trajectories.{use}: the parameter {parameter!r} is required, but missing"
                raise ScenarioError(msg)
        _check_technologies(use, [parameter for one, parameter in paths if one == use])


def _check_technologies(use: str, parameters: list[str]) -> None:
    """Magnets per unit are given for all goods, or as share and mass of each technology."""
    kinds = dict.fromkeys(kind for parameter in parameters for kind in _kind(parameter))
    if "" in kinds and len(kinds) > 1:
        found = ", ".join(f"{PER_UNIT[1]}{kind}" for kind in kinds)
        msg = f"trajectories.{use}: found {found}; allowed is one for all or one by technology"
        raise ScenarioError(msg)
    for kind in kinds:
        for parameter in PER_UNIT if kind else ():
            if parameter + kind not in parameters:
                missing = f"{parameter + kind!r}, but it is missing"
                msg = f"trajectories.{use}: a technology needs {missing}"
                raise ScenarioError(msg)
