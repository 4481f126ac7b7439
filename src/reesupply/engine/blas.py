"""One BLAS thread while lanes run."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Any

__all__ = ["ONE_BLAS_THREAD", "OneBlasThread"]


class OneBlasThread:
    """
    One BLAS thread per worker, since more would fight over the cores, and other bits.

    The limit is the process's, so the first worker sets it and the last one lifts it; a limit per
    worker would be lifted under the others, and restored to another's limit.
    """

    def __init__(self) -> None:
        self._lock, self._workers = Lock(), 0
        self._before: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._workers == 0:
                self._before = [(each, each.num_threads) for each in _blas()]
                for library, _ in self._before:
                    _set_threads(library, 1)
            self._workers += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._workers -= 1
            if self._workers == 0:
                for library, number in self._before:
                    _set_threads(library, number)


#: To be entered wherever lanes are run.
ONE_BLAS_THREAD = OneBlasThread()


def _set_threads(library: Any, number: int) -> None:
    # recent versions of threadpoolctl pass over what a thread sets while another one that did is
    # alive, but whoever lifts the limit is seldom the worker that set it
    getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


@lru_cache(maxsize=1)
def _blas() -> tuple[Any, ...]:
    """Return the controllers of the BLAS libraries of the process."""
    from threadpoolctl import ThreadpoolController

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
