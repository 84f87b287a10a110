"""A regulation as data: the profile, its rules in the order of the articles, and how it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import SettingsError
from pipeline.kinds import KINDS
from pipeline.settings import read_toml

Stage = Literal["probe", "pictures", "sound", "speech", "texts"]


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"unknown kind of finding {kind!r}. Known: {', '.join(KINDS)}")
    return kind


def _table_column(column: str) -> str:
    table, dot, name = column.partition(".")
    if not (table and dot and name):
        raise ValueError(f"{column!r} is no column; write table.column, for example words.text")
    return column


Kind = Annotated[str, AfterValidator(_known_kind)]
Column = Annotated[str, AfterValidator(_table_column)]
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
    passes_on: tuple[Kind, ...] = ()
    """Kinds one of which must be found before the rule passes; none: it passes where nothing speaks against it."""
    fails_on: tuple[Kind, ...] = ()
    """Kinds that fail the rule at level violation, and leave it undecided at level suspect."""
    undecided_on: tuple[Kind, ...] = ()
    """Kinds that leave the rule undecided at any level."""
    needs: tuple[Column, ...] = ()
    """Columns without which the rule is undecided."""
    needs_case: tuple[Text, ...] = ()
    """Fields of the case record without which the rule is undecided."""
    whole: tuple[Stage, ...] = ()
    """Stages that must have examined everything before the rule passes."""
    not_applicable: Text | None = None
    """Why the rule does not apply under this regulation; None: it applies."""

    @model_validator(mode="after")
    def _can_decide(self) -> Rule:
        if not (self.passes_on or self.fails_on or self.not_applicable):
            raise ValueError(f"rule {self.id} can never decide anything: give it fails_on or passes_on")
        if not (self.article and self.text) and (self.article or self.text or not self.not_applicable):
            raise ValueError(f"rule {self.id} needs an article and its text; only one that does not apply has neither")
        named = [*self.passes_on, *self.fails_on, *self.undecided_on]
        if twice := sorted({kind for kind in named if named.count(kind) > 1}):
            raise ValueError(f"rule {self.id} names a kind twice: {', '.join(twice)}")
        return self


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
    rules: tuple[Rule, ...] = Field(min_length=1)
    sections: Mapping[str, Any] = Field(default_factory=dict)
    """The file's parameter sections as parsed, for `pipeline.settings.settings_from`."""

    @model_validator(mode="after")
    def _ids_differ(self) -> Profile:
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two rules share an id: {', '.join(ids)}")
        return self


def builtin_profiles() -> tuple[str, ...]:
    """Return the keys of the profiles that come with the product."""
    return tuple(sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".toml")))


def load_profile(name: str | Path) -> Profile:
    """Load a profile by its key, or by the path of an agency's own TOML file.

    A text that ends in `.toml` or holds a slash is a path; anything else is the key of a built-in profile.

    Raises
    ------
    SettingsError
        If there is no such profile, or the file holds an unknown entry, kind or value; the text names the place.
    """
    if isinstance(name, Path) or name.endswith(".toml") or "/" in name or "\\" in name:
        return _read(Path(name))
    if name not in builtin_profiles():
        raise SettingsError(
            f"unknown profile {name!r}. Built in: {', '.join(builtin_profiles())}; or give the path of a .toml file"
        )
    return _read(_folder() / f"{name}.toml")


def _folder() -> Path:
    return Path(str(files("pipeline.rules")))


def _read(path: Path) -> Profile:
    document = read_toml(path)
    rules = document.pop("rule", [])
    sections = {key: document.pop(key) for key, value in list(document.items()) if isinstance(value, dict)}
    if reserved := {"key", "rules", "sections"} & (document.keys() | sections.keys()):
        raise SettingsError(f"{path}: unknown entry {', '.join(sorted(reserved))}; rules are written [[rule]]")
    try:
        return Profile.model_validate({**document, "key": path.stem, "rules": rules, "sections": sections})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{path}: {_place(first['loc'], rules)}{first['msg']}") from error


def _place(loc: tuple[int | str, ...], rules: Any) -> str:
    """Return where in the file an error lies: the rule by its id (or its number), then the entry."""
    parts = list(loc)
    place = ""
    if parts[:1] == ["rules"] and len(parts) > 1 and isinstance(number := parts[1], int):
        named = rules[number].get("id") if isinstance(rules[number], dict) else None
        place, parts = f"rule {named or number + 1}: ", parts[2:]
    return place + (f"{'.'.join(str(part) for part in parts)}: " if parts else "")
