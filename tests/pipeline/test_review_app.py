"""The review page as its server answers: nobody gets what no right covers."""

from __future__ import annotations

import json
import re

import pytest
from starlette.routing import Mount
from starlette.testclient import TestClient

from benchmarks.documents import document
from pipeline.batch.ledger import Ledger
from pipeline.review import accounts, audit
from pipeline.review.app import create_app
from pipeline.review.index import ReviewIndex
from pipeline.review.rights import CLASSES, Right, Role, rights_of
from pipeline.review.web import Anyone, office_of
from tests.pipeline.review_ledgers import night

PASSWORD = "correct horse battery staple"
HTML = {"accept": "text/html"}
PUBLIC = {"style", "language", "log_in_page", "log_in", "log_out"}
NEED: dict[str, Right | Anyone] = {
    "night": Right.SEE_CLIPS,
    "clip": Right.SEE_CLIPS,
    "timeline": Right.SEE_CLIPS,
    "frames": Right.SEE_FOOTAGE,
    "still": Right.SEE_FOOTAGE,
    "hidden": Right.SEE_FOOTAGE,
    "difference": Right.SEE_FOOTAGE,
    "media": Right.SEE_FOOTAGE,
    "copy": Right.SEE_FOOTAGE,
    "decide": Right.DECIDE,
    "confirm": Right.CONFIRM,
    "reopen": Right.DECIDE,
    "labels": Right.EXPORT_LABELS,
    "account": Anyone.LOGGED_IN,
    "account_password": Anyone.LOGGED_IN,
    "users": Right.MANAGE_USERS,
    "user_new": Right.MANAGE_USERS,
    "user_add": Right.MANAGE_USERS,
    "user": Right.MANAGE_USERS,
    "user_rights": Right.MANAGE_USERS,
    "user_disable": Right.MANAGE_USERS,
    "user_enable": Right.MANAGE_USERS,
    "user_password": Right.MANAGE_USERS,
    "audit_log": Right.SEE_AUDIT_LOG,
    "audit_verify": Right.SEE_AUDIT_LOG,
    "audit_export": Right.SEE_AUDIT_LOG,
    "approve_copy": Right.APPROVE_COPIES,
    "make_export": Right.EXPORT,
    "exports": Right.EXPORT,
    "export": Right.EXPORT,
    "session": Right.SEE_CLIPS,
    "statistics": Right.SEE_STATISTICS,
    "statistics_table": Right.SEE_STATISTICS,
    "spot_checks": Right.SPOT_CHECK,
    "draw_spot_check": Right.SPOT_CHECK,
    "spot_check": Right.SPOT_CHECK,
    "note_spot_check": Right.SPOT_CHECK,
}
"""What each address must need; a new one must be put here."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    with Ledger(str(folder / "a.ledger")) as ledger:
        told = [document("mine.mp4", unit="one", access="open"), document("theirs.mp4", unit="two", access="open"),
                document("secret.mp4", unit="one", access="restricted")]  # fmt: skip
        for one in told:
            one["clip"]["sha256"] = "ab" * 32
            one["examined"] = {"gaps": []}
        night(ledger, told, store=str(folder / "store"))
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        for role in Role:
            accounts.add(ledger, "root", f"a-{role}", PASSWORD, [role], all_units=True, classes=CLASSES)
        accounts.add(ledger, "root", "narrow", PASSWORD, ["supervisor"], units=["one"], classes=["open"])
        index = ReviewIndex(folder / "review.index")
        index.refresh(ledger)
        yield ledger, create_app(office_of(ledger, index, folder / "cache"), ["testserver"])
        index.close()


def client(app, name: str | None = None) -> TestClient:
    made = TestClient(app, headers=HTML, follow_redirects=False)
    if name is not None:
        csrf = re.search(r'name="csrf" value="([^"]+)"', made.get("/log-in").text)[1]
        answer = made.post("/log-in", data={"name": name, "password": PASSWORD, "csrf": csrf, "to": "/"})
        assert answer.status_code == 303, answer.text
    return made


def keys(ledger) -> dict[str, str]:
    return {json.loads(told)["clip"]["path"]: key for key, told in _results(ledger)}


def _results(ledger):
    from sqlalchemy import select

    from pipeline.batch.tables import results

    names = ledger.database.read(lambda connection: list(connection.scalars(select(results.c.key))))
    return [(key, ledger.result(key)) for key in names]


def address(route, key: str) -> str:
    values = {
        "key": key,
        "frame": "0",
        "first": "0",
        "second": "1",
        "tag": "en",
        "finding": "f1",
        "number": "999999",
        "name": "pdf-0",
        "draw": "D0",
        "line": "2",
    }
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda m: values[m[1]], route.path)


def routes(app):
    return [route for route in app.routes if not isinstance(route, Mount)]


def test_every_address_names_a_right_and_the_public_ones_are_known(served):
    _, app = served
    found = {route.name: route.right for route in routes(app)}
    assert {name for name, right in found.items() if right is None} == PUBLIC
    assert {name: right for name, right in found.items() if right is not None} == NEED


@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_reaches_what_its_rights_cover_and_nothing_else(served, role):
    ledger, app = served
    who = client(app, None if role is None else f"a-{role}")
    key = keys(ledger)["mine.mp4"]
    if role is not None:
        who.headers["x-csrf-token"] = re.search(r'name="csrf" value="([^"]+)"', who.get("/account").text)[1]
    for route in routes(app):
        if route.right is None:
            continue
        for headers in ({}, {"range": "bytes=0-9"}):
            for method in route.methods:
                answer = who.request(method, address(route, key), headers=headers)
                if role is None and method != "GET":
                    assert answer.status_code == 401, route.path
                elif role is None:
                    assert answer.status_code == 303 and "/log-in" in answer.headers["location"], route.path
                elif route.right is Anyone.LOGGED_IN or route.right in rights_of([role]):
                    assert answer.status_code != 403 and "/log-in" not in answer.headers.get("location", ""), route.path
                elif route.name == "night":
                    assert answer.status_code == 303 and answer.headers["location"] == "/users", role
                else:
                    assert answer.status_code == 403, (route.path, answer.status_code)


@pytest.mark.parametrize("role", Role)
def test_who_is_logged_in_begins_at_a_page_for_it(served, role):
    _, app = served
    who = client(app, f"a-{role}")
    who.follow_redirects = True
    page = who.get("/")
    assert page.status_code == 200
    home = re.search(r'class="product" href="([^"]+)"', page.text)[1]
    assert home == page.url.path == ("/users" if role is Role.ADMIN else "/")


def test_an_account_without_roles_begins_at_its_own_page(served):
    ledger, app = served
    accounts.add(ledger, "root", "nothing", PASSWORD, [])
    who = client(app, "nothing")
    assert who.get("/").headers["location"] == "/account"
    assert who.get("/account").status_code == 200
    assert who.get("/users").status_code == 403


def test_a_clip_of_another_unit_or_class_does_not_exist(served):
    ledger, app = served
    who, known = client(app, "narrow"), keys(ledger)
    listed = re.findall(r"<bdi>(\w+\.mp4)</bdi>", who.get("/").text)
    assert listed == ["mine.mp4"]
    for route in routes(app):
        if "{key}" in route.path:
            for name in ("theirs.mp4", "secret.mp4"):
                answer = who.get(address(route, known[name]))
                assert answer.status_code in (404, 422), route.path
                assert name not in answer.text
    assert who.get(f"/clips/{known['mine.mp4']}").status_code == 200
    assert who.get("/clips/" + "0" * 64).status_code == 404


def test_an_analyst_sees_numbers_and_no_footage(served):
    ledger, app = served
    who, key = client(app, "a-analyst"), keys(ledger)["mine.mp4"]
    page = who.get(f"/clips/{key}")
    assert page.status_code == 200 and "<video" not in page.text


def test_views_log_ins_and_log_outs_are_in_the_audit_log(served):
    ledger, app = served
    who, key = client(app, "a-auditor"), keys(ledger)["mine.mp4"]
    who.get(f"/clips/{key}")
    csrf = re.search(r'name="csrf" value="([^"]+)"', who.get("/").text)[1]
    assert who.post("/log-out", data={"csrf": csrf}).status_code == 303
    assert who.get("/").headers["location"].startswith("/log-in")
    events = audit.page(ledger, actor="a-auditor").events
    assert [event.action for event in events][:3] == ["log-out", "clip-viewed", "log-in"]
    assert events[1].subject == key and events[1].details["path"] == "mine.mp4"


def test_a_form_of_another_site_is_refused(served):
    _, app = served
    who = client(app, "a-supervisor")
    csrf = re.search(r'name="csrf" value="([^"]+)"', who.get("/").text)[1]
    assert who.post("/log-out").status_code == 403
    assert who.post("/log-out", data={"csrf": "0" * 64}).status_code == 403
    assert who.post("/log-out", data={"csrf": csrf}, headers={"origin": "https://evil.example"}).status_code == 403
    assert who.get("/").status_code == 200, "it was logged out all the same"
    stranger = client(app)
    answer = stranger.post("/log-in", data={"name": "root", "password": PASSWORD, "csrf": "guessed"})
    assert answer.status_code == 403 and "unbroken-session" not in answer.headers.get("set-cookie", "")


def test_a_wrong_password_says_no_more_than_that(served):
    _, app = served
    said = []
    for name in ("root", "nobody"):
        who = client(app)
        csrf = re.search(r'name="csrf" value="([^"]+)"', who.get("/log-in").text)[1]
        answer = who.post("/log-in", data={"name": name, "password": "wrong wrong wrong", "csrf": csrf})
        assert answer.status_code == 401 and "wrong wrong" not in answer.text
        said.append(re.search(r'role="alert">([^<]+)<', answer.text)[1])
    assert said[0] == said[1]


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_away(served, to):
    _, app = served
    who = client(app)
    assert who.get("/language/en", params={"to": to}).headers["location"] == "/"
    page = who.get("/log-in", params={"to": to}).text
    assert re.search(r'name="to" value="([^"]*)"', page)[1] == "/"


def test_pages_carry_what_keeps_browsers_from_going_elsewhere(served):
    _, app = served
    for path in ("/log-in", "/static/review.css", "/style.css", "/nothing", "/clips/x"):
        answer = client(app).get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client(app).get("/log-in", headers={"host": "evil.example"}).status_code == 400


def test_nothing_leads_out_of_the_folder_of_static_files(served):
    _, app = served
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"):
        assert client(app).get(path).status_code == 404
