"""The ledger of the batch: jobs that are leased, exactly one result for each, and what it all comes to."""

import json
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import pipeline.review.tables  # noqa: F401
from pipeline.batch.ledger import ATTEMPTS, DIED, Ledger
from pipeline.batch.nouns import Key, StoredFile
from pipeline.batch.summary import summary
from pipeline.batch.tables import metadata
from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.model import Message
from tests.pipeline.ledgers import key, start

BROKEN = Message("{path}: cannot be written ({problem}).", {"path": "a.mp4", "problem": "disk full"})


def run(ledger: Ledger, statement: str, **values: object) -> None:
    """Change the database behind the ledger's back."""
    ledger.database.write(lambda connection: connection.execute(text(statement), values))


def test_migrations_make_the_tables_that_the_code_uses(ledger):
    with ledger.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_ledger_that_is_there_is_opened_again(place, tmp_path):
    for expected in (1, 0):
        with Ledger(place, tmp_path) as ledger:
            assert ledger.submit(start(ledger), [key(1)]) == expected


def test_a_ledger_of_a_newer_program_is_refused_and_left_alone(place, tmp_path):
    with Ledger(place, tmp_path) as ledger:
        run(ledger, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match=r"newer version of this program \(schema 9999") as caught:
        Ledger(place, tmp_path)
    assert "升级程序" in language("zh-CN").tell(caught.value.args[0])


def test_sqlite_writes_ahead_and_through_to_the_disk(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger, ledger.database.engine.connect() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in
                   ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")}  # fmt: skip
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 60_000, "foreign_keys": 1}


@pytest.mark.parametrize("place", ["mysql://a/b", "sqlite://", "nonsense://"])
def test_what_is_no_address_of_a_ledger_is_told(place):
    with pytest.raises(SettingsError, match="not an address of a ledger"):
        Ledger(place)


def test_a_file_that_is_no_ledger_is_told(tmp_path):
    (tmp_path / "a.txt").write_text("no ledger at all, " * 100)
    with pytest.raises(SettingsError, match="cannot be opened: file is not a database"):
        Ledger(str(tmp_path / "a.txt"))


def test_a_server_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(SettingsError, match="cannot be opened"):
        Ledger(f"postgresql://nobody@/nowhere?host={tmp_path}", tmp_path)


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_transaction_that_the_server_ended_is_done_again(ledger):
    batch = start(ledger)
    ends = iter(["SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"])

    def work(connection):
        connection.execute(text("UPDATE batches SET host = host || '+'"))
        connection.execute(text(next(ends)))
        return connection.scalar(text("SELECT host FROM batches WHERE id = :batch"), {"batch": batch})

    assert ledger.database.write(work).endswith("+") and not ledger.database.read(
        lambda connection: connection.scalar(text("SELECT host FROM batches"))
    ).endswith("++")


def test_the_key_names_all_that_a_result_depends_on():
    changed = [key(1), key(2), key(1, profile_sha256="q"), key(1, tool_version="2"), key(1, context_sha256="c")]
    assert len({one.digest for one in changed}) == 5
    assert Key("ab", "c", "d").digest != Key("a", "bc", "d").digest


def test_only_what_is_missing_is_asked_for_again(ledger):
    first, keys = start(ledger), [key(number) for number in range(1200)]
    assert ledger.submit(first, [*keys, *keys]) == 1200
    ledger.commit_result(keys[0], "pass", "{}")
    second = start(ledger)
    assert ledger.submit(second, [*keys, key(0, profile_sha256="other")]) == 1
    for batch in (first, second):  # they are of one scope, and share the jobs
        assert summary(ledger, batch).states == {"waiting": 1200, "done": 1}
    assert summary(ledger, ledger.start_batch("/store", "other", {}, "1", "other scope")).states == {}


def test_a_file_keeps_its_hash_until_it_changes(ledger):
    batch = start(ledger)
    name, same = b"\xd6\xd0.mp4", {"bytes": 5, "mtime_ns": 2**62, "inode": f"1:{2**64 - 1}"}
    ledger.see_files(batch, "/s", [StoredFile(name, **same, sha256="aa"), StoredFile(b"gone.mp4", 1, 1)])
    later = start(ledger)
    ledger.see_files(later, "/s", [StoredFile(name, **same)])
    assert ledger.files("/s", seen_by=later) == [StoredFile(name, **same, sha256="aa")]
    assert [file.path for file in ledger.files("/s", missing_from=later)] == [b"gone.mp4"]
    ledger.see_files(later, "/s", [StoredFile(name, 5, 2**62 + 1, same["inode"])])
    assert ledger.files("/s", seen_by=later)[0].sha256 is None


