"""Which days work."""

from datetime import date

import pytest

from pipeline.calendar import working_calendar
from pipeline.errors import SettingsError
from pipeline.settings import described, parameters_of, settings_from


def days(**agency):
    return {row["date"]: (row["works"], row["why"]) for row in working_calendar(**agency).to_pylist()}


@pytest.mark.parametrize(
    ("day", "works", "why"),
    [
        ("2026-02-13", True, None),
        ("2026-02-14", True, "春节调休上班 make-up day for Spring Festival"),  # a Saturday
        ("2026-02-15", False, "春节 Spring Festival"),
        ("2026-02-23", False, "春节 Spring Festival"),
        ("2026-02-24", True, None),
        ("2026-03-07", False, None),  # a plain Saturday
        ("2026-09-20", True, "国庆节调休上班 make-up day for National Day"),  # a Sunday
        ("2026-10-01", False, "国庆节 National Day"),
        ("2026-10-10", True, "国庆节调休上班 make-up day for National Day"),
        ("2018-12-29", True, "元旦调休上班 make-up day for New Year's Day"),  # announced with 2019
        ("2018-12-31", False, "元旦 New Year's Day"),
        ("2004-02-29", False, None),
    ],
)
def test_days_of_the_state_council(day, works, why):
    assert days()[day] == (works, why)


def test_every_day_from_the_first_to_the_last_that_is_known_stands_once_and_in_order():
    dates = working_calendar().column("date").to_pylist()
    known = [date.fromisoformat(text) for text in dates]
    assert dates[0] == "2004-01-01" and dates == sorted(set(dates))
    assert len(known) == (known[-1] - known[0]).days + 1


def test_the_end_of_the_last_year_is_not_known_before_the_next_is_announced():
    last = max(days())
    assert last.endswith("-12-24")
    year = int(last[:4])
    assert f"{year}-12-31" in days(years=(year,))
    assert f"{year}-12-31" in days(years=(year + 1,))
    assert f"{year + 1}-12-31" in days(years=(year + 1,))
    assert f"{year + 1}-01-01" not in days(years=(year,))


def test_a_year_that_the_agency_states_follows_the_plain_week_but_for_its_own_days():
    own = days(off=("2031-10-01/2031-10-07",), work=("2031-10-11",), years=(2031,))
    assert own["2031-10-01"] == own["2031-10-07"] == (False, "本机关放假 the agency's own day off")
    assert own["2031-10-11"] == (True, "本机关上班 the agency's own working day")  # a Saturday
    assert own["2031-10-08"] == (True, None)
    assert own["2031-10-12"] == (False, None)  # a Sunday


def test_the_agency_s_own_days_go_before_those_of_the_state_council():
    assert days(off=("2026-03-02",))["2026-03-02"][0] is False
    assert days(work=("2026-10-01",))["2026-10-01"][0] is True


def test_a_day_of_a_year_that_is_not_known_makes_only_itself_known():
    own = days(off=("2031-05-01",))
    assert own["2031-05-01"][0] is False
    assert "2031-05-02" not in own


def test_the_same_entries_give_the_same_table():
    assert working_calendar(off=("2026-03-02",)) is working_calendar(off=("2026-03-02",))


def test_a_day_that_is_off_and_works_is_an_error():
    with pytest.raises(SettingsError, match="both name 2026-03-02"):
        working_calendar(off=("2026-03-01/2026-03-03",), work=("2026-03-02",))


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"off": ["2026-13-01"]}, "off"),
        ({"work": ["2026-03-01/"]}, "work"),
        ({"off": ["2026-03-02/2026-03-01"]}, "off"),
        ({"off": ["2026-03-01/2062-03-01"]}, "off"),
        ({"off": "2026-03-01"}, "off"),
        ({"years": [20266]}, "years"),
        ({"holidays": []}, "holidays"),
    ],
)
def test_a_wrong_entry_is_an_error_that_names_it(entry, place):
    known = {"calendar": parameters_of(working_calendar)}
    with pytest.raises(SettingsError, match=rf"agency\.toml: \[calendar\] {place}"):
        settings_from({"calendar": entry}, known, "agency.toml")


def test_its_parameters_are_documented():
    assert described(working_calendar).keys() == parameters_of(working_calendar).model_fields.keys()
