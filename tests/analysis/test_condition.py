"""A conditioned result: closed forms, weights in every statistic, chart and file, refusals."""

from __future__ import annotations

import inspect
import pickle
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs
from charts import shown_texts, texts, whole
from reesupply.analysis.claims import claims_table, shipped_discrepancies
from reesupply.analysis.condition import LEAST, divergence, effective_draws
from reesupply.engine.variables import DATA

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DEFICIT = "cru-deficit-2035.annual"
MINES = "cru-mines-29.global-gross"
CHINA = "benchmark-91-2030.final-use"
WHOLE: dict[str, Any] = {"year": 2035, "element": "Dy+Tb"}
DRAWS = 8192
#: What charts need under weights, beside what is kept unasked.
CHARTS = ("project.separated", "end_use.demand", "end_use.contained", "end_use.retired")
KEEP = (*DATA, *CHARTS, "inputs", "claims")
pytestmark = pytest.mark.filterwarnings("ignore::reesupply.ReesupplyWarning")


@lru_cache(maxsize=1)
def run() -> rs.Result:
    """A run of the baseline with its draws."""
    return rs.simulate(draws=DRAWS, rng=3, keep=KEEP)


@lru_cache(maxsize=1)
def soft() -> rs.Result:
    """That run under three soft targets."""
    return run().condition(
        rs.Target(DEFICIT, sd=600), rs.Target(MINES, sd=0.06), rs.Target(CHINA, sd=0.04), least=50
    )


def diagnosed(result: rs.Result) -> Any:
    """Its conditioning; Any, as labels of tables have no static type."""
    assert result.conditioning is not None
    return result.conditioning


def made_of(claims: FloatArray, inputs: FloatArray | None = None) -> rs.Result:
    """A result whose first claims, and inputs, have these draws."""
    plan, draws = run().plan, claims.shape[1]
    rows = np.zeros((len(plan.claims), draws))
    rows[: len(claims)] = claims
    arrays = {"claims": rows} | ({} if inputs is None else {"inputs": inputs})
    names = plan.inputs.names[: 0 if inputs is None else len(inputs)]
    return rs.Result(
        plan=plan,
        draws=draws,
        entropy=1,
        design="random",
        seconds=0.0,
        input_names=names,
        arrays=arrays,
        moments=run().moments,
    )


@lru_cache(maxsize=1)
def normal() -> rs.Result:
    """Two normal claims of correlation 0.6 and two inputs, with exact first two moments."""
    raw = np.random.default_rng(8).normal(size=(4, 2**17))
    raw -= raw.mean(axis=1)[:, np.newaxis]
    raw = np.linalg.inv(np.linalg.cholesky(np.cov(raw, ddof=0))) @ raw
    first, second = 100.0 + 50.0 * raw[0], 10.0 * (0.6 * raw[0] + 0.8 * raw[1])
    inputs = np.stack([raw[3], 7.0 - 2.0 * (0.5 * raw[0] + np.sqrt(0.75) * raw[2])])
    return made_of(np.stack([first, second]), inputs)


def names(count: int) -> list[str]:
    """Names of the first claims."""
    return [claim.name for claim in run().plan.claims[:count]]


# ------------------------------------------------------------------------------ closed forms


def test_one_normal_claim() -> None:
    """Mean at the target, spread as before, the other by regression, KL = D^2/2, exp(-D^2) left."""
    first, second = names(2)
    found = normal().condition(rs.Target(first, 150.0))
    done = diagnosed(found)
    assert found.mean(first) == pytest.approx(150.0, abs=1e-6)
    assert found.mean(second) == pytest.approx(6.0, abs=0.1)
    mean, covariance = found.claim_moments()
    assert mean[first] == pytest.approx(150.0)
    assert covariance.loc[first, first] == pytest.approx(2500.0, rel=0.02)
    assert done.divergence == pytest.approx(0.5, rel=0.01)
    share = done.diagnostics.loc["effective share", "value"]
    assert share == pytest.approx(np.exp(-1.0), rel=0.02)
    assert done.effective_draws == pytest.approx(share * 2**17)
    assert done.met.loc[f"mean of {first}"].to_list() == pytest.approx([150.0, 0.0, 100.0, 150.0])


