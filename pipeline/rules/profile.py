"""A regulation as data: the profile, its rules in the order of the articles, and how it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from pipeline.case import FIELDS, PHASES
from pipeline.errors import SettingsError
from pipeline.features.schema import TABLES
from pipeline.kinds import KINDS
from pipeline.rules.extending import Written, WrittenRule, path_of, read_written
from pipeline.rules.extending import builtin_profiles as builtin_profiles  # the callers' way to them
from pipeline.rules.hints import hint
from pipeline.rules.source import Problem
from pipeline.settings import settings_from

Stage = Literal["probe", "pictures", "sound", "speech", "texts"]

KIND_LISTS = ("passes_on", "fails_on", "undecided_on", "exempt_on", "settled_on")
"""Entries of a rule that name kinds of finding; no kind stands in two of them."""


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"unknown kind of finding {hint(kind, KINDS)}")
    return kind


def _known_column(column: str) -> str:
    table, dot, name = column.partition(".")
    if not (table and dot and name):
        raise ValueError(f"{column!r} is no column; write table.column, for example words.text")
    if table not in TABLES:
        raise ValueError(f"unknown table {hint(table, TABLES)}")
    if name not in (names := [spec.name for spec in TABLES[table]]):
        raise ValueError(f"table {table} has no column {hint(name, names)}")
    return column


def _known_field(name: str) -> str:
    if name not in (names := [field.name for field in FIELDS]):
        raise ValueError(f"a case record has no field {hint(name, names)}")
    return name


def _known_phase(code: str) -> str:
    if code not in PHASES:
        raise ValueError(f"unknown phase {hint(code, PHASES)}")
    return code


Kind = Annotated[str, AfterValidator(_known_kind)]
Column = Annotated[str, AfterValidator(_known_column)]
CaseField = Annotated[str, AfterValidator(_known_field)]
Phase = Annotated[str, AfterValidator(_known_phase)]
Text = Annotated[str, Field(min_length=1)]


class Rule(BaseModel):
    """One clause of a regulation; `pipeline/rules/judge.py` says in which order its entries decide."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Text
    article: str = ""
    text: str = ""
    """The clause, word for word; like `article` empty only where the regulation has no such clause."""
    gloss: Text
    """The clause in English, as a reader's aid; the text alone counts."""
    phases: tuple[Phase, ...] = ()
    """Phases of the enforcement that the rule is about: it does not look at findings about others; none: all."""
    passes_on: tuple[Kind, ...] = ()
    """Kinds one of which must be found before the rule passes; none: it passes where nothing speaks against it."""
    fails_on: tuple[Kind, ...] = ()
    """Kinds that fail the rule at level violation, and leave it undecided at level suspect."""
    undecided_on: tuple[Kind, ...] = ()
    """Kinds that leave the rule undecided at any level."""
    exempt_on: tuple[Kind, ...] = ()
    """Kinds that make the rule not applicable where nothing else that it names was found."""
    settled_on: tuple[Kind, ...] = ()
    """Kinds that pass the rule, whatever this clip alone shows."""
    needs: tuple[Column, ...] = ()
    """Columns without which the rule is undecided."""
    needs_case: tuple[CaseField, ...] = ()
    """Fields of the case record without which the rule is undecided."""
    whole: tuple[Stage, ...] = ()
    """Stages that must have examined everything before the rule passes."""
    not_applicable: Text | None = None
    """Why the rule does not apply under this regulation; None: it applies."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of finding that the rule names."""
        return tuple(kind for name in KIND_LISTS for kind in getattr(self, name))

    @model_validator(mode="after")
    def _can_decide(self) -> Rule:
        for _, text in contradictions(self.model_dump()):
            raise ValueError(text)
        return self


