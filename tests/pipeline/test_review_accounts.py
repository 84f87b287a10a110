"""Accounts: names, passwords, rights, the last admin; every change is an event without the password."""

import pytest
from sqlalchemy import select, text

from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.review import accounts, audit, logins, passwords
from pipeline.review.rights import Role
from pipeline.review.tables import accounts as table

PASSWORD = "correct horse battery"
OTHER = "another staple entirely"


@pytest.fixture
def admin(ledger):
    return accounts.add(ledger, "system:root", "chef", PASSWORD, ["admin"])


def refused(work, *given, **named) -> str:
    with pytest.raises(SettingsError) as caught:
        work(*given, **named)
    message = caught.value.args[0]
    assert language("zh-CN").tell(message) != str(message)
    assert PASSWORD not in str(message)
    return str(message)


def actions(ledger) -> list[tuple[str, str, str]]:
    return [(event.actor, event.action, event.subject) for event in reversed(audit.page(ledger).events)]


def test_an_account_is_kept_with_what_it_may_see(ledger, admin):
    made = accounts.add(ledger, "chef", "张 三".replace(" ", ""), PASSWORD, ["investigator", Role.ANALYST],
                        units=["监察支队", " "], classes=["open", "privacy"])  # fmt: skip
    assert made == accounts.find(ledger, "张三")
    assert (made.roles, made.units) == ({Role.INVESTIGATOR, Role.ANALYST}, {"监察支队"})
    assert (made.classes, made.all_units, made.is_disabled) == ({"open", "privacy"}, False, False)
    assert accounts.all_accounts(ledger) == [admin, made]
    assert actions(ledger) == [("system:root", "user-add", "chef"), ("chef", "user-add", "张三")]


def test_nothing_said_is_nothing_seen(ledger, admin):
    assert (admin.all_units, admin.units, admin.classes) == (False, frozenset(), frozenset())


@pytest.mark.usefixtures("dear_passwords")
def test_only_a_hash_of_the_password_is_anywhere_in_the_database(ledger, admin, tmp_path):
    logins.log_in(ledger, "chef", PASSWORD, "127.0.0.1")
    accounts.set_password(ledger, "chef", "chef", OTHER)
    held = ledger.database.read(
        lambda connection: [str(connection.execute(one.select()).all()) for one in table.metadata.tables.values()]
    )
    assert not any(PASSWORD in rows or OTHER in rows for rows in held)
    assert any("$argon2id$v=19$m=65536,t=3,p=4$" in rows for rows in held)


def test_the_first_account_is_an_admins(ledger):
    assert "must have the role admin" in refused(accounts.add, ledger, "", "ann", PASSWORD, ["supervisor"])
    assert accounts.all_accounts(ledger) == [] and actions(ledger) == []


@pytest.mark.parametrize("name", ["chef", "CHEF", " Chef ", "ｃｈｅｆ"])
def test_a_name_is_taken_in_any_case_and_width(ledger, admin, name):
    assert "there is an account" in refused(accounts.add, ledger, "", name, PASSWORD, ["admin"])


@pytest.mark.parametrize(
    "name", ["", "a", "a b", "system:root", "-ab", "ab-", "a" * 65, "a\0b", "a\nb", "a/b", "\udc80ab"]
)
def test_what_is_no_name_is_told(ledger, name):
    with pytest.raises(SettingsError, match="no name of an account"):
        accounts.add(ledger, "", name, PASSWORD, ["admin"])


@pytest.mark.parametrize(
    "password",
    ["", "tiny", "elevenchars", "chef12345678", "CHEF chef chef", "aaaaaaaaaaaaaaaa", "abababababab", "x" * 257],
)
def test_what_is_no_password_is_told_and_not_repeated(password):
    with pytest.raises(SettingsError) as caught:
        passwords.checked("chef", password)
    assert not password or password not in str(caught.value)
    assert language("zh-CN").tell(caught.value.args[0]) != str(caught.value)


@pytest.mark.parametrize("password", ["correct horse battery", "chef and a long tail", "执法记录仪的密码要长一些才好"])
def test_a_password_may_be_any_words(password):
    assert passwords.checked("chef", password) == password


