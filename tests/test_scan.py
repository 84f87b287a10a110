"""The whole command on clips made here: forms of footage, the cache, the streams of output, several clips at once."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline import measuring, run
from pipeline.cli import app
from pipeline.features.cache import Cache
from pipeline.features.schema import TABLES
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings
from tests.footage import make_clip

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads((ROOT / "docs" / "contract.schema.json").read_text(encoding="utf-8"))
PROFILE = load_profile("shijiazhuang-safety")
UNEVEN = [n / 25 + 0.011 * (n % 3) for n in range(75)]

BESIDE = {"calendar", "case", "file", "findings", "joins", "recording", "registry", "siblings", "transcript"}
"""Tables that are not measured of a clip: what lies beside it, and what was found before."""

FORMS = {
    "rotated.mp4": {"rotate": 90},
    "variable rate.mkv": {"timestamps": UNEVEN},
    "interlaced.ts": {"interlaced": True},
    "no sound.mp4": {"audio": None},
    "hevc.mp4": {"codec": "hevc"},
    "motion jpeg.avi": {"codec": "mjpeg", "audio": "pcm_s16le", "pixel_format": "yuvj420p"},
    "phone.3gp": {"codec": "mpeg4", "size": (176, 144)},
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def scan(cache, *arguments):
    return CliRunner().invoke(app, ["scan", "--cache", str(cache), *map(str, arguments)])


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_footage_gives_a_valid_document(name, tmp_path, cache):
    clip = make_clip(tmp_path / name, frames=75, **FORMS[name])
    before = hashlib.sha256(clip.read_bytes()).hexdigest(), clip.stat().st_mtime_ns
    result = scan(cache, clip, "--json")
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    assert result.exit_code == 10, "no case record: the place is undecided"
    assert document["examined"]["frames_decoded"] == 75
    assert document["clip"]["sha256"] == before[0]
    assert not [f for f in document["findings"] if f["level"] == "violation"]
    encoded_here = {"container-rewrite", "re-encoded"}
    assert {f["level"] for f in document["findings"] if f["kind"] in encoded_here} <= {"note"}
    told = {f["kind"] for f in document["findings"]} - encoded_here
    assert told <= {"audio-missing", "notice-unclear", "signs-seen"}
    assert (hashlib.sha256(clip.read_bytes()).hexdigest(), clip.stat().st_mtime_ns) == before


def test_a_recording_of_sound_alone_is_examined_as_far_as_it_goes(tmp_path, cache):
    clip = make_clip(tmp_path / "sound.m4a", frames=75, codec=None)
    document = json.loads(scan(cache, clip, "--json").stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["examined"]["frames_decoded"] == 0
    assert document["examined"]["audio_s"] == pytest.approx(3.0, abs=0.1)
    assert document["verdict"] == "undecided"
    continuity = next(rule for rule in document["rules"] if rule["id"] == "CONT-1")
    assert continuity["outcome"] == "undecided"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "take.mp4", frames=75)


def test_a_second_scan_decodes_nothing_and_says_the_same(clip, cache, monkeypatch):
    first = scan(cache, clip, "--json").stdout
    monkeypatch.setattr(measuring.extract, "measure", None)
    assert scan(cache, clip, "--json").stdout == first


def test_changed_thresholds_are_judged_without_decoding(clip, cache, monkeypatch):
    scan(cache, clip, "--json")
    monkeypatch.setattr(measuring.extract, "measure", None)
    strict = Settings({"detectors.blank-picture": {"max_uniform_std": 255.0, "max_uniform_range": 255.0}})
    result = run.examine(clip, PROFILE, Cache(cache), strict)
    assert "blank-picture" in {finding.kind for finding in result.findings}
    assert result.settings["detectors.blank-picture"]["max_uniform_std"] == 255.0


def test_changed_measuring_decodes_again(clip, cache, monkeypatch):
    scan(cache, clip, "--json")
    monkeypatch.setattr(measuring.extract, "measure", None)
    with pytest.raises(TypeError):
        run.examine(clip, PROFILE, Cache(cache), Settings({"media": {"read_every_s": 1.0}}))


def test_what_a_crash_cut_short_is_not_kept(clip, tmp_path, monkeypatch):
    whole = measuring.extract.measure

    def cut_short(*arguments, **keywords):
        measured = whole(*arguments, **keywords)
        return type(measured)(measured.tables, measured.sound, measured.pictures, complete=False)

    monkeypatch.setattr(measuring.extract, "measure", cut_short)
    run.examine(clip, PROFILE, Cache(tmp_path))
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_clip_that_changes_while_it_is_measured_is_not_told_of_and_not_kept(tmp_path, cache, monkeypatch):
    growing = make_clip(tmp_path / "growing.mp4", frames=25)
    whole = measuring.extract.measure

    def measure_while_it_grows(path, *arguments, **keywords):
        measured = whole(path, *arguments, **keywords)
        with path.open("ab") as stream:
            stream.write(b"more")
        return measured

    monkeypatch.setattr(measuring.extract, "measure", measure_while_it_grows)
    kept = tmp_path / "cache"
    document = json.loads(scan(kept, growing, "--json").stdout)
    assert "changed while it was read" in document["unreadable"]
    assert document["findings"] == []
    assert list(kept.rglob("*.parquet")) == []


def test_one_content_at_two_places_gives_two_reports(clip, tmp_path, cache):
    copies = [tmp_path / place / clip.name for place in ("a", "b")]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_bytes(clip.read_bytes())
    scan(cache, *copies, "--out", tmp_path / "out")
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "out").glob("*/index.html")]
    assert [sum(str(copy) in page for page in pages) for copy in copies] == [1, 1]


def test_a_report_that_cannot_be_written_loses_no_result(clip, tmp_path, cache, monkeypatch):
    def fails(*arguments, **named):
        raise OSError("no space left, on purpose")

    monkeypatch.setattr("pipeline.report.html.write_report", fails)
    copy = Path(shutil.copy(clip, tmp_path / clip.name))
    result = scan(cache, clip, copy, "--out", tmp_path / "out", "--json")
    documents = json.loads(result.stdout)
    assert [document["examined"]["frames_decoded"] for document in documents] == [75, 75]
    assert result.exit_code == 1 and "on purpose" in result.stderr
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8").count(clip.name) == 2


def test_several_clips_give_an_array_and_the_gravest_code(clip, tmp_path, cache):
    text = tmp_path / "notes.mp4"
    text.write_text("these are notes\n")
    result = scan(cache, text, tmp_path / "absent.mp4", clip, "--json")
    documents = json.loads(result.stdout)
    for document in documents:
        jsonschema.validate(document, SCHEMA)
    assert [bool(document["unreadable"]) for document in documents] == [True, True, False]
    assert "there is no such file" in documents[1]["unreadable"]
    reasons = {rule["reason"] for rule in documents[0]["rules"] if rule["outcome"] != "not applicable"}
    assert reasons == {"Nothing of this clip could be examined."}
    assert result.exit_code == 3


def test_a_fault_of_this_program_costs_one_clip(clip, tmp_path, cache, monkeypatch):
    other = make_clip(tmp_path / "other.mp4", frames=75, seed=3)
    detect = run.detect

    def fails_once(*arguments):
        monkeypatch.setattr(run, "detect", detect)
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(run, "detect", fails_once)
    result = scan(cache, clip, other, "--json")
    documents = json.loads(result.stdout)
    assert [document["verdict"] for document in documents] == ["undecided", "undecided"]
    assert "ZeroDivisionError: on purpose" in documents[0]["unreadable"]
    assert documents[1]["unreadable"] is None
    assert result.exit_code == 1
    assert "Traceback" in result.stderr


def test_stdout_holds_the_document_and_nothing_else(clip, cache):
    command = [Path(sys.executable).with_name("unbroken"), "scan", "--json", "--cache", cache, clip]
    done = subprocess.run(command, capture_output=True, check=False)
    assert json.loads(done.stdout)["format"] == 1


def test_the_summary_names_verdict_articles_and_coverage(clip, cache):
    said = scan(cache, clip, "--lang", "zh-CN").stdout
    assert "待定" in said and "第十二条（五）" in said and "75 幅画面" in said
    assert "undecided" in scan(cache, clip, "--lang", "en").stdout


def test_why_a_clip_is_unreadable_is_said_once(tmp_path, cache):
    data = make_clip(tmp_path / "whole.mp4", frames=25).read_bytes()
    (tmp_path / "unfinished.mp4").write_bytes(data[: data.rindex(b"moov") - 4])
    result = scan(cache, tmp_path / "unfinished.mp4", "--lang", "en")
    assert result.exit_code == 3
    assert result.stdout.count("(moov) is missing") == 1


def test_reports_and_their_overview_are_written(clip, tmp_path, cache):
    text = tmp_path / "<b>notes.mp4"
    text.write_text("these are notes\n")
    result = scan(cache, clip, text, "--out", tmp_path / "out", "--lang", "zh-CN")
    overview = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    pages = [path.parent.name for path in (tmp_path / "out").glob("*/index.html")]
    assert len(pages) == 2
    assert all(page.removeprefix("<b>") in overview for page in pages)
    assert "<b>notes" not in overview
    assert "index.html" in result.stdout


def test_features_writes_every_measured_table(clip, tmp_path, cache):
    out = tmp_path / "tables"
    result = CliRunner().invoke(app, ["features", str(clip), "--out", str(out), "--cache", str(cache)])
    assert result.exit_code == 0
    written = {path.stem: pq.read_table(path) for path in out.glob("*.parquet")}
    assert result.stdout.split() == [str(out / f"{name}.parquet") for name in sorted(written)]
    assert set(written) == set(TABLES) - BESIDE - {"clock", "landmarks"}
    assert written["frames"].num_rows == 75


def test_features_of_what_is_no_footage_is_an_error_with_a_sentence(tmp_path, cache):
    text = tmp_path / "notes.mp4"
    text.write_text("these are notes\n")
    result = CliRunner().invoke(app, ["features", str(text), "--out", str(tmp_path / "x"), "--cache", str(cache)])
    assert result.exit_code == 3
    assert "notes.mp4" in result.stderr or "text" in result.stderr
    assert result.stdout == ""
