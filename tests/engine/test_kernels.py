"""The compiled kernels: the numbers of numpy, by any way that a run can take."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import reesupply as rs
from reesupply.distributions import bernoulli, discrete, pert, triangular
from reesupply.distributions.normal_lines import normal_quantile
from reesupply.engine import kernels as engine_kernels
from reesupply.engine.histograms import Histograms
from reesupply.engine.kernels import NUMPY, kernels_of
from reesupply.engine.lanes import Job
from reesupply.engine.layout import NO_LAYOUT, Layout
from reesupply.engine.quantiles import Quantiles
from reesupply.errors import ReesupplyError
from reesupply.models.rampup import RampTable
from reesupply.models.rampup.rows import RampRows
from reesupply.models.refining import Network, refine

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.engine.kernels import Kernels
    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

RNG = np.random.default_rng(7)
YEARS = np.arange(2024, 2036)
TABLE = RampTable((4.88, 10.4), (0.93, 1.16))


@pytest.fixture(scope="module")
def numba() -> Kernels:
    """Return the compiled kernels."""
    pytest.importorskip("numba", reason="the extra compiled is not installed")
    return kernels_of("numba")


def assert_equal(found: Any, expected: Any) -> None:
    """Equal to 1e-12, infinities and NaN in the same places."""
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0.0)


def test_normal_numbers(numba: Kernels) -> None:
    """In the middle, in both tails and at the ends of the interval."""
    u = RNG.random((5, 1024))
    u[0, :6] = 2.0**-54, 1.0 - 2.0**-53, 1.0 / 128, 127.0 / 128, 0.5, np.nextafter(1.0 / 128, 0)
    for scale in (1.0, -2.5):
        found, expected = np.empty((2, *u.shape))
        room: dict[str, Any] = {
            "place": np.empty(u.shape, dtype=np.intp),
            "work": np.empty(u.shape),
        }
        numba.normal_quantile(u, found, scale=scale, **room)

        assert_equal(found, normal_quantile(u, expected, scale=scale, **room))
        assert np.isfinite(found).all()


def test_cells_of_every_kind(numba: Kernels) -> None:
    """Tables beyond their ends and of NaN, steps on their edges."""
    cells = [pert(0, 0.5 + i / 9, 3) for i in range(20)] + [
        triangular(-5, 0, 5),
        pert(1e6, 2e6, 9e6),
    ]
    cells += [bernoulli(0.3), discrete({1.0: 0.2, 4.0: 0.5, 9.0: 0.3}), bernoulli(1e-9)]
    quantiles = Quantiles(cells)
    z = RNG.standard_normal((len(cells), 1024))
    z[:, :6] = -9.0, 9.0, -8.3, 8.3, np.inf, -np.inf
    z[:22, 7] = np.nan

    found = quantiles(z, kernels=numba)
    with np.errstate(invalid="ignore"):
        expected = quantiles(z, kernels=NUMPY)

    assert_equal(found, expected)
    assert np.isnan(found[:22, 7]).all()
    assert np.isfinite(np.delete(found, 7, axis=1)).all()


def test_steps_on_their_edges(numba: Kernels) -> None:
    """A number on an edge belongs to the step below it."""
    quantiles = Quantiles([discrete({1.0: 0.25, 2.0: 0.25, 3.0: 0.5})])
    z = np.array([[-0.6744897501960817, 0.0, np.nextafter(0.0, 1.0), -0.0, 5.0, -5.0]])

    assert quantiles(z, kernels=numba).tolist() == quantiles(z).tolist()


def test_ramp_averages(numba: Kernels) -> None:
    """Plants that start before, within and after the years, never, and at no known date."""
    start = RNG.uniform(2015.0, 2040.0, (9, 1000))
    start[0, :5] = np.inf, -np.inf, 2024.0, 2036.0, np.nan
    klass, plateau = RNG.integers(0, 2, start.shape), RNG.random(start.shape)
    out = np.empty((9, YEARS.size, 1000))

    found = numba.ramp_average(TABLE, start, klass, plateau, YEARS, out=out)

    assert found is out
    assert_equal(found, TABLE.average(start, klass, plateau, YEARS))
    assert np.isnan(found[0, :, 4]).all()
    assert not np.isnan(np.delete(found, 4, axis=2)).any()
    wide = numba.ramp_average(TABLE, start, np.ones((9, 1), dtype=int), 0.5, YEARS)
    assert_equal(wide, TABLE.average(start, np.ones((9, 1), dtype=int), 0.5, YEARS))
    alone = numba.ramp_average(TABLE, start[0], klass[0], 1.0, YEARS)
    assert_equal(alone, TABLE.average(start[0], klass[0], 1.0, YEARS))


def test_ramp_averages_refuse_what_numpy_refuses(numba: Kernels) -> None:
    """A class outside the table would be read from other memory."""
    start = np.full((1, 4), 2025.0)
    for klass, years, out in ((2, YEARS, None), (-1, YEARS, None), (0, [2024, 2026], None),
                              (0, YEARS, np.empty((1, 2, 4)))):  # fmt: skip
        given = (TABLE, start, np.full((1, 4), klass), 1.0, years, out)
        with pytest.raises(ReesupplyError) as ours:
            TABLE.average(*given[1:])
        with pytest.raises(ReesupplyError) as theirs:
            numba.ramp_average(*given)
        assert str(theirs.value) == str(ours.value)


def test_output_of_all_plants(numba: Kernels) -> None:
    """Rows of the table mixed and added up."""
    klass, nameplate = np.array([0, 0, 1, 1, 1]), RNG.random((3, 5)) * 100.0
    rows = RampRows(TABLE, klass, nameplate, YEARS, earliest=2020.0, draws=700)
    start = RNG.uniform(2018.0, 2040.0, (5, 700))
    start[0, :3] = np.inf, -np.inf, 2036.0
    plateau = RNG.random(start.shape)

    found = numba.ramp_total(rows, start.copy(), plateau)

    assert_equal(found, rows.total(start.copy(), plateau))


@pytest.mark.parametrize("seed", range(8))
def test_refining(numba: Kernels, seed: int) -> None:
    """Any network, plants without limit or shut, mines that dig nothing, cut tiles of draws."""
    rng = np.random.default_rng(seed)
    mines, plants, years, draws = rng.integers(1, [9, 6, 5, 1200])
    feed = rng.random((mines, years, draws)) * rng.integers(0, 2, (mines, 1, draws)) * 100.0
    capacity = rng.random((plants, years, draws)) * 150.0
    capacity *= rng.integers(0, 2, (plants, 1, draws))
    capacity[0] = np.inf
    recovery = rng.random((plants, draws)) * rng.integers(0, 2, (plants, 1))
    network = Network(
        tuple(rng.integers(-1, plants, mines) for _ in range(seed % 3)),
        rng.integers(0, 2, mines),
        rng.integers(0, 2, plants),
        rng.random(mines) < 0.6,
        int(rng.integers(plants)),
    )

    found, expected = (each(feed, capacity, recovery, network) for each in (numba.refine, refine))

    scale = feed.sum(axis=(0, 1)).max() + 1.0
    for name in ("taken", "separated", "throughput", "stock", "abroad"):
        # what is left of a difference of large numbers is known to their digits
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-12, atol=1e-12 * scale
        )


@pytest.mark.parametrize("weighted", [False, True])
def test_counts(numba: Kernels, weighted: bool) -> None:
    """All bins, both tails, draws on edges; with weights and without."""
    rows, draws = 40, 1024
    layout = Layout({"claims": np.arange(rows)}, np.linspace(-5.0, 0.0, rows), np.full(rows, 1e-3))
    cells = RNG.standard_t(2, (rows, draws)) * 4.0
    cells[0, :4] = layout.low[0], layout.low[0] + 8.192, np.inf, -np.inf
    weights = RNG.random(draws) * 2.0 if weighted else None
    ours, theirs = (Histograms(layout, weighted=weighted) for _ in range(2))

    for lane, part in enumerate((cells, cells[:, :100])):
        own = None if weights is None else weights[: part.shape[1]]
        with np.errstate(invalid="ignore"):
            ours.add_lane(lane, part, own)
            theirs.add_lane(lane, part, own, counter=numba.count)

    assert (theirs.counts == ours.counts).all()
    for side, beyond in ours.beyond.total().items():
        assert_equal(theirs.beyond.total()[side], beyond)


def numbers(result: Result) -> dict[str, FloatArray]:
    """Return everything of a run that is an array."""
    return {
        **result.arrays,
        **{f"sum {name}": each for name, each in result.moments.sums.items()},
        "counts": result.histograms.counts,
        "first": result.histograms.lowest,
    }


def test_a_whole_run(numba: Kernels) -> None:
    """The baseline, draws kept and streamed, by both."""
    del numba
    keep = ("balance", "claims", "project.separated", "end_use.retired", "inputs")
    ours, theirs = (
        numbers(rs.simulate(draws=3_000, rng=1, keep=keep, kernels=word))
        for word in ("numpy", "numba")
    )

    assert ours.keys() == theirs.keys()
    for name, expected in ours.items():
        scale = np.nanmax(np.abs(expected), initial=0.0)
        np.testing.assert_allclose(
            theirs[name], expected, rtol=0.0, atol=1e-9 * scale, err_msg=name
        )


def test_the_same_bits_for_all_workers(numba: Kernels) -> None:
    """Threads, and processes that compile or load for themselves."""
    del numba
    given: dict[str, Any] = {"draws": 5_000, "rng": 1, "keep": ("balance",), "kernels": "numba"}
    one = numbers(rs.simulate(workers=1, **given))
    runs = [rs.simulate(workers=3, **given)]
    with ThreadPoolExecutor(2) as threads:
        runs.append(rs.simulate(executor=threads, **given))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        runs.append(rs.simulate(executor=processes, **given))

    for run in runs:
        for name, found in numbers(run).items():
            assert found.tobytes() == one[name].tobytes(), name


def test_two_runs_do_not_disturb_each_other(
    numba: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workspace is lent with the kernels of its run, also after a run with others."""
    used = []

    def tapped(*given: Any, **more: Any) -> Any:
        used.append("numba")
        return numba.refine(*given, **more)

    other = engine_kernels.Kernels(refine=tapped)
    monkeypatch.setattr(engine_kernels, "_compiled", lambda: other)
    plan = rs.compile("baseline")
    for word, calls in (("numpy", 0), ("numba", 2), ("numpy", 0), ("numba", 2)):
        used.clear()
        rs.simulate(plan, draws=2_000, rng=1, workers=1, kernels=word)
        assert len(used) == calls, word


def test_an_unknown_word_is_refused() -> None:
    """With the nearest that is allowed."""
    for wrong in ("nunba", None, 3):
        with pytest.raises(ReesupplyError, match=r"kernels: found .*numba"):
            rs.simulate(draws=1, kernels=wrong)  # type: ignore[arg-type]


def test_without_numba_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is run."""
    monkeypatch.setattr(engine_kernels, "find_spec", lambda _: None)

    with pytest.raises(ReesupplyError, match=r"pip install 'reesupply\[compiled\]'"):
        rs.simulate(draws=1, kernels="numba")


def test_numba_is_loaded_only_when_asked_for() -> None:
    """Not by the import, nor by a run of numpy."""
    code = (
        "import sys, reesupply as rs; rs.simulate(draws=10, rng=1, keep=()); "
        "print([n for n in sys.modules if n.split('.')[0] == 'numba' or n.startswith("
        "'reesupply.compiled')])"
    )

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


def test_kernels_are_named_in_the_job_and_not_sent() -> None:
    """A function would have to be found again in the worker; a word always is."""
    job = Job(1, "random", 10, (), (), NO_LAYOUT, (), "numba")

    assert pickle.loads(pickle.dumps(job)).kernels == "numba"
