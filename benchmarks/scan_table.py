"""What a scan costs and says, clip by clip: seconds of footage, of a first and of a second scan, verdict, findings.

    python -m benchmarks.scan_table CLIP... > table.md

Every clip is scanned twice by the installed command, each time as a process of its own: first with an empty cache, then
served from it. The start of the program, which no cache can shorten, is measured apart. Progress goes to stderr, a
table in Markdown to stdout.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

UNBROKEN = Path(sys.executable).with_name("unbroken")


def scan(clip: Path, cache: Path) -> tuple[float, int, dict[str, Any]]:
    """Return the wall seconds, the exit code and the document of one scan."""
    began = time.monotonic()
    command = [str(UNBROKEN), "scan", str(clip), "--json", "--cache", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return time.monotonic() - began, done.returncode, json.loads(done.stdout)


def start_s() -> float:
    """Return the seconds that the command takes to start and do next to nothing: the median of five."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run([str(UNBROKEN), "profiles"], capture_output=True, check=True)
        times.append(time.monotonic() - began)
    return statistics.median(times)


def told(document: dict[str, Any]) -> str:
    """Return the findings of a document, counted by kind and level."""
    if document["unreadable"]:
        return "unreadable"
    counts = Counter((f["kind"], f["level"]) for f in document["findings"])
    return ", ".join(f"{kind} ({level})" + (f" × {n}" if n > 1 else "") for (kind, level), n in counts.items()) or "–"


def main(clips: Annotated[list[Path], typer.Argument(help="Clips to scan.")]) -> None:
    """Scan every clip twice and print the table."""
    start = start_s()
    print("| clip | footage s | first scan s | second scan s | second / first | same, less start | exit | findings |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    shares, net = [], []
    for number, clip in enumerate(clips, 1):
        print(f"{number} of {len(clips)}: {clip}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as cache:
            first_s, code, document = scan(clip, Path(cache))
            again_s, _, again = scan(clip, Path(cache))
        if again != document:
            raise SystemExit(f"{clip}: the second scan says something else than the first")
        shares.append(again_s / first_s)
        net.append(max(0.0, again_s - start) / (first_s - start))
        print(
            f"| `{clip.parent.name}/{clip.name}` | {document['clip']['duration_s'] or 0:.1f} | {first_s:.1f} "
            f"| {again_s:.2f} | {shares[-1]:.3f} | {net[-1]:.3f} | {code} | {told(document)} |",
            flush=True,
        )
    print(f"\n{len(clips)} clips; start of the program {start:.2f} s")
    for name, values in (("second / first", shares), ("the same, less the start of the program", net)):
        print(f"{name}: median {statistics.median(values):.3f}, largest {max(values):.3f}")


if __name__ == "__main__":
    typer.run(main)
