"""When a report is made: now, or the one time that is given so that it can be made again byte for byte."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from pipeline.errors import SettingsError
from pipeline.model import Message

VARIABLE = "SOURCE_DATE_EPOCH"
"""Seconds since 1970 as a whole number, see https://reproducible-builds.org/specs/source-date-epoch/"""


def made_at(text: str | None = None) -> datetime:
    """Return the time that a report states, to the second.

    Parameters
    ----------
    text : str or None
        ISO 8601 with a zone; None: what the environment's SOURCE_DATE_EPOCH says, and now where it says nothing.

    Raises
    ------
    SettingsError
        If that is no such time.
    """
    if text is not None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.utcoffset() is None:
            message = "--made-at {text}: write a time with its zone, as 2026-03-04T18:00:00+08:00."
            raise SettingsError(Message(message, {"text": text}))
        return at.replace(microsecond=0)
    if stated := os.environ.get(VARIABLE):
        try:
            return datetime.fromtimestamp(int(stated), UTC)
        except (ValueError, OverflowError, OSError) as error:
            message = "{variable} is {text}: write seconds since 1970 as a whole number."
            raise SettingsError(Message(message, {"variable": VARIABLE, "text": stated})) from error
    return datetime.now(UTC).astimezone().replace(microsecond=0)
