"""The benchmark runs and writes what its README says; how long anything takes is not tested."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import importlib.util
import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[1] / "benchmarks"


def loaded(file: str) -> Iterator[Any]:
    """Load a file of `benchmarks/`, which belongs to no package."""
    name = f"reesupply_benchmark_{file.removesuffix('.py')}"
    spec = importlib.util.spec_from_file_location(name, FOLDER / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the names in annotations
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture(scope="module")
def benchmark_module() -> Iterator[Any]:
    """Return `benchmarks/run.py`."""
    yield from loaded("run.py")


@pytest.fixture(scope="module")
def stocks_module() -> Iterator[Any]:
    """Return `benchmarks/stocks.py`."""
    yield from loaded("stocks.py")


@pytest.fixture(scope="module")
def executors_module() -> Iterator[Any]:
    """Return `benchmarks/executors.py`."""
    yield from loaded("executors.py")


def positive(value: object) -> bool:
    """Whether a value is a number above zero; not so NaN."""
    return isinstance(value, int | float) and value > 0.0


def cells(line: str) -> list[str]:
    """Return what stands in a line of a Markdown table."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_tiny_run_prints_and_writes_its_tables(
    benchmark_module: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One lane, one repetition: every field is there, and every ratio is a positive number."""
    options = ["--draws", "1024", "1000000", "--quick", "--workers", "1", "--repeats", "1"]

    status = benchmark_module.main([*options, "--out", str(tmp_path)])

    assert status == 0
    (written,) = tmp_path.glob("*.json")
    content = json.loads(written.read_text(encoding="utf-8"))
    assert set(content) == {"date", "machine", "runs", "ratios"}
    assert content["date"] == written.stem
    (run,) = content["runs"]
    assert set(run) == {field.name for field in dataclasses.fields(benchmark_module.Run)}
    assert (run["draws"], run["workers"], run["repeats"]) == (1_024, 1, 1)
    assert all(positive(run[name]) for name in run if name != "peak_mib"), run
    assert run["peak_mib"] is None or positive(run["peak_mib"])
    assert len(content["ratios"]) == 3
    for each in content["ratios"]:
        assert set(each) == {field.name for field in dataclasses.fields(benchmark_module.Ratio)}
        assert all(positive(each[name]) for name in each if name not in ("what", "beside")), each
    (table,) = tmp_path.glob("*.csv")
    with table.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == list(run)
    printed = capsys.readouterr().out
    assert cells(printed.splitlines()[4])[:2] == ["1,024", "1"]
    assert "Not measured: 1,000,000 draws" in printed


def test_repetitions_become_medians_and_ranges(benchmark_module: Any) -> None:
    """A ratio is made of each pair before the median is taken."""
    calls = [{"wall": w, "cpu": w, "load": 0.5, "inputs": 3.0, "peak": 10.0} for w in (2.0, 4.0, 9)]
    floors = [{"wall": w, "cpu": 2.0} for w in (1.0, 4.0, 3.0)]

    run = benchmark_module.summed_up(100, 1, calls, floors)

    assert (run.wall_low_s, run.wall_s, run.wall_high_s) == (2.0, 4.0, 9.0)
    assert (run.ratio_low, run.ratio, run.ratio_high) == (1.0, 2.0, 3.0)
    assert run.cpu_ratio == 2.0
    assert run.draws_per_s == 25.0


@pytest.mark.parametrize("wrong", ["--draws", "--workers", "--repeats"])
def test_nonsense_is_refused(benchmark_module: Any, wrong: str) -> None:
    """Zero draws, workers or repetitions are an error of the user, said before anything runs."""
    with pytest.raises(SystemExit, match="2"):
        benchmark_module.main([wrong, "0"])


def test_the_page_has_the_table_of_a_full_run(benchmark_module: Any) -> None:
    """The columns are those that the program prints, the sizes those of a full run."""
    page = (FOLDER.parent / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = [cells(line) for line in page.splitlines() if line.startswith("|")]

    head = cells(benchmark_module.run_table([]).splitlines()[0])
    assert head in rows
    measured = {(row[0], row[1]) for row in rows if len(row) == len(head)}
    for draws in benchmark_module.SIZES:
        for workers in benchmark_module.WORKERS:
            assert (f"{draws:,}", str(workers)) in measured


def test_the_stock_models_agree(stocks_module: Any) -> None:
    """A tiny run: every way gives the outflows of plain numpy, and every time is positive."""
    timings = stocks_module.measure(draws=300, repeats=1)

    values = {each.what: each.difference for each in timings if each.difference is not None}
    flodym = importlib.util.find_spec("flodym") is not None
    assert len(values) == 2 + flodym
    for what, difference in values.items():
        assert difference <= 1e-12, what
    assert all(positive(each.us) and positive(each.us_low) for each in timings)
    lines = stocks_module.table(timings).splitlines()
    assert len(lines) == 2 + len(timings)
    page = (FOLDER.parent / "docs" / "performance.md").read_text(encoding="utf-8")
    assert lines[0] in page
    for each in timings:
        assert f"| {each.what} |" in page


def test_the_streamed_statistics_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    """One lane: the table of the page on performance, and nonsense is refused."""
    for module in loaded("streamed.py"):
        assert module.main(["--lanes", "1"]) == 0
        head, _, *lines = capsys.readouterr().out.splitlines()
        page = (FOLDER.parent / "docs" / "performance.md").read_text(encoding="utf-8")
        assert head in page
        for line in lines[:-2]:
            assert "|".join(line.split("|")[:2]) in page
        with pytest.raises(SystemExit, match="2"):
            module.main(["--lanes", "0"])


def test_single_precision_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """One lane: half the memory, something is lost and not much; nonsense is refused."""
    for module in loaded("single.py"):
        double, single = module.measure(lanes=1, repeats=1)
        assert double.lost == 0.0 < single.lost < 1e-4
        assert 0.5 < single.lane_mib / double.lane_mib < 0.6  # inputs and dates stay as they are
        assert 0.5 < single.kept_kib / double.kept_kib < 1.0
        assert positive(min(*double.us, *single.us))
        assert module.main(["--lanes", "1", "--repeats", "1"]) == 0
        assert "`float32`" in capsys.readouterr().out
        with pytest.raises(SystemExit, match="2"):
            module.main(["--repeats", "0"])


def test_a_wrong_value_would_be_seen(stocks_module: Any) -> None:
    """The comparison counts a slip in one year of one draw, and NaN is no agreement."""
    case = stocks_module.make_case(20)
    good = stocks_module.by_reesupply(case)
    other = good.copy()
    other[30, 7] *= 1.001
    assert stocks_module.difference(good, good) == 0.0
    assert 1e-6 < stocks_module.difference(other, good) < 1e-2
    other[30, 7] = float("nan")
    assert not stocks_module.difference(other, good) <= 1.0


def test_the_stock_benchmark_prints_its_table(
    stocks_module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command; nonsense is refused before anything runs."""
    assert stocks_module.main(["--draws", "64", "--repeats", "1"]) == 0
    assert "| reesupply, one call | 64 |" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        stocks_module.main(["--draws", "0"])


