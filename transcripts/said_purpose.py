"""Whether identity and purpose were made known (亮明身份，说明来意)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = "The officers made themselves or their purpose known at {start_s:.1f} s: “{heard}”. A person must confirm it."


@detector("said-purpose", version=1, needs=("words.text",), emits=("said-purpose",))
def said_purpose(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for the words with which officers say who they are and what they came for.

    An agency's own name is best added to `more_phrases`.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/purpose.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（三）: what is recorded must show
    the matter and the officers.
    """
    words = features["words"]
    yield from findings("said-purpose", HEARD, words, lexicon("purpose"), more_phrases, min_score, join_s)
