"""Where a recorder writes: found once per clip, on a few pictures, before the clip is decoded.

Lines are looked for near the upper and the lower edge; where most of the pictures have one is a line that stays.
These are read in every picture. The one that reads as a clock is the clock; what is aligned with it, looks like what
recorders write, or stays while the camera moves, is the rest of the overlay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.fields import ClockReading, consensus, field_of, read_clock, read_date
from pipeline.signs.ocr import LineRead, find_lines, read_lines, smoothed
from pipeline.signs.overlay import SAME_PLACE_IOU, Box, camera_moved, overlay_of

Pixels = NDArray[np.uint8]


SURE = 0.9
"""Confidence with which a remembered clock must be read."""
BESIDE_CLOCK = ("device", "officer", "unit", "gps", "speed")
MARGIN = 0.06
"""Where there is a clock, lines that say such things are the recorder's if they stand this near to a side, in picture
widths: before a fixed camera nothing else tells them from the scene."""
FIGURES_LEAST = 6
"""Figures of a line that may be a clock."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in the upright picture, in widths and heights of it (0 to 1)."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Line:
    """A burned-in line and what it read as in every picture looked at ("" where it was not there)."""

    area: Area
    field: str
    """clock, date, device, unit, officer, gps, speed, mark or other."""
    reads: tuple[LineRead, ...]
    coarse: bool = False
    """It is drawn in coarse dots, and read after smoothing."""

    @property
    def seen(self) -> int:
        """In how many pictures it was there."""
        return sum(bool(read.text) for read in self.reads)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the recorder writes in this clip."""

    lines: tuple[Line, ...]
    pictures: int
    """How many pictures were looked at."""
    digits: Area | None
    """Around the figures of the time of day; None where no clock was found."""
    figures: tuple[float, ...] = ()
    """Centre of each figure of the time of day, in widths of `digits`: hour, minute and, if shown, second."""

    @property
    def clock(self) -> Line | None:
        """The line that shows the time of day."""
        return next((line for line in self.lines if line.field == "clock"), None)


def noted(layout: Layout) -> dict[str, Any]:
    """Return a layout as JSON can hold it."""
    return asdict(layout)


def recalled(note: Mapping[str, Any]) -> Layout:
    """Return the layout that `noted` made a note of."""
    lines = [
        Line(
            Area(**line["area"]),
            line["field"],
            tuple(LineRead(read["text"], read["confidence"], tuple(read["at"])) for read in line["reads"]),
            line["coarse"],
        )
        for line in note["lines"]
    ]
    digits = Area(**note["digits"]) if note["digits"] else None
    return Layout(tuple(lines), note["pictures"], digits, tuple(note["figures"]))


def locate(
    engine: Any,
    pictures: Sequence[Pixels],
    known: Sequence[Sequence[Area]],
    edge: float,
    share: float,
    still_diff: float,
    min_confidence: float,
) -> Layout:
    """Find the recorder's lines on pictures from all over a clip.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    pictures : sequence of uint8 arrays, shape (height, width, 3), BGR, upright, all of one size
    known : sequence of sequence of Area
        Layouts of other clips, the clock's line first. One whose clock is read in every picture is taken, unless a
        line stands elsewhere in the first and the last of them; only if there is none are the pictures searched.
    edge : float
        Height of the strips at the upper and at the lower edge that are searched, in picture heights.
    share : float
        Share of the pictures, 0 to 1, in which a line must lie at the same place.
    still_diff : float
        As in `pipeline.signs.overlay.camera_moved`.
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a line counts as not there.
    """
    fitting = (areas for areas in known if _fits(engine, pictures, areas) and _covers(engine, pictures, areas, edge))
    areas = list(next(fitting, ())) or _standing(engine, pictures, edge, share)
    reads, coarse = _reads(engine, pictures, areas)
    unsure = LineRead("", 0.0, ())
    sure = [[read if read.confidence >= min_confidence else unsure for read in line] for line in reads]
    moving = camera_moved([_small(picture) for picture in pictures], still_diff)
    return layout_of(areas, sure, coarse, moving, edge, share)


def layout_of(
    areas: Sequence[Area],
    reads: Sequence[Sequence[LineRead]],
    coarse: Sequence[bool],
    moving: bool,
    edge: float,
    share: float,
) -> Layout:
    """Tell what standing lines are, from what they read as in each of the pictures: pure."""
    pictures = len(reads[0]) if reads else 0
    boxes, owners = [], []
    for number, (area, texts) in enumerate(zip(areas, reads, strict=True)):
        for frame, read in enumerate(texts):
            if read.text:
                boxes.append(Box(frame, read.text, area.left, area.top, area.right, area.bottom))
                owners.append(number)
    burned = overlay_of(boxes, pictures, moving, edge, share)
    fields = [_field(texts) for texts in reads]
    clocks = [number for number, field in enumerate(fields) if field == "clock"]
    if clocks:
        # Of two clocks, such as one drawn again by another program, the one that is read more often.
        best = max(clocks, key=lambda number: (sum(read_clock(r.text) is not None for r in reads[number]), -number))
        fields = ["other" if field == "clock" and n != best else field for n, field in enumerate(fields)]
    kept = []
    for number, (area, texts, smooth, field) in enumerate(zip(areas, reads, coarse, fields, strict=True)):
        votes = [bool(burned[at]) for at, owner in enumerate(owners) if owner == number]
        beside = clocks and field in BESIDE_CLOCK and min(area.left, 1 - area.right) <= MARGIN
        if field in {"clock", "date"} or beside or (votes and 2 * sum(votes) > len(votes)):
            kept.append(Line(area, field, tuple(texts), smooth))
    clock = next((line for line in kept if line.field == "clock"), None)
    digits, figures = _digits(clock) if clock else (None, ())
    return Layout(tuple(kept), pictures, digits, figures)


def _standing(engine: Any, pictures: Sequence[Pixels], edge: float, share: float) -> list[Area]:
    """Return the areas near the edges in which most of the pictures have a line: the median of its boxes."""
    height, width = pictures[0].shape[:2]
    band = max(1, round(edge * height))
    groups: list[list[tuple[int, NDArray[np.float64]]]] = []
    for number, picture in enumerate(pictures):
        stacked = np.ascontiguousarray(np.concatenate((picture[:band], picture[-band:])))
        for left, top, right, bottom in find_lines(engine, stacked):
            if (top + bottom) / 2 >= band:  # a box across the seam belongs to the side on which its middle lies
                top, bottom = max(top, band) + height - 2 * band, bottom + height - 2 * band
            else:
                bottom = min(bottom, band)
            box = np.array((left / width, top / height, right / width, bottom / height)).clip(0.0, 1.0)
            near = [group for group in groups if _iou(group[0][1], box) >= SAME_PLACE_IOU]
            if near:
                near[0].append((number, box))
            else:
                groups.append([(number, box)])
    standing = [group for group in groups if len({number for number, _ in group}) >= share * len(pictures)]
    medians = [np.median(np.array([box for _, box in group]), axis=0) for group in standing]
    return sorted((Area(*map(float, median)) for median in medians), key=lambda area: (area.top, area.left))


def _iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(shared / (areas - shared))


def _fits(engine: Any, pictures: Sequence[Pixels], areas: Sequence[Area]) -> bool:
    """Tell whether a clock of one form is read in every picture where a layout has its clock."""
    reads, _ = _reads(engine, pictures, areas[:1])
    return _agreeing([read for read in reads[0] if read.confidence >= SURE]) == len(pictures)


def _covers(engine: Any, pictures: Sequence[Pixels], areas: Sequence[Area], edge: float) -> bool:
    """Tell whether every line that stands in the first and the last picture is one of a layout: recorders change."""
    ends = pictures if len(pictures) < 2 else (pictures[0], pictures[-1])
    return all(any(_within(line, area) for area in areas) for line in _standing(engine, ends, edge, 1.0))


def _within(line: Area, area: Area) -> bool:
    """Tell whether the middle of a line lies in an area."""
    middle = (line.left + line.right) / 2, (line.top + line.bottom) / 2
    return area.left <= middle[0] <= area.right and area.top <= middle[1] <= area.bottom


def cut(picture: Pixels, area: Area) -> Pixels:
    """Return the part of an upright picture that an area covers."""
    height, width = picture.shape[:2]
    rows = slice(int(area.top * height), max(int(area.top * height) + 1, round(area.bottom * height)))
    columns = slice(int(area.left * width), max(int(area.left * width) + 1, round(area.right * width)))
    return np.ascontiguousarray(picture[rows, columns])


def _reads(engine: Any, pictures: Sequence[Pixels], areas: Sequence[Area]) -> tuple[list[list[LineRead]], list[bool]]:
    """Return what every line reads as in every picture, and which lines were smoothed.

    Lines of many figures are read a second time, smoothed, unless one already reads as a clock in every picture; the
    way in which a clock agrees more counts.
    """
    reads = [read_lines(engine, [cut(picture, area) for picture in pictures]) for area in areas]
    coarse = [False] * len(areas)
    if max(map(_agreeing, reads), default=0) < len(pictures):
        for number, area in enumerate(areas):
            if 2 * sum(_figures(read.text) >= FIGURES_LEAST for read in reads[number]) < len(pictures):
                continue
            again = read_lines(engine, [smoothed(cut(picture, area)) for picture in pictures])
            if _agreeing(again) > _agreeing(reads[number]):
                reads[number], coarse[number] = again, True
    return reads, coarse


def _figures(text: str) -> int:
    return sum(character.isdigit() for character in text)


def _agreeing(reads: Sequence[LineRead]) -> int:
    """Return how many readings are clocks of one form and, if they show one, one date."""
    readings = [reading for read in reads if (reading := read_clock(read.text)) is not None]
    return max(Counter((reading.form, reading.day) for reading in readings).values(), default=0)


def _small(picture: Pixels) -> Pixels:
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (64, 36), interpolation=cv2.INTER_AREA), np.uint8)


def _field(reads: Sequence[LineRead]) -> str:
    """Return what a line is, by most of its readings."""
    texts = [read.text for read in reads if read.text]
    if texts and 2 * sum(read_clock(text) is not None for text in texts) >= len(texts):
        return "clock"
    if texts and 2 * sum(read_date(text) is not None for text in texts) >= len(texts):
        return "date"
    return field_of(consensus(texts)[0])


def _digits(clock: Line) -> tuple[Area | None, tuple[float, ...]]:
    """Return the area around the figures of the time of day, and the centre of each in widths of that area."""
    readings: list[tuple[ClockReading, LineRead]] = []
    for read in clock.reads:
        if read.text and (reading := read_clock(read.text)) is not None:
            readings.append((reading, read))
    if not readings:
        return None, ()
    finest = max(len(reading.figures) for reading, _ in readings)
    rows = [
        [read.at[place] if place >= 0 else np.nan for place in reading.figures]
        for reading, read in readings
        if len(reading.figures) == finest
    ]
    centres, pitch = _even(_median(np.array(rows)))
    low, high = centres[0] - 1.2 * pitch, centres[-1] + 1.2 * pitch
    area, width = clock.area, clock.area.right - clock.area.left
    digits = Area(max(0.0, area.left + low * width), area.top, min(1.0, area.left + high * width), area.bottom)
    across = digits.right - digits.left
    return digits, tuple((area.left + float(centre) * width - digits.left) / across for centre in centres)


def _median(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of every column; NaN where it is unknown in most rows."""
    often = 2 * np.isfinite(rows).sum(axis=0) >= len(rows)
    return np.array([np.nanmedian(column) if kept else np.nan for column, kept in zip(rows.T, often, strict=True)])


def _even(centres: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the centres of pairs of figures, evenly spaced as clocks are written, and the distance within a pair.

    The recogniser's columns are a third of a figure wide, and single ones are off by one.
    """
    firsts, seconds = centres[::2], centres[1::2]  # an hour of one figure leaves the first unknown
    pitch = float(np.nanmedian(seconds - firsts))
    apart = float(np.nanmedian(np.concatenate((np.diff(firsts), np.diff(seconds)))))
    ideal = np.repeat(np.arange(len(firsts)) * apart, 2) + np.tile((0.0, pitch), len(firsts))
    return ideal + float(np.nanmedian(centres - ideal)), pitch
