"""A copy of a clip for the player of a browser, at the clip's own times; made in a confined process.

The parent calls `make_copy`; the process runs `main`. It says one JSON object a line: `isolation`, then how much is
`done`, and in the end what was `made`, or the `limit` that it went over.
"""

from __future__ import annotations

import errno
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import av
import cv2

from pipeline.errors import FootageError
from pipeline.media import probe
from pipeline.media.audio import SoundDecoder
from pipeline.media.copy_mark import TEXT
from pipeline.media.copy_tracks import PictureTrack, SoundTrack
from pipeline.media.evidence import demuxer
from pipeline.media.frames import PictureDecoder
from pipeline.media.sandbox import confine, is_full
from pipeline.media.sniff import Container, sniff

MAX_READ_ERRORS = 100
SAY_EVERY_S = 0.5
POLITE = 5
"""How much the process steps back behind others."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a copy is coded."""

    ending: str
    container: str
    media_type: str
    video: str
    video_options: tuple[tuple[str, str], ...]
    audio: str
    ticks_hz: int
    """Ticks of the pictures' clock in a second: what the container can hold."""
    container_options: tuple[tuple[str, str], ...] = ()


FORMS = (
    Form(
        ".mp4",
        "mp4",
        "video/mp4",
        "libx264",
        (("preset", "superfast"), ("crf", "21"), ("forced-idr", "1")),
        "aac",
        10_000,
        (("movflags", "+faststart"),),
    ),
    Form(
        ".webm",
        "webm",
        "video/webm",
        "libvpx-vp9",
        (("deadline", "realtime"), ("cpu-used", "8"), ("row-mt", "1"), ("crf", "32"), ("b", "0")),
        "libopus",
        1000,
        (("cues_to_front", "1"),),
    ),
)
"""The first whose encoders this build of FFmpeg has is used."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the process may use; 0: without limit."""

    stall_s: float
    """Seconds without a sign of life after which it is ended."""
    memory_mb: float
    cpu_s: float
    file_mb: float
    """Size to which the copy may grow, in MiB."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a copy shows, and what of the clip it leaves out."""

    name: str
    """Of the file, in the folder in which it was made."""
    media_type: str
    offset_s: float
    """A time in the copy is that of the clip plus this: more than 0 where the clip has times below 0."""
    lead_s: float
    """How long the copy shows an empty picture before the clip's first one."""
    pictures: int
    pictures_left_out: int
    """Without a time, or with one that does not come after that of the picture before."""
    pictures_failed: int
    """Packets that the decoder refused."""
    sound_s: float
    sound_left_out_s: float
    silence_s: float
    """Put in where the clip has no sound."""
    width_px: int
    height_px: int
    """With the strip."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of making a copy."""

    made: Made | None
    problem: str | None = None
    """Why there is none: hung, memory, cpu, disk, file, stopped, nothing (to show), or crashed."""
    detail: str = ""
    isolation: tuple[str, ...] = ()


def form_here() -> Form | None:
    """Return how copies are coded here; None if this build of FFmpeg has none of the encoders."""
    return next((form for form in FORMS if _has(form.video) and _has(form.audio)), None)


def _has(encoder: str) -> bool:
    try:
        av.codec.Codec(encoder, "w")
    except ValueError:
        return False
    return True


