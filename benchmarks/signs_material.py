"""Photos of signs as a recorder of 1080p would deliver them: pasted into real pictures, through H.264, as JPEGs."""

from __future__ import annotations

import io
import random
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import FOOTAGE, honest_takes
from pipeline.features.sharpest import JPEG_QUALITY

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
CRF = "30"
WIDTH, HEIGHT = 1920, 1080
LARGEST_SCALE = 1.35
"""Photos are not made larger than this: letters that were never sharp are no sharp letters."""
EVERY = 20
"""Pictures between two that are taken from a take."""
INSIDE = (0.10, 0.12, 0.83, 0.85)
"""The part of these takes, left to right and top to bottom, over which no caption is drawn: a recorder draws none."""
OPENING = tuple(1.5 + 3.0 * number for number in range(20))
TIMES_S = (*OPENING, *(65.0 + 10.0 * number for number in range(54)))
"""When the sharp pictures of ten minutes are kept, as `pipeline.features.sharpest` does."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A picture as the reader takes it."""

    path: Path
    frame: int
    time_s: float


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, the names on it, and the height of their letters in px."""

    file: str
    half: str
    """`tune` or `test`, by its place in the list: parameters may be chosen on `tune` only."""
    pixels: Pixels
    signs: tuple[tuple[str, float], ...]

    @property
    def largest_px(self) -> float:
        """Height of its largest letters."""
        return max(height for _, height in self.signs)


@cache
def photos(shared: Path = SHARED) -> tuple[Photo, ...]:
    """Return the photos whose names are known."""
    truth = tomllib.loads((ROOT / "benchmarks/signs_truth.toml").read_text(encoding="utf-8"))
    found = []
    for number, entry in enumerate(truth["photo"]):
        path = shared / "signs/photos" / entry["file"]
        pixels = cv2.imread(str(path))
        if pixels is None:
            sys.exit(f"{path} cannot be read")
        pixels = np.asarray(pixels[: entry.get("rows")], np.uint8)
        if entry.get("turned"):
            pixels = np.asarray(cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE), np.uint8)
        signs = tuple((text, float(height)) for text, height in entry["signs"])
        found.append(Photo(entry["file"], ("tune", "test")[number % 2], pixels, signs))
    return tuple(found)


@cache
def backgrounds(half: str, shared: Path = SHARED) -> tuple[Pixels, ...]:
    """Return pictures of the half's honest takes of 1080p."""
    found: list[Pixels] = []
    for clip in honest_takes(FOOTAGE if shared == SHARED else shared / "footage"):
        if clip.half != half:
            continue
        with av.open(str(clip.path)) as container:
            if (container.streams.video[0].width, container.streams.video[0].height) != (WIDTH, HEIGHT):
                continue
            for number, frame in enumerate(container.decode(video=0)):
                if number % EVERY == 0:
                    found.append(_inside(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
                if number == 5 * EVERY:
                    break
    return tuple(found)


def _inside(pixels: Pixels) -> Pixels:
    left, top, right, bottom = (
        round(share * side) for share, side in zip(INSIDE, (WIDTH, HEIGHT, WIDTH, HEIGHT), strict=True)
    )
    return np.asarray(cv2.resize(pixels[top:bottom, left:right], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def pasted(background: Pixels, pixels: Pixels, scale: float, chance: random.Random, blur_px: int = 1) -> Pixels | None:
    """Return a picture with a photo somewhere in it, both blurred along the rows; None if the photo has no room."""
    small = resized(pixels, scale)
    height, width = small.shape[:2]
    if height >= HEIGHT or width >= WIDTH:
        return None
    top, left = chance.randrange(HEIGHT - height), chance.randrange(WIDTH - width)
    made = background.copy()
    made[top : top + height, left : left + width] = small
    return np.asarray(cv2.blur(made, (blur_px, 1)), np.uint8) if blur_px > 1 else made


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Make a picture smaller, or a little larger."""
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def through_h264(pixels: Pixels) -> Pixels:
    """Return what is left of a picture after one key frame of H.264."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    stored = io.BytesIO()
    with av.open(stored, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": CRF})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="bgr24")
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open(io.BytesIO(stored.getvalue())) as back:
        return next(back.decode(video=0)).to_ndarray(format="bgr24")


def stored(pixels: Pixels, path: Path) -> Path:
    """Write a picture as the scan keeps it."""
    cv2.imwrite(str(path), through_h264(pixels), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return path


def crowd(half: str, folder: Path, shared: Path = SHARED) -> tuple[list[Path], frozenset[str]]:
    """Write the pictures of ten minutes that do not show the place, a fifth of them with signs of other places.

    Returns
    -------
    paths : list of Path
        One for each of `TIMES_S`.
    names : frozenset of str
        What these signs say.
    """
    chance = random.Random(f"crowd {half}")
    scenes, others = backgrounds(half, shared), [photo for photo in photos(shared) if photo.half != half]
    paths, names = [], set()
    for number in range(len(TIMES_S)):
        made = scenes[number * 7 % len(scenes)]
        if number % 5 == 2:
            photo = chance.choice(others)
            height = chance.choice((18, 24, 30, 36))
            shown = pasted(made, photo.pixels, min(height / photo.largest_px, LARGEST_SCALE), chance)
            if shown is not None:
                made = shown
                names |= {text for text, _ in photo.signs}
        paths.append(stored(made, folder / f"crowd-{half}-{number:03d}.jpg"))
    return paths, frozenset(names)


def clips(
    half: str, height_px: float, times: int, folder: Path, others: Sequence[Path], shared: Path = SHARED
) -> Iterator[tuple[Photo, str, list[Picture]]]:
    """Yield ten minutes of sharp pictures, one of them with a sign whose letters are `height_px` high.

    Every name of the half comes `times` times, in other scenes, at other places and at other times of the clip.

    Yields
    ------
    photo, name, pictures
        The name stands in one of the pictures; so do the other names of its photo.
    """
    chance = random.Random(f"clips {half} {height_px}")
    scenes = backgrounds(half, shared)
    for photo in (photo for photo in photos(shared) if photo.half == half):
        for name, letters_px in photo.signs:
            scale = height_px / letters_px
            if scale > LARGEST_SCALE:
                continue
            for _ in range(times):
                made = pasted(chance.choice(scenes), photo.pixels, scale, chance)
                if made is None:
                    continue
                shown = stored(made, folder / "sign.jpg")
                at = chance.randrange(len(TIMES_S))
                paths = [shown if number == at else path for number, path in enumerate(others)]
                pictures = [Picture(path, 30 * n, TIMES_S[n]) for n, path in enumerate(paths)]
                yield photo, name, pictures
