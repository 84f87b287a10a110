"""A bar in terminals and notebooks for what takes a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def shown(steps: Sequence[T] | Iterable[T], what: str, bar: bool = True, total: int | None = None) -> Iterator[T]:
    """Yield the steps one by one, and show a bar on stderr (in a notebook: in the cell) while they are worked on."""
    console = Console(stderr=True)
    count = total if total is not None else len(steps) if isinstance(steps, Sequence) else None
    yield from track(steps, what, total=count, console=console, transient=True, disable=not bar)
