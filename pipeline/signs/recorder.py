"""What the recorder burned into the pictures of one clip: located before it is decoded, read when it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Interval
from numpy.typing import NDArray

from pipeline.features.extract import Measured, SharpPicture
from pipeline.features.kept import ClockPlace, KeptLine
from pipeline.features.schema import to_arrow
from pipeline.signs import reader
from pipeline.signs.clock import Course, follow
from pipeline.signs.clock_course import leaps
from pipeline.signs.clock_figures import Label
from pipeline.signs.fields import consensus, figure, read_clock, read_date
from pipeline.signs.layouts import Layouts
from pipeline.signs.locate import Area, Layout, Line, locate, noted, recalled
from pipeline.signs.ocr import LineRead, read_lines, smoothed

OVERLAY_VERSION = 3
"""Raised whenever the same clip could now give other readings."""

STAGE = "overlay"
ORDER = ("clock", "date", "device", "unit", "officer", "gps", "speed", "mark", "other")
"""Fields as they are listed."""
MORE_ROUNDS, MOST_LEAPS = 2, 12
"""How often, and at how many places, more lines are read because the clock seems to leap there."""


def recorder(
    progress: Callable[[str, float], None],
    layouts: Layouts | None = None,
    *,
    edge: Annotated[float, Interval(gt=0, lt=0.5)] = 0.16,
    share: Annotated[float, Interval(gt=0, le=1)] = 0.6,
    still_diff: float = 4.0,
    detection_side_px: Annotated[int, Ge(32)] = 1280,
    min_confidence: Annotated[float, Interval(ge=0, le=1)] = 0.5,
    min_score: Annotated[float, Interval(ge=0, le=1)] = 0.6,
    read_every: Annotated[int, Ge(1)] = 6,
) -> Recorder:
    """Return what reads the recorder's overlay of one clip.

    Parameters
    ----------
    progress : callable
        Told `"overlay"` and how much of the reading is done, 0 to 1.
    layouts : Layouts, optional
        Where recorders of this kind were seen to write; tried first, and added to.
    edge : float
        Height of the strips at the upper and at the lower edge in which the overlay is looked for, in picture heights.
    share : float
        Share of the pictures looked at, 0 to 1, in which a line must stand at the same place.
    still_diff : float
        Grey levels by which the typical point of a fixed camera's picture changes between two pictures at most.
    detection_side_px : int
        Longer side that the strips are made to fit, if they are larger, to find lines in them.
    min_confidence : float
        Confidence of the reader, 0 to 1, below which a line counts as not there.
    min_score : float
        Share of the clip's usual score, 0 to 1, below which a picture's clock counts as not read.
    read_every : int
        Of the lines kept every 5.3 s, every so many are read; the first 12 s are read more densely.
    """
    return Recorder(
        progress,
        layouts or Layouts(None),
        _Settings(edge, share, still_diff, detection_side_px, min_confidence, min_score, read_every),
    )


@dataclass(frozen=True, slots=True)
class _Settings:
    """See `recorder`."""

    edge: float
    share: float
    still_diff: float
    detection_side_px: int
    min_confidence: float
    min_score: float
    read_every: int


class Recorder:
    """The recorder's overlay of one clip.

    Its two halves belong together: `place` is asked before the clip is decoded, `read` afterwards.
    """

    def __init__(self, progress: Callable[[str, float], None], layouts: Layouts, settings: _Settings) -> None:
        """See `recorder`."""
        self._progress, self._layouts, self._used = progress, layouts, settings
        self._layout = Layout((), 0, None)
        self._times: tuple[float, ...] = ()
        self._pixels = 0

    @property
    def areas(self) -> tuple[Area, ...]:
        """Where the recorder writes."""
        return tuple(line.area for line in self._layout.lines)

    def place(self, pictures: Sequence[SharpPicture]) -> ClockPlace | None:
        """Find the overlay on pictures from all over the clip; return where its clock stands, None if it has none."""
        import cv2

        loaded = [(picture.time_s, cv2.imread(str(picture.path), cv2.IMREAD_COLOR)) for picture in pictures]
        seen = [(time_s, pixels) for time_s, pixels in loaded if pixels is not None]
        alike = [(time_s, pixels) for time_s, pixels in seen if pixels.shape == seen[0][1].shape]
        if not alike:
            return None
        self._times = tuple(time_s for time_s, _ in alike)
        height, width = alike[0][1].shape[:2]
        self._pixels = height
        self._layout = locate(
            self._engine(),
            [np.asarray(pixels, np.uint8) for _, pixels in alike],
            self._layouts.known(width, height),
            self._used.edge,
            self._used.share,
            self._used.still_diff,
            self._used.min_confidence,
        )
        clock, digits = self._layout.clock, self._layout.digits
        if clock is None or digits is None:
            return None
        others = (line.area for line in self._layout.lines if line is not clock)
        self._layouts.remember(width, height, [clock.area, *others])
        return ClockPlace(_corners(digits), _corners(clock.area))

    def note(self) -> dict[str, Any]:
        """Return what `place` found, as JSON can hold it, for a recorder that reads in its stead."""
        return {"layout": noted(self._layout), "times": list(self._times), "pixels": self._pixels}

    def recall(self, note: Mapping[str, Any]) -> None:
        """Take over what another recorder's `place` found."""
        self._layout, self._times = recalled(note["layout"]), tuple(note["times"])
        self._pixels = note["pixels"]

    def read(self, measured: Measured) -> dict[str, pa.Table]:
        """Read the overlay of the decoded clip: tables overlay, clock and texts of `pipeline/features/schema.py`."""
        frames = measured.tables.get("frames")
        times = frames["time_s"].to_numpy() if frames is not None else np.empty(0)
        course, texts = self._followed(measured, times)
        self._progress(STAGE, 1.0)
        height = self._height(measured)
        lines = sorted(self._layout.lines, key=lambda line: ORDER.index(line.field))
        rows = [_field_row(line, height) for line in lines]
        return {
            "overlay": to_arrow("overlay", rows),
            "clock": pa.table({"clock_s": course.clock_s, "clock_score": course.score}),
            "texts": to_arrow("texts", [*self._peeked_rows(times, height), *texts]),
        }

    def _day(self) -> int | None:
        """Return the date of a line of its own, as days since 1970-01-01, None if there is none."""
        for line in self._layout.lines:
            if line.field == "date":
                return read_date(consensus([read.text for read in line.reads])[0])
        return None

    def _engine(self) -> object:
        return reader._engine(self._used.detection_side_px, 1)

    def _followed(self, measured: Measured, times: NDArray[np.float64]) -> tuple[Course, list[dict[str, object]]]:
        """Read some of the kept lines and follow the clock by them; then read more where it seems to leap."""
        course = Course(np.full(len(times), np.nan), np.full(len(times), np.nan))
        lines, clock = measured.lines, self._layout.clock
        if clock is None:
            return course, []
        reads: dict[int, LineRead] = {}
        peeked = self._peeked(clock, times)
        wanted = self._first_lines(lines)
        for _ in range(1 + MORE_ROUNDS):
            reads |= {number: self._line(lines[number], clock) for number in sorted(wanted)}
            labels, blanks = self._labels(peeked | {lines[number].frame: read for number, read in reads.items()})
            if not labels or not len(measured.strips):
                break
            shown = times[: len(measured.strips)]
            found = follow(measured.strips, shown, self._layout.figures, labels, blanks, self._used.min_score)
            course.clock_s[: len(shown)] = found.clock_s[: len(shown)]
            course.score[: len(shown)] = found.score[: len(shown)]
            self._progress(STAGE, 0.5)
            wanted = _near(leaps(found.clock_s, labels[0].reading.step_s), lines) - reads.keys()
            if not wanted:
                break
        rows = [
            _text_row(lines[number].frame, lines[number].time_s, read, clock.area, self._height(measured))
            for number, read in sorted(reads.items())
            if read.text
        ]
        return course, rows

    def _first_lines(self, lines: Sequence[KeptLine]) -> set[int]:
        """Return which lines are read in any case: the dense ones of the start, and every so many of the others."""
        dense = {n for n in range(len(lines) - 1) if lines[n + 1].time_s - lines[n].time_s < 2}
        others = [n for n in range(len(lines)) if n not in dense]
        return {*dense, *others[:: self._used.read_every], *others[-1:]}

    def _line(self, kept: KeptLine, clock: Line) -> LineRead:
        import cv2

        pixels = cv2.imread(str(kept.path), cv2.IMREAD_COLOR)
        if pixels is None:
            return LineRead("", 0.0, ())
        line = np.asarray(pixels, np.uint8)
        return read_lines(self._engine(), [smoothed(line) if clock.coarse else line])[0]

    def _labels(self, reads: Mapping[int, LineRead]) -> tuple[list[Label], list[int]]:
        """Return what was read by frame as labels, and the frames in which no clock was read."""
        labels: list[Label] = []
        blanks: list[int] = []
        day = self._day()
        for frame, read in sorted(reads.items()):
            reading = read_clock(read.text) if read.confidence >= self._used.min_confidence else None
            if reading is None:
                blanks.append(frame)
                continue
            figures = tuple(figure(read.text[place]) if place >= 0 else -1 for place in reading.figures)
            if reading.day is None and day is not None:
                reading = replace(reading, day=day)
            labels.append(Label(frame, reading, figures))
        return labels, blanks

    def _height(self, measured: Measured) -> int:
        """Return the height of the upright picture in pixels."""
        frames = measured.tables.get("frames")
        return self._pixels or (int(frames["height"][0].as_py()) if frames is not None and frames.num_rows else 0)

    def _peeked(self, line: Line, times: NDArray[np.float64]) -> dict[int, LineRead]:
        """Return by frame what was read of a line before the clip was decoded."""
        if not np.isfinite(times).any():
            return {}
        frames = [int(np.nanargmin(np.abs(times - time_s))) for time_s in self._times]
        return {frame: read for frame, read in zip(frames, line.reads, strict=True) if read.text}

    def _peeked_rows(self, times: NDArray[np.float64], height: int) -> list[dict[str, object]]:
        return [
            _text_row(frame, float(times[frame]), read, line.area, height)
            for line in self._layout.lines
            for frame, read in self._peeked(line, times).items()
        ]


