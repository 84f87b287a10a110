"""Statistics: hand-counted tables, sums that must agree, files and pictures."""

import ast
import csv
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import binomtest
from typer.testing import CliRunner

from pipeline import spotcheck, statistics, terminal_results
from pipeline import spotcheck_ledger as ledger
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.report import bars, grouping, results
from pipeline.report.results import COUNTED, read_results
from pipeline.statistics import RuleName
from tests.results import document, many, read, written

ROOT = Path(__file__).resolve().parents[2]
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
PARTITIONS = [key for key in grouping.KEYS if key not in {"officer", "rule"}]


def unbroken(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def two_units(tmp_path):
    """Return eight clips: 监察支队 passed 3 and failed 1, 危化科 has 1 undecided and 1 unreadable, 2 have no unit."""
    first, second = {"unit.name": "监察支队", "officers": ["张三", "李四"]}, {"unit.name": "危化科", "officers": "张三"}
    return written(
        tmp_path,
        *(document(f"a{n}.mp4", "pass", case=first, hours=0.5) for n in range(3)),
        document("b.mp4", "fail", case=first, hours=0.5, violations=3, rules={"CONT-1": "fail", "PLACE-1": "pass"}),
        document("c.mp4", "undecided", case=second, rules={"CONT-1": "pass", "PLACE-1": "undecided"}),
        document("d.mp4", case=second, hours=0.0, unreadable=True, rules={"CONT-1": "undecided"}),
        document("e.mp4", "pass", case={}),
        document("f.mp4", "not applicable"),
    )


def test_groups_are_counted(two_units):
    found = statistics.statistics(read_results([two_units]), ["unit"])
    assert list(found.groups) == [("危化科",), ("监察支队",), (None,)]
    first = found.groups["监察支队",]
    assert (first.clips, first.hours, first.decided, first.violations) == (4, 2.0, 4, 3)
    assert [first.counts[counted] for counted in COUNTED] == [3, 1, 0, 0, 0]
    assert (first.share_passed, first.violations_per_hour) == (0.75, 1.5)
    second = found.groups["危化科",]
    assert [second.counts[counted] for counted in COUNTED] == [0, 0, 1, 0, 1]
    assert (second.share_passed, second.interval, second.violations_per_hour) == (None, None, 0.0)
    assert [found.groups[None,].counts[counted] for counted in COUNTED] == [1, 0, 0, 1, 0]
    assert found.total.clips == 8


def test_rules_are_counted_in_each_group(two_units):
    found = statistics.statistics(read_results([two_units]), ["unit"])
    continuity = RuleName("shijiazhuang-safety", "CONT-1", "第1条")
    assert found.rules[("监察支队",), continuity] == {"pass": 3, "fail": 1}
    assert found.rules[("危化科",), continuity] == {"pass": 1, "unreadable": 1}
    assert found.rules_total[RuleName("shijiazhuang-safety", "PLACE-1", "第2条")] == {"pass": 1, "undecided": 1}


def test_with_rule_as_key_its_outcomes_and_its_findings_are_counted(two_units):
    found = statistics.statistics(read_results([two_units]), ["rule"])
    continuity, place = (found.groups[f"shijiazhuang-safety {rule}",] for rule in ("CONT-1", "PLACE-1"))
    assert [continuity.counts[counted] for counted in COUNTED] == [5, 1, 0, 1, 1]
    assert [place.counts[counted] for counted in COUNTED] == [1, 0, 1, 0, 0]
    assert (continuity.violations, place.violations) == (3, 0)
    assert len(found.rules) == 2


def test_a_clip_counts_for_each_officer_and_once_in_the_total(two_units):
    found = statistics.statistics(read_results([two_units]), ["officer"])
    assert {names[0]: measures.clips for names, measures in found.groups.items()} == {"张三": 6, "李四": 4, None: 2}
    assert found.total.clips == 8
    assert any("several officers" in str(note) for note in found.notes)
    by_unit = statistics.statistics(read_results([two_units]), ["unit"])
    assert not any("several officers" in str(note) for note in by_unit.notes)


@pytest.mark.parametrize(
    ("started_at", "time_from", "claimed", "month", "only_claimed"),
    [
        ("2026-03-31T23:59:59+08:00", "overlay", "2026-05-01T00:00:00+00:00", "2026-03", False),
        ("2026-03-31T16:00:00+00:00", "name", None, "2026-04", False),
        ("2026-03-31T16:00:00+00:00", "metadata", None, "2026-04", True),
        (None, None, "2025-12-31T16:00:00+00:00", "2026-01", True),
        (None, None, "2026-02-28T10:00:00", "2026-02", True),
        ("soon", "overlay", "0001-01-01T00:00:00+14:00", None, False),
        (None, None, None, None, False),
    ],
)
def test_months_are_local_and_measured_before_claimed(tmp_path, started_at, time_from, claimed, month, only_claimed):
    recording = {"started_at": started_at, "time_from": time_from} if started_at else None
    (result,) = read(tmp_path, document(recording=recording, claimed=claimed)).results
    assert grouping.month(result) == (month, only_claimed)


def test_a_unit_without_a_name_goes_by_its_number_and_a_device_by_what_the_recording_shows(tmp_path):
    made = document(case={"unit.number": "130100000012"}, recording={"device_id": "K7A0123"})
    found = statistics.statistics(read(tmp_path, made), ["unit", "device"])
    assert list(found.groups) == [("130100000012", "K7A0123")]
    both = document(case={"device.id": "M9B4455"}, recording={"device_id": "K7A0123"})
    assert list(statistics.statistics(read(tmp_path, both), ["device"]).groups) == [("M9B4455",)]


def test_clips_whose_length_was_not_measured_are_left_out_of_the_rate(tmp_path):
    triaged, whole = (
        document("a.mp4", "fail", hours=0.0, violations=5),
        document("b.mp4", "fail", hours=2.0, violations=1),
    )
    found = statistics.statistics(read(tmp_path, triaged, whole))
    assert (found.total.violations, found.total.violations_per_hour) == (6, 0.5)
    assert any("length of 1 clips was not measured" in str(note) for note in found.notes)


def test_what_was_counted_once_or_several_times_is_said(tmp_path):
    found = read(
        tmp_path,
        document("a.mp4"),
        document("copy.mp4", content="a.mp4"),
        document("a.mp4", case={"case_number": "2026-17"}),
        document("a.mp4", profile="laixi-water"),
        document("b.mp4", claimed="2026-03-01T00:00:00+00:00"),
    )
    notes = " ".join(map(str, statistics.statistics(found, ["month"]).notes))
    assert "1 results tell of a clip that another tells of too" in notes
    assert "1 clips have the content of another clip under another case number" in notes
    assert "1 results judge a clip by one more profile" in notes
    assert "For 1 clips the month is only what the file claims" in notes


@given(hits=st.integers(0, 300), misses=st.integers(0, 300))
def test_the_interval_is_wilsons(hits, misses):
    if not hits + misses:
        return
    low, high = statistics.wilson(hits, hits + misses)
    known = binomtest(hits, hits + misses).proportion_ci(confidence_level=0.95, method="wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-12)
    assert 0 <= low <= hits / (hits + misses) <= high <= 1


def test_the_interval_of_a_textbook_case():
    assert statistics.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5)


@SLOW
@given(documents=many(), by=st.lists(st.sampled_from(PARTITIONS), max_size=3, unique=True))
def test_the_groups_of_keys_that_partition_add_up_to_the_total(documents, by, tmp_path):
    found = statistics.statistics(read(tmp_path, *documents), by)
    assert sum(measures.clips for measures in found.groups.values()) == found.total.clips == len(documents)
    assert sum(measures.seconds for measures in found.groups.values()) == pytest.approx(found.total.seconds)
    assert sum(measures.violations for measures in found.groups.values()) == found.total.violations
    for counted in COUNTED:
        assert sum(m.counts[counted] for m in found.groups.values()) == found.total.counts[counted]
    assert all(measures.counts.total() == measures.clips for measures in found.groups.values())
    judged = sum(counts.total() for counts in found.rules.values())
    assert judged == sum(counts.total() for counts in found.rules_total.values()) == len(documents)


@SLOW
@given(documents=many(), by=st.lists(st.sampled_from(list(grouping.KEYS)), max_size=3), seed=st.integers(0, 99))
def test_the_order_of_results_changes_nothing(documents, by, seed, tmp_path):
    mixed = random.Random(seed).sample(documents, len(documents))
    one = statistics.document(statistics.statistics(read(tmp_path, *documents), by))
    assert one == statistics.document(statistics.statistics(read(tmp_path, *mixed), by))


@SLOW
@given(documents=many())
def test_officers_add_up_to_the_clips_times_their_officers(documents, tmp_path):
    found = statistics.statistics(read(tmp_path, *documents), ["officer"])
    expected = sum(max(1, len(made["clip"]["case"]["officers"])) for made in documents)
    assert sum(measures.clips for measures in found.groups.values()) == expected


def test_the_tables_are_written_tidily(two_units, tmp_path):
    found = statistics.statistics(read_results([two_units]), ["unit", "month"])
    groups, rules = statistics.write(found, tmp_path / "new" / "2026.parquet")
    assert (groups.name, rules.name) == ("2026.parquet", "2026-rules.parquet")
    rows = pq.read_table(groups).to_pylist()
    assert rows == statistics.group_rows(found)
    assert rows[-1]["unit"] is None and rows[-1]["month"] is None
    assert pq.read_table(rules).to_pylist() == statistics.rule_rows(found)
    assert set(pq.read_table(groups).schema.types) == {"string", "int64", "double"}


def test_csv_holds_the_same_and_nothing_that_a_spreadsheet_would_run(tmp_path):
    hostile = document(case={"unit.name": '=HYPERLINK("http://x")'})
    found = statistics.statistics(read(tmp_path, hostile, document("b.mp4", "undecided")), ["unit"])
    groups, rules = statistics.write(found, tmp_path / "t.csv")
    assert groups.read_bytes().startswith(b"\xef\xbb\xbf")
    first, second = csv.DictReader(groups.open(encoding="utf-8-sig", newline=""))
    assert (first["unit"], first["clips"], first["share_passed"]) == ('\'=HYPERLINK("http://x")', "1", "1.0")
    assert (second["unit"], second["share_passed"]) == ("", "")
    assert len(list(csv.reader(rules.open(encoding="utf-8-sig", newline="")))) == 3


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.parquet/t.csv"])
def test_files_that_cannot_be_written_are_errors(tmp_path, name):
    (tmp_path / "t.parquet").touch()
    with pytest.raises(SettingsError, match=r"name it \.parquet or \.csv|cannot be written"):
        statistics.write(statistics.statistics(read(tmp_path, document())), tmp_path / name)


# ---- pictures ----------------------------------------------------------------------------------------------------


def need_chinese_font():
    if not bars._fonts():
        pytest.skip("no font with Chinese characters is installed")


def test_the_bars_are_as_long_as_there_are_clips(two_units, tmp_path):
    found = statistics.statistics(read_results([two_units]), ["unit"])
    drawn, words = terminal_results.picture_of(found, language("en"))
    assert [bar.name for bar in drawn] == ["危化科", "监察支队", "not stated"]
    assert [bar.note for bar in drawn] == ["–", "75 % (30–96)", "100 % (20–100)"]
    path = tmp_path / "a.png"
    need_chinese_font()
    bars.draw_bars(drawn, words, path)
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    shades = {part: tuple(bytes.fromhex(colour[1:])) for part, colour in bars.COLOURS.items()}
    areas = {part: int((pixels == shade).all(axis=1).sum()) for part, shade in shades.items()}
    legend = areas["not applicable"] - areas["fail"]  # one clip each, and a square in the legend each
    assert abs(legend) < 0.1 * areas["fail"]  # but for the figures that stand on them
    assert areas["pass"] > 2.5 * areas["fail"]


@pytest.mark.parametrize("tag", ["zh-CN", "en"])
def test_a_picture_keeps_names_as_text_whatever_they_hold(tmp_path, tag):
    hostile = [
        document("a.mp4", case={"unit.name": "$a$ <b> & \\frac{1}"}),
        document("b.mp4", case={"unit.name": "科" * 80}),
    ]
    found = statistics.statistics(read(tmp_path, *hostile), ["unit"])
    drawn, words = terminal_results.picture_of(found, language(tag))
    bars.draw_bars(drawn, words, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "$a$ &lt;b&gt; &amp; \\frac{1}" in text and "科" * 18 + "…" in text
    assert words.title in text and all(name in text for name in words.legend.values())
    assert ("各单位" in text) == (tag == "zh-CN")
    assert ("says nothing about a person" in text) == (tag == "en")


def test_pictures_of_the_same_results_are_the_same(two_units, tmp_path):
    found = statistics.statistics(read_results([two_units]), ["unit"])
    for name in ("a.svg", "b.svg"):
        bars.draw_bars(*terminal_results.picture_of(found, language("en")), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_cannot_be_drawn_is_an_error(tmp_path):
    words = terminal_results.picture_of(statistics.statistics(read(tmp_path, document())), language("en"))[1]
    one = bars.Bar("a", {"pass": 1}, "–")
    with pytest.raises(SettingsError, match=r"name it \.svg or \.png"):
        bars.draw_bars([one], words, tmp_path / "a.jpg")
    with pytest.raises(SettingsError, match="301 groups are too many"):
        bars.draw_bars([one] * 301, words, tmp_path / "a.svg")


# ---- the command -------------------------------------------------------------------------------------------------


def test_the_command_prints_tables_and_writes_files(two_units, tmp_path):
    out, picture = tmp_path / "t.parquet", tmp_path / "t.svg"
    result = unbroken("statistics", two_units, "--by", "unit", "--lang", "en", "--out", out, "--picture", picture)
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert "75 % (30–96)" in said and "Total" in said and "says nothing about a person" in said
    assert out.exists() and picture.exists() and (tmp_path / "t-rules.parquet").exists()
    assert str(out) in result.stderr.replace("\n", "")


def test_the_command_speaks_chinese(two_units):
    said = unbroken("statistics", two_units, "--by", "officer", "--lang", "zh-CN").stdout
    assert "合计" in said and "未注明" in said and "每人各计一次" in said and "Total" not in said


def test_json_alone_is_on_stdout(two_units):
    result = unbroken("statistics", two_units, "--by", "unit", "--by", "month", "--json")
    told = json.loads(result.stdout)
    assert told["by"] == ["unit", "month"] and told["total"]["clips"] == 8
    assert sum(group["clips"] for group in told["groups"]) == 8
    assert told["groups"][-1]["unit"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "height"), "--by height: unknown. Known: agency, unit"),
        (("--out", "t.xls"), "name it .parquet or .csv"),
        (("--picture", "t.gif"), "name it .svg or .png"),
        (("absent.json",), "absent.json"),
    ],
)
def test_bad_arguments_end_with_code_2(two_units, arguments, said):
    result = unbroken("statistics", two_units, "--lang", "en", *arguments)
    assert result.exit_code == 2 and result.stdout == "" and said in result.stderr.replace("\n", " ")


