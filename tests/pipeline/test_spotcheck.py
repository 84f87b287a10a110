"""Spot checks: draws that anybody can repeat, the ledger that only grows, and its verification."""

import csv
import hashlib
import json
import math
import random
import subprocess
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import spotcheck
from pipeline import spotcheck_ledger as ledger
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.report.results import read_results
from tests.results import document, many, read, written
from tests.system import need_program

SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
AT = datetime(2026, 6, 30, 16, 0, tzinfo=UTC)
strata_keys = st.lists(st.sampled_from(spotcheck.STRATA), max_size=2, unique=True)
seeds = st.integers(0, spotcheck.MOST_SEED)


def unbroken(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def forty(tmp_path):
    """Return the results of forty clips: 30 of 监察支队, 9 of 危化科, one without a unit."""
    units = ["监察支队"] * 30 + ["危化科"] * 9 + [None]
    cases = [{"case_number": f"2026-{n // 4}"} | ({"unit.name": unit} if unit else {}) for n, unit in enumerate(units)]
    verdicts = ["pass", "pass", "fail", "undecided"]
    made = [document(f"{n:02}.mp4", verdicts[n % 4], case=case) for n, case in enumerate(cases)]
    return written(tmp_path, *made)


def drawn(path, seed=1, by=("unit",), **size):
    return spotcheck.draw(read_results([path]), spotcheck.parameters(seed, by, **size))


@SLOW
@given(documents=many(), by=strata_keys, seed=seeds, share=st.floats(0.01, 1.0), shuffle=st.integers(0, 99))
def test_a_draw_depends_on_seed_and_clips_and_not_on_their_order(documents, by, seed, share, shuffle, tmp_path):
    wanted = spotcheck.parameters(seed, by, share)
    mixed = random.Random(shuffle).sample(documents, len(documents))
    first, again = (spotcheck.draw(read(tmp_path, *order), wanted) for order in (documents, mixed))
    assert first == again


@SLOW
@given(documents=many(), by=strata_keys, seed=seeds, share=st.floats(0.01, 1.0))
def test_every_stratum_gives_its_share_and_at_least_one(documents, by, seed, share, tmp_path):
    found = spotcheck.draw(read(tmp_path, *documents), spotcheck.parameters(seed, by, share))
    there = Counter(clip.stratum for clip in found.population)
    taken = Counter(clip.stratum for clip in found.sample)
    assert set(taken) == set(there)
    exact = Fraction(repr(share))
    assert all(taken[stratum] == math.ceil(exact * there[stratum]) for stratum in there)
    assert len(set(found.sample)) == len(found.sample) and set(found.sample) <= set(found.population)


@SLOW
@given(documents=many(), by=strata_keys, seed=seeds, data=st.data())
def test_a_count_is_met_and_shared_in_proportion(documents, by, seed, data, tmp_path):
    results = read(tmp_path, *documents)
    there = Counter(clip.stratum for clip in spotcheck.population(results, by))
    count = data.draw(st.integers(len(there), len(documents)))
    found = spotcheck.draw(results, spotcheck.parameters(seed, by, count=count))
    taken = Counter(clip.stratum for clip in found.sample)
    assert len(found.sample) == count
    assert all(1 <= taken[stratum] <= there[stratum] for stratum in there)
    quotas = {stratum: Fraction(count * there[stratum], len(documents)) for stratum in there}
    if all(quota >= 1 for quota in quotas.values()):
        assert all(abs(taken[stratum] - quotas[stratum]) < 1 for stratum in there)
    larger = spotcheck.draw(results, spotcheck.parameters(seed, by, share=1.0))
    assert set(found.sample) <= set(larger.sample)


@SLOW
@given(seed=seeds, other=seeds)
def test_other_seeds_put_the_clips_in_another_order(forty, seed, other):
    assume(seed != other)
    results = read_results([forty])
    orders = [
        [c.key for c in spotcheck.draw(results, spotcheck.parameters(s, share=1.0)).sample] for s in (seed, other)
    ]
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]


