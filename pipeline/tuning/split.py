"""Holding clips out by source: clips that share a take never stand on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import IntegrityError
from pipeline.tuning.labels import LabelError, Labels, html_table

MOST_NAMED = 5


class LeakageError(IntegrityError):
    """Clips of one source lie on both sides: what is measured on one side would only repeat the other."""


class HasSources(Protocol):
    """Labels, loaded clips, a score: whatever knows of which sources its clips are."""

    def sources(self) -> dict[str, frozenset[str]]:
        """Return SHA-256 of each clip → of what it was made from."""
        ...


@dataclass(frozen=True, slots=True)
class Split:
    """Labels to tune on, and labels of other sources to test on."""

    tune: Labels
    test: Labels

    def table(self) -> list[dict[str, object]]:
        """Return what lies on either side."""
        return [
            {"side": name, "groups": len(groups(side)), "clips": len(side.clips), "labels": len(side)} | side.origins
            for name, side in (("tune", self.tune), ("test", self.test))
        ]

    def _repr_html_(self) -> str:
        return html_table(self.table())


def groups(given: HasSources) -> tuple[frozenset[str], ...]:
    """Return the clips that hang together by their sources, each group as the hashes of its clips, in a fixed order.

    A clip that was made from several takes ties all clips of these takes into one group. A clip that others were made
    from belongs to them.
    """
    sources = given.sources()
    above: dict[str, str] = {}

    def top(node: str) -> str:
        root = node
        while above.setdefault(root, root) != root:
            root = above[root]
        while above[node] != root:
            above[node], node = root, above[node]
        return root

    for clip, made_from in sources.items():
        for source in made_from:
            one, other = sorted((top(clip), top(source)))
            above[other] = one
    found: dict[str, set[str]] = {}
    for clip in sources:
        found.setdefault(top(clip), set()).add(clip)
    return tuple(sorted(map(frozenset, found.values()), key=min))


def split(labels: Labels, held_out: float = 0.5, seed: int = 0) -> Split:
    """Part labels by source.

    Parameters
    ----------
    labels : Labels
    held_out : float
        Share of the groups (see `groups`) that is held out to test on, more than 0 and less than 1; at least one group
        lies on each side.
    seed : int
        The same labels and seed give the same split.

    Raises
    ------
    LabelError
        If all clips hang together, so that nothing can be held out.
    """
    if not 0 < held_out < 1:
        raise LabelError(f"held_out is {held_out}; it must be a share between 0 and 1.")
    ordered = _drawn(labels, seed, 2)
    count = min(max(round(held_out * len(ordered)), 1), len(ordered) - 1)
    return _parted(labels, ordered[:count])


def folds(labels: Labels, number: int = 5, seed: int = 0) -> tuple[Split, ...]:
    """Return as many splits as asked for, in which every group is held out once.

    Raises
    ------
    LabelError
        If there are fewer groups than folds.
    """
    if number < 2:
        raise LabelError(f"{number} folds; there must be two at least.")
    ordered = _drawn(labels, seed, number)
    return tuple(_parted(labels, ordered[fold::number]) for fold in range(number))


def must_not_leak(tune: HasSources, test: HasSources) -> None:
    """Do nothing where no clip of one side shares a source with a clip of the other.

    Raises
    ------
    LeakageError
        If one does; the text names clips.
    """
    sides = (tune.sources(), test.sources())
    takes = [_takes(side) for side in sides]
    shared = takes[0].keys() & takes[1].keys()
    if shared:
        named = [f"{takes[0][source][:12]} and {takes[1][source][:12]} (of {source[:12]})" for source in sorted(shared)]
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        raise LeakageError(
            f"clips that were tuned on and clips to test on come from the same takes: "
            f"{'; '.join(named[:MOST_NAMED])}{more}. Part them with split() or folds()."
        )


def _takes(sources: dict[str, frozenset[str]]) -> dict[str, str]:
    """Return each hash that stands for a take → a clip of it."""
    return {take: clip for clip, made_from in sorted(sources.items()) for take in (clip, *made_from)}


def _drawn(labels: Labels, seed: int, least: int) -> list[frozenset[str]]:
    """Return the groups in an order that follows from the seed and from each group alone."""
    found = groups(labels)
    if len(found) < least:
        raise LabelError(
            f"the clips hang together in {len(found)} group(s) by their sources, fewer than the {least} that are "
            "needed. Label clips of more takes, or splice fewer together."
        )
    return sorted(found, key=lambda group: hashlib.sha256(f"{seed} {min(group)}".encode()).digest())


def _parted(labels: Labels, held_out: Iterable[frozenset[str]]) -> Split:
    test = labels.of(frozenset().union(*held_out))
    tune = labels.of(set(labels.clips) - set(test.clips))
    must_not_leak(tune, test)
    return Split(tune, test)