def test_control_characters_of_a_name_do_not_reach_the_terminal(tmp_path):
    path = written(tmp_path, document(case={"unit.name": "\x1b[31m监察 [bold]x"}))
    said = unbroken("statistics", path, "--by", "unit", "--lang", "en").stdout
    assert "\x1b" not in said and "[bold]" in "".join(said.split())


def test_the_command_runs_in_a_process_of_its_own_without_the_footage_side(two_units):
    code = (
        "import sys; from pipeline.cli import main\n"
        f"try: main(['statistics', {str(two_units)!r}, '--by', 'unit', '--json'])\n"
        "finally: print([m for m in ('matplotlib', 'whisper') if m in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout)["total"]["clips"] == 8
    assert result.stderr.strip().endswith("[]")


def constants(module):
    """Return the sentences that a module assigns to `message` or marks with `N_`."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    given = [n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "message"]
    marked = [n.args[0] for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "N_"]
    parts = [part for n in given for part in ((n.body, n.orelse) if isinstance(n, ast.IfExp) else (n,))]
    return [part.value for part in [*parts, *marked] if isinstance(part, ast.Constant)]


@pytest.mark.parametrize("module", [bars, grouping, ledger, results, spotcheck, statistics, terminal_results])
def test_every_sentence_has_a_translation(module):
    chinese = language("zh-CN").sentences
    assert [sentence for sentence in constants(module) if sentence not in chinese] == []
    assert len(constants(terminal_results)) > 20
