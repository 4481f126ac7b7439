r"""
Myanmar's border as a two-state process, estimated from what was counted.

Each year from 2018 to 2025 has an output :math:`Q_t`: by Chinese customs where there is such a
figure (2019, 2020, 2023 to 2025), by USGS elsewhere. It is compared with an undisturbed level
:math:`L_t`, the largest figure up to that year, and the border was shut where
:math:`Q_t / L_t < \theta`. With :math:`n_o` steps that begin open, :math:`k_o` of them ending shut,
and :math:`n_s` that begin shut, :math:`k_s` of them staying so, the chances are

.. math::

    P(\text{shuts}) \sim \mathrm{Beta}(k_o + \tfrac12, n_o - k_o + \tfrac12), \qquad
    P(\text{stays shut}) \sim \mathrm{Beta}(k_s + \tfrac12, n_s - k_s + \tfrac12)

(Jeffreys' prior [1]_; the first year is given and counts as no step). The ratio of a shut year has
a PERT density between the worst month on record and :math:`\theta`; its mode is uniform between the
two before the data, and integrated over.

Judged, not counted: the threshold of 0.75; the level as a running maximum of the same source
(customs counted 18 to 31 % more than USGS in 2019 and 2020, so a maximum over both calls 2021 shut
because USGS counted it); the PERT family; that calendar years are the steps, although the spell
from October 2024 to the spring of 2025 lies in two of them and shuts neither. `border_sensitivity`
shows what the first two decide, `border_within_years` the last.

References
----------
.. [1] Jeffreys H., "An invariant form for the prior probability in estimation problems",
   Proceedings of the Royal Society A, 186 (1007), 453-461, 1946, doi:10.1098/rspa.1946.0056.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from reesupply.distributions import Beta, beta
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    FloatArray = npt.NDArray[np.float64]

Level = Literal["same-source", "any-source"]

#: A year below this share of its undisturbed level is called shut [judgement].
THRESHOLD = 0.75
#: Both shapes of Jeffreys' prior of a probability.
JEFFREYS = 0.5
YEARS = range(2018, 2026)

_THRESHOLDS = (0.45, 0.65, 0.75, 0.82, 0.85, 0.9)
_WORST_MONTH = "February 2025"


def _history(table: pd.DataFrame | None = None) -> pd.Series[float]:
    """Values by series and period."""
    import pandas as pd

    if table is None:
        with (files("reesupply") / "data" / "history.csv").open(encoding="utf-8") as file:
            table = pd.read_csv(file, dtype={"period": str})
    return table.astype({"period": str}).set_index(["series", "period"])["value"]


def _sources(values: pd.Series[float]) -> pd.DataFrame:
    """
    Output by year, one column for each who counted.

    Values "used" are customs figures of years that customs did not print whole. The annual tables
    of USGS are cited for their totals with and without Myanmar from 2018 to 2020.
    """
    wide = values.unstack("series").reindex([str(year) for year in YEARS])
    whole = wide["mine-output-usgs-ex-china"] - wide["mine-output-usgs-ex-china-without-myanmar"]
    frame = wide["myanmar-treo-used"].fillna(wide["myanmar-treo-customs"]).to_frame("customs")
    frame["usgs"] = wide["myanmar-treo-usgs"].fillna(whole)
    return frame.set_axis(YEARS).rename_axis("year")


def border_record(
    table: pd.DataFrame | None = None,
    *,
    threshold: float = THRESHOLD,
    level: Level = "same-source",
) -> pd.DataFrame:
    """
    Output of Myanmar by year, beside an undisturbed level, and whether its border was shut.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        Columns series, period and value; the shipped table ``history`` when None.
    threshold : float
        Ratio below which a year is shut.
    level : {"same-source", "any-source"}
        Running maximum, the year itself included, of figures of the source that counted the year,
        or of the figures of all years. The first figure of a source has the ratio 1.

    Returns
    -------
    pandas.DataFrame
        Index year, 2018 to 2025; output and level [t REO/yr], source ("customs" or "usgs"), ratio,
        state ("open" or "shut").

    Raises
    ------
    ReesupplyError
        If the level is not allowed, or a year has no figure.

    Notes
    -----
    Not used: 25,000 t of Adamas for 2018, 50,000 t of a broker for 2023, and 31,000 t of USGS for
    2024, which is what came in nine months of it.
    """
    if level not in get_args(Level):
        msg = f"there is no level {level!r}; {nearest(str(level), get_args(Level))}"
        raise ReesupplyError(msg)
    sources = _sources(_history(table))
    counted = sources["customs"].notna()
    frame = sources["customs"].fillna(sources["usgs"]).to_frame("output")
    if frame["output"].isna().any():
        year = frame.index[frame["output"].isna()][0]
        msg = f"table history: no output of Myanmar is given for {year}"
        raise ReesupplyError(msg)
    frame["source"] = np.where(counted, "customs", "usgs")
    highest = sources.cummax().ffill()
    own = highest["customs"].where(counted, highest["usgs"])
    frame["level"] = own if level == "same-source" else frame["output"].cummax()
    frame["ratio"] = frame["output"] / frame["level"]
    frame["state"] = np.where(frame["ratio"] < threshold, "shut", "open")
    return frame[["output", "source", "level", "ratio", "state"]]


def border_within_years() -> pd.DataFrame:
    """
    Output in parts of years, which the two states of whole years cannot show.

    The last quarter of 2024 is an assumed year less counted nine months; months have seasons.

    Returns
    -------
    pandas.DataFrame
        Index spell; output [t REO], months, level [t REO in as many months of the undisturbed
        level of 2025, or of 2023 for imports of unlisted oxides], ratio, what ("Myanmar" or "all
        origins").
    """
    import pandas as pd

    values = _history()
    year = float(border_record()["level"].iloc[-1])
    nine, nine_2025 = (values["myanmar-treo-customs-jan-sep", y] for y in ("2024", "2025"))
    quarter = values["myanmar-treo-used", "2024"] - nine
    five = values["unlisted-oxide-imports-china-jan-may", "2025"]
    may = values["unlisted-oxide-imports-china", "2025-05"]
    mixed = values["mixed-oxide-imports-china", "2023"]
    rows = [
        ("January to September 2024", nine, 9, year, "Myanmar"),
        ("October to December 2024", quarter, 3, year, "Myanmar"),
        (_WORST_MONTH, values["myanmar-imports-china", "2025-02"], 1, year, "Myanmar"),
        ("January to September 2025", nine_2025, 9, year, "Myanmar"),
        ("October 2024 to September 2025", quarter + nine_2025, 12, year, "Myanmar"),
        ("January to April 2025", five - may, 4, mixed, "all origins"),
        ("May 2025", may, 1, mixed, "all origins"),
    ]
    columns = ["spell", "output", "months", "level", "what"]
    frame = pd.DataFrame(rows, columns=columns).set_index("spell")
    frame["level"] *= frame["months"] / 12.0
    frame["ratio"] = frame["output"] / frame["level"]
    return frame[["output", "months", "level", "ratio", "what"]]


def _midpoints(parts: int) -> FloatArray:
    return (np.arange(parts) + 0.5) / parts


@dataclass(frozen=True, eq=False)
class BorderFit:
    """
    A border that is open or shut, with the uncertainty of its parameters.

    Attributes
    ----------
    ratios : ndarray
        Output over the undisturbed level, year by year.
    threshold : float
        Below it a year is shut; the largest ratio of a shut year.
    floor : float
        Smallest ratio of a shut year.
    """

    ratios: FloatArray
    threshold: float
    floor: float

    def __repr__(self) -> str:
        cells = ", ".join(f"{name} {text}" for name, text in self.proposed().items())
        return f"<BorderFit: shut {int(self._shut.sum())} of {self.ratios.size} years, {cells}>"

    @property
    def _shut(self) -> npt.NDArray[np.bool_]:
        return self.ratios < self.threshold

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """Number of steps that begin open, end shut of these, begin shut, stay shut of these."""
        before, after = self._shut[:-1], self._shut[1:]
        parts = (~before, ~before & after, before, before & after)
        from_open, shut, from_shut, stayed = (int(part.sum()) for part in parts)
        return from_open, shut, from_shut, stayed

    @property
    def shuts(self) -> Beta:
        """Chance that it shuts in a year when it was open."""
        from_open, shut, _, _ = self.steps
        return beta(shut + JEFFREYS, from_open - shut + JEFFREYS)

    @property
    def stays_shut(self) -> Beta:
        """Chance that it stays shut."""
        _, _, from_shut, stayed = self.steps
        return beta(stayed + JEFFREYS, from_shut - stayed + JEFFREYS)

    @property
    def open_ratio(self) -> float:
        """Mean ratio of the open years: what a year delivers that is not shut."""
        return float(self.ratios[~self._shut].mean())

    @cached_property
    def shut_ratio(self) -> tuple[float, float]:
        r"""
        Mean and standard deviation of the ratio of the next shut year.

        With :math:`x = (r - floor)/(threshold - floor)` of the shut years the mode :math:`m` of
        their PERT has the posterior :math:`\prod x^{4m} (1 - x)^{4 - 4m} / \mathrm{B}(1 + 4m,
        5 - 4m)` on [0, 1]. Given it, :math:`x` has the mean :math:`\mu = (1 + 4m)/6` and the
        variance :math:`\mu (1 - \mu)/7`; both are integrated over it by the midpoint rule.
        """
        from scipy.special import betaln

        four_m, width = 4.0 * _midpoints(4000), self.threshold - self.floor
        x = (self.ratios[self._shut] - self.floor) / width
        logs = np.log(x).sum() * four_m + np.log1p(-x).sum() * (4.0 - four_m)
        logs -= x.size * betaln(1.0 + four_m, 5.0 - four_m)
        weight, mu = np.exp(logs - logs.max()), (1.0 + four_m) / 6.0
        mean = float(np.average(mu, weights=weight))
        variance = np.average(mu * (1.0 - mu) / 7.0 + (mu - mean) ** 2, weights=weight)
        return self.floor + width * mean, width * math.sqrt(variance)

    @property
    def remaining(self) -> Beta:
        """
        Share of an open year's output that a shut year delivers, parameters' uncertainty included.

        The ratio of the next shut year over the mean ratio of open years, because the supply that
        it multiplies is that of an open year, disturbed months and all. A beta with its mean and
        standard deviation, to three digits: of the shipped record 2 % lie outside the bounds.
        """
        mean, sd = (value / self.open_ratio for value in self.shut_ratio)
        total = mean * (1.0 - mean) / sd**2 - 1.0
        a, b = (float(f"{share * total:.3g}") for share in (mean, 1.0 - mean))
        return beta(a, b)

    def proposed(self) -> dict[str, str]:
        """
        Return the cells of a disruption that the record estimates.

        Returns
        -------
        dict of str to str
            Columns shuts, stays_shut and remaining of the table ``disruptions``, in the notation of
            a scenario; the share that others replace is no part of this fit.
        """
        return {name: str(getattr(self, name)) for name in ("shuts", "stays_shut", "remaining")}

    @cached_property
    def long_run(self) -> tuple[float, float]:
        """
        Share of years shut and of output lost, replacement apart, after a long time.

        Mean of p/(1 + p - q) over both chances; times the mean share that a shut year loses.
        """
        below = _midpoints(200)
        p, q = self.shuts.ppf(below)[:, np.newaxis], self.stays_shut.ppf(below)
        share = float((p / (1.0 + p - q)).mean())
        return share, share * (1.0 - self.remaining.mean)

    def summary(self) -> pd.DataFrame:
        """
        Return the parameters in figures.

        Returns
        -------
        pandas.DataFrame
            Index shuts, stays_shut, remaining, years_shut, lost; mean, P5, P95 (NaN for the last
            two, see `long_run`), and data: what was counted.
        """
        import pandas as pd

        from_open, shut, from_shut, stayed = self.steps
        seen = ", ".join(f"{ratio:.2f}" for ratio in self.ratios[self._shut]) or "none"
        data = {
            "shuts": f"{shut} of {from_open} steps from open",
            "stays_shut": f"{stayed} of {from_shut} steps from shut",
            "remaining": f"shut {seen}; open {self.open_ratio:.3f} on average",
        }
        rows = {}
        for name, counted in data.items():
            shape = getattr(self, name)
            rows[name] = (shape.mean, float(shape.ppf(0.05)), float(shape.ppf(0.95)), counted)
        for name, mean in zip(("years_shut", "lost"), self.long_run, strict=True):
            rows[name] = (mean, math.nan, math.nan, "in the long run")
        columns = ["mean", "P5", "P95", "data"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def fit_border(
    record: pd.DataFrame | None = None,
    *,
    threshold: float = THRESHOLD,
    floor: float | None = None,
) -> BorderFit:
    """
    Estimate how often Myanmar's border shuts, for how long, and what still comes.

    Parameters
    ----------
    record : pandas.DataFrame, optional
        Column ratio by consecutive years; `border_record` when None.
    threshold : float
        Ratio below which a year is shut, above 0 and at most 1.
    floor : float, optional
        Smallest ratio of a shut year; when None that of the worst month on record, February 2025.

    Returns
    -------
    BorderFit

    Raises
    ------
    ReesupplyError
        If the years are not consecutive, no year is open, a ratio is not above the floor, or a
        number is not allowed.
    """
    if not 0.0 < threshold <= 1.0:
        msg = f"threshold must lie above 0 and at most at 1; got {threshold!r}"
        raise ReesupplyError(msg)
    low = border_within_years()["ratio"].loc[_WORST_MONTH] if floor is None else floor
    if not 0.0 <= low < threshold:
        msg = f"floor must lie from 0 to below the threshold of {threshold:g}; got {low!r}"
        raise ReesupplyError(msg)
    rows = border_record() if record is None else record
    if "ratio" not in rows.columns:
        msg = "record of a border: there is no column ratio"
        raise ReesupplyError(msg)
    years, ratios = (np.asarray(a, dtype=np.float64) for a in (rows.index, rows["ratio"]))
    if not (np.diff(years) == 1.0).all():
        msg = "record of a border: its index must be consecutive years"
        raise ReesupplyError(msg)
    wrong = ~((ratios > low) & np.isfinite(ratios))
    if wrong.any():
        year = years[int(np.argmax(wrong))]
        msg = f"record of a border: the ratio of {year:g} must be above the floor of {low:.3g}"
        raise ReesupplyError(msg)
    if not (ratios >= threshold).any():
        msg = f"record of a border: no year reaches the threshold of {threshold:g}"
        raise ReesupplyError(msg)
    return BorderFit(ratios, threshold, float(low))


def border_sensitivity() -> pd.DataFrame:
    """
    Say what the threshold and the undisturbed level decide.

    Returns
    -------
    pandas.DataFrame
        Index level, threshold; shut_years (joined by blanks), from_open, shut, from_shut, stayed
        (steps), and the means of `BorderFit.summary`.
    """
    import pandas as pd

    rows: dict[tuple[str, float], list[object]] = {}
    for level in get_args(Level):
        for threshold in _THRESHOLDS:
            record = border_record(threshold=threshold, level=level)
            fit = fit_border(record, threshold=threshold)
            years = " ".join(str(year) for year in record.index[record["state"] == "shut"])
            rows[level, threshold] = [years, *fit.steps, *fit.summary()["mean"]]
    columns = ["shut_years", "from_open", "shut", "from_shut", "stayed", *fit.summary().index]
    index = pd.MultiIndex.from_tuples(list(rows), names=["level", "threshold"])
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)
