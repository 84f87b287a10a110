"""Hands one examined clip over as a bag (BagIt, RFC 8493): the clip, what was found, and what was decided.

A bag is made under another name beside its target, written to disk, and renamed: it is there wholly or not at all. The
clip is copied in pieces and hashed on the way; a copy that is not what was examined is never handed over.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline.errors import FootageError, SettingsError
from pipeline.model import Footage, Message
from pipeline.report.json_v1 import TOOL, display_path, plain

PIECE_BYTES = 4 * 1024 * 1024
LONGEST_NAME_BYTES = 200
"""File systems hold 255; a bag may be packed into one that holds fewer."""
AUDIT = "audit.jsonl"
APPROVAL = "approval.json"
REFERENCE = "clip.json"
BAGGED_HERE = """
import json, logging, sys
import bagit
logging.disable(logging.CRITICAL)
bagit.make_bag(".", bag_info=json.load(sys.stdin), checksums=["sha256"])
"""
"""Run in a process of its own: bagit changes the working folder, which all threads of a process share."""

TAKEN = "{path}: is there already. Name another bag; nothing is written over."
UNWRITABLE = "{path}: cannot be written ({problem})."
OTHER_REPORT = "{path}: holds no report of this clip. Write one with `unbroken scan CLIP --out FOLDER`."
OTHER_CLIP = "{path}: is not the clip that was examined: its SHA-256 is {found}, not {expected}. No bag was made."
CLIP_GONE = "{path}: cannot be read ({problem}). No bag was made."
NOT_HASHED = "{path}: was never hashed, so nothing can vouch for a copy. No bag was made."
TWICE = "Two files of the bag would be called {name}."
RESERVED = "{field}: is stated by the bag itself."


@dataclass(frozen=True, slots=True)
class BagContents:
    """What goes into a bag."""

    footage: Footage
    """The clip as it was examined."""
    report: Path
    """Folder of its report, as `pipeline.report.html.write_report` made it."""
    transcripts: Sequence[Path] = ()
    """Files of its transcript, as `unbroken transcribe` made them."""
    audit: Iterable[Mapping[str, Any]] | None = None
    """Rows of the audit log that are about the clip, in their order; None: there is no audit log."""
    approval: Mapping[str, Any] | None = None
    """Who approved that it is handed over, as `pipeline.report.approval` wrote it."""
    with_clip: bool = True
    """False: only a reference to the clip, with its hash."""
    info: Mapping[str, str] = field(default_factory=dict)
    """More fields of bag-info.txt, such as `Source-Organization` or `Contact-Name`."""


def write_bag(
    target: Path,
    contents: BagContents,
    made_at: datetime,
    progress: Callable[[float], None] = lambda share: None,
) -> Path:
    """Write a bag.

    Parameters
    ----------
    target : Path
        Folder of the bag; it must not be there yet, the folder that holds it is made.
    contents : BagContents
    made_at : datetime
        When it is made, with its zone; its day is the Bagging-Date.
    progress : callable
        Told which share of the clip is copied, 0 to 1.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    SettingsError
        If the target is there or cannot be written, the report is not of this clip, files would share a name, or a
        field is not free to be stated.
    FootageError
        If the clip is gone, or is not what was examined.
    """
    footage = contents.footage
    if not footage.sha256:
        raise FootageError(Message(NOT_HASHED, {"path": display_path(footage.path)}))
    _must_be_about(contents.report, footage)
    taken = STANDARD.keys() & contents.info.keys()
    if taken:
        raise SettingsError(Message(RESERVED, {"field": ", ".join(sorted(taken))}))
    must_be_free(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".bag-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        _fill(work, contents, made_at, progress)
        _bag(work, contents, made_at)
        for folder, _, files in os.walk(work, topdown=False):
            for name in files:
                _sync(Path(folder, name))
            _sync(Path(folder))
        work.chmod(0o755)  # it was made for its owner only
        _rename_new(work, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _sync(target.parent)
    return target


def must_be_free(target: Path) -> None:
    """Do nothing where nothing is in the way of a bag.

    Raises
    ------
    SettingsError
        If something is there, be it an empty folder or a link that leads nowhere.
    """
    if os.path.lexists(target):
        raise SettingsError(Message(TAKEN, {"path": display_path(target)}))


STANDARD = {
    "Bagging-Date": "the day it was made",
    "Payload-Oxum": "bytes and files of the payload",
    "External-Identifier": "SHA-256 of the clip",
    "External-Description": "what it holds",
    "Bag-Software-Agent": "what made it",
}
"""Fields of bag-info.txt that each bag states by itself, and what they say."""


def _must_be_about(report: Path, footage: Footage) -> None:
    """Refuse a folder that holds no report of the clip."""
    try:
        told = json.loads((report / "report.v1.json").read_bytes())["clip"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        told = None
    if told != footage.sha256:
        raise SettingsError(Message(OTHER_REPORT, {"path": display_path(report)}))


def _fill(work: Path, contents: BagContents, made_at: datetime, progress: Callable[[float], None]) -> None:
    """Write the payload."""
    footage = contents.footage
    name = payload_name(footage.path)
    _write_json(work / REFERENCE, _reference(footage, name if contents.with_clip else None, made_at))
    if contents.with_clip:
        (work / "clip").mkdir()
        _copy_clip(footage, work / "clip" / name, progress)
    _copy_folder(contents.report, work / "report")
    given = [(path, payload_name(path)) for path in contents.transcripts]
    _must_differ([name for _, name in given])
    for path, name in given:
        (work / "transcript").mkdir(exist_ok=True)
        shutil.copyfile(path, work / "transcript" / name)
    if contents.approval is not None:
        _write_json(work / APPROVAL, plain(contents.approval))
    if contents.audit is not None:
        with (work / AUDIT).open("x", encoding="utf-8", newline="\n") as stream:
            for row in contents.audit:
                stream.write(json.dumps(plain(row), ensure_ascii=False, allow_nan=False, sort_keys=True) + "\n")


def _reference(footage: Footage, copied_as: str | None, made_at: datetime) -> dict[str, Any]:
    """Return which clip the bag is about, its name byte for byte: in the bag it may be written in another way."""
    raw = os.fsencode(footage.path.name)
    stated = {
        "name": display_path(Path(footage.path.name)),
        "name_base64": base64.b64encode(raw).decode("ascii"),
        "path": display_path(footage.path),
        "sha256": footage.sha256,
        "bytes": footage.bytes,
        "in_bag": None if copied_as is None else f"data/clip/{copied_as}",
        "bagged_at": made_at.isoformat(timespec="seconds"),
    }
    return stated


def payload_name(path: Path) -> str:
    """Return the name of a file in a bag: UTF-8 in form NFC, without what other systems refuse, and not too long.

    A bag travels: systems write the same letters in different forms (NFC, NFD), and its manifest is UTF-8. `clip.json`
    keeps the clip's name byte for byte.
    """
    shown = unicodedata.normalize("NFC", display_path(Path(path.name)))
    safe = "".join("_" if c in '<>:"/\\|?*%' or not c.isprintable() else c for c in shown)
    stem, suffix = Path(safe).stem, Path(safe).suffix
    while len((stem + suffix).encode()) > LONGEST_NAME_BYTES and stem:
        stem = stem[:-1]
    # Windows drops dots and blanks at the end, and a name of nothing else is none.
    return (stem + suffix).rstrip(". ") or "file"


def _copy_clip(footage: Footage, copy: Path, progress: Callable[[float], None]) -> None:
    """Copy the clip piece by piece, hash what is copied, and refuse what is not the clip that was examined."""
    hashed, done = hashlib.sha256(), 0
    path = {"path": display_path(footage.path)}
    try:
        source = footage.path.open("rb")
    except OSError as error:
        raise FootageError(Message(CLIP_GONE, {**path, "problem": error.strerror or str(error)})) from error
    with source, copy.open("xb") as stream:
        while piece := _read(source, path):
            hashed.update(piece)
            stream.write(piece)
            done += len(piece)
            progress(min(1.0, done / max(footage.bytes, 1)))
    if hashed.hexdigest() != footage.sha256:
        found = {"found": hashed.hexdigest(), "expected": footage.sha256}
        raise FootageError(Message(OTHER_CLIP, {**path, **found}))


def _read(source: Any, path: Mapping[str, str]) -> bytes:
    try:
        piece: bytes = source.read(PIECE_BYTES)
    except OSError as error:
        raise FootageError(Message(CLIP_GONE, {**path, "problem": error.strerror or str(error)})) from error
    return piece


def _copy_folder(folder: Path, copy: Path) -> None:
    """Copy the report; links are not followed out of its folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            (copy / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / path.relative_to(folder))