def make_copy(
    clip: Path,
    work: Path,
    bounds: Bounds,
    progress: Callable[[float], None],
    *,
    offset_s: float = 0.0,
    duration_s: float = 0.0,
    turn_deg: float = 0.0,
    told: str = "",
    form: Form | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Write a copy of a clip that browsers play, at the clip's own presentation times.

    Parameters
    ----------
    clip : Path
        The footage; opened read-only.
    work : Path
        An existing folder for the copy.
    bounds : Bounds
    progress : callable
        Called with the share that is done, 0 to 1.
    offset_s : float
        Added to every time, in seconds; 0 or more.
    duration_s : float
        Length of the clip, for the progress.
    turn_deg : float
        Clockwise turn that puts the pictures upright: 0, 90, 180 or 270.
    told : str
        What the metadata of the copy say besides that it is one: the clip's hash.
    form : Form, optional
        How it is coded; the best that is here if it is not given.
    stop : Event, optional
        Ends the process when it is set.
    """
    form = form or form_here()
    if form is None:
        return Outcome(None, "crashed", "no encoder")
    order = {"offset_s": offset_s, "duration_s": duration_s, "turn_deg": turn_deg, "told": told}
    order |= {"form": FORMS.index(form), "bounds": asdict(bounds)}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    environment["OMP_NUM_THREADS"] = "1"  # threads that start with the libraries would run outside the sandbox
    with (work / "copy.err").open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, os.fsdecode(clip), os.fsdecode(work), json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            env=environment,
        )
    assert child.stdout is not None
    said: queue.Queue[str | None] = queue.Queue()
    listener = threading.Thread(target=_listen, args=(child.stdout, said), daemon=True)
    listener.start()
    heard: dict[str, Any] = {}
    try:
        problem = _follow(said, bounds.stall_s, stop or threading.Event(), progress, heard)
        if problem is None:
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5.0)
    finally:
        if child.poll() is None:
            _end(child)
        listener.join()
        child.stdout.close()
    layers = tuple(heard.get("isolation", ()))
    if problem is None and child.returncode == 0 and "made" in heard:
        return Outcome(Made(**heard["made"]), isolation=layers)
    if problem is None:
        problem = "cpu" if -child.returncode == getattr(signal, "SIGXCPU", None) else heard.get("problem", "crashed")
    last = (work / "copy.err").read_text("utf-8", "replace").strip().splitlines()[-1:]
    return Outcome(None, problem, last[0][:300] if last else f"exit status {child.returncode}", layers)


def _end(child: subprocess.Popen[str]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _listen(stream: IO[str], said: queue.Queue[str | None]) -> None:
    for line in stream:
        said.put(line)
    said.put(None)


def _follow(
    said: queue.Queue[str | None],
    stall_s: float,
    stop: threading.Event,
    progress: Callable[[float], None],
    heard: dict[str, Any],
) -> str | None:
    """Take what the process says until it closes its output; return why it must be ended before."""
    until = time.monotonic() + stall_s
    while not stop.is_set():
        try:
            line = said.get(timeout=max(0.0, min(0.5, until - time.monotonic())))
        except queue.Empty:
            if time.monotonic() >= until:
                return "hung"
            continue
        if line is None:
            return None
        until = time.monotonic() + stall_s
        with suppress(json.JSONDecodeError):  # a line cut off by a crash
            heard |= json.loads(line)
            progress(float(heard.get("done", 0.0)))
    return "stopped"


def _say(**document: Any) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


class _Copier:
    """One clip on its way into its copy."""

    def __init__(self, clip: Path, work: Path, order: dict[str, Any]) -> None:
        self._clip, self._order = clip, order
        self._form = FORMS[order["form"]]
        self._path = work / f"copy{self._form.ending}"
        self._next_sign = 0.0

    def run(self) -> Made | None:
        """Write the copy; return what it shows, None if nothing of the clip could be decoded."""
        kind = sniff(self._clip)
        form, offset_s = self._form, float(self._order["offset_s"])
        with (
            demuxer(self._clip, kind.demuxer) as opened,
            av.open(str(self._path), "w", format=form.container, options=dict(form.container_options)) as out,
        ):
            out.metadata.update({"title": TEXT, "comment": f"{TEXT}; {self._order['told']}"})
            chosen = _chosen(opened)
            shift = probe.shift_s(opened, kind)
            first, channels = self._firsts(kind)
            pictures = sound = None
            if first is not None:
                stream = chosen["video"]
                seen = PictureDecoder(stream, threads=2, shift_s=shift)
                turn_deg, options = float(self._order["turn_deg"]), dict(form.video_options)
                pictures = PictureTrack(
                    out, form.video, form.ticks_hz, offset_s, turn_deg, _aspect(stream), first, options
                )
            if channels:
                heard = SoundDecoder(chosen["audio"], shift_s=shift)
                sound = SoundTrack(out, form.audio, channels, offset_s)
            if pictures is None and sound is None:
                return None
            reached_s = 0.0
            for packet in _packets(opened, list(chosen.values())):
                if pictures is not None and (packet is None or packet.stream_index == chosen["video"].index):
                    for picture in seen.decode(packet):
                        pictures.take(picture)
                        reached_s = picture.time_s if math.isfinite(picture.time_s) else reached_s
                    _must_have_memory(seen)
                if sound is not None and (packet is None or packet.stream_index == chosen["audio"].index):
                    for piece in heard.decode(packet):
                        sound.take(piece)
                        reached_s = piece.time_s if pictures is None else reached_s
                self._sign(reached_s)
            for track in (pictures, sound):
                if track is not None:
                    track.finish()
            failed = seen.failed if pictures is not None else 0
        return Made(
            name=self._path.name,
            media_type=form.media_type if pictures else form.media_type.replace("video", "audio"),
            offset_s=offset_s,
            lead_s=pictures.lead_s if pictures else 0.0,
            pictures=pictures.written if pictures else 0,
            pictures_left_out=pictures.left_out if pictures else 0,
            pictures_failed=failed,
            sound_s=sound.heard_s if sound else 0.0,
            sound_left_out_s=sound.left_out_s if sound else 0.0,
            silence_s=sound.silent_s if sound else 0.0,
            width_px=pictures.size[0] if pictures else 0,
            height_px=pictures.size[1] if pictures else 0,
        )

    def _firsts(self, kind: Container) -> tuple[av.VideoFrame | None, int]:
        """Return the first picture, and how many channels the first sound has: encoders want to know before they begin.

        None and 0 where the clip has none that can be decoded.
        """
        first, channels = None, 0
        with demuxer(self._clip, kind.demuxer) as opened:
            chosen = _chosen(opened)
            seen = PictureDecoder(chosen["video"], threads=2, shift_s=0.0) if "video" in chosen else None
            heard = SoundDecoder(chosen["audio"], shift_s=0.0) if "audio" in chosen else None
            for packet in _packets(opened, list(chosen.values())):
                if seen is not None and (packet is None or packet.stream_index == chosen["video"].index):
                    first = next((p.frame for p in seen.decode(packet) if math.isfinite(p.time_s)), None)
                    _must_have_memory(seen)
                    seen = None if first is not None else seen
                if heard is not None and (packet is None or packet.stream_index == chosen["audio"].index):
                    channels = next((len(sound.samples) for sound in heard.decode(packet)), 0)
                    heard = None if channels else heard
                if seen is None and heard is None:
                    break
                self._sign(0.0)
        return first, channels

    def _sign(self, reached_s: float) -> None:
        if time.monotonic() >= self._next_sign:
            self._next_sign = time.monotonic() + SAY_EVERY_S
            duration_s = float(self._order["duration_s"])
            _say(done=min(1.0, max(0.0, reached_s / duration_s)) if duration_s > 0 else 0.0)


def _chosen(opened: Any) -> dict[str, Any]:
    """Return the streams that are examined: kind → stream."""
    return {kind: opened.streams[index] for index, kind in probe.default_streams(opened).items()}


def _must_have_memory(decoder: PictureDecoder) -> None:
    """Raise what the decoder swallowed: that it got no memory is no damage of the clip."""
    if decoder.starved or decoder.reason == os.strerror(errno.EAGAIN):  # no room for the stack of a thread
        raise MemoryError("the decoder of the pictures got no memory")


def _aspect(stream: Any) -> float:
    """Return the width of a pixel in heights; what no recorder writes counts as square."""
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio and 0.25 <= ratio <= 4 else 1.0


def _packets(opened: Any, streams: list[Any]) -> Iterator[Any]:
    """Yield the packets of the streams, and None when no more come; what cannot be read is passed over."""
    errors = 0
    while streams and errors < MAX_READ_ERRORS:
        came = False
        try:
            for packet in opened.demux(streams):
                if packet.size or packet.pts is not None:
                    came = True
                    yield packet
            break
        except (av.FFmpegError, OSError) as error:
            if isinstance(error, MemoryError) or is_full(error):
                raise
            errors += 1
            if not came:
                break
    yield None


def main(clip: str, work: str, options: str) -> None:
    """Write the copy of `clip` into the folder `work`; `options` is what `make_copy` orders, as JSON."""
    cv2.setNumThreads(0)
    order = json.loads(options)
    with suppress(OSError):
        os.nice(POLITE)
    bounds = Bounds(**order["bounds"])
    limits = {"memory_mb": bounds.memory_mb, "cpu_s": bounds.cpu_s, "file_mb": bounds.file_mb}
    _say(isolation=sorted(confine(Path(clip), Path(work), **limits)))
    try:
        made = _Copier(Path(clip), Path(work), order).run()
    except FootageError as error:
        _say(problem="nothing")
        sys.exit(str(error))
    except (MemoryError, OSError, cv2.error) as error:
        _say(problem=_limit(error))
        sys.exit(str(error) or type(error).__name__)
    if made is None:
        _say(problem="nothing")
        sys.exit("nothing could be decoded")
    _say(done=1.0, made=asdict(made))


def _limit(error: BaseException) -> str:
    if isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem):
        return "memory"
    if getattr(error, "errno", None) == errno.EAGAIN:  # no room for the stack of a thread
        return "memory"
    if is_full(error):
        return "file" if getattr(error, "errno", None) == errno.EFBIG else "disk"
    return "crashed"


if __name__ == "__main__":
    main(*sys.argv[1:4])
