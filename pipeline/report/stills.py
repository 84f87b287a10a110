"""Which pictures a report shows, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.media.stills import Still, pictures_at
from pipeline.model import Examination, Features, Finding, Level, Message
from pipeline.report.wording import N_

WITHOUT = ("audio-", "notice-", "header-", "edit-list", "truncated", "place-missing", "place-unclear", "signs-seen")
"""How the kinds begin whose findings no single picture can show."""
PLACE = ("place-", "landmark-", "signs-")
"""How the kinds begin that are about where the clip was taken."""
CANDIDATES = 5
"""Texts that are shown with a finding which rests on what came nearest."""
HIDDEN_AT = (0.1, 0.5, 0.9)
"""Which pictures of a hidden stretch are shown, as shares of its length."""
OVERLAY = "overlay"
"""Owner of the picture that shows what the recorder burned in."""

GONE = N_("The clip no longer lay where it was examined when this report was made.")
CHANGED = N_("The clip was changed after it was examined: no picture of it is shown.")
NOT_MADE = N_("This picture could not be made: its decoder failed or took too long.")
TOO_MANY = N_("Not drawn: this report shows pictures for the gravest findings only.")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the upright picture, as shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class WantedStill:
    """A picture that the report would show."""

    owner: str
    """Id of the finding, `<id>/<N>` of its N-th candidate, or `overlay`."""
    role: str
    """Why this picture: a msgid."""
    time_s: float
    box: Box | None = None
    hidden: bool = False
    """It is kept in the file and not shown: the time is that of the media, edit lists passed over."""


@dataclass(frozen=True, slots=True)
class ShownStill:
    """A picture that the report shows, or the reason why not."""

    wanted: WantedStill
    still: Still | None
    reason: str | None = None
    """Why there is none: a msgid."""


@dataclass(frozen=True, slots=True)
class TextSeen:
    """One text as it was read in the scene: the best of its readings."""

    text: str
    confidence: float
    time_s: float
    height_px: float
    document: bool
    """A line of a page or screen that was held up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text, or a picture without one, that a finding names as what came nearest."""

    text: str
    time_s: float
    score: float | None
    reason: str | None
    """Why it does not count, as the finding says it."""
    height_px: float | None
    confidence: float | None
    box: Box | None


def by_gravity(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the gravest and surest first, else in order of time."""
    weight = {level: place for place, level in enumerate(Level)}
    return sorted(findings, key=lambda f: (weight[f.level], -(f.score or 0.0), f.span.start_s, f.span.stop_s, f.id))


def wanted_for(finding: Finding, features: Features) -> Iterator[WantedStill]:
    """Yield the pictures that show a finding: where its evidence lies, or those before, in and after its span.

    Findings about the burned-in clock have the clock marked in each.
    """
    if finding.kind == "edit-list":
        yield from _hidden(finding)
    if not features.has("frames.time_s"):
        return
    if (seen := _place(finding)) is not None:
        yield seen
        return
    first, stop = finding.span.first_frame, finding.span.stop_frame
    times = features["frames"]["time_s"]
    if finding.kind.startswith(WITHOUT) or first is None or stop is None:
        return
    rows = {
        N_("Last picture before"): first - 1,
        N_("In between"): (first + stop) // 2,
        N_("First picture after"): stop,
    }
    if stop - first <= 1:
        rows = {N_("Last picture before"): first, N_("First picture after"): stop}
    box = clock_box(features) if finding.kind.startswith("clock-") else None
    for role, row in rows.items():
        if 0 <= row < len(times) and math.isfinite(times[row]):
            yield WantedStill(finding.id, role, float(times[row]), box)


def _hidden(finding: Finding) -> Iterator[WantedStill]:
    """Yield a few pictures from all over the stretch of media that an edit list hides."""
    start_s, stop_s = (_number(finding.evidence.get(name)) for name in ("hidden_from_s", "hidden_to_s"))
    if start_s is None or stop_s is None or finding.evidence.get("stream_kind") != "video":
        return
    for share in HIDDEN_AT:
        time_s = start_s + share * (stop_s - start_s)
        yield WantedStill(finding.id, N_("Kept in the file, not shown; time of the media"), time_s, hidden=True)


def _place(finding: Finding) -> WantedStill | None:
    landmark = "photo" in finding.evidence
    if "candidate_texts" in finding.evidence and not landmark:
        return None  # the candidates are shown one by one
    names = ("left", "top", "right", "bottom", "time_s")
    numbers = [_number(finding.evidence.get(name)) for name in names]
    known = [number for number in numbers if number is not None]
    if len(known) != len(names):
        return None
    role = N_("Where the landmark was recognised") if landmark else N_("Where it was read")
    return WantedStill(finding.id, role, known[4], Box(*known[:4]))


def clock_box(features: Features) -> Box | None:
    """Return where the burned-in clock stands, None if there is none."""
    if "overlay" not in features:
        return None
    rows = features["overlay"].where(features["overlay"]["field"] == "clock")
    return Box(*(float(rows[side][0]) for side in ("left", "top", "right", "bottom"))) if rows.rows else None


def overlay_still(features: Features) -> WantedStill | None:
    """Return the picture that shows what the recorder burned in: an early one whose clock was read well."""
    if not features.has("frames.time_s") or "overlay" not in features or not features["overlay"].rows:
        return None
    frames = features["frames"]
    usable = np.isfinite(frames["time_s"])
    if features.has("frames.clock_score") and (read := usable & np.isfinite(frames["clock_s"])).any():
        usable = read & ~(frames["clock_score"] < np.nanmedian(frames["clock_score"][read]))
    rows = np.flatnonzero(usable)
    if not len(rows):
        return None
    return WantedStill(OVERLAY, N_("What the recorder burned in"), float(frames["time_s"][rows[0]]))


