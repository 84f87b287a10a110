"""What a folder of samples was made from: a digest beside the clips, so that only another recipe builds them anew."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
STAMP = "recipe.sha256"


def digest_of(*scripts: str, files: tuple[Path, ...] = ()) -> str:
    """Return a digest of scripts of this folder (by name), of files, of the list of sources and of the encoders."""
    digest = hashlib.sha256()
    for path in [*(HERE / f"{name}.py" for name in scripts), HERE / "sources.txt", *files]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for library in ("av", "numpy", "opencv-python-headless", "scipy", "pillow"):
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()


def is_fresh(folder: Path, wanted: str) -> bool:
    """Tell whether a folder bears this digest."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == wanted


def write_stamp(folder: Path, wanted: str) -> None:
    """Write the digest; the last thing to be done before a folder gets its name."""
    (folder / STAMP).write_text(wanted + "\n", encoding="utf-8")
