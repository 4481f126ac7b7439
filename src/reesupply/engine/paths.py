"""Parameters along anchor years: compiled from a table, drawn at one quantile through time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import Discrete, Distribution
from reesupply.engine.inputs import Cells, InputBuilder, Ref, in_all_draws
from reesupply.errors import ScenarioError
from reesupply.models.demand import anchor_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from reesupply.engine.workspace import Workspace
    from reesupply.scenario import Scenario
    from reesupply.scenario.cells import Value

    FloatArray = npt.NDArray[np.float64]

Key = tuple[str, str, str]  # end use, parameter, bloc

#: Years after the base year at which the anchor persistence holds; not the horizon of a run, so
#: that a longer run has the same years.
PERSISTENCE_YEARS = 11


class Paths:
    """
    Paths of a table, those that have the same anchor years together.

    Parameters
    ----------
    name : str
        Of the table.
    refs : mapping of (end use, parameter, bloc) to list of Ref
        Cells of each path.
    anchors : mapping of (end use, parameter, bloc) to tuple of int
        Their years.
    years : tuple of int
        Years of the run.

    Attributes
    ----------
    anchors : mapping of (end use, parameter, bloc) to tuple of int
        Anchor years of every path.
    """

    def __init__(
        self,
        name: str,
        refs: Mapping[Key, list[Ref]],
        anchors: Mapping[Key, tuple[int, ...]],
        years: Any,
    ) -> None:
        self.name, self.anchors = name, anchors
        self._groups: list[tuple[list[Key], FloatArray, Cells]] = []
        for found in dict.fromkeys(anchors.values()):
            keys = [key for key, one in anchors.items() if one == found]
            cells = Cells([ref for key in keys for ref in refs[key]])
            self._groups.append((keys, anchor_weights(found, years), cells))

    def run(self, values: FloatArray, workspace: Workspace) -> dict[Key, FloatArray]:
        """Return the paths of a lane, each (year, draw), in arrays that may be written."""
        paths: dict[Key, FloatArray] = {}
        draws = values.shape[1]
        for number, (keys, weights, cells) in enumerate(self._groups):
            years, anchors = weights.shape
            drawn = workspace.room(f"{self.name} {number}: cells", len(keys) * anchors, draws)
            cells.fill(values, out=drawn)
            found = workspace.room(f"{self.name} {number}: paths", len(keys), years, draws)
            fixed = weights.astype(found.dtype, copy=False)
            np.matmul(fixed, drawn.reshape(len(keys), anchors, draws), out=found)
            paths.update(zip(keys, found, strict=True))
        return paths


def compile_paths(scenario: Scenario, table: str, builder: InputBuilder) -> Paths:
    """Compile a table of anchor years into paths by (end use, parameter, bloc)."""
    groups: dict[Key, list[Any]] = {}
    for row in scenario.rows(table):
        groups.setdefault((row.end_use, row.parameter, row.bloc), []).append(row)
    series = {row.end_use: f"growth.{row.series}" for row in scenario.rows("growth")}
    refs: dict[Key, list[Ref]] = {}
    for key, rows in groups.items():
        rows.sort(key=lambda row: row.year)
        name = ".".join((table, *key))
        _check_units(name, rows)
        followed = series.get(key[0], name) if key[1] == "activity" else name
        refs[key] = _refs(scenario, name, f"{followed}.outlook", rows, builder)
    anchors = {key: tuple(row.year for row in rows) for key, rows in groups.items()}
    return Paths(table, refs, anchors, scenario.years)


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
