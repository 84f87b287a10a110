"""What a forger may choose from, and choosing: encoder, overlay, and what packets are copied from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from pipeline.forge.cases import Case
from pipeline.forge.drawing import missing_fonts
from pipeline.forge.encoding import RECORDER, Encoding
from pipeline.forge.layouts import LAYOUTS
from pipeline.forge.overlay import Clock, check_fonts, later, random_clock
from pipeline.forge.plan import Pictures, Plan, Sounds, composed
from pipeline.forge.scene import Scene
from pipeline.forge.take import Take


@dataclass(frozen=True, slots=True)
class Wish:
    """What to choose from; of several values one is drawn for each clip."""

    codec: tuple[str, ...] = ()
    crf: tuple[int, ...] = ()
    gop: tuple[int, ...] = ()
    bframes: tuple[int, ...] = ()
    preset: tuple[str, ...] = ()
    container: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ("none",)
    """Names of layouts, "none", or "any" for one drawn from all whose fonts are installed."""
    height: int | None = None
    """Pictures are brought to this height; None: as they are."""
    edits: int = 1
    """How many edits to make in one clip, at most."""
    marked: bool = False
    """Say in the container's metadata that the clip is forged."""
    clocked: bool = False
    """The takes bear a running clock of their own, so that its jumps tell an edit."""
    direct: bool = False
    """Copied cases copy the packets of the clips themselves, whole, and make no recording first: for clips that come
    from one recorder, or from `pipeline.forge.forgery.record`."""

    def settings(self) -> dict[str, tuple[str, ...] | tuple[int, ...]]:
        """Return the values to choose from for each setting of the encoding."""
        return {
            "codec": self.codec,
            "crf": self.crf,
            "gop": self.gop,
            "bframes": self.bframes,
            "preset": self.preset,
            "container": self.container,
        }

    def checked(self) -> Wish:
        """Return this wish, if every choice in it can be made.

        Raises
        ------
        SettingsError
            If a setting is out of range, an overlay is unknown or lacks its font, or an encoder and a container that
            may be drawn together do not go together.
        """
        for values in product(*(choices or (None,) for choices in self.settings().values())):
            given = {name: value for name, value in zip(self.settings(), values, strict=True) if value is not None}
            Encoding(**given)  # type: ignore[arg-type]
        for style in self.overlay:
            if style not in {"none", "any"}:
                check_fonts(style)
        return self


def clocks_of(case: Case, count: int, overlay: Sequence[str], chance: random.Random) -> tuple[Clock | None, ...]:
    """Draw the overlay of each of `count` takes; foreign pictures bear, every other time, none."""
    style = chance.choice(list(overlay)) if overlay else "none"
    if style == "any":
        style = chance.choice(drawable())
    if style == "none":
        return (None,) * count
    check_fonts(style)
    clock = random_clock(chance, style)
    second = later(chance, clock)
    bare = case.foreign and chance.random() < 0.5
    return (clock, None if bare else second)[:count]


def drawable() -> list[str]:
    """Return the overlays whose fonts are installed."""
    return [entry.name for entry in LAYOUTS if not missing_fonts(entry)]


def copyable(encoding: Encoding, case: Case) -> Encoding:
    """Return what a recorder would write; AVI holds no times, and only MP4 and MOV have edit lists."""
    holds = {"mp4", "mov"} if case.copy == "trim" else {"mp4", "mov", "mkv", "ts"}
    container = encoding.container if encoding.container in holds else "mp4"
    if encoding.codec == "mjpeg" and container == "ts":
        container = "mp4"
    gop = min(encoding.gop, RECORDER.gop)
    return replace(encoding, container=container, gop=gop, bframes=RECORDER.bframes, scenecut=RECORDER.scenecut)


def recordings_of(whole: Plan, case: Case, wish: Wish) -> tuple[Plan | Take, ...]:
    """Return what packets are copied from: recordings made from the takes, all alike; the very clip for a re-mux."""
    take = whole.takes[0]
    untouched = whole.clocks[0] is None and wish.height is None
    if untouched and (case.copy == "remux" or wish.direct):
        return whole.takes
    encoding = replace(whole.encoding, container="mp4")
    pictures, sound, _ = composed(take, (), whole.even)
    made = [replace(whole, pictures=pictures, sound=sound, encoding=encoding, tags=())]
    if case.other:
        scene = Scene(whole.takes, (), random.Random(0))
        run = Pictures(int(scene.other.pictures / scene.pace), take=1, pace=scene.pace)
        samples = round(run.count / take.rate * take.rate_hz)
        silence = (Sounds(samples, take=-1),) if take.samples else ()
        made.append(replace(made[0], pictures=(run,), sound=scene.sound_with(run, samples) or silence, even=True))
    return tuple(made)
