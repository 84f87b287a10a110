"""How well signs are read, matched and told from pages and from the recorder's overlay, on real photos and clips.

    python -m benchmarks.signs [--shared ../shared] [--only target --only table …] [--rows ROWS.json] [--times 3]

Every photo is pasted into pictures of real takes of 1080p and goes through H.264 at CRF 30, in several sizes and with
several motion blurs. Photos are split in two by their place in the list: parameters may be chosen on the even ones
only, and are judged on the odd ones.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.signs_material import (
    LARGEST_SCALE,
    SHARED,
    TIMES_S,
    Photo,
    Picture,
    Pixels,
    backgrounds,
    clips,
    crowd,
    pasted,
    photos,
    stored,
)
from benchmarks.signs_names import invented, siblings
from benchmarks.signs_pages import NAME, held
from detectors.place import place
from pipeline.features.schema import table, to_table
from pipeline.model import Features, Table
from pipeline.signs.matching import match_score, signs_of
from pipeline.signs.naming import plain
from pipeline.signs.reader import read_texts
from pipeline.tuning.intervals import wilson

HEIGHTS_PX = (48, 32, 24, 18, 14)
"""Heights that the letters are scaled down to."""
BLURS_PX = (3, 5, 7)
"""Lengths of the horizontal motion blur at a letter height of 32 px."""
TARGET_PX = 32
TIMES = 3
"""How often every name is shown for the target."""
MATCH = 80.0
"""Score from which a text matches a name. By itself it shows a place from 90 on, with a second picture from 80."""
PARTS = ("target", "table", "pages", "overlays", "cost")
INVENTED = 300
SIBLINGS = 18
"""Names made of each name that is shown."""


def read(pictures: Sequence[Picture], **params: int) -> Table:
    """Return the texts of pictures, as the scan reads them."""
    return to_table("texts", read_texts(pictures, lambda stage, share: None, **params)["texts"])


def answer(texts: Table, name: str, pictures: int = 1) -> str:
    """Return what the detector says of one name."""
    features = Features(
        {
            "texts": texts,
            "case": table("case", [{"field": "place.names", "value": name}]),
            "examined": table("examined", [{"stage": "texts", "measure": "pictures_read", "value": float(pictures)}]),
        }
    )
    return next(place(features)).kind


@dataclass(slots=True)
class Judged:
    """Clips in which a sign was to be found, and names that were not to be found in them."""

    found: int = 0
    alone: int = 0
    """Those by which the detector calls the place shown, though a single picture shows it."""
    asked: int = 0
    false: int = 0
    wrong: int = 0
    """Those of them that the detector would call shown."""
    strangers: int = 0
    missed: list[str] = field(default_factory=list)


def judged(half: str, times: int, shared: Path) -> Judged:
    """Look for every sign of a half in ten minutes of sharp pictures of which one shows it at the target's height.

    Asked for are its name, and names that nothing in the clip shows: the other photos', invented ones, and siblings of
    every name that is shown.
    """
    result = Judged()
    with tempfile.TemporaryDirectory() as work:
        others, passing = crowd(half, Path(work), shared)
        known = {text for photo in photos(shared) for text, _ in photo.signs} | set(invented(INVENTED, half))
        for photo, name, pictures in clips(half, TARGET_PX, times, Path(work), others, shared):
            texts = read(pictures)
            said = answer(texts, name, len(pictures))
            score, text = _best(texts, name)
            result.asked += 1
            result.found += score >= MATCH
            result.alone += said == "place-shown"
            if score < MATCH:
                result.missed.append(f"{name}: {said}, best {text} {score:.0f}")
            here = passing | {text for text, _ in photo.signs}
            names = known | {other for text in here for other in siblings(text, SIBLINGS, half)}
            read_in = {sign.text for sign in signs_of(texts)}
            for stranger in sorted(names - here):
                result.strangers += 1
                if max((match_score(text, [stranger])[0] for text in read_in), default=0.0) >= MATCH:
                    result.false += 1
                    result.wrong += answer(texts, stranger, len(pictures)) == "place-shown"
    return result


def _best(texts: Table, name: str) -> tuple[float, str]:
    return max(((match_score(sign.text, [name])[0], sign.text) for sign in signs_of(texts)), default=(0.0, ""))


def target_row(shared: Path = SHARED, half: str = "test", times: int = TIMES) -> str:
    """Return the lines for the table of targets: recall and false matches of a half, as `benchmarks.place.row` does."""
    return "\n".join(_target_rows(judged(half, times, shared)))


def _target_rows(result: Judged) -> Iterator[str]:
    recall, false = result.found / max(result.asked, 1), result.false / max(result.strangers, 1)
    low, high = wilson(result.found, result.asked)
    measured = f"{result.found} of {result.asked} ({recall:.1%})"
    reached = "yes" if recall >= 0.8 else "no"
    yield f"| signs matched, {TARGET_PX} px, no blur | ≥ 80 % | {measured} | {low:.1%} to {high:.1%} | {reached} |"
    low, high = wilson(result.false, result.strangers)
    measured = f"{result.false} of {result.strangers} ({false:.2%})"
    reached = "yes" if false <= 0.002 else "no"
    yield f"| other names matched | ≤ 0.2 % | {measured} | {low:.2%} to {high:.2%} | {reached} |"


def target(shared: Path, times: int) -> None:
    """Print the targets for both halves, and what was missed."""
    for half in ("tune", "test"):
        result = judged(half, times, shared)
        print(f"\n{half}: one picture of {len(TIMES_S)} shows the sign\n")
        print("| what | target | measured | 95 % | reached |\n| --- | --- | --- | --- | --- |")
        print("\n".join(_target_rows(result)))
        print(f"\nshown by that picture alone: {result.alone}; other names called shown: {result.wrong}")
        print(f"missed: {result.missed}", flush=True)


def variants(photo: Photo, chance: random.Random, scenes: Sequence[Pixels]) -> Iterator[tuple[str, float, Pixels]]:
    """Yield name, scale and picture of a photo in every size and blur, sized by its largest sign's letters."""
    sizes = [(f"{height} px", height / photo.largest_px, 1) for height in HEIGHTS_PX]
    blurred = [(f"blur {blur}", TARGET_PX / photo.largest_px, blur) for blur in BLURS_PX]
    for name, scale, blur in (*sizes, *blurred):
        if scale <= LARGEST_SCALE:
            made = pasted(chance.choice(scenes), photo.pixels, scale, chance, blur)
            if made is not None:
                yield name, scale, made


