"""Files that were written by other software than a recorder's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from detectors._timeline import extent, span_of
from detectors._writers import WRITERS, matches_any, software
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Table

_PADDING_BYTES = 8
_FFMPEG_HANDLERS = {"VideoHandler", "SoundHandler"}


@detector(
    "container-rewrite",
    version=1,
    needs=(
        "container.format",
        "container.brand",
        "container.writer",
        "boxes.path",
        "boxes.size_bytes",
        "encoder.place",
        "encoder.text",
    ),
    emits=("container-rewrite",),
)
def container_rewrite(features: Features, *, recorder_writers: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Yield at most one finding: the program that wrote the file, where it is no recorder's own.

    The program is known by its name in the file, by the names that it gives to tracks, or by the way in which it lays
    out the boxes of an MP4 file. An export by the maker's own tool leaves the same traces, and some recorders use
    FFmpeg inside: so this is a note. Where it is known what the recorders of an agency write, the rest is suspect.

    Parameters
    ----------
    recorder_writers : tuple of str
        Words one of which stands in the name of the writer, in the brand or in the track names of every file of the
        agency's recorders, in any case. Empty: not known.

    References
    ----------
    S. Gloe, A. Fischer, M. Kirchner, "Forensic analysis of video file formats", Digital Investigation 11 (2014),
    S68-S76; P. Yang et al., "Efficient video integrity analysis through container characterization" (EVA),
    arXiv:2101.10795; ISO/IEC 14496-12:2022, 8.1.2 (free space) and 8.4.3 (handler).
    """
    if not features["container"].rows:
        return
    texts = _texts(features)
    brand = features["container"]["brand"][0]
    found = next(((software(text, WRITERS), text) for text in texts if software(text, WRITERS)), None)
    laid_out = _by_ffmpeg(features["boxes"], features["encoder"])
    start_s, stop_s = extent(features)
    span = span_of(features, start_s, stop_s)
    evidence = {
        "names": texts,
        "brand": brand,
        "boxes": [str(path) for path in features["boxes"]["path"] if "/" not in str(path)][:12],
        "layout_of_ffmpeg": laid_out,
    }
    if recorder_writers and not any(matches_any(text, recorder_writers) for text in [*texts, str(brand)]):
        yield Finding(
            kind="container-rewrite",
            level=Level.SUSPECT,
            span=span,
            message=Message(
                "The file was not written by a recorder of this agency: none of its names stands in it ({names}).",
                {"names": ", ".join(texts)[:120] or "-"},
            ),
            evidence=evidence,
        )
    elif found is not None and not recorder_writers:
        yield Finding(
            kind="container-rewrite",
            level=Level.NOTE,
            span=span,
            message=Message(
                "The file was written by {software} ({text}): by an export or an editing program, as a rule.",
                {"software": found[0], "text": found[1][:80]},
            ),
            evidence=evidence,
        )
    elif laid_out and not recorder_writers:
        yield Finding(
            kind="container-rewrite",
            level=Level.NOTE,
            span=span,
            message=Message("The file names no writer, but it is laid out as FFmpeg does it."),
            evidence=evidence,
        )


def _texts(features: Features) -> list[str]:
    """Return what the file says of its writer: tags first, then names of tracks, each once."""
    encoder = features["encoder"]
    writer = features["container"]["writer"][0]
    said = [str(writer)] if writer else []
    for place in ("container", "stream", "handler"):
        said += [str(text) for text in encoder["text"][encoder["place"] == place] if text]
    return list(dict.fromkeys(said))[:8]


def _by_ffmpeg(boxes: Table, encoder: Table) -> bool:
    """Tell whether an 8-byte box `free` stands before the media, and the tracks bear FFmpeg's names."""
    top = [row for row in range(boxes.rows) if "/" not in str(boxes["path"][row])]
    padded = any(
        str(boxes["path"][one]) == "free"
        and boxes["size_bytes"][one] == _PADDING_BYTES
        and str(boxes["path"][other]) == "mdat"
        for one, other in pairwise(top)
    )
    names = set(np.unique(encoder["text"][encoder["place"] == "handler"].astype(str)).tolist())
    return padded and bool(names & _FFMPEG_HANDLERS)
