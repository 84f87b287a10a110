"""Where transcripts are written, and what they must never replace: evidence, and what a person confirmed or wrote."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.language import LANGUAGES, language
from pipeline.model import Footage, Message
from transcripts import wording
from transcripts.document import Document
from transcripts.lines import Line
from transcripts.subtitles import SHORT_HASH, WRITERS, corrected_lines, decoded, encoded

_TITLES = "|".join(re.escape(language(tag).text(wording.TITLE)) for tag in LANGUAGES)
_HEAD_HASH = rf"(?:.*\n)*?{wording.HASH}[:：] ?([0-9a-f]{{64}})\b"
_OURS = {
    "srt": re.compile(rf" · {wording.HASH} ([0-9a-f]{{{SHORT_HASH}}})\b"),
    "vtt": re.compile(rf"\AWEBVTT\n\nNOTE\n{_HEAD_HASH}"),
    "json": re.compile(r'\A\{\s*"format": 1,\s*"kind": "transcript",\s*"clip": \{[^}]*"sha256": "([0-9a-f]{64})"'),
    "txt": re.compile(rf"\A(?:{_TITLES})\n{_HEAD_HASH}"),
}
"""What tells a transcript of this program from any other file, and which clip it is of."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)")
_CONFIRMED = re.compile(
    "|".join(
        [
            r"\"status\": \"confirmed\"",
            *(
                re.escape(language(tag).text(wording.CONFIRMED))
                .replace(r"\{name\}", ".+")
                .replace(r"\{time\}", _TIME.pattern)
                for tag in LANGUAGES
            ),
        ]
    )
)
HEAD_BYTES = 40_000
"""So far into a file the head is looked for."""


@dataclass(frozen=True, slots=True)
class Target:
    """The files of one clip's transcript."""

    folder: Path
    stem: str
    forms: tuple[str, ...]

    def path(self, form: str) -> Path:
        """Return the path of one form."""
        return self.folder / f"{self.stem}.{form}"

    def corrected(self, made: Document) -> list[Line] | None:
        """Return the lines of the SRT file that stands there, None if there is none.

        Raises
        ------
        SettingsError
            If it cannot be read without losing lines.
        """
        path = self.path("srt")
        if not path.is_file():
            return None
        try:
            return corrected_lines(decoded(path.read_bytes()), made, [language(tag) for tag in LANGUAGES])
        except ValueError as error:
            raise SettingsError(Message(wording.NOT_SRT, {"path": str(path), "problem": str(error)})) from error


def target(folder: Path, footage: Footage, forms: Sequence[str], *, confirmed: bool, clips: Collection[Path]) -> Target:
    """Choose where a clip's transcript is written: `<clip's stem>.srt`, which players load with the clip by themselves.

    Where the transcript of another clip of that name stands, the hash is added. Nothing is written yet, but the folder
    is made.

    Parameters
    ----------
    folder : Path
    footage : Footage
    forms : sequence of str
        Keys of `WRITERS`.
    confirmed : bool
        Whether a person confirms it.
    clips : collection of Path
        Evidence, which is never written to.

    Raises
    ------
    SettingsError
        If a confirmed transcript would be replaced by a draft, or a file that is no transcript.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(_cannot(folder, error)) from error
    stem = footage.path.stem
    if any(_of(path) not in {None, footage.sha256[:SHORT_HASH]} for path in _files(folder, stem)):
        stem += f"-{footage.sha256[:8]}"
    chosen = Target(folder, stem, tuple(dict.fromkeys(forms)))
    evidence = {clip.resolve() for clip in clips}
    for form in chosen.forms:
        path = chosen.path(form)
        if path.resolve() in evidence or ((path.exists() or path.is_symlink()) and _of(path) is None):
            raise SettingsError(Message(wording.NOT_OURS, {"path": str(path)}))
    for path in _files(folder, stem):
        if not confirmed and _of(path) is not None and _CONFIRMED.search(_head(path)):
            raise SettingsError(Message(wording.IS_CONFIRMED, {"path": str(path)}))
    return chosen


def write(chosen: Target, texts: Mapping[str, str]) -> tuple[list[Path], list[Message]]:
    """Write the forms of a transcript; another text that stood there is kept beside it.

    Returns
    -------
    written : list of Path
    kept : list of Message
        What was kept aside, and where.

    Raises
    ------
    SettingsError
        If a file cannot be written.
    """
    written, kept = [], []
    for form, text in texts.items():
        path = chosen.path(form)
        try:
            if path.exists() and not _same(path.read_bytes(), text):
                aside = _free(path)
                path.rename(aside)
                kept.append(Message(wording.KEPT_ASIDE, {"path": str(path), "kept": aside.name}))
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(encoded(form, text))
            partial.replace(path)
        except OSError as error:
            raise SettingsError(_cannot(path, error)) from error
        written.append(path)
    return written, kept


def _files(folder: Path, stem: str) -> Iterable[Path]:
    return (path for form in WRITERS if (path := folder / f"{stem}.{form}").is_file())


def _head(path: Path) -> str:
    with path.open("rb") as stream:
        try:
            return decoded(stream.read(HEAD_BYTES), whole=False)
        except ValueError:
            return ""


def _of(path: Path) -> str | None:
    """Return the first digits of the hash of the clip whose transcript a file is, None if it is no transcript."""
    found = _OURS[path.suffix[1:]].search(_head(path)) if path.is_file() and not path.is_symlink() else None
    return found[1][:SHORT_HASH] if found else None


def _same(content: bytes, text: str) -> bool:
    """Tell whether two transcripts differ in nothing but when they were made."""
    try:
        return _TIME.sub("", decoded(content)) == _TIME.sub("", text)
    except ValueError:
        return False


def _free(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    return aside


def _cannot(path: Path, error: OSError) -> Message:
    return Message(wording.CANNOT_WRITE, {"path": str(path), "problem": error.strerror or str(error)})
