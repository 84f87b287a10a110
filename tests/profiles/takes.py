"""A take with what lies beside it, from a few lines of TOML, judged by the code that judges footage.

What would have to be measured is a calm take (`tests/packets.py`) with the words, texts and clock that the lines state.
Case records, transcripts and subtitles are written as files and read back; everything else is the code of a scan: what
lies beside the clip, the chain of clips, both rounds of detectors with the profile's parameters, and the judge.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from joblib import parallel_config

from pipeline.beside import Beside, moment
from pipeline.features.schema import table
from pipeline.model import Features, Finding, Footage, Level, Message, Outcome, RuleResult, Span, Table
from pipeline.rules.judge import judge
from pipeline.rules.profile import Profile
from pipeline.run import Looked, detect, examined_of, first_round, together
from pipeline.sessions.clips import clip_of
from pipeline.sessions.naming import read_name
from pipeline.sessions.tables import tables as tables_of
from pipeline.settings import Settings
from pipeline.stages import NAMES, profile_settings
from tests.packets import drawn_sound, stream

Entries = Mapping[str, Any]

HERE = Path(__file__).parent
RATE_HZ = 5.0
SYLLABLE_S = 0.2
CHANGES = ("hole", "skip", "silence")
At = tuple[float, float]
NEVER = (1e6, 0.0)
EXAMINED_AT = "2026-03-20T12:00:00+08:00"

CLIP = {
    "file",  # its name
    "sha256",
    "seconds",
    "created_at",  # as the container states it
    "clock",  # what the burned-in clock shows first
    "look",  # brightness of the pictures, 0 to 255
    "hole",  # at_s, s: the times jump on
    "skip",  # at_s, s: the burned-in clock jumps on
    "silence",  # at_s, s: digital silence
    "readable",  # false: nothing of the clip could be examined
    "case",  # entries of the case record
    "unstated",  # entries to be left out of it
    "heard",  # sentences: at_s, text
    "read",  # texts of the scene: at_s, text, and whatever column differs
    "landmarks",  # that were recognised: photo, at_s
    "overlay",  # lines of the overlay: field, text
    "subtitles",
    "transcript",  # its head: status, method, made_at, made_by, proves, sha256
    "without",  # tables that were not measured
    "gaps",  # what was not examined: stage, message
    "planted",  # findings: kind, level, at_s
}
"""What may be said of a clip."""
RUN = {"examined_at", "siblings"}
"""What may be said of a run; `siblings` are clips whose case records say what this one's does, save what they state."""
SAID = {"name", "why", "about", "base", "expect", "verdict"}
"""What may be said of a case besides."""
NO_RULE = "no such rule"
"""What a regulation comes to that has no clause of the kind."""
ABOUT = {"the second", "make-up day", "holiday", "year end"}
"""What every profile must be tried with: a limit to the second, and days on which the calendar tells."""


@dataclass(frozen=True)
class Case:
    """A case of a regulation, and what it comes to."""

    profile: str
    name: str
    why: str
    """Article."""
    about: frozenset[str]
    """What it tries besides; see `ABOUT`."""
    run: Entries
    expect: Mapping[str, tuple[Outcome | None, str]]
    """Id of a rule, or pattern of ids (PHASE-*) → outcome, and a part of the reason; None: there is no such rule."""
    verdict: Outcome | None


