"""`unbroken users`: accounts from the command line; a password is asked for without echo, or comes from stdin."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipeline.batch.ledger import Ledger
from pipeline.cli import app
from pipeline.review import accounts, audit, logins

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
OTHER = "another staple entirely"


def users(folder: Path, *words: str, password: str | None = None, lang: str = "en"):
    given = None if password is None else password + "\n"
    words = (*words, "--cache", str(folder), "--lang", lang)
    if password is not None:
        words = (*words, "--password-stdin")
    return CliRunner().invoke(app, ["users", *words], input=given)


@pytest.fixture
def folder(tmp_path):
    made = users(tmp_path, "add", "chef", "--role", "admin", password=PASSWORD)
    assert made.exit_code == 0 and made.stderr.strip() == "chef: added.", made.output
    return tmp_path


def test_an_account_from_its_making_to_its_end(folder):
    said = users(folder, "add", "ann", "--role", "investigator", "--role", "analyst", "--unit", "监察支队",
                 "--class", "open", password=OTHER)  # fmt: skip
    assert said.exit_code == 0, said.output
    assert users(folder, "set", "ann", "--class", "open", "--class", "privacy", "--all-units").exit_code == 0
    (ann, chef) = json.loads(users(folder, "list", "--json").stdout)["accounts"]
    assert chef == {"name": "chef", "roles": ["admin"], "all_units": False, "units": [], "classes": [],
                    "disabled": False}  # fmt: skip
    assert ann["roles"] == ["analyst", "investigator"] and ann["classes"] == ["open", "privacy"]
    assert ann["all_units"] and ann["units"] == ["监察支队"]
    assert users(folder, "set", "ann", "--no-classes", "--no-units", "--named-units").exit_code == 0
    assert users(folder, "disable", "ann").exit_code == 0
    shown = users(folder, "list", lang="zh-CN").stdout
    assert "ann" in shown and "已停用" in shown and "可登录" in shown
    assert users(folder, "set", "ann", "--enable").exit_code == 0
    assert users(folder, "password", "ann", password=PASSWORD).exit_code == 0
    with Ledger(str(folder / "unbroken.ledger")) as ledger:
        assert accounts.find(ledger, "ann").classes == frozenset()
        assert logins.log_in(ledger, "ann", PASSWORD, "127.0.0.1")
        told = [(event.action, event.subject) for event in reversed(audit.page(ledger, limit=9).events)]
        who = {event.actor for event in audit.page(ledger).events} - {"ann"}
    of_ann = ("user-add", "user-set", "user-set", "user-disable", "user-enable", "user-password", "log-in")
    assert told == [("user-add", "chef"), *((action, "ann") for action in of_ann)]
    assert len(who) == 1 and who.pop().startswith("system:")


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [
        (("disable", "chef"), None, "last admin"),
        (("disable", "nobody"), None, "no account of this name"),
        (("password", "nobody"), OTHER, "no account of this name"),
        (("add", "chef", "--role", "admin"), OTHER, "there is an account"),
        (("add", "ann", "--role", "king"), OTHER, "no such role"),
        (("add", "ann", "--class", "cosmic"), OTHER, "no such access class"),
        (("add", "ann"), "tiny", "too short"),
        (("add", "ann"), "", "no password on stdin"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(folder, words, password, said):
    result = users(folder, *words, password=password)
    assert result.exit_code == 2 and said in result.stderr and result.stdout == ""
    assert not password or password not in result.output
    with Ledger(str(folder / "unbroken.ledger")) as ledger:
        assert len(audit.page(ledger).events) == 1


def test_there_must_be_a_ledger_and_its_first_account_is_an_admins(tmp_path):
    assert "no such ledger" in users(tmp_path, "list").stderr
    result = users(tmp_path, "add", "ann", "--role", "auditor", password=PASSWORD)
    assert result.exit_code == 2 and "first account" in result.stderr


def test_no_command_takes_a_password_as_an_argument():
    commands = get_command(app).commands["users"].commands
    assert set(commands) == {"add", "list", "set", "disable", "password"}
    for command in commands.values():
        for parameter in command.params:
            assert "password" not in parameter.name or (parameter.is_flag and parameter.name == "password_stdin")


def test_without_a_terminal_the_password_is_not_asked_for(folder):
    result = CliRunner().invoke(app, ["users", "password", "chef", "--cache", str(folder), "--lang", "en"], input="x\n")
    assert result.exit_code == 2 and "--password-stdin" in result.stderr


@pytest.mark.parametrize(("again", "code"), [(OTHER, 0), (PASSWORD, 2)])
def test_a_password_is_asked_for_twice_without_echo(folder, again, code):
    words = ["-c", "from pipeline.cli import main; main()", "users", "password", "chef"]
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *words, "--cache", str(folder), "--lang", "en"],
        stdin=inner, stdout=inner, stderr=inner, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    os.close(inner)
    seen = ""
    for prompt, typed in (("Password: ", OTHER), ("The same again: ", again)):
        seen += read_until(outer, prompt)
        os.write(outer, typed.encode() + b"\n")
    seen += read_until(outer, None)
    assert process.wait() == code
    os.close(outer)
    assert OTHER not in seen and PASSWORD not in seen
    assert ("the password was changed" in seen) == (code == 0) and ("differ" in seen) == (code == 2)


def read_until(terminal: int, prompt: str | None) -> str:
    """Return what a terminal shows until it asks, or to its end."""
    seen = b""
    give_up = time.monotonic() + 120
    while prompt is None or prompt.encode() not in seen:
        assert time.monotonic() < give_up, seen
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux tells that the other side is closed
            break
        if not part:
            break
        seen += part
    return seen.decode()
