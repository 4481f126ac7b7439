"""Draws of a run, and statistics of them by name and label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.engine.statistics import Moments, with_sums
from reesupply.engine.variables import VARIABLES
from reesupply.errors import ReesupplyError, nearest
from reesupply.result import labels
from reesupply.result.statistics import weighted_mean, weighted_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import xarray as xr

    from reesupply.engine.plan import Plan

    FloatArray = npt.NDArray[np.float64]


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
    input_names : tuple of str
        Inputs whose draws were kept.
    weights : ndarray, shape (draw,), or None
        Non-negative, sum 1; every statistic uses them.
    """

    plan: Plan
    arrays: dict[str, FloatArray]
    moments: Moments
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
        if self.weights is None and name in VARIABLES:
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
            For example ``"balance"``; its draws must have been kept.
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
            If a name or label is unknown, `q` is not a probability, or draws were not kept.
        """
        given: Any = q
        if not (isinstance(given, float | int | np.number) and 0.0 <= given <= 1.0):
            msg = f"q: found {q!r}, allowed is a probability from 0 to 1"
            raise ReesupplyError(msg)
        chosen = {"year": year, "element": element, "bloc": bloc}
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
            For example ``"balance"``; its draws must have been kept.
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
            If neither bound is given, a label is unknown, or draws were not kept.

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

        def inside(x: FloatArray) -> FloatArray:
            hit = np.ones(x.shape, dtype=np.bool_)
            hit &= True if below is None else x < below
            hit &= True if above is None else x > above
            return weighted_mean(hit.astype(np.float64), self.weights)

        return self._reduce(name, inside, {"year": year, "element": element, "bloc": bloc})

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

    def _chosen(self, name: str, chosen: dict[str, Any]) -> tuple[FloatArray, labels.Coords]:
        """Draws of a name after the selection of labels, and the labels left."""
        if name in VARIABLES:
            array = with_sums(name, self._draws(name), self.plan.heavy)
            return labels.select(array, labels.coords_of(self.plan, name), chosen, name)
        for kind, names in (
            ("claims", tuple(claim.name for claim in self.plan.claims)),
            ("inputs", self.input_names),
        ):
            if name in names and kind in self.arrays:
                return labels.select(self.arrays[kind][names.index(name)], {}, chosen, name)
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
