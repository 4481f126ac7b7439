r"""
Knobs: one number that moves the centre of several inputs.

Each input is a standard normal number :math:`e_i` before named factors are mixed in. A knob with
shift m replaces it by :math:`e_i + m w_i`, with :math:`\sum w_i^2 = 1` over the inputs of the knob.
Spreads and dependence stay as they were. The inputs moved so have a relative entropy of
:math:`m^2 / 2` nats to the ones before, whatever their distributions, and as no input belongs to
two knobs that are turned, the entropies of knobs add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.distributions import Distribution
from reesupply.engine.quantiles import Quantiles
from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Move:
    """
    A knob that is turned.

    Attributes
    ----------
    rows : ndarray of int, shape (input,)
        Rows of the normal numbers that it moves.
    weights : ndarray, shape (input, 1)
        Their weights, of unit length.
    shift : float
        How far, where all draws have the same.
    drawn : tuple of int and Quantiles, or None
        Otherwise the row of its own normal number, and what turns that into a shift.
    """

    rows: IntArray
    weights: FloatArray
    shift: float
    drawn: tuple[int, Quantiles] | None

    def apply(self, z: FloatArray) -> None:
        """Move the normal numbers of a lane, shape (input, LANE), in place."""
        if self.drawn is None:
            z[self.rows] += self.weights * self.shift
            return
        row, quantiles = self.drawn
        z[self.rows] += self.weights * quantiles(z[[row]])


def weights_of(
    scenario: Scenario, names: Sequence[str], knobs: Sequence[str] | None = None
) -> dict[str, dict[str, float]]:
    """
    Return the weights of the inputs of knobs that are turned together.

    Parameters
    ----------
    scenario : Scenario
        Its tables knobs and knob_inputs; of several rows of a knob that match an input the last
        counts.
    names : sequence of str
        Inputs and factors of the plan.
    knobs : sequence of str, optional
        Which; all by default.

    Returns
    -------
    dict of str to dict of str to float
        Knob to input to weight, the squares of which sum to 1. Empty for a knob none of whose
        inputs is uncertain.

    Raises
    ------
    ScenarioError
        If an input belongs to two of them.
    """
    together = [row.id for row in scenario.rows("knobs")] if knobs is None else knobs
    rows = [row for row in scenario.rows("knob_inputs") if row.knob in together]
    weights: dict[str, dict[str, float]] = {knob: {} for knob in together}
    owner: dict[str, str] = {}
    for name in names:
        if name.startswith("knobs."):
            continue
        for row in rows:
            if not fnmatchcase(name, row.input):
                continue
            if owner.setdefault(name, row.knob) != row.knob:
                msg = (
                    f"knob_inputs.{row.knob}.{row.input}: found {name!r}, which the knob "
                    f"{owner[name]!r} moves already; allowed is one knob for each input"
                )
                raise ScenarioError(msg)
            weights[row.knob][name] = row.weight
    return {knob: _unit(found) for knob, found in weights.items()}


def _unit(weights: Mapping[str, float]) -> dict[str, float]:
    length = float(np.sqrt(sum(weight**2 for weight in weights.values())))
    return {name: weight / length for name, weight in weights.items()}


def moves_of(scenario: Scenario, names: Sequence[str]) -> tuple[Move, ...]:
    """
    Compile the knobs that are turned.

    Parameters
    ----------
    scenario : Scenario
        Validated.
    names : sequence of str
        Inputs of the plan in the order of their rows, knobs that are drawn among them.

    Returns
    -------
    tuple of Move

    Raises
    ------
    ScenarioError
        If an input belongs to two knobs that are turned, or a knob is turned that moves nothing.
    """
    turned = [knob for knob in scenario.rows("knobs") if knob.shift != 0.0]
    if not turned:
        return ()
    place = {name: row for row, name in enumerate(names)}
    weights = weights_of(scenario, names, [knob.id for knob in turned])
    return tuple(_move(knob, weights[knob.id], place) for knob in turned)


def _move(knob: Any, weights: Mapping[str, float], place: Mapping[str, int]) -> Move:
    if not weights:
        msg = (
            f"knobs.{knob.id}.shift: found {knob.shift}, but none of its inputs is uncertain in "
            "this scenario; allowed is 0"
        )
        raise ScenarioError(msg)
    rows = np.array([place[name] for name in weights], dtype=np.intp)
    column = np.array(list(weights.values()))[:, np.newaxis]
    if isinstance(knob.shift, Distribution):
        own = place[f"knobs.{knob.id}.shift"]
        return Move(rows, column, 0.0, (own, Quantiles([knob.shift])))
    return Move(rows, column, float(knob.shift), None)
