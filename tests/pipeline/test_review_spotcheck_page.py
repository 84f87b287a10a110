"""Spot checks of the review page: the draws of the command, in the ledger of the command, and for whom they are."""

from __future__ import annotations

import csv
import json
import math
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import spotcheck
from pipeline import spotcheck_ledger as sheet
from pipeline.batch.ledger import Ledger
from pipeline.cli import app as command
from pipeline.report.results import read_results
from pipeline.review import audit
from pipeline.review.spot_checks import place
from pipeline.spotcheck_estimate import Checked, estimate
from pipeline.statistics import wilson
from tests.pipeline.recorded import client, clip, csrf, served

DOCUMENTS = [
    clip(n, 60.0 * n, unit=("one", "two", None)[n % 3], verdict=("pass", "pass", "fail", "undecided")[n % 4],
         case_number=f"2026-{n // 4}", access="restricted" if n % 9 == 0 else "open")
    for n in range(1, 31)
]  # fmt: skip


@pytest.fixture
def pages(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        app, index = served(tmp_path, ledger, DOCUMENTS)
        yield ledger, app, tmp_path
        index.close()


def draw(who, **asked):
    told = {"batch": "1", "by": ["unit"], "measure": "share", "size": "20", "seed": "7", **asked}
    return who.post("/spot-checks", data={"csrf": csrf(who, "/spot-checks"), **told})


def rows(ledger):
    with place(ledger).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, sheet.HEADINGS))[1:]


def results(ledger, folder, keep=lambda told: True):
    path = folder / "results.json"
    path.write_text(json.dumps([told for told in map(json.loads, ledger.documents()) if keep(told)]))
    return path


def note(who, address, line, **told):
    page = who.get(address).text
    seen = re.search(rf'lines/{line}">.*?name="seen" value="(\w+)"', page, re.DOTALL)[1]
    sent = {"csrf": csrf(who, address), "seen": seen, "outcome": "in order", **told}
    return who.post(f"{address}/lines/{line}", data=sent)


@pytest.mark.parametrize(("asked", "size"), [
    ({"by": []}, {"share": 0.2}),
    ({"by": ["month", "unit"], "size": "12.5"}, {"share": 0.125}),
    ({"by": ["unit", "device"], "measure": "count", "size": "11"}, {"count": 11}),
])  # fmt: skip
def test_page_and_command_draw_alike_and_the_command_verifies_it(pages, asked, size):
    ledger, app, folder = pages
    answer = draw(client(app, "boss"), **asked)
    assert answer.status_code == 303, answer.text
    by = [key for key in ("unit", "device", "month") if key in asked["by"]]
    due = spotcheck.draw(read_results([results(ledger, folder)]), spotcheck.parameters(7, by, **size))
    assert answer.headers["location"] == f"/spot-checks/{due.id}"
    assert [(row["path"], row["sha256"]) for row in rows(ledger)] == [(one.path, one.sha256) for one in due.sample]
    told = CliRunner().invoke(command, ["spotcheck", str(folder / "results.json"), "--verify", str(place(ledger))])
    assert told.exit_code == 0, told.output


def test_the_command_continues_the_ledger_of_the_page_and_the_page_shows_it(pages):
    ledger, app, folder = pages
    who = client(app, "boss")
    draw(who)
    words = ["spotcheck", str(results(ledger, folder)), "--seed", "8", "--by", "unit", "--ledger", str(place(ledger))]
    assert CliRunner().invoke(command, words).exit_code == 0
    names = {row["draw"] for row in rows(ledger)}
    shown = set(re.findall(r'href="/spot-checks/(D\w+)"', who.get("/spot-checks").text))
    assert len(names) == 2 and shown == names
    by_command = next(row["draw"] for row in rows(ledger) if row["seed"] == "8")
    assert who.get(f"/spot-checks/{by_command}").status_code == 200
    narrow = client(app, "narrow")
    assert 'href="/spot-checks/D' not in narrow.get("/spot-checks").text, "nobody said what it was drawn from"


def test_a_draw_holds_what_the_account_may_see_and_is_for_who_may_see_all_of_that(pages):
    ledger, app, folder = pages
    narrow, boss = client(app, "narrow"), client(app, "boss")
    mine, whole = draw(narrow).headers["location"], draw(boss).headers["location"]
    seen = results(ledger, folder, lambda told: told["clip"]["case"]["unit"] == "one"
                   and told["clip"]["case"]["access"] == "open")  # fmt: skip
    due = spotcheck.draw(read_results([seen]), spotcheck.parameters(7, ["unit"], share=0.2))
    assert mine == f"/spot-checks/{due.id}" != whole
    assert boss.get(mine).status_code == boss.get(whole).status_code == narrow.get(mine).status_code == 200
    assert narrow.get(whole).status_code == 404
    assert whole.rpartition("/")[2] not in narrow.get("/spot-checks").text
    assert client(app, "blind").get(mine).status_code == 404
    assert draw(client(app, "blind")).status_code == 409


