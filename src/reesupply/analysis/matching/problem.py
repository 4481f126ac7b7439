"""What is to be matched: claims with their published values and discrepancies, and the knobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.claims import shipped_discrepancies
from reesupply.engine.knobs import weights_of
from reesupply.engine.plan import compile_scenario
from reesupply.errors import ReesupplyError, nearest
from reesupply.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """
    Claims to be matched, and knobs to do it with.

    Attributes
    ----------
    scenario : Scenario
        None of its knobs is turned.
    claims : tuple of str
        As "claim.reading".
    targets, sds : ndarray, shape (claim,)
        Published values, and standard deviations of the discrepancy.
    units : tuple of str
        Of the claims.
    knobs : tuple of str
        Those that move an uncertain input.
    weights : dict of str to dict of str to float
        Knob to input to weight.
    """

    scenario: Scenario
    claims: tuple[str, ...]
    targets: FloatArray
    sds: FloatArray
    units: tuple[str, ...]
    knobs: tuple[str, ...]
    weights: Mapping[str, Mapping[str, float]]

    def place(self, knob: str) -> int:
        """Return the place of a knob; an unknown one is an error."""
        if knob not in self.knobs:
            msg = f"knob: found {knob!r}; {nearest(knob, self.knobs)}"
            raise ReesupplyError(msg)
        return self.knobs.index(knob)


def problem_of(
    scenario: Scenario | str | Path,
    claims: Sequence[str] | None,
    sds: Mapping[str, float] | None,
) -> Problem:
    """Build the problem; the arguments are those of `history_match`."""
    found = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    for row in found.rows("knobs"):
        if row.shift != 0.0:
            msg = f"knobs.{row.id}.shift: found {row.shift}, allowed is 0: knobs are turned here"
            raise ReesupplyError(msg)
    known = {f"{row.claim}.{row.reading}": row for row in found.rows("targets")}
    given = shipped_discrepancies() | dict(sds or {})
    if isinstance(claims, str):
        msg = f"claims: found {claims!r}, allowed is a list of names such as [{claims!r}]"
        raise ReesupplyError(msg)
    names = list(shipped_discrepancies()) if claims is None else list(claims)
    _check(names, known, given, sds or {})
    plan = compile_scenario(found)
    weights = {knob: w for knob, w in weights_of(found, plan.inputs.names).items() if w}
    if not weights:
        msg = "knobs: none of them moves an uncertain input of this scenario"
        raise ReesupplyError(msg)
    return Problem(
        found,
        tuple(names),
        np.array([known[name].value for name in names]),
        np.array([float(given[name]) for name in names]),
        tuple(known[name].unit for name in names),
        tuple(weights),
        weights,
    )


def _check(
    names: list[str], known: Mapping[str, Any], given: Mapping[str, float], own: Mapping[str, float]
) -> None:
    if not names or len(set(names)) < len(names):
        msg = f"claims: found {names!r}, allowed is one or more, each once"
        raise ReesupplyError(msg)
    for name in (*names, *own):
        if name not in known:
            msg = f"claims: found {name!r}; {nearest(str(name), known)}"
            raise ReesupplyError(msg)
    for name in names:
        if name not in given:
            msg = f"sds: found none for {name!r}, which the table discrepancies lacks; give one"
            raise ReesupplyError(msg)
        if not 0.0 < given[name] < np.inf:
            msg = f"sds: found {given[name]!r} for {name!r}, allowed is a number above 0"
            raise ReesupplyError(msg)


def turned(scenario: Scenario, shifts: Mapping[str, float | str]) -> Scenario:
    """Return a scenario with its knobs turned, by number or distribution."""
    return scenario.replace(
        {
            f"knobs.{knob}.shift": shift if isinstance(shift, str) else float(shift)
            for knob, shift in shifts.items()
        }
    )
