"""What a file is, by its own bytes. Names lie: a play list called `clip.mp4` made FFmpeg open another file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import FootageError
from pipeline.media.evidence import evidence
from pipeline.model import Message

HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Container:
    """A container format, and the FFmpeg demuxer that must read it."""

    name: str
    demuxer: str
    brand: str | None = None
    """Major brand (ISO-BMFF) or document type (Matroska)."""

    @property
    def iso(self) -> bool:
        """Whether it is made of ISO base media boxes."""
        return self.demuxer == "mov"


_MAGIC = (
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", Container("asf", "asf")),
    (b"\x00\x00\x01\xba", Container("mpegps", "mpeg")),
    (b"\x00\x00\x01\xb3", Container("mpegvideo", "mpegvideo")),
    (b"FLV\x01", Container("flv", "flv")),
    (b"OggS", Container("ogg", "ogg")),
    (b"fLaC", Container("flac", "flac")),
    (b"#!AMR", Container("amr", "amr")),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", Container("mxf", "mxf")),
)
_RIFF = {b"AVI ": ("avi", "avi"), b"AVI\x19": ("avi", "avi"), b"WAVE": ("wav", "wav")}
_STILL_BRANDS = {"heic", "heix", "heim", "heis", "mif1", "avif"}
_KNOWN_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"moof"}

PLAYLIST = (
    "{path}: this is a play list: it names other files and holds no footage itself. Name the recordings it lists."
)
TEXT = "{path}: this is a text file, not footage. Name the recording itself."
PICTURE = "{path}: this is a still picture, not a recording. Name the recording it was taken from."
ARCHIVE = "{path}: this is an archive. Unpack it and name the recordings in it."
DOCUMENT = "{path}: this is a document or a program, not footage. Name the recording itself."
EMPTY = "{path}: the file is empty (0 bytes). Copy it again from the recorder."
ZEROS = (
    "{path}: the file begins with nothing but zeros: space was set aside, but no footage was written there. Copy it "
    "again from the recorder."
)
UNKNOWN = (
    "{path}: its first bytes ({start}) belong to no footage format that is known here. If the recorder's maker "
    "uses a format of its own, export the recording with the maker's tool."
)

_REFUSED = (
    (re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8[79]a|BM.{4}\x00{4}|II\*\x00|MM\x00\*|RIFF.{4}WEBP", re.S), PICTURE),
    (re.compile(rb"PK(\x03\x04|\x05\x06)|Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", re.S), ARCHIVE),
    (re.compile(rb"%PDF|\x7fELF|MZ|\xd0\xcf\x11\xe0|SQLite format 3|\{\\rtf|\xca\xfe\xba\xbe", re.S), DOCUMENT),
)
_PLAYLIST = re.compile(
    rb"\s*(ffconcat|#EXTM3U|v=0\s|\[playlist\]|\[Reference\]|<\?wpl|<asx|<smil|file\s+['\"/.\w])|.{0,400}<(MPD|smil|asx)\b",
    re.I | re.S,
)


def sniff(path: Path) -> Container:
    """Tell the container of a file from its bytes.

    Raises
    ------
    FootageError
        If the file cannot be opened, or is no footage. Its only argument is a `Message` that says what was found and
        what to do.
    """
    with evidence(path) as file:
        head = file.read(HEAD_BYTES) or b""
        found = _by_magic(head) or _iso(file, head) or _by_structure(head)
    if found is None:
        raise FootageError(Message(_refusal(head), {"path": str(path), "start": head[:8].hex(" ")}))
    if found.brand in _STILL_BRANDS:
        raise FootageError(Message(PICTURE, {"path": str(path)}))
    return found


def _by_magic(head: bytes) -> Container | None:
    for magic, container in _MAGIC:
        if head.startswith(magic):
            return container
    if head[:4] in {b"RIFF", b"RF64"} and head[8:12] in _RIFF:
        return Container(*_RIFF[head[8:12]])
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        webm = b"webm" in head[:64]
        return Container("webm" if webm else "matroska", "matroska", "webm" if webm else "matroska")
    return None


def _iso(file: BinaryIO, head: bytes) -> Container | None:
    """Follow the top-level boxes; whatever stands first, a known one must come within the first few."""
    brand, position = None, 0
    for _ in range(64):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8 or not re.fullmatch(rb"[\x20-\x7e\xa9]{4}", header[4:8]):
            return None
        kind, size = header[4:8], int.from_bytes(header[:4])
        if kind == b"ftyp":
            brand = header[8:12].decode("latin-1")
        if kind in _KNOWN_BOXES:
            return Container(_iso_name(brand), "mov", brand)
        if size == 1:
            size = int.from_bytes(header[8:16])
        if size < 8:
            return None
        position += size
    return None


def _iso_name(brand: str | None) -> str:
    if brand is None or brand == "qt  ":
        return "mov"
    return "3gp" if brand.startswith(("3gp", "3g2", "3ge", "3gg")) else "mp4"


def _by_structure(head: bytes) -> Container | None:
    if _transport_stream(head):
        return Container("mpegts", "mpegts")
    annexb = re.match(rb"\x00{2,8}\x01(.{2})", head, re.S)
    if annexb:
        first, second = annexb[1]
        if first >> 1 in {32, 33, 34, 35} and second == 1:
            return Container("hevc", "hevc")
        if first & 0x80 == 0 and first & 0x1F in {7, 9}:
            return Container("h264", "h264")
    if re.match(rb"\x1f\x07\x00[\x3f\xbf]", head, re.S):
        return Container("dv", "dv")
    body = head
    if head.startswith(b"ID3") and len(head) > 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        body = head[10 + size :]
        if not body:  # a tag larger than what was read, with a cover picture: in practice always MP3
            return Container("mp3", "mp3")
    if _frames(body, _adts_bytes) >= 2:
        return Container("aac", "aac")
    if _frames(body, _mp3_bytes) >= 2 or body is not head:
        return Container("mp3", "mp3")
    return None


def _transport_stream(head: bytes) -> bool:
    """Look for sync bytes one packet apart: 188 bytes (MPEG-TS), 192 (M2TS) or 204 (with error correction)."""
    for stride in (188, 192, 204):
        wanted = min(8, len(head) // stride)
        for start in range(min(4 * stride, len(head))):
            if wanted >= 2 and head[start : start + stride * wanted : stride] == b"\x47" * wanted:
                return True
    return False


def _frames(body: bytes, size_of: Callable[[bytes], int]) -> int:
    position = count = 0
    while count < 4 and (size := size_of(body[position : position + 8])):
        position, count = position + size, count + 1
    return count


def _adts_bytes(header: bytes) -> int:
    """Return the length of an ADTS frame (ISO/IEC 14496-3, 1.A.2.2), 0 if it is none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0


def _mp3_bytes(header: bytes) -> int:
    """Return the length of an MPEG audio layer III frame (ISO/IEC 11172-3, 2.4.1.3), 0 if it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, rate, speed = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in {0, 15} or speed == 3:
        return 0
    rates = (
        (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        if version == 3
        else (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    )
    hertz = (44100, 48000, 32000)[speed] >> (0 if version == 3 else 1 if version == 2 else 2)
    return (144 if version == 3 else 72) * rates[rate] * 1000 // hertz + (header[2] >> 1 & 1)


def _refusal(head: bytes) -> str:
    if not head:
        return EMPTY
    if not head.strip(b"\x00"):
        return ZEROS
    for pattern, template in _REFUSED:
        if pattern.match(head):
            return template
    if _text(head):
        return PLAYLIST if _PLAYLIST.match(head.lstrip(b"\xef\xbb\xbf")) else TEXT
    return UNKNOWN


def _text(head: bytes) -> bool:
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    try:
        text = head[:4096].decode("utf-8", errors="strict" if len(head) < 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t\f\ufeff" for character in text)
