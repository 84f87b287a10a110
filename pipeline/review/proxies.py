"""Copies of clips for the player, made on demand, each once, by a confined process; and how far they are."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import Timeout

from pipeline.errors import FootageError
from pipeline.features.extract import allowance_s
from pipeline.media.viewing_copy import Bounds, Made, Outcome, form_here, make_copy
from pipeline.model import Features, Footage, Message
from pipeline.report.wording import N_
from pipeline.review.frames import video_stream
from pipeline.review.kept import Kept
from pipeline.review.stills import must_be_as_examined

VERSION = 1
"""Raised whenever the same clip could now give another copy; part of every name."""
FACTS, ISOLATION = "facts.json", "isolation"
LOCK, PROGRESS = "copy", ".copy-progress"
BESIDE = {"copy.err"}
"""What the process leaves beside the copy."""

State = Literal["absent", "waiting", "making", "ready", "failed"]

HUNG = N_(
    "The copy was not made: the decoder gave no sign of life for {stall_s} s. Try again; look at single pictures."
)
MEMORY = N_("The copy was not made: it needs more than the {memory_mb} MB of memory that it may use.")
CPU = N_("The copy was not made: it needs more than the {cpu_s} s of processor time that a clip of this size may use.")
DISK = N_("The copy was not made: the disk for copies is full. Make room and try again.")
FILE = N_("The copy was not made: it would be larger than the {file_mb} MB that it may have.")
STOPPED = N_("The copy was not made: the server was stopped.")
NOTHING = N_("The copy was not made: nothing of the clip can be decoded.")
CRASHED = N_("The copy was not made: the decoder ended with an error ({detail}). Look at single pictures instead.")
MANY = N_("The copy was not made: {count} others are waiting already. Try again later; look at single pictures.")
NO_ENCODER = N_("The copy was not made: this installation has no encoder for browsers.")
PROBLEMS = {
    "hung": HUNG,
    "memory": MEMORY,
    "cpu": CPU,
    "disk": DISK,
    "file": FILE,
    "stopped": STOPPED,
    "nothing": NOTHING,
    "crashed": CRASHED,
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A finished copy."""

    path: Path
    made: Made
    isolation: tuple[str, ...]
    """What confined the process that made it."""

    def time_in_copy(self, time_s: float) -> float:
        """Return when a copy shows what the clip shows at `time_s`, both in seconds."""
        return time_s + self.made.offset_s


