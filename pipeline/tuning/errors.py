"""What a score got wrong, to be looked at: pictures and curves of every miss and every false alarm."""

from __future__ import annotations

import base64
import html
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from pipeline.detector import REGISTRY
from pipeline.media.stills import Still, pictures_at
from pipeline.model import Curve, Features, Finding, Footage, Level, Message, Span
from pipeline.report import plots
from pipeline.report.envelope import series
from pipeline.report.stills import stream_of
from pipeline.report.wording import stretch
from pipeline.tuning.clips import Clip
from pipeline.tuning.judging import Judged, Told
from pipeline.tuning.labels import Label, html_table
from pipeline.tuning.progress import shown
from pipeline.tuning.score import Score

What = Literal["missed", "false alarm", "misnamed"]
AROUND_S = 0.4
"""A strip begins so long before the span and ends so long after it."""
STRIP_PX = (200, 150)
"""Most width and height of a picture of a strip."""
GONE = "the file is gone, or was changed"
NO_PICTURE = "no picture could be made"


@dataclass(frozen=True, slots=True, eq=False)
class ErrorRow:
    """One miss or one false alarm."""

    what: What
    clip: Clip
    kinds: tuple[str, ...]
    """Of the finding; of a miss, those that would have told it."""
    span: Span
    finding: Finding | None
    """What was wrongly told; of a miss, what came nearest: a finding that does not count or is of another kind."""
    label: Label | None
    """What was missed."""
    strip: Path | None = None
    """Pictures before, in and after the span, side by side, as JPEG."""
    no_strip: str = ""
    """Why there is none."""
    curves: Path | None = None
    """The measurements around it, as SVG."""


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Rows of errors, in the order of their clips and times."""

    rows: tuple[ErrorRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> ErrorRow:
        return self.rows[number]

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each error, with the paths of its pictures."""
        return [
            {
                "what": row.what,
                "clip": row.clip.path.name,
                "sha256": row.clip.sha256[:12],
                "kinds": ", ".join(row.kinds),
            }
            | {"start_s": row.span.start_s, "stop_s": row.span.stop_s}
            | {"level": row.finding and row.finding.level.value, "score": row.finding and row.finding.score}
            | {"nearest": row.finding.kind if row.finding and row.label else None}
            | {"done": row.label and row.label.detail, "device": row.clip.device, "scene": row.clip.scene}
            | {"strip": row.strip and str(row.strip), "curves": row.curves and str(row.curves)}
            for row in self.rows
        ]

    def _repr_html_(self) -> str:
        parts = []
        for row, told in zip(self.rows, self.table(), strict=True):
            del told["strip"], told["curves"], told["start_s"], told["stop_s"]
            pictures = "".join(_image(path) for path in (row.strip, row.curves) if path is not None)
            missing = "" if row.strip else f"<p>{html.escape(row.no_strip)}</p>"
            parts.append(f"{html_table([{'at': stretch(row.span), **told}])}{missing}{pictures}")
        return "<hr>".join(parts) or "<p>–</p>"


def errors(
    found: Score,
    folder: Path | None = None,
    *,
    what: Sequence[What] = ("missed", "false alarm", "misnamed"),
    kind: str | None = None,
    most: int = 50,
    pictures: int = 6,
    bar: bool = True,
) -> Errors:
    """Return what a score missed and what it told wrongly, each with pictures and curves around it.

    Parameters
    ----------
    found : Score
    folder : Path, optional
        Where pictures go; a new temporary folder if left out.
    what : sequence
        Which errors.
    kind : str, optional
        Only of this kind of finding.
    most : int
        How many rows at most; pictures are decoded for each.
    pictures : int
        Pictures in a strip.
    bar : bool
        Show a bar.
    """
    out = folder or Path(tempfile.mkdtemp(prefix="unbroken-errors-"))
    out.mkdir(parents=True, exist_ok=True)
    rows = [row for one in found.judged for row in _rows(one) if row.what in what and (not kind or kind in row.kinds)]
    drawn = []
    for number, row in enumerate(shown(rows[:most], "Drawing", bar)):
        own = out / f"{number:03d}-{row.clip.sha256[:12]}"
        own.mkdir(exist_ok=True)
        strip, why = _strip(row, own, pictures)
        drawn.append(replace(row, strip=strip, no_strip=why, curves=_curves(row, own)))
    return Errors(tuple(drawn))


def _rows(one: Judged) -> list[ErrorRow]:
    rows = []
    for sought in one.sought:
        if not sought.by:
            label = sought.label
            span = Span(label.start_s, label.stop_s if math.isfinite(label.stop_s) else one.clip.duration_s)
            rows.append(ErrorRow("missed", one.clip, tuple(sorted(label.kinds)), span, _nearest(one, label), label))
    rows += [_wrong(one.clip, told) for told in one.told if told.judgement in ("false alarm", "misnamed")]
    return sorted(rows, key=lambda row: (row.span.start_s, row.span.stop_s))


