"""Which passage of the sound a finding about speech rests on."""

from __future__ import annotations

import numpy as np

from pipeline.model import Features, Finding, Span, Table

KINDS = ("notice-", "said-")
"""How the kinds begin whose findings rest on what was said; besides them `place-spoken`."""
LONGEST_S = 18.0
"""Longest passage; with a second before and after it a snippet lasts 20 s."""
OMITTED = " … "
"""Stands between two pieces of what was heard, in a finding's evidence."""


def rests_on_speech(finding: Finding) -> bool:
    """Tell whether a finding names a stretch of speech; that nobody spoke at all names none."""
    if finding.kind == "notice-missing":
        return "heard" in finding.evidence
    return finding.kind.startswith(KINDS) or finding.kind == "place-spoken"


def passage(finding: Finding, features: Features) -> Span:
    """Return what is to be heard of a finding about speech, `LONGEST_S` at most.

    Of a longer span it is the words that came nearest to what was looked for, else where somebody begins to speak.
    """
    span = finding.span
    if span.stop_s - span.start_s <= LONGEST_S:
        return Span(span.start_s, span.stop_s)
    found = _heard(finding, features) or Span(_first_voice_s(span, features), span.stop_s)
    return Span(found.start_s, min(found.stop_s, found.start_s + LONGEST_S))


def words_in(features: Features, span: Span) -> Table | None:
    """Return the rows of `words`, in order of time, whose middle lies in a span; None if no speech was looked for."""
    if "words" not in features:
        return None
    rows = features["words"]
    middle = (rows["start_s"] + rows["stop_s"]) / 2
    inside = rows.where((middle >= span.start_s) & (middle <= span.stop_s) & (rows["text"].astype(bool)))
    order = np.argsort(inside["start_s"], kind="stable")
    return Table({name: column[order] for name, column in inside.items()})


def _heard(finding: Finding, features: Features) -> Span | None:
    """Return where the first piece of the words that the evidence quotes was spoken, inside the finding's span."""
    quoted = str(finding.evidence.get("heard") or "").split(OMITTED)[0]
    rows = words_in(features, finding.span)
    if not quoted or rows is None:
        return None
    at = "".join(rows["text"]).find(quoted)
    if at < 0:
        return None
    ends = np.cumsum([len(text) for text in rows["text"]])
    first, last = np.searchsorted(ends, [at, at + len(quoted) - 1], side="right")
    start_s = float(rows["start_s"][first])
    return Span(start_s, max(start_s, float(rows["stop_s"][last])))


def _first_voice_s(span: Span, features: Features) -> float:
    if "voice" not in features:
        return span.start_s
    voice = features["voice"]
    starts = voice["start_s"][(voice["stop_s"] > span.start_s) & (voice["start_s"] < span.stop_s)]
    return max(span.start_s, float(starts.min())) if len(starts) else span.start_s
