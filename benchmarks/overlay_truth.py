"""The truth of a made clip: what its overlay shows in every picture, where, and what was done to it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.overlay_recipe import Moment, Recipe, clock_of, clock_seconds, moments, shown, texts
from pipeline.forge.drawing import Box, Stamp
from pipeline.forge.layouts import Line, layout
from pipeline.forge.overlay import laid_out


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


def truth_of(recipe: Recipe) -> Truth:
    """Return what is true of the clip that `recipe` gives."""
    pictures, said = shown(recipe), moments(recipe)
    seconds: list[float] = []
    clocks: list[str | None] = []
    for picture in pictures:
        if picture.layout is None or picture.recorded is None:
            seconds.append(math.nan)
            clocks.append(None)
        else:
            drawn, moment = layout(picture.layout), said[picture.recorded]
            seconds.append(float(clock_seconds(drawn, moment.when)))
            clocks.append(clock_of(drawn, moment.when, moment.frame, recipe.rate).replace("\n", " "))
    fields: dict[str, str] = {}
    boxes: dict[str, Box] = {}
    for line, text, drawing in stamps(recipe, recipe.layout, said[0]):
        fields[line.field] = f"{fields[line.field]} {text}" if line.field in fields else text
        boxes[line.field] = _union(boxes[line.field], drawing.box) if line.field in boxes else drawing.box
    recorded = [(row, picture.recorded) for row, picture in enumerate(pictures) if picture.recorded is not None]
    overlaid = [(row, picture.layout) for row, picture in enumerate(pictures) if picture.layout is not None]
    read = [(row, second) for row, second in enumerate(seconds) if not math.isnan(second)]
    return Truth(
        second=np.array(seconds, np.float64),
        clock=tuple(clocks),
        ticks=tuple(row for (_, last), (row, now) in pairwise(read) if now != last),
        fields=fields,
        boxes=boxes,
        rate=recipe.rate,
        removals=tuple((row, now - last - 1) for (_, last), (row, now) in pairwise(recorded) if now > last + 1),
        insertions=_runs([picture.recorded is None for picture in pictures]),
        vanished=_runs([picture.recorded is not None and picture.layout is None for picture in pictures]),
        moved=tuple(row for (_, last), (row, now) in pairwise(overlaid) if now != last),
    )


def _runs(flags: list[bool]) -> tuple[tuple[int, int], ...]:
    """Return (first row, length) of every run of true flags."""
    found, row = [], 0
    for flag, run in groupby(flags):
        length = len(list(run))
        if flag:
            found.append((row, length))
        row += length
    return tuple(found)


def _union(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def size_of(height: int) -> tuple[int, int]:
    """Return width and height of a 16:9 picture."""
    return height * 16 // 9, height


def stamps(recipe: Recipe, layout_name: str, moment: Moment) -> Iterator[tuple[Line, str, Stamp]]:
    """Return every line of the overlay at a moment: what it is, its text, and how to draw it."""
    drawn = layout(layout_name)
    shown_texts = texts(recipe, layout_name, moment)
    return laid_out(drawn, shown_texts, size_of(recipe.height), drawn.heights_px[recipe.height])
