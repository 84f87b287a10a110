"""The page of the audit log: who sees what of it, its verification and its export."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from benchmarks.documents import document
from pipeline.batch.chain import canonical
from pipeline.batch.ledger import Ledger
from pipeline.review import accounts, audit
from pipeline.review.app import create_app
from pipeline.review.audit_routes import ROWS
from pipeline.review.audit_views import ACTIONS, OF_NO_CLIP
from pipeline.review.index import ReviewIndex
from pipeline.review.rights import CLASSES
from pipeline.review.web import office_of
from tests.pipeline.review_ledgers import night
from tests.pipeline.test_review_app import PASSWORD, client, keys

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def served(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        told = [document("mine.mp4", unit="one", access="open"), document("theirs.mp4", unit="two", access="open")]
        night(ledger, told, store=str(tmp_path / "store"))
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        accounts.add(ledger, "root", "auditor", PASSWORD, ["auditor"], all_units=True, classes=CLASSES)
        accounts.add(ledger, "root", "narrow", PASSWORD, ["auditor"], units=["one"], classes=["open"])
        index = ReviewIndex(tmp_path / "review.index")
        index.refresh(ledger)
        yield ledger, create_app(office_of(ledger, index, tmp_path / "cache", language="en"), ["testserver"])
        index.close()


def opened(ledger, *names: str) -> None:
    """Note that somebody opened clips."""
    for name in names:
        audit.add(ledger, "root", "clip-viewed", keys(ledger)[name], {"path": name, "sha256": "ab" * 32})


def rows(page: str) -> dict[int, str]:
    """Return the rows of the list by their numbers."""
    return {int(seq): row for seq, row in re.findall(r'<tr id="event-(\d+)">(.*?</details>)', page, re.DOTALL)}


def entries(row: str) -> dict[str, str]:
    """Return what the details of a row say."""
    found = re.findall(r'<tr><th scope="row">([^<]+)</th><td>(?:<bdi>|<code>)([^<]*)<', row)
    return dict(found)


def exported(who, query: str = "") -> list[dict]:
    answer = who.get(f"/audit/log.jsonl{query}")
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    return [json.loads(line) for line in answer.text.splitlines()]


def verify(who):
    csrf = re.search(r'name="csrf" value="([^"]+)"', who.get("/audit?before=1").text)[1]
    answer = who.post("/audit/verification", data={"csrf": csrf})
    assert answer.status_code == 200
    return answer.text


def run(ledger, statement: str) -> None:
    ledger.database.write(lambda connection: connection.execute(text(statement)))


# ---- every action has words ------------------------------------------------------------------------------------------


def _texts(node: ast.expr, constants: dict[str, str]) -> set[str]:
    """Return the actions that an expression can be; empty if it cannot be told."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _texts(node.body, constants) | _texts(node.orelse, constants)
    return {constants[node.id]} if isinstance(node, ast.Name) and node.id in constants else set()


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                for name, entry in zip(names, values, strict=False):
                    if isinstance(entry, ast.Constant) and isinstance(name, ast.Name):
                        found[name.id] = entry.value
    return found


def _is_added(call: ast.Call) -> bool:
    of = call.func
    return isinstance(of, ast.Attribute) and of.attr == "add" and getattr(of.value, "id", "") == "audit"


def actions_in(tree: ast.Module) -> set[str]:
    """Return every action that a module adds, also through a function of its own that takes the action."""
    constants, found = _constants(tree), set()
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        names = [one.arg for one in function.args.args]
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call) and _is_added(node)]:
            action = call.args[2]
            texts = _texts(action, constants)
            if not texts and isinstance(action, ast.Name) and action.id in names:
                place = names.index(action.id)
                calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)
                         and getattr(one.func, "id", "") == function.name]  # fmt: skip
                texts = {text for one in calls for text in _texts(one.args[place], constants)}
            assert texts, f"line {call.lineno}: it cannot be told which action this is"
            found |= texts
    return found


def test_every_action_that_the_code_adds_has_words():
    modules = sorted((ROOT / "pipeline").rglob("*.py"))
    found = {action for path in modules for action in actions_in(ast.parse(path.read_text(encoding="utf-8")))}
    assert {"log-in", "user-enable", "clip-viewed", "decision-reopened", "audit-verified"} <= found
    assert found - set(ACTIONS) == set()
    assert all(audit.ACTION.fullmatch(action) for action in ACTIONS) and set(ACTIONS) >= OF_NO_CLIP