def _wrong(clip: Clip, told: Told) -> ErrorRow:
    what: What = "misnamed" if told.judgement == "misnamed" else "false alarm"
    return ErrorRow(what, clip, (told.finding.kind,), told.finding.span, told.finding, None)


def _nearest(one: Judged, label: Label) -> Finding | None:
    """Return what comes nearest to a miss: within a second of it, of its kinds first, then by distance."""

    def apart_s(finding: Finding) -> float:
        span = finding.span
        return max(0.0, span.start_s - label.stop_s, label.start_s - span.stop_s)

    short = one.clip.duration_s / 2  # what spans all of a clip is near to everything
    near = [f for f in one.findings if apart_s(f) <= 1.0 and f.span.stop_s - f.span.start_s <= short]
    return min(near, key=lambda f: (f.kind not in label.kinds, apart_s(f)), default=None)


def _strip(row: ErrorRow, folder: Path, pictures: int) -> tuple[Path | None, str]:
    footage, features = row.clip.footage, row.clip.features
    stream = stream_of(features)
    if stream is None or not features.has("frames.time_s") or not features["frames"].rows:
        return None, NO_PICTURE
    if not _is_there(footage):
        return None, GONE
    first_s, last_s = float(np.nanmin(features["frames"]["time_s"])), float(np.nanmax(features["frames"]["time_s"]))
    start_s = min(max(row.span.start_s - AROUND_S, first_s), last_s)
    stop_s = max(min(row.span.stop_s + AROUND_S, last_s), start_s)
    times_s = sorted(set(np.linspace(start_s, stop_s, max(pictures, 1)).tolist()))
    made = pictures_at(footage.path, times_s, folder, *stream, still_width_px=max(STRIP_PX))
    stills = list({still.time_s: still for _, still in sorted(made.items())}.values())
    if not stills:
        return None, NO_PICTURE
    path = folder / "strip.jpg"
    path.write_bytes(_joined(stills, row.span))
    for still in stills:
        still.path.unlink(missing_ok=True)
    return path, ""


def _is_there(footage: Footage) -> bool:
    try:
        return bool(footage.modified_ns) and footage.is_unchanged()
    except OSError:
        return False


def _joined(stills: Sequence[Still], span: Span) -> bytes:
    """Return pictures side by side with their times below, those inside the span marked, as JPEG."""
    cells = []
    for still in stills:
        picture = cv2.imdecode(np.frombuffer(still.path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        height, width = picture.shape[:2]
        scale = min(STRIP_PX[0] / width, STRIP_PX[1] / height)
        small = cv2.resize(picture, (max(round(width * scale), 1), max(round(height * scale), 1)))
        cell = np.full((STRIP_PX[1] + 20, STRIP_PX[0] + 4, 3), 255, np.uint8)
        cell[: small.shape[0], 2 : 2 + small.shape[1]] = small
        inside = span.start_s - 1e-6 <= still.time_s <= span.stop_s + 1e-6
        if inside:
            cv2.rectangle(cell, (0, 0), (cell.shape[1] - 1, STRIP_PX[1]), (76, 180, 233), 2)
        cv2.putText(
            cell, f"{still.time_s:.3f} s", (4, STRIP_PX[1] + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1
        )
        cells.append(cell)
    coded, data = cv2.imencode(".jpg", np.hstack(cells), [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert coded
    return data.tobytes()


def _curves(row: ErrorRow, folder: Path) -> Path | None:
    """Draw the curves of the finding; of a miss, the columns that the detectors of its kinds look at."""
    finding = row.finding
    if finding is None or not plots.drawable(finding, row.clip.features) or row.label is not None:
        kind = row.kinds[0] if row.kinds else ""
        curves = finding.curves if finding is not None and finding.curves else _columns(row.kinds, row.clip.features)
        finding = Finding(kind, Level.NOTE, row.span, Message(kind), curves=curves)
    near, whole = folder / "near.svg", folder / "whole.svg"
    return near if plots.draw(finding, row.clip.features, near, whole) else None


def _columns(kinds: Sequence[str], features: Features) -> tuple[Curve, ...]:
    """Return what the detectors of these kinds look at and a curve can show, what most of them do first."""
    needed = [column for entry in REGISTRY.values() if set(kinds) & set(entry.emits) for column in entry.needs]
    counted = sorted(set(needed), key=lambda column: (-needed.count(column), column))
    return tuple(Curve(column) for column in counted if _says_much(column, features))[: plots.MOST_CURVES]


def _says_much(column: str, features: Features) -> bool:
    table, _, name = column.partition(".")
    if name == "time_s" or not features.has(column) or features[table][name].dtype.kind not in "iuf":
        return False
    return bool(series(features, column))


def _image(path: Path) -> str:
    form = "image/svg+xml" if path.suffix == ".svg" else "image/jpeg"
    return f'<div><img src="data:{form};base64,{base64.b64encode(path.read_bytes()).decode()}"></div>'
