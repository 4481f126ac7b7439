"""Monte Carlo error: do its intervals cover, and does a run stop where it should."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import reesupply as rs
from reesupply.engine.layout import BINS, Layout
from reesupply.engine.precision import GROUPS, Groups, headline_rows
from reesupply.engine.variables import DATA
from reesupply.result.precision import (
    half_width,
    shares_below,
    step_of_groups,
    step_of_independent,
)
from reesupply.result.statistics import LEVELS, weighted_quantile
from reesupply.sampling import LANE, Design, Sampler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

NAMES = ("a", "b", "c", "d", "e")
#: The last is left random, as most inputs of a scenario are in a Sobol run.
DIMENSIONS = {name: number for number, name in enumerate(NAMES[:-1])}
LOADINGS = np.array([0.6, 0.5, 0.4, 0.4, 0.27])
SKEW = 0.6


def sample(design: Design, seed: int, lanes: int) -> FloatArray:
    """Draws of a skewed sum of five inputs; its quantiles are known exactly."""
    sampler = Sampler(seed, NAMES, design, DIMENSIONS)
    found = [
        LOADINGS @ ndtri(sampler.lane(lane, np.empty((len(NAMES), LANE)))) for lane in range(lanes)
    ]
    return np.exp(SKEW * np.concatenate(found))


def exact(q: float) -> float:
    """Quantile of what `sample` draws."""
    return float(np.exp(SKEW * np.sqrt(LOADINGS @ LOADINGS) * ndtri(q)))


def quantiles(draws: FloatArray) -> Callable[[float], float]:
    """Return the quantile function of draws; sorted once, since thousands are asked for."""
    ordered = np.sort(draws)

    def quantile(q: float) -> float:
        place = q * (ordered.size - 1)
        low = min(int(place), ordered.size - 2)
        return float(ordered[low] + (place - low) * (ordered[low + 1] - ordered[low]))

    return quantile


def interval(draws: FloatArray, design: Design, q: float) -> tuple[float, float]:
    """Return a quantile of bare draws and half of its interval, as a result tells it."""
    quantile = quantiles(draws)
    value = quantile(q)
    if design == "random":
        return value, half_width(quantile, q, step_of_independent(q, draws.size))
    return value, half_width(quantile, q, step_of_groups(*shares_below(draws, value)))


def holds(draws: FloatArray, design: Design, q: float) -> bool:
    """Whether the interval of a quantile holds the true one."""
    value, half = interval(draws, design, q)
    return abs(value - exact(q)) <= half


# ------------------------------------------------------------------------------- coverage


@pytest.mark.parametrize(
    ("design", "lanes"), [("random", 4), ("lhs", 16), ("lhs", 24), ("sobol", 16), ("sobol", 20)]
)
def test_intervals_cover(design: Design, lanes: int) -> None:
    """
    Of 200 runs, the 95 % interval holds the true quantile in 90 to 99 % of them.

    The standard deviation of such a share is 1.5 %. Seeds are fixed.
    """
    inside = np.zeros(3)
    for seed in range(5000, 5200):
        draws = sample(design, seed, lanes)
        inside += [holds(draws, design, q) for q in LEVELS]
    assert (inside > 0.90 * 200).all(), inside / 200
    assert (inside < 0.99 * 200).all(), inside / 200


def test_few_scramblings_cover_too() -> None:
    """With four scramblings the interval is wider, by Student's t, and covers as well."""
    inside = np.mean([holds(sample("sobol", seed, 4), "sobol", 0.5) for seed in range(200)])
    assert 0.90 < inside < 0.99


def test_the_plain_formula_fails_for_sobol() -> None:
    """What the groups are for: the formula of independent draws is far too wide here."""
    runs = [sample("sobol", seed, 16) for seed in range(60)]
    plain = np.median([interval(draws, "random", 0.5)[1] for draws in runs])
    found = [interval(draws, "sobol", 0.5) for draws in runs]
    off = np.std([value - exact(0.5) for value, _ in found])
    grouped = np.median([half for _, half in found])
    assert plain > 3.0 * off
    assert 1.6 * off < grouped < 2.8 * off


def test_stopped_runs_cover() -> None:
    """A look at each doubling stops some runs by luck; coverage stays close to 95 %."""
    inside, ends = 0, set()
    for seed in range(5000, 5200):
        draws = sample("random", seed, 16)
        for lanes in (2, 4, 8, 16):
            cut = draws[: lanes * LANE]
            found = [interval(cut, "random", q) for q in LEVELS]
            if max(half for _, half in found) <= 0.03 * (found[2][0] - found[0][0]):
                break
        ends.add(lanes)
        inside += holds(cut, "random", 0.95)
    assert ends == {8, 16}
    assert 0.90 * 200 < inside < 0.99 * 200


