"""Names in a remote store: what lies beside a clip, as in a folder, and what copies would take for one."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from pipeline.batch.remote_files import Seen
from pipeline.batch.staging import folded
from pipeline.beside import SUBTITLES


def named_files(record: Path) -> Iterator[str]:
    """Yield the files that a case record in TOML names, none where it is no TOML."""
    try:
        document = tomllib.loads(record.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return
    place = document.get("place")
    for value in (place.get("photos") if isinstance(place, dict) else None, document.get("transcript")):
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and name:
                yield name


def records_of(clip: str) -> tuple[str, ...]:
    """Return the names that a clip's case records may have, as `pipeline.case.files.case_files` looks for them."""
    path = PurePosixPath(clip)
    names = (path.with_name(f"{path.name}.case.toml"), path.with_suffix(".case.toml"), path.with_name("case.toml"))
    return tuple(dict.fromkeys(map(str, names)))


def others_of(clip: str, there: Iterable[str]) -> tuple[str, ...]:
    """Return the names of a clip's subtitles and of what may be its transcript."""
    path = PurePosixPath(clip)
    stem = str(path.with_suffix(""))
    numbered = (name for name in there if name.startswith(f"{stem}-") and name.endswith(".json"))
    digits = len("-12345678.json")
    return (
        *(stem + ending for ending in (*SUBTITLES, ".json")),
        *(name for name in numbered if len(name) == len(stem) + digits),
    )


def inside(folder: str, name: str) -> str | None:
    """Return the path in the store that a record in `folder` names, None if it leads out of the store."""
    if name.startswith("/"):
        return None
    parts: list[str] = []
    for part in PurePosixPath(folder, name).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or None


def folder_of(name: str) -> str:
    """Return the folder of a path in the store, "" for the root."""
    return name.rpartition("/")[0]


def taken_for_one(found: Sequence[Seen], folds: bool) -> dict[str, str]:
    """Return which names of a folder a copy could not tell apart: name, with "/" of a folder → another."""
    keys = [(seen.name + "/" * (seen.kind == "folder"), folded(seen.name) if folds else seen.name) for seen in found]
    count = Counter(key for _, key in keys)
    groups: dict[str, list[str]] = {}
    for name, key in keys:
        if count[key] > 1:
            groups.setdefault(key, []).append(name)
    return {
        name: next((other for other in names if other != name), name) for names in groups.values() for name in names
    }
