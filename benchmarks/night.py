"""A hard night: a store of 500 files and more, a tenth of them broken, while workers and batch are killed.

    python -m benchmarks.night FOLDER… [--files 520] [--kills 5] [--work DIR]

Makes a store of stretches of the footage in the folders (copied packets, nothing encoded again), breaks every tenth in
a way of its own, runs `unbroken batch` on it, kills a worker every few seconds and the batch itself `--kills` times,
and starts it again each time. Then it checks, and prints: every file has one result or a stated reason; the next run
does nothing; no file of the store was changed; `unbroken verify` passes; after one byte of a file and one row of the
ledger were changed, `verify` names both.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import av
import typer

from pipeline.batch.ledger import Ledger
from pipeline.batch.summary import batches_of, listing
from pipeline.store import clips_in

STRETCH_S = 3.0
SEED = 20261122


def stretch(clip: Path, begin_s: float, target: Path) -> bool:
    """Copy some seconds of a clip, from a key frame on, without encoding; tell whether anything was there."""
    packets = 0
    with av.open(str(clip)) as source, av.open(str(target), "w", format="mp4") as made:
        video = source.streams.video[0]
        copied = made.add_stream_from_template(video)
        source.seek(int(begin_s / video.time_base), stream=video)
        first: int | None = None
        for packet in source.demux(video):
            if packet.dts is None or packet.pts is None:
                continue
            first = packet.dts if first is None else first
            if (packet.dts - first) * video.time_base > STRETCH_S:
                break
            packet.dts, packet.pts = packet.dts - first, packet.pts - first
            packet.stream = copied
            made.mux(packet)
            packets += 1
    return packets > 10


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) // 4, len(content) - 100)]


def _flipped(content: bytes, draw: random.Random) -> bytes:
    held = bytearray(content)
    for _ in range(40):
        held[draw.randrange(len(held))] ^= 1 << draw.randrange(8)
    return bytes(held)


BROKEN: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "zero": lambda content, draw: b"",
    "cut": _cut,
    "no-moov": lambda content, draw: content.replace(b"moov", b"free"),
    "random": lambda content, draw: draw.randbytes(50_000),
    "flipped": _flipped,
    "playlist": lambda content, draw: b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n" + draw.randbytes(8).hex().encode(),
    "packets": lambda content, draw: bytes.fromhex("fff14c80011ffc21") * draw.randrange(10**5, 10**6),
}


def make_store(store: Path, sources: list[Path], files: int) -> None:
    """Make a store of `files` files; every tenth is broken."""
    draw = random.Random(SEED)
    made = 0
    while made < files:
        clip = sources[made % len(sources)]
        folder = store / f"{made // 60:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        target = (
            folder / f"K7A{made // 60:04d}_20260304{9 + made % 60 // 12:02d}{made % 12 * 5:02d}00_{made % 60:04d}.mp4"
        )
        try:
            with av.open(str(clip)) as opened:
                length_s = (opened.duration or 0) / av.time_base
            copied = stretch(clip, draw.uniform(0.0, max(0.0, length_s - STRETCH_S)), target)
        except (ValueError, IndexError, av.FFmpegError):  # MP4 does not take it, or there are no pictures
            copied = False
        if not copied:
            target.unlink(missing_ok=True)
            sources.remove(clip)
            continue
        if made % 10 == 9:
            name, way = list(BROKEN.items())[made // 10 % len(BROKEN)]
            broken = way(target.read_bytes(), draw)
            target.unlink()
            target.with_name(f"{name}-{made:04d}.mp4").write_bytes(broken)
        made += 1
        print(f"\r{made} files", end="", file=sys.stderr)
    odd = store / "odd"
    odd.mkdir()
    os.mkfifo(odd / "pipe.mp4")
    (odd / "dead.mp4").symlink_to(odd / "nothing.mp4")
    (odd / "leads-out.mp4").symlink_to("/etc/hostname")
    (odd / "folder.mp4").mkdir()
    with (odd / "sparse.mp4").open("wb") as stream:
        stream.truncate(1 << 40)
    good = next(path for path in sorted(store.rglob("K7A*.mp4")))
    (odd / "hard.mp4").hardlink_to(good)
    with open(os.fsencode(odd) + "/执法.mp4".encode("gbk"), "wb") as stream:  # noqa: PTH123
        stream.write(good.read_bytes() + b"gbk")
    (odd / "two\nlines.mp4").write_bytes(good.read_bytes() + b"lines")
    print(file=sys.stderr)


def sealed(store: Path) -> dict[bytes, tuple[object, ...]]:
    """Return content, size and times of every file of a store."""
    found: dict[bytes, tuple[object, ...]] = {}
    for path in store.rglob("*"):
        status = path.lstat()
        plain = path.is_file() and not path.is_symlink() and status.st_size < 1 << 32
        content = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        found[os.fsencode(path)] = status.st_mode, status.st_size, status.st_mtime_ns, content
    return found


def command(name: str, *words: str) -> list[str]:
    """Return the command line of `unbroken`."""
    return [sys.executable, "-c", "from pipeline.cli import main; main()", name, *words]


def descendants(process: int) -> Iterator[int]:
    """Yield the processes that a process started, and those that these did."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True)
    for child in map(int, found.stdout.split()):
        yield child
        yield from descendants(child)