def test_shift_of_inputs() -> None:
    """Of an input with correlation r it is r times that of the claim; sorted, with its error."""
    first = names(1)[0]
    table = diagnosed(normal().condition(rs.Target(first, 150.0))).shifts
    free, tied = normal().input_names
    assert list(table.index) == [tied, free]
    assert table.loc[tied, "shift"] == pytest.approx(-0.5, abs=4 * table.loc[tied, "error"])
    assert table.loc[tied, "shift"] == pytest.approx(-0.5, abs=0.03)
    assert abs(table.loc[free, "shift"]) < 4 * table.loc[free, "error"] < 0.05
    assert table.loc[tied, "before"] == pytest.approx(7.0)
    assert table.loc[tied, "now"] == pytest.approx(6.0, abs=0.06)
    assert table.loc[tied, "sd"] == pytest.approx(2.0)
    np.testing.assert_allclose(table["sd ratio"], 1.0, atol=0.03)


def test_the_error_of_a_shift_is_that_of_repetitions() -> None:
    """Over 300 small runs, the shift scatters as its error says, within a quarter."""
    rng, shifts, errors = np.random.default_rng(4), [], []
    for _ in range(300):
        x = rng.normal(size=(2, 500))
        result = made_of(x[:1], np.stack([0.5 * x[0] + np.sqrt(0.75) * x[1]]))
        row = diagnosed(result.condition(rs.Target(names(1)[0], 0.7), least=0)).shifts.iloc[0]
        shifts.append(row["shift"])
        errors.append(row["error"])
    assert np.std(shifts) == pytest.approx(np.mean(errors), rel=0.25)


def test_soft_target_is_the_conjugate_update() -> None:
    """N(100, 50^2) and 200 with error 25 give 180; the second moves by regression."""
    first, second = names(2)
    found = normal().condition(rs.Target(first, 200.0, sd=25.0))
    assert found.mean(first) == pytest.approx(180.0, abs=0.5)
    assert found.mean(second) == pytest.approx(9.6, abs=0.3)


def test_median_target() -> None:
    """The weighted median is the target, weights have two values, and k is not made up."""
    first = names(1)[0]
    found = normal().condition(rs.Target(first, 130.0, quantile=0.5))
    assert found.quantile(first, 0.5) == pytest.approx(130.0, abs=0.05)
    assert found.weights is not None
    assert np.unique(found.weights.round(15)).size == 2
    diagnostics = diagnosed(found).diagnostics["value"]
    assert np.isnan(diagnostics["Pareto k"])
    share = float((normal().values(first) <= 130.0).mean())
    assert diagnostics["KL divergence"] == pytest.approx(-np.log(4 * share * (1 - share)) / 2)
    ninth = normal().condition(rs.Target(first, 150.0, quantile=0.9))
    assert ninth.probability(first, above=150.0) == pytest.approx(0.1)


@pytest.mark.parametrize("sd", [5.0, 15.0, 30.0, 60.0])
def test_soft_median_lies_where_entropy_and_error_balance(sd: float) -> None:
    """KL of a median at m plus (m - t)^2 / 2 sd^2 is least at the median found, by search."""
    first = names(1)[0]
    draws = np.sort(normal().values(first))
    at = np.linspace(101.0, 149.0, 4801)
    below = np.searchsorted(draws, at) / draws.size
    cost = -np.log(4.0 * below * (1.0 - below)) / 2.0 + (at - 150.0) ** 2 / (2.0 * sd**2)
    found = normal().condition(rs.Target(first, 150.0, quantile=0.5, sd=sd))
    best = at[cost.argmin()]
    # the density is that at the target, not at the median: an error of second order
    assert found.quantile(first, 0.5) == pytest.approx(best, abs=0.25 * (150.0 - best) + 0.5)


def test_leave_one_out() -> None:
    """The others predict a normal claim by regression, and the chi-squared of each is that."""
    first, second = names(2)
    done = diagnosed(normal().condition(rs.Target(first, 150.0), rs.Target(second, 0.0)))
    table = done.leave_one_out
    assert table.loc[f"mean of {second}", "without it"] == pytest.approx(6.0, abs=0.1)
    assert table.loc[f"mean of {first}", "without it"] == pytest.approx(100.0, abs=0.01)
    # 0 is 0.6 sd below 6 of the claim's own sd 10
    assert table.loc[f"mean of {second}", "percentile"] == pytest.approx(27.4, abs=0.7)
    assert table.loc[f"mean of {first}", "KL divergence"] == pytest.approx(0.0, abs=1e-9)
    assert table.loc[f"mean of {second}", "KL divergence"] == pytest.approx(0.5, rel=0.01)
    alone = diagnosed(normal().condition(rs.Target(first, 150.0))).leave_one_out
    assert alone["without it"].iloc[0] == alone["before"].iloc[0] == pytest.approx(100.0)
    assert alone["effective draws"].iloc[0] == pytest.approx(2**17)


