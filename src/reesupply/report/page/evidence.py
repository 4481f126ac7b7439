"""What a page is about, computed once; what cannot be computed is the sentence that says why."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from reesupply.analysis.claims import current_claims, shipped_discrepancies
from reesupply.analysis.condition import Target, largest_shape
from reesupply.analysis.condition.conditioning import FEW
from reesupply.analysis.decompose import decompose
from reesupply.analysis.decompose.door import DRAWS as BETWEEN
from reesupply.analysis.matching import history_match, read_shift
from reesupply.analysis.sensitivity import sensitivity, value_of_information
from reesupply.analysis.verification import VINTAGES, verify
from reesupply.analysis.verification.door import DRAWS as HINDCASTS
from reesupply.errors import ReesupplyError, ReesupplyWarning
from reesupply.report.page.names import claim_words, shipped_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from reesupply.analysis.condition import Conditioning
    from reesupply.analysis.decompose import Decomposition
    from reesupply.analysis.matching import HistoryMatch, LeastShift
    from reesupply.analysis.reproduction import Reproduction
    from reesupply.analysis.verification import Verification
    from reesupply.result import Result

Found = TypeVar("Found")

#: The scenarios that the page goes to: how a consultancy may have counted, and the least shift of
#: our inputs that meets the claims.
READING, CONSISTENT = "cru-reading", "cru-consistent"


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How much is computed beside the run itself.

    Attributes
    ----------
    between : int
        Draws of each run between two scenarios; 0 for deterministic runs.
    vintages : tuple of int
        Ends of the years from which forecasts are made again.
    hindcasts : int
        Draws of each of them.
    seed : int
        Of them: the same for every run, as they do not depend on the scenario.
    """

    between: int = BETWEEN
    vintages: tuple[int, ...] = VINTAGES
    hindcasts: int = HINDCASTS
    seed: int = 2035


