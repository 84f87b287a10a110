"""What a forger does to single pictures: fit them into another frame, blacken, cover the lens, change the light."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

_COVERING_S = 0.4
"""A hand takes this long to come and to go."""
_LEFT_LIGHT = 0.06
"""Share of the contrast that comes through fingers."""


def fitted(frame: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
    """Return a picture as yuv420p of `size` (width, height): scaled, and cut at two sides where the shape differs."""
    width, height = size
    if (frame.width, frame.height) == size:
        return frame.reformat(format="yuv420p")
    scale = max(width / frame.width, height / frame.height)
    wide, high = max(width, _even(frame.width * scale)), max(height, _even(frame.height * scale))
    if (wide - width) / width < 0.02 and (high - height) / height < 0.02:
        return frame.reformat(width, height, "yuv420p", interpolation="BICUBIC")
    planes = frame.reformat(wide, high, "yuv420p", interpolation="BICUBIC").to_ndarray()
    left, top = (wide - width) // 4 * 2, (high - height) // 4 * 2
    luma = planes[top : top + height, left : left + width]
    chroma = planes[high:].reshape(2, high // 2, wide // 2)
    cut = chroma[:, top // 2 : (top + height) // 2, left // 2 : (left + width) // 2]
    both = np.concatenate((luma, cut.reshape(height // 2, width)))
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(both), format="yuv420p")


def _even(length: float) -> int:
    return round(length / 2) * 2


def scaled_size(width: int, height: int, wanted_height: int | None) -> tuple[int, int]:
    """Return the even width and height of a picture brought to a height; its own, made even, for None."""
    if wanted_height is None:
        return max(2, width // 2 * 2), max(2, height // 2 * 2)
    return max(2, _even(width * wanted_height / height)), max(2, wanted_height // 2 * 2)


def black(size: tuple[int, int]) -> av.VideoFrame:
    """Return a black picture of `size` (width, height)."""
    width, height = size
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = 16
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def covered(planes: NDArray[np.uint8], at: int, count: int, rate: Fraction) -> None:
    """Cover the lens of picture `at` of `count`, in place: what is left is dim and blurred; it comes and goes slowly.

    `planes` : uint8, shape (height * 3 / 2, width), yuv420p.
    """
    ramp = max(1.0, min(_COVERING_S * float(rate), count / 2))
    share = min(1.0, (at + 1) / ramp, (count - at) / ramp)
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    for plane, zero in ((planes[:height], 16), *((half, 128) for half in _chroma(planes, height, width))):
        small = cv2.resize(plane, (max(2, width // 32), max(2, height // 32)), interpolation=cv2.INTER_AREA)
        soft = cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)
        dim = zero + (soft - zero) * _LEFT_LIGHT
        plane[:] = np.rint(plane + (dim - plane) * share).astype(np.uint8)


def lit(planes: NDArray[np.uint8], seed: int) -> None:
    """Change the light in a part of a picture, in place, as a lamp does, or the sun behind a leaf: brighter or darker.

    Everything follows from `seed`. `planes` : uint8, shape (height * 3 / 2, width), yuv420p.
    """
    chance = np.random.default_rng(seed)
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    x, y = chance.uniform(0, width), chance.uniform(0, height)
    reach = chance.uniform(0.4, 1.2) * width
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    share = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (reach * reach)).astype(np.float32)
    gain, haze = (
        (chance.uniform(1.1, 1.5), chance.uniform(10, 60)) if chance.random() < 0.5 else (chance.uniform(0.6, 0.9), 0.0)
    )
    light = planes[:height].astype(np.float32)
    planes[:height] = np.rint(np.clip(light + share * (light * (gain - 1) + haze), 16, 235)).astype(np.uint8)


def _chroma(planes: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return planes[height:].reshape(2, height // 2, width // 2)
