"""Published numbers: each case computed and held to its verdict, and the judge himself."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import ndtri

from reesupply.analysis.validation import Found, compare, counts, validation
from reesupply.analysis.validation.compare import CASES, allowed, borne_out
from reesupply.analysis.validation.given import inputs_of, one
from reesupply.errors import ReesupplyError
from reesupply.scenario.package import records
from reesupply.scenario.reference import Validation

if TYPE_CHECKING:
    from reesupply.analysis.validation.given import Inputs

STOCKS = Path(__file__).parents[1] / "data" / "stocks"
ROWS = records("validation")
OPEN = ("partial", "not-public")


@pytest.mark.parametrize("case", CASES)
def test_case(case: str) -> None:
    """Within the tolerance of the source, or off by what the table says."""
    table = validation([case])

    wrong = table[~table["borne_out"]]
    assert len(table) > 0
    assert wrong.empty, wrong[["what", "expected", "found", "allowed", "verdict"]].to_string()


def test_what_is_judged_is_computed() -> None:
    """A verdict on a number that nothing computes, or a function without a number, is an error."""
    judged = {row["case"] for row in ROWS if row["verdict"] not in OPEN}

    assert judged <= set(CASES)
    assert set(CASES) <= {row["case"] for row in ROWS}
    assert {row["case"] for row in records("validation_inputs")} <= set(CASES)


def test_at_least_ten_cases_of_others_are_computed() -> None:
    """Hand calculations of our own and mathematics do not count."""
    cases = {
        row["case"]
        for row in ROWS
        if row["kind"] == "published" and row["verdict"] in ("reproduced", "differs")
    }

    assert len(cases) >= 10


def test_a_number_that_differs_says_why() -> None:
    """And one that cannot be computed says what is missing."""
    silent = [
        f"{row['case']} {row['quantity']}"
        for row in ROWS
        if row["verdict"] in ("differs", *OPEN) and len(row["note"]) < 10
    ]

    assert silent == []


def test_what_is_partial_is_never_counted() -> None:
    """Neither as reproduced nor as different, though a number of ours may stand beside it."""
    table = validation(["zhou-clean-technology", "adamas-growth", "adamas-2014-demand"])

    assert table.xs("zhou-clean-technology", level="case")["found"].notna().all()
    assert counts(table).loc["published"].to_dict() == {
        "not-public": 4,
        "partial": 1,
        "reproduced": 1,
    }


def test_no_case_computes_what_is_not_public() -> None:
    """Such rows have neither a number of ours nor a tolerance."""
    rows = [row for row in ROWS if row["verdict"] == "not-public"]

    assert len(rows) >= 3
    assert all(not row["found"] and not row["tolerance"] for row in rows)


@pytest.mark.parametrize(
    ("case", "quantity", "file", "line", "column"),
    [
        ("odym-inflow-driven", "fixed-stock", "odym_inflow_driven_fixed5", -1, "stock_end"),
        ("odym-inflow-driven", "normal-stock", "odym_inflow_driven_normal_5_1.5", -1, "stock_end"),
        ("odym-inflow-driven", "normal-outflow", "odym_inflow_driven_normal_5_1.5", -1, "outflow"),
        ("odym-inflow-driven", "weibull-stock", "odym_inflow_driven_weibull_1.2_1", 9, "stock_end"),
        ("odym-inflow-driven", "weibull-outflow", "odym_inflow_driven_weibull_1.2_1", 9, "outflow"),
        ("odym-stock-driven", "inflow", "odym_stock_driven_normal_8_3", 20, "inflow_plain"),
        ("odym-initial-stock", "first", "odym_initial_stock_normal_5_1.5", 0, "inflow"),
        ("odym-initial-stock", "next", "odym_initial_stock_normal_5_1.5", 4, "inflow"),
        ("mines-terbium", "as-published", "mines_mineral_model_dy_tb", 34, "Tb_recycling_t"),
        ("mines-dysprosium", "recycled", "mines_mineral_model_dy_tb", 34, "Dy_recycling_t"),
    ],
)
def test_expected_numbers_are_those_of_the_files(
    case: str, quantity: str, file: str, line: int, column: str
) -> None:
    """What the table expects of other programs stands in the files that these published."""
    with (STOCKS / f"{file}.csv").open(newline="", encoding="utf-8") as open_file:
        published = list(csv.DictReader(open_file))[line][column]
    expected = next(r["expected"] for r in ROWS if (r["case"], r["quantity"]) == (case, quantity))

    assert float(expected) == float(published)


@pytest.mark.parametrize(
    ("case", "name", "quantity"),
    [
        ("alonso-growth", "rate", "level-1"),
        ("mines-terbium", "demand", "as-published"),
        ("decision-hazards", "decide", "stage-1-5"),
        ("odym-inflow-driven", "inflow", "normal-stock"),
        ("lamp-ramp", "tau", "share-2"),
        ("normal-shift", "shift", "share-2"),
    ],
)
def test_other_inputs_do_not_pass(case: str, name: str, quantity: str) -> None:
    """An input that is off by 30 % is found out: no case agrees whatever it is given."""
    inputs: Inputs = {**inputs_of(case), name: 1.3 * inputs_of(case)[name]}
    text = next(r for r in ROWS if (r["case"], r["quantity"]) == (case, quantity))
    row = Validation.model_validate({key: cell for key, cell in text.items() if cell})

    assert not borne_out(row, CASES[case](inputs)[quantity])


# ---------------------------------------------------------------------------------------- judge


def row(**changes: Any) -> Validation:
    """Return a row that expects 10, with a tolerance of 1."""
    cells = {
        **{"case": "a", "quantity": "b", "what": "c", "kind": "published", "part": "d"},
        **{"expected": 10.0, "unit": "t", "tolerance": 1.0, "verdict": "reproduced"},
    }
    return Validation.model_validate(cells | changes)


def test_tolerances() -> None:
    """Absolute or a share, and wider by three errors."""
    assert allowed(row(), 0.0) == 1.0
    assert allowed(row(relative=True, tolerance=0.2), 0.1) == pytest.approx(2.3)
    assert np.isnan(allowed(row(tolerance=None), 0.0))


def test_reproduced_is_within_and_nothing_else() -> None:
    """Not a number is not within, and neither is a number that nothing computes."""
    assert borne_out(row(), Found(10.9))
    assert borne_out(row(), Found(11.2, 0.1))
    assert not borne_out(row(), Found(11.2))
    assert not borne_out(row(), Found(float("nan")))
    assert not borne_out(row(tolerance=None), Found(10.0))
    assert not borne_out(row(), None)
    assert not borne_out(row(verdict="set"), None)


def test_a_difference_is_held_too() -> None:
    """It fails where the number comes to agree, changes, or has no stated value."""
    differs = {"verdict": "differs", "found": 20.0}
    assert borne_out(row(**differs), Found(20.05))
    assert not borne_out(row(**differs), Found(10.5))
    assert not borne_out(row(**differs), Found(25.0))
    assert not borne_out(row(**differs), Found(float("nan")))
    assert not borne_out(row(verdict="differs"), Found(20.0))
    assert not borne_out(row(**differs), None)
    assert not borne_out(row(verdict="differs", found=10.5), Found(10.5))


def test_a_number_that_stands_beside_is_held_but_not_judged() -> None:
    """Near or far, as long as it is the one of the table."""
    beside = {"verdict": "partial", "tolerance": None, "found": 20.0}
    assert borne_out(row(**beside), Found(20.0))
    assert not borne_out(row(**beside), Found(21.0))
    assert not borne_out(row(**beside), None)
    assert borne_out(row(verdict="partial", tolerance=None), None)
    assert not borne_out(row(verdict="partial", tolerance=None), Found(10.0))


def test_an_unknown_case_is_told_with_the_nearest() -> None:
    """In one sentence."""
    with pytest.raises(ReesupplyError, match=r"found 'alonso-grow'.*alonso-growth"):
        validation(["alonso-grow"])


def test_every_number_says_whether_it_is_borne_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says it of a wrong number, and keeps the number."""
    monkeypatch.setattr(compare, "_computed", lambda _: {"level-1": Found(100.0)})

    table = validation(["adamas-2014-demand"])

    assert not table["borne_out"].any()
    assert table["found"].item() == 100.0


