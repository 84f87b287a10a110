"""Which pictures a report shows, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.media.stills import Still, pictures_at
from pipeline.model import Examination, Features, Finding, Level, Message
from pipeline.report.wording import N_

WITHOUT = ("audio-", "notice-", "header-", "edit-list", "truncated", "place-missing", "place-unclear")
"""How the kinds begin whose findings no single picture can show."""
CANDIDATES = 5
"""Texts that are shown where no sign of the place was found."""

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
    """Id of the finding, or `text-N` of a candidate."""
    role: str
    """Why this picture: a msgid."""
    time_s: float
    box: Box | None = None


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
    box: Box


def by_gravity(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the gravest and surest first, else in order of time."""
    weight = {level: place for place, level in enumerate(Level)}
    return sorted(findings, key=lambda f: (weight[f.level], -(f.score or 0.0), f.span.start_s, f.span.stop_s, f.id))


def wanted_for(finding: Finding, features: Features) -> Iterator[WantedStill]:
    """Yield the pictures that show a finding: where its evidence lies, or those before, in and after its span."""
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
    for role, row in rows.items():
        if 0 <= row < len(times) and math.isfinite(times[row]):
            yield WantedStill(finding.id, role, float(times[row]))


def _place(finding: Finding) -> WantedStill | None:
    names = ("left", "top", "right", "bottom", "time_s")
    numbers = [finding.evidence.get(name) for name in names]
    known = [float(n) for n in numbers if isinstance(n, int | float) and math.isfinite(n)]
    if len(known) != len(names):
        return None
    return WantedStill(finding.id, N_("Where it was read"), known[4], Box(*known[:4]))


def scene_texts(features: Features, overlay: bool = False) -> list[TextSeen]:
    """Return each text of the scene (or of the overlay) once, in its best reading, the most legible first."""
    if "texts" not in features:
        return []
    rows = features["texts"]
    best: dict[str, TextSeen] = {}
    wanted = np.flatnonzero(rows["overlay"].astype(bool) == overlay)
    columns = ("text", "confidence", "time_s", "height_px", "left", "top", "right", "bottom")
    for row in wanted.tolist():
        text, *numbers = (rows[name][row] for name in columns)
        confidence, time_s, height_px, *box = (float(number) for number in numbers)
        found = TextSeen(str(text or ""), confidence, time_s, height_px, Box(*box))
        if found.text and (found.text not in best or legible(found) > legible(best[found.text])):
            best[found.text] = found
    return sorted(best.values(), key=legible, reverse=True)


def legible(text: TextSeen) -> float:
    """Return how well a text can be read: its confidence, weighed by its height up to 48 px."""
    return text.confidence * min(text.height_px, 48.0) if math.isfinite(text.confidence * text.height_px) else 0.0


def candidates(findings: Sequence[Finding], features: Features) -> list[TextSeen]:
    """Return the most legible texts of the scene where no sign of the place was found, none where one was."""
    kinds = {finding.kind for finding in findings}
    return scene_texts(features)[:CANDIDATES] if kinds & {"place-missing", "place-unclear"} else []


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
        How many pictures are made at most; the gravest findings come first.

    Returns
    -------
    dict
        Id of a finding, or `text-N` of the N-th candidate → its pictures, each with its file or the reason why not.
    """
    wanted = [still for finding in described for still in wanted_for(finding, examination.features)]
    wanted += [
        WantedStill(f"text-{place}", N_("Where it was read"), seen.time_s, seen.box)
        for place, seen in enumerate(candidates(examination.findings, examination.features))
        if math.isfinite(seen.time_s)
    ]
    within, beyond = wanted[:max_stills], wanted[max_stills:]
    reason, made = _make(examination, [still.time_s for still in within], folder)
    shown: dict[str, list[ShownStill]] = {}
    for still in within:
        found = made.get(still.time_s)
        shown.setdefault(still.owner, []).append(ShownStill(still, found, None if found else reason))
    for still in beyond:
        shown.setdefault(still.owner, []).append(ShownStill(still, None, TOO_MANY))
    return shown


def _make(examination: Examination, times_s: list[float], folder: Path) -> tuple[str, dict[float, Still]]:
    footage = examination.footage
    if not times_s or not examination.features.has("streams.default"):
        return NOT_MADE, {}
    streams = examination.features["streams"]
    video = np.flatnonzero((streams["kind"] == "video") & streams["default"].astype(bool))
    if not len(video):
        return NOT_MADE, {}
    try:
        if not footage.is_unchanged():
            return CHANGED, {}
    except OSError:
        return GONE, {}
    row = int(video[0])
    rotation_deg = float(np.nan_to_num(streams["rotation_deg"][row]))
    return NOT_MADE, pictures_at(footage.path, times_s, folder, int(streams["stream"][row]), rotation_deg)


def limits_of(stills: dict[str, list[ShownStill]]) -> Message | None:
    """Return what the cap on pictures left out, None if nothing."""
    left_out = sum(still.reason == TOO_MANY for shown in stills.values() for still in shown)
    if not left_out:
        return None
    return Message("{count} pictures of less grave findings are not shown.", {"count": left_out})
