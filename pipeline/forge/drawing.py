"""Draw the text of an overlay into pictures, as a recorder does before it encodes them: letters once, then blitted."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.forge.dots import DOTS
from pipeline.forge.layouts import BLACK, Font, Layout, Line, Look

Mask = NDArray[np.uint8]
"""uint8, shape (height, width): 0 nothing, 255 covered."""
Share = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px, half open."""

_SIMPLIFIED = 2
"""Of the faces in a Noto CJK collection, the one with simplified characters."""
FAMILIES = {
    "noto-sans": ("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", _SIMPLIFIED),
    "noto-sans-bold": ("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC:bold", _SIMPLIFIED),
    "noto-serif": ("NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC", _SIMPLIFIED),
    "dejavu-sans": ("DejaVuSans.ttf", "DejaVu Sans", 0),
    "dejavu-sans-bold": ("DejaVuSans-Bold.ttf", "DejaVu Sans:bold", 0),
    "dejavu-mono": ("DejaVuSansMono.ttf", "DejaVu Sans Mono", 0),
    "liberation-sans": ("LiberationSans-Regular.ttf", "Liberation Sans", 0),
    "liberation-sans-bold": ("LiberationSans-Bold.ttf", "Liberation Sans:bold", 0),
    "liberation-mono": ("LiberationMono-Regular.ttf", "Liberation Mono", 0),
    "liberation-mono-bold": ("LiberationMono-Bold.ttf", "Liberation Mono:bold", 0),
}
"""Name → file, fontconfig's pattern, face in the file."""
_CHINESE = "noto-sans"
"""Draws what a Latin family lacks."""


@cache
def font_file(family: str) -> Path | None:
    """Return where a family lies on this machine; None if it is not installed."""
    file, pattern, _ = FAMILIES[family]
    found = next(Path("/usr/share/fonts").rglob(file), None)
    if found is None and (program := shutil.which("fc-match")):
        told = subprocess.run([program, "-f", "%{file}", pattern], capture_output=True, text=True, check=False).stdout
        found = Path(told) if Path(told).name == file else None
    return found


def missing_fonts(layout: Layout) -> list[str]:
    """Return the families that a layout needs and this machine lacks."""
    chinese = any("\u4e00" <= letter <= "\u9fff" for line in layout.lines for letter in line.text + layout.clock)
    chinese = chinese or any("{unit}" in line.text for line in layout.lines)
    needed = ({layout.font.family} & FAMILIES.keys()) | ({_CHINESE} if chinese else set())
    return sorted(family for family in needed if font_file(family) is None)


@dataclass(frozen=True, slots=True)
class _Letter:
    """One letter on the common line: its fill, and how far on the next letter stands."""

    fill: Mask
    advance: int


@cache
def _truetype(family: str, size: int) -> ImageFont.FreeTypeFont:
    path = font_file(family)
    if path is None:
        raise FileNotFoundError(f"font {FAMILIES[family][0]} is not installed")
    return ImageFont.truetype(str(path), size, index=FAMILIES[family][2], layout_engine=ImageFont.Layout.BASIC)


@cache
def _size_for(family: str, height_px: int) -> int:
    """Return the em size at which a 0 is `height_px` high."""
    for size in range(height_px, 3 * height_px):
        _, top, _, bottom = _truetype(family, size).getbbox("0")
        if bottom - top >= height_px:
            return size
    raise ValueError(f"{family}: no size has figures of {height_px} px")


