"""Texts in the picture, read with PP-OCR through rapidocr and onnxruntime; no model is ever downloaded.

Every sharp picture is glanced at, made small; those that promise most are read, and a few of these are first searched
in detail. All bounds are numbers of pictures and lines, never time: the same clip gives the same texts anywhere.

Libraries that take long to load are imported where they are used: a scan served from the cache needs none of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Interval
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.features.schema import to_arrow
from pipeline.model import Message
from pipeline.signs.documents import documents
from pipeline.signs.glance import Look, Picture, Place, amount, box_of, choose, glance, outside, same_view, strewn
from pipeline.signs.lines import LINE_PER_LETTER, find, read
from pipeline.signs.overlay import Box, camera_moved, overlay_of

__all__ = ["LINE_PER_LETTER", "MODELS", "READ_VERSION", "libraries", "read_texts"]

READ_VERSION = 3
"""Raised whenever the same pictures could now give other tables."""

STAGE = "texts"
MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
"""Files that rapidocr's wheel carries: finding lines, reading them, telling which way up they are."""
SEEN_SCORE = 0.5
"""How sure the detector must be, 0 to 1, of a line that is not read for it to be told at all."""
WELL_READ = 0.7
"""Confidence, 0 to 1, from which a line counts even if the detector hardly takes it for text."""
BUDGET_S = 600.0
"""Stretch of a clip for which the numbers of pictures in `read_texts` hold; a longer clip has as many for each."""
ENGINE_SIDE_PX = 1280
"""`find` brings pictures to their size itself; with this one, the engine that read the overlay serves here, too."""
GLANCES = 0.7
"""Share of the work that glancing is, for showing progress."""