@dataclass(frozen=True)
class Judged:
    """What a run comes to."""

    rules: Mapping[str, RuleResult]
    verdict: Outcome
    findings: tuple[Finding, ...]
    features: Features
    """All tables of the clip, those of the other clips among them."""
    first: list[Finding]
    """What the first round found."""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Outcome of each rule by its id."""
        return {name: rule.outcome for name, rule in self.rules.items()}


@dataclass(frozen=True)
class Cases:
    """The file of a profile."""

    base: Mapping[str, Entries]
    """Runs by name; `full` is one that keeps every rule."""
    cases: tuple[Case, ...]


@cache
def cases_of(profile: str) -> Cases:
    """Return the cases of a profile; ValueError if its file says something that is not understood."""
    written = tomllib.loads((HERE / f"{profile}.toml").read_text(encoding="utf-8"))
    base: dict[str, Entries] = {}
    for name, run in written["base"].items():
        base[name] = _on(base, run)
    return Cases(base, tuple(_case(profile, base, case) for case in written["case"]))


def _case(profile: str, base: Mapping[str, Entries], case: Entries) -> Case:
    if unknown := case.keys() - CLIP - RUN - SAID:
        raise ValueError(f"{profile}: {case.get('name')}: unknown {unknown}")
    expect: dict[str, tuple[Outcome | None, str]] = {}
    for rule, said in case["expect"].items():
        outcome, reason = (said, "") if isinstance(said, str) else said
        expect[rule] = (None if outcome == NO_RULE else Outcome(outcome), reason)
    verdict = Outcome(case["verdict"]) if "verdict" in case else None
    about = frozenset(case.get("about", ()))
    if unknown := about - ABOUT:
        raise ValueError(f"{profile}: {case['name']}: unknown {unknown}")
    run = _on(base, {key: value for key, value in case.items() if key not in SAID - {"base"}})
    return Case(profile, case["name"], case["why"], about, run, expect, verdict)


def _on(base: Mapping[str, Entries], run: Entries) -> Entries:
    """Return a run laid over the one that it names as its base: entry by entry."""
    own = {key: value for key, value in run.items() if key != "base"}
    if unknown := own.keys() - CLIP - RUN:
        raise ValueError(f"unknown {unknown}")
    for sibling in own.get("siblings", ()):
        if unknown := sibling.keys() - CLIP:
            raise ValueError(f"sibling: unknown {unknown}")
    return without(over(base[run["base"]], own)) if "base" in run else without(own)


def over(farther: Entries, nearer: Entries) -> dict[str, Any]:
    """Return entries laid over others; of sections entry by entry."""
    merged = copy.deepcopy(dict(farther))
    for key, value in nearer.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = over(merged[key], value) if both else copy.deepcopy(value)
    return merged


def without(run: Entries) -> dict[str, Any]:
    """Return a run whose case record lacks what `unstated` names."""
    kept = {key: value for key, value in run.items() if key != "unstated"}
    case = copy.deepcopy(dict(kept.get("case", {})))
    for name in run.get("unstated", ()):
        section, _, entry = name.rpartition(".")
        del (case[section] if section else case)[entry]
    return {**kept, "case": {key: value for key, value in case.items() if value != {}}}


def judged(run: Entries, profile: Profile, folder: Path, *, more: Sequence[Finding] = ()) -> Judged:
    """Judge the first clip of a run as a scan of all its clips does.

    Parameters
    ----------
    run : mapping
        What is said of the clip and of the run.
    profile : Profile
    folder : Path
        Where its files are written; a new one for each run.
    more : sequence of Finding
        Told besides by detectors of the first round.
    """
    used = Settings().over(profile_settings(profile))
    beside = Beside(at=moment(run.get("examined_at", EXAMINED_AT)))
    clips = [{key: value for key, value in run.items() if key not in RUN}]
    for sibling in run.get("siblings", ()):
        stated = without({"unstated": sibling.get("unstated", ()), "case": over(run["case"], sibling.get("case", {}))})
        clips.append({**sibling, **stated})
    with parallel_config("sequential"):  # of a model that looks at a take of seconds
        looked = [_look(clip, used, beside, folder) for clip in clips]
    own = looked[0]
    chained = together([one.clip for one in looked], profile)
    features = Features({**own.features.tables, **tables_of(chained, own.footage.path)})
    found, skipped = own.first
    findings, _ = detect(features, used, ([*found, *more], skipped))
    rules, verdict = judge(profile, findings, features, examined_of(features))
    return Judged({rule.id: rule for rule in rules}, verdict, findings, features, found)


def _look(clip: Entries, used: Settings, beside: Beside, folder: Path) -> Looked:
    """Return a clip as it is measured by itself."""
    path = folder / clip["file"]
    sha256 = clip.get("sha256") or hashlib.sha256(clip["file"].encode()).hexdigest()
    if clip.get("case"):
        path.with_name(f"{path.name}.case.toml").write_text(toml(clip["case"]), encoding="utf-8")
    if "subtitles" in clip:
        path.with_suffix(".srt").write_text(clip["subtitles"], encoding="utf-8")
    if "transcript" in clip:
        head = transcript({"sha256": sha256, **clip["transcript"]})
        path.with_suffix(".json").write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")
    footage = Footage(path, sha256, 1, round(beside.at.timestamp()) * 10**9)
    readable = clip.get("readable", True)
    case = beside.case(path)
    features = beside.tables(measured(clip) if readable else Features(), footage, case, used)
    found, skipped = first_round(features, used)
    found = [*found, *map(_planted, clip.get("planted", ()))]
    name = read_name(path, **used.section(NAMES))
    seen = clip_of(footage, features, name, case, found, readable=readable)
    return Looked(footage, features, case, seen, (found, skipped), None, None, False)


def toml(entries: Entries) -> str:
    """Return entries of a case record as a user writes them: those of sections under their headings."""
    plain = [f"{key} = {_value(value)}" for key, value in entries.items() if not isinstance(value, Mapping)]
    for section, values in entries.items():
        if isinstance(values, Mapping):
            plain += [f"[{section}]", *(f"{key} = {_value(value)}" for key, value in values.items())]
    return "\n".join(plain) + "\n"


def _value(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else json.dumps(value, ensure_ascii=False)


def transcript(head: Entries) -> dict[str, Any]:
    """Return a transcript that states what `head` does, in the form that `unbroken transcribe` writes."""
    confirmed = head.get("status") == "confirmed"
    return {
        "format": 1,
        "kind": "transcript",
        "status": head.get("status", "draft"),
        "clip": {"sha256": head["sha256"]},
        "made": {"method": head.get("method"), "at": head.get("made_at"), "by": head.get("made_by")},
        "proves": head.get("proves"),
        "confirmed": {"by": "李四"} if confirmed else None,
    }


def measured(clip: Entries) -> Features:
    """Return the tables of a calm take in which this was said, seen and burned in."""
    seconds = float(clip.get("seconds", 40.0))
    changes = {name: (float(clip[name]["at_s"]), float(clip[name]["s"])) for name in CHANGES if name in clip}
    base = _calm(seconds, int(clip.get("look", 100)), clip.get("clock"), **changes)
    container = {**_row(base["container"]), "created_at": clip.get("created_at")}
    overlay = [_overlay(line) for line in clip.get("overlay", ())]
    if "clock" in clip:
        overlay.append(_overlay({"field": "clock", "text": clip["clock"], "form": re.sub(r"\d", "0", clip["clock"])}))
    gaps = [{"values": "{}", **gap} for gap in clip.get("gaps", ())]
    tables: dict[str, Table] = {
        **base.tables,
        "container": table("container", [container]),
        "overlay": table("overlay", overlay),
        "gaps": table("gaps", gaps),
        "examined": table("examined", _counts(base, seconds)),
        **_speech(clip.get("heard", ())),
        **_texts(clip.get("read", ())),
        "landmarks": table("landmarks", [_landmark(one) for one in clip.get("landmarks", ())]),
    }
    beside = {"case", "file", "transcript", "calendar", "recording", "siblings", "joins", "findings", "registry"}
    left_out = beside | set(clip.get("without", ()))
    return Features({name: value for name, value in tables.items() if name not in left_out})


@cache
def _calm(
    seconds: float, look: int, clock: str | None, hole: At = NEVER, skip: At = NEVER, silence: At = NEVER
) -> Features:
    count = round(seconds * RATE_HZ)
    packed = int.from_bytes(bytes([look] * 8), "little", signed=True)
    frames: dict[str, Sequence[float]] = {f"look_{row}": [packed] * count for row in range(1, 9)}
    pictures = stream(("IPPPP" * count)[:count], RATE_HZ).later(round(hole[0] * RATE_HZ), hole[1])
    if clock:
        start_s = (datetime.fromisoformat(clock) - datetime(1970, 1, 1)).total_seconds()
        shown = [start_s + int(at_s + (skip[1] if at_s >= skip[0] else 0.0) + 1e-9) for at_s in pictures.time_s]
        frames |= {"clock_s": shown, "clock_score": [0.95] * count}
    heard = "".join("_" if silence[0] <= n / 10 < sum(silence) else "-" for n in range(round(seconds * 10)))
    return pictures.features(sound=drawn_sound(heard), **frames)


def _counts(base: Features, seconds: float) -> list[dict[str, object]]:
    counts = {
        ("probe", "packets"): base["packets"].rows,
        ("pictures", "frames_decoded"): base["frames"].rows,
        ("sound", "audio_s"): seconds,
        ("speech", "speech_s"): seconds,
        ("texts", "pictures_read"): 8,
    }
    return [{"stage": stage, "measure": name, "value": float(value)} for (stage, name), value in counts.items()]


def _row(one: Table) -> dict[str, object]:
    return {name: one[name][0] for name in one}


def _overlay(line: Entries) -> dict[str, object]:
    box = {"left": 0.03, "top": 0.03, "right": 0.3, "bottom": 0.08, "height_px": 20.0}
    return {**box, "agreement": 1.0, "readings": 6, "pictures": 6, **line}


def _speech(heard: Sequence[Entries]) -> dict[str, Table]:
    """Return sentences as a recogniser writes them that understands all: a row a syllable."""
    voice, words = [], []
    for sentence in heard:
        at_s = float(sentence["at_s"])
        pieces = re.findall(r"\w\W*", sentence["text"])
        for n, text in enumerate(pieces):
            start_s = at_s + n * SYLLABLE_S
            words.append({"start_s": start_s, "stop_s": start_s + SYLLABLE_S, "text": text, "probability": 0.9})
        stop_s = at_s + len(pieces) * SYLLABLE_S
        voice.append({"start_s": at_s, "stop_s": stop_s, "probability": 0.95, "snr_db": 20.0, **_columns(sentence)})
    return {"voice": table("voice", voice), "words": table("words", words)}


def _columns(entries: Entries) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key not in ("at_s", "text")}


def _texts(read: Sequence[Entries]) -> dict[str, Table]:
    """Return texts that stand below each other in the pictures in which they were read."""
    rows: list[dict[str, object]] = []
    for text in read:
        at_s = float(text.get("at_s", 2.0))
        top = 0.1 + 0.1 * sum(row["time_s"] == at_s for row in rows)
        box = {"left": 0.3, "top": top, "right": 0.6, "bottom": top + 0.06, "height_px": 40.0, "sharpness": 300.0}
        seen = {"confidence": 0.95, "overlay": False, "document": False, "text": text["text"]}
        rows.append({"frame": round(at_s * RATE_HZ), "time_s": at_s, **box, **seen, **_columns(text)})
    return {"texts": table("texts", rows)}


def _landmark(entries: Entries) -> dict[str, object]:
    at_s = float(entries["at_s"])
    box = {"left": 0.2, "top": 0.2, "right": 0.7, "bottom": 0.8}
    agreed = {"matches": 90, "inliers": 60, "spread": 0.3}
    return {"photo": entries["photo"], "frame": round(at_s * RATE_HZ), "time_s": at_s, **agreed, **box}


def _planted(entries: Entries) -> Finding:
    return planted(entries["kind"], Level(entries.get("level", "violation")), float(entries.get("at_s", 10.0)))


def planted(kind: str, level: Level, at_s: float = 10.0) -> Finding:
    """Return a finding as a detector tells it that looks at pictures or sound."""
    return replace(Finding(kind, level, Span(at_s, at_s + 1.0), Message(f"planted {kind}")), detector="planted")
