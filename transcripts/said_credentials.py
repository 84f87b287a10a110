"""Whether credentials were shown in words (出示执法证件)."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.detector import detector
from pipeline.model import Features, Finding
from transcripts.lexicon import Phrases, lexicon
from transcripts.phrases import JOIN_S, MIN_PHRASE_SCORE, findings

HEARD = (
    "Words of showing credentials were heard at {start_s:.1f} s: “{heard}”. Whether a card was shown, a person must"
    " look."
)


@detector("said-credentials", version=1, needs=("words.text",), emits=("said-credentials",))
def said_credentials(
    features: Features, *, more_phrases: Phrases = (), min_score: float = MIN_PHRASE_SCORE, join_s: float = JOIN_S
) -> Iterator[Finding]:
    """Look for the words that go with showing credentials.

    Words are no card: whether one was shown is for a person to see.

    Parameters
    ----------
    more_phrases : tuple of str
        Phrases to listen for besides those of `transcripts/lexicons/credentials.toml`.
    min_score : float
        Agreement, 0 to 100, from which a phrase of four syllables or more counts as heard.
    join_s : float
        Seconds between phrases up to which they are one finding.

    References
    ----------
    行政执法全过程记录制度（石家庄市安全生产监督管理局）第十二条（二）: credentials must be shown
    wherever laws and regulations ask for it.
    """
    words = features["words"]
    yield from findings("said-credentials", HEARD, words, lexicon("credentials"), more_phrases, min_score, join_s)
