"""The clock against the times of container and file."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.clock_simulation import START_S, Recorder, take
from detectors.clock_time import clock_time
from pipeline.features.schema import table
from pipeline.model import Features, Level

START = datetime.fromtimestamp(START_S, UTC)
WHOLE = take(Recorder(), 600.0, 5)


def told(created=None, modified=None, clip=WHOLE, form="0000-00-00 00:00:00", **params):
    tables = dict(clip.features(form).tables)
    tables["container"] = table("container", [{"created_at": created, "bytes": 1, "index_found": True}])
    if modified is not None:
        tables["file"] = table("file", [{"modified_at": modified}])
    return list(clock_time(Features(tables), **params))


@pytest.mark.parametrize("hours", [0, -8, 8, -5.5, 5.5, -14, 13])
@pytest.mark.parametrize("at", [0, 600])
def test_a_creation_time_in_any_zone_at_start_or_end_fits(hours, at):
    local = START + timedelta(seconds=at + 3) + timedelta(hours=hours)
    fits = -14 <= hours <= 12
    assert (told(local.isoformat()) == []) is fits


@pytest.mark.parametrize("off", [timedelta(minutes=7), timedelta(days=3), timedelta(days=-400)])
def test_another_creation_time_is_a_note(off):
    (note,) = told((START - timedelta(hours=8) + off).isoformat())
    assert (note.kind, note.level) == ("clock-offset", Level.NOTE)
    assert note.message.values["shown"].startswith("2026-11-02 06:13")


@pytest.mark.parametrize("year", ["1904-01-01T00:00:00+00:00", "1970-01-01T00:00:10+00:00", "2000-01-01T00:00:00Z"])
def test_a_creation_time_that_was_never_set_says_so(year):
    (note,) = told(year)
    assert note.level is Level.NOTE and "not set" in note.summary


def test_a_clock_that_was_never_set_says_so():
    unset = take(Recorder(), 60.0, 5, start_s=946_684_800.0)
    (note,) = told(START.isoformat(), clip=unset)
    assert note.summary.startswith("The clock shows 2000-01-0")


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_no_creation_time_says_nothing(created):
    assert told(created) == []


def test_a_clock_beyond_the_files_last_change_is_for_a_person():
    assert told(modified=(START - timedelta(hours=8) + timedelta(minutes=10)).isoformat()) == []
    assert told(modified=(START - timedelta(hours=13)).isoformat()) == []
    (finding,) = told(modified=(START - timedelta(days=2)).isoformat())
    assert (finding.kind, finding.level) == ("clock-offset", Level.SUSPECT)
    (finding,) = told(modified=(START - timedelta(hours=13)).isoformat(), most_utc_offset_h=8.0)
    assert finding.level is Level.SUSPECT


def test_a_clock_without_a_date_is_compared_within_half_an_hour():
    face = take(Recorder(dated=False), 600.0, 5)
    assert told((START + timedelta(days=40, hours=3)).isoformat(), clip=face, form="00:00:00") == []
    (note,) = told((START + timedelta(days=40, minutes=-10)).isoformat(), clip=face, form="00:00:00")
    assert note.message.values["minutes"] == pytest.approx(10, abs=0.1)
    assert told(modified=(START - timedelta(days=2)).isoformat(), clip=face, form="00:00:00") == []


def test_what_was_not_read_says_nothing():
    frames = {"clock_s": np.full(len(WHOLE.time_s), np.nan)}
    tables = dict(WHOLE.features(**frames).tables)
    tables["container"] = table("container", [{"created_at": "1970-01-01T00:00:00Z", "bytes": 1, "index_found": True}])
    assert list(clock_time(Features(tables))) == []
