"""What `unbroken status` and `unbroken retry` say of a ledger, and that it is so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key, StoredFile
from pipeline.batch.summary import batches_of, listing, standing, summary
from pipeline.cli import app
from pipeline.language import language
from pipeline.model import Message
from pipeline.terminal_batch import DOING, FIRST, KINDS, STANDINGS, STATES, STEPS
from tests.pipeline.ledgers import PROFILE

REFUSED = Message("{path}: a named pipe, not a recording; it was not opened.", {"path": "pipe.mp4"})
BROKEN = Message("{path}: cannot be written ({problem}).", {"path": "failed.mp4", "problem": "disk full"})
NAMES = ("passed.mp4", "odd.mp4", "failed.mp4", "running.mp4", "measured.mp4", "waiting.mp4", "\udcd6.mp4")


def measuring(name: str) -> Key:
    return Key(f"of {name!a}", PROFILE, "1", "", os.fsencode(name))


def judging(name: str) -> Key:
    return Key(f"content of {name!a}", PROFILE, "1", "", os.fsencode(name))


def half_done(ledger: Ledger) -> int:
    """Fill a ledger as a batch leaves it that is killed in the middle; return its number."""
    batch = ledger.start_batch("/store", "shijiazhuang-safety", {}, "1", "scope")
    seen = [StoredFile(os.fsencode(name), 1, 1) for name in NAMES]
    ledger.see_files(batch, "/store", [*seen, StoredFile(b"pipe.mp4", 0, 0, refused=REFUSED)])
    for name in ("failed.mp4", "\udcd6.mp4"):
        ledger.submit(batch, [measuring(name)], "measure")
        ledger.fail(ledger.lease("me", step="measure", scope="scope"), "me", BROKEN, attempts=1)
    for name in ("passed.mp4", "odd.mp4", "measured.mp4"):
        ledger.submit(batch, [measuring(name)], "measure")
        job = ledger.lease("me", step="measure", scope="scope")
        ledger.measured(job, "me", "/store", "sum", "{}", 60.0)
    ledger.submit(batch, [measuring("running.mp4")], "measure")
    assert ledger.lease("me", step="measure", scope="scope")
    ledger.submit(batch, [measuring("waiting.mp4")], "measure")
    for name, verdict in (("passed.mp4", "pass"), ("odd.mp4", "fail")):
        ledger.submit(batch, [judging(name)])
        ledger.commit_result(judging(name), verdict, "{}", 60.0)
    return batch


def unbroken(ledger: Ledger, place: str, *words: str, lang: str = "en"):
    where = ["--ledger", place, "--cache", str(ledger.keys.folder), "--lang", lang]
    return CliRunner().invoke(app, [*words, *where])


def test_what_waits_runs_and_failed_is_counted(ledger):
    found = summary(ledger, half_done(ledger))
    assert (found.files, found.states, found.measuring) == (
        8,
        {"done": 2},
        {"done": 3, "running": 1, "waiting": 1, "quarantined": 2},
    )
    assert (found.running, found.without, found.waiting, found.is_over) == (1, 3, 2, False)  # measured.mp4 waits too
    assert sum((found.running, found.without, found.waiting, found.states["done"])) == found.files
    assert (found.footage_s, found.measured_s) == (120.0, 180.0)


def test_every_clip_is_listed_once(ledger):
    rows = {os.fsdecode(row.path): (row.state, row.step, row.verdict) for row in listing(ledger, half_done(ledger))}
    assert rows == {
        "failed.mp4": ("quarantined", "measure", None),
        "measured.mp4": ("waiting", "judge", None),
        "odd.mp4": ("done", "judge", "fail"),
        "passed.mp4": ("done", "judge", "pass"),
        "pipe.mp4": ("refused", None, None),
        "running.mp4": ("running", "measure", None),
        "waiting.mp4": ("waiting", "measure", None),
        "\udcd6.mp4": ("quarantined", "measure", None),
    }


def test_a_batch_that_is_over_is_not_asked_of_what_another_saw_first(ledger):
    first = ledger.start_batch("/store", "p", {}, "1", "one")
    ledger.end_batch(first)
    other = ledger.start_batch("/store", "q", {}, "1", "other")
    ledger.see_files(other, "/store", [StoredFile(b"new.mp4", 1, 1)])
    assert list(listing(ledger, first)) == [] and summary(ledger, first).waiting == 0
    assert [row.state for row in listing(ledger, other)] == ["waiting"]


def test_more_clips_than_a_page_are_listed_in_order(ledger):
    batch = ledger.start_batch("/store", "p", {}, "1")
    names = [f"{number:05}.mp4".encode() for number in range(2300)]
    ledger.see_files(batch, "/store", [StoredFile(name, 1, 1) for name in names])
    assert [row.path for row in listing(ledger, batch)] == names


def test_the_page_says_what_the_ledger_holds(ledger, place):
    half_done(ledger)
    result = unbroken(ledger, place, "status")
    said = " ".join(result.stdout.split())
    assert result.exit_code == 3
    assert "Batch 1: /store, judged by shijiazhuang-safety" in said and "It is running." in said
    assert "Clips seen 8" in said and "Clips with a result 2 fail 1 pass 1" in said
    assert "Clips without a result 3 Clips being worked on 1 Clips that wait 2" in said
    assert "2 × failed.mp4: cannot be written (disk full). (one of them: failed.mp4)" in said
    chinese = unbroken(ledger, place, "status", lang="zh-CN").stdout
    assert "第 1 批" in chinese and "Clips" not in chinese


def test_clips_that_need_somebody_are_listed_first(ledger, place):
    half_done(ledger)
    lines = unbroken(ledger, place, "status", "--list").stdout.splitlines()
    assert [line.split(" · ")[0] for line in lines] == [
        *("failed.mp4", "pipe.mp4", "\\xd6.mp4", "odd.mp4", "passed.mp4", "running.mp4", "measured.mp4", "waiting.mp4")
    ]
    assert unbroken(ledger, place, "status", "--failures").stdout.splitlines() == lines[:3]


def test_json_is_one_object(ledger, place):
    half_done(ledger)
    document = json.loads(unbroken(ledger, place, "status", "--json").stdout)
    assert document["clips"] == {
        "seen": 8, "done": 2, "running": 1, "waiting": 2, "without_result": 3, "measured": 3
    }  # fmt: skip
    assert document["batch"]["state"] == "running" and "list" not in document
    listed = json.loads(unbroken(ledger, place, "status", "--json", "--list").stdout)["list"]
    assert len(listed) == 8 and listed[-1]["path_base64"] == "1i5tcDQ="
    empty = json.loads(unbroken(ledger, place, "status", "--json", "--failures", "--batch", "1").stdout)["list"]
    assert {row["state"] for row in empty} == {"quarantined", "refused"}


def test_exit_codes(ledger, place):
    assert unbroken(ledger, place, "status").exit_code == 2  # no batch yet
    batch = ledger.start_batch("/store", "p", {}, "1")
    assert unbroken(ledger, place, "status").exit_code == 10  # nothing was found yet
    ledger.see_files(batch, "/store", [StoredFile(b"a.mp4", 1, 1)])
    ledger.submit(batch, [judging("a.mp4")])
    ledger.commit_result(judging("a.mp4"), "fail", "{}")
    ledger.end_batch(batch)
    assert unbroken(ledger, place, "status").exit_code == 0
    assert unbroken(ledger, place, "status", "--batch", "9").exit_code == 2


def test_a_batch_whose_process_is_gone_was_stopped(ledger, place):
    half_done(ledger)
    (batch,) = batches_of(ledger)
    assert standing(ledger, batch) == "running"  # it is this very process
    code = "from pipeline.batch.owner import own_name; print(own_name())"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here, _, process = gone.partition("/")
    name, _, namespace = here.rsplit("-", 2)
    owners = {
        gone: "stopped",
        f"{name}-0badb007-{namespace}/{process}": "stopped",  # this computer was started again since
        f"other-12345678-1/{process}": "unknown",
    }
    for owner, expected in owners.items():
        with ledger.database.engine.begin() as connection:
            connection.execute(text("UPDATE batches SET owner = :owner"), {"owner": owner})
        (batch,) = batches_of(ledger)
        assert standing(ledger, batch) == expected
    assert "cannot be seen whether it still runs" in unbroken(ledger, place, "status").stdout
    with ledger.database.engine.begin() as connection:  # another computer's lease that is kept alive
        connection.execute(text("UPDATE jobs SET worker = :owner WHERE state = 'running'"), {"owner": batch.owner})
    assert standing(ledger, batch) == "running"


def test_a_clip_whose_worker_is_gone_waits(ledger):
    batch = half_done(ledger)
    code = "from pipeline.batch.owner import own_name; print(own_name())"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    with ledger.database.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET worker = :gone WHERE state = 'running'"), {"gone": gone})
    found = summary(ledger, batch)
    assert (found.running, found.waiting) == (0, 3)
    assert "running" not in {row.state for row in listing(ledger, batch)}


def test_retry_lets_all_wait_again(ledger, place):
    batch = half_done(ledger)
    result = unbroken(ledger, place, "retry")
    assert result.exit_code == 0 and "Clips that wait again: 2." in result.stderr
    assert "Files that cannot be examined as they are: 1." in result.stderr
    assert ledger.quarantined(batch) == [] and summary(ledger, batch).measuring["waiting"] == 3
    job = ledger.lease("me", step="measure", scope="scope")
    assert job.attempts == 1


@pytest.mark.parametrize("name", ["\\xd6.mp4", "/store/\\xd6.mp4", "\udcd6.mp4"], ids=["shown", "whole", "raw"])
def test_retry_takes_clips_as_they_are_shown(ledger, place, name):
    batch = half_done(ledger)
    result = unbroken(ledger, place, "retry", name)
    assert "Clips that wait again: 1." in result.stderr and ledger.quarantined(batch) == [b"failed.mp4"]


def test_retry_does_nothing_where_a_name_is_wrong(ledger, place):
    batch = half_done(ledger)
    result = unbroken(ledger, place, "retry", "failed.mp4", "passed.mp4")
    assert result.exit_code == 2 and "passed.mp4: no clip of this name was set aside" in result.stderr
    assert len(ledger.quarantined(batch)) == 2


def test_another_batch_s_clips_are_left_alone(ledger, place):
    first = half_done(ledger)
    ledger.start_batch("/store", "p", {}, "1", "other")
    assert "Clips that wait again: 0." in unbroken(ledger, place, "retry").stderr
    assert "Clips that wait again: 2." in unbroken(ledger, place, "retry", "--batch", str(first)).stderr


def test_a_name_cannot_command_the_terminal(ledger, place):
    batch = ledger.start_batch("/store", "p", {}, "1")
    ledger.see_files(batch, "/store", [StoredFile(b"\x1b[2J\n[red]x.mp4", 1, 1)])
    assert unbroken(ledger, place, "status", "--list").stdout == "\\x1b[2J\\x0a[red]x.mp4 · waits to be measured\n"


def test_a_ledger_that_is_not_there_is_not_made(tmp_path):
    for command in ("status", "retry"):
        words = [command, "--cache", str(tmp_path / "cache"), "--lang", "en"]
        assert CliRunner().invoke(app, words).exit_code == 2
    assert list(Path(tmp_path).iterdir()) == []


def test_every_word_is_translated():
    chinese = language("zh-CN").sentences
    words = [*STANDINGS.values(), *DOING.values(), *KINDS.values(), *STATES.values(), *STEPS.values(), *FIRST[:5]]
    assert [word for word in words if word not in chinese] == []
