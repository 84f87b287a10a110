"""The pictures of a take: real footage of a place, seen by a wandering camera, with a sign and a recorder's overlay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import av
import cv2
import numpy as np
from fetch import source
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

Bgr = NDArray[np.uint8]

FPS = 30
SIZE = (1280, 720)
PLACE = "石家庄市长安区禾岭化工有限公司"
"""An invented enterprise."""
DEVICE, OFFICER = "DSJ-A7 0317255", "警号:130102017"

BOARD = np.array([(112, 520), (706, 526), (706, 598), (112, 596)], np.float32)
"""Corners of the sign in the source footage, clockwise from the upper left: on the small building."""


@dataclass(frozen=True, slots=True)
class Take:
    """One uninterrupted recording."""

    started: datetime
    seconds: float
    path: tuple[tuple[float, float, float, float], ...]
    """Where the camera looks: second, centre x, centre y (pixels of the source), zoom (1: one source pixel a pixel)."""
    seed: int
    first: int = 0
    """Picture of the source at which the take begins; it runs to the last one, then backwards, and so on."""
    exposure: float = 1.0
    sign: bool = True


def pictures(take: Take) -> Iterator[Bgr]:
    """Yield the pictures of a take: uint8, shape (720, 1280, 3)."""
    stored = _stored()
    empty = _empty_place(stored)
    board = _board() if take.sign else None
    count = round(take.seconds * FPS)
    x, y, zoom, roll = _camera(take, count)
    for number in range(count):
        scene = cv2.cvtColor(stored[_there_and_back(take.first + number, len(stored))], cv2.COLOR_YUV2BGR_I420)
        if board is not None:
            _hang(scene, board, empty)
        turn = cv2.getRotationMatrix2D((float(x[number]), float(y[number])), float(roll[number]), float(zoom[number]))
        turn[:, 2] += SIZE[0] / 2 - x[number], SIZE[1] / 2 - y[number]
        seen = cv2.warpAffine(scene, turn, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        if take.exposure != 1:
            seen = cv2.convertScaleAbs(seen, alpha=take.exposure)
        yield overlaid(seen, take.started + timedelta(seconds=number / FPS))


def foreign(count: int) -> list[Bgr]:
    """Return `count` pictures of a quite different street: uint8, shape (720, 1280, 3). One take of it."""
    found: list[Bgr] = []
    with av.open(source("street")) as container:
        for frame in container.decode(video=0):
            if frame.time >= 6.2 and len(found) < count:
                picture = frame.to_ndarray(format="bgr24")
                height, width = picture.shape[:2]
                left = (width - height * 16 // 9) // 2
                found.append(cv2.resize(picture[:, left : width - left], SIZE, interpolation=cv2.INTER_CUBIC))
    return found


_FONTS: dict[int, ImageFont.FreeTypeFont] = {}
_TEXTS: dict[tuple[str, int], NDArray[np.uint8]] = {}


def _text(text: str, height: int) -> NDArray[np.uint8]:
    """Return a line of text as coverage: uint8, shape (about 1.4 height, width)."""
    if (text, height) not in _TEXTS:
        font = _FONTS.get(height) or _FONTS.setdefault(height, ImageFont.truetype(source("font"), height))
        left, _, right, _ = font.getbbox(text)
        image = Image.new("L", (int(right - left) + 8, round(height * 1.4)))
        ImageDraw.Draw(image).text((4 - left, -height * 0.1), text, fill=255, font=font)
        _TEXTS[text, height] = np.asarray(image)
    return _TEXTS[text, height]


def overlaid(picture: Bgr, clock: datetime) -> Bgr:
    """Burn the recorder's clock and number into a picture, in place: white letters with a dark edge."""
    lines = (
        (f"{clock:%Y-%m-%d %H:%M:%S}", "right", 18),
        (DEVICE, "left", SIZE[1] - 54),
        (OFFICER, "right", SIZE[1] - 54),
    )
    for text, side, top in lines:
        ink = _text(text, 28)
        height, width = ink.shape
        left = SIZE[0] - width - 20 if side == "right" else 20
        area = picture[top : top + height, left : left + width]
        edge = cv2.dilate(ink, np.ones((5, 5), np.uint8))[..., None] / 255
        letters = ink[..., None] / 255
        area[:] = (area * (1 - edge) * (1 - letters) + 20 * edge * (1 - letters) + 240 * letters).astype(np.uint8)
    return picture


def _stored() -> list[NDArray[np.uint8]]:
    """Return the footage of the place, 230 pictures as I420 (half the memory of BGR): uint8, shape (1491, 1768)."""
    with av.open(source("place")) as container:
        container.streams.video[0].thread_type = "AUTO"
        return [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]


def _there_and_back(number: int, count: int) -> int:
    number %= 2 * (count - 1)
    return number if number < count else 2 * (count - 1) - number


