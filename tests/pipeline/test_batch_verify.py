"""What is done to the ledger or to the evidence behind the program's back is found, and row and file are named."""

import base64
import hashlib
import json
import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from pipeline.batch.chain import Keys, public_pem
from pipeline.batch.evidence import verify_evidence
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key
from pipeline.batch.tasks import store_at
from pipeline.batch.verify import verify_chain
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.model import Message
from tests.footage import make_clip
from tests.pipeline.ledgers import PROFILE

NAMES = (b"a.mp4", b"b/b.mp4", b"b/c.mp4", b"\xd6\xd0.mp4")
CONTENTS = (b"one", b"two" * 3_000_000, b"three", b"four")


def content_sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def examined(ledger: Ledger, store: Path, names=NAMES, context: str = "") -> None:
    """Run a batch that gives every file a result, as the program writes it."""
    batch = ledger.start_batch(str(store), "shijiazhuang-safety", {}, "1")
    for name in names:
        path = store / os.fsdecode(name)
        sha256 = content_sha256(path.read_bytes())
        key = Key(sha256, PROFILE, "1", context + repr(name), name)
        ledger.submit(batch, [key])
        clip = {"path": os.fsencode(path).decode("utf-8", "backslashreplace"), "sha256": sha256,
                "bytes": path.stat().st_size}  # fmt: skip
        if name == NAMES[3]:
            clip["path_base64"] = base64.b64encode(os.fsencode(path)).decode()
        ledger.commit_result(key, "pass", json.dumps({"clip": clip}), 60.0)
    ledger.end_batch(batch)


@pytest.fixture
def store(tmp_path) -> Path:
    for name, content in zip(NAMES, CONTENTS, strict=True):
        path = tmp_path / "store" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "store"


@pytest.fixture
def ledger(place, tmp_path, store):
    with Ledger(place, tmp_path) as opened:
        examined(opened, store)
        yield opened


def told(ledger: Ledger) -> dict[str, list]:
    """Return what verification tells: rows of the chain, and files by state; each sentence must be there in Chinese."""
    problems = verify_chain(ledger, ledger.keys.load().public_key())
    found = verify_evidence(ledger, problems)
    chinese = language("zh-CN")
    assert all(chinese.tell(one.message) != str(one.message) for one in [*problems, *found.told])
    states: dict[str, list] = {}
    for one in found.told:
        states.setdefault(one.state, []).append((one.path, one.row))
    assert sum(found.counts.values()) >= len(found.told)
    return {**({"chain": [(p.kind, p.first, p.last) for p in problems]} if problems else {}), **states}


