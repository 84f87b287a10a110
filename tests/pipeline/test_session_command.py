"""`unbroken session`, and `unbroken scan` of a store: real clips, named as recorders do, with records beside them."""

import json
import re
import shutil

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.footage import make_clip, view

FIRST, SECOND, LATER = (
    f"K7A0123_{start}_{number:04d}.mp4"
    for start, number in (("20260304101500", 7), ("20260304101503", 8), ("20260304101600", 9))
)
"""Clips of 3 s: the second begins where the first ends, the last one 54 s after that."""
SHOWN = {FIRST: "introduction", SECOND: "inspection", LATER: "signing"}
GAP = {"before": SECOND, "after": LATER}


def record(*clips: str) -> str:
    return f"""
case_number = "某应急〔2026〕12号"
cause = "安全生产检查"
title = "禾岭化工有限公司 安全生产检查"
officers = ["张三", "李四"]
parties = ["禾岭化工有限公司"]
clips = {json.dumps(clips)}
phases_due = {json.dumps([SHOWN[clip] for clip in (FIRST, SECOND, LATER)])}

[place]
names = ["禾岭化工有限公司"]

[unit]
name = "监察支队"
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """Return a folder with the clips alone."""
    folder = tmp_path_factory.mktemp("taken")
    for name, first in ((FIRST, 0), (SECOND, 75), (LATER, 1500)):
        make_clip(folder / name, frames=75, picture=lambda number, first=first: view(first + number))
    return folder


@pytest.fixture
def store(taken, tmp_path):
    """Return what fills a store with clips and their records, and returns it."""

    def fill(*clips):
        folder = tmp_path / "store" / "2026-03-04"
        folder.mkdir(parents=True)
        (folder / "case.toml").write_text(record(*clips), encoding="utf-8")
        for name in clips:
            shutil.copy(taken / name, folder / name)
            (folder / f"{name}.case.toml").write_text(f'phases_recorded = ["{SHOWN[name]}"]\n', encoding="utf-8")
        return folder

    return fill


@pytest.fixture
def unbroken(cache):
    def run(command, *arguments, lang="en"):
        words = [command, "--cache", cache, "--lang", lang, *arguments]
        return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})

    return run


@pytest.fixture
def session(unbroken):
    """Return what runs the command and returns its exit code and its document."""

    def run(*arguments):
        result = unbroken("session", "--json", *arguments)
        return result.exit_code, json.loads(result.stdout)

    return run


def joins(told):
    return {
        (join["kind"], join["level"], join["evidence"]["before"], join["evidence"]["after"]) for join in told["joins"]
    }


def outcome(told, rule):
    return next(row["outcome"] for row in told["rules"] if row["id"] == rule)


SPLIT = ("gap-explained", "note", FIRST, SECOND)
HOLE = ("recording-gap", "violation", SECOND, LATER)


def test_a_hole_between_two_clips_fails_the_session_and_a_split_does_not(session, store):
    code, document = session(store(FIRST, SECOND, LATER).parent)
    assert code == 11
    [told] = document["sessions"]
    assert [clip["path"].rpartition("/")[2] for clip in told["clips"]] == [FIRST, SECOND, LATER]
    assert joins(told) == {SPLIT, HOLE}
    hole = next(join for join in told["joins"] if join["kind"] == "recording-gap")
    assert hole["evidence"]["gap_s"] == pytest.approx(54.0, abs=0.1) and "54.0 s" in hole["summary"]
    assert outcome(told, "CONT-2") == "fail" and told["verdict"] == "fail"
    assert [row["clips"] for row in told["rules"] if row["id"] == "CONT-2"] == [[SECOND, LATER]]


def test_who_where_when_and_the_phases_are_told(session, store):
    _, document = session(store(FIRST, SECOND, LATER))
    [told] = document["sessions"]
    assert (told["device_id"], told["device_from"]) == ("K7A0123", "name")
    assert (told["case_number"], told["unit"]) == ("某应急〔2026〕12号", "监察支队")
    assert (told["officers"], told["place"]) == (["张三", "李四"], "禾岭化工有限公司")
    assert told["started_at"] == "2026-03-04T10:15:00+08:00" and told["ended_at"].startswith("2026-03-04T10:16:03")
    assert told["recorded_s"] == pytest.approx(9.0, abs=0.1)
    assert [clip["number"] for clip in told["clips"]] == [7, 8, 9]
    codes = sorted(SHOWN.values())
    assert told["phases"] == {"due": codes, "recorded": codes, "missing": [], "suggested": [], "exempted": []}


def test_clips_that_go_on_are_whole_and_left_to_a_person_for_the_rest(session, store):
    folder = store(FIRST, SECOND, LATER)
    code, document = session(folder / SECOND, folder / FIRST)
    [told] = document["sessions"]
    assert joins(told) == {SPLIT}
    assert outcome(told, "CONT-2") == "pass"
    assert (code, told["verdict"]) == (10, "undecided"), "nobody spoke and no sign is seen"
    assert told["phases"]["missing"] == ["signing"]
    reason = next(row["reason"] for row in told["rules"] if row["id"] == "PHASE-8")
    assert outcome(told, "PHASE-8") == "undecided" and LATER in reason


def test_a_phase_that_no_clip_of_the_case_shows_fails(session, store):
    code, document = session(store(FIRST, SECOND), "--triage")
    [told] = document["sessions"]
    assert code == 11 and told["phases"]["missing"] == ["signing"] and outcome(told, "PHASE-8") == "fail"


def test_triage_tells_the_same_of_joins_and_passes_nothing(session, store):
    code, document = session(store(FIRST, SECOND, LATER), "--triage")
    [told] = document["sessions"]
    assert joins(told) == {SPLIT, HOLE} and code == 11
    assert told["recorded_s"] == pytest.approx(9.0, abs=0.1)
    code, document = session(*(clip["path"] for clip in told["clips"][:2]), "--triage")
    assert joins(document["sessions"][0]) == {SPLIT}
    assert code == 10 and {clip["verdict"] for clip in document["sessions"][0]["clips"]} == {"undecided"}


def test_a_clip_that_cannot_be_read_may_fill_the_hole_it_stands_in(session, store):
    folder = store(FIRST, LATER)
    between = folder / "K7A0123_20260304101540_0008.mp4"
    between.write_text("no footage\n")
    for name in SHOWN.keys() - {SECOND}:
        (folder / f"{name}.case.toml").write_text(f"phases_recorded = {json.dumps(list(SHOWN.values()))}\n")
    code, document = session(folder)
    [told] = document["sessions"]
    assert [clip["unreadable"] is None for clip in told["clips"]] == [True, False, True]
    assert joins(told) == {("recording-gap", "suspect", FIRST, LATER), ("sequence-missing", "suspect", FIRST, LATER)}
    assert between.name in next(join["summary"] for join in told["joins"] if join["kind"] == "recording-gap")
    assert code == 3 and outcome(told, "CONT-2") == "undecided"


def test_a_copy_is_left_out_and_named(session, unbroken, store):
    folder = store(FIRST, SECOND, LATER)
    (folder / "kept").mkdir()
    copy = shutil.copy(folder / FIRST, folder / "kept" / "K7A0123_20260304101505_0010.mp4")
    _, document = session(folder, "--triage")
    assert document["copies"] == [{"path": str(copy), "of": str(folder / FIRST)}]
    assert joins(document["sessions"][0]) == {SPLIT, HOLE}
    assert [len(told["clips"]) for told in document["sessions"]] == [3]
    assert f"{copy} has the same content as {FIRST}" in unbroken("session", folder, "--triage").stdout


@pytest.mark.parametrize("command", ["session", "scan"])
@pytest.mark.parametrize(
    ("name", "lang", "said"),
    [
        ("nowhere", "en", "there is no such file or folder"),
        ("nowhere", "zh-CN", "没有这个文件或文件夹"),
        ("", "zh-CN", "没有找到录像"),
    ],
)
def test_a_folder_that_is_not_there_or_empty_is_a_bad_argument(unbroken, tmp_path, command, name, lang, said):
    result = unbroken(command, tmp_path / name, lang=lang)
    assert result.exit_code == 2 and result.stdout == ""
    assert said in result.stderr and str(tmp_path) in result.stderr


def test_the_page_tells_who_what_lies_between_and_what_is_missing(unbroken, store):
    result = unbroken("session", store(FIRST, SECOND))
    said = result.stdout
    assert result.exit_code == 11
    assert "K7A0123  2026-03-04 10:15:00 to 10:15:06, 2 clips  fail" in said
    assert "某应急〔2026〕12号 · 监察支队 · 张三 · 李四 · 禾岭化工有限公司" in said
    assert f"{SECOND} goes on where {FIRST} ends" in said
    assert re.search(r"Phases missing +signing", said)


def test_a_chinese_reader_is_told_nothing_in_english(unbroken, store):
    folder = store(FIRST, SECOND, LATER)
    (folder / "K7A0123_20260304101540_0010.mp4").write_text("no footage\n")
    shutil.copy(folder / FIRST, folder / "K7A0123_20260304101700_0011.mp4")
    said = unbroken("session", folder, lang="zh-CN").stdout
    assert re.findall(r"[A-Za-z]+(?: [A-Za-z]+){2,}", said) == []
    assert re.search(r"应记录环节 +现场检查、说明来意、签字确认", said)
    assert "无法检查" in said and "内容相同" in said


class TestScanOfAStore:
    """`unbroken scan` takes folders too, with a table of case records."""

    def scan(self, unbroken, *arguments):
        result = unbroken("scan", "--json", "--triage", *arguments)
        return result.exit_code, json.loads(result.stdout)

    def test_a_folder_gives_an_array_however_many_clips_are_in_it(self, unbroken, store):
        folder = store(FIRST)
        _, documents = self.scan(unbroken, folder)
        assert [document["clip"]["path"] for document in documents] == [str(folder / FIRST)]
        _, document = self.scan(unbroken, folder / FIRST)
        assert document == documents[0]

    def test_clips_of_a_folder_are_held_against_each_other(self, unbroken, store):
        folder = store(FIRST, SECOND, LATER)
        code, documents = self.scan(unbroken, folder, folder / FIRST)
        assert code == 11 and len(documents) == 3
        gaps = [{f["kind"] for f in document["findings"]} & {"recording-gap"} for document in documents]
        assert gaps == [set(), {"recording-gap"}, {"recording-gap"}]

    def test_the_table_of_the_store_gives_the_records(self, unbroken, store, tmp_path):
        folder = store(FIRST, SECOND)
        (folder / "case.toml").unlink()
        table = tmp_path / "store" / "cases.csv"
        rows = [
            f"2026-03-04/{name},某应急〔2026〕{number}号,2026-03-04" for number, name in enumerate((FIRST, SECOND), 1)
        ]
        table.write_text("\n".join(["录像,案件编号,结案日期", *rows]), encoding="utf-8")
        _, documents = self.scan(unbroken, folder, "--cases", table)
        assert [document["clip"]["case"]["case_number"] for document in documents] == [
            "某应急〔2026〕1号",
            "某应急〔2026〕2号",
        ]
        rows.append("2026-03-04/gone.mp4,某应急〔2026〕3号,")
        table.write_text("\n".join(["录像,案件编号,结案日期", *rows]), encoding="utf-8")
        said = unbroken("scan", folder, "--triage", "--cases", table, lang="zh-CN").stderr
        assert "不存在（1 段）" in said and "gone.mp4" in said
        table.write_text("录像,案件代号\n2026-03-04/x.mp4,1\n", encoding="utf-8")
        result = unbroken("scan", folder, "--triage", "--cases", table)
        assert result.exit_code == 2 and "案件代号" in result.stderr and "cases.csv" in result.stderr

    @pytest.mark.parametrize(
        ("at", "kind", "expected"),
        [("2026-04-01", "archive-not-due", "not applicable"), ("2026-12-01T09:00", "archive-unknown", "undecided")],
    )
    def test_periods_are_judged_for_the_moment_that_is_named(self, unbroken, store, at, kind, expected):
        folder = store(FIRST)
        own = folder / f"{FIRST}.case.toml"
        own.write_text("closed_on = 2026-03-06\n", encoding="utf-8")
        _, [document] = self.scan(unbroken, folder, "--at", at)
        assert kind in {finding["kind"] for finding in document["findings"]}
        assert outcome(document, "ARCHIVE-1") == expected

    def test_a_moment_that_is_none_is_a_bad_argument(self, unbroken, store):
        result = unbroken("scan", store(FIRST), "--triage", "--at", "yesterday")
        assert result.exit_code == 2 and "yesterday" in result.stderr
