"""Software that writes or encodes video files, by the words that it leaves in them.

References
----------
What stands here was seen in files, or is stated by the programs' own sources and manuals: FFmpeg
(`libavformat/movenc.c`, `libavcodec/aacenc.c`), x264 (`encoder/set.c`), x265 (`source/encoder/encoder.cpp`), GPAC
(`src/isomedia/isom_write.c`), L-SMASH, HandBrake, Bento4; S. Gloe, A. Fischer, M. Kirchner,
"Forensic analysis of video file formats", Digital Investigation 11 (2014), S68-S76, for handler names and the order of
boxes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

WRITERS: tuple[tuple[str, str], ...] = (
    (r"^lavf\d", "FFmpeg (libavformat)"),
    (r"^ffmpeg", "FFmpeg"),
    (r"handbrake", "HandBrake"),
    (r"gpac|mp4box", "GPAC (MP4Box)"),
    (r"l-smash", "L-SMASH"),
    (r"bento4", "Bento4"),
    (r"mainconcept|adobe|premiere|after effects", "Adobe Premiere (MainConcept)"),
    (r"davinci|blackmagic", "DaVinci Resolve"),
    (r"vegas", "VEGAS"),
    (r"final cut|compressor \d", "Apple Final Cut"),
    (r"imovie", "Apple iMovie"),
    (r"virtualdub", "VirtualDub"),
    (r"avidemux", "Avidemux"),
    (r"losslesscut", "LosslessCut"),
    (r"mkvmerge|libmatroska", "MKVToolNix"),
    (r"^vlc |stream output", "VLC"),
    (r"gstreamer", "GStreamer"),
    (r"opencv", "OpenCV"),
    (
        r"movavi|filmora|wondershare|camtasia|capcut|jianying|剪映|格式工厂|format ?factory",
        "Movavi, Filmora, Camtasia, CapCut",
    ),
    (r"iso media file produced by google", "YouTube"),
    (r"twitter|bilibili|tiktok|douyin", "Twitter, Bilibili, TikTok"),
)
"""Pattern (any case) → software that writes files and is no recorder's own."""

ENCODERS: tuple[tuple[str, str], ...] = (
    (r"^x264\b|libx264", "x264"),
    (r"^x265\b|libx265", "x265"),
    (r"^lavc\d[\d.]*\s*(mpeg4|mjpeg|aac)?\s*$", "FFmpeg (libavcodec)"),
    (r"^lavc\d", "FFmpeg (libavcodec)"),
    (r"^xvid", "Xvid"),
    (r"^divx", "DivX"),
    (r"^svt-av1|libsvtav1|libaom|rav1e", "SVT-AV1, libaom, rav1e"),
    (r"libvpx", "libvpx"),
)
"""Pattern (any case) → encoder in software."""


def software(text: str, known: tuple[tuple[str, str], ...]) -> str | None:
    """Return the software that a text names, None if it names none of the `known` ones."""
    return next((name for pattern, name in known if re.search(pattern, text, re.IGNORECASE)), None)


def matches_any(text: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of the words in `patterns` stands in a text, in any case."""
    return any(pattern.lower() in text.lower() for pattern in patterns)
