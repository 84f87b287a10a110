"""What the lines that a recorder burns in say: clocks of many forms, and device, unit, officer, position, speed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

DAY_S = 86400
HALF_DAY_S = DAY_S // 2
EPOCH = date(1970, 1, 1).toordinal()

_DATE = (
    r"(?:(?P<year>(?:19|20)\d\d)(?P<mark>[-/.:年])?"
    r"(?P<month>1[0-2]|0[1-9]|(?(mark)[1-9]|(?!)))[-/.:月]?(?P<day>0[1-9]|[12]\d|3[01]|(?(mark)[1-9]|(?!)))日?"
    r"|(?P<first>0?[1-9]|[12]\d|3[01])(?P<sign>[-/.])(?P<second>0?[1-9]|[12]\d|3[01])[-/.](?P<last>(?:19|20)\d\d))"
)
_DAY_NAME = r"\(?(?:星期[一二三四五六日天]|周[一二三四五六日]|MON|TUE|WED|THU|FRI|SAT|SUN)?[A-Z]*\)?"
_NOON = r"(?P<before>上午|下午|AM|PM)?"
_FINER = r"(?:[.:;,](?P<finer>\d{1,3}))?"
_AFTER_DATE = (
    r"T?(?P<hour>[01]\d|2[0-3]|\d)[:.;时]?(?P<minute>[0-5]\d)(?:[:.;分]?(?P<seconds>[0-5]\d)秒?" + _FINER + r")?"
)
_ALONE = r"(?<!\d)(?P<hour>[01]?\d|2[0-3])[:;时](?P<minute>[0-5]\d)(?:[:.;分](?P<seconds>[0-5]\d)秒?" + _FINER + r")?"
_END = r"(?P<after>[AP]M)?(?!\d)"
_FULL = re.compile(r"(?<!\d)" + _DATE + _DAY_NAME + _NOON + _AFTER_DATE + _END)
_TIME = re.compile(_NOON + _ALONE + _END)
_MANGLED = re.compile(
    r"(?<!\d)"
    + _DATE
    + _DAY_NAME
    + r"(?P<before>)(?P<hour>[01]\d|2[0-3]).(?P<minute>[0-5]\d).(?P<seconds>[0-5]\d)"
    + _END
)
"""A colon of dots may be read as a figure."""
_ONLY_DATE = re.compile(_DATE + _DAY_NAME)
_LOOKALIKES = str.maketrans("OQDILSBZ", "00011582")
"""Letters that readers see where a recorder writes figures."""

_UNIT = re.compile(r".*(?:局|大队|支队|总队|中队|分队|队|所|委员会|委|处|院|科|站|公安|城管|执法|监督|监察).{0,6}")
_OFFICER = re.compile(r"(?:警号|警员|编号|姓名|执法员|执法人员|证号|工号|USER|OFFICER|PID|NAME)[:：]?(?P<who>.+)", re.I)
_GPS = re.compile(r".*[NS]\d{1,3}[.:°]?\d.*|.*[EW]\d{1,3}[.:°]\d.*|\d{1,3}\.\d{3,}[,，]?-?\d{1,3}\.\d{3,}")
_SPEED = re.compile(r".*\d+(?:KM/?H|MPH|公里).*", re.I)
_MARK = re.compile(r"[●•○]?(?:REC|录像|录制|录音|正在录像|\d{1,3}%|[●•○])[●•○]?\d*", re.I)
_DEVICE = re.compile(
    r"(?:设备(?:号|编号)?|机号|序列号|ID|DEV|SN|NO)?[.:：_-]?(?=[A-Z0-9_/-]*\d{3})[A-Z0-9][A-Z0-9_/-]{3,}", re.I
)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What a clock shows."""

    day: int | None
    """Days since 1970-01-01; None where it shows no date."""
    time_s: int
    """Seconds since midnight, or since noon or midnight where it counts twelve hours without saying which half."""
    cycle_s: int
    """After how many seconds the shown figures repeat: a day, or half a day."""
    step_s: int
    """1, or 60 for a clock without seconds."""
    form: str
    """The text with every figure written as 0."""
    figures: tuple[int, ...]
    """Where in the text the figures of hour, minute and, if shown, second stand; two of each."""

    @property
    def clock_s(self) -> float:
        """What column `frames.clock_s` holds."""
        return float((self.day or 0) * DAY_S + self.time_s)


