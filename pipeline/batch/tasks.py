"""What a worker does with one clip.

Everything comes in as arguments and goes out as the return value: a worker needs the store, the cache and the weights,
and never speaks with the ledger.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from pipeline import measuring, run
from pipeline.batch.cards import card
from pipeline.batch.folder import FolderStore
from pipeline.batch.remote import RemoteStore
from pipeline.beside import Beside
from pipeline.case import CaseTable
from pipeline.errors import FootageError, IntegrityError
from pipeline.features import extract
from pipeline.features.cache import Cache
from pipeline.features.cuts import Slice
from pipeline.measuring import identify, is_as_hashed
from pipeline.media.sandbox import is_full
from pipeline.model import Footage, Message, Table
from pipeline.report import json_v1
from pipeline.rules.profile import Profile
from pipeline.settings import Settings
from pipeline.stages import profile_settings
from pipeline.store import must_stay_inside

FAILED = "This program failed on the clip ({problem}). The clip was not changed; please report this."
DISK_FULL = (
    "The disk for the cache or for temporary files was full. Make room, then run `unbroken retry` and the batch."
)
CHANGED = "{path}: the file is no longer what was measured. Run the batch again."


Store = FolderStore | RemoteStore


def store_at(address: str, cache: Path) -> Store:
    """Return the store of a folder or of an address; copies of the latter's clips lie in the cache's folder.

    Raises
    ------
    SettingsError
        If it cannot be reached.
    """
    return RemoteStore(address, cache / "staged") if "://" in address else FolderStore(Path(address))


@dataclass(frozen=True, slots=True)
class Work:
    """What all clips of a batch are examined by."""

    store: Store
    profile: Profile
    settings: Settings
    cache: Path
    registry: pa.Table | None = None
    at: datetime | None = None

    @property
    def used(self) -> Settings:
        """The settings over those of the regulation."""
        return self.settings.over(profile_settings(self.profile))

    def beside(self, cases: CaseTable | None = None) -> Beside:
        """Return what lies beside the clips, with the rows of the store's table that are given."""
        beside = Beside(self.registry, cases)
        return beside if self.at is None else replace(beside, at=self.at)


@dataclass(frozen=True, slots=True)
class Asked:
    """One clip to be worked on."""

    path: bytes
    """In the store."""
    known: Footage | None = None
    """As it was hashed before."""
    cases: CaseTable | None = None
    """Its row of the table of case records."""
    last: bool = False
    """There will be no further try: what a hang cut off is taken as it is."""
    slice_s: float = 0.0
    """Least length of the slices that a long clip is cut into, in seconds; 0: it is measured in one piece."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What measuring one clip came to."""

    sha256: str
    card: str
    footage_s: float


@dataclass(frozen=True, slots=True)
class Sliced:
    """A long clip is to be measured in these slices first."""

    footage: Footage
    parts: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging one clip came to."""

    verdict: str
    document: str
    footage_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Why there is no result yet."""

    reason: Message


def packed(sent: Work | Sequence[Mapping[str, Table]]) -> bytes:
    """Return what a worker is sent, in one piece: Dask would send every array apart."""
    return pickle.dumps(sent)


@lru_cache(maxsize=2)
def _unpacked(work: bytes) -> Work:
    unpacked: Work = pickle.loads(work)
    return unpacked


def measure_clip(work: bytes, asked: Asked) -> Measured | Sliced | Failed:
    """Measure one clip, and keep its tables in the cache; of a long one, say how it is cut."""
    try:
        if asked.slice_s and (cut := _cut(_unpacked(work), asked)) is not None:
            return cut
        looked = _looked(_unpacked(work), asked)
        if isinstance(looked, Failed):
            return looked
        return Measured(looked.footage.sha256, card(looked.clip), looked.clip.duration_s)
    except Exception as error:
        return _failed(error)


