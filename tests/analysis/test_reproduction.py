"""`reproduce`: an untuned run with its tables, the same for everybody."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import reesupply as rs
from reesupply.analysis.claims import current_claims, shipped_discrepancies
from reesupply.report.text import joint_lines

if TYPE_CHECKING:
    from pathlib import Path

TABLES = (
    "claims",
    "outlook",
    "first_deficit_year",
    "bridge",
    "supply_by_country",
    "switches",
    "groups",
    "inputs",
)


@pytest.fixture(scope="module")
def found() -> rs.Reproduction:
    """A small reproduction of the baseline."""
    return rs.reproduce(draws=1024)


def test_it_is_a_plain_run(found: rs.Reproduction) -> None:
    """Nothing is fitted: the draws are those of `simulate` at the same seed, without weights."""
    plain = rs.simulate(draws=1024, rng=2035)
    assert found.result.weights is None
    assert found.result.entropy == plain.entropy == 2035
    assert found.result.plan.hash == rs.load_scenario().hash
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(found.result.arrays[name], array, name)


@pytest.mark.parametrize("name", TABLES)
def test_tables(found: rs.Reproduction, name: str) -> None:
    """Each table is there, holds no hole, and is made once."""
    table: Any = getattr(found, name)
    assert isinstance(table, pd.DataFrame)
    assert len(table)
    # too few draws have no share or weights, and a claim that is the same in all draws has no z
    whole = table.drop(columns=["share", "z", "conditioned"], errors="ignore")
    assert not whole.isna().to_numpy().any()
    assert getattr(found, name) is table


def test_each_outlook_given_the_others() -> None:
    """Alone as the table of claims has it; given the others by weights, where draws are enough."""
    many = rs.Reproduction(rs.simulate(draws=32_768, rng=2035, keep=("claims",)))
    table: Any = many.joint
    names = [name for name in table.index if name != "jointly"]
    for name in names:
        own = many.claims.loc[tuple(name.split(".")), "percentile"]
        assert table.loc[name, "percentile"] == own
    given = table["percentile given others"]
    assert given[names].between(0.0, 100.0).all()
    with pytest.warns(rs.ReesupplyWarning):
        others = many.result.condition(*names[1:])
    claim: Any = many.claims.loc[tuple(names[0].split("."))]
    assert given[names[0]] == pytest.approx(
        100.0 * (others.weights @ (others.values(names[0]) < claim["value"])), abs=1e-6
    )
    few = rs.Reproduction(rs.simulate(draws=64, rng=1, keep=("claims",))).joint
    assert few["percentile given others"].isna().all()
    assert few["percentile"].iloc[:-1].notna().all()


def test_what_agreeing_with_all_outlooks_would_mean() -> None:
    """Outlooks within an error of what was published, other readings moved with them."""
    many = rs.Reproduction(rs.simulate(draws=32_768, rng=2035, keep=("claims",)))
    table: Any = many.claims
    names, errors = current_claims(many.result.plan.scenario), shipped_discrepancies()
    assert set(names) == set(errors)
    for name in names:
        row = table.loc[tuple(name.split("."))]
        assert abs(row["conditioned"] - row["value"]) < errors[name]
        assert abs(row["conditioned"] - row["value"]) < abs(row["mean"] - row["value"])
    other = table.loc[("cru-deficit-2035", "cumulative")]
    assert other["conditioned"] > other["mean"]
    agreed = many.agreed
    assert agreed is not None
    assert agreed.calibration is not None
    left = agreed.calibration.effective_draws
    assert f"{left:,.0f} effective draws of 32,768" in " ".join(joint_lines(many))

    few = rs.Reproduction(rs.simulate(draws=64, rng=1, keep=("claims",)))
    assert few.agreed is None
    assert few.claims["conditioned"].isna().all()
    again = rs.Reproduction(agreed)
    assert again.agreed is None


def test_tables_say_the_same(found: rs.Reproduction) -> None:
    """The deficit of the last year is one number in every table that shows it."""
    claim: Any = found.claims.loc[("cru-deficit-2035", "annual"), "P50"]
    assert found.switches.iloc[0]["P50"] == pytest.approx(claim, rel=1e-12)
    assert found.outlook["balance"][2035] == pytest.approx(-claim, rel=1e-12)
    chance = found.outlook.loc[2035, "P(deficit)"]
    assert found.switches.iloc[0]["P(deficit)"] == pytest.approx(chance, abs=1e-12)
    mean = found.result.mean("balance", year=2035, element="Dy+Tb")
    assert found.bridge["change"].iloc[-1] == pytest.approx(mean, rel=1e-12)


def test_the_drivers_are_those_of_the_last_deficit(found: rs.Reproduction) -> None:
    """Faster growth of captive supply lowers the deficit, more Dy per car raises it."""
    by_input = found.inputs["correlation"]
    assert by_input["anchors.captive-growth.value"] < -0.1
    assert by_input["trajectories.ev-cars.dy_fraction.world.change"] > 0.2


def test_a_scenario_of_ones_own(tmp_path: Path) -> None:
    """A file, a Scenario and a Plan give the same; a shorter horizon is fine."""
    path = tmp_path / "short.toml"
    path.write_text('title = "to 2030"\n[settings.last_year]\nvalue = "2030"\n', encoding="utf-8")
    scenario = rs.load_scenario(path)
    by_path, by_plan = (
        rs.reproduce(each, draws=64, rng=1, workers=1) for each in (path, rs.compile(scenario))
    )
    pd.testing.assert_frame_equal(by_path.claims, by_plan.claims)
    assert by_path.outlook.index[-1] == 2030
    assert ("cru-deficit-2035", "annual") not in by_path.claims.index
    years: list[Any] = list(by_path.supply_by_country.columns)
    assert years == [2024, 2030]


def test_progress_is_reported() -> None:
    """A callable hears of every draw."""
    heard: list[tuple[int, int]] = []
    rs.reproduce(draws=1500, rng=1, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (1500, 1500)


def test_it_shows_itself(found: rs.Reproduction) -> None:
    """In a console one line, in a notebook the claims."""
    assert repr(found).startswith("<Reproduction: ")
    assert "\n" not in repr(found)
    assert "cru-deficit-2035" in found._repr_html_()


def test_it_is_immutable(found: rs.Reproduction) -> None:
    """A table that has been made stays true to its run."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.result = found.result  # type: ignore[misc]
