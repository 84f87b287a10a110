"""Examine one clip: every stage in order, each served from the cache where nothing that could change it has changed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

import detectors  # noqa: F401  (registers every detector)
import transcripts  # noqa: F401  (registers every speech check)
from pipeline.case import CaseRecord, case_of, case_table
from pipeline.detector import REGISTRY
from pipeline.errors import FootageError
from pipeline.features import extract
from pipeline.features.cache import Cache, CacheKey
from pipeline.features.schema import to_arrow, to_table
from pipeline.fusion import fuse
from pipeline.model import (
    Examination,
    Examined,
    Features,
    Finding,
    Footage,
    Message,
    Outcome,
    RuleResult,
    Skipped,
    Table,
)
from pipeline.rules.judge import judge
from pipeline.rules.profile import Profile
from pipeline.settings import Settings, parameters_of, settings_from
from pipeline.signs import landmarks, reader, recorder
from pipeline.signs.layouts import Layouts
from transcripts import transcribe as speech_stage

SOUND = "sound.flac"
"""Name of the sound in a cache entry."""

Progress = Callable[[str, float], None]
"""Called with the stage's name and the share of it that is done, 0 to 1."""


def silent(stage: str, share: float) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that measures: its function, whose keyword-only parameters are its settings, and its cache identity."""

    name: str
    func: Callable[..., Any]
    version: int
    libraries: Callable[[Mapping[str, Any]], Mapping[str, str]]
    """From the stage's settings: name → version of every library and model that it uses."""

    @property
    def parameters(self) -> type[BaseModel]:
        """Return the model of the stage's settings."""
        return parameters_of(self.func)

    def used(self, settings: Settings) -> dict[str, Any]:
        """Return every parameter as it will be used under `settings`."""
        return self.parameters.model_validate(settings.section(self.name)).model_dump()


def _speech_libraries(used: Mapping[str, Any]) -> Mapping[str, str]:
    return speech_stage.libraries(used["weights"], used["recogniser"])


STAGES = {
    stage.name: stage
    for stage in (
        Stage("media", extract.measure, extract.MEASURE_VERSION, lambda _: extract.libraries()),
        Stage("structure", extract.probe, extract.MEASURE_VERSION, lambda _: extract.libraries()),
        Stage("speech", speech_stage.transcribe, speech_stage.TRANSCRIBE_VERSION, _speech_libraries),
        Stage("overlay", recorder.recorder, recorder.OVERLAY_VERSION, lambda _: reader.libraries()),
        Stage(
            "landmarks",
            landmarks.find_landmarks,
            landmarks.LANDMARKS_VERSION,
            lambda used: landmarks.libraries(used["matcher"]),
        ),
        Stage("signs", reader.read_texts, reader.READ_VERSION, lambda _: reader.libraries()),
    )
}


FUSION = "fusion"
"""Section of the settings, and name, of what joins findings."""


def sections() -> dict[str, type[BaseModel]]:
    """Return every section that a settings file may have, with the model of its parameters."""
    known = {name: stage.parameters for name, stage in STAGES.items()}
    known.update({f"detectors.{name}": entry.parameters for name, entry in sorted(REGISTRY.items())})
    known[FUSION] = parameters_of(fuse)
    return known


def function_of(section: str) -> Callable[..., Any]:
    """Return the function whose parameters a section sets."""
    if section == FUSION:
        return fuse
    return STAGES[section].func if section in STAGES else REGISTRY[section.removeprefix("detectors.")].func


def profile_settings(profile: Profile) -> Settings:
    """Return the parameters that a profile sets.

    Raises
    ------
    SettingsError
        If it sets one that does not exist.
    """
    return settings_from(profile.sections, sections(), profile.key)


def identify(path: Path, progress: Progress = silent) -> Footage:
    """Hash a clip.

    Raises
    ------
    FootageError
        If it is no regular file, cannot be read, or changes while it is read.
    """
    if not path.exists():
        raise FootageError(Message("{path}: there is no such file.", {"path": str(path)}))
    if not path.is_file():
        raise FootageError(Message("{path}: not a regular file. Name the clips themselves.", {"path": str(path)}))
    digest = hashlib.sha256()
    try:
        before = path.stat()
        with path.open("rb") as stream:
            done = 0
            while block := stream.read(1 << 22):
                digest.update(block)
                done += len(block)
                progress("hash", done / max(before.st_size, done))
        footage = Footage(path, digest.hexdigest(), done, before.st_mtime_ns)
        _must_be_unchanged(footage)
    except OSError as error:
        raise FootageError(
            Message(
                "{path}: {problem}. May the account that runs this read the file?",
                {"path": str(path), "problem": error.strerror or str(error)},
            )
        ) from error
    return footage


