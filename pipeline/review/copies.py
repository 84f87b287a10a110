"""Approvals of copies: events of the audit log, and nothing besides."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.batch.ledger import Ledger
from pipeline.errors import IntegrityError
from pipeline.model import Message
from pipeline.report.approval import Approval, asking
from pipeline.review import audit
from pipeline.review.clip import Clip

APPROVED = "copy-approved"
"""Action in the audit log; its subject is the key of the result."""
LONGEST = 200
"""Characters of a recipient and of an article."""
UNKNOWN = "The regulation of this result is not in the ledger, so whether copies need an approval is not known."
NEEDED = "This regulation asks for an approval of copies ({articles}), and none is on record. Nothing was exported."
RECIPIENT = "An approval names for whom the copy is, and by which article, in at most {most} characters each."
NOT_HASHED = "The content of this clip was not hashed when it was examined: no copy of it can be approved."
OTHER_ARTICLE = "{article} is no article of this regulation on copies: {articles}."


class CopyRefused(IntegrityError):
    """A copy, or an approval of one, that cannot be; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An approval on record."""

    seq: int
    """Number of its event."""
    approval: Approval


def articles_of(clip: Clip) -> tuple[str, ...]:
    """Return the articles that ask for an approval of copies; none: no approval is needed.

    Raises
    ------
    CopyRefused
        If the regulation is not known.
    """
    if clip.profile is None:
        raise CopyRefused(Message(UNKNOWN))
    return tuple(dict.fromkeys(rule.article or rule.id for rule in asking(clip.profile)))


def approve(ledger: Ledger, clip: Clip, article: str, given_to: str, actor: str) -> int:
    """Record that a copy is approved; return the number of the event.

    Parameters
    ----------
    ledger : Ledger
    clip : Clip
    article : str
        One of `articles_of`; of a regulation without any whatever the approval rests on.
    given_to : str
        For whom the copy is.
    actor : str
        Name of the account that approves.

    Raises
    ------
    CopyRefused
        If something is not stated, or the article is none on copies.
    """
    article, given_to, articles = article.strip(), given_to.strip(), articles_of(clip)
    sha256 = clip.document["clip"]["sha256"]
    if not sha256:
        raise CopyRefused(Message(NOT_HASHED))
    if not (0 < len(article) <= LONGEST and 0 < len(given_to) <= LONGEST):
        raise CopyRefused(Message(RECIPIENT, {"most": LONGEST}))
    if articles and article not in articles:
        raise CopyRefused(Message(OTHER_ARTICLE, {"article": article, "articles": "、".join(articles)}))
    told = {"path": clip.document["clip"]["path"], "sha256": sha256, "article": article, "given_to": given_to}
    return audit.add(ledger, actor, APPROVED, clip.key, told)


def approvals(ledger: Ledger, key: str) -> tuple[Recorded, ...]:
    """Return the approvals of copies of one result, the oldest first."""
    found = ledger.database.read(lambda connection: list(audit.events_of(connection, [APPROVED], subjects=[key])))
    return tuple(Recorded(event.seq, _approval(event)) for event in found)


def approval_of(ledger: Ledger, clip: Clip, seq: int | None) -> Recorded | None:
    """Return the approval by which something is handed over; None where none is named and none is needed.

    Raises
    ------
    CopyRefused
        If one is needed, or there is none of this number for this result.
    """
    recorded = {one.seq: one for one in approvals(ledger, clip.key)}
    articles = articles_of(clip)
    if seq is None and not articles:
        return None
    if seq not in recorded:
        raise CopyRefused(Message(NEEDED, {"articles": "、".join(articles) or "–"}))
    return recorded[seq]


def _approval(event: audit.Event) -> Approval:
    told = event.details
    return Approval(event.actor, event.at, told["article"], told["given_to"], told["sha256"])
