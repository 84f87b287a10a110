"""Landmarks: whether what a reference photo of the case record shows can be seen in the pictures of a clip.

Libraries that take long to load are imported where they are used: a scan served from the cache needs none of them.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Interval

from pipeline.features.schema import to_arrow
from pipeline.model import Message
from pipeline.signs.geometry import LEAST_MATCHES, agreeing, distinct, spread
from pipeline.signs.rootsift import Described, Grey, Matcher, RootSift
from pipeline.signs.xfeat import DISTRIBUTIONS, XFeat

LANDMARKS_VERSION = 1
"""Raised whenever the same pictures could now give other tables."""

STAGE = "landmarks"
Area = tuple[float, float, float, float]
"""Left, top, right and bottom, 0 to 1, in widths and heights of the upright picture."""
_MIDDLE = (5.0, 95.0)
"""Percentiles of the agreeing points that the box spans: a few of them agree by chance, anywhere in the picture."""

UNREADABLE_PHOTO = "The reference photo {photo} could not be opened, so its landmark was not looked for."
PLAIN_PHOTO = "The reference photo {photo} shows too little detail for a landmark to be recognised by it."
UNREADABLE_PICTURE = "The picture at {time_s:.2f} s could not be opened, so no landmark was looked for in it."


class SharpPicture(Protocol):
    """What of a picture is needed; `pipeline.features.extract.SharpPicture` is one."""

    @property
    def path(self) -> Path:
        """The picture, upright, at the size in which it was recorded."""

    @property
    def frame(self) -> int:
        """Row of the frames table."""

    @property
    def time_s(self) -> float:
        """Presentation time."""

    @property
    def sharpness(self) -> float:
        """Sharpness, to choose between pictures of one clip."""


@dataclass(frozen=True, slots=True)
class _Photo:
    """A reference photo as the case record names it, and its features."""

    name: str
    described: Described


def find_landmarks(
    pictures: Sequence[SharpPicture],
    photos: Sequence[tuple[str, Path]],
    areas: Sequence[Area],
    progress: Callable[[str, float], None],
    *,
    matcher: Literal["rootsift", "xfeat"] = "rootsift",
    max_pictures: Annotated[int, Ge(1)] = 16,
    longer_side_px: Annotated[int, Ge(64)] = 800,
    photo_features: Annotated[int, Ge(50)] = 3000,
    picture_features: Annotated[int, Ge(50)] = 1000,
    max_ratio: Annotated[float, Interval(gt=0, le=1)] = 0.85,
) -> dict[str, pa.Table]:
    """Hold a clip's pictures against the reference photos of its case record.

    Local features of photo and picture are matched; matches that agree with one epipolar geometry are counted. How
    many of them prove anything is for the detector to say.

    Parameters
    ----------
    pictures : sequence of SharpPicture
        Upright pictures of one clip in order of time.
    photos : sequence of (str, Path)
        Reference photos: name in the case record, and where it lies. They are only read.
    areas : sequence of (float, float, float, float)
        Where the recorder writes: left, top, right, bottom, 0 to 1. Features there are left out.
    progress : callable
        Told `"landmarks"` and the share of the pictures that is done.
    matcher : {"rootsift", "xfeat"}
        How features are found and matched; "xfeat" needs the optional extra of that name (`docs/landmarks.md`).
    max_pictures : int
        Pictures that are examined at most: the sharpest of as many equal stretches of the clip.
    longer_side_px : int
        Longer side that photos and pictures are made to fit, if they are larger.
    photo_features : int
        Features of a photo at most.
    picture_features : int
        Features of a picture at most.
    max_ratio : float
        Distance of a feature to its match over that to the next best at most, 0 to 1.

    Returns
    -------
    tables : dict of str to pyarrow.Table
        Tables landmarks (a row for each photo in each picture examined), examined and gaps of
        `pipeline/features/schema.py`.

    Raises
    ------
    ModelError
        If the matcher is not installed.
    """
    engine: Matcher = RootSift(max_ratio) if matcher == "rootsift" else XFeat()
    gaps: list[dict[str, object]] = []
    known: list[_Photo] = []
    for name, path in photos:
        grey = _photo(path, longer_side_px)
        described = None if grey is None else engine.describe(grey, photo_features)
        if described is None:
            gaps.append(_gap(Message(UNREADABLE_PHOTO, {"photo": name})))
        elif len(described.points) < LEAST_MATCHES:
            gaps.append(_gap(Message(PLAIN_PHOTO, {"photo": name})))
        else:
            known.append(_Photo(name, described))
    rows: list[dict[str, object]] = []
    chosen = spread_in_time(pictures, max_pictures) if known else []
    compared = 0
    for number, picture in enumerate(chosen, 1):
        grey = _picture(picture.path, longer_side_px)
        if grey is None:
            gaps.append(_gap(Message(UNREADABLE_PICTURE, {"time_s": picture.time_s})))
        else:
            seen = _outside(engine.describe(grey, picture_features), areas)
            rows += [_row(photo, picture, seen, engine) for photo in known]
            compared += 1
        progress(STAGE, number / len(chosen))
    counted: dict[str, object] = {"stage": STAGE, "measure": "pictures_compared", "value": float(compared)}
    return {
        "landmarks": to_arrow("landmarks", rows),
        "examined": to_arrow("examined", [counted]),
        "gaps": to_arrow("gaps", gaps),
    }


def libraries(matcher: str = "rootsift") -> dict[str, str]:
    """Return name → version of what the comparison by a matcher rests on; nothing is loaded."""
    found = {}
    for name in ("opencv-python-headless", "pillow", *(DISTRIBUTIONS if matcher == "xfeat" else ())):
        with suppress(PackageNotFoundError):  # an extra that is not installed is told of when it is used
            found[name] = distribution_version(name)
    return found


def identity(photos: Sequence[tuple[str, Path]]) -> str:
    """Return names and contents of photos as one text for a cache key: another photo of a name is another question."""
    return json.dumps([(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in photos])


def spread_in_time(pictures: Sequence[SharpPicture], most: int) -> list[SharpPicture]:
    """Return the sharpest of each of `most` equally long runs of pictures, all of them if there are no more."""
    if len(pictures) <= most:
        return list(pictures)
    stretches: dict[int, list[SharpPicture]] = {}
    for number, picture in enumerate(pictures):  # by number, not by time: a damaged clip may lack times
        stretches.setdefault(number * most // len(pictures), []).append(picture)
    return [max(inside, key=lambda picture: picture.sharpness) for inside in stretches.values()]


def _photo(path: Path, side: int) -> Grey | None:
    """Return a photo in grey, turned as its EXIF says, no larger than `side`; None if it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:  # of size and odd EXIF data
            image.draft("L", (side, side))  # a JPEG is decoded at a fraction of its size, but never below `side`
            upright = ImageOps.exif_transpose(image).convert("L")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return None
    return _fitted(np.asarray(upright, np.uint8), side)


