"""The step from a result to the same draws under weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reesupply.result.risk import Risk

if TYPE_CHECKING:
    from reesupply.analysis.condition import Conditioning, Target
    from reesupply.result.core import Result


class Conditional(Risk):
    """
    A run that can be conditioned on published claims.

    Attributes
    ----------
    conditioning : Conditioning, or None
        What the weights make true, and what that did to draws and inputs.
    """

    conditioning: Conditioning | None

    @property
    def calibration(self) -> Conditioning | None:
        """The ``conditioning`` by the name that goes with :func:`reesupply.calibrate`."""
        return self.conditioning

    def condition(self, *targets: Target | str, least: float = 100.0) -> Result:
        """
        Weigh the draws so that claims have the mean or quantile that others published.

        Parameters
        ----------
        *targets : Target or str
            The name of a claim and reading stands for its published value as the mean.
        least : float
            Effective draws below which it is refused. The 95 % interval of P5 needs 73 of them
            not to reach beyond the last draw.

        Returns
        -------
        Result
            The same draws under weights, which all statistics and charts use. Its
            ``conditioning`` has diagnostics: ``met``, ``diagnostics``, ``shifts`` of the inputs,
            ``leave_one_out``. This result stays as it is.

        Warns
        -----
        ReesupplyWarning
            If less than a tenth of the draws is left effective, or the tail of the weights is
            too heavy (Pareto k).

        Raises
        ------
        ReesupplyError
            If a claim is unknown or its draws were not kept, a target lies outside what the draws
            span, targets exclude each other, or too few effective draws would be left.

        Notes
        -----
        Of all weights that meet the targets these are the nearest to the ones before, by
        relative entropy. Statistics under weights need kept draws. Source: Robertson, Tallman and
        Whiteman, J. Money Credit Bank. 37 (2005), 383-401.

        Examples
        --------
        >>> import reesupply as rs
        >>> result = rs.simulate(draws=4_000, rng=1)
        >>> claim = "cru-deficit-2035.annual"
        >>> soft = result.condition(rs.Target(claim, 1_000, sd=300))
        >>> result.mean(claim) < soft.mean(claim) < 1_000
        True
        """
        from reesupply.analysis.condition import condition

        return condition(cast("Result", self), targets, least)