def _around_board() -> tuple[slice, slice]:
    left, top = BOARD.min(axis=0).astype(int) - 6
    right, bottom = BOARD.max(axis=0).astype(int) + 6
    return slice(top, bottom), slice(left, right)


def _empty_place(stored: list[NDArray[np.uint8]]) -> NDArray[np.int16]:
    """Return what is behind passers-by where the sign hangs: the median of every eighth picture."""
    area = _around_board()
    views = [cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_I420)[area] for picture in stored[::8]]
    return np.asarray(np.median(views, axis=0), np.int16)


def _board() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sign as it hangs in the source: colours and coverage, float32, shapes (h, w, 3) and (h, w, 1)."""
    area = _around_board()
    ink = _text(PLACE, 72)
    flat = np.empty((150, 1180, 3), np.float32)
    flat[:] = 118, 66, 30
    flat[:6] = flat[-6:] = flat[:, :6] = flat[:, -6:] = 150, 150, 150
    letters = cv2.resize(ink, (1120, round(ink.shape[0] * 1120 / ink.shape[1])), interpolation=cv2.INTER_AREA)
    top = (150 - letters.shape[0]) // 2
    share = np.zeros((150, 1180, 1), np.float32)
    share[top : top + letters.shape[0], 30:1150, 0] = letters / 255
    flat = flat * (1 - share) + np.array((205, 212, 214), np.float32) * share
    flat *= np.linspace(0.86, 1.08, 1180, dtype=np.float32)[None, :, None]  # the low sun comes from the right
    corners = np.array([(0, 0), (1180, 0), (1180, 150), (0, 150)], np.float32)
    place = cv2.getPerspectiveTransform(corners, BOARD - np.array((area[1].start, area[0].start), np.float32))
    size = (area[1].stop - area[1].start, area[0].stop - area[0].start)
    colours = cv2.warpPerspective(flat, place, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpPerspective(np.ones(flat.shape[:2], np.float32), place, size, flags=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(colours, (0, 0), 0.9), cv2.GaussianBlur(cover, (0, 0), 0.9)[..., None]


def _hang(scene: Bgr, board: tuple[NDArray[np.float32], NDArray[np.float32]], empty: NDArray[np.int16]) -> None:
    """Put the sign into a picture of the source, in place, behind whoever walks past it."""
    area = scene[_around_board()]
    light, veil = _light(area, empty)
    difference = np.abs(area - (light * empty + veil)).max(axis=2)
    passing = (difference > 22).astype(np.uint8)
    passing = cv2.morphologyEx(passing, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    passing = cv2.morphologyEx(passing, cv2.MORPH_CLOSE, np.ones((25, 13), np.uint8))
    passing = cv2.morphologyEx(passing, cv2.MORPH_OPEN, np.ones((15, 9), np.uint8))
    behind = 1 - cv2.GaussianBlur(passing.astype(np.float32), (0, 0), 1.5)[..., None]
    colours, cover = board
    share = cover * behind
    area[:] = np.clip(area * (1 - share) + (colours * light + veil) * share, 0, 255).astype(np.uint8)


def _light(area: Bgr, empty: NDArray[np.int16]) -> tuple[np.float32, NDArray[np.float32]]:
    """Return factor and offset (float32, shape (1, w, 1)) that lead from the empty place to the picture.

    The phone's exposure wanders, and the veil that the low sun lays over the picture, thicker towards the right, goes
    where somebody stands before the sun.
    """
    across = np.broadcast_to(np.arange(area.shape[1])[None, :, None], area.shape)[::4, ::4].ravel()
    now, before = area[::4, ::4].ravel().astype(np.float64), empty[::4, ::4].ravel().astype(np.float64)
    terms = np.stack([before, np.ones(len(before)), across, across**2], axis=1)
    still = np.ones(len(now), bool)
    for _ in range(3):
        fit = np.linalg.lstsq(terms[still], now[still], rcond=None)[0]
        residual = np.abs(now - terms @ fit)
        still = residual < max(12.0, float(np.quantile(residual, 0.6)))
    along = np.arange(area.shape[1], dtype=np.float32)[None, :, None]
    return np.float32(fit[0]), np.asarray(fit[1] + fit[2] * along + fit[3] * along**2, np.float32)


def _camera(take: Take, count: int) -> tuple[NDArray[np.float64], ...]:
    """Return centre x, centre y, zoom and roll in degrees of each picture: a path, shaken by steps."""
    seconds = np.arange(count) / FPS
    at, *knots = np.array(take.path).T
    x, y, zoom = (PchipInterpolator(at, values)(seconds) for values in knots)
    random = np.random.default_rng(take.seed)
    shake = [gaussian_filter1d(random.standard_normal(count), 9, mode="wrap") for _ in range(3)]
    wander_x, wander_y, roll = (noise / noise.std() for noise in shake)
    step = 2 * np.pi * 1.7 * seconds
    return x + 7 * wander_x, y + 5 * wander_y + 2 * np.sin(step), zoom, 0.5 * roll + 0.15 * np.sin(step / 2)
