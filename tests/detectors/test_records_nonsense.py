"""No case record, however wrong, makes a detector over it fail, or say what cannot be told in the reader's language."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import detectors
from pipeline.case import CIRCUMSTANCES, FIELDS
from pipeline.detector import REGISTRY
from pipeline.language import language
from tests.records import recorded

assert detectors  # importing it registers every detector

ALL = CIRCUMSTANCES[1:]
PARAMETERS = {
    "upload-time": [
        {"limit_h": 24.0},
        {"limit_h": 24.0, "special_working_days": 0},
        {"begins_at": "recorded", "limit_working_days": 2},
    ],
    "sorting": [{"limit_working_days": 2}],
    "archiving": [{"limit_working_days": 30}, {"begins_on": "ended_on", "limit_days": 30}],
    "retention": [{"least_years": 2, "evidence_as_volume": True, "flags": ALL}, {"least_years": 1}],
    "evidence-retention": [{"evidence_as_volume": True}],
    "hold": [{"flags": ALL}],
    **{name: [{}] for name in ("medium-link", "copies", "secrecy", "manifest", "case-clips", "access", "case-link")},
}
MOMENTS = st.one_of(
    st.datetimes(timezones=st.timezones() | st.none()).map(lambda at: at.isoformat()),
    st.sampled_from(
        ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-03-02T10:00:00Z", "2026-03-02", "?", ""]
    ),
)
DAYS = st.one_of(st.dates().map(str), st.sampled_from(["0001-01-01", "9999-12-31", "2026-12-31", "2024-02-29", "?"]))
VALUES = {"time": MOMENTS, "date": DAYS, "flag": st.sampled_from(["true", "false", "?"])}


def _entries(field):
    if field.codes:
        return st.lists(st.sampled_from([*field.codes, "?"]), max_size=3)
    return st.lists(
        VALUES.get(field.form, st.sampled_from(["none", "a.mp4", "b.mp4", "ab" * 32, "张三", " ", "{"])), max_size=3
    )


RECORDS = st.fixed_dictionaries({}, optional={field.name: _entries(field) for field in FIELDS})


@pytest.mark.parametrize("name", PARAMETERS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=RECORDS, data=st.data())
def test_nonsense_is_no_error(name, case, data):
    features = recorded(
        case,
        examined_at=data.draw(st.none() | MOMENTS),
        ended_at=data.draw(st.none() | MOMENTS),
        within_s=data.draw(st.floats()),
        sha256=data.draw(st.sampled_from([None, "ab" * 32, "?"])),
        siblings=data.draw(st.none() | st.lists(st.sampled_from(["b.mp4", ""]))),
        findings=data.draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "kind": st.sampled_from(["said-objection", "said-insult", "place-shown"]),
                        "start_s": st.floats(),
                        "stop_s": st.floats(),
                        "words": st.sampled_from([None, "我不同意"]),
                    }
                ),
                max_size=3,
            )
        ),
    )
    for params in PARAMETERS[name]:
        found = REGISTRY[name](features, **params)
        assert repr(found) == repr(REGISTRY[name](features, **params))
        assert len(found) <= 1 or name == "hold"
        for finding in found:
            assert finding.kind in REGISTRY[name].emits
            assert 0.0 <= finding.span.start_s <= finding.span.stop_s <= 10.0
            assert str(finding.message) and language("zh-CN").tell(finding.message)
