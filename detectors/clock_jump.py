"""A burned-in clock that jumps forward or back, or stands still, while the stream's time runs on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._clock import Clock, Stretch, read_clock
from detectors._clock_findings import Step, analysed, set_by_drift, stands_out, steps_at
from detectors._clock_lines import Lines, clock_lines, contradicted
from detectors._clock_steps import FEWEST_TICKS, FEWEST_TICKS_LARGE, Course
from detectors._timeline import span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message, Scalar

_CURVES = (Curve("frames.clock_s"),)
_LARGE_UNITS = 1.5
"""A recorder that polls may leave out one second; no more than that."""
_FAINT_TICKS = FEWEST_TICKS_LARGE
"""So few seconds read on one side of a jump may be misread: unless the picture jumps, too, it is only noted."""
_FEWEST_PICTURES = 3
"""A reading that stands apart for fewer pictures is taken for a wrong one."""
_PLACES_S = (1, 10, 60, 600, 3600, 36_000, 86_400)
"""What one unit of each figure of a clock stands for, in seconds."""


@detector(
    "clock-jump",
    version=3,
    needs=("frames.time_s", "frames.damaged", "frames.luma_diff", "frames.clock_s", "overlay.field", "overlay.form"),
    emits=("clock-jump",),
)
def clock_jump(
    features: Features,
    *,
    min_known: float = 0.6,
    max_calm_frames: float = 1.0,
    max_stop_s: float = 3.0,
    max_still_share: float = 0.15,
    max_misread_s: float = 60.0,
) -> Iterator[Finding]:
    """Yield one finding per place where the clock jumps by about a second or more for good, or stands still.

    A jump is a violation only if the ticks around are calm and the picture jumps there, too: a clock that a recorder
    sets while it records, by satellite for instance, jumps, but its pictures run on. A single second that is left out
    or shown twice, with whole seconds before and after it, is never one: recorders that ask for the time too seldom do
    so. Where that only takes back what the clock had lost or gained, it is not told at all, nor a jump that the lines
    which the reader of texts read before and after it speak against. Where only two seconds are read on one side,
    and the picture runs on, it is a note. Midnight is no jump.

    Parameters
    ----------
    min_known : float
        Share of the pictures whose clock must have been read (0 to 1).
    max_calm_frames : float
        Ticks are calm if they scatter by no more than this, as a standard deviation in distances of pictures.
    max_stop_s : float
        A clock may show one value for so long beyond its usual second, or minute (seconds).
    max_still_share : float
        Pictures that change by less than this share of what is usual in the clip stand still themselves, and so may
        the clock (0 to 1).
    max_misread_s : float
        Jumps by whole seconds that undo each other within this time, while the picture runs on, are wrong readings
        (seconds).

    References
    ----------
    A. N. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979), 126-135.
    """
    clock = read_clock(features, min_known)
    if clock is None:
        return
    course, cuts = analysed(clock)
    steps = steps_at(course, cuts, cuts)
    lines = clock_lines(features)
    excused = [*set_by_drift(course, steps, cuts), *_returning(features, steps, max_misread_s)]
    excused += [s for s, cut in zip(steps, cuts, strict=True) if contradicted(lines, course, cuts, cut, s.size_s)]
    stops = [held for held in _held(clock) if held.stop_s - held.start_s > clock.face.unit_s + max_stop_s]
    stops = [held for held in stops if not _stands(features, held, max_still_share)]
    stops = [held for held in stops if _borne_out(lines, course, held)]
    for held in stops:
        yield _of_stop(features, clock, held)
    for step in steps:
        if step not in excused and not any(_meet(held, step) for held in stops):
            yield _of_step(features, course, step, max_calm_frames)
    for held in clock.wrong:
        if _elsewhere(clock, held) and not any(_meet(held, step) for step in steps):
            yield _of_excursion(features, clock, held)


def _held(clock: Clock) -> list[Stretch]:
    """Return how long every value is shown: until the last picture that is known to show it."""
    later = [
        Stretch(int(frame), int(frame), float(start_s), float(last_s), float(shown_s), int(pictures))
        for frame, start_s, last_s, shown_s, pictures in zip(
            clock.frame, clock.time_s, clock.last_s, clock.shown_s, clock.pictures, strict=True
        )
        if last_s - start_s > clock.face.unit_s
    ]
    return [clock.first, *later]


def _stands(features: Features, held: Stretch, max_share: float) -> bool:
    """Tell whether the picture stands still, too, or so little of the stretch was read that nobody knows."""
    frames = features["frames"]
    time_s, change = frames["time_s"], frames["luma_diff"]
    inside = (time_s > held.start_s) & (time_s <= held.stop_s)
    if held.pictures < 0.5 * inside.sum():
        return True
    known = np.isfinite(change)
    if not (inside & known).any():
        return False
    return bool(np.median(change[inside & known]) < max_share * np.median(change[known]))


def _borne_out(lines: Lines, course: Course, held: Stretch) -> bool:
    """Tell whether a clock that seems to stand still was read well enough to say so.

    Either the reader of texts read the same in this stretch, and nothing else; or it did not look there, and the
    figures were followed elsewhere in the clip.
    """
    some = lines.within(held.start_s, held.stop_s)
    if len(some.time_s) >= 2:
        return bool(np.all(some.apart(np.full(len(some.time_s), held.shown_s)) <= course.clock.face.unit_s))
    return len(course.row) >= 2 * FEWEST_TICKS


def _meet(held: Stretch, step: Step) -> bool:
    return held.start_s <= step.stop_s and step.start_s <= held.stop_s + step.frame_s


def _returning(features: Features, steps: list[Step], max_s: float) -> list[Step]:
    """Return jumps by whole seconds that undo each other soon, without a jump of the picture: wrong readings."""
    found: list[Step] = []
    for first, one in enumerate(steps):
        total_s = 0.0
        for last in range(first, len(steps)):
            step = steps[last]
            total_s += step.size_s
            span = span_of(features, step.start_s, step.stop_s)
            if not step.whole or step.start_s - one.start_s > max_s or stands_out(features, span):
                break
            if last > first and abs(total_s) <= 2 * one.frame_s:
                found += [other for other in steps[first : last + 1] if other not in found]
                break
    return found


def _elsewhere(clock: Clock, held: Stretch) -> bool:
    """Tell whether a wrong reading is far enough from what is due to be another recording's clock.

    One figure may be misread; and where the clock carries (29:59 to 30:00) two may be, by one unit of their place.
    """
    due_s = _expected(clock, held)
    carried = any(abs(abs(held.shown_s - due_s) - unit_s) < clock.face.unit_s / 2 for unit_s in _PLACES_S)
    return held.pictures >= _FEWEST_PICTURES and _figures_apart(clock, held.shown_s, due_s) >= 2 and not carried


def _figures_apart(clock: Clock, one_s: float, other_s: float) -> int:
    """Return in how many characters two values of a clock differ as written."""
    one, other = clock.face.written(one_s), clock.face.written(other_s)
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))


def _expected(clock: Clock, held: Stretch) -> float:
    """Return what the clock should show where a wrong reading begins: what it shows before, and the time since."""
    before = int(np.searchsorted(clock.time_s, held.start_s)) - 1
    if before < 0:
        return clock.first.shown_s
    passed_s = (held.start_s - float(clock.time_s[before])) // clock.face.unit_s * clock.face.unit_s
    return float(clock.shown_s[before]) + passed_s


def _of_step(features: Features, course: Course, step: Step, max_calm_frames: float) -> Finding:
    face = course.clock.face
    span = span_of(features, step.start_s, step.stop_s)
    jumps = stands_out(features, span)
    calm = step.spread_s <= max_calm_frames * step.frame_s
    large = abs(step.size_s) >= _LARGE_UNITS * face.unit_s
    enough = step.ticks >= (FEWEST_TICKS_LARGE if large else FEWEST_TICKS)
    clear = calm and enough and bool(jumps) and (large or not step.whole)
    faint = step.ticks <= _FAINT_TICKS and jumps is False
    back = step.shown_after_s < step.shown_before_s and abs(step.size_s) < 0.9 * (face.cycle_s or np.inf) / 2
    if step.whole and step.size_s > 0:
        said = (
            "The clock leaves out {seconds:.0f} s between {before} and {after}, with whole seconds before and after: "
            "the recorder may have set its clock, or exactly as much was removed."
        )
    elif step.whole:
        said = (
            "The clock falls back by {seconds:.0f} s between {before} and {after}, with whole seconds before and "
            "after: the recorder may have set its clock, or exactly as much was put in or repeated."
        )
    elif step.size_s > 0:
        said = (
            "The clock jumps from {before} to {after}: {seconds:.2f} s more pass on it than in the stream, about "
            "{pictures} pictures."
        )
    elif back:
        said = "The clock runs back from {before} to {after}, {seconds:.2f} s behind the stream from here on."
    else:
        said = (
            "From {before} to {after} on the clock the stream is {seconds:.2f} s too long: about {pictures} pictures "
            "were put in, repeated or held."
        )
    values: dict[str, Scalar] = {
        "before": face.written(step.shown_before_s),
        "after": face.written(step.shown_after_s),
        "seconds": abs(step.size_s),
        "pictures": step.pictures,
    }
    used = {name: value for name, value in values.items() if f"{{{name}" in said}
    return Finding(
        kind="clock-jump",
        level=Level.VIOLATION if clear else Level.NOTE if faint else Level.SUSPECT,
        span=span,
        message=Message(said, used),
        evidence={
            "step_s": step.size_s,
            "pictures": step.pictures,
            "before": values["before"],
            "after": values["after"],
            "jitter_s": step.spread_s,
            "ticks_on_either_side": step.ticks,
            "between_two_pictures": step.exact,
            "whole_seconds": step.whole,
            "picture_jumps": jumps,
        },
        curves=_CURVES,
    )


def _of_stop(features: Features, clock: Clock, held: Stretch) -> Finding:
    return Finding(
        kind="clock-jump",
        level=Level.SUSPECT,
        span=span_of(features, held.start_s, held.stop_s),
        message=Message(
            "The clock stands still at {shown} for {seconds:.1f} s while the picture runs on.",
            {"shown": clock.face.written(held.shown_s), "seconds": held.stop_s - held.start_s},
        ),
        evidence={"shown": clock.face.written(held.shown_s), "seconds": held.stop_s - held.start_s},
        curves=_CURVES,
    )


def _of_excursion(features: Features, clock: Clock, held: Stretch) -> Finding:
    frame_s = (held.stop_s - held.start_s) / (held.pictures - 1)
    shown, expected = clock.face.written(held.shown_s), clock.face.written(_expected(clock, held))
    return Finding(
        kind="clock-jump",
        level=Level.SUSPECT,
        span=span_of(features, held.start_s, held.stop_s + frame_s / 2),
        message=Message(
            "For {pictures} pictures the clock shows {shown} where {expected} is due, and then goes on as before: they "
            "may have been put in from another recording.",
            {"pictures": held.pictures, "shown": shown, "expected": expected},
        ),
        evidence={"pictures": held.pictures, "shown": shown, "expected": expected},
        curves=_CURVES,
    )
