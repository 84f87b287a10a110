"""What the decoding process can still do, tried in a process that confined itself; and its limits, really reached."""

import ctypes
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from pipeline.features.extract import measure
from tests.footage import make_clip
from tests.pipeline.measuring import gaps, measured, table

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is Linux's")

TRIES = """
import ctypes, json, os, resource, socket, subprocess, sys, threading
from pathlib import Path
from pipeline.media.sandbox import confine

clip, work, other = map(Path, sys.argv[1:4])
def mount():
    if libc.mount(b"/", b"/", None, 4096, None):
        raise OSError(ctypes.get_errno(), "mount")

libc = ctypes.CDLL(None, use_errno=True)
layers = confine(clip, work, memory_mb=200, cpu_s=60, file_mb=1)
tries = {
    "socket": lambda: socket.socket(),
    "pair of sockets": lambda: socket.socketpair(),
    "program": lambda: subprocess.run([sys.executable, "--version"]),
    "fork": os.fork,
    "signal": lambda: os.kill(os.getppid(), 0),
    "mount": mount,
    "limit": lambda: resource.setrlimit(resource.RLIMIT_CPU, (999, 999)),
    "mode of the clip": lambda: clip.chmod(0o600),
    "time of the clip": lambda: os.utime(clip),
    "write the clip": lambda: clip.open("r+b"),
    "empty the clip": lambda: os.truncate(clip, 0),
    "remove the clip": clip.unlink,
    "write elsewhere": lambda: (other.parent / "new").write_text("x"),
    "read elsewhere": other.read_bytes,
    "list elsewhere": lambda: os.listdir(other.parent),
    "memory": lambda: bytearray(300 << 20),
    "large file": lambda: (work / "large").write_bytes(bytes(2 << 20)),
    "read the clip": clip.read_bytes,
    "write in the work folder": lambda: (work / "new").write_text("x"),
    "thread": lambda: threading.Thread(target=int).start(),
}
came = {}
for name, trial in tries.items():
    try:
        trial()
        came[name] = ""
    except Exception as error:
        came[name] = type(error).__name__
print(json.dumps([layers, came]))
"""
REFUSED_BY = {
    "seccomp": (
        "socket", "pair of sockets", "program", "fork", "signal", "mount", "limit", "mode of the clip",
        "time of the clip",
    ),
    "landlock": (
        "write the clip", "empty the clip", "remove the clip", "write elsewhere", "read elsewhere", "list elsewhere",
    ),
    "limits": ("memory", "large file"),
}  # fmt: skip
ALLOWED = ("read the clip", "write in the work folder", "thread")


@pytest.fixture(scope="module")
def came(tmp_path_factory) -> tuple[dict[str, int], dict[str, str]]:
    """Return the layers that are in force, and the error that each trial came to."""
    folder = tmp_path_factory.mktemp("tries")
    (folder / "a.mp4").write_bytes(b"evidence")
    (folder / "other").mkdir()
    (folder / "other" / "secret").write_text("canary")
    (folder / "work").mkdir()
    arguments = [str(folder / name) for name in ("a.mp4", "work", "other/secret")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", TRIES, *arguments], capture_output=True, text=True, env=environment, check=True
    )
    assert (folder / "a.mp4").read_bytes() == b"evidence"
    layers, errors = json.loads(done.stdout)
    return layers, errors


@linux
@pytest.mark.parametrize(("layer", "trial"), [(layer, trial) for layer, names in REFUSED_BY.items() for trial in names])
def test_what_decoding_does_not_need_is_refused(layer, trial, came):
    layers, errors = came
    if layer not in layers:
        pytest.skip(f"this system does not offer {layer}")
    assert errors[trial] in {"PermissionError", "ValueError", "MemoryError", "OSError"}


@linux
@pytest.mark.parametrize("trial", ALLOWED)
def test_what_decoding_needs_is_allowed(trial, came):
    assert came[1][trial] == ""