def _must_be_unchanged(footage: Footage) -> None:
    """Refuse footage that is no longer what was hashed: what is measured on it would be told of another content."""
    try:
        unchanged = footage.is_unchanged()
    except OSError:  # it vanished
        unchanged = False
    if not unchanged:
        raise FootageError(
            Message(
                "{path}: the file changed while it was read. Scan it again when the copy is finished.",
                {"path": str(footage.path)},
            )
        )


def measure(
    footage: Footage,
    settings: Settings,
    cache: Cache,
    progress: Progress = silent,
    *,
    case: CaseRecord | None = None,
    speech: bool = True,
) -> tuple[Features, Path | None, Message | None]:
    """Bring every table of a clip, from the cache or by decoding it once.

    Parameters
    ----------
    footage : Footage
    settings : Settings
    cache : Cache
    progress : callable
    case : CaseRecord, optional
        Its reference photos are looked for in the pictures, and its device's layouts are tried first.
    speech : bool
        Whether the sound is searched for speech, which takes longest; tables voice and words are absent otherwise.

    Returns
    -------
    features : Features
        A table that could not be measured is absent; why stands in table `gaps`.
    sound : Path or None
        The sound, 16 kHz mono, kept in the cache; None if there is none.
    unreadable : Message or None
        Why nothing could be examined.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    photos = case.photos() if case else ()
    media = _key("media", footage, settings)
    overlay = _key("overlay", footage, settings, media=media.digest())
    keys = {"media": media, "overlay": overlay, "signs": _key("signs", footage, settings, overlay=overlay.digest())}
    if photos:
        known = landmarks.identity(photos)
        keys["landmarks"] = _key("landmarks", footage, settings, overlay=overlay.digest(), photos=known)
    parts = {name: cache.tables(key) for name, key in keys.items()}
    sound = cache.file(media, SOUND)
    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        if None in parts.values():
            measured, written = _look(footage, settings, cache, progress, Path(work), case)
            parts = {name: _tables(tables) for name, tables in written.items()}
            if measured.unreadable is not None:
                return Features(parts["media"] or {}), None, measured.unreadable
            sound = measured.sound
            if measured.complete:
                for name, key in keys.items():
                    cache.put(key, written[name], {SOUND: sound} if sound and name == "media" else {})
                sound = cache.file(media, SOUND)
        if speech and sound is not None:
            parts["speech"] = _listen(footage, settings, cache, progress, sound, keep=media in cache)
        if sound is not None and not sound.is_relative_to(cache.root):
            sound = None
    return Features(with_clock(_joined(*(part for part in parts.values() if part is not None)))), sound, None


def listen(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress = silent
) -> tuple[Features, Message | None]:
    """Bring what is said in a clip, from the cache or by decoding its sound; no picture is looked at.

    Returns
    -------
    features : Features
        The tables of container, sound and speech.
    unreadable : Message or None
        Why nothing could be examined.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    media = _key("media", footage, settings)
    tables, sound, complete = cache.tables(media), cache.file(media, SOUND), True
    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        if tables is None:
            used = STAGES["media"].used(settings)
            asked = {name: used[name] for name in ("sound_s", "stall_s")}
            measured = extract.listen(footage.path, Path(work), progress, **asked)
            _must_be_unchanged(footage)
            tables, sound, complete = _tables(measured.tables), measured.sound, measured.complete
            if measured.unreadable is not None:
                return Features(tables), measured.unreadable
        heard = {} if sound is None else _listen(footage, settings, cache, progress, sound, keep=complete)
        return Features(_joined(tables, heard)), None


def measure_structure(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress = silent
) -> tuple[Features, Message | None]:
    """Bring the tables of a clip that need no decoding, from the cache or by reading its packets (triage).

    Returns
    -------
    features : Features
        Without the tables of pictures, sound, overlay, texts and speech; table `gaps` says so.
    unreadable : Message or None
        Why nothing could be examined.

    Raises
    ------
    FootageError
        If the file is no footage at all, or changed since it was hashed.
    """
    key = _key("structure", footage, settings)
    tables = cache.tables(key)
    if tables is not None:
        return Features(tables), None
    with tempfile.TemporaryDirectory(prefix="unbroken-") as work:
        measured = extract.probe(footage.path, Path(work), progress, **STAGES["structure"].used(settings))
        _must_be_unchanged(footage)
        if measured.complete and measured.unreadable is None:
            cache.put(key, measured.tables)
        return Features(_tables(measured.tables)), measured.unreadable


