"""Opening evidence: read-only, regular files only, and nothing beside the one file that was named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipeline.errors import FootageError
from pipeline.model import Message

if TYPE_CHECKING:
    from av.container import InputContainer


_AS_STORED = {"ignore_editlist": "1"}


@contextmanager
def evidence(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading only, without ever waiting for it (a pipe would block for ever).

    Raises
    ------
    FootageError
        If there is no such file, it may not be read, or it is a folder, a pipe or a device. Its only argument is a
        `Message`.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        raise FootageError(Message("{path}: there is no such file.", {"path": str(path)})) from error
    except OSError as error:
        raise FootageError(
            Message(
                "{path}: the file cannot be opened ({reason}). Check the permissions and the connection to the store.",
                {"path": str(path), "reason": error.strerror or str(error)},
            )
        ) from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        template = (
            "{path}: this is a folder. Name the clips in it."
            if stat.S_ISDIR(mode)
            else "{path}: this is a pipe or a device, not a file. Copy the recording to a file first."
        )
        raise FootageError(Message(template, {"path": str(path)}))
    with os.fdopen(handle, "rb", buffering=0) as file:
        yield file


@contextmanager
def demuxer(path: Path, name: str, *, as_stored: bool = False) -> Iterator[InputContainer]:
    """Open `path` with the FFmpeg demuxer `name`, and with no other.

    With `as_stored` the edit lists of MP4 and MOV files are passed over: what they hide is handed out too, and times
    are those of the media.

    FFmpeg sees an open file and no name, so it cannot take the name for a protocol. No protocol is allowed to it, so
    whatever else a demuxer would open (play lists and reference movies name other files and addresses) is refused.

    Raises
    ------
    FootageError
        As `evidence` does.
    av.FFmpegError
        If the demuxer cannot make sense of the file.
    """
    import av

    with (
        evidence(path) as file,
        av.open(
            file,
            "r",
            format=name,
            metadata_errors="replace",
            buffer_size=1 << 16,
            container_options={"protocol_whitelist": "none", **(_AS_STORED if as_stored and name == "mov" else {})},
        ) as container,
    ):
        yield container
