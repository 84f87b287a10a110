"""The public JSON: every document is valid under the schema, whatever the examination holds."""

import base64
import json
import math
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.case import case_table, read_case
from pipeline.features.schema import table, to_table
from pipeline.model import (
    Curve,
    Examination,
    Examined,
    Features,
    Finding,
    Footage,
    Level,
    Message,
    Outcome,
    RuleResult,
    Skipped,
    Span,
)
from pipeline.report import json_v1

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "contract.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# Texts as they come out of hostile footage: any code point, lone surrogates included.
texts = st.text(st.characters(), max_size=12)
names = st.from_regex(r"[a-z]{1,8}(-[a-z]{1,8}){0,2}", fullmatch=True)
columns = st.from_regex(r"[a-z]{1,8}\.[a-z_]{1,8}", fullmatch=True)
numbers = st.floats() | st.integers() | st.floats(width=32).map(np.float32) | st.integers(-9, 9).map(np.int64)
scalars = texts | numbers | st.booleans() | st.none() | st.sampled_from(Level)
counts = st.integers(0, 2**40)
seconds = st.floats(0, 1e7)
evidence = st.dictionaries(texts, scalars | st.lists(scalars, max_size=3) | st.lists(scalars, max_size=3).map(tuple))
messages = st.builds(lambda value: Message("{value} s", {"value": value}), scalars)


@st.composite
def spans(draw):
    start = draw(st.floats(-1e6, 1e6))
    return Span(start, start + draw(st.floats(0, 1e6)), draw(st.none() | counts), draw(st.none() | counts))


