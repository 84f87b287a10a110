"""Media that an edit list hides: decoded as it lies in the file, and shown with the finding."""

import av
import pytest

from detectors.edit_list import edit_list
from pipeline.features.extract import probe
from pipeline.features.schema import to_table
from pipeline.media.stills import pictures_at
from pipeline.model import Features
from pipeline.report.stills import wanted_for
from tests.footage import make_clip
from tests.pipeline.test_report_stills import number_of, numbered

FPS = 25


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory):
    """Return a clip whose first two seconds (pictures 0 to 49) its edit list hides."""
    folder = tmp_path_factory.mktemp("hidden")
    whole = make_clip(folder / "whole.mp4", frames=120, fps=FPS, gop=25, picture=numbered, audio=None)
    path = folder / "trimmed.mp4"
    with av.open(str(whole)) as taken, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as made:
        stream = taken.streams.video[0]
        copy = made.add_stream_from_template(stream)
        for packet in taken.demux(stream):
            if packet.size:
                packet.pts -= round(2 / packet.time_base)
                packet.dts -= round(2 / packet.time_base)
                packet.stream = copy
                made.mux(packet)
    return path


def test_what_a_player_shows_begins_after_the_hidden_part(trimmed, tmp_path):
    found = pictures_at(trimmed, [0.0], tmp_path, 0, 0)
    assert number_of(found[0.0].path) == 50


def test_hidden_pictures_are_found_by_their_time_in_the_media(trimmed, tmp_path):
    wanted = [n / FPS for n in (3, 25, 49)]
    found = pictures_at(trimmed, wanted, tmp_path, 0, 0, as_stored=True)
    assert [number_of(found[time].path) for time in wanted] == [3, 25, 49]
    assert {still.path.name for still in found.values()} == {"hidden-0.jpg", "hidden-1.jpg", "hidden-2.jpg"}


def test_the_report_asks_for_pictures_of_the_hidden_stretch(trimmed, tmp_path):
    measured = probe(trimmed, tmp_path, lambda _stage, _done: None)
    features = Features({name: to_table(name, arrow) for name, arrow in measured.tables.items()})
    (finding,) = edit_list(features)
    assert finding.level == "violation"
    assert (finding.evidence["hidden_from_s"], finding.evidence["hidden_to_s"]) == (0.0, pytest.approx(2.0, abs=0.05))
    stills = list(wanted_for(finding, features))
    assert len(stills) == 3 and all(still.hidden and 0 < still.time_s < 2 for still in stills)
