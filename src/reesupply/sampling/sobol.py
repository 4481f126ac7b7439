r"""
Scrambled Sobol points, any lane at once.

Point n of a dimension is the exclusive or of its direction numbers :math:`v_k` over the bits k of
the Gray code of n. With n = 1,024 b + i the low ten bits depend on i and the parity of b alone, so
a block of 1,024 points is one fixed pattern combined with one number per dimension: no point needs
those before it.

Each dimension is scrambled by itself (Matousek): a random lower triangular binary matrix with ones
on its diagonal is applied to the bits of its direction numbers, then a random digital shift to its
points. Matrix and shift are keyed by (seed, name, scrambling). A run is 16 independent scramblings
that take turns: lane k is block k // 16 of scrambling k % 16. Their scatter is the error of the
run, which a single sequence cannot tell.

References
----------
S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30 (2008) 2635-2654 (direction numbers). J. Matousek,
J. Complexity 14 (1998) 527-556 (scrambling). I. A. Antonov and V. M. Saleev, USSR Comput. Math.
Math. Phys. 19 (1979) 252-256 (Gray code).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from reesupply.errors import ReesupplyError
from reesupply.sampling.streams import LANE, bit_generators

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BitArray = npt.NDArray[np.uint64]

#: Independent scramblings of a run, which take turns lane by lane.
SCRAMBLES = 16
#: Bits of a point; the middle of a cell of 2^-52 is the finest that a float64 holds exactly.
BITS = 52

_LOW = LANE.bit_length() - 1  # bits of the number of a point within its block
#: Lanes for which the bits suffice: 2^56 draws.
LANES = SCRAMBLES << (BITS - _LOW)

_ONE = np.uint64(0x3FF << BITS)  # the bits of 1.0; with those of a cell below: 1 + cell / 2^52
_WORDS = 64  # numbers of a name's stream per scrambling, of which BITS + 1 are used


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[int, ...], ...]:
    """Polynomials and first direction numbers: degree, coefficients, m_1 ... m_s."""
    text = files("reesupply.sampling").joinpath("directions.txt").read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(tuple(map(int, line.split()[1:])) for line in lines)


@lru_cache(maxsize=2048)
def _direction_numbers(dimension: int) -> tuple[int, ...]:
    rows = _rows()
    if not 0 <= dimension <= len(rows):
        msg = (
            f"dimension of a Sobol sequence: found {dimension}, allowed is 0 to {len(rows):,}, "
            "for which there are direction numbers"
        )
        raise ReesupplyError(msg)
    if dimension == 0:
        return tuple(1 << (BITS - k) for k in range(1, BITS + 1))
    degree, inner, *m = rows[dimension - 1]
    for k in range(degree, BITS):
        new = m[k - degree] ^ (m[k - degree] << degree)
        for i in range(1, degree):
            if inner >> (degree - 1 - i) & 1:
                new ^= m[k - i] << i
        m.append(new)
    return tuple(number << (BITS - k) for k, number in enumerate(m[:BITS], start=1))


def direction_numbers(dimensions: Sequence[int]) -> BitArray:
    """
    Return the direction numbers of dimensions.

    Parameters
    ----------
    dimensions : sequence of int
        From 0.

    Returns
    -------
    ndarray of uint64, shape (dimension, BITS)
        As cells of 2^-52.

    Raises
    ------
    ReesupplyError
        If there are no direction numbers for a dimension.
    """
    found = [_direction_numbers(dimension) for dimension in dimensions]
    return np.array(found, dtype=np.uint64).reshape(len(found), BITS)


def block_of_points(
    directions: BitArray, block: int, shift: BitArray, out: BitArray | None = None
) -> FloatArray:
    """
    Return points ``1024 * block`` to ``1024 * block + 1023`` of each dimension.

    Parameters
    ----------
    directions : ndarray of uint64, shape (dimension, BITS)
        Direction numbers, scrambled or not.
    block : int
        Number of the block.
    shift : ndarray of uint64, shape (dimension,)
        Digital shift; zeros for none.
    out : ndarray of uint64, shape (dimension, 1024), optional
        Memory to work in.

    Returns
    -------
    ndarray, shape (dimension, 1024)
        Middles of cells of 2^-52, within (0, 1); a view of `out`.
    """
    cells = np.empty((directions.shape[0], LANE), dtype=np.uint64) if out is None else out
    cells[:, 0] = shift | _ONE
    high = (block ^ (block >> 1)) << _LOW | (block & 1) << (_LOW - 1)
    for k in range(_LOW - 1, high.bit_length()):
        if high >> k & 1:
            cells[:, 0] ^= directions[:, k]
    for k in range(_LOW):  # the Gray code of the next 2^k numbers is that of the last, reversed
        done = cells[:, : 1 << k]
        np.bitwise_xor(done[:, ::-1], directions[:, k, np.newaxis], out=cells[:, 1 << k : 2 << k])
    points = cells.view(np.float64)
    points -= 1.0 - 0.5 * 2.0**-BITS
    return points


class ScrambledSobol:
    """
    Lanes of scrambled Sobol points; one per thread.

    Parameters
    ----------
    entropy : int
        Seed of the run.
    names : sequence of str
        Names of the inputs.
    dimensions : sequence of int
        Dimension of each.
    """

    def __init__(self, entropy: int, names: Sequence[str], dimensions: Sequence[int]) -> None:
        self._directions = direction_numbers(dimensions)
        self._bits = bit_generators(entropy, [f"{name}\x00scramble" for name in names])
        self._word = 0
        self._scrambled: dict[int, tuple[BitArray, BitArray]] = {}
        self._cells = np.empty((len(names), LANE), dtype=np.uint64)

    def lane(self, lane: int) -> FloatArray:
        """
        Return the points of a lane.

        Parameters
        ----------
        lane : int
            From 0.

        Returns
        -------
        ndarray, shape (name, 1024)
            Within (0, 1); overwritten by the next call.

        Raises
        ------
        ReesupplyError
            If the lane lies beyond the points that the bits can tell apart.
        """
        if lane >= LANES:
            msg = (
                f"design='sobol': found draw {lane * LANE:,}, allowed are the first "
                f"{LANES * LANE:,}, which {BITS} bits can tell apart"
            )
            raise ReesupplyError(msg)
        block, scramble = divmod(lane, SCRAMBLES)
        if scramble not in self._scrambled:
            self._scrambled[scramble] = self._scramble(scramble)
        directions, shift = self._scrambled[scramble]
        return block_of_points(directions, block, shift, self._cells)

    def _scramble(self, number: int) -> tuple[BitArray, BitArray]:
        """Direction numbers under the matrices of a scrambling, and its shifts."""
        words = np.empty((len(self._bits), BITS + 1), dtype=np.uint64)
        step = (number * _WORDS - self._word) % 2**128
        for bits, row in zip(self._bits, words, strict=True):
            bits.advance(step)
            row[:] = bits.random_raw(BITS + 1)
        self._word = number * _WORDS + BITS + 1
        words >>= np.uint64(64 - BITS)
        scrambled = np.zeros_like(self._directions)
        for place in range(BITS):  # from the lowest bit on: column of the matrix for this bit
            unit = np.uint64(1 << place)
            column = (words[:, place] & (unit - np.uint64(1))) | unit
            scrambled ^= column[:, np.newaxis] * (
                self._directions >> np.uint64(place) & np.uint64(1)
            )
        return scrambled, words[:, BITS]
