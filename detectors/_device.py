"""How a recorder model writes its files: the marks of a clip, and the profile that says which of them are normal.

A mark is a word (`container.brand`: isom) or a number (`timing.step_s`: 0.0333), read from tables alone. Marks that a
clip does not show, or that were not measured of it, are left out: nothing is said of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from detectors._joins import coded_pictures
from detectors._timeline import examined_stream
from detectors._writers import ENCODERS, software
from pipeline.model import Features, Table

NOTHING = "-"
"""In place of a word: the file has nothing of the kind."""
LINES = ("clock", "date", "device", "unit", "officer", "gps", "speed", "mark")
"""Lines of the overlay that a recorder draws at a fixed place."""
_SIDES = ("left", "right", "top", "bottom")
WORDS = (
    *("container.format", "container.brand", "container.boxes", "container.header", "container.writer"),
    *("container.tracks", "container.streams", "container.created", "container.edits"),
    *("video.codec", "video.tag", "video.profile", "video.size", "video.sequence", "video.encoder", "video.types"),
    *("sound.codec", "sound.rate", "sound.channels", "overlay.lines", "overlay.clock.form"),
)
NUMBERS: dict[str, float] = {
    **{"gop.usual": 0.0, "gop.shortest": 0.0, "gop.longest": 0.0},
    **{"timing.rate_hz": 0.01, "timing.step_s": 2e-5, "timing.jitter_s": 1e-3, "timing.longest_s": 1e-3},
    **{"timing.start_s": 1e-3, "timing.sound_start_s": 1e-3},
    **{f"overlay.{line}.{side}": 0.01 for line in LINES for side in _SIDES},
}
"""Name → how finely it can be told: two values that are no farther apart are the same."""
AT_MOST = frozenset({"gop.longest", "timing.jitter_s", "timing.longest_s"})
"""Numbers of which less is never a departure: a short clip shows less of them."""
CODING = frozenset({"video", "sound", "gop", "overlay"})
"""Groups of marks that encoding anew changes; the others change when packets are written anew."""
_MIN_READINGS, _MIN_AGREEMENT = 3, 0.6
_TEXT = 200

Range = tuple[float, float]


class Checked(BaseModel):
    """What a profile came to on clips that it was not fitted on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    good: int = 0
    """Known-good clips held against it."""
    good_departing: int = 0
    """Of these, clips that depart: false alarms."""
    altered: int = 0
    """Altered clips held against it."""
    altered_departing: int = 0


class DeviceProfile(BaseModel):
    """What is normal for a recorder model, who found that, and on how many known-good clips."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The model."""
    devices: tuple[str, ...] = ()
    """Serial numbers of its recorders; `*` stands for any characters. Empty: the profile is for every clip."""
    by: str
    at: str
    """ISO 8601, with its zone."""
    tool: str
    """Version of the product."""
    clips: int
    sources: int
    """Takes that do not hang together."""
    hours: float
    clips_sha256: str
    """Of the clips' SHA-256 in ascending order, a line each."""
    words: dict[str, tuple[str, ...]]
    """Mark → what was seen."""
    numbers: dict[str, Range]
    """Mark → lowest and highest that is normal."""
    checked: Checked = Checked()
    sha256: str = ""
    """Of all but `name` and `devices`: these may be changed by hand, what was fitted may not."""

    @model_validator(mode="after")
    def _must_be_as_fitted(self) -> DeviceProfile:
        if unknown := sorted({*self.words} - {*WORDS} | {*self.numbers} - {*NUMBERS}):
            raise ValueError(f"unknown marks: {', '.join(unknown)}")
        if self.sha256 != self.digest():
            raise ValueError(f"the profile {self.name!r} was changed after it was fitted. Fit it again")
        return self

    def digest(self) -> str:
        """Return what `sha256` must be."""
        told = self.model_dump(mode="json", exclude={"name", "devices", "sha256"})
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def names(self, device: str | None) -> bool:
        """Tell whether the profile names this recorder."""
        return device is not None and any(fnmatchcase(device.casefold(), one.casefold()) for one in self.devices)


