"""When projects start: the owner's schedule, closed forms, and dates that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reesupply.models.pipeline import (
    decided,
    delay_under,
    first_feed_after_decision,
    first_feed_slipped,
    succeeds,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

DATA_DATE = 2026.41
DATES = st.floats(2015.0, 2045.0)
YEARS = st.floats(0.0, 15.0)

#: Hazards of decision and abandonment by stage, and P(decision) after 3, 5, 8 years and ever, as
#: printed in the table of stages: feasibility, prefeasibility, scoping, resource.
STAGES = [
    (0.18, 0.10, (0.37, 0.48, 0.57), 0.64),
    (0.08, 0.12, (0.18, 0.25, 0.32), 0.40),
    (0.04, 0.12, (0.10, 0.14, 0.18), 0.25),
    (0.015, 0.10, (0.04, 0.06, 0.08), 0.13),
]


def decided_by(decide: float, abandon: float, years: float) -> float:
    """Probability of a decision within so many years, of two competing hazards."""
    both = decide + abandon
    return float(decide / both * -np.expm1(-both * years))


def sampled_decisions(decide: float, abandon: float, n: int, seed: int) -> FloatArray:
    """Dates of decision from uniform numbers: no time of construction, no least wait."""
    uniform = np.random.default_rng(seed).random((2, n))
    both = decide + abandon
    return first_feed_after_decision(
        DATA_DATE,
        0.0,
        -np.log1p(-uniform[0]),
        uniform[1] < decide / both,
        1.0,
        1.0,
        hazard=both,
        minimum_wait=0.0,
        data_date=DATA_DATE,
    )


# ----------------------------------------------------------------------- the owner's schedule


@given(start=DATES, construction=YEARS, wait=st.floats(0.0, 50.0))
def test_the_announced_schedule_comes_back(start: float, construction: float, wait: float) -> None:
    """
    An infinite hazard, no least wait and a schedule factor of 1 give the owner's date, or the
    data date where that has passed (methods, section 2). To 1e-9 years, a thirtieth of a second.
    """
    first = first_feed_after_decision(
        start,
        construction,
        wait,
        1.0,
        1.0,
        1.0,
        hazard=np.inf,
        minimum_wait=0.0,
        data_date=DATA_DATE,
    )
    assert abs(float(first) - max(start, DATA_DATE)) <= 1e-9


@given(start=DATES)
def test_no_slip_gives_the_announced_date(start: float) -> None:
    """A plant being built without slip starts when its owner says, or at the data date."""
    assert float(first_feed_slipped(start, 0.0, 1.0, DATA_DATE)) == max(start, DATA_DATE)


def test_a_project_by_hand() -> None:
    """
    Promised for 2030 with two years of construction, decided 0.3/0.2 = 1.5 years after 2028,
    built in 1.25 x the time: 2028 + 1.5 + 2.5 = 2032.
    """
    first = first_feed_after_decision(
        2030.0, 2.0, 0.3, 1, 1.25, 1, hazard=0.2, minimum_wait=0.5, data_date=2026.0
    )
    assert float(first) == pytest.approx(2032.0, abs=1e-9)


# -------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize(("decide", "abandon", "by", "ever"), STAGES)
def test_the_closed_form_is_the_published_table(
    decide: float, abandon: float, by: tuple[float, ...], ever: float
) -> None:
    """P = h_F/(h_F+h_A) (1 - exp(-(h_F+h_A) t)) gives the printed two digits."""
    for years, expected in zip((3.0, 5.0, 8.0), by, strict=True):
        assert abs(decided_by(decide, abandon, years) - expected) <= 0.0051
    assert abs(decided_by(decide, abandon, np.inf) - ever) <= 0.0051


@pytest.mark.parametrize(("decide", "abandon"), [stage[:2] for stage in STAGES])
def test_decisions_come_as_often_as_two_hazards_say(decide: float, abandon: float) -> None:
    """The frequency of a decision within 1 to 20 years and ever, within 4 standard errors."""
    n = 60_000
    decision = sampled_decisions(decide, abandon, n, seed=20350)
    for years in (1.0, 3.0, 5.0, 8.0, 20.0, np.inf):
        expected = decided_by(decide, abandon, years)
        happened = np.isfinite(decision) & (decision - DATA_DATE <= years)
        error = np.sqrt(expected * (1.0 - expected) / n)
        assert abs(happened.mean() - expected) <= 4.0 * error


@pytest.mark.parametrize(("decide", "abandon"), [stage[:2] for stage in STAGES])
def test_the_wait_of_a_decided_project_is_exponential(decide: float, abandon: float) -> None:
    """Given a decision, its wait has mean and sd 1/(h_F+h_A): abandonment shortens it."""
    decision = sampled_decisions(decide, abandon, 60_000, seed=1875)
    wait = (decision[np.isfinite(decision)] - DATA_DATE) * (decide + abandon)
    root = np.sqrt(wait.size)
    assert abs(wait.mean() - 1.0) <= 4.0 / root
    assert abs(wait.std() - 1.0) <= 4.0 * np.sqrt(2.0) / root  # kurtosis 9: var(sd) = 2/n


# ------------------------------------------------------------------------- for any project


@given(
    start=DATES,
    construction=YEARS,
    wait=st.floats(0.0, 30.0),
    schedule=st.floats(0.85, 3.0),
    hazard=st.floats(0.05, 5.0),
    minimum_wait=st.floats(0.0, 3.0),
)
def test_a_decided_project_within_its_bounds(
    *,
    start: float,
    construction: float,
    wait: float,
    schedule: float,
    hazard: float,
    minimum_wait: float,
) -> None:
    """
    Never before the data date and the least wait, never before the owner's date unless it is
    built faster than planned, and no construction longer than what was left until that date.
    """
    first = float(
        first_feed_after_decision(
            start,
            construction,
            wait,
            1,
            schedule,
            1,
            hazard=hazard,
            minimum_wait=minimum_wait,
            data_date=DATA_DATE,
        )
    )
    left = max(start - DATA_DATE, 0.0)
    build = min(construction, left)
    decision = first - build * schedule
    assert first >= DATA_DATE + minimum_wait - 1e-9
    assert decision >= DATA_DATE + minimum_wait + wait / hazard - 1e-9
    assert decision >= start - build + wait / hazard - 1e-9
    assert abs(decision - wait / hazard - max(start - build, DATA_DATE + minimum_wait)) <= 1e-9
    assert not schedule >= 1.0 or first >= start - 1e-9


@given(start=DATES, construction=YEARS, more=st.floats(0.0, 20.0))
def test_construction_is_capped_at_the_time_left(
    start: float, construction: float, more: float
) -> None:
    """Planned construction longer than from the data date to the owner's date changes nothing."""
    left = max(start - DATA_DATE, 0.0)
    assume(construction >= left)

    def first(years: float) -> float:
        return float(
            first_feed_after_decision(
                start, years, 1.0, 1, 1.5, 1, hazard=0.5, minimum_wait=0.25, data_date=DATA_DATE
            )
        )

    assert first(construction) == first(construction + more) == first(left)
    assert first(left) == pytest.approx(DATA_DATE + 0.25 + 2.0 + 1.5 * left, abs=1e-9)


