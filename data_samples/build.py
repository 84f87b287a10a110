"""Build the sample clips into `data_samples/built/`; does nothing if they are there and made from the same recipe.

    python data_samples/build.py [FOLDER]

What each clip is and what a scan must find in it stands in `<clip>.truth.toml` beside this file. Without a folder, the
takes of `takes.py` are built as well.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice, repeat
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
import takes
from container import copy_packets, decoded, decoded_sound, encode
from fetch import fetch
from scene import FPS, SIZE, Take, foreign, pictures
from sound import RATE_HZ, Sound, street, track
from stamp import digest_of, is_fresh, write_stamp

HERE = Path(__file__).parent

SECONDS = 16.0
EDIT_S = 11.0
"""Where the edited clips are edited: the notice has been spoken by then, and the camera is turning."""
WHOLE = Take(
    datetime(2026, 3, 18, 9, 42, 5),
    SECONDS,
    (
        (0.0, 1130, 560, 1.1),
        (1.5, 1090, 540, 1.1),
        (4.5, 640, 580, 1.1),
        (9.6, 650, 560, 1.12),
        (12.2, 1080, 520, 1.08),
        (14.0, 1120, 560, 1.1),
        (16.0, 900, 560, 1.1),
    ),
    seed=1,
)
LATER = Take(
    WHOLE.started + timedelta(minutes=47, seconds=21),
    4.0,
    ((0.0, 620, 620, 1.18), (2.0, 640, 600, 1.2), (4.0, 760, 580, 1.18)),
    seed=2,
    first=395,
    exposure=0.7,
)
SAID = ((0.6, "hello"), (4.9, "notice"), (10.6, "purpose"))
SAID_WITHOUT = ((0.6, "hello_2"), (6.0, "questions"), (11.8, "purpose"))
SAID_PARTLY = ((0.6, "hello_2"), (6.0, "third_clause"), (9.5, "questions"))


def whole_take(out: Path) -> None:
    """Record the take that the other clips are edited from."""
    encode(out / "whole_take.mp4", pictures(WHOLE), track(SECONDS, SAID, seed=11))


def later_take(out: Path) -> None:
    """Record a second take at the same place, three quarters of an hour later, in less light."""
    encode(out / "later_take.mp4", pictures(LATER), track(LATER.seconds, ((0.3, "questions"),), seed=12))


def no_sign(out: Path) -> None:
    """Record the first take once more, with no sign at the place."""
    encode(out / "no_sign.mp4", pictures(replace(WHOLE, sign=False)), track(SECONDS, SAID, seed=11))


def splice(out: Path) -> None:
    """Join the beginning of one take to another one."""
    shown = chain(_part(out / "whole_take.mp4", 0, 12), decoded(out / "later_take.mp4"))
    heard = (_sound(out / "whole_take.mp4", 0, 12), decoded_sound(out / "later_take.mp4")[: 4 * RATE_HZ])
    encode(out / "splice.mp4", shown, np.concatenate(heard))


def removed_second(out: Path) -> None:
    """Cut a second out and encode the rest anew."""
    take = out / "whole_take.mp4"
    shown = chain(_part(take, 0, EDIT_S), _part(take, EDIT_S + 1, SECONDS))
    heard = (_sound(take, 0, EDIT_S), _sound(take, EDIT_S + 1, SECONDS))
    encode(out / "removed_second.mp4", shown, np.concatenate(heard))


def inserted(out: Path) -> None:
    """Put a second of another street into the take."""
    take = out / "whole_take.mp4"
    shown = chain(_part(take, 0, EDIT_S), foreign(FPS), _part(take, EDIT_S, SECONDS))
    between = np.float32(0.005) * street(RATE_HZ, seed=13)
    heard = (_sound(take, 0, EDIT_S), between, _sound(take, EDIT_S, SECONDS))
    encode(out / "inserted.mp4", shown, np.concatenate(heard))


def frozen(out: Path) -> None:
    """Let one picture stand for two seconds while the sound runs."""
    take = out / "whole_take.mp4"
    still = next(_part(take, EDIT_S, EDIT_S + 1))
    shown = chain(_part(take, 0, EDIT_S), repeat(still, 2 * FPS), _part(take, EDIT_S + 2, SECONDS))
    encode(out / "frozen.mp4", shown, _sound(take, 0, SECONDS))


def blank(out: Path) -> None:
    """Black out two seconds while the sound runs."""
    take = out / "whole_take.mp4"
    black = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    shown = chain(_part(take, 0, EDIT_S), [black] * (2 * FPS), _part(take, EDIT_S + 2, SECONDS))
    encode(out / "blank.mp4", shown, _sound(take, 0, SECONDS))


def silent_gap(out: Path) -> None:
    """Mute a second and a half."""
    sound = _sound(out / "whole_take.mp4", 0, SECONDS)
    sound[round(EDIT_S * RATE_HZ) : round((EDIT_S + 1.5) * RATE_HZ)] = 0
    copy_packets(out / "whole_take.mp4", out / "silent_gap.mp4", _everything, sound=sound)


def no_notice(out: Path) -> None:
    """Let the officer speak without the notice."""
    sound = track(SECONDS, SAID_WITHOUT, seed=14)
    copy_packets(out / "whole_take.mp4", out / "no_notice.mp4", _everything, sound=sound)


def partial_notice(out: Path) -> None:
    """Let the officer speak the third clause of the notice only."""
    sound = track(SECONDS, SAID_PARTLY, seed=15)
    copy_packets(out / "whole_take.mp4", out / "partial_notice.mp4", _everything, sound=sound)


def no_audio(out: Path) -> None:
    """Leave the sound out."""
    copy_packets(out / "whole_take.mp4", out / "no_audio.mp4", lambda kind, _: kind == "video")


def dropped_packets(out: Path) -> None:
    """Leave out the packets of one second, pictures and sound, without encoding anything."""
    copy_packets(
        out / "whole_take.mp4",
        out / "dropped_packets.mp4",
        lambda _, time_s: not EDIT_S - 0.001 <= time_s < EDIT_S + 1 - 0.001,
    )


def edit_list(out: Path) -> None:
    """Hide the first three seconds by the container's edit list; they stay in the file."""
    copy_packets(out / "whole_take.mp4", out / "edit_list.mp4", _everything, shift_s=3.0)


