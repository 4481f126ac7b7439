r"""
Monte Carlo error of the quantiles of a run.

A quantile :math:`\hat q` of probability p is the value below which a share p of the draws lies. Its
error is found on the scale of that share: with s half the width of the 95 % interval of the share
of draws below :math:`\hat q`, the interval of the quantile is that from the quantile of p - s to
that of p + s.

Where draws are independent (design random), :math:`s = 1.96 \sqrt{p (1 - p) / n}`, as for any
distribution. For weighted draws n is :math:`1 / \sum w^2`.

Where they are not, the scatter of independent groups of lanes tells it: with :math:`r_g` the share
of the draws of group g below :math:`\hat q`, :math:`W_g` the share of all draws (or weights) that
are in g, :math:`\bar r = \sum W_g r_g`, and G groups,

.. math:: s = t_{G-1} \sqrt{\tfrac{G}{G-1} \sum_g W_g^2 (r_g - \bar r)^2}.

Groups of a Sobol run are its independent scramblings, at most 16; the plain formula would be too
wide there, or too narrow, and nobody would know which. Groups of hypercubes are hypercubes. A run
that does not yet have 16 of them takes the plain formula, which a hypercube errs less than (by no
more than a factor n / (n - 1) in variance, Owen 1997).

References
----------
A. B. Owen, SIAM J. Numer. Anal. 34 (1997) 1884-1910. P. L'Ecuyer and C. Lemieux, in: Modeling
Uncertainty (2002) 419-474 (randomized quasi-Monte Carlo). S. Asmussen and P. W. Glynn, Stochastic
Simulation (2007), III.4 (intervals of quantiles, sectioning).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np

from reesupply.engine.layout import MILESTONE
from reesupply.engine.precision import GROUPS, Precision
from reesupply.engine.statistics import CLAIMS
from reesupply.engine.variables import BLOC, DATA, YEAR
from reesupply.errors import ReesupplyError, ReesupplyWarning, nearest
from reesupply.result import labels
from reesupply.result.statistics import LEVELS
from reesupply.sampling import LANE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    import pandas as pd

    from reesupply.engine.plan import Plan
    from reesupply.result.core import Result

    FloatArray = npt.NDArray[np.float64]

#: Of what `Result.precision` tells the error, where the run has it.
USUAL = ("balance", CLAIMS)
_NORMAL = 1.959963984540054
_WITH_YEARS = tuple(name for name, variable in DATA.items() if YEAR in variable.dims)


@dataclass(frozen=True, slots=True)
class Headline:
    """One number per draw whose error is told: a claim, or a variable of the world in a year."""

    label: str
    name: str
    where: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Error:
    """A quantile, half of its 95 % interval, and that over the range from P5 to P95."""

    quantity: str
    statistic: str
    value: float
    half_width: float
    share_of_range: float


def headlines(plan: Plan, of: Sequence[str]) -> list[Headline]:
    """
    Return what names of outputs stand for.

    Parameters
    ----------
    plan : Plan
        Compiled scenario.
    of : sequence of str
        Variables with years, claims, or "claims".

    Returns
    -------
    list of Headline
        In the order of `of`.

    Raises
    ------
    ReesupplyError
        If a name is unknown.
    """
    years = dict.fromkeys((plan.years[0], MILESTONE, plan.years[-1]))
    claims = [claim.name for claim in plan.claims]
    found: list[Headline] = []
    for name in of:
        if name == CLAIMS:
            found += [Headline(claim, claim, {}) for claim in claims]
        elif name in claims:
            found.append(Headline(name, name, {}))
        elif name in _WITH_YEARS:
            where: dict[str, Any] = {"element": labels.all_elements(plan)}
            if BLOC in DATA[name].dims:
                where["bloc"] = labels.WORLD
            found += [
                Headline(f"{name} {year}", name, {**where, "year": year})
                for year in years
                if year in plan.years
            ]
        else:
            hint = nearest(str(name), [*_WITH_YEARS, CLAIMS, *claims])
            msg = f"of: found {name!r}, whose precision is not known; {hint}"
            raise ReesupplyError(msg)
    return found


def looks(plan: Plan, until: Any, draws: int) -> tuple[int, ...]:
    """
    Return the numbers of draws at which a run is looked at, the last of them its end.

    Parameters
    ----------
    plan : Plan
        Compiled scenario.
    until : Precision or None
        None for a run that is not looked at.
    draws : int
        Number of draws before the first look.

    Returns
    -------
    tuple of int

    Raises
    ------
    ReesupplyError
        If `until` is something else, its cap comes before the first look, a name is unknown, or
        there are no claims and nothing else is named.
    """
    if until is None:
        return (draws,)
    if not isinstance(until, Precision):
        msg = f"until: found {until!r}, allowed is None or a Precision, such as rs.Precision(0.01)"
        raise ReesupplyError(msg)
    if not headlines(plan, until.of):  # an unknown name is found now, not after the first look
        msg = f"until: found of={until.of!r}, but the scenario has no claims"
        raise ReesupplyError(msg)
    return until.goals(draws)


def errors_of(result: Result, of: Sequence[str]) -> list[Error]:
    """
    Return the Monte Carlo error of P5, P50 and P95.

    Parameters
    ----------
    result : Result
        Of any design.
    of : sequence of str
        See `headlines`.

    Returns
    -------
    list of Error
        In the unit of each; an infinite half width where the run is too short to tell.

    Raises
    ------
    ReesupplyError
        If a name is unknown, or neither draws nor a histogram were kept.
    """
    found = []
    for each in headlines(result.plan, of):
        quantile = _quantile_of(result, each)
        low, high = quantile(LEVELS[0]), quantile(LEVELS[-1])
        for q in LEVELS:
            value = quantile(q)
            half = half_width(quantile, q, _step(result, each, q, value))
            share = half / (high - low) if high > low else (half and np.inf)
            found.append(Error(each.label, f"P{100 * q:.0f}", value, half, share))
    return found


def verdict(result: Result, until: Precision, *, last: bool) -> str | None:
    """
    Say why a run stops here.

    Parameters
    ----------
    result : Result
        What the run has found so far.
    until : Precision
        What is asked for.
    last : bool
        Whether the cap is reached.

    Returns
    -------
    str or None
        Begins with "known" or "cap"; None where the run is to go on.

    Raises
    ------
    ReesupplyError
        If neither draws nor a histogram of an output were kept.
    """
    errors = errors_of(result, until.of)
    widest = max(errors, key=lambda error: error.share_of_range)
    where = (
        f"{widest.quantity} {widest.statistic} to {widest.share_of_range:.3g} of its P5-P95 range"
    )
    if all(error.share_of_range <= until.share for error in errors):
        return f"known to {until.share:g} after {result.draws:,} draws, {where}"
    if last:
        return f"cap of {result.draws:,} draws, {where}; asked for was {until.share:g}"
    return None


def precision_table(result: Result, of: Any) -> pd.DataFrame:
    """Build `Result.precision`."""
    import pandas as pd

    if isinstance(of, str):
        msg = f"of: found the text {of!r}, allowed is several names such as ({of!r},)"
        raise ReesupplyError(msg)
    if of is not None and not isinstance(of, Iterable):
        msg = f"of: found {of!r}, allowed is None or several names such as ('balance',)"
        raise ReesupplyError(msg)
    if of is None:
        claims = CLAIMS in result.arrays or CLAIMS in result.histograms.layout.rows
        of = USUAL if claims else USUAL[:1]
    errors = errors_of(result, of)
    rows = [
        (error.quantity, error.statistic, error.value, error.half_width, error.share_of_range)
        for error in errors
    ]
    unknown = sum(not np.isfinite(error.half_width) for error in errors)
    if unknown:
        msg = (
            f"{result.draws:,} draw{'s' * (result.draws > 1)} of design {result.design!r} "
            "cannot tell the error of "
            f"{unknown} of {len(errors)} quantiles"
        )
        warn(msg, ReesupplyWarning, stacklevel=3)
    names = ["quantity", "statistic", "value", "half_width", "share_of_range"]
    return pd.DataFrame(rows, columns=names).set_index(["quantity", "statistic"])


def half_width(quantile: Callable[[float], float], q: float, step: float) -> float:
    """
    Half of the interval of a quantile whose probability is known to within a step.

    Parameters
    ----------
    quantile : callable
        Quantile of a probability.
    q : float
        Probability.
    step : float
        Half the width of the interval of the share of draws below the quantile.

    Returns
    -------
    float
        Infinite where an end of the interval lies beyond the lowest or highest draw.
    """
    if not (q - step >= 0.0 and q + step <= 1.0):
        return float("inf")
    return (quantile(q + step) - quantile(q - step)) / 2.0


def step_of_independent(q: float, size: float) -> float:
    """Half the 95 % interval of the share of independent draws below the quantile of `q`."""
    return float(_NORMAL * np.sqrt(q * (1.0 - q) / size))


def step_of_groups(sizes: FloatArray, shares: FloatArray) -> float:
    """
    Half the 95 % interval of a share, by the scatter of independent groups.

    Parameters
    ----------
    sizes : ndarray, shape (group,)
        Number of draws, or sum of weights, of each group.
    shares : ndarray, shape (group,)
        Share of each.

    Returns
    -------
    float
        Infinite for fewer than two groups.
    """
    from scipy.special import stdtrit

    n = sizes.size
    if n < 2:
        return float("inf")
    parts = sizes / sizes.sum()
    scatter = parts * (shares - parts @ shares)
    return float(stdtrit(n - 1, 0.975) * np.sqrt(n / (n - 1) * (scatter @ scatter)))


def shares_below(
    draws: FloatArray, value: float, weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """
    Return the size of each group of lanes, and the share of its draws below a value.

    Parameters
    ----------
    draws : ndarray, shape (draw,)
        From draw 0 on.
    value : float
        In the unit of the draws.
    weights : ndarray, shape (draw,), optional
        Non-negative.

    Returns
    -------
    sizes, shares : ndarray, shape (group,)
        Of the groups that have draws.
    """
    group = np.arange(draws.size) // LANE % GROUPS
    sizes = np.bincount(group, weights)
    below = np.bincount(group, (draws < value) * (1.0 if weights is None else weights))
    some = sizes > 0.0
    return sizes[some].astype(np.float64), below[some] / sizes[some]


def _quantile_of(result: Result, headline: Headline) -> Callable[[float], float]:
    """Return the quantile function of a headline."""

    def quantile(q: float) -> float:
        return float(result.quantile(headline.name, q, **headline.where))

    return quantile


def _step(result: Result, headline: Headline, q: float, value: float) -> float:
    lanes = -(-result.draws // LANE)
    if result.design == "random" or (result.design == "lhs" and lanes < GROUPS):
        weights = result.weights
        size = result.draws if weights is None else 1.0 / float((weights**2).sum())
        return step_of_independent(q, size)
    return step_of_groups(*result.shares_below(headline.name, value, **headline.where))
