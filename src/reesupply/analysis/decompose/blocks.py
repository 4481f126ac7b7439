"""Blocks of assumptions: which of the cells where two scenarios differ are switched together."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from reesupply.analysis.drivers import OUTSIDE, chinese_rows
from reesupply.errors import ReesupplyError
from reesupply.scenario.mixture import differences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reesupply.scenario import Scenario
    from reesupply.scenario.mixture import Difference

LEVEL = "level of the base year"
STOCKS = "stocks built in the base year"
DEMAND = "demand by use and its growth"
COURSE = "course of Chinese and captive supply"
RECYCLING = "recycling"
#: What no pattern matches.
REST = "the rest"
#: All sets of blocks are run, two to the power of their number.
MOST_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class Block:
    """A name, and the differences that are switched together under it."""

    name: str
    differences: tuple[Difference, ...]


def standard_patterns(first: Scenario, second: Scenario) -> dict[str, list[str]]:
    """
    Return the blocks that `decompose` takes by default, in the order of the supply chain.

    Parameters
    ----------
    first, second : Scenario
        The two that are compared.

    Returns
    -------
    dict of str to list of str
        Patterns of paths by the name of the block; the first that matches counts.

    Notes
    -----
    In the base year supply is measured and demand is what supply and the change of stocks leave,
    so the level of that year is one assumption about both sides. The rows of an end use that only
    one of the two has, lifetimes and recycling with them, go with demand: they cannot be without
    it. So do an outage and its project.
    """
    chinese = [f"{row}.*" for row in sorted(chinese_rows(first, second))]
    uses = _of_one_only(first, second, "end_uses")
    return {
        LEVEL: [
            *("anchors.survey-*", "anchors.refined-*", "anchors.scrap-*"),
            "anchors.captive-dy-share.*",
        ],
        STOCKS: ["anchors.stock-change-*"],
        DEMAND: [
            *("end_uses.*", "trajectories.*", "growth.*", "anchors.persistence.*"),
            *(f"{table}.{use}.*" for table in ("lifetimes", "recycling") for use in uses),
        ],
        COURSE: [
            *("anchors.captive-*", "disruptions.*", "elements.*.captive_ratio"),
            *chinese,
        ],
        OUTSIDE: [
            *("projects.*", "events.*", "stages.*", "ramps.*", "ramp_classes.*"),
            *("anchors.availability.*", "anchors.regime.*", "elements.*.recovery_factor"),
        ],
        RECYCLING: [
            *("recycling.*", "lifetimes.*", "history.*", "anchors.eol-*", "anchors.*history-*"),
            "anchors.growth-before-*",
        ],
    }


def blocks_of(
    first: Scenario, second: Scenario, patterns: Mapping[str, Sequence[str]] | None
) -> tuple[Block, ...]:
    """
    Put every difference of two scenarios into a block.

    Parameters
    ----------
    first, second : Scenario
        The two.
    patterns : mapping of str to sequence of str, or None
        Paths by the name of the block; ``*`` stands for anything, and the first block that
        matches has the cell. None takes `standard_patterns`.

    Returns
    -------
    tuple of Block
        Those that hold a difference, what nothing matches last.

    Raises
    ------
    ReesupplyError
        If the patterns are no such mapping, match nothing, or give too many blocks.
    """
    wanted: Any = standard_patterns(first, second) if patterns is None else patterns
    _check_patterns(wanted)
    found: dict[str, list[Difference]] = {name: [] for name in (*wanted, REST)}
    used: set[str] = set()
    for one in differences(first, second):
        name = next((n for n, paths in wanted.items() if _matches(one.path, paths)), REST)
        found[name].append(one)
        used.add(name)
    if patterns is not None and (idle := [name for name in patterns if name not in used]):
        msg = (
            f"blocks: found {idle[0]!r}, whose patterns match no cell in which the scenarios "
            "differ; allowed are paths such as 'anchors.captive-growth.value' or 'projects.*'"
        )
        raise ReesupplyError(msg)
    blocks = tuple(Block(name, tuple(own)) for name, own in found.items() if own)
    if len(blocks) > MOST_BLOCKS:
        msg = (
            f"blocks: found {len(blocks)}, allowed are at most {MOST_BLOCKS}, what no pattern "
            "matches among them: all sets of blocks are run"
        )
        raise ReesupplyError(msg)
    return blocks


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _check_patterns(patterns: Any) -> None:
    try:
        fit = all(
            isinstance(name, str) and not isinstance(paths, str) and all(map(_is_text, paths))
            for name, paths in patterns.items()
        )
    except (AttributeError, TypeError):
        fit = False
    if not fit:
        msg = (
            f"blocks: found {patterns!r}, allowed is a mapping of names to lists of paths such as "
            "{'mines': ['projects.*']}"
        )
        raise ReesupplyError(msg)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _of_one_only(first: Scenario, second: Scenario, table: str) -> list[str]:
    ids = [{row.id for row in one.rows(table)} for one in (first, second)]
    return sorted(ids[0] ^ ids[1])
