"""Measuring a clip: a child process reads and decodes it once, this module watches over it and gathers the tables.

Nothing here imports a decoder, so that a scan that is served from the cache starts fast.
"""

from __future__ import annotations

import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO, Annotated, Any

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Gt
from numpy.typing import NDArray

import pipeline
from pipeline.errors import FootageError
from pipeline.features.kept import ClockPlace, KeptLine, kept_lines, read_strips
from pipeline.features.schema import to_arrow
from pipeline.features.spool import read_spool
from pipeline.model import Message

MEASURE_VERSION = 10
"""Raised whenever the same clip could now give other numbers; part of every cache key."""

CRASHED = (
    "The decoder crashed ({cause}) after {seconds} s of pictures and sound; what was measured until then is kept, the "
    "rest was not examined. Copy the file again from the recorder and scan that copy."
)
HUNG = (
    "The decoder gave no sign of life for {stall_s} s, {seconds} s into the pictures and sound, and was stopped; the "
    "rest was not examined. If the store is slow, copy the file to this machine and scan it here."
)
OUT_OF_MEMORY = (
    "The clip was measured up to {seconds} s of pictures and sound; the rest would need more than the {memory_mb} MB "
    "of memory that the decoder may use, and was not examined. If the machine has more, raise memory_mb in section "
    "{section} of the settings and scan the clip again."
)
OUT_OF_TIME = (
    "The clip was measured up to {seconds} s of pictures and sound; then the decoder had used the {cpu_s} s of "
    "processor time that a file of this size may use. The rest was not examined. Raise cpu_s in section {section} of "
    "the settings and scan the clip again."
)
DISK_FULL = (
    "The clip was measured up to {seconds} s of pictures and sound; then the disk for temporary files was full. The "
    "rest was not examined. Make room, or let TMPDIR name a larger disk, and scan the clip again."
)
FILE_FULL = (
    "The clip was measured up to {seconds} s of pictures and sound; then a temporary file reached the {file_mb} MB "
    "that it may have. The rest was not examined. Raise file_mb in section {section} of the settings and scan the "
    "clip again."
)
FAILED = (
    "Measuring stopped with an error ({cause}) after {seconds} s of pictures and sound; the rest was not examined. "
    "Please report this with the text of the error."
)
PASSING = frozenset({HUNG, DISK_FULL})
"""Reasons that lie in the machine rather than in the clip: another try may give more."""
NOT_DECODED = "The pictures were not examined: only structure and times of the file were looked at (triage)."
NOT_HEARD = "The sound was not examined: only structure and times of the file were looked at (triage)."
_PLAIN_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Arrow's own allocators set 1 GiB aside at once, and start a thread, which would run outside the child's sandbox."""
_TABLES = ("container", "boxes", "streams", "edits", "packets", "parameters", "encoder", "frames", "sound")


@dataclass(frozen=True, slots=True)
class SharpPicture:
    """The sharpest picture of a few seconds."""

    path: Path
    """JPEG in full resolution, turned upright."""
    frame: int
    """Row of table `frames`; -1 before the clip is decoded."""
    time_s: float
    sharpness: float


Locate = Callable[[Sequence[SharpPicture]], ClockPlace | None]
PICTURES, PEEKED = "pictures.jsonl", "peeked.jsonl"


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured on one clip."""

    tables: dict[str, pa.Table]
    """`examined` and `gaps` always; the others as far as they were measured. A table with no rows was looked for and
    nothing was found (`sound` of a file without an audio stream, `frames` of one without pictures); a table that is
    absent was not measured."""
    sound: Path | None
    """The sound as 16 kHz mono FLAC, sample 0 at 0 s of the timeline; None: no sound."""
    pictures: tuple[SharpPicture, ...]
    strips: NDArray[np.uint8] = field(default_factory=lambda: read_strips(Path()))
    """The figures of the burned-in clock in every picture, uint8, shape (pictures, height, width); none were kept where
    no clock was located."""
    lines: tuple[KeptLine, ...] = ()
    """The clock's whole line in some pictures."""
    unreadable: Message | None = None
    """Why nothing could be examined, and what to do; None if something could."""
    complete: bool = True
    """The child came to its end. If it did not (crash, hang), another try may give more: such tables are not kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child may use; 0: without limit."""

    section: str
    """Section of the settings that states them."""
    stall_s: float
    memory_mb: float
    cpu_s: float
    file_mb: float


