"""Everything a report shows, decided here as plain values; the templates only lay it out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pipeline.errors import SettingsError
from pipeline.language import Language
from pipeline.model import Examination, Examined, Features, Finding, Message, Outcome, RuleResult
from pipeline.report.decisions import Decision, DecisionView, build_decisions
from pipeline.report.json_v1 import case_value, claimed_start, display_path, tool_version
from pipeline.report.measured import LIMITS, MEASURED, MeasuredView, shares_of, unmeasured
from pipeline.report.method import method
from pipeline.report.page_findings import Assets, Entry, FindingView, entries, left_out, view
from pipeline.report.page_overlay import OverlayView, build_overlay
from pipeline.report.page_records import RecordView, build_records, of_record
from pipeline.report.page_texts import Texts, Transcript, build_texts, build_transcript
from pipeline.report.page_tuned import TunedView, build_tuned
from pipeline.report.rules_shown import Group, grouped
from pipeline.report.snippets import limits_of as limits_of_snippets
from pipeline.report.stills import limits_of
from pipeline.report.timeline import Timeline, build_timeline
from pipeline.report.wording import NOTHING, OUTCOMES, SIGNS, VERDICTS, clock, figure, shown, size, title
from pipeline.rules.profile import builtin_profiles, load_profile

MOST_LINKS = 12
FOLDED_FROM = 3
"""So many rules of one outcome for one reason are told together."""
OTHERS_IDLE = "Other clauses that do not apply to this clip."


@dataclass(frozen=True, slots=True)
class Badge:
    """An outcome: its word, the class of its colour, and a mark that needs no colour."""

    word: str
    style: str
    sign: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """One clause, judged."""

    id: str
    article: str
    text: str
    gloss: str
    outcome: Badge
    reason: str
    links: tuple[Entry, ...]
    """Findings that the outcome rests on: id, and the title of its kind; without a title if it is not described."""
    more: int


@dataclass(frozen=True, slots=True)
class FoldedRules:
    """Clauses of one outcome for one reason, told once."""

    outcome: Badge
    reason: str
    rules: tuple[RuleView, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """Something that was examined: how much, and what the header claims."""

    name: str
    value: str
    claimed: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class SkippedView:
    """A detector that did not run."""

    detector: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageData:
    """A whole report."""

    language: str
    name: str
    made_at: str
    tool: str
    verdict: Badge
    headline: str
    unreadable: str
    profile: str
    profile_name: str
    facts: tuple[Entry, ...]
    sha256: str
    rules: tuple[RuleView, ...]
    folded: tuple[FoldedRules, ...]
    pressing: tuple[tuple[Badge, tuple[RuleView, ...]], ...]
    """Rules that fail, then those that are undecided: where a reader looks first."""
    timeline: Timeline | None
    findings: tuple[FindingView, ...]
    total_findings: int
    records: tuple[RecordView, ...]
    left_out: tuple[str, ...]
    transcript: Transcript | None
    opening: str
    """Sound file in the report's folder; empty if there is none."""
    texts: Texts | None
    overlay: OverlayView | None
    counts: tuple[Count, ...]
    gaps: tuple[str, ...]
    skipped: tuple[SkippedView, ...]
    versions: tuple[Entry, ...]
    settings: tuple[tuple[str, tuple[Entry, ...]], ...]
    tuned: TunedView | None
    limits: tuple[str, ...]
    isolation: tuple[str, ...]
    """What was in force while the clip was decoded."""
    method: tuple[str, ...]
    """How the clip was examined."""
    measured: tuple[MeasuredView, ...]
    """Every error rate that was measured: of what was not found, too."""
    unmeasured: tuple[str, ...]
    """Titles of the kinds that were found here and whose error rate nobody measured."""
    measured_limits: tuple[str, ...]
    decisions: tuple[DecisionView, ...]