def test_every_clip_is_drawn_as_often_as_any_other_whatever_its_verdict(forty):
    results = read_results([forty])
    drawn_how_often = Counter(
        clip for seed in range(2000) for clip in spotcheck.draw(results, spotcheck.parameters(seed, count=10)).sample
    )
    assert len(drawn_how_often) == 40
    # 2000 draws of 10 of 40: binomial with mean 500, standard deviation 19.4
    assert all(abs(count - 500) < 5 * 19.4 for count in drawn_how_often.values())
    failed = sum(count for clip, count in drawn_how_often.items() if clip.verdicts[0][1] == "fail")
    assert abs(failed / 20_000 - 0.25) < 0.01


def test_a_third_person_gets_the_same_with_sha256sum_and_sort(forty, tmp_path):
    need_program("sha256sum")
    found = drawn(forty, seed=20260630)
    told = spotcheck.document(found)
    listing = tmp_path / "population.tsv"
    listing.write_text("".join(f"{clip['key']}\t{clip['stratum']}\n" for clip in told["population"]), encoding="utf-8")
    sorted_hash = subprocess.run(
        f"LC_ALL=C sort {listing} | sha256sum", shell=True, capture_output=True, text=True, check=True
    )
    assert sorted_hash.stdout.split()[0] == told["population_sha256"]
    script = f"""grep 危化科 {listing} | cut -f1 | while IFS= read -r key; do
        printf '%s %s' "$(printf '%s' "20260630 $key" | sha256sum | cut -c1-64)" "$key"; echo
        done | LC_ALL=C sort | head -1"""
    by_hand = subprocess.run(script, shell=True, capture_output=True, text=True, check=True).stdout.split()
    (of_unit,) = (clip for clip in found.sample if clip.stratum == "危化科")
    assert by_hand[1] == of_unit.sha256
    name = hashlib.sha256(f"{told['population_sha256']} 20260630 method=1; by=unit; share=0.05".encode()).hexdigest()
    assert told["draw"] == "D" + name[:16]


def test_a_draw_that_was_once_published_stays(tmp_path):
    found = spotcheck.draw(
        read(tmp_path, *(document(f"{n}.mp4", case={"unit.name": "ab"[n % 2]}) for n in range(20))),
        spotcheck.parameters(7, ["unit"], 0.2),
    )
    assert found.id == "D97ad0456ff791e92"
    assert [clip.path for clip in found.sample] == [f"/evidence/{n}.mp4" for n in (2, 10, 13, 9)]


def test_several_officers_and_profiles_make_one_stratum_of_a_clip(tmp_path):
    case = {"officers": ["李四", "张三"]}
    results = read(tmp_path, document(case=case), document(case=case, verdict="fail", profile="laixi-water"))
    (clip,) = spotcheck.draw(results, spotcheck.parameters(1, ["officer", "profile", "month"])).sample
    assert clip.stratum == "张三、李四 / laixi-water、shijiazhuang-safety / –"
    assert clip.verdicts == (("laixi-water", "fail"), ("shijiazhuang-safety", "pass"))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seed": -1}, "--seed -1: give 0 to 999999999"),
        ({"seed": 10**9}, "give 0 to 999999999"),
        ({"share": 0.0}, "--share 0.0: give a number above 0"),
        ({"share": 1.01}, "--share 1.01"),
        ({"share": math.nan}, "--share nan"),
        ({"count": 0}, "--count 0: give 1 or more"),
        ({"count": 2}, "--count 2: the 40 clips lie in 3 strata; give 3 to 40"),
        ({"count": 41}, "give 3 to 40"),
        ({"count": 5, "share": 0.5}, "Give --share or --count, not both"),
        ({"by": ["rule"]}, "--by rule: unknown"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(forty, asked, said):
    with pytest.raises(SettingsError, match=said):
        drawn(forty, **asked)


# ---- the ledger --------------------------------------------------------------------------------------------------


def lines(path, encoding="utf-8-sig"):
    return list(csv.reader(path.open(encoding=encoding, newline="")))


def edited(path, change, encoding="utf-8-sig"):
    """Save the ledger with its rows changed, as a spreadsheet would."""
    rows = lines(path)
    change(rows)
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream).writerows(rows)


