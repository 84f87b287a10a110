"""Sweeping and choosing on one half, and what that comes to on the other."""

import json
from dataclasses import replace
from datetime import datetime

import pytest
from typer.testing import CliRunner

from pipeline import tune
from pipeline.batch.keys import profile_sha256
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.language import language
from pipeline.model import Criterion, Outcome
from pipeline.report.html import write_report
from pipeline.report.page_tuned import build_tuned
from pipeline.rules.profile import load_profile
from pipeline.settings import parameters_sha256
from pipeline.tune import LabelError, LeakageError, Settings
from tests.examinations import example
from tests.pipeline.test_json_v1 import VALIDATOR
from tests.pipeline.test_report_pdf import plain, text_of
from tests.tuning.labelled import FROZEN, forge

AT = datetime.fromisoformat("2026-03-04T18:00:00+08:00")
MISTUNED = Settings({FROZEN: {"min_hold_s": 2.0}, "fusion": {"reach_s": 0}})  # a whole number for seconds
KINDS = {"frozen-picture"}


@pytest.fixture(scope="module")
def parts(made) -> tune.Split:
    return tune.split(made.labels, held_out=0.5, seed=1)


@pytest.fixture(scope="module")
def swept(made, parts) -> tune.Sweep:
    held = [0.1, 0.3, 0.45, 1.0, 2.0]
    return tune.sweep(
        parts.tune, made.clips, FROZEN, MISTUNED, test=parts.test, kinds=KINDS, bar=False, min_hold_s=held
    )


@pytest.fixture(scope="module")
def tuned(made, parts, swept) -> Settings:
    choice = tune.choose(swept)
    return tune.tuned(choice, choice.confirm(parts.test, made.clips, bar=False), by="李四", at=AT)


def test_a_mistuned_detector_is_better_on_held_out_takes_after_sweep_and_choice(made, parts, swept):
    before = tune.score(parts.test, made.clips, MISTUNED, kinds=KINDS, bar=False)
    after = tune.choose(swept, "f1").confirm(parts.test, made.clips, bar=False)
    assert before["frozen-picture"].found == 0 and before.total.f1 == 0.0
    assert after["frozen-picture"].found == after["frozen-picture"].of == 2 and after.total.f1 == 1.0


def test_a_sweep_has_a_score_for_each_value(swept):
    assert [row["min_hold_s"] for row in swept.table()] == [0.1, 0.3, 0.45, 1.0, 2.0]
    assert [row["found"] for row in swept.table()] == [2, 2, 2, 0, 0]
    curve = swept.precision_recall("frozen-picture")
    assert [point["recall"] for point in curve] == [1.0, 1.0, 1.0]  # where nothing is told there is no precision
    assert "<table>" in swept._repr_html_() and "min_hold_s" in swept._repr_html_()


def test_two_parameters_are_varied_together(made, parts):
    grid = tune.sweep(parts.tune, made.clips, FROZEN, bar=False, min_hold_s=[0.3, 1.0], max_diff=[0.1, 0.2, 0.3])
    assert len(grid.points) == 6 and grid.points[4].values == {"min_hold_s": 1.0, "max_diff": 0.2}


def test_of_equal_tries_the_middle_one_is_chosen(swept):
    choice = tune.choose(swept, "recall", kind="frozen-picture", alarms_an_hour=0.0)
    assert choice.point.values == {"min_hold_s": 0.3}
    assert choice.criterion == Criterion(FROZEN, {"min_hold_s": 0.3}, "recall", "frozen-picture", 0.0)
    assert "highest recall of frozen-picture, at most 0 false alarms an hour" in choice._repr_html_()
    assert choice.settings.section(FROZEN) == {"min_hold_s": 0.3}


def test_of_equal_pairs_the_one_amid_the_others_is_chosen(swept):
    good, bad = (swept.points[n].score for n in (1, 4))
    equal = {(n, m) for n in (1, 2, 3) for m in (1, 2, 3)} | {(4, 4), (5, 4)}  # a square, and a tail that leaves it
    grid = tune.Sweep(
        FROZEN,
        tuple(
            tune.Point({"min_hold_s": n / 10, "max_diff": float(m)}, good if (n, m) in equal else bad)
            for n in range(1, 7)
            for m in range(1, 7)
        ),
    )
    assert tune.choose(grid, "recall").point.values == {"min_hold_s": 0.2, "max_diff": 2.0}


def test_false_alarms_can_be_limited_by_what_is_sure(swept):
    with pytest.raises(LabelError, match=r"no try of .* fulfils this: .* surely at most 2 false alarms an hour"):
        tune.choose(swept, alarms_an_hour=2.0, sure=True)  # some seconds of footage cannot show that
    with pytest.raises(LabelError, match="highest='accuracy'"):
        tune.choose(swept, "accuracy")


