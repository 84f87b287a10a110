"""The sets of made clips that the overlay and its clock are judged on: recipes only, the same ones every time.

Each half has its own layouts, its own takes and its own recorders' identities. `again` is a second draw from the half
`test`: other pairings of layouts and takes, moments, sizes of edits, qualities and serial numbers. What was
mended after a look at `test` is judged on it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction

from benchmarks.overlay_material import takes as takes_of
from benchmarks.overlay_recipe import Insertion, Move, Recipe, Removal, Vanish
from pipeline.forge.layouts import Layout
from pipeline.forge.layouts import layouts as layouts_of

RATES = (Fraction(25), Fraction(30), Fraction(30000, 1001))
HEIGHTS = (720, 1080)
CRFS = (28, 32, 35)
GOPS = (30, 50, 60)
LOCATED_LAYOUTS = {"tune": 7, "test": 6, "again": 6}
"""How many layouts the clips for locating use; the last one to test, a time without date, is for the others only."""
REMOVED = {3: 62, 5: 30, 10: 62, 30: 28}
"""Pictures removed → how many such removals a half has."""
WHOLE_SECONDS = 14
"""Removals of exactly one second, beside those."""
REMOVALS_A_CLIP = 14
APART_S = 8.0
"""Least distance of two edits in one clip."""
FAST = "cabac=1:deblock=0,0:8x8dct=1"
"""Brings back what x264's preset ultrafast leaves out and recorders use, or decoding would cost less than it does."""


AGAIN = 1001
"""From which number on the clips of the second draw are counted."""


def layouts(half: str) -> list[Layout]:
    """Return the layouts of a half."""
    return layouts_of(_drawn_from(half))


def takes(half: str) -> tuple[str, ...]:
    """Return the takes of a half, as paths under the folder of footage."""
    return takes_of(_drawn_from(half))


def _drawn_from(half: str) -> str:
    return "test" if half == "again" else half


def _numbered(half: str, number: int) -> int:
    return number + AGAIN if half == "again" else number


def location_recipes(half: str) -> list[Recipe]:
    """Return short clips, 36 to test: six layouts, two sizes, three qualities."""
    found: list[Recipe] = []
    for drawn in layouts(half)[: LOCATED_LAYOUTS[half]]:
        for height in HEIGHTS:
            for crf in CRFS:
                number = _numbered(half, len(found))
                chance = random.Random(f"location {half} {number}")
                found.append(
                    Recipe(
                        take=takes(half)[number * 7 % len(takes(half))],
                        layout=drawn.name,
                        height=height,
                        crf=crf,
                        rate=chance.choice(RATES),
                        seconds=chance.uniform(8.0, 10.0),
                        start=_some_day(chance),
                        phase=chance.random(),
                        seed=number,
                        gop=chance.choice(GOPS),
                    )
                )
    return found


def removal_recipes(half: str) -> list[Recipe]:
    """Return long clips with many removals each, at least eight seconds apart, of 3, 5, 10 and 30 pictures or 1 s.

    Every third of the recorders turns its clock over one picture too early or too late now and then.
    """
    chance = random.Random(f"removals {half}")
    deck = [count for count, times in REMOVED.items() for _ in range(times)] + [0] * WHOLE_SECONDS
    chance.shuffle(deck)
    found = []
    for number in range(0, len(deck), REMOVALS_A_CLIP):
        clip = number // REMOVALS_A_CLIP
        rate = chance.choice(RATES)
        counts = [count or round(rate) for count in deck[number : number + REMOVALS_A_CLIP]]
        edits, stop = _spread(chance, counts, rate)
        found.append(
            _long(
                half,
                200 + clip,
                chance,
                seconds=stop,
                height=1080 if clip % 7 == 3 else 720,
                rate=rate,
                edits=tuple(Removal(at, count) for at, count in edits),
                jitter_frames=1 if clip % 3 == 2 else 0,
                jitter_share=0.3 if clip % 3 == 2 else 0.0,
            )
        )
    return found


