"""Transcripts as SRT, WebVTT, JSON and text; subtitles are read back with the demuxers that players use."""

import json
import re
from itertools import pairwise

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.language import LANGUAGES, language
from tests.transcripts.making import AT, SHA256, made
from transcripts import wording
from transcripts.document import with_lines
from transcripts.subtitles import WRITERS, corrected_lines, cues, decoded, encoded, json_v1, plain_text, srt, vtt

ENGLISH, CHINESE = language("en"), language("zh-CN")
BOTH = [ENGLISH, CHINESE]


def demuxed(path, form, text):
    """Return (start, stop, text) in ms of each subtitle as FFmpeg reads it."""
    file = path / f"a.{form}"
    file.write_bytes(encoded(form, text))
    with av.open(str(file)) as container:
        stream = container.streams.subtitles[0]
        scale = 1000 * stream.time_base
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        found = []
        for packet in packets:
            start = int(packet.pts * scale)
            shown = packet.decode()[0].ass.decode().split(",", 8)[8].replace("\\N", "\n")
            found.append((start, start + int(packet.duration * scale), shown))
    return found


@pytest.mark.parametrize("form", ["srt", "vtt"])
@pytest.mark.parametrize("spoken", BOTH, ids=LANGUAGES[::-1])
def test_players_read_what_was_written_at_its_times(form, spoken, tmp_path):
    document = made()
    read = demuxed(tmp_path, form, WRITERS[form](document, spoken))
    assert read == [(cue.start_ms, cue.stop_ms, cue.text) for cue in cues(document, spoken)]
    assert [(start, text) for start, _, text in read[1:]] == [
        (4000, "您好我们来检查。"),
        (9000, "120个。"),
        (12000, "好。"),
        (15000, spoken.text(wording.UNHEARD)),
    ]


def test_the_first_subtitle_tells_place_and_content_until_somebody_speaks():
    first = cues(made(), CHINESE)[0]
    assert (first.start_ms, first.stop_ms) == (0, 3000)
    assert first.text.split("\n") == [
        "地点：石家庄禾岭化工有限公司",
        "内容（案由、事项）：危险化学品安全检查；当事人：王五；执法人员：张三、李四；单位：应急管理局",
        f"草稿，由机器转写，未经人员确认 · SHA-256 {SHA256[:16]}",
    ]
    soon = made([(2.0, 2.5, "好", 0.9)], [(2.0, 2.5)])
    assert [(cue.start_ms, cue.stop_ms) for cue in cues(soon, CHINESE)] == [(0, 2000), (2000, 3000)]


def test_where_speech_begins_at_once_place_and_content_stand_over_the_first_line():
    at_once = cues(made([(0.2, 2.0, "您好", 0.9)], [(0.2, 2.0)]), ENGLISH)
    assert [(cue.start_ms, cue.stop_ms) for cue in at_once] == [(0, 2000)]
    assert at_once[0].text.startswith("Place of the recording: ") and at_once[0].text.endswith("\n您好。")


def test_what_the_case_record_lacks_is_stated():
    text = plain_text(made(case=None), ENGLISH)
    for label in (wording.PLACE, wording.CAUSE, wording.PARTIES, wording.OFFICERS, wording.UNIT, wording.PROVES):
        assert f"\n{label}: not given\n" in text
    assert "Place of the recording: not given" in cues(made(case=None), ENGLISH)[0].text


@pytest.mark.parametrize("writer", [plain_text, vtt])
def test_the_head_states_what_the_regulation_asks_for(writer):
    text = writer(made(by="赵六", confirmed_by="钱七"), CHINESE)
    for line in (
        "文件名：现场 01.mp4",
        f"SHA-256：{SHA256}",
        "地点：石家庄禾岭化工有限公司",
        "证明对象：“危险化学品安全检查”执法现场的谈话内容",
        f"状态：已确认，确认人：钱七，确认时间：{AT}",
        "制作人：赵六",
        f"制作时间：{AT}",
        "制作方法：使用 openai-whisper 20250625 自动语音识别，权重 base sha256:905e；Unbroken 0.1.0",
    ):
        assert f"\n{line}\n" in text


def test_plain_text_marks_what_was_heard_uncertainly():
    body = plain_text(made(), ENGLISH).splitlines()[-4:]
    assert body == [
        "[00:00:04.000 – 00:00:06.500] 您好我们来检查。",
        "[00:00:09.000 – 00:00:09.500] 〔120个。?〕",
        "[00:00:12.000 – 00:00:12.200] 好。",
        "[00:00:15.000 – 00:00:16.000] (somebody speaks, not understood)",
    ]


def test_json_holds_words_and_probabilities():
    document = json.loads(json_v1(made(confirmed_by="钱七"), ENGLISH))
    assert (document["format"], document["kind"], document["clip"]["sha256"]) == (1, "transcript", SHA256)
    assert document["status"] == "confirmed" and document["confirmed"] == {"by": "钱七", "at": AT}
    assert document["content"]["parties"] == ["王五"] and document["place"] == ["石家庄禾岭化工有限公司"]
    line = document["lines"][1]
    assert (line["text"], line["uncertain"]) == ("120个。", ["120", "个。"])
    assert [(word["text"], word["probability"]) for word in line["words"]] == [
        ("一百", 0.9),
        ("二十", 0.3),
        ("个", 0.2),
    ]
    assert document["lines"][3] | {"text": "", "understood": False, "words": []} == document["lines"][3]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"said": (), "voice": ()}, wording.NO_SPEECH), ({"sound": False}, wording.NO_SOUND)],
)
def test_a_clip_without_speech_or_sound_says_so_in_every_form(changes, said, tmp_path):
    document = made(**changes)
    for form in ("srt", "vtt"):
        [(start, stop, text)] = demuxed(tmp_path, form, WRITERS[form](document, ENGLISH))
        assert (start, stop) == (0, 3000) and text.endswith(f"\n{said}")
    assert plain_text(document, ENGLISH).endswith(f"\n{said}\n")
    assert json.loads(json_v1(document, ENGLISH))["lines"] == []


