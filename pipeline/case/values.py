"""Values of a case record: what each form takes, and the text that it is stored as."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pipeline.case.fields import Field

DEFAULT_ZONE = "Asia/Shanghai"
"""Zone of times that give none."""

_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
_DAY = r"\d{4}-\d\d-\d\d"
_TIME = rf"{_DAY}[T ]{_CLOCK}"
_DATE_FORM, _TIME_FORM = re.compile(_DAY), re.compile(_TIME)
_PAUSE = re.compile(rf"({_TIME})\s*/\s*({_TIME}|{_CLOCK})(?:\s+(.*))?", re.S)
_LISTS = ("texts", "codes")
_NO_ZONES = {"Factory", "localtime"}
"""In the list of zones, but what they mean differs from machine to machine."""


class WrongValue(Exception):
    """A value that its field does not take; the text follows the name of the field."""


def stored(field: Field, value: Any, zone: str) -> tuple[str, ...]:
    """Return a value as the `case` table holds it, a list as a text for each entry.

    Parameters
    ----------
    field : Field
    value : str, bool, date, datetime or list
        As TOML gives it.
    zone : str
        Zone of times that give none, as in the IANA list.

    Raises
    ------
    WrongValue
        If the field does not take this value.
    """
    entries = value if field.form in _LISTS else [value]
    if not isinstance(entries, list):
        raise WrongValue(f"must be a list of {field.form}, not {value!r}")
    if not entries:
        raise WrongValue("is an empty list, which says nothing; leave the entry out instead")
    read = _FIELD_READERS.get(field.name) or _READERS[field.form]
    texts = tuple(read(field, entry, zone) for entry in entries)
    if len(texts) > 1 and "none" in texts:
        raise WrongValue(f"says none beside {next(text for text in texts if text != 'none')}; none must stand alone")
    return texts


@cache
def known_zone(name: str) -> ZoneInfo:
    """Return a zone of the IANA list.

    Raises
    ------
    WrongValue
        If it has no such zone.
    """
    zones = available_timezones() - _NO_ZONES
    if name not in zones:
        raise WrongValue(f"must be a zone of the IANA list, such as {DEFAULT_ZONE}, not {name!r}.{hint(name, zones)}")
    return ZoneInfo(name)


def hint(name: str, known: Any) -> str:
    """Return a sentence that names the nearest of the known names; empty if none is near."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _text(field: Field, value: Any, zone: str) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"must be a {'list of ' + field.form if field.form in _LISTS else 'text'}, not {value!r}")
    if not value.strip():
        raise WrongValue("holds an empty text; leave the entry out instead")
    return value.strip()


def _code(field: Field, value: Any, zone: str) -> str:
    code = _text(field, value, zone)
    if code not in field.codes:
        raise WrongValue(f"must be one of {', '.join(field.codes)}, not {code!r}.{hint(code, field.codes)}")
    return code


def _flag(field: Field, value: Any, zone: str) -> str:
    if not isinstance(value, bool):
        raise WrongValue(f"must be true or false, not {value!r}")
    return "true" if value else "false"


def _date(field: Field, value: Any, zone: str) -> str:
    if isinstance(value, str) and _DATE_FORM.fullmatch(value.strip()):
        value = _parsed(date.fromisoformat, value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise WrongValue(f"must be a date, such as 2026-03-04, not {_shown(value)}")
    return value.isoformat()


def _time(field: Field, value: Any, zone: str) -> str:
    if isinstance(value, str) and _TIME_FORM.fullmatch(value.strip()):
        value = _parsed(datetime.fromisoformat, value)
    if not isinstance(value, datetime):
        raise WrongValue(f"must be a time with its date, such as 2026-03-04T10:20:00+08:00, not {_shown(value)}")
    return _aware(value, zone).isoformat()


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text.strip())
    except ValueError as error:  # 30 February, 25 o'clock
        raise WrongValue(f"must be a day and time that exist, not {text!r}: {error}") from error


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, date | time) else repr(value)


def _aware(moment: datetime, zone: str) -> datetime:
    """Return a time with offset; one without is taken in `zone`."""
    if moment.tzinfo is not None:
        return moment
    before, after = (moment.replace(tzinfo=known_zone(zone), fold=fold) for fold in (0, 1))
    if before.utcoffset() != after.utcoffset():
        raise WrongValue(f"{moment} is skipped or comes twice where clocks change in {zone}; write it with its offset")
    return before


def _pause(field: Field, value: Any, zone: str) -> str:
    text = _text(field, value, zone)
    parts = _PAUSE.fullmatch(text)
    if parts is None:
        raise WrongValue(f"must be START/END reason, such as 2026-03-04T10:20:00+08:00/10:24:30 更换电池, not {text!r}")
    start, end, reason = _parsed(datetime.fromisoformat, parts[1]), parts[2], parts[3]
    if not reason:
        raise WrongValue(f"gives no reason: {text!r}")
    end = _parsed(datetime.fromisoformat, end if _TIME_FORM.match(end) else f"{start.date()}T{end}")
    end = end if end.tzinfo else end.replace(tzinfo=start.tzinfo)  # as ISO 8601 has it: START's offset holds for both
    start, end = _aware(start, zone), _aware(end, zone)
    if end <= start:
        raise WrongValue(f"ends before it starts, or at once: {text!r}")
    return f"{start.isoformat()}/{end.isoformat()} {reason}"


def _sha256(field: Field, value: Any, zone: str) -> str:
    text = _text(field, value, zone)
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise WrongValue(f"must be 64 hexadecimal digits, not {text!r}")
    return text.lower()


def _zone(field: Field, value: Any, zone: str) -> str:
    return known_zone(_text(field, value, zone)).key


_READERS: dict[str, Callable[[Field, Any, str], str]] = {
    "text": _text,
    "texts": _text,
    "code": _code,
    "codes": _code,
    "flag": _flag,
    "time": _time,
    "date": _date,
}
_FIELD_READERS: dict[str, Callable[[Field, Any, str], str]] = {
    "pauses": _pause,
    "store.sha256": _sha256,
    "timezone": _zone,
}
"""Fields that take less than their form does."""
