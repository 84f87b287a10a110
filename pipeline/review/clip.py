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
from pipeline.errors import IntegrityError
from pipeline.features.cache import Cache
from pipeline.measuring import kept
from pipeline.model import Features, Footage
from pipeline.review.accounts import Account
from pipeline.review.facts import may_be_seen_by
from pipeline.review.rights import ClipFacts, Right, may
from pipeline.review.timeline import Timeline
from pipeline.rules.profile import Profile, builtin_profiles, load_profile
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
    profile: Profile | None
    """The regulation; None where a ledger of an older release holds only a name that is not built in."""
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
    """Return the clip of a result; None if there is no such result, or its document cannot be read."""
    told = _document(ledger, key)
    if told is None:
        return None
    wanted = (
        select(jobs.c.path, batches.c.id, batches.c.store, batches.c.profile, batches.c.regulation,
               batches.c.settings, files.c.bytes, files.c.mtime_ns)
        .join_from(jobs, batches, batches.c.id == jobs.c.batch_id)
        .join(files, (files.c.store == batches.c.store) & (files.c.path == jobs.c.path), isouter=True)
        .where(jobs.c.key == key)
    )  # fmt: skip
    row = ledger.database.read(lambda connection: connection.execute(wanted).first())
    if row is None:
        return None
    changed = row.bytes is None
    return Clip(
        key,
        told,
        bytes(row.path),
        row.store,
        row.id,
        _profile(row.profile, row.regulation),
        row.settings,
        told["clip"]["bytes"] if changed else row.bytes,
        0 if changed else row.mtime_ns,
    )


def _document(ledger: Ledger, key: str) -> dict[str, Any] | None:
    try:
        document = ledger.result(key)
        told = None if document is None else json.loads(document)
    except ValueError:  # somebody changed the row: `unbroken verify` tells
        return None
    return told if isinstance(told, dict) and "clip" in told else None


def clip_for(ledger: Ledger, key: str, account: Account, right: Right) -> Clip | None:
    """Return the clip of a result for an account with a right to it; None: for this account it does not exist."""
    found = clip_of(ledger, key)
    may_know = found is not None and may(account, Right.SEE_CLIPS, found.facts)
    return found if found is not None and may_know and may(account, right, found.facts) else None


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
        found = kept(footage, settings_of(clip), self._cache, case_of(clip))
        return None if found is None else (found[0], Timeline(found[0], clip.document))


def _profile(name: str, regulation: str | None) -> Profile | None:
    """Return a profile as the ledger keeps it; a ledger of an older release names it only."""
    if regulation is not None:
        return Profile.model_validate_json(regulation)
    return load_profile(name, sections()) if name in builtin_profiles() else None


def settings_of(clip: Clip) -> Settings:
    """Return the settings that a clip was examined with, those of its regulation among them."""
    settings = Settings(json.loads(clip.settings))
    return settings if clip.profile is None else settings.over(profile_settings(clip.profile))


def case_of(clip: Clip) -> CaseRecord | None:
    """Return the case record beside the clip, which tells of reference photos; None if there is none or it is gone."""
    footage = clip.footage
    try:
        return None if footage is None else Beside().case(footage.path)
    except (IntegrityError, OSError):
        return None
