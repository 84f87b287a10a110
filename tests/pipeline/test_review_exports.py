"""Reports and bags from the clip page: nothing leaves without an approval, and what leaves is what the ledger holds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import unquote

import bagit
import pytest

from pipeline.errors import FootageError
from pipeline.features.cache import Cache
from pipeline.model import Criterion, Tuned, TunedOn, TunedResult
from pipeline.report import json_v1
from pipeline.report.decisions import Choice
from pipeline.review import accounts, audit
from pipeline.review.app import create_app
from pipeline.review.clip import clip_of
from pipeline.review.copies import CopyRefused, approval_of, approvals, approve, articles_of
from pipeline.review.decisions import decide, decided
from pipeline.review.exports import Wanted
from pipeline.review.index import ReviewIndex
from pipeline.review.making import Kind
from pipeline.review.retold import examination_of
from pipeline.review.web import office_of
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings, parameters_sha256
from pipeline.tuning.settings_file import write_tuned
from tests.footage import make_clip
from tests.pipeline.nights import Night
from tests.pipeline.test_report_pdf import text_of
from tests.pipeline.test_review_app import PASSWORD, client, keys

NAME = "现场_K7A0123_20260304090000_0000.mp4"
RECORD = 'case_number = "一号案"\n[unit]\nname = "监察支队"\n[store]\naccess = "open"\n'
LAWYER = "当事人 李四"
FROZEN = {"detectors.frozen-picture": {"min_hold_s": 0.3}}
ON = TunedOn(clips=4, sha256="00" * 32, sources=2, hours=0.5, labels={"forge": 8})
TUNED = Tuned(
    by="王五",
    at="2026-03-01T08:00:00+00:00",
    tool="1",
    criteria=(Criterion("detectors.frozen-picture", {"min_hold_s": 0.3}, "f1", "all"),),
    kinds=("frozen-picture",),
    least="suspect",
    tolerance_s=0.25,
    parameters_sha256=parameters_sha256(Settings(FROZEN)),
    tune=ON,
    held_out=replace(ON, sha256="11" * 32),
    results=(TunedResult("all", 7, 8, 7, 7, 0.53, 0.98, 0.65, 1.0, 0.933, 0.8, 1.0),),
    alarms=0,
    alarm_hours=0.5,
    alarms_low=0.0,
    alarms_high=7.4,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Yield ledger, application and night of one clip that was really examined, with a case record beside it."""
    folder = tmp_path_factory.mktemp("exports")
    settings = write_tuned(folder / "tuned.toml", Settings(FROZEN, TUNED))
    night = Night(folder / "store", folder / "cache", options=("--workers", "1", "--settings", str(settings)))
    night.store.mkdir()
    make_clip(night.store / NAME, frames=40, audio=None, seed=7)
    (night.store / f"{NAME}.case.toml").write_text(RECORD, encoding="utf-8")
    night.run()
    with night.ledger() as ledger:
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        for role in ("supervisor", "investigator", "auditor", "analyst"):
            accounts.add(ledger, "root", f"a-{role}", PASSWORD, [role], all_units=True, classes=["open", "unstated"])
        accounts.add(ledger, "root", "stranger", PASSWORD, ["supervisor"], units=["other"], classes=["open"])
        index = ReviewIndex(folder / "review.index")
        index.refresh(ledger)
        office = office_of(ledger, index, night.folder)
        yield ledger, create_app(office, ["testserver"]), night
        office.exports.close()
        index.close()


@pytest.fixture
def clip(served):
    ledger, _, _ = served
    (key,) = keys(ledger).values()
    return clip_of(ledger, key)


def visitor(app, name: str):
    who = client(app, name)
    who.get("/language/en")
    who.headers["x-csrf-token"] = re.search(r'name="csrf" value="([^"]+)"', who.get("/").text)[1]
    return who


def approved(ledger, clip) -> int:
    """Return the number of an approval; there is one after this."""
    known = approvals(ledger, clip.key)
    return known[0].seq if known else approve(ledger, clip, "第二十三条", LAWYER, "a-supervisor")


def ask(who, clip, kind: str, approval: int | str = "", language: str = "en"):
    told = {"kind": kind, "language": language, "approval": str(approval)}
    return who.post(f"/clips/{clip.key}/exports", data=told)


