"""Uniform numbers: a pure function of seed, name and draw number, in each design."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, qmc

from reesupply.errors import ReesupplyError
from reesupply.sampling import LANE, SCRAMBLES, Design, Sampler, check_design, entropy_of
from reesupply.sampling.sobol import BITS, LANES, block_of_points, direction_numbers

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

NAMES = ("factors.demand", "projects.browns-range.start", "a", "b")
DIMENSIONS = {"a": 0, "factors.demand": 2, "not-here": 4}
DESIGNS: tuple[Design, ...] = ("random", "lhs", "sobol")


def drawn(
    lanes: int,
    names: tuple[str, ...] = NAMES,
    design: Design = "random",
    seed: int = 7,
    dimensions: dict[str, int] | None = None,
) -> FloatArray:
    """Uniforms of the first lanes, shape (name, draw)."""
    sampler = Sampler(seed, names, design, DIMENSIONS if dimensions is None else dimensions)
    return np.concatenate(
        [sampler.lane(lane, np.empty((len(names), LANE))) for lane in range(lanes)], axis=1
    )


def stream(seed: int, name: str, n: int) -> FloatArray:
    """Independent reading of the contract: first 128 bits of SHA-256 as spawn key, PCG64DXSM."""
    digest = hashlib.sha256(name.encode("utf-8")).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return np.random.Generator(np.random.PCG64DXSM(sequence)).random(n)


@given(seed=st.integers(0, 2**200), name=st.text(max_size=40))
def test_stream_key(seed: int, name: str) -> None:
    """The key of a stream is the hash of its name; a draw lies in the middle of its step."""
    found = drawn(1, (name,), seed=seed)[0]
    np.testing.assert_array_equal(
        found, np.minimum(stream(seed, name, LANE) + 2.0**-54, 1 - 2**-53)
    )


def test_no_names() -> None:
    """A scenario may have no uncertain input at all, or all in a Sobol sequence."""
    for design in DESIGNS:
        assert drawn(1, (), design).shape == (0, LANE)
    assert (drawn(1, ("a",), "sobol") > 0.0).all()


def test_stream_goes_on_over_lanes() -> None:
    """Lane k holds draws 1,024 k on; each draw takes exactly one number of the stream."""
    for row, name in enumerate(NAMES):
        np.testing.assert_array_equal(drawn(3)[row], stream(7, name, 3 * LANE) + 2.0**-54)


@pytest.mark.parametrize("design", DESIGNS)
@settings(max_examples=10)
@given(order=st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_lanes_in_any_order(design: Design, order: list[int]) -> None:
    """A lane does not depend on which lanes were made before it."""
    sampler = Sampler(7, NAMES, design, DIMENSIONS)
    for lane in order:
        alone = Sampler(7, NAMES, design, DIMENSIONS).lane(lane, np.empty((4, LANE)))
        np.testing.assert_array_equal(sampler.lane(lane, np.full((4, LANE), np.nan)), alone)


@pytest.mark.parametrize("design", DESIGNS)
def test_names_are_independent_of_each_other(design: Design) -> None:
    """Adding, removing and reordering names leaves the draws of a name bit-identical."""
    whole = dict(zip(NAMES, drawn(2, design=design), strict=True))
    for names in (NAMES[::-1], NAMES[1:], ("new", *NAMES, "newer"), NAMES[2:3]):
        other = dict(zip(names, drawn(2, names, design), strict=True))
        for name in set(names) & set(NAMES):
            np.testing.assert_array_equal(other[name], whole[name])


def test_sobol_dimensions_are_appended() -> None:
    """A new dimension leaves every input whose dimension is unchanged as it was."""
    more = {**DIMENSIONS, "b": 1, "later": 9}
    before, after = drawn(2, design="sobol"), drawn(2, design="sobol", dimensions=more)
    np.testing.assert_array_equal(before[:3], after[:3])
    assert (before[3] != after[3]).all()
    np.testing.assert_array_equal(before[[1, 3]], drawn(2)[[1, 3]])  # no dimension: as random


@pytest.mark.parametrize("design", DESIGNS)
def test_open_interval_and_uniform(design: Design) -> None:
    """Numbers lie within (0, 1) and are uniform; names and seeds give different ones."""
    found = drawn(16, design=design)
    assert (found > 0.0).all()
    assert (found < 1.0).all()
    assert all(kstest(row, "uniform").pvalue > 1e-3 for row in found)
    assert abs(np.corrcoef(found) - np.eye(4)).max() < 5.0 / np.sqrt(found.shape[1])
    assert (found != drawn(16, design=design, seed=8)).mean() > 0.999


def test_extremes_stay_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least and the greatest number of a stream, 0 and 1 - 2^-53, become no 0 and no 1."""
    for edge in (0.0, 1.0 - 2.0**-53):

        def fill(self: Any, lane: int, out: FloatArray, edge: float = edge) -> None:
            del self, lane
            out[...] = edge

        monkeypatch.setattr("reesupply.sampling.streams.Streams.fill", fill)
        for design in DESIGNS:
            found = drawn(1, design=design)
            assert (found > 0.0).all()
            assert (found < 1.0).all()


