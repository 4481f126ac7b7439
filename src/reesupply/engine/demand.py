"""Compile and run demand by end use, its past, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import Discrete, Distribution, Normal
from reesupply.engine.inputs import Cells, InputBuilder, Ref, in_all_draws
from reesupply.errors import ScenarioError, nearest
from reesupply.models.demand import anchor_weights, magnet_oxide, place_shares
from reesupply.models.growth import grown, growth_error
from reesupply.scenario.checks import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario
    from reesupply.scenario.cells import Value

    FloatArray = npt.NDArray[np.float64]


#: Years after the base year at which the anchor persistence holds; not the horizon of a run, so
#: that a longer run has the same years.
PERSISTENCE_YEARS = 11
#: Magnet mass of one technology, and its share of the goods with such magnets.
MASS_OF, SPLIT_OF = "magnet_mass_", "split_"
#: Parameters of all goods or of one end use that are given for a bloc; all others for the world.
OUTSIDE = ("making_share", "use_share", "making_ratio", "use_ratio")


@dataclass(frozen=True, slots=True)
class _Path:
    """A parameter along its anchor years, at one quantile per draw."""

    cells: Cells
    anchors: tuple[int, ...]
    weights: FloatArray

    def run(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.matmul(self.weights, self.cells.fill(values)))


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
    stored: npt.NDArray[np.bool_]
    _paths: Mapping[tuple[str, str], _Path]
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
        yield_ = self._paths[ALL, "yield"].run(values)
        for index, name in enumerate(self.ids):
            if self._magnet[index]:
                activity[index] = self._activity(name, values)
                per_unit = self._magnets_per_unit(name, values) * self._tonnes[index]
                np.multiply(activity[index], per_unit, out=magnets[index])
            for element, symbol in enumerate(self._elements):
                contained[index, element] = self._oxide(index, element, symbol, magnets, values)
            per_bought = yield_ if self.process_loss[index] else 1.0
            np.divide(contained[index], per_bought, out=gross[index])
        weight = np.add.reduce([gross[:, element] for element in self._pair])
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
        """Share with such magnets times their mass; 1 where neither is given."""
        share, mass = (self._paths.get((name, one)) for one in ("pm_share", "magnet_mass"))
        total = 1.0 if share is None else share.run(values)
        if name in self._technologies:
            return total * self._mass_by_technology(name, values)
        return total if mass is None else total * mass.run(values)

    def _mass_by_technology(self, name: str, values: FloatArray) -> FloatArray:
        """Mean magnet mass; the last technology has what the splits of the others leave."""
        *others, last = self._technologies[name]
        rest = self._paths[name, f"{MASS_OF}{last}"].run(values)
        mean, left = np.zeros_like(rest), np.ones_like(rest)
        for one in others:
            part = np.minimum(self._paths[name, f"{SPLIT_OF}{one}"].run(values), left)
            mean += part * self._paths[name, f"{MASS_OF}{one}"].run(values)
            left -= part
        return np.asarray(mean + left * rest)

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
    _check_parameters(scenario, paths)
    elements = scenario.rows("elements")
    growth = {row.end_use: _compile_growth(scenario, row, builder) for row in _erring(scenario)}
    return DemandPlan(
        tuple(row.id for row in rows),
        scenario.years,
        np.array([row.process_loss for row in rows]),
        np.array([row.stored for row in rows]),
        by_use,
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


def compile_paths(
    scenario: Scenario, table: str, builder: InputBuilder
) -> dict[tuple[str, str, str], _Path]:
    """Compile a table of anchor years into paths by (end use, parameter, bloc)."""
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for row in scenario.rows(table):
        groups.setdefault((row.end_use, row.parameter, row.bloc), []).append(row)
    series = {row.end_use: f"growth.{row.series}" for row in scenario.rows("growth")}
    paths = {}
    for key, rows in groups.items():
        rows.sort(key=lambda row: row.year)
        name = ".".join((table, *key))
        _check_units(name, rows)
        followed = series.get(key[0], name) if key[1] == "activity" else name
        refs = _refs(scenario, name, f"{followed}.outlook", rows, builder)
        anchors = tuple(row.year for row in rows)
        paths[key] = _Path(Cells(refs), anchors, anchor_weights(anchors, scenario.years))
    return paths


def _refs(
    scenario: Scenario, name: str, outlook: str, rows: list[Any], builder: InputBuilder
) -> list[Ref]:
    """
    Cells of a path: ranges at the quantile of its level and change, outlooks by one of their own.

    Which of several outlooks comes true does not depend on the level of today, and is the same for
    all end uses that follow one series.
    """
    chosen = [isinstance(row.value, Discrete) for row in rows]
    ranges = [row for row, one in zip(rows, chosen, strict=True) if not one]
    outlooks = [row for row, one in zip(rows, chosen, strict=True) if one]
    keep = _persistence(scenario, [row.year for row in ranges], rows[0].value)
    unit = rows[0].unit
    of_range = iter(builder.path(name, [row.value for row in ranges], unit, keep))
    of_outlook = iter(builder.path(outlook, [row.value for row in outlooks], unit, shared=True))
    return [next(of_outlook if one else of_range) for one in chosen]


def _check_units(name: str, rows: list[Any]) -> None:
    for row in rows:
        if row.unit != rows[0].unit:
            msg = f"{name}.{row.year}: found the unit {row.unit!r}, allowed is {rows[0].unit!r}"
            raise ScenarioError(msg)


def _persistence(scenario: Scenario, years: list[int], first: Value) -> list[float]:
    """
    How much of today's quantile each anchor year keeps.

    1 up to the base year, falling linearly to the anchor persistence 11 years later and on, not
    below 0. Where the level of today is a number all that is uncertain is change.
    """
    if not isinstance(first, Distribution):
        return [0.0] * len(years)
    anchors = {row.id: row.value for row in scenario.rows("anchors")}
    loss = (1.0 - in_all_draws(anchors["persistence"])) / PERSISTENCE_YEARS
    return [float(np.clip(1.0 - loss * (y - scenario.years[0]), 0.0, 1.0)) for y in years]


def _technologies(use: str, paths: Mapping[tuple[str, str], object]) -> tuple[str, ...]:
    """Technologies of an end use, those with a split first."""
    masses = [p.removeprefix(MASS_OF) for u, p in paths if u == use and p.startswith(MASS_OF)]
    splits = [p.removeprefix(SPLIT_OF) for u, p in paths if u == use and p.startswith(SPLIT_OF)]
    return tuple(sorted(masses, key=lambda one: one not in splits))


def _check_parameters(scenario: Scenario, paths: Mapping[tuple[str, str, str], _Path]) -> None:
    symbols = [name.lower() for name in scenario.elements]
    places = ["making_ratio", "use_ratio"]
    magnet = ["activity", "pm_share", "magnet_mass", *(f"{s}_fraction" for s in symbols), *places]
    oxide = [*(f"{s}_oxide" for s in symbols), *places]
    allowed = {
        row.id: magnet if row.kind == "magnet" else oxide for row in scenario.rows("end_uses")
    }
    allowed[ALL] = ["yield", "making_share", "use_share"]
    for use, parameter, bloc in paths:
        of_one = allowed[use] is magnet and parameter.startswith((MASS_OF, SPLIT_OF))
        if parameter not in allowed[use] and not of_one:
            hint = nearest(parameter, allowed[use])
            msg = f"trajectories.{use}: found the parameter {parameter!r}, which is unknown; {hint}"
            raise ScenarioError(msg)
        needed = "ex_china" if parameter in OUTSIDE else "world"
        if bloc != needed:
            msg = f"trajectories.{use}.{parameter}: found the bloc {bloc!r}, allowed is {needed!r}"
            raise ScenarioError(msg)
    by_use = {(use, parameter): None for use, parameter, _ in paths}
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
