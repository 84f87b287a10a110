"""A recorder's running clock, burned into the pictures of a take before it is forged."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SettingsError
from pipeline.forge.drawing import FAMILIES, Stamp, blit, missing_fonts, place, stamp, text_mask
from pipeline.forge.layouts import LAYOUTS, Layout, Line, identity, layout
from pipeline.model import Message

STYLES = tuple(entry.name for entry in LAYOUTS)
_WEEKDAYS = "一二三四五六日"
_FIGURES = re.compile(r"\d")
_LEAST_PX = 14
"""Height of the figures in small pictures: below it nobody could read them after encoding."""
_PACKAGES = {"noto": "fonts-noto-cjk", "dejavu": "fonts-dejavu-core", "liberation": "fonts-liberation"}


@dataclass(frozen=True, slots=True)
class Clock:
    """What one recorder burns in."""

    style: str
    """Name of a layout, one of `STYLES`."""
    start: datetime
    """What the clock shows in the first picture of the take, in whole seconds."""
    phase: float
    """How much of that second has already passed, 0 to 1."""
    device: int = 0
    """Two takes of one recorder have the same number: device, unit and officer are drawn by it."""

    def __str__(self) -> str:
        return f"{self.start.isoformat(' ')} + {self.phase:.6f} s, recorder {self.device}"


def random_clock(random_: random.Random, style: str) -> Clock:
    """Draw a recorder and the time of day at which a take begins."""
    start = datetime(2024, 1, 1) + timedelta(seconds=random_.randrange(500 * 86400))
    return Clock(style, start.replace(hour=random_.randrange(7, 20)), random_.random(), random_.randrange(1 << 16))


def later(random_: random.Random, clock: Clock) -> Clock:
    """Return the clock of another take of the same recorder, minutes to hours later."""
    return replace(clock, start=clock.start + timedelta(seconds=random_.randrange(180, 14400)), phase=random_.random())


def check_fonts(style: str) -> None:
    """Refuse a style whose letters cannot be drawn here.

    Raises
    ------
    SettingsError
        If there is no such style, or a font is missing: then it names the Debian package that has it.
    """
    if style not in STYLES:
        message = "There is no overlay {style}. Known: {styles}."
        raise SettingsError(Message(message, {"style": style, "styles": ", ".join(STYLES)}))
    missing = missing_fonts(layout(style))
    if missing:
        packages = sorted({_PACKAGES[family.split("-")[0]] for family in missing})
        raise SettingsError(
            Message(
                "Overlay {style}: the font {fonts} is not installed. On Debian it is in the package {packages}; the "
                "overlay dots-5x7 needs none.",
                {
                    "style": style,
                    "fonts": ", ".join(FAMILIES[family][0] for family in missing),
                    "packages": ", ".join(packages),
                },
            )
        )


def clock_of(layout: Layout, when: datetime, frame: int, rate: Fraction) -> str:
    """Spell a clock that shows the second `when`, `frame` pictures into it."""
    return layout.clock.format(
        **{"Y": when.year, "m": when.month, "d": when.day, "H": when.hour, "M": when.minute, "S": when.second},
        I=when.hour % 12 or 12,
        p="AM" if when.hour < 12 else "PM",
        weekday="星期" + _WEEKDAYS[when.weekday()],
        cs=min(99, int(frame * 100 / rate)),
        ff=min(math.ceil(rate) - 1, frame),
    )


def texts(
    drawn: Layout, identity: Mapping[str, str | int | float], when: datetime, elapsed_s: int, clock: str
) -> Iterator[tuple[Line, str]]:
    """Yield every text that an overlay shows at the second `when`, `elapsed_s` after the start, line by line."""
    says = dict(identity)
    says["lat"] = float(says["lat"]) + 0.00001 * (elapsed_s // 3)
    says["lon"] = float(says["lon"]) - 0.00001 * (elapsed_s // 4)
    says["battery"] = max(1, int(says["battery"]) - int(elapsed_s // 60))
    for line in drawn.lines:
        if line.field == "clock":
            rows = clock.split("\n")
            rows = rows if line.corner[0] == "t" else rows[::-1]
            for row, text in enumerate(rows):
                yield Line("clock", "", line.corner, line.row + row), text
        elif line.field != "mark" or when.second % 2 == 0:
            yield line, line.text.format(**says)


def laid_out(
    drawn: Layout, shown: Iterable[tuple[Line, str]], size: tuple[int, int], height_px: int
) -> Iterator[tuple[Line, str, Stamp]]:
    """Yield how to draw each line of an overlay, with figures `height_px` high, in pictures of `size`."""
    end = 0
    for line, text in shown:
        mask = text_mask(text, drawn.font, height_px)
        left, top = place(line, (mask.shape[1], mask.shape[0]), drawn, size)
        look = drawn.look
        if line.after:  # its ground lies there already
            left, look = end + 2 * height_px, replace(look, ground="")
        widest = _FIGURES.sub("0", text)  # what follows stands still
        end = left + text_mask(widest, drawn.font, height_px).shape[1]
        if left < size[0]:
            yield line, text, stamp(text, left, top, size, drawn.font, look, height_px)


def letters_px(drawn: Layout, height: int) -> int:
    """Return how high the figures are in pictures of any height."""
    known = drawn.heights_px.get(height)
    return known or max(_LEAST_PX, round(drawn.heights_px[720] * height / 720))


class Burner:
    """Burns one recorder's overlay into pictures of one size."""

    def __init__(self, clock: Clock, rate: Fraction, size: tuple[int, int]) -> None:
        self._clock, self._rate, self._size = clock, rate, size
        self._layout = layout(clock.style)
        self._identity = identity(self._layout.half, clock.device)
        self._height_px = letters_px(self._layout, size[1])
        self._kept: tuple[tuple[int, str], list[Stamp]] | None = None

    def burn(self, planes: NDArray[np.uint8], time_s: Fraction) -> None:
        """Burn in what the clock shows at `time_s` of the take.

        `planes` : uint8, shape (height * 3 / 2, width), yuv420p, changed in place.
        """
        since = time_s + Fraction(self._clock.phase)
        elapsed_s = math.floor(since)
        when = self._clock.start + timedelta(seconds=elapsed_s)
        text = clock_of(self._layout, when, int((since - elapsed_s) * self._rate), self._rate)
        if self._kept is None or self._kept[0] != (elapsed_s, text):
            shown = texts(self._layout, self._identity, when, elapsed_s, text)
            stamps = [drawn for _, _, drawn in laid_out(self._layout, shown, self._size, self._height_px)]
            self._kept = (elapsed_s, text), stamps
        for drawn in self._kept[1]:
            blit(planes, drawn)