def measure_part(work: bytes, asked: Asked, part: Slice) -> Failed | None:
    """Measure one slice of a long clip, and keep it in the cache; nothing is returned if all went well."""
    try:
        given = _unpacked(work)
        _use_own_scratch()
        assert asked.known is not None
        with given.store.open(asked.path):
            measuring.measure_slice(asked.known, given.used, Cache(given.cache), part)
    except Exception as error:
        return _failed(error)
    return None


def _cut(work: Work, asked: Asked) -> Sliced | None:
    """Decide how a clip is cut; None if it is measured in one piece."""
    _use_own_scratch()
    with work.store.open(asked.path) as path:
        try:
            must_stay_inside(path, (work.store.root,))
            known = asked.known
            footage = known if known is not None and is_as_hashed(known, path) else identify(path)
            case = work.beside(asked.cases).case(path)
            parts = measuring.plan(footage, work.used, Cache(work.cache), case=case, slice_s=asked.slice_s)
        except FootageError:  # measuring tells why
            return None
    return Sliced(footage, parts) if len(parts) > 1 else None


def judge_clips(work: bytes, asked: Sequence[Asked], others: bytes) -> list[Judged | Failed]:
    """Judge clips from the cache, each beside the others of its recorder.

    Parameters
    ----------
    work : bytes
        A `Work`, packed.
    asked : sequence of Asked
    others : bytes
        The tables that tell each of them of the others, packed.
    """
    return [judge_clip(work, one, tables) for one, tables in zip(asked, pickle.loads(others), strict=True)]


def judge_clip(work: bytes, asked: Asked, others: Mapping[str, Table]) -> Judged | Failed:
    """Judge one clip from the cache, beside the others of its recorder; what is not in the cache is measured again."""
    try:
        given = _unpacked(work)
        looked = _looked(given, replace(asked, last=True))
        if isinstance(looked, Failed):
            return looked
        if asked.known is not None and looked.footage.sha256 != asked.known.sha256:
            return Failed(Message(CHANGED, {"path": json_v1.display_path(looked.footage.path)}))
        result = run.conclude(looked, given.profile, given.settings, others)
        document = json_v1.document(result)
        if isinstance(given.store, RemoteStore):  # the copy is gone by now
            document["clip"] |= {"path": given.store.shown(asked.path)}
        return Judged(result.verdict, json_v1.text(document), looked.clip.duration_s)
    except Exception as error:
        return _failed(error)


def _looked(work: Work, asked: Asked) -> run.Looked | Failed:
    _use_own_scratch()
    with work.store.open(asked.path) as path:
        looked = run.look(
            path,
            work.profile,
            Cache(work.cache),
            work.settings,
            beside=work.beside(asked.cases),
            folders=(work.store.root,),
            known=asked.known,
            unfinished="keep all" if asked.last else "keep",
        )
        if looked.unreadable is not None and not _is_still(looked.footage):
            return Failed(looked.unreadable)
    if not asked.last and (passing := _passing(looked)) is not None:
        return Failed(passing)
    return looked


def _is_still(footage: Footage) -> bool:
    """Tell whether a file that nothing could be examined of was hashed, and still is what was hashed."""
    if not footage.sha256:
        return False
    with suppress(OSError):
        return footage.is_unchanged()
    return False


def _passing(looked: run.Looked) -> Message | None:
    """Return the gap that comes from the machine rather than from the clip; None if there is none."""
    told = [*run.examined_of(looked.features).gaps, *([looked.unreadable] if looked.unreadable else [])]
    return next((gap for gap in told if gap.template in extract.PASSING), None)


def _failed(error: Exception) -> Failed:
    if is_full(error):
        return Failed(Message(DISK_FULL))
    if isinstance(error, IntegrityError):
        return Failed(run.told(error))
    return Failed(Message(FAILED, {"problem": f"{type(error).__name__}: {error}"[:500]}))


def _use_own_scratch() -> None:
    """Put temporary files where Dask cleans up after a worker that was killed."""
    with suppress(ImportError, ValueError):
        from distributed import get_worker

        tempfile.tempdir = str(get_worker().local_directory)