def rows_of(shared: Path) -> list[dict[str, Any]]:
    """Ask for every name in every variant of every photo, a picture at a time: one row for each question."""
    rows: list[dict[str, Any]] = []
    found = photos(shared)
    names = [(owner, text, height) for owner, photo in enumerate(found) for text, height in photo.signs]
    with tempfile.TemporaryDirectory() as work:
        for number, photo in enumerate(found):
            chance = random.Random(f"table {photo.file}")
            for variant, scale, pixels in variants(photo, chance, backgrounds(photo.half, shared)):
                picture = Picture(stored(pixels, Path(work) / "picture.jpg"), 0, 0.0)
                close, far = read([picture]), read([picture], close_pictures=0)
                signs = signs_of(close)
                for owner, name, height in names:
                    score = max((match_score(sign.text, [name])[0] for sign in signs), default=0.0)
                    rows.append(
                        {
                            "photo": photo.file,
                            "half": photo.half,
                            "variant": variant,
                            "name": name,
                            "positive": owner == number,
                            "height_px": height * scale,
                            "score": score,
                            "exact": any(plain(name) == plain(sign.text) for sign in signs),
                            "answer": answer(close, name),
                            "glance": answer(far, name),
                            "lines": close.rows,
                            "overlay": int(close["overlay"].sum()),
                            "document": int(close["document"].sum()),
                        }
                    )
    return rows


def report(rows: list[dict[str, Any]]) -> None:
    """Print what came out, half by half."""
    for half in ("tune", "test"):
        mine = [row for row in rows if row["half"] == half]
        positives, negatives = [r for r in mine if r["positive"]], [r for r in mine if not r["positive"]]
        asked = f"{len(positives)} positives, {len(negatives)} negatives"
        print(f"\n{half}: {len({row['photo'] for row in mine})} photos, {asked}\n")
        print(
            "| variant | asked | read exactly | score ≥ 80 | score ≥ 90 | shown | unclear | missing | glance: shown |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in positives:
            blurred = row["variant"].startswith("blur")
            groups[row["variant"] if blurred else band(row["height_px"])].append(row)
        for name in sorted(groups, reverse=True):
            line(name, groups[name])
        line("all positives", positives)
        line("all negatives", negatives)
    pictures = {(row["photo"], row["variant"]): row for row in rows}.values()
    for what in ("overlay", "document"):
        flagged, lines = sum(row[what] for row in pictures), sum(row["lines"] for row in pictures)
        print(f"\nlines of photos and takes flagged {what}: {flagged} of {lines} in {len(pictures)} pictures")


def band(height_px: float) -> str:
    """Return the name of the band that a height of letters belongs to."""
    return next((f"{floor}+ px" for floor in (40, 28, 22, 18, 14) if height_px >= floor - 0.5), "under 14 px")


def line(name: str, rows: list[dict[str, Any]]) -> None:
    """Print one line of a table."""
    answers = Counter(row["answer"] for row in rows)
    counts = [
        sum(row["exact"] for row in rows),
        sum(row["score"] >= 80 for row in rows),
        sum(row["score"] >= 90 for row in rows),
        *(answers[kind] for kind in ("place-shown", "place-unclear", "place-missing")),
        sum(row["glance"] == "place-shown" for row in rows),
    ]
    print(f"| {name} | {len(rows)} | " + " | ".join(map(str, counts)) + " |")


def frames(clip: Path, every_s: float, most: int, work: Path) -> list[Picture]:
    """Take pictures of a clip at even distances."""
    found: list[Picture] = []
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if frame.time is not None and frame.time >= every_s * len(found):
                path = work / f"{clip.stem}-{number}.jpg"
                cv2.imwrite(str(path), frame.to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, 92])
                found.append(Picture(path, number, float(frame.time)))
                if len(found) == most:
                    break
    return found


