"""Examine one clip: measure it, run every detector, judge by a regulation."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.case import CaseRecord, case_of, case_table
from pipeline.detector import REGISTRY
from pipeline.errors import FootageError
from pipeline.features.cache import Cache
from pipeline.features.schema import to_arrow, to_table
from pipeline.fusion import fuse
from pipeline.measuring import Progress, identify, measure, measure_structure, silent
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
)
from pipeline.rules.judge import judge
from pipeline.rules.profile import Profile
from pipeline.settings import Settings
from pipeline.stages import FUSION, all_settings, profile_settings, versions


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
