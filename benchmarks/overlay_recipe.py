"""What a made clip is made from, and what its overlay then says on every picture: pure."""

from __future__ import annotations

import calendar
import hashlib
import json
import math
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from pipeline.forge import overlay
from pipeline.forge.layouts import Layout, Line, identity, layout
from pipeline.forge.overlay import clock_of

MATERIAL_VERSION = 1
"""Raised whenever the same recipe gives another clip; part of its file name."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Pictures `at` to `at + frames`, counted in the recording as it was made, are taken out."""

    at: int
    frames: int


@dataclass(frozen=True, slots=True)
class Insertion:
    """Foreign pictures without an overlay are put before picture `at` of the recording."""

    at: int
    frames: int


@dataclass(frozen=True, slots=True)
class Vanish:
    """The recording bears no overlay on pictures `at` to `at + frames`."""

    at: int
    frames: int


@dataclass(frozen=True, slots=True)
class Move:
    """From picture `at` on the overlay of another layout is drawn."""

    at: int
    layout: str


Edit = Removal | Insertion | Vanish | Move


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a clip is made from."""

    take: str
    """Path under the folder of footage."""
    layout: str
    height: int
    """720 or 1080; the picture is 16:9."""
    crf: int
    rate: Fraction
    seconds: float
    """Of the recording, before any edit."""
    start: datetime
    """What the clock shows in the first picture, in whole seconds."""
    phase: float
    """How much of that second has already passed, 0 to 1."""
    seed: int = 0
    gop: int = 50
    preset: str = "veryfast"
    edits: tuple[Edit, ...] = ()
    jitter_frames: int = 0
    """The recorder turns its clock over up to this many pictures too early or too late, and comes back."""
    jitter_share: float = 0.0
    """How many of its seconds it does so at, 0 to 1."""
    noise: float = 0.0
    """Standard deviation of noise added to the brightness, 0..255."""
    x264: str = ""
    """More options of the encoder, as x264 spells them."""

    def digest(self) -> str:
        """Return a hash of all that the clip depends on, but for the layouts that a `Move` names."""
        drawn = layout(self.layout)
        parts = [asdict(self), asdict(drawn), identity(drawn.half, self.seed), MATERIAL_VERSION]
        document = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(document.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of the finished clip."""

    recorded: int | None
    """Its number in the recording; None: foreign."""
    layout: str | None
    """Overlay drawn on it; None: none."""


def shown(recipe: Recipe) -> list[Shown]:
    """Return the pictures of the finished clip in order."""
    count = round(recipe.seconds * recipe.rate)
    removed: set[int] = set()
    bare: set[int] = set()
    foreign: dict[int, int] = {}
    moves: dict[int, str] = {}
    for edit in recipe.edits:
        if isinstance(edit, Removal):
            removed.update(range(edit.at, edit.at + edit.frames))
        elif isinstance(edit, Vanish):
            bare.update(range(edit.at, edit.at + edit.frames))
        elif isinstance(edit, Insertion):
            foreign[edit.at] = edit.frames
        else:
            moves[edit.at] = edit.layout
    pictures = []
    drawn = recipe.layout
    for number in range(count):
        pictures.extend([Shown(None, None)] * foreign.get(number, 0))
        drawn = moves.get(number, drawn)
        if number not in removed:
            pictures.append(Shown(number, None if number in bare else drawn))
    return pictures


def turnovers(recipe: Recipe) -> list[int]:
    """Return the recorded pictures at which the clock turns over to its 1st, 2nd, … second after the start.

    Second j begins at picture ceil((j - phase) x rate), plus the recorder's jitter.
    """
    chance = random.Random(f"jitter {recipe.seed}")
    count = round(recipe.seconds * recipe.rate)
    found: list[int] = []
    for second in range(1, int(recipe.seconds + recipe.phase) + 2):
        at = math.ceil((second - recipe.phase) * recipe.rate)
        if recipe.jitter_frames and chance.random() < recipe.jitter_share:
            at += chance.choice((-1, 1)) * chance.randint(1, recipe.jitter_frames)
        if at < count:
            found.append(max(at, 1))
    return found


def clock_seconds(layout: Layout, when: datetime) -> int:
    """Return what `frames.clock_s` says of a clock that shows `when`."""
    if layout.dated:
        return calendar.timegm(when.timetuple())
    return when.hour * 3600 + when.minute * 60 + when.second


@dataclass(frozen=True, slots=True)
class Moment:
    """What one recorded picture's overlay says."""

    when: datetime
    frame: int
    """How many pictures ago the clock turned over."""
    recorded: int


def moments(recipe: Recipe) -> list[Moment]:
    """Return what the overlay says on every recorded picture."""
    at = turnovers(recipe)
    found = []
    second, since = 0, -round(recipe.phase * float(recipe.rate))
    for number in range(round(recipe.seconds * recipe.rate)):
        while second < len(at) and at[second] <= number:
            since = at[second]
            second += 1
        found.append(Moment(recipe.start + timedelta(seconds=second), number - since, number))
    return found


def texts(recipe: Recipe, layout_name: str, moment: Moment) -> Iterator[tuple[Line, str]]:
    """Return every text that the overlay shows at a moment, line by line."""
    drawn = layout(layout_name)
    elapsed_s = int((moment.when - recipe.start).total_seconds())
    clock = clock_of(drawn, moment.when, moment.frame, recipe.rate)
    return overlay.texts(drawn, identity(drawn.half, recipe.seed), moment.when, elapsed_s, clock)
