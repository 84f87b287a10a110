"""Whether browsers play a clip as it is, at the clip's own times; told from the tables, never from the file's name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.model import Features, Message, Table
from pipeline.report.wording import N_
from pipeline.review.frames import video_stream

Known = Mapping[str, Mapping[str, Collection[str] | None]]
"""Container → codec → profiles that Chromium and Firefox both play; None: all."""
H264 = frozenset({"Baseline", "Constrained Baseline", "Main", "High", "Progressive High"})
"""Profiles with 8 bits and 4:2:0 that browsers promise to play."""
PICTURES: Known = {
    "mp4": {"h264": H264, "vp9": {"Profile 0"}, "av1": {"Main"}},
    "webm": {"vp8": None, "vp9": {"Profile 0"}, "av1": {"Main"}},
}
SOUNDS: Known = {
    "mp4": {"aac": {"LC", "HE-AAC", "HE-AACv2", "Main"}, "mp3": None, "opus": None, "flac": None},
    "webm": {"vorbis": None, "opus": None},
}
MEDIA_TYPES = {"mp4": "mp4", "webm": "webm"}
STARTS_S = 0.001
"""A clip that begins later than this begins at another time in some browsers."""
TRIMS_S = 0.1
"""What an edit list may skip lawfully: priming of a sound encoder, and rounding."""
REORDERED = 4
"""Pictures that it may skip for the reordering of B pictures."""
HOLE_S = 0.05
"""A longer hole in the sound makes players lose its time."""

NO_STREAMS = N_("Neither pictures nor sound of it are known.")
CONTAINER = N_("Browsers do not play the container {format}.")
FRAGMENTS = N_("It is written in fragments, in which browsers cannot seek reliably.")
UNFINISHED = N_("The file is cut off or has no index.")
CODEC = N_("Browsers do not play {codec} ({profile}) in {format}.")
SEVERAL = N_("It has several streams of pictures or of sound; a browser might choose another than the one examined.")
EDITS = N_("It has an edit list that hides, delays or repeats a part.")
STARTS = N_("It begins at {start_s:.3f} s; browsers differ on what they show before.")
DISORDER = N_("Times of its pictures repeat or run back.")
HOLES = N_("Its sound has holes, after which browsers would play it too early.")
DAMAGED = N_("Some of its pictures cannot be decoded whole; browsers stop there.")
SIZES = N_("The size of its pictures changes.")
TURNED = N_("Its container states a turn that browsers do not follow.")


@dataclass(frozen=True, slots=True)
class Playable:
    """Whether browsers play a clip as it is."""

    media_type: str | None
    """What it is served as; None if a copy is needed."""
    reasons: tuple[Message, ...] = ()
    """Why a copy is needed; empty if none is."""

    @property
    def direct(self) -> bool:
        """Whether browsers play it as it is, at the times of its presentation timeline."""
        return self.media_type is not None


def playable(features: Features) -> Playable:
    """Tell whether Chromium and Firefox both play a clip as it is, and show each picture at its presentation time.

    Parameters
    ----------
    features : Features
        The tables of the clip. Of one that was not decoded (triage) only container, codecs and packets are judged.
    """
    if not features.has("container.format") or not features["container"].rows or not features.has("streams.default"):
        return Playable(None, (Message(NO_STREAMS),))
    container = str(features["container"]["format"][0])
    streams = features["streams"]
    shown = streams.where(streams["default"].astype(bool))
    reasons = [*_of_container(features, container), *_of_streams(container, streams, shown), *_of_times(features)]
    if not shown.rows:
        reasons.append(Message(NO_STREAMS))
    if reasons:
        return Playable(None, tuple(reasons))
    kind = "video" if "video" in shown["kind"] else "audio"
    return Playable(f"{kind}/{MEDIA_TYPES[container]}")


def _of_container(features: Features, container: str) -> Iterator[Message]:
    row = {name: column[0] for name, column in features["container"].items()}
    if container not in MEDIA_TYPES:
        yield Message(CONTAINER, {"format": container})
    if "boxes" in features and "moof" in features["boxes"]["type"]:
        yield Message(FRAGMENTS)
    expected = row["bytes_expected"]
    if not row["index_found"] or (np.isfinite(expected) and expected > row["bytes"]):
        yield Message(UNFINISHED)


def _of_streams(container: str, streams: Table, shown: Table) -> Iterator[Message]:
    for kind, known in (("video", PICTURES), ("audio", SOUNDS)):
        for row in np.flatnonzero(shown["kind"] == kind).tolist():
            codec, profile = str(shown["codec"][row]), shown["profile"][row]
            codecs = known.get(container, {})
            allowed = codecs.get(codec)
            if container in known and (codec not in codecs or (allowed is not None and profile not in allowed)):
                yield Message(CODEC, {"codec": codec, "profile": str(profile or "–"), "format": container})
            if container != "mp4" and np.nan_to_num(shown["rotation_deg"][row]):
                yield Message(TURNED)
    if any(int((streams["kind"] == kind).sum()) > 1 for kind in ("video", "audio")):
        yield Message(SEVERAL)


def _of_times(features: Features) -> Iterator[Message]:
    if not _edits_are_plain(features):
        yield Message(EDITS)
    starts = [float(times[0]) for times in _times(features).values() if len(times)]
    if starts and (min(starts) < -STARTS_S or max(starts) > STARTS_S):
        yield Message(STARTS, {"start_s": min(starts) if min(starts) < -STARTS_S else max(starts)})
    if "frames" in features and features["frames"].rows:
        frames = features["frames"]
        if not np.isfinite(frames["time_s"]).all() or (np.diff(frames["time_s"]) <= 0).any():
            yield Message(DISORDER)
        if frames["damaged"].any() or _failed(features):
            yield Message(DAMAGED)
        if len(np.unique(frames["width"])) > 1 or len(np.unique(frames["height"])) > 1:
            yield Message(SIZES)
    if "sound" in features and features["sound"].rows:
        sound = features["sound"]
        steps_s = sound["time_s"][1:] - (sound["time_s"] + sound["duration_s"])[:-1]
        if (np.abs(steps_s) > HOLE_S).any():
            yield Message(HOLES)


def _times(features: Features) -> dict[str, Any]:
    """Return the times of pictures and sound: as they were decoded, or, where they were not, of their packets."""
    found = {name: features[name]["time_s"] for name in ("frames", "sound") if name in features}
    video = video_stream(features)
    if "frames" not in found and "packets" in features and video is not None:
        packets = features["packets"]
        rows = (packets["stream"] == video[0]) & ~packets["discard"].astype(bool) & np.isfinite(packets["time_s"])
        found["frames"] = np.sort(packets["time_s"][rows])
    return found


def _failed(features: Features) -> bool:
    """Tell whether packets of pictures were refused by the decoder."""
    if "examined" not in features:
        return False
    examined = features["examined"]
    return bool((examined["value"][examined["measure"] == "frames_failed"] > 0).any())


def _edits_are_plain(features: Features) -> bool:
    """Tell whether edit lists skip no more than what encoders need, so that they hide nothing that was recorded."""
    if "edits" not in features or not features["edits"].rows:
        return True
    edits, video = features["edits"], video_stream(features)
    if "packets" in features and video is not None:
        packets = features["packets"]
        if packets["discard"][packets["stream"] == video[0]].any():
            return False
    for stream in np.unique(edits["stream"]).tolist():
        own = edits.where(edits["stream"] == stream)
        start_s, length_s = float(own["media_start_s"][0]), float(own["duration_s"][0])
        allowed_s = TRIMS_S
        if video is not None and stream == video[0]:
            rate_hz = float(features["streams"]["rate_in_header_hz"][features["streams"]["stream"] == stream][0])
            allowed_s = max(TRIMS_S, REORDERED / rate_hz) if rate_hz > 0 else TRIMS_S
        tail_s = float(own["media_s"][0]) - (start_s + length_s) if length_s > 0 else 0.0
        plain = own.rows == 1 and abs(float(own["rate"][0]) - 1.0) < 1e-3
        if not plain or not 0 <= start_s <= allowed_s or tail_s > allowed_s:
            return False
    return True
