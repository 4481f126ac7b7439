"""Ctrl-C, held back while results are being put together."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

__all__ = ["interrupts_between"]


@contextmanager
def interrupts_between() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """
    Let Ctrl-C interrupt everything but what must stay whole.

    Yields
    ------
    callable
        Makes a block of code whole: an interrupt within it is raised at its end. Outside the main
        thread, which is the only one that Ctrl-C reaches, it does nothing.
    """
    usual = signal.getsignal(signal.SIGINT)
    held: list[tuple[int, FrameType | None]] = []
    busy = False

    def handle(number: int, frame: FrameType | None) -> None:
        if busy:
            held.append((number, frame))
        elif callable(usual):
            usual(number, frame)

    @contextmanager
    def whole() -> Iterator[None]:
        nonlocal busy
        busy = True
        try:
            yield
        finally:
            busy = False
            if held and callable(usual):
                usual(*held.pop())

    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield whole
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield whole
    finally:
        signal.signal(signal.SIGINT, usual)