_OVER = {
    "memory": (OUT_OF_MEMORY, ("memory_mb", "section")),
    "cpu": (OUT_OF_TIME, ("cpu_s", "section")),
    "disk": (DISK_FULL, ()),
    "file": (FILE_FULL, ("file_mb", "section")),
}
"""Limit → the sentence that says it was reached, and which of the limits stand in it."""


@dataclass(slots=True)
class Report:
    """What the child said."""

    gaps: list[dict[str, str]] = field(default_factory=list)
    failed: int = 0
    unreadable: Message | None = None
    ended: bool = False
    limit: str | None = None
    isolation: dict[str, int] = field(default_factory=dict)

    def gap(self, stage: str, template: str, values: dict[str, Any]) -> None:
        """Take note of what could not be examined."""
        self.gaps.append({"stage": stage, "message": template, "values": json.dumps(values, ensure_ascii=False)})


def measure(
    clip: Path,
    work: Path,
    progress: Callable[[str, float], None],
    locate: Locate | None = None,
    *,
    read_every_s: Annotated[float, Gt(0)] = 12.0,
    dense_every_s: Annotated[float, Gt(0)] = 4.0,
    dense_until_s: Annotated[float, Ge(0)] = 60.0,
    peeks: Annotated[int, Ge(0)] = 6,
    sound_s: Annotated[float, Ge(0)] = 86_400.0,
    decoder_threads: Annotated[int, Ge(0)] = 2,
    stall_s: Annotated[float, Gt(0)] = 60.0,
    memory_mb: Annotated[float, Ge(0)] = 4096.0,
    cpu_s: Annotated[float, Ge(0)] = 900.0,
    cpu_s_per_mb: Annotated[float, Ge(0)] = 60.0,
    file_mb: Annotated[float, Ge(0)] = 16_384.0,
) -> Measured:
    """Probe a clip and measure its pictures and sound in one decoding pass, in a child process.

    All times are on the clip's presentation timeline, as the demuxer presents it (edit lists applied). 0 s is where
    the format says it is; in formats with a running clock (MPEG-TS, MPEG-PS, FLV, raw streams) it is the first picture
    or sound. `pts` and `dts` columns stay as they are in the file.

    Parameters
    ----------
    clip : Path
        The evidence; opened for reading only.
    work : Path
        An existing folder for the files that this makes; the caller's to remove, after use of the result's paths.
    progress : callable
        Called with a stage (`probe`, `pictures`, `sound`) and how much of it is done, 0 to 1.
    locate : callable, optional
        Given some pictures from all over the clip, tells where the burned-in clock stands, None if there is none.
        Then the clock of every picture is kept in `work` (`pipeline.features.strips`).
    read_every_s : float
        One picture, the sharpest, is kept from each stretch of this many seconds. More than 0.
    dense_every_s : float
        The same for the beginning of the clip, where the place is shown as a rule.
    dense_until_s : float
        Where the beginning ends, in seconds.
    peeks : int
        Pictures that `locate` is given; key frames as long as there are enough.
    sound_s : float
        Seconds of sound, from 0 s on, that are kept for speech recognition.
    decoder_threads : int
        Threads of the picture decoder; 0 lets FFmpeg choose.
    stall_s : float
        Seconds without a sign of life after which the child is stopped.
    memory_mb : float
        Memory that the child may ask for beyond what its libraries take, in MiB. Going over a limit ends the measuring
        with a row of table `gaps`. 0: no limit.
    cpu_s : float
        Processor time that the child may use whatever the size of the clip, in seconds. 0: no limit.
    cpu_s_per_mb : float
        Processor time that it may use besides for every MB (10⁶ bytes) of the clip, in seconds.
    file_mb : float
        Size to which one file in `work` may grow, in MiB. 0: no limit.

    Raises
    ------
    FootageError
        If the file cannot be opened or is no footage. Its only argument is a `Message`. Damage is no error: it comes
        as rows of table `gaps`, and as `Measured.unreadable` where nothing at all could be examined.
    """
    options = {
        "read_every_s": read_every_s,
        "dense_every_s": dense_every_s,
        "dense_until_s": dense_until_s,
        "sound_s": sound_s,
        "threads": decoder_threads,
        "peeks": peeks if locate else 0,
    }
    limits = Limits("media", stall_s, memory_mb, _allowance_s(clip, cpu_s, cpu_s_per_mb), file_mb)
    return watch(clip, work, progress, locate, options, limits)


