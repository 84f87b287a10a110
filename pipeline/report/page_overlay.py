"""What the recorder burned in, and how its clock runs, as the page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from pipeline.language import Language
from pipeline.model import Features, Finding
from pipeline.report.offsets import Offsets, Readings, offsets, readings
from pipeline.report.page_findings import Assets, Entry
from pipeline.report.page_texts import Picture, cut_out, inside, outline, picture
from pipeline.report.stills import OVERLAY, Box, ShownStill
from pipeline.report.wording import N_, NOTHING, clock, figure, shown, title

FIELDS = {
    "clock": N_("Clock"),
    "date": N_("Date"),
    "device": N_("Device number"),
    "unit": N_("Unit"),
    "officer": N_("Officer"),
    "gps": N_("Position"),
    "speed": N_("Speed"),
    "mark": N_("Recording mark"),
    "other": N_("Other line"),
}


KINDS = ("clock-", "device-")
"""How the kinds begin whose findings rest on the overlay."""
MOST_LEAPS = 6


@dataclass(frozen=True, slots=True)
class OverlayField:
    """One burned-in line."""

    number: int
    name: str
    text: str
    agreement: str
    pictures: str
    height: str
    box: str
    """CSS of its rectangle in the picture."""
    low: bool
    """It stands in the lower half: its number is written above it, not below."""
    closeup: str
    """CSS of the picture where it shows this line only; empty without a picture."""
    closeup_ratio: str


@dataclass(frozen=True, slots=True)
class OverlayView:
    """What the recorder burned in."""

    missing: str
    """Why there is nothing of it, or no clock: not looked for, or not found; empty if there is a clock."""
    fields: tuple[OverlayField, ...]
    picture: Picture | None
    clock: tuple[Entry, ...]
    """How the clock was read and how it runs; empty if it was not read."""
    findings: tuple[Entry, ...]
    """Described findings that rest on the overlay: id, and title of the kind."""
    offsets: str
    """File of the offset curve; empty if there is none."""
    offsets_alt: str
    notes: tuple[str, ...]
    """What the curve does not show, or shows in another way than usual."""


def of_clock(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that rest on the burned-in clock, if only among other grounds."""
    return [finding for finding in findings if _rests_on(finding, "clock-")]


def _rests_on(finding: Finding, kinds: str | tuple[str, ...]) -> bool:
    return any(each.kind.startswith(kinds) for each in (finding, *finding.grounds))


def build_overlay(
    features: Features, described: Sequence[Finding], assets: Assets, words: Language
) -> OverlayView | None:
    """Return what the recorder burned in; None for a clip without pictures, which cannot show it."""
    if "frames" not in features or not features["frames"].rows:
        return None
    _ = words.text
    taken = next(iter(assets.stills.get(OVERLAY, ())), None)
    fields = tuple(_fields(features, taken, words))
    read = readings(features)
    if read is not None and not read.known.any():
        read = None
    curve = offsets(read) if read is not None else None
    found = [Entry(f.id, title(f.kind, words)) for f in described if _rests_on(f, KINDS)]
    return OverlayView(
        missing=_missing(features, read, words),
        fields=fields,
        picture=picture(taken, words) if taken is not None else None,
        clock=_clock(read, curve, features.duration_s(), words) if read is not None else (),
        findings=tuple(found),
        offsets=assets.offsets if curve is not None else "",
        offsets_alt=_alt(curve, words) if curve is not None else "",
        notes=tuple(_notes(curve, words)) if curve is not None else (),
    )


def _missing(features: Features, read: Readings | None, words: Language) -> str:
    _ = words.text
    if "overlay" not in features:
        return _("What the recorder burned in was not looked for.")
    if not features["overlay"].rows:
        return _("No burned-in line was found, and so no clock.")
    if "clock" not in features["overlay"]["field"].tolist():
        return _("No burned-in clock was found.")
    return _("A burned-in clock was found, but what it shows could not be read.") if read is None else ""


def _fields(features: Features, taken: ShownStill | None, words: Language) -> Iterable[OverlayField]:
    if "overlay" not in features:
        return
    rows = features["overlay"]
    still = taken.still if taken is not None else None
    order = sorted(range(rows.rows), key=lambda row: (rows["field"][row] != "clock", rows["top"][row]))
    for number, row in enumerate(order, 1):
        box = inside(Box(*(float(rows[side][row]) for side in ("left", "top", "right", "bottom"))))
        closeup, ratio = cut_out(box, still.width_px, still.height_px) if still is not None and box else ("", "")
        readings_, agreement = int(rows["readings"][row]), float(rows["agreement"][row])
        name = str(rows["field"][row])
        said = words.text("{agree} of {count} readings")
        agree = round(agreement * readings_) if np.isfinite(agreement) else NOTHING
        yield OverlayField(
            number=number,
            name=words.text(FIELDS.get(name, shown(name))),
            text=shown(rows["text"][row] or NOTHING),
            agreement=said.format(agree=agree, count=readings_),
            pictures=str(int(rows["pictures"][row])),
            height=figure(round(float(rows["height_px"][row]), 1)),
            box=outline(box) if box else "",
            low=box is not None and box.top > 0.5,
            closeup=closeup,
            closeup_ratio=ratio,
        )