UNREADABLE_PICTURE = "The picture at {time_s:.2f} s could not be opened, so no text was looked for in it."
MISSING_MODEL = "The model {name} of the text reader is missing from {folder}. Install rapidocr anew."


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of text in one picture."""

    box: Box
    """Its text is empty where it was not read."""
    time_s: float
    confidence: float
    """NaN where it was not read."""
    height_px: float
    sharpness: float
    document: bool = False


def read_texts(
    pictures: Sequence[Picture],
    progress: Callable[[str, float], None],
    areas: Sequence[Place] = (),
    *,
    glance_side_px: Annotated[int, Ge(32)] = 640,
    close_side_px: Annotated[int, Ge(32)] = 960,
    most_pictures: Annotated[int, Ge(0)] = 16,
    close_pictures: Annotated[int, Ge(0)] = 6,
    most_lines: Annotated[int, Ge(1)] = 12,
    min_letters_px: Annotated[float, Ge(0)] = 10.0,
    opening_s: Annotated[float, Ge(0)] = 60.0,
    min_confidence: Annotated[float, Interval(ge=0, le=1)] = 0.3,
    overlay_edge: float = 0.14,
    overlay_share: float = 0.6,
    still_diff: float = 4.0,
    threads: Annotated[int, Ge(1)] = 1,
) -> dict[str, pa.Table]:
    """Read the texts of a clip's sharp pictures.

    Parameters
    ----------
    pictures : sequence of Picture
        Upright pictures of one clip in order of time.
    progress : callable
        Told `"texts"` and the share of the work that is done.
    areas : sequence of Place
        Where the recorder writes: lines whose middle lies there are left out altogether.
    glance_side_px : int
        Longer side that every picture is made to fit to look for text in it.
    close_side_px : int
        The same for the pictures that are searched in detail.
    most_pictures : int
        Pictures that are read at most, of ten minutes: those with the surest, largest and longest lines, strewn over
        the clip, those of the opening first. Views that stay the same are read twice.
    close_pictures : int
        How many of them are searched in detail before; pictures of the opening in which the glance saw nothing take
        the places that are left.
    most_lines : int
        Lines of a picture that are read at most, the largest first.
    min_letters_px : float
        Height of letters below which a line is not read: it could not count.
    opening_s : float
        End of the opening of the clip, where the place is shown as a rule.
    min_confidence : float
        Confidence, 0 to 1, below which a line is no text at all. Low on purpose: what could not be read for sure
        must be known to tell "no sign" from "a sign that cannot be read".
    overlay_edge : float
        Strip at the upper and at the lower edge that the recorder may write in, in picture heights.
    overlay_share : float
        Share of the pictures, 0 to 1, in which a text must stay at its place to be the recorder's.
    still_diff : float
        Grey levels by which the typical point of a fixed camera's picture changes between two pictures at most.
    threads : int
        Threads that reading uses. More are faster, but cost more altogether.

    Returns
    -------
    tables : dict of str to pyarrow.Table
        Tables texts, examined and gaps of `pipeline/features/schema.py`. A line that was seen and not read (too small,
        beyond `most_lines`, in a picture beyond `most_pictures`, or on a page) has no text.

    Raises
    ------
    ModelError
        If a model is missing.
    """
    looks: list[Look] = []
    gaps: list[dict[str, object]] = []
    for number, picture in enumerate(pictures, 1):
        look = glance(_engine(ENGINE_SIDE_PX, threads), picture, glance_side_px, areas)
        if look is None:
            values = json.dumps({"time_s": picture.time_s})
            gaps.append({"stage": STAGE, "message": UNREADABLE_PICTURE, "values": values})
        else:
            looks.append(look)
        progress(STAGE, GLANCES * number / len(pictures))
    moving = camera_moved([look.thumbnail for look in looks], still_diff)
    seen = [box for look in looks for box in look.boxes()]
    amounts = _amounts(looks, overlay_of(seen, len(looks), moving, overlay_edge, overlay_share))
    stretches = max(1, math.ceil(max((look.picture.time_s for look in looks), default=0.0) / BUDGET_S))
    order = choose(looks, amounts, most_pictures * stretches, opening_s, still_diff)
    close = set(order[: close_pictures * stretches])
    close |= set(strewn(looks, order, close_pictures * stretches - len(close), opening_s))
    taken = sorted({*order, *close})
    lines: list[_Line] = []
    for done, number in enumerate(taken, 1):
        side_px = close_side_px if number in close else None
        engine = _engine(ENGINE_SIDE_PX, threads)
        lines += _read(engine, looks[number], areas, side_px, most_lines, min_letters_px)
        progress(STAGE, GLANCES + (1 - GLANCES) * done / len(taken))
    lines = [line for line in lines if not line.confidence < min_confidence]
    for number, look in enumerate(looks):
        if number not in taken and not any(same_view(look, looks[other], still_diff) for other in taken):
            lines += _unread(look)
    lines.sort(key=lambda line: (line.box.frame, line.box.top, line.box.left))
    overlay = overlay_of([line.box for line in lines], len(looks), moving, overlay_edge, overlay_share, seen)
    counts = {"pictures_read": len(looks), "pictures_read_closely": len(taken)}
    progress(STAGE, 1.0)
    return {
        "texts": to_arrow("texts", [_row(line, bool(burned)) for line, burned in zip(lines, overlay, strict=True)]),
        "examined": to_arrow(
            "examined",
            [{"stage": STAGE, "measure": measure, "value": float(count)} for measure, count in counts.items()],
        ),
        "gaps": to_arrow("gaps", gaps),
    }


def _amounts(looks: Sequence[Look], burned: NDArray[np.bool_]) -> list[float]:
    """Return what each picture promises, without the lines that stay where they are while the camera moves."""
    flags = iter(burned.tolist())
    return [amount([line for line in look.lines if not next(flags)]) for look in looks]


def _read(
    engine: Any, look: Look, areas: Sequence[Place], side_px: int | None, most_lines: int, min_letters_px: float
) -> list[_Line]:
    """Read a picture: the lines that the glance found, or, with `side_px`, those of a search of that detail."""
    import cv2

    loaded = cv2.imread(str(look.picture.path), cv2.IMREAD_COLOR)
    if loaded is None:
        return []
    pixels = np.asarray(loaded, np.uint8)
    height, width = pixels.shape[:2]
    found = look.lines if side_px is None else outside(find(engine, pixels, side_px), areas, width, height)
    pages = documents(found, height)
    readable = [n for n, line in enumerate(found) if not pages[n] and line.letters_px >= min_letters_px]
    chosen = sorted(readable, key=lambda n: -found[n].letters_px)[:most_lines]
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    lines = []
    for number, line in enumerate(found):
        text, confidence = read(engine, pixels, line) if number in chosen else ("", math.nan)
        if (number in chosen and not text) or (line.score < SEEN_SCORE and not confidence >= WELL_READ):
            continue
        box = box_of(line, look.picture.frame, text, width, height)
        sharp = _sharpness(grey, box)
        lines.append(_Line(box, look.picture.time_s, confidence, line.letters_px, sharp, bool(pages[number])))
    return lines


def _unread(look: Look) -> Iterator[_Line]:
    """Yield what was seen for sure in a picture that was not read."""
    for line in look.lines:
        if line.score >= SEEN_SCORE:
            box = box_of(line, look.picture.frame, "", look.width, look.height)
            yield _Line(box, look.picture.time_s, math.nan, line.letters_px, math.nan)


def libraries() -> dict[str, str]:
    """Return name → version of what reading rests on, the models by their SHA-256; nothing is loaded."""
    found = {name: distribution_version(name) for name in ("rapidocr", "onnxruntime", "opencv-python-headless")}
    return found | {name: _sha256(name) for name in MODELS.values()}


@cache
def _model(name: str) -> Path:
    for entry in distribution("rapidocr").files or ():
        if entry.name == name:
            path = Path(str(entry.locate()))
            if path.is_file():
                return path
    folder = Path(str(distribution("rapidocr").locate_file("rapidocr/models")))
    if (folder / name).is_file():
        return folder / name
    raise ModelError(Message(MISSING_MODEL, {"name": name, "folder": str(folder)}))


@cache
def _sha256(name: str) -> str:
    """Return a model's hash as the installed wheel's own record states it, or computed where it states none."""
    for entry in distribution("rapidocr").files or ():
        if entry.name == name and entry.hash is not None and entry.hash.mode == "sha256":
            padded = entry.hash.value + "=" * (-len(entry.hash.value) % 4)
            return base64.urlsafe_b64decode(padded).hex()
    return hashlib.sha256(_model(name).read_bytes()).hexdigest()


@cache
def _engine(detection_side_px: int, threads: int) -> Any:
    """Return the reader, loaded on first use: a clip whose texts are in the cache never pays for it."""
    from rapidocr import RapidOCR

    params: dict[str, Any] = {f"{part}.model_path": str(_model(name)) for part, name in MODELS.items()}
    params |= {
        "Global.log_level": "critical",
        "Global.text_score": 0.0,
        "Global.max_side_len": 1 << 16,  # lines are cut out of the picture as it is, however large
        "Det.limit_type": "max",
        "Det.limit_side_len": detection_side_px,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    return RapidOCR(params=params)


def _sharpness(grey: NDArray[np.uint8], box: Box) -> float:
    import cv2

    height, width = grey.shape
    rows = slice(int(box.top * height), max(int(box.bottom * height), int(box.top * height) + 1))
    columns = slice(int(box.left * width), max(int(box.right * width), int(box.left * width) + 1))
    inside = grey[rows, columns]
    return float(cv2.Laplacian(inside, cv2.CV_64F).var()) if inside.size else float("nan")


def _row(line: _Line, overlay: bool) -> dict[str, object]:
    box = line.box
    return {
        "frame": box.frame,
        "time_s": line.time_s,
        "text": box.text or None,
        "confidence": line.confidence,
        "left": box.left,
        "top": box.top,
        "right": box.right,
        "bottom": box.bottom,
        "height_px": line.height_px,
        "sharpness": line.sharpness,
        "overlay": overlay,
        "document": line.document,
    }
