"""Pages of accounts: what an admin does to them, and what everybody does to their own."""

from __future__ import annotations

import re

import pytest

from pipeline.batch.ledger import Ledger
from pipeline.errors import SettingsError
from pipeline.review import accounts, audit, logins
from pipeline.review.app import create_app
from pipeline.review.index import ReviewIndex
from pipeline.review.rights import CLASS_WORDS, CLASSES, RIGHT_WORDS, ROLE_WORDS, Right, Role
from pipeline.review.web import office_of
from tests.pipeline.test_review_app import PASSWORD, client

NEW = "another horse, battery & staple"


@pytest.fixture
def served(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        accounts.add(ledger, "system", "root", PASSWORD, ["admin"])
        accounts.add(ledger, "root", "张三", PASSWORD, ["supervisor"], units=["监察支队"], classes=["open"])
        index = ReviewIndex(tmp_path / "review.index")
        index.refresh(ledger)
        yield ledger, create_app(office_of(ledger, index, tmp_path / "cache", language="en"), ["testserver"])
        index.close()


def send(who, path, **data):
    csrf = re.search(r'name="csrf" value="([^"]+)"', who.get("/account").text)[1]
    return who.post(path, data={"csrf": csrf, **data})


def alarm(answer) -> str:
    return re.search(r'role="alert">([^<]+)<', answer.text)[1]


def actions(ledger) -> list[str]:
    return [event.action for event in audit.page(ledger).events]


def ticked(text: str, name: str) -> set[str]:
    return {value for value, more in re.findall(rf'name="{name}" value="([^"]+)"([^>]*)>', text) if "checked" in more}


def can_log_in(ledger, name, password) -> bool:
    try:
        logins.log_in(ledger, name, password, "elsewhere")
    except logins.LogInRefused:
        return False
    return True


def test_every_role_right_and_class_has_words():
    assert set(ROLE_WORDS) == set(Role) and set(RIGHT_WORDS) == set(Right) and set(CLASSES) <= set(CLASS_WORDS)


def test_the_list_shows_each_account_and_its_last_log_in(served):
    ledger, app = served
    who = client(app, "root")
    rows = re.findall(r"<tr>.*?</tr>", who.get("/users").text.split("<tbody>")[1], re.DOTALL)
    cells = {re.search(r"<bdi>([^<]+)", row)[1]: re.findall(r"<td[^>]*>([^<]*)<", row) for row in rows}
    assert cells["张三"][:4] == ["Supervisor", "监察支队", "open", "may log in"]
    assert cells["张三"][5] == "–" and cells["root"][5] != "–"
    (root, _) = accounts.listed(ledger)
    assert root.created_at <= root.last_log_in_at


def test_an_account_is_added_and_can_be_used(served):
    ledger, app = served
    who = client(app, "root")
    answer = send(who, "/users/new", name="李四", password=NEW, again=NEW, roles=["investigator", "analyst"],
                  units="一队\n\n 二队 \r\n", classes=["open", "privacy"])  # fmt: skip
    assert answer.status_code == 303
    page = who.get(answer.headers["location"])
    assert 'role="status"' in page.text and ticked(page.text, "roles") == {"investigator", "analyst"}
    made = accounts.find(ledger, "李四")
    assert made.roles == {"investigator", "analyst"} and made.units == {"一队", "二队"} and not made.all_units
    assert made.classes == {"open", "privacy"}
    assert audit.page(ledger, action="user-add").events[0].actor == "root"
    assert can_log_in(ledger, "李四", NEW)


@pytest.mark.parametrize(("changed", "said"), [
    ({"password": "short", "again": "short"}, "too short"),
    ({"again": NEW + "!"}, "differ"),
    ({"password": "", "again": ""}, "No password"),
    ({"name": "ＺＨＡＮＧ三", "password": "zhang三zhang三", "again": "zhang三zhang三"}, "too short"),
    ({"name": "张三"}, "there is an account of this name"),
    ({"name": "<b>"}, "no name of an account"),
    ({"roles": "king"}, "no such role"),
    ({"classes": "cosmic"}, "no such access class"),
])  # fmt: skip
def test_what_cannot_be_added_is_told_with_all_that_was_typed_but_the_password(served, changed, said):
    ledger, app = served
    who = client(app, "root")
    typed = {"name": "李四", "password": NEW, "again": NEW, "roles": "analyst", "units": "一队", "all_units": "1"}
    answer = send(who, "/users/new", **{**typed, **changed})
    assert answer.status_code == 422 and said in alarm(answer)
    assert ">一队</textarea>" in answer.text and ticked(answer.text, "all_units") == {"1"}
    assert ticked(answer.text, "roles") == ({"analyst"} if "roles" not in changed else set())
    assert NEW not in answer.text.replace("&amp;", "&") and "<b>:" not in answer.text
    assert len(accounts.all_accounts(ledger)) == 2 and "user-add" not in actions(ledger)[:-2]


def test_rights_are_changed_and_the_sessions_of_the_account_end(served):
    ledger, app = served
    who, changed = client(app, "root"), client(app, "张三")
    number = accounts.find(ledger, "张三").id
    assert 'value="supervisor" checked' in who.get(f"/users/{number}").text
    answer = send(who, f"/users/{number}/rights", roles="auditor", all_units="1", units="监察支队")
    assert answer.headers["location"] == f"/users/{number}?done=changed"
    now = accounts.find(ledger, "张三")
    assert now.roles == {"auditor"} and now.all_units and now.units == {"监察支队"} and not now.classes
    assert "/log-in" in changed.get("/").headers["location"]
    assert audit.page(ledger, action="user-set").events[0].details["before"]["roles"] == ["supervisor"]


def test_an_account_is_disabled_and_enabled(served):
    ledger, app = served
    who, number = client(app, "root"), accounts.find(ledger, "张三").id
    assert send(who, f"/users/{number}/disable").status_code == 303
    assert not can_log_in(ledger, "张三", PASSWORD)
    assert send(who, f"/users/{number}/enable").status_code == 303
    assert can_log_in(ledger, "张三", PASSWORD)


def test_another_password_is_set(served):
    ledger, app = served
    who, number = client(app, "root"), accounts.find(ledger, "张三").id
    answer = send(who, f"/users/{number}/password", password=NEW, again=NEW[:-1])
    assert answer.status_code == 422 and "differ" in alarm(answer)
    assert send(who, f"/users/{number}/password", password=NEW, again=NEW).status_code == 303
    assert can_log_in(ledger, "张三", NEW) and not can_log_in(ledger, "张三", PASSWORD)


def test_the_last_admin_stays(served):
    ledger, app = served
    who, number = client(app, "root"), accounts.find(ledger, "root").id
    for path, data in (("disable", {}), ("rights", {"roles": "auditor"})):
        answer = send(who, f"/users/{number}/{path}", **data)
        assert answer.status_code == 422 and "last admin" in alarm(answer), path
    assert ticked(answer.text, "roles") == {"auditor"}, "what was ticked is lost"
    assert accounts.find(ledger, "root").roles == {"admin"}


def test_an_admin_who_changes_the_own_account_is_led_to_the_log_in(served):
    ledger, app = served
    who, number = client(app, "root"), accounts.find(ledger, "root").id
    answer = send(who, f"/users/{number}/rights", roles=["admin", "auditor"])
    assert answer.headers["location"] == "/log-in?told=ended"
    assert "sessions have ended" in who.get(answer.headers["location"]).text
    assert "/log-in" in who.get("/users").headers["location"]


def test_no_admin_sets_the_own_password_without_the_old_one(served):
    ledger, app = served
    who, number = client(app, "root"), accounts.find(ledger, "root").id
    assert 'name="password"' not in who.get(f"/users/{number}").text
    answer = send(who, f"/users/{number}/password", password=NEW, again=NEW)
    assert answer.status_code == 422 and can_log_in(ledger, "root", PASSWORD)


def test_an_account_that_is_not_there_is_not_found(served):
    _, app = served
    who = client(app, "root")
    assert who.get("/users/999").status_code == 404 and who.get("/users/abc").status_code == 404
    assert who.get("/users/" + "9" * 30).status_code == 404
    assert send(who, "/users/999/disable").status_code == 404


def test_everybody_sees_the_own_account_and_no_other(served):
    _, app = served
    who = client(app, "张三")
    page = who.get("/account").text
    assert "Supervisor" in page and "监察支队" in page and "root" not in page
    assert '<a href="/account" aria-current="page">' in page
    assert who.get("/users").status_code == 403


def test_the_own_password_is_changed_and_all_sessions_end(served):
    ledger, app = served
    who, other = client(app, "张三"), client(app, "张三")
    answer = send(who, "/account/password", old=PASSWORD, password=NEW, again=NEW)
    assert answer.headers["location"] == "/log-in?told=renewed" and "unbroken-session" not in who.cookies
    assert "Log in with the new one" in who.get(answer.headers["location"]).text
    assert "/log-in" in other.get("/").headers["location"]
    assert can_log_in(ledger, "张三", NEW) and not can_log_in(ledger, "张三", PASSWORD)


@pytest.mark.parametrize(("typed", "said", "event"), [
    ({"old": "wrong wrong wrong"}, "old password is wrong", "user-password-failed"),
    ({"old": ""}, "old password is wrong", None),
    ({"again": "x"}, "differ", None),
    ({"password": "short", "again": "short"}, "too short", None),
])  # fmt: skip
def test_a_change_of_the_own_password_that_is_refused_changes_nothing(served, typed, said, event):
    ledger, app = served
    who = client(app, "张三")
    answer = send(who, "/account/password", **{"old": PASSWORD, "password": NEW, "again": NEW, **typed})
    assert answer.status_code == 422 and said in alarm(answer) and NEW not in answer.text
    assert actions(ledger)[0] == (event or "log-in")
    assert who.get("/").status_code == 200 and can_log_in(ledger, "张三", PASSWORD)


def test_who_guesses_the_old_password_has_to_wait(served):
    _, app = served
    who = client(app, "张三")
    typed = {"old": "wrong wrong wrong", "password": NEW, "again": NEW}
    answers = [send(who, "/account/password", **typed) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert send(who, "/account/password", **{**typed, "old": PASSWORD}).status_code == 429


def test_a_form_without_the_token_of_the_session_does_nothing(served):
    ledger, app = served
    who, number = client(app, "root"), accounts.find(ledger, "张三").id
    for path, data in ((f"/users/{number}/disable", {}), ("/users/new", {"name": "x1"}), ("/account/password", {})):
        assert who.post(path, data=data).status_code == 403
    assert not accounts.find(ledger, "张三").is_disabled
    with pytest.raises(SettingsError):
        accounts.find(ledger, "x1")


def test_what_the_log_in_tells_is_one_of_its_own_sentences(served):
    _, app = served
    assert 'role="status"' not in client(app).get("/log-in?told=<b>Call+this+number</b>").text
