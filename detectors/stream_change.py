"""Joins and removals without re-encoding: the coded stream does not go on as one encoder writes it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from detectors._joins import Ground, coded_pictures
from detectors._joins_habits import (
    cadence,
    changed_sets,
    marks_of_keys,
    seams,
    sound_restarts,
    stated_keys,
    texts_again,
    together,
)
from detectors._joins_numbers import broken_links, holes_in_order, key_numbers, own_times, picture_numbers
from detectors._timeline import examined_stream, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar, Table

SAYS = {
    "other-encoder": "From here on another encoder has written the pictures ({text}).",
    "parameter-set": "From here on the pictures were encoded with other settings.",
    "reference-mark": "From here on the key frames are marked in another way: another encoder has written them.",
    "encoder-restart": "The encoder names itself again in the middle ({text}): it was started anew here.",
    "broken-link": "The stream itself marks this key frame as a place where it was joined.",
    "picture-number": "The encoder's numbers of the pictures do not go on here: pictures are missing.",
    "picture-order": "The order of the pictures has a hole of {pictures_lacking} here that the times do not show.",
    "own-time": "The times inside the pictures jump by {jump_s:.2f} s against the times of the file.",
    "key-frame-number": "The encoder's numbers of the key frames do not go on here as elsewhere.",
    "sound-encoder-restart": "The encoder of the sound falls out of step here: another run of it goes on.",
    "key-frame-cadence": "Here a key frame comes after {pictures_in_group} pictures; everywhere else after {usual}.",
    "picture-seam": "Here the exact cadence of the pictures is off by a fraction of a picture.",
    "sound-seam": "Here the exact cadence of the sound is off by a fraction of a packet.",
}
"""Ground → what it says; the gravest first."""
WEAK = {"key-frame-cadence", "picture-seam", "sound-seam"}
"""Grounds that have honest causes: a scene cut, a clock that was set. Two of them at one instant make a suspicion."""


_MOST_KEYS = 0.2
"""Where a larger share of the pictures are key frames, being at one says nothing."""


@detector(
    "stream-change",
    version=1,
    needs=(
        "streams.stream",
        "streams.kind",
        "streams.default",
        "streams.codec",
        "streams.time_base_s",
        "packets.stream",
        "packets.time_s",
        "packets.dts_s",
        "packets.key",
        "packets.discard",
        "packets.nal_type",
        "packets.reference",
        "packets.frame_num",
        "packets.idr_pic_id",
        "packets.poc",
        "packets.coded_s",
        "packets.params",
        "parameters.stream",
        "parameters.params",
        "parameters.sequence_sha256",
        "parameters.frame_num_bits",
        "parameters.poc_bits",
        "parameters.gaps_allowed",
        "encoder.stream",
        "encoder.place",
        "encoder.text",
        "encoder.time_s",
    ),
    emits=("stream-change",),
)
def stream_change(
    features: Features, *, reach_s: float = 0.05, fixed_groups: int = 8, max_alone: int = 5
) -> Iterator[Finding]:
    """Yield one finding for each instant at which the coded stream changes or skips, with all its grounds.

    An encoder numbers its pictures (H.264 `frame_num` and `idr_pic_id`, picture order counts of H.264 and HEVC, times
    of MPEG-4 Visual), writes its parameter sets and its own name in one way, and sets key frames by its own rule. Where
    recordings were joined, or pictures taken out, without encoding again, these go on as if nothing had happened, and
    so do not fit together. What honest streams do as well (a key frame at a scene cut, one odd step of the times) is a
    note unless two such signs meet, or the step lies at a key frame, where alone a stream can be joined.

    Parameters
    ----------
    reach_s : float
        Signs that lie this near to each other belong to one instant (seconds).
    fixed_groups : int
        One single odd distance between key frames, among at least so many groups of pictures that are equal, is
        suspect by itself, if no encoder is known to have set the key frames by the content.
    max_alone : int
        More notes than this of one kind are told as one.

    References
    ----------
    ITU-T H.264, 7.4.1.2.4, 7.4.3 and 8.2.1; ITU-T H.265, 7.4.2.4.4 and 8.3.1; ISO/IEC 14496-2, 6.3.5; S. Gloe, A.
    Fischer, M. Kirchner, "Forensic analysis of video file formats", Digital Investigation 11 (2014), S68-S76.
    """
    pictures = coded_pictures(features)
    if pictures is None or pictures.rows < 2:
        return
    grounds = sorted(_grounds(features, pictures, fixed_groups), key=lambda ground: ground.stop_s)
    instants = _together([ground for ground in grounds if not _explained(ground, grounds)], reach_s)
    notes: list[Finding] = []
    for grounds in instants:
        finding = _finding(features, grounds)
        if finding.level is Level.NOTE:
            notes.append(finding)
        else:
            yield finding
    if len(notes) <= max_alone:
        yield from notes


def _grounds(features: Features, pictures: Table, fixed_groups: int) -> Iterator[Ground]:
    video, audio = examined_stream(features, "video"), examined_stream(features, "audio")
    stream = int(features["streams"]["stream"][video]) if video is not None else -1
    texts, sets = features["encoder"], features["parameters"]
    sets = sets.where(sets["stream"] == stream)
    yield from changed_sets(pictures, sets)
    yield from texts_again(pictures, texts, stream)
    yield from marks_of_keys(pictures)
    if len(set(sets["sequence_sha256"].tolist())) <= 1:  # elsewhere every change of the set restarts the numbers
        frame_num_bits, poc_bits = (_one(sets, name) for name in ("frame_num_bits", "poc_bits"))
        yield from picture_numbers(pictures, frame_num_bits, bool(sets["gaps_allowed"].any()))
        yield from holes_in_order(pictures, poc_bits)
    yield from key_numbers(pictures)
    yield from broken_links(pictures)
    yield from own_times(pictures)
    named = texts["text"][(texts["stream"] == stream) & np.isin(texts["place"], ("sei", "header sei"))]
    yield from cadence(pictures, stated_keys([str(text) for text in named]), fixed_groups)
    key = pictures["key"].astype(bool)
    keys_s = pictures["time_s"][key & (key.mean() <= _MOST_KEYS)]
    ticks_s = features["streams"]["time_base_s"]
    yield from seams(pictures, keys_s, float(ticks_s[video]) if video is not None else math.nan, "picture-seam")
    if audio is not None:
        number = int(features["streams"]["stream"][audio])
        packets = features["packets"]
        sound = packets.where((packets["stream"] == number) & np.isfinite(packets["time_s"]))
        yield from sound_restarts(pictures, sound, texts, number)
        if not str(features["streams"]["codec"][audio]).startswith("pcm"):  # packets of any length
            yield from seams(sound, keys_s, float(ticks_s[audio]), "sound-seam")


def _one(sets: Table, name: str) -> float:
    return float(sets[name][0]) if sets.rows else math.nan


def _together(grounds: Iterable[Ground], reach_s: float) -> list[list[Ground]]:
    """Gather grounds that lie at one instant; they come in order of time."""
    instants: list[list[Ground]] = []
    for ground in grounds:
        if instants and any(together(ground, other, reach_s) for other in instants[-1]):
            instants[-1].append(ground)
        else:
            instants.append([ground])
    return instants


def _explained(ground: Ground, grounds: list[Ground]) -> bool:
    """Tell whether a group of pictures is short because of a place inside it from which pictures were taken."""
    if ground.name != "key-frame-cadence":
        return False
    start_s = ground.stop_s - float(ground.facts["group_s"] or 0.0)
    return any(
        other.name in {"picture-number", "picture-order", "own-time"} and start_s < other.stop_s < ground.stop_s - 1e-6
        for other in grounds
    )


def _finding(features: Features, grounds: list[Ground]) -> Finding:
    order = list(SAYS)
    grounds = sorted(grounds, key=lambda ground: order.index(ground.name))
    names = list(dict.fromkeys(ground.name for ground in grounds))
    first = grounds[0]
    narrow = min(grounds, key=lambda ground: ground.stop_s - ground.start_s)
    suspect = any(name not in WEAK for name in names) or len(names) > 1
    suspect |= any(ground.facts.get("at_key_frame") or ground.facts.get("by_rule") for ground in grounds)
    level = Level.VIOLATION if first.name == "other-encoder" else Level.SUSPECT if suspect else Level.NOTE
    facts: dict[str, Scalar] = {}
    for ground in grounds:
        facts.update({name: value for name, value in ground.facts.items() if name not in facts})
    return Finding(
        kind="stream-change",
        level=level,
        span=span_of(features, narrow.start_s, narrow.stop_s),
        message=Message(SAYS[first.name], {name: value for name, value in first.facts.items() if name in _FIELDS}),
        evidence={"grounds": names, **facts},
    )


_FIELDS = {"text", "pictures_lacking", "jump_s", "pictures_in_group", "usual"}
