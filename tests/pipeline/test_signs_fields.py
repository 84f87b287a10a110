"""What burned-in lines say: clocks of many forms as readers give them, and the other fields."""

from datetime import datetime, timedelta

import pytest

from pipeline.signs.fields import DAY_S, HALF_DAY_S, consensus, field_of, figure, read_clock, read_date

THURSDAY = 18102  # 2019-07-25
TWO_PM = 14 * 3600 + 3 * 60 + 27


@pytest.mark.parametrize(
    "text",
    [
        "2019-07-25 14:03:27",
        "2019-07-2514:03:27",
        "2019/07/25 14:03:27",
        "2019.07.25 14:03:27",
        "2019年07月25日 14:03:27 星期四",
        "2019年7月25日14时03分27秒",
        "20190725 14:03:27",
        "20190725140327",
        "25.07.2019 14:03:27",
        "25/07/2019 14:03:27",
        "07-25-2019 14:03:27",
        "2019-07-25T14:03:27",
        "2019-07-25 星期四 14:03:27",
        "2019-07-25 THU 14:03:27",
        "2019-07-25 14:03:27.12",
        "2019-07-25 14:03:27:05",
        "２０１９－０７－２５ １４：０３：２７",
        "2019-07-2514103127",  # colons of dots read as ones
        "2O19-07-25 I4:O3:27",  # letters read for figures
    ],
)
def test_clocks_of_many_forms(text):
    reading = read_clock(text)
    assert (reading.day, reading.time_s, reading.step_s, reading.cycle_s) == (THURSDAY, TWO_PM, 1, DAY_S)
    assert reading.clock_s == THURSDAY * DAY_S + TWO_PM
    assert "".join(str(figure(text[place])) for place in reading.figures) == "140327"


@pytest.mark.parametrize("form", ["%Y%m%d%H:%M:%S", "%Y-%m-%d%H:%M:%S", "%Y/%m/%d%H%M%S", "%Y年%m月%d日%H:%M:%S"])
def test_date_and_time_that_run_together_part_at_the_right_place(form):
    for hours in range(0, 2 * 365 * 24, 7):
        moment = datetime(2022, 1, 1, 0, 17, 45) + timedelta(hours=hours)
        assert read_clock(moment.strftime(form)).clock_s == (moment - datetime(1970, 1, 1)).total_seconds()


@pytest.mark.parametrize("text", ["07-25-2019 02:03:27 PM", "2019-07-25 下午 02:03:27"])
def test_twelve_hours(text):
    reading = read_clock(text)
    assert (reading.day, reading.time_s, reading.cycle_s) == (THURSDAY, TWO_PM, HALF_DAY_S)


@pytest.mark.parametrize(("text", "hour"), [("12:00:01 AM", 0), ("12:00:01 PM", 12), ("1:00:01 PM", 13)])
def test_noon_and_midnight(text, hour):
    assert read_clock(text).time_s == hour * 3600 + 1


def test_a_clock_without_seconds_and_an_hour_of_one_figure():
    assert (read_clock("2019-07-25 14:03").step_s, read_clock("2019-07-25 14:03").figures) == (60, (11, 12, 14, 15))
    assert read_clock("7/27/2018 4:11:07 PM").figures[0] == -1


def test_the_form_tells_styles_apart():
    assert read_clock("2019-07-25 14:03:27").form == read_clock("2020-01-01 00:00:00").form
    assert read_clock("2019-07-25 14:03:27").form != read_clock("2019/07/25 14:03:27").form
    assert read_clock("2019年07月25日 14:03:27 星期四").form == read_clock("2019年07月26日 14:03:27 星期五").form


@pytest.mark.parametrize(
    "text",
    [
        "",
        "平安化工有限公司",
        "2019-07-25",
        "14:03",
        "DSJ-T2 0140623",
        "N38.04276 E114.51430",
        "25:61:00",
        "2019-13-45 99:99:99",
    ],
)
def test_no_clocks(text):
    reading = read_clock(text)
    assert reading is None or (reading.step_s == 60 and text == "14:03")


@pytest.mark.parametrize("text", ["2019-07-25", "2019年07月25日", "2019年07月25日 星期四", "25.07.2019", "20190725"])
def test_dates_on_a_line_of_their_own(text):
    assert read_date(text) == THURSDAY


@pytest.mark.parametrize("text", ["DSJ-T2 0140623", "2019-02-30", "ID:20190725", "2019-07-25 14:03:27"])
def test_no_dates(text):
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("DSJ-A7 0317255", "device"),
        ("设备号:0781946", "device"),
        ("V8-0892357", "device"),
        ("警号 130102017", "officer"),
        ("执法人员：王某某", "officer"),
        ("石家庄市安全生产监督管理局", "unit"),
        ("裕华区综合行政执法大队", "unit"),
        ("N38.04276 E114.51430", "gps"),
        ("38.04276,114.51430", "gps"),
        ("52KM/H", "speed"),
        ("●REC", "mark"),
        ("85%", "mark"),
        ("hello", "other"),
    ],
)
def test_fields(text, field):
    assert field_of(text) == field


def test_consensus_votes_by_character():
    assert consensus(["DSJ-A7", "DSJ-A1", "0SJ-A7", "DSJ-A7"]) == ("DSJ-A7", 0.5)
    assert consensus(["AB", "AB", "ABC"]) == ("AB", 2 / 3)
    assert consensus(["", ""]) == ("", 0.0)
