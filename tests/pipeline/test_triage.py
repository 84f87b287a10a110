"""`unbroken scan --triage`: structure and times only, nothing is decoded, and never a pass."""

import json

import av
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.features.extract import probe
from pipeline.features.schema import to_table
from tests.footage import make_clip
from tests.pipeline.measuring import measured, valid

PROFILE = """
name = "x"
name_en = "x"
agency = "x"
regulation = "x"

[[rule]]
id = "R-1"
article = "1"
text = "x"
gloss = "x"
fails_on = ["stream-change", "timestamp-gap"]
needs = ["packets.time_s"]
"""
"""Asks for nothing that triage does not measure."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("triage") / "take.mp4", frames=100, options={"sc_threshold": "0"})


def without(clip, path, first, stop, *, close):
    """Copy a clip without these pictures (places in the file); `close` moves the later ones up."""
    with av.open(str(clip)) as taken, av.open(str(path), "w") as made:
        stream = taken.streams.video[0]
        copy = made.add_stream_from_template(stream)
        packets = [packet for packet in taken.demux(stream) if packet.size]
        moved = packets[stop].dts - packets[first].dts if close else 0
        for place, packet in enumerate(packets):
            if first <= place < stop:
                continue
            if place >= stop:
                packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
            packet.stream = copy
            made.mux(packet)
    return path


def scan(path, cache, *more):
    result = CliRunner().invoke(app, ["scan", "--triage", "--json", "--cache", str(cache), *more, str(path)])
    return result.exit_code, json.loads(result.stdout)


def test_it_decodes_nothing_and_says_so(clip, tmp_path):
    code, document = scan(clip, tmp_path)
    assert (code, document["verdict"]) == (10, "undecided")
    assert document["examined"]["frames_decoded"] == 0 and document["examined"]["packets"] > 100
    assert any("triage" in gap for gap in document["examined"]["gaps"])
    assert [f for f in document["findings"] if f["level"] != "note"] == []


def test_what_was_cut_between_packets_is_found(clip, tmp_path):
    cut = without(clip, tmp_path / "cut.mp4", 40, 46, close=True)
    code, document = scan(cut, tmp_path)
    (found,) = [f for f in document["findings"] if f["level"] != "note"]
    assert found["kind"] == "stream-change" and "picture-number" in found["evidence"]["grounds"]
    assert found["span"]["start_s"] <= 40 / 25 <= found["span"]["stop_s"]
    assert code == 10


def test_a_violation_fails_without_a_look_at_the_pictures(clip, tmp_path):
    code, document = scan(without(clip, tmp_path / "cut.mp4", 40, 60, close=False), tmp_path)
    assert (code, document["verdict"]) == (11, "fail")


def test_no_profile_makes_it_pass(clip, tmp_path):
    (tmp_path / "own.toml").write_text(PROFILE)
    code, document = scan(clip, tmp_path, "--profile", str(tmp_path / "own.toml"))
    assert [rule["outcome"] for rule in document["rules"]] == ["pass"]
    assert (code, document["verdict"]) == (10, "undecided")


def test_it_is_served_from_the_cache_and_does_not_stand_in_for_a_scan(clip, tmp_path):
    first = scan(clip, tmp_path)[1]
    kept = {path.name.split("-")[0] for path in tmp_path.rglob("*-*") if path.is_dir()}
    assert kept == {"structure"}
    assert scan(clip, tmp_path)[1] == first


def test_its_tables_are_those_of_a_whole_scan(clip, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    found = probe(clip, work, lambda _stage, _done: None)
    (tmp_path / "other").mkdir()
    whole = measured(clip, tmp_path / "other")
    assert {"frames", "sound"} == whole.tables.keys() - found.tables.keys()
    for name in ("container", "boxes", "streams", "edits", "packets", "parameters", "encoder"):
        valid(name, found.tables[name])
        assert repr(found.tables[name].to_pylist()) == repr(whole.tables[name].to_pylist()), name
    assert to_table("encoder", whole.tables["encoder"]).rows


def test_a_file_that_is_no_footage_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no footage")
    code, document = scan(tmp_path / "text.mp4", tmp_path)
    assert code == 3 and document["verdict"] == "undecided"
