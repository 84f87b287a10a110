"""Overlays as recorders draw them, as data: what is written, how the clock is spelt, where, in which letters.

Half of the layouts may be looked at while a reader is made (`tune`), the other half only judges it (`test`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

WHITE, BLACK, YELLOW, GREEN = (235, 235, 235), (16, 16, 16), (240, 220, 20), (60, 230, 80)


@dataclass(frozen=True, slots=True)
class Font:
    """Letters: one of the families in `pipeline.forge.drawing.FAMILIES`, or the 5 x 7 dots."""

    family: str
    dots: int = 0
    """Drawn in black and white at this em size in dots and then magnified, as display chips do; 0: drawn smoothly."""
    proportional: bool = False
    """Letters stand as far apart as they are wide: a 1 takes less room than a 0."""


@dataclass(frozen=True, slots=True)
class Look:
    """How letters stand out from the picture."""

    colour: tuple[int, int, int] = WHITE
    outline: int = 0
    """Width of the black outline in px at 720 lines."""
    ground: str = ""
    """"box": a filled box behind each text; "strip": a filled strip as wide as the picture; empty: none."""
    ground_colour: tuple[int, int, int] = BLACK
    opacity: float = 0.6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: what it is, how it is spelt, and where it stands."""

    field: str
    """clock, device, unit, officer, gps, mark, battery: the fields of table `overlay`."""
    text: str
    """`str.format` template over `identity` and, for gps, mark and battery, the moment."""
    corner: str
    """Row and column: t or b, then l, c or r."""
    row: int = 0
    """0 is the line nearest to the edge of the picture."""
    after: bool = False
    """Stands on the same line behind the one before it, two spaces apart."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One recorder's overlay."""

    name: str
    half: str
    clock: str
    """`str.format` template of Y m d H M S I (12 h) p (AM, PM) weekday, cs (hundredths), ff (picture of the second);
    a line break starts a second line."""
    lines: tuple[Line, ...]
    font: Font
    look: Look
    heights_px: Mapping[int, int] = field(hash=False)
    """Height of the picture → height of the figures, both in px."""
    margin: float = 0.02
    """Distance from the edges in picture heights."""

    @property
    def dated(self) -> bool:
        """The clock shows a date."""
        return "{d" in self.clock


_ISO = "{Y:04}-{m:02}-{d:02} {H:02}:{M:02}:{S:02}"
_OUTLINE = Look(outline=1)
_CLOCK_TL = Line("clock", "", "tl")