def contradictions(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the entries of a rule taken together: the entry to blame, and what is wrong.

    Parameters
    ----------
    rule : mapping
        Entries as written; those of a wrong type are passed over.
    """
    if not any(rule.get(name) for name in ("passes_on", "fails_on", "settled_on", "not_applicable")):
        yield "", "the rule can never decide anything: give it fails_on or passes_on"
    article, text = rule.get("article"), rule.get("text")
    if not (article and text) and (article or text or not rule.get("not_applicable")):
        yield "", "the rule needs an article and its text; only one that does not apply has neither"
    named: set[str] = set()
    for name in KIND_LISTS:
        kinds = texts_in(rule.get(name))
        if twice := sorted({kind for kind in kinds if kind in named or kinds.count(kind) > 1}):
            yield name, f"the rule names a kind twice: {', '.join(twice)}"
        named |= {*kinds}
    phases = texts_in(rule.get("phases"))
    if twice := sorted({phase for phase in phases if phases.count(phase) > 1}):
        yield "phases", f"the rule names a phase twice: {', '.join(twice)}"


def texts_in(value: Any) -> list[str]:
    """Return the texts of a list as written; whatever else stands there is passed over."""
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list | tuple) else []


class Profile(BaseModel):
    """A regulation: who issued it, its rules, and the parameters that differ from the defaults under it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Text
    """The file's name without `.toml`."""
    name: Text
    name_en: Text
    agency: Text
    regulation: Text
    source: Text | None = None
    """File that holds the regulation's text."""
    extends: Text | None = None
    """The profile that this one changes, as its file names it; None: it stands alone."""
    second_person: tuple[Literal["accepted", "dismissed", "unsure"], ...] = ()
    """Decisions on findings that count only once a second person has confirmed them; none: every one counts at once."""
    rules: tuple[Rule, ...] = Field(min_length=1)
    sections: Mapping[str, Any] = Field(default_factory=dict)
    """The parameter sections as parsed, for `pipeline.settings.settings_from`."""

    @model_validator(mode="after")
    def _ids_differ(self) -> Profile:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two rules share an id: {', '.join(ids)}")
        return self


DEFAULT_PROFILE = "shijiazhuang-safety"
"""Key of the regulation that clips are judged by where none is named."""


def load_profile(name: str | Path, known: Mapping[str, type[BaseModel]] | None = None) -> Profile:
    """Load a profile by its key, or by the path of an agency's own TOML file.

    A text that ends in `.toml` or holds a slash is a path; anything else is the key of a built-in profile.

    Parameters
    ----------
    name : str or Path
    known : mapping, optional
        Every section of parameters that exists, as `pipeline.stages.sections` gives them; left out: they are not
        checked.

    Raises
    ------
    SettingsError
        If there is no such profile, or the file holds an unknown entry, kind or value; the text names file and line.
    """
    profile, problems = validated(read_written(path_of(name)), known)
    if profile is None:
        more = f" (the first of {len(problems)}; `unbroken profiles check` lists them)" if len(problems) > 1 else ""
        raise SettingsError(f"{problems[0]}{more}")
    return profile


def validated(
    written: Written, known: Mapping[str, type[BaseModel]] | None = None
) -> tuple[Profile | None, tuple[Problem, ...]]:
    """Return the profile that was written, or all that is wrong with it, in the order of the lines."""
    problems = list(written.problems)
    if not written.whole:
        return None, tuple(problems)
    read = [_rule(rule) for rule in written.rules]
    for _, wrong in (*read, *(_rule(rule) for rule in written.twins)):
        problems += wrong
    problems += _wrong_top(written)
    problems += _wrong_parameters(written, known) if known is not None else []
    if problems:
        order = [source.path for source in written.sources]
        return None, tuple(sorted(problems, key=lambda each: (order.index(each.path), each.line)))
    top = {name: stated.value for name, stated in written.top.items()}
    own = {"key": written.sources[0].path.stem, "rules": [rule for rule, _ in read], "sections": written.parameters()}
    return Profile.model_validate({**top, **own}), ()


def _rule(written: WrittenRule) -> tuple[Rule | None, list[Problem]]:
    plain = written.plain()
    name = f"rule {written.id}" if written.id else f"rule {int(written.at.where[-1]) + 1}"
    problems = [written.problem(f"{name}: {text}", (entry,) if entry else ()) for entry, text in contradictions(plain)]
    rule = None
    try:
        rule = Rule.model_validate(plain)
    except ValidationError as error:
        for each in error.errors():
            if each["loc"]:  # what is wrong with the rule as a whole is told above
                problems.append(written.problem(f"{name}: {_told(each, Rule)}", each["loc"]))
    return rule, problems


def _wrong_top(written: Written) -> list[Problem]:
    """Return what is wrong outside rules and sections."""
    stand_in = Rule(id="-", gloss="-", not_applicable="-")
    top = {name: stated.value for name, stated in written.top.items()}
    problems: list[Problem] = []
    if not written.rules and not written.problems:
        problems.append(written.sources[0].problem((), "a profile needs a rule, written [[rule]]"))
    try:
        Profile.model_validate({**top, "key": "-", "rules": [stand_in]})
    except ValidationError as error:
        for each in error.errors():
            stated = written.top.get(str(each["loc"][0])) if each["loc"] else None
            text = _told(each, Profile)
            problems.append(stated.problem(text, each["loc"][1:]) if stated else written.sources[0].problem((), text))
    return problems


def _wrong_parameters(written: Written, known: Mapping[str, type[BaseModel]]) -> list[Problem]:
    """Return the sections and parameters that do not exist, and those that hold a value they cannot."""
    problems: list[Problem] = []
    for name, parameters in written.sections.items():
        if name not in known:
            problems.append(written.opened[name].problem(f"unknown section {hint(name, known)}"))
            continue
        for parameter, stated in parameters.items():
            try:
                settings_from({name: {parameter: stated.value}}, known, "")
            except SettingsError as error:
                problems.append(stated.problem(str(error).removeprefix(": ")))
    return problems


def _told(error: ErrorDetails, model: type[BaseModel]) -> str:
    """Return what pydantic found, as a sentence that names the entry."""
    entry, value = ".".join(str(part) for part in error["loc"]), error["input"]
    known = [name for name in model.model_fields if name not in ("key", "rules", "sections")]
    match error["type"]:
        case "extra_forbidden":
            return f"unknown entry {hint(entry, known)}"
        case "missing":
            return f"the entry {entry} is missing"
        case "value_error":
            return f"{error['loc'][0]}: {error['ctx']['error']}"
        case "string_type":
            return f"{entry} must be a text, not {value!r}"
        case "string_too_short":
            return f"{entry} must not be empty"
        case "tuple_type":
            return f"{entry} must be a list of texts, not {value!r}"
        case _:
            return f"{entry}: {error['msg']}"
