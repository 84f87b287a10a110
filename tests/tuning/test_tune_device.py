"""A profile of a recorder model, from known-good clips to what a scan tells."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline import tune
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.features.schema import table
from pipeline.forge.wish import Wish
from pipeline.language import language
from pipeline.model import Features
from pipeline.tuning.device import SECTION, range_rule, tolerance
from tests.footage import make_clip
from tests.pipeline.test_json_v1 import VALIDATOR
from tests.tuning.labelled import FRAMES, SIZE, forge

AT = datetime.fromisoformat("2026-03-04T18:00:00+08:00")


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    """Return labels of four takes of one camera, of a fifth that is held out, and of forgeries of that; all loaded."""
    root = tmp_path_factory.mktemp("camera")
    (root / "takes").mkdir()
    paths = [make_clip(root / "takes" / f"0{n}.mp4", frames=FRAMES, size=SIZE, seed=n, gop=15) for n in range(5)]
    forge(paths[4:], ("re-encoded", "gap-kept-copied"), root / "forged", wish=Wish(direct=True))
    good = [tune.known_good([path], by="李四") for path in paths]
    fitted = good[0] + good[1] + good[2] + good[3]
    altered = tune.read_truths(root / "forged")
    clips = tune.load(fitted + good[4] + altered, root / "cache", speech=False, bar=False)
    return fitted, good[4], altered, clips, root


@pytest.fixture(scope="module")
def fit(camera):
    fitted, _, _, clips, _ = camera
    return tune.fit_device(fitted, clips, "ZF-17", by="李四", at=AT)


def changed(clips, sha256, name, **columns):
    """Return loaded clips, one of them with other values in a table."""
    rows = []
    for clip in clips:
        if clip.sha256 == sha256:
            before = clip.features[name]
            one = [{key: before[key][row] for key in before} | columns for row in range(before.rows)]
            features = Features({**clip.features.tables, name: table(name, one)})
            rows.append(replace(clip, features=features, known={}))
        else:
            rows.append(clip)
    return replace(clips, clips=tuple(rows))


def test_it_says_who_fitted_it_and_on_what(fit, camera):
    one = fit.profile
    assert (one.name, one.by, one.at, one.clips, one.sources) == ("ZF-17", "李四", AT.isoformat(), 4, 4)
    assert one.hours == pytest.approx(4 * FRAMES / 25 / 3600, rel=0.1)
    assert one.words["video.size"] == ("160x128",) and one.words["container.format"] == ("mp4",)
    assert one.numbers["gop.usual"] == (15.0, 15.0) and one.numbers["timing.step_s"][0] < 0.04
    assert fit.alone == () and fit.varying == ()
    assert "ZF-17" in fit._repr_html_() and "4 takes, fewer than 93" in fit._repr_html_()


def test_a_held_out_take_is_normal_and_forgeries_of_it_depart(fit, camera):
    _, good, altered, clips, _ = camera
    assert [(row["compared"], row["kind"]) for row in fit.check(good, clips).table()] == [("yes", None)]
    check = fit.check(altered, clips)
    assert (check.departing, check.compared) == (2, 2) and check.interval == tune.wilson(2, 2)
    assert "2 of 2 depart" in check._repr_html_()


def test_clips_that_were_fitted_on_are_not_checked(fit, camera):
    fitted, _, _, clips, _ = camera
    with pytest.raises(tune.LeakageError):
        fit.check(fitted, clips)


def test_clips_of_other_recorders_are_not_compared(camera):
    fitted, good, _, clips, _ = camera
    named = tune.fit_device(fitted, clips, "ZF-17", devices=["0317*"], by="李四", at=AT)
    check = named.check(good, clips)
    assert check.compared == 0 and check.interval == (0.0, 1.0)
    features, _ = clips.examined(clips[good.clips[0]])
    assert features["recording"].rows == 1  # also where nothing names the recorder: rules rely on it


def test_an_edited_clip_among_the_good_ones_is_named(camera):
    fitted, _, altered, clips, _ = camera
    cut = next(row for row in altered if "gap-kept" in row.path)
    smuggled = tune.labels_from((fitted + tune.Labels((replace(cut, label="false", whole=True),))).table())
    found = tune.fit_device(smuggled, clips, "ZF-17")
    assert [clip.sha256 for clip, _ in found.alone] == [cut.sha256]
    marks = {row["mark"] for row in found.alone_table()}
    assert "timing.longest_s" in marks and {mark.partition(".")[0] for mark in marks} == {"timing", "gop"}
    assert cut.path.rpartition("/")[2] in found._repr_html_()


def test_a_clip_that_is_labelled_as_altered_is_refused(camera):
    fitted, _, altered, clips, _ = camera
    with pytest.raises(tune.LabelError, match="labelled as altered"):
        tune.fit_device(fitted + altered, clips, "ZF-17")


def test_fewer_than_three_takes_are_refused(camera):
    fitted, _, _, clips, _ = camera
    with pytest.raises(tune.LabelError, match="2 takes are too few"):
        tune.fit_device(fitted.of(fitted.clips[:2]), clips, "ZF-17")


def test_what_every_take_shows_otherwise_is_not_compared(camera):
    fitted, _, _, clips, _ = camera
    for number, sha256 in enumerate(fitted.clips):
        clips = changed(clips, sha256, "container", writer=f"firmware of clip {number}")
    found = tune.fit_device(fitted, clips, "ZF-17")
    assert found.varying == ("container.writer",) and "container.writer" not in found.profile.words
    assert found.alone == ()


class TestRanges:
    def test_few_values_are_widened_as_howe_says(self):
        low, high = tolerance([9.0, 10.0, 11.0, 10.0, 10.0], 5)
        factor = (high - 10.0) / np.std([9.0, 10.0, 11.0, 10.0, 10.0], ddof=1)
        assert factor == pytest.approx(5.079, abs=0.03)  # NIST/SEMATECH e-Handbook 7.2.6.3 tabulates 5.079 for 5
        assert low == pytest.approx(20.0 - high)

    def test_many_are_not_and_their_number_is_that_of_wilks(self):
        values = np.random.default_rng(1).uniform(size=93).tolist()
        assert tolerance(values, 93) == (min(values), max(values))
        assert tolerance(values[:92], 92) != (min(values[:92]), max(values[:92]))
        assert "no assumption" in range_rule(93) and "normally distributed" in range_rule(92)

    def test_what_never_differs_has_no_width(self):
        assert tolerance([15.0] * 4, 4) == (15.0, 15.0)


class TestTheSettingsFile:
    def test_it_is_read_back_as_it_was_written(self, fit, camera, tmp_path):
        _, good, altered, clips, _ = camera
        checked = fit.checked(fit.check(good, clips), fit.check(altered, clips))
        path = tune.write_settings(tmp_path / "zf17.toml", checked.settings())
        text = path.read_text(encoding="utf-8")
        assert (
            "[[detectors.device-profile.profiles]]" in text
            and 'by = "李四"' in text
            and "altered_departing = 2" in text
        )
        assert tune.read_tuned(path) == checked.settings() and tune.read_tuned(path).tuned is None
        path.write_text(text.replace('"160x128"', '"320x240"'), encoding="utf-8")
        with pytest.raises(SettingsError, match=r"device-profile\] profiles.0: .*changed after it was fitted"):
            tune.read_tuned(path)

    def test_several_models_lie_in_one_file_and_each_once(self, fit, camera, tmp_path):
        fitted, _, _, clips, _ = camera
        other = tune.fit_device(fitted, clips, "ZF-18", by="李四", at=AT)
        both = fit.settings(other.settings(fit.settings()))
        assert [one["name"] for one in both.section(SECTION)["profiles"]] == ["ZF-18", "ZF-17"]
        read = tune.read_tuned(tune.write_settings(tmp_path / "both.toml", both))
        assert read == both

    def test_it_lies_beside_what_was_tuned(self, fit, made, tmp_path):
        parts = tune.split(made.labels, held_out=0.5, seed=1)
        grid = {"min_hold_s": [0.3, 2.0]}
        swept = tune.sweep(parts.tune, made.clips, "detectors.frozen-picture", fit.settings(), bar=False, **grid)
        choice = tune.choose(swept)
        tuned = tune.tuned(choice, choice.confirm(parts.test, made.clips, bar=False), by="李四")
        path = tune.write_tuned(tmp_path / "tuned.toml", tuned)
        assert tune.read_tuned(path) == tuned and tuned.section(SECTION)["profiles"][0]["name"] == "ZF-17"

    def test_a_scan_with_it_tells_what_the_notebook_told(self, fit, camera, tmp_path):
        _, good, altered, clips, root = camera
        path = tune.write_settings(tmp_path / "zf17.toml", fit.settings())
        labels = good + altered
        for clip, _, expected in fit.check(labels, clips).rows:
            arguments = ["scan", clip.path, "--settings", path, "--json", "--cache", root / "cache", "--lang", "zh-CN"]
            document = json.loads(CliRunner().invoke(app, [str(one) for one in arguments]).stdout)
            VALIDATOR.validate(document)
            assert document["settings"][SECTION]["profiles"][0]["by"] == "李四"
            told = [one for one in document["findings"] if one["detector"] == "device-profile"]
            if expected is None:
                assert told == []
                continue
            (finding,) = told
            assert (finding["kind"], finding["level"]) == (expected.kind, "suspect")
            assert finding["evidence"] == json.loads(json.dumps(dict(expected.evidence)))
            assert "ZF-17 型执法记录仪" in language("zh-CN").tell(expected.message)
