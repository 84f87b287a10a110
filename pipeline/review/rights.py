"""Who may do what: roles and rights as one table, and which clips an account may see. What is not said is denied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.case.fields import BY_NAME
from pipeline.report.wording import N_

if TYPE_CHECKING:
    from pipeline.review.accounts import Account


class Role(StrEnum):
    """What a person does; one may have several roles."""

    INVESTIGATOR = "investigator"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing that may be done."""

    SEE_CLIPS = "see clips"
    """What was found, and why: numbers, plots, words, texts; no pictures, no sound."""
    SEE_FOOTAGE = "see footage"
    """Pictures and sound of a clip, stills among them."""
    DECIDE = "decide"
    CONFIRM = "confirm another's decision"
    APPROVE_COPIES = "approve copies"
    EXPORT = "export"
    SEE_STATISTICS = "see statistics"
    SPOT_CHECK = "spot-check"
    EXPORT_LABELS = "export labels"
    SEE_AUDIT_LOG = "see the audit log"
    MANAGE_USERS = "manage users"


OF_A_CLIP = frozenset(
    {Right.SEE_CLIPS, Right.SEE_FOOTAGE, Right.DECIDE, Right.CONFIRM, Right.APPROVE_COPIES, Right.EXPORT}
)
"""Rights that count for one clip at a time: its unit and access classes must be the account's, too."""

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.INVESTIGATOR: frozenset({Right.SEE_CLIPS, Right.SEE_FOOTAGE, Right.DECIDE, Right.EXPORT}),
    Role.SUPERVISOR: frozenset(
        {
            Right.SEE_CLIPS,
            Right.SEE_FOOTAGE,
            Right.DECIDE,
            Right.CONFIRM,
            Right.APPROVE_COPIES,
            Right.EXPORT,
            Right.SEE_STATISTICS,
            Right.SPOT_CHECK,
        }
    ),
    Role.AUDITOR: frozenset({Right.SEE_CLIPS, Right.SEE_STATISTICS, Right.SEE_AUDIT_LOG}),
    Role.ANALYST: frozenset({Right.SEE_CLIPS, Right.SEE_STATISTICS, Right.EXPORT_LABELS}),
    Role.ADMIN: frozenset({Right.MANAGE_USERS}),
}
"""The whole table; `docs/review-access.md` shows it, and a test holds the two against each other."""

ROLE_WORDS = {
    Role.INVESTIGATOR: N_("Investigator"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.AUDITOR: N_("Auditor"),
    Role.ANALYST: N_("Analyst"),
    Role.ADMIN: N_("Administrator"),
}
RIGHT_WORDS = {
    Right.SEE_CLIPS: N_("see clips"),
    Right.SEE_FOOTAGE: N_("see pictures and sound"),
    Right.DECIDE: N_("decide about findings"),
    Right.CONFIRM: N_("confirm another's decision"),
    Right.APPROVE_COPIES: N_("approve copies"),
    Right.EXPORT: N_("export clips"),
    Right.SEE_STATISTICS: N_("see statistics"),
    Right.SPOT_CHECK: N_("make spot checks"),
    Right.EXPORT_LABELS: N_("export labels"),
    Right.SEE_AUDIT_LOG: N_("see the audit log"),
    Right.MANAGE_USERS: N_("manage users"),
}

UNSTATED = "unstated"
"""Access class of a clip whose case record says nothing of access, or that has none."""
ACCESSES: tuple[str, ...] = BY_NAME["store.access"].codes
SECRETS: tuple[str, ...] = tuple(code for code in BY_NAME["secrecy"].codes if code != "none")
CLASSES: tuple[str, ...] = (UNSTATED, *ACCESSES, *SECRETS)
"""Every access class: those of the case record's `store.access`, and a class for each kind of secret."""

CLASS_WORDS = {
    UNSTATED: N_("not stated"),
    "open": N_("open"),
    "restricted": N_("restricted"),
    "state": N_("state secret"),
    "business": N_("business secret"),
    "technical": N_("technical secret"),
    "military": N_("military secret"),
    "privacy": N_("personal privacy"),
    "none": N_("no secrets"),
}
"""Access classes in words; `none` stands only in case records."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What of a clip counts for who may see it."""

    unit: str | None = None
    """As the case record names it; None: nobody stated it."""
    access: str | None = None
    """`store.access` of the case record."""
    secrecy: frozenset[str] = frozenset()
    """`secrecy` of the case record, without `none`."""

    @property
    def classes(self) -> frozenset[str]:
        """The access classes that an account needs, all of them."""
        return frozenset({self.access or UNSTATED, *self.secrecy})


def clip_facts(entries: Iterable[tuple[str, str]]) -> ClipFacts:
    """Return what counts of a case record, given as fields and values (`CaseRecord.values`); none is no record."""
    stated: dict[str, list[str]] = {}
    for field, value in entries:
        stated.setdefault(field, []).append(value)
    unit = next(iter(stated.get("unit.name") or stated.get("unit.number") or ()), None)
    access = next(iter(stated.get("store.access", ())), None)
    return ClipFacts(unit, access, frozenset(stated.get("secrecy", ())) - {"none"})


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """Return what any of these roles may do."""
    return frozenset[Right]().union(*(RIGHTS.get(role, frozenset()) for role in roles))


def has(account: Account | None, right: Right) -> bool:
    """Tell whether an account has a right at all; of rights on clips, for some of them. Nobody has none."""
    return account is not None and not account.is_disabled and right in rights_of(account.roles)


def covers(account: Account, clip: ClipFacts) -> bool:
    """Tell whether a clip is of a unit and of access classes that an account may see."""
    of_unit = account.all_units or (clip.unit is not None and clip.unit in account.units)
    return of_unit and clip.classes <= account.classes


def may(account: Account | None, right: Right, clip: ClipFacts | None = None) -> bool:
    """Tell whether an account may do something.

    Parameters
    ----------
    account : Account or None
        None: nobody is logged in.
    right : Right
    clip : ClipFacts, optional
        What it is to be done to. A right on clips is denied without.
    """
    if not has(account, right) or account is None:
        return False
    return right not in OF_A_CLIP or (clip is not None and covers(account, clip))
