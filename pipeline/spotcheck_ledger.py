"""The ledger of spot checks: which clips were drawn, how, and what a person saw in them; rows are only ever added."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock

from pipeline.errors import SettingsError
from pipeline.model import Message, Scalar
from pipeline.report.grouping import ZONE
from pipeline.report.results import Results
from pipeline.report.spreadsheet import ENCODING, cell
from pipeline.sheet import ENCODINGS
from pipeline.spotcheck import METHOD, Clip, Draw, Parameters, draw, draw_id, parameters, population, population_sha256

HEADINGS = {
    "draw": "抽取编号 [draw]",
    "drawn_at": "抽取时间 [drawn at]",
    "population": "总体数量 [clips in the population]",
    "population_sha256": "总体 SHA-256 [SHA-256 of the population]",
    "seed": "随机种子 [seed]",
    "parameters": "参数 [parameters]",
    "stratum": "层 [stratum]",
    "stratum_clips": "层内数量 [clips in the stratum]",
    "case_number": "案件编号 [case number]",
    "path": "录像文件 [clip]",
    "sha256": "录像 SHA-256 [SHA-256 of the clip]",
    "verdict": "系统结论 [verdict of the program]",
    "checked_by": "检查人 [checked by]",
    "checked_on": "检查日期 [checked on]",
    "playback": "回放情况 [playback]",
    "outcome": "检查结果 [outcome of the check]",
    "remarks": "备注 [remarks]",
}
"""Columns of the ledger; the last five are for the person who plays the clip back."""
FILLED_IN = ("checked_by", "checked_on", "playback", "outcome", "remarks")
"""Columns for the person who plays the clip back."""
OUTCOMES = {
    "in order": "符合规定 [in order]",
    "not in order": "不符合规定 [not in order]",
    "cannot tell": "无法判断 [cannot tell]",
}
"""What a check can come to; a spreadsheet may hold other words, which no estimate counts."""
COMPARED = ("population", "stratum", "stratum_clips", "case_number", "verdict")
"""Columns in which a change is told; that of the clips themselves makes another draw."""
VERDICTS = {
    "pass": "通过 [pass]",
    "fail": "不通过 [fail]",
    "undecided": "待定 [undecided]",
    "not applicable": "不适用 [not applicable]",
    "unreadable": "无法读取 [unreadable]",
}


def rows(drawn: Draw, at: datetime) -> list[dict[str, str]]:
    """Return the rows of a draw for the ledger; what the person fills in is empty."""
    sizes = Counter(clip.stratum for clip in drawn.population)
    entries = (
        {
            "draw": drawn.id,
            "drawn_at": at.astimezone(ZONE).isoformat(timespec="seconds"),
            "population": str(len(drawn.population)),
            "population_sha256": drawn.population_sha256,
            "seed": str(drawn.parameters.seed),
            "parameters": drawn.parameters.text,
            "stratum": clip.stratum,
            "stratum_clips": str(sizes[clip.stratum]),
            "case_number": clip.case_number or "",
            "path": clip.path,
            "sha256": clip.sha256 or "",
            "verdict": _told(clip),
        }
        for clip in drawn.sample
    )
    return [{name: cell(entry.get(name, "")) for name in HEADINGS} for entry in entries]


def append(drawn: Draw, ledger: Path, at: datetime) -> bool:
    """Append a draw to a ledger; rows that stand there are never written again.

    Parameters
    ----------
    drawn : Draw
    ledger : Path
        CSV file; it is made if it is not there.
    at : datetime
        Time of the draw.

    Returns
    -------
    bool
        False, and nothing is written, if the ledger holds this draw already.

    Raises
    ------
    SettingsError
        If the file is no such ledger or cannot be written.
    """
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        with lock(ledger):
            return _append(drawn, ledger, at)
    except OSError as error:
        problem: dict[str, Scalar] = {"path": str(ledger), "problem": error.strerror or str(error)}
        raise SettingsError(Message("{path}: cannot be written ({problem}).", problem)) from error


def lock(ledger: Path) -> FileLock:
    """Return the lock of a ledger: who writes it holds it."""
    return FileLock(str(ledger.with_name(f".{ledger.name}.lock")))


def _append(drawn: Draw, ledger: Path, at: datetime) -> bool:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADINGS)
    if not ledger.exists():
        writer.writerow(HEADINGS)
        writer.writerows(rows(drawn, at))
        with ledger.open("xb", buffering=0) as stream:
            _write(stream, text.getvalue().encode(ENCODING), ledger)
        return True
    raw, encoding = _raw(ledger)
    if any(entry["draw"] == drawn.id for _, entry in _entries(raw.decode(encoding), ledger)):
        return False
    writer.writerows(rows(drawn, at))
    ended = b"" if raw.endswith(b"\n") else b"\r\n"
    with ledger.open("ab", buffering=0) as stream:
        _write(stream, ended + text.getvalue().encode("utf-8" if encoding == ENCODING else encoding), ledger)
    return True


def _write(stream: io.FileIO, content: bytes, ledger: Path) -> None:
    """Write all at once, so that what two programs append is not mixed."""
    if stream.write(content) != len(content):
        raise SettingsError(Message("{path}: the last row is not whole: the disk is full.", {"path": str(ledger)}))


def filled_in(ledger: Path, line: int, seen: Mapping[str, str], filled: Mapping[str, str]) -> bytes:
    """Return a ledger's content with what a person fills in in one row; every other row stays as it is, byte for byte.

    Parameters
    ----------
    ledger : Path
        Its `lock` is held, until `replace` has written what is returned.
    line : int
        Of the row, as `read_ledger` names it.
    seen : mapping
        The row as the person saw it.
    filled : mapping
        Column of `FILLED_IN` → text.

    Raises
    ------
    SettingsError
        If the file cannot be read or is no such ledger, the row is another by now, or a text cannot be written in its
        encoding.
    """
    raw, encoding = _raw(ledger)
    lines = list(io.StringIO(raw.decode(encoding), newline=""))
    row, begin = next(((row, begin) for number, begin, row in _records(lines, ledger) if number == line), ({}, 0))
    if row != seen:
        raise SettingsError(Message("{path}, line {line}: was changed meanwhile.", {"path": str(ledger), "line": line}))
    text = io.StringIO()
    csv.DictWriter(text, HEADINGS).writerow({**row, **{name: cell(filled[name]) for name in FILLED_IN}})
    try:
        return "".join([*lines[:begin], text.getvalue(), *lines[line:]]).encode(encoding)
    except UnicodeEncodeError as error:
        problem: dict[str, Scalar] = {"path": str(ledger), "encoding": encoding, "text": error.object[error.start]}
        raise SettingsError(Message("{path} is {encoding} text, which has no “{text}”.", problem)) from error


def replace(ledger: Path, content: bytes) -> None:
    """Write a ledger as a whole: another reader sees it as it was or as it is, never a part.

    Raises
    ------
    SettingsError
        If it cannot be written.
    """
    beside = ledger.with_name(f".{ledger.name}.new")
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(ledger)
    except OSError as error:
        problem: dict[str, Scalar] = {"path": str(ledger), "problem": error.strerror or str(error)}
        raise SettingsError(Message("{path}: cannot be written ({problem}).", problem)) from error


def read_ledger(ledger: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a ledger with their lines, by the names in `HEADINGS`.

    Raises
    ------
    SettingsError
        If the file cannot be read, its heading is another, or a row has more or fewer cells.
    """
    raw, encoding = _raw(ledger)
    return list(_entries(raw.decode(encoding), ledger))


