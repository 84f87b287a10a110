"""What the recorder burned into the pictures of one clip: located before it is decoded, read when it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Interval

from pipeline.features.extract import Measured, SharpPicture
from pipeline.features.kept import ClockPlace, KeptLine
from pipeline.features.schema import to_arrow
from pipeline.signs import reader
from pipeline.signs.clock import Course, Label, follow
from pipeline.signs.fields import consensus, figure, read_clock, read_date
from pipeline.signs.layouts import Layouts
from pipeline.signs.locate import Area, Layout, Line, locate
from pipeline.signs.ocr import LineRead, read_lines, smoothed

OVERLAY_VERSION = 1
"""Raised whenever the same clip could now give other readings."""

STAGE = "overlay"
ORDER = ("clock", "date", "device", "unit", "officer", "gps", "speed", "mark", "other")
"""Fields as they are listed."""


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

    def read(self, measured: Measured) -> dict[str, pa.Table]:
        """Read the overlay of the decoded clip: tables overlay, clock and texts of `pipeline/features/schema.py`."""
        frames = measured.tables.get("frames")
        times = frames["time_s"].to_numpy() if frames is not None else np.empty(0)
        labels, blanks, texts = self._labelled(measured.lines)
        if (day := self._day()) is not None:
            labels = [replace(one, reading=replace(one.reading, day=one.reading.day or day)) for one in labels]
        course = Course(np.full(len(times), np.nan), np.full(len(times), np.nan))
        if labels and len(measured.strips):
            shown = times[: len(measured.strips)]
            found = follow(measured.strips, shown, self._layout.figures, labels, blanks, self._used.min_score)
            course.clock_s[: len(found.clock_s)] = found.clock_s[: len(times)]
            course.score[: len(found.score)] = found.score[: len(times)]
        self._progress(STAGE, 1.0)
        height = _height(measured)
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

    def _labelled(self, lines: Sequence[KeptLine]) -> tuple[list[Label], list[int], list[dict[str, object]]]:
        """Read some of the kept lines: the dense ones of the start, and every so many of the others."""
        import cv2

        if self._layout.clock is None:
            return [], [], []
        dense = [n for n in range(len(lines) - 1) if lines[n + 1].time_s - lines[n].time_s < 2]
        others = [n for n in range(len(lines)) if n not in set(dense)]
        chosen = sorted({*dense, *others[:: self._used.read_every], *others[-1:]})
        labels: list[Label] = []
        blanks: list[int] = []
        rows: list[dict[str, object]] = []
        for number, at in enumerate(chosen, 1):
            kept = lines[at]
            pixels = cv2.imread(str(kept.path), cv2.IMREAD_COLOR)
            if pixels is None:
                continue
            line = np.asarray(pixels, np.uint8)
            read = read_lines(self._engine(), [smoothed(line) if self._layout.clock.coarse else line])[0]
            reading = read_clock(read.text) if read.confidence >= self._used.min_confidence else None
            if reading is not None:
                figures = tuple(figure(read.text[place]) if place >= 0 else -1 for place in reading.figures)
                labels.append(Label(kept.frame, reading, figures))
            else:
                blanks.append(kept.frame)
            if read.text:
                area = self._layout.clock.area
                rows.append(_text_row(kept.frame, kept.time_s, read, area, pixels.shape[0]))
            self._progress(STAGE, number / (len(chosen) + 1))
        return labels, blanks, rows

    def _peeked_rows(self, times: np.ndarray, height: int) -> list[dict[str, object]]:
        rows = []
        for line in self._layout.lines:
            for time_s, read in zip(self._times, line.reads, strict=True):
                if read.text and len(times):
                    frame = int(np.nanargmin(np.abs(times - time_s)))
                    pixels = round((line.area.bottom - line.area.top) * height)
                    rows.append(_text_row(frame, time_s, read, line.area, pixels))
        return rows


def _corners(area: Area) -> tuple[float, float, float, float]:
    return (area.left, area.top, area.right, area.bottom)


def _height(measured: Measured) -> int:
    frames = measured.tables.get("frames")
    return int(frames["height"][0].as_py()) if frames is not None and frames.num_rows else 0


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


def _text_row(frame: int, time_s: float, read: LineRead, area: Area, pixels: int) -> dict[str, object]:
    return {
        "frame": frame,
        "time_s": time_s,
        "text": read.text,
        "confidence": read.confidence,
        **dict(zip(("left", "top", "right", "bottom"), _corners(area), strict=True)),
        "height_px": pixels / reader.LINE_PER_LETTER,
        "overlay": True,
        "document": False,
    }
