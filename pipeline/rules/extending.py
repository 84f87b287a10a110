"""A profile that extends another: what it inherits, what it changes, and which file states what in the end.

Everything here is as written; whether the result is a profile is for `pipeline/rules/profile.py` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.rules.hints import hint
from pipeline.rules.lines import Where
from pipeline.rules.source import NotToml, Problem, Source, Stated, read_source

MAX_FILES = 8
"""How many profiles may extend one another in a row."""

RESERVED = ("key", "rules", "sections")
"""Fields of a profile that its file does not write."""


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as it is written, with what it inherits."""

    at: Stated
    """Its table in the file that states it last."""
    entries: dict[str, Stated]

    @property
    def id(self) -> str:
        """Its id, empty where it has none."""
        return str(self.entries["id"].value) if "id" in self.entries else ""

    def plain(self) -> dict[str, Any]:
        """Return its entries as a TOML parser gives them."""
        return {name: stated.value for name, stated in self.entries.items()}

    def problem(self, text: str, where: Where = ()) -> Problem:
        """Return a problem with the rule, or with an entry of it."""
        if where and where[0] in self.entries:
            return self.entries[str(where[0])].problem(text, where[1:])
        return self.at.problem(text)


@dataclass(frozen=True, slots=True)
class Written:
    """A profile as it is written, with what it inherits."""

    sources: tuple[Source, ...]
    """Its own file, then the one that this extends, and so on."""
    top: dict[str, Stated] = field(default_factory=dict)
    """Entries that are neither rules nor sections: name, agency, source and the like."""
    rules: tuple[WrittenRule, ...] = ()
    twins: tuple[WrittenRule, ...] = ()
    """Rules that share their id with one before them in the same file."""
    sections: dict[str, dict[str, Stated]] = field(default_factory=dict)
    """Section (`detectors.NAME` or a stage's name) → parameter → value."""
    opened: dict[str, Stated] = field(default_factory=dict)
    """Section → its table in the file that states it last."""
    laws: dict[Path, Stated] = field(default_factory=dict)
    """File → the entry `source` that holds for what it quotes."""
    problems: tuple[Problem, ...] = ()
    whole: bool = True
    """Whether every profile that it extends could be read; if not, the rest says nothing."""

    def parameters(self) -> dict[str, Any]:
        """Return the sections as a TOML parser gives them."""
        found: dict[str, Any] = {}
        for name, parameters in self.sections.items():
            table = {parameter: stated.value for parameter, stated in parameters.items()}
            outer, dot, inner = name.partition(".")
            if dot:
                found.setdefault(outer, {})[inner] = table
            else:
                found[name] = table
        return found


def builtin_profiles() -> tuple[str, ...]:
    """Return the keys of the profiles that come with the product."""
    return tuple(sorted(Path(entry.name).stem for entry in _folder().iterdir() if entry.name.endswith(".toml")))


def path_of(name: str | Path, folder: Path = Path()) -> Path:
    """Return the file of a profile by its key, or by the path (from `folder`) of an agency's own.

    A text that ends in `.toml` or holds a slash is a path; anything else is the key of a built-in profile.

    Raises
    ------
    SettingsError
        If there is no such key.
    """
    if isinstance(name, Path) or name.endswith(".toml") or "/" in name or "\\" in name:
        return folder / name
    if name not in builtin_profiles():
        raise SettingsError(
            f"unknown profile {name!r}. Built in: {', '.join(builtin_profiles())}; or give the path of a .toml file"
        )
    return _folder() / f"{name}.toml"


def read_written(path: Path) -> Written:
    """Read a profile's file, and those that it extends.

    Raises
    ------
    SettingsError
        If the file itself cannot be read or is no TOML; whatever else is wrong stands in `problems`.
    """
    return _read(path, ())


def _folder() -> Path:
    return Path(str(files("pipeline.rules")))


def _read(path: Path, above: tuple[Path, ...]) -> Written:
    source = read_source(path)
    if "extends" not in source.document:
        return _Reading(source, Written(())).written()
    try:
        base = _base(source, (*above, path))
    except NotToml as error:
        return Written((source,), problems=(error.problem,), whole=False)
    except SettingsError as error:
        return Written((source,), problems=(source.problem(("extends",), f"extends: {error}"),), whole=False)
    return _Reading(source, base).written() if base.whole else base


def _base(source: Source, above: tuple[Path, ...]) -> Written:
    name = source.document["extends"]
    if not isinstance(name, str) or not name:
        raise SettingsError(f"must be a profile's key or the path of its file, not {name!r}")
    path = path_of(name, source.path.parent)
    if path.resolve() in [each.resolve() for each in above]:
        raise SettingsError(f"the profiles extend each other in a circle: {' → '.join(map(str, (*above, path)))}")
    if len(above) >= MAX_FILES:
        raise SettingsError(f"more than {MAX_FILES} profiles extend one another: {' → '.join(map(str, above))}")
    return _read(path, above)


