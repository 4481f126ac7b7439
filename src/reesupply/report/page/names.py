"""Names for readers: of claims, and of inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.report.page.parts import fixed
from reesupply.scenario import list_scenarios, load_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reesupply.report.page.evidence import Claim
    from reesupply.scenario import Scenario

SEPARATOR = " \N{MIDDLE DOT} "
_NAMED = ("projects", "end_uses")
#: Parts of the name of an input that say nothing new.
_USUAL = ("world", "value")


def published(value: float, unit: str) -> str:
    """
    Write a published value as precisely as it was published.

    Parameters
    ----------
    value : float
        In the unit.
    unit : str
        "1" is a share, which is written in percent.

    Returns
    -------
    str
    """
    text = f"{100.0 * value:,.10g} %" if unit == "1" else f"{value:,.10g} {unit}"
    return text.replace("-", "\N{MINUS SIGN}")


def claim_words(claim: Claim) -> str:
    """
    Name a claim within a sentence.

    Parameters
    ----------
    claim : Claim
        What was published.

    Returns
    -------
    str
        For example "CRU's 2,920 t oxide/yr in 2035".
    """
    return f"{claim.publisher}'s {published(claim.value, claim.unit)} in {claim.year}"


def shipped_name(digest: str) -> str:
    """
    Return the name of the shipped scenario of this hash.

    Parameters
    ----------
    digest : str
        Hash of a scenario.

    Returns
    -------
    str
        Empty if it is none of them.
    """
    return next((n for n in list_scenarios() if load_scenario(n).hash == digest), "")


def row_names(scenario: Scenario) -> dict[str, str]:
    """
    Return the names of projects and end uses by their ids, and symbols of elements.

    Parameters
    ----------
    scenario : Scenario
        Whose rows they are.

    Returns
    -------
    dict of str to str
    """
    symbols = {row.id.lower(): row.id for row in scenario.rows("elements")}
    return symbols | {row.id: row.name for table in _NAMED for row in scenario.rows(table)}


def input_words(name: str, names: Mapping[str, str]) -> str:
    """
    Name an input for a reader.

    Parameters
    ----------
    name : str
        As the tables call it, for example "trajectories.ev-cars.dy_fraction.world.change".
    names : mapping of str to str
        As `row_names` gives them.

    Returns
    -------
    str
        For example "Electric cars", what of it is meant, and "change", parted by dots.

    Examples
    --------
    >>> print(input_words("factors.thrifting-change", {}))
    named factor · thrifting change
    """
    table, *rest = name.split(".")
    known = [names.get(each) or _plain(each, names) for each in rest if each not in _USUAL]
    if table == "factors":
        known = ["named factor", *known]
    elif not rest or rest[0] not in names:
        known = [_plain(table, names), *known]
    return SEPARATOR.join(known)


def _plain(text: str, names: Mapping[str, str]) -> str:
    """Part the words of an id, and write symbols of elements as symbols."""
    words = text.replace("_", " ").replace("-", " ").split()
    return " ".join(names.get(word, word) for word in words)


def shift_words(name: str, shift: float, names: Mapping[str, str]) -> str:
    """Say which input shifts, and by how many standard deviations."""
    return f"{input_words(name, names)} ({fixed(2, sign=True)(shift)} standard deviations)"