def disturbed(words: list[str], kills: int, pause_s: float) -> tuple[int, int]:
    """Run a batch to its end, killing workers all the time, and itself `kills` times; return what was killed."""
    draw = random.Random(SEED)
    workers = batches = 0
    while True:
        batch = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until = time.monotonic() + draw.uniform(pause_s, 2 * pause_s)
        while batch.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                batch.wait(timeout=draw.uniform(4.0, 12.0))
                break
            if batches < kills and time.monotonic() > until:
                batch.kill()
                batch.wait()
                batches += 1
                break
            decoding = [process for process in descendants(batch.pid) if _decodes(process)]
            if decoding and batches < kills:
                parent = int(Path(f"/proc/{draw.choice(decoding)}/stat").read_text().rpartition(")")[2].split()[1])
                os.kill(parent, signal.SIGKILL)
                workers += 1
        else:
            pass
        if batch.returncode != -signal.SIGKILL:
            print(batch.stdout.read() if batch.stdout else "")
            return workers, batches


def _decodes(process: int) -> bool:
    try:
        return b"pipeline.features.child" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def must(holds: object, what: str) -> None:
    """Print what was checked; end if it does not hold."""
    print(f"{'yes' if holds else 'NO ':3}  {what}")
    if not holds:
        raise typer.Exit(1)


def main(
    folders: list[Path],
    files: int = 520,
    kills: int = 5,
    pause_s: Annotated[float, typer.Option(help="Least seconds between two kills of the batch.")] = 60.0,
    work: Annotated[Path | None, typer.Option(help="Empty folder for store and ledger.")] = None,
) -> None:
    """Run the night and print what held."""
    root = work or Path(tempfile.mkdtemp(prefix="night-"))
    store, cache, place = root / "store", root / "cache", root / "night.ledger"
    make_store(store, clips_in(folders), files)
    before = sealed(store)
    shared = ["--cache", str(cache), "--ledger", str(place), "--lang", "en"]
    words = command("batch", str(store), *shared, "--back-off", "2", "--attempts", "6")
    start = time.monotonic()
    workers, batches = disturbed(words, kills, pause_s)
    print(f"{(time.monotonic() - start) / 60:.1f} min, {workers} workers and {batches} batches were killed\n")
    with Ledger(str(place)) as ledger:
        rows = list(listing(ledger, batches_of(ledger)[0].id))
        documents = [json.loads(document) for document in ledger.documents()]
    names = [os.path.join(folder, name) for folder, _, found in os.walk(os.fsencode(store)) for name in found]  # noqa: PTH118
    must(len(rows) == len(names) >= 500, f"{len(names)} files, {len(rows)} with a result or a reason")
    print("     " + ", ".join(f"{state} {count}" for state, count in Counter(row.state for row in rows).items()))
    must(all(row.state == "done" or row.reason for row in rows), "whatever has no result has a stated reason")
    results = Counter((str(d["clip"].get("path_base64") or d["clip"]["path"]), d["clip"]["sha256"]) for d in documents)
    done = sum(row.state == "done" for row in rows)
    must(max(results.values()) == 1 and len(documents) == done, f"{len(documents)} results, one for each clip")
    again = subprocess.run(words, capture_output=True, text=True)
    with Ledger(str(place)) as ledger:
        must([json.loads(d) for d in ledger.documents()] == documents, "the next run adds nothing")
    must(again.returncode in (3, 10, 11), f"its exit code is {again.returncode}")
    must(sealed(store) == before, "no file of the store was changed")
    must(verify(shared)[0] == 0, "verify passes")
    victim = Path(next(d["clip"]["path"] for d in documents if "K7A" in d["clip"]["path"]))
    status = victim.stat()
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE results SET verdict = 'pass' WHERE seq = 17")
    code, said = verify(shared)
    must(code == 11 and victim.name in said and "17" in said, "after a byte and a row were changed, verify names both")
    print(said)


def verify(shared: list[str]) -> tuple[int, str]:
    """Run `unbroken verify`."""
    found: Any = subprocess.run(command("verify", *shared), capture_output=True, text=True)
    return found.returncode, found.stdout


if __name__ == "__main__":
    typer.run(main)
