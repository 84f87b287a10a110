"""What the structure of a stream tells, without decoding: recall on packet edits, false alarms, footprints.

    python -m benchmarks.structure --half tune --most 6

Takes are encoded as a recorder might (`benchmarks.structure_edits.STYLES`); their packets are cut, joined and hidden
without encoding again, or merely put into other containers. Printed is Markdown.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

import detectors  # noqa: F401  (registers every detector)
from benchmarks.footage import FOOTAGE, honest_takes
from benchmarks.footage import Clip as Take
from benchmarks.structure_edits import CUTS, REMUXES, STYLES, load, read, record, write
from pipeline.detector import REGISTRY
from pipeline.features.child import Clip
from pipeline.features.schema import to_table
from pipeline.features.spool import read_spool
from pipeline.model import Features, Finding, Level, Span
from pipeline.tuning.intervals import wilson
from pipeline.tuning.matching import touches

MEASURED = ("container", "boxes", "streams", "edits", "packets", "parameters", "encoder")
STRUCTURAL = ("stream-change", "timestamp-gap", "timestamp-disorder", "edit-list", "header-mismatch", "truncated")


def structure_of(path: Path, work: Path) -> Features:
    """Measure what needs no decoding, in this process: the files are our own."""
    folder = Path(tempfile.mkdtemp(dir=work))
    with redirect_stdout(StringIO()):  # signs of life
        Clip(path, folder).probe()
    arrows = {name: read_spool(folder, name) for name in MEASURED}
    return Features({name: to_table(name, arrow) for name, arrow in arrows.items() if arrow is not None})


def findings_of(features: Features) -> list[Finding]:
    """Run every detector of structure whose columns are there."""
    names = (*STRUCTURAL, "container-rewrite", "re-encoded")
    return [found for name in names for found in REGISTRY[name](features)]


def alarms(findings: list[Finding]) -> list[Finding]:
    """Return the findings at suspect or above."""
    return [found for found in findings if found.level is not Level.NOTE]


def _row(hits: int, count: int) -> str:
    low, high = wilson(hits, count)
    return f"{hits} of {count} = {hits / count:.2f} | {low:.2f} to {high:.2f}" if count else "- | -"


def measure(clips: list[Take], work: Path, verbose: bool) -> None:
    """Print recall by edit and style, and false alarms on what was not edited."""
    hits: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    wrong: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    grounds: Counter[tuple[str, str]] = Counter()
    lengths_s: list[float] = []
    for number, clip in enumerate(clips):
        take = load(clip.path)
        lengths_s.append(len(take.pictures) / float(take.rate))
        for n, style in enumerate(STYLES):
            record(take, style, work / f"{number}-{n}.{style.container}")
    for n, style in enumerate(STYLES):
        files = [work / f"{number}-{n}.{style.container}" for number in range(len(clips))]
        for number, path in enumerate(files):
            packets, other = read(path), read(files[(number + 1) % len(files)])
            for suffix in ("", *REMUXES):
                changed = write(packets, path, work / f"remux.{suffix}") if suffix else path
                name = f"put into {suffix}" if suffix else "as encoded"
                found = alarms(findings_of(structure_of(changed, work)))
                seconds[name] += lengths_s[number]
                wrong[name] += len(found)
                if verbose:
                    for f in found:
                        print(f"  {clips[number].path.name} {style.name} {name}: {f.summary} {dict(f.evidence)}")
            for name, cut in CUTS.items():
                if style.container != "mp4" and "edit list" in name:
                    continue
                edited = cut(packets, other)
                if edited is None:
                    continue
                target = work / f"edited.{style.container}"
                found = alarms(findings_of(structure_of(write(edited[0], path, target), work)))
                place = Span(edited[1], edited[1])
                near = [f for f in found if touches(f.span, place) or f.kind == "edit-list"]
                counts[name, style.name] += 1
                hits[name, style.name] += bool(near)
                for f in near:
                    for ground in f.evidence.get("grounds") or [f.kind]:
                        grounds[name, str(ground)] += 1
                if verbose and not near:
                    print(f"  missed: {clips[number].path.name} {style.name} {name} at {edited[1]:.2f} s")
    _tables(hits, counts, wrong, seconds, grounds)


def _tables(
    hits: Counter[tuple[str, str]],
    counts: Counter[tuple[str, str]],
    wrong: Counter[str],
    seconds: Counter[str],
    grounds: Counter[tuple[str, str]],
) -> None:
    print("| edit | " + " | ".join(style.name for style in STYLES) + " | all | 95 % interval |")
    print("| --- |" + " --- |" * (len(STYLES) + 2))
    for name in CUTS:
        cells = [f"{hits[name, s.name]} of {counts[name, s.name]}" if counts[name, s.name] else "-" for s in STYLES]
        total = (sum(c[name, s.name] for s in STYLES) for c in (hits, counts))
        print(f"| {name} | " + " | ".join(cells) + f" | {_row(*total)} |")
    print("\n| edit | grounds |\n| --- | --- |")
    for name in CUTS:
        told = [f"{ground} {count}" for (of, ground), count in grounds.most_common() if of == name]
        print(f"| {name} | {', '.join(told)} |")
    print("\n| not edited | minutes | suspect or above |\n| --- | --- | --- |")
    for name, length_s in seconds.items():
        print(f"| {name} | {length_s / 60:.1f} | {wrong[name]} |")


def main(
    half: Annotated[str, typer.Option(help="tune or test.")] = "tune",
    most: Annotated[int, typer.Option(help="At most so many takes.")] = 8,
    footage: Annotated[Path, typer.Option(help="Folder with an INDEX.tsv.")] = FOOTAGE,
    verbose: Annotated[bool, typer.Option(help="List every miss and every false alarm.")] = False,
) -> None:
    """Print the tables."""
    clips = [clip for clip in honest_takes(footage) if clip.half == half and clip.seconds >= 5 and not clip.sped_up]
    clips.sort(key=lambda clip: clip.sha256)
    with tempfile.TemporaryDirectory() as folder:
        measure(clips[:most], Path(folder), verbose)


if __name__ == "__main__":
    typer.run(main)