def test_what_a_person_found_stands_in_the_ledger_and_in_the_audit_log(pages):
    ledger, app, _ = pages
    who = client(app, "boss")
    address = draw(who).headers["location"]
    before = place(ledger).read_bytes().split(b"\r\n")
    assert (
        note(who, address, 3, outcome="not in order", playback="whole", remarks="=cut, at 0:12 “x”").status_code == 303
    )
    row = rows(ledger)[1]
    assert (row["checked_by"], row["outcome"], row["playback"]) == ("boss", sheet.OUTCOMES["not in order"], "whole")
    assert row["remarks"] == "'=cut, at 0:12 “x”" and re.fullmatch(r"\d{4}-\d\d-\d\d", row["checked_on"])
    after = place(ledger).read_bytes().split(b"\r\n")
    assert [n for n, (one, other) in enumerate(zip(before, after, strict=True)) if one != other] == [2]
    text = who.get(address).text
    assert 'value="=cut, at 0:12 “x”"' in text and "not in order" in text
    drawn, noted = (audit.page(ledger, action=action).events for action in ("spot-check-drawn", "spot-check-noted"))
    assert drawn[0].subject == noted[0].subject == address.rpartition("/")[2]
    assert drawn[0].details["population"] == 30 and drawn[0].details["seed"] == 7
    assert (
        noted[0].actor == "boss" and noted[0].details["outcome"] == "not in order" and "before" not in noted[0].details
    )
    note(who, address, 3, outcome="in order")
    again = audit.page(ledger, action="spot-check-noted").events[0]
    assert again.details["before"]["outcome"] == sheet.OUTCOMES["not in order"]


def test_nobody_writes_over_what_another_wrote_meanwhile(pages):
    ledger, app, _ = pages
    who = client(app, "boss")
    address = draw(who).headers["location"]
    page = who.get(address).text
    seen = re.search(r'lines/2">.*?name="seen" value="(\w+)"', page, re.DOTALL)[1]
    note(who, address, 2, remarks="the first")
    sent = {"csrf": csrf(who, address), "seen": seen, "outcome": "cannot tell"}
    assert who.post(f"{address}/lines/2", data=sent).status_code == 409
    assert rows(ledger)[0]["remarks"] == "the first"
    assert len(audit.page(ledger, action="spot-check-noted").events) == 1
    assert note(who, address, 2, outcome="fine").status_code == 404
    assert who.post(f"{address}/lines/99", data=sent).status_code == 404


def test_a_file_that_a_spreadsheet_saved_is_read_and_continued_in_its_encoding(pages):
    ledger, app, _ = pages
    who = client(app, "boss")
    address = draw(who).headers["location"]
    place(ledger).write_bytes(place(ledger).read_bytes().decode("utf-8-sig").encode("gb18030"))
    assert note(who, address, 2, remarks="清楚").status_code == 303
    assert "清楚" in place(ledger).read_bytes().decode("gb18030")
    place(ledger).write_bytes(b"something else\r\n")
    assert who.get("/spot-checks").status_code == 409


def test_the_same_draw_again_adds_nothing_and_without_a_seed_one_is_drawn_by_lot(pages):
    ledger, app, _ = pages
    who = client(app, "boss")
    assert draw(who).headers["location"] == draw(who).headers["location"]
    count = len(rows(ledger))
    first, second = draw(who, seed="").headers["location"], draw(who, seed="").headers["location"]
    assert first != second and len(rows(ledger)) == 3 * count


REFUSED = [
    *({"seed": text} for text in ("x", "-1", "1000000000")),
    *({"size": text} for text in ("0", "101", "many", "nan")),
    *({"measure": "count", "size": text} for text in ("2", "31", "2.5")),
]


def test_what_cannot_be_drawn_is_refused(pages):
    ledger, app, _ = pages
    who = client(app, "boss")
    assert [draw(who, **asked).status_code for asked in REFUSED] == [409] * len(REFUSED)
    assert not place(ledger).exists() and not audit.page(ledger, action="spot-check-drawn").events
    assert draw(who, batch="9").status_code == 404


def test_the_page_estimates_once_every_stratum_was_looked_at(pages):
    _, app, _ = pages
    who = client(app, "boss")
    address = draw(who, by=[]).headers["location"]
    assert "No estimate yet" in who.get(address).text
    for line, outcome in ((2, "not in order"), (3, "in order"), (4, "in order"), (5, "cannot tell")):
        note(who, address, line, outcome=outcome)
    low, high = wilson(1, 3)
    shown = re.findall(r'class="estimate">([^<]+)<', who.get(address).text)[0]
    told = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", shown.replace("95 %", ""))]
    assert told == [33.3, math.floor(1000 * low) / 10, math.ceil(1000 * high) / 10, 3.0]


checks = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["in order", "not in order", None])), min_size=1, max_size=30
)


@settings(deadline=None)
@given(checks)
def test_an_estimate_weighs_strata_by_their_clips(told):
    sizes = {"a": 100, "b": 10, "c": 1000}
    found = estimate(Checked(stratum, sizes[stratum], outcome, passed=True) for stratum, outcome in told)
    strata = {stratum: [o for s, o in told if s == stratum and o] for stratum in {s for s, _ in told}}
    assert set(found.missing) == {stratum for stratum, outcomes in strata.items() if not outcomes}
    if found.missing:
        assert found.all is None
        return
    whole = sum(sizes[stratum] for stratum in strata)
    due = sum(
        sizes[stratum] * Fraction(outcomes.count("not in order"), len(outcomes)) / whole
        for stratum, outcomes in strata.items()
    )
    assert found.all.share == pytest.approx(float(due))
    assert 0 <= found.all.low <= found.all.share <= found.all.high <= 1
    assert found.all == found.passed


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_with_one_stratum_the_interval_is_that_of_wilson(hits, rest):
    clips = [Checked("", 500, "not in order", True)] * hits + [Checked("", 500, "in order", True)] * rest
    found = estimate(clips).all
    if hits + rest:
        assert (found.low, found.high) == pytest.approx(wilson(hits, hits + rest), abs=1e-9)
    else:
        assert found is None
