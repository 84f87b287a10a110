"""Who holds a lease: the name of a process that no other has, and whether that process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Literal


def own_name() -> str:
    """Return the name of this process: computer and process namespace, number, and when it started."""
    return f"{_place()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(name: str) -> bool:
    """Tell whether the process of a name has certainly ended; False for those of other computers."""
    place, _, rest = name.partition("/")
    number, _, started = rest.partition("/")
    if place != _place() or not number.isdecimal() or not started:
        return False
    return _started(int(number)) != started


def fate(name: str) -> Literal["runs", "gone", "unknown"]:
    """Tell what became of a process, for people: unknown of those of other computers and containers.

    Unlike `is_gone` it takes computers of one name for one: a process from before its last start is gone.
    """
    if is_gone(name):
        return "gone"
    there, here = name.partition("/")[0], _place()
    if there == here:
        return "runs"
    then, now = there.rsplit("-", 2), here.rsplit("-", 2)  # name, start of the computer, namespace
    return "gone" if len(then) == len(now) == 3 and then[0] == now[0] and then[1] != now[1] else "unknown"


def _place() -> str:
    """Return this computer since it was started, and the namespace in which its processes are numbered."""
    try:
        booted = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        numbers = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116  (a link that leads nowhere)
    except OSError:  # not Linux
        return socket.gethostname()
    return f"{socket.gethostname()}-{booted}-{numbers}"


def _started(number: int) -> str | None:
    """Return when a process started, in ticks since the computer did; None if there is no such process."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return _alive_elsewhere(number)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _alive_elsewhere(number: int) -> str | None:
    """Return "?" if a process of that number runs on a system without /proc; None if there is none."""
    if Path("/proc/self").exists():
        return None
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return "?"
