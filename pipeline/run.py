"""Examine one clip: measure it, run every detector, judge by a regulation."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.beside import Beside
from pipeline.case import CaseRecord
from pipeline.detector import REGISTRY
from pipeline.errors import FootageError
from pipeline.features.cache import Cache
from pipeline.features.schema import table
from pipeline.fusion import fuse
from pipeline.measuring import Progress, Unfinished, identify, is_as_hashed, measure, measure_structure, silent
from pipeline.model import (
    Examination,
    Examined,
    Features,
    Finding,
    Footage,
    Level,
    Message,
    Outcome,
    RuleResult,
    Skipped,
    Table,
)
from pipeline.rules.judge import judge
from pipeline.rules.profile import Profile
from pipeline.sessions.chain import Chain, chain
from pipeline.sessions.clips import Clip, clip_of
from pipeline.sessions.naming import read_name
from pipeline.sessions.tables import tables as tables_of
from pipeline.settings import Settings
from pipeline.stages import FUSION, NAMES, SESSIONS, all_settings, profile_settings, versions
from pipeline.store import must_stay_inside


def examined_of(features: Features) -> Examined:
    """Sum up what was looked at, from the tables `examined`, `gaps` and `streams`."""
    counts: dict[str, float] = {}
    isolation: dict[str, int] = {}
    if "examined" in features:
        rows = features["examined"]
        for measure_name, value in zip(rows["measure"], rows["value"], strict=True):
            counts[measure_name] = counts.get(measure_name, 0.0) + float(value)
        here = rows["stage"] == "isolation"
        layers = zip(rows["measure"][here], rows["value"][here], strict=True)
        isolation = {str(name): int(version) for name, version in layers}
    gaps: tuple[Message, ...] = ()
    if "gaps" in features:
        rows = features["gaps"]
        gaps = tuple(
            Message(template, json.loads(values or "{}"))
            for template, values in zip(rows["message"], rows["values"], strict=True)
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
        isolation=isolation,
    )


def _frames_in_header(features: Features) -> int | None:
    if "streams" not in features:
        return None
    streams = features["streams"]
    claims = streams["frames_in_header"][(streams["kind"] == "video") & streams["default"]]
    return int(claims[0]) if len(claims) and not np.isnan(claims[0]) else None


Known = MutableMapping[str, list[Finding]]
"""What detectors told of the tables of one clip: name and parameters → findings."""


def first_round(
    features: Features, settings: Settings, known: Known | None = None
) -> tuple[list[Finding], list[Skipped]]:
    """Run every detector that looks at this clip alone, and join what is told of one break.

    Parameters
    ----------
    features : Features
    settings : Settings
    known : mutable mapping, optional
        A detector that was run on the same tables with the same parameters is not run again; filled here.

    Returns
    -------
    findings : list of Finding
    skipped : list of Skipped
        Detectors that could not run, with the columns that they miss.
    """
    found, skipped = unjoined(features, settings, known)
    return fuse(found, features, **settings.section(FUSION)), skipped


def unjoined(features: Features, settings: Settings, known: Known | None = None) -> tuple[list[Finding], list[Skipped]]:
    """Return what `first_round` joins: what every detector tells by itself."""
    return _round(features, settings, known, second=False)


def detect(
    features: Features, settings: Settings, before: tuple[list[Finding], list[Skipped]] | None = None
) -> tuple[tuple[Finding, ...], tuple[Skipped, ...]]:
    """Run every detector and number the findings in order of time.

    Those that look at what others found, and at the other clips of the recorder, run last.

    Parameters
    ----------
    features : Features
    settings : Settings
    before : tuple, optional
        What `first_round` came to.

    Returns
    -------
    findings : tuple of Finding
    skipped : tuple of Skipped
        Detectors that could not run, with the columns that they miss.
    """
    found, skipped = before or first_round(features, settings)
    tables = {**features.tables, "findings": table("findings", [_row(finding) for finding in found])}
    later, also_skipped = _round(Features(tables), settings, None, second=True)
    whole = sorted(settled([*found, *later]), key=lambda f: (f.span.start_s, f.span.stop_s))
    numbered = tuple(replace(finding, id=f"f{n}") for n, finding in enumerate(whole, 1))
    return numbered, tuple(sorted([*skipped, *also_skipped], key=lambda skip: skip.detector))


def _round(
    features: Features, settings: Settings, known: Known | None, *, second: bool
) -> tuple[list[Finding], list[Skipped]]:
    found: list[Finding] = []
    skipped: list[Skipped] = []
    for name, entry in sorted(REGISTRY.items()):
        if entry.looks_at_others is not second:
            continue
        if missing := entry.missing(features):
            skipped.append(Skipped(name, tuple(missing)))
            continue
        params = settings.section(f"detectors.{name}")
        key = f"{name} {sorted(params.items())}"
        if known is None:
            found.extend(entry(features, **params))
        else:
            if key not in known:
                known[key] = entry(features, **params)
            found.extend(known[key])
    return found, skipped


def _row(finding: Finding) -> dict[str, object]:
    """Return the row of table `findings`."""
    heard = finding.evidence.get("heard")
    quoted = [part for part in (heard if isinstance(heard, tuple | list) else [heard]) if isinstance(part, str)]
    return {
        "kind": finding.kind,
        "level": finding.level.value,
        "start_s": finding.span.start_s,
        "stop_s": finding.span.stop_s,
        "words": " … ".join(quoted) or None,
        "summary": finding.summary,
    }


SETTLES = {
    "notice-in-session": {"notice-missing", "notice-partial", "notice-unclear", "notice-late"},
    "place-in-session": {"place-missing", "place-unclear"},
}
"""What another clip of the recording shows → kinds that say no more, then, than that this clip alone does not."""


def settled(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, those that another clip settles at level note: they are no accusation any more."""
    said = {kind for finding in findings for kind in SETTLES.get(finding.kind, ())}
    return [replace(finding, level=Level.NOTE) if finding.kind in said else finding for finding in findings]


