"""
Forecasts made again from a vintage, by the model and by simpler ones.

Everything here is given a `Record` that ends at the vintage, and the pipeline of that year: what
came after cannot be seen. Of today are the form of the model, the ceilings of the table ``growth``,
and in the pipeline reference values of mining, some of whose sources are younger than the vintage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reesupply.analysis.backtest import foresee
from reesupply.analysis.fit.activities import from_line, to_line
from reesupply.analysis.fit.forecasters import LEAST_BEHIND, forecast
from reesupply.analysis.fit.growth import LEAST_VALUES, fit_growth
from reesupply.analysis.fit.growth_rows import median_ceiling
from reesupply.analysis.verification.quantities import CONTENT, MAGNETS, QUANTITIES
from reesupply.scenario.loading import open_csv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from reesupply.analysis.fit.growth import GrowthFit
    from reesupply.analysis.verification.quantities import Quantity
    from reesupply.analysis.verification.record import Outlook, Record

    FloatArray = npt.NDArray[np.float64]

MODEL, NO_OUTLOOK, FIXED = "model", "model without outlooks", "content held"
PUBLISHED, ANNOUNCED, SAME = "published", "announced schedule", "no change"
DRIFT, ETS, ARIMA = "drift", "ETS", "ARIMA"
METHODS = (MODEL, NO_OUTLOOK, FIXED, PUBLISHED, ANNOUNCED, SAME, DRIFT, ETS, ARIMA)

#: Outlooks older than this many years at a vintage are not used; nobody would.
OLDEST_OUTLOOK = 2

_STATISTICAL = {
    DRIFT: ("random walk, plug-in", LEAST_VALUES),
    ETS: ("ETS, damped trend", LEAST_BEHIND),
    ARIMA: ("ARIMA(0,1,1), drift", LEAST_BEHIND),
}


class Hindcast(NamedTuple):
    """
    A forecast from a vintage.

    Attributes
    ----------
    vintage : int
        End of that year.
    quantity, method : str
        Names.
    by : str
        Who published it, or whose outlooks the model follows; blank otherwise.
    years : tuple of int
        Years that are forecast.
    draws : ndarray, shape (year, draw)
        In the unit of the quantity; one draw is a point.
    """

    vintage: int
    quantity: str
    method: str
    by: str
    years: tuple[int, ...]
    draws: FloatArray


class Basis(NamedTuple):
    """What a forecast rested on, or why there is none; `why` is blank where there is one."""

    vintage: int
    quantity: str
    method: str
    values: int
    first: int | None
    last: int | None
    why: str


class _NoForecastError(Exception):
    """Why a method that applies has no forecast; never leaves this module."""


class _Task(NamedTuple):
    """One quantity at one vintage."""

    vintage: int
    quantity: Quantity
    known: Record
    values: Mapping[int, float]
    years: tuple[int, ...]
    draws: int
    entropy: int

    def rng(self, method: str) -> np.random.Generator:
        """Return the stream of a method; no other one moves it."""
        name = f"{self.quantity.name}.{method}".encode()
        return np.random.default_rng([self.entropy, self.vintage, *name])

    @property
    def last(self) -> int:
        """Last year with a value."""
        return max(self.values)

    @property
    def horizon(self) -> int:
        """Years from the last value to the last year forecast."""
        return self.years[-1] - self.last

    def pick(self, paths: FloatArray, last: int) -> FloatArray:
        """Return the years forecast, from paths that begin after a year."""
        return paths[[year - last - 1 for year in self.years]]


def hindcasts(
    known: Record,
    vintage: int,
    years: Sequence[int],
    *,
    after: int,
    draws: int,
    entropy: int,
) -> tuple[list[Hindcast], list[Basis]]:
    """
    Forecast every quantity by every method from one vintage.

    Parameters
    ----------
    known : Record
        What was on record then.
    vintage : int
        End of that year.
    years : sequence of int
        Years to forecast, ascending, after the vintage.
    after : int
        Published forecasts count when issued after this year: each belongs to one vintage.
    draws, entropy : int
        Draws of each ensemble, and the key of their streams.

    Returns
    -------
    made : list of Hindcast
        One for each quantity and method, and each published forecast.
    basis : list of Basis
        One for each quantity and method, made or not.
    """
    made: list[Hindcast] = []
    basis: list[Basis] = []
    for quantity in QUANTITIES:
        values = {year: value.value for year, value in known.values(quantity).items()}
        task = _Task(vintage, quantity, known, values, tuple(years), draws, entropy)
        for method in METHODS:
            why, found = "", list[Hindcast]()
            try:
                found = _forecast(task, method, after)
            except _NoForecastError as error:
                why = str(error)
            if found or why:
                made += found
                first, last = (min(values), max(values)) if values else (None, None)
                basis.append(Basis(vintage, quantity.name, method, len(values), first, last, why))
    return made, basis


def _forecast(task: _Task, method: str, after: int) -> list[Hindcast]:
    """Return forecasts; none where the method does not apply to the quantity."""
    if method == PUBLISHED:
        return _published(task, after)
    if method == SAME:
        return _same(task)
    if method in _STATISTICAL:
        return _statistical(task, method)
    parts = {"growth": _growth, "content": _content, "pipeline": _pipeline}
    return parts[task.quantity.model](task, method)


def _hindcast(task: _Task, method: str, draws: FloatArray, by: str = "") -> Hindcast:
    return Hindcast(task.vintage, task.quantity.name, method, by, task.years, draws)


def _check_enough(values: int, least: int) -> None:
    if values < least:
        msg = f"yearly values on record: {values}, needed: {least}"
        raise _NoForecastError(msg)


def _ceiling(quantity: Quantity) -> float | None:
    ceilings = [median_ceiling(end_use) for end_use in quantity.ceilings]
    return sum(c for c in ceilings if c is not None) or None


def _published(task: _Task, after: int) -> list[Hindcast]:
    """Return each published forecast as a point of its own year."""
    found = [
        Hindcast(
            task.vintage,
            task.quantity.name,
            PUBLISHED,
            said.publisher,
            (said.year,),
            np.array([[said.value]]),
        )
        for said in _current(task)
        if said.issued > after and said.year in task.years
    ]
    if not found:
        msg = "none read that was new, for a year scored"
        raise _NoForecastError(msg)
    return found


def _current(task: _Task) -> list[Outlook]:
    """Return the outlooks of the last years before the vintage, the newest of each publisher."""
    oldest = task.vintage - OLDEST_OUTLOOK
    said = [o for o in task.known.outlooks(task.quantity) if o.issued >= oldest]
    newest = {(o.publisher, o.year): o for o in sorted(said, key=lambda o: o.issued)}
    return sorted(newest.values(), key=lambda o: (o.year, o.publisher))


def _same(task: _Task) -> list[Hindcast]:
    _check_enough(len(task.values), 1)
    return [_hindcast(task, SAME, np.full((len(task.years), 1), task.values[task.last]))]


def _statistical(task: _Task, method: str) -> list[Hindcast]:
    """Forecast from the values alone, on the scale of the model."""
    name, least = _STATISTICAL[method]
    _check_enough(len(task.values), least)
    rng, ceiling = task.rng(method), _ceiling(task.quantity)
    size = {"horizon": task.horizon, "draws": task.draws}
    paths = forecast(task.values, name, ceiling=ceiling, rng=rng, **size)
    return [_hindcast(task, method, task.pick(paths, task.last))]


def _growth(task: _Task, method: str) -> list[Hindcast]:
    """Forecast as the baseline does: along outlooks where there are, with the fitted error."""
    outlooks = [said for said in _current(task) if said.year > task.last]
    if method in (FIXED, ANNOUNCED) or (method == NO_OUTLOOK and not outlooks):
        return []
    _check_enough(len(task.values), LEAST_VALUES)
    fit = fit_growth(task.values, ceiling=_ceiling(task.quantity), name=task.quantity.name)
    path = outlook_path(fit, outlooks, task.horizon) if method == MODEL and outlooks else None
    draws = fit.simulate(task.horizon, task.draws, task.rng(MODEL), path)
    by = "" if path is None else ", ".join(dict.fromkeys(said.publisher for said in outlooks))
    return [_hindcast(task, method, task.pick(draws, task.last), by)]


def outlook_path(fit: GrowthFit, outlooks: Sequence[Outlook], horizon: int) -> FloatArray:
    """
    Draw a line through outlooks, from the last value on record.

    Parameters
    ----------
    fit : GrowthFit
        Of what is on record; its drift goes on after the last outlook.
    outlooks : sequence of Outlook
        Of years after the last value. Several of one year are averaged.
    horizon : int
        Number of years.

    Returns
    -------
    ndarray, shape (horizon,)
        In the unit of the activity; straight on the scale of `to_line`.
    """
    start = float(to_line(fit.values[-1], fit.ceiling))
    lines = {
        year: float(np.mean([to_line(o.value, fit.ceiling) for o in outlooks if o.year == year]))
        for year in sorted({said.year for said in outlooks})
    }
    years = np.arange(fit.since + 1, fit.since + horizon + 1)
    path = np.interp(years, [fit.since, *lines], [start, *lines.values()])
    end = max(lines)
    return from_line(path + fit.drift * np.maximum(years - end, 0), fit.ceiling)


def _content(task: _Task, method: str) -> list[Hindcast]:
    """Forecast demand as alloy times its content, and what is beside it as it was."""
    if method not in (MODEL, FIXED):
        return []
    magnets, content = (
        {year: value.value for year, value in task.known.series(name).items()}
        for name in (MAGNETS, CONTENT)
    )
    both = sorted(set(magnets) & set(content) & set(task.values))
    _check_enough(len(both), LEAST_VALUES)
    last, horizon = both[-1], task.years[-1] - both[-1]
    rng = task.rng(MODEL)  # both methods see the same alloy
    made = fit_growth(magnets, name=MAGNETS).simulate(horizon, task.draws, rng)
    share = np.full((1, 1), content[last])
    if method == MODEL:
        share = fit_growth(content, name=CONTENT).simulate(horizon, task.draws, rng)
    rest = task.values[last] - 10.0 * magnets[last] * content[last]  # kt times % is 10 t
    return [_hindcast(task, method, task.pick(10.0 * made * share + rest, last))]


def _pipeline(task: _Task, method: str) -> list[Hindcast]:
    """Forecast output from the projects as they were announced in that year."""
    if method not in (MODEL, ANNOUNCED):
        return []
    vintages = {float(row["vintage"]) for row in open_csv("pipelines")}
    at = [vintage for vintage in vintages if int(vintage) == task.vintage]
    if not at:
        msg = "no data: the table pipelines holds no projects of that year"
        raise _NoForecastError(msg)
    run = foresee(max(at), task.years[-1], draws=task.draws, rng=task.entropy)
    rows = [run.years.index(year) for year in task.years]
    draws = run.output[rows] if method == MODEL else run.announced[rows, np.newaxis]
    return [_hindcast(task, method, draws)]
