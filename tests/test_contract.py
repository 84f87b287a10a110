"""What every detector must keep, present and future: the whole registry, with no list to maintain."""

from __future__ import annotations

import inspect
import math
import pickle
import re
import string
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import detectors
import transcripts
from pipeline.case import EXEMPTIONS, FIELDS, PHASES
from pipeline.detector import REGISTRY
from pipeline.features.schema import TABLES, table
from pipeline.kinds import KINDS
from pipeline.language import language
from pipeline.model import Features
from pipeline.settings import described
from tests.packets import EMPTY, stream

assert detectors and transcripts  # importing them registers every detector

EACH = pytest.mark.parametrize("d", REGISTRY.values(), ids=lambda d: d.name)
SCHEMA = {f"{name}.{spec.name}" for name, specs in TABLES.items() for spec in specs}
SPOKEN_OR_WRITTEN = {"voice", "words", "texts", "landmarks", "case"}
CALM = Features(
    {name: rows for name, rows in stream("I" + "P" * 199).features().tables.items() if name not in SPOKEN_OR_WRITTEN}
)
"""A whole take in which nobody looked for speech or text."""

KNOWN_SECONDS = st.one_of(st.floats(-1.0, 30.0), st.sampled_from([0.0, 0.04, 0.08, 1.0]))
SECONDS = st.one_of(st.just(math.nan), KNOWN_SECONDS)
LENGTHS = st.one_of(st.just(math.nan), st.floats(0.0, 3.0))
NUMBERS = st.one_of(st.just(math.nan), st.floats(0.0, 255.0), st.sampled_from([0.0, 1.0, 0.02, 16.0]))
TEXTS = st.sampled_from(
    [None, "video", "audio", "moov", "mdat", "为保护您的合法权益", "place.names", "place.photos", ""]
)
COUNTS = st.integers(0, 400)
STATED = {
    "case.field": [field.name for field in FIELDS],
    "case.value": [
        "none",
        *PHASES[:4],
        *EXEMPTIONS,
        "true",
        "false",
        "某某化工",
        "安全生产检查",
        "0317255",
        "a.mp4",
        "?",
        None,
    ],
    "siblings.clip": ["a.mp4", "b.mp4", None],
    "siblings.phases": ["inspection rights", "none", "??", "", None],
    "findings.kind": [*KINDS, "??", None],
    "overlay.field": ["clock", "date", "officer", None],
    "overlay.text": ["2026-03-02 09:00:00", "某某化工", "0317255", None],
    "container.created_at": ["2026-03-02T09:00:00+08:00", "2026-03-02", "??", None],
    "texts.text": ["中华人民共和国行政执法证", "姓名张三", "证号13010012345", "某某化工", "", None],
    "words.text": ["安全生产检查", "某某化工", "为保护您的合法权益", "", None],
    "file.name": ["a.mp4", "某某化工现场检查.mp4", "", None],
    "file.sha256": ["00", "ff", None],
    "transcript.sha256": ["00", "ff", None],
    "transcript.status": ["draft", "confirmed", "??", None],
    "transcript.made_at": ["2026-03-02T09:00:00+08:00", "??", None],
}
"""Columns whose detectors read what a person or a program stated there: sense and nonsense."""


def _values(table_name: str, unit: str, type_: str, name: str) -> st.SearchStrategy[object]:
    if unit == "s" and table_name in SPOKEN_OR_WRITTEN:
        return KNOWN_SECONDS  # what is heard or read, is heard or read at some time
    if name == "stream":
        return st.integers(0, 2)
    if name == "values":
        return st.just("{}")
    match type_:
        case "bool":
            return st.booleans()
        case "str":
            return st.sampled_from(stated) if (stated := STATED.get(f"{table_name}.{name}")) else TEXTS
        case "i8":
            return COUNTS
        case "i8?":
            return st.one_of(st.none(), COUNTS)
    return LENGTHS if "duration" in name else SECONDS if unit == "s" else NUMBERS


def _rows(name: str) -> st.SearchStrategy[list[dict[str, object]]]:
    row = st.fixed_dictionaries({spec.name: _values(name, spec.unit, spec.type, spec.name) for spec in TABLES[name]})
    most = 1 if name == "container" else 3 if name in {"streams", "edits", "boxes"} else 20
    return st.one_of(st.just([]), st.lists(row, min_size=1, max_size=1), st.lists(row, max_size=most))