@given(start=DATES, slip=st.floats(-3.0, 10.0))
def test_a_slip_never_leads_into_the_past(start: float, slip: float) -> None:
    """First feed is at the data date or later, and the slip counts in full after it."""
    first = float(first_feed_slipped(start, slip, 1.0, DATA_DATE))
    assert first >= DATA_DATE
    assert first == DATA_DATE or first == start + slip


@given(start=DATES, taken=st.booleans(), works=st.booleans())
def test_what_fails_never_starts(start: float, taken: bool, works: bool) -> None:
    """Abandoned or built in vain: infinity; else a date."""
    first = first_feed_after_decision(
        start, 2.0, 0.5, taken, 1.2, works, hazard=0.3, minimum_wait=0.5, data_date=DATA_DATE
    )
    assert np.isfinite(first) == (taken and works)
    slipped = first_feed_slipped(start, 0.5, works, DATA_DATE)
    assert np.isfinite(slipped) == works
    assert not np.isnan(first)
    assert not np.isnan(slipped)


@given(
    waits=st.lists(st.floats(0.0, 30.0), min_size=2, max_size=2).map(sorted),
    schedules=st.lists(st.floats(0.85, 3.0), min_size=2, max_size=2).map(sorted),
    minimum=st.lists(st.floats(0.0, 3.0), min_size=2, max_size=2).map(sorted),
)
def test_later_inputs_never_give_an_earlier_date(
    waits: list[float], schedules: list[float], minimum: list[float]
) -> None:
    """First feed does not fall in the wait, the schedule factor or the least wait."""
    first = [
        float(
            first_feed_after_decision(
                2030.0, 3.0, wait, 1, schedule, 1, hazard=0.2, minimum_wait=w, data_date=DATA_DATE
            )
        )
        for wait, schedule, w in zip(waits, schedules, minimum, strict=True)
    ]
    assert first[0] <= first[1]


