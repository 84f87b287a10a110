"""All that is wrong with a profile, for the one who writes it: more than is needed to load it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from pipeline.detector import REGISTRY
from pipeline.rules.extending import Written, path_of, read_written
from pipeline.rules.profile import Profile, texts_in, validated
from pipeline.rules.quotes import misquoted
from pipeline.rules.source import NotToml, Problem, Stated

ROOT = Path(__file__).resolve().parents[2]
"""Folder from which the profiles that come with the product name the texts of their regulations."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A profile that was checked."""

    profile: Profile | None
    """None if something is wrong with it."""
    problems: tuple[Problem, ...]
    """In the order of the lines, those of profiles that it extends last."""
    texts: tuple[Path, ...] = ()
    """Texts of regulations that quotes were held against; none: they could not be."""


ALWAYS = frozenset({"findings", "recording"})
"""Tables of what was found before, and of whose recording a clip is: they are there for every clip."""


def check_profile(name: str | Path, known: Mapping[str, type[BaseModel]]) -> Checked:
    """Check a profile, what it inherits, its parameters, and its quotes where the text of the regulation is there.

    Parameters
    ----------
    name : str or Path
        As for `pipeline.rules.profile.load_profile`.
    known : mapping
        Every section of parameters that exists, as `pipeline.stages.sections` gives them; to import that module
        registers the detectors that are looked up here.

    Raises
    ------
    SettingsError
        If the file cannot be read at all.
    """
    try:
        written = read_written(path_of(name))
    except NotToml as error:
        return Checked(None, (error.problem,))
    profile, problems = validated(written, known)
    wrong, texts = _misquoted(written)
    problems = (*problems, *wrong, *_blind(written))
    order = [source.path for source in written.sources]
    return Checked(
        None if problems else profile,
        tuple(sorted(problems, key=lambda each: (_rank(order, each.path), each.line))),
        texts,
    )


def _blind(written: Written) -> list[Problem]:
    """Return rules that would pass because nobody could look: what finds their kinds needs more than they do."""
    problems: list[Problem] = []
    for rule in written.rules:
        entries = rule.plain()
        if entries.get("not_applicable"):
            continue
        needed = {column.partition(".")[0] for column in texts_in(entries.get("needs"))}
        against = [*texts_in(entries.get("fails_on")), *texts_in(entries.get("undecided_on"))]
        missing: dict[str, tuple[str, str]] = {}
        for kind in against:
            for entry in REGISTRY.values():
                for column in entry.needs if kind in entry.emits else ():
                    if (table := column.partition(".")[0]) not in needed | ALWAYS:
                        missing.setdefault(table, (column, kind))
        if missing:
            columns = ", ".join(f'"{column}"' for column, _ in missing.values())
            kinds = ", ".join(dict.fromkeys(kind for _, kind in missing.values()))
            where = ("needs",) if "needs" in entries else ("fails_on",)
            text = f"would pass unseen where {kinds} cannot be looked for: add {columns} to needs"
            problems.append(rule.problem(f"rule {rule.id}: {text}", where))
    return problems


def _rank(order: list[Path], path: Path) -> int:
    return order.index(path) if path in order else len(order)


def _misquoted(written: Written) -> tuple[list[Problem], tuple[Path, ...]]:
    """Return quotes that the text of their regulation does not hold, and the texts that were there to compare with."""
    problems: list[Problem] = []
    laws: dict[Path, str] = {}
    for rule in written.rules:
        article, text = (rule.entries.get(name) for name in ("article", "text"))
        if article is None or text is None or not (_is_text(article) and _is_text(text)):
            continue
        path = _law(_nearer(article, text, written), written)
        if path is None:
            continue
        if path not in laws:
            laws[path] = path.read_text(encoding="utf-8-sig", errors="replace")
        if why := misquoted(article.value, text.value, laws[path]):
            problems.append(text.problem(f"rule {rule.id}: {why}"))
    return problems, tuple(laws)


def _is_text(stated: Stated) -> bool:
    return isinstance(stated.value, str) and bool(stated.value)


def _nearer(one: Stated, other: Stated, written: Written) -> Path:
    """Return which of the files that state the two is nearer: what is extended is further."""
    stating = {one.source.path, other.source.path}
    return next(source.path for source in written.sources if source.path in stating)


def _law(path: Path, written: Written) -> Path | None:
    """Return the text that a file quotes from, None if it names none or the text is not there."""
    stated = written.laws.get(path)
    if stated is None or not _is_text(stated):
        return None
    candidates = (folder / stated.value for folder in (stated.source.path.parent, ROOT))
    return next((text for text in candidates if text.is_file()), None)