def _offered() -> dict[str, int]:
    """Return what this kernel offers, asked of it without the code under test."""
    version = ctypes.CDLL(None, use_errno=True).syscall(444, None, ctypes.c_size_t(0), 1)
    return {"landlock": version} if version > 0 else {}


@linux
def test_the_measuring_child_is_confined_and_says_so(tmp_path):
    found = measured(make_clip(tmp_path / "a.mp4", frames=10), tmp_path)
    rows = [row for row in found.tables["examined"].to_pylist() if row["stage"] == "isolation"]
    said = {row["measure"]: int(row["value"]) for row in rows}
    assert {name: said.get(name) for name in _offered()} == _offered()
    assert said["limits"] == 1 and said["no-new-privileges"] == 1


@linux
def test_the_kernel_confirms_it(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=100)
    seen: dict[str, str] = {}

    def look(stage: str, done: float) -> None:
        for task in Path("/proc/self/task").iterdir():
            for child in (task / "children").read_text().split():
                lines = Path(f"/proc/{child}/status").read_text().splitlines()
                seen.update(line.split(":\t", 1) for line in lines if ":\t" in line)

    (tmp_path / "work").mkdir()
    found = measure(clip, tmp_path / "work", look)
    layers = {row["measure"] for row in found.tables["examined"].to_pylist() if row["stage"] == "isolation"}
    assert seen["NoNewPrivs"] == "1"
    assert (seen["Seccomp"] == "2") == ("seccomp" in layers)


def _huge(path: Path, side: int) -> Path:
    """Make a clip of two grey pictures, each `side` × `side`, that costs its maker nothing."""
    data = cv2.imencode(".jpg", np.full((side, side), 128, np.uint8))[1].tobytes()
    with av.open(path, "w") as out:
        stream = out.add_stream("mjpeg", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        out.start_encoding()
        for number in range(2):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            out.mux(packet)
    return path


@linux
def test_pictures_too_large_for_the_memory_are_a_stated_gap(tmp_path):
    found = measured(_huge(tmp_path / "a.avi", 12_000), tmp_path, memory_mb=256)
    assert any("memory_mb" in sentence for sentence in gaps(found)), gaps(found)
    assert "frames" not in found.tables or table(found, "frames").rows < 2


@linux
def test_a_picture_of_16_k_by_16_k_is_a_stated_gap(tmp_path):
    found = measured(_huge(tmp_path / "a.avi", 16_384), tmp_path, memory_mb=1024)
    assert gaps(found)
    assert "frames" not in found.tables or table(found, "frames").rows == 0


@linux
def test_processor_time_is_limited(tmp_path):
    take = make_clip(tmp_path / "take.ts", frames=24, size=(1280, 720), container="mpegts", audio=None).read_bytes()
    (tmp_path / "long.ts").write_bytes(take * 100)
    found = measured(tmp_path / "long.ts", tmp_path, cpu_s=4, cpu_s_per_mb=0)
    assert any("processor time" in sentence and "cpu_s" in sentence for sentence in gaps(found)), gaps(found)
    assert not found.complete


@pytest.mark.skipif(os.name != "posix", reason="the limit is Unix's")
def test_the_size_of_a_temporary_file_is_limited(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=200)
    found = measured(clip, tmp_path, file_mb=0.06)
    assert any("file_mb" in sentence for sentence in gaps(found)), gaps(found)
    assert not found.complete


@linux
def test_a_full_disk_is_a_stated_gap(tmp_path):
    clip, small = make_clip(tmp_path / "a.mp4", frames=200), tmp_path / "small"
    small.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], capture_output=True)
    if made.returncode:
        pytest.skip("a small file system can be mounted by the administrator only")
    try:
        found = measured(clip, small)
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert any("disk for temporary files was full" in sentence for sentence in gaps(found)), gaps(found)
    assert not found.complete