def test_the_present_mean_is_no_news() -> None:
    """Then all draws count the same, and the statistics are those of the run."""
    found = run().condition(rs.Target(DEFICIT, float(run().mean(DEFICIT))))
    assert found.weights is not None
    np.testing.assert_allclose(found.weights, 1.0 / DRAWS, rtol=1e-6)
    assert diagnosed(found).divergence == pytest.approx(0.0, abs=1e-9)
    assert found.mean("demand", bloc="world", **WHOLE) == pytest.approx(
        run().mean("demand", bloc="world", **WHOLE), rel=1e-6
    )


def test_weights_before_are_where_it_starts() -> None:
    """A run that already has weights keeps them where the targets say nothing."""
    first = names(1)[0]
    draws = normal().values(first)
    pull = np.exp((draws - 100.0) / 100.0)
    before = made_of(draws[np.newaxis])
    before.weights = pull / pull.sum()
    found = before.condition(rs.Target(first, 150.0))
    # two tilts one after the other are the one tilt to the same mean
    want = normal().condition(rs.Target(first, 150.0)).weights
    assert want is not None
    assert found.weights is not None
    np.testing.assert_allclose(found.weights, want, rtol=1e-6)
    assert diagnosed(found).divergence == pytest.approx(divergence(want, before.weights), rel=1e-9)
    assert diagnosed(found).divergence == pytest.approx(0.125, rel=0.02)


# ------------------------------------------------------------------ through the whole result


def test_every_statistic_uses_the_weights() -> None:
    """Means, quantiles, probabilities, tables and risks are those of the weighted draws."""
    one = soft()
    w = one.weights
    assert w is not None
    assert w.sum() == pytest.approx(1.0)
    assert w.min() >= 0.0
    balance = run().values("balance", **WHOLE)
    order = np.argsort(balance)
    cumulative = np.cumsum(w[order])
    assert one.mean("balance", **WHOLE) == pytest.approx(balance @ w)
    median = balance[order][np.searchsorted(cumulative, 0.5)]
    assert one.quantile("balance", 0.5, **WHOLE) == pytest.approx(median)
    chance = w[balance < 0].sum()
    assert one.probability("balance", below=0, **WHOLE) == pytest.approx(chance)
    assert one.deficit_probability(**WHOLE) == pytest.approx(chance)
    deep = -(balance * w)[balance < 0].sum() / chance
    assert one.mean_deficit(**WHOLE) == pytest.approx(deep)
    worst = one.expected_shortfall(0.05, **WHOLE)
    assert worst > run().expected_shortfall(0.05, **WHOLE)
    last = one.summary().loc[2035]
    assert last["balance mean"] == pytest.approx(balance @ w)
    assert last["P(deficit)"] == pytest.approx(chance)
    assert one.first_deficit_year()["cumulative"].iloc[-2] > 0.8
    long: Any = one.to_frame("balance").set_index(["element", "year"])
    assert long.loc[("Dy+Tb", 2035), "mean"] == pytest.approx(balance @ w)
    assert one.to_iamc()["Scenario"].unique().tolist() == [f"{one.plan.title}, conditioned"]
    assert run().to_iamc()["Scenario"].unique().tolist() == [one.plan.title]
    claims: Any = claims_table(one)
    assert claims.loc[("cru-deficit-2035", "annual"), "mean"] == pytest.approx(one.mean(DEFICIT))
    narrow, wide = (each.precision(of=("balance",))["half_width"] for each in (run(), one))
    assert float(wide["balance 2035", "P50"]) > float(narrow["balance 2035", "P50"])


def test_the_run_itself_stays() -> None:
    """Conditioning changes nothing in the result it starts from, and copies no draws."""
    one = soft()
    assert run().weights is None
    assert run().conditioning is None
    assert run().provenance["conditioned_on"] == []
    assert one.arrays is run().arrays
    assert diagnosed(one).prior is run()
    assert diagnosed(one).weights is one.weights