def _look(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress, work: Path, case: CaseRecord | None
) -> tuple[extract.Measured, dict[str, dict[str, pa.Table]]]:
    """Decode a clip, and read what its pictures show; return the tables of every stage that looks at pictures."""
    layouts = Layouts(cache.root / "layouts", next(iter(case.all("device.id")), "") if case else "")
    device = recorder.recorder(progress, layouts, **STAGES["overlay"].used(settings))
    measured = extract.measure(footage.path, work, progress, device.place, **STAGES["media"].used(settings))
    _must_be_unchanged(footage)
    written = {"media": measured.tables}
    if measured.unreadable is None:
        written["overlay"] = device.read(measured)
        areas = [astuple(area) for area in device.areas]
        written["signs"] = reader.read_texts(
            measured.pictures, progress, device.areas, **STAGES["signs"].used(settings)
        )
        if case and case.photos():
            used = STAGES["landmarks"].used(settings)
            written["landmarks"] = landmarks.find_landmarks(measured.pictures, case.photos(), areas, progress, **used)
    return measured, written


def _listen(
    footage: Footage, settings: Settings, cache: Cache, progress: Progress, sound: Path, *, keep: bool
) -> dict[str, Table]:
    """Return the tables of speech, from the cache or by listening to the sound; it is kept if the sound is whole."""
    asked = REGISTRY["notice"].parameters.model_validate(settings.section("detectors.notice")).model_dump()
    notices, opening_s = asked["notices"], asked["opening_s"]
    media = _key("media", footage, settings)
    key = _key("speech", footage, settings, media=media.digest(), notices="\n".join(notices), opening_s=str(opening_s))
    heard = cache.tables(key)
    if heard is None:
        spoken = speech_stage.transcribe(sound, progress, notices, opening_s, **STAGES["speech"].used(settings))
        heard = _tables(spoken)
        if keep and "words" in heard:
            cache.put(key, spoken)
    return heard


def _key(name: str, footage: Footage, settings: Settings, **more: str) -> CacheKey:
    stage = STAGES[name]
    used = stage.used(settings)
    return CacheKey(footage.sha256, name, stage.version, {**used, **more}, stage.libraries(used))


def _tables(arrows: Mapping[str, pa.Table]) -> dict[str, Table]:
    return {name: to_table(name, arrow) for name, arrow in arrows.items()}


def _joined(*parts: Mapping[str, Table]) -> dict[str, Table]:
    """Lay the tables of the stages side by side; those that several stages write are joined row by row."""
    joined: dict[str, Table] = {}
    for part in parts:
        for name, table in part.items():
            before = joined.get(name)
            joined[name] = table if before is None else Table({c: np.concatenate([before[c], table[c]]) for c in table})
    return joined


def with_clock(tables: dict[str, Table]) -> dict[str, Table]:
    """Put the columns of the burned-in clock, which is read after the pass, into the table of pictures."""
    clock = tables.pop("clock", None)
    if clock is not None and "frames" in tables and clock.rows == tables["frames"].rows:
        tables["frames"] = Table({**tables["frames"], **clock})
    return tables


def examined_of(features: Features) -> Examined:
    """Sum up what was looked at, from the tables `examined`, `gaps` and `streams`."""
    counts: dict[str, float] = {}
    if "examined" in features:
        table = features["examined"]
        for measure_name, value in zip(table["measure"], table["value"], strict=True):
            counts[measure_name] = counts.get(measure_name, 0.0) + float(value)
    gaps: tuple[Message, ...] = ()
    if "gaps" in features:
        table = features["gaps"]
        gaps = tuple(
            Message(template, json.loads(values or "{}"))
            for template, values in zip(table["message"], table["values"], strict=True)
        )
    return Examined(
        packets=int(counts.get("packets", 0)),
        frames_in_header=_frames_in_header(features),
        frames_decoded=int(counts.get("frames_decoded", 0)),
        frames_failed=int(counts.get("frames_failed", 0)),
        audio_s=round(counts.get("audio_s", 0.0), 3),
        speech_s=round(counts.get("speech_s", 0.0), 3),
        pictures_read=int(counts.get("pictures_read", 0)),
        gaps=gaps,
    )


def _frames_in_header(features: Features) -> int | None:
    if "streams" not in features:
        return None
    streams = features["streams"]
    claims = streams["frames_in_header"][(streams["kind"] == "video") & streams["default"]]
    return int(claims[0]) if len(claims) and not np.isnan(claims[0]) else None


