"""How often landmarks are recognised, and never a wrong one: real pairs, made pairs and pictures of one take.

    python -m benchmarks.landmarks [--shared ../shared] [--matcher xfeat] [--small] [--cost]

Photos are those of the measuring material and the first pictures of its clips. A *real* pair is two photos of one
thing; a *made* pair is a photo and its own copy from another side, in another light and size, through H.264 at CRF 30;
a *take* pair is two pictures of a moving camera, some seconds apart, between which tracked points stay in view. Every
photo is also held against every picture of other sources. Sources are split in two by a hash of their names: the
threshold was chosen on the half *tune*; *test* was not looked at for it. `--small` takes only the real photos, their
pairs and one picture of each clip, for matchers that are slow.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import re
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.place import place
from pipeline.features.schema import to_table
from pipeline.model import Table
from pipeline.settings import parameters_of
from pipeline.signs.landmarks import find_landmarks
from pipeline.tuning.intervals import wilson

SHARED = Path(__file__).resolve().parents[2] / "shared"
REAL = (
    ("DSC_0410.JPG", "DSC_0411.JPG"),
    ("sacre_coeur1.jpg", "sacre_coeur2.jpg"),
    ("ref.png", "tgt.png"),
    ("box.png", "box_in_scene.png"),
    ("graf1.png", "graf3.png"),
    ("leuvenA.jpg", "leuvenB.jpg"),
)
APART_S = (8.0, 4.0, 2.0)
"""How far the two pictures of a take lie apart: the longest over which enough of the scene stays in view."""
TRACKS, CELLS = 25, 10
"""Tracked points that must be left, and cells of 30 px in which they must lie, of a picture of 480 px."""
SETTINGS: dict[str, dict[str, Any]] = {"rootsift": {}, "xfeat": {"longer_side_px": 1024, "picture_features": 3000}}
"""What differs from the defaults with each matcher."""
UNRELATED = ("cameras", "cctv", "dashcam")
"""Folders of clips whose clips have nothing to do with one another; of the others, none is held against another."""
Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """A photo, or a picture of a clip."""

    path: Path
    source: str
    """What decides its half."""
    group: str
    """Views of one group may show the same thing."""
    kind: str = ""
    """Of a picture: what pair it makes with the photo of its source; empty if none."""
    photo: str = ""
    """Of such a picture: name of that photo."""
    frame: int = 0
    time_s: float = 0.0
    sharpness: float = 1.0


def half(source: str) -> str:
    """Return `tune` or `test`."""
    return "test" if hashlib.sha256(source.encode()).digest()[0] & 1 else "tune"


def through_h264(grey: Grey) -> Grey:
    """Return what is left of a picture after one key frame of H.264 at CRF 30."""
    height, width = (side // 2 * 2 for side in grey.shape)
    stored = io.BytesIO()
    with av.open(stored, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "30"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey[:height, :width]), format="gray")
        out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode())
    with av.open(io.BytesIO(stored.getvalue())) as back:
        return np.asarray(next(back.decode(video=0)).to_ndarray(format="gray"), np.uint8)


def from_elsewhere(grey: Grey, seed: int) -> Grey:
    """Return a picture as if taken from another place: perspective, half to full size, exposure, gamma, H.264."""
    random = np.random.default_rng(seed)
    height, width = grey.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.uniform(-0.12, 0.12, (4, 2)) * (width, height) + random.uniform(-0.1, 0.1, 2) * width
    middle = np.array([width / 2, height / 2])
    target = ((moved - middle) * random.uniform(0.5, 1.0) + middle).astype(np.float32)
    turn = cv2.getPerspectiveTransform(corners, target)
    fill = float(np.median(grey))
    seen = cv2.warpPerspective(grey, turn, (width, height), flags=cv2.INTER_AREA, borderValue=fill)
    lit = np.clip(seen * random.uniform(0.6, 1.3) + random.uniform(-25, 25), 0, 255) / 255
    return through_h264((255 * lit ** random.uniform(0.7, 1.4)).astype(np.uint8))


def clip_pictures(path: Path, tracked: bool) -> dict[float, Grey]:
    """Return the pictures at 0 s and 4 s and, under -1, the one that makes a pair with the first."""
    found: dict[float, Grey] = {}
    wanted = sorted(APART_S)
    points, before, latest = None, None, None
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            time_s = float(frame.time or 0.0)
            grey = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
            small = fitted(grey, 480)
            if not found:
                found[0.0] = grey
                points = cv2.goodFeaturesToTrack(small, 800, 0.01, 5) if tracked else None
            elif points is not None and len(points):
                points = still_tracked(before, small, points)
            before = small
            if wanted and time_s >= wanted[0]:
                apart = wanted.pop(0)
                if apart == 4.0:
                    found[4.0] = grey
                if points is not None and len(points) >= TRACKS and len(np.unique(points[:, 0] // 30, axis=0)) >= CELLS:
                    latest = grey
            if not wanted:
                break
    if latest is not None:
        found[-1.0] = through_h264(latest)
    return found


def still_tracked(before: Any, after: Grey, points: Any) -> Any:
    """Return where points of the picture before lie now, if they come back from there and stay inside."""
    moved, there, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, winSize=(15, 15))
    again, back, _ = cv2.calcOpticalFlowPyrLK(after, before, moved, None, winSize=(15, 15))
    kept = (there.ravel() == 1) & (back.ravel() == 1) & (np.linalg.norm(again - points, axis=2).ravel() < 0.7)
    size = np.array(after.shape[::-1])
    return moved[kept & ((moved[:, 0] > 3) & (moved[:, 0] < size - 4)).all(axis=1)]


def fitted(grey: Grey, side: int) -> Grey:
    """Make a picture no larger than `side`."""
    factor = min(1.0, side / max(grey.shape))
    return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def clips(shared: Path) -> Iterator[tuple[Path, str, bool]]:
    """Yield path, group and "its camera moves" of the clips of 640 px and more, of which no twin came before."""
    told: set[str] = set()
    with (shared / "footage" / "INDEX.tsv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            folder, stem = row["path"].split("/")[0], re.sub(r"_(vfr|subtitled|tracked)$", "", Path(row["path"]).stem)
            large = max(map(int, re.findall(r"\d+", row["resolution"])), default=0) >= 640
            if folder == "containers_fate" or not large or stem in told:
                continue
            told.add(stem)
            group = stem if folder in UNRELATED else folder
            yield shared / "footage" / row["path"], group, "static" not in row["camera"] and "egolife" not in folder


def views(shared: Path, work: Path) -> tuple[list[View], list[View]]:
    """Write every photo and every picture below `work`; return them."""
    photos: list[View] = []
    pictures: list[View] = []
    couples = {name: "+".join(couple) for couple in REAL for name in couple}
    other = {one: two for couple in REAL for one, two in (couple, couple[::-1])}

    def add(to: list[View], grey: Grey, source: str, group: str, kind: str = "", photo: str = "") -> None:
        path = work / f"{len(photos)}-{len(pictures)}.png"
        cv2.imwrite(str(path), grey)
        to.append(View(path, source, group, kind, photo, len(to), float(len(to))))

    files = sorted((shared / "signs" / "landmarks").iterdir()) + sorted((shared / "signs" / "photos").iterdir())
    for number, path in enumerate(file for file in files if "_words_" not in file.name):
        grey = fitted(np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8), 1280)
        source = couples.get(path.name, path.stem)
        add(photos, grey, source, source, photo=path.name)
        real = path.name in couples
        add(pictures, grey, source, source, "real" if real else "", other.get(path.name, ""))
        if min(grey.shape) >= 200:
            add(pictures, from_elsewhere(grey, number), source, source, "made", path.name)
    for number, (path, group, moves) in enumerate(clips(shared)):
        found = clip_pictures(path, moves)
        group = couples["box.png"] if path.name == "box.mp4" else group  # the same box
        add(photos, found[0.0], path.stem, group, photo=path.stem)
        add(pictures, from_elsewhere(found[0.0], 1000 + number), path.stem, group, "made", path.stem)
        for time_s, grey in found.items():
            add(pictures, grey, path.stem, group, "take" if time_s < 0 else "", path.stem if time_s < 0 else "")
    return photos, pictures


def compared(photos: list[View], pictures: list[View], matcher: str) -> Table:
    """Hold every photo against every picture, as the product does."""
    asked = [(photo.photo, photo.path) for photo in photos]
    used = {"matcher": matcher, "max_pictures": len(pictures), **SETTINGS[matcher]}
    tables = find_landmarks(pictures, asked, [], progress, **used)
    return to_table("landmarks", tables["landmarks"])


def progress(stage: str, share: float) -> None:
    """Tell how far it is."""
    print(f"\r{stage} {share:.0%}", end="", file=sys.stderr)


@dataclass
class Counts:
    """What came out: inliers by kind of pair and half."""

    positive: dict[tuple[str, str], list[int]]
    negative: dict[str, list[int]]

    def found(self, half_name: str, least: int) -> tuple[int, int]:
        """Return how many pairs of a half are recognised, and how many there are."""
        inliers = [n for (_, of), values in self.positive.items() if of == half_name for n in values]
        return sum(n >= least for n in inliers), len(inliers)


def counted(shared: Path, matcher: str, small: bool = False) -> Counts:
    """Measure everything; a pair with too little spread counts as no inliers, as in the detector."""
    with tempfile.TemporaryDirectory() as work:
        photos, pictures = views(shared, Path(work))
        if small:
            photos = [photo for photo in photos if any(photo.photo in couple for couple in REAL)]
            own = {photo.source for photo in photos}
            pictures = [p for p in pictures if p.source in own or (p.frame % 4 == 0 and not p.kind)]
        rows = compared(photos, pictures, matcher)
    by_name = {photo.photo: photo for photo in photos}
    by_frame = {picture.frame: picture for picture in pictures}
    positive: dict[tuple[str, str], list[int]] = defaultdict(list)
    negative: dict[str, list[int]] = defaultdict(list)
    for name, frame, inliers, spread in zip(rows["photo"], rows["frame"], rows["inliers"], rows["spread"], strict=True):
        photo, picture = by_name[name], by_frame[frame]
        number = int(inliers) if spread >= defaults()["min_spread"] else 0
        if picture.kind and picture.photo == name:
            positive[picture.kind, half(picture.source)].append(number)
        elif photo.group != picture.group:
            halves = {half(photo.source), half(picture.source)}
            negative[halves.pop() if len(halves) == 1 else "mixed"].append(number)
    return Counts(positive, negative)


def defaults() -> dict[str, Any]:
    """Return the parameters of the detector."""
    return parameters_of(place)().model_dump()


def target_row(shared: Path = SHARED, matcher: str = "rootsift") -> str:
    """Return the line of the half *test* for the table of targets, as `benchmarks.place.row` writes it."""
    counts = counted(shared, matcher)
    least = defaults()["min_inliers"]
    found, asked = counts.found("test", least)
    false = sum(n >= least for values in counts.negative.values() for n in values)
    pairs = sum(map(len, counts.negative.values()))
    low, high = wilson(found, asked)
    what = f"landmark pairs recognised, {false} of {pairs} other pairs falsely"
    return f"| {what} | ≥ 80 %, none falsely | {found} | {asked} | {found / asked:.1%} | {low:.1%} to {high:.1%} |"


def cost(shared: Path) -> None:
    """Print the CPU time of a ten-minute clip of 1080p: 150 pictures, two photos."""
    with tempfile.TemporaryDirectory() as work:
        with av.open(str(shared / "footage/cameras/video__video.mp4")) as container:
            shown = [frame.to_ndarray(format="bgr24") for frame in list(container.decode(video=0))[::10]]
        clip = [Path(work) / f"{number}.jpg" for number in range(len(shown))]
        for path, pixels in zip(clip, shown, strict=True):
            cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
        pictures = [View(clip[n % len(clip)], "", "", frame=n, time_s=4.0 * n, sharpness=n % 7) for n in range(150)]
        photos = [(name, shared / "signs/landmarks" / name) for name in ("DSC_0410.JPG", "sacre_coeur1.jpg")]
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
            find_landmarks(pictures, photos, [], lambda stage, share: None)
            print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_utime - before:.2f} s CPU")


def report(counts: Counts) -> None:
    """Print the table, and what the threshold was chosen by."""
    least = defaults()["min_inliers"]
    print(f"\n| pairs | half | recognised (≥ {least}) | of | fewest inliers |\n| --- | --- | --- | --- | --- |")
    for (kind, of), inliers in sorted(counts.positive.items()):
        print(f"| {kind} | {of} | {sum(n >= least for n in inliers)} | {len(inliers)} | {sorted(inliers)[:5]} |")
    for of, inliers in sorted(counts.negative.items()):
        print(f"| other places | {of} | {sum(n >= least for n in inliers)} | {len(inliers)} | most: {max(inliers)} |")
    print("\nleast inliers: tune recognised, test recognised; false in tune, test, mixed")
    for tried in (10, 12, 14, 16, 18, 20, 25, 30, 40, 50, 60):
        false = [sum(n >= tried for n in counts.negative[of]) for of in ("tune", "test", "mixed")]
        print(tried, counts.found("tune", tried), counts.found("test", tried), false)


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--matcher", default="rootsift", choices=SETTINGS)
    parser.add_argument("--small", action="store_true", help="only real photos, and one picture of each clip")
    parser.add_argument("--cost", action="store_true", help="only the CPU time of a ten-minute clip")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    if asked.cost:
        cost(asked.shared)
    else:
        report(counted(asked.shared, asked.matcher, asked.small))


if __name__ == "__main__":
    main()
