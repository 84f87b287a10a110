"""Rules as a reader meets them: those with one outcome for one reason together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.case import FIELDS
from pipeline.model import Message, Outcome, RuleResult
from pipeline.rules.judge import CASE_SILENT

ORDER = (Outcome.FAIL, Outcome.UNDECIDED, Outcome.PASS, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one outcome, for one reason."""

    outcome: Outcome
    reason: Message
    rules: tuple[RuleResult, ...]
    """In the order of their articles."""


def grouped(rules: Sequence[RuleResult]) -> list[Group]:
    """Return the rules in groups, those that accuse or ask for a person first.

    What is undecided because the case record is silent is one group, which names all that it does not state.
    """
    groups: dict[tuple[Outcome, str], list[RuleResult]] = {}
    for rule in rules:
        said = rule.reason.template if _silent(rule) else str(rule.reason)
        groups.setdefault((rule.outcome, said), []).append(rule)
    found = [Group(outcome, _reason(told), tuple(told)) for (outcome, _), told in groups.items()]
    return sorted(found, key=lambda group: ORDER.index(group.outcome))


def _silent(rule: RuleResult) -> bool:
    return rule.outcome is Outcome.UNDECIDED and rule.reason.template == CASE_SILENT


def _reason(told: Sequence[RuleResult]) -> Message:
    first = told[0].reason
    if len(told) == 1 or not _silent(told[0]):
        return first
    named = set(_fields(told))
    fields = [field for field in FIELDS if field.name in named]
    values = {
        "fields": ", ".join(field.name for field in fields),
        "headings": "、".join(field.heading for field in fields),
    }
    return Message(CASE_SILENT, values)


def _fields(told: Sequence[RuleResult]) -> Iterator[str]:
    for rule in told:
        yield from str(rule.reason.values["fields"]).split(", ")
