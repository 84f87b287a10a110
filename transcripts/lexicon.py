"""Lexicons: which phrases tell that something was said, and which words around them take that away again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import SettingsError
from pipeline.settings import read_toml
from transcripts.normalise import han


def _in_han(text: str) -> str:
    if not han(text):
        raise ValueError(f"{text!r} holds no Chinese character")
    return han(text)


def _of_two(text: str) -> str:
    if len(_in_han(text)) < 2:
        raise ValueError(f"{text!r} is too short: a phrase of one character stands in too many words")
    return han(text)


Phrase = Annotated[str, AfterValidator(_of_two)]
Phrases = tuple[Phrase, ...]
Around = tuple[Annotated[str, AfterValidator(_in_han)], ...]


class Lexicon(BaseModel):
    """What to listen for; `transcripts/phrases.py` says how each entry is matched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    phrases: Phrases = ()
    """What tells by itself that the thing was said, however the recogniser writes its sounds."""
    written: Phrases = ()
    """Phrases that sound like something else, so that they must be recognised as they are written."""
    groups: Mapping[str, Annotated[Phrases, Field(min_length=1)]] = Field(default_factory=dict)
    """Phrases by what they tell, where a check asks which of several things were said."""
    part_of: Around = ()
    """Longer expressions in which a phrase is none: 我操作 for 我操."""
    negated_by: Around = ()
    """What takes the meaning away right before a phrase, or with one syllable between."""
    framed_by: Around = ()
    """What makes a report, a condition or a rule of the rest of its sentence: 他说, 你有权."""
    followed_by: Around = ()
    """What takes the meaning away right after a phrase, or with one syllable between: 的话."""
    also: tuple[str, ...] = ()
    """Lexicons whose entries hold here too, by their names."""


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon and those that it names in `also`, which lie beside it.

    Raises
    ------
    SettingsError
        If a file cannot be read, holds an unknown or wrong entry, a phrase twice, or names itself; the text says where.
    """
    return _read(path, ())


@cache
def lexicon(name: str) -> Lexicon:
    """Return a lexicon of the product, read once per process."""
    return read_lexicon(Path(str(files("transcripts"))) / "lexicons" / f"{name}.toml")


def _read(path: Path, above: tuple[Path, ...]) -> Lexicon:
    if path in above:
        raise SettingsError(f"{path}: also: the lexicon names itself")
    try:
        own = Lexicon.model_validate(read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {place}: {first['msg']}. Known: {', '.join(Lexicon.model_fields)}") from error
    for name, entries in (("phrases", own.phrases + own.written), *own.groups.items()):
        if twice := sorted({entry for entry in entries if entries.count(entry) > 1}):
            raise SettingsError(f"{path}: {name}: twice: {', '.join(twice)}")
    parts = [own, *(_read(path.with_name(f"{name}.toml"), (*above, path)) for name in own.also)]

    def joined(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(getattr(part, name) for part in parts)))

    lists = ("phrases", "written", "part_of", "negated_by", "framed_by", "followed_by")
    return Lexicon(groups=own.groups, also=own.also, **{name: joined(name) for name in lists})
