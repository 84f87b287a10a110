"""What the report lets hear and see of a finding about speech: the very samples, their waveform, words and scores."""

import re
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from pipeline.features.schema import table
from pipeline.language import language
from pipeline.model import Features, Finding, Level, Message, Span
from pipeline.report.html import write_report
from pipeline.report.page_heard import build_heard
from pipeline.report.passages import LONGEST_S, passage, rests_on_speech
from pipeline.report.snippets import BINS, GONE, TOO_MANY, Passage, cut, take_snippets
from tests.examinations import SAID, example
from tests.footage import murmur
from transcripts.notice import STANDARD, notice

RATE_HZ = 16000
ENGLISH = language("en")
LIMITS = {"heard_score": 75.0, "heard_clause_score": 50.0, "partial_clause_score": 75.0, "absent_score": 50.0}


def spoken(text, start_s=1.0, step_s=0.09):
    """Return rows of `words`, one character after another."""
    return [
        {"start_s": start_s + step_s * n, "stop_s": start_s + step_s * (n + 1) - 0.01, "text": one, "probability": 0.9}
        for n, one in enumerate(text)
    ]


def features(text=SAID, **options):
    rows = spoken(text, **options)
    voice = [{"start_s": rows[0]["start_s"], "stop_s": rows[-1]["stop_s"], "probability": 0.9, "snr_db": 30.0}]
    return Features({"words": table("words", rows), "voice": table("voice", voice)})


def found(measured, **changes):
    """Return what the detector itself says of the words."""
    (one,) = (finding for finding in notice(measured) if finding.kind != "notice-late")
    return replace(one, **{"id": "f2", "detector": "notice", "version": 1, "params": LIMITS, **changes})


