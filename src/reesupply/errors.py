"""What reesupply raises when input is bad or a request cannot be met."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ReesupplyError(ValueError):
    """Base of all that bad input or an impossible request raises; its text is one sentence."""


class ScenarioError(ReesupplyError):
    """A scenario or a table of data is wrong; the text says where and what is allowed."""


class ReesupplyWarning(UserWarning):
    """A result is usable, but the reader should know something about it."""


def nearest(name: object, valid: Iterable[str], *, limit: int = 12) -> str:
    """
    Say which names are allowed, the nearest one first.

    Parameters
    ----------
    name : object
        What was found, by rights a text.
    valid : iterable of str
        What is allowed.
    limit : int
        How many names are listed at the most.

    Returns
    -------
    str
        For example ``"did you mean 'browns-range'?"`` or ``"allowed: a, b, c"``.
    """
    names = list(valid)
    close = get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"allowed: {', '.join(names[:limit]) or 'nothing'}{more}"
