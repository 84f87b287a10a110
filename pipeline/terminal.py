"""What the command line shows a person: the summary of a scan, the explanation of a name, the list of settings."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.case import FIELDS
from pipeline.detector import REGISTRY
from pipeline.errors import SettingsError
from pipeline.features.schema import TABLES
from pipeline.kinds import KINDS
from pipeline.language import Language
from pipeline.model import Examination, Examined, Finding, Level, Outcome, RuleResult
from pipeline.report.page_records import of_record
from pipeline.report.rules_shown import grouped
from pipeline.report.wording import clock
from pipeline.rules.check import Checked
from pipeline.rules.profile import Profile, Rule
from pipeline.settings import described
from pipeline.stages import OTHER, STAGES, all_settings, function_of, profile_settings

CASE_FIELDS = {field.name: field for field in FIELDS}
OUTCOME_STYLE = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.UNDECIDED: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
}
LEVEL_STYLE = {Level.VIOLATION: "bold red", Level.SUSPECT: "yellow", Level.NOTE: "dim"}


def summary(examination: Examination, lang: Language) -> RenderableType:
    """Return the result of one scan as a person reads it on a terminal."""
    head = Text(str(examination.footage.path), style="bold")
    head.append("  ")
    head.append(lang.text(examination.verdict.value), style=OUTCOME_STYLE[examination.verdict])
    parts: list[RenderableType] = [head]
    if examination.unreadable is not None:
        parts.append(Text(lang.tell(examination.unreadable), style="red"))
    if examination.rules:
        parts.append(judged(examination.rules, lang))
    duration_s = examination.features.duration_s()
    told = [f for f in examination.findings if f.level is not Level.NOTE or not of_record(f, duration_s)]
    if told:
        findings = grid(5)
        for finding in told:
            findings.add_row(
                Text(finding.id, style="dim"),
                Text(when(finding)),
                Text(lang.text(finding.level.value), style=LEVEL_STYLE[finding.level]),
                Text(finding.kind),
                Text(lang.tell(finding.message)),
            )
        parts.append(findings)
    parts.append(Text(looked_at(examination.examined, lang), style="dim"))
    said = str(examination.unreadable)
    parts.extend(Text(lang.tell(gap), style="yellow") for gap in examination.examined.gaps if str(gap) != said)
    return Group(*parts)


def judged(rules: Sequence[RuleResult], lang: Language) -> Table:
    """Return the rules with what they came to: those of one outcome for one reason on one line."""
    shown = grid(3)
    silent: list[RuleResult] = []
    for group in grouped(rules):
        if group.outcome is Outcome.NOT_APPLICABLE:
            silent.extend(group.rules)
            continue
        outcome = Text(lang.text(group.outcome.value), style=OUTCOME_STYLE[group.outcome])
        shown.add_row(Text(_articles(group.rules)), outcome, Text(lang.tell(group.reason)))
    if silent:
        outcome = Text(lang.text(Outcome.NOT_APPLICABLE.value), style="dim")
        named = ", ".join(rule.id for rule in silent)
        shown.add_row(Text(_articles(silent), style="dim"), outcome, Text(named, style="dim"))
    return shown


def _articles(rules: Sequence[RuleResult]) -> str:
    """Return the article of the first rule, and how many more there are."""
    first = rules[0].article or rules[0].id
    return first if len(rules) == 1 else f"{first} +{len(rules) - 1}"


def grid(columns: int) -> Table:
    """Return a table without lines whose last column folds between any two characters, as Chinese does."""
    grid = Table(box=None, show_header=False, padding=(0, 1))
    for number in range(columns):
        grid.add_column(overflow="fold", no_wrap=number < columns - 1)
    return grid


def when(finding: Finding) -> str:
    """Return the span of a finding in minutes and seconds."""
    start, stop = clock(finding.span.start_s, 2), clock(finding.span.stop_s, 2)
    return start if start == stop else f"{start}–{stop}"


def looked_at(examined: Examined, lang: Language) -> str:
    """Return in one line what was examined."""
    return lang.text(
        "Examined: {packets} packets, {decoded} pictures ({failed} failed, header claims {claimed}), "
        "{audio} s of sound, {speech} s of it for speech, {read} pictures for text"
    ).format(
        packets=examined.packets,
        decoded=examined.frames_decoded,
        failed=examined.frames_failed,
        claimed="–" if examined.frames_in_header is None else examined.frames_in_header,
        audio=examined.audio_s,
        speech=examined.speech_s,
        read=examined.pictures_read,
    )


def settings_toml(profile: Profile) -> str:
    """Return every parameter with its meaning and its value under `profile`, as commented TOML."""
    lines: list[str] = []
    values = all_settings(profile_settings(profile))
    for name, section in values.items():
        func = function_of(name)
        meanings = described(func)
        lines += [f"# {(inspect.getdoc(func) or '').splitlines()[0]}", f"[{name}]"]
        for parameter, value in section.items():
            lines += [f"# {meanings[parameter]}", f"{parameter} = {json.dumps(value, ensure_ascii=False)}"]
        lines.append("")
    return "\n".join(lines)


def explained(name: str, profile: Profile, lang: Language) -> str:
    """Return what `name` means: a detector, a rule of `profile`, a kind, a stage, a table, a column or a case field.

    Raises
    ------
    SettingsError
        If nothing has that name.
    """
    parts = list(_explanations(name, profile, lang))
    if not parts:
        known = [*REGISTRY, *(rule.id for rule in profile.rules), *KINDS, *STAGES, *OTHER, *TABLES, *CASE_FIELDS]
        raise SettingsError(f"nothing is called {name!r}. Known: {', '.join(known)}")
    return "\n\n".join(parts)


def _explanations(name: str, profile: Profile, lang: Language) -> Iterator[str]:
    for rule in profile.rules:
        if rule.id == name:
            yield _rule(rule, profile, lang)
    if name in KINDS:
        told = [f"{name}: {lang.text(KINDS[name])}."]
        told += [f"  found by    {entry.name}" for entry in REGISTRY.values() if name in entry.emits]
        told += [f"  counts for  {rule.id} {rule.article}: {rule.text}" for rule in _resting_on(profile, (name,))]
        yield "\n".join(told)
    if name in REGISTRY:
        entry = REGISTRY[name]
        told = [f"{name}, version {entry.version}", "", inspect.getdoc(entry.func) or "", ""]
        told += [f"needs  {', '.join(entry.needs)}", f"emits  {', '.join(entry.emits)}"]
        told += [f"counts for  {rule.id} {rule.article}" for rule in _resting_on(profile, entry.emits)]
        yield "\n".join([*told, *_defaults(f"detectors.{name}", profile)])
    if name in STAGES:
        told = [f"{name}, version {STAGES[name].version}", "", inspect.getdoc(STAGES[name].func) or ""]
        yield "\n".join([*told, *_defaults(name, profile)])
    if name in OTHER:
        yield "\n".join([name, "", inspect.getdoc(function_of(name)) or "", *_defaults(name, profile)])
    table, _, column = name.partition(".")
    if table in TABLES:
        rows = [spec for spec in TABLES[table] if column in ("", spec.name)]
        yield "\n".join(f"{table}.{spec.name} ({spec.type}, {spec.unit}): {spec.meaning}" for spec in rows)
    if name in CASE_FIELDS:
        entry_of_record = CASE_FIELDS[name]
        told = [f"{name} ({entry_of_record.form}, {entry_of_record.heading}): {entry_of_record.meaning}"]
        told += [f"  one of      {', '.join(entry_of_record.codes)}"] if entry_of_record.codes else []
        told += [f"  needed by   {rule.id} {rule.article}" for rule in profile.rules if name in rule.needs_case]
        yield "\n".join(told)


def _rule(rule: Rule, profile: Profile, lang: Language) -> str:
    """Return what a rule quotes, what decides it in the order of deciding, and what that rests on."""
    lines = [f"{rule.id}  {profile.name} {rule.article}".rstrip()]
    lines += [f"「{rule.text}」"] if rule.text else []
    lines += [rule.gloss]
    if rule.not_applicable:
        lines += ["", "  " + lang.text("does not apply: {why}").format(why=lang.text(rule.not_applicable))]
    meanings = {f"{table}.{spec.name}": spec.meaning for table, specs in TABLES.items() for spec in specs}
    for label, told in (
        (lang.text("looks only at findings about the phases"), rule.phases),
        (lang.text("passes, whatever else was found, on"), _kinds(rule.settled_on, lang)),
        (lang.text("fails at level violation, and is undecided at level suspect, on"), _kinds(rule.fails_on, lang)),
        (lang.text("does not apply, where nothing else below was found, on"), _kinds(rule.exempt_on, lang)),
        (lang.text("is undecided without"), [f"{name}: {meanings[name]}" for name in rule.needs]),
        (
            lang.text("is undecided unless the case record states"),
            [f"{name}: {CASE_FIELDS[name].heading}, {CASE_FIELDS[name].meaning}" for name in rule.needs_case],
        ),
        (lang.text("is undecided at any level on"), _kinds(rule.undecided_on, lang)),
        (lang.text("is undecided unless all was examined of"), rule.whole),
        (lang.text("passes only on one of"), _kinds(rule.passes_on, lang)),
        (lang.text("parameters that the profile sets"), _set_for(rule, profile)),
    ):
        if told:
            lines += ["", f"  {label}", *(f"    {line}" for line in told)]
    if not (rule.passes_on or rule.not_applicable):
        lines += ["", "  " + lang.text("passes where nothing speaks against it")]
    return "\n".join(lines)


def _kinds(kinds: tuple[str, ...], lang: Language) -> list[str]:
    """Return each kind in words, with the detectors that find it."""
    told = []
    for kind in kinds:
        emitters = ", ".join(entry.name for entry in REGISTRY.values() if kind in entry.emits)
        by = lang.text("found by {detectors}").format(detectors=emitters) if emitters else ""
        told.append(f"{kind}: {lang.text(KINDS[kind])} ({by or lang.text('found by nothing yet')})")
    return told


def _set_for(rule: Rule, profile: Profile) -> list[str]:
    """Return the parameters, as TOML, that the profile sets for the detectors that a rule rests on."""
    emitters = {f"detectors.{entry.name}" for entry in REGISTRY.values() if {*entry.emits} & {*rule.kinds}}
    return [
        f"[{section}] {name} = {json.dumps(value, ensure_ascii=False)}"
        for section, values in profile_settings(profile).sections.items()
        if section in emitters
        for name, value in values.items()
    ]


def checked(path: str, result: Checked, lang: Language) -> str:
    """Return what a check of a profile came to: a line for each problem, or one sentence that nothing is wrong."""
    if result.profile is None:
        return "\n".join(str(problem) for problem in result.problems)
    profile = result.profile
    idle = sum(rule.not_applicable is not None for rule in profile.rules)
    texts = "、".join(str(text) for text in result.texts)
    told = [
        lang.text("{path}: {rules} rules, {idle} of them not applicable; nothing is wrong.").format(
            path=path, rules=len(profile.rules), idle=idle
        )
    ]
    if profile.extends:
        told.append(lang.text("It extends {base}.").format(base=profile.extends))
    if texts:
        told.append(lang.text("Quotes were held against {texts}.").format(texts=texts))
    elif any(rule.text for rule in profile.rules):
        told.append(
            lang.text(
                "Quotes could not be held against the text of the regulation: "
                "no file that the entry source names is there."
            )
        )
    return " ".join(told)


def _resting_on(profile: Profile, kinds: tuple[str, ...]) -> list[Rule]:
    return [rule for rule in profile.rules if {*kinds} & {*rule.kinds}]


def _defaults(section: str, profile: Profile) -> list[str]:
    values = all_settings(profile_settings(profile))[section]
    return [
        "",
        f"[{section}]",
        *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()),
    ]
