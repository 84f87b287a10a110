"""Whether the notice that the regulations prescribe was spoken (提前告知: in advance)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message, Scalar, Span, Table
from transcripts.alignment import Match, find
from transcripts.normalise import clauses
from transcripts.spoken import Transcript, examined_s, median_level_dbfs, speech_before_s, transcript

STANDARD = "为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像"
"""The wording of the regulations of Shijiazhuang and of the county emergency bureau, Art. 12 (1)."""

HEARD_SCORE, HEARD_CLAUSE_SCORE = 75.0, 50.0
"""Least agreement of a whole wording and of each of its clauses, 0 to 100, for it to count as recognised."""

OPENING_S = 120.0
"""The beginning of a clip, in seconds, in which the notice is due."""

HEARD = "The notice was spoken at {start_s:.1f} s: “{heard}” (agreement {score:.0f} of 100)."
LATE = "The notice was spoken only at {start_s:.1f} s, after {speech_before_s:.0f} s of talk; it is due in advance."
PARTIAL = "Only a part of the notice was heard, at {start_s:.1f} s: “{heard}”. Not heard: “{missing}”."
MISSING = (
    "The sound is intelligible, {speech_s:.0f} s of speech were recognised, and the notice is not among it "
    "(best agreement {score:.0f} of 100)."
)
NOBODY = (
    "In the first {examined_s:.0f} s nobody speaks long enough to have spoken the notice, though the surroundings are "
    "audible."
)
NOISY = (
    "Somebody speaks for {unclear_s:.0f} s but the sound is too poor to understand it (median level {snr_db:.0f} dB "
    "over the surroundings): the notice may have been spoken there. A person must listen."
)
UNINTELLIGIBLE = (
    "Somebody speaks for {unclear_s:.0f} s but the recogniser does not understand it: the notice may have been spoken "
    "there. A person must listen."
)
SECOND_LOOK = (
    "The notice was spoken at {start_s:.1f} s. It could not be written down word by word (“{heard}”, agreement "
    "{score:.0f} of 100), but given the sound the recogniser holds every clause of it likely (logarithm of the "
    "probability {mean:.1f}, of the least likely clause {lowest:.1f})."
)
BETWEEN = (
    "Something like the notice was heard at {start_s:.1f} s: “{heard}” (agreement {score:.0f} of 100), too little to "
    "confirm it and too much to rule it out. A person must listen."
)
INAUDIBLE = (
    "Hardly anybody is heard to speak, but the sound is too quiet, too loud or absent, so that this proves nothing."
)


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """How likely a wording is, given the sound: mean log-probability of its tokens, and of its least likely clause."""

    mean: float
    lowest: float

    @property
    def evidence(self) -> dict[str, float]:
        """Both, as a finding states them."""
        return {"mean_logprob": round(self.mean, 2), "lowest_clause_logprob": round(self.lowest, 2)}


def is_spoken(match: Match, heard_score: float = HEARD_SCORE, heard_clause_score: float = HEARD_CLAUSE_SCORE) -> bool:
    """Tell whether a wording was recognised as a whole: it agrees, and no clause is missing."""
    return match.score >= heard_score and min(match.clause_scores) >= heard_clause_score


@detector(
    "notice",
    version=2,
    needs=("voice.start_s", "words.text"),
    emits=("notice-heard", "notice-missing", "notice-partial", "notice-late", "notice-unclear"),
)
def notice(
    features: Features,
    *,
    notices: tuple[str, ...] = (STANDARD,),
    heard_score: float = HEARD_SCORE,
    heard_clause_score: float = HEARD_CLAUSE_SCORE,
    partial_clause_score: float = 75.0,
    absent_score: float = 50.0,
    likely_logprob: float = -2.6,
    likely_clause_logprob: float = -3.6,
    unlikely_clause_logprob: float = -3.85,
    opening_s: Annotated[float, Ge(0)] = OPENING_S,
    late_after_speech_s: float = 45.0,
    min_snr_db: float = 10.0,
    min_word_probability: float = 0.6,
    min_syllables_per_s: float = 1.5,
    shortest_notice_s: float = 3.5,
    quiet_dbfs: float = -40.0,
    audible_dbfs: float = -80.0,
) -> Iterator[Finding]:
    """Look for the notice in what was said in the opening of a clip.

    The notice is fitted into the transcript by syllables without tone (`transcripts.alignment`). It counts as spoken
    where the whole agrees and no clause is missing; as *not* spoken only where the sound of the opening is good enough
    to tell, that is where no speech is left that nobody can understand and that is long enough to hold the notice. In
    between a second look decides: how likely the recogniser holds the very words, given the sound (table
    `likelihood`). What is in between then is for a person, and so is an opening in which nobody speaks: perhaps there
    was nobody to be told. Shares and levels were chosen on the tuning half of the measurement in `docs/speech.md`.

    Parameters
    ----------
    notices : tuple of str
        Accepted wordings; punctuation parts their clauses.
    heard_score : float
        Least agreement of a whole wording, 0 to 100, for it to count as spoken.
    heard_clause_score : float
        Least agreement of each of its clauses, 0 to 100.
    partial_clause_score : float
        Agreement, 0 to 100, from which a clause by itself counts as spoken.
    absent_score : float
        Agreement of the whole, and of a clause by itself, below which it counts as not spoken.
    likely_logprob : float
        Mean log-probability of a wording from which it counts as spoken where its agreement is in between.
    likely_clause_logprob : float
        The same of each of its clauses.
    unlikely_clause_logprob : float
        A clause above this is not told as missing: it may have been drowned.
    opening_s : float
        The opening, in seconds from the beginning: it is listened to first, and whether the notice is missing is
        judged by it alone.
    late_after_speech_s : float
        Seconds of speech before the notice from which it is late; greetings and introductions take their time.
    min_snr_db : float
        Level of speech over the surrounding sound below which it cannot be trusted to be understood.
    min_word_probability : float
        Mean probability of the words of a stretch of speech below which it was not understood.
    min_syllables_per_s : float
        Syllables recognised per second of speech below which it was not understood.
    shortest_notice_s : float
        Seconds that speaking the notice takes at least: in less speech it cannot hide.
    quiet_dbfs : float
        Where nobody speaks: median level of the sound above which a voice could be drowned.
    audible_dbfs : float
        Where nobody speaks: median level below which the microphone may have been off or covered.

    References
    ----------
    Regulation of Shijiazhuang's work safety administration on recording law enforcement, Article 12 (1): the party must
    be told in advance, in the words of `STANDARD`.
    """
    said = transcript(features["words"])
    wordings = [wording for wording in notices if clauses(wording)]
    if not wordings:
        return

    def is_heard(match: Match) -> bool:
        return is_spoken(match, heard_score, heard_clause_score)

    found = [(wording, find(wording, said.syllables)) for wording in wordings]
    wording, match = max(found, key=lambda pair: (is_heard(pair[1]), pair[1].score))
    if is_heard(match):
        # An even better place may come later, when the notice is repeated: the first good one counts.
        while is_heard(before := find(wording, said.syllables[: match.start])):
            match = before
        yield from _heard(said, features["voice"], wording, match, late_after_speech_s)
        return
    likely = _likely(features, wording, said.place(match)[0])
    if (
        likely is not None
        and match.score >= absent_score
        and likely.mean >= likely_logprob
        and likely.lowest >= likely_clause_logprob
    ):
        yield from _heard(said, features["voice"], wording, match, late_after_speech_s, likely)
        return
    drowned = likely is not None and likely.lowest > unlikely_clause_logprob
    alone = {clause: find(clause, said.syllables) for clause in clauses(wording)}
    spoken = [fit for fit in alone.values() if fit.score >= partial_clause_score]
    absent = [clause for clause, fit in alone.items() if fit.score < absent_score]
    opening = features["voice"].where(features["voice"]["start_s"] < opening_s)
    until_s = min(max([examined_s(features), *opening["stop_s"]]), opening_s)
    if spoken and len(spoken) + len(absent) == len(alone) and not drowned:
        yield _partial(said, wording, match, spoken, absent)
    elif spoken or match.score >= absent_score:
        nearest = match if match.score >= absent_score else max(spoken, key=lambda fit: fit.score)
        yield _between(said, wording, match, nearest, likely)
    elif _speech_s(opening) < shortest_notice_s:
        yield _nobody(features, opening, quiet_dbfs, audible_dbfs, until_s)
    else:
        understood = said.understood(opening, min_snr_db, min_word_probability, min_syllables_per_s)
        yield _not_found(opening, said, wording, match, understood, shortest_notice_s, min_snr_db, until_s)


def _likely(features: Features, wording: str, span: Span) -> _Likelihood | None:
    """Return how likely a wording is in the piece of the opening in which it fits best; None where nobody asked."""
    if not features.has("likelihood.mean_logprob"):
        return None
    table = features["likelihood"]
    table = table.where(
        (table["sentence"] == wording) & (table["start_s"] < span.stop_s) & (table["stop_s"] > span.start_s)
    )
    if not table.rows:
        return None
    best = int(table["mean_logprob"].argmax())
    return _Likelihood(float(table["mean_logprob"][best]), float(table["lowest_logprob"][best]))


def _heard(
    said: Transcript,
    voice: Table,
    wording: str,
    match: Match,
    late_after_speech_s: float,
    likely: _Likelihood | None = None,
) -> Iterator[Finding]:
    span, heard = said.place(match)
    before = speech_before_s(voice, span.start_s)
    evidence = {**_facts(match, wording, heard), "speech_before_s": round(before, 2)}
    message = Message(HEARD, {"start_s": span.start_s, "heard": heard, "score": match.score})
    if likely is not None:
        told = {"mean": likely.mean, "lowest": likely.lowest}
        message = Message(SECOND_LOOK, {**message.values, **told})
        evidence |= likely.evidence
    yield Finding(
        "notice-heard",
        Level.NOTE,
        span,
        message,
        evidence=evidence,
        curves=(Curve("words.probability"),),
    )
    if before > late_after_speech_s:
        yield Finding(
            "notice-late",
            Level.SUSPECT,
            span,
            Message(LATE, {"start_s": span.start_s, "speech_before_s": before}),
            evidence=evidence,
            curves=(Curve("voice.probability"),),
        )


def _partial(said: Transcript, wording: str, match: Match, spoken: Sequence[Match], absent: Sequence[str]) -> Finding:
    places = sorted((said.place(fit) for fit in spoken), key=lambda place: place[0].start_s)
    span = Span(places[0][0].start_s, max(place.stop_s for place, _ in places))
    heard, missing = " … ".join(text for _, text in places), "，".join(absent)
    return Finding(
        "notice-partial",
        Level.SUSPECT,
        span,
        Message(PARTIAL, {"start_s": span.start_s, "heard": heard, "missing": missing}),
        evidence={
            **_facts(match, wording, heard),
            "spoken_clauses": tuple(round(fit.score, 1) for fit in spoken),
            "missing_clauses": tuple(absent),
        },
        curves=(Curve("words.probability"),),
    )


def _between(said: Transcript, wording: str, match: Match, nearest: Match, likely: _Likelihood | None) -> Finding:
    span, heard = said.place(nearest)
    return Finding(
        "notice-unclear",
        Level.SUSPECT,
        span,
        Message(BETWEEN, {"start_s": span.start_s, "heard": heard, "score": match.score}),
        evidence={**_facts(match, wording, heard), **(likely.evidence if likely else {})},
        curves=(Curve("words.probability"),),
    )


def _nobody(features: Features, opening: Table, quiet_dbfs: float, audible_dbfs: float, until_s: float) -> Finding:
    """Judge an opening with too little speech to hold the notice: tell whether that proves anything."""
    level = median_level_dbfs(features, until_s)
    told = until_s > 0 and audible_dbfs <= level <= quiet_dbfs
    return Finding(
        "notice-missing" if told else "notice-unclear",
        Level.SUSPECT,  # whom should an officer tell where nobody is? Only a person can say whether somebody was
        Span(0.0, until_s),
        Message(NOBODY, {"examined_s": until_s}) if told else Message(INAUDIBLE),
        evidence={
            "median_dbfs": _number(level),
            "examined_s": round(until_s, 2),
            "speech_s": round(_speech_s(opening), 2),
        },
        curves=(Curve("sound.rms_dbfs", quiet_dbfs if level > quiet_dbfs else audible_dbfs),),
    )


def _not_found(
    voice: Table,
    said: Transcript,
    wording: str,
    match: Match,
    understood: NDArray[np.bool_],
    shortest_notice_s: float,
    min_snr_db: float,
    until_s: float,
) -> Finding:
    """Judge an opening in which somebody speaks, but nothing like the notice was recognised."""
    words = said.words
    length = voice["stop_s"] - voice["start_s"]
    speech_s, unclear_s = _speech_s(voice), float(length[~understood].sum())
    evidence = {
        **_facts(match, wording, said.place(match)[1]),
        "speech_s": round(speech_s, 2),
        "not_understood_s": round(unclear_s, 2),
        "median_snr_db": _number(_median(voice["snr_db"])),
        "median_word_probability": _number(_median(words["probability"])),
        "syllables": len(said.syllables),
    }
    curves = (Curve("voice.snr_db", min_snr_db), Curve("words.probability"))
    if unclear_s < shortest_notice_s:
        values = {"speech_s": speech_s, "score": match.score}
        return Finding(
            "notice-missing",
            Level.VIOLATION,
            Span(0.0, until_s),
            Message(MISSING, values),
            evidence=evidence,
            curves=curves,
        )
    span = Span(float(voice["start_s"][~understood].min()), float(voice["stop_s"][~understood].max()))
    snr = _median(voice["snr_db"][~understood])
    message = (
        Message(NOISY, {"unclear_s": unclear_s, "snr_db": snr})
        if snr < min_snr_db
        else Message(UNINTELLIGIBLE, {"unclear_s": unclear_s})
    )
    return Finding("notice-unclear", Level.SUSPECT, span, message, evidence=evidence, curves=curves)


def _speech_s(voice: Table) -> float:
    return float((voice["stop_s"] - voice["start_s"]).sum())


def _facts(match: Match, wording: str, heard: str) -> dict[str, Scalar | Sequence[Scalar]]:
    return {
        "wording": wording,
        "heard": heard,
        "agreement": round(match.score, 1),
        "clauses": tuple(round(score, 1) for score in match.clause_scores),
    }


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


def _number(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None
