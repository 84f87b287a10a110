"""Stand-ins for recorders' files made from honest takes, and edits of their packets that encode nothing again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48000


@dataclass(frozen=True, slots=True)
class Take:
    """The first seconds of a clip in memory."""

    pictures: NDArray[np.uint8]
    """RGB, shape (pictures, height, width, 3)."""
    rate: Fraction
    sound: NDArray[np.float32]
    """Mono at 48 kHz; no samples if the clip has no sound."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a stand-in for a recorder encodes."""

    name: str
    codec: str
    options: dict[str, str]
    container: str = "mp4"


STYLES = (
    Style("H.264, group of 25, no B", "libx264", {"x264-params": "keyint=25:scenecut=0:bframes=0", "crf": "23"}),
    Style("H.264, group of 60, B, scene cuts", "libx264", {"x264-params": "keyint=60", "crf": "23"}),
    Style("H.264, group of 50, open", "libx264", {"x264-params": "keyint=50:open-gop=1:scenecut=0", "crf": "23"}),
    Style("HEVC, group of 30, open", "libx265", {"x265-params": "keyint=30:log-level=none:pools=none", "crf": "26"}),
    Style("MPEG-4 Visual in AVI, group of 25", "mpeg4", {"g": "25", "q": "5", "flags": "+qscale"}, "avi"),
)
"""Two of them keep a fixed distance of key frames as recorders' chips do; two have open groups of pictures."""


def load(path: Path, seconds: float = 12.0) -> Take:
    """Decode the first seconds of a clip at 384 x 216 as 30 pictures a second, with sound where it has any."""
    pictures = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate = Fraction(30)  # one for all: takes are to be joined
        for frame in container.decode(stream):
            pictures.append(frame.to_ndarray(format="rgb24", width=384, height=216))
            if len(pictures) >= seconds * rate:
                break
    return Take(np.stack(pictures), rate, sound_of(path, len(pictures) / float(rate)))


def sound_of(path: Path, seconds: float) -> NDArray[np.float32]:
    """Return up to `seconds` of sound, mono at 48 kHz; no samples if there is none."""
    blocks: list[NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        if container.streams.audio:
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE_HZ)
            for frame in container.decode(container.streams.audio[0]):
                blocks.extend(out.to_ndarray()[0] for out in resampler.resample(frame))
                if sum(map(len, blocks)) >= seconds * RATE_HZ:
                    break
    return np.concatenate(blocks)[: int(seconds * RATE_HZ)] if blocks else np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class Coded:
    """A packet on its own: what it holds, and when it is due (seconds)."""

    stream: int
    data: bytes
    key: bool
    pts_s: Fraction
    dts_s: Fraction
    duration_s: Fraction