def _raw(ledger: Path) -> tuple[bytes, str]:
    """Return a ledger's content and encoding: spreadsheets in China may save it as GB 18030."""
    try:
        raw = ledger.read_bytes()
    except OSError as error:
        problem: dict[str, Scalar] = {"path": str(ledger), "problem": error.strerror or str(error)}
        raise SettingsError(Message("{path}: cannot be read ({problem}).", problem)) from error
    for encoding in ENCODINGS:
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return raw, encoding
    raise SettingsError(
        Message("{path}: neither UTF-8 nor GB 18030 text. Save it as CSV, UTF-8.", {"path": str(ledger)})
    )


def _entries(text: str, ledger: Path) -> Iterator[tuple[int, dict[str, str]]]:
    yield from ((line, row) for line, _, row in _records(list(io.StringIO(text, newline="")), ledger))


def _records(lines: list[str], ledger: Path) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Yield each row with the line that it ends in, counted from 1, and how many lines lie before it."""
    reader = csv.reader(lines, strict=True)
    try:
        if next(reader, []) != list(HEADINGS.values()):
            message = "{path}, line 1: not the heading of a ledger of spot checks. Give another file."
            raise SettingsError(Message(message, {"path": str(ledger)}))
        begin = reader.line_num
        for cells in reader:
            before, begin = begin, reader.line_num
            if not any(cells):
                continue
            if len(cells) != len(HEADINGS):
                counts: dict[str, Scalar] = {
                    "cells": len(cells),
                    "headings": len(HEADINGS),
                    "line": reader.line_num,
                    "path": str(ledger),
                }
                raise SettingsError(Message("{path}, line {line}: {cells} cells under {headings} headings.", counts))
            yield reader.line_num, before, dict(zip(HEADINGS, cells, strict=True))
    except csv.Error as error:
        problem: dict[str, Scalar] = {"path": str(ledger), "line": reader.line_num, "problem": str(error)}
        raise SettingsError(Message("{path}, line {line}: {problem}", problem)) from error


# ---- is each draw what its seed gives? ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """A draw of the ledger, drawn again."""

    draw: str
    state: Literal["as drawn", "differs", "not checked"]
    notes: tuple[Message, ...] = ()


def verify(ledger: Path, read: Results) -> list[Checked]:
    """Draw again every draw of a ledger whose population the results are.

    Clips are known by their hashes. Other cells that differ are told and no more: a clip may have been examined again,
    and a spreadsheet that saves the ledger may change numbers of cases.

    Raises
    ------
    SettingsError
        If the file is no ledger, or no draw stands in it.
    """
    draws: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, entry in read_ledger(ledger):
        draws.setdefault(entry["draw"], []).append((line, entry))
    if not draws:
        raise SettingsError(Message("{path}: no draw stands in this ledger.", {"path": str(ledger)}))
    return [_checked(name, entries, read) for name, entries in draws.items()]


def _checked(name: str, entries: list[tuple[int, dict[str, str]]], read: Results) -> Checked:
    first_line, first = entries[0]
    for column in ("population", "population_sha256", "seed", "parameters"):
        for line, entry in entries:
            if entry[column] != first[column]:
                told: dict[str, Scalar] = {"line": line, "first": first_line, "heading": HEADINGS[column]}
                return _differs(name, Message("Lines {first} and {line} differ in {heading}.", told))
    method, wanted = _parameters(first)
    unfit = Message("Line {line}: no draw can have this seed and these parameters.", {"line": first_line})
    if method is None:
        return _differs(name, unfit)
    if draw_id(first["population_sha256"], first["seed"], first["parameters"]) != name:
        return _differs(name, Message("Its name does not follow from its population, seed and parameters."))
    if wanted is None:
        return Checked(name, "not checked", (Message("It was drawn by method {method}.", {"method": method}),))
    clips = population(read, wanted.by)
    if population_sha256(clips) != first["population_sha256"]:
        sizes: dict[str, Scalar] = {"here": len(clips), "there": first["population"]}
        message = "The results are another population: {here} clips; it was drawn from {there}."
        return Checked(name, "not checked", (Message(message, sizes),))
    try:
        drawn = draw(read, wanted)
    except SettingsError:
        return _differs(name, unfit)
    return _compared(name, entries, drawn)


def _told(clip: Clip) -> str:
    """Return what the program found in a clip, in Chinese and English; by several profiles: each."""
    if len(clip.verdicts) == 1:
        return VERDICTS[clip.verdicts[0][1]]
    return "; ".join(f"{profile}: {VERDICTS[counted]}" for profile, counted in clip.verdicts)


def _compared(name: str, entries: list[tuple[int, dict[str, str]]], drawn: Draw) -> Checked:
    due: dict[str, list[dict[str, str]]] = {}
    for row in rows(drawn, datetime.now(ZONE)):
        due.setdefault(row["sha256"] or row["path"], []).append(row)
    wrong: list[Message] = []
    changed: list[Message] = []
    for line, entry in entries:
        content = entry["sha256"] or entry["path"]
        if not due.get(content):
            told: dict[str, Scalar] = {"line": line, "clip": content}
            wrong.append(Message("Line {line}: {clip} is not what the seed draws.", told))
            continue
        nearest = min(due[content], key=lambda row: len(_changes(entry, row)))
        due[content].remove(nearest)
        for column in _changes(entry, nearest):
            told = {"line": line, "heading": HEADINGS[column], "now": nearest[column], "then": entry[column]}
            changed.append(Message("Line {line}: {heading} is “{then}”; by the results it is “{now}”.", told))
    left = [content for content, due_rows in due.items() for _ in due_rows]
    wrong += [Message("{clip} was drawn and has no line.", {"clip": content}) for content in left]
    return Checked(name, "differs" if wrong else "as drawn", (*wrong, *changed))


def _changes(entry: dict[str, str], row: dict[str, str]) -> list[str]:
    return [name for name in COMPARED if entry[name] != row[name]]


def _differs(name: str, message: Message) -> Checked:
    return Checked(name, "differs", (message,))


def _parameters(entry: dict[str, str]) -> tuple[int | None, Parameters | None]:
    """Return the method of a draw (None if its parameters cannot be read), and its parameters (None by another)."""
    found = re.fullmatch(r"method=(\d+); by=([a-z,]*); (?:share=([\d.e-]+)|count=(\d+))", entry["parameters"])
    if found is None:
        return None, None
    try:
        method = int(found[1])
        if method != METHOD:
            return method, None
        share, count = float(found[3]) if found[3] else None, int(found[4]) if found[4] else None
        by = [key for key in found[2].split(",") if key]
        return method, parameters(int(entry["seed"]), by, share, count)
    except (SettingsError, ValueError):
        return None, None