def test_it_says_what_it_is() -> None:
    """Text, table and provenance name the targets."""
    one = soft()
    words = f"mean of {DEFICIT} = 2,920 +- 600 t oxide/yr and mean of {MINES} = 0.29 +- 0.06"
    assert words in repr(one)
    assert words in repr(diagnosed(one))
    assert "Pareto k" in diagnosed(one)._repr_html_()
    assert one.provenance["conditioned_on"][0] == {
        "claim": DEFICIT,
        "value": 2920.0,
        "quantile": None,
        "sd": 600.0,
    }
    assert one.provenance["scenario_hash"] == run().provenance["scenario_hash"]
    assert DEFICIT in one.data.attrs["conditioned_on"]
    assert repr(pickle.loads(pickle.dumps(one))) == repr(one)


@pytest.mark.parametrize("name", ["balance", "supply", "demand", "claims", "sankey"])
def test_charts_name_the_targets(name: str) -> None:
    """Title and caption say so, the caption fits, and a chart of the run says nothing of it."""
    ax = getattr(soft().plot, name)()
    assert "conditioned" in ax.get_title()
    caption = " ".join(" ".join(texts(ax)).split())
    assert f"conditioned on mean of {DEFICIT} = 2,920" in caption
    assert f"{diagnosed(soft()).effective_draws:,.0f} of them effective" in caption
    figure = whole(ax)
    figure.draw_without_rendering()
    for found in shown_texts(ax):
        box = found.get_window_extent()
        assert figure.bbox.padded(1.0).y0 <= box.y0 < box.y1 <= figure.bbox.padded(1.0).y1
    assert not any("conditioned" in text for text in texts(getattr(run().plot, name)()))


@pytest.mark.parametrize("before", [False, True])
def test_netcdf_keeps_targets_and_weights(tmp_path: Path, before: bool) -> None:
    """A file read again gives the same statistics, diagnostics and leave-one-out table."""
    start = rs.simulate(draws=2048, rng=1, keep=("balance", "claims", "inputs"))
    if before:
        pull = 1.0 + np.arange(2048) % 2
        start.weights = pull / pull.sum()
    one = start.condition(DEFICIT, rs.Target(MINES, 0.5, quantile=0.5, sd=0.1), least=5)
    one.to_netcdf(tmp_path / "one.nc")
    again = rs.read_result(tmp_path / "one.nc")
    assert again.provenance == one.provenance
    np.testing.assert_array_equal(again.weights, one.weights)
    assert diagnosed(again).targets == diagnosed(one).targets
    for table in ("met", "diagnostics", "shifts", "leave_one_out"):
        assert getattr(diagnosed(again), table).equals(getattr(diagnosed(one), table)), table
    assert again.quantile("balance", 0.05, **WHOLE) == one.quantile("balance", 0.05, **WHOLE)
    prior = diagnosed(again).prior
    assert (prior.weights is not None) == before
    assert prior.provenance["conditioned_on"] == []


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ((), "found no target"),
        (("cru-deficit-2035.anual",), "did you mean 'cru-deficit-2035.annual'"),
        ((2920,), r"found 2920, allowed is the name of a claim or an rs\.Target"),
        ((DEFICIT, DEFICIT), "mean of cru-deficit-2035.annual twice"),
        (
            (rs.Target(DEFICIT, 1e6),),
            r"1,000,000 t oxide/yr, which is outside .* span, -[\d,.]+ to",
        ),
        ((rs.Target(DEFICIT, -1e6, quantile=0.5),), "outside what the 8,192 draws span"),
        (
            ("iluka-demand-2033-low.gross", "iluka-demand-2033-high.gross"),
            "no weights of the 8,192 draws meet all targets at once",
        ),
        (
            (rs.Target(DEFICIT, 7000.0),),
            r"effective draws of 8,192 would be left .* simulate about",
        ),
    ],
)
def test_refusals(targets: tuple[Any, ...], words: str) -> None:
    """Each in one sentence that says what to do."""
    with pytest.raises(rs.ReesupplyError, match=words) as found:
        run().condition(*targets)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sd": -1.0}, "sd: found -1.0, allowed is a number from 0"),
        ({"sd": float("nan")}, "sd: found nan"),
        ({"sd": None}, "sd: found None"),
        ({"quantile": 1.0}, "quantile: found 1.0, allowed is a probability between 0 and 1"),
        ({"value": float("inf")}, "value: found inf"),
        ({"value": "2920"}, "value: found '2920'"),
        ({"value": True}, "value: found True"),
    ],
)
def test_targets_that_are_none(arguments: dict[str, Any], words: str) -> None:
    """A number out of range is told by its name."""
    with pytest.raises(rs.ReesupplyError, match=words):
        rs.Target(DEFICIT, **arguments)


