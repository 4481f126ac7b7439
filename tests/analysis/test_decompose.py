"""From one scenario to another: steps sum to the difference, in every order and in every part."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import reesupply as rs
from charts import texts
from reesupply.analysis.decompose import standard_patterns
from reesupply.analysis.decompose.blocks import DEMAND, LEVEL, REST, STOCKS, blocks_of
from reesupply.analysis.decompose.decomposition import PARTS
from reesupply.analysis.drivers import OUTSIDE
from reesupply.analysis.sensitivity.emulator import shapley
from reesupply.report.decomposition import accounts, sentence

DRAWS = 64
READINGS = ("mean", "central")


@pytest.fixture(scope="module")
def found() -> rs.Decomposition:
    """Our baseline and the documented reading of a consultancy, in fewer blocks to be quick."""
    patterns = standard_patterns(rs.load_scenario(), rs.load_scenario("cru-reading"))
    blocks = {name: patterns[name] for name in (STOCKS, DEMAND, OUTSIDE)}
    return rs.decompose(blocks=blocks, draws=DRAWS, rng=1)


@pytest.fixture(scope="module")
def small() -> rs.Decomposition:
    """Two cells, each a block, and one that no block names."""
    base = rs.load_scenario()
    other = base.replace(
        {
            "anchors.captive-growth.value": 0.01,
            "anchors.stock-change-2024.value": 0,
            "anchors.availability.value": 0.5,
        }
    )
    blocks = {"growth": ["anchors.captive-growth.*"], "stocks": ["anchors.stock-*"]}
    return rs.decompose(base, other, blocks=blocks, draws=0)


# ------------------------------------------------------------------------------ conservation


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize(("year", "since"), [(None, None), (2024, None), (2030, 2025)])
def test_steps_sum_to_the_difference(
    found: rs.Decomposition, reading: str, year: int | None, since: int | None
) -> None:
    """Conservation to rounding: over blocks, over parts, and within the range over orders."""
    table = found.steps(year, since=since, reading=reading)
    whole = table["adds"].to_numpy()
    assert whole[:-1].sum() == pytest.approx(whole[-1], abs=1e-8)
    np.testing.assert_allclose(table[list(PARTS)].sum(axis=1), table["adds"], atol=1e-8)
    assert (table["least"] <= table["adds"] + 1e-9).all()
    assert (table["adds"] <= table["most"] + 1e-9).all()
    np.testing.assert_allclose(table["running"].iloc[-2:], whole[-1], atol=1e-8)


def test_the_ends_are_the_two_scenarios(found: rs.Decomposition) -> None:
    """Bit for bit the deficits of two runs on the same draws, and their means."""
    for place, name in ((0, "baseline"), (-1, "cru-reading")):
        run = rs.simulate(name, draws=DRAWS, rng=1, design="lhs")
        deficit = -run.values("balance", element="Dy+Tb")
        np.testing.assert_array_equal(found.deficits[place], deficit)
        step = found.steps().iloc[place]
        assert step["adds"] == pytest.approx(deficit[-1].mean(), abs=1e-8)
        assert step["error"] == pytest.approx(deficit[-1].std(ddof=1) / np.sqrt(DRAWS))


def test_it_is_the_mean_over_all_orders(small: rs.Decomposition) -> None:
    """Each block has the mean, least and most of what it adds in the 3! orders, made one by one."""
    names = [block.name for block in small.blocks]
    orders = [small.along(order)["adds"] for order in itertools.permutations(names)]
    table: Any = small.steps()
    for name in names:
        adds = [float(one[name]) for one in orders]
        assert table.loc[name, "adds"] == pytest.approx(np.mean(adds), abs=1e-8)
        assert table.loc[name, "least"] == pytest.approx(min(adds), abs=1e-8)
        assert table.loc[name, "most"] == pytest.approx(max(adds), abs=1e-8)
    for one in orders:
        assert one.iloc[:-1].sum() == pytest.approx(one.iloc[-1], abs=1e-8)


def test_an_order_is_a_chain_of_scenarios(small: rs.Decomposition) -> None:
    """Switched one after another by hand, the deficits are those of the chain."""
    base, other = small.first.scenario, small.second.scenario
    chain = [base]
    for path in ("anchors.stock-change-2024.value", "anchors.captive-growth.value"):
        chain.append(
            chain[-1].replace({path: other.to_frame("anchors").loc[path.split(".")[1], "value"]})
        )
    by_hand = [rs.decompose(one, other, draws=0).steps()["adds"].iloc[0] for one in chain]
    np.testing.assert_allclose(small.along(["stocks", "growth", REST])["running"].iloc[:3], by_hand)


def test_shapley_of_a_product() -> None:
    """Of v = (1 + a)(1 + b) - 1 each block has its own part and half of the product a b."""
    a, b = 0.5, 2.0
    values = np.array([0.0, a, b, a + b + a * b])
    np.testing.assert_allclose(shapley(values, 2), [a + a * b / 2.0, b + a * b / 2.0])


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("year", [2024, 2030, 2035])
def test_accounts_sum_to_the_difference(found: rs.Decomposition, reading: str, year: int) -> None:
    """Demand, mines and recycled oxide make up the same difference, levels and growth apart."""
    steps, parts = found.steps(year, reading=reading), found.parts(year, reading=reading)
    assert parts["adds"].sum() == pytest.approx(
        steps["adds"].iloc[-1] - steps["adds"].iloc[0], abs=1e-8
    )
    if year == 2024:
        growth = parts[[what.startswith("growth") for _, what in parts.index]]
        np.testing.assert_allclose(growth["adds"], 0.0, atol=1e-9)


# ---------------------------------------------------------------------------------- meaning


def test_what_the_base_year_says(found: rs.Decomposition) -> None:
    """In the base year only stocks are between them: demand is what supply and stocks leave."""
    early: Any = found.over_time("central")["2024"]
    assert early[STOCKS] == pytest.approx(early["cru-reading"] - early["baseline"], abs=1e-6)
    others = early.drop([STOCKS, "baseline", "cru-reading"])
    np.testing.assert_allclose(others, 0.0, atol=1e-6)


def test_over_time(found: rs.Decomposition) -> None:
    """The change is that of the steps since the base year."""
    table = found.over_time()
    assert list(table.columns) == ["2024", "2035", "change"]
    change = found.steps(2035, since=2024)["adds"]
    np.testing.assert_allclose(table["change"], change, atol=1e-8)


def test_the_other_way_round() -> None:
    """From the second to the first every step has the other sign."""
    forth = rs.decompose("baseline", "slips", draws=0).steps()
    back = rs.decompose("slips", "baseline", draws=0).steps()
    steps = forth.index[1:-1]
    np.testing.assert_allclose(forth.loc[steps, "adds"], -back.loc[steps, "adds"], atol=1e-8)


def test_blocks_of_the_supply_chain() -> None:
    """Every difference is in one block; new end uses bring their lifetimes with them."""
    base, other = rs.load_scenario(), rs.load_scenario("cru-reading")
    blocks = blocks_of(base, other, None)
    names = [block.name for block in blocks]
    assert [name for name in names if name != REST] == [
        name for name in standard_patterns(base, other) if name in names
    ]
    assert {LEVEL, STOCKS, DEMAND, OUTSIDE} <= set(names)
    assert REST not in names
    by_name = {block.name: [one.path for one in block.differences] for block in blocks}
    assert "lifetimes.headline-ev.*" in by_name[DEMAND]
    assert "anchors.stock-change-2024.value" in by_name[STOCKS]
    assert not any("myanmar" in path for path in by_name[OUTSIDE])
    everything = [path for paths in by_name.values() for path in paths]
    assert len(everything) == len(set(everything))


# ------------------------------------------------------------------------------ words, chart


def test_the_words_have_the_numbers(found: rs.Decomposition) -> None:
    """The sentence names every block with its tonnes, the largest first; lines fit."""
    table = found.steps()
    words = sentence(found)
    assert "baseline" in words
    assert f"{table['adds'].iloc[-1]:,.0f} t in cru-reading" in words
    for name, row in table.iloc[1:-1].iterrows():
        assert f"{row['adds']:+z,.0f} t from {name}" in words
    listed = [abs(float(x.replace(",", ""))) for x in re.findall(r"([+-][\d,]+) t from", words)]
    assert listed == sorted(listed, reverse=True)
    books = accounts(found)
    rows: Any = found.parts().reset_index().to_dict(orient="records")
    for row in rows:
        label = f"{row['part']}, {row['what']}" if row["what"] else row["part"]
        if abs(row["adds"]) >= 1.0:
            assert f"{row['adds']:+,.0f} t from {label}" in books
    text = found.text()
    assert all(len(line) <= 100 for line in text.split("\n"))
    assert "nan" not in text
    assert text == found.text(2035) != found.text(2030)


def test_the_words_of_deterministic_runs(small: rs.Decomposition) -> None:
    """Without draws it says so, and names a scenario by its title."""
    text = small.text()
    assert "nothing drawn" in text
    assert "each input at its median" in " ".join(text.split())
    assert small.readings == ("central",)
    assert small.steps()["error"].isna().all()


def test_the_chart_says_what_it_shows(found: rs.Decomposition) -> None:
    """Both scenarios, each block with its tonnes and range, unit and data date."""
    ax = found.plot()
    shown = texts(ax)
    table: Any = found.steps()
    for each in (*table.index, "t oxide/yr", "2035", "fitted to no claim", "data of 2026-05-31"):
        assert any(str(each) in text for text in shown), each
    signed = f"{table.loc[DEMAND, 'adds']:+,.0f}".replace("-", "\N{MINUS SIGN}")
    assert signed in shown
    bars: list[Any] = list(ax.patches)
    widths = [bar.get_width() for bar in bars]
    np.testing.assert_allclose(widths, table["adds"], atol=1e-8)
    change = found.plot(since=2024, reading="central")
    assert "change from 2024 to 2035" in change.get_title()


def test_it_shows_itself(found: rs.Decomposition, small: rs.Decomposition) -> None:
    """In a console one line, in a notebook the steps."""
    assert repr(found) == (
        f"<Decomposition: baseline to cru-reading, {1 << len(found.blocks)} runs, 64 draws each>"
    )
    assert "deterministic" in repr(small)
    assert STOCKS in found._repr_html_()


def test_progress_is_reported() -> None:
    """A callable hears of every run."""
    heard: list[tuple[int, int]] = []
    rs.decompose("baseline", "slips", draws=0, progress=lambda *both: heard.append(both))
    assert heard[-1][0] == heard[-1][1] == len(heard)


# -------------------------------------------------------------------------------- refusals


def test_no_difference_is_refused() -> None:
    """Twice the same scenario has nothing between."""
    with pytest.raises(rs.ReesupplyError, match="do not differ"):
        rs.decompose("baseline", rs.load_scenario(), draws=0)


def test_other_years_are_refused() -> None:
    """A scenario that ends earlier cannot be compared."""
    short = rs.load_scenario().replace({"settings.last_year.value": "2030"})
    with pytest.raises(rs.ReesupplyError, match="found years 2024 to 2035 and 2024 to 2030"):
        rs.decompose("baseline", short, draws=0)


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ({"mines": "projects.*"}, "allowed is a mapping of names to lists"),
        (["projects.*"], "allowed is a mapping of names to lists"),
        ({"mines": ["prospects.*"]}, "found 'mines', whose patterns match no cell"),
        ({f"b{i}": [f"projects.*{i}*"] for i in range(9)}, "allowed are at most 8|match no cell"),
    ],
)
def test_wrong_blocks_are_refused(blocks: Any, words: str) -> None:
    """One sentence says what is allowed."""
    with pytest.raises(rs.ReesupplyError, match=words):
        rs.decompose("baseline", "announced", blocks=blocks, draws=0)


def test_too_many_blocks_are_refused() -> None:
    """All sets are run, so there is a limit."""
    base = rs.load_scenario()
    ids = [row.id for row in base.rows("projects") if row.status == "feasibility"][:9]
    other = base.replace({f"projects.{name}.start": 2034.0 for name in ids})
    blocks = {name: [f"projects.{name}.*"] for name in ids}
    with pytest.raises(rs.ReesupplyError, match="found 9, allowed are at most 8"):
        rs.decompose(base, other, blocks=blocks, draws=0)


def test_blocks_that_cannot_be_apart_are_refused() -> None:
    """An end use without its lifetime is no scenario, and the sentence says which block it was."""
    with pytest.raises(rs.ReesupplyError, match="put into one block what belongs together") as e:
        rs.decompose(blocks={"uses": ["end_uses.*"]}, draws=0)
    assert "'uses' of the second scenario" in str(e.value)


@pytest.mark.parametrize("draws", [-1, 1.5, True, None, "many"])
def test_draws_are_a_number(draws: Any) -> None:
    """0 or more."""
    with pytest.raises(rs.ReesupplyError, match="allowed is an integer from 0"):
        rs.decompose("baseline", "slips", draws=draws)


def test_other_faults_speak_for_themselves() -> None:
    """What is wrong with an argument of the run is not laid to the blocks."""
    with pytest.raises(rs.ReesupplyError, match=r"^workers: found 0"):
        rs.decompose("baseline", "slips", draws=64, workers=0)


def test_questions_that_have_no_answer(small: rs.Decomposition) -> None:
    """An unknown year, reading or order."""
    with pytest.raises(rs.ReesupplyError, match="year: found 2050"):
        small.steps(2050)
    with pytest.raises(rs.ReesupplyError, match="reading: found 'mean'"):
        small.steps(reading="mean")
    with pytest.raises(rs.ReesupplyError, match="allowed is each block once"):
        small.along(["growth"])
    pd.testing.assert_index_equal(
        small.along(["stocks", REST, "growth"]).index[1:-1],
        pd.Index(["stocks", REST, "growth"], name="step"),
    )
