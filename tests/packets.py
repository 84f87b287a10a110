"""Footage drawn as text: streams of pictures, tampered with, and the rows that findings mark.

    cut = stream("IPPPIPPP").drop(6)
    assert mark(cut, timestamp_gap(cut.features())) == ".....xx"

`mark` draws an "x" for every picture inside a finding's span; a joint between two pictures is drawn on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.features.schema import TABLES, table
from pipeline.model import Features, Finding, Table

Rows = list[dict[str, object]]

EMPTY = Features({name: table(name, []) for name in TABLES})
"""Every table was measured and nothing was found."""

STILL_LIFE: Mapping[str, object] = {
    "interlaced": False,
    "damaged": False,
    "width": 1280,
    "height": 720,
    "luma_mean": 110.0,
    "luma_std": 45.0,
    "luma_p01": 20.0,
    "luma_p99": 220.0,
    "sharpness": 200.0,
    "luma_diff": 5.0,
    "luma_diff_max": 20.0,
    "hist_distance": 0.03,
    "shift_x": 0.001,
    "shift_y": 0.0,
    "shift_response": 0.6,
    "residual": 4.0,
    "skip_diff": 8.0,
}
"""What a picture of a calmly moving camera measures."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Pictures with their times, in the order in which they lie in the file and are shown."""

    types: tuple[str, ...]
    time_s: tuple[float, ...]
    duration_s: tuple[float, ...]
    rate_hz: float

    def drop(self, *positions: int) -> Stream:
        """Take pictures out; the times of the others stay."""
        kept = [i for i in range(len(self.types)) if i not in positions]
        return self._of(kept)

    def swap(self, one: int, other: int) -> Stream:
        """Let two pictures change their times."""
        time_s = list(self.time_s)
        time_s[one], time_s[other] = time_s[other], time_s[one]
        return replace(self, time_s=tuple(time_s))

    def at(self, *time_s: float) -> Stream:
        """Give every picture a time of its own (seconds)."""
        return replace(self, time_s=time_s)

    def later(self, position: int, seconds: float) -> Stream:
        """Move this picture and all after it by `seconds`; negative: back."""
        moved = [t + seconds if i >= position else t for i, t in enumerate(self.time_s)]
        return replace(self, time_s=tuple(moved))

    def stretched(self) -> Stream:
        """State for every picture a duration that lasts until the next, as MP4 does."""
        step = [*np.diff(self.time_s).tolist(), 1 / self.rate_hz]
        return replace(self, duration_s=tuple(step))

    def _of(self, kept: Sequence[int]) -> Stream:
        return replace(
            self,
            types=tuple(self.types[i] for i in kept),
            time_s=tuple(self.time_s[i] for i in kept),
            duration_s=tuple(self.duration_s[i] for i in kept),
        )

    def features(
        self,
        *,
        sound: Table | None = None,
        sound_packets: Rows | None = None,
        edits: Rows | None = None,
        boxes: Rows | None = None,
        container: Mapping[str, object] | None = None,
        video: Mapping[str, object] | None = None,
        packets: Mapping[str, Sequence[object]] | None = None,
        **frames: Sequence[float],
    ) -> Features:
        """Return the tables of a clip with these pictures; every argument replaces what is otherwise consistent.

        `video` replaces columns of the picture stream, `packets` columns of its packets, `frames` measurements.
        """
        end_s = max((t + d for t, d in zip(self.time_s, self.duration_s, strict=True)), default=0.0)
        tables = {name: table(name, []) for name in TABLES}
        tables["container"] = table("container", [{**_CONTAINER, "duration_in_header_s": end_s, **(container or {})}])
        tables["boxes"] = table("boxes", _BOXES if boxes is None else boxes)
        streams: Rows = [
            {
                **_VIDEO,
                "rate_in_header_hz": self.rate_hz,
                "frames_in_header": len(self.types),
                "duration_in_header_s": end_s,
                **(video or {}),
            }
        ]
        heard = sound if sound is not None else steady_sound(end_s)
        if heard.rows:
            streams.append({**_AUDIO, "duration_in_header_s": float(heard["time_s"][-1] + 0.02)})
        tables["streams"] = table("streams", streams)
        tables["packets"] = table("packets", self._packets(packets or {}) + _sound_packets(heard, sound_packets))
        tables["frames"] = table("frames", self._frames(frames))
        tables["sound"] = heard
        tables["edits"] = table("edits", edits or [])
        return Features(tables)

    def _packets(self, columns: Mapping[str, Sequence[object]]) -> Rows:
        rows: Rows = []
        for i, (kind, t, d) in enumerate(zip(self.types, self.time_s, self.duration_s, strict=True)):
            row: dict[str, object] = {
                "stream": 0,
                "pts": round(t * 90000),
                "dts": round(t * 90000),
                "time_s": t,
                "dts_s": t,
                "duration_s": d,
                "size_bytes": 9000 if kind == "I" else 2000,
                "key": kind == "I",
                "position_bytes": 100 + 3000 * i,
                "corrupt": False,
                "discard": False,
            }
            rows.append({**row, **{name: values[i] for name, values in columns.items()}})
        return rows

    def _frames(self, columns: Mapping[str, Sequence[float]]) -> Rows:
        rows: Rows = []
        for i, (kind, t, d) in enumerate(zip(self.types, self.time_s, self.duration_s, strict=True)):
            row: dict[str, object] = {
                **STILL_LIFE,
                "pts": round(t * 90000),
                "time_s": t,
                "duration_s": d,
                "key": kind == "I",
                "picture_type": kind,
            }
            if i == 0:
                pair = (
                    "luma_diff",
                    "luma_diff_max",
                    "hist_distance",
                    "shift_x",
                    "shift_y",
                    "shift_response",
                    "residual",
                )
                row.update(dict.fromkeys(pair, float("nan")))
            if i < 2:
                row["skip_diff"] = float("nan")
            rows.append({**row, **{name: values[i] for name, values in columns.items()}})
        return rows


