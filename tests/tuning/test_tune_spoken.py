"""Labelled speech in noise: read from an index, mixed as asked, labelled by what is said, made once."""

import csv

import numpy as np
import pytest
import soundfile

from pipeline import tune
from pipeline.tuning.hearing import written
from pipeline.tuning.spoken import BESIDE_S, FLOOR_DB, RATE_HZ, mixed
from tests.conftest import DATA_SAMPLES

VOICES = DATA_SAMPLES / "speech" / "voices"
ROWS = (
    ("a_whole.flac", "a", "whole", "本次执法全程录音录像。"),
    ("a_part.flac", "a", "part", ""),
    ("b_whole.flac", "b", "whole", "本次执法全程录音录像。"),
    ("b_talk.flac", "b", "talk", ""),
)


def index_of(folder, rows=ROWS, columns=("file", "voice", "said", "text")):
    folder.mkdir(exist_ok=True)
    for number, row in enumerate(ROWS):
        hum = 0.3 * np.sin(2 * np.pi * (200 + 50 * number) * np.arange(RATE_HZ) / RATE_HZ)
        soundfile.write(folder / row[0], hum, RATE_HZ)
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return folder / "index.csv"


@pytest.fixture
def utterances(tmp_path):
    return tune.read_speech(index_of(tmp_path / "speech"))


def lay(utterances, out, snrs_db=(None, 5), **more):
    return tune.speak_in_noise(utterances, out, snrs_db, **{"seed": 1, "bar": False} | more)


