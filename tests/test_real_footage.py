"""The command on real clips of many recorders, codecs and containers: a valid document for each, and no crash."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.shared import shared

ROOT = Path(__file__).resolve().parents[1]
UNBROKEN = Path(sys.executable).with_name("unbroken")
CLIPS = """
egocentric_homes/assets__videos__web__making_tea.mp4
egocentric_homes/assets__videos__web__washing_clothes_subtitled.mp4
lelan_handheld/static__videos__multi_1.mp4
stab_handheld/assets__1.mp4
stab_handheld/assets__selfie.mp4
dashcam/src__parsers____fixtures____juscar__real-anonymized.TS
gopro/samples__hero7.mp4
gopro/tests__testdata__gopro-gpmf__hero5-trimmed.mp4
cameras/avi__100_0306.AVI
cameras/avi__MVI_4823.AVI
cameras/mts__Sony_ILCE-7M3_(A7M3).mts
cameras/mp4__ftyp3gp5.mp4
cameras/tests__data__videos__sample-5s.mp4
cameras/cup.mp4
cameras/tree.avi
cameras/Megamind.avi
cctv/tests__resources__issue53_brightness_change.avi
labelled_scenedetect/tests__resources__delayed_start.mp4
labelled_scenedetect/tests__resources__issue-236-split-copy.mkv
labelled_c2pa/sdk__tests__fixtures__video1.mp4
containers_fate/video__h264__interlaced_crop.mp4
containers_fate/video__h264__mov-3elist-encrypted.mp4
containers_fate/video__h264__ref_10.avi
containers_fate/video__hevc__mov_ibi_elst_starts_b.mp4
containers_fate/video__vp9__vp91-2-04-yuv444.mp4
containers_fate/video__wmv2__wmv8_x8intra.wmv
""".split()


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    clips = [shared("footage", clip) for clip in CLIPS]
    command = [UNBROKEN, "scan", *clips, "--json", "--cache", tmp_path_factory.mktemp("cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3, 10, 11}, done.stderr
    assert "Traceback" not in done.stderr
    return dict(zip(CLIPS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("clip", CLIPS)
def test_document_is_valid_and_something_was_examined(documents, clip):
    document = documents[clip]
    schema = json.loads((ROOT / "docs" / "contract.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert document["examined"]["packets"] > 0
    if "encrypted" not in clip:
        assert document["examined"]["frames_decoded"] > 0
        assert document["unreadable"] is None


@pytest.mark.parametrize("clip", CLIPS)
def test_no_clip_passes_without_a_case_record(documents, clip):
    assert documents[clip]["verdict"] in {"undecided", "fail"}
    place = next(rule for rule in documents[clip]["rules"] if rule["id"] == "PLACE-1")
    assert place["outcome"] == "undecided"