def change(path: Path, content: bytes) -> None:
    """Write a file as somebody would who does not want it to be seen: size and times are what they were."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns and path.stat().st_size == before.st_size


def run(ledger: Ledger, *statements: str) -> None:
    def work(connection):
        for statement in statements:
            connection.execute(text(statement))

    ledger.database.write(work)


def test_what_nobody_touched_is_unchanged(ledger, store):
    seen = []
    found = verify_evidence(ledger, progress=lambda done, total: seen.append((done, total)))
    assert (found.told, found.counts) == ((), {"unchanged": 4})
    whole = sum(map(len, CONTENTS))
    assert found.bytes == whole and seen[-1] == (whole, whole)
    assert found.stores == {str(store): str(store)}


def test_a_byte_and_a_row_are_both_named(ledger, store):
    change(store / "b/b.mp4", CONTENTS[1][:-1] + b"!")
    run(ledger, "UPDATE results SET verdict = 'fail' WHERE seq = 3")
    assert told(ledger) == {
        "chain": [("edited", 3, 3)],
        "changed": [(b"b/b.mp4", 2)],
        "unchecked": [(b"b/c.mp4", 3)],  # its result proves nothing now
    }


def test_both_sums_are_told(ledger, store):
    change(store / "a.mp4", b"One")
    (one,) = verify_evidence(ledger).told
    assert (one.sha256_then, one.sha256_now) == (content_sha256(b"one"), content_sha256(b"One"))
    assert (
        one.sha256_then in str(one.message) and one.sha256_now in str(one.message) and "Result 1 " in str(one.message)
    )


def test_a_result_that_was_rewritten_to_fit_the_file_vouches_for_nothing(ledger, store):
    change(store / "a.mp4", b"One")
    document = json.dumps({"clip": {"path": str(store / "a.mp4"), "sha256": content_sha256(b"One"), "bytes": 3}})
    run(ledger, "UPDATE results SET document = " + (
        f"CAST('{document}' AS BLOB)" if ledger.database.is_sqlite else f"convert_to('{document}', 'UTF8')"
    ).replace(":", "\\:") + " WHERE seq = 1")  # fmt: skip
    assert told(ledger) == {"chain": [("edited", 1, 1)], "unchecked": [(b"a.mp4", 1)]}


def test_missing_moved_and_new_files_are_told_apart(ledger, store):
    (store / "a.mp4").unlink()
    (store / "b/c.mp4").rename(store / "elsewhere.mp4")
    (store / "fresh.mp4").write_bytes(b"fresh")
    found = verify_evidence(ledger)
    assert [(one.state, one.path, one.other) for one in found.told] == [
        ("missing", b"a.mp4", None),
        ("moved", b"b/c.mp4", b"elsewhere.mp4"),
        ("new", b"fresh.mp4", None),
    ]
    assert found.counts["unchanged"] == 2


def test_a_clip_that_was_set_aside_is_told_with_the_reason(ledger, store):
    (store / "fresh.mp4").write_bytes(b"fresh")
    batch = ledger.start_batch(str(store), "shijiazhuang-safety", {}, "1")
    ledger.submit(batch, [Key("ab" * 32, PROFILE, "1", "", b"fresh.mp4")], "measure")
    job = ledger.lease("one", step="measure")
    assert ledger.fail(job, "one", Message("It is over."), attempts=1) == "quarantined"
    assert [(one.state, str(one.message)) for one in verify_evidence(ledger).told] == [("new", "It is over.")]


def test_two_files_that_changed_places_are_told_with_each_other(ledger, store):
    change(store / "a.mp4", b"new")
    (store / "b/c.mp4").write_bytes(b"four")
    (store / os.fsdecode(NAMES[3])).write_bytes(b"three")
    found = {one.path: one.other for one in verify_evidence(ledger).told}
    assert found == {b"a.mp4": None, b"b/c.mp4": NAMES[3], NAMES[3]: b"b/c.mp4"}


def test_a_link_that_leads_out_is_not_followed(ledger, store, tmp_path):
    (store / "a.mp4").rename(tmp_path / "a.mp4")
    (store / "a.mp4").symlink_to(tmp_path / "a.mp4")
    assert told(ledger) == {"unchecked": [(b"a.mp4", 1)]}


def test_a_file_that_cannot_be_read_is_told(ledger, store):
    (store / "a.mp4").unlink()
    os.mkfifo(store / "a.mp4")  # reading it would never end
    assert told(ledger) == {"unchecked": [(b"a.mp4", 1)]}


def test_the_latest_batch_counts_and_an_exchange_before_it_is_noted(ledger, store):
    (store / "a.mp4").write_bytes(b"exchanged")
    examined(ledger, store)
    assert told(ledger) == {"replaced": [(b"a.mp4", 1)]}
    (store / "a.mp4").write_bytes(b"one")
    assert told(ledger) == {"changed": [(b"a.mp4", 5)]}
    examined(ledger, store)  # no result is added: the first one is asked for again
    assert told(ledger) == {"replaced": [(b"a.mp4", 5)]}


def test_results_under_several_keys_count_once(ledger, store):
    examined(ledger, store, context="another case record")
    assert verify_evidence(ledger).counts == {"unchanged": 4}


def test_a_removed_result_is_told_with_its_clip_even_where_the_chain_was_cut(ledger):
    head = ledger.keys.head
    run(ledger, "DELETE FROM results WHERE seq = 4", "DELETE FROM heads")
    head.unlink()
    assert told(ledger) == {"chain": [("unsigned", 1, 3)], "removed": [(NAMES[3], None)]}


def test_rows_that_changed_places_are_named(ledger):
    run(ledger, "UPDATE results SET seq = -1 WHERE seq = 2", "UPDATE results SET seq = 2 WHERE seq = 3",
        "UPDATE results SET seq = 3 WHERE seq = -1")  # fmt: skip
    assert told(ledger) == {"chain": [("moved", 2, 2)], "unchecked": [(b"b/c.mp4", 2)]}


def test_a_store_that_lies_elsewhere_is_looked_at_there(ledger, store, tmp_path):
    there = tmp_path / "there"
    store.rename(there)
    found = verify_evidence(ledger)
    assert found.counts == {"unchecked": 4} and str(store) in str(found.told[0].message)
    assert verify_evidence(ledger, store=str(there)).counts == {"unchanged": 4}
    with pytest.raises(SettingsError, match="no such folder"):
        verify_evidence(ledger, store=str(tmp_path / "nowhere"))


def test_a_store_that_a_later_batch_found_elsewhere_is_the_later_one(ledger, store, tmp_path):
    there = tmp_path / "there"
    store.rename(there)
    examined(ledger, there)  # the same keys: no result is added
    found = verify_evidence(ledger)
    assert found.counts == {"unchanged": 4} and found.stores == {str(there): str(there)}


def test_a_store_behind_an_address_is_copied_and_looked_at(ledger, store, tmp_path):
    change(store / "a.mp4", b"One")
    (store / "b/c.mp4").rename(store / "elsewhere.mp4")
    (store / os.fsdecode(NAMES[3])).unlink()
    stage = partial(store_at, cache=tmp_path / "cache")
    found = verify_evidence(ledger, store=f"file://{store}", stores=stage)
    assert [(one.state, one.path, one.other) for one in found.told] == [
        ("changed", b"a.mp4", None),
        ("moved", b"b/c.mp4", b"elsewhere.mp4"),
        ("missing", NAMES[3], None),
    ]
    assert found.counts["unchanged"] == 1 and next(iter(found.stores.values())).startswith("file:")
    with pytest.raises(SettingsError):
        verify_evidence(ledger, store=f"file://{tmp_path}/nowhere", stores=stage)


@pytest.mark.parametrize("document", ["no JSON", "{}", '{"clip":{"path":1,"sha256":null,"bytes":"x"}}', "[" * 100_000])
def test_a_document_that_says_nothing_is_told(ledger, document):
    batch = ledger.start_batch("/s", "p", {}, "1")
    key = Key("f" * 64, PROFILE, "1", "odd", b"odd.mp4")
    ledger.submit(batch, [key])
    ledger.commit_result(key, "pass", document)
    ledger.sign_head()
    assert told(ledger) == {"unchecked": [(b"", 5)]}


@pytest.mark.parametrize(
    ("column", "value"), [("seq", "'x'"), ("sha256", "x'00'"), ("signature", "5.5"), ("seq", "1e300")]
)
def test_a_head_that_is_none_is_told(ledger, column, value):
    if not ledger.database.is_sqlite:
        pytest.skip("PostgreSQL refuses values of another type")
    run(ledger, f"UPDATE heads SET {column} = {value}")
    kinds = {kind for kind, _, _ in told(ledger)["chain"]}
    assert kinds == {"head"}


@pytest.mark.parametrize("content", ['{"seq":Infinity}', "[" * 100_000])
def test_a_head_file_that_is_none_is_told(ledger, content):
    ledger.keys.head.write_text(content)
    assert told(ledger)["chain"] == [("head", 4, 4)]


def test_a_job_of_another_type_is_an_edit(ledger):
    if not ledger.database.is_sqlite:
        pytest.skip("PostgreSQL refuses values of another type")
    run(ledger, "UPDATE jobs SET sha256 = x'00' WHERE path = CAST('a.mp4' AS BLOB)")
    assert told(ledger)["chain"] == [("edited", 1, 1)]


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A real batch over two clips: its folders `store` and `cache`."""
    folder = tmp_path_factory.mktemp("night")
    (folder / "store" / "b").mkdir(parents=True)
    make_clip(folder / "store" / "a.mp4", frames=20, size=(160, 120))
    make_clip(folder / "store" / "b" / "b.mp4", frames=20, size=(160, 120), seed=1)
    words = ["batch", folder / "store", "--cache", folder / "cache", "--workers", "1", "--lang", "en"]
    ended = CliRunner().invoke(app, [str(word) for word in words])
    assert ended.exit_code == 10, ended.output
    return folder


