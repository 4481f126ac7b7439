"""Cases of whole scenarios: counts and hand calculations of pipeline and demand, flow analyses."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.hindcast import KEEP, hindcast_points
from reesupply.analysis.validation.given import Found
from reesupply.distributions import Distribution
from reesupply.engine.simulate import simulate
from reesupply.scenario.loading import load_scenario

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.analysis.validation.given import Inputs, Numbers
    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]

_DRAWS, _SEED = 4096, 2035
_FEW = 2  # where nothing that counts is drawn
_USES = ("end_use.contained", "end_use.demand", "base_year_factor")
_CLEAN = ("ev-cars", "ev-vans-trucks", "hybrids", "two-wheelers", "wind-onshore", "wind-offshore")


def announced(inputs: Inputs) -> Numbers:
    """Feed that owners outside China announce, mines and recyclers."""
    return _means("announced", "feed", _outside(load_scenario("announced"), _FEW), inputs)


def risked(inputs: Inputs) -> Numbers:
    """Lower of feed and refining outside China, by the rules of an earlier calculation."""
    base, slips, owners = (load_scenario(n) for n in ("baseline", "slips", "announced"))
    tonnes = _as_in(owners, "heavy", "capacity", "start", "recovery")
    tonnes["anchors.regime.value"] = 1.0
    linear = _as_in(owners, "ramp")
    # the long-run use of nameplate of that calculation, in place of a plateau by class
    low, mode, high = inputs["use"]
    linear["anchors.availability.value"] = f"triangular({low}, {mode}, {high})"
    always = {"anchors.availability.value": 1.0}
    found: Numbers = {}
    for name, scenario in {
        "slips-linear": slips.replace(tonnes | linear),
        "hazards-linear": base.replace(tonnes | linear),
        "slips-classes": slips.replace(tonnes | always),
        "hazards-classes": base.replace(tonnes | always),
    }.items():
        found |= _means(name, "lower", _outside(scenario), inputs)
    return found


def _means(name: str, what: str, flows: dict[str, FloatArray], inputs: Inputs) -> Numbers:
    years = load_scenario().years
    found: Numbers = {}
    for year in inputs["year"].astype(int):
        tonnes = flows[what][years.index(int(year))]
        error = float(tonnes.std() / np.sqrt(tonnes.size))
        found[f"{name}-{year}"] = Found(float(tonnes.mean()), error)
    return found


def _as_in(scenario: Scenario, *columns: str) -> dict[str, object]:
    """Cells of these columns of projects as a scenario changed them."""
    import pandas as pd

    projects = scenario.to_frame("projects").astype(object)
    cells: dict[str, object] = {}
    for path in scenario.changes:
        table, key, column = path.split(".")
        if table == "projects" and column in columns:
            cell: Any = projects.loc[key, column]
            cells[path] = None if pd.isna(cell) else cell
    return cells


def _outside(scenario: Scenario, draws: int = _DRAWS) -> dict[str, FloatArray]:
    """Tonnes a year outside China, (year, draw)."""
    keep = ("project.output", "project.capacity")
    result = simulate(scenario, draws=draws, rng=_SEED, keep=keep)
    rows = {row.id: row for row in scenario.rows("projects")}

    def at(kind: str) -> list[bool]:
        found = (rows[name] for name in result.plan.projects)
        return [row.kind == kind and row.bloc != "china" for row in found]

    output, capacity = (result.arrays[name] for name in keep)
    feed = output[at("mine")].sum(axis=(0, 1)) + capacity[at("recycler")].sum(axis=0)
    return {"feed": feed, "lower": np.minimum(feed, capacity[at("refinery")].sum(axis=0))}


def bottom_up(_inputs: Inputs) -> Numbers:
    """Demand of the first and the last year, every range at its mode, before it is scaled."""
    base = load_scenario("judged-ranges")
    modes = {
        f"trajectories.{'.'.join(map(str, key))}.value": row.value.mode  # type: ignore[attr-defined]
        for key, row in base.tables["trajectories"].items()
        if isinstance(row.value, Distribution)  # type: ignore[attr-defined]
    }
    found: Numbers = {}
    result = simulate(base.replace(modes), draws=_FEW, rng=_SEED, keep=_USES)
    for name, variable in (("goods", _USES[0]), ("bought", _USES[1])):
        tonnes = _unscaled(result, variable)[..., 0].sum(axis=0)
        found |= {
            f"{name}-{element.lower()}-first": Found(float(tonnes[place, 0]))
            for place, element in enumerate(result.plan.elements)
        }
        found[f"{name}-first"] = Found(float(tonnes[:, 0].sum()))
        found[f"{name}-last"] = Found(float(tonnes[:, -1].sum()))
    return found


def bottom_up_range(_inputs: Inputs) -> Numbers:
    """P10 and P90 of demand of the last year by judged ranges, before it is scaled."""
    result = simulate("judged-ranges", draws=_DRAWS, rng=_SEED, keep=_USES)
    last = _unscaled(result, _USES[1]).sum(axis=(0, 1))[-1]
    return {f"p{100 * q:.0f}": Found(float(np.quantile(last, q))) for q in (0.1, 0.9)}


def _unscaled(result: Result, name: str) -> FloatArray:
    scaled = [not row.stored for row in result.plan.scenario.rows("end_uses")]
    factor = result.arrays["base_year_factor"][:, np.newaxis]
    by = np.where(np.reshape(scaled, (-1, 1, 1, 1)), factor, 1.0)
    return np.asarray(result.arrays[name] / by)


def flow_analyses(_inputs: Inputs) -> Numbers:
    """Medians of the baseline's past beside material flow analyses, on both bases."""
    points = _points()
    return {f"{series}-{basis}": Found(float(median)) for (series, basis), median in points.items()}


@cache
def _points() -> dict[tuple[str, str], float]:
    table = hindcast_points(simulate(draws=_DRAWS, rng=_SEED, keep=KEEP))
    series, basis = (table.index.get_level_values(name) for name in ("series", "basis"))
    return dict(zip(zip(series, basis, strict=True), table["P50"], strict=True))


def clean_technology(inputs: Inputs) -> Numbers:
    """Median Dy oxide that cars, two-wheelers and wind buy in a year."""
    year = int(inputs["year"][0])
    result = simulate(draws=_DRAWS, rng=_SEED, keep=("end_use.demand",))
    at = [result.plan.end_uses.index(use) for use in _CLEAN]
    element = result.plan.elements.index("Dy")
    tonnes = result.arrays["end_use.demand"][at, element, result.plan.years.index(year)]
    return {"dy-oxide": Found(float(np.median(tonnes.sum(axis=0))))}
