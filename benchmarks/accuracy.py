"""How well breaks in a take are found, on forgeries of real takes that nothing was tuned on.

    python -m benchmarks.accuracy --cache DIR [--half test] [--overlay] [--others] [--draw 1] [--plot FILE]

Takes are split by source into two halves (`benchmarks/footage.py`); models are trained and levels set on `tune` by
cross-validation over takes, and only `test` says how good they are. Every take is forged in every way
(`pipeline/forge`), encoded by x264 at CRF 20 to 28, and scanned; an edit counts as found if a finding of a kind that
names it, at `suspect` or above, lies within 0.25 s of it. Whatever is told of takes that were only encoded anew, or
only copied into another container, and of whole takes that nothing was done to, is a false alarm.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import detectors
from benchmarks.footage import FOOTAGE, Clip, features_of, honest_takes
from benchmarks.forged import ALL, Forged, Forger
from benchmarks.rivals import Spans, rivals
from pipeline.detector import REGISTRY
from pipeline.features.cache import Cache
from pipeline.forge.plan import Event
from pipeline.forge.wish import Wish
from pipeline.fusion import fuse
from pipeline.model import Features, Finding, Level, Span
from pipeline.tuning.intervals import wilson
from pipeline.tuning.matching import at_least, telling, touches, true_of_whole

CRF = (20, 23, 26, 28)
OVERLAY_LINES = 720
"""Height that takes under an overlay are brought to: on the smallest of them no clock could be read."""
TARGETS: Mapping[str, tuple[float, float]] = {
    "splice": (1.00, 1.00),
    "inserted-1": (0.98, 0.95),
    "inserted-5": (1.00, 1.00),
    "inserted-30": (1.00, 1.00),
    "black-1s": (1.00, 1.00),
    "removed-30": (0.99, 0.95),
    "removed-10": (0.97, 0.85),
    "removed-3": (0.90, 0.50),
    "repeated-0.5s": (0.99, 0.97),
    "frozen-0.5s": (0.99, 0.97),
    "gap-kept-copied": (0.99, 0.98),
    "gap-closed-copied": (0.99, 0.98),
    "edit-list-copied": (1.00, 1.00),
    "dropped-5-copied": (1.00, 1.00),
    "sound-removed-1s": (0.95, 0.95),
}
"""Case → share that is to be found with the overlay's clock in the picture, and without."""
UNTOUCHED = "untouched"
"""Whole takes as they were published."""
HONEST = ("re-encoded", "re-muxed", "light")
NOT_BREAKS = frozenset({"place-missing", "place-unclear"})


@dataclass(slots=True)
class Tally:
    """What was counted of one case."""

    found: int = 0
    of: int = 0
    violations: int = 0
    offsets: list[float] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class Alarms:
    """What was told of honest footage."""

    seconds: float = 0.0
    suspect: int = 0
    violation: int = 0
    others: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def findings_of(features: Features) -> list[Finding]:
    """Run every detector of breaks with its defaults, and join what they tell."""
    names = [name for name, d in REGISTRY.items() if d.func.__module__.startswith(detectors.__name__)]
    told = [found for name in names if name != "place" for found in REGISTRY[name](features)]
    return fuse(told, features)


def offset_frames(found: Sequence[Finding], event: Event, frame_s: float) -> float:
    """Return how many pictures the nearest finding begins before or behind the event."""
    return min(abs(f.span.start_s - event.span.start_s) for f in found) / frame_s


def alarms_of(findings: Iterable[Finding], features: Features) -> list[Finding]:
    """Return what is wrongly told of honest footage; what is true of the whole clip is no alarm."""
    return [
        found
        for found in findings
        if at_least(found, Level.SUSPECT) and found.kind not in NOT_BREAKS and not true_of_whole(found, features)
    ]


def camera_of(clip: Clip) -> str:
    """Return how the camera of a clip stood."""
    return "fixed" if clip.fixed else "moving"


def _near(spans: Spans, event: Event) -> bool:
    return any(touches(Span(start, stop), event.span) for start, stop in spans)


def judge(made: Forged, tallies: dict[str, Tally], verbose: bool) -> None:
    """Count what is found of one forged clip."""
    findings = findings_of(made.features)
    time_s = made.features["frames"]["time_s"]
    frame_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.04
    for event in made.truth.events:
        tally = tallies[made.truth.case]
        hits = telling(findings, event.kinds, event.span)
        tally.of += 1
        tally.found += bool(hits)
        tally.violations += any(hit.level == Level.VIOLATION for hit in hits)
        if hits:
            tally.offsets.append(offset_frames(hits, event, frame_s))
        elif verbose:
            near = [(f.kind, f.level.value, round(f.span.start_s, 2)) for f in findings]
            print(f"<!-- missed: {made.source.path.name} {made.truth.case} at {event.span.start_s:.2f} s; {near} -->")
        for name, spans in made.others.items():
            tally.others[name] += _near(spans, event)


def judge_honest(
    name: str, source: Clip, features: Features, beside: Container[str], alarms: Alarms, verbose: bool
) -> None:
    """Count what is told of one clip that nothing was done to, save for kinds `beside`, which are true of it."""
    alarms.seconds += features.duration_s()
    for found in alarms_of(findings_of(features), features):
        if found.kind in beside:
            continue
        if found.level == Level.VIOLATION:
            alarms.violation += 1
        else:
            alarms.suspect += 1
        if verbose:
            place = f"{found.span.start_s:.2f} s {found.score} {dict(found.evidence)}"
            print(f"<!-- alarm: {source.path.name} {name} {found.kind} {found.level} {place} -->")