class _Reading:
    """One file laid over what it extends."""

    def __init__(self, source: Source, base: Written) -> None:
        self.source, self.base = source, base
        self.problems = list(base.problems)
        self.extends = "extends" in source.document
        self.rules = list(base.rules)
        self.twins = list(base.twins)

    def written(self) -> Written:
        document = dict(self.source.document)
        rules, dropped = document.pop("rule", []), document.pop("drop", None)
        tables = {name: document.pop(name) for name, value in list(document.items()) if isinstance(value, dict)}
        for name in {*RESERVED} & {*document, *tables}:
            self._wrong((name,), f"unknown entry {name}; rules are written [[rule]], and the key is the file's name")
            document.pop(name, None)
            tables.pop(name, None)
        top = {**self.base.top, **{name: self._stated(value, name) for name, value in document.items()}}
        own = self._own_rules(rules)
        for rule in own:
            self._lay(rule)
        if dropped is not None:
            self._drop(dropped, own)
        sections, opened = dict(self.base.sections), dict(self.base.opened)
        for name, where, value in _flat(tables):
            if not isinstance(value, Mapping):
                self._wrong(where, f"{name} must be a table of parameters, not {value!r}")
                continue
            opened[name] = self._stated(value, *where)
            inherited = sections.get(name, {})
            sections[name] = {**inherited, **{each: self._stated(value[each], *where, each) for each in value}}
        laws = dict(self.base.laws)
        if "source" in top:
            laws[self.source.path] = top["source"]
        sources = (self.source, *self.base.sources)
        return Written(
            sources=sources,
            top=top,
            rules=tuple(self.rules),
            twins=tuple(self.twins),
            sections=sections,
            opened=opened,
            laws=laws,
            problems=tuple(self.problems),
        )

    def _stated(self, value: Any, *where: str | int) -> Stated:
        return Stated(value, self.source, where)

    def _wrong(self, where: Where, text: str) -> None:
        self.problems.append(self.source.problem(where, text))

    def _own_rules(self, rules: Any) -> list[WrittenRule]:
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            self._wrong(("rule",), "a rule is a table of its own, written [[rule]]")
            return []
        own: list[WrittenRule] = []
        for number, rule in enumerate(rules):
            at = self._stated(rule, "rule", number)
            written = WrittenRule(at, {name: self._stated(rule[name], *at.where, name) for name in rule})
            first = next((each for each in own if each.id and each.id == written.id), None)
            if first is None:
                own.append(written)
            else:
                line = first.problem("", ("id",)).line
                self.problems.append(written.problem(f"two rules share an id: {written.id}, see line {line}", ("id",)))
                self.twins.append(written)
        return own

    def _place(self, id: str) -> int | None:
        return next((place for place, rule in enumerate(self.rules) if id and rule.id == id), None)

    def _lay(self, rule: WrittenRule) -> None:
        """Change the inherited rule with this id, or add a new one after the rule that it names, or at the end."""
        after = rule.entries.pop("after", None) if self.extends else None
        place = self._place(rule.id)
        if place is not None:
            if after is not None:
                self.problems.append(
                    after.problem(f"rule {rule.id}: an inherited rule keeps its place; leave out after")
                )
            inherited = self.rules[place].entries
            kept = {**inherited, **rule.entries}
            taken = [name for name, stated in rule.entries.items() if stated.value == "" and name in inherited]
            for name in taken:
                del kept[name]
            self.rules[place] = WrittenRule(rule.at, kept)
            return
        before = self._place(str(after.value)) if after else None
        if after is not None and before is None:
            known = [each.id for each in self.rules]
            self.problems.append(after.problem(f"rule {rule.id}: after: no rule {hint(str(after.value), known)}"))
        self.rules.insert(len(self.rules) if before is None else before + 1, rule)

    def _drop(self, dropped: Any, own: list[WrittenRule]) -> None:
        """Let inherited rules stand as not applicable, each for the reason that is given."""
        if not self.extends:
            self._wrong(("drop",), "drop is for a profile that extends another; leave the rule out instead")
        elif not isinstance(dropped, dict):
            self._wrong(("drop",), 'each rule is dropped for a reason: write [drop], and below it RULE-ID = "why"')
        else:
            for id, why in dropped.items():
                place = self._place(id)
                if any(rule.id == id for rule in own):
                    self._wrong(("drop", id), f"rule {id} is changed or added in this file and dropped in it too")
                elif place is None:
                    inherited = [each.id for each in self.base.rules]
                    self._wrong(("drop", id), f"drop: no rule {hint(id, inherited)}")
                else:
                    rule = self.rules[place]
                    reason = self._stated(why, "drop", id)
                    self.rules[place] = WrittenRule(reason, {**rule.entries, "not_applicable": reason})


def _flat(tables: Mapping[str, Any]) -> list[tuple[str, Where, Any]]:
    """Return name, place and content of every section; those of detectors lie one deeper."""
    rows: list[tuple[str, Where, Any]] = []
    for name, value in tables.items():
        if name == "detectors":
            rows.extend((f"{name}.{each}", (name, each), content) for each, content in value.items())
        else:
            rows.append((name, (name,), value))
    return rows
