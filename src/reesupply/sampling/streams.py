"""One stream of uniform numbers per name, keyed by the hash of the name."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: Draws in a lane.
LANE = 1024

_PERIOD = 2**128


def bit_generators(entropy: int, names: Sequence[str]) -> list[np.random.PCG64DXSM]:
    """
    Return the bit generator of each name: 128 bits of its SHA-256 are the key beside the seed.

    Parameters
    ----------
    entropy : int
        Seed of the run.
    names : sequence of str
        Names of the streams.

    Returns
    -------
    list of numpy.random.PCG64DXSM
        As ``PCG64DXSM(SeedSequence(entropy, spawn_key=key))``, which a test compares.
    """
    states: list[Any] = [_State(words) for words in _states(entropy, _keys(tuple(names)))]
    return [np.random.PCG64DXSM(state) for state in states]


class _State(ISeedSequence):
    """Words that were computed before, in place of a seed sequence that would compute them."""

    def __init__(self, words: npt.NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> npt.NDArray[Any]:
        assert (n_words, dtype) == (4, np.uint64)
        return self._words


@lru_cache(maxsize=16)
def _keys(names: tuple[str, ...]) -> npt.NDArray[np.uint32]:
    """Spawn keys, shape (name, 4)."""
    digests = b"".join(hashlib.sha256(name.encode()).digest()[:16] for name in names)
    return np.frombuffer(digests, dtype="<u4").reshape(len(names), 4).astype(np.uint32)


def _states(entropy: int, keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """
    Compute the states of the seed sequences of all names at once, shape (name, 4).

    The steps are those of numpy's SeedSequence, which are fixed and public (M. E. O'Neill's
    seed_seq_fe); one by one, hundreds of them would take half the time of a small run.
    """
    words = max(1, -(-entropy.bit_length() // 32))
    hashed = 16 + 4 * max(0, words - 4)  # numbers that went into the pool before the key
    constant = 0x43B0D7E5 * pow(0x931E8875, hashed, 2**32) % 2**32
    pool = [np.full(keys.shape[0], word) for word in np.random.SeedSequence(entropy).pool]
    for word in keys.T:
        for place, old in enumerate(pool):
            new, constant = _hashed(word, constant, 0x931E8875)
            mixed = old * np.uint32(0xCA01F9DD) - new * np.uint32(0x4973F715)
            pool[place] = mixed ^ (mixed >> np.uint32(16))
    state = np.empty((keys.shape[0], 8), dtype="<u4")
    constant = 0x8B51F9DD
    for place in range(8):
        state[:, place], constant = _hashed(pool[place % 4], constant, 0x58F38DED)
    return state.view("<u8").astype(np.uint64)


def _hashed(
    value: npt.NDArray[np.uint32], constant: int, factor: int
) -> tuple[npt.NDArray[np.uint32], int]:
    """Hash words with a constant that is another one for each call."""
    following = constant * factor % 2**32
    found = (value ^ np.uint32(constant)) * np.uint32(following)
    return found ^ (found >> np.uint32(16)), following


class Streams:
    """
    One stream of uniforms per name, moved from lane to lane.

    Parameters
    ----------
    entropy : int
        Seed of the run.
    names : sequence of str
        Names of the streams.
    """

    def __init__(self, entropy: int, names: Sequence[str]) -> None:
        self._bits = bit_generators(entropy, names)
        self._draw = [np.random.Generator(bits).random for bits in self._bits]
        self._lane = 0

    def fill(self, lane: int, out: FloatArray) -> None:
        """Write the lane's uniforms in [0, 1), shape (name, LANE)."""
        step = ((lane - self._lane) * LANE) % _PERIOD
        if step:
            for bits in self._bits:
                bits.advance(step)
        for draw, row in zip(self._draw, out, strict=True):
            draw(out=row)
        self._lane = lane + 1
