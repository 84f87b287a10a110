"""Whether a questioning began (对当事人进行询问)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = "A questioning seems to begin at {start_s:.1f} s: “{heard}”. A person must confirm it."


@detector("said-questioning", version=1, needs=("words.text",), emits=("said-questioning",))
def said_questioning(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for the words with which a questioning begins.

    It suggests a phase of the enforcement, no more.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/questioning.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第七条（六）: questioning the party or
    others concerned must be recorded.
    """
    words = features["words"]
    yield from findings("said-questioning", HEARD, words, lexicon("questioning"), more_phrases, min_score, join_s)
