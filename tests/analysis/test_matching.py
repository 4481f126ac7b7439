"""History matching and the least shift: closed forms, the shipped scenario, what is refused."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import statsmodels.api as sm

import reesupply as rs
from reesupply.analysis.claims import joint_distance
from reesupply.analysis.matching import (
    HistoryMatch,
    LeastShift,
    history_match,
    least_shift,
    read_shift,
)
from reesupply.analysis.matching import __main__ as command
from reesupply.analysis.matching.beliefs import grouped, moved_inputs, shifted, toml
from reesupply.analysis.matching.emulator import ADDED, COMPLEMENT, FACTOR, fit_mean, polynomial
from reesupply.analysis.matching.implausibility import cheapest, implausibility, share
from reesupply.analysis.matching.search import Normals, Seen, next_shift, search
from reesupply.analysis.matching.words import region
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    import pandas as pd

CLAIMS = ("cru-deficit-2035.annual", "cru-mines-29.global-gross", "benchmark-91-2030.final-use")
A = np.array([[3.0, 1.0, 0.0, 0.5], [0.0, 2.0, -1.0, 0.0]])
GOAL = np.array([4.0, -1.0])


@pytest.fixture(scope="module")
def match() -> HistoryMatch:
    """A short match of the baseline."""
    return history_match(draws=4_096, points=8_192, rng=3)


@pytest.fixture(scope="module")
def shipped() -> LeastShift:
    """The shipped scenario, on other draws than those it was found with."""
    return read_shift(draws=8_192, rng=11)


# ---------------------------------------------------------------------------------- emulators


@pytest.mark.parametrize("link", [ADDED, FACTOR, COMPLEMENT])
def test_an_exact_polynomial_is_found(link: str) -> None:
    """Common draws cancel: a mean of the assumed form is found without error."""
    rng = np.random.default_rng(1)
    knobs = rng.uniform(-2.0, 2.0, (400, 3))
    h = polynomial(knobs) @ np.array([0.1, 0.3, -0.2, 0.0, 0.05, 0.0, 0.1, 0.0, -0.05, 0.02])
    base = rng.uniform(0.1, 0.2, 400)
    turned = {ADDED: base + h, FACTOR: base * np.exp(h), COMPLEMENT: 1.0 - base * np.exp(h)}[link]
    untuned = 1.0 - base if link == COMPLEMENT else base
    found = fit_mean(knobs, turned, untuned, link)
    mean, variance = found.mean_and_variance(knobs)
    factor = base.mean() * np.exp(h)
    wanted = {ADDED: base.mean() + h, FACTOR: factor, COMPLEMENT: 1.0 - factor}[link]
    assert np.allclose(mean, wanted)
    assert np.allclose(found.mean(knobs), mean)
    assert variance.max() < 1e-20


def test_poisson_regression_is_that_of_statsmodels() -> None:
    """Coefficients and robust covariance."""
    rng = np.random.default_rng(2)
    knobs = rng.uniform(-1.0, 1.0, (500, 2))
    base = rng.gamma(2.0, 1.0, 500)
    y = base * np.exp(0.5 * knobs[:, 0] - 0.2 * knobs[:, 1] ** 2) * rng.gamma(3.0, 1.0 / 3.0, 500)
    own = fit_mean(knobs, y, base, FACTOR)
    family = sm.families.Poisson()
    other = sm.GLM(y, polynomial(knobs), family=family, offset=np.log(base)).fit(
        cov_type="HC0", tol=1e-12
    )
    assert np.allclose(own.coefficients, other.params, atol=1e-7)
    assert np.allclose(own.covariance, other.cov_params(), rtol=1e-5)


def test_the_error_of_a_mean_is_its_scatter() -> None:
    """Over repetitions a mean scatters as its variance says."""
    rng = np.random.default_rng(3)
    at, means, variances = np.array([[0.5, -0.5]]), [], []
    for _ in range(300):
        knobs = rng.uniform(-1.0, 1.0, (200, 2))
        y = knobs[:, 0] + rng.normal(0.0, 1.0, 200) * (1.0 + knobs[:, 0])
        mean, variance = fit_mean(knobs, y, np.zeros(200)).mean_and_variance(at)
        means.append(mean[0])
        variances.append(variance[0])
    assert np.mean(means) == pytest.approx(0.5, abs=0.05)
    assert np.var(means) == pytest.approx(np.mean(variances), rel=0.25)


def test_what_cannot_be_fitted_is_refused() -> None:
    """Too few draws, and a factor on what changes its sign."""
    knobs = np.random.default_rng(4).uniform(-1.0, 1.0, (100, 2))
    with pytest.raises(ReesupplyError, match="draws for 6 terms"):
        fit_mean(knobs[:20], knobs[:20, 0], knobs[:20, 1])
    with pytest.raises(ReesupplyError, match="negative draws"):
        fit_mean(knobs, knobs[:, 0], knobs[:, 1], FACTOR)


# ------------------------------------------------------------------------ searches, closed forms


def test_implausibility_by_hand() -> None:
    """Distance over the root of both variances."""
    found = implausibility(
        np.array([[10.0], [0.5]]),
        np.array([[9.0], [0.0]]),
        np.array([0.0, 0.2]),
        np.array([4, 0.1]),
    )
    assert np.allclose(found, [[2.0], [3.0]])


def test_share_has_the_binomial_error() -> None:
    """And of nothing found an error that is not 0."""
    assert share(np.array([True] * 20 + [False] * 80)) == pytest.approx((0.2, 0.04))
    nothing, error = share(np.zeros(1_000, dtype=np.bool_))
    assert nothing == 0.0
    assert 0.0 < error < 1e-3


def test_cheapest_turn_of_a_line() -> None:
    """The pseudo-inverse; farther off the targets it costs less; beyond reach there is none."""
    sds, zero = np.array([0.5, 0.25]), np.zeros(4)
    exact = A.T @ np.linalg.solve(A @ A.T, GOAL)
    turns = [cheapest(lambda m: A @ m, GOAL, sds, zero, 3.0, c) for c in (0.0, 1.0, 2.0, 3.0)]
    assert turns[0] is not None
    assert np.allclose(turns[0], exact, atol=1e-6)
    costs = [float(m @ m) for m in turns if m is not None]
    assert len(costs) == 4
    assert costs == sorted(costs, reverse=True)
    assert len(set(costs)) == 4
    assert cheapest(lambda m: A @ m, 100.0 * GOAL, sds, zero, 3.0) is None


def cell(frame: pd.DataFrame, row: Any, column: str) -> float:
    """One number of a table."""
    return float(frame[column][row])


def look(shift: np.ndarray[Any, Any]) -> Seen:
    """Two claims linear in four normal inputs."""
    return Seen(A @ shift, np.full(2, 1e-9), A)


def test_least_shift_of_lines_is_the_nearest_weighting() -> None:
    """Entropy of half the squared Mahalanobis distance, which is that of the tilt."""
    found = search(look, GOAL, 4)
    assert found.met
    assert np.allclose(found.shift, A.T @ np.linalg.solve(A @ A.T, GOAL))
    distance2 = GOAL @ np.linalg.solve(A @ A.T, GOAL)
    assert 0.5 * found.shift @ found.shift == pytest.approx(0.5 * distance2)
    assert found.path[-1][0] == pytest.approx(0.5 * distance2)


def test_least_shift_of_a_curve() -> None:
    """exp(d + 1/2) for the mean of a lognormal: solved where the gradient is parallel to d."""
    rate = np.array([0.6, 0.8])

    def curve(d: np.ndarray[Any, Any]) -> Seen:
        mean = np.exp(rate @ d + 0.5)
        return Seen(np.array([mean]), np.array([1e-8]), mean * rate[np.newaxis])

    found = search(curve, np.array([8.0]), 2)
    assert found.met
    assert np.allclose(found.shift, rate * (np.log(8.0) - 0.5), atol=1e-7)


def test_small_shifts_are_left_out_and_impossible_ones_are_said() -> None:
    """Inputs below the least move stay; a target that nothing moves is not met."""
    found = search(look, GOAL, 4, least=0.3)
    whole = search(look, GOAL, 4)
    assert found.met
    assert ((found.shift == 0.0) | (np.abs(found.shift) > 0.1)).all()
    assert (found.shift == 0.0).any()
    assert found.shift @ found.shift >= whole.shift @ whole.shift

    def flat(d: np.ndarray[Any, Any]) -> Seen:
        return Seen(np.array([np.tanh(d[0])]), np.array([1e-6]), np.array([[0.0, 0.0]]))

    assert not search(flat, np.array([2.0]), 2).met


def test_gradients_are_those_of_the_run(shipped: LeastShift) -> None:
    """The normal numbers are drawn again as the run drew them, and lines are found exactly."""
    normals = Normals(shipped.untuned)
    rng = np.random.default_rng(5)
    lines = rng.normal(size=(2, len(normals.names)))
    found = normals.gradients(lines @ normals._z)
    assert np.allclose(found, lines, atol=1e-3)
    row = normals.names.index("factors.collection")
    own = shipped.untuned.values("factors.collection")
    assert np.allclose(normals._z[row], own - own.mean(), atol=1e-6)


# --------------------------------------------------------------------------- history matching


def test_a_match_is_whole(match: HistoryMatch) -> None:
    """Shares, regions and prices hang together."""
    problem = match.problem
    assert problem.claims == CLAIMS
    assert np.allclose(problem.targets, [2920.0, 0.29, 0.91])
    assert np.allclose(problem.sds, [600.0, 0.06, 0.03])
    assert 0.0 < match.volume[0] < 0.3
    assert match.volume[0] <= match.volumes["share"][list(CLAIMS)].min()
    # with no knob turned the emulator is the untuned run
    untuned = [float(match.untuned.mean(name)) for name in CLAIMS]
    off = (match.means(np.zeros(len(problem.knobs))) - untuned) / problem.sds
    assert np.abs(off).max() < 0.8
    held = match.points[match.inside]
    assert np.allclose(match.region["mean"], held.mean(axis=0))
    assert (held.min(axis=0) == match.region["lowest"]).all()
    # mines outside China are fewer in nearly all that is left
    assert cell(match.region, "pipeline", "pull") < -0.5


def test_a_larger_cutoff_leaves_more(match: HistoryMatch) -> None:
    """Volumes grow and prices fall with the cutoff."""
    shares = [replace(match, cutoff=c).volume[0] for c in (1.0, 2.0, 3.0, 5.0, 100.0)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    nats = match.prices["nats"].to_numpy()[:3]  # within 3, 2 and 1
    assert (np.diff(nats) > 0.0).all()


def test_pairs_cover_all_points(match: HistoryMatch) -> None:
    """Cells of a map hold each point once; their least is the least of all."""
    least, density = match.pair("pipeline", "western-use", bins=4)
    assert least.shape == density.shape == (4, 4)
    assert np.nanmin(least) == match.largest.min()
    assert np.nanmean(density) == pytest.approx(match.volume[0], rel=0.1)
    assert density[:, 0].mean() > density[:, -1].mean()  # a weak pipeline fits better
    with pytest.raises(ReesupplyError, match="pipeline"):
        match.pair("pipelin", "western-use")


def test_an_empty_region_is_said_to_be_one(match: HistoryMatch) -> None:
    """No range, no price, and a bound on what could have been missed."""
    far = replace(match, implausible=match.implausible + 100.0)
    assert far.volume[0] == 0.0
    assert far.region.isna().all().all()
    assert "the region is empty, or smaller than" in region(far)
    assert "pull most on pipeline down" in region(match)


def test_the_model_agrees_with_the_emulators(match: HistoryMatch) -> None:
    """At settings within the cutoff they differ by less than it matters."""
    table = match.check(points=2, draws=2_048)
    assert len(table) == 6
    assert np.sqrt((table["off"] ** 2).mean()) < 1.0


def test_equal_seeds_give_equal_matches(match: HistoryMatch) -> None:
    """And others do not."""
    one, again, other = (history_match(draws=1_024, points=256, rng=r) for r in (3, 3, 4))
    assert (again.implausible == one.implausible).all()
    assert (again.points == match.points[:256]).all()
    assert not (other.points == again.points).any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reach": 0.0}, "reach: found 0.0"),
        ({"cutoff": np.nan}, "cutoff: found nan"),
        ({"claims": ["cru-deficit-2035.anual"]}, "cru-deficit-2035.annual"),
        ({"claims": ["cru-mines-29.global-net"]}, "lacks; give one"),
        ({"claims": []}, "one or more"),
        ({"sds": {CLAIMS[0]: 0.0}}, "above 0"),
        ({"scenario": "cru-consistent"}, "knobs are turned here"),
        ({"draws": 256}, "terms"),
    ],
)
def test_what_is_refused(options: dict[str, Any], says: str) -> None:
    """One sentence."""
    with pytest.raises(ReesupplyError, match=says):
        history_match(**({"draws": 1_024} | options))


# ------------------------------------------------------------------ the shipped scenario


def test_the_shipped_scenario_meets_the_claims(shipped: LeastShift) -> None:
    """On draws that it was not found with, and says that it is no forecast."""
    assert shipped.met
    assert "not a forecast" in shipped.scenario.title
    assert all(abs(shift) < 3.0 for shift in shipped.shifts.values())
    assert shipped.inputs["nats"].sum() == pytest.approx(shipped.nats)
    assert set(shipped.inputs.index) == set(shipped.shifts)
    assert shipped.text.startswith("To agree with 2,920 t, 29 % and 91 % in the mean")


def test_it_can_be_conditioned_and_costs_more_than_weights(shipped: LeastShift) -> None:
    """At least a fifth of its draws stay; no shift is nearer than the nearest weights."""
    found = shipped.result.condition(*CLAIMS)
    assert found.conditioning is not None
    assert found.conditioning.effective_draws >= 0.2 * found.draws
    table = shipped.beside_weights
    assert cell(table, "inputs shifted", "nats") == pytest.approx(shipped.nats)
    assert cell(table, "untuned, weighed", "nats") < shipped.nats
    assert cell(table, "untuned, weighed", "effective share") < 0.05
    distance = joint_distance(shipped.result, CLAIMS)
    assert cell(distance, "jointly", "distance2") < 0.05


def test_it_is_what_the_command_writes(shipped: LeastShift) -> None:
    """Its file is the text of its shifts, and no move of its inputs meets the claims for less."""
    file = (files("reesupply") / "data/scenarios/cru-consistent.toml").read_text(encoding="utf-8")
    base = rs.load_scenario()
    again = shifted(base, shipped.shifts)
    found = tomllib.loads(toml(again, title=command.TITLE, comment=""))
    written = tomllib.loads(file)
    assert found.keys() == written.keys()
    assert moved_inputs(base, again, shipped.untuned.plan.inputs.names) == pytest.approx(
        dict(shipped.shifts), abs=2e-4
    )
    assert "NOT our forecast" in file
    # stationary: a further step of the search, on other draws, costs about as much
    normals = Normals(shipped.untuned)
    shift = np.array([shipped.shifts.get(name, 0.0) for name in normals.names])
    values = np.stack([shipped.result.values(name) for name in CLAIMS])
    gradients = normals.gradients(values) * (shift != 0.0)
    new = next_shift(gradients, shift, values.mean(axis=1), shipped.problem.targets)
    assert 0.5 * new @ new == pytest.approx(shipped.nats, rel=0.1)
    assert new @ shift / np.linalg.norm(new) / np.linalg.norm(shift) > 0.95


def test_the_command(
    shipped: LeastShift, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a search that is done already: up to date or not, and what it writes."""
    monkeypatch.setattr(command, "least_shift", lambda: shipped)
    assert command.main(["--check"]) == 0
    assert "up to date" in capsys.readouterr().out
    other = replace(shipped, shifts={k: 1.1 * v for k, v in shipped.shifts.items()})
    monkeypatch.setattr(command, "least_shift", lambda: other)
    assert command.main(["--check"]) == 1
    assert command.main(["--what"]) == 2
    assert "usage" in capsys.readouterr().err
    assert tomllib.loads(command.text(shipped))["title"] == command.TITLE


