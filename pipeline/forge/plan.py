"""A forgery as data: which pictures of which take follow each other, what is heard with them, and where that is told.

Plans hold no pictures; `pipeline.forge.render` streams them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.forge.encoding import Encoding
from pipeline.forge.overlay import Clock
from pipeline.forge.take import Take
from pipeline.model import Span

MANNERS = ("play", "reverse", "hold", "black", "cover", "light")
UNEVEN_BASE = Fraction(1, 90000)
"""Unit of time of a forgery that keeps an uneven spacing of pictures."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A run of pictures of a forged clip."""

    count: int
    first: int = 0
    """Number, in its take, of the first picture taken; of the only one that is held."""
    take: int = 0
    """Which of the plan's takes."""
    manner: str = "play"
    """One of `MANNERS`; "cover": played with the lens covered; "light": in another light."""
    pace: Fraction = Fraction(1)
    """Pictures that the take goes on with each picture shown: its rate over that of the clip."""
    spacing: int = -1
    """The run takes over the durations of the first take's pictures from this one on; -1: one picture period each."""

    def number(self, at: int) -> int:
        """Return which picture of the take is shown as the run's picture `at`."""
        if self.manner == "hold":
            return self.first
        return self.first + int((self.count - 1 - at if self.manner == "reverse" else at) * self.pace)


@dataclass(frozen=True, slots=True)
class Sounds:
    """A run of samples of a forged clip."""

    count: int
    start_s: Fraction = Fraction(0)
    """Where in its take it is heard."""
    take: int = 0
    """Which of the plan's takes; -1: digital silence."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done, and where a scan of the forged clip should tell it."""

    what: str
    pictures: int
    """Pictures removed, inserted, repeated, …; 0 where only the sound was touched."""
    seconds: float
    """The same in seconds of the take."""
    span: Span
    """On the forged clip's own timeline. A seam: from the last picture before to the first after."""
    kinds: frozenset[str]
    """Kinds of finding that name it."""
    beside: frozenset[str] = frozenset()
    """Kinds that follow from it and are true as well."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the first take: pictures `at` to `at + out` give way to `put`; likewise the sound."""

    what: str
    pictures: int
    seconds: float
    kinds: frozenset[str]
    beside: frozenset[str] = frozenset()
    at: int = 0
    out: int = 0
    put: tuple[Pictures, ...] = ()
    sound_at: int = 0
    """Number of a sample of the first take."""
    sound_out: int = 0
    sound_put: tuple[Sounds, ...] = ()
    mark: str = "stretch"
    """Where it is told: "stretch": over what was put in, or at the seam where nothing was; "seams": at the seam before
    and, if something follows, the seam behind it; "sound": over the sound put in, or at its seam; "sound-seam": where
    the sound put in begins; "sound-end": from there to the end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a re-encoded forgery is made of."""

    takes: tuple[Take, ...]
    pictures: tuple[Pictures, ...]
    sound: tuple[Sounds, ...]
    """Empty: the clip has no sound."""
    encoding: Encoding
    size: tuple[int, int]
    """Width and height in px."""
    clocks: tuple[Clock | None, ...]
    """What is burned into each take before it is cut."""
    events: tuple[Event, ...] = ()
    even: bool = True
    """Pictures stand a picture period apart."""
    tags: tuple[tuple[str, str], ...] = field(default=())
    """Metadata to write into the container."""

    @property
    def rate(self) -> Fraction:
        """Pictures a second."""
        return self.takes[0].rate

    @property
    def base(self) -> Fraction:
        """Unit of the presentation times, in seconds."""
        return 1 / self.rate if self.even else UNEVEN_BASE


