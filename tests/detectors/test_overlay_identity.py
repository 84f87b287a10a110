"""Device, unit and officer of the overlay against the case record and a registry."""

import pytest

from detectors.overlay_identity import likeness, overlay_identity
from pipeline.features.schema import table
from pipeline.model import Features
from tests.packets import kinds

REGISTRY = [("K7A0123", "监察支队"), ("K7A0124", "监察支队"), ("M9B4455", "长安区应急管理局")]


def told(overlay, case=(), registry=None, **quality):
    read = {"agreement": 1.0, "readings": 10, "pictures": 10} | quality
    tables = {"overlay": table("overlay", [{"field": f, "text": t, **read} for f, t in overlay])}
    if case:
        tables["case"] = table("case", [{"field": field, "value": value} for field, value in case])
    if registry is not None:
        rows = [{"device_id": device, "unit": unit, "officer": None} for device, unit in registry]
        tables["registry"] = table("registry", rows)
    return list(overlay_identity(Features(tables)))


@pytest.mark.parametrize(
    ("shown", "wanted", "least", "most"),
    [
        ("K7A0123", "K7A0123", 100, 100),
        ("ID:K7AO123", "K7A0123", 100, 100),
        ("设备编号：K7A01Z3", "K7A0123", 100, 100),
        ("DSJ-A7 0317255", "0317255", 100, 100),
        ("K7A0128", "K7A0123", 80, 95),
        ("M9B4455", "K7A0123", 0, 45),
        ("警号:012345 张三", "张三", 100, 100),
        ("张", "李四", 0, 0),
    ],
)
def test_likeness(shown, wanted, least, most):
    assert least <= likeness(shown, wanted) <= most


@pytest.mark.parametrize(("shown", "wanted"), [("张三", "012345"), ("", "K7A0123"), ("K7A0123", "--"), ("ABC", "张三")])
def test_what_cannot_be_compared_is_not(shown, wanted):
    assert likeness(shown, wanted) is None


def test_the_device_of_the_case_record_is_confirmed():
    (note,) = told([("device", "K7AO123"), ("clock", "12:00:01")], [("device.id", "K7A0123")])
    assert kinds([note]) == [("device-shown", "note")]
    assert note.message.values == {"text": "K7AO123", "wanted": "K7A0123"}


def test_another_device_is_for_a_person():
    assert kinds(told([("device", "M9B4455")], [("device.id", "K7A0123")])) == [("device-mismatch", "suspect")]


@pytest.mark.parametrize("quality", [{"agreement": 0.4}, {"readings": 2}])
def test_a_line_that_was_read_badly_accuses_nobody(quality):
    assert told([("device", "M9B4455")], [("device.id", "K7A0123")], **quality) == []


def test_between_like_and_unlike_nothing_is_said():
    assert told([("device", "K7A9923")], [("device.id", "K7A0123")]) == []


def test_a_neighbour_in_the_registry_is_told_from_the_device_of_the_case():
    shown, case = [("device", "K7A0124")], [("device.id", "K7A0123")]
    assert kinds(told(shown, case)) == [("device-shown", "note")]
    assert kinds(told(shown, case, REGISTRY)) == [("device-mismatch", "suspect")]
    assert kinds(told([("device", "K7A0123")], case, REGISTRY)) == [("device-shown", "note")]


def test_without_a_case_record_the_registry_names_the_device():
    (note,) = told([("device", "M9B445S")], registry=REGISTRY)
    assert note.message.values["entry"] == "M9B4455"
    assert told([("device", "K7A012")], registry=REGISTRY) == []
    assert told([("device", "XX")], registry=REGISTRY) == []
    assert told([("device", "M9B4455")]) == []


def test_officers_and_units():
    case = [("officers", "张三"), ("officers", "012345"), ("unit.name", "监察支队")]
    assert kinds(told([("officer", "警号:012345")], case)) == [("device-shown", "note")]
    assert kinds(told([("officer", "王小明")], case)) == [("device-mismatch", "suspect")]
    assert told([("officer", "王小明")], case[1:]) == []
    assert kinds(told([("unit", "石家庄市监察支队")], case)) == [("device-shown", "note")]
    assert told([("unit", "长安区应急管理局")], case) == []
    assert kinds(told([("unit", "长安区应急管理局")], case, REGISTRY)) == [("device-mismatch", "suspect")]
