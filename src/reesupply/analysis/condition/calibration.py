"""`calibrate`: the outlooks of today, or other claims, made true in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reesupply.analysis.claims import current_claims, shipped_discrepancies
from reesupply.analysis.condition.conditioning import LEAST, condition
from reesupply.analysis.condition.targets import Target
from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reesupply.result import Result

#: What `calibrate` can do.
METHODS = ("tilt",)


def calibrate(
    result: Result,
    targets: Iterable[Target | str] | Target | str | None = None,
    method: str = "tilt",
    *,
    least: float = LEAST,
) -> Result:
    """
    Weigh the draws of a run so that its claims are, in the mean, as others published them.

    That is no forecast of ours but what one has to believe to agree; the untuned run stays the
    headline.

    Parameters
    ----------
    result : Result
        A run that kept its claims, without weights.
    targets : sequence of Target or str, optional
        What is prescribed; None stands for the outlooks of today, each in the reading that was
        fixed before the run (`reesupply.analysis.claims.current_claims`) and with the error of the
        table discrepancies, since serious forecasts differ by as much among themselves.
    method : {"tilt"}
        Weights of least relative entropy.
    least : float
        Effective draws below which it is refused.

    Returns
    -------
    Result
        The same draws with ``weights``; its ``calibration`` says how far they are from even ones,
        how many draws are left effective, and how every input moved.

    Raises
    ------
    ReesupplyError
        If the method is another, there is no target, or as in `Result.condition`.

    See Also
    --------
    Result.condition : The same for single targets, as a method.

    Examples
    --------
    >>> import reesupply as rs
    >>> result = rs.simulate(draws=4_096, rng=1)
    >>> agreed = rs.calibrate(result, rs.Target("cru-deficit-2035.annual", sd=1_000))
    >>> round(float(agreed.weights.sum()), 9)
    1.0
    """
    if method not in METHODS:
        msg = f"method: found {method!r}; {nearest(str(method), METHODS)}"
        raise ReesupplyError(msg)
    if targets is None:
        errors = shipped_discrepancies()
        names = current_claims(result.plan.scenario)
        wanted: tuple[Target | str, ...] = tuple(
            Target(name, sd=errors.get(name, 0.0)) for name in names
        )
    else:
        wanted = (targets,) if isinstance(targets, Target | str) else tuple(targets)
    if not wanted:
        msg = "targets: found none, allowed are one or more claims of the scenario"
        raise ReesupplyError(msg)
    return condition(result, wanted, least)
