"""Knobs: what they move, by how much, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import reesupply as rs
from reesupply.engine.knobs import weights_of
from reesupply.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

N = 1_024


def run(changes: Mapping[str, object], **options: object) -> rs.Result:
    """A short run of the baseline with changes."""
    scenario = rs.load_scenario().replace(changes)
    return rs.simulate(scenario, draws=N, rng=5, keep=("inputs", "claims"), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def before() -> rs.Result:
    """The baseline."""
    return run({})


def test_one_factor_moves_by_the_shift(before: rs.Result) -> None:
    """A knob of one factor adds its shift to every draw, and leaves what does not load on it."""
    after = run({"knobs.heavies-per-magnet.shift": 0.75})
    moved = after.values("factors.thrifting-change") - before.values("factors.thrifting-change")
    assert np.allclose(moved, 0.75, atol=1e-12)
    for name in ("factors.demand-change", "anchors.stock-change-2024.value"):
        assert (after.values(name) == before.values(name)).all()


def test_several_inputs_share_a_shift(before: rs.Result) -> None:
    """Squares of what the inputs of a knob move by sum to the square of its shift."""
    after = run({"knobs.chinese-growth.shift": 1.5})
    tight = after.values("factors.china-tightness") - before.values("factors.china-tightness")
    error, old = (r.values("anchors.captive-growth-error.value") for r in (after, before))
    weight = 1.5 / np.sqrt(0.9**2 + 0.436**2 + 1.0)
    assert np.allclose(tight, -0.9 * weight, atol=1e-12)
    assert np.median(error - old) == pytest.approx(
        0.015 * weight, rel=0.01
    )  # sd, cut at three of them


def test_spread_and_dependence_stay(before: rs.Result) -> None:
    """Normal scores keep their variance and correlation."""
    after = run({"knobs.*.shift": 1.0})
    names = ("factors.demand-change", "factors.policy-support", "factors.collection")
    old, new = (np.cov(np.stack([r.values(n) for n in names])) for r in (before, after))
    assert np.allclose(old, new, atol=1e-12)


def test_a_drawn_knob_shifts_each_draw_by_its_own() -> None:
    """A knob may be a distribution; its draws are an input, and 0 within it is no shift."""
    name = "knobs.heavies-per-magnet.shift"
    after = run({name: "uniform(-2, 2)"})
    moved = after.values("factors.thrifting-change") - run({}).values("factors.thrifting-change")
    assert np.allclose(moved, after.values(name), atol=1e-12)
    assert abs(np.abs(moved).max() - 2.0) < 0.01


def test_no_shift_is_no_change(before: rs.Result) -> None:
    """A shift of 0 leaves every bit."""
    after = run({"knobs.*.shift": 0.0})
    assert (after.arrays["claims"] == before.arrays["claims"]).all()
    assert after.plan.hash == before.plan.hash


def test_any_number_of_workers_gives_the_same(before: rs.Result) -> None:
    """Knobs keep the bits whatever the workers."""
    one, two = (run({"knobs.*.shift": "uniform(-1, 1)"}, workers=w) for w in (1, 2))
    assert (one.arrays["claims"] == two.arrays["claims"]).all()
    assert not (one.arrays["claims"] == before.arrays["claims"]).all()


def test_the_shipped_knobs_are_whole() -> None:
    """Every row moves something, no input has two knobs, and weights have unit length."""
    scenario = rs.load_scenario()
    names = rs.compile(scenario).inputs.names
    weights = weights_of(scenario, names)
    assert set(weights) == {row.id for row in scenario.rows("knobs")}
    for found in weights.values():
        assert sum(w**2 for w in found.values()) == pytest.approx(1.0)
    for row in scenario.rows("knob_inputs"):
        alone = scenario.tables | {"knob_inputs": {(row.knob, row.input): row}}  # type: ignore[operator]
        assert weights_of(rs.Scenario(scenario.title, alone), names)[row.knob], row.input


def test_the_last_matching_row_counts() -> None:
    """As with loadings, a later row says it for a single input."""
    changed = rs.load_scenario().replace(
        {"knob_inputs.delays.projects.lynas-gebeng-heavy-2.slip": {"weight": -1.0}}
    )
    names = ("projects.lynas-gebeng-heavy-2.slip", "projects.iluka-eneabba.slip")
    own = weights_of(changed, names)["delays"]
    assert own[names[0]] == -own[names[1]] < 0.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"knob_inputs.pipeline.factors.collection": {"weight": 1.0}}, "one knob for each input"),
        ({"factors.*.*.loading": 0.1, "knobs.nothing": {"name": "x", "shift": 1.0}}, "none of its"),
        ({"knob_inputs.nowhere.factors.collection": {"weight": 1.0}}, "nowhere"),
        ({"knob_inputs.pipeline.factors.demand": {"weight": 0.0}}, "leave the row out"),
        ({"knobs.pipeline.shift": 7.0}, "-6 to 6"),
    ],
)
def test_what_is_refused(changes: dict[str, object], says: str) -> None:
    """One sentence with the place."""
    turned = {"knobs.pipeline.shift": 1.0, "knobs.recycling.shift": 1.0}
    with pytest.raises(ScenarioError, match=says):
        rs.compile(rs.load_scenario().replace(turned | changes))