def listen(
    clip: Path,
    work: Path,
    progress: Callable[[str, float], None],
    *,
    sound_s: Annotated[float, Ge(0)] = 86_400.0,
    stall_s: Annotated[float, Gt(0)] = 60.0,
    memory_mb: Annotated[float, Ge(0)] = 4096.0,
    cpu_s: Annotated[float, Ge(0)] = 900.0,
    cpu_s_per_mb: Annotated[float, Ge(0)] = 60.0,
    file_mb: Annotated[float, Ge(0)] = 16_384.0,
) -> Measured:
    """Measure the sound of a clip, in a child process; no picture is decoded.

    Parameters
    ----------
    clip, work, progress
        As for `measure`.
    sound_s, stall_s, memory_mb, cpu_s, cpu_s_per_mb, file_mb : float
        As for `measure`.

    Returns
    -------
    Measured
        Without table `frames`.

    Raises
    ------
    FootageError
        As `measure` does.
    """
    limits = Limits("media", stall_s, memory_mb, _allowance_s(clip, cpu_s, cpu_s_per_mb), file_mb)
    return watch(clip, work, progress, None, {"pictures": False, "sound_s": sound_s}, limits)


def probe(
    clip: Path,
    work: Path,
    progress: Callable[[str, float], None],
    *,
    stall_s: Annotated[float, Gt(0)] = 60.0,
    memory_mb: Annotated[float, Ge(0)] = 4096.0,
    cpu_s: Annotated[float, Ge(0)] = 900.0,
    cpu_s_per_mb: Annotated[float, Ge(0)] = 60.0,
    file_mb: Annotated[float, Ge(0)] = 16_384.0,
) -> Measured:
    """Measure what needs no decoding, in a child process: boxes, headers, packets.

    Parameters
    ----------
    clip : Path
        The evidence; opened for reading only.
    work : Path
        An existing folder for the files that this makes; the caller's to remove.
    progress : callable
        Called with the stage `probe` and how much of it is done, 0 to 1.
    stall_s : float
        Seconds without a sign of life after which the child is stopped.
    memory_mb : float
        Memory that the child may ask for beyond what its libraries take, in MiB. Going over a limit ends the measuring
        with a row of table `gaps`. 0: no limit.
    cpu_s : float
        Processor time that the child may use whatever the size of the clip, in seconds. 0: no limit.
    cpu_s_per_mb : float
        Processor time that it may use besides for every MB (10⁶ bytes) of the clip, in seconds.
    file_mb : float
        Size to which one file in `work` may grow, in MiB. 0: no limit.

    Returns
    -------
    Measured
        Without the tables `frames` and `sound`; two rows of `gaps` say that neither was looked at.

    Raises
    ------
    FootageError
        As `measure` does.
    """
    limits = Limits("structure", stall_s, memory_mb, _allowance_s(clip, cpu_s, cpu_s_per_mb), file_mb)
    return watch(clip, work, progress, None, {"decode": False}, limits)


