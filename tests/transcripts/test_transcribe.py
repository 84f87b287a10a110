"""Voice activity and recognition on real sound, with the installed weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.features.schema import TABLES, to_table
from pipeline.model import Features, Table
from tests.shared import shared
from transcripts import voice
from transcripts.notice import STANDARD, notice
from transcripts.recogniser import recogniser
from transcripts.transcribe import cut, libraries, pieces, transcribe
from transcripts.voice import RATE_HZ, Activity, Stretch

SAMPLE = Path(__file__).resolve().parents[2] / "data_samples" / "speech" / "notice.flac"


def flac(folder: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    path = folder / "opening.flac"
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")
    return path


def heard(opening: Path, **settings: object) -> tuple[Features, dict[str, Table]]:
    tables = {name: to_table(name, rows) for name, rows in transcribe(opening, _silent, threads=1, **settings).items()}
    return Features(tables), tables


def _silent(stage: str, share: float) -> None:
    pass


def text(features: Features) -> str:
    return "".join(features["words"]["text"])


def noise(seconds: float, level_dbfs: float) -> np.ndarray:
    return 10 ** (level_dbfs / 20) * np.random.default_rng(7).standard_normal(round(seconds * RATE_HZ))


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    samples, rate = soundfile.read(SAMPLE)
    assert rate == RATE_HZ
    return samples


@pytest.fixture(scope="module")
def spoken_after_silence(sample: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Features:
    """The sample's notice after 4 s of faint noise, and 2 s more of it."""
    samples = np.concatenate([np.zeros(4 * RATE_HZ), sample, np.zeros(2 * RATE_HZ)])
    opening = flac(tmp_path_factory.mktemp("opening"), samples + noise(len(samples) / RATE_HZ, -60))
    return heard(opening, beam_size=1)[0]


def test_the_notice_is_written_down_and_found_where_it_was_spoken(spoken_after_silence: Features, sample: np.ndarray):
    (finding,) = notice(spoken_after_silence)
    assert finding.kind == "notice-heard"
    assert finding.span.start_s == pytest.approx(4.0, abs=0.5)
    assert finding.span.stop_s == pytest.approx(4.0 + len(sample) / RATE_HZ, abs=0.7)


def test_tables_are_as_the_schema_says(spoken_after_silence: Features):
    for name, table in spoken_after_silence.tables.items():
        assert list(table) == [column.name for column in TABLES[name]]
    words, spoken = spoken_after_silence["words"], spoken_after_silence["voice"]
    assert np.all(words["start_s"] <= words["stop_s"])
    assert np.all((words["probability"] > 0) & (words["probability"] <= 1))
    assert np.all(words["start_s"] >= spoken["start_s"].min() - 0.2)
    assert spoken_after_silence["gaps"].rows == 0


def test_level_over_the_surroundings(spoken_after_silence: Features, sample: np.ndarray):
    level_db = 10 * np.log10(np.mean(sample**2))
    assert np.all(spoken_after_silence["voice"]["snr_db"] == pytest.approx(level_db + 60, abs=4))


def test_the_same_sound_gives_the_same_tables(spoken_after_silence: Features, sample: np.ndarray, tmp_path: Path):
    samples = np.concatenate([np.zeros(4 * RATE_HZ), sample, np.zeros(2 * RATE_HZ)])
    again, _ = heard(flac(tmp_path, samples + noise(len(samples) / RATE_HZ, -60)), beam_size=1)
    assert text(again) == text(spoken_after_silence)
    assert np.array_equal(again["words"]["start_s"], spoken_after_silence["words"]["start_s"])


def test_a_real_clip_from_the_measuring_material():
    features, _ = heard(shared("speech", "tts", "notice_kokoro_zf_xiaobei_s1.0.flac"), beam_size=1)
    assert [finding.kind for finding in notice(features)] == ["notice-heard"]


@pytest.mark.parametrize("name", ["white_20", "zeros10", "brown20"])
def test_noise_and_silence_have_no_words(name: str):
    features, tables = heard(shared("speech", "nonspeech", f"{name}.flac"))
    assert tables["voice"].rows == 0
    assert tables["words"].rows == 0
    assert "notice-heard" not in {finding.kind for finding in notice(features)}


def test_where_nobody_speaks_the_recogniser_is_not_even_loaded(tmp_path: Path):
    before = recogniser.cache_info()
    features, tables = heard(flac(tmp_path, noise(5, -40)))
    assert tables["words"].rows == 0
    assert recogniser.cache_info() == before
    assert list(features["examined"]["value"]) == pytest.approx([5.0])