# ---- the list --------------------------------------------------------------------------------------------------------


def test_the_log_says_who_did_what_to_what_and_when(served):
    ledger, app = served
    opened(ledger, "mine.mp4")
    event = audit.page(ledger).events[0]
    page = client(app, "auditor").get("/audit", headers={"accept-language": "en"}).text
    row, key = rows(page)[event.seq], keys(ledger)["mine.mp4"]
    assert f'href="/clips/{key}"' in row and ">mine.mp4<" in row and "Clip opened" in row and ">root<" in row
    told = entries(row)
    assert told["Key of the result"] == key and told["SHA-256 of the file"] == "ab" * 32
    assert told["SHA-256 of this event"] == event.sha256 and "{" not in row
    assert list(rows(page)) == sorted(rows(page), reverse=True)


def test_times_are_those_of_china_to_the_second(served):
    ledger, app = served
    opened(ledger, "mine.mp4")
    last = audit.page(ledger).events[0].seq
    run(ledger, f"UPDATE events SET at = '2026-03-04T18:59:58.000000+00:00' WHERE seq = {last}")
    row = rows(client(app, "auditor").get("/audit?since=2026-03-05&until=2026-03-05").text)
    assert list(row) == [last] and "5 Mar 2026, 02:59:58" in row[last]
    assert rows(client(app, "auditor").get("/audit?until=2026-03-04").text) == {}


def test_of_a_clip_that_the_account_may_not_see_only_the_key_is_shown(served):
    ledger, app = served
    opened(ledger, "mine.mp4", "theirs.mp4")
    audit.add(ledger, "root", "exported", "theirs.mp4", {"paths": ["theirs.mp4"], "count": 41})
    who, known = client(app, "narrow"), keys(ledger)
    page = who.get("/audit").text
    assert "theirs.mp4" not in page and "41" not in re.sub(r"[0-9a-f]{64}", "", page)
    assert f'href="/clips/{known["theirs.mp4"]}"' not in page and known["theirs.mp4"] in page
    assert f'href="/clips/{known["mine.mp4"]}"' in page
    assert client(app, "auditor").get("/audit").text.count("theirs.mp4") >= 4
    lines = exported(who)
    assert "theirs.mp4" not in json.dumps(lines)
    (hidden,) = [line for line in lines if line.get("subject") == known["theirs.mp4"]]
    assert hidden["left_out"] == ["details"]
    (whole,) = [line for line in lines if line["action"] == "exported"]
    assert whole["left_out"] == ["subject", "details"]


def test_what_somebody_typed_into_a_name_is_shown_as_text(served):
    ledger, app = served
    audit.add(ledger, "<script>", "user-add", "<i>x</i>", {"reason": "<b>\u202e"})
    page = client(app, "auditor").get("/audit").text
    assert "<script>" not in page.replace('<script src="', "") and "<i>x" not in page and "<b>" not in page


@pytest.mark.parametrize(("query", "expected"), [
    ("?actor=narrow", {"log-in"}),
    ("?action=user-add", {"user-add"}),
    ("?subject=root", {"user-add"}),
    ("?actor=root&action=user-add&subject=narrow", {"user-add"}),
    ("?actor=nobody", set()),
    ("?since=2000-01-01&until=2000-01-02", set()),
    ("?since=2000-01-01&action=log-in", {"log-in"}),
])  # fmt: skip
def test_the_list_and_the_export_are_narrowed_alike(served, query, expected):
    _, app = served
    client(app, "narrow")
    who = client(app, "auditor")
    page = who.get(f"/audit{query}").text
    words = {ACTIONS[action] for action in expected}
    assert {re.findall(r"<td[^>]*>([^<]*)</td>", row)[-1] for row in rows(page).values()} == words
    assert {line["action"] for line in exported(who, query)} == expected


@pytest.mark.parametrize("query", ["since=yesterday", "until=0001-01-01", "until=9999-12-31", "before=0", "before=x"])
def test_what_is_no_day_and_no_number_is_not_found(served, query):
    _, app = served
    assert client(app, "auditor").get(f"/audit?{query}").status_code == 404