def table(tallies: Mapping[str, Tally], overlay: bool, others: Sequence[str]) -> list[str]:
    """Return the Markdown of the edits."""
    theirs = "".join(f" {other} |" for other in others)
    rows = [
        f"| case | target | found | 95 % interval | as violation | median offset | reached |{theirs}",
        "| --- " * (7 + len(others)) + "|",
    ]
    for name, tally in tallies.items():
        target = TARGETS.get(name, (None, None))[0 if overlay else 1]
        low, high = wilson(tally.found, tally.of)
        share = tally.found / tally.of
        offset = f"{statistics.median(tally.offsets):.1f} pictures" if tally.offsets else "-"
        reached = "-" if target is None else "yes" if share >= target else "no"
        theirs = "".join(f" {tally.others[o]}/{tally.of} |" for o in others)
        rows.append(
            f"| {name} | {'-' if target is None else f'{target:.2f}'} | {tally.found}/{tally.of} ({share:.2f}) | "
            f"{low:.2f} to {high:.2f} | {tally.violations}/{tally.of} | {offset} | {reached} |{theirs}"
        )
    return rows


def honest_table(counts: Mapping[tuple[str, str], Alarms], others: Sequence[str]) -> list[str]:
    """Return the Markdown of the false alarms."""
    theirs = "".join(f" {other} (a minute) |" for other in others)
    rows = [
        f"| nothing done but | camera | footage | suspect (an hour) | violation |{theirs}",
        "| --- " * (5 + len(others)) + "|",
    ]
    for (case, camera), alarms in sorted(counts.items()):
        hours = max(alarms.seconds, 1.0) / 3600
        theirs = "".join(f" {alarms.others[o] / hours / 60:.2f} |" for o in others)
        rows.append(
            f"| {case} | {camera} | {alarms.seconds / 60:.1f} min | {alarms.suspect} ({alarms.suspect / hours:.1f}) | "
            f"{alarms.violation} |{theirs}"
        )
    return rows


def plot(tallies: Mapping[str, Tally], others: Sequence[str], path: Path) -> None:
    """Draw the share found of every case, with its interval, beside what the other programs find."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(tallies)
    figure, axes = pyplot.subplots(figsize=(8, 0.42 * len(names) + 1.2))
    y = np.arange(len(names))[::-1]
    for at, name in zip(y, names, strict=True):
        tally = tallies[name]
        low, high = wilson(tally.found, tally.of)
        axes.plot([low, high], [at, at], color="#1f5fa8", linewidth=2, zorder=1)
    axes.scatter([t.found / t.of for t in tallies.values()], y, color="#1f5fa8", label="Unbroken", zorder=3)
    for marker, other in zip("xs^vDP", others, strict=False):
        shares = [t.others[other] / t.of for t in tallies.values()]
        axes.scatter(shares, y, marker=marker, s=22, alpha=0.7, label=other, zorder=2)
    axes.set_yticks(y, names)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of edits found within 0.25 s (bar: 95 % interval)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=3, frameon=False, fontsize=8)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def main(
    cache: Annotated[Path, typer.Option(help="Folder for measured tables; outside the project.")],
    half: Annotated[
        str,
        typer.Option(help="tune, test or all; of footage that the product was tuned on only test says how good it is."),
    ] = "test",
    overlay: Annotated[bool, typer.Option(help="Burn a running clock into the takes.")] = False,
    others: Annotated[bool, typer.Option(help="Run the other programs that are installed on the same files.")] = False,
    transnet: Annotated[bool, typer.Option(help="TransNetV2 as well, which takes long.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Cases to run; all of the table without it.")] = None,
    draw: Annotated[int, typer.Option(help="Seed: other moments, sizes of edits and qualities.")] = 0,
    most: Annotated[int, typer.Option(help="Takes to forge at most.")] = 1000,
    footage: Annotated[Path, typer.Option(help="Folder with INDEX.tsv.")] = FOOTAGE,
    image: Annotated[Path | None, typer.Option("--plot", help="Draw the shares found to this PNG.")] = None,
    verbose: Annotated[bool, typer.Option(help="Say of each miss and each alarm where it is.")] = False,
) -> None:
    """Print the tables of targets."""
    beside = [name for name in rivals() if (others and name != "TransNetV2") or (transnet and name == "TransNetV2")]
    forger = Forger(cache, half, footage, beside)
    forger.clips = forger.clips[:most]
    wish = Wish(crf=CRF, overlay=("any",), height=OVERLAY_LINES) if overlay else Wish(crf=CRF)
    tallies: dict[str, Tally] = defaultdict(Tally)
    counts: dict[tuple[str, str], Alarms] = defaultdict(Alarms)
    for name in only or (UNTOUCHED, *HONEST, *TARGETS):
        if name == UNTOUCHED:
            for clip in honest_takes(footage):
                if half in {clip.half, ALL}:
                    judge_honest(
                        name, clip, features_of(Cache(cache), clip), (), counts[name, camera_of(clip)], verbose
                    )
            continue
        for made in forger.make((name,), wish, (draw,)):
            if made.truth.forged:
                judge(made, tallies, verbose)
                continue
            alarms = counts[name, camera_of(made.source)]
            judge_honest(name, made.source, made.features, made.truth.beside, alarms, verbose)
            for other, spans in made.others.items():
                alarms.others[other] += len(spans)
    print(f"Half {half}, {len(forger.clips)} takes, {'a burned-in clock' if overlay else 'no overlay'}.\n")
    if tallies:
        print("\n".join(table(tallies, overlay, beside)) + "\n")
    if counts:
        print("\n".join(honest_table(counts, beside)))
    if image and tallies:
        plot(tallies, beside, image)


if __name__ == "__main__":
    typer.run(main)
