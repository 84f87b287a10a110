"""How a forgery is written: encoder, its settings, container."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import cv2

from pipeline.errors import SettingsError
from pipeline.model import Message

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CODECS = ("libx264", "libx265", "mpeg4", "mjpeg")
CONTAINERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "mp4": ("mp4", CODECS),
    "mov": ("mov", CODECS),
    "mkv": ("matroska", CODECS),
    "avi": ("avi", ("libx264", "mpeg4", "mjpeg")),
    "ts": ("mpegts", ("libx264", "libx265", "mpeg4")),
}
"""File extension → FFmpeg's muxer, and the codecs that it takes."""
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
_MPEG4_MOST_REORDERED = 2
_AVX_512F = 13
"""OpenCV's number of this instruction set. With it x264's macroblock tree reads beyond the picture where the width in
macroblocks suits it ill (160 and 480 px were seen): the same pictures then give, now and again, other bytes."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to write a clip."""

    codec: str = "libx264"
    crf: int = 23
    """Constant rate factor of x264 and x265; MPEG-4 and MJPEG get the quantiser scale of like coarseness."""
    gop: int = 60
    """Pictures from key picture to key picture, at most."""
    bframes: int = 2
    """Pictures between two reference pictures, at most; none in AVI, whose index knows no order of showing."""
    preset: str = "veryfast"
    """Of x264 and x265."""
    container: str = "mp4"
    scenecut: bool = True
    """The encoder may set a key picture where the picture changes, as editing programs do and recorders do not."""

    def __post_init__(self) -> None:
        known = self.container in CONTAINERS and self.codec in CODECS and self.preset in PRESETS
        if not known or self.codec not in CONTAINERS[self.container][1]:
            raise SettingsError(
                Message(
                    "{codec} ({preset}) in {container} cannot be written. Codecs: {codecs}; containers: {containers}.",
                    {
                        "codec": self.codec,
                        "preset": self.preset,
                        "container": self.container,
                        "codecs": ", ".join(CODECS),
                        "containers": ", ".join(f"{name} ({', '.join(of)})" for name, (_, of) in CONTAINERS.items()),
                    },
                )
            )
        if not (0 <= self.crf <= 51 and 1 <= self.gop <= 1000 and 0 <= self.bframes <= 8):
            message = "CRF must lie in 0 to 51, GOP in 1 to 1000, B-frames in 0 to 8; not {crf}, {gop}, {bframes}."
            raise SettingsError(Message(message, {"crf": self.crf, "gop": self.gop, "bframes": self.bframes}))

    @property
    def muxer(self) -> str:
        """FFmpeg's name of the container."""
        return CONTAINERS[self.container][0]

    @property
    def sound_codec(self) -> str:
        """Encoder of the sound: AAC; in AVI PCM, as cameras write it."""
        return "pcm_s16le" if self.container == "avi" else "aac"

    @property
    def reordered(self) -> int:
        """B-frames that are really used."""
        if self.container == "avi" or self.codec == "mjpeg":
            return 0
        return min(self.bframes, _MPEG4_MOST_REORDERED) if self.codec == "mpeg4" else self.bframes

    @property
    def qscale(self) -> int:
        """Quantiser scale of MPEG-4 and MJPEG that is as coarse as the CRF: H.264's QP doubles its step every 6."""
        return max(2, min(31, round(0.85 * 2 ** ((self.crf - 12) / 6))))

    def set_up(self, stream: VideoStream) -> None:
        """Give the settings to an encoder, with one thread: else the same pictures may not give the same bytes."""
        context = stream.codec_context
        context.gop_size = self.gop
        context.max_b_frames = self.reordered
        stream.pix_fmt = "yuvj420p" if self.codec == "mjpeg" else "yuv420p"
        if self.codec in {"libx264", "libx265"}:
            own = {} if self.scenecut else {"scenecut": "0"}
            if self.codec == "libx264" and cv2.checkHardwareSupport(_AVX_512F):
                own["asm"] = "AVX2"
            if self.codec == "libx265":
                own |= {"log-level": "none", "pools": "none", "frame-threads": "1", "bframes": str(self.reordered)}
                own |= {"keyint": str(self.gop)}
            text = ":".join(f"{key}={value}" for key, value in own.items())
            name = f"{self.codec.removeprefix('lib')}-params"
            settings = {"crf": str(self.crf), "preset": self.preset, "threads": "1"} | ({name: text} if own else {})
        else:
            steady = {"sc_threshold": "1000000000"} if self.codec == "mpeg4" and not self.scenecut else {}
            settings = {"qmin": str(self.qscale), "qmax": str(self.qscale), "threads": "1", **steady}
        stream.options = dict(settings)


RECORDER = Encoding(bframes=0, gop=30, scenecut=False)
"""How recorders write: no B-frames, key pictures at a steady pace."""


def chosen(random_: random.Random, choices: Mapping[str, Sequence[object]]) -> Encoding:
    """Draw one value of each setting that several are given for; what is not given keeps its default.

    Raises
    ------
    SettingsError
        If a drawn combination cannot be written.
    """
    names = [entry.name for entry in fields(Encoding)]
    drawn = {name: random_.choice(list(choices[name])) for name in names if choices.get(name)}
    return Encoding(**drawn)  # type: ignore[arg-type]
