"""Texts in the picture, read with PP-OCR through rapidocr and onnxruntime; no model is ever downloaded.

Libraries that take long to load are imported where they are used: a scan served from the cache needs none of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Interval
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.features.schema import to_arrow
from pipeline.model import Message
from pipeline.signs.overlay import Box, camera_moved, overlay_of

READ_VERSION = 1
"""Raised whenever the same pictures could now give other tables."""

STAGE = "texts"
MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
"""Files that rapidocr's wheel carries: finding lines, reading them, telling which way up they are."""
THUMBNAIL = (64, 36)
"""Width and height of the pictures that tell whether the camera moved."""
LINE_PER_LETTER = 1.38
"""Height of the box that the model draws around a line, in heights of its Chinese characters.

The median over characters of 12 to 76 px drawn on a blurred photo (1.17 to 1.48); figures alone are lower than
characters, so they come out up to a quarter too large.
"""

UNREADABLE_PICTURE = "The picture at {time_s:.2f} s could not be opened, so no text was looked for in it."
MISSING_MODEL = "The model {name} of the text reader is missing from {folder}. Install rapidocr anew."


class Picture(Protocol):
    """What of a picture is needed to read it; `pipeline.features.extract.SharpPicture` is one."""

    @property
    def path(self) -> Path:
        """The picture, upright, at the size in which it was recorded."""

    @property
    def frame(self) -> int:
        """Row of the frames table."""

    @property
    def time_s(self) -> float:
        """Presentation time."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of text in one picture."""

    box: Box
    time_s: float
    confidence: float
    height_px: float
    sharpness: float


def read_texts(
    pictures: Sequence[Picture],
    progress: Callable[[str, float], None],
    *,
    detection_side_px: Annotated[int, Ge(32)] = 1280,
    min_confidence: Annotated[float, Interval(ge=0, le=1)] = 0.3,
    overlay_edge: float = 0.14,
    overlay_share: float = 0.6,
    still_diff: float = 4.0,
    threads: Annotated[int, Ge(1)] = 2,
) -> dict[str, pa.Table]:
    """Read the texts of a clip's sharp pictures.

    Parameters
    ----------
    pictures : sequence of Picture
        Upright pictures of one clip in order of time.
    progress : callable
        Told `"texts"` and the share of the pictures that is done.
    detection_side_px : int
        Longer side that a picture is made to fit, if it is larger, to find lines in it; reading uses every pixel.
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
        Threads that reading uses.

    Returns
    -------
    tables : dict of str to pyarrow.Table
        Tables texts, examined and gaps of `pipeline/features/schema.py`.

    Raises
    ------
    ModelError
        If a model is missing.
    """
    import cv2

    lines: list[_Line] = []
    thumbnails: list[NDArray[np.uint8]] = []
    gaps: list[dict[str, object]] = []
    for number, picture in enumerate(pictures, 1):
        pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
        if pixels is None:
            values = json.dumps({"time_s": picture.time_s})
            gaps.append({"stage": STAGE, "message": UNREADABLE_PICTURE, "values": values})
        else:
            grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
            thumbnails.append(np.asarray(cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA), np.uint8))
            lines += _lines(_engine(detection_side_px, threads)(pixels), grey, picture, min_confidence)
        progress(STAGE, number / len(pictures))
    overlay = overlay_of(
        [line.box for line in lines], len(thumbnails), camera_moved(thumbnails, still_diff), overlay_edge, overlay_share
    )
    counted: dict[str, object] = {"stage": STAGE, "measure": "pictures_read", "value": float(len(thumbnails))}
    return {
        "texts": to_arrow("texts", [_row(line, bool(burned)) for line, burned in zip(lines, overlay, strict=True)]),
        "examined": to_arrow("examined", [counted]),
        "gaps": to_arrow("gaps", gaps),
    }


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


def _lines(read: Any, grey: NDArray[np.uint8], picture: Picture, min_confidence: float) -> list[_Line]:
    if read.boxes is None or read.txts is None:
        return []
    height, width = grey.shape
    found = []
    for corners, text, confidence in zip(read.boxes, read.txts, read.scores, strict=True):
        if confidence < min_confidence or not text.strip():
            continue
        across, down = corners[:, 0].clip(0, width), corners[:, 1].clip(0, height)
        box = Box(
            picture.frame,
            text.strip(),
            float(across.min()) / width,
            float(down.min()) / height,
            float(across.max()) / width,
            float(down.max()) / height,
        )
        found.append(_Line(box, picture.time_s, float(confidence), _letters_px(corners), _sharpness(grey, box)))
    return found


def _letters_px(corners: NDArray[np.float32]) -> float:
    """Return the size of a line's letters, from the shorter side of its box: their width if written downwards."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return float(min(sides[0] + sides[2], sides[1] + sides[3]) / 2 / LINE_PER_LETTER)


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
        "text": box.text,
        "confidence": line.confidence,
        "left": box.left,
        "top": box.top,
        "right": box.right,
        "bottom": box.bottom,
        "height_px": line.height_px,
        "sharpness": line.sharpness,
        "overlay": overlay,
        "document": False,
    }
