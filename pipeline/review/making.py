"""Makes one file to be handed over: a report as PDF, its folder, or a bag. Run as a process of its own.

It speaks with no ledger: all that it needs comes in an order. What it says goes to stdout, a JSON object a line. The
clip is decoded by confined processes that it starts (`pipeline.report.stills`).
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipeline.errors import IntegrityError
from pipeline.features.cache import Cache
from pipeline.media.sandbox import is_full, limit
from pipeline.model import Message
from pipeline.report.approval import Approval
from pipeline.report.bag import BagContents, payload_name, write_bag
from pipeline.report.decisions import Decision
from pipeline.report.html import write_report
from pipeline.report.json_v1 import message_of, parts
from pipeline.report.pdf import NAME as PDF_NAME
from pipeline.report.wording import N_
from pipeline.review.clip import Clip
from pipeline.review.retold import examination_of
from pipeline.review.stills import must_be_as_examined
from pipeline.run import told

POLITE = 5
PACKED = {".jpg", ".png", ".flac", ".mp4", ".pdf"}
"""What a zip would not make smaller."""
SHARE, PROBLEM, FULL = "share", "problem", "full"
"""What it says: how much is done (0 to 1), why it cannot be made, that the disk is full."""
ORDER, RESULT, ERRORS = "order", "result", "errors"
"""In the folder of the process: what it is asked for, the folder in which it leaves the file, what went wrong."""


CRASHED = N_("It was not made: the process ended with an error ({detail}). Please report this.")
OVERDUE = N_("It was not made: it took longer than {minutes} minutes.")
DISK = N_("It was not made: the disk for exports is full. Make room and try again.")
STOPPED = N_("It was not made: the server was stopped.")


class Kind(StrEnum):
    """What can be handed over."""

    PDF = "pdf"
    FOLDER = "folder"
    BAG = "bag"
    REFERENCE = "reference"


ENDINGS = {
    Kind.PDF: "report.{language}.pdf",
    Kind.FOLDER: "report.{language}.zip",
    Kind.BAG: "bag.{language}.zip",
    Kind.REFERENCE: "reference.{language}.zip",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made."""

    clip: Clip
    cache: Path
    """Folder of the batch's feature cache."""
    kind: Kind
    language: str
    made_at: datetime
    """When, with its zone."""
    approval: Approval | None
    decisions: tuple[Decision, ...]
    events: tuple[Mapping[str, Any], ...]
    """The audit log about this result."""
    memory_mb: float
    """Memory that the process may ask for, in MiB; 0: no limit."""
    limit_s: float
    """It is ended after this long, in seconds."""

    @property
    def name(self) -> str:
        """Name of the file, as it is handed over."""
        footage = self.clip.footage
        stem = payload_name(footage.path) if footage else self.clip.key[:12]
        return f"{Path(stem).stem}.{ENDINGS[self.kind].format(language=self.language)}"


def make_apart(order: Order, work: Path, stop: threading.Event, progress: Callable[[float], None]) -> Message | None:
    """Have a process of its own make a file; return why it was not made, None if it was.

    Parameters
    ----------
    order : Order
    work : Path
        An empty folder on a disk with room for twice the file; the file lies in its folder `RESULT` then.
    stop : Event
        Ends the process when it is set.
    progress : callable
        Told the share that is done, 0 to 1.
    """
    (work / ORDER).write_bytes(pickle.dumps(order))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    environment["TMPDIR"] = str(work)
    with (work / ERRORS).open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, os.fsdecode(work)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            env=environment,
        )
    done, overdue = threading.Event(), threading.Event()
    watch = threading.Thread(target=_watch, args=(child, order.limit_s, stop, done, overdue), daemon=True)
    watch.start()
    said: dict[str, Any] = {}
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            with suppress(json.JSONDecodeError):  # a line cut off by a crash
                said |= json.loads(line)
                progress(float(said.get(SHARE, 0.0)))
    status = child.wait()
    done.set()
    watch.join()
    if PROBLEM in said:
        return message_of(said[PROBLEM])
    if status == 0:
        return None
    if overdue.is_set():
        return Message(OVERDUE, {"minutes": round(order.limit_s / 60)})
    if stop.is_set():
        return Message(STOPPED)
    last = (work / ERRORS).read_text("utf-8", "replace").strip().splitlines()[-1:]
    return Message(DISK) if FULL in said else Message(CRASHED, {"detail": last[0][:300] if last else f"{status}"})


