"""Draws of a run, and statistics of them by name and label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.layout import MILESTONE
from reesupply.engine.statistics import CLAIMS, with_sums
from reesupply.engine.variables import VARIABLES
from reesupply.errors import ReesupplyError, nearest
from reesupply.result import labels
from reesupply.result.precision import shares_below
from reesupply.result.statistics import weighted_mean, weighted_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import xarray as xr

    from reesupply.engine.histograms import Histograms
    from reesupply.engine.plan import Plan
    from reesupply.engine.precision import Groups
    from reesupply.engine.statistics import Moments

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]


class Draws:
    """
    Kept draws and moments of a run; the part of a result that answers "how much, how likely".

    Attributes
    ----------
    plan : Plan
        The compiled scenario.
    arrays : dict of str to ndarray
        Kept draws by name, bare, draws last. Treat as read-only.
    moments : Moments
        Mean and standard deviation of every variable.
    histograms : Histograms
        Counts of what did not keep its draws.
    groups : Groups, or None
        Counts by group of lanes of headlines that did not keep their draws, which tell the error
        of hypercubes and Sobol numbers.
    input_names : tuple of str
        Inputs whose draws were kept.
    weights : ndarray, shape (draw,), or None
        Non-negative, sum 1; every statistic uses them.
    """

    plan: Plan
    arrays: dict[str, FloatArray]
    moments: Moments
    histograms: Histograms
    groups: Groups | None
    input_names: tuple[str, ...]
    weights: FloatArray | None

    def mean(
        self,
        name: str,
        *,
        year: int | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> xr.DataArray | float:
        """
        Mean of a variable, claim or input.

        Parameters
        ----------
        name : str
            For example ``"balance"``.
        year, element, bloc
            Select; element "Dy+Tb" and bloc "world" are sums made in each draw.

        Returns
        -------
        DataArray or float
            A float where one cell is left.

        Raises
        ------
        ReesupplyError
            If a name or label is unknown, or a weighted mean needs draws that were not kept.
        """
        chosen = {"year": year, "element": element, "bloc": bloc}
        if self.weights is None and name in self._claims and CLAIMS in self.moments:
            every = self.moments.mean(CLAIMS)
            return labels.labelled(
                *labels.select(every[self._claims.index(name)], {}, chosen, name), name
            )
        if self.weights is None and _is_variable(name):
            coords = labels.coords_of(self.plan, name)
            return labels.labelled(
                *labels.select(self.moments.mean(name), coords, chosen, name), name
            )
        return self._reduce(name, lambda x: weighted_mean(x, self.weights), chosen)

    def quantile(
        self,
        name: str,
        q: float,
        *,
        year: int | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> xr.DataArray | float:
        """
        Quantile over draws of a variable, claim or input.

        Parameters
        ----------
        name : str
            For example ``"balance"``.
        q : float
            Probability, 0 to 1.
        year, element, bloc
            Select; element "Dy+Tb" and bloc "world" are sums made in each draw.

        Returns
        -------
        DataArray or float
            A float where one cell is left.

        Raises
        ------
        ReesupplyError
            If a name or label is unknown, `q` is not a probability, or there are neither draws
            nor a histogram.

        Notes
        -----
        What did not keep its draws has histograms: claims and the balance, other variables of
        ``result.data`` in the first year, 2030 and the last year. A quantile is then interpolated
        within one of 8,192 bins, spread over nearly twice the range from P0.5 to P99.5 of a pilot
        of the plan, or of ever wider ones beyond. Its rank is off by 1e-4 at most. A value that
        more than about 0.2 % of the draws share is found by the pilot and given as it is; the rank
        of a rarer one is off by its own probability at most. In single precision such a value
        differs from draw to draw by rounding; draws within 2e-6 of it are counted as it.
        """
        given: Any = q
        if not (isinstance(given, float | int | np.number) and 0.0 <= given <= 1.0):
            msg = f"q: found {q!r}, allowed is a probability from 0 to 1"
            raise ReesupplyError(msg)
        chosen = {"year": year, "element": element, "bloc": bloc}
        if self.has_histogram(name):
            return self._count(name, lambda rows: self.histograms.quantile(rows, q), chosen)
        return self._reduce(name, lambda x: weighted_quantile(x, q, self.weights), chosen)

    def probability(
        self,
        name: str,
        *,
        below: float | None = None,
        above: float | None = None,
        year: int | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> xr.DataArray | float:
        """
        Probability that a variable, claim or input lies below or above a value, or between.

        Parameters
        ----------
        name : str
            For example ``"balance"``.
        below, above : float, optional
            Strict bounds; give one or both.
        year, element, bloc
            Select; element "Dy+Tb" and bloc "world" are sums made in each draw.

        Returns
        -------
        DataArray or float
            A float where one cell is left.

        Raises
        ------
        ReesupplyError
            If neither bound is given or one is no number, a label is unknown, or there are neither
            draws nor a histogram; see `quantile`.

        Examples
        --------
        >>> import reesupply as rs
        >>> result = rs.simulate(draws=1_000, rng=1)
        >>> 0 < result.probability("balance", below=0, year=2035, element="Dy+Tb") < 1
        True
        """
        if below is None and above is None:
            msg = "probability: give below, above or both; for a deficit below=0"
            raise ReesupplyError(msg)
        below, above = _bound("below", below), _bound("above", above)

        def inside(x: FloatArray) -> FloatArray:
            hit = np.ones(x.shape, dtype=np.bool_)
            hit &= True if below is None else x < below
            hit &= True if above is None else x > above
            return weighted_mean(hit.astype(np.float64), self.weights)

        chosen = {"year": year, "element": element, "bloc": bloc}
        if self.has_histogram(name):
            return self._count(name, lambda rows: self._between(rows, below, above), chosen)
        return self._reduce(name, inside, chosen)

    def has_histogram(self, name: str) -> bool:
        """Whether quantiles of a variable or claim come from a histogram, not from draws."""
        if self.weights is not None or not (name in self._claims or _is_variable(name)):
            return False
        kind = CLAIMS if name in self._claims else name
        return kind not in self.arrays and kind in self.histograms.layout.rows

    def values(
        self,
        name: str,
        *,
        year: int | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> FloatArray:
        """
        Draws of a variable, claim or input as a bare array.

        Parameters
        ----------
        name : str
            Name of a variable, of a claim ("claim.reading"), or of an input.
        year, element, bloc
            Select; sums are made in each draw.

        Returns
        -------
        ndarray, shape (..., draw)

        Raises
        ------
        ReesupplyError
            If a name or label is unknown or draws were not kept.
        """
        chosen = {"year": year, "element": element, "bloc": bloc}
        return self._chosen(name, chosen)[0]

    def shares_below(
        self,
        name: str,
        value: float,
        *,
        year: int | None = None,
        element: str | None = None,
        bloc: str | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """
        Share of the draws of each group of lanes that lie below a value.

        Parameters
        ----------
        name : str
            For example ``"balance"``.
        value : float
            In the unit of the variable.
        year, element, bloc
            Select one cell; without draws that of a headline, summed over blocs and elements.

        Returns
        -------
        sizes, shares : ndarray, shape (group,)
            Of the groups that have draws, at most 16; lane k of 1,024 draws is in group k % 16.
            Empty where neither draws nor groups are known.

        Raises
        ------
        ReesupplyError
            If a name or label is unknown.
        """
        chosen = {"year": year, "element": element, "bloc": bloc}
        if not self.has_histogram(name):
            return shares_below(self._chosen(name, chosen)[0], value, self.weights)
        row = int(self._rows(name, chosen)[0])
        if self.groups is None or row not in self.groups.rows:
            return np.empty(0), np.empty(0)
        return self.groups.shares_below(row, value)

    @property
    def _claims(self) -> tuple[str, ...]:
        return tuple(claim.name for claim in self.plan.claims)

    def _between(self, rows: IntArray, below: float | None, above: float | None) -> FloatArray:
        high = 1.0 if below is None else self.histograms.probability_below(rows, below)
        low: FloatArray | float = 0.0
        if above is not None:
            low = self.histograms.probability_below(rows, above, inclusive=True)
        return np.asarray(np.maximum(high - low, 0.0))

    def _count(
        self, name: str, statistic: Callable[[IntArray], FloatArray], chosen: dict[str, Any]
    ) -> xr.DataArray | float:
        """Statistic of the histograms of a variable or claim."""
        rows, coords = self._rows(name, chosen)
        if (rows < 0).any():
            known = {self.plan.years[0], MILESTONE, self.plan.years[-1]}
            years = sorted(known.intersection(self.plan.years))
            msg = (
                f"{name}: without its draws there is a distribution of the years "
                f"{', '.join(map(str, years))} only; choose one with year=, or simulate with "
                f"keep=({name!r},)"
            )
            raise ReesupplyError(msg)
        return labels.labelled(np.asarray(statistic(rows)), coords, name)

    def _rows(self, name: str, chosen: dict[str, Any]) -> tuple[IntArray, labels.Coords]:
        """Histograms of a variable or claim after the selection of labels, and the labels left."""
        rows = self.histograms.layout.rows
        if name in self._claims:
            return rows["claims"][self._claims.index(name)], {}
        return labels.select(rows[name], labels.coords_of(self.plan, name), chosen, name)

    def _chosen(self, name: str, chosen: dict[str, Any]) -> tuple[FloatArray, labels.Coords]:
        """Draws of a name after the selection of labels, and the labels left."""
        if _is_variable(name):
            array = with_sums(name, self._draws(name), self.plan.heavy)
            return labels.select(array, labels.coords_of(self.plan, name), chosen, name)
        for kind, names in (
            ("claims", self._claims),
            ("inputs", self.input_names),
        ):
            if name in names and kind in self.arrays:
                return labels.select(self.arrays[kind][names.index(name)], {}, chosen, name)
        for kind, names in (("claims", self._claims), ("inputs", self.plan.inputs.names)):
            if name in names:
                keep = kind if kind == "claims" else f"inputs.{name}"
                msg = f"the draws of {name!r} were not kept; simulate with keep=({keep!r},)"
                raise ReesupplyError(msg)
        valid = [*VARIABLES, *(c.name for c in self.plan.claims), *self.input_names]
        hint = nearest(name, valid)
        msg = f"result: found {name!r}, which is no variable, claim or kept input; {hint}"
        raise ReesupplyError(msg)

    def _reduce(
        self, name: str, statistic: Callable[[FloatArray], FloatArray], chosen: dict[str, Any]
    ) -> xr.DataArray | float:
        array, coords = self._chosen(name, chosen)
        return labels.labelled(np.asarray(statistic(array)), coords, name)

    def _draws(self, name: str) -> FloatArray:
        if name not in self.arrays:
            msg = f"the draws of {name!r} were not kept; simulate with keep=({name!r},)"
            raise ReesupplyError(msg)
        return self.arrays[name]


def _is_variable(name: Any) -> bool:
    return isinstance(name, str) and name in VARIABLES


def _bound(name: str, value: Any) -> float | None:
    """Return a bound of a probability as a float, or say why it is none."""
    if value is None:
        return None
    found = np.asarray(value)
    if found.ndim or found.dtype.kind not in "iuf" or np.isnan(found):
        msg = f"{name}: found {value!r}, allowed is a number"
        raise ReesupplyError(msg)
    return float(found)
