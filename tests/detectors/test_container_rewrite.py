"""Who wrote the file: by name, by the names of tracks, by the order of boxes."""

import pytest

from detectors._writers import ENCODERS, WRITERS, software
from detectors.container_rewrite import container_rewrite
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import kinds, stream

FFMPEG = ("ftyp", 32), ("free", 8), ("mdat", 5000), ("moov", 900)
RECORDER = ("ftyp", 24), ("moov", 900), ("mdat", 5000)


def clip(*texts, writer=None, brand="isom", boxes=RECORDER):
    """Return a clip with these (place, text) and top-level boxes."""
    rows, at = [], 0
    for name, size in boxes:
        rows.append({"path": name, "type": name, "offset_bytes": at, "size_bytes": size, "complete": True})
        at += size
    made = stream("IPPP" * 5).features(boxes=rows, container={"writer": writer, "brand": brand})
    said = [{"stream": None, "place": place, "text": text} for place, text in texts]
    return Features({**made.tables, "encoder": table("encoder", said)})


def found(features, **how):
    return list(container_rewrite(features, **how))


def test_a_file_that_names_nobody_says_nothing():
    assert found(clip()) == []
    assert found(clip(("handler", "Ambarella AVC"), ("handler", "VideoHandler"))) == []


@pytest.mark.parametrize("writer", ["Lavf61.1.100", "HandBrake 1.7.2 2024010100", "GPAC-2.2.1", "VirtualDub build 1"])
def test_a_program_that_names_itself_is_a_note(writer):
    (finding,) = found(clip(writer=writer))
    assert finding.level == "note"
    assert finding.evidence["names"] == [writer]


def test_track_names_tell_the_program_too():
    (finding,) = found(clip(("handler", "Mainconcept Video Media Handler")))
    assert "MainConcept" in finding.summary


def test_the_layout_of_ffmpeg_without_its_name():
    (finding,) = found(clip(("handler", "VideoHandler"), boxes=FFMPEG))
    assert finding.level == "note" and finding.evidence["layout_of_ffmpeg"] is True
    assert finding.evidence["boxes"] == ["ftyp", "free", "mdat", "moov"]


def test_where_the_agency_knows_its_writers_everything_else_is_suspect():
    known = {"recorder_writers": ("Ambarella", "DSJ")}
    assert found(clip(("handler", "ambarella avc")), **known) == []
    assert found(clip(brand="dsj1"), **known) == []
    assert kinds(found(clip(writer="Lavf61.1.100"), **known)) == [("container-rewrite", "suspect")]
    assert kinds(found(clip(), **known)) == [("container-rewrite", "suspect")]


@pytest.mark.parametrize(
    ("text", "known", "name"),
    [
        ("x264 - core 164 r3095", ENCODERS, "x264"),
        ("Lavc61.3.100 libx265", ENCODERS, "x265"),
        ("Lavc61.3.100 mpeg4", ENCODERS, "FFmpeg (libavcodec)"),
        ("XviD0050", ENCODERS, "Xvid"),
        ("Ambarella encoder", ENCODERS, None),
        ("libebml v1.3.4 + libmatroska v1.4.5", WRITERS, "MKVToolNix"),
        ("CanonMVI06", WRITERS, None),
        ("Core Media Video", WRITERS, None),
    ],
)
def test_names_of_software(text, known, name):
    assert software(text, known) == name
