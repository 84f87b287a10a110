"""Forging from a notebook: once, with everything told that could not be made, and sources that takes share."""

import pytest

from pipeline import tune
from pipeline.errors import FootageError, SettingsError
from tests.tuning.labelled import takes

SHA = "cd" * 32


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return takes(tmp_path_factory.mktemp("honest") / "takes", 2)


def forge(paths, out, cases=("frozen-0.5s", "re-encoded"), **more):
    return tune.forge(paths, out, cases, seed=1, bar=False, **more)


def state(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


def test_labels_are_those_of_the_folder(honest, tmp_path):
    labels = forge(honest, tmp_path / "out")
    assert labels == tune.read_truths(tmp_path / "out")
    assert len(labels.clips) == 4 and labels.origins == {"forge": 6} and len(tune.groups(labels)) == 2


def test_what_is_there_is_not_made_again(honest, tmp_path):
    out = tmp_path / "out"
    labels = forge(honest, out)
    before = state(out)
    assert forge(honest, out) == labels and state(out) == before


@pytest.mark.parametrize("change", [{"seed": 2}, {"cases": ("frozen-0.5s",)}, {"crf": (30,)}, {"seconds": 2.0}])
def test_what_was_asked_otherwise_is_made_anew(honest, tmp_path, change):
    out = tmp_path / "out"
    first = forge(honest[:1], out)
    asked = {"cases": ("frozen-0.5s", "re-encoded"), "seed": 1} | change
    assert set(tune.forge(honest[:1], out, bar=False, **asked).clips) != set(first.clips)
    assert forge(honest[:1], out) == first


def test_a_clip_that_is_gone_is_made_anew(honest, tmp_path):
    labels = forge(honest[:1], tmp_path / "out")
    before = state(tmp_path / "out")
    (tmp_path / "out" / "take0-re-encoded.mp4").unlink()
    assert forge(honest[:1], tmp_path / "out") == labels
    assert {name: content for name, (_, content) in state(tmp_path / "out").items()} == {
        name: content for name, (_, content) in before.items()
    }


def test_what_cannot_be_made_is_told_each_time(honest, tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("no footage")
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"text\.mp4.*splice needs a second clip"):
            labels = forge([text, honest[0]], tmp_path / "out", ("splice", "removed-3"))
        assert len(labels.clips) == 1
    with pytest.warns(UserWarning), pytest.raises(tune.LabelError, match="nothing could be forged"):
        forge([text], tmp_path / "nothing")


def test_takes_of_one_source_share_it_with_recorder_and_scene(tmp_path):
    paths = takes(tmp_path / "takes", 3)
    for path in paths[:2]:
        stated = f'file = "{path.name}"\nsource = ["{SHA}"]\ndevice = "ZF-17"\nscene = "yard"\n'
        path.with_suffix(".truth.toml").write_text(f"[clip]\n{stated}\n[true]\nforged = false\n", encoding="utf-8")
    labels = forge(paths, tmp_path / "out", ("frozen-0.5s", "splice"))
    by_name = {row.path.rsplit("/", 1)[1]: row for row in labels}
    for name in ("take0-frozen-0.5s.mp4", "take1-frozen-0.5s.mp4", "take0-splice.mp4"):
        assert (by_name[name].source, by_name[name].device, by_name[name].scene) == ((SHA,), "ZF-17", "yard")
    alone, mixed = by_name["take2-frozen-0.5s.mp4"], by_name["take1-splice.mp4"]
    assert alone.scene is None and set(mixed.source) == {SHA, *alone.source} and mixed.device is None


def test_a_source_that_is_stated_anew_makes_the_labels_anew(tmp_path):
    paths = takes(tmp_path / "takes", 1)
    assert SHA not in forge(paths, tmp_path / "out", ("frozen-0.5s",)).rows[0].source
    truth = paths[0].with_suffix(".truth.toml")
    truth.write_text(f'[clip]\nfile = "take0.mp4"\nsource = ["{SHA}"]\n[true]\nforged = false\n', encoding="utf-8")
    assert forge(paths, tmp_path / "out", ("frozen-0.5s",)).rows[0].source == (SHA,)


@pytest.mark.parametrize("source", ['"none"', '["none"]', "[7]", "7"])
def test_a_truth_file_that_cannot_be_used_is_told(tmp_path, source):
    paths = takes(tmp_path / "takes", 1)
    paths[0].with_suffix(".truth.toml").write_text(f"[clip]\nsource = {source}\n", encoding="utf-8")
    with pytest.raises(FootageError, match="does not say where its clip comes from"):
        forge(paths, tmp_path / "out")


def test_a_wish_that_cannot_be_fulfilled_is_refused(honest, tmp_path):
    with pytest.raises(SettingsError, match="There is no case shred"):
        forge(honest, tmp_path / "out", ("shred",))
    with pytest.raises(SettingsError, match="CRF"):
        forge(honest, tmp_path / "out", crf=(80,))
    with pytest.raises(TypeError, match="colour"):
        forge(honest, tmp_path / "out", colour="red")
