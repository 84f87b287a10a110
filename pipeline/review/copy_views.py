"""Copies of a clip and its report, as its page shows them: approvals, what can be made, and what was."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.language import LANGUAGES, Language
from pipeline.model import Message
from pipeline.report.wording import N_, shown, size
from pipeline.review.accounts import Account
from pipeline.review.clip import Clip
from pipeline.review.copies import LONGEST, CopyRefused, Recorded, approvals, articles_of
from pipeline.review.decisions import decided
from pipeline.review.exports import Standing, Wanted
from pipeline.review.making import Kind
from pipeline.review.night import figure, moment
from pipeline.review.rights import Right, may
from pipeline.review.web import NAMES, Office

KINDS = {
    Kind.PDF: N_("Report as PDF"),
    Kind.FOLDER: N_("Report as web pages, with JSON and stills (ZIP)"),
    Kind.BAG: N_("Evidence bag with the clip (BagIt, ZIP)"),
    Kind.REFERENCE: N_("Evidence bag without the clip, with its hash only (BagIt, ZIP)"),
}
WAITING = N_("It waits for its turn. Load the page again in a moment.")
MAKING = N_("It is being made: {percent} %. Load the page again in a moment.")
GIVEN = N_("Given to {name}")
READY = N_("Made {at}, {size}")
MUST = N_(
    "This regulation asks for an approval of copies ({articles}), and none is on record. "
    "Until then neither a report nor the clip leaves."
)


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval on record."""

    seq: int
    by: str
    at: str
    article: str
    given_to: str
    label: str
    """All of it in a line, for a choice."""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that was made, or is being made."""

    name: str
    what: str
    language: str
    given_to: str
    """For whom, by which approval; empty without one."""
    state: str
    status: str
    percent: int
    sha256: str
    older: bool
    """Something was decided since."""


@dataclass(frozen=True, slots=True)
class CopiesView:
    """All that the page shows of copies."""

    problem: str
    """Why nothing can be handed over; empty if it can."""
    articles: tuple[str, ...]
    """Of these one must be chosen; none: whatever the approval rests on is written."""
    longest: int
    may_approve: bool
    may_export: bool
    must_approve: bool
    approvals: tuple[ApprovalView, ...]
    """The newest first."""
    kinds: tuple[tuple[str, str], ...]
    languages: tuple[tuple[str, str, bool], ...]
    """Tag, name, and whether it is the reader's."""
    files: tuple[FileView, ...]
    working: bool
    """Something waits or is being made."""


def wanted(
    served: Office, clip: Clip, kind: Kind, language: str, approval: Recorded | None, account: Account
) -> Wanted:
    """Return what is to be made; it tells of the decisions as they stand now."""
    return Wanted(clip, kind, language, approval, decided(served.ledger, clip.key), account.name)


def copies_view(served: Office, clip: Clip, account: Account, words: Language) -> CopiesView | None:
    """Return what the page shows of copies; None for who may neither approve nor export any of this clip."""
    may_approve, may_export = (may(account, one, clip.facts) for one in (Right.APPROVE_COPIES, Right.EXPORT))
    if not (may_approve or may_export):
        return None
    recorded = approvals(served.ledger, clip.key)
    articles: tuple[str, ...] = ()
    problem = ""
    known = True
    try:
        articles = articles_of(clip)
    except CopyRefused as refused:
        problem, known = words.tell(refused.args[0]), False
    if articles and not recorded:
        problem = words.tell(Message(MUST, {"articles": "、".join(articles)}))
    files = file_views(served, clip, account, words) if may_export else ()
    return CopiesView(
        problem=problem,
        articles=articles,
        longest=LONGEST,
        may_approve=may_approve and known,
        may_export=may_export and not problem,
        must_approve=bool(articles),
        approvals=tuple(_approval(one, words) for one in reversed(recorded)),
        kinds=tuple((kind.value, words.text(label)) for kind, label in KINDS.items()),
        languages=tuple((tag, NAMES[tag], tag == words.tag) for tag in LANGUAGES),
        files=files,
        working=any(one.state in ("waiting", "making") for one in files),
    )


def file_views(served: Office, clip: Clip, account: Account, words: Language) -> tuple[FileView, ...]:
    """Return the files of a clip, made or being made."""
    recorded = {one.seq: one for one in approvals(served.ledger, clip.key)}
    now = wanted(served, clip, Kind.PDF, words.tag, None, account).decided
    return tuple(_file(one, recorded, now, words) for one in served.exports.standings(clip.key))


def _approval(one: Recorded, words: Language) -> ApprovalView:
    told = one.approval
    at, given_to, article = moment(told.approved_at.timestamp(), words), shown(told.given_to), shown(told.article)
    return ApprovalView(one.seq, shown(told.approved_by), at, article, given_to, f"{given_to} · {article} · {at}")


def _file(one: Standing, recorded: dict[int, Recorded], now: str, words: Language) -> FileView:
    percent = round(100 * one.share)
    if one.file is not None:
        told = {"at": moment(one.file.made_at.timestamp(), words), "size": size(one.file.bytes)}
        status = words.tell(Message(READY, told))
    elif one.reason is not None:
        status = words.tell(one.reason)
    elif one.state == "making":
        status = words.tell(Message(MAKING, {"percent": figure(percent, words)}))
    else:
        status = words.text(WAITING)
    approval = None if one.approval is None else recorded.get(one.approval)
    return FileView(
        name=one.name,
        what=words.text(KINDS[one.kind]),
        language=NAMES[one.language],
        given_to="" if approval is None else shown(words.tell(Message(GIVEN, {"name": approval.approval.given_to}))),
        state=one.state,
        status=shown(status),
        percent=percent,
        sha256="" if one.file is None else one.file.sha256,
        older=one.decided != now,
    )
