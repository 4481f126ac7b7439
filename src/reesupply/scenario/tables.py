"""
The tables of a scenario: one row model each, and the columns that identify a row.

A row model says which columns a table has, their types and their allowed values; the JSON Schema
and the data dictionary are generated from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reesupply.scenario.cells import (
    Date,
    Duration,
    Flag,
    Id,
    Ids,
    Life,
    NonNegative,
    Number,
    Shape,
    Share,
    Shift,
    Tonnes,
    Value,
    Volatility,
)

Bloc = Literal["china", "ex_china"]
Place = Literal["world", "china", "ex_china"]
Confidence = Literal["high", "medium", "low", ""]
Status = Literal[
    "operating",
    "commissioning",
    "construction",
    "feasibility",
    "prefeasibility",
    "scoping",
    "resource",
    "certain",
]


class Row(BaseModel):
    """A row of a table; every row says where its numbers come from."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False
    )

    source: Ids = Field((), description="ids of the table sources, or 'assumption'")
    confidence: Confidence = Field("", description="high, medium or low")
    note: str = Field("", description="what the number is; the reason of an assumption")


class Setting(Row):
    """A setting of the run; `first_year` is the base year, which the anchors are of."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: Literal["first_year", "last_year", "data_date", "vintage"]
    value: str = Field(description="a year, a date such as 2026-05-31, or a name")


class Element(Row):
    """A chemical element of the balance."""

    id: str = Field(pattern=r"^[A-Z][a-z]?$", description="symbol")
    name: str
    oxide: str = Field(description="formula of the oxide in trade")
    captive_ratio: NonNegative | None = Field(
        None,
        description="t of it per t of the heavy pair in captive supply; blank: part of the pair",
    )
    recovery_factor: Share | None = Field(
        None, description="its recovery over that of the refinery; blank: the same"
    )
    oxide_per_metal: float = Field(gt=1.0, lt=2.0, description="kg of oxide per kg of metal")


class Project(Row):
    """A mine, a refinery or a recycler; an integrated plant is two rows."""

    model_config = ConfigDict(extra="allow")
    # beside its own columns one for each element of the balance, named by the symbol
    __pydantic_extra__: dict[str, Tonnes] = Field(init=False)

    id: Id
    name: str
    owner: str = Field("", description="owners, joined by ';'")
    country: str = Field(description="where it is")
    bloc: Bloc = Field(description="a mine: who controls its concentrate; a plant: where it stands")
    kind: Literal["mine", "refinery", "recycler"] = Field(description="what it does")
    deposit: str = Field("", description="type of deposit or of feed")
    status: Status = Field(description="row of the table stages: how far it is")
    start: Date = Field(description="owner's date of first feed, decimal year")
    construction: Duration | None = Field(None, description="planned years of construction")
    heavy: Tonnes | None = Field(
        None, description="all elements of the balance in concentrate, t oxide/yr at nameplate"
    )
    dy_share: Share | None = Field(None, description="share of Dy in heavy")
    capacity: Tonnes | None = Field(
        None, description="separated oxide, t/yr; blank = no limit known"
    )
    recovery: Share | None = Field(None, description="oxide separated per oxide in concentrate")
    ramp: Id = Field("none", description="row of the table ramps")
    ramp_years: Duration | None = Field(None, description="length of a linear ramp, years")
    slip: Number | None = Field(
        None, description="slip of the start in place of its stage's, years"
    )
    schedule: NonNegative | None = Field(
        None, description="schedule factor in place of its stage's"
    )
    feeds: Ids = Field((), description="refineries under contract in order, or 'merchant'")
    may_leave: Flag = Field(False, description="concentrate may go to China")
    decided_with: Id | None = Field(None, description="row whose outcome and delay it shares")
    part_of: Id | None = Field(None, description="total of which the row is a share")
    growth: Number | None = Field(
        None, description="a part of a total: growth beside that of the total, 1/yr"
    )
    pad_life: Life | None = Field(None, description="a part of a total: life of a clay pad, yr")
    pads_renewed: NonNegative | None = Field(
        None, description="pads opened per pad worked out, from the base year on; blank: as many"
    )
    life: Duration | None = Field(None, description="years of output after first feed")
    reserves: float | None = Field(None, ge=0, le=1e7, description="oxide that can be mined, t")


class Stage(Row):
    """What happens to a project of a status after the data date."""

    id: Status = Field(description="status of a project")
    route: Literal["operating", "slip", "hazard", "certain"] = Field(
        description="runs already, starts late, still has to be decided, or starts on its date"
    )
    slip: Number | None = Field(None, description="years after the owner's date")
    decision_hazard: float | None = Field(
        None, gt=0, le=100, description="investment decisions per year"
    )
    abandon_hazard: float | None = Field(None, ge=0, le=100, description="abandonments per year")
    minimum_wait: float | None = Field(
        None, ge=0, le=50, description="least years from data date to decision"
    )
    schedule: NonNegative | None = Field(None, description="built over planned construction time")
    works: float = Field(ge=0, le=1, description="probability that the built plant works")


class RampClass(Row):
    """A ramp-up curve, t in months after first feed; U (1 - exp(-(t/tau)^beta)) for weibull."""

    id: Id
    name: str
    kind: Literal["weibull", "logistic", "gompertz"] = Field("weibull", description="its form")
    tau: float = Field(
        gt=0, le=600, description="months: time scale; logistic: inflection of the plain curve"
    )
    beta: float = Field(
        gt=0, le=10, description="weibull: shape; logistic: rate per month; gompertz: lag"
    )
    plateau: Share = Field(description="share of nameplate that the ramp-up reaches")
    creep: float = Field(0.0, ge=0, le=1, description="share of nameplate gained a year later on")
    creep_after: float = Field(36.0, ge=0, le=600, description="months after first feed")


class Ramp(Row):
    """How a plant ramps: at once, linearly over its ramp_years, or by a class drawn by weights."""

    id: Id
    kind: Literal["none", "linear", "classes"] = Field(
        description="at once, over ramp_years of the project, or by a class drawn once per plant"
    )
    classes: Ids = Field((), description="rows of the table ramp_classes")
    weights: Ids = Field((), description="probability of each class")


class Anchor(Row):
    """A level or parameter of the whole system."""

    id: Id
    value: Number = Field(description="in the unit of the row")
    unit: str = Field(description="unit of the value")


class EndUse(Row):
    """A group of goods that needs heavy rare earths."""

    id: Id
    name: str
    sector: Literal["auto", "auto-other", "wind", "other"] = Field(
        description="group that published claims speak of"
    )
    kind: Literal["magnet", "oxide"] = Field(
        description="magnet: activity x share x mass x fraction"
    )
    tonnes: float = Field(ge=0, description="t of magnet per unit of activity x magnet mass")
    process_loss: Flag = Field(description="the making of it leaves process scrap")
    stored: Flag = Field(
        False, description="bought to be kept: not scaled to the base year, never retired"
    )
    activity_history: Id | None = Field(None, description="series of history that its past follows")


class Trajectory(Row):
    """A parameter at an anchor year; between anchors it is linear at one quantile per draw."""

    end_use: Id = Field(description="row of the table end_uses, or 'all'")
    parameter: str = Field(pattern=r"^[a-z_]+$", description="what is given")
    bloc: Place = Field(description="where it holds")
    year: int = Field(ge=1990, le=2100, description="anchor year")
    value: NonNegative = Field(description="in the unit of the row")
    unit: str = Field(description="unit of the value")


class Growth(Row):
    """Error of the outlook of an activity, fitted to its history."""

    end_use: Id = Field(description="row of the table end_uses")
    series: Id = Field(
        description="series of history it was fitted to; rows of one series err alike"
    )
    since: int = Field(ge=1990, le=2100, description="last year observed or nowcast")
    volatility: Volatility = Field(description="sd of yearly growth, 1/yr; 0: no error")
    increments: float = Field(
        gt=0, le=1000, description="yearly increments that the mean growth comes from"
    )
    ceiling: NonNegative | None = Field(
        None, description="level at which the market is full; blank: none"
    )


class Lifetime(Row):
    """How long the goods of an end use stay in use (Weibull)."""

    end_use: Id = Field(description="row of the table end_uses")
    mean: Life = Field(description="mean lifetime, years")
    shape: Shape = Field(description="Weibull shape")


class Loading(Row):
    """How strongly an input follows a named factor."""

    factor: Id = Field(description="name of the factor")
    input: str = Field(
        pattern=r"^[a-z0-9_.*-]+$", description="name of an input; * stands for any part"
    )
    loading: float = Field(
        ge=-1, le=1, description="correlation of the input's normal score with the factor"
    )


class Knob(Row):
    """A belief about several inputs at once; turned, it moves the centre of all of them."""

    id: Id
    name: str = Field(description="what is believed of it when it is turned up")
    shift: Shift = Field(0.0, description="how far its inputs move together; shift^2/2 nats")


class KnobInput(Row):
    """An input that a knob moves, in normal scores, before named factors are mixed in."""

    knob: Id = Field(description="row of the table knobs")
    input: str = Field(
        pattern=r"^[a-z0-9_.*-]+$", description="name of an input or factor; * stands for any part"
    )
    weight: float = Field(
        ge=-1, le=1, description="how far beside the others; their squares are scaled to sum to 1"
    )


class Event(Row):
    """Something that happens to a row at a date."""

    id: Id
    kind: Literal["outage"] = Field(description="output is lost for a while")
    target: str = Field(description="projects.<id>")
    start: Date = Field(description="when it begins, decimal year")
    years: Duration = Field(description="how long it lasts, years")
    probability: float = Field(ge=0, le=1, description="chance that it happens")
    remaining: Share = Field(0.0, description="share of the output that goes on")


class Disruption(Row):
    """A two-state process, open or shut, of a part of the captive supply."""

    id: Id
    target: str = Field(description="projects.<id>")
    first_year: int = Field(ge=2024, le=2100, description="first year that it can be shut")
    shuts: Share = Field(description="probability per year that it shuts when open")
    stays_shut: Share = Field(description="probability per year that it stays shut")
    remaining: Share = Field(description="share of its output in a shut year")
    replaced: Share = Field(description="share of the shortfall that other captive feed replaces")


class Target(Row):
    """A published claim in one reading."""

    claim: Id = Field(description="what is claimed")
    reading: Id = Field(description="one way to read it")
    preferred: Flag = Field(False, description="the reading fixed before the run")
    publisher: str = Field(description="who says it")
    published: str = Field(description="year, month or day")
    title: str = Field(description="the claim in one line")
    quantity: Literal[
        "deficit",
        "cumulative_deficit",
        "demand",
        "supply",
        "primary_supply",
        "mine_share_of_need",
        "china_share_of_need",
        "china_share_of_refining",
    ] = Field(description="quantity of the model that it is compared with")
    year: int = Field(description="calendar year of the claim")
    element: str = Field("", description="symbol; blank = all elements of the balance")
    place: Literal["world", "ex_china"] = Field("world", description="whose quantity")
    need: Literal["use", "making", ""] = Field(
        "", description="by where goods are used, or magnets made"
    )
    sectors: Ids = Field((), description="sectors of the end uses; blank = all")
    basis: Literal["gross", "net", "primary", "contained"] = Field(
        "gross", description="scrap included, less new scrap, less all scrap, or in finished goods"
    )
    value: float = Field(description="in the unit of the row")
    unit: str = Field(description="unit of the value")


class Observation(Row):
    """A value of an observed or reconstructed series."""

    series: Id = Field(description="name of the series")
    period: str = Field(description="year, month, or first and last year")
    element: str = Field("", description="symbol or group; blank = not an element")
    region: str = Field("", description="country, bloc or world")
    value: Number | None = Field(None, description="in the unit of the row")
    low: Number | None = Field(None, description="low end of what the source gives")
    high: Number | None = Field(None, description="high end of what the source gives")
    unit: str = Field("", description="unit of value, low and high")
    kind: Literal["observed", "reconstructed", "forecast-scenario"] = Field(
        "observed", description="counted, estimated, or somebody's outlook"
    )


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table: its row model, the columns that identify a row, and what it is."""

    row: type[Row]
    keys: tuple[str, ...]
    title: str