def watch(
    clip: Path,
    work: Path,
    progress: Callable[[str, float], None],
    locate: Locate | None,
    options: dict[str, Any],
    limits: Limits,
) -> Measured:
    """Let the child measure, and gather what it wrote, however it ended.

    Parameters
    ----------
    clip, work, progress, locate
        As for `measure`.
    options : dict
        What the child is asked for (`pipeline.features.child.main`), without the limits.
    limits : Limits

    Raises
    ------
    FootageError
        As `measure` does.
    """
    report = Report()
    asked = {"memory_mb": limits.memory_mb, "cpu_s": limits.cpu_s, "file_mb": limits.file_mb}
    told = json.dumps({**options, "limits": asked})
    with (work / "child.err").open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.features.child", str(clip), str(work), told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            env=_environment(),
        )
    hung = False
    assert child.stdout is not None and child.stdin is not None
    said: queue.Queue[str | None] = queue.Queue()
    listener = threading.Thread(target=_listen, args=(child.stdout, said), daemon=True)
    listener.start()
    try:
        for document in _documents(said, limits.stall_s):
            if "peeked" in document:
                _answer(child, locate(kept_pictures(work, PEEKED)) if locate else None)
            else:
                _take(document, report, progress)
        silent = listener.is_alive()  # its output is still open, and nothing came
        hung = silent or not _ended(child, limits.stall_s)
    finally:
        _stop(child)
        listener.join()
        child.stdout.close()
        with suppress(OSError):
            child.stdin.close()
    tables = {name: table for name in _TABLES if (table := read_spool(work, name)) is not None}
    if not report.ended:
        _tell_why(report, child.returncode, hung, limits, _reached_s(tables), work / "child.err")
    if report.unreadable is not None:
        report.gap("probe", report.unreadable.template, dict(report.unreadable.values))
    tables["examined"] = to_arrow("examined", examined(tables, report))
    if not options.get("decode", True) and report.unreadable is None:
        report.gap("pictures", NOT_DECODED, {})
        report.gap("sound", NOT_HEARD, {})
    tables["gaps"] = to_arrow("gaps", [dict(row) for row in report.gaps])
    return Measured(
        tables,
        _sound(work),
        kept_pictures(work),
        read_strips(work),
        tuple(kept_lines(work)),
        report.unreadable,
        report.ended,
    )


def _allowance_s(clip: Path, cpu_s: float, cpu_s_per_mb: float) -> float:
    try:
        return allowance_s(clip.stat().st_size, cpu_s, cpu_s_per_mb)
    except OSError:  # the child tells what is wrong with it
        return cpu_s


def allowance_s(size_bytes: int, cpu_s: float, cpu_s_per_mb: float) -> float:
    """Return how much processor time, in seconds, the child may use for so many bytes; 0: without limit."""
    return round(cpu_s + cpu_s_per_mb * size_bytes / 1e6, 1) if cpu_s else 0.0


def _answer(child: subprocess.Popen[str], place: ClockPlace | None) -> None:
    assert child.stdin is not None
    with suppress(OSError):  # it died meanwhile; its end tells why
        child.stdin.write(json.dumps({"clock": None if place is None else asdict(place)}) + "\n")
        child.stdin.flush()


def _environment() -> dict[str, str]:
    """Return an environment in which the child runs the same code as this process, single-threaded outside FFmpeg."""
    home = str(Path(pipeline.__path__[0]).parent)
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1", **_PLAIN_MEMORY}


def _listen(stream: IO[str], said: queue.Queue[str | None]) -> None:
    for line in stream:
        said.put(line)
    said.put(None)


def _documents(said: queue.Queue[str | None], stall_s: float) -> Iterator[dict[str, Any]]:
    """Yield what the child says until it falls silent for `stall_s` or closes its output."""
    while True:
        try:
            line = said.get(timeout=stall_s)
        except queue.Empty:
            return
        if line is None:
            return
        try:
            yield json.loads(line)
        except json.JSONDecodeError:  # a line cut off by a crash
            continue


def _take(document: dict[str, Any], report: Report, progress: Callable[[str, float], None]) -> None:
    if "stage" in document:
        report.failed = document["failed"]
        progress(document["stage"], document["done"])
    elif "gap" in document:
        gap = document["gap"]
        report.gap(gap["stage"], gap["message"], gap["values"])
    elif "refused" in document:
        raise FootageError(Message(document["refused"]["message"], document["refused"]["values"]))
    elif "isolation" in document:
        report.isolation = document["isolation"]
    elif "limit" in document:
        report.limit = document["limit"]
    elif "unreadable" in document:
        report.unreadable = Message(document["unreadable"]["message"], document["unreadable"]["values"])
    else:
        report.ended = bool(document.get("end"))


