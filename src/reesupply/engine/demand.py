"""Compile and run demand by end use, its past, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import Normal
from reesupply.engine.inputs import Cells, InputBuilder
from reesupply.engine.paths import Paths, compile_paths
from reesupply.errors import ScenarioError, nearest
from reesupply.models.demand import magnet_oxide, place_shares
from reesupply.models.growth import grown, growth_error
from reesupply.scenario.checks import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    Drawn = Mapping[tuple[str, str], FloatArray]  # paths of a lane by end use and parameter


#: Magnet mass of one technology, and its share of the goods with such magnets.
MASS_OF, SPLIT_OF = "magnet_mass_", "split_"
#: Parameters of all goods or of one end use that are given for a bloc; all others for the world.
OUTSIDE = ("making_share", "use_share", "making_ratio", "use_ratio")


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
            np.array(self.fitted, dtype=values.dtype),
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
    stored: npt.NDArray[np.bool_]
    _paths: Paths
    _growth: Mapping[str, _Growth]
    _technologies: Mapping[str, tuple[str, ...]]
    _magnet: tuple[bool, ...]
    _tonnes: tuple[float, ...]
    _elements: tuple[str, ...]
    _oxide_per_metal: tuple[float, ...]
    _pair: tuple[int, ...]

    def run(self, values: FloatArray, out: Workspace) -> Demanded:
        """Return demand of a lane; the variables by end use in `out` are not yet scaled."""
        draws = values.shape[1]
        shape = (len(self.ids), len(self._elements), len(self.years), draws)
        contained, gross = (out.room(f"end_use.{name}", *shape) for name in ("contained", "demand"))
        yearly = (len(self.ids), len(self.years), draws)
        activity, magnets = (
            out.room(f"end_use.{name}", *yearly) for name in ("activity", "magnets")
        )
        paths = {(use, name): path for (use, name, _), path in self._paths.run(values, out).items()}
        yield_ = paths[ALL, "yield"]
        for index, name in enumerate(self.ids):
            if self._magnet[index]:
                activity[index] = self._activity(name, paths, values)
                per_unit = self._magnets_per_unit(name, paths) * self._tonnes[index]
                np.multiply(activity[index], per_unit, out=magnets[index])
            for element, symbol in enumerate(self._elements):
                contained[index, element] = self._oxide(index, element, symbol, magnets, paths)
            per_bought = yield_ if self.process_loss[index] else 1.0
            np.divide(contained[index], per_bought, out=gross[index])
        weight = np.add.reduce([gross[:, element] for element in self._pair])
        return Demanded(
            contained,
            gross,
            yield_,
            self._outside("making", weight, paths),
            self._outside("use", weight, paths),
            activity,
            magnets,
        )

    def _activity(self, name: str, paths: Drawn, values: FloatArray) -> FloatArray:
        path = paths[name, "activity"]
        return self._growth[name].run(path, values) if name in self._growth else path

    def _oxide(
        self, index: int, element: int, symbol: str, magnets: FloatArray, paths: Drawn
    ) -> FloatArray | float:
        """Oxide of an element in goods, from their magnets or as given."""
        magnet = self._magnet[index]
        parameter = f"{symbol.lower()}_fraction" if magnet else f"{symbol.lower()}_oxide"
        path = paths.get((self.ids[index], parameter))
        if path is None:
            return 0.0
        if not magnet:
            return path
        return magnet_oxide(magnets[index], path, self._oxide_per_metal[element])

    def _magnets_per_unit(self, name: str, paths: Drawn) -> FloatArray | float:
        """Share with such magnets times their mass; 1 where neither is given."""
        share = paths.get((name, "pm_share"), 1.0)
        if name in self._technologies:
            return share * self._mass_by_technology(name, paths)
        return share * paths.get((name, "magnet_mass"), 1.0)

    def _mass_by_technology(self, name: str, paths: Drawn) -> FloatArray:
        """Mean magnet mass; the last technology has what the splits of the others leave."""
        *others, last = self._technologies[name]
        rest = paths[name, f"{MASS_OF}{last}"]
        mean, left = np.zeros_like(rest), np.ones_like(rest)
        for one in others:
            part = np.minimum(paths[name, f"{SPLIT_OF}{one}"], left)
            mean += part * paths[name, f"{MASS_OF}{one}"]
            left -= part
        return np.asarray(mean + left * rest)

    def _outside(self, place: str, weight: FloatArray, paths: Drawn) -> FloatArray:
        """Share outside China of making or use, by end use."""
        total = paths[ALL, f"{place}_share"]
        ratios = [paths.get((name, f"{place}_ratio")) for name in self.ids]
        if all(ratio is None for ratio in ratios):
            return np.broadcast_to(total, weight.shape)
        ratio = np.ones_like(weight)
        for row, path in zip(ratio, ratios, strict=True):
            if path is not None:
                row[...] = path
        return place_shares(total, ratio, weight)


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
    _check_parameters(scenario, paths)
    by_use = {(use, parameter): None for use, parameter, _ in paths.anchors}
    elements = scenario.rows("elements")
    growth = {row.end_use: _compile_growth(scenario, row, builder) for row in _erring(scenario)}
    return DemandPlan(
        tuple(row.id for row in rows),
        scenario.years,
        np.array([row.process_loss for row in rows]),
        np.array([row.stored for row in rows]),
        paths,
        growth,
        {row.id: found for row in rows if (found := _technologies(row.id, by_use))},
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
        row.increments,
        Cells([builder.cell(f"growth.{row.series}.drift", normal)]),
        Cells([builder.cell(f"{shock}.{year}", normal) for year in range(row.since + 1, last + 1)]),
        None if row.ceiling is None else Cells([builder.cell(ceiling, row.ceiling)]),
        row.since + 1 - first,
    )


def _technologies(use: str, paths: Mapping[tuple[str, str], object]) -> tuple[str, ...]:
    """Technologies of an end use, those with a split first."""
    masses = [p.removeprefix(MASS_OF) for u, p in paths if u == use and p.startswith(MASS_OF)]
    splits = [p.removeprefix(SPLIT_OF) for u, p in paths if u == use and p.startswith(SPLIT_OF)]
    return tuple(sorted(masses, key=lambda one: one not in splits))


def _check_parameters(scenario: Scenario, paths: Paths) -> None:
    symbols = [name.lower() for name in scenario.elements]
    places = ["making_ratio", "use_ratio"]
    magnet = ["activity", "pm_share", "magnet_mass", *(f"{s}_fraction" for s in symbols), *places]
    oxide = [*(f"{s}_oxide" for s in symbols), *places]
    allowed = {
        row.id: magnet if row.kind == "magnet" else oxide for row in scenario.rows("end_uses")
    }
    allowed[ALL] = ["yield", "making_share", "use_share"]
    for use, parameter, bloc in paths.anchors:
        of_one = allowed[use] is magnet and parameter.startswith((MASS_OF, SPLIT_OF))
        if parameter not in allowed[use] and not of_one:
            hint = nearest(parameter, allowed[use])
            msg = f"trajectories.{use}: found the parameter {parameter!r}, which is unknown; {hint}"
            raise ScenarioError(msg)
        needed = "ex_china" if parameter in OUTSIDE else "world"
        if bloc != needed:
            msg = f"trajectories.{use}.{parameter}: found the bloc {bloc!r}, allowed is {needed!r}"
            raise ScenarioError(msg)
    by_use = {(use, parameter): None for use, parameter, _ in paths.anchors}
    for use, names in allowed.items():
        for parameter in names if use == ALL else names[:1] if names is magnet else []:
            if (use, parameter) not in by_use:
                msg = f"trajectories.{use}: the parameter {parameter!r} is required, but missing"
                raise ScenarioError(msg)
        _check_technologies(use, by_use)


def _check_technologies(use: str, paths: Mapping[tuple[str, str], object]) -> None:
    """Magnet mass is given for all goods, or by technology with a split of all but one."""
    masses = {p.removeprefix(MASS_OF) for u, p in paths if u == use and p.startswith(MASS_OF)}
    splits = {p.removeprefix(SPLIT_OF) for u, p in paths if u == use and p.startswith(SPLIT_OF)}
    if not masses and not splits:
        return
    if (use, "magnet_mass") in paths:
        msg = f"trajectories.{use}: found magnet_mass for all and by technology, allowed is one"
        raise ScenarioError(msg)
    if not (splits < masses and len(masses - splits) == 1):
        found = ", ".join(sorted(f"{SPLIT_OF}{one}" for one in splits)) or "no split"
        names = ", ".join(sorted(f"{MASS_OF}{one}" for one in masses)) or "no mass"
        msg = (
            f"trajectories.{use}: found {names} and {found}, allowed is one magnet_mass for each "
            "technology and a split for all of them but one"
        )
        raise ScenarioError(msg)
