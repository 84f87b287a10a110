"""Exact pictures of a clip, made on demand in a confined process, each once; and where two of them differ."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from filelock import Timeout

from pipeline.errors import FootageError
from pipeline.media.difference import difference
from pipeline.media.stills import Still, pictures_at
from pipeline.model import Features, Footage, Message
from pipeline.report.stills import CHANGED, GONE, NOT_MADE
from pipeline.report.wording import N_
from pipeline.review.frames import FrameFacts, Frames, video_stream
from pipeline.review.kept import Kept

VERSION = 1
"""Raised whenever the same picture could now look different; part of every name."""
PICTURE, FACTS = "picture.png", "facts.json"
MOST_PICTURES = 64
"""Pictures of one request."""
MOST_FACTOR = 255.0

NOT_HASHED = N_("The content of this clip was not hashed when it was examined: no picture of it is shown.")
NO_TIME = N_("This picture bears no presentation time: it cannot be looked up in the file.")
NOT_ALONE = N_("Several pictures of the clip bear this presentation time: which of them this is cannot be told.")
NOT_EXACT = N_(
    "Another picture was found at this time: the times of the clip run back, or its decoder skipped this one."
)
BUSY = N_("Pictures of this clip are being made for somebody else. Try again in a moment.")
NO_PICTURES = N_("This clip has no pictures.")
NOT_COMPARED = N_("These two pictures could not be compared.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that was asked for, or the reason why there is none."""

    path: Path | None
    """PNG, upright; every pixel as it was decoded, but for scaling. None if there is none."""
    pts: int | None
    time_s: float | None
    """Presentation time of the picture; of one that an edit list hides, the time of the media."""
    width_px: int = 0
    height_px: int = 0
    scaled: bool = False
    """It is smaller than it was decoded."""
    reason: Message | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Where two pictures differ, or the reason why that is not known."""

    path: Path | None
    """PNG: the absolute difference of each colour, times `factor`, cut off at 255; black where they are equal."""
    factor: float
    mean: float = math.nan
    """Mean absolute difference before it is amplified, 0 to 255."""
    largest: int = 0
    changed: float = math.nan
    """Share of the pixels that differ, 0 to 1."""
    reason: Message | None = None


class Stills:
    """Pictures of clips, kept in a folder.

    Parameters
    ----------
    root : Path
        Where they are kept, on a disk of this machine.
    stills_gb : float
        How much they may take, in 10⁹ bytes; what was looked at longest ago is removed beyond that.
    longest_px : int
        The longer side of the pictures; smaller ones keep their size.
    still_timeout_s : float
        Making pictures is ended after this long; those that are done by then are kept.
    """

    def __init__(
        self, root: Path, *, stills_gb: float = 8.0, longest_px: int = 1920, still_timeout_s: float = 120.0
    ) -> None:
        self._kept = Kept(root, round(stills_gb * 1e9))
        self._longest_px, self._timeout_s = longest_px, still_timeout_s

    def take(self, footage: Footage, features: Features, frames: Sequence[int]) -> dict[int, Shown]:
        """Return pictures by their number; those that are not kept yet are made.

        Parameters
        ----------
        footage : Footage
            As it was examined: with the hash and the time of change from then.
        features : Features
            The tables that were measured on it.
        frames : sequence of int
            Rows of table `frames`; the first `MOST_PICTURES` of them are taken.

        Returns
        -------
        dict
            Number → the picture, or the reason why there is none.

        Raises
        ------
        FootageError
            If the file is not there any more, or is not what was examined. Its only argument is a `Message`.
        IndexError
            If the clip has no picture of a number.
        """
        must_be_as_examined(footage)
        known = Frames(features)
        asked = {frame: known.facts(frame) for frame in list(dict.fromkeys(frames))[:MOST_PICTURES]}
        refused = {frame: reason for frame, facts in asked.items() if (reason := _refusal(facts)) is not None}
        wanted = {
            facts.time_s: facts.pts
            for facts in asked.values()
            if facts.frame not in refused and facts.time_s is not None
        }
        made = self._bring(footage, features, wanted)
        shown: dict[int, Shown] = {}
        stream = video_stream(features)
        half_s = stream[2] / 2 if stream else 0.0
        for frame, facts in asked.items():
            why, found = refused.get(frame), made.get(facts.time_s or 0.0)
            if why is None and found is not None and found.path is not None:
                exact = abs((found.time_s or 0.0) - (facts.time_s or 0.0)) <= half_s
                why = None if exact else Message(NOT_EXACT)
            shown[frame] = found if found and why is None else Shown(None, facts.pts, facts.time_s, reason=why)
        return shown

    def take_hidden(self, footage: Footage, features: Features, times_s: Iterable[float]) -> dict[float, Shown]:
        """Return pictures that an edit list may hide, by a time of the media; parameters and errors as for `take`.

        Each is the picture that the media holds at that time; its own time stands in `time_s`.
        """
        must_be_as_examined(footage)
        wanted = [time_s for time_s in dict.fromkeys(times_s) if math.isfinite(time_s)]
        return self._bring(footage, features, dict.fromkeys(wanted[:MOST_PICTURES]))

    def compare(
        self, footage: Footage, features: Features, first: int, second: int, *, factor: float = 8.0
    ) -> Compared:
        """Return where two pictures differ; parameters and errors as for `take`.

        Parameters
        ----------
        first, second : int
            Rows of table `frames`.
        factor : float
            What differences are multiplied by, 1 to 255.

        Raises
        ------
        ValueError
            If `factor` lies outside.
        """
        if not 1.0 <= factor <= MOST_FACTOR:
            raise ValueError(f"factor {factor} is not from 1 to {MOST_FACTOR:g}")
        shown = self.take(footage, features, [first, second])
        one, other = shown[first], shown[second]
        if one.path is None or other.path is None:
            return Compared(None, factor, reason=one.reason or other.reason)
        name = f"difference-{_digest(one.path.parent.name, other.path.parent.name, f'{factor:g}')}"
        try:
            with self._kept.lock(footage.sha256).acquire(timeout=self._timeout_s):
                entry = self._kept.find(footage.sha256, name)
                if entry is None:
                    with self._kept.new(footage.sha256) as new:
                        found = difference(one.path, other.path, new / PICTURE, factor)
                        if found is None:
                            return Compared(None, factor, reason=Message(NOT_COMPARED))
                        (new / FACTS).write_text(json.dumps(asdict(found)), "utf-8")
                        entry = self._kept.put(new, footage.sha256, name)
        except Timeout:
            return Compared(None, factor, reason=Message(BUSY))
        except OSError:  # a picture was removed for room meanwhile
            return Compared(None, factor, reason=Message(NOT_COMPARED))
        told = json.loads((entry / FACTS).read_text("utf-8"))
        return Compared(entry / PICTURE, factor, told["mean"], told["largest"], told["changed"])

    def _bring(self, footage: Footage, features: Features, wanted: Mapping[float, int | None]) -> dict[float, Shown]:
        """Return the pictures shown at the given times, from the folder or made now.

        `wanted` is time → PTS; with None the time is that of the media, and edit lists are passed over.
        """
        stream = video_stream(features)
        if stream is None:
            return {time_s: Shown(None, pts, time_s, reason=Message(NO_PICTURES)) for time_s, pts in wanted.items()}
        names = {time_s: self._name(stream, time_s, pts) for time_s, pts in wanted.items()}
        shown = {time_s: Shown(None, pts, time_s, reason=Message(BUSY)) for time_s, pts in wanted.items()}
        shown |= self._found(footage.sha256, names)
        if all(entry.path is not None for entry in shown.values()):
            return shown
        with suppress(Timeout), self._kept.lock(footage.sha256).acquire(timeout=self._timeout_s):
            shown |= self._found(footage.sha256, names)
            lacking = {time_s: pts for time_s, pts in wanted.items() if shown[time_s].path is None}
            shown |= self._make(footage, stream, lacking, names)
        self._kept.trim()
        return shown

    def _name(self, stream: tuple[int, float, float], time_s: float, pts: int | None) -> str:
        """Return under what a picture is kept: what names it in the file, and what could change how it looks."""
        number, turn, _ = stream
        versions = [metadata.version(name) for name in ("av", "opencv-python-headless")]
        digest = _digest(VERSION, *versions, number, turn, self._longest_px)
        return f"hidden-{time_s.hex()}-{digest}" if pts is None else f"still-{pts}-{digest}"

    def _found(self, sha256: str, names: dict[float, str]) -> dict[float, Shown]:
        entries = {time_s: entry for time_s, name in names.items() if (entry := self._kept.find(sha256, name))}
        return {time_s: shown for time_s, entry in entries.items() if (shown := _shown(entry)) is not None}

    def _make(
        self,
        footage: Footage,
        stream: tuple[int, float, float],
        wanted: Mapping[float, int | None],
        names: Mapping[float, str],
    ) -> dict[float, Shown]:
        number, turn, tick = stream
        shown = {time_s: Shown(None, pts, time_s, reason=Message(NOT_MADE)) for time_s, pts in wanted.items()}
        if not wanted:
            return shown
        with self._kept.new(footage.sha256) as new:
            made = pictures_at(
                footage.path, list(wanted), new, number, turn, still_width_px=self._longest_px,
                still_timeout_s=self._timeout_s, as_stored=None in wanted.values(), lossless=True,
            )  # fmt: skip
            must_be_as_examined(footage)
            for time_s, still in made.items():
                pts = wanted[time_s]
                if pts is None and tick:  # of the media; where edit lists are passed over nothing is shifted
                    pts = round(still.time_s / tick)
                entry = self._keep(still, pts, footage.sha256, names[time_s], new)
                shown[time_s] = _shown(entry) or shown[time_s]
        return shown

    def _keep(self, still: Still, pts: int | None, sha256: str, name: str, new: Path) -> Path:
        folder = new / name
        folder.mkdir()
        shutil.move(still.path, folder / PICTURE)
        facts = {name: value for name, value in asdict(still).items() if name not in {"path", "wanted_s"}}
        (folder / FACTS).write_text(json.dumps({**facts, "pts": pts}), "utf-8")
        return self._kept.put(folder, sha256, name)


def must_be_as_examined(footage: Footage) -> None:
    """Refuse a clip whose content is not, or cannot be known to be, what was examined.

    Raises
    ------
    FootageError
        Its only argument is a `Message`.
    """
    if not footage.sha256:
        raise FootageError(Message(NOT_HASHED))
    try:
        unchanged = footage.is_unchanged()
    except OSError as error:
        raise FootageError(Message(GONE)) from error
    if not unchanged:
        raise FootageError(Message(CHANGED))


def _refusal(facts: FrameFacts) -> Message | None:
    """Return why a picture cannot be looked up; None if it can."""
    if facts.time_s is None or facts.pts is None:
        return Message(NO_TIME)
    return None if facts.alone else Message(NOT_ALONE)


def _shown(entry: Path) -> Shown | None:
    """Return a picture that is kept; None if it was removed meanwhile."""
    try:
        facts = json.loads((entry / FACTS).read_text("utf-8"))
    except OSError:
        return None
    return Shown(entry / PICTURE, **facts)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
