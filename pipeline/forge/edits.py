"""The edits of pictures: each a pure function from a scene to changes of its take, with what would tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from pipeline.forge.plan import Edit, Pictures, Sounds
from pipeline.forge.scene import Scene

_CLOCK = frozenset({"clock-jump", "clock-rate"})
_FOREIGN_CLOCK = _CLOCK | {"clock-missing"}
_JUMP = frozenset({"missing-frames", "picture-cut"}) | _CLOCK


def untouched(scene: Scene) -> list[Edit]:
    """Change nothing: what is found in such a clip is a false alarm."""
    return []


def splice(scene: Scene, *, with_sound: bool) -> list[Edit]:
    """Go on with another take; at the next place come back, and so on."""
    take, edits = scene.take, []
    ends = [*scene.places, take.pictures] if len(scene.places) % 2 else scene.places
    for at, stop in list(pairwise(ends))[::2]:
        run = scene.foreign(stop - at)
        low, last, high = take.sample(at), take.sample(at + run.count), take.sample(stop)
        sound = scene.sound_with(run, last - low) if with_sound else ()
        edit = Edit(
            "splice",
            run.count,
            scene.seconds(at, run.count),
            frozenset({"picture-cut", "missing-frames", "inserted-frames"}) | _FOREIGN_CLOCK,
            at=at,
            out=stop - at,
            put=(run,),
            mark="seams",
        )
        if sound:
            kinds = edit.kinds | {"audio-break"}
            edit = replace(edit, kinds=kinds, sound_at=low, sound_out=high - low, sound_put=sound)
        else:  # where the other take is shorter, the sound must not outlast the pictures
            edit = replace(edit, sound_at=last, sound_out=high - last)
        edits.append(edit)
    return edits


def inserted(scene: Scene, *, pictures: int) -> list[Edit]:
    """Show foreign pictures in place of as many; the sound runs on."""
    edits = []
    for at in scene.places:
        run = scene.foreign(pictures, spacing=at)
        kinds = frozenset({"inserted-frames", "picture-cut", "missing-frames"}) | _FOREIGN_CLOCK
        edits.append(Edit("inserted", run.count, scene.seconds(at, run.count), kinds, at=at, out=run.count, put=(run,)))
    return edits


def inserted_longer(scene: Scene, *, pictures: int, silent: bool) -> list[Edit]:
    """Put foreign pictures between two of the take, and their sound or silence between its sound."""
    take, edits = scene.take, []
    for at in scene.places:
        run = scene.foreign(pictures)
        samples = round(run.count / take.rate * take.rate_hz)
        kinds = frozenset({"inserted-frames", "picture-cut"}) | _FOREIGN_CLOCK
        sound: tuple[Sounds, ...] = ()
        if take.samples:
            theirs = () if silent else scene.sound_with(run, samples)
            sound = theirs or (Sounds(samples, take=-1),)
            kinds |= {"audio-break"} if theirs else {"audio-break", "audio-dropout"}
        edit = Edit("inserted", run.count, float(run.count / take.rate), kinds, at=at, put=(run,))
        edits.append(replace(edit, sound_at=take.sample(at), sound_put=sound))
    return edits


def removed(scene: Scene, *, pictures: int = 0, seconds: float = 0.0) -> list[Edit]:
    """Take out pictures and the sound that goes with them."""
    take, edits = scene.take, []
    count = pictures or scene.pictures(seconds)
    for at in scene.places:
        low, high = take.sample(at), take.sample(at + count)
        kinds = _JUMP | ({"audio-break"} if high > low else frozenset())
        edit = Edit("removed", count, scene.seconds(at, count), kinds, at=at, out=count)
        edits.append(replace(edit, sound_at=low, sound_out=high - low))
    return edits


def repeated(scene: Scene, *, seconds: float, times: int = 1) -> list[Edit]:
    """Show the last `seconds` once more, or several times, with their sound, and go on."""
    take, edits = scene.take, []
    count = scene.pictures(seconds)
    for at in scene.places:
        low, high = take.sample(at - count), take.sample(at)
        sound = (Sounds(high - low, take.time(at - count)),) * times if high > low else ()
        kinds = _JUMP | {"repeated-frames"} | ({"audio-break"} if sound else frozenset())
        edit = Edit("repeated", count * times, times * scene.seconds(at - count, count), kinds, at=at)
        put = (Pictures(count, at - count, spacing=at - count),) * times
        edits.append(replace(edit, put=put, sound_at=high, sound_put=sound))
    return edits


def reversed_play(scene: Scene, *, seconds: float) -> list[Edit]:
    """Play a stretch backwards; the sound runs on."""
    count = scene.pictures(seconds)
    kinds = _JUMP | {"repeated-frames"}
    return _in_place(scene, "reversed", count, kinds, "reverse")


def frozen(scene: Scene, *, seconds: float) -> list[Edit]:
    """Hold a picture while the sound runs on; then go on where the take would be."""
    kinds = frozenset({"frozen-picture"}) | _JUMP
    return _in_place(scene, "frozen", scene.pictures(seconds), kinds, "hold")


def blackened(scene: Scene, *, seconds: float) -> list[Edit]:
    """Show black while the sound runs on."""
    kinds = frozenset({"blank-picture", "picture-cut", "inserted-frames"}) | _FOREIGN_CLOCK
    return _in_place(scene, "black", scene.pictures(seconds), kinds, "black")


def covered(scene: Scene, *, seconds: float) -> list[Edit]:
    """Cover the lens slowly and uncover it; the recorder's clock runs on over the dark picture."""
    return _in_place(scene, "covered", scene.pictures(seconds), frozenset({"blank-picture"}), "cover")


def lit(scene: Scene, *, seconds: float) -> list[Edit]:
    """Change the light at once, and back: nothing is added, removed or altered that was seen."""
    return _in_place(scene, "lit", scene.pictures(seconds), frozenset(), "light")


def _in_place(scene: Scene, what: str, count: int, kinds: frozenset[str], manner: str) -> list[Edit]:
    return [
        Edit(
            what,
            count,
            scene.seconds(at, count),
            kinds,
            at=at,
            out=count,
            put=(Pictures(count, at, manner=manner, spacing=at),),
        )
        for at in scene.places
    ]


def without(edits: Sequence[Edit], kinds: frozenset[str]) -> list[Edit]:
    """Return edits that no finding of `kinds` tells: there is no clock, or no sound, to tell them by."""
    return [replace(edit, kinds=edit.kinds - kinds) for edit in edits]
