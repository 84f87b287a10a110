"""Scores of a finding about speech against their thresholds: the whole, clause by clause, and what else counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.language import Language
from pipeline.model import Features, Finding, Span, Table
from pipeline.report.passages import words_in
from pipeline.report.wording import N_, NOTHING, clock, figure, shown
from transcripts.alignment import find
from transcripts.normalise import clauses
from transcripts.spoken import transcript

WHOLE = ("heard_score", "min_score")
"""Parameters that may hold the threshold of the whole, of a detector that has one of them."""
MEASURES = (
    ("speech_before_s", "late_after_speech_s", "≤", N_("Speech before it, s")),
    ("speech_s", "shortest_notice_s", "", N_("Speech, s")),
    ("not_understood_s", "shortest_notice_s", "<", N_("Speech that was not understood, s")),
    ("median_snr_db", "min_snr_db", "≥", N_("Speech over its surroundings, median, dB")),
    ("mean_logprob", "likely_logprob", "≥", N_("Likelihood of the words given the sound, logarithm")),
    ("lowest_clause_logprob", "likely_clause_logprob", "≥", N_("The same of the least likely clause")),
    ("median_word_probability", "min_word_probability", "≥", N_("Probability of the words, median")),
)
"""Other evidence, the parameter that it is held against and how; without a sign it is told as it is."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A sentence or a clause, and how well it was heard."""

    text: str
    clause: bool
    heard: str
    """The words that came nearest; empty where none came near."""
    when: str
    score: float
    """0 to 100."""
    needed: float | None
    met: bool | None
    """Whether the score reaches what is needed; None without a threshold."""


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A measured number and what it must be for the words to count."""

    name: str
    value: str
    limit: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Scores:
    """All that a finding about speech was judged by."""

    rows: tuple[ScoreRow, ...]
    measures: tuple[MeasureRow, ...]
    note: str
    """How scores and words belong together; empty where that needs no word."""


def build_scores(finding: Finding, features: Features, words: Language) -> Scores:
    """Return the scores that the evidence of a finding states, against the thresholds that its parameters state."""
    rows = tuple(_rows(finding, features))
    by_place = any(row.clause for row in rows) and "spoken_clauses" not in finding.evidence
    note = N_("Clauses are scored where the whole fits best; their nearest words stand where each fits best by itself.")
    return Scores(rows, tuple(_measures(finding, words)), words.text(note) if by_place else "")


def _rows(finding: Finding, features: Features) -> Iterator[ScoreRow]:
    known = finding.evidence
    agreement = known.get("agreement")
    if not isinstance(agreement, int | float):
        return
    wording = str(known.get("wording") or known.get("name") or "")
    needed = next((float(finding.params[name]) for name in WHOLE if name in finding.params), None)
    heard = shown(str(known.get("heard") or ""))
    when = f"{clock(finding.span.start_s, 2)} – {clock(finding.span.stop_s, 2)}" if _is_place(finding) else ""
    yield _row(shown(wording), False, heard, when, float(agreement), needed)
    places = [words_in(features, span) for span in (finding.span, Span(-math.inf, math.inf))]
    scores = _clause_scores(finding, clauses(wording))
    for clause, (score, needed) in zip(clauses(wording), scores, strict=False):
        least = float(finding.params.get("absent_score", 50.0))
        heard, when = next(filter(any, (_where(clause, rows, least) for rows in places)), ("", ""))
        yield _row(clause, True, heard, when, score, needed)


def _row(text: str, clause: bool, heard: str, when: str, score: float, needed: float | None) -> ScoreRow:
    return ScoreRow(text, clause, heard, when, score, needed, None if needed is None else score >= needed)


def _is_place(finding: Finding) -> bool:
    """Tell whether the span of a finding is where its words were heard, not all of what was listened to."""
    return finding.kind != "notice-missing" and "not_understood_s" not in finding.evidence


def _clause_scores(finding: Finding, parts: tuple[str, ...]) -> list[tuple[float, float | None]]:
    """Return score and threshold of each clause; where clauses were looked for one by one, of those that were heard."""
    known, params = finding.evidence, finding.params
    whole = known.get("clauses")
    if not isinstance(whole, list | tuple) or len(whole) != len(parts):
        return []
    needed = params.get("heard_clause_score")
    scores = [(float(score), None if needed is None else float(needed)) for score in whole]
    missing, spoken = known.get("missing_clauses"), known.get("spoken_clauses")
    if isinstance(missing, list | tuple) and isinstance(spoken, list | tuple):
        alone = iter(spoken)
        least = params.get("partial_clause_score")
        scores = [
            (score if part in missing else float(next(alone, score)), None if least is None else float(least))
            for part, (score, _) in zip(parts, scores, strict=True)
        ]
    return scores


def _where(clause: str, rows: Table | None, least: float) -> tuple[str, str]:
    """Return the words that come nearest to a clause, and when they were said; nothing where it agrees too little."""
    if rows is None or not rows.rows:
        return "", ""
    said = transcript(rows)
    match = find(clause, said.syllables)
    if match.score < least:
        return "", ""
    span, heard = said.place(match)
    return shown(heard), f"{clock(span.start_s, 2)} – {clock(span.stop_s, 2)}"


def _measures(finding: Finding, words: Language) -> Iterator[MeasureRow]:
    for name, parameter, sign, title in MEASURES:
        value, limit = finding.evidence.get(name), finding.params.get(parameter)
        if not isinstance(value, int | float):
            continue
        needed, met = NOTHING, None
        if sign and isinstance(limit, int | float):
            needed = f"{sign} {figure(limit)}"
            met = {"≤": value <= limit, "<": value < limit, "≥": value >= limit}[sign]
        yield MeasureRow(words.text(title), figure(value), needed, met)
