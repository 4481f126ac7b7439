"""Settings shared by all tests."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ["MPLBACKEND"] = "Agg"  # no window, whatever the machine offers

# Drawing a scenario takes longer than hypothesis expects of small data, hence no deadline.
settings.register_profile(
    "local",
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
# In continuous integration the same examples every time: a red build is the change's doing.
settings.register_profile(
    "ci", parent=settings.get_profile("local"), derandomize=True, database=None, print_blob=True
)
settings.register_profile("thorough", parent=settings.get_profile("local"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))


@pytest.fixture(autouse=True)
def _no_open_figures() -> Iterator[None]:
    """Close the figures of a test, so that the next one counts only its own."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