def test_what_was_not_listened_to_is_told():
    document = made(listened_s=17.0)
    assert (cues(document, ENGLISH)[-1].start_ms, cues(document, ENGLISH)[-1].text) == (17000, wording.NOT_FURTHER)
    assert "Listened to: 00:00:17.000 of 00:00:20.000" in plain_text(document, ENGLISH)
    assert wording.NOT_FURTHER not in srt(made(listened_s=19.5), ENGLISH)


def test_gaps_of_sound_and_speech_are_told_and_no_others():
    gaps = [
        {"stage": "speech", "message": "Nothing from {start_s} s on.", "values": '{"start_s": 3.5}'},
        {"stage": "pictures", "message": "Not of the sound.", "values": "{}"},
    ]
    text = plain_text(made(gaps=gaps), ENGLISH)
    assert "\nNot examined: Nothing from 3.5 s on.\n" in text and "Not of the sound" not in text


def test_hostile_names_and_words_stay_text(tmp_path):
    hostile = "<i>{\\an8}a & b --> c\n\n9\n00:00:01,000 --> 00:00:02,000"
    document = made([(4.0, 5.0, hostile, 0.9)], [(4.0, 5.0)], name=f"{hostile[:20]}.mp4".replace("/", ""))
    assert len(demuxed(tmp_path, "srt", srt(document, ENGLISH))) == 2
    assert "＜i＞" in srt(document, ENGLISH) and "{" not in srt(document, ENGLISH)
    assert len(re.findall("^.* --> .*$", vtt(document, ENGLISH), re.M)) == 2
    assert "&lt;i&gt;" in vtt(document, ENGLISH)


def test_srt_and_text_have_mark_and_crlf_and_the_others_neither():
    document = made()
    for form, writer in WRITERS.items():
        content = encoded(form, writer(document, CHINESE))
        windows = form in {"srt", "txt"}
        assert content.startswith(b"\xef\xbb\xbf") == windows and (b"\r\n" in content) == windows
        assert decoded(content) == writer(document, CHINESE)


@pytest.mark.parametrize("spoken", BOTH, ids=LANGUAGES[::-1])
@pytest.mark.parametrize(
    "document",
    [made(), made([(0.2, 2.0, "您好", 0.9)], [(0.2, 2.0)]), made((), ()), made(sound=False), made(listened_s=17.0)],
    ids=["plain", "at once", "no speech", "no sound", "not whole"],
)
def test_an_srt_file_that_nobody_touched_reads_back_as_the_machine_s_lines(document, spoken):
    read = corrected_lines(srt(document, spoken), document, BOTH)
    assert tuple(read) == document.lines
    assert with_lines(document, read).changed == 0


def test_corrections_in_the_srt_file_become_the_text():
    document = made()
    text = srt(document, CHINESE).replace("120个。", "123个。").replace(CHINESE.text(wording.UNHEARD), "是的。")
    after = with_lines(document, corrected_lines(text, document, BOTH))
    assert [line.text for line in after.lines] == ["您好我们来检查。", "123个。", "好。", "是的。"]
    assert after.changed == 2
    assert [line["by_hand"] for line in json.loads(json_v1(after, CHINESE))["lines"]] == [False, True, False, True]
    assert "其中 2 行与机器转写结果不同" in plain_text(after, CHINESE)
    assert "〔" not in plain_text(after, CHINESE).split("标记说明")[1].split("\n", 1)[1]


def test_a_line_taken_out_of_the_srt_file_counts_as_changed():
    document = made()
    text = re.sub(r"4\n.*\n好。\n\n", "", srt(document, CHINESE))
    after = with_lines(document, corrected_lines(text, document, BOTH))
    assert (len(after.lines), after.changed) == (3, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_file_that_an_editor_saved_otherwise_is_read(encoding):
    assert decoded(srt(made(), CHINESE).replace("\n", "\r\n").encode(encoding)) == srt(made(), CHINESE)


def test_what_is_no_text_is_not_guessed():
    with pytest.raises(ValueError, match="no text"):
        decoded(b"\x81\xff\xff")


def test_times_that_cannot_be_read_lose_no_line_silently():
    text = srt(made(), CHINESE).replace("00:00:12,000 -->", "12,000 -->")
    with pytest.raises(ValueError, match="5 subtitles, 4 of them"):
        corrected_lines(text, made(), BOTH)


word = st.tuples(st.floats(0, 30), st.floats(0, 5), st.text("您好检查一二,。ab", max_size=5), st.floats(0, 1))


@settings(deadline=None, max_examples=60)
@given(st.lists(word, max_size=20))
def test_subtitles_never_overlap_and_every_form_can_be_written(said):
    spans = [(start, start + length, text, probability) for start, length, text, probability in said]
    document = made(spans, (), duration_s=40.0, listened_s=40.0)
    found = cues(document, CHINESE)
    assert all(cue.start_ms < cue.stop_ms for cue in found)
    assert all(one.stop_ms <= other.start_ms for one, other in pairwise(found))
    for writer in WRITERS.values():
        assert writer(document, CHINESE)


@pytest.mark.parametrize(
    "sentence", [text for name, text in vars(wording).items() if name.isupper() and name != "HASH"]
)
def test_every_sentence_is_translated(sentence):
    fields = re.findall(r"\{\w+\}", sentence)
    assert sorted(re.findall(r"\{\w+\}", CHINESE.sentences[sentence])) == sorted(fields)
