"""A result under weights that give its claims the means or quantiles that others published."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np

from reesupply.analysis.claims import percentile
from reesupply.analysis.condition.pareto import largest_shape, pareto_shape
from reesupply.analysis.condition.targets import Target, resolved
from reesupply.analysis.condition.tilt import TOLERANCE, Tilt, tilt
from reesupply.errors import ReesupplyError, ReesupplyWarning
from reesupply.result import Result
from reesupply.result.statistics import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    FloatArray = npt.NDArray[np.float64]

#: Effective draws below which conditioning is refused: the 95 % interval of P5 or P95 needs 73 of
#: them not to reach beyond the last draw (1.96**2 * 0.95 / 0.05); with 100 the share of draws below
#: P5 is known to 4 points, and that below the median to 10.
LEAST = 100.0
#: Share of effective draws below which there is a warning: of a normal claim that is a shift of 1.5
#: standard deviations, exp(-1.5**2) = 0.1, one to look for in the inputs.
FEW = 0.1
#: What a result has in common with the one before.
_OF_THE_RUN = (
    *("plan", "draws", "entropy", "design", "seconds", "input_names", "arrays", "moments"),
    *("histograms", "joint", "groups", "stopped", "profile", "dtype"),
)


@dataclass(frozen=True, eq=False)
class Conditioning:
    """
    What a result was conditioned on, and what that did to it; ``result.conditioning``.

    Attributes
    ----------
    prior : Result
        The result before.
    targets : tuple of Target
        What is prescribed, with values.
    weights : ndarray, shape (draw,)
        Weights after, the same as those of the conditioned result.
    """

    prior: Result
    targets: tuple[Target, ...]
    weights: FloatArray

    def __repr__(self) -> str:
        return f"<Conditioning on {self.text}>"

    def _repr_html_(self) -> str:
        return "".join(
            table.to_html(float_format="{:,.4g}".format) for table in (self.met, self.diagnostics)
        )

    @property
    def text(self) -> str:
        """The targets in words, with their units."""
        units = {claim.name: claim.unit for claim in self.prior.plan.claims}
        return " and ".join(_words(target, units[target.claim]) for target in self.targets)

    @property
    def effective_draws(self) -> float:
        r"""As many equal draws would tell a mean as well: :math:`1 / \sum w^2`."""
        return effective_draws(self.weights)

    @property
    def divergence(self) -> float:
        """Relative entropy of the weights to those before [nat]."""
        return divergence(self.weights, self.prior.weights)

    @cached_property
    def met(self) -> pd.DataFrame:
        """Each target: its value and error, what the draws said before, and what they say now."""
        import pandas as pd

        rows = []
        for target in self.targets:
            draws = self.prior.values(target.claim)
            before, now = (target.of(draws, w) for w in (self.prior.weights, self.weights))
            rows.append((target.label, target.given, target.sd, before, now))
        names = ["target", "value", "sd", "before", "now"]
        return pd.DataFrame(rows, columns=names).set_index("target")

    @cached_property
    def diagnostics(self) -> pd.DataFrame:
        """
        How far the weights are from those before, and how many draws are left to tell anything.

        Index diagnostic; value, and what it says. Pareto k is NaN where the largest weights have
        few values, as those of targets on quantiles alone.
        """
        import pandas as pd

        draws, left = self.weights.size, self.effective_draws
        limit = largest_shape(draws)
        rows = [
            ("draws", draws, "of the run"),
            ("effective draws", left, f"1/sum(w**2); refused below {LEAST:g} unless asked for"),
            ("effective share", left / draws, f"of the draws; below {FEW:g} revise the inputs"),
            ("KL divergence", self.divergence, "nats, from the weights before"),
            ("Pareto k", pareto_shape(self.weights), f"tail of the weights, up to {limit:.2f}"),
            ("largest weight", float(self.weights.max()), "share of the whole"),
            ("largest weight x draws", draws * float(self.weights.max()), "1 where all are equal"),
        ]
        return pd.DataFrame(rows, columns=["diagnostic", "value", "says"]).set_index("diagnostic")

    @cached_property
    def shifts(self) -> pd.DataFrame:
        """
        How far the mean of each input moved, largest first.

        Index input; its mean before and now, standard deviation before, shift in those standard
        deviations, its Monte Carlo error, and the ratio of standard deviations. An input whose
        shift is within two errors may not have moved at all.

        Raises
        ------
        ReesupplyError
            If the draws of the inputs were not kept.
        """
        import pandas as pd
        from threadpoolctl import threadpool_limits

        if not self.prior.input_names or "inputs" not in self.prior.arrays:
            msg = "shifts: the draws of 'inputs' were not kept; simulate with keep=('inputs', ...)"
            raise ReesupplyError(msg)
        draws = self.prior.arrays["inputs"]
        base, w = self._base, self.weights
        with threadpool_limits(1, "blas"):  # the same bits on any number of cores
            before, now = draws @ base, draws @ w
            spread = np.empty((2, len(draws)))
            error = np.empty(len(draws))
            for row, x in enumerate(draws):  # one at a time: an array of all would be large
                old, new = x - before[row], x - now[row]
                spread[:, row] = np.sqrt([base @ old**2, w @ new**2])
                error[row] = np.linalg.norm(w * new - base * old)
        # what is left of a constant is rounding
        moves = spread[0] > 1e-12 * np.abs(before)
        sd = np.where(moves, spread[0], 1.0)
        table = pd.DataFrame(
            {
                "before": before,
                "now": now,
                "sd": np.where(moves, spread[0], 0.0),
                "shift": np.where(moves, (now - before) / sd, 0.0),
                "error": np.where(moves, error / sd, 0.0),
                "sd ratio": np.where(moves, spread[1] / sd, 1.0),
            },
            index=pd.Index(self.prior.input_names, name="input"),
        )
        return table.sort_values("shift", key=np.abs, ascending=False, kind="stable")

    @cached_property
    def leave_one_out(self) -> pd.DataFrame:
        """
        Each target as the others predict it, which shows whether they are of one mind.

        Index target; its value, what the draws said before, what they say without it (mean or
        quantile, P5, P50 and P95 of the claim, percentile at which the value falls), effective
        draws and KL divergence of the others alone. Of one target the others are none.
        """
        return leave_one_out(self.prior, self.targets, least=0.0)

    @property
    def _base(self) -> FloatArray:
        before, draws = self.prior.weights, self.weights.size
        return np.full(draws, 1.0 / draws) if before is None else before


def condition(result: Result, targets: Sequence[Target | str], least: float = LEAST) -> Result:
    """
    Build `Result.condition`.

    Parameters
    ----------
    result : Result
        A run that kept its claims.
    targets : sequence of Target or str
        What is prescribed.
    least : float
        Effective draws below which it is refused.

    Returns
    -------
    Result
        The same draws under weights.

    Warns
    -----
    ReesupplyWarning
        If few effective draws are left, or the tail of the weights is too heavy.

    Raises
    ------
    ReesupplyError
        See `Result.condition`.
    """
    if result.conditioning is not None:
        msg = (
            f"condition: found a result that is conditioned on {result.conditioning.text}; give "
            "all targets at once to the result before, result.conditioning.prior"
        )
        raise ReesupplyError(msg)
    given: Any = least
    if not (isinstance(given, float | int | np.number) and 0.0 <= given < np.inf):
        msg = f"least: found {least!r}, allowed is a number of effective draws from 0"
        raise ReesupplyError(msg)
    wanted = resolved(result, tuple(targets))
    for target in wanted:
        _check_span(result, target)
    found = _tilt(result, wanted)
    done = Conditioning(result, wanted, found.weights)
    if not found.miss <= TOLERANCE:
        msg = (
            f"condition: no weights of the {result.draws:,} draws meet all targets at once "
            f"({done.text}); leave one out, give some an error with sd=, or change the inputs"
        )
        raise ReesupplyError(msg)
    _check_size(done, least)
    return conditioned(done)


def conditioned(done: Conditioning) -> Result:
    """
    Return the result that a conditioning leads to.

    Parameters
    ----------
    done : Conditioning
        Its prior and weights.

    Returns
    -------
    Result
        With the draws of the prior, not copied.
    """
    found = _weighted(done.prior, done.weights)
    found.conditioning = done
    said = [target.as_dict() for target in done.targets]
    found.provenance = {**done.prior.provenance, "conditioned_on": said}
    return found


def leave_one_out(
    result: Result, targets: Sequence[Target | str], least: float = LEAST
) -> pd.DataFrame:
    """
    Predict each target from the others, whether or not they can be met together.

    Parameters
    ----------
    result : Result
        A run that kept its claims.
    targets : sequence of Target or str
        As in `Result.condition`.
    least : float
        Effective draws below which the others say nothing.

    Returns
    -------
    pandas.DataFrame
        As `Conditioning.leave_one_out`; NaN where the others say nothing or no weights meet them.

    Raises
    ------
    ReesupplyError
        If a target is wrong, or the draws of the claims were not kept.
    """
    import pandas as pd

    wanted = resolved(result, tuple(targets))
    rows = []
    for number, target in enumerate(wanted):
        others = wanted[:number] + wanted[number + 1 :]
        found = _tilt(result, others) if others else None
        weights = found.weights if found else result.weights
        without, draws = _weighted(result, weights), result.values(target.claim)
        even = np.full(draws.size, 1.0 / draws.size) if weights is None else weights
        left = effective_draws(even)
        says = {
            "without it": target.of(draws, weights),
            **{f"P{100 * q:.0f}": float(without.quantile(target.claim, q)) for q in LEVELS},
            "percentile": percentile(without, target.claim, target.given),
        }
        if found is not None and not (found.miss <= TOLERANCE and left >= least):
            says = dict.fromkeys(says, np.nan)
        row = {
            "target": target.label,
            "value": target.given,
            "before": target.of(draws, result.weights),
            **says,
            "effective draws": left,
            "KL divergence": divergence(even, result.weights),
        }
        rows.append(row)
    return pd.DataFrame(rows).set_index("target")


def effective_draws(weights: FloatArray) -> float:
    """Return how many equal draws tell a mean as well as these weights, which sum to 1."""
    return 1.0 / float((weights**2).sum())


def divergence(weights: FloatArray, before: FloatArray | None) -> float:
    """Return the relative entropy of weights to others, equal ones when None [nat]."""
    some = weights > 0.0
    base = 1.0 / weights.size if before is None else before[some]
    return max(float(weights[some] @ np.log(weights[some] / base)), 0.0)


def _tilt(result: Result, targets: Sequence[Target]) -> Tilt:
    draws = [result.values(target.claim) for target in targets]
    pairs = list(zip(targets, draws, strict=True))
    return tilt(
        np.stack([target.numbers(x) for target, x in pairs]),
        np.array([target.goal for target in targets]),
        np.array([target.error(x, result.weights) for target, x in pairs]),
        result.weights,
    )


def _check_span(result: Result, target: Target) -> None:
    """Say that a hard target is beyond the draws while its place is still known."""
    draws = result.values(target.claim)
    if result.weights is not None:
        draws = draws[result.weights > 0.0]
    low, high = float(draws.min()), float(draws.max())
    soft = target.error(draws, None) > 0.0  # of a quantile there is none where no draw is near
    if soft or low < target.given < high or low == target.given == high:
        return
    hint = "prescribe its mean" if target.sd else "give it an error with sd="
    unit = next(claim.unit for claim in result.plan.claims if claim.name == target.claim)
    msg = (
        f"condition: found {_words(target, unit)}, which is outside what the {draws.size:,} draws "
        f"span, {low:,.6g} to {high:,.6g}; {hint}, or change the inputs"
    )
    raise ReesupplyError(msg)


def _check_size(done: Conditioning, least: float) -> None:
    draws, left, shape = done.weights.size, done.effective_draws, pareto_shape(done.weights)
    if not left >= least:
        msg = (
            f"condition: {left:,.1f} effective draws of {draws:,} would be left under "
            f"{done.text}, allowed are {least:g} or more; simulate about "
            f"{_round_up(draws * least / left):,} draws, give the targets an error with sd=, or "
            "change the inputs"
        )
        raise ReesupplyError(msg)
    limit = largest_shape(draws)
    said = []
    if left < FEW * draws:
        said.append(f"{left:,.0f} effective draws of {draws:,} are left ({left / draws:.1%})")
    if shape > limit:
        said.append(f"Pareto k of the weights is {shape:.2f}, above {limit:.2f}")
    if said:
        msg = (
            f"conditioned on {done.text}: {' and '.join(said)}; what it says rests on few draws, "
            "and to believe the targets is better put into the inputs"
        )
        warn(msg, ReesupplyWarning, stacklevel=4)


def _weighted(prior: Result, weights: FloatArray | None) -> Result:
    """Return the same run under other weights."""
    same: dict[str, Any] = {name: getattr(prior, name) for name in _OF_THE_RUN}
    found = Result(weights=weights, **same)
    found.traffic = prior.traffic
    return found


def _words(target: Target, unit: str) -> str:
    plain = f"{target.given:,.10g}" + (f" +- {target.sd:,.6g}" if target.sd else "")
    return f"{target.label} = {plain}{'' if unit == '1' else f' {unit}'}"


def _round_up(number: float) -> int:
    """Round up to a whole lane of 1,024 draws."""
    return 1024 * int(np.ceil(number / 1024.0))
