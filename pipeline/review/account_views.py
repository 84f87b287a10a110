"""Accounts in the reader's words: what the pages of accounts show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pipeline.language import Language
from pipeline.report.wording import NOTHING
from pipeline.review.accounts import Account, Listed
from pipeline.review.night import moment
from pipeline.review.rights import CLASS_WORDS, CLASSES, RIGHT_WORDS, RIGHTS, ROLE_WORDS, Role, rights_of


@dataclass(frozen=True, slots=True)
class Line:
    """An account as the list and its own page show it."""

    number: int
    name: str
    roles: str
    rights: str
    """What the roles allow."""
    units: str
    classes: str
    is_disabled: bool
    standing: str
    created: str = ""
    last_log_in: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A box that can be ticked."""

    value: str
    label: str
    hint: str
    ticked: bool


def line(account: Account, words: Language) -> Line:
    """Return an account in the reader's language."""
    _ = words.text
    separator = _(", ")
    rights = rights_of(account.roles)
    units = [_("all units")] if account.all_units else sorted(account.units)
    return Line(
        account.id,
        account.name,
        separator.join(_(ROLE_WORDS[role]) for role in Role if role in account.roles) or NOTHING,
        separator.join(_(name) for right, name in RIGHT_WORDS.items() if right in rights) or NOTHING,
        separator.join(units) or NOTHING,
        separator.join(_(CLASS_WORDS.get(name, name)) for name in (*CLASSES, *sorted(account.classes - set(CLASSES)))
                       if name in account.classes) or NOTHING,
        account.is_disabled,
        _("disabled") if account.is_disabled else _("may log in"),
    )  # fmt: skip


def listed_line(one: Listed, words: Language) -> Line:
    """Return an account with when it was made and last used."""
    shown = line(one.account, words)
    told = {name: getattr(shown, name) for name in Line.__slots__}
    return Line(**{**told, "created": moment(one.created_at, words), "last_log_in": moment(one.last_log_in_at, words)})


def role_boxes(ticked: Collection[str], words: Language) -> tuple[Box, ...]:
    """Return a box for each role, with what it allows."""
    _ = words.text
    return tuple(
        Box(role, _(ROLE_WORDS[role]), _(", ").join(_(RIGHT_WORDS[right]) for right in RIGHT_WORDS
                                                   if right in RIGHTS[role]), role in ticked)
        for role in Role
    )  # fmt: skip


def class_boxes(ticked: Collection[str], words: Language) -> tuple[Box, ...]:
    """Return a box for each access class."""
    return tuple(Box(name, words.text(CLASS_WORDS[name]), "", name in ticked) for name in CLASSES)
