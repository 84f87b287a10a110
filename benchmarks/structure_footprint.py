"""How well the rhythm of an earlier encoding is seen in the sizes of P pictures, by settings of both encodings.

    python -m benchmarks.structure_footprint --half tune --most 6

Honest takes are scaled down (which takes away the traces that they bring along), encoded once, and encoded again with
another distance of key frames; the pictures in between are those of a decoder. Printed is Markdown.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import av
import typer
from av.video.frame import PictureType

from benchmarks.footage import FOOTAGE, honest_takes
from benchmarks.structure import structure_of
from benchmarks.structure_edits import Take, load
from pipeline.detector import REGISTRY
from pipeline.model import Finding, Level, Span
from pipeline.tuning.matching import telling

FIRST = ((25, 20, 0), (30, 26, 0), (30, 23, 40))
"""Distance of key frames, CRF and scenecut (0: key frames by count alone) of the first encoding."""
SECOND = (((40, 20), 0), ((40, 26), 0), ((250, 23), 0), ((250, 23), 3))
"""The same of the second one, and how many B pictures it may set in a row."""
REMOVED = (0, 3, 10)
HALFWAY = 150


def encode(take: Take, path: Path, group: int, crf: int, scenecut: int = 0) -> Path:
    """Encode the pictures of a take with x264."""
    settings = f"keyint={group}:scenecut={scenecut}:bframes=0"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=take.rate)
        video.options = {"preset": "veryfast", "threads": "1", "crf": str(crf), "x264-params": settings}
        video.height, video.width = take.pictures.shape[1:3]
        video.pix_fmt = "yuv420p"
        for picture in take.pictures:
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
    return path


def encode_again(
    source: Path,
    path: Path,
    group: int,
    crf: int,
    *,
    first: int = 0,
    gone: tuple[int, int] = (0, 0),
    bframes: int = 0,
) -> Path:
    """Decode a file and encode it again; leave out the pictures before `first`, and those from `gone`."""
    settings = f"keyint={group}:scenecut=0:bframes={bframes}"
    with av.open(str(source)) as taken, av.open(str(path), "w") as out:
        stream = taken.streams.video[0]
        video = out.add_stream("libx264", rate=stream.average_rate)
        video.options = {"preset": "veryfast", "threads": "1", "crf": str(crf), "x264-params": settings}
        video.height, video.width, video.pix_fmt = stream.height, stream.width, "yuv420p"
        number = 0
        for place, frame in enumerate(taken.decode(stream)):
            if place < first or gone[0] <= place < gone[1]:
                continue
            frame.pts, number = number, number + 1
            frame.time_base = 1 / stream.average_rate
            frame.pict_type = PictureType.NONE  # else the encoder keeps the key frames of the first encoding
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def told(path: Path, work: Path) -> list[Finding]:
    """Return what `re-encoded` says of the rhythm of a file."""
    return [f for f in REGISTRY["re-encoded"](structure_of(path, work)) if f.evidence["ground"] != "encoder-name"]


def main(
    half: Annotated[str, typer.Option(help="tune or test.")] = "tune",
    most: Annotated[int, typer.Option(help="At most so many takes.")] = 6,
    footage: Annotated[Path, typer.Option(help="Folder with an INDEX.tsv.")] = FOOTAGE,
) -> None:
    """Print how often the right rhythm and the break in it were found, and how often where there is none."""
    clips = [clip for clip in honest_takes(footage) if clip.half == half and clip.seconds >= 9 and not clip.sped_up]
    clips.sort(key=lambda clip: clip.sha256)
    rhythm: Counter[tuple[str, str]] = Counter()
    breaks: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for clip in clips[:most]:
            take = load(clip.path)
            rate = float(take.rate)
            for first in FIRST:
                before = encode(take, work / "first.mp4", *first)
                name = f"group {first[0]}, CRF {first[1]}" + (", scene cuts" if first[2] else "")
                files = {"once": (before, 0)}
                for second, bframes in SECOND:
                    again = f"again CRF {second[1]}, group {second[0]}, {bframes} B"
                    for gone in REMOVED:
                        stop = HALFWAY + gone
                        edit = f"{again}, {gone} removed" if gone else again
                        path = work / f"{len(files)}.mp4"
                        encode_again(before, path, *second, first=5, gone=(HALFWAY, stop), bframes=bframes)
                        files[edit] = (path, gone)
                for edit, (path, gone) in files.items():
                    found = told(path, work)
                    counts[name, edit] += 1
                    period = next((f.evidence["period_pictures"] for f in found if f.kind == "re-encoded"), None)
                    rhythm[name, edit] += period is not None and (edit == "once" or period == first[0])
                    cut_s = (HALFWAY - 5) / rate
                    near = telling(found, {"missing-frames"}, Span(cut_s, cut_s), least=Level.NOTE)
                    breaks[name, edit] += bool(near) if gone else any(f.kind == "missing-frames" for f in found)
    print("| first encoding | then | rhythm told | break told | of |\n| --- | --- | --- | --- | --- |")
    for name, edit in counts:
        print(f"| {name} | {edit} | {rhythm[name, edit]} | {breaks[name, edit]} | {counts[name, edit]} |")


if __name__ == "__main__":
    typer.run(main)
