"""The head of the transcript that lies with a clip: what it states of how, when and by whom it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import SettingsError
from pipeline.features.schema import to_arrow

LARGEST_BYTES = 64 << 20
"""A larger file is no transcript of a clip: a day of talk makes less."""


def read_head(clip: Path, sha256: str, named: Path | None) -> pa.Table:
    """Return the head of a clip's transcript, as table `transcript`: one row, or none if there is no transcript.

    It is read from the JSON that `unbroken transcribe` writes. Where the case record names no file, those names are
    looked for beside the clip that `transcripts.files.target` gives; of several, one made from this very clip is taken.

    Parameters
    ----------
    clip : Path
    sha256 : str
        Of the clip.
    named : Path or None
        The file that the case record names.

    Raises
    ------
    SettingsError
        If the file that the case record names cannot be read, or is no such transcript.
    """
    if named is not None:
        return to_arrow("transcript", [_row(named)])
    rows = []
    for path in (clip.with_suffix(".json"), clip.with_name(f"{clip.stem}-{sha256[:8]}.json")):
        try:
            rows.append(_row(path))
        except SettingsError:
            continue  # any program may have put a file of this name there
    return to_arrow("transcript", sorted(rows, key=lambda row: row["sha256"] != sha256)[:1])


def _row(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise SettingsError(f"{path}: too large for a transcript. Name the JSON that `unbroken transcribe` writes.")
        document = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: no transcript in JSON ({error}). Name the file ending in .json.") from error
    known = isinstance(document, dict) and (document.get("format"), document.get("kind")) == (1, "transcript")
    if not known or _text(_part(document, "clip"), "sha256") is None:
        raise SettingsError(f"{path}: no transcript that `unbroken transcribe` wrote.")
    made, confirmed = _part(document, "made"), _part(document, "confirmed")
    is_confirmed = document.get("status") == "confirmed" and _text(confirmed, "by") is not None
    return {
        "path": str(path),
        "status": "confirmed" if is_confirmed else "draft",
        "method": _text(made, "method"),
        "made_at": _text(made, "at"),
        "made_by": _text(made, "by"),
        "proves": _text(document, "proves"),
        "sha256": _text(_part(document, "clip"), "sha256"),
    }


def _part(document: dict[str, Any], key: str) -> dict[str, Any]:
    part = document.get(key)
    return part if isinstance(part, dict) else {}


def _text(part: dict[str, Any], key: str) -> str | None:
    value = part.get(key)
    return value.strip() or None if isinstance(value, str) else None
