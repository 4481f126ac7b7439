"""What a run is keyed by."""

from __future__ import annotations

from typing import Any

import numpy as np

from reesupply.errors import ReesupplyError


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
        if isinstance(rng.entropy, int | np.integer) and not rng.spawn_key:
            return int(rng.entropy)
        return int.from_bytes(rng.generate_state(4, np.uint32).tobytes(), "little")
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        return int(rng)
    msg = f"rng: found {rng!r}, allowed is None, an integer from 0, a SeedSequence or a Generator"
    raise ReesupplyError(msg)
