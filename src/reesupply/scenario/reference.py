"""Row models of the shipped tables that no scenario changes: sources, prices, records."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reesupply.scenario.cells import Flag, Id, Ids, NonNegative  # noqa: TC001 - pydantic reads them
from reesupply.scenario.tables import Row, Status, TableSpec

PERIOD = r"^[0-9]{4}(-[0-9]{2}){0,2}$"


class Source(Row):
    """Where a number comes from; every other table refers to it by id."""

    id: Id
    title: str = Field(description="title of the page, article or study")
    publisher: str = Field(description="who published it")
    url: str = Field("", description="address at which it was read; blank = on paper or not stored")
    date: str = Field("", pattern=PERIOD, description="year, month or day; blank = not given")
    note: str = Field("", description="what it was read for")


class Price(Row):
    """A published price; markets differ in place, tax and terms and are never mixed."""

    element: str = Field(description="symbol, or the group that is priced")
    market: Id = Field(description="place and terms of the quotation")
    period: str = Field(pattern=PERIOD, description="year or month")
    price: float = Field(ge=0, description="currency per unit")
    low: float | None = Field(None, ge=0, description="low end as printed")
    high: float | None = Field(None, ge=0, description="high end as printed")
    currency: Literal["CNY", "USD", "ratio"] = Field(description="ISO code, or ratio")
    unit: str = Field(description="what one buys for the price")


class Delay(Row):
    """A promised date and what became of it; slips and hazards are judged against these."""

    id: Id
    project: str = Field(description="plant or mine as promised")
    plant_type: Literal["mine", "refinery", "add-on", "integrated"] = Field(
        description="what was promised; an add-on is a circuit of a running plant"
    )
    stage_when_announced: str = Field(description="how far it was, as status of projects")
    promised_from: float | None = Field(None, description="when it was promised, decimal year")
    announced_start: float | None = Field(None, description="promised first feed, decimal year")
    actual_start: float | None = Field(None, description="first feed, decimal year; blank = none")
    outcome: Literal["started", "pending", "failed", "cancelled", "blocked"] = Field(
        description="what became of it"
    )
    known_at: float = Field(description="date of the outcome as known here, decimal year")
    slip_years: float | None = Field(
        None, description="years after the promise; where censored, at least as known"
    )
    censored: Flag = Field(description="whether the start still lies ahead or never came")
    nameplate_reached: float | None = Field(None, ge=0, description="best share of nameplate")


class Forecast(Row):
    """An earlier forecast and, where its year has passed, what happened."""

    id: Id
    publisher: str = Field(description="who made it")
    issued: str = Field(pattern=PERIOD, description="year or month")
    quantity: str = Field(description="what is forecast")
    element: str = Field(description="symbol or group")
    region: str = Field(description="country, bloc or world")
    target_year: int = Field(ge=1990, le=2100, description="year for which it was made")
    value: float | None = Field(None, description="in the unit of the row; blank = only a range")
    low: float | None = Field(None, description="low end")
    high: float | None = Field(None, description="high end")
    unit: str = Field(description="unit of value, low and high")
    basis: Literal["gross", "net", "primary", "unknown"] = Field(description="as in targets")
    outcome: float | None = Field(None, description="what happened, in outcome_unit")
    outcome_unit: str = Field("", description="unit of the outcome")
    verdict: str = Field(description="over, under, close, or why it is not scored")
    series: str = Field("", description="series of history that it forecasts; blank = none there")
    form: Literal["level", "growth", "rise", "times"] | None = Field(
        None, description="the value itself, or % a year, an addition, or a multiple from since on"
    )
    since: int | None = Field(
        None, ge=1990, le=2100, description="year from which it grows; blank = a level"
    )


class Earlier(Row):
    """A value of a series from before the table history begins; only hindcasts read it."""

    series: Id = Field(description="series of the table history")
    period: int = Field(ge=1990, le=2100, description="year")
    value: float = Field(gt=0, description="in the unit of the series")
    low: float | None = Field(None, ge=0, description="low end as printed")
    high: float | None = Field(None, ge=0, description="high end as printed")
    unit: str = Field(description="unit of value, low and high, that of the series")


class PressClaim(Row):
    """A claim of the press on supply, checked; both sides keep their sources."""

    id: Id
    claim: str = Field(description="what was written")
    claimed_value: str = Field(description="the figure as printed")
    correction: str = Field(description="what other sources say")
    status: Literal["confirmed", "partly", "wrong", "unverified", "not-relevant"] = Field(
        description="verdict"
    )
    correction_source: Ids = Field((), description="sources of the correction")


class LeftOut(Row):
    """A project that is known but not in projects, and why."""

    id: Id
    name: str = Field(description="name")
    owner: str = Field(description="owners")
    country: str = Field(description="where it is")
    kind: str = Field(description="what it is")
    reason: str = Field(description="why it is left out")


class Prior(Row):
    """What is believed before a record is read, and how far it may be wrong."""

    id: Id
    value: NonNegative = Field(description="number or distribution")
    unit: str = Field(description="unit of the value")


class Discrepancy(Row):
    """How far a model that is right about the future may miss a published claim."""

    claim: Id = Field(description="row of the table targets")
    reading: Id = Field(description="row of the table targets")
    sd: float = Field(gt=0, description="standard deviation, in the unit of the row")
    unit: str = Field(description="unit of the claim")


class Dimension(Row):
    """Sobol dimension of an input; rows are only ever added, so that runs stay comparable."""

    dimension: int = Field(ge=0, description="number of the dimension")
    input: str = Field(description="name of the input")


class Announced(Row):
    """A project as its owner announced it at a vintage, without hindsight; for the back-test."""

    vintage: float = Field(ge=1990, le=2100, description="when it was known, decimal year")
    id: Id
    name: str
    country: str = Field(description="where it is")
    kind: Literal["mine", "refinery", "add-on", "integrated"] = Field(description="what it does")
    status: Status = Field(description="how far it was, as status of projects")
    start: float = Field(ge=1900, le=2200, description="announced first feed, decimal year")
    construction: float = Field(ge=0, le=20, description="planned years of construction")
    nameplate: float = Field(ge=0, le=1e6, description="all rare earths, t REO/yr")
    ramp: Id = Field(description="row of the table ramps")
    ramp_years: float = Field(ge=0, le=20, description="announced years from first feed to rate")
    decided_with: Id | None = Field(None, description="row whose outcome and delay it shares")


class GenericStage(Row):
    """What happens to a project in mining at large; nothing in it is fitted on rare earths."""

    id: Status = Field(description="status of a project")
    route: Literal["operating", "slip", "hazard"] = Field(
        description="runs already, starts late, or still has to be decided"
    )
    decision_hazard: float | None = Field(None, gt=0, description="investment decisions per year")
    abandon_hazard: float | None = Field(None, ge=0, description="abandonments per year")
    minimum_wait: float | None = Field(None, ge=0, description="least years to the decision")
    schedule: NonNegative | None = Field(None, description="built over planned construction time")
    works: float = Field(ge=0, le=1, description="probability that the built plant works")


class Validation(Row):
    """A published number that the library is run against, and what became of it."""

    case: Id = Field(description="numbers that share their inputs")
    quantity: Id = Field(description="number of the case")
    what: str = Field(description="the number in words")
    kind: Literal["published", "by-hand", "closed-form"] = Field(
        description="by others, worked out for this project before the library, or mathematics"
    )
    part: str = Field(description="part of the library that is tried")
    inputs: str = Field("", description="from what it is computed; blank = it is not")
    expected: float = Field(description="as published")
    unit: str = Field(description="unit of expected, tolerance and found")
    tolerance: float | None = Field(
        None, ge=0, description="miss that the source's digits or its claim of accuracy allow"
    )
    relative: Flag = Field(False, description="whether the tolerance is a share of expected")
    verdict: Literal["reproduced", "differs", "set", "partial", "not-public"] = Field(
        description="within or beyond the tolerance, used to set inputs of the case, only part of "
        "the inputs is at hand, or none is public; only the first counts as reproduced"
    )
    found: float | None = Field(
        None, description="ours, where it differs or only stands beside; a test holds it"
    )


class ValidationInput(Row):
    """An input of a case of validation; several rows of one name are a series, in their order."""

    case: Id = Field(description="case of the table validation")
    name: str = Field(description="of the input")
    step: int = Field(ge=0, description="place in a series; 0 for a single value")
    value: float = Field(description="in its unit")
    unit: str = Field(description="unit of the value")


#: Tables that no scenario changes.
OTHER_TABLES = {
    "sources": TableSpec(Source, ("id",), "Sources"),
    "prices": TableSpec(Price, ("element", "market", "period"), "Price history"),
    "delays": TableSpec(Delay, ("id",), "Promised dates and what became of them"),
    "pipelines": TableSpec(Announced, ("vintage", "id"), "Projects as announced at a vintage"),
    "generic_stages": TableSpec(GenericStage, ("id",), "Chances and delays in mining at large"),
    "forecasts": TableSpec(Forecast, ("id",), "Earlier forecasts and their outcome"),
    "early_history": TableSpec(Earlier, ("series", "period"), "Values before history begins"),
    "press_claims": TableSpec(PressClaim, ("id",), "Claims of the press, checked"),
    "left_out": TableSpec(LeftOut, ("id",), "Projects left out"),
    "priors": TableSpec(Prior, ("id",), "Priors of fitted parameters"),
    "validation": TableSpec(Validation, ("case", "quantity"), "Published numbers, run against"),
    "validation_inputs": TableSpec(
        ValidationInput, ("case", "name", "step"), "Inputs of the cases of validation"
    ),
    "discrepancies": TableSpec(
        Discrepancy, ("claim", "reading"), "Discrepancies of claims, for history matching"
    ),
    "dimensions": TableSpec(Dimension, ("dimension",), "Sobol dimensions of inputs"),
}
