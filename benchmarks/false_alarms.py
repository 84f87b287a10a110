"""False alarms per hour on honest takes, and recall on forgeries made from them.

    python -m benchmarks.false_alarms --cache DIR             honest takes
    python -m benchmarks.false_alarms --cache DIR --forged    and forgeries

Clips are split in two halves by a hash of the name of the take. Thresholds were chosen on the half `tune`; only what
is printed for `test` says how good they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

import detectors
from benchmarks import forge
from benchmarks.footage import FOOTAGE, Clip, features_of, honest_takes
from pipeline.detector import REGISTRY
from pipeline.features.cache import Cache
from pipeline.model import Features, Finding, Level

HALVES = ("tune", "test")
TOLERANCE_S = 0.25
_SHORTEST_S = 4.0
"""Shorter clips are not forged: an edit would leave no take around it."""

_ABOUT_SOUND = {"audio-missing", "audio-dropout"}


def _about_the_clip(finding: Finding, features: Features) -> bool:
    """Tell whether a finding says, truly, that a whole clip has no sound: a property of the footage, no false alarm."""
    span = finding.span
    return finding.kind in _ABOUT_SOUND and span.stop_s - span.start_s >= 0.95 * features.duration_s()


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (95 % for z = 1.96); (0, 1) if `count` is 0.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    if not count:
        return 0.0, 1.0
    share = hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def findings_of(features: Features) -> list[Finding]:
    """Run every detector of this package (not speech, not signs) with its defaults."""
    names = [name for name, d in REGISTRY.items() if d.func.__module__.startswith(detectors.__name__)]
    return [found for name in names if name != "place" for found in REGISTRY[name](features)]


def hit(findings: Iterable[Finding], kinds: frozenset[str], start_s: float, stop_s: float) -> bool:
    """Tell whether a finding of the right kind, suspect or stronger, lies within 0.25 s of the forged stretch."""
    return any(
        f.kind in kinds
        and f.level != Level.NOTE
        and f.span.start_s <= stop_s + TOLERANCE_S
        and f.span.stop_s >= start_s - TOLERANCE_S
        for f in findings
    )


def _tell(clip: Clip, edit: str, f: Finding) -> None:
    place = f"{f.span.start_s:.2f}-{f.span.stop_s:.2f} s"
    print(f"  {clip.half} {clip.path.name} ({edit}): {f.level} at {place} {f.summary} {dict(f.evidence)}")


def false_alarms(clips: list[Clip], cache: Cache, verbose: bool) -> None:
    """Print findings per hour of honest takes, by half, camera and detector."""
    seconds: Counter[tuple[str, str]] = Counter()
    alarms: Counter[tuple[str, str, str, str]] = Counter()
    for clip in clips:
        features = features_of(cache, clip, "original", 0, lambda _folder, clip=clip: clip.path)
        camera = "fixed" if clip.fixed else "moving"
        seconds[clip.half, camera] += features.duration_s()
        for f in findings_of(features):
            name = f.detector + ("*" if _about_the_clip(f, features) else "")
            alarms[clip.half, camera, name, f.level.value] += 1
            if verbose:
                _tell(clip, "original", f)
    print("* true of the whole clip (no sound, or digitally silent throughout): no false alarm")
    print("half   camera   footage  detector             note  suspect (per hour)  violation (per hour)")
    for half in HALVES:
        for camera in ("moving", "fixed"):
            hours = seconds[half, camera] / 3600
            for name in sorted({key[2] for key in alarms if key[:2] == (half, camera)}):
                note, suspect, violation = (alarms[half, camera, name, level.value] for level in reversed(Level))
                print(
                    f"{half:6} {camera:8} {hours * 60:5.1f} min {name:20} {note:4}  "
                    f"{suspect:7} ({suspect / hours:8.1f})  {violation:9} ({violation / hours:8.1f})"
                )
            if hours and not any(key[:2] == (half, camera) for key in alarms):
                print(f"{half:6} {camera:8} {hours * 60:5.1f} min nothing found")


def _forged(clips: list[Clip], cache: Cache, most: int) -> Iterator[tuple[Clip, forge.Edit, Features, float, float]]:
    for half in HALVES:
        own = [clip for clip in clips if clip.half == half and clip.seconds >= _SHORTEST_S and not clip.sped_up]
        own.sort(key=lambda clip: clip.sha256)  # a spread over all sources, however few are taken
        for clip, other in list(zip(own, own[1:] + own[:1], strict=True))[:most]:
            takes: dict[Path, forge.Take] = {}
            for edit in forge.EDITS:
                if edit.needs_sound and not clip.sound:
                    continue
                where = cache.root / "where" / f"{clip.sha256}-{edit.name.replace(' ', '-')}-{forge.FORGER_VERSION}"

                def make(folder: Path, clip=clip, other=other, edit=edit, where=where, takes=takes) -> Path:
                    for path in (clip.path, other.path):
                        if path not in takes:
                            takes[path] = forge.load(path)
                    forged, start_s, stop_s = edit.apply(takes[clip.path], takes[other.path])
                    where.parent.mkdir(parents=True, exist_ok=True)
                    where.write_text(f"{start_s} {stop_s}")
                    return forge.save(forged, folder / "forged.mp4")

                features = features_of(cache, clip, edit.name, forge.FORGER_VERSION, make)
                start_s, stop_s = map(float, where.read_text().split())
                yield clip, edit, features, start_s, stop_s


def recall(clips: list[Clip], cache: Cache, most: int, verbose: bool) -> None:
    """Print the recall on forgeries by half, with 95 % Wilson intervals, and the false alarms on mere re-encodings."""
    hits: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    wrong: Counter[tuple[str, str, str]] = Counter()
    seconds: Counter[str] = Counter()
    for clip, edit, features, start_s, stop_s in _forged(clips, cache, most):
        findings = findings_of(features)
        if not edit.kinds:
            seconds[clip.half] += features.duration_s()
            findings = [f for f in findings if not _about_the_clip(f, features)]
            wrong.update((clip.half, f.detector, f.level.value) for f in findings)
            if verbose:
                for f in findings:
                    _tell(clip, edit.name, f)
            continue
        found = hit(findings, edit.kinds, start_s, stop_s)
        counts[clip.half, edit.name] += 1
        hits[clip.half, edit.name] += found
        if verbose and not found:
            print(f"  missed: {clip.half} {clip.path.name} {edit.name} at {start_s:.2f} s")
    for clip in clips:
        dropped = _dropped(clip, cache)
        if dropped is not None:
            counts[clip.half, forge.DROPPED] += 1
            hits[clip.half, forge.DROPPED] += dropped
            if verbose and not dropped:
                print(f"  missed: {clip.half} {clip.path.name} {forge.DROPPED}")
    print("half   forgery                                  found   recall  95 % interval")
    for half in HALVES:
        for name in dict.fromkeys(name for _, name in counts):
            n, k = counts[half, name], hits[half, name]
            low, high = wilson(k, n)
            print(f"{half:6} {name:40} {k:3}/{n:3}  {k / max(n, 1):5.2f}   {low:.2f} .. {high:.2f}")
    for (half, name, level), count in sorted(wrong.items()):
        print(f"{half:6} false alarms on re-encoded takes ({seconds[half] / 60:.1f} min): {name} {level} {count}")


def _dropped(clip: Clip, cache: Cache) -> bool | None:
    if clip.seconds < _SHORTEST_S or clip.sped_up or clip.path.suffix.lower() != ".mp4":
        return None
    where = cache.root / "where" / f"{clip.sha256}-dropped-12s-{forge.FORGER_VERSION}"

    def make(folder: Path) -> Path:
        place = forge.drop_packets(clip.path, folder / "dropped.mp4", 1.0)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text("" if place is None else f"{place[0]} {place[1]}")
        return folder / "dropped.mp4"

    features = features_of(cache, clip, forge.DROPPED, forge.FORGER_VERSION, make)
    if not where.read_text():
        return None
    start_s, stop_s = map(float, where.read_text().split())
    return hit(findings_of(features), frozenset({"timestamp-gap"}), start_s, stop_s)


def main(
    cache: Annotated[Path, typer.Option(help="Folder for measured tables; outside the project.")],
    footage: Annotated[Path, typer.Option(help="Folder with INDEX.tsv.")] = FOOTAGE,
    forged: Annotated[bool, typer.Option(help="Forge clips as well, and print the recall.")] = False,
    most: Annotated[int, typer.Option(help="Forge at most this many takes of each half.")] = 12,
    verbose: Annotated[bool, typer.Option(help="Print every finding and every miss.")] = False,
) -> None:
    """Judge the detectors on measured footage."""
    clips = honest_takes(footage)
    kept = Cache(cache)
    print(f"{len(clips)} honest takes, {sum(clip.half == 'tune' for clip in clips)} of them for tuning")
    false_alarms(clips, kept, verbose)
    if forged:
        recall(clips, kept, most, verbose)


if __name__ == "__main__":
    typer.run(main)