def test_lhs_strata() -> None:
    """Each lane has one point in each of 1,024 strata for every input, in unlike orders."""
    found = drawn(3, design="lhs")
    strata = np.floor(found * LANE).astype(int).reshape(len(NAMES), 3, LANE)
    np.testing.assert_array_equal(
        np.sort(strata, axis=-1), np.broadcast_to(np.arange(LANE), strata.shape)
    )
    assert (strata[0] != strata[1]).mean() > 0.99
    assert (strata[:, 0] != strata[:, 1]).mean() > 0.99


def scipy_points(dimensions: int, first: int, n: int, bits: int = 30) -> FloatArray:
    """Unscrambled points by scipy, shape (dimension, point)."""
    engine = qmc.Sobol(dimensions, scramble=False, bits=bits)
    if first:
        engine.fast_forward(first)
    return np.asarray(engine.random(n).T)


def own_points(dimensions: list[int], block: int) -> FloatArray:
    """Unscrambled points of a block, the low ends of their cells."""
    shift = np.zeros(len(dimensions), dtype=np.uint64)
    found = block_of_points(direction_numbers(dimensions), block, shift)
    return found - 2.0**-53


def test_direction_numbers_are_those_of_scipy() -> None:
    """The first 4,096 points of all 1,024 dimensions are scipy's, which has another copy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = scipy_points(1024, 0, 4 * LANE)
    for block in range(4):
        found = own_points(list(range(1024)), block)
        np.testing.assert_array_equal(found, expected[:, LANE * block :][:, :LANE])


@pytest.mark.parametrize("block", [5, 63, 64, 1000, 16_383, 40_961])
def test_points_far_along(block: int) -> None:
    """A block that is made alone has the points to which scipy has to count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a block is no power of two from zero
        expected = scipy_points(80, LANE * block, LANE)
    np.testing.assert_array_equal(own_points(list(range(80)), block), expected)


@pytest.mark.parametrize("block", [2**21 - 1, 2**30 + 12_345, 2**42 - 1])
def test_points_beyond_reach(block: int) -> None:
    """Blocks up to the last: the definition, point by point, in integers of Python."""
    dimensions = [0, 1, 17, 75, 1023]
    vectors = direction_numbers(dimensions).tolist()
    found = own_points(dimensions, block)
    for place in (0, 1, 511, 512, 1022, 1023):
        n = LANE * block + place
        gray = n ^ (n >> 1)
        for row, v in enumerate(vectors):
            cell = 0
            for k in range(BITS):
                cell ^= v[k] * (gray >> k & 1)
            assert found[row, place] == cell * 2.0**-BITS


def test_sobol_ends() -> None:
    """There are 2^56 draws, above 2^40; beyond them one sentence says so."""
    sampler, out = Sampler(7, NAMES, "sobol", DIMENSIONS), np.empty((4, LANE))
    last = LANES - 1
    assert LANES * LANE == 2**56
    assert np.unique(sampler.lane(last, out)[0]).size == LANE
    with pytest.raises(ReesupplyError, match=r"^design='sobol': found draw .* 52 bits can tell"):
        sampler.lane(last + 1, out)
    with pytest.raises(ReesupplyError, match=r"found 1024, allowed is 0 to 1,023"):
        Sampler(7, ("a",), "sobol", {"a": 1024})


def test_scrambling_keeps_the_net() -> None:
    """
    Each scrambling is a net still: 1,024 points, one in each of the 1,024 boxes.

    For single dimensions, and for the first two, in each way to cut the square into 1,024 boxes.
    """
    names = ("one", "two", "three")
    sampler = Sampler(3, names, "sobol", {"one": 0, "two": 1, "three": 40})
    for lane in (0, 1, 15, 16, 31, 1600):
        x = sampler.lane(lane, np.empty((3, LANE)))
        for row in x:
            assert np.unique(np.floor(row * LANE)).size == LANE
        for k in range(11):
            boxes = np.floor(x[0] * 2**k) * 2 ** (10 - k) + np.floor(x[1] * 2 ** (10 - k))
            assert np.unique(boxes).size == LANE


