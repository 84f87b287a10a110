"""A profile's file as written: its entries, and the line that each of them stands on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError
from pipeline.rules.lines import Where, lines_of


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a profile, and where."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file that was read."""

    path: Path
    document: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Where, int] = field(default_factory=dict)

    def problem(self, where: Where, text: str) -> Problem:
        """Return a problem with an entry, on the line of the innermost part of it that stands in the file."""
        parts = range(len(where), 0, -1)
        return Problem(self.path, next((self.lines[where[:n]] for n in parts if where[:n] in self.lines), 1), text)


@dataclass(frozen=True, slots=True)
class Stated:
    """A value, and the file and entry that state it."""

    value: Any
    source: Source
    where: Where

    def problem(self, text: str, inner: Where = ()) -> Problem:
        """Return a problem with the value, or with a part of it."""
        return self.source.problem((*self.where, *inner), text)


class NotToml(SettingsError):
    """A file that is no TOML; the problem says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_source(path: Path) -> Source:
    """Read a TOML file and keep the lines of its entries.

    Raises
    ------
    SettingsError
        If it cannot be read.
    NotToml
        If it is not TOML in UTF-8; the text names file and line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotToml(Problem(path, line, "the file is not written in UTF-8; save it as UTF-8")) from error
    try:
        return Source(path, tomllib.loads(text), lines_of(text))
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        found = re.search(r"\(at line (\d+), column \d+\)", told)
        line = int(found[1]) if found else len(text.rstrip("\n").split("\n"))
        raise NotToml(Problem(path, line, f"not TOML: {told}")) from error