def _ended(child: subprocess.Popen[str], stall_s: float) -> bool:
    """Wait for the child to leave; tell whether it did. A stopped process never does, a dead one at once."""
    try:
        child.wait(timeout=min(stall_s, 5.0))
    except subprocess.TimeoutExpired:
        return False
    return True


def _stop(child: subprocess.Popen[str]) -> None:
    """End the child and all that it may have started."""
    if child.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        child.wait()


def _tell_why(report: Report, status: int, hung: bool, limits: Limits, seconds: float, errors: Path) -> None:
    seconds = round(seconds, 1)
    over = "cpu" if -status == getattr(signal, "SIGXCPU", None) else report.limit
    if hung:
        report.gap("pictures", HUNG, {"stall_s": limits.stall_s, "seconds": seconds})
    elif over:
        template, names = _OVER[over]
        report.gap("pictures", template, {"seconds": seconds, **{name: getattr(limits, name) for name in names}})
    elif status < 0:
        report.gap("pictures", CRASHED, {"cause": _signal(-status), "seconds": seconds})
    else:
        last = errors.read_text("utf-8", "replace").strip().splitlines()[-1:] or [f"exit status {status}"]
        report.gap("pictures", FAILED, {"cause": last[0][:300], "seconds": seconds})
    if not seconds and report.unreadable is None:
        last_gap = report.gaps[-1]
        report.unreadable = Message(last_gap["message"], json.loads(last_gap["values"]))
        report.gaps.pop()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _reached_s(tables: dict[str, pa.Table]) -> float:
    """Return how far on the timeline pictures or sound were measured."""
    ends = [0.0]
    for name in ("frames", "sound"):
        if name in tables:
            ends += [time for time in tables[name]["time_s"].to_pylist() if math.isfinite(time)]
    return max(ends)


def examined(tables: dict[str, pa.Table], report: Report) -> list[dict[str, object]]:
    """Return the rows of table `examined`, counted in the other tables."""

    def rows(name: str) -> int:
        return int(tables[name].num_rows) if name in tables else 0

    heard = math.fsum(tables["sound"]["duration_s"].to_pylist()) if "sound" in tables else 0.0
    return [
        {"stage": "probe", "measure": "packets", "value": float(rows("packets"))},
        {"stage": "pictures", "measure": "frames_decoded", "value": float(rows("frames"))},
        {"stage": "pictures", "measure": "frames_failed", "value": float(report.failed)},
        {"stage": "sound", "measure": "audio_s", "value": heard},
        *({"stage": "isolation", "measure": name, "value": float(level)} for name, level in report.isolation.items()),
    ]


def _sound(work: Path) -> Path | None:
    if not (work / "sound.raw").is_file():
        return None
    from pipeline.features.listening import write_flac  # brings the decoder's library with it

    return write_flac(work / "sound.raw", work / "sound.flac")


def kept_pictures(work: Path, name: str = PICTURES) -> tuple[SharpPicture, ...]:
    """Return the pictures of a list that the child wrote."""
    listing = work / name
    found = []
    for line in listing.read_text("utf-8").splitlines() if listing.is_file() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:  # a line cut off by a crash
            continue
        found.append(
            SharpPicture(work / row["name"], row.get("frame", -1), row["time_s"], row.get("sharpness", math.nan))
        )
    return tuple(found)


def libraries() -> dict[str, str]:
    """Return name → version of the libraries that the numbers depend on, without loading them.

    The FFmpeg libraries are those inside PyAV's wheel, read from its list of files; where PyAV was built against a
    system FFmpeg, PyAV is asked.
    """
    found = {name: metadata.version(name) for name in ("av", "opencv-python-headless", "numpy", "scipy")}
    parts = {}
    for file in metadata.files("av") or []:
        name, mark, version = file.name.partition(".so.")
        if mark and name.startswith(("libav", "libsw")):
            parts[name.split("-")[0]] = version
    if not {"libavcodec", "libavformat"} <= parts.keys():
        import av

        parts = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return {**found, **dict(sorted(parts.items()))}