def test_the_executors_are_compared(
    executors_module: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tiny run on a pool of processes: a line for each, with ratios of pairs and bytes."""
    options = ["--draws", "5000", "--repeats", "1", "--workers", "2", "--executors", "processes"]
    assert executors_module.main(options) == 0
    _, head, _, threads, processes = capsys.readouterr().out.splitlines()
    assert cells(threads)[:3] == ["threads", "5,000", "1.00 (1.00 to 1.00)"]
    found = dict(zip(cells(head), cells(processes), strict=True))
    assert found["executor"] == "processes"
    assert int(found["units"]) > 2
    assert int(found["bytes back a unit"].replace(",", "")) > 100_000
    with pytest.raises(SystemExit, match="2"):
        executors_module.main(["--draws", "0"])


def test_every_kernel_can_be_called_again_and_again() -> None:
    """What is timed is caught in a lane, and a second call does the same as the first."""
    for module in loaded("kernels.py"):
        lane = module.one_lane()
        for name in module.NAMES:
            with module.kernel(lane, name) as call:
                first, second = pickle.dumps(call()), pickle.dumps(call())
            if name in module.CAUGHT:
                assert first == second, name
                assert len(first) > 100_000, name  # arrays of a lane, not of one draw


def test_kernels_are_timed_on_their_own_arguments() -> None:
    """A watched kernel keeps its largest call, as its arguments were before it."""
    for module in loaded("kernels.py"):
        calls: dict[str, Any] = {}

        def doubled(x: Any) -> Any:
            x *= 2.0
            return x.sum()

        watched = module._watching(doubled, "doubled", calls)
        assert [watched(np.ones(size)) for size in (3, 5, 4)] == [6.0, 10.0, 8.0]
        assert calls["doubled"][1]() == 10.0


@pytest.fixture(scope="module")
def all_module() -> Iterator[Any]:
    """Return `benchmarks/all.py`, and leave the path as it was."""
    before = list(sys.path)
    yield from loaded("all.py")
    sys.path[:] = before


def targets_and(name: str) -> Any:
    """Return a module beside `all.py`, which has put its folder on the path."""
    return importlib.import_module(f"benchmarks.{name}")


def test_the_page_is_what_its_numbers_give(all_module: Any) -> None:
    """Nobody typed a number into the page: text and numbers belong together."""
    docs = FOLDER.parent / "docs"
    content = json.loads((docs / all_module.page.NUMBERS).read_text(encoding="utf-8"))

    assert all_module.page.text(content) == (docs / all_module.page.PAGE).read_text("utf-8"), (
        "run: python benchmarks/all.py --render"
    )
    assert set(content["parts"]) >= set(all_module.PARTS) - set(all_module.ON_REQUEST)
    assert not {"host", "node", "user"} & set(content["machine"])


def test_a_part_is_measured_and_written(all_module: Any, tmp_path: Path) -> None:
    """One part in its process: numbers, page and plot; parts of the same machine are kept."""
    docs = tmp_path / "docs"
    where = ["--size", "tiny", "--out", str(tmp_path), "--write", "--docs", str(docs)]

    assert all_module.main([*where, "--parts", "memory", "--curve-draws", "2048"]) == 0

    content = json.loads((docs / all_module.page.NUMBERS).read_text(encoding="utf-8"))
    found = content["parts"]["memory"]["found"]
    assert found["draws"] == found["points"][-1][0] == 2_048
    assert found["points"][0][0] == 0
    assert found["peak"] >= max(point[1] for point in found["points"]) - 1.0
    page = (docs / all_module.page.PAGE).read_text(encoding="utf-8")
    assert "## Memory of a long run" in page
    assert "## Kernels" not in page
    plot = (docs / all_module.page.MEMORY).read_text(encoding="utf-8")
    assert plot.count("<svg") == 1

    assert all_module.main([*where, "--parts", "streamed"]) == 0
    page = (docs / all_module.page.PAGE).read_text(encoding="utf-8")
    assert "## Memory of a long run" in page
    assert "## Statistics without draws" in page


def test_numbers_of_another_machine_are_not_kept(all_module: Any, tmp_path: Path) -> None:
    """A page has numbers of one machine and of one set of versions."""
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps({"machine": {"numpy": "1"}, "parts": {"limit": {}}}), "utf-8")

    assert all_module.earlier(path, {"numpy": "1"}) == {"limit": {}}
    assert all_module.earlier(path, {"numpy": "2"}) == {}
    assert all_module.earlier(tmp_path / "none.json", {"numpy": "1"}) == {}


def test_a_part_that_fails_does_not_stop_the_others(
    all_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and the status says so."""

    def measured(part: str, _: Any) -> Any:
        if part == "limit":
            msg = "limit: stopped with status 1"
            raise RuntimeError(msg)
        return 7

    monkeypatch.setattr(all_module, "measured", measured)
    found: dict[str, Any] = {"parts": {}}
    written: list[str] = []
    parts = ["limit", "stocks", "streamed"]
    failed = all_module.run(
        parts, "tiny", None, found, lambda known: written.append(json.dumps(known))
    )

    assert failed == ["limit"]
    assert found["parts"]["stocks"]["found"] == 7
    assert [list(json.loads(each)["parts"]) for each in written] == [parts[1:2], parts[1:]]


def test_a_very_long_run_is_watched_in_its_processes(all_module: Any, tmp_path: Path) -> None:
    """Memory and processor time are those of the processes, and the page says what they are of."""
    where = ["--size", "tiny", "--write", "--docs", str(tmp_path)]

    assert all_module.main([*where, "--parts", "long", "--long-draws", "2048"]) == 0

    content = json.loads((tmp_path / all_module.page.NUMBERS).read_text(encoding="utf-8"))
    found = content["parts"]["long"]["found"]
    assert found["points"][-1][0] == 2_048
    assert found["peak"] > found["points"][0][1]
    assert found["points"][-1][3] > 0.0
    page = (tmp_path / all_module.page.PAGE).read_text(encoding="utf-8")
    assert "2,048 draws on 2 processes" in page
    assert (tmp_path / all_module.page.LONG).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--curve-draws", "0"],
        ["--long-draws", "0"],
        ["--repeats", "0"],
        ["--parts", "limit", "--without", "limit"],
        ["--size", "huge"],
    ],
)
def test_nonsense_is_refused_by_the_whole_run(all_module: Any, wrong: list[str]) -> None:
    """Said before anything runs."""
    with pytest.raises(SystemExit, match="2"):
        all_module.main(wrong)


