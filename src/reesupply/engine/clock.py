"""Where the time of a run goes, stage by stage."""

from __future__ import annotations

import time

__all__ = ["STAGES", "Clock"]

#: Stages of a lane in their order.
STAGES = (
    *("random numbers", "inputs", "supply", "demand and recycling", "balance", "claims"),
    *("statistics", "kept draws"),
)


class Clock:
    """Seconds of each stage, summed over lanes; the clock of one worker."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._last = time.perf_counter()

    def start(self) -> None:
        """Begin a lane."""
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Book the time since the last lap to a stage."""
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now