def said(kind, start_s, stop_s, **evidence):
    return Finding(
        kind, Level.SUSPECT, Span(start_s, stop_s), Message("said"), evidence=evidence, id=f"{kind}{start_s}"
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Return an opening of 40 s whose every sample tells where it stands."""
    path = tmp_path_factory.mktemp("sound") / "opening.flac"
    samples = (20000 * murmur(0, 40 * RATE_HZ, rate_hz=RATE_HZ)).astype(np.int16)
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return path, samples


@pytest.mark.parametrize(
    ("span", "first", "stop"),
    [
        ((5.0, 7.5), 4 * RATE_HZ, 8.5 * RATE_HZ),
        ((0.25, 1.0), 0, 2 * RATE_HZ),
        ((39.5, 39.75), 38.5 * RATE_HZ, 40 * RATE_HZ),
    ],
)
def test_a_snippet_holds_exactly_the_passage_and_a_second_around_it(sound, tmp_path, span, first, stop):
    opening, samples = sound
    snippet = cut(opening, Span(*span), tmp_path / "sound" / "passage-0.flac")
    written, rate_hz = soundfile.read(tmp_path / "sound" / snippet.file, dtype="int16")
    assert rate_hz == RATE_HZ
    assert np.array_equal(written, samples[int(first) : int(stop)])
    assert snippet.start_s == first / RATE_HZ
    assert snippet.length_s == len(written) / RATE_HZ


def test_the_waveform_shows_the_peaks_of_the_samples(sound, tmp_path):
    opening, samples = sound
    finding = said("notice-heard", 5.0, 7.5)
    snippet = cut(opening, finding.span, tmp_path / "passage-0.flac")
    view = build_heard(finding, Features(), Passage(finding.span, snippet), ENGLISH)
    points = [tuple(map(float, point.split(","))) for point in view.wave.split()]
    assert len(points) == 2 * BINS
    piece = samples[4 * RATE_HZ : int(8.5 * RATE_HZ)].astype(float)
    top = np.abs(piece).max()
    for place, part in enumerate(np.array_split(piece, BINS)):
        for (x, y), peak in ((points[place], part.max()), (points[-1 - place], part.min())):
            assert x == pytest.approx(1000 * (place + 0.5) / BINS, abs=0.2)
            assert y == pytest.approx(50 - 50 * peak / top, abs=0.06)
    assert (view.left, view.width) == pytest.approx((100 / 4.5, 250 / 4.5), abs=0.01)


def test_silence_is_drawn_as_a_line(tmp_path):
    soundfile.write(tmp_path / "silence.flac", np.zeros(3 * RATE_HZ, np.int16), RATE_HZ)
    finding = said("notice-unclear", 0.0, 3.0)
    snippet = cut(tmp_path / "silence.flac", finding.span, tmp_path / "passage-0.flac")
    view = build_heard(finding, Features(), Passage(finding.span, snippet), ENGLISH)
    assert {point.split(",")[1] for point in view.wave.split()} == {"50.0"}
    assert "−∞ dBFS" in view.notes[-1]


def test_sound_that_is_gone_broken_or_too_short_is_no_snippet(sound, tmp_path):
    broken = tmp_path / "broken.flac"
    broken.write_bytes(b"fLaC and nothing else")
    for opening in (None, tmp_path / "absent.flac", broken):
        assert cut(opening, Span(1.0, 2.0), tmp_path / "passage-0.flac") is None
    assert cut(sound[0], Span(50.0, 51.0), tmp_path / "passage-0.flac") is None
    assert not (tmp_path / "passage-0.flac").exists()


def test_findings_about_speech_are_told_from_others():
    kinds = ("notice-heard", "notice-late", "notice-unclear", "place-spoken", "said-anything")
    assert all(rests_on_speech(said(kind, 0.0, 1.0)) for kind in kinds)
    assert not any(rests_on_speech(said(kind, 0.0, 1.0)) for kind in ("place-shown", "audio-break", "notice-missing"))
    assert rests_on_speech(said("notice-missing", 0.0, 60.0, heard="我们"))


def test_of_a_long_span_the_words_that_came_nearest_are_heard():
    measured = features("今天来检查安全生产" * 4 + "监督执法" + "请您配合一下" * 6, start_s=30.0, step_s=0.25)
    wanted = 30.0 + 36 * 0.25
    span = passage(said("notice-missing", 0.0, 120.0, heard="监督执法"), measured)
    assert (span.start_s, span.stop_s) == pytest.approx((wanted, wanted + 0.99))
    partial = passage(said("notice-partial", 30.0, 60.0, heard="监督执法 … 请您配合"), measured)
    assert partial.start_s == pytest.approx(wanted)
    assert passage(said("notice-unclear", 0.0, 120.0), measured) == Span(30.0, 30.0 + LONGEST_S)
    assert passage(said("notice-unclear", 0.0, 120.0), Features()) == Span(0.0, LONGEST_S)
    assert passage(said("said-anything", 31.0, 35.0, heard="监督执法"), measured) == Span(31.0, 35.0)


def test_a_cap_on_snippets_spares_the_notice_and_is_counted(sound, tmp_path):
    opening, _ = sound
    claims = [said("said-anything", float(n), n + 0.5) for n in range(4)]
    examined = example(tmp_path, sound=opening)
    taken = take_snippets(examined, [*claims, said("notice-heard", 20.0, 22.0)], tmp_path / "sound", 3)
    assert taken["notice-heard20.0"].snippet.start_s == 19.0
    assert [one.reason for one in taken.values()].count(TOO_MANY) == 2
    assert len(list((tmp_path / "sound").iterdir())) == 3


def test_two_findings_of_one_passage_share_its_sound(sound, tmp_path):
    examined = example(tmp_path, sound=sound[0])
    both = [said("notice-heard", 20.0, 22.0), said("notice-late", 20.0, 22.0)]
    taken = take_snippets(examined, both, tmp_path / "sound", 1)
    assert taken["notice-heard20.0"].snippet is taken["notice-late20.0"].snippet is not None


def test_words_stand_below_the_place_where_they_are_spoken():
    measured = features()
    finding = found(measured)
    view = build_heard(finding, measured, Passage(finding.span, None, GONE), ENGLISH)
    assert (
        "".join(word.text for block in view.blocks for word in block.words if word.inside) == finding.evidence["heard"]
    )
    widths = [float(width) for width in re.findall(r"minmax\(0,([\d.]+)fr\)", view.columns)]
    starts = view.start_s + np.cumsum(widths)[:-1] / 100 * view.length_s
    assert starts == pytest.approx([block.words[0].start_s for block in view.blocks], abs=0.001)
    assert [block.time for block in view.blocks][:2] == ["0:01.0", "0:01.9"]  # a new one after the comma
    assert view.blocks[0].words[-1].text == "，"
    assert view.missing == GONE


def test_no_block_begins_where_there_is_no_room_for_it():
    rows = [*spoken("为保护您的合法权益，", step_s=0.3), *spoken("请", start_s=4.9)]
    measured = Features({"words": table("words", rows)})
    view = build_heard(said("notice-heard", 1.0, 4.0), measured, Passage(Span(1.0, 4.0), None), ENGLISH)
    assert [block.words[-1].text for block in view.blocks] == ["请"]
    assert [word.inside for word in view.blocks[0].words] == [True] * 10 + [False]


def test_the_whole_notice_is_told_clause_by_clause():
    measured = features()
    whole, *clauses = build_heard(found(measured), measured, Passage(Span(1.0, 3.7), None), ENGLISH).scores.rows
    assert (whole.text, whole.score, whole.needed, whole.met) == (STANDARD, 100.0, 75.0, True)
    assert [row.text for row in clauses] == ["为保护您的合法权益", "监督我们的执法行为", "本次执法全程录音录像"]
    assert [(row.score, row.needed, row.met) for row in clauses] == [(100.0, 50.0, True)] * 3
    assert clauses[1].heard == "监督我们的执法行为"
    assert clauses[1].when == "0:01.90 – 0:02.70"


def test_of_a_part_of_the_notice_the_missing_clauses_are_told():
    measured = features("您好请坐" + "本次执法全程录音录像" + "请配合")
    finding = found(measured)
    assert finding.kind == "notice-partial"
    rows = build_heard(finding, measured, Passage(finding.span, None), ENGLISH).scores.rows
    assert [row.met for row in rows] == [False, False, False, True]
    assert [bool(row.heard) for row in rows[1:]] == [False, False, True]
    assert (rows[3].score, rows[3].needed, rows[3].heard) == (100.0, 75.0, "本次执法全程录音录像")


def test_a_clause_outside_the_finding_is_told_where_the_finding_holds_nothing_like_it():
    measured = features("为保护您的合法权益" + "您好请坐" * 5 + "本次执法全程录音录像")
    finding = replace(found(measured), span=Span(1.0, 2.0))
    rows = build_heard(finding, measured, Passage(finding.span, None), ENGLISH).scores.rows
    assert [row.when for row in rows[1:]] == ["0:01.00 – 0:01.80", "", "0:03.61 – 0:04.50"]


def test_other_measures_stand_beside_their_limits():
    finding = said("notice-late", 1.0, 2.0, agreement=90.0, speech_before_s=60.0, speech_s=70.0)
    finding = replace(finding, params={"late_after_speech_s": 45.0, "heard_score": 75.0})
    scores = build_heard(finding, Features(), Passage(finding.span, None), ENGLISH).scores
    assert [(row.value, row.limit, row.met) for row in scores.measures] == [("60", "≤ 45", False), ("70", "–", None)]
    assert [row.needed for row in scores.rows] == [75.0]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Return a report with the notice, and speech that nobody can hear any more."""
    folder = tmp_path_factory.mktemp("clip")
    examined = example(folder)
    heard = found(examined.features)
    late = said("said-anything", 50.0, 51.0, agreement=91.5, heard="<b>请</b>", name="<i>请</i>")
    findings = tuple(heard if one.id == "f2" else one for one in examined.findings)
    return write_report(replace(examined, findings=(*findings, late)), folder / "report", "zh-CN")


def test_a_report_keeps_its_own_sound_and_says_where_there_is_none(index):
    text = index.read_text(encoding="utf-8")
    opening, _ = soundfile.read(index.parents[1] / "opening.flac", dtype="int16")
    kept, _ = soundfile.read(index.parent / "sound" / "passage-0.flac", dtype="int16")
    assert np.array_equal(kept, opening[: len(kept)])
    assert text.count('<audio controls preload="metadata" src="sound/passage-') == 1
    assert language("zh-CN").text(GONE) in text
    assert "&lt;b&gt;请" in text and "<b>请" not in text


def test_an_earlier_reports_sound_is_replaced(index, tmp_path):
    examined = example(tmp_path)
    write_report(examined, tmp_path / "report", "en")
    assert (tmp_path / "report" / "sound" / "passage-0.flac").is_file()
    text = write_report(examined, tmp_path / "report", "en", max_snippets=0).read_text(encoding="utf-8")
    assert not list((tmp_path / "report" / "sound").iterdir())
    assert "The sound of 1 less grave findings is not in this report." in text
    assert TOO_MANY in text


@pytest.fixture(params=[1280, 900, 390])
def page(browser, index, request):
    opened = browser.new_page(viewport={"width": request.param, "height": 900})
    opened.said = []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.goto(index.as_uri(), wait_until="load")
    yield opened
    opened.close()


def test_the_snippet_loads_and_plays_from_a_word_while_the_line_moves(page):
    audio = "document.querySelector('#f2 audio')"
    page.wait_for_function(f"() => {audio}.readyState >= 1")
    assert page.evaluate(f"{audio}.duration") == pytest.approx(4.69, abs=0.005)
    assert page.locator("#f2 .head").is_hidden()
    page.click("#f2 .blocks .inside >> nth=8")
    page.wait_for_function(f"() => {audio}.currentTime > 1.9 && !{audio}.paused")
    page.wait_for_function("() => parseFloat(document.querySelector('#f2 .head').style.left) > 45")
    assert page.locator("#f2 .head").is_visible()
    assert page.said == []


def test_a_click_on_the_waveform_plays_from_there_and_stops_the_other_sound(page):
    page.evaluate("document.getElementById('opening').play()")
    wave = page.locator("#f2 .wave")
    wave.click(position={"x": wave.bounding_box()["width"] / 2, "y": 20})
    page.wait_for_function("() => document.querySelector('#f2 audio').currentTime > 2.5")
    page.wait_for_function("() => document.getElementById('opening').paused")


def test_nothing_overflows_sideways_and_the_waveform_is_printed(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.emulate_media(media="print")
    assert page.locator("#f2 .wave").is_visible()
    assert page.locator("#f2 audio").is_hidden()
    assert page.locator("#f2 .wave svg").bounding_box()["width"] > 300