def test_atoms_and_constants() -> None:
    """A quantile that most draws have in common is known; a constant too."""
    draws = np.maximum(sample("sobol", 1, 16), exact(0.6))
    assert interval(draws, "sobol", 0.5)[1] == 0.0
    assert interval(draws, "sobol", 0.95)[1] > 0.0
    assert interval(np.ones(16 * LANE), "sobol", 0.5)[1] == 0.0


def test_too_short_is_infinite() -> None:
    """One scrambling tells no error; a P5 of a dozen draws has no lower end."""
    draws = sample("sobol", 1, 1)
    assert interval(draws, "sobol", 0.5)[1] == np.inf
    assert interval(draws[:12], "random", 0.05)[1] == np.inf
    assert interval(draws[:12], "random", 0.5)[1] < np.inf
    assert half_width(quantiles(draws), 0.5, float("nan")) == np.inf


def test_groups_of_unequal_size_and_weight() -> None:
    """The scatter of a share is that of the mean of groups, each by its weight."""
    rng = np.random.default_rng(1)
    shares = 0.5 + 0.01 * rng.standard_normal((4000, 16))
    sizes = np.repeat([1.0, 2.0], [12, 4])
    true = 0.01 * np.sqrt((sizes**2).sum()) / sizes.sum()
    steps = np.array([step_of_groups(sizes, row) for row in shares])
    assert np.sqrt((steps**2).mean()) / 2.131 == pytest.approx(true, rel=0.06)  # t of 15
    # weights of one are no weights, and those of zero take draws out
    draws = sample("sobol", 2, 16)
    even = shares_below(draws, 1.0, np.full(draws.size, 0.5))
    np.testing.assert_allclose(even[1], shares_below(draws, 1.0)[1])
    half = np.where(np.arange(draws.size) < 8 * LANE, 1.0, 0.0)
    np.testing.assert_allclose(shares_below(draws, 1.0, half), shares_below(draws[: 8 * LANE], 1.0))


def test_counts_by_group_tell_what_draws_tell() -> None:
    """Wide bins lose next to nothing of the scatter, in any order of lanes."""
    layout = Layout({}, np.array([-1.0, 0.0]), np.array([2.0, 9.0]) / BINS)
    groups = Groups(layout, np.array([1]))
    draws = sample("sobol", 5, 20)
    cells = np.stack([np.zeros_like(draws), draws])
    for lane in (*range(10, 20), *range(10)):
        groups.add_lane(lane, cells[:, lane * LANE : (lane + 1) * LANE])
    assert groups.counts.sum() == 20 * LANE
    for q in LEVELS:
        value = quantiles(draws)(q)
        sizes, shares = groups.shares_below(1, value)
        np.testing.assert_array_equal(sizes, np.repeat([2 * LANE, LANE], [4, 12]))
        step = step_of_groups(*shares_below(draws, value))
        assert step_of_groups(sizes, shares) == pytest.approx(step, rel=0.15)
        np.testing.assert_allclose(shares, shares_below(draws, value)[1], atol=5e-3)
    assert sizes.size == GROUPS


# ------------------------------------------------------------------------------ in a run


@lru_cache(maxsize=4)
def run(design: str, keep: tuple[str, ...]) -> rs.Result:
    """Run all scramblings, two of them twice; the last lane is cut."""
    return rs.simulate(draws=18 * LANE - 100, rng=3, design=design, keep=keep)


@pytest.mark.parametrize("design", ["lhs", "sobol"])
def test_precision_does_not_depend_on_keep(design: str) -> None:
    """With draws and without them the same errors, nearly."""
    kept, streamed = (run(design, keep).precision() for keep in (("balance", "claims"), ()))
    assert list(kept.index) == list(streamed.index)
    wide = kept["half_width"] > 1e-3 * kept["value"].abs()
    ratio = streamed["half_width"][wide] / kept["half_width"][wide]
    assert wide.sum() > 20
    assert abs(ratio.median() - 1.0) < 0.02
    assert (abs(ratio - 1.0) < 0.3).mean() > 0.9


