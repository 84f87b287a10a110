"""Finding clips: a store is a folder, however deep, of what recorders wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import FootageError, SettingsError
from pipeline.model import Message

ENDINGS = frozenset(
    ".mp4 .mov .m4v .3gp .avi .mkv .webm .ts .mts .m2ts .mpg .mpeg .wmv .asf .flv .dav .h264 .264 .h265 .265".split()
)
"""Endings of files that are taken for footage in a folder."""
LEADS_OUT = (
    "{path}: this link leads out of the folder that was searched, to {target}; it was not opened. If that is the "
    "recording, name it itself."
)


def clips_in(paths: Sequence[Path]) -> list[Path]:
    """Return the clips that arguments name, each once.

    Parameters
    ----------
    paths : sequence of Path
        Clips, which are taken as they are, and folders, which are searched for files that look like footage.

    Returns
    -------
    list of Path
        In the order of the arguments; those of a folder in the order of their paths.

    Raises
    ------
    SettingsError
        If there is no clip at all, a folder cannot be searched, or a path leads nowhere and does not look like footage.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(_searched(path)))
        elif path.exists() or looks_like_footage(path):
            found.append(path)
        else:
            raise SettingsError(Message("{path}: there is no such file or folder.", {"path": str(path)}))
    if not found:
        named = ", ".join(str(path) for path in paths)
        raise SettingsError(Message("No clip was found in {paths}.", {"paths": named}))
    return list(dict.fromkeys(found))


def _searched(folder: Path) -> Iterator[Path]:
    for inside, _, names in os.walk(folder, onerror=_refuse):
        # Pipes, sockets and dead links too: they are told of as clips that cannot be read, not left out.
        yield from (path for name in names if looks_like_footage(path := Path(inside, name)))


def folders_in(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return those of the arguments that are folders."""
    return tuple(path for path in paths if path.is_dir())


def must_stay_inside(path: Path, folders: Sequence[Path]) -> None:
    """Refuse a link that leads out of the folder that was searched: what it names is no part of that store.

    Parameters
    ----------
    path : Path
        A clip.
    folders : sequence of Path
        Folders that were searched. A link that was named itself lies in none of them, and may lead anywhere.

    Raises
    ------
    FootageError
    """
    for folder in folders:
        if path.is_relative_to(folder) and not path.resolve().is_relative_to(folder.resolve()):
            raise FootageError(Message(LEADS_OUT, {"path": str(path), "target": str(path.resolve())}))


def looks_like_footage(path: Path) -> bool:
    """Tell whether a file is taken for footage, by the ending of its name."""
    return path.suffix.lower() in ENDINGS


def _refuse(error: OSError) -> None:
    """Refuse a folder that cannot be searched: clips in it would silently be left out."""
    problem = error.strerror or str(error)
    values = {"path": str(error.filename), "problem": problem}
    raise SettingsError(
        Message("{path}: {problem}. May the account that runs this read the folder?", values)
    ) from error
