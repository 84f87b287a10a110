"""Every kind of forgery by its name, and the honest controls."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.errors import SettingsError
from pipeline.forge import edits, edits_sound
from pipeline.forge.plan import Edit
from pipeline.forge.scene import Scene
from pipeline.model import Message


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of forgery."""

    name: str
    done: str
    """What is done, in words."""
    edit: Callable[[Scene], list[Edit]] | None = None
    """How the take is changed before it is encoded anew; None: packets are copied."""
    copy: str = ""
    """How packets are copied: a name in `pipeline.forge.copies.WAYS`."""
    amount: float = 0.0
    """Pictures, or seconds, that a copy concerns."""
    forged: bool = True
    room_s: float = 1.0
    """What an edit takes of the clip."""
    before_s: float = 0.0
    """What it needs before it."""
    other: bool = False
    """It needs a second take."""
    sound: bool = False
    """It needs sound (of both takes, if it needs a second take)."""
    foreign: bool = False
    """The second take comes from elsewhere: it may lack the recorder's overlay."""


def _removed(pictures: int) -> Case:
    return Case(
        f"removed-{pictures}",
        f"{pictures} pictures were taken out, with their sound.",
        partial(edits.removed, pictures=pictures),
        room_s=pictures / 24,
    )


def _inserted(pictures: int) -> Case:
    return Case(
        f"inserted-{pictures}",
        f"{pictures} foreign pictures stand in the place of as many; the sound runs on.",
        partial(edits.inserted, pictures=pictures),
        room_s=pictures / 24,
        other=True,
        foreign=True,
    )


def _inserted_longer(pictures: int) -> Case:
    return Case(
        f"inserted-longer-{pictures}",
        f"{pictures} foreign pictures were put between two pictures, and their sound between the sound.",
        partial(edits.inserted_longer, pictures=pictures, silent=False),
        other=True,
        foreign=True,
    )


def _frozen(seconds: float) -> Case:
    return Case(
        f"frozen-{seconds:g}s",
        f"One picture stands for {seconds:g} s; the sound runs on.",
        partial(edits.frozen, seconds=seconds),
        room_s=seconds,
    )


_FAMILIES = {"removed": _removed, "inserted": _inserted, "inserted-longer": _inserted_longer}
"""Cases of any number of pictures: `removed-7`, `inserted-12`."""

HONEST = (
    Case("re-encoded", "The whole take was encoded anew and nothing else was done.", edits.untouched, forged=False),
    Case(
        "light",
        "In a part of the picture the light changes at once for 1 s, as a lamp does, or the sun behind a leaf.",
        partial(edits.lit, seconds=1.0),
        forged=False,
        room_s=1.1,
    ),
    Case("re-muxed", "The packets were copied to Matroska and back by another program.", copy="remux", forged=False),
)
PICTURES = (
    Case(
        "splice",
        "The take goes on with another take, pictures and sound.",
        partial(edits.splice, with_sound=True),
        other=True,
    ),
    Case(
        "splice-sound-runs-on",
        "The take goes on with another take; its own sound runs on.",
        partial(edits.splice, with_sound=False),
        other=True,
    ),
    *(_inserted(count) for count in (1, 5, 30)),
    _inserted_longer(30),
    Case(
        "inserted-longer-30-silent",
        "30 foreign pictures were put between two pictures, and silence between the sound.",
        partial(edits.inserted_longer, pictures=30, silent=True),
        other=True,
        foreign=True,
    ),
    *(_removed(count) for count in (3, 10, 30)),
    Case("removed-1s", "One second was taken out, with its sound.", partial(edits.removed, seconds=1.0), room_s=1.1),
    Case(
        "repeated-0.5s",
        "The last 0.5 s are shown once more, with their sound.",
        partial(edits.repeated, seconds=0.5),
        before_s=0.6,
    ),
    Case(
        "repeated-1s",
        "The last second is shown once more, with its sound.",
        partial(edits.repeated, seconds=1.0),
        before_s=1.1,
    ),
    Case(
        "looped",
        "The last second is shown three times more, with its sound.",
        partial(edits.repeated, seconds=1.0, times=3),
        before_s=1.1,
    ),
    Case("reversed-1s", "One second is played backwards.", partial(edits.reversed_play, seconds=1.0), room_s=1.1),
    *(_frozen(seconds) for seconds in (0.5, 2.0)),
    Case("black-1s", "The picture is black for 1 s.", partial(edits.blackened, seconds=1.0), room_s=1.1),
    Case("covered-2s", "The lens is covered for 2 s.", partial(edits.covered, seconds=2.0), room_s=2.1),
)
SOUND = (
    Case(
        "sound-removed-1s",
        "One second of sound was taken out; no picture was touched.",
        partial(edits_sound.sound_removed, seconds=1.0),
        sound=True,
    ),
    Case(
        "sound-zeroed-1s",
        "One second of sound was set to zero; no picture was touched.",
        partial(edits_sound.sound_zeroed, seconds=1.0),
        sound=True,
    ),
    Case(
        "sound-replaced-2s",
        "For 2 s another take is heard; no picture was touched.",
        partial(edits_sound.sound_replaced, seconds=2.0),
        room_s=2.0,
        other=True,
        sound=True,
    ),
    Case(
        "sound-cut",
        "From one instant on the sound is that of some seconds before; no picture was touched.",
        edits_sound.sound_cut,
        before_s=0.5,
        sound=True,
    ),
    Case("sound-ended", "The sound ends while the pictures go on.", edits_sound.sound_ended, sound=True),
)
COPIED = (
    Case(
        "joined-copied",
        "The first part of a take and another take of the same recorder were joined without encoding anew.",
        copy="join",
        other=True,
    ),
    Case(
        "gap-closed-copied",
        "One second or a little more before a key picture was left out, without encoding anew; the times run on.",
        copy="gap-closed",
        amount=1.0,
        room_s=1.5,
    ),
    Case(
        "gap-kept-copied",
        "One second or a little more before a key picture was left out, without encoding anew; the times were kept.",
        copy="gap-kept",
        amount=1.0,
        room_s=1.5,
    ),
    Case(
        "dropped-5-copied",
        "The packets of 5 pictures, none of them a key picture, were dropped; all times were kept.",
        copy="drop",
        amount=5,
    ),
    Case(
        "dropped-1s-copied",
        "The packets of one second of pictures were dropped wherever it fell; all times were kept.",
        copy="drop-any",
        amount=1.0,
        room_s=1.5,
    ),
    Case(
        "edit-list-copied",
        "The first two seconds are hidden by the container's edit list.",
        copy="trim",
        amount=2.0,
        room_s=2.0,
    ),
)
CASES = {case.name: case for case in (*HONEST, *PICTURES, *SOUND, *COPIED)}


def cases() -> tuple[Case, ...]:
    """Return every case that is made by default."""
    return tuple(CASES.values())


def case(name: str) -> Case:
    """Return a case by its name, one of `cases()` or of any number of pictures: `removed-7`, `inserted-12`.

    Raises
    ------
    SettingsError
        If there is none.
    """
    found = re.fullmatch(r"(removed|inserted|inserted-longer)-([1-9]\d{0,3})", name)
    if name in CASES:
        return CASES[name]
    if found is None:
        message = "There is no case {name}. Known: {names}; removed-N and inserted-N for any number of pictures."
        raise SettingsError(Message(message, {"name": name, "names": ", ".join(CASES)}))
    return _FAMILIES[found[1]](int(found[2]))