LAYOUTS = (
    # ---- to tune on ---------------------------------------------------------------------------------------------
    Layout(
        "iso-outline-sans",
        "tune",
        _ISO,
        (
            _CLOCK_TL,
            Line("unit", "{unit}", "tl", 1),
            Line("device", "DSJ-{model} {serial:07}", "br", 1),
            Line("gps", "N{lat:.5f} E{lon:.5f}", "br"),
        ),
        Font("noto-sans"),
        _OUTLINE,
        {720: 18, 1080: 24},
    ),
    Layout(
        "slashes-mono-box",
        "tune",
        "{Y:04}/{m:02}/{d:02} {H:02}:{M:02}:{S:02}",
        (
            Line("clock", "", "br"),
            Line("officer", "警号 {police:09}", "bl", 1),
            Line("device", "{model}-{serial:07}", "bl"),
            Line("mark", "REC", "tr"),
        ),
        Font("dejavu-mono"),
        Look(ground="box", opacity=0.7),
        {720: 20, 1080: 27},
        0.03,
    ),
    Layout(
        "chinese-weekday",
        "tune",
        "{Y:04}年{m:02}月{d:02}日 {H:02}:{M:02}:{S:02} {weekday}",
        (_CLOCK_TL, Line("unit", "{unit}", "bl"), Line("device", "设备号:{serial:07}", "br")),
        Font("noto-sans"),
        Look(colour=YELLOW, outline=1),
        {720: 19, 1080: 26},
    ),
    Layout(
        "dots-5x7",
        "tune",
        _ISO,
        (
            Line("clock", "", "tr"),
            Line("device", "DSJ-{model} {serial:07}", "tl"),
            Line("gps", "N{lat:.5f} E{lon:.5f}", "bl"),
            Line("mark", "REC", "bl", 1),
        ),
        Font("5x7"),
        _OUTLINE,
        {720: 21, 1080: 28},
        0.03,
    ),
    Layout(
        "us-afternoon",
        "tune",
        "{m:02}-{d:02}-{Y:04} {I:02}:{M:02}:{S:02} {p}",
        (Line("clock", "", "bl"), Line("device", "{serial:07}_{police:06}", "br"), Line("battery", "{battery}%", "tr")),
        Font("liberation-sans"),
        Look(),
        {720: 22, 1080: 30},
        0.025,
    ),
    Layout(
        "two-lines-proportional",
        "tune",
        "{Y:04}-{m:02}-{d:02}\n{H:02}:{M:02}:{S:02}",
        (_CLOCK_TL, Line("device", "ID:{model}{serial:06}", "bl"), Line("unit", "{unit}", "tr")),
        Font("liberation-sans", proportional=True),
        _OUTLINE,
        {720: 20, 1080: 28},
        0.04,
    ),
    Layout(
        "frame-counter",
        "tune",
        _ISO + ":{ff:02}",
        (Line("clock", "", "bl"), Line("device", "DSJ-{model} {serial:07}", "bl", after=True)),
        Font("dejavu-sans"),
        Look(BLACK, ground="strip", ground_colour=(215, 215, 210), opacity=0.85),
        {720: 18, 1080: 24},
        0.012,
    ),
    # ---- to test on ---------------------------------------------------------------------------------------------
    Layout(
        "iso-outline-serif",
        "test",
        _ISO,
        (
            Line("clock", "", "tr"),
            Line("unit", "{unit}", "bl"),
            Line("officer", "警员 {police:06}", "tl"),
            Line("device", "DSJ-{model} {serial:07}", "br"),
        ),
        Font("noto-serif"),
        _OUTLINE,
        {720: 19, 1080: 26},
        0.025,
    ),
    Layout(
        "compact-date-plain",
        "test",
        "{Y:04}{m:02}{d:02} {H:02}:{M:02}:{S:02}",
        (
            _CLOCK_TL,
            Line("device", "{model}-{serial:07}", "tl", 1),
            Line("unit", "{unit}", "br"),
            Line("mark", "REC", "tr"),
        ),
        Font("liberation-mono"),
        Look(),
        {720: 22, 1080: 30},
        0.03,
    ),
    Layout(
        "chinese-date",
        "test",
        "{Y:04}年{m:02}月{d:02}日 {H:02}:{M:02}:{S:02}",
        (
            Line("clock", "", "bl"),
            Line("unit", "{unit}", "bl", 1),
            Line("device", "设备编号 {serial:07}", "tr"),
            Line("gps", "E{lon:.5f} N{lat:.5f}", "br"),
        ),
        Font("noto-sans-bold"),
        Look(ground="box", opacity=0.55),
        {720: 18, 1080: 25},
    ),
    Layout(
        "dots-8x16",
        "test",
        "{Y:04}/{m:02}/{d:02} {H:02}:{M:02}:{S:02}",
        (
            Line("clock", "", "br"),
            Line("device", "DSJ-{model} {serial:07}", "tl"),
            Line("gps", "N{lat:.5f} E{lon:.5f}", "tl", 1),
            Line("mark", "REC", "tr"),
        ),
        Font("liberation-mono-bold", dots=16),
        _OUTLINE,
        {720: 20, 1080: 30},
    ),
    Layout(
        "european-yellow",
        "test",
        "{d:02}.{m:02}.{Y:04} {H:02}:{M:02}:{S:02}",
        (
            Line("clock", "", "tc"),
            Line("device", "DSJ-{model} {serial:07}", "bl"),
            Line("unit", "{unit}", "br"),
            Line("battery", "{battery}%", "tr"),
        ),
        Font("dejavu-sans-bold"),
        Look(colour=YELLOW, outline=1),
        {720: 20, 1080: 27},
        0.03,
    ),
    Layout(
        "hundredths-proportional",
        "test",
        _ISO + ".{cs:02}",
        (Line("clock", "", "tl"), Line("device", "{serial:07}", "tl", after=True), Line("unit", "{unit}", "bl")),
        Font("dejavu-sans", proportional=True),
        Look(BLACK, ground="strip", ground_colour=(220, 220, 215), opacity=0.8),
        {720: 18, 1080: 24},
        0.015,
    ),
    Layout(
        "time-only",
        "test",
        "{H:02}:{M:02}:{S:02}",
        (
            Line("clock", "", "br"),
            Line("officer", "{police:06}", "bl"),
            Line("device", "DSJ-{model} {serial:07}", "tl"),
        ),
        Font("liberation-sans-bold"),
        Look(colour=GREEN, outline=1),
        {720: 24, 1080: 32},
        0.03,
    ),
)

_UNITS = {
    "tune": ("石家庄市应急管理局", "裕华区综合行政执法大队", "正定县安全生产监察大队"),
    "test": ("石家庄市安全生产监督管理局", "长安区应急管理局执法队", "无极县公安局交通警察大队"),
}
_MODELS = {"tune": ("A7", "K3", "V8", "X2"), "test": ("X5", "H6", "T2")}


def layout(name: str) -> Layout:
    """Return a layout by its name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return {entry.name: entry for entry in LAYOUTS}[name]


def layouts(half: str) -> list[Layout]:
    """Return the layouts of `tune` or `test`."""
    return [entry for entry in LAYOUTS if entry.half == half]


def identity(half: str, seed: int) -> dict[str, str | int | float]:
    """Return what one recorder says of itself: made up, the same for the same seed."""
    chance = random.Random(f"{half} {seed}")
    return {
        "unit": chance.choice(_UNITS[half]),
        "model": chance.choice(_MODELS[half]),
        "serial": chance.randrange(100000, 999999),
        "police": chance.randrange(130100, 139999),
        "lat": chance.uniform(37.5, 38.6),
        "lon": chance.uniform(113.7, 115.3),
        "battery": chance.randrange(40, 100),
    }
