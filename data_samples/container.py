"""Writing sample clips: encoding, and edits of the file that touch no picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray
from scene import FPS, SIZE, Bgr
from sound import RATE_HZ, Sound


def encode(
    path: Path,
    pictures: Iterable[Bgr | av.VideoFrame],
    sound: Sound,
    *,
    faststart: bool = True,
    size: tuple[int, int] = SIZE,
    fps: int = FPS,
) -> None:
    """Write H.264 and AAC into an MP4: what a recorder writes, and what an editor writes when it re-encodes.

    A key picture stands each second, as recorders have it.
    """
    flags = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", options=flags) as out:
        out.metadata["creation_time"] = "2026-03-18T01:42:05Z"
        # One thread: with more, the same pictures do not always give the same bytes.
        video = out.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "24", "threads": "1"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.gop_size = fps
        video.codec_context.max_b_frames = 0
        video.codec_context.options = {**video.codec_context.options, "x264-params": f"scenecut=0:keyint={fps}"}
        heard = out.add_stream("aac", rate=RATE_HZ, layout="mono", bit_rate=64_000)
        done = 0
        for number, picture in enumerate(pictures):
            if isinstance(picture, av.VideoFrame):
                frame, frame.pict_type = picture, PictureType.NONE  # else the encoder repeats the old key pictures
            else:
                frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
            due = min(len(sound), round((number + 1) / fps * RATE_HZ))
            out.mux(heard.encode(_audio_frame(sound, done, due)))
            done = due
        for stream in (video, heard):
            out.mux(stream.encode(None))


def _audio_frame(sound: Sound, start: int, stop: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None, start:stop]), "fltp", "mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
    return frame


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    """Yield the pictures of a clip, 1280 x 720, yuv420p."""
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def decoded_sound(path: Path) -> Sound:
    """Return the sound of a clip: mono, 48 kHz, float32."""
    with av.open(str(path)) as container:
        pieces: list[NDArray[np.float32]] = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return np.concatenate(pieces)


def copy_packets(
    source: Path,
    target: Path,
    keep: Callable[[str, float], bool],
    *,
    shift_s: float = 0.0,
    sound: Sound | None = None,
) -> None:
    """Copy packets without decoding them, as `ffmpeg -c copy` does.

    `keep(type, time_s)` says which of the packets ("video", "audio") to take; times stay as they are, less `shift_s`.
    Packets that come to lie before 0 are kept in the file and hidden by an edit list. With `sound`, that is encoded in
    place of the file's own.
    """
    options = {"movflags": "+faststart", "avoid_negative_ts": "disabled"}
    with av.open(str(source)) as given, av.open(str(target), "w", options=options) as out:
        out.metadata["creation_time"] = "2026-03-18T01:42:05Z"
        kinds = {"video"} if sound is not None else {s.type for s in given.streams if keep(s.type, 0.0)}
        copied = {s.index: out.add_stream_from_template(s) for s in given.streams if s.type in kinds}
        heard = out.add_stream("aac", rate=RATE_HZ, layout="mono", bit_rate=64_000) if sound is not None else None
        if sound is not None:
            for start in range(0, len(sound), RATE_HZ):
                out.mux(heard.encode(_audio_frame(sound, start, min(start + RATE_HZ, len(sound)))))
            out.mux(heard.encode(None))
        for packet in given.demux():
            if packet.dts is None or packet.stream.index not in copied:
                continue
            if keep(packet.stream.type, float(packet.pts * packet.time_base)):
                shift = round(shift_s / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copied[packet.stream.index]
                out.mux(packet)