@cache
def _letter(letter: str, font: Font, height_px: int) -> _Letter:
    """Return a letter as high as a line (2 x `height_px`), its base line at 1.5 x `height_px`."""
    line, base = 2 * height_px, height_px * 3 // 2
    if font.family == "5x7" and letter in DOTS:
        scale = max(1, round(height_px / 7))
        dots = _cropped(DOTS[letter]) if font.proportional else DOTS[letter]
        large = np.zeros((line, dots.shape[1] * scale), np.uint8)
        large[base - 7 * scale : base] = dots.repeat(scale, axis=0).repeat(scale, axis=1)
        return _Letter(large, large.shape[1] + scale)
    if font.family == "5x7" and letter == " ":
        return _Letter(np.zeros((line, 1), np.uint8), 6 * max(1, round(height_px / 7)))
    lacking = font.family == "5x7" or ("\u2e80" <= letter <= "\uffef" and not font.family.startswith("noto"))
    family = _CHINESE if lacking else font.family
    scale = 1
    size = _size_for(family, height_px)
    if font.dots:
        scale = max(1, round(size / font.dots))
        size = round(size / scale)
    face = _truetype(family, size)
    width = max(1, round(face.getlength(letter)))
    image = Image.new("L", (width + 2 * size, line // scale + 1), 0)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1" if font.dots else "L"
    pen.text((size, base // scale), letter, 255, font=face, anchor="ls")
    fill: Mask = np.asarray(image, np.uint8).repeat(scale, axis=0).repeat(scale, axis=1)[:line]
    if font.proportional and letter != " ":
        fill = _cropped(fill)
        return _Letter(fill, fill.shape[1] + max(2, height_px // 7))
    return _Letter(fill[:, size * scale : (size + width) * scale], width * scale)


def _cropped(fill: Mask) -> Mask:
    columns = np.flatnonzero(fill.any(axis=0))
    return fill[:, columns[0] : columns[-1] + 1] if len(columns) else fill


@lru_cache(256)
def text_mask(text: str, font: Font, height_px: int) -> Mask:
    """Return one line of text: as high as a line, letters after letters, no kerning."""
    letters = [_letter(letter, font, height_px) for letter in text]
    width = sum(entry.advance for entry in letters) + height_px
    mask = np.zeros((2 * height_px, width), np.uint8)
    at = 0
    for entry in letters:
        part = mask[:, at : at + entry.fill.shape[1]]
        np.maximum(part, entry.fill, out=part)
        at += entry.advance
    return mask[:, :at]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A piece of overlay, ready to be laid over a picture: what it keeps of the picture and what it adds."""

    left: int
    top: int
    keep_luma: NDArray[np.uint16]
    """0 to 256, shape (height, width), both even."""
    add_luma: NDArray[np.uint16]
    """The overlay's own part times 256."""
    keep_chroma: NDArray[np.uint16]
    add_chroma: NDArray[np.uint16]
    """Shape (2, height / 2, width / 2): Cb and Cr."""
    box: Box
    """Of the letters without outline and ground."""


def _ycbcr(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = colour
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 16 + luma * 219 / 255, 128 + (blue - luma) / 1.8556 * 224 / 255, 128 + (red - luma) / 1.5748 * 224 / 255


def place(line: Line, lengths: tuple[int, int], layout: Layout, size: tuple[int, int]) -> tuple[int, int]:
    """Return left and top of a text `lengths` (width, height of its line) in a picture of `size` (width, height)."""
    width, height = size
    margin = round(layout.margin * height)
    pitch = lengths[1] * 4 // 5
    left = max(0, {"l": margin, "c": (width - lengths[0]) // 2, "r": width - margin - lengths[0]}[line.corner[1]])
    near = margin + line.row * pitch - lengths[1] // 4
    top = near if line.corner[0] == "t" else height - near - lengths[1]
    return left, max(0, min(top, height - lengths[1]))


@lru_cache(64)
def stamp(text: str, left: int, top: int, size: tuple[int, int], font: Font, look: Look, height_px: int) -> Stamp:
    """Draw one line of text for a picture of `size` (width, height) with its line box at `left`, `top`."""
    width, height = size
    fill = text_mask(text, font, height_px)
    edge = max(1, round(look.outline * height / 720)) if look.outline else 0
    pad = 2 * edge + height_px // 3
    x0, x1 = (0, width) if look.ground == "strip" else (left - pad, left + fill.shape[1] + pad)
    x0, x1 = max(0, x0) // 2 * 2, min(width, (x1 + 1) // 2 * 2)
    y0, y1 = max(0, top) // 2 * 2, min(height, (top + fill.shape[0] + 1) // 2 * 2)
    canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
    canvas[top - y0 : top - y0 + fill.shape[0], left - x0 : left - x0 + fill.shape[1]] = fill[:, : x1 - left]
    letters: Share = np.asarray(canvas / 255, np.float32)
    keep: Share = np.ones_like(letters)
    add: Share = np.zeros((3, *letters.shape), np.float32)
    if look.ground:
        rows = slice(height_px // 3, -max(1, height_px // 6))
        columns = slice(None) if look.ground == "strip" else slice(pad // 2, -max(1, pad // 2))
        ground: Share = np.zeros(letters.shape, np.float32)
        ground[rows, columns] = look.opacity
        keep, add = _over(keep, add, ground, look.ground_colour)
    if edge:
        grown = cv2.dilate(canvas, np.ones((2 * edge + 1, 2 * edge + 1), np.uint8))
        around: Share = np.asarray(grown / 255, np.float32)
        keep, add = _over(keep, add, around, BLACK)
    keep, add = _over(keep, add, letters, look.colour)
    half = (keep.shape[1] // 2, keep.shape[0] // 2)
    keep_half = cv2.resize(keep, half, interpolation=cv2.INTER_AREA)
    add_half = np.stack([cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in add[1:]])
    ink = np.argwhere(canvas > 127)
    low, high = (ink.min(axis=0), ink.max(axis=0) + 1) if len(ink) else (np.zeros(2, int), np.zeros(2, int))
    return Stamp(
        x0,
        y0,
        np.rint(keep * 256).astype(np.uint16),
        np.rint(add[0] * 256).astype(np.uint16),
        np.rint(keep_half * 256).astype(np.uint16),
        np.rint(add_half * 256).astype(np.uint16),
        (x0 + int(low[1]), y0 + int(low[0]), x0 + int(high[1]), y0 + int(high[0])),
    )


def _over(keep: Share, add: Share, alpha: Share, colour: tuple[int, int, int]) -> tuple[Share, Share]:
    own = np.array(_ycbcr(colour), np.float32)[:, None, None]
    return keep * (1 - alpha), add * (1 - alpha) + own * alpha


def blit(picture: NDArray[np.uint8], drawn: Stamp) -> None:
    """Lay a stamp over a picture in place: uint8 planes of yuv420p, shape (height * 3 / 2, width)."""
    width = picture.shape[1]
    height = picture.shape[0] * 2 // 3
    rows, columns = drawn.keep_luma.shape
    part = picture[drawn.top : drawn.top + rows, drawn.left : drawn.left + columns]
    part[:] = (part * drawn.keep_luma + drawn.add_luma) >> 8
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    top, left = drawn.top // 2, drawn.left // 2
    colours = chroma[:, top : top + rows // 2, left : left + columns // 2]
    colours[:] = (colours * drawn.keep_chroma + drawn.add_chroma) >> 8