def test_blocks_of_one_scrambling_belong_together() -> None:
    """Lanes 3, 19, 35 and 51 are one net of 4,096 points; lanes 3 to 6 are none."""
    sampler = Sampler(3, ("a",), "sobol", {"a": 5})

    def strata(lanes: list[int]) -> int:
        x = [sampler.lane(lane, np.empty((1, LANE))).copy() for lane in lanes]
        return int(np.unique(np.floor(np.concatenate(x, axis=1) * 4 * LANE)).size)

    assert strata([3 + SCRAMBLES * k for k in range(4)]) == 4 * LANE
    assert strata([3, 4, 5, 6]) < 3.5 * LANE


def test_scramblings_are_uniform_and_independent() -> None:
    """
    Over seeds a point is uniform, in its leading and in its low bits.

    It does not know of the same point of another name, nor of that of another scrambling.
    """
    first = []
    for seed in range(600):
        sampler = Sampler(seed, ("a", "b"), "sobol", {"a": 4, "b": 5})
        lanes = [sampler.lane(lane, np.empty((2, LANE)))[:, 700] for lane in (0, 1)]
        first.append(np.ravel(lanes))
    found = np.array(first).T  # (lane and name; seed)
    assert all(kstest(row, "uniform").pvalue > 1e-3 for row in found)
    assert all(kstest(row * 2**20 % 1.0, "uniform").pvalue > 1e-3 for row in found)
    assert abs(np.corrcoef(found) - np.eye(4)).max() < 4.5 / np.sqrt(600)


def test_matrix_is_scrambled_too() -> None:
    """The difference of two points is no longer that of the sequence, as by a shift alone."""
    cells = np.floor(drawn(1, design="sobol")[0] * 2.0**52).astype(np.uint64)
    plain = (own_points([DIMENSIONS[NAMES[0]]], 0)[0] * 2.0**52).astype(np.uint64)
    shift = cells ^ plain
    assert np.unique(shift).size > LANE // 2
    # but its leading bit is flipped for all points or for none
    assert np.unique(shift >> np.uint64(51)).size == 1


def test_sobol_is_keyed_by_seed() -> None:
    """Another seed is another scrambling."""
    assert (drawn(1, design="sobol")[0] != drawn(1, design="sobol", seed=8)[0]).all()


def test_sobol_integrates_better() -> None:
    """The mean of a product of two Sobol inputs errs far less than of random ones."""
    product = [
        np.prod(drawn(4, design=design)[[0, 2]], axis=0).mean() for design in ("random", "sobol")
    ]
    assert abs(product[1] - 0.25) < 0.1 * 1.0 / np.sqrt(4 * LANE)
    assert abs(product[0] - 0.25) < 5.0 / np.sqrt(4 * LANE)


def test_entropy_forms() -> None:
    """An int is itself, a SeedSequence is read, a Generator gives 128 bits once."""
    assert entropy_of(5) == 5
    assert entropy_of(np.int64(5)) == 5
    assert entropy_of(2**200) == 2**200
    assert entropy_of(np.random.SeedSequence(np.int64(5))) == 5
    sequence = np.random.SeedSequence(5)
    assert entropy_of(sequence) == entropy_of(sequence) == 5
    child = sequence.spawn(1)[0]
    assert entropy_of(child) == entropy_of(child) != 5
    assert (sequence.n_children_spawned, child.n_children_spawned) == (1, 0)
    assert entropy_of(np.random.SeedSequence([1, 2])) < 2**128
    generator, twin = np.random.default_rng(3), np.random.default_rng(3)
    first = entropy_of(generator)
    assert first == int.from_bytes(twin.bytes(16), "little")
    assert generator.bit_generator.state == twin.bit_generator.state
    assert entropy_of(generator) != first
    assert entropy_of(None) != entropy_of(None)


@pytest.mark.parametrize("rng", [-1, 1.5, True, "1", np.random.RandomState(1), [1]])
def test_entropy_errors(rng: Any) -> None:
    """Anything else is refused in one sentence."""
    with pytest.raises(
        ReesupplyError, match=r"^rng: found .*, allowed is None, an integer"
    ) as error:
        entropy_of(rng)
    assert "\n" not in str(error.value)


def test_design_errors() -> None:
    """An unknown design is refused, the nearest one named."""
    assert check_design("lhs") == "lhs"
    with pytest.raises(ReesupplyError, match="did you mean 'sobol'"):
        check_design("sobel")
    with pytest.raises(
        ReesupplyError, match=r"^design: found 'latin'; allowed: random, lhs, sobol$"
    ):
        check_design("latin")
