"""Streaming a plan into a file: pictures and sound of the takes, decoded, scaled, clocked, encoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame

from pipeline.errors import FootageError
from pipeline.forge.overlay import Burner
from pipeline.forge.pictures import black, covered, fitted, lit
from pipeline.forge.plan import Pictures, Plan, schedule
from pipeline.forge.reading import PictureReader
from pipeline.forge.sound import Hearing
from pipeline.model import Message

if TYPE_CHECKING:
    from av.video.stream import VideoStream


def encode(plan: Plan, path: Path) -> None:
    """Write the clip of a plan. Memory does not grow with its length, but for its times: 16 bytes a picture.

    Raises
    ------
    FootageError
        If a take cannot be read again as it was read when it was planned, or the encoder refuses.
    """
    encoding = plan.encoding
    options = {"fflags": "+bitexact"} if encoding.container == "mkv" else {}  # else its ids are drawn by lot
    try:
        with ExitStack() as open_files, av.open(str(path), "w", format=encoding.muxer, options=options) as out:
            out.metadata.update(plan.tags)
            video = cast("VideoStream", out.add_stream(encoding.codec, rate=plan.rate))
            video.width, video.height = plan.size
            encoding.set_up(video)
            video.codec_context.time_base = plan.base
            if plan.takes[0].rotation_deg and encoding.container in {"mp4", "mov"}:
                video.set_display_rotation(-int(plan.takes[0].rotation_deg))
            heard = Hearing(plan, out, open_files) if plan.sound else None
            times = schedule(plan.takes[0], plan.pictures, plan.even)
            for number, frame in enumerate(_shown(plan, open_files)):
                frame = frame.reformat(format=video.pix_fmt)
                frame.pts, frame.time_base = int(times[number]), plan.base
                frame.pict_type = PictureType.NONE  # else the encoder repeats the old key pictures
                out.mux(video.encode(frame))
                if heard is not None:
                    heard.until(int(times[number + 1]) * plan.base)
            out.mux(video.encode(None))
            if heard is not None:
                heard.finish()
    except av.FFmpegError as error:
        values = {"path": str(path), "reason": str(error.strerror)}
        raise FootageError(Message("{path}: the forgery cannot be written ({reason}).", values)) from error


def _shown(plan: Plan, open_files: ExitStack) -> Iterator[VideoFrame]:
    """Yield every picture of the clip: yuv420p, of the plan's size. One picture of each take is held at a time."""
    readers = [open_files.enter_context(closing(PictureReader(take))) for take in plan.takes]
    burners = [
        None if clock is None else Burner(clock, take.rate, plan.size)
        for take, clock in zip(plan.takes, plan.clocks, strict=True)
    ]
    for run in plan.pictures:
        if run.manner == "black":
            yield from (black(plan.size) for _ in range(run.count))
            continue
        take, burner = plan.takes[run.take], burners[run.take]
        for at, number, frame in _numbered(run, readers[run.take]):
            shown = fitted(frame, plan.size)
            if run.manner not in {"cover", "light"} and burner is None:
                yield shown
                continue
            planes = np.array(shown.to_ndarray(), np.uint8)
            if run.manner == "cover":
                covered(planes, at, run.count, take.rate)
            elif run.manner == "light":
                lit(planes, run.first)
            if burner is not None:
                burner.burn(planes, take.time(number))
            yield VideoFrame.from_ndarray(planes, format="yuv420p")


def _numbered(run: Pictures, reader: PictureReader) -> Iterator[tuple[int, int, VideoFrame]]:
    """Yield place in the run, number in the take, and picture. A run played backwards is held while it is shown."""
    if run.manner == "reverse":
        held = [(run.number(at), reader[run.number(at)]) for at in reversed(range(run.count))]
        yield from ((at, *held[-1 - at]) for at in range(run.count))
        return
    for at in range(run.count):
        yield at, run.number(at), reader[run.number(at)]
