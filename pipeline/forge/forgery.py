"""From a case and takes to a forged clip with its truth: the interface that benchmarks and the command line use.

takes = [read_take(Path("one.mp4")), read_take(Path("another.mp4"))]
forgery = plan(case("removed-10"), takes, seed=1, wish=Wish(crf=(20, 28), overlay=("dots-5x7",)))
truth = render(forgery, Path("forged.mp4"))
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.errors import FootageError
from pipeline.forge import copies, copying
from pipeline.forge.cases import Case
from pipeline.forge.edits import without
from pipeline.forge.encoding import RECORDER, Encoding, chosen
from pipeline.forge.origin import joined
from pipeline.forge.overlay import Clock
from pipeline.forge.pictures import scaled_size
from pipeline.forge.plan import Event, Plan, composed, schedule
from pipeline.forge.render import encode
from pipeline.forge.scene import Scene, check_room, places
from pipeline.forge.take import Take, read_take
from pipeline.forge.truth import Truth, Value
from pipeline.forge.wish import Wish, clocks_of, copyable, recordings_of
from pipeline.model import Message

FORGER_VERSION = 3
"""Raised whenever the same wish gives another file; benchmarks put it into the key of what they keep."""

WRITTEN_ANEW = frozenset({"re-encoded", "container-rewrite"})
_OF_CLOCKS = frozenset({"clock-jump", "clock-rate", "clock-missing"})
_OF_SOUND = frozenset({"audio-break", "audio-dropout", "av-desync"})
_ENCODERS = frozenset({"codec", "crf", "gop", "bframes", "preset", "scenecut"})
MARK = "forged by unbroken forge: {name}"
"""The tag that every marked clip bears."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """One clip that can be rendered; the same forgery gives the same bytes."""

    name: str
    case: Case
    plan: Plan
    """What is encoded; where packets are copied, how the first recording is made."""
    recordings: tuple[Plan | Take, ...]
    """What packets are copied from; empty where the clip is encoded anew."""
    untold: frozenset[str]
    """Kinds of finding that nothing in the clip can give: it has no clock, or no sound."""
    recipe: dict[str, Value]
    seed: str


def plan(case: Case, takes: Sequence[Take], seed: int, wish: Wish | None = None) -> Forgery:
    """Decide how to forge `takes[0]`: where, with what of `takes[1]`, in which encoding and under which clock.

    Everything follows from the case, the content of the takes, the seed and the wish. Nothing is decoded or written.

    Raises
    ------
    FootageError
        If the clip is too short for the case, has no sound where it needs some, or a second take is missing.
    SettingsError
        If the wish cannot be fulfilled: an encoder and a container that do not go together, a font that is missing.
    """
    wish = wish or Wish()
    takes = tuple(takes[: 2 if case.other else 1])
    _check(case, takes)
    key = f"{seed} {case.name} {' '.join(take.sha256 for take in takes)}"
    encoding = chosen(random.Random(f"{key} encoding"), wish.settings())
    clocks = clocks_of(case, len(takes), wish.overlay, random.Random(f"{key} overlay"))
    if case.copy:
        encoding = copyable(encoding, case)
    even = takes[0].regular or encoding.container == "avi"
    if even and not takes[0].regular:
        times = np.arange(takes[0].pictures + 1) / float(takes[0].rate)
        takes = (replace(takes[0], regular=True, times_s=times), *takes[1:])
    size = scaled_size(takes[0].width, takes[0].height, wish.height)
    name = f"{takes[0].path.stem}-{case.name}".encode("utf-8", "replace").decode()
    tags = (("comment", MARK.format(name=name)),) if wish.marked else ()
    if tags and encoding.container == "ts":  # a transport stream knows no comment
        tags = (("service_name", tags[0][1]),)
    whole = Plan(takes, (), (), encoding, size, clocks, even=even, tags=tags)
    recipe = _recipe(case, takes, seed, encoding, clocks, size) | {"edits": wish.edits}
    if case.copy:
        recordings = recordings_of(whole, case, wish)
        if isinstance(recordings[0], Take):
            recipe = {key: value for key, value in recipe.items() if key not in _ENCODERS} | {"codec": "copied"}
        return Forgery(name, case, whole, recordings, _untold(whole, wish), recipe, key)
    chance = random.Random(f"{key} edit")  # the same places, whatever the encoding and the overlay
    at = places(takes[0], wish.edits, case.room_s, case.before_s, chance)
    assert case.edit is not None
    scene = Scene(takes, at, chance)
    edits = case.edit(scene)
    check_room(scene, edits)
    edits = without(edits, _untold(whole, wish))
    pictures, sound, events = composed(takes[0], edits, even)
    made = replace(whole, pictures=pictures, sound=sound, events=events)
    return Forgery(name, case, made, (), _untold(whole, wish), recipe, key)


def _check(case: Case, takes: tuple[Take, ...]) -> None:
    path = str(takes[0].path)
    if case.other and len(takes) < 2:
        raise FootageError(Message("{path}: {case} needs a second clip.", {"path": path, "case": case.name}))
    for take in takes:
        if case.sound and not take.samples:
            message = "{path}: {case} needs sound, and the clip has none."
            raise FootageError(Message(message, {"path": str(take.path), "case": case.name}))


def _recipe(
    case: Case,
    takes: tuple[Take, ...],
    seed: int,
    encoding: Encoding,
    clocks: tuple[Clock | None, ...],
    size: tuple[int, int],
) -> dict[str, Value]:
    recipe: dict[str, Value] = {"forger": FORGER_VERSION, "case": case.name, "seed": seed}
    recipe |= {"sources": [take.path.name for take in takes], "sha256": [take.sha256 for take in takes]}
    recipe |= {"seconds": float(takes[0].time(takes[0].pictures)), "width": size[0], "height": size[1]}
    recipe |= {"rate": str(takes[0].rate)} | asdict(encoding)
    recipe["overlay"] = clocks[0].style if clocks[0] else "none"
    recipe["clocks"] = [str(clock) if clock else "none" for clock in clocks]
    return recipe


def render(forgery: Forgery, path: Path) -> Truth:
    """Write the clip and return what is true of it; an existing file is overwritten.

    Raises
    ------
    FootageError
        If a take cannot be read again, the copy finds no place to cut, or the file cannot be written.
    """
    made, case = forgery.plan, forgery.case
    if not case.copy:
        encode(made, path)
        times = schedule(made.takes[0], made.pictures, made.even)
        duration_s = float(times[-1] * made.base)
        return _truth(forgery, len(times) - 1, duration_s, made.events)
    first = forgery.recordings[0]
    with tempfile.TemporaryDirectory(prefix="unbroken-forge-") as folder:
        paths = [_recorded(each, Path(folder, f"{n}.mp4")) for n, each in enumerate(forgery.recordings)]
        amount = case.amount
        if case.copy == "remux" and isinstance(first, Take) and not first.whole:
            amount = first.start_s + float(first.times_s[-1])
        copied = copies.WAYS[case.copy](paths, amount, random.Random(forgery.seed))
        if copied is None:
            message = "{path}: it holds no place for this cut between packets."
            raise FootageError(Message(message, {"path": str(made.takes[0].path)}))
        if case.copy == "remux":
            between = Path(folder, "between.mkv")
            copying.write(copied.segments, between, "matroska", {})
            copied = replace(copied, segments=(copying.Segment(between, lambda _pictures, _time_s: True),))
        copying.write(copied.segments, path, made.encoding.muxer, dict(made.tags))
    if case.copy == "remux" and isinstance(first, Take) and read_take(path).pictures != _shown(first, copied):
        message = "{path}: its packets cannot be copied to {container} so that every picture is shown again."
        raise FootageError(Message(message, {"path": str(first.path), "container": made.encoding.container}))
    events = tuple(replace(event, kinds=event.kinds - forgery.untold) for event in copied.events)
    period_s = float(np.median(np.diff(copied.shown_s)))
    return _truth(forgery, len(copied.shown_s), float(copied.shown_s[-1]) + period_s, events)


def _shown(take: Take, copied: copies.Copied) -> int:
    """Return how many pictures a copy of a take must show; one that was cut short ends with a whole group of them."""
    return take.pictures if take.whole else len(copied.shown_s)


def record(
    take: Take, path: Path, *, clock: Clock | None = None, encoding: Encoding = RECORDER, height: int | None = None
) -> Take:
    """Write a take as a recorder would have, with its clock burned in, and read it.

    What is forged from it is then encoded twice, clock and all, as real forgeries are: with `Wish(clocked=True)`, and
    `direct=True` to copy its packets. Clocks come from `pipeline.forge.overlay.random_clock` and `later`.

    Raises
    ------
    FootageError
        If the take cannot be read again, or the file cannot be written.
    """
    pictures, sound, _ = composed(take, (), take.regular)
    size = scaled_size(take.width, take.height, height)
    encode(Plan((take,), pictures, sound, encoding, size, (clock,), even=take.regular), path)
    return read_take(path)


def _recorded(source: Plan | Take, path: Path) -> Path:
    if isinstance(source, Take):
        return source.path
    encode(source, path)
    return path


def _untold(made: Plan, wish: Wish) -> frozenset[str]:
    clocked = wish.clocked or made.clocks[0] is not None
    return (frozenset() if clocked else _OF_CLOCKS) | (frozenset() if made.takes[0].samples else _OF_SOUND)


def _truth(forgery: Forgery, pictures: int, duration_s: float, events: tuple[Event, ...]) -> Truth:
    case = forgery.case
    origin = joined([(take.sha256, take.origin) for take in forgery.plan.takes])
    return Truth(case.name, case.forged, case.done, pictures, duration_s, events, WRITTEN_ANEW, forgery.recipe, origin)


__all__ = ["FORGER_VERSION", "Forgery", "Wish", "plan", "read_take", "record", "render"]
