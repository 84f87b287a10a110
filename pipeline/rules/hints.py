"""A name that does not exist, and what may be meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_LISTED = 25


def hint(name: str, known: Iterable[str]) -> str:
    """Return the name in quotes with the names most like it, or with all there are where none is like it."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.9) or difflib.get_close_matches(
        name, names, cutoff=0.75
    )
    if close:
        return f"{name!r}. Did you mean {' or '.join(close)}?"
    if len(names) <= MAX_LISTED:
        return f"{name!r}. Known: {', '.join(names)}"
    return f"{name!r}. Known: {', '.join(names[:MAX_LISTED])} and {len(names) - MAX_LISTED} more"
