"""Reading results back: every form in which they come, each clip once, and what is wrong told with its place."""

import json

import pytest

from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.report import json_v1
from pipeline.report.results import read_results
from tests.examinations import example
from tests.results import document, read, report, written


def paths(results):
    return [result.clip.path for result in results.results]


def test_files_arrays_lines_and_report_folders_are_read(tmp_path):
    one = written(tmp_path, document("a.mp4"))
    array = written(tmp_path, document("b.mp4"), document("c.mp4"), name="array.json")
    lines = tmp_path / "lines.jsonl"
    told = "外墙\u2028门牌"
    lines.write_text("\n\n".join(json.dumps(document(name), ensure_ascii=False) for name in (told, "e.mp4")) + "\n")
    folder = report(tmp_path / "reports" / "f-1", document("f.mp4")).parent
    found = read_results([one, array, lines, folder])
    assert sorted(paths(found)) == [f"/evidence/{n}" for n in ("a.mp4", "b.mp4", "c.mp4", "e.mp4", "f.mp4", told)]
    assert found.repeated == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_what_a_shell_makes_of_the_output_is_read(tmp_path, encoding):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document("现场.mp4"), ensure_ascii=False), encoding=encoding)
    assert paths(read_results([path])) == ["/evidence/现场.mp4"]


def test_the_document_of_a_whole_examination_is_read(tmp_path):
    (result,) = read(tmp_path, json_v1.document(example(tmp_path))).results
    assert (result.counted, result.violations, result.profile) == ("fail", {"f3"}, "shijiazhuang-safety")
    assert (result.rules[0].id, result.rules[0].outcome) == ("CONT-1", "fail")


def test_a_document_without_case_and_recording_is_one_of_an_earlier_release(tmp_path):
    old = document("a.mp4")
    del old["clip"]["case"], old["clip"]["recording"]
    assert paths(read(tmp_path, old)) == ["/evidence/a.mp4"]


def test_the_same_clip_counts_once_and_the_number_of_its_case_makes_another(tmp_path):
    first, copy = document("a.mp4"), document("copy.mp4", content="a.mp4")
    other_case = document("a.mp4", case={"case_number": "2026-17"})
    other_profile = document("a.mp4", profile="laixi-water")
    found = read(tmp_path, copy, other_case, first, other_profile)
    assert (len(found.results), found.repeated) == (3, 1)
    assert {result.clip.path for result in found.results} == {"/evidence/a.mp4"}


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    folder = report(tmp_path / "a", document("a.mp4"))
    assert read_results([folder, folder / "report.v1.json", tmp_path]).repeated == 0


def test_clips_that_could_not_be_hashed_are_told_apart_by_their_paths(tmp_path):
    lost = [document(name, content="", unreadable=True) for name in ("a.mp4", "b.mp4", "a.mp4")]
    found = read(tmp_path, *lost)
    assert (paths(found), found.repeated) == (["/evidence/a.mp4", "/evidence/b.mp4"], 1)


@pytest.mark.parametrize("change", [{"verdict": "fail"}, {"hours": 2.0}, {"violations": 1}, {"case": {"cause": "x"}}])
def test_two_results_that_contradict_each_other_are_refused(tmp_path, change):
    one, other = document("a.mp4"), document("a.mp4", **change)
    with pytest.raises(SettingsError, match=r"results\.json\[0\] and .*results\.json\[1\] tell different things"):
        read(tmp_path, one, other)


BAD = {
    "": r"a\.json:1: no JSON",
    '{"format": 1,\n "clip": }': r"a\.json:2: no JSON",
    '{"format": NaN}': "NaN is no JSON",
    "[" * 100_000: "no JSON",
    "[]": "no result of a scan lies in it",
    "[1]": r"a\.json\[0\]: no result of a scan\. Give what",
    '{"overlay": []}': "no result of a scan. Give what",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_no_result_is_told_with_its_place(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=BAD[text]):
        read_results([path])


def test_the_line_of_json_lines_that_is_wrong_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(document()) + "\n\n{broken\n")
    with pytest.raises(SettingsError, match=r"a\.jsonl:3: no JSON"):
        read_results([path])


@pytest.mark.parametrize("form", [2, "1", True, None])
def test_another_format_is_refused_with_the_reason(tmp_path, form):
    with pytest.raises(SettingsError, match=f"results.json: format {form} of the results; this release reads format 1"):
        read(tmp_path, {**document(), "format": form})


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        (None, "verdict", "passed", "verdict is not as"),
        (None, "rules", None, "rules is not as"),
        ("clip", "sha256", "abc", r"clip\.sha256 is not as"),
        ("clip", "duration_s", -1.0, r"clip\.duration_s is not as"),
        ("clip", "duration_s", "12", r"clip\.duration_s is not as"),
        ("clip", "case", {"officers": "张三"}, r"clip\.case\.officers is not as"),
    ],
)
def test_a_key_that_breaks_the_contract_is_named(tmp_path, part, key, value, said):
    broken = document()
    (broken if part is None else broken[part])[key] = value
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, broken)


def test_files_and_folders_that_are_not_there_are_errors(tmp_path):
    with pytest.raises(SettingsError, match="there is no such file"):
        read_results([tmp_path / "absent.json"])
    with pytest.raises(SettingsError, match=r"no report\.v1\.json in this folder"):
        read_results([tmp_path])


def test_what_is_wrong_is_told_in_chinese_too(tmp_path):
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, {**document(), "format": 2})
    assert "结果格式为 2" in language("zh-CN").tell(caught.value.args[0])
