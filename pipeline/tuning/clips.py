"""Loading labelled clips: their tables from the cache, measured once where they are not there yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import measuring, run
from pipeline.beside import Beside
from pipeline.case import CaseRecord
from pipeline.errors import FootageError, SettingsError
from pipeline.features.cache import Cache
from pipeline.model import Features, Finding, Footage, Message
from pipeline.rules.profile import DEFAULT_PROFILE, Profile, load_profile
from pipeline.sessions.naming import read_name
from pipeline.sessions.recording import recording_of
from pipeline.settings import Settings
from pipeline.stages import CALENDAR, NAMES, key_of, profile_settings, sections
from pipeline.tuning.labels import LabelError, Labels, html_table
from pipeline.tuning.progress import shown

BATCH = Settings({"media": {"decoder_threads": 1}})
"""What `unbroken batch` measures with beside its settings: the same numbers, kept under another key."""
MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One labelled clip with all that was measured of it."""

    footage: Footage
    """Its path and hash; the file may be gone."""
    source: frozenset[str]
    """SHA-256 of every clip that it was made from."""
    features: Features
    device: str | None = None
    """The recorder: as a label states it, or else as overlay, metadata, name or case record say."""
    scene: str | None = None
    case: CaseRecord | None = None
    unreadable: Message | None = None
    """Why nothing of it could be examined."""
    known: dict[str, dict[str, list[Finding]]] = field(default_factory=dict, repr=False)
    """What detectors told of it before: settings of the calendar → detector and parameters → findings."""

    @property
    def path(self) -> Path:
        """Where it lies, or lay."""
        return self.footage.path

    @property
    def sha256(self) -> str:
        """Its hash."""
        return self.footage.sha256

    @property
    def duration_s(self) -> float:
        """End of its presentation timeline."""
        return self.features.duration_s()


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Loaded clips, in the order of their labels, and what they were measured with."""

    clips: tuple[Clip, ...]
    profile: Profile
    settings: Settings
    """What they were measured under, without the profile's parameters."""
    beside: Beside = field(default_factory=Beside)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, sha256: str) -> Clip:
        """Return a clip by its hash, or by how that begins."""
        for clip in self.clips:
            if clip.sha256.startswith(sha256):
                return clip
        raise KeyError(sha256)

    def sources(self) -> dict[str, frozenset[str]]:
        """Return SHA-256 of each clip → of what it was made from."""
        return {clip.sha256: clip.source for clip in self.clips}

    def of(self, labels: Labels) -> tuple[Clip, ...]:
        """Return the clips that labels are about.

        Raises
        ------
        LabelError
            If one was not loaded.
        """
        loaded = {clip.sha256: clip for clip in self.clips}
        if missing := [sha256 for sha256 in labels.clips if sha256 not in loaded]:
            raise LabelError(f"{len(missing)} of the labelled clips were not loaded, {missing[0][:12]} among them.")
        return tuple(loaded[sha256] for sha256 in labels.clips)

    def detect(self, clip: Clip, settings: Settings | None = None) -> tuple[Finding, ...]:
        """Return what a scan of one clip alone finds under `settings`; nothing is measured.

        Raises
        ------
        SettingsError
            If the settings ask for other measurements than were loaded.
        """
        return self.examined(clip, settings)[1]

    def examined(self, clip: Clip, settings: Settings | None = None) -> tuple[Features, tuple[Finding, ...]]:
        """Return what `detect` finds, and before it the tables that this rests on: `recording` names the recorder."""
        self.must_be_measured(settings)
        used = settings or self.settings
        known = self._known(clip, used)
        looked = run.regard(clip.footage, clip.features, self.profile, used, self.beside, clip.case, known)
        return run.findings_of(looked, self.profile, used)[:2]

    def unjoined(self, clip: Clip, settings: Settings | None = None) -> tuple[Features, list[Finding]]:
        """Return a clip's tables and what each detector tells of it by itself, before the fusion joins and weighs it.

        Raises
        ------
        SettingsError
            If the settings ask for other measurements than were loaded.
        """
        self.must_be_measured(settings)
        used = settings or self.settings
        features = self.beside.tables(clip.features, clip.footage, clip.case, self._over(used))
        return features, run.unjoined(features, self._over(used), self._known(clip, used))[0]

    def _known(self, clip: Clip, used: Settings) -> dict[str, list[Finding]]:
        return clip.known.setdefault(json.dumps(dict(self._over(used).section(CALENDAR)), default=str), {})

    def must_be_measured(self, settings: Settings | None) -> None:
        """Do nothing where the loaded tables are those that `settings` ask for.

        Raises
        ------
        SettingsError
            If they are not: stages that measure are not tuned on tables that were measured otherwise.
        """
        if settings is not None and not measuring.measured_alike(self._over(settings), self._over(self.settings)):
            raise SettingsError(
                "these settings ask for other measurements than were loaded (sections of stages, or what the notice is "
                "listened for by). Load the clips with these settings."
            )

    def _over(self, settings: Settings) -> Settings:
        return settings.over(profile_settings(self.profile))

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each clip."""
        return [
            {"clip": clip.path.name, "sha256": clip.sha256[:12], "sources": len(clip.source)}
            | {"device": clip.device, "scene": clip.scene, "duration_s": round(clip.duration_s, 3)}
            | {"tables": len(clip.features.tables), "file": "there" if clip.path.is_file() else "gone"}
            for clip in self.clips
        ]

    def _repr_html_(self) -> str:
        return html_table(self.table())


def load(
    labels: Labels,
    cache: Path,
    settings: Settings | None = None,
    *,
    profile: str | Path = DEFAULT_PROFILE,
    beside: Beside | None = None,
    speech: bool = True,
    bar: bool = True,
) -> Clips:
    """Bring every table of every labelled clip, from the cache or by measuring it once.

    A clip whose file is gone is served from the cache, also from that of an overnight batch.

    Parameters
    ----------
    labels : Labels
    cache : Path
        Folder of the cache, the same that `unbroken scan` and `unbroken batch` use.
    settings : Settings, optional
        What to measure with, as `--settings` would set it; defaults if left out.
    profile : str or Path
        Regulation, as `--profile` names it: its parameters lie under the settings.
    beside : Beside, optional
        Registry, table of case records, moment, as of a scan.
    speech : bool
        Whether clips are listened to, which takes longest; without it tables of speech are absent, and scores of kinds
        about speech mean nothing.
    bar : bool
        Show a bar.

    Raises
    ------
    LabelError
        If a labelled clip lies nowhere and the cache does not hold it, or a file is no longer the labelled one.
    """
    chosen = settings or Settings()
    loaded = Clips((), load_profile(profile, sections()), chosen, beside or Beside())
    used = chosen.over(profile_settings(loaded.profile))
    found: list[Clip] = []
    lost: list[str] = []
    for sha256, rows in shown(list(labels.by_clip().items()), "Loading clips", bar):
        clip = _load(rows, Cache(cache), used, loaded.beside, speech=speech)
        if isinstance(clip, Clip):
            found.append(clip)
        else:
            lost.append(f"{clip} ({sha256[:12]})")
    if lost:
        more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
        raise LabelError(
            f"labelled clips that neither lie where their labels say nor in the cache: {', '.join(lost[:MOST_NAMED])}"
            f"{more}. Name the cache in which they were measured, or leave their labels out."
        )
    return Clips(tuple(found), loaded.profile, chosen, loaded.beside)


def _load(labels: Labels, cache: Cache, used: Settings, beside: Beside, *, speech: bool) -> Clip | str:
    """Return a clip; its path if it is neither there nor kept."""
    sha256 = labels.clips[0]
    paths = [Path(row.path) for row in labels]
    path = next((path for path in paths if path.is_file()), paths[0])
    gone = Footage(path, sha256, 0)
    kept_with = next((each for each in (used, BATCH.over(used)) if key_of("media", gone, each) in cache), used)
    case = beside.case(path)
    unreadable: Message | None = None
    if path.is_file():
        try:
            footage = measuring.identify(path)
            if footage.sha256 != sha256:
                raise LabelError(f"{path}: the file is no longer the labelled one (SHA-256 {sha256[:12]}…).")
            features, _, unreadable = measuring.measure(
                footage, kept_with, cache, case=case, speech=speech, unfinished="keep all"
            )
        except FootageError as error:
            footage, features, unreadable = gone, Features(), run.told(error)
    else:
        kept = measuring.kept(gone, kept_with, cache, case)
        if kept is None:
            return str(path)
        footage, features = gone, kept[0]
    told = beside.tables(features, footage, case, used)
    recording, _ = recording_of(told, read_name(path, **used.section(NAMES)), case)
    stated = {name: next((v for row in labels if (v := getattr(row, name))), None) for name in ("device", "scene")}
    device = stated["device"] or recording.device_id
    return Clip(footage, labels.sources()[sha256], features, device, stated["scene"], case=case, unreadable=unreadable)
