"""Edit lists that hide media the file holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Evidence, Features, Finding, Level, Message, Table

_MIN_DELAY_S = 0.1


@detector(
    "edit-list",
    version=2,
    needs=(
        "edits.stream",
        "edits.entry",
        "edits.duration_s",
        "edits.media_start_s",
        "edits.rate",
        "edits.media_s",
        "streams.stream",
        "streams.kind",
        "streams.rate_in_header_hz",
    ),
    emits=("edit-list",),
)
def edit_list(
    features: Features,
    *,
    max_delay_frames: int = 4,
    max_priming_s: float = 0.1,
    min_violation_s: float = 0.5,
) -> Iterator[Finding]:
    """Yield a finding for each stretch of stored media that an edit list keeps from being shown.

    An edit list lawfully skips the reordering delay of B pictures and the priming samples of a sound encoder. What
    goes beyond is media that was recorded, lies in the file and is not played: the trace of a trim without
    re-encoding. Several entries, entries that go back, and rates other than 1 are told as well.

    Parameters
    ----------
    max_delay_frames : int
        Reordering delay granted to pictures (pictures, at the rate in the header).
    max_priming_s : float
        Encoder delay granted to sound, and rounding granted to both (seconds).
    min_violation_s : float
        Hidden media of this length is a violation; less is a note (seconds).

    References
    ----------
    ISO/IEC 14496-12:2022, 8.6.5 and 8.6.6 (edit box, edit list box); Apple, "QuickTime File Format", Edit atoms.
    """
    edits, streams = features["edits"], features["streams"]
    for row in range(streams.rows):
        kind = streams["kind"][row]
        own = edits.where(edits["stream"] == streams["stream"][row])
        if kind not in {"video", "audio"} or not own.rows:
            continue
        own = _in_order(own)
        rate_hz = float(streams["rate_in_header_hz"][row])
        allowed_s = max_priming_s
        if kind == "video" and np.isfinite(rate_hz) and rate_hz > 0:
            allowed_s = max(allowed_s, max_delay_frames / rate_hz)
        yield from _of_stream(features, own, str(kind), allowed_s, min_violation_s)


def _in_order(edits: Table) -> Table:
    order = np.argsort(edits["entry"], kind="stable")
    return Table({name: column[order] for name, column in edits.items()})


def _of_stream(
    features: Features, edits: Table, kind: str, allowed_s: float, min_violation_s: float
) -> Iterator[Finding]:
    begin_s, end_s = extent(features)
    begin_s = max(begin_s, 0.0)  # priming sound before the first picture is no part of what is shown
    filled_s = np.nan_to_num(edits["duration_s"])
    at_s = np.concatenate(([0.0], np.cumsum(filled_s)))
    shown = np.flatnonzero(np.isfinite(edits["media_start_s"]))
    facts: dict[str, str | int] = {"stream_kind": kind, "entries": edits.rows}
    if not len(shown):
        return
    from_s = edits["media_start_s"][shown]
    rate = np.nan_to_num(edits["rate"][shown], nan=1.0)
    to_s = from_s + filled_s[shown] * rate

    delay_s = float(filled_s[: shown[0]].sum())
    if delay_s > _MIN_DELAY_S:
        yield Finding(
            kind="edit-list",
            level=Level.NOTE,
            span=span_of(features, begin_s, delay_s),
            message=Message(
                "The edit list delays the start of the pictures by {seconds:.2f} s."
                if kind == "video"
                else "The edit list delays the start of the sound by {seconds:.2f} s.",
                {"seconds": delay_s},
            ),
            evidence={**facts, "delay_s": delay_s},
        )
    if from_s[0] > allowed_s:
        yield _hidden(features, "start", kind, (0.0, float(from_s[0])), begin_s, facts, min_violation_s)
    media_s = float(edits["media_s"][shown[-1]])
    # An entry of no length reaches to the end of the media: fragmented files write it so.
    if filled_s[shown[-1]] > 0 and media_s - to_s.max() > allowed_s:
        yield _hidden(features, "end", kind, (float(to_s.max()), media_s), end_s, facts, min_violation_s)
    for i in range(1, len(shown)):
        step_s = float(from_s[i] - to_s[i - 1])
        joint_s = float(at_s[shown[i]])
        empty_s = float(filled_s[shown[i - 1] + 1 : shown[i]].sum())
        if step_s > allowed_s:
            left_out = (float(to_s[i - 1]), float(from_s[i]))
            yield _hidden(features, "middle", kind, left_out, joint_s, facts, min_violation_s)
        elif step_s < -allowed_s:
            yield Finding(
                kind="edit-list",
                level=Level.VIOLATION if -step_s >= min_violation_s else Level.SUSPECT,
                span=span_of(features, joint_s, joint_s),
                message=Message(
                    "The edit list goes back by {seconds:.2f} s and shows stored media again.", {"seconds": -step_s}
                ),
                evidence={**facts, "back_s": -step_s},
            )
        elif empty_s > allowed_s:
            yield Finding(
                kind="edit-list",
                level=Level.SUSPECT,
                span=span_of(features, joint_s - empty_s, joint_s),
                message=Message(
                    "The edit list shows nothing for {seconds:.2f} s between two parts.", {"seconds": empty_s}
                ),
                evidence={**facts, "empty_s": empty_s},
            )
    if np.any(np.abs(rate - 1.0) > 1e-3):
        yield Finding(
            kind="edit-list",
            level=Level.SUSPECT,
            span=span_of(features, begin_s, end_s),
            message=Message("The edit list plays a part at another speed than it was recorded."),
            evidence={**facts, "rates": rate.tolist()},
        )


def _hidden(
    features: Features,
    place: str,
    kind: str,
    media_s: tuple[float, float],
    at_s: float,
    facts: Evidence,
    min_violation_s: float,
) -> Finding:
    templates = {
        ("start", "video"): "{seconds:.2f} s of pictures before the first one shown lie hidden in the file.",
        ("end", "video"): "{seconds:.2f} s of pictures after the last one shown lie hidden in the file.",
        ("middle", "video"): "{seconds:.2f} s of pictures are left out by the edit list but lie in the file.",
        ("start", "audio"): "{seconds:.2f} s of sound before the first that is played lie hidden in the file.",
        ("end", "audio"): "{seconds:.2f} s of sound after the last that is played lie hidden in the file.",
        ("middle", "audio"): "{seconds:.2f} s of sound are left out by the edit list but lie in the file.",
    }
    seconds = media_s[1] - media_s[0]
    return Finding(
        kind="edit-list",
        level=Level.VIOLATION if seconds >= min_violation_s else Level.NOTE,
        span=span_of(features, at_s, at_s),
        message=Message(templates[place, kind], {"seconds": seconds}),
        evidence={**facts, "hidden_s": seconds, "place": place, "hidden_from_s": media_s[0], "hidden_to_s": media_s[1]},
    )
