"""What guards the recognisers, and that both engines hear the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.errors import ModelError
from tests.shared import shared
from transcripts import recogniser as module
from transcripts.alignment import find
from transcripts.normalise import clauses, han, syllables
from transcripts.notice import STANDARD
from transcripts.recogniser import (
    MOST_TOKENS,
    Recogniser,
    Segment,
    Word,
    engine_for,
    in_circles,
    recogniser,
    token_limit,
    usable,
)
from transcripts.weights import FASTER, OPENAI, weights_in_use

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples" / "speech"


def sound(name: str) -> np.ndarray:
    samples, rate = soundfile.read(SAMPLES / f"{name}.flac", dtype="float32")
    assert rate == 16_000
    return samples


@pytest.fixture(scope="module", params=[OPENAI, FASTER])
def engine(request: pytest.FixtureRequest) -> Recogniser:
    return recogniser(weights_in_use(engine=request.param), request.param, 1, 1)


@pytest.mark.parametrize(
    ("text", "circles"),
    [
        ("为保护您的合法权益,监督我们的执法行为,本次执法全程录音录像。", False),
        ("对对对对对对对", False),
        ("好的好的好的好的好的", False),
        ("谢谢观看谢谢观看谢谢观看谢谢观看谢谢观看谢谢观看", True),
        ("啊啊啊啊啊啊啊啊啊啊啊啊啊", True),
        ("我们的,我们的,我们的,我们的,我们的,我们的,", True),
        ("一二三四五六七八九十", False),
        ("", False),
    ],
)
def test_text_that_runs_in_circles(text: str, circles: bool):
    assert in_circles(text) is circles


def test_segments_in_circles_are_lost_and_words_are_simplified():
    loop = Segment(2.0, 4.0, "字幕" * 20, (Word(2.0, 4.0, "字幕" * 20, 0.9),))
    good = Segment(0.0, 2.0, "錄音", (Word(0.0, 1.0, " 錄", 0.8), Word(1.0, 1.5, "音", 0.7), Word(1.5, 2.0, " ", 0.7)))
    heard = usable([good, loop])
    assert [word.text for word in heard.words] == ["录", "音"]
    assert heard.lost == ((2.0, 4.0),)


def test_a_loop_over_several_segments_is_lost():
    told = ["你好", "中文字幕", "字幕字幕", "字幕", "字幕字幕", "好的"]
    segments = [Segment(n, n + 1.0, text, (Word(n, n + 1.0, text, 0.9),)) for n, text in enumerate(told)]
    heard = usable(segments)
    assert [word.text for word in heard.words] == ["你好", "好的"]
    assert heard.lost == ((1.0, 2.0), (2.0, 3.0), (3.0, 4.0), (4.0, 5.0))


@pytest.mark.parametrize(("seconds", "tokens"), [(0.0, 24), (1.0, 40), (60.0, MOST_TOKENS)])
def test_a_decoder_may_write_no_more_than_a_mouth_can_say(seconds: float, tokens: int):
    assert token_limit(np.zeros(round(16_000 * seconds), np.float32)) == tokens


def test_the_engine_writes_the_notice_down(engine: Recogniser):
    heard = engine.recognise(sound("notice"))
    text = syllables(han("".join(word.text for word in heard.words)))
    assert find(STANDARD, text).score > 85  # greedy, it writes other characters of nearly the same sound
    assert all(0 < word.probability <= 1 and word.start_s <= word.stop_s for word in heard.words)
    assert heard.lost == ()


def test_the_engine_holds_likely_what_was_said_and_nothing_else(engine: Recogniser):
    said = engine.likelihoods(sound("notice"), clauses(STANDARD))
    other = engine.likelihoods(sound("questions"), clauses(STANDARD))
    third = engine.likelihoods(sound("third_clause"), clauses(STANDARD))
    assert len(said) == len(other) == 3
    assert min(said) > -1.0
    assert max(other) < -2.5
    assert min(third) < -3.0


def test_both_engines_give_nearly_the_same_likelihood():
    clip, _ = soundfile.read(
        shared("speech", "mix", "notice_kokoro_zm_yunyang_s1.0__babble_-5dB.flac"), dtype="float32"
    )
    one, other = (
        recogniser(weights_in_use(engine=name), name, 1, 1).likelihoods(clip, clauses(STANDARD))
        for name in (OPENAI, FASTER)
    )
    assert one == pytest.approx(other, abs=0.5)


def test_auto_takes_the_fast_engine_on_a_cpu_where_it_can_read_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    assert engine_for("auto") == FASTER
    assert engine_for("auto", str(tmp_path)) == FASTER
    assert engine_for("auto", str(tmp_path / "own.pt")) == OPENAI
    monkeypatch.setattr(module.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    assert engine_for("auto") == OPENAI


def test_an_engine_that_is_not_installed_is_an_error_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_installed", lambda _: False)
    assert engine_for("auto") == OPENAI
    with pytest.raises(ModelError, match="faster-whisper"):
        engine_for(FASTER)
