"""How well signs are read, matched and told from the recorder's overlay, on real photos and clips.

    python -m benchmarks.signs [--shared ../shared] [--rows ROWS.json]

Every photo goes through H.264 at CRF 30 in several sizes and with several motion blurs, as a recorder would deliver it.
Each name is asked for in its own photo (positives) and in every other photo (negatives). Photos are split in two by
their place in the list: parameters may be chosen on the even ones only, and are judged on the odd ones.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.place import place
from pipeline.features.schema import table, to_table
from pipeline.model import Features, Table
from pipeline.signs.matching import match_score, signs_of
from pipeline.signs.naming import plain
from pipeline.signs.reader import read_texts

ROOT = Path(__file__).resolve().parents[1]
HEIGHTS_PX = (48, 32, 24, 18, 14)
"""Heights that the letters are scaled down to."""
BLURS_PX = (1, 3, 5, 7)
"""Lengths of the horizontal motion blur at a letter height of 32 px."""
CRF = "30"
CANVAS = (720, 1280)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A picture as the reader takes it."""

    path: Path
    frame: int
    time_s: float


@dataclass(frozen=True)
class Photo:
    """A photo, the names on it, and the height of their letters in px."""

    file: str
    pixels: Pixels
    signs: tuple[tuple[str, float], ...]


def photos(folder: Path) -> list[Photo]:
    """Return the photos whose names are known."""
    found = []
    for entry in tomllib.loads((ROOT / "benchmarks/signs_truth.toml").read_text(encoding="utf-8"))["photo"]:
        pixels = cv2.imread(str(folder / entry["file"]))
        if pixels is None:
            sys.exit(f"{folder / entry['file']} cannot be read")
        pixels = np.asarray(pixels[: entry.get("rows")], np.uint8)
        if entry.get("strip"):
            pixels = on_canvas(pixels)
        found.append(Photo(entry["file"], pixels, tuple((text, float(height)) for text, height in entry["signs"])))
    return found


def on_canvas(strip: Pixels) -> Pixels:
    """Put a line of text into the middle of an empty picture, or finding it would be no task."""
    canvas = np.empty((*CANVAS, 3), np.uint8)
    canvas[:] = np.median(strip.reshape(-1, 3), axis=0)
    top, left = (CANVAS[0] - strip.shape[0]) // 2, (CANVAS[1] - strip.shape[1]) // 2
    canvas[top : top + strip.shape[0], left : left + strip.shape[1]] = strip
    return canvas


