"""Uniform numbers of every input of a run, laid out by a design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from reesupply.errors import ReesupplyError, nearest
from reesupply.sampling.sobol import ScrambledSobol
from reesupply.sampling.streams import LANE, Streams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

Design = Literal["random", "lhs", "sobol"]

_HALF_STEP = 2.0**-54  # moves k/2^53 off zero
_PLACES = np.uint64(LANE - 1)
_LAST = 1.0 - 2.0**-53  # the largest number below one


def check_design(design: str) -> Design:
    """Return `design` if it is a known one, or say which are."""
    for known in get_args(Design):
        if design == known:
            return known  # type: ignore[no-any-return]
    msg = f"design: found {design!r}; {nearest(str(design), get_args(Design))}"
    raise ReesupplyError(msg)


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
        inputs in `dimensions` take a Sobol sequence, scrambled by a key of (entropy, name), in 16
        scramblings that take turns lane by lane; the others stay random.
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
        taken = dimensions or {} if design == "sobol" else {}
        self._rows = [row for row, name in enumerate(names) if name in taken]
        self._others = [row for row, name in enumerate(names) if name not in taken]
        self._streams = Streams(entropy, [names[row] for row in self._others])
        self._order = self._sobol = None
        if design == "lhs":
            self._order = Streams(entropy, [f"{name}\x00order" for name in names])
        elif self._rows:
            inside = [names[row] for row in self._rows]
            self._sobol = ScrambledSobol(entropy, inside, [taken[name] for name in inside])

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
        if self._sobol is None:
            self._fill_random(lane, out)
        else:
            out[self._rows] = self._sobol.lane(lane)
            rest = np.empty((len(self._others), LANE))
            self._fill_random(lane, rest)
            out[self._others] = rest
        return out

    def _fill_random(self, lane: int, out: FloatArray) -> None:
        """Write numbers of the streams, or lots within strata; never 0 and never 1."""
        self._streams.fill(lane, out)
        out += _HALF_STEP
        if self._order is not None:
            keys = np.empty_like(out)
            self._order.fill(lane, keys)
            out += _permutations(keys)
            out *= 1.0 / LANE
        np.minimum(out, _LAST, out=out)


def _permutations(keys: FloatArray) -> npt.NDArray[np.uint64]:
    """Return the order of random keys in [0, 1), by sorting; twice as fast as an argsort."""
    keys += 1.0  # from 1 to 2 the bits of floats are in the order of the floats
    lots = keys.view(np.uint64)
    lots &= ~_PLACES  # 42 bits of the key, ten bits of the place
    lots |= np.arange(LANE, dtype=np.uint64)
    lots.sort(axis=1)
    lots &= _PLACES
    return lots
