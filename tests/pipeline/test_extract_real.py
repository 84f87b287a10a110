"""Nothing may fail on real files: odd containers, old cameras, cut-off and encrypted files."""

import pytest

from pipeline.errors import FootageError
from tests.pipeline.measuring import counts, gaps, measured, table
from tests.shared import SHARED, shared

TOO_LONG = {"video__h264__1242-small.mkv"}  # 22 minutes
FOLDERS = ("containers_fate", "cameras", "cctv", "dashcam", "gopro", "labelled_scenedetect", "labelled_c2pa")
CLIPS = sorted(
    str(path.relative_to(SHARED))
    for folder in FOLDERS
    for path in (SHARED / "footage" / folder).glob("*")
    if path.name not in TOO_LONG and path.stat().st_size < 3_000_000
)


def test_real_footage_is_there():
    shared("footage")
    assert len(CLIPS) > 50


@pytest.mark.parametrize("name", CLIPS)
def test_every_real_file_is_measured(name, tmp_path):
    try:
        found = measured(shared(name), tmp_path)
    except FootageError as error:
        pytest.fail(f"a recording was refused: {error}")
    encrypted = "encrypted" in name
    assert (counts(found)["frames_decoded"] > 0) != encrypted
    assert any("encrypted" in sentence for sentence in gaps(found)) == encrypted
    packets = table(found, "packets")
    assert packets.rows == counts(found)["packets"] > 0
