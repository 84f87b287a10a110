"""Values in the words and figures of a report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipeline.kinds import KINDS, TITLES
from pipeline.language import Language
from pipeline.model import Level, Outcome, Span
from pipeline.report.json_v1 import plain

NOTHING = "–"


def N_(sentence: str) -> str:
    """Mark a sentence for translation where it stands; it is translated where it is shown."""
    return sentence


LEVELS = {Level.VIOLATION: N_("Violation"), Level.SUSPECT: N_("Suspect"), Level.NOTE: N_("Note")}
OUTCOMES = {
    Outcome.PASS: N_("Passed"),
    Outcome.FAIL: N_("Failed"),
    Outcome.UNDECIDED: N_("Undecided"),
    Outcome.NOT_APPLICABLE: N_("Not applicable"),
}
VERDICTS = {
    Outcome.PASS: N_("No rule of this profile is broken."),
    Outcome.FAIL: N_("At least one rule of this profile is broken."),
    Outcome.UNDECIDED: N_("The footage alone does not decide this: a person must look."),
    Outcome.NOT_APPLICABLE: N_("No rule of this profile applies to this clip."),
}
SIGNS = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.UNDECIDED: "?", Outcome.NOT_APPLICABLE: "–"}
"""Marks that tell the outcomes apart without colour."""


def shown(text: str) -> str:
    """Return a text that UTF-8 can hold, on one line: control characters become visible escapes."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(plain(text)))


def clock(seconds: float, digits: int = 3) -> str:
    """Return seconds as `m:ss.mmm`, or `h:mm:ss.mmm` from an hour on."""
    unit = 10**digits
    ticks = round(abs(seconds) * unit)
    whole, rest = divmod(ticks, unit)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    sign = "-" if seconds < 0 and ticks else ""
    fraction = f".{rest:0{digits}d}" if digits else ""
    return sign + (f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}") + fraction


def stretch(span: Span) -> str:
    """Return a span as clock times and its length."""
    if span.start_s == span.stop_s:
        return clock(span.start_s)
    return f"{clock(span.start_s)} – {clock(span.stop_s)} ({figure(span.stop_s - span.start_s)} s)"


def size(count: int) -> str:
    """Return a number of bytes with a decimal unit (IEC 80000-13: kB is 1000 bytes)."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:  # rounds to three digits
            break
        value, unit = value / 1000, larger
    return f"{count} B" if unit == "B" else f"{value:.3g} {unit}"


def figure(number: float) -> str:
    """Return a number with as many digits as a reader needs."""
    if not math.isfinite(number):
        return NOTHING
    if number == int(number) and abs(number) < 1e9:
        return str(int(number))
    return f"{number:.3f}".rstrip("0") if 1 <= abs(number) < 1e6 else f"{number:.4g}"


def value(entry: Any, words: Language, most: int = 12) -> str:
    """Return a value of evidence or of a parameter; of a long list the first `most` entries."""
    _ = words.text
    entry = plain(entry)
    if entry is None or entry == "":
        return NOTHING
    if isinstance(entry, bool):
        return _("yes") if entry else _("no")
    if isinstance(entry, int | float):
        return figure(entry)
    if isinstance(entry, Mapping):
        return "; ".join(f"{shown(key)}: {value(part, words, most)}" for key, part in entry.items()) or NOTHING
    if isinstance(entry, list):
        listed = ", ".join(value(part, words, most) for part in entry[:most]) or NOTHING
        more = len(entry) - most
        return listed if more <= 0 else f"{listed}, {_('and {count} more').format(count=more)}"
    text = shown(entry)
    return text if len(text) <= 400 else f"{text[:400]}…"


def title(kind: str, words: Language) -> str:
    """Return the short name of a kind of finding."""
    return words.text(TITLES.get(kind, shown(kind)))


def sentence(kind: str, words: Language) -> str:
    """Return what a kind of finding says."""
    return words.text(KINDS.get(kind, shown(kind)))
