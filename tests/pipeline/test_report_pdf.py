"""The report as PDF: read back with poppler, byte for byte the same, Chinese glyphs inside."""

import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.language import LANGUAGES, language
from pipeline.model import Finding, Level, Message, Outcome, Span
from pipeline.report import pdf as printed
from pipeline.report.decisions import Choice, Decision
from pipeline.report.html import write_report
from pipeline.report.made_at import made_at
from pipeline.report.printable import BREAK, printable
from tests.examinations import HOSTILE, example
from tests.system import need_program

ROOT = Path(__file__).resolve().parents[2]
AT = datetime.fromisoformat("2026-03-04T18:00:00+08:00")
DECISION = Decision("f3", Choice.ACCEPTED, "与时钟一致，系剪辑。", "张三", AT, "李四", AT)
AGAIN = """
import sys
from datetime import datetime
from pathlib import Path
from tests.examinations import example
from pipeline.report.html import write_report
at = datetime.fromisoformat("2026-03-04T18:00:00+08:00")
write_report(example(Path(sys.argv[1])), Path(sys.argv[2]), "zh-CN", at, pdf=True)
"""


def text_of(document: Path, *options: str) -> str:
    program = need_program("pdftotext")
    done = subprocess.run([program, *options, "-enc", "UTF-8", document, "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8").replace(BREAK, "")


def plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clip")


@pytest.fixture(scope="module")
def examined(folder):
    return example(folder)


@pytest.fixture(scope="module", params=LANGUAGES)
def report(request, examined, folder):
    write_report(examined, folder / request.param, request.param, AT, decisions=[DECISION], pdf=True)
    return request.param, folder / request.param / "report.pdf"


@pytest.fixture(scope="module")
def bare(examined, folder):
    write_report(examined, folder / "bare", "en", AT, pdf=True)
    return folder / "bare" / "report.pdf"


@pytest.mark.parametrize("tag", [tag for tag in LANGUAGES if tag != "en"])
@pytest.mark.parametrize("sentence", sorted(printed.sentences()))
def test_sentence_of_the_template_is_translated(sentence, tag):
    assert language(tag).sentences.get(sentence), f"{tag}.po lacks {sentence!r}"


def test_every_page_has_its_number_the_hash_and_the_time(report, examined):
    pages = text_of(report[1], "-layout").split("\f")[:-1]
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        foot = " ".join(page.strip().splitlines()[-4:])
        assert f"{number} / {len(pages)}" in foot
        assert examined.footage.sha256 in plain(foot)
        assert "2026-03-04 18:00:00+08:00" in foot


def test_no_page_ends_with_a_heading(report):
    """What stands last above the foot is no section's title."""
    headings = {plain(language(report[0]).text(sentence)) for sentence in printed.sentences()} - {""}
    titles = {
        plain(language(report[0]).text(text))
        for text in ("Findings", "Hashes", "How this was made", "Decisions by people", "Versions", "Evidence")
    }
    assert titles <= headings
    for page in text_of(report[1], "-layout").split("\f")[:-1]:
        lines = [plain(line) for line in page.splitlines() if line.strip()]
        foot = next(n for n, line in enumerate(lines) if line.startswith("SHA-256") and n > len(lines) - 4)
        assert re.sub(r"^\d+", "", lines[foot - 1]) not in titles


def test_it_tells_what_a_hearing_asks_for(report, examined):
    tag, path = report
    said, tell = plain(text_of(path)), language(tag).text
    for sentence in (
        "What was examined, and how",
        "Limits and measured error rates",
        "Decisions by people",
        "Versions",
    ):
        assert plain(tell(sentence)) in said
    assert "开始摄录后" in said  # the article, word for word
    assert "min_residual" in said  # parameters
    assert {"en": "17of21", "zh-CN": "21例中17例"}[tag] in said
    assert "张三" in said and "李四" in said and "系剪辑" in said
    stills = sorted((path.parent / "stills").glob("*.jpg"))
    assert stills
    for still in stills:
        assert hashlib.sha256(still.read_bytes()).hexdigest() in said


def test_without_decisions_it_says_so(bare):
    assert "No decision was recorded." in text_of(bare)
    assert "No decision was recorded." in (bare.parent / "index.html").read_text(encoding="utf-8")


def test_pictures_and_plots_are_in_it(bare):
    images = subprocess.run([need_program("pdfimages"), "-list", bare], capture_output=True, text=True, check=True)
    pictures = [line for line in images.stdout.splitlines() if " image " in line]
    assert len(pictures) >= len(list((bare.parent / "stills").glob("still-*.jpg")))
    assert "frames.residual" in text_of(bare)  # the title of a curve: plots are drawn, not pictures


def test_chinese_glyphs_are_embedded(report):
    listed = subprocess.run([need_program("pdffonts"), report[1]], capture_output=True, text=True, check=True)
    fonts = listed.stdout.splitlines()[2:]
    assert any("NotoSansCJKtc-Regular" in font for font in fonts)
    assert fonts and all(re.search(r" yes yes yes +\d+ +\d+$", font) for font in fonts)  # embedded, subset, with text


def test_nothing_in_it_can_be_run_or_followed(bare):
    raw = bare.read_bytes()
    assert not re.search(rb"/(JavaScript|JS|Launch|OpenAction|URI|EmbeddedFile|AcroForm)\b", raw)
    assert HOSTILE in text_of(bare)  # text and no more


@pytest.mark.parametrize("text", ["🦀.mp4", "#panic() $x$ *a* _b_ @c <d> \\ `e`", "ع" * 40, "x" * 500, "\u202eback"])
def test_odd_names_are_shown_and_break_nothing(examined, tmp_path, text):
    odd = Finding("picture-cut", Level.NOTE, Span(1, 2), Message("{text}", {"text": text}), id="f9", detector=text)
    write_report(replace(examined, findings=(odd,)), tmp_path, "en", AT, pdf=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.7")
    if text.isascii():
        assert plain(text) in plain(text_of(tmp_path / "report.pdf"))


def test_a_clip_of_which_nothing_could_be_examined_has_its_report(examined, tmp_path):
    message = Message("{path}: there is no such file.", {"path": "a.mp4"})
    bare = type(examined)(examined.footage, "none", type(examined.features)(), type(examined.examined)(), (), (),
                          Outcome.UNDECIDED, unreadable=message)  # fmt: skip
    write_report(bare, tmp_path, "en", AT, pdf=True)
    said = text_of(tmp_path / "report.pdf")
    assert "a.mp4: there is no such file." in said
    assert "No picture was decoded." in said


def test_it_is_written_into_a_folder_whose_name_is_no_text(examined, tmp_path):
    out = tmp_path / os.fsdecode(b"r\xe9port")
    write_report(examined, out, "en", AT, pdf=True)
    assert (out / "report.pdf").is_file()


def test_two_processes_at_two_times_write_the_same_bytes(tmp_path):
    written = []
    for number, (seed, zone) in enumerate((("1", "UTC"), ("2", "Asia/Shanghai"))):
        (tmp_path / "clip").mkdir(exist_ok=True)
        out = tmp_path / str(number)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        started = int(time.time())
        subprocess.run([sys.executable, "-c", AGAIN, tmp_path / "clip", out], cwd=ROOT, env=environment, check=True)
        written.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
        while int(time.time()) == started:  # the second run is at another time of the clock, to the second
            time.sleep(0.05)
    first, second = written
    assert first.keys() == second.keys() and Path("report.pdf") in first
    assert [name for name in first if first[name] != second[name]] == []


def test_another_time_of_making_is_another_document(examined, bare, tmp_path):
    write_report(examined, tmp_path, "en", AT.replace(minute=1), pdf=True)
    assert (tmp_path / "report.pdf").read_bytes() != bare.read_bytes()


def test_without_renderer_or_font_it_is_refused_before_anything_is_written(examined, tmp_path, monkeypatch):
    monkeypatch.setattr(printed, "FONT_PACKAGES", ("no_such_font",))
    with pytest.raises(SettingsError, match="no_such_font"):
        write_report(examined, tmp_path / "out", "en", AT, pdf=True)
    assert not (tmp_path / "out").exists()


def test_a_report_without_pdf_leaves_none_of_an_earlier_one(examined, tmp_path):
    write_report(examined, tmp_path, "en", AT, pdf=True)
    write_report(examined, tmp_path, "en", AT)
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short words stay", "short words stay"),
        ("a" * 40, f"{'a' * 18}{BREAK}{'a' * 18}{BREAK}aaaa"),
        ("/srv/evidence/2026/clip.mp4", f"/{BREAK}srv/{BREAK}evidence/{BREAK}2026/{BREAK}clip.{BREAK}mp4"),
        ("骨🦀", "骨\\u{1f980}"),
        ("\u202eback \ue000\x00 \u200b", "\\u{202e}back \\u{e000}\\u{0} \\u{200b}"),
    ],
)
def test_texts_are_made_fit_for_print(text, shown):
    assert printable({"a": [text], "b": text}, printed.glyphs(), {"b"}) == {"a": [shown], "b": text}


