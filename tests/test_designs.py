"""What each design promises, and what it does not: one table, each cell of it checked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reesupply.sampling import LANE, SCRAMBLES, Design, Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

NAMES = ("a", "b", "c")
DIMENSIONS = {"a": 0, "b": 1}


def lanes_of(
    design: Design,
    lanes: Sequence[int],
    names: Sequence[str] = NAMES,
    dimensions: Mapping[str, int] = DIMENSIONS,
) -> FloatArray:
    """Uniforms of lanes by one sampler, in the order given: (lane, name, draw)."""
    sampler = Sampler(11, names, design, dimensions)
    return np.array([sampler.lane(lane, np.empty((len(names), LANE))) for lane in lanes])


def same(one: FloatArray, other: FloatArray) -> bool:
    """Whether every bit is the same."""
    return bool((one == other).all())


def strata(x: FloatArray) -> int:
    """How many of n equal strata hold one of n numbers."""
    return int(np.unique(np.floor(x.reshape(-1) * x.size)).size)


# --------------------------------------------------------------------------- the properties


def any_lane_alone(design: Design) -> bool:
    """A lane far along is made without those before it."""
    alone = [lanes_of(design, [lane])[0] for lane in (2**40 + 3, 5)]
    return same(np.array(alone), lanes_of(design, [5, 2**40 + 3, 5])[1:])


def any_draw_alone(design: Design) -> bool:
    """Draw 700 of lane 5 is the number of the name's stream at that place."""
    bits = Sampler(11, NAMES, "random")._streams._bits[0]
    bits.advance(5 * LANE + 700)
    alone = np.random.Generator(bits).random() + 2.0**-54
    return bool(lanes_of(design, [5])[0, 0, 700] == alone)


def prefix_stable(design: Design) -> bool:
    """More lanes leave the first ones as they were."""
    return same(lanes_of(design, range(3)), lanes_of(design, range(40))[:3])


def other_rows_do_not_matter(design: Design) -> bool:
    """Inputs are added, removed and put in another order."""
    whole = dict(zip(NAMES, lanes_of(design, [3])[0], strict=True))
    for names in (NAMES[::-1], NAMES[1:], ("new", "b", "newer", "a"), ("b",)):
        found = dict(zip(names, lanes_of(design, [3], names)[0], strict=True))
        if not all(same(found[name], whole[name]) for name in set(names) & set(NAMES)):
            return False
    return True


def other_dimensions_do_not_matter(design: Design) -> bool:
    """Another input gets a dimension."""
    more = lanes_of(design, [3, 20], dimensions={**DIMENSIONS, "c": 2, "later": 7})
    return same(more[:, :2], lanes_of(design, [3, 20])[:, :2])


def own_dimension_does_not_matter(design: Design) -> bool:
    """The input itself gets a dimension."""
    more = lanes_of(design, [3], dimensions={**DIMENSIONS, "c": 2})
    return same(more[:, 2], lanes_of(design, [3])[:, 2])


def workers_do_not_matter(design: Design) -> bool:
    """Three threads share the lanes out, each with a sampler of its own."""
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda k: lanes_of(design, range(k, 36, 3)), range(3)))
    whole = lanes_of(design, range(36))
    return all(same(part, whole[k::3]) for k, part in enumerate(found))


def a_lane_fills_all_strata(design: Design) -> bool:
    """Each input has one draw of a lane in each of 1,024 strata."""
    return all(strata(row) == LANE for row in lanes_of(design, [2])[0, :2])


def a_lane_fills_all_boxes(design: Design) -> bool:
    """Two inputs have one draw of a lane in each of 32 x 32 boxes."""
    first, second = np.floor(lanes_of(design, [2])[0, :2] * 32)
    return np.unique(32 * first + second).size == LANE


def draws_are_independent(design: Design) -> bool:
    """The strata that a lane of one input leaves empty are as many as of independent draws."""
    empty = LANE - np.array([strata(row) for row in lanes_of(design, range(20))[:, 0]])
    return bool(abs(empty.mean() - LANE / np.e) < 20.0)


def lanes_are_independent(design: Design) -> bool:
    """Nor do two lanes, of the same scrambling if there are such, avoid each other's strata."""
    pairs = lanes_of(design, range(2 * SCRAMBLES))[:, 0].reshape(2, SCRAMBLES, LANE)
    filled = np.array([strata(pairs[:, k]) for k in range(SCRAMBLES)])
    return bool(filled.mean() < 1.9 * LANE)


def groups_are_independent(design: Design) -> bool:
    """Lanes of two groups do not: k and k + 1, as opposed to k and k + 16."""
    whole = lanes_of(design, range(2 * SCRAMBLES))[:, 0]
    filled = np.array([strata(whole[k : k + 2]) for k in range(SCRAMBLES)])
    return bool(filled.mean() < 1.9 * LANE)


#: For random, lhs, sobol; of a Sobol run those inputs that have a dimension.
TABLE: dict[Callable[[Design], bool], tuple[bool, bool, bool]] = {
    any_lane_alone: (True, True, True),
    any_draw_alone: (True, False, False),
    prefix_stable: (True, True, True),
    other_rows_do_not_matter: (True, True, True),
    other_dimensions_do_not_matter: (True, True, True),
    own_dimension_does_not_matter: (True, True, False),
    workers_do_not_matter: (True, True, True),
    a_lane_fills_all_strata: (False, True, True),
    a_lane_fills_all_boxes: (False, False, True),
    draws_are_independent: (True, False, False),
    lanes_are_independent: (True, True, False),
    groups_are_independent: (True, True, True),
}
DESIGNS: tuple[Design, ...] = ("random", "lhs", "sobol")


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("holds", TABLE, ids=lambda holds: holds.__name__)
def test_design(design: Design, holds: Callable[[Design], bool]) -> None:
    """A design has the properties of the table, and lacks those that it is said to lack."""
    assert holds(design) == TABLE[holds][DESIGNS.index(design)]
