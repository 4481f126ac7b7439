"""`least_shift`: the least shift of inputs under which claims have their published means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.condition.conditioning import condition
from reesupply.analysis.condition.pareto import pareto_shape
from reesupply.analysis.condition.targets import Target
from reesupply.analysis.matching.beliefs import grouped, moved_inputs, shifted
from reesupply.analysis.matching.problem import Problem, problem_of
from reesupply.analysis.matching.search import Normals, Seen, search
from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.engine.simulate import simulate
from reesupply.scenario import Scenario, load_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]

#: Draws of each run, and inputs that would move by less stay (standard deviations).
DRAWS, LEAST = 32_768, 0.1
#: What the tonnes are compared for: label, and end uses, or variable and bloc.
_USES = {
    "need of electric cars and vans": ("ev-cars", "ev-vans-trucks"),
    "need of wind turbines": ("wind-onshore", "wind-offshore"),
}
_FLOWS = {
    "need of all goods": ("demand", "world"),
    "mines of China and its neighbours": ("mine_supply", "china"),
    "mines outside China": ("mine_supply", "ex_china"),
    "separated outside China": ("refined_supply", "ex_china"),
    "recycled new scrap": ("recycled_new_scrap", "world"),
    "recycled old goods": ("recycled_end_of_life", "world"),
}


@dataclass(frozen=True, eq=False)
class LeastShift:
    """
    A scenario whose inputs are shifted so that its claims have the published means.

    Attributes
    ----------
    problem : Problem
        Claims with published values, and the scenario before.
    untuned, result : Result
        The runs before and now, on the same draws.
    shifts : dict of str to float
        Input to how far its own normal number moved, in standard deviations.
    """

    problem: Problem
    untuned: Result
    result: Result
    shifts: Mapping[str, float]

    def __repr__(self) -> str:
        return (
            f"<LeastShift: {len(self.shifts)} inputs, {self.nats:.2f} nats, "
            f"{'meets' if self.met else 'does not meet'} {len(self.problem.claims)} claims>"
        )

    @property
    def scenario(self) -> Scenario:
        """The scenario with the shifts."""
        return self.result.plan.scenario

    @property
    def nats(self) -> float:
        r"""Relative entropy of the inputs to those before, :math:`\sum d^2 / 2` [nat]."""
        return 0.5 * sum(shift**2 for shift in self.shifts.values())

    @property
    def met(self) -> bool:
        """Whether every mean is within three Monte Carlo errors of the published value."""
        table = self.claims
        return bool(((table["now"] - table["published"]).abs() <= 3.0 * table["error"]).all())

    @cached_property
    def claims(self) -> pd.DataFrame:
        """Each claim: published value, mean before and now, error of the latter, P5 and P95 now."""
        import pandas as pd

        problem, rows = self.problem, []
        for name, value in zip(problem.claims, problem.targets, strict=True):
            draws = self.result.values(name)
            low, high = (float(self.result.quantile(name, q)) for q in (0.05, 0.95))
            before = float(self.untuned.mean(name))
            rows.append((value, before, draws.mean(), _error(draws), low, high))
        columns = ["published", "before", "now", "error", "P5", "P95"]
        return pd.DataFrame(rows, pd.Index(problem.claims, name="claim"), columns)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """
        Each group of inputs, dearest first: how many were shifted, nats, and its effect.

        Index group; inputs, nats, share of all nats, largest shift, and what the mean of each
        claim loses if this group alone is put back, on at most 8,192 draws [unit of the claim].
        """
        import pandas as pd

        problem, rows = self.problem, {}
        for group, members in grouped(problem.scenario, self.shifts).items():
            rest = {k: v for k, v in self.shifts.items() if k not in members}
            without = simulate(
                shifted(problem.scenario, rest),
                draws=min(self.result.draws, 8_192),
                rng=self.result.entropy,
                design=self.result.design,
                keep=("claims",),
            )
            part = slice(0, without.draws)
            effect = [
                float(self.result.values(name)[part].mean() - without.values(name).mean())
                for name in problem.claims
            ]
            nats = 0.5 * sum(shift**2 for shift in members.values())
            largest = max(members.values(), key=abs)
            rows[group] = (len(members), nats, nats / self.nats, largest, *effect)
        columns = ["inputs", "nats", "share", "largest", *problem.claims]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("group")
        return frame.sort_values("nats", ascending=False, kind="stable")

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """
        Each input that was shifted, farthest first.

        Index input; group, unit ("1" also for a quantile and a named factor), shift of its own
        normal number [sd], nats, mean before and now, and how far that is in standard deviations
        of before, named factors included.
        """
        import pandas as pd

        units = dict(
            zip(self.untuned.plan.inputs.names, self.untuned.plan.inputs.units, strict=True)
        )
        rows = {}
        for group, members in grouped(self.problem.scenario, self.shifts).items():
            for name, shift in members.items():
                old, new = self.untuned.values(name), self.result.values(name)
                sd = float(old.std())
                off = float(new.mean() - old.mean()) / sd if sd > 0.0 else 0.0
                cells = (group, units[name], shift, 0.5 * shift**2, old.mean(), new.mean(), off)
                rows[name] = cells
        columns = ["group", "unit", "shift", "nats", "before", "now", "moved"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("input")
        return frame.sort_values("shift", key=np.abs, ascending=False, kind="stable")

    @cached_property
    def tonnes(self) -> pd.DataFrame:
        """Index flow and year; mean before, now, and the change as a share [t oxide/yr]."""
        import pandas as pd

        years = self.result.plan.years
        rows: dict[tuple[str, int], tuple[float, float]] = {}
        for year in (years[0], 2030, years[-1]):
            if year in years:
                before, now = (_flows(run, year) for run in (self.untuned, self.result))
                rows |= {(flow, year): (before[flow], now[flow]) for flow in before}
        index = pd.MultiIndex.from_tuples(rows, names=["flow", "year"])
        frame = pd.DataFrame(list(rows.values()), index, columns=["before", "now"])
        # nothing is mined outside China in the base year, and a deficit may change its sign
        sure = (frame["before"] > 0.0) & (frame.index.get_level_values(0) != "deficit")
        frame["change"] = (frame["now"] / frame["before"] - 1.0).where(sure)
        return frame.sort_index(level=0, sort_remaining=False, kind="stable")

    @cached_property
    def beside_weights(self) -> pd.DataFrame:
        """
        What it costs to meet the claims by weights, before and after the shift.

        Index way; nats, effective share of the draws, Pareto k, and P5, P50 and P95 of the first
        claim. The weights of the untuned draws are the nearest of all ways to meet the claims in
        the mean, so no shift costs less; they leave few draws, and a scenario has all of its own.
        """
        import warnings

        import pandas as pd

        from reesupply.errors import ReesupplyWarning

        problem, rows = self.problem, {}
        soft = [
            Target(name, sd=float(sd)) for name, sd in zip(problem.claims, problem.sds, strict=True)
        ]
        hard = list(problem.claims)
        for way, run, targets in (
            ("untuned", self.untuned, []),
            ("untuned, weighed softly", self.untuned, soft),
            ("untuned, weighed", self.untuned, hard),
            ("inputs shifted", self.result, []),
            ("inputs shifted, weighed", self.result, hard),
        ):
            nats, share, shape, found = 0.0, 1.0, np.nan, run
            if targets:
                with warnings.catch_warnings():
                    # few draws are left of the untuned ones: the table says how few
                    warnings.simplefilter("ignore", ReesupplyWarning)
                    found = condition(run, targets, least=0.0)
                nats, share, shape = _cost(found)
            middle = [float(found.quantile(problem.claims[0], q)) for q in (0.05, 0.5, 0.95)]
            cost = nats + (self.nats if run is self.result else 0.0)
            rows[way] = (cost, share, shape, *middle)
        columns = ["nats", "effective share", "Pareto k", "P5", "P50", "P95"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("way")

    @property
    def text(self) -> str:
        """The answer in words."""
        from reesupply.analysis.matching.words import answer

        return answer(self)


def least_shift(
    scenario: Scenario | str | Path = "baseline",
    claims: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    rng: Any = 2035,
    least: float = LEAST,
    workers: int | None = None,
) -> LeastShift:
    """
    Shift inputs as little as possible so that the means of claims are those published.

    Parameters
    ----------
    scenario : Scenario, str or Path
        A scenario none of whose knobs is turned.
    claims : sequence of str, optional
        As "claim.reading"; by default those of the table discrepancies.
    draws : int
        Of each run.
    rng : None, int, numpy.random.SeedSequence or numpy.random.Generator
        As in :func:`reesupply.simulate`, for all runs.
    least : float
        Inputs that would move by less stay [sd].
    workers : int, optional
        As in :func:`reesupply.simulate`.

    Returns
    -------
    LeastShift
        With ``met`` False where the search ended without meeting the claims.

    Raises
    ------
    ReesupplyError
        If a claim is unknown, or a knob is turned already.

    Notes
    -----
    Spreads and dependence stay, only centres move: of inputs with standard normal numbers e that
    costs :math:`d^2/2` nats each. Seven to nine runs; `reesupply.analysis.matching.search`.
    """
    problem = problem_of(scenario, claims, None)
    keep = ("claims", "inputs")
    untuned = simulate(problem.scenario, draws=draws, rng=rng, workers=workers)

    def run(shift: FloatArray) -> Result:
        return simulate(
            shifted(problem.scenario, _named(normals.names, shift)),
            draws=draws,
            rng=untuned.entropy,
            workers=workers,
            keep=keep,
        )

    def look(shift: FloatArray) -> Seen:
        at = run(shift) if shift.any() else untuned
        values = np.stack([at.values(name) for name in problem.claims])
        errors = np.array([_error(x) for x in values])
        with ONE_BLAS_THREAD:
            return Seen(values.mean(axis=1), errors, normals.gradients(values))

    with ONE_BLAS_THREAD:
        normals = Normals(untuned)
    found = search(look, problem.targets, len(normals.names), least)
    changed = shifted(problem.scenario, _named(normals.names, found.shift))
    return _between(problem, untuned, changed, workers)


def read_shift(
    scenario: Scenario | str | Path = "cru-consistent",
    base: Scenario | str | Path = "baseline",
    *,
    claims: Sequence[str] | None = None,
    draws: int = DRAWS,
    rng: Any = 2035,
    workers: int | None = None,
) -> LeastShift:
    """
    Compare a scenario whose knobs are turned with the one before.

    Parameters
    ----------
    scenario : Scenario, str or Path
        Differs from `base` by its knobs alone.
    base : Scenario, str or Path
        None of its knobs is turned.
    claims, draws, rng, workers
        As in `least_shift`.

    Returns
    -------
    LeastShift

    Raises
    ------
    ReesupplyError
        If a claim is unknown, a knob of `base` is turned, or the two differ by more than knobs.
    """
    problem = problem_of(base, claims, None)
    found = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    untuned = simulate(problem.scenario, draws=draws, rng=rng, workers=workers)
    return _between(problem, untuned, found, workers)


def _between(
    problem: Problem, untuned: Result, scenario: Scenario, workers: int | None
) -> LeastShift:
    shifts = moved_inputs(problem.scenario, scenario, untuned.plan.inputs.names)
    now = simulate(
        scenario, draws=untuned.draws, rng=untuned.entropy, design=untuned.design, workers=workers
    )
    return LeastShift(problem, untuned, now, shifts)


def _named(names: Sequence[str], shift: FloatArray) -> dict[str, float]:
    return {name: float(d) for name, d in zip(names, shift, strict=True) if d != 0.0}


def _cost(found: Result) -> tuple[float, float, float]:
    """Nats, effective share of the draws, and Pareto k of a conditioned result."""
    done = found.conditioning
    assert done is not None
    left = done.effective_draws / found.draws
    return done.divergence, left, pareto_shape(done.weights)


def _error(draws: FloatArray) -> float:
    """Monte Carlo error of a mean."""
    return float(draws.std(ddof=1) / np.sqrt(draws.size))


def _flows(run: Result, year: int) -> dict[str, float]:
    whole = run.all_elements
    found = {}
    by_use = run.end_use["demand_mean"].sel(year=year)
    for label, uses in _USES.items():
        own = [use for use in uses if use in run.plan.end_uses]
        found[label] = float(by_use.sel(end_use=own).sum())
    for label, (name, bloc) in _FLOWS.items():
        found[label] = float(run.mean(name, year=year, element=whole, bloc=bloc))
    found["need of other goods"] = found["need of all goods"] - sum(found[label] for label in _USES)
    found["deficit"] = -float(run.mean("balance", year=year, element=whole))
    return found