@pytest.fixture
def kept(forty, tmp_path):
    """Return a ledger with two draws: four clips by unit, and ten of all."""
    path = tmp_path / "台帐.csv"
    assert ledger.append(drawn(forty), path, AT) and ledger.append(drawn(forty, 2, (), count=10), path, AT)
    return path


def test_the_ledger_names_what_was_drawn_and_leaves_room_for_the_person(forty, kept):
    head, first, *others = lines(kept)
    assert kept.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [cell.split(" [")[0] for cell in head][-5:] == ["检查人", "检查日期", "回放情况", "检查结果", "备注"]
    row = dict(zip(ledger.HEADINGS, first, strict=True))
    clip = drawn(forty).sample[0]
    assert (row["path"], row["sha256"], row["case_number"]) == (clip.path, clip.sha256, clip.case_number)
    assert (row["population"], row["stratum"], row["stratum_clips"]) == ("40", clip.stratum, "1")
    assert (row["drawn_at"], row["seed"]) == ("2026-07-01T00:00:00+08:00", "1")
    assert row["parameters"] == "method=1; by=unit; share=0.05"
    assert row["verdict"] == {"pass": "通过 [pass]", "fail": "不通过 [fail]"}.get(
        clip.verdicts[0][1], "待定 [undecided]"
    )
    assert first[-5:] == [""] * 5 and len(others) == 3 + 10


def test_appending_leaves_every_earlier_byte(forty, kept):
    def fill(rows):
        rows[1][-5:] = ["王五", "2026-07-02", "回放完整", "队容整齐", "换行\n备注,“引号”"]

    edited(kept, fill)
    before = kept.read_bytes()
    assert ledger.append(drawn(forty, 3), kept, AT)
    assert kept.read_bytes().startswith(before) and len(lines(kept)) == 1 + 4 + 10 + 4


def test_the_same_draw_is_not_appended_twice(forty, kept):
    before = kept.read_bytes()
    assert not ledger.append(drawn(forty), kept, datetime.now(UTC))
    assert kept.read_bytes() == before


def test_a_ledger_that_a_chinese_spreadsheet_saved_is_continued_in_its_encoding(forty, kept):
    edited(kept, lambda rows: None, "gb18030")
    kept.write_bytes(kept.read_bytes().rstrip(b"\r\n"))
    assert ledger.append(drawn(forty, 3), kept, AT)
    assert len(lines(kept, "gb18030")) == 1 + 4 + 10 + 4
    assert [checked.state for checked in ledger.verify(kept, read_results([forty]))] == ["as drawn"] * 3


def test_what_a_spreadsheet_would_run_is_disarmed_and_still_verified(tmp_path):
    hostile = document("x", content="", unreadable=True, case={"unit.name": "@SUM(A1)"})
    hostile["clip"]["path"] = "=1+1.mp4"
    results, path = read(tmp_path, hostile), tmp_path / "ledger.csv"
    ledger.append(spotcheck.draw(results, spotcheck.parameters(1, ["unit"])), path, AT)
    row = dict(zip(ledger.HEADINGS, lines(path)[1], strict=True))
    assert (row["path"], row["stratum"], row["sha256"]) == ("'=1+1.mp4", "'@SUM(A1)", "")
    assert row["verdict"] == "无法读取 [unreadable]"
    assert [checked.state for checked in ledger.verify(path, results)] == ["as drawn"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: not the heading of a ledger"),
        (b"a,b\n1,2\n", "line 1: not the heading of a ledger"),
        (b"\xff\xff\x00\x80", "neither UTF-8 nor GB 18030"),
    ],
)
def test_another_file_is_refused_and_left_alone(forty, tmp_path, content, said):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        ledger.append(drawn(forty), path, AT)
    assert path.read_bytes() == content


def test_a_row_with_too_few_cells_is_named(forty, kept):
    kept.write_bytes(kept.read_bytes() + b"D1,x\r\n")
    with pytest.raises(SettingsError, match="line 16: 2 cells under 17 headings"):
        ledger.append(drawn(forty, 3), kept, AT)