@dataclass(frozen=True, slots=True)
class Marks:
    """What one clip shows."""

    words: Mapping[str, str]
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Departure:
    """A mark of a clip that is not normal."""

    mark: str
    normal: str
    here: str

    @property
    def of_coding(self) -> bool:
        """Whether only encoding anew changes it."""
        return self.mark.partition(".")[0] in CODING


def departures(marks: Marks, words: Mapping[str, Sequence[str]], numbers: Mapping[str, Range]) -> list[Departure]:
    """Return every mark of a clip that is neither among the words seen nor in its range, in the order of `WORDS`."""
    found = [
        Departure(mark, " | ".join(words[mark]), marks.words[mark])
        for mark in WORDS
        if mark in words and mark in marks.words and marks.words[mark] not in words[mark]
    ]
    for mark in NUMBERS:
        if mark not in numbers or mark not in marks.numbers:
            continue
        (low, high), here = numbers[mark], marks.numbers[mark]
        if here > high or (here < low and mark not in AT_MOST):
            normal = f"<= {high:.6g}" if mark in AT_MOST else f"{low:.6g} .. {high:.6g}"
            found.append(Departure(mark, normal, f"{here:.6g}"))
    return found


def profiles_for(profiles: Iterable[DeviceProfile], device: str | None) -> list[DeviceProfile]:
    """Return the profiles that name a recorder; if none does, those that name no recorder at all."""
    listed = list(profiles)
    return [one for one in listed if one.names(device)] or [one for one in listed if not one.devices]


def marks_of(features: Features) -> Marks:
    """Return the marks of a clip."""
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    if features["container"].rows:
        words |= _container(features)
    words |= _coding(features)
    numbers |= _groups(features) | _timing(features)
    if features.has("overlay.field"):
        overlay = features["overlay"]
        clear = (overlay["agreement"] >= _MIN_AGREEMENT) & (overlay["readings"] >= _MIN_READINGS)
        _overlay(overlay.where(clear), words, numbers)
    return Marks(words, {name: float(value) for name, value in numbers.items() if np.isfinite(value)})


def _container(features: Features) -> dict[str, str]:
    container, encoder, streams = features["container"], features["encoder"], features["streams"]
    paths = [re.sub(r"\[\d+\]", "", str(path)) for path in features["boxes"]["path"]]
    edits = features["edits"]
    counts = [f"{kind} {n}" for at, kind in _streams(streams) if (n := int((edits["stream"] == at).sum()))]
    tracks = [str(text) for text in encoder["text"][encoder["place"] == "handler"] if text]
    return {
        "container.format": _word(container["format"][0]),
        "container.brand": _word(container["brand"][0]),
        "container.boxes": " ".join(dict.fromkeys(path for path in paths if "/" not in path)) or NOTHING,
        "container.header": _tree([path for path in paths if path.split("/")[0] == "moov"]),
        "container.writer": _word(container["writer"][0]),
        "container.tracks": "; ".join(tracks)[:_TEXT] or NOTHING,
        "container.streams": " ".join(kind for _, kind in _streams(streams)) or NOTHING,
        "container.created": "stated" if container["created_at"][0] else NOTHING,
        "container.edits": ", ".join(counts) or NOTHING,
    }


def _streams(streams: Table) -> list[tuple[int, str]]:
    return [(int(at), str(kind)) for at, kind in zip(streams["stream"], streams["kind"], strict=True)]


def _word(value: object) -> str:
    return str(value)[:_TEXT] if value else NOTHING


def _tree(paths: Sequence[str]) -> str:
    """Return boxes as one line: moov(mvhd trak(tkhd …)); repeated neighbours once."""
    told, depth, last = "", -1, ""
    for path in paths:
        if path == last:
            continue
        here, last = path.count("/"), path
        told += "(" * (here > depth >= 0) + ")" * (depth - here) + " " * (0 <= here <= depth) + path.split("/")[-1]
        depth = here
    return told + ")" * max(depth, 0) or NOTHING


