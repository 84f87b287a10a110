"""A clip against the profile of its recorder model."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from detectors._device import DeviceProfile, Marks, departures, marks_of, profiles_for
from detectors.device_profile import device_profile
from pipeline.detector import REGISTRY
from pipeline.features.schema import table
from pipeline.model import Features
from pipeline.stages import sections
from tests.packets import EMPTY, kinds, stream
from tests.test_contract import wild_features

TAKE = stream("IPPPPPPPPP" * 6)


def clip(taken=TAKE, device="0317255", overlay=(), **changed):
    made = taken.features(**changed)
    lines = [{"agreement": 1.0, "readings": 6, "pictures": 6} | line for line in overlay]
    tables = {"recording": table("recording", [{"device_id": device}]), "overlay": table("overlay", lines)}
    return Features({**made.tables, **tables})


def profile(features, **changed):
    """Return the profile of a model whose clips are all as this one."""
    marks = marks_of(features)
    values = {"name": "ZF-17", "by": "李四", "at": "2026-03-04T18:00:00+08:00", "tool": "0.1.0", "hours": 0.1}
    values |= {"clips": 5, "sources": 5, "clips_sha256": "0" * 64}
    values |= {"words": {mark: (word,) for mark, word in marks.words.items()}}
    values |= {"numbers": {mark: (number - 0.001, number + 0.001) for mark, number in marks.numbers.items()}}
    bare = DeviceProfile.model_construct(**values | changed)
    return DeviceProfile.model_validate(bare.model_dump() | {"sha256": bare.digest()})


def found(features, *profiles):
    return list(device_profile(features, profiles=profiles))


def told(finding):
    return dict(
        zip(
            finding.evidence["marks"],
            zip(finding.evidence["normal"], finding.evidence["here"], strict=True),
            strict=True,
        )
    )


def test_a_clip_as_the_model_writes_them_says_nothing():
    assert found(clip(), profile(clip())) == []
    assert found(clip(stream("IPPPPPPPPP" * 4 + "IPP")), profile(clip())) == []


def test_without_a_profile_nothing_is_said():
    assert found(clip()) == []


@pytest.mark.parametrize(
    ("changed", "mark", "here"),
    [
        (clip(container={"writer": "Lavf61.1.100"}), "container.writer", "Lavf61.1.100"),
        (clip(container={"brand": "mp42"}), "container.brand", "mp42"),
        (clip(TAKE.later(30, 0.5)), "timing.longest_s", "0.54"),
    ],
)
def test_another_container_or_other_times_are_written_anew(changed, mark, here):
    (finding,) = found(changed, profile(clip()))
    assert (finding.kind, finding.level) == ("container-rewrite", "suspect")
    assert told(finding)[mark][1] == here
    assert "ZF-17" in finding.summary and mark in finding.summary
    assert finding.evidence["fitted_by"] == "李四" and finding.evidence["clips"] == 5


@pytest.mark.parametrize(
    ("changed", "mark"),
    [
        (clip(video={"codec": "hevc"}), "video.codec"),
        (clip(video={"width": 1920}), "video.size"),
        (clip(stream("IPPPP" * 12)), "gop.usual"),
        (clip(stream("I" + "P" * 59)), "gop.longest"),
    ],
)
def test_where_only_the_coding_departs_it_was_encoded_anew(changed, mark):
    (finding,) = found(changed, profile(clip()))
    assert finding.kind == "re-encoded" and finding.level == "suspect" and mark in told(finding)


def test_a_short_last_group_is_no_departure_and_a_group_that_is_too_long_is_one_though_cut_short():
    marks = marks_of(clip(stream("IPPPPPPPPPIPP")))
    assert marks.numbers["gop.longest"] == marks.numbers["gop.usual"] == 10
    assert marks_of(clip(stream("IPPPPPPPPPIPPPPPPPPPPPP"))).numbers["gop.longest"] == 13
    assert "gop.usual" not in marks_of(clip(stream("IPPPP"))).numbers
    assert found(clip(stream("IPPPP")), profile(clip())) == []


def test_the_overlay_stands_at_its_place():
    clock = {"field": "clock", "form": "0000-00-00 00:00:00", "left": 0.7, "top": 0.03, "right": 0.98, "bottom": 0.07}
    normal = profile(clip(overlay=[clock]))
    assert found(clip(overlay=[clock]), normal) == []
    (moved,) = found(clip(overlay=[clock | {"top": 0.9, "bottom": 0.94}]), normal)
    assert moved.kind == "re-encoded" and set(told(moved)) == {"overlay.clock.top", "overlay.clock.bottom"}
    (other,) = found(clip(overlay=[clock | {"form": "00/00/0000 00:00"}]), normal)
    assert told(other) == {"overlay.clock.form": ("0000-00-0000:00:00", "00/00/000000:00")}
    (gone,) = found(clip(overlay=[]), normal)
    assert told(gone) == {"overlay.lines": ("clock", "-")}
    longer = {"field": "officer", "left": 0.02, "top": 0.9, "right": 0.2, "bottom": 0.95}
    assert found(clip(overlay=[longer | {"right": 0.4}]), profile(clip(overlay=[longer]))) == []
    seldom = clip(overlay=[clock | {"readings": 1}])
    assert marks_of(seldom).words["overlay.lines"] == "-"


def test_what_was_not_measured_is_not_compared():
    unread = {name: rows for name, rows in clip().tables.items() if name != "overlay"}
    clock = {"field": "clock", "form": "00:00:00", "left": 0.7, "top": 0.0, "right": 0.9, "bottom": 0.1}
    assert found(Features(unread), profile(clip(overlay=[clock]))) == []
    assert found(Features({**EMPTY.tables, "recording": table("recording", [{}])}), profile(clip())) == []


class TestWhichProfile:
    other = clip(container={"brand": "mp42"})

    def test_one_that_names_the_recorder(self):
        named = profile(clip(), devices=("03172*",))
        assert kinds(found(self.other, named)) == [("container-rewrite", "suspect")]
        assert found(clip(device="0999999", container={"brand": "mp42"}), named) == []
        assert found(clip(device=None, container={"brand": "mp42"}), named) == []

    def test_goes_before_one_for_every_clip(self):
        named, general = profile(clip(), devices=("0317255",)), profile(self.other)
        assert profiles_for([general, named], "0317255") == [named]
        assert profiles_for([general, named], "0999999") == profiles_for([general, named], None) == [general]
        assert kinds(found(self.other, general, named)) == [("container-rewrite", "suspect")]

    def test_of_two_firmwares_the_nearer_counts(self):
        assert found(self.other, profile(clip()), profile(self.other, name="ZF-17 v2")) == []
        far = profile(clip(container={"brand": "qt", "writer": "DSJ"}), name="far")
        (finding,) = found(self.other, far, profile(clip()))
        assert finding.evidence["profile"] == "ZF-17"


class TestInSettings:
    def test_it_takes_its_form_in_a_settings_file(self):
        model = sections()["detectors.device-profile"]
        given = json.loads(json.dumps(profile(clip()).model_dump()))
        read = model.model_validate({"profiles": [given]})
        assert read.profiles == (profile(clip()),)
        entry = REGISTRY["device-profile"]
        (finding,) = entry(clip(container={"brand": "mp42"}), profiles=[given])
        assert finding.params["profiles"][0]["name"] == "ZF-17"

    @pytest.mark.parametrize(
        ("changed", "problem"),
        [
            ({"words": {"container.brand": ["mp42"]}}, "changed after it was fitted"),
            ({"clips": 500}, "changed after it was fitted"),
            ({"words": {"container.colour": ["red"]}}, "unknown marks: container.colour"),
            ({"firmware": 2}, "Extra inputs"),
        ],
    )
    def test_what_was_fitted_is_not_changed_by_hand(self, changed, problem):
        with pytest.raises(ValueError, match=problem):
            DeviceProfile.model_validate(profile(clip()).model_dump() | changed)

    def test_name_and_recorders_may_be_changed(self):
        changed = profile(clip()).model_dump() | {"name": "ZF-17 v2", "devices": ["03*"]}
        assert DeviceProfile.model_validate(changed).names("0317255")


def test_numbers_that_may_be_less():
    numbers = {"timing.jitter_s": (0.0, 0.002), "timing.step_s": (0.03, 0.04)}
    low = Marks({}, {"timing.jitter_s": -1.0, "timing.step_s": 0.01})
    assert [(one.mark, one.normal, one.here) for one in departures(low, {}, numbers)] == [
        ("timing.step_s", "0.03 .. 0.04", "0.01")
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(features=wild_features())
def test_no_table_makes_it_fail(features):
    for finding in REGISTRY["device-profile"](features, profiles=(profile(clip()),)):
        assert finding.level == "suspect" and len(finding.evidence["marks"]) == len(finding.evidence["here"]) > 0
