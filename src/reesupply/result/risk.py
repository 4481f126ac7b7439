"""Deficits and shortfalls: how likely, when first, how deep; and claims with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.joint import TOLERANCE, in_deficit, in_deficit_by, tolerances
from reesupply.engine.statistics import CLAIMS
from reesupply.errors import ReesupplyError
from reesupply.result import labels
from reesupply.result.draws import Draws
from reesupply.result.statistics import weighted_covariance, weighted_mean, weighted_tail_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pandas as pd
    import xarray as xr

    from reesupply.engine.joint import Joint

    FloatArray = npt.NDArray[np.float64]

ANY = "any"


class Risk(Draws):
    """
    Joint statistics of a run; they are there whether draws were kept or not.

    Attributes
    ----------
    joint : Joint or None
        Deficits over the years, and claims with each other; None where a file does not have them.
    dtype : {"float64", "float32"}
        Precision of the models.
    """

    joint: Joint | None
    dtype: str

    def deficit_probability(
        self,
        *,
        year: int | str | None = None,
        element: str | None = None,
        tolerance: float = 0.0,
    ) -> xr.DataArray | float:
        """
        Probability that world supply falls short of demand.

        Parameters
        ----------
        year : int or "any", optional
            A year, or "any" for a deficit in at least one year after the base year, whose stock
            change is given.
        element : str, optional
            "Dy+Tb" is the sum made in each draw.
        tolerance : float
            Share of demand that the deficit has to exceed. A gap below 1e-9 of demand (1e-5 of a
            run in single precision) is rounding and never counts.

        Returns
        -------
        DataArray or float
            Axes element and year; a float where one cell is left. It counts draws, hence is exact.

        Raises
        ------
        ReesupplyError
            If a label is unknown; or if the tolerance is neither 0 nor 0.02 or there are weights,
            and the draws of balance and demand were not kept.

        Examples
        --------
        >>> import reesupply as rs
        >>> result = rs.simulate(draws=1_000, rng=1, keep=())
        >>> once = result.deficit_probability(year="any", element="Dy+Tb")
        >>> once >= result.deficit_probability(year=2035, element="Dy+Tb")
        True
        """
        if year == ANY:
            found = self._deficits("deficits_by", tolerance)
            # of a run of the base year alone there is none after it
            last = found[:, -1] if found.shape[1] else np.zeros(len(found))
            return self._risk(last, ("element",), {"element": element}, "probability of a deficit")
        chosen = {"element": element, "year": year}
        found = self._deficits("deficits", tolerance)
        return self._risk(found, ("element", "year"), chosen, "probability of a deficit")

    def first_deficit_year(
        self, *, element: str | None = None, tolerance: float = TOLERANCE
    ) -> pd.DataFrame:
        """
        Distribution of the first year with a deficit.

        Parameters
        ----------
        element : str, optional
            The heavy pair together when None.
        tolerance : float
            Share of demand that the deficit has to exceed; 2 % when not given.

        Returns
        -------
        pandas.DataFrame
            Index year, with "none" last; probability and cumulative. The base year, whose stock
            change is given, does not count. It counts draws, hence is exact.

        Raises
        ------
        ReesupplyError
            As `deficit_probability`.

        Examples
        --------
        >>> import reesupply as rs
        >>> table = rs.simulate(draws=1_000, rng=1, keep=()).first_deficit_year()
        >>> round(float(table["probability"].sum()), 9)
        1.0
        """
        import pandas as pd

        chosen = {"element": labels.all_elements(self.plan) if element is None else element}
        coords = {"element": labels.coords_of(self.plan, "balance")["element"]}
        by, _ = labels.select(
            self._deficits("deficits_by", tolerance), coords, chosen, "first_deficit_year"
        )
        cumulative = np.append(by, 1.0)
        names: list[Any] = [*self.plan.years[1:], "none"]
        return pd.DataFrame(
            {"probability": np.diff(cumulative, prepend=0.0), "cumulative": cumulative},
            index=pd.Index(names, name="first deficit year"),
        )

    def mean_deficit(
        self, *, year: int | None = None, element: str | None = None, tolerance: float = 0.0
    ) -> xr.DataArray | float:
        """
        Mean deficit over the draws that have one.

        Parameters
        ----------
        year, element, tolerance
            As in `deficit_probability`.

        Returns
        -------
        DataArray or float
            Positive [t oxide/yr]; NaN where no draw has a deficit. Exact but for rounding.

        Raises
        ------
        ReesupplyError
            As `deficit_probability`.
        """
        depth = self._deficits("depths", tolerance)
        chance = self._deficits("deficits", tolerance)
        found = np.divide(depth, chance, out=np.full(depth.shape, np.nan), where=chance > 0.0)
        chosen = {"element": element, "year": year}
        return self._risk(found, ("element", "year"), chosen, "mean deficit", "t oxide/yr")

    def expected_shortfall(
        self, level: float = 0.05, *, year: int | None = None, element: str | None = None
    ) -> xr.DataArray | float:
        """
        Mean deficit in the worst draws, the conditional value at risk of the balance.

        Parameters
        ----------
        level : float
            Share of the draws that are the worst, above 0 and up to 1.
        year, element
            Select; element "Dy+Tb" is the sum made in each draw.

        Returns
        -------
        DataArray or float
            A deficit is positive, a surplus negative [t oxide/yr].

        Raises
        ------
        ReesupplyError
            If the level is out of range, a label is unknown, or there are neither draws nor a
            histogram.

        Notes
        -----
        Without draws it is the mean of a histogram of 8,192 bins over nearly twice the range of a
        pilot: it is off by one bin at most, in practice by hundredths of one. What lies beyond the
        bins has a sum of its own and is exact; a level below the share of these draws is not.

        Source: Rockafellar and Uryasev, Journal of Risk 2 (2000), 21-41.

        Examples
        --------
        >>> import reesupply as rs
        >>> result = rs.simulate(draws=1_000, rng=1, keep=())
        >>> worst = result.expected_shortfall(0.05, year=2035, element="Dy+Tb")
        >>> worst > -result.quantile("balance", 0.05, year=2035, element="Dy+Tb")
        True
        """
        given: Any = level
        if not (isinstance(given, float | int | np.number) and 0.0 < given <= 1.0):
            msg = f"level: found {level!r}, allowed is a share of the draws above 0 and up to 1"
            raise ReesupplyError(msg)
        chosen = {"year": year, "element": element}
        if self.has_histogram("balance"):
            found = self._count(
                "balance", lambda rows: -self.histograms.tail_mean(rows, level), chosen
            )
        else:
            found = self._reduce(
                "balance", lambda x: -weighted_tail_mean(x, level, self.weights), chosen
            )
        return _named(found, "expected shortfall", "t oxide/yr")

    def claim_moments(self) -> tuple[pd.Series, pd.DataFrame]:
        """
        Mean and covariance of the claims.

        Returns
        -------
        mean : pandas.Series
            By "claim.reading", in the unit of the claim.
        covariance : pandas.DataFrame
            Of claim by claim, divided by one less than the number of draws.

        Raises
        ------
        ReesupplyError
            If there are weights and the draws of the claims were not kept.

        Notes
        -----
        The covariance is that of sums of products, so its rounding is about 1e-16 of the product
        of two means. A variance below 1e-12 of the squared mean is rounding and counts as none.
        """
        import pandas as pd

        if self.weights is None and self.joint is not None and CLAIMS in self.moments:
            total, mean = self.joint.total, self.moments.mean(CLAIMS)
            covariance = total["products"] / total["weight"] - np.outer(mean, mean)
            covariance = (covariance + covariance.T) / (2.0 * self.moments.freedom)
        else:
            draws = self._draws(CLAIMS)
            mean = weighted_mean(draws, self.weights)
            covariance = weighted_covariance(draws, self.weights)
        fixed = np.diag(covariance) < 1e-12 * mean**2
        covariance[fixed], covariance[:, fixed] = 0.0, 0.0
        names = pd.Index(self._claims, name="claim")
        return pd.Series(mean, names, name="mean"), pd.DataFrame(covariance, names, names)

    def _deficits(self, kind: str, tolerance: float) -> FloatArray:
        """Mean over draws of an event of `Joint` or of its depth: (element, year)."""
        given: Any = tolerance
        if not (isinstance(given, float | int | np.number) and 0.0 <= given < np.inf):
            msg = f"tolerance: found {tolerance!r}, allowed is a share of demand from 0"
            raise ReesupplyError(msg)
        counted = tolerances(self.dtype)
        share = max(float(tolerance), counted[0])
        if self.weights is None and self.joint is not None and share in counted:
            total = self.joint.total
            return np.asarray(total[kind][counted.index(share)] / total["weight"])
        for name in ("balance", "demand"):
            if name not in self.arrays:
                allowed = "" if self.weights is not None else ", allowed without them is 0 or 0.02"
                msg = (
                    f"tolerance: found {tolerance!r}{allowed}; the draws of {name!r} were not "
                    'kept; simulate with keep=("balance", "demand")'
                )
                raise ReesupplyError(msg)
        balance = self.values("balance")
        short = in_deficit(balance, self.values("demand", bloc=labels.WORLD), share)
        of: dict[str, Callable[[], FloatArray]] = {
            "deficits": lambda: short.astype(np.float64),
            "depths": lambda: np.where(short, -balance, 0.0),
            "deficits_by": lambda: in_deficit_by(short).astype(np.float64),
        }
        return weighted_mean(of[kind](), self.weights)

    def _risk(
        self,
        array: FloatArray,
        dims: tuple[str, ...],
        chosen: dict[str, Any],
        meaning: str,
        units: str = "1",
    ) -> xr.DataArray | float:
        """Select and label."""
        every = labels.coords_of(self.plan, "balance")
        left, coords = labels.select(array, {dim: every[dim] for dim in dims}, chosen, meaning)
        return _named(labels.labelled(left, coords, "balance"), meaning, units)


def _named(found: xr.DataArray | float, meaning: str, units: str) -> xr.DataArray | float:
    if isinstance(found, float):
        return found
    return found.rename(meaning.replace(" ", "_")).assign_attrs(units=units, long_name=meaning)
