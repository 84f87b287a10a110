"""The page of statistics: the numbers of the command, of no clip that the account may not see."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from pipeline.batch.ledger import Ledger
from pipeline.report.results import read_results
from pipeline.review import audit
from pipeline.review.counting import Span, counted
from pipeline.review.index import ReviewIndex, Visible
from pipeline.statistics import document, statistics
from tests.pipeline.recorded import client, clip, served
from tests.pipeline.review_ledgers import night

MONTH_S = 31 * 24 * 3600
DOCUMENTS = [
    clip(1, 0, findings=(("picture-cut", "violation"), ("picture-cut", "suspect")), verdict="fail"),
    clip(2, 60, findings=(("picture-cut", "suspect"), ("signs-seen", "note"))),
    clip(3, 120, verdict="undecided", rules={"CONT-1": "undecided", "PLACE-1": "fail"}),
    clip(4, MONTH_S, unit="two", device="M9B4455"),
    clip(5, MONTH_S, unit="two", device=None, verdict="fail"),
    clip(6, None, unit=None, verdict="undecided", unreadable="broken", length_s=0.0),
    clip(7, MONTH_S, unit="one", access="restricted", verdict="fail"),
    clip(8, 0, unit="one", secrecy=["state"]),
]
KEYS = [(), ("unit",), ("device",), ("month",), ("rule",), ("unit", "month"), ("unit", "rule")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("statistics")
    with Ledger(str(folder / "a.ledger")) as ledger:
        app, index = served(folder, ledger, DOCUMENTS)
        yield ledger, app, index, folder
        index.close()


def of_command(folder, ledger, by, keep=lambda told: True):
    """Return what `unbroken statistics` counts of the ledger's documents."""
    told = [one for one in map(json.loads, ledger.documents()) if keep(one)]
    (folder / "results.json").write_text(json.dumps(told))
    return document(statistics(read_results([folder / "results.json"]), by))


def without_order(told):
    """Return tables whose rows are in no order where no order is promised, with figures as they are printed."""
    rows = [json.dumps(row, sort_keys=True) for row in told["rules"]]
    return {**json.loads(json.dumps(told), parse_float=lambda text: round(float(text), 9)), "rules": sorted(rows)}


@pytest.mark.parametrize("by", KEYS, ids=str)
def test_index_and_command_count_alike(pages, by):
    ledger, _, index, folder = pages
    found = document(counted(index, index.scope(ledger, 1), 1, Visible(), by))
    assert without_order(found) == without_order(of_command(folder, ledger, by))
    assert found["total"]["clips"] == 8


@pytest.mark.parametrize("by", KEYS, ids=str)
def test_what_an_account_may_see_is_counted_as_if_there_were_nothing_else(pages, by):
    ledger, _, index, folder = pages
    visible = Visible(frozenset({"one"}), frozenset({"open"}))
    found = document(counted(index, index.scope(ledger, 1), 1, visible, by))
    keep = [f"/store/K7A0123_{number:04d}.mp4" for number in (1, 2, 3)]
    assert without_order(found) == without_order(
        of_command(folder, ledger, by, lambda told: told["clip"]["path"] in keep)
    )


def test_a_period_and_a_unit_narrow_what_is_counted(pages):
    ledger, _, index, _ = pages
    scope = index.scope(ledger, 1)
    assert counted(index, scope, 1, Visible(), (), Span(unit="two")).total.clips == 2
    assert counted(index, scope, 1, Visible(), (), Span(since="2026-04")).total.clips == 3
    assert counted(index, scope, 1, Visible(), (), Span(until="2026-03")).total.clips == 4
    assert counted(index, scope, 1, Visible(), (), Span(unit="one", since="2026-03", until="2026-03")).total.clips == 4