def _bag(work: Path, contents: BagContents, made_at: datetime) -> None:
    """Make a bag of the folder, and hold its manifest against the examination: bagit read the copy once more."""
    info = {
        **{name: " ".join(value.split()) for name, value in contents.info.items()},
        "Bagging-Date": made_at.date().isoformat(),
        "External-Identifier": contents.footage.sha256,
        "External-Description": "One examined clip with its report" if contents.with_clip else "Report of one clip",
        "Bag-Software-Agent": f"{TOOL} {metadata.version(TOOL)}, bagit.py {metadata.version('bagit')}",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", BAGGED_HERE], cwd=work, input=json.dumps(info), text=True, capture_output=True
    )
    if done.returncode:
        raise RuntimeError(f"bagit failed: {done.stderr.strip()[-2000:]}")
    if contents.with_clip:
        name = f"data/clip/{payload_name(contents.footage.path)}"
        manifest = (work / "manifest-sha256.txt").read_text(encoding="utf-8").splitlines()
        listed = {path: sha256 for sha256, path in (line.split(maxsplit=1) for line in manifest)}
        if listed.get(name) != contents.footage.sha256:
            found = {"found": str(listed.get(name)), "expected": contents.footage.sha256}
            raise FootageError(Message(OTHER_CLIP, {"path": name, **found}))


def _must_differ(names: Sequence[str]) -> None:
    """Refuse names that some system would take for one: there letters of other size are the same."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise SettingsError(Message(TWICE, {"name": name}))
        seen.add(name.casefold())


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _sync(path: Path) -> None:
    """Have a file or a folder written to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename_new(work: Path, target: Path) -> None:
    """Rename the folder; renaming over an empty folder would work, so its place is looked at once more."""
    must_be_free(target)
    work.rename(target)


def _unwritable(target: Path, error: OSError) -> SettingsError:
    problem = error.strerror or str(error)
    return SettingsError(Message(UNWRITABLE, {"path": display_path(target), "problem": problem}))