def name_of(ledger, clip, kind: str, language: str = "en") -> str:
    """Return under what a file is kept that is asked for now, by the first approval."""
    return Wanted(clip, Kind(kind), language, approvals(ledger, clip.key)[0], decided(ledger, clip.key), "").name


def standings(who, clip) -> dict[str, dict]:
    return {one["name"]: one for one in who.get(f"/clips/{clip.key}/exports").json()["entries"]}


def ended(who, clip, name: str) -> dict:
    """Wait until a file is made, or is not."""
    until = time.monotonic() + 300
    while (found := standings(who, clip)[name])["state"] in ("waiting", "making"):
        assert time.monotonic() < until, "it never ended"
        time.sleep(0.1)
    return found


def made(served, clip, tmp_path, kind: str, language: str = "en"):
    """Have a file made, fetch it, and return where it lies, with its answer."""
    ledger, app, _ = served
    who, seq = visitor(app, "a-investigator"), approved(ledger, clip)
    assert ask(who, clip, kind, seq, language).status_code == 303
    name = name_of(ledger, clip, kind, language)
    assert ended(who, clip, name)["state"] == "ready", standings(who, clip)
    answer = who.get(f"/clips/{clip.key}/exports/{name}")
    assert answer.status_code == 200, answer.text
    path = tmp_path / "got"
    path.write_bytes(answer.content)
    return path, answer


def unpacked(path, tmp_path):
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    return folder


@contextmanager
def record(night, text: str):
    """Have the case record say something else for a while."""
    path = night.store / f"{NAME}.case.toml"
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(RECORD, encoding="utf-8")


def test_without_an_approval_nothing_leaves(served, clip):
    ledger, app, _ = served
    assert not approvals(ledger, clip.key), "this test comes first"
    who = visitor(app, "a-supervisor")
    page = who.get(f"/clips/{clip.key}").text
    assert "第二十三条" in page and "none is on record" in page and f'action="/clips/{clip.key}/exports"' not in page
    for approval in ("", "1", "99999"):
        answer = ask(who, clip, "pdf", approval)
        assert answer.status_code == 403 and "第二十三条" in answer.text
    assert not standings(who, clip) and not audit.page(ledger, action="report-made").events


def test_who_may_approve_does_and_it_is_in_the_log(served, clip):
    ledger, app, _ = served
    form = {"article": "第二十三条", "given_to": f"  {LAWYER} "}
    assert visitor(app, "a-investigator").post(f"/clips/{clip.key}/approvals", data=form).status_code == 403
    who = visitor(app, "a-supervisor")
    for wrong in ({"article": "第一条"}, {"given_to": " "}, {"given_to": "x" * 201}):
        assert who.post(f"/clips/{clip.key}/approvals", data={**form, **wrong}).status_code == 409
    assert who.post(f"/clips/{clip.key}/approvals", data=form).headers["location"].endswith("#copies")
    (event,) = audit.page(ledger, action="copy-approved").events
    assert (event.actor, event.subject) == ("a-supervisor", clip.key)
    assert event.details["sha256"] == clip.document["clip"]["sha256"]
    (recorded,) = approvals(ledger, clip.key)
    told = recorded.approval
    assert (told.approved_by, told.given_to, told.approved_at) == ("a-supervisor", LAWYER, event.at)
    assert LAWYER in visitor(app, "a-investigator").get(f"/clips/{clip.key}").text


def test_an_approval_of_another_result_counts_for_nothing(served, clip):
    ledger, app, _ = served
    approved(ledger, clip)
    other = audit.add(ledger, "a-supervisor", "copy-approved", "0" * 64, {"article": "第二十三条"})
    who = visitor(app, "a-investigator")
    assert ask(who, clip, "pdf", other).status_code == 403
    assert ask(who, clip, "pdf", "x").status_code == 404 and ask(who, clip, "pdf", 1, "fr").status_code == 404