def test_precision_of_other_outputs() -> None:
    """Variables by name, summed over blocs and elements; "claims" is all of them."""
    result = run("sobol", ())
    table = result.precision(of=("mine_supply", "in_use_stock"))
    assert table.index.get_level_values(0).unique().tolist() == [
        f"{name} {year}" for name in ("mine_supply", "in_use_stock") for year in (2024, 2030, 2035)
    ]
    median = result.quantile("mine_supply", 0.5, year=2035, element="Dy+Tb", bloc="world")
    assert float(table["value"][("mine_supply 2035", "P50")]) == median
    assert np.isfinite(table["half_width"]).all()
    assert len(result.precision(of=("claims",))) == 3 * len(result.plan.claims)
    with pytest.raises(rs.ReesupplyError, match=r"^of: found 'mine_suply', whose .* 'mine_supply'"):
        result.precision(of=("mine_suply",))
    with pytest.raises(rs.ReesupplyError, match=r"^of: found the text 'balance'"):
        result.precision(of="balance")


def test_every_headline_is_counted_by_group() -> None:
    """All that can be named has counts by group: three years, or twelve for the balance."""
    plan = rs.compile()
    years = sum("year" in variable.dims for variable in DATA.values())
    assert headline_rows(plan.layout).size == 3 * (years - 1) + 12 + len(plan.claims)


def test_one_lane_of_sobol_cannot_tell() -> None:
    """Never the plain formula: the half widths of one scrambling are infinite."""
    result = rs.simulate(draws=LANE, rng=1, design="sobol", keep=("balance",))
    with pytest.warns(rs.ReesupplyWarning, match=r"^1,024 draws of .* the error of 9 of 9 quan"):
        table = result.precision(of=("balance",))
    assert np.isinf(table["half_width"]).all()
    assert np.isfinite(table["value"]).all()


def test_a_warning_says_when_draws_are_too_few() -> None:
    """Twenty independent draws tell the error of a median, not of P5 and P95."""
    result = rs.simulate(draws=20, rng=1, keep=("balance",))
    with pytest.warns(rs.ReesupplyWarning, match="cannot tell the error of 6 of 9 quantiles"):
        table = result.precision(of=("balance",))
    assert np.isfinite(table["half_width"].xs("P50", level="statistic")).all()


def test_errors_survive_a_file(tmp_path: Path) -> None:
    """A result that is read tells the same errors, and why it stopped."""
    until = rs.Precision(share=0.5, cap=4 * LANE)
    result = rs.simulate(draws=4 * LANE, rng=1, design="sobol", until=until)
    result.to_netcdf(tmp_path / "run.nc")
    read = rs.read_result(tmp_path / "run.nc")
    one, other = (each.precision(of=("balance", "demand")) for each in (read, result))
    np.testing.assert_array_equal(one, other)
    assert np.isfinite(one.to_numpy()).all()
    assert read.stopped == result.stopped
    assert read.provenance == result.provenance
    assert str(read.stopped).startswith(("known", "cap"))


# --------------------------------------------------------------------------------- until


@pytest.mark.parametrize("design", ["random", "sobol"])
def test_stops_where_it_is_known(design: str) -> None:
    """The first look that finds the asked share ends the run; the run before did not have it."""
    until = rs.Precision(share=0.03, cap=64 * LANE)
    result = rs.simulate(draws=1000, rng=5, design=design, until=until)
    assert result.draws in (2 * LANE, 4 * LANE, 8 * LANE, 16 * LANE)
    assert (result.precision(of=until.of)["share_of_range"] <= 0.03).all()
    assert str(result.stopped).startswith(f"known to 0.03 after {result.draws:,} draws, balance 20")
    shorter = rs.simulate(draws=result.draws // 2, rng=5, design=design, keep=())
    assert (shorter.precision(of=until.of)["share_of_range"] > 0.03).any()


@pytest.mark.parametrize("design", ["random", "lhs", "sobol"])
def test_bits_of_a_stopped_run(design: str) -> None:
    """A run that stopped at n draws is the run of n draws, with any workers and executor."""
    share = 0.1 if design == "sobol" else 0.05  # two scramblings say little
    until = rs.Precision(share=share, of=("balance", "demand"), cap=8 * LANE)
    go: Any = partial(rs.simulate, rng=5, design=design, keep=("balance", "inputs"))
    runs = [go(draws=LANE, until=until, workers=workers) for workers in (1, 3)]
    with ThreadPoolExecutor(2) as pool:
        runs.append(go(draws=LANE, until=until, executor=pool))
    plain = go(draws=runs[0].draws, workers=1)
    assert LANE < plain.draws < 8 * LANE
    for each in runs:
        assert each.draws == plain.draws
        assert each.stopped == runs[0].stopped
        for name, array in plain.arrays.items():
            np.testing.assert_array_equal(each.arrays[name], array, name)
        for name, sums in plain.moments.sums.items():
            np.testing.assert_array_equal(each.moments.sums[name], sums, name)
        np.testing.assert_array_equal(each.histograms.counts, plain.histograms.counts)
        np.testing.assert_array_equal(each.groups.counts, plain.groups.counts)


def test_cap() -> None:
    """A share that is out of reach ends at the cap, cut to whole lanes, and says so."""
    seen: list[tuple[int, int]] = []
    until = rs.Precision(share=1e-4, cap=4 * LANE + 7)
    result = rs.simulate(
        draws=3 * LANE, rng=1, until=until, progress=lambda *numbers: seen.append(numbers)
    )
    assert result.draws == 4 * LANE
    assert str(result.stopped).startswith("cap of 4,096 draws, balance 20")
    assert str(result.stopped).endswith("asked for was 0.0001")
    assert seen[-1] == (4 * LANE, 4 * LANE)
    assert result.arrays == {}
    assert rs.simulate(draws=8, rng=1, keep=("balance",)).stopped is None


def test_goals_double() -> None:
    """Looks come at fixed numbers of lanes: the first draws made up to lanes, doubled, the cap."""
    until = rs.Precision(cap=100 * LANE)
    assert until.goals(1) == tuple(LANE * n for n in (1, 2, 4, 8, 16, 32, 64, 100))
    assert until.goals(3 * LANE + 1) == tuple(LANE * n for n in (4, 8, 16, 32, 64, 100))
    assert until.goals(100 * LANE) == (100 * LANE,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"share": 0.0}, r"^share: found 0.0, allowed is a share"),
        ({"share": float("nan")}, r"^share: found nan"),
        ({"share": "1 %"}, r"^share: found '1 %'"),
        ({"of": "balance"}, r"^of: found 'balance', allowed are several names"),
        ({"of": ()}, r"^of: found \(\), allowed are several names"),
        ({"of": (1,)}, r"^of: found \(1,\), allowed are"),
        ({"of": None}, r"^of: found None, allowed are"),
        ({"cap": 1000}, r"^cap: found 1000, allowed is an integer from 1,024"),
        ({"cap": 1e6}, r"^cap: found 1000000.0"),
    ],
)
def test_precision_errors(arguments: dict[str, Any], message: str) -> None:
    """What is out of range is refused in one sentence."""
    with pytest.raises(rs.ReesupplyError, match=message):
        rs.Precision(**arguments)