def state(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


def measured_db(heard):
    """Return the ratio of the powers while speech lasts, noise taken from before and after it."""
    pad = round(BESIDE_S * RATE_HZ)
    noise = np.mean(np.concatenate([heard[:pad], heard[-pad:]]) ** 2)
    return 10 * np.log10((np.mean(heard[pad:-pad] ** 2) - noise) / noise)


@pytest.mark.parametrize("snr_db", [10.0, 0.0, -5.0])
def test_the_ratio_is_what_was_asked_while_speech_lasts(snr_db):
    draw = np.random.default_rng(3)
    speech, noise = draw.standard_normal(3 * RATE_HZ), draw.standard_normal(2 * RATE_HZ)
    noise *= 5  # loud before anybody speaks, which is not what counts
    heard = mixed(speech, np.concatenate([noise, draw.standard_normal(8 * RATE_HZ)]), snr_db)
    pad = round(BESIDE_S * RATE_HZ)
    assert len(heard) == len(speech) + 2 * pad and np.abs(heard).max() == pytest.approx(0.5)
    during, after = heard[pad:-pad], heard[-pad:]
    share = np.mean(after**2)
    assert 10 * np.log10((np.mean(during**2) - share) / share) == pytest.approx(snr_db, abs=0.3)


def test_clips_sound_as_they_are_labelled(utterances, tmp_path):
    noise = tmp_path / "hiss.wav"
    soundfile.write(noise, 0.1 * np.random.default_rng(5).standard_normal(2 * 44_100), 44_100)
    for given in ([noise], []):  # pink without
        speech = lay(utterances, tmp_path / f"out{len(given)}", (None, 5, -3), noises=given)
        for clip in speech.clips:
            asked = FLOOR_DB if clip.snr_db is None else clip.snr_db
            assert measured_db(clip.sound()) == pytest.approx(asked, abs=0.5 if given else 2.5), clip.path.name
            assert clip.noise == ("" if clip.snr_db is None else "hiss" if given else "pink")


def test_only_the_whole_notice_is_labelled_as_spoken(utterances, tmp_path):
    speech = lay(utterances, tmp_path / "out")
    assert len(speech) == 8 and speech.labels == tune.read_truths(tmp_path / "out")
    said = {clip.sha256: clip.utterance.said for clip in speech.clips}
    events = [row for row in speech.labels if not row.whole]
    assert sorted(said[row.sha256] for row in events) == ["whole"] * 4
    assert {(row.start_s, row.stop_s, row.label) for row in events} == {(BESIDE_S, BESIDE_S + 1.0, "true")}
    known = [row for row in speech.labels if row.whole]
    assert {row.sha256 for row in known} == set(said) and {row.kinds for row in known} == {frozenset({"notice-heard"})}
    assert {row.scene for row in known} == {"clean", "5 dB"} and {row.origin for row in known} == {"truth"}
    assert speech.table() == [
        {"voice": "a", "whole": 2, "part": 2, "talk": 0},
        {"voice": "b", "whole": 2, "part": 0, "talk": 2},
    ]


def test_a_voice_is_never_on_both_sides(utterances, tmp_path):
    speech = lay(utterances, tmp_path / "out")
    assert len(tune.groups(speech.labels)) == 2
    for seed in range(4):
        parts = tune.split(speech.labels, seed=seed)
        voices = [{clip.utterance.voice for clip in speech.of(side)} for side in (parts.tune, parts.test)]
        assert sorted(map(len, voices)) == [1, 1] and voices[0] != voices[1]
    with pytest.raises(tune.LeakageError):
        tune.must_not_leak(speech.labels.of(speech.labels.clips[:1]), speech.labels.of(speech.labels.clips[1:2]))


def test_both_sides_hold_notices_however_many_voices_only_talk(tmp_path):
    folder = tmp_path / "speech"
    rows = [(f"b_talk{n}.flac", f"talker{n}", "talk", "") for n in range(6)]
    index = index_of(folder, [*ROWS[:3], *rows])
    for number, (name, *_) in enumerate(rows):
        soundfile.write(folder / name, 0.1 * np.random.default_rng(number).standard_normal(RATE_HZ), RATE_HZ)
    speech = lay(tune.read_speech(index), tmp_path / "out", (5,))
    for seed in range(4):
        parts = speech.split(seed=seed)
        for side in (parts.tune, parts.test):
            said = [clip.utterance.said for clip in speech.of(side)]
            assert said.count("whole") == 1 and said.count("talk") == 3
        tune.must_not_leak(parts.tune, parts.test)
    alone = lay(tune.read_speech(index_of(folder, [ROWS[0], rows[0]])), tmp_path / "alone", (5,))
    with pytest.raises(tune.LabelError, match="fewer than the 2"):
        alone.split()


def test_ratios_come_in_turn_where_not_all_are_wanted(utterances, tmp_path):
    speech = lay(utterances, tmp_path / "out", (None, 5, 0), each=1)
    assert len(speech) == 4
    ratios = [clip.snr_db for clip in speech.clips if clip.utterance.said == "whole"]
    assert len(set(ratios)) == 2


def test_what_is_there_is_not_made_again(utterances, tmp_path):
    out = tmp_path / "out"
    first = lay(utterances, out)
    before = state(out)
    assert lay(utterances, out) == first and state(out) == before
    assert set(lay(utterances, out, seed=2).labels.clips) != set(first.labels.clips)
    assert lay(utterances, out) == first
    first.clips[0].path.unlink()
    assert lay(utterances, out) == first and first.clips[0].path.is_file()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no utterance is listed"),
        ([("gone.flac", "a", "talk", "")], r"row 1: .*gone\.flac cannot be read"),
        ([ROWS[0], ("a_part.flac", "", "part", "")], "row 2: file and voice must be named"),
        ([("a_part.flac", "a", "half", "")], "row 1: said 'half'; known: whole, part, talk"),
        ([ROWS[0], ROWS[0]], r"row 2: a_whole\.flac is the same sound as a_whole\.flac"),
        ([("a_part.flac", "a")], "row 1: said ''"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(tmp_path, rows, told):
    with pytest.raises(tune.LabelError, match=told):
        tune.read_speech(index_of(tmp_path / "speech", rows))


def test_an_index_without_its_columns_is_refused(tmp_path):
    with pytest.raises(tune.LabelError, match="columns are missing: voice, said"):
        tune.read_speech(index_of(tmp_path / "speech", columns=("file", "who", "what", "text")))
    with pytest.raises(tune.LabelError, match="cannot be read"):
        tune.read_speech(tmp_path / "none.csv")


def test_silence_and_texts_are_no_speech(tmp_path):
    index = index_of(tmp_path / "speech", [("a_whole.flac", "a", "whole", "")])
    (index.parent / "text.wav").write_text("no sound", encoding="utf-8")
    soundfile.write(index.parent / "silence.flac", np.zeros(RATE_HZ), RATE_HZ)
    for name, told in (("text.wav", "no sound that can be read"), ("silence.flac", "holds no sound, or silence")):
        with pytest.raises(tune.LabelError, match=told):
            lay(tune.read_speech(index), tmp_path / "out", noises=[index.parent / name])
    with pytest.raises(tune.LabelError, match="no utterance, or no ratio"):
        lay((), tmp_path / "out")


def test_names_with_odd_characters_are_kept_apart(tmp_path):
    index = index_of(tmp_path / "speech", [("a_whole.flac", '张"三/\\', "whole", ""), ("b_talk.flac", "b", "talk", "")])
    speech = lay(tune.read_speech(index), tmp_path / "out")
    assert len(tune.groups(speech.labels)) == 2 and all(clip.path.is_file() for clip in speech.clips)


def test_the_samples_are_heard_as_labelled(tmp_path):
    """The shortest whole notice and a part of it, without noise: told apart, and written down nearly word for word."""
    wanted = {"xiaoxiao_whole.flac", "yunyang_part.flac"}
    utterances = [one for one in tune.read_speech(VOICES / "index.csv") if one.path.name in wanted]
    speech = lay(utterances, tmp_path / "out", (None,))
    clips = tune.load(speech.labels, tmp_path / "cache", bar=False)
    hearing = tune.hear(speech.clips, clips)
    by_said = {one.spoken.utterance.said: one for one in hearing.heard}
    assert by_said["whole"].answer == "notice-heard" and by_said["part"].answer == "notice-partial"
    assert by_said["whole"].clause > 75 > by_said["part"].agreement > 50 > by_said["part"].clause
    assert all(one.errors <= 0.25 * one.characters for one in hearing.heard) and hearing.wrong().heard == ()
    assert len(written(clips[speech.clips[0].sha256].features)) > 10
    loose = tune.Settings({"detectors.notice": {"heard_score": 55.0, "heard_clause_score": 0.0}})
    assert [one.spoken.utterance.said for one in tune.hear(speech.clips, clips, loose).wrong().heard] == ["part"]
    found = tune.score(speech.labels, clips, loose, kinds=["notice-heard"], least=tune.Level.NOTE, bar=False)
    assert (found.total.found, found.total.of, found.alarms[0].alarms) == (1, 1, 1)
    tries = tune.sweep(
        speech.labels,
        clips,
        "detectors.notice",
        loose,
        kinds=["notice-heard"],
        least=tune.Level.NOTE,
        heard_clause_score=[0.0, 50.0],
        bar=False,
    )
    assert [point.score.alarms[0].alarms for point in tries.points] == [1, 0]


def test_the_index_of_the_samples_names_what_is_there():
    utterances = tune.read_speech(VOICES / "index.csv")
    assert {path.name for path in VOICES.glob("*.flac")} <= {one.path.name for one in utterances}
    by_voice = {one.voice: {other.said for other in utterances if other.voice == one.voice} for one in utterances}
    assert len(by_voice) >= 6 and all({"whole", "part"} <= said for said in by_voice.values())
    assert all(one.text for one in utterances) and any(one.said == "talk" for one in utterances)
