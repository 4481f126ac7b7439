"""Claims: each published number and reading, computed anew with labels from the arrays."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings

import reesupply as rs
from strategies import Changes, scenario_changes, scenario_of

if TYPE_CHECKING:
    import xarray as xr

KEEP = (
    "demand",
    "use_demand",
    "mine_supply",
    "refined_supply",
    "recycled_new_scrap",
    "recycled_end_of_life",
    "balance",
    "end_use.demand",
    "end_use.contained",
    "end_use.making_outside",
    "end_use.use_outside",
    "claims",
)


@lru_cache(maxsize=1)
def baseline() -> rs.Result:
    """A run of the baseline."""
    return rs.simulate(draws=3000, rng=2, keep=KEEP)


def claim(result: rs.Result, row: Any) -> xr.DataArray:  # noqa: PLR0911
    """What a row of targets says, by labels."""
    elements = [row.element] if row.element else list(result.plan.elements)
    at = {"element": elements, "year": row.year}
    data = result.data.sel(element=elements)
    now = result.data.sel(at)
    new, old = now["recycled_new_scrap"], now["recycled_end_of_life"]

    def need() -> xr.DataArray:
        scenario = result.plan.scenario
        sectors = {use.id: use.sector for use in scenario.rows("end_uses")}
        uses = [name for name in sectors if not row.sectors or sectors[name] in row.sectors]
        content = "contained" if row.basis == "contained" else "demand"
        every = result.end_use[content].sel(at)
        outside: Any = 1.0
        if row.place == "ex_china":
            place = "use_outside" if row.need == "use" else "making_outside"
            outside = result.end_use[place].sel(year=row.year)
        rows = scenario.rows("end_uses")
        lossy = every.sel(end_use=[use.id for use in rows if use.process_loss])
        bought = every
        if row.basis in ("net", "primary"):
            # new scrap goes back to the uses that leave it, end of life to all
            returned = (lossy / lossy.sum("end_use") * new.sum("bloc")).reindex(
                end_use=every.end_use, fill_value=0.0
            )
            if row.basis == "primary":
                returned = returned + every / every.sum("end_use") * old.sum("bloc")
            bought = bought - returned
        total: xr.DataArray = (bought * outside).sel(end_use=uses).sum(["end_use", "element"])
        return total

    def outside(*parts: xr.DataArray) -> xr.DataArray:
        return sum(parts, start=xr_zero()).sel(bloc="ex_china").sum("element")

    def xr_zero() -> xr.DataArray:
        return 0.0 * now["demand"]

    world = now["refined_supply"].sum(["bloc", "element"])
    match row.quantity:
        case "deficit":
            return -now["balance"].sum("element")
        case "cumulative_deficit":
            years = slice(result.plan.years[0] + 1, row.year)
            return -data["balance"].sel(year=years).sum(["element", "year"])
        case "demand":
            return need()
        case "supply":
            return world + (new + old).sum(["bloc", "element"])
        case "primary_supply":
            return world
        case "mine_share_of_need":
            return outside(now["mine_supply"]) / need()
        case "china_share_of_need":
            made = outside(now["refined_supply"], new, old)
            return (1.0 - made / need()).clip(0.0, 1.0)
        case _:
            assert row.quantity == "china_share_of_refining"
            return 1.0 - outside(now["refined_supply"]) / world


ROWS = rs.load_scenario().rows("targets")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.claim}.{row.reading}")
def test_claim(row: Any) -> None:
    """Each claim and reading agrees with its definition, draw by draw, to 1e-12 relative."""
    found = baseline().claims[f"{row.claim}.{row.reading}"]
    assert found.attrs["units"] == row.unit
    assert found.dims == ("draw",)
    expected = claim(baseline(), row).transpose("draw")
    # one less a share that is nearly one, or supply less demand, keeps the digits of its terms
    terms = {"deficit": 1e4, "cumulative_deficit": 1e5}.get(row.quantity, 1.0)
    np.testing.assert_allclose(
        found.values, expected.values, rtol=1e-12, atol=1e-14 * terms, equal_nan=False
    )


def test_claims_differ_as_their_readings_do() -> None:
    """Net need is below gross, contained below bought; the share of a smaller need is larger."""
    claims = baseline().claims
    assert (claims["iluka-demand-2033-high.net"] < claims["iluka-demand-2033-high.gross"]).all()
    assert (claims["iluka-demand-2033-high.primary"] < claims["iluka-demand-2033-high.net"]).all()
    contained, gross = (claims[f"iluka-demand-2033-low.{b}"] for b in ("contained", "gross"))
    assert (contained < gross).all()
    whole, part = (claims[f"cru-mines-29.{r}"] for r in ("global-all-auto-gross", "global-gross"))
    assert (whole <= part).all()
    assert (claims["cru-mines-29.ex-china-gross"] >= part).all()


@settings(max_examples=10)
@given(changes=scenario_changes())
def test_shares_are_shares(changes: Changes) -> None:
    """In any scenario shares of China lie within [0, 1], and no claim is anything but a number."""
    scenario = scenario_of(changes)
    result = rs.simulate(scenario, draws=32, rng=1, keep=("claims",), workers=1)
    quantity = {f"{row.claim}.{row.reading}": row.quantity for row in ROWS}
    for name, claim in result.claims.items():
        values = claim.values
        assert np.isfinite(values).all()
        if quantity[str(name)].startswith("china_share"):
            assert (values >= 0.0).all()
            assert (values <= 1.0 + 1e-12).all()
        elif "share" in quantity[str(name)] or "deficit" not in quantity[str(name)]:
            assert (values >= 0.0).all()
    years = scenario.years
    assert set(result.claims) == {f"{r.claim}.{r.reading}" for r in ROWS if r.year in years}


def test_unknown_sector() -> None:
    """A sector that no end use has is refused, the nearest one named."""
    scenario = rs.load_scenario().replace({"targets.cru-mines-29.global-gross.sectors": "wend"})
    with pytest.raises(rs.ScenarioError, match="column sectors: found 'wend'; did you mean 'wind'"):
        rs.compile(scenario)
