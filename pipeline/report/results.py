"""Results of scans read back: the public documents of `json_v1`, from files and report folders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import SettingsError
from pipeline.model import Message, Outcome
from pipeline.report.json_v1 import FORMAT

REPORT = "report.v1.json"
"""Name of the document in a report folder."""
UNREADABLE = "unreadable"
COUNTED = (*(str(outcome) for outcome in Outcome), UNREADABLE)
"""What a clip is counted as: its verdict, or that nothing of it could be examined."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Case(_Part):
    """`clip.case` of a document."""

    case_number: str | None = None
    agency: str | None = None
    unit: str | None = None
    unit_number: str | None = None
    officers: list[str] = []
    cause: str | None = None
    place: str | None = None


class Recording(_Part):
    """`clip.recording` of a document."""

    device_id: str | None = None
    started_at: str | None = None
    time_from: str | None = None


class Clip(_Part):
    """`clip` of a document; earlier releases of format 1 wrote neither case nor recording."""

    path: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    duration_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    device_id: str | None
    recorded_at: str | None
    case: Case | None = None
    recording: Recording | None = None


class Found(_Part):
    """A finding, as far as it is counted."""

    id: str
    kind: str
    level: Literal["violation", "suspect", "note"]


class Judged(_Part):
    """A rule and its outcome."""

    id: str
    article: str
    outcome: Literal["pass", "fail", "undecided", "not applicable"]
    findings: list[str]


class Result(_Part):
    """One clip judged by one profile: a document, as far as it is counted."""

    source: str
    """File that holds it; with its line in JSON Lines, or its place in an array."""
    profile: str
    clip: Clip
    findings: list[Found]
    rules: list[Judged]
    verdict: Literal["pass", "fail", "undecided", "not applicable"]
    unreadable: str | None

    @property
    def counted(self) -> str:
        """What it is counted as, one of `COUNTED`."""
        return self.verdict if self.unreadable is None else UNREADABLE

    @property
    def violations(self) -> frozenset[str]:
        """Ids of the findings at level violation."""
        return frozenset(finding.id for finding in self.findings if finding.level == "violation")

    @property
    def case_number(self) -> str | None:
        """Number of its case, None if none is stated."""
        return (self.clip.case.case_number if self.clip.case else None) or None

    @property
    def content(self) -> str:
        """SHA-256 of the clip, or its path where the file could not be read to its end."""
        return self.clip.sha256 or self.clip.path

    @property
    def key(self) -> str:
        """What identifies the clip: its content and, where it has one, the number of its case."""
        return f"{self.content} {self.case_number}" if self.case_number else self.content

    @property
    def _substance(self) -> tuple[Any, ...]:
        """All that statistics and spot checks use, but for where it lay."""
        clip = self.clip.model_copy(update={"path": ""})
        rules = [(rule.id, rule.outcome) for rule in self.rules]
        return clip, rules, len(self.violations), self.counted


@dataclass(frozen=True, slots=True)
class Results:
    """What was read, each clip once for a profile, in an order that does not depend on that of the files."""

    results: tuple[Result, ...]
    repeated: int = 0
    """Documents left out because another tells of the same clip, case and profile."""


def read_results(paths: Iterable[Path]) -> Results:
    """Read documents of scans.

    Parameters
    ----------
    paths : iterable of Path
        Files as `unbroken scan --json` prints them (a document or an array), JSON Lines, or folders, which are searched
        for `report.v1.json`. UTF-8, UTF-16 and UTF-32 are told apart.

    Returns
    -------
    Results
        The same content, under the same case number and judged by the same profile, is there once.

    Raises
    ------
    SettingsError
        If a file cannot be read or holds something else, a folder or a file holds no result, or two documents judge
        the same clip differently; the text names the file.
    """
    files = {file.resolve(): file for path in paths for file in _files(path)}
    first: dict[tuple[str, str], Result] = {}
    repeated = 0
    for result in sorted((r for file in files.values() for r in _read(file)), key=lambda r: (r.clip.path, r.source)):
        kept = first.setdefault((result.key, result.profile), result)
        if kept is result:
            continue
        if kept._substance != result._substance:
            message = "{first} and {second} tell different things of the same clip. Give only the one that holds."
            raise SettingsError(Message(message, {"first": kept.source, "second": result.source}))
        repeated += 1
    return Results(tuple(first[key] for key in sorted(first)), repeated)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(path.rglob(REPORT))
        if not found:
            raise SettingsError(Message("{path}: no {name} in this folder.", {"path": str(path), "name": REPORT}))
        return found
    if not path.exists():
        raise SettingsError(Message("{path}: there is no such file.", {"path": str(path)}))
    return [path]


def read_result(document: str, source: str) -> Result:
    """Return one document as it is counted; `source` says where it stands.

    Raises
    ------
    SettingsError
        If it is no result, or breaks the contract.
    """
    return _result(json.loads(document), source)


def _read(file: Path) -> list[Result]:
    try:
        raw = file.read_bytes()
        text = raw.decode(json.detect_encoding(raw))
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        message = "{path}: cannot be read ({problem})."
        raise SettingsError(Message(message, {"path": str(file), "problem": problem})) from error
    found = [_result(value, place) for value, place in _values(text, str(file))]
    if not found:
        raise SettingsError(Message("{path}: no result of a scan lies in it.", {"path": str(file)}))
    return found


def _values(text: str, path: str) -> Iterator[tuple[Any, str]]:
    """Yield each JSON value that should be a document, and where it stands."""
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        whole = _json(text)
    except ValueError as error:
        if len(lines) < 2 or not _is_json(lines[0][1]):
            raise _no_json(f"{path}:{getattr(error, 'lineno', 1)}", error) from error
    else:
        if isinstance(whole, list):
            yield from ((value, f"{path}[{number}]") for number, value in enumerate(whole))
        else:
            yield whole, path
        return
    for number, line in lines:
        try:
            yield _json(line), f"{path}:{number}"
        except ValueError as error:
            raise _no_json(f"{path}:{number}", error) from error


def _json(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_json(line: str) -> bool:
    try:
        _json(line)
    except ValueError:
        return False
    return True


def _no_json(place: str, error: ValueError) -> SettingsError:
    return SettingsError(Message("{path}: no JSON ({problem}).", {"path": place, "problem": str(error)}))


def _result(value: Any, place: str) -> Result:
    if not isinstance(value, dict) or "format" not in value or "clip" not in value:
        message = "{path}: no result of a scan. Give what `unbroken scan --json` prints, or report.v1.json."
        raise SettingsError(Message(message, {"path": place}))
    if type(value["format"]) is not int or value["format"] != FORMAT:
        message = "{path}: format {format} of the results; this release reads format {known}."
        raise SettingsError(Message(message, {"path": place, "format": str(value["format"]), "known": FORMAT}))
    try:
        return Result.model_validate({**value, "source": place})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = "{path}: {key} is not as docs/contract.md states ({problem})."
        raise SettingsError(Message(message, {"path": place, "key": key, "problem": first["msg"]})) from error
