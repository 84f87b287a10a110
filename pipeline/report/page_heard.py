"""What a finding about speech rests on, as the page shows it: words, times, scores, and the waveform of its sound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.language import Language
from pipeline.model import Features, Finding, Span, Table
from pipeline.report.page_scores import Scores, build_scores
from pipeline.report.passages import words_in
from pipeline.report.snippets import MARGIN_S, Passage, Snippet
from pipeline.report.timeline import Axis, Tick, time_ticks
from pipeline.report.wording import clock, figure, shown

PAUSE_S, LONGEST_BLOCK_S, SHORTEST_BLOCK_S = 0.4, 3.0, 0.8
"""Words stand together below the waveform until a pause or a stop, but neither too many nor too few of them."""
STOPS = tuple("，。；！？、,.;!?")
LEAST_ROOM = 0.04
"""Share of the width that a block has at least before the right edge."""
QUIET = 1e-3
"""Share of full scale (-60 dBFS) that a waveform is drawn to at least: silence must not look like sound."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One recognised word."""

    text: str
    start_s: float
    stop_s: float
    inside: bool
    """It belongs to the passage; else it stands in the second before or after."""
    when: str
    probability: str


@dataclass(frozen=True, slots=True)
class Block:
    """Words that stand together below the waveform."""

    time: str
    words: tuple[HeardWord, ...]


@dataclass(frozen=True, slots=True)
class HeardView:
    """A passage of the sound."""

    source: str
    """Sound file in the report's folder; empty if there is none."""
    missing: str
    """Why there is no sound; empty if there is."""
    when: str
    """From when to when it lasts."""
    start_s: float
    length_s: float
    wave: str
    """Points of an SVG polygon in a box of 1000 x 100: along the peaks, back along the troughs."""
    bounds: str
    """SVG path in the same box: where words begin and end."""
    left: float
    """Where the passage begins, in percent of the snippet."""
    width: float
    ticks: tuple[Tick, ...]
    columns: str
    """CSS widths of what stands below: nothing, then the blocks."""
    blocks: tuple[Block, ...]
    words: int
    scores: Scores
    notes: tuple[str, ...]


def build_heard(finding: Finding, features: Features, passage: Passage | None, words: Language) -> HeardView | None:
    """Return what is heard of a finding; None if it does not rest on speech.

    Parameters
    ----------
    finding : Finding
        The finding.
    features : Features
        The measured tables.
    passage : Passage or None
        What `pipeline.report.snippets.take_snippets` made of it.
    words : Language
        The reader's language.
    """
    if passage is None:
        return None
    span, snippet = passage.span, passage.snippet
    axis = Axis(max(0.0, span.start_s - MARGIN_S), span.stop_s + MARGIN_S)
    if snippet is not None:
        axis = Axis(snippet.start_s, snippet.start_s + snippet.length_s)
    rows = words_in(features, Span(axis.start_s, axis.stop_s))
    said = [] if rows is None else list(_said(rows, span))
    blocks = _blocks(said, axis.stop_s - LEAST_ROOM * (axis.stop_s - axis.start_s))
    mark = axis.mark(span.start_s, span.stop_s, "", "")
    return HeardView(
        source=f"sound/{snippet.file}" if snippet else "",
        missing=words.text(passage.reason),
        when=f"{clock(axis.start_s, 1)} – {clock(axis.stop_s, 1)}",
        start_s=axis.start_s,
        length_s=axis.stop_s - axis.start_s,
        wave=wave(snippet, axis) if snippet else "",
        bounds=_bounds(said, axis),
        left=mark.left,
        width=mark.width,
        ticks=time_ticks(axis),
        columns=_columns(blocks, axis),
        blocks=blocks,
        words=len(said),
        scores=build_scores(finding, features, words),
        notes=tuple(_notes(finding, passage, words)),
    )


def wave(snippet: Snippet, axis: Axis) -> str:
    """Return the outline of a waveform, its loudest sample at the edge of the box, as points of an SVG polygon."""
    across = [10 * axis.percent(float(time)) for time in snippet.times_s]
    top = max(snippet.peak, QUIET)
    peaks = [f"{x:.1f},{50 - 50 * y / top:.1f}" for x, y in zip(across, snippet.highest, strict=True)]
    troughs = [f"{x:.1f},{50 - 50 * y / top:.1f}" for x, y in zip(across, snippet.lowest, strict=True)]
    return " ".join([*peaks, *reversed(troughs)])


def _said(rows: Table, passage: Span) -> Iterator[HeardWord]:
    columns = (rows[name].tolist() for name in ("text", "start_s", "stop_s", "probability"))
    for text, start_s, stop_s, probability in zip(*columns, strict=True):
        inside = passage.start_s <= (start_s + stop_s) / 2 <= passage.stop_s
        when = f"{clock(start_s, 2)} – {clock(stop_s, 2)}"
        yield HeardWord(shown(text), start_s, stop_s, inside, when, figure(round(probability, 2)))


def _blocks(said: Sequence[HeardWord], last_s: float) -> tuple[Block, ...]:
    """Part words into blocks, none of which but the first begins after `last_s`."""
    blocks: list[list[HeardWord]] = []
    for word in said:
        if blocks:
            first, last = blocks[-1][0], blocks[-1][-1]
            parted = word.start_s - last.stop_s >= PAUSE_S or last.text.endswith(STOPS)
            full = word.stop_s - first.start_s > LONGEST_BLOCK_S
            parted = parted and word.start_s - first.start_s >= SHORTEST_BLOCK_S
            if word.start_s > last_s or not (full or parted):
                blocks[-1].append(word)
                continue
        blocks.append([word])
    return tuple(Block(clock(block[0].start_s, 1), tuple(block)) for block in blocks)


def _columns(blocks: Sequence[Block], axis: Axis) -> str:
    """Return widths such that each block begins below its first word; it has the room until the next one."""
    starts = [axis.start_s, *(block.words[0].start_s for block in blocks), axis.stop_s]
    places = [axis.percent(start) for start in starts]
    return " ".join(f"minmax(0,{b - a:.3f}fr)" for a, b in pairwise(places))


def _bounds(said: Sequence[HeardWord], axis: Axis) -> str:
    """Return a stroke where each word begins and where it ends."""
    places = sorted({round(10 * axis.percent(time), 1) for word in said for time in (word.start_s, word.stop_s)})
    return "".join(f"M{place:g} 0V100" for place in places)


def _notes(finding: Finding, passage: Passage, words: Language) -> Iterator[str]:
    _ = words.text
    whole, part = finding.span, passage.span
    if (whole.start_s, whole.stop_s) != (part.start_s, part.stop_s):
        said = _("The finding spans {whole}; only the shaded part of it, {part}, is shown here.")
        yield said.format(
            whole=f"{clock(whole.start_s, 1)} – {clock(whole.stop_s, 1)}",
            part=f"{clock(part.start_s, 1)} – {clock(part.stop_s, 1)}",
        )
    if passage.snippet is not None:
        peak = passage.snippet.peak
        level = f"{20 * math.log10(peak):.1f}" if peak > 0 else "-∞"
        yield _("The loudest sample has {level} dBFS.").format(level=level.replace("-", "−"))
