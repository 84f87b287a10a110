"""The index of the review page: what a list shows is what the ledger holds."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text, update

from benchmarks.documents import document
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key, StoredFile
from pipeline.batch.summary import summary
from pipeline.batch.tables import results
from pipeline.model import Message
from pipeline.review.clip import clip_of
from pipeline.review.facts import Mark, facts_of
from pipeline.review.index import Query, ReviewIndex, Visible
from pipeline.review.rights import CLASSES
from tests.pipeline.review_ledgers import night

EVERYTHING = Visible()
STATION, SQUAD = "长安区应急管理局", "执法二队"
DOCUMENTS = [
    document("a/1.mp4", "pass", unit=STATION, device="K7A0001", started_at="2026-03-04T09:00:00+08:00",
             rules={"CONT-1": "pass"}),
    document("a/2.mp4", "fail", unit=STATION, device="K7A0001", started_at="2026-03-04T08:00:00+08:00",
             duration_s=30.0, access="restricted", secrecy=["state"], rules={"CONT-1": "fail", "NOTICE-1": "pass"},
             findings=[("picture-cut", "violation"), ("picture-cut", "note"), ("clock-jump", "suspect")]),
    document("b/3_100%.mp4", "undecided", unit=SQUAD, device="K7A0002", case_number="2026-17", access="open",
             rules={"CONT-1": "undecided"}, findings=[("clock-jump", "note")]),
    document("b/4.mp4", "undecided", unreadable="The index is missing."),
]  # fmt: skip


@pytest.fixture
def ledger(place, tmp_path):
    with Ledger(place, tmp_path) as opened:
        yield opened


@pytest.fixture
def index(tmp_path):
    made = ReviewIndex(tmp_path / "cache" / "review.index")
    yield made
    made.close()


def names(index: ReviewIndex, batch: int, query: Query = Query(), visible: Visible = EVERYTHING, **part: int):  # noqa: B008
    return [row.shown for row in index.page("", batch, query, visible, **part).rows]


def test_a_row_that_was_changed_by_hand_stops_nothing_and_is_for_who_may_see_everything(ledger, tmp_path):
    batch = night(ledger, [document("a.mp4", "fail", unit=SQUAD, access="open"), document("b.mp4", "pass")])
    with ledger.database.engine.begin() as connection:
        connection.execute(update(results).where(results.c.seq == 1).values(document=b"{}", encoding="json"))
    index = ReviewIndex(tmp_path / "spoilt.index")
    assert index.refresh(ledger)
    scope = index.scope(ledger, batch)
    whole = index.page(scope, batch, Query(), Visible(None, frozenset(CLASSES)))
    assert [(row.shown, row.counted) for row in whole.rows] == [("a.mp4", "unreadable"), ("b.mp4", "pass")]
    assert clip_of(ledger, whole.rows[0].key) is None
    narrow = index.page(scope, batch, Query(), Visible(frozenset({SQUAD}), frozenset({"open"})))
    assert narrow.total == 0
    index.close()


def test_a_list_holds_every_result_with_its_facts(ledger, index):
    batch = night(ledger, DOCUMENTS)
    told = []
    assert index.refresh(ledger, lambda done, total: told.append((done, total)))
    assert told[-1] == (4, 4)
    page = index.page("", batch, Query(), EVERYTHING)
    assert (page.total, page.counts) == (4, {"pass": 1, "fail": 1, "undecided": 1, "unreadable": 1})
    assert [row.shown for row in page.rows] == ["a/1.mp4", "a/2.mp4", "b/3_100%.mp4", "b/4.mp4"]
    second = page.rows[1]
    assert (second.unit, second.device, second.violations, second.suspects) == (STATION, "K7A0001", 1, 1)
    assert second.started_at == 1772582400.0 and second.duration_s == 30.0
    assert page.rows[3].unit is None and page.rows[3].started_at is None
    assert ledger.result(second.key) is not None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(counted="fail"), ["a/2.mp4"]),
        (Query(counted="unreadable"), ["b/4.mp4"]),
        (Query(unit=STATION), ["a/1.mp4", "a/2.mp4"]),
        (Query(device="K7A0002"), ["b/3_100%.mp4"]),
        (Query(rule="CONT-1"), ["a/1.mp4", "a/2.mp4", "b/3_100%.mp4"]),
        (Query(rule="CONT-1", outcome="fail"), ["a/2.mp4"]),
        (Query(kind="clock-jump"), ["a/2.mp4", "b/3_100%.mp4"]),
        (Query(kind="picture-cut", level="note"), []),  # the gravest of a kind counts
        (Query(kind="clock-jump", level="note"), ["b/3_100%.mp4"]),
        (Query(text="a/"), ["a/1.mp4", "a/2.mp4"]),
        (Query(text="%"), ["b/3_100%.mp4"]),  # no pattern, a letter
        (Query(text="2026-17"), ["b/3_100%.mp4"]),
        (Query(unit=STATION, counted="pass", text="2.mp4"), []),
        (Query(sort="recorded", down=True), ["a/1.mp4", "a/2.mp4", "b/3_100%.mp4", "b/4.mp4"]),
        (Query(sort="violations", down=True), ["a/2.mp4", "a/1.mp4", "b/3_100%.mp4", "b/4.mp4"]),
        (Query(sort="clip", down=True), ["b/4.mp4", "b/3_100%.mp4", "a/2.mp4", "a/1.mp4"]),
    ],
)
def test_a_list_is_narrowed_and_sorted(ledger, index, query, found):
    batch = night(ledger, DOCUMENTS)
    index.refresh(ledger)
    page = index.page("", batch, query, EVERYTHING)
    assert [row.shown for row in page.rows] == found and page.total == len(found)


def test_counts_are_those_of_every_verdict_whichever_is_shown(ledger, index):
    batch = night(ledger, DOCUMENTS)
    index.refresh(ledger)
    assert index.page("", batch, Query(counted="fail", unit=STATION), EVERYTHING).counts == {"pass": 1, "fail": 1}


def test_a_list_comes_in_parts(ledger, index):
    batch = night(ledger, [document(f"{number:02d}.mp4") for number in range(23)])
    index.refresh(ledger)
    parts = [names(index, batch, first=first, count=10) for first in (0, 10, 20, 30)]
    assert [len(part) for part in parts] == [10, 10, 3, 0]
    assert [name for part in parts for name in part] == [f"{number:02d}.mp4" for number in range(23)]


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (Visible(frozenset()), []),
        (Visible(frozenset({SQUAD})), ["b/3_100%.mp4"]),
        (Visible(None, frozenset({"open", "unstated"})), ["a/1.mp4", "b/3_100%.mp4", "b/4.mp4"]),
        (Visible(None, frozenset({"open"})), ["b/3_100%.mp4"]),
        (Visible(None, frozenset({"restricted"})), []),  # it holds a secret, too
        (Visible(None, frozenset({"restricted", "state"})), ["a/2.mp4"]),
        (Visible(None, frozenset()), []),
        (Visible(frozenset({STATION}), frozenset({"unstated", "restricted", "state"})), ["a/1.mp4", "a/2.mp4"]),
    ],
)
def test_only_what_an_account_may_see_is_listed_and_counted(ledger, index, visible, found):
    batch = night(ledger, DOCUMENTS)
    index.refresh(ledger)
    page = index.page("", batch, Query(), visible)
    assert [row.shown for row in page.rows] == found and page.total == sum(page.counts.values()) == len(found)
    units = {row.unit for row in page.rows if row.unit}
    assert {choice.name for choice in index.choices("unit", "", batch, visible)} == units


def test_choices_are_counted(ledger, index):
    batch = night(ledger, DOCUMENTS)
    index.refresh(ledger)
    told = {about: [(one.name, one.count) for one in index.choices(about, "", batch, EVERYTHING)]
            for about in ("unit", "device", "rule", "kind")}  # fmt: skip
    assert told == {
        "unit": [(SQUAD, 1), (STATION, 2)],
        "device": [("K7A0001", 2), ("K7A0002", 1)],
        "rule": [("CONT-1", 3), ("NOTICE-1", 1)],
        "kind": [("clock-jump", 2), ("picture-cut", 1)],
    }


def test_of_one_path_the_newest_result_counts(ledger, index):
    first = night(ledger, [document("a.mp4", "fail"), document("b.mp4", "fail")])
    index.refresh(ledger)
    second = night(ledger, [document("a.mp4", "pass")], context="changed")
    assert index.refresh(ledger)
    assert index.page("", first, Query(), EVERYTHING).counts == {"pass": 1, "fail": 1}
    assert index.page("", second, Query(), EVERYTHING).counts == {"pass": 1}


def test_a_result_that_a_later_batch_asks_for_again_is_the_newest_again(ledger, index):
    night(ledger, [document("a.mp4", "fail")])
    night(ledger, [document("a.mp4", "pass")], context="changed")
    index.refresh(ledger)
    third = night(ledger, [document("a.mp4", "fail")])  # settings were changed back: no new row in the chain
    assert index.refresh(ledger)
    assert index.page("", third, Query(), EVERYTHING).counts == {"fail": 1}


def test_scopes_are_told_apart(ledger, index):
    one = night(ledger, [document("a.mp4", "fail")], scope="one")
    other = night(ledger, [document("a.mp4", "pass")], scope="other", context="other")
    index.refresh(ledger)
    assert index.page("one", one, Query(), EVERYTHING).counts == {"fail": 1}
    assert index.page("other", other, Query(), EVERYTHING).counts == {"pass": 1}


def test_nothing_new_is_not_read_again_and_another_process_may_have_been_faster(ledger, index):
    batch = night(ledger, DOCUMENTS)
    assert index.refresh(ledger) and not index.refresh(ledger)
    other = ReviewIndex(index.path)
    assert other.refresh(ledger)
    assert len(names(other, batch)) == 4
    other.close()


def test_an_index_of_another_version_is_made_again(ledger, index):
    batch = night(ledger, DOCUMENTS)
    index.refresh(ledger)
    with index.engine.begin() as connection:
        connection.execute(text("DELETE FROM clips"))
        connection.exec_driver_sql("PRAGMA user_version = 77")
    index.close()
    again = ReviewIndex(index.path)
    again.refresh(ledger)
    assert len(names(again, batch)) == 4
    again.close()


def test_facts_of_a_document():
    facts = facts_of(json.dumps(DOCUMENTS[1]))
    assert Mark("kind", "picture-cut", "violation") in facts.marks and Mark("rule", "CONT-1", "fail") in facts.marks
    naive = document("x.mp4", started_at="2026-03-04T09:00:00")
    assert facts_of(json.dumps(naive)).started_at == 1772586000.0  # 09:00 in China
    assert facts_of(json.dumps(document("x.mp4", started_at="none"))).started_at is None


def test_a_list_cannot_be_sorted_by_anything(index):
    with pytest.raises(ValueError, match="cannot be sorted"):
        index.page("", 1, Query(sort="; DROP TABLE clips"), EVERYTHING)


def test_a_summary_is_kept_while_the_ledger_stays_as_it_is_and_counted_anew_after_a_retry(ledger, index):
    batch = ledger.start_batch("/store", "shijiazhuang-safety", {}, "1")
    ledger.see_files(batch, "/store", [StoredFile(b"a.mp4", 1, 1)])
    ledger.submit(batch, [Key("aa", "p", "1", "", b"a.mp4")])
    index.refresh(ledger)
    assert index.summary(ledger, batch).states["waiting"] == 1
    job = ledger.lease("worker")
    assert job is not None
    ledger.fail(job, "worker", Message("It broke."), attempts=1)  # while the batch runs
    assert index.summary(ledger, batch).states["quarantined"] == 1
    ledger.end_batch(batch)
    index.refresh(ledger)
    assert index.summary(ledger, batch) == summary(ledger, batch)
    ledger.release()
    index.refresh(ledger)
    assert index.summary(ledger, batch).states["waiting"] == 1
