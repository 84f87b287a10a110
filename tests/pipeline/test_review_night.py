"""The page of a night: what it says is what the batch came to, in the reader's language."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from benchmarks.documents import document
from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import StoredFile
from pipeline.language import language
from pipeline.model import Message
from pipeline.review.index import Query, ReviewIndex, Visible
from pipeline.review.night import ROWS, figure, night, query_of
from tests.pipeline import review_ledgers

EVERYTHING = Visible()
CHINESE, ENGLISH = language("zh-CN"), language("en")


@pytest.fixture
def ledger(place, tmp_path):
    with Ledger(place, tmp_path) as opened:
        yield opened


@pytest.fixture
def index(tmp_path):
    made = ReviewIndex(tmp_path / "review.index")
    yield made
    made.close()


def shown(ledger, index, query=Query(), visible=EVERYTHING, part=1, words=ENGLISH, number=None):  # noqa: B008
    index.refresh(ledger)
    return night(ledger, index, number, query, visible, part, words)


def asked(address: str) -> dict[str, str]:
    return dict(parse_qsl(address.removeprefix("?")))


def test_without_a_batch_there_is_no_night(ledger, index):
    assert shown(ledger, index) is None
    review_ledgers.night(ledger, [])
    assert shown(ledger, index).total == "0" and shown(ledger, index, number=77) is None


def test_the_last_batch_is_shown_and_others_can_be_chosen(ledger, index):
    first = review_ledgers.night(ledger, [document("a.mp4")], scope="one")
    last = review_ledgers.night(ledger, [document("b.mp4")], scope="two", context="two")
    page = shown(ledger, index)
    assert [(one.value, one.chosen) for one in page.batches] == [(str(last), True), (str(first), False)]
    assert [line.name for line in page.lines] == ["b.mp4"]
    assert [line.name for line in shown(ledger, index, number=first).lines] == ["a.mp4"]


def test_it_tells_times_and_numbers_in_the_readers_form(ledger, index):
    started_at = "2026-03-04T01:30:00+00:00"
    review_ledgers.night(ledger, [document(f"{number}.mp4", started_at=started_at) for number in range(3)])
    for words, recorded in ((ENGLISH, "04/03/2026, 09:30"), (CHINESE, "2026/3/4 09:30")):
        page = shown(ledger, index, words=words)
        assert {line.recorded for line in page.lines} == {recorded}
    facts = dict(page.facts)
    assert facts["有结果的录像"] == "3" and facts["状态"] == "已结束"
    assert figure(1234567, ENGLISH) == figure(1234567, CHINESE) == "1,234,567"


def test_tiles_lead_to_the_clips_they_count_and_back(ledger, index):
    verdicts = ["pass", "pass", "fail", "undecided"]
    review_ledgers.night(ledger, [document(f"{n}.mp4", verdict) for n, verdict in enumerate(verdicts)])
    page = shown(ledger, index)
    assert [(tile.badge.style, tile.count, tile.share) for tile in page.tiles] == [
        ("fail", "1", 0.25), ("undecided", "1", 0.25), ("pass", "2", 0.5),
    ]  # fmt: skip
    query = query_of(list(asked(page.tiles[0].link).items()))
    assert query == Query(counted="fail")
    narrowed = shown(ledger, index, query)
    assert [line.name for line in narrowed.lines] == ["2.mp4"] and narrowed.tiles[0].chosen
    assert query_of(list(asked(narrowed.tiles[0].link).items())) == Query()
    assert narrowed.tiles[2].count == "2"  # the other verdicts keep their numbers


def test_parts_and_order_are_kept_in_the_addresses(ledger, index):
    review_ledgers.night(ledger, [document(f"{number:03d}.mp4", unit="a&b=c") for number in range(ROWS + 5)])
    query = Query(unit="a&b=c", sort="recorded", down=True)
    page = shown(ledger, index, query)
    assert (page.first, page.last, page.previous) == (1, ROWS, "")
    assert asked(page.next)["part"] == "2" and query_of(list(asked(page.next).items())) == query
    second = shown(ledger, index, query, part=2)
    assert (second.first, second.last, second.next) == (ROWS + 1, ROWS + 5, "")
    assert query_of(list(asked(second.previous).items())) == query and "part" not in asked(second.previous)
    beyond = shown(ledger, index, query, part=9)
    assert beyond.lines == () and (beyond.first, beyond.last) == (0, 0)


def test_a_head_sorts_and_sorts_back(ledger, index):
    review_ledgers.night(ledger, [document("a.mp4")])
    head = {head.label: head for head in shown(ledger, index).heads}
    assert head["Clip"].order == "ascending" and asked(head["Clip"].link)["down"] == "1"
    assert head["Violations"].order == "none"
    query = query_of(list(asked(head["Violations"].link).items()))
    assert query == Query(sort="violations", down=True)  # most first
    again = {head.label: head for head in shown(ledger, index, query).heads}
    assert again["Violations"].order == "descending"
    assert query_of(list(asked(again["Violations"].link).items())) == Query(sort="violations")


def test_clips_without_a_result_are_told_with_the_reason_to_who_sees_all_units(ledger, index):
    review_ledgers.night(ledger, [document("a.mp4", unit="one")])
    batch = ledger.start_batch("/store", "shijiazhuang-safety", {}, "1")
    ledger.see_files(batch, "/store", [StoredFile(b"\xd6\xd0.mp4", 1, 1, refused=Message("It is a pipe."))])
    ledger.end_batch(batch)
    page = shown(ledger, index)
    assert [(one.reason, one.count, one.path) for one in page.without] == [("It is a pipe.", "1", "\\xd6\\xd0.mp4")]
    assert shown(ledger, index, visible=Visible(frozenset({"one"}))).without == ()


def test_filters_offer_what_there_is_and_keep_what_was_chosen(ledger, index):
    review_ledgers.night(ledger, [document("a.mp4", unit="one", findings=[("picture-cut", "note")])])
    page = shown(ledger, index, Query(unit="gone", kind="picture-cut"), words=CHINESE)
    assert [(one.value, one.chosen) for one in page.filters["unit"]] == [("", False), ("one", False), ("gone", True)]
    (chosen,) = [one for one in page.filters["kind"] if one.chosen]
    assert chosen.value == "picture-cut" and chosen.label not in ("picture-cut", "")


def test_an_address_is_read_strictly():
    assert query_of([("unit", " x "), ("unknown", "y"), ("part", "3"), ("down", "1")]) == Query(unit="x", down=True)
    with pytest.raises(ValueError, match="nothing"):
        query_of([("sort", "nothing")])
