"""Telling a `Message` in the reader's language.

English sentences are the keys; translations stand in `pipeline/locale/<language>.po` (gettext). They are read as they
are, so there is no compiled catalogue that could be out of date.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from pipeline.errors import SettingsError
from pipeline.model import Message

LANGUAGES = ("zh-CN", "en")


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the interface."""

    tag: str
    """BCP 47 tag, as in HTML's `lang`."""
    sentences: dict[str, str]

    def text(self, sentence: str) -> str:
        """Return the translation of an English sentence, or the sentence where there is none."""
        return self.sentences.get(sentence) or sentence

    def tell(self, message: Message) -> str:
        """Return a message in this language."""
        return self.text(message.template).format(**message.values)


@cache
def language(tag: str) -> Language:
    """Return the language with this BCP 47 tag.

    Raises
    ------
    SettingsError
        If the product does not speak it.
    """
    if tag not in LANGUAGES:
        raise SettingsError(f"unknown language {tag!r}. Known: {', '.join(LANGUAGES)}")
    if tag == "en":
        return Language(tag, {})
    with (files("pipeline") / "locale" / f"{tag}.po").open("rb") as stream:
        catalogue = read_po(stream)
    return Language(tag, {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string})
