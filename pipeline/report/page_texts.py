"""What was said and what was read, and pictures of it, as the page shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.language import Language
from pipeline.model import Features, Finding
from pipeline.report.stills import Box, ShownStill, TextSeen, scene_texts
from pipeline.report.timeline import in_notice
from pipeline.report.wording import NOTHING, clock, figure, shown

PAUSE_S = 1.0
LONGEST_LINE = 60
DOUBTFUL = 0.5
MOST_WORDS = 6000
MOST_TEXTS = 40
LARGE = 0.25
"""Share of the picture's height above which a marked place is not shown once more enlarged."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """One word of the transcript."""

    text: str
    start_s: float
    notice: bool
    """It belongs to the standard notice."""
    doubtful: bool
    """The recogniser itself gives it less than an even chance."""
    hint: str


@dataclass(frozen=True, slots=True)
class Line:
    """Words spoken without a pause."""

    time: str
    start_s: float
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said."""

    lines: tuple[Line, ...]
    not_shown: int


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text read in the picture."""

    text: str
    time: str
    confidence: str
    height: str
    document: bool
    """A line of a page or screen that was held up."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A still of the footage with its caption."""

    source: str | None
    """File in the report's folder; None where it could not be made."""
    caption: str
    alt: str
    box: str = ""
    """CSS of the rectangle that marks the evidence; empty without one."""
    closeup: str = ""
    """CSS of the same file where it shows the rectangle enlarged; empty without one."""
    closeup_ratio: str = ""
    missing: str = ""
    """Why there is no picture."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts read in the scene; what the recorder burned in is left out."""

    scene: tuple[TextRow, ...]
    more: int


def build_transcript(features: Features, findings: Sequence[Finding], words: Language) -> Transcript | None:
    """Return the transcript in lines, None if no speech was looked for."""
    if "words" not in features:
        return None
    rows, marked = features["words"], in_notice(features, findings)
    order = [int(row) for row in np.argsort(rows["start_s"], kind="stable") if math.isfinite(rows["start_s"][row])]
    lines: list[list[SpokenWord]] = []
    last_s = -math.inf
    for row in order[:MOST_WORDS]:
        start_s, stop_s = float(rows["start_s"][row]), float(rows["stop_s"][row])
        probability = float(rows["probability"][row])
        hint = f"{clock(start_s, 2)} · {figure(round(probability, 2))}"
        word = SpokenWord(shown(rows["text"][row]), start_s, bool(marked[row]), probability < DOUBTFUL, hint)
        long = bool(lines) and sum(len(said.text) for said in lines[-1]) >= LONGEST_LINE
        if start_s - last_s > PAUSE_S or long:
            lines.append([])
        lines[-1].append(word)
        last_s = stop_s if math.isfinite(stop_s) else start_s
    told = tuple(Line(clock(line[0].start_s, 1), line[0].start_s, tuple(line)) for line in lines)
    return Transcript(told, max(0, len(order) - MOST_WORDS))


def build_texts(features: Features) -> Texts | None:
    """Return the texts that were read in the scene, None if text was not looked for."""
    if "texts" not in features:
        return None
    scene = scene_texts(features)
    return Texts(tuple(_row(seen) for seen in scene[:MOST_TEXTS]), max(0, len(scene) - MOST_TEXTS))


def _row(seen: TextSeen) -> TextRow:
    known = math.isfinite(seen.time_s)
    return TextRow(
        shown(seen.text),
        clock(seen.time_s, 1) if known else NOTHING,
        figure(round(seen.confidence, 2)),
        figure(round(seen.height_px, 1)),
        seen.document,
    )


def picture(taken: ShownStill, words: Language) -> Picture:
    """Return a still as the page shows it."""
    role = words.text(taken.wanted.role)
    if taken.still is None:
        caption = f"{role} · {clock(taken.wanted.time_s)} s"
        return Picture(None, caption, caption, missing=words.text(taken.reason or ""))
    caption = f"{role} · {clock(taken.still.time_s)} s"
    source, box = f"stills/{taken.still.path.name}", inside(taken.wanted.box)
    if box is None:
        return Picture(source, caption, caption)
    if box.bottom - box.top > LARGE:
        return Picture(source, caption, caption, outline(box))
    closeup, ratio = cut_out(box, taken.still.width_px, taken.still.height_px)
    return Picture(source, caption, caption, outline(box), closeup, ratio)


def outline(box: Box) -> str:
    """Return the CSS of a rectangle over a picture."""
    return _css(left=box.left, top=box.top, width=box.right - box.left, height=box.bottom - box.top)


def cut_out(box: Box, width_px: int, height_px: int) -> tuple[str, str]:
    """Return the CSS of a picture in a window that shows only a rectangle of it, and the window's aspect ratio."""
    near = _around(box)
    wide, high = near.right - near.left, near.bottom - near.top
    css = _css(left=-near.left / wide, top=-near.top / high, width=1 / wide, height=1 / high)
    return css, f"{wide * width_px:.1f}/{high * height_px:.1f}"


def inside(box: Box | None) -> Box | None:
    """Return a rectangle cut to the picture, None if nothing of it is there."""
    if box is None:
        return None
    left, top, right, bottom = (min(1.0, max(0.0, side)) for side in (box.left, box.top, box.right, box.bottom))
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def _around(box: Box) -> Box:
    """Return a rectangle with a margin of its own height, as far as the picture reaches."""
    margin = box.bottom - box.top
    return Box(
        max(0.0, box.left - margin),
        max(0.0, box.top - margin),
        min(1.0, box.right + margin),
        min(1.0, box.bottom + margin),
    )


def _css(**shares: float) -> str:
    return ";".join(f"{name}:{100 * share:.2f}%" for name, share in shares.items())