def scan(*arguments):
    return CliRunner().invoke(app, ["scan", *map(str, arguments)])


def test_scan_writes_it_and_says_where(samples, tmp_path):
    clip, out = samples / "not_a_video.mp4", tmp_path / "reports"
    result = scan(clip, "--out", out, "--pdf", "--made-at", "2026-03-04T18:00:00+08:00", "--cache", tmp_path / "cache")
    (document,) = out.glob("*/report.pdf")
    assert result.exit_code in {3, 11}
    assert f"PDF:{document}" in plain(result.stdout)
    assert "2026-03-04 18:00:00+08:00" in text_of(document)


@pytest.mark.parametrize("options", [["--pdf"], ["--made-at", "2026-03-04T18:00:00+08:00"]])
def test_scan_refuses_what_is_about_reports_without_a_folder_for_them(samples, tmp_path, options):
    result = scan(samples / "not_a_video.mp4", *options, "--cache", tmp_path, "--lang", "en")
    assert result.exit_code == 2 and "--out" in result.stderr


def test_scan_refuses_a_time_without_a_zone(samples, tmp_path):
    options = ("--out", tmp_path / "out", "--made-at", "2026-03-04T18:00:00", "--lang", "en")
    result = scan(samples / "not_a_video.mp4", *options)
    assert result.exit_code == 2 and "zone" in result.stderr
    assert not (tmp_path / "out").exists()


class TestMadeAt:
    def test_what_is_given_counts(self, monkeypatch):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
        assert made_at("2026-03-04T18:00:00.5+08:00") == AT

    def test_then_the_environment(self, monkeypatch):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772618400")
        assert made_at().isoformat() == "2026-03-04T10:00:00+00:00"

    def test_else_it_is_now(self, monkeypatch):
        monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
        before = int(time.time())
        assert before <= made_at().timestamp() <= time.time()

    @pytest.mark.parametrize("text", ["yesterday", "2026-03-04", "2026-03-04T18:00:00"])
    def test_a_time_without_a_zone_is_refused(self, text):
        with pytest.raises(SettingsError, match="zone"):
            made_at(text)

    @pytest.mark.parametrize("text", ["soon", "1.5", "9" * 30])
    def test_an_environment_that_makes_no_sense_is_refused(self, monkeypatch, text):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
        with pytest.raises(SettingsError, match="SOURCE_DATE_EPOCH"):
            made_at()
