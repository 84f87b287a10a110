"""Whether a coercive measure was announced or taken (行政强制措施)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = "A coercive measure was spoken of at {start_s:.1f} s: “{heard}”. A person must confirm it."


@detector("said-coercion", version=1, needs=("words.text",), emits=("said-coercion",))
def said_coercion(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for the words with which property is sealed or seized, or another coercive measure is taken.

    What is only threatened, explained or asked about is left out, as far as words tell it.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/coercion.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第二十一条（一）: where coercive measures are
    taken, the recording is kept for long. 行政强制法第九条: the kinds of coercive measures.
    """
    words = features["words"]
    yield from findings("said-coercion", HEARD, words, lexicon("coercion"), more_phrases, min_score, join_s)
