"""What an edit sees: the takes, the places where it may cut, and chance."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pipeline.errors import FootageError
from pipeline.forge.plan import Edit, Pictures, Sounds
from pipeline.forge.take import Take
from pipeline.model import Message

_LEAD_S = 2.0
_LEAD_SHARE = 0.2
"""Nothing is edited this near to the beginning and the end of a clip: the lesser of the two."""
_BETWEEN_S = 1.0
"""Untouched take between two edits, at least."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The takes and where to edit the first of them."""

    takes: tuple[Take, ...]
    places: tuple[int, ...]
    """Numbers of pictures of the first take, in order."""
    random: random.Random

    @property
    def take(self) -> Take:
        """The take that is forged."""
        return self.takes[0]

    @property
    def other(self) -> Take:
        """The take that foreign pictures and sounds are taken from."""
        return self.takes[1]

    @property
    def pace(self) -> Fraction:
        """Pictures that the other take goes on with each picture of this one."""
        ratio = self.other.rate / self.take.rate
        even = self.take.regular and self.other.regular
        return ratio if even and abs(ratio - 1) > Fraction(1, 50) else Fraction(1)

    def pictures(self, seconds: float) -> int:
        """Return how many pictures of the take `seconds` are: as many as it takes to last that long."""
        return max(1, math.ceil(round(float(seconds * self.take.rate), 6)))

    def seconds(self, at: int, count: int) -> float:
        """Return how long `count` pictures of the take last from picture `at` on."""
        return float(self.take.time(at + count) - self.take.time(at))

    def foreign(self, count: int, spacing: int = -1) -> Pictures:
        """Return `count` pictures of the other take, from a place drawn by chance; fewer if it has no more."""
        pace = self.pace
        count = min(count, int(self.other.pictures / pace))
        first = self.random.randint(0, max(0, self.other.pictures - int(count * pace) - 1))
        return Pictures(count, first, take=1, pace=pace, spacing=spacing)

    def sound_with(self, run: Pictures, samples: int) -> tuple[Sounds, ...]:
        """Return the sound of the other take that belongs to its pictures, and silence where it has no more.

        Nothing, if one of the takes has no sound, or the other has none there.
        """
        if not self.heard:
            return ()
        start_s = self.other.time(run.first)
        there = int((Fraction(self.other.samples, self.other.rate_hz) - start_s) * self.take.rate_hz)
        if there <= 0:
            return ()
        rest = max(0, samples - there)
        return Sounds(samples - rest, start_s, take=1), *([Sounds(rest, take=-1)] if rest else [])

    @property
    def heard(self) -> bool:
        """Both takes have sound."""
        return self.take.samples > 0 and len(self.takes) > 1 and self.other.samples > 0


def check_room(scene: Scene, edits: Sequence[Edit]) -> None:
    """Refuse edits that reach beyond their takes: where pictures stand unevenly, seconds do not say how many there are.

    Raises
    ------
    FootageError
        If one does.
    """
    for edit in edits:
        runs = [run for run in edit.put if run.manner != "black"]
        shown = [(scene.takes[run.take], run.number(at)) for run in runs for at in (0, run.count - 1)]
        inside = all(0 <= number < take.pictures for take, number in shown) and all(run.count > 0 for run in edit.put)
        if not inside or edit.at < 1 or edit.at + edit.out > scene.take.pictures:
            message = "{path}: it has too few pictures for this edit."
            raise FootageError(Message(message, {"path": str(scene.take.path)}))


def places(take: Take, wanted: int, room_s: float, before_s: float, chance: random.Random) -> tuple[int, ...]:
    """Draw where to edit: `wanted` places, one in each of as many equal parts of the take, or as many as there is room.

    Parameters
    ----------
    take : Take
    wanted : int
    room_s : float
        What one edit takes of the take behind its place.
    before_s : float
        What it needs before its place.
    chance : random.Random

    Raises
    ------
    FootageError
        If the take is too short for one.
    """
    length_s = float(take.time(take.pictures))
    lead_s = min(_LEAD_S, _LEAD_SHARE * length_s)
    free_s = length_s - 2 * lead_s
    fitting = int(free_s / (room_s + before_s + _BETWEEN_S)) if wanted > 1 else 1
    count = max(1, min(wanted, fitting))
    part_s = free_s / count
    slack_s = part_s - room_s - before_s - (_BETWEEN_S if count > 1 else 0.0)
    if slack_s < 0:
        message = "{path}: at {seconds:.1f} s it is too short for this edit, which needs {needed:.1f} s."
        needed_s = (room_s + before_s) / (1 - 2 * _LEAD_SHARE)
        raise FootageError(Message(message, {"path": str(take.path), "seconds": length_s, "needed": needed_s}))
    drawn = [lead_s + part * part_s + before_s + chance.random() * slack_s for part in range(count)]
    ends = take.times_s - 0.5 / float(take.rate)  # so that a regular take gives the nearest picture
    return tuple(max(1, min(take.pictures - 1, int(np.searchsorted(ends, at_s, "right")) - 1)) for at_s in drawn)