@dataclass(frozen=True, slots=True)
class _Shape:
    """What must be known of a clip to copy it: its tables are not kept while it waits."""

    offset_s: float
    duration_s: float
    turn_deg: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the copy of a clip is."""

    state: State
    share: float = 0.0
    """How much of it is done, 0 to 1."""
    copy: Copy | None = None
    reason: Message | None = None
    """Why it failed."""


class Proxies:
    """The copies of clips, kept in a folder; threads of this server and other processes may share it.

    Parameters
    ----------
    root : Path
        Where they are kept, on a disk of this machine.
    proxies_gb : float
        How much they may take, in 10⁹ bytes; what was played longest ago is removed beyond that.
    at_once : int
        How many are made at a time; 1 or more.
    most_waiting : int
        How many may wait for their turn; more are refused.
    stall_s : float
        Seconds without a sign of life after which making one is ended.
    memory_mb : float
        Memory that making one may ask for, in MiB. 0 in this and those below: no limit.
    cpu_s : float
        Processor time that making one may use whatever the size of the clip, in seconds.
    cpu_s_per_mb : float
        Processor time that it may use besides for every MB (10⁶ bytes) of the clip, in seconds.
    file_mb : float
        Size that a copy may have, in MiB.
    """

    def __init__(
        self,
        root: Path,
        *,
        proxies_gb: float = 100.0,
        at_once: int = 1,
        most_waiting: int = 20,
        stall_s: float = 60.0,
        memory_mb: float = 4096.0,
        cpu_s: float = 1800.0,
        cpu_s_per_mb: float = 60.0,
        file_mb: float = 16_384.0,
    ) -> None:
        self._kept = Kept(root, round(proxies_gb * 1e9))
        self._limits = {"stall_s": stall_s, "memory_mb": memory_mb, "file_mb": file_mb}
        self._cpu = (cpu_s, cpu_s_per_mb)
        self._most = at_once + most_waiting
        self._stop = threading.Event()
        self._workers = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="copy")
        self._guard = threading.Lock()
        self._jobs: dict[str, Future[Standing]] = {}
        self._shares: dict[str, float] = {}

    def ask(self, footage: Footage, features: Features) -> Standing:
        """Have a copy made if there is none, and return at once how far it is.

        Raises
        ------
        FootageError
            If the file is not there any more, or is not what was examined. Its only argument is a `Message`.
        """
        must_be_as_examined(footage)
        with self._guard:
            standing = self._standing(footage.sha256)
            if standing.state not in {"absent", "failed"}:
                return standing
            waiting = sum(not job.done() for job in self._jobs.values())
            if waiting >= self._most:
                return Standing("failed", reason=Message(MANY, {"count": waiting}))
            self._shares[footage.sha256] = 0.0
            self._jobs[footage.sha256] = self._workers.submit(self._bring, footage, _shape(features))
            return Standing("waiting")

    def standing(self, footage: Footage) -> Standing:
        """Return how far the copy of a clip is; errors as for `ask`."""
        must_be_as_examined(footage)
        with self._guard:
            return self._standing(footage.sha256)

    def make(self, footage: Footage, features: Features) -> Standing:
        """Make the copy of a clip if there is none, and wait for it; one that another process makes is waited for.

        Returns
        -------
        Standing
            `ready` or `failed`.

        Raises
        ------
        FootageError
            As for `ask`.
        """
        return self._bring(footage, _shape(features))

    def _bring(self, footage: Footage, shape: _Shape) -> Standing:
        must_be_as_examined(footage)
        lock = self._kept.lock(footage.sha256, LOCK)
        while not self._stop.is_set():
            try:
                with lock.acquire(timeout=1.0):
                    if (copy := self._find(footage.sha256)) is not None:
                        return Standing("ready", 1.0, copy)
                    try:
                        return self._make(footage, shape)
                    finally:
                        with suppress(OSError):
                            (self._kept.folder(footage.sha256) / PROGRESS).unlink()
            except Timeout:
                continue
        return Standing("failed", reason=Message(STOPPED))

    def close(self) -> None:
        """End the processes that make copies, and wait for them."""
        self._stop.set()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _standing(self, sha256: str) -> Standing:
        if (copy := self._find(sha256)) is not None:
            self._jobs.pop(sha256, None)
            self._shares.pop(sha256, None)
            return Standing("ready", 1.0, copy)
        job = self._jobs.get(sha256)
        if job is not None and not job.done():
            return Standing("making" if job.running() else "waiting", self._shares.get(sha256, 0.0))
        if (share := self._elsewhere(sha256)) is not None:
            return Standing("making", share)
        if job is None:
            return Standing("absent")
        try:
            ended = job.result()
        except FootageError as error:
            return Standing("failed", reason=error.args[0])
        except Exception as error:  # it is shown, and logged by whoever reads the standing
            return Standing("failed", reason=Message(CRASHED, {"detail": f"{type(error).__name__}: {error}"[:300]}))
        return ended if ended.state == "failed" else Standing("absent")  # it was removed for room meanwhile

    def _elsewhere(self, sha256: str) -> float | None:
        """Return how far another process is with a copy; None if none makes it."""
        progress = self._kept.folder(sha256) / PROGRESS
        if not progress.exists():
            return None
        try:
            with self._kept.lock(sha256, LOCK).acquire(timeout=0.0):
                progress.unlink(missing_ok=True)  # of a process that was killed
                return None
        except Timeout:
            with suppress(OSError, ValueError):
                return float(progress.read_text("ascii"))
            return 0.0

    def _find(self, sha256: str) -> Copy | None:
        name = _name()
        entry = None if name is None else self._kept.find(sha256, name)
        if entry is None:
            return None
        try:
            facts = json.loads((entry / FACTS).read_text("utf-8"))
        except OSError:  # removed for room meanwhile
            return None
        isolation = tuple(facts.pop(ISOLATION))
        made = Made(**facts)
        return Copy(entry / made.name, made, isolation)

    def _make(self, footage: Footage, shape: _Shape) -> Standing:
        sha256, name, form = footage.sha256, _name(), form_here()
        if name is None or form is None:
            return Standing("failed", reason=Message(NO_ENCODER))
        used = {**self._limits, "cpu_s": allowance_s(footage.bytes, *self._cpu)}
        with self._kept.new(sha256) as new:
            outcome = make_copy(
                footage.path,
                new,
                Bounds(**used),
                self._telling(sha256),
                **asdict(shape),
                told=f"SHA-256 {sha256}; unbroken {metadata.version('unbroken')}",
                form=form,
                stop=self._stop,
            )
            must_be_as_examined(footage)
            if outcome.made is None:
                return Standing("failed", reason=_reason(outcome, used))
            for left in BESIDE:
                (new / left).unlink(missing_ok=True)
            facts = {**asdict(outcome.made), ISOLATION: list(outcome.isolation)}
            (new / FACTS).write_text(json.dumps(facts), "utf-8")
            self._kept.put(new, sha256, name)
        self._kept.trim()
        copy = self._find(sha256)
        return Standing("ready", 1.0, copy) if copy else Standing("failed", reason=Message(DISK))

    def _telling(self, sha256: str) -> Callable[[float], None]:
        progress = self._kept.folder(sha256) / PROGRESS

        def tell(share: float) -> None:
            self._shares[sha256] = share
            with suppress(OSError):  # a full disk shows elsewhere
                progress.write_text(f"{share:.4f}", "ascii")

        return tell


def _reason(outcome: Outcome, used: dict[str, float]) -> Message:
    template = PROBLEMS.get(outcome.problem or "crashed", CRASHED)
    known: dict[str, Any] = {**used, "detail": outcome.detail}
    return Message(template, {name: value for name, value in known.items() if f"{{{name}}}" in template})


def _shape(features: Features) -> _Shape:
    stream = video_stream(features)
    return _Shape(_offset_s(features), features.duration_s(), stream[1] if stream else 0.0)


def _offset_s(features: Features) -> float:
    """Return by how much a copy must be late so that no time in it is negative, in seconds."""
    times = [features[name]["time_s"] for name in ("frames", "sound") if name in features]
    if "frames" not in features and "packets" in features:  # only looked at, not decoded
        packets = features["packets"]
        times.append(packets["time_s"][~packets["discard"].astype(bool)])
    firsts = [float(np.nanmin(column)) for column in times if np.isfinite(column).any()]
    return max(0.0, -min(firsts, default=0.0))


def _name() -> str | None:
    """Return under what copies are kept: what could change them; None if none can be made here."""
    form = form_here()
    if form is None:
        return None
    parts = [VERSION, form, *(metadata.version(name) for name in ("av", "opencv-python-headless"))]
    return f"copy-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