def _clock(read: Readings, curve: Offsets | None, duration_s: float, words: Language) -> tuple[Entry, ...]:
    _ = words.text
    known = np.flatnonzero(read.known)
    first, last = int(known[0]), int(known[-1])
    at = _("{shown} at {time}")
    told = [
        Entry(_(name), at.format(shown=written(read.clock_s[row], read.dated), time=clock(read.time_s[row])))
        for name, row in ((N_("First reading"), first), (N_("Last reading"), last))
    ]
    percent = 100 * len(known) / len(read.time_s)
    told.append(
        Entry(
            _("Read in"),
            _("{read} of {count} pictures ({percent} %), {seconds} s of {duration} s").format(
                read=len(known),
                count=len(read.time_s),
                percent=figure(int(percent) if percent < 100 else 100),  # "100 %" only if it was all
                seconds=figure(round(float(read.length_s[known].sum()), 1)),
                duration=figure(round(duration_s, 1)),
            ),
        )
    )
    if curve is None:
        still = _("It never changes in what was read.") if len(set(read.clock_s[known].tolist())) == 1 else NOTHING
        return (*told, Entry(_("How it runs"), still))
    runs = _("{count} ticks; clock minus presentation time from {low} s to {high} s about its median")
    low_s, high_s = float(curve.values_s.min()), float(curve.values_s.max())
    told.append(
        Entry(_("How it runs"), runs.format(count=len(curve.values_s), low=_signed(low_s), high=_signed(high_s)))
    )
    if (step := largest_step(curve)) is not None:
        told.append(Entry(_("Largest step"), _step(step, words)))
    if curve.leaps:
        listed = [
            at.format(
                shown=f"{written(leap.before_s, read.dated)} → {written(leap.after_s, read.dated)}",
                time=clock(leap.time_s),
            )
            for leap in curve.leaps[:MOST_LEAPS]
        ]
        if (more := len(curve.leaps) - MOST_LEAPS) > 0:
            listed.append(_("and {count} more").format(count=more))
        told.append(Entry(_("Leaps"), "; ".join(listed)))
    return tuple(told)


def largest_step(curve: Offsets) -> tuple[float, float, float] | None:
    """Return by how much the offset changes most from one tick to the next, and when these are, in seconds."""
    if len(curve.values_s) < 2:
        return None
    steps_s = np.diff(curve.values_s)
    largest = int(np.abs(steps_s).argmax())
    return float(steps_s[largest]), float(curve.times_s[largest]), float(curve.times_s[largest + 1])


def _step(step: tuple[float, float, float], words: Language) -> str:
    said = words.text("{step} s between {start} and {stop}")
    return said.format(step=_signed(step[0]), start=clock(step[1]), stop=clock(step[2]))


def written(clock_s: float, dated: bool) -> str:
    """Return what a clock shows, as ISO 8601 writes it."""
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=round(clock_s))
    except OverflowError:
        return figure(clock_s)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if dated else "%H:%M:%S")


def _alt(curve: Offsets, words: Language) -> str:
    said = words.text(
        "Curve of the burned-in clock minus the presentation time at {count} ticks, from {low} s to {high} s about its "
        "median."
    )
    low, high = _signed(float(curve.values_s.min())), _signed(float(curve.values_s.max()))
    told = said.format(count=len(curve.values_s), low=low, high=high)
    step = largest_step(curve)
    return told if step is None else f"{told} {words.text('Largest step')}: {_step(step, words)}"


def _notes(curve: Offsets, words: Language) -> Iterable[str]:
    _ = words.text
    if len(curve.bands) > 1:
        yield _("The axis is broken: the clock runs at {count} levels that lie far apart.").format(
            count=len(curve.bands)
        )
    if (outside := curve.values_s[curve.outside]).size:
        yield _("Ticks outside of what is drawn: {count}, from {low} s to {high} s.").format(
            count=len(outside), low=_signed(float(outside.min())), high=_signed(float(outside.max()))
        )
    if curve.undated:
        yield _("Left out, because the pictures around them were not read: {count}.").format(count=curve.undated)


def _signed(seconds: float) -> str:
    """Return seconds with a sign and to the hundredth: no recorder shows its time more exactly than its pictures."""
    rounded = round(seconds, 2) + 0.0
    return f"{rounded:+.2f}" if rounded else "0.00"
