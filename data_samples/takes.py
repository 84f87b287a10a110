"""Build honest takes into `data_samples/built_takes/`, for notebooks to forge from; does nothing if they are there.

    python data_samples/takes.py [FOLDER]

Each is one uncut piece of footage, seen through a window that shakes as a worn camera does. A truth file beside each
names its source: the two of the yard are of one piece, which therefore is never on both sides of a split.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from container import encode
from fetch import fetch, source
from scipy.ndimage import gaussian_filter1d
from sound import RATE_HZ, street
from stamp import digest_of, is_fresh, write_stamp

HERE = Path(__file__).parent
SIZE = (480, 270)
SHARE = 0.8
"""Of the footage's width and height is seen at a time."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One uncut piece of footage and how it is seen."""

    name: str
    footage: str
    """A purpose of `fetch.FILES`."""
    first: int
    stop: int
    """Pictures of the footage."""
    fps: int
    scene: str
    pictures: int
    """Where the piece is shorter, it runs forward, back and so on."""
    seed: int


SHOTS = (
    Shot("yard", "place", 0, 230, 30, "yard", 180, 21),
    Shot("yard_again", "place", 0, 230, 30, "yard", 180, 22),
    Shot("meadow", "cartoon", 0, 132, 25, "meadow, drawn", 132, 23),
    Shot("car", "car", 0, 120, 30, "inside a car", 120, 24),
    Shot("taxi", "street", 31, 76, 25, "street, dusk", 132, 25),
    Shot("rider", "street", 77, 137, 25, "street, dusk", 150, 26),
    Shot("crossing", "street", 138, 187, 25, "street, day", 145, 27),
    Shot("bicycle", "street", 188, 242, 25, "street, day", 150, 28),
)


def build(out: Path) -> bool:
    """Build the takes into `out`; return False if they were there already."""
    wanted = digest_of("takes", "container", "fetch", "sound")
    if is_fresh(out, wanted):
        return False
    fetch()
    work = out.with_name(f"{out.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for shot in SHOTS:
        sound = street(round(shot.pictures / shot.fps * RATE_HZ), seed=shot.seed) * np.float32(0.02)
        encode(work / f"{shot.name}.mp4", _seen(shot), sound, size=SIZE, fps=shot.fps)
        (work / f"{shot.name}.truth.toml").write_text(_truth(shot), encoding="utf-8")
        print(f"takes: {shot.name}", file=sys.stderr)
    write_stamp(work, wanted)
    shutil.rmtree(out, ignore_errors=True)
    work.rename(out)
    return True


def _seen(shot: Shot) -> Iterator[np.ndarray]:
    """Yield the pictures: uint8, shape (270, 480, 3)."""
    with av.open(source(shot.footage)) as container:
        kept = [frame.to_ndarray(format="bgr24") for frame in islice(container.decode(video=0), shot.first, shot.stop)]
    height, width = kept[0].shape[:2]
    scale = SHARE * min(width / SIZE[0], height / SIZE[1])  # footage pixels a pixel of the take
    random = np.random.default_rng(shot.seed)

    def wander(sigma: float, amount: float) -> np.ndarray:
        noise = gaussian_filter1d(random.standard_normal(shot.pictures), sigma, mode="reflect")
        return amount * noise / np.abs(noise).max()

    room_x, room_y = width - scale * SIZE[0], height - scale * SIZE[1]
    x = width / 2 + wander(25, 0.32 * room_x) + wander(4, 0.05 * room_x)
    y = height / 2 + wander(25, 0.3 * room_y) + wander(4, 0.06 * room_y)
    roll = wander(15, 0.5)
    for number in range(shot.pictures):
        at = number % (2 * len(kept) - 2)
        picture = kept[min(at, 2 * len(kept) - 2 - at)]
        turn = cv2.getRotationMatrix2D((float(x[number]), float(y[number])), float(roll[number]), 1 / scale)
        turn[:, 2] += SIZE[0] / 2 - x[number], SIZE[1] / 2 - y[number]
        # Pixels of large footage are put together, those of small footage drawn apart.
        flags = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
        yield cv2.warpAffine(picture, turn, SIZE, flags=flags, borderMode=cv2.BORDER_REFLECT)


def _truth(shot: Shot) -> str:
    """Return the truth file: an uncut piece is a source, whatever else its file holds."""
    piece = f"{hashlib.sha256(source(shot.footage).getvalue()).hexdigest()} {shot.first} {shot.stop}"
    return f"""[clip]
file = "{shot.name}.mp4"
source = ["{hashlib.sha256(piece.encode()).hexdigest()}"]
device = "{shot.footage}"
scene = "{shot.scene}"

[true]
forged = false
"""


def main() -> None:
    """Build the takes into the folder named on the command line, `built_takes/` beside this file by default."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "built_takes"
    made = build(out)
    print(f"takes: {out} {'built' if made else 'is up to date'}", file=sys.stderr)


if __name__ == "__main__":
    main()
