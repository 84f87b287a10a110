"""Measurements of one picture, and of a picture against the ones before it. Pure functions of arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.features.flow import NOT_MOVED, UNKNOWN_FLOW, Moved, evened, flow
from pipeline.features.signature import signature

WIDTH, HEIGHT = 160, 90
MIDDLE_WIDTH = 320
"""Wider pictures are halved as long as they do not become narrower than this."""
FLAT_STD = 0.5
"""Below this contrast (of 255) a thumbnail has nothing that could be followed from picture to picture."""

Luma = NDArray[np.uint8]
Thumbnail = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a picture to compare the next ones with it."""

    thumbnail: Thumbnail
    """float32, shape (90, 160), 0..255."""
    histogram: NDArray[np.float32]
    """float32, shape (256,), adds up to 1: shares of the levels."""
    centred: Thumbnail
    """The thumbnail less its mean."""
    mean: float
    std: float
    evened: Luma
    """The thumbnail with light and contrast evened out."""
    moved: Moved = NOT_MOVED
    """How it moved against the pictures before it."""


def middle(luma: Luma) -> Luma:
    """Return the picture halved by averaging until it is 320 to 639 px wide (narrower ones as they are).

    Halving costs a tenth of bringing a picture to any other size.

    Parameters
    ----------
    luma : uint8, shape (height, width)
    """
    height, width = luma.shape
    while width >= 2 * MIDDLE_WIDTH and height > 1:
        height, width = height // 2, width // 2
        # an odd last line or column is left out: only exact halves are averaged the fast way
        luma = np.asarray(
            cv2.resize(luma[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
    return luma


def look(reduced: Luma) -> Look:
    """Return the 160 x 90 thumbnail of a picture and what is compared of it.

    The area average is taken in floating point: a still scene and a frozen picture differ by less than one step.

    Parameters
    ----------
    reduced : uint8, shape (height, width)
        As from `middle`.
    """
    thumbnail = np.asarray(
        cv2.resize(reduced.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.float32
    )
    levels = np.asarray(cv2.convertScaleAbs(thumbnail), np.uint8)
    counts = cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel()
    mean, std = cv2.meanStdDev(thumbnail)
    return Look(
        thumbnail,
        np.asarray(counts / thumbnail.size, np.float32),
        thumbnail - np.float32(mean[0, 0]),
        float(mean[0, 0]),
        float(std[0, 0]),
        evened(thumbnail),
    )


def brightness(now: Look) -> dict[str, float]:
    """Return mean, standard deviation and the 1st and 99th percentile of the thumbnail, all 0..255."""
    low, high = np.searchsorted(now.histogram.cumsum(), (0.01, 0.99))
    return {"luma_mean": now.mean, "luma_std": now.std, "luma_p01": float(low), "luma_p99": float(min(high, 255))}


def sharpness(reduced: Luma) -> float:
    """Return the variance of the Laplacian of the reduced picture; its mean is next to nothing.

    References
    ----------
    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.

    Parameters
    ----------
    reduced : uint8, shape (height, width)
        As from `middle`.
    """
    return float(cv2.norm(cv2.Laplacian(reduced, cv2.CV_16S), cv2.NORM_L2SQR) / reduced.size)


def difference(before: Look, now: Look) -> float:
    """Return the mean absolute difference of two thumbnails, 0..255."""
    return float(cv2.norm(before.thumbnail, now.thumbnail, cv2.NORM_L1) / now.thumbnail.size)


def changes(before: Look, now: Look) -> dict[str, float]:
    """Return what changed from one picture to the next.

    `luma_diff`, `luma_diff_max`
        Mean absolute difference of the thumbnails, and the largest among their 16 x 9 tiles of 10 x 10 px.
    `hist_distance`
        ½ Σ |h_before − h_now| over 32 bins, 0..1.
    `shift_x`, `shift_y`, `shift_response`
        Global motion as a share of the picture's width and height, positive to the right and down, from the peak of
        the phase correlation under a Hann window. Shifts are NaN and the response 0 where either picture is flat.
    `residual`
        Mean absolute difference where the pictures still overlap after the one before is moved by that shift (bilinear
        interpolation); equal to `luma_diff` where no shift is known or less than a quarter of the picture overlaps.

    References
    ----------
    Kuglin and Hines, "The phase correlation image alignment method", IEEE Int. Conf. on Cybernetics and Society, 1975;
    sub-pixel peak as in `cv2.phaseCorrelate`.
    """
    gap = cv2.absdiff(before.thumbnail, now.thumbnail)
    luma_diff = float(cv2.mean(gap)[0])
    found = {
        "luma_diff": luma_diff,
        "luma_diff_max": float(cv2.resize(gap, (WIDTH // 10, HEIGHT // 10), interpolation=cv2.INTER_AREA).max()),
        "hist_distance": float(0.5 * np.abs(_bins(before.histogram) - _bins(now.histogram)).sum()),
        "shift_x": math.nan,
        "shift_y": math.nan,
        "shift_response": 0.0,
        "residual": luma_diff,
    }
    if min(before.std, now.std) < FLAT_STD:
        return found
    (dx, dy), response = cv2.phaseCorrelate(before.centred, now.centred, _hann())
    if not (math.isfinite(dx) and math.isfinite(dy)):
        return found
    found |= {"shift_x": dx / WIDTH, "shift_y": dy / HEIGHT, "shift_response": min(1.0, max(0.0, float(response)))}
    left, right = max(0, math.ceil(dx)), min(WIDTH, WIDTH + math.floor(dx))
    top, bottom = max(0, math.ceil(dy)), min(HEIGHT, HEIGHT + math.floor(dy))
    if (right - left) * (bottom - top) * 4 >= WIDTH * HEIGHT and right > left:
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        moved = cv2.warpAffine(before.thumbnail, move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        found["residual"] = float(cv2.mean(cv2.absdiff(moved, now.thumbnail)[top:bottom, left:right])[0])
    return found


def _bins(histogram: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 32 bins of a histogram of 256 levels."""
    return np.asarray(histogram.reshape(32, 8).sum(axis=1), np.float32)


@cache
def _hann() -> Thumbnail:
    return np.asarray(cv2.createHanningWindow((WIDTH, HEIGHT), cv2.CV_32F), np.float32)


UNKNOWN_CHANGES = dict.fromkeys(
    ("luma_diff", "luma_diff_max", "hist_distance", "shift_x", "shift_y", "shift_response", "residual"), math.nan
)
"""`changes` of a first picture."""


def measure(luma: Luma, before: Look | None, before_last: Look | None) -> tuple[Look, dict[str, float]]:
    """Return the look of a picture and all its columns.

    Parameters
    ----------
    luma : uint8, shape (height, width)
    before, before_last : Look or None
        Of the picture before, and of the one before that.
    """
    reduced = middle(luma)
    now = look(reduced)
    columns = brightness(now)
    columns["sharpness"] = sharpness(reduced)
    columns |= signature(now.thumbnail)
    if before is None:
        columns |= UNKNOWN_CHANGES | UNKNOWN_FLOW
    else:
        moved, flowed = flow(before.evened, now.evened, before.moved)
        now = replace(now, moved=moved)
        columns |= changes(before, now) | flowed
    columns["skip_diff"] = math.nan if before_last is None else difference(before_last, now)
    return now, columns