def test_a_job_has_one_worker_until_its_lease_is_over(ledger):
    ledger.submit(start(ledger), [key(1)])
    job = ledger.lease("a")
    assert job.key == key(1) and ledger.lease("b") is None
    assert ledger.heartbeat(job, "a") and not ledger.heartbeat(job, "b")
    assert ledger.heartbeat(job, "a", seconds=0.0)
    again = ledger.lease("b")
    assert (again.key, again.attempts) == (key(1), 2)
    assert not ledger.heartbeat(job, "a") and ledger.fail(job, "a", BROKEN) is None


def test_a_failed_job_waits_and_is_quarantined_in_the_end(ledger):
    batch = start(ledger)
    ledger.submit(batch, [key(1)])
    assert ledger.fail(ledger.lease("a"), "a", BROKEN) == "waiting"
    assert ledger.lease("a") is None  # it backs off
    run(ledger, "UPDATE jobs SET due_at = 0")
    assert ledger.fail(ledger.lease("a"), "a", BROKEN, back_off_s=0.0) == "waiting"
    assert ledger.fail(ledger.lease("a"), "a", BROKEN) == "quarantined"
    assert ledger.lease("a") is None
    (failure,) = summary(ledger, batch).failures
    assert (failure.reason, failure.count, failure.path) == (BROKEN, 1, key(1).path)
    assert ledger.submit(start(ledger), [key(1)]) == 0 and ledger.lease("a") is None
    assert ledger.release() == 1 and ledger.lease("a").attempts == 1


def test_a_job_that_kills_its_workers_is_quarantined(ledger):
    ledger.submit(start(ledger), [key(1)])
    assert [ledger.lease("a", seconds=0.0).attempts for _ in range(ATTEMPTS)] == [1, 2, 3]
    assert ledger.lease("a") is None
    (failure,) = summary(ledger).failures
    assert failure.reason == Message(DIED.template, {"attempts": 3})


@pytest.mark.parametrize("hours", [-10, 10])
def test_a_clock_that_was_set_loses_nothing(ledger, hours):
    ledger.submit(start(ledger), [key(1), key(2)])
    held, failed = ledger.lease("a", seconds=3600.0), ledger.lease("a")
    ledger.fail(failed, "a", BROKEN, back_off_s=3600.0)
    # The clock is set back: what stands in the table is of a later time; and the other way round.
    run(ledger, "UPDATE jobs SET updated_at = updated_at - :s, due_at = due_at - :s", s=hours * 3600.0)
    if hours > 0:  # set ahead: every lease and back-off is over early
        assert {ledger.lease("b").key, ledger.lease("b").key} == {key(1), key(2)}
        return
    assert ledger.lease("b") is None and ledger.heartbeat(held, "a", seconds=3600.0)
    run(ledger, "UPDATE jobs SET updated_at = updated_at - 3601, due_at = due_at - 3601")
    assert {ledger.lease("b").key, ledger.lease("b").key} == {key(1), key(2)}


def test_the_first_result_stands(ledger):
    ledger.submit(start(ledger), [key(1)])
    job = ledger.lease("a")
    assert ledger.commit_result(key(1), "fail", '{"first":1}', 60.0)  # by whoever; it need not have the lease
    assert not ledger.commit_result(job.key, "pass", '{"second":1}', 30.0)
    assert json.loads(ledger.result(key(1))) == {"first": 1} and ledger.result(key(2)) is None
    assert not ledger.heartbeat(job, "a") and ledger.fail(job, "a", BROKEN) is None and ledger.lease("b") is None
    whole = summary(ledger)
    assert (whole.states, whole.verdicts, whole.footage_s) == ({"done": 1}, {"fail": 1}, 60.0)
    assert whole.footage_hours == 1 / 60


def test_a_result_that_nobody_asked_for_is_an_error_and_leaves_nothing(ledger):
    with pytest.raises(ValueError, match="no job"):
        ledger.commit_result(key(1), "pass", "{}")
    assert list(ledger.documents()) == []


def test_large_documents_come_back_as_they_were(ledger):
    texts = ["{}", '{"名":"' + "石家庄" * 5000 + '"}']
    ledger.submit(start(ledger), [key(1), key(2)])
    assert all(ledger.commit_result(key(number), "pass", text) for number, text in enumerate(texts, 1))
    assert list(ledger.documents()) == texts


def test_failures_of_one_reason_are_told_together(ledger):
    ledger.submit(start(ledger), [key(number) for number in range(3)])
    for name in "abc":
        reason = Message("{path}: there is no such file or folder.", {"path": name})
        ledger.fail(ledger.lease("a"), "a", reason, attempts=1)
    (failure,) = summary(ledger).failures
    assert failure.count == 3 and failure.reason.values["path"] in "abc"


def test_a_ledger_can_be_read_with_nothing_but_sqlite(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        ledger.submit(start(ledger), [key(1)])
    assert sqlite3.connect(tmp_path / "a.ledger").execute("SELECT state FROM jobs").fetchall() == [("waiting",)]