def failed(error: Exception) -> Message:
    """Return why a file was not made, of an error in this process."""
    return Message(DISK) if is_full(error) else Message(CRASHED, {"detail": f"{type(error).__name__}: {error}"[:300]})


def _watch(
    child: subprocess.Popen[str], limit_s: float, stop: threading.Event, done: threading.Event, overdue: threading.Event
) -> None:
    """End the process when it is told to, or takes too long."""
    until = time.monotonic() + limit_s
    while not done.wait(0.2):
        late = time.monotonic() >= until
        if late or stop.is_set():
            if late:
                overdue.set()
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            return


def make(order: Order, work: Path) -> None:
    """Make the file in the folder `RESULT` of `work`; `FootageError` and `SettingsError` say why it cannot be."""
    examination = examination_of(order.clip, Cache(order.cache))
    must_be_as_examined(examination.footage)
    _say(SHARE, 0.05)
    report, result = work / "report", work / RESULT
    result.mkdir()
    write_report(
        examination,
        report,
        order.language,
        order.made_at,
        decisions=order.decisions,
        pdf=order.kind is not Kind.FOLDER,
    )
    _say(SHARE, 0.6)
    target = result / order.name
    if order.kind is Kind.PDF:
        shutil.copyfile(report / PDF_NAME, target)
        return
    if order.kind is Kind.FOLDER:
        _zip(report, target, target.stem, order.made_at)
        return
    contents = BagContents(
        examination.footage,
        report,
        audit=order.events,
        approval=None if order.approval is None else order.approval.written(),
        with_clip=order.kind is Kind.BAG,
    )
    bag = write_bag(work / "bag", contents, order.made_at, lambda share: _say(SHARE, 0.6 + 0.2 * share))
    _say(SHARE, 0.8)
    _zip(bag, target, target.stem, order.made_at)


def _zip(folder: Path, target: Path, name: str, made_at: datetime) -> None:
    """Pack a folder, under a name of its own, in the order of names; times are that of making."""
    when = (max(1980, made_at.year), *made_at.timetuple()[1:6])
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "x") as packed:
        for path in paths:
            entry = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", when)
            entry.compress_type = zipfile.ZIP_STORED if path.suffix.lower() in PACKED else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, packed.open(entry, "w", force_zip64=True) as stream:
                shutil.copyfileobj(source, stream, 1 << 20)


def _say(name: str, value: Any) -> None:
    sys.stdout.write(json.dumps({name: value}) + "\n")
    sys.stdout.flush()


@contextmanager
def _told() -> Iterator[None]:
    """Tell what stops the work, as what can be translated."""
    try:
        yield
    except IntegrityError as error:
        if is_full(error.__cause__):
            _say(FULL, True)
        else:
            _say(PROBLEM, parts(told(error)))
        sys.exit(1)
    except OSError as error:
        if is_full(error):
            _say(FULL, True)
        raise


def main(work: str) -> None:
    """Make what the order in the folder `work` asks for."""
    with suppress(OSError):
        os.nice(POLITE)
    folder = Path(work)
    order: Order = pickle.loads((folder / ORDER).read_bytes())
    limit(order.memory_mb)
    with _told():
        make(order, folder)
    _say(SHARE, 1.0)


if __name__ == "__main__":
    from pipeline.review import making  # the order holds values of the module's own types, not of `__main__`'s

    making.main(sys.argv[1])
