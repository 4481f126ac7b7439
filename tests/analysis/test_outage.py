"""The loss of one project, draw by draw."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import reesupply as rs

DRAWS = 256
MINE = "browns-range"


def shut(name: str, start: float, years: float) -> dict[str, dict[str, object]]:
    """An outage of the mine that is sure."""
    return {
        f"events.{name}": {
            "kind": "outage",
            "target": f"projects.{MINE}",
            "start": start,
            "years": years,
            "probability": 1.0,
            "source": "assumption",
        }
    }


@cache
def gone() -> rs.Outage:
    """The mine gone after the base year."""
    return rs.outage(MINE, draws=DRAWS)


def test_a_mine_that_is_gone_delivers_nothing() -> None:
    """The runs share all draws, and without the mine there is less, never more."""
    found = gone()

    assert np.array_equal(found.base.arrays["inputs"], found.without.arrays["inputs"])
    assert found.lost().min() >= -1e-6
    assert found.lost()[-1].mean() > 50.0


@pytest.mark.parametrize("name", [f"{MINE}-is-out", "mine"])
def test_an_outage_of_the_scenario_stays(name: str) -> None:
    """What the scenario shuts by itself is shut in both worlds, whatever the event is called."""
    scenario = rs.load_scenario().replace(shut(name, 2029.0, 2.0))

    found = rs.outage(MINE, scenario, years=(2034, 2035), draws=DRAWS)

    lost = dict(zip(found.base.plan.years, found.lost().mean(axis=-1), strict=True))
    assert lost[2034] > 50.0
    assert abs(lost[2029]) < 1e-6
    assert abs(lost[2030]) < 1e-6
    assert found.lost().min() >= -1e-6


def test_a_bloc_is_not_ignored() -> None:
    """The balance is of the world: its part outside China is refused, not made up."""
    whole = gone().lost()

    assert np.array_equal(gone().lost(bloc="world"), whole)
    with pytest.raises(rs.ReesupplyError, match=r"balance has no axis 'bloc'"):
        gone().lost(bloc="ex_china")
    assert gone().lost("refined_supply", bloc="ex_china").shape == whole.shape


@pytest.mark.parametrize("years", [2030, (2030,), ("soon", "later"), (2031, 2030), (np.nan, 2031)])
def test_years_that_are_no_two_moments_are_refused(years: object) -> None:
    """One sentence, whatever stands there."""
    with pytest.raises(rs.ReesupplyError, match=r"years: found .*, allowed is a first and a later"):
        rs.outage(MINE, years=years, draws=DRAWS)  # type: ignore[arg-type]


def test_years_may_be_an_array() -> None:
    """Numbers of numpy are numbers."""
    found = rs.outage(MINE, years=np.array([2034, 2035]), draws=DRAWS)  # type: ignore[arg-type]

    assert found.lost()[:10].max() == 0.0


def test_an_unknown_project_is_refused() -> None:
    """With the nearest one, or those there are."""
    with pytest.raises(rs.ReesupplyError, match="did you mean 'browns-range'"):
        rs.outage("brown-range")
    with pytest.raises(rs.ReesupplyError, match="there is no project 5; allowed: "):
        rs.outage(5)  # type: ignore[arg-type]