def through_h264(pixels: Pixels) -> Pixels:
    """Return what is left of a picture after one key frame of H.264."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    stored = io.BytesIO()
    with av.open(stored, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": CRF})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="bgr24")
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open(io.BytesIO(stored.getvalue())) as back:
        return next(back.decode(video=0)).to_ndarray(format="bgr24")


def variants(photo: Photo) -> Iterator[tuple[str, float, Pixels]]:
    """Yield name, scale and pixels of a photo in every size and blur, sized by its largest sign's letters."""
    largest = max(height for _, height in photo.signs)
    for target in HEIGHTS_PX:
        if target < largest:
            scale = target / largest
            yield f"{target} px", scale, resized(photo.pixels, scale)
    scale = min(32 / largest, 1.0)
    for length in BLURS_PX[1:]:
        blurred = cv2.blur(resized(photo.pixels, scale), (length, 1))
        yield f"blur {length}", scale, np.asarray(blurred, np.uint8)


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Make a picture smaller."""
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def read(pictures: list[Picture]) -> Table:
    """Return the texts of pictures."""
    return to_table("texts", read_texts(pictures, lambda stage, share: None)["texts"])


def rows_of(found: list[Photo]) -> list[dict[str, Any]]:
    """Ask for every name in every variant of every photo: one row for each question."""
    rows: list[dict[str, Any]] = []
    names = [(owner, text, height) for owner, photo in enumerate(found) for text, height in photo.signs]
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "picture.png"
        for number, photo in enumerate(found):
            for variant, scale, pixels in variants(photo):
                cv2.imwrite(str(path), through_h264(pixels))
                texts = read([Picture(path, 0, 0.0)])
                signs = signs_of(texts)
                flagged = int(texts["overlay"].sum())
                for owner, name, height in names:
                    scored = [(match_score(sign.text, [name])[0], sign) for sign in signs]
                    score, best = max(scored, key=lambda pair: (pair[0], -pair[1].boxes), default=(0.0, None))
                    rows.append(
                        {
                            "photo": photo.file,
                            "half": "tune" if number % 2 == 0 else "test",
                            "variant": variant,
                            "name": name,
                            "positive": owner == number,
                            "height_px": height * scale,
                            "score": score,
                            "exact": any(plain(name) == plain(sign.text) for sign in signs),
                            "read": best.text if best else "",
                            "box_height_px": best.height_px if best else None,
                            "sharpness": best.sharpness if best else None,
                            "confidence": best.confidence if best else None,
                            "answer": answer(texts, name),
                            "flagged": flagged,
                        }
                    )
            print(f"{number + 1}/{len(found)} {photo.file}", file=sys.stderr)
    return rows


def answer(texts: Table, name: str) -> str:
    """Return what the detector says of one picture."""
    features = Features(
        {
            "texts": texts,
            "case": table("case", [{"field": "place.names", "value": name}]),
            "examined": table("examined", [{"stage": "texts", "measure": "pictures_read", "value": 1.0}]),
        }
    )
    return next(place(features)).kind


def report(rows: list[dict[str, Any]]) -> None:
    """Print what came out, half by half."""
    for half in ("tune", "test"):
        mine = [row for row in rows if row["half"] == half]
        positives, negatives = [r for r in mine if r["positive"]], [r for r in mine if not r["positive"]]
        asked = f"{len(positives)} positives, {len(negatives)} negatives"
        print(f"\n{half}: {len({row['photo'] for row in mine})} photos, {asked}\n")
        print("| variant | asked | read exactly | score ≥ 80 | score ≥ 90 | shown | unclear | missing |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in positives:
            groups[
                "blur " + row["variant"][5:] if row["variant"].startswith("blur") else band(row["height_px"])
            ].append(row)
        for name in sorted(groups, reverse=True):
            line(name, groups[name])
        line("all positives", positives)
        line("all negatives", negatives)
    flagged = {(row["photo"], row["variant"]): row["flagged"] for row in rows}
    print(f"\ntexts of photos taken for the recorder's: {sum(flagged.values())} in {len(flagged)} pictures")


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
    """Print, for each clip, how many texts were taken for the recorder's at the top or bottom, and how many not."""
    truth = json.loads((shared / "signs/clips/truth.json").read_text(encoding="utf-8"))
    print("\n| clip | pictures | fields drawn | read and told as overlay | other texts | told as overlay |")
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
                counts["field" if field else "other", bool(texts["overlay"][row])] += 1
            print(
                f"| {name} | {len(pictures)} | {len(pictures) * len(drawn)} | {counts['field', True]} | "
                f"{counts['other', True] + counts['other', False]} | {counts['other', True]} |"
            )
        for clip in ("footage/dashcam/dashcam1.mp4", "footage/cctv/tests__resources__traffic_camera.mp4"):
            pictures = frames(shared / clip, 3.0, 8, Path(work))
            texts = read(pictures)
            burned = sorted({str(text) for text in texts["text"][texts["overlay"]]})
            scene = sorted({str(text) for text in texts["text"][~texts["overlay"]]})
            print(f"\n{clip}, {len(pictures)} pictures\n  overlay: {burned}\n  scene: {scene}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--rows", type=Path, help="keep every question and answer in this JSON file")
    options = parser.parse_args()
    rows = rows_of(photos(options.shared / "signs/photos"))
    if options.rows:
        options.rows.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    report(rows)
    overlays(options.shared)


if __name__ == "__main__":
    main()