@pytest.mark.parametrize(
    ("until", "message"),
    [
        (0.01, r"^until: found 0.01, allowed is None or a Precision"),
        (rs.Precision(of=("balanc",)), r"^of: found 'balanc', .* did you mean 'balance'"),
        (rs.Precision(of=("bottom_up_demand",)), r"^of: found 'bottom_up_demand'"),
        (rs.Precision(cap=LANE), r"^until: found cap=1,024, which is below the 16,384 draws"),
    ],
)
def test_until_errors(until: Any, message: str) -> None:
    """A wrong `until` is found before the first draw."""
    with pytest.raises(rs.ReesupplyError, match=message):
        rs.simulate(rng=1, until=until, progress=lambda *_: pytest.fail("the run began"))


def test_numbers_of_numpy() -> None:
    """A share may come from an array."""
    share: Any = np.float32(0.25)
    assert rs.Precision(share=share).share == 0.25


def test_no_claims_to_wait_for() -> None:
    """A plan without claims has none to be precise about; said before the first draw."""
    plan = replace(rs.compile(), claims=())
    with pytest.raises(rs.ReesupplyError, match="but the scenario has no claims"):
        rs.simulate(plan, rng=1, until=rs.Precision(of=("claims",)))


@pytest.mark.parametrize("of", [5, "balance"])
def test_several_names(of: Any) -> None:
    """What is no list of names is refused in one sentence."""
    with pytest.raises(rs.ReesupplyError, match=r"^of: found .*, allowed is .*several names"):
        rs.simulate(draws=8, rng=1, keep=("balance",)).precision(of)


def test_sobol_errs_less() -> None:
    """In the model itself, half widths at equal draws: half as wide and less at the median."""
    plain, better = (
        run(design, ()).precision(of=("balance",))["half_width"].xs("P50", level="statistic")
        for design in ("random", "sobol")
    )
    ratio = better / plain
    assert (ratio < 1.0).all()
    assert ratio.median() < 0.9


def test_weighted_quantiles_by_group() -> None:
    """Weights that were drawn with the design are told apart by group as well."""
    draws = sample("sobol", 9, 16)
    weights = ndtr(draws)
    weights /= weights.sum()
    value = float(weighted_quantile(draws, 0.5, weights))
    sizes, shares = shares_below(draws, value, weights)
    assert sizes.sum() == pytest.approx(1.0)
    assert sizes @ shares == pytest.approx(0.5, abs=1e-3)
    assert 0.0 < step_of_groups(sizes, shares) < step_of_independent(0.5, draws.size)