def overlays(shared: Path) -> None:
    """Print, for each clip, how many texts were taken for the recorder's at the top or bottom, and how many not.

    Nobody tells the reader where the recorder writes, as the scan does: this is its second net.
    """
    truth = json.loads((shared / "signs/clips/truth.json").read_text(encoding="utf-8"))
    print("\n| clip | pictures | fields drawn | seen and told as overlay | other texts | told as overlay |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as work:
        for name, times in truth.items():
            pictures = frames(shared / "signs/clips" / name, 1.0, 8, Path(work))
            height, width = cv2.imread(str(pictures[0].path)).shape[:2]
            drawn = [box for _, box in times["0"].values()]
            counts = Counter[str]()
            texts = read(pictures)
            for row in range(texts.rows):
                x = (texts["left"][row] + texts["right"][row]) / 2 * width
                y = (texts["top"][row] + texts["bottom"][row]) / 2 * height
                field = any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in drawn)
                counts[f"{field} {bool(texts['overlay'][row])}"] += 1
            seen = len(set(texts["frame"].tolist()))
            print(
                f"| {name} | {seen} | {seen * len(drawn)} | {counts['True True']} | "
                f"{counts['False True'] + counts['False False']} | {counts['False True']} |"
            )
        for clip in ("footage/dashcam/dashcam1.mp4", "footage/cctv/tests__resources__traffic_camera.mp4"):
            pictures = frames(shared / clip, 3.0, 8, Path(work))
            texts = read(pictures)
            was_read = np.array([text is not None for text in texts["text"]], np.bool_)
            burned = sorted({str(text) for text in texts["text"][texts["overlay"] & was_read]})
            scene = sorted({str(text) for text in texts["text"][~texts["overlay"] & was_read]})
            print(f"\n{clip}, {len(pictures)} pictures\n  overlay: {burned}\n  scene: {scene}", flush=True)


def pages(shared: Path) -> None:
    """Print how pages that are held up are told from signs."""
    print("\n| page | height, px | pictures | lines | told as a page | name taken for a sign |")
    print("| --- | --- | --- | --- | --- | --- |")
    counts: dict[tuple[str, int], list[tuple[int, int, bool]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as work:
        for kind, height, pixels in held(backgrounds("test", shared)):
            texts = read([Picture(stored(pixels, Path(work) / "page.jpg"), 0, 0.0)])
            named = answer(texts, NAME) == "place-shown"
            counts[kind, height].append((texts.rows, int(texts["document"].sum()), named))
    for (kind, height), found in counts.items():
        print(
            f"| {kind} | {height} | {len(found)} | "
            + " | ".join(str(sum(column)) for column in zip(*found, strict=True))
            + " |"
        )


def cost(shared: Path) -> None:
    """Print the CPU time of ten minutes' sharp pictures without the place, a fifth of them with other signs."""
    with tempfile.TemporaryDirectory() as work:
        paths, _ = crowd("test", Path(work), shared)
        pictures = [Picture(path, 30 * n, TIMES_S[n]) for n, path in enumerate(paths)]
        read(pictures[:1])
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_SELF)
            read(pictures)
            after = resource.getrusage(resource.RUSAGE_SELF)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{len(pictures)} pictures: {spent:.2f} s CPU, {after.ru_maxrss // 1024} MiB", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--rows", type=Path, help="keep every question and answer of the table in this JSON file")
    parser.add_argument("--times", type=int, default=TIMES, help="how often every name is shown for the target")
    options = parser.parse_args()
    wanted = set(options.only or PARTS)
    if "target" in wanted:
        target(options.shared, options.times)
    if "table" in wanted:
        rows = rows_of(options.shared)
        if options.rows:
            options.rows.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        report(rows)
    if "pages" in wanted:
        pages(options.shared)
    if "overlays" in wanted:
        overlays(options.shared)
    if "cost" in wanted:
        cost(options.shared)


if __name__ == "__main__":
    main()