@pytest.fixture
def copy(night, tmp_path):
    shutil.copytree(night, tmp_path / "night")
    return tmp_path / "night"


def verify(folder: Path, *words: object, lang: str = "en"):
    words = ("verify", folder / "store", "--cache", folder / "cache", *words, "--lang", lang)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_night_is_as_it_was(night):
    result = verify(night)
    assert result.exit_code == 0 and "All is as it was." in result.stdout
    assert "2 files are unchanged" in result.stdout and "could have exchanged it" in result.stdout


def test_the_command_names_row_and_file(copy):
    clip = copy / "store" / "b" / "b.mp4"
    change(clip, clip.read_bytes()[:-1] + b"!")
    with Ledger(str(copy / "cache" / "unbroken.ledger")) as ledger:
        run(ledger, "UPDATE results SET committed_at = '2020-01-01' WHERE seq = 1")
    result = verify(copy)
    assert result.exit_code == 11 and "Something was changed." in result.stdout
    assert "edited: Result 1 or its job was edited. (a.mp4)" in result.stdout
    assert "Changed: b/b.mp4: the content was changed. Result 2 of " in result.stdout
    chinese = verify(copy, lang="zh-CN").stdout
    assert "b/b.mp4" in chinese and "Result" not in chinese and "was" not in chinese.replace(str(copy), "")
    document = json.loads(verify(copy, "--json").stdout)
    assert document["exit_code"] == 11 and document["evidence"]["counts"]["changed"] == 1
    assert [(p["kind"], p["first"], p["path"]) for p in document["chain"]["problems"]] == [("edited", 1, "a.mp4")]


