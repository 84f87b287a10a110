"""The chain of results: each row's hash covers that of the row before, and a signed head says how far it goes.

Who edits, removes, reorders or adds rows without the private key is found, and the place is named.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline.errors import SettingsError
from pipeline.model import Message

GENESIS = "0" * 64
"""What row 1 names as the hash of the row before."""
RESULTS = "results"
EVENTS = "events"
"""The chains of a ledger: of the batch's results, and of what people did (`pipeline.review.audit`)."""
COMPRESSED_FROM = 4096
"""Documents of this many bytes or more are kept in zlib."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes."""

    seq: int
    sha256: str
    signed_at: str
    """ISO 8601, UTC."""
    key_id: str
    signature: str
    """Ed25519, hexadecimal."""
    chain: str = RESULTS
    """Whose end it is; it is signed too, so that the head of one chain cannot stand for that of another."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The files beside a ledger: `NAME.key.pem` (private), `NAME.public.pem`, and a signed head of each chain."""

    folder: Path
    name: str

    @property
    def private(self) -> Path:
        """PKCS 8 in PEM, mode 0600."""
        return self.folder / f"{self.name}.key.pem"

    @property
    def public(self) -> Path:
        """PEM; what those who verify need."""
        return self.folder / f"{self.name}.public.pem"

    @property
    def head(self) -> Path:
        """The last signed head of the results, as JSON."""
        return self.head_of(RESULTS)

    def head_of(self, chain: str) -> Path:
        """Return the file of the last signed head of a chain."""
        return self.folder / (f"{self.name}.head.json" if chain == RESULTS else f"{self.name}.{chain}.head.json")

    def load(self) -> Ed25519PrivateKey:
        """Return the private key; it is made on first use, and the public key is written beside it.

        Raises
        ------
        SettingsError
            If the file is no such key, or others than its owner may read it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.private.exists():
            made = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write(self.private, made, only_new=True)
        if self.private.stat().st_mode & 0o077:
            raise SettingsError(
                Message("{path}: others may read this private key. Set its mode to 0600.", {"path": str(self.private)})
            )
        key = _pem(self.private, lambda raw: serialization.load_pem_private_key(raw, None))
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsError(Message("{path}: not an Ed25519 key in PEM.", {"path": str(self.private)}))
        public = public_pem(key.public_key())
        if not self.public.exists() or self.public.read_bytes() != public:
            _write(self.public, public)
        return key

    def write_head(self, head: Head, key: Ed25519PublicKey) -> None:
        """Replace the head's file, unless it holds a later one."""
        with (self.folder / f"{self.name}.head.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = self.head_of(head.chain)
            before = read_head(path, head.chain) if path.exists() else None
            if before is None or before.seq <= head.seq:
                public = key.public_bytes_raw().hex()
                text = json.dumps({**head_fields(head), "signature": head.signature, "public_key": public}, indent=2)
                _write(path, (text + "\n").encode())


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return JSON with sorted keys, without spaces, as UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def row_sha256(*, key: str, verdict: str, document: bytes, committed_at: str, previous_sha256: str) -> str:
    """Return the hash of a row of results; `document` is the JSON text, never compressed.

    The row's number is not part of it: its place follows from `previous_sha256`.
    """
    return hashlib.sha256(
        canonical(
            {
                "committed_at": committed_at,
                "document_sha256": hashlib.sha256(document).hexdigest(),
                "key": key,
                "previous_sha256": previous_sha256,
                "verdict": verdict,
            }
        )
    ).hexdigest()


def packed(document: bytes) -> tuple[bytes, str]:
    """Return a document as it is kept, and its encoding."""
    return (zlib.compress(document), "zlib") if len(document) >= COMPRESSED_FROM else (document, "json")


def unpacked(document: bytes, encoding: str) -> bytes:
    """Undo `packed`.

    Raises
    ------
    ValueError
        If the bytes are not in this encoding.
    """
    if not isinstance(document, bytes):  # SQLite keeps what it is given, whatever the column's type
        raise ValueError("not bytes")
    if encoding == "json":
        return document
    if encoding != "zlib":
        raise ValueError(f"unknown encoding {encoding!r}")
    try:
        return zlib.decompress(document)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def head_fields(head: Head) -> dict[str, Any]:
    """Return what is signed; the chain is named where it is not that of the results."""
    signed = {"seq": head.seq, "sha256": head.sha256, "signed_at": head.signed_at, "key_id": head.key_id}
    return signed if head.chain == RESULTS else {**signed, "chain": head.chain}


def signed_bytes(head: Head) -> bytes:
    """Return the bytes that the signature is made over."""
    return canonical(head_fields(head))


def sign(seq: int, sha256: str, signed_at: str, key: Ed25519PrivateKey, chain: str = RESULTS) -> Head:
    """Sign the end of a chain."""
    unsigned = Head(seq, sha256, signed_at, key_id(key.public_key()), "", chain)
    return replace(unsigned, signature=key.sign(signed_bytes(unsigned)).hex())


def is_signed(head: Head, key: Ed25519PublicKey) -> bool:
    """Tell whether `key` signed this head."""
    try:
        key.verify(bytes.fromhex(head.signature), signed_bytes(head))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return head.key_id == key_id(key)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the raw public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key in PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key in PEM.

    Raises
    ------
    SettingsError
        If the file is none.
    """
    key = _pem(path, serialization.load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(Message("{path}: not an Ed25519 key in PEM.", {"path": str(path)}))
    return key


def read_head(path: Path, chain: str = RESULTS) -> Head | None:
    """Read the file of a chain's head; None if it is none."""
    try:
        held = json.loads(path.read_bytes())
        return Head(
            int(held["seq"]),
            str(held["sha256"]),
            str(held["signed_at"]),
            str(held["key_id"]),
            str(held["signature"]),
            chain,
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _pem(path: Path, load: Any) -> Any:
    try:
        return load(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(Message("{path}: not an Ed25519 key in PEM.", {"path": str(path)})) from error


def _write(path: Path, content: bytes, *, only_new: bool = False) -> None:
    """Write a file whole or not at all, so that it outlasts a power cut; with `only_new` a file that is there stays."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:  # mode 0600
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new = Path(stream.name)
    if only_new:
        try:
            path.hardlink_to(new)
        except FileExistsError:
            pass  # another process was first
        finally:
            new.unlink()
    else:
        new.chmod(0o644)
        new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
