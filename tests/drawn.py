"""Drawn takes: a camera that moves over a texture, measured as the decoding pass measures pictures."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from pipeline.features import luma
from pipeline.model import Features, Table

RATE_HZ = 25.0


@cache
def world(seed: int = 1) -> np.ndarray:
    """Return a large smooth texture, float32, 0..255."""
    noise = np.random.default_rng(seed).random((900, 1600)).astype(np.float32)
    coarse, fine = cv2.GaussianBlur(noise, (0, 0), 12), cv2.GaussianBlur(noise, (0, 0), 2)
    both = cv2.normalize(coarse, None, 0, 170, cv2.NORM_MINMAX) + cv2.normalize(fine, None, 0, 80, cv2.NORM_MINMAX)
    return np.asarray(both, np.float32)


def path(count: int, speed: float = 4.0, shake: float = 0.6, seed: int = 2) -> np.ndarray:
    """Return where a walking camera looks: shape (count, 2), px of the world; it sways and shakes a little."""
    chance = np.random.default_rng(seed)
    t = np.arange(count) / RATE_HZ
    x = 300 + speed * np.arange(count) + 12 * np.sin(2 * np.pi * 0.9 * t) + np.cumsum(chance.normal(0, shake, count))
    y = 450 + 60 * np.sin(2 * np.pi * 0.11 * t) + 8 * np.sin(2 * np.pi * 1.8 * t) + chance.normal(0, shake, count)
    return np.stack((x, y), axis=1)


def take(places: np.ndarray, seed: int = 1, noise: float = 0.6) -> list[np.ndarray]:
    """Return the pictures of a camera that looks at `places` one after another: float32, shape (180, 320)."""
    drawn, chance = world(seed), np.random.default_rng(seed + 100)
    pictures = [cv2.getRectSubPix(drawn, (320, 180), (float(x), float(y))) for x, y in places]
    return [picture + chance.normal(0, noise, picture.shape).astype(np.float32) for picture in pictures]


def measured(pictures: list[np.ndarray], rate_hz: float = RATE_HZ) -> Features:
    """Return the table of pictures that the decoding pass would write."""
    rows: list[dict[str, float]] = []
    before = before_last = None
    for picture in pictures:
        now, columns = luma.measure(np.clip(picture, 0, 255).astype(np.uint8), before, before_last)
        before, before_last = now, before
        rows.append(columns)
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    count = len(pictures)
    table |= {
        "time_s": np.arange(count) / rate_hz,
        "duration_s": np.full(count, 1 / rate_hz),
        "damaged": np.zeros(count, bool),
        "key": np.arange(count) % 50 == 0,
    }
    return Features({"frames": Table(table)})