def schedule(take: Take, pictures: Iterable[Pictures], even: bool) -> NDArray[np.int64]:
    """Return when each picture of a forged clip is shown, and the end, in units of `Plan.base`."""
    runs = list(pictures)
    if even:
        return np.arange(sum(run.count for run in runs) + 1)
    period = round(1 / (take.rate * UNEVEN_BASE))
    ticks = np.rint(take.times_s / float(UNEVEN_BASE)).astype(np.int64)
    durations: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    for run in runs:
        own = np.full(run.count, period, np.int64)
        if run.spacing >= 0:
            known = np.maximum(1, np.diff(ticks[run.spacing : run.spacing + run.count + 1]))
            own[: len(known)] = known
        durations.append(own)
    return np.cumsum(np.concatenate(durations))


def composed(
    take: Take, edits: Sequence[Edit], even: bool
) -> tuple[tuple[Pictures, ...], tuple[Sounds, ...], tuple[Event, ...]]:
    """Carry out edits, given in order of time, on the pictures and the sound of a take."""
    pictures, places = _pictures(take, edits)
    sound, heard = _sound(take, edits)
    base = 1 / take.rate if even else UNEVEN_BASE
    times = np.asarray(schedule(take, pictures, even) * float(base), np.float64)
    events: list[Event] = []
    for edit, (first, stop), (low, high) in zip(edits, places, heard, strict=True):
        if edit.mark.startswith("sound"):
            high = {"sound": high, "sound-seam": low}.get(edit.mark, take.sample(take.pictures))
            spans = [_heard_span(low / take.rate_hz, high / take.rate_hz, times)]
        elif edit.put and edit.mark == "stretch":
            spans = [Span(float(times[first]), float(times[stop]), first, stop)]
        else:
            seams = [first, stop] if edit.put and stop < len(times) - 1 else [first]
            spans = [_seam(at, times) for at in seams]
        events += [Event(edit.what, edit.pictures, edit.seconds, s, edit.kinds, edit.beside) for s in spans]
    return pictures, sound, tuple(events)


def _seam(at: int, times: NDArray[np.float64]) -> Span:
    return Span(float(times[at - 1]), float(times[at]), at - 1, at)


def _heard_span(start_s: float, stop_s: float, times: NDArray[np.float64]) -> Span:
    first = int(np.searchsorted(times, start_s + 1e-9, "right")) - 1
    stop = max(first + 1, int(np.searchsorted(times, stop_s - 1e-9, "left")))
    return Span(start_s, stop_s, first, min(stop, len(times) - 1))


def _pictures(take: Take, edits: Sequence[Edit]) -> tuple[tuple[Pictures, ...], list[tuple[int, int]]]:
    """Return the runs of pictures, and for each edit where in the forged clip what it put in begins and ends."""
    runs: list[Pictures] = []
    places: list[tuple[int, int]] = []
    at = 0
    for edit in (*edits, None):
        stop = take.pictures if edit is None else edit.at if edit.out or edit.put else at
        if stop > at:
            runs.append(Pictures(stop - at, at, spacing=at))
        at = max(at, stop)
        if edit is not None:
            first = sum(run.count for run in runs)
            runs.extend(edit.put)
            places.append((first, first + sum(run.count for run in edit.put)))
            at += edit.out
    return tuple(runs), places


def _sound(take: Take, edits: Sequence[Edit]) -> tuple[tuple[Sounds, ...], list[tuple[int, int]]]:
    """Return the runs of sound, and for each edit the samples of the forged clip that it put in."""
    if not take.rate_hz or not take.samples:
        return (), [(0, 0)] * len(edits)
    runs: list[Sounds] = []
    places: list[tuple[int, int]] = []
    at = 0
    for edit in (*edits, None):
        touched = edit is not None and bool(edit.sound_out or edit.sound_put)
        stop = take.samples if edit is None else edit.sound_at if touched else at
        if stop > at:
            runs.append(Sounds(stop - at, Fraction(at, take.rate_hz)))
        at = max(at, stop)
        if edit is not None:
            first = sum(run.count for run in runs)
            runs.extend(edit.sound_put)
            places.append((first, first + sum(run.count for run in edit.sound_put)))
            at += edit.sound_out
    return tuple(runs), places
