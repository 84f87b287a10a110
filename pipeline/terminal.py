"""What the command line shows a person: the summary of a scan, the explanation of a name, the list of settings."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.detector import REGISTRY
from pipeline.errors import SettingsError
from pipeline.features.schema import TABLES
from pipeline.kinds import KINDS
from pipeline.language import Language
from pipeline.model import Examination, Examined, Finding, Level, Outcome
from pipeline.report.wording import clock
from pipeline.rules.profile import Profile, Rule
from pipeline.settings import described
from pipeline.stages import FUSION, STAGES, all_settings, function_of, profile_settings

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
        rules = grid(3)
        for rule in examination.rules:
            outcome = Text(lang.text(rule.outcome.value), style=OUTCOME_STYLE[rule.outcome])
            rules.add_row(Text(rule.article or rule.id), outcome, Text(lang.tell(rule.reason)))
        parts.append(rules)
    if examination.findings:
        findings = grid(5)
        for finding in examination.findings:
            findings.add_row(
                Text(finding.id, style="dim"),
                Text(when(finding)),
                Text(lang.text(finding.level.value), style=LEVEL_STYLE[finding.level]),
                Text(finding.kind),
                Text(lang.tell(finding.message)),
            )
        parts.append(findings)
    parts.append(Text(looked_at(examination.examined, lang), style="dim"))
    told = str(examination.unreadable)
    parts.extend(Text(lang.tell(gap), style="yellow") for gap in examination.examined.gaps if str(gap) != told)
    return Group(*parts)


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
    """Return what `name` means: a detector, a rule of `profile`, a kind of finding, a stage, a table or a column.

    Raises
    ------
    SettingsError
        If nothing has that name.
    """
    parts = list(_explanations(name, profile, lang))
    if not parts:
        known = [*REGISTRY, *(rule.id for rule in profile.rules), *KINDS, *STAGES, FUSION, *TABLES]
        raise SettingsError(f"nothing is called {name!r}. Known: {', '.join(known)}")
    return "\n\n".join(parts)


def _explanations(name: str, profile: Profile, lang: Language) -> Iterator[str]:
    for rule in profile.rules:
        if rule.id == name:
            yield _rule(rule, profile)
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
    if name == FUSION:
        yield "\n".join([FUSION, "", inspect.getdoc(function_of(name)) or "", *_defaults(name, profile)])
    table, _, column = name.partition(".")
    if table in TABLES:
        rows = [spec for spec in TABLES[table] if column in ("", spec.name)]
        yield "\n".join(f"{table}.{spec.name} ({spec.type}, {spec.unit}): {spec.meaning}" for spec in rows)


def _rule(rule: Rule, profile: Profile) -> str:
    lines = [f"{rule.id}  {profile.name} {rule.article}".rstrip()]
    lines += [f"「{rule.text}」"] if rule.text else []
    lines += [rule.gloss]
    for label, names in (
        ("passes on", rule.passes_on),
        ("fails on", rule.fails_on),
        ("undecided on", rule.undecided_on),
        ("needs", rule.needs),
        ("needs of the case record", rule.needs_case),
        ("must be examined whole", rule.whole),
    ):
        if names:
            lines.append(f"  {label}: {', '.join(names)}")
    lines += [f"  does not apply: {rule.not_applicable}"] if rule.not_applicable else []
    return "\n".join(lines)


def _resting_on(profile: Profile, kinds: tuple[str, ...]) -> list[Rule]:
    return [r for r in profile.rules if set(kinds) & {*r.passes_on, *r.fails_on, *r.undecided_on}]


def _defaults(section: str, profile: Profile) -> list[str]:
    values = all_settings(profile_settings(profile))[section]
    return [
        "",
        f"[{section}]",
        *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()),
    ]
