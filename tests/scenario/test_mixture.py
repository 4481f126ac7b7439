"""Scenarios between two others: all differences give the second, none the first."""

from __future__ import annotations

import pytest

import reesupply as rs
from reesupply.scenario.mixture import Difference, differences, mixed

BASE = rs.load_scenario()
OTHER = rs.load_scenario("cru-reading")


def paths(found: tuple[Difference, ...]) -> set[str]:
    """Paths of differences."""
    return {one.path for one in found}


def test_a_change_is_a_difference() -> None:
    """Each cell that was replaced is one, whichever way round, and nothing else."""
    changes = {"projects.browns-range.start": 2031.0, "anchors.captive-growth.value": 0.01}
    changed = BASE.replace(changes)
    assert paths(differences(BASE, changed)) == set(changes)
    assert paths(differences(changed, BASE)) == set(changes)
    assert differences(BASE, BASE) == ()


def test_a_row_of_one_only() -> None:
    """A row that one of the two lacks is one difference."""
    event = {
        "kind": "outage",
        "target": "projects.browns-range",
        "start": 2030,
        "years": 1,
        "probability": 1.0,
    }
    more = BASE.replace({"events.flood": event})
    assert paths(differences(BASE, more)) == {"events.flood.*"}
    assert mixed(more, BASE, differences(more, BASE)).hash == BASE.hash


def test_words_and_claims_do_not_count() -> None:
    """What no number of a run rests on is no difference."""
    same = BASE.replace(
        {"anchors.captive-growth.note": "other", "targets.adamas-dy-2030.annual.value": 1.0}
    )
    assert differences(BASE, same) == ()


def test_all_of_them_give_the_second() -> None:
    """Forth and back, to the hash; none of them leaves the first."""
    assert mixed(BASE, OTHER, differences(BASE, OTHER)).hash == OTHER.hash
    assert mixed(OTHER, BASE, differences(OTHER, BASE)).hash == BASE.hash
    assert mixed(BASE, OTHER, ()).hash == BASE.hash


def test_some_columns_of_a_row() -> None:
    """Of a row with several differences those that are taken change, and no other cell."""
    both = {"projects.browns-range.start": 2031.0, "projects.browns-range.ramp": "announced"}
    changed = BASE.replace(both)
    taken = [one for one in differences(BASE, changed) if one.column == "start"]
    found = mixed(BASE, changed, taken)
    only = BASE.replace({"projects.browns-range.start": 2031.0})
    assert found.hash == only.hash
    assert found.changes == ("projects.browns-range.start",)


def test_what_does_not_go_together_is_refused() -> None:
    """A row that others need cannot be taken out alone."""
    taken = [one for one in differences(OTHER, BASE) if one.table == "lifetimes"]
    with pytest.raises(rs.ScenarioError, match="lifetimes has no row 'headline-"):
        mixed(OTHER, BASE, taken)
