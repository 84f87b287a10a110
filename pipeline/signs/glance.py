"""Which of a clip's pictures are worth reading: a glance at each, and a choice among those that show text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.lines import Found, find
from pipeline.signs.overlay import SAME_PLACE_IOU, Box, ious

THUMBNAIL = (64, 36)
"""Width and height of the pictures that tell whether the camera moved."""
GOOD_LETTERS_PX = 32.0
"""Height above which letters are read no better."""
LEAST_LETTERS, MOST_LETTERS = 1.4, 10.0
"""Characters of a line below which it hardly counts, as what is taken for a single letter is mostly none, and above
which it counts no more: names are no longer, paragraphs are."""
LINES_COUNTED = 3
OPENING_BONUS = 1.5
"""What a picture of the opening, where the place is shown as a rule, counts for."""
NEAR_S = 20.0
"""A picture counts half for each chosen one that is nearer in time than this."""
READS_OF_A_VIEW = 2
"""How often the same texts before a camera that stands still are read."""


class Picture(Protocol):
    """What of a picture is needed to read it; `pipeline.features.extract.SharpPicture` is one."""

    @property
    def path(self) -> Path:
        """The picture, upright, at the size in which it was recorded."""

    @property
    def frame(self) -> int:
        """Row of the frames table."""

    @property
    def time_s(self) -> float:
        """Presentation time."""


class Place(Protocol):
    """A rectangle in the upright picture, in widths and heights of it (0 to 1)."""

    @property
    def left(self) -> float:
        """In picture widths."""

    @property
    def top(self) -> float:
        """In picture heights."""

    @property
    def right(self) -> float:
        """In picture widths."""

    @property
    def bottom(self) -> float:
        """In picture heights."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a glance at a picture shows."""

    picture: Picture
    width: int
    height: int
    """Of the whole picture in pixels, give or take one."""
    lines: tuple[Found, ...]
    """Outside the places that the recorder writes in, in pixels of the whole picture."""
    thumbnail: NDArray[np.uint8]

    def boxes(self) -> list[Box]:
        """Return where the lines stand; none of them was read."""
        return [box_of(line, self.picture.frame, "", self.width, self.height) for line in self.lines]


def glance(engine: Any, picture: Picture, side_px: int, areas: Sequence[Place]) -> Look | None:
    """Look for text in a picture, made small; None if the picture cannot be opened.

    Parameters
    ----------
    engine : rapidocr.RapidOCR
    picture : Picture
    side_px : int
        Longer side to which the picture is made smaller.
    areas : sequence of Place
        Where the recorder writes.
    """
    import cv2

    times = 2
    pixels = cv2.imread(str(picture.path), cv2.IMREAD_REDUCED_COLOR_2)
    if pixels is not None and max(pixels.shape) < side_px:
        times, pixels = 1, cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
    if pixels is None:
        return None
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    grow = np.array((times * width / size[0], times * height / size[1]))
    lines = [Found(line.corners * grow, line.score) for line in find(engine, small, side_px, faint=True)]
    width, height = times * width, times * height
    return Look(
        picture,
        width,
        height,
        outside(lines, areas, width, height),
        np.asarray(cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA), np.uint8),
    )


def outside(lines: Sequence[Found], areas: Sequence[Place], width: int, height: int) -> tuple[Found, ...]:
    """Return the lines whose middle lies in none of the areas."""

    def free(line: Found) -> bool:
        across, down = line.corners.mean(axis=0) / (width, height)
        return not any(area.left <= across <= area.right and area.top <= down <= area.bottom for area in areas)

    return tuple(line for line in lines if free(line))


def box_of(line: Found, frame: int, text: str, width: int, height: int) -> Box:
    """Return where a line stands in a picture of `width` x `height` px."""
    corners = (line.corners / (width, height)).clip(0.0, 1.0)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return Box(frame, text, float(left), float(top), float(right), float(bottom))


def amount(lines: Sequence[Found]) -> float:
    """Return how much a picture promises: sure, large and long lines count, the best few of them."""
    worth = [
        line.score
        * min(line.letters_px / GOOD_LETTERS_PX, 1.0) ** 2
        * min(max(line.letters - LEAST_LETTERS, 0.1), MOST_LETTERS)
        for line in lines
    ]
    return sum(sorted(worth, reverse=True)[:LINES_COUNTED])


def choose(
    looks: Sequence[Look], amounts: Sequence[float], most: int, opening_s: float, still_diff: float
) -> list[int]:
    """Return which pictures to read, the most promising first.

    The choice rests on nothing but what the pictures show and when: the same clip gives the same choice.

    Parameters
    ----------
    looks : sequence of Look
    amounts : sequence of float
        What each promises; those with nothing are never chosen.
    most : int
        How many are chosen at most.
    opening_s : float
        End of the opening, in seconds.
    still_diff : float
        Grey levels by which the typical point of two pictures of one view differs at most.
    """
    left = {number: worth for number, worth in enumerate(amounts) if worth > 0}
    for number in left:
        if looks[number].picture.time_s < opening_s:
            left[number] *= OPENING_BONUS
    chosen: list[int] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda number: (left[number], -number))
        del left[best]
        if sum(same_view(looks[best], looks[other], still_diff) for other in chosen) >= READS_OF_A_VIEW:
            continue
        chosen.append(best)
        for number in left:
            if abs(looks[number].picture.time_s - looks[best].picture.time_s) < NEAR_S:
                left[number] /= 2
    return chosen


def same_view(now: Look, known: Look, still_diff: float) -> bool:
    """Tell whether a picture shows the view of another one, and no text that stands not in that one, too."""
    gap = np.abs(now.thumbnail.astype(np.int16) - known.thumbnail.astype(np.int16))
    if float(np.median(gap)) > still_diff:
        return False
    there = np.array([(box.left, box.top, box.right, box.bottom) for box in known.boxes()]).reshape(-1, 4)
    return all((ious(there, box) >= SAME_PLACE_IOU).any() for box in now.boxes())


def strewn(looks: Sequence[Look], without: Sequence[int], count: int, opening_s: float) -> list[int]:
    """Return up to `count` pictures, none of `without`, evenly strewn over the opening, or over all if it has none."""
    rest = [number for number in range(len(looks)) if number not in without]
    rest = [number for number in rest if looks[number].picture.time_s < opening_s] or rest
    places = np.linspace(0, len(rest) - 1, min(count, len(rest))).round().astype(int)
    return [rest[place] for place in places]