@pytest.mark.parametrize(
    ("section", "values", "problem"),
    [
        ("detectors.frozen", {"min_hold_s": [1.0]}, "unknown section"),
        (FROZEN, {"min_hold": [1.0]}, "min_hold: Extra inputs"),
        (FROZEN, {"min_hold_s": [0.5, "long"]}, "min_hold_s: Input should be a valid number"),
        ("media", {"read_every_s": [1.0]}, "measures"),
        ("detectors.notice", {"opening_s": [10.0]}, "other measurements"),
        (FROZEN, {}, "one or two parameters"),
        (FROZEN, {"min_hold_s": []}, "one or two parameters"),
    ],
)
def test_what_cannot_be_varied_is_refused(made, parts, section, values, problem):
    with pytest.raises(SettingsError, match=problem):
        tune.sweep(parts.tune, made.clips, section, bar=False, **values)


@pytest.fixture(scope="module")
def spliced(made, tmp_path_factory) -> tune.Labels:
    """Return labels of a splice of the takes 0 and 1, which is never measured: it is refused before."""
    out = tmp_path_factory.mktemp("spliced") / "out"
    forge(made.takes[:2], ("splice",), out)
    return tune.read_truths(out)


@pytest.fixture(scope="module")
def of_take(made) -> dict[int, tune.Labels]:
    named = {n: [row.sha256 for row in made.labels if f"take{n}-" in row.path] for n in range(4)}
    return {n: made.labels.of(hashes) for n, hashes in named.items()}


class TestLeaks:
    def test_a_splice_ties_its_two_takes(self, made, spliced, of_take):
        assert len(tune.groups(made.labels)) == 4 and len(tune.groups(made.labels + spliced)) == 3
        for take in (0, 1):
            with pytest.raises(LeakageError):
                tune.must_not_leak(of_take[take], spliced)
        tune.must_not_leak(of_take[2], spliced)

    def test_a_sweep_that_leaks_is_refused(self, made, spliced, of_take):
        with pytest.raises(LeakageError):
            tune.sweep(of_take[0], made.clips, FROZEN, test=spliced, bar=False, min_hold_s=[0.5])

    def test_a_result_on_what_was_tuned_on_is_refused(self, made, parts, swept):
        choice = tune.choose(swept)
        with pytest.raises(LeakageError):
            choice.confirm(parts.tune, made.clips)
        with pytest.raises(LeakageError):
            tune.tuned(choice, choice.point.score)


