"""Delays estimated from the record: schedule factors, slips, and how they enter a simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from reesupply.analysis.fit.lognormal import fit_lognormal
from reesupply.analysis.fit.predictive import matched
from reesupply.analysis.fit.priors import prior_number
from reesupply.analysis.fit.records import schedule_factors, slips
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from reesupply.analysis.fit.lognormal import Estimate
    from reesupply.analysis.fit.priors import Prior
    from reesupply.distributions import Distribution

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

Stage = Literal["construction", "study", "all"]
SlipStage = Literal["construction", "commissioning", "add-on"]
_STAGES = {"construction": ("construction",), "study": ("study",), "all": ("construction", "study")}
_SLIP_STAGES = ("construction", "commissioning", "add-on")
_Z95 = 1.6448536269514722


@dataclass(frozen=True, eq=False)
class DelayFit:
    """
    A lognormal delay with the uncertainty of its parameters.

    Attributes
    ----------
    stage : str
        What was fitted.
    times : ndarray
        Schedule factors, or slips [years].
    censored : ndarray of bool
        True where the time is a lower bound.
    prior : Prior or None
        What entered beside the data.
    estimate : Estimate
        Parameters and their covariance.
    """

    quantity: ClassVar[str] = "delay"
    unit: ClassVar[str] = ""
    stage: str
    times: FloatArray
    censored: BoolArray
    prior: Prior | None
    estimate: Estimate

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.stage}: median {self.median:.3g}, "
            f"sigma {self.sigma:.3g}, {self.observed} observed, {self.pending} pending>"
        )

    @property
    def observed(self) -> int:
        """Number of promises whose start is known."""
        return int((~self.censored).sum())

    @property
    def pending(self) -> int:
        """Number of promises that only give a lower bound."""
        return int(self.censored.sum())

    @property
    def median(self) -> float:
        """Median of the lognormal."""
        return math.exp(self.estimate.log_median)

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm, between projects."""
        return math.exp(self.estimate.log_sigma)

    @property
    def note(self) -> str:
        """What the reader should know, or empty."""
        return self.estimate.note

    @property
    def limits(self) -> tuple[float, float]:
        """Floor and ceiling of a drawn value, from the table ``priors``."""
        low, high = (prior_number(f"{self.quantity}-{end}") for end in ("low", "high"))
        return low, high

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of log_median and log_sigma."""
        import pandas as pd

        names = ["log_median", "log_sigma"]
        return pd.DataFrame(self.estimate.covariance, index=names, columns=names)

    def predictive(self) -> Distribution:
        r"""
        Return the delay of the next project, uncertainty of the parameters included.

        Returns
        -------
        Distribution
            ``truncate(lognormal(m, s), low, high)``; its `str` is the text of a scenario cell.

        Notes
        -----
        The parameters :math:`(\mu, \ln \sigma)` are normal with the fitted covariance, a delay
        given them is lognormal, and what falls outside the limits does not happen. To first order
        :math:`s^2 = \sigma^2 + \mathrm{var}(\mu)`; because :math:`\sigma` is uncertain as well,
        m and s are set so that mean and standard deviation of this mixture are met, then rounded
        to three digits. For the schedule factors and slips on record P90 is then within 3 % of the
        mixture, within 10 % where the prior alone leaves sigma wide open.

        Each project draws its own delay: that all share the error of the median is left to the
        common factor of delays.
        """
        return matched(
            np.array([self.estimate.log_median, self.estimate.log_sigma]),
            self.estimate.covariance,
            self.limits,
        )

    def kaplan_meier(self) -> pd.DataFrame:
        """
        Return the share of projects that take longer, without any family of distributions.

        Returns
        -------
        pandas.DataFrame
            Index time, the observed values in order; survival (product limit), se, at_risk. Empty
            where nothing has been observed.
        """
        import pandas as pd
        from statsmodels.duration.survfunc import SurvfuncRight

        columns = ["survival", "se", "at_risk"]
        index = pd.Index([], name="time", dtype=np.float64)
        if not self.observed:
            return pd.DataFrame(columns=columns, index=index, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):  # Greenwood's formula where it ends
            curve = SurvfuncRight(self.times, (~self.censored).astype(np.float64))
            values = (curve.surv_prob, curve.surv_prob_se, curve.n_risk)
        index = pd.Index(curve.surv_times, name="time")
        return pd.DataFrame(dict(zip(columns, values, strict=True)), index=index)

    def summary(self) -> pd.DataFrame:
        """
        Return parameters and the predictive distribution in figures.

        Returns
        -------
        pandas.DataFrame
            Index median, sigma, predictive mean, predictive P10, P50, P90; estimate, and for the
            parameters sd of the logarithm and the 90 % interval.
        """
        import pandas as pd

        rows = {}
        logs = (self.estimate.log_median, self.estimate.log_sigma)
        spreads = np.sqrt(np.diag(self.estimate.covariance))
        for name, middle, sd in zip(("median", "sigma"), logs, spreads, strict=True):
            ends = [math.exp(middle + sign * _Z95 * float(sd)) for sign in (-1.0, 1.0)]
            rows[name] = [math.exp(middle), float(sd), *ends]
        next_one = self.predictive()
        rows["predictive mean"] = [next_one.mean, math.nan, math.nan, math.nan]
        for level in (10, 50, 90):
            value = float(next_one.ppf(level / 100.0))
            rows[f"predictive P{level}"] = [value, math.nan, math.nan, math.nan]
        columns = ["estimate", "sd_log", "P5", "P95"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


class ScheduleFit(DelayFit):
    """Fit of the schedule factor: time from promise to first feed over the time promised."""

    quantity: ClassVar[str] = "schedule"
    unit: ClassVar[str] = "ratio"


class SlipFit(DelayFit):
    """Fit of the slip: years from the promised start to first feed."""

    quantity: ClassVar[str] = "slip"
    unit: ClassVar[str] = "years"


def fit_schedule(
    data: pd.DataFrame | None = None,
    *,
    prior: Prior | None = None,
    stage: Stage = "construction",
    known_by: float | None = None,
) -> ScheduleFit:
    """
    Fit the schedule factor by survival analysis.

    Parameters
    ----------
    data : pandas.DataFrame, optional
        Columns factor and censored; those of `schedule_factors` when None. Columns stage_class and
        plant_type, where there are such, choose the rows of `stage`.
    prior : Prior, optional
        None is maximum likelihood from the data alone.
    stage : {"construction", "study", "all"}
        Promises made while the plant was being built, before, or both; never add-ons to a running
        plant. Promises of a study stage hold the wait for the decision, which the pipeline models
        by hazards: their factor must not multiply a time of construction.
    known_by : float, optional
        Only what was known then [decimal year]; for `data` of your own cut them yourself with
        ``schedule_factors(table, known_by=...)``.

    Returns
    -------
    ScheduleFit

    Raises
    ------
    ReesupplyError
        If the stage is not known or the data cannot determine the parameters without a prior.
    """
    if stage not in _STAGES:
        msg = f"there is no stage {stage!r}; {nearest(stage, _STAGES)}"
        raise ReesupplyError(msg)
    if data is not None and known_by is not None:
        msg = "known_by cuts the shipped record; cut data of your own by schedule_factors()"
        raise ReesupplyError(msg)
    rows = schedule_factors(known_by=known_by) if data is None else data
    if "stage_class" in rows.columns:
        rows = rows[rows["stage_class"].isin(_STAGES[stage])]
    if "plant_type" in rows.columns:
        rows = rows[rows["plant_type"] != "add-on"]
    times, censored = _columns(rows, "factor")
    return ScheduleFit(stage, times, censored, prior, fit_lognormal(times, censored, prior))


def fit_slip(
    stage: SlipStage = "construction",
    data: pd.DataFrame | None = None,
    *,
    prior: Prior | None = None,
    known_by: float | None = None,
) -> SlipFit:
    """
    Fit the years after the promised start of plants that are being built.

    Parameters
    ----------
    stage : {"construction", "commissioning", "add-on"}
        Stage when it was promised; add-ons to a running plant apart from new plants.
    data : pandas.DataFrame, optional
        Columns slip and censored; those of `slips` when None. Columns stage and plant_type, where
        there are such, choose the rows of `stage`.
    prior : Prior, optional
        None is maximum likelihood from the data alone.
    known_by : float, optional
        Only what was known then [decimal year].

    Returns
    -------
    SlipFit
        Of the slips above 0: a lognormal has no others.

    Raises
    ------
    ReesupplyError
        If the stage is not known or the data cannot determine the parameters without a prior.
    """
    if stage not in _SLIP_STAGES:
        msg = f"there is no stage {stage!r}; {nearest(stage, _SLIP_STAGES)}"
        raise ReesupplyError(msg)
    if data is not None and known_by is not None:
        msg = "known_by cuts the shipped record; cut data of your own by slips()"
        raise ReesupplyError(msg)
    rows = slips(known_by=known_by) if data is None else data
    if "plant_type" in rows.columns:
        rows = rows[(rows["plant_type"] == "add-on") == (stage == "add-on")]
    if "stage" in rows.columns and stage != "add-on":
        rows = rows[rows["stage"] == stage]
    if "slip" in rows.columns:
        rows = rows[rows["slip"] > 0.0]
    times, censored = _columns(rows, "slip")
    return SlipFit(stage, times, censored, prior, fit_lognormal(times, censored, prior))


def _columns(rows: pd.DataFrame, name: str) -> tuple[FloatArray, BoolArray]:
    missing = [column for column in (name, "censored") if column not in rows.columns]
    if missing:
        msg = f"data of delays: there is no column {', '.join(missing)}"
        raise ReesupplyError(msg)
    return rows[name].to_numpy(dtype=np.float64), rows["censored"].to_numpy(dtype=bool)