def truncated(out: Path) -> None:
    """Break the file off at 70 %; its index is at the front."""
    data = (out / "whole_take.mp4").read_bytes()
    (out / "truncated.mp4").write_bytes(data[: len(data) * 7 // 10])


def unfinished(out: Path) -> None:
    """Lose the index, as when the battery is taken out: it is written last."""
    whole = out / "unfinished.whole.mp4"
    take = out / "whole_take.mp4"
    encode(whole, _part(take, 0, 4), _sound(take, 0, 4), faststart=False)
    data = whole.read_bytes()
    (out / "unfinished.mp4").write_bytes(data[: data.rindex(b"moov") - 4])
    whole.unlink()


def not_a_video(out: Path) -> None:
    """Name a text like a clip."""
    (out / "not_a_video.mp4").write_text("这不是视频。This is no video.\n", encoding="utf-8")


TAKES = (whole_take, no_sign, later_take)
EDITS = (
    splice,
    removed_second,
    inserted,
    frozen,
    blank,
    silent_gap,
    no_notice,
    partial_notice,
    no_audio,
    dropped_packets,
    edit_list,
    truncated,
    unfinished,
    not_a_video,
)


def _everything(kind: str, time_s: float) -> bool:
    return True


def _part(clip: Path, start_s: float, stop_s: float) -> Iterator[av.VideoFrame]:
    return islice(decoded(clip), round(start_s * FPS), round(stop_s * FPS))


def _sound(clip: Path, start_s: float, stop_s: float) -> Sound:
    return decoded_sound(clip)[round(start_s * RATE_HZ) : round(stop_s * RATE_HZ)]


def case_of_its_own(clip: Path) -> str:
    """Return what the case record of one clip adds to that of the folder: each is the only clip of its case."""
    return f"""case_number = "示例-{clip.stem}"
clips = ["{clip.name}"]

[store]
uploaded_at = 2026-03-18T17:05:00
sorted_at = 2026-03-19T10:20:00
access = "restricted"
sha256 = "{hashlib.sha256(clip.read_bytes()).hexdigest()}"
"""


def recipe() -> str:
    """Return a digest of everything that the clips follow from: this folder's scripts and speech, and the encoders."""
    files = (HERE / "case.toml", *sorted(HERE.glob("speech/*.flac")))
    return digest_of("build", "container", "fetch", "scene", "sound", files=files)


def _prepare() -> None:
    cv2.setNumThreads(1)


def _run(recipes: tuple[Callable[[Path], None], ...], out: Path) -> None:
    """Make clips in two processes.

    A fresh process each: FFmpeg and OpenCV do not survive a fork.
    """
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_prepare) as pool:
        jobs = [(make.__name__, pool.submit(make, out)) for make in recipes]
        for name, job in jobs:
            job.result()
            print(f"samples: {name}", file=sys.stderr)


def build(out: Path) -> bool:
    """Build the clips into `out`; return False if they were there already."""
    wanted = recipe()
    if is_fresh(out, wanted):
        return False
    fetch()
    work = out.with_name(f"{out.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    _run(TAKES, work)
    _run(EDITS, work)
    (work / "later_take.mp4").unlink()
    shutil.copy(HERE / "case.toml", work)
    for clip in sorted(work.glob("*.mp4")):
        clip.with_suffix(".case.toml").write_text(case_of_its_own(clip), encoding="utf-8")
    write_stamp(work, wanted)
    shutil.rmtree(out, ignore_errors=True)
    work.rename(out)
    return True


def main() -> None:
    """Build the clips into the folder named on the command line, `built/` beside this file by default."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "built"
    made = build(out)
    print(f"samples: {out} {'built' if made else 'is up to date'}", file=sys.stderr)
    if len(sys.argv) == 1:
        takes.main()


if __name__ == "__main__":
    main()