def _coding(features: Features) -> dict[str, str]:
    streams = features["streams"]
    words: dict[str, str] = {}
    if (row := examined_stream(features, "video")) is not None:
        stream = streams["stream"][row]
        sets = features["parameters"]
        used = sorted({str(one) for one in sets["sequence_sha256"][sets["stream"] == stream] if one})
        pictures = coded_pictures(features)
        types = set() if pictures is None else {str(one) for one in pictures["slice_type"] if one}
        encoder = features["encoder"]
        texts = [str(text) for text in encoder["text"][encoder["stream"] == stream] if text]
        named = next((text for text in texts if software(text, ENCODERS)), NOTHING)
        words |= {
            "video.codec": _word(streams["codec"][row]),
            "video.tag": _word(streams["tag"][row]),
            "video.profile": _word(streams["profile"][row]),
            "video.size": f"{streams['width'][row]:.0f}x{streams['height'][row]:.0f}",
            "video.encoder": named,
        }
        words |= {"video.sequence": " ".join(used)} if used else {}
        words |= {"video.types": "".join(sorted(types))} if types else {}
    row = examined_stream(features, "audio")
    words["sound.codec"] = NOTHING if row is None else _word(streams["codec"][row])
    if row is not None:
        words["sound.rate"] = f"{streams['sample_rate_hz'][row]:.0f} Hz"
        words["sound.channels"] = f"{streams['channels'][row]:.0f}"
    return words


def _groups(features: Features) -> dict[str, float]:
    """Return how many pictures lie from key picture to key picture, in the order of the file.

    The longest may be the last group, which the end of the clip cuts short: it is so long at least.
    """
    pictures = coded_pictures(features)
    if pictures is None or not pictures.rows:
        return {}
    keys = np.flatnonzero(pictures["key"].astype(bool))
    if not len(keys):
        return {}
    lengths = np.diff(keys)
    longest = {"gop.longest": float(max([*lengths, pictures.rows - keys[-1]]))}
    if not len(lengths):
        return longest
    return longest | {"gop.usual": float(np.median(lengths)), "gop.shortest": float(lengths.min())}


def _timing(features: Features) -> dict[str, float]:
    starts = {}
    numbers: dict[str, float] = {}
    streams, packets = features["streams"], features["packets"]
    for kind in ("video", "audio"):
        if (row := examined_stream(features, kind)) is None:
            continue
        own = (packets["stream"] == streams["stream"][row]) & np.isfinite(packets["time_s"])
        time_s = np.sort(packets["time_s"][own & ~packets["discard"].astype(bool)])
        if len(time_s):
            starts[kind] = float(time_s[0])
        if kind == "video":
            numbers["timing.rate_hz"] = float(streams["rate_in_header_hz"][row])
        if kind == "video" and len(time_s) > 1:
            steps_s = np.diff(time_s)
            usual_s = float(np.median(steps_s))
            numbers |= {"timing.step_s": usual_s, "timing.longest_s": float(steps_s.max())}
            numbers["timing.jitter_s"] = float(np.percentile(np.abs(steps_s - usual_s), 95))
    if "video" in starts:
        numbers["timing.start_s"] = starts["video"]
        if "audio" in starts:
            numbers["timing.sound_start_s"] = starts["audio"] - starts["video"]
    return numbers


def _overlay(overlay: Table, words: dict[str, str], numbers: dict[str, float]) -> None:
    """Add which lines stand in the picture, and where, in picture widths and heights."""
    fields = [str(field) for field in overlay["field"]]
    words["overlay.lines"] = " ".join(line for line in LINES if line in fields) or NOTHING
    for line in set(LINES) & {*fields}:
        rows = np.flatnonzero(overlay["field"] == line)
        row = rows[np.argmax(overlay["readings"][rows])]
        near = "left" if overlay["left"][row] < 1 - overlay["right"][row] else "right"  # the other ends with the text
        numbers |= {f"overlay.{line}.{side}": float(overlay[side][row]) for side in (near, "top", "bottom")}
        if line == "clock" and overlay["form"][row]:
            form = unicodedata.normalize("NFKC", str(overlay["form"][row]))
            words["overlay.clock.form"] = re.sub(r"\s", "", form)
