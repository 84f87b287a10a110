"""The sample clips are what `data_samples/` says they are, and the product finds in each what is true of it."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from data_samples.truth import truths
from pipeline.cli import app
from pipeline.kinds import KINDS
from pipeline.model import Level, Outcome

DATA_SAMPLES = Path(__file__).resolve().parents[1] / "data_samples"
TRUTHS = {truth.clip: truth for truth in truths()}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def scan(clip, cache):
    result = CliRunner().invoke(app, ["scan", "--json", "--cache", str(cache), str(clip)])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_a_scan_finds_what_is_true(truth, samples, cache):
    code, document = scan(samples / truth.clip, cache)
    assert truth.differences(document) == []
    assert code == truth.exit_code


def test_the_installed_command_passes_the_whole_take(samples, cache):
    command = [str(Path(sys.executable).with_name("unbroken")), "scan", "--json", "--cache", str(cache)]
    done = subprocess.run([*command, str(samples / "whole_take.mp4")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert TRUTHS["whole_take.mp4"].differences(json.loads(done.stdout)) == []


def test_what_can_be_read_in_the_whole_take(samples, cache):
    result = CliRunner().invoke(app, ["read", "--json", "--cache", str(cache), str(samples / "whole_take.mp4")])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    fields = {row["field"]: row["text"].replace(" ", "") for row in document["overlay"]}
    assert fields["clock"].startswith("2026-03-18") and fields["device"] == "DSJ-A70317255"
    assert len(document["clock"]["ticks"]) == 15
    assert max(abs(tick["ahead_s"]) for tick in document["clock"]["ticks"]) < 0.05
    assert document["clock"]["leaps"] == [] and document["clock"]["unread"] == []
    assert {"place-shown", "device-shown"} <= {finding["kind"] for finding in document["findings"]}


def test_reading_for_a_person_tells_the_fields_the_clock_and_the_signs(samples, cache):
    told = ["read", "--lang", "zh-CN", "--cache", str(cache), str(samples / "removed_second.mp4")]
    result = CliRunner().invoke(app, told, env={"COLUMNS": "160"})
    assert result.exit_code == 0
    for said in ("记录仪叠加的文字", "DSJ-A70317255", "时钟的走时", "09:42:17", "禾岭化工", "clock-jump"):
        assert said in result.stdout


def test_every_clip_that_is_built_has_its_truth(samples):
    assert {path.name for path in samples.glob("*.mp4")} == set(TRUTHS)


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)
def test_truths_name_kinds_levels_and_outcomes_that_exist(truth):
    assert truth.verdict in set(Outcome)
    assert {finding.level for finding in truth.findings} <= set(Level)
    assert {finding.kind for finding in truth.findings} | {*truth.absent, *truth.beside} <= set(KINDS)
    assert not set(truth.absent) & {*truth.beside, *(finding.kind for finding in truth.findings)}


def test_a_truth_tells_missing_wrong_and_unexpected_findings():
    truth = TRUTHS["splice.mp4"]
    cut = {"kind": "picture-cut", "level": "violation", "span": {"start_s": 11.967, "stop_s": 12.0}}
    heard = {"kind": "notice-heard", "level": "note", "span": {"start_s": 4.9, "stop_s": 9.9}}
    shown = {"kind": "place-shown", "level": "note", "span": {"start_s": 3.0, "stop_s": 3.0}}
    jump = {"kind": "clock-jump", "level": "violation", "span": {"start_s": 11.967, "stop_s": 12.0}}
    elsewhere = {**cut, "span": {"start_s": 3.0, "stop_s": 3.033}}
    assert truth.differences({"verdict": "fail", "findings": [cut, heard, shown, jump]}) == []
    assert truth.differences({"verdict": "pass", "findings": [cut, heard, shown, jump]}) == ["verdict pass, not fail"]
    assert truth.differences({"verdict": "fail", "findings": [heard, shown, jump]}) == [
        "missing: violation picture-cut at 11.97 to 12.00 s"
    ]
    assert truth.differences({"verdict": "fail", "findings": [cut, elsewhere, heard, shown, jump]}) == [
        "wrong: violation picture-cut at 3.00 to 3.03 s"
    ]


def test_nothing_is_built_twice_from_the_same_recipe(samples):
    before = {path: path.stat().st_mtime_ns for path in samples.iterdir()}
    done = subprocess.run([sys.executable, str(DATA_SAMPLES / "build.py")], capture_output=True, text=True, check=True)
    assert "is up to date" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in samples.iterdir()} == before


def test_packets_that_were_not_encoded_anew_are_the_ones_of_the_whole_take(samples):
    whole = pictures_of(samples / "whole_take.mp4")
    for clip in ("silent_gap.mp4", "no_notice.mp4", "partial_notice.mp4", "no_audio.mp4", "edit_list.mp4"):
        assert pictures_of(samples / clip) == whole
    assert pictures_of(samples / "dropped_packets.mp4") == whole[:330] + whole[360:]


def pictures_of(clip):
    """Return a digest of each packet of pictures that lies in the file, hidden or not."""
    with av.open(str(clip), options={"ignore_editlist": "1"}) as container:
        return [hashlib.sha256(bytes(packet)).hexdigest() for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize(
    ("clip", "pictures"),
    [
        ("removed_second.mp4", 450),
        ("inserted.mp4", 510),
        ("frozen.mp4", 480),
        ("splice.mp4", 480),
    ],
)
def test_edited_clips_run_on_without_a_hole(samples, clip, pictures):
    with av.open(str(samples / clip)) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]
    assert len(times) == pictures
    assert np.allclose(np.diff(times), 1 / 30, atol=1e-4)


def test_committed_files_are_the_ones_listed():
    listed = dict(
        reversed(line.split("  ", 1)) for line in (DATA_SAMPLES / "SHA256SUMS").read_text("utf-8").splitlines()
    )
    speech = {f"speech/{path.name}" for path in (DATA_SAMPLES / "speech").glob("*.flac")}
    assert set(listed) == speech | {"case.toml", "sources.txt"}
    for name, digest in listed.items():
        assert hashlib.sha256((DATA_SAMPLES / name).read_bytes()).hexdigest() == digest, name


def test_the_table_of_the_samples_states_each_truth():
    rows = re.findall(
        r"^\| `(\w+\.mp4)` \|.*\| (\w+) \((\d+)\) \|", (DATA_SAMPLES / "README.md").read_text("utf-8"), re.M
    )
    assert {clip: (verdict, int(code)) for clip, verdict, code in rows} == {
        truth.clip: (truth.verdict, truth.exit_code) for truth in TRUTHS.values()
    }
