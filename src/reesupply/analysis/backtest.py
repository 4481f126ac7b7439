"""
Back-test of the pipeline: what it would have said in early 2012, and what happened.

The table `pipelines` holds the rare-earth projects outside China as announced at a vintage, in
tonnes of all oxides: of Dy and Tb no outcome by project exists. `reesupply.models.pipeline` and
`reesupply.models.rampup` alone run on it, with one of these sets of parameters:

generic
    Reference values of mining at large, table `generic_stages`, and McNulty's ramp-up classes
    without the one that was fitted on rare-earth plants. Nothing was fitted on the outcomes that
    are scored, though some of the sources are younger than the vintage.
today
    The shipped tables `stages` and `ramps`. They were judged with the scored outcomes in view
    (Mt Weld, Mountain Pass, the projects of 2012 that failed), so their score is no evidence.
announced
    No risk: every date kept, every ramp a straight line. A check of the code.

Success is correlated by one factor (probit); dates and ramps are independent. Left out: closures
after a start, disruptions, and supply that nobody had announced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from scipy.special import ndtri

from reesupply.analysis.scores import crps
from reesupply.analysis.years import whole_years
from reesupply.distributions import Distribution, parse
from reesupply.errors import ReesupplyError, nearest
from reesupply.models.pipeline import first_feed_after_decision, first_feed_slipped
from reesupply.models.rampup import RampTable, linear_ramp_average
from reesupply.sampling import LANE, Sampler, entropy_of
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    FloatArray = npt.NDArray[np.float64]
    Draws = Mapping[str, FloatArray]

__all__ = ["BackTest", "Parameters", "backtest", "foresee"]

Parameters = Literal["generic", "today", "announced"]

#: Series of the table history that say what happened, by reading.
OUTCOMES = {
    "all mines": "mine-output-usgs-ex-china",
    "without Myanmar": "mine-output-usgs-ex-china-without-myanmar",
}
CAVEAT = {
    "generic": "parameters of mining at large, not fitted on these outcomes",
    "today": "today's parameters have seen these outcomes: no evidence",
    "announced": "every promise kept: a check of the code",
}
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_DRAWN = ("outcome", "wait", "schedule", "class", "plateau")


class _Project(NamedTuple):
    """A row of the table pipelines; `leader` is the row whose draws it shares."""

    status: str
    ramp: str
    leader: str
    start: float
    construction: float
    nameplate: float
    ramp_years: float


class _Stage(NamedTuple):
    """What may happen to a project of a status; hazard in 1/year, slip and wait in years."""

    route: str
    chance: float
    schedule: float | Distribution = 1.0
    slip: float | Distribution | None = None
    hazard: float = np.inf
    minimum_wait: float = 0.0


class _Risk(NamedTuple):
    """A set of parameters; a ramp without weights is a straight line."""

    stages: Mapping[str, _Stage]
    weights: Mapping[str, FloatArray]
    table: RampTable
    plateaus: Sequence[float | Distribution]


@dataclass(frozen=True, eq=False)
class BackTest:
    """
    A forecast from a vintage, beside simpler ones and what happened.

    Attributes
    ----------
    vintage : float
        Decimal year up to which the pipeline is known.
    parameters, entropy : str, int
        As in `backtest`; the entropy passed as `rng` repeats the run.
    years, scored : tuple of int
        From the vintage to the last scored year; those in the table of scores.
    output : ndarray, shape (year, draw)
        Forecast output outside China [t REO/yr].
    announced : ndarray, shape (year,)
        The owners' dates and straight ramps [t REO/yr].
    flat : float
        The last level known at the vintage: the operating rows [t REO/yr].
    """

    vintage: float
    parameters: str
    entropy: int
    years: tuple[int, ...]
    scored: tuple[int, ...]
    output: FloatArray
    announced: FloatArray
    flat: float

    def table(self) -> pd.DataFrame:
        """
        Score every forecast on every reading of what happened.

        Returns
        -------
        pandas.DataFrame
            Index year, reading, forecast; P5, P50, P95, outcome, CRPS and absolute error of the
            median [t REO/yr], median and outcome over the announced schedule, whether P5-P95 holds
            the outcome, and its percentile (blank for a point, whose CRPS is its absolute error).
        """
        import pandas as pd

        rows = []
        for year in self.scored:
            at = self.years.index(year)
            forecasts = {f"model, {self.parameters}": self.output[at]}
            forecasts |= {"announced": self.announced[[at]], "flat": np.array([self.flat])}
            forecasts |= published(self.vintage, year)
            for reading, outcome in _outcomes(year).items():
                for name, draws in forecasts.items():
                    scores = _scores(draws, outcome, float(self.announced[at]))
                    rows.append({"year": year, "reading": reading, "forecast": name, **scores})
        return pd.DataFrame(rows).set_index(["year", "reading", "forecast"])

    def coverage(self) -> tuple[int, int]:
        """Count the outcomes within P5-P95, and all; two equal readings of a year count once."""
        model = self.table().xs(f"model, {self.parameters}", level="forecast").reset_index()
        inside = model.drop_duplicates(["year", "outcome"])["inside"]
        return int(inside.sum()), len(inside)

    def plot(self, ax: Axes | None = None) -> Axes:
        """
        Draw the fan, the announced schedule, the flat line and what happened.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a new figure when None.

        Returns
        -------
        Axes
        """
        from reesupply.plots.backtest import draw

        return draw(self, ax)


def backtest(
    vintage: float = 2012.1,
    years: Sequence[int] = (2016, 2020),
    *,
    draws: int = 16_384,
    rng: int | np.random.SeedSequence | np.random.Generator | None = None,
    parameters: Parameters = "generic",
    rho: float = 0.2,
) -> BackTest:
    """
    Forecast output outside China from the pipeline of a vintage, and score it.

    Parameters
    ----------
    vintage : float
        Of the table `pipelines`, decimal year.
    years : sequence of int
        Years to score.
    draws, rng : int, and None, int, SeedSequence or Generator
        As in `reesupply.simulate`.
    parameters : {"generic", "today", "announced"}
        See the module.
    rho : float
        Correlation of the success of any two projects on the probit scale, 0 to 1.

    Returns
    -------
    BackTest

    Raises
    ------
    ReesupplyError
        If the vintage, the parameters or the outcome of a year are unknown, a year lies before
        the vintage, or `draws` or `rho` is out of range.
    """
    _check(vintage, parameters, draws, rho)
    scored = whole_years("years", years)
    if not scored or any(year < vintage or not _outcomes(year) for year in scored):
        msg = f"years: found {scored}, allowed are years after {vintage:g} with an outcome"
        raise ReesupplyError(msg)
    entropy = entropy_of(rng)
    found = foresee(vintage, max(scored), draws=draws, rng=entropy, parameters=parameters, rho=rho)
    return replace(found, scored=tuple(scored))


def foresee(
    vintage: float,
    last: int,
    *,
    draws: int = 16_384,
    rng: int | np.random.SeedSequence | np.random.Generator | None = None,
    parameters: Parameters = "generic",
    rho: float = 0.2,
) -> BackTest:
    """
    Forecast output outside China from the pipeline of a vintage; no outcome is read.

    Parameters
    ----------
    vintage : float
        Of the table `pipelines`, decimal year.
    last : int
        Last year of the forecast.
    draws, rng, parameters, rho
        As in `backtest`.

    Returns
    -------
    BackTest
        Whose `scored` is empty.

    Raises
    ------
    ReesupplyError
        As in `backtest`.
    """
    _check(vintage, parameters, draws, rho)
    projects, calendar = _pipeline(vintage), tuple(range(int(vintage), last + 1))
    entropy, risk = entropy_of(rng), _risk(parameters)
    u = _uniforms(entropy, sorted({p.leader for p in projects}), draws)
    output, announced = np.zeros((len(calendar), draws)), np.zeros(len(calendar))
    for project in projects:
        own = {what: u[f"{project.leader}.{what}"] for what in _DRAWN}
        z = np.sqrt(rho) * u["factor"] + np.sqrt(1.0 - rho) * own["outcome"]
        first = _first_feed(project, risk.stages[project.status], vintage, z, own)
        output += project.nameplate * _share(project, risk, first, calendar, own)
        straight = linear_ramp_average(project.start, calendar, project.ramp_years)
        announced += project.nameplate * straight
    flat = float(sum(p.nameplate for p in projects if p.status == "operating"))
    return BackTest(vintage, parameters, entropy, calendar, (), output, announced, flat)


def _check(vintage: float, parameters: str, draws: int, rho: float) -> None:
    known = {row["vintage"] for row in open_csv("pipelines")}
    if vintage not in map(float, known):
        msg = f"vintage: found {vintage!r}; {nearest(str(vintage), known)}"
        raise ReesupplyError(msg)
    if parameters not in get_args(Parameters):
        msg = f"parameters: found {parameters!r}; {nearest(parameters, get_args(Parameters))}"
        raise ReesupplyError(msg)
    given: Any = draws
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 1:
        msg = f"draws: found {draws!r}, allowed is a whole number from 1"
        raise ReesupplyError(msg)
    if not 0.0 <= rho <= 1.0:
        msg = f"rho: found {rho!r}, allowed is a number from 0 to 1"
        raise ReesupplyError(msg)


def _scores(draws: FloatArray, outcome: float, announced: float) -> dict[str, object]:
    ensemble = draws.size > 1
    low, _, middle, _, high = np.quantile(draws, LEVELS).tolist()
    return {
        "P5": low if ensemble else np.nan,
        "P50": middle,
        "P95": high if ensemble else np.nan,
        "outcome": outcome,
        "CRPS": crps(draws, outcome),
        "absolute error": abs(middle - outcome),
        "P50 / announced": middle / announced,
        "outcome / announced": outcome / announced,
        "inside": low <= outcome <= high if ensemble else None,
        "percentile": float(np.mean(draws <= outcome)) if ensemble else np.nan,
    }


def _pipeline(vintage: float) -> list[_Project]:
    chosen = [row for row in open_csv("pipelines") if float(row["vintage"]) == vintage]
    leads = [(row["status"], row["ramp"], row["decided_with"] or row["id"]) for row in chosen]
    numbers = [[float(row[name]) for name in _Project._fields[3:]] for row in chosen]
    return [_Project(*lead, *number) for lead, number in zip(leads, numbers, strict=True)]


def _outcomes(year: int) -> dict[str, float]:
    found = {r["series"]: r["value"] for r in open_csv("history") if r["period"] == str(year)}
    return {name: float(found[series]) for name, series in OUTCOMES.items() if series in found}


def published(vintage: float, year: int) -> dict[str, FloatArray]:
    """Forecasts of supply outside China from the year of the vintage [t REO/yr]."""
    wanted = ("supply outside China", "REO", "kt REO", str(year))
    columns = ("quantity", "element", "unit", "target_year")
    rows = (row for row in open_csv("forecasts") if row["issued"][:4] == str(int(vintage)))
    rows = (row for row in rows if wanted == tuple(row[c] for c in columns))
    return {row["publisher"]: np.array([1e3 * float(row["value"])]) for row in rows}


def _risk(parameters: Parameters) -> _Risk:
    classes = list(open_csv("ramp_classes"))
    plateaus = [parse(c["plateau"]) for c in classes]
    tau, beta = (tuple(float(c[name]) for c in classes) for name in ("tau", "beta"))
    table = RampTable(tau, beta)
    rows = list(open_csv("stages" if parameters == "today" else "generic_stages"))
    if parameters == "announced":
        return _Risk({r["id"]: _Stage(r["route"], 1.0) for r in rows}, {}, table, plateaus)
    unused = "r" if parameters == "generic" else ""  # fitted on plants that are scored here
    if unused:  # the other classes as published, without what was seen since
        plateaus = [p.mode if isinstance(p, Distribution) else p for p in plateaus]
    weights = {}
    for ramp in open_csv("ramps"):
        if ramp["kind"] == "classes":
            given = dict(zip(ramp["classes"].split(";"), ramp["weights"].split(";"), strict=True))
            kept = [0.0 if c["id"] == unused else float(given.get(c["id"], 0)) for c in classes]
            weights[ramp["id"]] = np.array(kept) / sum(kept)
    return _Risk({row["id"]: _stage(row) for row in rows}, weights, table, plateaus)


def _stage(row: Mapping[str, str]) -> _Stage:
    works, schedule = float(row["works"]), parse(row["schedule"] or "1")
    slip = parse(row["slip"]) if row.get("slip") else None
    if row["route"] != "hazard":
        return _Stage(row["route"], works, schedule, slip)
    decide, wait = float(row["decision_hazard"]), float(row["minimum_wait"])
    hazard = decide + float(row["abandon_hazard"])
    return _Stage("hazard", works * decide / hazard, schedule, None, hazard, wait)


def _uniforms(entropy: int, leaders: Sequence[str], draws: int) -> dict[str, FloatArray]:
    """Named streams, uniform but for the factor and the outcomes, which are standard normal."""
    names = ["factor", *(f"{leader}.{what}" for leader in leaders for what in _DRAWN)]
    sampler = Sampler(entropy, [f"backtest.{name}" for name in names])
    lanes = [sampler.lane(i, np.empty((len(names), LANE))) for i in range(-(-draws // LANE))]
    u = dict(zip(names, np.concatenate(lanes, axis=1)[:, :draws], strict=True))
    return {k: ndtri(x) if k.endswith(("factor", ".outcome")) else x for k, x in u.items()}


def _value(cell: float | Distribution, u: FloatArray) -> FloatArray:
    return cell.ppf(u) if isinstance(cell, Distribution) else np.full_like(u, cell)


def _first_feed(
    project: _Project, stage: _Stage, vintage: float, z: FloatArray, u: Draws
) -> FloatArray:
    """Dates of first feed, shape (draw,); infinity is never."""
    if stage.route == "operating":
        return np.full_like(z, project.start)
    success = (z < ndtri(stage.chance)).astype(np.float64)
    schedule = _value(stage.schedule, u["schedule"])
    if stage.route == "slip":
        overrun = project.construction * (schedule - 1.0)
        slip = overrun if stage.slip is None else _value(stage.slip, u["schedule"])
        return first_feed_slipped(project.start, slip, success, vintage)
    wait = -np.log1p(-u["wait"])  # one draw decides: what is taken also works
    plan = (project.start, project.construction, wait, success, schedule, success)
    times = {"hazard": stage.hazard, "minimum_wait": stage.minimum_wait, "data_date": vintage}
    return first_feed_after_decision(*plan, **times)


def _share(
    project: _Project, risk: _Risk, first: FloatArray, years: Sequence[int], u: Draws
) -> FloatArray:
    """Average share of nameplate, shape (year, draw)."""
    weights = risk.weights.get(project.ramp)
    if weights is None:
        return linear_ramp_average(first, years, project.ramp_years)
    klass = np.searchsorted(np.cumsum(weights)[:-1], u["class"], side="right")[np.newaxis]
    plateau = np.array([_value(p, u["plateau"]) for p in risk.plateaus])
    plateau = np.take_along_axis(plateau, klass, axis=0)
    return risk.table.average(first[np.newaxis], klass, plateau, years).reshape(len(years), -1)
