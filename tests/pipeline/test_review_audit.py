"""The audit log: events are added within a transaction, found by page, and what is done to them is found."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select, text
from sqlalchemy.event import listen
from typer.testing import CliRunner

from pipeline.batch import connection as connections
from pipeline.batch.chain import EVENTS, Keys, is_signed, read_head, read_public_key
from pipeline.batch.ledger import Ledger
from pipeline.batch.tables import metadata
from pipeline.batch.verify import WORDING, verify_chain
from pipeline.cli import app
from pipeline.language import language
from pipeline.review import audit
from pipeline.review.tables import accounts, event_heads, events
from tests.pipeline.ledgers import filled

COUNT = 10


@pytest.fixture
def log(ledger):
    """A ledger with ten events and a signed head."""
    for number in range(COUNT):
        audit.add(ledger, f"user{number % 2}", "see-clip", f"key{number % 3}", {"path": f"{number}.mp4"})
    audit.sign_head(ledger)
    return ledger


def told(ledger: Ledger) -> list[tuple[str, int, int]]:
    problems = audit.verify(ledger, read_public_key(ledger.keys.public))
    assert all(language("zh-CN").tell(problem.message) != str(problem.message) for problem in problems)
    return [(problem.kind, problem.first, problem.last) for problem in problems]


def run(ledger: Ledger, *statements: str) -> None:
    """Change the database by raw SQL, as somebody who may write it would."""

    def work(connection):
        for statement in statements:
            connection.execute(text(statement))

    ledger.database.write(work)


def rows(ledger: Ledger) -> list:
    return ledger.database.read(lambda connection: connection.execute(select(events).order_by(events.c.seq)).all())


def renumber(where: str, by: int) -> list[str]:
    return [f"UPDATE events SET seq = -(seq + {by}) WHERE {where}", "UPDATE events SET seq = -seq WHERE seq < 0"]


# ---- adding ----------------------------------------------------------------------------------------------------------


def test_an_event_says_who_what_to_what_and_when(ledger):
    before = datetime.now(UTC) - timedelta(seconds=2)
    assert audit.add(ledger, "张三", "decide", "abc", {"finding": "f1", "reason": "看不清"}) == 1
    (event,) = audit.page(ledger).events
    assert (event.seq, event.actor, event.action, event.subject) == (1, "张三", "decide", "abc")
    assert event.details == {"finding": "f1", "reason": "看不清"}
    assert before <= event.at <= datetime.now(UTC) + timedelta(seconds=2)


def test_an_event_is_part_of_the_transaction_that_it_is_added_in(ledger):
    class Undone(Exception):
        pass

    def by_connection(connection):
        audit.add(connection, "a", "decide")
        raise Undone

    def by_ledger():
        audit.add(ledger, "a", "decide")
        raise Undone

    with pytest.raises(Undone):
        ledger.database.write(by_connection)
    with pytest.raises(Undone):
        ledger.database.together(by_ledger)
    assert audit.page(ledger).events == ()
    ledger.database.together(lambda: [audit.add(ledger, "a", "decide"), audit.add(ledger, "b", "decide")])
    assert [event.actor for event in audit.page(ledger).events] == ["b", "a"]


def test_the_head_is_not_signed_within_a_transaction(ledger):
    audit.add(ledger, "a", "decide")
    with pytest.raises(RuntimeError):
        ledger.database.together(lambda: audit.sign_head(ledger))
    assert not ledger.keys.head_of(EVENTS).exists()


def test_many_at_once_make_one_chain(place, tmp_path):
    def work(number):
        with Ledger(place, tmp_path) as ledger:
            for _ in range(5):
                audit.add(ledger, f"user{number}", "see-clip")

    with Ledger(place, tmp_path) as ledger, ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
        audit.sign_head(ledger)
        assert told(ledger) == [] and [row.seq for row in rows(ledger)] == list(range(1, 21))


@pytest.mark.parametrize("action", ["", "See", "see clip", "see_clip", "-see", "see-"])
def test_what_is_no_action_is_refused(ledger, action):
    with pytest.raises(ValueError, match="no action"):
        audit.add(ledger, "a", action)


@pytest.mark.parametrize("details", [{"password": "x"}, {"old_Password": "x"}, {"a": [{"csrf": "x"}]}, {"token": 1}])
def test_secrets_have_no_place(ledger, details):
    with pytest.raises(ValueError, match="no secrets"):
        audit.add(ledger, "a", "decide", "", details)
    assert rows(ledger) == []


def test_the_head_is_signed_by_itself_after_some_events(ledger, monkeypatch):
    monkeypatch.setattr(audit, "SIGN_EVERY", 3)
    for _ in range(7):
        audit.add(ledger, "a", "see-clip")
    head = read_head(ledger.keys.head_of(EVENTS), EVENTS)
    assert head.seq == 6 and is_signed(head, ledger.keys.load().public_key())
    assert told(ledger) == [("unsigned", 7, 7)]


def test_a_head_is_signed_once(log):
    assert audit.sign_head(log) is None
    assert log.database.read(lambda connection: len(connection.execute(select(event_heads)).all())) == 1


TEXTS = st.text(st.characters(), max_size=20)
VALUES = st.recursive(st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS, st.lists, max_leaves=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actor=TEXTS, subject=TEXTS, details=st.dictionaries(st.sampled_from(["path", "reason", "finding"]), VALUES))
def test_whatever_is_told_can_be_kept_and_is_whole(ledger, actor, subject, details):
    audit.add(ledger, actor, "decide", subject, details)
    audit.sign_head(ledger)
    (event,) = audit.page(ledger, limit=1).events
    assert audit.page(ledger, actor=actor, subject=subject, limit=1).events == (event,)
    assert json.loads(json.dumps(event.details)).keys() == details.keys()
    if event.details == details:  # nothing had to be escaped
        assert "\0" not in repr(details)
    assert told(ledger) == []


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_pages_come_newest_first_and_leave_nothing_out(log):
    found, before = [], None
    while True:
        page = audit.page(log, before=before, limit=3)
        found += [event.seq for event in page.events]
        before = page.next
        if before is None:
            break
        audit.add(log, "late", "see-clip")  # what comes later moves no page
    assert found == list(range(COUNT, 0, -1))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"actor": "user1"}, [10, 8, 6, 4, 2]),
        ({"subject": "key0"}, [10, 7, 4, 1]),
        ({"actor": "user1", "subject": "key0"}, [10, 4]),
        ({"action": "see-clip", "limit": 2}, [10, 9]),
        ({"action": "export"}, []),
        ({"before": 4, "actor": "user0"}, [3, 1]),
        ({"before": 99}, []),
    ],
)
def test_pages_are_filtered(log, asked, expected):
    assert [event.seq for event in audit.page(log, **asked).events] == expected


def test_pages_are_filtered_by_time_in_any_zone(log):
    at = {event.seq: event.at for event in audit.page(log).events}
    zone = datetime.now().astimezone().tzinfo
    found = audit.page(log, since=at[3].astimezone(zone), until=at[7])
    assert [event.seq for event in found.events] == [6, 5, 4, 3]


def test_where_the_clock_was_set_back_no_event_is_left_out(ledger, monkeypatch):
    for seconds in (500.0, 100.0, 100.0, 900.0, 100.0):
        monkeypatch.setattr(audit, "clock", lambda _, now=seconds: now)
        ledger.database.write(lambda connection: audit.add(connection, "a", "see-clip"))
    found, before = [], None
    while True:
        page = audit.page(ledger, before=before, limit=1)
        found += [event.seq for event in page.events]
        before = page.next
        if before is None:
            break
    assert found == [4, 1, 5, 3, 2]
    audit.sign_head(ledger)
    assert told(ledger) == []


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject"])
def test_pages_are_found_by_an_index(log, column):
    """Whatever is asked, rows are found in their order: nothing is sorted, and the table is never read through."""
    if not log.database.is_sqlite:
        pytest.skip("PostgreSQL reads a small table through, index or not")
    asked = []
    listen(log.database.engine, "before_cursor_execute", lambda _c, _s, sql, values, *_: asked.append((sql, values)))
    assert audit.page(log, **({} if column == "at" else {column: getattr(rows(log)[2], column)}), before=9).events
    sql, values = asked[-1]
    plan = log.database.read(lambda connection: connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, values).all())
    (step,) = [row.detail for row in plan]
    assert step.startswith("SEARCH") and f"ix_events_{'' if column == 'at' else column + '_'}at_seq" in step


# ---- what is done to it ----------------------------------------------------------------------------------------------


def test_a_log_that_nobody_touched_has_no_problem(log):
    assert told(log) == []
    reach = audit.extent(log, log.keys.load().public_key())
    assert (reach.last, reach.signed.seq) == (COUNT, COUNT)


def test_an_empty_log_has_no_problem(ledger):
    key = Ed25519PrivateKey.generate().public_key()
    assert audit.sign_head(ledger) is None and audit.verify(ledger, key) == [] and audit.verify(ledger, None) == []


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "details"])
def test_an_edited_event_is_named(log, column):
    run(log, f"UPDATE events SET {column} = {column} || ' ' WHERE seq = 4")
    assert told(log) == [("edited", 4, 4)]


def test_an_event_of_another_type_is_an_edit(log):
    if not log.database.is_sqlite:
        pytest.skip("PostgreSQL refuses values of another type")
    run(log, "UPDATE events SET details = x'00', actor = 5 WHERE seq = 4")
    assert told(log) == [("edited", 4, 4)]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (4, 4), (4, 7), (9, 9)])
def test_deleted_events_are_named(log, first, last):
    run(log, f"DELETE FROM events WHERE seq BETWEEN {first} AND {last}")
    assert told(log) == [("deleted", first, last)]


def test_a_deleted_event_is_found_where_the_rest_was_renumbered(log):
    run(log, "DELETE FROM events WHERE seq = 4", *renumber("seq > 4", -1))
    assert told(log) == [("edited", 3, 4), ("dropped", 10, 10)]


@pytest.mark.parametrize("statement", ["DELETE FROM event_heads", "SELECT 1"])
def test_a_tail_that_was_dropped_is_named(log, statement):
    run(log, "DELETE FROM events WHERE seq > 7", statement)
    assert told(log) == [("dropped", 8, 10)]


def test_events_that_changed_places_are_named(log):
    run(log, "UPDATE events SET seq = -1 WHERE seq = 4", "UPDATE events SET seq = 4 WHERE seq = 5",
        "UPDATE events SET seq = 5 WHERE seq = -1")  # fmt: skip
    assert told(log) == [("moved", 4, 4)]


def test_an_inserted_event_is_named(log):
    row = {"at": "2026-01-01T00:00:00.000000+00:00", "actor": "x", "action": "decide", "subject": "", "details": "{}",
           "previous_sha256": "f" * 64}  # fmt: skip
    run(log, *renumber("seq > 4", 1))
    values = {**row, "seq": 5, "sha256": audit.event_sha256(**row)}
    log.database.write(lambda connection: connection.execute(events.insert().values(values)))
    assert ("inserted", 5, 5) in told(log)


def test_a_log_that_was_rewritten_to_its_end_is_named(log):
    previous = rows(log)[5].sha256
    for row in rows(log)[6:]:
        new = {**row._asdict(), "actor": "nobody", "previous_sha256": previous}
        del new["sha256"], new["seq"]
        previous = audit.event_sha256(**new)
        change = events.update().where(events.c.seq == row.seq).values(**new, sha256=previous)
        log.database.write(lambda connection, change=change: connection.execute(change))
    assert told(log) == [("edited", 1, 10)]


def test_a_head_of_the_results_cannot_stand_for_one_of_the_events(log):
    filled(log, COUNT)
    run(log, "DELETE FROM event_heads", "INSERT INTO event_heads SELECT * FROM heads")
    assert told(log) == [("head", 10, 10)]
    log.keys.head_of(EVENTS).write_bytes(log.keys.head.read_bytes())
    assert sorted(told(log)) == [("head", 10, 10), ("head", 10, 10), ("unsigned", 1, 10)]


@pytest.mark.parametrize("content", [None, b"{}"])
def test_a_head_file_that_is_gone_or_damaged_is_told(log, content):
    log.keys.head_of(EVENTS).unlink()
    if content is not None:
        log.keys.head_of(EVENTS).write_bytes(content)
    assert told(log) == [("head", 10, 10)]


def test_another_key_is_told(log, tmp_path):
    other = Keys(tmp_path / "other", "a").load().public_key()
    kinds = [problem.kind for problem in audit.verify(log, other)]
    assert sorted(kinds) == ["head", "head", "unsigned"]
    assert [problem.kind for problem in audit.verify(log, None)] == ["unchecked"]


def test_every_sentence_of_both_chains_is_there_in_chinese():
    chinese = language("zh-CN").sentences
    for words in (WORDING, audit.WORDING):
        assert [field for field in words.__slots__ if getattr(words, field) not in chinese] == []


def test_verify_tells_of_the_audit_log(tmp_path):
    with Ledger(str(tmp_path / "unbroken.ledger")) as ledger:
        for _ in range(3):
            audit.add(ledger, "a", "see-clip")
        audit.sign_head(ledger)
    words = ["verify", "--cache", str(tmp_path)]
    verify = partial(CliRunner().invoke, app)
    said = verify([*words, "--lang", "en"])
    assert said.exit_code == 0 and "Audit log: 3 events; signed up to event 3" in said.stdout
    with Ledger(str(tmp_path / "unbroken.ledger")) as ledger:
        run(ledger, "UPDATE events SET actor = 'b' WHERE seq = 2")
    said = verify([*words, "--lang", "en"])
    assert said.exit_code == 11 and "edited: Event 2 was edited." in said.stdout
    assert "第 2 条审计记录被改动" in verify([*words, "--lang", "zh-CN"]).stdout
    document = json.loads(verify([*words, "--lang", "en", "--json"]).stdout)
    assert document["exit_code"] == 11 and document["audit_log"]["events"] == document["audit_log"]["signed_to"] == 3
    assert [(p["kind"], p["first"]) for p in document["audit_log"]["problems"]] == [("edited", 2)]


# ---- ledgers of before -----------------------------------------------------------------------------------------------


def test_a_ledger_of_the_first_schema_is_brought_up_and_its_results_stay(place, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(connections, "SCHEMA", "0001")  # a program of that version: the same migration, no further
        with Ledger(place, tmp_path) as ledger:
            filled(ledger)
            assert not inspect(ledger.database.engine).has_table("events")
            before = kept(ledger)
    with Ledger(place, tmp_path) as ledger:
        assert kept(ledger) == before
        assert verify_chain(ledger, ledger.keys.load().public_key()) == []
        with ledger.database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
            assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0002"
            assert connection.execute(select(accounts)).all() == []
        assert audit.add(ledger, "a", "decide") == 1


def kept(ledger: Ledger) -> dict[str, list]:
    """Return what the tables of the first schema hold, in the columns that they had."""
    names = ("batches", "files", "jobs", "results", "heads")

    def rows(connection, name):
        columns = [column for column in metadata.tables[name].columns if column.name != "regulation"]
        return connection.execute(select(*columns).order_by(columns[0])).all()

    def work(connection):
        return {name: rows(connection, name) for name in names}

    return ledger.database.read(work)