def plain_line(text: str) -> str:
    """Return a line as it is parsed: NFKC and upper case, character by character, so that places are kept."""
    return "".join((unicodedata.normalize("NFKC", character).upper() or " ")[0] for character in text)


def read_clock(text: str) -> ClockReading | None:
    """Return what the clock in a line shows, None if there is none or only a date.

    Separators may be missing behind a date, as readers lose them; without a date the colon or 时 is asked for. Chinese
    dates, names of days, 上午/下午 and AM/PM are understood. Of 07-25-2019 and 25.07.2019, a figure above 12 decides
    which is the day; where both could be, a full stop means the day comes first, another sign the month.
    """
    kept = [place for place, character in enumerate(text) if not character.isspace()]
    line = plain_line("".join(text[place] for place in kept))
    for pattern in (_FULL, _TIME, _MANGLED):
        for candidate in (line, line.translate(_LOOKALIKES)):
            for found in pattern.finditer(candidate):
                if (reading := _reading(found, line, kept)) is not None:
                    return reading
    return None


def figure(character: str) -> int:
    """Return the figure that a character of a clock stands for."""
    return int(plain_line(character).translate(_LOOKALIKES))


def read_date(text: str) -> int | None:
    """Return the date that a line consists of, as days since 1970-01-01, None if it says something else."""
    line = plain_line("".join(text.split()))
    for candidate in (line, line.translate(_LOOKALIKES)):
        if found := _ONLY_DATE.fullmatch(candidate):
            return _day(found)
    return None


def _reading(found: re.Match[str], line: str, kept: list[int]) -> ClockReading | None:
    parts = found.groupdict()
    hour, minute, second = int(parts["hour"]), int(parts["minute"]), int(parts["seconds"] or 0)
    half = {"AM": 0, "上午": 0, "PM": 1, "下午": 1}.get(parts["after"] or parts["before"] or "")
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * half
    names = ("hour", "minute", "seconds") if parts["seconds"] else ("hour", "minute")
    figures = tuple(kept[place] for name in names for place in range(found.start(name), found.end(name)))
    if len(figures) % 2:  # an hour of one figure
        figures = (-1, *figures)
    return ClockReading(
        day=_day(found) if "year" in parts else None,
        time_s=hour * 3600 + minute * 60 + second,
        cycle_s=DAY_S if half is None else HALF_DAY_S,
        step_s=1 if parts["seconds"] else 60,
        form=re.sub(r"(?<=星期).|(?<=周).", "0", re.sub(r"\d", "0", line)),
        figures=figures,
    )


def _day(found: re.Match[str]) -> int | None:
    parts = found.groupdict()
    if parts["year"]:
        year, month, day = int(parts["year"]), int(parts["month"]), int(parts["day"])
    else:
        year, first, second = int(parts["last"]), int(parts["first"]), int(parts["second"])
        day_first = first > 12 or (second <= 12 and parts["sign"] == ".")
        day, month = (first, second) if day_first else (second, first)
    try:
        return date(year, month, day).toordinal() - EPOCH
    except ValueError:
        return None


def field_of(text: str) -> str:
    """Return what a burned-in line that is no clock says: device, unit, officer, gps, speed, mark or other."""
    line = re.sub(r"\s+", "", plain_line(text))
    if _OFFICER.fullmatch(line):
        return "officer"
    for name, pattern in (("speed", _SPEED), ("mark", _MARK), ("gps", _GPS), ("device", _DEVICE), ("unit", _UNIT)):
        if pattern.fullmatch(line):
            return name
    return "other"


def consensus(texts: Sequence[str]) -> tuple[str, float]:
    """Return what several readings of one text come to, and the share of them that say exactly that.

    Character by character among the readings of the usual length; the whole text that is read most often if those are
    few.
    """
    kept = [text for text in texts if text]
    if not kept:
        return "", 0.0
    length = Counter(map(len, kept)).most_common(1)[0][0]
    equal = [text for text in kept if len(text) == length]
    voted = "".join(Counter(column).most_common(1)[0][0] for column in zip(*equal, strict=True))
    best = voted if 2 * len(equal) >= len(kept) else Counter(kept).most_common(1)[0][0]
    return best, sum(text == best for text in kept) / len(kept)