class Outcome(NamedTuple):
    """Balance of a year, all elements together: P5, P50, P95 [t oxide] and chance of a deficit."""

    low: float
    middle: float
    high: float
    chance: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A published claim in its preferred reading."""

    name: str
    publisher: str
    said: str
    value: float
    unit: str
    year: int
    quantity: str


@dataclass(frozen=True, slots=True)
class Belief:
    """
    What follows if claims are right.

    Attributes
    ----------
    claims : tuple of Claim
        Those that are taken to be right, as means.
    result : Result or None
        The run under weights that make them so; None where it was refused.
    said : str
        The refusal, or nothing.
    soft : bool
        Whether the claims have errors.
    """

    claims: tuple[Claim, ...]
    result: Result | None
    said: str
    soft: bool

    @property
    def conditioning(self) -> Conditioning | None:
        """What that does to draws and inputs."""
        return None if self.result is None else self.result.conditioning

    @property
    def verdict(self) -> str:
        """What the weights can bear, in a few words."""
        done = self.conditioning
        if done is None:
            return "refused"
        value = done.diagnostics["value"]
        faults = {
            "few draws": value["effective share"] < FEW,
            "heavy tail": value["Pareto k"] > largest_shape(done.weights.size),
        }
        return ", ".join(fault for fault, there in faults.items() if there) or "sound"

    @property
    def label(self) -> str:
        """Whose claims they are, in a few words."""
        if len(self.claims) > 1:
            return "all of them within their errors" if self.soft else "all of them"
        return claim_words(self.claims[0])


@dataclass(frozen=True)
class Evidence:
    """
    All that a page says.

    Attributes
    ----------
    found : Reproduction
        An untuned run beside the published claims.
    date : str
        When the page is written, ISO 8601.
    effort : Effort
        How much is computed beside the run.

    Raises
    ------
    ReesupplyError
        If the run has weights: the page conditions by itself, and shows both.
    """

    found: Reproduction
    date: str
    effort: Effort = field(default_factory=Effort)

    def __post_init__(self) -> None:
        if self.result.weights is not None:
            msg = (
                "report: found a conditioned result, allowed is the run before it, "
                "result.conditioning.prior; the page conditions by itself"
            )
            raise ReesupplyError(msg)

    @property
    def result(self) -> Result:
        """The run."""
        return self.found.result

    @property
    def last(self) -> int:
        """Last year of the run."""
        return self.result.plan.years[-1]

    @cached_property
    def outcome(self) -> Outcome:
        """The balance of the last year."""
        return outcome(self.result, self.result.all_elements)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """The outlooks of today, each in its preferred reading, as far as the run has them."""
        scenario = self.result.plan.scenario
        rows = {f"{row.claim}.{row.reading}": row for row in scenario.rows("targets")}
        given = {claim.name for claim in self.result.plan.claims}
        return tuple(
            Claim(name, row.publisher, row.title, row.value, row.unit, row.year, row.quantity)
            for name in current_claims(scenario)
            if name in given
            for row in [rows[name]]
        )

    def row(self, claim: Claim) -> dict[str, Any]:
        """Row of a claim in the table of the reproduction."""
        table = self.found.claims
        names = [f"{name}.{reading}" for name, reading in table.index]
        return dict(table.iloc[names.index(claim.name)])

    @cached_property
    def deficit(self) -> Claim | None:
        """The first claim of a deficit in the last year, if there is one."""
        found = (c for c in self.claims if c.quantity == "deficit" and c.year == self.last)
        return next(found, None)

    @cached_property
    def beliefs(self) -> tuple[Belief, ...]:
        """Each claim as a mean, and all of them: within their errors, and last exactly."""
        sets: list[tuple[Claim, ...]] = [(claim,) for claim in self.claims]
        if len(self.claims) > 1:
            sets.append(self.claims)
        found = [believe(self.result, each) for each in sets]
        errors = shipped_discrepancies()
        if len(self.claims) > 1 and all(claim.name in errors for claim in self.claims):
            found.insert(-1, believe(self.result, self.claims, errors))
        return tuple(found)

    @cached_property
    def groups(self) -> pd.DataFrame | str:
        """What moves the balance of the last year, by group of inputs."""
        return attempt(lambda: sensitivity(self.result))

    @cached_property
    def inputs(self) -> pd.DataFrame | str:
        """What moves the balance of the last year, input by input."""
        return attempt(lambda: sensitivity(self.result, by="input"))

    @cached_property
    def thresholds(self) -> tuple[float, ...]:
        """Deficits that a decision may hang on: any, and the published one of the last year."""
        return (0.0,) if self.deficit is None else (0.0, self.deficit.value)

    @cached_property
    def information(self) -> tuple[pd.DataFrame | str, ...]:
        """For each threshold, what it is worth to know a group of inputs."""
        return tuple(
            attempt(partial(value_of_information, self.result, below=-limit))
            for limit in self.thresholds
        )

    @cached_property
    def between(self) -> Decomposition | str:
        """What lies between this scenario and a reading of the consultancy's."""
        first = shipped_name(self.result.plan.hash) or self.result.plan
        return attempt(
            lambda: decompose(first, READING, draws=self.effort.between, rng=self.result.entropy)
        )

    @cached_property
    def shift(self) -> LeastShift | str:
        """The least shift of the inputs that meets the claims, as shipped."""
        return attempt(
            lambda: read_shift(
                CONSISTENT,
                self.result.plan.scenario,
                draws=self.result.draws,
                rng=self.result.entropy,
            )
        )

    @cached_property
    def match(self) -> HistoryMatch | str:
        """Which settings of a few knobs are consistent with the claims."""
        return attempt(
            lambda: history_match(
                self.result.plan.scenario, draws=self.result.draws, rng=self.result.entropy
            )
        )

    @cached_property
    def record(self) -> Verification:
        """Forecasts made again from past vintages, scored; the same for every scenario."""
        effort = self.effort
        return verify(effort.vintages, draws=effort.hindcasts, rng=effort.seed)


def outcome(result: Result, element: str) -> Outcome:
    """
    Return the balance of the last year.

    Parameters
    ----------
    result : Result
        A run that kept its balance.
    element : str
        An element, or the sum of all.

    Returns
    -------
    Outcome
    """
    last = result.plan.years[-1]
    ends = [result.quantile("balance", q, year=last, element=element) for q in (0.05, 0.5, 0.95)]
    chance = result.probability("balance", below=0.0, year=last, element=element)
    low, middle, high = (float(x) for x in ends)
    return Outcome(low, middle, high, float(chance))


def attempt(compute: Callable[[], Found]) -> Found | str:
    """
    Return what was computed, or the sentence that says why it cannot be.

    Parameters
    ----------
    compute : function
        Without arguments.

    Returns
    -------
    object or str
    """
    try:
        return compute()
    except ReesupplyError as error:
        return str(error)


def believe(
    result: Result, claims: tuple[Claim, ...], errors: Mapping[str, float] | None = None
) -> Belief:
    """
    Condition a run on claims; a refusal is an answer.

    Parameters
    ----------
    result : Result
        A run without weights that kept its claims.
    claims : tuple of Claim
        What is taken to be right.
    errors : mapping of str to float, optional
        Standard deviation of the error of each, by name.

    Returns
    -------
    Belief
    """
    targets = [Target(claim.name, sd=(errors or {}).get(claim.name, 0.0)) for claim in claims]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReesupplyWarning)  # the verdict of a belief says it
        found = attempt(lambda: result.condition(*targets))
    soft = errors is not None
    if isinstance(found, str):
        return Belief(claims, None, found, soft)
    return Belief(claims, found, "", soft)