findings = st.builds(
    Finding,
    kind=names,
    level=st.sampled_from(Level),
    span=spans(),
    message=messages,
    score=st.none() | st.floats(0, 1),
    evidence=evidence,
    curves=st.lists(st.builds(Curve, columns, st.none() | st.floats()), max_size=2).map(tuple),
    id=st.integers(1, 99).map(lambda number: f"f{number}"),
    detector=names,
    version=st.integers(1, 9),
    params=evidence,
)
examinations = st.builds(
    Examination,
    footage=st.builds(
        Footage,
        path=st.binary(min_size=1, max_size=9).filter(lambda raw: b"\0" not in raw).map(lambda raw: as_path(raw)),
        sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        bytes=counts,
    ),
    profile=texts,
    features=st.just(Features()),
    examined=st.builds(
        Examined,
        packets=counts,
        frames_in_header=st.none() | counts,
        frames_decoded=counts,
        frames_failed=counts,
        audio_s=seconds,
        speech_s=seconds,
        pictures_read=counts,
        gaps=st.lists(messages, max_size=2).map(tuple),
    ),
    findings=st.lists(findings, max_size=3).map(tuple),
    rules=st.lists(
        st.builds(
            RuleResult,
            id=names,
            article=texts,
            text=texts,
            gloss=texts,
            outcome=st.sampled_from(Outcome),
            reason=messages,
            findings=st.lists(names, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    verdict=st.sampled_from(Outcome),
    skipped=st.lists(st.builds(Skipped, names, st.lists(columns).map(tuple)), max_size=2).map(tuple),
    unreadable=st.none() | messages,
    versions=st.dictionaries(texts, texts, max_size=3),
    settings=st.dictionaries(names, evidence, max_size=2),
)


def as_path(raw: bytes) -> Path:
    return Path(raw.decode("utf-8", "surrogateescape"))


def examination(**changes) -> Examination:
    values = {
        "footage": Footage(Path("/evidence/a.mp4"), "0" * 64, 5),
        "profile": "county-emergency",
        "features": Features(),
        "examined": Examined(),
        "findings": (),
        "rules": (),
        "verdict": Outcome.UNDECIDED,
    }
    return Examination(**{**values, **changes})


@given(examinations)
def test_every_document_is_valid_and_survives_being_written(whole):
    document = json_v1.document(whole)
    written = json_v1.text(document).encode("utf-8")
    read = json.loads(written, parse_constant=lambda name: 1 / 0)
    VALIDATOR.validate(read)
    assert read == json.loads(json.dumps(document))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_refuses_what_the_contract_does_not_promise():
    document = json_v1.document(examination())
    for broken in (
        {**document, "surprise": 1},
        {key: value for key, value in document.items() if key != "verdict"},
        {**document, "verdict": "passed"},
        {**document, "clip": {**document["clip"], "duration_s": None}},
    ):
        assert not VALIDATOR.is_valid(broken)


def test_keys_come_in_the_order_of_the_contract():
    document = json_v1.document(examination())
    assert list(document)[:8] == ["format", "tool", "profile", "clip", "examined", "findings", "rules", "verdict"]
    keys = ["path", "sha256", "bytes", "duration_s", "device_id", "recorded_at", "case", "recording"]
    assert list(document["clip"]) == keys


def test_numbers_that_are_not_finite_become_null():
    finding = Finding(
        "frozen-picture",
        Level.SUSPECT,
        Span(1.0, 2.0),
        Message("still"),
        evidence={"worst": math.nan, "all": [1.5, math.inf], "n": np.int64(3), "x": np.float32("nan")},
        curves=(Curve("frames.luma_diff", math.nan),),
        id="f1",
        detector="frozen-picture",
        version=1,
    )
    found = json_v1.document(examination(findings=(finding,)))["findings"][0]
    assert found["evidence"] == {"worst": None, "all": [1.5, None], "n": 3, "x": None}
    assert found["curves"] == [{"column": "frames.luma_diff", "threshold": None}]
    assert found["span"] == {"start_s": 1.0, "stop_s": 2.0, "first_frame": None, "stop_frame": None}


def test_a_name_that_is_not_utf8_is_shown_and_kept():
    raw = b"/evidence/\xff\xb3.mp4"
    clip = json_v1.document(examination(footage=Footage(as_path(raw), "0" * 64, 5)))["clip"]
    assert clip["path"] == r"/evidence/\xff\xb3.mp4"
    assert base64.b64decode(clip["path_base64"]) == raw


def test_a_name_that_is_utf8_needs_no_raw_bytes():
    clip = json_v1.document(examination(footage=Footage(Path("/evidence/现场.mp4"), "0" * 64, 5)))["clip"]
    assert clip["path"] == "/evidence/现场.mp4"
    assert "path_base64" not in clip


def test_device_and_claimed_time_come_from_case_record_and_header():
    tables = {
        "case": table("case", [{"field": "device.id", "value": "DSJ-007"}]),
        "container": table("container", [{"format": "mp4", "bytes": 5, "created_at": "2026-03-01T08:00:00+00:00"}]),
    }
    clip = json_v1.document(examination(features=Features(tables)))["clip"]
    assert (clip["device_id"], clip["recorded_at"]) == ("DSJ-007", "2026-03-01T08:00:00+00:00")


def test_the_case_record_is_told_and_what_it_leaves_out_is_null(tmp_path):
    record = tmp_path / "case.toml"
    record.write_text(
        'officers = ["张三", "李四"]\ncause = "安全检查"\n[place]\nnames = ["禾岭化工有限公司", "禾岭化工"]\n'
        '[unit]\nname = "监察支队"\n[device]\nid = "K7A0123"\n',
        encoding="utf-8",
    )
    tables = {"case": to_table("case", case_table(read_case(record)))}
    document = json_v1.document(examination(features=Features(tables)))
    VALIDATOR.validate(document)
    assert document["clip"]["case"] == {
        "case_number": None,
        "agency": None,
        "unit": "监察支队",
        "unit_number": None,
        "officers": ["张三", "李四"],
        "cause": "安全检查",
        "parties": [],
        "place": "禾岭化工有限公司",
        "access": None,
        "secrecy": [],
    }
    assert document["clip"]["device_id"] == "K7A0123"


@pytest.mark.parametrize(("number", "within_s"), [(17, 2.0), (None, math.nan)])
def test_the_recording_is_told_and_what_is_not_known_is_null(number, within_s):
    row = {
        "device_id": "K7A0123",
        "device_from": "overlay",
        "started_at": "2026-03-01T08:00:00+08:00",
        "ended_at": None,
        "time_from": "overlay",
        "time_within_s": within_s,
        "number": number,
    }
    document = json_v1.document(examination(features=Features({"recording": table("recording", [row])})))
    VALIDATOR.validate(json.loads(json_v1.text(document)))
    assert document["clip"]["recording"] == {**row, "time_within_s": None if math.isnan(within_s) else within_s}
    assert (document["clip"]["device_id"], document["clip"]["case"]) == (None, None)


def test_every_key_is_explained():
    explained = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
    for name, part in SCHEMA["$defs"].items():
        for key in part.get("properties", {}):
            assert f"`{key}`" in explained or f"{name}.{key}`" in explained, f"{name}.{key} is not in docs/contract.md"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (Message("It stands still."), {"template": "It stands still.", "values": {}}),
        (Message("{count} of {name}", {"count": 3, "name": "号"}),
         {"template": "{count} of {name}", "values": {"count": 3, "name": "号"}}),
        (Message("{seconds:.1f} s", {"seconds": math.nan}), {"template": "nan s", "values": {}}),
        (Message("{path}: gone", {"path": "a\udcff{b}"}),
         {"template": "{path}: gone", "values": {"path": "a\\udcff{b}"}}),
        (Message("{day}", {"day": date(2026, 3, 4)}), {"template": "{day}", "values": {"day": "2026-03-04"}}),
        (Message("{day:%d.%m.}", {"day": date(2026, 3, 4)}), {"template": "04.03.", "values": {}}),
    ],
)  # fmt: skip
def test_a_sentence_is_told_so_that_it_can_be_translated(message, told):
    parts = json_v1.parts(message)
    assert parts == told and json.loads(json.dumps(parts, allow_nan=False)) == parts
    assert str(json_v1.message_of(parts)) == json_v1.plain(str(message))


@given(examinations)
def test_every_sentence_of_a_document_is_told_in_parts_too(whole):
    document = json_v1.document(whole)
    pairs = [(one["summary"], one["message"]) for one in document["findings"]]
    pairs += [(one["summary"], one["message"]) for found in document["findings"] for one in found["grounds"]]
    pairs += [(one["reason"], one["message"]) for one in document["rules"]]
    pairs += list(zip(document["examined"]["gaps"], document["examined"]["gap_messages"], strict=True))
    assert [text for text, _ in pairs] == [str(json_v1.message_of(parts)) for _, parts in pairs]