TABLES: dict[str, TableSpec] = {
    "settings": TableSpec(Setting, ("id",), "Years and data date of the run"),
    "elements": TableSpec(Element, ("id",), "Elements and their oxides"),
    "projects": TableSpec(Project, ("id",), "Mines, refineries and recyclers"),
    "stages": TableSpec(Stage, ("id",), "Chances and delays by status"),
    "ramp_classes": TableSpec(RampClass, ("id",), "Ramp-up curves"),
    "ramps": TableSpec(Ramp, ("id",), "Mixtures of ramp-up curves"),
    "anchors": TableSpec(Anchor, ("id",), "Base-year levels and parameters of the whole system"),
    "end_uses": TableSpec(EndUse, ("id",), "Goods that need heavy rare earths"),
    "trajectories": TableSpec(
        Trajectory, ("end_use", "parameter", "bloc", "year"), "Parameters of demand by anchor year"
    ),
    "growth": TableSpec(Growth, ("end_use",), "Errors of the outlooks of activity"),
    "recycling": TableSpec(
        Trajectory,
        ("end_use", "parameter", "bloc", "year"),
        "Parameters of recycling by anchor year",
    ),
    "lifetimes": TableSpec(Lifetime, ("end_use",), "Lifetimes of goods in use"),
    "factors": TableSpec(Loading, ("factor", "input"), "Loadings of inputs on named factors"),
    "knobs": TableSpec(Knob, ("id",), "Beliefs about several inputs at once"),
    "knob_inputs": TableSpec(KnobInput, ("knob", "input"), "Inputs that a knob moves"),
    "disruptions": TableSpec(Disruption, ("id",), "Two-state disruptions of captive supply"),
    "events": TableSpec(Event, ("id",), "Dated events"),
    "targets": TableSpec(Target, ("claim", "reading"), "Published claims and their readings"),
    "history": TableSpec(Observation, ("series", "period"), "Observed and reconstructed series"),
}

Key = tuple[str, ...]
Table = dict[Key, Any]


def key_of(row: Row, spec: TableSpec) -> Key:
    """Return the values of the key columns of a row as strings."""
    return tuple(str(getattr(row, name)) for name in spec.keys)


def columns_of(spec: TableSpec) -> tuple[str, ...]:
    """Return the columns of a table: keys first, provenance last."""
    names = list(spec.row.model_fields)
    last = [name for name in ("source", "confidence", "note") if name in names]
    return (*(n for n in names if n not in last), *last)


__all__ = ["TABLES", "Key", "Row", "Table", "TableSpec", "Value", "columns_of", "key_of"]