def test_a_key_from_another_place_is_the_one_that_counts(copy, tmp_path):
    kept = tmp_path / "kept.pem"
    kept.write_bytes((copy / "cache" / "unbroken.ledger.public.pem").read_bytes())
    result = verify(copy, "--public-key", kept)
    assert result.exit_code == 0 and str(kept) in result.stdout and "exchanged" not in result.stdout
    kept.write_bytes(public_pem(Keys(tmp_path, "other").load().public_key()))
    result = verify(copy, "--public-key", kept)
    assert result.exit_code == 11 and "is not signed by this key" in result.stdout
    kept.write_text("no key")
    assert verify(copy, "--public-key", kept).exit_code == 2


def test_what_is_not_signed_yet_could_not_be_checked(copy):
    with Ledger(str(copy / "cache" / "unbroken.ledger")) as ledger:
        run(ledger, "DELETE FROM heads")
        ledger.keys.head.unlink()
    result = verify(copy)
    assert result.exit_code == 10 and "unsigned: Results 1 to 2 were added" in result.stdout
    (copy / "cache" / "unbroken.ledger.public.pem").unlink()
    result = verify(copy)
    assert result.exit_code == 10 and "There is no public key" in result.stdout


def test_a_ledger_that_is_not_there_is_not_made(tmp_path):
    assert verify(tmp_path, "--ledger", tmp_path / "none.ledger").exit_code == 2
    assert not (tmp_path / "none.ledger").exists()