def test_a_pdf_is_made_and_handed_over(served, clip, tmp_path):
    ledger, _, _ = served
    path, answer = made(served, clip, tmp_path, "pdf")
    said = text_of(path)
    assert clip.document["clip"]["sha256"] in re.sub(r"\s", "", said) and "No decision was recorded." in said
    assert answer.headers["cache-control"] == "no-store" and answer.headers["content-type"] == "application/pdf"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''")
    assert unquote(disposition.rpartition("'")[2]) == NAME.replace(".mp4", ".report.en.pdf")
    for action in ("report-made", "exported"):
        event = audit.page(ledger, action=action, subject=clip.key).events[0]
        assert event.actor == "a-investigator" and event.details["what"] == "pdf"
        assert event.details["file_sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert event.details["approval"] == approved(ledger, clip) and event.details["made_at"]


def test_what_is_asked_for_twice_is_made_once(served, clip):
    ledger, app, _ = served
    who, seq = visitor(app, "a-investigator"), approved(ledger, clip)
    for _ in range(2):
        assert ask(who, clip, "pdf", seq).status_code == 303
    ended(who, clip, name_of(ledger, clip, "pdf"))
    assert len([one for one in standings(who, clip) if one.startswith("pdf-")]) == 1
    made_ones = [event for event in audit.page(ledger, action="report-made").events if event.details["what"] == "pdf"]
    assert len(made_ones) == 1


def test_a_report_in_chinese_tells_the_ledgers_result(served, clip, tmp_path):
    path, answer = made(served, clip, tmp_path, "folder", "zh-CN")
    assert answer.headers["content-type"] == "application/zip"
    folder = unpacked(path, tmp_path)
    told = json.loads((folder / "report.v1.json").read_text(encoding="utf-8"))
    assert told == clip.document
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert 'lang="zh-CN"' in page and any((folder / "stills").iterdir())


def test_a_bag_holds_clip_report_approval_and_log(served, clip, tmp_path):
    ledger, _, night = served
    path, _ = made(served, clip, tmp_path, "bag")
    folder = unpacked(path, tmp_path)
    bagit.Bag(str(folder)).validate()
    assert (folder / "data" / "clip" / NAME).read_bytes() == (night.store / NAME).read_bytes()
    approval = json.loads((folder / "data" / "approval.json").read_text(encoding="utf-8"))
    assert (approval["approved_by"], approval["given_to"]) == ("a-supervisor", LAWYER)
    lines = (folder / "data" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert [one["seq"] for one in events] == sorted(one["seq"] for one in events)
    assert {"copy-approved"} <= {one["action"] for one in events} and {one["subject"] for one in events} == {clip.key}
    kept = {event.seq: event.sha256 for event in audit.page(ledger, subject=clip.key, limit=1000).events}
    assert all(kept[one["seq"]] == one["sha256"] for one in events)
    assert (folder / "data" / "report" / "report.pdf").is_file()


def test_a_bag_by_reference_leaves_the_clip_where_it_is(served, clip, tmp_path):
    path, _ = made(served, clip, tmp_path, "reference")
    folder = unpacked(path, tmp_path)
    bagit.Bag(str(folder)).validate()
    assert not (folder / "data" / "clip").exists()
    assert json.loads((folder / "data" / "clip.json").read_text("utf-8"))["sha256"] == clip.document["clip"]["sha256"]


def test_units_and_roles_that_may_not_export_get_nothing(served, clip):
    ledger, app, _ = served
    seq = approved(ledger, clip)
    name = next(iter(standings(visitor(app, "a-investigator"), clip)))
    stranger = visitor(app, "stranger")
    form = {"article": "第二十三条", "given_to": "x"}
    assert ask(stranger, clip, "pdf", seq).status_code == 404
    assert stranger.post(f"/clips/{clip.key}/approvals", data=form).status_code == 404
    for path in ("exports", f"exports/{name}"):
        assert stranger.get(f"/clips/{clip.key}/{path}").status_code == 404
    for role in ("auditor", "analyst"):
        who = visitor(app, f"a-{role}")
        assert 'id="copies"' not in who.get(f"/clips/{clip.key}").text
        assert ask(who, clip, "pdf", seq).status_code == 403
        assert who.get(f"/clips/{clip.key}/exports/{name}").status_code == 403
    assert len(approvals(ledger, clip.key)) == 1
    assert visitor(app, "a-investigator").get(f"/clips/{clip.key}/exports/..%2f..%2f{name}").status_code == 404


@pytest.mark.parametrize("text", [RECORD.replace("一号案", "二号案"), RECORD.replace("支队", "大队")])
def test_a_case_record_that_was_changed_since_is_refused(served, clip, text):
    ledger, app, night = served
    who, seq = visitor(app, "a-investigator"), approved(ledger, clip)
    with record(night, text):
        assert ask(who, clip, "reference", seq, "zh-CN").status_code == 303
        found = ended(who, clip, name_of(ledger, clip, "reference", "zh-CN"))
    assert found["state"] == "failed" and "case record" in found["status"] and "batch again" in found["status"]
    assert who.get(f"/clips/{clip.key}/exports/{found['name']}").status_code == 404


def test_a_clip_that_was_changed_since_is_refused(served, clip):
    ledger, app, night = served
    who, seq = visitor(app, "a-investigator"), approved(ledger, clip)
    path = night.store / NAME
    content, status = path.read_bytes(), path.stat()
    path.write_bytes(content + b"\0")
    name = name_of(ledger, clip, "bag", "zh-CN")
    try:
        assert ask(who, clip, "bag", seq, "zh-CN").status_code == 303
        found = ended(who, clip, name)
        assert found["state"] == "failed" and "changed" in found["status"]
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ask(who, clip, "bag", seq, "zh-CN").status_code == 303, "what failed may be asked for again"
    assert ended(who, clip, name)["state"] == "ready"


def test_a_decision_makes_a_new_file(served, clip, tmp_path):
    ledger, app, _ = served
    approved(ledger, clip)
    finding = clip.document["findings"][0]["id"]
    decide(ledger, clip, finding, Choice.ACCEPTED, "the wall jumps", "a-supervisor", 0)
    path, _ = made(served, clip, tmp_path, "pdf")
    assert "the wall jumps" in text_of(path)
    who = visitor(app, "a-investigator")
    page = who.get(f"/clips/{clip.key}").text
    assert page.count("Something was decided since") == len(standings(who, clip)) - 1


def test_a_file_that_was_changed_since_it_was_made_is_not_handed_over(served, clip, tmp_path):
    ledger, app, night = served
    made(served, clip, tmp_path, "folder")
    who, name = visitor(app, "a-investigator"), name_of(ledger, clip, "folder")
    (path,) = (night.folder / "review" / "exports").rglob(f"{name}/*.zip")
    path.write_bytes(path.read_bytes()[:-1])
    answer = who.get(f"/clips/{clip.key}/exports/{name}")
    assert answer.status_code == 404 and "made again" in answer.text
    assert name not in standings(who, clip), "it can never be made again"


def test_the_examination_is_that_of_the_ledger(served, clip):
    _, _, night = served
    again = examination_of(clip, Cache(night.folder))
    assert json_v1.document(again) == clip.document
    assert again.footage.path == night.store / NAME and "frames" in again.features and again.tuned == TUNED


@pytest.mark.parametrize(("language", "words"), [("en", "Tuned by"), ("zh-CN", "调优人")])
def test_the_page_says_who_tuned(served, clip, language, words):
    _, app, _ = served
    who = visitor(app, "a-supervisor")
    who.get(f"/language/{language}")
    told = who.get(f"/clips/{clip.key}").text
    assert words in told and "王五" in told and "7 / 8 = 0.88" in told and "0.53 – 0.98" in told


def test_measurements_that_are_gone_are_not_made_again(clip, tmp_path):
    with pytest.raises(FootageError, match="does not hold the measurements"):
        examination_of(clip, Cache(tmp_path))


def test_which_articles_ask(clip):
    assert articles_of(clip) == ("第二十三条",)
    assert articles_of(replace(clip, profile=load_profile("nandagang-land"))) == ()
    with pytest.raises(CopyRefused, match="not in the ledger"):
        articles_of(replace(clip, profile=None))


def test_where_no_approval_is_asked_for_none_is_needed(served, clip):
    ledger, _, _ = served
    free = replace(clip, key="1" * 64, profile=load_profile("nandagang-land"))
    assert approval_of(ledger, free, None) is None
    seq = approve(ledger, free, "局长办公会", LAWYER, "a-supervisor")
    assert approval_of(ledger, free, seq).approval.article == "局长办公会"
    with pytest.raises(CopyRefused):
        approval_of(ledger, free, approved(ledger, clip))
