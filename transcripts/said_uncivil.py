"""Whether uncivil words were spoken (言语文明礼貌)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = (
    "Words that may be uncivil were heard at {start_s:.1f} s: “{heard}”. Who speaks, and in what tone, a person "
    "must hear."
)


@detector("said-uncivil", version=1, needs=("words.text",), emits=("said-uncivil",))
def said_uncivil(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for words that officers should not use.

    Insults count here too, because who speaks is not told apart. It is a hint for a person only and never fails a
    rule.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/uncivil.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（二）: language must be civil and
    polite.
    """
    words = features["words"]
    yield from findings("said-uncivil", HEARD, words, lexicon("uncivil"), more_phrases, min_score, join_s)