# ------------------------------------------------------------------------------------------ toy


def test_the_toy_has_the_moments_that_set_it() -> None:
    """Mean, P5 and P95 of the deficit in closed form, apart from any draw."""
    constant, normal, lognormal, sigma = inputs_of("three-claims")["deficit"]

    def deficit(z: float) -> float:
        return float(constant + normal * z + lognormal * np.exp(sigma * z))

    mean = constant + lognormal * np.exp(0.5 * sigma**2)
    assert mean == pytest.approx(1455.0, abs=0.5)
    assert deficit(float(ndtri(0.05))) == pytest.approx(-645.0, abs=0.5)
    assert deficit(float(ndtri(0.95))) == pytest.approx(3813.0, abs=0.5)
    assert one(inputs_of("three-claims"), "draws") == 2**17


def test_the_toy_predicts_more_than_it_was_given() -> None:
    """As many parameters as numbers that set it; the others are judged."""
    verdicts = [row["verdict"] for row in ROWS if row["case"] == "three-claims"]
    inputs = inputs_of("three-claims")
    solved = ("deficit", "mined", "not_chinese", "correlation")
    parameters = sum(inputs[name].size for name in solved)

    assert verdicts.count("set") == parameters == 11
    assert len(verdicts) - 11 >= 2 * 11


def test_the_toy_is_not_unique() -> None:
    """Other spreads and correlations give the five numbers that set these, too."""
    inputs = inputs_of("three-claims")
    other: Inputs = {
        **inputs,
        "mined": np.array([0.63, 0.489]),
        "not_chinese": np.array([0.25, 0.614]),
        "correlation": np.array([-0.676, 0.576, -0.957]),
        "draws": np.array([2**16]),
        "runs": np.array([4]),
    }
    solved = ("d2", "deficit-mean-t2", "deficit-mean-t3", "hard-kl", "soft-kl")

    found = CASES["three-claims"](other)

    for text in ROWS:
        if text["case"] == "three-claims" and text["quantity"] in solved:
            given = Validation.model_validate({key: cell for key, cell in text.items() if cell})
            assert given.verdict == "set"
            assert borne_out(given, found[given.quantity]), given.quantity
