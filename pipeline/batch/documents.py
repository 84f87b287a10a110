"""What `unbroken status` and `unbroken verify` print as JSON; `docs/batch.md` says what each key means."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.batch.evidence import CHANGES, Evidence, Told
from pipeline.batch.summary import Batch, Row, Standing, Summary
from pipeline.batch.verify import OPEN, Extent, Problem
from pipeline.errors import ExitCode

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Log:
    """What was found of the audit log."""

    extent: Extent
    problems: tuple[Problem, ...]


def status_code(found: Summary) -> ExitCode:
    """Return the exit code of `unbroken status`."""
    if found.without:
        return ExitCode.UNREADABLE
    return ExitCode.UNDECIDED if found.waiting or found.running or not found.is_over else ExitCode.ALL_PASSED


def status_document(ledger: str, batch: Batch, standing: Standing, found: Summary) -> dict[str, Any]:
    """Return what a batch comes to, as values that JSON can hold."""
    return {
        "format": FORMAT,
        "ledger": ledger,
        "batch": {
            "id": batch.id,
            "state": standing,
            "store": batch.store,
            "profile": batch.profile,
            "tool_version": batch.tool_version,
            "host": batch.host,
            "started_at": iso(batch.started_at),
            "ended_at": None if batch.ended_at is None else iso(batch.ended_at),
        },
        "clips": {
            "seen": found.files,
            "done": found.states.get("done", 0),
            "running": found.running,
            "waiting": found.waiting,
            "without_result": found.without,
            "measured": found.measuring.get("done", 0),
        },
        "verdicts": dict(sorted(found.verdicts.items())),
        "footage_s": found.footage_s,
        "measured_s": found.measured_s,
        "failures": [
            {"reason": str(one.reason), "template": one.reason.template, "count": one.count, **path_of(one.path)}
            for one in found.failures
        ],
    }


def row_document(row: Row) -> dict[str, Any]:
    """Return how one clip ended or stands, as values that JSON can hold."""
    return {
        **path_of(row.path),
        "state": row.state,
        "step": row.step,
        "verdict": row.verdict,
        "reason": None if row.reason is None else str(row.reason),
        "attempts": row.attempts,
        "footage_s": row.footage_s,
    }


def verify_code(problems: Sequence[Problem], evidence: Evidence) -> ExitCode:
    """Return the exit code of `unbroken verify`; problems of every chain count alike."""
    changes = any(evidence.counts.get(state) for state in CHANGES)
    if changes or any(problem.kind not in OPEN for problem in problems):
        return ExitCode.FAILED
    return ExitCode.UNDECIDED if problems or evidence.counts.get("unchecked") else ExitCode.ALL_PASSED


def verify_document(
    ledger: str,
    key: Mapping[str, Any],
    extent: Extent,
    problems: Sequence[Problem],
    clips: Mapping[int, bytes],
    evidence: Evidence,
    log: Log,
) -> dict[str, Any]:
    """Return what a verification comes to, as values that JSON can hold.

    Parameters
    ----------
    ledger : str
    key : mapping
        Which public key was used, and where it is from.
    extent : Extent
    problems : sequence of Problem
        Of the chain.
    clips : mapping
        Row of table `results` → path of its clip in the store.
    evidence : Evidence
    log : Log
        The audit log.
    """
    return {
        "format": FORMAT,
        "ledger": ledger,
        "public_key": dict(key),
        "chain": {
            "results": extent.last,
            **_signed(extent),
            "problems": [
                {
                    **_problem(problem),
                    **(path_of(clips[problem.first]) if problem.first in clips else {"path": None}),
                    "text": str(problem.message),
                }
                for problem in problems
            ],
        },
        "audit_log": {
            "events": log.extent.last,
            **_signed(log.extent),
            "problems": [{**_problem(problem), "text": str(problem.message)} for problem in log.problems],
        },
        "evidence": {
            "stores": [{"store": name, "looked_at": where} for name, where in evidence.stores.items()],
            "counts": dict(sorted(evidence.counts.items())),
            "bytes": evidence.bytes,
            "files": [_told(one) for one in evidence.told],
        },
        "exit_code": int(verify_code([*problems, *log.problems], evidence)),
    }


def _signed(extent: Extent) -> dict[str, Any]:
    signed = extent.signed
    return {
        "signed_to": None if signed is None else signed.seq,
        "signed_at": None if signed is None else signed.signed_at,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {"kind": problem.kind, "first": problem.first, "last": problem.last}


def _told(one: Told) -> dict[str, Any]:
    return {
        "state": one.state,
        **path_of(one.path),
        "row": one.row,
        "sha256_then": one.sha256_then,
        "sha256_now": one.sha256_now,
        "found_at": None if one.other is None else path_of(one.other)["path"],
        "text": str(one.message),
    }


def path_of(path: bytes) -> dict[str, str]:
    """Return a path in the store as JSON can hold it: raw bytes too where text cannot say them."""
    told = {"path": shown(path)}
    if told["path"] != path.decode("utf-8", "replace"):
        told["path_base64"] = base64.b64encode(path).decode("ascii")
    return told


def shown(path: bytes) -> str:
    """Return a path in the store as text; bytes of its name that are not UTF-8 as backslash escapes."""
    return path.decode("utf-8", "backslashreplace")


def iso(seconds: float) -> str:
    """Return a moment as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