def test_what_was_not_kept() -> None:
    """Without draws of claims or inputs there is one sentence that says what to keep."""
    with pytest.raises(rs.ReesupplyError, match="draws of 'claims' were not kept; simulate with"):
        rs.simulate(draws=64, rng=1, keep=("balance",)).condition(DEFICIT)
    bare = rs.simulate(draws=512, rng=1, keep=("claims",))
    done = diagnosed(bare.condition(rs.Target(DEFICIT, 500.0)))
    assert len(done.leave_one_out) == 1
    with pytest.raises(rs.ReesupplyError, match="draws of 'inputs' were not kept"):
        assert done.shifts is None


def test_twice_is_refused() -> None:
    """The second would undo the first: all targets are given at once."""
    with pytest.raises(
        rs.ReesupplyError, match=r"give all targets at once .*result\.conditioning\.prior"
    ):
        soft().condition(DEFICIT)


def test_how_few_is_too_few() -> None:
    """Refused below `least`, done above it; the default is that of the documentation."""
    far = rs.Target(DEFICIT, 4500.0)
    done = diagnosed(run().condition(far, least=0))
    left = done.effective_draws
    assert run().condition(far, least=0.99 * left).weights is not None
    with pytest.raises(rs.ReesupplyError, match="effective draws"):
        run().condition(far, least=1.01 * left)
    with pytest.raises(rs.ReesupplyError, match="least: found -1"):
        run().condition(far, least=-1)
    assert inspect.signature(rs.Result.condition).parameters["least"].default == LEAST


@pytest.mark.filterwarnings("error")
def test_warnings() -> None:
    """A near target is quiet; one that leaves few draws, or a heavy tail, is not."""
    run().condition(rs.Target(DEFICIT, 500.0))
    with pytest.warns(rs.ReesupplyWarning, match=r"effective draws of 8,192 are left \(\d\.\d%\)"):
        run().condition(DEFICIT)
    heavy = made_of(np.exp(2.0 * np.random.default_rng(1).normal(size=(1, 20_000))))
    with pytest.warns(rs.ReesupplyWarning, match="Pareto k of the weights is"):
        heavy.condition(rs.Target(names(1)[0], 25.0), least=0)


# ------------------------------------------------------------------------------- baseline


def test_the_baseline_on_the_published_deficit() -> None:
    """
    CRU's 2,920 t as the mean: met, and what it costs is printed, however few draws are left.

    The figures are loose, as the shipped data may change; the words of the documentation have
    tighter ones.
    """
    found = rs.simulate(draws=32_768, rng=2035, keep=("claims", "inputs")).condition(DEFICIT)
    done = diagnosed(found)
    assert found.mean(DEFICIT) == pytest.approx(2920.0, abs=1e-4)
    share = done.diagnostics.loc["effective share", "value"]
    assert 0.005 < share < 0.2
    assert 0.5 < done.divergence < 3.0
    assert share == pytest.approx(effective_draws(done.weights) / 32_768)
    assert done.shifts["shift"].abs().is_monotonic_decreasing
    assert done.shifts["shift"].abs().iloc[0] > 0.3


def test_calibrate_is_conditioning_on_the_outlooks_of_today() -> None:
    """The same weights, by default for three claims with errors, as preferred before the run."""
    found = rs.calibrate(run(), least=10)
    errors = shipped_discrepancies()
    by_hand = run().condition(
        *(rs.Target(name, sd=errors[name]) for name in (DEFICIT, MINES, CHINA)), least=10
    )

    assert found.weights is not None
    assert by_hand.weights is not None
    assert np.array_equal(found.weights, by_hand.weights)
    assert found.calibration is found.conditioning
    one = rs.calibrate(run(), rs.Target(DEFICIT, 1_000.0))
    assert one.mean(DEFICIT) == pytest.approx(1_000.0, abs=1e-6)
    assert run().calibration is None


@pytest.mark.parametrize(
    ("targets", "method", "said"),
    [
        (None, "abc", "method: found 'abc'"),
        (None, 3, "method: found 3"),
        ((), "tilt", "targets: found none"),
        ("cru-deficit-2035.anual", "tilt", "cru-deficit-2035.annual"),
    ],
)
def test_calibrate_refuses(targets: Any, method: Any, said: str) -> None:
    """Other methods, no targets and wrong names, in one sentence."""
    with pytest.raises(rs.ReesupplyError, match=said):
        rs.calibrate(run(), targets, method)