def detect(features: Features, settings: Settings) -> tuple[tuple[Finding, ...], tuple[Skipped, ...]]:
    """Run every detector, join what is told of one break, and number the findings in order of time.

    Returns
    -------
    findings : tuple of Finding
    skipped : tuple of Skipped
        Detectors that could not run, with the columns that they miss.
    """
    found: list[Finding] = []
    skipped: list[Skipped] = []
    for name, entry in sorted(REGISTRY.items()):
        if missing := entry.missing(features):
            skipped.append(Skipped(name, tuple(missing)))
        else:
            found.extend(entry(features, **settings.section(f"detectors.{name}")))
    fused = fuse(found, features, **settings.section(FUSION))
    return tuple(replace(finding, id=f"f{n}") for n, finding in enumerate(fused, 1)), tuple(skipped)


def examine(
    path: Path,
    profile: Profile,
    cache: Cache,
    settings: Settings | None = None,
    progress: Progress = silent,
    registry: pa.Table | None = None,
    triage: bool = False,
) -> Examination:
    """Take one clip through every stage.

    Parameters
    ----------
    path : Path
        The clip; it is opened read-only and never changed.
    profile : Profile
        The regulation to judge by; its own parameters are the base that `settings` lie over.
    cache : Cache
        Where tables are kept.
    settings : Settings, optional
        Parameters that differ from the profile's and from the defaults.
    progress : callable, optional
        Told the stage and the share of it that is done.
    registry : pyarrow.Table, optional
        The registry of recorders that the overlay is held against, as `pipeline.registry.read_registry` gives it.
    triage : bool
        Look at structure and times only and decode nothing: quick, and never a pass.

    Returns
    -------
    Examination
        Also for damaged and unreadable clips: what could be examined was examined, and `unreadable` says so if
        nothing could.

    Raises
    ------
    SettingsError
        If the clip's case record cannot be used as it stands.
    """
    used = (settings or Settings()).over(profile_settings(profile))
    unreadable: Message | None = None
    sound: Path | None = None
    features = Features()
    footage = Footage(path, "", 0)
    case = case_of(path)
    try:
        footage = identify(path, progress)
        if triage:
            features, unreadable = measure_structure(footage, used, cache, progress)
        else:
            features, sound, unreadable = measure(footage, used, cache, progress, case=case)
    except FootageError as error:
        unreadable = told(error)
    features = beside(features, footage, case, registry)
    findings, skipped = detect(features, used)
    examined = examined_of(features)
    rules, verdict = judge(profile, findings, features, examined)
    if unreadable is not None:
        verdict, rules = Outcome.UNDECIDED, tuple(_unreadable(rule) for rule in rules)
    elif triage and verdict is not Outcome.FAIL:  # whatever a profile asks for: nobody looked at a picture
        verdict = Outcome.UNDECIDED
    return Examination(
        footage=footage,
        profile=profile.key,
        features=features,
        examined=examined,
        findings=findings,
        rules=rules,
        verdict=verdict,
        skipped=skipped,
        unreadable=unreadable,
        versions=versions(used),
        settings=all_settings(used),
        sound=sound,
    )


def beside(
    features: Features, footage: Footage, case: CaseRecord | None = None, registry: pa.Table | None = None
) -> Features:
    """Return what was measured with what lies beside the clip: table file, and case and registry where there is one."""
    tables = dict(features.tables)
    if footage.modified_ns:
        changed = datetime.fromtimestamp(footage.modified_ns // 10**9, UTC)
        tables["file"] = to_table("file", to_arrow("file", [{"modified_at": changed.isoformat()}]))
    if (record := case_table(case)) is not None:
        tables["case"] = to_table("case", record)
    if registry is not None:
        tables["registry"] = to_table("registry", registry)
    return Features(tables)


def _unreadable(rule: RuleResult) -> RuleResult:
    """Return a rule's result on a clip that could not be read: the reason is that, not what followed from it."""
    if rule.outcome is not Outcome.UNDECIDED:
        return rule
    return replace(rule, reason=Message("Nothing of this clip could be examined."))


def told(error: Exception) -> Message:
    """Return what an error says, as a message."""
    said = error.args[0] if error.args else type(error).__name__
    return said if isinstance(said, Message) else Message("{problem}", {"problem": str(error)})


def all_settings(used: Settings) -> dict[str, dict[str, Any]]:
    """Return every parameter of every stage and detector as `used` sets it: section → name → value."""
    return {name: model.model_validate(used.section(name)).model_dump() for name, model in sections().items()}


def versions(used: Settings) -> dict[str, str]:
    """Return name → version of this product and of all that measurements under the settings `used` rest on."""
    found = {"unbroken": distribution_version("unbroken")}
    for stage in STAGES.values():
        found.update(stage.libraries(stage.used(used)))
    return found