def test_copies_count_once_and_the_page_says_so(tmp_path):
    told = [clip(1, 0), clip(1, 0, name="z/copy.mp4"), clip(1, 0, name="other case.mp4", case_number="2026-99"),
            clip(2, 60), clip(2, 60, name="z/differs.mp4", verdict="fail")]  # fmt: skip
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        app, index = served(tmp_path, ledger, told)
        found = counted(index, index.scope(ledger, 1), 1, Visible(), ("unit",))
        alike = of_command(tmp_path, ledger, ["unit"], lambda one: "differs" not in one["clip"]["path"])
        said = [str(note) for note in found.notes]
        assert document(found)["groups"] == alike["groups"]
        assert set(alike["notes"]) - set(said) == {alike["notes"][0]}, "only the number of copies is another"
        assert said[0].startswith("1 contents lie in the store several times")
        assert said[1].startswith("2 results tell of a clip that another tells of too")
        assert said[0] in client(app, "boss").get("/statistics").text
        index.close()


def test_only_the_newest_result_of_a_clip_counts(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        night(ledger, [clip(1, 0, verdict="fail"), clip(2, 60, verdict="fail")], context="before")
        night(ledger, [clip(1, 0), clip(2, 60)], context="after")
        index = ReviewIndex(tmp_path / "review.index")
        index.refresh(ledger)
        found = counted(index, index.scope(ledger, 2), 2, Visible(), ()).total
        assert (found.clips, found.counts["pass"]) == (2, 2)
        index.close()


@pytest.mark.parametrize(("by", "rows"), [("unit", 4), ("device", 4), ("month", 4), ("rule", 3), ("kind", 2)])
def test_the_page_shows_bars_and_table(pages, by, rows):
    _, app, _, _ = pages
    answer = client(app, "boss").get("/statistics", params={"by": by})
    assert answer.status_code == 200
    table = answer.text.split('<table class="sheet" aria-label="As a table">')[1].split("</table>")[0]
    assert table.count('<th scope="row"') == rows
    assert "These numbers cover every clip of the batch." in answer.text
    bars = re.findall(r'<svg class="bar-figure".*?</svg>', answer.text, re.DOTALL)
    assert len(bars) == (1 if by == "kind" else rows - 1)
    for bar in bars:
        parts = [(float(x), float(w)) for x, w in re.findall(r'x="([\d.]+)%" y="2" width="([\d.]+)%"', bar)]
        assert all(left + width <= 100.01 for left, width in parts)
        if by != "kind":
            assert sum(width for _, width in parts) == pytest.approx(100, abs=0.01)


def test_numbers_of_the_page_cover_only_what_the_account_may_see_and_it_says_so(pages):
    _, app, _, _ = pages
    text = client(app, "narrow").get("/statistics").text
    assert "Units: one. Access classes: open." in text
    assert 'class="count">3<' in text and "two" not in re.sub(r"<[^>]+>", "", text).split()
    empty = client(app, "blind").get("/statistics").text
    assert 'class="count">0<' in empty and "There is nothing to count." in empty


def test_the_table_as_csv_is_that_of_the_command_and_its_export_is_noted(pages):
    ledger, app, _, _ = pages
    who = client(app, "narrow")
    answer = who.get("/statistics.csv", params={"by": "unit"})
    assert answer.headers["content-type"].startswith("text/csv") and answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["unit"], row["clips"], row["passed"], row["failed"], row["undecided"]) == ("one", "3", "1", "1", "1")
    kinds = list(csv.DictReader(io.StringIO(who.get("/statistics.csv?by=kind").content.decode("utf-8-sig"))))
    assert [(one["kind"], one["violation"], one["suspect"], one["examined"]) for one in kinds] == [
        ("picture-cut", "1", "1", "3"), ("signs-seen", "0", "0", "3"),
    ]  # fmt: skip
    assert audit.page(ledger, actor="narrow", action="statistics-exported").events[0].details["by"] == "kind"


def test_what_there_is_not_is_not_found(pages):
    _, app, _, _ = pages
    who = client(app, "boss")
    for asked in ("by=officer", "batch=99", "since=march", "until=2026"):
        assert who.get(f"/statistics?{asked}").status_code == 404
        assert who.get(f"/statistics.csv?{asked}").status_code == 404
