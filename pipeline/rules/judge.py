"""Findings and coverage against the rules of a profile: pure, and never "pass" where something could not be told."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.case import FIELDS
from pipeline.model import Examined, Features, Finding, Level, Message, Outcome, RuleResult
from pipeline.rules.profile import Profile, Rule

_STRUCTURE = "The structure of the file could not be examined."
_PICTURES = "No picture of the clip could be examined."
_OVERLAY = "The pictures were not examined for what the recorder burned in."
_SPEECH = "The sound was not examined for speech."
_COVERAGE = "What was examined of the clip is not recorded."
_OTHERS = "The other clips of the recorder were not examined with this one."

ABSENT: dict[str, str] = {
    **dict.fromkeys(("container", "boxes", "streams", "edits", "packets", "parameters", "encoder"), _STRUCTURE),
    "frames": _PICTURES,
    "sound": "The sound of the clip could not be examined.",
    **dict.fromkeys(("overlay", "clock"), _OVERLAY),
    **dict.fromkeys(("voice", "words", "likelihood"), _SPEECH),
    "texts": "The pictures were not examined for text.",
    "landmarks": "The pictures were not examined for landmarks.",
    **dict.fromkeys(("examined", "gaps"), _COVERAGE),
    "case": "No case record lies beside the clip, so what it should show is not known.",
    "file": "Name, hash and subtitles of the file were not looked at.",
    "transcript": "No transcript of this clip was found.",
    "calendar": "No calendar of working days is known.",
    "recording": "Which recorder took the clip, and when, was not looked for.",
    **dict.fromkeys(("siblings", "joins"), _OTHERS),
    "findings": "What else was found in the clip was not taken into account.",
    "registry": "No registry of recorders was given.",
}
"""What it means, in a reader's words, that a table was not measured."""

NO_SOUND = "There is no sound in which anything could have been heard."
NO_PICTURES_READ = "No picture of the clip could be read for text."
OTHER_TABLE = "What this rule needs was not measured: {column}."
CASE_SILENT = "The case record does not state what this rule needs: {fields} ({headings})."
CASE_NAMES_NO_PLACE = "The case record names no place, so no sign can be held against it."
SEVERAL_FAIL = "{count} findings break this rule ({ids}); the first begins at {start_s:.2f} s."
SEVERAL_DOUBT = "A person must look at {count} findings ({ids}); the first begins at {start_s:.2f} s."
NOTHING_DECODED = "No picture of the clip could be decoded, so nothing can be said about it."
FRAMES_FAILED = "{failed} of {total} pictures could not be decoded, so the clip was not examined as a whole."
HEARD_PARTLY = (
    'Only {speech_s:.0f} of {audio_s:.0f} s of sound were searched for speech; [speech] extent = "whole" searches all.'
)
COVERED_S = 1.0
"""So much less than the whole is the whole: sound and pictures seldom end together."""
NOT_SHOWN = "Nothing that fulfils this rule was found, and nothing that clearly breaks it: a person must look."
NOTHING_AGAINST = "Nothing speaks against it in the {frames} pictures and {audio_s:.1f} s of sound that were examined."


def judge(
    profile: Profile, findings: Sequence[Finding], features: Features, examined: Examined
) -> tuple[tuple[RuleResult, ...], Outcome]:
    """Judge every rule of a profile on one clip, and the clip as a whole.

    A rule looks at findings of the kinds that it names; where it names phases, not at findings about other phases only
    (evidence `phases`). It is decided by the first of these that holds:

    1. it does not apply → not applicable;
    2. a finding of a kind in `settled_on` → pass;
    3. a finding of a kind in `fails_on` at level violation → fail, even where something could not be examined;
    4. a finding of a kind in `exempt_on`, and none in `passes_on` or `undecided_on` at any level or in `fails_on` at
       level suspect → not applicable; of a rule with several phases they must cover all;
    5. a column in `needs`, or a field in `needs_case`, is absent → undecided;
    6. a finding of a kind in `fails_on` at level suspect, or in `undecided_on` at any level → undecided;
    7. a stage in `whole` did not examine everything → undecided;
    8. a finding of a kind in `passes_on` → pass; none, where `passes_on` or no `fails_on` is given → undecided;
    9. pass.

    Parameters
    ----------
    profile : Profile
        The regulation.
    findings : sequence of Finding
        Of the whole clip, stamped with their ids, in any order.
    features : Features
        Tables that were measured; only their presence counts, and the fields of `case` and `gaps`.
    examined : Examined
        What was looked at.

    Returns
    -------
    results : tuple of RuleResult
        One for each rule, in the profile's order.
    verdict : Outcome
        Fail if a rule fails, else undecided if one is undecided, else pass if one passes, else not applicable.
    """
    results = tuple(_rule(rule, findings, features, examined) for rule in profile.rules)
    return results, verdict_of([result.outcome for result in results])