def honest_recipes(half: str) -> list[Recipe]:
    """Return clips that nothing was done to: an hour, ten minutes in half `tune`.

    A third of the recorders turns its clock over 1 to 3 pictures too early or too late now and then. Some clips run
    over midnight or over a full hour.
    """
    chance = random.Random(f"honest {half}")
    jitters = ((0, 0.0), (0, 0.0), (1, 0.5), (0, 0.0), (2, 0.3), (0, 0.0), (0, 0.0), (3, 0.15))
    clips = 20 if half != "tune" else 4
    found = []
    for clip in range(clips):
        frames, share = jitters[clip % len(jitters)]
        start = _some_day(chance)
        if clip % 5 == 1:
            start = start.replace(hour=23, minute=58, second=41)
        elif clip % 5 == 3:
            start = start.replace(minute=59, second=3)
        found.append(
            _long(
                half,
                300 + clip,
                chance,
                seconds=180.0 if half != "tune" else 150.0,
                rate=(Fraction(25), Fraction(25), Fraction(30000, 1001))[clip % 3],
                start=start,
                jitter_frames=frames,
                jitter_share=share,
            )
        )
    return found


def foreign_recipes(half: str) -> list[Recipe]:
    """Return clips into which one to five foreign pictures without overlay were put, five times each."""
    chance = random.Random(f"foreign {half}")
    found = []
    for clip in range(len(layouts(half))):
        rate = chance.choice(RATES)
        counts = [1, 2, 3, 5, 1]
        chance.shuffle(counts)
        edits, stop = _spread(chance, counts, rate)
        made = tuple(Insertion(at, count) for at, count in edits)
        found.append(_long(half, 400 + clip, chance, seconds=stop, rate=rate, edits=made))
    return found


def change_recipes(half: str) -> list[Recipe]:
    """Return clips whose overlay vanishes for a second or two, and clips in which another layout goes on."""
    chance = random.Random(f"changes {half}")
    names = [drawn.name for drawn in layouts(half)]
    found = []
    for clip, (_, following) in enumerate(zip(names, names[1:] + names[:1], strict=True)):
        rate = chance.choice(RATES)
        at = round(chance.uniform(7.0, 10.0) * rate)
        gone = Vanish(at, round(chance.uniform(1.0, 2.0) * rate))
        found.append(_long(half, 500 + clip, chance, seconds=18.0, rate=rate, edits=(gone,)))
        found.append(_long(half, 500 + clip, chance, seconds=20.0, rate=rate, edits=(Move(at, following),)))
    return found


def cost_recipe() -> Recipe:
    """Return ten minutes of a busy street at night, full of signs: 1080p, 30 pictures a second, noisy, 8 Mb/s."""
    return Recipe(
        take="cameras/assets__example_videos__Tokyo-Walk_rgb.mp4",
        layout="iso-outline-serif",
        height=1080,
        crf=0,
        rate=Fraction(30),
        seconds=600.0,
        start=datetime(2019, 7, 25, 14, 3, 27),
        phase=0.4,
        preset="ultrafast",
        noise=3.0,
        x264=FAST + ":bitrate=8000:vbv-maxrate=8000:vbv-bufsize=8000",
    )


def _long(
    half: str,
    number: int,
    chance: random.Random,
    *,
    seconds: float,
    rate: Fraction,
    height: int = 720,
    edits: tuple[Removal | Insertion | Vanish | Move, ...] = (),
    start: datetime | None = None,
    jitter_frames: int = 0,
    jitter_share: float = 0.0,
) -> Recipe:
    """Return a recipe whose layout and take follow from its number."""
    drawn, own, number = layouts(half), takes(half), _numbered(half, number)
    return Recipe(
        take=own[number * 3 % len(own)],
        layout=drawn[number % len(drawn)].name,
        height=height,
        crf=chance.choice(CRFS[:2]),
        rate=rate,
        seconds=seconds,
        start=start or _some_day(chance),
        phase=chance.random(),
        seed=number,
        gop=chance.choice(GOPS),
        preset="ultrafast",
        edits=edits,
        jitter_frames=jitter_frames,
        jitter_share=jitter_share,
        x264=FAST,
    )


def _spread(chance: random.Random, counts: list[int], rate: Fraction) -> tuple[list[tuple[int, int]], float]:
    """Return (picture, count) of edits eight to nine seconds apart, and where the recording may end, in seconds."""
    edits, at = [], math.ceil(APART_S * rate)
    for count in counts:
        at += round(chance.random() * rate)
        edits.append((at, count))
        at += count + math.ceil(APART_S * rate)
    return edits, at / float(rate)


def _some_day(chance: random.Random) -> datetime:
    return datetime(2018, 1, 1) + timedelta(seconds=chance.randrange(6 * 365 * 86400))


def all_recipes(half: str) -> Iterator[Recipe]:
    """Yield every recipe of a half but the one for cost."""
    for make in (location_recipes, removal_recipes, honest_recipes, foreign_recipes, change_recipes):
        yield from make(half)
