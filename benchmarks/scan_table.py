"""What a scan costs and says, clip by clip: seconds of footage, of a first and of a second scan, verdict, findings.

    python -m benchmarks.scan_table CLIP... > table.md

Every clip is scanned twice by the installed command, each time as a process of its own: first with an empty cache, then
served from it. Progress goes to stderr, a table in Markdown to stdout.
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


def told(document: dict[str, Any]) -> str:
    """Return the findings of a document, counted by kind and level."""
    if document["unreadable"]:
        return "unreadable"
    counts = Counter((f["kind"], f["level"]) for f in document["findings"])
    return ", ".join(f"{kind} ({level})" + (f" × {n}" if n > 1 else "") for (kind, level), n in counts.items()) or "–"


def main(clips: Annotated[list[Path], typer.Argument(help="Clips to scan.")]) -> None:
    """Scan every clip twice and print the table."""
    print("| clip | footage s | first scan s | second scan s | second / first | exit | findings |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    shares = []
    for number, clip in enumerate(clips, 1):
        print(f"{number} of {len(clips)}: {clip}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as cache:
            first_s, code, document = scan(clip, Path(cache))
            again_s, _, again = scan(clip, Path(cache))
        if again != document:
            raise SystemExit(f"{clip}: the second scan says something else than the first")
        shares.append(again_s / first_s)
        print(
            f"| `{clip.parent.name}/{clip.name}` | {document['clip']['duration_s'] or 0:.1f} | {first_s:.1f} "
            f"| {again_s:.2f} | {shares[-1]:.3f} | {code} | {told(document)} |",
            flush=True,
        )
    print(f"\n{len(clips)} clips; second / first: median {statistics.median(shares):.3f}, largest {max(shares):.3f}")


if __name__ == "__main__":
    typer.run(main)
