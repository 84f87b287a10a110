"""What the results of a batch depend on, as digests: the parts of a job's key."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.batch.nouns import StoredFile
from pipeline.beside import subtitles
from pipeline.case import CaseRecord
from pipeline.detector import REGISTRY
from pipeline.features.schema import SCHEMA_VERSION
from pipeline.model import Table
from pipeline.rules.profile import Profile
from pipeline.settings import Settings
from pipeline.signs import landmarks
from pipeline.stages import STAGES, all_settings, versions
from transcripts.head import read_head


def profile_sha256(profile: Profile, used: Settings, registry: pa.Table | None, at: str | None) -> str:
    """Return the digest of a regulation with every setting, the registry of recorders and the moment that was named.

    Parameters
    ----------
    profile : Profile
    used : Settings
        Over those of the profile.
    registry : pa.Table or None
    at : str or None
        The moment for which periods are judged; None: whenever each clip is judged.
    """
    rows = None if registry is None else registry.to_pylist()
    told = {"profile": profile.model_dump(mode="json"), "settings": all_settings(used), "registry": rows, "at": at}
    if used.tuned is not None:  # results say who tuned
        told["tuned"] = asdict(used.tuned)
    return digest(told)


def tool_version(used: Settings) -> str:
    """Return the version of this program with a digest of all that its answers rest on."""
    found = versions(used)
    stages = {name: stage.version for name, stage in STAGES.items()}
    detectors = {name: entry.version for name, entry in REGISTRY.items()}
    whole = digest({"versions": found, "stages": stages, "detectors": detectors, "schema": SCHEMA_VERSION})
    return f"{found['unbroken']}+{whole[:12]}"


def file_sha256(store: str, file: StoredFile) -> str:
    """Return the digest of what a store shows of a file: a file that was changed is another one."""
    return digest(
        {"store": store, "path": _text(file.path), "bytes": file.bytes, "mtime_ns": file.mtime_ns, "inode": file.inode}
    )


def context_sha256(file: StoredFile, path: Path, case: CaseRecord | None) -> str:
    """Return the digest of what lies beside a clip, and of where it lies in the store.

    Parameters
    ----------
    file : StoredFile
    path : Path
        Where it can be read.
    case : CaseRecord or None

    Raises
    ------
    SettingsError
        If a file that the case record names cannot be used.
    """
    named = next((where for _, where in case.files("transcript")), None) if case else None
    photos = case.photos() if case else ()
    return digest(
        {
            "path": _text(file.path),
            "case": None if case is None else list(case.values),
            "photos": landmarks.identity(photos) if photos else "",
            "subtitles": subtitles(path),
            "transcript": read_head(path, file.sha256 or "", named).to_pylist(),
        }
    )


def among_sha256(context: str, others: Mapping[str, Table]) -> str:
    """Return the digest of a clip's context with what the other clips tell of it."""
    tables = {name: {column: table[column].tolist() for column in table} for name, table in others.items()}
    return digest({"context": context, "others": tables})


def digest(document: Any) -> str:
    """Return the SHA-256 of a document as JSON; NaN is a value like any other."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(path: bytes) -> str:
    return base64.b64encode(path).decode()