def _corners(area: Area) -> tuple[float, float, float, float]:
    return (area.left, area.top, area.right, area.bottom)


def _near(rows: Sequence[int], lines: Sequence[KeptLine]) -> set[int]:
    """Return the two lines before and the two after each of some rows, of `MOST_LEAPS` rows at most."""
    frames = np.array([line.frame for line in lines])
    places = np.searchsorted(frames, rows[:MOST_LEAPS])
    return {int(n) for place in places for n in range(place - 2, place + 2) if 0 <= n < len(lines)}


def _field_row(line: Line, height: int) -> dict[str, object]:
    texts = [read.text for read in line.reads if read.text]
    if line.field == "clock":
        readings = [(text, read_clock(text)) for text in texts]
        good = [(text, reading) for text, reading in readings if reading is not None]
        text, form = (good[0][0], good[0][1].form) if good else (texts[0], None)
        agreement = sum(reading.form == form for _, reading in good) / len(texts)
    else:
        (text, agreement), form = consensus(texts), None
    return {
        "field": line.field,
        "text": text,
        "form": form,
        "agreement": agreement,
        "readings": len(texts),
        "pictures": line.seen,
        "height_px": (line.area.bottom - line.area.top) * height / reader.LINE_PER_LETTER,
        **dict(zip(("left", "top", "right", "bottom"), _corners(line.area), strict=True)),
    }


def _text_row(frame: int, time_s: float, read: LineRead, area: Area, height: int) -> dict[str, object]:
    return {
        "frame": frame,
        "time_s": time_s,
        "text": read.text,
        "confidence": read.confidence,
        **dict(zip(("left", "top", "right", "bottom"), _corners(area), strict=True)),
        "height_px": (area.bottom - area.top) * height / reader.LINE_PER_LETTER,
        "overlay": True,
        "document": False,
    }
