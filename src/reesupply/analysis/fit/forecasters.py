"""
Forecasters of an activity, compared on what came after.

From every year that has at least six values behind it, all of them forecast the next one to five
years, and the values that came score them. The scores are few and overlap: one turn of a series is
in the errors of many origins.
"""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.analysis.fit.activities import from_line, to_line, usable_history
from reesupply.analysis.fit.growth import GrowthFit, fit_growth
from reesupply.analysis.fit.growth_rows import compared_series
from reesupply.analysis.scores import crps
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    import pandas as pd

    FloatArray = npt.NDArray[np.float64]
    Forecaster = Callable[[GrowthFit, FloatArray, int, int, np.random.Generator], FloatArray]

#: Values behind an origin: as many as ETS with a damped trend has parameters.
LEAST_BEHIND = 6
HORIZON = 5
DRAWS = 1_000
SEED = 2035

_LEVELS = (0.05, 0.95)


def simulate_paths(results: Any, horizon: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """
    Simulate a fitted model of statsmodels on from its last value.

    Parameters
    ----------
    results : statsmodels results
        Of a state space model or of ETS.
    horizon, draws : int
        Number of years and of paths.
    rng : numpy.random.Generator
        Where the numbers come from.

    Returns
    -------
    ndarray, shape (horizon, draws)
        On the scale of the fit.
    """
    # 0.15 renamed the argument, and refuses the old name where it has the new one
    known = inspect.signature(results.simulate).parameters
    source: dict[str, Any] = {"rng" if "rng" in known else "random_state": rng}
    paths = results.simulate(horizon, anchor="end", repetitions=draws, **source)
    return np.asarray(paths, dtype=np.float64).reshape(horizon, draws)


def _uncertain(
    fit: GrowthFit, line: FloatArray, horizon: int, draws: int, rng: np.random.Generator
) -> FloatArray:
    steps = np.arange(1.0, horizon + 1.0)[:, np.newaxis]
    return np.asarray(line[-1] + fit.drift * steps + fit.errors(horizon, draws, rng))


def _plug_in(
    fit: GrowthFit, line: FloatArray, horizon: int, draws: int, rng: np.random.Generator
) -> FloatArray:
    shocks = fit.drift + fit.sigma * rng.standard_normal((horizon, draws))
    return np.asarray(line[-1] + np.cumsum(shocks, axis=0))


def _ets(
    _fit: GrowthFit, line: FloatArray, horizon: int, draws: int, rng: np.random.Generator
) -> FloatArray:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    years = np.arange(line.size)
    known = ~np.isnan(line)
    filled = np.interp(years, years[known], line[known])  # ETS has no missing values
    model = ETSModel(filled, error="add", trend="add", damped_trend=True)
    return simulate_paths(model.fit(disp=False), horizon, draws, rng)


def _arima(moving: int) -> Forecaster:
    def simulated(
        _fit: GrowthFit, line: FloatArray, horizon: int, draws: int, rng: np.random.Generator
    ) -> FloatArray:
        from statsmodels.tsa.arima.model import ARIMA

        # once differenced, the drift is the trend "t"; "c" is refused
        model = ARIMA(line, order=(0, 1, moving), trend="t")
        return simulate_paths(model.fit(cov_type="none"), horizon, draws, rng)

    return simulated


#: By name. The first is what the baseline uses; ARIMA(0,1,0) is the plug-in with its variance
#: estimated by maximum likelihood, which divides by m and not by m - 1.
FORECASTERS: dict[str, Forecaster] = {
    "random walk, uncertain drift": _uncertain,
    "random walk, plug-in": _plug_in,
    "ETS, damped trend": _ets,
    "ARIMA(0,1,0), drift": _arima(0),
    "ARIMA(0,1,1), drift": _arima(1),
}


def forecast(
    values: Mapping[int, float],
    name: str,
    *,
    ceiling: float | None = None,
    horizon: int = HORIZON,
    draws: int = DRAWS,
    rng: np.random.Generator,
) -> FloatArray:
    """
    Draw paths of an activity by one of the forecasters.

    Parameters
    ----------
    values : mapping of int to float
        Year to activity, as in `fit_growth`.
    name : str
        One of `FORECASTERS`.
    ceiling : float, optional
        As in `fit_growth`; all forecasters work on the same scale.
    horizon, draws : int
        Number of years after the last value, and of paths.
    rng : numpy.random.Generator
        Where the numbers come from.

    Returns
    -------
    ndarray, shape (horizon, draws)
        In the unit of the values.

    Raises
    ------
    ReesupplyError
        If the name is not known, or the values cannot be fitted.
    """
    from threadpoolctl import threadpool_limits

    if name not in FORECASTERS:
        msg = f"there is no forecaster {name!r}; {nearest(name, FORECASTERS)}"
        raise ReesupplyError(msg)
    # one thread: the matrices are 2 by 2, and threads that wait for each other take minutes
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        # on ten values the optimisers of ETS and ARIMA end at a border and say so
        warnings.simplefilter("ignore")
        fit = fit_growth(values, ceiling=ceiling)
        line = np.full(fit.span + 1, np.nan)
        line[np.array(fit.years) - fit.years[0]] = to_line(fit.values, ceiling)
        return from_line(FORECASTERS[name](fit, line, horizon, draws, rng), ceiling)


def compare_forecasters(
    ceilings: Mapping[str, float | None] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """
    Score forecasts of past years made from what was then on record.

    Parameters
    ----------
    ceilings : mapping of str to float or None, optional
        Series of the table ``history`` to its ceiling; `compared_series` when None.
    draws : int
        Paths per forecast.
    seed : int
        The same seed gives the same table.

    Returns
    -------
    pandas.DataFrame
        One row for each forecaster, series, origin and horizon: series, origin (last year known),
        horizon [years], behind (number of values known), forecaster, median and outcome [unit of
        the series], error (logarithm of outcome over median), crps (of the logarithm of the
        activity: 0.1 is about 10 %; lower is better), inside (whether P5 to P95 hold the outcome).

    Raises
    ------
    ReesupplyError
        If a series cannot be fitted.
    """
    import pandas as pd

    rows = []
    for series, ceiling in (compared_series() if ceilings is None else ceilings).items():
        values = usable_history(series)
        years = list(values)
        for behind in range(LEAST_BEHIND, len(years)):
            known = {year: values[year] for year in years[:behind]}
            origin = years[behind - 1]
            ahead = [year for year in years[behind:] if year - origin <= HORIZON]
            if not ahead:
                continue
            for number, name in enumerate(FORECASTERS):
                rng = np.random.default_rng([seed, number, origin, *series.encode()])
                paths = forecast(known, name, ceiling=ceiling, draws=draws, rng=rng)
                for year in ahead:
                    here = (series, origin, year - origin, behind, name)
                    rows.append(here + _scored(paths[year - origin - 1], values[year]))
    columns = ["series", "origin", "horizon", "behind", "forecaster"]
    return pd.DataFrame(rows, columns=[*columns, "median", "outcome", "error", "crps", "inside"])


def _scored(draws: FloatArray, outcome: float) -> tuple[float, float, float, float, bool]:
    low, high = np.quantile(draws, _LEVELS)
    median = float(np.median(draws))
    score = crps(np.log(draws), float(np.log(outcome)))
    return median, outcome, float(np.log(outcome / median)), score, bool(low <= outcome <= high)


def scores(comparison: pd.DataFrame, by: str = "series") -> pd.DataFrame:
    """
    Average the scores of a comparison.

    Parameters
    ----------
    comparison : pandas.DataFrame
        From `compare_forecasters`.
    by : {"series", "horizon", "behind", "origin"}
        Column within which to average.

    Returns
    -------
    pandas.DataFrame
        Index: value of `by`, at last "all", and forecaster. Columns forecasts (their number), crps,
        inside (share of outcomes within P5 to P95). In "all" every forecast counts the same, so
        that long series weigh most.
    """
    import pandas as pd

    both = pd.concat([comparison.sort_values(by, kind="stable"), comparison.assign(**{by: "all"})])
    groups = both.astype({by: object}).groupby([by, "forecaster"], sort=False)
    return groups.agg(forecasts=("crps", "size"), crps=("crps", "mean"), inside=("inside", "mean"))