def test_a_ledger_that_cannot_be_written_is_an_error(forty, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be"):
        ledger.append(drawn(forty), tmp_path / "file" / "ledger.csv", AT)


# ---- verification ------------------------------------------------------------------------------------------------


def states(path, *results):
    return [
        (checked.state, [str(note) for note in checked.notes]) for checked in ledger.verify(path, read_results(results))
    ]


def test_honest_draws_verify(forty, kept):
    edited(kept, lambda rows: rows[2].__setitem__(slice(-5, None), ["王五", "2026-07-02", "完整", "好", ""]))
    assert states(kept, forty) == [("as drawn", []), ("as drawn", [])]


def test_another_clip_in_place_of_a_drawn_one_is_found(forty, kept):
    sample = {clip.sha256 for clip in drawn(forty).sample}
    other = next(clip for clip in drawn(forty).population if clip.sha256 not in sample)
    at = list(ledger.HEADINGS).index("sha256")
    taken_out = lines(kept)[2][at]
    edited(kept, lambda rows: rows[2].__setitem__(at, other.sha256))
    (first, second) = states(kept, forty)
    said = [f"Line 3: {other.sha256} is not what the seed draws.", f"{taken_out} was drawn and has no line."]
    assert first == ("differs", said) and second == ("as drawn", [])


def test_a_row_that_was_taken_out_or_doubled_is_found(forty, kept):
    rows = lines(kept)
    edited(kept, lambda rows: rows.pop(1))
    assert states(kept, forty)[0][0] == "differs"
    edited(kept, lambda kept_rows: kept_rows.extend([rows[1], rows[1]]))
    assert states(kept, forty)[0][0] == "differs"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("seed", "5", "Lines 2 and 3 differ in 随机种子"),
        ("parameters", "method=1; by=unit; share=0.9", "Lines 2 and 3 differ in 参数"),
        ("population_sha256", "0" * 64, "Lines 2 and 3 differ in 总体 SHA-256"),
    ],
)
def test_one_row_told_otherwise_is_found(forty, kept, column, value, said):
    edited(kept, lambda rows: rows[2].__setitem__(list(ledger.HEADINGS).index(column), value))
    assert said in states(kept, forty)[0][1][0]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("seed", "5", "Its name does not follow"),
        ("population_sha256", "0" * 64, "Its name does not follow"),
        ("seed", "five", "no draw can have this seed"),
        ("seed", "9" * 5000, "no draw can have this seed"),
        ("parameters", "as I like", "no draw can have this seed"),
        ("parameters", "method=1; by=unit; share=1e", "no draw can have this seed"),
    ],
)
def test_a_draw_that_was_told_otherwise_in_every_row_is_found(forty, kept, column, value, said):
    def change(rows):
        for row in rows[1:5]:
            row[list(ledger.HEADINGS).index(column)] = value

    edited(kept, change)
    state, notes = states(kept, forty)[0]
    assert state == "differs" and said in notes[0]


def forged(kept, parameters):
    """Give the first draw other parameters, and the name that follows from them."""

    def change(rows):
        columns = list(ledger.HEADINGS)
        for row in rows[1:5]:
            row[columns.index("parameters")] = parameters
            row[0] = spotcheck.draw_id(row[columns.index("population_sha256")], row[columns.index("seed")], parameters)

    edited(kept, change)


def test_a_forger_who_knows_how_names_are_made_gains_nothing(forty, kept):
    forged(kept, "method=1; by=unit; share=0.5")
    assert states(kept, forty)[0][0] == "differs"
    forged(kept, "method=1; by=unit; count=9999")
    assert states(kept, forty)[0] == ("differs", ["Line 2: no draw can have this seed and these parameters."])


def test_what_another_method_drew_cannot_be_checked(forty, kept):
    forged(kept, "method=2; by=unit; share=0.05")
    assert states(kept, forty)[0] == ("not checked", ["It was drawn by method 2."])