def build_page(
    examination: Examination,
    described: Sequence[Finding],
    assets: Assets,
    made_at: datetime,
    words: Language,
    decisions: Sequence[Decision] = (),
) -> PageData:
    """Decide everything that the report of an examination shows.

    Parameters
    ----------
    examination : Examination
        What one scan of one clip came to.
    described : sequence of Finding
        The findings that get a section of their own, in the order in which they are shown.
    assets : Assets
        Plots, stills and sound as they lie in the report's folder.
    made_at : datetime
        When the report is made, with its zone.
    words : Language
        The reader's language.
    decisions : sequence of Decision
        What people decided about the findings.
    """
    features, footage = examination.features, examination.footage
    duration_s = features.duration_s()
    records = build_records(examination.findings, duration_s, words)
    seen = [finding for finding in examination.findings if not of_record(finding, duration_s)]
    linked = {finding.id for finding in described} | {record.id for record in records}
    apart, together = _parted(examination.rules)
    return PageData(
        language=words.tag,
        name=shown(display_path(footage.path).rpartition("/")[2]),
        made_at=made_at.isoformat(" ", "seconds"),
        tool=tool_version(examination),
        verdict=badge(examination.verdict, words),
        headline=words.text(VERDICTS[examination.verdict]),
        unreadable=shown(words.tell(examination.unreadable)) if examination.unreadable else "",
        profile=shown(examination.profile),
        profile_name=_profile_name(examination, words),
        facts=_facts(examination, words),
        sha256=footage.sha256 or NOTHING,
        rules=tuple(_rule(rule, examination, linked, words) for rule in apart),
        folded=tuple(
            FoldedRules(
                badge(group.outcome, words),
                shown(words.tell(group.reason)),
                tuple(_rule(rule, examination, linked, words) for rule in group.rules),
            )
            for group in together
        ),
        pressing=tuple(
            (badge(outcome, words), views)
            for outcome in (Outcome.FAIL, Outcome.UNDECIDED)
            if (views := tuple(_rule(r, examination, linked, words) for r in examination.rules if r.outcome is outcome))
        ),
        timeline=build_timeline(features, seen, linked, words),
        findings=tuple(view(finding, examination, assets, words) for finding in described),
        total_findings=len(seen),
        records=records,
        left_out=left_out(seen, described, words),
        transcript=build_transcript(features, examination.findings, words),
        opening=assets.opening,
        texts=build_texts(features),
        overlay=build_overlay(features, described, assets, words),
        counts=_counts(examination.examined, features, words),
        gaps=tuple(shown(words.tell(gap)) for gap in examination.examined.gaps),
        skipped=tuple(SkippedView(shown(skip.detector), skip.missing) for skip in examination.skipped),
        versions=entries(examination.versions, words),
        settings=tuple((shown(name), entries(values, words)) for name, values in examination.settings.items()),
        tuned=build_tuned(examination.tuned, words),
        limits=_limits(examination, assets, words),
        isolation=_isolation(examination.examined, words),
        method=method(examination.examined, words),
        measured=shares_of((kind for share in MEASURED for kind in share.kinds), words),
        unmeasured=unmeasured((finding.kind for finding in seen), words),
        measured_limits=tuple(words.text(limit) for limit in LIMITS),
        decisions=build_decisions(decisions, examination.findings, words),
    )


def _parted(rules: Sequence[RuleResult]) -> tuple[list[RuleResult], list[Group]]:
    """Return the rules that are shown one by one, in order, and the groups that are folded."""
    folded = [g for g in grouped(rules) if g.outcome is not Outcome.FAIL and len(g.rules) >= FOLDED_FROM]
    inside = {rule.id for group in folded for rule in group.rules}
    idle = tuple(rule for rule in rules if rule.outcome is Outcome.NOT_APPLICABLE and rule.id not in inside)
    if idle:
        folded.append(Group(Outcome.NOT_APPLICABLE, Message(OTHERS_IDLE), idle))
    inside |= {rule.id for rule in idle}
    return [rule for rule in rules if rule.id not in inside], folded


def badge(outcome: Outcome, words: Language) -> Badge:
    """Return an outcome as it is shown."""
    return Badge(words.text(OUTCOMES[outcome]), outcome.replace(" ", "-"), SIGNS[outcome])


def _profile_name(examination: Examination, words: Language) -> str:
    """Return the regulation's name if the profile is a built-in one, word for word; an agency's copy may differ."""
    if examination.profile not in builtin_profiles():
        return ""
    try:
        profile = load_profile(examination.profile)
    except SettingsError:
        return ""
    judged = [(rule.id, rule.text) for rule in examination.rules]
    if judged and judged != [(rule.id, rule.text) for rule in profile.rules]:
        return ""
    return profile.name if words.tag.startswith("zh") else profile.name_en


def _facts(examination: Examination, words: Language) -> tuple[Entry, ...]:
    _ = words.text
    footage, features = examination.footage, examination.features
    facts = [
        Entry(_("File"), shown(display_path(footage.path))),
        Entry(_("Size"), f"{size(footage.bytes)} ({footage.bytes:,} B)"),
        Entry(_("Duration, measured"), f"{clock(features.duration_s())} ({figure(round(features.duration_s(), 3))} s)"),
        Entry(_("Pictures"), _stream(features, "video", words)),
        Entry(_("Sound"), _stream(features, "audio", words)),
        Entry(_("Container"), _container(features)),
        Entry(_("Recorded at, as the header claims"), shown(claimed_start(features) or NOTHING)),
        Entry(_("Device, from the case record"), shown(case_value(features, "device.id") or NOTHING)),
        Entry(_("Place, from the case record"), shown(case_value(features, "place.names") or NOTHING)),
    ]
    return tuple(facts)


