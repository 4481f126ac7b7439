"""
The text of uncertain numbers, such as ``pert(1, 2, 4)``, and its parser.

The grammar, with blanks allowed between any two parts::

    cell         = number | distribution
    distribution = name "(" number { "," number } ")"
                 | "discrete" "(" pair { "," pair } ")"
                 | "truncate" "(" distribution "," number "," number ")"
    pair         = number ":" number
    number       = decimal digits with an optional sign, point and exponent
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from reesupply.distributions.base import Distribution, checked_number, is_number, written
from reesupply.distributions.factories import (
    bernoulli,
    beta,
    discrete,
    lognormal,
    normal,
    pert,
    triangular,
    truncate,
    uniform,
)
from reesupply.distributions.truncated import MAX_DEPTH
from reesupply.errors import ScenarioError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: dict[str, tuple[Callable[..., Distribution], tuple[str, ...]]] = {
    "uniform": (uniform, ("low", "high")),
    "triangular": (triangular, ("low", "mode", "high")),
    "pert": (pert, ("low", "mode", "high")),
    "normal": (normal, ("mean", "sd")),
    "lognormal": (lognormal, ("median", "sigma")),
    "beta": (beta, ("a", "b")),
    "bernoulli": (bernoulli, ("p",)),
}
_NAMES = (*_PLAIN, "discrete", "truncate")

# [0-9] and not \d, which would take the digits of every script
_PART = re.compile(
    r"[ \t\r\n]*(?:"
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<other>.)"
    r"|(?P<end>\Z))",
    re.DOTALL,
)


def parse(cell: object) -> float | Distribution:
    """
    Read what a scenario cell holds: a number or the notation of a distribution.

    The text is read by a small grammar and never evaluated.

    Parameters
    ----------
    cell : str, float or Distribution
        For example ``"pert(2030, 2031, 2034)"``, ``"1e3"`` or ``0.8``.

    Returns
    -------
    float or Distribution
        A number as a float; a distribution as it is.

    Raises
    ------
    ScenarioError
        If it is anything else; the text says what was found and what is allowed.

    Examples
    --------
    >>> parse("0.8")
    0.8
    >>> parse("truncate(normal(0, 1), -2, 2)").mode
    0.0
    """
    if isinstance(cell, Distribution):
        return cell
    if isinstance(cell, str):
        return _Reader(cell).cell()
    if is_number(cell):
        return checked_number(cell, "a cell", written(cell))
    msg = (
        f"a cell must hold a number or a distribution such as 'pert(1, 2, 4)'; got {written(cell)}."
    )
    raise ScenarioError(msg)


class _Reader:
    """Recursive descent over one cell: one method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.advance()

    def advance(self) -> None:
        """Go to the next part: its kind is number, name, other (one character) or end."""
        found = _PART.match(self.text, self.place)
        assert found is not None
        self.kind, self.part = found.lastgroup, found[found.lastgroup or 0]
        self.place = found.end()

    def fail(self, rule: str) -> NoReturn:
        """Raise the error that shows the cell, the rule and what stands in its place."""
        found = "the end of the text" if self.kind == "end" else written(self.part)
        msg = f"{written(self.text)}: {rule}; found {found}."
        raise ScenarioError(msg)

    def cell(self) -> float | Distribution:
        result = self.number("the cell") if self.kind == "number" else self.distribution(depth=0)
        if self.kind != "end":
            self.fail("nothing may follow a complete number or distribution")
        return result

    def number(self, name: str) -> float:
        if self.kind != "number":
            self.fail(f"{name} must be a plain finite number such as 12, -0.5 or 1e3")
        value = checked_number(float(self.part), name, written(self.text))
        self.advance()
        return value

    def mark(self, mark: str, after: str) -> None:
        if self.part != mark:
            self.fail(f"{mark!r} must follow {after}")
        self.advance()

    def distribution(self, depth: int) -> Distribution:
        name = self.part
        if self.kind != "name":
            self.fail(f"a number or one of {', '.join(_NAMES)} must stand here")
        if name not in _NAMES:
            hint = nearest(name.lower(), _NAMES)
            what = f"{written(name)} is neither a number nor a distribution"
            msg = f"{written(self.text)}: {what}; {hint}{'' if hint.endswith('?') else '.'}"
            raise ScenarioError(msg)
        self.advance()
        self.mark("(", name)
        if name == "truncate":
            return self.truncated(depth + 1)
        return self.pairs() if name == "discrete" else self.plain(name)

    def plain(self, name: str) -> Distribution:
        make, parameters = _PLAIN[name]
        numbers: list[float] = []
        for parameter in parameters:
            if numbers:
                self.separator(name, parameters)
            numbers.append(self.number(parameter))
        self.close(name, parameters)
        return make(*numbers)

    def pairs(self) -> Distribution:
        values: list[float] = []
        probabilities: list[float] = []
        while not values or self.part == ",":
            if values:
                self.advance()
            values.append(self.number("each value"))
            self.mark(":", "each value of discrete(value: probability, ...)")
            probabilities.append(self.number("each probability"))
        self.mark(")", "the last probability of discrete(value: probability, ...)")
        return discrete(values, probabilities)

    def truncated(self, depth: int) -> Distribution:
        if depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} truncations may stand inside one another")
        if self.kind != "name":
            self.fail("a distribution such as normal(0, 1) must stand first in truncate")
        parameters = ("distribution", "low", "high")
        base = self.distribution(depth)
        self.separator("truncate", parameters)
        low = self.number("low")
        self.separator("truncate", parameters)
        high = self.number("high")
        self.close("truncate", parameters)
        return truncate(base, low, high)

    def separator(self, name: str, parameters: tuple[str, ...]) -> None:
        if self.part != ",":
            self.fail(f"{name} takes ({', '.join(parameters)}), with commas between them")
        self.advance()

    def close(self, name: str, parameters: tuple[str, ...]) -> None:
        if self.part != ")":
            self.fail(f"{name} takes ({', '.join(parameters)}) and then a closing bracket")
        self.advance()
