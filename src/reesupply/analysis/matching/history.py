"""`history_match`: which settings of the knobs are consistent with published claims."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.matching.emulator import (
    ADDED,
    COMPLEMENT,
    FACTOR,
    MeanEmulator,
    fit_mean,
)
from reesupply.analysis.matching.implausibility import cheapest, implausibility, share
from reesupply.analysis.matching.problem import Problem, problem_of, turned
from reesupply.engine.blas import ONE_BLAS_THREAD
from reesupply.engine.simulate import simulate
from reesupply.errors import ReesupplyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    from reesupply.result import Result
    from reesupply.scenario import Scenario

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

#: P1 to P99 of a standard normal number.
REACH = 2.326
#: Pukelsheim's rule: 95 % of any unimodal error is within three standard deviations.
CUTOFF = 3.0
#: Draws of each of the two runs, points of the knob space, and points at a time.
DRAWS, POINTS, _STEP = 32_768, 131_072, 8_192
_LINKS = {"deficit": ADDED, "cumulative_deficit": ADDED}
_SHARES = ("china_share_of_need", "china_share_of_refining")


@dataclass(frozen=True, eq=False)
class HistoryMatch:
    """
    Settings of the knobs beside published claims.

    Attributes
    ----------
    problem : Problem
        Scenario, claims with published values and discrepancies, and knobs.
    untuned : Result
        The run with no knob turned.
    emulators : tuple of MeanEmulator
        Mean of each claim given the knobs.
    points : ndarray, shape (point, knob)
        Settings, uniform within `reach`.
    implausible : ndarray, shape (claim, point)
        Implausibility of each claim at each of them.
    reach, cutoff : float
        Largest turn of a knob, and largest implausibility that is not refused.
    """

    problem: Problem
    untuned: Result
    emulators: tuple[MeanEmulator, ...]
    points: FloatArray
    implausible: FloatArray
    reach: float
    cutoff: float

    def __repr__(self) -> str:
        found, error = self.volume
        return (
            f"<HistoryMatch of {self.problem.scenario.title!r}: {found:.2%} +- {error:.2%} of the "
            f"space of {len(self.problem.knobs)} knobs is within {self.cutoff:g} of "
            f"{len(self.problem.claims)} claims>"
        )

    @property
    def largest(self) -> FloatArray:
        """Largest implausibility of a claim at each point, shape (point,)."""
        return np.asarray(self.implausible.max(axis=0))

    @property
    def joint(self) -> FloatArray:
        """Root of the sum of squares of the implausibilities at each point, shape (point,)."""
        return np.asarray(np.sqrt((self.implausible**2).sum(axis=0)))

    @property
    def inside(self) -> BoolArray:
        """Which points are not implausible, shape (point,)."""
        return np.asarray(self.largest <= self.cutoff)

    @property
    def volume(self) -> tuple[float, float]:
        """Share of the knob space that is not implausible, and its binomial standard error."""
        return share(self.inside)

    def means(self, knobs: FloatArray) -> FloatArray:
        """Return the mean of each claim, shape (claim,), at knobs of shape (knob,)."""
        rows = knobs[np.newaxis]
        return np.array([emulator.mean(rows)[0] for emulator in self.emulators])

    @cached_property
    def volumes(self) -> pd.DataFrame:
        """
        Share of the knob space that each claim alone, and all of them, leave.

        Index claim, with "all" (largest implausibility) and "jointly" (root of the sum of squares
        up to that of the chi-squared distribution at 95 %) last; share, its standard error, and
        implausibility with no knob turned.
        """
        import pandas as pd
        from scipy.stats import chi2

        here = np.abs(self._off(self.means(np.zeros(len(self.problem.knobs)))))
        limit = float(np.sqrt(chi2.ppf(0.95, len(here))))
        rows = [
            (*share(own <= self.cutoff), now)
            for own, now in zip(self.implausible, here, strict=True)
        ]
        rows.append((*self.volume, float(here.max())))
        rows.append((*share(self.joint <= limit), float(np.linalg.norm(here))))
        index = pd.Index([*self.problem.claims, "all", "jointly"], name="claim")
        return pd.DataFrame(rows, index, columns=["share", "error", "with no knob turned"])

    @cached_property
    def region(self) -> pd.DataFrame:
        """
        Where the points that are not implausible lie, by knob; NaN where there are none.

        Index knob; lowest, P5, mean, P95 and highest setting, and "pull", the mean over the
        standard deviation of all settings: 0 for a knob that the claims say nothing about.
        """
        import pandas as pd

        names = ["lowest", "P5", "mean", "P95", "highest", "pull"]
        knobs = pd.Index(self.problem.knobs, name="knob")
        if not self.inside.any():
            return pd.DataFrame(np.nan, knobs, names)
        held = self.points[self.inside]
        low, high = np.quantile(held, (0.05, 0.95), axis=0)
        mean = held.mean(axis=0)
        columns = (
            *(held.min(axis=0), low, mean, high, held.max(axis=0)),
            mean * np.sqrt(3.0) / self.reach,
        )
        return pd.DataFrame(dict(zip(names, columns, strict=True)), knobs)

    @cached_property
    def prices(self) -> pd.DataFrame:
        """
        Least relative entropy at which all claims are met within some discrepancies.

        Index within (discrepancies; 0 meets the claims); nats and the turn of each knob. NaN where
        nothing within reach does. By the emulators, errors of which are not counted.
        """
        import pandas as pd

        rows = {}
        for cutoff in sorted({self.cutoff, 3.0, 2.0, 1.0, 0.0}, reverse=True):
            m = self.least(cutoff)
            turns = np.full(len(self.problem.knobs), np.nan) if m is None else m
            rows[cutoff] = [0.5 * float(turns @ turns), *turns]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=["nats", *self.problem.knobs])
        return frame.rename_axis("within")

    def least(self, cutoff: float = 0.0) -> FloatArray | None:
        """
        Return the knobs turned least that miss no claim by more than `cutoff` discrepancies.

        Parameters
        ----------
        cutoff : float
            0 meets the claims.

        Returns
        -------
        ndarray, shape (knob,), or None
            None where nothing within reach does.
        """
        problem = self.problem
        tried = [
            cheapest(
                self.means,
                problem.targets,
                problem.sds,
                start,
                self.reach,
                cutoff,
            )
            for start in (np.zeros(len(problem.knobs)), self.points[self.joint.argmin()])
        ]
        found = [m for m in tried if m is not None]
        return min(found, key=lambda m: float(m @ m)) if found else None

    def pair(self, x: str, y: str, bins: int = 12) -> tuple[FloatArray, FloatArray]:
        """
        Implausibility over two knobs, the others anywhere.

        Parameters
        ----------
        x, y : str
            Two knobs.
        bins : int
            Along each.

        Returns
        -------
        least : ndarray, shape (bins of y, bins of x)
            Least implausibility of a point; NaN where there is none.
        density : ndarray, same shape
            Share of the points that are not implausible.

        Raises
        ------
        ReesupplyError
            If a knob is unknown.
        """
        columns = [self.problem.place(name) for name in (x, y)]
        place = ((self.points[:, columns] / self.reach + 1.0) * 0.5 * bins).astype(np.intp)
        cell = np.minimum(place[:, 1], bins - 1) * bins + np.minimum(place[:, 0], bins - 1)
        least = np.full(bins * bins, np.inf)
        np.minimum.at(least, cell, self.largest)
        count = np.bincount(cell, minlength=bins * bins)
        held = np.bincount(cell, self.inside, bins * bins)
        density = np.divide(held, count, out=np.full(bins * bins, np.nan), where=count > 0)
        least[count == 0] = np.nan
        return least.reshape(bins, bins), density.reshape(bins, bins)

    def check(self, points: int = 8, draws: int = 4_096, seed: int = 1) -> pd.DataFrame:
        """
        Run the model at some settings, and compare.

        Parameters
        ----------
        points, draws : int
            How many settings, the ones found first within the cutoff, and draws of each.
        seed : int
            Of the draws.

        Returns
        -------
        pandas.DataFrame
            Index (point, claim); mean of the run, its Monte Carlo error, mean and error of the
            emulator, and their difference in discrepancies.
        """
        import pandas as pd

        problem, rows = self.problem, {}
        order = np.argsort(~self.inside, kind="stable")[:points]
        for number, m in enumerate(self.points[order]):
            run = simulate(
                turned(problem.scenario, dict(zip(problem.knobs, m, strict=True))),
                draws=draws,
                rng=seed,
                keep=("claims",),
            )
            for k, name in enumerate(problem.claims):
                own = run.values(name)
                mean, variance = self.emulators[k].mean_and_variance(m[np.newaxis])
                off = float((mean[0] - own.mean()) / problem.sds[k])
                error = float(own.std() / np.sqrt(own.size))
                rows[number, name] = (own.mean(), error, mean[0], np.sqrt(variance[0]), off)
        names = ["run", "error of run", "emulator", "error of emulator", "off"]
        index = pd.MultiIndex.from_tuples(rows, names=["point", "claim"])
        return pd.DataFrame(list(rows.values()), index, columns=names)

    def _off(self, means: FloatArray) -> FloatArray:
        return np.asarray((means - self.problem.targets) / self.problem.sds)


def history_match(
    scenario: Scenario | str | Path = "baseline",
    claims: Sequence[str] | None = None,
    *,
    sds: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    rng: Any = 2035,
    points: int = POINTS,
    reach: float = REACH,
    cutoff: float = CUTOFF,
    workers: int | None = None,
) -> HistoryMatch:
    """
    Find which settings of the knobs are consistent with published claims.

    Parameters
    ----------
    scenario : Scenario, str or Path
        A scenario none of whose knobs is turned.
    claims : sequence of str, optional
        As "claim.reading"; by default those of the table discrepancies.
    sds : mapping of str to float, optional
        Standard deviation of the discrepancy by claim, in place of the table's.
    draws : int
        Of each of two runs: with the knobs drawn, and with none turned.
    rng : None, int, numpy.random.SeedSequence or numpy.random.Generator
        As in :func:`reesupply.simulate`; one seed for both runs and the points.
    points : int
        Settings that are judged, uniform within the reach.
    reach : float
        Largest turn of a knob, in standard deviations; by default P1 to P99 of what we believe.
    cutoff : float
        Largest implausibility that is not refused.
    workers : int, optional
        As in :func:`reesupply.simulate`.

    Returns
    -------
    HistoryMatch

    Raises
    ------
    ReesupplyError
        If a claim or number is not allowed, there are too few draws, or a knob is turned already.

    Notes
    -----
    A setting is judged by the *mean* of each claim given the knobs, all other inputs as uncertain
    as before: a published central case speaks of an expectation, and a run with all inputs at
    their medians would have each mine built for sure or not at all. That mean is a quadratic
    polynomial fitted to the pairs of draws, which one run with drawn knobs gives for all settings.

    Examples
    --------
    >>> from reesupply.analysis.matching import history_match
    >>> found = history_match(draws=2_048, points=4_096)
    >>> 0.0 <= found.volume[0] < 0.5
    True
    """
    for name, value in (("reach", reach), ("cutoff", cutoff)):
        if not 0.0 < value < np.inf:
            msg = f"{name}: found {value!r}, allowed is a number above 0"
            raise ReesupplyError(msg)
    if not 1 <= points < np.inf:
        msg = f"points: found {points!r}, allowed is a number of settings from 1"
        raise ReesupplyError(msg)
    reach, cutoff = float(reach), float(cutoff)  # numpy's numbers have another repr
    problem = problem_of(scenario, claims, sds)
    untuned = simulate(problem.scenario, draws=draws, rng=rng, design="lhs", workers=workers)
    spread = f"uniform({-reach!r}, {reach!r})"
    drawn = simulate(
        turned(problem.scenario, dict.fromkeys(problem.knobs, spread)),
        draws=draws,
        rng=untuned.entropy,
        design="lhs",
        workers=workers,
        keep=("claims", *(f"inputs.knobs.{knob}.shift" for knob in problem.knobs)),
    )
    knobs = np.stack([drawn.values(f"knobs.{knob}.shift") for knob in problem.knobs], axis=1)
    quantities = {claim.name: claim.quantity for claim in untuned.plan.claims}
    random = np.random.default_rng(untuned.entropy)
    with ONE_BLAS_THREAD:
        emulators = tuple(
            fit_mean(knobs, drawn.values(name), untuned.values(name), _link(quantities[name]))
            for name in problem.claims
        )
        settings = random.uniform(-reach, reach, (int(points), len(problem.knobs)))
        found = [
            np.stack(
                [emulator.mean_and_variance(settings[at : at + _STEP]) for emulator in emulators]
            )
            for at in range(0, len(settings), _STEP)
        ]
    both = np.concatenate(found, axis=-1)
    judged = implausibility(both[:, 0], both[:, 1], problem.targets, problem.sds)
    return HistoryMatch(problem, untuned, emulators, settings, judged, reach, cutoff)


def _link(quantity: str) -> str:
    return COMPLEMENT if quantity in _SHARES else _LINKS.get(quantity, FACTOR)
