"""Logging in: sessions, their ends, CSRF tokens, and what happens after failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from pipeline.batch.ledger import Ledger
from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.review import accounts, audit, limits, logins, passwords

PASSWORD = "correct horse battery"
OTHER = "another staple entirely"
HOME = "192.0.2.1"


@pytest.fixture
def admin(ledger):
    return accounts.add(ledger, "system:root", "chef", PASSWORD, ["admin"])


def run(ledger, statement, **values):
    ledger.database.write(lambda connection: connection.execute(text(statement), values))


def later(ledger, seconds):
    """Let time pass: everything that was written was written so much earlier."""
    run(ledger, "UPDATE logins SET started_at = started_at - :s, seen_at = seen_at - :s, ends_at = ends_at - :s",
        s=seconds)  # fmt: skip
    run(ledger, "UPDATE login_attempts SET last_at = last_at - :s", s=seconds)


def failed(ledger, name="chef", password="wrong", address=HOME) -> int:
    """Return the wait that a log-in that fails is told."""
    with pytest.raises(logins.LogInRefused) as caught:
        logins.log_in(ledger, name, password, address)
    message = caught.value.args[0]
    assert language("zh-CN").tell(message) != str(message)
    assert (str(caught.value.wait_s) in str(message)) == bool(caught.value.wait_s)
    return caught.value.wait_s


def last(ledger):
    return audit.page(ledger, limit=1).events[0]


# ---- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_from_log_in_to_log_out(ledger, admin):
    login = logins.log_in(ledger, "CHEF", PASSWORD, HOME)
    assert login.account == admin and logins.of_token(ledger, login.token) == login
    logins.log_out(ledger, login)
    assert logins.of_token(ledger, login.token) is None
    logins.log_out(ledger, login)
    told = [(event.actor, event.action, event.details) for event in reversed(audit.page(ledger).events)][1:]
    assert told == [
        ("chef", "log-in", {"address": HOME, "session": login.id}),
        ("chef", "log-out", {"session": login.id}),
    ]
    assert audit.verify(ledger, ledger.keys.load().public_key()) == []


def test_the_token_is_in_no_table_and_not_shown(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    from pipeline.review.tables import metadata

    held = ledger.database.read(
        lambda connection: [str(connection.execute(one.select()).all()) for one in metadata.tables.values()]
    )
    assert not any(login.token in rows or login.csrf in rows for rows in held)
    assert login.token not in repr(login) and len(login.token) >= 43


@pytest.mark.parametrize("token", ["", "x", "\udc80", "\0", "é" * 50])
def test_another_token_is_no_session(ledger, admin, token):
    logins.log_in(ledger, "chef", PASSWORD, HOME)
    assert logins.of_token(ledger, token) is None


def test_a_session_that_is_not_used_ends(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    for _ in range(3):
        later(ledger, logins.IDLE_S - 60)
        assert logins.of_token(ledger, login.token) is not None
    later(ledger, logins.IDLE_S)
    assert logins.of_token(ledger, login.token) is None


def test_a_session_that_is_used_ends_at_last(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    run(ledger, "UPDATE logins SET ends_at = ends_at - :s, started_at = started_at - :s", s=logins.LONGEST_S - 60)
    assert logins.of_token(ledger, login.token) is not None
    run(ledger, "UPDATE logins SET ends_at = ends_at - 60")
    assert logins.of_token(ledger, login.token) is None


def test_a_clock_that_was_set_back_does_not_lengthen_a_session(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    later(ledger, -3600)
    assert logins.of_token(ledger, login.token) is None


def test_an_account_that_was_disabled_behind_the_back_has_no_session(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    run(ledger, "UPDATE accounts SET disabled_at = 1")
    assert logins.of_token(ledger, login.token) is None


def test_a_csrf_token_is_of_its_session(ledger, admin):
    one, two = (logins.log_in(ledger, "chef", PASSWORD, HOME) for _ in range(2))
    assert one.is_csrf(one.csrf) and logins.of_token(ledger, one.token).is_csrf(one.csrf)
    for wrong in (two.csrf, "", one.csrf[:-1], one.token, "\udc80", "é"):
        assert not one.is_csrf(wrong)


# ---- failures --------------------------------------------------------------------------------------------------------


def test_unknown_disabled_and_wrong_are_told_alike_and_logged_apart(ledger, admin):
    accounts.add(ledger, "chef", "ann", PASSWORD, ["analyst"])
    accounts.disable(ledger, "chef", "ann")
    seen = []
    for name, password in (("nobody here", "x"), ("ann", PASSWORD), ("ann", "wrong"), ("chef", "wrong")):
        with pytest.raises(logins.LogInRefused) as caught:
            logins.log_in(ledger, name, password, HOME)
        seen.append((str(caught.value), last(ledger).subject, last(ledger).details["reason"]))
    assert {said for said, _, _ in seen} == {str(logins.WRONG)}
    assert [rest for _, *rest in seen] == [
        ["", "unknown-name"], ["ann", "disabled"], ["ann", "wrong-password"], ["chef", "wrong-password"],
    ]  # fmt: skip


def test_a_name_that_nobody_has_is_kept_nowhere(ledger, admin):
    failed(ledger, name="my secret passphrase")
    for name in ("events", "login_attempts"):
        rows = ledger.database.read(
            lambda connection, name=name: connection.execute(text(f"SELECT * FROM {name}")).all()
        )
        assert "secret passphrase" not in str(rows)


@pytest.mark.usefixtures("dear_passwords")
def test_the_same_work_is_done_whether_there_is_an_account_or_not(ledger, admin, monkeypatch):
    done = []
    verify = passwords.HASHES.verify_and_update
    monkeypatch.setattr(passwords.HASHES, "verify_and_update", lambda *given: done.append(given) or verify(*given))
    failed(ledger)
    failed(ledger, name="nobody")
    assert (
        len(done) == 2 and [known.split("$")[1:4] for _, known in done] == [["argon2id", "v=19", "m=65536,t=3,p=4"]] * 2
    )


@pytest.mark.parametrize("name", ["chef", "nobody"])
def test_after_failures_one_waits_even_with_the_right_password(ledger, admin, name):
    for _ in range(limits.FREE["account"]):
        assert failed(ledger, name) == 0
    assert 0 < failed(ledger, name, PASSWORD) <= limits.FIRST_WAIT_S
    if name == "chef":
        later(ledger, limits.FIRST_WAIT_S)
        assert failed(ledger, name) == 0
        assert limits.FIRST_WAIT_S < failed(ledger, name) <= 2 * limits.FIRST_WAIT_S
        later(ledger, 2 * limits.FIRST_WAIT_S)
        assert logins.log_in(ledger, name, PASSWORD, HOME)
        assert failed(ledger, name) == 0  # counted from the start again


def test_an_address_that_tries_many_names_waits(ledger, admin, monkeypatch):
    monkeypatch.setitem(limits.FREE, "address", 3)
    for number in range(3):
        assert failed(ledger, f"user{number}", address="2001:db8::1") == 0
    assert failed(ledger, "chef", PASSWORD, address="2001:db8::2") > 0  # the same /64
    assert logins.log_in(ledger, "chef", PASSWORD, "2001:db8:0:1::1")


def test_a_right_password_does_not_wash_an_address_clean(ledger, admin, monkeypatch):
    monkeypatch.setitem(limits.FREE, "address", 3)
    for number in range(3):
        assert failed(ledger, f"user{number}") == 0
        if number < 2:
            logins.log_in(ledger, "chef", PASSWORD, HOME)
    assert failed(ledger) > 0


def test_failures_outlast_the_program(place, tmp_path, monkeypatch):
    monkeypatch.setitem(limits.FREE, "account", 1)
    with Ledger(place, tmp_path) as ledger:
        accounts.add(ledger, "", "chef", PASSWORD, ["admin"])
        assert failed(ledger) == 0
    with Ledger(place, tmp_path) as ledger:
        assert failed(ledger) > 0


def test_failures_are_forgotten_after_a_day(ledger, admin, monkeypatch):
    monkeypatch.setitem(limits.FREE, "account", 1)
    failed(ledger)
    later(ledger, limits.FORGET_S + 1)
    assert failed(ledger) == 0
    rows = ledger.database.read(lambda connection: connection.execute(text("SELECT * FROM login_attempts")).all())
    assert [row.failures for row in rows] == [1, 1]


def test_a_clock_that_was_set_back_lengthens_no_wait(ledger, admin, monkeypatch):
    monkeypatch.setitem(limits.FREE, "account", 1)
    failed(ledger)
    later(ledger, -1e6)
    assert 0 < failed(ledger) <= limits.FIRST_WAIT_S


@given(failures=st.integers(0, 10_000), elapsed=st.floats(-1e9, 1e9))
def test_a_wait_is_never_longer_than_the_longest(failures, elapsed):
    wait = limits.wait_s("account:1", failures, elapsed)
    assert 0 <= wait <= limits.LONGEST_WAIT_S
    assert wait == 0 or failures >= limits.FREE["account"]
    assert limits.wait_s("account:1", failures + 1, elapsed) >= wait


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("testclient", "testclient", True),
        ("testclient", "\udc80", False),
    ],
)
def test_addresses(one, other, same):
    assert (limits.of_address(one) == limits.of_address(other)) is same


# ---- one's own password ----------------------------------------------------------------------------------------------


def test_a_password_is_changed_by_who_knows_the_old_one(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    with pytest.raises(logins.LogInRefused):
        logins.change_password(ledger, login, "wrong", OTHER, HOME)
    assert last(ledger).action == "user-password-failed"
    with pytest.raises(SettingsError, match="too short"):
        logins.change_password(ledger, login, PASSWORD, "short", HOME)
    assert logins.of_token(ledger, login.token) == login
    logins.change_password(ledger, login, PASSWORD, OTHER, HOME)
    assert last(ledger).action == "user-password"
    assert logins.of_token(ledger, login.token) is None
    failed(ledger, password=PASSWORD)
    assert logins.log_in(ledger, "chef", OTHER, HOME)


def test_guessing_the_old_password_is_limited(ledger, admin):
    login = logins.log_in(ledger, "chef", PASSWORD, HOME)
    for _ in range(limits.FREE["account"]):
        with pytest.raises(logins.LogInRefused):
            logins.change_password(ledger, login, "wrong", OTHER, HOME)
    with pytest.raises(logins.LogInRefused) as caught:
        logins.change_password(ledger, login, PASSWORD, OTHER, HOME)
    assert caught.value.wait_s > 0
