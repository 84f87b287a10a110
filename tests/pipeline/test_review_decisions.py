"""Decisions on findings: what they come to, who may make them, and that nothing is lost or made twice."""

from __future__ import annotations

import csv
import io
import re
import threading

import pyarrow.parquet as pq
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from typer.testing import CliRunner

from benchmarks.documents import document
from pipeline.batch.ledger import Ledger
from pipeline.cli import app as commands
from pipeline.report.decisions import Choice
from pipeline.review import accounts, audit, decisions
from pipeline.review.app import create_app
from pipeline.review.clip import clip_of
from pipeline.review.decisions import DecisionRefused, State, confirm, decide, decided, earlier, reopen, standings
from pipeline.review.index import DECIDED, Query, ReviewIndex, Visible
from pipeline.review.labels import SCHEMA, labels, write_labels
from pipeline.review.rights import CLASSES
from pipeline.review.tables import events
from pipeline.review.web import office_of
from pipeline.rules.profile import load_profile
from tests.pipeline.review_ledgers import night
from tests.pipeline.test_review_app import PASSWORD, client, keys

FOUND = [("picture-cut", "violation"), ("frozen-picture", "suspect"), ("notice-heard", "note")]
ASKING = {**load_profile("shijiazhuang-safety").model_dump(mode="json"), "second_person": ["dismissed"]}


def told(path: str, **more):
    made = document(path, "fail", unit="one", access="open", findings=FOUND, **more)
    made["clip"]["sha256"] = "ab" * 32
    made["examined"] = {"gaps": []}
    return made


