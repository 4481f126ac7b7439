"""Arguments of the analysis: what is wrong is said in a sentence, and numpy counts as numbers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import reesupply as rs
from reesupply.analysis.backtest import backtest
from reesupply.analysis.condition import Target
from reesupply.analysis.hindcast import KEEP, frozen_intensity, hindcast_points
from reesupply.analysis.matching import history_match
from reesupply.analysis.matching.words import _change
from reesupply.analysis.tables import supply_by_country
from reesupply.analysis.validation import validation
from reesupply.analysis.verification import verify
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Callable

FEW: dict[str, Any] = {"draws": 64, "rng": 1}
CLAIM = "cru-deficit-2035.annual"


@cache
def result() -> rs.Result:
    """A small run that kept what tables and targets need."""
    return rs.simulate(draws=1_024, rng=1)


@cache
def bare() -> rs.Result:
    """A run that kept no draws."""
    return rs.simulate(draws=64, rng=1, keep=())


@pytest.mark.parametrize("kind", [np.array, pd.Index, list])
def test_years_may_be_arrays(kind: Callable[[list[int]], Any]) -> None:
    """As a column of a table gives them."""
    columns: list[Any] = list(supply_by_country(result(), kind([2030, 2035])).columns)
    assert columns == [2030, 2035]
    assert backtest(years=kind([2016, 2020]), **FEW).scored == (2016, 2020)
    assert list(frozen_intensity(kind([2010])).index) == [2010]


def test_numbers_of_numpy() -> None:
    """They are drawn, scored and written into cells as plain ones are."""
    assert verify(vintages=[2018], draws=np.int64(100)).draws == 100  # type: ignore[arg-type]
    plain, other = (
        history_match(draws=512, rng=1, points=64, reach=kind(2.0)) for kind in (float, np.float64)
    )
    assert np.array_equal(plain.implausible, other.implausible)


def calls() -> dict[str, tuple[Callable[[], object], str]]:
    """What is refused, and what is said of it."""
    whole: Any = 2030
    both = rs.compare({"a": result(), "b": result()})
    target = Target(CLAIM, value=1e6, quantile=0.5, sd=300.0)
    return {
        "country": (lambda: supply_by_country(result(), [2050]), "year: found 2050, allowed is"),
        "countries": (lambda: supply_by_country(result(), whole), "years: found 2030, allowed is"),
        "table": (lambda: both.table(years=whole), "years: found 2030, allowed is a list"),
        "label": (lambda: both.difference(whole), "there is no scenario 2030; allowed: b"),
        "compare": (lambda: rs.compare(whole), "scenarios: found 2030, allowed is a list"),
        "scored": (lambda: backtest(years=whole, **FEW), "years: found 2030, allowed is a list"),
        "draws": (lambda: backtest(draws=1.5), "draws: found 1.5, allowed is"),  # type: ignore[arg-type]
        "origins": (lambda: frozen_intensity(whole), "origins: found 2030, allowed is a list"),
        "no case": (lambda: validation([]), "validation: found no case"),
        "points": (lambda: history_match(points=0), "points: found 0, allowed is"),
        "claims": (lambda: history_match(claims=CLAIM), r"claims: found '.*', allowed is a list"),
        "threshold": (
            lambda: rs.value_of_information(result(), above=np.nan),
            "above: found nan, allowed is a number",
        ),
        "groups": (
            lambda: rs.sensitivity(result(), groups=["mines"]),  # type: ignore[arg-type]
            "groups: found .*, allowed is a mapping",
        ),
        "soft": (lambda: result().condition(target), "outside what .*; prescribe its mean, or"),
        "claim": (lambda: bare().quantile("x", 0.5), "which is no variable, claim or kept input"),
        "kept claim": (lambda: bare().values(CLAIM), r"not kept; simulate with keep=\('claims',"),
        "kept input": (
            lambda: bare().values("anchors.captive-growth.value"),
            r"not kept; simulate with keep=\('inputs.anchors.captive-growth.value',",
        ),
    }


@pytest.mark.parametrize("name", calls())
def test_what_is_wrong_is_said(name: str) -> None:
    """Where, what was found, and what is allowed; never a bare traceback."""
    call, says = calls()[name]

    with pytest.raises(ReesupplyError, match=says):
        call()


def test_other_elements_are_named() -> None:
    """First and last of them could be the same."""
    gadolinium = {"name": "gadolinium", "oxide": "Gd2O3", "oxide_per_metal": 1.1526}
    more = rs.load_scenario().replace({"elements.Gd": {**gadolinium, "captive_ratio": 1.18}})

    with pytest.raises(ReesupplyError, match="found elements Dy, Tb, Gd and Dy, Tb,"):
        rs.decompose(more, "baseline", draws=0)


def test_scenarios_are_run_in_the_precision_of_a_result() -> None:
    """Else rounding would stand between two equal scenarios."""
    single = rs.simulate(draws=64, rng=1, dtype="float32")

    table = rs.compare({"there": single, "again": "baseline"}).table()

    assert not table["difference"].any()


def test_nothing_collected_is_nothing_recycled() -> None:
    """A flow that is 0 in the base year was 0 before, not a quotient of nothing by nothing."""
    base = rs.load_scenario()
    none = {
        f"recycling.{'.'.join(map(str, key))}.value": 0
        for key, row in base.tables["recycling"].items()
        if row.parameter == "collection"  # type: ignore[attr-defined]
    }

    table = hindcast_points(rs.simulate(base.replace(none), draws=64, rng=1, keep=KEEP))

    recycled = table.xs("recycled-oxide-world-dytb", level="series")["P50"]
    assert len(recycled)
    assert np.isfinite(recycled).all()


def test_a_flow_from_nothing_has_no_change() -> None:
    """Tonnes are said, and no share of nothing."""

    class Found:
        tonnes = pd.DataFrame(
            {"before": [0.0, 100.0], "now": [0.0, 90.0]},
            pd.MultiIndex.from_tuples([("mines", 2035), ("need", 2035)]),
        )

    said: Any = Found()
    assert _change(said, "mines", 2035) == "mines of 2035 0 to 0 t"
    assert _change(said, "need", 2035) == "need of 2035 \N{MINUS SIGN}10 % (100 to 90 t)"