@dataclass(frozen=True, slots=True)
class Looked:
    """One clip as it was measured by itself, before it is held against the other clips and judged."""

    footage: Footage
    features: Features
    case: CaseRecord | None
    clip: Clip
    first: tuple[list[Finding], list[Skipped]]
    """What `first_round` came to."""
    sound: Path | None
    unreadable: Message | None
    triage: bool


def look(
    path: Path,
    profile: Profile,
    cache: Cache,
    settings: Settings | None = None,
    progress: Progress = silent,
    beside: Beside | None = None,
    *,
    triage: bool = False,
    folders: Sequence[Path] = (),
    known: Footage | None = None,
    unfinished: Unfinished = "drop",
) -> Looked:
    """Measure one clip and run the detectors that need no other clip.

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
    beside : Beside, optional
        What lies beside the clips: registry, table of case records, the moment for which periods are judged.
    triage : bool
        Look at structure and times only and decode nothing: quick, and never a pass.
    folders : sequence of Path
        Folders that were searched for clips: a link in one of them that leads out of it is not followed.
    known : Footage, optional
        The clip as it was hashed before: it is not hashed again as long as size and time of change are the same.
    unfinished : "drop", "keep" or "keep all"
        See `pipeline.measuring.measure`.

    Raises
    ------
    SettingsError
        If the clip's case record cannot be used as it stands.
    """
    used = (settings or Settings()).over(profile_settings(profile))
    store = beside or Beside()
    unreadable: Message | None = None
    sound: Path | None = None
    features = Features()
    footage = Footage(path, "", 0)
    case = store.case(path)
    try:
        must_stay_inside(path, folders)
        footage = known if known is not None and is_as_hashed(known, path) else identify(path, progress)
        if triage:
            features, unreadable = measure_structure(footage, used, cache, progress)
        else:
            features, sound, unreadable = measure(footage, used, cache, progress, case=case, unfinished=unfinished)
    except FootageError as error:
        unreadable = told(error)
    looked = regard(footage, features, profile, settings, store, case)
    if unreadable is None and sound is None and not triage:
        return looked
    clip = replace(looked.clip, readable=unreadable is None)
    return replace(looked, clip=clip, sound=sound, unreadable=unreadable, triage=triage)


