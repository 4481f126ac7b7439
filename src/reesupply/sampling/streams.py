"""One stream of uniform numbers per name, keyed by the hash of the name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

#: Draws in a lane.
LANE = 1024

_PERIOD = 2**128


def bit_generator(entropy: int, name: str) -> np.random.PCG64DXSM:
    """Return the bit generator of a name: 128 bits of its SHA-256 are the key beside the seed."""
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u4")
    key = tuple(int(word) for word in words)
    return np.random.PCG64DXSM(np.random.SeedSequence(entropy, spawn_key=key))


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
        self._bits = [bit_generator(entropy, name) for name in names]
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
