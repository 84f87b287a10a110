"""The edits of sound alone; no picture is touched."""

from __future__ import annotations

from fractions import Fraction

from pipeline.forge.plan import Edit, Sounds
from pipeline.forge.scene import Scene

_SHIFT_S = (2.0, 4.0)
"""How far back in the take the sound is taken from that a cut goes on with."""


def sound_removed(scene: Scene, *, seconds: float) -> list[Edit]:
    """Take out some sound: what follows comes too early, and the sound ends before the pictures."""
    return [
        Edit(
            "sound removed",
            0,
            seconds,
            frozenset({"audio-break", "av-desync"}),
            frozenset({"header-mismatch"}),
            at=at,
            sound_at=scene.take.sample(at),
            sound_out=_samples(scene, seconds),
            mark="sound",
        )
        for at in scene.places
    ]


def sound_zeroed(scene: Scene, *, seconds: float) -> list[Edit]:
    """Set some sound to zero."""
    samples = _samples(scene, seconds)
    kinds = frozenset({"audio-dropout"})
    beside = frozenset({"audio-break"})
    return [
        _replaced(scene, "sound zeroed", at, samples, (Sounds(samples, take=-1),), kinds, beside) for at in scene.places
    ]


def sound_replaced(scene: Scene, *, seconds: float) -> list[Edit]:
    """Let another take be heard for a while."""
    samples = _samples(scene, seconds)
    most_s = float(Fraction(scene.other.samples, scene.other.rate_hz)) - seconds
    edits = []
    for at in scene.places:
        start_s = Fraction(scene.random.uniform(0.0, max(0.0, most_s))).limit_denominator(1000)
        there = scene.other.samples / scene.other.rate_hz - float(start_s)
        count = min(samples, int(there * scene.take.rate_hz))
        put = (Sounds(count, start_s, take=1),)
        edits.append(_replaced(scene, "sound replaced", at, count, put, frozenset({"audio-break"})))
    return edits


def sound_cut(scene: Scene) -> list[Edit]:
    """Go on, from an instant to the next place, with what the same microphone heard a few seconds before."""
    take, edits = scene.take, []
    for at, stop in zip(scene.places, (*scene.places[1:], take.pictures), strict=True):
        low, high = take.sample(at), take.sample(stop)
        start_s = max(Fraction(0), take.time(at) - Fraction(scene.random.uniform(*_SHIFT_S)).limit_denominator(1000))
        edit = _replaced(
            scene,
            "sound cut",
            at,
            high - low,
            (Sounds(high - low, start_s),),
            frozenset({"audio-break", "av-desync"}),
            mark="sound-seam",
        )
        edits.append(edit)
    return edits


def sound_ended(scene: Scene) -> list[Edit]:
    """Let the sound end while the pictures go on."""
    take, at = scene.take, scene.places[0]
    kinds = frozenset({"audio-dropout", "audio-missing", "av-desync", "header-mismatch"})
    low = take.sample(at)
    seconds = (take.samples - low) / take.rate_hz
    edit = Edit("sound ended", 0, seconds, kinds, at=at, sound_at=low, sound_out=take.samples - low, mark="sound-end")
    return [edit]


def _samples(scene: Scene, seconds: float) -> int:
    return round(seconds * scene.take.rate_hz)


def _replaced(
    scene: Scene,
    what: str,
    at: int,
    samples: int,
    put: tuple[Sounds, ...],
    kinds: frozenset[str],
    beside: frozenset[str] = frozenset(),
    mark: str = "sound",
) -> Edit:
    seconds = samples / scene.take.rate_hz
    low = scene.take.sample(at)
    return Edit(what, 0, seconds, kinds, beside, at=at, sound_at=low, sound_out=samples, sound_put=put, mark=mark)