@pytest.fixture(scope="module")
def talk_then_notice(sample: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Talk from 1 s on, the notice from 20 s on."""
    samples = noise(20 + len(sample) / RATE_HZ + 2, -60)
    talk, _ = soundfile.read(SAMPLE.with_name("questions.flac"))
    samples[RATE_HZ : RATE_HZ + len(talk)] += talk
    samples[20 * RATE_HZ : 20 * RATE_HZ + len(sample)] += sample
    return flac(tmp_path_factory.mktemp("late"), samples)


@pytest.mark.parametrize(
    ("extent", "opening_s", "notices", "reaches_the_notice"),
    [
        ("opening", 10.0, (STANDARD,), False),
        ("opening", 0.5, (STANDARD,), False),
        ("needed", 10.0, (), False),
        ("needed", 10.0, (STANDARD,), True),
        ("whole", 10.0, (), True),
        ("needed", 10.0, ("请问您是负责人吗",), False),
    ],
    ids=[
        "opening only",
        "nobody in the opening",
        "nothing to look for",
        "not in the opening",
        "whole",
        "found in the opening",
    ],
)
def test_how_much_is_written_down(
    talk_then_notice: Path, extent: str, opening_s: float, notices: tuple[str, ...], reaches_the_notice: bool
):
    made = transcribe(talk_then_notice, _silent, notices, extent=extent, opening_s=opening_s, beam_size=1, threads=1)
    tables = {name: to_table(name, rows) for name, rows in made.items()}
    assert ("负责人" in "".join(tables["words"]["text"])) == (opening_s > 1)
    assert any(tables["words"]["start_s"] > 20) == reaches_the_notice
    assert any(tables["voice"]["start_s"] > 19) == reaches_the_notice
    (seconds,) = tables["examined"]["value"]
    assert (seconds > 25) if reaches_the_notice else (seconds == opening_s)


def test_the_second_look_is_taken_where_the_notice_is_not_in_the_opening(talk_then_notice: Path):
    made = transcribe(talk_then_notice, _silent, (STANDARD,), opening_s=10.0, beam_size=1, threads=1)
    likely = to_table("likelihood", made["likelihood"])
    assert list(likely["sentence"]) == [STANDARD]
    assert likely["stop_s"][0] <= 10.0
    assert likely["lowest_logprob"][0] <= likely["mean_logprob"][0] < -2.5


def test_an_opening_that_cannot_be_read_is_told_as_a_gap(tmp_path: Path):
    (tmp_path / "opening.flac").write_bytes(b"no sound")
    _, tables = heard(tmp_path / "opening.flac")
    assert set(tables) == {"gaps"}
    assert tables["gaps"].rows == 1


def test_without_weights_the_gap_is_told_and_words_are_absent(tmp_path: Path):
    _, tables = heard(SAMPLE, weights=str(tmp_path / "none.pt"))
    assert "words" not in tables
    assert tables["voice"].rows > 0
    assert "none.pt" in tables["gaps"]["values"][0]


def test_weights_that_are_none_are_told_as_a_gap(tmp_path: Path):
    wrong = tmp_path / "wrong.pt"
    wrong.write_bytes(b"these are no weights")
    _, tables = heard(SAMPLE, weights=str(wrong))
    assert "words" not in tables
    assert "not a Whisper checkpoint" in tables["gaps"]["message"][0]


def test_another_rate_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="16 kHz mono expected"):
        transcribe(flac(tmp_path, np.zeros(8000), 8000), _silent)


def test_libraries_name_the_weights_by_their_hash():
    assert "sha256:" in libraries()["whisper-weights"]
    assert libraries("/nowhere/none.pt")["whisper-weights"] == "none"


def test_voice_activity_does_not_depend_on_how_the_sound_is_cut_into_blocks(
    sample: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opening = flac(tmp_path, sample)
    whole = voice.measure(opening)
    monkeypatch.setattr(voice, "_BLOCK_FRAMES", 7)
    assert voice.measure(opening).probability == pytest.approx(whole.probability, abs=1e-4)


def drawn(line: str) -> Activity:
    """Draw one frame of 32 ms a character: `#` speech, `-` perhaps, `.` none."""
    chance = {"#": 0.9, "-": 0.4, ".": 0.05}
    power = {"#": 1e-2, "-": 1e-2, ".": 1e-5}
    return Activity(np.array([chance[c] for c in line]), np.array([power[c] for c in line]), len(line) * voice.FRAME_S)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("....####....", [(4, 8)]),
        ("....##--##....", [(4, 10)]),
        ("....--........", []),
        ("....#.........", []),
        ("####.####.....", [(0, 9)]),
        ("####....####..", [(0, 4), (8, 12)]),
        ("....####", [(4, 8)]),
        ("", []),
    ],
    ids=[
        "plain",
        "doubt inside goes on",
        "doubt alone",
        "too short",
        "short pause",
        "long pause",
        "to the end",
        "empty",
    ],
)
def test_stretches_of_speech(line: str, expected: list[tuple[int, int]]):
    found = voice.stretches(drawn(line), min_speech_s=0.09, min_silence_s=0.09, pad_s=0.0)
    assert [(round(s.start_s / voice.FRAME_S), round(s.stop_s / voice.FRAME_S)) for s in found] == expected


def test_ratio_to_the_surroundings_is_in_decibels_and_unknown_without_any():
    (plain,) = voice.stretches(drawn("....####...."), min_speech_s=0.09, pad_s=0.0)
    assert plain.snr_db == pytest.approx(30.0)
    (filled,) = voice.stretches(drawn("########"), min_speech_s=0.09)
    assert np.isnan(filled.snr_db)


def test_pads_never_overlap():
    found = voice.stretches(drawn("####....####.."), min_speech_s=0.09, min_silence_s=0.09, pad_s=0.5)
    assert found[0].stop_s <= found[1].start_s
    assert found[-1].stop_s <= 14 * voice.FRAME_S


def test_stretches_are_joined_into_pieces():
    spoken = [Stretch(a, b, 0.9, 20.0) for a, b in [(0, 5), (6, 12), (20, 22), (23, 45), (46, 60)]]
    assert list(pieces(spoken, 3.0, 28.0)) == [(0, 12), (20, 45), (46, 60)]
    assert list(pieces([], 3.0, 28.0)) == []


def test_long_pieces_are_cut_where_speech_is_least_likely():
    activity = drawn("#" * 100 + "-" + "#" * 60 + "." + "#" * 90)
    whole = (0.0, len(activity.probability) * voice.FRAME_S)
    found = list(cut([whole], activity, 120 * voice.FRAME_S))
    assert found[0] == (0.0, pytest.approx(100 * voice.FRAME_S))
    assert found[1] == (found[0][1], pytest.approx(161 * voice.FRAME_S))
    assert found[-1][1] == whole[1]
    assert all(stop - start <= 120 * voice.FRAME_S for start, stop in found)
