"""Targets: what is prescribed of a claim, and how draws say whether it holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.result.statistics import weighted_mean, weighted_moments, weighted_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

    from reesupply.result import Result

    FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Target:
    """
    A mean or a quantile that a claim is to have.

    Parameters
    ----------
    claim : str
        Claim and reading, for example ``"cru-deficit-2035.annual"``.
    value : float, optional
        In the unit of the claim; None is the published value.
    quantile : float, optional
        Probability of the quantile that is to have the value, 0.5 for the median; None is the
        mean.
    sd : float
        Standard deviation of a normal error of the value, in the unit of the claim; 0 is a hard
        target.

    Raises
    ------
    ReesupplyError
        If a number is out of range.

    Examples
    --------
    >>> import reesupply as rs
    >>> rs.Target("cru-deficit-2035.annual", quantile=0.5, sd=300)
    Target(claim='cru-deficit-2035.annual', value=None, quantile=0.5, sd=300)
    """

    claim: str
    value: float | None = None
    quantile: float | None = None
    sd: float = 0.0

    def __post_init__(self) -> None:
        for name, found, low, high, allowed in (
            ("value", self.value, -np.inf, np.inf, "a number or None"),
            ("quantile", self.quantile, 0.0, 1.0, "a probability between 0 and 1 or None"),
            ("sd", self.sd, -np.nextafter(0.0, 1.0), np.inf, "a number from 0"),
        ):
            given: Any = found
            number = isinstance(given, float | int | np.number) and not isinstance(given, bool)
            if not ((given is None and name != "sd") or (number and low < given < high)):
                msg = f"target {self.claim!r}, {name}: found {found!r}, allowed is {allowed}"
                raise ReesupplyError(msg)

    @property
    def statistic(self) -> str:
        """What of the claim is prescribed: mean, median, P90..."""
        if self.quantile is None:
            return "mean"
        return "median" if self.quantile == 0.5 else f"P{100 * self.quantile:g}"

    @property
    def label(self) -> str:
        """For example "median of cru-deficit-2035.annual"."""
        return f"{self.statistic} of {self.claim}"

    @property
    def goal(self) -> float:
        """Mean that `numbers` are to have."""
        return self.given if self.quantile is None else self.quantile

    @property
    def given(self) -> float:
        """Value of a target that has one."""
        return float("nan") if self.value is None else self.value

    def numbers(self, draws: FloatArray) -> FloatArray:
        """
        Statistic whose mean is prescribed.

        Parameters
        ----------
        draws : ndarray, shape (draw,)
            Of the claim.

        Returns
        -------
        ndarray, shape (draw,)
            The draws themselves, or for a quantile 1 where they are not above the value, else 0.
        """
        if self.quantile is None:
            return draws
        return (draws <= self.given).astype(np.float64)

    def error(self, draws: FloatArray, weights: FloatArray | None) -> float:
        """
        Return the error of the mean of `numbers` that the error of the value stands for.

        Parameters
        ----------
        draws : ndarray, shape (draw,)
            Of the claim.
        weights : ndarray, shape (draw,), optional
            Non-negative, sum 1.

        Returns
        -------
        float
            For a quantile the error times the density of the draws at the value, which is that of
            the share between sd (at most a quarter of the spread of the draws) below and above it.
        """
        if self.quantile is None or not self.sd:
            return float(self.sd)
        equal = np.full(draws.size, 1.0 / draws.size)
        spread = float(weighted_moments(draws, equal if weights is None else weights)[1])
        half = min(self.sd, spread / 4.0)
        near = (np.abs(draws - self.given) <= half).astype(np.float64)
        density = float(weighted_mean(near, weights)) / (2.0 * half) if half else 0.0
        return float(self.sd * density)

    def of(self, draws: FloatArray, weights: FloatArray | None) -> float:
        """
        Return the mean or quantile of the claim.

        Parameters
        ----------
        draws : ndarray, shape (draw,)
            Of the claim.
        weights : ndarray, shape (draw,), optional
            Non-negative, sum 1.

        Returns
        -------
        float
            In the unit of the claim.
        """
        if self.quantile is None:
            return float(weighted_mean(draws, weights))
        return float(weighted_quantile(draws, self.quantile, weights))

    def as_dict(self) -> dict[str, Any]:
        """Return the arguments that make the target, as plain numbers."""
        found = asdict(self)
        return {k: v if v is None or k == "claim" else float(v) for k, v in found.items()}


def resolved(result: Result, targets: tuple[Any, ...]) -> tuple[Target, ...]:
    """
    Give names of claims and targets without value those that were published.

    Parameters
    ----------
    result : Result
        Its scenario has the published values.
    targets : tuple of Target or str
        What was asked for.

    Returns
    -------
    tuple of Target
        With values.

    Raises
    ------
    ReesupplyError
        If there is none, one is neither a name nor a Target, a claim is unknown or is given the
        same statistic twice, or its draws were not kept.
    """
    if not targets:
        msg = "condition: found no target, allowed is one or more, names of claims or rs.Target"
        raise ReesupplyError(msg)
    if "claims" not in result.arrays:
        msg = (
            "condition: the draws of 'claims' were not kept; simulate with keep=None, or name in "
            "keep the claims and all that is to be asked of the conditioned result"
        )
        raise ReesupplyError(msg)
    known = [claim.name for claim in result.plan.claims]
    rows = {f"{row.claim}.{row.reading}": row for row in result.plan.scenario.rows("targets")}
    found: dict[str, Target] = {}
    for each in targets:
        target = Target(each) if isinstance(each, str) else each
        if not isinstance(target, Target):
            msg = f"condition: found {each!r}, allowed is the name of a claim or an rs.Target"
            raise ReesupplyError(msg)
        if target.claim not in known:
            hint = nearest(str(target.claim), known)
            msg = f"condition: found claim {target.claim!r}, which the run does not have; {hint}"
            raise ReesupplyError(msg)
        if target.label in found:
            msg = f"condition: found {target.label} twice, allowed is one value of it"
            raise ReesupplyError(msg)
        value = rows[target.claim].value if target.value is None else target.value
        found[target.label] = replace(target, value=float(value))
    return tuple(found.values())
