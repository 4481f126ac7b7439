"""How far a run is: a bar in a terminal or notebook, or a function of the caller."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Progress", "reporter"]

Progress = bool | Callable[[int, int], object]

#: Draws, draws by second and the time that is left, in place of tqdm's terse brackets.
_FORMAT = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} draws, {rate_fmt}, {remaining} left"


@contextmanager
def reporter(progress: Progress, total: int) -> Iterator[Callable[[int], object]]:
    """
    Open what is told of the progress of a run.

    Parameters
    ----------
    progress : bool or callable
        True shows a bar on stderr; a callable gets (done, total) draws; False tells nobody.
    total : int
        Draws of the run.

    Yields
    ------
    callable
        Takes the number of draws that are done.
    """
    if callable(progress):
        yield lambda done: progress(done, total)
    elif progress and sys.stderr is not None:  # a process without standard error has no bar
        with warnings.catch_warnings():
            # a notebook without widgets gets the bar of a terminal, which is no reason to warn
            warnings.filterwarnings("ignore", message="IProgress not found")
            from tqdm.auto import tqdm

        # what comes in, comes in units: a rate over few of them would jump
        with tqdm(
            total=total, unit=" draws", unit_scale=True, smoothing=0.1, bar_format=_FORMAT
        ) as bar:
            yield lambda done: bar.update(done - bar.n)
    else:
        yield lambda done: done