def test_a_target_is_reached_or_missed_by_a_factor(all_module: Any) -> None:
    """Both ways round, and NaN is no success."""
    assert all_module.PARTS
    targets = targets_and("targets")
    most = targets.Target("memory", "memory", 200.0, " MiB", lambda found: found)
    least = targets.Target("limit", "numpy", 12.0, "", lambda found: found, at_least=True)

    def verdict(target: Any, found: float) -> str:
        return str(target.row({target.part: {"found": found}})[3])

    assert verdict(most, 200.0) == "reached"
    assert verdict(most, 500.0) == "**missed**, by a factor of 2.5"
    assert verdict(most, float("nan")).startswith("**missed**")
    assert verdict(least, 13.0) == "reached"
    assert verdict(least, 3.0) == "**missed**, by a factor of 4"
    assert most.row({})[3] == "not measured"


def test_why_a_target_is_missed_is_said_only_where_it_is(all_module: Any) -> None:
    """With the stage that takes most of the time."""
    assert all_module.PARTS
    answers = targets_and("answers")
    stages = {"supply": 0.06, "demand": 0.12}
    slow = {"draws": 1_000, "wall": 0.2, "cpu": 0.1, "stages": stages}  # on half a core
    quick = slow | {"cpu": 0.001}

    found = {"long": slow, "small": slow, "writing": {"numbers": 7_000.0, "ms": 5.0}}

    call, run = answers.why_missed(found)
    assert "10 times as quick: without the largest, demand, it would still take 40 ms" in call
    assert "7,000 numbers" in call
    assert "takes 5 ms" in call
    assert "leave 9 µs for each" in run
    assert "A draw takes 100, of which demand 60." in run
    assert answers.why_missed(found | {"long": quick, "small": quick}) == []


def test_memory_is_compared_by_halves_and_long_curves_are_thinned(all_module: Any) -> None:
    """The first and the last point stay; a step of cost lies between two of them."""
    assert all_module.PARTS
    curve, pictures = targets_and("curve"), targets_and("pictures")
    points = [(k, 10.0 + (k > 600), 0.1 * k, 0.2 * k) for k in range(1_001)]

    few = curve.thinned(points)

    assert len(few) == curve.MOST
    assert (few[0], few[-1]) == (points[0], points[-1])
    assert curve.halves(points) == (10.0, 11.0)
    ends, costs = pictures.steps(points)
    assert len(ends) == len(costs) == 41
    assert costs == pytest.approx([2e5] * 41)