def scene_texts(features: Features) -> list[TextSeen]:
    """Return each text of the scene once, in its best reading, the most legible first; the overlay is left out."""
    if "texts" not in features:
        return []
    rows = features["texts"]
    best: dict[str, TextSeen] = {}
    for row in np.flatnonzero(~rows["overlay"].astype(bool)).tolist():
        confidence, time_s, height_px = (float(rows[name][row]) for name in ("confidence", "time_s", "height_px"))
        found = TextSeen(str(rows["text"][row] or ""), confidence, time_s, height_px, bool(rows["document"][row]))
        if found.text and (found.text not in best or legible(found) > legible(best[found.text])):
            best[found.text] = found
    return sorted(best.values(), key=legible, reverse=True)


def legible(text: TextSeen) -> float:
    """Return how well a text can be read: its confidence, weighed by its height up to 48 px."""
    return text.confidence * min(text.height_px, 48.0) if math.isfinite(text.confidence * text.height_px) else 0.0


def candidates(finding: Finding) -> list[Candidate]:
    """Return what a finding names as nearest to a sign, the best first; none if it names nothing."""
    columns = {
        name.removeprefix("candidate_"): values
        for name, values in finding.evidence.items()
        if name.startswith("candidate_") and isinstance(values, Sequence) and not isinstance(values, str)
    }
    if "texts" not in columns or "times_s" not in columns:
        return []
    found = []
    for place in range(min(len(values) for values in columns.values())):
        row = {name: values[place] for name, values in columns.items()}
        sides = [_number(row.get(name)) for name in ("lefts", "tops", "rights", "bottoms")]
        known = [side for side in sides if side is not None]
        time_s, reason = _number(row["times_s"]), row.get("reasons")
        found.append(
            Candidate(
                text=str(row["texts"] or ""),
                time_s=math.nan if time_s is None else time_s,
                score=_number(row.get("scores")),
                reason=None if reason is None else str(reason),
                height_px=_number(row.get("heights_px")),
                confidence=_number(row.get("confidences")),
                box=Box(*known) if len(known) == len(sides) else None,
            )
        )
    return found[:CANDIDATES]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def take_stills(
    examination: Examination, described: Sequence[Finding], folder: Path, max_stills: int
) -> dict[str, list[ShownStill]]:
    """Make the pictures of a report.

    Parameters
    ----------
    examination : Examination
        The examined clip; its footage is opened read-only.
    described : sequence of Finding
        The findings that the report describes, the gravest first.
    folder : Path
        Where the JPEG files go.
    max_stills : int
        How many pictures are made at most; the overlay and the place come first, then the gravest findings.

    Returns
    -------
    dict
        Owner, see `WantedStill` → its pictures, each with its file or the reason why not.
    """
    features = examination.features
    overlay = overlay_still(features)
    wanted = [] if overlay is None else [overlay]
    # A few pictures prove the place, but as notes they would come last: behind cuts without number.
    for finding in sorted(described, key=lambda finding: not finding.kind.startswith(PLACE)):
        wanted += wanted_for(finding, features)
        wanted += [
            WantedStill(f"{finding.id}/{number}", _role(seen), seen.time_s, seen.box)
            for number, seen in enumerate(candidates(finding))
            if math.isfinite(seen.time_s)
        ]
    within, beyond = wanted[:max_stills], wanted[max_stills:]
    reason, made = _make(examination, [still.time_s for still in within if not still.hidden], folder)
    _, stored = _make(examination, [still.time_s for still in within if still.hidden], folder, as_stored=True)
    shown: dict[str, list[ShownStill]] = {}
    for still in within:
        found = (stored if still.hidden else made).get(still.time_s)
        shown.setdefault(still.owner, []).append(ShownStill(still, found, None if found else reason))
    for still in beyond:
        shown.setdefault(still.owner, []).append(ShownStill(still, None, TOO_MANY))
    return shown


def _role(seen: Candidate) -> str:
    return N_("A sharp picture without text") if seen.box is None else N_("Where it was read")


def _make(
    examination: Examination, times_s: list[float], folder: Path, *, as_stored: bool = False
) -> tuple[str, dict[float, Still]]:
    footage = examination.footage
    stream = stream_of(examination.features)
    if not times_s or stream is None:
        return NOT_MADE, {}
    try:
        if not footage.is_unchanged():
            return CHANGED, {}
    except OSError:
        return GONE, {}
    return NOT_MADE, pictures_at(footage.path, times_s, folder, *stream, as_stored=as_stored)


def stream_of(features: Features) -> tuple[int, float] | None:
    """Return the index of the video stream that was examined and its clockwise turn in degrees; None without one."""
    if not features.has("streams.default"):
        return None
    streams = features["streams"]
    video = np.flatnonzero((streams["kind"] == "video") & streams["default"].astype(bool))
    if not len(video):
        return None
    row = int(video[0])
    return int(streams["stream"][row]), float(np.nan_to_num(streams["rotation_deg"][row]))


def limits_of(stills: Mapping[str, list[ShownStill]]) -> Message | None:
    """Return what the cap on pictures left out, None if nothing."""
    left_out = sum(still.reason == TOO_MANY for shown in stills.values() for still in shown)
    if not left_out:
        return None
    return Message("{count} pictures of less grave findings are not shown.", {"count": left_out})