@st.composite
def wild_features(draw: st.DrawFn) -> Features:
    """Tables of the right types, and of nonsense: no rows, one row, unknown values, times in any order."""
    tables = {}
    for name in TABLES:
        rows = draw(_rows(name))
        for row in rows:
            if "stop_s" in row and not row["start_s"] <= row["stop_s"]:
                row["stop_s"] = row["start_s"]
        tables[name] = table(name, rows)
    return Features(tables)


def _extent(features: Features) -> tuple[float, float]:
    ends = [0.0]
    for name in features.tables.keys() & {"frames", "sound", "packets", "words", "voice", "texts", "landmarks"}:
        rows = features[name]
        for start, length in (("time_s", "duration_s"), ("start_s", None), ("stop_s", None)):
            if start in rows:
                values = rows[start] + (np.nan_to_num(rows[length]) if length and length in rows else 0.0)
                ends.extend(values[np.isfinite(values)].tolist())
                ends.extend(rows[start][np.isfinite(rows[start])].tolist())
    return min(ends), max(ends)


def _check(d, features):
    found = d(features)
    low, high = _extent(features)
    frames = features["frames"].rows
    for finding in found:
        assert finding.kind in d.emits
        assert low - 1e-6 <= finding.span.start_s <= finding.span.stop_s <= high + 1e-6
        if finding.span.first_frame is not None:
            assert 0 <= finding.span.first_frame < finding.span.stop_frame <= frames
        assert finding.score is None or 0.0 <= finding.score <= 1.0
        assert str(finding.message)
        assert language("zh-CN").tell(finding.message)
        for curve in finding.curves:
            assert curve.column in SCHEMA
        for value in finding.evidence.values():
            listed = value if isinstance(value, list | tuple) else [value]
            assert all(isinstance(v, str | int | float | bool | None) for v in listed), (d.name, finding.evidence)
    return found


@EACH
class TestContract:
    def test_it_needs_declared_columns_only(self, d):
        assert set(d.needs) <= SCHEMA

    def test_it_emits_known_kinds_only(self, d):
        assert d.emits and set(d.emits) <= KINDS.keys()

    def test_its_function_pickles(self, d):
        assert pickle.loads(pickle.dumps(d.func)) is d.func

    def test_every_parameter_is_documented_and_keyword_only(self, d):
        parameters = list(inspect.signature(d.func).parameters.values())[1:]
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters)
        assert {p.name for p in parameters} == d.parameters.model_fields.keys() <= described(d.func).keys()

    def test_its_docstring_names_its_source(self, d):
        doc = inspect.getdoc(d.func)
        assert re.search(r"^References\n-+\n\S", doc, re.M) or "Article" in doc

    def test_nothing_measured_gives_nothing(self, d):
        assert d(Features({})) == []

    def test_nothing_found_is_no_accusation(self, d):
        assert [f for f in _check(d, EMPTY) if f.level == "violation"] == []

    def test_a_calm_take_is_no_accusation(self, d):
        assert [f for f in _check(d, CALM) if f.level == "violation"] == []

    def test_every_sentence_is_translated_with_the_same_fields(self, d):
        translations = language("zh-CN").sentences
        templates = _sentences(d.func)
        assert templates, f"{d.name} says nothing"
        for template in templates:
            assert template in translations, template
            assert _fields(template) == _fields(translations[template]), template


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(features=wild_features())
def test_no_table_makes_a_detector_fail(features):
    before = {(t, c): values.copy() for t, rows in features.tables.items() for c, values in rows.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of NaN in nonsense tables
        for d in REGISTRY.values():
            found = _check(d, features)
            assert repr(found) == repr(d(features)), d.name
    for (name, column), values in before.items():
        np.testing.assert_array_equal(features[name][column], values)


def _sentences(func) -> set[str]:
    """Return every string literal of the detector's module that is a sentence for a user."""
    import ast

    tree = ast.parse(inspect.getsource(inspect.getmodule(func)))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    attribute_docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docs | attribute_docs
        and re.match(r"[A-Z{].* .*[.?]$", node.value, re.S)
    }


def _fields(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}
