"""Who approved that a clip is copied: read from a TOML file, and held against what the profile asks for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.model import Footage, Message
from pipeline.rules.profile import Profile, Rule
from pipeline.settings import read_toml

ASKS = frozenset({"copy-approved", "copy-unapproved"})
"""Kinds of finding on which rules rest that ask for an approval of copies."""
NEEDED = (
    "This profile asks for an approval of copies ({articles}): name its file with --approval. Nothing was exported."
)
UNKNOWN = "{path}: unknown field {field}. Known: {known}"
ABSENT = "{path}: {field} is not stated. An approval states who approved, when, by which article, for whom and of what."
NO_ZONE = "{path}: approved_at needs a time with its zone, as 2026-03-04T18:00:00+08:00."
LATER = "{path}: the approval is of a time that has not come yet."
OTHER_CLIP = "{path}: approves copies of the clip with SHA-256 {approved}, not of this one ({clip})."
OTHER_ARTICLE = "{path}: {article} is no article of this profile on copies: {articles}."


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval of one copy."""

    approved_by: str
    approved_at: datetime
    """When, with its zone."""
    article: str
    """Of the regulation, as the profile writes it; of profiles without one whatever the approval rests on."""
    given_to: str
    """For whom the copy is."""
    clip: str
    """SHA-256 of the clip: an approval is of no other."""

    def written(self) -> dict[str, str]:
        """Return it as JSON holds it."""
        return {**asdict(self), "approved_at": self.approved_at.isoformat(timespec="seconds")}


def asking(profile: Profile) -> tuple[Rule, ...]:
    """Return the rules of a profile that ask for an approval of copies."""
    return tuple(rule for rule in profile.rules if rule.not_applicable is None and ASKS.intersection(rule.kinds))


def approved(path: Path | None, profile: Profile, footage: Footage, now: datetime) -> Approval | None:
    """Return the approval of a copy of a clip, None where none is given and none is asked for.

    Parameters
    ----------
    path : Path or None
        TOML file: `approved_by`, `approved_at`, `article`, `given_to`, `clip`.
    profile : Profile
        The regulation that says whether copies need an approval.
    footage : Footage
        The clip.
    now : datetime
        When the copy is made, with its zone.

    Raises
    ------
    SettingsError
        If the profile asks for an approval and there is none, or what is given is not one of this copy.
    """
    articles = list(dict.fromkeys(rule.article or rule.id for rule in asking(profile)))
    if path is None:
        if articles:
            raise SettingsError(Message(NEEDED, {"articles": "、".join(articles)}))
        return None
    approval = _read(path)
    where = {"path": str(path)}
    if approval.clip.lower() != footage.sha256:
        raise SettingsError(Message(OTHER_CLIP, {**where, "approved": approval.clip, "clip": footage.sha256}))
    if approval.approved_at > now:
        raise SettingsError(Message(LATER, where))
    if articles and approval.article not in articles:
        named: dict[str, str] = {**where, "article": approval.article, "articles": "、".join(articles)}
        raise SettingsError(Message(OTHER_ARTICLE, named))
    return approval


def _read(path: Path) -> Approval:
    stated = read_toml(path)
    known = [field.name for field in fields(Approval)]
    where = {"path": str(path)}
    if unknown := next((name for name in stated if name not in known), None):
        raise SettingsError(Message(UNKNOWN, {**where, "field": unknown, "known": ", ".join(known)}))
    texts = {name: stated.get(name) for name in known if name != "approved_at"}
    if absent := next((name for name, text in texts.items() if not isinstance(text, str) or not text.strip()), None):
        raise SettingsError(Message(ABSENT, {**where, "field": absent}))
    at = stated.get("approved_at")
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise SettingsError(Message(NO_ZONE, where))
    return Approval(approved_at=at, **{name: str(text).strip() for name, text in texts.items()})
