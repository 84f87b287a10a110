"""Transcripts built by hand."""

from __future__ import annotations

from pathlib import Path

from pipeline.case import CaseRecord
from pipeline.features.schema import table
from pipeline.model import Features, Footage
from transcripts.document import Document, Making, document

SHA256 = "0123456789abcdef" * 4
AT = "2026-11-05T10:20:30+08:00"
VERSIONS = {"unbroken": "0.1.0", "openai-whisper": "20250625", "whisper-weights": "base sha256:905e"}
CASE = CaseRecord(
    Path("case.toml"),
    (
        ("place.names", "石家庄禾岭化工有限公司"),
        ("agency.name", "应急管理局"),
        ("officers", "张三"),
        ("officers", "李四"),
        ("cause", "危险化学品安全检查"),
        ("parties", "王五"),
    ),
)
SAID = (
    (4.0, 5.0, "您好", 0.9),
    (5.0, 6.5, "我们来检查", 0.9),
    (9.0, 9.2, "一百", 0.9),
    (9.2, 9.4, "二十", 0.3),
    (9.4, 9.5, "个", 0.2),
    (12.0, 12.2, "好", 0.9),
)
VOICE = ((4.0, 6.5), (9.0, 9.5), (12.0, 12.2), (15.0, 16.0))


def made(
    said=SAID,
    voice=VOICE,
    *,
    case=CASE,
    confirmed_by=None,
    by=None,
    duration_s=20.0,
    listened_s=20.0,
    gaps=(),
    sound=True,
    at=AT,
    name="现场 01.mp4",
    sha256=SHA256,
) -> Document:
    """Return a transcript of a clip of 20 s."""
    tables = {
        "sound": table("sound", [{"time_s": 0.0, "duration_s": duration_s, "rms_dbfs": -30.0}]),
        "gaps": table("gaps", list(gaps)),
    }
    if sound:
        tables["voice"] = table(
            "voice", [{"start_s": a, "stop_s": b, "probability": 0.9, "snr_db": 20.0} for a, b in voice]
        )
        tables["words"] = table(
            "words", [{"start_s": a, "stop_s": b, "text": text, "probability": p} for a, b, text, p in said]
        )
        tables["examined"] = table("examined", [{"stage": "speech", "measure": "speech_s", "value": listened_s}])
    making = Making(at=at, by=by, confirmed_by=confirmed_by, versions=VERSIONS)
    return document(Footage(Path("evidence") / name, sha256, 1), case, Features(tables), making)
