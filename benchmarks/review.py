"""How fast the review page answers at a hundred thousand clips.

    python -m benchmarks.review [--clips 100000] [--requests 200]

A ledger is filled in a temporary folder and indexed; then another process serves it as `unbroken review` does. One
account asks for the page of the night again and again, narrowed and sorted in all ways in turn, and for the others.
Printed are the median and the 95th percentile of what each way takes, the whole answer received.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from sqlalchemy import select
from starlette.testclient import TestClient

from benchmarks.documents import document
from benchmarks.ledger import fill
from pipeline.batch.ledger import Ledger
from pipeline.batch.tables import results
from pipeline.report.decisions import Choice
from pipeline.review import accounts
from pipeline.review.app import create_app
from pipeline.review.clip import clip_of
from pipeline.review.decisions import decide
from pipeline.review.index import ReviewIndex
from pipeline.review.rights import CLASSES, Role
from pipeline.review.web import Office, office_of

LEDGER, INDEX = "night.ledger", "review.index"
PASSWORD = "a long one for the benchmark"
DECIDED = 2000
"""Clips about which somebody decided."""
RULES = [f"RULE-{number}" for number in range(1, 13)]
KINDS = ("picture-cut", "missing-frames", "clock-jump", "notice-missing", "place-missing", "timestamp-gap")
ASKED: dict[str, dict[str, Any]] = {
    "all, by name": {},
    "failed": {"counted": "fail"},
    "one unit": {"unit": "执法七队"},
    "one recorder": {"device": "K7A0042"},
    "one rule failed": {"rule": "RULE-3", "outcome": "fail"},
    "one kind of violation": {"kind": "picture-cut", "level": "violation"},
    "part of a path": {"text": "0099"},
    "by time, falling": {"sort": "recorded", "down": "1"},
    "by violations, falling": {"sort": "violations", "down": "1"},
    "part 500": {"part": "500"},
    "findings that are open": {"decided": "open"},
    "all findings decided": {"decided": "decided", "sort": "recorded"},
    "unit, rule and kind": {"unit": "执法七队", "rule": "RULE-3", "kind": "clock-jump", "sort": "recorded"},
}


PAGES = {
    "statistics by unit": "/statistics?by=unit",
    "statistics by recorder": "/statistics?by=device",
    "statistics by rule": "/statistics?by=rule",
    "statistics by kind": "/statistics?by=kind",
    "spot checks": "/spot-checks",
    "audit log": "/audit",
    "users": "/users",
}


def told(number: int, verdict: str) -> bytes:
    """Return the document of one clip of a store of forty units and five hundred recorders."""
    findings = [(KINDS[number % len(KINDS)], "violation" if verdict == "fail" else "note"), ("signs-seen", "note")]
    made = document(
        f"{number:07d}.mp4",
        verdict,
        device=f"K7A{number % 500:04d}",
        unit=f"执法{'一二三四五六七八九十'[number % 10]}队",
        case_number=f"2026-{number // 7}",
        access="restricted" if number % 11 == 0 else "open",
        started_at=f"2026-03-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:00+08:00",
        rules={rule: verdict if place == number % 12 else "pass" for place, rule in enumerate(RULES)},
        findings=findings,
    )
    return json.dumps(made).encode()


def main(
    clips: Annotated[int, typer.Option()] = 100_000,
    requests: Annotated[int, typer.Option(help="Of each kind.")] = 40,
) -> None:
    """Print a table of times."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        making = get_context("spawn").Process(target=_make, args=(folder, clips))  # what serves has not filled it
        making.start()
        making.join()
        if making.exitcode:
            raise SystemExit("the ledger could not be made")
        print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {clips} clips\n")
        with Ledger(str(folder / LEDGER)) as ledger:
            index = ReviewIndex(folder / INDEX)
            index.refresh(ledger)
            _measure(office_of(ledger, index, folder), requests)
            index.close()


def _make(folder: Path, clips: int) -> None:
    """Fill a ledger and its index."""
    with Ledger(str(folder / LEDGER)) as ledger:
        fill(ledger, clips, told)
        _decide(ledger, DECIDED)
        accounts.add(ledger, "system", "boss", PASSWORD, list(Role), all_units=True, classes=CLASSES)
        index = ReviewIndex(folder / INDEX)
        start = time.perf_counter()
        index.refresh(ledger, lambda done, total: print(f"\r{done} of {total}", end="", file=sys.stderr))
        print(f"\nindex made in {time.perf_counter() - start:.1f} s")
        index.close()


def _decide(ledger: Ledger, count: int) -> None:
    """Accept the first violation of some clips."""
    failed = select(results.c.key).where(results.c.verdict == "fail").order_by(results.c.seq).limit(count)
    for key in ledger.database.read(lambda connection: list(connection.scalars(failed))):
        clip = clip_of(ledger, key)
        assert clip is not None
        decide(ledger, clip, "f1", Choice.ACCEPTED, "it is plain to see", "boss", 0)


def _measure(office: Office, requests: int) -> None:
    addresses = {name: "/?" + urlencode({"batch": 1, **asked}) for name, asked in ASKED.items()}
    times: dict[str, list[float]] = {name: [] for name in (*addresses, *PAGES)}
    with TestClient(create_app(office, ["testserver"]), headers={"accept": "text/html"}) as client:
        form = client.get("/log-in")
        csrf = form.text.split('name="csrf" value="', 1)[1].split('"', 1)[0]
        client.post("/log-in", data={"name": "boss", "password": PASSWORD, "csrf": csrf})
        for name, address in islice(cycle((addresses | PAGES).items()), requests * len(times)):
            start = time.perf_counter()
            answer = client.get(address)
            times[name].append(time.perf_counter() - start)
            assert answer.status_code == 200 and "</html>" in answer.text, answer.text
    print("| asked for | median, ms | p95, ms |\n| --- | --- | --- |")
    of_the_night = [one for name in addresses for one in times[name]]
    for name in addresses:
        _tell(name, times[name])
    _tell("**the night, all of these**", of_the_night)
    for name in PAGES:
        _tell(name, times[name])


def _tell(name: str, taken: list[float]) -> None:
    print(f"| {name} | {statistics.median(taken) * 1e3:.0f} | {statistics.quantiles(taken, n=20)[-1] * 1e3:.0f} |")


if __name__ == "__main__":
    typer.run(main)