def test_another_population_cannot_be_checked(forty, kept, tmp_path):
    (tmp_path / "more").mkdir()
    more = written(tmp_path / "more", document("new.mp4"))
    said = ["The results are another population: 41 clips; it was drawn from 40."]
    assert states(kept, forty, more) == [("not checked", said)] * 2


def test_what_changed_since_is_told_and_no_more(forty, kept, tmp_path):
    documents = json.loads(forty.read_text(encoding="utf-8"))
    for made in documents:
        made["verdict"] = "undecided"
    again = written(tmp_path, *documents, name="again.json")
    (state, notes), _ = states(kept, again)
    assert state == "as drawn"
    assert notes and all("系统结论" in note and "by the results it is “待定 [undecided]”" in note for note in notes)


def test_a_number_that_a_spreadsheet_spoilt_is_told(forty, kept):
    edited(kept, lambda rows: rows[1].__setitem__(list(ledger.HEADINGS).index("case_number"), "Sep-26"))
    state, (note,) = states(kept, forty)[0]
    assert state == "as drawn" and "案件编号" in note and "“Sep-26”" in note


# ---- the command -------------------------------------------------------------------------------------------------


def test_the_command_draws_keeps_notices_and_verifies(forty, tmp_path):
    path = tmp_path / "new" / "ledger.csv"
    asked = ("spotcheck", forty, "--seed", 11, "--by", "unit", "--share", 0.1, "--ledger", path, "--lang", "en")
    first = unbroken(*asked)
    assert first.exit_code == 0 and "5 rows added" in first.stderr.replace("\n", "")
    before = path.read_bytes()
    again = unbroken(*asked)
    assert again.exit_code == 0 and "stands there already" in again.stderr.replace("\n", " ")
    assert again.stdout == first.stdout and path.read_bytes() == before
    verified = unbroken("spotcheck", forty, "--verify", path, "--lang", "en")
    assert verified.exit_code == 0 and verified.stdout.endswith("as drawn\n")


def test_verification_ends_with_the_code_of_the_worst(forty, kept, tmp_path):
    edited(kept, lambda rows: rows[1].__setitem__(list(ledger.HEADINGS).index("case_number"), "Sep-26"))
    changed = unbroken("spotcheck", "--verify", kept, forty, "--json")
    assert changed.exit_code == 10 and [entry["state"] for entry in json.loads(changed.stdout)] == ["as drawn"] * 2
    edited(kept, lambda rows: rows.pop(-1))
    assert unbroken("spotcheck", "--verify", kept, forty).exit_code == 11
    (tmp_path / "more").mkdir()
    other = written(tmp_path / "more", document("new.mp4"))
    unchecked = unbroken("spotcheck", "--verify", kept, other, "--lang", "zh-CN")
    assert unchecked.exit_code == 10 and "未能核对" in unchecked.stdout


def test_json_holds_all_that_is_needed_to_draw_again(forty):
    told = json.loads(unbroken("spotcheck", forty, "--seed", 3, "--by", "unit", "--json").stdout)
    assert len(told["population"]) == 40 and told["seed"] == 3
    text = "".join(sorted(f"{clip['key']}\t{clip['stratum']}\n" for clip in told["population"]))
    assert hashlib.sha256(text.encode()).hexdigest() == told["population_sha256"]


def test_the_command_speaks_chinese(forty):
    said = unbroken("spotcheck", forty, "--seed", 3, "--by", "unit", "--lang", "zh-CN").stdout
    assert "从 40 段录像中抽取" in said and "案件编号" in said and "Draw" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--seed is missing"),
        (("--seed", 1, "--share", 0), "--share 0.0"),
        (("--seed", 1, "--ledger", "results.json"), "not the heading of a ledger"),
        (("--verify", "results.json"), "not the heading of a ledger"),
        (("--verify", "results.json", "--seed", 1), "--verify takes the results only"),
        (("--verify", "absent.csv"), "absent.csv: cannot be read"),
    ],
)
def test_bad_arguments_end_with_code_2(forty, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = unbroken("spotcheck", forty, "--lang", "en", *arguments)
    assert result.exit_code == 2 and result.stdout == "" and said in result.stderr.replace("\n", " ")