def test_every_event_is_on_one_page_and_on_no_other(served):
    ledger, app = served
    for number in range(2 * ROWS):
        audit.add(ledger, f"user{number % 3}", "clip-viewed", keys(ledger)["mine.mp4"])
    who = client(app, "auditor")
    last, found, address = audit.page(ledger, limit=1).events[0].seq, [], "/audit"
    while address:
        page = who.get(address).text
        found += list(rows(page))
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older and "/audit" + older[1].replace("&amp;", "&")
    assert found == list(range(last, 0, -1))
    page = who.get("/audit?actor=user1").text
    assert 'rel="next"' not in page and len(rows(page)) == len(range(1, 2 * ROWS, 3))


def test_views_of_the_first_page_and_exports_are_events_themselves(served):
    ledger, app = served
    who = client(app, "auditor")
    who.get("/audit")
    who.get("/audit?action=log-in&actor=auditor")
    who.get("/audit?before=2")
    exported(who, "?action=log-in")
    done = [(event.action, dict(event.details)) for event in audit.page(ledger, actor="auditor").events]
    assert done[:-1] == [
        ("audit-exported", {"action": "log-in"}),
        ("audit-viewed", {"action": "log-in", "actor": "auditor"}),
        ("audit-viewed", {}),
    ]


def test_an_event_that_was_spoilt_by_hand_does_not_keep_the_rest_from_being_shown(served):
    ledger, app = served
    run(ledger, "UPDATE events SET at = 'never', details = 'no JSON' WHERE seq = 2")
    page = client(app, "auditor").get("/audit").text
    assert entries(rows(page)[2])["Unreadable"] == "no JSON" and len(rows(page)) >= 3


# ---- verification and export -----------------------------------------------------------------------------------------


def test_the_log_is_verified(served):
    ledger, app = served
    who = client(app, "auditor")
    audit.sign_head(ledger)
    last = audit.extent(ledger, None).last
    page = verify(who)
    assert f"complete and unchanged up to event {last}" in page and "badge pass" in page
    event = audit.page(ledger, action="audit-verified").events[0]
    assert (event.actor, event.details["problems"]) == ("auditor", 0)
    opened(ledger, "mine.mp4")
    page = verify(who)
    assert f"complete and unchanged up to event {last}" in page, "what is not signed yet is no change"
    assert "were added after the head was last signed" in page


@pytest.mark.parametrize(("statement", "said"), [
    ("UPDATE events SET actor = 'innocent' WHERE seq = 2", "Event 2 was edited."),
    ("DELETE FROM events WHERE seq = 2", "Events 2 to 2 were deleted."),
    ("DELETE FROM events WHERE seq >= 3", "The signed head names"),
])  # fmt: skip
def test_what_was_done_to_the_log_is_told(served, statement, said):
    ledger, app = served
    who = client(app, "auditor")
    opened(ledger, "mine.mp4", "theirs.mp4")
    audit.sign_head(ledger)
    run(ledger, statement)
    page = verify(who)
    assert said in page and "badge fail" in page and "The audit log was changed." in page
    assert audit.page(ledger, action="audit-verified").events[0].details["problems"] >= 1


def test_without_the_public_key_nothing_is_sure(served):
    ledger, app = served
    who = client(app, "auditor")
    ledger.keys.public.unlink()
    page = verify(who)
    assert "badge undecided" in page and "There is no public key" in page


def test_the_export_can_be_checked_by_itself(served):
    ledger, app = served
    opened(ledger, "mine.mp4", "theirs.mp4")
    audit.add(ledger, "张三", "decision", keys(ledger)["mine.mp4"], {"reason": "看不清", "start_s": 1.5})
    lines = exported(client(app, "auditor"))
    assert [line["seq"] for line in lines] == list(range(len(lines), 0, -1))
    for line, before in zip(lines, [*lines[1:], {"sha256": "0" * 64}], strict=True):
        assert hashlib.sha256(canonical(line["details"])).hexdigest() == line["details_sha256"]
        names = ("action", "actor", "at", "details_sha256", "previous_sha256", "subject")
        assert hashlib.sha256(canonical({name: line[name] for name in names})).hexdigest() == line["sha256"]
        assert line["previous_sha256"] == before["sha256"]
        assert datetime.fromisoformat(line["at"]).utcoffset() is not None


def test_an_export_longer_than_what_is_read_at_once_is_whole(served, monkeypatch):
    ledger, app = served
    monkeypatch.setattr("pipeline.review.audit_routes.AT_ONCE", 3)
    lines = exported(client(app, "auditor"))
    assert [line["seq"] for line in lines] == list(range(audit.extent(ledger, None).last, 0, -1)) and len(lines) > 3
