"""One clip as the review page opens it: its result, its tables from the cache, and where the file lies."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from pipeline.batch.ledger import Ledger
from pipeline.batch.tables import batches, files, jobs
from pipeline.beside import Beside
from pipeline.case import CaseRecord
from pipeline.errors import IntegrityError, SettingsError
from pipeline.features.cache import Cache
from pipeline.language import Language
from pipeline.measuring import kept
from pipeline.model import Features, Footage, Level, Outcome, Span
from pipeline.report import json_v1
from pipeline.report.page import Badge, badge
from pipeline.report.wording import LEVELS, NOTHING, figure, shown, stretch, title, value
from pipeline.review.facts import facts_of, may_be_seen_by
from pipeline.review.night import counted_badge
from pipeline.review.rights import ClipFacts
from pipeline.review.timeline import Timeline
from pipeline.rules.profile import load_profile
from pipeline.settings import Settings
from pipeline.stages import profile_settings, sections

OPEN_AT_ONCE = 4
"""Clips whose tables are held in memory."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip with a result."""

    key: str
    document: Mapping[str, Any]
    path: bytes
    """In the store."""
    store: str
    batch: int
    profile: str
    settings: str
    """JSON of the sections that differ from their defaults."""
    bytes: int
    mtime_ns: int
    """As the batch saw the file."""

    @property
    def facts(self) -> ClipFacts:
        """What counts for who may see it."""
        return may_be_seen_by(self.document)

    @property
    def footage(self) -> Footage | None:
        """The file, as it was examined; None where it lies behind an address or was not hashed."""
        sha256 = self.document["clip"]["sha256"]
        if "://" in self.store or not sha256:
            return None
        return Footage(Path(self.store) / os.fsdecode(self.path), sha256, self.bytes, self.mtime_ns)


def clip_of(ledger: Ledger, key: str) -> Clip | None:
    """Return the clip of a result; None if there is no such result."""
    document = ledger.result(key)
    if document is None:
        return None
    wanted = (
        select(jobs.c.path, batches.c.id, batches.c.store, batches.c.profile, batches.c.settings,
               files.c.bytes, files.c.mtime_ns)
        .join_from(jobs, batches, batches.c.id == jobs.c.batch_id)
        .join(files, (files.c.store == batches.c.store) & (files.c.path == jobs.c.path), isouter=True)
        .where(jobs.c.key == key)
    )  # fmt: skip
    row = ledger.database.read(lambda connection: connection.execute(wanted).first())
    if row is None:
        return None
    told = json.loads(document)
    changed = row.bytes is None
    return Clip(
        key,
        told,
        bytes(row.path),
        row.store,
        row.id,
        row.profile,
        row.settings,
        told["clip"]["bytes"] if changed else row.bytes,
        0 if changed else row.mtime_ns,
    )


class Clips:
    """The tables of the clips that are looked at, held for a while.

    Parameters
    ----------
    cache : Path
        Folder of the batch's feature cache.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = Cache(cache)
        self._held: OrderedDict[str, tuple[Features, Timeline] | None] = OrderedDict()
        self._guard = threading.Lock()

    def tables(self, clip: Clip) -> tuple[Features, Timeline] | None:
        """Return the tables of a clip and its timeline; None if the cache does not hold them any more."""
        with self._guard:
            if clip.key in self._held:
                self._held.move_to_end(clip.key)
                return self._held[clip.key]
        found = self._loaded(clip)
        if found is not None:
            with self._guard:
                self._held[clip.key] = found
                while len(self._held) > OPEN_AT_ONCE:
                    self._held.popitem(last=False)
        return found

    def _loaded(self, clip: Clip) -> tuple[Features, Timeline] | None:
        sha256 = clip.document["clip"]["sha256"]
        if not sha256:
            return None
        footage = clip.footage or Footage(Path(), sha256, clip.bytes, clip.mtime_ns)
        found = kept(footage, _settings(clip), self._cache, _case(clip))
        return None if found is None else (found[0], Timeline(found[0], clip.document))


def _settings(clip: Clip) -> Settings:
    settings = Settings(json.loads(clip.settings))
    try:
        return settings.over(profile_settings(load_profile(clip.profile, sections())))
    except SettingsError:  # a profile of the agency's own, which the ledger names and does not hold
        return settings


def _case(clip: Clip) -> CaseRecord | None:
    """Return the case record beside the clip, which tells of reference photos; None if there is none or it is gone."""
    footage = clip.footage
    try:
        return None if footage is None else Beside().case(footage.path)
    except (IntegrityError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding as the page shows it."""

    id: str
    title: str
    level: Badge
    when: str
    start_s: float
    stop_s: float
    summary: str
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as the page shows it."""

    id: str
    article: str
    text: str
    outcome: Badge
    reason: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClipView:
    """All that the page shows of a clip besides its player and timeline."""

    name: str
    verdict: Badge
    profile: str
    sha256: str | None
    duration_s: float
    findings: tuple[FindingView, ...]
    rules: tuple[RuleView, ...]
    gaps: tuple[str, ...]


def clip_view(clip: Clip, words: Language) -> ClipView:
    """Return a clip in the reader's language, its gravest findings first."""
    told = clip.document
    order = {str(level): place for place, level in enumerate(Level)}
    found = sorted(told["findings"], key=lambda one: (order[one["level"]], one["span"]["start_s"]))
    gaps = told["examined"].get("gap_messages")
    return ClipView(
        name=shown(told["clip"]["path"]),
        verdict=counted_badge(facts_of(json.dumps(told)).counted, words),
        profile=told["profile"],
        sha256=told["clip"]["sha256"],
        duration_s=told["clip"]["duration_s"],
        findings=tuple(_finding(one, words) for one in found),
        rules=tuple(
            RuleView(
                rule["id"],
                rule["article"],
                rule["text"],
                badge(Outcome(rule["outcome"]), words),
                _sentence(rule, "reason", words),
                tuple(rule["findings"]),
            )
            for rule in told["rules"]
        ),
        gaps=tuple(words.tell(json_v1.message_of(gap)) for gap in gaps)
        if gaps is not None
        else tuple(told["examined"]["gaps"]),
    )


def _finding(told: Mapping[str, Any], words: Language) -> FindingView:
    span = told["span"]
    level = Level(told["level"])
    score = told.get("score")
    numbers = [
        (words.text("Probability"), NOTHING if score is None else figure(score)),
        (words.text("Detector"), f"{told['detector']} {told['version']}"),
        *((shown(name), value(entry, words)) for name, entry in told["evidence"].items()),
    ]
    for curve in told["curves"]:
        if curve["threshold"] is not None:
            numbers.append((f"{words.text('Threshold')} {curve['column']}", figure(curve["threshold"])))
    return FindingView(
        told["id"],
        title(told["kind"], words),
        Badge(words.text(LEVELS[level]), str(level), ""),
        stretch(Span(span["start_s"], span["stop_s"], span["first_frame"], span["stop_frame"])),
        span["start_s"],
        span["stop_s"],
        _sentence(told, "summary", words),
        tuple(numbers),
    )


def _sentence(told: Mapping[str, Any], name: str, words: Language) -> str:
    """Return a sentence in the reader's language; documents of earlier releases hold the English one only."""
    parts = told.get("message")
    if parts is None:
        return words.text(str(told[name]))
    try:
        return words.tell(json_v1.message_of(parts))
    except (KeyError, IndexError, ValueError):  # a template of another release
        return str(told[name])
