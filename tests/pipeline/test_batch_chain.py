"""What is done to the results behind the program's back is found, and the place is named."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text

from pipeline.batch.chain import Keys, read_head, read_public_key, row_sha256
from pipeline.batch.ledger import Ledger
from pipeline.batch.tables import results
from pipeline.batch.verify import verify_chain
from pipeline.errors import SettingsError
from pipeline.language import language
from tests.pipeline.ledgers import filled, key, start
from tests.system import need_program

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(place, tmp_path):
    """A ledger with ten results and a signed head."""
    with Ledger(place, tmp_path) as opened:
        filled(opened)
        yield opened


def told(ledger: Ledger) -> list[tuple[str, int, int]]:
    """Return what verification finds; each sentence must be there in Chinese."""
    problems = verify_chain(ledger, read_public_key(ledger.keys.public))
    assert all(language("zh-CN").tell(problem.message) != str(problem.message) for problem in problems)
    return [(problem.kind, problem.first, problem.last) for problem in problems]


def run(ledger: Ledger, *statements: str) -> None:
    """Change the database by raw SQL, as somebody who may write it would."""

    def work(connection):
        for statement in statements:
            connection.execute(text(statement))

    ledger.database.write(work)


def renumber(where: str, by: int) -> list[str]:
    """Return statements that shift row numbers; in two steps, for they are unique."""
    return [
        f"UPDATE results SET seq = -(seq + {by}) WHERE {where}",
        "UPDATE results SET seq = -seq WHERE seq < 0",
    ]


def rows(ledger: Ledger) -> list:
    return ledger.database.read(lambda connection: connection.execute(select(results).order_by(results.c.seq)).all())


def test_a_ledger_that_nobody_touched_has_no_problem(ledger):
    assert told(ledger) == []
    filled(ledger, 12)
    assert told(ledger) == [] and [row.seq for row in rows(ledger)] == list(range(1, 13))


def test_an_empty_ledger_has_no_problem(place, tmp_path):
    with Ledger(place, tmp_path) as ledger:
        key = Ed25519PrivateKey.generate().public_key()
        assert ledger.sign_head() is None and verify_chain(ledger, key) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE results SET verdict = 'fail' WHERE seq = 4",
        "UPDATE results SET document = document || document WHERE seq = 4",
        "UPDATE results SET encoding = 'zlib' WHERE seq = 4",
        "UPDATE results SET committed_at = '2020-01-01T00:00:00+00:00' WHERE seq = 4",
        "UPDATE jobs SET sha256 = profile_sha256 WHERE key = (SELECT key FROM results WHERE seq = 4)",
        "UPDATE jobs SET verdict = 'fail' WHERE key = (SELECT key FROM results WHERE seq = 4)",
        "UPDATE jobs SET state = 'waiting' WHERE key = (SELECT key FROM results WHERE seq = 4)",
    ],
)
def test_an_edited_row_is_named(ledger, change):
    run(ledger, change)
    assert told(ledger) == [("edited", 4, 4)]


def test_values_of_another_type_are_an_edit(ledger):
    if not ledger.database.is_sqlite:
        pytest.skip("PostgreSQL refuses values of another type")
    run(ledger, "UPDATE results SET verdict = x'00', document = 'text' WHERE seq = 4")
    assert told(ledger) == [("edited", 4, 4)]


def test_a_large_document_that_was_damaged_is_named(ledger):
    assert rows(ledger)[9].encoding == "zlib"
    run(ledger, "UPDATE results SET document = (SELECT document FROM results WHERE seq = 1) WHERE seq = 10")
    assert told(ledger) == [("edited", 10, 10)]


def rewrite(ledger: Ledger, seq: int, verdict: str, previous: str) -> str:
    """Give a row another verdict and the hash that belongs to it; return that hash."""
    row = rows(ledger)[seq - 1]
    sha256 = row_sha256(
        key=row.key,
        verdict=verdict,
        document=b"{}",
        committed_at=row.committed_at,
        previous_sha256=previous,
    )

    def work(connection):
        new = {"verdict": verdict, "document": b"{}", "encoding": "json", "sha256": sha256, "previous_sha256": previous}
        connection.execute(results.update().where(results.c.seq == seq).values(new))
        connection.execute(
            text("UPDATE jobs SET verdict = :verdict WHERE key = :key"), {"verdict": verdict, "key": row.key}
        )

    ledger.database.write(work)
    return sha256


def test_a_row_that_was_edited_with_its_hash_is_named(ledger):
    rewrite(ledger, 4, "fail", rows(ledger)[2].sha256)
    assert told(ledger) == [("edited", 4, 5)]


def test_a_chain_that_was_rewritten_to_its_end_lies_between_two_heads(ledger):
    filled(ledger, 16)  # results 11 to 16 have a head of their own
    previous = rows(ledger)[11].sha256
    for seq in range(13, 17):
        previous = rewrite(ledger, seq, "fail", previous)
    assert told(ledger) == [("edited", 11, 16)]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 3), (4, 4), (4, 7), (9, 9)])
def test_deleted_rows_are_named(ledger, first, last):
    run(ledger, f"DELETE FROM results WHERE seq BETWEEN {first} AND {last}")
    assert told(ledger) == [("deleted", first, last)]


def test_deleted_rows_are_found_where_the_rest_was_renumbered(ledger):
    run(ledger, "DELETE FROM results WHERE seq = 4", *renumber("seq > 4", -1))
    assert told(ledger) == [("edited", 3, 4), ("dropped", 10, 10)]


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_tail_that_was_dropped_is_named(ledger, count):
    run(ledger, f"DELETE FROM results WHERE seq > {10 - count}")
    assert told(ledger) == [("dropped", 11 - count, 10)]


def test_a_tail_that_was_dropped_with_its_heads_is_told_by_the_file(ledger):
    run(ledger, "DELETE FROM results WHERE seq > 7", "DELETE FROM heads")
    assert told(ledger) == [("dropped", 8, 10)]


def test_rows_that_changed_places_are_named(ledger):
    run(ledger, "UPDATE results SET seq = -1 WHERE seq = 4", "UPDATE results SET seq = 4 WHERE seq = 5",
        "UPDATE results SET seq = 5 WHERE seq = -1")  # fmt: skip
    assert told(ledger) == [("moved", 4, 4)]


def test_a_row_that_was_moved_far_is_named_at_both_places(ledger):
    aside, back = renumber("seq BETWEEN 4 AND 8", -1)
    run(
        ledger,
        "UPDATE results SET seq = 1000 WHERE seq = 3",
        aside,
        back,
        "UPDATE results SET seq = 8 WHERE seq = 1000",
    )
    assert told(ledger) == [("moved", 3, 3), ("moved", 8, 8)]


def test_a_number_that_was_changed_is_named(ledger):
    run(ledger, *renumber("seq = 10", 5))
    assert ("moved", 15, 15) in told(ledger)


@pytest.mark.parametrize("after", [0, 4, 9])
def test_an_inserted_row_is_named(ledger, after):
    ledger.submit(start(ledger), [key(99)])
    follows = rows(ledger)[after - 1].sha256 if after else "0" * 64
    digest = key(99).digest
    row = {"key": digest, "verdict": "pass", "committed_at": "2026-01-01T00:00:00+00:00", "previous_sha256": "f" * 64}
    assert follows != row["previous_sha256"]  # two rows that follow one are not even possible
    run(ledger, *renumber(f"seq > {after}", 1),
        f"UPDATE jobs SET state = 'done', verdict = 'pass' WHERE key = '{digest}'")  # fmt: skip
    sha256 = row_sha256(document=b"{}", **row)
    values = {**row, "seq": after + 1, "document": b"{}", "encoding": "json", "sha256": sha256}
    ledger.database.write(lambda connection: connection.execute(results.insert().values(values)))
    assert ("inserted", after + 1, after + 1) in told(ledger)
    assert {kind for kind, _, _ in told(ledger)} <= {"inserted", "unsigned", "edited"}


def test_rows_after_the_last_head_are_told(ledger):
    ledger.submit(start(ledger), [key(99)])
    ledger.commit_result(key(99), "pass", "{}")
    assert told(ledger) == [("unsigned", 11, 11)]
    ledger.sign_head()
    assert told(ledger) == []


def test_a_head_that_another_key_signed_is_told(ledger, tmp_path):
    other = Keys(tmp_path / "other", "a").load().public_key()
    found = [(problem.kind, problem.first, problem.last) for problem in verify_chain(ledger, other)]
    assert found == [("unsigned", 1, 10), ("head", 10, 10), ("head", 10, 10)]


def test_a_head_that_was_edited_is_told(ledger):
    run(ledger, "UPDATE heads SET signed_at = '2020-01-01T00:00:00+00:00'")
    assert told(ledger) == [("head", 10, 10)]


def test_a_head_file_that_is_older_than_the_ledger_is_told(ledger):
    old = ledger.keys.head.read_bytes()
    filled(ledger, 12)
    ledger.keys.head.write_bytes(old)
    assert told(ledger) == [("head", 10, 12)]


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff"])
def test_a_head_file_that_is_gone_or_damaged_is_told(ledger, content):
    ledger.keys.head.unlink()
    if content is not None:
        ledger.keys.head.write_bytes(content)
    assert told(ledger) == [("head", 10, 10)]


def test_the_head_file_never_goes_back(ledger):
    public = ledger.keys.load().public_key()
    now = read_head(ledger.keys.head)
    ledger.keys.write_head(type(now)(3, "0" * 64, "", "", ""), public)
    assert read_head(ledger.keys.head) == now
    assert json.loads(ledger.keys.head.read_text())["public_key"] == public.public_bytes_raw().hex()


def test_the_private_key_is_for_its_owner_alone(ledger):
    assert ledger.keys.private.stat().st_mode & 0o777 == 0o600
    ledger.keys.private.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read"):
        ledger.sign_head()


def test_what_is_no_key_is_told(tmp_path):
    (tmp_path / "a.key.pem").write_text("no key")
    (tmp_path / "a.key.pem").chmod(0o600)
    with pytest.raises(SettingsError, match="not an Ed25519 key"):
        Keys(tmp_path, "a").load()
    with pytest.raises(SettingsError, match="not an Ed25519 key"):
        read_public_key(tmp_path / "a.key.pem")


def test_a_ledger_can_be_verified_by_hand(tmp_path):
    """The commands of `docs/ledger.md` are run as they stand there."""
    with Ledger(str(tmp_path / "night.ledger")) as ledger:
        filled(ledger)
        head = read_head(ledger.keys.head)
    blocks = re.findall(r"```(sh|python)\n(.*?)```", (ROOT / "docs" / "ledger.md").read_text("utf-8"), re.S)
    programs = {"sh": ["sh", "-e"], "python": [sys.executable]}
    for program in ("sqlite3", "openssl", "python3"):
        need_program(program)
    said = [
        subprocess.run(programs[kind], input=block, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        for kind, block in blocks
    ]
    assert "done|pass|10" in said[0] and "Verified Successfully" in said[1] and said[2].strip() == head.sha256
