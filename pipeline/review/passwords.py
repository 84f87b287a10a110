"""Passwords: what they must be like, and their argon2id hashes; the passwords themselves are kept nowhere."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from pipeline.errors import SettingsError
from pipeline.model import Message

LEAST = 12
"""Characters of a password, not counting its owner's name."""
MOST = 256
DIFFERENT = 5
"""Different characters, at least."""
AT_ONCE = threading.Semaphore(4)
"""A hash takes 64 MiB; who sends many log-ins at once must not use up the memory of the server."""
HASHES = PasswordHash((Argon2Hasher(),))  # argon2id, RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes


def checked(name: str, password: str) -> str:
    """Return a password if it may be that of this account.

    Raises
    ------
    SettingsError
        If it is too short or too long, or has too few different characters. The message does not repeat it.
    """
    if len(password) > MOST:
        raise SettingsError(Message("The password is too long: {most} characters at most.", {"most": MOST}))
    plain = _same(password)
    without = plain.casefold().replace(_same(name).casefold(), "")
    if len(plain) < LEAST or len(without) < LEAST:
        values = {"least": LEAST}
        raise SettingsError(
            Message("The password is too short: {least} characters at least, not counting the name.", values)
        )
    if len(set(without)) < DIFFERENT:
        raise SettingsError(Message("The password needs at least {least} different characters.", {"least": DIFFERENT}))
    return password


def hashed(password: str) -> str:
    """Return the argon2id hash of a password in PHC's form, with its parameters and a salt of its own."""
    with AT_ONCE:
        return HASHES.hash(_same(password))


def matches(password: str, known: str | None) -> tuple[bool, str | None]:
    """Tell whether a hash is that of a password; also a new hash where the known one is of weaker parameters.

    It takes as long where there is no hash (None), so that nobody learns from the time which accounts there are.
    """
    nobody = _nobody()
    with AT_ONCE:
        try:
            is_right, better = HASHES.verify_and_update(_same(password[: MOST + 1]), known or nobody)
        except UnknownHashError:  # somebody wrote something else into the table
            HASHES.verify(_same(password[: MOST + 1]), nobody)
            return False, None
    return is_right and known is not None, better


@cache
def _nobody() -> str:
    return HASHES.hash(secrets.token_urlsafe())


def _same(text: str) -> str:
    """Return a text in one form, however the keyboard composed it; characters that are none become escapes."""
    return unicodedata.normalize("NFKC", text.encode("utf-8", "backslashreplace").decode())
