"""Presentation times that repeat or run backwards, decoding times that do not rise."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors._timeline import examined_stream, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message

_TOLD_SINGLY = 10
_HABIT_SHARE = 0.2
"""Where this share of all steps goes back a little, the writer of the file gave wrong times throughout."""


@detector(
    "timestamp-disorder",
    version=1,
    needs=(
        "streams.stream",
        "streams.kind",
        "streams.default",
        "packets.stream",
        "packets.time_s",
        "packets.dts_s",
        "packets.discard",
    ),
    emits=("timestamp-disorder",),
)
def timestamp_disorder(
    features: Features, *, min_violation_s: float = 0.5, rounding_s: float = 0.0015
) -> Iterator[Finding]:
    """Yield a finding wherever time does not go forward.

    Pictures are taken in the order in which the decoder shows them: their times must rise. Packets are taken in the
    order in which they lie in the file: their decoding times must not fall (a jump back means that a second recording
    was put behind the first). Small steps back all through a clip are the fault of the program that wrote the times,
    and are a note.

    Parameters
    ----------
    min_violation_s : float
        A jump back of the decoding time of this length, or longer, is a violation; the rest is suspect (seconds).
    rounding_s : float
        Steps back up to this length come from rounding in the container and are ignored (seconds).

    References
    ----------
    ISO/IEC 14496-12:2022, 8.6.1 (time to sample boxes: decoding times increase); ISO/IEC 13818-1, 2.7.
    """
    yield from _in_pictures(features, rounding_s)
    for kind in ("video", "audio"):
        yield from _in_packets(features, kind, min_violation_s, rounding_s)


def _in_pictures(features: Features, rounding_s: float) -> Iterator[Finding]:
    if not features.has("frames.time_s"):  # nothing was decoded: the packets tell their part
        return
    time_s = features["frames"]["time_s"]
    rows = np.flatnonzero(np.isfinite(time_s))
    known_s = time_s[rows]
    step_s = np.diff(known_s)
    back = np.flatnonzero(step_s < -rounding_s)
    same = np.flatnonzero((step_s <= 0) & (step_s >= -rounding_s))
    if len(back) > _TOLD_SINGLY:
        yield _summed(features, known_s[back], step_s, math.inf)
    else:
        for i in back:
            yield Finding(
                kind="timestamp-disorder",
                level=Level.SUSPECT,  # a damaged picture comes late: only the file's own order proves more
                span=span_of(features, known_s[i + 1], known_s[i]),
                message=Message(
                    "The time of the pictures jumps back by {seconds:.2f} s.", {"seconds": float(-step_s[i])}
                ),
                evidence={"step_s": float(step_s[i]), "frame": int(rows[i + 1])},
                curves=(Curve("frames.time_s", 0.0),),
            )
    if len(same):
        yield Finding(
            kind="timestamp-disorder",
            level=Level.SUSPECT,
            span=span_of(features, float(known_s[same].min()), float(known_s[same + 1].max())),
            message=Message("{count} pictures bear the time of the picture before.", {"count": len(same)}),
            evidence={"pictures": len(same), "frames": rows[same + 1][:100].tolist()},
            curves=(Curve("frames.time_s", 0.0),),
        )


def _in_packets(features: Features, kind: str, min_violation_s: float, rounding_s: float) -> Iterator[Finding]:
    row = examined_stream(features, kind)
    if row is None:
        return
    packets = features["packets"]
    known = (packets["stream"] == features["streams"]["stream"][row]) & np.isfinite(packets["dts_s"])
    known &= ~packets["discard"].astype(bool)  # an edit list that goes on from a key frame repeats what leads up to it
    dts_s = packets["dts_s"][known]
    step_s = np.diff(dts_s)
    back = np.flatnonzero(step_s < -rounding_s)
    if not len(back):
        return
    if len(back) > _TOLD_SINGLY:
        yield _summed(features, dts_s[back], step_s, min_violation_s)
        return
    for i in back:
        yield Finding(
            kind="timestamp-disorder",
            level=Level.VIOLATION if -step_s[i] >= min_violation_s else Level.SUSPECT,
            span=span_of(features, dts_s[i + 1], dts_s[i]),
            message=Message(
                "The decoding time in the file jumps back by {seconds:.2f} s: two recordings in one file?",
                {"seconds": float(-step_s[i])},
            ),
            evidence={"step_s": float(step_s[i]), "stream_kind": kind},
            curves=(Curve("packets.dts_s", 0.0),),
        )


def _summed(
    features: Features, at_s: NDArray[np.float64], step_s: NDArray[np.float64], min_violation_s: float
) -> Finding:
    longest_s = float(-step_s.min())
    habit = len(at_s) > _HABIT_SHARE * len(step_s)
    level = Level.VIOLATION if longest_s >= min_violation_s else Level.NOTE if habit else Level.SUSPECT
    return Finding(
        kind="timestamp-disorder",
        level=level,
        span=span_of(features, float(at_s.min()), float(at_s.max())),
        message=Message(
            "Time jumps back in {count} places, by up to {seconds:.2f} s.", {"count": len(at_s), "seconds": longest_s}
        ),
        evidence={"places": len(at_s), "longest_s": longest_s, "at_s": at_s[:100].tolist(), "throughout": habit},
        curves=(Curve("packets.dts_s", 0.0), Curve("frames.time_s", 0.0)),
    )