def verdict_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the worst outcome: fail, undecided, pass; not applicable if no rule applies."""
    order = (Outcome.FAIL, Outcome.UNDECIDED, Outcome.PASS)
    return next((outcome for outcome in order if outcome in outcomes), Outcome.NOT_APPLICABLE)


def _rule(rule: Rule, findings: Sequence[Finding], features: Features, examined: Examined) -> RuleResult:
    def result(outcome: Outcome, reason: Message, named: Sequence[Finding] = ()) -> RuleResult:
        ids = tuple(finding.id for finding in named)
        return RuleResult(rule.id, rule.article, rule.text, rule.gloss, outcome, reason, ids)

    if rule.not_applicable is not None:
        return result(Outcome.NOT_APPLICABLE, Message(_literal(rule.not_applicable)))
    seen = sorted(
        _looked_at(rule, findings), key=lambda finding: (finding.span.start_s, finding.span.stop_s, finding.id)
    )
    settled = [finding for finding in seen if finding.kind in rule.settled_on]
    against = [finding for finding in seen if finding.kind in rule.fails_on]
    broken = [finding for finding in against if finding.level is Level.VIOLATION]
    doubtful = [finding for finding in against if finding.level is Level.SUSPECT]
    doubtful += [finding for finding in seen if finding.kind in rule.undecided_on]
    exempt = _covering(rule, [finding for finding in seen if finding.kind in rule.exempt_on])
    shown = [finding for finding in seen if finding.kind in rule.passes_on]

    if settled:
        return result(Outcome.PASS, settled[0].message, settled)
    if broken:
        return result(Outcome.FAIL, _together(broken, SEVERAL_FAIL), broken)
    if exempt and not (doubtful or shown):
        return result(Outcome.NOT_APPLICABLE, exempt[0].message, exempt)
    if reason := _absent(rule, features, examined):
        return result(Outcome.UNDECIDED, reason, doubtful)
    if doubtful:
        return result(Outcome.UNDECIDED, _together(doubtful, SEVERAL_DOUBT), doubtful)
    if rule.whole and (reason := _not_whole(rule, features, examined)):
        return result(Outcome.UNDECIDED, reason)
    if shown:
        return result(Outcome.PASS, shown[0].message, shown)
    if rule.passes_on or not rule.fails_on:
        return result(Outcome.UNDECIDED, Message(NOT_SHOWN))
    return result(
        Outcome.PASS, Message(NOTHING_AGAINST, {"frames": examined.frames_decoded, "audio_s": examined.audio_s})
    )


def _looked_at(rule: Rule, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are about a phase of the rule, or about no phase in particular."""
    return [finding for finding in findings if not rule.phases or _concerns(finding, rule.phases)]


def _concerns(finding: Finding, phases: Sequence[str]) -> bool:
    codes = _phases(finding)
    return codes is None or bool(codes & set(phases))


def _phases(finding: Finding) -> set[str] | None:
    """Return the phases that a finding is about, None if it is about none in particular."""
    stated = finding.evidence.get("phases")
    if stated is None:
        return None
    codes = stated.split() if isinstance(stated, str) else stated if isinstance(stated, Sequence) else [stated]
    return {str(code) for code in codes}


def _covering(rule: Rule, exempt: list[Finding]) -> list[Finding]:
    """Return the findings that exempt, none if they leave a phase of the rule over: that one is still asked for."""
    codes = [_phases(finding) for finding in exempt]
    covered = {code for phases in codes if phases for code in phases}
    return exempt if None in codes or set(rule.phases) <= covered else []


def _literal(text: str) -> str:
    """Return the template of a sentence that an agency may have written with braces in it."""
    return text.replace("{", "{{").replace("}", "}}")


def _together(named: Sequence[Finding], several: str) -> Message:
    """Return what one finding says itself, or a sentence that counts several and names them by their ids."""
    if len(named) == 1:
        return named[0].message
    start_s = min(finding.span.start_s for finding in named)
    ids = ", ".join(finding.id for finding in named)
    return Message(several, {"count": len(named), "ids": ids, "start_s": start_s})


def _absent(rule: Rule, features: Features, examined: Examined) -> Message | None:
    """Return why the rule cannot be decided on what was measured, None if nothing that it needs is absent."""
    needed = {column.partition(".")[0] for column in rule.needs}
    if needed & {"words", "voice"} and examined.audio_s == 0 and features.has("sound.time_s"):
        return Message(NO_SOUND)
    for column in rule.needs:
        if features.has(column):
            continue
        table = column.partition(".")[0]
        if table in ABSENT:
            return Message(ABSENT[table])
        return Message(OTHER_TABLE, {"column": column})
    if rule.needs_case and not features.has("case.field"):
        return Message(ABSENT["case"])
    stated = set(features["case"]["field"]) if rule.needs_case else set()
    unstated = [field for field in FIELDS if field.name in rule.needs_case and field.name not in stated]
    names = [field.name for field in unstated]
    if names == ["place.names"]:
        return Message(CASE_NAMES_NO_PLACE)
    if names:
        headings = "、".join(field.heading for field in unstated)
        return Message(CASE_SILENT, {"fields": ", ".join(names), "headings": headings})
    if "texts" in needed and examined.pictures_read == 0:
        return Message(NO_PICTURES_READ)
    return None


def _not_whole(rule: Rule, features: Features, examined: Examined) -> Message | None:
    """Return what the stages of `rule.whole` did not examine, None if they examined everything."""
    if examined.frames_decoded == 0:
        return Message(NOTHING_DECODED)
    if examined.frames_failed:
        total = examined.frames_decoded + examined.frames_failed
        return Message(FRAMES_FAILED, {"failed": examined.frames_failed, "total": total})
    if "speech" in rule.whole and examined.speech_s < examined.audio_s - COVERED_S:
        return Message(HEARD_PARTLY, {"speech_s": examined.speech_s, "audio_s": examined.audio_s})
    elsewhere = _gaps_of_other_stages(rule, features)
    return next((gap for gap in examined.gaps if gap.template not in elsewhere), None)


def _gaps_of_other_stages(rule: Rule, features: Features) -> set[str]:
    """Return the sentences of gaps that the table `gaps` gives to stages which the rule does not ask for.

    A gap that the table does not know of counts against every rule: better undecided than passed unseen.
    """
    if not features.has("gaps.stage"):
        return set()
    gaps = features["gaps"]
    stages: dict[str, set[str]] = {}
    for stage, template in zip(gaps["stage"], gaps["message"], strict=True):
        stages.setdefault(str(template), set()).add(str(stage))
    return {template for template, named in stages.items() if not named & set(rule.whole)}
