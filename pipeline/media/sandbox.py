"""What a process that decodes evidence takes from itself before it opens the file: a hostile file may take it over.

Every layer is optional, for it depends on the system; none needs privileges. `confine` tells which are in force:

- `limits`: processor time, memory, size of a written file, open files; no core dumps;
- `no-new-privileges`: no program that it could start has more rights than it;
- `landlock` (Linux 5.13 and later): it reads the evidence and its own libraries, writes in its work folder, and nothing
  else; from version 4 of Landlock on it opens no TCP connection, from 6 on it signals no other process;
- `seccomp` (x86-64 and AArch64): the kernel refuses it networks, new processes, changes of rights, times and mounts.

Nothing here can be taken back by the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pipeline

OPEN_FILES = 256
GRACE_S = 5

_LANDLOCK = 444
"""Number of landlock_create_ruleset; add_rule and restrict_self follow it. The same on every architecture."""
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH of linux/audit.h."""
_PR_SET_NO_NEW_PRIVS = 38

_READ_FILE, _READ_DIR, _WRITE_FILE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
_READ = _READ_FILE | _READ_DIR
_WORK = _READ | _WRITE_FILE | _TRUNCATE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8  # remove and make files and folders
_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE | 1 << 0 | 1 << 15
"""The rights that a file can have; a rule on a file may name no others."""
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Version of Landlock → rights over files that it knows; later versions know those of 5."""
_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/urandom", "/proc/self", "/proc/cpuinfo", "/sys/devices/system/cpu")

_DENIED = {
    "x86_64": (
        *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),  # sockets
        *(57, 58, 59, 322),  # fork, vfork, execve, execveat
        *(62, 200, 129, 297, 424, 101, 310, 311, 312, 434, 438, 440),  # kill …, ptrace, process_vm_…, kcmp, pidfd_…
        *(161, 155, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442),  # chroot, mount …, unshare, setns
        *(90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280),  # chmod, chown, utimes
        *(188, 189, 190, 197, 198, 199, 463, 466, 469),  # setxattr, removexattr, file_setattr
        *(105, 106, 113, 114, 116, 117, 119, 122, 123, 126, 160),  # setuid …, capset, setrlimit
        *(248, 249, 250, 298, 321, 323, 425, 426, 427),  # keys, perf, bpf, userfaultfd, io_uring
        *(29, 30, 68, 69, 240),  # memory and messages shared with other processes
        *(175, 176, 313, 246, 320, 169, 167, 168, 164, 227, 159, 305, 153, 163, 172, 173, 304),  # the machine itself
    ),
    "aarch64": (
        *(198, 199, 203, 202, 242, 206, 211, 200, 201, 269),
        *(221, 281),
        *(129, 130, 138, 240, 424, 117, 270, 271, 272, 434, 438, 440),
        *(51, 41, 40, 39, 97, 268, 428, 429, 430, 431, 432, 433, 442),
        *(52, 53, 452, 54, 55, 88),
        *(5, 6, 7, 14, 15, 16, 463, 466, 469),
        *(146, 144, 145, 143, 147, 149, 159, 151, 152, 91, 164),
        *(217, 218, 219, 241, 280, 282, 425, 426, 427),
        *(194, 196, 186, 189, 180),
        *(105, 106, 273, 104, 294, 142, 224, 225, 170, 112, 171, 266, 58, 89, 265),
    ),
}
"""System calls that are refused, by architecture, in the same order."""
_CLONE = {"x86_64": 56, "aarch64": 220}
_TGKILL = {"x86_64": 234, "aarch64": 131}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_CLONE3 = 435
_CLONE_THREAD = 0x10000
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16
"""Where seccomp_data holds them; the low half of argument n is at 16 + 8 n."""


def confine(
    evidence: Path, work: Path, *, memory_mb: float = 0.0, cpu_s: float = 0.0, file_mb: float = 0.0
) -> dict[str, int]:
    """Take from this process what decoding one file does not need; it cannot be taken back.

    Libraries must be loaded, and no threads but this one may run: those that run are left out of `landlock`, which then
    is not reported.

    Parameters
    ----------
    evidence : Path
        The one file that may be read; it may be missing.
    work : Path
        An existing folder, the only place to write.
    memory_mb : float
        Memory that may be asked for from here on, in MiB. 0 in this and the next two: no limit.
    cpu_s : float
        Processor time of the whole process, in seconds.
    file_mb : float
        Size to which one file may be written, in MiB.

    Returns
    -------
    dict
        Layer → version: that of Landlock, 1 for the others. A layer that the system does not offer is absent.
    """
    layers = {}
    if limit(memory_mb, cpu_s, file_mb):
        layers["limits"] = 1
    if not sys.platform.startswith("linux"):
        return layers
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return layers
    layers["no-new-privileges"] = 1
    version = _landlock(libc, evidence, work)
    if version and len(list(Path("/proc/self/task").iterdir())) == 1:
        layers["landlock"] = version
    if _seccomp(libc):
        layers["seccomp"] = 1
    return layers


def is_full(error: BaseException | None) -> bool:
    """Tell whether an error came from a full disk or from a file that reached the limit of its size."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def limit(memory_mb: float = 0.0, cpu_s: float = 0.0, file_mb: float = 0.0) -> bool:
    """Limit what this process may use, as in `confine`; tell whether the system keeps it."""
    try:
        import resource
    except ImportError:  # not a Unix
        return False
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: OPEN_FILES}
    if memory_mb:
        # RLIMIT_AS would count what is set aside and never used: 64 MiB for every thread.
        wanted[resource.RLIMIT_DATA] = _data_bytes() + int(memory_mb * 2**20)
    if cpu_s:
        wanted[resource.RLIMIT_CPU] = max(1, round(cpu_s))
    if file_mb:
        wanted[resource.RLIMIT_FSIZE] = int(file_mb * 2**20)
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            # The hard limit of processor time kills; the soft one, a little before, says why.
            resource.setrlimit(kind, (most, most + (GRACE_S if kind == resource.RLIMIT_CPU and most != hard else 0)))
        except (OSError, ValueError):  # a system that knows the limit but does not keep it
            return False
    return True