def regard(
    footage: Footage,
    features: Features,
    profile: Profile,
    settings: Settings | None = None,
    beside: Beside | None = None,
    case: CaseRecord | None = None,
    known: Known | None = None,
) -> Looked:
    """Run the detectors that need no other clip over what was measured of a clip; nothing is measured here.

    Parameters
    ----------
    footage : Footage
        The file need not be there.
    features : Features
        As `measure` brings it: without the tables of what lies beside the clip.
    profile, settings, beside
        As in `look`.
    case : CaseRecord, optional
        The clip's case record.
    known : mutable mapping, optional
        As in `first_round`: for those who run detectors on one clip again and again.
    """
    used = (settings or Settings()).over(profile_settings(profile))
    features = (beside or Beside()).tables(features, footage, case, used)
    first = first_round(features, used, known)
    clip = clip_of(footage, features, read_name(footage.path, **used.section(NAMES)), case, first[0])
    return Looked(footage, features, case, clip, first, None, None, False)


def together(clips: Sequence[Clip], profile: Profile, settings: Settings | None = None) -> Chain:
    """Put the clips of one run together by recorder, under the settings of `look`."""
    used = (settings or Settings()).over(profile_settings(profile))
    return chain(clips, **used.section(SESSIONS))


def findings_of(
    looked: Looked,
    profile: Profile,
    settings: Settings | None = None,
    others: Chain | Mapping[str, Table] | None = None,
) -> tuple[Features, tuple[Finding, ...], tuple[Skipped, ...]]:
    """Hold a measured clip against the other clips; parameters are those of `conclude`, which then judges.

    Returns the tables, with those of the other clips, all findings, and the detectors that could not run.
    """
    used = (settings or Settings()).over(profile_settings(profile))
    if others is None:
        others = together([looked.clip], profile, settings)
    told_by_others = tables_of(others, looked.footage.path) if isinstance(others, Chain) else others
    features = Features({**looked.features.tables, **told_by_others})
    findings, skipped = detect(features, used, looked.first)
    return features, findings, skipped


def conclude(
    looked: Looked,
    profile: Profile,
    settings: Settings | None = None,
    others: Chain | Mapping[str, Table] | None = None,
) -> Examination:
    """Hold a measured clip against the other clips, and judge it.

    Parameters
    ----------
    looked : Looked
    profile : Profile
    settings : Settings, optional
        As in `look`.
    others : Chain or mapping, optional
        The clips that were measured together with this one, or what they tell of it, as
        `pipeline.sessions.tables.tables` gives it; this one alone if left out.

    Returns
    -------
    Examination
        Also for damaged and unreadable clips: what could be examined was examined, and `unreadable` says so if
        nothing could.
    """
    used = (settings or Settings()).over(profile_settings(profile))
    features, findings, skipped = findings_of(looked, profile, settings, others)
    examined = examined_of(features)
    rules, verdict = judge(profile, findings, features, examined)
    if looked.unreadable is not None:
        rules = tuple(_unreadable(rule) for rule in rules)
    if (looked.unreadable is not None or looked.triage) and verdict is not Outcome.FAIL:
        verdict = Outcome.UNDECIDED  # whatever a profile asks for: nobody looked at a picture
    return Examination(
        footage=looked.footage,
        profile=profile.key,
        features=features,
        examined=examined,
        findings=findings,
        rules=rules,
        verdict=verdict,
        skipped=skipped,
        unreadable=looked.unreadable,
        versions=versions(used),
        settings=all_settings(used),
        tuned=used.tuned,
        sound=looked.sound,
    )


def examine(
    path: Path,
    profile: Profile,
    cache: Cache,
    settings: Settings | None = None,
    progress: Progress = silent,
    beside: Beside | None = None,
    *,
    triage: bool = False,
) -> Examination:
    """Take one clip by itself through every stage; parameters and errors are those of `look`."""
    return conclude(look(path, profile, cache, settings, progress, beside, triage=triage), profile, settings)


def _unreadable(rule: RuleResult) -> RuleResult:
    """Return a rule's result on a clip that could not be read: the reason is that, not what followed from it."""
    if rule.outcome is not Outcome.UNDECIDED:
        return rule
    return replace(rule, reason=Message("Nothing of this clip could be examined."))


def told(error: Exception) -> Message:
    """Return what an error says, as a message."""
    said = error.args[0] if error.args else type(error).__name__
    return said if isinstance(said, Message) else Message("{problem}", {"problem": str(error)})
