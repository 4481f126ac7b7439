"""The reference job of the benchmark: C, reesupply and plain numpy give the same numbers."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reesupply.engine.layout import TAIL_BINS
from reesupply.sampling import LANE

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "benchmarks" / "limit"


@pytest.fixture(scope="module")
def limit() -> Iterator[Any]:
    """Return `benchmarks/limit/run.py`."""
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location("limit_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["limit_run"] = module
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before
    del sys.modules["limit_run"]


@pytest.fixture(scope="module")
def job(limit: Any) -> Any:
    """Return the reference job."""
    return limit.j.reference_job()


@pytest.fixture(scope="module", params=[False, True], ids=["vectors", "plain"])
def kernel(limit: Any, job: Any, request: pytest.FixtureRequest) -> Any:
    """Return the C kernel, where there is a compiler, and that of plain loops."""
    try:
        return limit.CKernel(job, plain=request.param)
    except limit.NoCompilerError as error:
        pytest.skip(str(error))


def test_reesupply_gives_the_numbers_of_plain_numpy(limit: Any, job: Any) -> None:
    """Exactly on exact normal numbers, and within the error of the tables otherwise."""
    found = limit.differences(job, {}, draws=2 * LANE)

    assert len(found) == 1 + 2 * len(limit.available())
    for name, difference in found.items():
        assert difference <= (1e-5 if "lines" in name else 1e-9), name


def test_numba_gives_the_numbers_of_numpy(limit: Any, job: Any) -> None:
    """The same cells to 1e-12 of their largest, and the same histograms in all but a few draws."""
    pytest.importorskip("numba", reason="the extra compiled is not installed")
    uniforms = np.random.default_rng(6).random((80, 2 * LANE))
    cells = {}
    for word, kernels in limit.available().items():
        block = limit.Block(job, 2 * LANE, kernels=kernels)
        block.uniforms[...] = uniforms
        cells[word] = block.cells().copy()

    assert cells.keys() == {"numpy", "numba"}
    scale = np.abs(cells["numpy"]).max()
    assert np.abs(cells["numba"] - cells["numpy"]).max() <= 1e-12 * scale
    ours, theirs = (
        limit.ByReesupply(job, kernels=each).run(8 * LANE, seed=1, threads=2)[0].counts
        for each in limit.available().values()
    )
    assert np.abs(ours.astype(np.int64) - theirs).sum() <= 4


def test_c_gives_the_numbers_of_reesupply(limit: Any, job: Any, kernel: Any) -> None:
    """Same uniform numbers, same 48 cells, those at the ends of the unit interval too."""
    uniforms = np.random.default_rng(5).random((80, 4096)) * (1.0 - 1e-9) + 1e-10
    uniforms[:, :80] = 0.4
    np.fill_diagonal(uniforms[:, :80], 2.0**-54)
    uniforms[:, 80:160] = 0.6
    np.fill_diagonal(uniforms[:, 80:160], 1.0 - 2.0**-53)
    block = limit.Block(job, 4096, exact=True)
    block.uniforms[...] = uniforms
    ours = block.cells()

    theirs = kernel.balance(uniforms)

    assert np.isfinite(ours).all()
    assert np.abs(theirs - ours).max() <= 1e-9 * np.abs(ours).max()
    assert ours.std(axis=1).min() > 10.0


def test_the_kernel_leaves_small_numbers_alone(kernel: Any) -> None:
    """Fast mathematics in C does not switch off subnormal numbers in this process."""
    kernel.run(4096, seed=1)
    assert np.float64(5e-324) * np.ones(64) @ np.ones(64) > 0.0
    assert (np.full(64, 2.5e-308) / 8.0 > 0.0).all()


def test_c_and_reesupply_draw_the_same_distribution(limit: Any, job: Any, kernel: Any) -> None:
    """Each with its own random numbers: medians and tails within four standard errors."""
    draws, rows = 64 * LANE, np.arange(48)
    ours, _ = limit.ByReesupply(job).run(draws, seed=1)
    theirs = kernel.run(draws, seed=1)
    both, _ = limit.ByReesupply(job).run(draws, seed=1, threads=2)

    assert (ours.counts == both.counts).all()
    for found in (ours, theirs):
        assert (found.counts.sum(axis=1) == draws).all()
        beyond = np.delete(found.counts, np.s_[TAIL_BINS:-TAIL_BINS], axis=1).sum(axis=1)
        assert (beyond < 0.01 * draws).all()
    for q in (0.05, 0.5, 0.95):
        place = theirs.quantile(rows, q)
        share = np.array([ours.probability_below(rows[[i]], v)[0] for i, v in enumerate(place)])
        assert np.abs(share - q).max() < 4.0 * np.sqrt(2.0 * q * (1.0 - q) / draws), q


def test_no_random_number_of_c_is_used_twice(kernel: Any) -> None:
    """Two threads draw other numbers than one thread twice."""
    one, two = kernel.run(4096, seed=1), kernel.run(8192, seed=1, threads=2)

    assert two.counts.sum() == 2 * one.counts.sum()
    assert (two.counts != 2 * one.counts).any()


def test_a_difference_is_refused(limit: Any) -> None:
    """Nothing is timed if a way computes something else; nor if it is not a number."""
    limit.check({"C": 1e-12, "reesupply, normal numbers by lines": 1e-6})
    for wrong in ({"C": 1e-6}, {"C": float("nan")}, {"reesupply, normal numbers by lines": 1e-4}):
        with pytest.raises(SystemExit, match="differs"):
            limit.check(wrong)


def test_without_a_compiler_c_is_left_out(
    limit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says so, and the other ways are timed, written and drawn."""
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(limit, "PEERS", limit.PEERS[:1])

    assert limit.main(["--repeats", "1", "--scale", "0.01", "--out", str(tmp_path)]) == 0

    printed = capsys.readouterr().out
    assert "The C kernel is left out: no C compiler: 'no-such-compiler' was not found" in printed
    assert {path.suffix for path in tmp_path.iterdir()} == {".md", ".json", ".svg"}


def test_nonsense_is_refused(limit: Any) -> None:
    """Before anything runs."""
    for wrong in (["--repeats", "0"], ["--scale", "nan"]):
        with pytest.raises(SystemExit, match="2"):
            limit.main(wrong)
