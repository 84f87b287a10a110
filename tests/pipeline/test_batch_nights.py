"""Batches that nothing disturbs: what they come to, and what is not done again."""

import json
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from pipeline.batch import keys
from pipeline.batch.cluster import Cluster
from pipeline.batch.driver import Batch
from pipeline.batch.folder import FolderStore
from pipeline.batch.ledger import Ledger
from pipeline.batch.tasks import Work
from pipeline.cli import app
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings
from pipeline.stages import sections
from tests.footage import make_clip
from tests.pipeline.nights import Night, sealed, take


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A store of two recorders, with a case record and a file that is no clip, after its first batch."""
    folder = tmp_path_factory.mktemp("night")
    store = folder / "store"
    take(store / "a", 3)
    take(store / "b", 2, device="K7A0999", audio="aac")
    (store / "a" / "case.toml").write_text('case_number = "2026-12"\ntitle = "x"\n', encoding="utf-8")
    (store / "b" / "notes.mp4").write_text("no clip", encoding="utf-8")
    before = sealed(store)
    made = Night(store, folder / "cache")
    made.code, made.said = made.run()
    yield made
    assert sealed(store) == before


def scanned(store: Path, cache: Path) -> dict[str, dict]:
    """Return what `unbroken scan` says of a store, by path."""
    from typer.testing import CliRunner

    settings = cache / "one-thread.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[media]\ndecoder_threads = 1\n", encoding="utf-8")
    told = CliRunner().invoke(app, ["scan", str(store), "--cache", str(cache), "--settings", str(settings), "--json"])
    return {document["clip"]["path"]: document for document in json.loads(told.stdout)}


def without_times(document: dict) -> dict:
    """Return a document without what differs from run to run: the moment and the parameters that state it."""
    return {name: value for name, value in document.items() if name not in ("made", "examined_at")}


def test_a_batch_comes_to_what_a_scan_comes_to(night, tmp_path):
    night.must_be_sound()
    by_scan = scanned(night.store, tmp_path / "cache")
    by_batch = {document["clip"]["path"]: document for document in night.documents()}
    assert by_batch.keys() == by_scan.keys() and len(by_scan) == 6
    for path, document in by_scan.items():
        assert without_times(by_batch[path]) == without_times(document)
    verdicts = {document["verdict"] for document in by_scan.values()}
    assert night.code == (11 if "fail" in verdicts else 10)
    assert "Clips with a result" in night.said


def test_the_next_run_does_nothing(night):
    with night.ledger() as ledger:
        before = list(ledger.documents())
    entries = {path: path.stat().st_mtime_ns for path in night.folder.rglob("*.parquet")}
    assert night.run()[0] == night.code
    with night.ledger() as ledger:
        assert list(ledger.documents()) == before
    assert {path: path.stat().st_mtime_ns for path in night.folder.rglob("*.parquet")} == entries
    assert all(row.attempts == 1 for row in night.rows().values())


def test_results_are_printed_for_other_programs(night, tmp_path):
    from typer.testing import CliRunner

    where = ["--cache", str(night.folder), "--ledger", night.place, "--lang", "en"]
    told = CliRunner().invoke(app, ["results", *where])
    documents = [json.loads(line) for line in told.stdout.splitlines()]
    by_path = {document["clip"]["path"]: document for document in night.documents()}
    assert {document["clip"]["path"]: document for document in documents} == by_path and len(documents) == 6
    (tmp_path / "night.jsonl").write_text(told.stdout, encoding="utf-8")
    assert CliRunner().invoke(app, ["statistics", str(tmp_path / "night.jsonl"), "--lang", "en"]).exit_code == 0
    one = CliRunner().invoke(app, ["results", "b/notes.mp4", *where])
    assert json.loads(one.stdout)["clip"]["path"].endswith("b/notes.mp4")
    assert CliRunner().invoke(app, ["results", "b/other.mp4", *where]).exit_code == 2


def test_changed_settings_are_judged_from_the_cache(night, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("[detectors.session]\nmax_gap_s = 900.0\n", encoding="utf-8")
    entries = sorted(night.folder.rglob("*.parquet"))
    night.run("--settings", str(settings))
    with night.ledger() as ledger:
        documents = [json.loads(document) for document in ledger.documents()]
    assert len(documents) == 12  # each clip once under either
    assert sorted(night.folder.rglob("*.parquet")) == entries


def test_a_new_clip_has_its_neighbours_judged_again_and_no_other(tmp_path):
    night = Night(tmp_path / "store", tmp_path / "cache")
    clips = take(night.store / "a", 3)
    take(night.store / "b", 2, device="K7A0999")
    third = clips[2].rename(tmp_path / clips[2].name)
    night.run()
    assert len(night.documents()) == 4
    shutil.copy2(third, clips[2])
    night.run()
    again = [Path(document["clip"]["path"]).name for document in night.documents()[4:]]
    assert sorted(again) == [clip.name for clip in clips]
    after = {Path(d["clip"]["path"]).name: {f["kind"] for f in d["findings"]} for d in night.documents()[4:]}
    assert "recording-gap" in after[clips[2].name]


def test_two_batches_at_once_come_to_one_result_for_each_clip(place, tmp_path):
    night = Night(tmp_path / "store", tmp_path / "cache", place, ("--workers", "1"))
    take(night.store, 8)
    batches = [night.start(), night.start()]
    said = [batch.communicate(timeout=300) for batch in batches]
    assert [batch.returncode for batch in batches] == [10, 10], said
    night.must_be_sound()
    assert len(night.documents()) == 8


def test_a_long_clip_is_measured_in_slices_and_comes_to_the_same(tmp_path):
    store = tmp_path / "store"
    take(store, 1, frames=250, audio="aac", gop=25, bframes=2)
    rules = load_profile("shijiazhuang-safety", sections())
    work = Work(FolderStore(store), rules, Settings({"media": {"decoder_threads": 1}}), tmp_path / "sliced")
    version = partial(keys.tool_version, work.used)
    cluster, most = Cluster(2, None, version(), version), 0
    with Ledger(str(tmp_path / "night.ledger")) as ledger:
        batch = Batch(ledger, work, cluster, slice_s=2.0, slice_mb=0.0)
        try:
            for state in batch.run():
                most = max(most, state.running.count("K7A0123_20260304090000_0000.mp4"))
        finally:
            cluster.close()
        sliced = {document["clip"]["path"]: document for document in map(json.loads, ledger.documents())}
    assert most == 2  # both workers were at it
    whole = scanned(store, tmp_path / "whole")
    assert {path: without_times(d) for path, d in sliced.items()} == {p: without_times(d) for p, d in whole.items()}


def test_a_store_that_is_read_only(tmp_path):
    night = Night(tmp_path / "store", tmp_path / "cache", options=("--workers", "1"))
    take(night.store, 1)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    bound = subprocess.run(["mount", "--bind", str(night.store), str(mounted)], capture_output=True, text=True)
    if bound.returncode:
        pytest.skip(f"nothing can be mounted here: {bound.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(mounted)], check=True)
        night.store = mounted
        night.run()
        night.must_be_sound()
        assert len(night.documents()) == 1
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_store_behind_an_address(tmp_path):
    night = Night(tmp_path / "store", tmp_path / "cache", address=f"file://{tmp_path / 'store'}")
    take(night.store / "a", 2)
    (night.store / "a" / "case.toml").write_text('case_number = "2026-12"\n', encoding="utf-8")
    before = sealed(night.store)
    code, said = night.run("--workers", "2")
    assert code in (10, 11), said
    night.must_be_sound()
    assert sealed(night.store) == before and not list((night.folder / "staged").rglob("*.mp4"))
    for document in night.documents():
        assert document["clip"]["path"].startswith(night.address)
        assert len([f for f in document["findings"] if f["kind"] == "recording-gap"]) == 1
    assert night.run("--workers", "2")[0] == code and len(night.documents()) == 2


def test_a_record_that_names_two_clips_is_refused_before_any_is_measured(tmp_path):
    night = Night(tmp_path / "store", tmp_path / "cache", options=("--workers", "1"))
    name = take(night.store / "a", 1)[0].name
    take(night.store / "b", 1)
    (tmp_path / "cases.csv").write_text(f"clip,case_number\n{name},2026-12\n", encoding="utf-8")
    code, said = night.run("--cases", str(tmp_path / "cases.csv"))
    assert code == 2 and "names both" in said and night.documents() == []


def test_a_record_of_a_clip_that_is_not_there_is_told(tmp_path):
    night = Night(tmp_path / "store", tmp_path / "cache", options=("--workers", "1"))
    here = take(night.store, 1)[0].name
    (tmp_path / "cases.csv").write_text(f"clip,case_number\n{here},1\nK7A0999_gone.mp4,2\n", encoding="utf-8")
    code, said = night.run("--cases", str(tmp_path / "cases.csv"))
    assert code in (10, 11) and "K7A0999_gone.mp4" in said and f"(1): {here}" not in said


def test_a_store_that_is_not_there_is_a_wrong_argument(tmp_path):
    code, said = Night(tmp_path / "nothing", tmp_path / "cache").run()
    assert code == 2 and "there is no such folder" in said


def test_an_empty_store_has_nothing_to_do(tmp_path):
    night = Night(tmp_path, tmp_path / "cache", options=("--workers", "1"))
    make_clip(tmp_path / "x.mkv", frames=2, audio=None).rename(tmp_path / "x.txt")
    code, said = night.run()
    assert code == 0 and "0" in said
