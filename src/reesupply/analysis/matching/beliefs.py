"""Shifts of single inputs as knobs of a scenario, by group, and back; scenario files of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from reesupply.analysis.drivers import chinese_rows, group_of
from reesupply.distributions import Distribution
from reesupply.engine.knobs import weights_of
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reesupply.scenario import Scenario

#: Group of the shares of the world that are outside China, which claims about the West turn on.
PLACES = "where goods are made and used"
#: Ids of the knobs that hold shifts begin so; the rest is the group.
PREFIX = "agree-"
_PLACES = re.compile(r"trajectories\.all\.(use|making)_share\.")
_WEIGHT, _SHIFT = 4, 4


def grouped(scenario: Scenario, shifts: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """
    Sort shifts by group.

    Parameters
    ----------
    scenario : Scenario
        Has the projects and the factors.
    shifts : mapping of str to float
        Input to shift.

    Returns
    -------
    dict of str to dict of str to float
        Group of `reesupply.analysis.drivers` to input to shift. A named factor is in the group of
        the inputs that load on it most.
    """
    chinese = chinese_rows(scenario)
    factors: dict[str, tuple[float, str]] = {}
    for row in scenario.rows("factors"):
        best = factors.get(row.factor, (0.0, ""))
        if abs(row.loading) > best[0]:
            factors[row.factor] = (abs(row.loading), group_of(row.input, chinese))
    found: dict[str, dict[str, float]] = {}
    for name, shift in shifts.items():
        table, _, rest = name.partition(".")
        if table == "factors":
            group = factors[rest][1]
        else:
            group = PLACES if _PLACES.match(name) else group_of(name, chinese)
        found.setdefault(group, {})[name] = shift
    return found


def shifted(scenario: Scenario, shifts: Mapping[str, float]) -> Scenario:
    """
    Return a scenario with the centres of inputs shifted, one knob for each group.

    Parameters
    ----------
    scenario : Scenario
        None of its knobs is turned.
    shifts : mapping of str to float
        Input to shift of its own normal number [sd].

    Returns
    -------
    Scenario
        Rounded to four decimals.
    """
    changes: dict[str, dict[str, object]] = {}
    for group, members in grouped(scenario, shifts).items():
        knob = knob_id(group)
        length = float(np.sqrt(sum(shift**2 for shift in members.values())))
        changes[f"knobs.{knob}"] = {
            "name": group,
            "shift": round(length, _SHIFT),
            "source": "assumption",
            "confidence": "low",
        }
        for name, shift in members.items():
            weight = round(shift / length, _WEIGHT)
            if weight:
                changes[f"knob_inputs.{knob}.{name}"] = {
                    "weight": weight,
                    "source": "assumption",
                    "confidence": "low",
                }
    return scenario.replace(changes)


def knob_id(group: str) -> str:
    """Return the id of the knob that holds the shifts of a group."""
    return PREFIX + re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")


def moved_inputs(base: Scenario, scenario: Scenario, names: Sequence[str]) -> dict[str, float]:
    """
    Return the shift of each input that a scenario's knobs move.

    Parameters
    ----------
    base : Scenario
        The scenario before.
    scenario : Scenario
        The same with its knobs turned.
    names : sequence of str
        Inputs of the plan.

    Returns
    -------
    dict of str to float
        Input to shift [sd].

    Raises
    ------
    ReesupplyError
        If the two differ by more than their knobs, or a knob is drawn.
    """
    for table in base.tables:
        if table not in ("knobs", "knob_inputs") and base.tables[table] != scenario.tables[table]:
            msg = f"found scenarios that differ in {table}, allowed are their knobs alone"
            raise ReesupplyError(msg)
    turned = {row.id: row.shift for row in scenario.rows("knobs") if row.shift != 0.0}
    for knob, shift in turned.items():
        if isinstance(shift, Distribution):
            msg = f"knobs.{knob}.shift: found {shift}, allowed is a number"
            raise ReesupplyError(msg)
    weights = weights_of(scenario, names, list(turned))
    return {
        name: float(turned[knob]) * weight
        for knob, found in weights.items()
        for name, weight in found.items()
    }


def toml(scenario: Scenario, *, title: str, comment: str) -> str:
    """
    Write the knobs of a scenario as a scenario file on the baseline.

    Parameters
    ----------
    scenario : Scenario
        With knobs of `shifted`.
    title : str
        Title of the scenario.
    comment : str
        Lines that stand at the top.

    Returns
    -------
    str
    """
    lines = [*(f"# {line}".rstrip() for line in comment.splitlines())]
    lines += ['base = "baseline"', f'title = "{title}"']
    for row in scenario.rows("knobs"):
        if not row.id.startswith(PREFIX):
            continue
        lines += ["", f"[knobs.{row.id}]", f'name = "{row.name}"', f"shift = {row.shift:g}"]
        lines += ['source = "assumption"', 'confidence = "low"']
        lines += ["", f"[knob_inputs.{row.id}]"]
        own = [one for one in scenario.rows("knob_inputs") if one.knob == row.id]
        for one in sorted(own, key=lambda each: -abs(each.weight)):
            cells = f'weight = {one.weight:g}, source = "assumption", confidence = "low"'
            lines.append(f'"{one.input}" = {{ {cells} }}')
    return "\n".join(lines) + "\n"