def _picture(path: Path, side: int) -> Grey | None:
    """Return a picture of the clip in grey, no larger than `side`; None if it cannot be read."""
    import cv2

    grey: Any = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    if grey is not None and max(grey.shape) < side:  # decoding at half the size costs little, but is too small here
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return None if grey is None else _fitted(np.asarray(grey, np.uint8), side)


def _fitted(grey: Grey, side: int) -> Grey:
    import cv2

    factor = side / max(grey.shape)
    if factor >= 1:
        return grey
    return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def _outside(described: Described, areas: Sequence[Area]) -> Described:
    across, down = (described.points / np.asarray(described.size, np.float32)).T
    keep = np.ones(len(described.points), np.bool_)
    for left, top, right, bottom in areas:
        keep &= ~((left <= across) & (across <= right) & (top <= down) & (down <= bottom))
    return described.where(keep)


def _row(photo: _Photo, picture: SharpPicture, seen: Described, engine: Matcher) -> dict[str, object]:
    pairs = engine.matches(photo.described, seen)
    there, here = photo.described.points[pairs[:, 0]], seen.points[pairs[:, 1]]
    agree = agreeing(there, here)
    row: dict[str, object] = {"photo": photo.name, "frame": picture.frame, "time_s": picture.time_s}
    row |= {"matches": len(pairs), "inliers": min(distinct(there[agree]), distinct(here[agree]))}
    if agree.any():
        corners = np.percentile(here[agree], _MIDDLE, axis=0) / np.asarray(seen.size)
        row |= dict(zip(("left", "top", "right", "bottom"), corners.ravel().tolist(), strict=True))
        row["spread"] = spread(there[agree], photo.described.size)
    return row


def _gap(message: Message) -> dict[str, object]:
    values = json.dumps(dict(message.values), ensure_ascii=False)
    return {"stage": STAGE, "message": message.template, "values": values}