class TestTheFileThatRemembers:
    def test_it_says_who_when_on_what_and_with_which_result(self, tuned, parts, tmp_path):
        path = tune.write_tuned(tmp_path / "tuned.toml", tuned)
        assert tune.read_tuned(path) == tuned
        record = tuned.tuned
        assert (record.by, record.at, record.tool) == ("李四", "2026-03-04T18:00:00+08:00", "0.1.0")
        assert record.criteria == (Criterion(FROZEN, {"min_hold_s": 0.3}, "f1", "all"),)
        assert (record.tune.clips, record.held_out.clips) == (len(parts.tune.clips), len(parts.test.clips))
        assert (record.tune.sources, record.held_out.sources) == (2, 2)
        assert record.tune.labels == {"forge": len(parts.tune)} and record.tune.sha256 != record.held_out.sha256
        assert (record.kinds, record.least, record.tolerance_s) == (("frozen-picture",), "suspect", 0.25)
        total = record.results[0]
        assert (total.kind, total.found, total.of, total.right, total.told, total.f1) == ("all", 2, 2, 2, 2, 1.0)
        assert record.alarms == 0 and record.alarms_high == pytest.approx(3.689 / record.alarm_hours, abs=0.5)

    def test_it_is_refused_when_a_parameter_was_changed_by_hand(self, tuned, tmp_path):
        path = tune.write_tuned(tmp_path / "tuned.toml", tuned)
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("min_hold_s = 0.3\n", "min_hold_s = 0.4\n"), encoding="utf-8")
        with pytest.raises(SettingsError, match="changed after they were tuned"):
            tune.read_tuned(path)
        path.write_text(text.replace("alarms = 0\n", ""), encoding="utf-8")
        with pytest.raises(SettingsError, match=r"\[tuned\] alarms: Field required"):
            tune.read_tuned(path)

    def test_several_choices_are_all_remembered_and_none_may_leak(self, made, parts, swept, tmp_path):
        first = tune.choose(swept)
        grid = {"max_diff": [0.1, 0.2, 0.3]}
        more = tune.sweep(parts.tune, made.clips, FROZEN, first.settings, kinds=KINDS, bar=False, **grid)
        second = tune.choose(more, "precision", alarms_an_hour=1.0)
        result = second.confirm(parts.test, made.clips, bar=False)
        both = tune.tuned([first, second], result, by="李四")
        assert [one.section for one in both.tuned.criteria] == [FROZEN, FROZEN]
        assert both.tuned.tune.clips == len(parts.tune.clips) and both.section(FROZEN)["max_diff"] == 0.2
        assert tune.read_tuned(tune.write_tuned(tmp_path / "both.toml", both)) == both
        on_test = tune.sweep(parts.test, made.clips, FROZEN, kinds=KINDS, bar=False, min_hold_s=[0.3])
        with pytest.raises(LeakageError):
            tune.tuned([tune.choose(on_test), second], result)

    def test_settings_without_a_record_are_not_written(self, tmp_path):
        with pytest.raises(SettingsError, match="no record"):
            tune.write_tuned(tmp_path / "tuned.toml", MISTUNED)

    def test_a_result_of_other_settings_is_refused(self, made, parts, swept):
        other = tune.score(parts.test, made.clips, kinds=KINDS, bar=False)
        with pytest.raises(LabelError, match="other settings"):
            tune.tuned(tune.choose(swept), other)
        rules = tune.score(parts.test, made.clips, tune.choose(swept).settings, bar=False)
        with pytest.raises(LabelError, match="other rules"):
            tune.tuned(tune.choose(swept), rules)

    def test_scan_accepts_it_and_its_document_tells_it(self, made, tuned, tmp_path):
        path = tune.write_tuned(tmp_path / "tuned.toml", tuned)
        clip = made.clips.clips[0].path
        arguments = ["scan", clip, "--settings", path, "--json", "--cache", made.cache, "--lang", "en"]
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        document = json.loads(done.stdout)
        VALIDATOR.validate(document)
        assert document["tuned"]["by"] == "李四" and document["tuned"]["results"][0]["found"] == 2
        assert document["settings"][FROZEN]["min_hold_s"] == 0.3
        plainly = CliRunner().invoke(app, [str(one) for one in [*arguments[:2], *arguments[4:]]])
        assert json.loads(plainly.stdout)["tuned"] is None

    def test_options_that_lie_over_it_keep_the_record(self, tuned):
        assert Settings({"speech": {"recogniser": "auto"}}).over(tuned).tuned == tuned.tuned
        assert tuned.over(Settings({"media": {"decoder_threads": 1}})).tuned == tuned.tuned

    def test_keys_of_a_batch_follow_parameters_and_record(self, tuned):
        profile = load_profile("shijiazhuang-safety")
        bare = Settings(tuned.sections)
        keys = [profile_sha256(profile, one, None, None) for one in (Settings(), bare, tuned, tuned)]
        assert len(set(keys)) == 3 and keys[2] == keys[3]
        assert parameters_sha256(bare) == parameters_sha256(tuned) == tuned.tuned.parameters_sha256

    def test_reports_tell_it_on_the_page_and_in_print(self, tuned, tmp_path):
        examined = example(tmp_path, tuned=replace(tuned.tuned, by="李四 <b>"), verdict=Outcome.FAIL)
        page = write_report(examined, tmp_path / "report", "zh-CN", AT, pdf=True)
        shown = page.read_text(encoding="utf-8")
        assert (
            "经调优的参数" in shown and "李四 &lt;b&gt;" in shown and "2 / 2 = 1.00" in shown and "0.34 – 1.00" in shown
        )
        printed = plain(text_of(tmp_path / "report" / "report.pdf"))
        assert "经调优的参数" in printed and "李四<b>" in printed and "2/2=1.00" in printed

    def test_what_reports_tell(self, tuned):
        told = build_tuned(tuned.tuned, language("en"))
        facts = {fact.name: fact.value for fact in told.facts}
        assert facts["Tuned by"] == "李四" and facts["Time of the tuning"] == "2026-03-04T18:00:00+08:00"
        on = tuned.tuned.tune
        assert facts["Tuned on"].startswith(f"{on.clips} clips of 2 takes, 0.00")
        assert f"; labels by origin: forge {on.labels['forge']}; digest {on.sha256[:16]}" in facts["Tuned on"]
        assert facts["False alarms where nothing was done"].startswith("0 in 0.00")
        assert told.results[0].kind == "all kinds" and told.results[0].f1.startswith("1.00 (1.00 – 1.00)")
        assert facts["Chosen by"] == "[detectors.frozen-picture] min_hold_s = 0.3: highest F1 of all kinds"
        sure = Criterion("fusion", {"reach_s": 0.2}, "recall", "picture-cut", 2.0, True)
        chinese = build_tuned(replace(tuned.tuned, criteria=(sure,)), language("zh-CN")).facts[3]
        assert chinese.name == "选取标准" and chinese.value.endswith(
            "改动找出率最高，且误报区间的上限每小时不超过 2 次"
        )
        assert build_tuned(None, language("en")) is None