def _data_bytes() -> int:
    """Return how much writable memory the process has now; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData")), 0)


def _landlock(libc: ctypes.CDLL, evidence: Path, work: Path) -> int:
    """Allow what `_rules` names and nothing else; return the version of Landlock, 0 if it is not offered."""
    version = int(libc.syscall(_LANDLOCK, None, ctypes.c_size_t(0), 1))
    if version < 1:
        return 0
    handled = _HANDLED[min(version, 5)]
    network = 3 if version >= 4 else 0  # bind and connect TCP
    scoped = 3 if version >= 6 else 0  # abstract Unix sockets, signals
    wanted = struct.pack("=QQQ", handled, network, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = int(libc.syscall(_LANDLOCK, wanted, ctypes.c_size_t(len(wanted)), 0))
    if rules < 0:
        return 0
    try:
        for path, rights in _rules(evidence, work):
            _allow(libc, rules, path, rights & handled)
        refused = libc.syscall(_LANDLOCK + 2, rules, 0)
    finally:
        os.close(rules)
    return 0 if refused else version


def _rules(evidence: Path, work: Path) -> Iterator[tuple[Path, int]]:
    yield evidence, _READ_FILE if not evidence.is_dir() else _READ_DIR
    yield work, _WORK
    own = [Path(pipeline.__path__[0]), Path(sys.prefix), Path(sys.base_prefix, "lib")]
    for place in [*own, *map(Path, sys.path), *map(Path, _SYSTEM), *map(Path, _DEVICES)]:
        if place.is_absolute() and place != place.parent:
            yield place, _READ | (_WRITE_FILE if place == Path("/dev/null") else 0)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there needs no right
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _FILE
        libc.syscall(_LANDLOCK + 1, rules, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Refuse, in every thread of the process, the system calls that decoding does not need."""
    machine = platform.machine()
    if machine not in _SECCOMP or sys.byteorder != "little" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    program = b"".join(struct.pack("=HBBI", *step) for step in _filter(machine, os.getpid()))
    code = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    set_filter, all_threads = 1, 1
    return int(libc.syscall(_SECCOMP[machine], set_filter, all_threads, described)) == 0


def _filter(machine: str, process: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the steps (code, jump if true, jump if false, operand) of the filter, as classic BPF."""
    refuse = (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    yield (_LOAD, 0, 0, _ARCH)
    yield (_EQUAL, 1, 0, _ARCHITECTURE[machine])
    yield refuse
    yield (_LOAD, 0, 0, _NUMBER)
    yield (_AT_LEAST, 0, 1, _X32)
    yield refuse
    for number in _DENIED[machine]:
        yield (_EQUAL, 0, 1, number)
        yield refuse
    # The C library makes threads by clone3, whose flags a filter cannot see; without it, it takes clone.
    yield (_EQUAL, 0, 1, _CLONE3)
    yield (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)
    yield (_EQUAL, 0, 4, _CLONE[machine])
    yield (_LOAD, 0, 0, _ARGUMENT)
    yield (_ANY_BIT, 0, 1, _CLONE_THREAD)
    yield allow
    yield refuse
    yield (_EQUAL, 0, 4, _TGKILL[machine])  # how a process ends itself
    yield (_LOAD, 0, 0, _ARGUMENT)
    yield (_EQUAL, 0, 1, process)
    yield allow
    yield refuse
    yield (_EQUAL, 0, 5, _PRLIMIT[machine])  # limits may be asked for, not set
    yield (_LOAD, 0, 0, _ARGUMENT + 16)
    yield (_EQUAL, 0, 2, 0)
    yield (_LOAD, 0, 0, _ARGUMENT + 20)
    yield (_EQUAL, 1, 0, 0)
    yield refuse
    yield allow
