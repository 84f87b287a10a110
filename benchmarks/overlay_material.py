"""Clips with a drawn recorder's overlay whose truth is known picture by picture, made from honest takes.

Nothing made here may be kept in the project: `render` writes into the folder that it is given, once for each recipe.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import FOOTAGE, honest_takes
from benchmarks.overlay_recipe import Insertion, Recipe, moments, shown
from benchmarks.overlay_truth import Truth, size_of, stamps, truth_from, truth_of
from pipeline.forge.drawing import blit, missing_fonts
from pipeline.forge.layouts import layout

_LONGEST_TAKE = {720: 300, 1080: 200}
"""Pictures of a take that are kept in memory, scaled; longer clips play them there and back."""
_WITH_OWN_TEXT = ("dashcam1", "dataset__video", "issue53", "_tracked", "_subtitled", "juscar", "_vfr")
"""Takes that bear an overlay of their own (or are a second version of one that is used)."""


@lru_cache(2)
def _take(path: Path, height: int, most: int) -> list[NDArray[np.uint8]]:
    """Return the first pictures of a take, its middle cut to 16:9 and scaled: yuv420p planes."""
    width = size_of(height)[0]
    pictures: list[NDArray[np.uint8]] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            high = min(frame.height, frame.width * 9 // 16) // 2 * 2
            wide = min(frame.width, high * 16 // 9) // 2 * 2
            planes = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            top, left = (frame.height - high) // 2, (frame.width - wide) // 2
            cut = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes[top : top + high, left : left + wide]))
            scaled = cut.reformat(width, height, "yuv420p", interpolation="BICUBIC")
            pictures.append(np.asarray(scaled.to_ndarray(), np.uint8))
            if len(pictures) == most:
                break
    return pictures


def there_and_back(number: int, count: int) -> int:
    """Return which of `count` pictures is the `number`th when they are played forward, backward, forward again."""
    if count == 1:
        return 0
    at = number % (2 * count - 2)
    return at if at < count else 2 * count - 2 - at


def render(recipe: Recipe, folder: Path, footage: Path = FOOTAGE) -> tuple[Path, Truth]:
    """Make the clip of a recipe, or take it from `folder` if it was made before.

    Returns
    -------
    path : Path
        MP4, H.264, no sound, in `folder`.
    truth : Truth

    Raises
    ------
    FileNotFoundError
        If a font or the take is missing.
    """
    path = folder / f"{recipe.layout}-{recipe.height}-{recipe.digest()}.mp4"
    kept = path.with_suffix(".json")
    if kept.is_file():
        return path, truth_from(json.loads(kept.read_text(encoding="utf-8")))
    missing = missing_fonts(layout(recipe.layout))
    if missing:
        raise FileNotFoundError(f"layout {recipe.layout}: fonts {', '.join(missing)} are not installed")
    folder.mkdir(parents=True, exist_ok=True)
    truth = truth_of(recipe)
    half_made = path.with_suffix(".part")
    _encode(recipe, footage, half_made)
    half_made.replace(path)
    kept.write_text(json.dumps(truth.document(), ensure_ascii=False), encoding="utf-8")
    return path, truth


def _encode(recipe: Recipe, footage: Path, path: Path) -> None:
    most = _LONGEST_TAKE[recipe.height]
    take = _take(footage / recipe.take, recipe.height, most)
    foreign = _foreign(recipe, footage) if any(isinstance(edit, Insertion) for edit in recipe.edits) else []
    said = moments(recipe)
    noise = _noise(recipe)
    chance = np.random.default_rng(recipe.seed)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=recipe.rate)
        video.width, video.height = size_of(recipe.height)
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = 1 / recipe.rate
        video.options = {"crf": str(recipe.crf), "preset": recipe.preset, "g": str(recipe.gop), "threads": "1"}
        if recipe.x264:
            video.options = {**video.options, "x264-params": recipe.x264}
        for row, picture in enumerate(shown(recipe)):
            if picture.recorded is None:
                planes = foreign[row % len(foreign)].copy()
            else:
                planes = take[there_and_back(picture.recorded, len(take))].copy()
            if noise is not None:
                _add_noise(planes[: recipe.height], noise, chance)
            if picture.layout is not None and picture.recorded is not None:
                for _, _, drawn in stamps(recipe, picture.layout, said[picture.recorded]):
                    blit(planes, drawn)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = row, 1 / recipe.rate
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _foreign(recipe: Recipe, footage: Path) -> list[NDArray[np.uint8]]:
    """Return pictures of the next take of the same half."""
    names = takes(layout(recipe.layout).half, footage)
    other = names[(names.index(recipe.take) + 1) % len(names)]
    return _take(footage / other, recipe.height, 60)


def _noise(recipe: Recipe) -> NDArray[np.int8] | None:
    if not recipe.noise:
        return None
    width, height = size_of(recipe.height)
    grain = np.random.default_rng(1).normal(0.0, recipe.noise, (height + 64, width + 64))
    return np.clip(np.rint(grain), -40, 40).astype(np.int8)


def _add_noise(luma: NDArray[np.uint8], noise: NDArray[np.int8], chance: np.random.Generator) -> None:
    """Add a piece of the grain, cut anew for each picture."""
    top, left = chance.integers(0, 64, 2)
    piece = noise[top : top + luma.shape[0], left : left + luma.shape[1]]
    luma[:] = np.clip(luma.astype(np.int16) + piece, 0, 255)


@lru_cache
def takes(half: str, footage: Path = FOOTAGE) -> tuple[str, ...]:
    """Return the takes of `tune` or `test` that bear no overlay of their own, as paths under `footage`."""
    return tuple(
        str(clip.path.relative_to(footage))
        for clip in sorted(honest_takes(footage), key=lambda clip: clip.sha256)
        if clip.half == half
        and clip.seconds >= 4
        and not clip.sped_up
        and not any(word in clip.path.name for word in _WITH_OWN_TEXT)
    )
