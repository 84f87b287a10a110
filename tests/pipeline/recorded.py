"""Results of the clips of one recorder, as the pages of sessions, statistics and spot checks show them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from benchmarks.documents import document
from pipeline.batch.ledger import Ledger
from pipeline.review import accounts
from pipeline.review.app import create_app
from pipeline.review.index import ReviewIndex
from pipeline.review.index_tables import clips
from pipeline.review.rights import CLASSES
from pipeline.review.web import office_of
from tests.pipeline.review_ledgers import night

PASSWORD = "correct horse battery staple"
BEGIN = datetime.fromisoformat("2026-03-04T09:00:00+08:00")
GAP = "Between {before} and {after}, at one place, nothing was recorded for {gap_s:.1f} s (to {within_s:.1f} s)."


def clip(
    number: int,
    at_s: float | None,
    *,
    name: str | None = None,
    length_s: float = 60.0,
    device: str | None = "K7A0123",
    verdict: str = "pass",
    case_number: str | None = "2026-12",
    place: str | None = "一号仓库",
    unit: str | None = "one",
    access: str | None = "open",
    between: tuple[tuple[str, str, dict[str, Any]], ...] = (),
    findings: tuple[tuple[str, str], ...] = (),
    rules: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the result of a clip that begins `at_s` after `BEGIN`; `between` as kind, level and evidence."""
    told = document(
        name or f"K7A0123_{number:04d}.mp4", verdict, device=device, unit=unit, case_number=case_number,
        access=access, duration_s=length_s, rules=rules or {"CONT-1": verdict, "PLACE-1": "pass"}, findings=findings,
        **more,
    )  # fmt: skip
    told["clip"]["sha256"] = f"{number:064x}"
    told["clip"]["path"] = f"/store/{told['clip']['path']}"
    told["clip"]["case"]["place"] = place
    told["examined"] = {"gaps": []}
    recording = told["clip"]["recording"]
    recording |= {"number": number, "device_from": "name" if device else None}
    if at_s is not None:
        start = BEGIN + timedelta(seconds=at_s)
        stop = start + timedelta(seconds=length_s)
        recording |= {"started_at": start.isoformat(), "ended_at": stop.isoformat(), "time_from": "name",
                      "time_within_s": 1.0}  # fmt: skip
    for kind, level, evidence in between:
        values = {"before": evidence["before"], "after": evidence["after"], "gap_s": 0.0, "within_s": 1.0, **evidence}
        told["findings"].append(
            {"id": f"f{len(told['findings']) + 1}", "kind": kind, "level": level, "score": None,
             "span": {"start_s": 0.0, "stop_s": 0.0, "first_frame": None, "stop_frame": None}, "detector": "session",
             "version": 1, "evidence": values, "summary": GAP.format(**values),
             "message": {"template": GAP, "values": {n: values[n] for n in ("before", "after", "gap_s", "within_s")}},
             "curves": []}
        )  # fmt: skip
    return told


def name(number: int) -> str:
    return f"K7A0123_{number:04d}.mp4"


def served(folder: Path, ledger: Ledger, documents: list[dict[str, Any]]) -> tuple[FastAPI, ReviewIndex]:
    """Return the review page over a night with these results, with the accounts boss, narrow and blind."""
    night(ledger, documents)
    accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
    roles = ["supervisor"]
    accounts.add(ledger, "root", "boss", PASSWORD, roles, all_units=True, classes=CLASSES)
    accounts.add(ledger, "root", "narrow", PASSWORD, roles, units=["one"], classes=["open"])
    accounts.add(ledger, "root", "blind", PASSWORD, roles, units=["another"], classes=["open"])
    index = ReviewIndex(folder / "review.index")
    index.refresh(ledger)
    return create_app(office_of(ledger, index, folder / "cache", language="en"), ["testserver", "127.0.0.1"]), index


def client(app: FastAPI, account: str) -> TestClient:
    """Return a browser of that account, in English."""
    made = TestClient(app, headers={"accept": "text/html"}, cookies={"unbroken-language": "en"}, follow_redirects=False)
    told = {"name": account, "password": PASSWORD, "csrf": csrf(made, "/log-in"), "to": "/"}
    assert made.post("/log-in", data=told).status_code == 303
    return made


def csrf(who: TestClient, path: str) -> str:
    return re.search(r'name="csrf" value="([^"]+)"', who.get(path).text)[1]


def keys(index: ReviewIndex) -> dict[str, str]:
    """Return the key of the newest result of each file."""
    with index.engine.connect() as connection:
        rows = connection.execute(select(clips.c.shown, clips.c.key).where(clips.c.newest))
        return {row.shown: row.key for row in rows}