def stream(types: str, rate_hz: float = 25.0) -> Stream:
    """Return a stream of pictures of an even rate; one letter a picture, I being a key frame."""
    count = len(types)
    return Stream(
        types=tuple(types),
        time_s=tuple(i / rate_hz for i in range(count)),
        duration_s=(1 / rate_hz,) * count,
        rate_hz=rate_hz,
    )


def drawn(picture: str, **levels: float) -> list[float]:
    """Return a curve: one value for each letter, `levels` naming the value of a letter; "." is `levels["rest"]`."""
    rest = levels.pop("rest")
    return [levels.get(letter, rest) for letter in picture]


def drawn_sound(picture: str, rms_dbfs: float = -45.0) -> Table:
    """Return sound: a letter is 0.1 s; "_" is digital silence, anything else is ambience."""
    rows: Rows = []
    for i, letter in enumerate(np.repeat(list(picture), 5)):
        silent = letter == "_"
        rows.append(
            {
                "time_s": i * 0.02,
                "duration_s": 0.02,
                "rms_dbfs": -120.0 if silent else rms_dbfs,
                "peak_dbfs": -120.0 if silent else rms_dbfs + 12,
                "zero_fraction": 1.0 if silent else 0.01,
            }
        )
    return table("sound", rows)


def steady_sound(seconds: float) -> Table:
    """Return ambience that lasts for `seconds`."""
    return drawn_sound("-" * max(0, round(seconds * 10)))


def mark(stream: Stream, findings: Iterable[Finding]) -> str:
    """Draw one letter a picture: "x" inside a finding's span, "." elsewhere; a joint marks both its sides."""
    time_s = np.array(stream.time_s)
    marked = np.zeros(len(time_s), dtype=bool)
    for finding in findings:
        span = finding.span
        inside = (time_s >= span.start_s - 1e-9) & (time_s < span.stop_s - 1e-9)
        if inside.sum() <= 1:
            inside |= np.abs(time_s - span.stop_s) < 1e-9
        marked |= inside
    return "".join("x" if m else "." for m in marked)


def kinds(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return (kind, level) of every finding."""
    return [(finding.kind, finding.level.value) for finding in findings]


def _sound_packets(heard: Table, rows: Rows | None) -> Rows:
    if rows is not None:
        return rows
    end_s = float(heard["time_s"][-1] + 0.02) if heard.rows else 0.0
    return sound_packets(np.arange(0.0, end_s, 1024 / 48000).tolist())


def sound_packets(times_s: Sequence[float]) -> Rows:
    """Return AAC packets at these times."""
    packet: dict[str, Any] = {
        "stream": 1,
        "duration_s": 1024 / 48000,
        "size_bytes": 300,
        "key": True,
        "corrupt": False,
        "discard": False,
    }
    return [{**packet, "time_s": t, "dts_s": t} for t in times_s]


_CONTAINER: dict[str, object] = {
    "format": "mp4",
    "brand": "isom",
    "bytes": 100_000,
    "bytes_expected": 100_000,
    "index_found": True,
}
_BOXES: Rows = [
    {"path": "ftyp", "type": "ftyp", "offset_bytes": 0, "size_bytes": 32, "complete": True},
    {"path": "moov", "type": "moov", "offset_bytes": 32, "size_bytes": 968, "complete": True},
    {"path": "mdat", "type": "mdat", "offset_bytes": 1000, "size_bytes": 99_000, "complete": True},
]
_VIDEO: dict[str, object] = {
    "stream": 0,
    "kind": "video",
    "codec": "h264",
    "tag": "avc1",
    "time_base_s": 1 / 90000,
    "width": 1280,
    "height": 720,
    "rotation_deg": 0.0,
    "start_in_header_s": 0.0,
    "default": True,
}
_AUDIO: dict[str, object] = {
    "stream": 1,
    "kind": "audio",
    "codec": "aac",
    "tag": "mp4a",
    "time_base_s": 1 / 48000,
    "rotation_deg": 0.0,
    "sample_rate_hz": 48000,
    "channels": 1,
    "start_in_header_s": 0.0,
    "default": True,
}
