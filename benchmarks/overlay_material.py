"""Clips with a drawn recorder's overlay whose truth is known picture by picture, made from honest takes.

Nothing made here may be kept in the project: `render` writes into the folder that it is given, once for each recipe.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import FOOTAGE, honest_takes
from benchmarks.overlay_drawing import Box, blit, missing_fonts, place, stamp, text_mask
from benchmarks.overlay_layouts import Layout, Line, identity, layout

MATERIAL_VERSION = 1
"""Raised whenever the same recipe gives another clip; part of its file name."""

_LONGEST_TAKE = {720: 300, 1080: 200}
"""Pictures of a take that are kept in memory, scaled; longer clips play them there and back."""
_WITH_OWN_TEXT = ("dashcam1", "dataset__video", "issue53", "_tracked", "_subtitled", "juscar", "_vfr")
"""Takes that bear an overlay of their own (or are a second version of one that is used)."""
_FIGURES = re.compile(r"\d")
_WEEKDAYS = "一二三四五六日"


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
        """Return a hash of the recipe and of this module's version."""
        document = json.dumps([asdict(self), MATERIAL_VERSION, layout(self.layout).clock], sort_keys=True, default=str)
        return hashlib.sha256(document.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a clip; rows are those of table `frames`."""

    second: NDArray[np.float64]
    """What the clock shows, as `frames.clock_s` counts; NaN in pictures without an overlay."""
    clock: tuple[str | None, ...]
    """The clock as written; None in pictures without an overlay."""
    ticks: tuple[int, ...]
    """Rows that show another second than the last row with an overlay."""
    fields: dict[str, str]
    """Field → text; gps, mark and battery as in the first picture."""
    boxes: dict[str, Box]
    """Field → box of its letters in the first picture, px."""
    rate: Fraction
    removals: tuple[tuple[int, int], ...]
    """(first row behind the cut, pictures removed)."""
    insertions: tuple[tuple[int, int], ...]
    """(first foreign row, foreign pictures)."""
    vanished: tuple[tuple[int, int], ...]
    """(first row, rows) in which the recording itself bears no overlay."""
    moved: tuple[int, ...]
    """First rows of another layout."""

    def document(self) -> dict[str, Any]:
        """Return the truth as JSON can hold it."""
        plain = asdict(self)
        plain["second"] = [None if math.isnan(second) else int(second) for second in self.second]
        plain["rate"] = str(self.rate)
        return plain


def truth_from(document: dict[str, Any]) -> Truth:
    """Turn `Truth.document` back."""
    pairs = {name: tuple(map(tuple, document[name])) for name in ("removals", "insertions", "vanished")}
    return Truth(
        second=np.array([math.nan if second is None else second for second in document["second"]], np.float64),
        clock=tuple(document["clock"]),
        ticks=tuple(document["ticks"]),
        fields=document["fields"],
        boxes={name: tuple(box) for name, box in document["boxes"].items()},
        rate=Fraction(document["rate"]),
        moved=tuple(document["moved"]),
        **pairs,
    )


# ---- what is shown when -----------------------------------------------------------------------------------------------


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


def clock_of(layout: Layout, when: datetime, frame: int, rate: Fraction) -> str:
    """Spell a clock that shows the second `when`, `frame` pictures into it."""
    return layout.clock.format(
        **{"Y": when.year, "m": when.month, "d": when.day, "H": when.hour, "M": when.minute, "S": when.second},
        I=when.hour % 12 or 12,
        p="AM" if when.hour < 12 else "PM",
        weekday="星期" + _WEEKDAYS[when.weekday()],
        cs=min(99, int(frame * 100 / rate)),
        ff=min(math.ceil(rate) - 1, frame),
    )


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
    """Yield every text that the overlay shows at a moment, line by line."""
    drawn = layout(layout_name)
    says = identity(drawn.half, recipe.seed)
    elapsed = (moment.when - recipe.start).total_seconds()
    says["lat"] = float(says["lat"]) + 0.00001 * (elapsed // 3)
    says["lon"] = float(says["lon"]) - 0.00001 * (elapsed // 4)
    says["battery"] = max(1, int(says["battery"]) - int(elapsed // 60))
    for line in drawn.lines:
        if line.field == "clock":
            rows = clock_of(drawn, moment.when, moment.frame, recipe.rate).split("\n")
            rows = rows if line.corner[0] == "t" else rows[::-1]
            for row, text in enumerate(rows):
                yield Line("clock", "", line.corner, line.row + row), text
        elif line.field != "mark" or moment.when.second % 2 == 0:
            yield line, line.text.format(**says)


def truth_of(recipe: Recipe) -> Truth:
    """Return what is true of the clip that `recipe` gives."""
    pictures, said = shown(recipe), moments(recipe)
    seconds, clocks, ticks = [], [], []
    removals, insertions, vanished, moved = [], [], [], []
    last_second, last_recorded, drawn = math.nan, -1, recipe.layout
    for row, picture in enumerate(pictures):
        if picture.recorded is None:
            if row and pictures[row - 1].recorded is None:
                insertions[-1][1] += 1
            else:
                insertions.append([row, 1])
        else:
            if picture.recorded > last_recorded + 1:
                removals.append((row, picture.recorded - last_recorded - 1))
            last_recorded = picture.recorded
            if picture.layout is None:
                if vanished and vanished[-1][0] + vanished[-1][1] == row:
                    vanished[-1][1] += 1
                else:
                    vanished.append([row, 1])
        if picture.layout is None or picture.recorded is None:
            seconds.append(math.nan)
            clocks.append(None)
            continue
        if picture.layout != drawn:
            moved.append(row)
            drawn = picture.layout
        moment = said[picture.recorded]
        second = clock_seconds(layout(drawn), moment.when)
        if second != last_second and not math.isnan(last_second):
            ticks.append(row)
        last_second = second
        seconds.append(float(second))
        clocks.append(clock_of(layout(drawn), moment.when, moment.frame, recipe.rate).replace("\n", " "))
    fields: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    for line, text, box in _laid_out(recipe, recipe.layout, said[0]):
        fields[line.field] = f"{fields[line.field]} {text}" if line.field in fields else text
        boxes[line.field] = _union(boxes[line.field], box) if line.field in boxes else box
    return Truth(
        np.array(seconds, np.float64),
        tuple(clocks),
        tuple(ticks),
        fields,
        boxes,
        recipe.rate,
        tuple(removals),
        tuple((row, count) for row, count in insertions),
        tuple((row, count) for row, count in vanished),
        tuple(moved),
    )


def _union(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


# ---- pictures ---------------------------------------------------------------------------------------------------------


def size_of(height: int) -> tuple[int, int]:
    """Return width and height of a 16:9 picture."""
    return height * 16 // 9, height


def _stamps(recipe: Recipe, layout_name: str, moment: Moment) -> Iterator[tuple[Line, str, Any]]:
    drawn, size = layout(layout_name), size_of(recipe.height)
    height_px = drawn.heights_px[recipe.height]
    end = 0
    for line, text in texts(recipe, layout_name, moment):
        mask = text_mask(text, drawn.font, height_px)
        left, top = place(line, (mask.shape[1], mask.shape[0]), drawn, size)
        look = drawn.look
        if line.after:  # its ground lies there already
            left, look = end + 2 * height_px, _groundless(look)
        widest = _FIGURES.sub("0", text)  # what follows stands still
        end = left + text_mask(widest, drawn.font, height_px).shape[1]
        yield line, text, stamp(text, left, top, size, drawn.font, look, height_px)


@lru_cache
def _groundless(look: Any) -> Any:
    return type(look)(look.colour, look.outline)


def _laid_out(recipe: Recipe, layout_name: str, moment: Moment) -> Iterator[tuple[Line, str, Box]]:
    for line, text, drawn in _stamps(recipe, layout_name, moment):
        yield line, text, drawn.box


@lru_cache(2)
def _take(path: Path, height: int, most: int) -> list[NDArray[np.uint8]]:
    """Return the first pictures of a take, its middle cut to 16:9 and scaled: yuv420p planes."""
    width = size_of(height)[0]
    pictures: list[NDArray[np.uint8]] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            high = min(frame.height, frame.width * 9 // 16) // 2 * 2
            wide = min(frame.width, high * 16 // 9) // 2 * 2
            planes = frame.to_ndarray(format="rgb24")
            top, left = (frame.height - high) // 2, (frame.width - wide) // 2
            cut = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes[top : top + high, left : left + wide]))
            scaled = cut.reformat(width, height, "yuv420p", interpolation="BICUBIC")
            pictures.append(scaled.to_ndarray())
            if len(pictures) == most:
                break
    return pictures


def there_and_back(number: int, count: int) -> int:
    """Return which of `count` pictures is the `number`th when they are played forward, backward, forward, …"""
    if count == 1:
        return 0
    at = number % (2 * count - 2)
    return at if at < count else 2 * count - 2 - at


def render(recipe: Recipe, folder: Path, footage: Path = FOOTAGE) -> tuple[Path, Truth]:
    """Make the clip of a recipe, or take it from `folder` if it was made before.

    Returns
    -------
    path : Path
        MP4, H.264, no sound, in `folder`.
    truth : Truth

    Raises
    ------
    FileNotFoundError
        If a font or the take is missing.
    """
    path = folder / f"{recipe.layout}-{recipe.height}-{recipe.digest()}.mp4"
    kept = path.with_suffix(".json")
    if kept.is_file():
        return path, truth_from(json.loads(kept.read_text(encoding="utf-8")))
    missing = missing_fonts(layout(recipe.layout))
    if missing:
        raise FileNotFoundError(f"layout {recipe.layout}: fonts {', '.join(missing)} are not installed")
    folder.mkdir(parents=True, exist_ok=True)
    truth = truth_of(recipe)
    half_made = path.with_suffix(".part")
    _encode(recipe, footage, half_made)
    half_made.replace(path)
    kept.write_text(json.dumps(truth.document(), ensure_ascii=False), encoding="utf-8")
    return path, truth


def _encode(recipe: Recipe, footage: Path, path: Path) -> None:
    most = _LONGEST_TAKE[recipe.height]
    take = _take(footage / recipe.take, recipe.height, most)
    foreign = _foreign(recipe, footage) if any(isinstance(edit, Insertion) for edit in recipe.edits) else []
    said = moments(recipe)
    noise = _noise(recipe)
    chance = np.random.default_rng(recipe.seed)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=recipe.rate)
        video.width, video.height = size_of(recipe.height)
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = 1 / recipe.rate
        video.options = {"crf": str(recipe.crf), "preset": recipe.preset, "g": str(recipe.gop), "threads": "1"}
        if recipe.x264:
            video.options = {**video.options, "x264-params": recipe.x264}
        for row, picture in enumerate(shown(recipe)):
            if picture.recorded is None:
                planes = foreign[row % len(foreign)].copy()
            else:
                planes = take[there_and_back(picture.recorded, len(take))].copy()
            if noise is not None:
                _add_noise(planes[: recipe.height], noise, chance)
            if picture.layout is not None and picture.recorded is not None:
                for _, _, drawn in _stamps(recipe, picture.layout, said[picture.recorded]):
                    blit(planes, drawn)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = row, 1 / recipe.rate
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _foreign(recipe: Recipe, footage: Path) -> list[NDArray[np.uint8]]:
    """Return pictures of the next take of the same half."""
    names = takes(layout(recipe.layout).half, footage)
    other = names[(names.index(recipe.take) + 1) % len(names)]
    return _take(footage / other, recipe.height, 60)


def _noise(recipe: Recipe) -> NDArray[np.int8] | None:
    if not recipe.noise:
        return None
    width, height = size_of(recipe.height)
    grain = np.random.default_rng(1).normal(0.0, recipe.noise, (height + 64, width + 64))
    return np.clip(np.rint(grain), -40, 40).astype(np.int8)


def _add_noise(luma: NDArray[np.uint8], noise: NDArray[np.int8], chance: np.random.Generator) -> None:
    """Add a piece of the grain, cut anew for each picture."""
    top, left = chance.integers(0, 64, 2)
    piece = noise[top : top + luma.shape[0], left : left + luma.shape[1]]
    luma[:] = np.clip(luma.astype(np.int16) + piece, 0, 255)


@lru_cache
def takes(half: str, footage: Path = FOOTAGE) -> tuple[str, ...]:
    """Return the takes of `tune` or `test` that bear no overlay of their own, as paths under `footage`."""
    return tuple(
        str(clip.path.relative_to(footage))
        for clip in sorted(honest_takes(footage), key=lambda clip: clip.sha256)
        if clip.half == half
        and clip.seconds >= 4
        and not clip.sped_up
        and not any(word in clip.path.name for word in _WITH_OWN_TEXT)
    )