def test_one_claim_from_the_start() -> None:
    """The search itself, on few draws: a deficit of 500 t alone."""
    base = rs.load_scenario().replace({"targets.cru-deficit-2035.annual.value": 500.0})
    found = least_shift(base, [CLAIMS[0]], draws=2_048, rng=6)
    assert found.met
    assert 0.01 < found.nats < 0.5
    assert cell(found.claims, CLAIMS[0], "now") == pytest.approx(500.0, abs=40.0)
    assert sum(len(v) for v in grouped(base, found.shifts).values()) == len(found.shifts)


def test_groups_take_their_part() -> None:
    """Nats of the groups add up, and putting one back takes away from the deficit what it gave."""
    shifts = {"factors.thrifting-change": 1.0, "anchors.regime.value": -0.5}
    found = read_shift(shifted(rs.load_scenario(), shifts), draws=1_024, rng=2)
    table = found.groups
    assert found.nats == pytest.approx(0.625)
    assert not found.met
    assert found.text.startswith("No shift was found")
    assert table["nats"].to_list() == pytest.approx([0.5, 0.125])
    assert table["share"].sum() == pytest.approx(1.0)
    assert cell(table, "Dy and Tb per magnet", CLAIMS[0]) > 0.0


def test_tonnes_are_those_of_the_runs(shipped: LeastShift) -> None:
    """Needs add up, and the deficit is that of the claims."""
    table = shipped.tonnes["now"]
    parts = ("need of electric cars and vans", "need of wind turbines", "need of other goods")
    assert sum(table[part, 2035] for part in parts) == pytest.approx(
        table["need of all goods", 2035]
    )
    assert table["deficit", 2035] == pytest.approx(cell(shipped.claims, CLAIMS[0], "now"))
    assert np.isnan(shipped.tonnes["change"]["deficit", 2035])


def test_scenarios_that_differ_otherwise_are_refused() -> None:
    """A shift is that of knobs alone."""
    with pytest.raises(ReesupplyError, match="differ in"):
        read_shift("slips", draws=64)
    drawn = rs.load_scenario().replace({"knobs.pipeline.shift": "uniform(0, 1)"})
    with pytest.raises(ReesupplyError, match="allowed is a number"):
        read_shift(drawn, draws=64)