def test_projects_and_draws_at_once() -> None:
    """Columns by project against rows by draw: each cell as if it were alone."""
    rng = np.random.default_rng(7)
    start, build, hazard = rng.uniform(2025.0, 2034.0, (3, 1)), np.full((3, 1), 2.0), [[0.1]] * 3
    wait, schedule = rng.exponential(size=(3, 5)), rng.uniform(0.9, 2.0, (3, 5))
    taken, works = rng.random((3, 5)) < 0.7, rng.random((3, 5)) < 0.8
    first = first_feed_after_decision(
        start,
        build,
        wait,
        taken,
        schedule,
        works,
        hazard=hazard,
        minimum_wait=0.5,
        data_date=2026.0,
    )
    assert first.shape == (3, 5)
    for project, draw in np.ndindex(3, 5):
        cell = first_feed_after_decision(
            start[project, 0],
            2.0,
            wait[project, draw],
            taken[project, draw],
            schedule[project, draw],
            works[project, draw],
            hazard=0.1,
            minimum_wait=0.5,
            data_date=2026.0,
        )
        assert first[project, draw] == cell
    slipped = first_feed_slipped(start, wait, works, 2026.0)
    expected = np.where(works, np.maximum(start + wait, 2026.0), np.inf)
    np.testing.assert_array_equal(slipped, expected)


@pytest.mark.parametrize("regime", [0.1, 1.0, 4.0])
def test_odds_of_a_decision_scale_with_the_regime(regime: float) -> None:
    """The share taken is m h_F / (m h_F + h_A), exactly on a grid of uniform numbers."""
    uniform = (np.arange(100_000) + 0.5) / 100_000

    taken, hazard = decided(uniform, 0.18, 0.10, regime)

    assert np.isclose(taken.mean(), 0.18 * regime / (0.18 * regime + 0.10), atol=1e-5)
    assert np.allclose(hazard, 0.18 * regime + 0.10)
    assert np.all(np.diff(taken) >= 0.0), "a higher number is better"


@pytest.mark.parametrize("regime", [0.1, 1.0, 4.0])
def test_odds_of_success_scale_with_the_regime(regime: float) -> None:
    """The odds that a built plant works are m p / (1 - p)."""
    uniform = (np.arange(100_000) + 0.5) / 100_000

    share = succeeds(uniform, 0.8, regime).mean()

    assert np.isclose(share / (1.0 - share), regime * 0.8 / 0.2, rtol=1e-3)


def test_the_limits_of_the_regime() -> None:
    """An infinitely kind world takes, builds and is on time; a hopeless one does nothing."""
    uniform = np.array([1e-9, 0.5, 1.0 - 1e-9])

    assert decided(uniform, 0.04, 0.12, 1e15)[0].tolist() == [1.0, 1.0, 1.0]
    assert succeeds(uniform, 0.75, 1e15).tolist() == [1.0, 1.0, 1.0]
    assert np.allclose(delay_under([3.0, -0.1, 0.5], 1e15), 0.0, atol=1e-12)
    assert decided(uniform, 0.04, 0.12, 0.0)[0].tolist() == [0.0, 0.0, 0.0]
    assert succeeds(uniform, 0.75, 0.0).tolist() == [0.0, 0.0, 0.0]
    assert succeeds(uniform, 1.0, 0.5).tolist() == [1.0, 1.0, 1.0], "what is sure stays sure"


@given(st.floats(0.01, 100.0), st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_a_kinder_regime_never_delays(regime: float, delay: float, more: float) -> None:
    """Delays fall with the regime, and earliness does not grow in a harsh one."""
    assert delay_under(delay, regime + more) <= delay_under(delay, regime) * (1.0 + 1e-12)
    assert delay_under(-delay, regime) >= -delay