def _container(features: Features) -> str:
    if "container" not in features or not features["container"].rows:
        return NOTHING
    row = {name: column[0] for name, column in features["container"].items()}
    return shown(" · ".join(str(row[name]) for name in ("format", "brand", "writer") if row.get(name)))


def _stream(features: Features, kind: str, words: Language) -> str:
    """Return codec, size and rate of the stream that was examined."""
    if not features.has("streams.default"):
        return NOTHING
    table = features["streams"]
    rows = np.flatnonzero((table["kind"] == kind) & table["default"].astype(bool))
    if not len(rows):
        return words.text("none")
    stream = {name: column[rows[0]] for name, column in table.items()}
    parts = [str(stream["codec"] or NOTHING)]
    if kind == "video":
        parts += [f"{figure(stream['width'])} × {figure(stream['height'])}"]
        parts += [f"{figure(stream['rate_in_header_hz'])} Hz"] if math.isfinite(stream["rate_in_header_hz"]) else []
        parts += [f"{figure(stream['rotation_deg'])}°"] if stream["rotation_deg"] else []
    else:
        parts += [f"{figure(stream['sample_rate_hz'])} Hz", f"{figure(stream['channels'])} ch"]
    return shown(" · ".join(parts))


def _rule(rule: RuleResult, examination: Examination, linked: set[str], words: Language) -> RuleView:
    kinds = {finding.id: finding.kind for finding in examination.findings}
    named = [id_ for id_ in rule.findings if id_ in kinds]
    links = [Entry(id_, title(kinds[id_], words)) for id_ in named if id_ in linked][:MOST_LINKS]
    return RuleView(
        id=shown(rule.id),
        article=shown(rule.article),
        text=shown(rule.text),
        gloss=shown(rule.gloss),
        outcome=badge(rule.outcome, words),
        reason=shown(words.tell(rule.reason)),
        links=tuple(links),
        more=len(named) - len(links),
    )


def _counts(examined: Examined, features: Features, words: Language) -> tuple[Count, ...]:
    _ = words.text
    claimed = examined.frames_in_header
    decoded = examined.frames_decoded
    return (
        Count(_("Packets in the container"), str(examined.packets)),
        Count(
            _("Pictures decoded"),
            str(decoded),
            NOTHING if claimed is None else str(claimed),
            differs=claimed is not None and claimed != decoded,
        ),
        Count(_("Pictures that could not be decoded"), str(examined.frames_failed), differs=examined.frames_failed > 0),
        Count(_("Sound decoded"), f"{figure(examined.audio_s)} s"),
        Count(_("Sound in which speech was looked for"), f"{figure(examined.speech_s)} s"),
        Count(_("Pictures in which text was looked for"), str(examined.pictures_read)),
    )


ISOLATION = {
    "limits": "Memory, processor time and size of files of the decoding process were limited.",
    "no-new-privileges": "It could start no program with more rights than it had.",
    "landlock": "It could read only the clip and its libraries and write only in its work folder (Landlock {version}).",
    "seccomp": "It could use no network, start no process and change no rights or times of files (seccomp).",
}
"""Layer → what it means for the reader."""
NOT_ISOLATED = "This system offered no sandbox, or the clip was not decoded."


def _isolation(examined: Examined, words: Language) -> tuple[str, ...]:
    told = [Message(ISOLATION[name], {"version": level}) for name, level in examined.isolation.items()]
    return tuple(words.tell(sentence) for sentence in told or [Message(NOT_ISOLATED)])


def _limits(examination: Examination, assets: Assets, words: Language) -> tuple[str, ...]:
    _ = words.text
    examined = examination.examined
    said = [_("What is said here holds for the file with this SHA-256, and for no other.")]
    if any(finding.score is None for finding in examination.findings) or not examination.findings:
        said.append(
            _(
                "Only findings that a calibrated model judged give a probability; the others say what was measured and "
                "which threshold it crossed, not how probable they are."
            )
        )
    if examined.speech_s + 1 < examined.audio_s:
        said.append(
            _("Speech was looked for in the first {speech} s of {audio} s of sound.").format(
                speech=figure(examined.speech_s), audio=figure(examined.audio_s)
            )
        )
    if examined.pictures_read < examined.frames_decoded:
        said.append(
            _("Text was looked for in {read} of {decoded} pictures, chosen for their sharpness.").format(
                read=examined.pictures_read, decoded=examined.frames_decoded
            )
        )
    said.append(
        _(
            "A detector finds what its measurements can show. That nothing was found does not prove that nothing was "
            "done to the footage."
        )
    )
    said.append(_("Times and device of the header are claims of the file; they were not verified."))
    caps = (limits_of(assets.stills), limits_of_snippets(assets.passages))
    said += [words.tell(cap) for cap in caps if cap is not None]
    return tuple(said)
