"""`Result`: what a run found, with labels, statistics and provenance."""

from __future__ import annotations

import platform
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from reesupply.engine.histograms import Histograms
from reesupply.engine.layout import NO_LAYOUT
from reesupply.engine.variables import DATA, END_USE, PROJECT, Variable
from reesupply.result import labels
from reesupply.result.conditional import Conditional
from reesupply.result.precision import precision_table
from reesupply.result.statistics import summary_table, weighted_moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import xarray as xr

    from reesupply.engine.joint import Joint
    from reesupply.engine.plan import Plan
    from reesupply.engine.precision import Groups
    from reesupply.engine.statistics import Moments
    from reesupply.engine.wire import Traffic
    from reesupply.plots import Plots

    FloatArray = npt.NDArray[np.float64]


class Result(Conditional):
    """
    What a run found: draws with labels, statistics, claims and provenance.

    Made by :func:`reesupply.simulate` and :func:`reesupply.read_result`.

    Attributes
    ----------
    plan : Plan
        The compiled scenario.
    draws, entropy, design, seconds
        How many draws, the seed that repeats them, their layout, how long it took.
    arrays : dict of str to ndarray
        Kept draws by name, bare, draws last. Treat as read-only.
    moments : Moments
        Mean and standard deviation of every variable.
    histograms : Histograms
        Counts of what did not keep its draws: balance and claims, and others in the first year,
        2030 and the last year.
    joint : Joint or None
        Deficits over the years, and claims with each other; None where a file does not have them.
    groups : Groups, or None
        Their counts by group of lanes, for the error of designs lhs and sobol.
    stopped : str, or None
        Why a run with ``until=`` has as many draws as it has.
    profile : dict of str to float, or None
        Seconds of each stage, summed over workers, where they were asked for.
    traffic : Traffic, or None
        Units of work and bytes that went to the workers of an executor and came back.
    dtype : {"float64", "float32"}
        Precision of the models.
    weights : ndarray, shape (draw,), or None
        Non-negative, sum 1; every statistic uses them.
    conditioning : Conditioning, or None
        What the weights make true, what that did to the draws and inputs; see `condition`.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        draws: int,
        entropy: int,
        design: str,
        seconds: float,
        input_names: tuple[str, ...],
        arrays: dict[str, FloatArray],
        moments: Moments,
        histograms: Histograms | None = None,
        joint: Joint | None = None,
        groups: Groups | None = None,
        stopped: str | None = None,
        profile: dict[str, float] | None = None,
        weights: FloatArray | None = None,
        dtype: str = "float64",
    ) -> None:
        self.plan, self.draws, self.entropy, self.design = plan, draws, entropy, design
        self.seconds, self.input_names = seconds, input_names
        self.arrays, self.moments = arrays, moments
        self.histograms = Histograms(NO_LAYOUT) if histograms is None else histograms
        self.joint, self.groups, self.stopped = joint, groups, stopped
        self.profile, self.weights = profile, weights
        self.dtype = dtype
        self.traffic: Traffic | None = None
        self.conditioning = None

    def __repr__(self) -> str:
        plan, done = self.plan, self.conditioning
        conditioned = f", conditioned on {done.text}" if done else ""
        return (
            f"<Result of {plan.title!r}: {self.draws:,} draws ({self.design}), "
            f"{plan.years[0]}-{plan.years[-1]}, data of {plan.scenario.data_date}, "
            f"scenario {plan.hash[:12]}, entropy {self.entropy}{conditioned}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        table = self.summary().to_html(float_format=_short)
        return f"<p><code>{escape(repr(self))}</code></p>{table}"

    # -- labelled arrays -------------------------------------------------------------------

    @cached_property
    def data(self) -> xr.Dataset:
        """Variables of the balance with their kept draws; t oxide/yr."""
        found = {
            name: ((*variable.dims, "draw"), self.arrays[name], labels.attrs_of(variable))
            for name, variable in DATA.items()
            if name in self.arrays
        }
        return labels.dataset(self.plan, found, self.draws, self._attrs())

    @cached_property
    def project(self) -> xr.Dataset:
        """Mean and sd by project, draws where kept; under weights of what kept its draws only."""
        return self._detail(PROJECT, "project.")

    @cached_property
    def end_use(self) -> xr.Dataset:
        """Mean and sd by end use, draws where kept; under weights of what kept its draws only."""
        return self._detail(END_USE, "end_use.")

    @cached_property
    def claims(self) -> xr.Dataset:
        """One number per draw for every published claim and reading, "claim.reading"."""
        names = [claim.name for claim in self.plan.claims]
        units = [claim.unit for claim in self.plan.claims]
        return self._scalars("claims", names, units)

    @cached_property
    def inputs(self) -> xr.Dataset:
        """
        The sampled inputs, one number per draw.

        A cell has its value; a path with several anchor years its quantile; a factor its standard
        normal number.
        """
        all_units = dict(zip(self.plan.inputs.names, self.plan.inputs.units, strict=True))
        names = list(self.input_names)
        return self._scalars("inputs", names, [all_units[name] for name in names])

    # -- tables ----------------------------------------------------------------------------

    def summary(self) -> pd.DataFrame:
        """
        Return the world balance of all elements together, year by year.

        Returns
        -------
        pandas.DataFrame
            Index year. Means of balance, demand and refined supply, P5, P50 and P95 of the balance
            [t oxide/yr], and the probability of a deficit. With draws and without.
        """
        return summary_table(self)

    def precision(self, of: Sequence[str] | None = None) -> pd.DataFrame:
        """
        Monte Carlo error of the headline numbers.

        Parameters
        ----------
        of : sequence of str, optional
            Names of variables with years, for the world and all elements in the base year, 2030
            and the last year where in the run; names of claims; "claims" for all of them. None
            is the balance and the claims.

        Returns
        -------
        pandas.DataFrame
            For P5, P50 and P95 of each: the value, half the width of its 95 % interval, and that
            width as a share of the P5-P95 range. Infinite where the run is too short to tell.

        Warns
        -----
        ReesupplyWarning
            If there are too few draws to tell the error of a quantile.

        Raises
        ------
        ReesupplyError
            If a name is unknown, or there are neither draws nor histograms of it.

        Notes
        -----
        Independent draws (design random): by order statistics. Design sobol: by the scatter of
        its scramblings, which take turns by lanes of 1,024 draws, so that a run of one lane cannot
        tell its error, and one of 16 lanes is the first that has all 16. Design lhs: by the
        scatter of hypercubes from 16 lanes on; before, as independent draws, which is too wide.
        """
        return precision_table(self, of)

    def rounding(self) -> pd.DataFrame:
        """
        Say what single precision costs: the first lane again in both precisions.

        Returns
        -------
        pandas.DataFrame
            One row for each variable of ``result.data`` and each claim. ``largest``: largest
            difference from double precision in any cell and draw, in ``unit``; ``share_of_sd``:
            root mean square difference of a cell over its standard deviation, of the worst cell
            that varies; NaN where all that differ are constant, as in a run of one draw. Zeros for
            a run in double precision.

        Notes
        -----
        A share near 1e-6 is lost beside the Monte Carlo error; see `precision`.

        Examples
        --------
        >>> import reesupply as rs
        >>> result = rs.simulate(draws=1_000, rng=1, dtype="float32")
        >>> bool((result.rounding()["share_of_sd"] < 1e-3).all())
        True
        """
        from reesupply.result.rounding import rounding_table

        return rounding_table(self)

    # -- other views -----------------------------------------------------------------------

    @property
    def all_elements(self) -> str:
        """Label of the sum over elements, "Dy+Tb"."""
        return labels.all_elements(self.plan)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What is needed to repeat the run: scenario, seed, and the versions that made it."""
        plan = self.plan
        return {
            "scenario": plan.title,
            "scenario_hash": plan.hash,
            "vintage": plan.scenario.setting("vintage"),
            "data_date": plan.scenario.data_date,
            "changes": list(plan.scenario.changes),
            "draws": self.draws,
            "entropy": str(self.entropy),
            "design": self.design,
            "dtype": self.dtype,
            "stopped": self.stopped,
            "conditioned_on": [],
            "python": platform.python_version(),
            "versions": {name: _version(name) for name in ("reesupply", "numpy", "scipy")},
        }

    @property
    def plot(self) -> Plots:
        """Charts of this result: ``result.plot.balance()`` and others, each returning Axes."""
        from reesupply.plots import Plots

        return Plots(self)

    def basis(self, basis: str, place: str = "making") -> xr.Dataset:
        """
        Demand and supply on one basis; the world balance is the same on each and at both places.

        Parameters
        ----------
        basis : {"gross", "net", "primary"}
            gross: demand against mines, new scrap and end of life. net: demand less recovered new
            scrap, against mines and end of life. primary: demand less all recycled, against mines.
        place : {"making", "use"}
            Where demand is: where magnets and other goods are made, or where the finished goods
            are used. By use, the recovered new scrap of the world is taken off demand in
            proportion to use, as scrap arises where goods are made. Supply is where the oxide is
            made in both.

        Returns
        -------
        Dataset
            demand and supply (bloc, element, year, draw), balance (element, year, draw); t
            oxide/yr. No weights are applied.

        Raises
        ------
        ReesupplyError
            If the basis or place is unknown or draws were not kept. Oxide contained in finished
            goods is no basis; it is ``result.end_use["contained"]``.

        Examples
        --------
        >>> import reesupply as rs
        >>> result = rs.simulate(draws=1_000, rng=1)
        >>> net = result.basis("net", place="use")["demand"].sel(bloc="ex_china")
        """
        from reesupply.result.basis import on_basis

        return on_basis(self, basis, place)

    def to_frame(self, name: str) -> pd.DataFrame:
        """
        Statistics of a variable of ``result.data`` as a long table.

        Parameters
        ----------
        name : str
            For example ``"balance"``.

        Returns
        -------
        pandas.DataFrame
            One row per cell, sums included: labels, mean, sd, P5, P50 and P95 where kept, unit.

        Raises
        ------
        ReesupplyError
            If the name is unknown.
        """
        from reesupply.export import to_frame

        return to_frame(self, name)

    def to_iamc(self) -> pd.DataFrame:
        """
        Statistics in the columns of the Integrated Assessment Modeling Consortium.

        Returns
        -------
        pandas.DataFrame
            Model, Scenario, Region, Variable, Unit and one column per year.
        """
        from reesupply.export import to_iamc

        return to_iamc(self)

    def to_netcdf(self, path: Any) -> None:
        """
        Write the result to a netCDF file; an earlier file stays whole until the new one is.

        Parameters
        ----------
        path : str or Path
            File to write.
        """
        from reesupply.export import to_netcdf

        to_netcdf(self, path)

    # -- inside ----------------------------------------------------------------------------

    def _detail(self, variables: dict[str, Variable], prefix: str) -> xr.Dataset:
        found: dict[str, Any] = {}
        for name, variable in variables.items():
            attrs = labels.attrs_of(variable)
            full = prefix + name
            if self.weights is None:
                mean, sd = self.moments.mean(full), self.moments.sd(full)
            elif full in self.arrays:
                mean, sd = weighted_moments(self.arrays[full], self.weights)
            else:
                continue  # moments are those without weights
            found[f"{name}_mean"] = (variable.dims, mean, attrs)
            found[f"{name}_sd"] = (variable.dims, sd, attrs)
            if full in self.arrays:
                found[name] = ((*variable.dims, "draw"), self.arrays[full], attrs)
        if prefix == "project." and "first_feed" in self.arrays:
            attrs = {"units": "year", "long_name": "date of first feed, infinity is never"}
            found["first_feed"] = (("project", "draw"), self.arrays["first_feed"], attrs)
        return labels.dataset(self.plan, found, self.draws, self._attrs())

    def _scalars(self, kind: str, names: list[str], units: list[str]) -> xr.Dataset:
        found = labels.scalars(names, units, self._draws(kind))
        return labels.dataset(self.plan, found, self.draws, self._attrs())

    def _attrs(self) -> dict[str, str]:
        return {key: str(value) for key, value in self.provenance.items()}


def _short(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 1.0 else f"{value:,.0f}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
