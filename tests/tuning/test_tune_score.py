"""Scores of measured clips: the counts, and that the command line tells the same."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from pipeline import tune
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.report import json_v1
from pipeline.tune import BATCH, LabelError, Settings
from tests.tuning.labelled import FROZEN

STRICT = Settings({FROZEN: {"min_hold_s": 1.0}})


def test_every_freeze_is_found_and_nothing_else_told(made):
    found = tune.score(made.labels, made.clips, bar=False)
    total, frozen = found.total, found["frozen-picture"]
    assert (total.found, total.of, total.right, total.told, total.f1) == (4, 4, 4, 4, 1.0)
    assert (frozen.found, frozen.of, frozen.own, frozen.right, frozen.told) == (4, 4, 4, 4, 4)
    assert frozen.recall_interval == tune.wilson(4, 4) and total.f1_low == total.f1_high == 1.0
    assert found["edit-list"].of == 0 and found["edit-list"].f1 is None
    (row,) = found.by_detail()
    assert (row["done"], row["found"], row["of"]) == ("frozen-0.5s", 4, 4)


def test_false_alarms_are_counted_by_device_and_scene_over_what_is_known(made):
    clips = replace(made.clips, clips=tuple(replace(c, device=f"ZF-{n % 2}") for n, c in enumerate(made.clips)))
    labels = tune.Labels(tuple(replace(row, kinds=row.kinds - {"frozen-picture"}) for row in made.labels if row.whole))
    found = tune.score(labels, clips, kinds={"frozen-picture"}, bar=False)
    assert found.alarms[0].alarms == 0  # nobody says that there is no freeze
    wrong = tune.Labels(tuple(row for row in made.labels if row.whole))
    rates = {(rate.by, rate.name): rate for rate in tune.score(wrong, clips, bar=False).alarms}
    assert rates["all", "all"].alarms == 4
    assert rates["device", "ZF-0"].alarms + rates["device", "ZF-1"].alarms == 4
    rate = rates["scene", "not stated"]
    assert rate.hours == pytest.approx(sum(clip.duration_s for clip in clips) / 3600)
    assert rate.interval == tune.garwood(4, rate.hours) and rate.an_hour == pytest.approx(4 / rate.hours)


def test_scores_look_like_tables_in_a_notebook(made):
    found = tune.score(made.labels, made.clips, bar=False)
    for shown in (found, made.labels, made.clips, tune.split(made.labels)):
        assert shown._repr_html_().count("<table>") >= 1
    assert "1 (0.51 – 1)" in found._repr_html_()
    assert {"kind", "recall", "recall_low", "f1_high"} <= found.table()[0].keys()


def test_the_command_line_tells_the_very_findings_and_numbers(made, tmp_path):
    settings = Settings({FROZEN: {"min_hold_s": 0.45, "max_diff": 0.3}, "fusion": {"reach_s": 0.2}})
    path = tmp_path / "mine.toml"
    path.write_text(f"[{FROZEN}]\nmin_hold_s = 0.45\nmax_diff = 0.3\n[fusion]\nreach_s = 0.2\n", encoding="utf-8")
    found = tune.score(made.labels, made.clips, settings, bar=False)
    told = right = 0
    for clip in made.clips:
        arguments = ["scan", clip.path, "--settings", path, "--json", "--cache", made.cache, "--lang", "en"]
        run = CliRunner().invoke(app, [str(argument) for argument in arguments])
        document = json.loads(run.stdout)
        mine = json_v1.plain([json_v1._finding(one) for one in made.clips.detect(clip, settings)])
        assert mine == document["findings"] and len(mine) > 0
        frozen = [f for f in document["findings"] if f["kind"] == "frozen-picture" and f["level"] != "note"]
        (event,) = [row for row in made.labels.of({clip.sha256}) if not row.whole] or [None]
        told += len(frozen)
        right += sum(event is not None and f["span"]["start_s"] <= event.stop_s + 0.25 for f in frozen)
    assert (told, right) == (found["frozen-picture"].told, found["frozen-picture"].right) == (4, 4)


def test_a_gain_is_that_of_one_score_over_another(made):
    kinds = {"frozen-picture"}
    silent = Settings({FROZEN: {"min_hold_s": 9.0}})
    before, after = (tune.score(made.labels, made.clips, one, kinds=kinds, bar=False) for one in (silent, None))
    assert after.gain(before) == after.gain(before, "frozen-picture") == (1.0, 1.0, 1.0)
    assert after.gain(after) == (0.0, 0.0, 0.0)
    with pytest.raises(LabelError, match="same labels"):
        after.gain(tune.score(made.labels, made.clips, bar=False))


def test_settings_that_ask_for_other_measurements_are_refused(made):
    other = Settings({"media": {"read_every_s": 2.0}})
    with pytest.raises(SettingsError, match="other measurements"):
        tune.score(made.labels, made.clips, other, bar=False)


def test_labels_of_clips_that_were_not_loaded_are_refused(made):
    strange = replace(made.labels.rows[0], sha256="0" * 64)
    with pytest.raises(LabelError, match="not loaded, 000000000000"):
        tune.score(tune.Labels((strange,)), made.clips, bar=False)
    with pytest.raises(LabelError, match="no labels"):
        tune.score(tune.Labels(), made.clips, bar=False)


class TestLoading:
    def test_clips_come_from_the_cache_though_their_files_are_gone(self, made, monkeypatch):
        gone = tune.Labels(tuple(replace(row, path=f"/gone/{n}.mp4") for n, row in enumerate(made.labels)))
        monkeypatch.setattr("pipeline.measuring.measure", lambda *_, **__: pytest.fail("measured again"))
        clips = tune.load(gone, made.cache, bar=False)
        assert [row["file"] for row in clips.table()] == ["gone"] * len(clips)
        before, after = (
            tune.score(labels, some, bar=False) for labels, some in ((made.labels, made.clips), (gone, clips))
        )
        assert before.kinds == after.kinds

    def test_nothing_is_decoded_twice(self, made, monkeypatch):
        monkeypatch.setattr("pipeline.features.extract.measure", lambda *_, **__: pytest.fail("decoded again"))
        assert len(tune.load(made.labels, made.cache, bar=False)) == 6

    def test_a_clip_that_is_nowhere_is_named(self, made, tmp_path):
        gone = tune.Labels((replace(made.labels.rows[0], path="/gone/one.mp4"),))
        with pytest.raises(LabelError, match=r"/gone/one\.mp4 "):
            tune.load(gone, tmp_path, bar=False)

    def test_a_file_that_is_no_longer_the_labelled_one_is_refused(self, made):
        first, other = made.labels.rows[0], made.labels.rows[-1]
        with pytest.raises(LabelError, match="no longer the labelled one"):
            tune.load(tune.Labels((replace(first, path=other.path),)), made.cache, bar=False)

    def test_what_a_batch_measured_serves(self, made, tmp_path):
        one = made.labels.of(made.labels.clips[:1])
        tune.load(one, tmp_path, BATCH, speech=False, bar=False)
        gone = tune.Labels(tuple(replace(row, path="/gone/one.mp4") for row in one))
        (clip,) = tune.load(gone, tmp_path, bar=False)
        assert clip.features["frames"].rows == 75 and "words" not in clip.features
