"""The edits of the structure benchmark are what their names say, and the detectors find them in drawn takes."""

from fractions import Fraction

import numpy as np
import pytest

from benchmarks.structure import alarms, findings_of, structure_of
from benchmarks.structure_edits import CUTS, REMUXES, STYLES, Take, read, record, write
from benchmarks.structure_footprint import encode, encode_again, told
from tests.footage import murmur, view

SIZE = (192, 108)


def take(seed, pictures=250):
    shown = np.stack([view(number, seed=seed, size=SIZE) for number in range(pictures)])
    return Take(shown, Fraction(25), murmur(0, pictures * 48000 // 25, rate_hz=48000, seed=seed))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("structure")
    return [record(take(seed), STYLES[0], folder / f"{seed}.mp4") for seed in (1, 2)]


def pictures(packets):
    return [packet for packet in packets if packet.stream == 0]


def test_packets_come_back_as_they_were_written(recorded, tmp_path):
    packets = read(recorded[0])
    again = read(write(packets, recorded[0], tmp_path / "again.mp4"))
    assert [(p.data, p.pts_s, p.key) for p in pictures(again)] == [(p.data, p.pts_s, p.key) for p in pictures(packets)]


@pytest.mark.parametrize("suffix", ["", *REMUXES])
def test_another_container_raises_nothing(recorded, tmp_path, suffix):
    path = write(read(recorded[0]), recorded[0], tmp_path / f"again.{suffix}") if suffix else recorded[0]
    assert alarms(findings_of(structure_of(path, tmp_path))) == []


FOUND = [name for name in CUTS if name != "2 groups removed, no sound"]


@pytest.mark.parametrize("name", FOUND)
def test_cuts_are_found_where_they_are(recorded, tmp_path, name):
    packets, other = (read(path) for path in recorded)
    edited, cut_s = CUTS[name](packets, other)
    assert {p.data for p in pictures(edited)} <= {p.data for p in pictures(packets) + pictures(other)}
    found = alarms(findings_of(structure_of(write(edited, recorded[0], tmp_path / "edited.mp4"), tmp_path)))
    assert any(f.span.start_s - 0.1 <= cut_s <= f.span.stop_s + 0.1 for f in found)


def test_two_groups_of_an_alternating_row_leave_no_trace_without_sound(recorded, tmp_path):
    packets = read(recorded[0])
    edited, _ = CUTS["2 groups removed, no sound"](packets, packets)
    assert len(pictures(edited)) == len(pictures(packets)) - 50
    assert alarms(findings_of(structure_of(write(edited, recorded[0], tmp_path / "edited.mp4"), tmp_path))) == []


def test_pictures_removed_before_another_encoding_break_its_rhythm(tmp_path):
    first = encode(take(3, 300), tmp_path / "first.mp4", 25, 20)
    whole = told(encode_again(first, tmp_path / "whole.mp4", 250, 23, first=5), tmp_path)
    assert [(f.kind, f.evidence["period_pictures"]) for f in whole] == [("re-encoded", 25)]
    cut = told(encode_again(first, tmp_path / "cut.mp4", 250, 23, first=5, gone=(150, 153)), tmp_path)
    (broken,) = [f for f in cut if f.kind == "missing-frames"]
    assert broken.level == "suspect" and broken.evidence["pictures_lacking_of_a_period"] == 3
    assert broken.span.start_s - 0.1 <= 145 / 25 <= broken.span.stop_s + 0.1
