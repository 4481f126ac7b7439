"""
Uniform numbers by name and draw number.

Draw j of input X is a pure function of (seed, X, j): each input has its own bit generator, keyed
by the SHA-256 of its name and moved to draw j. Adding, removing or reordering inputs leaves every
other input's draws as they were, and `n` draws are the first `n` of any larger run.

The unit of work is a lane of 1,024 draws, always made in full.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from reesupply.errors import ReesupplyError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["LANE", "Design", "Sampler", "check_design", "entropy_of"]

#: Draws in a lane.
LANE = 1024

Design = Literal["random", "lhs", "sobol"]

_HALF_STEP = 2.0**-54  # moves k/2^53 off zero
_LAST = 1.0 - 2.0**-53  # the largest number below one
_PERIOD = 2**128
_SOBOL_BITS = 30


def entropy_of(rng: Any = None) -> int:
    """
    Return the integer that a run is keyed by.

    Parameters
    ----------
    rng : None, int, SeedSequence or Generator
        None takes fresh entropy; an int is taken as it is; a SeedSequence is read, never spawned;
        a Generator gives 128 bits once.

    Returns
    -------
    int
        Non-negative; passing it back as `rng` repeats the run.

    Raises
    ------
    ReesupplyError
        If `rng` is anything else, or negative.
    """
    if rng is None:
        return int(np.random.SeedSequence().entropy)  # type: ignore[arg-type]
    if isinstance(rng, np.random.Generator):
        return int.from_bytes(rng.bytes(16), "little")
    if isinstance(rng, np.random.SeedSequence):
        if isinstance(rng.entropy, int) and not rng.spawn_key:
            return rng.entropy
        return int.from_bytes(rng.generate_state(4, np.uint32).tobytes(), "little")
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return int(rng)
    msg = f"rng: found {rng!r}, allowed is None, an integer from 0, a SeedSequence or a Generator"
    raise ReesupplyError(msg)


def check_design(design: str) -> Design:
    """Return `design` if it is a known one, or say which are."""
    for known in get_args(Design):
        if design == known:
            return known  # type: ignore[no-any-return]
    msg = f"design: found {design!r}; {nearest(str(design), get_args(Design))}"
    raise ReesupplyError(msg)


def _bit_generator(entropy: int, name: str) -> np.random.PCG64DXSM:
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u4")
    key = tuple(int(word) for word in words)
    return np.random.PCG64DXSM(np.random.SeedSequence(entropy, spawn_key=key))


class _Streams:
    """One stream of uniforms per name, moved from lane to lane."""

    def __init__(self, entropy: int, names: Sequence[str]) -> None:
        self._bits = [_bit_generator(entropy, name) for name in names]
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


class Sampler:
    """
    Uniform numbers of every input, lane by lane; one per thread.

    Parameters
    ----------
    entropy : int
        See `entropy_of`.
    names : sequence of str
        Names of the inputs.
    design : {"random", "lhs", "sobol"}
        "random": independent draws. "lhs": each lane is a complete Latin hypercube. "sobol": the
        inputs in `dimensions` take a Sobol sequence with a random digital shift that is keyed by
        (entropy, name); the others stay random.
    dimensions : mapping of str to int
        Sobol dimension by input name, from 0.
    """

    def __init__(
        self,
        entropy: int,
        names: Sequence[str],
        design: Design = "random",
        dimensions: Mapping[str, int] | None = None,
    ) -> None:
        self._streams = _Streams(entropy, names)
        self._order = None
        self._sobol = None
        if design == "lhs":
            self._order = _Streams(entropy, [f"{name}\x00order" for name in names])
        elif design == "sobol":
            self._sobol = _ShiftedSobol(entropy, names, dimensions or {})

    def lane(self, lane: int, out: FloatArray) -> FloatArray:
        """
        Write the uniforms of a lane.

        Parameters
        ----------
        lane : int
            Draws ``lane * 1024`` to ``(lane + 1) * 1024 - 1``.
        out : ndarray, shape (name, 1024)
            Where they are written.

        Returns
        -------
        ndarray
            `out`, within the open interval (0, 1).
        """
        self._streams.fill(lane, out)
        out += _HALF_STEP
        if self._order is not None:
            keys = np.empty_like(out)
            self._order.fill(lane, keys)
            out += keys.argsort(axis=1)  # a random permutation of the strata
            out *= 1.0 / LANE
        if self._sobol is not None:
            self._sobol.fill(lane, out)
        return np.minimum(out, _LAST, out=out)


class _ShiftedSobol:
    """Rows of a lane taken from a Sobol sequence, each under its own random digital shift."""

    def __init__(self, entropy: int, names: Sequence[str], dimensions: Mapping[str, int]) -> None:
        from scipy.stats import qmc

        taken = [(row, dimensions[name]) for row, name in enumerate(names) if name in dimensions]
        self._rows = np.array([row for row, _ in taken], dtype=np.intp)
        self._columns = np.array([column for _, column in taken], dtype=np.intp)
        shifts = [_bit_generator(entropy, f"{names[row]}\x00shift") for row, _ in taken]
        self._shift = np.array([bits.random_raw() for bits in shifts], dtype=np.uint64)
        self._shift >>= np.uint64(64 - _SOBOL_BITS)
        self._engine = qmc.Sobol(
            max(dimensions.values(), default=0) + 1, scramble=False, bits=_SOBOL_BITS
        )
        self._lane = 0

    def fill(self, lane: int, out: FloatArray) -> None:
        if lane < self._lane:
            self._engine.reset()
            self._lane = 0
        if lane > self._lane:
            self._engine.fast_forward((lane - self._lane) * LANE)
        points = self._engine.random(LANE).T[self._columns]
        self._lane = lane + 1
        cells = (points * 2.0**_SOBOL_BITS).astype(np.uint64) ^ self._shift[:, np.newaxis]
        out[self._rows] = (cells + 0.5) * 2.0**-_SOBOL_BITS
