"""What a run computes: name, axes, unit and meaning of every variable."""

from __future__ import annotations

from dataclasses import dataclass

FLOW, MASS = "t oxide/yr", "t oxide"
BLOC, ELEMENT, YEAR = "bloc", "element", "year"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable; draws are always its last axis."""

    dims: tuple[str, ...]
    units: str
    long_name: str


_PLACED = (BLOC, ELEMENT, YEAR)
_WORLD = (ELEMENT, YEAR)

DATA = {
    "demand": Variable(_PLACED, FLOW, "gross oxide bought by makers in the bloc"),
    "use_demand": Variable(
        _PLACED, FLOW, "gross oxide demand by where the finished goods are used"
    ),
    "mine_supply": Variable(
        _PLACED, FLOW, "separated oxide traced to mines whose concentrate the bloc controls"
    ),
    "refined_supply": Variable(
        _PLACED, FLOW, "separated oxide from mined feed by where it is separated"
    ),
    "recycled_new_scrap": Variable(_PLACED, FLOW, "oxide recovered from process scrap"),
    "recycled_end_of_life": Variable(
        _PLACED, FLOW, "oxide recovered from goods at the end of life"
    ),
    "lost_new_scrap": Variable(_PLACED, FLOW, "oxide in process scrap that is not recovered"),
    "retired": Variable(_PLACED, FLOW, "oxide in goods leaving use"),
    "lost_end_of_life": Variable(
        _PLACED, FLOW, "oxide in goods that left use and is not recovered"
    ),
    "balance": Variable(_WORLD, FLOW, "supply less gross demand; a deficit is negative"),
    "surplus_stock": Variable(_WORLD, MASS, "stock of past surpluses less later deficits"),
    "concentrate_stock": Variable(_WORLD, MASS, "oxide in concentrate that nobody could process"),
    "in_use_stock": Variable(_WORLD, MASS, "oxide in goods in use at the end of the year"),
    "scrap_stock": Variable(_WORLD, MASS, "oxide in scrap on its way to oxide, end of the year"),
    "bottom_up_demand": Variable(
        (ELEMENT,), FLOW, "gross demand of the base year before it is scaled"
    ),
    "base_year_factor": Variable(
        (ELEMENT,), "1", "factor on bottom-up demand that meets the base year"
    ),
}

PROJECT = {
    "output": Variable(
        ("project", ELEMENT, YEAR), FLOW, "a mine: oxide in concentrate dug in the year"
    ),
    "separated": Variable(
        ("project", ELEMENT, YEAR), FLOW, "separated oxide traced to the mine, wherever separated"
    ),
    "capacity": Variable(("project", YEAR), FLOW, "a refinery or recycler: ramped capacity"),
    "throughput": Variable(("project", YEAR), FLOW, "a refinery: oxide in concentrate processed"),
    "operating": Variable(
        ("project", YEAR), "1", "1 where first feed came before the end of the year"
    ),
}

END_USE = {
    "demand": Variable(
        ("end_use", ELEMENT, YEAR), FLOW, "gross oxide demand, scaled to the base year"
    ),
    "contained": Variable(("end_use", ELEMENT, YEAR), FLOW, "oxide in finished goods entering use"),
    "retired": Variable(("end_use", ELEMENT, YEAR), FLOW, "oxide in goods leaving use"),
    "stock": Variable(("end_use", ELEMENT, YEAR), MASS, "oxide in goods in use, end of the year"),
    "activity": Variable(
        ("end_use", YEAR), "units of the end use", "activity; 0 where oxide is given"
    ),
    "magnets": Variable(
        ("end_use", YEAR), "t/yr", "finished magnets, not scaled; 0 where oxide is given"
    ),
    "making_outside": Variable(("end_use", YEAR), "1", "share made outside China"),
    "use_outside": Variable(("end_use", YEAR), "1", "share of the goods used outside China"),
}

#: Every variable by the name under which `keep` takes it.
VARIABLES: dict[str, Variable] = {
    **DATA,
    **{f"project.{name}": variable for name, variable in PROJECT.items()},
    **{f"end_use.{name}": variable for name, variable in END_USE.items()},
}