def record(take: Take, style: Style, path: Path) -> Path:
    """Encode a take as a recorder of this style would; where it has no sound, noise stands in."""
    with av.open(str(path), "w", format=style.container) as out:
        video = out.add_stream(style.codec, rate=take.rate, options={"threads": "1", **_fast(style)})
        video.height, video.width = take.pictures.shape[1:3]
        video.pix_fmt = "yuv420p"
        audio = out.add_stream("aac" if style.container == "mp4" else "mp2", rate=RATE_HZ, layout="mono")
        for picture in take.pictures:
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
        length = int(len(take.pictures) / take.rate * RATE_HZ)
        sound = take.sound[:length]
        if len(sound) < length:
            noise = 0.02 * np.random.default_rng(len(take.pictures)).standard_normal(length)
            sound = noise.astype(np.float32)
        form, width = ("fltp", 1024) if style.container == "mp4" else ("s16p", 1152)
        if form == "s16p":
            sound = (sound * 32767).clip(-32768, 32767).astype(np.int16)
        for at in range(0, length - width, width):
            frame = av.AudioFrame.from_ndarray(sound[None, at : at + width], format=form, layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    return path


def _fast(style: Style) -> dict[str, str]:
    return style.options if style.codec == "mpeg4" else {"preset": "veryfast", **style.options}


def read(path: Path) -> list[Coded]:
    """Return every packet of a file, in its order."""
    with av.open(str(path)) as opened:
        found = []
        last = {stream.index: Fraction(0) for stream in opened.streams}
        for packet in opened.demux():
            if not packet.size:
                continue
            base = packet.time_base
            dts = packet.dts * base if packet.dts is not None else last[packet.stream_index]
            pts = packet.pts * base if packet.pts is not None else dts
            duration = (packet.duration or 0) * base
            last[packet.stream_index] = dts + duration
            found.append(Coded(packet.stream_index, bytes(packet), packet.is_keyframe, pts, dts, duration))
    return found


def write(packets: list[Coded], template: Path, path: Path) -> Path:
    """Write packets into a file whose streams are those of `template`; the name of `path` tells the container."""
    with av.open(str(template)) as taken, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as out:
        held = {packet.stream for packet in packets}
        streams = {s.index: out.add_stream_from_template(s) for s in taken.streams if s.index in held}
        bases = [stream.time_base for stream in taken.streams]
        reached: dict[int, int] = {}
        for coded in sorted(_in_order(packets), key=lambda p: p.dts_s):
            packet = av.Packet(coded.data)
            packet.stream, packet.time_base = streams[coded.stream], bases[coded.stream]
            packet.pts, packet.dts = (round(time / packet.time_base) for time in (coded.pts_s, coded.dts_s))
            # Two packets may be rounded to one tick of a coarse clock (AVI).
            packet.dts = reached[coded.stream] = max(packet.dts, reached.get(coded.stream, packet.dts - 1) + 1)
            packet.pts = max(packet.pts, packet.dts)
            packet.duration, packet.is_keyframe = round(coded.duration_s / packet.time_base), coded.key
            out.mux(packet)
    return path


def _in_order(packets: list[Coded]) -> list[Coded]:
    """Give the pictures new decoding times where those that they have do not rise (open groups were cut)."""
    pictures = [packet for packet in packets if packet.stream == 0]
    if all(one.dts_s < other.dts_s for one, other in pairwise(pictures)):
        return packets
    shown = sorted(packet.pts_s for packet in pictures)
    lead_s = max(time - packet.pts_s for time, packet in zip(shown, pictures, strict=True))
    anew = [replace(packet, dts_s=time - lead_s) for time, packet in zip(shown, pictures, strict=True)]
    return anew + [packet for packet in packets if packet.stream]


Cut = Callable[[list[Coded], list[Coded]], tuple[list[Coded], float] | None]
"""(packets, packets of another take) → packets after the edit, and its time; None where there is no room for it."""


def _pictures(packets: list[Coded]) -> list[Coded]:
    return [packet for packet in packets if packet.stream == 0]


def _keys(packets: list[Coded]) -> list[Fraction]:
    return [packet.pts_s for packet in _pictures(packets) if packet.key]


def _without(packets: list[Coded], start_s: Fraction, stop_s: Fraction, shift_s: Fraction) -> list[Coded]:
    """Leave out what is shown from `start_s` to `stop_s` and move what comes later."""
    kept = []
    for packet in packets:
        if start_s <= packet.pts_s < stop_s:
            continue
        if packet.pts_s >= stop_s:
            moved = replace(packet, pts_s=packet.pts_s - shift_s, dts_s=packet.dts_s - shift_s)
            kept.append(moved)
        else:
            kept.append(packet)
    return kept


def gap_between_keys(groups: int) -> Cut:
    """Take out whole groups of pictures with their sound, and close the times up."""

    def cut(packets: list[Coded], _other: list[Coded]) -> tuple[list[Coded], float] | None:
        keys = _keys(packets)
        first = len(keys) // 2 - groups // 2
        if first < 1 or first + groups >= len(keys):
            return None
        start_s, stop_s = keys[first], keys[first + groups]
        return _without(packets, start_s, stop_s, stop_s - start_s), float(start_s)

    return cut


def gap_to_key(packets: list[Coded], _other: list[Coded]) -> tuple[list[Coded], float] | None:
    """End the first part anywhere, go on from a key frame: what players' and FFmpeg's trims leave."""
    keys, pictures = _keys(packets), sorted(packet.pts_s for packet in _pictures(packets))
    if len(keys) < 3:
        return None
    stop_s = keys[-(len(keys) // 3) - 1]
    previous = max(key for key in keys if key < stop_s)
    inside = [time for time in pictures if previous < time < stop_s]
    start_s = inside[len(inside) // 3]
    return _without(packets, start_s, stop_s, stop_s - start_s), float(start_s)


def joined(packets: list[Coded], other: list[Coded]) -> tuple[list[Coded], float] | None:
    """Put another take, from a key frame in its middle on, behind the first half, as FFmpeg's concat does."""
    keys, others = _keys(packets), _keys(other)
    if len(keys) < 3 or len(others) < 3:
        return None
    stop_s, from_s = keys[len(keys) // 2], others[len(others) // 2]
    first = [packet for packet in packets if packet.pts_s < stop_s]
    end_s = max(packet.pts_s + packet.duration_s for packet in first)
    second = [
        replace(packet, pts_s=packet.pts_s - from_s + end_s, dts_s=packet.dts_s - from_s + end_s)
        for packet in other
        if packet.pts_s >= from_s
    ]
    return first + second, float(stop_s)


def dropped(count: int, *, close: bool) -> Cut:
    """Leave `count` pictures out of the middle of a group; their times stay empty, or are closed up."""

    def cut(packets: list[Coded], _other: list[Coded]) -> tuple[list[Coded], float] | None:
        pictures = sorted(packet.pts_s for packet in _pictures(packets))
        keys = _keys(packets)
        middle = bisect_left(pictures, keys[len(keys) // 2]) + 2
        if middle + count >= len(pictures) - 2:
            return None
        start_s, stop_s = pictures[middle], pictures[middle + count]
        if close:
            return _without(packets, start_s, stop_s, stop_s - start_s), float(start_s)
        return [p for p in packets if p.stream or not start_s <= p.pts_s < stop_s], float(start_s)

    return cut


def hidden_start(packets: list[Coded], _other: list[Coded]) -> tuple[list[Coded], float] | None:
    """Let the first two seconds lie before 0 s, so that the writer hides them by an edit list."""
    return [replace(p, pts_s=p.pts_s - 2, dts_s=p.dts_s - 2) for p in packets], 0.0


def silent(cut: Cut) -> Cut:
    """Do the same to a file without sound."""

    def without(packets: list[Coded], other: list[Coded]) -> tuple[list[Coded], float] | None:
        return cut(_pictures(packets), _pictures(other))

    return without


CUTS: dict[str, Cut] = {
    "1 group removed between key frames": gap_between_keys(1),
    "2 groups removed between key frames": gap_between_keys(2),
    "cut anywhere, on from a key frame": gap_to_key,
    "join of two takes": joined,
    "1 group removed, no sound": silent(gap_between_keys(1)),
    "2 groups removed, no sound": silent(gap_between_keys(2)),
    "cut anywhere, no sound": silent(gap_to_key),
    "10 packets dropped, times closed up": dropped(10, close=True),
    "25 packets dropped, times kept": dropped(25, close=False),
    "2 s hidden by an edit list": hidden_start,
}
REMUXES = ("mkv", "mov", "ts", "mp4")