@pytest.fixture
def book(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        night(ledger, [told("a.mp4")], store=str(tmp_path / "store"), regulation=ASKING)
        yield ledger


def only(ledger):
    (key,) = keys(ledger).values()
    return clip_of(ledger, key)


def test_a_decision_stands_until_the_finding_is_opened_again(book):
    clip = only(book)
    decide(book, clip, "f1", Choice.ACCEPTED, "  the wall jumps ", "amy", 0)
    found = standings(book, clip.key)["f1"]
    assert found.state is State.DECIDED and found.last.decision.reason == "the wall jumps"
    assert found.last.finding["kind"] == "picture-cut" and found.last.clip["path"] == "a.mp4"
    with pytest.raises(DecisionRefused, match="Open it again"):
        decide(book, clip, "f1", Choice.DISMISSED, "no", "amy", found.seq)
    reopen(book, clip, "f1", "seen once more", "ben", found.seq)
    again = standings(book, clip.key)["f1"]
    assert again.state is State.OPEN and again.last is None
    assert again.made[0].decision.reopened_by == "ben" and again.made[0].decision.reopened_reason == "seen once more"
    decide(book, clip, "f1", Choice.UNSURE, "too dark", "ben", again.seq)
    assert [one.decision for one in decided(book, clip.key)] == [Choice.ACCEPTED, Choice.UNSURE]
    assert {"f2", "f3"}.isdisjoint(standings(book, clip.key))


def test_a_second_person_confirms_where_the_profile_asks(book):
    clip = only(book)
    decide(book, clip, "f1", Choice.ACCEPTED, "clear", "amy", 0)
    assert standings(book, clip.key)["f1"].state is State.DECIDED
    decide(book, clip, "f2", Choice.DISMISSED, "camera was set down", "amy", 0)
    waiting = standings(book, clip.key)["f2"]
    assert waiting.state is State.WAITING
    with pytest.raises(DecisionRefused, match="another person"):
        confirm(book, clip, "f2", "amy", waiting.seq)
    confirm(book, clip, "f2", "ben", waiting.seq)
    found = standings(book, clip.key)["f2"]
    assert found.state is State.DECIDED and found.last.decision.confirmed_by == "ben"
    with pytest.raises(DecisionRefused, match="waits"):
        confirm(book, clip, "f2", "eve", found.seq)


@pytest.mark.parametrize(
    ("finding", "reason", "said"), [("f1", " \n", "reason"), ("f9", "x", "f9"), ("f1", "x" * 2001, "2000")]
)
def test_what_cannot_be_decided_is_refused_and_leaves_no_event(book, finding, reason, said):
    with pytest.raises(DecisionRefused, match=said):
        decide(book, only(book), finding, Choice.ACCEPTED, reason, "amy", 0)
    assert not audit.page(book).events


def test_of_two_who_decide_at_once_one_is_told_to_look_again(book):
    clip, refused, ready = only(book), [], threading.Barrier(2)

    def person(name):
        ready.wait()
        try:
            decide(book, clip, "f1", Choice.ACCEPTED, "clear", name, 0)
        except DecisionRefused as error:
            refused.append(str(error))

    people = [threading.Thread(target=person, args=(name,)) for name in ("amy", "ben")]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert len(refused) == 1 and "meanwhile" in refused[0]
    assert len(audit.page(book, action="decision").events) == 1


def test_a_clip_that_is_judged_again_tells_what_was_decided_before(book, tmp_path):
    clip = only(book)
    decide(book, clip, "f1", Choice.DISMISSED, "a lamp", "amy", 0)
    decide(book, clip, "f2", Choice.ACCEPTED, "stands still", "amy", 0)
    reopen(book, clip, "f2", "wrong clip", "amy", standings(book, clip.key)["f2"].seq)
    night(book, [told("a.mp4")], store=str(tmp_path / "store"), context="other")
    later = clip_of(book, next(key for key in every_key(book) if key != clip.key))
    assert not standings(book, later.key)
    found = earlier(book, later)
    assert set(found) == {"f1"} and found["f1"][0].decision.reason == "a lamp"


def every_key(ledger):
    from tests.pipeline.test_review_app import _results

    return [key for key, _ in _results(ledger)]


def test_an_event_that_was_spoilt_by_hand_stops_nothing(book, tmp_path):
    clip = only(book)
    decide(book, clip, "f1", Choice.ACCEPTED, "clear", "amy", 0)
    decide(book, clip, "f2", Choice.ACCEPTED, "clear", "amy", 0)
    with book.database.engine.begin() as connection:
        connection.execute(update(events).where(events.c.seq == 1).values(details='{"finding": 7}'))
    assert set(standings(book, clip.key)) == {"f2"}
    index = ReviewIndex(tmp_path / "review.index")
    assert index.refresh(book)
    index.close()
    assert any(problem.first == 1 for problem in audit.verify(book, None))


def test_lists_follow_what_was_decided(book, tmp_path):
    index = ReviewIndex(tmp_path / "review.index")
    index.refresh(book)
    clip = only(book)

    def states():
        index.take_decisions(book)
        scope = index.scope(book, clip.batch)
        return [name for name in DECIDED if index.page(scope, clip.batch, Query(decided=name), Visible()).total]

    assert states() == ["open"]
    decide(book, clip, "f3", Choice.ACCEPTED, "said aloud", "amy", 0)
    decide(book, clip, "f1", Choice.ACCEPTED, "clear", "amy", 0)
    assert states() == ["open"]
    decide(book, clip, "f2", Choice.DISMISSED, "set down", "amy", 0)
    assert states() == ["waiting"]
    confirm(book, clip, "f2", "ben", standings(book, clip.key)["f2"].seq)
    assert states() == ["decided"]
    assert not index.take_decisions(book)
    anew = ReviewIndex(tmp_path / "anew.index")
    anew.refresh(book)
    scope = anew.scope(book, clip.batch)
    assert anew.page(scope, clip.batch, Query(decided="decided"), Visible()).rows[0].decided == 2
    reopen(book, clip, "f1", "look again", "amy", standings(book, clip.key)["f1"].seq)
    assert states() == ["open"]
    for one in (index, anew):
        one.close()


@pytest.fixture
def pages(book, tmp_path):
    accounts.add(book, "system", "root", PASSWORD, ["admin"])
    everything = {"all_units": True, "classes": CLASSES}
    for name, role in (("amy", "investigator"), ("ben", "supervisor"), ("ann", "analyst"), ("aud", "auditor")):
        accounts.add(book, "root", name, PASSWORD, [role], **everything)
    accounts.add(book, "root", "far", PASSWORD, ["supervisor"], units=["two"], classes=["open"])
    accounts.add(book, "root", "far-analyst", PASSWORD, ["analyst"], units=["two"], classes=["open"])
    index = ReviewIndex(tmp_path / "review.index")
    index.refresh(book)
    yield book, create_app(office_of(book, index, tmp_path / "cache"), ["testserver"])
    index.close()


def post(who: TestClient, key: str, act: str, **form):
    csrf = re.search(r'name="csrf" value="([^"]+)"', who.get("/").text)[1]
    return who.post(f"/clips/{key}/findings/{act}", data={"csrf": csrf, **form})


def test_deciding_on_the_page_from_one_person_to_the_second(pages):
    ledger, app = pages
    key, amy, ben = only(ledger).key, client(app, "amy"), client(app, "ben")
    answer = post(amy, key, "f2/decision", decision="dismissed", reason="camera <set> down", seen=0)
    assert answer.status_code == 303 and answer.headers["location"] == f"/clips/{key}#f2"
    page = amy.get(f"/clips/{key}").text
    assert "camera &lt;set&gt; down" in page and f'action="/clips/{key}/findings/f2/confirmation"' not in page
    assert f'action="/clips/{key}/findings/f2/confirmation"' in ben.get(f"/clips/{key}").text
    seen = standings(ledger, key)["f2"].seq
    assert post(amy, key, "f2/confirmation", seen=seen).status_code == 403
    assert post(ben, key, "f2/confirmation", seen=seen).status_code == 303
    assert post(ben, key, "f2/confirmation", seen=seen).status_code == 409
    assert post(ben, key, "f2/reopening", seen=standings(ledger, key)["f2"].seq, reason="").status_code == 409
    assert post(ben, key, "f2/reopening", seen=standings(ledger, key)["f2"].seq, reason="again").status_code == 303
    actions = [event.action for event in audit.page(ledger, subject=key).events if event.action in decisions.ACTIONS]
    assert actions == ["decision-reopened", "decision-confirmed", "decision"]


def test_nobody_decides_without_the_right(pages):
    ledger, app = pages
    key = only(ledger).key
    for name, status in (("ann", 403), ("aud", 403), ("far", 404)):
        form = {"decision": "accepted", "reason": "x", "seen": 0}
        assert post(client(app, name), key, "f1/decision", **form).status_code == status
    amy = client(app, "amy")
    form = {"decision": "accepted", "reason": "x", "seen": 0}
    assert amy.post(f"/clips/{key}/findings/f1/decision", data=form).status_code == 403, "no token"
    assert post(amy, key, "f1/decision", **{**form, "decision": "perhaps"}).status_code in (404, 422)
    assert not standings(ledger, key)
    assert "data-decide" not in client(app, "ann").get(f"/clips/{key}").text


def test_labels_hold_what_stands(book, tmp_path):
    clip = only(book)
    decide(book, clip, "f1", Choice.ACCEPTED, "=HYPERLINK()", "amy", 0)
    decide(book, clip, "f2", Choice.DISMISSED, "set down", "amy", 0)
    decide(book, clip, "f3", Choice.UNSURE, "noise", "amy", 0)
    reopen(book, clip, "f3", "listen again", "ben", standings(book, clip.key)["f3"].seq)
    cache = tmp_path / "a.ledger"
    for name in ("labels.csv", "labels.parquet"):
        asked = ["labels", "export", "--out", str(tmp_path / name), "--ledger", str(cache)]
        result = CliRunner().invoke(commands, asked)
        assert result.exit_code == 0, result.output
    rows = pq.read_table(tmp_path / "labels.parquet").to_pylist()
    assert [(row["finding"], row["label"], row["counts"]) for row in rows] == [
        ("f1", "true", True),
        ("f2", "false", False),
    ]
    assert rows[0]["sha256"] == "ab" * 32 and rows[0]["kind"] == "picture-cut" and rows[0]["decided_by"] == "amy"
    read = list(csv.DictReader(io.StringIO((tmp_path / "labels.csv").read_text("utf-8-sig"))))
    assert list(read[0]) == SCHEMA.names and read[0]["reason"] == "'=HYPERLINK()"
    assert [event.details["count"] for event in audit.page(book, action="labels-exported").events] == [2, 2]
    assert labels(book, {"nothing"}) == []


def test_a_label_file_of_another_kind_is_refused(tmp_path):
    from pipeline.errors import SettingsError

    with pytest.raises(SettingsError, match=r"\.parquet"):
        write_labels([], tmp_path / "labels.xlsx")


def test_labels_from_the_page_are_of_clips_that_the_account_may_see(pages):
    ledger, app = pages
    decide(ledger, only(ledger), "f1", Choice.ACCEPTED, "clear", "amy", 0)
    assert len(client(app, "ann").get("/labels.csv").text.splitlines()) == 2
    assert len(client(app, "far-analyst").get("/labels.csv").text.splitlines()) == 1
    assert client(app, "ben").get("/labels.csv").status_code == 403