def test_roles_and_classes_must_be_known(ledger, admin):
    assert "no such role" in refused(accounts.add, ledger, "", "bob", PASSWORD, ["king"])
    assert "no such access class" in refused(accounts.set_rights, ledger, "", "chef", classes=["cosmic"])
    assert "no account of this name" in refused(accounts.find, ledger, "nobody")
    assert "no account of this name" in refused(accounts.find, ledger, "a\0\udc80")


def test_the_last_admin_stays(ledger, admin):
    assert "last admin" in refused(accounts.disable, ledger, "chef", "chef")
    assert "last admin" in refused(accounts.set_rights, ledger, "chef", "chef", roles=["auditor"])
    accounts.add(ledger, "chef", "second", PASSWORD, ["admin", "auditor"])
    assert accounts.disable(ledger, "second", "chef").is_disabled
    assert "last admin" in refused(accounts.disable, ledger, "second", "second")
    assert not accounts.enable(ledger, "second", "chef").is_disabled
    assert accounts.set_rights(ledger, "chef", "second", roles=["auditor"]).roles == {Role.AUDITOR}


def test_a_change_is_told_with_what_was_before(ledger, admin):
    accounts.add(ledger, "chef", "ann", PASSWORD, ["analyst"], classes=["open"])
    changed = accounts.set_rights(ledger, "chef", "ann", all_units=True, classes=[])
    assert (changed.all_units, changed.classes, changed.roles) == (True, frozenset(), {Role.ANALYST})
    (event,) = audit.page(ledger, action="user-set").events
    assert (event.actor, event.subject) == ("chef", "ann")
    assert event.details["all_units"] is True and event.details["before"]["classes"] == ["open"]
    accounts.set_rights(ledger, "chef", "ann", all_units=True)  # nothing changes: nothing is told
    assert len(audit.page(ledger, action="user-set").events) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda ledger: accounts.set_password(ledger, "chef", "ann", OTHER),
        lambda ledger: accounts.set_rights(ledger, "chef", "ann", roles=["auditor"]),
        lambda ledger: accounts.set_rights(ledger, "chef", "ann", classes=["open"]),
        lambda ledger: accounts.disable(ledger, "chef", "ann"),
    ],
)
def test_a_change_ends_every_session_of_the_account_and_no_other(ledger, admin, change):
    accounts.add(ledger, "chef", "ann", PASSWORD, ["analyst"])
    theirs = [logins.log_in(ledger, "ann", PASSWORD, "127.0.0.1") for _ in range(2)]
    mine = logins.log_in(ledger, "chef", PASSWORD, "127.0.0.1")
    change(ledger)
    assert [logins.of_token(ledger, one.token) for one in theirs] == [None, None]
    assert logins.of_token(ledger, mine.token) == mine


def test_changes_are_signed_at_once(ledger, admin):
    key = ledger.keys.load().public_key()
    accounts.add(ledger, "chef", "ann", PASSWORD, ["analyst"])
    assert audit.verify(ledger, key) == []


def test_a_role_of_another_version_gives_no_right(ledger, admin):
    ledger.database.write(lambda connection: connection.execute(text("""UPDATE accounts SET roles = '["king"]'""")))
    assert accounts.find(ledger, "chef").roles == frozenset()


@pytest.mark.usefixtures("dear_passwords")
def test_a_hash_is_right_for_its_password_alone(ledger, admin):
    known = ledger.database.read(lambda connection: connection.scalar(select(table.c.password_hash)))
    assert passwords.matches(PASSWORD, known) == (True, None)
    assert not passwords.matches(PASSWORD + "!", known)[0] and not passwords.matches("", known)[0]
    assert not passwords.matches(PASSWORD, None)[0] and not passwords.matches(PASSWORD, "no hash")[0]
    weak = passwords.PasswordHash((passwords.Argon2Hasher(time_cost=1, memory_cost=1024),)).hash(PASSWORD)
    is_right, better = passwords.matches(PASSWORD, weak)
    assert is_right and better is not None and "m=65536" in better
